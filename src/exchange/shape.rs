//! Shapes on their way from well-known binary to polygons in longitude and latitude, a batch at a time, since one call
//! into PROJ for thousands of points is many times cheaper than a call for each. It knows no files.

use super::crs::Crs;
use crate::domain::intake::{Cell, Record, Shape};
use geo_types::{Coord, LineString, MultiPolygon, Polygon};

/// A batch is turned when it has this many points or rows.
const POINTS: usize = 1 << 15;
const ROWS: usize = 1 << 12;

/// West, south, east, north of the land of China: where shapes are expected as long as nobody knows the city.
const CHINA: [f64; 4] = [73.0, 18.0, 135.5, 54.0];

const POLYGON: u32 = 3;
const MULTI_POLYGON: u32 = 6;
const MULTI_SURFACE: u32 = 12;

enum Outline {
    None,
    Other(String),
    /// How many rings of the batch belong to it.
    Rings(usize),
}

struct Ring {
    points: usize,
    /// Whether it begins a polygon; the others are holes.
    outer: bool,
}

/// Rows whose shapes wait to be turned.
#[derive(Default)]
pub(crate) struct Batch {
    rows: Vec<(u64, Vec<Cell>, Outline)>,
    rings: Vec<Ring>,
    xs: Vec<f64>,
    ys: Vec<f64>,
    /// Whether a Z or M was met.
    pub dropped_z: bool,
    /// Shapes met, and those that lie outside the bounds and would lie inside with their axes swapped.
    pub shapes: u64,
    pub swapped: u64,
}

impl Batch {
    /// Adds a row; `wkb` in ISO well-known binary, little-endian.
    pub fn push(&mut self, row: u64, cells: Vec<Cell>, wkb: Option<&[u8]>) {
        let outline = match wkb {
            None => Outline::None,
            Some(bytes) => self.outline(bytes),
        };
        self.rows.push((row, cells, outline));
    }

    /// Whether it is time to turn what has come together.
    pub fn is_full(&self) -> bool {
        self.xs.len() >= POINTS || self.rows.len() >= ROWS
    }

    fn outline(&mut self, bytes: &[u8]) -> Outline {
        let (rings, points) = (self.rings.len(), self.xs.len());
        let mut reader = Wkb { rest: bytes };
        let read = self.surface(&mut reader);
        if !matches!(read, Ok(Outline::Rings(_))) {
            self.rings.truncate(rings);
            self.xs.truncate(points);
            self.ys.truncate(points);
        }
        read.unwrap_or_else(|Broken| Outline::Other("unreadable geometry".to_owned()))
    }

    fn surface(&mut self, reader: &mut Wkb<'_>) -> Result<Outline, Broken> {
        let (kind, dimensions) = self.kind(reader)?;
        let before = self.rings.len();
        match kind {
            POLYGON => self.polygon(reader, dimensions)?,
            MULTI_POLYGON | MULTI_SURFACE => {
                for _ in 0..reader.count()? {
                    let (part, dimensions) = self.kind(reader)?;
                    if part != POLYGON {
                        return Ok(Outline::Other(name(kind)));
                    }
                    self.polygon(reader, dimensions)?;
                }
            }
            other => return Ok(Outline::Other(name(other))),
        }
        match self.rings.len() - before {
            0 => Ok(Outline::None),
            rings => Ok(Outline::Rings(rings)),
        }
    }

    fn kind(&mut self, reader: &mut Wkb<'_>) -> Result<(u32, usize), Broken> {
        let code = reader.kind()?;
        self.dropped_z |= code >= 1000;
        Ok((code % 1000, [2, 3, 3, 4][code as usize / 1000 % 4]))
    }

    fn polygon(&mut self, reader: &mut Wkb<'_>, dimensions: usize) -> Result<(), Broken> {
        for ring in 0..reader.count()? {
            let points = reader.count()?;
            for _ in 0..points {
                self.xs.push(reader.number()?);
                self.ys.push(reader.number()?);
                reader.skip((dimensions - 2) * 8)?;
            }
            if points > 0 {
                self.rings.push(Ring { points, outer: ring == 0 });
            }
        }
        Ok(())
    }

    /// Turns what has come together and hands it out in order.
    pub fn drain(&mut self, crs: Option<&Crs>, bounds: Option<[f64; 4]>, mut each: impl FnMut(Record) -> bool) -> bool {
        let corners = self.corners();
        if let Some(crs) = crs {
            crs.turn(&mut self.xs, &mut self.ys);
        }
        self.shapes += corners.len() as u64;
        self.swapped += self.swapped_among(crs, bounds.unwrap_or(CHINA), &corners);
        let (mut ring_at, mut point_at) = (0, 0);
        for (row, cells, outline) in self.rows.drain(..) {
            let shape = match outline {
                Outline::None => Shape::None,
                Outline::Other(name) => Shape::Other(name),
                Outline::Rings(count) => {
                    let rings = &self.rings[ring_at..ring_at + count];
                    let points = rings.iter().map(|ring| ring.points).sum::<usize>();
                    let range = point_at..point_at + points;
                    (ring_at, point_at) = (ring_at + count, point_at + points);
                    build(rings, &self.xs[range.clone()], &self.ys[range], crs)
                }
            };
            if !each(Record { row, cells, shape }) {
                return false;
            }
        }
        self.rings.clear();
        self.xs.clear();
        self.ys.clear();
        true
    }

    /// The first point of each shape, by its place, as the file has it.
    fn corners(&self) -> Vec<(usize, f64, f64)> {
        let (mut ring_at, mut point_at) = (0, 0);
        let mut corners = Vec::new();
        for (_, _, outline) in &self.rows {
            if let Outline::Rings(count) = outline {
                corners.push((point_at, self.xs[point_at], self.ys[point_at]));
                point_at += self.rings[ring_at..ring_at + count].iter().map(|ring| ring.points).sum::<usize>();
                ring_at += count;
            }
        }
        corners
    }

    /// How many of these corners lie outside the bounds, and would lie inside with the other order of axes.
    fn swapped_among(&self, crs: Option<&Crs>, bounds: [f64; 4], corners: &[(usize, f64, f64)]) -> u64 {
        let inside = |x: f64, y: f64| (bounds[0]..=bounds[2]).contains(&x) && (bounds[1]..=bounds[3]).contains(&y);
        let outside = corners.iter().filter(|(at, ..)| !inside(self.xs[*at], self.ys[*at]));
        let (mut xs, mut ys): (Vec<f64>, Vec<f64>) = outside.map(|(_, x, y)| (*y, *x)).unzip();
        if let Some(crs) = crs {
            crs.try_turn(&mut xs, &mut ys);
        }
        xs.into_iter().zip(ys).filter(|(x, y)| inside(*x, *y)).count() as u64
    }
}

fn build(rings: &[Ring], xs: &[f64], ys: &[f64], crs: Option<&Crs>) -> Shape {
    let off = |(x, y): &(&f64, &f64)| !((-180.0..=180.0).contains(*x) && (-90.0..=90.0).contains(*y));
    if let Some((x, y)) = xs.iter().zip(ys).find(off) {
        let label = crs.map_or("EPSG:4490", |crs| &crs.label);
        return Shape::OffTheGlobe(format!("longitude {x}, latitude {y}, read as {label}"));
    }
    let mut polygons: Vec<Polygon<f64>> = Vec::new();
    let mut at = 0;
    for ring in rings {
        let range = at..at + ring.points;
        at += ring.points;
        let mut line: Vec<Coord<f64>> =
            xs[range.clone()].iter().zip(&ys[range]).map(|(x, y)| Coord { x: *x, y: *y }).collect();
        // Formats turn rings this way or that; the same land must come out as the same shape.
        if is_clockwise(&line) == ring.outer {
            line.reverse();
        }
        match polygons.last_mut() {
            Some(polygon) if !ring.outer => polygon.interiors_push(LineString(line)),
            _ => polygons.push(Polygon::new(LineString(line), Vec::new())),
        }
    }
    Shape::Polygons(MultiPolygon(polygons))
}

/// By the doubled area, measured from the first point so that no digits are lost to large coordinates.
fn is_clockwise(ring: &[Coord<f64>]) -> bool {
    let Some(first) = ring.first() else { return false };
    let cross = |pair: &[Coord<f64>]| {
        (pair[0].x - first.x) * (pair[1].y - first.y) - (pair[1].x - first.x) * (pair[0].y - first.y)
    };
    ring.windows(2).map(cross).sum::<f64>() < 0.0
}

fn name(kind: u32) -> String {
    match kind {
        1 => "Point".to_owned(),
        2 => "LineString".to_owned(),
        4 => "MultiPoint".to_owned(),
        5 => "MultiLineString".to_owned(),
        7 => "GeometryCollection".to_owned(),
        8 => "CircularString".to_owned(),
        9 => "CompoundCurve".to_owned(),
        10 => "CurvePolygon (curves are not read; turn them into straight lines)".to_owned(),
        11 => "MultiCurve".to_owned(),
        12 => "MultiSurface with curves (curves are not read; turn them into straight lines)".to_owned(),
        15 => "PolyhedralSurface".to_owned(),
        16 => "TIN".to_owned(),
        17 => "Triangle".to_owned(),
        other => format!("geometry type {other}"),
    }
}

/// The bytes end before the geometry does, or are of a kind that GDAL does not write.
struct Broken;

struct Wkb<'a> {
    rest: &'a [u8],
}

impl Wkb<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Broken> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(Broken)?;
        self.rest = rest;
        Ok(*taken)
    }

    fn kind(&mut self) -> Result<u32, Broken> {
        match self.take::<1>()? {
            [1] => Ok(u32::from_le_bytes(self.take()?)),
            _ => Err(Broken),
        }
    }

    fn count(&mut self) -> Result<usize, Broken> {
        usize::try_from(u32::from_le_bytes(self.take()?)).map_err(|_| Broken)
    }

    fn number(&mut self) -> Result<f64, Broken> {
        self.take().map(f64::from_le_bytes)
    }

    fn skip(&mut self, bytes: usize) -> Result<(), Broken> {
        self.rest = self.rest.get(bytes..).ok_or(Broken)?;
        Ok(())
    }
}
