//! The inside of a reader: a process of its own that reads files and nothing else. GDAL crashes on some files, and takes
//! all memory or all time on others; here that costs one process, which holds no secret and no connection.

use super::frame::{self, Refusal, Task};
use super::look;
use super::rows::{self, Step};
use super::tally::Tally;
use crate::exchange::{self, ReadError};
use crate::flow::rules;
use rustix::process::{Resource, Rlimit, Signal, getppid, set_parent_process_death_signal, setrlimit};
use std::io::{self, Read, Write};
use std::ops::ControlFlow;

/// The most that an archive may unpack to, and a little more for the file that goes over it to be noticed.
const MAX_FILE_BYTES: u64 = (4 << 30) + (1 << 20);
const MAX_OPEN_FILES: u64 = 512;

/// Does the task that comes in, within its limits, and writes frames until it is done or nobody reads them any more.
pub fn serve(input: impl Read, mut output: impl Write) -> io::Result<()> {
    let task: Task = serde_json::from_reader(input)?;
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // It may have died before this process could ask to be told.
    if getppid().is_none_or(|parent| parent.as_raw_pid().unsigned_abs() != task.parent) {
        return Err(io::Error::other("whoever wanted the rows is gone"));
    }
    let limits = &task.order.reader;
    limit(Resource::Core, 0, 0)?;
    limit(Resource::Nofile, MAX_OPEN_FILES, MAX_OPEN_FILES)?;
    limit(Resource::Fsize, MAX_FILE_BYTES, MAX_FILE_BYTES)?;
    // At the first the process is told, which ends it; the second it could not ignore.
    limit(Resource::Cpu, limits.cpu_s, limits.cpu_s.saturating_add(5))?;
    let bytes = limits.memory_mib.saturating_mul(1 << 20);
    limit(Resource::As, bytes, bytes)?;
    exchange::forget_other_drivers();
    let plausibility = rules::plausibility().map_err(io::Error::other)?;
    let mut tally = Tally::begin(task.today).map_err(io::Error::other)?;

    let mut failed = None;
    let mut tell = |step: Step<'_>| {
        let written = match step {
            Step::File(name) => frame::write_file(&mut output, name),
            Step::Rows(text, read) => frame::write_rows(&mut output, text, read),
        };
        match written {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        }
    };
    let read = match task.order.preview {
        Some(rows) => look::look(&task.order, task.today, task.bounds, plausibility, &mut tally, rows, &mut tell),
        None => rows::read(&task.order, task.today, task.bounds, plausibility, &mut tally, &mut tell),
    };
    if let Some(error) = failed {
        return Err(error);
    }
    let ended = match read {
        Ok(taken) => Ok(Box::new(taken)),
        Err(ReadError::Refused { findings }) => Err(Refusal::File(findings)),
        Err(ReadError::Io { file, source }) => Err(Refusal::Machine { file, said: source.to_string() }),
    };
    frame::write_end(&mut output, &ended)
}

fn limit(resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
    let most = rustix::process::getrlimit(resource).maximum;
    // A limit that someone set already may be kept or made tighter, never looser.
    let within = |wanted: u64| Some(most.map_or(wanted, |most| wanted.min(most)));
    Ok(setrlimit(resource, Rlimit { current: within(soft), maximum: within(hard) })?)
}
