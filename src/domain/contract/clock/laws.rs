//! The laws of clocks, over random days: they run one way, a decision only ever gives time, and nothing is late or broken
//! before its day is over.

use super::*;
use crate::domain::contract::expiry::{Expiry, expiry};
use crate::domain::contract::tracks::{Limits, Site};
use crate::domain::review::decision::{Idle, Start};
use crate::domain::rulebook::Rulebook;
use proptest::prelude::*;
use std::sync::LazyLock;

static CALENDAR: LazyLock<Calendar> =
    LazyLock::new(|| Calendar::parse(include_str!("../../../../data/calendars/cn.toml")).expect("well formed"));
static BOOK: LazyLock<Rulebook> =
    LazyLock::new(|| Rulebook::parse(include_str!("../../../../data/rulebook/values.toml")).expect("well formed"));

const SOON: Days = Days::new(90);

/// A day so many days after the beginning of 2021.
fn day(offset: u64) -> NaiveDate {
    NaiveDate::from_ymd_opt(2021, 1, 1).expect("a day") + Days::new(offset)
}

fn promise(kind: ObligationKind, due: DueRule) -> Promise<'static> {
    Promise {
        kind,
        due: Some(due),
        target: None,
        at_most: false,
        met_on: None,
        achieved: None,
        excuse: None,
        acts: &[],
        years: &[],
    }
}

fn extended(on: NaiveDate, until: NaiveDate) -> Act {
    let (ground, document) = ("规划调整".to_owned(), "函1".to_owned());
    Act { kind: ActKind::Extended, on, until: Some(until), ground, document, year: None }
}

fn late_days(state: &State) -> i64 {
    if let State::Late { days, .. } = state { *days } else { 0 }
}

/// How near a term is to its end.
fn nearness(expiry: Expiry) -> u8 {
    match expiry {
        Expiry::Running => 0,
        Expiry::Remind { .. } => 1,
        Expiry::ApplicationOver { .. } => 2,
        Expiry::Ended => 3,
    }
}

proptest! {
    #[test]
    fn what_is_counted_from_an_event_never_falls_due_before_it_nor_earlier_because_the_event_came_later(
        first in 0_u64..1800, later in 0_u64..400, count in 0_u32..60, more in 0_u32..12
    ) {
        for unit in [DueUnit::Months, DueUnit::Days, DueUnit::WorkingDays] {
            let due = |offset, count| {
                let rule = DueRule::After { event: Event::Handover, count, unit };
                let events = Events { handover: Some(day(offset)), ..Events::default() };
                promise(ObligationKind::Start, rule).clock(&events, &CALENDAR, day(0), SOON).due.expect("counted")
            };
            prop_assert!(due(first, count) >= day(first));
            prop_assert!(due(first, count) <= due(first + later, count), "{:?}", unit);
            prop_assert!(due(first, count) <= due(first, count + more), "{:?}", unit);
        }
    }

    #[test]
    fn an_extension_never_makes_a_day_earlier_and_takes_off_as_many_days_of_lateness_as_it_gives(
        due in 0_u64..1000, decided in 0_u64..1200, given in 1_u64..900, after in 0_u64..1500
    ) {
        let (agreed, until, today) = (day(due), day(decided + given), day(decided + after));
        let acts = [extended(day(decided), until)];
        let plain = promise(ObligationKind::Completion, DueRule::On(agreed));
        let clock = Promise { acts: &acts, ..plain.clone() }.clock(&Events::default(), &CALENDAR, today, SOON);
        let plain = plain.clock(&Events::default(), &CALENDAR, today, SOON);
        prop_assert_eq!(clock.due, Some(until.max(agreed)));
        let (with, without) = (late_days(&clock.state), late_days(&plain.state));
        prop_assert_eq!(with, (without - (until.max(agreed) - agreed).num_days()).max(0));
        // One that gives no time is none.
        prop_assert_eq!(matches!(clock.state, State::Extended { .. }), until > agreed && today <= until);
        if until <= agreed { prop_assert_eq!(clock, plain); }
    }

    #[test]
    fn nothing_is_late_or_broken_before_its_day_is_over_and_what_is_late_is_so_by_at_least_a_day(
        kind in 0_usize..16, due in 0_u64..600, today in 0_u64..900, met in prop::option::of(0_u64..900),
        target in 0_i64..100, achieved in prop::option::of(0_i64..100), at_most in any::<bool>()
    ) {
        let (kind, agreed, today) = (ObligationKind::WORDS[kind].1, day(due), day(today));
        let it = Promise {
            target: Some(Decimal::from(target)),
            achieved: achieved.map(Decimal::from),
            at_most,
            met_on: met.map(day),
            ..promise(kind, DueRule::On(agreed))
        };
        let clock = it.clock(&Events::default(), &CALENDAR, today, SOON);
        match clock.state {
            State::Late { days, .. } => {
                prop_assert!(days >= 1 && kind.is_milestone());
                prop_assert_eq!(days, (today - agreed).num_days());
            }
            State::Breached => {
                prop_assert!(today > agreed && !kind.is_milestone());
                let (target, achieved) = (target, achieved.expect("a figure"));
                let missed = if at_most { achieved > target } else { achieved < target };
                prop_assert!(missed);
            }
            State::Met { late_days } => {
                let on = met.map(day).filter(|on| *on <= today);
                prop_assert_eq!(late_days, on.map_or(0, |on| (on - agreed).num_days().max(0)));
            }
            State::NotDue { days } | State::DueSoon { days } => prop_assert_eq!(days, (agreed - today).num_days()),
            State::Unknown => prop_assert!(today > agreed && !kind.is_milestone() && achieved.is_none()),
            other => prop_assert!(false, "nobody decided anything: {:?}", other),
        }
    }

    #[test]
    fn each_year_of_a_yearly_duty_is_judged_once_by_its_own_figure_and_stays_as_it_was_judged(
        from in 2021_i32..2024, length in 0_i32..6, month in 1_u32..=12, on in 1_u32..=28, today in 0_u64..3000, later in 0_u64..800,
        figures in prop::collection::vec(prop::option::of(0_i64..100), 8), target in 1_i64..100
    ) {
        let rule = DueRule::Yearly { month, day: on, from, to: Some(from + length) };
        let facts: Vec<YearFact> = figures
            .iter()
            .zip(from..)
            .filter_map(|(figure, year)| Some(YearFact { year, met_on: None, achieved: Some(Decimal::from((*figure)?)) }))
            .collect();
        let it = Promise { target: Some(Decimal::from(target)), years: &facts, ..promise(ObligationKind::Tax, rule) };
        let (now, then) = (it.years(day(today)), it.years(day(today + later)));
        prop_assert!(now.len() <= then.len() && now[..] == then[..now.len()]);
        for (one, year) in then.iter().zip(from..) {
            prop_assert!(one.year == year && one.year <= from + length && one.due < day(today + later));
            let expected = match figures[usize::try_from(year - from).expect("a few")] {
                None => State::Unknown,
                Some(figure) if figure < target => State::Breached,
                Some(_) => State::Met { late_days: 0 },
            };
            prop_assert_eq!(&one.state, &expected);
        }
    }

    #[test]
    fn a_term_nears_its_end_one_way_and_one_applies_twelve_months_before_it_and_is_reminded_at_eighteen(
        end in 600_u64..3000, today in 0_u64..3600, later in 0_u64..400
    ) {
        let (apply, remind) = (Months::new(12), Months::new(18));
        let at = |offset| expiry(day(end), day(offset), apply, remind);
        prop_assert!(nearness(at(today)) <= nearness(at(today + later)));
        let (apply_by, remind_from) = (day(end) - apply, day(end) - remind);
        let expected = match day(today) {
            now if now >= day(end) => Expiry::Ended,
            now if now > apply_by => Expiry::ApplicationOver { apply_by },
            now if now >= remind_from => Expiry::Remind { apply_by },
            _ => Expiry::Running,
        };
        prop_assert_eq!(at(today), expected);
    }

    #[test]
    fn no_track_grows_milder_by_waiting_and_neither_looks_at_the_other(
        due in 0_u64..900, today in 900_u64..1800, later in 0_u64..800, stood in prop::option::of(0_u64..900)
    ) {
        let site = Site { open_start: Some(day(due)), suspended_on: None, ..Site::of(&[], false, None) };
        let limits = |offset| Limits::in_force(&BOOK, day(offset));
        let harm = |offset| {
            let limits = limits(offset);
            let idle = match limits.idle(&site) { Idle::None => 0, Idle::OneYear => 1, _ => 2 };
            let start = match limits.start(&site) { Start::InTime => 0, Start::Late => 1, _ => 2 };
            (idle, start, limits.start_bond_forfeit_percent(day(due)))
        };
        let (now, then) = (harm(today), harm(today + later));
        prop_assert!(now.0 <= then.0 && now.1 <= then.1 && now.2 <= then.2, "{:?} {:?}", now, then);
        // A suspension is the idle track's alone.
        let halted = Site { suspended_on: stood.map(day), ..site };
        prop_assert_eq!(limits(today).start(&halted), limits(today).start(&site));
    }
}
