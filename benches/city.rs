//! The whole job at the city's real size, held against its limits: from nothing to files, a database, an imported and
//! reviewed city and its lists, with the built binary. `cargo bench --bench city`, `PARCELS=1000000` for more.
//! Prints what it measured as a share of the limit, and fails above it.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// Demo city to lists: under a minute for 48,501 parcels on two cores, and in proportion for other sizes.
const LIMIT_SECONDS: f64 = 60.0;
/// What landcycle itself may take of memory at that size.
const LIMIT_MIB: f64 = 1024.0;
const CITY: f64 = 48_501.0;

fn main() -> ExitCode {
    let parcels = std::env::var("PARCELS").unwrap_or_else(|_| "48501".to_owned());
    let scale = parcels.parse::<f64>().unwrap() / CITY;
    let home = tempfile::tempdir().unwrap();
    let mut within = true;
    for (run, limit) in [("first run, from nothing", LIMIT_SECONDS), ("second run, nothing new", LIMIT_SECONDS)] {
        let (seconds, mib) = demo(home.path(), &parcels);
        let (time, memory) = (seconds / (limit * scale), mib / LIMIT_MIB);
        println!(
            "{parcels} parcels, {run}: {seconds:.1} s = {time:.2} of {:.0} s; peak {mib:.0} MiB = {memory:.2} of {LIMIT_MIB} MiB",
            limit * scale
        );
        within &= time <= 1.0 && (memory <= 1.0 || scale > 1.0);
    }
    Command::new(env!("CARGO_BIN_EXE_landcycle"))
        .args(["db", "stop", "--quiet"])
        .arg("--home")
        .arg(home.path())
        .output()
        .unwrap();
    if within { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs the demo to its lists; answers the seconds it took and the most memory it held, in MiB.
fn demo(home: &Path, parcels: &str) -> (f64, f64) {
    let begun = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_landcycle"))
        .args(["demo", "run", "--no-serve", "--parcels", parcels, "--out"])
        .arg(home.join("out"))
        .env("LANDCYCLE_HOME", home)
        .env_remove("DATABASE_URL")
        .current_dir(home)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut peak = 0.0_f64;
    let status = loop {
        // The kernel keeps the peak until the process ends, so asking now and then misses nothing but the last moment.
        peak = peak.max(resident_peak_mib(child.id()).unwrap_or(0.0));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(status.success(), "the demo ended with {status}");
    (begun.elapsed().as_secs_f64(), peak)
}

fn resident_peak_mib(pid: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kib| kib / 1024.0)
}
