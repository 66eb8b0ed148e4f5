//! Geometry in a plane of metres: convex rings cut by lines, and the way from the plane to longitude and latitude.
//!
//! A cut makes its new corners once and gives the same numbers to both sides, so that neighbours share their border to
//! the last bit. Streets bend because the way to the globe warps the plane smoothly.

use geo_types::{Coord, LineString, MultiPolygon, Polygon, coord};

/// A convex ring, counter-clockwise, without the first point repeated.
pub(super) type Ring = Vec<Coord<f64>>;

/// The middle of the plane.
const ORIGIN: (f64, f64) = (121.47, 31.23);
/// Metres in a degree of latitude at 31.2° N on CGCS2000.
const METRES_PER_DEGREE: f64 = 110_873.0;
/// Metres in a degree of longitude at the equator, corrected for the ellipsoid at 31.2° N.
const METRES_PER_DEGREE_EAST: f64 = 111_420.0;

/// From longitude and latitude to the plane (sinusoidal, so that areas keep their size), without the warp.
pub(super) fn to_plane(lon: f64, lat: f64) -> Coord<f64> {
    coord! {
        x: (lon - ORIGIN.0) * METRES_PER_DEGREE_EAST * lat.to_radians().cos(),
        y: (lat - ORIGIN.1) * METRES_PER_DEGREE,
    }
}

/// From the plane to longitude and latitude, rounded to 1e-8 degrees (a millimetre), without the warp.
pub(super) fn to_globe(point: Coord<f64>) -> Coord<f64> {
    let lat = ORIGIN.1 + point.y / METRES_PER_DEGREE;
    let lon = ORIGIN.0 + point.x / (METRES_PER_DEGREE_EAST * lat.to_radians().cos());
    let round = |degrees: f64| (degrees * 1e8).round() / 1e8;
    coord! { x: round(lon), y: round(lat) }
}

/// A smooth shift of at most about 70 m that bends streets over kilometres: roads follow rivers and field borders.
pub(super) fn warp(point: Coord<f64>) -> Coord<f64> {
    let wave = |along: f64, across: f64, length: f64, phase: f64| {
        ((along / length + 0.6 * across / length + phase) * std::f64::consts::TAU).sin()
    };
    coord! {
        x: point.x + 38.0 * wave(point.y, point.x, 2_600.0, 0.1) + 26.0 * wave(point.y, -point.x, 4_300.0, 0.4),
        y: point.y + 38.0 * wave(point.x, -point.y, 2_900.0, 0.7) + 26.0 * wave(point.x, point.y, 4_700.0, 0.2),
    }
}

/// A ring of the plane as a polygon on the globe; the border points are warped one by one.
pub(super) fn polygon(ring: &[Coord<f64>]) -> Polygon<f64> {
    let mut points: Vec<Coord<f64>> = ring.iter().map(|point| to_globe(warp(*point))).collect();
    points.dedup();
    if let Some(first) = points.first().copied() {
        if points.len() > 1 && points.last() == Some(&first) {
            points.pop();
        }
        points.push(first);
    }
    Polygon::new(LineString(points), vec![])
}

/// The same as a multi-polygon of one.
pub(super) fn shape(ring: &[Coord<f64>]) -> MultiPolygon<f64> {
    MultiPolygon(vec![polygon(ring)])
}

fn cross(a: Coord<f64>, b: Coord<f64>) -> f64 {
    a.x * b.y - a.y * b.x
}

/// The scalar product.
pub(super) fn dot(a: Coord<f64>, b: Coord<f64>) -> f64 {
    a.x * b.x + a.y * b.y
}

/// The length of a vector.
pub(super) fn length(a: Coord<f64>) -> f64 {
    dot(a, a).sqrt()
}

/// The unit vector at an angle.
pub(super) fn direction(angle: f64) -> Coord<f64> {
    coord! { x: angle.cos(), y: angle.sin() }
}

/// The edges of a ring in order.
pub(super) fn edges(ring: &[Coord<f64>]) -> impl Iterator<Item = (Coord<f64>, Coord<f64>)> + '_ {
    ring.iter().copied().zip(ring.iter().copied().cycle().skip(1))
}

/// The area of a ring in m².
pub(super) fn area(ring: &[Coord<f64>]) -> f64 {
    // Taken from the first corner, so that the great numbers of a far place don't eat the digits.
    let Some(base) = ring.first().copied() else { return 0.0 };
    edges(ring).map(|(a, b)| cross(a - base, b - base)).sum::<f64>() / 2.0
}

/// The centre of mass of a ring with area.
pub(super) fn centre(ring: &[Coord<f64>]) -> Coord<f64> {
    let Some(base) = ring.first().copied() else { return coord! { x: 0.0, y: 0.0 } };
    let (mut x, mut y, mut twice) = (0.0, 0.0, 0.0);
    for (a, b) in edges(ring) {
        let (a, b) = (a - base, b - base);
        let weight = cross(a, b);
        x += (a.x + b.x) * weight;
        y += (a.y + b.y) * weight;
        twice += weight;
    }
    if twice.abs() < 1e-9 {
        return base;
    }
    base + coord! { x: x / (3.0 * twice), y: y / (3.0 * twice) }
}

/// The part of a ring with `dot(point, normal) <= offset`, and the part beyond.
pub(super) fn split(ring: &[Coord<f64>], normal: Coord<f64>, offset: f64) -> (Ring, Ring) {
    let (mut below, mut above) = (Ring::new(), Ring::new());
    for (a, b) in edges(ring) {
        let (da, db) = (dot(a, normal) - offset, dot(b, normal) - offset);
        if da <= 0.0 {
            below.push(a);
        }
        if da >= 0.0 {
            above.push(a);
        }
        if da * db < 0.0 {
            let met = a + (b - a) * (da / (da - db));
            below.push(met);
            above.push(met);
        }
    }
    (below, above)
}

/// The part of a ring with `dot(point, normal) <= offset`.
pub(super) fn clip(ring: &[Coord<f64>], normal: Coord<f64>, offset: f64) -> Ring {
    split(ring, normal, offset).0
}

/// How far a ring reaches along a direction, from and to.
pub(super) fn reach(ring: &[Coord<f64>], along: Coord<f64>) -> (f64, f64) {
    ring.iter()
        .map(|point| dot(*point, along))
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), at| (low.min(at), high.max(at)))
}

/// Cuts a ring across a direction so that the first part has that share of the area, and takes a street out between.
pub(super) fn cut(ring: &[Coord<f64>], normal: Coord<f64>, share: f64, street: f64) -> (Ring, Ring) {
    let wanted = area(ring) * share;
    let (mut low, mut high) = reach(ring, normal);
    for _ in 0..40 {
        let middle = (low + high) / 2.0;
        if area(&clip(ring, normal, middle)) < wanted {
            low = middle;
        } else {
            high = middle;
        }
    }
    let at = (low + high) / 2.0;
    if street == 0.0 {
        return split(ring, normal, at);
    }
    (clip(ring, normal, at - street / 2.0), split(ring, normal, at + street / 2.0).1)
}

/// A ring drawn in by that many metres on every side; empty where nothing is left.
pub(super) fn inset(ring: &[Coord<f64>], by: f64) -> Ring {
    let mut left = ring.to_vec();
    for (a, b) in edges(ring) {
        let along = b - a;
        let long = length(along);
        if long < 1e-9 {
            continue;
        }
        let outward = coord! { x: along.y / long, y: -along.x / long };
        left = clip(&left, outward, dot(a, outward) - by);
        if left.len() < 3 {
            return Ring::new();
        }
    }
    left
}

/// A ring made smaller or greater about a point.
pub(super) fn scale(ring: &[Coord<f64>], about: Coord<f64>, by: f64) -> Ring {
    ring.iter().map(|point| about + (*point - about) * by).collect()
}

/// A ring with points at least that near to each other, so that its sides follow the warp.
pub(super) fn dense(ring: &[Coord<f64>], every: f64) -> Ring {
    let mut points = Ring::new();
    for (a, b) in edges(ring) {
        points.push(a);
        points.extend(between(a, b, every));
    }
    points
}

/// Points between two others, the same whichever of the two comes first.
pub(super) fn between(a: Coord<f64>, b: Coord<f64>, every: f64) -> Vec<Coord<f64>> {
    let pieces = (length(b - a) / every).ceil().max(1.0);
    let turned = (a.x, a.y) > (b.x, b.y);
    let (from, to) = if turned { (b, a) } else { (a, b) };
    let mut points = Vec::new();
    let mut step = 1.0;
    while step < pieces {
        points.push(from + (to - from) * (step / pieces));
        step += 1.0;
    }
    if turned {
        points.reverse();
    }
    points
}

/// Whether a point lies inside a convex ring, at least that far from every side.
pub(super) fn holds(ring: &[Coord<f64>], point: Coord<f64>, margin: f64) -> bool {
    edges(ring).all(|(a, b)| {
        let long = length(b - a);
        long < 1e-9 || cross(b - a, point - a) / long >= margin
    })
}

/// A rectangle inside a convex ring, along its longest side: halls are oblong even where plots are not.
pub(super) fn oblong(ring: &[Coord<f64>]) -> Ring {
    let u = longest_side(ring);
    let v = coord! { x: -u.y, y: u.x };
    let middle = centre(ring);
    let half = |along| {
        let (low, high) = reach(ring, along);
        (high - low) / 2.0
    };
    let (long, wide) = (u * half(u), v * half(v));
    let corners = [coord! { x: 0.0, y: 0.0 } - long - wide, long - wide, long + wide, wide - long];
    // How far each corner may go from the middle before it meets a side.
    let mut room = 1.0_f64;
    for (a, b) in edges(ring) {
        let outward = coord! { x: (b - a).y, y: -(b - a).x };
        let left = dot(a - middle, outward);
        for corner in corners {
            let goes = dot(corner, outward);
            if goes > 0.0 {
                room = room.min(left / goes);
            }
        }
    }
    corners.iter().map(|corner| middle + *corner * room.max(0.0)).collect()
}

/// The unit vector along the longest side.
pub(super) fn longest_side(ring: &[Coord<f64>]) -> Coord<f64> {
    let mut best = coord! { x: 1.0, y: 0.0 };
    let mut most = 0.0;
    for (a, b) in edges(ring) {
        let long = length(b - a);
        if long > most {
            most = long;
            best = (b - a) * (1.0 / long);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square() -> Ring {
        vec![coord! {x: 0.0, y: 0.0}, coord! {x: 10.0, y: 0.0}, coord! {x: 10.0, y: 10.0}, coord! {x: 0.0, y: 10.0}]
    }

    #[test]
    fn a_cut_gives_the_share_it_was_asked_for_and_a_street_takes_its_width() {
        let (left, right) = cut(&square(), coord! {x: 1.0, y: 0.0}, 0.3, 0.0);
        assert!((area(&left) - 30.0).abs() < 1e-6 && (area(&right) - 70.0).abs() < 1e-6);
        let (left, right) = cut(&square(), coord! {x: 1.0, y: 0.0}, 0.5, 2.0);
        assert!((area(&left) + area(&right) - 80.0).abs() < 1e-6);
    }

    #[test]
    fn an_inset_ring_keeps_its_distance_and_ends_when_nothing_is_left() {
        assert!((area(&inset(&square(), 1.0)) - 64.0).abs() < 1e-9);
        assert!(inset(&square(), 6.0).is_empty());
    }

    #[test]
    fn points_between_two_others_do_not_depend_on_their_order() {
        let (a, b) = (coord! {x: 0.1, y: 0.7}, coord! {x: 301.3, y: 77.7});
        let mut back = between(b, a, 50.0);
        back.reverse();
        assert_eq!(between(a, b, 50.0), back);
    }

    #[test]
    fn the_plane_leads_to_the_globe_and_back() {
        let there = to_plane(121.8, 30.9);
        let back = to_globe(there);
        assert!((back.x - 121.8).abs() < 1e-8 && (back.y - 30.9).abs() < 1e-8);
    }
}
