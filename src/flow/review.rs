//! A review becomes a stored draft: facts frozen in one moment, judged, kept with one receipt a parcel. The same facts
//! under the same rules on the same day are the same run, so repeating it changes nothing.

pub mod calendar;
pub mod diff;
pub mod explain;
pub mod kept;
pub mod life;
pub mod objection;
pub mod progress;
pub mod queue;
pub mod replay;
pub mod sheet;
pub mod simulate;
mod sitting;
mod spool;

use self::progress::Progress;
use self::sitting::{Case, Judged};
use super::rules::{self, RulesError};
use crate::clock::{self, Clock};
use crate::domain::review::canonical;
use crate::domain::review::decision::List;
use crate::domain::review::left_out::Reason;
use crate::domain::review::receipt::{Receipt, hash};
use crate::domain::review::run::{ReviewError, Rules, window};
use crate::store::review::beside::Beside;
use crate::store::review::facts::{Asked, freeze};
use crate::store::review::{ResultRow, RulesText, RunKey, turn};
use crate::store::write::{Audit, Write};
use crate::store::{self, StoreError};
use chrono::NaiveDate;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};
pub use spool::SpoolError;
use sqlx::PgPool;
use std::collections::BTreeMap;
use std::sync::Arc;

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
    /// Somebody runs one of the kind.
    #[error("a {kind} review is being run by {by}{since}; one of a kind runs at a time, so wait until it is over")]
    Running {
        /// The kind.
        kind: String,
        /// Who runs it.
        by: String,
        /// Since when, in words.
        since: String,
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
    /// No contract makes a review due.
    #[error(
        "no contract makes a review due by {as_of} of a parcel that the scheme {scheme} judges; landcycle review due --as-of \
         {as_of} lists what is due, and a round judges everybody"
    )]
    NothingDue {
        /// The scheme.
        scheme: String,
        /// The day.
        as_of: NaiveDate,
    },
    /// A receipt could not be written.
    #[error("a receipt could not be written as canonical JSON")]
    Receipt(#[from] serde_json::Error),
    /// The facts could not be laid aside.
    #[error(transparent)]
    Spool(#[from] SpoolError),
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

/// A run that is in the store, with its results: `kept::results` reads them.
#[derive(Debug, Clone)]
pub struct Done {
    /// Its number.
    pub run: i64,
    /// The rules it used.
    pub rules: Arc<Rules>,
    /// Whether it was there already.
    pub repeated: bool,
    /// How many parcels of the day it left out, by reason.
    pub left_out: BTreeMap<Reason, usize>,
    /// How many parcels it judged; more than results where it is about those alone whose review is due.
    pub judged: usize,
}

/// The kind of run that judges whose review is due by contract.
pub const CALENDAR: &str = "calendar";

/// Runs a review and keeps it as a draft, unless one of its kind is being run.
pub async fn run(
    pool: &PgPool,
    clock: Clock,
    actor: &str,
    order: &Order,
    tell: impl Fn(Progress),
) -> Result<Done, ReviewFlowError> {
    let turn = turn::take(pool, &order.kind, actor).await?.map_err(|holder| ReviewFlowError::Running {
        kind: order.kind.clone(),
        by: holder.by,
        since: holder.since.map(|since| format!(" since {}", clock::in_shanghai(since))).unwrap_or_default(),
    })?;
    let done = run_now(pool, clock, actor, order, tell).await;
    // The turn ends with its connection at the latest.
    if let Err(error) = turn.end().await {
        tracing::debug!(%error, "the turn to run a review was not given back in words");
    }
    done
}

async fn run_now(
    pool: &PgPool,
    clock: Clock,
    actor: &str,
    order: &Order,
    tell: impl Fn(Progress),
) -> Result<Done, ReviewFlowError> {
    let mut rules = rules::load(&order.scheme)?;
    if let Some(years) = order.window {
        in_window(&mut rules, years);
    }
    let (as_of, today) = (order.as_of, clock.today());
    if as_of > today {
        return Err(ReviewFlowError::Future { as_of, today });
    }
    if rules.scheme.asks_last_round() {
        let mut connection = pool.acquire().await.map_err(StoreError::from)?;
        if let Some(last) = store::review::publication::last_round(&mut connection, &order.kind, as_of).await? {
            rules = rules.after(last)?;
        }
    }
    tell(Progress::Freezing);
    let deciding_share = rules::deciding_share(&rules.rulebook, as_of)?;
    let tall_storey_m = rules.rulebook.tall_storey_m(as_of);
    let years = window(as_of, rules.scheme.window.years);
    let days = rules::calendar()?;
    let asked = Asked {
        as_of,
        deciding_share: Some(deciding_share),
        tall_storey_m,
        years,
        calendar: days,
        with_states: true,
        with_clocks: order.kind == CALENDAR,
    };
    let (frozen, mut held) = freeze(pool, asked).await?;
    let done = if order.kind == CALENDAR { Some(held.reviews_done().await?) } else { None };
    let rules = Arc::new(rules);
    let case = Case { rules: Arc::clone(&rules), as_of, workers: order.workers, calendar: days, done };
    let judged = sitting::judge(case, frozen, held, &tell).await?;
    let mut left_out = BTreeMap::new();
    for one in &judged.beside.left {
        *left_out.entry(one.reason).or_default() += 1;
    }
    #[expect(clippy::cast_possible_wrap, reason = "3 to 5")]
    let key = RunKey {
        kind: order.kind.clone(),
        as_of,
        window_years: rules.scheme.window.years as i32,
        scheme: rules.hash.clone(),
        facts_hash: judged.facts_hash.clone(),
        beside_hash: beside_hash(&judged.beside)?,
    };
    let count = judged.count;
    tell(Progress::Storing { done: 0, of: count });
    let (run, repeated) = keep(pool, actor, &key, &rules, judged, tell).await?;
    if !repeated {
        tracing::info!(run, "review run {run} of {count} parcels is kept as a draft");
    }
    Ok(Done { run, rules, repeated, left_out, judged: count })
}

/// The rules with so many years to look at, whatever the scheme's own number.
fn in_window(rules: &mut Rules, years: u32) {
    rules.scheme.window.years = years;
    rules.scheme.window.least_years = rules.scheme.window.least_years.min(years);
}

/// Keeps a run, unless the same run is there already; answers its number, and whether it was there.
async fn keep(
    pool: &PgPool,
    actor: &str,
    key: &RunKey,
    rules: &Rules,
    judged: Judged,
    tell: impl Fn(Progress),
) -> Result<(i64, bool), ReviewFlowError> {
    let mut connection = pool.acquire().await.map_err(StoreError::from)?;
    let found = store::review::find(&mut connection, key).await?;
    drop(connection);
    if let Some(run) = found {
        return Ok((run, true));
    }
    let mut write = Write::begin(pool, actor, "review-run").await?;
    // Another run of the same name may have been stored while this one waited for its turn to write.
    if let Some(run) = store::review::find(write.connection(), key).await? {
        write.abandon().await?;
        return Ok((run, true));
    }
    let Judged { found, beside, count, laid, .. } = judged;
    let text = RulesText {
        hash: rules.hash.clone(),
        name: rules.scheme.label(),
        title_zh: rules.scheme.title.zh.clone(),
        title_en: rules.scheme.title.en.clone(),
        source: rules.source.clone(),
    };
    store::rulebook::record(&mut write, &rules.rulebook.values).await?;
    let run = store::review::open(&mut write, key, &text).await?;
    sitting::store(&mut write, run, found, laid, count, &tell).await?;
    store::review::beside::add(&mut write, run, &beside).await?;
    let facts = json!({
        "answers": beside.answers.len(),
        "as_of": key.as_of,
        "beside_hash": key.beside_hash,
        "facts_hash": key.facts_hash,
        "kind": key.kind,
        "left_out": beside.left.len(),
        "parcels": count,
        "rules_hash": rules.hash,
        "scheme": rules.scheme.label(),
    });
    write.commit(Audit { subject: format!("review run {run}"), facts }).await?;
    Ok((run, false))
}

/// The canonical text of a receipt, and its hash.
fn text_and_hash<F: Serialize>(receipt: &Receipt<F>) -> Result<(String, String), serde_json::Error> {
    let text = receipt.canonical()?;
    let hash = hash(text.as_bytes());
    Ok((text, hash))
}

/// One hash over what a run keeps beside its receipts, each row in canonical JSON on a line of its own.
fn beside_hash(beside: &Beside) -> Result<String, serde_json::Error> {
    let mut digest = Sha256::new();
    for one in &beside.left {
        digest.update(canonical::to_string(one)?);
        digest.update(b"\n");
    }
    for one in &beside.answers {
        digest.update(canonical::to_string(one)?);
        digest.update(b"\n");
    }
    Ok(hex::encode(digest.finalize()))
}

fn row<'a, F>(code: &'a str, receipt: &'a Receipt<F>, (text, hash): &'a (String, String)) -> ResultRow<'a> {
    ResultRow {
        parcel: code,
        grade: receipt.grade,
        score: receipt.score,
        rank: receipt.rank,
        peers_ahead: receipt.peers_ahead,
        list: receipt.decision.list.map(List::name),
        outcome: &receipt.decision.outcome,
        receipt: text,
        receipt_hash: hash,
    }
}
