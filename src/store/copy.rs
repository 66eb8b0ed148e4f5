//! Rows in the binary form that COPY takes: the fast way into a table. A number goes as it is in memory rather than as
//! digits that the server would read again, which halves the time that it takes to store a parcel.

use super::StoreError;
use super::geometry::{SRID, push_ewkb};
use chrono::NaiveDate;
use geo_types::{Geometry, MultiPolygon};
use geozero::{CoordDimensions, ToWkb as _};
use rust_decimal::Decimal;
use sqlx::PgConnection;

/// Begins every binary copy: signature, no flags, no extension.
pub(super) const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// Ends it.
pub(super) const TRAILER: [u8; 2] = (-1_i16).to_be_bytes();
/// The length of a cell that holds nothing.
const NULL: i32 = -1;

/// Rows for COPY; cells are appended in the order of the staging table's columns, and in their types.
#[derive(Default)]
pub struct Rows {
    bytes: Vec<u8>,
    count: u64,
}

impl Rows {
    /// Starts a row of a staging table, which begins with the place it came from.
    pub fn row(&mut self, file: i16, row: u64, key: &str) -> Cells<'_> {
        let mut cells = self.bare_row();
        // No file has so many rows.
        cells.value(&file).value(&i64::try_from(row).unwrap_or(i64::MAX)).text(key);
        cells
    }

    /// Starts a row of a table that is no staging table.
    pub(super) fn bare_row(&mut self) -> Cells<'_> {
        self.count += 1;
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 2]);
        Cells { bytes: &mut self.bytes, start, cells: 0 }
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

    /// The rows themselves, without what begins and ends a copy.
    pub fn bytes(&self) -> &[u8] {
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
    start: usize,
    cells: i16,
}

/// What a cell can hold, in the form in which PostgreSQL takes it: the Rust type decides on the column's.
pub trait Binary {
    /// Appends it, without its length.
    fn push(&self, out: &mut Vec<u8>);
}

macro_rules! big_endian {
    ($($type:ty),*) => {
        $(impl Binary for $type {
            fn push(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }
        })*
    };
}

// smallint, integer, bigint, double precision.
big_endian!(i16, i32, i64, f64);

impl Binary for bool {
    fn push(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
}

impl Binary for str {
    fn push(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_bytes());
    }
}

impl Binary for NaiveDate {
    fn push(&self, out: &mut Vec<u8>) {
        days(*self).push(out);
    }
}

impl Binary for Decimal {
    fn push(&self, out: &mut Vec<u8>) {
        push_numeric(out, &self.to_string());
    }
}

/// A list of texts (`text[]`).
impl Binary for [String] {
    fn push(&self, out: &mut Vec<u8>) {
        /// The number of the type text in PostgreSQL's catalogue.
        const TEXT: i32 = 25;
        // One dimension, or none for an empty list; no element is null.
        i32::from(!self.is_empty()).push(out);
        0_i32.push(out);
        TEXT.push(out);
        if !self.is_empty() {
            // No row has so many.
            i32::try_from(self.len()).unwrap_or(i32::MAX).push(out);
            1_i32.push(out);
        }
        for text in self {
            i32::try_from(text.len()).unwrap_or(i32::MAX).push(out);
            text.as_str().push(out);
        }
    }
}

impl Binary for MultiPolygon<f64> {
    fn push(&self, out: &mut Vec<u8>) {
        push_ewkb(out, self);
    }
}

/// A shape of any sort.
impl Binary for Geometry<f64> {
    fn push(&self, out: &mut Vec<u8>) {
        // Writing into memory does not fail.
        let bytes = self.to_ewkb(CoordDimensions::xy(), i32::try_from(SRID).ok());
        out.extend_from_slice(&bytes.unwrap_or_default());
    }
}

/// A JSON document as text, for a column of type `jsonb`.
pub struct Json<'a>(pub &'a str);

impl Binary for Json<'_> {
    fn push(&self, out: &mut Vec<u8>) {
        /// The only version of the form in which jsonb is sent.
        const VERSION: u8 = 1;
        out.push(VERSION);
        self.0.push(out);
    }
}

/// A day as PostgreSQL counts it: from the first of 2000.
pub(super) fn days(day: NaiveDate) -> i32 {
    const EPOCH: NaiveDate = NaiveDate::from_ymd_opt(2000, 1, 1).expect("a day of the calendar");
    // The calendar of chrono ends at the year 262,142, some 96 million days away.
    i32::try_from((day - EPOCH).num_days()).unwrap_or(i32::MAX)
}

impl Cells<'_> {
    /// A value in the column's own type.
    pub fn value<T: Binary + ?Sized>(&mut self, value: &T) -> &mut Self {
        self.cells += 1;
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]);
        value.push(self.bytes);
        // A frame of rows has a limit far below two gigabytes.
        let length = i32::try_from(self.bytes.len() - start - 4).unwrap_or(i32::MAX);
        self.bytes[start..start + 4].copy_from_slice(&length.to_be_bytes());
        self
    }

    /// A value that may be missing.
    pub fn optional<T: Binary + ?Sized>(&mut self, value: Option<&T>) -> &mut Self {
        match value {
            Some(value) => self.value(value),
            None => {
                self.cells += 1;
                self.bytes.extend_from_slice(&NULL.to_be_bytes());
                self
            }
        }
    }

    /// A text.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.value(text)
    }

    /// A text that may be missing.
    pub fn optional_text(&mut self, text: Option<&str>) -> &mut Self {
        self.optional(text)
    }

    /// A number that may be missing, for a column of double precision.
    pub fn optional_number(&mut self, number: Option<f64>) -> &mut Self {
        self.optional(number.as_ref())
    }

    /// A number that may be missing, for a column of exact numbers: as it is written, in the fewest digits that tell it.
    pub fn optional_exact(&mut self, number: Option<f64>) -> &mut Self {
        struct Digits(String);
        impl Binary for Digits {
            fn push(&self, out: &mut Vec<u8>) {
                push_numeric(out, &self.0);
            }
        }
        self.optional(number.map(|number| Digits(number.to_string())).as_ref())
    }

    /// A day that may be missing.
    pub fn optional_date(&mut self, date: Option<NaiveDate>) -> &mut Self {
        self.optional(date.as_ref())
    }

    /// An exact number that may be missing.
    pub fn optional_decimal(&mut self, number: Option<Decimal>) -> &mut Self {
        self.optional(number.as_ref())
    }

    /// A shape.
    pub fn shape(&mut self, shape: &MultiPolygon<f64>) -> &mut Self {
        self.value(shape)
    }

    /// A shape that may be missing.
    pub fn optional_shape(&mut self, shape: Option<&MultiPolygon<f64>>) -> &mut Self {
        self.optional(shape)
    }

    /// Ends the row.
    pub fn end(&mut self) {
        self.bytes[self.start..self.start + 2].copy_from_slice(&self.cells.to_be_bytes());
    }
}

/// Appends a decimal number such as `-12.340` as PostgreSQL's numeric: digits to the base of ten thousand, counted from
/// the point, and how many decimals to show.
fn push_numeric(out: &mut Vec<u8>, text: &str) {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let whole = whole.trim_start_matches('0');
    // Groups of four to either side of the point.
    let ahead = (4 - whole.len() % 4) % 4;
    let mut digits: Vec<i16> = Vec::with_capacity(8);
    let mut group = (0_i16, ahead);
    let padding = (4 - decimals.len() % 4) % 4;
    for digit in whole.bytes().chain(decimals.bytes()).chain(std::iter::repeat_n(b'0', padding)) {
        group = (group.0 * 10 + i16::from(digit.wrapping_sub(b'0').min(9)), group.1 + 1);
        if group.1 == 4 {
            digits.push(group.0);
            group = (0, 0);
        }
    }
    let groups_before = whole.len().div_ceil(4);
    let leading = digits.iter().take_while(|digit| **digit == 0).count();
    let trailing = digits.iter().rev().take_while(|digit| **digit == 0).count();
    let digits = if leading == digits.len() { &[] } else { &digits[leading..digits.len() - trailing] };
    // The longest number that an f64 is written as has some 1,100 digits.
    let short = |count: usize| i16::try_from(count).unwrap_or(i16::MAX);
    short(digits.len()).push(out);
    // The weight of the first group: 0 stands before the point.
    (if digits.is_empty() { 0 } else { short(groups_before) - short(leading) - 1 }).push(out);
    (if negative && !digits.is_empty() { 0x4000_i16 } else { 0 }).push(out);
    short(decimals.len()).push(out);
    digits.iter().for_each(|digit| digit.push(out));
}

/// The rows of a piece, one after the other, each as the bytes of its cells. What is no row ends them with an error.
pub(super) fn rows(mut piece: &[u8]) -> impl Iterator<Item = Result<Row<'_>, NotRows>> {
    std::iter::from_fn(move || {
        if piece.is_empty() {
            return None;
        }
        let row = row(piece);
        piece = row.as_ref().map_or(&[], |row| &piece[row.bytes.len()..]);
        Some(row.ok_or(NotRows))
    })
}

/// Bytes that are no rows of COPY.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotRows;

/// A row as it goes into COPY.
#[derive(Debug, Clone)]
pub(super) struct Row<'a> {
    /// All of it.
    pub bytes: &'a [u8],
    /// Where each cell begins, its length included.
    starts: [u32; MOST_CELLS],
    cells: usize,
}

/// More cells than any staging table has columns.
const MOST_CELLS: usize = 64;

fn row(piece: &[u8]) -> Option<Row<'_>> {
    let cells = usize::try_from(i16::from_be_bytes(*piece.first_chunk()?)).ok().filter(|cells| *cells <= MOST_CELLS)?;
    let (mut starts, mut at) = ([0; MOST_CELLS], 2_usize);
    for start in starts.iter_mut().take(cells) {
        *start = u32::try_from(at).ok()?;
        let length = i32::from_be_bytes(*piece.get(at..)?.first_chunk()?);
        at = at.checked_add(4)?.checked_add(usize::try_from(length.max(0)).ok()?)?;
    }
    Some(Row { bytes: piece.get(..at)?, starts, cells })
}

impl<'a> Row<'a> {
    /// A cell with its length before it, as another row can take it over.
    pub fn raw(&self, index: usize) -> Option<&'a [u8]> {
        self.span(index, index)
    }

    /// The cells from one to another, both included, each with its length before it.
    pub fn span(&self, first: usize, last: usize) -> Option<&'a [u8]> {
        let end = self.starts[..self.cells].get(last + 1).map_or(self.bytes.len(), |start| *start as usize);
        (last < self.cells).then(|| self.bytes.get(*self.starts.get(first)? as usize..end)).flatten()
    }

    /// What a cell holds; nothing where it is null.
    pub fn cell(&self, index: usize) -> Option<&'a [u8]> {
        let (length, content) = self.raw(index)?.split_first_chunk()?;
        (i32::from_be_bytes(*length) >= 0).then_some(content)
    }
}

/// Sends rows into a table; `target` is one of this ring's own names, with its columns where not all are given.
pub(super) async fn send(connection: &mut PgConnection, target: &str, rows: &[u8]) -> Result<(), StoreError> {
    let mut copy = connection.copy_in_raw(&format!("copy {target} from stdin (format binary)")).await?;
    copy.send(HEADER).await?;
    copy.send(rows).await?;
    copy.send(&TRAILER[..]).await?;
    copy.finish().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn numeric(text: &str) -> Vec<i16> {
        let mut out = Vec::new();
        push_numeric(&mut out, text);
        out.chunks(2).map(|pair| i16::from_be_bytes([pair[0], pair[1]])).collect()
    }

    #[test]
    fn a_number_is_cut_into_groups_of_four_from_the_point() {
        assert_eq!(numeric("12345.678"), [3, 1, 0, 3, 1, 2345, 6780]);
        assert_eq!(numeric("-0.00012"), [2, -1, 0x4000, 5, 1, 2000]);
        assert_eq!(numeric("0.00001"), [1, -2, 0, 5, 1000]);
        assert_eq!(numeric("120000"), [1, 1, 0, 0, 12]);
        assert_eq!(numeric("-0.00"), [0, 0, 0, 2]);
    }

    proptest! {
        #[test]
        fn rows_are_found_again_and_what_is_cut_short_is_none(
            texts in prop::collection::vec(prop::option::of(".{0,12}"), 1..9), cut in 1_usize..6,
        ) {
            let mut written = Rows::default();
            for row in 1..=2 {
                let mut cells = written.row(0, row, "key");
                for text in &texts {
                    cells.optional_text(text.as_deref());
                }
                cells.end();
            }
            let found: Vec<_> = rows(written.bytes()).collect::<Result<_, _>>().unwrap();
            prop_assert_eq!(found.len(), 2);
            for (index, text) in texts.iter().enumerate() {
                prop_assert_eq!(found[1].cell(3 + index), text.as_ref().map(|text| text.as_bytes()));
            }
            prop_assert_eq!(found[1].raw(3 + texts.len()), None);
            let short = &written.bytes()[..written.len() - cut];
            prop_assert_eq!(rows(short).last().map(|row| row.is_err()), Some(true));
        }

        #[test]
        fn no_bytes_are_taken_for_more_than_they_hold(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let taken: usize = rows(&bytes).map_while(|row| row.ok()).map(|row| row.bytes.len()).sum();
            prop_assert!(taken <= bytes.len());
        }
    }
}
