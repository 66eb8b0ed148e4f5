//! The HTTP face over a real connection: wire shapes held to golden files, paging, tags, problems and who may ask.
//! Knows only what goes over the wire.

use crate::scatter::{self, CELL, SIDE, SOUTH, WEST};
use crate::support::{Database, fresh_database};
use chrono::NaiveDate;
use geo::{Coord, LineString, MultiPolygon, Polygon};
use landcycle::atlas::{Atlas, Parcel, Selection, Snapshot};
use landcycle::domain::review::decision::List;
use landcycle::domain::review::grade::Grade;
use landcycle::domain::zoning::Tier;
use landcycle::http::{self, App, ServeError};
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Client, Response, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// A service on a port of its own, stopped when dropped.
struct Service {
    address: SocketAddr,
    atlas: Arc<Atlas>,
    client: Client,
    _stop: oneshot::Sender<()>,
    _database: Option<Database>,
}

impl Service {
    async fn start(snapshot: Option<Snapshot>, database: Option<Database>) -> Self {
        let atlas = Arc::new(Atlas::empty());
        if let Some(snapshot) = snapshot {
            atlas.swap(snapshot);
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let app = App { atlas: atlas.clone(), pool: pool(&database), today: Arc::new(today) };
        tokio::spawn(http::serve(listener, app, async {
            let _ = stopped.await;
        }));
        Self { address, atlas, client: Client::new(), _stop: stop, _database: database }
    }

    async fn of_scatter() -> Self {
        Self::start(Some(scatter::snapshot(42, 20)), None).await
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    async fn get(&self, path: &str) -> Response {
        self.client.get(self.url(path)).send().await.unwrap()
    }

    async fn search(&self, body: &Value) -> Response {
        self.client.post(self.url("/api/v1/parcels/search")).json(body).send().await.unwrap()
    }

    async fn found(&self, body: &Value) -> Value {
        let response = self.search(body).await;
        assert_eq!(response.status(), StatusCode::OK);
        response.json().await.unwrap()
    }
}

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 7, 1).unwrap()
}

/// The database's pool, or one to a place where nobody listens.
fn pool(database: &Option<Database>) -> landcycle::store::Pool {
    match database {
        Some(database) => database.pool.clone(),
        None => sqlx::postgres::PgPoolOptions::new().connect_lazy("postgresql://nobody@127.0.0.1:1/none").unwrap(),
    }
}

fn codes(answer: &Value) -> Vec<String> {
    let features = answer["features"].as_array().unwrap();
    features.iter().map(|feature| feature["id"].as_str().unwrap().to_owned()).collect()
}

async fn problem(response: Response, status: StatusCode) -> Value {
    assert_eq!(response.status(), status);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let problem: Value = response.json().await.unwrap();
    assert_eq!(problem["status"], status.as_u16());
    for field in ["type", "title", "detail"] {
        assert!(problem[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {problem}");
    }
    assert!(problem["findings"].is_array());
    problem
}

/// Two parcels that show every field with and without a value.
fn small_city() -> Snapshot {
    let square = |x: f64, y: f64, size: f64| Polygon::new(scatter::square(x, y, size), vec![]);
    let clockwise: LineString<f64> =
        LineString(scatter::square(121.5005, 31.2005, 0.0005).0.into_iter().rev().collect());
    let full = Parcel {
        code: "310115002004GB00011".to_owned(),
        district: "310115".to_owned(),
        park: Some("P01".to_owned()),
        tier: Tier::Base,
        locked: true,
        land_use: "M1".to_owned(),
        industry: Some("3620".to_owned()),
        holder: Some("一号厂".to_owned()),
        area_m2: 10_000.123_456,
        floor_area_m2: Some(15_000.0),
        plot_ratio_allowed: Some(2.0),
        grade: Some(Grade::B),
        score: Some(71.25),
        outcome: Some("renew".to_owned()),
        list: Some(List::Renewal),
        state: Some("operating".to_owned()),
        term_ends_on: NaiveDate::from_ymd_opt(2027, 12, 31),
        shape: MultiPolygon(vec![
            Polygon::new(
                LineString(vec![
                    Coord { x: 121.5, y: 31.2 },
                    Coord { x: 121.5, y: 31.202 },
                    Coord { x: 121.502, y: 31.202 },
                    Coord { x: 121.502, y: 31.2 },
                    Coord { x: 121.5, y: 31.2 },
                ]),
                vec![clockwise],
            ),
            square(121.510_000_04, 31.2, 0.001),
        ]),
    };
    let bare = Parcel {
        code: "310115002004GB00012".to_owned(),
        district: "310115".to_owned(),
        park: None,
        tier: Tier::Fragmented,
        locked: false,
        land_use: "W1".to_owned(),
        industry: None,
        holder: None,
        area_m2: 5_000.0,
        floor_area_m2: None,
        plot_ratio_allowed: None,
        grade: None,
        score: None,
        outcome: None,
        list: None,
        state: None,
        term_ends_on: None,
        shape: MultiPolygon(vec![square(121.503, 31.2, 0.001)]),
    };
    Snapshot::build(3, scatter::city(), vec![bare, full], scatter::areas()).unwrap()
}

#[tokio::test]
async fn the_city_and_a_search_have_the_shapes_that_clients_were_promised() {
    let service = Service::start(Some(small_city()), None).await;
    let city: Value = service.get("/api/v1/city").await.json().await.unwrap();
    insta::assert_json_snapshot!("city", city);
    let found = service.found(&json!({"bbox": [121.4, 31.1, 121.6, 31.3]})).await;
    insta::assert_json_snapshot!("search", found);
    let first = service.found(&json!({"bbox": [121.4, 31.1, 121.6, 31.3], "limit": 1})).await;
    assert_eq!(first["summary"], found["summary"], "the summary is of all, not of the page");
    let text = service.get("/tiles/parcels.json").await.text().await.unwrap();
    let text = text.replace(&service.address.to_string(), "127.0.0.1:8080");
    let mut description: Value = serde_json::from_str(&text).unwrap();
    let address = description["tiles"][0].as_str().unwrap().split_once("?v=3-").unwrap().0.to_owned();
    description["tiles"][0] = address.into();
    insta::assert_json_snapshot!("tilejson", description);
}

#[tokio::test]
async fn a_box_and_the_same_area_find_what_the_atlas_finds() {
    let service = Service::of_scatter().await;
    let (w, s, e, n) = (WEST + CELL * 2.3, SOUTH + CELL * 3.1, WEST + CELL * 7.7, SOUTH + CELL * 8.2);
    let by_box = service.found(&json!({"bbox": [w, s, e, n], "limit": 1000})).await;
    let ring = json!([[[w, s], [e, s], [e, n], [w, n], [w, s]]]);
    let by_area = service.found(&json!({"area": {"type": "Polygon", "coordinates": ring}, "limit": 1000})).await;
    assert_eq!(by_box, by_area);
    let snapshot = service.atlas.current();
    let hits = snapshot.search(&Selection::bbox(w, s, e, n).unwrap());
    let expected: Vec<_> = hits.indices().iter().map(|index| snapshot.parcel(*index).code().to_owned()).collect();
    assert!(expected.len() > 20);
    assert_eq!(codes(&by_box), expected);
    assert_eq!(by_box["summary"]["count"], expected.len());
    assert_eq!(by_box["next"], Value::Null);
}

#[tokio::test]
async fn paging_covers_everything_and_repeats_nothing() {
    let service = Service::of_scatter().await;
    let everywhere = [WEST - 1.0, SOUTH - 1.0, WEST + 1.0, SOUTH + 1.0];
    for limit in [1, 7, 100, 575, 576, 1000] {
        let mut seen = Vec::new();
        let mut after = Value::Null;
        loop {
            let answer = service.found(&json!({"bbox": everywhere, "limit": limit, "after": after})).await;
            let page = codes(&answer);
            assert!(page.len() <= limit);
            seen.extend(page);
            after = answer["next"].clone();
            if after.is_null() {
                break;
            }
            if limit == 1 && seen.len() == 20 {
                break;
            }
        }
        let distinct: BTreeSet<_> = seen.iter().collect();
        assert_eq!(distinct.len(), seen.len(), "repeated at limit {limit}");
        assert!(seen.is_sorted());
        let empty = scatter::parcels(20).iter().filter(|parcel| parcel.shape.0.is_empty()).count();
        assert!(empty > 0);
        assert_eq!(seen.len(), if limit == 1 { 20 } else { SIDE * SIDE - empty }, "at limit {limit}");
    }
    let counted = service.found(&json!({"bbox": everywhere, "limit": 0})).await;
    assert_eq!((codes(&counted).len(), &counted["next"]), (0, &Value::Null));
    assert!(counted["summary"]["count"].as_u64().unwrap() > 500);
}

#[tokio::test]
async fn a_page_token_outlives_the_parcel_that_it_names() {
    let service = Service::of_scatter().await;
    let everywhere = [WEST - 1.0, SOUTH - 1.0, WEST + 1.0, SOUTH + 1.0];
    let first = service.found(&json!({"bbox": everywhere, "limit": 10})).await;
    let last = codes(&first).pop().unwrap();
    let rest: Vec<_> = scatter::parcels(20).into_iter().filter(|parcel| parcel.code != last).collect();
    service.atlas.swap(Snapshot::build(43, scatter::city(), rest, vec![]).unwrap());
    let second = service.found(&json!({"bbox": everywhere, "limit": 10, "after": first["next"]})).await;
    assert_eq!(second["revision"], 43);
    assert!(codes(&second)[0] > last);
}

#[rstest]
#[case("", 400, "invalid-body", "cannot be read")]
#[case("[1]", 400, "invalid-body", "JSON object")]
#[case(r#"{"bbox":[0,0,1,1]"#, 400, "invalid-body", "EOF")]
#[case(r#"{"bbox":[0,0,1,1e999]}"#, 400, "invalid-body", "out of range")]
#[case(r#"{}"#, 422, "invalid-area", "neither bbox nor area")]
#[case(r#"{"bbox":[0,0,1,1],"area":{"type":"Polygon","coordinates":[]}}"#, 422, "invalid-area", "both bbox and area")]
#[case(r#"{"bbox":[0,0,1]}"#, 422, "invalid-parameter", "four numbers")]
#[case(r#"{"bbox":["0",0,1,1]}"#, 422, "invalid-parameter", "four numbers")]
#[case(r#"{"bbox":[2,0,1,1]}"#, 422, "invalid-area", "west 2 beyond east 1")]
#[case(r#"{"bbox":[0,0,1,91]}"#, 422, "invalid-area", "(1, 91)")]
#[case(
    r#"{"area":{"type":"Polygon","coordinates":[[[0,0],[2,2],[2,0],[0,2],[0,0]]]}}"#,
    422,
    "invalid-area",
    "meets itself at (1, 1)"
)]
#[case(
    r#"{"area":{"type":"Polygon","coordinates":[[[0,0],[2,2],[2,0],[0,2]]]}}"#,
    422,
    "invalid-area",
    "repeat the first"
)]
#[case(r#"{"area":{"type":"Polygon","coordinates":[[[0,0],["x",2]]]}}"#, 422, "invalid-area", "not a GeoJSON geometry")]
#[case(r#"{"area":{"type":"Point","coordinates":[0,0]}}"#, 422, "invalid-area", "is a Point")]
#[case(r#"{"area":{"type":"GeometryCollection","geometries":[]}}"#, 422, "invalid-area", "GeometryCollection")]
#[case(r#"{"area":{"type":"Polygon","coordinates":[],"crs":{}}}"#, 422, "invalid-area", "crs")]
#[case(r#"{"area":"POLYGON((0 0,1 0,1 1,0 0))"}"#, 422, "invalid-area", "not a GeoJSON geometry")]
#[case(r#"{"bbox":[0,0,1,1],"limit":1001}"#, 422, "invalid-parameter", "0 to 1000")]
#[case(r#"{"bbox":[0,0,1,1],"limit":-1}"#, 422, "invalid-parameter", "0 to 1000")]
#[case(r#"{"bbox":[0,0,1,1],"limit":1.5}"#, 422, "invalid-parameter", "0 to 1000")]
#[case(r#"{"bbox":[0,0,1,1],"after":"zz"}"#, 422, "invalid-parameter", "\"next\" of an earlier answer")]
#[case(r#"{"bbox":[0,0,1,1],"after":7}"#, 422, "invalid-parameter", "\"next\" of an earlier answer")]
#[case(r#"{"bbox":[0,0,1,1],"filter":"grade = D"}"#, 422, "invalid-filter", "character 9")]
#[case(r#"{"bbox":[0,0,1,1],"fields":"grade"}"#, 422, "invalid-parameter", "a list of names")]
#[case(r#"{"bbox":[0,0,1,1],"valid_at":"soon"}"#, 422, "invalid-parameter", "expected a day")]
#[case(r#"{"bbox":[0,0,1,1],"known_at":7}"#, 422, "invalid-parameter", "a text")]
#[case(r#"{"bbox":[0,0,1,1],"colour":"red"}"#, 422, "unknown-field", "\"colour\" is unknown")]
#[tokio::test]
async fn a_bad_body_is_refused_with_what_would_be_right(
    #[case] body: &str,
    #[case] status: u16,
    #[case] kind: &str,
    #[case] part: &str,
) {
    let service = Service::start(Some(small_city()), None).await;
    let request = service.client.post(service.url("/api/v1/parcels/search")).header("content-type", "application/json");
    let response = request.body(body.to_owned()).send().await.unwrap();
    let problem = problem(response, StatusCode::from_u16(status).unwrap()).await;
    assert_eq!(problem["type"], format!("/problems/{kind}"));
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains(part), "{detail}");
}

#[tokio::test]
async fn a_body_must_be_json_and_not_too_large() {
    let service = Service::start(Some(small_city()), None).await;
    let url = service.url("/api/v1/parcels/search");
    for said in ["text/plain", "application/x-www-form-urlencoded"] {
        let request = service.client.post(&url).header("content-type", said).body(r#"{"bbox":[0,0,1,1]}"#);
        let refused = problem(request.send().await.unwrap(), StatusCode::UNSUPPORTED_MEDIA_TYPE).await;
        assert_eq!(refused["type"], "/problems/unsupported-media-type");
    }
    let large = format!(r#"{{"bbox":[0,0,1,1],"after":"{}"}}"#, "x".repeat(8 << 20));
    let request = service.client.post(&url).header("content-type", "application/json").body(large);
    let refused = problem(request.send().await.unwrap(), StatusCode::PAYLOAD_TOO_LARGE).await;
    assert_eq!(refused["type"], "/problems/body-too-large");
}

/// A circle of so many positions, the last like the first, with seven decimals.
fn circle(positions: u32) -> String {
    let point = |number: u32| {
        let angle = std::f64::consts::TAU * f64::from(number) / f64::from(positions - 1);
        format!("[{:.7},{:.7}]", 121.5 + 0.5 * angle.cos(), 31.2 + 0.5 * angle.sin())
    };
    let ring: Vec<String> = (0..positions - 1).chain([0]).map(point).collect();
    format!(r#"{{"area":{{"type":"Polygon","coordinates":[[{}]]}},"limit":1}}"#, ring.join(","))
}

#[tokio::test]
async fn an_area_of_a_hundred_thousand_vertices_is_answered_and_one_more_is_counted() {
    let service = Service::start(Some(small_city()), None).await;
    let ask = |body: String| {
        let request = service.client.post(service.url("/api/v1/parcels/search"));
        request.header("content-type", "application/json").body(body).send()
    };
    let body = circle(100_000);
    assert!(body.len() > 2 << 20, "{}", body.len());
    let found = ask(body).await.unwrap();
    assert_eq!(found.status(), StatusCode::OK);
    assert_eq!(found.json::<Value>().await.unwrap()["summary"]["count"], 2);
    let refused = problem(ask(circle(100_001)).await.unwrap(), StatusCode::UNPROCESSABLE_ENTITY).await;
    assert_eq!(refused["findings"][0]["code"], "too-many-vertices");
    assert!(refused["detail"].as_str().unwrap().contains("100001 vertices"), "{refused}");
}

#[tokio::test]
async fn who_has_an_answer_already_is_told_so() {
    let service = Service::of_scatter().await;
    let question = json!({"bbox": [WEST, SOUTH, WEST + CELL, SOUTH + CELL]});
    let first = service.search(&question).await;
    let tag = first.headers()["etag"].clone();
    assert!(tag.to_str().unwrap().starts_with("\"42-"), "{tag:?} is strong and names the revision");
    assert_eq!(first.headers()["landcycle-revision"], "42");
    let ask = |tag: HeaderValue, body: Value| {
        service.client.post(service.url("/api/v1/parcels/search")).header("if-none-match", tag).json(&body).send()
    };
    let again = ask(tag.clone(), question.clone()).await.unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(
        (&again.headers()["etag"], &again.headers()["landcycle-revision"]),
        (&tag, &HeaderValue::from_static("42"))
    );
    let other = json!({"bbox": [WEST, SOUTH, WEST + CELL, SOUTH + CELL * 2.0]});
    assert_eq!(ask(tag.clone(), other).await.unwrap().status(), StatusCode::OK);

    for path in ["/api/v1/city", "/tiles/parcels.json", "/tiles/parcels/14/13718/6700.mvt"] {
        let first = service.get(path).await;
        assert!(first.status().is_success(), "{path}: {}", first.status());
        let known = first.headers()["etag"].to_str().unwrap().to_owned();
        let again = |value: String| service.client.get(service.url(path)).header("if-none-match", value).send();
        for value in [known.clone(), format!("W/{known}"), format!("\"other\", {known}"), "*".to_owned()] {
            assert_eq!(again(value).await.unwrap().status(), StatusCode::NOT_MODIFIED, "{path}");
        }
        service.atlas.swap(scatter::snapshot(42, 21));
        assert_ne!(again(known).await.unwrap().status(), StatusCode::NOT_MODIFIED, "{path} of another city");
        service.atlas.swap(scatter::snapshot(42, 20));
    }
    service.atlas.swap(scatter::snapshot(43, 20));
    assert_eq!(ask(tag, question).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn what_is_not_there_answers_with_a_problem() {
    let service = Service::start(Some(small_city()), None).await;
    for (path, part) in [
        ("/nothing", "/nothing"),
        ("/api/v2/city", "/api/v2/city"),
        ("/api/v1/parcels/12", "has 2 characters, expected 19 or 28"),
        ("/tiles/roads.json", "the layers are parcels, zones, districts, parks"),
        ("/tiles/roads/1/0/0.mvt", "the layers are"),
        ("/tiles/parcels/1/2/0.mvt", "no tile 1/2/0"),
        ("/tiles/parcels/23/0/0.mvt", "a zoom of 0 to 22"),
        ("/tiles/parcels/99999999999/0/0.mvt", "expected a zoom"),
        ("/tiles/parcels/1/+1/0.mvt", "no address of a tile"),
        ("/tiles/parcels/1/0/0.png", "no address of a tile"),
        ("/../Cargo.toml", "Cargo.toml"),
        ("/%2e%2e/Cargo.toml", "Cargo.toml"),
    ] {
        let problem = problem(service.get(path).await, StatusCode::NOT_FOUND).await;
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(part), "{path}: {detail}");
    }
    let response = service.client.delete(service.url("/api/v1/city")).send().await.unwrap();
    assert!(response.headers()["allow"].to_str().unwrap().contains("GET"));
    problem(response, StatusCode::METHOD_NOT_ALLOWED).await;
    let response = service.get("/api/v1/parcels/search").await;
    // The address of the search is no parcel's.
    assert!(response.status().is_client_error());
}

#[tokio::test]
async fn health_says_what_is_missing() {
    let silent = Service::start(None, None).await;
    assert_eq!(silent.get("/healthz").await.status(), StatusCode::OK);
    let problem = problem(silent.get("/readyz").await, StatusCode::SERVICE_UNAVAILABLE).await;
    let missing: Vec<_> = problem["findings"].as_array().unwrap().iter().map(|f| f["code"].as_str().unwrap()).collect();
    assert_eq!(missing, ["atlas-not-loaded", "database-silent"]);
    let ready = Service::start(Some(small_city()), Some(fresh_database().await)).await;
    let response = ready.get("/readyz").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.json::<Value>().await.unwrap()["revision"], 3);
}

/// One request as bytes, to say what no client library would.
async fn raw(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[rstest]
#[case("Host: evil.example\r\n", "421")]
#[case("Host: 127.0.0.1.evil.example:80\r\n", "421")]
#[case("Host: 192.168.0.1\r\n", "421")]
#[case("Host: localhost:9\r\nHost: evil.example\r\n", "421")]
#[case("", "4")]
#[case("Host: localhost:9\r\n", "200")]
#[case("Host: 127.0.0.1\r\n", "200")]
#[case("Host: [::1]:8080\r\n", "200")]
#[tokio::test]
async fn only_this_machine_s_own_names_are_answered(#[case] host: &str, #[case] status: &str) {
    let service = Service::start(Some(small_city()), None).await;
    let answer = raw(service.address, &format!("GET /api/v1/city HTTP/1.1\r\n{host}connection: close\r\n\r\n")).await;
    assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
}

#[tokio::test]
async fn an_address_that_others_can_reach_is_refused() {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let app = App { atlas: Arc::new(Atlas::empty()), pool: pool(&None), today: Arc::new(today) };
    let error = http::serve(listener, app, std::future::pending()).await.unwrap_err();
    assert!(matches!(error, ServeError::Exposed { .. }));
    assert!(error.to_string().contains("no accounts yet"), "{error}");
}

#[tokio::test]
async fn every_answer_bears_the_headers_that_keep_a_page_to_itself() {
    let service = Service::start(Some(small_city()), None).await;
    for path in ["/", "/api/v1/city", "/nothing", "/tiles/parcels.json"] {
        let headers: HeaderMap = service.get(path).await.headers().clone();
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'self'") && !policy.contains("http"), "{policy}");
        assert!(!headers.contains_key("access-control-allow-origin"), "{path}");
    }
}

#[tokio::test]
async fn answers_are_compressed_for_those_who_take_it() {
    let service = Service::of_scatter().await;
    let body = json!({"bbox": [WEST, SOUTH, WEST + 1.0, SOUTH + 1.0]});
    let request = service.client.post(service.url("/api/v1/parcels/search")).header("accept-encoding", "gzip");
    assert_eq!(request.json(&body).send().await.unwrap().headers()["content-encoding"], "gzip");
    let tile = "/tiles/parcels/14/13718/6700.mvt";
    let plain = service.get(tile).await;
    assert!(!plain.headers().contains_key("content-encoding"));
    let plain = plain.bytes().await.unwrap();
    let packed = service.client.get(service.url(tile)).header("accept-encoding", "br, gzip").send().await.unwrap();
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    let mut unpacked = Vec::new();
    let packed = packed.bytes().await.unwrap();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&packed[..]), &mut unpacked).unwrap();
    assert!(!plain.is_empty());
    assert_eq!(plain, unpacked);
    let named = service.get("/tiles/parcels.json").await.json::<Value>().await.unwrap();
    let version = named["tiles"][0].as_str().unwrap().split_once('?').unwrap().1.to_owned();
    let kept = |query: String| async move {
        service.get(&format!("{tile}?{query}")).await.headers()["cache-control"].to_str().unwrap().to_owned()
    };
    assert!(kept(version).await.contains("immutable"));
}

#[tokio::test]
async fn a_day_that_no_rule_reaches_is_refused_with_what_is_expected() {
    let service = Service::start(Some(small_city()), None).await;
    let code = "310115001001GB00001";
    for day in ["0001-01-01", "-262143-01-01", "+262142-12-31", "2200-01-01"] {
        let escaped = day.replace('+', "%2B");
        let asked = [
            (format!("/api/v1/parcels/{code}?valid_at={escaped}"), None),
            (format!("/api/v1/parcels/{code}/standing?valid_at={escaped}"), None),
            (format!("/api/v1/obligations?as_of={escaped}"), None),
            (format!("/api/v1/reserve?valid_at={escaped}"), None),
            (format!("/api/v1/supply?known_at={escaped}"), None),
            ("/api/v1/standing".to_owned(), Some(json!({"parcel": code, "valid_at": day}))),
            ("/api/v1/plot-ratio/verdict".to_owned(), Some(json!({"parcel": code, "to": 2.5, "on": day}))),
        ];
        for (path, body) in asked {
            let response = match body {
                None => service.get(&path).await,
                Some(body) => service.client.post(service.url(&path)).json(&body).send().await.unwrap(),
            };
            assert!(response.status().is_client_error(), "{path} {day}: {}", response.status());
        }
    }
}
