//! `GET /api/v1/reviews/{run}/sheets/{parcel}`: the check-up sheet of a result as a page to print.

use crate::flow::review::sheet::sheet;
use crate::http::App;
use crate::http::answer::of_text;
use crate::http::problem::Problem;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;

/// The page.
pub async fn show(
    State(app): State<App>,
    place: Result<Path<(i64, String)>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Path((run, parcel)) = place.map_err(|_| Problem::not_found("a review run has a whole number"))?;
    let page = sheet(&app.pool, run, &parcel).await.map_err(|error| Problem::of_refresh(&error))?;
    let none = || Problem::not_found(format!("review run {run} has no result for parcel {parcel}"));
    Ok(of_text("text/html; charset=utf-8", page.ok_or_else(none)?, None, &headers))
}
