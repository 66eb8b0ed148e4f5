//! The facts of an evaluation of parks, frozen in one moment: parks, their parcels, who used them, what was reported, and the
//! grades of the newest published review. What a review of parcels freezes too is read as it does.

use crate::domain::calendar::Calendar;
use crate::domain::park_evaluation::gather::{FrozenParks, ParkRow};
use crate::domain::review::grade::Grade;
use crate::store::StoreError;
use crate::store::review::facts::{Asked, frozen_in};
use chrono::NaiveDate;
use futures_util::TryStreamExt as _;
use sqlx::PgConnection;
use sqlx::postgres::PgPool;
use std::collections::HashMap;
use std::sync::Arc;

/// Freezes what an evaluation of a year looks at: the law of a day, the figures of the year and of the one before, a storey
/// higher than `tall_storey_m` counted twice. Where parcels stand in the tiers is not asked.
pub async fn freeze(
    pool: &PgPool,
    year: i32,
    as_of: NaiveDate,
    tall_storey_m: Option<f64>,
    calendar: &'static Calendar,
) -> Result<FrozenParks, StoreError> {
    let mut tx = pool.begin().await?;
    sqlx::raw_sql("set transaction isolation level repeatable read, read only").execute(&mut *tx).await?;
    let parks = parks(&mut tx).await?;
    let review_run = review_at(&mut tx, as_of).await?;
    let grades = match review_run {
        Some(run) => grades(&mut tx, run).await?,
        None => HashMap::new(),
    };
    let years = year - 1..=year;
    let asked =
        Asked { as_of, deciding_share: None, tall_storey_m, years, calendar, with_states: false, with_clocks: false };
    let (register, mut held) = frozen_in(&mut tx, pool, asked).await?;
    tx.commit().await?;
    let own = held.own(None).await?;
    held.end().await?;
    Ok(FrozenParks { parks, register: Arc::new(register), own, review_run, grades })
}

/// The parks in the order of their codes.
async fn parks(connection: &mut PgConnection) -> Result<Vec<ParkRow>, StoreError> {
    let rows = sqlx::query_as!(ParkRow, r#"select code, leading_industries from park order by code collate "C""#);
    Ok(rows.fetch_all(connection).await?)
}

/// The newest published round of parcels that judges a day not after this one.
async fn review_at(connection: &mut PgConnection, as_of: NaiveDate) -> Result<Option<i64>, StoreError> {
    Ok(sqlx::query_scalar!(
        "select r.id from review_run r
         where r.kind = 'round' and r.as_of <= $1
             and exists (select from review_step s where s.run_id = r.id and s.deed = 'publish')
         order by r.as_of desc, r.id desc limit 1",
        as_of
    )
    .fetch_optional(connection)
    .await?)
}

/// The grades in a run as they stand, by the code of the parcel.
async fn grades(connection: &mut PgConnection, run: i64) -> Result<HashMap<String, Grade>, StoreError> {
    let mut rows = sqlx::query!(r#"select parcel as "parcel!", grade as "grade!" from review_standing($1, null)"#, run)
        .fetch(connection);
    let mut grades = HashMap::new();
    while let Some(row) = rows.try_next().await? {
        let grade = Grade::parse(&row.grade).ok_or_else(|| StoreError::Value {
            table: "review_result",
            column: "grade",
            row: row.parcel.clone(),
            value: row.grade.clone(),
        })?;
        grades.insert(row.parcel, grade);
    }
    Ok(grades)
}
