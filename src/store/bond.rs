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
             demanded_on, settled, settled_on, forfeited_wan_yuan, valid_from, valid_to, corrects, period)
         select s.file, s.row, s.key, s.number, p.part, p.amount, case when p.part = 'whole' then s.bond_percent end, s.bond_form, s.bond_due_on,
             s.bond_paid_on, s.bond_demanded_on, p.settled, p.settled_on, p.forfeited, s.valid_from, s.valid_to, s.corrects,
             s.period
         from stage_contract s
         cross join lateral (values
             ('start', s.bond_start_wan_yuan, s.bond_start_settled, s.bond_start_settled_on,
                 s.bond_start_forfeited_wan_yuan),
             ('completion', s.bond_completion_wan_yuan, s.bond_completion_settled, s.bond_completion_settled_on,
                 s.bond_completion_forfeited_wan_yuan),
             ('production', s.bond_production_wan_yuan, s.bond_production_settled, s.bond_production_settled_on,
                 s.bond_production_forfeited_wan_yuan),
             ('whole', case when s.bond_start_wan_yuan is null then s.bond_wan_yuan end, s.bond_settled, s.bond_settled_on,
                 s.bond_forfeited_wan_yuan)) p (part, amount, settled, settled_on, forfeited)
         where p.amount is not null
             or p.part = 'whole' and s.bond_start_wan_yuan is null and s.bond_percent is not null"
    )
    .execute(&mut *connection)
    .await?;
    // A whole says nothing new where the split is known.
    sqlx::query!(
        "delete from stage_bond s using bond t
         where s.part = 'whole' and t.contract = s.contract and t.part <> 'whole' and upper_inf(t.recorded)
             and t.valid && daterange(s.valid_from, case when s.period then s.valid_to end)"
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
        lasting "upper(t.valid)",
        changed "t.amount_wan_yuan, t.percent, t.form, t.due_on, t.paid_on, t.demanded_on, t.settled, t.settled_on, \
         t.forfeited_wan_yuan"
        to "s.amount_wan_yuan, s.percent, s.form, s.due_on, s.paid_on, s.demanded_on, s.settled, s.settled_on, \
         s.forfeited_wan_yuan"
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
    // Where the split has become known, the whole is believed only of the days of which it was not said.
    sqlx::query!(
        "with closed as (
             update bond t set recorded = tstzrange(lower(t.recorded), $1) from stage_bond s
             where s.contract = t.contract and s.part = 'start' and t.part = 'whole' and upper_inf(t.recorded)
                 and t.valid && daterange(s.valid_from, case when s.period then s.valid_to end)
             returning t.*, daterange(s.valid_from, case when s.period then s.valid_to end) as said)
         insert into bond (contract, part, amount_wan_yuan, percent, form, due_on, paid_on, demanded_on, settled,
             settled_on, forfeited_wan_yuan, valid, recorded, revision)
         select contract, part, amount_wan_yuan, percent, form, due_on, paid_on, demanded_on, settled, settled_on,
             forfeited_wan_yuan, piece, tstzrange($1, null), $2
         from closed cross join lateral unnest(datemultirange(valid) - datemultirange(said)) as rest (piece)",
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
        changed "t.amount_wan_yuan, t.percent, t.form, t.due_on, t.paid_on, t.demanded_on, t.settled, t.settled_on, \
         t.forfeited_wan_yuan"
        to "s.amount_wan_yuan, s.percent, s.form, s.due_on, s.paid_on, s.demanded_on, s.settled, s.settled_on, \
         s.forfeited_wan_yuan",
        columns "contract, part, amount_wan_yuan, percent, form, due_on, paid_on, demanded_on, settled, settled_on, \
         forfeited_wan_yuan",
        values "s.contract, s.part, s.amount_wan_yuan, s.percent, s.form, s.due_on, s.paid_on, s.demanded_on, s.settled, \
         s.settled_on, s.forfeited_wan_yuan",
        days "valid" as "piece"
    );
    if merged.accepted == 0 {
        return Ok(Vec::new());
    }
    Ok(sqlx::query_scalar!("select distinct contract from stage_bond order by contract")
        .fetch_all(write.connection())
        .await?)
}
