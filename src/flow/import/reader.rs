//! The outside of a reader: the process that reads the files of an import is started here, listened to, and ended where
//! it goes over its limits. It knows how processes die, and nothing of what they read.

use super::frame::{self, Ended, Frame, Refusal, Task};
use crate::exchange;
use crate::flow::rules;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{ChildStderr, Command, ExitStatus, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::mpsc;

/// The program that reads files, and what it may use up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reader {
    /// landcycle itself, which has a command for this.
    pub program: PathBuf,
    /// Its address space, in MiB.
    pub memory_mib: u64,
    /// Its computing time, in seconds.
    pub cpu_s: u64,
    /// How long it may say nothing, in seconds.
    pub timeout_s: u64,
}

/// The command of the program that reads files for another process.
pub const COMMAND: &str = "read-files";

/// What a reader is given of the environment: where libraries keep their data. No address and no password.
const PASSED_ON: [&str; 5] = ["GDAL_DATA", "PROJ_DATA", "PROJ_LIB", "LD_LIBRARY_PATH", "TZ"];
/// No plugins, no network. What GDAL would fetch without its file systems, such as a reference system that a GeoJSON names
/// by an address, it asks of a proxy that is not there.
const SET: [(&str, &str); 7] = [
    ("GDAL_DRIVER_PATH", "disable"),
    ("PROJ_NETWORK", "OFF"),
    ("CPL_VSIL_CURL_ALLOWED_FILENAME", "none"),
    ("GDAL_HTTP_PROXY", "127.0.0.1:0"),
    ("GDAL_HTTPS_PROXY", "127.0.0.1:0"),
    ("GDAL_HTTP_TIMEOUT", "1"),
    ("LC_ALL", "C.UTF-8"),
];
const FOLDER_PREFIX: &str = "landcycle-reader-";
const PIPE_BYTES: usize = 1 << 20;
/// What is kept of the words of a dying process.
const LAST_WORDS_BYTES: usize = 2000;

/// Why a reader gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ReaderError {
    /// It was not there, or could not be started.
    #[error("the reader of the files could not be started")]
    Start(#[source] io::Error),
    /// It failed, and the file is not to blame.
    #[error("the reader of the files failed ({status}): {said}")]
    Failed {
        /// How it ended.
        status: String,
        /// Its last words.
        said: String,
    },
}

/// What comes from the thread that listens to a reader.
enum Message {
    Started(OwnedFd),
    Frame(Frame),
    Gone(Result<Death, ReaderError>),
}

/// How a reader died.
struct Death {
    status: ExitStatus,
    said: String,
}

/// A reader at work. Dropped, it is ended.
pub(super) struct Reading {
    messages: mpsc::Receiver<Message>,
    limits: Reader,
    /// The file it said it opens.
    file: String,
    process: Option<OwnedFd>,
    /// Where it may unpack archives: removed here, whatever becomes of it.
    _folder: TempDir,
}

/// What a reader has for us.
pub(super) enum Heard {
    Rows(Vec<u8>, u64),
    Ended(Ended),
}

impl Reading {
    /// Starts a reader.
    pub fn start(task: Task) -> Result<Self, ReaderError> {
        sweep();
        let prefix = format!("{FOLDER_PREFIX}{}-", std::process::id());
        let folder = tempfile::Builder::new().prefix(&prefix).tempdir().map_err(ReaderError::Start)?;
        let limits = task.order.reader.clone();
        let file = task.order.files.first().map(|path| exchange::name_of(path)).unwrap_or_default();
        let (sender, messages) = mpsc::channel(2);
        let inside = folder.path().to_owned();
        // The whole life of the process is lived on one thread: the kernel ends it when the thread that began it ends.
        tokio::task::spawn_blocking(move || {
            let died = listen(&task, &inside, &sender);
            // Nobody may be there any more to hear it.
            let _ = sender.blocking_send(Message::Gone(died));
        });
        Ok(Self { messages, limits, file, process: None, _folder: folder })
    }

    /// The next rows, or how it ended.
    pub async fn next(&mut self) -> Result<Heard, ReaderError> {
        let patience = Duration::from_secs(self.limits.timeout_s);
        loop {
            let Ok(message) = tokio::time::timeout(patience, self.messages.recv()).await else {
                let value = format!("nothing for {} s", self.limits.timeout_s);
                let expected = "a file whose next rows come in that time (reader_timeout_s)";
                return Ok(self.refused("reader-timeout", &value, expected));
            };
            match message {
                Some(Message::Started(process)) => self.process = Some(process),
                Some(Message::Frame(Frame::File(name))) => self.file = name,
                Some(Message::Frame(Frame::Rows(text, read))) => return Ok(Heard::Rows(text, read)),
                Some(Message::Frame(Frame::Ended(ended))) => return Ok(Heard::Ended(ended)),
                Some(Message::Gone(died)) => return self.died(died?),
                None => return Err(failed("stopped", String::new())),
            }
        }
    }

    fn refused(&self, code: &'static str, value: &str, expected: &str) -> Heard {
        Heard::Ended(Err(Refusal::File(vec![exchange::finding(&self.file, code, Some(value), expected)])))
    }

    /// Who is to blame: a reader that panics or is given nonsense is ours; one that is killed at its work died of the file.
    fn died(&self, death: Death) -> Result<Heard, ReaderError> {
        // Rust's words, those of C++ and GDAL, those of glibc where not even its own error finds room, and those of json-c,
        // which takes it for granted that an object was had.
        const MEMORY: [&str; 6] = [
            "memory allocation of",
            "bad_alloc",
            "ut of memory",
            "annot allocate",
            "Unexpected error.",
            "json_object_array_add: Assertion",
        ];
        let Some(signal) = death.status.signal() else {
            return Err(failed(&death.status.to_string(), death.said));
        };
        if signal == Signal::XCPU.as_raw() {
            let value = format!("{} s of computing", self.limits.cpu_s);
            return Ok(self.refused("reader-timeout", &value, "a file that can be read in that time (reader_cpu_s)"));
        }
        if signal == Signal::ABORT.as_raw() && MEMORY.iter().any(|words| death.said.contains(words)) {
            let value = format!("{} MiB", self.limits.memory_mib);
            let expected = "a file that can be read in that much memory (reader_memory_mib)";
            return Ok(self.refused("reader-out-of-memory", &value, expected));
        }
        let expected = "a file that can be read; save it anew, or in another format";
        let last: String = death.said.lines().next().unwrap_or_default().chars().take(120).collect();
        let value = if last.is_empty() { format!("signal {signal}") } else { format!("signal {signal}: {last}") };
        Ok(self.refused("reader-crashed", &value, expected))
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        if let Some(process) = &self.process {
            // One that has ended by itself needs no end.
            let _ = pidfd_send_signal(process, Signal::KILL);
        }
    }
}

fn failed(status: &str, said: String) -> ReaderError {
    ReaderError::Failed { status: status.to_owned(), said }
}

/// Runs the process and hands on what it says until it ends.
fn listen(task: &Task, folder: &Path, sender: &mpsc::Sender<Message>) -> Result<Death, ReaderError> {
    let mut command = Command::new(&task.order.reader.program);
    command.arg0("landcycle").arg(COMMAND).env_clear().envs(SET).env("TMPDIR", folder);
    command.envs(rules::folder().map(|folder| (rules::VARIABLE, folder)));
    command.envs(PASSED_ON.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(ReaderError::Start)?;
    let process = pidfd_open(Pid::from_child(&child), PidfdFlags::empty());
    let process = process.map_err(|error| {
        let _ = child.kill();
        ReaderError::Start(error.into())
    })?;
    if let (Ok(()), Some(input)) = (sender.blocking_send(Message::Started(process)).map_err(drop), child.stdin.take()) {
        // One that dies before it has read its task says why below.
        let _ = serde_json::to_writer(input, task);
    }
    let words = child.stderr.take().map(|from| std::thread::spawn(move || last_words(from)));
    if let Some(mut from) = child.stdout.take() {
        // A small pipe is only slower.
        let _ = rustix::pipe::fcntl_setpipe_size(&from, PIPE_BYTES);
        // A frame that is none ends the listening, and the process with it.
        while let Ok(Some(frame)) = frame::read(&mut from) {
            let last = matches!(frame, Frame::Ended(_));
            if sender.blocking_send(Message::Frame(frame)).is_err() || last {
                break;
            }
        }
    }
    let status = child.wait().map_err(ReaderError::Start)?;
    let said = words.and_then(|thread| thread.join().ok()).unwrap_or_default();
    Ok(Death { status, said })
}

/// The beginning of what a process says on its way out; the rest is read and forgotten, so that it never waits.
fn last_words(mut from: ChildStderr) -> String {
    let mut kept = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut chunk) {
        let room = LAST_WORDS_BYTES.saturating_sub(kept.len());
        kept.extend_from_slice(&chunk[..read.min(room)]);
    }
    String::from_utf8_lossy(&kept).trim().to_owned()
}

/// Removes what imports that were killed left unpacked. Only what is ours is touched, and only where its process is gone.
fn sweep() {
    use std::os::unix::fs::MetadataExt as _;
    let mine = rustix::process::geteuid().as_raw();
    for entry in std::fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(rest) = name.to_str().and_then(|name| name.strip_prefix(FOLDER_PREFIX)) else { continue };
        let Some(pid) = rest.split('-').next().filter(|pid| pid.parse::<u32>().is_ok()) else { continue };
        let ours = entry.metadata().is_ok_and(|found| found.is_dir() && found.uid() == mine);
        if ours && !Path::new("/proc").join(pid).exists() {
            // Another import may be sweeping at the same moment.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}
