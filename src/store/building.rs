//! Buildings on parcels.

use super::StoreError;
use super::copy::Rows;
use super::place;
use super::recorded::merge_recorded;
use super::stage::{FIRST_PAGE, Merged, Refused, Row};
use super::write::Write;
use crate::domain::building::Building;
use crate::domain::quantity::SquareMetres;
use geo_types::MultiPolygon;
use sqlx::PgConnection;

/// Puts one row on its way in.
pub fn stage(rows: &mut Rows, file: i16, row: u64, it: &Building, shape: Option<&MultiPolygon<f64>>) {
    rows.row(file, row, &it.code)
        .text(&it.code)
        .text(it.parcel.as_str())
        .value(&it.storeys)
        .optional_number(it.storey_height_m)
        .optional_number(it.footprint.map(SquareMetres::value))
        .value(&it.floor_area.value())
        .optional_number(it.used_floor_area.map(SquareMetres::value))
        .optional(it.built_year.as_ref())
        .optional_shape(shape)
        .end();
}

/// Takes out the staged rows that refer to nothing.
pub(super) async fn check(connection: &mut PgConnection) -> Result<Vec<Refused>, StoreError> {
    let mut refused = Vec::new();
    refused.extend(place::invalid_shapes(connection, "stage_building", FIRST_PAGE).await?);
    let rows = sqlx::query_as!(
        Row,
        "delete from stage_building s where not exists (select from parcel t where t.code = s.parcel )
         returning s.file, s.row, s.key, s.parcel as value"
    )
    .fetch_all(&mut *connection)
    .await?;
    refused.extend(rows.into_iter().map(|row| {
        row.refuse("unknown-parcel", "parcel_code", "the code of a parcel in the register; import parcels first")
    }));
    Ok(refused)
}

/// Merges the staged rows.
pub(super) async fn merge(write: &mut Write) -> Result<Merged, StoreError> {
    merge_recorded!(
        write,
        "building",
        from "stage_building",
        matching "t.code = s.code",
        changed "t.parcel, t.storeys, t.storey_height_m, t.footprint_m2, t.floor_area_m2, t.used_floor_area_m2, \
         t.built_year, t.geom"
        to "s.parcel, s.storeys, s.storey_height_m, s.footprint_m2, s.floor_area_m2, s.used_floor_area_m2, \
         s.built_year, s.geom",
        columns "code, parcel, storeys, storey_height_m, footprint_m2, floor_area_m2, used_floor_area_m2, \
         built_year, geom",
        values "s.code, s.parcel, s.storeys, s.storey_height_m, s.footprint_m2, s.floor_area_m2, \
         s.used_floor_area_m2, s.built_year, s.geom"
    )
}
