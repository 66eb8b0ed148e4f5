//! How a parcel must lie in an area, and how much of it does: shares of land are geodesic, as all areas are.

use super::selection::Selection;
use super::shapes::{Bounds, ShapeRef, Shapes};
use crate::domain::geometry;
use geo::BooleanOps as _;
use geo_types::{LineString, MultiPolygon, Polygon};

/// How a parcel must lie in an area.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Relation {
    /// They have a point in common, edges and corners included.
    Intersects,
    /// All of it lies inside.
    Within,
    /// At least this share of its land lies inside, more than 0 and at most 1.
    Share(f64),
}

/// What a border drawn twice, a hair apart, may leave outside of a parcel that lies within.
const HAIR: f64 = 1e-9;

impl Relation {
    /// The relation of a share, where it is one.
    pub fn share(share: f64) -> Option<Self> {
        (share > 0.0 && share <= 1.0).then_some(Self::Share(share))
    }

    fn least_share(self) -> Option<f64> {
        match self {
            Self::Intersects => None,
            Self::Within => Some(1.0 - HAIR),
            Self::Share(share) => Some((share - HAIR).max(f64::MIN_POSITIVE)),
        }
    }
}

impl Selection {
    /// Whether as much of a shape that meets the area lies in it as its relation asks.
    pub(super) fn holds_enough_of(&self, shape: &ShapeRef<'_>, envelope: &Bounds) -> bool {
        let Some(least) = self.relation.least_share() else { return true };
        if self.region.is_box_around(envelope) {
            return true;
        }
        let land = shape.to_multi_polygon();
        let inside = around(&self.shapes, envelope).intersection(&land);
        // Written so that land without area holds no share.
        geometry::area(&inside).value() / geometry::area(&land).value() >= least
    }
}

/// What an area has in a box. Its rings are cut at the sides of the box one by one, which may leave sides that go there and
/// back: they enclose nothing.
fn around(area: &Shapes, bounds: &Bounds) -> MultiPolygon<f64> {
    // A little more than the box, so that what is cut does not run along the parcel.
    let (wide, high) = ((bounds.east - bounds.west) * 0.01 + 1e-9, (bounds.north - bounds.south) * 0.01 + 1e-9);
    let (west, east) = (bounds.west - wide, bounds.east + wide);
    let (south, north) = (bounds.south - high, bounds.north + high);
    let rings = area.shape(0).rings().filter_map(|ring| {
        let mut points = ring[..ring.len() - 1].to_vec();
        points = cut(&points, |[x, _]| x - west);
        points = cut(&points, |[x, _]| east - x);
        points = cut(&points, |[_, y]| y - south);
        points = cut(&points, |[_, y]| north - y);
        let line: LineString<f64> = points.into_iter().map(|[x, y]| (x, y)).collect();
        // What even and odd crossings enclose is the same whether a ring is a hole or a polygon.
        (line.0.len() > 2).then(|| Polygon::new(line, Vec::new()))
    });
    MultiPolygon(rings.collect())
}

/// The part of a ring on the side of a line on which `depth` is not below zero.
fn cut(ring: &[[f64; 2]], depth: impl Fn(&[f64; 2]) -> f64) -> Vec<[f64; 2]> {
    let mut kept = Vec::with_capacity(ring.len());
    let Some(mut before) = ring.last() else { return kept };
    for point in ring {
        let (a, b) = (depth(before), depth(point));
        if (a < 0.0) != (b < 0.0) {
            let at = a / (a - b);
            kept.push([before[0] + (point[0] - before[0]) * at, before[1] + (point[1] - before[1]) * at]);
        }
        if b >= 0.0 {
            kept.push(*point);
        }
        before = point;
    }
    kept
}
