//! A parcel moves on in its life: its state is read, the deed is tried on it, and what comes out is kept, all in one
//! transaction, so that two people who act at once meet each other.

mod money;
pub mod take;

use super::rules::{self, RulesError};
use crate::domain::lifecycle::money::Effect;
use crate::domain::lifecycle::rule::Rule;
use crate::domain::lifecycle::{Act, Deed, Refused, State};
use crate::domain::moment::Moment;
use crate::domain::rulebook::keys;
use crate::store::lifecycle::{self, Stay, Step};
use crate::store::write::{Audit, Write};
use crate::store::{StoreError, lineage, rulebook};
use chrono::{Days, NaiveDate};
use serde_json::json;
use sqlx::PgPool;

/// Why a parcel did not move. Nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum LifecycleError {
    /// No such parcel.
    #[error("there is no parcel {0} in the register")]
    Unknown(String),
    /// No such contract.
    #[error("there is no contract {0} in the register; import it first")]
    UnknownContract(String),
    /// It is not law on the day.
    #[error("parcel {code} is not law on {on}; a state is recorded of land that is there")]
    NotLaw {
        /// The parcel.
        code: String,
        /// The day.
        on: NaiveDate,
    },
    /// It has no state from which to move.
    #[error(
        "parcel {0} has no state on record yet; record first in what state it was found (landcycle lifecycle found)"
    )]
    NoState(String),
    /// It has a state already.
    #[error("parcel {code} is on record as {state} since {since}; it is moved from there, and found only once")]
    HasState {
        /// The parcel.
        code: String,
        /// Its state.
        state: &'static str,
        /// Since when.
        since: NaiveDate,
    },
    /// There is no earlier state to return to.
    #[error("parcel {0} has only the state in which it was found; there is none before it to return to")]
    NothingBefore(String),
    /// An event ended the parcel, and is not taken back.
    #[error(
        "the life of parcel {0} ended with an event of lineage, which stays; what followed: landcycle lineage show {0}"
    )]
    Ended(String),
    /// The law says no.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The rules could not be had.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A move that was made.
#[derive(Debug, Clone)]
pub struct Moved {
    /// The state before; nothing where the parcel was found.
    pub from: Option<State>,
    /// The state now.
    pub to: State,
    /// The rule by which it moved; nothing where a state was taken back.
    pub rule: Option<Rule>,
    /// What that costs or gives back.
    pub money: Vec<Effect>,
    /// The revision that says so.
    pub revision: i64,
}

/// Does a deed to a parcel. What money its document states goes before what the rules make of it.
pub async fn act(
    pool: &PgPool,
    today: NaiveDate,
    actor: &str,
    code: &str,
    act: Act,
    stated: &[Effect],
) -> Result<Moved, LifecycleError> {
    past(today, act.deed.name(), act.on)?;
    let mut write = Write::begin(pool, actor, "lifecycle-move").await?;
    let (id, newest) = newest(&mut write, code).await?;
    let stay = newest.ok_or_else(|| LifecycleError::NoState(code.to_owned()))?;
    let (on, document, deed) = (act.on, act.document.clone(), act.deed.clone());
    if let Deed::Sign { contract } | Deed::AmendContract { contract } | Deed::RenewTerm { contract } = &act.deed
        && !lifecycle::has_contract(write.connection(), contract).await?
    {
        return Err(LifecycleError::UnknownContract(contract.clone()));
    }
    conditions(&act.deed, on)?;
    let to = stay.state.clone().make(stay.from, act)?;
    let book = rules::rulebook()?;
    // What is quoted must be on record.
    rulebook::record(&mut write, &book.values).await?;
    let rule = Rule::of(&stay.state, &deed, &to, book, on);
    let money = money::of(write.connection(), &stay.state, &deed, on, stated).await?;
    let step =
        Step { parcel: id, since: on, until: None, state: to, deed: deed.name().to_owned(), document, rule, money };
    keep(write, code, Some(stay.state), step).await
}

/// What the rulebook of the day has against a deed, whatever the parcel.
fn conditions(deed: &Deed, on: NaiveDate) -> Result<(), LifecycleError> {
    if let Deed::NearExpiry { term_ends_on } = deed {
        let months = rules::rulebook()?.months(keys::APPLICATION_MONTHS, on).map_err(rules::of_values)?;
        let from = term_ends_on.checked_sub_months(months).unwrap_or(NaiveDate::MIN);
        if on < from {
            let reason = format!("the term that ends on {term_ends_on} is near its end from {from}");
            return Err(Refused::Condition { deed: deed.name(), on, reason }.into());
        }
    }
    if let Deed::DecideDisposal { notice_until, .. } = deed {
        let days = rules::value(rules::rulebook()?, keys::TAKE_BACK_NOTICE_DAYS, on)?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rulebook has no negative values"
        )]
        let least = on.checked_add_days(Days::new(days as u64)).unwrap_or(NaiveDate::MAX);
        if *notice_until < least {
            let reason = format!("public notice runs for at least {days} days, so until {least} or later");
            return Err(Refused::Condition { deed: deed.name(), on, reason }.into());
        }
    }
    Ok(())
}

/// Records in what state the register met a parcel.
pub async fn find(
    pool: &PgPool,
    today: NaiveDate,
    actor: &str,
    code: &str,
    state: State,
    on: NaiveDate,
    document: &str,
) -> Result<Moved, LifecycleError> {
    if document.trim().is_empty() {
        return Err(Refused::NoDocument { deed: "found" }.into());
    }
    past(today, "found", on)?;
    let mut write = Write::begin(pool, actor, "lifecycle-found").await?;
    if let Some(contract) = state.contract()
        && !lifecycle::has_contract(write.connection(), &contract).await?
    {
        return Err(LifecycleError::UnknownContract(contract));
    }
    if !lifecycle::is_law(write.connection(), code, on).await? {
        return Err(LifecycleError::NotLaw { code: code.to_owned(), on });
    }
    let (id, newest) = newest(&mut write, code).await?;
    if let Some(stay) = newest {
        return Err(LifecycleError::HasState { code: code.to_owned(), state: stay.state.name(), since: stay.from });
    }
    let (deed, document) = ("found".to_owned(), document.to_owned());
    let step =
        Step { parcel: id, since: on, until: None, state, deed, document, rule: Rule::found(), money: Vec::new() };
    keep(write, code, None, step).await
}

/// Takes back the newest state of a parcel, which was entered in error.
pub async fn withdraw(pool: &PgPool, actor: &str, code: &str, reason: &str) -> Result<Moved, LifecycleError> {
    if reason.trim().is_empty() {
        return Err(Refused::NoDocument { deed: "withdraw" }.into());
    }
    let mut write = Write::begin(pool, actor, "lifecycle-withdraw").await?;
    let (id, newest) = newest(&mut write, code).await?;
    let wrong = newest.ok_or_else(|| LifecycleError::NoState(code.to_owned()))?;
    if matches!(wrong.state, State::Succeeded { .. } | State::Retired { .. })
        && lineage::is_ended(write.connection(), id).await?
    {
        return Err(LifecycleError::Ended(code.to_owned()));
    }
    let before = life_of(&mut write, code).await?.into_iter().rev().nth(1);
    let before = before.ok_or_else(|| LifecycleError::NothingBefore(code.to_owned()))?;
    lifecycle::withdraw(&mut write, id).await?;
    let facts = json!({ "withdrawn": wrong.state, "again": before.state, "reason": reason });
    let revision = write.commit(Audit { subject: format!("parcel {code}"), facts }).await?;
    Ok(Moved { from: Some(wrong.state), to: before.state, rule: None, money: Vec::new(), revision })
}

/// What is yet to come has not been done: on record, it would stand in the way of all that happens before it.
fn past(today: NaiveDate, deed: &'static str, on: NaiveDate) -> Result<(), Refused> {
    if on > today {
        let reason = format!("the day is yet to come (today is {today}); record it when it is done");
        return Err(Refused::Condition { deed, on, reason });
    }
    Ok(())
}

async fn life_of(write: &mut Write, code: &str) -> Result<Vec<Stay>, StoreError> {
    // Every state believed now, whatever its days.
    lifecycle::life(write.connection(), code, &Moment { valid_at: NaiveDate::MAX, known_at: None }).await
}

async fn newest(write: &mut Write, code: &str) -> Result<(i64, Option<Stay>), LifecycleError> {
    let found = lifecycle::parcel_id(write.connection(), code).await?;
    let id = found.ok_or_else(|| LifecycleError::Unknown(code.to_owned()))?;
    Ok((id, life_of(write, code).await?.pop()))
}

async fn keep(mut write: Write, code: &str, from: Option<State>, step: Step) -> Result<Moved, LifecycleError> {
    lifecycle::begin(&mut write, &step).await?;
    let facts = json!({
        "deed": step.deed, "document": step.document, "from": from, "money": step.money, "on": step.since,
        "rule": step.rule.id, "to": step.state,
    });
    let revision = write.commit(Audit { subject: format!("parcel {code}"), facts }).await?;
    Ok(Moved { from, to: step.state, rule: Some(step.rule), money: step.money, revision })
}
