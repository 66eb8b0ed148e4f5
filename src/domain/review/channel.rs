//! The ways by which something is done about land: a closed list. Those that compel someone name what they rest on.

use super::situation::{Idle, Situation, Start, Term};
use serde::{Deserialize, Serialize};

/// On what kind of ground a recommendation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// Nothing is asked of the holder.
    None,
    /// The holder's own will.
    Agreement,
    /// A clause of the contract.
    Contract,
    /// A statute or regulation.
    Law,
}

/// A way by which something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// Watched, nothing more.
    Observe,
    /// Rectified and assessed again.
    Rectify,
    /// A supplementary contract.
    SupplementaryContract,
    /// A rise of the plot ratio within the plan.
    CapacityRise,
    /// Renewal of industrial land to better industrial land (二转二).
    TwoTransformations,
    /// Bought back by the platform of the park.
    PlatformRepurchase,
    /// Compensated at the market.
    MarketCompensation,
    /// Bought and stored by the land reserve.
    Storage,
    /// Returned to fields and green (减量化).
    Reduction,
    /// The contract is rescinded.
    ContractRescission,
    /// A fee for idle land.
    IdleLandFee,
    /// Idle land is taken back.
    IdleLandTakeBack,
    /// The term is not renewed.
    NonRenewal,
    /// A penalty that the contract sets, such as the start bond.
    ContractPenalty,
    /// The review at the end of a term.
    Expiry,
    /// Extended, swapped or settled with the holder, who is not at fault.
    Negotiation,
    /// Referred to the regulator.
    Regulator,
}

impl Channel {
    /// Every way.
    pub const ALL: [Self; 17] = [
        Self::Observe,
        Self::Rectify,
        Self::SupplementaryContract,
        Self::CapacityRise,
        Self::TwoTransformations,
        Self::PlatformRepurchase,
        Self::MarketCompensation,
        Self::Storage,
        Self::Reduction,
        Self::ContractRescission,
        Self::IdleLandFee,
        Self::IdleLandTakeBack,
        Self::NonRenewal,
        Self::ContractPenalty,
        Self::Expiry,
        Self::Negotiation,
        Self::Regulator,
    ];

    /// The word used in data and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Rectify => "rectify",
            Self::SupplementaryContract => "supplementary-contract",
            Self::CapacityRise => "capacity-rise",
            Self::TwoTransformations => "two-transformations",
            Self::PlatformRepurchase => "platform-repurchase",
            Self::MarketCompensation => "market-compensation",
            Self::Storage => "storage",
            Self::Reduction => "reduction",
            Self::ContractRescission => "contract-rescission",
            Self::IdleLandFee => "idle-land-fee",
            Self::IdleLandTakeBack => "idle-land-take-back",
            Self::NonRenewal => "non-renewal",
            Self::ContractPenalty => "contract-penalty",
            Self::Expiry => "expiry",
            Self::Negotiation => "negotiation",
            Self::Regulator => "regulator",
        }
    }

    /// What a way that compels the holder must rest on; nothing where the holder may decline.
    pub fn needs(self) -> Option<Basis> {
        match self {
            Self::ContractRescission | Self::ContractPenalty => Some(Basis::Contract),
            Self::IdleLandFee | Self::IdleLandTakeBack | Self::NonRenewal => Some(Basis::Law),
            _ => None,
        }
    }

    /// What is missing in a situation for the way to be open: the fact that its ground rests on, which is never a grade.
    pub fn lacks(self, situation: &Situation) -> Option<&'static str> {
        let late = |starts: &[Start]| situation.performance_terms && starts.contains(&situation.start);
        let (holds, missing) = match self {
            Self::ContractRescission => (
                situation.terms_missed || late(&[Start::OverAYear]),
                "no term of the contract is missed and works are not over a year late",
            ),
            Self::ContractPenalty => (
                situation.terms_missed || late(&[Start::Late, Start::OverAYear]),
                "no term of the contract is missed and works are not late",
            ),
            Self::IdleLandFee => {
                (matches!(situation.idle, Idle::OneYear | Idle::TwoYears), "the land is not idle by the holder's fault")
            }
            Self::IdleLandTakeBack => {
                (situation.idle == Idle::TwoYears, "the land is not idle for two years by the holder's fault")
            }
            Self::NonRenewal => (situation.term != Term::Running, "the term is not near its end"),
            _ => (true, ""),
        };
        (!holds).then_some(missing)
    }
}
