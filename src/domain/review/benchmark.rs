//! Benchmarks that do not come from the peers: fixed, of the rulebook, of the last round, and what the contract of the
//! parcel promises. Why there is none, is for the receipt to say.

use super::facts::{Facts, round};
use super::indicator::Indicator;
use super::run::Rules;
use super::scheme::SchemeError;
use super::scheme::part::{Benchmark, Part};
use crate::domain::contract::obligation::ObligationKind;
use crate::domain::quantity::SquareMetres;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the last published round of a kind found, kept with the rules of the run that measures against it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LastRound {
    /// The day that it judged.
    pub as_of: NaiveDate,
    /// The means over its judged parcels, by the part of the scheme and the indicator.
    pub means: BTreeMap<String, BTreeMap<Indicator, f64>>,
    /// Its run.
    pub run: i64,
}

/// Why a figure has nothing to be measured against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Absent {
    /// The parcel has no contract.
    NoContract,
    /// Its contract promises no such figure, or nothing.
    NoTarget,
    /// It promises one in a unit that does not turn into the indicator's.
    OtherUnit,
    /// No round of the kind was published before.
    NoEarlierRound,
    /// The last one did not have the indicator in that part.
    NotInEarlierRound,
}

impl Absent {
    /// In words, Chinese and English.
    pub fn words(self) -> [&'static str; 2] {
        match self {
            Self::NoContract => ["无合同，故无合同约定值", "there is no contract that could promise it"],
            Self::NoTarget => ["合同未约定该指标", "the contract does not promise it"],
            Self::OtherUnit => ["合同约定值的单位不能换算", "the contract promises it in a unit that does not convert"],
            Self::NoEarlierRound => ["此前没有已公布的同类评估", "no round of the kind was published before"],
            Self::NotInEarlierRound => ["上一轮评估没有该指标", "the last round did not have it"],
        }
    }
}

/// The benchmarks of a part that are the same for all its parcels and do not come from them.
pub(super) fn given(part: &Part, rules: &Rules, as_of: NaiveDate) -> Result<Vec<Option<f64>>, SchemeError> {
    part.indicators
        .iter()
        .map(|one| match &one.benchmark {
            Some(Benchmark::Fixed { value }) => Ok(Some(*value)),
            Some(Benchmark::Rulebook { key }) => Ok(Some(rules.rulebook.on(key, as_of)?.value)),
            Some(Benchmark::LastRoundMean { factor }) => {
                let means = rules.last_round.as_ref().and_then(|last| last.means.get(&part.name));
                Ok(means.and_then(|means| means.get(&one.key)).map(|mean| mean * factor))
            }
            _ => Ok(None),
        })
        .collect()
}

/// The kind of obligation that promises an indicator; nothing for those that none does.
pub(super) fn promising(key: Indicator) -> Option<ObligationKind> {
    match key {
        Indicator::OutInt => Some(ObligationKind::Output),
        Indicator::TaxInt => Some(ObligationKind::Tax),
        Indicator::InvInt => Some(ObligationKind::Investment),
        Indicator::JobsInt => Some(ObligationKind::Jobs),
        Indicator::FarActual => Some(ObligationKind::PlotRatioLow),
        _ => None,
    }
}

/// What the contract of a parcel promises, in the unit of the indicator.
pub(super) fn promised(key: Indicator, factor: f64, facts: &Facts) -> Result<f64, Absent> {
    let contract = facts.contract.as_ref().ok_or(Absent::NoContract)?;
    let kind = promising(key).ok_or(Absent::NoTarget)?;
    let target = contract.targets.iter().find(|one| one.kind == kind.name()).ok_or(Absent::NoTarget)?;
    let land = SquareMetres(facts.land_m2);
    let per_land = match (kind, target.unit.as_deref()) {
        (ObligationKind::Jobs, None | Some("人")) => target.value / land.to_hectares().value(),
        (ObligationKind::PlotRatioLow, None) => target.value,
        (ObligationKind::PlotRatioLow, Some("平方米")) => target.value / land.value(),
        (ObligationKind::Output | ObligationKind::Tax | ObligationKind::Investment, unit) => match unit {
            None | Some("万元" | "万元/年") => target.value / land.to_mu().value(),
            Some("万元/亩" | "万元/亩·年") => target.value,
            Some(_) => return Err(Absent::OtherUnit),
        },
        _ => return Err(Absent::OtherUnit),
    };
    let benchmark = round(per_land * factor, 6);
    // A promise of nothing measures nothing, and so does one on land of no area.
    if benchmark > 0.0 && benchmark.is_finite() { Ok(benchmark) } else { Err(Absent::NoTarget) }
}

/// Why an indicator has no benchmark in its part, where the scheme asks for one that need not be there.
pub(super) fn absent(benchmark: &Benchmark, rules: &Rules) -> Option<Absent> {
    match (benchmark, &rules.last_round) {
        (Benchmark::LastRoundMean { .. }, None) => Some(Absent::NoEarlierRound),
        (Benchmark::LastRoundMean { .. }, Some(_)) => Some(Absent::NotInEarlierRound),
        _ => None,
    }
}
