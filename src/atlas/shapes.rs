//! Many shapes in flat arrays: coordinates once, and where each ring, polygon and shape ends. It knows points and rings,
//! not whose they are.

use geo_types::{LineString, MultiPolygon, Polygon};
use std::ops::Range;

/// A box of longitudes and latitudes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// The least longitude.
    pub west: f64,
    /// The least latitude.
    pub south: f64,
    /// The greatest longitude.
    pub east: f64,
    /// The greatest latitude.
    pub north: f64,
}

impl Bounds {
    /// The box of nothing, which any point widens.
    pub(super) const NOTHING: Self =
        Self { west: f64::INFINITY, south: f64::INFINITY, east: f64::NEG_INFINITY, north: f64::NEG_INFINITY };

    /// The smallest box around the points, or `None` where there are none.
    pub(super) fn around<'a>(points: impl IntoIterator<Item = &'a [f64; 2]>) -> Option<Self> {
        let mut bounds = Self::NOTHING;
        for point in points {
            bounds.widen(*point);
        }
        (bounds.west <= bounds.east).then_some(bounds)
    }

    pub(super) fn widen(&mut self, [x, y]: [f64; 2]) {
        self.west = self.west.min(x);
        self.south = self.south.min(y);
        self.east = self.east.max(x);
        self.north = self.north.max(y);
    }

    pub(super) fn join(&mut self, other: &Self) {
        self.west = self.west.min(other.west);
        self.south = self.south.min(other.south);
        self.east = self.east.max(other.east);
        self.north = self.north.max(other.north);
    }

    /// Whether the two have a point in common, their edges included.
    pub fn meets(&self, other: &Self) -> bool {
        self.west <= other.east && other.west <= self.east && self.south <= other.north && other.south <= self.north
    }

    /// Whether the other lies wholly in this one, edges included.
    pub fn covers(&self, other: &Self) -> bool {
        self.west <= other.west && other.east <= self.east && self.south <= other.south && other.north <= self.north
    }

    pub(super) fn holds(&self, [x, y]: [f64; 2]) -> bool {
        self.west <= x && x <= self.east && self.south <= y && y <= self.north
    }

    /// West, south, east, north.
    pub fn to_array(self) -> [f64; 4] {
        [self.west, self.south, self.east, self.north]
    }
}

/// Shapes one after another. Rings are closed: the first point is repeated at the end.
#[derive(Debug, Default)]
pub(super) struct Shapes {
    points: Vec<[f64; 2]>,
    ring_ends: Vec<u32>,
    polygon_ends: Vec<u32>,
    shape_ends: Vec<u32>,
}

impl Shapes {
    /// One shape of one closed ring.
    pub fn of_ring(points: impl IntoIterator<Item = [f64; 2]>) -> Self {
        let mut shapes = Self::default();
        shapes.push_ring(points);
        shapes.end_polygon();
        shapes.end_shape();
        shapes
    }

    /// Adds a shape and returns its box, or `None` where it is empty.
    pub fn push(&mut self, shape: &MultiPolygon<f64>) -> Option<Bounds> {
        let first = self.points.len();
        for polygon in shape {
            for ring in std::iter::once(polygon.exterior()).chain(polygon.interiors()) {
                // A ring of no points is how geo-types writes an empty polygon; it holds no land.
                if ring.0.is_empty() {
                    continue;
                }
                self.push_ring(ring.0.iter().map(|c| [c.x, c.y]));
            }
            self.end_polygon();
        }
        self.end_shape();
        Bounds::around(&self.points[first..])
    }

    pub fn push_ring(&mut self, points: impl IntoIterator<Item = [f64; 2]>) {
        self.points.extend(points);
        self.ring_ends.push(end(self.points.len()));
    }

    pub fn end_polygon(&mut self) {
        if self.polygon_ends.last().map_or(0, |e| *e as usize) < self.ring_ends.len() {
            self.polygon_ends.push(end(self.ring_ends.len()));
        }
    }

    pub fn end_shape(&mut self) {
        self.shape_ends.push(end(self.polygon_ends.len()));
    }

    /// Every point, in order.
    pub fn points(&self) -> &[[f64; 2]] {
        &self.points
    }

    /// The shape that was added as the `index`-th.
    pub fn shape(&self, index: usize) -> ShapeRef<'_> {
        ShapeRef { shapes: self, polygons: span(&self.shape_ends, index) }
    }

    pub fn shrink(&mut self) {
        self.points.shrink_to_fit();
        self.ring_ends.shrink_to_fit();
        self.polygon_ends.shrink_to_fit();
        self.shape_ends.shrink_to_fit();
    }

    pub fn bytes(&self) -> usize {
        self.points.capacity() * 16
            + (self.ring_ends.capacity() + self.polygon_ends.capacity() + self.shape_ends.capacity()) * 4
    }
}

/// The builder refuses a city whose points do not fit before they come here, so the cast loses nothing.
fn end(length: usize) -> u32 {
    length as u32
}

fn span(ends: &[u32], index: usize) -> Range<usize> {
    let start = if index == 0 { 0 } else { ends[index - 1] as usize };
    start..ends[index] as usize
}

/// One shape: none, one or several polygons.
#[derive(Debug, Clone)]
pub struct ShapeRef<'a> {
    shapes: &'a Shapes,
    polygons: Range<usize>,
}

impl<'a> ShapeRef<'a> {
    /// Its polygons.
    pub fn polygons(&self) -> impl ExactSizeIterator<Item = PolygonRef<'a>> + use<'a> {
        let shapes = self.shapes;
        self.polygons.clone().map(move |index| PolygonRef { shapes, rings: span(&shapes.polygon_ends, index) })
    }

    /// It as others take shapes.
    pub fn to_multi_polygon(&self) -> MultiPolygon<f64> {
        let ring = |points: &[[f64; 2]]| points.iter().map(|[x, y]| (*x, *y)).collect::<LineString<f64>>();
        let polygons = self.polygons().map(|polygon| {
            let mut rings = polygon.rings().map(ring);
            // A polygon without a ring was not packed.
            Polygon::new(rings.next().unwrap_or_else(|| LineString(Vec::new())), rings.collect())
        });
        MultiPolygon(polygons.collect())
    }

    /// Its rings, whichever polygon they belong to.
    pub fn rings(&self) -> impl Iterator<Item = &'a [[f64; 2]]> + use<'a> {
        self.polygons().flat_map(|polygon| polygon.rings())
    }
}

/// One polygon.
#[derive(Debug, Clone)]
pub struct PolygonRef<'a> {
    shapes: &'a Shapes,
    rings: Range<usize>,
}

impl<'a> PolygonRef<'a> {
    /// Its rings, each closed: the shell, then the holes.
    pub fn rings(&self) -> impl ExactSizeIterator<Item = &'a [[f64; 2]]> + use<'a> {
        let shapes = self.shapes;
        self.rings.clone().map(move |index| &shapes.points[span(&shapes.ring_ends, index)])
    }

    /// Where its rings begin in the array of all points.
    pub(super) fn ring_spans(&self) -> impl Iterator<Item = Range<usize>> + use<'a> {
        let shapes = self.shapes;
        self.rings.clone().map(move |index| span(&shapes.ring_ends, index))
    }
}
