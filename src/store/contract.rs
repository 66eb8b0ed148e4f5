//! Land contracts.

use super::copy::Rows;
use super::stage::{Merged, Refused, Row};
use super::versions::{check_versions, merge_versions, move_ends};
use super::write::Write;
use super::{StoreError, bond};
use crate::domain::contract::Contract;
use crate::domain::contract::bond::{BondForm, Settlement};
use crate::domain::moment::Moment;
use crate::domain::quantity::PlotRatio;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use sqlx::PgConnection;

/// Puts one row on its way in.
pub fn stage(rows: &mut Rows, file: i16, row: u64, it: &Contract) {
    let mut cells = rows.row(file, row, &it.number);
    cells
        .text(&it.number)
        .text(it.parcel.as_str())
        .text(it.kind.name())
        .optional_text(it.holder.as_deref())
        .value(&it.signed_on)
        .value(&it.term_starts_on)
        .optional_date(it.term_ends_on)
        .optional_decimal(it.price_wan_yuan)
        .optional_number(it.plot_ratio_low.map(PlotRatio::value))
        .optional_number(it.plot_ratio_high.map(PlotRatio::value))
        .value(&it.performance_terms)
        .optional_text(it.responsible_unit.as_deref())
        .optional_number(it.developed_percent)
        .optional_number(it.invested_percent)
        .optional_date(it.suspended_on)
        .optional_text(it.supplements.as_deref())
        .optional_date(it.paid_on)
        .optional_date(it.handed_over_on)
        .optional_decimal(it.deposit_wan_yuan)
        .optional_decimal(it.bonds.whole_wan_yuan)
        .optional_decimal(it.bonds.percent)
        .optional_decimal(it.bonds.parts_wan_yuan.map(|parts| parts[0]))
        .optional_decimal(it.bonds.parts_wan_yuan.map(|parts| parts[1]))
        .optional_decimal(it.bonds.parts_wan_yuan.map(|parts| parts[2]))
        .optional_text(it.bonds.form.map(BondForm::name))
        .optional_date(it.bonds.due_on)
        .optional_date(it.bonds.paid_on)
        .optional_date(it.validity.from)
        .optional_date(it.validity.to)
        .value(&it.validity.from.is_none())
        .value(&it.validity.is_period())
        .optional_date(it.bonds.demanded_on);
    let [start, completion, production] = it.bonds.parts_settled;
    for settled in [it.bonds.whole_settled, start, completion, production] {
        cells
            .optional_text(settled.map(Settlement::name))
            .optional_date(settled.map(|settled| settled.on))
            .optional_decimal(settled.and_then(|settled| settled.forfeited_wan_yuan));
    }
    cells.optional(it.review_years.as_ref()).end();
}

/// Takes out the staged rows that refer to nothing.
pub(super) async fn check(connection: &mut PgConnection) -> Result<Vec<Refused>, StoreError> {
    let mut refused = Vec::new();
    let rows = sqlx::query_as!(
        Row,
        "delete from stage_contract s where not exists (select from parcel t where t.code = s.parcel )
         returning s.file, s.row, s.key, s.parcel as value"
    )
    .fetch_all(&mut *connection)
    .await?;
    refused.extend(rows.into_iter().map(|row| {
        row.refuse("unknown-parcel", "parcel_code", "the code of a parcel in the register; import parcels first")
    }));
    let rows = sqlx::query_as!(
        Row,
        "delete from stage_contract s where s.holder is not null and not exists (select from enterprise t where t.code = s.holder and upper_inf(t.recorded))
         returning s.file, s.row, s.key, s.holder as value"
    )
    .fetch_all(&mut *connection)
    .await?;
    refused.extend(rows.into_iter().map(|row| {
        row.refuse(
            "unknown-enterprise",
            "holder",
            "the code of an enterprise in the register; import enterprises first",
        )
    }));
    // A supplement may come in the same file as what it supplements.
    let rows = sqlx::query_as!(
        Row,
        "delete from stage_contract s where s.supplements is not null
             and not exists (select from contract t where t.number = s.supplements)
             and not exists (select from stage_contract o where o.number = s.supplements)
         returning s.file, s.row, s.key, s.supplements as value"
    )
    .fetch_all(&mut *connection)
    .await?;
    refused.extend(rows.into_iter().map(|row| {
        row.refuse("unknown-contract", "supplements", "the number of a contract in the register or in this import")
    }));
    move_ends!(
        connection,
        "contract",
        from "stage_contract",
        matching "t.number = s.number",
        same "o.number = t.number",
        changed "t.parcel, t.kind, t.holder, t.signed_on, t.term_starts_on, t.term_ends_on, t.price_wan_yuan, \
         t.plot_ratio_low, t.plot_ratio_high, t.performance_terms, t.responsible_unit, \
         t.developed_percent, t.invested_percent, t.suspended_on, t.supplements, t.paid_on, t.handed_over_on, \
         t.deposit_wan_yuan, t.review_years"
        to "s.parcel, s.kind, s.holder, s.signed_on, s.term_starts_on, s.term_ends_on, s.price_wan_yuan, \
         s.plot_ratio_low, s.plot_ratio_high, s.performance_terms, s.responsible_unit, \
         s.developed_percent, s.invested_percent, s.suspended_on, s.supplements, s.paid_on, s.handed_over_on, \
         s.deposit_wan_yuan, s.review_years"
    );
    // Where no day is given, a contract is law from its signature, and a corrected signature corrects that day too.
    check_versions!(
        connection,
        refused,
        "contract",
        from "stage_contract",
        matching "t.number = s.number",
        same "o.number = t.number",
        first "s.signed_on",
        kept "case when lower(t.valid) = t.signed_on and not exists (select from contract o where o.number = t.number and upper_inf(o.recorded) and o.valid << t.valid) then s.signed_on else lower(t.valid) end",
        lasting "upper(t.valid)",
        changed "t.parcel, t.kind, t.holder, t.signed_on, t.term_starts_on, t.term_ends_on, t.price_wan_yuan, \
         t.plot_ratio_low, t.plot_ratio_high, t.performance_terms, t.responsible_unit, \
         t.developed_percent, t.invested_percent, t.suspended_on, t.supplements, t.paid_on, t.handed_over_on, \
         t.deposit_wan_yuan, t.review_years"
        to "s.parcel, s.kind, s.holder, s.signed_on, s.term_starts_on, s.term_ends_on, s.price_wan_yuan, \
         s.plot_ratio_low, s.plot_ratio_high, s.performance_terms, s.responsible_unit, \
         s.developed_percent, s.invested_percent, s.suspended_on, s.supplements, s.paid_on, s.handed_over_on, \
         s.deposit_wan_yuan, s.review_years"
    );
    // What an event found and passed on is known; nothing else comes to lie, or lasts, on a parcel that has ended.
    let rows = sqlx::query_as!(
        Row,
        "delete from stage_contract s using parcel p, lineage_party y, lineage_event e, revision r
         where p.code = s.parcel and y.parcel_id = p.id and y.part = 'ended' and e.id = y.event and r.id = e.revision
           and (s.signed_on >= e.on_date or s.valid_from >= e.on_date or s.valid_to is null or s.valid_to > e.on_date)
           and not exists (
               select from contract t
               where t.number = s.number and upper(t.recorded) = r.recorded_at
                 and (s.corrects or s.valid_from is not distinct from lower(t.valid))
                 and (t.parcel, t.kind, t.holder, t.signed_on, t.term_starts_on, t.term_ends_on,
                      t.price_wan_yuan, t.plot_ratio_low, t.plot_ratio_high, t.performance_terms,
                      t.responsible_unit, t.developed_percent, t.invested_percent, t.suspended_on,
                      t.supplements, t.paid_on, t.handed_over_on, t.deposit_wan_yuan, t.review_years)
                     is not distinct from
                     (s.parcel, s.kind, s.holder, s.signed_on, s.term_starts_on, s.term_ends_on,
                      s.price_wan_yuan, s.plot_ratio_low, s.plot_ratio_high, s.performance_terms,
                      s.responsible_unit, s.developed_percent, s.invested_percent, s.suspended_on,
                      s.supplements, s.paid_on, s.handed_over_on, s.deposit_wan_yuan, s.review_years))
         returning s.file, s.row, s.key, format('%s, ended on %s by %s (%s)', s.parcel, e.on_date, e.kind, e.document) as value"
    )
    .fetch_all(&mut *connection)
    .await?;
    refused.extend(rows.into_iter().map(|row| {
        row.refuse(
            "parcel-retired",
            "parcel_code",
            "a parcel that is law, or a contract that ended with the parcel; landcycle lineage show names its successors",
        )
    }));
    refused.extend(bond::check(connection).await?);
    Ok(refused)
}

/// Merges the staged rows and the bonds they carry.
pub(super) async fn merge(write: &mut Write) -> Result<Merged, StoreError> {
    let with_new_bonds = bond::merge(write).await?;
    // What passed the checks and outlasts its parcel is what the event that ended the parcel passed on.
    let known = sqlx::query!(
        "delete from stage_contract s using parcel p, lineage_party y, lineage_event e
         where p.code = s.parcel and y.parcel_id = p.id and y.part = 'ended' and e.id = y.event
           and (s.valid_from >= e.on_date or s.valid_to is null or s.valid_to > e.on_date)"
    )
    .execute(write.connection())
    .await?
    .rows_affected();
    let merged: Merged = merge_versions!(
        write,
        "contract",
        from "stage_contract",
        matching "t.number = s.number",
        changed "t.parcel, t.kind, t.holder, t.signed_on, t.term_starts_on, t.term_ends_on, t.price_wan_yuan, \
         t.plot_ratio_low, t.plot_ratio_high, t.performance_terms, t.responsible_unit, \
         t.developed_percent, t.invested_percent, t.suspended_on, t.supplements, t.paid_on, t.handed_over_on, \
         t.deposit_wan_yuan, t.review_years"
        to "s.parcel, s.kind, s.holder, s.signed_on, s.term_starts_on, s.term_ends_on, s.price_wan_yuan, \
         s.plot_ratio_low, s.plot_ratio_high, s.performance_terms, s.responsible_unit, \
         s.developed_percent, s.invested_percent, s.suspended_on, s.supplements, s.paid_on, s.handed_over_on, \
         s.deposit_wan_yuan, s.review_years",
        columns "number, parcel, kind, holder, signed_on, term_starts_on, term_ends_on, price_wan_yuan, \
         plot_ratio_low, plot_ratio_high, performance_terms, responsible_unit, developed_percent, \
         invested_percent, suspended_on, supplements, paid_on, handed_over_on, deposit_wan_yuan, review_years",
        values "s.number, s.parcel, s.kind, s.holder, s.signed_on, s.term_starts_on, s.term_ends_on, \
         s.price_wan_yuan, s.plot_ratio_low, s.plot_ratio_high, s.performance_terms, \
         s.responsible_unit, s.developed_percent, s.invested_percent, s.suspended_on, s.supplements, s.paid_on, \
         s.handed_over_on, s.deposit_wan_yuan, s.review_years",
        days "valid" as "piece"
    );
    end_with_contract(write).await?;
    // A row whose contract was known as it is, but whose bond was not, changed something.
    let beside = sqlx::query_scalar!(
        r#"select count(*) as "count!" from unnest($1::text[]) n (number)
           where not exists (select from stage_contract s where s.number = n.number)"#,
        &with_new_bonds
    )
    .fetch_one(write.connection())
    .await?
    .unsigned_abs();
    Ok(Merged { accepted: merged.accepted + beside, unchanged: merged.unchanged + known - beside })
}

/// Ends the obligations and bonds of the staged contracts that end: none is owed beyond its contract.
async fn end_with_contract(write: &mut Write) -> Result<(), StoreError> {
    let (revision, at) = (write.revision, write.recorded_at);
    sqlx::query!(
        "with closed as (
             update obligation t set recorded = tstzrange(lower(t.recorded), $1) from stage_contract s
             where t.contract = s.number and s.valid_to is not null and not s.period and upper_inf(t.recorded)
                 and t.valid && daterange(s.valid_to, null)
             returning t.*, s.valid_to)
         insert into obligation (number, contract, kind, due_on, target, unit, at_most, met_on, achieved, excuse, due_after,
             due_count, due_unit, due_yearly, due_from_year, due_to_year, body, evidence, consequence, valid, recorded,
             revision)
         select number, contract, kind, due_on, target, unit, at_most, met_on, achieved, excuse, due_after, due_count,
             due_unit, due_yearly, due_from_year, due_to_year, body, evidence, consequence,
             daterange(lower(valid), valid_to), tstzrange($1, null), $2
         from closed where lower(valid) is null or lower(valid) < valid_to",
        at,
        revision
    )
    .execute(write.connection())
    .await?;
    sqlx::query!(
        "with closed as (
             update bond t set recorded = tstzrange(lower(t.recorded), $1) from stage_contract s
             where t.contract = s.number and s.valid_to is not null and not s.period and upper_inf(t.recorded)
                 and t.valid && daterange(s.valid_to, null)
             returning t.*, s.valid_to)
         insert into bond (contract, part, amount_wan_yuan, percent, form, due_on, paid_on, demanded_on, settled, settled_on,
             forfeited_wan_yuan, valid, recorded, revision)
         select contract, part, amount_wan_yuan, percent, form, due_on, paid_on, demanded_on, settled, settled_on,
             forfeited_wan_yuan, daterange(lower(valid), valid_to), tstzrange($1, null), $2
         from closed where lower(valid) is null or lower(valid) < valid_to",
        at,
        revision
    )
    .execute(write.connection())
    .await?;
    Ok(())
}

/// What the money of a contract rests on, as its newest supplements state it.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the columns are described in the migrations")]
pub struct Terms {
    pub parcel: String,
    pub kind: String,
    pub price_wan_yuan: Option<Decimal>,
    pub deposit_wan_yuan: Option<Decimal>,
    pub term_starts_on: NaiveDate,
    pub term_ends_on: Option<NaiveDate>,
    /// The first day of the grant that followed a lease.
    pub granted_from: Option<NaiveDate>,
}

/// The terms of the contract of that number at a moment; nothing where none is law.
pub async fn terms(connection: &mut PgConnection, number: &str, moment: &Moment) -> Result<Option<Terms>, StoreError> {
    Ok(sqlx::query_as!(
        Terms,
        r#"select c.parcel, c.kind, coalesce(a.price_wan_yuan, c.price_wan_yuan) as price_wan_yuan, c.deposit_wan_yuan,
               c.term_starts_on, coalesce(a.term_ends_on, c.term_ends_on) as term_ends_on, a.granted_from as "granted_from?"
           from contract c
           left join lateral contract_amendment($2, $3, array[c.parcel]) a on a.number = c.number
           where c.number = $1 and c.recorded @> coalesce($3::timestamptz, 'infinity') and c.valid @> $2::date"#,
        number,
        moment.valid_at,
        moment.known_at
    )
    .fetch_optional(connection)
    .await?)
}
