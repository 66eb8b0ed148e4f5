//! A run as it was kept, ready to be judged again: its rules read from their text, its facts out of its receipts.

use super::sitting::SEALED;
use super::{Sealed, in_window};
use crate::domain::review::decision::List;
use crate::domain::review::facts::Facts;
use crate::domain::review::grade::Grade;
use crate::domain::review::receipt::{Receipt, hash};
use crate::domain::review::replay::StoredRulesError;
use crate::domain::review::run::{ReviewError, Rules};
use crate::store::StoreError;
use crate::store::review::kept::{self, Paper};
use crate::store::review::{beside, objection};
use chrono::NaiveDate;
use futures_util::{StreamExt as _, TryStreamExt as _};
use rayon::prelude::*;
use sqlx::PgPool;

/// A run with everything that judging it again takes.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Its number.
    pub run: i64,
    /// The day it judges.
    pub as_of: NaiveDate,
    /// Its rules.
    pub rules: Rules,
    /// SHA-256 over its frozen facts, hex.
    pub facts_hash: String,
    /// Its facts, in the order of parcel codes.
    pub facts: Vec<Facts>,
    /// What it found, in the same order.
    pub found: Vec<Found>,
}

/// What a run found about a parcel, as far as comparing asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Code of the parcel.
    pub parcel: String,
    /// Its grade.
    pub grade: Grade,
    /// The list it is on.
    pub list: Option<List>,
    /// The form of its receipt.
    pub format: u32,
    /// The hash kept beside its receipt.
    pub hash: String,
    /// Whether the kept receipt has that hash.
    pub is_whole: bool,
}

/// Why a kept run can't be judged again.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// No such run.
    #[error("there is no review run {0}; landcycle review list names them")]
    Unknown(i64),
    /// Its rules can't be had.
    #[error("review run {run} can't be judged again")]
    Rules {
        /// The run.
        run: i64,
        /// Why.
        #[source]
        source: StoredRulesError,
    },
    /// A receipt can't be read.
    #[error("the receipt of parcel {parcel} in review run {run} can't be read")]
    Receipt {
        /// The run.
        run: i64,
        /// The parcel.
        parcel: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The rules do not allow it.
    #[error(transparent)]
    Review(#[from] ReviewError),
    /// The computation stopped.
    #[error("the computation stopped unexpectedly")]
    Computation(#[from] tokio::task::JoinError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl KeptError {
    /// Whether what was asked for is at fault, rather than the machine.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Unknown(_) | Self::Rules { .. } | Self::Receipt { .. } | Self::Review(_))
    }
}

/// Reads a run.
pub async fn load(pool: &PgPool, run: i64) -> Result<Kept, KeptError> {
    let mut connection = pool.acquire().await.map_err(StoreError::from)?;
    let kept = kept::rules(&mut connection, run).await?.ok_or(KeptError::Unknown(run))?;
    let mut rules = Rules::stored(&kept.source, &kept.rules_hash).map_err(|source| KeptError::Rules { run, source })?;
    in_window(&mut rules, kept.window_years.unsigned_abs());
    let (mut facts, mut found) = (Vec::new(), Vec::new());
    let mut pieces = kept::receipts(&mut connection, run).try_chunks(SEALED);
    while let Some(papers) = pieces.next().await {
        let papers = papers.map_err(|error| error.1)?;
        let read = tokio::task::spawn_blocking(move || {
            papers.into_par_iter().map(|paper| read(run, paper)).collect::<Result<Vec<_>, KeptError>>()
        });
        for (one, what) in read.await?? {
            facts.push(one);
            found.push(what);
        }
    }
    Ok(Kept { run, as_of: kept.as_of, rules, facts_hash: kept.facts_hash, facts, found })
}

fn read(run: i64, paper: Paper) -> Result<(Facts, Found), KeptError> {
    let Paper { parcel, receipt: text, receipt_hash } = paper;
    let is_whole = hash(text.as_bytes()) == receipt_hash;
    let receipt: Receipt = match serde_json::from_str(&text) {
        Ok(receipt) => receipt,
        Err(source) => return Err(KeptError::Receipt { run, parcel, source }),
    };
    let (grade, list, format) = (receipt.grade, receipt.decision.list, receipt.format);
    let found = Found { parcel, grade, list, format, hash: receipt_hash, is_whole };
    Ok((receipt.facts, found))
}

/// The results of a run as they stand, in the order of codes: as they were kept, the later receipts in place of those that
/// they correct. Of a run that is about those alone whose review is due, theirs.
pub async fn results(pool: &PgPool, run: i64) -> Result<Vec<Sealed>, KeptError> {
    let mut connection = pool.acquire().await.map_err(StoreError::from)?;
    let mut results = Vec::new();
    let mut pieces = kept::receipts(&mut connection, run).try_chunks(SEALED);
    while let Some(papers) = pieces.next().await {
        let papers = papers.map_err(|error| error.1)?;
        let read = tokio::task::spawn_blocking(move || {
            papers.into_par_iter().map(|paper| sealed(run, paper)).collect::<Result<Vec<_>, KeptError>>()
        });
        results.extend(read.await??);
    }
    drop(pieces);
    if let Some(answered) = beside::answered(&mut connection, run).await? {
        results.retain(|one: &Sealed| answered.contains(&one.receipt.facts.code));
    }
    for paper in objection::reruns(&mut connection, run).await? {
        if let Ok(place) = results.binary_search_by(|one: &Sealed| one.receipt.facts.code.cmp(&paper.parcel)) {
            results[place] = sealed(run, paper)?;
        }
    }
    Ok(results)
}

fn sealed(run: i64, paper: Paper) -> Result<Sealed, KeptError> {
    let Paper { parcel, receipt: text, receipt_hash: hash } = paper;
    let receipt = serde_json::from_str(&text).map_err(|source| KeptError::Receipt { run, parcel, source })?;
    Ok(Sealed { receipt, hash })
}
