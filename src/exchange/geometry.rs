//! Shapes of any sort out of well-known binary: points, lines, polygons, several of these, mixed. Arcs become straight
//! lines, heights and measures are left out. It knows no reference system.

use super::curve;
use super::shape::{MOST_POINTS, is_clockwise};
use super::wkb::{
    ARCS, Broken, COLLECTION, COMPOUND_CURVE, CURVE_POLYGON, LINE, MULTI_CURVE, MULTI_LINE, MULTI_POINT, MULTI_POLYGON,
    MULTI_SURFACE, POINT, POLYGON, Wkb, name,
};
use geo::{CoordsIter as _, MapCoordsInPlace as _};
use geo_types::{
    Coord, Geometry, GeometryCollection, LineString, MultiLineString, MultiPoint, MultiPolygon, Point, Polygon,
};
use std::cell::RefCell;

/// How deep collections may lie in one another.
const DEEPEST: usize = 16;

/// Reads shapes, and remembers what it had to leave out.
pub(super) struct Shapes {
    /// How far a straight line may be from the arc that it stands for, in the file's unit.
    pub tolerance: f64,
    /// Whether a Z or M was met.
    pub dropped_z: bool,
    /// How many arcs were met.
    pub arcs: u64,
    points: usize,
}

/// Why there is no shape: what there is instead.
pub(super) struct NoShape(pub String);

impl From<Broken> for NoShape {
    fn from(_: Broken) -> Self {
        Self("unreadable geometry".to_owned())
    }
}

impl Shapes {
    /// Begins; arcs become chords that are no farther than so much from them.
    pub fn new(tolerance: f64) -> Self {
        Self { tolerance, dropped_z: false, arcs: 0, points: 0 }
    }

    /// The shape in some bytes; nothing where it has no point.
    pub fn read(&mut self, bytes: &[u8]) -> Result<Option<Geometry<f64>>, NoShape> {
        self.points = 0;
        let found = self.geometry(&mut Wkb::new(bytes), 0)?;
        Ok((found.coords_count() > 0).then_some(found))
    }

    fn geometry(&mut self, reader: &mut Wkb<'_>, depth: usize) -> Result<Geometry<f64>, NoShape> {
        let (kind, dimensions) = reader.kind()?;
        self.dropped_z |= dimensions > 2;
        Ok(match kind {
            POINT => {
                let point = self.point(reader, dimensions)?;
                // An empty point is written with coordinates that are no numbers.
                if point.x.is_nan() && point.y.is_nan() { empty() } else { Point(point).into() }
            }
            LINE | ARCS | COMPOUND_CURVE => LineString(self.curve(reader, kind, dimensions)?).into(),
            POLYGON => self.polygon(reader, |shapes, reader| shapes.points(reader, dimensions))?.into(),
            CURVE_POLYGON => self
                .polygon(reader, |shapes, reader| {
                    let (kind, dimensions) = reader.kind()?;
                    shapes.curve(reader, kind, dimensions)
                })?
                .into(),
            MULTI_POINT | MULTI_LINE | MULTI_POLYGON | MULTI_CURVE | MULTI_SURFACE | COLLECTION => {
                if depth >= DEEPEST {
                    return Err(NoShape("a collection of collections of collections".to_owned()));
                }
                let mut parts = Vec::new();
                for _ in 0..reader.count()? {
                    let part = self.geometry(reader, depth + 1)?;
                    if part.coords_count() > 0 {
                        parts.push(part);
                    }
                }
                joined(kind, parts)?
            }
            other => return Err(NoShape(name(other))),
        })
    }

    fn point(&mut self, reader: &mut Wkb<'_>, dimensions: usize) -> Result<Coord<f64>, NoShape> {
        self.points += 1;
        if self.points > MOST_POINTS {
            return Err(NoShape(format!("a shape of more than {MOST_POINTS} points")));
        }
        let (x, y) = (reader.number()?, reader.number()?);
        reader.skip((dimensions - 2) * 8)?;
        Ok(Coord { x, y })
    }

    fn points(&mut self, reader: &mut Wkb<'_>, dimensions: usize) -> Result<Vec<Coord<f64>>, NoShape> {
        // A count is a promise: no room is made for it in advance.
        let mut points = Vec::new();
        for _ in 0..reader.count()? {
            points.push(self.point(reader, dimensions)?);
        }
        Ok(points)
    }

    fn polygon(
        &mut self,
        reader: &mut Wkb<'_>,
        mut ring: impl FnMut(&mut Self, &mut Wkb<'_>) -> Result<Vec<Coord<f64>>, NoShape>,
    ) -> Result<Polygon<f64>, NoShape> {
        let mut rings = Vec::new();
        for _ in 0..reader.count()? {
            let points = ring(self, reader)?;
            if !points.is_empty() {
                rings.push(LineString(points));
            }
        }
        let outer = if rings.is_empty() { LineString(Vec::new()) } else { rings.remove(0) };
        Ok(Polygon::new(outer, rings))
    }

    /// Straight lines, arcs, or both one behind the other.
    fn curve(&mut self, reader: &mut Wkb<'_>, kind: u32, dimensions: usize) -> Result<Vec<Coord<f64>>, NoShape> {
        match kind {
            LINE => self.points(reader, dimensions),
            ARCS => {
                let corners = self.points(reader, dimensions)?;
                self.arcs += 1;
                chords(&corners, self.tolerance)
            }
            COMPOUND_CURVE => {
                let mut line: Vec<Coord<f64>> = Vec::new();
                for _ in 0..reader.count()? {
                    let (part, dimensions) = reader.kind()?;
                    if part == COMPOUND_CURVE {
                        return Err(Broken.into());
                    }
                    // A part begins where the one before has ended.
                    line.pop();
                    line.extend(self.curve(reader, part, dimensions)?);
                }
                Ok(line)
            }
            other => Err(NoShape(name(other))),
        }
    }
}

/// Arcs of three points each, which share their ends, as straight lines.
fn chords(corners: &[Coord<f64>], tolerance: f64) -> Result<Vec<Coord<f64>>, NoShape> {
    let Some(first) = corners.first() else { return Ok(Vec::new()) };
    if corners.len().is_multiple_of(2) {
        return Err(Broken.into());
    }
    let mut line = vec![*first];
    for at in (2..corners.len()).step_by(2) {
        let three = [corners[at - 2], corners[at - 1], corners[at]].map(|corner| (corner.x, corner.y));
        curve::arc(three, tolerance, &mut |x, y| line.push(Coord { x, y }));
    }
    Ok(line)
}

fn empty() -> Geometry<f64> {
    Geometry::GeometryCollection(GeometryCollection(Vec::new()))
}

/// Parts of one sort as one shape of several.
fn joined(kind: u32, parts: Vec<Geometry<f64>>) -> Result<Geometry<f64>, NoShape> {
    macro_rules! several {
        ($one:ident) => {
            parts
                .into_iter()
                .map(|part| match part {
                    Geometry::$one(part) => Ok(part),
                    _ => Err(NoShape::from(Broken)),
                })
                .collect::<Result<Vec<_>, _>>()?
        };
    }
    Ok(match kind {
        MULTI_POINT => MultiPoint(several!(Point)).into(),
        MULTI_LINE | MULTI_CURVE => MultiLineString(several!(LineString)).into(),
        MULTI_POLYGON | MULTI_SURFACE => MultiPolygon(several!(Polygon)).into(),
        _ => Geometry::GeometryCollection(GeometryCollection(parts)),
    })
}

/// Takes the coordinates of shapes, in an order that [`put_back`] knows.
pub(super) fn take_coordinates<'a>(shapes: impl Iterator<Item = &'a Geometry<f64>>) -> (Vec<f64>, Vec<f64>) {
    shapes.flat_map(|shape| shape.coords_iter().collect::<Vec<_>>()).map(|point| (point.x, point.y)).unzip()
}

/// Gives a shape the next coordinates instead of its own.
pub(super) fn put_back(shape: &mut Geometry<f64>, next: &RefCell<impl Iterator<Item = (f64, f64)>>) {
    shape.map_coords_in_place(|old| next.borrow_mut().next().map_or(old, |(x, y)| Coord { x, y }));
}

/// Turns rings so that the same land comes out as the same shape: outer ones counter-clockwise, holes clockwise.
pub(super) fn turn_rings(shape: &mut Geometry<f64>) {
    fn turn(polygon: &mut Polygon<f64>) {
        polygon.exterior_mut(|ring| {
            if is_clockwise(&ring.0) {
                ring.0.reverse();
            }
        });
        polygon.interiors_mut(|rings| {
            rings.iter_mut().filter(|ring| !is_clockwise(&ring.0)).for_each(|ring| ring.0.reverse());
        });
    }
    match shape {
        Geometry::Polygon(polygon) => turn(polygon),
        Geometry::MultiPolygon(several) => several.0.iter_mut().for_each(turn),
        Geometry::GeometryCollection(several) => several.0.iter_mut().for_each(turn_rings),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use geo_types::{line_string, point, polygon};
    use geozero::{CoordDimensions, ToWkb as _};

    fn read(geometry: &Geometry<f64>) -> Option<Geometry<f64>> {
        let bytes = geometry.to_wkb(CoordDimensions::xy()).unwrap();
        Shapes::new(1e-7).read(&bytes).unwrap_or_else(|NoShape(why)| panic!("{why}"))
    }

    fn mixed() -> Geometry<f64> {
        let land = polygon!(
            exterior: [(x: 0.0, y: 0.0), (x: 4.0, y: 0.0), (x: 4.0, y: 4.0), (x: 0.0, y: 4.0)],
            interiors: [[(x: 1.0, y: 1.0), (x: 1.0, y: 2.0), (x: 2.0, y: 2.0)]],
        );
        let line = line_string![(x: 7.0, y: 7.0), (x: 8.0, y: 8.0)];
        let points = MultiPoint(vec![point!(x: 1.0, y: 9.0), point!(x: 2.0, y: 9.0)]);
        Geometry::GeometryCollection(GeometryCollection(vec![land.into(), line.into(), points.into()]))
    }

    #[test]
    fn shapes_of_every_sort_come_back_from_their_bytes_and_empty_ones_are_none() {
        assert_eq!(read(&mixed()), Some(mixed()));
        let Geometry::GeometryCollection(parts) = mixed() else { panic!() };
        for one in parts {
            assert_eq!(read(&one), Some(one));
        }
        assert_eq!(read(&MultiPolygon(vec![]).into()), None);
        assert_eq!(read(&Geometry::GeometryCollection(GeometryCollection(vec![MultiPoint(vec![]).into()]))), None);
    }

    #[test]
    fn coordinates_that_are_taken_go_back_to_where_they_were() {
        let mut shape = mixed();
        let (xs, ys) = take_coordinates(std::iter::once(&shape));
        put_back(&mut shape, &RefCell::new(xs.iter().copied().zip(ys.iter().copied())));
        assert_eq!(shape, mixed());
        put_back(&mut shape, &RefCell::new(xs.iter().map(|x| x + 100.0).zip(ys)));
        let moved = take_coordinates(std::iter::once(&shape)).0;
        assert_eq!(moved, xs.iter().map(|x| x + 100.0).collect::<Vec<_>>());
    }

    #[test]
    fn rings_come_out_the_same_whichever_way_they_came() {
        let mut turned = mixed();
        let Geometry::GeometryCollection(parts) = &mut turned else { panic!() };
        let Geometry::Polygon(land) = &mut parts.0[0] else { panic!() };
        land.exterior_mut(|ring| ring.0.reverse());
        land.interiors_mut(|rings| rings.iter_mut().for_each(|ring| ring.0.reverse()));
        turn_rings(&mut turned);
        assert_eq!(turned, mixed());
    }

    #[test]
    fn bytes_cut_short_and_nests_without_end_are_no_shape() {
        let whole = mixed().to_wkb(CoordDimensions::xy()).unwrap();
        for cut in 0..whole.len() {
            assert!(Shapes::new(1e-7).read(&whole[..cut]).is_err(), "{cut}");
        }
        let nest: Vec<u8> = [1, 7, 0, 0, 0, 1, 0, 0, 0].repeat(100_000);
        assert!(Shapes::new(1e-7).read(&nest).is_err());
    }
}
