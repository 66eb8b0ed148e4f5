//! A reference layer is taken away: its features are kept for earlier times, in one transaction with its audit entry.

use crate::domain::reference::LayerName;
use crate::store::StoreError;
use crate::store::reference;
use crate::store::write::{Audit, Write};
use serde_json::json;
use sqlx::PgPool;

/// Why no layer was taken away.
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// There is none of that name.
    #[error("there is no layer {0}; landcycle layer list names them")]
    Unknown(LayerName),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes a layer away; answers how many features it had, and the revision.
pub async fn drop(pool: &PgPool, actor: &str, name: &LayerName) -> Result<(i64, i64), LayerError> {
    let mut write = Write::begin(pool, actor, "drop-layer").await?;
    let Some(features) = reference::drop(&mut write, name).await? else {
        write.abandon().await?;
        return Err(LayerError::Unknown(name.clone()));
    };
    let audit = Audit { subject: format!("layer {name}"), facts: json!({ "features": features }) };
    Ok((features, write.commit(audit).await?))
}
