//! The formats beside GeoPackage, Shapefile, GeoJSON and plain tables, and the kinds of shapes that only some have.

use super::{Made, PARCELS, Rows, SQUARE, cell, codes, plain, text, with, write};
use gdal::vector::OGRwkbGeometryType;
use landcycle::domain::geometry;
use landcycle::domain::intake::{Kind, Shape};
use landcycle::exchange::Source;
use rstest::rstest;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The square metres of a row's shape.
fn area(rows: &Rows, index: usize) -> f64 {
    let Shape::Polygons(polygons) = &rows[index].shape else { panic!("{:?}", rows[index].shape) };
    geometry::area(polygons).value()
}

/// A hundred metres by a hundred in EPSG:4549, west of Shanghai.
const HECTARE: &str = "POLYGON ((640000 3457000,640100 3457000,640100 3457100,640000 3457100,640000 3457000))";

fn geodatabase(folder: &Path, rows: usize) -> PathBuf {
    let path = folder.join("宗地.gdb");
    let made = Made { driver: "OpenFileGDB", epsg: Some(4549), shape: OGRwkbGeometryType::wkbMultiPolygon, ..PARCELS };
    let codes: Vec<String> = (0..rows).map(|row| format!("地块{row:05}")).collect();
    write(&path, &made, &codes.iter().map(|code| (code.as_str(), "M1", Some(HECTARE))).collect::<Vec<_>>());
    path
}

#[test]
fn a_file_geodatabase_is_read_with_its_chinese_and_its_places() {
    let folder = TempDir::new().unwrap();
    let (opened, rows) = plain(Kind::Parcels, &[geodatabase(folder.path(), 3)]).unwrap();
    assert_eq!((rows.len(), opened.crs.as_deref()), (3, Some("EPSG:4549")));
    assert_eq!(cell(Kind::Parcels, &rows[2], "parcel_code"), &text("地块00002"));
    assert!((area(&rows, 0) - 10_000.0).abs() < 40.0, "{}", area(&rows, 0));
    assert_eq!((opened.sha256.len(), opened.sha256[0].0.as_str()), (1, "宗地.gdb"));
}

/// Packs a folder with its own name, as a file manager does.
fn zipped(folder: &Path, inside: &Path, extra: &[&str]) -> PathBuf {
    let path = folder.join("packed.zip");
    let mut zip = zip::ZipWriter::new(fs::File::create(&path).unwrap());
    for entry in fs::read_dir(inside).unwrap() {
        let entry = entry.unwrap().path();
        let name = format!("data/parcels.gdb/{}", entry.file_name().unwrap().to_str().unwrap());
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(&fs::read(entry).unwrap()).unwrap();
    }
    for name in extra {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(b"x").unwrap();
    }
    zip.finish().unwrap();
    path
}

#[test]
fn a_zipped_file_geodatabase_is_read_and_one_that_climbs_out_is_refused() {
    let folder = TempDir::new().unwrap();
    let inside = geodatabase(folder.path(), 4);
    let (_, rows) = plain(Kind::Parcels, &[zipped(folder.path(), &inside, &["readme.txt"])]).unwrap();
    assert_eq!(rows.len(), 4);
    let error = plain(Kind::Parcels, &[zipped(folder.path(), &inside, &["data/parcels.gdb/../../../x"])]).unwrap_err();
    assert_eq!(error.findings()[0].code, "archive-climbs-out", "{error}");
}

#[test]
fn a_file_geodatabase_that_lost_rows_or_leads_elsewhere_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = geodatabase(folder.path(), 200);
    let mut tables: Vec<PathBuf> = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()).collect();
    tables.retain(|path| path.extension().is_some_and(|ending| ending == "gdbtable"));
    let table = tables.into_iter().max_by_key(|path| fs::metadata(path).unwrap().len()).unwrap();
    let whole = fs::read(&table).unwrap();
    fs::write(&table, &whole[..whole.len() / 2]).unwrap();
    let error = plain(Kind::Parcels, std::slice::from_ref(&path)).unwrap_err();
    assert_eq!(error.findings()[0].code, "truncated-file", "{error}");
    // The same with a header that was put right by whoever cut it.
    let mut half = whole[..whole.len() / 2].to_vec();
    let length = u64::try_from(half.len()).unwrap().to_le_bytes();
    half[24..32].copy_from_slice(&length);
    fs::write(&table, &half).unwrap();
    let error = plain(Kind::Parcels, std::slice::from_ref(&path)).unwrap_err();
    let code = error.findings()[0].code.clone();
    assert!(["truncated-file", "unreadable-file"].contains(&code.as_str()), "{error}");
    fs::write(&table, &whole).unwrap();
    let index = table.with_extension("gdbtablx");
    fs::rename(&index, folder.path().join("index")).unwrap();
    let error = plain(Kind::Parcels, std::slice::from_ref(&path)).unwrap_err();
    assert_eq!(error.findings()[0].code, "missing-file", "{error}");
    std::os::unix::fs::symlink(folder.path().join("index"), &index).unwrap();
    let error = plain(Kind::Parcels, &[path]).unwrap_err();
    assert_eq!(error.findings()[0].code, "points-elsewhere", "{error}");
}

const KML: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>宗地</name>
<Schema name="s" id="s"><SimpleField type="string" name="parcel_code"/><SimpleField type="string" name="土地用途"/></Schema>
<Folder><name>parcels</name><Placemark><name>一号</name>
<ExtendedData><SchemaData schemaUrl="\#s"><SimpleData name="parcel_code">a</SimpleData><SimpleData name="土地用途">M1</SimpleData></SchemaData></ExtendedData>
<Polygon><outerBoundaryIs><LinearRing><coordinates>
121.5,31.1,4 121.501,31.1,4 121.501,31.101,4 121.5,31.101,4 121.5,31.1,4</coordinates></LinearRing></outerBoundaryIs></Polygon>
</Placemark></Folder></Document></kml>
"#;

#[test]
fn a_kml_is_read_with_its_own_attributes_also_out_of_a_kmz() {
    let folder = TempDir::new().unwrap();
    let kml = KML.replace("\\#", "#");
    let path = folder.path().join("宗地.kml");
    fs::write(&path, &kml).unwrap();
    let packed = folder.path().join("a.kmz");
    let mut zip = zip::ZipWriter::new(fs::File::create(&packed).unwrap());
    zip.start_file("doc.kml", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(kml.as_bytes()).unwrap();
    zip.finish().unwrap();
    for file in [path, packed] {
        let (opened, rows) = plain(Kind::Parcels, &[file]).unwrap();
        assert_eq!((rows.len(), opened.crs.as_deref()), (1, Some("EPSG:4326")));
        assert_eq!(cell(Kind::Parcels, &rows[0], "parcel_code"), &text("a"));
        assert_eq!(cell(Kind::Parcels, &rows[0], "land_use"), &text("M1"));
        assert!(codes(&opened).contains(&"z-dropped"), "{:?}", opened.findings);
        assert!((area(&rows, 0) - 10_570.0).abs() < 30.0, "{}", area(&rows, 0));
    }
}

/// A drawing of entities, each in lines of code and value.
fn drawing(folder: &Path, entities: &str) -> PathBuf {
    let path = folder.join("地块.dxf");
    let text = format!("0\nSECTION\n2\nENTITIES\n{entities}0\nENDSEC\n0\nEOF\n");
    fs::write(&path, text).unwrap();
    path
}

fn polyline(layer: &str, closed: u8, points: &[(f64, f64)]) -> String {
    let mut text = format!("0\nLWPOLYLINE\n8\n{layer}\n90\n{}\n70\n{closed}\n", points.len());
    points.iter().for_each(|(x, y)| text.push_str(&format!("10\n{x}\n20\n{y}\n")));
    text
}

#[test]
fn the_closed_outlines_of_a_drawing_are_polygons_with_their_layer_and_its_texts_are_left_out() {
    let folder = TempDir::new().unwrap();
    let corners = [(640000.0, 3457000.0), (640100.0, 3457000.0), (640100.0, 3457100.0), (640000.0, 3457100.0)];
    let entities = [
        polyline("M1", 1, &corners),
        "0\nTEXT\n8\nNOTES\n10\n640050\n20\n3457050\n40\n2.5\n1\nplot 7\n".to_owned(),
        polyline("ROAD", 0, &corners),
    ];
    let files = [drawing(folder.path(), &entities.concat())];
    let map = folder.path().join("map.toml");
    fs::write(&map, "[fields]\nparcel_code = { template = \"D{fid}\" }\nland_use = { column = \"Layer\" }\n").unwrap();
    let source = Source { files: &files, map: map.to_str(), ..Source::default() };
    assert_eq!(with(Kind::Parcels, &source).unwrap_err().findings()[0].code, "missing-crs");
    let (opened, rows) = with(Kind::Parcels, &Source { crs: Some("EPSG:4549"), ..source }).unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(cell(Kind::Parcels, &rows[0], "land_use"), &text("M1"));
    assert!((area(&rows, 0) - 10_000.0).abs() < 40.0, "{}", area(&rows, 0));
    let Shape::Other(name) = &rows[1].shape else { panic!("{:?}", rows[1].shape) };
    assert!(name.contains("does not end where it begins"), "{name}");
    assert!(codes(&opened).contains(&"marks-left-out"), "{:?}", opened.findings);
}

#[test]
fn features_one_to_a_line_are_read() {
    let folder = TempDir::new().unwrap();
    let line = |code: &str| {
        let shape = r#"{"type":"Polygon","coordinates":[[[121.5,31.1],[121.501,31.1],[121.501,31.101],[121.5,31.1]]]}"#;
        format!(
            "{{\"type\":\"Feature\",\"properties\":{{\"地块编号\":\"{code}\",\"land_use\":\"M1\"}},\"geometry\":{shape}}}\n"
        )
    };
    for (name, mark) in [("a.geojsonl", ""), ("a.ndjson", ""), ("a.geojsons", "\u{1e}")] {
        let path = folder.path().join(name);
        fs::write(&path, format!("{mark}{}{mark}{}", line("一"), line("二"))).unwrap();
        let (_, rows) = plain(Kind::Parcels, &[path]).unwrap();
        assert_eq!(rows.len(), 2, "{name}");
        assert_eq!(cell(Kind::Parcels, &rows[1], "parcel_code"), &text("二"));
    }
}

#[rstest]
#[case::named_by_hand("WKT", Some("EPSG:4549"), None)]
#[case::named_by_the_header("the_geom(EPSG:4549)", None, None)]
#[case::chinese("几何（EPSG:4549）", None, None)]
#[case::named_nowhere("WKT", None, Some("missing-crs"))]
#[case::no_such_column("outline", Some("EPSG:4549"), Some("missing-geometry"))]
fn a_table_with_well_known_text_has_shapes_where_its_reference_system_is_named(
    #[case] header: &str,
    #[case] crs: Option<&str>,
    #[case] refusal: Option<&str>,
) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("parcels.csv");
    let rows = format!(
        "parcel_code,land_use,{header}\na,M1,\"{HECTARE}\"\nb,M1,nonsense\nc,M1,\nd,M1,\"SRID=4326;{HECTARE}\"\ne,M1,\"srid=4549;{HECTARE}\"\n"
    );
    fs::write(&path, rows).unwrap();
    let result = with(Kind::Parcels, &Source { files: &[path], crs, ..Source::default() });
    if let Some(code) = refusal {
        assert_eq!(result.unwrap_err().findings()[0].code, code);
        return;
    }
    let (opened, rows) = result.unwrap();
    assert_eq!((rows.len(), opened.crs.as_deref()), (5, Some("EPSG:4549")));
    assert!((area(&rows, 0) - 10_000.0).abs() < 40.0 && (area(&rows, 4) - area(&rows, 0)).abs() < 1e-6);
    assert_eq!(rows[1].shape, Shape::Other("unreadable well-known text".to_owned()));
    assert_eq!(rows[2].shape, Shape::None);
    assert!(matches!(&rows[3].shape, Shape::Other(name) if name.contains("SRID=4326")), "{:?}", rows[3].shape);
}

#[test]
fn a_sheet_with_well_known_text_has_shapes_too() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("宗地.xlsx");
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for (column, [name, value]) in [["地块编号", "a"], ["土地用途", "M1"], ["几何", HECTARE]].iter().enumerate()
    {
        sheet.write(0, u16::try_from(column).unwrap(), *name).unwrap();
        sheet.write(1, u16::try_from(column).unwrap(), *value).unwrap();
    }
    book.save(&path).unwrap();
    let (_, rows) = with(Kind::Parcels, &Source { files: &[path], crs: Some("4549"), ..Source::default() }).unwrap();
    assert!((area(&rows, 0) - 10_000.0).abs() < 40.0);
}

const DISC: &str = "CURVEPOLYGON (CIRCULARSTRING (640100 3457000,639900 3457000,640100 3457000))";

#[rstest]
#[case::disc(DISC, std::f64::consts::PI * 1e4)]
#[case::disc_with_height(
    "CURVEPOLYGON Z (CIRCULARSTRING Z (640100 3457000 4,639900 3457000 4,640100 3457000 4))",
    std::f64::consts::PI * 1e4
)]
#[case::half_a_disc(
    "CURVEPOLYGON (COMPOUNDCURVE (CIRCULARSTRING (640100 3457000,640000 3457100,639900 3457000),(639900 3457000,640100 3457000)))",
    std::f64::consts::PI * 5e3
)]
#[case::several(
    "MULTISURFACE (CURVEPOLYGON (CIRCULARSTRING (640100 3457000,639900 3457000,640100 3457000)),((641000 3457000,641100 3457000,641100 3457100,641000 3457100,641000 3457000)))",
    std::f64::consts::PI * 1e4 + 1e4
)]
fn arcs_are_drawn_as_straight_lines_with_a_note_of_how_many_and_how_near(#[case] wkt: &str, #[case] expected: f64) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("parcels.gpkg");
    write(&path, &Made { epsg: Some(4549), ..PARCELS }, &[("a", "M1", Some(wkt)), ("b", "M1", Some(HECTARE))]);
    let (opened, rows) = plain(Kind::Parcels, &[path]).unwrap();
    // Gauss-Krüger 1.4 degrees off its meridian stretches areas by 0.04 %.
    assert!((area(&rows, 0) / expected - 1.0).abs() < 0.001, "{} {expected}", area(&rows, 0));
    let note = opened.findings.iter().find(|finding| finding.code == "curves-linearised").unwrap().sentence();
    assert!(note.contains("1 shapes") && note.contains("0.01"), "{note}");
    assert_eq!(codes(&opened).contains(&"z-dropped"), wkt.contains(" Z "));
}

#[rstest]
#[case::of_polygons(
    "GEOMETRYCOLLECTION (POLYGON ((121 31,121.1 31,121.1 31.1,121 31)),MULTIPOLYGON (((122 31,122.1 31,122.1 31.1,122 31))))",
    None
)]
#[case::with_a_point(
    "GEOMETRYCOLLECTION (POLYGON ((121 31,121.1 31,121.1 31.1,121 31)),POINT (121 31))",
    Some("GeometryCollection with Point")
)]
#[case::in_another(
    "GEOMETRYCOLLECTION (GEOMETRYCOLLECTION (POLYGON ((121 31,121.1 31,121.1 31.1,121 31))))",
    Some("GeometryCollection with GeometryCollection")
)]
fn a_collection_counts_as_its_polygons_where_it_holds_nothing_else(#[case] wkt: &str, #[case] refusal: Option<&str>) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("parcels.gpkg");
    write(&path, &PARCELS, &[("a", "M1", Some(wkt)), ("b", "M1", Some(SQUARE))]);
    let (_, rows) = plain(Kind::Parcels, &[path]).unwrap();
    match (&rows[0].shape, refusal) {
        (Shape::Polygons(polygons), None) => assert_eq!(polygons.0.len(), 2),
        (Shape::Other(name), Some(expected)) => assert_eq!(name, expected),
        other => panic!("{other:?}"),
    }
    assert!(matches!(rows[1].shape, Shape::Polygons(_)));
}

#[test]
fn a_view_that_makes_more_rows_than_the_file_has_bytes_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("parcels.gpkg");
    write(&path, &PARCELS, &[("a", "M1", Some(SQUARE))]);
    let options = gdal::DatasetOptions { open_flags: gdal::GdalOpenFlags::GDAL_OF_UPDATE, ..Default::default() };
    let dataset = gdal::Dataset::open_ex(&path, options).unwrap();
    for sql in [
        "CREATE VIEW endless AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000)
         SELECT i AS fid, parcel_code, land_use, geom FROM n, parcels",
        "INSERT INTO gpkg_contents (table_name, identifier, data_type, srs_id) VALUES ('endless', 'endless', 'features', 4490)",
        "INSERT INTO gpkg_geometry_columns (table_name, column_name, geometry_type_name, srs_id, z, m)
         VALUES ('endless', 'geom', 'POLYGON', 4490, 0, 0)",
    ] {
        dataset.execute_sql(sql, None, gdal::vector::sql::Dialect::DEFAULT).unwrap();
    }
    dataset.close().unwrap();
    let error =
        with(Kind::Parcels, &Source { files: &[path], layer: Some("endless"), ..Source::default() }).unwrap_err();
    assert_eq!(error.findings()[0].code, "endless-file", "{error}");
}
