//! The life of a parcel (`domain.md` (c)): the states it can be in, each with its facts, and the deeds that lead from one
//! to the next. A deed consumes the state, may refuse, and names its legal trigger. What is due when is the clocks'
//! business, not this file's.

pub mod money;
pub mod rule;
mod table;

pub use table::{MOVES, Move, moves_from};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why idle land is idle (Measures on the Disposal of Idle Land).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdleKind {
    /// Type 1: not started a year after the agreed day.
    NotStarted,
    /// Type 2: started, too little of it, and suspended for a year.
    Suspended,
}

/// Where a parcel is in its life, with what belongs to being there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case", deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields are named in the field's own words")]
pub enum State {
    /// 储备: in the land reserve, its plan set.
    Reserved,
    /// 区域评估: the assessments of the base or community have begun.
    PreAssessed,
    /// 公告: the conditions are fixed and public.
    Announced,
    /// 签约: a contract is signed.
    Contracted { contract: String },
    /// 交地: the land is handed over.
    Delivered { contract: String },
    /// 在建: works have begun.
    Building { contract: String },
    /// 延期: an agreed day was missed; perhaps a later one was approved.
    Delayed { contract: String, duty: String, due_on: NaiveDate, extended_to: Option<NaiveDate> },
    /// 闲置: being looked into, then recognised.
    Idle { contract: String, kind: IdleKind, since: NaiveDate, recognised: bool },
    /// 竣工: accepted.
    Completed { contract: String },
    /// 投产: production is recognised.
    InProduction { contract: String },
    /// 达产运营: the promised figures are reached.
    Operating { contract: Option<String> },
    /// 整改: given time to mend.
    Rectifying { contract: Option<String>, ground: String, until: NaiveDate },
    /// 低效: on the list of inefficient land.
    Listed { contract: Option<String>, ground: String },
    /// 更新、提容: the plan is adjusted, the contract is being amended.
    Renewing { contract: Option<String> },
    /// 到期评估: a year or less of the term is left.
    Expiring { contract: String, term_ends_on: NaiveDate },
    /// 处置中: a decision is issued and public notice runs.
    Disposing { contract: Option<String>, ground: String, notice_until: NaiveDate, was: Before },
    /// 收回: taken back.
    TakenBack { ground: String },
    /// 收储: bought into the reserve.
    Stored { ground: String },
    /// 减量: given back to other land.
    Reduced { ground: String },
    /// Split or merged: its successors go on, its code is retired.
    Succeeded { event: String },
    /// Retired: its code is given up, and no parcel succeeds it.
    Retired { event: String },
    /// No industrial land any more.
    NonIndustrial,
}

/// What land was before its disposal was decided: where it returns to when an objection is upheld.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case", deny_unknown_fields)]
#[expect(missing_docs, reason = "as in State")]
pub enum Before {
    Delayed { duty: String, due_on: NaiveDate, extended_to: Option<NaiveDate> },
    Idle { kind: IdleKind, since: NaiveDate },
    Listed { ground: String },
}

/// Something done to a parcel that moves it on, on a day and on the strength of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// The legal day.
    pub on: NaiveDate,
    /// The document it rests on.
    pub document: String,
    /// What is done.
    pub deed: Deed,
}

/// What can be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "deed", rename_all = "snake_case", deny_unknown_fields)]
#[expect(missing_docs, reason = "the table of moves says what each means and what it rests on")]
pub enum Deed {
    BeginAssessment,
    Announce,
    FailToSell,
    Sign { contract: String },
    Rescind,
    HandOver,
    Start,
    MissDate { duty: String, due_on: NaiveDate },
    Extend { until: NaiveDate },
    InvestigateIdleness { kind: IdleKind, since: NaiveDate },
    RecogniseIdleness,
    RemedyIdleness { until: NaiveDate },
    Accept,
    Produce,
    ReachTargets,
    Rectify { ground: String, until: NaiveDate },
    PassReassessment,
    List { ground: String },
    Renew,
    AmendContract { contract: String },
    NearExpiry { term_ends_on: NaiveDate },
    RenewTerm { contract: String },
    Lapse,
    DecideDisposal { ground: String, notice_until: NaiveDate },
    UpholdObjection,
    TakeBack,
    Store,
    Reduce,
    Reserve,
    LeaveIndustry,
    Succeed { event: String },
    Retire { event: String },
}

/// Why a deed was not done; the parcel stays as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The table has no such move.
    #[error("a parcel that is {from} cannot {deed}; it can: {can}")]
    NoSuchMove {
        /// The state.
        from: &'static str,
        /// The deed.
        deed: &'static str,
        /// The deeds that its state knows.
        can: String,
    },
    /// A deed without a paper.
    #[error("{deed} names no document, expected the number or title of the paper it rests on")]
    NoDocument {
        /// The deed.
        deed: &'static str,
    },
    /// A deed before the state it starts from.
    #[error(
        "{deed} on {on} lies before {since}, the day since which the parcel is {state}; an earlier state is corrected, not moved from"
    )]
    TooEarly {
        /// The deed.
        deed: &'static str,
        /// Its day.
        on: NaiveDate,
        /// Since when the state holds.
        since: NaiveDate,
        /// The state.
        state: &'static str,
    },
    /// A condition of the law is not met.
    #[error("{deed} on {on}: {reason}")]
    Condition {
        /// The deed.
        deed: &'static str,
        /// Its day.
        on: NaiveDate,
        /// What stands against it.
        reason: String,
    },
}

/// The word of a variant, as serde writes it.
fn word(value: &impl Serialize, tag: &str) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.get(tag).and_then(|word| word.as_str()).unwrap_or_default().to_owned()
}

impl State {
    /// The word used in data and on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::PreAssessed => "pre_assessed",
            Self::Announced => "announced",
            Self::Contracted { .. } => "contracted",
            Self::Delivered { .. } => "delivered",
            Self::Building { .. } => "building",
            Self::Delayed { .. } => "delayed",
            Self::Idle { .. } => "idle",
            Self::Completed { .. } => "completed",
            Self::InProduction { .. } => "in_production",
            Self::Operating { .. } => "operating",
            Self::Rectifying { .. } => "rectifying",
            Self::Listed { .. } => "listed",
            Self::Renewing { .. } => "renewing",
            Self::Expiring { .. } => "expiring",
            Self::Disposing { .. } => "disposing",
            Self::TakenBack { .. } => "taken_back",
            Self::Stored { .. } => "stored",
            Self::Reduced { .. } => "reduced",
            Self::Succeeded { .. } => "succeeded",
            Self::Retired { .. } => "retired",
            Self::NonIndustrial => "non_industrial",
        }
    }

    /// Its name in Chinese and English.
    pub fn title(&self) -> (&'static str, &'static str) {
        table::title(self.name())
    }

    /// Does a deed: the state is used up and the next one comes out, or the reason why not. `since` is the day since which
    /// the parcel is in this state.
    pub fn make(self, since: NaiveDate, act: Act) -> Result<Self, Refused> {
        let Act { on, document, deed } = act;
        let name = deed.name();
        if document.trim().is_empty() {
            return Err(Refused::NoDocument { deed: name });
        }
        if on < since {
            return Err(Refused::TooEarly { deed: name, on, since, state: self.name() });
        }
        let condition = |holds: bool, reason: String| {
            if holds { Ok(()) } else { Err(Refused::Condition { deed: name, on, reason }) }
        };
        let from = self.name();
        let no_such_move = || Refused::NoSuchMove {
            from,
            deed: name,
            can: moves_from(from).map(|one| one.deed).collect::<Vec<_>>().join(", "),
        };
        Ok(match (self, deed) {
            (Self::Reserved, Deed::BeginAssessment) => Self::PreAssessed,
            (Self::PreAssessed, Deed::Announce) => Self::Announced,
            (Self::Announced, Deed::FailToSell) => Self::Reserved,
            (Self::Announced, Deed::Sign { contract }) => Self::Contracted { contract },
            (Self::Contracted { .. }, Deed::Rescind) => Self::Reserved,
            (Self::Contracted { contract }, Deed::HandOver) => Self::Delivered { contract },
            (
                Self::Delivered { contract } | Self::Delayed { contract, .. } | Self::Idle { contract, .. },
                Deed::Start,
            ) => Self::Building { contract },
            (
                Self::Delivered { contract }
                | Self::Building { contract }
                | Self::Completed { contract }
                | Self::InProduction { contract },
                Deed::MissDate { duty, due_on },
            ) => {
                condition(due_on < on, format!("the agreed day {due_on} has not passed"))?;
                Self::Delayed { contract, duty, due_on, extended_to: None }
            }
            (Self::Delayed { contract, duty, due_on, .. }, Deed::Extend { until }) => {
                condition(until > due_on, format!("the new day {until} is no later than {due_on}"))?;
                Self::Delayed { contract, duty, due_on, extended_to: Some(until) }
            }
            (
                Self::Delayed { contract, .. } | Self::Building { contract },
                Deed::InvestigateIdleness { kind, since },
            ) => {
                condition(since <= on, format!("idle since {since}, which is yet to come"))?;
                Self::Idle { contract, kind, since, recognised: false }
            }
            (Self::Idle { contract, kind, since, recognised }, Deed::RecogniseIdleness) => {
                condition(!recognised, "the land is recognised as idle already".to_owned())?;
                Self::Idle { contract, kind, since, recognised: true }
            }
            (Self::Idle { contract, kind, since, .. }, Deed::RemedyIdleness { until }) => {
                let duty = match kind {
                    IdleKind::NotStarted => "start",
                    IdleKind::Suspended => "completion",
                };
                condition(until > on, format!("the new day {until} is not after {on}"))?;
                Self::Delayed { contract, duty: duty.to_owned(), due_on: since, extended_to: Some(until) }
            }
            (Self::Building { contract } | Self::Delayed { contract, .. }, Deed::Accept) => {
                Self::Completed { contract }
            }
            (Self::Completed { contract } | Self::Delayed { contract, .. }, Deed::Produce) => {
                Self::InProduction { contract }
            }
            (Self::InProduction { contract } | Self::Delayed { contract, .. }, Deed::ReachTargets) => {
                Self::Operating { contract: Some(contract) }
            }
            (state @ (Self::InProduction { .. } | Self::Operating { .. }), Deed::Rectify { ground, until }) => {
                condition(until > on, format!("the time to mend ends on {until}, which is not after {on}"))?;
                Self::Rectifying { contract: state.contract(), ground, until }
            }
            (Self::Rectifying { contract, .. }, Deed::PassReassessment) => Self::Operating { contract },
            (state @ Self::Listed { .. }, Deed::PassReassessment) => Self::Operating { contract: state.contract() },
            (
                state @ (Self::InProduction { .. } | Self::Operating { .. } | Self::Rectifying { .. }),
                Deed::List { ground },
            ) => Self::Listed { contract: state.contract(), ground },
            (state @ (Self::Operating { .. } | Self::Listed { .. }), Deed::Renew) => {
                Self::Renewing { contract: state.contract() }
            }
            (Self::Renewing { .. }, Deed::AmendContract { contract }) => Self::Building { contract },
            (
                Self::InProduction { contract }
                | Self::Completed { contract }
                | Self::Operating { contract: Some(contract) }
                | Self::Rectifying { contract: Some(contract), .. }
                | Self::Listed { contract: Some(contract), .. },
                Deed::NearExpiry { term_ends_on },
            ) => Self::Expiring { contract, term_ends_on },
            (Self::Expiring { term_ends_on, .. }, Deed::RenewTerm { contract }) => {
                condition(on <= term_ends_on, format!("the term ended on {term_ends_on} and the right with it"))?;
                Self::Operating { contract: Some(contract) }
            }
            (Self::Expiring { term_ends_on, .. }, Deed::Lapse) => {
                condition(on >= term_ends_on, format!("the term runs until {term_ends_on}"))?;
                Self::TakenBack { ground: "term ended without renewal".to_owned() }
            }
            (
                state @ (Self::Delayed { .. } | Self::Idle { .. } | Self::Listed { .. }),
                Deed::DecideDisposal { ground, notice_until },
            ) => {
                let looked_into = matches!(state, Self::Idle { recognised: false, .. });
                condition(!looked_into, "the land is being looked into, and not recognised as idle yet".to_owned())?;
                condition(
                    !ground.trim().is_empty(),
                    "a disposal names its legal ground; a low grade alone gives none".to_owned(),
                )?;
                condition(notice_until >= on, format!("public notice would end on {notice_until}, before it begins"))?;
                let contract = state.contract();
                let was = state.before().ok_or_else(no_such_move)?;
                Self::Disposing { contract, ground, notice_until, was }
            }
            (Self::Disposing { contract, was, .. }, Deed::UpholdObjection) => was.again(contract),
            (Self::Disposing { ground, notice_until, .. }, deed @ (Deed::TakeBack | Deed::Store | Deed::Reduce)) => {
                condition(on > notice_until, format!("public notice runs until {notice_until}"))?;
                match deed {
                    Deed::TakeBack => Self::TakenBack { ground },
                    Deed::Store => Self::Stored { ground },
                    _ => Self::Reduced { ground },
                }
            }
            (Self::TakenBack { .. } | Self::Stored { .. }, Deed::Reserve) => Self::Reserved,
            (Self::TakenBack { .. } | Self::Stored { .. } | Self::Reduced { .. }, Deed::LeaveIndustry) => {
                Self::NonIndustrial
            }
            (state, Deed::Succeed { event }) if !state.is_end() => Self::Succeeded { event },
            (state, Deed::Retire { event }) if !state.is_end() => Self::Retired { event },
            _ => return Err(no_such_move()),
        })
    }

    /// Whether nothing follows.
    pub fn is_end(&self) -> bool {
        matches!(self, Self::Succeeded { .. } | Self::Retired { .. } | Self::NonIndustrial)
    }

    /// The contract that the state rests on.
    pub fn contract(&self) -> Option<String> {
        match self {
            Self::Contracted { contract }
            | Self::Delivered { contract }
            | Self::Building { contract }
            | Self::Delayed { contract, .. }
            | Self::Idle { contract, .. }
            | Self::Completed { contract }
            | Self::InProduction { contract }
            | Self::Expiring { contract, .. } => Some(contract.clone()),
            Self::Operating { contract }
            | Self::Rectifying { contract, .. }
            | Self::Listed { contract, .. }
            | Self::Renewing { contract }
            | Self::Disposing { contract, .. } => contract.clone(),
            _ => None,
        }
    }

    /// The day by which works were to begin, where they did not: as it was put off, if it was.
    pub fn late_start(&self) -> Option<NaiveDate> {
        match self {
            Self::Delayed { duty, due_on, extended_to, .. } if duty == "start" => Some(extended_to.unwrap_or(*due_on)),
            Self::Idle { kind: IdleKind::NotStarted, since, .. } => Some(*since),
            _ => None,
        }
    }

    fn before(self) -> Option<Before> {
        Some(match self {
            Self::Delayed { duty, due_on, extended_to, .. } => Before::Delayed { duty, due_on, extended_to },
            Self::Idle { kind, since, .. } => Before::Idle { kind, since },
            Self::Listed { ground, .. } => Before::Listed { ground },
            _ => return None,
        })
    }
}

impl Before {
    fn again(self, contract: Option<String>) -> State {
        match self {
            Self::Delayed { duty, due_on, extended_to } => {
                State::Delayed { contract: contract.unwrap_or_default(), duty, due_on, extended_to }
            }
            Self::Idle { kind, since } => {
                State::Idle { contract: contract.unwrap_or_default(), kind, since, recognised: true }
            }
            Self::Listed { ground } => State::Listed { contract, ground },
        }
    }
}

impl Deed {
    /// The word used in data and on the wire.
    pub fn name(&self) -> &'static str {
        let word = word(self, "deed");
        MOVES.iter().find(|one| one.deed == word).map_or("", |one| one.deed)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title().0)
    }
}
