//! Two kept runs compared.

use super::kept::{Found, Kept, KeptError, load};
use crate::domain::review::diff::{Diff, Side, Standing, diff};
use sqlx::PgPool;

/// Compares two runs, the old one first.
pub async fn between(pool: &PgPool, old: i64, new: i64, workers: usize) -> Result<Diff, KeptError> {
    let (old, new) = (side(load(pool, old).await?), side(load(pool, new).await?));
    Ok(tokio::task::spawn_blocking(move || diff(&old, &new, workers)).await??)
}

fn side(kept: Kept) -> Side {
    let Kept { as_of, rules, facts, found, .. } = kept;
    let standing = |found: Found| Standing { grade: found.grade, list: found.list };
    Side { as_of, rules, facts, found: found.into_iter().map(standing).collect() }
}
