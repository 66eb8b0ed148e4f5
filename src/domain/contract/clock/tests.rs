//! What the clocks say, day by day; the two records that Shanghai's land market published, with their real numbers.

use super::*;
use crate::domain::contract::expiry::Expiry;
use crate::domain::contract::tracks::{BondTrack, Limits, RefundInput, refund};
use crate::domain::rulebook::Rulebook;
use proptest::prelude::*;

fn day(y: i32, m: u32, d: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(y, m, d).expect("a day")
}

fn calendar() -> Calendar {
    Calendar::parse(include_str!("../../../../data/calendars/cn.toml")).expect("well formed")
}

fn limits(day: NaiveDate) -> Limits {
    let book = Rulebook::parse(include_str!("../../../../data/rulebook/values.toml")).expect("well formed");
    Limits::on(&book, day).expect("in force")
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

fn after(event: Event, count: u32, unit: DueUnit) -> DueRule {
    DueRule::After { event, count, unit }
}

fn act(kind: ActKind, on: NaiveDate, until: Option<NaiveDate>) -> Act {
    Act { kind, on, until, ground: "台风停工".into(), document: "沪规划资源〔2024〕1号".into(), year: None }
}

const SOON: Days = Days::new(90);

#[test]
fn a_clock_says_the_rule_the_day_and_how_it_was_counted_in_both_languages() {
    let events = Events { handover: Some(day(2024, 3, 1)), ..Events::default() };
    let start = promise(ObligationKind::Start, after(Event::Handover, 6, DueUnit::Months));
    let clock = start.clock(&events, &calendar(), day(2024, 3, 2), SOON);
    assert_eq!((clock.due, clock.state), (Some(day(2024, 9, 1)), State::NotDue { days: 183 }));
    assert_eq!(clock.how.en, "6 months after handover 2024-03-01 → 2024-09-01");
    assert_eq!(clock.how.zh, "交地（2024-03-01）后6个月 → 2024-09-01");
}

#[test]
fn a_clock_whose_base_event_is_not_recorded_is_unknown_and_says_which() {
    let start = promise(ObligationKind::Start, after(Event::Handover, 6, DueUnit::Months));
    let clock = start.clock(&Events::default(), &calendar(), day(2024, 3, 2), SOON);
    assert_eq!((clock.due, clock.state), (None, State::Unknown));
    assert_eq!(clock.how.en, "cannot be computed: no handover date");
    assert_eq!(clock.how.zh, "无法计算：未登记交地日期");
}

#[test]
fn a_milestone_is_due_then_due_soon_then_late_by_n_days_then_met_late() {
    let due = day(2024, 9, 1);
    let mut start = promise(ObligationKind::Start, DueRule::On(due));
    for (today, state) in [
        (day(2024, 6, 2), State::NotDue { days: 91 }),
        (day(2024, 6, 3), State::DueSoon { days: 90 }),
        (due, State::DueSoon { days: 0 }),
        (day(2024, 9, 2), State::Late { days: 1, excuse: None }),
        (day(2025, 9, 1), State::Late { days: 365, excuse: None }),
    ] {
        assert_eq!(start.clock(&Events::default(), &calendar(), today, SOON).state, state, "{today}");
    }
    start.met_on = Some(day(2024, 9, 11));
    let on = |today| start.clock(&Events::default(), &calendar(), today, SOON).state;
    assert_eq!(on(day(2024, 9, 10)), State::Late { days: 9, excuse: None });
    assert_eq!(on(day(2024, 9, 11)), State::Met { late_days: 10 });
}

#[test]
fn a_clock_is_extended_waived_cured_or_breached_by_decision_with_ground_and_document() {
    let on = |acts: &[Act], today| {
        let start = Promise { acts, ..promise(ObligationKind::Start, DueRule::On(day(2024, 9, 1))) };
        start.clock(&Events::default(), &calendar(), today, SOON)
    };
    let extended = [act(ActKind::Extended, day(2024, 8, 1), Some(day(2025, 3, 1)))];
    let clock = on(&extended, day(2024, 10, 1));
    let State::Extended { until, ground, document } = &clock.state else { panic!("{clock:?}") };
    assert_eq!((*until, ground.as_str(), document.as_str()), (day(2025, 3, 1), "台风停工", "沪规划资源〔2024〕1号"));
    assert!(clock.how.en.contains("extended to 2025-03-01"), "{}", clock.how.en);
    // Before the decision it was not extended, and after the new day it is late from that day.
    assert_eq!(on(&extended, day(2024, 7, 31)).state, State::DueSoon { days: 32 });
    assert_eq!(on(&extended, day(2025, 3, 3)).state, State::Late { days: 2, excuse: None });
    for (kind, name) in [
        (ActKind::Waived, "waived"),
        (ActKind::Cured, "cured"),
        (ActKind::FoundBreached, "breached"),
        (ActKind::Met, "met"),
    ] {
        assert_eq!(on(&[act(kind, day(2024, 10, 1), None)], day(2024, 10, 2)).state.name(), name);
    }
    let both = [act(ActKind::FoundBreached, day(2024, 10, 1), None), act(ActKind::Cured, day(2024, 12, 1), None)];
    assert_eq!(on(&both, day(2024, 11, 1)).state, State::Breached);
    assert_eq!(on(&both, day(2024, 12, 1)).state.name(), "cured");
}

#[test]
fn a_figure_is_met_or_breached_by_its_comparator_and_unknown_without_a_figure() {
    let of = |achieved: Option<i64>, at_most| {
        let tax = Promise {
            target: Some(Decimal::from(100)),
            achieved: achieved.map(Decimal::from),
            at_most,
            ..promise(ObligationKind::Tax, DueRule::On(day(2024, 9, 1)))
        };
        tax.clock(&Events::default(), &calendar(), day(2025, 1, 1), SOON).state.name()
    };
    assert_eq!([of(Some(100), false), of(Some(99), false), of(None, false)], ["met", "breached", "unknown"]);
    assert_eq!([of(Some(100), true), of(Some(101), true), of(None, true)], ["met", "breached", "unknown"]);
}

#[test]
fn a_yearly_obligation_falls_due_again_each_year() {
    let rule = DueRule::Yearly { month: 4, day: 30, from: 2023, to: Some(2026) };
    let mut tax = promise(ObligationKind::Tax, rule);
    let on = |tax: &Promise<'_>, today| tax.clock(&Events::default(), &calendar(), today, SOON);
    for (today, due) in
        [(day(2020, 1, 1), day(2023, 4, 30)), (day(2024, 4, 30), day(2024, 4, 30)), (day(2024, 5, 1), day(2025, 4, 30))]
    {
        assert_eq!(on(&tax, today).due, Some(due), "{today}");
    }
    tax.met_on = Some(day(2024, 3, 1));
    assert_eq!(on(&tax, day(2024, 4, 1)).state, State::Met { late_days: 0 });
    assert_eq!(on(&tax, day(2025, 4, 1)).state, State::DueSoon { days: 29 });
}

#[test]
fn what_is_paid_late_counts_for_the_year_it_was_owed_in_and_not_for_the_next() {
    let rule = DueRule::Yearly { month: 4, day: 30, from: 2023, to: Some(2026) };
    let tax = Promise { met_on: Some(day(2024, 5, 2)), ..promise(ObligationKind::Tax, rule) };
    let on = |tax: &Promise<'_>, today| tax.clock(&Events::default(), &calendar(), today, SOON);
    assert_eq!(on(&tax, day(2024, 5, 3)).state, State::NotDue { days: 362 });
    assert_eq!(on(&tax, day(2025, 4, 1)).state, State::DueSoon { days: 29 });
    // What is paid before the first year counts for the first, after the last for the last.
    let first = Promise { met_on: Some(day(2022, 12, 1)), ..tax.clone() };
    assert_eq!(on(&first, day(2023, 1, 1)).state, State::Met { late_days: 0 });
    let last = Promise { met_on: Some(day(2027, 1, 2)), ..tax };
    assert_eq!(on(&last, day(2027, 1, 2)).state, State::Met { late_days: 247 });
}

#[test]
fn what_was_decided_of_one_year_of_a_yearly_obligation_says_nothing_of_the_next() {
    let rule = DueRule::Yearly { month: 4, day: 30, from: 2023, to: None };
    let on = |acts: &[Act], today| {
        Promise { acts, ..promise(ObligationKind::Tax, rule) }.clock(&Events::default(), &calendar(), today, SOON)
    };
    for kind in [ActKind::Waived, ActKind::Cured, ActKind::FoundBreached, ActKind::Met] {
        let acts = [act(kind, day(2024, 3, 1), None)];
        assert!(!matches!(on(&acts, day(2024, 4, 1)).state, State::DueSoon { .. }), "{kind:?}");
        assert_eq!(on(&acts, day(2025, 4, 1)).state, State::DueSoon { days: 29 }, "{kind:?}");
    }
    // An extension holds for its own year, until the day that it gives.
    let extended = [act(ActKind::Extended, day(2024, 4, 1), Some(day(2024, 6, 30)))];
    for (today, due) in [
        (day(2024, 3, 31), day(2024, 4, 30)),
        (day(2024, 4, 2), day(2024, 6, 30)),
        (day(2024, 5, 10), day(2024, 6, 30)),
        (day(2024, 6, 30), day(2024, 6, 30)),
        (day(2024, 7, 1), day(2025, 4, 30)),
    ] {
        assert_eq!(on(&extended, today).due, Some(due), "{today}");
    }
}

#[test]
fn a_step_that_was_decided_to_be_met_is_an_event_and_a_step_of_the_works_on_the_day_of_the_decision() {
    let decided = [act(ActKind::Met, day(2024, 10, 1), None)];
    let start = Promise { acts: &decided, ..promise(ObligationKind::Start, DueRule::On(day(2024, 9, 1))) };
    assert_eq!((start.done_on(day(2024, 9, 30)), start.done_on(day(2024, 10, 1))), (None, Some(day(2024, 10, 1))));
    let clock = start.clock(&Events::default(), &calendar(), day(2024, 10, 2), SOON);
    assert_eq!((clock.met_on, clock.state), (Some(day(2024, 10, 1)), State::Met { late_days: 30 }));
    let recorded = Promise { met_on: Some(day(2024, 8, 31)), ..start };
    assert_eq!(recorded.done_on(day(2024, 10, 2)), Some(day(2024, 8, 31)), "what is recorded goes before");
}

#[test]
fn a_late_duty_of_a_government_cause_says_that_it_is_excused() {
    let start =
        Promise { excuse: Some(Excuse::Government), ..promise(ObligationKind::Start, DueRule::On(day(2024, 9, 1))) };
    let state = start.clock(&Events::default(), &calendar(), day(2024, 9, 3), SOON).state;
    assert_eq!(state, State::Late { days: 2, excuse: Some(Excuse::Government) });
}

#[test]
fn one_applies_12_months_before_the_end_of_a_term_and_is_reminded_at_18() {
    let end = day(2040, 7, 1);
    for (today, found) in [
        (day(2038, 12, 31), Expiry::Running),
        (day(2039, 1, 1), Expiry::Remind { apply_by: day(2039, 7, 1) }),
        (day(2039, 7, 1), Expiry::Remind { apply_by: day(2039, 7, 1) }),
        (day(2039, 7, 2), Expiry::ApplicationOver { apply_by: day(2039, 7, 1) }),
        (day(2040, 6, 30), Expiry::ApplicationOver { apply_by: day(2039, 7, 1) }),
        (end, Expiry::Ended),
    ] {
        assert_eq!(limits(today).expiry(end), Some(found), "{today}");
    }
}

/// A published parcel record: what it says of days and of its bond.
struct Record {
    name: &'static str,
    handover_working_days: u32,
    completion_months: u32,
    due: [NaiveDate; 5],
}

/// Minhang R&D 2024 (23号) and Baoshan industrial 2024 (5号), as the Shanghai land market published them. The days of
/// signature are made up; the periods, percentages and areas are the records' own.
fn records() -> [Record; 2] {
    [
        Record {
            name: "Minhang 2024-23",
            handover_working_days: 30,
            completion_months: 42,
            due: [day(2024, 1, 22), day(2024, 2, 29), day(2024, 4, 12), day(2024, 10, 12), day(2027, 10, 12)],
        },
        Record {
            name: "Baoshan 2024-5",
            handover_working_days: 45,
            completion_months: 30,
            due: [day(2024, 1, 22), day(2024, 2, 29), day(2024, 5, 7), day(2024, 11, 7), day(2026, 11, 7)],
        },
    ]
}

#[test]
fn the_two_published_records_of_minhang_and_baoshan_fall_due_on_their_days() {
    let calendar = calendar();
    for record in records() {
        let signing = day(2024, 1, 15);
        let mut events = Events { signing: Some(signing), ..Events::default() };
        let of = |kind, rule, events: &Events| {
            promise(kind, rule).clock(events, &calendar, signing, SOON).due.unwrap_or_else(|| panic!("{}", record.name))
        };
        let bond = of(ObligationKind::Bond, after(Event::Signing, 5, DueUnit::WorkingDays), &events);
        let payment = of(ObligationKind::Payment, after(Event::Signing, 30, DueUnit::WorkingDays), &events);
        events.met(ObligationKind::Payment, payment);
        let rule = after(Event::Payment, record.handover_working_days, DueUnit::WorkingDays);
        let handover = of(ObligationKind::Handover, rule, &events);
        events.met(ObligationKind::Handover, handover);
        let start = of(ObligationKind::Start, after(Event::Handover, 6, DueUnit::Months), &events);
        let rule = after(Event::Handover, record.completion_months, DueUnit::Months);
        let completion = of(ObligationKind::Completion, rule, &events);
        assert_eq!([bond, payment, handover, start, completion], record.due, "{}", record.name);
    }
}

#[test]
fn a_late_start_under_the_published_records_costs_half_then_all_of_the_start_bond_and_then_the_contract() {
    for record in records() {
        let start = record.due[3];
        // The price of neither record is given, nor how its bond is split: a per cent of the start bond is all there is.
        for (months, days, percent) in [(0, 0, 0), (0, 1, 50), (6, 0, 50), (6, 1, 100), (12, 0, 100)] {
            let today = start + Months::new(months) + Days::new(days);
            assert_eq!(
                limits(today).start_bond_forfeit_percent(start),
                Decimal::from(percent),
                "{} {today}",
                record.name
            );
        }
    }
}

#[test]
fn a_bond_more_than_60_days_late_after_demand_lets_the_contract_be_rescinded() {
    let demand = day(2024, 3, 1);
    for (today, paid, found) in [
        (day(2024, 4, 30), None, BondTrack::Owed { days: 60 }),
        (day(2024, 5, 1), None, BondTrack::Rescindable { days: 61 }),
        (day(2024, 5, 1), Some(day(2024, 4, 1)), BondTrack::Paid),
    ] {
        assert_eq!(limits(today).bond(Some(demand), paid, None), found, "{today}");
    }
    assert_eq!(limits(day(2024, 5, 1)).bond(None, None, None), BondTrack::NotDemanded);
}

#[test]
fn the_tesla_targets_are_1085_and_172_wan_yuan_a_mu_and_an_annual_tax_short_of_them_is_a_breach() {
    // 864,885 m² = 1,297.3 亩; 14.08 bn yuan invested; 2.23 bn of tax a year from the end of 2023 on, fifty years.
    let mu = Decimal::new(864_885 * 15, 0) / Decimal::from(10_000);
    let a_mu = |wan_yuan: i64| (Decimal::from(wan_yuan) / mu).round();
    assert_eq!((a_mu(1_408_000), a_mu(223_000)), (Decimal::from(1085), Decimal::from(172)));
    let tax = |achieved: i64| {
        Promise {
            target: Some(Decimal::from(223_000)),
            achieved: Some(Decimal::from(achieved)),
            ..promise(ObligationKind::Tax, DueRule::On(day(2023, 12, 31)))
        }
        .clock(&Events::default(), &calendar(), day(2024, 1, 1), SOON)
        .state
    };
    assert_eq!((tax(223_000), tax(222_999)), (State::Met { late_days: 0 }, State::Breached));
}

fn input(price: i64, total: u64) -> RefundInput {
    RefundInput {
        price_wan_yuan: Decimal::new(price, 6),
        deposit_wan_yuan: Decimal::new(price / 5, 6),
        starts_on: day(2020, 1, 1),
        ends_on: day(2020, 1, 1) + Days::new(total),
    }
}

proptest! {
    #[test]
    fn the_price_of_the_remaining_term_is_refunded_to_the_fen_and_what_is_kept_makes_it_whole(
        price in 1_i64..1_000_000_000_000, total in 1_u64..20_000, gone in 0_u64..25_000
    ) {
        let input = input(price, total);
        let found = refund(&input, input.starts_on + Days::new(gone));
        prop_assert_eq!(found.remaining_wan_yuan + found.used_wan_yuan, input.price_wan_yuan);
        prop_assert_eq!(found.remaining_wan_yuan, found.remaining_wan_yuan.round_dp(6));
        prop_assert!(found.remaining_wan_yuan >= Decimal::ZERO && found.used_wan_yuan >= Decimal::ZERO);
        prop_assert_eq!(found.paid_out_wan_yuan,
            (found.remaining_wan_yuan - input.deposit_wan_yuan).max(Decimal::ZERO));
        if gone >= total { prop_assert_eq!(found.remaining_wan_yuan, Decimal::ZERO); }
        if gone == 0 { prop_assert_eq!(found.remaining_wan_yuan, input.price_wan_yuan); }
        let later = refund(&input, input.starts_on + Days::new(gone + 1));
        prop_assert!(later.remaining_wan_yuan <= found.remaining_wan_yuan);
    }

    #[test]
    fn a_clock_runs_one_way_and_every_day_of_lateness_adds_one(due in 0_u64..3000, today in 0_u64..4000) {
        let base = day(2020, 1, 1);
        let start = promise(ObligationKind::Start, DueRule::On(base + Days::new(due)));
        let state = |offset| start.clock(&Events::default(), &calendar(), base + Days::new(offset), SOON).state;
        let left = |state: &State| match state {
            State::NotDue { days } | State::DueSoon { days } => *days,
            State::Late { days, .. } => -*days,
            other => panic!("{other:?}"),
        };
        prop_assert_eq!(left(&state(today)) - 1, left(&state(today + 1)));
        prop_assert_eq!(left(&state(today)) < 0, today > due);
    }
}
