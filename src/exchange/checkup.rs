//! The check-up sheet (体检表) of one result as a printable HTML page of A4: no script, nothing from elsewhere, every word of
//! others escaped. It lays out what it is given and judges nothing.

use super::svg::escape;
use crate::domain::contract::obligation::{Excuse, ObligationKind};
use crate::domain::quantity::SquareMetres;
use crate::domain::review::explain::{Pair, Sections, grouped};
use crate::domain::review::facts::{Duty, Facts};
use crate::domain::review::grade::Grade;
use crate::domain::review::receipt::{Line, Receipt};
use std::fmt::Write as _;

/// So many obligations fit on the page; the rest is counted.
const MOST_DUTIES: usize = 8;
/// So many characters of a name fit where names stand.
const MOST_NAME: usize = 40;

/// What stands on the page.
#[derive(Debug, Clone, Copy)]
pub struct Checkup<'a> {
    /// The city, with its note to the reader, if it has one.
    pub city: &'a str,
    /// A note to the reader, Chinese and English.
    pub note: [&'a str; 2],
    /// The district and the park by name, where they are known.
    pub district: Option<&'a str>,
    /// The park.
    pub park: Option<&'a str>,
    /// Who uses it most.
    pub user: Option<&'a str>,
    /// The run.
    pub run: i64,
    /// Whether it is published.
    pub is_published: bool,
    /// Title of its scheme, Chinese and English.
    pub scheme: [&'a str; 2],
    /// The receipt.
    pub receipt: &'a Receipt,
    /// Its hash.
    pub hash: &'a str,
    /// What is said of it.
    pub words: &'a Sections,
    /// A map of it as SVG, drawn by this program.
    pub map: Option<&'a str>,
}

const STYLE: &str = r#"
@page { size: A4; margin: 0 }
* { box-sizing: border-box; margin: 0; padding: 0 }
html { background: #e9ecef }
body { width: 210mm; min-height: 296mm; margin: 0 auto; padding: 8mm 12mm 6mm; background: #fff; color: #14181c;
  font: 7.5pt/1.26 "Noto Sans CJK SC", "Noto Sans SC", "PingFang SC", "Microsoft YaHei", "Source Han Sans SC", "WenQuanYi Zen Hei", sans-serif;
  display: flex; flex-direction: column; gap: 1.9mm; -webkit-print-color-adjust: exact; print-color-adjust: exact }
@media print { html { background: #fff } body { min-height: 0; height: 296mm } }
i { font-style: normal; color: #56606a }
header { display: flex; justify-content: space-between; align-items: flex-end; border-bottom: 0.6mm solid #1d4f82; padding-bottom: 1.6mm }
h1 { font-size: 15pt; line-height: 1.15 } h1 i { font-size: 9pt; font-weight: 400 }
header p { text-align: right }
.state { display: inline-block; border: 0.3mm solid #b3261e; color: #b3261e; padding: 0 1.6mm; border-radius: 0.8mm; font-weight: 700 }
.state.out { border-color: #22663a; color: #22663a }
.top { display: grid; grid-template-columns: 72mm 1fr; gap: 4mm }
.top svg { width: 72mm; height: auto; display: block } .top svg text { font-size: 15px }
.none { border: 0.3mm dashed #98a2ad; height: 60mm; display: grid; place-items: center; color: #56606a }
.grade { display: flex; gap: 3mm; align-items: center; margin-bottom: 1.6mm }
.grade b { font-size: 30pt; line-height: 1; width: 17mm; height: 17mm; display: grid; place-items: center; border: 0.8mm solid currentColor; border-radius: 1.6mm }
.A b { color: #22663a } .B b { color: #1d4f82 } .C b { color: #8a5a14 } .D b { color: #b3261e } .T b { color: #56606a }
.grade strong { font-size: 12pt }
dl { display: grid; grid-template-columns: 31mm 1fr; border-top: 0.2mm solid #c9d0d6 }
dt, dd { border-bottom: 0.2mm solid #e1e5e9; padding: 0.3mm 0 } dt { color: #56606a }
h2 { font-size: 9pt; color: #1d4f82; margin-bottom: 0.7mm } h2 i { font-weight: 400 }
table { border-collapse: collapse; width: 100% }
th { font-weight: 400; color: #56606a; text-align: left; border-bottom: 0.3mm solid #98a2ad; padding: 0.3mm 1mm }
td { border-bottom: 0.2mm solid #e1e5e9; padding: 0.35mm 1mm; vertical-align: middle }
.figures td, .figures th { white-space: nowrap }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
.bar { width: 26mm } .bar svg { display: block; width: 24mm; height: 2.4mm }
.two { display: grid; grid-template-columns: 0.88fr 1.12fr; gap: 0 4mm; align-items: start } .two p { overflow-wrap: anywhere; margin-bottom: 0.6mm } .duties { grid-template-columns: 1fr 1fr } .duties td, .duties th { white-space: nowrap; padding-left: 0 }
.two .en { color: #3b444d }
.lift { background: #f2f6fa; border-left: 0.9mm solid #1d4f82; padding: 1.2mm 2mm }
footer { margin-top: auto; border-top: 0.3mm solid #98a2ad; padding-top: 1mm; font-size: 6.6pt; color: #56606a }
code { font-family: "Noto Sans Mono", "DejaVu Sans Mono", monospace; font-size: 6.2pt; overflow-wrap: anywhere }
"#;

/// The page.
pub fn page(it: &Checkup<'_>) -> String {
    let receipt = it.receipt;
    let code = escape(&receipt.facts.code);
    let mut html = format!(
        "<!doctype html>\n<html lang=\"zh-CN\">\n<head>\n<meta charset=\"utf-8\">\n<title>体检表 {code}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
    );
    let state = if it.is_published {
        r#"<span class="state out">已发布 published</span>"#
    } else {
        r#"<span class="state">初稿，不作决定依据 draft, decides nothing</span>"#
    };
    let _ = writeln!(
        html,
        "<header><h1>产业用地绩效评估体检表<br><i>Efficiency check-up sheet of industrial land</i></h1>\
         <p>{state}<br>{}<br><b>{code}</b></p></header>",
        escape(it.city)
    );
    top(&mut html, it);
    figures(&mut html, receipt);
    let reasons: Vec<Pair> = it.words.barred.iter().chain(&it.words.remarks).cloned().collect();
    section(&mut html, "成因", "Why", "", &reasons);
    section(&mut html, "建议与依据", "Recommendation and grounds", "", &it.words.decision);
    section(&mut html, "如何提升等级", "What would lift it a grade", "lift", &it.words.lift);
    duties(&mut html, &receipt.facts);
    foot(&mut html, it);
    html.push_str("</body>\n</html>\n");
    html
}

fn top(html: &mut String, it: &Checkup<'_>) {
    let (receipt, facts) = (it.receipt, &it.receipt.facts);
    html.push_str("<div class=\"top\"><div>");
    html.push_str(it.map.unwrap_or("<div class=\"none\">图形不详 no shape</div>"));
    let grade = receipt.grade.name();
    let _ = write!(html, "</div><div><div class=\"grade {grade}\"><b>{grade}</b><div>");
    match (receipt.score, receipt.rank) {
        (Some(score), Some(rank)) => {
            let _ = write!(
                html,
                "<strong>{score:.2} 分</strong> <i>points, 100 meets every benchmark</i><br>第 {rank} 位，共 {} 宗 <i>rank {rank} of {}</i>",
                receipt.of, receipt.of
            );
        }
        _ => html.push_str("<strong>暂不评级</strong><br><i>cannot be judged, which is no low score</i>"),
    }
    html.push_str("</div></div><dl>");
    let mut row = |zh: &str, en: &str, value: String| {
        let _ = write!(html, "<dt>{zh} <i>{en}</i></dt><dd>{}</dd>", escape(&value));
    };
    let named =
        |name: Option<&str>, code: &str| name.map_or_else(|| code.to_owned(), |name| format!("{} {code}", short(name)));
    row("区", "district", named(it.district, &facts.district));
    if let Some(park) = &facts.park {
        row("园区", "park", named(it.park, park));
    }
    row(
        "层级",
        "tier",
        format!("{} {}{}", facts.tier.chinese(), facts.tier.name(), if facts.locked { "，锁定 locked" } else { "" }),
    );
    let industry = facts.industry.as_deref().map_or_else(String::new, |code| format!("，行业 industry {code}"));
    row("用途", "use", format!("{}{industry}", facts.land_use));
    if let Some(user) = &facts.user {
        row("主要使用人", "main user", named(it.user, &user.code));
    }
    let mu = SquareMetres(facts.land_m2).to_mu().value();
    row("用地面积", "land", format!("{} m²（{mu:.2} 亩 mu）", grouped(facts.land_m2, 0)));
    let built = facts.floor_m2.map_or_else(
        || "不详 unknown".to_owned(),
        |floor| {
            let used =
                facts.used_floor_m2.map_or_else(String::new, |used| format!("，在用 in use {} m²", grouped(used, 0)));
            format!("{} m²{used}", grouped(floor, 0))
        },
    );
    row("建筑面积", "floor area", built);
    let ratio = |value: Option<f64>| value.map_or_else(|| "—".to_owned(), |value| format!("{value:.2}"));
    let is = facts.floor_m2.filter(|_| facts.land_m2 > 0.0).map(|floor| floor / facts.land_m2);
    row(
        "容积率",
        "plot ratio",
        format!("{} / {}（现状 built / 规划 allowed）", ratio(is), ratio(facts.plot_ratio_allowed)),
    );
    if let Some(contract) = &facts.contract {
        let end = contract.term_ends_on.map_or_else(String::new, |end| format!("，至 {end}"));
        row("合同", "contract", format!("{}{end}", short(&contract.number)));
    }
    let ahead = receipt.peers_ahead.map_or_else(String::new, |ahead| format!("，{ahead} 宗更高 score higher"));
    let group =
        if receipt.peer_group == "all" { "全部参评 all judged".to_owned() } else { receipt.peer_group.clone() };
    row("同类", "peers", format!("{group}：{} 宗 parcels{ahead}", receipt.peers));
    html.push_str("</dl></div></div>\n");
}

fn figures(html: &mut String, receipt: &Receipt) {
    if receipt.indicators.is_empty() {
        return;
    }
    html.push_str(
        "<section><h2>指标 <i>Figures against their benchmarks</i></h2><table class=\"figures\"><tr><th>指标 <i>indicator</i></th>\
         <th class=\"n\">本宗地 <i>here</i></th><th class=\"n\">基准 <i>benchmark</i></th><th>单位 <i>unit</i></th>\
         <th class=\"n\">与基准比 <i>of it</i></th><th></th><th class=\"n\">得分/权重 <i>points</i></th></tr>",
    );
    for line in &receipt.indicators {
        let (zh, en) = line.key.title();
        let number = |value: Option<f64>| value.map_or_else(|| "—".to_owned(), |value| grouped(value, 2));
        let strength = line.strength().filter(|_| !line.imputed);
        let percent = match strength {
            Some(strength) => format!("{:.0}%", strength * 100.0),
            None if line.passed_over.is_some() => "同组另一项计分 <i>another of its set counts</i>".to_owned(),
            None if line.imputed => "以同类均值计 <i>peers' mean</i>".to_owned(),
            None => "缺数据 <i>unknown</i>".to_owned(),
        };
        let here = match &line.class {
            Some([zh, en]) => format!("{} <i>{}</i>", escape(zh), escape(en)),
            None => number(line.value),
        };
        let points = line.points.map_or_else(|| "—".to_owned(), |points| format!("{points:.1}"));
        let _ = write!(
            html,
            "<tr><td>{zh} <i>{en}</i></td><td class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td><td class=\"n\">{percent}</td>\
             <td class=\"bar\">{}</td><td class=\"n\">{points} / {:.0}</td></tr>",
            here,
            number(line.benchmark),
            line.key.unit(),
            bar(line),
            line.weight
        );
    }
    html.push_str("</table></section>\n");
}

/// What a figure gives of its benchmark, which is the stroke at two thirds.
fn bar(line: &Line) -> String {
    let Some(strength) = line.strength().filter(|_| !line.imputed) else { return String::new() };
    let wide = (strength * 100.0).clamp(0.0, 150.0);
    let fill = if strength < 0.5 {
        "#b3261e"
    } else if strength < 1.0 {
        "#c98a2b"
    } else {
        "#2f7d4a"
    };
    format!(
        "<svg viewBox=\"0 0 150 12\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect width=\"150\" height=\"12\" fill=\"#e9ecef\"/>\
         <rect width=\"{wide:.1}\" height=\"12\" fill=\"{fill}\"/><path d=\"M100 0V12\" stroke=\"#14181c\" stroke-width=\"1.6\"/></svg>"
    )
}

fn section(html: &mut String, zh: &str, en: &str, class: &str, words: &[Pair]) {
    if words.is_empty() {
        return;
    }
    let _ = write!(html, "<section class=\"{class}\"><h2>{zh} <i>{en}</i></h2><div class=\"two\">");
    let (zh, en): (String, String) =
        words.iter().map(|(zh, en)| (format!("<p>{}</p>", escape(zh)), format!("<p>{}</p>", escape(en)))).unzip();
    let _ = writeln!(html, "<div>{zh}</div><div class=\"en\" lang=\"en\">{en}</div></div></section>");
}

fn duties(html: &mut String, facts: &Facts) {
    let Some(contract) = facts.contract.as_ref().filter(|contract| !contract.duties.is_empty()) else { return };
    html.push_str("<section><h2>合同约定履行情况 <i>Obligations of the contract</i></h2><div class=\"two duties\">");
    // What was missed comes first, then what is open.
    let mut duties: Vec<&Duty> = contract.duties.iter().collect();
    duties.sort_by_key(|duty| match duty.met {
        Some(false) => 0,
        None => 1,
        Some(true) => 2,
    });
    let shown = &duties[..duties.len().min(MOST_DUTIES)];
    for column in shown.chunks(shown.len().div_ceil(2)) {
        html.push_str(
            "<table><tr><th>约定 <i>obligation</i></th><th>期限 <i>due</i></th><th>履行 <i>met on</i></th><th>状态 <i>state</i></th></tr>",
        );
        column.iter().for_each(|duty| row(html, duty));
        html.push_str("</table>");
    }
    html.push_str("</div>");
    let more = duties.len() - shown.len();
    if more > 0 {
        let _ = write!(html, "<i>另有 {more} 项见档案 and {more} more in the dossier</i>");
    }
    html.push_str("</section>\n");
}

fn row(html: &mut String, duty: &Duty) {
    let kind = ObligationKind::WORDS.iter().find(|(word, _)| *word == duty.kind).map_or("", |(_, kind)| kind.chinese());
    let state = match (duty.met, duty.excuse.as_deref()) {
        (Some(true), _) => "已履行 met",
        (Some(false), Some(excuse)) if excuse == Excuse::Government.name() => "政府原因 excused",
        (Some(false), Some(_)) => "不可抗力 excused",
        (Some(false), None) if duty.met_on.is_some() => "逾期履行 met late",
        (Some(false), None) => "未履行 not met",
        (None, _) => "未到期或未知 open",
    };
    let day = |day: Option<chrono::NaiveDate>| day.map_or_else(|| "—".to_owned(), |day| day.to_string());
    let _ = write!(
        html,
        "<tr><td>{kind} <i>{}</i></td><td>{}</td><td>{}</td><td>{state}</td></tr>",
        escape(&duty.kind.replace('_', " ")),
        day(duty.due_on),
        day(duty.met_on)
    );
}

fn foot(html: &mut String, it: &Checkup<'_>) {
    let receipt = it.receipt;
    let [first, last] = receipt.window;
    let grade = if receipt.grade == Grade::D {
        "等级本身不构成强制依据。 <i>A grade alone compels nobody.</i> "
    } else {
        ""
    };
    let [zh, en] = it.note.map(escape);
    let _ = writeln!(
        html,
        "<footer>评估时点 as of {}　数据年份 years {first}–{last}　批次 run {}　方案 scheme {}　{} <i>{}</i><br>{grade}{zh} <i>{en}</i><br>\
         凭证 receipt SHA-256 <code>{}</code><br>规则 rules SHA-256 <code>{}</code></footer>",
        receipt.as_of,
        it.run,
        escape(&receipt.rules.scheme),
        escape(it.scheme[0]),
        escape(it.scheme[1]),
        escape(it.hash),
        escape(&receipt.rules.hash)
    );
}

/// A name that fits.
fn short(name: &str) -> String {
    if name.chars().count() <= MOST_NAME {
        return name.to_owned();
    }
    let mut short: String = name.chars().take(MOST_NAME - 1).collect();
    short.push('…');
    short
}
