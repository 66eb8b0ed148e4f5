//! A run goes on in its life: its state is read, the deed is tried on it, and what comes out is kept, in one transaction.
//! Plan, look, then act: the run is the plan, comparing is the look, publishing is the act.

use super::diff;
use super::kept::KeptError;
use crate::domain::review::diff::Diff;
use crate::domain::review::life::{Deed, Refused, State};
use crate::domain::rulebook::keys;
use crate::flow::rules::{self, RulesError};
use crate::store::StoreError;
use crate::store::review::{life, objection};
use crate::store::write::{Audit, Write};
use chrono::{Days, NaiveDate};
use serde_json::json;
use sqlx::PgPool;

/// Why a run did not move. Nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum LifeError {
    /// No such run.
    #[error("there is no review run {0}; landcycle review list names them")]
    Unknown(i64),
    /// The deed is not to be done.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The runs could not be compared.
    #[error(transparent)]
    Kept(#[from] KeptError),
    /// The rules could not be had.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl LifeError {
    /// Whether what was asked for is at fault, rather than the machine.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Unknown(_) | Self::Refused(_) => true,
            Self::Kept(error) => error.is_refusal(),
            Self::Rules(_) | Self::Store(_) => false,
        }
    }
}

/// A step that was made.
#[derive(Debug, Clone, Copy)]
pub struct Moved {
    /// The state before.
    pub from: State,
    /// The state now.
    pub to: State,
    /// The revision that says so.
    pub revision: i64,
}

/// Publishes a run.
pub async fn publish(pool: &PgPool, today: NaiveDate, actor: &str, run: i64) -> Result<Moved, LifeError> {
    act(pool, today, actor, run, "review-publish", Deed::Publish).await
}

/// Begins the public notice of a run, which runs for the days of the rulebook.
pub async fn notice(
    pool: &PgPool,
    today: NaiveDate,
    actor: &str,
    run: i64,
    document: &str,
) -> Result<Moved, LifeError> {
    let days = rules::value(rules::rulebook()?, keys::REVIEW_NOTICE_DAYS, today)?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rulebook has no negative values")]
    let until = today.checked_add_days(Days::new(days as u64)).unwrap_or(NaiveDate::MAX);
    let deed = Deed::Notice { until, document: document.trim().to_owned() };
    act(pool, today, actor, run, "review-notice", deed).await
}

/// Makes a run final.
pub async fn finalise(pool: &PgPool, today: NaiveDate, actor: &str, run: i64) -> Result<Moved, LifeError> {
    act(pool, today, actor, run, "review-finalise", Deed::Finalise { open: 0 }).await
}

/// Gives a run up.
pub async fn cancel(pool: &PgPool, today: NaiveDate, actor: &str, run: i64, reason: &str) -> Result<Moved, LifeError> {
    act(pool, today, actor, run, "review-cancel", Deed::Cancel { reason: reason.trim().to_owned() }).await
}

/// Compares a run with an earlier one and keeps that it was done, unless it can't be kept any more.
pub async fn compare(
    pool: &PgPool,
    today: NaiveDate,
    actor: &str,
    (old, new): (i64, i64),
    workers: usize,
) -> Result<(Diff, Moved), LifeError> {
    // Tried before the long work, and again when it is kept.
    let mut connection = pool.acquire().await.map_err(StoreError::from)?;
    let run = life::read(&mut connection, new).await?.ok_or(LifeError::Unknown(new))?;
    let by = life::person(&mut connection, actor).await?;
    run.make(&by, today, &Deed::Compare { with: old })?;
    drop(connection);
    let diff = diff::between(pool, old, new, workers).await?;
    let moved = act(pool, today, actor, new, "review-compare", Deed::Compare { with: old }).await?;
    Ok((diff, moved))
}

async fn act(
    pool: &PgPool,
    today: NaiveDate,
    actor: &str,
    run: i64,
    name: &'static str,
    mut deed: Deed,
) -> Result<Moved, LifeError> {
    let mut write = Write::begin(pool, actor, name).await?;
    let found = life::read(write.connection(), run).await?.ok_or(LifeError::Unknown(run))?;
    let by = life::person(write.connection(), actor).await?;
    if let Deed::Finalise { open } = &mut deed {
        *open = objection::count(write.connection(), run).await?.1;
    }
    let (from, made_by) = (found.state, found.made_by.clone());
    let to = found.make(&by, today, &deed)?;
    life::add(&mut write, run, &deed, to, today, actor).await?;
    let mut facts = json!({ "from": from, "made_by": made_by, "on": today, "run": run, "to": to });
    match &deed {
        Deed::Notice { document: words, .. } | Deed::Cancel { reason: words } => facts["document"] = json!(words),
        Deed::Compare { .. } | Deed::Publish | Deed::Finalise { .. } => {}
    }
    let revision = write.commit(Audit { subject: format!("review run {run}"), facts }).await?;
    Ok(Moved { from, to, revision })
}
