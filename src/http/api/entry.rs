//! `POST /api/v1/entry-check`: whether a new project may enter. The wire shapes are here; the command line writes the same.

use crate::domain::entry::{Mean, Park, Project, Rule, Unknown};
use crate::domain::id::ParcelCode;
use crate::domain::quantity::WanYuanPerMu;
use crate::domain::review::facts::round;
use crate::domain::review::scheme::Words;
use crate::domain::zoning::Tier;
use crate::domain::zoning::verdict::{Ruling, Verdict};
use crate::flow::entry::{Answer, EntryError, enter};
use crate::flow::paper::of_entry;
use crate::http::form::Form;
use crate::http::guard::WholeCity;
use crate::http::problem::{Kind, Problem};
use crate::http::{App, body};
use axum::Extension;
use axum::extract::{Request, State};
use axum::response::Response;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A ruling as it goes over the wire.
#[allow(missing_docs)] // The names are the wire's own; docs/supply.md says what they mean.
#[derive(Debug, Serialize)]
pub struct Document {
    pub revision: i64,
    pub parcel: String,
    pub day: NaiveDate,
    pub industry: String,
    pub verdict: &'static str,
    pub findings: Vec<Finding>,
    pub facts: Facts,
}

/// What one rule says.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct Finding {
    pub rule: Rule,
    pub verdict: &'static str,
    pub why: Option<Unknown>,
    pub words: Option<[&'static str; 2]>,
    pub promised_wan_yuan_per_mu: Option<f64>,
    pub peer_mean_wan_yuan_per_mu: Option<f64>,
    pub peers: Option<u64>,
    pub citation: String,
    pub assumption: bool,
    pub lock: Option<Lock>,
}

/// The rule of the two locks that answers. Its verdict is that of the finding, unless no plan is on record.
#[allow(missing_docs)] // docs/lockup.md says what the names mean.
#[derive(Debug, Serialize)]
pub struct Lock {
    pub rule: String,
    pub version: String,
    pub effective_from: NaiveDate,
    pub assumption: bool,
    pub title: Words,
    pub remedy: Option<Words>,
    pub finding: Option<String>,
}

fn lock(ruling: &Ruling) -> Lock {
    Lock {
        rule: ruling.rule.clone(),
        version: ruling.version.clone(),
        effective_from: ruling.effective_from,
        assumption: ruling.assumption,
        title: ruling.title.clone(),
        remedy: (!ruling.remedy.en.is_empty()).then(|| ruling.remedy.clone()),
        finding: ruling.finding.clone(),
    }
}

/// What the ruling rests on.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct Facts {
    pub tier: Option<Tier>,
    pub park: Option<Park>,
    pub least_peers: u64,
    pub review: Option<Review>,
}

/// The published review.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct Review {
    pub run: i64,
    pub as_of: NaiveDate,
    pub published_by: String,
    pub published_at: DateTime<Utc>,
    pub division: String,
}

/// The ruling in these shapes.
pub fn document(answer: &Answer) -> Document {
    let findings = answer
        .ruling
        .findings
        .iter()
        .map(|finding| Finding {
            rule: finding.rule,
            verdict: finding.answer.map_or(Unknown::ANSWER, Verdict::name),
            why: finding.answer.err(),
            words: finding.answer.err().map(Unknown::words),
            promised_wan_yuan_per_mu: finding.promised.map(WanYuanPerMu::value),
            peer_mean_wan_yuan_per_mu: finding.mean.map(|mean| round(mean.value, 4)),
            peers: finding.mean.map(|Mean { peers, .. }| peers),
            citation: finding.citation.clone(),
            assumption: finding.assumption,
            lock: finding.lock.as_ref().map(lock),
        })
        .collect();
    Document {
        revision: answer.revision,
        parcel: answer.parcel.clone(),
        day: answer.day,
        industry: answer.project.industry.clone(),
        verdict: answer.ruling.verdict.map_or(Unknown::ANSWER, Verdict::name),
        findings,
        facts: Facts {
            tier: answer.place.tier(),
            park: answer.place.park.clone(),
            least_peers: answer.least_peers,
            review: answer.published.as_ref().map(|published| Review {
                run: published.run,
                as_of: published.as_of,
                published_by: published.published_by.clone(),
                published_at: published.published_at,
                division: published.division.clone(),
            }),
        },
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    parcel: String,
    industry: String,
    tax_wan_yuan_per_mu: Option<f64>,
    output_wan_yuan_per_mu: Option<f64>,
    investment_wan_yuan_per_mu: Option<f64>,
    on: Option<NaiveDate>,
}

/// Rules on a project.
pub async fn ask(
    State(app): State<App>,
    Extension(whole_city): Extension<WholeCity>,
    request: Request,
) -> Result<Response, Problem> {
    let headers = request.headers().clone();
    let form = Form::of_address(request.uri(), &headers)?;
    let asked: Question = body::question(request).await?;
    let code = ParcelCode::parse(&asked.parcel).map_err(|error| {
        Problem::new(Kind::InvalidParameter, error.to_string()).with("wrong-value", "parcel", json!({}))
    })?;
    let project = Project {
        industry: asked.industry,
        tax: asked.tax_wan_yuan_per_mu.map(WanYuanPerMu),
        output: asked.output_wan_yuan_per_mu.map(WanYuanPerMu),
        investment: asked.investment_wan_yuan_per_mu.map(WanYuanPerMu),
    };
    let day = body::legal_day("on", asked.on, (app.today)())?;
    // The peers of a whole city are read out of their receipts.
    let _inside = whole_city.enter()?;
    let answer = enter(&app.pool, code.as_str(), project, day).await.map_err(|error| match &error {
        EntryError::Store(error) => Problem::of_store(error),
        EntryError::Rules(error) => Problem::internal(error),
        EntryError::NotLaw { .. } => Problem::not_found(error.to_string()),
        EntryError::NoRule(_) => {
            Problem::new(Kind::InvalidParameter, error.to_string()).with("wrong-value", "on", json!({}))
        }
        EntryError::Industry(_) => {
            Problem::new(Kind::InvalidParameter, error.to_string()).with("wrong-value", "industry", json!({}))
        }
        EntryError::Promise(_) => {
            Problem::new(Kind::InvalidParameter, error.to_string()).with("wrong-value", "promise", json!({}))
        }
    })?;
    form.answer(&document(&answer), || of_entry(&answer), answer.revision, &headers)
}
