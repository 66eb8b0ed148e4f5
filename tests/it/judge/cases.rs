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
        Facts {
            code: "310115001001GB00001".into(),
            district: "310115".into(),
            park: None,
            tier: self.tier.unwrap_or(Tier::Base),
            locked: false,
            land_use: "M1".into(),
            land_m2: 10_000.0,
            land_is_registered: true,
            plot_ratio_allowed: Some(2.0),
            floor_m2: built.then_some(8_000.0),
            used_floor_m2: None,
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
                duties: if self.start_due.is_some() { vec![start] } else { Vec::new() },
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
    let mut fired = BTreeSet::new();
    for case in &cases.case {
        let situation = limits.situation(&case.facts(), case.grade);
        let row = &table.rows[table.decide(&situation).unwrap()];
        assert_eq!(row.id, case.row, "{}: {situation:?}", case.name);
        fired.insert(row.id.clone());
    }
    // The layer of the construction area is not in the register yet, so no facts lead to the two rows that need it.
    let unreachable = ["poor-fragmented-inside", "poor-fragmented-outside"];
    let silent: Vec<&str> = table
        .rows
        .iter()
        .map(|row| row.id.as_str())
        .filter(|id| !fired.contains(*id) && !unreachable.contains(id))
        .collect();
    assert!(silent.is_empty(), "rows without a case: {silent:?}");
}
