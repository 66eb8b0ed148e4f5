//! What districts set for themselves, in two times, each setting by a document.

use super::StoreError;
use super::write::Write;
use crate::domain::plot_ratio::rise::Procedure;
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use sqlx::PgConnection;

/// A setting as it stands in the register now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Setting {
    /// Six digits of the district.
    pub district: String,
    /// What is set.
    pub key: String,
    /// Whether the district has it.
    pub is_open: bool,
    /// The first day.
    pub from: Option<NaiveDate>,
    /// The first day after the last.
    pub to: Option<NaiveDate>,
    /// The document.
    pub document: String,
    /// Since when the register believes so.
    pub recorded_at: Option<DateTime<Utc>>,
}

/// What a district has set about a procedure on a day.
pub async fn on(
    connection: &mut PgConnection,
    district: &str,
    key: &str,
    day: NaiveDate,
) -> Result<Option<Procedure>, StoreError> {
    let found = sqlx::query!(
        r#"select is_open, document, lower(valid) as "since!" from district_setting
           where district = $1 and key = $2 and valid @> $3::date and upper_inf(recorded)"#,
        district,
        key,
        day
    )
    .fetch_optional(connection)
    .await?;
    Ok(found.map(|row| Procedure { is_open: row.is_open, document: row.document, since: row.since }))
}

/// Every setting that is believed now, of one district or of all.
pub async fn list(connection: &mut PgConnection, district: Option<&str>) -> Result<Vec<Setting>, StoreError> {
    Ok(sqlx::query_as!(
        Setting,
        r#"select district, key, is_open, lower(valid) as "from", upper(valid) as "to", document,
               lower(recorded) as recorded_at
           from district_setting where upper_inf(recorded) and ($1::text is null or district = $1)
           order by district, key, valid"#,
        district
    )
    .fetch_all(connection)
    .await?)
}

/// Sets what a district has from a day on, or up to another. What was believed of those days is closed in recorded time,
/// and what is left of it before and behind them is said again. Answers whether that changed anything.
pub async fn set(write: &mut Write, it: &Setting) -> Result<bool, StoreError> {
    let (revision, at) = (write.revision, write.recorded_at);
    let known = sqlx::query_scalar!(
        r#"select exists (select from district_setting
               where district = $1 and key = $2 and upper_inf(recorded) and valid @> daterange($3, $4)
                   and is_open = $5 and document = $6) as "exists!""#,
        it.district,
        it.key,
        it.from,
        it.to,
        it.is_open,
        it.document
    )
    .fetch_one(write.connection())
    .await?;
    if known {
        return Ok(false);
    }
    sqlx::query!(
        "with closed as (
             update district_setting set recorded = tstzrange(lower(recorded), $5)
             where district = $1 and key = $2 and upper_inf(recorded) and valid && daterange($3, $4)
             returning valid, is_open, document)
         insert into district_setting (district, key, valid, recorded, is_open, document, revision)
         select $1, $2, rest.valid, tstzrange($5, null), c.is_open, c.document, $6
         from closed c
         cross join lateral unnest(datemultirange(c.valid) - datemultirange(daterange($3, $4))) as rest (valid)",
        it.district,
        it.key,
        it.from,
        it.to,
        at,
        revision
    )
    .execute(write.connection())
    .await?;
    sqlx::query!(
        "insert into district_setting (district, key, valid, recorded, is_open, document, revision)
         values ($1, $2, daterange($3, $4), tstzrange($5, null), $6, $7, $8)",
        it.district,
        it.key,
        it.from,
        it.to,
        at,
        it.is_open,
        it.document,
        revision
    )
    .execute(write.connection())
    .await?;
    Ok(true)
}
