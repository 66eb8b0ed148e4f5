//! GeoJSON by RFC 7946, streamed: longitude and latitude with 7 decimals (a centimetre) or
//! to the last digit, outer rings counter-clockwise.
//!
//! CGCS2000 is written as it is: it agrees with the WGS 84 that the RFC asks for within centimetres.

use super::{Column, Staging, Value, WriteError, check_width};
use geo::orient::{Direction, Orient};
use geo_types::{Geometry, LineString, MultiPolygon};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// Writes a feature collection row by row.
pub struct GeoJsonWriter {
    staging: Staging,
    out: BufWriter<File>,
    names: Vec<String>,
    first: bool,
    exact: bool,
}

impl GeoJsonWriter {
    /// Begins a file; `exact` keeps coordinates to their last digit.
    pub fn create(path: &Path, layer: &str, columns: &[Column], exact: bool) -> Result<Self, WriteError> {
        let staging = Staging::begin(path)?;
        let mut out = BufWriter::new(File::create(staging.path()).map_err(|e| staging.io(e))?);
        write!(out, "{{\"type\":\"FeatureCollection\",\"name\":{},\"features\":[", quoted(layer))
            .map_err(|e| staging.io(e))?;
        let names = columns.iter().map(|column| quoted(&column.name)).collect();
        Ok(Self { staging, out, names, first: true, exact })
    }

    /// Writes one row.
    pub fn write(&mut self, row: &[Value], shape: Option<&MultiPolygon<f64>>) -> Result<(), WriteError> {
        check_width(self.staging.target(), row, self.names.len())?;
        let mut line = String::from(if self.first { "\n" } else { ",\n" });
        self.first = false;
        push_properties(&mut line, &self.names, row);
        line.push_str(",\"geometry\":");
        match shape {
            None => line.push_str("null"),
            Some(shape) => push_shape(&mut line, shape, self.exact),
        }
        line.push('}');
        self.out.write_all(line.as_bytes()).map_err(|e| self.staging.io(e))
    }

    /// Puts the file in its place.
    pub fn finish(mut self) -> Result<(), WriteError> {
        self.out.write_all(b"\n]}\n").and_then(|()| self.out.flush()).map_err(|e| self.staging.io(e))?;
        drop(self.out);
        self.staging.finish()
    }
}

/// A collection of one feature as text: its values by name, and the land that they are about, to the last digit. What is
/// neither land nor a place is left out.
pub fn one(layer: &str, named: &[(&str, Value)], land: Option<&Geometry<f64>>) -> String {
    let (names, row): (Vec<String>, Vec<Value>) =
        named.iter().map(|(name, value)| (quoted(name), value.clone())).unzip();
    let mut text = format!("{{\"type\":\"FeatureCollection\",\"name\":{},\"features\":[\n", quoted(layer));
    push_properties(&mut text, &names, &row);
    text.push_str(",\"geometry\":");
    match land {
        Some(Geometry::MultiPolygon(shape)) => push_shape(&mut text, shape, true),
        Some(Geometry::Point(place)) => {
            text.push_str(&format!("{{\"type\":\"Point\",\"coordinates\":[{},{}]}}", place.x(), place.y()));
        }
        _ => text.push_str("null"),
    }
    text.push_str("}\n]}\n");
    text
}

/// A feature as far as its properties.
fn push_properties(line: &mut String, names: &[String], row: &[Value]) {
    line.push_str("{\"type\":\"Feature\",\"properties\":{");
    for (index, (name, value)) in names.iter().zip(row).enumerate() {
        if index > 0 {
            line.push(',');
        }
        line.push_str(name);
        line.push(':');
        match value {
            Value::Empty => line.push_str("null"),
            Value::Text(text) => line.push_str(&quoted(text)),
            // JSON has no word for what is not a number.
            Value::Number(number) if !number.is_finite() => line.push_str("null"),
            Value::Number(number) => line.push_str(&number.to_string()),
            Value::Integer(number) => line.push_str(&number.to_string()),
            Value::Date(day) => line.push_str(&quoted(&day.to_string())),
            Value::Flag(flag) => line.push_str(if *flag { "true" } else { "false" }),
        }
    }
    line.push('}');
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn push_shape(line: &mut String, shape: &MultiPolygon<f64>, exact: bool) {
    let shape = shape.orient(Direction::Default);
    let single = shape.0.len() == 1;
    line.push_str(if single {
        "{\"type\":\"Polygon\",\"coordinates\":"
    } else {
        "{\"type\":\"MultiPolygon\",\"coordinates\":["
    });
    for (index, polygon) in shape.iter().enumerate() {
        if index > 0 {
            line.push(',');
        }
        line.push('[');
        push_ring(line, polygon.exterior(), exact);
        for hole in polygon.interiors() {
            line.push(',');
            push_ring(line, hole, exact);
        }
        line.push(']');
    }
    line.push_str(if single { "}" } else { "]}" });
}

fn push_ring(line: &mut String, ring: &LineString<f64>, exact: bool) {
    line.push('[');
    for (index, point) in ring.0.iter().enumerate() {
        if index > 0 {
            line.push(',');
        }
        let round = |degrees: f64| if exact { degrees } else { (degrees * 1e7).round() / 1e7 };
        line.push_str(&format!("[{},{}]", round(point.x), round(point.y)));
    }
    line.push(']');
}
