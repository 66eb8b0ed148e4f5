//! Who is left out of a run by rule before anything is judged, and why. That a parcel is in and cannot be judged (T) is said
//! in its receipt; here is only who has none.

use super::facts::Facts;
use super::scheme::Words;
use super::tracks::shows_use;
use crate::domain::rulebook::{RuleValue, Rulebook};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// Why a parcel is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The scheme takes no land of its use.
    UseNotCovered,
    /// No part of the scheme takes it.
    OutsideScope,
    /// Its plan or its contract is being changed.
    UnderRenewal,
    /// Its disposal is decided.
    ExitCase,
    /// It is in the reserve, or not yet sold.
    NotSupplied,
    /// It was taken back, bought into the reserve or reduced.
    GivenUp,
    /// It is no industrial land any more.
    NotIndustrial,
    /// The term of its contract is over.
    TermOver,
    /// It has no contract, and nothing shows that anyone uses it.
    Vacant,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::UseNotCovered,
        Self::OutsideScope,
        Self::UnderRenewal,
        Self::ExitCase,
        Self::NotSupplied,
        Self::GivenUp,
        Self::NotIndustrial,
        Self::TermOver,
        Self::Vacant,
    ];

    /// The stable code.
    pub fn name(self) -> &'static str {
        match self {
            Self::UseNotCovered => "use-not-covered",
            Self::OutsideScope => "outside-scope",
            Self::UnderRenewal => "under-renewal",
            Self::ExitCase => "exit-case",
            Self::NotSupplied => "not-supplied",
            Self::GivenUp => "given-up",
            Self::NotIndustrial => "not-industrial",
            Self::TermOver => "term-over",
            Self::Vacant => "vacant",
        }
    }

    /// The reason of that code.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == word)
    }

    /// What it says.
    pub fn title(self) -> Words {
        let (zh, en) = match self {
            Self::UseNotCovered => ("用途不在评估方案范围内", "the scheme takes no land of its use"),
            Self::OutsideScope => ("不属于评估方案的任何部分", "no part of the scheme takes it"),
            Self::UnderRenewal => ("正在更新、提容", "its plan or contract is being changed"),
            Self::ExitCase => ("处置中", "its disposal is decided"),
            Self::NotSupplied => ("储备或尚未供应", "it is in the reserve, or not yet supplied"),
            Self::GivenUp => ("已收回、收储或减量", "it was taken back, bought or reduced"),
            Self::NotIndustrial => ("已退出产业用地", "it is no industrial land any more"),
            Self::TermOver => ("使用年限已届满", "the term of its contract is over"),
            Self::Vacant => ("无合同且无使用迹象", "it has no contract and shows no use"),
        };
        Words { zh: zh.to_owned(), en: en.to_owned() }
    }

    /// The flag of the rulebook that leaves such parcels out; nothing where the scheme does.
    pub fn rule(self) -> Option<&'static str> {
        match self {
            Self::UseNotCovered | Self::OutsideScope => None,
            Self::UnderRenewal => Some("left-out-under-renewal"),
            Self::ExitCase => Some("left-out-exit-case"),
            Self::NotSupplied => Some("left-out-not-supplied"),
            Self::GivenUp => Some("left-out-given-up"),
            Self::NotIndustrial => Some("left-out-not-industrial"),
            Self::TermOver => Some("left-out-term-over"),
            Self::Vacant => Some("left-out-vacant"),
        }
    }

    /// Whether a parcel is such a one. `state` is where it is in its life, as far as that is on record.
    fn holds(self, state: Option<&str>, facts: &Facts, as_of: NaiveDate) -> bool {
        let is_one_of = |words: &[&str]| state.is_some_and(|state| words.contains(&state));
        match self {
            Self::UseNotCovered | Self::OutsideScope => false,
            Self::UnderRenewal => is_one_of(&["renewing"]),
            Self::ExitCase => is_one_of(&["disposing"]),
            Self::NotSupplied => is_one_of(&["reserved", "pre_assessed", "announced"]),
            Self::GivenUp => is_one_of(&["taken_back", "stored", "reduced"]),
            Self::NotIndustrial => is_one_of(&["non_industrial"]),
            Self::TermOver => {
                facts.contract.as_ref().and_then(|contract| contract.term_ends_on).is_some_and(|end| end <= as_of)
            }
            Self::Vacant => facts.contract.is_none() && !shows_use(facts),
        }
    }
}

/// A parcel that is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Left {
    /// Its code.
    pub parcel: String,
    /// Why.
    pub reason: Reason,
}

/// The rules of a day.
#[derive(Debug, Clone)]
pub struct LeftOut {
    as_of: NaiveDate,
    on: Vec<Reason>,
}

impl LeftOut {
    /// The rules that are on; one that no value is in force of is off.
    pub fn on(rulebook: &Rulebook, as_of: NaiveDate) -> Self {
        let is_on = |reason: &Reason| reason.value(rulebook, as_of).is_some_and(|value| value.value > 0.0);
        Self { as_of, on: Reason::ALL.into_iter().filter(is_on).collect() }
    }

    /// Why a parcel is left out by them; the first that holds, in their order.
    pub fn reason(&self, state: Option<&str>, facts: &Facts) -> Option<Reason> {
        self.on.iter().copied().find(|reason| reason.holds(state, facts, self.as_of))
    }
}

impl Reason {
    /// The value of the rulebook on which it rests.
    pub fn value(self, rulebook: &Rulebook, day: NaiveDate) -> Option<&RuleValue> {
        rulebook.on(self.rule()?, day).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::lifecycle::MOVES;
    use crate::domain::review::facts::ContractFacts;
    use crate::domain::zoning::Tier;
    use serde::Deserialize;
    use std::collections::BTreeSet;

    const VALUES: &str = include_str!("../../../data/rulebook/values.toml");

    #[derive(Deserialize)]
    struct Cases {
        case: Vec<Case>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Case {
        name: String,
        state: Option<String>,
        term_ends: Option<toml::value::Datetime>,
        #[serde(default)]
        contract: bool,
        #[serde(default)]
        built: bool,
        /// Flags of the rulebook set otherwise than shipped.
        #[serde(default)]
        set: std::collections::BTreeMap<String, f64>,
        left_out: Option<Reason>,
    }

    fn facts(case: &Case) -> Facts {
        let ends = case.term_ends.map(|day| day.to_string().parse().expect("a day"));
        let contract = ContractFacts {
            amended_by: Vec::new(),
            developed_percent: None,
            duties: Vec::new(),
            invested_percent: None,
            number: "H1".into(),
            performance_terms: false,
            responsible_unit: None,
            signed_on: NaiveDate::from_ymd_opt(2006, 6, 30).expect("a day"),
            suspended_on: None,
            targets: Vec::new(),
            term_ends_on: ends,
        };
        Facts {
            code: "P1".into(),
            contract: (case.contract || ends.is_some()).then_some(contract),
            district: "310115".into(),
            floor_m2: case.built.then_some(1000.0),
            footprint_m2: None,
            in_use_since: None,
            industry: None,
            land_is_registered: true,
            land_m2: 1000.0,
            land_use: "M1".into(),
            locked: false,
            occupied: None,
            park: None,
            park_industries: Vec::new().into(),
            legacy_class: None,
            plot_ratio_allowed: None,
            tier: Tier::Base,
            used_floor_m2: None,
            user: None,
            vetoes: Vec::new(),
            years: Vec::new(),
        }
    }

    #[test]
    fn each_case_is_in_or_out_as_an_officer_expects_and_each_rule_has_one_of_either() {
        let as_of = NaiveDate::from_ymd_opt(2026, 6, 30).expect("a day");
        let cases: Cases = toml::from_str(include_str!("../../../tests/cases/left_out.toml")).expect("well formed");
        let (mut out, mut inside) = (BTreeSet::new(), BTreeSet::new());
        for case in &cases.case {
            let mut book = Rulebook::parse(VALUES).expect("well formed");
            for (key, value) in &case.set {
                book.values.iter_mut().find(|one| one.key == *key).expect("shipped").value = *value;
            }
            let facts = facts(case);
            let found = LeftOut::on(&book, as_of).reason(case.state.as_deref(), &facts);
            assert_eq!(found, case.left_out, "{}", case.name);
            out.extend(found);
            let near = |reason: &Reason| reason.holds(case.state.as_deref(), &facts, as_of) && found != Some(*reason);
            inside.extend(Reason::ALL.into_iter().filter(near));
        }
        let ruled: BTreeSet<Reason> = Reason::ALL.into_iter().filter(|reason| reason.rule().is_some()).collect();
        assert_eq!((out, inside), (ruled.clone(), ruled), "each is on in one case and off in another");
    }

    #[test]
    fn every_rule_is_in_the_rulebook_with_a_source_and_every_state_it_names_is_one_of_a_life() {
        let book = Rulebook::parse(VALUES).expect("well formed");
        let day = NaiveDate::from_ymd_opt(2026, 6, 30).expect("a day");
        for key in Reason::ALL.into_iter().filter_map(Reason::rule) {
            assert!(book.on(key, day).is_ok_and(|value| !value.source.is_empty()), "{key}");
        }
        let states: BTreeSet<&str> = MOVES.iter().flat_map(|one| [one.from, one.to]).collect();
        let empty = Case {
            name: String::new(),
            state: None,
            term_ends: None,
            contract: true,
            built: true,
            set: std::collections::BTreeMap::new(),
            left_out: None,
        };
        let facts = facts(&empty);
        for reason in
            [Reason::UnderRenewal, Reason::ExitCase, Reason::NotSupplied, Reason::GivenUp, Reason::NotIndustrial]
        {
            assert!(states.iter().any(|state| reason.holds(Some(state), &facts, day)), "{}", reason.name());
        }
    }
}
