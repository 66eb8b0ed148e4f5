//! Where parcels are in their lives: states in two times, each with the deed, the document and the rule that led to it, and
//! with the money that this moved.

use super::StoreError;
use super::write::Write;
use crate::domain::lifecycle::State;
use crate::domain::lifecycle::money::{Effect, Known as How};
use crate::domain::lifecycle::rule::Rule;
use crate::domain::moment::Moment;
use chrono::{DateTime, NaiveDate, Utc};
use serde::de::DeserializeOwned;
use sqlx::PgConnection;
use std::collections::BTreeMap;

/// A state that a parcel is or was in.
#[derive(Debug, Clone, PartialEq)]
pub struct Stay {
    /// The state.
    pub state: State,
    /// Since when.
    pub from: NaiveDate,
    /// The first day after it; nothing while it lasts, and the same day where the next deed followed at once.
    pub to: Option<NaiveDate>,
    /// What led to it.
    pub deed: String,
    /// The document that the deed rests on.
    pub document: String,
    /// The rule by which it led there; nothing where the state is older than the keeping of rules.
    pub rule: Option<Rule>,
    /// What that cost or gave back; nothing where the state is older than the keeping of money.
    pub money: Option<Vec<Effect>>,
    /// When the register learnt of it.
    pub recorded_at: DateTime<Utc>,
    /// Who entered it.
    pub actor: String,
}

/// The life of a parcel as believed at a moment, from the first state on.
pub async fn life(connection: &mut PgConnection, parcel: &str, moment: &Moment) -> Result<Vec<Stay>, StoreError> {
    let rows = sqlx::query!(
        r#"select s.since, case when isempty(s.valid) then s.since else upper(s.valid) end as to_on, s.facts::text as "facts!", s.deed, s.document,
               s.rule::text as rule, s.money::text as money, v.recorded_at, v.actor
           from parcel_state s join parcel p on p.id = s.parcel_id join revision v on v.id = s.revision
           where p.code = $1 and s.recorded @> coalesce($2::timestamptz, 'infinity') order by s.since, s.id"#,
        parcel,
        moment.known_at
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Stay {
                state: read("facts", parcel, row.facts)?,
                from: row.since,
                to: row.to_on,
                deed: row.deed,
                document: row.document,
                rule: row.rule.map(|text| read("rule", parcel, text)).transpose()?,
                money: row.money.map(|text| read("money", parcel, text)).transpose()?,
                recorded_at: row.recorded_at,
                actor: row.actor,
            })
        })
        .collect()
}

/// What a column of a state holds.
fn read<T: DeserializeOwned>(column: &'static str, parcel: &str, text: String) -> Result<T, StoreError> {
    serde_json::from_str(&text).map_err(|_| StoreError::Value {
        table: "parcel_state",
        column,
        row: parcel.to_owned(),
        value: text,
    })
}

/// Whether the register has a parcel of that code, and its number.
pub async fn parcel_id(connection: &mut PgConnection, code: &str) -> Result<Option<i64>, StoreError> {
    Ok(sqlx::query_scalar!("select id from parcel where code = $1", code).fetch_optional(connection).await?)
}

/// Whether the register has a contract of that number.
pub async fn has_contract(connection: &mut PgConnection, number: &str) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select exists (select from contract where number = $1 and upper_inf(recorded)) as "has!""#,
        number
    )
    .fetch_one(connection)
    .await?)
}

/// Whether a parcel is law on a day, by what is believed now.
pub async fn is_law(connection: &mut PgConnection, code: &str, on: NaiveDate) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select exists (
               select from parcel p join parcel_version v on v.parcel_id = p.id
               where p.code = $1 and upper_inf(v.recorded) and v.valid @> $2::date) as "is!""#,
        code,
        on
    )
    .fetch_one(connection)
    .await?)
}

/// Ends the state that a parcel is in on the day of a step and begins the next. What was believed about the days before stays.
pub async fn begin(write: &mut Write, step: &Step) -> Result<(), StoreError> {
    let at = write.recorded_at;
    sqlx::query!(
        "with closed as (
             update parcel_state t set recorded = tstzrange(lower(t.recorded), $3)
             where t.parcel_id = $1 and upper_inf(t.recorded) and upper_inf(t.valid)
             returning t.*)
         insert into parcel_state (parcel_id, since, valid, recorded, state, facts, deed, document, rule, money, revision)
         select parcel_id, since, daterange(since, $2), tstzrange($3, null), state, facts, deed, document, rule, money, revision
         from closed",
        step.parcel,
        step.since,
        at
    )
    .execute(write.connection())
    .await?;
    fill(write, std::slice::from_ref(step)).await
}

/// Takes back the newest state of a parcel, which was entered in error; the one before it holds again, with no end.
/// What was believed is kept in recorded time.
pub async fn withdraw(write: &mut Write, parcel_id: i64) -> Result<(), StoreError> {
    let at = write.recorded_at;
    let connection = write.connection();
    sqlx::query!(
        "update parcel_state t set recorded = tstzrange(lower(t.recorded), $2)
         where t.parcel_id = $1 and upper_inf(t.recorded) and upper_inf(t.valid)",
        parcel_id,
        at
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "with closed as (
             update parcel_state t set recorded = tstzrange(lower(t.recorded), $2)
             where t.id = (select id from parcel_state o where o.parcel_id = $1 and upper_inf(o.recorded)
                 order by o.since desc, o.id desc limit 1)
             returning t.*)
         insert into parcel_state (parcel_id, since, valid, recorded, state, facts, deed, document, rule, money, revision)
         select parcel_id, since, daterange(since, null), tstzrange($2, null), state, facts, deed, document, rule, money, revision
         from closed",
        parcel_id,
        at
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What is known of a parcel whose life is told in a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// Its number.
    pub id: i64,
    /// The days on which it is law: from, and the first day after.
    pub law: Vec<(Option<NaiveDate>, Option<NaiveDate>)>,
    /// Its life as believed now: since when, by which deed, on which document, in which state, with what money stated.
    pub life: Vec<(NaiveDate, String, String, State, Vec<Effect>)>,
}

/// What is known of parcels, by their codes; an unknown code is left out.
pub async fn known(connection: &mut PgConnection, codes: &[String]) -> Result<BTreeMap<String, Known>, StoreError> {
    let versions = sqlx::query!(
        r#"select p.code, p.id, lower(v.valid) as from_on, upper(v.valid) as to_on
           from parcel p join parcel_version v on v.parcel_id = p.id and upper_inf(v.recorded) where p.code = any($1)"#,
        codes
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut known: BTreeMap<String, Known> = BTreeMap::new();
    for row in versions {
        let one = known.entry(row.code).or_insert_with(|| Known { id: row.id, law: Vec::new(), life: Vec::new() });
        one.law.push((row.from_on, row.to_on));
    }
    let stays = sqlx::query!(
        r#"select p.code, s.since, s.deed, s.document, s.facts::text as "facts!", s.money::text as money
           from parcel_state s join parcel p on p.id = s.parcel_id
           where p.code = any($1) and upper_inf(s.recorded) order by s.since, s.id"#,
        codes
    )
    .fetch_all(connection)
    .await?;
    for row in stays {
        let Some(one) = known.get_mut(&row.code) else { continue };
        let money: Option<Vec<Effect>> = row.money.map(|text| read("money", &row.code, text)).transpose()?;
        let state = read("facts", &row.code, row.facts)?;
        one.life.push((row.since, row.deed, row.document, state, stated(money.as_deref().unwrap_or_default())));
    }
    Ok(known)
}

/// What of the money a document stated; the rest follows from rules and facts.
pub fn stated(money: &[Effect]) -> Vec<Effect> {
    money.iter().filter(|one| one.is == How::Stated).copied().collect()
}

/// Those of the numbers that contracts have.
pub async fn contracts(connection: &mut PgConnection, numbers: &[String]) -> Result<Vec<String>, StoreError> {
    Ok(sqlx::query_scalar!(
        "select distinct number from contract where number = any($1) and upper_inf(recorded)",
        numbers
    )
    .fetch_all(connection)
    .await?)
}

/// A state of a life, as it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The parcel's number.
    pub parcel: i64,
    /// Since when.
    pub since: NaiveDate,
    /// The first day after it; nothing for the last.
    pub until: Option<NaiveDate>,
    /// The state.
    pub state: State,
    /// What led to it.
    pub deed: String,
    /// The document that the deed rests on.
    pub document: String,
    /// The rule by which it led there.
    pub rule: Rule,
    /// What that cost or gave back.
    pub money: Vec<Effect>,
}

/// Writes states that nothing stands in the way of, such as the lives of parcels that have none yet.
pub async fn fill(write: &mut Write, steps: &[Step]) -> Result<(), StoreError> {
    /// As many as one statement takes without holding all of a city's lives in memory twice.
    const AT_ONCE: usize = 20_000;
    let (revision, at) = (write.revision, write.recorded_at);
    for steps in steps.chunks(AT_ONCE) {
        let parcels: Vec<i64> = steps.iter().map(|one| one.parcel).collect();
        let since: Vec<NaiveDate> = steps.iter().map(|one| one.since).collect();
        let until: Vec<Option<NaiveDate>> = steps.iter().map(|one| one.until).collect();
        let states: Vec<String> = steps.iter().map(|one| one.state.name().to_owned()).collect();
        let facts: Vec<serde_json::Value> =
            steps.iter().map(|one| serde_json::to_value(&one.state).unwrap_or_default()).collect();
        let rules: Vec<serde_json::Value> =
            steps.iter().map(|one| serde_json::to_value(&one.rule).unwrap_or_default()).collect();
        let money: Vec<serde_json::Value> =
            steps.iter().map(|one| serde_json::to_value(&one.money).unwrap_or_default()).collect();
        let deeds: Vec<String> = steps.iter().map(|one| one.deed.clone()).collect();
        let documents: Vec<String> = steps.iter().map(|one| one.document.clone()).collect();
        sqlx::query!(
            "insert into parcel_state (parcel_id, since, valid, recorded, state, facts, deed, document, rule, money, revision)
             select parcel, since, daterange(since, until), tstzrange($8, null), state, facts, deed, document, rule, money, $9
             from unnest($1::bigint[], $2::date[], $3::date[], $4::text[], $5::jsonb[], $6::text[], $7::text[], $10::jsonb[],
                 $11::jsonb[]) with ordinality s (parcel, since, until, state, facts, deed, document, rule, money, place)
             order by place",
            &parcels,
            &since,
            &until as &[Option<NaiveDate>],
            &states,
            &facts,
            &deeds,
            &documents,
            at,
            revision,
            &rules,
            &money
        )
        .execute(write.connection())
        .await?;
    }
    Ok(())
}
