//! Parks are evaluated once a year: facts frozen in one moment, weighed, kept as a draft with one receipt a park. The same
//! facts under the same scheme on the same day are the same evaluation, so repeating it changes nothing.

pub mod explain;
pub mod life;
pub mod lists;
pub mod publish;
pub mod replay;

use super::rules::{self, RulesError};
use crate::clock::Clock;
use crate::domain::contract::tracks::Limits;
use crate::domain::park_evaluation::indicator::ParkFacts;
use crate::domain::park_evaluation::receipt::{ParkReceipt, Round, receipts};
use crate::domain::park_evaluation::scheme::ParkScheme;
use crate::domain::park_evaluation::standing::Standing;
use crate::domain::review::canonical;
use crate::domain::review::receipt::hash;
use crate::domain::review::replay::StoredRulesError;
use crate::store::park::{self, EvaluationKey, SchemeText};
use crate::store::write::{Audit, Write};
use crate::store::{self, StoreError};
use chrono::NaiveDate;
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::PgPool;

/// What is to be evaluated, and how.
#[derive(Debug, Clone)]
pub struct ParkOrder {
    /// The year.
    pub year: i32,
    /// The day whose law and land it looks at; nothing for the last day of the year.
    pub as_of: Option<NaiveDate>,
    /// The scheme, by name or path.
    pub scheme: String,
}

/// Why parks were not evaluated, or an evaluation is not to be had. Nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum ParkError {
    /// The rules could not be had.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// The year is not over.
    #[error("year-not-over: {day} is yet to come (today is {today}): a year is evaluated when it is over")]
    NotOver {
        /// The day it would look at.
        day: NaiveDate,
        /// Today.
        today: NaiveDate,
    },
    /// The day lies before the end of the year.
    #[error("day-before-year-end: {as_of} is before the end of {year}; leave --as-of out, or name a later day")]
    TooEarly {
        /// The day.
        as_of: NaiveDate,
        /// The year.
        year: i32,
    },
    /// No such year.
    #[error("no-such-year: {0} is no year that the register can speak of; expected 1950 to 9998")]
    NoYear(i32),
    /// There is nothing to evaluate.
    #[error("no-parks: the register has no park that can be evaluated{left_out}; import parks first")]
    NoParks {
        /// Those that are delisted, in words.
        left_out: String,
    },
    /// A year that is published already, or lies before one that is.
    #[error(
        "already-published: evaluation {evaluation} of scheme {scheme} is published for {published}; a scheme evaluates parks \
         once a year, in the order of the years"
    )]
    Published {
        /// The evaluation.
        evaluation: i64,
        /// Its scheme.
        scheme: String,
        /// Its year.
        published: i32,
    },
    /// No such evaluation.
    #[error("no-such-evaluation: there is no evaluation {0} of parks; landcycle park list names them")]
    Unknown(i64),
    /// No such park in it.
    #[error(
        "no-such-park: evaluation {evaluation} has no result for park {park}; landcycle park show {evaluation} names them"
    )]
    NoResult {
        /// The evaluation.
        evaluation: i64,
        /// The park.
        park: String,
    },
    /// Its kept scheme can't be had.
    #[error("evaluation {evaluation} can't be weighed again")]
    Kept {
        /// The evaluation.
        evaluation: i64,
        /// Why.
        #[source]
        source: StoredRulesError,
    },
    /// A receipt can't be read or written.
    #[error("the receipt of park {park} in evaluation {evaluation} can't be read or written")]
    Receipt {
        /// The evaluation; 0 before it has a number.
        evaluation: i64,
        /// The park.
        park: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The computation stopped.
    #[error("the computation stopped unexpectedly")]
    Computation(#[from] tokio::task::JoinError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ParkError {
    /// Whether what was asked for is at fault, rather than the machine.
    pub fn is_refusal(&self) -> bool {
        !matches!(self, Self::Computation(_) | Self::Store(_))
    }
}

/// A receipt with its canonical text and the SHA-256 of that, hex.
pub type SealedPark = (ParkReceipt, String, String);

/// An evaluation that is in the store.
#[derive(Debug)]
pub struct Evaluated {
    /// Its number.
    pub evaluation: i64,
    /// Its scheme.
    pub scheme: ParkScheme,
    /// Whether it was there already.
    pub repeated: bool,
    /// Parks that are delisted under the scheme, and are not evaluated before they are announced anew.
    pub left_out: Vec<String>,
    /// Its results in the order of codes.
    pub results: Vec<SealedPark>,
}

/// Evaluates the parks for a year and keeps that as a draft.
pub async fn evaluate(pool: &PgPool, clock: Clock, actor: &str, order: &ParkOrder) -> Result<Evaluated, ParkError> {
    let text = rules::park_scheme_text(&order.scheme)?;
    let source = ParkScheme::kept_text(&text);
    let scheme = rules::park_scheme(&order.scheme, &text)?;
    let as_of = day_of(order, clock.today())?;
    let mut connection = pool.acquire().await.map_err(StoreError::from)?;
    let stands = park::life::standings(&mut connection, None, Some(&scheme.name)).await?;
    drop(connection);
    let is_delisted = |standing| matches!(standing, Standing::Delisted { .. });
    let delisted: Vec<String> =
        stands.into_iter().filter(|one| is_delisted(one.record.standing)).map(|one| one.park).collect();
    let rulebook = rules::rulebook()?;
    let limits = Limits::on(rulebook, as_of).map_err(rules::of_values)?;
    let tall_storey_m = rulebook.tall_storey_m(as_of);
    let mut frozen = park::facts::freeze(pool, order.year, as_of, tall_storey_m, rules::calendar()?).await?;
    let (left_out, kept): (Vec<_>, Vec<_>) =
        std::mem::take(&mut frozen.parks).into_iter().partition(|one| delisted.contains(&one.code));
    frozen.parks = kept;
    let left_out: Vec<String> = left_out.into_iter().map(|one| one.code).collect();
    if frozen.parks.is_empty() {
        let names =
            if left_out.is_empty() { String::new() } else { format!(" ({} are delisted)", left_out.join(", ")) };
        return Err(ParkError::NoParks { left_out: names });
    }
    let review_run = frozen.review_run;
    let round = Round { year: order.year, as_of, review_run, rules_hash: hash(source.as_bytes()) };
    let (scheme, facts_hash, results) = tokio::task::spawn_blocking(move || {
        let facts = frozen.facts(round.year, round.as_of, &limits, scheme.unreported);
        let facts_hash = fingerprint(&facts)?;
        let results =
            receipts(&scheme, &round, facts).into_iter().map(|one| seal(0, one)).collect::<Result<Vec<_>, _>>()?;
        Ok::<_, ParkError>((scheme, facts_hash, results))
    })
    .await??;
    let key = EvaluationKey { year: order.year, as_of, scheme: hash(source.as_bytes()), facts_hash };
    let kept =
        SchemeText { hash: key.scheme.clone(), name: scheme.name.clone(), version: scheme.version.clone(), source };
    let (evaluation, repeated) = keep(pool, actor, &key, &kept, &scheme, &results).await?;
    Ok(Evaluated { evaluation, scheme, repeated, left_out, results })
}

/// The day that an evaluation looks at.
fn day_of(order: &ParkOrder, today: NaiveDate) -> Result<NaiveDate, ParkError> {
    let year = order.year;
    let Some(end) = NaiveDate::from_ymd_opt(year, 12, 31).filter(|_| (1950..=9998).contains(&year)) else {
        return Err(ParkError::NoYear(year));
    };
    let as_of = order.as_of.unwrap_or(end);
    if as_of < end {
        return Err(ParkError::TooEarly { as_of, year });
    }
    if as_of > today {
        return Err(ParkError::NotOver { day: as_of, today });
    }
    Ok(as_of)
}

/// Refuses a year that is published under the scheme, or lies before one that is.
async fn refuse_published(
    connection: &mut sqlx::PgConnection,
    scheme: &ParkScheme,
    year: i32,
) -> Result<(), ParkError> {
    match park::life::last_published(connection, &scheme.name).await? {
        Some((published, evaluation)) if published >= year => {
            Err(ParkError::Published { evaluation, scheme: scheme.name.clone(), published })
        }
        _ => Ok(()),
    }
}

/// Keeps an evaluation, unless the same is there already; answers its number, and whether it was there.
async fn keep(
    pool: &PgPool,
    actor: &str,
    key: &EvaluationKey,
    text: &SchemeText,
    scheme: &ParkScheme,
    results: &[SealedPark],
) -> Result<(i64, bool), ParkError> {
    let mut connection = pool.acquire().await.map_err(StoreError::from)?;
    if let Some(id) = park::find(&mut connection, key).await? {
        return Ok((id, true));
    }
    refuse_published(&mut connection, scheme, key.year).await?;
    drop(connection);
    let mut write = Write::begin(pool, actor, "park-evaluate").await?;
    // The same may have been stored, and a year published, while this one waited for its turn to write.
    if let Some(id) = park::find(write.connection(), key).await? {
        write.abandon().await?;
        return Ok((id, true));
    }
    refuse_published(write.connection(), scheme, key.year).await?;
    let id = park::keep(&mut write, key, text, results).await?;
    let facts = json!({
        "as_of": key.as_of,
        "facts_hash": key.facts_hash,
        "parks": results.len(),
        "rules_hash": key.scheme,
        "scheme": scheme.label(),
        "year": key.year,
    });
    write.commit(Audit { subject: format!("park evaluation {id}"), facts }).await?;
    tracing::info!(id, "evaluation {id} of {} parks is kept as a draft", results.len());
    Ok((id, false))
}

fn seal(evaluation: i64, receipt: ParkReceipt) -> Result<SealedPark, ParkError> {
    let text = receipt.canonical().map_err(|source| ParkError::Receipt {
        evaluation,
        park: receipt.facts.code.clone(),
        source,
    })?;
    let hash = hash(text.as_bytes());
    Ok((receipt, text, hash))
}

/// One hash over all facts, each in canonical JSON on a line of its own, in the order of codes.
fn fingerprint(facts: &[ParkFacts]) -> Result<String, ParkError> {
    let mut digest = Sha256::new();
    for one in facts {
        let line = canonical::to_string(one).map_err(|source| ParkError::Receipt {
            evaluation: 0,
            park: one.code.clone(),
            source,
        })?;
        digest.update(line.as_bytes());
        digest.update(b"\n");
    }
    Ok(hex::encode(digest.finalize()))
}

/// A kept evaluation with its scheme and its receipts in the order of codes.
#[derive(Debug)]
pub struct KeptEvaluation {
    /// The evaluation.
    pub listed: store::park::ListedEvaluation,
    /// Its scheme.
    pub scheme: ParkScheme,
    /// Its receipts, as read, with their texts and the hashes kept beside them.
    pub results: Vec<SealedPark>,
}

/// Reads a kept evaluation.
pub async fn load(connection: &mut sqlx::PgConnection, evaluation: i64) -> Result<KeptEvaluation, ParkError> {
    let listed = park::read(connection, evaluation).await?.ok_or(ParkError::Unknown(evaluation))?;
    let source = park::scheme(connection, &listed.rules_hash).await?;
    let scheme =
        ParkScheme::stored(&source, &listed.rules_hash).map_err(|source| ParkError::Kept { evaluation, source })?;
    let papers = park::papers(connection, evaluation).await?.into_iter().map(|paper| {
        match serde_json::from_str::<ParkReceipt>(&paper.receipt) {
            Ok(receipt) => Ok((receipt, paper.receipt, paper.receipt_hash)),
            Err(source) => Err(ParkError::Receipt { evaluation, park: paper.park, source }),
        }
    });
    Ok(KeptEvaluation { scheme, results: papers.collect::<Result<_, _>>()?, listed })
}
