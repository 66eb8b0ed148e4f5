//! GeoPackage, FlatGeobuf and Shapefile through GDAL, in any coordinate system that PROJ knows.

use super::{Column, Format, Row, Staging, Value, WriteError, check_width};
use crate::domain::intake::FieldType;
use gdal::config::{clear_thread_local_config_option, set_thread_local_config_option};
use gdal::errors::GdalError;
use gdal::spatial_ref::{AxisMappingStrategy, CoordTransform, SpatialRef};
use gdal::vector::{Feature, FieldDefn, Geometry, LayerAccess, LayerOptions, OGRFieldType, OGRwkbGeometryType};
use gdal::{Dataset, DriverManager};
use geo_types::MultiPolygon;
use std::path::Path;

/// Rows that are handed to GDAL in one transaction.
const BATCH: usize = 5_000;
/// The coordinate system in which rows come.
const SOURCE_EPSG: u32 = 4490;
/// GDAL would write the time of the machine; files carry none of their own.
const FIXED_TIME: (&str, &str) = ("OGR_CURRENT_DATE", "2026-06-30T00:00:00.000Z");
const FIXED_DBF_DAY: &str = "DBF_DATE_LAST_UPDATE=2026-06-30";

/// One layer of a file.
#[derive(Debug, Clone, Copy)]
pub struct VectorLayer<'a> {
    /// Its name; a Shapefile takes the file's.
    pub name: &'a str,
    /// Its title in the metadata (GeoPackage only).
    pub title: Option<&'a str>,
    /// What it is, in the metadata (GeoPackage only).
    pub description: Option<&'a str>,
    /// Its columns.
    pub columns: &'a [Column],
}

/// How a vector file is written.
#[derive(Debug, Clone, Copy)]
pub struct VectorOptions {
    /// The coordinate system of the file.
    pub epsg: u32,
    /// The encoding of a Shapefile's text in GDAL's words, e.g. CP936.
    pub encoding: &'static str,
    /// Whether a Shapefile says its encoding in a .cpg; many that are sent do not.
    pub says_encoding: bool,
}

impl Default for VectorOptions {
    fn default() -> Self {
        Self { epsg: SOURCE_EPSG, encoding: "UTF-8", says_encoding: true }
    }
}

/// Writes a vector file of one or several layers row by row.
pub struct VectorWriter {
    // Before the folder: GDAL closes its files when it is dropped, and wants to find them.
    dataset: Dataset,
    staging: Staging,
    /// The columns of each layer.
    columns: Vec<Vec<Column>>,
    /// Rows not yet handed over, with their layer.
    waiting: Vec<(usize, Row)>,
    transform: Option<CoordTransform>,
    transactions: bool,
    needs_shapes: bool,
    drop_cpg: bool,
    in_gbk: bool,
    /// Whether a text takes as many bytes in the file as here, in a field that has so many.
    field_bytes: bool,
}

impl VectorWriter {
    /// Begins a file with its layers.
    pub fn create(
        path: &Path,
        format: Format,
        layers: &[VectorLayer<'_>],
        options: VectorOptions,
    ) -> Result<Self, WriteError> {
        let staging = Staging::begin(path)?;
        let fail = |source| WriteError::Gdal { path: path.to_owned(), source };
        let _time = FixedTime::set();
        let (driver, transactions) = match format {
            Format::Shapefile => ("ESRI Shapefile", false),
            Format::FlatGeobuf => ("FlatGeobuf", false),
            _ => ("GPKG", true),
        };
        let target = srs(options.epsg).map_err(fail)?;
        let transform = match options.epsg {
            SOURCE_EPSG => None,
            _ => Some(srs(SOURCE_EPSG).and_then(|source| CoordTransform::new(&source, &target)).map_err(fail)?),
        };
        let mut dataset = DriverManager::get_driver_by_name(driver)
            .and_then(|driver| driver.create_vector_only(staging.path()))
            .map_err(fail)?;
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        for layer in layers {
            let mut settings: Vec<String> = match format {
                Format::Shapefile => vec![format!("ENCODING={}", options.encoding), FIXED_DBF_DAY.to_owned()],
                Format::FlatGeobuf => vec!["SPATIAL_INDEX=YES".to_owned()],
                _ => vec!["GEOMETRY_NAME=geom".to_owned(), "SPATIAL_INDEX=YES".to_owned()],
            };
            if format == Format::Gpkg {
                settings.extend(layer.title.map(|title| format!("IDENTIFIER={title}")));
                settings.extend(layer.description.map(|text| format!("DESCRIPTION={text}")));
            }
            let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
            let made = dataset
                .create_layer(LayerOptions {
                    name: if format == Format::Shapefile { &stem } else { layer.name },
                    srs: Some(&target),
                    ty: match format {
                        Format::Shapefile => OGRwkbGeometryType::wkbPolygon,
                        _ => OGRwkbGeometryType::wkbMultiPolygon,
                    },
                    options: Some(&settings),
                })
                .map_err(fail)?;
            for (column, name) in layer.columns.iter().zip(field_names(format, layer.columns)) {
                define(column, &name, format).and_then(|field| field.add_to_layer(&made)).map_err(fail)?;
            }
        }
        Ok(Self {
            staging,
            dataset,
            columns: layers.iter().map(|layer| layer.columns.to_vec()).collect(),
            waiting: Vec::new(),
            transform,
            transactions,
            needs_shapes: format == Format::FlatGeobuf,
            drop_cpg: format == Format::Shapefile && !options.says_encoding,
            in_gbk: format == Format::Shapefile && options.encoding == "CP936",
            field_bytes: format == Format::Shapefile && options.encoding == "UTF-8",
        })
    }

    /// Writes one row to the layer of that place in the list given at the beginning.
    pub fn write(&mut self, layer: usize, row: Row) -> Result<(), WriteError> {
        check_width(self.staging.target(), &row.0, self.columns.get(layer).map_or(0, Vec::len))?;
        if self.needs_shapes && row.1.as_ref().is_none_or(|shape| shape.0.is_empty()) {
            // GDAL leaves such a row out of an indexed FlatGeobuf without a word.
            return Err(WriteError::NoShape { path: self.staging.target().to_owned() });
        }
        if self.field_bytes {
            // GDAL cuts such a text with a warning that nobody reads.
            for (value, column) in row.0.iter().zip(self.columns.get(layer).into_iter().flatten()) {
                let most = usize::from(column.width.clamp(1, 254));
                if let Value::Text(text) = value
                    && text.len() > most
                {
                    let (path, field) = (self.staging.target().to_owned(), column.name.clone());
                    return Err(WriteError::TooLong { path, text: text.clone(), field, most });
                }
            }
        }
        if self.in_gbk {
            // GDAL drops such characters with a warning that nobody reads.
            for value in &row.0 {
                if let Value::Text(text) = value
                    && encoding_rs::GBK.encode(text).2
                {
                    let path = self.staging.target().to_owned();
                    return Err(WriteError::Encoding { path, text: text.clone(), encoding: "GBK" });
                }
            }
        }
        self.waiting.push((layer, row));
        if self.waiting.len() >= BATCH { self.hand_over() } else { Ok(()) }
    }

    /// Puts the file in its place.
    pub fn finish(mut self) -> Result<(), WriteError> {
        self.hand_over()?;
        let Self { staging, dataset, drop_cpg, .. } = self;
        let _time = FixedTime::set();
        dataset.close().map_err(|source| WriteError::Gdal { path: staging.target().to_owned(), source })?;
        if drop_cpg {
            std::fs::remove_file(staging.path().with_extension("cpg")).map_err(|e| staging.io(e))?;
        }
        staging.finish()
    }

    fn hand_over(&mut self) -> Result<(), WriteError> {
        let _time = FixedTime::set();
        let rows = std::mem::take(&mut self.waiting);
        let transform = self.transform.as_ref();
        let done = if self.transactions {
            self.dataset.start_transaction().and_then(|transaction| {
                put(&transaction, &rows, transform)?;
                transaction.commit()
            })
        } else {
            put(&self.dataset, &rows, transform)
        };
        done.map_err(|source| WriteError::Gdal { path: self.staging.target().to_owned(), source })
    }
}

fn put(dataset: &Dataset, rows: &[(usize, Row)], transform: Option<&CoordTransform>) -> Result<(), GdalError> {
    let mut wkb = Vec::new();
    for group in rows.chunk_by(|a, b| a.0 == b.0) {
        let Some((index, _)) = group.first() else { continue };
        let layer = dataset.layer(*index)?;
        for (_, (values, shape)) in group {
            let mut feature = Feature::new(layer.defn())?;
            for (index, value) in values.iter().enumerate() {
                match value {
                    Value::Empty => feature.set_field_null(index)?,
                    Value::Text(text) => feature.set_field_string(index, text)?,
                    Value::Number(number) => feature.set_field_double(index, *number)?,
                    Value::Integer(number) => feature.set_field_integer64(index, *number)?,
                    Value::Date(day) => feature.set_field_string(index, &day.format("%Y/%m/%d").to_string())?,
                    Value::Flag(flag) => feature.set_field_integer(index, i32::from(*flag))?,
                }
            }
            if let Some(shape) = shape {
                encode(&mut wkb, shape);
                let mut geometry = Geometry::from_wkb(&wkb)?;
                if let Some(transform) = transform {
                    geometry.transform_inplace(transform)?;
                }
                feature.set_geometry(geometry)?;
            }
            feature.create(&layer)?;
        }
    }
    Ok(())
}

/// A coordinate system whose x is east: without this, EPSG:4549 takes northings first and is silently wrong.
fn srs(epsg: u32) -> Result<SpatialRef, GdalError> {
    let mut srs = SpatialRef::from_epsg(epsg)?;
    srs.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
    Ok(srs)
}

fn define(column: &Column, name: &str, format: Format) -> Result<FieldDefn, GdalError> {
    let kind = match column.holds {
        FieldType::Text => OGRFieldType::OFTString,
        FieldType::Number => OGRFieldType::OFTReal,
        FieldType::Integer => OGRFieldType::OFTInteger64,
        FieldType::Date => OGRFieldType::OFTDate,
        FieldType::Flag => OGRFieldType::OFTInteger,
    };
    let field = FieldDefn::new(name, kind)?;
    if format == Format::Shapefile {
        match column.holds {
            // A dBASE text field holds at most 254 bytes.
            FieldType::Text => field.set_width(i32::from(column.width.clamp(1, 254))),
            FieldType::Number => {
                field.set_width(19);
                field.set_precision(4);
            }
            FieldType::Integer => field.set_width(11),
            FieldType::Flag => field.set_width(1),
            FieldType::Date => {}
        }
    }
    Ok(field)
}

/// Field names: a Shapefile has ten bytes for each, and two long names may begin alike.
fn field_names(format: Format, columns: &[Column]) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(columns.len());
    for column in columns {
        let mut name = column.name.clone();
        if format == Format::Shapefile {
            let cut = |text: &str, most: usize| {
                let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
                text[..end].to_owned()
            };
            name = cut(&column.name, 10);
            let mut number = 1;
            while names.contains(&name) {
                let tail = format!("_{number}");
                name = cut(&column.name, 10 - tail.len()) + &tail;
                number += 1;
            }
        }
        names.push(name);
    }
    names
}

/// Little-endian WKB of a multi-polygon.
fn encode(wkb: &mut Vec<u8>, shape: &MultiPolygon<f64>) {
    fn count(wkb: &mut Vec<u8>, length: usize) {
        wkb.extend(u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    }
    fn head(wkb: &mut Vec<u8>, kind: u32) {
        wkb.push(1);
        wkb.extend(kind.to_le_bytes());
    }
    wkb.clear();
    head(wkb, 6);
    count(wkb, shape.0.len());
    for polygon in shape {
        head(wkb, 3);
        count(wkb, 1 + polygon.interiors().len());
        for ring in std::iter::once(polygon.exterior()).chain(polygon.interiors()) {
            count(wkb, ring.0.len());
            for point in &ring.0 {
                wkb.extend(point.x.to_le_bytes());
                wkb.extend(point.y.to_le_bytes());
            }
        }
    }
}

/// While it lives, GDAL takes a fixed time for the present on this thread.
struct FixedTime;

impl FixedTime {
    fn set() -> Self {
        // Both can fail only for a NUL in their text, and there is none.
        let _ = set_thread_local_config_option(FIXED_TIME.0, FIXED_TIME.1);
        Self
    }
}

impl Drop for FixedTime {
    fn drop(&mut self) {
        let _ = clear_thread_local_config_option(FIXED_TIME.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapefile_field_names_are_cut_to_ten_bytes_and_stay_apart() {
        let columns: Vec<Column> = ["plot_ratio_built", "plot_ratio_allowed", "宗地统一编码"]
            .map(|name| Column::new(name, FieldType::Text, 10))
            .to_vec();
        assert_eq!(field_names(Format::Shapefile, &columns), ["plot_ratio", "plot_rat_1", "宗地统"]);
    }
}
