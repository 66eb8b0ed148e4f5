//! The cases in `tests/cases/lock1.toml` and `lock2.toml`, which an officer can read: a deed and its place, and the verdict,
//! the rule, its citation and its words that must answer.

use super::{LAND_USE, LOCKUP, measures};
use landcycle::domain::land_use::LandUses;
use landcycle::domain::quantity::SquareMetres;
use landcycle::domain::zoning::lockup::Lockup;
use landcycle::domain::zoning::standing::{Measured, Part, Rule, Standing};
use landcycle::domain::zoning::verdict::{Deed, DeedKind, Verdict, judge};
use serde::Deserialize;
use std::collections::BTreeSet;

#[derive(Deserialize)]
struct Cases {
    case: Vec<Case>,
}

/// The cases of both tables.
pub(super) fn cases() -> Vec<Case> {
    [include_str!("../../cases/lock1.toml"), include_str!("../../cases/lock2.toml")]
        .into_iter()
        .flat_map(|text| toml::from_str::<Cases>(text).unwrap().case)
        .collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) deed: DeedKind,
    pub(super) day: toml::value::Datetime,
    pub(super) plan: Option<bool>,
    #[serde(default)]
    pub(super) base: f64,
    #[serde(default)]
    pub(super) community: f64,
    #[serde(default)]
    pub(super) locked: f64,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
    #[serde(default)]
    pub(super) freed_m2: f64,
    pub(super) verdict: Verdict,
    pub(super) rule: String,
    citation: String,
    zh: String,
    compensation_m2: Option<f64>,
    findings: Option<Vec<String>>,
    facts: Option<String>,
}

impl Case {
    /// A hectare that stands as the case says.
    fn standing(&self) -> Standing {
        let part = |percent: f64| Part { area_m2: SquareMetres(percent * 100.0), share: percent / 100.0 };
        let measured = Measured {
            area_m2: SquareMetres(10_000.0),
            base: part(self.base),
            community: part(self.community),
            zoned: part(self.base + self.community),
            locked: part(self.locked),
        };
        let rule = Rule { deciding_share: 0.5, border_tolerance: 0.01 };
        let day = self.day.to_string().parse().unwrap();
        Standing::of(day, &measured, rule, self.plan.unwrap_or(true), Vec::new())
    }

    fn deed(&self, uses: &LandUses) -> Deed {
        let class = |code: &Option<String>| uses.class("GB50137-SH", code.as_deref().expect("a use"));
        let freed = SquareMetres(self.freed_m2);
        match self.deed {
            DeedKind::NewProject => Deed::NewProject { to: class(&self.to) },
            DeedKind::Continuation => Deed::Continuation { to: class(&self.to) },
            DeedKind::OwnWorks => Deed::OwnWorks { to: class(&self.to) },
            DeedKind::ChangeOfUse => Deed::ChangeOfUse { from: class(&self.from), to: class(&self.to) },
            DeedKind::Renewal => Deed::Renewal { from: class(&self.from), to: class(&self.to) },
            DeedKind::BoundaryChange => Deed::BoundaryChange { freed },
            DeedKind::Division => Deed::Division { freed },
        }
    }
}

#[test]
fn each_situation_gets_the_verdict_that_an_officer_expects_with_rule_citation_and_words() {
    let lockup = Lockup::parse(LOCKUP).unwrap();
    let uses = LandUses::parse(LAND_USE).unwrap();
    let mut answered = BTreeSet::new();
    for case in &cases() {
        let ruling = judge(&lockup, &measures(), &case.deed(&uses), &case.standing()).unwrap();
        assert_eq!((ruling.verdict, &ruling.rule), (case.verdict, &case.rule), "{}", case.name);
        assert!(ruling.citation.contains(&case.citation), "{}: {}", case.name, ruling.citation);
        assert_eq!(ruling.title.zh, case.zh, "{}", case.name);
        let compensation = ruling.requirement.map(|needed| needed.compensation_m2.value());
        assert_eq!(compensation, case.compensation_m2, "{}", case.name);
        let remarks = ruling.remarks.iter().map(|remark| remark.code.to_owned());
        let found: Vec<String> = ruling.finding.iter().cloned().chain(remarks).collect();
        if let Some(expected) = &case.findings {
            assert_eq!(&found, expected, "{}", case.name);
        }
        if let Some(facts) = &case.facts {
            assert!(
                ruling.remarks.iter().any(|remark| remark.zh.contains(facts)),
                "{}: {:?}",
                case.name,
                ruling.remarks
            );
        }
        // A no always comes with a finding and with what would help.
        let says_no = ruling.verdict != Verdict::Allowed;
        assert!(!says_no || ruling.finding.is_some() && !ruling.remedy.zh.is_empty(), "{}", case.name);
        answered.insert(ruling.rule);
    }
    let silent: Vec<&str> =
        lockup.rows.iter().map(|row| row.id.as_str()).filter(|id| !answered.contains(*id)).collect();
    assert!(silent.is_empty(), "rules without a case: {silent:?}");
}

/// What a case lacks of what an officer reads: the situation in words, its day, the verdict, the rule, and where it was read.
fn lacks(case: &toml::Table) -> Option<&'static str> {
    let has_words = |name: &str| case.get(name).and_then(toml::Value::as_str).is_some_and(|text| text.trim().len() > 3);
    let words = ["name", "verdict", "rule", "citation"].into_iter().find(|name| !has_words(name));
    words.or_else(|| case.get("day").is_none_or(|day| day.as_datetime().is_none()).then_some("day"))
}

#[test]
fn no_case_of_a_lock_or_of_a_rise_stands_without_situation_day_verdict_rule_and_citation() {
    for (file, text) in [
        ("lock1", include_str!("../../cases/lock1.toml")),
        ("lock2", include_str!("../../cases/lock2.toml")),
        ("plot_ratio", include_str!("../../cases/plot_ratio.toml")),
    ] {
        let book: toml::Table = text.parse().unwrap();
        let cases = book["case"].as_array().unwrap();
        assert!(cases.len() > 5, "{file}");
        let mut names = BTreeSet::new();
        for case in cases {
            let case = case.as_table().unwrap();
            assert_eq!(lacks(case), None, "{file}: {case:?}");
            assert!(names.insert(case["name"].as_str().unwrap()), "{file}: two cases of one name: {}", case["name"]);
            // The proof that it would be told: without any one of them the case is refused.
            for name in ["name", "day", "verdict", "rule", "citation"] {
                let mut without = case.clone();
                without.remove(name);
                assert_eq!(lacks(&without), Some(name), "{file}");
            }
            let mut blank = case.clone();
            blank.insert("citation".into(), " ".into());
            assert_eq!(lacks(&blank), Some("citation"), "{file}");
        }
    }
}
