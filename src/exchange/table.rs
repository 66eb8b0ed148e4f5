//! Tables, CSV and XLSX, without shapes or with shapes as text: the encoding and delimiter of a CSV, the header row of both, and rows by field
//! map. It holds one row at a time and never a whole file.

use super::crs::Asked;
use super::encoding::{self, Evidence, Transcoder};
use super::error::{ReadError, finding, io, refuse, warning};
use super::read::{Event, Job};
use super::shape::Batch;
use super::sheet::Book;
use super::vector::verdict;
use super::wkt;
use crate::domain::intake::{Cell, Kind, Record, Shape, Shapes};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use std::cell::Cell as Shared;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self as stdio, Read};
use std::ops::ControlFlow;
use std::path::Path;
use std::rc::Rc;

/// A row longer than this is no row: no bureau's table has one, and a file of one line must not fill the memory.
const MAX_ROW_BYTES: usize = 1 << 20;
/// The same where a row may hold an outline, with some twenty bytes for each point.
const MAX_ROW_BYTES_WITH_SHAPE: usize = 16 << 20;
/// How far down a title may push the header.
const HEADER_WITHIN: usize = 10;
/// After so many, more of the same findings help nobody.
const MAX_FINDINGS: usize = 1000;

/// Rows with the line or sheet row where each begins, counted from 1.
pub(crate) trait Rows {
    /// The next row that is not empty.
    fn next_row(&mut self) -> Result<Option<(u64, Vec<Cell>)>, ReadError>;
    /// Whether a row of another length than the header is a fault; a sheet has no length.
    fn is_ragged(&self) -> bool;
}

/// Reads a CSV file.
pub(crate) fn read_csv(job: &mut Job<'_>, path: &Path) -> Result<ControlFlow<()>, ReadError> {
    let file = job.file.clone();
    let longest = longest(job.kind);
    let (encoding, words) = csv_encoding(path, &file, job.source.encoding, longest)?;
    let open = || File::open(path).map(|inner| Transcoder::new(inner, encoding)).map_err(io(&file));
    let mut start = Vec::new();
    open()?.take(1 << 16).read_to_end(&mut start).map_err(io(&file))?;
    if start.iter().take(4096).any(|byte| *byte == 0) {
        let expected = "text; if the file is in UTF-16, name it with --encoding UTF-16LE or UTF-16BE";
        return Err(refuse(&file, "not-text", "NUL bytes at the beginning", expected));
    }
    job.note_encoding(encoding::name(encoding));
    job.note_evidence(&words);
    let spent = Rc::new(Shared::new(0));
    let reader = Metered { inner: open()?, spent: Rc::clone(&spent), longest };
    let records = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter(&start))
        .from_reader(reader)
        .into_records();
    read_rows(job, &mut CsvRows { records, spent, longest, file })
}

/// Reads an XLSX file.
pub(crate) fn read_xlsx(job: &mut Job<'_>, path: &Path) -> Result<ControlFlow<()>, ReadError> {
    let file = job.file.clone();
    let mut book = Book::open(path, &file, job.source.layer.or(job.mapping.layer.as_deref()))?;
    job.note_encoding("UTF-8".to_owned());
    job.note_evidence("the format is always in UTF-8");
    read_rows(job, &mut book.rows(&file)?)
}

fn read_rows(job: &mut Job<'_>, rows: &mut dyn Rows) -> Result<ControlFlow<()>, ReadError> {
    let file = job.file.clone();
    let mut first = VecDeque::new();
    while first.len() < HEADER_WITHIN {
        let Some(row) = rows.next_row()? else { break };
        first.push_back(row);
    }
    if first.is_empty() {
        return Err(refuse(&file, "empty-file", "no row", "a header and rows under it"));
    }
    let names = |cells: &[Cell]| cells.iter().map(text).collect::<Vec<String>>();
    let header_at = first.iter().position(|(_, cells)| job.mapping.recognised(&names(cells)) >= 2).unwrap_or(0);
    for (line, cells) in first.drain(..header_at) {
        let text = names(&cells).into_iter().filter(|name| !name.is_empty()).collect::<Vec<_>>().join(" ");
        job.opened.findings.push(warning(
            &file,
            "title-skipped",
            &text,
            format!("a header in row {line}; the row is taken as a title"),
        ));
    }
    let Some((header_line, header)) = first.pop_front() else {
        return Err(refuse(&file, "empty-file", "no header", "a header and rows under it"));
    };
    let mut columns = names(&header);
    let asked = Asked { crs: job.source.crs, datum: job.source.datum };
    let shapes = if job.mapping.shapes { wkt::column(&file, job.kind, &columns, asked)? } else { None };
    match &shapes {
        Some(shapes) => {
            // No field may take it, and nobody needs to be told that none did.
            columns[shapes.index].clear();
            job.note_crs(&shapes.crs.label);
            job.opened.findings.extend(shapes.crs.findings.iter().cloned());
        }
        None if job.kind.shapes() == Shapes::Required => {
            let expected = format!(
                "a GeoPackage, Shapefile, File Geodatabase or GeoJSON, or a column WKT: {} have shapes",
                job.kind.name()
            );
            return Err(refuse(&file, "missing-geometry", "a table", expected));
        }
        None => {}
    }
    let mut batch = Batch::new(shapes.as_ref().map(|shapes| &shapes.crs), false);
    let mut plan = job.mapping.plan(&file, &columns)?;
    job.opened.findings.append(&mut plan.findings);
    job.opened.columns.append(&mut plan.uses);
    let mut count = 0;
    loop {
        let next = match first.pop_front() {
            Some(row) => Some(row),
            None => rows.next_row()?,
        };
        let Some((line, cells)) = next else { break };
        let row = line - header_line;
        count += 1;
        // Empty cells count too: one comma too many in the middle moves every value behind it, and the last may be empty.
        if rows.is_ragged() && cells.len() != columns.len() {
            job.opened.unreadable_rows += 1;
            if job.opened.findings.len() < MAX_FINDINGS {
                let value = format!("{} cells", cells.len());
                let expected =
                    format!("{} cells, as in the header; a comma in a text needs quotes around it", columns.len());
                let mut finding = finding(&file, "ragged-row", Some(&value), expected);
                finding.row = Some(row);
                job.opened.findings.push(finding);
            }
            continue;
        }
        let found = plan.cells(row, row, |index, _| cells.get(index).cloned().unwrap_or(Cell::Empty));
        let Some(found) = found else { continue };
        let Some(shapes) = &shapes else {
            if (job.each)(Event::Row(&file, Record { row, cells: found, shape: Shape::None })).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            continue;
        };
        match wkt::binary(cells.get(shapes.index).unwrap_or(&Cell::Empty), &shapes.crs) {
            Ok(wkb) => batch.push(row, found, wkb.as_deref()),
            Err(name) => batch.push_other(row, found, name),
        }
        if batch.is_full() && !drain(&mut batch, job, &file, shapes) {
            return Ok(ControlFlow::Break(()));
        }
    }
    if let Some(shapes) = &shapes
        && !drain(&mut batch, job, &file, shapes)
    {
        return Ok(ControlFlow::Break(()));
    }
    job.opened.findings.extend(batch.findings(&file));
    verdict(job, shapes.as_ref().map(|shapes| &shapes.crs), batch.axes())?;
    job.note_rows(count);
    job.opened.findings.extend(plan.left_out(&file));
    Ok(ControlFlow::Continue(()))
}

fn drain(batch: &mut Batch, job: &mut Job<'_>, file: &str, shapes: &wkt::Column) -> bool {
    batch.drain(Some(&shapes.crs), job.source.bounds, |record| (job.each)(Event::Row(file, record)).is_continue())
}

/// How long a row may be.
fn longest(kind: Kind) -> usize {
    if kind.shapes() == Shapes::None { MAX_ROW_BYTES } else { MAX_ROW_BYTES_WITH_SHAPE }
}

/// A cell as a text.
pub(super) fn text(cell: &Cell) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Text(text) => text.trim().to_owned(),
        Cell::Number(number) => number.to_string(),
        Cell::Date(date) => date.to_string(),
    }
}

/// The encoding by hand, by byte order mark, or by the bytes of the whole file; a line without an end is refused on the
/// way, before anything is decoded.
fn csv_encoding(
    path: &Path,
    file: &str,
    asked: Option<&str>,
    longest: usize,
) -> Result<(&'static Encoding, String), ReadError> {
    let asked = match asked {
        None => None,
        Some(label) => Some(encoding::by_label(label).ok_or_else(|| {
            refuse(file, "unknown-encoding", label, "the name of an encoding, such as GBK, GB18030 or UTF-8")
        })?),
    };
    let mut reader = File::open(path).map_err(io(file))?;
    let (mut evidence, mut line, mut lines) = (Evidence::default(), Vec::new(), 0_u64);
    let mut mark = None;
    let mut chunk = vec![0; 1 << 16];
    loop {
        let read = reader.read(&mut chunk).map_err(io(file))?;
        if read == 0 {
            break;
        }
        if lines == 0 && line.is_empty() {
            mark = Encoding::for_bom(&chunk[..read]).map(|(encoding, _)| encoding);
        }
        for piece in chunk[..read].split_inclusive(|byte| *byte == b'\n') {
            let ended = piece.last() == Some(&b'\n');
            if line.is_empty() && ended {
                evidence.see(piece);
            } else {
                line.extend_from_slice(piece);
                if line.len() > longest {
                    return Err(too_long(file, lines + 1, longest));
                }
                if ended {
                    evidence.see(&line);
                    line.clear();
                }
            }
            lines += u64::from(ended);
        }
    }
    evidence.see(&line);
    if let Some(encoding) = asked {
        // A mark is stronger than a wrong hand only between the two UTF-16.
        let found = mark.filter(|mark| [UTF_16LE, UTF_16BE].contains(mark) && encoding == UTF_16LE).unwrap_or(encoding);
        return Ok((found, "asked for".to_owned()));
    }
    // Malformed bytes become U+FFFD, and the rows that have them are refused.
    Ok(match mark {
        Some(mark) => (mark, "its byte order mark".to_owned()),
        None if evidence.is_doubtful() => return Err(encoding::doubtful(file, evidence)),
        None => (evidence.verdict().unwrap_or(UTF_8), evidence.words()),
    })
}

fn too_long(file: &str, line: u64, longest: usize) -> ReadError {
    let value = format!("line {line}");
    let expected = format!("lines of at most {longest} bytes; look for a missing line end or an open quote");
    refuse(file, "line-too-long", &value, expected)
}

/// The delimiter that the first lines have most of.
fn delimiter(start: &[u8]) -> u8 {
    let most = |delimiter: u8| {
        let count = |line: &[u8]| {
            let mut quoted = false;
            line.iter()
                .filter(|byte| {
                    quoted ^= **byte == b'"';
                    **byte == delimiter && !quoted
                })
                .count()
        };
        start.split(|byte| *byte == b'\n').take(HEADER_WITHIN).map(count).max().unwrap_or(0)
    };
    // The last of equals wins: a comma, unless another is more frequent.
    [b'\t', b';', b','].into_iter().max_by_key(|delimiter| most(*delimiter)).unwrap_or(b',')
}

/// Counts the bytes handed out since the last whole record, and stops at too many: an open quote would otherwise make
/// one cell of the rest of the file.
struct Metered<R> {
    inner: R,
    spent: Rc<Shared<usize>>,
    longest: usize,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, out: &mut [u8]) -> stdio::Result<usize> {
        let read = self.inner.read(out)?;
        self.spent.set(self.spent.get() + read);
        if self.spent.get() > self.longest + (1 << 16) {
            return Err(stdio::Error::from(stdio::ErrorKind::FileTooLarge));
        }
        Ok(read)
    }
}

/// A text without the apostrophe that keeps a spreadsheet from running it, which our own files have.
fn bare(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(rest) if rest.starts_with(['=', '+', '-', '@', '\t', '\r']) => rest,
        _ => text,
    }
}

struct CsvRows<R> {
    records: csv::StringRecordsIntoIter<R>,
    spent: Rc<Shared<usize>>,
    longest: usize,
    file: String,
}

impl<R: Read> Rows for CsvRows<R> {
    fn next_row(&mut self) -> Result<Option<(u64, Vec<Cell>)>, ReadError> {
        loop {
            let line = self.records.reader().position().record() + 1;
            let Some(record) = self.records.next() else { return Ok(None) };
            self.spent.set(0);
            let record = match record.map_err(csv::Error::into_kind) {
                Ok(record) => record,
                Err(csv::ErrorKind::Io(error)) if error.kind() == stdio::ErrorKind::FileTooLarge => {
                    return Err(too_long(&self.file, line, self.longest));
                }
                Err(csv::ErrorKind::Io(error)) => return Err(io(&self.file)(error)),
                Err(other) => {
                    return Err(refuse(&self.file, "unreadable-file", &format!("{other:?}"), "a table of text"));
                }
            };
            let cell = |text: &str| if text.is_empty() { Cell::Empty } else { Cell::Text(bare(text).to_owned()) };
            let cells: Vec<Cell> = record.iter().map(cell).collect();
            if cells.iter().any(|cell| *cell != Cell::Empty) {
                return Ok(Some((line, cells)));
            }
        }
    }

    fn is_ragged(&self) -> bool {
        true
    }
}
