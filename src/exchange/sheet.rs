//! Rows of an XLSX sheet, one at a time and no wider than they are: a sheet that claims the whole grid costs nothing. It
//! knows cells and not what they mean.

use super::error::{ReadError, refuse};
use super::table::Rows;
use crate::domain::intake::Cell;
use calamine::{DataRef, Reader, Xlsx, XlsxError};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// Excel's own limit.
const MAX_COLUMNS: usize = 16_384;

type Place = (u32, usize, Cell);
type Workbook = Xlsx<BufReader<File>>;

/// An opened workbook and the sheet to read.
pub(crate) struct Book {
    workbook: Workbook,
    sheet: String,
}

impl Book {
    /// Opens a workbook and picks the sheet asked for, or the first.
    pub fn open(path: &Path, file: &str, layer: Option<&str>) -> Result<Self, ReadError> {
        super::archive::check_workbook(path, file)?;
        let workbook: Workbook = calamine::open_workbook(path).map_err(|error| unreadable(file, &error))?;
        let sheets = workbook.sheet_names();
        let found = match layer {
            Some(layer) => sheets.iter().find(|sheet| sheet.trim() == layer.trim()),
            None => sheets.first(),
        };
        let Some(sheet) = found.cloned() else {
            let expected = format!("one of the workbook's sheets: {}", sheets.join(", "));
            return Err(refuse(file, "missing-layer", layer.unwrap_or("no sheet"), expected));
        };
        Ok(Self { workbook, sheet })
    }

    /// The rows of the sheet.
    pub fn rows(&mut self, file: &str) -> Result<SheetRows<'_>, ReadError> {
        let mut reader = self.workbook.worksheet_cells_reader(&self.sheet).map_err(|error| unreadable(file, &error))?;
        let next = move || {
            let found = reader.next_cell()?;
            Ok(found.map(|found| {
                let (line, column) = found.get_position();
                (line, column as usize, cell(found.get_value()))
            }))
        };
        Ok(SheetRows { next: Box::new(next), file: file.to_owned(), waiting: None, done: false })
    }
}

fn unreadable(file: &str, error: &XlsxError) -> ReadError {
    refuse(
        file,
        "unreadable-file",
        &error.to_string(),
        "a whole XLSX workbook; save it anew with a spreadsheet program",
    )
}

/// Rows in the order of the sheet; empty ones are left out, and numbered all the same.
pub(crate) struct SheetRows<'a> {
    /// The next cell with its row and column, counted from 0. A closure, since calamine keeps its reader's name private.
    next: Box<dyn FnMut() -> Result<Option<Place>, XlsxError> + 'a>,
    file: String,
    /// The first cell of the row after this one.
    waiting: Option<Place>,
    done: bool,
}

impl Rows for SheetRows<'_> {
    fn next_row(&mut self) -> Result<Option<(u64, Vec<Cell>)>, ReadError> {
        let mut row: Option<(u32, Vec<Cell>)> = None;
        loop {
            let (line, column, cell) = match self.waiting.take() {
                Some(waiting) => waiting,
                None if self.done => break,
                None => match (self.next)().map_err(|error| unreadable(&self.file, &error))? {
                    None => {
                        self.done = true;
                        break;
                    }
                    Some(found) => found,
                },
            };
            if cell == Cell::Empty {
                continue;
            }
            if column >= MAX_COLUMNS {
                let value = format!("column {}", column + 1);
                return Err(refuse(&self.file, "unreadable-file", &value, format!("at most {MAX_COLUMNS} columns")));
            }
            let (at, cells) = row.get_or_insert_with(|| (line, Vec::new()));
            if line > *at {
                self.waiting = Some((line, column, cell));
                break;
            }
            if line < *at {
                let value = format!("row {} after row {}", line + 1, *at + 1);
                return Err(refuse(&self.file, "unreadable-file", &value, "rows in order; save the workbook anew"));
            }
            if cells.len() <= column {
                cells.resize(column + 1, Cell::Empty);
            }
            cells[column] = cell;
        }
        Ok(row.map(|(line, cells)| (u64::from(line) + 1, cells)))
    }

    fn is_ragged(&self) -> bool {
        false
    }
}

fn cell(value: &DataRef<'_>) -> Cell {
    let text = |text: &str| if text.is_empty() { Cell::Empty } else { Cell::Text(text.to_owned()) };
    match value {
        DataRef::Empty => Cell::Empty,
        #[expect(clippy::cast_precision_loss, reason = "a sheet keeps its numbers as floats")]
        DataRef::Int(number) => Cell::Number(*number as f64),
        DataRef::Float(number) => Cell::Number(*number),
        DataRef::String(words) => text(words),
        DataRef::SharedString(words) => text(words),
        DataRef::Bool(flag) => Cell::Text(if *flag { "1" } else { "0" }.to_owned()),
        DataRef::DateTime(time) => match time.as_datetime() {
            Some(moment) if time.is_datetime() => Cell::Date(moment.date()),
            _ => Cell::Number(time.as_f64()),
        },
        DataRef::DateTimeIso(words) | DataRef::DurationIso(words) => text(words),
        // "#REF!": the domain refuses it wherever a number or a code should stand.
        DataRef::Error(error) => Cell::Text(error.to_string()),
    }
}
