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

use self::progress::Progress;
use super::rules::{self, RulesError};
use crate::clock::{self, Clock};
use crate::domain::review::canonical;
use crate::domain::review::freeze::Sorted;
use crate::domain::review::left_out::{LeftOut, Reason};
use crate::domain::review::receipt::{Receipt, hash};
use crate::domain::review::run::{ReviewError, Rules, judge, window};
use crate::store::copy::Rows;
use crate::store::review::beside::Beside;
use crate::store::review::{ResultRow, RulesText, RunKey, turn};
use crate::store::write::{Audit, Write};
use crate::store::{self, StoreError};
use chrono::NaiveDate;
use rayon::prelude::*;
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use std::collections::{BTreeMap, HashSet, VecDeque};

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
    /// The same run is there, and can't be read.
    #[error(transparent)]
    Kept(#[from] kept::KeptError),
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
    /// How many parcels of the day it left out, by reason.
    pub left_out: BTreeMap<Reason, usize>,
    /// How many parcels it judged; more than results where it is about those alone whose review is due.
    pub judged: usize,
    /// Its results in the order of codes.
    pub results: Vec<Sealed>,
}

/// The kind of run that judges whose review is due by contract.
pub const CALENDAR: &str = "calendar";

/// Receipts are sealed and stored in pieces of this many.
const PIECE: usize = 2_000;
/// So many pieces are sealed before their turn to be stored.
const PIECES_AHEAD: usize = 3;

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
    let (days, with_reviews) = (rules::calendar()?, order.kind == CALENDAR);
    let frozen =
        store::review::facts::freeze(pool, as_of, deciding_share, tall_storey_m, years, days, with_reviews).await?;
    tell(Progress::Judging { parcels: frozen.parcels.len() });
    let workers = order.workers;
    let (rules, facts_hash, beside, receipts) = tokio::task::spawn_blocking(move || -> Result<_, ReviewFlowError> {
        let mut frozen = frozen;
        let watching = frozen.calendar.take();
        let Sorted { facts, left } = frozen.sorted(&rules.scheme, as_of, &LeftOut::on(&rules.rulebook, as_of));
        if facts.is_empty() {
            return Err(ReviewFlowError::NoParcels { scheme: rules.scheme.label(), as_of });
        }
        let answers = watching.map(|it| calendar::answers(&it, &facts, (&rules, days), as_of));
        if answers.as_ref().is_some_and(Vec::is_empty) {
            return Err(ReviewFlowError::NothingDue { scheme: rules.scheme.label(), as_of });
        }
        let beside = Beside { left, answers: answers.unwrap_or_default() };
        let facts_hash = fingerprint(&facts)?;
        let receipts = judge(&rules, as_of, facts, workers)?;
        Ok((rules, facts_hash, beside, receipts))
    })
    .await??;
    #[expect(clippy::cast_possible_wrap, reason = "3 to 5")]
    let key = RunKey {
        kind: order.kind.clone(),
        as_of,
        window_years: rules.scheme.window.years as i32,
        scheme: rules.hash.clone(),
        facts_hash,
        beside_hash: beside_hash(&beside)?,
    };
    let count = receipts.len();
    tell(Progress::Storing { done: 0, of: count });
    let (run, repeated, mut results) = keep(pool, actor, &key, &rules, (receipts, &beside), tell).await?;
    if !repeated {
        tracing::info!(run, "review run {run} of {count} parcels is kept as a draft");
    }
    if !beside.answers.is_empty() {
        let answered: HashSet<&str> = beside.answers.iter().map(|one| one.parcel.as_str()).collect();
        results.retain(|one| answered.contains(one.receipt.facts.code.as_str()));
    }
    let mut left_out = BTreeMap::new();
    for one in &beside.left {
        *left_out.entry(one.reason).or_default() += 1;
    }
    Ok(Done { run, rules, repeated, left_out, judged: count, results })
}

/// The rules with so many years to look at, whatever the scheme's own number.
fn in_window(rules: &mut Rules, years: u32) {
    rules.scheme.window.years = years;
    rules.scheme.window.least_years = rules.scheme.window.least_years.min(years);
}

/// Keeps a run, unless the same run is there already; answers what stands in the register either way.
async fn keep(
    pool: &PgPool,
    actor: &str,
    key: &RunKey,
    rules: &Rules,
    (receipts, beside): (Vec<Receipt>, &Beside),
    tell: impl Fn(Progress),
) -> Result<(i64, bool, Vec<Sealed>), ReviewFlowError> {
    let count = receipts.len();
    let mut connection = pool.acquire().await.map_err(StoreError::from)?;
    let found = store::review::find(&mut connection, key).await?;
    drop(connection);
    if let Some(run) = found {
        return Ok((run, true, kept::results(pool, run).await?));
    }
    let mut write = Write::begin(pool, actor, "review-run").await?;
    // Another run of the same name may have been stored while this one waited for its turn to write.
    if let Some(run) = store::review::find(write.connection(), key).await? {
        write.abandon().await?;
        return Ok((run, true, kept::results(pool, run).await?));
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
    let results = seal_all(&mut write, run, receipts, tell).await?;
    store::review::beside::add(&mut write, run, beside).await?;
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
    Ok((run, false, results))
}

/// Seals receipts piece by piece and adds each piece to the run: the canonical texts of a whole city together would take
/// more memory than everything else. Pieces are sealed while others are stored.
async fn seal_all(
    write: &mut Write,
    run: i64,
    receipts: Vec<Receipt>,
    tell: impl Fn(Progress),
) -> Result<Vec<Sealed>, ReviewFlowError> {
    let of = receipts.len();
    let mut results = Vec::with_capacity(of);
    let mut left = receipts.into_iter();
    let mut sealing = VecDeque::new();
    loop {
        while sealing.len() < PIECES_AHEAD {
            let piece: Vec<Receipt> = left.by_ref().take(PIECE).collect();
            if piece.is_empty() {
                break;
            }
            sealing.push_back(tokio::task::spawn_blocking(move || seal_piece(run, piece)));
        }
        let Some(piece) = sealing.pop_front() else { return Ok(results) };
        let (sealed, rows) = piece.await??;
        store::review::add(write, &rows).await?;
        results.extend(sealed);
        tell(Progress::Storing { done: results.len(), of });
    }
}

/// Seals receipts, and makes them rows of the run that they are for.
fn seal_piece(run: i64, receipts: Vec<Receipt>) -> Result<(Vec<Sealed>, Rows), serde_json::Error> {
    let pieces: Vec<(Sealed, String)> = receipts.into_par_iter().map(seal).collect::<Result<_, _>>()?;
    let results = pieces.iter().map(|(sealed, text)| row(sealed, text));
    let rows = store::review::rows(run, results);
    Ok((pieces.into_iter().map(|(sealed, _)| sealed).collect(), rows))
}

fn seal(receipt: Receipt) -> Result<(Sealed, String), serde_json::Error> {
    let text = receipt.canonical()?;
    let hash = hash(text.as_bytes());
    Ok((Sealed { receipt, hash }, text))
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

/// One hash over all facts, each in canonical JSON on a line of its own.
fn fingerprint(facts: &[crate::domain::review::facts::Facts]) -> Result<String, serde_json::Error> {
    let mut digest = Sha256::new();
    for piece in facts.chunks(PIECE) {
        let lines = piece.par_iter().map(canonical::to_string).collect::<Result<Vec<String>, serde_json::Error>>()?;
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
