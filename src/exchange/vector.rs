//! Formats with shapes through GDAL: one allowed driver, one layer, rows and shapes. It knows nothing of
//! what the rows mean.

use super::crs::{self, Crs};
use super::encoding;
use super::error::{ReadError, refuse, warning};
use super::feature::Features;
use super::geojson;
use super::mapping::Plan;
use super::read::{Event, Job};
use super::shape::Batch;
use super::shapefile::Shapefile;
use crate::domain::finding::Finding;
use crate::domain::intake::{Cell, FieldType, Kind, Shapes};
use gdal::errors::{CplErrType, GdalError};
use gdal::vector::{Feature, FieldValue, Layer, LayerAccess, OGRFieldType};
use gdal::{Dataset, DatasetOptions, DriverManager, GdalOpenFlags};
use std::cell::RefCell;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Once;

/// The formats that GDAL may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Driver {
    GeoPackage,
    Shapefile,
    GeoJson,
    GeoJsonSequence,
    FlatGeobuf,
    FileGeodatabase,
    Kml,
    Dxf,
}

impl Driver {
    const ALL: [Self; 8] = [
        Self::GeoPackage,
        Self::Shapefile,
        Self::GeoJson,
        Self::GeoJsonSequence,
        Self::FlatGeobuf,
        Self::FileGeodatabase,
        Self::Kml,
        Self::Dxf,
    ];

    /// GDAL's name, and what a file should be.
    fn name(self) -> (&'static str, &'static str) {
        match self {
            Self::GeoPackage => ("GPKG", "a whole GeoPackage"),
            Self::Shapefile => ("ESRI Shapefile", "a whole Shapefile"),
            Self::GeoJson => ("GeoJSON", "a whole GeoJSON document"),
            Self::GeoJsonSequence => ("GeoJSONSeq", "a GeoJSON feature on each line"),
            Self::FlatGeobuf => ("FlatGeobuf", "a whole FlatGeobuf"),
            Self::FileGeodatabase => ("OpenFileGDB", "a whole File Geodatabase"),
            // The driver that reads a KML's own attributes. The older one knows nothing but names.
            Self::Kml => ("LIBKML", "a whole KML document"),
            Self::Dxf => ("DXF", "a whole DXF drawing"),
        }
    }
}

/// Leaves GDAL nothing but the formats that are read here: a file that names another file in some other format, or on
/// some other machine, finds no driver for it. For a process that reads files and nothing else.
pub fn forget_other_drivers() {
    DriverManager::register_all();
    let others =
        DriverManager::all().filter(|driver| !Driver::ALL.iter().any(|kept| kept.name().0 == driver.short_name()));
    others.collect::<Vec<_>>().iter().for_each(DriverManager::deregister_driver);
}

thread_local! {
    /// What GDAL complained of on this thread since the last look.
    static COMPLAINTS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

static QUIET: Once = Once::new();

/// GDAL prints its complaints to the terminal unless someone takes them. GDAL calls the handler on the thread that
/// complains, so each thread finds its own.
pub(super) fn listen() {
    QUIET.call_once(|| {
        gdal::config::set_error_handler(|class, _, message| {
            if class == CplErrType::Fatal {
                // GDAL ends the process after this: these are its last words, for whoever asks what it died of.
                let _ = writeln!(std::io::stderr(), "{message}");
            }
            if class == CplErrType::Failure {
                COMPLAINTS.with_borrow_mut(|list| {
                    // A hostile file may complain a million times.
                    if list.len() < 8 {
                        list.push(message.to_owned());
                    }
                });
            }
        });
    });
    COMPLAINTS.take();
}

fn complaint(path: &Path, error: &GdalError) -> String {
    tidy(path, &COMPLAINTS.take().into_iter().next().unwrap_or_else(|| error.to_string()))
}

/// A receipt names files, and not the folders of the machine that read them.
fn tidy(path: &Path, text: &str) -> String {
    let folder = path.parent().map(|folder| format!("{}/", folder.display())).unwrap_or_default();
    text.trim().replace(&folder, "")
}

fn open(path: &Path, file: &str, driver: Driver, shapefile: Option<&Shapefile>) -> Result<Dataset, ReadError> {
    listen();
    let (name, expected) = driver.name();
    let option = shapefile.map(|shapefile| format!("ENCODING={}", encoding::name_for_gdal(shapefile.encoding)));
    let options: Vec<&str> = option.iter().map(String::as_str).collect();
    let asked = DatasetOptions {
        open_flags: GdalOpenFlags::GDAL_OF_READONLY
            | GdalOpenFlags::GDAL_OF_VECTOR
            | GdalOpenFlags::GDAL_OF_VERBOSE_ERROR,
        allowed_drivers: Some(&[name]),
        open_options: Some(&options),
        sibling_files: None,
    };
    // A file of one line looks like a GeoJSON document to GDAL, unless it is told.
    let told = match driver {
        Driver::GeoJsonSequence => PathBuf::from(format!("GeoJSONSeq:{}", path.display())),
        _ => path.to_owned(),
    };
    Dataset::open_ex(told, asked).map_err(|error| refuse(file, "unreadable-file", &complaint(path, &error), expected))
}

/// The layer asked for, or named like the kind, or the only one (with shapes, where the kind has them).
fn choose<'d>(dataset: &'d Dataset, file: &str, kind: Kind, asked: Option<&str>) -> Result<Layer<'d>, ReadError> {
    let mut layers: Vec<Layer<'_>> = dataset.layers().collect();
    let names = layers.iter().map(|layer| layer.name()).collect::<Vec<_>>().join(", ");
    let named = |wanted: &str| layers.iter().position(|layer| layer.name().eq_ignore_ascii_case(wanted));
    let spatial = |layer: &Layer<'_>| layer.defn().geom_fields().next().is_some();
    let found = match asked {
        Some(asked) => named(asked)
            .ok_or_else(|| refuse(file, "missing-layer", asked, format!("one of the file's layers: {names}")))?,
        None => match named(kind.name()) {
            Some(index) => index,
            None if layers.is_empty() => return Err(refuse(file, "missing-layer", "no layer", "a file with a layer")),
            None if layers.len() == 1 => 0,
            None => {
                let mut fitting =
                    (0..layers.len()).filter(|&index| kind.shapes() != Shapes::None && spatial(&layers[index]));
                match (fitting.next(), fitting.next()) {
                    (Some(only), None) => only,
                    _ => return Err(refuse(file, "several-layers", &names, "one of them; choose with --layer NAME")),
                }
            }
        },
    };
    let layer = layers.swap_remove(found);
    if kind.shapes() == Shapes::Required && !spatial(&layer) {
        let expected = format!("a layer with polygons: {} have shapes", kind.name());
        return Err(refuse(file, "missing-geometry", &layer.name(), expected));
    }
    Ok(layer)
}

/// Shapes met, and those that would lie where they should with their axes swapped.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axes {
    pub shapes: u64,
    pub swapped: u64,
}

/// What becomes of rows: those of a register are met by a field map, those of a layer are taken as they are.
enum Taking {
    Rows(Box<Plan>, Batch),
    Features(Box<Features>),
}

impl Taking {
    /// Hands out what has come together.
    fn drain(&mut self, job: &mut Job<'_>, crs: Option<&Crs>) -> bool {
        let (bounds, file) = (job.source.bounds, job.file.clone());
        let each = &mut job.each;
        let hand_out = |record| each(Event::Row(&file, record)).is_continue();
        match self {
            Self::Rows(_, batch) => batch.drain(crs, bounds, hand_out),
            Self::Features(features) => features.drain(crs, bounds, job.opened.layer.get_or_insert_default(), hand_out),
        }
    }

    fn axes(&self) -> Axes {
        match self {
            Self::Rows(_, batch) => batch.axes(),
            Self::Features(features) => Axes { shapes: features.met, swapped: features.swapped },
        }
    }

    /// Says what there is to say once all was handed out.
    fn finish(self, job: &mut Job<'_>) {
        let file = job.file.clone();
        let findings: Vec<Finding> = match self {
            Self::Rows(plan, batch) => plan.left_out(&file).into_iter().chain(batch.findings(&file)).collect(),
            Self::Features(features) => features.finish(&file, &mut job.opened.layer.get_or_insert_default().schema),
        };
        job.opened.findings.extend(findings);
    }
}

/// Reads one file.
pub(crate) fn read(
    job: &mut Job<'_>,
    path: &Path,
    driver: Driver,
    shapefile: Option<Shapefile>,
) -> Result<ControlFlow<()>, ReadError> {
    let file = job.file.clone();
    let dataset = open(path, &file, driver, shapefile.as_ref())?;
    // A Shapefile has one layer, named like the file, which --layer may have picked out of an archive.
    let asked = if driver == Driver::Shapefile { None } else { job.source.layer.or(job.mapping.layer.as_deref()) };
    let mut layer = choose(&dataset, &file, job.kind, asked)?;
    let shapes = job.kind.shapes() != Shapes::None && job.mapping.shapes && layer.defn().geom_fields().next().is_some();
    let asked = crs::Asked { crs: job.source.crs, datum: job.source.datum };
    let extent = || layer.try_get_extent().ok().flatten().map(|box_| [box_.MinX, box_.MinY, box_.MaxX, box_.MaxY]);
    let found = layer.spatial_ref();
    // 4326 is also what GDAL makes of a name that it does not know.
    if shapes
        && driver == Driver::GeoJson
        && asked.crs.is_none()
        && found.as_ref().is_some_and(|srs| srs.auth_code().is_ok_and(|code| code == 4326))
        && let Some(named) = geojson::other_than_wgs84(path, &file)?
    {
        let expected = "a reference system by a known name, such as urn:ogc:def:crs:EPSG::4549; name it with --crs";
        return Err(refuse(&file, "unknown-crs", &named, expected));
    }
    let crs = shapes.then(|| crs::resolve(&file, found, asked, extent)).transpose()?;
    let fields: Vec<(String, OGRFieldType::Type)> =
        layer.defn().fields().map(|field| (field.name(), field.field_type())).collect();
    let columns: Vec<String> = fields.iter().map(|(name, _)| name.clone()).collect();
    let mut taking = if job.kind == Kind::Layer {
        Taking::Features(Box::new(Features::begin(job, (&dataset, &layer), path, driver, crs.as_ref())?))
    } else {
        let mut plan = job.mapping.plan(&file, &columns)?;
        job.opened.findings.append(&mut plan.findings);
        job.opened.columns.append(&mut plan.uses);
        Taking::Rows(Box::new(plan), Batch::new(crs.as_ref(), driver == Driver::Dxf))
    };
    job.note_encoding(shapefile.as_ref().map_or("UTF-8".to_owned(), |shapefile| encoding::name(shapefile.encoding)));
    job.note_evidence(shapefile.as_ref().map_or("the format is always in UTF-8", |shapefile| &shapefile.evidence));
    if let Some(crs) = &crs {
        job.note_crs(&crs.label);
        job.opened.findings.extend(crs.findings.iter().cloned());
    }
    let promised = shapefile.as_ref().map_or_else(|| layer.feature_count(), |shapefile| shapefile.rows);
    let complaints_before = COMPLAINTS.take();
    let (mut rows, mut going) = (0_u64, true);
    for feature in layer.features() {
        rows += 1;
        if rows > job.bytes {
            // A view can make rows without end out of nothing.
            let value = format!("{rows} rows and more");
            return Err(refuse(
                &file,
                "endless-file",
                &value,
                format!("at most one for each of its {} bytes", job.bytes),
            ));
        }
        let fid = feature.fid().unwrap_or(rows);
        let cells = match &taking {
            Taking::Features(_) => None,
            Taking::Rows(plan, _) => {
                let cells = plan.cells(rows, fid, |index, holds| cell(&feature, index, fields[index].1, holds));
                if cells.is_none() {
                    continue;
                }
                cells
            }
        };
        // By index: where a feature has no shape, the plain call hands out one without a shape in it.
        let wkb = match feature.geometry_by_index(0) {
            Ok(geometry) if shapes => Some(geometry.iso_wkb().map_err(|error| {
                refuse(&file, "unreadable-file", &complaint(path, &error), "a geometry that GDAL can write down")
            })?),
            _ => None,
        };
        let is_full = match &mut taking {
            Taking::Features(features) => {
                features.push(rows, &feature, wkb.as_deref());
                features.is_full()
            }
            Taking::Rows(_, batch) => {
                batch.push(rows, cells.unwrap_or_default(), wkb.as_deref());
                batch.is_full()
            }
        };
        if is_full && !taking.drain(job, crs.as_ref()) {
            verdict(job, crs.as_ref(), taking.axes())?;
            return Ok(ControlFlow::Break(()));
        }
    }
    let complaints = COMPLAINTS.take();
    if rows < promised {
        let reason = complaints
            .into_iter()
            .chain(complaints_before)
            .next()
            .map_or(String::new(), |text| format!(" ({})", tidy(path, &text)));
        let expected =
            format!("the {promised} rows that the file promises{reason}; send the whole file, or save it anew");
        return Err(refuse(&file, "truncated-file", &format!("{rows} rows"), expected));
    }
    // Shapefiles go on after a bad record: their lengths were checked before, and the row shows itself without a shape.
    if driver != Driver::Shapefile
        && let Some(text) = complaints.first()
    {
        return Err(refuse(&file, "unreadable-file", &tidy(path, text), "a file that can be read to its end"));
    }
    if going {
        going = taking.drain(job, crs.as_ref());
    }
    if rows > promised {
        let expected = format!("the {promised} rows that the file promises; all were read");
        job.opened.findings.push(warning(&file, "count-mismatch", &format!("{rows} rows"), expected));
    }
    job.note_rows(rows);
    let axes = taking.axes();
    taking.finish(job);
    verdict(job, crs.as_ref(), axes)?;
    Ok(if going { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
}

/// What the coordinates turned out to be.
pub(super) fn verdict(job: &mut Job<'_>, crs: Option<&Crs>, axes: Axes) -> Result<(), ReadError> {
    if let Some(crs) = crs {
        job.opened.findings.extend(crs.verdict(&job.file)?);
    }
    if axes.swapped > 0 {
        let value = format!("{} of {} shapes", axes.swapped, axes.shapes);
        let expected = "easting (longitude) before northing (latitude); with their axes swapped these shapes lie where they \
                        should. Swap them before sending (in QGIS: Swap X and Y coordinates), or name the right --crs";
        if axes.swapped == axes.shapes {
            return Err(refuse(&job.file, "axes-swapped", &value, expected));
        }
        job.opened.findings.push(warning(&job.file, "axes-swapped", &value, expected));
    }
    Ok(())
}

/// A cell as near to the wanted type as the file has it. Codes that a file keeps as numbers are asked for as text, since
/// a number of eighteen digits does not survive as a float.
fn cell(feature: &Feature<'_>, index: usize, column: OGRFieldType::Type, holds: FieldType) -> Cell {
    let text = || match feature.field_as_string(index) {
        Ok(Some(text)) if !text.is_empty() => Cell::Text(text),
        _ => Cell::Empty,
    };
    if holds == FieldType::Text {
        return match text() {
            Cell::Text(code) if column == OGRFieldType::OFTReal => Cell::Text(without_zeros(code)),
            other => other,
        };
    }
    let number = |value: f64| match value {
        // A property that a GeoJSON feature does not have comes back as 0, though as no text.
        0.0 if text() == Cell::Empty => Cell::Empty,
        value => Cell::Number(value),
    };
    match column {
        OGRFieldType::OFTInteger | OGRFieldType::OFTInteger64 | OGRFieldType::OFTReal => {
            feature.field_as_double(index).ok().flatten().map_or(Cell::Empty, number)
        }
        OGRFieldType::OFTDate | OGRFieldType::OFTDateTime => match feature.field(index) {
            Ok(Some(FieldValue::DateValue(date))) => Cell::Date(date),
            Ok(Some(FieldValue::DateTimeValue(time))) => Cell::Date(time.date_naive()),
            // A day that is none, such as 2023-02-30: the domain shows it as it stands.
            _ => text(),
        },
        _ => text(),
    }
}

/// A code that a Shapefile keeps as a number with decimals: 310115.000 is 310115.
fn without_zeros(code: String) -> String {
    if code.contains('.') && !code.contains(['e', 'E']) {
        return code.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    code
}
