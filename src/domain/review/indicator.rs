//! The closed list of indicators (`domain.md` table (a)): what each is made of, in which unit. Weights, benchmarks and
//! directions are a scheme's business.

use super::facts::{Duty, Facts, Measure, round};
use crate::domain::quantity::{SquareMetres, WanYuan};
use serde::{Deserialize, Serialize};

/// An indicator that a scheme may weigh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Indicator {
    /// Plot ratio as built.
    FarActual,
    /// Plot ratio as built over the allowed one.
    FarUse,
    /// Cumulative fixed assets over land.
    InvInt,
    /// Yearly output over land.
    OutInt,
    /// Yearly tax over land.
    TaxInt,
    /// Yearly value added over land.
    VaInt,
    /// Value added over staff.
    LabProd,
    /// Value added over energy.
    VaEnergy,
    /// Value added over emissions.
    VaEmis,
    /// Research spending over revenue.
    RdShare,
    /// Staff over land.
    JobsInt,
    /// Unused floor area over floor area.
    VacRate,
    /// Obligations met over obligations due.
    FulRate,
}

impl Indicator {
    /// Every indicator.
    pub const ALL: [Self; 13] = [
        Self::FarActual,
        Self::FarUse,
        Self::InvInt,
        Self::OutInt,
        Self::TaxInt,
        Self::VaInt,
        Self::LabProd,
        Self::VaEnergy,
        Self::VaEmis,
        Self::RdShare,
        Self::JobsInt,
        Self::VacRate,
        Self::FulRate,
    ];

    /// Its key in schemes and lists.
    pub fn key(self) -> &'static str {
        match self {
            Self::FarActual => "far_actual",
            Self::FarUse => "far_use",
            Self::InvInt => "inv_int",
            Self::OutInt => "out_int",
            Self::TaxInt => "tax_int",
            Self::VaInt => "va_int",
            Self::LabProd => "lab_prod",
            Self::VaEnergy => "va_energy",
            Self::VaEmis => "va_emis",
            Self::RdShare => "rd_share",
            Self::JobsInt => "jobs_int",
            Self::VacRate => "vac_rate",
            Self::FulRate => "ful_rate",
        }
    }

    /// Its Chinese and English title.
    pub fn title(self) -> (&'static str, &'static str) {
        match self {
            Self::FarActual => ("现状容积率", "plot ratio as built"),
            Self::FarUse => ("容积率实现率", "plot ratio built of allowed"),
            Self::InvInt => ("固定资产投资强度", "fixed-asset intensity"),
            Self::OutInt => ("土地产出率", "output per land"),
            Self::TaxInt => ("地均税收", "tax per land"),
            Self::VaInt => ("亩均增加值", "value added per land"),
            Self::LabProd => ("全员劳动生产率", "labour productivity"),
            Self::VaEnergy => ("单位能耗增加值", "value added per energy"),
            Self::VaEmis => ("单位排放增加值", "value added per emission"),
            Self::RdShare => ("研发投入占比", "research share"),
            Self::JobsInt => ("地均就业", "jobs per land"),
            Self::VacRate => ("闲置建筑率", "vacant floor area"),
            Self::FulRate => ("合同履约率", "obligations met"),
        }
    }

    /// Its unit.
    pub fn unit(self) -> &'static str {
        match self {
            Self::FarActual => "",
            Self::FarUse | Self::RdShare | Self::VacRate | Self::FulRate => "%",
            Self::InvInt => "万元/亩",
            Self::OutInt | Self::TaxInt | Self::VaInt => "万元/亩·年",
            Self::LabProd => "万元/人·年",
            Self::VaEnergy => "万元/吨标准煤",
            Self::VaEmis => "万元/吨",
            Self::JobsInt => "人/公顷",
        }
    }

    /// Its figure for a parcel, rounded to 6 decimals; nothing where what it needs is unknown.
    ///
    /// Yearly figures are means over the years of the window in which they are known, of which there must be at least
    /// `least_years`; a quotient of two yearly figures takes the years in which both are.
    pub fn figure(self, facts: &Facts, least_years: usize, tolerance: f64) -> Option<f64> {
        let land = SquareMetres(facts.land_m2);
        let mean = |measure: Measure| -> Option<f64> {
            let known: Vec<f64> = facts.years.iter().filter_map(|year| year.figure(measure, tolerance)).collect();
            #[expect(clippy::cast_precision_loss, reason = "a window has at most five years")]
            (known.len() >= least_years.max(1)).then(|| known.iter().sum::<f64>() / known.len() as f64)
        };
        let quotient = |above: Measure, below: Measure| -> Option<f64> {
            let both: Vec<(f64, f64)> = facts
                .years
                .iter()
                .filter_map(|year| Some((year.figure(above, tolerance)?, year.figure(below, tolerance)?)))
                .collect();
            let (up, down) = both.iter().fold((0.0, 0.0), |(up, down), (a, b)| (up + a, down + b));
            (both.len() >= least_years.max(1) && down > 0.0).then(|| up / down)
        };
        let per_mu = |measure| mean(measure).and_then(|sum| WanYuan(sum).per(land)).map(|rate| rate.value());
        let floor = facts.floor_m2;
        let built = floor.filter(|_| land.value() > 0.0).map(|floor| floor / land.value());
        let figure = match self {
            Self::FarActual => built,
            Self::FarUse => {
                built.zip(facts.plot_ratio_allowed.filter(|ratio| *ratio > 0.0)).map(|(is, may)| 100.0 * is / may)
            }
            // Assets are a stock: the newest known year counts, not a mean.
            Self::InvInt => facts
                .years
                .iter()
                .rev()
                .find_map(|year| year.figure(Measure::FixedAssets, tolerance))
                .and_then(|sum| WanYuan(sum).per(land))
                .map(|rate| rate.value()),
            Self::OutInt => per_mu(Measure::Output),
            Self::TaxInt => per_mu(Measure::Tax),
            Self::VaInt => per_mu(Measure::ValueAdded),
            Self::LabProd => quotient(Measure::ValueAdded, Measure::Staff),
            Self::VaEnergy => quotient(Measure::ValueAdded, Measure::Energy),
            Self::VaEmis => quotient(Measure::ValueAdded, Measure::Emissions),
            Self::RdShare => quotient(Measure::Research, Measure::Revenue).map(|share| 100.0 * share),
            Self::JobsInt => {
                mean(Measure::Staff).filter(|_| land.value() > 0.0).map(|staff| staff / land.to_hectares().value())
            }
            Self::VacRate => floor
                .filter(|floor| *floor > 0.0)
                .zip(facts.used_floor_m2)
                .map(|(all, used)| 100.0 * (all - used) / all),
            Self::FulRate => facts.contract.as_ref().and_then(|contract| {
                // What the government or force majeure hindered is not held against the holder.
                let counts = |duty: &&Duty| duty.excuse.is_none() || duty.met == Some(true);
                let due: Vec<bool> = contract.duties.iter().filter(counts).filter_map(|duty| duty.met).collect();
                #[expect(clippy::cast_precision_loss, reason = "a contract has a handful of duties")]
                (!due.is_empty()).then(|| 100.0 * due.iter().filter(|met| **met).count() as f64 / due.len() as f64)
            }),
        };
        figure.filter(|figure| figure.is_finite()).map(|figure| round(figure, 6))
    }
}
