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
    field("parcel_code", Text, false),
    field("storeys", Integer, true),
    field("storey_height_m", Number, false),
    field("footprint_m2", Number, false),
    field("floor_area_m2", Number, true),
    field("used_floor_area_m2", Number, false),
    field("built_year", Integer, false),
    field("vacant_floor_area_m2", Number, false),
];

/// A building as a data set gives it, without its shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Building {
    /// Its code.
    pub code: String,
    /// The parcel on which it is said to stand; one with a shape stands where its shape lies.
    pub parcel: Option<ParcelCode>,
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
    /// The part of its floor area that stands empty; what is neither in use nor empty is unexplained.
    pub vacant_floor_area: Option<SquareMetres>,
}

/// Reads one row; faults are kept in the reading.
pub fn read(row: &mut Reading<'_>) -> Option<Building> {
    let code = row.required_text("building_code");
    let parcel = if row.text("parcel_code").is_none() {
        if !row.has_shape() {
            row.refuse("missing-value", "parcel_code", "", "the code of its parcel, or an outline to find it by");
        }
        None
    } else {
        parcel_code(row, "parcel_code")
    };
    row.required_text("storeys");
    let storeys = row.count("storeys");
    let storey_height_m = row.positive("storey_height_m");
    let footprint = row.amount("footprint_m2").map(SquareMetres);
    row.required_text("floor_area_m2");
    let floor_area = row.amount("floor_area_m2").map(SquareMetres);
    let used_floor_area = row.amount("used_floor_area_m2").map(SquareMetres);
    let built_year = row.year("built_year");
    let vacant_floor_area = row.amount("vacant_floor_area_m2").map(SquareMetres);
    for (field, part) in [("used_floor_area_m2", used_floor_area), ("vacant_floor_area_m2", vacant_floor_area)] {
        if let (Some(part), Some(all)) = (part, floor_area)
            && part > all
        {
            let expected = format!("at most floor_area_m2 = {}", all.value());
            row.refuse("part-exceeds-whole", field, &part.value().to_string(), expected);
        }
    }
    if let (Some(used), Some(vacant), Some(all)) = (used_floor_area, vacant_floor_area, floor_area)
        && used <= all
        && vacant <= all
        && used.value() + vacant.value() > all.value() * (1.0 + 1e-9)
    {
        let expected = format!("at most floor_area_m2 − used_floor_area_m2 = {}", (all - used).value());
        row.refuse("parts-exceed-whole", "vacant_floor_area_m2", &vacant.value().to_string(), expected);
    }
    Some(Building {
        code: code?,
        parcel,
        storeys: storeys?,
        storey_height_m,
        footprint,
        floor_area: floor_area?,
        used_floor_area,
        built_year,
        vacant_floor_area,
    })
}
