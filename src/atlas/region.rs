//! The exact question "does this parcel have a point in common with that area?", edges and corners included. The answer
//! is PostGIS's `ST_Intersects`; the cost is that of the edges near the parcel, not of the whole area.

use super::edges::{Edges, Place, locate_in, segments_meet};
use super::shapes::{Bounds, ShapeRef, Shapes};
use std::ops::ControlFlow;

/// An area made ready for many questions.
#[derive(Debug)]
pub(super) struct Region {
    bounds: Bounds,
    edges: Edges,
    /// The area is its own box: what lies in the box lies in the area.
    is_box: bool,
}

impl Region {
    pub fn of_box(bounds: Bounds) -> Self {
        let Bounds { west, south, east, north } = bounds;
        let mut shapes = Shapes::default();
        shapes.push_ring([[west, south], [east, south], [east, north], [west, north], [west, south]]);
        shapes.end_polygon();
        shapes.end_shape();
        Self { bounds, edges: Edges::of(&shapes), is_box: true }
    }

    /// An area of one shape that was found valid.
    pub fn of_area(edges: Edges, bounds: Bounds) -> Self {
        Self { bounds, edges, is_box: false }
    }

    pub fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// Whether the shape, whose box is `envelope`, has a point in common with the area.
    ///
    /// 1. Where no edge of the area comes near the shape's box, the box lies wholly inside or outside: one point tells.
    /// 2. Where two edges meet, the answer is yes.
    /// 3. Otherwise no boundary meets the other, so a part of one that reaches into the other lies wholly in it: one
    ///    point of each polygon tells, of the shape's in the area and of the area's in the shape.
    pub fn meets(&self, shape: &ShapeRef<'_>, envelope: &Bounds) -> bool {
        if self.is_box && self.bounds.covers(envelope) {
            return true;
        }
        let mut near = false;
        let met = self.edges.near(envelope, |_, edge| {
            near = true;
            let edge_bounds = edge.bounds();
            if !edge_bounds.meets(envelope) {
                return ControlFlow::Continue(());
            }
            for ring in shape.rings() {
                for pair in ring.windows(2) {
                    if segments_meet(pair[0], pair[1], edge.a, edge.b) {
                        return ControlFlow::Break(());
                    }
                }
            }
            // The opening edge of a polygon inside the shape is always among those near it.
            if edge.opens_polygon
                && envelope.holds(edge.a)
                && shape.polygons().any(|polygon| locate_in(polygon.rings(), edge.a) == Place::Inside)
            {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        if met.is_break() {
            return true;
        }
        let mut corners = shape.polygons().filter_map(|polygon| polygon.rings().next()).map(|shell| shell[0]);
        if near {
            corners.any(|corner| self.edges.locate(corner) != Place::Outside)
        } else {
            corners.next().is_some_and(|corner| self.edges.locate(corner) != Place::Outside)
        }
    }
}
