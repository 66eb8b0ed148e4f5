//! An evaluation becomes public, or is given up. Publishing counts the year of every park in it, in the same transaction: one
//! notification, twice delisted.

use super::ParkError;
use crate::domain::park_evaluation::standing::{Record, Standing, StandingError};
use crate::store::StoreError;
use crate::store::park::{self, ListedEvaluation, life};
use crate::store::write::{Audit, Write};
use chrono::NaiveDate;
use serde::Serialize;
use serde_json::json;
use sqlx::PgPool;
use std::collections::BTreeMap;

/// Why an evaluation was not published or given up. Nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// It is not there.
    #[error(transparent)]
    Park(#[from] ParkError),
    /// By the one who made it.
    #[error(
        "own-evaluation: evaluation {evaluation} was made by {maker}, who does not publish it too; have a second person do it"
    )]
    Own {
        /// The evaluation.
        evaluation: i64,
        /// Who made it.
        maker: String,
    },
    /// It is a draft no more.
    #[error("no-such-move: evaluation {evaluation} is {state} since {on} by {by}, and stays so")]
    NoDraft {
        /// The evaluation.
        evaluation: i64,
        /// Its state.
        state: String,
        /// Since when.
        on: NaiveDate,
        /// By whom.
        by: String,
    },
    /// Nothing to point to.
    #[error("no-document: {what} rests on words that can be read later; give them with {flag}")]
    NoWords {
        /// What was tried.
        what: &'static str,
        /// The flag.
        flag: &'static str,
    },
    /// The year of a park can't be counted.
    #[error("not-to-be-counted: park {park}: {source}; make the evaluation again")]
    NotCounted {
        /// The park.
        park: String,
        /// Why.
        source: StandingError,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PublishError {
    /// Whether what was asked for is at fault, rather than the machine.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Park(error) => error.is_refusal(),
            Self::Store(_) => false,
            _ => true,
        }
    }
}

/// What publishing an evaluation came to.
#[derive(Debug, Serialize)]
pub struct PublishedParks {
    /// The evaluation.
    pub evaluation: i64,
    /// Parks that failed for the first time and are told.
    pub notified: Vec<String>,
    /// Parks that failed again and are no parks of the list any more.
    pub delisted: Vec<String>,
    /// Parks whose notification a passed year cleared.
    pub cleared: Vec<String>,
    /// The revision that says so.
    pub revision: i64,
}

fn draft(found: ListedEvaluation) -> Result<ListedEvaluation, PublishError> {
    match (found.step_on, &found.step_by) {
        (Some(on), Some(by)) => {
            Err(PublishError::NoDraft { evaluation: found.id, state: found.state, on, by: by.clone() })
        }
        _ => Ok(found),
    }
}

/// Publishes a draft that another person made, and counts its year.
pub async fn publish(
    pool: &PgPool,
    today: NaiveDate,
    actor: &str,
    evaluation: i64,
    document: &str,
) -> Result<PublishedParks, PublishError> {
    let document = document.trim();
    if document.is_empty() {
        return Err(PublishError::NoWords { what: "the publication of an evaluation", flag: "--document" });
    }
    let mut write = Write::begin(pool, actor, "park-publish").await?;
    let found = park::read(write.connection(), evaluation).await?.ok_or(ParkError::Unknown(evaluation))?;
    let found = draft(found)?;
    let by = crate::store::review::life::person(write.connection(), actor).await?;
    if found.made_by == by {
        return Err(PublishError::Own { evaluation, maker: by });
    }
    let scheme = &found.scheme_name;
    if let Some((published, other)) = life::last_published(write.connection(), scheme).await?
        && published >= found.year
    {
        return Err(ParkError::Published { evaluation: other, scheme: scheme.clone(), published }.into());
    }
    let before: BTreeMap<String, Record> = life::standings(write.connection(), None, Some(scheme))
        .await?
        .into_iter()
        .map(|one| (one.park, one.record))
        .collect();
    let (mut notified, mut delisted, mut cleared, mut counted) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (park, came_to) in life::came_to(write.connection(), evaluation).await? {
        let stood = before.get(&park).copied().unwrap_or(Record::NEW);
        let stands = stood
            .count(found.year, came_to)
            .map_err(|source| PublishError::NotCounted { park: park.clone(), source })?;
        match (stood.standing, stands.standing) {
            (Standing::Good, Standing::Notified { .. }) => notified.push(park.clone()),
            (_, Standing::Delisted { .. }) => delisted.push(park.clone()),
            (Standing::Notified { .. }, Standing::Good) => cleared.push(park.clone()),
            _ => {}
        }
        counted.push((park, came_to.name(), stands));
    }
    life::step(&mut write, evaluation, "publish", today, document, actor).await?;
    life::stand(&mut write, scheme, Some((evaluation, found.year)), &counted).await?;
    let facts = json!({ "cleared": cleared, "delisted": delisted, "document": document, "made_by": found.made_by,
        "notified": notified, "on": today, "scheme": found.label(), "year": found.year });
    let revision = write.commit(Audit { subject: format!("park evaluation {evaluation}"), facts }).await?;
    Ok(PublishedParks { evaluation, notified, delisted, cleared, revision })
}

/// Gives a draft up.
pub async fn cancel(
    pool: &PgPool,
    today: NaiveDate,
    actor: &str,
    evaluation: i64,
    reason: &str,
) -> Result<i64, PublishError> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(PublishError::NoWords { what: "giving up an evaluation", flag: "--reason" });
    }
    let mut write = Write::begin(pool, actor, "park-cancel").await?;
    let found = park::read(write.connection(), evaluation).await?.ok_or(ParkError::Unknown(evaluation))?;
    let found = draft(found)?;
    life::step(&mut write, evaluation, "cancel", today, reason, actor).await?;
    let facts = json!({ "on": today, "reason": reason, "scheme": found.label(), "year": found.year });
    Ok(write.commit(Audit { subject: format!("park evaluation {evaluation}"), facts }).await?)
}
