//! Rows of a query as COPY gives them, in binary: the fast way out of a table. Where millions of rows are read to be counted
//! up, taking each as a row of a query costs several times what the server does for it.

use super::StoreError;
use super::copy::{HEADER, days};
use chrono::{Days, NaiveDate};
use futures_util::TryStreamExt as _;
use sqlx::{Error, PgConnection};

/// Hands on each row of a query without parameters, cell by cell in the order and in the types of its columns.
pub(super) async fn each(
    connection: &mut PgConnection,
    query: &str,
    mut each: impl FnMut(&mut Cells<'_>) -> Result<(), Error>,
) -> Result<(), StoreError> {
    let mut stream = connection.copy_out_raw(&format!("copy ({query}) to stdout (format binary)")).await?;
    let mut reader = Reader::default();
    while let Some(chunk) = stream.try_next().await? {
        reader.take(&chunk, &mut each)?;
    }
    Ok(())
}

/// What came so far and was not a whole row yet.
#[derive(Default)]
struct Reader {
    bytes: Vec<u8>,
    has_begun: bool,
}

impl Reader {
    fn take(&mut self, chunk: &[u8], each: &mut impl FnMut(&mut Cells<'_>) -> Result<(), Error>) -> Result<(), Error> {
        self.bytes.extend_from_slice(chunk);
        let mut rest = self.bytes.as_slice();
        if !self.has_begun {
            let Some(after) = rest.get(HEADER.len()..) else { return Ok(()) };
            (rest, self.has_begun) = (after, true);
        }
        while let Some((row, after)) = first_row(rest) {
            each(&mut Cells { bytes: row })?;
            rest = after;
        }
        let read = self.bytes.len() - rest.len();
        self.bytes.drain(..read);
        Ok(())
    }
}

/// The cells of the first row and what follows it, if all of it is there. What ends a copy is a row of fewer than no cells.
fn first_row(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (count, cells) = bytes.split_first_chunk()?;
    let mut rest = cells;
    for _ in 0..u16::try_from(i16::from_be_bytes(*count)).ok()? {
        let (length, after) = rest.split_first_chunk()?;
        rest = after.get(usize::try_from(i32::from_be_bytes(*length)).unwrap_or(0)..)?;
    }
    Some(cells.split_at(cells.len() - rest.len()))
}

/// The cells of a row that were not read yet.
pub(super) struct Cells<'a> {
    bytes: &'a [u8],
}

impl<'a> Cells<'a> {
    fn next(&mut self) -> Result<Option<&'a [u8]>, Error> {
        let (length, rest) = self.bytes.split_first_chunk().ok_or_else(|| odd("fewer cells"))?;
        let length = usize::try_from(i32::from_be_bytes(*length)).ok();
        let (cell, rest) = rest.split_at_checked(length.unwrap_or(0)).ok_or_else(|| odd("a longer cell"))?;
        self.bytes = rest;
        Ok(length.map(|_| cell))
    }

    fn sized<const N: usize>(&mut self) -> Result<Option<[u8; N]>, Error> {
        let cell = self.next()?;
        cell.map(|cell| cell.try_into().map_err(|_| odd("a cell of another type"))).transpose()
    }

    /// A text that may be missing.
    pub(super) fn optional_text(&mut self) -> Result<Option<&'a str>, Error> {
        self.next()?.map(|cell| str::from_utf8(cell).map_err(|error| Error::Decode(error.into()))).transpose()
    }

    /// A text.
    pub(super) fn text(&mut self) -> Result<&'a str, Error> {
        self.optional_text()?.ok_or_else(missing)
    }

    /// A `bigint`.
    pub(super) fn bigint(&mut self) -> Result<i64, Error> {
        self.sized()?.map(i64::from_be_bytes).ok_or_else(missing)
    }

    /// An `integer`.
    pub(super) fn integer(&mut self) -> Result<i32, Error> {
        self.sized()?.map(i32::from_be_bytes).ok_or_else(missing)
    }

    /// A `double precision` that may be missing.
    pub(super) fn optional_number(&mut self) -> Result<Option<f64>, Error> {
        Ok(self.sized()?.map(f64::from_be_bytes))
    }

    /// A `double precision`.
    pub(super) fn number(&mut self) -> Result<f64, Error> {
        self.optional_number()?.ok_or_else(missing)
    }

    /// A `boolean` that may be missing.
    pub(super) fn optional_flag(&mut self) -> Result<Option<bool>, Error> {
        Ok(self.sized::<1>()?.map(|[byte]| byte != 0))
    }

    /// A `boolean`.
    pub(super) fn flag(&mut self) -> Result<bool, Error> {
        self.optional_flag()?.ok_or_else(missing)
    }

    /// A `date` that may be missing.
    pub(super) fn optional_date(&mut self) -> Result<Option<NaiveDate>, Error> {
        self.sized()?.map(|cell| day(i32::from_be_bytes(cell))).transpose()
    }

    /// A `date`.
    pub(super) fn date(&mut self) -> Result<NaiveDate, Error> {
        self.optional_date()?.ok_or_else(missing)
    }
}

/// The inverse of [`days`].
fn day(count: i32) -> Result<NaiveDate, Error> {
    let first = NaiveDate::MIN;
    let since = i64::from(count) - i64::from(days(first));
    let day = u64::try_from(since).ok().and_then(|since| first.checked_add_days(Days::new(since)));
    day.ok_or_else(|| odd("a day of the calendar"))
}

fn odd(expected: &str) -> Error {
    Error::Protocol(format!("a copied row has {expected} than was asked for"))
}

fn missing() -> Error {
    Error::Decode("a copied row lacks a value that it must have".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::copy::{Rows, TRAILER};
    use proptest::prelude::*;

    type Told = (String, Option<String>, i64, i32, Option<f64>, Option<bool>, Option<NaiveDate>);

    fn any_row() -> impl Strategy<Value = Told> {
        let day = proptest::option::of(
            (0_u64..200_000).prop_map(|days| NaiveDate::from_ymd_opt(1600, 1, 1).unwrap() + Days::new(days)),
        );
        let number = proptest::option::of(-1e9..1e9_f64);
        (".{0,9}", proptest::option::of(".{0,3}"), any::<i64>(), any::<i32>(), number, any::<Option<bool>>(), day)
    }

    proptest! {
        /// However the network cuts them.
        #[test]
        fn rows_come_out_as_they_would_go_in(rows in proptest::collection::vec(any_row(), 0..20), cut in 1_usize..200) {
            let mut written = Rows::default();
            for (text, other, bigint, integer, number, flag, date) in &rows {
                written.bare_row().text(text).optional_text(other.as_deref()).value(bigint).value(integer)
                    .optional_number(*number).optional(flag.as_ref()).optional_date(*date).end();
            }
            let bytes = [HEADER, written.bytes(), &TRAILER].concat();
            let (mut reader, mut read) = (Reader::default(), Vec::new());
            for chunk in bytes.chunks(cut) {
                let mut each = |cells: &mut Cells<'_>| {
                    read.push((cells.text()?.to_owned(), cells.optional_text()?.map(str::to_owned), cells.bigint()?,
                        cells.integer()?, cells.optional_number()?, cells.optional_flag()?, cells.optional_date()?));
                    Ok(())
                };
                reader.take(chunk, &mut each).unwrap();
            }
            prop_assert_eq!(read, rows);
        }
    }

    #[test]
    fn a_row_of_other_cells_than_were_asked_for_is_refused() {
        let mut written = Rows::default();
        written.bare_row().value(&1_i32).optional_number(None).end();
        let bytes = [HEADER, written.bytes(), &TRAILER].concat();
        let asked = |each: &mut dyn FnMut(&mut Cells<'_>) -> Result<(), Error>| {
            Reader::default().take(&bytes, &mut |cells: &mut Cells<'_>| each(cells)).is_err()
        };
        assert!(asked(&mut |cells| cells.bigint().map(drop)));
        assert!(asked(&mut |cells| cells.integer().and_then(|_| cells.number()).map(drop)));
        assert!(asked(&mut |cells| cells
            .integer()
            .and_then(|_| cells.optional_number())
            .and_then(|_| cells.flag())
            .map(drop)));
        assert!(!asked(&mut |cells| cells.integer().and_then(|_| cells.optional_number()).map(drop)));
    }
}
