//! Why a park has its score and stars, in Chinese and English: each figure against the median of the parks, what it gave of
//! what, what is unknown, and how far the next star is. It knows no terminal.

use super::evaluate::Line;
use super::indicator::ParkIndicator;
use super::receipt::ParkReceipt;
use super::scheme::ParkScheme;
use super::standing::Year;
use crate::domain::review::explain::Explanation;

/// Less than this rounds to no points at all.
const LEAST_LOST: f64 = 0.005;

/// Says it, under the scheme that the evaluation kept.
pub fn explain(receipt: &ParkReceipt, scheme: &ParkScheme) -> Explanation {
    let mut told = Explanation { zh: Vec::new(), en: Vec::new() };
    let mut say = |zh: String, en: String| {
        told.zh.push(zh);
        told.en.push(en);
    };
    let (code, year, label) = (&receipt.facts.code, receipt.year, &receipt.rules.scheme);
    match (receipt.score, receipt.stars, receipt.rank) {
        (Some(score), Some(stars), Some(rank)) => say(
            format!(
                "园区 {code} {year} 年度评价 {score:.2} 分，{stars} 星，在 {} 个可评园区中列第 {rank}（方案 {label}，以 {} 为准）。",
                receipt.judged, receipt.as_of
            ),
            format!(
                "Park {code} scores {score:.2} for {year}: {stars} stars, place {rank} of {} that can be judged (scheme {label}, \
                 law of {}).",
                receipt.judged, receipt.as_of
            ),
        ),
        _ => say(
            format!("园区 {code} {year} 年度不予评价：已知指标只占权重 {}。", percent(receipt.coverage)),
            format!(
                "Park {code} is not judged for {year}: only {} of the weights are known.",
                percent(receipt.coverage)
            ),
        ),
    }
    if scheme.assumption {
        say(
            "评分办法为系统暂定，并非官方标准。".into(),
            "The scheme is an assumption of landcycle's, no official standard.".into(),
        );
    }
    for line in &receipt.indicators {
        let [zh, en] = in_words(line);
        say(zh, en);
    }
    if receipt.score.is_some() && receipt.coverage < 1.0 {
        say(
            format!("已知指标占权重 {}，按已知部分折算为 100 分。", percent(receipt.coverage)),
            format!("{} of the weights are known; they stand for all.", percent(receipt.coverage)),
        );
    }
    if let Some((line, lost)) = costliest(receipt) {
        let [zh, en] = line.key.title();
        say(format!("失分最多：{zh}（{lost:.2} 分）。"), format!("What cost most: {en} ({lost:.2} points)."));
    }
    match (receipt.came_to, receipt.score) {
        (Year::Failed, _) => say(
            format!("低于 {:.2} 分，本年度不合格。", scheme.fails_below),
            format!("Below {:.2}: the year failed.", scheme.fails_below),
        ),
        (_, Some(score)) => {
            if let Some(least) = scheme.next_star(score) {
                let short = least - score;
                say(
                    format!("距下一星级（{least:.2} 分）还差 {short:.2} 分。"),
                    format!("The next star takes {least:.2}: {short:.2} points more."),
                );
            }
        }
        _ => {}
    }
    told
}

/// The indicator that cost most of what its weight would give at the median, and how much.
fn costliest(receipt: &ParkReceipt) -> Option<(&Line, f64)> {
    let lost = |line: &'_ Line| line.points.map(|points| line.weight - points).filter(|lost| *lost >= LEAST_LOST);
    let mut costly: Vec<(&Line, f64)> =
        receipt.indicators.iter().filter_map(|line| Some((line, lost(line)?))).collect();
    costly.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.key.cmp(&b.0.key)));
    costly.into_iter().next()
}

fn in_words(line: &Line) -> [String; 2] {
    let [zh, en] = line.key.title();
    let (weight, most) = (line.weight, line.weight * line.cap);
    match (line.figure, line.benchmark, line.points) {
        (Some(figure), Some(benchmark), Some(points)) => {
            let [figure, benchmark] = [figure, benchmark].map(|number| written(line.key, number));
            [
                format!(
                    "{zh} {}，各园区中位数 {}，得 {points:.2} 分（权重 {weight}，至多 {most}）。",
                    figure[0], benchmark[0]
                ),
                format!(
                    "{en}: {} against a median of {}, gives {points:.2} points (weight {weight}, at most {most}).",
                    figure[1], benchmark[1]
                ),
            ]
        }
        _ => [
            format!("{zh}：未知，不计分（权重 {weight}）。"),
            format!("{en}: unknown, and not counted (weight {weight})."),
        ],
    }
}

/// A figure with its unit, Chinese and English.
fn written(key: ParkIndicator, figure: f64) -> [String; 2] {
    match key {
        ParkIndicator::OutputPerMu | ParkIndicator::TaxPerMu | ParkIndicator::InvestmentPerMu => {
            [format!("{figure:.2} 万元/亩"), format!("{figure:.2} wan yuan/mu")]
        }
        ParkIndicator::JobsPerMu => [format!("{figure:.2} 人/亩"), format!("{figure:.2} persons/mu")],
        _ => [percent(figure), percent(figure)],
    }
}

fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::park_evaluation::indicator::ParkFacts;
    use crate::domain::park_evaluation::receipt::{Round, receipts};

    fn told(parks: Vec<ParkFacts>, code: &str) -> Explanation {
        let scheme = ParkScheme::parse(include_str!("../../../data/park_schemes/default.toml")).expect("well formed");
        let as_of = "2025-12-31".parse().expect("a day");
        let round = Round { year: 2025, as_of, review_run: None, rules_hash: "0".repeat(64) };
        let found = receipts(&scheme, &round, parks);
        explain(found.iter().find(|one| one.facts.code == code).expect("there"), &scheme)
    }

    fn park(code: &str, output: f64) -> ParkFacts {
        ParkFacts {
            code: code.into(),
            land_m2: 2_000_000.0 / 3.0,
            output_wan_yuan: Some(output),
            output_before_wan_yuan: Some(100_000.0),
            tax_wan_yuan: Some(20_000.0),
            staff: Some(3_000.0),
            investment_wan_yuan: Some(300_000.0),
            research_wan_yuan: Some(1.0),
            revenue_wan_yuan: Some(100.0),
            ..ParkFacts::default()
        }
    }

    #[test]
    fn every_indicator_is_told_in_both_languages_with_its_unit_and_what_is_unknown_is_said() {
        let told = told(vec![park("A", 100_000.0), park("B", 100_000.0), park("C", 50_000.0)], "C");
        assert_eq!(told.zh.len(), told.en.len());
        for (zh, en) in [
            ("园区 C 2025 年度评价 82.14 分，2 星，在 3 个可评园区中列第 3", "Park C scores 82.14 for 2025: 2 stars"),
            ("并非官方标准", "no official standard"),
            (
                "地均产出 50.00 万元/亩，各园区中位数 100.00 万元/亩，得 7.50 分",
                "against a median of 100.00 wan yuan/mu",
            ),
            ("主导产业集中度：未知，不计分（权重 10）", "share of the leading industries: unknown, and not counted"),
            ("已知指标占权重 70.0%", "70.0% of the weights are known"),
            ("失分最多：地均产出（7.50 分）", "What cost most: output per land (7.50 points)"),
            ("距下一星级（90.00 分）还差 7.86 分", "The next star takes 90.00: 7.86 points more"),
        ] {
            assert!(told.zh.iter().any(|line| line.contains(zh)), "{zh}\n{}", told.zh.join("\n"));
            assert!(told.en.iter().any(|line| line.contains(en)), "{en}\n{}", told.en.join("\n"));
        }
    }

    #[test]
    fn a_park_that_is_not_judged_is_told_how_little_is_known() {
        let unknown = ParkFacts { code: "X".into(), ..ParkFacts::default() };
        let told = told(vec![park("A", 1.0), unknown], "X");
        assert!(told.zh[0].contains("不予评价") && told.en[0].contains("only 0.0% of the weights"), "{told:?}");
    }
}
