//! Obligations of contracts.

use super::StoreError;
use super::copy::Rows;
use super::stage::{Merged, Refused, Row};
use super::write::Write;
use crate::domain::contract::obligation::{Excuse, Obligation};
use sqlx::PgConnection;

/// Puts one row on its way in.
pub fn stage(rows: &mut Rows, file: i16, row: u64, it: &Obligation) {
    rows.row(file, row, &it.number)
        .text(&it.number)
        .text(&it.contract)
        .text(it.kind.name())
        .optional_date(it.due_on)
        .optional_decimal(it.target)
        .optional_text(it.unit.as_deref())
        .value(&it.at_most)
        .optional_date(it.met_on)
        .optional_decimal(it.achieved)
        .optional_text(it.excuse.map(Excuse::name))
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
    Ok(refused)
}

/// Merges the staged rows: a changed row is closed in recorded time and followed by its correction.
pub(super) async fn merge(write: &mut Write) -> Result<Merged, StoreError> {
    let (revision, at) = (write.revision, write.recorded_at);
    let connection = write.connection();
    let staged =
        sqlx::query_scalar!(r#"select count(*) as "count!" from stage_obligation"#).fetch_one(&mut *connection).await?;
    sqlx::query!(
        "update obligation t set recorded = tstzrange(lower(t.recorded), $1) from stage_obligation s
         where t.number = s.number and upper_inf(t.recorded)
           and (t.contract, t.kind, t.due_on, t.target, t.unit, t.at_most, t.met_on, t.achieved, t.excuse) is distinct from (s.contract, s.kind, s.due_on, s.target, s.unit, s.at_most, s.met_on, s.achieved, s.excuse)",
        at
    )
    .execute(&mut *connection)
    .await?;
    let accepted = sqlx::query!(
        "insert into obligation (number, contract, kind, due_on, target, unit, at_most, met_on, achieved, excuse, recorded, revision)
         select s.number, s.contract, s.kind, s.due_on, s.target, s.unit, s.at_most, s.met_on, s.achieved, s.excuse, tstzrange($1, null), $2
         from stage_obligation s
         where not exists (select from obligation t where t.number = s.number and upper_inf(t.recorded))
         order by s.file, s.row",
        at,
        revision
    )
    .execute(connection)
    .await?
    .rows_affected();
    Ok(Merged { accepted, unchanged: staged.unsigned_abs() - accepted })
}
