//! `POST /api/v1/plot-ratio/verdict`: whether the plot ratio of a parcel may rise. The wire shapes are here; the command line
//! writes the same.

use crate::domain::id::ParcelCode;
use crate::domain::plot_ratio::rise::{
    Cap, ContractLimit, Neighbour, Procedure, Reference, Requirement, Rule, SameArea,
};
use crate::domain::quantity::PlotRatio;
use crate::domain::review::facts::round;
use crate::domain::zoning::verdict::Verdict;
use crate::flow::plot_ratio::rise::{Answer, RiseError, rise};
use crate::http::answer::of_register;
use crate::http::problem::{Kind, Problem};
use crate::http::{App, body};
use axum::extract::{Request, State};
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
    pub version: &'static str,
    pub citation: String,
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
        version: rule.version(),
        citation: rule.citation(),
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
