//! Files that must be refused, each with the code and the words that tell what to do.

use super::{Made, PARCELS, SQUARE, plain, with, write, write_gbk_shapefile};
use gdal::vector::OGRwkbGeometryType;
use landcycle::domain::intake::Kind;
use landcycle::exchange::Source;
use rstest::rstest;
use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// What was refused: the first finding's code, and the whole text.
fn refusal(kind: Kind, source: &Source<'_>) -> (String, String) {
    let error = with(kind, source).expect_err("should be refused");
    (error.findings()[0].code.clone(), error.to_string())
}

fn shapefile(folder: &Path) -> PathBuf {
    write_gbk_shapefile(folder)
}

fn without(folder: &Path, ending: &str) -> PathBuf {
    let path = shapefile(folder);
    fs::remove_file(path.with_extension(ending)).unwrap();
    path
}

fn cut(path: PathBuf, keep: u64) -> PathBuf {
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(keep).unwrap();
    path
}

fn geopackage(folder: &Path, epsg: Option<u32>) -> PathBuf {
    let path = folder.join("parcels.gpkg");
    write(&path, &Made { epsg, ..PARCELS }, &[("a", "M1", Some(SQUARE)), ("b", "M1", Some(SQUARE))]);
    path
}

fn file(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

/// Swaps a .dbf for one with a row fewer.
fn rows_at_odds(folder: &Path) -> PathBuf {
    let path = shapefile(folder);
    let dbf = path.with_extension("dbf");
    let mut bytes = fs::read(&dbf).unwrap();
    bytes[4] = 1;
    fs::write(dbf, bytes).unwrap();
    path
}

/// A GeoPackage whose own count is beyond what it holds.
fn lying_count(folder: &Path) -> PathBuf {
    let path = geopackage(folder, Some(4490));
    let options = gdal::DatasetOptions { open_flags: gdal::GdalOpenFlags::GDAL_OF_UPDATE, ..Default::default() };
    let dataset = gdal::Dataset::open_ex(&path, options).unwrap();
    let sql = "UPDATE gpkg_ogr_contents SET feature_count = 9000000000000000000";
    assert!(dataset.execute_sql(sql, None, gdal::vector::sql::Dialect::DEFAULT).unwrap().is_none());
    dataset.close().unwrap();
    path
}

#[rstest]
#[case::no_shx(|f: &Path| without(f, "shx"), "missing-file", "产业用地.shx")]
#[case::no_dbf(|f: &Path| without(f, "dbf"), "missing-file", "产业用地.dbf")]
#[case::no_crs(|f: &Path| without(f, "prj"), "missing-crs", "--crs EPSG:4549")]
#[case::half_shp(|f: &Path| cut(shapefile(f), 200), "truncated-file", "send the whole file")]
#[case::half_dbf(|f: &Path| { let path = shapefile(f); cut(path.with_extension("dbf"), 150); path }, "truncated-file", ".dbf")]
#[case::half_shx(|f: &Path| { let path = shapefile(f); cut(path.with_extension("shx"), 104); path }, "truncated-file", ".shx")]
#[case::rows_at_odds(rows_at_odds, "count-mismatch", "do not belong together")]
#[case::half_geopackage(|f: &Path| cut(geopackage(f, Some(4490)), 40_000), "truncated-file", "parcels.gpkg")]
#[case::stub_of_a_geopackage(|f: &Path| cut(geopackage(f, Some(4490)), 50), "truncated-file", "parcels.gpkg")]
#[case::no_geopackage(|f: &Path| file(f, "parcels.gpkg", b"PK and something else"), "unreadable-file", "SQLite")]
#[case::lying_count(lying_count, "truncated-file", "9000000000000000000 rows")]
#[case::xian_80(|f: &Path| geopackage(f, Some(4610)), "datum-without-shift", "CGCS2000")]
#[case::beijing_54(|f: &Path| geopackage(f, Some(2437)), "datum-without-shift", "Beijing")]
#[case::british_grid(|f: &Path| geopackage(f, Some(27700)), "unknown-crs", "EPSG:27700")]
#[case::no_srs(|f: &Path| geopackage(f, None), "missing-crs", "--crs")]
#[case::empty(|f: &Path| file(f, "parcels.gpkg", b""), "empty-file", "parcels.gpkg")]
#[case::half_geojson(|f: &Path| file(f, "a.geojson", br#"{"type":"FeatureCollection","features":[{"type":"Fea"#), "unreadable-file", "a.geojson")]
#[case::drawing_of_another_kind(|f: &Path| file(f, "a.dwg", b"AC1032"), "unknown-format", "as .dxf")]
#[case::link(|f: &Path| file(f, "a.kml", b"<kml><Document><NetworkLink/></Document></kml>"), "points-elsewhere", "NetworkLink")]
#[case::entity(|f: &Path| file(f, "a.kml", b"<!DOCTYPE x [<!ENTITY a 'b'>]><kml>&a;</kml>"), "points-elsewhere", "ENTITY")]
#[case::half_kml(|f: &Path| file(f, "a.kml", b"<kml><Document><Placemark><name>x"), "truncated-file", "</kml>")]
#[case::broken_kml(|f: &Path| file(f, "a.kml", b"<kml><Document><Placemark></Document></kml>"), "unreadable-file", "a.kml")]
#[case::half_dxf(|f: &Path| file(f, "a.dxf", b"  0\nSECTION\n  2\nENTITIES\n"), "truncated-file", "EOF")]
#[case::empty_gdb(|f: &Path| { let path = f.join("a.gdb"); fs::create_dir(&path).unwrap(); path }, "missing-file", ".gdbtable")]
#[case::half_geojson_line(|f: &Path| file(f, "a.geojsonl", br#"{"type":"Feature","properties":{"parcel_code":"a","#), "unreadable-file", "a.geojsonl")]
#[case::absent(|f: &Path| f.join("nowhere.gpkg"), "missing-file", "nowhere.gpkg")]
#[case::network(|_: &Path| PathBuf::from("/vsicurl/http://127.0.0.1/a.gpkg"), "missing-file", "a.gpkg")]
#[case::a_table(|f: &Path| file(f, "a.csv", b"parcel_code,land_use\na,M1\n"), "missing-geometry", "GeoPackage")]
#[case::a_folder(|f: &Path| { let path = f.join("a.gpkg"); fs::create_dir(&path).unwrap(); path }, "missing-file", "a.gpkg")]
fn a_bad_parcels_file_is_refused(#[case] make: fn(&Path) -> PathBuf, #[case] code: &str, #[case] words: &str) {
    let folder = TempDir::new().unwrap();
    let files = [make(folder.path())];
    let (found, told) = refusal(Kind::Parcels, &Source { files: &files, ..Source::default() });
    assert_eq!(found, code, "{told}");
    assert!(told.contains(words), "{told}");
}

#[rstest]
#[case::missing_column("enterprise_code,phone\nA,1\n", "missing-column", "--map name=COLUMN")]
#[case::foreign_unit("企业代码,年度,工业总产值(亩)\nA,2024,1\n", "unit-mismatch", "wan_yuan")]
#[case::blank("\n\n\n", "empty-file", "a header")]
#[case::nul("enterprise_code\0,name\nA,b\n", "not-text", "UTF-16")]
fn a_bad_table_is_refused(#[case] table: &str, #[case] code: &str, #[case] words: &str) {
    let folder = TempDir::new().unwrap();
    let files = [file(folder.path(), "t.csv", table.as_bytes())];
    let kind = if table.contains("年度") { Kind::Returns } else { Kind::Enterprises };
    let (found, told) = refusal(kind, &Source { files: &files, ..Source::default() });
    assert_eq!(found, code, "{told}");
    assert!(told.contains(words), "{told}");
}

#[test]
fn every_missing_column_is_told_at_once_with_those_that_are_there() {
    let folder = TempDir::new().unwrap();
    let files = [file(folder.path(), "t.csv", "甲,乙\n1,2\n".as_bytes())];
    let error = plain(Kind::Contracts, &files).unwrap_err();
    let fields: Vec<_> =
        error.findings().iter().map(|finding| finding.facts["field"].as_str().unwrap().to_owned()).collect();
    assert_eq!(fields, ["contract_no", "parcel_code", "kind", "signed_on", "performance_terms"]);
    assert!(error.to_string().contains("甲, 乙"), "{error}");
}

#[rstest]
#[case(Some("EPSG:999999"), None, "unknown-crs")]
#[case(Some("上海城建坐标系"), None, "unknown-crs")]
#[case(Some("EPSG:2362"), None, "datum-without-shift")]
#[case(None, Some("klingon"), "unknown-encoding")]
fn a_wrong_word_on_the_command_line_is_refused(
    #[case] crs: Option<&str>,
    #[case] encoding: Option<&str>,
    #[case] code: &str,
) {
    let folder = TempDir::new().unwrap();
    let files = [geopackage(folder.path(), Some(4490))];
    let (found, told) = refusal(Kind::Parcels, &Source { files: &files, crs, encoding, ..Source::default() });
    assert_eq!(found, code, "{told}");
}

/// The resident memory of this process, in bytes.
fn resident() -> u64 {
    let pages: u64 = fs::read_to_string("/proc/self/statm").unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

#[test]
fn a_line_of_200_megabytes_is_refused_without_being_held() {
    let folder = TempDir::new().unwrap();
    let path = file(folder.path(), "long.csv", b"enterprise_code,name\nA,b\n");
    let mut long = fs::OpenOptions::new().write(true).open(&path).unwrap();
    // Sparse: 200 MB of NUL bytes without a line end.
    long.seek(SeekFrom::Start(200 << 20)).unwrap();
    long.write_all(b"x\n").unwrap();
    let before = resident();
    let started = std::time::Instant::now();
    let (found, told) = refusal(Kind::Enterprises, &Source { files: &[path], ..Source::default() });
    assert_eq!(found, "line-too-long");
    assert!(told.contains("line 3"), "{told}");
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
    // Other tests run beside this one; the line alone would be more.
    assert!(resident().saturating_sub(before) < 150 << 20);
}

#[test]
fn an_open_quote_does_not_make_one_cell_of_the_rest_of_the_file() {
    let folder = TempDir::new().unwrap();
    let mut table = String::from("enterprise_code,name\nA,\"open\n");
    while table.len() < 4 << 20 {
        table.push_str("B,an honest line of the table\n");
    }
    let files = [file(folder.path(), "quote.csv", table.as_bytes())];
    let (found, told) = refusal(Kind::Enterprises, &Source { files: &files, ..Source::default() });
    assert_eq!(found, "line-too-long", "{told}");
    assert!(told.contains("open quote"), "{told}");
}

/// A name in an archive and its bytes.
type Entry<'a> = (&'a str, &'a [u8]);

fn archive(folder: &Path, name: &str, entries: &[Entry<'_>]) -> PathBuf {
    let path = folder.join(name);
    let mut zip = zip::ZipWriter::new(fs::File::create(&path).unwrap());
    for (entry, bytes) in entries {
        zip.start_file(*entry, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
    path
}

#[test]
fn archives_that_climb_out_explode_or_hold_nothing_are_refused() {
    let folder = TempDir::new().unwrap();
    let nothing = vec![0_u8; 100 << 20];
    let cases: [(&[Entry<'_>], &str); 5] = [
        (&[("../../a.shp", b"x")], "archive-climbs-out"),
        (&[("a.gpkg", &nothing)], "archive-too-large"),
        (&[("readme.txt", b"x")], "nothing-to-read"),
        (&[("a.shp", b"x"), ("b.shp", b"x")], "several-layers"),
        (&[("a.shp", b"x")], "missing-file"),
    ];
    for (index, (entries, code)) in cases.into_iter().enumerate() {
        let files = [archive(folder.path(), &format!("{index}.zip"), entries)];
        let (found, told) = refusal(Kind::Parcels, &Source { files: &files, ..Source::default() });
        assert_eq!(found, code, "{told}");
    }
    let files = [archive(folder.path(), "bomb.xlsx", &[("xl/workbook.xml", &nothing)])];
    let (found, told) = refusal(Kind::Contracts, &Source { files: &files, ..Source::default() });
    assert_eq!(found, "archive-too-large", "{told}");
    // Bit 0 of the flags says that an entry is encrypted; they stand 6 bytes into its own header, 8 into the directory's.
    let locked = archive(folder.path(), "locked.zip", &[("a.gpkg", b"x")]);
    let mut bytes = fs::read(&locked).unwrap();
    let directory = bytes.windows(4).position(|at| at == b"PK\x01\x02").unwrap();
    bytes[6] |= 1;
    bytes[directory + 8] |= 1;
    fs::write(&locked, bytes).unwrap();
    assert_eq!(refusal(Kind::Parcels, &Source { files: &[locked], ..Source::default() }).0, "archive-encrypted");
    let files = [file(folder.path(), "no.zip", b"not a zip at all")];
    assert_eq!(refusal(Kind::Parcels, &Source { files: &files, ..Source::default() }).0, "unreadable-file");
}

#[test]
fn a_sheet_that_claims_the_whole_grid_costs_nothing() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("grid.xlsx");
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    sheet.write(0, 0, "企业代码").unwrap();
    sheet.write(0, 1, "企业名称").unwrap();
    sheet.write(1_048_575, 0, "A").unwrap();
    sheet.write(1_048_575, 1, "one").unwrap();
    sheet.write(1_048_575, 16_383, "far").unwrap();
    book.save(&path).unwrap();
    let started = std::time::Instant::now();
    let (_, rows) = plain(Kind::Enterprises, &[path]).unwrap();
    assert_eq!((rows.len(), rows[0].row), (1, 1_048_575));
    assert!(started.elapsed().as_secs() < 5);
}

#[test]
fn deleted_rows_of_a_dbf_are_left_out_and_told() {
    let folder = TempDir::new().unwrap();
    let path = shapefile(folder.path());
    let dbf = path.with_extension("dbf");
    let mut bytes = fs::read(&dbf).unwrap();
    let first = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    bytes[first] = b'*';
    fs::write(dbf, bytes).unwrap();
    let (opened, rows) = plain(Kind::Parcels, &[path]).unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(super::codes(&opened), ["deleted-rows"]);
}

#[test]
fn points_alone_are_handed_out_as_what_they_are() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("points.shp");
    let made = Made {
        driver: "ESRI Shapefile",
        epsg: Some(4490),
        names: ["DKBH", "TDYT"],
        shape: OGRwkbGeometryType::wkbPoint,
        options: &[],
    };
    write(&path, &made, &[("a", "M1", Some("POINT (121 31)"))]);
    let (_, rows) = plain(Kind::Parcels, &[path]).unwrap();
    assert_eq!(rows[0].shape, landcycle::domain::intake::Shape::Other("Point".to_owned()));
}

#[test]
fn a_geojson_that_names_a_system_nobody_knows_is_refused_and_not_taken_for_wgs_84() {
    let folder = TempDir::new().unwrap();
    // A word that reads like the member, in the row before it.
    let row = r#"{"type":"Feature","properties":{"parcel_code":"a","land_use":"crs","crs":"crs"},"geometry":{"type":"Polygon",
        "coordinates":[[[121.5,31.1],[121.501,31.1],[121.501,31.101],[121.5,31.1]]]}}"#;
    let document = |crs: &str| {
        let text = format!(r#"{{"type":"FeatureCollection","features":[{row}],"crs" : {crs}}}"#);
        [file(folder.path(), "a.geojson", text.as_bytes())]
    };
    let named = |name: &str| format!(r#"{{"type":"name","properties":{{"name":"{name}"}}}}"#);
    for crs in [named("上海城建坐标系"), named("urn:foo"), named("EPSG:999999"), r#"{"type":"huh"}"#.to_owned()]
    {
        let files = document(&crs);
        let (found, told) = refusal(Kind::Parcels, &Source { files: &files, ..Source::default() });
        assert_eq!(found, "unknown-crs", "{crs}: {told}");
        assert!(told.contains("--crs"), "{told}");
        let by_hand = Source { files: &files, crs: Some("EPSG:4490"), ..Source::default() };
        assert_eq!(with(Kind::Parcels, &by_hand).unwrap().1.len(), 1, "{crs}");
    }
    for (crs, read) in [
        (named("urn:ogc:def:crs:OGC:1.3:CRS84"), "EPSG:4326"),
        (named("EPSG:4326"), "EPSG:4326"),
        (named("urn:ogc:def:crs:EPSG::4490"), "EPSG:4490"),
        ("null".to_owned(), "EPSG:4326"),
    ] {
        let (opened, rows) = plain(Kind::Parcels, &document(&crs)).unwrap();
        assert_eq!((rows.len(), opened.crs.as_deref()), (1, Some(read)), "{crs}");
    }
}
