//! What a review sees of the two tracks on which land that is not built on can be lost. Their clocks and their money are
//! in `domain/contract/tracks.rs`; here is only how a review's facts become what they look at.

use super::decision::{ConstructionArea, Idle, Situation, Start, Term};
use super::facts::{ContractFacts, Duty, Facts};
use super::grade::Grade;
use crate::domain::contract::obligation::ObligationKind;
use crate::domain::contract::tracks::{Site, Step};

pub use crate::domain::contract::tracks::Limits;

impl Limits {
    /// What the decision table sees of a parcel.
    pub fn situation(&self, facts: &Facts, grade: Grade) -> Situation {
        let contract = facts.contract.as_ref();
        let site = contract.map(|contract| site(contract, shows_use(facts)));
        Situation {
            grade,
            idle: site.map_or(Idle::None, |site| self.idle(&site)),
            start: site.map_or(Start::InTime, |site| self.start(&site)),
            veto: !facts.vetoes.is_empty(),
            term: contract.and_then(|contract| contract.term_ends_on).map_or(Term::Running, |end| self.term(end)),
            tier: facts.tier,
            locked: facts.locked,
            performance_terms: contract.is_some_and(|contract| contract.performance_terms),
            terms_missed: contract.is_some_and(missed),
            // What a part of the older division means for it, is the decision table's to say.
            construction_area: ConstructionArea::Unknown,
        }
    }
}

/// For how many days the land has been idle by the holder's fault, 0 where it is not; nothing without a contract, whose days
/// alone say it.
pub(super) fn idle_days(limits: &Limits, facts: &Facts) -> Option<i64> {
    let contract = facts.contract.as_ref()?;
    Some(limits.idle_days(&site(contract, shows_use(facts))).unwrap_or(0))
}

/// How many days after the agreed day the works began or were completed, or still are not; 0 in time or excused. Nothing
/// while it is not due, and where nobody entered the day of what a later step shows was done.
pub(super) fn delay_days(limits: &Limits, facts: &Facts, kind: ObligationKind) -> Option<i64> {
    let contract = facts.contract.as_ref()?;
    let of = |duty: &&Duty| duty.kind == kind.name();
    let later = match kind {
        ObligationKind::Start => ["completion", "production", "full_production"].as_slice(),
        _ => ["production", "full_production"].as_slice(),
    };
    let is_shown = (kind == ObligationKind::Start && (shows_use(facts) || contract.suspended_on.is_some()))
        || contract.duties.iter().any(|duty| duty.met_on.is_some() && later.contains(&duty.kind.as_str()));
    let late = |duty: &Duty| {
        let due = duty.due_on?;
        let until = match duty.met_on {
            Some(met) => met,
            None if is_shown || due >= limits.day() => return None,
            None => limits.day(),
        };
        Some(if duty.excuse.is_some() { 0 } else { (until - due).num_days().max(0) })
    };
    contract.duties.iter().filter(of).filter_map(late).max()
}

/// Whether a performance term of the contract is due, missed and not excused. Milestones have tracks of their own.
fn missed(contract: &ContractFacts) -> bool {
    let is_figure = |duty: &&Duty| {
        let kind = ObligationKind::WORDS.iter().find(|(word, _)| *word == duty.kind);
        kind.is_some_and(|(_, kind)| !kind.is_milestone())
    };
    contract.performance_terms
        && contract.duties.iter().filter(is_figure).any(|duty| duty.met == Some(false) && duty.excuse.is_none())
}

/// What the tracks look at.
fn site(contract: &ContractFacts, in_use: bool) -> Site {
    let kind = |duty: &Duty| ObligationKind::WORDS.iter().find(|(word, _)| *word == duty.kind).map(|(_, kind)| *kind);
    let steps: Vec<Step> = contract
        .duties
        .iter()
        .filter_map(|duty| {
            let excused = duty.excuse.is_some();
            Some(Step { kind: kind(duty)?, due_on: duty.due_on, met_on: duty.met_on, excused })
        })
        .collect();
    Site {
        developed_percent: contract.developed_percent,
        invested_percent: contract.invested_percent,
        ..Site::of(&steps, in_use, contract.suspended_on)
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
    use crate::domain::rulebook::Rulebook;
    use chrono::NaiveDate;

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
            amended_by: Vec::new(),
            targets: Vec::new(),
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
            assert_eq!(
                (limits().idle(&site(&found, false)), limits().start(&site(&found, false))),
                (idle, start),
                "{due}"
            );
        }
    }

    #[test]
    fn a_start_that_was_made_or_excused_is_neither_late_nor_the_holders_fault() {
        let made = contract(day(2020, 6, 30), Some(day(2020, 6, 1)), None);
        assert_eq!(
            (limits().idle(&site(&made, false)), limits().start(&site(&made, false))),
            (Idle::None, Start::InTime)
        );
        let excused = contract(day(2020, 6, 30), None, Some("government"));
        assert_eq!(
            (limits().idle(&site(&excused, false)), limits().start(&site(&excused, false))),
            (Idle::Excused, Start::InTime)
        );
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
            assert_eq!(limits().idle(&site(&found, false)), idle, "{developed:?} {invested:?}");
        }
    }

    #[test]
    fn a_start_that_nobody_entered_is_not_idle_where_the_land_shows_use_or_a_later_step_was_made() {
        let mut found = contract(day(2020, 6, 30), None, None);
        assert_eq!(
            (limits().idle(&site(&found, true)), limits().start(&site(&found, true))),
            (Idle::None, Start::InTime)
        );
        found.duties.push(Duty { kind: "completion".into(), met_on: Some(day(2022, 1, 1)), ..found.duties[0].clone() });
        assert_eq!(
            (limits().idle(&site(&found, false)), limits().start(&site(&found, false))),
            (Idle::None, Start::InTime)
        );
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
