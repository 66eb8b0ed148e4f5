//! What a search of the map found as a file, in the formats that bureaus open: the columns that were asked for, in the order
//! in which it was found.

use crate::atlas::{GivenUp, ParcelRef, Snapshot};
use crate::domain::dictionary::Term;
use crate::domain::filter::{Kind, Value as Held};
use crate::domain::queryable::Queryable;
use crate::exchange::workbook::Cover;
use crate::exchange::write::{self, Column, Format, Layout, Row, Value, WriteError};
use chrono::NaiveDate;
use std::path::Path;

/// The formats, each with its word.
pub const FORMATS: [Format; 4] = [Format::GeoJson, Format::Csv, Format::Xlsx, Format::Gpkg];

/// Why no file was written.
#[derive(Debug, thiserror::Error)]
pub enum FoundError {
    /// It could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Nobody waits for it any more.
    #[error(transparent)]
    GivenUp(#[from] GivenUp),
}

/// What was found.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    /// Where.
    pub snapshot: &'a Snapshot,
    /// The parcels by their numbers in it.
    pub listed: &'a [u32],
    /// What is told of each.
    pub fields: &'a [Queryable],
    /// Of which day.
    pub day: NaiveDate,
}

impl Found<'_> {
    /// Writes it to a path and answers how many rows that were. Shapes are left out where the format has no place for them.
    pub fn write(&self, format: Format, path: &Path, given_up: &dyn Fn() -> bool) -> Result<u64, FoundError> {
        let city = self.snapshot.city();
        let terms: Vec<Term> = self.fields.iter().filter_map(|field| field.term()).cloned().collect();
        let columns: Vec<Column> = terms.iter().map(|term| Column::new(&term.name, term.holds, term.width)).collect();
        let note = city.note_zh.as_deref().map(|note| format!("    {note}")).unwrap_or_default();
        let review = city.run.as_ref().map(|run| format!("    评价批次 {}（{}）", run.id, run.scheme));
        let cover = Cover {
            title: format!("{}宗地检索结果", city.name),
            source: format!("来源：{}产业用地登记册（landcycle）{note}", city.name),
            moment: format!(
                "数据日期 {}    登记册版本 {}{}",
                self.day,
                self.snapshot.revision(),
                review.unwrap_or_default()
            ),
            crs: Some("EPSG:4490（CGCS2000）"),
            terms: &terms,
            shape: None,
        };
        let layout =
            Layout { format, layer: "parcels", columns: &columns, epsg: 4490, exact: true, cover: Some(&cover) };
        let has_shapes = matches!(format, Format::GeoJson | Format::Gpkg);
        let rows = self.listed.iter().map(|number| {
            if given_up() {
                return Err(FoundError::GivenUp(GivenUp));
            }
            Ok(self.row(&self.snapshot.parcel(*number), has_shapes))
        });
        write::table(path, &layout, rows)
    }

    fn row(&self, parcel: &ParcelRef<'_>, has_shape: bool) -> Row {
        let values = self.fields.iter().filter(|field| field.holds() != Kind::Shape).map(|field| {
            match parcel.value(*field) {
                Some(Held::Text(text)) => text.into(),
                Some(Held::Number(number)) => number.into(),
                Some(Held::Date(day)) => day.into(),
                Some(Held::Flag(flag)) => flag.into(),
                // No parcel holds any of these.
                None | Some(Held::Timestamp(_) | Held::Shape(_) | Held::List(_)) => Value::Empty,
            }
        });
        let has_shape = has_shape && self.fields.contains(&Queryable::Geometry);
        (values.collect(), has_shape.then(|| parcel.shape().to_multi_polygon()))
    }
}
