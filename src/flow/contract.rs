//! What contracts ask for by when: the register's facts meet the rules and the calendar of the day.

use super::rules::{self, RulesError};
use crate::domain::contract::agenda::{Agenda, agenda};
use crate::domain::contract::tracks::Limits;
use crate::store::{self, StoreError};
use chrono::{Days, NaiveDate};
use sqlx::PgPool;

/// Why no list could be made.
#[derive(Debug, thiserror::Error)]
pub enum ContractError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The rules could not be had.
    #[error(transparent)]
    Rules(#[from] RulesError),
}

/// What falls due within some days of a day, and what is overdue on it; of one responsible body, or of all.
pub async fn falling_due(
    pool: &PgPool,
    day: NaiveDate,
    within: Days,
    body: Option<&str>,
) -> Result<Agenda, ContractError> {
    let contracts = store::clock::watched(pool, day).await?;
    Ok(agenda(&contracts, rules::calendar()?, &Limits::in_force(rules::rulebook()?, day), day, within, body))
}
