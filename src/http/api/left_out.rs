//! `GET /api/v1/reviews/{run}/left-out`: whom a run has no result for, and why. The wire shapes are here; the command line
//! writes the same.

use super::city::BothLanguages;
use super::page::wrong;
use super::review::{answered, asked, limit, number, page, unknown};
use crate::domain::review::left_out::{Left, Reason};
use crate::domain::review::scheme::Words;
use crate::http::App;
use crate::http::problem::Problem;
use crate::store::review::shown;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};

/// How many parcels a run left out for a reason.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct LeftOut {
    pub reason: &'static str,
    pub title: BothLanguages,
    pub rule: Option<&'static str>,
    pub parcels: i64,
}

/// A parcel that a run left out.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct LeftParcel {
    pub parcel: String,
    pub reason: &'static str,
}

impl From<Left> for LeftParcel {
    fn from(one: Left) -> Self {
        Self { parcel: one.parcel, reason: one.reason.name() }
    }
}

impl From<(Reason, i64)> for LeftOut {
    fn from((reason, parcels): (Reason, i64)) -> Self {
        let Words { zh, en } = reason.title();
        Self { reason: reason.name(), title: BothLanguages { zh, en }, rule: reason.rule(), parcels }
    }
}

/// Who of those that were left out is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WantedLeft {
    reason: Option<String>,
    after: Option<String>,
    limit: Option<usize>,
}

#[derive(Serialize)]
struct LeftParcels {
    revision: i64,
    run: i64,
    left_out: Vec<LeftParcel>,
    next: Option<String>,
}

/// Who was left out, and why.
pub async fn show(
    State(app): State<App>,
    run: Result<Path<i64>, PathRejection>,
    query: Result<Query<WantedLeft>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let run = number(run)?;
    let asked = asked(query, "reason, after, limit")?;
    let limit = limit(asked.limit)?;
    let reasons = || Reason::ALL.map(Reason::name).join(", ");
    let reason = asked.reason.as_deref().map(|word| {
        Reason::parse(word)
            .ok_or_else(|| wrong("reason", format!("reason is {word:?}; expected one of {}", reasons()), &reasons()))
    });
    let most = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let found = shown::left_out(&app.pool, run, reason.transpose()?, asked.after.as_deref(), most).await;
    let (revision, found) = found.map_err(|error| Problem::of_store(&error))?.ok_or_else(|| unknown(run))?;
    let (found, has_more) = page(found, limit);
    let next = found.last().map(|one| one.parcel.clone()).filter(|_| has_more);
    let left_out = found.into_iter().map(LeftParcel::from).collect();
    answered(&LeftParcels { revision, run, left_out, next }, revision, &headers)
}
