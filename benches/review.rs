//! A review held against its limits: the city and a million parcels, from the register to receipts that are stored; and
//! grading alone against the same as one statement of SQL (`grading.sql`), which is the oracle of its scores and ranks too.
//! `cargo bench --bench review`; `PARCELS=200000` for a shorter look, `REGISTER=DIR` to keep the registers for the next
//! time. Prints each figure as a share of its limit and fails above it.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod made_city;

use chrono::NaiveDate;
use landcycle::clock::Clock;
use landcycle::domain::review::grade::Grade;
use landcycle::domain::review::receipt::Receipt;
use landcycle::domain::review::run::judge;
use landcycle::flow::review::progress::Progress;
use landcycle::flow::review::{Done, Order, kept, run};
use landcycle::{cluster, store};
use made_city::Copied;
use sqlx::{AssertSqlSafe, PgPool};
use std::cell::RefCell;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// 48,501 parcels, five years, every indicator, receipts stored.
const LIMIT_CITY_SECONDS: f64 = 3.0;
/// A million parcels, the same.
const LIMIT_MILLION_SECONDS: f64 = 40.0;
/// What the program itself may take of memory for a million.
const LIMIT_MIB: f64 = 1536.0;
/// How much faster grading is than the same in SQL, at least.
const LEAST_FASTER: f64 = 6.0;
/// Ten times the parcels take at most so many times as long.
const LIMIT_GROWTH: f64 = 11.0;

const CITY: usize = 48_501;
/// How many measures the indicators of the scheme are made of.
const MEASURES: usize = 9;
const MILLION: usize = 1_000_000;
/// How many parcels the city has that is copied to make a million.
const ORIGINAL: usize = 4_000;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let parcels: usize = std::env::var("PARCELS").ok().and_then(|text| text.parse().ok()).unwrap_or(MILLION);
    let kept = std::env::var_os("REGISTER").map(PathBuf::from);
    let temporary = tempfile::tempdir().unwrap();
    let homes = kept.unwrap_or_else(|| temporary.path().to_owned());
    let city = review(&homes.join("city"), CITY, CITY, 3).await;
    let mut within = share("48,501 parcels, five years, receipts stored", city.seconds, LIMIT_CITY_SECONDS, "s");
    within &= share("grading alone, of a sixth of the time of SQL", city.graded, city.in_sql / LEAST_FASTER, "s");
    if parcels > CITY {
        let many = review(&homes.join("many"), ORIGINAL, parcels, 1).await;
        let scale = parcels as f64 / MILLION as f64;
        within &= share(&format!("{parcels} parcels, the same"), many.seconds, LIMIT_MILLION_SECONDS * scale, "s");
        within &= share("memory of it at most", many.mib, LIMIT_MIB, "MiB");
        let times = parcels as f64 / CITY as f64;
        let growth = many.seconds / city.seconds / times * 10.0;
        within &= share("time of ten times the parcels", growth, LIMIT_GROWTH, "times");
    }
    if within { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints a figure as a share of its limit; answers whether it is within.
fn share(what: &str, found: f64, limit: f64, unit: &str) -> bool {
    println!("{what}: {found:.2} {unit} = {:.2} of {limit:.2} {unit}", found / limit);
    found <= limit
}

/// What was measured of one register.
struct Measured {
    /// From the register to receipts that are stored, the median.
    seconds: f64,
    /// The most memory of it.
    mib: f64,
    /// Grading alone, from facts to receipts.
    graded: f64,
    /// The same in SQL.
    in_sql: f64,
}

/// Reviews a register of so many parcels, made of copies of a city of so many.
async fn review(home: &Path, original: usize, parcels: usize, runs: u32) -> Measured {
    let url = made_city::city(home, original.min(parcels));
    let pool = store::connect(&url, made_city::SCHEMA).await.unwrap();
    store::migrate(&pool, made_city::SCHEMA).await.unwrap();
    made_city::multiply(&pool, parcels, Copied { reporting: usize::MAX, reviewed: 0 }).await;
    let mut times = Vec::new();
    let mut last = None;
    // The kernel keeps the peak of a process; from here on it is that of the review.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    for number in 0..runs {
        drop(last.take());
        let (seconds, done, as_of) = once(&pool, number).await;
        times.push(seconds);
        last = Some((done, as_of));
    }
    let mib = resident_peak_mib();
    let (done, as_of) = last.unwrap();
    let (mut graded, mut sql) = (0.0, 0.0);
    // Receipts of a million parcels together are no measure of anything.
    if parcels <= CITY {
        let facts = kept::load(&pool, done.run).await.unwrap().facts;
        let begun = Instant::now();
        let receipts = judge(&done.rules, as_of, facts, 2).unwrap();
        graded = begun.elapsed().as_secs_f64();
        sql = in_sql(&pool, as_of, &receipts).await;
        println!("  graded in {graded:.2} s, in SQL in {sql:.2} s: {:.1} times", sql / graded);
    }
    pool.close().await;
    cluster::stop(home).unwrap();
    times.sort_by(f64::total_cmp);
    Measured { seconds: times[times.len() / 2], mib, graded, in_sql: sql }
}

/// Grades the same facts in SQL, and answers how long that took; its scores, ranks and grades must be those of the receipts.
async fn in_sql(pool: &PgPool, as_of: NaiveDate, receipts: &[Receipt]) -> f64 {
    let mut tables = [String::new(), String::new(), String::new()];
    let cell = |value: Option<f64>| value.map_or("\\N".to_owned(), |value| format!("{value:?}"));
    for Receipt { facts, .. } in receipts {
        let code = &facts.code;
        writeln!(
            tables[0],
            "{code}\t{}\t{:?}\t{}\t{}\t{}\t{}\t{}",
            facts.industry.as_deref().unwrap_or("\\N"),
            facts.land_m2,
            cell(facts.floor_m2),
            cell(facts.used_floor_m2),
            cell(facts.plot_ratio_allowed),
            facts.in_use_since.map_or("\\N".to_owned(), |day| day.to_string()),
            !facts.vetoes.is_empty()
        )
        .unwrap();
        for year in &facts.years {
            write!(tables[1], "{code}\t{}", year.year).unwrap();
            year.figures[..MEASURES]
                .iter()
                .for_each(|one| write!(tables[1], "\t{:?}\t{:?}", one.sum, one.known).unwrap());
            tables[1].push('\n');
        }
        for duty in facts.contract.iter().flat_map(|contract| &contract.duties) {
            let met = duty.met.map_or("\\N", |met| if met { "t" } else { "f" });
            writeln!(tables[2], "{code}\t{met}\t{}", duty.excuse.is_some()).unwrap();
        }
    }
    let mut connection = pool.acquire().await.unwrap();
    let measures =
        ["output", "revenue", "tax", "value_added", "fixed_assets", "energy", "emissions", "research", "staff"];
    // The scheme has no indicator of the later measures.
    let columns = measures.map(|name| format!("{name} float8, {name}_known float8")).join(", ");
    let made = format!(
        "drop schema if exists grading cascade; create schema grading; set work_mem = '256MB';
         create unlogged table grading.fact (code text, industry text, land_m2 float8, floor_m2 float8, used_m2 float8,
             plot_ratio_allowed float8, in_use_since date, fault boolean);
         create unlogged table grading.figure (code text, year integer, {columns});
         create unlogged table grading.duty (code text, met boolean, excused boolean)"
    );
    sqlx::raw_sql(AssertSqlSafe(made)).execute(&mut *connection).await.unwrap();
    for (name, rows) in ["fact", "figure", "duty"].iter().zip(tables) {
        let mut copy = connection.copy_in_raw(&format!("copy grading.{name} from stdin")).await.unwrap();
        copy.send(rows.into_bytes()).await.unwrap();
        copy.finish().await.unwrap();
    }
    sqlx::raw_sql("analyze grading.fact; analyze grading.figure; analyze grading.duty")
        .execute(&mut *connection)
        .await
        .unwrap();
    let sql = include_str!("grading.sql").replace(":day", &format!("date '{as_of}'"));
    let begun = Instant::now();
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await.unwrap();
    let seconds = begun.elapsed().as_secs_f64();
    let graded: Vec<(String, f64, i64, String, bool)> =
        sqlx::query_as("select code, score, rank, bare_grade, fault from grading.graded order by code collate \"C\"")
            .fetch_all(&mut *connection)
            .await
            .unwrap();
    let judged: Vec<&Receipt> = receipts.iter().filter(|receipt| receipt.score.is_some()).collect();
    assert_eq!(graded.len(), judged.len(), "as many are judged");
    for ((code, score, rank, grade, fault), receipt) in graded.iter().zip(judged) {
        let ours = receipt.score.unwrap();
        assert_eq!(*code, receipt.facts.code);
        assert!((score - ours).abs() <= 1e-9, "{code}: {ours}, in SQL {score}");
        assert_eq!(u32::try_from(*rank).ok(), receipt.rank, "{code}");
        let capped = if *fault { Grade::D } else { Grade::ALL.into_iter().find(|one| one.name() == grade).unwrap() };
        assert_eq!(capped, receipt.grade, "{code}");
    }
    sqlx::raw_sql("drop schema grading cascade").execute(&mut *connection).await.unwrap();
    seconds
}

/// One review of a day that none was made of, with what each stage took.
async fn once(pool: &PgPool, number: u32) -> (f64, Done, NaiveDate) {
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
    let stages: RefCell<Vec<(&str, Instant)>> = RefCell::default();
    let tell = |progress: Progress| {
        let mut stages = stages.borrow_mut();
        if stages.last().is_none_or(|(stage, _)| *stage != progress.stage()) {
            stages.push((progress.stage(), Instant::now()));
        }
    };
    let done = run(pool, clock, "bench", &order, tell);
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
    println!("  run {number}: {} parcels in {seconds:.2} s ({})", done.judged, parts.join(", "));
    (seconds, done, order.as_of)
}

fn resident_peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}
