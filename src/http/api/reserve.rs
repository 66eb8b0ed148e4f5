//! `GET /api/v1/reserve`: the books of the parks' reserve as they stood on a day. The wire shapes are here; the command line
//! writes the same.

use super::page;
use super::supply::{areas, moment};
use crate::domain::quantity::SquareCentimetres;
use crate::domain::reserve::{Balance, Entry, Side};
use crate::flow::reserve::{Books, ReserveError, books};
use crate::http::App;
use crate::http::answer::of_register;
use crate::http::problem::Problem;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The books as they go over the wire.
#[allow(missing_docs)] // The names are the wire's own; docs/supply.md says what they mean.
#[derive(Debug, Serialize)]
pub struct Document {
    pub revision: i64,
    pub day: NaiveDate,
    pub total: Sums,
    pub parks: Vec<OfPark>,
    pub entries: Vec<Line>,
    pub next: Option<String>,
}

/// One park.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct OfPark {
    pub park: String,
    #[serde(flatten)]
    pub sums: Sums,
}

/// What came in, went out and is left, m².
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct Sums {
    pub in_m2: f64,
    pub out_m2: f64,
    pub stock_m2: f64,
    pub stock_mu: f64,
    pub lots: u64,
    pub in_by_exit_m2: BTreeMap<&'static str, f64>,
    pub stock_by_readiness_m2: BTreeMap<&'static str, f64>,
    pub out_by_mode_m2: BTreeMap<&'static str, f64>,
    pub balances: bool,
}

/// One entry.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct Line {
    pub entry_no: String,
    pub lot_no: String,
    pub side: &'static str,
    pub area_m2: f64,
    pub area_mu: f64,
    pub on_date: NaiveDate,
    pub park: Option<String>,
    pub parcel_code: Option<String>,
    pub exit: Option<&'static str>,
    pub readiness: Option<&'static str>,
    pub supply_mode: Option<&'static str>,
    pub document: String,
}

fn sums(balance: &Balance) -> Sums {
    fn by<K: Copy>(map: &BTreeMap<K, SquareCentimetres>, name: fn(K) -> &'static str) -> BTreeMap<&'static str, f64> {
        map.iter().map(|(key, area)| (name(*key), areas(*area).0)).collect()
    }
    let (stock_m2, stock_mu) = areas(balance.flows.stock);
    Sums {
        in_m2: areas(balance.flows.came_in).0,
        out_m2: areas(balance.flows.went_out).0,
        stock_m2,
        stock_mu,
        lots: balance.flows.lots,
        in_by_exit_m2: by(&balance.by_exit, |exit| exit.name()),
        stock_by_readiness_m2: by(&balance.by_readiness, |readiness| readiness.name()),
        out_by_mode_m2: by(&balance.by_mode, |mode| mode.name()),
        balances: balance.closes(),
    }
}

fn line(entry: &Entry) -> Line {
    let (area_m2, area_mu) = areas(entry.area);
    let (park, exit, readiness, supply_mode) = match &entry.side {
        Side::In { park, exit, readiness } => (Some(park.clone()), Some(exit.name()), Some(readiness.name()), None),
        Side::Out { mode } => (None, None, None, Some(mode.name())),
    };
    Line {
        entry_no: entry.number.clone(),
        lot_no: entry.lot.clone(),
        side: entry.side.name(),
        area_m2,
        area_mu,
        on_date: entry.on,
        park,
        parcel_code: entry.parcel.as_ref().map(ToString::to_string),
        exit,
        readiness,
        supply_mode,
        document: entry.document.clone(),
    }
}

/// The books in these shapes, with the entries after one, so many of them; nothing where there is no such entry any more.
pub fn document(books: &Books, after: Option<&str>, limit: usize) -> Option<Document> {
    let (entries, next) = page::of(&books.entries, after, limit, |entry| entry.number.clone())?;
    Some(Document {
        revision: books.revision,
        day: books.day,
        total: sums(&books.total),
        parks: books.parks.iter().map(|(park, one)| OfPark { park: park.clone(), sums: sums(one) }).collect(),
        next,
        entries: entries.iter().map(line).collect(),
    })
}

/// What is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    park: Option<String>,
    valid_at: Option<String>,
    known_at: Option<String>,
    limit: Option<usize>,
    after: Option<String>,
}

/// The books.
pub async fn show(
    State(app): State<App>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asked = page::asked(asked, "park, valid_at, known_at, limit, after")?;
    let limit = page::limit(asked.limit)?;
    let moment = moment(&app, asked.valid_at.as_deref(), asked.known_at.as_deref())?;
    let found = books(&app.pool, moment.valid_at, asked.park.as_deref(), moment.known_at).await;
    let found = found.map_err(|error| match &error {
        ReserveError::Store(error) => Problem::of_store(error),
        ReserveError::NoName(unknown) => Problem::of_name("park", unknown),
        other => Problem::internal(other),
    })?;
    let document = document(&found, asked.after.as_deref(), limit).ok_or_else(page::none)?;
    of_register(&document, Some(document.revision), &headers).map_err(|error| Problem::internal(&error))
}
