//! Whether the rings of an area have one clear inside: none meets itself, none crosses another, holes lie in their
//! polygon and polygons apart. It names the place of the first fault and mends nothing.

use super::edges::{Edge, Edges, Place, segments_meet, turn};
use super::selection::{SelectionError, ring_name};
use super::shapes::Shapes;
use geo::Orientation::Collinear;
use std::ops::{ControlFlow, Range};

/// The most pairs of edges that are compared. An honest area needs some ten for each edge, at most a million in all; a comb of 100,000 long
/// slanting teeth would need billions, and minutes.
const MOST_PAIRS: usize = 5_000_000;

/// One ring's edges and its name.
struct Ring {
    edges: Range<usize>,
    polygon: usize,
    place: usize,
}

impl Ring {
    fn name(&self) -> String {
        ring_name(self.polygon, self.place)
    }
}

pub(super) fn check(shapes: &Shapes, edges: &Edges) -> Result<(), SelectionError> {
    let rings = rings(shapes, edges)?;
    pairs(edges, &rings)?;
    if rings.len() > 1 {
        nesting(edges, &rings)?;
    }
    Ok(())
}

fn rings(shapes: &Shapes, edges: &Edges) -> Result<Vec<Ring>, SelectionError> {
    let mut rings = Vec::new();
    let mut start = 0;
    for (polygon, part) in shapes.shape(0).polygons().enumerate() {
        for (place, points) in part.rings().enumerate() {
            let number = rings.len() as u32;
            let count = edges.edges()[start..].iter().take_while(|edge| edge.ring == number).count();
            let ring = Ring { edges: start..start + count, polygon, place };
            // Two edges go and come back the same way, and one is a point; neither encloses anything.
            if count < 3 {
                let [x, y] = points[0];
                return Err(SelectionError::SelfIntersection { at: ring.name(), x, y });
            }
            start += count;
            rings.push(ring);
        }
    }
    Ok(rings)
}

fn pairs(edges: &Edges, rings: &[Ring]) -> Result<(), SelectionError> {
    let mut compared = 0;
    for (index, edge) in edges.edges().iter().enumerate() {
        let mut fault = None;
        let _ = edges.near(&edge.bounds(), |other_index, other| {
            if other_index <= index {
                return ControlFlow::Continue(());
            }
            compared += 1;
            fault = compare(rings, (index, edge), (other_index, other));
            if fault.is_some() || compared > MOST_PAIRS { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        if let Some(fault) = fault {
            return Err(fault);
        }
        if compared > MOST_PAIRS {
            return Err(SelectionError::TooIntricate { edges: edges.edges().len() });
        }
    }
    Ok(())
}

/// What is wrong between two edges, the first before the second.
fn compare(rings: &[Ring], (i, e): (usize, &Edge), (j, f): (usize, &Edge)) -> Option<SelectionError> {
    if !segments_meet(e.a, e.b, f.a, f.b) {
        return None;
    }
    let ring = &rings[e.ring as usize];
    if e.ring == f.ring {
        let own = |[x, y]: [f64; 2]| Some(SelectionError::SelfIntersection { at: ring.name(), x, y });
        if j == i + 1 {
            return if folds_back(e.a, e.b, f.b) { own(e.b) } else { None };
        }
        if i == ring.edges.start && j + 1 == ring.edges.end {
            return if folds_back(f.a, f.b, e.b) { own(e.a) } else { None };
        }
        return own(meeting_place(e, f));
    }
    let sides = [turn(e.a, e.b, f.a), turn(e.a, e.b, f.b), turn(f.a, f.b, e.a), turn(f.a, f.b, e.b)];
    let crosses = sides.iter().all(|side| *side != Collinear);
    let overlaps = sides.iter().all(|side| *side == Collinear) && more_than_a_point(e, f);
    if !crosses && !overlaps {
        return None;
    }
    let [x, y] = meeting_place(e, f);
    Some(SelectionError::RingsCross { at: ring.name(), other: rings[f.ring as usize].name(), x, y })
}

/// Whether the way a→corner→b goes back over itself.
fn folds_back(a: [f64; 2], corner: [f64; 2], b: [f64; 2]) -> bool {
    let forward = (a[0] - corner[0]) * (b[0] - corner[0]) + (a[1] - corner[1]) * (b[1] - corner[1]);
    turn(a, corner, b) == Collinear && forward > 0.0
}

/// Whether two segments in one line that meet share more than one point.
fn more_than_a_point(e: &Edge, f: &Edge) -> bool {
    let axis = usize::from((e.b[0] - e.a[0]).abs() < (e.b[1] - e.a[1]).abs());
    let low = e.a[axis].min(e.b[axis]).max(f.a[axis].min(f.b[axis]));
    let high = e.a[axis].max(e.b[axis]).min(f.a[axis].max(f.b[axis]));
    low < high
}

/// Where two meeting edges meet, near enough to find it on a map.
fn meeting_place(e: &Edge, f: &Edge) -> [f64; 2] {
    let (ex, ey, fx, fy) = (e.b[0] - e.a[0], e.b[1] - e.a[1], f.b[0] - f.a[0], f.b[1] - f.a[1]);
    let cross = ex * fy - ey * fx;
    let at = ((f.a[0] - e.a[0]) * fy - (f.a[1] - e.a[1]) * fx) / cross;
    if at.is_finite() {
        let at = at.clamp(0.0, 1.0);
        return [e.a[0] + ex * at, e.a[1] + ey * at];
    }
    // In one line: an end of one lies on the other.
    if f.bounds().holds(e.a) { e.a } else { f.a }
}

/// Rings that touch in points only may still lie in the wrong place, or cross exactly at a corner.
fn nesting(edges: &Edges, rings: &[Ring]) -> Result<(), SelectionError> {
    for (number, ring) in rings.iter().enumerate() {
        let number = number as u32;
        let is_hole = ring.place > 0;
        let fault = |[x, y]: [f64; 2]| {
            let at = ring.name();
            if is_hole {
                SelectionError::HoleOutside { at, x, y }
            } else {
                SelectionError::PolygonsOverlap { at, x, y }
            }
        };
        // By the count of all other rings around it a hole lies in an odd number, a shell in an even one.
        let wrong = if is_hole { Place::Outside } else { Place::Inside };
        let around = |place| edges.locate_among(place, |edge| edge.ring != number);
        let mut sample = None;
        let mut last_on_boundary = false;
        for edge in &edges.edges()[ring.edges.clone()] {
            let place = around(edge.a);
            if place == wrong {
                return Err(fault(edge.a));
            }
            if place != Place::Boundary {
                sample = Some(edge.a);
            } else if last_on_boundary || around(edge.b) == Place::Boundary {
                // From boundary to boundary the edge may run through the wrong side.
                let middle = [(edge.a[0] + edge.b[0]) / 2.0, (edge.a[1] + edge.b[1]) / 2.0];
                if around(middle) == wrong {
                    return Err(fault(middle));
                }
                sample = sample.or(Some(middle));
            }
            last_on_boundary = place == Place::Boundary;
        }
        // An odd count alone could come from another polygon's shell.
        if is_hole && let Some(sample) = sample {
            let shell = number - ring.place as u32;
            if edges.locate_among(sample, |edge| edge.ring == shell) == Place::Outside {
                return Err(fault(sample));
            }
        }
    }
    Ok(())
}
