//! The edges of an area, in boxes of boxes: which edges lie near a place, and whether a place lies inside. Neighbours on
//! a ring are neighbours in space, so the boxes are built in ring order and nothing has to be sorted.

use super::shapes::{Bounds, Shapes};
use geo::kernels::{Kernel, RobustKernel};
use geo::{Coord, Orientation};
use std::ops::ControlFlow;

/// How many boxes go into the next larger one.
const FAN: usize = 8;

/// The most pieces that all edges together may be cut into. A long slanting edge has a box far larger than itself; cut
/// into pieces, it no longer seems near to everything. The figure bounds the memory of one search to some 20 MB.
const PIECES: usize = 400_000;

/// The widest relative error of interpolating a piece's ends, as degrees: far above an ulp at 180°, far below a µm.
const SLACK: f64 = 1e-12;

/// One edge from a to b.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Edge {
    pub a: [f64; 2],
    pub b: [f64; 2],
    /// The number of its ring among all rings.
    pub ring: u32,
    /// The number of its polygon.
    pub polygon: u32,
    /// Whether it is the first edge of a shell: its start stands for the whole polygon.
    pub opens_polygon: bool,
}

impl Edge {
    pub fn bounds(&self) -> Bounds {
        let mut bounds = Bounds::NOTHING;
        bounds.widen(self.a);
        bounds.widen(self.b);
        bounds
    }
}

/// Where a place lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Inside,
    Boundary,
    Outside,
}

#[derive(Debug)]
pub(super) struct Edges {
    edges: Vec<Edge>,
    /// The edge of each lowest box; an edge in pieces has several, one after another.
    owners: Vec<u32>,
    /// Boxes from the lowest level to the highest.
    levels: Vec<Vec<Bounds>>,
}

impl Edges {
    /// Indexes the edges of the first shape. Edges of no length are left out.
    pub fn of(shapes: &Shapes) -> Self {
        let mut edges = Vec::with_capacity(shapes.points().len());
        let mut ring = 0;
        for (polygon, part) in shapes.shape(0).polygons().enumerate() {
            for (place, points) in part.rings().enumerate() {
                let mut opens_polygon = place == 0;
                // A ring that is one point only (the area of a box without extent) keeps one edge: the point.
                let lonely = points.iter().all(|p| *p == points[0]);
                for pair in points.windows(2) {
                    if pair[0] != pair[1] || (lonely && opens_polygon) {
                        edges.push(Edge { a: pair[0], b: pair[1], ring, polygon: polygon as u32, opens_polygon });
                        opens_polygon = false;
                    }
                }
                ring += 1;
            }
        }
        let (owners, lowest) = pieces(&edges, Bounds::around(shapes.points()));
        let mut levels = vec![lowest];
        while levels[levels.len() - 1].len() > FAN {
            let next = levels[levels.len() - 1]
                .chunks(FAN)
                .map(|boxes| {
                    let mut bounds = Bounds::NOTHING;
                    boxes.iter().for_each(|b| bounds.join(b));
                    bounds
                })
                .collect();
            levels.push(next);
        }
        Self { edges, owners, levels }
    }

    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// Visits every edge whose box meets `bounds`, in ring order, perhaps some others, each once.
    pub fn near(&self, bounds: &Bounds, mut visit: impl FnMut(usize, &Edge) -> ControlFlow<()>) -> ControlFlow<()> {
        let mut last = u32::MAX;
        self.descend(
            |b| b.meets(bounds),
            |owner| {
                if owner == last {
                    return ControlFlow::Continue(());
                }
                last = owner;
                visit(owner as usize, &self.edges[owner as usize])
            },
        )
    }

    /// Where a place lies in the area of all edges, by counting the edges that a ray to the east crosses.
    pub fn locate(&self, [x, y]: [f64; 2]) -> Place {
        self.locate_among([x, y], |_| true)
    }

    /// The same among some of the edges only.
    pub fn locate_among(&self, [x, y]: [f64; 2], counts: impl Fn(&Edge) -> bool) -> Place {
        let ray = Bounds { west: x, south: y, east: f64::INFINITY, north: y };
        let mut inside = false;
        let flow = self.near(&ray, |_, edge| {
            if counts(edge) {
                match crossing([x, y], edge.a, edge.b) {
                    Crossing::On => return ControlFlow::Break(()),
                    Crossing::Yes => inside = !inside,
                    Crossing::No => {}
                }
            }
            ControlFlow::Continue(())
        });
        match (flow, inside) {
            (ControlFlow::Break(()), _) => Place::Boundary,
            (ControlFlow::Continue(()), true) => Place::Inside,
            (ControlFlow::Continue(()), false) => Place::Outside,
        }
    }

    fn descend(
        &self,
        meets: impl Fn(&Bounds) -> bool,
        mut visit: impl FnMut(u32) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        // (level, index) of boxes to look at, the next one last; children are pushed backwards to keep ring order.
        let top = self.levels.len() - 1;
        let mut stack: Vec<(usize, usize)> = (0..self.levels[top].len()).rev().map(|index| (top, index)).collect();
        while let Some((level, index)) = stack.pop() {
            if !meets(&self.levels[level][index]) {
                continue;
            }
            if level == 0 {
                visit(self.owners[index])?;
            } else {
                let children = index * FAN..((index + 1) * FAN).min(self.levels[level - 1].len());
                stack.extend(children.rev().map(|child| (level - 1, child)));
            }
        }
        ControlFlow::Continue(())
    }
}

/// Cuts long slanting edges: the box of each piece, and whose piece it is.
fn pieces(edges: &[Edge], extent: Option<Bounds>) -> (Vec<u32>, Vec<Bounds>) {
    let most = (PIECES / edges.len().max(1)).clamp(1, 64) as f64;
    // An area without extent would otherwise be divided by nothing.
    let step =
        extent.map_or(f64::INFINITY, |e| ((e.east - e.west).max(e.north - e.south) / 64.0).max(f64::MIN_POSITIVE));
    let (mut owners, mut boxes) = (Vec::with_capacity(edges.len()), Vec::with_capacity(edges.len()));
    for (owner, edge) in edges.iter().enumerate() {
        let (dx, dy) = (edge.b[0] - edge.a[0], edge.b[1] - edge.a[1]);
        // A level or upright edge fills its box however long it is.
        let count = (dx.abs().min(dy.abs()) / step).ceil().clamp(1.0, most);
        if count <= 1.0 {
            owners.push(owner as u32);
            boxes.push(edge.bounds());
            continue;
        }
        let whole = edge.bounds();
        for piece in 0..count as u32 {
            let mut bounds = Bounds::NOTHING;
            for at in [f64::from(piece) / count, f64::from(piece + 1) / count] {
                bounds.widen([edge.a[0] + dx * at, edge.a[1] + dy * at]);
            }
            owners.push(owner as u32);
            boxes.push(Bounds {
                west: (bounds.west - SLACK).max(whole.west),
                south: (bounds.south - SLACK).max(whole.south),
                east: (bounds.east + SLACK).min(whole.east),
                north: (bounds.north + SLACK).min(whole.north),
            });
        }
    }
    (owners, boxes)
}

/// What a ray from a place to the east makes of an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Crossing {
    On,
    Yes,
    No,
}

fn crossing(p: [f64; 2], a: [f64; 2], b: [f64; 2]) -> Crossing {
    let within = |low: f64, high: f64, value: f64| low.min(high) <= value && value <= low.max(high);
    if !within(a[1], b[1], p[1]) || (p[0] > a[0] && p[0] > b[0]) {
        return Crossing::No;
    }
    let side = turn(a, b, p);
    if side == Orientation::Collinear && within(a[0], b[0], p[0]) {
        return Crossing::On;
    }
    // Half open in y, so that a ray through a corner counts the two edges there once.
    if (a[1] > p[1]) == (b[1] > p[1]) {
        return Crossing::No;
    }
    let upward = b[1] > a[1];
    let place_is_west = (side == Orientation::CounterClockwise) == upward;
    if place_is_west && side != Orientation::Collinear { Crossing::Yes } else { Crossing::No }
}

/// Where a place lies in one polygon given by its closed rings.
pub(super) fn locate_in<'a>(rings: impl Iterator<Item = &'a [[f64; 2]]>, place: [f64; 2]) -> Place {
    let mut inside = false;
    for ring in rings {
        for pair in ring.windows(2) {
            match crossing(place, pair[0], pair[1]) {
                Crossing::On => return Place::Boundary,
                Crossing::Yes => inside = !inside,
                Crossing::No => {}
            }
        }
    }
    if inside { Place::Inside } else { Place::Outside }
}

/// On which side of a→b the place lies, without rounding error.
pub(super) fn turn(a: [f64; 2], b: [f64; 2], place: [f64; 2]) -> Orientation {
    let coord = |[x, y]: [f64; 2]| Coord { x, y };
    RobustKernel::orient2d(coord(a), coord(b), coord(place))
}

/// Whether two closed segments have a point in common.
pub(super) fn segments_meet(a: [f64; 2], b: [f64; 2], c: [f64; 2], d: [f64; 2]) -> bool {
    if a[0].max(b[0]) < c[0].min(d[0])
        || c[0].max(d[0]) < a[0].min(b[0])
        || a[1].max(b[1]) < c[1].min(d[1])
        || c[1].max(d[1]) < a[1].min(b[1])
    {
        return false;
    }
    // The boxes meet. Each segment must have the ends of the other not strictly on one side; where all four are in
    // line, the meeting boxes decide.
    straddles(a, b, c, d) && straddles(c, d, a, b)
}

fn straddles(a: [f64; 2], b: [f64; 2], c: [f64; 2], d: [f64; 2]) -> bool {
    let side = turn(a, b, c);
    side == Orientation::Collinear || side != turn(a, b, d)
}
