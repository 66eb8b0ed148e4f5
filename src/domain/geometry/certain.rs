//! What can be said of a shape at a glance, and for certain: that its ring does not cross itself, that it covers a box.
//! "No" means that nobody looked closely, and the question is one for PostGIS. Of a million parcels nearly all are
//! certain, and a glance costs a hundredth of a question.

use geo_types::{Coord, LineString, MultiPolygon};

/// Rings of more corners are left to those who look closely: each side is held against each other.
const MOST_CORNERS: usize = 64;

/// How far from a line a point must be, in parts of the ring's extent, so that no rounding can have put it on that side.
const MARGIN: f64 = 1e-9;

/// Whether the shape is, for certain, a valid polygon: one ring whose sides meet at its corners only.
pub fn is_valid(shape: &MultiPolygon<f64>) -> bool {
    let [polygon] = &shape.0[..] else { return false };
    let ring = &polygon.exterior().0;
    let closed = ring.len() >= 4 && ring.len() <= MOST_CORNERS && ring.first() == ring.last();
    if !polygon.interiors().is_empty()
        || !closed
        || !ring.iter().all(|point| point.x.is_finite() && point.y.is_finite())
    {
        return false;
    }
    let corners = &ring[..ring.len() - 1];
    let extent = |of: fn(&Coord<f64>) -> f64| {
        let (least, most) = corners.iter().map(of).fold((f64::MAX, f64::MIN), |(a, b), at| (a.min(at), b.max(at)));
        most - least
    };
    let extent = extent(|point| point.x).max(extent(|point| point.y));
    // Degrees are known to some 1e-14; a ring as small as that margin is none that a glance can judge.
    extent > 1e-7 && (goes_round_once(corners, extent) || sides_keep_apart(corners, extent))
}

/// Twice the area of the triangle: positive where `c` lies to the left of the line from `a` to `b`.
fn turn(a: Coord<f64>, b: Coord<f64>, c: Coord<f64>) -> f64 {
    (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x)
}

/// The sides of a ring, each from a corner to the next.
fn sides(corners: &[Coord<f64>]) -> impl Iterator<Item = (Coord<f64>, Coord<f64>)> + Clone {
    corners.iter().copied().zip(corners.iter().copied().cycle().skip(1))
}

/// Whether the corners go once around their middle, all in one direction: such a ring cannot cross itself.
fn goes_round_once(corners: &[Coord<f64>], extent: f64) -> bool {
    let margin = extent * extent * MARGIN;
    #[expect(clippy::cast_precision_loss, reason = "at most 64")]
    let count = corners.len() as f64;
    let middle = Coord {
        x: corners.iter().map(|point| point.x).sum::<f64>() / count,
        y: corners.iter().map(|point| point.y).sum::<f64>() / count,
    };
    let turns = || sides(corners).map(|(a, b)| turn(a, b, middle));
    let round = turns().all(|turn| turn > margin) || turns().all(|turn| turn < -margin);
    round && sides(corners).filter(|(a, b)| a.y <= middle.y && middle.y < b.y).count() == 1
}

/// Whether each two sides that do not meet at a corner lie clear of each other, and none folds back on the one before.
fn sides_keep_apart(corners: &[Coord<f64>], extent: f64) -> bool {
    let (margin, gap) = (extent * extent * MARGIN, extent * MARGIN);
    let all = || sides(corners).enumerate();
    all().all(|(index, (a, b))| {
        all().skip(index + 1).all(|(other, (c, d))| {
            let next = other == index + 1 || index == 0 && other == corners.len() - 1;
            if next {
                // The corner between them turns; a straight one, or one that folds back, is looked at closely.
                let (from, corner, to) = if other == index + 1 { (a, b, d) } else { (c, a, b) };
                return turn(from, corner, to).abs() > margin;
            }
            let beyond = |a: f64, b: f64, c: f64, d: f64| a.max(b) + gap < c.min(d) || c.max(d) + gap < a.min(b);
            let beside = |a, b, c, d| {
                let (c, d) = (turn(a, b, c), turn(a, b, d));
                c > margin && d > margin || c < -margin && d < -margin
            };
            beyond(a.x, b.x, c.x, d.x) || beyond(a.y, b.y, c.y, d.y) || beside(a, b, c, d) || beside(c, d, a, b)
        })
    })
}

/// Whether the shape covers, for certain, a box of west, south, east, north: no side comes near it, and its middle lies
/// inside.
pub fn covers(shape: &MultiPolygon<f64>, [west, south, east, north]: [f64; 4]) -> bool {
    let middle = Coord { x: f64::midpoint(west, east), y: f64::midpoint(south, north) };
    let clear = |(a, b): (Coord<f64>, Coord<f64>)| {
        a.x.max(b.x) < west || a.x.min(b.x) > east || a.y.max(b.y) < south || a.y.min(b.y) > north
    };
    rings(shape).all(|ring| sides_of(ring).all(clear)) && holds(shape, middle)
}

/// Whether a point lies in the shape. On its very border the answer may be either.
pub fn holds(shape: &MultiPolygon<f64>, point: Coord<f64>) -> bool {
    let crossed = rings(shape).flat_map(sides_of).filter(|(a, b)| {
        (a.y > point.y) != (b.y > point.y) && point.x < a.x + (point.y - a.y) / (b.y - a.y) * (b.x - a.x)
    });
    crossed.count() % 2 == 1
}

fn rings(shape: &MultiPolygon<f64>) -> impl Iterator<Item = &LineString<f64>> {
    shape.0.iter().flat_map(|polygon| std::iter::once(polygon.exterior()).chain(polygon.interiors()))
}

fn sides_of(ring: &LineString<f64>) -> impl Iterator<Item = (Coord<f64>, Coord<f64>)> + use<'_> {
    ring.0.iter().copied().zip(ring.0.iter().copied().skip(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use geo::{Contains, Intersects, Validation};
    use geo_types::{Polygon, Rect};
    use proptest::prelude::*;

    fn ring(points: &[(f64, f64)]) -> MultiPolygon<f64> {
        MultiPolygon(vec![Polygon::new(points.to_vec().into(), vec![])])
    }

    #[test]
    fn shapes_of_parcels_are_certain_and_faults_are_not() {
        for valid in [
            &[(0.0, 0.0), (2.0, 0.0), (2.0, 1.0), (0.0, 1.0), (0.0, 0.0)][..],
            &[(0.0, 0.0), (3.0, 0.0), (3.0, 1.0), (1.0, 1.0), (1.0, 3.0), (0.0, 3.0), (0.0, 0.0)],
            &[
                (0.0, 0.0),
                (3.0, 0.0),
                (3.0, 3.0),
                (2.0, 3.0),
                (2.0, 1.0),
                (1.0, 1.0),
                (1.0, 3.0),
                (0.0, 3.0),
                (0.0, 0.0),
            ],
        ] {
            assert!(is_valid(&ring(valid)), "{valid:?}");
        }
        for doubtful in [
            &[(0.0, 0.0), (2.0, 2.0), (2.0, 0.0), (0.0, 2.0), (0.0, 0.0)][..],
            &[(0.0, 0.0), (2.0, 0.0), (2.0, 2.0), (2.0, 0.5), (0.0, 2.0), (0.0, 0.0)],
            &[(0.0, 0.0), (2.0, 0.0), (2.0, 0.0), (0.0, 2.0), (0.0, 0.0)],
            &[(0.0, 0.0), (2.0, 0.0), (1.0, 0.0), (0.0, 0.0)],
            &[(0.0, 0.0), (f64::NAN, 0.0), (1.0, 1.0), (0.0, 0.0)],
            // A star of five points goes round twice.
            &[(0.0, 1.0), (0.59, -0.81), (-0.95, 0.31), (0.95, 0.31), (-0.59, -0.81), (0.0, 1.0)],
        ] {
            assert!(!is_valid(&ring(doubtful)), "{doubtful:?}");
        }
    }

    fn corners() -> impl Strategy<Value = MultiPolygon<f64>> {
        let place = (-170.0..170.0_f64, -80.0..80.0_f64, 0.000_01..0.1_f64);
        // On a coarse grid corners fall onto sides and onto each other.
        let points = prop_oneof![
            prop::collection::vec((0.0..1.0_f64, 0.0..1.0_f64), 3..10),
            prop::collection::vec((0_u8..4, 0_u8..4).prop_map(|(x, y)| (f64::from(x), f64::from(y))), 3..10),
        ];
        (place, points).prop_map(|((x, y, size), mut points)| {
            points.push(points[0]);
            let at: Vec<_> = points.into_iter().map(|(east, north)| (x + size * east, y + size * north)).collect();
            ring(&at)
        })
    }

    /// A ring that goes round its middle once, nearer and farther.
    fn outline() -> impl Strategy<Value = MultiPolygon<f64>> {
        (-170.0..170.0_f64, -80.0..80.0_f64, prop::collection::vec(0.2..1.0_f64, 3..40)).prop_map(|(x, y, reach)| {
            let step = std::f64::consts::TAU / reach.len() as f64;
            let mut at: Vec<_> = (0_u8..)
                .zip(reach)
                .map(|(index, far)| {
                    (x + far * (f64::from(index) * step).cos(), y + far * (f64::from(index) * step).sin())
                })
                .collect();
            at.push(at[0]);
            ring(&at)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn what_is_certain_is_valid(shape in corners()) {
            prop_assert!(!is_valid(&shape) || shape.is_valid(), "{:?}", shape);
        }

        #[test]
        fn a_box_that_is_covered_for_certain_is_covered(shape in outline(), at in 0.0..1.0_f64, size in 0.001..0.3_f64) {
            let bounds = geo::BoundingRect::bounding_rect(&shape).unwrap();
            let (x, y) = (bounds.min().x + bounds.width() * at, bounds.min().y + bounds.height() * at);
            let square = Rect::new((x, y), (x + bounds.width() * size, y + bounds.height() * size));
            let covered = covers(&shape, [square.min().x, square.min().y, square.max().x, square.max().y]);
            prop_assert!(!covered || shape.contains(&square.to_polygon()) && shape.intersects(&square), "{:?}", shape);
        }
    }
}
