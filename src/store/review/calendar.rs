//! What the register holds of the calendar of reviews: what was done of it, by published runs and by acceptances on paper.
//! When a review is due is not known here.

use super::shown;
use crate::domain::contract::agenda::Watched;
use crate::domain::moment::Moment;
use crate::domain::review::calendar::round::Published;
use crate::domain::review::calendar::{By, Done, Kind, Known, Name};
use crate::store::write::Write;
use crate::store::{StoreError, clock};
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use sqlx::postgres::PgPool;
use std::collections::HashMap;

/// What the calendar of the whole city looks at, out of one moment.
#[derive(Debug)]
pub struct Held {
    /// The newest revision in it.
    pub revision: i64,
    /// The contracts that are law on the day, in the order of numbers.
    pub contracts: Vec<Watched>,
    /// The district of each parcel of the day, by its code.
    pub districts: HashMap<String, String>,
    /// What was done, by the number of the contract.
    pub done: HashMap<String, Known>,
    /// The round runs that were published.
    pub rounds: Vec<Published>,
}

/// Reads what the calendar of a day looks at.
pub async fn held(pool: &PgPool, day: NaiveDate) -> Result<Held, StoreError> {
    let (mut tx, revision) = shown::moment(pool).await?;
    Ok(Held {
        revision,
        contracts: clock::read(&mut tx, &Moment::on(day), None).await?,
        districts: districts(&mut tx, day).await?,
        done: done(&mut tx, None, None).await?,
        rounds: rounds(&mut tx).await?,
    })
}

/// The contracts of the parcel that a contract is about, as they are law on a day; none where there is no such contract.
pub async fn contracts_beside(
    connection: &mut PgConnection,
    contract: &str,
    day: NaiveDate,
) -> Result<Vec<Watched>, StoreError> {
    let parcel = sqlx::query_scalar!(
        "select parcel from contract where number = $1 and upper_inf(recorded) and valid @> $2::date limit 1",
        contract,
        day
    );
    match parcel.fetch_optional(&mut *connection).await? {
        Some(parcel) => clock::read(connection, &Moment::on(day), Some(&[parcel])).await,
        None => Ok(Vec::new()),
    }
}

async fn districts(connection: &mut PgConnection, day: NaiveDate) -> Result<HashMap<String, String>, StoreError> {
    let rows = sqlx::query!(
        "select p.code, v.district from parcel p
         join parcel_version v on v.parcel_id = p.id and upper_inf(v.recorded) and v.valid @> $1::date",
        day
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(|row| (row.code, row.district)).collect())
}

/// What was done of the reviews of one contract, or of all, by the number of the contract, as far as it was on record at a
/// time. Of two that did the same the sooner stands.
pub async fn done(
    connection: &mut PgConnection,
    contract: Option<&str>,
    known_at: Option<DateTime<Utc>>,
) -> Result<HashMap<String, Known>, StoreError> {
    let rows = sqlx::query!(
        r#"select contract as "contract!", kind as "kind!", number as "number!", due_on, on_date as "on_date!", run_id, document
           from (
               select d.contract, d.kind, d.number, d.due_on, s.on_date, d.run_id, null as document
               from review_due d join review_step s on s.run_id = d.run_id and s.deed = 'publish'
               where ($1::text is null or d.contract = $1) and s.recorded_at <= coalesce($2::timestamptz, 'infinity')
               union all
               select contract, kind, number, due_on, on_date, null, document from (
                   select distinct on (contract, kind, number) a.* from review_acceptance a join revision v on v.id = a.revision
                   where ($1::text is null or contract = $1) and v.recorded_at <= coalesce($2::timestamptz, 'infinity')
                   order by contract, kind, number, a.id desc) latest
               where verdict = 'accepted') found
           order by on_date desc, run_id desc nulls first"#,
        contract,
        known_at
    )
    .fetch_all(connection)
    .await?;
    let mut found: HashMap<String, Known> = HashMap::new();
    for row in rows {
        let kind = Kind::parse(&row.kind).ok_or_else(|| StoreError::Value {
            table: "review_due",
            column: "kind",
            row: row.contract.clone(),
            value: row.kind.clone(),
        })?;
        let by = match row.run_id {
            Some(run) => By::Run { run },
            None => By::Acceptance { document: row.document.unwrap_or_default() },
        };
        let done = Done { by, on: row.on_date, due: row.due_on };
        found.entry(row.contract).or_default().insert(Name { kind, number: row.number.unsigned_abs() }, done);
    }
    Ok(found)
}

async fn rounds(connection: &mut PgConnection) -> Result<Vec<Published>, StoreError> {
    Ok(sqlx::query_as!(
        Published,
        r#"select r.id as run, r.as_of, s.on_date as "on"
           from review_run r join review_step s on s.run_id = r.id and s.deed = 'publish'
           where r.kind = 'round' order by r.id"#
    )
    .fetch_all(connection)
    .await?)
}

/// A paper about a review.
#[derive(Debug, Clone)]
pub struct Paper<'a> {
    /// Number of the contract.
    pub contract: &'a str,
    /// Which review.
    pub name: Name,
    /// Whether it says that the review was not done after all.
    pub withdraws: bool,
    /// The day.
    pub on: NaiveDate,
    /// The day it was due.
    pub due: Option<NaiveDate>,
    /// What it is called.
    pub document: &'a str,
}

/// Keeps a paper about a review.
pub async fn accept(write: &mut Write, paper: &Paper<'_>, actor: &str) -> Result<(), StoreError> {
    let revision = write.revision;
    let verdict = if paper.withdraws { "withdrawn" } else { "accepted" };
    sqlx::query!(
        "insert into review_acceptance (contract, kind, number, verdict, on_date, due_on, document, actor, revision)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        paper.contract,
        paper.name.kind.name(),
        i32::try_from(paper.name.number).unwrap_or(i32::MAX),
        verdict,
        paper.on,
        paper.due,
        paper.document,
        actor,
        revision
    )
    .execute(write.connection())
    .await?;
    Ok(())
}
