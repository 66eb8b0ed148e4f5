//! Obligations of contracts.

use super::StoreError;
use super::copy::Rows;
use super::recorded::merge_recorded;
use super::stage::{Merged, Refused, Row};
use super::versions::{check_versions, merge_versions, move_ends};
use super::write::Write;
use crate::domain::contract::due::DueRule;
use crate::domain::contract::obligation::{Excuse, Obligation};
use sqlx::PgConnection;

/// Puts one row on its way in.
pub fn stage(rows: &mut Rows, file: i16, row: u64, it: &Obligation) {
    let due = it.due.map(DueRule::columns).unwrap_or_default();
    let act = it.act.as_ref();
    // What is said of a year stands beside what is said of the duty itself and of its other years.
    let key = it.year.map_or_else(|| it.number.clone(), |year| format!("{} {year}", it.number));
    rows.row(file, row, &key)
        .text(&it.number)
        .text(&it.contract)
        .text(it.kind.name())
        .optional_date(due.on)
        .optional_decimal(it.target)
        .optional_text(it.unit.as_deref())
        .value(&it.at_most)
        .optional_date(it.met_on)
        .optional_decimal(it.achieved)
        .optional_text(it.excuse.map(Excuse::name))
        .optional_text(due.after)
        .optional(due.count.as_ref())
        .optional_text(due.unit)
        .optional_text(due.yearly.as_deref())
        .optional(due.from_year.as_ref())
        .optional(due.to_year.as_ref())
        .optional_text(it.body.as_deref())
        .optional_text(it.evidence.as_deref())
        .optional_text(it.consequence.as_deref())
        .optional_text(act.map(|act| act.kind.name()))
        .optional_date(act.map(|act| act.on))
        .optional_date(act.and_then(|act| act.until))
        .optional_text(act.map(|act| act.ground.as_str()))
        .optional_text(act.map(|act| act.document.as_str()))
        .optional_date(it.validity.from)
        .optional_date(it.validity.to)
        .value(&it.validity.from.is_none())
        .value(&it.validity.is_period())
        .optional(it.year.as_ref())
        .end();
}

/// Takes out the staged rows that refer to nothing.
pub(super) async fn check(connection: &mut PgConnection) -> Result<Vec<Refused>, StoreError> {
    let mut refused = Vec::new();
    let rows = sqlx::query_as!(
        Row,
        "delete from stage_obligation s where not exists (select from contract t where t.number = s.contract and upper_inf(t.recorded))
         returning s.file, s.row, s.key, s.contract as value"
    )
    .fetch_all(&mut *connection)
    .await?;
    refused.extend(rows.into_iter().map(|row| {
        row.refuse(
            "unknown-contract",
            "contract_no",
            "the number of a contract in the register; import contracts first",
        )
    }));
    let rows = sqlx::query_as!(
        Row,
        "delete from stage_obligation s where s.year is not null
             and not exists (select from obligation t where t.number = s.number and t.contract = s.contract and t.kind = s.kind
                 and upper_inf(t.recorded) and s.year between t.due_from_year and coalesce(t.due_to_year, s.year))
             and not exists (select from stage_obligation t where t.number = s.number and t.contract = s.contract and t.kind = s.kind
                 and t.year is null and s.year between t.due_from_year and coalesce(t.due_to_year, s.year))
         returning s.file, s.row, s.key, s.year::text as value"
    )
    .fetch_all(&mut *connection)
    .await?;
    refused.extend(rows.into_iter().map(|row| {
        row.refuse(
            "not-a-year-of-the-duty",
            "year",
            "a year in which this obligation of this contract and kind falls due, by due_yearly on record or in this import",
        )
    }));
    move_ends!(
        connection,
        "obligation",
        from "stage_obligation",
        matching "t.number = s.number",
        same "o.number = t.number",
        changed "t.contract, t.kind, t.due_on, t.target, t.unit, t.at_most, t.met_on, t.achieved, t.excuse, \
         t.due_after, t.due_count, t.due_unit, t.due_yearly, t.due_from_year, t.due_to_year, t.body, t.evidence, \
         t.consequence"
        to "s.contract, s.kind, s.due_on, s.target, s.unit, s.at_most, s.met_on, s.achieved, s.excuse, \
         s.due_after, s.due_count, s.due_unit, s.due_yearly, s.due_from_year, s.due_to_year, s.body, s.evidence, \
         s.consequence"
    );
    check_versions!(
        connection,
        refused,
        "obligation",
        from "stage_obligation",
        matching "t.number = s.number",
        same "o.number = t.number",
        first "(select min(lower(c.valid)) from contract c where c.number = s.contract and upper_inf(c.recorded))",
        kept "lower(t.valid)",
        lasting "upper(t.valid)",
        changed "t.contract, t.kind, t.due_on, t.target, t.unit, t.at_most, t.met_on, t.achieved, t.excuse, \
         t.due_after, t.due_count, t.due_unit, t.due_yearly, t.due_from_year, t.due_to_year, t.body, t.evidence, \
         t.consequence"
        to "s.contract, s.kind, s.due_on, s.target, s.unit, s.at_most, s.met_on, s.achieved, s.excuse, \
         s.due_after, s.due_count, s.due_unit, s.due_yearly, s.due_from_year, s.due_to_year, s.body, s.evidence, \
         s.consequence"
    );
    Ok(refused)
}

/// Merges the staged rows, those that speak of one year, and the decisions that both carry.
pub(super) async fn merge(write: &mut Write) -> Result<Merged, StoreError> {
    let connection = write.connection();
    sqlx::raw_sql(
        "create temp table stage_obligation_year (like stage_obligation_year including defaults) on commit drop",
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "with moved as (delete from stage_obligation where year is not null returning *)
         insert into stage_obligation_year select * from moved"
    )
    .execute(connection)
    .await?;
    let with_new_acts = merge_acts(write).await?;
    let merged: Merged = merge_versions!(
        write,
        "obligation",
        from "stage_obligation",
        matching "t.number = s.number",
        changed "t.contract, t.kind, t.due_on, t.target, t.unit, t.at_most, t.met_on, t.achieved, t.excuse, \
         t.due_after, t.due_count, t.due_unit, t.due_yearly, t.due_from_year, t.due_to_year, t.body, t.evidence, \
         t.consequence"
        to "s.contract, s.kind, s.due_on, s.target, s.unit, s.at_most, s.met_on, s.achieved, s.excuse, \
         s.due_after, s.due_count, s.due_unit, s.due_yearly, s.due_from_year, s.due_to_year, s.body, s.evidence, \
         s.consequence",
        columns "number, contract, kind, due_on, target, unit, at_most, met_on, achieved, excuse, due_after, due_count, \
         due_unit, due_yearly, due_from_year, due_to_year, body, evidence, consequence",
        values "s.number, s.contract, s.kind, s.due_on, s.target, s.unit, s.at_most, s.met_on, s.achieved, \
         s.excuse, s.due_after, s.due_count, s.due_unit, s.due_yearly, s.due_from_year, s.due_to_year, s.body, \
         s.evidence, s.consequence",
        days "valid" as "piece"
    );
    let years = merge_years(write).await?;
    let (numbers, of_years): (Vec<String>, Vec<Option<i32>>) = with_new_acts.into_iter().unzip();
    let beside = sqlx::query_scalar!(
        r#"select count(*) as "count!" from unnest($1::text[], $2::int[]) n (number, year)
           where not exists (select from stage_obligation s where s.number = n.number and n.year is null)
             and not exists (select from stage_obligation_year s where s.number = n.number and s.year = n.year)"#,
        &numbers,
        &of_years as &[Option<i32>]
    )
    .fetch_one(write.connection())
    .await?
    .unsigned_abs();
    let (accepted, unchanged) = (merged.accepted + years.accepted, merged.unchanged + years.unchanged);
    Ok(Merged { accepted: accepted + beside, unchanged: unchanged - beside })
}

/// Merges what came of single years; what says nothing new is taken out of the staging table.
async fn merge_years(write: &mut Write) -> Result<Merged, StoreError> {
    // A row may carry nothing but a decision.
    let known = sqlx::query!(
        "delete from stage_obligation_year s
         where num_nonnulls(s.met_on, s.achieved) = 0 or exists (
             select from obligation_year t
             where t.obligation = s.number and t.year = s.year and upper_inf(t.recorded)
               and (t.met_on, t.achieved) is not distinct from (s.met_on, s.achieved))"
    )
    .execute(write.connection())
    .await?
    .rows_affected();
    let merged: Result<Merged, StoreError> = merge_recorded!(
        write,
        "obligation_year",
        from "stage_obligation_year",
        matching "t.obligation = s.number and t.year = s.year",
        changed "t.met_on, t.achieved" to "s.met_on, s.achieved",
        columns "obligation, year, met_on, achieved",
        values "s.number, s.year, s.met_on, s.achieved"
    );
    merged.map(|merged| merged.with_known(known))
}

/// Adds the decisions that the register does not have; one of the same kind, day and year corrects what was believed of
/// it. Answers the numbers of their obligations, with the year that the row named.
async fn merge_acts(write: &mut Write) -> Result<Vec<(String, Option<i32>)>, StoreError> {
    let (revision, at) = (write.revision, write.recorded_at);
    sqlx::query!(
        "update obligation_act t set recorded = tstzrange(lower(t.recorded), $1)
         from (select * from stage_obligation union all select * from stage_obligation_year) s
         where t.obligation = s.number and t.act = s.act and t.on_date = s.act_on and t.year is not distinct from s.year
             and upper_inf(t.recorded)
             and (t.until, t.ground, t.document) is distinct from (s.act_until, s.act_ground, s.act_document)",
        at
    )
    .execute(write.connection())
    .await?;
    let rows = sqlx::query!(
        "insert into obligation_act (obligation, act, on_date, until, ground, document, year, recorded, revision)
         select s.number, s.act, s.act_on, s.act_until, s.act_ground, s.act_document, s.year, tstzrange($1, null), $2
         from (select * from stage_obligation union all select * from stage_obligation_year) s
         where s.act is not null and not exists (
             select from obligation_act t
             where t.obligation = s.number and t.act = s.act and t.on_date = s.act_on
               and t.year is not distinct from s.year and upper_inf(t.recorded))
         order by s.file, s.row returning obligation, year",
        at,
        revision
    )
    .fetch_all(write.connection())
    .await?;
    Ok(rows.into_iter().map(|row| (row.obligation, row.year)).collect())
}
