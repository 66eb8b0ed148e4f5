//! What a search finds as files: the same parcels in every format, and cells that no program runs.

use super::questions::{bytes, codes, everything, found, service_of};
use crate::scatter;
use crate::support::{Town, feature, lot, parcel_code};
use axum::http::StatusCode;
use calamine::{Reader as _, Xlsx};
use landcycle::atlas::Snapshot;
use serde_json::{Value, json};
use std::io::Cursor;

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

fn codes_of_csv(file: &[u8]) -> Vec<String> {
    let text = std::str::from_utf8(file).unwrap().strip_prefix('\u{feff}').expect("a mark so that Excel shows 中文");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let place = reader.headers().unwrap().iter().position(|name| name == "parcel_code").unwrap();
    reader.records().map(|row| row.unwrap()[place].to_owned()).collect()
}

fn codes_of_xlsx(file: &[u8]) -> Vec<String> {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(file.to_vec())).unwrap();
    let sheet = book.worksheet_range("parcels").unwrap();
    let place = sheet.rows().next().unwrap().iter().position(|cell| *cell == "parcel_code").unwrap();
    sheet.rows().skip(1).map(|row| row[place].to_string()).collect()
}

fn codes_of_gpkg(file: &[u8]) -> Vec<String> {
    use gdal::vector::LayerAccess as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("found.gpkg");
    std::fs::write(&path, file).unwrap();
    let dataset = gdal::Dataset::open(&path).unwrap();
    let mut layer = dataset.layer(0).unwrap();
    let codes = layer.features().map(|one| {
        assert!(one.geometry().is_some());
        one.field_as_string(one.field_index("parcel_code").unwrap()).unwrap().unwrap()
    });
    codes.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_format_holds_what_the_search_finds_in_its_order() {
    let service = service_of(scatter::snapshot(42, 20));
    let question = |more: Value| {
        let mut body = json!({"bbox": everything(), "filter": "tier = 'base' AND area_m2 > 0", "sort": "-area_m2"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let expected = codes(&found(&service, question(json!({"limit": 1000}))).await);
    assert!(expected.len() > 50);
    for (query, accept, kind) in [
        ("?f=csv", "*/*", "text/csv"),
        ("", "text/html, text/csv;q=0.9", "text/csv"),
        ("?f=xlsx", "application/json", XLSX),
        ("", XLSX, XLSX),
        ("?f=gpkg", "*/*", "application/geopackage+sqlite3"),
        ("?f=geojson", "*/*", "application/geo+json"),
    ] {
        let (status, headers, file) = bytes(&service, query, accept, &question(json!({}))).await;
        assert_eq!((status, &headers["content-type"]), (StatusCode::OK, &kind.parse().unwrap()), "{query} {accept}");
        assert_eq!(headers["landcycle-revision"], "42");
        let name = headers["content-disposition"].to_str().unwrap();
        assert!(name.starts_with("attachment; filename=\"parcels-42."), "{name}");
        let told = match kind {
            "text/csv" => codes_of_csv(&file),
            XLSX => codes_of_xlsx(&file),
            "application/geo+json" => {
                let document: Value = serde_json::from_slice(&file).unwrap();
                let told = document["features"].as_array().unwrap().iter();
                told.map(|one| one["properties"]["parcel_code"].as_str().unwrap().to_owned()).collect()
            }
            _ => codes_of_gpkg(&file),
        };
        assert_eq!(told, expected, "{query} {accept}");
    }
    // The columns are those that are asked for.
    let (_, _, lean) = bytes(&service, "?f=csv", "*/*", &question(json!({"fields": ["score", "parcel_code"]}))).await;
    assert!(String::from_utf8(lean).unwrap().starts_with("\u{feff}score,parcel_code\r\n"));
    for (query, body, part) in [
        ("?f=pdf", question(json!({})), "csv, xlsx or gpkg"),
        ("?g=csv", question(json!({})), "unknown"),
        ("?f=csv", question(json!({"limit": 10})), "neither limit nor after"),
    ] {
        let (status, _, problem) = bytes(&service, query, "*/*", &body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        assert!(String::from_utf8(problem).unwrap().contains(part), "{query}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_cell_of_a_file_runs_as_a_formula() {
    let mut parcels = scatter::parcels(42);
    parcels.truncate(5);
    for (parcel, name) in parcels.iter_mut().zip(["=1+1", "+A1", "-A1", "@SUM(A1)", "\tx"]) {
        parcel.holder = Some(name.to_owned());
    }
    let snapshot = Snapshot::build(1, scatter::city(), parcels, scatter::areas()).unwrap();
    let service = service_of(snapshot);
    let question = json!({"filter": "TRUE", "fields": ["holder_name"]});
    let (status, _, file) = bytes(&service, "?f=csv", "*/*", &question).await;
    assert_eq!(status, StatusCode::OK);
    let text = String::from_utf8(file).unwrap();
    let cells: Vec<&str> = text.lines().skip(1).map(|line| line.trim_matches('"')).collect();
    assert_eq!(cells.len(), 5);
    assert!(cells.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t'])), "{cells:?}");
    let (_, _, file) = bytes(&service, "?f=xlsx", "*/*", &question).await;
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(file)).unwrap();
    assert!(book.worksheet_formula("parcels").unwrap().used_cells().next().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_writes_the_same_files() {
    let town = Town::settled().await;
    let wide = feature(&json!({"parcel_code": parcel_code(9), "land_use": "M2"}), &lot(9));
    town.takes("parcels", &town.geojson("parcels", &[wide]));
    for (name, read) in
        [("f.csv", codes_of_csv as fn(&[u8]) -> Vec<String>), ("f.xlsx", codes_of_xlsx), ("f.gpkg", codes_of_gpkg)]
    {
        let ended = town.run(&["query", "--filter", "land_use <> 'M2'", "--sort", "-parcel_code", "--out", name]);
        assert_eq!((ended.status, &ended.answer["rows"]), (Some(0), &json!(3)), "{ended:?}");
        let file = std::fs::read(town.folder().join(name)).unwrap();
        assert_eq!(read(&file), [3, 2, 1].map(parcel_code), "{name}");
    }
    let ended = town.run(&["query", "--out", "f.shp"]);
    assert_eq!(ended.status, Some(2), "{}", ended.said);
}
