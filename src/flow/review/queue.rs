//! The server's own queue of reviews: a worker takes the first that waits, runs it as whoever asked for it, and keeps what
//! came of it. A job whose worker was killed is taken by another; one that kills its workers is given up.

use super::{Order, ReviewFlowError, run};
use crate::clock::Clock;
use crate::flow::rules::{self, RulesError};
use crate::store::StoreError;
use crate::store::review::job::{self, Asked, Held};
use chrono::NaiveDate;
use sqlx::PgPool;
use std::time::Duration;

/// How often a worker looks whether something waits.
const LOOK: Duration = Duration::from_secs(2);
/// A job that was begun so often without an end is given up.
const MOST_ATTEMPTS: i32 = 3;

/// Why a review was not queued.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// A scheme that the server can't have.
    #[error(
        "the queue takes schemes that come with the program, and {scheme:?} is a file of yours, which a server elsewhere \
         does not have; run it here without --queue"
    )]
    OwnScheme {
        /// What was asked for.
        scheme: String,
    },
    /// The day is yet to come.
    #[error("{as_of} is yet to come (today is {today}): a review judges a day whose facts are known")]
    Future {
        /// The day.
        as_of: NaiveDate,
        /// Today.
        today: NaiveDate,
    },
    /// The rules could not be had.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Queues a review for the next server that is free; answers the number of the job.
pub async fn add(pool: &PgPool, today: NaiveDate, asked: &Asked) -> Result<i64, QueueError> {
    if !rules::has_scheme(&asked.scheme)? && std::path::Path::new(&asked.scheme).extension().is_some() {
        return Err(QueueError::OwnScheme { scheme: asked.scheme.clone() });
    }
    // What will not be run is better refused now.
    rules::load(&asked.scheme)?;
    if asked.as_of > today {
        return Err(QueueError::Future { as_of: asked.as_of, today });
    }
    Ok(job::add(pool, asked).await?)
}

/// Works at what waits, until it is dropped.
pub async fn work(pool: PgPool, clock: Clock, workers: usize) {
    loop {
        match one(&pool, clock, workers).await {
            Ok(true) => {}
            Ok(false) => tokio::time::sleep(LOOK).await,
            Err(error) => {
                tracing::warn!(%error, "the queue of reviews could not be worked at");
                tokio::time::sleep(LOOK).await;
            }
        }
    }
}

/// Takes one job and runs it; whether there was one that could be run.
pub async fn one(pool: &PgPool, clock: Clock, workers: usize) -> Result<bool, StoreError> {
    let Some(held) = job::take(pool).await? else { return Ok(false) };
    if held.job.attempts > MOST_ATTEMPTS {
        let error = format!("given up: {MOST_ATTEMPTS} workers began it and none came to an end");
        held.end(Err(error)).await?;
        return Ok(true);
    }
    let Held { job, .. } = &held;
    tracing::info!(job = job.id, "review job {} of {} is begun", job.id, job.as_of);
    let order = Order {
        as_of: job.as_of,
        scheme: job.scheme.clone(),
        kind: job.kind.clone(),
        window: job.window_years.map(i32::unsigned_abs),
        workers,
    };
    let outcome = run(pool, clock, &job.queued_by, &order, |_| {}).await;
    match outcome {
        Ok(done) => held.end(Ok(done.run)).await?,
        // Somebody runs one of the kind: it waits.
        Err(ReviewFlowError::Running { .. }) => {
            held.put_back().await?;
            return Ok(false);
        }
        // The database may be back in a moment.
        Err(ReviewFlowError::Store(error)) if error.is_outage() => return Err(error),
        Err(error) => held.end(Err(error.to_string())).await?,
    }
    Ok(true)
}
