//! Small files that are read at once: field maps, schemes, areas. It refuses what is no regular file or too large, and
//! knows nothing of what they say.

use std::fs::File;
use std::io::{Error, Read, Result};
use std::path::Path;

/// Reads a regular file of at most so many bytes as text.
pub fn read(path: &Path, most_bytes: u64) -> Result<String> {
    // Asked before it is opened: to open a pipe waits for whoever writes to it.
    if !std::fs::metadata(path)?.is_file() {
        return Err(Error::other("it is no regular file; expected one"));
    }
    let mut text = String::new();
    // One byte more tells a file that is too large; what it claims as its size may have changed.
    File::open(path)?.take(most_bytes + 1).read_to_string(&mut text)?;
    if text.len() as u64 > most_bytes {
        return Err(Error::other(format!("it is larger than {} MiB; expected at most that", most_bytes >> 20)));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_up_to_the_limit_is_read_and_a_larger_one_or_a_device_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("map.toml");
        std::fs::write(&path, vec![b'x'; 1 << 20]).unwrap();
        assert_eq!(read(&path, 1 << 20).unwrap().len(), 1 << 20);
        std::fs::write(&path, vec![b'x'; (1 << 20) + 1]).unwrap();
        assert!(read(&path, 1 << 20).unwrap_err().to_string().contains("larger than 1 MiB"));
        for other in [Path::new("/dev/zero"), folder.path()] {
            assert!(read(other, 1 << 20).unwrap_err().to_string().contains("no regular file"));
        }
        assert_eq!(read(&folder.path().join("none"), 1).unwrap_err().kind(), std::io::ErrorKind::NotFound);
    }
}
