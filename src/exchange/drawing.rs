//! A cut line, or the lots that land is to be divided into, drawn in a GeoJSON file. It knows the format, not what is done
//! with the drawing.

use super::small;
use geo_types::{Geometry, LineString, MultiLineString, MultiPolygon};
use geojson::{Feature, GeoJson};
use std::path::Path;

/// The largest drawing: a line of 100,000 vertices takes some 4 MB.
const MOST_BYTES: u64 = 64 << 20;

/// Why a drawing was refused.
#[derive(Debug, thiserror::Error)]
pub enum DrawingError {
    /// The file could not be read.
    #[error("{path} could not be read")]
    File {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is no GeoJSON.
    #[error("{path} is no GeoJSON")]
    Format {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: Box<geojson::Error>,
    },
    /// It is something else than what was asked for.
    #[error("{path}{}: found {found}, expected {expected}", .feature.map(|at| format!(", feature {at}")).unwrap_or_default())]
    Content {
        /// The file.
        path: String,
        /// Which feature, from 1.
        feature: Option<usize>,
        /// What is there.
        found: String,
        /// What should be.
        expected: &'static str,
    },
}

/// A lot as it was drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Lot {
    /// Its parcel code, where the drawing names one.
    pub code: Option<String>,
    /// The area on its certificate, where the drawing names one.
    pub registered_area_m2: Option<f64>,
    /// Its land.
    pub shape: MultiPolygon<f64>,
}

/// The line of a cut, in longitude and latitude.
pub fn cut(path: &Path) -> Result<MultiLineString<f64>, DrawingError> {
    let mut lines: Vec<LineString<f64>> = Vec::new();
    for (at, feature) in features(path)?.into_iter().enumerate() {
        let refuse = |found: &str| content(path, at, found, "a LineString in longitude and latitude");
        match geometry(&feature).map_err(|found| refuse(&found))? {
            Geometry::LineString(line) => lines.push(line),
            Geometry::MultiLineString(several) => lines.extend(several.0),
            other => return Err(refuse(name(&other))),
        }
        let short = lines.iter().any(|line| line.0.len() < 2);
        if short {
            return Err(refuse("a line of fewer than two points"));
        }
        if lines.iter().flat_map(|line| &line.0).any(|point| is_off(point.x, point.y)) {
            return Err(refuse("a point off the globe"));
        }
    }
    Ok(MultiLineString(lines))
}

/// The lots of a drawing, each with its properties.
pub fn lots(path: &Path) -> Result<Vec<Lot>, DrawingError> {
    let lot = |(at, feature): (usize, Feature)| {
        let refuse = |found: &str, expected| content(path, at, found, expected);
        let polygon = "a Polygon or MultiPolygon in longitude and latitude";
        let shape = match geometry(&feature).map_err(|found| refuse(&found, polygon))? {
            Geometry::Polygon(one) => MultiPolygon(vec![one]),
            Geometry::MultiPolygon(several) => several,
            other => return Err(refuse(name(&other), polygon)),
        };
        let code = match feature.property("parcel_code") {
            None | Some(serde_json::Value::Null) => None,
            Some(serde_json::Value::String(code)) => Some(code.clone()),
            Some(other) => return Err(refuse(&other.to_string(), "a text in parcel_code")),
        };
        let registered_area_m2 = match feature.property("registered_area_m2") {
            None | Some(serde_json::Value::Null) => None,
            Some(value) => match value.as_f64().filter(|area| *area >= 0.0001 && *area < 1e12) {
                Some(area) => Some(area),
                None => return Err(refuse(&value.to_string(), "an area in m2 in registered_area_m2, or nothing")),
            },
        };
        Ok(Lot { code, registered_area_m2, shape })
    };
    features(path)?.into_iter().enumerate().map(lot).collect()
}

fn content(path: &Path, at: usize, found: &str, expected: &'static str) -> DrawingError {
    let path = path.display().to_string();
    DrawingError::Content { path, feature: Some(at + 1), found: found.to_owned(), expected }
}

fn features(path: &Path) -> Result<Vec<Feature>, DrawingError> {
    let name = || path.display().to_string();
    let text = small::read(path, MOST_BYTES).map_err(|source| DrawingError::File { path: name(), source })?;
    let document: GeoJson =
        text.parse().map_err(|source| DrawingError::Format { path: name(), source: Box::new(source) })?;
    let features = match document {
        GeoJson::FeatureCollection(collection) => collection.features,
        GeoJson::Feature(feature) => vec![feature],
        GeoJson::Geometry(geometry) => vec![Feature::from(geometry)],
    };
    if features.is_empty() {
        let found = "no feature".to_owned();
        return Err(DrawingError::Content { path: name(), feature: None, found, expected: "at least one" });
    }
    Ok(features)
}

fn geometry(feature: &Feature) -> Result<Geometry<f64>, String> {
    let geometry = feature.geometry.as_ref().ok_or_else(|| "no geometry".to_owned())?;
    Geometry::try_from(geometry).map_err(|error| error.to_string())
}

fn name(geometry: &Geometry<f64>) -> &'static str {
    match geometry {
        Geometry::Point(_) | Geometry::MultiPoint(_) => "points",
        Geometry::Line(_) | Geometry::LineString(_) | Geometry::MultiLineString(_) => "a line",
        Geometry::Polygon(_) | Geometry::MultiPolygon(_) | Geometry::Rect(_) | Geometry::Triangle(_) => "a polygon",
        Geometry::GeometryCollection(_) => "a collection",
    }
}

fn is_off(longitude: f64, latitude: f64) -> bool {
    !((-180.0..=180.0).contains(&longitude) && (-90.0..=90.0).contains(&latitude))
}
