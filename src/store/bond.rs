//! Performance bonds by part, in two times; they come with the rows of contracts.

use super::StoreError;
use super::stage::{Merged, Refused};
use super::versions::{check_versions, merge_versions};
use super::write::Write;
use sqlx::PgConnection;

/// Takes the bonds out of the staged contracts, into a table of this transaction alone; refuses the rows whose bonds
/// can't follow what is known of them. A row without any bond leaves what is known of it alone.
pub(super) async fn check(connection: &mut PgConnection) -> Result<Vec<Refused>, StoreError> {
    sqlx::raw_sql("create temp table stage_bond (like stage_bond including defaults) on commit drop")
        .execute(&mut *connection)
        .await?;
    sqlx::query!(
        "insert into stage_bond (file, row, key, contract, part, amount_wan_yuan, percent, form, due_on, paid_on,
             valid_from, valid_to, corrects)
         select s.file, s.row, s.key, s.number, p.part, p.amount, case when p.part = 'whole' then s.bond_percent end, s.bond_form, s.bond_due_on,
             s.bond_paid_on, s.valid_from, s.valid_to, s.corrects
         from stage_contract s
         cross join lateral (values ('start', s.bond_start_wan_yuan), ('completion', s.bond_completion_wan_yuan),
             ('production', s.bond_production_wan_yuan),
             ('whole', case when s.bond_start_wan_yuan is null then s.bond_wan_yuan end)) p (part, amount)
         where p.amount is not null
             or p.part = 'whole' and s.bond_start_wan_yuan is null and s.bond_percent is not null"
    )
    .execute(&mut *connection)
    .await?;
    // A whole says nothing new where the split is known.
    sqlx::query!(
        "delete from stage_bond s using bond t
         where s.part = 'whole' and t.contract = s.contract and t.part <> 'whole' and upper_inf(t.recorded)"
    )
    .execute(&mut *connection)
    .await?;
    let mut refused: Vec<Refused> = Vec::new();
    check_versions!(
        connection,
        refused,
        "bond",
        from "stage_bond",
        matching "t.contract = s.contract and t.part = s.part",
        same "o.contract = t.contract and o.part = t.part",
        first "s.valid_from",
        kept "lower(t.valid)",
        changed "t.amount_wan_yuan, t.percent, t.form, t.due_on, t.paid_on"
        to "s.amount_wan_yuan, s.percent, s.form, s.due_on, s.paid_on"
    );
    // One finding a row, and nothing of that row.
    refused.sort_by_key(|one| (one.file, one.row));
    refused.dedup_by_key(|one| (one.file, one.row));
    for one in &refused {
        sqlx::query!("delete from stage_contract where file = $1 and row = $2", one.file, one.row)
            .execute(&mut *connection)
            .await?;
    }
    Ok(refused)
}

/// Merges the bonds of the contracts that are left; answers the numbers of the contracts whose bonds changed.
pub(super) async fn merge(write: &mut Write) -> Result<Vec<String>, StoreError> {
    let (revision, at) = (write.revision, write.recorded_at);
    sqlx::query!(
        "delete from stage_bond s
         where not exists (select from stage_contract c where c.file = s.file and c.row = s.row)"
    )
    .execute(write.connection())
    .await?;
    // Where the split has become known, the whole is believed only of the days before it.
    sqlx::query!(
        "with closed as (
             update bond t set recorded = tstzrange(lower(t.recorded), $1) from stage_bond s
             where s.contract = t.contract and s.part = 'start' and t.part = 'whole' and upper_inf(t.recorded)
                 and t.valid && daterange(s.valid_from, null)
             returning t.*, s.valid_from)
         insert into bond (contract, part, amount_wan_yuan, percent, form, due_on, paid_on, settled, settled_on,
             forfeited_wan_yuan, valid, recorded, revision)
         select contract, part, amount_wan_yuan, percent, form, due_on, paid_on, settled, settled_on, forfeited_wan_yuan,
             daterange(lower(valid), valid_from), tstzrange($1, null), $2
         from closed where valid_from is not null and (lower(valid) is null or lower(valid) < valid_from)",
        at,
        revision
    )
    .execute(write.connection())
    .await?;
    let merged: Merged = merge_versions!(
        write,
        "bond",
        from "stage_bond",
        matching "t.contract = s.contract and t.part = s.part",
        changed "t.amount_wan_yuan, t.percent, t.form, t.due_on, t.paid_on"
        to "s.amount_wan_yuan, s.percent, s.form, s.due_on, s.paid_on",
        columns "contract, part, amount_wan_yuan, percent, form, due_on, paid_on",
        values "s.contract, s.part, s.amount_wan_yuan, s.percent, s.form, s.due_on, s.paid_on"
    );
    if merged.accepted == 0 {
        return Ok(Vec::new());
    }
    Ok(sqlx::query_scalar!("select distinct contract from stage_bond order by contract")
        .fetch_all(write.connection())
        .await?)
}
