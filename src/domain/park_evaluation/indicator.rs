//! The closed list of what a park is measured by, each with what it is made of and its unit.

use crate::domain::quantity::SquareMetres;
use crate::domain::review::facts::round;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is known of a park in a year. Figures of enterprises are those parts that reached its parcels; nothing where it is
/// not known, which is never zero.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ParkFacts {
    /// Floor area that the plan allows, m².
    pub allowed_floor_m2: Option<f64>,
    /// Its code.
    pub code: String,
    /// Land of it with grade D, m².
    pub d_m2: Option<f64>,
    /// Floor area built on the land whose plan ratio is known, m².
    pub floor_m2: Option<f64>,
    /// Land of it that is idle by the idle-land rules, m², whoever's fault that is.
    pub idle_m2: Option<f64>,
    /// Fixed assets so far, 万元.
    pub investment_wan_yuan: Option<f64>,
    /// Land that the newest published review judged, m².
    pub judged_m2: Option<f64>,
    /// The land of its parcels, m².
    pub land_m2: f64,
    /// The classes of GB/T 4754 that it leads with, at most three.
    pub leading_industries: Vec<String>,
    /// The part of the year's output that its leading industries gave, 万元.
    pub leading_output_wan_yuan: Option<f64>,
    /// Output of the year before, 万元.
    pub output_before_wan_yuan: Option<f64>,
    /// Output of the year, 万元.
    pub output_wan_yuan: Option<f64>,
    /// How many parcels it has.
    pub parcels: u32,
    /// Of each figure that enterprises report: the part of the floor area × days in use behind which it is known, 0 to 1.
    pub reported: BTreeMap<String, f64>,
    /// Spent on research, 万元.
    pub research_wan_yuan: Option<f64>,
    /// Revenue, 万元.
    pub revenue_wan_yuan: Option<f64>,
    /// Persons employed.
    pub staff: Option<f64>,
    /// Tax paid here, 万元.
    pub tax_wan_yuan: Option<f64>,
}

/// What a park may be measured by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParkIndicator {
    /// Output over land, 万元/亩.
    OutputPerMu,
    /// Tax over land, 万元/亩.
    TaxPerMu,
    /// Persons over land, persons/亩.
    JobsPerMu,
    /// Fixed assets over land, 万元/亩.
    InvestmentPerMu,
    /// Output of the leading industries over output, 0 to 1.
    LeadingShare,
    /// Output over that of the year before; above 1 it grew.
    OutputRatio,
    /// Research over revenue, 0 to 1 as a rule.
    ResearchShare,
    /// Idle land over land, 0 to 1; less is better.
    IdleShare,
    /// D land over judged land, 0 to 1; less is better.
    DShare,
    /// Floor area built over the allowed one.
    FloorUse,
}

impl ParkIndicator {
    /// Every indicator.
    pub const ALL: [Self; 10] = [
        Self::OutputPerMu,
        Self::TaxPerMu,
        Self::JobsPerMu,
        Self::InvestmentPerMu,
        Self::LeadingShare,
        Self::OutputRatio,
        Self::ResearchShare,
        Self::IdleShare,
        Self::DShare,
        Self::FloorUse,
    ];

    /// Whether less is better.
    pub fn lower_is_better(self) -> bool {
        matches!(self, Self::IdleShare | Self::DShare)
    }

    /// The word used in data and on the wire.
    pub fn key(self) -> &'static str {
        match self {
            Self::OutputPerMu => "output_per_mu",
            Self::TaxPerMu => "tax_per_mu",
            Self::JobsPerMu => "jobs_per_mu",
            Self::InvestmentPerMu => "investment_per_mu",
            Self::LeadingShare => "leading_share",
            Self::OutputRatio => "output_ratio",
            Self::ResearchShare => "research_share",
            Self::IdleShare => "idle_share",
            Self::DShare => "d_share",
            Self::FloorUse => "floor_use",
        }
    }

    /// What it is called, Chinese and English.
    pub fn title(self) -> [&'static str; 2] {
        match self {
            Self::OutputPerMu => ["地均产出", "output per land"],
            Self::TaxPerMu => ["地均税收", "tax per land"],
            Self::JobsPerMu => ["地均就业", "jobs per land"],
            Self::InvestmentPerMu => ["地均投资", "investment per land"],
            Self::LeadingShare => ["主导产业集中度", "share of the leading industries"],
            Self::OutputRatio => ["产出与上年之比", "output against the year before"],
            Self::ResearchShare => ["研发投入占比", "research over revenue"],
            Self::IdleShare => ["闲置土地占比", "idle land"],
            Self::DShare => ["D 类用地占比", "land graded D"],
            Self::FloorUse => ["已建与规划允许建筑面积之比", "floor area built of that allowed"],
        }
    }

    /// Its unit.
    pub fn unit(self) -> &'static str {
        match self {
            Self::OutputPerMu | Self::TaxPerMu | Self::InvestmentPerMu => "wan_yuan/mu",
            Self::JobsPerMu => "persons/mu",
            Self::LeadingShare | Self::OutputRatio | Self::ResearchShare => "share",
            Self::IdleShare | Self::DShare | Self::FloorUse => "share",
        }
    }

    /// Its figure to a millionth; nothing where a part of it is unknown or there is nothing to divide by.
    pub fn figure(self, facts: &ParkFacts) -> Option<f64> {
        let land_mu = Some(SquareMetres(facts.land_m2).to_mu().value());
        match self {
            Self::OutputPerMu => over(facts.output_wan_yuan, land_mu),
            Self::TaxPerMu => over(facts.tax_wan_yuan, land_mu),
            Self::JobsPerMu => over(facts.staff, land_mu),
            Self::InvestmentPerMu => over(facts.investment_wan_yuan, land_mu),
            Self::LeadingShare => over(facts.leading_output_wan_yuan, facts.output_wan_yuan),
            Self::OutputRatio => over(facts.output_wan_yuan, facts.output_before_wan_yuan),
            Self::ResearchShare => over(facts.research_wan_yuan, facts.revenue_wan_yuan),
            Self::IdleShare => over(facts.idle_m2, Some(facts.land_m2)),
            Self::DShare => over(facts.d_m2, facts.judged_m2),
            Self::FloorUse => over(facts.floor_m2, facts.allowed_floor_m2),
        }
    }
}

fn over(part: Option<f64>, whole: Option<f64>) -> Option<f64> {
    let (part, whole) = (part?, whole.filter(|whole| *whole > 0.0)?);
    Some(round(part / whole, 6))
}
