//! `landcycle query` from outside: it counts what PostGIS counts, refuses what has no inside, and hides nothing from a
//! program.

use crate::support::{Town, feature, parcel};
use rstest::rstest;
use serde_json::{Value, json};
use sqlx::PgPool;

/// A register of 300 lots in three rows of a hundred.
async fn town() -> Town {
    let town = Town::empty().await;
    let parcels: Vec<Value> = (0..300).map(parcel).collect();
    town.takes("parcels", &town.geojson("parcels", &parcels));
    town
}

async fn counted_by_postgis(pool: &PgPool, geometry: &Value) -> i64 {
    let sql = "select count(*) from parcel_version where upper_inf(recorded)
         and st_intersects(geom, st_setsrid(st_geomfromgeojson($1), st_srid(geom)))";
    sqlx::query_scalar(sql).bind(geometry.to_string()).fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn an_area_file_finds_what_postgis_finds() {
    let town = town().await;
    // Its hole holds lots of the second row whole, and cuts others.
    let shell =
        json!([[121.505, 31.1003], [121.55, 31.1003], [121.55, 31.1035], [121.505, 31.1035], [121.505, 31.1003]]);
    let hole = json!([
        [121.5152, 31.1009],
        [121.5152, 31.1022],
        [121.5303, 31.1022],
        [121.5303, 31.1009],
        [121.5152, 31.1009]
    ]);
    let apart = json!([[[121.5601, 31.1], [121.5705, 31.0999], [121.565, 31.1012], [121.5601, 31.1]]]);
    let slanted = json!([[[121.5, 31.1], [121.533, 31.1007], [121.58, 31.1029], [121.51, 31.1031], [121.5, 31.1]]]);
    let polygon = json!({"type": "Polygon", "coordinates": slanted});
    let several = json!({"type": "MultiPolygon", "coordinates": [[shell.clone(), hole], apart]});
    let filled = json!({"type": "MultiPolygon", "coordinates": [[shell], apart]});
    let mut counts = Vec::new();
    for (name, geometry, document) in [
        ("polygon", &polygon, polygon.clone()),
        ("several", &several, several.clone()),
        ("feature", &several, feature(&json!({"name": "片区"}), &several)),
        ("filled", &filled, filled.clone()),
        ("collection", &polygon, json!({"type": "FeatureCollection", "features": [feature(&json!({}), &polygon)]})),
    ] {
        let path = town.file(&format!("{name}.geojson"), document.to_string());
        let ended = town.run(&["query", "--area", path.to_str().unwrap()]);
        assert_eq!(ended.status, Some(0), "{name}: {}", ended.said);
        let count = ended.answer["summary"]["count"].as_i64().unwrap();
        assert_eq!(count, counted_by_postgis(&town.database.pool, geometry).await, "{name}");
        assert_eq!(ended.answer["features"].as_array().unwrap().len() as i64, count, "{name}");
        counts.push(count);
    }
    let [polygon, several, feature, filled, collection] = counts[..] else { panic!("{counts:?}") };
    assert!(polygon > 50 && several > 50, "{counts:?}");
    assert!(several < filled, "the hole leaves lots out: {counts:?}");
    assert_eq!((feature, collection), (several, polygon));
}

#[rstest]
#[case::bow_tie(
    r#"{"type":"Polygon","coordinates":[[[121.5,31.1],[121.6,31.2],[121.6,31.1],[121.5,31.2],[121.5,31.1]]]}"#,
    "meets itself at (121.55, 31.15"
)]
#[case::no_ring(r#"{"type":"Polygon","coordinates":[]}"#, "no ring")]
#[case::no_feature(r#"{"type":"FeatureCollection","features":[]}"#, "no ring")]
#[case::no_geometry(r#"{"type":"Feature","properties":{},"geometry":null}"#, "without geometry")]
#[case::a_point(r#"{"type":"Point","coordinates":[121.5,31.1]}"#, "Point")]
#[case::metres(
    r#"{"type":"Polygon","coordinates":[[[21500,31000],[21600,31000],[21600,31100],[21500,31000]]]}"#,
    "(21500, 31000)"
)]
#[case::no_json("POLYGON((0 0,1 0,1 1,0 0))", "is no GeoJSON")]
#[case::nothing("", "is no GeoJSON")]
#[tokio::test]
async fn an_area_file_without_a_clear_inside_is_refused(#[case] content: &str, #[case] part: &str) {
    let town = Town::empty().await;
    let path = town.file("area.geojson", content);
    let ended = town.run(&["query", "--area", path.to_str().unwrap()]);
    assert_eq!((ended.status, &ended.answer["error"]), (Some(1), &json!("refused")), "{}", ended.said);
    assert!(ended.said.contains(part), "{}", ended.said);
}

#[tokio::test]
async fn wrong_usage_and_wrong_input_end_with_their_own_status() {
    let town = Town::empty().await;
    let area = town.geojson("area", &[]);
    let area = area.to_str().unwrap();
    for (arguments, status, part) in [
        (vec!["--area", "nowhere.geojson"], 1, "nowhere.geojson could not be read"),
        (vec!["--bbox", "121.6,31.1,121.5,31.2"], 2, "west 121.6 beyond east 121.5"),
        (vec!["--bbox", "121.5,31.1,121.6,nan"], 2, "latitude"),
        (vec!["--bbox", "121.5,x,31.1,121.6,31.2"], 2, "expected four numbers"),
        (vec!["--bbox", "121.5,31.1,121.6,x"], 2, "expected four numbers"),
        (vec!["--bbox", "121.5,31.1,121.6"], 2, "expected four numbers"),
        (vec!["--bbox", "121.5,31.1,,121.6,31.2"], 2, "expected four numbers"),
        (vec!["--bbox", "121.5,31.1,121.6,31.2", "--area", area], 2, "--area"),
        (vec!["--limit", "many"], 2, "--limit"),
        (vec!["--format", "shp"], 2, "--format"),
    ] {
        let ended = town.run(&[vec!["query"], arguments.clone()].concat());
        assert_eq!(ended.status, Some(status), "{arguments:?}: {}", ended.said);
        assert!(ended.said.contains(part), "{arguments:?}: {}", ended.said);
    }
    let ended = town.run(&["query", "--bbox", "121.5, 31.1, 121.6, 31.2"]);
    assert_eq!((ended.status, &ended.answer["summary"]["count"]), (Some(0), &json!(0)), "{}", ended.said);
}

#[tokio::test]
async fn a_table_is_short_and_a_document_is_whole() {
    let town = town().await;
    let said = |arguments: &[&str]| {
        let ended = town.command().arg("query").args(arguments).output().unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        String::from_utf8(ended.stdout).unwrap()
    };
    let rows = |text: &str| text.lines().filter(|line| line.starts_with("310115001001GB")).count();
    let usual = said(&[]);
    assert_eq!(rows(&usual), 20);
    assert!(usual.contains("and 280 more; --limit lists them"), "{usual}");
    let line = |label: &str| usual.lines().find(|line| line.starts_with(label)).unwrap().to_owned();
    // Nothing was reviewed, so every parcel is of no grade, and the grades that no parcel has are not listed.
    assert!(line("grades").contains("none 300 ("), "{usual}");
    assert!(!line("grades").contains(" 0 ("), "{usual}");
    assert!(line("term ends within 18 months").ends_with(" 0"), "{usual}");
    let nowhere = said(&["--bbox", "1,1,2,2"]);
    assert!(nowhere.lines().any(|line| line.starts_with("grades") && line.ends_with("none")), "{nowhere}");

    let all = said(&["--limit", "1000"]);
    assert_eq!(rows(&all), 300);
    assert!(!all.contains("more;"), "{all}");

    let features = |arguments: &[&str]| {
        let document: Value = serde_json::from_str(&said(arguments)).unwrap();
        assert_eq!(document["summary"]["count"], 300);
        document["features"].as_array().unwrap().len()
    };
    assert_eq!(features(&["--format", "geojson"]), 300);
    assert_eq!(features(&["--format", "geojson", "--limit", "7"]), 7);
    assert_eq!(features(&["--json"]), 300);
}
