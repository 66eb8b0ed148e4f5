//! Shapes in longitude and latitude: what passes as one, and its area on the CGCS2000 ellipsoid. Area is geodesic, never
//! measured on a map projection (`domain.md` §11). Whether rings cross is for PostGIS to say, which also says where.

pub mod certain;

use super::finding::Fault;
use super::intake::Shape;
use super::quantity::SquareMetres;
use geo::orient::{Direction, Orient as _};
use geo::{ConvexHull, unary_union};
use geo_types::{Geometry, LineString, MultiPolygon, Polygon};
use geographiclib_rs::{DirectGeodesic as _, Geodesic, InverseGeodesic as _, PolygonArea, Winding};
use std::sync::LazyLock;

/// CGCS2000: a = 6,378,137 m, 1/f = 298.257222101 (GB 22021-2008).
const SEMI_MAJOR_M: f64 = 6_378_137.0;
const FLATTENING: f64 = 1.0 / 298.257_222_101;
static CGCS2000: LazyLock<Geodesic> = LazyLock::new(|| Geodesic::new(SEMI_MAJOR_M, FLATTENING));

const OFF_THE_GLOBE: &str = "coordinates of the file's own CRS, longitude before latitude; name another CRS with --crs";

/// The area below which a shape has none, m².
pub const LEAST_M2: f64 = 1e-6;

/// Metres in a degree of longitude and in one of latitude, on the CGCS2000 ellipsoid.
pub fn metres_per_degree(latitude: f64) -> [f64; 2] {
    let e2 = FLATTENING * (2.0 - FLATTENING);
    let (sin, cos) = latitude.to_radians().sin_cos();
    let w = (1.0 - e2 * sin * sin).sqrt();
    let [across, along] = [SEMI_MAJOR_M / w * cos, SEMI_MAJOR_M * (1.0 - e2) / (w * w * w)];
    [across.to_radians(), along.to_radians()]
}

/// The geodesic distance between two places, longitude before latitude, in metres.
pub fn metres_between([from_x, from_y]: [f64; 2], [to_x, to_y]: [f64; 2]) -> f64 {
    CGCS2000.inverse(from_y, from_x, to_y, to_x)
}

/// A closed ring of so many corners at a distance from a place, longitude before latitude, counter-clockwise.
pub fn ring_around([longitude, latitude]: [f64; 2], metres: f64, corners: u32) -> Vec<[f64; 2]> {
    let corner = |number: u32| {
        // Azimuths run clockwise from the north.
        let azimuth = -360.0 * f64::from(number) / f64::from(corners);
        let (y, x): (f64, f64) = CGCS2000.direct(latitude, longitude, azimuth, metres);
        [x, y]
    };
    (0..corners).chain([0]).map(corner).collect()
}

/// Shapes as one: borders between those that touch are gone, shells run counter-clockwise.
pub fn dissolve<'a>(shapes: impl IntoIterator<Item = &'a MultiPolygon<f64>>) -> MultiPolygon<f64> {
    // The union counts windings: a ring that runs the other way would take away what lies under it.
    let turned: Vec<MultiPolygon<f64>> = shapes.into_iter().map(|shape| shape.orient(Direction::Default)).collect();
    match turned.as_slice() {
        [] => MultiPolygon(Vec::new()),
        [one] => one.clone(),
        several => unary_union(several).orient(Direction::Default),
    }
}

/// The geodesic area of polygons in longitude and latitude, holes taken out.
pub fn area(shape: &MultiPolygon<f64>) -> SquareMetres {
    SquareMetres(shape.iter().map(polygon_area).sum())
}

fn polygon_area(polygon: &Polygon<f64>) -> f64 {
    let holes: f64 = polygon.interiors().iter().map(ring_area).sum();
    (ring_area(polygon.exterior()) - holes).max(0.0)
}

fn ring_area(ring: &LineString<f64>) -> f64 {
    if let Some(square_metres) = short_ring_area(ring) {
        return square_metres;
    }
    let mut area = PolygonArea::new(&CGCS2000, Winding::CounterClockwise);
    // The ring repeats its first point at the end; the algorithm closes it itself.
    for point in ring.0.iter().take(ring.0.len().saturating_sub(1)) {
        area.add_point(point.y, point.x);
    }
    let (_, square_metres, _) = area.compute(true);
    square_metres.abs()
}

/// A ring that reaches no farther than this from its first point, in degrees, is measured by series.
const SHORT_DEGREES: f64 = 0.01;

/// The geodesic area of a ring of a kilometre or less, as nearly every parcel is: the general algorithm solves a geodesic
/// for every side, which takes a hundred times as long and is most of the time that a large file takes to read.
///
/// Under a side the ellipsoid has the area `∫ Q dλ`, `Q` being the area below a latitude per radian of longitude, `Q' = g =
/// M r`. `Q` and the bend of the side, which is that of the geodesic (`φ'' = (2 r'/r − M'/M) φ'² + r r'/M²`), are taken
/// as series around the first point up to the third order of its length. The rest is below a square centimetre of a square kilometre.
fn short_ring_area(ring: &LineString<f64>) -> Option<f64> {
    let first = ring.0.first()?;
    let near = |x: f64, y: f64| (x - first.x).abs() <= SHORT_DEGREES && (y - first.y).abs() <= SHORT_DEGREES;
    if first.y.abs() > 80.0 || !ring.0.iter().all(|point| near(point.x, point.y)) {
        return None;
    }
    let e2 = FLATTENING * (2.0 - FLATTENING);
    let (s, c) = first.y.to_radians().sin_cos();
    let w = 1.0 - e2 * s * s;
    let g = SEMI_MAJOR_M * SEMI_MAJOR_M * (1.0 - e2) * c / (w * w);
    let g1 = g / c * (4.0 * e2 * s * c * c / w - s);
    let g2 = g * (4.0 * e2 * (c * c - 3.0 * s * s) / w + 24.0 * e2 * e2 * s * s * c * c / (w * w) - 1.0);
    let bend_north = -2.0 * (1.0 - e2) * s / (w * c) - 3.0 * e2 * s * c / w;
    let bend_east = -c * s * w / (1.0 - e2);
    let below = |north: f64| north * (g + north * (g1 / 2.0 + north * g2 / 6.0));
    let mut area = 0.0;
    for (from, to) in ring.0.iter().zip(ring.0.iter().skip(1)) {
        let (east, north) = ((to.x - from.x).to_radians(), (to.y - from.y).to_radians());
        let middle = ((from.y - first.y) + (to.y - first.y)).to_radians() / 2.0;
        // The bends of the sphere tell how the ellipsoid's change on the way to the side.
        let bend = (bend_north - 2.0 / (c * c) * middle) * north * north
            + (bend_east - (c * c - s * s) * middle) * east * east;
        area += east * (below(middle) - (g + g1 * middle) * bend / 12.0 + (g1 + g2 * middle) * north * north / 24.0);
    }
    Some(area.abs())
}

/// The polygons of a row that must have some.
pub fn required_polygons<'a>(shape: &'a Shape, faults: &mut Vec<Fault>) -> Option<&'a MultiPolygon<f64>> {
    if matches!(shape, Shape::None) {
        faults.push(Fault::error("geometry-empty", Some("geometry"), None, "a polygon"));
    }
    optional_polygons(shape, faults)
}

/// The polygons of a row that may have some; anything else but nothing is a fault.
pub fn optional_polygons<'a>(shape: &'a Shape, faults: &mut Vec<Fault>) -> Option<&'a MultiPolygon<f64>> {
    let polygons = match shape {
        Shape::None => return None,
        Shape::Other(what) => {
            faults.push(Fault::error("geometry-not-a-polygon", Some("geometry"), Some(what), "a polygon"));
            return None;
        }
        Shape::OffTheGlobe(place) => {
            faults.push(Fault::error("geometry-off-the-globe", Some("geometry"), Some(place), OFF_THE_GLOBE));
            return None;
        }
        Shape::Any(_) => return None,
        Shape::Polygons(polygons) => polygons,
    };
    let rings = || polygons.iter().flat_map(|one| std::iter::once(one.exterior()).chain(one.interiors()));
    if let Some(short) = rings().find(|ring| ring.0.len() < 4) {
        let points = format!("{} points", short.0.len());
        faults.push(Fault::error(
            "geometry-too-few-points",
            Some("geometry"),
            Some(&points),
            "rings of at least 4 points, the last equal to the first",
        ));
        return None;
    }
    let off = |x: f64, y: f64| !((-180.0..=180.0).contains(&x) && (-90.0..=90.0).contains(&y));
    if let Some(point) = rings().flat_map(|ring| &ring.0).find(|point| off(point.x, point.y)) {
        let place = format!("{} {}", point.x, point.y);
        faults.push(Fault::error("geometry-off-the-globe", Some("geometry"), Some(&place), OFF_THE_GLOBE));
        return None;
    }
    // Even a sliver of a real survey has square millimetres; less is a line or a point. The hull is asked, because the
    // halves of a bow tie may cancel, and that is another fault, which PostGIS names with its place.
    let has_area = |shape: &MultiPolygon<f64>| area(shape).value() > LEAST_M2;
    if !has_area(polygons) && !has_area(&MultiPolygon(vec![polygons.convex_hull()])) {
        faults.push(Fault::error("geometry-no-area", Some("geometry"), None, "a polygon with an area"));
        return None;
    }
    Some(polygons)
}

/// The shape of a row that may have one of any sort, as far as it can be written down at all: lines of two points, rings
/// of four. Whether it is valid is for PostGIS to say.
pub fn of_any_sort<'a>(shape: &'a Shape, faults: &mut Vec<Fault>) -> Option<&'a Geometry<f64>> {
    let mut refuse = |code, value: &str, expected| {
        faults.push(Fault::error(code, Some("geometry"), Some(value), expected));
        None
    };
    match shape {
        Shape::None | Shape::Polygons(_) => None,
        Shape::Other(what) => refuse("geometry-not-taken", what, "points, lines or polygons"),
        Shape::OffTheGlobe(place) => refuse("geometry-off-the-globe", place, OFF_THE_GLOBE),
        Shape::Any(geometry) => match too_short(geometry) {
            Some(points) => {
                let expected = "lines of at least 2 points; rings of at least 4, the last equal to the first";
                refuse("geometry-too-few-points", &format!("{points} points"), expected)
            }
            None => Some(geometry),
        },
    }
}

/// How many points the first line or ring of a shape has that has too few.
fn too_short(geometry: &Geometry<f64>) -> Option<usize> {
    let line = |line: &LineString<f64>| (line.0.len() < 2).then_some(line.0.len());
    let polygon = |polygon: &Polygon<f64>| {
        let mut rings = std::iter::once(polygon.exterior()).chain(polygon.interiors());
        rings.find(|ring| ring.0.len() < 4).map(|ring| ring.0.len())
    };
    match geometry {
        Geometry::LineString(one) => line(one),
        Geometry::MultiLineString(several) => several.iter().find_map(line),
        Geometry::Polygon(one) => polygon(one),
        Geometry::MultiPolygon(several) => several.iter().find_map(polygon),
        Geometry::GeometryCollection(several) => several.iter().find_map(too_short),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use geo_types::{Rect, coord};
    use proptest::prelude::*;

    fn square(x: f64, y: f64, size: f64) -> Polygon<f64> {
        Rect::new(coord! {x: x, y: y}, coord! {x: x + size, y: y + size}).to_polygon()
    }

    #[test]
    fn a_hundredth_of_a_degree_at_shanghai_has_the_area_that_postgis_gives() {
        // select st_area('SRID=4490;POLYGON((121.5 31.2,121.51 31.2,121.51 31.21,121.5 31.21,121.5 31.2))'::geography);
        let found = area(&MultiPolygon(vec![square(121.5, 31.2, 0.01)])).value();
        assert!((found - 1_056_612.368_6).abs() < 0.01, "{found}");
    }

    #[test]
    fn a_hole_is_taken_out_whatever_its_direction() {
        let outer = square(121.5, 31.2, 0.01);
        let hole = square(121.502, 31.202, 0.002);
        let mut turned = hole.exterior().clone();
        turned.0.reverse();
        let whole = area(&MultiPolygon(vec![outer.clone()])).value();
        let part = area(&MultiPolygon(vec![hole.clone()])).value();
        for ring in [hole.exterior().clone(), turned] {
            let holed = Polygon::new(outer.exterior().clone(), vec![ring]);
            assert!((area(&MultiPolygon(vec![holed])).value() - (whole - part)).abs() < 1e-3);
        }
    }

    #[test]
    fn a_line_has_no_area_and_a_bow_tie_is_left_to_the_judge_of_rings() {
        let ring =
            |points: &[(f64, f64)]| Shape::Polygons(MultiPolygon(vec![Polygon::new(points.to_vec().into(), vec![])]));
        let mut faults = Vec::new();
        let line = ring(&[(121.0, 31.0), (121.0, 31.1), (121.0, 31.2), (121.0, 31.0)]);
        assert_eq!(required_polygons(&line, &mut faults), None);
        assert_eq!(faults.iter().map(|fault| fault.code).collect::<Vec<_>>(), ["geometry-no-area"]);
        let tie = ring(&[(121.0, 0.0), (121.002, 0.002), (121.002, 0.0), (121.0, 0.002), (121.0, 0.0)]);
        assert!(required_polygons(&tie, &mut faults).is_some());
        assert_eq!(faults.len(), 1);
    }

    /// A ring of `corners` around a place, counter-clockwise or not, at most a kilometre across.
    fn ring() -> impl Strategy<Value = LineString<f64>> {
        let corners = proptest::collection::vec((0.2..1.0_f64, 0.0..1.0_f64), 3..12);
        (-179.0..179.0_f64, -79.0..79.0_f64, 0.000_01..0.004_9_f64, corners, any::<bool>()).prop_map(
            |(x, y, size, corners, turned)| {
                let count = corners.len() as f64;
                let mut points: Vec<_> = (0_u8..)
                    .zip(corners)
                    .map(|(at, (far, shift))| {
                        let angle = std::f64::consts::TAU * (f64::from(at) + shift * 0.9) / count;
                        coord! {x: x + size * far * angle.cos(), y: y + size * far * angle.sin()}
                    })
                    .collect();
                points.push(points[0]);
                if turned {
                    points.reverse();
                }
                LineString(points)
            },
        )
    }

    proptest! {
        #[test]
        fn a_short_ring_has_the_area_that_the_general_algorithm_gives(ring in ring()) {
            let mut general = PolygonArea::new(&CGCS2000, Winding::CounterClockwise);
            ring.0.iter().skip(1).for_each(|point| general.add_point(point.y, point.x));
            let general = general.compute(true).1.abs();
            let short = short_ring_area(&ring).unwrap();
            // Ten square centimetres; most of them are the general one's, which counts from the equator.
            let allowed = 1e-3;
            prop_assert!((short - general).abs() <= allowed, "{} {} at {:?}", short, general, ring.0[0]);
        }
    }

    #[test]
    fn a_ring_that_reaches_far_is_left_to_the_general_algorithm() {
        assert_eq!(short_ring_area(square(121.5, 31.2, 0.011).exterior()), None);
        assert_eq!(short_ring_area(square(121.5, 85.0, 0.001).exterior()), None);
    }

    #[test]
    fn shapes_that_touch_dissolve_into_one_whichever_way_their_rings_run() {
        let (west, east, far) = (square(121.5, 31.2, 0.01), square(121.51, 31.2, 0.01), square(121.6, 31.2, 0.01));
        let mut turned = east.clone();
        turned.exterior_mut(|ring| ring.0.reverse());
        for east in [east, turned] {
            let shapes = [west.clone(), east, far.clone()].map(|polygon| MultiPolygon(vec![polygon]));
            let whole = dissolve(&shapes);
            assert_eq!(whole.0.len(), 2);
            let parts: f64 = shapes.iter().map(|shape| area(shape).value()).sum();
            assert!((area(&whole).value() - parts).abs() < 0.01);
        }
        assert_eq!(dissolve([]), MultiPolygon(vec![]));
    }

    #[test]
    fn an_empty_shape_has_no_area() {
        assert_eq!(area(&MultiPolygon(vec![])), SquareMetres(0.0));
    }
}
