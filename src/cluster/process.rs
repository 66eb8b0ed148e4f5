//! Tells a cluster's own processes from everyone else's. Knows `/proc` and `postmaster.pid`; refuses to trust a bare
//! process number, which after a crash or in a new container may long be someone else's.

use std::{
    fs, io,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use super::{ClusterError, Place, place::PORT};

/// What the server writes of itself into `postmaster.pid`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PidFile {
    /// Its process.
    pub pid: u32,
    /// Where its socket is; written a moment after the number.
    pub socket_directory: Option<PathBuf>,
    /// Whether it takes connections.
    pub ready: bool,
}

impl PidFile {
    /// Reads the file of a data directory, if there is one.
    pub fn read(data: &Path) -> Option<Self> {
        Self::parse(&fs::read_to_string(data.join("postmaster.pid")).ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        Some(Self {
            pid: lines.first()?.parse().ok()?,
            socket_directory: lines.get(4).filter(|line| line.starts_with('/')).map(PathBuf::from),
            ready: lines.get(7) == Some(&"ready"),
        })
    }
}

/// The server's process, if it lives.
pub fn postmaster(place: &Place) -> Option<u32> {
    let pid = PidFile::read(&place.data())?.pid;
    serves(pid, &place.data()).then_some(pid)
}

/// Whether this process is a server of this data directory, told by its command line: that can be read without being
/// the process's owner or having the right to trace it.
pub fn serves(pid: u32, data: &Path) -> bool {
    let line = command_line(pid);
    let mut arguments = line.split(|byte| *byte == 0);
    let program = arguments.next().unwrap_or_default();
    program.ends_with(b"postgres") && arguments.any(|argument| argument == data.as_os_str().as_bytes())
}

/// Ends what a killed server left behind: its children notice their loss only between two statements, and until the
/// last is gone no new server may touch the data.
pub fn end_orphans(place: &Place) -> Result<(), ClusterError> {
    let mark = format!("postgres: {}: ", place.cluster_name());
    let orphans = || processes().into_iter().filter(|pid| command_line(*pid).starts_with(mark.as_bytes()));
    let begun = Instant::now();
    loop {
        let left: Vec<u32> = orphans().collect();
        if left.is_empty() {
            return Ok(());
        }
        let waited = begun.elapsed();
        if waited > Duration::from_secs(20) {
            return Err(ClusterError::NotStopped { pid: left[0], seconds: 20, log: place.log() });
        }
        // Quit lets a process end by itself; one deep in a long computation needs the harder word. Nothing is lost by
        // either: what was committed is in the write-ahead log.
        let word = if waited > Duration::from_secs(2) { Signal::KILL } else { Signal::QUIT };
        for pid in left {
            signal(pid, word)?;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Removes lock files whose process number now belongs to someone else: PostgreSQL would take that process for a server
/// of this data directory. Files that name a dead process are left for PostgreSQL, which checks them more closely.
pub fn forget_strangers(place: &Place) -> Result<(), ClusterError> {
    let lock = place.data().join("postmaster.pid");
    let socket_lock = place.socket_directory().join(format!(".s.PGSQL.{PORT}.lock"));
    for path in [lock, socket_lock] {
        let named = fs::read_to_string(&path).ok().and_then(|text| text.lines().next()?.trim().parse::<u32>().ok());
        if named.is_some_and(|pid| exists(pid) && !serves(pid, &place.data())) {
            fs::remove_file(&path).map_err(ClusterError::io("remove the stale lock", &path))?;
        }
    }
    Ok(())
}

/// Sends a signal; a process that is gone already is no failure.
pub fn signal(pid: u32, word: Signal) -> Result<(), ClusterError> {
    let Some(target) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return Ok(()) };
    match kill_process(target, word) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(ClusterError::io("signal", Path::new(&format!("process {pid}")))(io::Error::from(error))),
    }
}

fn exists(pid: u32) -> bool {
    Path::new("/proc").join(pid.to_string()).exists()
}

fn command_line(pid: u32) -> Vec<u8> {
    fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default()
}

fn processes() -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_ready_only_when_its_file_says_so() {
        let starting =
            "4711\n/srv/land/cluster/data\n1793440000\n5432\n/srv/land/cluster/socket\n\n  123 4\nstarting\n";
        let ready = starting.replace("starting", "ready   ");
        let at = |text: &str| PidFile::parse(text).unwrap();
        assert!(!at(starting).ready && at(&ready).ready);
        assert_eq!(at(&ready).socket_directory.as_deref(), Some(Path::new("/srv/land/cluster/socket")));
        assert_eq!(at("4711\n").socket_directory, None);
        assert_eq!(PidFile::parse(""), None);
    }

    #[test]
    fn another_program_with_the_same_number_is_not_the_server() {
        assert!(!serves(std::process::id(), Path::new("/srv/land/cluster/data")));
    }
}
