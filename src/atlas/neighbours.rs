//! Which shapes lie within a distance of each other: a tree of boxes finds those that may, their edges decide.
//!
//! Distances are in metres on the plane that touches the CGCS2000 ellipsoid midway between two shapes. Over ground of 5 km
//! from north to south its scale is off by less than 1 part in 4,000: under a centimetre in 30 m.

use super::edges::{Edge, Edges, Place, locate_in, segments_meet};
use super::pack::{Envelope, to_aabb};
use super::shapes::{Bounds, Shapes};
use crate::domain::geometry::metres_per_degree;
use geo_types::MultiPolygon;
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};
use rstar::RTree;
use std::ops::ControlFlow;

/// What counts as touching, m: borders that a survey gives to two parcels differ in their last digits.
const TOUCHING_M: f64 = 0.001;

/// The least metres that a degree of longitude is taken for, so that a box near a pole stays a box.
const LEAST_METRES: f64 = 1_000.0;

/// The pairs of shapes that touch, overlap or lie within so many metres, the lesser number first, in order. Empty shapes
/// are nobody's neighbours.
pub fn neighbours(shapes: &[MultiPolygon<f64>], within_m: f64) -> Vec<(usize, usize)> {
    let within_m = within_m.max(TOUCHING_M);
    let mut packed = Shapes::default();
    let mut envelopes = Vec::with_capacity(shapes.len());
    for (index, shape) in shapes.iter().enumerate() {
        if let Some(bounds) = packed.push(shape) {
            envelopes.push(Envelope { bounds, index: index as u32 });
        }
    }
    let tree = RTree::bulk_load(envelopes.clone());
    let near = |one: Envelope| {
        let place = one.index as usize;
        let reach = widened(&one.bounds, within_m);
        let mut others: Vec<Envelope> = tree
            .locate_in_envelope_intersecting(to_aabb(&reach))
            .filter(|other| other.index > one.index)
            .copied()
            .collect();
        others.sort_unstable_by_key(|other| other.index);
        let edges = if others.is_empty() { None } else { Some(edges_of(&shapes[place])) };
        let found = others
            .into_iter()
            .filter(|other| edges.as_ref().is_some_and(|edges| are_near(edges, &one, &packed, other, within_m)));
        found.map(|other| (place, other.index as usize)).collect::<Vec<_>>()
    };
    envelopes.into_par_iter().flat_map_iter(near).collect()
}

fn edges_of(shape: &MultiPolygon<f64>) -> Edges {
    let mut alone = Shapes::default();
    alone.push(shape);
    Edges::of(&alone)
}

/// The box and all that lies within so many metres of it.
fn widened(bounds: &Bounds, within_m: f64) -> Bounds {
    // Longest where a degree of longitude is shortest, and a thousandth more than asked: the tree only proposes.
    let outermost = bounds.south.abs().max(bounds.north.abs());
    let [across, along] = metres_per_degree(outermost.min(90.0));
    let along = along.min(metres_per_degree(0.0)[1]);
    let (east, north) = (within_m * 1.001 / across.max(LEAST_METRES), within_m * 1.001 / along);
    Bounds {
        west: bounds.west - east,
        south: bounds.south - north,
        east: bounds.east + east,
        north: bounds.north + north,
    }
}

/// Whether two shapes lie within the distance: the one by its edges, the other by its place in the pack.
fn are_near(edges: &Edges, one: &Envelope, packed: &Shapes, other: &Envelope, within_m: f64) -> bool {
    let reach = widened(&one.bounds, within_m);
    // What lies close of either is here, so here is the scale.
    let (south, north) = (reach.south.max(other.bounds.south), reach.north.min(other.bounds.north));
    let metres = metres_per_degree((south + north) / 2.0);
    let shape = packed.shape(other.index as usize);
    for ring in shape.rings() {
        for pair in ring.windows(2) {
            let mut bounds = Bounds::NOTHING;
            bounds.widen(pair[0]);
            bounds.widen(pair[1]);
            if !bounds.meets(&reach) {
                continue;
            }
            let close = edges.near(&widened(&bounds, within_m), |_, edge| {
                if is_close(edge, [pair[0], pair[1]], metres, within_m) {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            });
            if close.is_break() {
                return true;
            }
        }
    }
    // No edge is close to another: then one lies wholly inside the other, or they are apart.
    let is_inside = packed
        .shape(other.index as usize)
        .polygons()
        .filter_map(|polygon| polygon.rings().next()?.first().copied())
        .any(|point| edges.locate(point) != Place::Outside);
    let holds = || {
        let points = edges.edges().iter().filter(|edge| edge.opens_polygon).map(|edge| edge.a);
        points
            .into_iter()
            .any(|point| shape.polygons().any(|polygon| locate_in(polygon.rings(), point) != Place::Outside))
    };
    is_inside || holds()
}

fn is_close(edge: &Edge, [c, d]: [[f64; 2]; 2], metres: [f64; 2], within_m: f64) -> bool {
    if segments_meet(edge.a, edge.b, c, d) {
        return true;
    }
    // Seen from one end, so that small differences are not lost in large numbers.
    let seen = |[x, y]: [f64; 2]| [(x - edge.a[0]) * metres[0], (y - edge.a[1]) * metres[1]];
    let (a, b, c, d) = (seen(edge.a), seen(edge.b), seen(c), seen(d));
    let least = [(a, c, d), (b, c, d), (c, a, b), (d, a, b)].map(|(point, from, to)| squared(point, from, to));
    least.into_iter().any(|squared| squared <= within_m * within_m)
}

/// The squared distance of a point to a segment.
fn squared([x, y]: [f64; 2], from: [f64; 2], to: [f64; 2]) -> f64 {
    let (dx, dy) = (to[0] - from[0], to[1] - from[1]);
    let length = dx * dx + dy * dy;
    let along = if length > 0.0 { (((x - from[0]) * dx + (y - from[1]) * dy) / length).clamp(0.0, 1.0) } else { 0.0 };
    let (east, north) = (x - from[0] - dx * along, y - from[1] - dy * along);
    east * east + north * north
}

#[cfg(test)]
mod tests {
    use super::*;
    use geo::{Distance as _, Euclidean, MapCoords as _};
    use geo_types::{LineString, Polygon, coord};
    use geographiclib_rs::{DirectGeodesic as _, Geodesic};
    use proptest::prelude::*;

    const PLACE: (f64, f64) = (121.5, 31.2);

    fn rectangle(west: f64, south: f64, width: f64, height: f64) -> LineString<f64> {
        let (east, north) = (west + width, south + height);
        vec![(west, south), (east, south), (east, north), (west, north), (west, south)].into()
    }

    fn one(ring: LineString<f64>) -> MultiPolygon<f64> {
        MultiPolygon(vec![Polygon::new(ring, vec![])])
    }

    #[test]
    fn a_street_of_thirty_metres_is_measured_to_the_centimetre_in_both_directions() {
        let geodesic = Geodesic::wgs84();
        for azimuth in [0.0, 90.0, 180.0, 270.0] {
            // The near corner of a small square so many metres away, the other a square around the place.
            let (lat, lon, _): (f64, f64, f64) = geodesic.direct(PLACE.1, PLACE.0, azimuth, 30.0);
            let here = one(rectangle(PLACE.0, PLACE.1, 0.0, 0.0));
            let there = one(rectangle(lon, lat, 0.0, 0.0));
            let shapes = [here, there];
            assert!(neighbours(&shapes, 29.99).is_empty(), "{azimuth}");
            assert_eq!(neighbours(&shapes, 30.01), [(0, 1)], "{azimuth}");
        }
    }

    #[test]
    fn parcels_that_touch_overlap_or_lie_in_one_another_are_neighbours_and_those_in_a_wide_hole_are_not() {
        let (x, y) = PLACE;
        let big = one(rectangle(x, y, 0.01, 0.01));
        let inside = one(rectangle(x + 0.004, y + 0.004, 0.002, 0.002));
        for other in [
            one(rectangle(x + 0.01, y + 0.003, 0.001, 0.001)),
            one(rectangle(x + 0.01, y + 0.01, 0.001, 0.001)),
            one(rectangle(x + 0.009, y + 0.003, 0.01, 0.001)),
            inside.clone(),
        ] {
            assert_eq!(neighbours(&[big.clone(), other.clone()], 0.0), [(0, 1)]);
            assert_eq!(neighbours(&[other, big.clone()], 0.0), [(0, 1)]);
        }
        let hole = rectangle(x + 0.002, y + 0.002, 0.006, 0.006);
        let ring = MultiPolygon(vec![Polygon::new(big.0[0].exterior().clone(), vec![hole])]);
        assert!(neighbours(&[ring.clone(), inside.clone()], 100.0).is_empty());
        assert_eq!(neighbours(&[ring, inside], 300.0), [(0, 1)]);
        assert!(neighbours(&[MultiPolygon(vec![]), big, MultiPolygon(vec![])], 1e3).is_empty());
    }

    fn anywhere() -> impl Strategy<Value = MultiPolygon<f64>> {
        let part = (0.0..0.01_f64, 0.0..0.01_f64, 0.000_01..0.002_f64, 0.000_01..0.002_f64, any::<bool>());
        proptest::collection::vec(part, 1..3).prop_map(|parts| {
            let polygons = parts.into_iter().map(|(x, y, width, height, leans)| {
                let (x, y) = (PLACE.0 + x, PLACE.1 + y);
                let ring = if leans {
                    [(x, y), (x + width, y + height / 3.0), (x + width / 3.0, y + height), (x, y)].into_iter().collect()
                } else {
                    rectangle(x, y, width, height)
                };
                Polygon::new(ring, vec![])
            });
            MultiPolygon(polygons.collect())
        })
    }

    proptest! {
        /// Against every pair, measured by another library on one plane for all.
        #[test]
        fn neighbours_are_those_that_measuring_every_pair_finds(
            shapes in proptest::collection::vec(anywhere(), 2..25), within_m in 0.0..200.0_f64
        ) {
            let [across, along] = metres_per_degree(PLACE.1 + 0.005);
            let plane = |shape: &MultiPolygon<f64>| {
                shape.map_coords(|place| coord! { x: (place.x - PLACE.0) * across, y: (place.y - PLACE.1) * along })
            };
            let planes: Vec<MultiPolygon<f64>> = shapes.iter().map(plane).collect();
            let found = neighbours(&shapes, within_m);
            prop_assert!(found.is_sorted());
            for (i, a) in planes.iter().enumerate() {
                for (j, b) in planes.iter().enumerate().skip(i + 1) {
                    let pairs = a.iter().flat_map(|one| b.iter().map(move |other| Euclidean.distance(one, other)));
                    let apart = pairs.fold(f64::INFINITY, f64::min);
                    // The planes of the two differ by their scale: 1 part in 10,000 over these 1.3 km.
                    if (apart - within_m).abs() > 0.001 + within_m * 1e-4 {
                        prop_assert_eq!(found.contains(&(i, j)), apart < within_m, "{} {} {}", i, j, apart);
                    }
                }
            }
        }
    }
}
