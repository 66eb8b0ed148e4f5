//! The header and the bytes of a dBASE table (.dbf): how many rows it promises, how many it holds, and what encoding its
//! words speak for. GDAL reads the values.

use super::encoding::Evidence;
use super::error::{ReadError, io, refuse};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

/// What a table says of itself and what its bytes say.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Table {
    /// Rows by its header, deleted ones among them.
    pub rows: u64,
    /// Rows marked as deleted, which no reader shows.
    pub deleted: u64,
    /// The language driver byte: a code page, where the writer set it.
    pub language: u8,
    /// What its names and words look like.
    pub evidence: Evidence,
}

/// Reads a whole table once, record by record.
pub(crate) fn look(path: &Path, name: &str) -> Result<Table, ReadError> {
    let file = File::open(path).map_err(io(name))?;
    let bytes = file.metadata().map_err(io(name))?.len();
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let mut head = [0_u8; 32];
    if bytes < 33 {
        let code = if bytes == 0 { "empty-file" } else { "truncated-file" };
        return Err(refuse(name, code, &format!("{bytes} bytes"), "a dBASE table of at least 33 bytes"));
    }
    reader.read_exact(&mut head).map_err(io(name))?;
    let rows = u64::from(u32::from_le_bytes([head[4], head[5], head[6], head[7]]));
    let head_length = u64::from(u16::from_le_bytes([head[8], head[9]]));
    let row_length = u16::from_le_bytes([head[10], head[11]]);
    if head_length < 33 || row_length == 0 {
        return Err(refuse(
            name,
            "unreadable-file",
            &format!("header of {head_length} bytes, rows of {row_length}"),
            "a dBASE table",
        ));
    }
    let promised = head_length + rows * u64::from(row_length);
    if promised > bytes {
        let expected = format!("the {promised} bytes that its header promises ({rows} rows); send the whole file");
        return Err(refuse(name, "truncated-file", &format!("{bytes} bytes"), expected));
    }
    let mut evidence = Evidence::default();
    let mut words = Vec::new();
    let mut at = 1_usize;
    let mut rest = vec![0; usize::try_from(head_length).unwrap_or(33) - 32];
    reader.read_exact(&mut rest).map_err(io(name))?;
    for field in rest.chunks_exact(32).take_while(|field| field[0] != 0x0D) {
        let end = field[..11].iter().position(|byte| *byte == 0).unwrap_or(11);
        evidence.see(&field[..end]);
        let mut length = usize::from(field[16]);
        if field[11] == b'C' {
            // Texts over 255 bytes keep the high byte where numbers keep their decimals.
            length += usize::from(field[17]) * 256;
            words.push(at..at + length);
        }
        at += length;
    }
    let mut row = vec![0; usize::from(row_length)];
    let mut deleted = 0;
    for _ in 0..rows {
        reader.read_exact(&mut row).map_err(io(name))?;
        deleted += u64::from(row[0] == b'*');
        for place in &words {
            if let Some(word) = row.get(place.clone()) {
                let end = word.iter().rposition(|byte| *byte != b' ' && *byte != 0).map_or(0, |last| last + 1);
                evidence.see(&word[..end]);
            }
        }
    }
    Ok(Table { rows, deleted, language: head[29], evidence })
}
