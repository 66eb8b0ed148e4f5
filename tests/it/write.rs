//! Tables written in every format and read back with the libraries alone.

use calamine::Reader;
use chrono::NaiveDate;
use gdal::Dataset;
use gdal::vector::{FieldValue, LayerAccess};
use geo::{Area, MultiPolygon, Rect, coord};
use landcycle::domain::intake::FieldType;
use landcycle::exchange::write::{
    Column, CsvOptions, CsvWriter, Encoding, Format, Layout, Row, Value, VectorLayer, VectorOptions, VectorWriter,
    WriteError, table,
};
use std::path::Path;

fn columns() -> Vec<Column> {
    vec![
        Column::new("parcel_code", FieldType::Text, 28).titled("宗地编码"),
        Column::new("score", FieldType::Number, 10).titled("得分"),
        Column::new("rank", FieldType::Integer, 6),
        Column::new("term_end", FieldType::Date, 12),
        Column::new("locked", FieldType::Flag, 6),
    ]
}

/// A square whose ring runs clockwise.
fn square() -> MultiPolygon {
    let mut ring = Rect::new(coord! {x: 121.5, y: 31.2}, coord! {x: 121.51, y: 31.21}).to_polygon().into_inner().0;
    ring.0.reverse();
    let polygon = geo::Polygon::new(ring, vec![]);
    MultiPolygon(vec![polygon])
}

fn rows() -> Vec<Row> {
    let day = NaiveDate::from_ymd_opt(2026, 6, 30).unwrap();
    vec![
        (vec!["=cmd|'/c calc'!A1".into(), (-1.5).into(), 1_i64.into(), day.into(), true.into()], Some(square())),
        (vec!["地块，\"甲\"\n乙".into(), Value::Empty, 2_i64.into(), Value::Empty, false.into()], None),
    ]
}

fn written(folder: &Path, format: Format) -> std::path::PathBuf {
    let path = folder.join(format!("名单.{}", format.extension()));
    let mut rows = rows();
    if format == Format::FlatGeobuf {
        rows[1].1 = Some(square());
    }
    assert_eq!(
        table(&path, &Layout::plain(format, "exit", &columns()), rows.into_iter().map(Ok::<Row, WriteError>)).unwrap(),
        2
    );
    path
}

#[test]
fn a_row_without_a_shape_is_refused_where_the_format_would_lose_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.fgb");
    let error = table(
        &path,
        &Layout::plain(Format::FlatGeobuf, "a", &columns()),
        rows().into_iter().map(Ok::<Row, WriteError>),
    )
    .unwrap_err();
    assert!(matches!(error, WriteError::NoShape { .. }));
}

#[test]
fn a_csv_list_opens_in_excel_runs_no_formula_and_keeps_negative_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(written(folder.path(), Format::Csv)).unwrap();
    assert_eq!(
        text,
        "\u{FEFF}宗地编码,得分,rank,term_end,locked\r\n'=cmd|'/c calc'!A1,-1.5,1,2026-06-30,1\r\n\"地块，\"\"甲\"\"\n乙\",,2,,0\r\n"
    );
}

#[test]
fn a_workbook_has_text_numbers_and_days_and_no_formula() {
    let folder = tempfile::tempdir().unwrap();
    let mut book: calamine::Xlsx<_> = calamine::open_workbook(written(folder.path(), Format::Xlsx)).unwrap();
    assert_eq!(book.sheet_names(), ["exit"]);
    let formulas = book.worksheet_formula("exit").unwrap();
    assert!(formulas.cells().all(|(_, _, formula)| formula.is_empty()));
    let sheet = book.worksheet_range("exit").unwrap();
    let cell = |row, column| sheet.get_value((row, column)).unwrap().clone();
    use calamine::{Data, DataType};
    assert_eq!(cell(0, 0), Data::String("宗地编码".into()));
    assert_eq!(cell(1, 0), Data::String("=cmd|'/c calc'!A1".into()));
    assert_eq!(cell(1, 1), Data::Float(-1.5));
    assert_eq!(cell(1, 3).as_date(), NaiveDate::from_ymd_opt(2026, 6, 30));
    assert_eq!(cell(1, 4), Data::String("是".into()));
    assert_eq!(cell(2, 1), Data::Empty);
}

#[test]
fn geojson_follows_its_rfc_rings_turned_and_seven_decimals() {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(written(folder.path(), Format::GeoJson)).unwrap();
    let collection: geojson::FeatureCollection = text.parse::<geojson::GeoJson>().unwrap().try_into().unwrap();
    assert_eq!(collection.features.len(), 2);
    let first = &collection.features[0];
    assert_eq!(first.property("locked"), Some(&serde_json::Value::Bool(true)));
    assert_eq!(first.property("term_end").unwrap(), "2026-06-30");
    assert!(collection.features[1].geometry.is_none());
    let shape: geo::Polygon = first.geometry.clone().unwrap().try_into().unwrap();
    assert!(shape.signed_area() > 0.0, "the outer ring runs counter-clockwise");
    assert!(!text.contains("crs"));
}

#[test]
fn geopackage_flatgeobuf_and_shapefile_hold_the_rows_with_shapes_and_the_words() {
    for format in [Format::Gpkg, Format::FlatGeobuf, Format::Shapefile] {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path(), format);
        let dataset = Dataset::open(&path).unwrap();
        let mut layer = dataset.layer(0).unwrap();
        assert_eq!(layer.feature_count(), 2, "{format:?}");
        assert_eq!(layer.spatial_ref().unwrap().auth_code().unwrap(), 4490, "{format:?}");
        let mut seen = 0;
        for feature in layer.features() {
            let text = feature.field(0).unwrap();
            if text == Some(FieldValue::StringValue("=cmd|'/c calc'!A1".into())) {
                seen += 1;
                let box_ = feature.geometry().unwrap().envelope();
                assert!((box_.MinX - 121.5).abs() < 1e-9 && (box_.MinY - 31.2).abs() < 1e-9, "{format:?}");
                assert_eq!(feature.field(2).unwrap().and_then(FieldValue::into_int64), Some(1));
            }
        }
        assert_eq!(seen, 1, "{format:?}");
    }
}

#[test]
fn the_same_rows_give_the_same_bytes_in_every_format() {
    for (_, format) in Format::WORDS {
        let [one, other] = [(); 2].map(|()| {
            let folder = tempfile::tempdir().unwrap();
            let bytes = std::fs::read(written(folder.path(), format)).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(20));
            bytes
        });
        assert!(one == other, "{format:?}");
    }
}

#[test]
fn a_file_that_was_not_finished_is_not_there_and_an_older_one_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    std::fs::write(&path, "older").unwrap();
    let options = CsvOptions { bom: false, encoding: Encoding::Utf8 };
    let mut writer = CsvWriter::create(&path, &columns(), options).unwrap();
    writer.write(&rows()[0].0).unwrap();
    drop(writer);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "older");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_character_that_gbk_lacks_is_refused_rather_than_lost() {
    let folder = tempfile::tempdir().unwrap();
    let columns = [Column::new("name", FieldType::Text, 20)];
    let options = CsvOptions { bom: false, encoding: Encoding::Gbk };
    let mut csv = CsvWriter::create(&folder.path().join("a.csv"), &columns, options).unwrap();
    csv.write(&["朱镕基路".into()]).unwrap();
    assert!(matches!(csv.write(&["面积㎡🏭".into()]), Err(WriteError::Encoding { .. })));
    let layer = VectorLayer { name: "a", title: None, description: None, columns: &columns };
    let options = VectorOptions { epsg: 4549, encoding: "CP936", says_encoding: false };
    let mut shapes = VectorWriter::create(&folder.path().join("a.shp"), Format::Shapefile, &[layer], options).unwrap();
    assert!(matches!(shapes.write(0, (vec!["🏭".into()], None)), Err(WriteError::Encoding { .. })));
}

#[test]
fn a_row_of_another_width_is_refused_with_both_numbers() {
    let folder = tempfile::tempdir().unwrap();
    for (_, format) in Format::WORDS {
        let path = folder.path().join(format!("a.{}", format.extension()));
        let error = table(
            &path,
            &Layout::plain(format, "a", &columns()),
            std::iter::once(Ok::<Row, WriteError>((vec![Value::Empty], None))),
        )
        .unwrap_err();
        assert!(matches!(error, WriteError::Width { found: 1, expected: 5, .. }), "{format:?}: {error}");
        assert!(!path.exists());
    }
}
