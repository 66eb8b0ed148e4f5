//! Files that others made: real ones, and hostile ones of which each must be refused clearly or read honestly.

use super::{cell, codes, plain, text, with};
use landcycle::domain::finding::Severity;
use landcycle::domain::geometry;
use landcycle::domain::intake::{Cell, Kind, Reading, Shape};
use landcycle::domain::parcel;
use landcycle::exchange::Source;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The folder of acceptance data, or nothing with a note. In CI its absence is a failure.
pub(crate) fn acceptance() -> Option<PathBuf> {
    let folder = std::env::var_os("LANDCYCLE_ACCEPTANCE")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/acceptance"), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(std::env::var_os("CI").is_none(), "no acceptance data; set LANDCYCLE_ACCEPTANCE to its folder");
    #[allow(clippy::print_stderr, reason = "whoever runs the tests should know what was not tried")]
    {
        eprintln!("skipped: no acceptance data in {}; set LANDCYCLE_ACCEPTANCE to its folder", folder.display());
    }
    None
}

#[test]
fn the_real_parcels_of_xinwu_come_through_their_field_map() {
    let Some(folder) = acceptance() else { return };
    let files = [folder.join("real/wuxi_xinwu/xinwu_land_use.gpkg")];
    let source = Source { files: &files, map: Some("euluc"), ..Source::default() };
    let (opened, rows) = with(Kind::Parcels, &source).unwrap();
    assert_eq!(opened.crs.as_deref(), Some("EPSG:32650"));
    assert_eq!(rows.len(), 2033);
    let today = chrono::NaiveDate::from_ymd_opt(2026, 6, 30).unwrap();
    let (mut codes, mut industrial, mut area) = (std::collections::BTreeSet::new(), 0, 0.0);
    for row in &rows {
        let mut reading = Reading::new(Kind::Parcels, row, today);
        let parcel = parcel::read(&mut reading).unwrap();
        assert!(reading.faults.is_empty(), "{:?}", reading.faults);
        assert_eq!((parcel.land_use_scheme.as_str(), parcel.registered_area), ("EULUC-2.0", None));
        codes.insert(parcel.code.to_string());
        let Shape::Polygons(polygons) = &row.shape else { panic!("{:?}", row.shape) };
        if parcel.land_use == "M" {
            industrial += 1;
            area += geometry::area(polygons).value();
        }
    }
    assert_eq!((codes.len(), industrial), (2033, 435));
    assert_eq!(codes.first().map(String::as_str), Some("320214000000ZB00001"));
    // README of the data: 75.3 km², measured in UTM 50N three degrees outside the zone, whose scale is up to 0.4 % off.
    assert!((area / 75.3e6 - 1.0).abs() < 0.01, "{area}");
}

#[test]
fn the_same_parcels_in_gbk_and_zone_prefixed_gauss_kruger_lie_in_the_same_place() {
    let Some(folder) = acceptance() else { return };
    let files = [folder.join("real/wuxi_xinwu/xinwu_land_use.gpkg")];
    let (_, original) =
        with(Kind::Parcels, &Source { files: &files, map: Some("euluc"), ..Source::default() }).unwrap();
    let files = [folder.join("real/cn_shapefiles/derived_cgcs2000_gk40_gbk/无锡新吴用地.shp")];
    let map = Some("land_use=用地性质");
    let (opened, rows) = with(Kind::Parcels, &Source { files: &files, map, ..Source::default() }).unwrap();
    assert_eq!((opened.crs.as_deref(), opened.encoding.as_deref()), (Some("EPSG:4528"), Some("GB18030")));
    assert_eq!(cell(Kind::Parcels, &rows[0], "parcel_code"), &text("XW00001"));
    assert_eq!(cell(Kind::Parcels, &rows[0], "land_use"), &text("工业用地"));
    assert_eq!(rows.len(), original.len());
    for (row, original) in rows.iter().zip(&original) {
        let (Shape::Polygons(found), Shape::Polygons(expected)) = (&row.shape, &original.shape) else {
            panic!("no polygon")
        };
        let (found, expected) = (geometry::area(found).value(), geometry::area(expected).value());
        assert!((found - expected).abs() < 1.0 + expected * 1e-6, "row {}: {found} {expected}", row.row);
    }
}

#[test]
fn shanghais_former_districts_in_gbk_have_their_names() {
    let Some(folder) = acceptance() else { return };
    let files = [folder.join("real/cn_shapefiles/shanghai_quxianjie_gbk/区县界_area.shp")];
    let map = Some("code=ADMINCODE,name=NAME,name_en=PYNAME");
    let (opened, rows) = with(Kind::Districts, &Source { files: &files, map, ..Source::default() }).unwrap();
    assert_eq!((opened.encoding.as_deref(), rows.len()), (Some("GB18030"), 17));
    let names: Vec<String> = rows
        .iter()
        .map(|row| match cell(Kind::Districts, row, "name") {
            Cell::Text(name) => name.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    for name in ["浦东新区", "闵行区", "崇明县", "嘉定区"] {
        assert!(names.iter().any(|known| known == name), "{name} not in {names:?}");
    }
}

#[test]
fn shanghais_former_districts_come_with_readable_names() {
    let Some(folder) = acceptance() else { return };
    let files = [folder.join("real/cn_shapefiles/shanghai_quxianjie_gbk/区县界_area.shp")];
    let error = plain(Kind::Districts, &files).unwrap_err();
    let columns = error.findings()[0].facts["expected"].as_str().unwrap().to_owned();
    assert!(!columns.contains('\u{FFFD}'), "{columns}");
    let names: Vec<&str> =
        columns.split("the file has: ").nth(1).unwrap().split(". Name it").next().unwrap().split(", ").collect();
    // Every column in turn as code and name: whatever the file holds, it is readable.
    for name in names {
        let map = format!("code={name},name={name}");
        let (_, rows) = with(Kind::Districts, &Source { files: &files, map: Some(&map), ..Source::default() }).unwrap();
        assert_eq!(rows.len(), 17);
        for row in &rows {
            assert!(!matches!(&row.cells[1], Cell::Text(text) if text.contains('\u{FFFD}')), "{row:?}");
        }
    }
}

#[test]
fn a_dbf_in_one_of_many_encodings_is_read_right_or_refused_with_what_to_do() {
    let Some(folder) = acceptance() else { return };
    let folder = folder.join("real/cn_shapefiles/dbf_encodings");
    for file in files_under(&folder) {
        try_every_way(&file);
    }
    let read = |name: &str, column: &str, encoding: Option<&str>| {
        let map = format!("enterprise_code={column},name={column}");
        let files = [folder.join(name)];
        with(Kind::Enterprises, &Source { files: &files, map: Some(&map), encoding, ..Source::default() })
    };
    for (name, encoding, word) in [
        ("ldid/chinese.dbf", None, "简体"),
        ("gbk.dbf", None, "简体国语"),
        ("gb2312.dbf", None, "简体国语"),
        ("utf8.dbf", None, "国语國語"),
        ("cpg/big5.dbf", None, "國語"),
        ("cpg/euckr.dbf", None, "한국말"),
        ("cpg/koi8r.dbf", None, "русский"),
        ("cpg/latin2.dbf", None, "čeština"),
        ("cpg/shiftjis.dbf", None, "カタカナひらがな"),
        ("cpg/win1251.dbf", None, "РУССКИЙ"),
        ("cpg/win874.dbf", None, "ภาษาไทย"),
        ("big5.dbf", Some("BIG5"), "繁體國語"),
        ("shiftjis.dbf", Some("Shift_JIS"), "ひたちなか市"),
        ("eucjp.dbf", Some("EUC-JP"), "ひたちなか市"),
        ("latin1.dbf", Some("windows-1252"), "Peçeña México"),
    ] {
        let (_, rows) = read(name, "NAME", encoding).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(cell(Kind::Enterprises, &rows[0], "name"), &text(word), "{name}");
        if encoding.is_some() {
            let error = read(name, "NAME", None).unwrap_err();
            assert_eq!(error.findings()[0].code, "encoding-doubtful", "{name}");
            assert!(error.to_string().contains("--encoding"), "{error}");
        }
    }
    // Greek is neither UTF-8 nor GB18030: its rows say so one by one.
    let (_, rows) = read("periphereies.dbf", "PER", None).unwrap();
    let mut reading = Reading::new(Kind::Enterprises, &rows[0], chrono::NaiveDate::MAX);
    assert_eq!(reading.text("name"), None);
    assert_eq!(reading.faults[0].code, "wrong-encoding");
    let (_, rows) = read("periphereies.dbf", "PER", Some("ISO-8859-7")).unwrap();
    assert_eq!(cell(Kind::Enterprises, &rows[1], "name"), &text("Π. ΚΕΝΤΡΙΚΗΣ ΜΑΚΕΔΟΝΙΑΣ"));
}

#[test]
fn the_parcels_of_another_country_in_feet_come_in_degrees() {
    let Some(folder) = acceptance() else { return };
    let files = [folder.join("real/cambridge_ma/derived_cambridge_parcels_fy2014_joined.gpkg")];
    let error = plain(Kind::Parcels, &files).unwrap_err();
    let expected = error.findings()[0].facts["expected"].as_str().unwrap().to_owned();
    let column = expected.split("the file has: ").nth(1).unwrap().split(',').next().unwrap();
    let map = format!("parcel_code={column},land_use={column}");
    let source = Source { files: &files, map: Some(&map), ..Source::default() };
    let (opened, rows) = with(Kind::Parcels, &source).unwrap();
    assert_eq!(rows.len(), 13_116);
    assert!(codes(&opened).contains(&"datum-taken-as-cgcs2000"), "{:?}", opened.findings);
    // Cambridge, Massachusetts.
    for row in &rows {
        if let Shape::Polygons(polygons) = &row.shape {
            let point = polygons.0[0].exterior().0[0];
            assert!((-71.2..-71.0).contains(&point.x) && (42.3..42.5).contains(&point.y), "{point:?}");
        }
    }
}

#[test]
fn every_hostile_file_is_refused_clearly_or_read_honestly() {
    let Some(folder) = acceptance() else { return };
    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    // What brings GDAL down is met in a process of its own, by the built binary.
    let files = files_under(&folder.join("hostile"));
    for file in files.iter().filter(|file| file.extension().is_none_or(|ending| ending != "kml")) {
        for outcome in try_every_way(file) {
            *outcomes.entry(outcome).or_default() += 1;
        }
    }
    // Both ways were met, or the sweep proves nothing.
    assert!(outcomes.get("read").copied().unwrap_or(0) > 20, "{outcomes:?}");
    for code in ["missing-file", "truncated-file", "missing-crs", "unknown-format", "empty-file", "unreadable-file"] {
        assert!(outcomes.contains_key(code), "{code} not in {outcomes:?}");
    }
}

#[test]
fn the_files_cut_short_are_refused_as_such() {
    let Some(folder) = acceptance() else { return };
    for (name, codes) in [
        ("truncated/half.gpkg", ["truncated-file"]),
        ("truncated/header_only.gpkg", ["truncated-file"]),
        ("truncated/zero_bytes.gpkg", ["empty-file"]),
        ("truncated/cut_mid_token.geojson", ["unreadable-file"]),
        ("truncated/shp_half/a.shp", ["truncated-file"]),
        ("truncated/shp_no_dbf/a.shp", ["missing-file"]),
        ("truncated/shp_no_shx/a.shp", ["missing-file"]),
    ] {
        let error = plain(Kind::Parcels, &[folder.join("hostile").join(name)]).unwrap_err();
        assert_eq!(error.findings().iter().map(|finding| finding.code.as_str()).collect::<Vec<_>>(), codes, "{name}");
    }
    let files = [folder.join("hostile/gdal/gpkg/huge_feature_count.gpkg")];
    // The layers have no columns: keys are made of the feature's number, so that rows are asked for.
    let map = numbered(Kind::Parcels);
    for layer in ["test", "test2"] {
        let source = Source { files: &files, layer: Some(layer), map: map.path().to_str(), ..Source::default() };
        let error = with(Kind::Parcels, &source).unwrap_err();
        assert_eq!(error.findings()[0].code, "truncated-file", "{error}");
        assert!(error.to_string().contains("9223372036854775807 rows"), "{error}");
    }
}

/// A field map that needs no column.
fn numbered(kind: Kind) -> tempfile::NamedTempFile {
    let file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    let [key, word] = required(kind);
    std::fs::write(&file, format!("[fields]\n{key} = {{ template = \"{{fid}}\" }}\n{word} = {{ constant = \"x\" }}\n"))
        .unwrap();
    file
}

fn required(kind: Kind) -> [&'static str; 2] {
    if kind == Kind::Parcels { ["parcel_code", "land_use"] } else { ["enterprise_code", "name"] }
}

pub(crate) fn files_under(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

/// Reads a file as parcels and as enterprises, with its own columns and with none for the required fields, so that the
/// rows are met and not only the header; with and without a reference system by hand.
fn try_every_way(file: &Path) -> Vec<String> {
    let files = [file.to_owned()];
    let mut outcomes = Vec::new();
    for kind in [Kind::Parcels, Kind::Enterprises] {
        let numbered = numbered(kind);
        for crs in [None, Some("EPSG:4490")] {
            let source = Source { files: &files, crs, ..Source::default() };
            let mut outcome = tried(kind, &source);
            if let Some(column) = outcome.strip_prefix("missing-column ") {
                outcomes.push(word(&tried(kind, &Source { map: numbered.path().to_str(), ..source })));
                let map = required(kind).map(|key| format!("{key}={column}")).join(",");
                outcome = tried(kind, &Source { map: Some(&map), ..source });
            }
            outcomes.push(word(&outcome));
        }
    }
    outcomes
}

fn word(outcome: &str) -> String {
    outcome.split(' ').next().unwrap_or_default().to_owned()
}

/// One reading: `read`, or the code of the refusal with the file's first column behind a missing one.
fn tried(kind: Kind, source: &Source<'_>) -> String {
    let file = source.files[0].display();
    let started = Instant::now();
    let result = with(kind, source);
    assert!(started.elapsed() < Duration::from_secs(20), "{file}: {:?}", started.elapsed());
    match result {
        Ok((opened, rows)) => {
            let bytes = std::fs::metadata(&source.files[0]).unwrap().len();
            assert!(rows.len() as u64 <= bytes, "{file}: {} rows from {bytes} bytes", rows.len());
            assert!(!opened.sha256.is_empty() && !codes(&opened).contains(&""), "{file}");
            for row in &rows {
                assert_eq!(row.cells.len(), kind.fields().len());
                if let Shape::Polygons(polygons) = &row.shape {
                    let points = polygons.iter().flat_map(|polygon| polygon.exterior().coords());
                    assert!(points.into_iter().all(|c| c.x.abs() <= 180.0 && c.y.abs() <= 90.0), "{file}: {row:?}");
                }
            }
            "read".to_owned()
        }
        Err(error) => {
            let findings = error.findings();
            assert!(
                !findings.is_empty() && findings.iter().all(|finding| finding.severity == Severity::Error),
                "{file}"
            );
            assert!(
                findings.iter().all(|finding| !finding.file.is_empty() && finding.facts.contains_key("expected")),
                "{file}"
            );
            let first = &findings[0];
            let expected = first.facts["expected"].as_str().unwrap();
            let column = expected.split("the file has: ").nth(1).and_then(|list| list.split([',', '.']).next());
            format!("{} {}", first.code, column.unwrap_or_default())
        }
    }
}
