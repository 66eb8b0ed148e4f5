//! The service held against its peers on one register: area search against tipg and against a bare handler that asks
//! PostGIS, tiles against martin, all over loopback from eight connections; and against its own limits of time and memory.
//!
//! `cargo bench --bench serving`; `PARCELS=50000` for a shorter look, `REGISTER=DIR` to keep the registers, `PEERS=DIR` to
//! keep the peers, which `benches/serving/install-peers` installs, `SECONDS=10` for how long each is asked. Prints each
//! figure as a share of its limit, fails above it, and writes the raw figures to `target/serving.json`.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "serving/bare.rs"]
mod bare;
#[path = "made_city/correction.rs"]
mod correction;
mod made_city;
#[path = "serving/peer.rs"]
mod peer;

use landcycle::atlas::{Selection, Snapshot};
use landcycle::clock::Clock;
use landcycle::flow::refresh;
use landcycle::{cluster, store};
use made_city::Copied;
use peer::{Figures, Peers, Served};
use rand::SeedableRng as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use sqlx::PgPool;
use std::f64::consts::PI;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

const MILLION: usize = 1_000_000;
const CITY: usize = 48_501;
/// How many parcels the city has that is copied.
const ORIGINAL: usize = 4_000;
/// About so many parcels lie in each box; a page holds no more.
const MATCHES: std::ops::RangeInclusive<usize> = 930..=1_000;
const BOXES: usize = 200;
const SQUARES: usize = 3_000;
const ZOOMS: [u8; 4] = [12, 13, 14, 15];

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, word, url, port] = arguments.as_slice()
        && word == "bare"
    {
        bare::run(url, port.parse().unwrap()).await;
        return ExitCode::SUCCESS;
    }
    let given = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let parcels: usize = std::env::var("PARCELS").ok().and_then(|text| text.parse().ok()).unwrap_or(MILLION);
    let temporary = tempfile::tempdir().unwrap();
    let homes = given("REGISTER").unwrap_or_else(|| temporary.path().join("registers"));
    let peers = Peers::install(&given("PEERS").unwrap_or_else(|| temporary.path().join("peers")));

    let mut report = Report { within: true, raw: Vec::new() };
    small(&homes.join("city"), parcels.min(CITY), &mut report).await;
    large(&homes.join("many"), parcels, &peers, temporary.path(), &mut report).await;
    let raw = serde_json::to_string_pretty(&json!({"parcels": parcels, "figures": report.raw})).unwrap();
    std::fs::write("target/serving.json", raw + "\n").unwrap();
    println!("raw figures in target/serving.json");
    if report.within { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What was measured, and whether all of it is within its limits.
struct Report {
    within: bool,
    raw: Vec<Value>,
}

impl Report {
    fn raw(&mut self, what: &str, figures: &Figures) {
        println!("  {what}: {figures}");
        let mut one = figures.to_json();
        one["what"] = what.into();
        self.raw.push(one);
    }

    fn at_most(&mut self, what: &str, found: f64, limit: f64, unit: &str) {
        println!("{what}: {found:.2} {unit} = {:.2} of {limit} {unit}", found / limit);
        self.judge(what, found, limit, found <= limit);
    }

    fn at_least(&mut self, what: &str, found: f64, least: f64) {
        println!("{what}: {found:.1} times, at least {least} asked");
        self.judge(what, found, least, found >= least);
    }

    fn judge(&mut self, what: &str, found: f64, limit: f64, within: bool) {
        self.raw.push(json!({"what": what, "found": found, "limit": limit, "within": within}));
        self.within &= within;
    }
}

/// A city of today's size: how soon it answers, in how much memory.
async fn small(home: &Path, parcels: usize, report: &mut Report) {
    let url = made_city::city(home, parcels);
    let served = Served::landcycle(home, &url, &[]).await;
    let name = format!("{parcels} parcels");
    report.at_most(&format!("{name}, from start to ready"), served.ready.as_secs_f64(), 0.5, "s");
    report.at_most(&format!("{name}, memory"), served.peak_mib(), 150.0, "MiB");
    drop(served);
    cluster::stop(home).unwrap();
}

async fn large(home: &Path, parcels: usize, peers: &Peers, scratch: &Path, report: &mut Report) {
    let url = made_city::city(home, parcels.min(ORIGINAL));
    let pool = store::connect(&url, made_city::SCHEMA).await.unwrap();
    store::migrate(&pool, made_city::SCHEMA).await.unwrap();
    made_city::multiply(&pool, parcels, Copied { reporting: 0, reviewed: 0 }).await;
    let snapshot = refresh::snapshot(&pool, Clock::of_the_machine()).await.unwrap();
    make_table(&pool).await;
    let rng = &mut ChaCha8Rng::seed_from_u64(310_000);
    let boxes: Vec<[f64; 4]> = (0..BOXES).map(|_| box_of_a_thousand(&snapshot, rng)).collect();
    let squares: Vec<Vec<[u64; 2]>> =
        ZOOMS.map(|zoom| (0..SQUARES).map(|_| square(&snapshot, zoom, rng)).collect()).into();
    let ask = |served: &Served, requests: Vec<String>| served.ask(scratch, &requests);

    let ours = Served::landcycle(home, &url, &[("LANDCYCLE_TILE_CACHE_MIB", "0")]).await;
    let name = format!("{parcels} parcels");
    let scale = parcels as f64 / MILLION as f64;
    report.at_most(&format!("{name}, from start to ready"), ours.ready.as_secs_f64(), 6.0 * scale.max(0.1), "s");
    let bare = Served::bare(&url).await;
    let tipg = peers.tipg(&url).await;
    same_answers(&ours, &bare, &tipg, boxes[0]).await;

    let body = |[west, south, east, north]: &[f64; 4], limit: usize| {
        json!({"bbox": [west, south, east, north], "limit": limit}).to_string()
    };
    let search = |limit| boxes.iter().map(|b| format!("POST /api/v1/parcels/search {}", body(b, limit))).collect();
    let all = ask(&ours, search(1000));
    report.raw("landcycle, about 1,000 parcels with summary", &all);
    let summary = ask(&ours, search(0));
    report.raw("landcycle, summary only", &summary);
    let items = |[west, south, east, north]: &[f64; 4]| {
        format!("GET /items?west={west}&south={south}&east={east}&north={north}")
    };
    let from_bare = ask(&bare, boxes.iter().map(items).collect());
    report.raw("bare axum and sqlx, the same boxes", &from_bare);
    let items = |[west, south, east, north]: &[f64; 4]| {
        format!("GET /collections/peers.parcel/items?bbox={west},{south},{east},{north}&limit=1000&f=geojson")
    };
    let from_tipg = ask(&tipg, boxes.iter().map(items).collect());
    report.raw("tipg, the same boxes", &from_tipg);
    drop((bare, tipg));
    report.at_least("area search against tipg", all.per_second() / from_tipg.per_second(), 80.0);
    report.at_least("area search against the bare handler", all.per_second() / from_bare.per_second(), 3.0);
    report.at_most("area search, p99", all.p99_ms, 25.0, "ms");
    report.at_most("area search, summary only, p99", summary.p99_ms, 5.0, "ms");

    let tiles = |prefix: &str, suffix: &str, index: usize| -> Vec<String> {
        let zoom = ZOOMS[index];
        squares[index].iter().map(|[x, y]| format!("GET {prefix}/{zoom}/{x}/{y}{suffix}")).collect()
    };
    let martin = peers.martin(&url, scratch, 0).await;
    for (index, zoom) in ZOOMS.iter().enumerate() {
        let mine = ask(&ours, tiles("/tiles/parcels", ".mvt", index));
        report.raw(&format!("landcycle, tiles of z{zoom}, uncached"), &mine);
        let theirs = ask(&martin, tiles("/parcel", "", index));
        report.raw(&format!("martin, tiles of z{zoom}, uncached"), &theirs);
        report.at_least(&format!("tiles of z{zoom} against martin"), mine.per_second() / theirs.per_second(), 10.0);
    }
    drop(martin);
    report.at_most(&format!("{name}, memory"), ours.peak_mib(), 1.2 * 1024.0, "MiB");
    drop(ours);

    let ours = Served::landcycle(home, &url, &[("LANDCYCLE_TILE_CACHE_MIB", "512")]).await;
    let martin = peers.martin(&url, scratch, 512).await;
    for (index, zoom) in ZOOMS.iter().enumerate() {
        let [mine, theirs] =
            [(&ours, "/tiles/parcels", ".mvt"), (&martin, "/parcel", "")].map(|(server, from, end)| {
                // Once to fill what it keeps, once to be measured.
                ask(server, tiles(from, end, index));
                ask(server, tiles(from, end, index))
            });
        report.raw(&format!("landcycle, tiles of z{zoom}, cached"), &mine);
        report.raw(&format!("martin, tiles of z{zoom}, cached"), &theirs);
        report.at_least(
            &format!("cached tiles of z{zoom} against martin"),
            mine.per_second() / theirs.per_second(),
            1.0,
        );
    }
    drop(martin);

    let at_rest = ask(&ours, search(1000));
    report.raw("landcycle, area search at rest", &at_rest);
    let writing = tokio::spawn(write_on(pool.clone(), snapshot));
    let beside = ask(&ours, search(1000));
    report.raw("landcycle, area search beside 50 changes a second", &beside);
    writing.abort();
    report.at_most("p99 beside a writer against that at rest", beside.p99_ms / at_rest.p99_ms, 1.5, "times");
    drop(ours);
    pool.close().await;
    cluster::stop(home).unwrap();
}

/// Commits fifty corrections a second until it is stopped.
async fn write_on(pool: PgPool, snapshot: Snapshot) {
    let rng = &mut ChaCha8Rng::seed_from_u64(1);
    let mut due = tokio::time::interval(Duration::from_millis(20));
    loop {
        due.tick().await;
        let place = *snapshot.all().indices().choose(rng).unwrap();
        let (_, write) = correction::begin(&pool, snapshot.parcel(place)).await;
        correction::commit(write).await;
    }
}

/// The table that the peers serve: the parcels of today with what landcycle's answers say of them.
async fn make_table(pool: &PgPool) {
    let made = "drop schema if exists peers cascade; create schema peers;
         create table peers.parcel as
         select v.parcel_id::int as id, p.code, v.district, v.park, l.tier::text as tier, v.land_use, v.area_m2, r.grade::text as grade, r.score,
             r.outcome, v.plot_ratio_allowed, st_setsrid(v.geom, 4326)::geometry(multipolygon, 4326) as geom
         from parcel_version v join parcel p on p.id = v.parcel_id
         left join parcel_place l on l.parcel_id = v.parcel_id
         left join review_result r on r.parcel = p.code
         where upper_inf(v.recorded) and v.valid @> current_date;
         alter table peers.parcel add primary key (id); create index on peers.parcel using gist (geom);
         create index on peers.parcel (code)";
    sqlx::raw_sql(made).execute(pool).await.unwrap();
    sqlx::raw_sql("vacuum analyze peers.parcel").execute(pool).await.unwrap();
}

/// A box around a parcel, of a size that about a thousand lie in it.
fn box_of_a_thousand(snapshot: &Snapshot, rng: &mut ChaCha8Rng) -> [f64; 4] {
    loop {
        let place = *snapshot.all().indices().choose(rng).unwrap();
        let [x, y] = snapshot.parcel(place).shape().rings().next().unwrap()[0];
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..40 {
            let half = (low + high) / 2.0;
            let tried = [x - half, y - half, x + half, y + half];
            let found = snapshot.search(&Selection::bbox(tried[0], tried[1], tried[2], tried[3]).unwrap()).len();
            match found {
                found if MATCHES.contains(&found) => return tried,
                found if found < *MATCHES.start() => low = half,
                _ => high = half,
            }
        }
    }
}

/// The square of a zoom in which some parcel lies.
fn square(snapshot: &Snapshot, zoom: u8, rng: &mut ChaCha8Rng) -> [u64; 2] {
    let place = *snapshot.all().indices().choose(rng).unwrap();
    let [x, y] = snapshot.parcel(place).shape().rings().next().unwrap()[0];
    let side = f64::from(1_u32 << zoom);
    let down = 0.5 - y.to_radians().tan().asinh() / (2.0 * PI);
    [((x / 360.0 + 0.5) * side) as u64, (down * side) as u64]
}

/// All three find the same parcels in a box: whoever found fewer would have less to write.
async fn same_answers(ours: &Served, bare: &Served, tipg: &Served, asked: [f64; 4]) {
    let [west, south, east, north] = asked;
    let body = json!({"bbox": asked, "limit": 1000}).to_string();
    let mine = ours.answer(&format!("POST /api/v1/parcels/search {body}")).await;
    let path = format!("GET /items?west={west}&south={south}&east={east}&north={north}");
    let from_bare = bare.answer(&path).await;
    let path = format!("GET /collections/peers.parcel/items?bbox={west},{south},{east},{north}&limit=1000&f=geojson");
    let from_tipg = tipg.answer(&path).await;
    let count = |answer: &Value| answer["features"].as_array().unwrap().len();
    assert_eq!([count(&mine), count(&from_bare), count(&from_tipg)], [count(&mine); 3]);
    println!("all three find {} parcels in the first box", count(&mine));
}
