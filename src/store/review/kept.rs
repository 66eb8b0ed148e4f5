//! What a run kept: its rules as text, and its receipts one after the other.

use crate::store::StoreError;
use chrono::NaiveDate;
use futures_util::{Stream, TryStreamExt as _};
use sqlx::PgConnection;

/// A run with the rules it used.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Its number.
    pub run: i64,
    /// The day it judges.
    pub as_of: NaiveDate,
    /// How many years it looks at.
    pub window_years: i32,
    /// SHA-256 over its frozen facts, hex.
    pub facts_hash: String,
    /// Hash of its rules.
    pub rules_hash: String,
    /// The text of its rules.
    pub source: String,
}

/// A receipt as it is kept.
#[derive(Debug, Clone)]
pub struct Paper {
    /// Code of the parcel.
    pub parcel: String,
    /// Canonical receipt.
    pub receipt: String,
    /// The hash that was kept beside it.
    pub receipt_hash: String,
}

/// A run with its rules; nothing where there is no such run.
pub async fn rules(connection: &mut PgConnection, run: i64) -> Result<Option<Kept>, StoreError> {
    Ok(sqlx::query_as!(
        Kept,
        "select r.id as run, r.as_of, r.window_years, r.facts_hash, s.hash as rules_hash, s.source
         from review_run r join review_scheme s on s.hash = r.scheme where r.id = $1",
        run
    )
    .fetch_optional(connection)
    .await?)
}

/// The receipts of a run in the order of parcel codes, one after the other.
pub fn receipts(connection: &mut PgConnection, run: i64) -> impl Stream<Item = Result<Paper, StoreError>> + Send {
    sqlx::query_as!(
        Paper,
        r#"select parcel, receipt, receipt_hash from review_result where run_id = $1 order by parcel collate "C""#,
        run
    )
    .fetch(connection)
    .map_err(StoreError::from)
}
