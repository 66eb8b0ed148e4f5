//! Performance bonds by part, in two times; they come with the rows of contracts.

use super::StoreError;
use super::stage::Merged;
use super::versions::{check_versions, merge_versions};
use super::write::Write;

/// Merges the bonds that the staged contracts carry; answers the numbers of the contracts whose bonds changed. A row
/// without any bond leaves what is known of it alone.
pub(super) async fn merge(write: &mut Write) -> Result<Vec<String>, StoreError> {
    sqlx::query!("truncate stage_bond").execute(write.connection()).await?;
    sqlx::query!(
        "insert into stage_bond (file, row, key, contract, part, amount_wan_yuan, percent, form, due_on, paid_on,
             valid_from, valid_to, corrects)
         select s.file, s.row, s.key, s.number, p.part, p.amount, case when p.part = 'whole' then s.bond_percent end, s.bond_form, s.bond_due_on,
             s.bond_paid_on, s.valid_from, null, s.corrects
         from stage_contract s
         cross join lateral (values ('start', s.bond_start_wan_yuan), ('completion', s.bond_completion_wan_yuan),
             ('production', s.bond_production_wan_yuan),
             ('whole', case when s.bond_start_wan_yuan is null then s.bond_wan_yuan end)) p (part, amount)
         where p.amount is not null
             or p.part = 'whole' and s.bond_start_wan_yuan is null and s.bond_percent is not null"
    )
    .execute(write.connection())
    .await?;
    // Where the split has become known, the whole is no longer believed; a whole says nothing new where the split is known.
    let at = write.recorded_at;
    sqlx::query!(
        "update bond t set recorded = tstzrange(lower(t.recorded), $1) from stage_bond s
         where s.contract = t.contract and s.part = 'start' and t.part = 'whole' and upper_inf(t.recorded)",
        at
    )
    .execute(write.connection())
    .await?;
    sqlx::query!(
        "delete from stage_bond s using bond t
         where s.part = 'whole' and t.contract = s.contract and t.part <> 'whole' and upper_inf(t.recorded)"
    )
    .execute(write.connection())
    .await?;
    let mut refused: Vec<super::stage::Refused> = Vec::new();
    let connection = write.connection();
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
