//! The sixteen districts of Shanghai with their real codes and names, on borders that are only roughly theirs.
//!
//! Borders run between named corners that neighbours share, and are roughened between them, so that districts tile.

use super::chance::{Chance, Stage};
use super::plane;
use geo_types::{Coord, LineString, MultiPolygon, Polygon, coord};

/// A district of the made-up city.
pub(super) struct District {
    /// Its real code.
    pub code: &'static str,
    /// Its real name.
    pub name: &'static str,
    /// Its name in English.
    pub name_en: &'static str,
    /// How much of the scattered industry lies in it.
    pub rural: f64,
    /// Its rings, each a list of corners.
    rings: &'static [&'static [usize]],
}

const fn district(
    code: &'static str,
    name: &'static str,
    name_en: &'static str,
    rural: f64,
    rings: &'static [&'static [usize]],
) -> District {
    District { code, name, name_en, rural, rings }
}

/// The districts by code.
#[rustfmt::skip]
pub(super) const DISTRICTS: [District; 16] = [
    district("310101", "黄浦区", "Huangpu", 0.0, &[&[50, 57, 58, 59, 51]]),
    district("310104", "徐汇区", "Xuhui", 0.0, &[&[44, 51, 59, 60, 61, 62, 45]]),
    district("310105", "长宁区", "Changning", 0.0, &[&[34, 35, 42, 43, 44, 45, 46]]),
    district("310106", "静安区", "Jing'an", 0.0, &[&[38, 39, 50, 51, 44, 43]]),
    district("310107", "普陀区", "Putuo", 0.0, &[&[35, 36, 38, 43, 42]]),
    district("310109", "虹口区", "Hongkou", 0.0, &[&[39, 40, 56, 57, 50]]),
    district("310110", "杨浦区", "Yangpu", 0.0, &[&[40, 41, 55, 56]]),
    district("310112", "闵行区", "Minhang", 1.4, &[&[33, 34, 46, 45, 62, 61, 63, 64, 65, 66, 67, 68, 69, 70]]),
    district("310113", "宝山区", "Baoshan", 1.2, &[&[5, 6, 7, 41, 40, 39, 38, 36, 37]]),
    district("310114", "嘉定区", "Jiading", 1.8, &[&[1, 2, 3, 4, 5, 37, 36, 35, 34, 33]]),
    district("310115", "浦东新区", "Pudong", 3.2,
        &[&[7, 8, 9, 10, 11, 12, 13, 14, 15, 76, 75, 65, 64, 63, 61, 60, 59, 58, 57, 56, 55, 41]]),
    district("310116", "金山区", "Jinshan", 1.6, &[&[24, 73, 72, 71, 74, 18, 19, 20, 21, 22, 23]]),
    district("310117", "松江区", "Songjiang", 2.0, &[&[70, 69, 68, 67, 71, 72, 73, 24, 77, 78]]),
    district("310118", "青浦区", "Qingpu", 2.0, &[&[1, 33, 70, 78, 77, 24, 25, 26, 27, 28, 29]]),
    district("310120", "奉贤区", "Fengxian", 2.0, &[&[67, 66, 65, 75, 76, 15, 16, 17, 18, 74, 71]]),
    district("310151", "崇明区", "Chongming", 0.9, &[
        &[80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91],
        &[92, 93, 94, 95, 96, 97],
        &[98, 99, 100, 101],
    ]),
];

/// Corners by number: (number, longitude, latitude).
#[rustfmt::skip]
const CORNERS: &[(usize, f64, f64)] = &[
    // The outer border from the north-west, clockwise.
    (1, 121.10, 31.27), (2, 121.10, 31.37), (3, 121.16, 31.45), (4, 121.25, 31.50), (5, 121.34, 31.51),
    (6, 121.42, 31.465), (7, 121.51, 31.395), (8, 121.60, 31.37), (9, 121.72, 31.305), (10, 121.81, 31.22),
    (11, 121.87, 31.12), (12, 121.94, 31.00), (13, 121.98, 30.90), (14, 121.95, 30.85), (15, 121.78, 30.84),
    (16, 121.62, 30.81), (17, 121.50, 30.795), (18, 121.40, 30.755), (19, 121.33, 30.705), (20, 121.20, 30.69),
    (21, 121.05, 30.76), (22, 121.00, 30.83), (23, 120.99, 30.90), (24, 121.02, 30.955), (25, 120.90, 31.00),
    (26, 120.86, 31.09), (27, 120.93, 31.14), (28, 121.02, 31.16), (29, 121.07, 31.22),
    // Inner corners.
    (33, 121.26, 31.245), (34, 121.335, 31.24), (35, 121.36, 31.25), (36, 121.36, 31.30), (37, 121.31, 31.40),
    (38, 121.43, 31.31), (39, 121.46, 31.325), (40, 121.495, 31.335), (41, 121.54, 31.345), (42, 121.40, 31.235),
    (43, 121.445, 31.245), (44, 121.435, 31.205), (45, 121.40, 31.185), (46, 121.335, 31.19),
    (50, 121.475, 31.255), (51, 121.465, 31.215), (55, 121.565, 31.29), (56, 121.515, 31.25), (57, 121.492, 31.243),
    (58, 121.51, 31.215), (59, 121.49, 31.185), (60, 121.465, 31.14), (61, 121.455, 31.11), (62, 121.41, 31.13),
    (63, 121.51, 31.11), (64, 121.56, 31.06), (65, 121.55, 31.00), (66, 121.44, 30.985), (67, 121.37, 30.98),
    (68, 121.34, 31.05), (69, 121.33, 31.12), (70, 121.26, 31.16), (71, 121.34, 30.925), (72, 121.20, 30.91),
    (73, 121.10, 30.93), (74, 121.37, 30.84), (75, 121.66, 30.99), (76, 121.76, 30.915), (77, 121.08, 31.02),
    (78, 121.15, 31.10),
    // Chongming, Changxing, Hengsha.
    (80, 121.17, 31.80), (81, 121.33, 31.83), (82, 121.45, 31.77), (83, 121.60, 31.70), (84, 121.80, 31.62),
    (85, 121.95, 31.55), (86, 121.92, 31.47), (87, 121.72, 31.50), (88, 121.52, 31.57), (89, 121.40, 31.63),
    (90, 121.28, 31.70), (91, 121.18, 31.74),
    (92, 121.57, 31.44), (93, 121.68, 31.41), (94, 121.80, 31.36), (95, 121.77, 31.335), (96, 121.65, 31.375),
    (97, 121.56, 31.415),
    (98, 121.82, 31.355), (99, 121.88, 31.335), (100, 121.86, 31.295), (101, 121.82, 31.31),
];

/// How far a roughened border may leave the straight line, as a share of its length, and in metres at most.
const ROUGH_SHARE: f64 = 0.07;
const ROUGH_MOST_M: f64 = 900.0;

/// How far a roughened border may leave the straight line between two corners.
fn roughness_m(from: Coord<f64>, to: Coord<f64>) -> f64 {
    (plane::length(to - from) * ROUGH_SHARE).min(ROUGH_MOST_M)
}

/// What stands between a straight border and any industry: its roughness, the warp and a road.
pub(super) fn border_margin_m((from, to): (Coord<f64>, Coord<f64>)) -> f64 {
    roughness_m(from, to) + 120.0
}

fn corner(number: usize) -> Coord<f64> {
    let (_, lon, lat) = CORNERS.iter().find(|(found, _, _)| *found == number).copied().unwrap_or_default();
    coord! { x: lon, y: lat }
}

impl District {
    /// Its borders in the plane as straight lines between corners, one ring for each island.
    pub(super) fn straight(&self) -> Vec<Vec<Coord<f64>>> {
        let plane = |number: &usize| {
            let place = corner(*number);
            plane::to_plane(place.x, place.y)
        };
        self.rings.iter().map(|ring| ring.iter().map(plane).collect()).collect()
    }

    /// Its roughened shape in longitude and latitude.
    pub(super) fn shape(&self, seed: u64) -> MultiPolygon<f64> {
        let ring = |numbers: &&[usize]| {
            let mut points = Vec::new();
            for (from, to) in numbers.iter().zip(numbers.iter().cycle().skip(1)) {
                points.extend(border(*from, *to, seed));
            }
            points.extend(points.first().copied());
            Polygon::new(LineString(points), vec![])
        };
        MultiPolygon(self.rings.iter().map(ring).collect())
    }
}

/// The border from a corner up to, without, another; the same line whichever way it is asked for.
fn border(from: usize, to: usize, seed: u64) -> Vec<Coord<f64>> {
    let (low, high) = (from.min(to), from.max(to));
    let place = |number| {
        let place = corner(number);
        plane::to_plane(place.x, place.y)
    };
    let mut chance = Chance::of(seed, Stage::Borders, low * 1_000 + high);
    let (start, end) = (place(low), place(high));
    let mut line = vec![start, end];
    let mut by = roughness_m(start, end) / 2.0;
    for _ in 0..5 {
        let mut finer = Vec::with_capacity(line.len() * 2);
        for pair in line.windows(2) {
            let [a, b] = pair else { continue };
            let along = *b - *a;
            let across = coord! { x: -along.y, y: along.x } * (1.0 / plane::length(along).max(1.0));
            finer.push(*a);
            finer.push((*a + *b) * 0.5 + across * chance.between(-by, by));
        }
        finer.extend(line.last().copied());
        line = finer;
        by /= 2.0;
    }
    let mut points: Vec<Coord<f64>> = line.into_iter().map(plane::to_globe).collect();
    if from > to {
        points.reverse();
    }
    points.pop();
    points
}
