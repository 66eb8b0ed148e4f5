//! `POST /api/v1/plot-ratio/verdict`: whether the plot ratio of a parcel may rise. The wire shapes are here; the command line
//! writes the same.

use super::super::page;
use crate::domain::id::ParcelCode;
use crate::domain::plot_ratio::rise::{
    Cap, ContractLimit, Figure, Neighbour, Procedure, Reference, Requirement, Rule, SameArea,
};
use crate::domain::quantity::PlotRatio;
use crate::domain::review::facts::round;
use crate::domain::zoning::verdict::Verdict;
use crate::flow::plot_ratio::rise::{Answer, RiseError, procedures, rise};
use crate::http::answer::of_register;
use crate::http::problem::{Kind, Problem};
use crate::http::{App, body};
use crate::store::district_setting::Setting;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A ruling as it goes over the wire.
#[allow(missing_docs)] // The names are the wire's own; docs/supply.md says what they mean.
#[derive(Debug, Serialize)]
pub struct Document {
    pub revision: i64,
    pub parcel: String,
    pub day: NaiveDate,
    pub to: f64,
    pub verdict: Verdict,
    pub rule: Rule,
    pub version: String,
    pub citation: String,
    pub assumption: bool,
    pub words: [&'static str; 2],
    pub requirements: Vec<Required>,
    pub facts: Facts,
}

/// What a rise takes, with its words.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct Required {
    #[serde(flatten)]
    pub what: Requirement,
    pub words: [String; 2],
}

/// What the ruling rests on.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct Facts {
    pub district: String,
    pub land_use: String,
    pub is_new: bool,
    pub cap: Cap,
    pub contract: Option<ContractLimit>,
    pub reference: Option<Reference>,
    pub neighbour_reference: Option<f64>,
    pub neighbour_reference_is: Figure,
    pub same_area: SameArea,
    pub neighbours: Vec<Neighbour>,
    pub procedure: Option<Procedure>,
}

/// The ruling in these shapes.
pub fn document(answer: Answer) -> Document {
    let (rule, situation) = (answer.ruling.rule, answer.situation);
    let required = |what: Requirement| Required { words: what.words(), what };
    let rounded = |one: Neighbour| Neighbour { distance_m: round(one.distance_m, 1), ..one };
    Document {
        revision: answer.revision,
        parcel: answer.parcel,
        day: situation.day,
        to: situation.to.value(),
        verdict: rule.verdict(),
        rule,
        version: answer.version,
        citation: answer.citation.text,
        assumption: answer.citation.assumption,
        words: rule.words(),
        requirements: answer.ruling.requirements.into_iter().map(required).collect(),
        facts: Facts {
            district: answer.district,
            land_use: answer.land_use,
            is_new: situation.is_new,
            cap: answer.ruling.cap,
            contract: situation.contract,
            reference: situation.reference,
            neighbour_reference: answer.ruling.neighbour_reference.map(PlotRatio::value),
            neighbour_reference_is: situation.neighbours_by,
            same_area: answer.same_area,
            neighbours: situation.neighbours.into_iter().map(rounded).collect(),
            procedure: situation.procedure,
        },
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    parcel: String,
    to: f64,
    on: Option<NaiveDate>,
}

/// Rules on a rise.
pub async fn ask(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    let headers = request.headers().clone();
    let asked: Question = body::question(request).await?;
    let code = ParcelCode::parse(&asked.parcel).map_err(|error| {
        Problem::new(Kind::InvalidParameter, error.to_string()).with("wrong-value", "parcel", json!({}))
    })?;
    let day = body::legal_day("on", asked.on, (app.today)())?;
    let answer = rise(&app.pool, code.as_str(), PlotRatio(asked.to), day).await.map_err(|error| match &error {
        RiseError::Store(error) => Problem::of_store(error),
        RiseError::Rules(error) => Problem::internal(error),
        RiseError::NotLaw { .. } => Problem::not_found(error.to_string()),
        other => Problem::new(Kind::InvalidParameter, other.to_string()).with("wrong-value", "to", json!({})),
    })?;
    let document = document(answer);
    of_register(&document, Some(document.revision), &headers).map_err(|error| Problem::internal(&error))
}

/// What districts have set about the simplified procedure.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct Procedures {
    pub revision: i64,
    pub procedures: Vec<Setting>,
    pub next: Option<String>,
}

/// Which of it is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    district: Option<String>,
    limit: Option<usize>,
    after: Option<String>,
}

/// Lists it, by district and day.
pub async fn list(
    State(app): State<App>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asked = page::asked(asked, "district, limit, after")?;
    let limit = page::limit(asked.limit)?;
    let (revision, found) = procedures(&app.pool, asked.district.as_deref()).await.map_err(|error| match &error {
        RiseError::Store(error) => Problem::of_store(error),
        RiseError::NoName(unknown) => Problem::of_name("district", unknown),
        other => Problem::internal(other),
    })?;
    let token = |one: &Setting| format!("{}:{}", one.district, one.from.map(|day| day.to_string()).unwrap_or_default());
    let (page, next) = page::of(&found, asked.after.as_deref(), limit, token).ok_or_else(page::none)?;
    let document = Procedures { revision, procedures: page.to_vec(), next };
    of_register(&document, Some(revision), &headers).map_err(|error| Problem::internal(&error))
}
