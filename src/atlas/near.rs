//! Which parcels lie at a place, and which are nearest to it. Distances are geodesic, to the nearest point of a parcel's land.

use super::edges::{Place, locate_in};
use super::parcel::ParcelRef;
use super::shapes::Bounds;
use super::snapshot::Snapshot;
use crate::domain::geometry::{metres_between, metres_per_degree};

/// How far is looked at first, in metres: in a city some parcels lie within.
const FIRST_METRES: f64 = 250.0;

impl Snapshot {
    /// The nearest parcels to a place, so many at most and no farther than so many metres, each with its distance in metres:
    /// the nearest first, those equally near in the order of codes.
    pub fn nearest(&self, place: [f64; 2], most: usize, metres: f64) -> Vec<(f64, u32)> {
        let mut reach = FIRST_METRES.min(metres);
        loop {
            let mut found: Vec<(f64, u32)> = self
                .near(&around(place, reach))
                .into_iter()
                .filter_map(|number| Some((distance(&self.parcel(number), place)?, number)))
                .filter(|(distance, _)| *distance <= reach)
                .collect();
            // What lies beyond the reach may be nearer than nothing, but not nearer than what lies within.
            if found.len() >= most || reach >= metres {
                // It is stable, and candidates come in the order of codes.
                found.sort_by(|(a, _), (b, _)| a.total_cmp(b));
                found.truncate(most);
                return found;
            }
            reach = (reach * 4.0).min(metres);
        }
    }
}

/// A box that holds all that lies within a distance of a place.
fn around([x, y]: [f64; 2], metres: f64) -> Bounds {
    let [_, along] = metres_per_degree(y);
    let high = metres / along * 1.02;
    // Where a degree is shortest; at a pole it is nothing.
    let [across, _] = metres_per_degree((y.abs() + high).min(89.9));
    let wide = (metres / across * 1.02).min(360.0);
    Bounds { west: x - wide, south: y - high, east: x + wide, north: y + high }
}

/// The distance to a parcel's land; nothing where it has none.
fn distance(parcel: &ParcelRef<'_>, place: [f64; 2]) -> Option<f64> {
    let shape = parcel.shape();
    if shape.polygons().any(|polygon| locate_in(polygon.rings(), place) != Place::Outside) {
        return Some(0.0);
    }
    // The nearest point of each side is found in a plane that is true to scale here, which moves it along the side by
    // next to nothing; its distance is then measured on the ellipsoid.
    let scale = metres_per_degree(place[1]);
    let sides = shape.rings().flat_map(|ring| ring.windows(2));
    let nearest =
        sides.map(|side| nearest_on(side[0], side[1], place, scale)).min_by(|(_, a), (_, b)| a.total_cmp(b))?;
    Some(metres_between(place, nearest.0))
}

/// The point of a side that is nearest to a place, and the square of its distance.
fn nearest_on(a: [f64; 2], b: [f64; 2], place: [f64; 2], scale: [f64; 2]) -> ([f64; 2], f64) {
    let from = |origin: [f64; 2], to: [f64; 2]| [0, 1].map(|axis| (to[axis] - origin[axis]) * scale[axis]);
    let (side, way) = (from(a, b), from(a, place));
    let length = side[0] * side[0] + side[1] * side[1];
    let at = if length > 0.0 { ((side[0] * way[0] + side[1] * way[1]) / length).clamp(0.0, 1.0) } else { 0.0 };
    let point = [a[0] + (b[0] - a[0]) * at, a[1] + (b[1] - a[1]) * at];
    let [x, y] = from(point, place);
    (point, x * x + y * y)
}
