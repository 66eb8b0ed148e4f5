//! `GET /api/v1/parcels/{code}/lineage`: the events behind and ahead of a parcel, law or historic. Read from the
//! register.

use crate::domain::id::ParcelCode;
use crate::http::App;
use crate::http::answer::{REVISION, is_known, typed};
use crate::http::problem::Problem;
use crate::store::StoreError;
use crate::store::lineage::family::{self, Lineage};
use crate::store::write;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

/// Answers the lineage.
pub async fn show(State(app): State<App>, Path(code): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let code = ParcelCode::parse(&code).map_err(|error| Problem::not_found(error.to_string()))?;
    let (revision, found) = read(&app, code.as_str()).await.map_err(|error| Problem::of_store(&error))?;
    let unknown = || Problem::not_found(format!("there is no parcel {code} in the register, neither law nor historic"));
    let lineage = found.ok_or_else(unknown)?;
    let body = serde_json::to_string(&lineage).map_err(|error| Problem::internal(&error))?;
    let tag = format!("\"{}\"", hex::encode(&Sha256::digest(&body)[..16]));
    let mut response = if is_known(&tag, &headers) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        typed("application/json", body)
    };
    let answer = response.headers_mut();
    answer.insert(REVISION, HeaderValue::from(revision));
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        answer.insert(header::ETAG, tag);
    }
    Ok(response)
}

/// The revision is read first: lineage only grows, so the answer holds at least what was known then.
async fn read(app: &App, code: &str) -> Result<(i64, Option<Lineage>), StoreError> {
    let mut connection = app.pool.acquire().await?;
    let revision = write::head(&mut connection).await?;
    Ok((revision, family::of(&mut connection, code).await?))
}
