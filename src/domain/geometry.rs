//! Shapes in longitude and latitude: what passes as one, and its area on the CGCS2000 ellipsoid. Area is geodesic, never
//! measured on a map projection (`domain.md` §11). Whether rings cross is for PostGIS to say, which also says where.

use super::finding::Fault;
use super::intake::Shape;
use super::quantity::SquareMetres;
use geo::ConvexHull;
use geo_types::{LineString, MultiPolygon, Polygon};
use geographiclib_rs::{Geodesic, PolygonArea, Winding};
use std::sync::LazyLock;

/// CGCS2000: a = 6,378,137 m, 1/f = 298.257222101 (GB 22021-2008).
static CGCS2000: LazyLock<Geodesic> = LazyLock::new(|| Geodesic::new(6_378_137.0, 1.0 / 298.257_222_101));

const OFF_THE_GLOBE: &str = "coordinates of the file's own CRS, longitude before latitude; name another CRS with --crs";

/// The area below which a shape has none, m².
pub const LEAST_M2: f64 = 1e-6;

/// The geodesic area of polygons in longitude and latitude, holes taken out.
pub fn area(shape: &MultiPolygon<f64>) -> SquareMetres {
    SquareMetres(shape.iter().map(polygon_area).sum())
}

fn polygon_area(polygon: &Polygon<f64>) -> f64 {
    let holes: f64 = polygon.interiors().iter().map(ring_area).sum();
    (ring_area(polygon.exterior()) - holes).max(0.0)
}

fn ring_area(ring: &LineString<f64>) -> f64 {
    let mut area = PolygonArea::new(&CGCS2000, Winding::CounterClockwise);
    // The ring repeats its first point at the end; the algorithm closes it itself.
    for point in ring.0.iter().take(ring.0.len().saturating_sub(1)) {
        area.add_point(point.y, point.x);
    }
    let (_, square_metres, _) = area.compute(true);
    square_metres.abs()
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
    let hull = MultiPolygon(vec![polygons.convex_hull()]);
    if !(area(polygons).value() > LEAST_M2 || area(&hull).value() > LEAST_M2) {
        faults.push(Fault::error("geometry-no-area", Some("geometry"), None, "a polygon with an area"));
        return None;
    }
    Some(polygons)
}

#[cfg(test)]
mod tests {
    use super::*;
    use geo_types::{Rect, coord};

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

    #[test]
    fn an_empty_shape_has_no_area() {
        assert_eq!(area(&MultiPolygon(vec![])), SquareMetres(0.0));
    }
}
