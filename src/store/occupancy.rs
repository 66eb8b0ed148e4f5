//! Occupancies: which enterprise uses which floor area of which parcel.

use super::StoreError;
use super::copy::Rows;
use super::recorded::merge_recorded;
use super::stage::{Merged, Refused, Row};
use super::write::Write;
use crate::domain::occupancy::Occupancy;
use sqlx::PgConnection;

/// Puts one row on its way in.
pub fn stage(rows: &mut Rows, file: i16, row: u64, it: &Occupancy) {
    let key = format!("{} {} {} {}", it.parcel, it.enterprise, it.role.name(), it.from);
    rows.row(file, row, &key)
        .text(it.parcel.as_str())
        .text(&it.enterprise)
        .text(it.role.name())
        .value(&it.from)
        .optional_date(it.to)
        .value(&it.floor_area.value())
        .value(&it.tax_is_local)
        .end();
}

/// Takes out the staged rows that refer to nothing.
pub(super) async fn check(connection: &mut PgConnection) -> Result<Vec<Refused>, StoreError> {
    let mut refused = Vec::new();
    let rows = sqlx::query_as!(
        Row,
        "delete from stage_occupancy s where not exists (select from parcel t where t.code = s.parcel )
         returning s.file, s.row, s.key, s.parcel as value"
    )
    .fetch_all(&mut *connection)
    .await?;
    refused.extend(rows.into_iter().map(|row| {
        row.refuse("unknown-parcel", "parcel_code", "the code of a parcel in the register; import parcels first")
    }));
    let rows = sqlx::query_as!(
        Row,
        "delete from stage_occupancy s where not exists (select from enterprise t where t.code = s.enterprise and upper_inf(t.recorded))
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
        "occupancy",
        from "stage_occupancy",
        matching "t.parcel = s.parcel and t.enterprise = s.enterprise and t.role = s.role and t.from_on = s.from_on",
        changed "t.to_on, t.floor_area_m2, t.tax_is_local"
        to "s.to_on, s.floor_area_m2, s.tax_is_local",
        columns "parcel, enterprise, role, from_on, to_on, floor_area_m2, tax_is_local",
        values "s.parcel, s.enterprise, s.role, s.from_on, s.to_on, s.floor_area_m2, s.tax_is_local"
    )
}
