//! A kept evaluation is weighed again from the facts in its receipts under the text of its scheme, and every receipt compared.

use super::{KeptEvaluation, ParkError, fingerprint, load, seal};
use crate::domain::park_evaluation::receipt::{Round, receipts};
use crate::domain::review::receipt::hash;
use crate::domain::review::replay::differences;
use crate::store::StoreError;
use serde::Serialize;
use sqlx::PgPool;

/// So many places are named of a receipt that came out otherwise.
const PLACES: usize = 8;

/// What weighing an evaluation again came to.
#[derive(Debug, Serialize)]
pub struct ReplayedParks {
    /// The evaluation.
    pub evaluation: i64,
    /// How many receipts it has.
    pub parks: usize,
    /// Whether the facts in its receipts are those that it froze, none gone, none added.
    pub facts_are_whole: bool,
    /// The receipts that are not, byte by byte, what they should be.
    pub different: Vec<OtherReceipt>,
}

/// A receipt that is not what it should be.
#[derive(Debug, Serialize)]
pub struct OtherReceipt {
    /// Code of the park.
    pub park: String,
    /// Whether the kept text has the hash kept beside it.
    pub is_whole: bool,
    /// Where the receipt made now says something else.
    pub places: Vec<String>,
}

impl ReplayedParks {
    /// Whether it came out as it was kept, byte by byte.
    pub fn is_same(&self) -> bool {
        self.facts_are_whole && self.different.is_empty()
    }
}

/// Weighs an evaluation again; the register's present data are not looked at, and nothing is stored.
pub async fn replay(pool: &PgPool, evaluation: i64) -> Result<ReplayedParks, ParkError> {
    let mut connection = pool.acquire().await.map_err(StoreError::from)?;
    let KeptEvaluation { listed, scheme, results } = load(&mut connection, evaluation).await?;
    drop(connection);
    tokio::task::spawn_blocking(move || {
        let facts: Vec<_> = results.iter().map(|(receipt, ..)| receipt.facts.clone()).collect();
        let facts_are_whole = fingerprint(&facts)? == listed.facts_hash;
        let round = Round {
            year: listed.year,
            as_of: listed.as_of,
            review_run: listed.review_run,
            rules_hash: listed.rules_hash,
        };
        let parks = results.len();
        let mut different = Vec::new();
        for (made, (_, before, kept)) in receipts(&scheme, &round, facts).into_iter().zip(results) {
            let (receipt, text, _) = seal(evaluation, made)?;
            let is_whole = hash(before.as_bytes()) == kept;
            if !is_whole || text != before {
                let value = |text: &str| serde_json::from_str(text).unwrap_or_default();
                let places = differences(&value(&before), &value(&text), PLACES);
                different.push(OtherReceipt { park: receipt.facts.code, is_whole, places });
            }
        }
        Ok(ReplayedParks { evaluation, parks, facts_are_whole, different })
    })
    .await?
}
