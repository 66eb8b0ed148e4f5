//! A review becomes a stored draft: facts frozen in one moment, judged, kept with one receipt a parcel. The same facts
//! under the same rules on the same day are the same run, so repeating it changes nothing.

pub mod diff;
pub mod explain;
pub mod kept;
pub mod publish;
pub mod replay;
pub mod sheet;
pub mod simulate;

use super::rules::{self, RulesError};
use crate::clock::Clock;
use crate::domain::review::receipt::{Receipt, hash};
use crate::domain::review::run::{ReviewError, Rules, judge, window};
use crate::store::review::{ResultRow, RulesText, RunKey};
use crate::store::write::{Audit, Write};
use crate::store::{self, StoreError};
use chrono::NaiveDate;
use rayon::prelude::*;
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::PgPool;

/// What is to be reviewed, and how.
#[derive(Debug, Clone)]
pub struct Order {
    /// The day it judges.
    pub as_of: NaiveDate,
    /// The scheme, by name or path.
    pub scheme: String,
    /// round or calendar.
    pub kind: String,
    /// How many years to look at, where that is not the scheme's own number.
    pub window: Option<u32>,
    /// How many workers compute.
    pub workers: usize,
}

/// Why a review was not made. Nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum ReviewFlowError {
    /// The rules could not be had.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// The rules do not allow it.
    #[error(transparent)]
    Review(#[from] ReviewError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The day is yet to come.
    #[error("{as_of} is yet to come (today is {today}): a review judges a day whose facts are known")]
    Future {
        /// The day.
        as_of: NaiveDate,
        /// Today.
        today: NaiveDate,
    },
    /// There is nothing to judge.
    #[error(
        "no parcel of the register is in the scope of scheme {scheme} on {as_of}; import parcels first, or name another scheme"
    )]
    NoParcels {
        /// The scheme.
        scheme: String,
        /// The day.
        as_of: NaiveDate,
    },
    /// A receipt could not be written.
    #[error("a receipt could not be written as canonical JSON")]
    Receipt(#[from] serde_json::Error),
    /// The computation stopped.
    #[error("the computation stopped unexpectedly")]
    Computation(#[from] tokio::task::JoinError),
}

/// A receipt with the SHA-256 of its canonical bytes, hex.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// What was found.
    pub receipt: Receipt,
    /// Its hash.
    pub hash: String,
}

/// A run that is in the store.
#[derive(Debug)]
pub struct Done {
    /// Its number.
    pub run: i64,
    /// The rules it used.
    pub rules: Rules,
    /// Whether it was there already.
    pub repeated: bool,
    /// Parcels in force on the day whose use the scheme leaves out.
    pub out_of_scope: usize,
    /// Its results in the order of codes.
    pub results: Vec<Sealed>,
}

/// Receipts are sealed and stored in pieces of this many.
const PIECE: usize = 5_000;

/// Runs a review and keeps it as a draft.
pub async fn run(
    pool: &PgPool,
    clock: Clock,
    actor: &str,
    order: &Order,
    stage: impl Fn(&str),
) -> Result<Done, ReviewFlowError> {
    let mut rules = rules::load(&order.scheme)?;
    if let Some(years) = order.window {
        in_window(&mut rules, years);
    }
    let (as_of, today) = (order.as_of, clock.today());
    if as_of > today {
        return Err(ReviewFlowError::Future { as_of, today });
    }
    stage("freezing the facts");
    let deciding_share = rules::deciding_share(&rules.rulebook, as_of)?;
    let tall_storey_m = rules.rulebook.tall_storey_m(as_of);
    let years = window(as_of, rules.scheme.window.years);
    let frozen =
        store::review::facts::freeze(pool, as_of, deciding_share, tall_storey_m, years, rules::calendar()?).await?;
    stage("judging");
    let workers = order.workers;
    let in_force = frozen.parcels.len();
    let (rules, facts_hash, receipts) = tokio::task::spawn_blocking(move || -> Result<_, ReviewFlowError> {
        let facts = frozen.facts(&rules.scheme, as_of);
        if facts.is_empty() {
            return Err(ReviewFlowError::NoParcels { scheme: rules.scheme.label(), as_of });
        }
        let facts_hash = fingerprint(&facts)?;
        let receipts = judge(&rules, as_of, facts, workers)?;
        Ok((rules, facts_hash, receipts))
    })
    .await??;
    #[expect(clippy::cast_possible_wrap, reason = "3 to 5")]
    let key = RunKey {
        kind: order.kind.clone(),
        as_of,
        window_years: rules.scheme.window.years as i32,
        scheme: rules.hash.clone(),
        facts_hash,
    };
    stage("storing the results");
    let count = receipts.len();
    let (run, repeated, results) = keep(pool, actor, &key, &rules, receipts).await?;
    if !repeated {
        tracing::info!(run, "review run {run} of {count} parcels is kept as a draft");
    }
    Ok(Done { run, rules, repeated, out_of_scope: in_force - count, results })
}

/// The rules with so many years to look at, whatever the scheme's own number.
fn in_window(rules: &mut Rules, years: u32) {
    rules.scheme.window.years = years;
    rules.scheme.window.least_years = rules.scheme.window.least_years.min(years);
}

/// Keeps a run, unless the same run is there already; seals its receipts either way.
async fn keep(
    pool: &PgPool,
    actor: &str,
    key: &RunKey,
    rules: &Rules,
    receipts: Vec<Receipt>,
) -> Result<(i64, bool, Vec<Sealed>), ReviewFlowError> {
    let count = receipts.len();
    let mut connection = pool.acquire().await.map_err(StoreError::from)?;
    let found = store::review::find(&mut connection, key).await?;
    drop(connection);
    if let Some(run) = found {
        return Ok((run, true, seal_all(None, receipts).await?));
    }
    let mut write = Write::begin(pool, actor, "review-run").await?;
    // Another run of the same name may have been stored while this one waited for its turn to write.
    if let Some(run) = store::review::find(write.connection(), key).await? {
        write.abandon().await?;
        return Ok((run, true, seal_all(None, receipts).await?));
    }
    let text = RulesText {
        hash: rules.hash.clone(),
        name: rules.scheme.label(),
        title_zh: rules.scheme.title.zh.clone(),
        title_en: rules.scheme.title.en.clone(),
        source: rules.source.clone(),
    };
    store::rulebook::record(&mut write, &rules.rulebook.values).await?;
    let run = store::review::open(&mut write, key, &text).await?;
    let results = seal_all(Some((&mut write, run)), receipts).await?;
    let facts = json!({
        "as_of": key.as_of,
        "facts_hash": key.facts_hash,
        "kind": key.kind,
        "parcels": count,
        "rules_hash": rules.hash,
        "scheme": rules.scheme.label(),
    });
    write.commit(Audit { subject: format!("review run {run}"), facts }).await?;
    Ok((run, false, results))
}

/// Seals receipts piece by piece, and adds each piece to the run where one is being written: the canonical texts of a
/// whole city together would take more memory than everything else.
async fn seal_all(mut into: Option<(&mut Write, i64)>, receipts: Vec<Receipt>) -> Result<Vec<Sealed>, ReviewFlowError> {
    let mut results = Vec::with_capacity(receipts.len());
    let mut left = receipts.into_iter();
    loop {
        let piece: Vec<Receipt> = left.by_ref().take(PIECE).collect();
        if piece.is_empty() {
            return Ok(results);
        }
        let sealed = tokio::task::spawn_blocking(|| {
            piece.into_par_iter().map(seal).collect::<Result<Vec<(Sealed, String)>, serde_json::Error>>()
        })
        .await??;
        if let Some((write, run)) = &mut into {
            store::review::add(write, *run, sealed.iter().map(|(sealed, text)| row(sealed, text))).await?;
        }
        results.extend(sealed.into_iter().map(|(sealed, _)| sealed));
    }
}

fn seal(receipt: Receipt) -> Result<(Sealed, String), serde_json::Error> {
    let text = receipt.canonical()?;
    let hash = hash(text.as_bytes());
    Ok((Sealed { receipt, hash }, text))
}

/// One hash over all facts, each in canonical JSON on a line of its own.
fn fingerprint(facts: &[crate::domain::review::facts::Facts]) -> Result<String, serde_json::Error> {
    let mut digest = Sha256::new();
    for piece in facts.chunks(PIECE) {
        let lines = piece
            .par_iter()
            .map(serde_json_canonicalizer::to_string)
            .collect::<Result<Vec<String>, serde_json::Error>>()?;
        for line in lines {
            digest.update(line.as_bytes());
            digest.update(b"\n");
        }
    }
    Ok(hex::encode(digest.finalize()))
}

fn row<'a>(sealed: &'a Sealed, text: &'a str) -> ResultRow<'a> {
    let receipt = &sealed.receipt;
    ResultRow {
        parcel: &receipt.facts.code,
        grade: receipt.grade,
        score: receipt.score,
        rank: receipt.rank,
        peers_ahead: receipt.peers_ahead,
        list: receipt.decision.list.map(crate::domain::review::decision::List::name),
        outcome: &receipt.decision.outcome,
        receipt: text,
        receipt_hash: &sealed.hash,
    }
}
