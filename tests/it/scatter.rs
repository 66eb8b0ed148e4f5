//! A scatter of awkward parcels: irregular, in several parts, with holes, side by side on a grid, and empty. Knows shapes;
//! refuses to look like a city.

use geo_types::{Coord, LineString, MultiPolygon, Polygon, coord};
use landcycle::atlas::{Area, AreaKind, CityFacts, Parcel, RunFacts, Snapshot};
use landcycle::domain::geometry;
use landcycle::domain::review::decision::List;
use landcycle::domain::review::grade::Grade;
use landcycle::domain::zoning::Tier;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::f64::consts::TAU;

/// The south-west corner of the scatter.
pub const WEST: f64 = 121.4;
pub const SOUTH: f64 = 31.1;
/// The side of a cell: about 200 m, so that a parcel is of believable size.
pub const CELL: f64 = 0.002;
/// How many cells the scatter is wide and high.
pub const SIDE: usize = 24;

pub fn chance(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// A ring around a centre, valid whatever the numbers: its corners go round in order of their angle.
pub fn star(rng: &mut ChaCha8Rng, centre: Coord<f64>, radius: f64, corners: usize) -> LineString<f64> {
    let turn = rng.random_range(0.0..TAU);
    let mut points: Vec<Coord<f64>> = (0..corners)
        .map(|corner| {
            let angle = turn + TAU * (corner as f64 + rng.random_range(0.0..0.8)) / corners as f64;
            let away = radius * rng.random_range(0.5..1.0);
            coord! { x: centre.x + away * angle.cos(), y: centre.y + away * angle.sin() }
        })
        .collect();
    points.push(points[0]);
    LineString(points)
}

pub fn square(x: f64, y: f64, size: f64) -> LineString<f64> {
    [(x, y), (x + size, y), (x + size, y + size), (x, y + size), (x, y)].into_iter().collect()
}

pub fn cell_corner(column: usize, row: usize) -> Coord<f64> {
    coord! { x: WEST + CELL * column as f64, y: SOUTH + CELL * row as f64 }
}

/// The shape of the parcel in one cell.
fn shape(rng: &mut ChaCha8Rng, column: usize, row: usize) -> MultiPolygon<f64> {
    let corner = cell_corner(column, row);
    let centre = coord! { x: corner.x + CELL / 2.0, y: corner.y + CELL / 2.0 };
    let corners = rng.random_range(3..20);
    match rng.random_range(0..10) {
        // A whole cell: neighbours share its sides and corners to the last digit.
        0..3 => {
            let next = cell_corner(column + 1, row + 1);
            let ring =
                [(corner.x, corner.y), (next.x, corner.y), (next.x, next.y), (corner.x, next.y), (corner.x, corner.y)];
            MultiPolygon(vec![Polygon::new(ring.into_iter().collect(), vec![])])
        }
        3..5 => {
            let outer = star(rng, centre, CELL * 0.48, corners.max(8));
            // The outer ring stays beyond 0.5 · 0.48 · cos(…) of the centre; this is well inside.
            let hole = star(rng, centre, CELL * 0.12, 6);
            MultiPolygon(vec![Polygon::new(outer, vec![hole])])
        }
        5 => {
            let parts = [(0.25, 0.25), (0.75, 0.25), (0.5, 0.75)].map(|(x, y)| {
                let centre = coord! { x: corner.x + CELL * x, y: corner.y + CELL * y };
                Polygon::new(star(rng, centre, CELL * 0.24, 7), vec![])
            });
            MultiPolygon(parts.to_vec())
        }
        6 if rng.random_bool(0.2) => MultiPolygon(vec![]),
        _ => MultiPolygon(vec![Polygon::new(star(rng, centre, CELL * 0.6, corners), vec![])]),
    }
}

pub fn parcels(seed: u64) -> Vec<Parcel> {
    let rng = &mut chance(seed);
    let mut parcels = Vec::new();
    for row in 0..SIDE {
        for column in 0..SIDE {
            let shape = shape(rng, column, row);
            let grades = [None, Some(Grade::A), Some(Grade::B), Some(Grade::C), Some(Grade::D), Some(Grade::T)];
            let area_m2 = geometry::area(&shape).value();
            parcels.push(Parcel {
                code: format!("310115002{:03}GB{:05}", seed % 1000, parcels.len()),
                district: if column < SIDE / 2 { "310115" } else { "310112" }.to_owned(),
                park: (row % 3 == 0).then(|| format!("P{:02}", row / 3)),
                tier: *Tier::ALL.choose(rng).unwrap(),
                locked: rng.random_bool(0.3),
                land_use: ["M1", "M2", "M4", "W1"].choose(rng).unwrap().to_string(),
                industry: rng.random_bool(0.6).then(|| ["26", "3620", "39"].choose(rng).unwrap().to_string()),
                holder: rng.random_bool(0.7).then(|| format!("第{}厂", column % 7)),
                area_m2,
                floor_area_m2: rng.random_bool(0.8).then(|| area_m2 * rng.random_range(0.3..2.5)),
                plot_ratio_allowed: rng.random_bool(0.7).then_some(2.0),
                grade: *grades.choose(rng).unwrap(),
                score: None,
                outcome: rng.random_bool(0.1).then(|| "exit".to_owned()),
                list: *[None, None, Some(List::Exit), Some(List::Renewal)].choose(rng).unwrap(),
                state: rng.random_bool(0.5).then(|| ["operating", "idle"].choose(rng).unwrap().to_string()),
                term_ends_on: chrono::NaiveDate::from_ymd_opt(2020 + rng.random_range(0..30), 6, 30),
                shape,
            });
        }
    }
    parcels
}

pub fn areas() -> Vec<Area> {
    let side = CELL * SIDE as f64;
    let area = |code: &str, name: &str, kind, ring| Area {
        code: code.to_owned(),
        name: name.to_owned(),
        name_en: Some(format!("{code} in English")),
        kind,
        shape: MultiPolygon(vec![Polygon::new(ring, vec![])]),
    };
    vec![
        area("310115", "浦东新区", AreaKind::District, square(WEST, SOUTH, side)),
        area(
            "B-001",
            "张江产业基地",
            AreaKind::Zone { tier: Tier::Base, locked: true },
            square(WEST, SOUTH, side / 3.0),
        ),
        area(
            "C-001",
            "某产业社区",
            AreaKind::Zone { tier: Tier::Community, locked: false },
            square(WEST, SOUTH + side / 2.0, side / 4.0),
        ),
        area("P00", "张江园", AreaKind::Park, square(WEST, SOUTH, side / 8.0)),
    ]
}

pub fn city() -> CityFacts {
    CityFacts {
        name: "散点市".to_owned(),
        name_en: "Scatter".to_owned(),
        made_up: true,
        note_zh: Some("虚构数据".to_owned()),
        note_en: Some("made-up data".to_owned()),
        run: Some(RunFacts {
            id: 7,
            scheme: "default".to_owned(),
            title_zh: "默认方案".to_owned(),
            title_en: "default scheme".to_owned(),
            as_of: chrono::NaiveDate::from_ymd_opt(2026, 6, 30).unwrap(),
            state: "draft".to_owned(),
        }),
    }
}

pub fn snapshot(revision: i64, seed: u64) -> Snapshot {
    Snapshot::build(revision, city(), parcels(seed), areas()).unwrap()
}
