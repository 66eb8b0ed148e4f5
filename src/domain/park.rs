//! Industrial parks (园区).

use super::district::district_code;
use super::id::DistrictCode;
use super::intake::{Field, FieldType::Text, Reading, field};

/// The fields of a parks data set.
pub const FIELDS: &[Field] = &[
    field("park_code", Text, true),
    field("name", Text, true),
    field("name_en", Text, false),
    field("district", Text, true),
];

/// A park as a data set gives it, without its shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Park {
    /// Its code.
    pub code: String,
    /// Its Chinese name.
    pub name: String,
    /// Its English name.
    pub name_en: Option<String>,
    /// The district that answers for it.
    pub district: DistrictCode,
}

/// Reads one row; faults are kept in the reading.
pub fn read(row: &mut Reading<'_>) -> Option<Park> {
    let code = row.required_text("park_code");
    let name = row.required_text("name");
    let name_en = row.text("name_en");
    let district = district_code(row, "district");
    Some(Park { code: code?, name: name?, name_en, district: district? })
}
