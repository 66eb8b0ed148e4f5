//! CSV, in UTF-8 or GBK. No cell of text can run as a formula in a spreadsheet.

use super::{Column, Staging, Value, WriteError, check_width};
use std::borrow::Cow;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// The characters of a CSV file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8.
    Utf8,
    /// GBK, as older Chinese Excel saves.
    Gbk,
}

/// How a CSV file is written.
#[derive(Debug, Clone, Copy)]
pub struct CsvOptions {
    /// Whether a UTF-8 file begins with a byte-order mark.
    pub bom: bool,
    /// Its characters.
    pub encoding: Encoding,
}

/// Writes a CSV file row by row.
pub struct CsvWriter {
    staging: Staging,
    inner: csv::Writer<BufWriter<File>>,
    encoding: Encoding,
    columns: usize,
}

impl CsvWriter {
    /// Begins a file with its header.
    pub fn create(path: &Path, columns: &[Column], options: CsvOptions) -> Result<Self, WriteError> {
        let staging = Staging::begin(path)?;
        let mut file = BufWriter::new(File::create(staging.path()).map_err(|e| staging.io(e))?);
        if options.bom && options.encoding == Encoding::Utf8 {
            file.write_all("\u{FEFF}".as_bytes()).map_err(|e| staging.io(e))?;
        }
        let inner = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(file);
        let mut writer = Self { staging, inner, encoding: options.encoding, columns: columns.len() };
        for column in columns {
            writer.field(column.header())?;
        }
        writer.end()?;
        Ok(writer)
    }

    /// Writes one row.
    pub fn write(&mut self, row: &[Value]) -> Result<(), WriteError> {
        check_width(self.staging.target(), row, self.columns)?;
        for value in row {
            match value {
                Value::Empty => self.field(""),
                Value::Text(text) => self.field(&neutral(text)),
                Value::Number(number) => self.field(&number.to_string()),
                Value::Integer(number) => self.field(&number.to_string()),
                Value::Date(day) => self.field(&day.to_string()),
                Value::Flag(flag) => self.field(if *flag { "1" } else { "0" }),
            }?;
        }
        self.end()
    }

    /// Puts the file in its place.
    pub fn finish(mut self) -> Result<(), WriteError> {
        self.inner.flush().map_err(|e| self.staging.io(e))?;
        drop(self.inner);
        self.staging.finish()
    }

    fn field(&mut self, text: &str) -> Result<(), WriteError> {
        let bytes = match self.encoding {
            Encoding::Utf8 => Cow::Borrowed(text.as_bytes()),
            Encoding::Gbk => {
                let (bytes, _, lost) = encoding_rs::GBK.encode(text);
                if lost {
                    let path = self.staging.target().to_owned();
                    return Err(WriteError::Encoding { path, text: text.to_owned(), encoding: "GBK" });
                }
                bytes
            }
        };
        let path = self.staging.target();
        self.inner.write_field(bytes).map_err(|source| WriteError::Csv { path: path.to_owned(), source })
    }

    fn end(&mut self) -> Result<(), WriteError> {
        let path = self.staging.target();
        let none: [&[u8]; 0] = [];
        self.inner.write_record(none).map_err(|source| WriteError::Csv { path: path.to_owned(), source })
    }
}

/// A text that a spreadsheet shows and never runs: an apostrophe goes before what would begin a formula.
fn neutral(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_begins_like_a_formula_gets_an_apostrophe() {
        for text in ["=1+1", "+86", "-x", "@a", "\tb", "\rc"] {
            assert_eq!(neutral(text), format!("'{text}"));
        }
        assert_eq!(neutral("a=b"), "a=b");
        assert_eq!(neutral(""), "");
    }
}
