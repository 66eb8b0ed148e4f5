//! The two tracks with dates and money, beside one another.

use super::*;

fn day(y: i32, m: u32, d: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(y, m, d).expect("a day")
}

fn limits(day: NaiveDate) -> Limits {
    let book = Rulebook::parse(include_str!("../../../../data/rulebook/values.toml")).expect("well formed");
    Limits::on(&book, day).expect("in force")
}

/// Due 1 September 2024, not begun; 20 years from 1 March 2024 for 1,000 万元, 200 of them deposit.
fn site() -> Site {
    Site { open_start: Some(day(2024, 9, 1)), ..Site::default() }
}

fn terms() -> RefundInput {
    RefundInput {
        price_wan_yuan: Decimal::from(1000),
        deposit_wan_yuan: Decimal::from(200),
        starts_on: day(2024, 3, 1),
        ends_on: day(2044, 3, 1),
    }
}

fn bonds() -> PartBonds {
    PartBonds {
        start: Some(Decimal::from(60)),
        completion: Some(Decimal::from(50)),
        production: Some(Decimal::from(40)),
    }
}

#[test]
fn both_tracks_run_side_by_side_with_their_own_money() {
    for (today, forfeited, rescindable, idle) in [
        (day(2024, 9, 1), 0, false, IdleMoney::Nothing),
        (day(2024, 9, 2), 30, false, IdleMoney::Nothing),
        (day(2025, 3, 1), 30, false, IdleMoney::Nothing),
        (day(2025, 3, 2), 60, false, IdleMoney::Nothing),
        (day(2025, 9, 1), 60, false, fee()),
        (day(2025, 9, 2), 60, true, fee()),
        (day(2026, 9, 1), 60, true, IdleMoney::FreeTakeBack { not_before: Some(day(2026, 10, 1)) }),
    ] {
        let limits = limits(today);
        let money = limits.contract_money(&site(), &bonds(), Some(&terms()));
        assert_eq!(money.start_bond_wan_yuan, Some(Decimal::from(forfeited)), "{today}");
        assert_eq!(money.rescission.is_some(), rescindable, "{today}");
        assert_eq!(limits.idle_money(limits.idle(&site()), Some(Decimal::from(1000)), false), idle, "{today}");
    }
}

fn fee() -> IdleMoney {
    IdleMoney::FeeAtMost { percent: Decimal::from(20), wan_yuan: Some(Decimal::from(200)) }
}

#[test]
fn rescission_refunds_the_remaining_term_less_the_deposit_and_the_later_bonds_in_full() {
    let money = limits(day(2025, 9, 2)).contract_money(&site(), &bonds(), Some(&terms()));
    let rescission = money.rescission.expect("more than a year late");
    // 7,305 days, of which 550 are over: 1000 × 6755 / 7305.
    let refund = rescission.refund.expect("all is recorded");
    assert_eq!(refund.remaining_wan_yuan, Decimal::new(924_709_103, 6));
    assert_eq!(refund.paid_out_wan_yuan, Decimal::new(724_709_103, 6));
    assert_eq!(rescission.completion_bond_wan_yuan, Some(Decimal::from(50)));
    assert_eq!(rescission.production_bond_wan_yuan, Some(Decimal::from(40)));
}

#[test]
fn money_whose_facts_are_not_recorded_stays_unknown() {
    let limits = limits(day(2025, 9, 2));
    let money = limits.contract_money(&site(), &PartBonds::default(), None);
    assert_eq!((money.start_bond_percent, money.start_bond_wan_yuan), (Decimal::ONE_HUNDRED, None));
    assert_eq!(money.rescission.expect("late").refund, None);
    let fee = limits.idle_money(Idle::OneYear, None, false);
    assert_eq!(fee, IdleMoney::FeeAtMost { percent: Decimal::from(20), wan_yuan: None });
    assert_eq!(limits.idle_money(Idle::OneYear, Some(Decimal::ONE), true), IdleMoney::FeeAtMostOneYearsRent);
}

#[test]
fn a_delay_that_the_government_caused_extends_and_costs_nothing_on_either_track() {
    let limits = limits(day(2027, 1, 1));
    let site = Site { excused: true, ..site() };
    let money = limits.contract_money(&site, &bonds(), Some(&terms()));
    assert_eq!((money.start_bond_percent, money.rescission), (Decimal::ZERO, None));
    assert_eq!(limits.idle_money(limits.idle(&site), Some(Decimal::from(1000)), false), IdleMoney::Extension);
}

#[test]
fn before_a_rule_is_in_force_its_track_does_not_run() {
    let book = Rulebook::parse(include_str!("../../../../data/rulebook/values.toml")).expect("well formed");
    let before = day(2005, 1, 1);
    assert!(Limits::on(&book, before).is_err());
    let limits = Limits::in_force(&book, before);
    let site = Site { open_start: Some(day(2000, 1, 1)), ..Site::default() };
    assert_eq!((limits.idle(&site), limits.start(&site)), (Idle::None, Start::Late));
    assert_eq!(limits.contract_money(&site, &bonds(), Some(&terms())).start_bond_percent, Decimal::ZERO);
    assert_eq!(limits.expiry(day(2005, 2, 1)), None);
}
