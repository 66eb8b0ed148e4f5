//! OGC API - Features: collections, pages, boxes, days, filters and coordinates, asked of a small register.

mod clients;
mod layers;

use crate::odd;
use crate::scatter;
use crate::support::{Town, feature, lot, parcel, parcel_code, square};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use chrono::NaiveDate;
use gdal::spatial_ref::{CoordTransform, SpatialRef};
use http_body_util::BodyExt as _;
use landcycle::atlas::Atlas;
use landcycle::domain::collection::{SYSTEMS, built_in};
use landcycle::http::{App, router};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use tower::ServiceExt as _;

pub fn app(town: &Town) -> App {
    let today = || NaiveDate::from_ymd_opt(2026, 6, 30).unwrap();
    let atlas = Arc::new(Atlas::empty());
    atlas.swap(scatter::snapshot(42, 20));
    App { atlas, pool: town.database.pool.clone(), today: Arc::new(today) }
}

struct Asked(Router);

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Asked {
    fn of(town: &Town) -> Self {
        Self(router(app(town)))
    }

    async fn ask(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::get(path).header("host", "localhost:8080");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = self.0.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (head, body) = answer.into_parts();
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Answer { status: head.status, headers: head.headers, text }
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.ask(path, &[]).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        serde_json::from_str(&answer.text).unwrap()
    }

    async fn items(&self, collection: &str, parameters: &[(&str, &str)]) -> Value {
        self.get(&items(collection, parameters)).await
    }

    /// The codes of what fits.
    async fn found(&self, collection: &str, parameters: &[(&str, &str)]) -> Vec<String> {
        let page = self.items(collection, parameters).await;
        let codes: Vec<String> = page["features"].as_array().unwrap().iter().map(|one| id(one).to_owned()).collect();
        assert_eq!(page["numberReturned"], codes.len());
        codes
    }

    async fn refusal(&self, path: &str) -> Value {
        let answer = self.ask(path, &[]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}: {}", answer.text);
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        serde_json::from_str(&answer.text).unwrap()
    }
}

fn items(collection: &str, parameters: &[(&str, &str)]) -> String {
    let mut query = String::new();
    for (name, value) in parameters {
        let value: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
        query.push_str(&format!("{}{name}={value}", if query.is_empty() { "?" } else { "&" }));
    }
    format!("/ogc/collections/{collection}/items{query}")
}

fn id(feature: &Value) -> &str {
    feature["id"].as_str().unwrap()
}

fn href<'a>(document: &'a Value, rel: &str) -> Option<&'a str> {
    document["links"].as_array().unwrap().iter().find(|link| link["rel"] == rel)?["href"].as_str()
}

fn zone(code: &str, tier: &str, from: &str, land: &Value) -> Value {
    feature(
        &json!({"zone_code": code, "name": format!("<{code}>"), "tier": tier, "locked": false, "valid_from": from}),
        land,
    )
}

/// A district with three parcels in a row, a contract, two zones, a park, buildings with and without a shape, and a review.
pub async fn town() -> Town {
    let town = Town::settled().await;
    let zones = [
        zone("Z1", "base", "2020-01-01", &square(121.5005, 31.0995, 121.502_95, 31.1015)),
        zone("Z2", "community", "2024-01-01", &square(121.502_95, 31.0995, 121.5045, 31.1015)),
    ];
    town.takes("zones", &town.geojson("zones", &zones));
    let park = json!({"park_code": "P1", "name": "一园", "district": "310115", "leading_industries": "C39;C27"});
    town.takes("parks", &town.geojson("parks", &[feature(&park, &square(121.49, 31.09, 121.51, 31.11))]));
    let building = |code: &str, land: &Value| {
        feature(
            &json!({"building_code": code, "parcel_code": parcel_code(1), "storeys": 2, "floor_area_m2": 1000.5}),
            land,
        )
    };
    let buildings = [building("B1", &square(121.5011, 31.1001, 121.5013, 31.1003)), building("B2", &Value::Null)];
    town.takes("buildings", &town.geojson("buildings", &buildings));
    let run = town.run(&["review", "run", "--as-of", "2026-06-30"]);
    assert_eq!(run.status, Some(0), "{run:?}");
    town
}

#[tokio::test]
async fn every_collection_is_found_from_the_landing_page_and_answers_on_any_day_in_an_empty_register_too() {
    for town in [Town::empty().await, town().await] {
        let asked = Asked::of(&town);
        let landing = asked.get("/ogc").await;
        for rel in ["self", "alternate", "service-desc", "service-doc", "conformance", "data"] {
            assert!(href(&landing, rel).is_some_and(|href| href.starts_with("http://localhost:8080/ogc")), "{rel}");
        }
        let listed = asked.get("/ogc/collections").await;
        let listed = listed["collections"].as_array().unwrap();
        assert_eq!(listed.len(), built_in().len());
        for one in listed {
            let id = one["id"].as_str().unwrap();
            let alone = asked.get(&format!("/ogc/collections/{id}")).await;
            assert_eq!((&alone["title"], &alone["storageCrs"]), (&one["title"], &one["storageCrs"]));
            assert!(one["crs"].as_array().unwrap().contains(&one["storageCrs"]), "{id}");
            for days in ["2026-06-30", "2020-01-01/2026-12-31", "../2019-01-01", "2019-01-01/..", "../.."] {
                let page = asked.items(id, &[("datetime", days)]).await;
                assert_eq!(page["numberMatched"], page["numberReturned"], "{id} {days}");
            }
            let queryables = asked.get(&format!("/ogc/collections/{id}/queryables")).await;
            let names: Vec<&String> = queryables["properties"].as_object().unwrap().keys().collect();
            // Each property can be asked for, and its name is that of a property of the features.
            for name in &names {
                asked.items(id, &[("filter", &format!("\"{name}\" IS NULL"))]).await;
            }
            for feature in asked.items(id, &[]).await["features"].as_array().unwrap() {
                let own: BTreeSet<&String> = feature["properties"].as_object().unwrap().keys().collect();
                let known: BTreeSet<&String> = names.iter().copied().filter(|name| *name != "geometry").collect();
                assert_eq!(own, known, "{id}");
            }
        }
    }
}

#[tokio::test]
async fn a_feature_holds_what_the_register_holds_and_is_found_by_its_code() {
    let town = town().await;
    let asked = Asked::of(&town);
    let page = asked.items("parcels", &[]).await;
    assert_eq!((&page["numberMatched"], &page["numberReturned"]), (&json!(3), &json!(3)));
    let one = &page["features"][0];
    let expected = json!({"parcel_code": parcel_code(1), "district": "310115", "land_use": "M1", "tier": "base",
        "locked": false, "zone": "Z1", "contract_number": "H1", "term_end": "2035-01-01"});
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&one["properties"][name], value, "{name}");
    }
    assert_eq!(one["properties"]["floor_area_m2"], 2001.0);
    let alone = asked.get(&format!("/ogc/collections/parcels/items/{}", parcel_code(1))).await;
    for part in ["type", "id", "geometry", "properties"] {
        assert_eq!(alone[part], one[part], "{part}");
    }
    assert!(href(&alone, "collection").is_some());
    let park = asked.get("/ogc/collections/parks/items/P1").await;
    assert_eq!(park["properties"]["leading_industries"], json!(["39", "27"]));
    let contract = asked.get("/ogc/collections/contracts/items/H1").await;
    assert_eq!(contract["geometry"]["type"], "MultiPolygon");
    for missing in ["/ogc/collections/zones/items/Z9", "/ogc/collections/none", "/ogc/collections/none/items"] {
        assert_eq!(asked.ask(missing, &[]).await.status, StatusCode::NOT_FOUND, "{missing}");
    }
    // The lists are those of the newest review; nothing of this register is to exit.
    let lists: i64 = asked.items("exit-candidates", &[]).await["numberMatched"].as_i64().unwrap();
    assert_eq!(lists, 0);
}

#[tokio::test]
async fn pages_follow_one_another_without_gap_or_repetition() {
    let town = Town::settled().await;
    let more: Vec<Value> = (4..=25).map(parcel).collect();
    town.takes("parcels", &town.geojson("more", &more));
    let asked = Asked::of(&town);
    let mut seen = Vec::new();
    let mut next = Some("/ogc/collections/parcels/items?limit=4&land_use=M1&f=json".to_owned());
    while let Some(path) = next {
        let page = asked.get(&path).await;
        assert_eq!(page["numberMatched"], 25);
        seen.extend(page["features"].as_array().unwrap().iter().map(|one| id(one).to_owned()));
        next = href(&page, "next").map(|href| href.strip_prefix("http://localhost:8080").unwrap().to_owned());
    }
    assert_eq!(seen, (1..=25).map(parcel_code).collect::<Vec<_>>());
    // A page that ends the answer says nothing of another, and a limit beyond the greatest is the greatest.
    for limit in ["25", "10001", "99999999999999999999"] {
        assert_eq!(href(&asked.items("parcels", &[("limit", limit)]).await, "next"), None);
    }
}

#[tokio::test]
async fn a_box_finds_what_it_touches_in_any_coordinates_and_axis_order() {
    let town = town().await;
    let asked = Asked::of(&town);
    // Around the first parcel and over the western edge of the second.
    let corners = [[121.5008, 31.0998], [121.5021, 31.101]];
    let first_two = vec![parcel_code(1), parcel_code(2)];
    for system in SYSTEMS {
        let mut words = Vec::new();
        for [lon, lat] in corners {
            let [x, y] = turned(lon, lat, system.epsg);
            words.extend(if system.north_first { [y, x] } else { [x, y] });
        }
        // A metre more where edges bend.
        if system.epsg != 4490 {
            words.iter_mut().take(2).for_each(|low| *low -= 1.0);
            words.iter_mut().skip(2).for_each(|high| *high += 1.0);
        }
        let bbox: Vec<String> = words.iter().map(f64::to_string).collect();
        let found = asked.found("parcels", &[("bbox", &bbox.join(",")), ("bbox-crs", system.uri)]).await;
        assert_eq!(found, first_two, "{}", system.uri);
    }
    assert_eq!(asked.found("parcels", &[("bbox", "121.5008,31.0998,0,121.5021,31.101,9")]).await, first_two);
    // Around the back of the world, and what has no place is in every box.
    assert_eq!(asked.found("parcels", &[("bbox", "170,-90,-170,90")]).await, Vec::<String>::new());
    assert_eq!(asked.found("buildings", &[("bbox", "170,-90,-170,90")]).await, ["B2"]);
    for wrong in ["1,2,3", "a,b,c,d", "1,2,3,NaN", "1,5,2,4", "", "1,2,3,4,5"] {
        let problem = asked.refusal(&items("parcels", &[("bbox", wrong)])).await;
        assert_eq!(problem["findings"][0]["field"], "bbox", "{wrong}: {problem}");
    }
}

/// Where a place lies in another system, easting or longitude first.
fn turned(lon: f64, lat: f64, epsg: u32) -> [f64; 2] {
    let system = |epsg| {
        let mut system = SpatialRef::from_epsg(epsg).unwrap();
        system.set_axis_mapping_strategy(gdal::spatial_ref::AxisMappingStrategy::TraditionalGisOrder);
        system
    };
    let (mut xs, mut ys) = ([lon], [lat]);
    CoordTransform::new(&system(4490), &system(epsg)).unwrap().transform_coords(&mut xs, &mut ys, &mut []).unwrap();
    [xs[0], ys[0]]
}

#[tokio::test]
async fn shapes_come_in_the_coordinates_asked_for_with_the_axes_of_their_system() {
    let town = town().await;
    let asked = Asked::of(&town);
    for system in SYSTEMS {
        let answer = asked.ask(&items("parcels", &[("crs", system.uri), ("limit", "1")]), &[]).await;
        assert_eq!(answer.headers["content-crs"], format!("<{}>", system.uri));
        let page: Value = serde_json::from_str(&answer.text).unwrap();
        let land = &page["features"][0]["geometry"]["coordinates"][0][0];
        let corners: Vec<[f64; 2]> = serde_json::from_value(land.clone()).unwrap();
        let [x, y] = turned(121.501, 31.1, system.epsg);
        let corner = if system.north_first { [y, x] } else { [x, y] };
        let near = if system.is_in_degrees() { 1e-8 } else { 0.001 };
        let is_there = corners.iter().any(|one| (one[0] - corner[0]).abs() < near && (one[1] - corner[1]).abs() < near);
        assert!(is_there, "{}: {corner:?} in {corners:?}", system.uri);
        // The order of axes is the one that the register of systems has.
        if let Ok(code) = system.uri.rsplit('/').next().unwrap().parse::<u32>() {
            let known = SpatialRef::from_epsg(code).unwrap();
            let first =
                known.axis_name(if system.is_in_degrees() { "GEOGCS" } else { "PROJCS" }, 0).unwrap().to_lowercase();
            assert_eq!(first.contains("lat") || first.contains("north"), system.north_first, "{code}: {first}");
        }
        let alone = items("parcels", &[]) + "/" + &parcel_code(1) + "?crs=" + system.uri;
        assert_eq!(asked.get(&alone).await["geometry"], page["features"][0]["geometry"]);
    }
    // Longitude and latitude turn as GeoJSON has it: shells against the clock.
    let page = asked.items("parcels", &[("limit", "1")]).await;
    let shell: Vec<[f64; 2]> =
        serde_json::from_value(page["features"][0]["geometry"]["coordinates"][0][0].clone()).unwrap();
    let twice: f64 = shell.windows(2).map(|pair| pair[0][0] * pair[1][1] - pair[1][0] * pair[0][1]).sum();
    assert!(twice > 0.0);
    for name in ["crs", "bbox-crs", "filter-crs"] {
        let problem = asked.refusal(&items("parcels", &[(name, "http://www.opengis.net/def/crs/EPSG/0/2437")])).await;
        assert_eq!(problem["findings"][0]["field"], name);
    }
}

#[tokio::test]
async fn a_day_shows_the_law_of_that_day_and_a_stretch_what_was_law_last_in_it() {
    let town = town().await;
    // From 2025 on the base is a community.
    let changed = zone("Z1", "community", "2025-01-01", &square(121.5005, 31.0995, 121.502_95, 31.1015));
    town.takes("zones", &town.geojson("changed", &[changed]));
    let asked = Asked::of(&town);
    let tiers = async |datetime: &str| -> Vec<(String, String)> {
        let page = asked.items("zones", &[("datetime", datetime)]).await;
        let features = page["features"].as_array().unwrap().clone();
        features
            .iter()
            .map(|one| (id(one).to_owned(), one["properties"]["tier"].as_str().unwrap().to_owned()))
            .collect()
    };
    let pairs = |all: &[(&str, &str)]| -> Vec<(String, String)> {
        all.iter().map(|(code, tier)| ((*code).to_owned(), (*tier).to_owned())).collect()
    };
    let now = pairs(&[("Z1", "community"), ("Z2", "community")]);
    assert_eq!(tiers("2019-12-31").await, pairs(&[]));
    assert_eq!(tiers("2023-06-30").await, pairs(&[("Z1", "base")]));
    assert_eq!(tiers("2024-12-31T15:59:59Z").await, pairs(&[("Z1", "base"), ("Z2", "community")]));
    assert_eq!(tiers("2024-12-31T16:00:00Z").await, now);
    assert_eq!(tiers("../2023-06-30").await, pairs(&[("Z1", "base")]));
    assert_eq!(tiers("2020-01-01/2025-06-30").await, now);
    assert_eq!(tiers("2026-01-01/..").await, now);
    assert_eq!(asked.found("zones", &[]).await, ["Z1", "Z2"]);
    // Tiers of parcels are those of the law of the day.
    let tier = async |datetime: &str| {
        asked.items("parcels", &[("datetime", datetime), ("limit", "1")]).await["features"][0]["properties"]["tier"]
            .clone()
    };
    assert_eq!(tier("2026-06-30").await, "community");
    for wrong in ["2026-02-30", "now", "2026-06-30/2026-06-29", "", "2026-06-30/2026-07-01/2026-07-02"] {
        let problem = asked.refusal(&items("zones", &[("datetime", wrong)])).await;
        assert_eq!(problem["findings"][0]["field"], "datetime", "{wrong}");
    }
}

#[tokio::test]
async fn a_filter_is_taken_as_text_and_as_json_with_shapes_in_any_coordinates_and_values_as_parameters() {
    let town = town().await;
    let asked = Asked::of(&town);
    let text = [("filter", "tier = 'base' AND area_mu > 10")];
    assert_eq!(asked.found("parcels", &text).await, asked.found("parcels", &[("tier", "base")]).await);
    let json = json!({"op": "=", "args": [{"property": "zone_code"}, "Z2"]}).to_string();
    assert_eq!(asked.found("zones", &[("filter", &json), ("filter-lang", "cql2-json")]).await, ["Z2"]);
    // The middle of the second parcel.
    for system in SYSTEMS {
        let [x, y] = turned(121.5024, 31.1004, system.epsg);
        let (a, b) = if system.north_first { (y, x) } else { (x, y) };
        let filter = format!("S_CONTAINS(geometry, POINT({a} {b}))");
        let found = asked.found("parcels", &[("filter", &filter), ("filter-crs", system.uri)]).await;
        assert_eq!(found, [parcel_code(2)], "{}", system.uri);
    }
    assert_eq!(asked.found("parks", &[("filter", "A_CONTAINS(leading_industries, ('27'))")]).await, ["P1"]);
    assert_eq!(asked.found("parks", &[("leading_industries", "39")]).await, ["P1"]);
    assert_eq!(asked.found("zones", &[("locked", "false"), ("valid_from", "2024-01-01")]).await, ["Z2"]);
    assert_eq!(asked.found("buildings", &[("storeys", "2"), ("building_code", "B2")]).await, ["B2"]);
    for (parameters, field) in [
        (&[("filter", "tier = 3")][..], "filter"),
        (&[("filter", "nothing = 3")], "filter"),
        (&[("filter", "{"), ("filter-lang", "cql2-json")], "filter"),
        (&[("filter", "true"), ("filter-lang", "ecql")], "filter-lang"),
        (&[("locked", "perhaps")], "locked"),
        (&[("area_m2", "much")], "area_m2"),
        (&[("valid_from", "2024-02-30")], "valid_from"),
        (&[("limit", "0")], "limit"),
        (&[("limit", "many")], "limit"),
        (&[("offset", "10")], "query"),
        (&[("f", "xml")], "f"),
        (&[("tier", "base"), ("tier", "base")], "tier"),
        (&[("filter", "S_INTERSECTS(geometry, POINT(1e300 1e300))"), ("filter-crs", SYSTEMS[3].uri)], "filter"),
    ] {
        let problem = asked.refusal(&items("zones", parameters)).await;
        assert_eq!(problem["type"], "/problems/invalid-query");
        assert_eq!(problem["findings"][0]["field"], field, "{parameters:?}: {problem}");
        assert!(problem["findings"][0]["expected"].as_str().is_some_and(|words| !words.is_empty()), "{problem}");
    }
}

#[tokio::test]
async fn an_answer_is_known_by_its_tag_until_the_register_changes() {
    let town = town().await;
    let asked = Asked::of(&town);
    let path = items("zones", &[("limit", "1")]);
    let first = asked.ask(&path, &[]).await;
    let tag = first.headers["etag"].to_str().unwrap().to_owned();
    let revision: i64 = first.headers["landcycle-revision"].to_str().unwrap().parse().unwrap();
    assert_eq!(revision, town.value::<i64>("select max(id) from revision").await);
    let again = asked.ask(&path, &[("if-none-match", &tag)]).await;
    assert_eq!((again.status, again.text.as_str()), (StatusCode::NOT_MODIFIED, ""));
    let other_form = asked.ask(&path, &[("if-none-match", &tag), ("accept", "text/html")]).await;
    assert_eq!(other_form.status, StatusCode::OK);
    let other_page = asked.ask(&items("zones", &[("limit", "2")]), &[("if-none-match", &tag)]).await;
    assert_eq!(other_page.status, StatusCode::OK);
    town.takes(
        "parcels",
        &town.geojson("fourth", &[feature(&json!({"parcel_code": parcel_code(4), "land_use": "M1"}), &lot(4))]),
    );
    assert_eq!(asked.ask(&path, &[("if-none-match", &tag)]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn number_and_page_are_of_one_moment_while_others_write() {
    use landcycle::domain::collection::Crs;
    use landcycle::flow::collection::{Question, items};
    use landcycle::store::collection::{Cut, Held};
    let town = Town::settled().await;
    let mut held = Held::hold(&town.database.pool).await.unwrap();
    town.takes("parcels", &town.geojson("fourth", &[parcel(4)]));
    let parcels = built_in().iter().find(|one| one.id == "parcels").unwrap();
    let question = Question { days: None, bbox: None, filter: None, equal: Vec::new() };
    let today = NaiveDate::from_ymd_opt(2026, 6, 30).unwrap();
    let cut = Cut { after: None, most: 10, crs: Crs::usual() };
    let page = items(&mut held, parcels, &question, today, cut).await.unwrap();
    assert_eq!((page.matched, page.features.len()), (3, 3));
    drop(held);
    let mut held = Held::hold(&town.database.pool).await.unwrap();
    assert_eq!(items(&mut held, parcels, &question, today, cut).await.unwrap().matched, 4);
}

#[tokio::test]
async fn pages_for_people_are_plain_escaped_and_ask_nothing_of_others() {
    let town = town().await;
    let asked = Asked::of(&town);
    let mut paths = vec!["/ogc".to_owned(), "/ogc/conformance".into(), "/ogc/api".into(), "/ogc/collections".into()];
    for rest in ["", "/items", "/items/Z1", "/queryables", "/schema"] {
        paths.push(format!("/ogc/collections/zones{rest}"));
    }
    for path in paths {
        let page = asked.ask(&path, &[("accept", "text/html,application/xhtml+xml,*/*;q=0.8")]).await;
        assert_eq!(
            (page.status, &page.headers["content-type"]),
            (StatusCode::OK, &"text/html; charset=utf-8".parse().unwrap())
        );
        assert!(page.headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'self'"), "{path}");
        assert!(!page.text.contains("<script") && !page.text.contains("src="), "{path}");
        assert!(!page.text.contains("<Z1>"), "{path}");
        let same = asked.ask(&format!("{path}?f=html"), &[]).await;
        assert_eq!(same.headers["content-type"], "text/html; charset=utf-8");
        let json = asked.ask(&path, &[("accept", "application/json, text/html")]).await;
        assert!(serde_json::from_str::<Value>(&json.text).is_ok(), "{path}");
    }
    let page = asked.ask("/ogc/collections/zones/items?f=html", &[]).await;
    assert!(page.text.contains("&lt;Z1&gt;"), "{}", page.text);
}

#[tokio::test]
async fn the_description_of_the_service_has_every_route_with_the_parameters_and_fields_that_it_takes() {
    let town = Town::empty().await;
    let asked = Asked::of(&town);
    let document = asked.get("/openapi.json").await;
    let mut left: BTreeSet<&String> = document["paths"].as_object().unwrap().keys().collect();
    left.retain(|path| !path.starts_with("/ogc"));
    for (path, parameters) in odd::READ.iter().filter(|(path, _)| !path.starts_with("/ogc")) {
        let said = document["paths"][*path]["get"]["parameters"].as_array().unwrap_or_else(|| panic!("{path}"));
        let said = said.iter().filter(|one| one["in"] == "query").map(|one| one["name"].as_str().unwrap());
        assert_eq!(said.collect::<BTreeSet<_>>(), parameters.iter().copied().collect(), "{path}");
        left.remove(&(*path).to_owned());
    }
    for (path, bodies) in odd::asked() {
        let question = &document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"];
        for name in bodies.iter().flat_map(|body| body.as_object().unwrap().keys()) {
            // What a route refuses by name is in the table too.
            assert!(
                ["to", "after"].contains(&name.as_str()) || question["properties"][name].is_object(),
                "{path} {name}"
            );
        }
        left.remove(&path.to_owned());
    }
    assert_eq!(left, BTreeSet::new());
    let page = asked.ask("/docs", &[]).await;
    assert!(page.text.contains("/api/v1/parcels/{code}"), "{}", page.text);
}

#[tokio::test]
async fn every_path_of_the_description_answers_and_every_reference_in_it_leads_somewhere() {
    let town = town().await;
    let asked = Asked::of(&town);
    let document = asked.get("/ogc/api").await;
    assert_eq!(document["openapi"], "3.0.3");
    let mut ids = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        assert!(ids.insert(methods["get"]["operationId"].as_str().unwrap()), "{path}");
        if !path.contains('{') {
            asked.get(path).await;
        }
    }
    let text = document.to_string();
    for rest in text.split("\"$ref\":\"#").skip(1) {
        let pointer = rest.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
}
