//! The cases in `tests/cases/review`, which an officer can read: a parcel, those beside it and a scheme, and the result
//! that was worked out by hand. Each is judged by what a run is judged by.

mod land;

use super::{DECISIONS, VALUES};
use chrono::NaiveDate;
use land::Plot;
use landcycle::domain::review::decision::{Idle, List, Situation, Start, Term};
use landcycle::domain::review::facts::Facts;
use landcycle::domain::review::grade::Grade;
use landcycle::domain::review::receipt::{Line, NotJudged, Receipt};
use landcycle::domain::review::run::{Rules, judge};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use toml::{Table, Value};

/// A file of cases, and the schemes that they name: what of each is other than in `plain.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sheet {
    #[serde(default)]
    scheme: BTreeMap<String, Table>,
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    zh: String,
    en: String,
    /// The sum that an officer can follow.
    why: String,
    /// A scheme of the file or one that is shipped; the plain one where none is named.
    #[serde(default = "plain")]
    scheme: String,
    /// The day; 30 June 2026 where none is named.
    as_of: Option<toml::value::Datetime>,
    /// The parcel that is looked at: the lowest code of all.
    parcel: Plot,
    /// Those that are judged beside it, in the order of codes.
    #[serde(default)]
    others: Vec<Plot>,
    /// Findings and rows that the case comes near to and that must be silent.
    #[serde(default)]
    not: Vec<String>,
    answer: Answer,
}

fn plain() -> String {
    "plain".to_owned()
}

/// A figure, or the word that says that there is none.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(untagged)]
enum Known {
    Figure(f64),
    Nothing(Nothing),
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Nothing {
    Unknown,
}

impl Known {
    fn figure(self) -> Option<f64> {
        match self {
            Self::Figure(figure) => Some(figure),
            Self::Nothing(Nothing::Unknown) => None,
        }
    }
}

/// What must come out. Grade, score, row and all that the receipt finds are always held; the rest where it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    grade: Grade,
    /// None for a parcel that is not judged.
    score: Option<f64>,
    /// Everything that the receipt finds, of [`FINDINGS`].
    #[serde(default)]
    finds: BTreeSet<String>,
    row: String,
    list: Option<List>,
    channel: Option<String>,
    /// A part of the legal ground, in Chinese.
    ground: Option<String>,
    /// The deadline, in Chinese.
    deadline: Option<String>,
    /// A part of the source of the row.
    cites: Option<String>,
    coverage: Option<f64>,
    values: Option<Vec<Known>>,
    benchmarks: Option<Vec<Known>>,
    points: Option<Vec<Known>>,
    added: Option<f64>,
    part: Option<String>,
    group: Option<String>,
    peers: Option<u32>,
    /// Rank, and of how many.
    rank: Option<[u32; 2]>,
    /// The window's first and last year.
    window: Option<[i32; 2]>,
    /// Of the parcel and those beside it.
    grades: Option<String>,
    scores: Option<Vec<Known>>,
    ranks: Option<Vec<u32>>,
}

/// All that a receipt may find beside figures: why nothing was judged, what was done about a figure, and what the decision
/// table sees of land, contract and faults.
const FINDINGS: [&str; 29] = [
    "coverage",
    "too-young",
    "exempt-industry",
    "required",
    "few-peers",
    "ungraded",
    "out-of-scope",
    "undecided",
    "ruled",
    "held-down",
    "class",
    "passed-over",
    "unknown-figure",
    "no-benchmark",
    "imputed",
    "taken-back",
    "adjusted",
    "holder",
    "area-of-the-shape",
    "veto",
    "terms-missed",
    "idle-one-year",
    "idle-two-years",
    "idle-excused",
    "start-late",
    "start-over-a-year",
    "term-expiring",
    "term-expired",
    "locked",
];

/// The findings of a receipt. Everything is taken apart by name, so that what is added to a receipt must be given a word
/// here, or a reason why it is none.
fn finds(receipt: &Receipt) -> BTreeSet<&'static str> {
    let Receipt {
        adjustments,
        facts,
        graded_by,
        holder,
        indicators,
        not_judged,
        situation,
        // Words and numbers of the result, which are held by themselves.
        coverage: _,
        decision: _,
        grade: _,
        of: _,
        part: _,
        peer_group: _,
        peers: _,
        peers_ahead: _,
        rank: _,
        score: _,
        window: _,
        // Which rules, which day, which form.
        as_of: _,
        format: _,
        rules: _,
        // Set where an objection is upheld, which judging knows nothing of.
        corrects: _,
    } = receipt;
    let Situation {
        idle,
        locked,
        start,
        term,
        terms_missed,
        veto,
        grade: _,
        performance_terms: _,
        tier: _,
        // Held by the rows that look at it.
        construction_area: _,
    } = situation;
    let mut found: BTreeSet<&'static str> = not_judged.iter().map(reason).collect();
    found.extend(graded_by.iter().map(|by| if by.limits { "held-down" } else { "ruled" }));
    for line in indicators {
        let Line {
            value,
            points,
            imputed,
            counted,
            class,
            passed_over,
            absent: _,
            benchmark: _,
            key: _,
            lower_is_better: _,
            weight: _,
        } = line;
        let silent = line.is_unknown() && !imputed;
        let unmeasured = value.is_some() && points.is_none() && passed_over.is_none();
        let told = [
            (class.is_some(), "class"),
            (passed_over.is_some(), "passed-over"),
            (silent, "unknown-figure"),
            (unmeasured, "no-benchmark"),
            (*imputed, "imputed"),
            (counted.is_some(), "taken-back"),
        ];
        found.extend(told.into_iter().filter(|(holds, _)| *holds).map(|(_, word)| word));
    }
    let told = [
        (!adjustments.is_empty(), "adjusted"),
        (holder.is_some(), "holder"),
        (!facts.land_is_registered, "area-of-the-shape"),
        (*veto, "veto"),
        (*terms_missed, "terms-missed"),
        (*locked, "locked"),
    ];
    found.extend(told.into_iter().filter(|(holds, _)| *holds).map(|(_, word)| word));
    found.extend(match idle {
        Idle::None => None,
        Idle::OneYear => Some("idle-one-year"),
        Idle::TwoYears => Some("idle-two-years"),
        Idle::Excused => Some("idle-excused"),
    });
    found.extend(match start {
        Start::InTime => None,
        Start::Late => Some("start-late"),
        Start::OverAYear => Some("start-over-a-year"),
    });
    found.extend(match term {
        Term::Running => None,
        Term::Expiring => Some("term-expiring"),
        Term::Expired => Some("term-expired"),
    });
    found
}

fn reason(one: &NotJudged) -> &'static str {
    match one {
        NotJudged::Coverage { .. } => "coverage",
        NotJudged::TooYoung { .. } => "too-young",
        NotJudged::ExemptIndustry { .. } => "exempt-industry",
        NotJudged::Required { .. } => "required",
        NotJudged::FewPeers { .. } => "few-peers",
        NotJudged::Ungraded { .. } => "ungraded",
        NotJudged::OutOfScope => "out-of-scope",
        NotJudged::Undecided { .. } => "undecided",
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases/review")
}

/// Every file of cases by its name, in order.
fn sheets() -> Vec<(String, Sheet)> {
    let names = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    // Two are no sheets: the scheme that the cases start from, and the figures of single indicators (`judge::measures`).
    let mut names: Vec<String> = names.filter(|name| name != "plain.toml" && name != "indicators.toml").collect();
    names.sort();
    let read = |name: String| {
        let sheet = toml::from_str(&fs::read_to_string(folder().join(&name)).unwrap());
        let sheet = sheet.unwrap_or_else(|error| panic!("{name}: {error}"));
        (name, sheet)
    };
    names.into_iter().map(read).collect()
}

/// Puts what is written over what was: tables key by key, all else whole.
fn put(over: &Table, under: &mut Table) {
    for (key, value) in over {
        match (value, under.get_mut(key)) {
            (Value::Table(over), Some(Value::Table(under))) => put(over, under),
            _ => {
                under.insert(key.clone(), value.clone());
            }
        }
    }
}

/// What a case leaves out of an indicator is ordinary.
fn complete(table: &mut Table) {
    for one in table.get_mut("indicator").and_then(Value::as_array_mut).into_iter().flatten() {
        let one = one.as_table_mut().unwrap();
        for (key, value) in [("direction", "higher"), ("missing", "reweigh"), ("source", "assumption")] {
            one.entry(key).or_insert_with(|| value.into());
        }
    }
    for part in table.get_mut("part").and_then(Value::as_array_mut).into_iter().flatten() {
        complete(part.as_table_mut().unwrap());
    }
}

fn rules(sheet: &Sheet, name: &str) -> Rules {
    let read = |path: PathBuf| fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let text = if name == "plain" || sheet.scheme.contains_key(name) {
        let mut table: Table = toml::from_str(&read(folder().join("plain.toml"))).unwrap();
        if let Some(over) = sheet.scheme.get(name) {
            if over.contains_key("part") {
                table.remove("indicator");
            }
            // Rules stand in the place of cuts.
            if over.get("cutoffs").and_then(|cutoffs| cutoffs.get("rule")).is_some() {
                table.remove("cutoffs");
            }
            put(over, &mut table);
            let cutoffs = table.get_mut("cutoffs").and_then(Value::as_table_mut).unwrap();
            cutoffs.entry("source").or_insert_with(|| "assumption".into());
        }
        complete(&mut table);
        toml::to_string(&table).unwrap()
    } else {
        let shipped = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/schemes");
        read(shipped.join(format!("{name}.toml")))
    };
    Rules::parse(&text, DECISIONS, VALUES).unwrap_or_else(|error| panic!("scheme {name}: {error}"))
}

impl Case {
    fn as_of(&self) -> NaiveDate {
        self.as_of.as_ref().map_or_else(super::as_of, land::date)
    }

    fn facts(&self, years: u32) -> Vec<Facts> {
        let mut number = 0;
        let plots = std::iter::once(&self.parcel).chain(&self.others);
        let facts = plots.flat_map(|plot| (0..plot.times).map(move |_| plot)).map(|plot| {
            number += 1;
            plot.facts(number, self.as_of(), years)
        });
        facts.collect()
    }

    /// What the result is not that it should be.
    fn wrong(&self, rules: &Rules, receipts: &[Receipt]) -> Vec<String> {
        let (receipt, answer) = (&receipts[0], &self.answer);
        let mut wrong = Vec::new();
        let mut hold = |what: &str, holds: bool, is: &dyn std::fmt::Debug| {
            if !holds {
                wrong.push(format!("{what} is {is:?}"));
            }
        };
        let decision = &receipt.decision;
        hold("grade", receipt.grade == answer.grade, &receipt.grade);
        hold("score", receipt.score == answer.score, &receipt.score);
        let found = finds(receipt);
        hold("finds", found.iter().copied().eq(answer.finds.iter().map(String::as_str)), &found);
        hold("row", decision.row == answer.row, &decision.row);
        hold("list", decision.list == answer.list, &decision.list);
        for (what, asked, is) in [
            ("channel", &answer.channel, &decision.channel),
            ("part", &answer.part, &receipt.part),
            ("group", &answer.group, &receipt.peer_group),
        ] {
            hold(what, asked.as_ref().is_none_or(|asked| asked == is), is);
        }
        let ground = &decision.ground[0];
        hold("ground", answer.ground.as_ref().is_none_or(|part| !part.is_empty() && ground.contains(part)), ground);
        let deadline = decision.deadline.as_ref().map(|deadline| &deadline.text[0]);
        hold("deadline", answer.deadline.is_none() || answer.deadline.as_ref() == deadline, &deadline);
        let row = rules.decisions.rows.iter().find(|row| row.id == decision.row).unwrap();
        hold("cites", answer.cites.as_ref().is_none_or(|part| row.source.contains(part)), &row.source);
        hold("coverage", answer.coverage.is_none_or(|asked| asked == receipt.coverage), &receipt.coverage);
        let columns: [(&str, _, Column); 3] = [
            ("values", &answer.values, |line| line.value),
            ("benchmarks", &answer.benchmarks, |line| line.benchmark),
            ("points", &answer.points, |line| line.points),
        ];
        for (what, asked, column) in columns {
            let is: Vec<Option<f64>> = receipt.indicators.iter().map(column).collect();
            hold(what, asked.as_ref().is_none_or(|asked| alike(asked, &is)), &is);
        }
        let added: f64 = receipt.adjustments.iter().map(|one| one.points).sum();
        hold("added", answer.added.is_none_or(|asked| asked == added), &added);
        hold("peers", answer.peers.is_none_or(|asked| asked == receipt.peers), &receipt.peers);
        let rank = (receipt.rank, receipt.of);
        hold("rank", answer.rank.is_none_or(|[at, of]| rank == (Some(at), of)), &rank);
        hold("window", answer.window.is_none_or(|asked| asked == receipt.window), &receipt.window);
        let grades: String = receipts.iter().map(|one| one.grade.name()).collect();
        hold("grades", answer.grades.as_ref().is_none_or(|asked| *asked == grades), &grades);
        let scores: Vec<Option<f64>> = receipts.iter().map(|one| one.score).collect();
        hold("scores", answer.scores.as_ref().is_none_or(|asked| alike(asked, &scores)), &scores);
        let ranks: Vec<u32> = receipts.iter().filter_map(|one| one.rank).collect();
        hold("ranks", answer.ranks.as_ref().is_none_or(|asked| *asked == ranks), &ranks);
        for word in &self.not {
            hold("what must be silent", !found.contains(word.as_str()) && *word != decision.row, word);
        }
        wrong
    }
}

/// A figure of an indicator.
type Column = fn(&Line) -> Option<f64>;

fn alike(asked: &[Known], is: &[Option<f64>]) -> bool {
    asked.len() == is.len() && asked.iter().zip(is).all(|(asked, is)| asked.figure() == *is)
}

#[test]
fn each_case_comes_out_as_it_was_worked_out_by_hand() {
    let (mut wrong, mut count) = (Vec::new(), 0);
    for (file, sheet) in sheets() {
        let mut read: BTreeMap<&str, Rules> = BTreeMap::new();
        for case in &sheet.case {
            count += 1;
            assert!(!case.why.is_empty() && !case.en.is_empty(), "{file}: {} says why, in both languages", case.zh);
            let rules = read.entry(&case.scheme).or_insert_with(|| rules(&sheet, &case.scheme));
            let facts = case.facts(rules.scheme.window.years);
            let receipts = judge(rules, case.as_of(), facts, 2).unwrap();
            let faults = case.wrong(rules, &receipts);
            if !faults.is_empty() {
                wrong.push(format!("{file}: {} ({})\n    {}", case.zh, case.en, faults.join("\n    ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count} cases come out otherwise:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count >= 60, "{count} cases");
}

#[test]
fn every_finding_and_every_row_has_a_case_that_fires_it_and_one_near_to_it_that_does_not() {
    let sheets = sheets();
    let cases = || sheets.iter().flat_map(|(_, sheet)| &sheet.case);
    let fired: BTreeSet<&str> = cases().flat_map(|case| &case.answer.finds).map(String::as_str).collect();
    let answering: BTreeSet<&str> = cases().map(|case| case.answer.row.as_str()).collect();
    let silent: BTreeSet<&str> = cases().flat_map(|case| &case.not).map(String::as_str).collect();
    let rows = landcycle::domain::review::decision::DecisionTable::parse(DECISIONS).unwrap().rows;
    let rows: BTreeSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let findings: BTreeSet<&str> = FINDINGS.into_iter().collect();
    assert_eq!(fired, findings, "each finding has a case that has it");
    assert_eq!(answering, rows, "each row has a case that it answers");
    let near: BTreeSet<&str> = rows.union(&findings).copied().collect();
    assert_eq!(silent, near, "each finding and each row has a case near to it without it");
}
