//! `GET /api/v1/supply`: land secured for industry by year and source, against the targets, with the entries. The wire shapes
//! are here; the command line writes the same.

use super::page;
use crate::clock::Clock;
use crate::domain::moment::Moment;
use crate::domain::quantity::{Mu, SquareCentimetres};
use crate::domain::review::facts::round;
use crate::domain::supply::{Part, Year};
use crate::flow::supply::{Account, Question, SupplyError, account};
use crate::http::App;
use crate::http::answer::of_register;
use crate::http::problem::Problem;
use crate::store::supply::Kept;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The ledger as it goes over the wire.
#[allow(missing_docs)] // The names are the wire's own; docs/supply.md says what they mean.
#[derive(Debug, Serialize)]
pub struct Document {
    pub revision: i64,
    pub years: Vec<OfYear>,
    pub entries: Vec<Entry>,
    pub next: Option<String>,
}

/// One year.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct OfYear {
    pub year: i32,
    pub by_source: BTreeMap<&'static str, Sum>,
    pub total: Sum,
    pub target_mu: Option<f64>,
    pub target_source: Option<String>,
    pub short_mu: Option<f64>,
}

/// Entries with their land.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct Sum {
    pub entries: u64,
    pub area_m2: f64,
    pub area_mu: f64,
}

/// One entry.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct Entry {
    pub entry_no: String,
    pub parcel_code: String,
    pub district: Option<String>,
    pub year: i32,
    pub source: &'static str,
    pub area_m2: f64,
    pub area_mu: f64,
    pub secured_on: NaiveDate,
    pub document: String,
}

/// An area in both units, to the square centimetre and to four decimals of a mu.
pub(super) fn areas(area: SquareCentimetres) -> (f64, f64) {
    (area.to_square_metres().value(), round(area.to_mu().value(), 4))
}

fn sum(part: Part) -> Sum {
    let (area_m2, area_mu) = areas(part.area);
    Sum { entries: part.entries, area_m2, area_mu }
}

fn of_year(year: &Year) -> OfYear {
    OfYear {
        year: year.year,
        by_source: year.by_source.iter().map(|(source, part)| (source.name(), sum(*part))).collect(),
        total: sum(year.total),
        target_mu: year.target.as_ref().map(|target| target.least.value()),
        target_source: year.target.as_ref().map(|target| target.source.clone()),
        short_mu: year.shortfall().map(Mu::value).map(|mu| round(mu, 4)),
    }
}

fn entry(kept: &Kept) -> Entry {
    let (area_m2, area_mu) = areas(kept.area);
    Entry {
        entry_no: kept.number.clone(),
        parcel_code: kept.parcel.clone(),
        district: kept.district.clone(),
        year: kept.year,
        source: kept.source.name(),
        area_m2,
        area_mu,
        secured_on: kept.secured_on,
        document: kept.document.clone(),
    }
}

/// What names an entry on the way to the next page.
fn token(kept: &Kept) -> String {
    format!("{}:{}", kept.year, kept.number)
}

/// The ledger in these shapes, with the entries after one, so many of them; nothing where there is no such entry any more.
pub fn document(account: &Account, after: Option<&str>, limit: usize) -> Option<Document> {
    let (entries, next) = page::of(&account.entries, after, limit, token)?;
    Some(Document {
        revision: account.revision,
        years: account.years.iter().map(of_year).collect(),
        next,
        entries: entries.iter().map(entry).collect(),
    })
}

/// What is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    year: Option<i32>,
    district: Option<String>,
    known_at: Option<String>,
    limit: Option<usize>,
    after: Option<String>,
}

/// The moment of a question, of which either may be left out.
pub(super) fn moment(app: &App, valid_at: Option<&str>, known_at: Option<&str>) -> Result<Moment, Problem> {
    let now = Clock::of_the_machine().now();
    Moment::parse(valid_at, known_at, (app.today)(), now)
        .map_err(|error| page::wrong("known_at", error.to_string(), "a day such as 2026-06-30, or a time"))
}

/// The ledger.
pub async fn show(
    State(app): State<App>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asked = page::asked(asked, "year, district, known_at, limit, after")?;
    let limit = page::limit(asked.limit)?;
    let known_at = moment(&app, None, asked.known_at.as_deref())?.known_at;
    let question = Question { year: asked.year, district: asked.district, known_at };
    let found = account(&app.pool, &question).await.map_err(|error| match &error {
        SupplyError::Store(error) => Problem::of_store(error),
        SupplyError::NoName(unknown) => Problem::of_name("district", unknown),
        other => Problem::internal(other),
    })?;
    let document = document(&found, asked.after.as_deref(), limit).ok_or_else(page::none)?;
    of_register(&document, Some(document.revision), &headers).map_err(|error| Problem::internal(&error))
}
