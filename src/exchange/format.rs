//! Which format a path is of, and whether what lies there is whole and a thing of its own, before anybody opens it. It
//! knows endings, beginnings and ends of files, and no row.

use super::error::{ReadError, io, refuse};
use super::vector::Driver;
use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Who reads it.
pub(crate) enum Format {
    Vector(Driver),
    Archive,
    Csv,
    Xlsx,
}

/// The ending in small letters.
pub(crate) fn ending(path: &Path) -> String {
    path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase()).unwrap_or_default()
}

/// The format by the ending. What is inside must then agree.
pub(crate) fn of(path: &Path, file: &str) -> Result<Format, ReadError> {
    let ending = ending(path);
    Ok(match ending.as_str() {
        "gpkg" => Format::Vector(Driver::GeoPackage),
        "shp" | "dbf" => Format::Vector(Driver::Shapefile),
        "geojson" | "json" => Format::Vector(Driver::GeoJson),
        "geojsonl" | "geojsons" | "geojsonseq" | "ndjson" | "jsonl" => Format::Vector(Driver::GeoJsonSequence),
        "fgb" => Format::Vector(Driver::FlatGeobuf),
        "gdb" => Format::Vector(Driver::FileGeodatabase),
        "kml" => Format::Vector(Driver::Kml),
        "dxf" => Format::Vector(Driver::Dxf),
        "zip" | "kmz" => Format::Archive,
        "csv" | "tsv" | "txt" => Format::Csv,
        "xlsx" | "xlsm" => Format::Xlsx,
        _ => {
            let expected = "a .gpkg, .shp, .gdb (or .zip of one), .geojson, .geojsonl, .fgb, .kml, .dxf, .csv or .xlsx; save \
                            an .xls as .xlsx and a .dwg as .dxf";
            return Err(refuse(file, "unknown-format", &format!(".{ending}"), expected));
        }
    })
}

/// The real path of a regular file with something in it, or of the folder of a File Geodatabase. GDAL has file systems of
/// its own (`/vsicurl/…`); a path that exists on disk and starts at its root is none of theirs.
pub(crate) fn real(path: &Path, file: &str) -> Result<PathBuf, ReadError> {
    let real = match std::fs::canonicalize(path) {
        Ok(real) if !real.to_string_lossy().starts_with("/vsi") => real,
        Ok(_) => return Err(refuse(file, "missing-file", "a virtual path", "a file on this machine")),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(refuse(file, "missing-file", "no such file", "a file on this machine"));
        }
        Err(error) => return Err(io(file)(error)),
    };
    let about = std::fs::metadata(&real).map_err(io(file))?;
    if about.is_dir() && ending(&real) == "gdb" {
        return Ok(real);
    }
    if !about.is_file() {
        let expected = "a file, and no folder (but one that is a .gdb) or device";
        return Err(refuse(file, "missing-file", "not a regular file", expected));
    }
    if about.len() == 0 {
        return Err(refuse(file, "empty-file", "0 bytes", "a file with something in it"));
    }
    Ok(real)
}

/// The files of a folder by name. A File Geodatabase has no folders inside, and nothing that leads out of it.
pub(crate) fn files_of(folder: &Path, file: &str) -> Result<Vec<PathBuf>, ReadError> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io(file))? {
        let entry = entry.map_err(io(file))?;
        if !entry.file_type().map_err(io(file))?.is_file() {
            let name = entry.file_name().to_string_lossy().into_owned();
            return Err(refuse(file, "points-elsewhere", &name, "nothing but regular files in a .gdb"));
        }
        files.push(entry.path());
    }
    files.sort();
    Ok(files)
}

/// The sizes and times of a file and of those that belong to it: whether one was written to meanwhile.
#[derive(PartialEq)]
pub(crate) struct Stamp(Vec<(PathBuf, u64, i64, i64, u64)>);

impl Stamp {
    /// What is there now.
    pub fn of(path: &Path, file: &str) -> Result<Self, ReadError> {
        let files = match ending(path).as_str() {
            "gdb" if path.is_dir() => files_of(path, file)?,
            "shp" => {
                ["shp", "shx", "dbf"].iter().filter_map(|ending| super::shapefile::sibling(path, ending)).collect()
            }
            _ => vec![path.to_owned()],
        };
        let stamp = |path: PathBuf| {
            let about: Metadata = std::fs::metadata(&path).map_err(io(file))?;
            Ok((path, about.len(), about.mtime(), about.mtime_nsec(), about.ino()))
        };
        Ok(Self(files.into_iter().map(stamp).collect::<Result<_, ReadError>>()?))
    }

    /// How many bytes there are in all.
    pub fn bytes(&self) -> u64 {
        self.0.iter().map(|(_, bytes, ..)| bytes).sum()
    }
}

/// Whether the file begins and ends like one of its format, and stands by itself. GDAL reads what is left of a file that
/// was cut short without a word.
pub(crate) fn whole(path: &Path, file: &str, driver: Driver) -> Result<(), ReadError> {
    match driver {
        Driver::GeoPackage => whole_database(path, file),
        Driver::FlatGeobuf => begins(path, file, b"fgb\x03fgb", "a FlatGeobuf of version 3"),
        Driver::Kml => whole_kml(path, file),
        Driver::Dxf => whole_drawing(path, file),
        Driver::FileGeodatabase => {
            if !path.is_dir() {
                return Err(refuse(file, "unreadable-file", "a file", "a .gdb folder, or a .zip of one"));
            }
            let mut tables = files_of(path, file)?;
            tables.retain(|path| ending(path) == "gdbtable");
            if tables.is_empty() {
                return Err(refuse(file, "missing-file", "no .gdbtable", "the folder of a File Geodatabase"));
            }
            tables.iter().try_for_each(|table| whole_table(table, file))
        }
        Driver::Shapefile | Driver::GeoJson | Driver::GeoJsonSequence => Ok(()),
    }
}

fn begins(path: &Path, file: &str, with: &[u8], expected: &str) -> Result<(), ReadError> {
    let mut head = Vec::new();
    File::open(path).map_err(io(file))?.take(with.len() as u64).read_to_end(&mut head).map_err(io(file))?;
    if head == with { Ok(()) } else { Err(refuse(file, "unreadable-file", "another beginning", expected)) }
}

/// A table of a File Geodatabase says how long it is, and has an index.
fn whole_table(path: &Path, file: &str) -> Result<(), ReadError> {
    let name = format!("{file}/{}", super::name_of(path));
    let mut head = Vec::new();
    let source = File::open(path).map_err(io(&name))?;
    let bytes = source.metadata().map_err(io(&name))?.len();
    source.take(40).read_to_end(&mut head).map_err(io(&name))?;
    let promised = head.get(24..32).and_then(|word| word.try_into().ok()).map_or(40, u64::from_le_bytes);
    if promised > bytes {
        let expected = format!("the {promised} bytes that its header promises; send the whole folder");
        return Err(refuse(&name, "truncated-file", &format!("{bytes} bytes"), expected));
    }
    if !path.with_extension("gdbtablx").is_file() {
        let expected = format!("a .gdbtablx beside {}; send the whole folder", super::name_of(path));
        return Err(refuse(&name, "missing-file", "no index", expected));
    }
    Ok(())
}

/// A drawing ends with a line that says so.
fn whole_drawing(path: &Path, file: &str) -> Result<(), ReadError> {
    let mut source = File::open(path).map_err(io(file))?;
    let bytes = source.metadata().map_err(io(file))?.len();
    source.seek(SeekFrom::Start(bytes.saturating_sub(256))).map_err(io(file))?;
    let mut tail = Vec::new();
    source.take(256).read_to_end(&mut tail).map_err(io(file))?;
    if tail.trim_ascii_end().ends_with(b"EOF") {
        return Ok(());
    }
    Err(refuse(file, "truncated-file", "no EOF at the end", "a whole DXF as text (ASCII); send the whole file"))
}

/// A KML ends with the end of its root, declares no entities and links to no other. Its text may be in UTF-16, so it is
/// looked at without zero bytes; names may bear a prefix, so it is the end of a link that tells of those.
fn whole_kml(path: &Path, file: &str) -> Result<(), ReadError> {
    const ELSEWHERE: [&[u8]; 3] = [b"<NetworkLink", b"NetworkLink>", b"<!ENTITY"];
    const OVERLAP: usize = 32;
    let mut source = File::open(path).map_err(io(file))?;
    let (mut window, mut chunk) = (Vec::new(), vec![0; 1 << 16]);
    loop {
        let read = source.read(&mut chunk).map_err(io(file))?;
        if read == 0 {
            break;
        }
        window.extend(chunk[..read].iter().filter(|byte| **byte != 0));
        for word in ELSEWHERE {
            if window.windows(word.len()).any(|found| found == word) {
                let value = String::from_utf8_lossy(word);
                return Err(refuse(file, "points-elsewhere", &value, "a KML that stands by itself"));
            }
        }
        window.drain(..window.len().saturating_sub(OVERLAP));
    }
    let end = window.trim_ascii_end();
    // With a remark behind its end it is left to the parser.
    let is_open = end.iter().all(u8::is_ascii) && !end.ends_with(b">");
    if is_open {
        return Err(refuse(
            file,
            "truncated-file",
            "no </kml> at the end",
            "a whole KML document; send the whole file",
        ));
    }
    Ok(())
}

/// A SQLite file says how many pages it has; fewer is a file cut short.
fn whole_database(path: &Path, file: &str) -> Result<(), ReadError> {
    let mut head = Vec::new();
    let source = File::open(path).map_err(io(file))?;
    let bytes = source.metadata().map_err(io(file))?.len();
    source.take(100).read_to_end(&mut head).map_err(io(file))?;
    if !head.starts_with(b"SQLite format 3\0") {
        return Err(refuse(file, "unreadable-file", "another beginning", "a GeoPackage, which is a SQLite database"));
    }
    if head.len() < 100 {
        return Err(refuse(
            file,
            "truncated-file",
            &format!("{bytes} bytes"),
            "a whole GeoPackage; send the whole file",
        ));
    }
    let word = |at: usize| u64::from(u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]));
    let page = match u64::from(u16::from_be_bytes([head[16], head[17]])) {
        1 => 65_536,
        size => size,
    };
    // The page count is only good where the change counter beside it agrees (SQLite file format, 1.3.7).
    if word(24) == word(92) && word(28) * page > bytes {
        let expected = format!("the {} bytes that its header promises; send the whole file", word(28) * page);
        return Err(refuse(file, "truncated-file", &format!("{bytes} bytes"), expected));
    }
    Ok(())
}
