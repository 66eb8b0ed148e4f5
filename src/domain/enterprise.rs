//! Enterprises (企业), named by their unified social credit code.

use super::finding::Fault;
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

/// What an industry looks like.
pub(super) const INDUSTRY_EXPECTED: &str = "two to four digits of GB/T 4754, e.g. C3962 or 3962";

/// The digits of a class of GB/T 4754, two to four of them; the letter of its section may stand before them.
pub fn industry_class(text: &str) -> Option<String> {
    let digits = text.trim().trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let fits = (2..=4).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| digits.to_owned())
}

/// Reads one row; faults are kept in the reading.
pub fn read(row: &mut Reading<'_>) -> Option<Enterprise> {
    let code = enterprise_code(row, "enterprise_code");
    let name = row.required_text("name");
    let industry = row.text("industry");
    if let Some(text) = &industry
        && industry_class(text).is_none()
    {
        row.refuse("bad-industry-code", "industry", text, INDUSTRY_EXPECTED);
    }
    let industry = industry.as_deref().and_then(industry_class);
    let founded_on = row.date("founded_on");
    let above_scale = row.flag("above_scale");
    if let Some(code) = &code
        && !is_credit_code(code)
    {
        let expected = "a unified social credit code: 18 of the characters 0-9 and A-Z; taken as the bureau's own code";
        row.faults
            .push(Fault::error("unusual-enterprise-code", Some("enterprise_code"), Some(code), expected).as_warning());
    }
    Some(Enterprise { code: code?, name: name?, industry, founded_on, above_scale })
}

/// The longest code: a unified social credit code's 18 characters.
const LONGEST: usize = 18;

/// An enterprise's code, wherever a data set names one. A code that a spreadsheet turned into a number is refused: it
/// lost its last digits, and two enterprises may have become one.
pub(super) fn enterprise_code(row: &mut Reading<'_>, name: &'static str) -> Option<String> {
    let code = row.required_text(name)?;
    let expected = if row.has_lost_digits(name) || is_scientific(&code) {
        "a code kept as text: a spreadsheet made a number of it and its last digits are lost; format the column as \
         text and fill it in anew"
    } else if code.chars().any(char::is_whitespace) {
        "a code without blanks inside"
    } else if code.chars().count() > LONGEST {
        "a code of at most 18 characters"
    } else {
        return Some(code);
    };
    row.refuse("bad-enterprise-code", name, &code, expected);
    None
}

/// Whether a text is a number as spreadsheets shorten long ones: 9.13101E+17.
fn is_scientific(text: &str) -> bool {
    let Some((digits, power)) = text.split_once(['e', 'E']) else { return false };
    let power = power.strip_prefix(['+', '-']).filter(|power| !power.is_empty());
    !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        && power.is_some_and(|power| power.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_credit_code(code: &str) -> bool {
    code.len() == LONGEST && code.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::intake::{Cell, Kind, Record, Shape};

    fn codes(kind: Kind, code: Cell) -> Vec<&'static str> {
        let mut cells = vec![code, Cell::Text("厂".into())];
        cells.resize(kind.fields().len(), Cell::Empty);
        if kind == Kind::Returns {
            cells[1] = Cell::Number(2024.0);
        }
        let record = Record { row: 1, cells, shape: Shape::None };
        let mut row = Reading::new(kind, &record, NaiveDate::from_ymd_opt(2026, 6, 30).unwrap());
        let taken = match kind {
            Kind::Returns => super::super::performance::read(&mut row).is_some(),
            _ => read(&mut row).is_some(),
        };
        assert_eq!(taken, !row.refused());
        row.faults.iter().map(|fault| fault.code).collect()
    }

    fn text(code: &str) -> Cell {
        Cell::Text(code.to_owned())
    }

    #[test]
    fn a_code_that_a_spreadsheet_destroyed_is_refused() {
        for kind in [Kind::Enterprises, Kind::Returns] {
            for code in ["9.13101E+17", "9E+17", "9.1310115e+17", "91310115 DEMO00000", "91310115DEMO0000001"] {
                assert_eq!(codes(kind, text(code)), ["bad-enterprise-code"], "{code}");
            }
            assert_eq!(codes(kind, Cell::Number(913_101_150_000_000_000.0)), ["bad-enterprise-code"]);
        }
    }

    #[test]
    fn a_bureau_s_own_code_is_taken_and_told_once_where_enterprises_are_listed() {
        for code in ["E1", "91310115demo000000", "1E5"] {
            assert_eq!(codes(Kind::Enterprises, text(code)), ["unusual-enterprise-code"], "{code}");
            assert_eq!(codes(Kind::Returns, text(code)), Vec::<&str>::new(), "{code}");
        }
        assert_eq!(codes(Kind::Enterprises, text("91310115DEMO000000")), Vec::<&str>::new());
    }
}
