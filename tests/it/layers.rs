//! Reference layers: what other people keep, brought in whole with the properties of its file, told apart from one import
//! to the next, and asked for in SQL.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use landcycle::domain::filter::{Filter, Kind, Property};
use landcycle::domain::reference::{KeyedBy, LayerName, Property as Column, PropertyKind};
use landcycle::store::filter::push;
use landcycle::store::reference::{self, Layer};
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::QueryBuilder;

use crate::{
    exchange::{acceptance, files_under},
    support::{Ended, Town, collection, feature, square},
};

pub const NATURAL_EARTH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/cql2/ne110m4cql2.gpkg");
pub const COUNTRIES: &str = "ne_110m_admin_0_countries";
pub const PLACES: &str = "ne_110m_populated_places_simple";
pub const RIVERS: &str = "ne_110m_rivers_lake_centerlines";

impl Town {
    pub fn layer(&self, name: &str, file: &PathBuf, flags: &[&str]) -> Ended {
        self.import("layer", std::slice::from_ref(file), &[&["--name", name], flags].concat())
    }

    async fn found(&self, name: &str) -> Option<Layer> {
        reference::find(&self.database.pool, &LayerName::parse(name).unwrap()).await.unwrap()
    }

    /// How many features of a layer a filter finds.
    async fn count(&self, layer: &Layer, filter: &str) -> Result<i64, String> {
        let mut named: Vec<Property<'_>> = layer.properties.iter().map(Column::of_filter).collect();
        named.push(Property { name: "geom", holds: Kind::Shape });
        let filter = Filter::parse(filter, &named).map_err(|error| error.to_string())?;
        let columns: Vec<String> = (0..layer.properties.len()).map(reference::column).collect();
        let mut stored: Vec<Property<'_>> = Vec::new();
        for (column, property) in columns.iter().zip(&named) {
            stored.push(Property { name: column, ..*property });
        }
        stored.push(Property { name: "geom", holds: Kind::Shape });
        let mut sql = QueryBuilder::new(format!("select count(*) from {} f where ", reference::rows(layer)));
        push(&mut sql, &filter, &stored);
        sql.build_query_scalar().fetch_one(&self.database.pool).await.map_err(|error| error.to_string())
    }
}

fn codes(ended: &Ended) -> Vec<&str> {
    ended.answer["findings"].as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap()).collect()
}

fn point(x: f64, y: f64) -> Value {
    json!({"type": "Point", "coordinates": [x, y]})
}

fn kind_of(layer: &Layer, name: &str) -> PropertyKind {
    layer.properties.iter().find(|property| property.name == name).unwrap().kind
}

/// A predicate of the standard.
#[derive(Deserialize)]
pub struct Case {
    pub collection: String,
    pub filter: String,
    count: i64,
}

impl Case {
    /// All 186 of them.
    pub fn all() -> Vec<Self> {
        let all: Vec<Self> = serde_json::from_str(include_str!("../cases/cql2/cases.json")).unwrap();
        assert_eq!(all.len(), 186);
        all
    }

    /// How many features it finds. One count is contradicted by the data: of all names only one begins so.
    pub fn right(&self) -> i64 {
        if self.filter == "ACCENTI(CASEI(name)) LIKE accenti(casei('Chiș%'))" { 1 } else { self.count }
    }
}

#[tokio::test]
async fn the_layers_of_the_standard_come_in_with_their_own_columns_and_its_predicates_find_what_it_expects() {
    let town = Town::empty().await;
    let file = PathBuf::from(NATURAL_EARTH);
    for (name, count) in [(COUNTRIES, 177), (PLACES, 243), (RIVERS, 13)] {
        let ended = town.layer(name, &file, &["--layer", name]);
        assert_eq!((ended.status, ended.tally()), (Some(0), [count, count, 0, 0]), "{ended:?}");
        assert_eq!(ended.answer["dataset"], format!("layer {name}"));
    }
    let before = town.contents().await;
    let again = town.layer(PLACES, &file, &["--layer", PLACES]);
    assert_eq!((again.status, again.tally()), (Some(0), [243, 0, 243, 0]), "{again:?}");
    assert_eq!(again.answer["unchanged_since"], 3);
    assert_eq!(town.contents().await, before, "the same file changes nothing");

    let (countries, places, rivers) =
        (town.found(COUNTRIES).await.unwrap(), town.found(PLACES).await.unwrap(), town.found(RIVERS).await.unwrap());
    assert_eq!([&countries, &places, &rivers].map(|layer| layer.geometry.name()), ["polygon", "point", "line"]);
    assert_eq!((places.features, places.revision, &places.keyed_by), (243, 3, &KeyedBy::Fid));
    assert_eq!(countries.extent.unwrap().map(f64::round), [-180.0, -90.0, 180.0, 84.0]);
    let kinds = ["name", "pop_max", "date", "start", "boolean"].map(|name| kind_of(&places, name));
    use PropertyKind::{Boolean, Date, Instant, Integer, Number, Text};
    assert_eq!(kinds, [Text, Integer, Date, Instant, Boolean]);
    assert_eq!(kind_of(&countries, "POP_EST"), Number);

    let mut wrong = Vec::new();
    for case in Case::all() {
        let layer = [&countries, &places, &rivers].into_iter().find(|layer| layer.name.as_str() == case.collection);
        let found = town.count(layer.unwrap(), &case.filter).await;
        let right = case.right();
        if found != Ok(right) {
            wrong.push(format!("{}: {right} expected, {found:?}", case.filter));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn any_name_of_a_column_is_kept_and_asked_for_as_it_stands() {
    let town = Town::empty().await;
    let long = "很".repeat(60);
    let properties = json!({
        "名称": "红线", "a b": 1, "it's": 2, "say \"x\"": 3.5, "select": true, "Name": "upper", "name": "lower",
        "back\\slash": "b", "list": [1, 2], "none": [], "document": {"a": 1}, "day": "2026-06-30",
        "moment": "2026-06-30T08:00:00+08:00", "local": "2026-06-30T08:00:00", "large": 123_456_789_012_345_678_i64,
        long.as_str(): "long",
    });
    let file = town.geojson("names", &[feature(&properties, &point(121.5, 31.2))]);
    let ended = town.layer("names", &file, &[]);
    assert_eq!((ended.status, ended.tally()), (Some(0), [1, 1, 0, 0]), "{ended:?}");
    let stored: Value = town.value("select properties from reference_feature").await;
    let mut expected = properties.clone();
    for (name, value) in [
        ("list", json!("[1,2]")),
        ("none", json!("[ ]")),
        ("document", json!("{ \"a\": 1 }")),
        ("moment", json!("2026-06-30T00:00:00Z")),
    ] {
        expected[name] = value;
    }
    assert_eq!(stored, expected);
    let layer = town.found("names").await.unwrap();
    for filter in [
        "\"名称\" = '红线'",
        "\"it's\" = 2",
        "\"say \"\"x\"\"\" > 3",
        "\"select\" = true",
        "\"Name\" = 'upper' and \"name\" = 'lower'",
        "\"back\\slash\" = 'b'",
        "\"day\" = DATE('2026-06-30')",
        "\"moment\" = TIMESTAMP('2026-06-30T00:00:00Z')",
        "\"local\" = TIMESTAMP('2026-06-30T00:00:00Z')",
        "\"large\" > 123456789012345000",
        &format!("\"{long}\" = 'long'"),
    ] {
        assert_eq!(town.count(&layer, filter).await, Ok(1), "{filter}");
        assert_eq!(town.count(&layer, &format!("not ({filter})")).await, Ok(0), "{filter}");
    }
}

fn zone(id: &str, name: &str, west: f64) -> Value {
    feature(&json!({"id": id, "name": name}), &square(west, 31.2, west + 0.01, 31.21))
}

#[tokio::test]
async fn a_later_file_replaces_what_changed_by_its_key_and_keeps_what_was_believed() {
    let town = Town::empty().await;
    let first = town.geojson("first", &[zone("a", "甲", 121.5), zone("b", "乙", 121.6), zone("c", "丙", 121.7)]);
    let ended = town.layer("red-lines", &first, &["--key", "id"]);
    assert_eq!((ended.status, ended.tally()), (Some(0), [3, 3, 0, 0]), "{ended:?}");
    let second = town.geojson("second", &[zone("a", "甲", 121.5), zone("b", "乙改", 121.6), zone("d", "丁", 121.8)]);
    let tried = town.layer("red-lines", &second, &["--key", "id", "--dry-run"]);
    assert_eq!((tried.status, tried.tally(), codes(&tried)), (Some(0), [3, 2, 1, 0], vec!["features-gone"]));
    assert_eq!(town.found("red-lines").await.unwrap().revision, 2, "a trial stores nothing");
    let ended = town.layer("red-lines", &second, &["--key", "id"]);
    assert_eq!((ended.status, ended.tally(), codes(&ended)), (Some(0), [3, 2, 1, 0], vec!["features-gone"]));
    let now: Vec<String> = town
        .values("select key || ' ' || (properties ->> 'name') from reference_feature where upper_inf(recorded) order by key")
        .await;
    assert_eq!(now, ["a 甲", "b 乙改", "d 丁"]);
    let believed: Vec<String> = town
        .values(
            "select key || ' ' || (properties ->> 'name') from reference_feature
             where recorded @> (select recorded_at from revision where id = 2) order by key",
        )
        .await;
    assert_eq!(believed, ["a 甲", "b 乙", "c 丙"]);
    let layer = town.found("red-lines").await.unwrap();
    assert_eq!((layer.features, layer.revision, layer.keyed_by), (3, 3, KeyedBy::Field("id".into())));

    // One less and nothing new is a change too.
    let less = town.geojson("less", &[zone("a", "甲", 121.5), zone("d", "丁", 121.8)]);
    let ended = town.layer("red-lines", &less, &["--key", "id"]);
    assert_eq!(
        (ended.tally(), &ended.answer["revision"], codes(&ended)),
        ([2, 0, 2, 0], &json!(4), vec!["features-gone"])
    );
    assert_eq!(town.found("red-lines").await.unwrap().features, 2);
}

#[tokio::test]
async fn features_without_a_key_are_told_apart_by_what_they_say_and_the_same_twice_is_two() {
    let town = Town::empty().await;
    let row = |name: &str| feature(&json!({"name": name}), &point(121.5, 31.2));
    let file = town.geojson("twice", &[row("a"), row("a"), row("b")]);
    assert_eq!(town.layer("twice", &file, &[]).tally(), [3, 3, 0, 0]);
    assert_eq!(town.layer("twice", &file, &[]).tally(), [3, 0, 3, 0]);
    let other = town.geojson("other", &[row("b"), row("a"), row("c")]);
    let ended = town.layer("twice", &other, &[]);
    assert_eq!((ended.tally(), codes(&ended)), ([3, 1, 2, 0], vec!["features-gone"]), "{ended:?}");
}

fn bow_tie(id: &str) -> Value {
    let ring = json!([[121.5, 31.2], [121.6, 31.3], [121.6, 31.2], [121.5, 31.3], [121.5, 31.2]]);
    feature(&json!({"id": id}), &json!({"type": "Polygon", "coordinates": [ring]}))
}

#[tokio::test]
async fn a_polygon_that_crosses_itself_is_refused_with_the_place_and_leaves_no_hole_in_what_was_there() {
    let town = Town::empty().await;
    let whole = |id: &str| feature(&json!({"id": id}), &square(121.5, 31.2, 121.6, 31.3));
    let file = town.geojson("first", &[whole("a"), whole("b")]);
    assert_eq!(town.layer("flood", &file, &["--key", "id"]).status, Some(0));
    let before = town.contents().await;
    let bad = town.geojson("bad", &[whole("a"), bow_tie("b")]);
    // By its key it is known which one was refused: that one stays as it was.
    let ended = town.layer("flood", &bad, &["--key", "id"]);
    assert_eq!((ended.status, ended.tally()), (Some(0), [2, 0, 1, 1]), "{ended:?}");
    let finding = &ended.answer["findings"][0];
    assert_eq!(
        (&finding["code"], &finding["row"], &finding["key"]),
        (&json!("geometry-self-intersection"), &json!(2), &json!("b"))
    );
    assert!(finding["facts"]["value"].as_str().unwrap().contains("121.55 31.25"), "{finding}");
    assert_eq!(town.contents().await, before);
    // By content nobody knows: nothing is taken.
    let ended = town.layer("flood", &bad, &[]);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(codes(&ended).contains(&"layer-in-part"), "{ended:?}");
    assert_eq!(town.contents().await, before);
    let strict = town.layer("flood", &bad, &["--key", "id", "--strict"]);
    assert_eq!(strict.status, Some(1));
    let mended = town.layer("flood", &bad, &["--key", "id", "--repair"]);
    assert_eq!((mended.tally(), codes(&mended)), ([2, 0, 1, 1], vec!["geometry-not-repaired"]), "{mended:?}");
    assert_eq!(town.contents().await, before);
    // A new layer takes what is whole.
    assert_eq!(town.layer("new", &bad, &[]).tally(), [2, 1, 0, 1]);
    let empty = town.file("empty.geojson", collection(&[]));
    let ended = town.layer("flood", &empty, &["--key", "id"]);
    assert_eq!((ended.status, codes(&ended).contains(&"layer-emptied")), (Some(1), true), "{ended:?}");
    assert_eq!(town.found("flood").await.unwrap().features, 2);
}

#[tokio::test]
async fn shapes_of_every_sort_are_kept_flat_and_a_row_may_have_none() {
    let town = Town::empty().await;
    let polygon = square(121.5, 31.2, 121.6, 31.3);
    let shapes = [
        json!({"type": "Point", "coordinates": [121.5, 31.2, 7.0]}),
        json!({"type": "MultiPoint", "coordinates": [[121.5, 31.2], [121.6, 31.2]]}),
        json!({"type": "LineString", "coordinates": [[121.5, 31.2], [121.6, 31.2]]}),
        json!({"type": "MultiLineString", "coordinates": [[[121.5, 31.2], [121.6, 31.2]], [[121.5, 31.3], [121.6, 31.3]]]}),
        polygon.clone(),
        json!({"type": "MultiPolygon", "coordinates": [polygon["coordinates"]]}),
        json!({"type": "GeometryCollection", "geometries": [point(121.5, 31.2), polygon]}),
        Value::Null,
        json!({"type": "LineString", "coordinates": [[121.5, 31.2], [121.5, 31.2]]}),
        json!({"type": "Point", "coordinates": [121.5, 131.2]}),
    ];
    let features: Vec<Value> = (0..).zip(&shapes).map(|(n, shape)| feature(&json!({"n": n}), shape)).collect();
    let ended = town.layer("mixed", &town.geojson("mixed", &features), &["--key", "n"]);
    assert_eq!((ended.status, ended.tally()), (Some(0), [10, 8, 0, 2]), "{ended:?}");
    assert_eq!(codes(&ended), ["geometry-off-the-globe", "z-dropped", "geometry-invalid"], "{ended:?}");
    let stored: Vec<String> =
        town.values("select coalesce(st_asgeojson(geom, 9, 0), 'null') from reference_feature order by key").await;
    let stored: Vec<Value> = stored.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    let mut flat = shapes[..8].to_vec();
    flat[0] = point(121.5, 31.2);
    assert_eq!(stored, flat);
    let srid: i32 = town.value("select min(st_srid(geom)) + max(st_srid(geom)) from reference_feature").await;
    assert_eq!(srid, 2 * 4490);
    let layer = town.found("mixed").await.unwrap();
    assert_eq!((layer.geometry.name(), layer.extent), ("mixed", Some([121.5, 31.2, 121.6, 31.3])));
}

#[tokio::test]
async fn real_files_of_bureaus_come_in_as_layers_with_their_words_and_places() {
    let Some(folder) = acceptance() else { return };
    let town = Town::empty().await;
    let file = folder.join("real/cn_shapefiles/shanghai_quxianjie_gbk/区县界_area.shp");
    let ended = town.layer("old-districts", &file, &[]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_eq!(ended.tally()[3], 0, "{ended:?}");
    let words: i64 =
        town.value("select count(*) from reference_feature where properties::text like '%浦东新区%'").await;
    assert!(words > 0);
    let file = folder.join("real/cn_shapefiles/derived_cgcs2000_gk40_gbk/无锡新吴用地.shp");
    let ended = town.layer("land-use", &file, &[]);
    assert_eq!((ended.status, ended.tally()[0]), (Some(0), 2033), "{ended:?}");
    let layer = town.found("land-use").await.unwrap();
    let [west, south, east, north] = layer.extent.unwrap();
    assert!(120.2 < west && 31.3 < south && east < 120.7 && north < 31.8, "{:?}", layer.extent);
    assert_eq!(layer.title, "无锡新吴用地");
    assert_eq!(town.layer("land-use", &file, &[]).tally()[1], 0);
}

#[tokio::test]
async fn a_name_is_checked_before_anything_is_read_and_flags_of_layers_are_for_layers() {
    let town = Town::empty().await;
    let file = town.geojson("one", &[zone("a", "甲", 121.5)]);
    for (flags, words) in [
        (&["--name", "Red Lines"][..], "lowercase"),
        (&["--name", "parcels"], "another name"),
        (&[], "--name"),
        (&["--name", "x", "--map", "bureau"], "--map"),
    ] {
        let ended = town.import("layer", std::slice::from_ref(&file), flags);
        assert_eq!(ended.status, Some(2), "{flags:?}: {ended:?}");
        assert!(ended.said.contains(words) || ended.answer.to_string().contains(words), "{flags:?}: {ended:?}");
    }
    assert_eq!(town.import("zones", std::slice::from_ref(&file), &["--name", "x"]).status, Some(2));
    let ended = town.layer("x", &file, &["--key", "nothing"]);
    assert_eq!((ended.status, codes(&ended)), (Some(1), vec!["missing-column"]));
    let ended = town.layer("x", &town.file("t.csv", "a,WKT(EPSG:4490)\n1,POINT(121 31)\n"), &[]);
    assert_eq!((ended.status, codes(&ended)), (Some(1), vec!["unknown-format"]));
    assert_eq!(town.run(&["layer", "list"]).answer, json!({"layers": []}));
}

#[tokio::test]
async fn a_layer_that_is_dropped_is_gone_from_the_list_and_kept_for_earlier_times() {
    let town = Town::empty().await;
    let file = town.geojson("one", &[zone("a", "甲", 121.5), zone("b", "乙", 121.6)]);
    assert_eq!(town.layer("metro", &file, &["--key", "id"]).status, Some(0));
    let listed = town.run(&["layer", "list"]).answer;
    assert_eq!((&listed["layers"][0]["name"], &listed["layers"][0]["features"]), (&json!("metro"), &json!(2)));
    let dropped = town.run(&["layer", "drop", "--name", "metro"]);
    assert_eq!((dropped.status, &dropped.answer["features"]), (Some(0), &json!(2)), "{dropped:?}");
    assert_eq!(town.found("metro").await, None);
    assert_eq!(town.run(&["layer", "drop", "--name", "metro"]).status, Some(1));
    assert_eq!(town.value::<i64>("select count(*) from reference_feature").await, 2);
    assert_eq!(town.layer("metro", &file, &["--key", "id"]).tally(), [2, 2, 0, 0]);
    assert_eq!(town.found("metro").await.unwrap().features, 2);
}

#[tokio::test]
async fn every_hostile_file_is_a_layer_or_refused_and_the_program_lives() {
    let Some(folder) = acceptance() else { return };
    let town = Town::empty().await;
    let mut taken = 0;
    // Tables are refused by their ending, and every file is met as something else elsewhere.
    let is_table = |file: &PathBuf| {
        let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_lowercase();
        ["csv", "csvt", "tsv", "txt", "xlsx", "md", "properties"].contains(&ending.as_str())
    };
    let files: Vec<PathBuf> = files_under(&folder.join("hostile")).into_iter().filter(|file| !is_table(file)).collect();
    assert!(files.len() > 100, "{}", files.len());
    for (index, file) in files.iter().enumerate() {
        let started = Instant::now();
        let ended = town.layer(&format!("l{index}"), file, &["--crs", "EPSG:4490"]);
        assert!(started.elapsed() < Duration::from_secs(30), "{}", file.display());
        match ended.status {
            Some(0) => taken += u64::from(ended.tally()[1] > 0),
            Some(1) => assert!(!codes(&ended).is_empty(), "{}: {ended:?}", file.display()),
            _ => panic!("{}: {ended:?}", file.display()),
        }
    }
    assert!(taken > 50, "{taken}");
    assert_eq!(town.value::<i64>("select count(*) from stage_reference_feature").await, 0);
    // Every layer that was taken can be read and asked by each of its properties.
    for layer in reference::list(&town.database.pool).await.unwrap() {
        let sql = format!("select count(*) from {} f", reference::rows(&layer));
        let count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&town.database.pool).await.unwrap();
        assert_eq!(count, layer.features, "{}", layer.source);
        for property in &layer.properties {
            let filter = format!("\"{}\" is null or not \"{0}\" is null", property.name.replace('"', "\"\""));
            assert_eq!(town.count(&layer, &filter).await, Ok(count), "{} {property:?}", layer.source);
        }
    }
}
