//! The exact question "does this parcel have a point in common with that area?", edges and corners included. The answer
//! is PostGIS's `ST_Intersects`; the cost is that of the edges near the parcel, not of the whole area.

use super::edges::{Edges, Place, locate_in, segments_meet};
use super::shapes::{Bounds, ShapeRef, Shapes};
use std::cell::Cell;
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
        let shapes = Shapes::of_ring([[west, south], [east, south], [east, north], [west, north], [west, south]]);
        Self { bounds, edges: Edges::of(&shapes), is_box: true }
    }

    /// An area of one shape that was found valid.
    pub fn of_area(edges: Edges, bounds: Bounds) -> Self {
        Self { bounds, edges, is_box: false }
    }

    pub fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// Whether all that lies in the box lies in the area, as far as the box of the area tells.
    pub fn is_box_around(&self, envelope: &Bounds) -> bool {
        self.is_box && self.bounds.covers(envelope)
    }

    /// Whether the shape, whose box is `envelope`, has a point in common with the area.
    ///
    /// 1. Where no edge of the area comes near the shape's box, the box lies wholly inside or outside: one point tells.
    /// 2. Where two edges meet, the answer is yes.
    /// 3. Otherwise no boundary meets the other, so a part of one that reaches into the other lies wholly in it: one
    ///    point of each polygon tells, of the shape's in the area and of the area's in the shape.
    pub fn meets(&self, shape: &ShapeRef<'_>, envelope: &Bounds) -> bool {
        if self.is_box_around(envelope) {
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

/// How many parcels a cell of the grid should serve, so that looking it up first pays.
const PARCELS_PER_CELL: usize = 16;
/// The most cells along each side of the grid.
const MOST_CELLS: usize = 128;

/// What a cell of the grid is known to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ground {
    Unknown,
    Inside,
    Outside,
    /// An edge of the area comes near.
    Mixed,
}

/// A coarse grid over a large area for one search: most parcels lie in cells that no edge comes near, and what holds
/// for one of them holds for all. Cells are looked at when they are first asked for.
pub(super) struct Grid<'a> {
    region: &'a Region,
    side: usize,
    width: f64,
    height: f64,
    cells: Vec<Cell<Ground>>,
}

impl Region {
    /// A grid for a search of so many parcels; of no cells where it wouldn't pay.
    pub fn grid(&self, parcels: usize) -> Grid<'_> {
        let side = ((parcels / PARCELS_PER_CELL) as f64).sqrt() as usize;
        let side = if self.is_box || side < 4 { 0 } else { side.min(MOST_CELLS) };
        let part = |low: f64, high: f64| (high - low) / side.max(1) as f64;
        Grid {
            region: self,
            side,
            width: part(self.bounds.west, self.bounds.east),
            height: part(self.bounds.south, self.bounds.north),
            cells: vec![Cell::new(Ground::Unknown); side * side],
        }
    }
}

impl Grid<'_> {
    /// Whether all that lies in the box lies in the area; `None` where the cells alone don't tell.
    pub fn verdict(&self, envelope: &Bounds) -> Option<bool> {
        if self.side == 0 || !self.region.bounds.covers(envelope) {
            return None;
        }
        let Bounds { west, south, .. } = self.region.bounds;
        // A float beyond the last cell by rounding, or none at all, is brought back into the grid.
        let cell = |value: f64, low: f64, size: f64| (((value - low) / size) as usize).min(self.side - 1);
        let (first, last) = (cell(envelope.west, west, self.width), cell(envelope.east, west, self.width));
        let (bottom, top) = (cell(envelope.south, south, self.height), cell(envelope.north, south, self.height));
        if last - first > 1 || top - bottom > 1 {
            return None;
        }
        let verdict = self.look(first, bottom);
        let same = (bottom..=top).all(|row| (first..=last).all(|column| self.look(column, row) == verdict));
        match verdict {
            Ground::Inside if same => Some(true),
            Ground::Outside if same => Some(false),
            _ => None,
        }
    }

    fn look(&self, column: usize, row: usize) -> Ground {
        let cell = &self.cells[row * self.side + column];
        if cell.get() == Ground::Unknown {
            cell.set(self.survey(column, row));
        }
        cell.get()
    }

    fn survey(&self, column: usize, row: usize) -> Ground {
        let Bounds { west, south, .. } = self.region.bounds;
        let (x, y) = (west + column as f64 * self.width, south + row as f64 * self.height);
        // Widened far beyond what rounding may put into the wrong cell.
        let (slack_x, slack_y) = (self.width * 1e-6, self.height * 1e-6);
        let bounds = Bounds {
            west: x - slack_x,
            south: y - slack_y,
            east: x + self.width + slack_x,
            north: y + self.height + slack_y,
        };
        if self.region.edges.near(&bounds, |_, _| ControlFlow::Break(())).is_break() {
            return Ground::Mixed;
        }
        match self.region.edges.locate([x + self.width / 2.0, y + self.height / 2.0]) {
            Place::Outside => Ground::Outside,
            Place::Inside | Place::Boundary => Ground::Inside,
        }
    }
}
