//! The atlas follows the register: loaded at the start, and again after each revision that a commit announces. Built
//! aside and swapped in whole; slow polling backs up a notification that got lost.

use super::rules::{self, RulesError};
use crate::atlas::{Atlas, BuildError, Snapshot};
use crate::clock::Clock;
use crate::store::write::{Audit, REVISION_CHANNEL, Write};
use crate::store::{self, StoreError};
use chrono::NaiveDate;
use serde_json::json;
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use std::sync::Arc;
use std::time::Duration;

/// Why the atlas could not follow.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// The register could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The rules could not be had.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// What was read makes no map.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The builder stopped.
    #[error("the builder of the map stopped unexpectedly")]
    Builder(#[from] tokio::task::JoinError),
}

/// How often the register is asked although nothing was announced.
const POLL: Duration = Duration::from_secs(15);

/// Works the tiers out again where they were worked out for a day with other law: at midnight a zone may have ended or
/// begun without an import. Writes nothing where no parcel moved.
pub async fn bring_tiers_up_to_date(pool: &PgPool, today: NaiveDate) -> Result<(), RefreshError> {
    if !store::place::tiers_are_of_another_law(pool, today).await? {
        return Ok(());
    }
    let share = rules::deciding_share(rules::rulebook()?, today)?;
    let mut write = Write::begin(pool, "landcycle", "refresh-tiers").await?;
    let moved = store::place::refresh_tiers(&mut write, today, share).await?;
    if moved == 0 {
        return Ok(write.abandon().await?);
    }
    let facts = json!({ "day": today, "moved": moved });
    write.commit(Audit { subject: "tiers".to_owned(), facts }).await?;
    tracing::info!(moved, "{moved} parcels stand in another tier or zone since {today}");
    Ok(())
}

/// Brings the tiers up to date, reads the register and builds a snapshot of it.
pub async fn snapshot(pool: &PgPool, clock: Clock) -> Result<Snapshot, RefreshError> {
    bring_tiers_up_to_date(pool, clock.today()).await?;
    let tall_storey_m = rules::rulebook()?.tall_storey_m(clock.today());
    let today = store::snapshot::load(pool, clock.today(), tall_storey_m).await?;
    Ok(tokio::task::spawn_blocking(move || Snapshot::build(today.revision, today.city, today.parcels, today.areas))
        .await??)
}

/// Follows the register until the task is dropped. A database that goes away is waited for; the last good snapshot
/// answers meanwhile.
pub async fn follow(pool: PgPool, clock: Clock, atlas: Arc<Atlas>) {
    let mut listener = None;
    let mut day = clock.today();
    loop {
        if listener.is_none() {
            listener = listen(&pool).await;
        }
        // The day matters too: at midnight other versions become law.
        let stale = match store::snapshot::revision(&pool).await {
            Ok(revision) => revision != atlas.current().revision() || day != clock.today() || !atlas.is_loaded(),
            Err(error) => {
                tracing::warn!(%error, "the register cannot be asked for its revision; trying again");
                listener = None;
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            }
        };
        if stale {
            let asked_on = clock.today();
            match snapshot(&pool, clock).await {
                Ok(next) => {
                    tracing::info!(revision = next.revision(), "the map shows revision {}", next.revision());
                    drop(atlas.swap(next));
                    // Only now: a load that fails at midnight must be tried again.
                    day = asked_on;
                }
                Err(error) => tracing::error!(%error, "the map could not be brought up to date"),
            }
        }
        match &mut listener {
            Some(heard) => {
                // A lost connection ends the wait too, once it is made again: what was announced meanwhile was not heard.
                if let Ok(Err(error)) = tokio::time::timeout(POLL, heard.try_recv()).await {
                    tracing::warn!(%error, "the announcements of the database broke off; listening again");
                    listener = None;
                }
            }
            None => tokio::time::sleep(Duration::from_secs(1)).await,
        }
    }
}

async fn listen(pool: &PgPool) -> Option<PgListener> {
    let mut listener = PgListener::connect_with(pool).await.ok()?;
    listener.listen(REVISION_CHANNEL).await.ok()?;
    Some(listener)
}
