//! The rule by which a parcel came into a state, as it read when the deed was entered: which move of the table, on what
//! ground in law, and the values of the rulebook of the deed's day that it rests on.

use super::table::Move;
use super::{Deed, IdleKind, State, moves_from};
use crate::domain::review::receipt::hash;
use crate::domain::review::scheme::Words;
use crate::domain::rulebook::{RuleValue, Rulebook, Unit, keys};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// How many hexadecimal digits of a fingerprint tell two versions of a rule apart.
const VERSION_DIGITS: usize = 12;

/// The rule of a state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// The move: the state before, the deed, the state after; `found` where the register met the parcel.
    pub id: String,
    /// A fingerprint of the trigger and its source: another wording is another version.
    pub version: String,
    /// What triggers it in law.
    pub trigger: Words,
    /// Where that was read.
    pub source: String,
    /// The values that it rests on, as they stood on the day of the deed.
    pub values: Vec<Quoted>,
}

/// A value of the rulebook as it was quoted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "as in rulebook::RuleValue")]
pub struct Quoted {
    pub key: String,
    pub value: f64,
    pub unit: Unit,
    pub effective_from: NaiveDate,
    pub effective_to: Option<NaiveDate>,
    pub source: String,
    pub assumption: bool,
}

impl From<&RuleValue> for Quoted {
    fn from(one: &RuleValue) -> Self {
        Self {
            key: one.key.clone(),
            value: one.value,
            unit: one.unit,
            effective_from: one.effective_from,
            effective_to: one.effective_to,
            source: one.source.clone(),
            assumption: one.assumption,
        }
    }
}

impl Rule {
    /// The rule of the state in which the register meets a parcel: there is none but its document.
    pub fn found() -> Self {
        Self::new(
            "found".to_owned(),
            "登记时所处状态，以所附文件为据",
            "the state in which the register met the parcel, as its document shows",
            "landcycle's own: a first state follows from no move",
        )
    }

    /// The rule of a move that was made on a day; values that no rule fixed on that day are not quoted.
    pub fn of(from: &State, deed: &Deed, to: &State, rulebook: &Rulebook, on: NaiveDate) -> Self {
        let values = rests_on(from, deed).iter().filter_map(|key| rulebook.on(key, on).ok().map(Quoted::from));
        Self { values: values.collect(), ..Self::without_values(from, deed, to) }
    }

    /// The rule of a move that rests on no value.
    pub fn without_values(from: &State, deed: &Deed, to: &State) -> Self {
        let id = format!("{} {} {}", from.name(), deed.name(), to.name());
        let made = |one: &&Move| one.deed == deed.name() && one.to == to.name();
        match moves_from(from.name()).find(made) {
            Some(one) => Self::new(id, one.trigger_zh, one.trigger_en, one.source),
            None => Self::new(id, "", "", ""),
        }
    }

    fn new(id: String, zh: &str, en: &str, source: &str) -> Self {
        let text = [zh, en, source].join("\n");
        let version = hash(text.as_bytes()).chars().take(VERSION_DIGITS).collect();
        let trigger = Words { zh: zh.to_owned(), en: en.to_owned() };
        Self { id, version, trigger, source: source.to_owned(), values: Vec::new() }
    }
}

/// The values on which a deed, or the money that it moves, rests.
fn rests_on(from: &State, deed: &Deed) -> &'static [&'static str] {
    const LATE_START: &[&str] = &[keys::START_BOND_MONTHS, keys::START_BOND_PERCENT];
    const RESCISSION: &[&str] =
        &[keys::RESCISSION_MONTHS, keys::START_BOND_MONTHS, keys::START_BOND_PERCENT, keys::TAKE_BACK_NOTICE_DAYS];
    match (from, deed) {
        (_, Deed::NearExpiry { .. }) => &[keys::APPLICATION_MONTHS],
        (State::Contracted { .. }, Deed::Rescind) => &[keys::BOND_GRACE_DAYS],
        (_, Deed::Start) if from.late_start().is_some() => LATE_START,
        (State::Idle { kind: IdleKind::NotStarted, .. }, Deed::RecogniseIdleness) => {
            &[keys::IDLE_FEE_MONTHS, keys::IDLE_FEE_PERCENT]
        }
        (State::Idle { kind: IdleKind::Suspended, .. }, Deed::RecogniseIdleness) => {
            &[keys::IDLE_FEE_MONTHS, keys::IDLE_FEE_PERCENT, keys::IDLE_DEVELOPED, keys::IDLE_INVESTED]
        }
        (State::Idle { .. }, Deed::DecideDisposal { .. }) => {
            &[keys::IDLE_TAKE_BACK_MONTHS, keys::TAKE_BACK_NOTICE_DAYS]
        }
        (_, Deed::DecideDisposal { .. }) if from.late_start().is_some() => RESCISSION,
        (_, Deed::DecideDisposal { .. }) => &[keys::TAKE_BACK_NOTICE_DAYS],
        _ => &[],
    }
}
