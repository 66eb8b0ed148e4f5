//! Why a parcel has its grade and what would lift it, in words: Chinese and English say the same.

mod lift;

use super::benchmark::Absent;
use super::decision::ConstructionArea;
use super::lift::Lift;
use super::receipt::{GradedBy, Line, NotJudged, Receipt};
use super::replay::Citation;
use super::tracks::shows_use;

pub(crate) use lift::grouped;

/// The explanation in both languages, a sentence a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Chinese.
    pub zh: Vec<String>,
    /// English.
    pub en: Vec<String>,
}

/// What is known of a result beside its receipt.
#[derive(Debug, Clone, Copy, Default)]
pub struct Beside<'a> {
    /// What would lift it.
    pub lift: Option<&'a Lift>,
    /// Where the row of the decision table comes from.
    pub citation: Option<&'a Citation>,
}

/// A sentence in Chinese and English.
pub type Pair = (String, String);

/// The explanation by what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sections {
    /// The grade, the score and the rank.
    pub grade: Vec<Pair>,
    /// What bars it from being judged, holds its grade, or keeps it from being idle.
    pub barred: Vec<Pair>,
    /// The land, and whom it is compared with.
    pub land: Vec<Pair>,
    /// Its figures.
    pub figures: Vec<Pair>,
    /// What was unreported, and what cost how many points.
    pub remarks: Vec<Pair>,
    /// What is recommended, on what ground.
    pub decision: Vec<Pair>,
    /// What would lift it a grade.
    pub lift: Vec<Pair>,
}

/// Puts a receipt into words.
pub fn explain(receipt: &Receipt, beside: &Beside<'_>) -> Explanation {
    sections(receipt, beside).into()
}

impl From<Sections> for Explanation {
    fn from(sections: Sections) -> Self {
        let Sections { grade, barred, land, figures, remarks, decision, lift } = sections;
        let (zh, en) = [grade, barred, land, figures, remarks, decision, lift].into_iter().flatten().unzip();
        Self { zh, en }
    }
}

/// The same by what it is about.
pub fn sections(receipt: &Receipt, beside: &Beside<'_>) -> Sections {
    Sections {
        grade: graded(receipt),
        barred: barred(receipt),
        land: land(receipt),
        figures: receipt.indicators.iter().map(indicator).collect(),
        remarks: remarks(receipt),
        decision: decision(receipt, beside.citation),
        lift: beside.lift.map(|one| lift::words(receipt, one)).unwrap_or_default(),
    }
}

fn graded(receipt: &Receipt) -> Vec<Pair> {
    let mut words = Vec::new();
    let mut say = |zh: String, en: String| words.push((zh, en));
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
    words
}

fn barred(receipt: &Receipt) -> Vec<Pair> {
    let mut words = Vec::new();
    let mut say = |zh: String, en: String| words.push((zh, en));
    let facts = &receipt.facts;
    for GradedBy { grade, limits, when } in &receipt.graded_by {
        let grade = grade.name();
        match (limits, when.is_empty()) {
            (true, _) => {
                say(format!("等级以 {grade} 为限：{when}。"), format!("No better than {grade}, because {when}."))
            }
            (false, true) => say(
                format!("按方案规则定为 {grade}：不符合其余各条。"),
                format!("By the rules of the scheme {grade}: none of the others holds."),
            ),
            (false, false) => {
                say(
                    format!("按方案规则定为 {grade}：{when}。"),
                    format!("By the rules of the scheme {grade}: {when}."),
                );
            }
        }
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
    words
}

fn land(receipt: &Receipt) -> Vec<Pair> {
    let mut words = Vec::new();
    let mut say = |zh: String, en: String| words.push((zh, en));
    let facts = &receipt.facts;
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
    if let Some(class) = facts.legacy_class {
        let (zh, en) = match receipt.situation.construction_area {
            ConstructionArea::Inside => {
                ("决策表对应为集中建设区内", "the decision table takes it for inside the construction area")
            }
            ConstructionArea::Outside => {
                ("决策表对应为集中建设区外", "the decision table takes it for outside the construction area")
            }
            ConstructionArea::Unknown => (
                "决策表未规定其对应集中建设区内外",
                "the decision table does not say whether that is inside the construction area",
            ),
        };
        let class = class.name();
        say(format!("位于原 {class} 区域：{zh}。"), format!("In the older division it lies in {class}: {en}."));
    }
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
    if let Some(ahead) = receipt.peers_ahead {
        say(
            format!("同类 {} 宗中，得分高于本宗地的有 {ahead} 宗。", receipt.peers),
            format!("Of these {} parcels {ahead} score higher.", receipt.peers),
        );
    }
    words
}

fn remarks(receipt: &Receipt) -> Vec<Pair> {
    let mut words = Vec::new();
    let mut say = |zh: String, en: String| words.push((zh, en));
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
    if let Some((zh, en)) = lost(receipt) {
        say(zh, en);
    }
    words
}

fn decision(receipt: &Receipt, citation: Option<&Citation>) -> Vec<Pair> {
    let mut words = Vec::new();
    let mut say = |zh: String, en: String| words.push((zh, en));
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
    if let Some(Citation { table, source }) = citation {
        say(
            format!(
                "决策行出处（{table}）：{source}（L 法律法规，K 出让合同，N 新闻报道，S 转述，P 本系统建议，属假设）。"
            ),
            format!(
                "Source of the decision row ({table}): {source} (L statute, K grant contract, N press, S second-hand, P landcycle's own proposal, an assumption)."
            ),
        );
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

/// What cost how many points against the benchmarks: weight × shortfall, in points of the score, the most first.
fn lost(receipt: &Receipt) -> Option<(String, String)> {
    // Without a score there is nothing to lose points of.
    receipt.score?;
    let counted: f64 = receipt.indicators.iter().filter(|line| line.points.is_some()).map(|line| line.weight).sum();
    // Where one of several counts, their weight counts once.
    let total: f64 = receipt.indicators.iter().filter(|line| line.passed_over.is_none()).map(|line| line.weight).sum();
    let mut lost: Vec<(f64, &Line)> = receipt
        .indicators
        .iter()
        .filter_map(|line| Some(((line.weight - line.points?) * total / counted, line)))
        .filter(|(points, _)| *points > 0.0)
        .collect();
    lost.sort_by(|a, b| b.0.total_cmp(&a.0));
    let all: f64 = lost.iter().map(|(points, _)| points).sum();
    let list = |name: &dyn Fn(&Line) -> &'static str| -> Vec<String> {
        lost.iter().map(|(points, line)| format!("{} {points:.2} ({:.0}%)", name(line), 100.0 * points / all)).collect()
    };
    (!lost.is_empty()).then(|| {
        (
            format!("与基准相比失分（折合总分）：{}。", list(&|line| line.key.title().0).join("、")),
            format!("Points lost against the benchmarks: {}.", list(&|line| line.key.title().1).join(", ")),
        )
    })
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
        NotJudged::Undecided { rule, unknown } => {
            let (zh, en): (Vec<&str>, Vec<&str>) = unknown.iter().map(|key| key.title()).unzip();
            (
                format!("缺少{}，无法判定规则“{rule}”：缺少数据，不作低效认定。", zh.join("、")),
                format!(
                    "Whether \"{rule}\" holds hangs on what is unknown ({}): data are missing, and that is not inefficiency.",
                    en.join(", ")
                ),
            )
        }
        NotJudged::Required { indicator } => {
            let (zh, en) = indicator.title();
            (format!("缺少必备指标“{zh}”。"), format!("The required indicator \"{en}\" is unknown."))
        }
    }
}

fn indicator(line: &Line) -> (String, String) {
    let (zh, en) = line.key.title();
    let unit = line.key.unit();
    // A figure that is known may have nothing to be measured against.
    let (no_zh, no_en) = match line.absent.filter(|_| line.value.is_some()).map(Absent::words) {
        Some([zh, en]) => (format!("无基准（{zh}）"), format!("no benchmark ({en})")),
        None => ("缺数据".to_owned(), "unknown".to_owned()),
    };
    if let Some(points) = line.passed_over {
        let value = line.value.map_or_else(String::new, |value| format!("{value:.2} {unit}，"));
        let en_value = line.value.map_or_else(String::new, |value| format!("{value:.2} {unit}, "));
        return (
            format!("{zh}：{value}可得 {points:.2}/{:.0} 分，同组另一项计分，本项不计。", line.weight),
            format!(
                "{en}: {en_value}would give {points:.2} of {:.0} points, but another of its set counts.",
                line.weight
            ),
        );
    }
    if let (Some([class_zh, class_en]), Some(points)) = (&line.class, line.points) {
        return (
            format!("{zh}：{class_zh}，得 {points:.2}/{:.0} 分。", line.weight),
            format!("{en}: {class_en}, {points:.2} of {:.0} points.", line.weight),
        );
    }
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
            format!("{zh}：{no_zh}，按同类平均计 {points:.2}/{:.0} 分。", line.weight),
            format!("{en}: {no_en}, the peers' mean of {points:.2} of {:.0} points stands in.", line.weight),
        ),
        _ => (
            format!("{zh}：{no_zh}，权重 {:.0} 由其余指标分担。", line.weight),
            format!("{en}: {no_en}, its weight of {:.0} is shared by the others.", line.weight),
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
