//! Shapes as well-known text in a column of a table: which column, in which reference system, and a cell of it as binary.
//! It knows no rows.

use super::crs::{self, Asked, Crs};
use super::error::ReadError;
use super::vector::listen;
use crate::domain::intake::{Cell, Kind, Shapes};
use gdal::vector::Geometry;

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
