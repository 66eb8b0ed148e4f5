//! The two tracks on which land that is not built on can be lost, each with its own clock and its own money: the
//! contract (late start) and the idle-land rules. They run side by side and are never mixed (`domain.md` §7).

use super::decision::{ConstructionArea, Idle, Situation, Start};
use super::facts::{ContractFacts, Duty, Facts};
use super::grade::Grade;
use super::scheme::SchemeError;
use crate::domain::rulebook::{Rulebook, keys};
use chrono::{Months, NaiveDate};

/// The rule values of the tracks, as they stand on a day.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    day: NaiveDate,
    idle_fee: Months,
    idle_take_back: Months,
    developed_percent: f64,
    invested_percent: f64,
    rescission: Months,
    expiry: Months,
}

impl Limits {
    /// Takes the values in force on a day.
    pub fn on(rulebook: &Rulebook, day: NaiveDate) -> Result<Self, SchemeError> {
        let months = |key| -> Result<Months, SchemeError> {
            let value = rulebook.on(key, day)?.value;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a rulebook has no negative values"
            )]
            Ok(Months::new(value.round() as u32))
        };
        Ok(Self {
            day,
            idle_fee: months(keys::IDLE_FEE_MONTHS)?,
            idle_take_back: months(keys::IDLE_TAKE_BACK_MONTHS)?,
            developed_percent: rulebook.on(keys::IDLE_DEVELOPED, day)?.value,
            invested_percent: rulebook.on(keys::IDLE_INVESTED, day)?.value,
            rescission: months(keys::RESCISSION_MONTHS)?,
            expiry: months(keys::EXPIRY_MONTHS)?,
        })
    }

    /// Whether so many months have passed since a day.
    fn passed(&self, since: NaiveDate, months: Months) -> bool {
        since.checked_add_months(months).is_some_and(|then| then <= self.day)
    }

    /// What the decision table sees of a parcel.
    pub fn situation(&self, facts: &Facts, grade: Grade) -> Situation {
        let contract = facts.contract.as_ref();
        Situation {
            grade,
            idle: contract.map_or(Idle::None, |contract| self.idle(contract)),
            start: contract.map_or(Start::InTime, |contract| self.start(contract)),
            veto: !facts.vetoes.is_empty(),
            expiring: contract.and_then(|contract| contract.term_ends_on).is_some_and(|end| self.expires(end)),
            tier: facts.tier,
            performance_terms: contract.is_some_and(|contract| contract.performance_terms),
            // The layer of the construction area is not in the register yet.
            construction_area: ConstructionArea::Unknown,
        }
    }

    fn expires(&self, end: NaiveDate) -> bool {
        self.day.checked_add_months(self.expiry).is_some_and(|horizon| end <= horizon)
    }

    fn open_start(contract: &ContractFacts) -> Option<(&Duty, NaiveDate)> {
        let duty = contract.duties.iter().find(|duty| duty.kind == "start" && duty.met_on.is_none())?;
        Some((duty, duty.due_on?))
    }

    /// Type 1: not begun a year after the agreed start. Type 2: begun, but too little of it, and suspended for a year.
    fn idle(&self, contract: &ContractFacts) -> Idle {
        let since = match Self::open_start(contract) {
            Some((duty, due)) => Some((due, duty.excuse.is_some())),
            None => contract
                .suspended_on
                .filter(|_| {
                    contract.developed_percent.is_some_and(|share| share < self.developed_percent)
                        || contract.invested_percent.is_some_and(|share| share < self.invested_percent)
                })
                .map(|suspended| {
                    let excused = contract.duties.iter().any(|duty| duty.kind == "completion" && duty.excuse.is_some());
                    (suspended, excused)
                }),
        };
        match since {
            Some((since, true)) if self.passed(since, self.idle_fee) => Idle::Excused,
            Some((since, false)) if self.passed(since, self.idle_take_back) => Idle::TwoYears,
            Some((since, false)) if self.passed(since, self.idle_fee) => Idle::OneYear,
            _ => Idle::None,
        }
    }

    fn start(&self, contract: &ContractFacts) -> Start {
        match Self::open_start(contract) {
            Some((duty, due)) if duty.excuse.is_none() && due < self.day => {
                if self.passed(due, self.rescission) {
                    Start::OverAYear
                } else {
                    Start::Late
                }
            }
            _ => Start::InTime,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(y: i32, m: u32, d: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(y, m, d).expect("a day")
    }

    fn limits() -> Limits {
        let book = Rulebook::parse(include_str!("../../../data/rulebook/values.toml")).expect("well formed");
        Limits::on(&book, day(2026, 6, 30)).expect("in force")
    }

    fn contract(due: NaiveDate, met: Option<NaiveDate>, excuse: Option<&str>) -> ContractFacts {
        ContractFacts {
            number: "1".into(),
            signed_on: day(2020, 1, 1),
            term_ends_on: Some(day(2040, 1, 1)),
            performance_terms: true,
            responsible_unit: None,
            developed_percent: None,
            invested_percent: None,
            suspended_on: None,
            duties: vec![Duty {
                kind: "start".into(),
                due_on: Some(due),
                met_on: met,
                met: None,
                excuse: excuse.map(str::to_owned),
            }],
        }
    }

    #[test]
    fn the_two_clocks_turn_on_the_day_and_not_before() {
        for (due, idle, start) in [
            (day(2026, 7, 1), Idle::None, Start::InTime),
            (day(2026, 6, 29), Idle::None, Start::Late),
            (day(2025, 7, 1), Idle::None, Start::Late),
            (day(2025, 6, 30), Idle::OneYear, Start::OverAYear),
            (day(2024, 7, 1), Idle::OneYear, Start::OverAYear),
            (day(2024, 6, 30), Idle::TwoYears, Start::OverAYear),
        ] {
            let found = contract(due, None, None);
            assert_eq!((limits().idle(&found), limits().start(&found)), (idle, start), "{due}");
        }
    }

    #[test]
    fn a_start_that_was_made_or_excused_is_neither_late_nor_the_holders_fault() {
        let made = contract(day(2020, 6, 30), Some(day(2020, 6, 1)), None);
        assert_eq!((limits().idle(&made), limits().start(&made)), (Idle::None, Start::InTime));
        let excused = contract(day(2020, 6, 30), None, Some("government"));
        assert_eq!((limits().idle(&excused), limits().start(&excused)), (Idle::Excused, Start::InTime));
    }

    #[test]
    fn suspended_works_are_idle_only_below_a_third_developed_or_a_quarter_invested() {
        for (developed, invested, idle) in [
            (Some(33.0), Some(60.0), Idle::TwoYears),
            (Some(34.0), Some(24.9), Idle::TwoYears),
            (Some(34.0), Some(25.0), Idle::None),
            (None, None, Idle::None),
        ] {
            let mut found = contract(day(2020, 6, 30), Some(day(2020, 6, 1)), None);
            found.suspended_on = Some(day(2024, 6, 30));
            (found.developed_percent, found.invested_percent) = (developed, invested);
            assert_eq!(limits().idle(&found), idle, "{developed:?} {invested:?}");
        }
    }

    #[test]
    fn a_term_is_expiring_eighteen_months_before_its_end() {
        assert!(limits().expires(day(2027, 12, 30)));
        assert!(!limits().expires(day(2027, 12, 31)));
    }
}
