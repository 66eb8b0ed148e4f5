//! Enterprises (企业), named by their unified social credit code.

use super::intake::{
    Field,
    FieldType::{Date, Flag, Text},
    Reading, field,
};
use chrono::NaiveDate;

/// The fields of an enterprises data set.
pub const FIELDS: &[Field] = &[
    field("enterprise_code", Text, true),
    field("name", Text, true),
    field("industry", Text, false),
    field("founded_on", Date, false),
    field("above_scale", Flag, false),
];

/// An enterprise as a data set gives it.
#[derive(Debug, Clone, PartialEq)]
pub struct Enterprise {
    /// Its unified social credit code (统一社会信用代码, 18 characters) or the bureau's own code.
    pub code: String,
    /// Its registered name.
    pub name: String,
    /// Its industry by GB/T 4754, the section letter dropped, e.g. "3962".
    pub industry: Option<String>,
    /// When it was founded.
    pub founded_on: Option<NaiveDate>,
    /// Whether it is above the scale at which statistics are full (规上).
    pub above_scale: Option<bool>,
}

/// Reads one row; faults are kept in the reading.
pub fn read(row: &mut Reading<'_>) -> Option<Enterprise> {
    let code = row.required_text("enterprise_code");
    let name = row.required_text("name");
    let industry =
        row.text("industry").map(|text| text.trim_start_matches(|c: char| c.is_ascii_alphabetic()).to_owned());
    if let Some(industry) = &industry
        && !(2..=4).contains(&industry.len()) | !industry.bytes().all(|b| b.is_ascii_digit())
    {
        row.refuse("bad-industry-code", "industry", industry, "two to four digits of GB/T 4754, e.g. C3962 or 3962");
    }
    let founded_on = row.date("founded_on");
    let above_scale = row.flag("above_scale");
    Some(Enterprise { code: code?, name: name?, industry, founded_on, above_scale })
}
