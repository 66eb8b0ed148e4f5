//! Where a shape stands: what it shares with every tier, lock, planning unit and legacy area that is law on a day.

use super::Tier;
use crate::domain::quantity::SquareMetres;
use chrono::NaiveDate;
use serde::Serialize;

/// A layer of the plan that land can be laid over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// Industrial bases and communities.
    Zone,
    /// Planning units with their permitted uses.
    PlanUnit,
    /// The older division into 104, 195 and 198.
    Legacy,
}

/// A part of the shape.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Part {
    /// Geodesic area, m².
    pub area_m2: SquareMetres,
    /// Share of the shape, 0 to 1.
    pub share: f64,
}

/// What the shape shares with one area of the plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Overlap {
    /// Which layer.
    pub layer: Layer,
    /// Code of the area.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Its tier, for a zone.
    pub tier: Option<Tier>,
    /// Lock 1, for a zone: reserved for advanced manufacturing.
    pub locked: bool,
    /// Its class, for a legacy area: 104, 195 or 198.
    pub class: Option<String>,
    /// The document that set it.
    pub document: Option<String>,
    /// First day on which it is in force.
    pub valid_from: NaiveDate,
    /// First day on which it no longer is.
    pub valid_to: Option<NaiveDate>,
    /// What they share.
    #[serde(flatten)]
    pub part: Part,
}

/// Where a shape stands on a day.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Standing {
    /// The day whose plan was asked.
    pub day: NaiveDate,
    /// Geodesic area of the shape, m².
    pub area_m2: SquareMetres,
    /// The share from which a tier decides, by the rulebook of the day.
    pub deciding_share: f64,
    /// What lies in bases; land in two of them counts once.
    pub base: Part,
    /// What lies in communities.
    pub community: Part,
    /// What lies in neither.
    pub fragmented: Part,
    /// What lies in locked zones.
    pub locked: Part,
    /// The tier that decides; fragmented where none reaches the deciding share.
    pub tier: Tier,
    /// Whether locked zones hold the deciding share.
    pub is_locked: bool,
    /// Whether it lies across a border of tiers or locks by more than the tolerance: both figures are said, and someone
    /// should look.
    pub on_border: bool,
    /// Whether any zone at all is law on the day: without one nobody knows what the plan says.
    pub plan_is_known: bool,
    /// Every area of the plan that it meets, the largest part first.
    pub overlaps: Vec<Overlap>,
}
