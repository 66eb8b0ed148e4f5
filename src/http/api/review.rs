//! `GET /api/v1/reviews…`: runs of the review, where they are in their lives, what they found of each parcel and why, what
//! lies between two of them, and what is said against them. The wire shapes are here; the command line writes the same.
//! Nothing is done to a run over HTTP while there are no accounts: whose deed it was could not be told.

use super::left_out::LeftOut;
use super::page::wrong;
use crate::domain::id::ParcelCode;
use crate::domain::review::decision::List;
use crate::domain::review::diff::Diff;
use crate::domain::review::explain::Explanation;
use crate::domain::review::grade::Grade;
use crate::domain::review::lift::Lift;
use crate::flow::review::diff::between;
use crate::flow::review::explain;
use crate::flow::review::kept::KeptError;
use crate::http::App;
use crate::http::answer::of_register;
use crate::http::guard::WholeCity;
use crate::http::problem::Problem;
use crate::store::review::objection::Objection;
use crate::store::review::shown::{self, Found, Shown};
use axum::Extension;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// How many a page has where nothing is said, and at most.
const USUAL: usize = 100;
const MOST: usize = 1_000;
/// How many workers compare two runs for an answer: the others stay for those who ask meanwhile.
const WORKERS: usize = 2;

/// A run as it is listed.
#[allow(missing_docs)] // The names are the wire's own; docs/reviews.md says what they mean.
#[derive(Debug, Serialize)]
pub struct Listed {
    pub run: i64,
    pub kind: String,
    pub as_of: NaiveDate,
    pub window_years: i32,
    pub scheme: String,
    pub rules_hash: String,
    pub state: String,
    pub revision: i64,
}

impl From<crate::store::review::Run> for Listed {
    fn from(run: crate::store::review::Run) -> Self {
        Self {
            run: run.id,
            kind: run.kind,
            as_of: run.as_of,
            window_years: run.window_years,
            scheme: run.scheme,
            rules_hash: run.rules_hash,
            state: run.state,
            revision: run.revision,
        }
    }
}

/// What was done to a run.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct Stepped {
    pub deed: String,
    pub to: String,
    pub on: NaiveDate,
    pub by: String,
    pub with_run: Option<i64>,
    pub notice_until: Option<NaiveDate>,
    pub document: Option<String>,
    pub revision: i64,
}

/// How many parcels have a grade and stand on a list.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct Counted {
    pub grade: String,
    pub list: Option<String>,
    pub parcels: i64,
}

/// How many reviews of a kind a run answers.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct Answering {
    pub review: String,
    pub reviews: i64,
}

/// A run with its life.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct OfRun {
    #[serde(flatten)]
    pub run: Listed,
    pub made_by: String,
    pub steps: Vec<Stepped>,
    pub notice_until: Option<NaiveDate>,
    pub objections: i64,
    pub objections_open: i64,
    pub found: Vec<Counted>,
    pub left_out: Vec<LeftOut>,
    pub answers: Vec<Answering>,
}

/// What is said against a run, and what was answered.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct Objected {
    pub objection: i64,
    pub parcel: String,
    pub party: String,
    pub ground: String,
    pub document: String,
    pub on: NaiveDate,
    pub entered_by: String,
    pub verdict: Option<String>,
    pub words: Option<String>,
    pub answered_on: Option<NaiveDate>,
    pub answered_by: Option<String>,
    pub grade: Option<String>,
    pub receipt: Option<String>,
}

impl From<Objection> for Objected {
    fn from(one: Objection) -> Self {
        Self {
            objection: one.id,
            parcel: one.parcel,
            party: one.party,
            ground: one.ground,
            document: one.document,
            on: one.on,
            entered_by: one.entered_by,
            verdict: one.verdict,
            words: one.words,
            answered_on: one.answered_on,
            answered_by: one.answered_by,
            grade: one.grade,
            receipt: one.receipt_hash,
        }
    }
}

/// Why a parcel has its grade, with the receipt.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct Explained {
    pub run: i64,
    pub parcel: String,
    pub grade: Grade,
    /// How many of its peers score higher.
    pub peers_ahead: Option<u32>,
    pub lift: Option<Lift>,
    pub zh: Vec<String>,
    pub en: Vec<String>,
    pub receipt: serde_json::Value,
    pub receipt_hash: String,
    /// The objection because of which it was judged again.
    pub objection: Option<i64>,
}

/// What lies between two runs.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct Compared {
    pub old: i64,
    pub new: i64,
    /// The grades that rows and columns of the matrix stand for.
    pub grades: [&'static str; 5],
    #[serde(flatten)]
    pub diff: Diff,
}

#[derive(Serialize)]
struct Runs {
    revision: i64,
    runs: Vec<Listed>,
    next: Option<i64>,
}

#[derive(Serialize)]
struct OfParcel {
    parcel: String,
    grade: String,
    score: Option<f64>,
    rank: Option<i32>,
    list: Option<String>,
    outcome: String,
    receipt: String,
    objection: Option<i64>,
}

#[derive(Serialize)]
struct Results {
    revision: i64,
    run: i64,
    results: Vec<OfParcel>,
    next: Option<String>,
}

#[derive(Serialize)]
struct Objections {
    revision: i64,
    run: i64,
    objections: Vec<Objected>,
    next: Option<i64>,
}

/// A run in these shapes.
pub fn of_run(shown: Shown) -> OfRun {
    let steps: Vec<Stepped> = shown
        .steps
        .into_iter()
        .map(|step| Stepped {
            deed: step.deed,
            to: step.to_state,
            on: step.on,
            by: step.actor,
            with_run: step.with_run,
            notice_until: step.notice_until,
            document: step.document,
            revision: step.revision,
        })
        .collect();
    OfRun {
        run: shown.run.into(),
        made_by: shown.life.made_by,
        notice_until: steps.iter().find_map(|step| step.notice_until),
        steps,
        objections: shown.objections.0,
        objections_open: shown.objections.1,
        found: shown.found.into_iter().map(|(grade, list, parcels)| Counted { grade, list, parcels }).collect(),
        left_out: shown.left_out.into_iter().map(LeftOut::from).collect(),
        answers: shown.answers.into_iter().map(|(review, reviews)| Answering { review, reviews }).collect(),
    }
}

/// A result that was explained, in these shapes.
pub fn of_explained(found: explain::Explained) -> Result<Explained, serde_json::Error> {
    let words = Explanation::from(found.words);
    Ok(Explained {
        run: found.run,
        parcel: found.receipt.facts.code,
        grade: found.receipt.grade,
        peers_ahead: found.receipt.peers_ahead,
        lift: found.lift,
        zh: words.zh,
        en: words.en,
        receipt: serde_json::from_str(&found.text)?,
        receipt_hash: found.hash,
        objection: found.objection,
    })
}

/// A comparison in these shapes.
pub fn compared(old: i64, new: i64, diff: Diff) -> Compared {
    Compared { old, new, grades: Grade::ALL.map(Grade::name), diff }
}

/// Which page of a list is asked for; with more where more may be asked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Numbered {
    after: Option<i64>,
    limit: Option<usize>,
}

/// Which results are asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    grade: Option<String>,
    list: Option<String>,
    after: Option<String>,
    limit: Option<usize>,
}

/// With which run a run is to be compared.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct With {
    with: i64,
}

pub(super) fn asked<T>(query: Result<Query<T>, QueryRejection>, expected: &str) -> Result<T, Problem> {
    query.map(|Query(asked)| asked).map_err(|error| wrong("query", error.to_string(), expected))
}

pub(super) fn number(run: Result<Path<i64>, PathRejection>) -> Result<i64, Problem> {
    run.map(|Path(run)| run).map_err(|_| Problem::not_found("a review run has a whole number"))
}

pub(super) fn limit(asked: Option<usize>) -> Result<usize, Problem> {
    let limit = asked.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        return Err(wrong("limit", format!("limit is {limit}; expected 1 to {MOST}"), "1 to 1000"));
    }
    Ok(limit)
}

pub(super) fn unknown(run: i64) -> Problem {
    Problem::not_found(format!("there is no review run {run}; /api/v1/reviews names them"))
}

pub(super) fn answered(answer: &impl Serialize, revision: i64, headers: &HeaderMap) -> Result<Response, Problem> {
    of_register(answer, Some(revision), headers).map_err(|error| Problem::internal(&error))
}

/// Takes one more than the page has, and tells whether there was one.
pub(super) fn page<T>(mut found: Vec<T>, limit: usize) -> (Vec<T>, bool) {
    let has_more = found.len() > limit;
    found.truncate(limit);
    (found, has_more)
}

/// The runs, the newest first.
pub async fn list(
    State(app): State<App>,
    query: Result<Query<Numbered>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asked = asked(query, "after, limit")?;
    let limit = limit(asked.limit)?;
    let (revision, found) =
        shown::runs(&app.pool, asked.after, limit + 1).await.map_err(|error| Problem::of_store(&error))?;
    let (found, has_more) = page(found, limit);
    let next = found.last().map(|run| run.id).filter(|_| has_more);
    answered(&Runs { revision, runs: found.into_iter().map(Listed::from).collect(), next }, revision, &headers)
}

/// One run, with its life.
pub async fn show(
    State(app): State<App>,
    run: Result<Path<i64>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let run = number(run)?;
    let found = shown::run(&app.pool, run).await.map_err(|error| Problem::of_store(&error))?;
    let found = found.ok_or_else(|| unknown(run))?;
    let revision = found.revision;
    answered(&of_run(found), revision, &headers)
}

/// What it found of each parcel.
pub async fn results(
    State(app): State<App>,
    run: Result<Path<i64>, PathRejection>,
    query: Result<Query<Wanted>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let run = number(run)?;
    let asked = asked(query, "grade, list, after, limit")?;
    let limit = limit(asked.limit)?;
    let grade = asked.grade.as_deref().map(|word| {
        Grade::parse(word)
            .ok_or_else(|| wrong("grade", format!("grade is {word:?}; expected A, B, C, D or T"), "A, B, C, D or T"))
    });
    let list = asked.list.as_deref().map(|word| {
        List::parse(word)
            .ok_or_else(|| wrong("list", format!("list is {word:?}; expected exit or renewal"), "exit or renewal"))
    });
    let wanted = (grade.transpose()?, list.transpose()?);
    let most = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let found = shown::results(&app.pool, run, wanted, asked.after.as_deref(), most).await;
    let (revision, found) = found.map_err(|error| Problem::of_store(&error))?.ok_or_else(|| unknown(run))?;
    let (found, has_more) = page(found, limit);
    let next = found.last().map(|one| one.parcel.clone()).filter(|_| has_more);
    let wire = |one: Found| OfParcel {
        parcel: one.parcel,
        grade: one.grade,
        score: one.score,
        rank: one.rank,
        list: one.list,
        outcome: one.outcome,
        receipt: one.receipt_hash,
        objection: one.objection,
    };
    answered(&Results { revision, run, results: found.into_iter().map(wire).collect(), next }, revision, &headers)
}

/// Why one parcel has its grade.
pub async fn result(
    State(app): State<App>,
    path: Result<Path<(i64, String)>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Path((run, code)) = path.map_err(|_| Problem::not_found("a review run has a whole number"))?;
    let code = ParcelCode::parse(&code).map_err(|error| Problem::not_found(error.to_string()))?;
    let (mut tx, revision) = shown::moment(&app.pool).await.map_err(|error| Problem::of_store(&error))?;
    let found = explain::explained(&mut tx, run, code.as_str(), None).await;
    let found = found.map_err(|error| Problem::of_refresh(&error.into()))?;
    let found = found.ok_or_else(|| Problem::not_found(format!("run {run} has no result for parcel {code}")))?;
    let answer = of_explained(found).map_err(|error| Problem::internal(&error))?;
    answered(&answer, revision, &headers)
}

/// What lies between a run and an earlier one.
pub async fn diff(
    State(app): State<App>,
    Extension(whole_city): Extension<WholeCity>,
    run: Result<Path<i64>, PathRejection>,
    query: Result<Query<With>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let new = number(run)?;
    let With { with: old } = asked(query, "with")?;
    let inside = whole_city.enter()?;
    let pool = app.pool.clone();
    // Goes on where whoever asked has left, and keeps its place until it is over.
    let work = tokio::spawn(async move {
        let found = between(&pool, old, new, WORKERS).await;
        drop(inside);
        found
    });
    let found = work.await.map_err(|error| Problem::internal(&error))?.map_err(|error| match &error {
        KeptError::Unknown(run) => unknown(*run),
        KeptError::Store(error) => Problem::of_store(error),
        error if error.is_refusal() => wrong("with", error.to_string(), "runs that this version can judge again"),
        other => Problem::internal(other),
    })?;
    // Two runs that are kept are what they are: no revision changes what lies between them.
    of_register(&compared(old, new, found), None, &headers).map_err(|error| Problem::internal(&error))
}

/// What is said against a run.
pub async fn objections(
    State(app): State<App>,
    run: Result<Path<i64>, PathRejection>,
    query: Result<Query<Numbered>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let run = number(run)?;
    let asked = asked(query, "after, limit")?;
    let limit = limit(asked.limit)?;
    let most = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let found = shown::objections(&app.pool, run, asked.after.unwrap_or(0), most).await;
    let (revision, found) = found.map_err(|error| Problem::of_store(&error))?.ok_or_else(|| unknown(run))?;
    let (found, has_more) = page(found, limit);
    let next = found.last().map(|one| one.id).filter(|_| has_more);
    let objections = found.into_iter().map(Objected::from).collect();
    answered(&Objections { revision, run, objections, next }, revision, &headers)
}
