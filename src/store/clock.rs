//! What clocks look at: the contracts of a day with their obligations, the decisions about those, and their bonds.

use super::StoreError;
use super::amendment::{Amendment, amendments};
use crate::domain::contract::agenda::{Held, HeldBond, Watched};
use crate::domain::contract::bond::{BondPart, Settlement, SettlementKind};
use crate::domain::contract::due::{DueColumns, DueRule};
use crate::domain::contract::obligation::{Act, ActKind, Excuse, ObligationKind, YearFact};
use crate::domain::moment::Moment;
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{Connection as _, PgConnection, PgPool};
use std::collections::HashMap;

/// Every contract that is law on a day, with everything that has a clock, in one moment; in the order of numbers.
pub async fn watched(pool: &PgPool, day: NaiveDate) -> Result<Vec<Watched>, StoreError> {
    let mut connection = pool.acquire().await?;
    let mut tx = connection.begin().await?;
    sqlx::raw_sql("set transaction isolation level repeatable read, read only").execute(&mut *tx).await?;
    let contracts = read(&mut tx, &Moment::on(day), None).await?;
    tx.commit().await?;
    Ok(contracts)
}

/// The same at any moment, of some parcels or of all, inside a transaction of the caller's.
pub async fn read(
    connection: &mut PgConnection,
    moment: &Moment,
    parcels: Option<&[String]>,
) -> Result<Vec<Watched>, StoreError> {
    let (day, known_at) = (moment.valid_at, moment.known_at);
    let mut contracts: Vec<Watched> = sqlx::query!(
        r#"select number, parcel, responsible_unit, signed_on, paid_on, handed_over_on, term_ends_on, performance_terms,
               review_years
           from contract where recorded @> coalesce($2::timestamptz, 'infinity') and valid @> $1::date
             and ($3::text[] is null or parcel = any($3)) order by number collate "C""#,
        day,
        known_at,
        parcels
    )
    .fetch_all(&mut *connection)
    .await?
    .into_iter()
    .map(|row| Watched {
        number: row.number,
        parcel: row.parcel,
        responsible_unit: row.responsible_unit,
        signed_on: row.signed_on,
        paid_on: row.paid_on,
        handed_over_on: row.handed_over_on,
        term_ends_on: row.term_ends_on,
        term_by: None,
        amends: None,
        performance_terms: row.performance_terms,
        review_years: row.review_years,
        duties: Vec::new(),
        bonds: Vec::new(),
    })
    .collect();
    amend(&mut contracts, amendments(connection, moment, parcels).await?);
    let place: HashMap<String, usize> =
        contracts.iter().enumerate().map(|(index, one)| (one.number.clone(), index)).collect();
    // Of some parcels only what their own contracts say; of all, everything, without a list of every number.
    let numbers: Option<Vec<String>> = parcels.map(|_| contracts.iter().map(|one| one.number.clone()).collect());
    let mut acts = acts(connection, known_at, numbers.as_deref()).await?;
    let mut years = years(connection, known_at, numbers.as_deref()).await?;
    let rows = sqlx::query!(
        r#"select number, contract, kind, due_on, due_after, due_count, due_unit, due_yearly, due_from_year, due_to_year,
               target, unit, at_most, met_on, achieved, excuse, body
           from obligation where recorded @> coalesce($2::timestamptz, 'infinity') and valid @> $1::date
             and ($3::text[] is null or contract = any($3))
           order by contract collate "C", number collate "C""#,
        day,
        known_at,
        numbers.as_deref()
    )
    .fetch_all(&mut *connection)
    .await?;
    for row in rows {
        let Some(contract) = place.get(&row.contract) else { continue };
        let due = DueRule::of(&DueColumns {
            on: row.due_on,
            after: row.due_after,
            count: row.due_count,
            unit: row.due_unit,
            yearly: row.due_yearly,
            from_year: row.due_from_year,
            to_year: row.due_to_year,
        });
        contracts[*contract].duties.push(Held {
            kind: word(&ObligationKind::WORDS, &row.kind, "obligation", "kind", &row.number)?,
            due,
            target: row.target,
            unit: row.unit,
            at_most: row.at_most,
            met_on: row.met_on,
            achieved: row.achieved,
            excuse: match row.excuse {
                None => None,
                Some(text) => Some(word(&Excuse::WORDS, &text, "obligation", "excuse", &row.number)?),
            },
            body: row.body,
            acts: acts.remove(&row.number).unwrap_or_default(),
            years: years.remove(&row.number).unwrap_or_default(),
            number: row.number,
        });
    }
    let rows = sqlx::query!(
        r#"select contract, part, amount_wan_yuan, due_on, paid_on, demanded_on, settled, settled_on, forfeited_wan_yuan
           from bond
           where recorded @> coalesce($2::timestamptz, 'infinity') and valid @> $1::date
             and ($3::text[] is null or contract = any($3)) order by contract collate "C", part"#,
        day,
        known_at,
        numbers.as_deref()
    )
    .fetch_all(&mut *connection)
    .await?;
    for row in rows {
        let Some(contract) = place.get(&row.contract) else { continue };
        contracts[*contract].bonds.push(HeldBond {
            part: word(&BondPart::WORDS, &row.part, "bond", "part", &row.contract)?,
            amount_wan_yuan: row.amount_wan_yuan,
            due_on: row.due_on,
            paid_on: row.paid_on,
            demanded_on: row.demanded_on,
            settled: match row.settled.zip(row.settled_on) {
                None => None,
                Some((settled, on)) => {
                    let kind = word(&SettlementKind::WORDS, &settled, "bond", "settled", &row.contract)?;
                    Some(Settlement { kind, on, forfeited_wan_yuan: row.forfeited_wan_yuan })
                }
            },
        });
    }
    Ok(contracts)
}

/// Gives each contract the term that its supplements state, and the responsible unit. A supplement has no term of its own
/// to end or to be renewed.
fn amend(contracts: &mut [Watched], amendments: Vec<Amendment>) {
    let mut supplements: HashMap<String, String> = HashMap::new();
    for one in &amendments {
        supplements.extend(one.by_numbers.iter().map(|number| (number.clone(), one.number.clone())));
    }
    let mut amended: HashMap<String, Amendment> = amendments.into_iter().map(|one| (one.number.clone(), one)).collect();
    for contract in contracts {
        if let Some(amended) = supplements.remove(&contract.number) {
            contract.amends = Some(amended);
            contract.term_ends_on = None;
        } else if let Some(by) = amended.remove(&contract.number) {
            contract.term_ends_on = by.term_ends_on.or(contract.term_ends_on);
            contract.term_by = by.term_by;
            contract.performance_terms |= by.performance_terms;
            contract.responsible_unit = by.responsible_unit.or(contract.responsible_unit.take());
        }
    }
}

/// What came of single years, by the number of the obligation.
async fn years(
    connection: &mut PgConnection,
    known_at: Option<DateTime<Utc>>,
    contracts: Option<&[String]>,
) -> Result<HashMap<String, Vec<YearFact>>, StoreError> {
    let rows = sqlx::query!(
        "select obligation, year, met_on, achieved from obligation_year
         where recorded @> coalesce($1::timestamptz, 'infinity')
           and ($2::text[] is null or obligation in (select number from obligation where contract = any($2)))
         order by obligation, year",
        known_at,
        contracts
    )
    .fetch_all(connection)
    .await?;
    let mut years: HashMap<String, Vec<YearFact>> = HashMap::new();
    for row in rows {
        let fact = YearFact { year: row.year, met_on: row.met_on, achieved: row.achieved };
        years.entry(row.obligation).or_default().push(fact);
    }
    Ok(years)
}

/// What was decided, by the number of the obligation.
async fn acts(
    connection: &mut PgConnection,
    known_at: Option<DateTime<Utc>>,
    contracts: Option<&[String]>,
) -> Result<HashMap<String, Vec<Act>>, StoreError> {
    let rows = sqlx::query!(
        "select obligation, act, on_date, until, ground, document, year from obligation_act
         where recorded @> coalesce($1::timestamptz, 'infinity')
           and ($2::text[] is null or obligation in (select number from obligation where contract = any($2)))
         order by obligation, on_date, id",
        known_at,
        contracts
    )
    .fetch_all(connection)
    .await?;
    let mut acts: HashMap<String, Vec<Act>> = HashMap::new();
    for row in rows {
        let kind = word(&ActKind::WORDS, &row.act, "obligation_act", "act", &row.obligation)?;
        let act =
            Act { kind, on: row.on_date, until: row.until, ground: row.ground, document: row.document, year: row.year };
        acts.entry(row.obligation).or_default().push(act);
    }
    Ok(acts)
}

fn word<T: Copy>(
    words: &[(&str, T)],
    text: &str,
    table: &'static str,
    column: &'static str,
    row: &str,
) -> Result<T, StoreError> {
    words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or_else(|| StoreError::Value {
        table,
        column,
        row: row.to_owned(),
        value: text.to_owned(),
    })
}
