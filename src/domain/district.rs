//! Districts (区) of a city.

use super::id::DistrictCode;
use super::intake::{Field, FieldType::Text, Reading, field};

/// The fields of a districts data set.
pub const FIELDS: &[Field] = &[field("code", Text, true), field("name", Text, true), field("name_en", Text, false)];

/// A district as a data set gives it, without its shape.
#[derive(Debug, Clone, PartialEq)]
pub struct District {
    /// Six digits.
    pub code: DistrictCode,
    /// Its Chinese name.
    pub name: String,
    /// Its English name.
    pub name_en: Option<String>,
}

/// Reads one row; faults are kept in the reading.
pub fn read(row: &mut Reading<'_>) -> Option<District> {
    let code = district_code(row, "code");
    let name = row.required_text("name");
    let name_en = row.text("name_en");
    Some(District { code: code?, name: name?, name_en })
}

/// A district code that must be there.
pub(super) fn district_code(row: &mut Reading<'_>, name: &'static str) -> Option<DistrictCode> {
    let text = row.required_text(name)?;
    match DistrictCode::parse(&text) {
        Ok(code) => Some(code),
        Err(error) => {
            row.refuse("bad-district-code", name, &text, error.to_string());
            None
        }
    }
}
