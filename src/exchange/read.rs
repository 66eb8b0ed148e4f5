//! Reading a data set out of files: which format each is, what it promises, who reads it. It knows no format from the
//! inside.
//!
//! Everything goes out through one callback as plain records, so that reading can stand behind a pipe.

use super::archive;
use super::error::{ReadError, io, refuse, warning};
use super::feature::Discovered;
use super::format::{self, Format, Stamp};
use super::mapping::{ColumnUse, Mapping};
use super::shapefile::{self, Shapefile};
use super::vector::{self, Driver};
use super::{encoding, table};
use crate::domain::finding::Finding;
use crate::domain::intake::{Kind, Record, Shapes};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// The files of a data set, and how someone asked for them to be read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Source<'a> {
    /// The files, read in this order.
    pub files: &'a [PathBuf],
    /// The layer of a GeoPackage, the sheet of a workbook, the file in an archive.
    pub layer: Option<&'a str>,
    /// A reference system that beats the file's own, such as `EPSG:4549`.
    pub crs: Option<&'a str>,
    /// The datum into which a web map shifted the coordinates: `gcj02` or `bd09`.
    pub datum: Option<&'a str>,
    /// An encoding that beats all evidence.
    pub encoding: Option<&'a str>,
    /// A field map: a `FILE.toml`, the name of one that is built in, or pairs `field=column,…`.
    pub map: Option<&'a str>,
    /// The property by which the features of a layer are told apart.
    pub key: Option<&'a str>,
    /// West, south, east, north of the city, to tell swapped axes; without them, of China. Rows outside are handed out
    /// all the same, unless every one of them would lie inside with its axes swapped: then the file is refused.
    pub bounds: Option<[f64; 4]>,
}

/// What was found out while reading, for the receipt.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Opened {
    /// The names of the files.
    pub files: Vec<String>,
    /// Their reference systems, several joined by commas; nothing for tables.
    pub crs: Option<String>,
    /// Their encodings, several joined by commas.
    pub encoding: Option<String>,
    /// What speaks for them, several joined by commas.
    pub evidence: Option<String>,
    /// Which column was used for which field.
    pub columns: Vec<ColumnUse>,
    /// What was found out about a layer that nobody described beforehand.
    pub layer: Option<Discovered>,
    /// The SHA-256 of every file that was read, those beside a .shp too.
    pub sha256: Vec<(String, String)>,
    /// Warnings about files as a whole, and errors about rows that could not be handed out at all.
    pub findings: Vec<Finding>,
    /// Rows that could not be handed out: they count as read and refused.
    pub unreadable_rows: u64,
}

/// What is met on the way through a data set.
#[derive(Debug)]
pub enum Event<'a> {
    /// A file, which is about to be opened.
    File(&'a str),
    /// A row, with the name of its file.
    Row(&'a str, Record),
}

/// One file on its way through a reader.
pub(crate) struct Job<'a> {
    pub kind: Kind,
    pub source: &'a Source<'a>,
    pub mapping: &'a Mapping,
    pub file: String,
    /// How many bytes it has, unpacked: it cannot hold more rows.
    pub bytes: u64,
    pub opened: &'a mut Opened,
    pub each: &'a mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
}

impl Job<'_> {
    pub fn note_crs(&mut self, label: &str) {
        join(&mut self.opened.crs, label);
    }

    pub fn note_encoding(&mut self, label: String) {
        join(&mut self.opened.encoding, &label);
    }

    pub fn note_evidence(&mut self, words: &str) {
        join(&mut self.opened.evidence, words);
    }

    pub fn note_rows(&mut self, rows: u64) {
        if rows == 0 {
            self.opened.findings.push(warning(&self.file, "no-rows", "0", "at least one row"));
        }
    }
}

fn join(list: &mut Option<String>, label: &str) {
    match list {
        None => *list = Some(label.to_owned()),
        Some(list) if list.split(", ").any(|known| known == label) => {}
        Some(list) => {
            list.push_str(", ");
            list.push_str(label);
        }
    }
}

/// Reads the files of a data set and hands out their rows one by one, with the name of the file.
///
/// Cells stand in the order of [`Kind::fields`], shapes in longitude and latitude of EPSG:4490. A shape that is no polygon
/// comes as [`Shape::Other`](crate::domain::intake::Shape::Other) with its name, one whose coordinates are none in its
/// reference system (not finite, or off the globe) as [`Shape::OffTheGlobe`](crate::domain::intake::Shape::OffTheGlobe).
///
/// An error may come after rows were handed out, when a file turns out to hold less than it promises: then none of them
/// may be kept. `ControlFlow::Break` from the callback stops the reading early; nothing is checked after it.
pub fn read(
    kind: Kind,
    source: &Source<'_>,
    each: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
) -> Result<Opened, ReadError> {
    let mapping = Mapping::load(kind, source.map)?;
    let mut opened = Opened::default();
    for path in source.files.iter().filter(|path| !belongs_to_another(path, source.files)) {
        let file = name_among(path, source.files);
        opened.files.push(file.clone());
        if each(Event::File(&file)).is_break() {
            break;
        }
        let mut job = Job { kind, source, mapping: &mapping, file, bytes: 0, opened: &mut opened, each };
        if read_file(&mut job, path)?.is_break() {
            break;
        }
    }
    Ok(opened)
}

/// What a receipt calls a file: its name, and not the folders of the machine that read it.
pub fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// The same with as many of its folders as it takes to tell the file from the others: findings must not leave open which
/// of two it is.
fn name_among(path: &Path, files: &[PathBuf]) -> String {
    let parts: Vec<_> = path.iter().collect();
    let tail = |path: &Path, count: usize| path.iter().rev().take(count).map(ToOwned::to_owned).collect::<Vec<_>>();
    let is_shared = |count: usize| files.iter().any(|other| other != path && tail(other, count) == tail(path, count));
    let count = (1..=parts.len()).find(|count| !is_shared(*count)).unwrap_or(parts.len());
    if count <= 1 {
        return name_of(path);
    }
    parts[parts.len() - count..].iter().collect::<PathBuf>().display().to_string()
}

/// `a.shx` where `a.shp` is named too, as in `import parcels a.*`.
fn belongs_to_another(path: &Path, files: &[PathBuf]) -> bool {
    const BESIDE: [&str; 9] = ["shx", "dbf", "prj", "cpg", "sbn", "sbx", "qix", "xml", "qmd"];
    BESIDE.contains(&format::ending(path).as_str())
        && files
            .iter()
            .any(|other| format::ending(other) == "shp" && other.file_stem() == path.with_extension("").file_stem())
}

fn read_file(job: &mut Job<'_>, path: &Path) -> Result<ControlFlow<()>, ReadError> {
    let path = format::real(path, &job.file)?;
    let format = format::of(&path, &job.file)?;
    let before = Stamp::of(&path, &job.file)?;
    job.bytes = before.bytes();
    let given = job.file.clone();
    let done = match format {
        Format::Csv | Format::Xlsx if job.kind == Kind::Layer => {
            let expected = "a GeoPackage, Shapefile, File Geodatabase, GeoJSON, FlatGeobuf, KML or DXF";
            Err(refuse(&job.file, "unknown-format", "a table", expected))
        }
        Format::Csv => table::read_csv(job, &path),
        Format::Xlsx => table::read_xlsx(job, &path),
        Format::Vector(driver) => read_vector(job, &path, driver, true),
        Format::Archive => {
            let unpacked = archive::unpack(&path, &job.file, job.source.layer)?;
            job.file.clone_from(&unpacked.name);
            job.bytes = Stamp::of(&unpacked.path, &job.file)?.bytes();
            match format::of(&unpacked.path, &unpacked.name)? {
                Format::Vector(driver) => read_vector(job, &unpacked.path, driver, false),
                _ => Err(refuse(&unpacked.name, "unknown-format", "a table", archive::EXPECTED)),
            }
        }
    }?;
    // Last, so that a file that is refused early is not read to its end.
    job.file = given;
    hash(job, &path)?;
    if Stamp::of(&path, &job.file)? != before {
        let expected = "a file that nobody writes to while it is read; import it again";
        return Err(refuse(&job.file, "file-changed", "another size or time than at the beginning", expected));
    }
    Ok(done)
}

fn read_vector(job: &mut Job<'_>, path: &Path, driver: Driver, by_itself: bool) -> Result<ControlFlow<()>, ReadError> {
    check_label(job)?;
    if driver != Driver::Shapefile {
        format::whole(path, &job.file, driver)?;
        return vector::read(job, path, driver, None);
    }
    if format::ending(path) == "dbf" && job.kind.shapes() == Shapes::Required {
        let expected = format!("a .shp beside the .dbf: {} have shapes", job.kind.name());
        return Err(refuse(&job.file, "missing-file", "a lone .dbf", expected));
    }
    let mut found = shapefile::look(path, &job.file, job.source.encoding)?;
    for beside in std::mem::take(&mut found.beside) {
        // Files out of an archive are covered by the archive's own hash.
        if by_itself {
            hash(job, &beside)?;
        }
    }
    job.opened.findings.append(&mut found.findings);
    let shapefile = Shapefile { findings: Vec::new(), ..found };
    vector::read(job, path, driver, Some(shapefile))
}

/// A GeoPackage and a GeoJSON are UTF-8 whatever anyone says; a word that names no encoding is wrong all the same.
fn check_label(job: &Job<'_>) -> Result<(), ReadError> {
    match job.source.encoding {
        Some(label) if encoding::by_label(label).is_none() => {
            Err(refuse(&job.file, "unknown-encoding", label, "the name of an encoding, such as GBK, GB18030 or UTF-8"))
        }
        _ => Ok(()),
    }
}

/// Notes the hash of a file; of a folder that of the lines `HASH  NAME` of its files, as `sha256sum * | sha256sum` has it.
fn hash(job: &mut Job<'_>, path: &Path) -> Result<(), ReadError> {
    let found = if path.is_dir() {
        let mut lines = Sha256::new();
        for file in format::files_of(path, &job.file)? {
            lines.update(format!("{}  {}\n", hash_of(&file, &job.file)?, name_of(&file)));
        }
        hex::encode(lines.finalize())
    } else {
        hash_of(path, &job.file)?
    };
    job.opened.sha256.push((name_of(path), found));
    Ok(())
}

fn hash_of(path: &Path, file: &str) -> Result<String, ReadError> {
    let mut hasher = Sha256::new();
    let mut reader = File::open(path).map_err(io(file))?;
    let mut chunk = vec![0; 1 << 16];
    loop {
        let read = reader.read(&mut chunk).map_err(io(file))?;
        if read == 0 {
            break;
        }
        hasher.update(&chunk[..read]);
    }
    Ok(hex::encode(hasher.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_called_by_as_much_of_its_path_as_tells_it_from_the_others() {
        let files = ["a/2024/parcels.shp", "a/2025/parcels.shp", "zones.gpkg", "parcels.shp"].map(PathBuf::from);
        let names: Vec<String> = files.iter().map(|path| name_among(path, &files)).collect();
        assert_eq!(names, ["2024/parcels.shp", "2025/parcels.shp", "zones.gpkg", "parcels.shp"]);
        assert_eq!(name_among(&files[0], &files[..1]), "parcels.shp");
        // One file named twice is one file.
        assert_eq!(name_among(&files[0], &[files[0].clone(), files[0].clone()]), "parcels.shp");
    }
}
