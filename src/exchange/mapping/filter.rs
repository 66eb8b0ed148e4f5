//! Which rows of a file a map takes: those whose cell in one column passes a test. It counts the others, so that nobody
//! takes a part for the whole.

use super::{named_column, text_of};
use crate::domain::finding::Finding;
use crate::domain::intake::{Cell, FieldType, written};
use crate::exchange::error::{finding, warning};
use crate::exchange::table::text;
use serde::Deserialize;
use std::cell::Cell as Shared;

/// The test as a map writes it: a column, and one of the three others.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Where {
    column: String,
    /// The cell is one of these words,
    equals: Option<OneOrMany>,
    /// or none of these,
    not_equals: Option<OneOrMany>,
    /// or a number above this.
    above: Option<f64>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    Many(Vec<toml::Value>),
    One(toml::Value),
}

impl OneOrMany {
    fn words(&self) -> Vec<String> {
        match self {
            Self::Many(values) => values.iter().map(text_of).collect(),
            Self::One(value) => vec![text_of(value)],
        }
    }
}

/// A test that has met its file.
pub(super) struct Filter {
    /// The column.
    pub index: usize,
    column: String,
    test: Test,
    left_out: Shared<u64>,
}

enum Test {
    OneOf(Vec<String>),
    NoneOf(Vec<String>),
    Above(f64),
}

impl Where {
    /// Finds the column in a file.
    pub fn meet(&self, file: &str, columns: &[String]) -> Result<Filter, Finding> {
        let fault = |code, expected: &str| Err(finding(file, code, Some(&self.column), expected));
        let Some(index) = named_column(&self.column, columns) else {
            return fault("missing-column", "the column by which the map picks rows");
        };
        let test = match (&self.equals, &self.not_equals, self.above) {
            (Some(words), None, None) => Test::OneOf(words.words()),
            (None, Some(words), None) => Test::NoneOf(words.words()),
            (None, None, Some(limit)) => Test::Above(limit),
            _ => return fault("bad-map", "exactly one of equals, not_equals and above under where"),
        };
        Ok(Filter { index, column: self.column.clone(), test, left_out: Shared::default() })
    }
}

impl Filter {
    /// Whether a row is taken; `cell` gives a column's cell.
    pub fn takes(&self, cell: &mut impl FnMut(usize, FieldType) -> Cell) -> bool {
        let is = |words: &[String], found: &Cell| words.iter().any(|word| word.trim() == text(found).trim());
        let takes = match &self.test {
            Test::OneOf(words) => is(words, &cell(self.index, FieldType::Text)),
            Test::NoneOf(words) => !is(words, &cell(self.index, FieldType::Text)),
            Test::Above(limit) => match cell(self.index, FieldType::Number) {
                Cell::Number(number) => number > *limit,
                Cell::Text(text) => written::number(&text).is_some_and(|number| number > *limit),
                _ => false,
            },
        };
        if !takes {
            self.left_out.set(self.left_out.get() + 1);
        }
        takes
    }

    /// What to say of the rows that were left out.
    pub fn left_out(&self, file: &str) -> Option<Finding> {
        let rows = Some(self.left_out.get()).filter(|rows| *rows > 0)?;
        let column = &self.column;
        let test = match &self.test {
            Test::OneOf(words) => format!("{column} to be {}", words.join(" or ")),
            Test::NoneOf(words) if words.iter().all(String::is_empty) => format!("{column} to be filled in"),
            Test::NoneOf(words) => format!("{column} not to be {}", words.join(" or ")),
            Test::Above(limit) => format!("{column} above {limit}"),
        };
        let expected = format!("{test}, as the field map says; these rows are not read");
        Some(warning(file, "rows-left-out", &format!("{rows} rows"), expected))
    }
}
