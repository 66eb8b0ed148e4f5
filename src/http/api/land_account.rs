//! `GET /api/v1/land-account`: industrial land at the end of a year by tier, use or district, and how it stands to published
//! figures of the same series. The wire shapes are here; the command line writes the same.

use super::page::{self, wrong};
use crate::domain::land_account::{BeforeReduction, By, Group, Held, MasterPlan, Series as _, Sum};
use crate::domain::quantity::SquareMetres;
use crate::domain::review::facts::round;
use crate::flow::land_account::{Account, LandError, Year, account};
use crate::flow::rules::{self, RulesError};
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

/// The account as it goes over the wire.
#[allow(missing_docs)] // The names are the wire's own; docs/supply.md says what they mean.
#[derive(Debug, Serialize)]
pub struct Document {
    pub revision: i64,
    pub by: &'static str,
    pub series: &'static str,
    pub counts: String,
    pub years: Vec<OfYear>,
    pub not_held_against: Vec<Published>,
}

/// One year.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct OfYear {
    pub year: i32,
    pub day: NaiveDate,
    pub plan_is_known: bool,
    pub parcels: u64,
    pub area_km2: Option<f64>,
    pub unknown_use_km2: f64,
    pub groups: Vec<OfGroup>,
    pub held_against: Vec<Against>,
}

/// One group.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct OfGroup {
    pub code: String,
    pub name: Option<String>,
    pub parcels: u64,
    pub area_m2: f64,
    pub area_km2: f64,
}

/// A stock beside a figure of its own series.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct Against {
    pub series: &'static str,
    pub year: Option<i32>,
    pub years_left: Option<i32>,
    pub stock_km2: f64,
    pub low_km2: Option<f64>,
    pub high_km2: Option<f64>,
    pub over_km2: f64,
    pub under_km2: f64,
    pub source: String,
    pub assumption: bool,
}

/// A figure that no stock of the register is like.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct Published {
    pub series: &'static str,
    pub low_km2: Option<f64>,
    pub high_km2: Option<f64>,
    pub source: String,
}

fn km2(land: SquareMetres) -> f64 {
    round(land.value() / 1e6, 6)
}

fn against(held: &Held) -> Against {
    Against {
        series: held.series,
        year: held.year,
        years_left: held.years_left,
        stock_km2: km2(held.stock),
        low_km2: held.low.map(km2),
        high_km2: held.high.map(km2),
        over_km2: km2(held.over),
        under_km2: km2(held.under),
        source: held.source.clone(),
        assumption: held.assumption,
    }
}

fn of_group(group: &Group) -> OfGroup {
    let Sum { parcels, land } = group.sum;
    let (code, name) = (group.code.clone(), group.name.clone());
    OfGroup { code, name, parcels, area_m2: round(land.value(), 4), area_km2: km2(land) }
}

fn of_year(year: &Year) -> OfYear {
    let is_known = year.stock.parcels + year.unknown.parcels > 0 || !year.held.is_empty();
    OfYear {
        year: year.year,
        day: year.day,
        plan_is_known: year.plan_is_known,
        parcels: year.stock.parcels,
        area_km2: is_known.then(|| km2(year.stock.land)),
        unknown_use_km2: km2(year.unknown.land),
        groups: year.groups.iter().map(of_group).collect(),
        held_against: year.held.iter().map(against).collect(),
    }
}

/// The account in these shapes.
pub fn document(account: &Account) -> Result<Document, RulesError> {
    let figures = rules::land_targets()?;
    let unlike = figures.before_reduction.figures.iter().map(|figure| Published {
        series: BeforeReduction::NAME,
        low_km2: figure.low.map(km2),
        high_km2: figure.high.map(km2),
        source: figure.source.clone(),
    });
    Ok(Document {
        revision: account.revision,
        by: account.by.name(),
        series: MasterPlan::NAME,
        counts: figures.master_plan.scope.source.clone(),
        years: account.years.iter().map(of_year).collect(),
        not_held_against: unlike.collect(),
    })
}

/// What is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    year: Option<i32>,
    by: Option<String>,
}

/// The account of one year.
pub async fn show(
    State(app): State<App>,
    Extension(whole_city): Extension<WholeCity>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asked = page::asked(asked, "year, by")?;
    let words = By::ALL.map(By::name).join(", ");
    let by = match asked.by.as_deref() {
        None => By::Tier,
        Some(word) => {
            By::parse(word).ok_or_else(|| wrong("by", format!("by is {word:?}; expected one of {words}"), &words))?
        }
    };
    let _inside = whole_city.enter()?;
    let years: Vec<i32> = asked.year.into_iter().collect();
    let found = account(&app.pool, (app.today)(), &years, by).await.map_err(|error| match &error {
        LandError::Store(error) => Problem::of_store(error),
        refused if refused.is_refusal() => wrong("year", refused.to_string(), "a year until now"),
        other => Problem::internal(other),
    })?;
    let document = document(&found).map_err(|error| Problem::internal(&error))?;
    of_register(&document, Some(document.revision), &headers).map_err(|error| Problem::internal(&error))
}
