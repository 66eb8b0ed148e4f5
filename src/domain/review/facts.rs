//! What a review looks at: the facts about one parcel as they stood on the day. The fields of what a receipt quotes stand
//! in the order of their names, as canonical JSON has them (`canonical`).

use crate::domain::contract::obligation::{Excuse, ObligationKind};
use crate::domain::zoning::Tier;
use crate::domain::zoning::legacy::Class;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::sync::Arc;

pub use super::sharing::{Figures, MEASURES, Measure, Packed, Share, Use, Year};

/// Rounds half away from zero to so many decimals: the one rounding of every figure, score and share of a review.
pub fn round(value: f64, decimals: i32) -> f64 {
    let scale = 10f64.powi(decimals);
    let scaled = value * scale;
    // Figures too large to have that many decimals are exact already.
    if scaled.abs() < 9e15 { scaled.round() / scale } else { value }
}

/// What a milestone of a contract says on the day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Duty {
    /// Until when.
    pub due_on: Option<NaiveDate>,
    /// Why a delay is not the holder's fault.
    pub excuse: Option<String>,
    /// What is promised.
    pub kind: String,
    /// Whether it is met: a milestone by its day, a figure by what was achieved; nothing while not yet due or unknown.
    pub met: Option<bool>,
    /// When it was met.
    pub met_on: Option<NaiveDate>,
}

/// What a data row says of an obligation, before the day is known.
#[derive(Debug, Clone)]
pub struct DutyRow {
    /// What is promised.
    pub kind: ObligationKind,
    /// Until when.
    pub due_on: Option<NaiveDate>,
    /// When it was met.
    pub met_on: Option<NaiveDate>,
    /// The figure promised.
    pub target: Option<f64>,
    /// The figure reached.
    pub achieved: Option<f64>,
    /// Whether the target is a ceiling.
    pub at_most: bool,
    /// Why a delay is not the holder's fault.
    pub excuse: Option<Excuse>,
}

impl DutyRow {
    /// The duty as it stands on a day.
    pub fn on(&self, day: NaiveDate) -> Duty {
        // A duty can be met until the end of its day.
        let due = self.due_on.is_none_or(|due| due < day);
        let met = if self.kind.is_milestone() {
            match (self.met_on, self.due_on) {
                (Some(met), Some(limit)) if met <= day => Some(met <= limit),
                _ => due.then_some(false),
            }
        } else {
            match (self.target, self.achieved) {
                (Some(target), Some(achieved)) if due => {
                    Some(if self.at_most { achieved <= target } else { achieved >= target })
                }
                _ => None,
            }
        };
        Duty {
            kind: self.kind.name().to_owned(),
            due_on: self.due_on,
            met_on: self.met_on.filter(|met| *met <= day),
            met,
            excuse: self.excuse.map(|excuse| excuse.name().to_owned()),
        }
    }
}

/// What the newest contract of a parcel says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContractFacts {
    /// The numbers of its supplementary contracts, the oldest first, whose newest terms stand here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amended_by: Vec<String>,
    /// Land developed of the land due, per cent.
    pub developed_percent: Option<f64>,
    /// Its obligations, and theirs, as they stand on the day.
    pub duties: Vec<Duty>,
    /// Investment made of that agreed, per cent.
    pub invested_percent: Option<f64>,
    /// Its number.
    pub number: String,
    /// Whether it carries performance terms.
    pub performance_terms: bool,
    /// Who supervises it.
    pub responsible_unit: Option<String>,
    /// When it was signed.
    pub signed_on: NaiveDate,
    /// Since when works stand still.
    pub suspended_on: Option<NaiveDate>,
    /// The figures that it promises, and its supplements; of a kind the newest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Target>,
    /// The first day after the term.
    pub term_ends_on: Option<NaiveDate>,
}

/// A figure that a contract promises.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// What is promised.
    pub kind: String,
    /// In what unit; nothing for a bare number, or where it goes without saying.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The figure.
    pub value: f64,
}

/// The floor area that enterprises use on the day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Occupied {
    /// All of it, m².
    pub floor_m2: f64,
    /// What tenants use of it, m².
    pub leased_m2: f64,
}

/// A fault that caps the grade, not cleared on the day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VetoFact {
    /// Whose.
    pub enterprise: String,
    /// What kind.
    pub kind: String,
    /// Of which year.
    pub year: i32,
}

impl Ord for VetoFact {
    fn cmp(&self, other: &Self) -> Ordering {
        (&self.enterprise, self.year, &self.kind).cmp(&(&other.enterprise, other.year, &other.kind))
    }
}

impl PartialOrd for VetoFact {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The enterprise that used most of a parcel in the years that are looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MainUser {
    /// Whether it is above the scale of full statistics (规上).
    pub above_scale: Option<bool>,
    /// Its code.
    pub code: String,
    /// When it was founded.
    pub founded_on: Option<NaiveDate>,
}

fn has_none(list: &Arc<[String]>) -> bool {
    list.is_empty()
}

/// Everything that a review knows of one parcel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// Parcel code.
    pub code: String,
    /// Its newest contract.
    pub contract: Option<ContractFacts>,
    /// District code.
    pub district: String,
    /// Floor area of its buildings, m².
    pub floor_m2: Option<f64>,
    /// Ground that its buildings stand on, m².
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub footprint_m2: Option<f64>,
    /// Since when someone works there.
    pub in_use_since: Option<NaiveDate>,
    /// Industry of the enterprise that used most of it, GB/T 4754.
    pub industry: Option<String>,
    /// Whether that is the registered area (证载面积) or, for want of it, the area of the shape.
    pub land_is_registered: bool,
    /// The area that figures are spread over, m².
    pub land_m2: f64,
    /// Use code.
    pub land_use: String,
    /// In which part of the older division it lies, as far as the register holds that layer; asked of fragmented land only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legacy_class: Option<Class>,
    /// Whether the plan locks it.
    pub locked: bool,
    /// What of its floor area enterprises use; nothing where none is on record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occupied: Option<Occupied>,
    /// Park code.
    pub park: Option<String>,
    /// The industries that the park leads with, GB/T 4754; empty where it names none.
    #[serde(default, skip_serializing_if = "has_none")]
    pub park_industries: Arc<[String]>,
    /// Highest plot ratio of the plan condition.
    pub plot_ratio_allowed: Option<f64>,
    /// Where it stands.
    pub tier: Tier,
    /// Part of it in use, m².
    pub used_floor_m2: Option<f64>,
    /// That enterprise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<MainUser>,
    /// Faults not cleared.
    pub vetoes: Vec<VetoFact>,
    /// Its figures, one entry a year of the window.
    pub years: Vec<Year>,
}
