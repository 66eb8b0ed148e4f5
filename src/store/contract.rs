//! Land contracts.

use super::StoreError;
use super::copy::Rows;
use super::recorded::merge_recorded;
use super::stage::{Merged, Refused, Row};
use super::write::Write;
use crate::domain::contract::Contract;
use crate::domain::quantity::PlotRatio;
use sqlx::PgConnection;

/// Puts one row on its way in.
pub fn stage(rows: &mut Rows, file: i16, row: u64, it: &Contract) {
    rows.row(file, row, &it.number)
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
        .end();
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
    Ok(refused)
}

/// Merges the staged rows.
pub(super) async fn merge(write: &mut Write) -> Result<Merged, StoreError> {
    merge_recorded!(
        write,
        "contract",
        from "stage_contract",
        matching "t.number = s.number",
        changed "t.parcel, t.kind, t.holder, t.signed_on, t.term_starts_on, t.term_ends_on, t.price_wan_yuan, \
         t.plot_ratio_low, t.plot_ratio_high, t.performance_terms, t.responsible_unit, \
         t.developed_percent, t.invested_percent, t.suspended_on"
        to "s.parcel, s.kind, s.holder, s.signed_on, s.term_starts_on, s.term_ends_on, s.price_wan_yuan, \
         s.plot_ratio_low, s.plot_ratio_high, s.performance_terms, s.responsible_unit, \
         s.developed_percent, s.invested_percent, s.suspended_on",
        columns "number, parcel, kind, holder, signed_on, term_starts_on, term_ends_on, price_wan_yuan, \
         plot_ratio_low, plot_ratio_high, performance_terms, responsible_unit, developed_percent, \
         invested_percent, suspended_on",
        values "s.number, s.parcel, s.kind, s.holder, s.signed_on, s.term_starts_on, s.term_ends_on, \
         s.price_wan_yuan, s.plot_ratio_low, s.plot_ratio_high, s.performance_terms, \
         s.responsible_unit, s.developed_percent, s.invested_percent, s.suspended_on"
    )
}
