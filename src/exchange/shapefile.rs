//! The files that make up a Shapefile: that all are there, as long as they promise and of one mind about the number of
//! rows, and which encoding the words are in. GDAL opens half a Shapefile without a word, so this is looked at first.

use super::dbf;
use super::encoding;
use super::error::{ReadError, io, refuse, warning};
use crate::domain::finding::Finding;
use encoding_rs::{Encoding, GB18030, UTF_8};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

/// A Shapefile (or a table without shapes) that holds what it promises.
pub(crate) struct Shapefile {
    /// Rows that a reader must hand out.
    pub rows: u64,
    /// The encoding of names and words.
    pub encoding: &'static Encoding,
    /// What speaks for it.
    pub evidence: String,
    /// The files beside the first one, for the hashes.
    pub beside: Vec<PathBuf>,
    /// What is worth a look.
    pub findings: Vec<Finding>,
}

/// The file of the same name with another ending, in whatever case.
pub(crate) fn sibling(path: &Path, ending: &str) -> Option<PathBuf> {
    [ending.to_owned(), ending.to_ascii_uppercase()]
        .iter()
        .map(|ending| path.with_extension(ending))
        .find(|path| path.is_file())
}

/// Looks at a .shp or a lone .dbf and what lies beside it.
pub(crate) fn look(path: &Path, name: &str, asked: Option<&str>) -> Result<Shapefile, ReadError> {
    let mut beside = Vec::new();
    let lone = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("dbf"));
    let mut find = |ending: &str| {
        let found = sibling(path, ending).ok_or_else(|| {
            let missing = Path::new(name).with_extension(ending).display().to_string();
            let expected = format!("the .{ending} that belongs to {name}; a Shapefile is at least .shp, .shx and .dbf");
            refuse(&missing, "missing-file", "no such file", expected)
        })?;
        beside.push(found.clone());
        Ok::<_, ReadError>(found)
    };
    let (dbf, shapes) = if lone {
        (path.to_owned(), None)
    } else {
        let shx = find("shx")?;
        let dbf = find("dbf")?;
        (dbf, Some(shapes(path, &shx, name)?))
    };
    let dbf_name = Path::new(name).with_extension("dbf").display().to_string();
    let table = dbf::look(&dbf, &dbf_name)?;
    if let Some(shapes) = shapes
        && shapes != table.rows
    {
        let expected = format!("the {shapes} rows that the .shx counts; the files do not belong together");
        return Err(refuse(&dbf_name, "count-mismatch", &format!("{} rows", table.rows), expected));
    }
    let mut findings = Vec::new();
    if table.deleted > 0 {
        findings.push(warning(
            name,
            "deleted-rows",
            &table.deleted.to_string(),
            "no rows marked as deleted; they are left out",
        ));
    }
    let cpg = sibling(path, "cpg");
    let (encoding, evidence) = choose(name, asked, cpg.as_deref(), &table, &mut findings)?;
    beside.extend(cpg);
    beside.extend(sibling(path, "prj"));
    Ok(Shapefile { rows: table.rows - table.deleted, encoding, evidence, beside, findings })
}

/// By hand, or the .cpg, or the language byte for GBK, or what the bytes speak for.
fn choose(
    name: &str,
    asked: Option<&str>,
    cpg: Option<&Path>,
    table: &dbf::Table,
    findings: &mut Vec<Finding>,
) -> Result<(&'static Encoding, String), ReadError> {
    if let Some(label) = asked {
        return encoding::by_label(label).map(|found| (found, "asked for".to_owned())).ok_or_else(|| {
            refuse(name, "unknown-encoding", label, "the name of an encoding, such as GBK, GB18030 or UTF-8")
        });
    }
    if let Some(cpg) = cpg {
        let mut label = String::new();
        File::open(cpg).and_then(|file| file.take(64).read_to_string(&mut label)).map_err(io(name))?;
        match encoding::by_label(&label) {
            Some(encoding) => return Ok((encoding, format!("the .cpg says {}", label.trim()))),
            None => findings.push(warning(
                name,
                "unknown-encoding",
                label.trim(),
                "a known name in the .cpg; the encoding was told from the bytes",
            )),
        }
    }
    // 0x4D: GBK. The other bytes are set by writers of western systems whatever they write.
    if table.language == 0x4D {
        return Ok((GB18030, "the language byte of the .dbf, 0x4D".to_owned()));
    }
    if table.evidence.is_doubtful() {
        return Err(encoding::doubtful(name, table.evidence));
    }
    if let Some(found) = table.evidence.verdict() {
        return Ok((found, table.evidence.words()));
    }
    let found = match table.language {
        0x03 | 0x57 | 0x58 | 0x59 => encoding_rs::WINDOWS_1252,
        0x13 | 0x7B => encoding_rs::SHIFT_JIS,
        0x4E | 0x79 => encoding_rs::EUC_KR,
        0x4F | 0x78 => encoding_rs::BIG5,
        // Malformed bytes become U+FFFD, and the rows that have them are refused.
        _ => UTF_8,
    };
    Ok((found, format!("the language byte of the .dbf, 0x{:02X}; {}", table.language, table.evidence.words())))
}

/// Checks lengths and the index, and gives the number of shapes.
fn shapes(shp: &Path, shx: &Path, name: &str) -> Result<u64, ReadError> {
    let (shp_bytes, _) = promised(shp, name)?;
    let index_name = Path::new(name).with_extension("shx").display().to_string();
    let (_, shx_bytes) = promised(shx, &index_name)?;
    if shx_bytes % 8 != 4 {
        return Err(refuse(
            &index_name,
            "truncated-file",
            &format!("{shx_bytes} bytes"),
            "100 bytes and 8 for each shape",
        ));
    }
    let rows = shx_bytes.saturating_sub(100) / 8;
    let mut reader = BufReader::new(File::open(shx).map_err(io(&index_name))?.take(shx_bytes));
    let mut entry = [0_u8; 8];
    std::io::copy(&mut reader.by_ref().take(100), &mut std::io::sink()).map_err(io(&index_name))?;
    for row in 1..=rows {
        reader.read_exact(&mut entry).map_err(io(&index_name))?;
        let word = |at: usize| u64::from(u32::from_be_bytes([entry[at], entry[at + 1], entry[at + 2], entry[at + 3]]));
        let end = word(0) * 2 + 8 + word(4) * 2;
        if end > shp_bytes {
            let mut error = refuse(
                name,
                "truncated-file",
                &format!("{shp_bytes} bytes"),
                format!("the {end} bytes that its .shx promises; send the whole file"),
            );
            if let ReadError::Refused { findings } = &mut error {
                findings.iter_mut().for_each(|finding| finding.row = Some(row));
            }
            return Err(error);
        }
    }
    Ok(rows)
}

/// The bytes that a .shp or .shx has, and those that its header promises, which must be no more.
fn promised(path: &Path, name: &str) -> Result<(u64, u64), ReadError> {
    let file = File::open(path).map_err(io(name))?;
    let bytes = file.metadata().map_err(io(name))?.len();
    let mut head = Vec::new();
    file.take(100).read_to_end(&mut head).map_err(io(name))?;
    if head.is_empty() {
        return Err(refuse(name, "empty-file", "0 bytes", "a Shapefile"));
    }
    let (true, Some(length)) = (head.starts_with(&[0, 0, 0x27, 0x0A]), head.get(24..28)) else {
        return Err(refuse(
            name,
            "unreadable-file",
            "another beginning",
            "a Shapefile, which begins with file code 9994",
        ));
    };
    let length = u64::from(u32::from_be_bytes([length[0], length[1], length[2], length[3]])) * 2;
    if head.len() < 100 || length > bytes {
        let expected = format!("the {} bytes that its header promises; send the whole file", length.max(100));
        return Err(refuse(name, "truncated-file", &format!("{bytes} bytes"), expected));
    }
    Ok((bytes, length))
}
