//! The city of another moment: read from the register alone, because the atlas shows only now.

use super::refresh::RefreshError;
use super::rules;
use crate::atlas::Snapshot;
use crate::domain::moment::Moment;
use crate::domain::rulebook::Rulebook;
use crate::store::{self, StoreError};
use chrono::{DateTime, Utc};
use sqlx::PgPool;
use std::borrow::Cow;

/// A snapshot of the city, or of the part of it that meets a box, as it was law and believed at a moment.
pub async fn snapshot_at(pool: &PgPool, moment: Moment, within: Option<[f64; 4]>) -> Result<Snapshot, RefreshError> {
    let rulebook = rulebook(pool, moment.known_at).await?;
    let share = rules::deciding_share(&rulebook, moment.valid_at)?;
    let tall_storey_m = rulebook.tall_storey_m(moment.valid_at);
    let then = store::snapshot::load_at(pool, &moment, share, tall_storey_m, within).await?;
    Ok(tokio::task::spawn_blocking(move || Snapshot::build(then.revision, then.city, then.parcels, then.areas))
        .await??)
}

/// The rulebook with which the register reckoned at a time; nothing asks for now. Before it had one on record, and for
/// rules of which it knew nothing then, that is the one that comes with the program.
pub async fn rulebook(pool: &PgPool, known_at: Option<DateTime<Utc>>) -> Result<Cow<'static, Rulebook>, RefreshError> {
    let shipped = rules::rulebook()?;
    let Some(known_at) = known_at else { return Ok(Cow::Borrowed(shipped)) };
    let mut connection = pool.acquire().await.map_err(StoreError::from)?;
    let recorded = store::rulebook::at(&mut connection, known_at).await?;
    Ok(match recorded.is_empty() {
        true => Cow::Borrowed(shipped),
        false => Cow::Owned(shipped.as_recorded(recorded)),
    })
}
