//! The atlas follows the register: loaded at the start, and brought up to date after each revision that a commit
//! announces. Built aside and swapped in whole; slow polling backs up a notification that got lost.

use super::review::explain::ExplainError;
use super::rules::{self, RulesError};
use crate::atlas::{Atlas, BuildError, Settled, Snapshot};
use crate::clock::Clock;
use crate::store::building::Moved;
use crate::store::changes::Since;
use crate::store::write::{Audit, REVISION_CHANNEL, Write};
use crate::store::{self, StoreError};
use chrono::{Days, NaiveDate};
use serde_json::json;
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

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
    /// What a review found can't be read.
    #[error(transparent)]
    Review(ExplainError),
    /// The builder stopped.
    #[error("the builder of the map stopped unexpectedly")]
    Builder(#[from] tokio::task::JoinError),
}

impl From<ExplainError> for RefreshError {
    fn from(error: ExplainError) -> Self {
        match error {
            ExplainError::Store(error) => Self::Store(error),
            other => Self::Review(other),
        }
    }
}

/// How often the register is asked although nothing was announced.
const POLL: Duration = Duration::from_secs(15);

/// Works the tiers out again where they were worked out for a day with other law: at midnight a zone may have ended or
/// begun without an import. Writes nothing where they are those of that day; where the law turned and no parcel moved, it
/// keeps that they were looked at.
pub async fn bring_tiers_up_to_date(pool: &PgPool, today: NaiveDate) -> Result<(), RefreshError> {
    if !store::place::tiers_are_of_another_law(pool, today).await? {
        return Ok(());
    }
    let rulebook = rules::rulebook()?;
    let share = rules::deciding_share(rulebook, today)?;
    let mut write = Write::begin(pool, "landcycle", "refresh-tiers").await?;
    // Another server may have done it while this one waited for its turn to write.
    if !store::place::tiers_are_of_another_law(write.connection(), today).await? {
        return Ok(write.abandon().await?);
    }
    let moved = store::place::refresh_tiers(&mut write, today, share).await?;
    // Which day the buildings were last put on their land is not kept. That is done each day on which the law turns, so any
    // span of days would do after which no server was off: a leap year is one, and to look too far back changes nothing.
    let turned = Moved::Law(today - Days::new(366), today);
    let least_part = rules::least_building_part(rulebook, today)?;
    let parts = store::building::stand(&mut write, turned, today, least_part).await?;
    store::rulebook::record(&mut write, &rulebook.values).await?;
    let facts = json!({ "building_parts": parts, "day": today, "moved": moved });
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

/// The map that follows what is shown now; nothing where it shows the newest revision. The day matters too: at midnight
/// other versions become law, and the city is read whole.
async fn next(
    pool: &PgPool,
    clock: Clock,
    shown: Arc<Snapshot>,
    same_day: bool,
) -> Result<Option<Snapshot>, RefreshError> {
    if !shown.is_loaded() || !same_day {
        return Ok(Some(snapshot(pool, clock).await?));
    }
    let run = shown.city().run.as_ref().map(|run| run.id);
    let tall_storey_m = rules::rulebook()?.tall_storey_m(clock.today());
    match store::changes::since(pool, shown.revision(), clock.today(), tall_storey_m, run).await? {
        Since::Nothing => Ok(None),
        Since::Some(changes) => Ok(Some(tokio::task::spawn_blocking(move || shown.with(*changes)).await??)),
        Since::Whole => Ok(Some(snapshot(pool, clock).await?)),
    }
}

/// Follows the register until the task is dropped. A database that goes away is waited for; the last good snapshot
/// answers meanwhile.
pub async fn follow(pool: PgPool, clock: Clock, atlas: Arc<Atlas>) {
    let mut listener = None;
    let mut day = clock.today();
    let mut settling: Option<JoinHandle<Result<Settled, BuildError>>> = None;
    loop {
        if listener.is_none() {
            listener = listen(&pool).await;
        }
        let asked_on = clock.today();
        match next(&pool, clock, atlas.current(), day == asked_on).await {
            Ok(next) => {
                if let Some(next) = next {
                    tracing::info!(revision = next.revision(), "the map shows revision {}", next.revision());
                    drop(atlas.swap(next));
                }
                // Only now: a load that fails at midnight must be tried again.
                day = asked_on;
            }
            Err(RefreshError::Store(error)) if error.is_outage() => {
                tracing::warn!(%error, "the register cannot be asked for its revision; trying again");
                listener = None;
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            }
            Err(error) => tracing::error!(%error, "the map could not be brought up to date"),
        }
        let current = atlas.current();
        if settling.is_none() && current.wants_settling() {
            settling = Some(tokio::task::spawn_blocking(move || current.settle()));
        }
        tokio::select! {
            heard = hear(&mut listener) => if let Err(error) = heard {
                tracing::warn!(%error, "the announcements of the database broke off; listening again");
                listener = None;
            },
            settled = finished(&mut settling) => {
                settling = None;
                if let Err(error) = settle(&atlas, settled) {
                    tracing::error!(%error, "the map could not be packed anew");
                }
            }
        }
    }
}

/// Puts what is shown on the base that was packed from it, or from the moments before it.
fn settle(
    atlas: &Atlas,
    settled: Result<Result<Settled, BuildError>, tokio::task::JoinError>,
) -> Result<(), RefreshError> {
    // A city that was read whole meanwhile has a base of its own.
    if let Some(next) = atlas.current().on(&settled??)? {
        drop(atlas.swap(next));
    }
    Ok(())
}

/// Waits for the base that is being packed, for ever where none is.
async fn finished<T>(task: &mut Option<JoinHandle<T>>) -> Result<T, tokio::task::JoinError> {
    match task {
        Some(task) => task.await,
        None => std::future::pending().await,
    }
}

/// Waits for an announcement, or until it is time to ask without one.
async fn hear(listener: &mut Option<PgListener>) -> Result<(), sqlx::Error> {
    let Some(listener) = listener else {
        tokio::time::sleep(Duration::from_secs(1)).await;
        return Ok(());
    };
    // A lost connection ends the wait too, once it is made again: what was announced meanwhile was not heard.
    match tokio::time::timeout(POLL, listener.try_recv()).await {
        Ok(heard) => heard.map(drop),
        Err(_) => Ok(()),
    }
}

async fn listen(pool: &PgPool) -> Option<PgListener> {
    let mut listener = PgListener::connect_with(pool).await.ok()?;
    listener.listen(REVISION_CHANNEL).await.ok()?;
    Some(listener)
}
