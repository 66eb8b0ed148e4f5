//! How long the atlas takes, on a scatter of the city's size: `cargo bench --bench atlas`, `PARCELS=1000000` for more.
//! It prints medians, and fails where a search that finds as many costs more than twice as much among ten times the parcels.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use geo_types::{LineString, MultiPolygon, Polygon, coord};
use landcycle::atlas::tile::{Layer, Square};
use landcycle::atlas::{Builder, CityFacts, Parcel, Selection, Snapshot};
use landcycle::domain::review::grade::Grade;
use landcycle::domain::zoning::Tier;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::f64::consts::{PI, TAU};
use std::process::ExitCode;
use std::time::{Duration, Instant};

const CENTRE: (f64, f64) = (121.4, 31.15);

/// A search that finds as many costs at most so many times as much among ten times the parcels.
const LIMIT_GROWTH: f64 = 2.0;

fn main() -> ExitCode {
    let count: usize = std::env::var("PARCELS").ok().and_then(|text| text.parse().ok()).unwrap_or(48_501);
    let rng = &mut ChaCha8Rng::seed_from_u64(310_000);
    let before = resident();
    let begun = Instant::now();
    let snapshot = build(rng, count);
    println!("{count} parcels, made and packed one by one in {:?}", begun.elapsed());
    let megabytes = |bytes: usize| bytes as f64 / 1e6;
    println!(
        "snapshot {:.0} MB by its own count, {:.0} MB resident more than before",
        megabytes(snapshot.bytes()),
        megabytes(resident().saturating_sub(before))
    );

    let density = count as f64 / (SPAN * SPAN);
    for wanted in [100.0, 500.0, 5_000.0] {
        let side = (wanted / density).sqrt();
        let (mut found, mut area_found) = (0, 0);
        let boxes: Vec<_> = (0..200).map(|_| anywhere(rng, side)).collect();
        let time = median(boxes.iter().map(|(x, y)| {
            timed(|| found += snapshot.search(&Selection::bbox(*x, *y, x + side, y + side).unwrap()).len())
        }));
        let areas: Vec<_> =
            boxes.iter().map(|(x, y)| ring(rng, x + side / 2.0, y + side / 2.0, side * 0.66, 200)).collect();
        let area_time = median(areas.iter().map(|area| {
            timed(|| area_found += snapshot.search(&Selection::area(&geojson::Geometry::from(area)).unwrap()).len())
        }));
        println!(
            "box → {} parcels: {time:?}; area of 200 corners, checked and searched → {}: {area_time:?}",
            found / boxes.len(),
            area_found / areas.len()
        );
    }
    let whole = ring(rng, CENTRE.0, CENTRE.1, SPAN * 0.6, 20_000);
    let mut hits = snapshot.all();
    let time = timed(|| hits = snapshot.search(&Selection::area(&geojson::Geometry::from(&whole)).unwrap()));
    println!("area of 20,000 corners over the city → {} parcels: {time:?}", hits.len());
    let day = chrono::NaiveDate::from_ymd_opt(2026, 6, 30).unwrap();
    println!(
        "summary of {} parcels: {:?}",
        hits.len(),
        median((0..9).map(|_| timed(|| drop(snapshot.summary(&hits, day, chrono::Months::new(18))))))
    );

    for z in [6, 8, 10, 11, 12, 13, 14, 15, 16] {
        let (mut bytes, mut made) = (0, 0);
        let time = median((0..20).map(|_| {
            let (x, y) = anywhere(rng, SPAN * 0.5);
            let square = square(z, x + SPAN * 0.25, y + SPAN * 0.25);
            timed(|| {
                let tile = snapshot.tile(Layer::Parcels, square);
                bytes += tile.map_or(0, |tile| tile.len());
                made += 1;
            })
        }));
        let square = square(z, CENTRE.0, CENTRE.1);
        let packed = snapshot.packed_tile(Layer::Parcels, square).bytes.len();
        let again = median((0..99).map(|_| timed(|| drop(snapshot.packed_tile(Layer::Parcels, square)))));
        println!("tile z{z}: {time:?}, {} kB; packed {} kB, kept {again:?}", bytes / made / 1000, packed / 1000);
    }

    let few = thousand(rng, &snapshot, count);
    drop(snapshot);
    let tenfold = build(rng, count * 10);
    let many = thousand(rng, &tenfold, count * 10);
    let growth = many.as_secs_f64() / few.as_secs_f64();
    println!(
        "a box of 1,000 among {count}: {few:?}, among ten times as many: {many:?} = {growth:.2} times, limit {LIMIT_GROWTH}"
    );
    if growth <= LIMIT_GROWTH { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What a search takes whose box holds about a thousand parcels.
fn thousand(rng: &mut ChaCha8Rng, snapshot: &Snapshot, count: usize) -> Duration {
    let side = SPAN * (1_000.0 / count as f64).sqrt();
    median((0..2_000).map(|_| {
        let (x, y) = anywhere(rng, side);
        timed(|| drop(snapshot.search(&Selection::bbox(x, y, x + side, y + side).unwrap())))
    }))
}

/// Degrees of longitude and latitude that the scatter covers.
const SPAN: f64 = 0.8;

fn build(rng: &mut ChaCha8Rng, count: usize) -> Snapshot {
    let side = (count as f64).sqrt().ceil();
    let cell = SPAN / side;
    let mut builder = Builder::default();
    for number in 0..count {
        let (column, row) = ((number as f64 % side).floor(), (number as f64 / side).floor());
        let (x, y) = (CENTRE.0 - SPAN / 2.0 + cell * (column + 0.5), CENTRE.1 - SPAN / 2.0 + cell * (row + 0.5));
        let corners = rng.random_range(5..20);
        let parcel = Parcel {
            code: format!("310115{:06}GB{:05}", number / 100_000, number % 100_000),
            district: format!("3101{:02}", number * 16 / count),
            park: (number % 3 == 0).then(|| format!("P{:04}", number / 100)),
            tier: Tier::ALL[number % 3],
            locked: number % 3 == 0,
            land_use: "M1".to_owned(),
            area_m2: 15_000.0,
            industry: None,
            holder: Some(format!("上海第{}机械制造有限公司", number % 600_000)),
            floor_area_m2: Some(20_000.0),
            plot_ratio_allowed: Some(2.0),
            grade: Some(Grade::ALL[number % 5]),
            score: Some(50.0),
            outcome: None,
            list: None,
            state: None,
            term_ends_on: None,
            shape: MultiPolygon(vec![ring(rng, x, y, cell * 0.5, corners)]),
        };
        builder.push(&parcel).unwrap();
    }
    builder.finish(1, CityFacts::default(), vec![]).unwrap()
}

fn ring(rng: &mut ChaCha8Rng, x: f64, y: f64, radius: f64, corners: usize) -> Polygon<f64> {
    let mut points: Vec<_> = (0..corners)
        .map(|corner| {
            let angle = TAU * (corner as f64 + rng.random_range(0.0..0.8)) / corners as f64;
            let away = radius * rng.random_range(0.7..1.0);
            coord! { x: x + away * angle.cos(), y: y + away * angle.sin() }
        })
        .collect();
    points.push(points[0]);
    Polygon::new(LineString(points), vec![])
}

fn anywhere(rng: &mut ChaCha8Rng, side: f64) -> (f64, f64) {
    let mut along = |centre: f64| centre - SPAN / 2.0 + rng.random_range(0.0..SPAN - side);
    (along(CENTRE.0), along(CENTRE.1))
}

fn square(z: u64, x: f64, y: f64) -> Square {
    let side = (1_u64 << z) as f64;
    let down = 0.5 - y.to_radians().tan().asinh() / (2.0 * PI);
    Square::new(z, ((x / 360.0 + 0.5) * side) as u64, (down * side) as u64).unwrap()
}

fn timed(work: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}

fn median(times: impl Iterator<Item = Duration>) -> Duration {
    let mut times: Vec<_> = times.collect();
    times.sort();
    times[times.len() / 2]
}

/// Bytes of memory that the process holds, as Linux counts them; nothing elsewhere.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    pages.and_then(|text| text.split(' ').nth(1)?.parse::<usize>().ok()).unwrap_or(0) * 4096
}
