//! Asking what the locks say: on the command line and over HTTP, for a parcel and for an area, and what a question lacks.

use super::{approve, compensation, compensation_at, works};
use crate::plot_ratio::get;
use crate::support::{Town, feature, parcel_code, square};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use chrono::NaiveDate;
use http_body_util::BodyExt as _;
use landcycle::atlas::Atlas;
use landcycle::http::{App, router};
use serde_json::{Value, json};
use std::sync::Arc;
use tower::ServiceExt as _;

async fn ask(town: &Town, request: Request<Body>) -> (StatusCode, Value) {
    let today = || NaiveDate::from_ymd_opt(2026, 6, 30).unwrap();
    let app = App { atlas: Arc::new(Atlas::empty()), pool: town.database.pool.clone(), today: Arc::new(today) };
    let (head, body) = router(app).oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (head.status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

async fn post(town: &Town, body: &Value) -> (StatusCode, Value) {
    let request =
        Request::post("/api/v1/verdict").header("host", "localhost").header("content-type", "application/json");
    ask(town, request.body(Body::from(body.to_string())).unwrap()).await
}

#[tokio::test]
async fn command_and_service_give_the_same_ruling_with_rule_citation_figures_and_what_would_help() {
    let town = works().await;
    let code = parcel_code(1);
    let body = json!({"deed": "change-of-use", "parcel": code, "use": "R2", "on": "2026-06-30"});
    let (status, served) = post(&town, &body).await;
    assert_eq!(status, StatusCode::OK, "{served}");
    let asked = ["lockup", "may", "change-of-use", "--parcel", &code, "--use", "R2", "--on", "2026-06-30"];
    let said = town.run(&asked);
    assert_eq!((said.status, &said.answer), (Some(0), &served), "{said:?}");
    assert_eq!(
        [&served["verdict"], &served["verdict_zh"], &served["rule"]],
        ["needs-special-approval", "须专项批准", "lock-1-use"]
    );
    assert_eq!([&served["version"], &served["effective_from"]], ["2026.1", "2018-05-07"]);
    assert!(served["citation"].as_str().unwrap().contains("7 May 2018") && served["assumption"] == json!(false));
    assert!(served["remedy"]["zh"].as_str().unwrap().contains("专项批准"), "{served}");
    let taken = served["requirement"]["taken_m2"].as_f64().unwrap();
    let area: f64 = town.value("select area_m2 from parcel_version order by id limit 1").await;
    assert!((taken - area).abs() < 0.01, "{taken} of {area}");
    assert_eq!(served["standing"]["parts"]["locked"]["percent"], json!(100.0));
    let people = town.command().args(asked).output().unwrap();
    let text = String::from_utf8(people.stdout).unwrap();
    for words in ["须专项批准", "lock-1-use", "press conference", "what would help", "锁定 locked"] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[tokio::test]
async fn a_project_is_judged_by_the_land_that_was_drawn_and_by_the_plan_of_its_day() {
    let town = works().await;
    let (inside, outside) = (square(121.5005, 31.0996, 121.5009, 31.0999), square(121.6, 31.1, 121.601, 31.101));
    for (area, on, verdict, rule) in [
        (&inside, "2024-05-06", "allowed", "no-lock"),
        (&outside, "2024-05-06", "forbidden", "lock-2-new-project"),
        (&outside, "2019-12-31", "allowed", "plan-unknown"),
        (&outside, "2017-05-06", "allowed", "plan-unknown"),
    ] {
        let (status, found) = post(&town, &json!({"deed": "new-project", "area": area, "use": "M1", "on": on})).await;
        assert_eq!(
            (status, &found["verdict"], &found["rule"]),
            (StatusCode::OK, &json!(verdict), &json!(rule)),
            "{on} {found}"
        );
    }
    let own = json!({"deed": "own-works", "parcel": parcel_code(8)});
    assert_eq!(post(&town, &own).await.1["verdict"], json!("allowed"));
    let path = town.geojson("site", &[feature(&json!({}), &outside)]);
    let said = town.run(&[
        "lockup",
        "may",
        "new-project",
        "--area",
        path.to_str().unwrap(),
        "--use",
        "W1",
        "--on",
        "2024-05-06",
    ]);
    assert_eq!((&said.answer["verdict"], &said.answer["assumption"]), (&json!("forbidden"), &json!(true)), "{said:?}");
}

#[tokio::test]
async fn a_division_that_is_drawn_is_judged_by_its_lots_and_one_that_is_not_by_the_worst() {
    let town = works().await;
    let (one, on) = (parcel_code(1), "2026-06-30");
    let (west, east) = (square(121.501, 31.1, 121.5015, 31.101), square(121.5015, 31.1, 121.502, 31.101));
    let asked = |to: Value| json!({"deed": "division", "parcel": one, "to": to, "on": on});
    let taken = |found: &Value| found["requirement"]["taken_m2"].as_f64().unwrap();
    let codes =
        |found: &Value| found["remarks"].as_array().unwrap().iter().map(|one| one["code"].clone()).collect::<Vec<_>>();
    let area: f64 = town.value("select area_m2 from parcel_version order by id limit 1").await;

    let (_, worst) = post(&town, &json!({"deed": "division", "parcel": one, "on": on})).await;
    assert_eq!((&worst["verdict"], codes(&worst)), (&json!("needs-special-approval"), vec![json!("worst-case")]));
    assert!((taken(&worst) - area).abs() < 0.01, "{worst}");
    let (_, whole) = post(&town, &asked(json!([west, east]))).await;
    assert_eq!((&whole["verdict"], codes(&whole)), (&json!("allowed"), Vec::new()), "{whole}");
    let (_, half) = post(&town, &asked(west.clone())).await;
    assert_eq!(half["verdict"], json!("needs-special-approval"), "{half}");
    assert!((taken(&half) - area / 2.0).abs() < 1.0, "{half}");
    // A lot that is too little locked itself holds nothing.
    let far = square(121.5015, 31.1, 121.56, 31.101);
    let (_, loose) = post(&town, &asked(json!([west, far]))).await;
    assert!((taken(&loose) - area / 2.0).abs() < 1.0, "{loose}");

    // A base is asked about as it would be drawn, on the command line as well.
    let file =
        |name: &str, shape: &Value| town.geojson(name, &[feature(&json!({}), shape)]).to_str().unwrap().to_owned();
    let base = file("base", &square(121.5, 31.0995, 121.505, 31.1015));
    for (name, edge, verdict) in [("wider", 121.506, "allowed"), ("smaller", 121.504, "needs-special-approval")] {
        let to = file(name, &square(121.5, 31.0995, edge, 31.1015));
        let said = town.run(&["lockup", "may", "boundary-change", "--area", &base, "--to", &to, "--on", on]);
        assert_eq!((said.status, &said.answer["verdict"]), (Some(0), &json!(verdict)), "{said:?}");
        assert_eq!(codes(&said.answer), Vec::<Value>::new());
    }
    let line = town.geojson(
        "line",
        &[feature(&json!({}), &json!({"type": "LineString", "coordinates": [[121.5, 31.1], [121.6, 31.1]]}))],
    );
    let said = town.run(&["lockup", "may", "division", "--parcel", &one, "--to", line.to_str().unwrap()]);
    assert_eq!(said.status, Some(1), "{said:?}");
}

#[tokio::test]
async fn a_question_that_cannot_be_answered_says_what_it_lacks() {
    let town = works().await;
    let site = square(121.6, 31.1, 121.601, 31.101);
    for (body, status, field) in [
        (json!({"deed": "demolish", "area": site}), 422, "deed"),
        (json!({"deed": "new-project", "area": site}), 422, "use"),
        (json!({"deed": "change-of-use", "area": site, "use": "R2"}), 422, "use"),
        (json!({"deed": "new-project", "area": site, "use": "M1", "on": "soon"}), 422, "on"),
        (json!({"deed": "new-project", "area": site, "use": "M1", "on": "1900-01-01"}), 422, "on"),
        (json!({"deed": "new-project", "use": "M1"}), 422, "area"),
        (json!({"deed": "new-project", "area": site, "parcel": parcel_code(1), "use": "M1"}), 422, "area"),
        (json!({"deed": "new-project", "parcel": "nonsense", "use": "M1"}), 422, "parcel"),
        (json!({"deed": "new-project", "area": site, "colour": "red"}), 422, "colour"),
        (json!({"deed": 7, "area": site}), 422, "deed"),
        (json!({"deed": "own-works", "parcel": parcel_code(1), "to": site}), 422, "to"),
        (json!({"deed": "division", "parcel": parcel_code(1), "to": []}), 422, "to"),
        (
            json!({"deed": "division", "parcel": parcel_code(1), "to": {"type": "Point", "coordinates": [121.5, 31.1]}}),
            422,
            "to",
        ),
        (json!({"deed": "own-works", "parcel": parcel_code(77)}), 404, ""),
    ] {
        let (found, problem) = post(&town, &body).await;
        assert_eq!(found.as_u16(), status, "{body} {problem}");
        if !field.is_empty() {
            assert_eq!(problem["findings"][0]["field"], json!(field), "{body} {problem}");
        }
    }
    let said = town.run(&["lockup", "may", "own-works", "--parcel", &parcel_code(77)]);
    assert_eq!(said.status, Some(1), "{said:?}");
    assert_eq!(town.run(&["lockup", "may", "demolish", "--parcel", &parcel_code(1)]).status, Some(2));
}

#[tokio::test]
async fn the_service_lists_the_approvals_as_the_command_does() {
    let town = works().await;
    let land = compensation(&town, "land", 0.001);
    approve(&town, &["change-of-use", "--parcel", &parcel_code(1), "--use", "R2", "--compensation", &land]);
    let request = Request::get("/api/v1/approvals").header("host", "localhost").body(Body::empty()).unwrap();
    let (status, served) = ask(&town, request).await;
    assert_eq!((status, &served["approvals"]), (StatusCode::OK, &town.run(&["lockup", "approve", "list"]).answer));
    assert_eq!(served["approvals"][0]["state"], json!("confirmed"));
    assert_eq!(served["approvals"][0]["proposed_by"], json!("cli:proposer"));
}

#[tokio::test]
async fn approvals_come_page_by_page_and_a_parameter_that_nobody_knows_is_refused() {
    let town = works().await;
    let land = |number: u32| compensation_at(&town, &format!("land{number}"), 121.55 + f64::from(number) * 0.01, 0.001);
    for number in 1..=3 {
        let (code, land) = (parcel_code(number), land(number));
        approve(&town, &["change-of-use", "--parcel", &code, "--use", "R2", "--compensation", &land]);
    }
    let pool = &town.database.pool;
    let (_, whole) = get(pool, "/api/v1/approvals").await;
    assert_eq!((whole["approvals"].as_array().unwrap().len(), &whole["next"]), (3, &Value::Null));
    let (status, first) = get(pool, "/api/v1/approvals?limit=2").await;
    assert_eq!(
        (status, first["approvals"].as_array().unwrap()),
        (StatusCode::OK, &whole["approvals"].as_array().unwrap()[..2].to_vec())
    );
    // One more is proposed while somebody reads: the page that follows begins where the first one ended.
    approve(&town, &["change-of-use", "--parcel", &parcel_code(1), "--use", "R2", "--compensation", &land(4)]);
    let (_, rest) = get(pool, &format!("/api/v1/approvals?limit=2&after={}", first["next"].as_str().unwrap())).await;
    assert_eq!(rest["approvals"].as_array().unwrap(), &whole["approvals"].as_array().unwrap()[2..]);
    assert_eq!(rest["next"], Value::Null);
    for wrong in ["state=used", "limit=1001", "limit=-1", "after=last", "page=2"] {
        let (status, problem) = get(pool, &format!("/api/v1/approvals?{wrong}")).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong} {problem}");
        assert!(problem["findings"][0]["expected"].is_string(), "{wrong} {problem}");
    }
}

#[tokio::test]
async fn a_use_that_nobody_knows_is_refused_with_those_that_there_are_and_never_counts_as_another_use() {
    let town = works().await;
    let code = parcel_code(1);
    for (asked, field, known) in [
        (json!({"use": "M7"}), "use", "M1"),
        (json!({"use": "工业"}), "use", "M1"),
        (json!({"use": "m1"}), "use", "M1"),
        (json!({"use": "R2", "from_use": "M9"}), "from_use", "M1"),
        (json!({"use": "M1", "land_use_scheme": "GB5013"}), "use", "GB50137-SH"),
    ] {
        let mut body = json!({"deed": "change-of-use", "parcel": code});
        body.as_object_mut().unwrap().extend(asked.as_object().unwrap().clone());
        let (status, problem) = post(&town, &body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body} {problem}");
        let finding = &problem["findings"][0];
        assert_eq!((&finding["code"], &finding["field"]), (&json!("unknown-name"), &json!(field)), "{problem}");
        assert!(finding["expected"].as_str().unwrap().split(", ").any(|one| one == known), "{problem}");
    }
    let said = town.run(&["lockup", "may", "change-of-use", "--parcel", &code, "--use", "M7"]);
    assert_eq!(said.status, Some(1), "{said:?}");
    assert!(said.said.contains("M7") && said.said.contains("M1, M2, M3"), "{}", said.said);
    let land = compensation(&town, "land", 0.001);
    let propose = ["lockup", "approve", "propose", "change-of-use", "--parcel", &code, "--use", "R9", "--compensation"];
    let paper = [&land, "--ground", "x", "--document", "y", "--decided-on", "2024-01-01"];
    let said = town.run(&[&propose[..], &paper].concat());
    assert_eq!(said.status, Some(1), "{said:?}");
    assert!(said.said.contains("unknown-use"), "{}", said.said);
    // A finer class of a known one is known.
    let (status, ruled) = post(&town, &json!({"deed": "change-of-use", "parcel": code, "use": "M11"})).await;
    assert_eq!((status, &ruled["verdict"]), (StatusCode::OK, &json!("allowed")), "{ruled}");
}

#[tokio::test]
async fn land_that_cannot_be_measured_the_way_it_is_drawn_is_refused_with_words() {
    let town = works().await;
    let ring = |corners: usize| {
        let corner = |at: usize| {
            let angle = std::f64::consts::TAU * at as f64 / corners as f64;
            json!([121.5 + 0.1 * angle.cos(), 31.2 + 0.1 * angle.sin()])
        };
        let mut ring: Vec<Value> = (0..corners).map(corner).collect();
        ring.push(ring[0].clone());
        json!({"type": "Polygon", "coordinates": [ring]})
    };
    for (area, code) in [
        // Across the 180th meridian, once as written and once as a world that has it at its back.
        (square(-179.9, 31.0, 179.9, 31.1), "too-wide"),
        (square(-180.0, -90.0, 180.0, 90.0), "too-wide"),
        (square(0.0, -90.0, 60.0, 90.0), "too-wide"),
        (ring(20_000), "too-many-vertices"),
    ] {
        for (path, body) in [
            ("/api/v1/standing", json!({"area": area})),
            ("/api/v1/verdict", json!({"deed": "new-project", "use": "M1", "area": area})),
        ] {
            let request = Request::post(path).header("host", "localhost").header("content-type", "application/json");
            let (status, problem) = ask(&town, request.body(Body::from(body.to_string())).unwrap()).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{path} {code} {problem}");
            assert_eq!(problem["findings"][0]["code"], json!(code), "{path} {problem}");
        }
        let path = town.geojson("land", &[feature(&json!({}), &area)]);
        let said = town.run(&["stand", "--area", path.to_str().unwrap()]);
        assert_eq!(said.status, Some(1), "{code}: {said:?}");
    }
    // As large as it may be.
    for area in [square(90.0, 0.0, 180.0, 90.0), ring(19_999)] {
        let (status, found) = post(&town, &json!({"deed": "new-project", "use": "M1", "area": area})).await;
        assert_eq!(status, StatusCode::OK, "{found}");
    }
}
