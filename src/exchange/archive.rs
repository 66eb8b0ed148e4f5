//! Zip archives, which may lie: sizes, names and ratios are checked, and bytes are counted while they are unpacked into
//! a folder of our own under names of our own. It does not know what the files mean.

use super::error::{ReadError, io, refuse};
use super::format;
use std::fs::File;
use std::io::{self as stdio, BufReader, Read};
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use zip::ZipArchive;

/// What an archive may unpack to.
const MAX_BYTES: u64 = 4 << 30;
/// What a workbook may unpack to: its shared strings are held in memory.
const MAX_WORKBOOK_BYTES: u64 = 1 << 30;
/// No survey data shrinks to less than a two hundredth; a bomb does.
const MAX_RATIO: u64 = 200;
/// Below this size a ratio is harmless.
const SMALL_BYTES: u64 = 64 << 20;
const MAX_ENTRIES: usize = 10_000;
/// The endings of what can be read out of an archive, besides a .gdb, which is a folder.
const MAIN: [&str; 9] = ["shp", "gpkg", "geojson", "json", "geojsonl", "geojsons", "ndjson", "kml", "dxf"];
/// What an archive should hold.
pub(crate) const EXPECTED: &str = "an archive with a .shp, .gpkg, .gdb, .geojson, .geojsonl, .kml or .dxf";

type Zip = ZipArchive<BufReader<File>>;

/// One data set taken out of an archive; the folder goes away with it.
pub(crate) struct Unpacked {
    /// The file to open.
    pub path: PathBuf,
    /// Its name in the archive.
    pub name: String,
    _folder: TempDir,
}

fn open(path: &Path, file: &str, max_bytes: u64) -> Result<Zip, ReadError> {
    let bytes = std::fs::metadata(path).map_err(io(file))?.len();
    let reader = BufReader::new(File::open(path).map_err(io(file))?);
    let mut zip = ZipArchive::new(reader)
        .map_err(|error| refuse(file, "unreadable-file", &error.to_string(), "a whole zip archive"))?;
    if zip.len() > MAX_ENTRIES {
        let expected = format!("at most {MAX_ENTRIES} files in an archive");
        return Err(refuse(file, "archive-too-large", &zip.len().to_string(), expected));
    }
    let mut total = 0_u64;
    for index in 0..zip.len() {
        let entry = zip.by_index_raw(index).map_err(|error| broken(file, &error))?;
        let name = decode(entry.name_raw());
        if entry.enclosed_name().is_none() || entry.is_symlink() {
            return Err(refuse(file, "archive-climbs-out", &name, "plain names inside the archive"));
        }
        if entry.encrypted() {
            return Err(refuse(file, "archive-encrypted", &name, "an archive without a password"));
        }
        total = total.saturating_add(entry.size());
    }
    guard(file, total, bytes, max_bytes)?;
    Ok(zip)
}

fn guard(file: &str, total: u64, packed: u64, max_bytes: u64) -> Result<(), ReadError> {
    if total > max_bytes || (total > SMALL_BYTES && total / packed.max(1) > MAX_RATIO) {
        let expected = format!("at most {} MiB unpacked, and at most {MAX_RATIO} times the archive", max_bytes >> 20);
        return Err(refuse(file, "archive-too-large", &format!("{} MiB from {packed} bytes", total >> 20), expected));
    }
    Ok(())
}

fn broken(file: &str, error: &zip::result::ZipError) -> ReadError {
    refuse(file, "unreadable-file", &error.to_string(), "a whole zip archive")
}

/// Names are UTF-8, or what a Chinese Windows wrote.
fn decode(name: &[u8]) -> String {
    std::str::from_utf8(name)
        .map_or_else(|_| encoding_rs::GB18030.decode_without_bom_handling(name).0.into_owned(), str::to_owned)
}

/// Refuses a workbook that would unpack to more than it may, by its own word and by trying.
pub(crate) fn check_workbook(path: &Path, file: &str) -> Result<(), ReadError> {
    let mut zip = open(path, file, MAX_WORKBOOK_BYTES)?;
    let packed = std::fs::metadata(path).map_err(io(file))?.len();
    // Deflate shrinks to a thousandth at most: a small file cannot lie by much.
    if packed.saturating_mul(1032) <= SMALL_BYTES {
        return Ok(());
    }
    let mut total = 0;
    for index in 0..zip.len() {
        let entry = zip.by_index(index).map_err(|error| broken(file, &error))?;
        total += stdio::copy(&mut entry.take(MAX_WORKBOOK_BYTES + 1 - total), &mut stdio::sink()).map_err(io(file))?;
        guard(file, total, packed, MAX_WORKBOOK_BYTES)?;
    }
    Ok(())
}

/// Takes one data set out: the layer that was asked for by name, or the only one.
pub(crate) fn unpack(path: &Path, file: &str, layer: Option<&str>) -> Result<Unpacked, ReadError> {
    let mut zip = open(path, file, MAX_BYTES)?;
    let packed = std::fs::metadata(path).map_err(io(file))?.len();
    let names: Vec<String> = (0..zip.len())
        .map(|index| zip.by_index_raw(index).map(|entry| decode(entry.name_raw())))
        .collect::<Result<_, _>>()
        .map_err(|error| broken(file, &error))?;
    let chosen = choose(&names, file, layer)?;
    let name =
        Path::new(chosen).file_name().map_or_else(|| chosen.to_owned(), |name| name.to_string_lossy().into_owned());
    let is_folder = format::ending(Path::new(chosen)) == "gdb";
    let folder = tempfile::tempdir().map_err(io(file))?;
    let target = folder.path().join(format!("data.{}", format::ending(Path::new(chosen))));
    if is_folder {
        std::fs::create_dir(&target).map_err(io(file))?;
    }
    let mut total = 0;
    for (index, entry) in names.iter().enumerate() {
        // Under names of our own, but for the files of a geodatabase, whose names mean something and are plain.
        let out = if is_folder {
            let inside = Path::new(entry).parent() == Some(Path::new(chosen)) && !entry.ends_with('/');
            let plain = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
            let name = Path::new(entry).file_name().and_then(|name| name.to_str());
            name.filter(|name| inside && plain(name)).map(|name| target.join(name))
        } else {
            let ending = format::ending(Path::new(entry));
            let belongs = stem(entry) == stem(chosen) && !ending.is_empty();
            let plain = ending.chars().all(|c| c.is_ascii_alphanumeric());
            (belongs && plain).then(|| target.with_extension(ending))
        };
        let Some(out) = out else { continue };
        let entry = zip.by_index(index).map_err(|error| broken(file, &error))?;
        let mut out = File::create(out).map_err(io(file))?;
        // One byte more than may come, to notice it.
        total += stdio::copy(&mut entry.take(MAX_BYTES + 1 - total), &mut out)
            .map_err(|error| refuse(file, "unreadable-file", &error.to_string(), "a whole zip archive"))?;
        guard(file, total, packed, MAX_BYTES)?;
    }
    Ok(Unpacked { path: target, name: format!("{file}/{name}"), _folder: folder })
}

fn stem(name: &str) -> String {
    Path::new(name).with_extension("").to_string_lossy().to_lowercase()
}

/// The data set to take out: a file, or the folder of a geodatabase.
fn choose<'a>(names: &'a [String], file: &str, layer: Option<&str>) -> Result<&'a str, ReadError> {
    let mut main: Vec<&str> = Vec::new();
    for name in names.iter().filter(|name| !name.starts_with("__MACOSX")) {
        let folder = name.match_indices('/').map(|(at, _)| &name[..at]);
        let database = folder.into_iter().find(|folder| format::ending(Path::new(folder)) == "gdb");
        let is_main = || MAIN.contains(&format::ending(Path::new(name)).as_str());
        match database.or_else(|| is_main().then_some(name.as_str())) {
            Some(found) if !main.contains(&found) => main.push(found),
            _ => {}
        }
    }
    let asked = |name: &&&str| layer.is_some_and(|layer| Path::new(name).file_stem().is_some_and(|stem| stem == layer));
    match (&main[..], main.iter().find(asked)) {
        (_, Some(name)) => Ok(name),
        ([only], None) => Ok(only),
        ([], None) => {
            let list = names.iter().take(20).cloned().collect::<Vec<_>>().join(", ");
            Err(refuse(file, "nothing-to-read", &list, EXPECTED))
        }
        (several, None) => {
            Err(refuse(file, "several-layers", &several.join(", "), "one data set; choose with --layer NAME"))
        }
    }
}
