//! Other rules tried on a kept run: what they move is what a real run under them gives, nothing is stored, and rules that make
//! no sense are refused with their place.

use super::{city, review};
use crate::support::Town;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use landcycle::atlas::Atlas;
use landcycle::http::{App, router};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use tower::ServiceExt;

type Standing = (String, Option<String>);

async fn standings(town: &Town, run: i64) -> BTreeMap<String, Standing> {
    let sql = "select parcel, grade, list from review_result where run_id = $1";
    let rows: Vec<(String, String, Option<String>)> =
        sqlx::query_as(sql).bind(run).fetch_all(&town.database.pool).await.unwrap();
    rows.into_iter().map(|(parcel, grade, list)| (parcel, (grade, list))).collect()
}

fn service(town: &Town) -> axum::Router {
    let today = || chrono::NaiveDate::from_ymd_opt(2026, 7, 1).unwrap();
    router(App { atlas: Arc::new(Atlas::empty()), pool: town.database.pool.clone(), today: Arc::new(today) })
}

async fn ask(service: &axum::Router, body: Value) -> (StatusCode, Value) {
    let request = Request::post("/api/v1/reviews/simulate").header("host", "localhost");
    let request = request.header("content-type", "application/json").body(Body::from(body.to_string())).unwrap();
    let (head, body) = service.clone().oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (head.status, serde_json::from_slice(&body).unwrap())
}

#[tokio::test]
async fn a_simulation_moves_what_a_real_run_under_its_rules_moves_and_stores_nothing() {
    let town = city().await;
    review(&town, "out", "2");
    let found = standings(&town, 1).await;
    let before = town.contents().await;
    let service = service(&town);

    // With nothing changed nothing moves.
    let same = town.run(&["review", "simulate", "1"]);
    assert_eq!(same.status, Some(0), "{}", same.said);
    let count = |grade: &str| found.values().filter(|one| one.0 == grade).count();
    let grades = ["A", "B", "C", "D", "T"].map(count);
    let matrix: Vec<Vec<usize>> =
        (0..5).map(|row| (0..5).map(|column| if row == column { grades[row] } else { 0 }).collect()).collect();
    assert_eq!((&same.answer["matrix"], &same.answer["moves"]), (&json!(matrix), &json!([])));

    // Two at once, and again from memory.
    let (set, other) = (json!({"weight.tax_int": 55, "cutoffs.a": 30.0}), json!({"benchmark.tax_int": 40}));
    let ((status, first), (_, second)) = tokio::join!(
        ask(&service, json!({"run": 1, "set": set.clone()})),
        ask(&service, json!({"run": 1, "set": other.clone()}))
    );
    assert_eq!(status, StatusCode::OK, "{first}");
    assert_ne!(first["moves"], second["moves"]);
    assert_eq!(ask(&service, json!({"run": 1, "set": set})).await.1, first);
    let args =
        ["review", "simulate", "1", "--set", "weight.tax_int=55", "--set", "cutoffs.a=30.0", "--write", "tried.toml"];
    assert_eq!(town.run(&args).answer, first, "the terminal says the same");
    assert_eq!(town.contents().await, before, "nothing is stored");

    // A district sees its part of the same.
    let (_, district) = ask(&service, json!({"run": 1, "set": other.clone(), "district": "310115"})).await;
    let mut all = second["moves"].as_array().unwrap().iter();
    assert!(district["parcels"].as_u64().unwrap() < second["parcels"].as_u64().unwrap());
    assert!(district["moves"].as_array().unwrap().iter().all(|one| all.any(|other| other == one)), "{district}");

    // The scheme that it wrote, run for real.
    let ended = town.run(&["review", "run", "--as-of", "2026-06-30", "--scheme", "tried.toml", "--out", "tried"]);
    assert_eq!((ended.status, &ended.answer["run"]), (Some(0), &json!(2)), "{}", ended.said);
    let real = standings(&town, 2).await;
    let mut simulated = found.clone();
    let moves = first["moves"].as_array().unwrap();
    assert!(moves.len() > 10, "{} moves", moves.len());
    for one in moves {
        let side = |name: &str| -> Standing {
            (one[name]["grade"].as_str().unwrap().to_owned(), one[name]["list"].as_str().map(str::to_owned))
        };
        let was = simulated.insert(one["parcel"].as_str().unwrap().to_owned(), side("after"));
        assert_eq!(was, Some(side("before")));
    }
    assert!(simulated == real, "a real run finds something else");
    assert_eq!(town.run(&["review", "diff", "1", "2"]).answer["matrix"], first["matrix"]);
    let on = |run: &BTreeMap<String, Standing>| run.values().filter(|one| one.1.as_deref() == Some("exit")).count();
    let exit = &first["lists"]["exit"];
    assert_eq!((&exit["before"], &exit["after"]), (&json!(on(&found)), &json!(on(&real))));
    let (entered, left) = (exit["entered"].as_array().unwrap().len(), exit["left"].as_array().unwrap().len());
    assert_eq!(on(&found) + entered, on(&real) + left);
}

#[tokio::test]
async fn a_decision_table_can_be_tried_and_rules_that_make_no_sense_are_refused_with_their_place() {
    let town = super::small_register(false).await;
    review(&town, "out", "2");
    let service = service(&town);
    let table = include_str!("../../../data/rulebook/decisions.toml");
    // Nobody is put on the list for renewal any more.
    let (status, found) =
        ask(&service, json!({"run": 1, "decisions": table.replace("list = \"renewal\"\n", "")})).await;
    assert_eq!(status, StatusCode::OK, "{found}");
    let renewal = &found["lists"]["renewal"];
    assert!(renewal["before"].as_u64().unwrap() > 0 && renewal["after"] == json!(0), "{renewal}");
    assert_eq!(renewal["left"].as_array().unwrap().len() as u64, renewal["before"].as_u64().unwrap());

    let wide = include_str!("../../../data/schemes/default.toml").replacen("\"C65\"]", "\"C65\", \"R\"]", 1);
    let long = include_str!("../../../data/schemes/default.toml").replacen("years = 3", "years = 5", 1);
    for (body, place, said) in [
        (json!({"run": 1, "set": {"weight.luck": 3}}), "weight.luck", "tax_int"),
        (json!({"run": 1, "set": {"weight.tax_int": 140}}), "indicator weights", "expected 100"),
        (json!({"run": 1, "set": {"cutoffs.a": 99.0}}), "cutoffs", "0 < a < b < c < 100"),
        (json!({"run": 1, "set": {"missing.tax_int": "forgive"}}), "scheme", "forgive"),
        (json!({"run": 1, "scheme": "name ="}), "scheme", "the scheme"),
        (json!({"run": 1, "scheme": wide}), "scope", "no other parcels"),
        (json!({"run": 1, "scheme": long}), "window.years", "expected 3"),
        (json!({"run": 1, "decisions": table.replacen("[[row]]", "[[rod]]", 1)}), "decisions", "the decision table"),
        (json!({"run": 1, "district": "999999"}), "district", "no parcel in district"),
    ] {
        let (status, problem) = ask(&service, body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
        assert_eq!(problem["findings"][0]["field"], json!(place), "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(said), "{said}: {problem}");
    }
    assert_eq!(ask(&service, json!({"run": 7})).await.0, StatusCode::NOT_FOUND);
    for (args, status, said) in [
        (["review", "simulate", "1", "--set", "weight.luck=3"], 1, "weight.luck"),
        (["review", "simulate", "7", "--set", "weight.tax_int=3"], 1, "no review run 7"),
        (["review", "simulate", "1", "--set", "weight"], 2, "PLACE=VALUE"),
    ] {
        let ended = town.run(&args);
        assert!(ended.status == Some(status) && ended.said.contains(said), "{}", ended.said);
    }
}
