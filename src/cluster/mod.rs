//! The private PostgreSQL + PostGIS of a laptop: made from the machine's own binaries under a home directory, reached
//! over a unix socket only. Knows processes, owners and directories; refuses to know a table.
//!
//! One home is one cluster. Whoever starts it holds `HOME/cluster.lock`, so two commands at once end with one server.
//! The server outlives the command that started it, and a start finds its own way past whatever a crash left behind.

mod account;
mod binaries;
mod initial;
mod place;
mod probe;
mod process;
mod server;

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitStatus,
};

pub use account::Account;
pub use binaries::Binaries;
pub use place::Place;
pub use probe::{Server, ask};

/// Free space without which making or starting a cluster is refused: 48 MB of catalogues, the first WAL segments, and
/// room to write down what went wrong.
pub const NEEDED_BYTES: u64 = 256 * 1024 * 1024;

/// The role that owns the private database, and the database's name.
pub const ROLE: &str = "landcycle";

/// A server that answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// Where clients connect, in the form libpq and sqlx both read. It holds no password: the server asks the kernel
    /// who is calling.
    pub url: String,
    /// The server's process.
    pub pid: u32,
    /// Whether this call started it, or found it running.
    pub started_here: bool,
    /// Whether this call made the cluster.
    pub made_here: bool,
    /// The server's log.
    pub log: PathBuf,
}

/// What a home holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// No cluster was made here yet.
    Absent,
    /// A cluster whose server does not run.
    Stopped,
    /// A cluster with its server.
    Running {
        /// The server's process.
        pid: u32,
        /// Where clients connect.
        url: String,
    },
}

/// Why a cluster could not be found, made, started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The machine has no PostgreSQL server.
    #[error(
        "no PostgreSQL server binaries (initdb, postgres) in {looked}\ninstall them with: apt-get install postgresql postgis\nor name their directory in LANDCYCLE_PG_BIN; `landcycle doctor` checks the machine"
    )]
    NoBinaries {
        /// The places that were looked at.
        looked: String,
    },
    /// There is a server, but PostGIS was not installed for it.
    #[error(
        "PostgreSQL {major} in {bin} has no extension {extension}\ninstall it with: apt-get install postgresql-{major}-postgis-3 postgresql-{major}"
    )]
    NoExtension {
        /// The server's directory.
        bin: PathBuf,
        /// Its major version.
        major: u32,
        /// The extension that is missing.
        extension: &'static str,
    },
    /// The data were written by another major version than any server found.
    #[error(
        "{data} was written by PostgreSQL {found}, and no server of that version is installed\ninstall it with: apt-get install postgresql-{found} postgresql-{found}-postgis-3"
    )]
    OtherVersion {
        /// The data directory.
        data: PathBuf,
        /// The version that wrote it.
        found: String,
    },
    /// Root may not run the server itself, and there is nobody to hand it to.
    #[error(
        "PostgreSQL refuses to run as root, and this machine has no user `postgres` to run it\nmake one with: useradd --system postgres"
    )]
    NoServerUser,
    /// The calling user has no name, which both initdb and peer authentication need.
    #[error("user id {uid} has no name in the user database\nadd it to /etc/passwd, or run as a named user")]
    NamelessUser {
        /// The user's number.
        uid: u32,
    },
    /// Someone else's cluster.
    #[error(
        "{path} belongs to user id {owner}, and this is user id {caller}\nrun as its owner or as root, or set LANDCYCLE_HOME to a directory of your own"
    )]
    Foreign {
        /// What belongs to someone else.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who is asking.
        caller: u32,
    },
    /// A directory on the way that the server's user may not pass.
    #[error(
        "user {user} may not pass through {directory}, which the database's files lie under\nlet it with: chmod o+x {directory}\nor set LANDCYCLE_HOME to a directory it can reach, such as /var/lib/landcycle"
    )]
    Unreachable {
        /// Who has to pass.
        user: String,
        /// The first directory that stops them.
        directory: PathBuf,
    },
    /// The directory meant for the socket can't be trusted.
    #[error("{path} can't hold the database's socket: {reason}\nremove it, or set LANDCYCLE_HOME to a shorter path")]
    SocketDirectory {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Too little room to make or start a cluster.
    #[error(
        "{free_mib} MiB are free at {path}, and the database needs at least {needed_mib} MiB to start\nmake room, or set LANDCYCLE_HOME to another disk"
    )]
    DiskFull {
        /// Where.
        path: PathBuf,
        /// What is left.
        free_mib: u64,
        /// What is needed.
        needed_mib: u64,
    },
    /// The home could not be made.
    #[error("could not create {path}\nset LANDCYCLE_HOME to a directory that you may write to")]
    Home {
        /// Its full path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A step on the file system failed.
    #[error("could not {step} {path}")]
    Io {
        /// What was tried.
        step: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// One of PostgreSQL's programs ended in failure.
    #[error("{program} ended with {status}: {said}")]
    Program {
        /// Its name.
        program: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// The last lines it wrote.
        said: String,
    },
    /// The server ended, or did not answer in time.
    #[error("the database did not start: {reason}\nits log is {log}, and ends with: {tail}")]
    NotStarted {
        /// What was seen.
        reason: String,
        /// Where to read on.
        log: PathBuf,
        /// The last lines of the log.
        tail: String,
    },
    /// The server was asked to stop and did not.
    #[error("the database (process {pid}) was asked to stop and still runs after {seconds} s\nits log is {log}")]
    NotStopped {
        /// The server's process.
        pid: u32,
        /// How long was waited.
        seconds: u64,
        /// Where to read on.
        log: PathBuf,
    },
}

impl ClusterError {
    fn io<'a>(step: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + 'a {
        move |source| Self::Io { step, path: path.to_owned(), source }
    }
}

/// Makes the cluster of `home` if there is none, starts it if it does not run, and says where it answers. Calling it
/// again is cheap and changes nothing. Blocks: seconds for the first call, a moment for the others.
pub fn ensure(home: &Path) -> Result<Running, ClusterError> {
    create_home(home)?;
    let place = Place::of(home)?;
    let lock = Lock::wait(&place)?;

    if let Some(pid) = process::postmaster(&place) {
        // The server may be a moment old and still replaying its log: whoever started it might have been killed.
        let url = server::await_ready(&place, pid, None)?;
        return Ok(Running { url, pid, started_here: false, made_here: false, log: place.log() });
    }

    let account = Account::for_cluster(&place)?;
    let place = place.reachable_by(&account)?;
    check_room(&place.cluster)?;

    let made_here = !place.data().join("PG_VERSION").exists();
    let binaries = if made_here { Binaries::newest()? } else { Binaries::that_wrote(&place.data())? };
    if made_here {
        initial::make(&place, &account, &binaries, &lock)?;
    }
    let (pid, url) = server::start(&place, &account, &binaries)?;
    Ok(Running { url, pid, started_here: true, made_here, log: place.log() })
}

/// Makes the home if there is none. The full path is told where that fails: the default is relative, and people rarely
/// know where they stand.
fn create_home(home: &Path) -> Result<(), ClusterError> {
    let full = || std::path::absolute(home).unwrap_or_else(|_| home.to_owned());
    fs::create_dir_all(home).map_err(|source| ClusterError::Home { path: full(), source })
}

/// Stops the server of `home`: open transactions are rolled back, everything committed is on disk when this returns.
/// Answers whether there was one to stop.
pub fn stop(home: &Path) -> Result<bool, ClusterError> {
    if !home.exists() {
        return Ok(false);
    }
    let place = Place::of(home)?;
    let _lock = Lock::wait(&place)?;
    server::stop(&place)
}

/// What is in `home` now. Starts nothing.
pub fn status(home: &Path) -> Result<Status, ClusterError> {
    if !home.exists() {
        return Ok(Status::Absent);
    }
    let place = Place::of(home)?;
    if let Some(pid) = process::postmaster(&place) {
        return Ok(Status::Running { pid, url: server::url(&place) });
    }
    Ok(if place.data().join("PG_VERSION").exists() { Status::Stopped } else { Status::Absent })
}

/// Where clients of `home`'s cluster connect, or will once it runs.
pub fn url(home: &Path) -> Result<String, ClusterError> {
    create_home(home)?;
    Ok(server::url(&Place::of(home)?))
}

/// The right to change a home's cluster, held until dropped.
struct Lock(fs::File);

impl Lock {
    fn wait(place: &Place) -> Result<Self, ClusterError> {
        use rustix::fs::{FlockOperation, flock};
        let path = place.home.join("cluster.lock");
        // Reading is enough to lock, and lets a user stop or look at what root once locked.
        let file = fs::File::open(&path)
            .or_else(|_| fs::OpenOptions::new().create(true).append(true).open(&path))
            .map_err(ClusterError::io("open", &path))?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            tracing::info!(home = %place.home.display(), "another landcycle is at work on this database, waiting for it");
            loop {
                match flock(&file, FlockOperation::LockExclusive) {
                    Ok(()) => break,
                    Err(rustix::io::Errno::INTR) => {}
                    Err(error) => return Err(ClusterError::io("lock", &path)(error.into())),
                }
            }
        }
        Ok(Self(file))
    }

    /// The same lock for a program we run: should we be killed, it stays locked until that program has ended too.
    fn shared_with_child(&self) -> io::Result<std::process::Stdio> {
        Ok(self.0.try_clone()?.into())
    }
}

fn check_room(path: &Path) -> Result<(), ClusterError> {
    let free = free_bytes(path).map_err(ClusterError::io("measure the free space of", path))?;
    if free < NEEDED_BYTES {
        return Err(ClusterError::DiskFull {
            path: path.to_owned(),
            free_mib: free >> 20,
            needed_mib: NEEDED_BYTES >> 20,
        });
    }
    Ok(())
}

/// Bytes that an ordinary user may still write where `path` lies.
pub fn free_bytes(path: &Path) -> io::Result<u64> {
    let room = rustix::fs::statvfs(path)?;
    Ok(room.f_bavail.saturating_mul(room.f_frsize))
}

/// Writes a file whole or not at all, and leaves it on disk.
fn write_whole(path: &Path, text: &str) -> Result<(), ClusterError> {
    let write = || -> io::Result<()> {
        let mut file = fs::File::create(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().map_err(ClusterError::io("write", path))
}
