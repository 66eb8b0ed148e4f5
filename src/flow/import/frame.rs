//! What goes through the pipe between an import and the process that reads its files: one task in, frames out. It knows
//! bytes and lengths; what they mean is for both ends to know.
//!
//! A reader may have been taken over by the file it reads. So a length is a promise that is paid for byte by byte, never
//! room made in advance, and a frame has a limit.

use super::Order;
use super::rows::Taken;
use crate::domain::finding::Finding;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};

/// No frame is longer: rows go in pieces of four megabytes, and the longest row comes on top.
const MAX_BYTES: u64 = 256 << 20;

/// What a reader is to do, and what it may use up.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Task {
    pub order: Order,
    pub today: NaiveDate,
    pub bounds: Option<[f64; 4]>,
    /// Who waits for the rows: a reader whose parent is another has outlived it.
    pub parent: u32,
}

/// What a reader says.
#[derive(Debug)]
pub(super) enum Frame {
    /// It opens a file.
    File(String),
    /// Whole rows for COPY, and how many were read so far.
    Rows(Vec<u8>, u64),
    /// It has come to its end.
    Ended(Ended),
}

/// How reading came to its end: everything was read, or nothing may be kept.
pub(super) type Ended = Result<Box<Taken>, Refusal>;

/// Why nothing may be kept.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Refusal {
    /// A file is not what it should be.
    File(Vec<Finding>),
    /// The machine could not read it.
    Machine { file: String, said: String },
}

pub(super) fn write_file(out: &mut impl Write, name: &str) -> io::Result<()> {
    write(out, b'F', &[name.as_bytes()])
}

pub(super) fn write_rows(out: &mut impl Write, text: &[u8], read: u64) -> io::Result<()> {
    write(out, b'R', &[&read.to_le_bytes(), text])
}

pub(super) fn write_end(out: &mut impl Write, ended: &Ended) -> io::Result<()> {
    write(out, b'E', &[&serde_json::to_vec(ended)?])
}

fn write(out: &mut impl Write, kind: u8, parts: &[&[u8]]) -> io::Result<()> {
    let bytes = parts.iter().map(|part| part.len() as u64).sum::<u64>();
    if bytes > MAX_BYTES {
        return Err(io::Error::from(io::ErrorKind::FileTooLarge));
    }
    out.write_all(&[kind])?;
    out.write_all(&bytes.to_le_bytes())?;
    for part in parts {
        out.write_all(part)?;
    }
    out.flush()
}

/// The next frame; nothing where the pipe ends between two frames.
pub(super) fn read(from: &mut impl Read) -> io::Result<Option<Frame>> {
    let mut kind = Vec::new();
    from.take(1).read_to_end(&mut kind)?;
    let Some(kind) = kind.first() else { return Ok(None) };
    let bytes = number(from)?;
    if bytes > MAX_BYTES {
        return Err(wrong(format!("a frame of {bytes} bytes")));
    }
    let count = if *kind == b'R' { number(from)? } else { 0 };
    let rest = if *kind == b'R' { bytes.checked_sub(8).ok_or_else(|| wrong("rows without a count"))? } else { bytes };
    let mut content = Vec::new();
    from.take(rest).read_to_end(&mut content)?;
    if content.len() as u64 != rest {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
    }
    Ok(Some(match kind {
        b'F' => Frame::File(String::from_utf8_lossy(&content).into_owned()),
        b'R' => Frame::Rows(content, count),
        b'E' => Frame::Ended(serde_json::from_slice(&content)?),
        other => return Err(wrong(format!("a frame of kind {other}"))),
    }))
}

fn number(from: &mut impl Read) -> io::Result<u64> {
    let mut bytes = [0; 8];
    from.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

fn wrong(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_back_and_what_is_cut_short_is_an_error(
            name in ".*", text in prop::collection::vec(any::<u8>(), 0..300), count: u64, cut in 1_usize..20,
        ) {
            let mut pipe = Vec::new();
            write_file(&mut pipe, &name).unwrap();
            write_rows(&mut pipe, &text, count).unwrap();
            let mut from = &pipe[..];
            let Ok(Some(Frame::File(found))) = read(&mut from) else { panic!() };
            prop_assert_eq!(found, name.clone());
            let Ok(Some(Frame::Rows(found, read_so_far))) = read(&mut from) else { panic!() };
            prop_assert_eq!((found, read_so_far), (text.clone(), count));
            prop_assert!(matches!(read(&mut from), Ok(None)));
            let mut from = &pipe[name.len() + 9..pipe.len() - cut.min(text.len() + 16)];
            prop_assert!(read(&mut from).is_err());
        }

        #[test]
        fn no_bytes_make_the_receiving_end_panic_or_take_room_for_what_does_not_come(
            bytes in prop::collection::vec(any::<u8>(), 0..64),
        ) {
            let mut from = &bytes[..];
            while let Ok(Some(frame)) = read(&mut from) {
                if let Frame::Rows(text, _) = frame {
                    prop_assert!(text.capacity() <= 128);
                }
            }
        }
    }
}
