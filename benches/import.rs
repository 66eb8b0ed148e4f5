//! A million made-up parcels from one GeoPackage into the register, read, checked and committed, side by side with
//! `ogr2ogr` copying the same file into a bare table: `cargo bench --bench import`, `PARCELS=48501` for fewer, `RUNS=3`
//! for more. Prints the ratio of the medians and the memory, and fails above the limits.
//!
//! Both write into the same private database, in turns, with a checkpoint before each. `ogr2ogr` uses COPY and makes its
//! primary key and spatial index. The file is in EPSG:4490, which both keep, so that neither has to turn a shape.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use geo_types::{Coord, LineString, MultiPolygon, Polygon};
use landcycle::cluster;
use landcycle::domain::geometry::area;
use landcycle::domain::intake::FieldType;
use landcycle::exchange::write::{Column, Format, Layout, Row, Value, WriteError, table};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::f64::consts::TAU;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// No more than the time of the bare copy.
const LIMIT_RATIO: f64 = 1.0;
/// What the processes of landcycle may take of memory together.
const LIMIT_MIB: f64 = 1024.0;
/// South-west corner of the land, and its size in degrees.
const LAND: (f64, f64, f64, f64) = (120.9, 30.7, 1.2, 1.0);
/// Districts along each side of the land.
const SIDE: u32 = 4;

fn main() -> ExitCode {
    let number = |name: &str, usual: u32| std::env::var(name).map_or(usual, |text| text.parse().unwrap());
    let (parcels, runs) = (number("PARCELS", 1_000_000), number("RUNS", 3));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("import-bench");
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join(format!("parcels-{parcels}.gpkg"));
    if !file.exists() {
        write_parcels(&file, parcels);
    }
    let districts = folder.join("districts.gpkg");
    write_districts(&districts);
    let home = tempfile::tempdir().unwrap();
    let url = cluster::ensure(home.path()).unwrap().url;

    let (mut bare, mut ours, mut memory) = (Vec::new(), Vec::new(), 0.0_f64);
    for run in 1..=runs {
        psql(&url, "create schema bare");
        checkpoint(&url);
        bare.push(copied(&url, &file));
        let rows = psql(&url, "select count(*) from bare.parcels");
        assert_eq!(rows.trim(), parcels.to_string());
        psql(&url, "drop schema bare cascade");

        let schema = format!("run_{run}");
        landcycle(&schema, &url, &["migrate"]);
        landcycle(&schema, &url, &["import", "districts", districts.to_str().unwrap()]);
        checkpoint(&url);
        let (time, mib) = landcycle(&schema, &url, &["import", "parcels", file.to_str().unwrap()]);
        ours.push(time);
        memory = memory.max(mib);
        let rows = psql(&url, &format!("select count(*) from {schema}.parcel_version"));
        assert_eq!(rows.trim(), parcels.to_string());
        psql(&url, &format!("drop schema {schema} cascade"));
        println!("run {run}: ogr2ogr {:.1?}, landcycle {time:.1?} with a peak of {mib:.0} MiB", bare.last().unwrap());
    }
    cluster::stop(home.path()).unwrap();
    let (bare, ours) = (median(bare), median(ours));
    let ratio = ours.as_secs_f64() / bare.as_secs_f64();
    println!(
        "{parcels} parcels: landcycle {ours:.1?} / ogr2ogr {bare:.1?} = {ratio:.2} of at most {LIMIT_RATIO}; \
         memory {memory:.0} MiB = {:.2} of {LIMIT_MIB} MiB",
        memory / LIMIT_MIB
    );
    if ratio <= LIMIT_RATIO && memory <= LIMIT_MIB { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// `ogr2ogr` into a bare table with primary key and spatial index.
fn copied(url: &str, file: &Path) -> Duration {
    let begun = Instant::now();
    let status = Command::new("ogr2ogr")
        .args(["-f", "PostgreSQL", url])
        .arg(file)
        .args(["parcels", "-nln", "parcels", "-lco", "SCHEMA=bare", "-lco", "GEOMETRY_NAME=geom"])
        .args(["--config", "PG_USE_COPY", "YES"])
        .status()
        .unwrap();
    assert!(status.success(), "ogr2ogr ended with {status}");
    begun.elapsed()
}

/// Runs the built binary on a schema; answers how long it took, and the most memory that it and its children held.
fn landcycle(schema: &str, url: &str, arguments: &[&str]) -> (Duration, f64) {
    let begun = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_landcycle"))
        .args(arguments)
        .env("DATABASE_URL", url)
        .env("LANDCYCLE_SCHEMA", schema)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut peak = 0.0_f64;
    let status = loop {
        // The kernel keeps each process's peak until it ends; their sum is at least what they held at one time.
        peak = peak.max(resident_peak_mib(child.id()));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    assert!(status.success(), "landcycle {arguments:?} ended with {status}");
    (begun.elapsed(), peak)
}

/// The peaks of a process and of its children, MiB.
fn resident_peak_mib(pid: u32) -> f64 {
    let read = |what: &str| std::fs::read_to_string(format!("/proc/{pid}/{what}")).unwrap_or_default();
    let status = read("status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    let own: f64 = line.split_whitespace().next().map_or(0.0, |kib| kib.parse::<f64>().unwrap() / 1024.0);
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let children = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    own + children
        .flat_map(|list| list.split_whitespace().map(|pid| pid.parse::<u32>().unwrap()).collect::<Vec<_>>())
        .map(resident_peak_mib)
        .sum::<f64>()
}

fn psql(url: &str, sql: &str) -> String {
    let ended = Command::new("psql").args(["-XqAt", "-v", "ON_ERROR_STOP=1", "-c", sql, url]).output().unwrap();
    assert!(ended.status.success(), "{sql}: {}", String::from_utf8_lossy(&ended.stderr));
    String::from_utf8(ended.stdout).unwrap()
}

/// Only the superuser may ask for one.
fn checkpoint(url: &str) {
    psql(&url.replace("user=landcycle", "user=postgres"), "checkpoint");
}

/// Irregular polygons of six to ten corners, each in its cell of a grid over the land, with a bureau's columns.
fn write_parcels(path: &Path, parcels: u32) {
    let text = |name: &str, width| Column::new(name, FieldType::Text, width);
    let columns = [
        text("parcel_code", 19),
        text("district", 6),
        text("land_use", 4),
        Column::new("registered_area_m2", FieldType::Number, 14),
        Column::new("plot_ratio_allowed", FieldType::Number, 6),
        text("address", 60),
        Column::new("valid_from", FieldType::Date, 10),
    ];
    let rng = &mut ChaCha8Rng::seed_from_u64(310_000);
    let along = f64::from(parcels).sqrt().ceil();
    let (width, height) = (LAND.2 / along, LAND.3 / along);
    let rows = (0..parcels).map(|index| -> Row {
        let (column, row) = (f64::from(index) % along, (f64::from(index) / along).floor());
        let centre = (LAND.0 + (column + 0.5) * width, LAND.1 + (row + 0.5) * height);
        let corners = rng.random_range(6..=10);
        let mut ring: Vec<Coord<f64>> = (0..corners)
            .map(|corner| {
                let angle = TAU * (f64::from(corner) + rng.random_range(-0.3..0.3)) / f64::from(corners);
                let radius = rng.random_range(0.3..0.48);
                Coord { x: centre.0 + width * radius * angle.cos(), y: centre.1 + height * radius * angle.sin() }
            })
            .collect();
        ring.push(ring[0]);
        let shape = MultiPolygon(vec![Polygon::new(LineString(ring), Vec::new())]);
        let district =
            district_code((column / along * f64::from(SIDE)).floor(), (row / along * f64::from(SIDE)).floor());
        let code = format!("{district}{:06}GB{:05}", index / 100_000, index % 100_000);
        let values = vec![
            Value::from(code),
            Value::from(district),
            Value::from(["M1", "M1", "M2", "M4", "W1"][index as usize % 5]),
            // The certificate says about what the shape has.
            Value::from((area(&shape).value() * rng.random_range(98.0_f64..102.0)).round() / 100.0),
            Value::from(f64::from(rng.random_range(10_u32..40)) / 10.0),
            Value::from(format!("浦东新区康桥镇秀浦路{}弄{}号", index % 4_000, index % 97 + 1)),
            Value::from(
                chrono::NaiveDate::from_ymd_opt(2000, 1, 1).unwrap() + chrono::Days::new(u64::from(index % 9_000)),
            ),
        ];
        (values, Some(shape))
    });
    table::<WriteError>(path, &Layout::plain(Format::Gpkg, "parcels", &columns), rows.map(Ok)).unwrap();
}

fn district_code(column: f64, row: f64) -> String {
    format!("3101{:02}", column * f64::from(SIDE) + row + 1.0)
}

/// Districts side by side whose borders wind as real ones do: a thousand corners to a side.
fn write_districts(path: &Path) {
    let columns = [Column::new("code", FieldType::Text, 6), Column::new("name", FieldType::Text, 20)];
    let (width, height) = (LAND.2 / f64::from(SIDE), LAND.3 / f64::from(SIDE));
    let winding = |at: f64, line: u32| {
        let inner = line > 0 && line < SIDE;
        let outward = if line == 0 { -0.004 } else { 0.004 };
        let wave = (at * 310.0).sin() * 0.001 + (at * 4_100.0).sin() * 0.0001;
        if inner { wave } else { outward + wave }
    };
    let x = |line: u32, y: f64| LAND.0 + f64::from(line) * width + winding(y, line);
    let y = |line: u32, x: f64| LAND.1 + f64::from(line) * height + winding(x, line);
    let rows = (0..SIDE * SIDE).map(|index| -> Row {
        let (column, row) = (index / SIDE, index % SIDE);
        let corner = |column: u32, row: u32| {
            // Where two winding borders meet: a few rounds of walking along them.
            let (mut px, mut py) = (LAND.0 + f64::from(column) * width, LAND.1 + f64::from(row) * height);
            for _ in 0..60 {
                (px, py) = (x(column, py), y(row, px));
            }
            (px, py)
        };
        let corners =
            [corner(column, row), corner(column + 1, row), corner(column + 1, row + 1), corner(column, row + 1)];
        let between = |from: f64, to: f64, step: u32| from + (to - from) * f64::from(step) / 1_000.0;
        let mut ring = Vec::new();
        for step in 0..1_000 {
            let px = between(corners[0].0, corners[1].0, step);
            ring.push(Coord { x: px, y: y(row, px) });
        }
        for step in 0..1_000 {
            let py = between(corners[1].1, corners[2].1, step);
            ring.push(Coord { x: x(column + 1, py), y: py });
        }
        for step in 0..1_000 {
            let px = between(corners[2].0, corners[3].0, step);
            ring.push(Coord { x: px, y: y(row + 1, px) });
        }
        for step in 0..1_000 {
            let py = between(corners[3].1, corners[0].1, step);
            ring.push(Coord { x: x(column, py), y: py });
        }
        ring.push(ring[0]);
        let shape = MultiPolygon(vec![Polygon::new(LineString(ring), Vec::new())]);
        let code = district_code(f64::from(column), f64::from(row));
        (vec![Value::from(code.clone()), Value::from(format!("{code}区"))], Some(shape))
    });
    table::<WriteError>(path, &Layout::plain(Format::Gpkg, "districts", &columns), rows.map(Ok)).unwrap();
}
