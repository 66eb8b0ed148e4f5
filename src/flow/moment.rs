//! The city of another moment: read from the register alone, because the atlas shows only now.

use super::refresh::RefreshError;
use super::rules;
use crate::atlas::Snapshot;
use crate::domain::moment::Moment;
use crate::domain::rulebook::keys;
use crate::store::{self, StoreError};
use sqlx::PgPool;

/// A snapshot of the city, or of the part of it that meets a box, as it was law and believed at a moment.
pub async fn snapshot_at(pool: &PgPool, moment: Moment, within: Option<[f64; 4]>) -> Result<Snapshot, RefreshError> {
    let share = deciding_share(pool, &moment).await?;
    let tall_storey_m = rules::rulebook()?.tall_storey_m(moment.valid_at);
    let then = store::snapshot::load_at(pool, &moment, share, tall_storey_m, within).await?;
    Ok(tokio::task::spawn_blocking(move || Snapshot::build(then.revision, then.city, then.parcels, then.areas))
        .await??)
}

/// The share of a parcel's land from which a tier decides, as the register reckoned at the moment. Before it had a
/// rulebook on record it reckoned with the one that comes with the program.
pub async fn deciding_share(pool: &PgPool, moment: &Moment) -> Result<f64, RefreshError> {
    if let Some(known_at) = moment.known_at {
        let mut connection = pool.acquire().await.map_err(StoreError::from)?;
        let known = store::rulebook::known(&mut connection, keys::TIER_SHARE, moment.valid_at, known_at).await?;
        if let Some(share) = known {
            return Ok(share);
        }
    }
    Ok(rules::deciding_share(rules::rulebook()?, moment.valid_at)?)
}
