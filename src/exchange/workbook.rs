//! Excel workbooks, written row by row with little memory: one sheet, a frozen bold header, formats by what a column
//! holds. Text is text: no cell is a formula.

use super::write::{Column, Staging, Value, WriteError, check_width};
use crate::domain::intake::FieldType;
use chrono::Datelike;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, XlsxError};
use std::path::Path;

/// The most rows of a sheet, without the header.
const MOST_ROWS: u32 = 1_048_575;

/// Writes a workbook of one sheet.
pub struct WorkbookWriter {
    staging: Staging,
    book: Workbook,
    formats: Vec<Format>,
    rows: u32,
}

impl WorkbookWriter {
    /// Begins a workbook with its header.
    pub fn create(path: &Path, sheet: &str, columns: &[Column]) -> Result<Self, WriteError> {
        let staging = Staging::begin(path)?;
        let mut writer = Self {
            staging,
            book: Workbook::new(),
            formats: columns.iter().map(|column| format_of(column.holds)).collect(),
            rows: 0,
        };
        writer.begin(sheet, columns).map_err(|source| writer.fail(source))?;
        Ok(writer)
    }

    fn begin(&mut self, sheet: &str, columns: &[Column]) -> Result<(), XlsxError> {
        // A workbook says when it was made. This one says the same day always, so that the same rows give the same bytes.
        let made = ExcelDateTime::from_ymd(2026, 6, 30)?;
        self.book.set_properties(&DocProperties::new().set_creation_datetime(&made));
        let worksheet = self.book.add_worksheet_with_constant_memory()?;
        worksheet.set_name(sheet_name(sheet))?;
        worksheet.set_freeze_panes(1, 0)?;
        let bold = Format::new().set_bold();
        for (column, index) in columns.iter().zip(0_u16..) {
            worksheet.set_column_width(index, f64::from(column.width.clamp(6, 80)))?;
            worksheet.write_string_with_format(0, index, column.header(), &bold)?;
        }
        Ok(())
    }

    /// Writes one row.
    pub fn write(&mut self, row: &[Value]) -> Result<(), WriteError> {
        check_width(self.staging.target(), row, self.formats.len())?;
        if self.rows >= MOST_ROWS {
            return Err(WriteError::TooManyRows { path: self.staging.target().to_owned(), most: MOST_ROWS });
        }
        self.rows += 1;
        self.put(row).map_err(|source| self.fail(source))
    }

    fn put(&mut self, row: &[Value]) -> Result<(), XlsxError> {
        let line = self.rows;
        let sheet = self.book.worksheet_from_index(0)?;
        for ((value, format), index) in row.iter().zip(&self.formats).zip(0_u16..) {
            match value {
                Value::Empty => continue,
                Value::Text(text) => sheet.write_string(line, index, text)?,
                Value::Number(number) => sheet.write_number_with_format(line, index, *number, format)?,
                #[expect(clippy::cast_precision_loss, reason = "a sheet holds every number as a float")]
                Value::Integer(number) => sheet.write_number_with_format(line, index, *number as f64, format)?,
                Value::Date(day) => {
                    let year = u16::try_from(day.year()).unwrap_or(0);
                    // Both casts fit: a month has at most 31 days and a year 12 months.
                    match ExcelDateTime::from_ymd(year, day.month() as u8, day.day() as u8) {
                        Ok(date) => sheet.write_datetime_with_format(line, index, date, format)?,
                        // A sheet knows no day before 1900: it is written as words rather than lost.
                        Err(_) => sheet.write_string(line, index, day.to_string())?,
                    }
                }
                Value::Flag(flag) => sheet.write_string(line, index, if *flag { "是" } else { "否" })?,
            };
        }
        Ok(())
    }

    /// Puts the workbook in its place.
    pub fn finish(mut self) -> Result<(), WriteError> {
        let path = self.staging.path();
        self.book.save(&path).map_err(|source| self.fail(source))?;
        self.staging.finish()
    }

    fn fail(&self, source: XlsxError) -> WriteError {
        WriteError::Xlsx { path: self.staging.target().to_owned(), source }
    }
}

fn format_of(holds: FieldType) -> Format {
    match holds {
        FieldType::Number => Format::new().set_num_format("0.00##"),
        FieldType::Integer => Format::new().set_num_format("0"),
        FieldType::Date => Format::new().set_num_format("yyyy-mm-dd"),
        FieldType::Text | FieldType::Flag => Format::new(),
    }
}

/// A sheet's name has at most 31 characters and none of []:*?/\.
fn sheet_name(name: &str) -> String {
    let name: String = name.chars().filter(|c| !"[]:*?/\\".contains(*c)).take(31).collect();
    if name.is_empty() { "Sheet1".to_owned() } else { name }
}
