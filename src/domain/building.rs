//! Buildings (建筑) on a parcel and their floor area.

use super::id::ParcelCode;
use super::intake::{
    Field,
    FieldType::{Integer, Number, Text},
    Reading, field,
};
use super::parcel::parcel_code;
use super::quantity::SquareMetres;

/// The fields of a buildings data set.
pub const FIELDS: &[Field] = &[
    field("building_code", Text, true),
    field("parcel_code", Text, true),
    field("storeys", Integer, true),
    field("storey_height_m", Number, false),
    field("footprint_m2", Number, false),
    field("floor_area_m2", Number, true),
    field("used_floor_area_m2", Number, false),
    field("built_year", Integer, false),
];

/// A building as a data set gives it, without its shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Building {
    /// Its code.
    pub code: String,
    /// The parcel on which it stands.
    pub parcel: ParcelCode,
    /// How many storeys it has above ground.
    pub storeys: i32,
    /// The height of a storey in metres.
    pub storey_height_m: Option<f64>,
    /// The land it covers.
    pub footprint: Option<SquareMetres>,
    /// Its floor area over all storeys.
    pub floor_area: SquareMetres,
    /// The part of its floor area that is in use.
    pub used_floor_area: Option<SquareMetres>,
    /// When it was finished.
    pub built_year: Option<i32>,
}

/// Reads one row; faults are kept in the reading.
pub fn read(row: &mut Reading<'_>) -> Option<Building> {
    let code = row.required_text("building_code");
    let parcel = parcel_code(row, "parcel_code");
    row.required_text("storeys");
    let storeys = row.count("storeys");
    let storey_height_m = row.positive("storey_height_m");
    let footprint = row.amount("footprint_m2").map(SquareMetres);
    row.required_text("floor_area_m2");
    let floor_area = row.amount("floor_area_m2").map(SquareMetres);
    let used_floor_area = row.amount("used_floor_area_m2").map(SquareMetres);
    let built_year = row.year("built_year");
    if let (Some(used), Some(all)) = (used_floor_area, floor_area)
        && used > all
    {
        row.refuse(
            "part-exceeds-whole",
            "used_floor_area_m2",
            &used.value().to_string(),
            format!("at most floor_area_m2 = {}", all.value()),
        );
    }
    Some(Building {
        code: code?,
        parcel: parcel?,
        storeys: storeys?,
        storey_height_m,
        footprint,
        floor_area: floor_area?,
        used_floor_area,
        built_year,
    })
}
