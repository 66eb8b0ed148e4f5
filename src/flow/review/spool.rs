//! Texts laid aside in a file while a run is made: the facts of a large city together would take more memory than
//! everything else. The file has no name, so that nothing of it is left however the program ends.

use crate::domain::review::canonical::Written;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _, Seek as _, Write as _};
use std::path::PathBuf;

/// As much goes to the file at once, and comes from it.
const BUFFER: usize = 1 << 20;

/// The facts could not be laid aside, or not read again.
#[derive(Debug, thiserror::Error)]
#[error(
    "the facts of the review could not be laid aside in {folder}, and nothing was stored\nsee that there is room, some five \
     kilobytes for each parcel, or name another folder in TMPDIR"
)]
pub struct SpoolError {
    folder: PathBuf,
    #[source]
    source: io::Error,
}

impl SpoolError {
    fn of(source: io::Error) -> Self {
        Self { folder: std::env::temp_dir(), source }
    }
}

/// Texts on their way into the file.
pub(super) struct Spool {
    file: BufWriter<File>,
}

impl Spool {
    /// An empty one, where the system keeps what is passing.
    pub(super) fn open() -> Result<Self, SpoolError> {
        let file = tempfile::tempfile().map_err(SpoolError::of)?;
        Ok(Self { file: BufWriter::with_capacity(BUFFER, file) })
    }

    /// Lays a text aside.
    pub(super) fn push(&mut self, code: &str, text: &str) -> Result<(), SpoolError> {
        self.write(code).and_then(|()| self.write(text)).map_err(SpoolError::of)
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        self.file.write_all(&(text.len() as u64).to_le_bytes())?;
        self.file.write_all(text.as_bytes())
    }

    /// Reads them from the first on.
    pub(super) fn read(self) -> Result<Laid, SpoolError> {
        let mut file = self.file.into_inner().map_err(|error| SpoolError::of(error.into_error()))?;
        file.rewind().map_err(SpoolError::of)?;
        Ok(Laid { file: BufReader::with_capacity(BUFFER, file) })
    }
}

/// Texts on their way back.
pub(super) struct Laid {
    file: BufReader<File>,
}

impl Laid {
    /// The next so many, each with its code.
    pub(super) fn next(&mut self, count: usize) -> Result<Vec<(String, Written)>, SpoolError> {
        let pairs = (0..count).map(|_| Ok((self.text()?, Written(self.text()?.into()))));
        pairs.collect::<io::Result<_>>().map_err(SpoolError::of)
    }

    fn text(&mut self) -> io::Result<String> {
        let mut length = [0; 8];
        self.file.read_exact(&mut length)?;
        let mut bytes = vec![0; usize::try_from(u64::from_le_bytes(length)).unwrap_or(usize::MAX)];
        self.file.read_exact(&mut bytes)?;
        String::from_utf8(bytes).map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn texts_come_back_in_order_and_no_more_than_went_in() {
        let mut spool = Spool::open().unwrap();
        let long = "事实".repeat(BUFFER);
        for (code, text) in [("A", ""), ("B", long.as_str()), ("C", "{}")] {
            spool.push(code, text).unwrap();
        }
        let mut laid = spool.read().unwrap();
        let first = laid.next(2).unwrap();
        assert_eq!((first[0].0.as_str(), &*first[0].1.0), ("A", ""));
        assert_eq!((first[1].0.as_str(), &*first[1].1.0), ("B", long.as_str()));
        assert_eq!(laid.next(1).unwrap()[0].0, "C");
        assert!(laid.next(1).unwrap_err().to_string().contains("TMPDIR"));
    }
}
