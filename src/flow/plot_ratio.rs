//! The plot-ratio ledger: what the register knows, with the references that the rulebook names for each class of land.

pub mod rise;

use super::names::{UnknownName, unknown_district};
use super::rules::{self, RulesError};
use crate::domain::plot_ratio::{By, Sums, sums, total};
use crate::domain::quantity::{PlotRatio, SquareMetres};
use crate::store::{self, StoreError};
use chrono::NaiveDate;
use sqlx::PgPool;

/// Why there is no ledger.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// No such district.
    #[error(transparent)]
    NoName(#[from] UnknownName),
    /// The register could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The rules could not be had.
    #[error(transparent)]
    Rules(#[from] RulesError),
}

impl LedgerError {
    /// Whether the question is at fault rather than the machine.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::NoName(_))
    }
}

/// The ledger of a day.
#[derive(Debug, Clone)]
pub struct Ledger {
    /// The revision it was read at.
    pub revision: i64,
    /// The day whose law and rules it shows.
    pub day: NaiveDate,
    /// The height above which a storey counts twice, where the rulebook says so.
    pub tall_storey_m: Option<f64>,
    /// By what it is summed.
    pub by: By,
    /// The sums, in the order of codes.
    pub groups: Vec<Sums>,
    /// The sums over all of it.
    pub total: Sums,
    /// Floor area of buildings that stand on no parcel of the day; nothing where only a district was asked for.
    pub floor_on_no_parcel: Option<SquareMetres>,
}

/// The ledger of a day, of one district or of the city, summed.
pub async fn ledger(pool: &PgPool, day: NaiveDate, by: By, district: Option<&str>) -> Result<Ledger, LedgerError> {
    if let Some(unknown) = unknown_district(pool, district).await? {
        return Err(unknown.into());
    }
    let rulebook = rules::rulebook()?;
    let tall_storey_m = rulebook.tall_storey_m(day);
    let mut found = store::plot_ratio::read(pool, day, tall_storey_m, district).await?;
    for entry in &mut found.entries {
        entry.reference = rulebook.plot_ratio_reference(&entry.land_use, day).map(|value| PlotRatio(value.value));
    }
    // What is left over stands on no parcel of the day, and is not lost.
    let placed: SquareMetres = found.entries.iter().filter_map(|entry| entry.floor).map(|floor| floor.built).sum();
    let floor_on_no_parcel = district.is_none().then(|| {
        let rest = found.floor_on_record - placed;
        // Sums of shares may leave a hair.
        if rest.value() <= 1e-9 * found.floor_on_record.value() { SquareMetres(0.0) } else { rest }
    });
    let (groups, total) = (sums(&found.entries, by), total(&found.entries));
    Ok(Ledger { revision: found.revision, day, tall_storey_m, by, groups, total, floor_on_no_parcel })
}
