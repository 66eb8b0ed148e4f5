//! The first rows of a data set as they are read, for people to look at before they import it: which column became which
//! field, in which encoding and unit, and where the shapes fall.

use super::Order;
use super::rows::{Step, Taken, key, stage_record};
use super::tally::Tally;
use crate::domain::finding::Finding;
use crate::domain::geometry;
use crate::domain::intake::{Cell, Record, Shape};
use crate::domain::plausibility::Plausibility;
use crate::exchange::{self, Event, ReadError};
use crate::store::copy::Rows;
use chrono::NaiveDate;
use geo::CoordsIter as _;
use geo_types::Geometry;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::ops::ControlFlow;

/// A data set as its first rows show it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Preview {
    /// What kind of data set it is to be.
    pub dataset: String,
    /// The names of its files.
    pub files: Vec<String>,
    /// The reference systems of its files.
    pub crs: Option<String>,
    /// Their encodings.
    pub encoding: Option<String>,
    /// What speaks for them.
    pub evidence: Option<String>,
    /// Which column became which field.
    pub columns: Vec<Column>,
    /// The first rows.
    pub rows: Vec<Row>,
    /// What was found in the files and in these rows.
    pub findings: Vec<Finding>,
}

/// Where a field comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// The file.
    pub file: String,
    /// The field.
    pub field: String,
    /// The column's name, or `= text` for a constant or a template.
    pub from: String,
    /// The unit that was turned into the field's own, where it was another.
    pub unit: Option<String>,
}

/// One row as it was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The file.
    pub file: String,
    /// The row, counted from 1.
    pub row: u64,
    /// Each field that has a value, converted as it would be stored.
    pub values: Map<String, Value>,
    /// Its shape.
    pub place: Option<Place>,
}

/// Where a shape falls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// What it is.
    pub shape: String,
    /// Longitude and latitude of its first point.
    pub first_point: Option<[f64; 2]>,
    /// Its area on the ellipsoid, m2.
    pub area_m2: Option<f64>,
}

/// Reads so many rows of an order.
pub(super) fn look(
    order: &Order,
    today: NaiveDate,
    bounds: Option<[f64; 4]>,
    plausibility: &Plausibility,
    tally: &mut Tally,
    rows: u16,
    tell: &mut dyn FnMut(Step<'_>) -> ControlFlow<()>,
) -> Result<Taken, ReadError> {
    let mut found = Preview { dataset: order.kind.name().to_owned(), ..Preview::default() };
    let mut unstaged = Rows::default();
    let opened = exchange::read(order.kind, &order.source(bounds), &mut |event| {
        let (file, record) = match event {
            Event::File(name) => return tell(Step::File(name)),
            Event::Row(file, record) => (file, record),
        };
        for fault in stage_record(order.kind, &record, today, 0, plausibility, tally, &mut unstaged) {
            found.findings.push(fault.at(file, Some(record.row), key(&record).as_deref()));
        }
        unstaged.clear();
        let cells = order.kind.fields().iter().zip(&record.cells);
        let values = cells.filter_map(|(field, cell)| Some((field.name.to_owned(), value(cell)?))).collect();
        found.rows.push(Row { file: file.to_owned(), row: record.row, values, place: place(&record) });
        if found.rows.len() < usize::from(rows) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    let of_files = opened.findings.into_iter().chain(std::mem::take(&mut found.findings)).collect();
    let columns = opened.columns.into_iter().map(|column| Column {
        file: column.file,
        field: column.field.to_owned(),
        from: column.from,
        unit: column.unit,
    });
    let preview = Preview {
        files: opened.files,
        crs: opened.crs,
        encoding: opened.encoding,
        evidence: opened.evidence,
        columns: columns.collect(),
        findings: of_files,
        ..found
    };
    Ok(Taken { preview: Some(preview), ..Taken::default() })
}

fn value(cell: &Cell) -> Option<Value> {
    match cell {
        Cell::Empty => None,
        Cell::Text(text) => Some(json!(text)),
        Cell::Number(number) => Some(json!(number)),
        Cell::Date(date) => Some(json!(date)),
    }
}

fn place(record: &Record) -> Option<Place> {
    let nowhere = |shape: String| Some(Place { shape, first_point: None, area_m2: None });
    match &record.shape {
        Shape::None => None,
        Shape::Other(name) => nowhere(name.clone()),
        Shape::Any(geometry) => {
            let first = geometry.coords_iter().next();
            let shape = format!("{}, {} points", named(geometry), geometry.coords_count());
            Some(Place { shape, first_point: first.map(|point| [point.x, point.y]), area_m2: None })
        }
        Shape::OffTheGlobe(place) => nowhere(format!("off the globe: {place}")),
        Shape::Polygons(polygons) => {
            let points: usize = polygons.iter().map(|polygon| polygon.exterior().0.len()).sum();
            let first = polygons.0.first().and_then(|polygon| polygon.exterior().0.first());
            Some(Place {
                shape: format!("{} polygon(s), {points} points", polygons.0.len()),
                first_point: first.map(|point| [point.x, point.y]),
                area_m2: Some(geometry::area(polygons).value()),
            })
        }
    }
}

fn named(geometry: &Geometry<f64>) -> &'static str {
    match geometry {
        Geometry::Point(_) => "point",
        Geometry::MultiPoint(_) => "points",
        Geometry::LineString(_) | Geometry::Line(_) => "line",
        Geometry::MultiLineString(_) => "lines",
        Geometry::Polygon(_) | Geometry::Rect(_) | Geometry::Triangle(_) => "polygon",
        Geometry::MultiPolygon(_) => "polygons",
        Geometry::GeometryCollection(_) => "collection",
    }
}
