//! What a search asks for: a box or an area, checked before anything is looked up. It refuses what has no clear inside.

use super::edges::Edges;
use super::region::Region;
use super::relation::Relation;
use super::shapes::{Bounds, Shapes};
use super::validity;
use crate::domain::geometry::ring_around;
use geo_types::MultiPolygon;
use geojson::{GeoJson, Geometry, GeometryValue, Position};

/// The most vertices that an area may have; the border of China in full detail has fewer.
pub const MOST_VERTICES: usize = 100_000;

/// The widest circle, in metres: from one end of a city to the other.
pub const MOST_METRES: f64 = 100_000.0;
/// Of how many corners a circle is made. The sides of one of ten kilometres run ten centimetres inside it at most.
const CORNERS: u32 = 720;

/// Why a box or an area was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SelectionError {
    /// A number is no longitude or no latitude.
    #[error("{at} has the coordinate ({x}, {y}), expected a longitude of -180 to 180 and a latitude of -90 to 90")]
    Place {
        /// Which part.
        at: String,
        /// The longitude.
        x: f64,
        /// The latitude.
        y: f64,
    },
    /// A position of fewer than two numbers.
    #[error("{at} has a position of {found} numbers, expected longitude and latitude")]
    Position {
        /// Which part.
        at: String,
        /// How many numbers it has.
        found: usize,
    },
    /// West is east of east, or south north of north.
    #[error("the box has {low_name} {low} beyond {high_name} {high}, expected west, south, east, north in this order")]
    BoxOrder {
        /// west or south
        low_name: &'static str,
        /// Its value.
        low: f64,
        /// east or north
        high_name: &'static str,
        /// Its value.
        high: f64,
    },
    /// A geometry without an inside, or of several kinds.
    #[error("the area is a {found}, expected a Polygon or a MultiPolygon")]
    Kind {
        /// What it is.
        found: String,
    },
    /// So wide or high that its shortest lines are others than those of the map.
    #[error(
        "the area reaches from ({}, {}) to ({}, {}), expected at most {most} degrees either way; land across the 180th \
         meridian is asked about in two parts", corners[0], corners[1], corners[2], corners[3]
    )]
    TooWide {
        /// West, south, east, north.
        corners: [f64; 4],
        /// How wide and how high it may be, in degrees.
        most: f64,
    },
    /// A distance that is none, or too far.
    #[error("the circle has a radius of {metres} m, expected more than 0 and at most {most}")]
    Radius {
        /// The distance.
        metres: f64,
        /// How far it may be.
        most: f64,
    },
    /// Nothing to search in.
    #[error("the area has no ring, expected at least one polygon")]
    Empty,
    /// Too few points.
    #[error("{at} has {found} points, expected at least 4, the last like the first")]
    ShortRing {
        /// Which ring.
        at: String,
        /// How many points it has.
        found: usize,
    },
    /// The last point is not the first.
    #[error("{at} starts at ({}, {}) and ends at ({}, {}), expected the last point to repeat the first", first[0], first[1], last[0], last[1])]
    OpenRing {
        /// Which ring.
        at: String,
        /// Its first point.
        first: [f64; 2],
        /// Its last point.
        last: [f64; 2],
    },
    /// Too large.
    #[error("the area has {found} vertices, expected at most {most}; simplify it")]
    TooManyVertices {
        /// How many it has.
        found: usize,
        /// How many it may have.
        most: usize,
    },
    /// So many edges so close to one another that checking them would hold up everybody else.
    #[error("the area has {edges} edges that lie too close together to be checked; simplify it")]
    TooIntricate {
        /// How many edges it has.
        edges: usize,
    },
    /// A bow-tie, a spike, a ring that meets itself.
    #[error("{at} meets itself at ({x}, {y}), expected a ring that does not; move or remove the corners near there")]
    SelfIntersection {
        /// Which ring.
        at: String,
        /// The longitude of the place.
        x: f64,
        /// The latitude of the place.
        y: f64,
    },
    /// Two rings that cross or run along each other.
    #[error("{at} and {other} cross or overlap at ({x}, {y}), expected rings that touch in single points at most")]
    RingsCross {
        /// One ring.
        at: String,
        /// The other ring.
        other: String,
        /// The longitude of the place.
        x: f64,
        /// The latitude of the place.
        y: f64,
    },
    /// A hole that is not in its polygon.
    #[error("{at} is a hole but lies at ({x}, {y}) outside its polygon or in another hole")]
    HoleOutside {
        /// Which ring.
        at: String,
        /// The longitude of the place.
        x: f64,
        /// The latitude of the place.
        y: f64,
    },
    /// A polygon in a polygon.
    #[error("{at} lies at ({x}, {y}) in another polygon of the area, expected polygons apart from one another")]
    PolygonsOverlap {
        /// Which ring.
        at: String,
        /// The longitude of the place.
        x: f64,
        /// The latitude of the place.
        y: f64,
    },
}

impl SelectionError {
    /// A stable code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Place { .. } => "not-on-earth",
            Self::Position { .. } => "bad-position",
            Self::BoxOrder { .. } => "box-order",
            Self::TooWide { .. } => "too-wide",
            Self::Radius { .. } => "wrong-radius",
            Self::Kind { .. } => "wrong-geometry-type",
            Self::Empty => "empty-area",
            Self::ShortRing { .. } => "ring-too-short",
            Self::OpenRing { .. } => "ring-not-closed",
            Self::TooManyVertices { .. } => "too-many-vertices",
            Self::TooIntricate { .. } => "too-intricate",
            Self::SelfIntersection { .. } => "self-intersection",
            Self::RingsCross { .. } => "rings-cross",
            Self::HoleOutside { .. } => "hole-outside",
            Self::PolygonsOverlap { .. } => "polygons-overlap",
        }
    }

    /// Where on the map the fault lies, where it lies somewhere.
    pub fn place(&self) -> Option<[f64; 2]> {
        match self {
            Self::SelfIntersection { x, y, .. }
            | Self::RingsCross { x, y, .. }
            | Self::HoleOutside { x, y, .. }
            | Self::PolygonsOverlap { x, y, .. } => Some([*x, *y]),
            Self::OpenRing { last, .. } => Some(*last),
            _ => None,
        }
    }
}

/// A box or an area that was found valid and made ready for a search.
#[derive(Debug)]
pub struct Selection {
    pub(super) region: Region,
    pub(super) relation: Relation,
    /// Its land, for the share of a parcel that it holds.
    pub(super) shapes: Shapes,
}

impl Selection {
    /// A box; of no width or height it is a line or a point, which is allowed.
    pub fn bbox(west: f64, south: f64, east: f64, north: f64) -> Result<Self, SelectionError> {
        for (x, y) in [(west, south), (east, north)] {
            check_place("the box", x, y)?;
        }
        if west > east {
            return Err(SelectionError::BoxOrder { low_name: "west", low: west, high_name: "east", high: east });
        }
        if south > north {
            return Err(SelectionError::BoxOrder { low_name: "south", low: south, high_name: "north", high: north });
        }
        let corners = [[west, south], [east, south], [east, north], [west, north], [west, south]];
        Ok(Self {
            region: Region::of_box(Bounds { west, south, east, north }),
            relation: Relation::Intersects,
            shapes: Shapes::of_ring(corners),
        })
    }

    /// The area of a GeoJSON Polygon or MultiPolygon in longitude and latitude.
    pub fn area(geometry: &Geometry) -> Result<Self, SelectionError> {
        let polygons: &[Vec<Vec<Position>>] = match &geometry.value {
            GeometryValue::Polygon { coordinates } => std::slice::from_ref(coordinates),
            GeometryValue::MultiPolygon { coordinates } => coordinates,
            other => return Err(SelectionError::Kind { found: other.type_name().to_owned() }),
        };
        let found = polygons.iter().flatten().map(Vec::len).sum();
        if found > MOST_VERTICES {
            return Err(SelectionError::TooManyVertices { found, most: MOST_VERTICES });
        }
        let mut shapes = Shapes::default();
        for (polygon, rings) in polygons.iter().enumerate() {
            for (ring, positions) in rings.iter().enumerate() {
                shapes.push_ring(read_ring(&ring_name(polygon, ring), positions)?);
            }
            shapes.end_polygon();
        }
        shapes.end_shape();
        let bounds = Bounds::around(shapes.points()).ok_or(SelectionError::Empty)?;
        let edges = Edges::of(&shapes);
        validity::check(&shapes, &edges)?;
        Ok(Self { region: Region::of_area(edges, bounds), relation: Relation::Intersects, shapes })
    }

    /// What lies no farther than so many metres from a place, as a ring of many corners.
    pub fn circle(x: f64, y: f64, metres: f64) -> Result<Self, SelectionError> {
        check_place("the circle", x, y)?;
        // Written so that NaN is refused too.
        if !(metres > 0.0 && metres <= MOST_METRES) {
            return Err(SelectionError::Radius { metres, most: MOST_METRES });
        }
        let ring = ring_around([x, y], metres, CORNERS);
        for corner in &ring {
            // Beyond a pole or the 180th meridian it comes out on the other side.
            check_place("the circle", if (corner[0] - x).abs() > 90.0 { f64::NAN } else { corner[0] }, corner[1])?;
        }
        Self::of_valid(Shapes::of_ring(ring)).ok_or(SelectionError::Empty)
    }

    /// The land of a stored area, which was found valid when it was stored; nothing where it has none.
    pub(super) fn of_stored(shape: &MultiPolygon<f64>) -> Option<Self> {
        let mut shapes = Shapes::default();
        shapes.push(shape);
        Self::of_valid(shapes)
    }

    fn of_valid(shapes: Shapes) -> Option<Self> {
        let bounds = Bounds::around(shapes.points())?;
        let region = Region::of_area(Edges::of(&shapes), bounds);
        Some(Self { region, relation: Relation::Intersects, shapes })
    }

    /// The same land, in which parcels must lie so.
    pub fn related(self, relation: Relation) -> Self {
        Self { relation, ..self }
    }

    /// The area of a GeoJSON document: a geometry, a Feature, or a FeatureCollection of one Feature.
    pub fn geojson(document: &GeoJson) -> Result<Self, SelectionError> {
        let kind = |found: &str| SelectionError::Kind { found: found.to_owned() };
        let feature = match document {
            GeoJson::Geometry(geometry) => return Self::area(geometry),
            GeoJson::Feature(feature) => feature,
            GeoJson::FeatureCollection(collection) => match collection.features.as_slice() {
                [feature] => feature,
                [] => return Err(SelectionError::Empty),
                features => return Err(kind(&format!("FeatureCollection of {} features", features.len()))),
            },
        };
        Self::area(feature.geometry.as_ref().ok_or_else(|| kind("Feature without geometry"))?)
    }

    /// The box around what is asked for.
    pub fn bounds(&self) -> Bounds {
        *self.region.bounds()
    }
}

/// How a ring is named to a person: counted from 1, the shell first.
pub(super) fn ring_name(polygon: usize, ring: usize) -> String {
    match ring {
        0 => format!("the outer ring of polygon {}", polygon + 1),
        hole => format!("hole {hole} of polygon {}", polygon + 1),
    }
}

fn read_ring(at: &str, positions: &[Position]) -> Result<Vec<[f64; 2]>, SelectionError> {
    let mut points = Vec::with_capacity(positions.len());
    for position in positions {
        match position.as_slice() {
            [x, y, ..] => {
                check_place(at, *x, *y)?;
                points.push([*x, *y]);
            }
            short => return Err(SelectionError::Position { at: at.to_owned(), found: short.len() }),
        }
    }
    if points.len() < 4 {
        return Err(SelectionError::ShortRing { at: at.to_owned(), found: points.len() });
    }
    let (first, last) = (points[0], points[points.len() - 1]);
    if first != last {
        return Err(SelectionError::OpenRing { at: at.to_owned(), first, last });
    }
    Ok(points)
}

fn check_place(at: &str, x: f64, y: f64) -> Result<(), SelectionError> {
    // Written so that NaN is refused too.
    if (-180.0..=180.0).contains(&x) && (-90.0..=90.0).contains(&y) {
        Ok(())
    } else {
        Err(SelectionError::Place { at: at.to_owned(), x, y })
    }
}
