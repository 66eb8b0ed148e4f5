//! What was done to a run since it was made: its steps, one after the other, and where they led.

use crate::domain::review::life::{Deed, Life, State};
use crate::store::StoreError;
use crate::store::write::Write;
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;

/// A step in the life of a run.
#[derive(Debug, Clone)]
pub struct Step {
    /// What was done.
    pub deed: String,
    /// The state it led to.
    pub to_state: String,
    /// The legal day.
    pub on: NaiveDate,
    /// The run that it was compared with.
    pub with_run: Option<i64>,
    /// The last day of public notice.
    pub notice_until: Option<NaiveDate>,
    /// The notice, or why the run was cancelled.
    pub document: Option<String>,
    /// Who did it.
    pub actor: String,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// The revision that says so.
    pub revision: i64,
}

/// The steps of a run, the first one first.
pub async fn steps(connection: &mut PgConnection, run: i64) -> Result<Vec<Step>, StoreError> {
    Ok(sqlx::query_as!(
        Step,
        r#"select deed, to_state, on_date as "on", with_run, notice_until, document, actor, recorded_at, revision
           from review_step where run_id = $1 order by number"#,
        run
    )
    .fetch_all(connection)
    .await?)
}

/// The person of an actor, without the way in.
pub async fn person(connection: &mut PgConnection, actor: &str) -> Result<String, StoreError> {
    Ok(sqlx::query_scalar!(r#"select person($1) as "person!""#, actor).fetch_one(connection).await?)
}

/// A run in its life; nothing where there is no such run.
pub async fn read(connection: &mut PgConnection, run: i64) -> Result<Option<Life>, StoreError> {
    let made = sqlx::query!(
        r#"select person(v.actor) as "made_by!",
               (select max(o.id) from review_run o join review_step s on s.run_id = o.id and s.deed = 'publish'
                where o.kind = r.kind and o.id < r.id) as follows
           from review_run r join revision v on v.id = r.revision where r.id = $1"#,
        run
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(made) = made else { return Ok(None) };
    let steps = steps(connection, run).await?;
    let last = steps.last();
    let state = match last {
        None => State::Draft,
        Some(step) => state(step).ok_or_else(|| StoreError::Value {
            table: "review_step",
            column: "to_state",
            row: format!("run {run}"),
            value: step.to_state.clone(),
        })?,
    };
    let last = last.map(|step| (step.on, step.actor.clone()));
    Ok(Some(Life { run, made_by: made.made_by, follows: made.follows, state, last }))
}

fn state(step: &Step) -> Option<State> {
    match step.to_state.as_str() {
        "compared" => Some(State::Compared { with: step.with_run? }),
        "published" => Some(State::Published),
        "noticed" => Some(State::Noticed { from: step.on, until: step.notice_until? }),
        "final" => Some(State::Final),
        "cancelled" => Some(State::Cancelled),
        _ => None,
    }
}

/// Keeps a step.
pub async fn add(
    write: &mut Write,
    run: i64,
    deed: &Deed,
    to: State,
    on: NaiveDate,
    actor: &str,
) -> Result<(), StoreError> {
    let (revision, at) = (write.revision, write.recorded_at);
    let (mut with, mut until, mut document) = (None, None, None);
    match deed {
        Deed::Compare { with: other } => with = Some(*other),
        Deed::Notice { until: last, document: words } => (until, document) = (Some(*last), Some(words.as_str())),
        Deed::Cancel { reason } => document = Some(reason.as_str()),
        Deed::Publish | Deed::Finalise { .. } => {}
    }
    sqlx::query!(
        "insert into review_step (run_id, number, deed, to_state, on_date, with_run, notice_until, document, actor,
             recorded_at, revision)
         select $1, coalesce(max(number), 0) + 1, $2, $3, $4, $5, $6, $7, $8, $9, $10 from review_step where run_id = $1",
        run,
        deed.name(),
        to.name(),
        on,
        with,
        until,
        document,
        actor,
        at,
        revision
    )
    .execute(write.connection())
    .await?;
    Ok(())
}
