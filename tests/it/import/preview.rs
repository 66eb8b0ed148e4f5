//! `landcycle import --preview`: the first rows as they are read, before anybody imports them.

use serde_json::json;

use crate::{
    exchange::{acceptance, write_gbk_shapefile},
    support::{Ended, Town, landcycle},
};

fn looked(arguments: &[&str]) -> Ended {
    Ended::of(&landcycle().args(["--json", "import"]).args(arguments).arg("--preview").output().unwrap())
}

#[test]
fn a_look_shows_rows_columns_encoding_with_its_evidence_and_where_the_first_shape_falls_without_a_database() {
    let folder = tempfile::tempdir().unwrap();
    let file = write_gbk_shapefile(folder.path());
    let ended = looked(&["parcels", file.to_str().unwrap()]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let found = &ended.answer;
    assert_eq!((&found["crs"], &found["encoding"]), (&json!("EPSG:4549"), &json!("GB18030")));
    assert!(found["evidence"].as_str().unwrap().contains("4 GB18030 alone"), "{found}");
    assert_eq!(found["columns"][0]["field"], "parcel_code");
    assert_eq!(found["columns"][0]["from"], "地块编号");
    let rows = found["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[1]["values"], json!({"parcel_code": "310115001001GB00002", "land_use": "研发"}));
    let point = &rows[0]["place"]["first_point"];
    assert!(
        (point[0].as_f64().unwrap() - 121.4693).abs() < 0.001 && (point[1].as_f64().unwrap() - 31.226).abs() < 0.001
    );
    assert!((rows[0]["place"]["area_m2"].as_f64().unwrap() / 10_000.0 - 1.0).abs() < 0.001);

    // Another encoding by hand shows other words, and people see them side by side.
    let ended = looked(&["parcels", file.to_str().unwrap(), "--encoding", "BIG5", "--map", "bureau"]);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    let text = landcycle().args(["import", "parcels", file.to_str().unwrap(), "--preview"]).output().unwrap();
    let text = String::from_utf8(text.stdout).unwrap();
    for words in ["GB18030 (of 4 pieces", "地块编号", "研发", "row 2", "first point", "121.46"] {
        assert!(text.contains(words), "{words} not in {text}");
    }
}

#[test]
fn a_look_at_a_large_file_reads_its_first_rows_and_says_what_is_wrong_with_them() {
    let Some(folder) = acceptance() else { return };
    let file = folder.join("real/cambridge_ma/derived_cambridge_parcels_fy2014_joined.gpkg");
    let ended = looked(&["parcels", file.to_str().unwrap(), "--map", "cambridge"]);
    assert_eq!((ended.status, ended.answer["rows"].as_array().unwrap().len()), (Some(0), 5), "{ended:?}");
    let units: Vec<_> =
        ended.answer["columns"].as_array().unwrap().iter().filter(|column| column["unit"] == "ft2").collect();
    assert_eq!(units.len(), 1);
    let area = ended.answer["rows"][0]["values"]["registered_area_m2"].as_f64().unwrap();
    assert!((area - 3_224.000_181_6 * 0.092_903_04).abs() < 1e-6, "{area}");
}

#[tokio::test]
async fn a_look_shows_the_faults_of_its_rows_and_a_file_that_would_be_refused_is_refused() {
    let town = Town::empty().await;
    let file = town.file("enterprises.csv", "企业代码,企业名称,成立日期\nE1,一号厂,2001-02-03\nE2,,2001-13-01\n");
    let ended = town.import("enterprises", &[file], &["--preview"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let findings = ended.answer["findings"].as_array().unwrap();
    let faults: Vec<_> =
        findings.iter().filter(|finding| finding["row"] == 2).map(|finding| &finding["code"]).collect();
    assert!(faults.contains(&&json!("missing-value")) && faults.contains(&&json!("not-a-date")), "{ended:?}");
    assert_eq!(ended.answer["rows"].as_array().unwrap().len(), 2);
    let file = town.file("other.csv", "甲,乙\n1,2\n");
    let ended = town.import("enterprises", std::slice::from_ref(&file), &["--preview"]);
    assert_eq!(
        (ended.status, ended.answer["findings"][0]["code"].as_str()),
        (Some(1), Some("missing-column")),
        "{ended:?}"
    );
    assert_eq!(town.import("enterprises", &[file], &["--preview", "--strict"]).status, Some(2));
}
