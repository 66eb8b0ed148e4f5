//! Shapes on their way from well-known binary to polygons in longitude and latitude, a batch at a time, since one call
//! into PROJ for thousands of points is many times cheaper than a call for each. It knows no files.

use super::crs::Crs;
use super::curve;
use super::error::warning;
use super::vector::Axes;
use super::wkb::{
    ARCS, Broken, COLLECTION, COMPOUND_CURVE, CURVE_POLYGON, LINE, MULTI_POINT, MULTI_POLYGON, MULTI_SURFACE, POINT,
    POLYGON, Wkb, name,
};
use crate::domain::finding::Finding;
use crate::domain::intake::{Cell, Record, Shape};
use geo_types::{Coord, LineString, MultiPolygon, Polygon};

/// A batch is turned when it has this many points or rows.
pub(super) const POINTS: usize = 1 << 15;
pub(super) const ROWS: usize = 1 << 12;

/// West, south, east, north of the land of China: where shapes are expected as long as nobody knows the city.
pub(super) const CHINA: [f64; 4] = [73.0, 18.0, 135.5, 54.0];

/// More points than any outline of land has; a row of a hostile file may have many times as many.
pub(super) const MOST_POINTS: usize = 1_000_000;

enum Outline {
    None,
    /// A text or a point of a drawing.
    Mark,
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
pub(crate) struct Batch {
    rows: Vec<(u64, Vec<Cell>, Outline)>,
    rings: Vec<Ring>,
    xs: Vec<f64>,
    ys: Vec<f64>,
    /// How far a straight line may be from the arc that it stands for, in the file's unit.
    tolerance: f64,
    /// Whether lines that end where they begin are outlines, as in a drawing.
    is_drawing: bool,
    /// Whether a Z or M was met.
    dropped_z: bool,
    /// How many shapes had arcs.
    curved: u64,
    /// How many points and texts of a drawing were left out.
    left_out: u64,
    /// Shapes met, and those that lie outside the bounds and would lie inside with their axes swapped.
    shapes: u64,
    swapped: u64,
}

impl Batch {
    /// A batch of shapes in some reference system; of a drawing, which has no polygons but closed lines, texts and points.
    pub fn new(crs: Option<&Crs>, is_drawing: bool) -> Self {
        // A centimetre, or what is about one in degrees.
        let tolerance = if crs.is_some_and(Crs::is_in_degrees) { 1e-7 } else { 0.01 };
        Self {
            rows: Vec::new(),
            rings: Vec::new(),
            xs: Vec::new(),
            ys: Vec::new(),
            tolerance,
            is_drawing,
            dropped_z: false,
            curved: 0,
            left_out: 0,
            shapes: 0,
            swapped: 0,
        }
    }

    /// Adds a row; `wkb` in ISO well-known binary, little-endian.
    pub fn push(&mut self, row: u64, cells: Vec<Cell>, wkb: Option<&[u8]>) {
        let outline = match wkb {
            None => Outline::None,
            Some(bytes) => self.outline(bytes),
        };
        match outline {
            Outline::Mark => self.left_out += 1,
            outline => self.rows.push((row, cells, outline)),
        }
    }

    /// Adds a row whose shape is said to be something else than polygons.
    pub fn push_other(&mut self, row: u64, cells: Vec<Cell>, name: String) {
        self.rows.push((row, cells, Outline::Other(name)));
    }

    /// What is worth a look, once all is drained.
    pub fn findings(&self, file: &str) -> Vec<Finding> {
        let mut found = Vec::new();
        if self.dropped_z {
            let expected = "shapes in two dimensions; heights and measures are left out";
            found.push(warning(file, "z-dropped", "Z or M", expected));
        }
        if self.curved > 0 {
            let expected = format!(
                "straight lines; arcs are drawn as chords at most {} of the file's unit away from them",
                self.tolerance
            );
            found.push(warning(file, "curves-linearised", &format!("{} shapes", self.curved), expected));
        }
        if self.left_out > 0 {
            let expected = "outlines; texts and points of the drawing are left out";
            found.push(warning(file, "marks-left-out", &self.left_out.to_string(), expected));
        }
        found
    }

    /// How many shapes were met, and how many would lie where they should with their axes swapped.
    pub fn axes(&self) -> Axes {
        Axes { shapes: self.shapes, swapped: self.swapped }
    }

    /// Whether it is time to turn what has come together.
    pub fn is_full(&self) -> bool {
        self.xs.len() >= POINTS || self.rows.len() >= ROWS
    }

    fn outline(&mut self, bytes: &[u8]) -> Outline {
        let (rings, points) = (self.rings.len(), self.xs.len());
        let mut reader = Wkb::new(bytes);
        let curved = std::mem::take(&mut self.curved);
        let mut read = self.surface(&mut reader, true);
        self.curved = curved + u64::from(self.curved > 0);
        let count = self.xs.len() - points;
        if count > MOST_POINTS {
            read = Ok(Outline::Other(format!("a shape of {count} points; at most {MOST_POINTS} are read")));
        }
        if !matches!(read, Ok(Outline::Rings(_))) {
            self.rings.truncate(rings);
            self.xs.truncate(points);
            self.ys.truncate(points);
        }
        read.unwrap_or_else(|Broken| Outline::Other("unreadable geometry".to_owned()))
    }

    /// Polygons, curved or not, by themselves or several; `outermost` tells a geometry from the part of one.
    fn surface(&mut self, reader: &mut Wkb<'_>, outermost: bool) -> Result<Outline, Broken> {
        let (kind, dimensions) = self.kind(reader)?;
        let before = self.rings.len();
        match kind {
            POLYGON => self.polygon(reader, dimensions)?,
            CURVE_POLYGON => {
                for ring in 0..reader.count()? {
                    self.curved_ring(reader, ring == 0)?;
                }
            }
            MULTI_POLYGON | MULTI_SURFACE | COLLECTION if outermost || kind != COLLECTION => {
                for _ in 0..reader.count()? {
                    if let Outline::Other(part) = self.surface(reader, false)? {
                        return Ok(Outline::Other(format!("{} with {part}", name(kind))));
                    }
                }
            }
            LINE if self.is_drawing => {
                let start = self.xs.len();
                self.line(reader, dimensions)?;
                let points = self.xs.len() - start;
                let ends = |line: &[f64]| line.first() == line.last();
                if points < 4 || !ends(&self.xs[start..]) || !ends(&self.ys[start..]) {
                    return Ok(Outline::Other("LineString that does not end where it begins".to_owned()));
                }
                self.rings.push(Ring { points, outer: true });
            }
            POINT | MULTI_POINT if self.is_drawing && outermost => return Ok(Outline::Mark),
            other => return Ok(Outline::Other(name(other))),
        }
        match self.rings.len() - before {
            0 => Ok(Outline::None),
            rings => Ok(Outline::Rings(rings)),
        }
    }

    fn kind(&mut self, reader: &mut Wkb<'_>) -> Result<(u32, usize), Broken> {
        let (kind, dimensions) = reader.kind()?;
        self.dropped_z |= dimensions > 2;
        Ok((kind, dimensions))
    }

    fn polygon(&mut self, reader: &mut Wkb<'_>, dimensions: usize) -> Result<(), Broken> {
        for ring in 0..reader.count()? {
            let start = self.xs.len();
            self.line(reader, dimensions)?;
            self.end_ring(start, ring == 0);
        }
        Ok(())
    }

    fn line(&mut self, reader: &mut Wkb<'_>, dimensions: usize) -> Result<(), Broken> {
        for _ in 0..reader.count()? {
            self.xs.push(reader.number()?);
            self.ys.push(reader.number()?);
            reader.skip((dimensions - 2) * 8)?;
        }
        Ok(())
    }

    fn end_ring(&mut self, start: usize, outer: bool) {
        let points = self.xs.len() - start;
        if points > 0 {
            self.rings.push(Ring { points, outer });
        }
    }

    /// A ring of straight lines, of arcs, or of both one behind the other.
    fn curved_ring(&mut self, reader: &mut Wkb<'_>, outer: bool) -> Result<(), Broken> {
        let start = self.xs.len();
        let (kind, dimensions) = self.kind(reader)?;
        if kind == COMPOUND_CURVE {
            for _ in 0..reader.count()? {
                let (part, dimensions) = self.kind(reader)?;
                // A part begins where the one before has ended.
                if self.xs.len() > start {
                    self.xs.pop();
                    self.ys.pop();
                }
                self.piece(reader, part, dimensions)?;
            }
        } else {
            self.piece(reader, kind, dimensions)?;
        }
        self.end_ring(start, outer);
        Ok(())
    }

    fn piece(&mut self, reader: &mut Wkb<'_>, kind: u32, dimensions: usize) -> Result<(), Broken> {
        let start = self.xs.len();
        match kind {
            LINE => return self.line(reader, dimensions),
            ARCS => self.line(reader, dimensions)?,
            _ => return Err(Broken),
        }
        let corners: Vec<_> = self.xs.drain(start..).zip(self.ys.drain(start..)).collect();
        let Some(first) = corners.first().filter(|_| corners.len() % 2 == 1) else { return Err(Broken) };
        self.curved += 1;
        self.xs.push(first.0);
        self.ys.push(first.1);
        let (tolerance, xs, ys) = (self.tolerance, &mut self.xs, &mut self.ys);
        // Each arc has its own middle and shares its ends.
        for at in (2..corners.len()).step_by(2) {
            curve::arc([corners[at - 2], corners[at - 1], corners[at]], tolerance, &mut |x, y| {
                xs.push(x);
                ys.push(y);
            });
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
        let corners = corners.into_iter().map(|(at, x, y)| ((self.xs[at], self.ys[at]), (x, y)));
        self.swapped += swapped_among(crs, bounds.unwrap_or(CHINA), corners);
        let (mut ring_at, mut point_at) = (0, 0);
        for (row, cells, outline) in self.rows.drain(..) {
            let shape = match outline {
                Outline::None | Outline::Mark => Shape::None,
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
}

/// How many corners lie outside the bounds, and would lie inside with the other order of axes: each as it was turned, and
/// as the file has it.
pub(super) fn swapped_among(
    crs: Option<&Crs>,
    bounds: [f64; 4],
    corners: impl Iterator<Item = ((f64, f64), (f64, f64))>,
) -> u64 {
    let inside = |x: f64, y: f64| (bounds[0]..=bounds[2]).contains(&x) && (bounds[1]..=bounds[3]).contains(&y);
    let outside = corners.filter(|((x, y), _)| !inside(*x, *y));
    let (mut xs, mut ys): (Vec<f64>, Vec<f64>) = outside.map(|(_, (x, y))| (y, x)).unzip();
    if let Some(crs) = crs {
        crs.try_turn(&mut xs, &mut ys);
    }
    xs.into_iter().zip(ys).filter(|(x, y)| inside(*x, *y)).count() as u64
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
pub(super) fn is_clockwise(ring: &[Coord<f64>]) -> bool {
    let Some(first) = ring.first() else { return false };
    let cross = |pair: &[Coord<f64>]| {
        (pair[0].x - first.x) * (pair[1].y - first.y) - (pair[1].x - first.x) * (pair[0].y - first.y)
    };
    ring.windows(2).map(cross).sum::<f64>() < 0.0
}
