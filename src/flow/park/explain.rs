//! Why a park has its score: its kept receipt under its kept scheme, in words.

use super::{ParkError, load};
use crate::domain::park_evaluation::explain::explain;
use crate::domain::review::explain::Explanation;
use crate::flow::park::SealedPark;
use sqlx::PgConnection;

/// A result of an evaluation, explained.
#[derive(Debug)]
pub struct ExplainedPark {
    /// The evaluation.
    pub evaluation: i64,
    /// The receipt, its text and its hash.
    pub sealed: SealedPark,
    /// Why.
    pub words: Explanation,
}

/// Explains the result of a park.
pub async fn explained(connection: &mut PgConnection, evaluation: i64, park: &str) -> Result<ExplainedPark, ParkError> {
    let kept = load(connection, evaluation).await?;
    let sealed = kept.results.into_iter().find(|(receipt, ..)| receipt.facts.code == park);
    let sealed = sealed.ok_or_else(|| ParkError::NoResult { evaluation, park: park.to_owned() })?;
    Ok(ExplainedPark { evaluation, words: explain(&sealed.0, &kept.scheme), sealed })
}
