//! Industrial parks (园区).

use super::district::district_code;
use super::enterprise::{INDUSTRY_EXPECTED, industry_class};
use super::id::DistrictCode;
use super::intake::written::is_nothing;
use super::intake::{Field, FieldType::Text, Reading, field};

/// The fields of a parks data set.
pub const FIELDS: &[Field] = &[
    field("park_code", Text, true),
    field("name", Text, true),
    field("name_en", Text, false),
    field("district", Text, true),
    field("leading_industries", Text, false),
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
    /// The classes of GB/T 4754 that it leads with, at most three; nothing where the data set does not say.
    pub leading_industries: Option<Vec<String>>,
}

/// The most industries that a park leads with (seed 003).
pub const MOST_LEADING_INDUSTRIES: usize = 3;

/// Classes parted by commas, semicolons, blanks or 、; `无` for none. The same class counts once.
fn leading_industries(row: &mut Reading<'_>) -> Option<Vec<String>> {
    let field = "leading_industries";
    let text = row.text(field)?;
    if is_nothing(&text) {
        return Some(Vec::new());
    }
    let mut classes: Vec<String> = Vec::new();
    for part in text.split(|c: char| c.is_whitespace() || ",，;；、/".contains(c)).filter(|part| !part.is_empty()) {
        match industry_class(part) {
            Some(class) if !classes.contains(&class) => classes.push(class),
            Some(_) => {}
            None => row.refuse("bad-industry-code", field, part, INDUSTRY_EXPECTED),
        }
    }
    if classes.len() > MOST_LEADING_INDUSTRIES {
        row.refuse("too-many-leading-industries", field, &text, "at most three leading industries");
    }
    Some(classes)
}

/// Reads one row; faults are kept in the reading.
pub fn read(row: &mut Reading<'_>) -> Option<Park> {
    let code = row.required_text("park_code");
    let name = row.required_text("name");
    let name_en = row.text("name_en");
    let district = district_code(row, "district");
    let leading_industries = leading_industries(row);
    Some(Park { code: code?, name: name?, name_en, district: district?, leading_industries })
}
