//! `landcycle review run --queue` and `landcycle review queue`: reviews that a server runs when it comes to them.

use crate::cli::printer::table;
use crate::cli::{Context, Failure};
use crate::flow::review::queue::{QueueError, add};
use crate::store::review::job::{self, Asked};
use chrono::NaiveDate;
use serde::Serialize;
use serde_json::json;

/// So many jobs are listed.
const MOST: i64 = 50;

/// Queues a review.
pub(super) async fn queue(
    context: &Context,
    as_of: NaiveDate,
    scheme: String,
    kind: &str,
    window: Option<u32>,
) -> Result<(), Failure> {
    let pool = context.pool().await?;
    let asked = Asked {
        kind: kind.to_owned(),
        as_of,
        scheme,
        window_years: window.and_then(|years| i32::try_from(years).ok()),
        queued_by: context.actor(),
    };
    let id = add(&pool, context.clock.today(), &asked).await.map_err(|error| match error {
        QueueError::Store(error) => Failure::fault(error),
        other => Failure::refused(other),
    })?;
    context.printer.result(&json!({ "job": id }), |_| {
        format!("job {id} waits for a server (landcycle serve); landcycle review queue tells what becomes of it")
    })
}

#[derive(Debug, Serialize)]
struct Listed {
    job: i64,
    kind: String,
    as_of: NaiveDate,
    scheme: String,
    window_years: Option<i32>,
    queued_by: String,
    queued_at: String,
    attempts: i32,
    ended_at: Option<String>,
    run: Option<i64>,
    error: Option<String>,
}

/// Lists the newest jobs.
pub(super) async fn list(context: &Context) -> Result<(), Failure> {
    let pool = context.pool().await?;
    let jobs = job::list(&pool, MOST).await.map_err(Failure::fault)?;
    let jobs: Vec<Listed> = jobs
        .into_iter()
        .map(|job| Listed {
            job: job.id,
            kind: job.kind,
            as_of: job.as_of,
            scheme: job.scheme,
            window_years: job.window_years,
            queued_by: job.queued_by,
            queued_at: crate::clock::in_shanghai(job.queued_at),
            attempts: job.attempts,
            ended_at: job.ended_at.map(crate::clock::in_shanghai),
            run: job.run_id,
            error: job.error,
        })
        .collect();
    context.printer.result(&jobs, |jobs| {
        let became = |job: &Listed| match (&job.run, &job.error) {
            (Some(run), _) => format!("run {run}"),
            (None, Some(error)) => error.clone(),
            (None, None) if job.attempts > 0 => format!("begun {} times", job.attempts),
            (None, None) => "waits".to_owned(),
        };
        let rows: Vec<[String; 6]> = jobs
            .iter()
            .map(|job| {
                [
                    job.job.to_string(),
                    job.kind.clone(),
                    job.as_of.to_string(),
                    job.scheme.clone(),
                    job.queued_by.clone(),
                    became(job),
                ]
            })
            .collect();
        table(["job", "kind", "as of", "scheme", "queued by", "became"], &rows)
    })
}
