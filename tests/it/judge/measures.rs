//! The cases in `tests/cases/review/indicators.toml`, which an officer can read: the facts of a parcel, and what an indicator
//! makes of them.

use super::{Figures as _, indicator, one, parcel, rules};
use chrono::NaiveDate;
use landcycle::domain::review::facts::{ContractFacts, Duty, Facts, Measure, Occupied};
use landcycle::domain::review::indicator::Indicator;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use toml::value::Datetime;

#[derive(Deserialize)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    key: Indicator,
    figure: Option<f64>,
    /// How it comes about, for whoever reads the table.
    how: String,
    land_m2: Option<f64>,
    footprint_m2: Option<f64>,
    used_floor_m2: Option<f64>,
    plot_ratio_allowed: Option<f64>,
    occupied_m2: Option<f64>,
    leased_m2: Option<f64>,
    built: Option<bool>,
    industry: Option<String>,
    #[serde(default)]
    leads: Vec<String>,
    #[serde(default)]
    no_years: bool,
    #[serde(default)]
    figures: BTreeMap<String, [String; 3]>,
    start_due: Option<Datetime>,
    start_met: Option<Datetime>,
    completion_due: Option<Datetime>,
    production_met: Option<Datetime>,
    suspended: Option<Datetime>,
    developed_percent: Option<f64>,
    invested_percent: Option<f64>,
    excuse: Option<String>,
}

fn date(written: Option<Datetime>) -> Option<NaiveDate> {
    written.map(|date| date.to_string().parse().unwrap())
}

impl Case {
    fn contract(&self) -> Option<ContractFacts> {
        let duty = |kind: &str, due: Option<Datetime>, met: Option<Datetime>| {
            (due.is_some() || met.is_some()).then(|| {
                let (due_on, met_on) = (date(due), date(met));
                let is_met = due_on.map(|due| met_on.is_some_and(|met| met <= due));
                Duty { due_on, met_on, met: is_met, kind: kind.into(), excuse: self.excuse.clone() }
            })
        };
        let duties: Vec<Duty> = [
            duty("start", self.start_due, self.start_met),
            duty("completion", self.completion_due, None),
            duty("production", None, self.production_met),
        ]
        .into_iter()
        .flatten()
        .collect();
        (!duties.is_empty()).then(|| ContractFacts {
            amended_by: Vec::new(),
            developed_percent: self.developed_percent,
            duties,
            invested_percent: self.invested_percent,
            number: "1".into(),
            performance_terms: true,
            responsible_unit: None,
            signed_on: super::day(2019, 1, 1),
            suspended_on: date(self.suspended),
            targets: Vec::new(),
            term_ends_on: None,
        })
    }

    fn facts(&self) -> Facts {
        let mut facts = parcel(1);
        if self.built == Some(false) {
            (facts.floor_m2, facts.in_use_since) = (None, None);
        }
        for (name, figures) in &self.figures {
            let place =
                Measure::NAMES.iter().position(|one| one == name).unwrap_or_else(|| panic!("no measure {name}"));
            let read = figures.each_ref().map(|text| (!text.is_empty()).then(|| text.parse().unwrap()));
            facts = facts.with(Measure::ALL[place], read);
        }
        if self.no_years {
            facts.years.clear();
        }
        Facts {
            land_m2: self.land_m2.unwrap_or(facts.land_m2),
            footprint_m2: self.footprint_m2,
            used_floor_m2: self.used_floor_m2,
            plot_ratio_allowed: self.plot_ratio_allowed.or(facts.plot_ratio_allowed),
            occupied: self.occupied_m2.map(|floor_m2| Occupied { floor_m2, leased_m2: self.leased_m2.unwrap() }),
            park_industries: self.leads.clone().into(),
            industry: self.industry.clone().or(facts.industry.clone()),
            contract: self.contract(),
            ..facts
        }
    }
}

fn cases() -> Vec<Case> {
    toml::from_str::<Cases>(include_str!("../../cases/review/indicators.toml")).unwrap().case
}

#[test]
fn each_indicator_makes_of_the_facts_what_an_officer_expects() {
    for case in cases() {
        let rules = rules(&[indicator(case.key.key(), 100.0, r#"{ kind = "fixed", value = 1.0 }"#, "reweigh")]);
        let found = one(&rules, case.facts()).indicators[0].value;
        assert_eq!(found, case.figure, "{} ({}): {}", case.name, case.key.key(), case.how);
    }
}

#[test]
fn every_indicator_has_a_case_with_a_figure_and_one_without_and_says_its_unit() {
    let with = |known: bool| -> BTreeSet<&str> {
        cases().iter().filter(|case| case.figure.is_some() == known).map(|case| case.key.key()).collect()
    };
    // Classes have no figure; `kinds.toml` has their cases.
    let all: BTreeSet<&str> = Indicator::ALL.iter().filter(|one| !one.is_class()).map(|one| one.key()).collect();
    assert_eq!((with(true), with(false)), (all.clone(), all));
    let bare = Indicator::ALL.iter().filter(|one| !one.is_class() && one.unit().is_empty());
    let bare: Vec<&str> = bare.map(|one| one.key()).collect();
    assert_eq!(bare, ["far_actual"], "a plot ratio alone has no unit");
}

#[test]
fn what_no_user_of_the_land_can_change_is_not_named_as_a_way_up() {
    use landcycle::domain::review::lift::{Lift, Why, lift};
    let late = indicator("start_delay", 40.0, r#"{ kind = "fixed", value = 30.0 }"#, "reweigh");
    let late = late.replacen("higher", "lower", 1);
    let tax = indicator("tax_int", 60.0, r#"{ kind = "fixed", value = 12.0 }"#, "reweigh");
    let text = super::scheme(&(tax + &late)).replacen(
        "a = 20.0, b = 60.0, c = 95.0",
        "by = \"score\", a = 100.0, b = 80.0, c = 50.0",
        1,
    );
    let rules = landcycle::domain::review::run::Rules::parse(&text, super::DECISIONS, super::VALUES).unwrap();
    let case =
        cases().into_iter().find(|case| case.figure == Some(100.0) && case.key == Indicator::StartDelay).unwrap();
    let receipt = one(&rules, case.facts().with(Measure::Tax, [Some(360.0); 3]));
    // Tax meets its benchmark: 60; a start 100 days late against 30 is 0.3 of 40: 12.
    assert_eq!(receipt.score, Some(72.0));
    let Some(Lift::Figures { ways, short, .. }) = lift(&rules.scheme, &receipt, &[], None) else { panic!() };
    assert_eq!(ways.iter().map(|way| way.key).collect::<Vec<_>>(), [Indicator::TaxInt]);
    assert_eq!(short.iter().map(|one| (one.key, one.why)).collect::<Vec<_>>(), [(Indicator::StartDelay, Why::Given)]);
}
