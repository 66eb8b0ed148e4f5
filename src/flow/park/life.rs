//! The life of a featured park, one move after the other, each with its document. An announcement lets a park that was
//! delisted begin anew, in the same transaction.

use crate::domain::park_evaluation::standing::{Act, MoveError, Stay, follow};
use crate::flow::names::{UnknownName, unknown_park};
use crate::store::StoreError;
use crate::store::park::life;
use crate::store::write::{Audit, Write};
use chrono::NaiveDate;
use serde_json::json;
use sqlx::PgPool;

/// Why a park did not move. Nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum ParkLifeError {
    /// No such park.
    #[error("no-such-park: {0}")]
    Unknown(UnknownName),
    /// The move is not to be made.
    #[error("{}: park {park}: {source}", .source.code())]
    Refused {
        /// The park.
        park: String,
        /// Why.
        source: MoveError,
    },
    /// It is yet to come.
    #[error("day-to-come: {on} is yet to come (today is {today}): what is entered has happened")]
    Future {
        /// The day.
        on: NaiveDate,
        /// Today.
        today: NaiveDate,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ParkLifeError {
    /// Whether what was asked for is at fault, rather than the machine.
    pub fn is_refusal(&self) -> bool {
        !matches!(self, Self::Store(_))
    }
}

/// What is entered of a park.
#[derive(Debug, Clone)]
pub struct ParkAct<'a> {
    /// Code of the park.
    pub park: &'a str,
    /// What happened.
    pub act: Act,
    /// On which day.
    pub on: NaiveDate,
    /// The document.
    pub document: &'a str,
}

/// A move that was made.
#[derive(Debug)]
pub struct ParkMoved {
    /// Where the park is now.
    pub stay: Stay,
    /// The schemes under which it was delisted and begins anew.
    pub anew: Vec<String>,
    /// The revision that says so.
    pub revision: i64,
}

/// Enters a move.
pub async fn enter(
    pool: &PgPool,
    today: NaiveDate,
    actor: &str,
    what: &ParkAct<'_>,
) -> Result<ParkMoved, ParkLifeError> {
    let ParkAct { park, act, on, document } = *what;
    if on > today {
        return Err(ParkLifeError::Future { on, today });
    }
    if let Some(unknown) = unknown_park(pool, Some(park)).await? {
        return Err(ParkLifeError::Unknown(unknown));
    }
    let document = document.trim();
    let mut write = Write::begin(pool, actor, "park-life").await?;
    let by = crate::store::review::life::person(write.connection(), actor).await?;
    let now = life::stay(write.connection(), park).await?;
    let stay = follow(now.as_ref(), act, on, document, &by)
        .map_err(|source| ParkLifeError::Refused { park: park.to_owned(), source })?;
    life::live(&mut write, park, act, &stay, document, actor).await?;
    let mut anew = Vec::new();
    if act == Act::Announce {
        for stands in life::standings(write.connection(), Some(park), None).await? {
            if let Some(record) = stands.record.announced() {
                life::stand(&mut write, &stands.scheme, None, &[(park.to_owned(), "announced", record)]).await?;
                anew.push(stands.scheme);
            }
        }
    }
    let facts = json!({ "act": act.name(), "anew": anew, "document": document, "from": now.map(|stay| stay.life.name()),
        "on": on, "to": stay.life.name() });
    let revision = write.commit(Audit { subject: format!("park {park}"), facts }).await?;
    Ok(ParkMoved { stay, anew, revision })
}
