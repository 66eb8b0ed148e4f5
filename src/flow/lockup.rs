//! The two locks at work: the rules are recorded before a write begins, and what it did is judged before it ends. Rows that
//! a lock does not let through are taken back and said; the others stay.

use super::import::ImportError;
use super::rules::{self, RulesError};
use crate::domain::finding::{Fault, Finding};
use crate::domain::intake::Kind;
use crate::store::lockup::{self as register, Refusal};
use crate::store::stage::{Merged, Refused, Staging};
use crate::store::write::{Audit, Write};
use crate::store::{self, StoreError};
use serde_json::json;
use sqlx::{PgConnection, PgPool};

/// Why the rules could not be recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The rules could not be had.
    #[error(transparent)]
    Rules(#[from] RulesError),
}

/// Records the rules that this program reckons with, before anything is written under them.
pub async fn record(write: &mut Write) -> Result<(), RecordError> {
    store::rulebook::record(write, &rules::rulebook()?.values).await?;
    register::record(write, rules::lockup()?, rules::land_uses()?).await?;
    Ok(())
}

/// Makes the schema, brings its tables up to date, and records the rules where none are on record, so that they hold
/// before anything else is written, whoever writes. It changes no rule: whoever only looks, perhaps under other rules than
/// the register's, must not. Where nothing is to be done it waits for no writer.
pub async fn open(pool: &PgPool, schema: &str, actor: &str) -> Result<(), RecordError> {
    store::migrate(pool, schema).await?;
    let mut connection = pool.acquire().await.map_err(StoreError::from)?;
    let has_rules = register::has_rules(&mut connection).await?;
    drop(connection);
    if has_rules { Ok(()) } else { record_now(pool, actor).await }
}

/// The same, and puts the rules of this program in the place of others that are on record. Safe to repeat.
pub async fn migrate(pool: &PgPool, schema: &str, actor: &str) -> Result<(), RecordError> {
    store::migrate(pool, schema).await?;
    let mut connection = pool.acquire().await.map_err(StoreError::from)?;
    let is_recorded = is_recorded(&mut connection).await?;
    drop(connection);
    if is_recorded { Ok(()) } else { record_now(pool, actor).await }
}

/// Records the rules in a revision of their own, unless another program was quicker.
async fn record_now(pool: &PgPool, actor: &str) -> Result<(), RecordError> {
    let mut write = Write::begin(pool, actor, register::RECORDING).await?;
    if is_recorded(write.connection()).await? {
        write.abandon().await?;
        return Ok(());
    }
    record(&mut write).await?;
    write.commit(Audit { subject: "lockup".to_owned(), facts: json!({}) }).await?;
    Ok(())
}

/// Whether the register reckons with just the rules of this program.
async fn is_recorded(connection: &mut PgConnection) -> Result<bool, RecordError> {
    Ok(register::is_recorded(connection, rules::lockup()?, rules::land_uses()?).await?
        && store::rulebook::is_recorded(connection, &rules::rulebook()?.values).await?)
}

/// What became of rows that were merged under the locks.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// The rows that went through.
    pub merged: Merged,
    /// Those that a lock refused.
    pub refused: Vec<(Refused, Refusal)>,
    /// Projects that begin on days on which nobody knows the plan.
    pub unplanned: u64,
    /// What a lock refuses although no row speaks of it: then nothing is taken.
    pub adrift: Vec<Refusal>,
}

/// Merges the staged rows as far as the locks let them through. Whether a row takes locked land shows only when the others
/// are there, because land may go from one parcel to another: so all are merged and judged, and if any is refused, all is
/// taken back and done without it.
pub(super) async fn merge(write: &mut Write, staging: &Staging, kind: Kind) -> Result<Outcome, ImportError> {
    if !matches!(kind, Kind::Zones | Kind::Parcels | Kind::Contracts) {
        return Ok(Outcome { merged: staging.merge(write).await?, ..Outcome::default() });
    }
    let mut outcome = Outcome::default();
    register::hold(write).await?;
    loop {
        outcome.merged = staging.merge(write).await?;
        outcome.unplanned = match kind {
            Kind::Contracts => register::unplanned(write).await?.unsigned_abs(),
            _ => 0,
        };
        let refusals = register::judge(write).await?;
        if refusals.is_empty() {
            return Ok(outcome);
        }
        register::take_back(write).await?;
        let refused = register::refuse_staged(write, kind, &refusals).await?;
        if refused.is_empty() {
            outcome.adrift = refusals;
            return Ok(outcome);
        }
        outcome.refused.extend(refused);
    }
}

/// A refusal as a finding: the facts, the rule, its citation and what would help.
pub(super) fn finding(refusal: &Refusal, file: &str, row: Option<u64>, key: &str) -> Finding {
    let fault = Fault::error("", None, Some(&refusal.facts), refusal.remedy.clone());
    let mut finding = fault.at(file, row, Some(key));
    finding.code = refusal.finding.clone();
    finding.facts.insert("deed".into(), refusal.deed.clone().into());
    finding.facts.insert("day".into(), refusal.day.to_string().into());
    finding.facts.insert("rule".into(), refusal.rule.clone().into());
    finding.facts.insert("citation".into(), refusal.citation.clone().into());
    if let Some(area_m2) = refusal.area_m2 {
        finding.facts.insert("area_m2".into(), area_m2.into());
    }
    finding
}

/// What is worth a look where projects begin on days of no plan.
pub(super) fn unplanned(count: u64, file: &str) -> Option<Finding> {
    if count == 0 {
        return None;
    }
    let value = format!("{count} contracts signed on days on which no zone is law");
    let expected = "zones that are law on those days; import them, and landcycle check finds projects outside them";
    let mut finding =
        Fault::error("plan-unknown", Some("signed_on"), Some(&value), expected).as_warning().at(file, None, None);
    finding.facts.insert("rows".into(), count.into());
    Some(finding)
}
