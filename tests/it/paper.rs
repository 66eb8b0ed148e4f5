//! Answers as files: where land stands, what the locks say, whether a project may enter, written by the built binary and
//! opened with the tools that others have; over HTTP the same GeoJSON.

use crate::plot_ratio::get;
use crate::plot_ratio::rise::post;
use crate::support::{Town, feature, lot, parcel_code, square};
use axum::http::StatusCode;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;

/// Parcels 1 to 3 in a locked base of which the border crosses parcel 2, with a planning unit over all.
async fn town() -> Town {
    let town = Town::settled().await;
    let shape = |properties: Value, west: f64, east: f64| feature(&properties, &square(west, 31.09, east, 31.12));
    let base = json!({"zone_code": "Z1", "name": "基地甲", "tier": "base", "locked": 1, "valid_from": "2018-01-01",
        "document": "沪府〔2018〕1号"});
    town.takes("zones", &town.geojson("zones", &[shape(base, 121.5, 121.5027)]));
    let unit = json!({"unit_code": "U1", "name": "单元一", "uses": "M1:1.0-2.0", "valid_from": "2018-01-01"});
    town.takes("plan-units", &town.geojson("units", &[shape(unit, 121.5, 121.51)]));
    town
}

/// What GDAL's own tool says of a file. A sheet in which all is text does not show by itself which row names its columns.
fn ogrinfo(path: &PathBuf) -> String {
    let mut command = Command::new("ogrinfo");
    let output = command.env("OGR_XLSX_HEADERS", "FORCE").args(["-ro", "-al"]).arg(path).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Asks with a file of each kind, and answers the document, the feature, and what the tool says of both files.
fn written(town: &Town, question: &[&str]) -> (Value, Value, [String; 2]) {
    let files = ["answer.geojson", "answer.xlsx"].map(|name| town.folder().join(name));
    let mut answers = Vec::new();
    for file in &files {
        let ended = town.run(&[question, &["--out", file.to_str().unwrap()]].concat());
        assert_eq!(ended.status, Some(0), "{ended:?}");
        answers.push(ended.answer);
    }
    assert_eq!(answers[0], answers[1], "the answer is the same whatever file it goes to");
    let collection: Value = serde_json::from_slice(&std::fs::read(&files[0]).unwrap()).unwrap();
    assert_eq!(collection["features"].as_array().unwrap().len(), 1);
    (answers.remove(0), collection["features"][0].clone(), files.each_ref().map(ogrinfo))
}

/// The value of a line of the data sheet, as the tool shows it.
fn line<'a>(sheet: &'a str, field: &str) -> &'a str {
    let data = sheet.split("Layer name:").nth(1).unwrap();
    let row = data.split("OGRFeature").find(|row| row.contains(&format!("field (String) = {field}\n")));
    let row = row.unwrap_or_else(|| panic!("no line {field} in {data}"));
    row.split("value (").nth(1).and_then(|rest| rest.split_once(" = ")).unwrap().1.lines().next().unwrap()
}

#[tokio::test]
async fn a_standing_becomes_a_feature_with_its_land_and_a_workbook_with_a_dictionary() {
    let town = town().await;
    let code = parcel_code(2);
    let (said, found, [map, sheet]) = written(&town, &["stand", "--parcel", &code, "--valid-at", "2026-06-30"]);
    let facts = &found["properties"];
    assert_eq!([&facts["parcel_code"], &facts["tier"], &facts["valid_at"]], [code.as_str(), "base", "2026-06-30"]);
    assert_eq!([&facts["locked"], &facts["on_border"]], [&json!(true), &json!(true)]);
    for (term, part) in [("base", "base"), ("fragmented", "fragmented"), ("locked", "locked")] {
        assert_eq!(facts[format!("{term}_m2")], said["parts"][part]["area_m2"], "{term}");
        assert_eq!(facts[format!("{term}_percent")], said["parts"][part]["percent"], "{term}");
    }
    let percent = said["parts"]["base"]["percent"].as_f64().unwrap();
    assert_eq!(facts["zones"], json!(format!("Z1 {percent:.2} %")));
    assert_eq!(facts["plan_units"], json!("U1 100.00 %"));
    assert!(facts["remarks"].as_str().unwrap().contains("on-border"), "{facts}");
    assert_eq!(found["geometry"], lot(2), "the land as it was imported");
    assert!(map.contains("Geometry: Polygon") && map.contains("WGS 84") && map.contains("Feature Count: 1"), "{map}");
    // The workbook: a line for each term, a sheet to print, a dictionary.
    assert_eq!((line(&sheet, "tier"), line(&sheet, "parcel_code")), ("base", code.as_str()));
    assert_eq!((line(&sheet, "valid_at"), line(&sheet, "locked")), ("2026-06-30", "是"));
    let figure: f64 = line(&sheet, "base_percent").parse().unwrap();
    assert!((figure - percent).abs() < 1e-9, "{figure}");
    assert!(line(&sheet, "overlap").contains("平方米"), "the areas of the plan follow");
    for words in [
        "Layer name: 打印",
        "Layer name: 数据字典",
        "土地规划位置查询结果",
        "产业基地（锁定） Z1 基地甲",
        "沪府〔2018〕1号",
    ] {
        assert!(sheet.contains(words), "{words}: {sheet}");
    }
}

#[tokio::test]
async fn a_drawn_area_keeps_its_outline_and_a_place_is_a_point() {
    let town = town().await;
    let site = square(121.5001, 31.1001, 121.5011, 31.1007);
    let file = town.geojson("site", &[feature(&json!({}), &site)]);
    let (_, found, [map, _]) = written(&town, &["stand", "--area", file.to_str().unwrap()]);
    assert_eq!((&found["geometry"], &found["properties"]["parcel_code"]), (&site, &Value::Null));
    assert!(map.contains("Geometry: Polygon"), "{map}");
    let (_, found, [map, _]) = written(&town, &["stand", "--at", "121.5013,31.1004"]);
    assert_eq!(found["geometry"], json!({"type": "Point", "coordinates": [121.5013, 31.1004]}));
    assert!(map.contains("Geometry: Point"), "{map}");
}

#[tokio::test]
async fn a_verdict_says_its_rule_version_and_citation_in_both_files_and_over_http() {
    let town = town().await;
    let code = parcel_code(1);
    let question = ["lockup", "may", "change-of-use", "--parcel", &code, "--use", "R2", "--on", "2026-06-30"];
    let (said, found, [map, sheet]) = written(&town, &question);
    let facts = &found["properties"];
    assert_eq!(facts["verdict"], "needs-special-approval");
    for term in
        ["deed", "verdict", "verdict_zh", "rule", "version", "effective_from", "citation", "assumption", "revision"]
    {
        assert_eq!(facts[term], said[term], "{term}");
    }
    assert_eq!((&facts["title_zh"], &facts["remedy_en"]), (&said["title"]["zh"], &said["remedy"]["en"]));
    assert_eq!([&facts["use_from"], &facts["use_to"]], ["industrial", "other"]);
    let taken = said["requirement"]["taken_m2"].as_f64().unwrap();
    assert!((facts["taken_m2"].as_f64().unwrap() - taken).abs() < 0.01 && taken > 1_000.0, "{facts}");
    assert_eq!(facts["locked_percent"].as_f64(), Some(100.0));
    assert_eq!(found["geometry"], lot(1));
    assert!(map.contains("citation (String)") && map.contains("lock-1-use"), "{map}");
    assert_eq!((line(&sheet, "rule"), line(&sheet, "verdict_zh")), ("lock-1-use", "须专项批准"));
    assert_eq!(line(&sheet, "citation"), said["citation"].as_str().unwrap());
    let body = json!({"deed": "change-of-use", "parcel": code, "use": "R2", "on": "2026-06-30"});
    let (status, served) = post(&town.database.pool, "/api/v1/verdict?f=geojson", &body).await;
    assert_eq!((status, &served["features"][0]), (StatusCode::OK, &found));
    let (status, served) = post(&town.database.pool, "/api/v1/verdict", &body).await;
    assert_eq!((status, served), (StatusCode::OK, said), "JSON where nothing else is asked for");
}

#[tokio::test]
async fn an_entry_check_says_what_each_rule_found_in_both_files_and_over_http() {
    let town = town().await;
    let code = parcel_code(1);
    let question =
        ["entry", "check", "--parcel", &code, "--industry", "C3973", "--tax-per-mu", "12.5", "--on", "2026-06-30"];
    let (said, found, [map, sheet]) = written(&town, &question);
    let facts = &found["properties"];
    assert_eq!((&facts["verdict"], &facts["industry"]), (&said["verdict"], &json!("3973")));
    assert_eq!(facts["tier_verdict"], said["findings"][0]["verdict"]);
    assert_eq!(
        [&facts["lock_rule"], &facts["lock_citation"]],
        [&said["findings"][0]["lock"]["rule"], &said["findings"][0]["citation"]]
    );
    assert_eq!(facts["tax_promised_wan_yuan_per_mu"], json!(12.5));
    assert_eq!(facts["tax_verdict"], "cannot-be-judged: no-published-review");
    assert_eq!((&facts["tax_citation"], &facts["review_run"]), (&said["findings"][2]["citation"], &Value::Null));
    assert_eq!((&facts["tier"], &found["geometry"]), (&json!("base"), &lot(1)));
    assert!(map.contains("tax_promised_wan_yuan_per_mu (Real) = 12.5"), "{map}");
    assert_eq!((line(&sheet, "lock_rule"), line(&sheet, "industry")), (facts["lock_rule"].as_str().unwrap(), "3973"));
    assert!(sheet.contains("新增产业项目准入核查结果"), "{sheet}");
    let body = json!({"parcel": code, "industry": "C3973", "tax_wan_yuan_per_mu": 12.5, "on": "2026-06-30"});
    let (status, served) = post(&town.database.pool, "/api/v1/entry-check?f=geojson", &body).await;
    assert_eq!((status, &served["features"][0]), (StatusCode::OK, &found));
}

#[tokio::test]
async fn over_http_the_form_is_asked_for_by_the_address_and_another_is_refused() {
    let town = town().await;
    let (pool, path) = (&town.database.pool, format!("/api/v1/parcels/{}/standing", parcel_code(2)));
    let (_, found, _) = written(&town, &["stand", "--parcel", &parcel_code(2), "--valid-at", "2026-06-30"]);
    let (status, served) = get(pool, &format!("{path}?f=geojson&valid_at=2026-06-30")).await;
    assert_eq!((status, &served["features"][0]), (StatusCode::OK, &found));
    let (status, plain) = get(pool, &format!("{path}?f=json")).await;
    assert_eq!((status, &plain["tier"]), (StatusCode::OK, &json!("base")));
    let (status, served) = post(pool, "/api/v1/standing?f=geojson", &json!({"at": [121.5013, 31.1004]})).await;
    assert_eq!((status, &served["features"][0]["geometry"]["type"]), (StatusCode::OK, &json!("Point")));
    for odd in [format!("{path}?f=xml"), format!("{path}?f=")] {
        let (status, problem) = get(pool, &odd).await;
        assert_eq!(
            (status, &problem["findings"][0]["field"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("f")),
            "{odd}"
        );
    }
    let (status, problem) = post(pool, "/api/v1/standing?form=geojson", &json!({"at": [121.5, 31.1]})).await;
    assert_eq!((status, &problem["findings"][0]["expected"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("f")));
}

#[tokio::test]
async fn a_file_of_another_kind_is_refused_before_anything_is_asked_and_one_that_cannot_be_written_is_told() {
    let town = town().await;
    for name in ["answer.pdf", "answer", "answer.shp"] {
        let ended = town.run(&["stand", "--parcel", &parcel_code(1), "--out", name]);
        assert_eq!(ended.status, Some(2), "{ended:?}");
        assert!(ended.said.contains("expected a file of one of these"), "{}", ended.said);
    }
    town.file("taken", "");
    let ended = town.run(&["stand", "--parcel", &parcel_code(1), "--out", "taken/answer.geojson"]);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.said.contains("taken/answer.geojson"), "{}", ended.said);
}
