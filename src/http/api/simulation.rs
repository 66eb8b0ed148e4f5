//! `POST /api/v1/reviews/simulate`: what other rules would find on the facts of a kept run. The wire shapes are here; the
//! command line writes the same. Nothing is stored.

use super::page::wrong;
use crate::domain::review::grade::Grade;
use crate::domain::review::run::ReviewError;
use crate::domain::review::scheme::SchemeError;
use crate::domain::review::simulate::{Moved, Set};
use crate::flow::review::kept::KeptError;
use crate::flow::review::simulate::{Change, Desk, SimulateError, Simulated, simulate};
use crate::http::answer::typed;
use crate::http::guard::WholeCity;
use crate::http::problem::{Kind, Problem};
use crate::http::{App, body};
use axum::Extension;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::error::Error as _;
use std::sync::Arc;

/// What is asked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    run: i64,
    #[serde(default)]
    set: Map<String, Value>,
    scheme: Option<String>,
    decisions: Option<String>,
    district: Option<String>,
}

/// What came of it.
#[allow(missing_docs)] // The names are the wire's own; docs/reviews.md says what they mean.
#[derive(Debug, Serialize)]
pub struct Document {
    pub run: i64,
    pub as_of: NaiveDate,
    pub scheme: String,
    pub district: Option<String>,
    pub grades: [&'static str; 5],
    #[serde(flatten)]
    pub moved: Moved,
    pub weights: Vec<Weight>,
    pub cutoffs: Vec<Cuts>,
    pub scheme_text: String,
}

/// A weight as it was used.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct Weight {
    pub part: String,
    pub indicator: &'static str,
    pub weight: f64,
}

/// The cuts of a part as they were used.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct Cuts {
    pub part: String,
    pub a: Option<f64>,
    pub b: Option<f64>,
    pub c: Option<f64>,
}

/// The answer in these shapes.
pub fn document(it: Simulated, district: Option<String>) -> Document {
    let parts = &it.scheme.parts;
    let weights = parts.iter().flat_map(|part| {
        let weight = |one: &crate::domain::review::scheme::part::Weighed| Weight {
            part: part.name.clone(),
            indicator: one.key.key(),
            weight: one.weight,
        };
        part.indicators.iter().map(weight).collect::<Vec<Weight>>()
    });
    let cuts = parts.iter().map(|part| {
        let cuts = &part.cutoffs;
        Cuts { part: part.name.clone(), a: cuts.a, b: cuts.b, c: cuts.c }
    });
    Document {
        run: it.run,
        as_of: it.as_of,
        scheme: it.scheme.label(),
        district,
        grades: Grade::ALL.map(Grade::name),
        weights: weights.collect(),
        cutoffs: cuts.collect(),
        moved: it.moved,
        scheme_text: it.text,
    }
}

/// Simulates.
pub async fn ask(
    State(app): State<App>,
    Extension(whole_city): Extension<WholeCity>,
    Extension(desk): Extension<Arc<Desk>>,
    request: Request,
) -> Result<Response, Problem> {
    let Question { run, set, scheme, decisions, district } = body::question(request).await?;
    let sets = set.into_iter().map(|(place, value)| read(place, &value)).collect::<Result<_, _>>()?;
    let change = Change { sets, scheme, decisions, district };
    let _inside = whole_city.enter()?;
    let kept = desk.run(&app.pool, run).await.map_err(|error| refused(&error.into()))?;
    let answered = tokio::task::spawn_blocking(move || -> Result<String, Problem> {
        let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let simulated = simulate(&kept, &change, workers).map_err(|error| refused(&error))?;
        serde_json::to_string(&document(simulated, change.district)).map_err(|error| Problem::internal(&error))
    });
    let text = answered.await.map_err(|error| Problem::internal(&error))??;
    let mut response = typed("application/json", text);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn read(place: String, value: &Value) -> Result<Set, Problem> {
    match toml::Value::try_from(value) {
        Ok(value) => Ok(Set { place, value }),
        Err(error) => {
            let detail = format!("{place} is {value}: {error}");
            Err(wrong(&format!("set.{place}"), detail, "a number, a word or an object"))
        }
    }
}

fn refused(error: &SimulateError) -> Problem {
    match error {
        SimulateError::Kept(KeptError::Unknown(run)) => Problem::not_found(format!("there is no review run {run}")),
        SimulateError::Kept(KeptError::Store(error)) => Problem::of_store(error),
        SimulateError::Kept(error) => Problem::internal(error),
        SimulateError::Rules { what, source } => {
            let why = source.source().map_or_else(String::new, |why| format!(": {why}"));
            let place = match source {
                SchemeError::Value { place, .. } => place.as_str(),
                _ if *what == "the decision table" => "decisions",
                _ => "scheme",
            };
            let detail = format!("{error}: {source}{why}");
            Problem::new(Kind::InvalidParameter, detail).with("wrong-rule", place, json!({}))
        }
        SimulateError::Review(ReviewError::Scheme(source)) => {
            Problem::new(Kind::InvalidParameter, source.to_string()).with("wrong-rule", "scheme", json!({}))
        }
        SimulateError::Review(error) => Problem::internal(error),
        SimulateError::District { .. } => wrong("district", error.to_string(), "the code of a district"),
    }
}
