//! The three tiers and the double lockup (双锁定).
//!
//! The plan locks land for advanced manufacturing inside industrial bases (lock 1); supply admits new projects only in
//! bases and communities (lock 2); what lies in neither is fragmented (seed 004, `domain.md` §0 and §9).

pub mod legacy;
pub mod lockup;
pub mod plan_unit;
pub mod standing;
pub mod verdict;

use super::intake::{
    Field,
    FieldType::{Date, Flag, Text},
    Reading, field,
};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// Where a parcel stands in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// 产业基地: concentrated advanced manufacturing.
    Base,
    /// 产业社区: emerging industry, incubation, research and pilot production.
    Community,
    /// 零星工业用地: in neither.
    Fragmented,
}

impl Tier {
    /// Every tier, from the most protected.
    pub const ALL: [Self; 3] = [Self::Base, Self::Community, Self::Fragmented];

    /// The word used in data and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Community => "community",
            Self::Fragmented => "fragmented",
        }
    }

    /// The tier of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tier| tier.name() == word)
    }

    /// The field's own word.
    pub fn chinese(self) -> &'static str {
        match self {
            Self::Base => "产业基地",
            Self::Community => "产业社区",
            Self::Fragmented => "零星工业用地",
        }
    }
}

/// The fields of a zones data set.
pub const FIELDS: &[Field] = &[
    field("zone_code", Text, true),
    field("name", Text, true),
    field("tier", Text, true),
    field("locked", Flag, false),
    field("document", Text, false),
    field("decided_on", Date, false),
    field("valid_from", Date, true),
    field("valid_to", Date, false),
];

/// By which document, and for which days, an area of the plan is law.
#[derive(Debug, Clone, PartialEq)]
pub struct InForce {
    /// The document that set it.
    pub document: Option<String>,
    /// The day on which it was decided.
    pub decided_on: Option<NaiveDate>,
    /// The first day on which it is in force.
    pub valid_from: NaiveDate,
    /// The first day on which it no longer is.
    pub valid_to: Option<NaiveDate>,
}

/// A base or community as a data set gives it, without its shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Zone {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Base or community; fragmented land is what no zone covers.
    pub tier: Tier,
    /// Lock 1: reserved for advanced manufacturing.
    pub locked: bool,
    /// By what and when it is law.
    pub in_force: InForce,
}

/// Reads one row; faults are kept in the reading.
pub fn read(row: &mut Reading<'_>) -> Option<Zone> {
    let code = row.required_text("zone_code");
    let name = row.required_text("name");
    let tier = match row.required_text("tier") {
        None => None,
        Some(_) => row.word(
            "tier",
            &[
                ("base", Tier::Base),
                ("community", Tier::Community),
                ("产业基地", Tier::Base),
                ("产业社区", Tier::Community),
            ],
        ),
    };
    let locked = row.flag("locked").unwrap_or(false);
    let in_force = read_in_force(row);
    if locked && tier == Some(Tier::Community) {
        row.refuse("lock-outside-base", "locked", "1", "0: only land in an industrial base is locked by the plan");
    }
    Some(Zone { code: code?, name: name?, tier: tier?, locked, in_force: in_force? })
}

/// Reads by what and when an area of the plan is law: it ends after it begins, and begins when it was decided or later.
fn read_in_force(row: &mut Reading<'_>) -> Option<InForce> {
    let document = row.text("document");
    let decided_on = row.date("decided_on");
    if let Some(decided) = decided_on {
        row.not_in_future("decided_on", decided);
    }
    let valid_from = required_date(row, "valid_from");
    let valid_to = row.date("valid_to");
    if let (Some(from), Some(to)) = (valid_from, valid_to)
        && to <= from
    {
        row.refuse("period-ends-before-it-begins", "valid_to", &to.to_string(), format!("a day after {from}"));
    }
    if let (Some(from), Some(decided)) = (valid_from, decided_on)
        && from < decided
    {
        let expected = format!("{decided}, on which it was decided, or a later day");
        row.refuse("starts-before-decided", "valid_from", &from.to_string(), expected);
    }
    Some(InForce { document, decided_on, valid_from: valid_from?, valid_to })
}

/// A day that must be there.
pub(super) fn required_date(row: &mut Reading<'_>, name: &'static str) -> Option<NaiveDate> {
    row.required_text(name)?;
    row.date(name)
}
