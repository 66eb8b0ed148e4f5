//! Shapes as well-known text in a column of a table: which column, in which reference system, a cell of it as binary, and a
//! shape as a cell. It knows no rows.

use super::crs::{self, Asked, Crs};
use super::error::ReadError;
use super::vector::listen;
use crate::domain::intake::{Cell, Kind, Shapes};
use gdal::vector::Geometry;
use geo_types::{LineString, MultiPolygon};
use std::fmt::Write as _;

/// What the column is called: these words, and behind them perhaps the reference system in brackets, as in
/// `WKT (EPSG:4549)`.
const NAMES: [&str; 9] =
    ["wkt", "wkt_geom", "wkt_geometry", "geom_wkt", "geometry_wkt", "geometry", "geom", "the_geom", "几何"];

/// A column of shapes.
pub(crate) struct Column {
    /// Which one.
    pub index: usize,
    /// What its coordinates are in.
    pub crs: Crs,
}

/// The column of shapes of a table, where the kind has any. A table says nothing of its reference system unless its
/// header does, so without one it must be named: numbers that look like degrees may be those of GCJ-02, or of feet.
pub(crate) fn column(
    file: &str,
    kind: Kind,
    columns: &[String],
    asked: Asked<'_>,
) -> Result<Option<Column>, ReadError> {
    if kind.shapes() == Shapes::None {
        return Ok(None);
    }
    for (index, column) in columns.iter().enumerate() {
        let (name, behind) = column.split_once(['(', '（', '[']).unwrap_or((column, ""));
        if NAMES.iter().any(|known| name.trim().eq_ignore_ascii_case(known)) {
            let named = behind.trim_end_matches([')', '）', ']', ' ']);
            let named = Some(named).filter(|named| !named.is_empty());
            let asked = Asked { crs: asked.crs.or(named), ..asked };
            // Where nothing is named, the table is not read through only to say what its coordinates look like.
            let crs = crs::resolve(file, None, asked, || None)?;
            return Ok(Some(Column { index, crs }));
        }
    }
    Ok(None)
}

/// A cell as ISO well-known binary; nothing where it is empty, and what it is where it holds no shape.
pub(crate) fn binary(cell: &Cell, crs: &Crs) -> Result<Option<Vec<u8>>, String> {
    let text = match cell {
        Cell::Empty => return Ok(None),
        Cell::Text(text) => text.trim(),
        Cell::Number(_) | Cell::Date(_) => return Err("no well-known text".to_owned()),
    };
    let text = match text.split_once(';') {
        Some((own, shape)) if own.get(..5).is_some_and(|word| word.eq_ignore_ascii_case("srid=")) => {
            if !crs.label.ends_with(&format!(":{}", &own[5..])) {
                return Err(format!("shape in a reference system of its own ({own}, and not {})", crs.label));
            }
            shape.trim()
        }
        _ => text,
    };
    listen();
    let shape = Geometry::from_wkt(text).and_then(|shape| shape.iso_wkb());
    shape.map(Some).map_err(|_| "unreadable well-known text".to_owned())
}

/// A shape as well-known text, each coordinate to its last digit.
pub fn text(shape: &MultiPolygon<f64>) -> String {
    fn ring(text: &mut String, ring: &LineString<f64>) {
        for (point, mark) in ring.0.iter().zip(std::iter::once('(').chain(std::iter::repeat(','))) {
            // Writing to a text cannot fail.
            let _ = write!(text, "{mark}{} {}", point.x, point.y);
        }
        text.push(')');
    }
    let mut text = "MULTIPOLYGON(".to_owned();
    for (polygon, at) in shape.iter().zip(0_usize..) {
        text.push_str(if at == 0 { "(" } else { ",(" });
        ring(&mut text, polygon.exterior());
        for hole in polygon.interiors() {
            text.push(',');
            ring(&mut text, hole);
        }
        text.push(')');
    }
    text.push(')');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use geo_types::polygon;

    #[test]
    fn a_shape_is_spelled_with_its_holes_and_to_its_last_digit() {
        let holed = polygon!(
            exterior: [(x: 121.1, y: 31.000_000_000_000_004), (x: 122.0, y: 31.0), (x: 122.0, y: 32.0)],
            interiors: [[(x: 121.5, y: 31.2), (x: 121.6, y: 31.2), (x: 121.6, y: 31.3)]],
        );
        let other = polygon![(x: 0.5, y: 0.0), (x: 1.0, y: 0.0), (x: 1.0, y: 1.0)];
        assert_eq!(
            text(&MultiPolygon(vec![holed, other])),
            "MULTIPOLYGON(((121.1 31.000000000000004,122 31,122 32,121.1 31.000000000000004),\
             (121.5 31.2,121.6 31.2,121.6 31.3,121.5 31.2)),((0.5 0,1 0,1 1,0.5 0)))"
        );
    }
}
