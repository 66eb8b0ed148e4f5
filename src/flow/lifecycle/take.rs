//! Lives told in a file, as a bureau tells them of a whole city: each parcel's deeds in their order, tried one after the
//! other as if they were done singly. A life is taken whole or not at all, and what does not hold is said row by row.

use super::{LifecycleError, conditions, money};
use crate::domain::finding::Fault;
use crate::domain::id::ParcelCode;
use crate::domain::lifecycle::money::Effect;
use crate::domain::lifecycle::rule::Rule;
use crate::domain::lifecycle::{Act, Deed, State};
use crate::exchange::lives::{self, Told};
use crate::exchange::receipt::{FINDINGS_KEPT, Receipt};
use crate::exchange::{ReadError, name_of};
use crate::flow::rules;
use crate::store::lifecycle::{self as register, Known, Step};
use crate::store::rulebook;
use crate::store::write::{Audit, Write};
use chrono::NaiveDate;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Why no life was taken. Nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum TakeError {
    /// The file says nothing that can be read.
    #[error(transparent)]
    File(#[from] ReadError),
    /// Not one life was taken; the receipt says why.
    #[error("{}", refusal(.0))]
    Refused(Box<Receipt>),
    /// The register or a rule could not be had.
    #[error(transparent)]
    Lifecycle(#[from] LifecycleError),
}

fn refusal(receipt: &Receipt) -> String {
    let mut text = "lives refused, nothing was stored".to_owned();
    for finding in receipt.findings.iter().take(10) {
        text.push_str("\n  ");
        text.push_str(&finding.sentence());
    }
    text
}

/// A state of a life that holds, with the state before it and the deed that led from there; `money` is what is stated.
struct Made {
    step: Step,
    by: Option<(State, Deed)>,
}

/// What is wrong with one row: code, field, value, what would be right.
type Wrong = (&'static str, &'static str, String, String);

/// Takes the lives that a file tells.
pub async fn take(pool: &PgPool, today: NaiveDate, actor: &str, path: &Path) -> Result<Receipt, TakeError> {
    let told = lives::read(path)?;
    let file = name_of(path);
    let mut of_parcel: BTreeMap<&str, Vec<&Told>> = BTreeMap::new();
    for row in &told {
        of_parcel.entry(&row.parcel).or_default().push(row);
    }
    let codes: Vec<String> = of_parcel.keys().map(|code| (*code).to_owned()).collect();
    let named = |row: &Told| row.facts.get("contract").and_then(Value::as_str).map(str::to_owned);
    let contracts: BTreeSet<String> = told.iter().filter_map(named).collect();
    let mut write = Write::begin(pool, actor, "lifecycle-take").await.map_err(LifecycleError::from)?;
    let known = register::known(write.connection(), &codes).await.map_err(LifecycleError::from)?;
    let contracts: BTreeSet<String> =
        register::contracts(write.connection(), &contracts.into_iter().collect::<Vec<_>>())
            .await
            .map_err(LifecycleError::from)?
            .into_iter()
            .collect();
    let mut receipt = Receipt {
        dataset: "lives".to_owned(),
        files: vec![file.clone()],
        read: told.len() as u64,
        ..Receipt::default()
    };
    let book = rules::rulebook().map_err(LifecycleError::from)?;
    rulebook::record(&mut write, &book.values).await.map_err(LifecycleError::from)?;
    let mut steps = Vec::new();
    for (code, rows) in of_parcel {
        let count = rows.len() as u64;
        let told = match chain(code, &rows, known.get(code), &contracts, today)? {
            Ok(Some(made)) => priced(write.connection(), &rows, made).await?.map(Some),
            Ok(None) => Ok(None),
            Err(wrong) => Err(wrong),
        };
        match told {
            Ok(None) => receipt.unchanged += count,
            Ok(Some(made)) => {
                receipt.accepted += count;
                steps.extend(made);
            }
            Err((row, wrong)) => {
                receipt.refused += count;
                note(&mut receipt, row, &file, code, wrong);
            }
        }
    }
    if receipt.accepted == 0 {
        write.abandon().await.map_err(LifecycleError::from)?;
        return if receipt.refused > 0 && receipt.unchanged == 0 {
            Err(TakeError::Refused(Box::new(receipt)))
        } else {
            Ok(receipt)
        };
    }
    register::fill(&mut write, &steps).await.map_err(LifecycleError::from)?;
    let facts = json!({ "accepted": receipt.accepted, "refused": receipt.refused, "unchanged": receipt.unchanged });
    let audit = Audit { subject: "lives".to_owned(), facts };
    receipt.revision = Some(write.commit(audit).await.map_err(LifecycleError::from)?);
    Ok(receipt)
}

fn note(receipt: &mut Receipt, row: u64, file: &str, code: &str, (what, field, value, expected): Wrong) {
    if receipt.findings.len() >= FINDINGS_KEPT {
        receipt.findings_left_out += 1;
        return;
    }
    let fault = Fault::error(what, Some(field), Some(&value), expected);
    receipt.findings.push(fault.at(file, Some(row), Some(code)));
}

/// What comes of the rows of a parcel: its new states, or the first row that does not hold with what is wrong with it.
type Chained = Result<Option<Vec<Made>>, (u64, Wrong)>;

/// The states through which the rows of a parcel lead it; nothing where the register knows them all, and the first row that
/// does not hold with what is wrong with it.
fn chain(
    code: &str,
    rows: &[&Told],
    known: Option<&Known>,
    contracts: &BTreeSet<String>,
    today: NaiveDate,
) -> Result<Chained, LifecycleError> {
    let first = rows.first().map_or(0, |row| row.row);
    if let Err(error) = ParcelCode::parse(code) {
        return Ok(Err((first, ("bad-parcel-code", "parcel_code", code.to_owned(), error.to_string()))));
    }
    let Some(known) = known else {
        let expected = "the code of a parcel in the register; import parcels first".to_owned();
        return Ok(Err((first, ("unknown-parcel", "parcel_code", code.to_owned(), expected))));
    };
    let mut steps: Vec<Made> = Vec::new();
    for row in rows {
        match step(row, steps.last().map(|made| &made.step), known, contracts, today)? {
            Ok(next) => {
                if let Some(last) = steps.last_mut() {
                    last.step.until = Some(next.step.since);
                }
                steps.push(next);
            }
            Err(wrong) => return Ok(Err((row.row, wrong))),
        }
    }
    let is_told = |made: &Made| {
        let step = &made.step;
        (step.since, step.deed.clone(), step.document.clone(), step.state.clone(), step.money.clone())
    };
    let as_told: Vec<_> = steps.iter().map(is_told).collect();
    if known.life.starts_with(&as_told) {
        return Ok(Ok(None));
    }
    if let Some((since, _, _, state, _)) = known.life.last() {
        let value = format!("{} since {since}", state.name());
        let expected = "a parcel without a life on record; move it on, or withdraw what is wrong (landcycle lifecycle)";
        return Ok(Err((first, ("has-life", "deed", value, expected.to_owned()))));
    }
    Ok(Ok(Some(steps)))
}

fn step(
    row: &Told,
    before: Option<&Step>,
    known: &Known,
    contracts: &BTreeSet<String>,
    today: NaiveDate,
) -> Result<Result<Made, Wrong>, LifecycleError> {
    let Ok(on) = row.on.parse::<NaiveDate>() else {
        return Ok(Err(("bad-date", "on", row.on.clone(), "a day such as 2026-06-30".to_owned())));
    };
    if on > today {
        let expected = format!("a day up to {today}: what is yet to come has not been done");
        return Ok(Err(("act-in-future", "on", row.on.clone(), expected)));
    }
    if row.document.is_empty() {
        let expected = "the number or title of the paper it rests on".to_owned();
        return Ok(Err(("document-missing", "document", String::new(), expected)));
    }
    if let Some(number) = row.facts.get("contract").and_then(Value::as_str).filter(|one| !contracts.contains(*one)) {
        let expected = "the number of a contract in the register; import contracts first".to_owned();
        return Ok(Err(("unknown-contract", "contract", number.to_owned(), expected)));
    }
    let stated = match stated(&row.money) {
        Ok(stated) => stated,
        Err(expected) => return Ok(Err(("bad-money", "money", row.money.clone(), expected))),
    };
    if before.is_none() && !stated.is_empty() {
        let expected = "nothing: a state that is found moves no money".to_owned();
        return Ok(Err(("bad-money", "money", row.money.clone(), expected)));
    }
    let book = rules::rulebook()?;
    let state = match before {
        None if row.deed == "found" => {
            if !known.law.iter().any(|days| days.0.is_none_or(|from| from <= on) && days.1.is_none_or(|to| on < to)) {
                let expected = "a day on which the parcel is law".to_owned();
                return Ok(Err(("not-law-that-day", "on", row.on.clone(), expected)));
            }
            let word = row.facts.get("state").and_then(Value::as_str).unwrap_or_default();
            read::<State>("state", word, row).map(|state| (state, None, Rule::found()))
        }
        None => {
            let expected = "found, and the state in which the register meets the parcel, in its first row".to_owned();
            Err(("life-begins-otherwise", "deed", row.deed.clone(), expected))
        }
        Some(before) => match read::<Deed>("deed", &row.deed, row) {
            Err(wrong) => Err(wrong),
            Ok(deed) => {
                let refused = |error: String| ("move-refused", "deed", row.deed.clone(), error);
                match conditions(&deed, on) {
                    Err(LifecycleError::Refused(error)) => Err(refused(error.to_string())),
                    Err(other) => return Err(other),
                    Ok(()) => {
                        let act = Act { on, document: row.document.clone(), deed: deed.clone() };
                        let next = before.state.clone().make(before.since, act);
                        next.map_err(|error| refused(error.to_string())).map(|state| {
                            let rule = Rule::of(&before.state, &deed, &state, book, on);
                            (state, Some((before.state.clone(), deed)), rule)
                        })
                    }
                }
            }
        },
    };
    Ok(state.map(|(state, by, rule)| {
        let (deed, document) = (row.deed.clone(), row.document.clone());
        let step = Step { parcel: known.id, since: on, until: None, state, deed, document, rule, money: stated };
        Made { step, by }
    }))
}

/// The money that a cell states.
fn stated(cell: &str) -> Result<Vec<Effect>, String> {
    cell.split(';').map(str::trim).filter(|one| !one.is_empty()).map(Effect::parse).collect()
}

/// The states of a life with what each cost or gave back; the first row that states more than the law allows.
async fn priced(
    connection: &mut PgConnection,
    rows: &[&Told],
    made: Vec<Made>,
) -> Result<Result<Vec<Step>, (u64, Wrong)>, LifecycleError> {
    let mut steps = Vec::with_capacity(made.len());
    for (row, Made { mut step, by }) in rows.iter().zip(made) {
        if let Some((from, deed)) = by {
            step.money = match money::of(connection, &from, &deed, step.since, &step.money).await {
                Ok(money) => money,
                Err(LifecycleError::Refused(error)) => {
                    return Ok(Err((row.row, ("bad-money", "money", row.money.clone(), error.to_string()))));
                }
                Err(other) => return Err(other),
            };
        }
        steps.push(step);
    }
    Ok(Ok(steps))
}

/// A state or a deed out of its word and the facts of its row.
fn read<T: DeserializeOwned>(tag: &'static str, word: &str, row: &Told) -> Result<T, Wrong> {
    let mut fields = row.facts.clone();
    fields.insert(tag.to_owned(), json!(word));
    serde_json::from_value(Value::Object(fields))
        .map_err(|error| ("bad-facts", tag, word.to_owned(), error.to_string()))
}
