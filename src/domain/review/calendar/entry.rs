//! What is said of a review of the calendar: which one it is, where it stands, by what it was done, and what is missing where
//! its day cannot be counted.

use crate::domain::contract::due::Event;
use crate::domain::contract::obligation::ObligationKind;
use crate::domain::review::scheme::Words;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Which review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// 竣工评估: whether was built what was promised.
    Completion,
    /// 达产评估: whether the targets were reached.
    FullProduction,
    /// 过程评估: the land in use, every three to five years.
    Process,
    /// 到期评估: before the end of the term.
    Expiry,
}

impl Kind {
    /// All of them, in the order of a life.
    pub const ALL: [Self; 4] = [Self::Completion, Self::FullProduction, Self::Process, Self::Expiry];

    /// The word used in data and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Completion => "completion",
            Self::FullProduction => "full_production",
            Self::Process => "process",
            Self::Expiry => "expiry",
        }
    }

    /// The kind of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == word)
    }

    /// The word for people who read Chinese.
    pub fn chinese(self) -> &'static str {
        match self {
            Self::Completion => "竣工评估",
            Self::FullProduction => "达产评估",
            Self::Process => "过程评估",
            Self::Expiry => "到期评估",
        }
    }
}

/// What names a review of a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    /// Which review.
    pub kind: Kind,
    /// The how manieth of its kind, 1 the first; only a review in use comes more than once.
    pub number: u32,
}

/// By what a review was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// A review run that was published.
    Run {
        /// Its number.
        run: i64,
    },
    /// An acceptance that somebody recorded: it was done on paper.
    Acceptance {
        /// The document.
        document: String,
    },
}

/// A review that was done, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// By what.
    pub by: By,
    /// On which day.
    pub on: NaiveDate,
    /// The day it was due, as it was counted then; nothing where that could not be counted.
    pub due: Option<NaiveDate>,
}

/// What was done of the reviews of one contract.
pub type Known = HashMap<Name, Done>;

/// The fact for want of which a day cannot be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// The day of an event, from which the obligation counts.
    Event(Event),
    /// The obligation itself is not on record, though the contract carries performance terms.
    Obligation(ObligationKind),
    /// The obligation is on record without a day.
    Day(ObligationKind),
    /// No value of the rulebook is in force.
    Rule(&'static str),
}

impl Missing {
    /// A stable code: `event:handover`, `obligation:completion`, `day:completion`, `rule:KEY`.
    pub fn code(self) -> String {
        match self {
            Self::Event(event) => format!("event:{}", event.name()),
            Self::Obligation(kind) => format!("obligation:{}", kind.name()),
            Self::Day(kind) => format!("day:{}", kind.name()),
            Self::Rule(key) => format!("rule:{key}"),
        }
    }

    pub(super) fn words(self) -> Words {
        let (zh, en) = match self {
            Self::Event(event) => (
                format!("未登记{}日期", event.chinese()),
                format!("no {} date is on record", event.name().replace('_', " ")),
            ),
            Self::Obligation(kind) => (
                format!("未登记{}事项", kind.chinese()),
                format!("no obligation of {} is on record", kind.name().replace('_', " ")),
            ),
            Self::Day(kind) => (
                format!("{}事项未约定期限", kind.chinese()),
                format!("the obligation of {} has no day", kind.name().replace('_', " ")),
            ),
            Self::Rule(key) => {
                (format!("规则 {key} 当日无有效值"), format!("no value of {key} is in force on the day"))
            }
        };
        Words { zh: format!("无法计算：{zh}"), en: format!("cannot be counted: {en}") }
    }
}

/// Where a review stands on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// 已完成.
    Done(Done),
    /// 未到期: in so many days.
    NotYet {
        /// Days left.
        days: i64,
    },
    /// 到期: to be done within so many days.
    Due {
        /// Days left.
        days: i64,
    },
    /// 逾期.
    Overdue {
        /// Days late.
        days: i64,
    },
    /// 未做: a later review of the contract has taken its place.
    Missed,
    /// 已失效: the term ended before it was done.
    Lapsed,
    /// 无法计算: a fact or a rule is missing.
    Unknown(Missing),
}

impl State {
    /// The word used in data and on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Done(_) => "done",
            Self::NotYet { .. } => "not_yet",
            Self::Due { .. } => "due",
            Self::Overdue { .. } => "overdue",
            Self::Missed => "missed",
            Self::Lapsed => "lapsed",
            Self::Unknown(_) => "unknown",
        }
    }

    /// The word for people who read Chinese.
    pub fn chinese(&self) -> &'static str {
        match self {
            Self::Done(_) => "已完成",
            Self::NotYet { .. } => "未到期",
            Self::Due { .. } => "到期",
            Self::Overdue { .. } => "逾期",
            Self::Missed => "未开展",
            Self::Lapsed => "已失效",
            Self::Unknown(_) => "无法计算",
        }
    }

    /// Whether it is to be done now.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Due { .. } | Self::Overdue { .. })
    }
}
