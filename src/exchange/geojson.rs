//! What a GeoJSON says of its reference system. GDAL takes one that it does not know, or would have to fetch, for WGS 84
//! without a word, so the document is asked itself. It knows no row.

use super::error::{ReadError, io};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, Read, Seek as _, SeekFrom};
use std::path::Path;

const NAME: &[u8] = b"\"crs\"";
/// A system is named in a few words.
const MOST_BYTES: u64 = 1 << 14;
/// Words by which WGS 84 is meant.
const WGS84: [&str; 3] = ["CRS84", "4326", "WGS"];

/// The system that a document names and that is not WGS 84; nothing where it names that, or none.
pub(super) fn other_than_wgs84(path: &Path, file: &str) -> Result<Option<String>, ReadError> {
    let mut source = File::open(path).map_err(io(file))?;
    let (mut window, mut chunk, mut start) = (Vec::new(), vec![0; 1 << 16], 0_u64);
    loop {
        let read = source.read(&mut chunk).map_err(io(file))?;
        if read == 0 {
            return Ok(None);
        }
        window.extend_from_slice(&chunk[..read]);
        for (at, _) in window.windows(NAME.len()).enumerate().filter(|(_, found)| *found == NAME) {
            if let Some(named) = named(path, start + at as u64 + NAME.len() as u64).map_err(io(file))? {
                let is_wgs84 = WGS84.iter().any(|word| named.contains(word));
                return Ok((!is_wgs84).then_some(named));
            }
        }
        let seen = window.len().saturating_sub(NAME.len() - 1);
        window.drain(..seen);
        start += seen as u64;
    }
}

/// The object behind a name, in one line; nothing where something else follows.
fn named(path: &Path, at: u64) -> std::io::Result<Option<String>> {
    let mut source = File::open(path)?;
    source.seek(SeekFrom::Start(at))?;
    let mut text = Vec::new();
    source.take(MOST_BYTES).read_to_end(&mut text)?;
    let Some(text) = text.trim_ascii_start().strip_prefix(b":") else { return Ok(None) };
    let value = serde_json::Deserializer::from_slice(text).into_iter::<Value>().next();
    Ok(value.and_then(Result::ok).filter(Value::is_object).map(|value| value.to_string()))
}

/// Those of some properties that are never anything but yes and no, which GDAL hands out as the numbers 1 and 0.
pub(super) fn flags(path: &Path, file: &str, names: &[&str]) -> Result<BTreeSet<String>, ReadError> {
    if names.is_empty() {
        return Ok(BTreeSet::new());
    }
    let longest = names.iter().map(|name| name.len()).max().unwrap_or_default() * 6 + 2;
    let (mut flags, mut others) = (BTreeSet::new(), BTreeSet::new());
    let (mut text, mut in_text, mut escaped, mut after_colon) = (Vec::new(), false, false, false);
    for byte in BufReader::new(File::open(path).map_err(io(file))?).bytes() {
        let byte = byte.map_err(io(file))?;
        if in_text {
            if text.len() < longest {
                text.push(byte);
            }
            in_text = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            continue;
        }
        match byte {
            b'"' => {
                text.clear();
                text.push(byte);
                (in_text, after_colon) = (true, false);
            }
            b':' => after_colon = true,
            b' ' | b'\t' | b'\r' | b'\n' => {}
            _ => {
                if after_colon
                    && matches!(byte, b't' | b'f' | b'-' | b'0'..=b'9')
                    && let Ok(name) = serde_json::from_slice::<String>(&text)
                    && names.contains(&name.as_str())
                {
                    if matches!(byte, b't' | b'f') {
                        flags.insert(name)
                    } else {
                        others.insert(name)
                    };
                }
                after_colon = false;
            }
        }
    }
    Ok(flags.difference(&others).cloned().collect())
}
