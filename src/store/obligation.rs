//! Obligations of contracts.

use super::StoreError;
use super::copy::Rows;
use super::recorded::merge_recorded;
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

/// Merges the staged rows.
pub(super) async fn merge(write: &mut Write) -> Result<Merged, StoreError> {
    merge_recorded!(
        write,
        "obligation",
        from "stage_obligation",
        matching "t.number = s.number",
        changed "t.contract, t.kind, t.due_on, t.target, t.unit, t.at_most, t.met_on, t.achieved, t.excuse"
        to "s.contract, s.kind, s.due_on, s.target, s.unit, s.at_most, s.met_on, s.achieved, s.excuse",
        columns "number, contract, kind, due_on, target, unit, at_most, met_on, achieved, excuse",
        values "s.number, s.contract, s.kind, s.due_on, s.target, s.unit, s.at_most, s.met_on, s.achieved, \
         s.excuse"
    )
}
