//! Why a parcel has its grade, in words, from its receipt alone: Chinese and English say the same.

use super::receipt::{Line, NotJudged, Receipt};
use super::tracks::shows_use;

/// The explanation in both languages, a sentence a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Chinese.
    pub zh: Vec<String>,
    /// English.
    pub en: Vec<String>,
}

/// Puts a receipt into words.
pub fn explain(receipt: &Receipt) -> Explanation {
    let mut words = Explanation { zh: Vec::new(), en: Vec::new() };
    let mut say = |zh: String, en: String| {
        words.zh.push(zh);
        words.en.push(en);
    };
    let facts = &receipt.facts;
    let [first, last] = receipt.window;
    match (receipt.score, receipt.rank) {
        (Some(score), Some(rank)) => say(
            format!(
                "等级 {}：得分 {score:.2}（各项均达基准为 100），在 {} 宗参评宗地中列第 {rank} 位；评估时点 {}，数据年份 {first}–{last}。",
                receipt.grade.name(),
                receipt.of,
                receipt.as_of
            ),
            format!(
                "Grade {}: score {score:.2} (100 meets every benchmark), place {rank} of {} parcels judged; as of {}, figures of {first} to {last}.",
                receipt.grade.name(),
                receipt.of,
                receipt.as_of
            ),
        ),
        _ => say(
            format!("等级 T：暂不评级（并非低分）；评估时点 {}，数据年份 {first}–{last}。", receipt.as_of),
            format!(
                "Grade T: cannot be judged (which is not a low score); as of {}, figures of {first} to {last}.",
                receipt.as_of
            ),
        ),
    }
    for reason in &receipt.not_judged {
        let (zh, en) = not_judged(reason);
        say(zh, en);
    }
    if let Some(fault) = facts.vetoes.first() {
        let (enterprise, year, grade) = (&fault.enterprise, fault.year, receipt.grade.name());
        let kind = veto_zh(&fault.kind);
        // Which faults count, and how far down, is the scheme's to say.
        if receipt.situation.veto {
            say(
                format!(
                    "存在未销号的一票否决事项（{enterprise} {year} 年，{kind}），等级上限按方案执行，现为 {grade}。"
                ),
                format!(
                    "An uncleared {} fault of {enterprise} in {year} limits the grade as the scheme says; it is {grade}.",
                    fault.kind
                ),
            );
        } else {
            say(
                format!("存在未销号事项（{enterprise} {year} 年，{kind}），本方案未规定其限制等级。"),
                format!(
                    "An uncleared {} fault of {enterprise} in {year} is on record; the scheme limits no grade for it.",
                    fault.kind
                ),
            );
        }
    }
    if let Some(contract) = &facts.contract
        && contract.duties.iter().any(|duty| duty.kind == "start" && duty.met_on.is_none())
        && shows_use(facts)
    {
        say(
            format!(
                "合同 {} 未登记开工日期，但已有建筑、企业使用或年报数据，视为已开工，不作闲置认定。",
                contract.number
            ),
            format!(
                "Contract {} has no start on record, but buildings, users or yearly figures show that works began: not idle.",
                contract.number
            ),
        );
    }
    let basis = if facts.land_is_registered {
        ("证载面积", "registered area")
    } else {
        ("图形面积", "area of the shape")
    };
    let mu = crate::domain::quantity::SquareMetres(facts.land_m2).to_mu().value();
    say(
        format!("用地 {:.0} 平方米（{mu:.2} 亩，{}），位于{}。", facts.land_m2, basis.0, facts.tier.chinese()),
        format!("Land {:.0} m² ({mu:.2} mu, {}), tier {}.", facts.land_m2, basis.1, facts.tier.name()),
    );
    if receipt.peer_group == "all" {
        say(
            format!("同类比较：全部参评宗地 {} 宗（本行业宗地不足或行业不明）。", receipt.peers),
            format!("Compared with all {} parcels (its industry has too few, or is unknown).", receipt.peers),
        );
    } else {
        say(
            format!("同类比较：国民经济行业分类 {} 大类，{} 宗。", receipt.peer_group, receipt.peers),
            format!("Compared with {} parcels of GB/T 4754 class {}.", receipt.peers, receipt.peer_group),
        );
    }
    if let Some((year, known)) = least_reported(receipt) {
        say(
            format!(
                "部分用户未报数（最少的 {year} 年已报 {:.0}% 用房面积）：容许范围内按已报部分同比例推算，超出的视为缺数据。",
                known * 100.0
            ),
            format!(
                "Some users left figures out (least in {year}: {:.0} % of the floor area reported): within the tolerance the rest is taken at the same rate, beyond it the figure is unknown.",
                known * 100.0
            ),
        );
    }
    for line in &receipt.indicators {
        let (zh, en) = indicator(line);
        say(zh, en);
    }
    let decision = &receipt.decision;
    let [zh, en] = &decision.title;
    say(
        format!("建议：{zh}（决策表第 {} 行）。", decision.row),
        format!("Recommendation: {en} (decision row {}).", decision.row),
    );
    let [zh, en] = &decision.ground;
    if !zh.is_empty() {
        say(format!("依据：{zh}。"), format!("Ground: {en}."));
    }
    let [zh, en] = &decision.evidence;
    if !zh.is_empty() {
        say(format!("需备证据：{zh}。"), format!("Evidence needed: {en}."));
    }
    if let Some(due) = &decision.deadline {
        let [zh, en] = &due.text;
        say(format!("期限：{zh}。"), format!("Deadline: {en}."));
    }
    if let Some([zh, en]) = &decision.meanwhile {
        say(format!("在此期间：{zh}。"), format!("In the meantime: {en}."));
    }
    words
}

/// The year and share of the least complete figure that was reported at all, where one is not complete.
fn least_reported(receipt: &Receipt) -> Option<(i32, f64)> {
    let shares = receipt.facts.years.iter().flat_map(|year| year.figures.iter().map(|share| (year.year, share.known)));
    shares.filter(|(_, known)| *known > 0.0 && *known < 1.0).min_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)))
}

fn not_judged(reason: &NotJudged) -> (String, String) {
    match reason {
        NotJudged::Coverage { known, asked } => (
            format!("已知指标权重 {:.0}%，低于要求的 {:.0}%：缺少数据，不作低效认定。", known * 100.0, asked * 100.0),
            format!(
                "Figures behind {:.0} % of the weights are known, {:.0} % are asked for: data are missing, and that is not inefficiency.",
                known * 100.0,
                asked * 100.0
            ),
        ),
        NotJudged::TooYoung { since, asked_years } => (
            format!("自 {since} 起使用，不足 {asked_years} 年。"),
            format!("In use since {since}, less than {asked_years} years."),
        ),
        NotJudged::ExemptIndustry { industry } => (
            format!("行业 {industry} 属公用事业，不参评。"),
            format!("Industry {industry} is a utility and is not judged."),
        ),
        NotJudged::FewPeers { peers, asked } => (
            format!("可比宗地仅 {peers} 宗，不足 {asked} 宗。"),
            format!("Only {peers} parcels to compare it with; {asked} are asked for."),
        ),
        NotJudged::Ungraded { title: [zh, en], .. } => (format!("不参评：{zh}。"), format!("Not judged: {en}.")),
        NotJudged::OutOfScope => ("不在方案的评价范围内。".to_owned(), "No part of the scheme takes it.".to_owned()),
        NotJudged::Required { indicator } => {
            let (zh, en) = indicator.title();
            (format!("缺少必备指标“{zh}”。"), format!("The required indicator \"{en}\" is unknown."))
        }
    }
}

fn indicator(line: &Line) -> (String, String) {
    let (zh, en) = line.key.title();
    let unit = line.key.unit();
    match (line.value, line.benchmark, line.points) {
        (Some(value), Some(benchmark), Some(points)) => {
            let mark = match line.strength() {
                Some(strength) if strength < 0.5 => ("明显偏低", "far below"),
                Some(strength) if strength < 1.0 => ("低于基准", "below"),
                _ => ("达到基准", "meets it"),
            };
            (
                format!(
                    "{zh}：{value:.2} {unit}，基准 {benchmark:.2}，得 {points:.2}/{:.0} 分，{}。",
                    line.weight, mark.0
                ),
                format!(
                    "{en}: {value:.2} {unit}, benchmark {benchmark:.2}, {points:.2} of {:.0} points, {}.",
                    line.weight, mark.1
                ),
            )
        }
        (_, _, Some(points)) => (
            format!("{zh}：缺数据，按同类平均计 {points:.2}/{:.0} 分。", line.weight),
            format!("{en}: unknown, the peers' mean of {points:.2} of {:.0} points stands in.", line.weight),
        ),
        _ => (
            format!("{zh}：缺数据，权重 {:.0} 由其余指标分担。", line.weight),
            format!("{en}: unknown, its weight of {:.0} is shared by the others.", line.weight),
        ),
    }
}

fn veto_zh(kind: &str) -> &str {
    match kind {
        "safety" => "安全生产",
        "environment" => "生态环境",
        "illegal_use" => "违法用地",
        other => other,
    }
}
