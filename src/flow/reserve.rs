//! The reserve of parks: its books as they stood on a day, balanced.

use super::names::{UnknownName, unknown_park};
use crate::domain::reserve::{Balance, Entry, Side, Unbalanced, balances, total};
use crate::store::StoreError;
use crate::store::reserve;
use crate::store::write::{Audit, Write};
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::json;
use sqlx::PgPool;
use std::collections::{BTreeMap, BTreeSet};

/// Why there is no balance, or nothing was withdrawn.
#[derive(Debug, thiserror::Error)]
pub enum ReserveError {
    /// No such entry.
    #[error("there is no entry {0} in the reserve; landcycle reserve list names them")]
    Unknown(String),
    /// Nobody said why.
    #[error("an entry is withdrawn for a reason; name it with --reason")]
    NoReason,
    /// Without the entry the rest would be no books.
    #[error("entry {number} stays, because without it {why}; withdraw what went out first")]
    StillNeeded {
        /// The entry.
        number: String,
        /// Why.
        why: Unbalanced,
    },
    /// Its land would come back into a lot while another holds it.
    #[error(
        "entry {number} stays, because without it parcel {parcel} would lie in lot {other} too; correct that lot first"
    )]
    HeldElsewhere {
        /// The entry.
        number: String,
        /// The parcel.
        parcel: String,
        /// The lot that holds it.
        other: String,
    },
    /// No such park.
    #[error(transparent)]
    NoName(#[from] UnknownName),
    /// What is stored is no books; the database refuses that, so someone touched it.
    #[error("the reserve does not balance")]
    Unbalanced(#[from] Unbalanced),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ReserveError {
    /// Whether the question is at fault rather than the machine.
    pub fn is_refusal(&self) -> bool {
        !matches!(self, Self::Unbalanced(_) | Self::Store(_))
    }
}

/// The books of a day.
#[derive(Debug, Clone)]
pub struct Books {
    /// The newest revision that they know.
    pub revision: i64,
    /// The day at whose end they stand.
    pub day: NaiveDate,
    /// The balances of the parks.
    pub parks: BTreeMap<String, Balance>,
    /// All parks together.
    pub total: Balance,
    /// The entries behind them.
    pub entries: Vec<Entry>,
}

/// Reads the books of all parks, or of one, as they stood at the end of a day.
pub async fn books(
    pool: &PgPool,
    day: NaiveDate,
    park: Option<&str>,
    known_at: Option<DateTime<Utc>>,
) -> Result<Books, ReserveError> {
    if let Some(unknown) = unknown_park(pool, park).await? {
        return Err(unknown.into());
    }
    let found = reserve::read(pool, day, known_at).await?;
    let mut entries = found.entries;
    if let Some(park) = park {
        let lots: BTreeSet<String> = entries
            .iter()
            .filter(|entry| matches!(&entry.side, Side::In { park: of, .. } if of == park))
            .map(|entry| entry.lot.clone())
            .collect();
        entries.retain(|entry| lots.contains(&entry.lot));
    }
    let parks = balances(&entries)?;
    let total = total(parks.values());
    Ok(Books { revision: found.revision, day, parks, total, entries })
}

/// Takes an entry back, which was made in error. Answers the revision.
pub async fn withdraw(pool: &PgPool, actor: &str, number: &str, reason: &str) -> Result<i64, ReserveError> {
    if reason.trim().is_empty() {
        return Err(ReserveError::NoReason);
    }
    let mut write = Write::begin(pool, actor, "withdraw-reserve").await?;
    let found = reserve::withdraw(&mut write, number).await?;
    let lot = found.ok_or_else(|| ReserveError::Unknown(number.to_owned()))?;
    let left = reserve::of_lot(write.connection(), &lot).await?;
    if let Err(why) = balances(&left) {
        return Err(ReserveError::StillNeeded { number: number.to_owned(), why });
    }
    if let Some((parcel, other)) = reserve::clash(write.connection(), &lot).await? {
        return Err(ReserveError::HeldElsewhere { number: number.to_owned(), parcel, other });
    }
    let facts = json!({ "entry": number, "lot": lot, "reason": reason.trim() });
    Ok(write.commit(Audit { subject: format!("reserve entry {number}"), facts }).await?)
}
