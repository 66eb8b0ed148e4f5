//! What would lift a grade, in words: figures rounded so that the change that is read is never less than the one it takes.

use crate::domain::review::indicator::Indicator;
use crate::domain::review::lift::{Lift, Short, Way, Why};
use crate::domain::review::receipt::Receipt;

/// A sentence or two in both languages.
pub(super) fn words(receipt: &Receipt, lift: &Lift) -> Vec<(String, String)> {
    let pair = |zh: &str, en: &str| vec![(zh.to_owned(), en.to_owned())];
    match lift {
        Lift::Best => pair("已是最高等级。", "There is no better grade."),
        Lift::NotJudged => pair(
            "暂不评级：须先消除上述不评级原因，任何单项指标的变化均不改变等级。",
            "Not judged: the reasons above come first, and no figure alone changes that.",
        ),
        Lift::Held { faults, cleared } => {
            let each = |word: &dyn Fn(&str) -> String, gap: &str| -> String {
                let list =
                    faults.iter().map(|fault| format!("{} {} {}", fault.enterprise, fault.year, word(&fault.kind)));
                list.collect::<Vec<String>>().join(gap)
            };
            let better = cleared.name();
            let now = receipt.grade.name();
            let same = *cleared == receipt.grade;
            let then = if same {
                (format!("销号后按得分仍为 {now}"), format!("the score itself gives {now} then, too"))
            } else {
                (format!("销号后按现得分为 {better}"), format!("with the present score the grade is then {better}"))
            };
            vec![(
                format!(
                    "提升等级：任何指标的变化都不能提升等级；须由主管部门销号：{}；{}。",
                    each(&|kind| super::veto_zh(kind).to_owned(), "、"),
                    then.0
                ),
                format!(
                    "To rise a grade: no figure lifts it; what clears it is that the authority clears {}; {}.",
                    each(&str::to_owned, ", "),
                    then.1
                ),
            )]
        }
        Lift::NoPlace { to } => vec![(
            format!("提升等级：同组排名的宗地过少，{} 级没有名额。", to.name()),
            format!("To rise a grade: so few are ranked together that none of them can be {}.", to.name()),
        )],
        Lift::Rules { to, rules } => {
            let to = to.name();
            let said: Vec<&str> = rules.iter().map(|rule| rule.when.as_str()).collect();
            if rules.iter().any(|rule| rule.limits) {
                return vec![(
                    format!("提升等级：升至 {to} 级须不再有：{}。", said.join("；")),
                    format!("To rise a grade: for {to} this must no longer hold: {}.", said.join("; ")),
                )];
            }
            if said.is_empty() {
                return vec![(
                    format!("提升等级：方案没有给出 {to} 级的规则。"),
                    format!("To rise a grade: no rule of the scheme gives {to}."),
                )];
            }
            vec![(
                format!("提升等级：升至 {to} 级须符合其一：{}。", said.join("；或 ")),
                format!("To rise a grade: for {to} one of these must hold: {}.", said.join("; or ")),
            )]
        }
        Lift::Figures { to, score, rank, ways, short } => figures(receipt, to.name(), *score, *rank, ways, short),
    }
}

fn figures(
    receipt: &Receipt,
    to: &str,
    score: f64,
    rank: Option<u32>,
    ways: &[Way],
    short: &[Short],
) -> Vec<(String, String)> {
    let now = receipt.score.unwrap_or_default();
    let place = |rank: u32| (format!("，名次前 {rank} 位"), format!(", rank {rank} or better"));
    let (zh_rank, en_rank) = rank.map(place).unwrap_or_default();
    let mut told = Vec::new();
    let head = (
        format!("升至 {to} 级需得分 {score:.4}（现 {now:.4}{zh_rank}；其他宗地与基准不变）"),
        format!(
            "For {to} it takes a score of {score:.4} (now {now:.4}{en_rank}; the other parcels and the benchmarks as they are)"
        ),
    );
    if ways.is_empty() {
        told.push((
            format!("{}：任何单项指标都不足以达到。", head.0),
            format!("{}: no single figure is enough.", head.1),
        ));
    } else {
        let (zh, en): (Vec<String>, Vec<String>) = ways.iter().map(way).unzip();
        told.push((
            format!("{}；单项变化任选其一即可：{}。", head.0, zh.join("；或")),
            format!("{}; any one of these is enough: {}.", head.1, en.join("; or ")),
        ));
    }
    let short: Vec<(String, String)> = short.iter().filter(|one| one.why != Why::Unknown).map(unable).collect();
    if !short.is_empty() {
        let (zh, en): (Vec<String>, Vec<String>) = short.into_iter().unzip();
        told.push((
            format!("单项不足以提升等级：{}。", zh.join("；")),
            format!("Not enough alone: {}.", en.join("; ")),
        ));
    }
    told
}

fn way(way: &Way) -> (String, String) {
    let (zh, en) = way.key.title();
    let change = way.to - way.from;
    let sign = if change < 0.0 { "−" } else { "+" };
    // Two decimals where they say something, more where the change is smaller.
    let decimals = (2..=6).find(|decimals| change.abs() * 10f64.powi(*decimals) >= 10.0).unwrap_or(6);
    let by = grouped(rounded_up(change.abs(), decimals), decimals);
    let unit = Some(way.key.unit()).filter(|unit| !unit.is_empty()).map(|unit| format!(" {unit}")).unwrap_or_default();
    let share =
        if way.from == 0.0 { String::new() } else { format!("{sign}{:.0}%", 100.0 * (change / way.from).abs()) };
    let amount = way.amount.filter(|amount| *amount > 0.0).map(|amount| amount_in_words(way.key, amount));
    let (zh_amount, en_amount) = amount.unzip();
    let aside = |amount: Option<String>, gap: &str| -> String {
        let parts: Vec<String> =
            [amount, Some(share.clone())].into_iter().flatten().filter(|one| !one.is_empty()).collect();
        if parts.is_empty() { String::new() } else { parts.join(gap) }
    };
    let wrap =
        |text: String, open: &str, close: &str| if text.is_empty() { text } else { format!("{open}{text}{close}") };
    (
        format!("{zh} {sign}{by}{unit}{}", wrap(aside(zh_amount, "，"), "（", "）")),
        format!("{en} {sign}{by}{unit}{}", wrap(aside(en_amount, ", "), " (", ")")),
    )
}

fn unable(short: &Short) -> (String, String) {
    let (zh, en) = short.key.title();
    let (why_zh, why_en) = match (short.why, short.score) {
        (Why::Full, _) => ("已得满分".to_owned(), "gives all it can already".to_owned()),
        (Why::Given, _) => {
            ("既成事实，用地者无法改变".to_owned(), "a fact that no user of the land can change".to_owned())
        }
        (Why::Percentile, _) => (
            "按同类百分位截取，未作测算".to_owned(),
            "counts up to a percentile of the peers only, not worked out".to_owned(),
        ),
        (_, Some(score)) => {
            (format!("至其上限得分仅 {score:.4}"), format!("at its limit the score is {score:.4} only"))
        }
        (_, None) => ("未知".to_owned(), "unknown".to_owned()),
    };
    (format!("{zh}（{why_zh}）"), format!("{en} ({why_en})"))
}

fn amount_in_words(key: Indicator, amount: f64) -> (String, String) {
    let money = grouped(rounded_up(amount, 2), 2);
    let whole = grouped(rounded_up(amount, 0), 0);
    let wan = |zh: &str, en: &str| (format!("即每年多 {money} 万元{zh}"), format!("{money} 万元 more {en} a year"));
    match key {
        Indicator::SalesInt => wan("主营业务收入", "main revenue"),
        Indicator::OutInt => wan("产值", "output"),
        Indicator::TaxInt => wan("税收", "tax"),
        Indicator::VaInt => wan("增加值", "value added"),
        Indicator::InvInt => (format!("即多 {money} 万元固定资产"), format!("{money} 万元 more fixed assets")),
        Indicator::LabProd => (
            format!("即用工不变，每年多 {money} 万元增加值"),
            format!("{money} 万元 more value added a year with the same staff"),
        ),
        Indicator::RdShare => (
            format!("即收入不变，每年多 {money} 万元研发投入"),
            format!("{money} 万元 more research a year at the same revenue"),
        ),
        Indicator::VaEnergy => (
            format!("即增加值不变，每年少用 {money} 吨标准煤"),
            format!("{money} tce less energy a year for the same value added"),
        ),
        Indicator::VaEmis => (
            format!("即增加值不变，每年少排 {money} 吨"),
            format!("{money} t less emissions a year for the same value added"),
        ),
        Indicator::JobsInt => (format!("即多 {whole} 个就业岗位"), format!("{whole} more jobs")),
        Indicator::FarActual | Indicator::FarUse => {
            (format!("即多建 {whole} 平方米建筑面积"), format!("{whole} m² more floor area built"))
        }
        Indicator::VacRate => {
            (format!("即多启用 {whole} 平方米建筑面积"), format!("{whole} m² more floor area in use"))
        }
        Indicator::FulRate => {
            (format!("即多履行 {whole} 项到期义务"), format!("{whole} more of the obligations due met"))
        }
        Indicator::BldCoef => (format!("即多建 {whole} 平方米占地"), format!("{whole} m² more ground built on")),
        Indicator::LocalShare => (format!("即多用 {whole} 名本地员工"), format!("{whole} more of the staff local")),
        Indicator::VaWater => (
            format!("即增加值不变，每年少用 {money} 吨水"),
            format!("{money} t less water a year for the same value added"),
        ),
        Indicator::VaCod => (
            format!("即增加值不变，每年少排 {money} 吨化学需氧量"),
            format!("{money} t less COD a year for the same value added"),
        ),
        Indicator::TaxElec => (
            format!("即用电不变，每年多 {money} 万元税收"),
            format!("{money} 万元 more tax a year for the same electricity"),
        ),
        Indicator::SubletRate => {
            (format!("即少出租 {whole} 平方米建筑面积"), format!("{whole} m² less floor area let"))
        }
        // Of these no change is told.
        Indicator::StartDelay
        | Indicator::DoneDelay
        | Indicator::IdleDays
        | Indicator::PlanFit
        | Indicator::DataCov
        | Indicator::LocationClass
        | Indicator::IndustryClass
        | Indicator::EnterpriseClass
        | Indicator::LandClass => (String::new(), String::new()),
    }
}

/// Rounded up, but not by what is less than half a millionth: the grid of the figures.
fn rounded_up(value: f64, decimals: i32) -> f64 {
    let scale = 10f64.powi(decimals);
    ((value * scale - 5e-7 * scale).ceil() / scale).max(0.0)
}

/// With a comma before every three digits.
pub(crate) fn grouped(value: f64, decimals: i32) -> String {
    let text = format!("{value:.*}", usize::try_from(decimals).unwrap_or_default());
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_never_read_as_less_than_it_is() {
        assert_eq!([rounded_up(1.000_001, 2), rounded_up(1.0, 2), rounded_up(3_399.2, 0)], [1.01, 1.0, 3_400.0]);
        assert_eq!([grouped(1_234_567.5, 2), grouped(999.0, 0), grouped(1_000.0, 0)], ["1,234,567.50", "999", "1,000"]);
    }

    #[test]
    fn a_change_is_said_in_the_unit_of_the_figure_and_in_what_people_count() {
        let tax = Way { key: Indicator::TaxInt, from: 9.5, to: 11.4, amount: Some(57.0) };
        let (zh, en) = way(&tax);
        assert_eq!(zh, "地均税收 +1.90 万元/亩·年（即每年多 57.00 万元税收，+20%）");
        assert_eq!(en, "tax per land +1.90 万元/亩·年 (57.00 万元 more tax a year, +20%)");
        let vacant = Way { key: Indicator::VacRate, from: 40.0, to: 28.666_667, amount: Some(3_399.999_9) };
        assert_eq!(way(&vacant).1, "vacant floor area −11.34 % (3,400 m² more floor area in use, −28%)");
    }
}
