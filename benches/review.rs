//! A review held against its limits: the city and a million parcels, from the register to receipts that are stored.
//! `cargo bench --bench review`; `PARCELS=200000` for a shorter look, `REGISTER=DIR` to keep the registers for the next
//! time. Prints each figure as a share of its limit and fails above it.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod common;

use common::Copied;
use landcycle::clock::Clock;
use landcycle::flow::review::{Order, run};
use landcycle::{cluster, store};
use sqlx::PgPool;
use std::cell::RefCell;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

/// 48,501 parcels, five years, every indicator, receipts stored.
const LIMIT_CITY_SECONDS: f64 = 3.0;
/// A million parcels, the same.
const LIMIT_MILLION_SECONDS: f64 = 40.0;
/// What the program itself may take of memory for a million.
const LIMIT_MIB: f64 = 1536.0;

const CITY: usize = 48_501;
const MILLION: usize = 1_000_000;
/// How many parcels the city has that is copied to make a million.
const ORIGINAL: usize = 4_000;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let parcels: usize = std::env::var("PARCELS").ok().and_then(|text| text.parse().ok()).unwrap_or(MILLION);
    let kept = std::env::var_os("REGISTER").map(PathBuf::from);
    let temporary = tempfile::tempdir().unwrap();
    let homes = kept.unwrap_or_else(|| temporary.path().to_owned());
    let (city, _) = review(&homes.join("city"), CITY, CITY, 3).await;
    let mut within = share("48,501 parcels, five years, receipts stored", city, LIMIT_CITY_SECONDS, "s");
    if parcels > CITY {
        let (seconds, mib) = review(&homes.join("many"), ORIGINAL, parcels, 1).await;
        let scale = parcels as f64 / MILLION as f64;
        within &= share(&format!("{parcels} parcels, the same"), seconds, LIMIT_MILLION_SECONDS * scale, "s");
        within &= share("memory of it at most", mib, LIMIT_MIB, "MiB");
    }
    if within { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints a figure as a share of its limit; answers whether it is within.
fn share(what: &str, found: f64, limit: f64, unit: &str) -> bool {
    println!("{what}: {found:.1} {unit} = {:.2} of {limit:.0} {unit}", found / limit);
    found <= limit
}

/// Reviews a register of so many parcels, made of copies of a city of so many; answers the median time and the most memory.
async fn review(home: &std::path::Path, original: usize, parcels: usize, runs: u32) -> (f64, f64) {
    let url = common::city(home, original.min(parcels));
    let pool = store::connect(&url, common::SCHEMA).await.unwrap();
    common::multiply(&pool, parcels, Copied { reporting: usize::MAX, reviewed: 0 }).await;
    let mut times = Vec::new();
    // The kernel keeps the peak of a process; from here on it is that of the review.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    for number in 0..runs {
        times.push(once(&pool, number).await);
    }
    let mib = resident_peak_mib();
    pool.close().await;
    cluster::stop(home).unwrap();
    times.sort_by(f64::total_cmp);
    (times[times.len() / 2], mib)
}

/// One review of a day that none was made of, with what each stage took.
async fn once(pool: &PgPool, number: u32) -> f64 {
    let runs: i64 = sqlx::query_scalar("select count(*) from review_run").fetch_one(pool).await.unwrap();
    let clock = Clock::of_the_machine();
    let order = Order {
        as_of: clock.today() - chrono::Days::new(u64::try_from(runs).unwrap()),
        scheme: concat!(env!("CARGO_MANIFEST_DIR"), "/benches/all_indicators.toml").to_owned(),
        kind: "round".to_owned(),
        window: Some(5),
        workers: 2,
    };
    let begun = Instant::now();
    let stages: RefCell<Vec<(String, Instant)>> = RefCell::default();
    let done = run(pool, clock, "bench", &order, |stage| stages.borrow_mut().push((stage.to_owned(), Instant::now())));
    let done = done.await.unwrap();
    let seconds = begun.elapsed().as_secs_f64();
    assert!(!done.repeated, "a run of that day was there");
    let mut ends: Vec<Instant> = stages.borrow().iter().skip(1).map(|(_, at)| *at).collect();
    ends.push(Instant::now());
    let parts: Vec<String> = stages
        .borrow()
        .iter()
        .zip(ends)
        .map(|((stage, from), to)| format!("{stage} {:.2} s", (to - *from).as_secs_f64()))
        .collect();
    println!("  run {number}: {} parcels in {seconds:.2} s ({})", done.results.len(), parts.join(", "));
    seconds
}

fn resident_peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}
