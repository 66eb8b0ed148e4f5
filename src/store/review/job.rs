//! Reviews that wait for a server. Whoever works at one holds its row, so that a job whose worker dies is free again.

use crate::store::StoreError;
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::postgres::PgPool;
use sqlx::{Postgres, Transaction};

/// A review that is asked for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// round or calendar.
    pub kind: String,
    /// The day to judge.
    pub as_of: NaiveDate,
    /// The scheme, by name.
    pub scheme: String,
    /// How many years to look at, where that is not the scheme's own number.
    pub window_years: Option<i32>,
    /// Who asks.
    pub queued_by: String,
}

/// A job as it is listed.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its number.
    pub id: i64,
    /// round or calendar.
    pub kind: String,
    /// The day to judge.
    pub as_of: NaiveDate,
    /// The scheme.
    pub scheme: String,
    /// How many years to look at, where that is not the scheme's own number.
    pub window_years: Option<i32>,
    /// Who asked.
    pub queued_by: String,
    /// When.
    pub queued_at: DateTime<Utc>,
    /// How often a worker has begun it.
    pub attempts: i32,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// The run that came of it.
    pub run_id: Option<i64>,
    /// Why none did.
    pub error: Option<String>,
}

/// A job in hand. Dropped, it waits again.
pub struct Held {
    tx: Transaction<'static, Postgres>,
    /// The job.
    pub job: Job,
}

/// Queues a review; answers the number of the job, which is an older one where the same is waiting already.
pub async fn add(pool: &PgPool, asked: &Asked) -> Result<i64, StoreError> {
    let mut tx = pool.begin().await?;
    // Two who ask for the same at once get the same job.
    sqlx::query!("lock table review_job in share row exclusive mode").execute(&mut *tx).await?;
    let waiting = sqlx::query_scalar!(
        "select id from review_job where ended_at is null and kind = $1 and as_of = $2 and scheme = $3
             and window_years is not distinct from $4 order by id limit 1",
        asked.kind,
        asked.as_of,
        asked.scheme,
        asked.window_years
    )
    .fetch_optional(&mut *tx)
    .await?;
    let id = match waiting {
        Some(id) => id,
        None => {
            sqlx::query_scalar!(
                "insert into review_job (kind, as_of, scheme, window_years, queued_by) values ($1, $2, $3, $4, $5)
                 returning id",
                asked.kind,
                asked.as_of,
                asked.scheme,
                asked.window_years,
                asked.queued_by
            )
            .fetch_one(&mut *tx)
            .await?
        }
    };
    tx.commit().await?;
    Ok(id)
}

/// The newest jobs, the newest first.
pub async fn list(pool: &PgPool, most: i64) -> Result<Vec<Job>, StoreError> {
    Ok(sqlx::query_as!(
        Job,
        "select id, kind, as_of, scheme, window_years, queued_by, queued_at, attempts, ended_at, run_id, error
         from review_job order by id desc limit $1",
        most
    )
    .fetch_all(pool)
    .await?)
}

/// Takes the first job that waits and that nobody works at.
pub async fn take(pool: &PgPool) -> Result<Option<Held>, StoreError> {
    let mut tx = pool.begin().await?;
    // One takes at a time: between the counting and the holding of a job nobody else counts it.
    sqlx::query!("select pg_advisory_lock(hashtext(current_schema || ' review job'))").fetch_one(&mut *tx).await?;
    let job = hold(pool, &mut tx).await;
    sqlx::query!("select pg_advisory_unlock(hashtext(current_schema || ' review job'))").fetch_one(&mut *tx).await?;
    Ok(job?.map(|job| Held { tx, job }))
}

async fn hold(pool: &PgPool, tx: &mut Transaction<'static, Postgres>) -> Result<Option<Job>, StoreError> {
    // Counted in a transaction of its own, so that a job that kills its workers is known by its count.
    let id = sqlx::query_scalar!(
        "update review_job set attempts = attempts + 1
         where id = (select id from review_job where ended_at is null order by id limit 1 for update skip locked)
         returning id"
    )
    .fetch_optional(pool)
    .await?;
    let Some(id) = id else { return Ok(None) };
    Ok(sqlx::query_as!(
        Job,
        "select id, kind, as_of, scheme, window_years, queued_by, queued_at, attempts, ended_at, run_id, error
         from review_job where id = $1 and ended_at is null for update skip locked",
        id
    )
    .fetch_optional(&mut **tx)
    .await?)
}

impl Held {
    /// Ends the job with its run, or with the reason why there is none.
    pub async fn end(mut self, outcome: Result<i64, String>) -> Result<(), StoreError> {
        let (run, error) = match outcome {
            Ok(run) => (Some(run), None),
            Err(error) => (None, Some(error)),
        };
        sqlx::query!(
            "update review_job set ended_at = clock_timestamp(), run_id = $2, error = $3 where id = $1",
            self.job.id,
            run,
            error
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(self.tx.commit().await?)
    }

    /// Puts the job back as if it had not been begun.
    pub async fn put_back(mut self) -> Result<(), StoreError> {
        sqlx::query!("update review_job set attempts = attempts - 1 where id = $1", self.job.id)
            .execute(&mut *self.tx)
            .await?;
        Ok(self.tx.commit().await?)
    }
}
