//! The two tracks on which land that is not built on can be lost, each with its own clock and its own money: the
//! contract (late start) and the idle-land rules. They run side by side and are never mixed (`domain.md` §7).

use super::decision::{ConstructionArea, Idle, Situation, Start, Term};
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
            idle: contract.map_or(Idle::None, |contract| self.idle(contract, shows_use(facts))),
            start: contract.map_or(Start::InTime, |contract| self.start(contract, shows_use(facts))),
            veto: !facts.vetoes.is_empty(),
            term: contract.and_then(|contract| contract.term_ends_on).map_or(Term::Running, |end| self.term(end)),
            tier: facts.tier,
            performance_terms: contract.is_some_and(|contract| contract.performance_terms),
            // The layer of the construction area is not in the register yet.
            construction_area: ConstructionArea::Unknown,
        }
    }

    /// `end` is the first day after the term.
    fn term(&self, end: NaiveDate) -> Term {
        if end <= self.day {
            return Term::Expired;
        }
        let soon = self.day.checked_add_months(self.expiry).is_some_and(|horizon| end <= horizon);
        if soon { Term::Expiring } else { Term::Running }
    }

    /// The start that is still owed. A day that nobody entered is not proof that nothing was built: where the land shows
    /// use, or the contract a later step, works have begun.
    fn open_start(contract: &ContractFacts, in_use: bool) -> Option<(&Duty, NaiveDate)> {
        let later = |duty: &&Duty| duty.met_on.is_some();
        if in_use || contract.suspended_on.is_some() || contract.duties.iter().any(|duty| later(&duty)) {
            return None;
        }
        let duty = contract.duties.iter().find(|duty| duty.kind == "start")?;
        Some((duty, duty.due_on?))
    }

    /// Type 1: not begun a year after the agreed start. Type 2: begun, but too little of it, and suspended for a year.
    fn idle(&self, contract: &ContractFacts, in_use: bool) -> Idle {
        let since = match Self::open_start(contract, in_use) {
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

    /// A life-cycle contract may be rescinded when works are *more* than a year late.
    fn start(&self, contract: &ContractFacts, in_use: bool) -> Start {
        match Self::open_start(contract, in_use) {
            Some((duty, due)) if duty.excuse.is_none() && due < self.day => {
                if due.checked_add_months(self.rescission).is_some_and(|limit| limit < self.day) {
                    Start::OverAYear
                } else {
                    Start::Late
                }
            }
            _ => Start::InTime,
        }
    }
}

/// Whether anything shows that the land is built on or worked on.
pub(super) fn shows_use(facts: &Facts) -> bool {
    facts.floor_m2.is_some_and(|floor| floor > 0.0)
        || facts.in_use_since.is_some()
        || facts.years.iter().flat_map(|year| &year.figures).any(|share| share.sum > 0.0)
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
            (day(2025, 6, 30), Idle::OneYear, Start::Late),
            (day(2025, 6, 29), Idle::OneYear, Start::OverAYear),
            (day(2024, 7, 1), Idle::OneYear, Start::OverAYear),
            (day(2024, 6, 30), Idle::TwoYears, Start::OverAYear),
        ] {
            let found = contract(due, None, None);
            assert_eq!((limits().idle(&found, false), limits().start(&found, false)), (idle, start), "{due}");
        }
    }

    #[test]
    fn a_start_that_was_made_or_excused_is_neither_late_nor_the_holders_fault() {
        let made = contract(day(2020, 6, 30), Some(day(2020, 6, 1)), None);
        assert_eq!((limits().idle(&made, false), limits().start(&made, false)), (Idle::None, Start::InTime));
        let excused = contract(day(2020, 6, 30), None, Some("government"));
        assert_eq!((limits().idle(&excused, false), limits().start(&excused, false)), (Idle::Excused, Start::InTime));
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
            assert_eq!(limits().idle(&found, false), idle, "{developed:?} {invested:?}");
        }
    }

    #[test]
    fn a_start_that_nobody_entered_is_not_idle_where_the_land_shows_use_or_a_later_step_was_made() {
        let mut found = contract(day(2020, 6, 30), None, None);
        assert_eq!((limits().idle(&found, true), limits().start(&found, true)), (Idle::None, Start::InTime));
        found.duties.push(Duty { kind: "completion".into(), met_on: Some(day(2022, 1, 1)), ..found.duties[0].clone() });
        assert_eq!((limits().idle(&found, false), limits().start(&found, false)), (Idle::None, Start::InTime));
    }

    #[test]
    fn a_term_is_expiring_eighteen_months_before_its_end_and_expired_from_its_end() {
        for (end, term) in [
            (day(2027, 12, 31), Term::Running),
            (day(2027, 12, 30), Term::Expiring),
            (day(2026, 7, 1), Term::Expiring),
            (day(2026, 6, 30), Term::Expired),
        ] {
            assert_eq!(limits().term(end), term, "{end}");
        }
    }
}
