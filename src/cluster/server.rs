//! Starts and stops the server and waits for its answer. Knows how a server comes up after a crash; refuses to know
//! what is asked of it.

use std::{
    fs,
    io::{Read as _, Seek as _, SeekFrom},
    os::unix::net::UnixStream,
    path::Path,
    process::{Child, ExitStatus},
    time::{Duration, Instant},
};

use rustix::process::Signal;

use super::{
    Account, Binaries, ClusterError, Place, ROLE, initial,
    place::PORT,
    process::{self, PidFile},
};

/// Replaying 4 GB of write-ahead log on a slow disk takes minutes, and is no reason to give up.
const START_SECONDS: u64 = 600;
const STOP_SECONDS: u64 = 120;
const TICK: Duration = Duration::from_millis(20);

/// Where clients connect: the socket of the running server, or the one it would have. The port is always named, so
/// that a `PGPORT` of the caller's can't lead astray.
pub fn url(place: &Place) -> String {
    let running = PidFile::read(&place.data()).and_then(|file| file.socket_directory);
    url_of(&running.unwrap_or_else(|| place.socket_directory()))
}

fn url_of(socket_directory: &Path) -> String {
    let mut host = String::new();
    for byte in socket_directory.as_os_str().as_encoded_bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => host.push(char::from(*byte)),
            other => host.push_str(&format!("%{other:02X}")),
        }
    }
    format!("postgresql:///{ROLE}?host={host}&port={PORT}&user={ROLE}&sslmode=disable")
}

/// Starts the server and waits until it answers.
pub fn start(place: &Place, account: &Account, binaries: &Binaries) -> Result<(u32, String), ClusterError> {
    process::end_orphans(place)?;
    process::forget_strangers(place)?;
    let socket = place.open_socket_directory(account)?;
    let log = initial::open_log(place, account)?;
    let written = log.metadata().map_or(0, |log| log.len());
    let for_errors = log.try_clone().map_err(ClusterError::io("open", &place.log()))?;

    let program = binaries.program("postgres");
    let mut server = account.command(&program);
    server.current_dir(&place.cluster).arg("-D").arg(place.data());
    let quoted = format!("\"{}\"", socket.display().to_string().replace('"', "\"\""));
    let mut set = |name: &str, value: &str| {
        server.arg("-c").arg(format!("{name}={value}"));
    };
    set("listen_addresses", "");
    set("unix_socket_directories", &quoted);
    set("port", &PORT.to_string());
    set("cluster_name", &place.cluster_name());
    if small_shared_memory() {
        set("dynamic_shared_memory_type", "mmap");
    }
    server.stdout(log).stderr(for_errors);
    let mut child = server.spawn().map_err(ClusterError::io("run", &program))?;
    let pid = child.id();
    tracing::debug!(pid, "the private database is starting");
    let url = await_ready(place, pid, Some((&mut child, written)))?;
    Ok((pid, url))
}

/// Waits until the server takes connections. With its child at hand, its end is seen at once.
pub fn await_ready(place: &Place, pid: u32, mut child: Option<(&mut Child, u64)>) -> Result<String, ClusterError> {
    let begun = Instant::now();
    let mut told = 0;
    let written = child.as_ref().map_or(0, |(_, written)| *written);
    let fail =
        |reason: String| ClusterError::NotStarted { reason, log: place.log(), tail: tail(&place.log(), written) };
    loop {
        if let Some(PidFile { pid: found, socket_directory: Some(socket), ready: true }) = PidFile::read(&place.data())
            && found == pid
            // A server that was killed a moment ago still has its file, but no longer its socket.
            && UnixStream::connect(socket.join(format!(".s.PGSQL.{PORT}"))).is_ok()
        {
            return Ok(url_of(&socket));
        }
        let ended: Option<Option<ExitStatus>> = match child.as_mut() {
            Some((child, _)) => {
                child.try_wait().map_err(ClusterError::io("wait for", Path::new("postgres")))?.map(Some)
            }
            None => (!process::serves(pid, &place.data())).then_some(None),
        };
        match ended {
            Some(Some(status)) => return Err(fail(format!("it ended with {status}"))),
            Some(None) => return Err(fail(format!("process {pid} ended"))),
            None => {}
        }
        let waited = begun.elapsed().as_secs();
        if waited >= START_SECONDS {
            return Err(fail(format!("no answer after {waited} s; it may still be replaying its log")));
        }
        if waited >= told + 5 {
            told = waited;
            tracing::info!(waited_s = waited, "the private database is recovering what it had written");
        }
        std::thread::sleep(TICK);
    }
}

/// Stops the server: open transactions are rolled back, committed ones are written out. Answers whether one ran.
pub fn stop(place: &Place) -> Result<bool, ClusterError> {
    let Some(pid) = process::postmaster(place) else { return Ok(false) };
    process::signal(pid, Signal::INT)?;
    let begun = Instant::now();
    while process::serves(pid, &place.data()) {
        if begun.elapsed().as_secs() >= STOP_SECONDS {
            return Err(ClusterError::NotStopped { pid, seconds: STOP_SECONDS, log: place.log() });
        }
        std::thread::sleep(TICK);
    }
    Ok(true)
}

/// Containers often get 64 MB of `/dev/shm`, too little for a parallel hash join; files in the data directory do then.
fn small_shared_memory() -> bool {
    rustix::fs::statvfs("/dev/shm").map_or(true, |shm| shm.f_blocks.saturating_mul(shm.f_frsize) < 256 * 1024 * 1024)
}

/// The last lines that this start wrote.
fn tail(log: &Path, since: u64) -> String {
    let read = || -> std::io::Result<String> {
        let mut file = fs::File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(since.max(length.saturating_sub(4096))))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = read().unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    if lines.is_empty() { "(nothing)".into() } else { lines[lines.len().saturating_sub(6)..].join("\n") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_escapes_what_a_url_would_misread() {
        let url = url_of(Path::new("/srv/土 地&b"));
        assert_eq!(
            url,
            "postgresql:///landcycle?host=%2Fsrv%2F%E5%9C%9F%20%E5%9C%B0%26b&port=5432&user=landcycle&sslmode=disable"
        );
    }
}
