//! The layers of the plan at the city's size, held against their limits: how long it takes to say where one shape stands,
//! how long to work out anew where every parcel stands after a change of the whole plan, and whether the areas are right by
//! an arithmetic of their own. `cargo bench --bench lockup`, `PARCELS=2000` for a short look, `REGISTER=DIR` to keep the
//! register there for the next time. Prints each figure as a share of its limit and fails above it.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use chrono::NaiveDate;
use geo::{BooleanOps as _, Translate as _};
use geo_types::MultiPolygon;
use geozero::{ToGeo as _, wkb::Wkb};
use landcycle::domain::geometry::area;
use landcycle::domain::zoning::standing::Layer;
use landcycle::store::place::refresh_tiers;
use landcycle::store::standing::standing;
use landcycle::store::write::Write;
use landcycle::{cluster, store};
use sqlx::PgPool;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

/// Where one shape stands, in milliseconds, of 99 in a hundred shapes.
const LIMIT_STANDING_MS: f64 = 5.0;
/// All parcels of the city after a change of the whole plan, in seconds, and in proportion for other sizes.
const LIMIT_TIERS_S: f64 = 5.0;
/// How far an overlap may be off, as a share of it: 0.01 %.
const LIMIT_OFF: f64 = 1e-4;
/// Overlaps below this are slivers, of which the last digit of a coordinate is a share, m².
const LEAST_OVERLAP_M2: f64 = 100.0;
const CITY: f64 = 48_501.0;
const SCHEMA: &str = "city_310000";
const DECIDING_SHARE: f64 = 0.5;
const TOLERANCE: f64 = 0.01;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let parcels: usize = std::env::var("PARCELS").ok().and_then(|text| text.parse().ok()).unwrap_or(48_501);
    let kept = std::env::var_os("REGISTER").map(PathBuf::from);
    let temporary = tempfile::tempdir().unwrap();
    let home = kept.clone().unwrap_or_else(|| temporary.path().to_owned());
    let pool = store::connect(&city(&home, parcels), SCHEMA).await.unwrap();
    let day = NaiveDate::from_ymd_opt(2026, 6, 30).unwrap();

    let shapes = shapes(&pool, 1_000).await;
    let (standing_share, off) = standings(&pool, &shapes, day).await;
    let tiers = tiers(&pool, day).await;

    pool.close().await;
    cluster::stop(&home).unwrap();
    if [standing_share, off, tiers].into_iter().all(|share| share <= 1.0) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// So many parcels from all over the city, moved by some sixty metres, so that many lie across borders.
async fn shapes(pool: &PgPool, wanted: i64) -> Vec<MultiPolygon<f64>> {
    let found: Vec<Vec<u8>> = sqlx::query_scalar(
        "select st_asbinary(geom, 'NDR') from parcel_version where upper_inf(recorded)
         order by md5(id::text) limit $1",
    )
    .bind(wanted)
    .fetch_all(pool)
    .await
    .unwrap();
    found.into_iter().map(|bytes| shape(bytes).translate(0.000_5, 0.000_3)).collect()
}

fn shape(bytes: Vec<u8>) -> MultiPolygon<f64> {
    Wkb(bytes).to_geo().unwrap().try_into().unwrap()
}

/// Asks where each shape stands; answers the shares of the limits of time and of exactness.
async fn standings(pool: &PgPool, shapes: &[MultiPolygon<f64>], day: NaiveDate) -> (f64, f64) {
    let zones: Vec<(String, Vec<u8>)> =
        sqlx::query_as("select code, st_asbinary(geom, 'NDR') from zone_version where upper_inf(recorded)")
            .fetch_all(pool)
            .await
            .unwrap();
    let zones: HashMap<String, MultiPolygon<f64>> =
        zones.into_iter().map(|(code, bytes)| (code, shape(bytes))).collect();
    let mut connection = pool.acquire().await.unwrap();
    let (mut took, mut compared, mut cut, mut most_off) = (Vec::new(), 0_u32, 0_u32, 0.0_f64);
    for (number, land) in shapes.iter().enumerate() {
        let begun = Instant::now();
        let found = standing(&mut connection, land, day, None, DECIDING_SHARE, TOLERANCE).await.unwrap();
        // The first ones plan the query and read the zones.
        if number >= 20 {
            took.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        for overlap in found.overlaps.iter().filter(|one| one.layer == Layer::Zone) {
            let there = overlap.part.area_m2.value();
            if there < LEAST_OVERLAP_M2 {
                continue;
            }
            // Another overlay, and another arithmetic of areas, than those of the database.
            let here = area(&land.intersection(&zones[&overlap.code])).value();
            most_off = most_off.max((here / there - 1.0).abs());
            compared += 1;
            cut += u32::from(overlap.part.share < 1.0);
        }
    }
    took.sort_by(f64::total_cmp);
    let at = |part: f64| took[((took.len() - 1) as f64 * part) as usize];
    let (median, high) = (at(0.5), at(0.99));
    println!(
        "where a shape stands: median {median:.2} ms, p99 {high:.2} ms = {:.2} of {LIMIT_STANDING_MS:.0} ms (of {})",
        high / LIMIT_STANDING_MS,
        took.len()
    );
    println!(
        "overlaps against an overlay and areas of our own: at most {:.2e} off = {:.4} of {:.2} % (of {compared}, {cut} of them cut)",
        most_off,
        most_off / LIMIT_OFF,
        LIMIT_OFF * 100.0
    );
    assert!(cut > 20, "only {cut} shapes lie across a border");
    (high / LIMIT_STANDING_MS, most_off / LIMIT_OFF)
}

/// Moves every zone by some ten metres and works out anew where all parcels stand; the register is left as it was. Answers
/// the share of the limit.
async fn tiers(pool: &PgPool, day: NaiveDate) -> f64 {
    let parcels: i64 = sqlx::query_scalar("select count(*) from parcel").fetch_one(pool).await.unwrap();
    let limit = LIMIT_TIERS_S * (parcels as f64 / CITY);
    let mut took = Vec::new();
    let mut moved = 0;
    for _ in 0..3 {
        let mut write = Write::begin(pool, "bench", "import-zones").await.unwrap();
        let (revision, at) = (write.revision, write.recorded_at);
        sqlx::query(
            "with closed as (
                 update zone_version set recorded = tstzrange(lower(recorded), $1) where upper_inf(recorded) returning *)
             insert into zone_version (code, valid, recorded, name, tier, locked, document, decided_on, geom, revision)
             select code, valid, tstzrange($1, null), name, tier, locked, document, decided_on,
                 st_translate(geom, 0.0001, 0.0001), $2
             from closed",
        )
        .bind(at)
        .bind(revision)
        .execute(write.connection())
        .await
        .unwrap();
        let begun = Instant::now();
        moved = refresh_tiers(&mut write, day, DECIDING_SHARE).await.unwrap();
        took.push(begun.elapsed().as_secs_f64());
        write.abandon().await.unwrap();
    }
    took.sort_by(f64::total_cmp);
    let median = took[1];
    println!(
        "{parcels} parcels after a change of the whole plan: median {median:.2} s, most {:.2} s = {:.2} of {limit:.2} s ({moved} moved)",
        took[2],
        took[2] / limit
    );
    assert!(moved > 0, "a plan that moved moves parcels");
    took[2] / limit
}

/// A demo city in the private cluster of a home, imported; answers the cluster's address.
fn city(home: &Path, parcels: usize) -> String {
    if !home.join("cluster").exists() {
        std::fs::create_dir_all(home).unwrap();
        let begun = Instant::now();
        let parcels = parcels.to_string();
        for arguments in [&["demo", "generate", "--out", "city", "--parcels", &parcels][..], &["demo", "load", "city"]]
        {
            let status = Command::new(env!("CARGO_BIN_EXE_landcycle"))
                .args(arguments)
                .env("LANDCYCLE_HOME", home)
                .env_remove("DATABASE_URL")
                .current_dir(home)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .unwrap();
            assert!(status.success(), "the demo ended with {status}");
        }
        println!("a city of {parcels} parcels: {:.1} s", begun.elapsed().as_secs_f64());
    }
    cluster::ensure(home).unwrap().url
}
