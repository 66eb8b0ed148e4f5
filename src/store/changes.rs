//! What the map shows and what changed of it since a revision, read in one moment, at the cost of the change. It judges
//! no change: a row that was written anew and says the same is among them.

use super::snapshot::{areas, city, parcels};
use super::{StoreError, review, write};
use crate::domain::moment::Moment;
use crate::domain::today::{Change, Changes, Parcel};
use chrono::NaiveDate;
use sqlx::Acquire;
use sqlx::postgres::PgPool;
use std::collections::{BTreeSet, HashMap};

/// With so many changed rows, the whole city is read sooner than one parcel after the other. A correction changes two to
/// four.
const MOST_ROWS: i64 = 10_000;

/// What became of the city since a revision.
#[derive(Debug)]
pub enum Since {
    /// Nothing: it is the newest.
    Nothing,
    /// This much.
    Some(Box<Changes>),
    /// So much that it is better read whole.
    Whole,
}

/// What changed since a revision, for the day and the run for which the map was made. A map of another run, or of a
/// revision that the register has not reached, is to be read whole.
pub async fn since(
    pool: &PgPool,
    revision: i64,
    day: NaiveDate,
    tall_storey_m: Option<f64>,
    run: Option<i64>,
) -> Result<Since, StoreError> {
    let mut connection = pool.acquire().await?;
    let mut tx = connection.begin().await?;
    // A change is small whatever the statistics say, and they may be from before the city was imported.
    sqlx::raw_sql(
        "set transaction isolation level repeatable read, read only; set local plan_cache_mode = force_custom_plan;
         set local enable_seqscan = off; set local enable_hashjoin = off; set local enable_mergejoin = off",
    )
    .execute(&mut *tx)
    .await?;
    let head = write::head(&mut tx).await?;
    if head == revision {
        return Ok(Since::Nothing);
    }
    let Some(recorded_at) = sqlx::query_scalar!("select recorded_at from revision where id = $1", revision)
        .fetch_optional(&mut *tx)
        .await?
    else {
        return Ok(Since::Whole);
    };
    let newest = review::newest(&mut tx).await?;
    if newest.as_ref().map(|run| run.id) != run {
        return Ok(Since::Whole);
    }
    let city = city(&mut tx, newest).await?;
    // Every writer closes a row at the moment at which its revision is recorded, which is later than any before. What is
    // known by its moment is asked for in order and up to a limit: the planner expects a fifth of all rows otherwise. The
    // parts of a building that were closed with it are among those closed.
    let codes = sqlx::query_scalar!(
        r#"with touched as (
               (select building_id, parcel_id from building_part where lower(recorded) > $2
                order by lower(recorded) limit $3)
               union all
               (select building_id, parcel_id from building_part where not upper_inf(recorded) and upper(recorded) > $2
                order by upper(recorded) limit $3)
               union all
               select t.building_id, t.parcel_id
               from (select id from building where not upper_inf(recorded) and upper(recorded) > $2
                     order by upper(recorded) limit $3) b
               join building_part t on t.building_id = b.id and upper_inf(t.recorded)),
           changed as materialized (
               select parcel_id from parcel_version where revision > $1
               union all
               (select parcel_id from parcel_version where not upper_inf(recorded) and upper(recorded) > $2
                order by upper(recorded) limit $3)
               union all
               select parcel_id from parcel_place where revision > $1
               union all
               select parcel_id from touched
               union all
               select parcel_id from parcel_state where revision > $1
               union all
               (select parcel_id from parcel_state where not upper_inf(recorded) and upper(recorded) > $2
                order by upper(recorded) limit $3)
               limit $3),
           renamed as (
               (select code from enterprise where revision > $1 limit $3)
               union all
               (select code from enterprise where not upper_inf(recorded) and upper(recorded) > $2
                order by upper(recorded) limit $3))
           (select p.code as "code!" from changed join parcel p on p.id = changed.parcel_id)
           union all
           select parcel from contract where revision > $1
           union all
           select parcel from review_rerun where revision > $1
           union all
           (select c.parcel from renamed e join contract c on c.holder = e.code and upper_inf(c.recorded) limit $3)
           union all
           (select parcel from contract where not upper_inf(recorded) and upper(recorded) > $2
            order by upper(recorded) limit $3)
           limit $3"#,
        revision,
        recorded_at,
        MOST_ROWS
    )
    .fetch_all(&mut *tx)
    .await?;
    if codes.len() as i64 >= MOST_ROWS {
        return Ok(Since::Whole);
    }
    let codes: Vec<String> = codes.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    let moved = sqlx::query_scalar!(
        r#"select exists (select from district where revision > $1) or exists (select from park where revision > $1)
               or exists (select from zone_version where revision > $1)
               or exists (select from zone_version where not upper_inf(recorded) and upper(recorded) > $2) as "moved!""#,
        revision,
        recorded_at
    )
    .fetch_one(&mut *tx)
    .await?;
    let areas = if moved { Some(areas(&mut tx, &Moment::on(day)).await?) } else { None };
    let now = parcels(&mut tx, day, tall_storey_m, run, &codes).await?;
    tx.commit().await?;
    let mut now: HashMap<String, Parcel> = now.into_iter().map(|parcel| (parcel.code.clone(), parcel)).collect();
    let parcels = codes.into_iter().map(|code| Change { now: now.remove(&code), code }).collect();
    Ok(Since::Some(Box::new(Changes { revision: head, city, areas, parcels })))
}
