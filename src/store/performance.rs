//! Annual returns.

use super::StoreError;
use super::copy::Rows;
use super::recorded::merge_recorded;
use super::stage::{Merged, Refused, Row};
use super::write::Write;
use crate::domain::performance::{Return, Veto};
use sqlx::PgConnection;

/// Puts one row on its way in.
pub fn stage(rows: &mut Rows, file: i16, row: u64, it: &Return) {
    rows.row(file, row, &format!("{} {}", it.enterprise, it.year))
        .text(&it.enterprise)
        .value(&it.year)
        .optional_number(it.output_wan_yuan)
        .optional_number(it.revenue_wan_yuan)
        .optional_number(it.tax_wan_yuan)
        .optional_number(it.value_added_wan_yuan)
        .optional_number(it.fixed_assets_wan_yuan)
        .optional_number(it.energy_tce)
        .optional_number(it.emissions_t)
        .optional_number(it.rd_wan_yuan)
        .optional_number(it.staff)
        .optional_number(it.staff_local)
        .optional_text(it.veto.map(Veto::name))
        .optional_date(it.veto_cleared_on)
        .end();
}

/// Takes out the staged rows that refer to nothing.
pub(super) async fn check(connection: &mut PgConnection) -> Result<Vec<Refused>, StoreError> {
    let mut refused = Vec::new();
    let rows = sqlx::query_as!(
        Row,
        "delete from stage_annual_return s where not exists (select from enterprise t where t.code = s.enterprise and upper_inf(t.recorded))
         returning s.file, s.row, s.key, s.enterprise as value"
    )
    .fetch_all(&mut *connection)
    .await?;
    refused.extend(rows.into_iter().map(|row| {
        row.refuse(
            "unknown-enterprise",
            "enterprise_code",
            "the code of an enterprise in the register; import enterprises first",
        )
    }));
    Ok(refused)
}

/// Merges the staged rows.
pub(super) async fn merge(write: &mut Write) -> Result<Merged, StoreError> {
    merge_recorded!(
        write,
        "annual_return",
        from "stage_annual_return",
        matching "t.enterprise = s.enterprise and t.year = s.year",
        changed "t.output_wan_yuan, t.revenue_wan_yuan, t.tax_wan_yuan, t.value_added_wan_yuan, \
         t.fixed_assets_wan_yuan, t.energy_tce, t.emissions_t, t.rd_wan_yuan, t.staff, t.staff_local, \
         t.veto, t.veto_cleared_on"
        to "s.output_wan_yuan, s.revenue_wan_yuan, s.tax_wan_yuan, s.value_added_wan_yuan, \
         s.fixed_assets_wan_yuan, s.energy_tce, s.emissions_t, s.rd_wan_yuan, s.staff, s.staff_local, \
         s.veto, s.veto_cleared_on",
        columns "enterprise, year, output_wan_yuan, revenue_wan_yuan, tax_wan_yuan, value_added_wan_yuan, \
         fixed_assets_wan_yuan, energy_tce, emissions_t, rd_wan_yuan, staff, staff_local, veto, \
         veto_cleared_on",
        values "s.enterprise, s.year, s.output_wan_yuan, s.revenue_wan_yuan, s.tax_wan_yuan, \
         s.value_added_wan_yuan, s.fixed_assets_wan_yuan, s.energy_tce, s.emissions_t, s.rd_wan_yuan, \
         s.staff, s.staff_local, s.veto, s.veto_cleared_on"
    )
}
