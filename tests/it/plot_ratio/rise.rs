//! A rise in plot ratio: the cases that an officer reads, and the way from the register to a ruling.

use super::get;
use crate::support::{Town, feature, parcel, parcel_code, square};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use chrono::NaiveDate;
use http_body_util::BodyExt;
use landcycle::atlas::Atlas;
use landcycle::domain::basis::Basis;
use landcycle::domain::plot_ratio::rise::{
    ContractLimit, Figure, Neighbour, Procedure, Reference, Requirement, Rule, Situation, may,
};
use landcycle::domain::quantity::PlotRatio;
use landcycle::domain::rulebook::Rulebook;
use landcycle::http::{App, router};
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::PgPool;
use std::collections::BTreeSet;
use std::sync::Arc;
use tower::ServiceExt;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    day: toml::value::Datetime,
    land_use: Option<String>,
    to: f64,
    contract: Option<f64>,
    plan: Option<f64>,
    new: Option<bool>,
    simplified: Option<bool>,
    #[serde(default)]
    neighbours: Vec<f64>,
    verdict: String,
    rule: String,
    binding: String,
    again: bool,
    citation: String,
}

impl Case {
    fn situation(&self, book: &Rulebook) -> Situation {
        let day: NaiveDate = self.day.to_string().parse().unwrap();
        let land_use = self.land_use.as_deref().unwrap_or("M1");
        let is_new = self.new.unwrap_or(false);
        let on_record = |given: Option<f64>| given.or((!is_new).then_some(1.5)).map(PlotRatio);
        Situation {
            day,
            to: PlotRatio(self.to),
            has_class: Rulebook::plot_ratio_class(land_use).is_some(),
            is_new,
            contract: on_record(self.contract).map(|high| ContractLimit {
                number: "H1".into(),
                signed_on: day,
                high: Some(high),
            }),
            plan: on_record(self.plan),
            reference: book.plot_ratio_reference(land_use, day).map(|value| Reference {
                ratio: PlotRatio(value.value),
                effective_from: value.effective_from,
                source: value.source.clone(),
            }),
            neighbours: self
                .neighbours
                .iter()
                .map(|ratio| Neighbour {
                    parcel: "N".into(),
                    land_use: "B2".into(),
                    allowed: PlotRatio(*ratio),
                    distance_m: 100.0,
                })
                .collect(),
            neighbours_by: Figure::Middle,
            procedure: self.simplified.map(|is_open| Procedure { is_open, document: "文".into(), since: day }),
        }
    }
}

#[test]
fn each_case_has_the_verdict_and_the_citation_that_an_officer_expects_and_every_rule_has_a_case() {
    let book = Rulebook::parse(include_str!("../../../data/rulebook/values.toml")).unwrap();
    let basis = include_str!("../../../data/rulebook/plot_ratio.toml");
    let basis = Basis::parse(basis, &Rule::ALL.map(Rule::code)).unwrap();
    let cases: Cases = toml::from_str(include_str!("../../cases/plot_ratio.toml")).unwrap();
    let mut fired = BTreeSet::new();
    for case in &cases.case {
        let ruling = may(&case.situation(&book));
        let found = (ruling.rule.verdict().name(), ruling.rule.code(), ruling.cap.binding.name());
        assert_eq!(found, (case.verdict.as_str(), case.rule.as_str(), case.binding.as_str()), "{}", case.name);
        let again = ruling.requirements.iter().any(|one| matches!(one, Requirement::SignContractAgain { .. }));
        assert_eq!(again, case.again, "{}: {:?}", case.name, ruling.requirements);
        let citation = &basis.on(ruling.rule.code(), case.day.to_string().parse().unwrap()).unwrap().text;
        assert!(citation.contains(&case.citation), "{}: {citation}", case.name);
        fired.insert(ruling.rule.code());
    }
    assert_eq!(fired, Rule::ALL.map(Rule::code).into_iter().collect(), "a rule without a case");
}

/// Asks the service with a body.
pub async fn post(pool: &PgPool, path: &str, body: &Value) -> (StatusCode, Value) {
    let today = || NaiveDate::from_ymd_opt(2026, 6, 30).unwrap();
    let app = App { atlas: Arc::new(Atlas::empty()), pool: pool.clone(), today: Arc::new(today) };
    let request = Request::post(path)
        .header("host", "localhost")
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()))
        .unwrap();
    let (head, body) = router(app).oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (head.status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

fn plot(number: u32, land_use: &str, allowed: f64, from: &str) -> Value {
    let mut one = parcel(number);
    one["properties"]["land_use"] = land_use.into();
    one["properties"]["plot_ratio_allowed"] = json!(allowed);
    one["properties"]["valid_from"] = from.into();
    one
}

/// Parcel 1 with contract H1 up to 1.5 and a plan of 1.5, parcel 9 new and without a plan, and around the first one an
/// office plot at 90 m, one at 400 m and one beyond 500 m.
async fn town() -> Town {
    let town = Town::settled().await;
    let contract = format!(
        "contract_no,parcel_code,kind,signed_on,term_years,performance_terms,plot_ratio_high\nH1,{},grant,2015-01-01,20,1,1.5\n",
        parcel_code(1)
    );
    town.takes("contracts", &town.file("h1.csv", contract));
    let plots = [
        plot(1, "M1", 1.5, "2015-01-01"),
        plot(3, "B2", 3.5, "2015-01-01"),
        plot(6, "B1", 2.4, "2015-01-01"),
        plot(8, "B2", 9.0, "2015-01-01"),
    ];
    town.takes("parcels", &town.geojson("plots", &plots));
    town
}

fn may_rise(town: &Town, number: u32, to: &str, flags: &[&str]) -> Value {
    let code = parcel_code(number);
    let mut arguments = vec!["plot-ratio", "may", "--parcel", &code, "--to", to];
    arguments.extend(if flags.is_empty() { &["--on", "2026-06-30"] } else { flags });
    let ended = town.run(&arguments);
    assert_eq!(ended.status, Some(0), "{}", ended.said);
    ended.answer
}

#[tokio::test]
async fn a_rise_is_ruled_on_by_contract_plan_neighbours_and_the_districts_own_procedure() {
    let town = town().await;
    let before = may_rise(&town, 1, "2.4", &[]);
    assert_eq!(
        (&before["verdict"], &before["rule"]),
        (&json!("needs-special-approval"), &json!("procedure-not-on-record"))
    );
    assert_eq!(before["facts"]["cap"], json!({"contract": 1.5, "plan": 1.5, "binding": "both", "ratio": 1.5}));
    let near: Vec<&Value> =
        before["facts"]["neighbours"].as_array().unwrap().iter().map(|one| &one["parcel"]).collect();
    assert_eq!(near, [&json!(parcel_code(3)), &json!(parcel_code(6))], "the plot beyond 500 m is of another area");
    assert_eq!(before["facts"]["neighbour_reference"], 2.4);
    let set = |flags: &[&str]| {
        let mut arguments = vec!["plot-ratio", "procedure", "--district", "310115", "--document", "浦府规〔2020〕1号"];
        arguments.extend(flags);
        town.run(&arguments)
    };
    assert_eq!(set(&["--simplified", "yes", "--from", "2020-01-01"]).status, Some(0));
    let after = may_rise(&town, 1, "2.4", &[]);
    assert_eq!((&after["verdict"], &after["rule"]), (&json!("allowed"), &json!("existing-plot")));
    let codes: Vec<&Value> = after["requirements"].as_array().unwrap().iter().map(|one| &one["code"]).collect();
    assert_eq!(codes, ["simplified-procedure", "sign-contract-again"]);
    assert_eq!(after["requirements"][1]["contract"], "H1");
    let (status, same) =
        post(&town.database.pool, "/api/v1/plot-ratio/verdict", &json!({"parcel": parcel_code(1), "to": 2.4})).await;
    assert_eq!((status, &same), (StatusCode::OK, &after), "command and service say the same");
    // Closed again for a time, by a later document: each day has its own law.
    assert_eq!(set(&["--simplified", "no", "--from", "2022-01-01", "--to", "2023-01-01"]).status, Some(0));
    for (day, rule) in [
        ("2019-12-31", "procedure-not-on-record"),
        ("2021-12-31", "existing-plot"),
        ("2022-06-30", "procedure-closed"),
        ("2023-01-01", "existing-plot"),
    ] {
        assert_eq!(may_rise(&town, 1, "2.4", &["--on", day])["rule"], rule, "{day}");
    }
    let again = set(&["--simplified", "no", "--from", "2022-01-01", "--to", "2023-01-01"]);
    assert_eq!(again.answer["revision"], Value::Null, "said twice, it changes nothing");
    let believed = "select count(*) from district_setting where not upper_inf(recorded)";
    assert_eq!(town.value::<i64>(believed).await, 1, "what was believed before is kept");
}

#[tokio::test]
async fn neighbours_are_the_plots_of_the_planning_unit_of_the_day_and_without_one_those_nearby() {
    let town = town().await;
    let unit = |code: &str, east: f64, from: &str, to: Value| {
        let properties =
            json!({"unit_code": code, "name": "单元", "uses": "M1;B2", "valid_from": from, "valid_to": to});
        feature(&properties, &square(121.5005, 31.09, east, 31.12))
    };
    // The wide unit's border crosses plot 8 beyond its middle; the narrow one leaves plot 6, 400 m away, outside.
    let units =
        [unit("U1", 121.5087, "2020-01-01", json!("2022-01-01")), unit("U2", 121.5055, "2022-01-01", Value::Null)];
    town.takes("plan-units", &town.geojson("units", &units));
    let by_distance = json!({"by": "distance", "within_m": 500.0});
    let by_unit = |code: &str| json!({"by": "plan-unit", "code": code, "name": "单元"});
    for (parcel, day, area, plots, reference) in [
        (1, "2019-12-31", by_distance.clone(), vec![3, 6], json!(2.4)),
        (1, "2020-01-01", by_unit("U1"), vec![3, 6, 8], json!(3.5)),
        (1, "2022-01-01", by_unit("U2"), vec![3], json!(3.5)),
        (8, "2022-01-01", by_distance, vec![6, 3], json!(2.4)),
    ] {
        let facts = &may_rise(&town, parcel, "2.0", &["--on", day])["facts"];
        let found: Vec<&Value> = facts["neighbours"].as_array().unwrap().iter().map(|one| &one["parcel"]).collect();
        let plots: Vec<Value> = plots.into_iter().map(|number| json!(parcel_code(number))).collect();
        assert_eq!(found, plots.iter().collect::<Vec<_>>(), "{parcel} {day}");
        assert_eq!((&facts["same_area"], &facts["neighbour_reference"]), (&area, &reference), "{parcel} {day}");
    }
}

#[tokio::test]
async fn a_supplement_with_a_higher_ratio_lifts_the_contract_and_a_new_plot_has_none_to_sign_again() {
    let town = town().await;
    let supplement = format!(
        "contract_no,parcel_code,kind,signed_on,term_years,performance_terms,plot_ratio_high,supplements\n\
         H1-S,{},grant,2024-01-01,11,1,2.0,H1\n",
        parcel_code(1)
    );
    town.takes("contracts", &town.file("s.csv", supplement));
    let cap = &may_rise(&town, 1, "2.0", &[])["facts"]["cap"];
    assert_eq!((&cap["contract"], &cap["binding"]), (&json!(2.0), &json!("plan")));
    assert_eq!(may_rise(&town, 1, "2.0", &["--on", "2023-12-31"])["facts"]["cap"]["contract"], 1.5);
    // A supplement of the supplement is one of the contract too.
    let further = format!(
        "contract_no,parcel_code,kind,signed_on,term_years,performance_terms,plot_ratio_high,supplements\n\
         H1-T,{},grant,2024-06-01,10,1,1.8,H1-S\n",
        parcel_code(1)
    );
    town.takes("contracts", &town.file("t.csv", further));
    assert_eq!(may_rise(&town, 1, "2.0", &["--on", "2024-06-01"])["facts"]["cap"]["contract"], 1.8);
    town.takes("parcels", &town.geojson("nine", &[parcel(9)]));
    let new = may_rise(&town, 9, "2.0", &[]);
    assert_eq!((&new["rule"], &new["facts"]["is_new"]), (&json!("new-plot"), &json!(true)));
    let codes: Vec<&Value> = new["requirements"].as_array().unwrap().iter().map(|one| &one["code"]).collect();
    assert_eq!(codes, ["set-in-project-procedure"]);
    let built = feature(
        &json!({"building_code": "A", "storeys": 1, "floor_area_m2": 10, "parcel_code": parcel_code(9)}),
        &square(121.5092, 31.1002, 121.5094, 31.1004),
    );
    town.takes("buildings", &town.geojson("b", &[built]));
    let existing = may_rise(&town, 9, "2.0", &[]);
    assert_eq!(existing["facts"]["is_new"], false);
    assert_eq!(
        existing["requirements"][1],
        json!({"code": "sign-contract-again", "contract": null,
        "words": existing["requirements"][1]["words"]}),
        "{existing}"
    );
}

#[tokio::test]
async fn what_cannot_be_asked_or_set_is_refused_and_nothing_is_changed() {
    let town = town().await;
    let before = town.contents().await;
    let (one, none) = (parcel_code(1), parcel_code(77));
    let refused: [(&[&str], &str); 6] = [
        (&["plot-ratio", "may", "--parcel", &none, "--to", "2"], "not law on"),
        (&["plot-ratio", "may", "--parcel", &one, "--to", "0"], "above 0"),
        (&["plot-ratio", "may", "--parcel", &one, "--to", "25"], "at most 20"),
        (
            &[
                "plot-ratio",
                "procedure",
                "--district",
                "310199",
                "--simplified",
                "yes",
                "--from",
                "2020-01-01",
                "--document",
                "D",
            ],
            "district of the register \"310199\"",
        ),
        (
            &[
                "plot-ratio",
                "procedure",
                "--district",
                "310115",
                "--simplified",
                "yes",
                "--from",
                "2020-01-01",
                "--document",
                " ",
            ],
            "--document",
        ),
        (
            &[
                "plot-ratio",
                "procedure",
                "--district",
                "310115",
                "--simplified",
                "yes",
                "--from",
                "2020-01-01",
                "--to",
                "2020-01-01",
                "--document",
                "D",
            ],
            "end after the beginning",
        ),
    ];
    for (arguments, said) in refused {
        let ended = town.run(arguments);
        assert_eq!(ended.status, Some(1), "{arguments:?}: {}", ended.said);
        assert!(ended.said.contains(said), "{arguments:?}: {}", ended.said);
    }
    let pool = &town.database.pool;
    for (body, status) in [
        (json!({"parcel": none, "to": 2}), StatusCode::NOT_FOUND),
        (json!({"parcel": one, "to": 0}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({"parcel": "x", "to": 2}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({"parcel": one}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({"parcel": one, "to": 2, "of": 1}), StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        assert_eq!(post(pool, "/api/v1/plot-ratio/verdict", &body).await.0, status, "{body}");
    }
    assert!(town.contents().await == before);
}

#[tokio::test]
async fn a_check_finds_plans_that_rose_above_a_contract_until_a_supplement_follows() {
    let town = town().await;
    let findings = |town: &Town| {
        let ended = town.run(&["check", "--only", "plot-ratio-above-contract"]);
        ended.answer["findings"].as_array().unwrap_or_else(|| panic!("{}", ended.said)).clone()
    };
    // Parcel 2 was contracted below its plan from the outset: no fault.
    let low = format!(
        "contract_no,parcel_code,kind,signed_on,term_years,performance_terms,plot_ratio_high\nH2,{},grant,2016-01-01,20,1,1.0\n",
        parcel_code(2)
    );
    town.takes("contracts", &town.file("h2.csv", low));
    town.takes("parcels", &town.geojson("two", &[plot(2, "M1", 2.0, "2015-01-01")]));
    assert_eq!(findings(&town), [] as [Value; 0]);
    town.takes("parcels", &town.geojson("rose", &[plot(1, "M1", 2.0, "2022-01-01")]));
    let found = findings(&town);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((&found[0]["key"], &found[0]["other"]), (&json!(parcel_code(1)), &json!("H1")));
    assert_eq!((&found[0]["severity"], &found[0]["figure"]), (&json!("warning"), &json!(0.5)));
    let supplement = format!(
        "contract_no,parcel_code,kind,signed_on,term_years,performance_terms,plot_ratio_high,supplements\n\
         H1-S,{0},grant,2022-02-01,13,1,1.6,H1\nH1-T,{0},grant,2022-03-01,13,1,2.0,H1-S\n",
        parcel_code(1)
    );
    town.takes("contracts", &town.file("s.csv", supplement));
    assert_eq!(findings(&town), [] as [Value; 0]);
}

#[tokio::test]
async fn what_districts_have_set_is_listed_page_by_page_as_the_command_lists_it() {
    let town = Town::settled().await;
    for (from, simplified) in [("2020-01-01", "yes"), ("2024-01-01", "no")] {
        let flags =
            ["--district", "310115", "--simplified", simplified, "--from", from, "--document", "浦规〔2020〕1号"];
        let ended = town.run(&[&["plot-ratio", "procedure"][..], &flags].concat());
        assert_eq!(ended.status, Some(0), "{}", ended.said);
    }
    let pool = &town.database.pool;
    let (status, served) = get(pool, "/api/v1/plot-ratio/procedures").await;
    let listed = town.run(&["plot-ratio", "procedures", "--district", "310115"]).answer;
    assert_eq!((status, &served["procedures"]), (StatusCode::OK, &listed), "{served}");
    let (_, first) = get(pool, "/api/v1/plot-ratio/procedures?limit=1").await;
    let next = first["next"].as_str().unwrap();
    let (_, rest) = get(pool, &format!("/api/v1/plot-ratio/procedures?limit=1&after={next}")).await;
    assert_eq!((&rest["procedures"][0], &rest["next"]), (&listed[1], &Value::Null), "{rest}");
    for wrong in ["district=310199", "limit=1001", "after=gone", "of=1"] {
        let (status, problem) = get(pool, &format!("/api/v1/plot-ratio/procedures?{wrong}")).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong} {problem}");
    }
    let said = town.run(&["plot-ratio", "procedures", "--district", "310199"]);
    assert_eq!((said.status, said.said.contains("310115")), (Some(1), true), "{said:?}");
}
