//! Yearly figures as they go over the wire: what reached a parcel, from whom, and by what share.

use crate::domain::review::facts::{Figures, MEASURES, Measure, round};
use crate::store::performance::ParcelYear;
use serde::Serialize;
use std::collections::BTreeMap;

/// What a year brought: the year, and the figures under the names of the performance data set.
#[derive(Debug, Clone, Serialize)]
pub struct AnnualReturn {
    /// The year.
    pub year: i32,
    /// `output_wan_yuan`, `tax_wan_yuan`, `staff` and so on; null where the return leaves one out.
    #[serde(flatten)]
    pub figures: BTreeMap<&'static str, Option<f64>>,
    /// Of each figure, the part of the floor area × days whose users reported it, 0 to 1.
    pub known: BTreeMap<&'static str, f64>,
    /// The part of the floor area × days whose users pay their tax elsewhere, 0 to 1.
    pub tax_elsewhere: f64,
    /// Who brought it.
    pub contributions: Vec<Contribution>,
}

/// What one use brought to the parcel.
#[derive(Debug, Clone, Serialize)]
pub struct Contribution {
    /// The enterprise.
    pub enterprise: String,
    /// Its name.
    pub name: String,
    /// The part of its figures, 0 to 1.
    pub part: f64,
    /// `floor_area_days`, or `stated` with a reason.
    pub by: &'static str,
    /// Why the share was stated.
    pub reason: Option<String>,
    /// Whether its tax is paid here; if not, the tax below is another city's.
    pub tax_is_local: bool,
    /// The part of each of its figures; null where it reported none.
    pub figures: BTreeMap<&'static str, Option<f64>>,
}

fn named<T>(figures: [T; MEASURES]) -> BTreeMap<&'static str, T> {
    Measure::NAMES.into_iter().zip(figures).collect()
}

/// The figures that reached the parcel in a year; nothing where none of its users reported any.
pub fn annual_return(of: &ParcelYear) -> Option<AnnualReturn> {
    let shares = of.year.figures;
    let reported = |figures: &Figures| figures.iter().any(Option::is_some);
    of.contributions.iter().any(|one| reported(&one.figures)).then(|| AnnualReturn {
        year: of.year.year,
        figures: named(shares.map(|share| (share.known > 0.0).then_some(share.sum))),
        known: named(shares.map(|share| share.known)),
        tax_elsewhere: of.year.tax_elsewhere,
        contributions: of
            .contributions
            .iter()
            .map(|one| Contribution {
                enterprise: one.enterprise.clone(),
                name: one.name.clone(),
                part: round(one.part, 6),
                by: if one.reason.is_some() { "stated" } else { "floor_area_days" },
                reason: one.reason.clone(),
                tax_is_local: one.tax_is_local,
                figures: named(one.figures.map(|figure| figure.map(|figure| round(figure, 4)))),
            })
            .collect(),
    })
}
