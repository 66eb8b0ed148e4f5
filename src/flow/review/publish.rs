//! A run is published: by someone else than who made it, once. Plan, look, then act: the run is the plan, this is the act.

use crate::store::StoreError;
use crate::store::review::publication;
use crate::store::write::{Audit, Write};
use serde_json::json;
use sqlx::PgPool;

/// Why a run was not published. Nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// No such run.
    #[error("there is no review run {0}; landcycle review list names them")]
    Unknown(i64),
    /// By the one who made it.
    #[error("review run {run} was made by {maker}, who does not publish it too; have a second person do it")]
    OwnRun {
        /// The run.
        run: i64,
        /// Who made it.
        maker: String,
    },
    /// It is already.
    #[error("review run {run} was published by {by} already, and stays so")]
    Published {
        /// The run.
        run: i64,
        /// By whom.
        by: String,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Publishes a run; answers the revision.
pub async fn publish(pool: &PgPool, actor: &str, run: i64) -> Result<i64, PublishError> {
    let mut write = Write::begin(pool, actor, "review-publish").await?;
    let draft = publication::draft(write.connection(), run, actor).await?.ok_or(PublishError::Unknown(run))?;
    if let Some(by) = draft.published_by {
        return Err(PublishError::Published { run, by });
    }
    if draft.made_by == draft.publisher {
        return Err(PublishError::OwnRun { run, maker: draft.made_by });
    }
    publication::publish(&mut write, run, actor).await?;
    let facts = json!({ "made_by": draft.made_by, "run": run });
    Ok(write.commit(Audit { subject: format!("review run {run}"), facts }).await?)
}
