//! A shape on the grid of one tile: thinned, simplified, valid and clipped. It knows whole numbers in a square, with y
//! downwards, and no attribute.

use super::encode::{Commands, EXTENT};
use crate::atlas::shapes::{PolygonRef, ShapeRef};
use i_overlay::core::fill_rule::FillRule;
use i_overlay::core::overlay::{IntOverlayOptions, Overlay, ShapeType};
use i_overlay::core::overlay_rule::OverlayRule;
use i_overlay::i_float::int::point::IntPoint;

/// How far a tile reaches beyond its edge, so that outlines meet there unseen.
pub(super) const MARGIN: u16 = 64;

/// The width of a screen pixel in a tile's units; maps show a tile on 512 pixels.
const PIXEL: f64 = 8.0;

/// A shape of less than a pixel is no longer drawn as itself.
const TINY: f64 = PIXEL * PIXEL;

/// The side of the dot that stands for tiny shapes: larger than a pixel, so that fewer need to be drawn for the same land.
const DOT: f64 = 12.0;

/// Up to so many corners a polygon is tested for crossing itself pair by pair, which is quicker than asking for it to be
/// put in order.
const FEW_CORNERS: usize = 48;

/// Beyond this the grid's whole numbers might overflow when multiplied; a shape that far out is cut first.
const FAR: f64 = 1_048_576.0;

/// Which square of the world the grid covers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    west: f64,
    north: f64,
    /// Units of the tile for a unit of the ground.
    scale: f64,
    /// How far a corner may stray when an outline is simplified, in units.
    tolerance: f64,
}

impl Frame {
    pub fn of(z: u8, x: u32, y: u32) -> Self {
        let side = (32.0 - f64::from(z)).exp2();
        Self {
            west: f64::from(x) * side,
            north: f64::from(y) * side,
            scale: f64::from(EXTENT) / side,
            // Half a pixel while the city is seen as a whole, a quarter where blocks are, nothing where parcels are.
            tolerance: match z {
                0..=11 => 4.0,
                12..=13 => 2.0,
                14 => 1.0,
                _ => 0.0,
            },
        }
    }

    fn place(&self, [x, y]: [u32; 2]) -> [f64; 2] {
        [(f64::from(x) - self.west) * self.scale, (f64::from(y) - self.north) * self.scale]
    }
}

type Point = [i32; 2];

const LOW: i32 = -(MARGIN as i32);
const HIGH: i32 = EXTENT as i32 + MARGIN as i32;

/// Draws shapes one after another, with its buffers kept.
pub(super) struct Outline {
    frame: Frame,
    commands: Commands,
    places: Vec<[f64; 2]>,
    rings: Vec<Vec<Point>>,
}

impl Outline {
    pub fn new(frame: Frame) -> Self {
        Self { frame, commands: Commands::default(), places: Vec::new(), rings: Vec::new() }
    }

    /// The drawing commands of a shape, or `None` where nothing of it is seen here. `ground` has its projected points.
    ///
    /// A shape too small to be seen is not drawn as itself. It becomes a dot as often as its area is a part of a
    /// dot's, so that a city of tiny parcels stays as full as it is; the lot is drawn from its code, so that every tile
    /// and every load decides alike.
    pub fn draw(&mut self, shape: &ShapeRef<'_>, ground: &[[u32; 2]], code: &str) -> Option<&[u32]> {
        self.commands.clear();
        let area = shape.polygons().map(|polygon| self.area(&polygon, ground)).sum::<f64>();
        if area < TINY {
            if lot(code) * DOT * DOT < area {
                self.dot(shape, ground);
            }
        } else {
            for polygon in shape.polygons() {
                self.polygon(&polygon, ground);
            }
        }
        let words = self.commands.words();
        (!words.is_empty()).then_some(words)
    }

    /// The area of a polygon on the grid, holes taken out.
    fn area(&self, polygon: &PolygonRef<'_>, ground: &[[u32; 2]]) -> f64 {
        let mut area = 0.0;
        for (place, span) in polygon.ring_spans().enumerate() {
            let points = &ground[span];
            let base = points[0].map(f64::from);
            let relative = |point: [u32; 2]| [f64::from(point[0]) - base[0], f64::from(point[1]) - base[1]];
            let mut twice = 0.0;
            for pair in points.windows(2) {
                let (a, b) = (relative(pair[0]), relative(pair[1]));
                twice += a[0] * b[1] - b[0] * a[1];
            }
            let own = twice.abs() / 2.0 * self.frame.scale * self.frame.scale;
            area += if place == 0 { own } else { -own };
        }
        area.max(0.0)
    }

    /// A dot in the middle of the shape's box.
    fn dot(&mut self, shape: &ShapeRef<'_>, ground: &[[u32; 2]]) {
        let (mut low, mut high) = ([u32::MAX; 2], [0; 2]);
        for point in shape.polygons().flat_map(|polygon| polygon.ring_spans()).flat_map(|span| &ground[span]) {
            for axis in [0, 1] {
                low[axis] = low[axis].min(point[axis]);
                high[axis] = high[axis].max(point[axis]);
            }
        }
        let (a, b) = (self.frame.place(low), self.frame.place(high));
        let corner = [0, 1].map(|axis| ((a[axis] + b[axis] - DOT) / 2.0).floor());
        let [west, north] = corner.map(|value| (value as i32).max(LOW));
        let [east, south] = corner.map(|value| ((value + DOT) as i32).min(HIGH));
        if west < east && north < south {
            self.commands.ring([[west, north], [east, north], [east, south], [west, south]].into_iter());
        }
    }

    fn polygon(&mut self, polygon: &PolygonRef<'_>, ground: &[[u32; 2]]) {
        self.rings.clear();
        let mut inside = true;
        for (place, span) in polygon.ring_spans().enumerate() {
            self.places.clear();
            self.places.extend(ground[span].iter().map(|point| self.frame.place(*point)));
            if self.places.iter().any(|place| place[0].abs().max(place[1].abs()) > FAR) {
                cut(&mut self.places, FAR / 2.0);
            }
            let mut ring: Vec<Point> = Vec::with_capacity(self.places.len());
            for place in &self.places {
                let point = place.map(|value| value.round() as i32);
                if ring.last() != Some(&point) {
                    ring.push(point);
                }
            }
            if ring.len() > 1 && ring.first() == ring.last() {
                ring.pop();
            }
            simplify(&mut ring, self.frame.tolerance);
            let area = twice_area(&ring).unsigned_abs();
            // A hole too small to be seen goes; a shell that lost its inside takes the polygon with it.
            if area == 0 || (place > 0 && (area as f64) < 0.6 * TINY) {
                if place == 0 {
                    return;
                }
                continue;
            }
            inside &= ring.iter().all(|[x, y]| (LOW..=HIGH).contains(x) && (LOW..=HIGH).contains(y));
            self.rings.push(ring);
        }
        if inside && is_plain(&self.rings) {
            for place in 0..self.rings.len() {
                write_ring(&mut self.commands, &self.rings[place], place > 0);
            }
        } else {
            self.put_in_order();
        }
    }

    /// Clips to the tile and unties what rounding tied: the way through for the few shapes that need it.
    fn put_in_order(&mut self) {
        let corners = self.rings.iter().map(Vec::len).sum::<usize>() + 4;
        let mut overlay = Overlay::new_custom(corners, IntOverlayOptions::ogc(), Default::default());
        for ring in &self.rings {
            overlay.add_path_iter(ring.iter().map(|[x, y]| IntPoint::new(*x, *y)), ShapeType::Subject);
        }
        let frame = [[LOW, LOW], [HIGH, LOW], [HIGH, HIGH], [LOW, HIGH]];
        overlay.add_path_iter(frame.iter().map(|[x, y]| IntPoint::new(*x, *y)), ShapeType::Clip);
        for shape in overlay.overlay(OverlayRule::Intersect, FillRule::EvenOdd) {
            for (place, contour) in shape.iter().enumerate() {
                let ring: Vec<Point> = contour.iter().map(|point| [point.x, point.y]).collect();
                if ring.len() >= 3 && twice_area(&ring) != 0 {
                    write_ring(&mut self.commands, &ring, place > 0);
                } else if place == 0 {
                    break;
                }
            }
        }
    }
}

fn write_ring(commands: &mut Commands, ring: &[Point], is_hole: bool) {
    if (twice_area(ring) > 0) == is_hole {
        commands.ring(ring.iter().rev().copied());
    } else {
        commands.ring(ring.iter().copied());
    }
}

/// Twice the area of an open ring, positive where it runs clockwise as seen with y downwards.
fn twice_area(ring: &[Point]) -> i64 {
    let Some(last) = ring.last() else { return 0 };
    let mut twice = 0;
    let mut before = last;
    for point in ring {
        twice += i64::from(before[0]) * i64::from(point[1]) - i64::from(point[0]) * i64::from(before[1]);
        before = point;
    }
    twice
}

/// A number from 0 to 1 that a code always draws alike (FNV-1a, its bits then well mixed).
fn lot(code: &str) -> f64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in code.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash = (hash ^ hash >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ hash >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^= hash >> 31;
    (hash >> 11) as f64 / (1_u64 << 53) as f64
}

/// Cuts a closed ring to the box of ±limit, side by side. Pieces stay joined along the box, which lies far out of sight.
fn cut(places: &mut Vec<[f64; 2]>, limit: f64) {
    for (axis, sign) in [(0, 1.0), (0, -1.0), (1, 1.0), (1, -1.0)] {
        let depth = |place: &[f64; 2]| limit - sign * place[axis];
        let mut kept = Vec::with_capacity(places.len() + 8);
        for pair in places.windows(2) {
            let (a, b) = (depth(&pair[0]), depth(&pair[1]));
            if a >= 0.0 {
                kept.push(pair[0]);
            }
            if (a < 0.0) != (b < 0.0) {
                let at = a / (a - b);
                let mut crossing = [0, 1].map(|i| pair[0][i] + (pair[1][i] - pair[0][i]) * at);
                crossing[axis] = sign * limit;
                kept.push(crossing);
            }
        }
        kept.extend(kept.first().copied());
        *places = kept;
    }
}

/// Douglas and Peucker on an open ring, from its first corner and the corner farthest from that.
fn simplify(ring: &mut Vec<Point>, tolerance: f64) {
    if tolerance <= 0.0 || ring.len() <= 4 {
        return;
    }
    let distance = |a: Point, b: Point| (f64::from(a[0] - b[0])).hypot(f64::from(a[1] - b[1]));
    let mut far = 0;
    for index in 1..ring.len() {
        if distance(ring[0], ring[index]) > distance(ring[0], ring[far]) {
            far = index;
        }
    }
    let mut keep = vec![false; ring.len()];
    keep[0] = true;
    keep[far] = true;
    let mut spans = vec![(0, far), (far, ring.len())];
    while let Some((from, to)) = spans.pop() {
        let (a, b) = (ring[from], ring[to % ring.len()]);
        let mut farthest = (0.0, 0);
        for (index, point) in ring.iter().enumerate().take(to).skip(from + 1) {
            let away = distance_to_segment(*point, a, b);
            if away > farthest.0 {
                farthest = (away, index);
            }
        }
        if farthest.0 > tolerance {
            keep[farthest.1] = true;
            spans.extend([(from, farthest.1), (farthest.1, to)]);
        }
    }
    if keep.iter().filter(|kept| **kept).count() >= 3 {
        let mut kept = keep.iter();
        ring.retain(|_| kept.next().is_some_and(|kept| *kept));
    }
}

fn distance_to_segment(point: Point, a: Point, b: Point) -> f64 {
    let [px, py] = [0, 1].map(|axis| f64::from(point[axis] - a[axis]));
    let [dx, dy] = [0, 1].map(|axis| f64::from(b[axis] - a[axis]));
    let length = dx * dx + dy * dy;
    let at = if length > 0.0 { ((px * dx + py * dy) / length).clamp(0.0, 1.0) } else { 0.0 };
    (px - dx * at).hypot(py - dy * at)
}

/// Whether no two edges of the rings meet but neighbours at their corner. Says no where there are too many to try.
fn is_plain(rings: &[Vec<Point>]) -> bool {
    if rings.iter().map(Vec::len).sum::<usize>() > FEW_CORNERS {
        return false;
    }
    let edge = |ring: &[Point], index: usize| (ring[index], ring[(index + 1) % ring.len()]);
    for (number, ring) in rings.iter().enumerate() {
        for index in 0..ring.len() {
            let (a, b) = edge(ring, index);
            for other in index + 1..ring.len() {
                let (c, d) = edge(ring, other);
                let met = if other == index + 1 {
                    folds_back(a, b, d)
                } else if index == 0 && other + 1 == ring.len() {
                    folds_back(c, d, b)
                } else {
                    meet(a, b, c, d)
                };
                if met {
                    return false;
                }
            }
            for other_ring in &rings[number + 1..] {
                for other in 0..other_ring.len() {
                    let (c, d) = edge(other_ring, other);
                    if meet(a, b, c, d) {
                        return false;
                    }
                }
            }
        }
    }
    true
}

fn cross(a: Point, b: Point, c: Point) -> i64 {
    let step = |from: Point, to: Point| [0, 1].map(|axis| i64::from(to[axis]) - i64::from(from[axis]));
    let (ab, ac) = (step(a, b), step(a, c));
    ab[0] * ac[1] - ab[1] * ac[0]
}

/// Whether the way a→corner→b goes back over itself.
fn folds_back(a: Point, corner: Point, b: Point) -> bool {
    let forward: i64 = [0, 1].iter().map(|i| i64::from(a[*i] - corner[*i]) * i64::from(b[*i] - corner[*i])).sum();
    cross(a, corner, b) == 0 && forward > 0
}

fn meet(a: Point, b: Point, c: Point, d: Point) -> bool {
    let apart =
        |axis: usize| a[axis].max(b[axis]) < c[axis].min(d[axis]) || c[axis].max(d[axis]) < a[axis].min(b[axis]);
    if apart(0) || apart(1) {
        return false;
    }
    cross(a, b, c).signum() * cross(a, b, d).signum() <= 0 && cross(c, d, a).signum() * cross(c, d, b).signum() <= 0
}
