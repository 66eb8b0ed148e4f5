//! The cases in `tests/cases/decisions.toml`, which an officer can read: the facts of a parcel, and the row of the
//! decision table that must answer them.

use super::{DECISIONS, VALUES, as_of, day};
use chrono::NaiveDate;
use landcycle::domain::review::decision::DecisionTable;
use landcycle::domain::review::facts::{ContractFacts, Duty, Facts, VetoFact};
use landcycle::domain::review::grade::Grade;
use landcycle::domain::review::tracks::Limits;
use landcycle::domain::rulebook::Rulebook;
use landcycle::domain::zoning::Tier;
use landcycle::domain::zoning::legacy::Class;
use serde::Deserialize;
use std::collections::BTreeSet;

#[derive(Deserialize)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    grade: Grade,
    row: String,
    /// Rows that this case comes near to and that must be silent.
    #[serde(default)]
    not: Vec<String>,
    locked: Option<bool>,
    /// The part of the older division that it lies in.
    legacy_class: Option<Class>,
    /// A yearly figure that the contract promises: whether it was reached.
    target_met: Option<bool>,
    target_excuse: Option<String>,
    built: Option<bool>,
    tier: Option<Tier>,
    start_due: Option<toml::value::Datetime>,
    start_met: Option<toml::value::Datetime>,
    excuse: Option<String>,
    suspended: Option<toml::value::Datetime>,
    developed_percent: Option<f64>,
    invested_percent: Option<f64>,
    performance_terms: Option<bool>,
    term_ends: Option<toml::value::Datetime>,
    veto: Option<String>,
}

fn date(written: &Option<toml::value::Datetime>) -> Option<NaiveDate> {
    written.as_ref().map(|date| date.to_string().parse().unwrap())
}

impl Case {
    fn facts(&self) -> Facts {
        let built = self.built.unwrap_or(true);
        let start = Duty {
            kind: "start".into(),
            due_on: date(&self.start_due),
            met_on: date(&self.start_met),
            met: None,
            excuse: self.excuse.clone(),
        };
        let target = self.target_met.map(|met| Duty {
            kind: "tax".into(),
            due_on: None,
            met_on: None,
            met: Some(met),
            excuse: self.target_excuse.clone(),
        });
        Facts {
            code: "310115001001GB00001".into(),
            district: "310115".into(),
            park: None,
            tier: self.tier.unwrap_or(Tier::Base),
            locked: self.locked.unwrap_or(false),
            land_use: "M1".into(),
            land_m2: 10_000.0,
            land_is_registered: true,
            plot_ratio_allowed: Some(2.0),
            floor_m2: built.then_some(8_000.0),
            used_floor_m2: None,
            footprint_m2: None,
            occupied: None,
            park_industries: Default::default(),
            legacy_class: self.legacy_class,
            industry: None,
            user: None,
            in_use_since: built.then(|| day(2010, 1, 1)),
            years: Vec::new(),
            contract: Some(ContractFacts {
                number: "1".into(),
                signed_on: day(2008, 1, 1),
                term_ends_on: date(&self.term_ends).or(Some(day(2050, 1, 1))),
                performance_terms: self.performance_terms.unwrap_or(false),
                responsible_unit: None,
                developed_percent: self.developed_percent,
                invested_percent: self.invested_percent,
                suspended_on: date(&self.suspended),
                amended_by: Vec::new(),
                targets: Vec::new(),
                duties: self.start_due.map(|_| start).into_iter().chain(target).collect(),
            }),
            vetoes: self
                .veto
                .iter()
                .map(|kind| VetoFact { enterprise: "E".into(), year: 2025, kind: kind.clone() })
                .collect(),
        }
    }
}

#[test]
fn the_facts_of_each_case_are_answered_by_the_row_that_an_officer_expects() {
    let table = DecisionTable::parse(DECISIONS).unwrap();
    let limits = Limits::on(&Rulebook::parse(VALUES).unwrap(), as_of()).unwrap();
    let cases: Cases = toml::from_str(include_str!("../../cases/decisions.toml")).unwrap();
    let (mut fired, mut silent) = (BTreeSet::new(), BTreeSet::new());
    for case in &cases.case {
        let mut situation = limits.situation(&case.facts(), case.grade);
        situation.construction_area = table.lies(case.legacy_class);
        let row = &table.rows[table.decide(&situation).unwrap()];
        assert_eq!(row.id, case.row, "{}: {}", case.name, situation.in_words());
        assert!(!case.not.contains(&row.id), "{}: {} must be silent", case.name, row.id);
        fired.insert(row.id.as_str());
        silent.extend(case.not.iter().map(String::as_str));
    }
    let rows: BTreeSet<&str> = table.rows.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(fired, rows, "each row has a case that it answers");
    assert_eq!(silent, rows, "each row has a case near to it that it does not answer");
}
