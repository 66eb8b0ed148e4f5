//! Reference layers as collections: the layers of the standard's own examples, and its predicates asked over HTTP.

use super::{Asked, href, id, items};
use crate::layers::{COUNTRIES, Case, NATURAL_EARTH, PLACES, RIVERS};
use crate::support::{Town, collection, feature};
use landcycle::domain::filter::{Filter, Kind, Property};
use landcycle::domain::reference::LayerName;
use landcycle::store::reference;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;

async fn natural_earth() -> Town {
    let town = Town::empty().await;
    for name in [COUNTRIES, PLACES, RIVERS] {
        let ended = town.layer(name, &PathBuf::from(NATURAL_EARTH), &["--layer", name]);
        assert_eq!(ended.status, Some(0), "{ended:?}");
    }
    town
}

#[tokio::test]
async fn the_predicates_of_the_standard_match_as_many_features_as_it_expects_as_text_and_as_json() {
    let town = natural_earth().await;
    let asked = Asked::of(&town);
    let mut wrong = Vec::new();
    for case in Case::all() {
        let right = case.right();
        let page = asked.items(&case.collection, &[("filter", &case.filter), ("limit", "1")]).await;
        let name = LayerName::parse(&case.collection).unwrap();
        let layer = reference::find(&town.database.pool, &name).await.unwrap().unwrap();
        let mut properties: Vec<Property<'_>> = layer.properties.iter().map(|one| one.of_filter()).collect();
        properties.push(Property { name: "geom", holds: Kind::Shape });
        let json = Filter::parse(&case.filter, &properties).unwrap().to_json(&properties).to_string();
        let same = [("filter", json.as_str()), ("filter-lang", "cql2-json"), ("limit", "1")];
        let same = asked.items(&case.collection, &same).await;
        for found in [&page["numberMatched"], &same["numberMatched"]] {
            if *found != right {
                wrong.push(format!("{}: {right} expected, {found}", case.filter));
            }
        }
        assert_eq!(page["numberReturned"], right.min(1), "{}", case.filter);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_layer_is_a_collection_with_its_own_properties_extent_and_pages() {
    let town = natural_earth().await;
    let asked = Asked::of(&town);
    let all = asked.get("/ogc/collections").await;
    let names: BTreeSet<&str> =
        all["collections"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert!([COUNTRIES, PLACES, RIVERS, "parcels"].iter().all(|name| names.contains(name)), "{names:?}");
    let countries = asked.get(&format!("/ogc/collections/{COUNTRIES}")).await;
    let extent: Vec<f64> = serde_json::from_value(countries["extent"]["spatial"]["bbox"][0].clone()).unwrap();
    assert_eq!(extent.iter().map(|degree| degree.round()).collect::<Vec<_>>(), [-180.0, -90.0, 180.0, 84.0]);
    let schema = asked.get(&format!("/ogc/collections/{PLACES}/queryables")).await;
    assert_eq!(schema["properties"]["pop_max"]["type"], "integer");
    assert_eq!(schema["properties"]["geometry"]["x-ogc-role"], "primary-geometry");

    let (mut path, mut seen) = (items(PLACES, &[("limit", "100")]), BTreeSet::new());
    loop {
        let page = asked.get(&path).await;
        assert_eq!(page["numberMatched"], 243);
        for one in page["features"].as_array().unwrap() {
            assert!(seen.insert(id(one).to_owned()), "{one}");
            assert_eq!(one["geometry"]["type"], "Point");
        }
        let Some(next) = href(&page, "next") else { break };
        path = next.strip_prefix("http://localhost:8080").unwrap().to_owned();
    }
    assert_eq!(seen.len(), 243);
    let first = seen.first().unwrap();
    let alone = asked.get(&format!("/ogc/collections/{PLACES}/items/{first}")).await;
    assert_eq!(id(&alone), first);
    assert!(alone["properties"]["name"].is_string(), "{alone}");
    let near = [("bbox", "31,121,32,122"), ("bbox-crs", "http://www.opengis.net/def/crs/EPSG/0/4326")];
    let near = asked.items(PLACES, &near).await;
    assert_eq!(near["features"][0]["properties"]["name"], "Shanghai", "{near}");
    assert_eq!(asked.items(PLACES, &[("name", "Shanghai")]).await["numberMatched"], 1);
    let page = asked.ask(&format!("/ogc/collections/{PLACES}/items?f=html"), &[]).await;
    assert!(page.text.contains("Shanghai") || page.text.contains("next"), "{}", page.text);
}

#[tokio::test]
async fn a_property_of_a_layer_may_be_called_anything_and_a_layer_that_was_dropped_is_no_collection() {
    let town = Town::empty().await;
    let properties = json!({"名称": "红线", "say \"x\"": 1.5, "geometry": "stone", "limit": 7, "it's": true});
    let shape = json!({"type": "Point", "coordinates": [121.5, 31.2]});
    let bare = feature(&json!({"名称": "无图形"}), &Value::Null);
    let file = town.file("red.geojson", collection(&[feature(&properties, &shape), bare]));
    assert_eq!(town.layer("red-lines", &file, &[]).status, Some(0));
    let asked = Asked::of(&town);
    for (filter, count) in [
        ("\"名称\" = '红线'", 1),
        ("\"say \"\"x\"\"\" > 1", 1),
        ("\"geometry\" = 'stone'", 1),
        ("S_INTERSECTS(geom, BBOX(121,31,122,32))", 1),
        ("\"limit\" IS NULL", 1),
    ] {
        let found = asked.items("red-lines", &[("filter", filter)]).await;
        assert_eq!(found["numberMatched"], count, "{filter}");
    }
    // What has no shape is in every box.
    assert_eq!(asked.items("red-lines", &[("bbox", "0,0,1,1")]).await["numberMatched"], 1);
    let refused = asked.refusal(&items("red-lines", &[("filter", "nothing = 1")])).await;
    assert_eq!(refused["findings"][0]["code"], "invalid-filter");
    assert_eq!(town.run(&["layer", "drop", "--name", "red-lines"]).status, Some(0));
    assert_eq!(asked.ask("/ogc/collections/red-lines/items", &[]).await.status, 404);
}
