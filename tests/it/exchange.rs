//! Reading files: what comes out of good ones. Files are written here with GDAL itself or by hand, and compared with
//! figures that other programs gave.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first thing that is not as it should be")]

mod bad;
mod foreign;
mod formats;
mod tables;

pub(crate) use foreign::{acceptance, files_under};

use gdal::spatial_ref::{AxisMappingStrategy, SpatialRef};
use gdal::vector::{Geometry, LayerAccess, LayerOptions, OGRFieldType, OGRwkbGeometryType};
use gdal::{DriverManager, Metadata};
use landcycle::domain::intake::{Cell, Kind, Record, Shape};
use landcycle::exchange::{Event, Opened, ReadError, Source, header, read};
use proptest::prelude::*;
use rstest::rstest;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub(crate) type Rows = Vec<Record>;

/// Reads files with nothing asked for.
pub(crate) fn plain(kind: Kind, files: &[PathBuf]) -> Result<(Opened, Rows), ReadError> {
    with(kind, &Source { files, ..Source::default() })
}

/// Reads files as asked for.
pub(crate) fn with(kind: Kind, source: &Source<'_>) -> Result<(Opened, Rows), ReadError> {
    let mut rows = Rows::new();
    let opened = read(kind, source, &mut |event| {
        if let Event::Row(_, record) = event {
            rows.push(record);
        }
        ControlFlow::Continue(())
    })?;
    Ok((opened, rows))
}

/// The cell of a field.
pub(crate) fn cell<'a>(kind: Kind, record: &'a Record, field: &str) -> &'a Cell {
    let index = kind.fields().iter().position(|known| known.name == field).unwrap();
    &record.cells[index]
}

pub(crate) fn text(words: &str) -> Cell {
    Cell::Text(words.to_owned())
}

pub(crate) fn codes(opened: &Opened) -> Vec<&str> {
    opened.findings.iter().map(|finding| finding.code.as_str()).collect()
}

pub(crate) fn codes_of(error: ReadError) -> Vec<String> {
    error.findings().into_iter().map(|finding| finding.code).collect()
}

/// How a test wants its layer.
pub(crate) struct Made<'a> {
    pub driver: &'a str,
    pub epsg: Option<u32>,
    pub names: [&'a str; 2],
    pub shape: OGRwkbGeometryType::Type,
    pub options: &'a [&'a str],
}

pub(crate) const PARCELS: Made<'static> = Made {
    driver: "GPKG",
    epsg: Some(4490),
    names: ["parcel_code", "land_use"],
    shape: OGRwkbGeometryType::wkbUnknown,
    options: &[],
};

/// Writes rows of two words and a shape in well-known text.
pub(crate) fn write(path: &Path, made: &Made<'_>, rows: &[(&str, &str, Option<&str>)]) {
    let srs = made.epsg.map(|code| {
        let mut srs = SpatialRef::from_epsg(code).unwrap();
        srs.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
        srs
    });
    let mut dataset = DriverManager::get_driver_by_name(made.driver).unwrap().create_vector_only(path).unwrap();
    let name = path.file_stem().unwrap().to_str().unwrap();
    let layer = dataset
        .create_layer(LayerOptions { name, srs: srs.as_ref(), ty: made.shape, options: Some(made.options) })
        .unwrap();
    layer.create_defn_fields(&made.names.map(|name| (name, OGRFieldType::OFTString))).unwrap();
    for (first, second, wkt) in rows {
        let mut feature = gdal::vector::Feature::new(layer.defn()).unwrap();
        feature.set_field_string(0, first).unwrap();
        feature.set_field_string(1, second).unwrap();
        if let Some(wkt) = wkt {
            feature.set_geometry(Geometry::from_wkt(wkt).unwrap()).unwrap();
        }
        feature.create(&layer).unwrap();
    }
    dataset.flush_cache().unwrap();
    assert!(dataset.description().is_ok());
    dataset.close().unwrap();
}

/// A GBK Shapefile as Chinese programs leave it: names of ten bytes, no .cpg, no code page.
pub(crate) fn write_gbk_shapefile(folder: &Path) -> PathBuf {
    let path = folder.join("产业用地.shp");
    let made = Made {
        driver: "ESRI Shapefile",
        epsg: Some(4549),
        names: ["地块编号", "土地用途"],
        shape: OGRwkbGeometryType::wkbPolygon,
        options: &["ENCODING=CP936"],
    };
    let square = "POLYGON ((640000 3457000,640100 3457000,640100 3457100,640000 3457100,640000 3457000))";
    write(
        &path,
        &made,
        &[("310115001001GB00001", "工业用地", Some(square)), ("310115001001GB00002", "研发", Some(square))],
    );
    std::fs::remove_file(path.with_extension("cpg")).unwrap();
    path
}

pub(crate) const SQUARE: &str = "POLYGON ((121.5 31.2,121.51 31.2,121.51 31.21,121.5 31.21,121.5 31.2))";

// The figures are gdaltransform's (PROJ 9.1.1), asked with longitude first: `gdaltransform -s_srs EPSG:4490 -t_srs EPSG:n`.
#[rstest]
#[case(4490, 121.4737, 31.2304, 121.4737, 31.2304)]
#[case(4326, 121.4737, 31.2304, 121.4737, 31.2304)]
#[case(4549, 640_412.315_036_627, 3_457_455.488_582_12, 121.4737, 31.2304)]
#[case(4550, 366_287.738_319_38, 3_431_815.795_846_23, 121.6, 31.0)]
#[case(4528, 40_538_001.069_892_3, 3_486_480.520_066_9, 120.4, 31.5)]
#[case(32650, 819_943.398_981_516, 3_495_485.141_370_93, 120.37, 31.55)]
fn a_point_of_a_reference_system_lands_where_proj_puts_it(
    #[case] epsg: u32,
    #[case] x: f64,
    #[case] y: f64,
    #[case] lon: f64,
    #[case] lat: f64,
    #[values("GPKG", "ESRI Shapefile")] driver: &str,
) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(if driver == "GPKG" { "parcels.gpkg" } else { "parcels.shp" });
    let step = if x < 1000.0 { 0.001 } else { 100.0 };
    let wkt = format!("POLYGON (({x:.10} {y:.10},{:.10} {y:.10},{x:.10} {:.10},{x:.10} {y:.10}))", x + step, y + step);
    let names = if driver == "GPKG" { PARCELS.names } else { ["DKBH", "TDYT"] };
    let shape = if driver == "GPKG" { PARCELS.shape } else { OGRwkbGeometryType::wkbPolygon };
    write(&path, &Made { driver, epsg: Some(epsg), names, shape, options: &[] }, &[("a", "M1", Some(&wkt))]);
    let (opened, rows) = plain(Kind::Parcels, &[path]).unwrap();
    assert_eq!(opened.crs, Some(format!("EPSG:{epsg}")));
    let Shape::Polygons(polygons) = &rows[0].shape else { panic!("{:?}", rows[0].shape) };
    let corner = polygons.0[0]
        .exterior()
        .points()
        .find(|point| (point.x() - lon).abs() < 1e-9 && (point.y() - lat).abs() < 1e-9);
    assert!(corner.is_some(), "{polygons:?} has no corner at {lon} {lat}");
}

#[test]
fn a_gbk_shapefile_without_cpg_is_read_by_what_its_bytes_say() {
    let folder = TempDir::new().unwrap();
    let path = write_gbk_shapefile(folder.path());
    let (opened, rows) = plain(Kind::Parcels, &[path]).unwrap();
    assert_eq!(opened.encoding.as_deref(), Some("GB18030"));
    assert_eq!(cell(Kind::Parcels, &rows[0], "parcel_code"), &text("310115001001GB00001"));
    assert_eq!(cell(Kind::Parcels, &rows[0], "land_use"), &text("工业用地"));
    assert_eq!((rows.len(), rows[0].row, rows[1].row), (2, 1, 2));
    let mut hashed: Vec<&str> = opened.sha256.iter().map(|(name, _)| name.rsplit('.').next().unwrap()).collect();
    hashed.sort_unstable();
    assert_eq!(hashed, ["dbf", "prj", "shp", "shx"]);
}

#[test]
fn an_encoding_given_by_hand_beats_a_wrong_cpg() {
    let folder = TempDir::new().unwrap();
    let path = write_gbk_shapefile(folder.path());
    std::fs::write(path.with_extension("cpg"), "BIG5").unwrap();
    let files = [path];
    // Believed, the .cpg makes other names of the columns.
    assert_eq!(codes_of(plain(Kind::Parcels, &files).unwrap_err()), ["missing-column", "missing-column"]);
    let source = Source { files: &files, encoding: Some("GBK"), ..Source::default() };
    let (_, rows) = with(Kind::Parcels, &source).unwrap();
    assert_eq!(cell(Kind::Parcels, &rows[1], "land_use"), &text("研发"));
}

#[test]
fn a_zipped_shapefile_with_chinese_names_reads_like_the_files_in_it() {
    let folder = TempDir::new().unwrap();
    let path = write_gbk_shapefile(folder.path());
    let archive = folder.path().join("一包.zip");
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&archive).unwrap());
    for ending in ["shp", "shx", "dbf", "prj"] {
        zip.start_file(format!("数据/产业用地.{ending}"), zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut zip, &std::fs::read(path.with_extension(ending)).unwrap()).unwrap();
    }
    zip.finish().unwrap();
    let (_, unzipped) = plain(Kind::Parcels, &[path]).unwrap();
    let (opened, zipped) = plain(Kind::Parcels, &[archive]).unwrap();
    assert_eq!(zipped, unzipped);
    assert_eq!(opened.sha256.len(), 1);
    assert_eq!(opened.files, ["一包.zip"]);
}

#[test]
fn the_files_beside_a_shapefile_may_be_named_too() {
    let folder = TempDir::new().unwrap();
    let path = write_gbk_shapefile(folder.path());
    let files = ["dbf", "prj", "shp", "shx"].map(|ending| path.with_extension(ending));
    let (opened, rows) = plain(Kind::Parcels, &files).unwrap();
    assert_eq!((opened.files.len(), rows.len()), (1, 2));
}

#[test]
fn shapes_of_every_type_come_as_polygons_or_by_their_name() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("parcels.gpkg");
    let rows = [
        ("plain", Some(SQUARE)),
        ("tall", Some("POLYGON Z ((121 31 5,121.1 31 5,121.1 31.1 5,121 31 5))")),
        ("multi", Some("MULTIPOLYGON (((121 31,121.1 31,121.1 31.1,121 31)),((122 31,122.1 31,122.1 31.1,122 31)))")),
        ("holed", Some("POLYGON ((121 31,122 31,122 32,121 31),(121.5 31.2,121.6 31.2,121.6 31.3,121.5 31.2))")),
        ("point", Some("POINT (121 31)")),
        ("curve", Some("CURVEPOLYGON (CIRCULARSTRING (121 31,122 32,123 31,122 30,121 31))")),
        ("empty", Some("POLYGON EMPTY")),
        ("null", None),
        ("far", Some("POLYGON ((121 91,121.1 91,121.1 91.1,121 91))")),
    ];
    let rows: Vec<_> = rows.iter().map(|(code, wkt)| (*code, "M1", *wkt)).collect();
    write(&path, &PARCELS, &rows);
    let (opened, rows) = plain(Kind::Parcels, &[path]).unwrap();
    let told: Vec<String> = rows
        .iter()
        .map(|row| match &row.shape {
            Shape::None => "none".to_owned(),
            Shape::OffTheGlobe(place) => format!("off the globe at {place}"),
            Shape::Other(name) => name.split(' ').take(3).collect::<Vec<_>>().join(" "),
            Shape::Any(_) => "of any sort".to_owned(),
            Shape::Polygons(polygons) => {
                let holes: usize = polygons.iter().map(|polygon| polygon.interiors().len()).sum();
                format!("{} polygons, {holes} holes", polygons.0.len())
            }
        })
        .collect();
    let expected = [
        "1 polygons, 0 holes",
        "1 polygons, 0 holes",
        "2 polygons, 0 holes",
        "1 polygons, 1 holes",
        "Point",
        "1 polygons, 0 holes",
        "none",
        "none",
        "off the globe at longitude 121, latitude 91, read as EPSG:4490",
    ];
    assert_eq!(told, expected);
    assert_eq!(codes(&opened).iter().filter(|code| **code == "z-dropped").count(), 1);
}

#[test]
fn heights_and_measures_are_dropped_with_a_note() {
    let folder = TempDir::new().unwrap();
    for (name, shape) in [
        ("height", "POLYGON Z ((121 31 5,121.1 31 5,121.1 31.1 5,121 31 5))"),
        ("measure", "POLYGON M ((121 31 5,121.1 31 5,121.1 31.1 5,121 31 5))"),
        ("both", "POLYGON ZM ((121 31 5 6,121.1 31 5 6,121.1 31.1 5 6,121 31 5 6))"),
    ] {
        let path = folder.path().join(format!("{name}.gpkg"));
        write(&path, &PARCELS, &[("a", "M1", Some(shape))]);
        let (opened, rows) = plain(Kind::Parcels, &[path]).unwrap();
        assert!(codes(&opened).contains(&"z-dropped"), "{name}: {:?}", opened.findings);
        let Shape::Polygons(polygons) = &rows[0].shape else { panic!("{name}") };
        let corners: Vec<_> = polygons.0[0].exterior().coords().map(|at| (at.x, at.y)).collect();
        assert_eq!(corners, [(121.0, 31.0), (121.1, 31.0), (121.1, 31.1), (121.0, 31.0)], "{name}");
    }
}

#[test]
fn a_reference_system_by_hand_beats_the_files_and_the_difference_is_told() {
    let folder = TempDir::new().unwrap();
    let files = [write_gbk_shapefile(folder.path())];
    let source = Source { files: &files, crs: Some("4550"), ..Source::default() };
    let (opened, rows) = with(Kind::Parcels, &source).unwrap();
    assert_eq!(opened.crs.as_deref(), Some("EPSG:4550"));
    assert_eq!(codes(&opened), ["crs-overridden"]);
    let Shape::Polygons(polygons) = &rows[0].shape else { panic!("no polygon") };
    // Three degrees east of where the file says.
    assert!((polygons.0[0].exterior().0[0].x - 124.47).abs() < 0.01);
}

#[test]
fn a_datum_that_follows_a_plate_is_taken_with_a_warning() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("parcels.gpkg");
    write(&path, &Made { epsg: Some(4269), ..PARCELS }, &[("a", "M1", Some(SQUARE))]);
    let (opened, rows) = plain(Kind::Parcels, &[path]).unwrap();
    assert_eq!(codes(&opened), ["datum-taken-as-cgcs2000"]);
    assert!(matches!(rows[0].shape, Shape::Polygons(_)));
}

#[test]
fn swapped_axes_are_noticed_where_the_bounds_of_the_city_are_known() {
    let folder = TempDir::new().unwrap();
    let files = [folder.path().join("parcels.gpkg")];
    let swapped = "POLYGON ((3457000 640000,3457100 640000,3457100 640100,3457000 640000))";
    write(&files[0], &Made { epsg: Some(4549), ..PARCELS }, &[("a", "M1", Some(swapped))]);
    let bounds = Some([120.8, 30.6, 122.2, 31.9]);
    let error = with(Kind::Parcels, &Source { files: &files, bounds, ..Source::default() }).unwrap_err();
    assert_eq!(codes_of(error), ["axes-swapped"]);
}

#[test]
fn a_property_that_a_feature_does_not_have_is_empty_and_not_zero() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("parcels.geojson");
    let square = r#"{"type":"Polygon","coordinates":[[[121.5,31.2],[121.51,31.2],[121.51,31.21],[121.5,31.2]]]}"#;
    let feature =
        |properties: &str| format!(r#"{{"type":"Feature","properties":{{{properties}}},"geometry":{square}}}"#);
    let features = [
        feature(r#""parcel_code":"a","land_use":"M1","registered_area_m2":0,"valid_from":"2020-05-06""#),
        feature(r#""parcel_code":310115001001,"land_use":"M1""#),
    ];
    std::fs::write(&path, format!(r#"{{"type":"FeatureCollection","features":[{}]}}"#, features.join(","))).unwrap();
    let (opened, rows) = plain(Kind::Parcels, &[path]).unwrap();
    assert_eq!(opened.crs.as_deref(), Some("EPSG:4326"));
    assert_eq!(cell(Kind::Parcels, &rows[0], "registered_area_m2"), &Cell::Number(0.0));
    assert_eq!(cell(Kind::Parcels, &rows[1], "registered_area_m2"), &Cell::Empty);
    assert_eq!(cell(Kind::Parcels, &rows[1], "valid_from"), &Cell::Empty);
    assert_eq!(cell(Kind::Parcels, &rows[1], "parcel_code"), &text("310115001001"));
    let day = chrono::NaiveDate::from_ymd_opt(2020, 5, 6).unwrap();
    assert_eq!(cell(Kind::Parcels, &rows[0], "valid_from"), &Cell::Date(day));
}

#[test]
fn a_layer_is_taken_by_name_or_by_the_kinds_own_name() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("parcels.gpkg");
    write(&path, &PARCELS, &[("a", "M1", Some(SQUARE))]);
    let mut dataset = gdal::Dataset::open_ex(
        &path,
        gdal::DatasetOptions { open_flags: gdal::GdalOpenFlags::GDAL_OF_UPDATE, ..Default::default() },
    )
    .unwrap();
    for name in ["one", "two"] {
        let layer = dataset
            .create_layer(LayerOptions { name, srs: Some(&SpatialRef::from_epsg(4490).unwrap()), ..Default::default() })
            .unwrap();
        layer.create_defn_fields(&[("park_code", OGRFieldType::OFTString)]).unwrap();
    }
    dataset.close().unwrap();
    let files = [path];
    assert_eq!(plain(Kind::Parcels, &files).unwrap().1.len(), 1);
    let error = plain(Kind::Parks, &files).unwrap_err();
    assert_eq!(error.findings()[0].code, "several-layers");
    assert!(error.to_string().contains("one, two"), "{error}");
    let error = with(Kind::Parks, &Source { files: &files, layer: Some("three"), ..Source::default() }).unwrap_err();
    assert_eq!(error.findings()[0].code, "missing-layer");
}

#[test]
fn breaking_off_stops_at_that_row() {
    let folder = TempDir::new().unwrap();
    let path = write_gbk_shapefile(folder.path());
    let mut rows = 0;
    read(Kind::Parcels, &Source { files: &[path], ..Source::default() }, &mut |event| {
        if matches!(event, Event::File(_)) {
            return ControlFlow::Continue(());
        }
        rows += 1;
        ControlFlow::Break(())
    })
    .unwrap();
    assert_eq!(rows, 1);
}

proptest! {
    #[test]
    fn a_header_keeps_its_words_whatever_its_case_width_and_blanks(name in "[a-zA-Z\u{4e00}-\u{4fff}][a-zA-Z0-9_\u{4e00}-\u{4fff}]{0,20}") {
        let wide: String = name
            .chars()
            .map(|c| if c.is_ascii_graphic() { char::from_u32(c as u32 + 0xFEE0).unwrap() } else { c })
            .collect();
        let spaced: String = name.chars().flat_map(|c| [c, '\u{3000}']).collect();
        let key = header::parse(&name).key;
        prop_assert_eq!(&header::parse(&wide).key, &key);
        prop_assert_eq!(&header::parse(&spaced).key, &key);
        prop_assert_eq!(&header::parse(&name.to_uppercase()).key, &header::parse(&name.to_lowercase()).key);
        prop_assert_eq!(&header::parse(&format!("{name}（万元）")).key, &key);
        prop_assert_eq!(&header::parse(&key).key, &key);
    }

    #[test]
    fn no_header_breaks_the_reader(name in ".{0,40}") {
        let header = header::parse(&name);
        prop_assert_eq!(header::parse(&header.key).key, header.key);
    }
}
