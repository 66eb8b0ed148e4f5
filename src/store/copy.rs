//! Rows as the text that COPY takes: the fast way into a table.

use super::StoreError;
use super::geometry::push_hex;
use chrono::NaiveDate;
use geo_types::MultiPolygon;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use std::fmt::{Display, Write as _};

/// Rows as COPY text; cells are appended in the order of the staging table's columns.
#[derive(Default)]
pub struct Rows {
    bytes: Vec<u8>,
    count: u64,
}

impl Rows {
    /// Starts a row of a staging table, which begins with the place it came from.
    pub fn row(&mut self, file: i16, row: u64, key: &str) -> Cells<'_> {
        self.count += 1;
        let mut cells = Cells { bytes: &mut self.bytes, first: true };
        cells.value(&file).value(&row).text(key);
        cells
    }

    /// Starts a row of a table that is no staging table.
    pub(super) fn bare_row(&mut self) -> Cells<'_> {
        self.count += 1;
        Cells { bytes: &mut self.bytes, first: true }
    }

    /// How many rows wait here.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// How many bytes they take.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing waits here.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The text itself.
    pub fn text(&self) -> &[u8] {
        &self.bytes
    }

    /// Makes room for more.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.count = 0;
    }
}

/// The cells of one row.
pub struct Cells<'a> {
    bytes: &'a mut Vec<u8>,
    first: bool,
}

impl Cells<'_> {
    fn separate(&mut self) {
        if !self.first {
            self.bytes.push(b'\t');
        }
        self.first = false;
    }

    /// A text.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.separate();
        for byte in text.bytes() {
            match byte {
                b'\\' => self.bytes.extend_from_slice(b"\\\\"),
                b'\t' => self.bytes.extend_from_slice(b"\\t"),
                b'\n' => self.bytes.extend_from_slice(b"\\n"),
                b'\r' => self.bytes.extend_from_slice(b"\\r"),
                other => self.bytes.push(other),
            }
        }
        self
    }

    /// A number, a day or a flag: anything whose text needs no escape.
    pub fn value<T: Display + ?Sized>(&mut self, value: &T) -> &mut Self {
        self.separate();
        let mut text = String::new();
        // Writing into a String never fails.
        let _ = write!(text, "{value}");
        self.bytes.extend_from_slice(text.as_bytes());
        self
    }

    fn null(&mut self) -> &mut Self {
        self.separate();
        self.bytes.extend_from_slice(b"\\N");
        self
    }

    /// A text that may be missing.
    pub fn optional_text(&mut self, text: Option<&str>) -> &mut Self {
        match text {
            Some(text) => self.text(text),
            None => self.null(),
        }
    }

    /// A number that may be missing.
    pub fn optional_number(&mut self, number: Option<f64>) -> &mut Self {
        self.optional(number.as_ref())
    }

    /// A day that may be missing.
    pub fn optional_date(&mut self, date: Option<NaiveDate>) -> &mut Self {
        self.optional(date.as_ref())
    }

    /// An exact number that may be missing.
    pub fn optional_decimal(&mut self, number: Option<Decimal>) -> &mut Self {
        self.optional(number.as_ref())
    }

    /// Anything that may be missing and whose text needs no escape.
    pub fn optional<T: Display>(&mut self, value: Option<&T>) -> &mut Self {
        match value {
            Some(value) => self.value(value),
            None => self.null(),
        }
    }

    /// A shape.
    pub fn shape(&mut self, shape: &MultiPolygon<f64>) -> &mut Self {
        self.separate();
        push_hex(self.bytes, shape);
        self
    }

    /// A shape that may be missing.
    pub fn optional_shape(&mut self, shape: Option<&MultiPolygon<f64>>) -> &mut Self {
        match shape {
            Some(shape) => self.shape(shape),
            None => self.null(),
        }
    }

    /// Ends the row.
    pub fn end(&mut self) {
        self.bytes.push(b'\n');
    }
}

/// Sends rows into a table; `target` is one of this ring's own names, with its columns where not all are given.
pub(super) async fn send(connection: &mut PgConnection, target: &str, text: &[u8]) -> Result<(), StoreError> {
    let mut copy = connection.copy_in_raw(&format!("copy {target} from stdin")).await?;
    copy.send(text).await?;
    copy.finish().await?;
    Ok(())
}
