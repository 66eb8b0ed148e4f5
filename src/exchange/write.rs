//! Tables of rows, with or without shapes, written to files in the formats a bureau opens. It knows formats, encodings
//! and coordinate systems, and nothing of what the rows mean.
//!
//! Rows are streamed. A file is made under a temporary folder beside its place and moved there when it is whole, so
//! that a kill leaves no half file. Files carry no time of their making: the same rows give the same bytes.

mod geojson;
mod text;
mod vector;

pub use geojson::{GeoJsonWriter, one as geojson_of_one};
pub use text::{CsvOptions, CsvWriter, Encoding};
pub use vector::{VectorLayer, VectorOptions, VectorWriter};

use super::workbook::{Cover, WorkbookWriter};
use crate::domain::intake::FieldType;
use chrono::NaiveDate;
use geo_types::MultiPolygon;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Why a file was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The disk refused.
    #[error("cannot write {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the disk said.
        #[source]
        source: std::io::Error,
    },
    /// The CSV writer refused.
    #[error("cannot write {path} as CSV")]
    Csv {
        /// The file.
        path: PathBuf,
        /// What the writer said.
        #[source]
        source: csv::Error,
    },
    /// The workbook writer refused.
    #[error("cannot write {path} as XLSX")]
    Xlsx {
        /// The file.
        path: PathBuf,
        /// What the writer said.
        #[source]
        source: rust_xlsxwriter::XlsxError,
    },
    /// GDAL refused.
    #[error("cannot write {path} through GDAL")]
    Gdal {
        /// The file.
        path: PathBuf,
        /// What GDAL said.
        #[source]
        source: gdal::errors::GdalError,
    },
    /// A text has a character that the file's encoding lacks.
    #[error("cannot write {text:?} to {path}: {encoding} has no such character; write UTF-8 or change the text")]
    Encoding {
        /// The file.
        path: PathBuf,
        /// The text.
        text: String,
        /// The encoding.
        encoding: &'static str,
    },
    /// A text is longer than its field.
    #[error("cannot write {text:?} to {path}: field {field} holds {most} bytes; write GeoPackage or shorten the text")]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The text.
        text: String,
        /// The field.
        field: String,
        /// The most bytes.
        most: usize,
    },
    /// A row has another number of values than there are columns.
    #[error("a row for {path} has {found} values, expected {expected}")]
    Width {
        /// The file.
        path: PathBuf,
        /// How many values the row has.
        found: usize,
        /// How many columns there are.
        expected: usize,
    },
    /// A row has no shape and the format holds none without.
    #[error("a row for {path} has no shape, and FlatGeobuf holds no such row; write GeoPackage, GeoJSON, CSV or XLSX")]
    NoShape {
        /// The file.
        path: PathBuf,
    },
    /// A format holds no more rows.
    #[error("{path} would have more than {most} rows, the most that its format holds; write CSV or split it")]
    TooManyRows {
        /// The file.
        path: PathBuf,
        /// The most rows.
        most: u32,
    },
    /// The path does not name a file.
    #[error("{path} names no file to write, expected a path that ends in a file name")]
    NoName {
        /// The path.
        path: PathBuf,
    },
}

/// One value of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing, which is not zero.
    Empty,
    /// Words.
    Text(String),
    /// A number with a point.
    Number(f64),
    /// A whole number.
    Integer(i64),
    /// A day.
    Date(NaiveDate),
    /// Yes or no.
    Flag(bool),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}
impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}
impl From<NaiveDate> for Value {
    fn from(day: NaiveDate) -> Self {
        Self::Date(day)
    }
}
impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}
impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Empty, Into::into)
    }
}

/// One column of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name: the field name in vector files, and the header elsewhere where it has no title.
    pub name: String,
    /// The header that people read in CSV and XLSX.
    pub title: Option<String>,
    /// What it holds.
    pub holds: FieldType,
    /// How wide it is in characters: the column of a sheet, and the text field of a Shapefile in bytes.
    pub width: u16,
}

impl Column {
    /// A column whose header is its name.
    pub fn new(name: &str, holds: FieldType, width: u16) -> Self {
        Self { name: name.to_owned(), title: None, holds, width }
    }

    /// The same column with a header for people.
    pub fn titled(mut self, title: &str) -> Self {
        self.title = Some(title.to_owned());
        self
    }

    /// What stands over the column in a table for people.
    pub fn header(&self) -> &str {
        self.title.as_deref().unwrap_or(&self.name)
    }
}

/// A file format that a table can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated UTF-8 with a byte-order mark, so that Excel shows 中文; shapes are left out.
    Csv,
    /// An Excel workbook; shapes are left out.
    Xlsx,
    /// GeoJSON (RFC 7946).
    GeoJson,
    /// GeoPackage.
    Gpkg,
    /// FlatGeobuf.
    FlatGeobuf,
    /// Shapefile, UTF-8 with its .cpg.
    Shapefile,
}

impl Format {
    /// Every format with the word used on the command line, which is also its file extension.
    pub const WORDS: [(&'static str, Self); 6] = [
        ("csv", Self::Csv),
        ("xlsx", Self::Xlsx),
        ("geojson", Self::GeoJson),
        ("gpkg", Self::Gpkg),
        ("fgb", Self::FlatGeobuf),
        ("shp", Self::Shapefile),
    ];

    /// The format of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(name, _)| *name == word).map(|(_, format)| *format)
    }

    /// The word, which is also the extension.
    pub fn extension(self) -> &'static str {
        Self::WORDS.iter().find(|(_, format)| *format == self).map_or("", |(word, _)| word)
    }
}

/// A row: one value for each column, and its shape in longitude and latitude of EPSG:4490.
pub type Row = (Vec<Value>, Option<MultiPolygon<f64>>);

/// How a table is laid down in a file.
#[derive(Debug, Clone, Copy)]
pub struct Layout<'a> {
    /// The format.
    pub format: Format,
    /// Names the sheet or the layer.
    pub layer: &'a str,
    /// Its columns.
    pub columns: &'a [Column],
    /// The coordinate system of the file; GeoJSON has only the one of EPSG:4490.
    pub epsg: u32,
    /// Whether GeoJSON keeps coordinates to their last digit rather than to the centimetre.
    pub exact: bool,
    /// What a workbook's printed sheet and dictionary say; nothing for a bare sheet.
    pub cover: Option<&'a Cover<'a>>,
}

impl<'a> Layout<'a> {
    /// A plain table in longitude and latitude.
    pub fn plain(format: Format, layer: &'a str, columns: &'a [Column]) -> Self {
        Self { format, layer, columns, epsg: 4490, exact: false, cover: None }
    }
}

/// Writes a table in one call and says how many rows it has. A row that is an error ends it, and nothing is written.
pub fn table<E: From<WriteError>>(
    path: &Path,
    layout: &Layout<'_>,
    rows: impl Iterator<Item = Result<Row, E>>,
) -> Result<u64, E> {
    let mut written = 0;
    macro_rules! pour {
        ($writer:expr, $row:ident => $write:expr) => {{
            for $row in rows {
                let $row = $row?;
                $write?;
                written += 1;
            }
            $writer.finish()?;
        }};
    }
    let Layout { format, layer, columns, epsg, exact, cover } = *layout;
    match format {
        Format::Csv => {
            let mut writer = CsvWriter::create(path, columns, CsvOptions { bom: true, encoding: Encoding::Utf8 })?;
            pour!(writer, row => writer.write(&row.0));
        }
        Format::Xlsx => {
            let mut writer = WorkbookWriter::create(path, layer, columns, cover)?;
            pour!(writer, row => writer.write(&row.0));
        }
        Format::GeoJson => {
            let mut writer = GeoJsonWriter::create(path, layer, columns, exact)?;
            pour!(writer, row => writer.write(&row.0, row.1.as_ref()));
        }
        Format::Gpkg | Format::FlatGeobuf | Format::Shapefile => {
            let title = cover.map(|cover| cover.title.as_str());
            let layers = [VectorLayer { name: layer, title, description: None, columns }];
            let options = VectorOptions { epsg, ..VectorOptions::default() };
            let mut writer = VectorWriter::create(path, format, &layers, options)?;
            pour!(writer, row => writer.write(0, row));
        }
    }
    Ok(written)
}

/// How the names of temporary folders begin.
const STAGING: &str = ".writing-";

/// Whether files can be made in a folder: one is, and is gone again.
pub fn probe(folder: &Path) -> std::io::Result<()> {
    tempfile::tempfile_in(folder).map(drop)
}

/// Removes the temporary folders of processes that were killed. What can't be removed is left: it is in nobody's way.
fn remove_left_over(parent: &Path) {
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        let is_staging = entry.file_name().to_string_lossy().starts_with(STAGING)
            && entry.file_type().is_ok_and(|found| found.is_dir());
        if is_staging
            && let Ok(folder) = File::open(entry.path())
            && folder.try_lock().is_ok()
        {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// A temporary folder beside a file's place, whose files are moved there when they are whole.
///
/// The folder is locked while it is in use, and the system lifts the lock of a process that is killed: an unlocked one
/// is left over, and the next write beside it takes it away.
pub(super) struct Staging {
    folder: TempDir,
    /// Held for its lock.
    _lock: File,
    target: PathBuf,
}

impl Staging {
    pub(super) fn begin(target: &Path) -> Result<Self, WriteError> {
        let io = |source| WriteError::Io { path: target.to_owned(), source };
        if target.file_name().is_none() {
            return Err(WriteError::NoName { path: target.to_owned() });
        }
        let parent = Self::parent(target);
        std::fs::create_dir_all(parent).map_err(io)?;
        remove_left_over(parent);
        loop {
            let folder = tempfile::Builder::new().prefix(STAGING).tempdir_in(parent).map_err(io)?;
            let lock = match File::open(folder.path()) {
                Ok(lock) => lock,
                // Another process took it for left over between these two steps.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(io(error)),
            };
            match lock.try_lock() {
                Err(TryLockError::WouldBlock) => {}
                Ok(()) if !folder.path().exists() => {}
                // Some network file systems know no locks; there nothing is removed either.
                Ok(()) | Err(TryLockError::Error(_)) => {
                    return Ok(Self { folder, _lock: lock, target: target.to_owned() });
                }
            }
        }
    }

    fn parent(target: &Path) -> &Path {
        match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        }
    }

    /// Where the file is made; it has its final name, because some formats take the layer's name from it.
    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join(self.target.file_name().unwrap_or_default())
    }

    pub(super) fn target(&self) -> &Path {
        &self.target
    }

    pub(super) fn io(&self, source: std::io::Error) -> WriteError {
        WriteError::Io { path: self.target.clone(), source }
    }

    /// Moves every file out, the named one last: whoever sees it sees its companions too.
    pub(super) fn finish(self) -> Result<(), WriteError> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(self.folder.path()).map_err(|e| self.io(e))? {
            files.push(entry.map_err(|e| self.io(e))?.file_name());
        }
        files.sort_by_key(|name| (Some(name.as_os_str()) == self.target.file_name(), name.clone()));
        let parent = Self::parent(&self.target);
        for name in files {
            std::fs::rename(self.folder.path().join(&name), parent.join(&name)).map_err(|e| self.io(e))?;
        }
        self.folder.close().map_err(|source| WriteError::Io { path: self.target, source })
    }
}

/// Refuses a row that does not fit its columns.
pub(super) fn check_width(path: &Path, row: &[Value], columns: usize) -> Result<(), WriteError> {
    if row.len() == columns {
        return Ok(());
    }
    Err(WriteError::Width { path: path.to_owned(), found: row.len(), expected: columns })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_process_left_is_removed_at_the_next_write_and_work_under_way_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let [left, busy] = ["left", "busy"].map(|name| folder.path().join(format!("{STAGING}{name}")));
        for path in [&left, &busy] {
            std::fs::create_dir(path).unwrap();
            std::fs::write(path.join("list.csv"), "half").unwrap();
        }
        let lock = File::open(&busy).unwrap();
        lock.try_lock().unwrap();
        let columns = [Column::new("a", FieldType::Text, 5)];
        let layout = Layout::plain(Format::Csv, "list", &columns);
        let rows = || std::iter::once(Ok::<Row, WriteError>((vec![Value::from("x")], None)));
        table(&folder.path().join("list.csv"), &layout, rows()).unwrap();
        assert!(!left.exists() && busy.join("list.csv").exists());
        drop(lock);
        table(&folder.path().join("list.csv"), &layout, rows()).unwrap();
        let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["list.csv"]);
    }
}
