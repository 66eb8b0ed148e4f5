//! `GET /api/v1/plot-ratio`: the plot-ratio ledger by parcel, park, tier or district. The wire shapes are here; the
//! command line writes the same.

pub mod rise;

use super::page::{self, wrong};
use crate::domain::plot_ratio::{By, Known, Sums};
use crate::domain::quantity::{PlotRatio, SquareMetres};
use crate::domain::review::facts::round;
use crate::flow::plot_ratio::{Ledger, LedgerError, ledger};
use crate::http::App;
use crate::http::answer::of_register;
use crate::http::guard::WholeCity;
use crate::http::problem::Problem;
use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// The ledger as it goes over the wire.
#[allow(missing_docs)] // The names are the wire's own; docs/ledger.md says what they mean.
#[derive(Debug, Serialize)]
pub struct Document {
    pub revision: i64,
    pub day: NaiveDate,
    pub by: &'static str,
    pub tall_storey_counts_twice_above_m: Option<f64>,
    pub total: Row,
    pub floor_on_no_parcel_m2: Option<f64>,
    pub rows: Vec<Row>,
    pub next: Option<String>,
}

/// The sums of one group.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct Row {
    pub code: Option<String>,
    pub name: Option<String>,
    pub parcels: u64,
    pub land_m2: f64,
    pub built: Part,
    pub used_m2: f64,
    pub vacant_m2: f64,
    pub unexplained_m2: f64,
    pub contracted_low: Part,
    pub contracted_high: Part,
    pub allowed: Part,
    pub reference: Part,
    pub judged_parcels: u64,
    pub unused_m2: Option<f64>,
    pub over_m2: Option<f64>,
    pub balance_m2: Option<f64>,
}

/// A plot ratio with the floor area and the land that it rests on.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct Part {
    pub plot_ratio: Option<f64>,
    pub floor_m2: Option<f64>,
    pub known_parcels: u64,
    pub known_land_m2: f64,
}

fn metres(area: SquareMetres) -> f64 {
    round(area.value(), 2)
}

fn part(known: Known) -> Part {
    let is_known = known.parcels > 0;
    Part {
        plot_ratio: known.ratio().map(PlotRatio::value).map(|ratio| round(ratio, 4)),
        floor_m2: is_known.then(|| metres(known.floor)),
        known_parcels: known.parcels,
        known_land_m2: metres(known.land),
    }
}

fn row(sums: &Sums) -> Row {
    let judged = |area: SquareMetres| (sums.judged > 0).then(|| metres(area));
    Row {
        code: sums.code.clone(),
        name: sums.name.clone(),
        parcels: sums.parcels,
        land_m2: metres(sums.land),
        built: part(sums.built),
        used_m2: metres(sums.floor.used),
        vacant_m2: metres(sums.floor.vacant),
        unexplained_m2: metres(sums.floor.unexplained()),
        contracted_low: part(sums.contracted_low),
        contracted_high: part(sums.contracted_high),
        allowed: part(sums.allowed),
        reference: part(sums.reference),
        judged_parcels: sums.judged,
        unused_m2: judged(sums.unused),
        over_m2: judged(sums.over),
        balance_m2: sums.balance().map(metres),
    }
}

/// The ledger in these shapes: the rows after a code, so many of them.
pub fn document(ledger: &Ledger, after: Option<&str>, limit: usize) -> Document {
    let later = |sums: &&Sums| match (after, sums.code.as_deref()) {
        (Some(after), Some(code)) => code > after,
        // Land without a code comes last.
        _ => true,
    };
    let mut rows: Vec<&Sums> = ledger.groups.iter().filter(later).take(limit.saturating_add(1)).collect();
    let more = rows.len() > limit;
    rows.truncate(limit);
    Document {
        revision: ledger.revision,
        day: ledger.day,
        by: ledger.by.name(),
        tall_storey_counts_twice_above_m: ledger.tall_storey_m,
        total: row(&ledger.total),
        floor_on_no_parcel_m2: ledger.floor_on_no_parcel.map(metres),
        next: rows.last().filter(|_| more).and_then(|last| last.code.clone()),
        rows: rows.into_iter().map(row).collect(),
    }
}

/// What is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    by: Option<String>,
    district: Option<String>,
    limit: Option<usize>,
    after: Option<String>,
}

/// The ledger of today.
pub async fn show(
    State(app): State<App>,
    Extension(whole_city): Extension<WholeCity>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asked = page::asked(asked, "by, district, limit, after")?;
    let words = By::ALL.map(By::name).join(", ");
    let by = match asked.by.as_deref() {
        None => By::District,
        Some(word) => {
            By::parse(word).ok_or_else(|| wrong("by", format!("by is {word:?}; expected one of {words}"), &words))?
        }
    };
    let limit = page::limit(asked.limit)?;
    let _inside = whole_city.enter()?;
    let found =
        ledger(&app.pool, (app.today)(), by, asked.district.as_deref()).await.map_err(|error| match &error {
            LedgerError::Store(error) => Problem::of_store(error),
            LedgerError::NoName(unknown) => Problem::of_name("district", unknown),
            LedgerError::Rules(error) => Problem::internal(error),
        })?;
    let document = document(&found, asked.after.as_deref(), limit);
    of_register(&document, Some(document.revision), &headers).map_err(|error| Problem::internal(&error))
}
