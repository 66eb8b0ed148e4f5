//! The closed list of what a park is measured by, each with what it is made of and its unit.

use crate::domain::quantity::SquareMetres;
use serde::{Deserialize, Serialize};

/// What is known of a park in a year. Figures of enterprises are those parts that reached its parcels; nothing where it is
/// not known, which is never zero.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ParkFacts {
    /// Its code.
    pub code: String,
    /// The land of its parcels, m².
    pub land_m2: f64,
    /// Output of the year, 万元.
    pub output_wan_yuan: Option<f64>,
    /// Output of the year before, 万元.
    pub output_before_wan_yuan: Option<f64>,
    /// The part of the year's output that its leading industries (at most three) gave, 万元.
    pub leading_output_wan_yuan: Option<f64>,
    /// Tax paid here, 万元.
    pub tax_wan_yuan: Option<f64>,
    /// Persons employed.
    pub staff: Option<f64>,
    /// Fixed assets so far, 万元.
    pub investment_wan_yuan: Option<f64>,
    /// Spent on research, 万元.
    pub research_wan_yuan: Option<f64>,
    /// Revenue, 万元.
    pub revenue_wan_yuan: Option<f64>,
    /// Land of it that is idle, m².
    pub idle_m2: Option<f64>,
    /// Land that the newest published review judged, m².
    pub judged_m2: Option<f64>,
    /// Land of it with grade D, m².
    pub d_m2: Option<f64>,
    /// Floor area built, m².
    pub floor_m2: Option<f64>,
    /// Floor area that the plan allows, m².
    pub allowed_floor_m2: Option<f64>,
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

    /// Its unit.
    pub fn unit(self) -> &'static str {
        match self {
            Self::OutputPerMu | Self::TaxPerMu | Self::InvestmentPerMu => "wan_yuan/mu",
            Self::JobsPerMu => "persons/mu",
            Self::LeadingShare | Self::OutputRatio | Self::ResearchShare => "share",
            Self::IdleShare | Self::DShare | Self::FloorUse => "share",
        }
    }

    /// Its figure; nothing where a part of it is unknown or there is nothing to divide by.
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
    Some(part / whole)
}
