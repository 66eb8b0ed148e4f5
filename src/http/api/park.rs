//! `GET /api/v1/parks…`: the parks with where they stand, the yearly evaluations, and why a park has its score. The wire
//! shapes are here; the command line writes the same. Nothing is done to a park over HTTP while there are no accounts.

use super::page;
use crate::flow::park::explain::{ExplainedPark, explained};
use crate::flow::park::{KeptEvaluation, ParkError, load};
use crate::http::App;
use crate::http::answer::of_register;
use crate::http::problem::Problem;
use crate::store::park::ListedEvaluation;
use crate::store::park::life::{self, LifeMove, ParkNow, StandingMove, Stands};
use crate::store::review::shown::moment;
use crate::store::{self, StoreError};
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// An evaluation as it is listed.
#[allow(missing_docs)] // The names are the wire's own; docs/parks.md says what they mean.
#[derive(Debug, Serialize)]
pub struct OfEvaluation {
    pub evaluation: i64,
    pub year: i32,
    pub as_of: NaiveDate,
    pub scheme: String,
    pub rules_hash: String,
    pub review_run: Option<i64>,
    pub state: String,
    pub parks: i64,
    pub made_by: String,
    pub step_by: Option<String>,
    pub step_on: Option<NaiveDate>,
    pub document: Option<String>,
    pub revision: i64,
}

impl From<ListedEvaluation> for OfEvaluation {
    fn from(one: ListedEvaluation) -> Self {
        Self {
            evaluation: one.id,
            year: one.year,
            as_of: one.as_of,
            scheme: one.label(),
            rules_hash: one.rules_hash,
            review_run: one.review_run,
            state: one.state,
            parks: one.parks,
            made_by: one.made_by,
            step_by: one.step_by,
            step_on: one.step_on,
            document: one.document,
            revision: one.revision,
        }
    }
}

/// What an evaluation found of a park.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct OfPark {
    pub park: String,
    pub rank: Option<u32>,
    pub score: Option<f64>,
    pub stars: Option<u8>,
    pub came_to: &'static str,
    pub coverage: f64,
    pub receipt: String,
}

/// An evaluation with what it found, the best first.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct ShownEvaluation {
    #[serde(flatten)]
    pub evaluation: OfEvaluation,
    pub results: Vec<OfPark>,
}

/// Why a park has its score, with the receipt.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct Explained {
    pub evaluation: i64,
    pub park: String,
    pub score: Option<f64>,
    pub stars: Option<u8>,
    pub zh: Vec<String>,
    pub en: Vec<String>,
    pub receipt: serde_json::Value,
    pub receipt_hash: String,
}

/// Where a park stands under a scheme.
#[allow(missing_docs)]
#[derive(Debug, Clone, Serialize)]
pub struct OfStanding {
    pub park: String,
    pub scheme: String,
    pub standing: &'static str,
    pub failed_year: Option<i32>,
    pub again_year: Option<i32>,
    pub last_year: Option<i32>,
    pub evaluation: Option<i64>,
}

impl From<Stands> for OfStanding {
    fn from(one: Stands) -> Self {
        let standing = one.record.standing;
        let (failed_year, again_year) = standing.failed_years();
        Self {
            park: one.park,
            scheme: one.scheme,
            standing: standing.name(),
            failed_year,
            again_year,
            last_year: one.record.last,
            evaluation: one.evaluation,
        }
    }
}

/// A move in the life of a featured park.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct OfLife {
    pub act: String,
    pub to: String,
    pub on: NaiveDate,
    pub document: String,
    pub by: String,
    pub revision: i64,
}

impl From<LifeMove> for OfLife {
    fn from(one: LifeMove) -> Self {
        Self { act: one.act, to: one.to_state, on: one.on, document: one.document, by: one.by, revision: one.revision }
    }
}

/// A move of a park's standing.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct OfMove {
    pub scheme: String,
    pub came_to: String,
    pub to: String,
    pub year: Option<i32>,
    pub evaluation: Option<i64>,
    pub revision: i64,
}

impl From<StandingMove> for OfMove {
    fn from(one: StandingMove) -> Self {
        Self {
            scheme: one.scheme,
            came_to: one.came_to,
            to: one.to_state,
            year: one.year,
            evaluation: one.evaluation,
            revision: one.revision,
        }
    }
}

/// A park of the register.
#[allow(missing_docs)]
#[derive(Debug, Clone, Serialize)]
pub struct ListedPark {
    pub park: String,
    pub name: String,
    pub district: String,
    pub leading_industries: Vec<String>,
    pub life: Option<String>,
    pub since: Option<NaiveDate>,
    pub standings: Vec<OfStanding>,
}

/// The parks with where they stand.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct Parks {
    pub revision: i64,
    pub parks: Vec<ListedPark>,
    pub next: Option<String>,
}

/// A park with its life and its years.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct ShownPark {
    pub revision: i64,
    #[serde(flatten)]
    pub park: ListedPark,
    pub life_moves: Vec<OfLife>,
    pub standing_moves: Vec<OfMove>,
}

#[derive(Serialize)]
struct Evaluations {
    revision: i64,
    evaluations: Vec<OfEvaluation>,
    next: Option<String>,
}

fn listed(park: ParkNow, standings: &mut Vec<Stands>) -> ListedPark {
    let own = standings.extract_if(.., |one| one.park == park.code).map(OfStanding::from).collect();
    ListedPark {
        park: park.code,
        name: park.name,
        district: park.district,
        leading_industries: park.leading_industries,
        life: park.life,
        since: park.since,
        standings: own,
    }
}

/// Every park of the register with where it stands, in the order of codes, and the newest revision.
pub async fn parks(pool: &store::Pool) -> Result<(i64, Vec<ListedPark>), StoreError> {
    let (mut tx, revision) = moment(pool).await?;
    let mut standings = life::standings(&mut tx, None, None).await?;
    let parks = life::parks(&mut tx).await?.into_iter().map(|park| listed(park, &mut standings)).collect();
    Ok((revision, parks))
}

/// One park with its life and its years; nothing where there is none of that code.
pub async fn park(pool: &store::Pool, code: &str) -> Result<Option<ShownPark>, StoreError> {
    let (mut tx, revision) = moment(pool).await?;
    let Some(found) = life::parks(&mut tx).await?.into_iter().find(|park| park.code == code) else { return Ok(None) };
    let mut standings = life::standings(&mut tx, Some(code), None).await?;
    Ok(Some(ShownPark {
        revision,
        park: listed(found, &mut standings),
        life_moves: life::life(&mut tx, code).await?.into_iter().map(OfLife::from).collect(),
        standing_moves: life::standing_moves(&mut tx, code).await?.into_iter().map(OfMove::from).collect(),
    }))
}

/// An evaluation with what it found, in these shapes.
pub fn shown(kept: KeptEvaluation) -> ShownEvaluation {
    let mut results: Vec<OfPark> = kept
        .results
        .into_iter()
        .map(|(receipt, _, hash)| OfPark {
            park: receipt.facts.code,
            rank: receipt.rank,
            score: receipt.score,
            stars: receipt.stars,
            came_to: receipt.came_to.name(),
            coverage: receipt.coverage,
            receipt: hash,
        })
        .collect();
    results.sort_by_key(|one| (one.rank.is_none(), one.rank));
    ShownEvaluation { evaluation: kept.listed.into(), results }
}

/// A result that was explained, in these shapes.
pub fn of_explained(found: ExplainedPark) -> Result<Explained, serde_json::Error> {
    let (receipt, text, hash) = found.sealed;
    Ok(Explained {
        evaluation: found.evaluation,
        park: receipt.facts.code,
        score: receipt.score,
        stars: receipt.stars,
        zh: found.words.zh,
        en: found.words.en,
        receipt: serde_json::from_str(&text)?,
        receipt_hash: hash,
    })
}

/// Which page of a list is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paged {
    after: Option<String>,
    limit: Option<usize>,
}

fn problem(error: &ParkError) -> Problem {
    match error {
        ParkError::Unknown(_) | ParkError::NoResult { .. } => Problem::not_found(error.to_string()),
        ParkError::Store(error) => Problem::of_store(error),
        other => Problem::internal(other),
    }
}

fn answered(answer: &impl Serialize, revision: i64, headers: &HeaderMap) -> Result<Response, Problem> {
    of_register(answer, Some(revision), headers).map_err(|error| Problem::internal(&error))
}

/// The parks.
pub async fn list(
    State(app): State<App>,
    query: Result<Query<Paged>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asked = page::asked(query, "after, limit")?;
    let limit = page::limit(asked.limit)?;
    let (revision, all) = parks(&app.pool).await.map_err(|error| Problem::of_store(&error))?;
    let (found, next) = page::of(&all, asked.after.as_deref(), limit, |one| one.park.clone()).ok_or_else(page::none)?;
    answered(&Parks { revision, parks: found.to_vec(), next }, revision, &headers)
}

/// One park.
pub async fn show(State(app): State<App>, Path(code): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let found = park(&app.pool, &code).await.map_err(|error| Problem::of_store(&error))?;
    let found =
        found.ok_or_else(|| Problem::not_found(format!("there is no park {code}; /api/v1/parks names them")))?;
    answered(&found, found.revision, &headers)
}

/// The evaluations, the newest first.
pub async fn evaluations(
    State(app): State<App>,
    query: Result<Query<Paged>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asked = page::asked(query, "after, limit")?;
    let limit = page::limit(asked.limit)?;
    let (mut tx, revision) = moment(&app.pool).await.map_err(|error| Problem::of_store(&error))?;
    let found = store::park::list(&mut tx).await.map_err(|error| Problem::of_store(&error))?;
    let (found, next) =
        page::of(&found, asked.after.as_deref(), limit, |one| one.id.to_string()).ok_or_else(page::none)?;
    let evaluations = found.iter().cloned().map(OfEvaluation::from).collect();
    answered(&Evaluations { revision, evaluations, next }, revision, &headers)
}

fn number(evaluation: &str) -> Result<i64, Problem> {
    evaluation.parse().map_err(|_| Problem::not_found("an evaluation of parks has a whole number"))
}

/// One evaluation with what it found.
pub async fn evaluation(
    State(app): State<App>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Path(evaluation) = path.map_err(|error| Problem::not_found(error.to_string()))?;
    let (mut tx, revision) = moment(&app.pool).await.map_err(|error| Problem::of_store(&error))?;
    let kept = load(&mut tx, number(&evaluation)?).await.map_err(|error| problem(&error))?;
    answered(&shown(kept), revision, &headers)
}

/// Why a park has its score.
pub async fn result(
    State(app): State<App>,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Path((evaluation, park)) = path.map_err(|error| Problem::not_found(error.to_string()))?;
    let (mut tx, revision) = moment(&app.pool).await.map_err(|error| Problem::of_store(&error))?;
    let found = explained(&mut tx, number(&evaluation)?, &park).await.map_err(|error| problem(&error))?;
    let answer = of_explained(found).map_err(|error| Problem::internal(&error))?;
    answered(&answer, revision, &headers)
}
