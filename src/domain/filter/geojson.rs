//! Shapes in the JSON of a filter: GeoJSON of every kind and boxes. What makes a shape sound is in `shape.rs`.

use super::tree::Shape;
use super::{FilterError, MAX_DEPTH, MAX_VERTICES, Place, build::refuse, shape};
use geo_types::{
    Coord, Geometry, GeometryCollection, LineString, MultiLineString, MultiPoint, MultiPolygon, Point, Polygon, coord,
};
use serde_json::{Map, Value, json};

pub(super) fn read(
    object: &Map<String, Value>,
    pointer: &str,
    vertices: &mut usize,
) -> Result<Geometry<f64>, FilterError> {
    let geometry = Reader { vertices }.geometry(object, pointer, 0)?;
    shape::sound(&geometry, &Place::Pointer(pointer.to_owned()))?;
    Ok(geometry)
}

pub(super) fn bbox(values: &[Value], pointer: &str) -> Result<Shape, FilterError> {
    let place = Place::Pointer(pointer.to_owned());
    let numbers: Option<Vec<f64>> = values.iter().map(Value::as_f64).collect();
    match numbers {
        Some(numbers) => shape::boxed(&numbers, &place),
        None => refuse(&place, "something else than numbers", "west, south, east and north"),
    }
}

struct Reader<'a> {
    vertices: &'a mut usize,
}

impl Reader<'_> {
    fn geometry(
        &mut self,
        object: &Map<String, Value>,
        pointer: &str,
        depth: usize,
    ) -> Result<Geometry<f64>, FilterError> {
        let place = Place::Pointer(pointer.to_owned());
        let kind = object.get("type").and_then(Value::as_str).unwrap_or_default();
        let inner = format!("{pointer}/{}", if kind == "GeometryCollection" { "geometries" } else { "coordinates" });
        let Some(value) = object.get(if kind == "GeometryCollection" { "geometries" } else { "coordinates" }) else {
            return refuse(&place, "a shape without coordinates", "a GeoJSON shape");
        };
        Ok(match kind {
            "Point" => Geometry::Point(Point(self.vertex(value, &inner)?)),
            "LineString" => Geometry::LineString(self.line(value, &inner)?),
            "Polygon" => Geometry::Polygon(self.polygon(value, &inner)?),
            "MultiPoint" => Geometry::MultiPoint(MultiPoint(
                self.each(value, &inner, |reader, value, pointer| reader.vertex(value, pointer).map(Point))?,
            )),
            "MultiLineString" => Geometry::MultiLineString(MultiLineString(self.each(value, &inner, Self::line)?)),
            "MultiPolygon" => Geometry::MultiPolygon(MultiPolygon(self.each(value, &inner, Self::polygon)?)),
            "GeometryCollection" if depth < MAX_DEPTH => {
                let parts = self.each(value, &inner, |reader, value, pointer| match value {
                    Value::Object(object) => reader.geometry(object, pointer, depth + 1),
                    _ => refuse(&Place::Pointer(pointer.to_owned()), "no object", "a GeoJSON shape"),
                })?;
                Geometry::GeometryCollection(GeometryCollection(parts))
            }
            other => return refuse(&place, format!("a shape of type {other:?}"), "a GeoJSON shape, not too deep"),
        })
    }

    /// One or more things in an array.
    fn each<T>(
        &mut self,
        value: &Value,
        pointer: &str,
        next: impl Fn(&mut Self, &Value, &str) -> Result<T, FilterError>,
    ) -> Result<Vec<T>, FilterError> {
        match value {
            Value::Array(values) if !values.is_empty() => values
                .iter()
                .enumerate()
                .map(|(index, value)| next(self, value, &format!("{pointer}/{index}")))
                .collect(),
            _ => refuse(&Place::Pointer(pointer.to_owned()), "no array, or an empty one", "an array"),
        }
    }

    fn vertex(&mut self, value: &Value, pointer: &str) -> Result<Coord<f64>, FilterError> {
        *self.vertices += 1;
        let place = Place::Pointer(pointer.to_owned());
        if *self.vertices > MAX_VERTICES {
            return refuse(&place, "one point more", format!("at most {MAX_VERTICES} points in all shapes"));
        }
        let numbers: Option<Vec<f64>> = value.as_array().and_then(|values| values.iter().map(Value::as_f64).collect());
        match numbers.as_deref() {
            // A height is of no account.
            Some([x, y] | [x, y, _]) => Ok(coord! { x: *x, y: *y }),
            _ => refuse(&place, "no position", "two or three numbers"),
        }
    }

    fn line(&mut self, value: &Value, pointer: &str) -> Result<LineString<f64>, FilterError> {
        self.each(value, pointer, Self::vertex).map(LineString)
    }

    fn polygon(&mut self, value: &Value, pointer: &str) -> Result<Polygon<f64>, FilterError> {
        let rings = self.each(value, pointer, Self::line)?;
        shape::polygon_of(rings, &Place::Pointer(pointer.to_owned()))
    }
}

pub(super) fn write(geometry: &Geometry<f64>) -> Value {
    if let Geometry::GeometryCollection(all) = geometry {
        return json!({"type": "GeometryCollection", "geometries": all.0.iter().map(write).collect::<Vec<_>>()});
    }
    let vertex = |at: &Coord<f64>| json!([at.x, at.y]);
    let line = |line: &LineString<f64>| line.0.iter().map(vertex).collect::<Vec<_>>();
    let polygon =
        |one: &Polygon<f64>| std::iter::once(one.exterior()).chain(one.interiors()).map(line).collect::<Vec<_>>();
    let (kind, coordinates) = match geometry {
        Geometry::Point(point) => ("Point", vertex(&point.0)),
        Geometry::LineString(one) => ("LineString", json!(line(one))),
        Geometry::Polygon(one) => ("Polygon", json!(polygon(one))),
        Geometry::MultiPoint(all) => ("MultiPoint", all.0.iter().map(|point| vertex(&point.0)).collect()),
        Geometry::MultiLineString(all) => ("MultiLineString", json!(all.0.iter().map(line).collect::<Vec<_>>())),
        Geometry::MultiPolygon(all) => ("MultiPolygon", json!(all.0.iter().map(polygon).collect::<Vec<_>>())),
        // The readers make none of these; a collection is written above.
        Geometry::GeometryCollection(_) | Geometry::Line(_) | Geometry::Rect(_) | Geometry::Triangle(_) => {
            return Value::Null;
        }
    };
    json!({"type": kind, "coordinates": coordinates})
}
