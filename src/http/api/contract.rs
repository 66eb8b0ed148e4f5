//! Contracts in a dossier, as they go over the wire: what was promised, where each promise stands, and what the two tracks
//! of land that is not built on would cost. What they say is worked out in `flow/dossier.rs`.

use super::city::BothLanguages;
use crate::domain::contract::bond::Settlement;
use crate::domain::contract::clock::{Done, State, Year};
use crate::domain::contract::expiry::Expiry;
use crate::domain::contract::tracks::{ContractMoney, IdleMoney};
use crate::domain::review::decision::{Idle, Start};
use crate::flow::dossier::{Duty, Standing};
use crate::store;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::Serialize;

/// A contract over a parcel.
#[allow(missing_docs)] // The names are the wire's own; docs/api.md says what they mean.
#[derive(Debug, Clone, Serialize)]
pub struct Contract {
    pub number: String,
    pub kind: String,
    pub supplements: Option<String>,
    pub amended_by: Vec<String>,
    pub granted_by: Option<String>,
    pub granted_on: Option<NaiveDate>,
    pub holder: Option<String>,
    pub holder_name: Option<String>,
    pub signed_on: Option<NaiveDate>,
    pub term_starts_on: Option<NaiveDate>,
    pub term_ends_on: Option<NaiveDate>,
    pub apply_to_renew_by: Option<NaiveDate>,
    pub price_wan_yuan: Option<f64>,
    pub deposit_wan_yuan: Option<f64>,
    pub plot_ratio_low: Option<f64>,
    pub plot_ratio_high: Option<f64>,
    pub performance_terms: Option<bool>,
    pub responsible_unit: Option<String>,
    pub bonds: Vec<Bond>,
    pub obligations: Vec<Obligation>,
    pub contract_track: ContractTrack,
    pub idle_track: IdleTrack,
}

/// A part of a bond.
#[allow(missing_docs)]
#[derive(Debug, Clone, Serialize)]
pub struct Bond {
    pub part: &'static str,
    pub amount_wan_yuan: Option<f64>,
    pub due_on: Option<NaiveDate>,
    pub paid_on: Option<NaiveDate>,
    pub demanded_on: Option<NaiveDate>,
    pub state: &'static str,
    pub days_since_demand: Option<i64>,
    pub settled: bool,
    pub settlement: Option<&'static str>,
    pub settled_on: Option<NaiveDate>,
    pub forfeited_wan_yuan: Option<f64>,
}

/// What a contract asks for by a day.
#[allow(missing_docs)]
#[derive(Debug, Clone, Serialize)]
pub struct Obligation {
    pub number: String,
    pub kind: String,
    pub due_on: Option<NaiveDate>,
    pub target: Option<f64>,
    pub unit: Option<String>,
    pub comparator: Option<String>,
    pub year: Option<i32>,
    pub met_on: Option<NaiveDate>,
    pub met_on_is: Option<&'static str>,
    pub achieved: Option<f64>,
    pub excuse: Option<String>,
    pub body: Option<String>,
    pub late_days: Option<i64>,
    pub clock: WireClock,
    pub years: Vec<WireYear>,
}

/// One year of a yearly duty whose day is over.
#[allow(missing_docs)]
#[derive(Debug, Clone, Serialize)]
pub struct WireYear {
    pub year: i32,
    pub due_on: NaiveDate,
    pub state: &'static str,
    pub state_zh: &'static str,
    pub met_on: Option<NaiveDate>,
    pub met_on_is: Option<&'static str>,
    pub achieved: Option<f64>,
    pub late_days: Option<i64>,
}

/// Where an obligation stands, and how its day was counted.
#[allow(missing_docs)]
#[derive(Debug, Clone, Serialize)]
pub struct WireClock {
    pub state: &'static str,
    pub state_zh: &'static str,
    pub days: Option<i64>,
    pub how: BothLanguages,
}

/// The contract track: a start that is late under the contract.
#[allow(missing_docs)]
#[derive(Debug, Clone, Serialize)]
pub struct ContractTrack {
    pub state: &'static str,
    pub start_bond_lost_percent: Option<f64>,
    pub start_bond_lost_wan_yuan: Option<f64>,
    pub refund_wan_yuan: Option<f64>,
}

/// The idle-land track.
#[allow(missing_docs)]
#[derive(Debug, Clone, Serialize)]
pub struct IdleTrack {
    pub state: &'static str,
    pub remedy: Option<&'static str>,
    pub fee_at_most_wan_yuan: Option<f64>,
    pub take_back_not_before: Option<NaiveDate>,
}

impl Contract {
    /// A contract with where it stands.
    pub fn new(one: &store::dossier::Contract, standing: &Standing) -> Self {
        Self {
            number: one.number.clone(),
            kind: one.kind.clone(),
            supplements: one.supplements.clone(),
            amended_by: one.amended_by.clone(),
            granted_by: one.granted_by.clone(),
            granted_on: one.granted_on,
            holder: one.holder.clone(),
            holder_name: one.holder_name.clone(),
            signed_on: Some(one.signed_on),
            term_starts_on: Some(one.term_starts_on),
            term_ends_on: one.term_ends_on,
            apply_to_renew_by: match standing.expiry {
                Some(Expiry::Remind { apply_by } | Expiry::ApplicationOver { apply_by }) => Some(apply_by),
                _ => None,
            },
            price_wan_yuan: one.price_wan_yuan,
            deposit_wan_yuan: one.deposit_wan_yuan,
            plot_ratio_low: one.plot_ratio_low,
            plot_ratio_high: one.plot_ratio_high,
            performance_terms: Some(one.performance_terms),
            responsible_unit: one.responsible_unit.clone(),
            bonds: standing
                .bonds
                .iter()
                .map(|(bond, track)| Bond {
                    part: bond.part.name(),
                    amount_wan_yuan: number(bond.amount_wan_yuan),
                    due_on: bond.due_on,
                    paid_on: bond.paid_on,
                    demanded_on: bond.demanded_on,
                    state: track.name(),
                    days_since_demand: track.days(),
                    settled: bond.settled.is_some(),
                    settlement: bond.settled.map(Settlement::name),
                    settled_on: bond.settled.map(|settled| settled.on),
                    forfeited_wan_yuan: number(bond.settled.and_then(|settled| settled.forfeited_wan_yuan)),
                })
                .collect(),
            obligations: standing.duties.iter().map(obligation).collect(),
            contract_track: contract_track(standing.tracks.start, &standing.tracks.start_money),
            idle_track: idle_track(standing.tracks.idle, &standing.tracks.idle_money),
        }
    }
}

/// Days after its day on which it was met, or for which it has been owed; nothing while it is not late.
fn late_days(state: &State) -> Option<i64> {
    match state {
        State::Met { late_days } if *late_days > 0 => Some(*late_days),
        State::Late { days, .. } => Some(*days),
        _ => None,
    }
}

/// Whether the day by which it was done stands in the register, or is that of the decision which says so.
fn known_by(done: Option<Done>) -> Option<&'static str> {
    done.map(|done| if done.is_recorded { "recorded" } else { "inferred" })
}

fn year(one: &Year) -> WireYear {
    WireYear {
        year: one.year,
        due_on: one.due,
        state: one.state.name(),
        state_zh: one.state.chinese(),
        met_on: one.done.map(|done| done.on),
        met_on_is: known_by(one.done),
        achieved: number(one.achieved),
        late_days: late_days(&one.state),
    }
}

fn obligation(duty: &Duty) -> Obligation {
    let Duty { held, clock, years } = duty;
    let days = match &clock.state {
        State::NotDue { days } | State::DueSoon { days } => Some(*days),
        State::Late { days, .. } => Some(-days),
        _ => None,
    };
    Obligation {
        number: held.number.clone(),
        kind: held.kind.name().to_owned(),
        due_on: clock.due,
        target: number(held.target),
        unit: held.unit.clone(),
        comparator: held.target.map(|_| if held.at_most { "<=" } else { ">=" }.to_owned()),
        year: clock.year,
        met_on: clock.done.map(|done| done.on),
        met_on_is: known_by(clock.done),
        achieved: number(held.achieved),
        excuse: held.excuse.map(|excuse| excuse.name().to_owned()),
        body: held.body.clone(),
        late_days: late_days(&clock.state),
        years: years.iter().map(year).collect(),
        clock: WireClock {
            state: clock.state.name(),
            state_zh: clock.state.chinese(),
            days,
            how: BothLanguages { zh: clock.how.zh.clone(), en: clock.how.en.clone() },
        },
    }
}

fn contract_track(start: Start, money: &ContractMoney) -> ContractTrack {
    let late = start != Start::InTime;
    let refund = money.rescission.as_ref().and_then(|rescission| rescission.refund);
    ContractTrack {
        state: match start {
            Start::InTime => "in_time",
            Start::Late => "late",
            Start::OverAYear => "rescindable",
        },
        start_bond_lost_percent: number(late.then_some(money.start_bond_percent)),
        start_bond_lost_wan_yuan: number(money.start_bond_wan_yuan.filter(|_| late)),
        refund_wan_yuan: number(refund.map(|refund| refund.paid_out_wan_yuan)),
    }
}

fn idle_track(idle: Idle, money: &IdleMoney) -> IdleTrack {
    let (remedy, fee, not_before) = match money {
        IdleMoney::Nothing => (None, None, None),
        IdleMoney::Extension => (Some("extension"), None, None),
        IdleMoney::FeeAtMost { wan_yuan, .. } => (Some("fee"), *wan_yuan, None),
        IdleMoney::FeeAtMostOneYearsRent => (Some("fee_of_rent"), None, None),
        IdleMoney::FreeTakeBack { not_before } => (Some("free_take_back"), None, *not_before),
    };
    IdleTrack {
        state: match idle {
            Idle::None => "not_idle",
            Idle::Excused => "excused",
            Idle::OneYear => "one_year",
            Idle::TwoYears => "two_years",
        },
        remedy,
        fee_at_most_wan_yuan: number(fee),
        take_back_not_before: not_before,
    }
}

fn number(value: Option<Decimal>) -> Option<f64> {
    value.and_then(|value| value.to_f64())
}
