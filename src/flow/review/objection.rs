//! An objection to a run under notice, and its answer. An upheld one has the parcel judged again by the facts that the
//! register holds now, among the others as they were judged; the later receipt stands beside the first.

use super::kept::{self, Kept, KeptError};
use super::{row, text_and_hash};
use crate::domain::review::facts::Facts;
use crate::domain::review::life::State;
use crate::domain::review::receipt::{Corrects, Receipt};
use crate::domain::review::run::{ReviewError, rejudge, window};
use crate::flow::rules::{self, RulesError};
use crate::store::review::facts::{self, Asked};
use crate::store::review::objection::{self, New, Objection};
use crate::store::review::{life, standing};
use crate::store::write::{Audit, Write};
use crate::store::{StoreError, write};
use chrono::NaiveDate;
use serde::Serialize;
use serde_json::json;
use sqlx::PgPool;
use std::sync::Arc;

/// Why an objection was not taken, or not answered. Nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum ObjectionError {
    /// No such run.
    #[error("there is no review run {0}; landcycle review list names them")]
    UnknownRun(i64),
    /// No such objection.
    #[error("there is no objection {0}; landcycle review show RUN names those of a run")]
    Unknown(i64),
    /// The parcel was not judged.
    #[error("run {run} has no result for parcel {parcel}, so there is nothing to object to")]
    NoResult {
        /// The run.
        run: i64,
        /// The parcel.
        parcel: String,
    },
    /// The run is not under notice.
    #[error(
        "review run {run} is {state}, and objections are taken and answered while it is under public notice{window}; \
         landcycle review show {run} tells its life"
    )]
    NotNoticed {
        /// The run.
        run: i64,
        /// Its state.
        state: &'static str,
        /// The days of the notice, where there are any.
        window: String,
    },
    /// Received outside the days of notice, or not yet.
    #[error("an objection to run {run} is received from {from} until {until}, and {on} is not among these days")]
    OutsideNotice {
        /// The run.
        run: i64,
        /// The day.
        on: NaiveDate,
        /// The first day.
        from: NaiveDate,
        /// The last day, or today.
        until: NaiveDate,
    },
    /// It has its answer.
    #[error("objection {id} was {verdict} by {by}, and stays so; another objection can be made while the notice runs")]
    Answered {
        /// The objection.
        id: i64,
        /// How.
        verdict: String,
        /// By whom.
        by: String,
    },
    /// By someone who should not.
    #[error("{by} {why}; have another person answer objection {id}")]
    OwnMatter {
        /// The objection.
        id: i64,
        /// Who would answer.
        by: String,
        /// Why that is not right.
        why: &'static str,
    },
    /// Nothing to read later.
    #[error("{0} is empty; whoever reads the objection years later needs it")]
    Empty(&'static str),
    /// Nothing was corrected.
    #[error(
        "the register says of parcel {parcel} what run {run} judged it by, so judging it again changes nothing; record the \
         correction first (landcycle import …), then uphold objection {id}, or dismiss it"
    )]
    NothingCorrected {
        /// The objection.
        id: i64,
        /// The run.
        run: i64,
        /// The parcel.
        parcel: String,
    },
    /// It is no parcel of the day any more.
    #[error(
        "parcel {parcel} is no parcel of {as_of} in the register any more, so there are no facts to judge it by; make a new \
         run, or dismiss objection {id} with that reason"
    )]
    Gone {
        /// The objection.
        id: i64,
        /// The parcel.
        parcel: String,
        /// The day that the run judges.
        as_of: NaiveDate,
    },
    /// Somebody wrote to the register meanwhile.
    #[error("the register was written to while parcel {0} was judged again; answer once more")]
    Overtaken(String),
    /// The run can't be judged by again.
    #[error(transparent)]
    Kept(#[from] KeptError),
    /// The rules do not allow it.
    #[error(transparent)]
    Review(#[from] ReviewError),
    /// The rules could not be had.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// A receipt could not be read or written.
    #[error("a receipt is no canonical JSON")]
    Receipt(#[from] serde_json::Error),
    /// The computation stopped.
    #[error("the computation stopped unexpectedly")]
    Computation(#[from] tokio::task::JoinError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ObjectionError {
    /// Whether what was asked for is at fault, rather than the machine.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Kept(error) => error.is_refusal(),
            Self::Rules(_) | Self::Receipt(_) | Self::Computation(_) | Self::Store(_) => false,
            _ => true,
        }
    }
}

/// How an objection is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The firm is right.
    Upheld,
    /// It is not.
    Dismissed,
}

impl Verdict {
    /// The word used in data.
    pub fn name(self) -> &'static str {
        match self {
            Self::Upheld => "upheld",
            Self::Dismissed => "dismissed",
        }
    }
}

/// An answer that was given.
#[derive(Debug, Clone)]
pub struct Answered {
    /// The run.
    pub run: i64,
    /// The parcel.
    pub parcel: String,
    /// What it had been found to be.
    pub before: Receipt,
    /// What it is found to be now, where the objection was upheld, with the hash of that receipt.
    pub after: Option<(Receipt, String)>,
    /// The revision that says so.
    pub revision: i64,
}

/// Takes an objection in; answers its number and the revision.
pub async fn object(pool: &PgPool, today: NaiveDate, actor: &str, new: &New) -> Result<(i64, i64), ObjectionError> {
    for (name, text) in [("--by", &new.party), ("--ground", &new.ground), ("--document", &new.document)] {
        if text.trim().is_empty() {
            return Err(ObjectionError::Empty(name));
        }
    }
    let (run, on) = (new.run, new.on);
    let mut write = Write::begin(pool, actor, "review-object").await?;
    let (from, until) = noticed(&mut write, run).await?;
    if !(from..=until.min(today)).contains(&on) {
        return Err(ObjectionError::OutsideNotice { run, on, from, until: until.min(today) });
    }
    if standing(write.connection(), run, &new.parcel).await?.is_none() {
        return Err(ObjectionError::NoResult { run, parcel: new.parcel.clone() });
    }
    let id = objection::add(&mut write, new, actor).await?;
    let facts = json!({ "document": new.document, "ground": new.ground, "objection": id, "on": on, "party": new.party,
        "parcel": new.parcel, "run": run });
    let revision = write.commit(Audit { subject: format!("review run {run}"), facts }).await?;
    Ok((id, revision))
}

async fn noticed(write: &mut Write, run: i64) -> Result<(NaiveDate, NaiveDate), ObjectionError> {
    let found = life::read(write.connection(), run).await?.ok_or(ObjectionError::UnknownRun(run))?;
    match found.state {
        State::Noticed { from, until } => Ok((from, until)),
        state => {
            let notice = life::steps(write.connection(), run).await?.into_iter().find(|step| step.deed == "notice");
            let window = notice
                .and_then(|step| Some(format!(" (it was from {} until {})", step.on, step.notice_until?)))
                .unwrap_or_default();
            Err(ObjectionError::NotNoticed { run, state: state.name(), window })
        }
    }
}

/// Answers an objection.
pub async fn answer(
    pool: &PgPool,
    today: NaiveDate,
    actor: &str,
    id: i64,
    verdict: Verdict,
    words: &str,
    workers: usize,
) -> Result<Answered, ObjectionError> {
    if words.trim().is_empty() {
        return Err(ObjectionError::Empty("--words"));
    }
    let mut connection = pool.acquire().await.map_err(StoreError::from)?;
    let asked = one(&mut connection, id).await?;
    drop(connection);
    // The long work comes before the turn to write, so that nobody waits for it.
    let again = match verdict {
        Verdict::Upheld => Some(judge_again(pool, &asked, workers).await?),
        Verdict::Dismissed => None,
    };
    let mut write = Write::begin(pool, actor, "review-answer").await?;
    let asked = one(write.connection(), id).await?;
    let run = asked.run;
    noticed(&mut write, run).await?;
    let by = life::person(write.connection(), actor).await?;
    let maker = life::read(write.connection(), run).await?.ok_or(ObjectionError::UnknownRun(run))?.made_by;
    if by == maker {
        return Err(ObjectionError::OwnMatter { id, by, why: "made the run" });
    }
    if by == life::person(write.connection(), &asked.party).await? {
        return Err(ObjectionError::OwnMatter { id, by, why: "objects" });
    }
    let (text, hash) = standing(write.connection(), run, &asked.parcel)
        .await?
        .ok_or_else(|| ObjectionError::NoResult { run, parcel: asked.parcel.clone() })?;
    let before: Receipt = serde_json::from_str(&text)?;
    objection::answer(&mut write, id, verdict.name(), words.trim(), today, actor).await?;
    let mut facts = json!({ "objection": id, "on": today, "parcel": asked.parcel, "receipt": hash, "run": run,
        "verdict": verdict, "words": words.trim() });
    let mut after = None;
    if let Some((mut receipt, facts_revision)) = again {
        // What was read and what is written must be one register.
        if facts_revision != write.revision - 1 {
            return Err(ObjectionError::Overtaken(asked.parcel));
        }
        receipt.corrects = Some(Corrects { objection: id, receipt: hash, facts_revision });
        let sealed = text_and_hash(&receipt)?;
        objection::rerun(&mut write, (id, run), facts_revision, &row(&receipt.facts.code, &receipt, &sealed)).await?;
        facts["later_receipt"] = json!(sealed.1);
        after = Some((receipt, sealed.1));
    }
    let revision = write.commit(Audit { subject: format!("review run {run}"), facts }).await?;
    Ok(Answered { run, parcel: asked.parcel, before, after, revision })
}

async fn one(connection: &mut sqlx::PgConnection, id: i64) -> Result<Objection, ObjectionError> {
    let asked = objection::list(connection, None, Some(id), 0, 1).await?.pop().ok_or(ObjectionError::Unknown(id))?;
    match (asked.verdict, asked.answered_by) {
        (Some(verdict), by) => Err(ObjectionError::Answered { id, verdict, by: by.unwrap_or_default() }),
        (None, answered_by) => Ok(Objection { verdict: None, answered_by, ..asked }),
    }
}

/// Judges the parcel by what the register says of it now; with the newest revision that said so.
async fn judge_again(pool: &PgPool, asked: &Objection, workers: usize) -> Result<(Receipt, i64), ObjectionError> {
    let (id, run, code) = (asked.id, asked.run, asked.parcel.clone());
    let Kept { as_of, rules, facts, .. } = kept::load(pool, run).await?;
    let no_result = || ObjectionError::NoResult { run, parcel: asked.parcel.clone() };
    let frozen = facts.iter().find(|one| one.code == code).cloned().ok_or_else(no_result)?;
    let judged_by = latest(pool, run, &code).await?.unwrap_or(frozen);
    let mut connection = pool.acquire().await.map_err(StoreError::from)?;
    let revision = write::head(&mut connection).await?;
    drop(connection);
    let (share, tall) = (rules::deciding_share(&rules.rulebook, as_of)?, rules.rulebook.tall_storey_m(as_of));
    let years = window(as_of, rules.scheme.window.years);
    let asked = Asked {
        as_of,
        deciding_share: Some(share),
        tall_storey_m: tall,
        years,
        calendar: rules::calendar()?,
        with_states: false,
        with_clocks: false,
    };
    let (now, mut held) = facts::freeze(pool, asked).await?;
    let own = held.own(Some(std::slice::from_ref(&code))).await?;
    held.end().await?;
    let receipt = tokio::task::spawn_blocking(move || {
        let full_years = rules.scheme.window.years;
        let corrected = Arc::new(now).facts_where(full_years, as_of, own, |parcel| *parcel.code == code).pop();
        let corrected = corrected.ok_or_else(|| ObjectionError::Gone { id, parcel: code.clone(), as_of })?;
        if corrected == judged_by {
            return Err(ObjectionError::NothingCorrected { id, run, parcel: code });
        }
        let receipt = rejudge(&rules, as_of, &facts, corrected, workers)?;
        receipt.ok_or(ObjectionError::NoResult { run, parcel: code })
    })
    .await??;
    Ok((receipt, revision))
}

/// The facts by which the parcel was judged last, where that was after an earlier objection.
async fn latest(pool: &PgPool, run: i64, code: &str) -> Result<Option<Facts>, ObjectionError> {
    let mut connection = pool.acquire().await.map_err(StoreError::from)?;
    let later = objection::reruns(&mut connection, run).await?.into_iter().rfind(|paper| paper.parcel == code);
    Ok(later.map(|paper| serde_json::from_str::<Receipt>(&paper.receipt)).transpose()?.map(|receipt| receipt.facts))
}
