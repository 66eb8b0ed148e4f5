//! Addresses and bodies that nobody sends by accident: every route of the service, every parameter and field of it, with
//! bytes that are no text, texts without end and numbers without sense. It answers with a problem, never with a fault.

use crate::scatter;
use crate::support::{Town, parcel_code};
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use chrono::NaiveDate;
use http_body_util::BodyExt as _;
use landcycle::atlas::Atlas;
use landcycle::http::{App, router};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use tower::ServiceExt as _;

/// Every route with the parameters that it takes. What stands in braces is filled with odd words.
pub const READ: &[(&str, &[&str])] = &[
    ("/healthz", &[]),
    ("/readyz", &[]),
    ("/openapi.json", &[]),
    ("/docs", &[]),
    ("/api/v1/city", &[]),
    ("/api/v1/parcels/at", &["lon", "lat", "min_revision"]),
    ("/api/v1/parcels/nearest", &["lon", "lat", "limit", "metres", "min_revision"]),
    ("/api/v1/parcels/{code}", &["valid_at", "known_at"]),
    ("/api/v1/obligations", &["within", "body", "as_of", "limit"]),
    ("/api/v1/plot-ratio", &["by", "district", "limit", "after"]),
    ("/api/v1/plot-ratio/procedures", &["district", "limit", "after"]),
    ("/api/v1/parcels/{code}/lineage", &[]),
    ("/api/v1/parcels/{code}/standing", &["valid_at", "known_at", "f"]),
    ("/api/v1/parcels/{code}/standing.svg", &["valid_at", "known_at"]),
    ("/api/v1/land-account", &["year", "by"]),
    ("/api/v1/supply", &["year", "district", "known_at", "limit", "after"]),
    ("/api/v1/reserve", &["park", "valid_at", "known_at", "limit", "after"]),
    ("/api/v1/reviews", &["after", "limit"]),
    ("/api/v1/reviews/{run}", &[]),
    ("/api/v1/reviews/{run}/results", &["grade", "list", "after", "limit"]),
    ("/api/v1/reviews/{run}/results/{parcel}", &[]),
    ("/api/v1/reviews/{run}/diff", &["with"]),
    ("/api/v1/reviews/{run}/objections", &["after", "limit"]),
    ("/api/v1/reviews/{run}/clusters", &["list", "within_m", "min_area_m2", "after", "limit"]),
    ("/api/v1/reviews/{run}/sheets/{parcel}", &[]),
    ("/api/v1/reviews/{run}/left-out", &["reason", "after", "limit"]),
    ("/api/v1/reviews/due", &["as_of", "within", "body", "district", "scheme", "unknown", "limit", "after"]),
    ("/api/v1/parks", &["after", "limit"]),
    ("/api/v1/parks/{code}", &[]),
    ("/api/v1/parks/evaluations", &["after", "limit"]),
    ("/api/v1/parks/evaluations/{evaluation}", &[]),
    ("/api/v1/parks/evaluations/{evaluation}/results/{park}", &[]),
    ("/api/v1/approvals", &["limit", "after"]),
    ("/ogc", &["f"]),
    ("/ogc/conformance", &["f"]),
    ("/ogc/api", &["f"]),
    ("/ogc/collections", &["f"]),
    ("/ogc/collections/{collection}", &["f"]),
    ("/ogc/collections/{collection}/queryables", &["f"]),
    ("/ogc/collections/{collection}/schema", &["f"]),
    (
        "/ogc/collections/{collection}/items",
        &[
            "f",
            "limit",
            "after",
            "bbox",
            "bbox-crs",
            "crs",
            "datetime",
            "filter",
            "filter-lang",
            "filter-crs",
            // Those of the zones, with which the braces are filled.
            "zone_code",
            "name",
            "tier",
            "locked",
            "document",
            "decided_on",
            "valid_from",
            "valid_to",
            "area_m2",
            "area_mu",
        ],
    ),
    ("/ogc/collections/{collection}/items/{feature}", &["f", "crs"]),
    ("/tiles/{file}", &[]),
    ("/tiles/{layer}/{z}/{x}/{file}", &[]),
    ("/", &[]),
];

/// Every route that takes a body, with one that it answers.
pub fn asked() -> Vec<(&'static str, Vec<Value>)> {
    let code = parcel_code(1);
    let moment = json!({"valid_at": "2026-06-30", "known_at": "2026-06-30"});
    let with = |mut one: Value, other: &Value| {
        for (name, value) in other.as_object().unwrap() {
            one[name] = value.clone();
        }
        one
    };
    vec![
        (
            "/api/v1/parcels/search",
            vec![
                with(json!({"bbox": [121.4, 31.0, 121.6, 31.2], "limit": 10, "after": "x", "filter": "TRUE"}), &moment),
                json!({"circle": {"point": [121.5, 31.1], "metres": 100}, "relation": "within", "sort": "-area_mu",
                    "fields": ["grade"]}),
                json!({"within": {"district": "310115"}, "relation": {"share": 0.5}, "min_revision": 1}),
            ],
        ),
        ("/api/v1/plot-ratio/verdict", vec![json!({"parcel": code, "to": 2.5, "on": "2026-06-30"})]),
        ("/api/v1/standing", vec![with(json!({"parcel": code}), &moment), with(json!({"at": [121.5, 31.1]}), &moment)]),
        (
            "/api/v1/entry-check",
            vec![json!({"parcel": code, "industry": "C3973", "tax_wan_yuan_per_mu": 1, "output_wan_yuan_per_mu": 1,
                "investment_wan_yuan_per_mu": 1, "on": "2026-06-30"})],
        ),
        (
            "/api/v1/reviews/simulate",
            vec![json!({"run": 1, "set": {"exit-share": 0.1}, "scheme": "x", "decisions": "x", "district": "310115"})],
        ),
        (
            "/api/v1/verdict",
            vec![json!({"deed": "change-of-use", "parcel": code, "use": "R2", "from_use": "M1",
                "land_use_scheme": "GB50137-SH", "on": "2026-06-30", "to": {"type": "Point", "coordinates": [0, 0]}})],
        ),
    ]
}

/// Words that are text, of no use.
const ODD: &[&str] = &[
    "-1",
    "-99999999999999999999",
    "99999999999999999999",
    "9223372036854775807",
    "-9223372036854775808",
    "4294967295",
    "2147483648",
    "-2147483649",
    "1e400",
    "-1e308",
    "NaN",
    "inf",
    "-0.0",
    "0",
    "0001",
    "262143-12-31",
    "9999-99-99",
    "-0001-01-01",
    "'%22%3B--",
    "%5C",
    "%25",
    "%F0%9F%92%A9",
    "%EF%BF%BF",
    "%0A%1B",
    "%2F..%2F",
    "",
];
/// Words that are no text.
const NO_TEXT: &[&str] = &["%00", "310115%00", "%FF", "%E4%B8", "%C0%80"];

async fn service(town: &Town) -> Router {
    let today = || NaiveDate::from_ymd_opt(2026, 6, 30).unwrap();
    let atlas = Arc::new(Atlas::empty());
    atlas.swap(scatter::snapshot(42, 20));
    router(App { atlas, pool: town.database.pool.clone(), today: Arc::new(today) })
}

/// A register in which the routes find something: a parcel, a contract, a run.
async fn town() -> Town {
    let town = Town::settled().await;
    let run = town.run(&["review", "run", "--as-of", "2026-06-30"]);
    assert_eq!(run.status, Some(0), "{run:?}");
    town
}

/// Asks, and holds the answer to be none of our faults: a success, or a problem that says what to do. Answers the status.
async fn holds(service: &Router, method: &Method, path: &str, body: Option<&[u8]>) -> StatusCode {
    let shown: String = path.chars().take(120).collect();
    let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
    if body.is_some() {
        request = request.header("content-type", "application/json");
    }
    let body = body.map_or_else(Body::empty, |bytes| Body::from(bytes.to_vec()));
    let (head, answer) = service.clone().oneshot(request.body(body).unwrap()).await.unwrap().into_parts();
    let answer = answer.collect().await.unwrap().to_bytes();
    assert!(!head.status.is_server_error(), "{method} {shown}: {} {answer:?}", head.status);
    if head.status.is_client_error() {
        let kind = head.headers["content-type"].to_str().unwrap();
        assert_eq!(kind, "application/problem+json", "{method} {shown}: {} {answer:?}", head.status);
        let problem: Value = serde_json::from_slice(&answer).unwrap();
        assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{shown}: {problem}");
    }
    head.status
}

/// A path with its braces filled with plain words, so that its parameters are looked at.
fn plain(path: &str) -> String {
    let code = parcel_code(1);
    let words = [
        ("{code}", code.as_str()),
        ("{parcel}", &code),
        ("{run}", "1"),
        ("{layer}", "parcels"),
        ("{z}", "12"),
        ("{evaluation}", "1"),
        ("{park}", "P1"),
        ("{collection}", "zones"),
        ("{feature}", "Z1"),
    ];
    let filled = words.iter().fold(path.to_owned(), |path, (name, word)| path.replace(name, word));
    filled.replace("{x}", "3430").replace("{file}", "1670.mvt")
}

/// The path with each of its braces in turn filled with a word, the others plainly.
fn filled(path: &str, word: &str) -> Vec<String> {
    let names = path.split('/').filter(|part| part.starts_with('{'));
    names.map(|part| plain(&path.replace(&part[..=part.find('}').unwrap()], word))).collect()
}

#[test]
fn every_route_stands_in_the_table() {
    let source = include_str!("../../src/http/mod.rs");
    let routes: BTreeSet<&str> =
        source.split(".route(\"").skip(1).filter_map(|rest| rest.split_once('"')).map(|(path, _)| path).collect();
    let asked = asked();
    let known: BTreeSet<&str> = READ.iter().map(|(path, _)| *path).chain(asked.iter().map(|(path, _)| *path)).collect();
    assert!(routes.len() > 20, "the routes are read out of the source");
    assert_eq!(routes, known, "a new route stands in READ or asked() with its parameters");
}

#[tokio::test]
async fn a_parameter_of_the_table_is_one_that_its_route_knows_and_another_is_refused() {
    let town = town().await;
    let service = service(&town).await;
    for (path, parameters) in READ.iter().filter(|(_, parameters)| !parameters.is_empty()) {
        let path = plain(path);
        let request = Request::get(format!("{path}?nonsense=1")).header("host", "localhost");
        let (head, body) = service.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap().into_parts();
        // The standard of features asks for 400.
        let is_of_the_standard = path.starts_with("/ogc");
        let status = if is_of_the_standard { StatusCode::BAD_REQUEST } else { StatusCode::UNPROCESSABLE_ENTITY };
        assert_eq!(head.status, status, "{path}");
        let body = body.collect().await.unwrap().to_bytes();
        let problem: Value = serde_json::from_slice(&body).unwrap();
        let expected = problem["findings"][0]["expected"].as_str().unwrap_or_else(|| panic!("{path}: {problem}"));
        let expected: BTreeSet<&str> = expected.split([',', ' ']).filter(|word| !word.is_empty()).collect();
        assert_eq!(expected, parameters.iter().copied().collect(), "{path}");
    }
}

#[tokio::test]
async fn what_is_no_text_is_refused_on_every_route_before_anything_is_asked() {
    let town = town().await;
    let service = service(&town).await;
    let asked = asked();
    let posts = asked.iter().map(|(path, _)| (Method::POST, *path, &[][..]));
    for (method, path, parameters) in
        READ.iter().map(|(path, parameters)| (Method::GET, *path, *parameters)).chain(posts)
    {
        for word in NO_TEXT {
            let with = parameters.iter().chain(&["nonsense"]).map(|name| format!("{}?{name}={word}", plain(path)));
            for address in with.chain(filled(path, word)) {
                let status = holds(&service, &method, &address, (method == Method::POST).then_some(b"{}")).await;
                assert_eq!(status, StatusCode::BAD_REQUEST, "{method} {address}");
            }
        }
    }
    for (path, bodies) in &asked {
        for body in bodies {
            for name in body.as_object().unwrap().keys() {
                let mut odd = body.clone();
                odd[name] = json!("a\u{0}b");
                let status = holds(&service, &Method::POST, path, Some(odd.to_string().as_bytes())).await;
                assert_eq!(status, StatusCode::BAD_REQUEST, "{path} {name}");
            }
        }
        let status = holds(&service, &Method::POST, path, Some(b"{\"parcel\": \"\xff\"}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path}");
    }
}

#[tokio::test]
async fn odd_words_and_numbers_are_answered_or_refused_on_every_route() {
    let town = town().await;
    let before = town.contents().await;
    let service = service(&town).await;
    let long = "长".repeat(1_200).replace('长', "%E9%95%BF");
    let longer = "x".repeat(10_000);
    for (path, parameters) in READ {
        for word in ODD.iter().copied().chain([long.as_str(), longer.as_str()]) {
            for name in *parameters {
                holds(&service, &Method::GET, &format!("{}?{name}={word}", plain(path)), None).await;
            }
            for address in filled(path, word) {
                holds(&service, &Method::GET, &address, None).await;
            }
        }
        // Twice the same, without a value, and all at once.
        for name in *parameters {
            holds(&service, &Method::GET, &format!("{}?{name}=1&{name}=2", plain(path)), None).await;
            holds(&service, &Method::GET, &format!("{}?{name}", plain(path)), None).await;
        }
    }
    let numbers = ["-1", "0", "1e308", "-1e308", "99999999999999999999", "9223372036854775807", "0.5", "-0.0"];
    let numbers = numbers.map(|number| serde_json::from_str(number).unwrap());
    let others =
        [json!(null), json!(true), json!([]), json!({}), json!(""), json!("\u{1f4a9}'\";--\\"), json!([[[1]]])];
    let texts = [json!(longer), json!("长".repeat(10_000)), json!("9999-99-99"), json!("NaN")];
    let odd: Vec<Value> = numbers.into_iter().chain(others).chain(texts).collect();
    for (path, bodies) in asked() {
        for body in bodies {
            for name in body.as_object().unwrap().keys() {
                for value in &odd {
                    let mut one = body.clone();
                    one[name] = value.clone();
                    holds(&service, &Method::POST, path, Some(one.to_string().as_bytes())).await;
                }
            }
        }
        let status = holds(&service, &Method::POST, path, Some(b"{\"a\": 1e400}")).await;
        assert!(status.is_client_error(), "{path}");
    }
    assert_eq!(town.contents().await, before, "questions leave nothing");
}
