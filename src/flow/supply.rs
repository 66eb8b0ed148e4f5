//! The supply ledger: what the register knows, held against the targets that the rulebook names for each year.

use super::names::{UnknownName, unknown_district};
use super::rules::{self, RulesError};
use crate::domain::quantity::Mu;
use crate::domain::rulebook::keys;
use crate::domain::supply::{Target, Year, years};
use crate::store::StoreError;
use crate::store::supply::{self, Kept};
use crate::store::write::{Audit, Write};
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::json;
use sqlx::PgPool;

/// Why there is no ledger, or nothing was withdrawn.
#[derive(Debug, thiserror::Error)]
pub enum SupplyError {
    /// No such entry.
    #[error("there is no entry {0} in the supply ledger; landcycle supply list names them")]
    Unknown(String),
    /// Nobody said why.
    #[error("an entry is withdrawn for a reason; name it with --reason")]
    NoReason,
    /// No such district.
    #[error(transparent)]
    NoName(#[from] UnknownName),
    /// The rules could not be had.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SupplyError {
    /// Whether the question is at fault rather than the machine.
    pub fn is_refusal(&self) -> bool {
        !matches!(self, Self::Rules(_) | Self::Store(_))
    }
}

/// What is asked of the ledger.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// Only this year.
    pub year: Option<i32>,
    /// Only this district.
    pub district: Option<String>,
    /// As believed at that time, not now.
    pub known_at: Option<DateTime<Utc>>,
}

/// The ledger with its account.
#[derive(Debug, Clone)]
pub struct Account {
    /// The newest revision that it knows.
    pub revision: i64,
    /// The years.
    pub years: Vec<Year>,
    /// The entries behind them.
    pub entries: Vec<Kept>,
}

/// Reads the ledger and sums it. A target is the whole city's: a district alone has none.
pub async fn account(pool: &PgPool, question: &Question) -> Result<Account, SupplyError> {
    if let Some(unknown) = unknown_district(pool, question.district.as_deref()).await? {
        return Err(unknown.into());
    }
    let rulebook = rules::rulebook()?;
    let target = |year: i32| {
        let day = NaiveDate::from_ymd_opt(year, 12, 31).filter(|_| question.district.is_none())?;
        let value = rulebook.on(keys::SUPPLY_MU, day).ok()?;
        Some(Target { least: Mu(value.value), source: value.source.clone() })
    };
    let found = supply::read(pool, question.district.as_deref(), question.year, question.known_at).await?;
    let entries = found.entries.iter().map(|entry| (entry.year, entry.source, entry.area));
    Ok(Account { revision: found.revision, years: years(entries, question.year, target), entries: found.entries })
}

/// Takes an entry back, which was made in error. Answers the revision.
pub async fn withdraw(pool: &PgPool, actor: &str, number: &str, reason: &str) -> Result<i64, SupplyError> {
    if reason.trim().is_empty() {
        return Err(SupplyError::NoReason);
    }
    let mut write = Write::begin(pool, actor, "withdraw-supply").await?;
    let found = supply::withdraw(&mut write, number).await?;
    let (parcel, year) = found.ok_or_else(|| SupplyError::Unknown(number.to_owned()))?;
    let facts = json!({ "entry": number, "parcel": parcel, "reason": reason.trim(), "year": year });
    Ok(write.commit(Audit { subject: format!("supply entry {number}"), facts }).await?)
}
