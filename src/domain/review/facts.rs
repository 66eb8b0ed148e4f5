//! What a review looks at: the facts about one parcel as they stood on the day, and how an enterprise's yearly figures
//! reach the parcels it uses so that none counts twice.

use crate::domain::contract::obligation::{Excuse, ObligationKind};
use crate::domain::zoning::Tier;
use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

/// A yearly figure that reaches parcels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Industrial output, 万元.
    Output,
    /// Main revenue, 万元.
    Revenue,
    /// Tax paid in this city, 万元.
    Tax,
    /// Value added, 万元.
    ValueAdded,
    /// Cumulative fixed assets, 万元.
    FixedAssets,
    /// Energy, tce.
    Energy,
    /// Emissions, t.
    Emissions,
    /// Research and development, 万元.
    Research,
    /// Mean staff.
    Staff,
}

impl Measure {
    /// Their names in the order of the measures, unit last.
    pub const NAMES: [&'static str; MEASURES] = [
        "output_wan_yuan",
        "revenue_wan_yuan",
        "tax_wan_yuan",
        "value_added_wan_yuan",
        "fixed_assets_wan_yuan",
        "energy_tce",
        "emissions_t",
        "rd_wan_yuan",
        "staff",
    ];
}

/// How many measures there are.
pub const MEASURES: usize = 9;

/// An enterprise's figures of one year, in the order of [`Measure`]; nothing is unknown.
pub type Figures = [Option<f64>; MEASURES];

/// A use of floor area on a parcel by an enterprise.
#[derive(Debug, Clone, Copy)]
pub struct Use {
    /// Which parcel, by its place in the list of parcels.
    pub parcel: usize,
    /// Which enterprise, by its place in the list of enterprises.
    pub enterprise: usize,
    /// Floor area, m².
    pub floor_area_m2: f64,
    /// First day.
    pub from: NaiveDate,
    /// First day after the last.
    pub to: Option<NaiveDate>,
    /// Whether its tax is paid in this city.
    pub tax_is_local: bool,
}

/// One figure of a parcel in a year: what is known of it, and what share of the used floor area is behind that.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// The sum of the known shares.
    pub sum: f64,
    /// The part of the floor area × days whose enterprises reported the figure, 0 to 1.
    pub known: f64,
}

/// A parcel's figures of one year, in the order of [`Measure`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Year {
    /// The calendar year.
    pub year: i32,
    /// The figures.
    pub figures: [Share; MEASURES],
}

impl Year {
    /// The figure, if enough of it is known. What is unreported within the tolerance is taken at the rate of what was
    /// reported, floor area for floor area: counting it as zero would hold the silence of one user against the parcel.
    pub fn figure(&self, measure: Measure, tolerance: f64) -> Option<f64> {
        let share = self.figures[measure as usize];
        (share.known > 0.0 && share.known >= 1.0 - tolerance).then(|| share.sum / share.known)
    }
}

/// Spreads the figures of a year over parcels by floor area × days in use within the year.
///
/// Each enterprise's parts sum to its whole, so no figure counts twice and none is lost. Tax that an enterprise pays
/// elsewhere is unknown to this city, not zero. The order of the sums is the order of `uses`, so that a result does not
/// depend on how many workers there are.
pub fn spread(year: i32, parcels: usize, uses: &[Use], figures: &[Figures]) -> Vec<Year> {
    let mut days_of_enterprise = vec![0.0; figures.len()];
    let mut days_of_parcel = vec![0.0; parcels];
    let floor_days: Vec<f64> = uses.iter().map(|one| one.floor_area_m2 * f64::from(days_within(one, year))).collect();
    for (one, days) in uses.iter().zip(&floor_days) {
        days_of_enterprise[one.enterprise] += days;
        days_of_parcel[one.parcel] += days;
    }
    let mut years = vec![Year { year, ..Year::default() }; parcels];
    for (one, days) in uses.iter().zip(&floor_days) {
        if *days == 0.0 {
            continue;
        }
        let part = days / days_of_enterprise[one.enterprise];
        let weight = days / days_of_parcel[one.parcel];
        for (index, figure) in figures[one.enterprise].iter().enumerate() {
            let elsewhere = index == Measure::Tax as usize && !one.tax_is_local;
            if let (Some(figure), false) = (figure, elsewhere) {
                let share = &mut years[one.parcel].figures[index];
                share.sum += figure * part;
                share.known += weight;
            }
        }
    }
    // Weights of a fully reported parcel may sum to a hair under one.
    for share in years.iter_mut().flat_map(|year| year.figures.iter_mut()) {
        share.known = round(share.known, 9);
        share.sum = round(share.sum, 9);
    }
    years
}

fn days_within(one: &Use, year: i32) -> i32 {
    let (Some(first), Some(end)) = (NaiveDate::from_ymd_opt(year, 1, 1), NaiveDate::from_ymd_opt(year + 1, 1, 1))
    else {
        return 0;
    };
    let from = one.from.max(first);
    let to = one.to.unwrap_or(end).min(end);
    (to.num_days_from_ce() - from.num_days_from_ce()).max(0)
}

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
    /// What is promised.
    pub kind: String,
    /// Until when.
    pub due_on: Option<NaiveDate>,
    /// When it was met.
    pub met_on: Option<NaiveDate>,
    /// Whether it is met: a milestone by its day, a figure by what was achieved; nothing while not yet due or unknown.
    pub met: Option<bool>,
    /// Why a delay is not the holder's fault.
    pub excuse: Option<String>,
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
    /// Its number.
    pub number: String,
    /// When it was signed.
    pub signed_on: NaiveDate,
    /// The first day after the term.
    pub term_ends_on: Option<NaiveDate>,
    /// Whether it carries performance terms.
    pub performance_terms: bool,
    /// Who supervises it.
    pub responsible_unit: Option<String>,
    /// Land developed of the land due, per cent.
    pub developed_percent: Option<f64>,
    /// Investment made of that agreed, per cent.
    pub invested_percent: Option<f64>,
    /// Since when works stand still.
    pub suspended_on: Option<NaiveDate>,
    /// Its obligations as they stand on the day.
    pub duties: Vec<Duty>,
}

/// A fault that caps the grade, not cleared on the day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct VetoFact {
    /// Whose.
    pub enterprise: String,
    /// Of which year.
    pub year: i32,
    /// What kind.
    pub kind: String,
}

/// Everything that a review knows of one parcel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// Parcel code.
    pub code: String,
    /// District code.
    pub district: String,
    /// Park code.
    pub park: Option<String>,
    /// Where it stands.
    pub tier: Tier,
    /// Whether the plan locks it.
    pub locked: bool,
    /// Use code.
    pub land_use: String,
    /// The area that figures are spread over, m².
    pub land_m2: f64,
    /// Whether that is the registered area (证载面积) or, for want of it, the area of the shape.
    pub land_is_registered: bool,
    /// Highest plot ratio of the plan condition.
    pub plot_ratio_allowed: Option<f64>,
    /// Floor area of its buildings, m².
    pub floor_m2: Option<f64>,
    /// Part of it in use, m².
    pub used_floor_m2: Option<f64>,
    /// Industry of the enterprise that used most of it, GB/T 4754.
    pub industry: Option<String>,
    /// Since when someone works there.
    pub in_use_since: Option<NaiveDate>,
    /// Its figures, one entry a year of the window.
    pub years: Vec<Year>,
    /// Its newest contract.
    pub contract: Option<ContractFacts>,
    /// Faults not cleared.
    pub vetoes: Vec<VetoFact>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(y: i32, m: u32, d: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(y, m, d).expect("a day")
    }

    fn usage(parcel: usize, enterprise: usize, floor_area_m2: f64) -> Use {
        Use { parcel, enterprise, floor_area_m2, from: day(2010, 1, 1), to: None, tax_is_local: true }
    }

    #[test]
    fn a_figure_is_shared_by_floor_area_and_days() {
        // Half the year on 3,000 m² and the whole year on 1,500 m²: equal floor area × days (184 of 365 and 365, so 3,000·184 : 1,500·365).
        let uses = [Use { from: day(2025, 7, 1), ..usage(0, 0, 3000.0) }, usage(1, 0, 1500.0)];
        let mut figures: Figures = [None; MEASURES];
        figures[Measure::Output as usize] = Some(1000.0);
        let years = spread(2025, 2, &uses, &[figures]);
        let expected = 1000.0 * (3000.0 * 184.0) / (3000.0 * 184.0 + 1500.0 * 365.0);
        assert!((years[0].figures[0].sum - expected).abs() < 1e-6);
        assert!((years[0].figures[0].sum + years[1].figures[0].sum - 1000.0).abs() < 1e-6);
    }

    #[test]
    fn tax_paid_elsewhere_is_unknown_and_not_zero() {
        let uses = [Use { tax_is_local: false, ..usage(0, 0, 100.0) }];
        let mut figures: Figures = [None; MEASURES];
        figures[Measure::Tax as usize] = Some(50.0);
        figures[Measure::Output as usize] = Some(500.0);
        let years = spread(2025, 1, &uses, &[figures]);
        assert_eq!(years[0].figure(Measure::Tax, 0.2), None);
        assert_eq!(years[0].figure(Measure::Output, 0.2), Some(500.0));
    }

    #[test]
    fn a_figure_counts_as_known_while_the_unreported_part_stays_within_the_tolerance() {
        let uses = [usage(0, 0, 850.0), usage(0, 1, 150.0)];
        let mut known: Figures = [None; MEASURES];
        known[Measure::Staff as usize] = Some(40.0);
        let years = spread(2025, 1, &uses, &[known, [None; MEASURES]]);
        let staff = years[0].figure(Measure::Staff, 0.2).expect("85 % is enough");
        assert!((staff - 40.0 / 0.85).abs() < 1e-9, "{staff}");
        assert_eq!(years[0].figure(Measure::Staff, 0.1), None);
    }

    proptest! {
        #[test]
        fn no_figure_counts_twice_and_none_is_lost(
            uses in proptest::collection::vec((0usize..5, 0usize..4, 1.0f64..1e5, 0u32..500), 1..30),
            totals in proptest::collection::vec(0.0f64..1e6, 4),
        ) {
            let uses: Vec<Use> = uses.into_iter().map(|(parcel, enterprise, area, start)| Use {
                from: day(2024, 1, 1) + chrono::Days::new(u64::from(start)), ..usage(parcel, enterprise, area)
            }).collect();
            let figures: Vec<Figures> = totals.iter().map(|total| [Some(*total); MEASURES]).collect();
            let years = spread(2025, 5, &uses, &figures);
            let reached: f64 = years.iter().map(|year| year.figures[0].sum).sum();
            let present: f64 = totals.iter().enumerate()
                .filter(|(e, _)| uses.iter().any(|one| one.enterprise == *e && days_within(one, 2025) > 0))
                .map(|(_, total)| total).sum();
            prop_assert!((reached - present).abs() <= 1e-6 * present.max(1.0), "{reached} {present}");
        }
    }
}
