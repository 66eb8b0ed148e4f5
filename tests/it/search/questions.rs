//! The search over HTTP: filters in both encodings, orders, fields, and what is refused.

use crate::scatter::{self, CELL, SIDE, SOUTH, WEST};
use crate::support::Town;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use chrono::NaiveDate;
use http_body_util::BodyExt as _;
use landcycle::atlas::{Atlas, GivenUp, Selection, Snapshot};
use landcycle::domain::filter::Filter;
use landcycle::domain::queryable::Queryable;
use landcycle::http::{App, router};
use rstest::rstest;
use serde_json::{Value, json};
use std::cell::Cell;
use std::sync::Arc;
use tower::ServiceExt as _;

pub fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 7, 1).unwrap()
}

/// A service of the scattered city, without a register.
fn service() -> Router {
    service_of(scatter::snapshot(42, 20))
}

/// A service of a city, without a register.
pub fn service_of(snapshot: Snapshot) -> Router {
    let atlas = Arc::new(Atlas::new(snapshot));
    let pool = sqlx::postgres::PgPoolOptions::new().connect_lazy("postgresql://nobody@127.0.0.1:1/none").unwrap();
    router(App { atlas, pool, today: Arc::new(today) })
}

async fn answered(service: &Router, request: Request<Body>) -> (StatusCode, HeaderMap, Vec<u8>) {
    let (head, body) = service.clone().oneshot(request).await.unwrap().into_parts();
    (head.status, head.headers, body.collect().await.unwrap().to_bytes().to_vec())
}

/// A search, with the answer as it comes.
pub async fn bytes(service: &Router, query: &str, accept: &str, body: &Value) -> (StatusCode, HeaderMap, Vec<u8>) {
    let request = Request::post(format!("/api/v1/parcels/search{query}")).header("host", "localhost");
    let request = request.header("content-type", "application/json").header("accept", accept);
    answered(service, request.body(Body::from(body.to_string())).unwrap()).await
}

pub async fn ask(service: &Router, body: &Value) -> (StatusCode, HeaderMap, Value) {
    let (status, headers, answer) = bytes(service, "", "*/*", body).await;
    (status, headers, serde_json::from_slice(&answer).unwrap_or(Value::Null))
}

pub async fn get_with(service: &Router, path: &str, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap, Value) {
    let request = Request::get(path).header("host", "localhost");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let (status, headers, answer) = answered(service, request.body(Body::empty()).unwrap()).await;
    (status, headers, serde_json::from_slice(&answer).unwrap_or(Value::Null))
}

pub async fn get(service: &Router, path: &str) -> (StatusCode, HeaderMap, Value) {
    get_with(service, path, &[]).await
}

pub async fn found(service: &Router, body: Value) -> Value {
    let (status, _, answer) = ask(service, &body).await;
    assert_eq!(status, StatusCode::OK, "{body}: {answer}");
    answer
}

pub fn codes(answer: &Value) -> Vec<String> {
    answer["features"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

pub fn everything() -> Value {
    let side = CELL * SIDE as f64;
    json!([WEST - 1.0, SOUTH - 1.0, WEST + side + 1.0, SOUTH + side + 1.0])
}

#[tokio::test]
async fn a_filter_narrows_what_an_area_finds_and_the_figures_are_of_all_that_is_left() {
    let service = service();
    let area = json!([WEST, SOUTH, WEST + CELL * 9.3, SOUTH + CELL * 14.2]);
    let whole = found(&service, json!({"bbox": area, "limit": 1000})).await;
    let text = "grade IN ('C','D') AND NOT locked AND area_mu > 1";
    let tree = json!({"op": "and", "args": [
        {"op": "in", "args": [{"property": "grade"}, ["C", "D"]]},
        {"op": "not", "args": [{"property": "locked"}]},
        {"op": ">", "args": [{"property": "area_mu"}, 1]}]});
    let by_text = found(&service, json!({"bbox": area, "filter": text, "limit": 1000})).await;
    let by_tree = found(&service, json!({"bbox": area, "filter": tree, "limit": 1000})).await;
    assert_eq!(by_text, by_tree);
    let expected: Vec<&Value> = whole["features"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| {
            let told = &one["properties"];
            ["C", "D"].contains(&told["grade"].as_str().unwrap_or_default())
                && told["locked"] == false
                && told["area_mu"].as_f64().unwrap() > 1.0
        })
        .collect();
    assert!(expected.len() > 5 && expected.len() < whole["features"].as_array().unwrap().len() / 2);
    assert_eq!(by_text["features"].as_array().unwrap().iter().collect::<Vec<_>>(), expected);
    let count = expected.len();
    assert_eq!(by_text["summary"]["count"], count);
    let page = found(&service, json!({"bbox": area, "filter": text, "limit": 1})).await;
    assert_eq!(page["summary"], by_text["summary"], "the figures are of all, not of the page");
    // Without an area it is asked of the whole city, and a box within the filter is as good as one beside it.
    let boxed = format!("S_INTERSECTS(geometry, BBOX({},{},{},{})) AND {text}", area[0], area[1], area[2], area[3]);
    assert_eq!(found(&service, json!({"filter": boxed, "limit": 1000})).await, by_text);
    let city = found(&service, json!({"filter": text, "limit": 1000})).await;
    assert!(city["summary"]["count"].as_u64().unwrap() as usize > count);
}

#[tokio::test]
async fn pages_of_any_order_hold_every_parcel_once() {
    let service = service();
    for sort in ["area_m2", "-area_m2", "floor_area_m2", "-term_end", "grade", "-locked", "holder_name", "-parcel_code"]
    {
        let question = json!({"bbox": everything(), "sort": sort});
        let asked = |more: Value| {
            let mut body = question.clone();
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            body
        };
        let whole = found(&service, asked(json!({"limit": 1000}))).await;
        let all = codes(&whole);
        assert_eq!(all.len(), whole["summary"]["count"].as_u64().unwrap() as usize);
        let (mut paged, mut after) = (Vec::new(), Value::Null);
        loop {
            let page = found(&service, asked(json!({"limit": 77, "after": after}))).await;
            paged.extend(codes(&page));
            after = page["next"].clone();
            if after.is_null() {
                break;
            }
        }
        assert_eq!(paged, all, "by {sort}");
        let name = sort.trim_start_matches('-');
        let keys: Vec<(bool, String)> = whole["features"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| {
                let value = &one["properties"][name];
                let number = value.as_f64().map(|number| format!("{number:020.6}"));
                (value.is_null(), number.unwrap_or_else(|| value.to_string()))
            })
            .collect();
        let known = keys.iter().take_while(|key| !key.0).count();
        assert!(keys[known..].iter().all(|key| key.0), "by {sort}: what is unknown comes last");
        let descending = sort.starts_with('-');
        let in_order = |a: &(bool, String), b: &(bool, String)| if descending { a.1 >= b.1 } else { a.1 <= b.1 };
        assert!(keys[..known].is_sorted_by(in_order), "by {sort}");
    }
    let first = found(&service, json!({"bbox": everything(), "sort": "score", "limit": 3})).await;
    let other = json!({"bbox": everything(), "sort": "-score", "limit": 3, "after": first["next"]});
    assert_eq!(ask(&service, &other).await.0, StatusCode::UNPROCESSABLE_ENTITY, "a page of another order");
}

#[tokio::test]
async fn fields_are_those_that_are_asked_for_in_that_order() {
    let service = service();
    let asked = |fields: Value| json!({"bbox": everything(), "limit": 2, "fields": fields});
    let lean = found(&service, asked(json!(["score", "parcel_code"]))).await;
    let feature = &lean["features"][0];
    assert_eq!(feature["geometry"], Value::Null);
    assert_eq!(feature["properties"].as_object().unwrap().len(), 2);
    assert_eq!(feature["properties"]["parcel_code"], feature["id"]);
    let drawn = found(&service, asked(json!(["geometry"]))).await;
    assert_eq!(drawn["features"][0]["properties"], json!({}));
    assert!(drawn["features"][0]["geometry"]["coordinates"].is_array());
    let whole = found(&service, json!({"bbox": everything(), "limit": 2})).await;
    let told = whole["features"][0]["properties"].as_object().unwrap();
    assert_eq!(told.len(), Queryable::ALL.len() - 1, "all but the shape");
}

#[rstest]
#[case(json!({"filter": "grad = 'A'"}), "invalid-filter", "filter, character 1: no property \"grad\"")]
#[case(json!({"filter": {"op": "=", "args": [{"property": "locked"}, 3]}}), "invalid-filter", "at \"/args/1\"")]
#[case(json!({"filter": 7}), "invalid-filter", "filter, at \"\"")]
#[case(json!({"filter": "tier = 'base'", "relation": "within"}), "invalid-area", "expected one of bbox")]
#[case(json!({}), "invalid-area", "neither bbox, area, circle, within nor filter")]
#[case(json!({"bbox": [0, 0, 1, 1], "circle": {"point": [0, 0], "metres": 1}}), "invalid-area", "bbox and circle")]
#[case(json!({"circle": {"point": [0, 0], "metres": 0}}), "invalid-area", "radius of 0 m")]
#[case(json!({"circle": {"point": [0], "metres": 1}}), "invalid-parameter", "\"metres\": number")]
#[case(json!({"within": {"district": "999999"}}), "invalid-parameter", "no district \"999999\"")]
#[case(json!({"within": {"street": "1"}}), "invalid-parameter", "{\"zone\": code}")]
#[case(json!({"bbox": [0, 0, 1, 1], "relation": {"share": 1.5}}), "invalid-parameter", "at most 1")]
#[case(json!({"bbox": [0, 0, 1, 1], "relation": "near"}), "invalid-parameter", "\"intersects\"")]
#[case(json!({"bbox": [0, 0, 1, 1], "sort": "geometry"}), "invalid-parameter", "a minus before it")]
#[case(json!({"bbox": [0, 0, 1, 1], "fields": ["colour"]}), "invalid-parameter", "plot_ratio_unused")]
#[case(json!({"bbox": [0, 0, 1, 1], "sort": "score", "after": "c33"}), "invalid-parameter", "same question")]
#[tokio::test]
async fn what_cannot_be_asked_is_refused_with_its_place(#[case] body: Value, #[case] kind: &str, #[case] part: &str) {
    let (status, _, problem) = ask(&service(), &body).await;
    assert_eq!((status, &problem["type"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!(format!("/problems/{kind}"))));
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains(part), "{detail}");
    assert!(problem["findings"][0]["code"].is_string(), "{problem}");
}

#[tokio::test]
async fn stored_areas_are_those_of_the_map() {
    let service = service();
    let zone = found(&service, json!({"within": {"zone": "B-001"}, "relation": "within", "limit": 0})).await;
    let all = found(&service, json!({"bbox": everything(), "limit": 0})).await;
    let (zone, all) = (zone["summary"]["count"].as_u64().unwrap(), all["summary"]["count"].as_u64().unwrap());
    assert!(zone > 50 && zone < all / 4, "{zone} of {all}");
}

#[test]
fn a_search_that_nobody_waits_for_stops() {
    let snapshot = scatter::snapshot(42, 20);
    let selection = Selection::bbox(WEST, SOUTH, WEST + CELL * SIDE as f64, SOUTH + CELL * SIDE as f64).unwrap();
    let filter = Filter::parse("holder_name LIKE '%厂'", Queryable::PROPERTIES).unwrap();
    for (area, filter) in [(Some(&selection), None), (None, Some(&filter)), (Some(&selection), Some(&filter))] {
        assert_eq!(snapshot.find(area, filter, &|| true), Err(GivenUp));
        // Whoever leaves in the middle is noticed there.
        let looks = Cell::new(0);
        let left = || {
            looks.set(looks.get() + 1);
            looks.get() > 5
        };
        assert_eq!(snapshot.find(area, filter, &left), Err(GivenUp));
        assert_eq!(looks.get(), 6);
        assert!(!snapshot.find(area, filter, &|| false).unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_moment_is_filtered_and_sorted_like_now() {
    let town = Town::settled().await;
    let atlas = Arc::new(Atlas::empty());
    let service = router(App { atlas, pool: town.database.pool.clone(), today: Arc::new(today) });
    let question = |more: Value| {
        let mut body = json!({"valid_at": "2020-01-01", "filter": "term_end = DATE('2035-01-01') OR land_use <> 'M1'"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let one = found(&service, question(json!({}))).await;
    assert_eq!(codes(&one).len(), 1, "{one}");
    let stored = found(&service, question(json!({"within": {"district": "310115"}, "relation": "within"}))).await;
    assert_eq!(codes(&stored), codes(&one));
    let sorted = json!({"valid_at": "2020-01-01", "filter": "TRUE", "sort": "-parcel_code"});
    assert!(codes(&found(&service, sorted).await).is_sorted_by(|a, b| a > b));
    let before = found(&service, json!({"valid_at": "1990-01-01", "filter": "term_end IS NOT NULL"})).await;
    assert_eq!(before["summary"]["count"], 0);
}
