//! The rule values that the register reckons with, in two times. The values themselves come with the program.

use super::StoreError;
use super::write::Write;
use crate::domain::review::scheme::Words;
use crate::domain::rulebook::{RuleValue, Unit};
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;

/// Records the values that this program reckons with, inside the act that does: what reads as it is believed already is
/// left alone, what changed is closed in recorded time and followed by the new version. Answers how many were new.
pub async fn record(write: &mut Write, values: &[RuleValue]) -> Result<u64, StoreError> {
    let (revision, at) = (write.revision, write.recorded_at);
    let connection = write.connection();
    let column = |of: fn(&RuleValue) -> String| values.iter().map(of).collect::<Vec<String>>();
    let keys = column(|one| one.key.clone());
    let from: Vec<NaiveDate> = values.iter().map(|one| one.effective_from).collect();
    // The rulebook names the last day, a range the first day after.
    let to: Vec<Option<NaiveDate>> =
        values.iter().map(|one| one.effective_to.and_then(|last| last.succ_opt())).collect();
    let titles_zh = column(|one| one.title.zh.clone());
    let titles_en = column(|one| one.title.en.clone());
    let numbers: Vec<f64> = values.iter().map(|one| one.value).collect();
    let units = column(|one| one.unit.name().to_owned());
    let sources = column(|one| one.source.clone());
    let assumptions: Vec<bool> = values.iter().map(|one| one.assumption).collect();
    sqlx::query!(
        "with shipped as (
             select key, daterange(from_on, to_on) as valid, title_zh, title_en, value, unit, source, assumption
             from unnest($1::text[], $2::date[], $3::date[], $4::text[], $5::text[], $6::float8[], $7::text[],
                 $8::text[], $9::boolean[])
                 as s (key, from_on, to_on, title_zh, title_en, value, unit, source, assumption))
         update rule_value t set recorded = tstzrange(lower(t.recorded), $10)
         where upper_inf(t.recorded) and not exists (
             select from shipped s
             where (s.key, s.valid, s.title_zh, s.title_en, s.value, s.unit, s.source, s.assumption)
                 = (t.key, t.valid, t.title_zh, t.title_en, t.value, t.unit, t.source, t.assumption))",
        &keys,
        &from,
        &to as &[Option<NaiveDate>],
        &titles_zh,
        &titles_en,
        &numbers,
        &units,
        &sources,
        &assumptions,
        at
    )
    .execute(&mut *connection)
    .await?;
    Ok(sqlx::query!(
        "insert into rule_value (key, valid, recorded, title_zh, title_en, value, unit, source, assumption, revision)
         select s.key, daterange(s.from_on, s.to_on), tstzrange($10, null), s.title_zh, s.title_en, s.value, s.unit,
             s.source, s.assumption, $11
         from unnest($1::text[], $2::date[], $3::date[], $4::text[], $5::text[], $6::float8[], $7::text[], $8::text[],
             $9::boolean[]) as s (key, from_on, to_on, title_zh, title_en, value, unit, source, assumption)
         where not exists (
             select from rule_value t
             where upper_inf(t.recorded) and t.key = s.key and t.valid = daterange(s.from_on, s.to_on))",
        &keys,
        &from,
        &to as &[Option<NaiveDate>],
        &titles_zh,
        &titles_en,
        &numbers,
        &units,
        &sources,
        &assumptions,
        at,
        revision
    )
    .execute(connection)
    .await?
    .rows_affected())
}

/// The values with which the register reckoned at a time; none where it had none on record.
pub async fn at(connection: &mut PgConnection, known_at: DateTime<Utc>) -> Result<Vec<RuleValue>, StoreError> {
    read(connection, Some(known_at)).await
}

/// Whether the register reckons with just these values now.
pub async fn is_recorded(connection: &mut PgConnection, values: &[RuleValue]) -> Result<bool, StoreError> {
    let recorded = read(connection, None).await?;
    Ok(recorded.len() == values.len() && values.iter().all(|value| recorded.contains(value)))
}

async fn read(connection: &mut PgConnection, known_at: Option<DateTime<Utc>>) -> Result<Vec<RuleValue>, StoreError> {
    let rows = sqlx::query!(
        r#"select key, lower(valid) as "from!", upper(valid) as until, title_zh, title_en, value, unit, source, assumption
           from rule_value where recorded @> coalesce($1::timestamptz, 'infinity') order by key, valid"#,
        known_at
    )
    .fetch_all(connection)
    .await?;
    let mut values = Vec::with_capacity(rows.len());
    for row in rows {
        let unit = Unit::parse(&row.unit).ok_or_else(|| StoreError::Value {
            table: "rule_value",
            column: "unit",
            row: row.key.clone(),
            value: row.unit.clone(),
        })?;
        values.push(RuleValue {
            key: row.key,
            title: Words { zh: row.title_zh, en: row.title_en },
            value: row.value,
            unit,
            effective_from: row.from,
            effective_to: row.until.and_then(|first_after| first_after.pred_opt()),
            source: row.source,
            assumption: row.assumption,
        });
    }
    Ok(values)
}
