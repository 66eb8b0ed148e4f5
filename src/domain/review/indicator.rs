//! The closed list of indicators (`domain.md` table (a)): what each is made of, in which unit. Weights, benchmarks and
//! directions are a scheme's business.

use super::facts::{Duty, Facts, Measure, Year, round};
use super::scheme::Combine;
use super::tracks::{Limits, delay_days, idle_days};
use crate::domain::contract::obligation::ObligationKind;
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
    /// Yearly main revenue over land.
    SalesInt,
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
    /// Ground under buildings over land.
    BldCoef,
    /// Staff from this city over staff.
    LocalShare,
    /// Value added over water.
    VaWater,
    /// Value added over chemical oxygen demand.
    VaCod,
    /// Tax over electricity.
    TaxElec,
    /// Floor area let over floor area in use.
    SubletRate,
    /// Days by which works began late.
    StartDelay,
    /// Days by which works were completed late.
    DoneDelay,
    /// Days for which land has been idle.
    IdleDays,
    /// Whether the industry is one that the park leads with.
    PlanFit,
    /// Figures known over figures asked for.
    DataCov,
    /// Points by where the land lies.
    LocationClass,
    /// Points by the industry.
    IndustryClass,
    /// Points by what enterprise uses it.
    EnterpriseClass,
    /// Points by the state of the land.
    LandClass,
}

/// How the years of a window are read.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// In how many of them a figure must be known.
    pub least_years: usize,
    /// How they make one figure.
    pub combine: &'a Combine,
    /// The share of the floor area that may be unreported in a known figure.
    pub tolerance: f64,
    /// The only year that is looked at, where it is one.
    pub only: Option<i32>,
    /// The rule values of the idle-land track on the day; without them nothing is known of days.
    pub limits: Option<&'a Limits>,
}

impl Reading<'_> {
    /// A sum over the years through another, in the way that the scheme combines years.
    fn combined(&self, facts: &Facts, terms: impl Fn(&Year) -> Option<(f64, f64)>) -> Option<f64> {
        let known = facts.years.iter().enumerate().filter(|(_, year)| self.only.is_none_or(|only| only == year.year));
        let known: Vec<(usize, f64, f64)> =
            known.filter_map(|(index, year)| terms(year).map(|(up, down)| (index, up, down))).collect();
        let least = if self.only.is_some() { 1 } else { self.least_years.max(1) };
        if known.len() < least {
            return None;
        }
        let weight = |index: usize| match self.combine {
            Combine::Mean => 1.0,
            Combine::Newest => f64::from(u8::from(known.last().is_some_and(|(last, ..)| *last == index))),
            // A window made shorter for one run leaves the oldest weights out.
            Combine::Weights(weights) => {
                let from_the_newest = facts.years.len() - index;
                weights.len().checked_sub(from_the_newest).map_or(0.0, |place| weights[place])
            }
        };
        let (up, down) = known.iter().fold((0.0, 0.0), |(up, down), (index, above, below)| {
            let weight = weight(*index);
            (up + weight * above, down + weight * below)
        });
        (down > 0.0).then(|| up / down)
    }
}

impl Indicator {
    /// Every indicator.
    pub const ALL: [Self; 29] = [
        Self::FarActual,
        Self::FarUse,
        Self::SalesInt,
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
        Self::BldCoef,
        Self::LocalShare,
        Self::VaWater,
        Self::VaCod,
        Self::TaxElec,
        Self::SubletRate,
        Self::StartDelay,
        Self::DoneDelay,
        Self::IdleDays,
        Self::PlanFit,
        Self::DataCov,
        Self::LocationClass,
        Self::IndustryClass,
        Self::EnterpriseClass,
        Self::LandClass,
    ];

    /// Its key in schemes and lists.
    pub fn key(self) -> &'static str {
        match self {
            Self::FarActual => "far_actual",
            Self::FarUse => "far_use",
            Self::SalesInt => "sales_int",
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
            Self::BldCoef => "bld_coef",
            Self::LocalShare => "local_share",
            Self::VaWater => "va_water",
            Self::VaCod => "va_cod",
            Self::TaxElec => "tax_elec",
            Self::SubletRate => "sublet_rate",
            Self::StartDelay => "start_delay",
            Self::DoneDelay => "done_delay",
            Self::IdleDays => "idle_days",
            Self::PlanFit => "plan_fit",
            Self::DataCov => "data_cov",
            Self::LocationClass => "location_class",
            Self::IndustryClass => "industry_class",
            Self::EnterpriseClass => "enterprise_class",
            Self::LandClass => "land_class",
        }
    }

    /// Its Chinese and English title.
    pub fn title(self) -> (&'static str, &'static str) {
        match self {
            Self::FarActual => ("现状容积率", "plot ratio as built"),
            Self::FarUse => ("容积率实现率", "plot ratio built of allowed"),
            Self::SalesInt => ("地均主营业务收入", "main revenue per land"),
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
            Self::BldCoef => ("建筑系数", "ground built on"),
            Self::LocalShare => ("本地就业占比", "share of local staff"),
            Self::VaWater => ("单位水耗增加值", "value added per water"),
            Self::VaCod => ("单位化学需氧量增加值", "value added per COD"),
            Self::TaxElec => ("单位用电税收", "tax per electricity"),
            Self::SubletRate => ("出租率", "floor area let"),
            Self::StartDelay => ("开工延期", "days late to start"),
            Self::DoneDelay => ("竣工延期", "days late to complete"),
            Self::IdleDays => ("闲置天数", "days idle"),
            Self::PlanFit => ("规划产业符合度", "fit with the park's industries"),
            Self::DataCov => ("数据完整率", "figures known"),
            Self::LocationClass => ("区位类别", "class of the location"),
            Self::IndustryClass => ("产业类别", "class of the industry"),
            Self::EnterpriseClass => ("企业类别", "class of the enterprise"),
            Self::LandClass => ("用地类别", "class of the land"),
        }
    }

    /// Its unit.
    pub fn unit(self) -> &'static str {
        match self {
            Self::FarActual | Self::LocationClass | Self::IndustryClass | Self::EnterpriseClass | Self::LandClass => "",
            Self::FarUse
            | Self::RdShare
            | Self::VacRate
            | Self::FulRate
            | Self::BldCoef
            | Self::LocalShare
            | Self::SubletRate
            | Self::PlanFit
            | Self::DataCov => "%",
            Self::StartDelay | Self::DoneDelay | Self::IdleDays => "天",
            Self::TaxElec => "元/千瓦时",
            Self::InvInt => "万元/亩",
            Self::OutInt | Self::SalesInt | Self::TaxInt | Self::VaInt => "万元/亩·年",
            Self::LabProd => "万元/人·年",
            Self::VaEnergy => "万元/吨标准煤",
            Self::VaEmis | Self::VaWater | Self::VaCod => "万元/吨",
            Self::JobsInt => "人/公顷",
        }
    }

    /// Its figure for a parcel, rounded to 6 decimals; nothing where what it needs is unknown.
    ///
    /// Yearly figures are made of the years of the window in which they are known, of which there must be enough; a
    /// quotient of two yearly figures takes the years in which both are.
    pub fn figure(self, facts: &Facts, reading: &Reading<'_>) -> Option<f64> {
        let land = SquareMetres(facts.land_m2);
        let tolerance = reading.tolerance;
        let mean = |measure: Measure| reading.combined(facts, |year| Some((year.figure(measure, tolerance)?, 1.0)));
        let quotient = |above: Measure, below: Measure| {
            reading.combined(facts, |year| Some((year.figure(above, tolerance)?, year.figure(below, tolerance)?)))
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
                .filter(|year| reading.only.is_none_or(|only| only == year.year))
                .find_map(|year| year.figure(Measure::FixedAssets, tolerance))
                .and_then(|sum| WanYuan(sum).per(land))
                .map(|rate| rate.value()),
            Self::OutInt => per_mu(Measure::Output),
            Self::SalesInt => per_mu(Measure::Revenue),
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
            Self::FulRate => fulfilled(facts).map(|(met, due)| 100.0 * met / due),
            Self::BldCoef => {
                facts.footprint_m2.filter(|_| land.value() > 0.0).map(|ground| 100.0 * ground / land.value())
            }
            Self::LocalShare => quotient(Measure::StaffLocal, Measure::Staff).map(|share| 100.0 * share),
            // A cubic metre of water is taken for a tonne.
            Self::VaWater => quotient(Measure::ValueAdded, Measure::Water),
            Self::VaCod => quotient(Measure::ValueAdded, Measure::Cod),
            Self::TaxElec => quotient(Measure::Tax, Measure::Electricity).map(|wan_yuan| YUAN_IN_WAN * wan_yuan),
            Self::SubletRate => {
                facts.occupied.filter(|all| all.floor_m2 > 0.0).map(|all| 100.0 * all.leased_m2 / all.floor_m2)
            }
            Self::StartDelay => days(delay_days(reading.limits?, facts, ObligationKind::Start)),
            Self::DoneDelay => days(delay_days(reading.limits?, facts, ObligationKind::Completion)),
            Self::IdleDays => days(idle_days(reading.limits?, facts)),
            Self::PlanFit => fits(facts).map(|fits| if fits { 100.0 } else { 0.0 }),
            Self::DataCov => known(facts, reading.only),
            // The table of the scheme says what they come to.
            Self::LocationClass | Self::IndustryClass | Self::EnterpriseClass | Self::LandClass => None,
        };
        figure.filter(|figure| figure.is_finite()).map(|figure| round(figure, 6))
    }

    /// How much better another figure than that of the facts is in things that people count, all else as it is: more 万元,
    /// more m² of floor area built or in use, more people or obligations met, less tce or t. Nothing where that is not known.
    pub(super) fn amount(self, is: f64, other: f64, facts: &Facts, reading: &Reading<'_>) -> Option<f64> {
        let land = SquareMetres(facts.land_m2);
        let more = other - is;
        // The mean of a measure over the years in which the quotient is known.
        let mean = |measure: Measure, beside: Measure| {
            let figure = |year: &Year, measure| year.figure(measure, reading.tolerance);
            reading.combined(facts, |year| Some((figure(year, measure)?, figure(year, beside).map(|_| 1.0)?)))
        };
        let less_of = |below: Measure| {
            let (above, below) = (mean(Measure::ValueAdded, below)?, mean(below, Measure::ValueAdded)?);
            (other > 0.0).then(|| below - above / other)
        };
        match self {
            Self::SalesInt | Self::InvInt | Self::OutInt | Self::TaxInt | Self::VaInt => {
                Some(more * land.to_mu().value())
            }
            Self::JobsInt => Some(more * land.to_hectares().value()),
            Self::FarActual => Some(more * land.value()),
            Self::FarUse => facts.plot_ratio_allowed.map(|allowed| more / 100.0 * allowed * land.value()),
            Self::VacRate => facts.floor_m2.map(|floor| -more / 100.0 * floor),
            Self::LabProd => mean(Measure::Staff, Measure::ValueAdded).map(|staff| more * staff),
            Self::RdShare => mean(Measure::Revenue, Measure::Research).map(|revenue| more / 100.0 * revenue),
            Self::VaEnergy => less_of(Measure::Energy),
            Self::VaEmis => less_of(Measure::Emissions),
            Self::FulRate => fulfilled(facts).map(|(_, due)| more / 100.0 * due),
            Self::BldCoef => Some(more / 100.0 * land.value()),
            Self::LocalShare => mean(Measure::Staff, Measure::StaffLocal).map(|staff| more / 100.0 * staff),
            Self::VaWater => less_of(Measure::Water),
            Self::VaCod => less_of(Measure::Cod),
            Self::TaxElec => mean(Measure::Electricity, Measure::Tax).map(|power| more * power / YUAN_IN_WAN),
            Self::SubletRate => facts.occupied.map(|all| -more / 100.0 * all.floor_m2),
            Self::StartDelay | Self::DoneDelay | Self::IdleDays | Self::PlanFit | Self::DataCov => None,
            Self::LocationClass | Self::IndustryClass | Self::EnterpriseClass | Self::LandClass => None,
        }
    }

    /// Whether it has no figure: a table of classes says what it gives.
    pub fn is_class(self) -> bool {
        matches!(self, Self::LocationClass | Self::IndustryClass | Self::EnterpriseClass | Self::LandClass)
    }

    /// Whether it tells of days gone by, of the plan or of the register, which no user of the land can make better.
    pub(super) fn is_given(self) -> bool {
        matches!(self, Self::StartDelay | Self::DoneDelay | Self::IdleDays | Self::PlanFit | Self::DataCov)
            || self.is_class()
    }
}

/// Yuan in 万元.
const YUAN_IN_WAN: f64 = 10_000.0;

#[expect(clippy::cast_precision_loss, reason = "days of a few decades")]
fn days(days: Option<i64>) -> Option<f64> {
    days.map(|days| days as f64)
}

/// Whether the industry of the main user is one that the park leads with: a class that the park names holds those below it.
/// Nothing outside parks, where the park names none, and where the industry is unknown or wider than what the park names.
fn fits(facts: &Facts) -> Option<bool> {
    let industry = facts.industry.as_deref()?;
    let leads = facts.park_industries.iter().any(|class| industry.starts_with(class.as_str()));
    let is_wider = facts.park_industries.iter().any(|class| class.starts_with(industry));
    (leads || !(facts.park_industries.is_empty() || is_wider)).then_some(leads)
}

/// The figures that every annual return is asked for. Those that came later are not among them, so that the share known of
/// a year long gone stays what it was.
const ASKED: [Measure; 9] = [
    Measure::Output,
    Measure::Revenue,
    Measure::Tax,
    Measure::ValueAdded,
    Measure::FixedAssets,
    Measure::Energy,
    Measure::Emissions,
    Measure::Research,
    Measure::Staff,
];

/// The part of those figures over the years of the window that is known, by floor area × days, per cent.
fn known(facts: &Facts, only: Option<i32>) -> Option<f64> {
    let years = facts.years.iter().filter(|year| only.is_none_or(|only| only == year.year));
    let parts: Vec<f64> = years.flat_map(|year| ASKED.map(|measure| year.figures[measure as usize].known)).collect();
    #[expect(clippy::cast_precision_loss, reason = "nine figures of a few years")]
    (!parts.is_empty()).then(|| 100.0 * parts.iter().sum::<f64>() / parts.len() as f64)
}

/// How many obligations are met, of how many that are due and count; nothing where none does.
#[expect(clippy::cast_precision_loss, reason = "a contract has a handful of duties")]
fn fulfilled(facts: &Facts) -> Option<(f64, f64)> {
    // What the government or force majeure hindered is not held against the holder.
    let counts = |duty: &&Duty| duty.excuse.is_none() || duty.met == Some(true);
    let duties = facts.contract.as_ref()?.duties.iter();
    let due: Vec<bool> = duties.filter(counts).filter_map(|duty| duty.met).collect();
    (!due.is_empty()).then(|| (due.iter().filter(|met| **met).count() as f64, due.len() as f64))
}
