//! Which parcels a filter holds of: the filter's tree is asked of the columns, parcel by parcel, and no record is made of a
//! parcel. What a filter means is the domain's; that it means the same to PostGIS is a test's.

use super::selection::Selection;
use super::shapes::Bounds;
use super::snapshot::{Hits, Snapshot};
use crate::domain::filter::{Expression, Filter, SpatialRelation, Value};
use crate::domain::queryable::Queryable;
use geo::BoundingRect as _;
use geo_types::Geometry;
use std::cell::OnceCell;

/// Whoever asked has left, or waits no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the search was given up before it was done")]
pub struct GivenUp;

/// How many parcels are looked at between two looks at whether anybody still waits. A shape against the largest shape of a
/// filter takes some tenths of a millisecond.
pub(super) const STRIDE: usize = 16;

impl Snapshot {
    /// The parcels of an area that are like a filter asks, whose properties are [`Queryable::PROPERTIES`]; of the whole city
    /// where no area is named. `given_up` is asked again and again.
    pub fn find(
        &self,
        area: Option<&Selection>,
        filter: Option<&Filter>,
        given_up: &dyn Fn() -> bool,
    ) -> Result<Hits, GivenUp> {
        let hits = match (area, filter.map(|filter| reach(filter.root()))) {
            (Some(area), _) => self.within(area, given_up)?,
            (None, Some(Reach::Box(bounds))) => Hits::of(self.near(&bounds)),
            (None, Some(Reach::Nowhere)) => Hits::default(),
            (None, _) => self.all(),
        };
        match filter {
            Some(filter) => self.matching(&hits, filter, given_up),
            None if given_up() => Err(GivenUp),
            None => Ok(hits),
        }
    }

    fn matching(&self, among: &Hits, filter: &Filter, given_up: &dyn Fn() -> bool) -> Result<Hits, GivenUp> {
        let mut found = Vec::new();
        for some in among.indices().chunks(STRIDE) {
            if given_up() {
                return Err(GivenUp);
            }
            found.extend(some.iter().filter(|number| self.holds(filter, **number) == Some(true)));
        }
        Ok(Hits::of(found))
    }

    /// Whether the filter holds of a parcel; nothing where that cannot be known.
    fn holds(&self, filter: &Filter, number: u32) -> Option<bool> {
        let parcel = self.parcel(number);
        // Made when it is first asked for, once.
        let shape = OnceCell::new();
        filter.holds(&|property| match Queryable::ALL.get(property)? {
            Queryable::Geometry => {
                Some(Value::Shape(shape.get_or_init(|| Geometry::MultiPolygon(parcel.shape().to_multi_polygon()))))
            }
            asked => parcel.value(*asked),
        })
    }
}

/// Where a parcel must lie for a filter to hold of it.
enum Reach {
    /// It may lie anywhere.
    Anywhere,
    /// Its box meets this one.
    Box(Bounds),
    /// It can hold of none.
    Nowhere,
}

/// What must hold of a parcel is that its shape meets one that stands in the filter, where the filter is that alone or that
/// and more.
fn reach(root: &Expression) -> Reach {
    match root {
        Expression::And(parts) => {
            let mut reaches = parts.iter().map(reach).filter(|reach| !matches!(reach, Reach::Anywhere));
            reaches.next().unwrap_or(Reach::Anywhere)
        }
        Expression::Spatial(relation, left, right) if *relation != SpatialRelation::Disjoint => {
            let ((Expression::Shape(shape), Expression::Property(_))
            | (Expression::Property(_), Expression::Shape(shape))) = (left.as_ref(), right.as_ref())
            else {
                return Reach::Anywhere;
            };
            match shape.geometry.bounding_rect() {
                Some(rect) => {
                    let (low, high) = (rect.min(), rect.max());
                    Reach::Box(Bounds { west: low.x, south: low.y, east: high.x, north: high.y })
                }
                None => Reach::Nowhere,
            }
        }
        _ => Reach::Anywhere,
    }
}
