//! The layers of the plan in two times: zones of the double lockup, planning units, legacy areas.

use super::copy::{Cells, Rows};
use super::doubt::{Doubt, Doubts};
use super::layer::{check_layer, merge_layer, overlapping_areas};
use super::place::{invalid_shapes, outside_city};
use super::stage::{FIRST_PAGE, Merged, Refused, Row};
use super::write::Write;
use super::{StoreError, check as checks};
use crate::domain::zoning::legacy::LegacyArea;
use crate::domain::zoning::plan_unit::{PlanUnit, write_uses};
use crate::domain::zoning::{InForce, Zone};
use chrono::NaiveDate;
use geo_types::MultiPolygon;
use sqlx::PgConnection;

/// Starts the row of an area of the plan: it may come with several periods in one file, so the period belongs to the key.
fn begin<'a>(rows: &'a mut Rows, file: i16, row: u64, code: &str, in_force: &InForce) -> Cells<'a> {
    let mut cells = rows.row(file, row, &format!("{code} {}", in_force.valid_from));
    cells.text(code);
    cells
}

/// Puts one zone on its way in.
pub fn stage(rows: &mut Rows, file: i16, row: u64, it: &Zone, shape: &MultiPolygon<f64>) {
    begin(rows, file, row, &it.code, &it.in_force)
        .text(&it.name)
        .text(it.tier.name())
        .value(&it.locked)
        .optional_text(it.in_force.document.as_deref())
        .value(&it.in_force.valid_from)
        .optional_date(it.in_force.valid_to)
        .shape(shape)
        .optional_date(it.in_force.decided_on)
        .end();
}

/// Puts one planning unit on its way in.
pub fn stage_plan_unit(rows: &mut Rows, file: i16, row: u64, it: &PlanUnit, shape: &MultiPolygon<f64>) {
    begin(rows, file, row, &it.code, &it.in_force)
        .text(&it.name)
        .text(&it.permitted.land_use_scheme)
        .text(&write_uses(&it.permitted.uses))
        .optional_text(it.in_force.document.as_deref())
        .optional_date(it.in_force.decided_on)
        .value(&it.in_force.valid_from)
        .optional_date(it.in_force.valid_to)
        .shape(shape)
        .end();
}

/// Puts one legacy area on its way in.
pub fn stage_legacy_area(rows: &mut Rows, file: i16, row: u64, it: &LegacyArea, shape: &MultiPolygon<f64>) {
    begin(rows, file, row, &it.code, &it.in_force)
        .text(&it.name)
        .text(it.class.name())
        .optional_text(it.in_force.document.as_deref())
        .optional_date(it.in_force.decided_on)
        .value(&it.in_force.valid_from)
        .optional_date(it.in_force.valid_to)
        .shape(shape)
        .end();
}

/// The merged zones that share land with another zone for some days, by more than so many m²: both tiers would count it. At
/// most so many are kept.
pub async fn overlapping(connection: &mut PgConnection, allowed: f64, most: i64) -> Result<Doubts, StoreError> {
    Ok(overlapping_areas!(
        connection,
        "zone_version" from "stage_zone",
        what "o.tier",
        told as "overlapping-zones",
        "zones that lie beside one another; compare the documents and correct one",
        allowed,
        most
    ))
}

/// The same of planning units: land in two of them has two lists of permitted uses.
pub async fn overlapping_plan_units(
    connection: &mut PgConnection,
    allowed: f64,
    most: i64,
) -> Result<Doubts, StoreError> {
    Ok(overlapping_areas!(
        connection,
        "plan_unit_version" from "stage_plan_unit",
        what "'planning unit'",
        told as "overlapping-plan-units",
        "planning units that lie beside one another; where they don't, the smaller one is taken",
        allowed,
        most
    ))
}

/// The merged zones that end while contracts on their land run on, each with how many. At most so many are kept.
pub async fn ending(
    connection: &mut PgConnection,
    day: NaiveDate,
    deciding_share: f64,
    most: usize,
) -> Result<Doubts, StoreError> {
    let found = checks::zones_ending(&mut *connection, day, deciding_share, true).await?;
    if found.is_empty() {
        return Ok(Doubts::default());
    }
    let rows = sqlx::query!(
        "select distinct on (code) file, row, key, code from stage_zone order by code, valid_to desc nulls last, file, row"
    )
    .fetch_all(connection)
    .await?;
    let all = found.len() as u64;
    let mut kept: Vec<Doubt> = found
        .into_iter()
        .filter_map(|one| {
            let row = rows.iter().find(|row| row.code == one.key)?;
            let (ends_on, contracts) = (one.other.unwrap_or_default(), one.figure.unwrap_or_default());
            Some(Doubt {
                file: row.file,
                row: row.row,
                key: row.key.clone(),
                code: "zone-ends-before-contract",
                field: "valid_to",
                expected: format!(
                    "a day after the terms of contracts on its land; {contracts} run on beyond {ends_on}"
                ),
                value: ends_on,
                facts: vec![("contracts", contracts.into())],
            })
        })
        .take(most)
        .collect();
    kept.sort_by_key(|doubt| (doubt.file, doubt.row));
    Ok(Doubts { kept, all })
}

/// Takes out the staged zones that cannot be merged.
pub(super) async fn check(connection: &mut PgConnection) -> Result<Vec<Refused>, StoreError> {
    Ok(check_layer!(
        connection,
        "zone_version" from "stage_zone",
        of register "t.name, t.tier, t.locked, t.document, t.decided_on, t.geom",
        of stage "s.name, s.tier, s.locked, s.document, s.decided_on, s.geom"
    ))
}

/// Takes out the staged planning units that cannot be merged.
pub(super) async fn check_plan_units(connection: &mut PgConnection) -> Result<Vec<Refused>, StoreError> {
    Ok(check_layer!(
        connection,
        "plan_unit_version" from "stage_plan_unit",
        of register "t.name, t.land_use_scheme, t.uses, t.document, t.decided_on, t.geom",
        of stage "s.name, s.land_use_scheme, s.uses, s.document, s.decided_on, s.geom"
    ))
}

/// Takes out the staged legacy areas that cannot be merged.
pub(super) async fn check_legacy_areas(connection: &mut PgConnection) -> Result<Vec<Refused>, StoreError> {
    Ok(check_layer!(
        connection,
        "legacy_area_version" from "stage_legacy_area",
        of register "t.name, t.class, t.document, t.decided_on, t.geom",
        of stage "s.name, s.class, s.document, s.decided_on, s.geom"
    ))
}

/// Merges the staged zones.
pub(super) async fn merge(write: &mut Write) -> Result<Merged, StoreError> {
    Ok(merge_layer!(
        write,
        "zone_version" from "stage_zone",
        columns "name, tier, locked, document, decided_on, geom",
        of register "t.name, t.tier, t.locked, t.document, t.decided_on, t.geom",
        of stage "s.name, s.tier, s.locked, s.document, s.decided_on, s.geom"
    ))
}

/// Merges the staged planning units.
pub(super) async fn merge_plan_units(write: &mut Write) -> Result<Merged, StoreError> {
    Ok(merge_layer!(
        write,
        "plan_unit_version" from "stage_plan_unit",
        columns "name, land_use_scheme, uses, document, decided_on, geom",
        of register "t.name, t.land_use_scheme, t.uses, t.document, t.decided_on, t.geom",
        of stage "s.name, s.land_use_scheme, s.uses, s.document, s.decided_on, s.geom"
    ))
}

/// Merges the staged legacy areas.
pub(super) async fn merge_legacy_areas(write: &mut Write) -> Result<Merged, StoreError> {
    Ok(merge_layer!(
        write,
        "legacy_area_version" from "stage_legacy_area",
        columns "name, class, document, decided_on, geom",
        of register "t.name, t.class, t.document, t.decided_on, t.geom",
        of stage "s.name, s.class, s.document, s.decided_on, s.geom"
    ))
}
