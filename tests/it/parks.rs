//! `landcycle park` from outside: a year of four parks weighed by hand, kept, replayed, listed and told; what can't be
//! evaluated is refused and stores nothing.

mod killed;
mod life;
mod standing;

use crate::plot_ratio::get;
use crate::review::{done, refused};
use crate::support::{Ended, Town, feature, lot, parcel_code, square};
use axum::http::StatusCode;
use serde_json::{Value, json};
use std::fs;

const COLUMNS: &str = "rank,park_code,name,year,score,stars,came_to,coverage,parcels,area_m2,area_mu,leading_industries,\
    output_wan_yuan_per_mu,tax_wan_yuan_per_mu,jobs_per_mu,investment_wan_yuan_per_mu,leading_share,output_ratio,\
    research_share,idle_share,d_share,floor_use,review_run_id,evaluation_id,scheme,as_of,receipt";

/// Four parks of five parcels of 10,000 m², which is 15 mu, with one enterprise each. P1 gives twice what P2 and P3 give;
/// P4 gives three tenths of it, in an industry that it does not lead with, and does no research.
async fn four_parks() -> Town {
    let town = Town::empty().await;
    let district = feature(&json!({"code": "310115", "name": "浦东新区"}), &square(121.4, 31.0, 121.7, 31.4));
    town.takes("districts", &town.geojson("districts", &[district]));
    let parks: Vec<Value> = (0..4)
        .map(|park| {
            let west = 121.5 + f64::from(park) * 0.005;
            let named = json!({"park_code": format!("P{}", park + 1), "name": format!("园区{}", park + 1),
                "district": "310115", "leading_industries": "39"});
            feature(&named, &square(west, 31.1, west + 0.005, 31.1009))
        })
        .collect();
    town.takes("parks", &town.geojson("parks", &parks));
    let parcels: Vec<Value> = (0..20)
        .map(|number| {
            let said = json!({"parcel_code": parcel_code(number), "land_use": "M1", "registered_area_m2": 10_000,
                "park": format!("P{}", number / 5 + 1)});
            feature(&said, &lot(number))
        })
        .collect();
    town.takes("parcels", &town.geojson("parcels", &parcels));
    let lines = |kind: &str, header: &str, rows: Vec<String>| {
        town.takes(kind, &town.file(&format!("{kind}.csv"), format!("{header}\n{}\n", rows.join("\n"))));
    };
    let industry = |number| if number / 5 == 3 { "2710" } else { "3911" };
    lines(
        "enterprises",
        "enterprise_code,name,industry",
        (0..20).map(|e| format!("E{e},厂{e},{}", industry(e))).collect(),
    );
    let uses = (0..20).map(|number| format!("{},E{number},owner,5000,2015-01-01", parcel_code(number)));
    lines("occupancies", "parcel_code,enterprise_code,role,floor_area_m2,from_on", uses.collect());
    let tenths = [20, 10, 10, 3];
    let returns = (0..20).flat_map(|e| {
        (2021..=2025).map(move |year| {
            let by = f64::from(tenths[e / 5]) / 10.0;
            let research = if e / 5 == 3 { 0.0 } else { 30.0 * by };
            format!(
                "E{e},{year},{},{},{},{},{},{research}",
                1500.0 * by,
                300.0 * by,
                45.0 * by,
                4500.0 * by,
                1500.0 * by
            )
        })
    });
    let header =
        "enterprise_code,year,output_wan_yuan,tax_wan_yuan,staff,fixed_assets_wan_yuan,revenue_wan_yuan,rd_wan_yuan";
    lines("returns", header, returns.collect());
    town
}

/// Evaluates a year as li.
fn evaluate(town: &Town, year: i32) -> Value {
    done(town, "li", &["park", "evaluate", "--year", &year.to_string(), "--out", "out"])
}

async fn receipts(town: &Town) -> Vec<(i64, String, String, String)> {
    let sql = "select evaluation, park, receipt_hash, receipt from park_result order by evaluation, park";
    sqlx::query_as(sql).fetch_all(&town.database.pool).await.unwrap()
}

#[tokio::test]
async fn a_year_comes_out_as_it_does_by_hand_and_the_same_order_changes_nothing() {
    let town = four_parks().await;
    let told = evaluate(&town, 2025);
    assert_eq!((&told["evaluation"], &told["repeated"], &told["parks"]), (&json!(1), &json!(false), &json!(4)));
    assert_eq!(told["by_stars"], json!([1, 0, 2, 0, 0, 1]));
    // Known are 80 of 100: no contract says what is idle, no review is published, no building is on record.
    // P1: 1.5 × (15 + 20 + 5 + 10) + 10 + 10 + 10 = 105 of 80. P4: 0.3 × 50 + 0 + 10 + 0 = 25 of 80.
    let shown = done(&town, "li", &["park", "show", "1"]);
    let found: Vec<[Value; 4]> = shown["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| ["park", "rank", "score", "came_to"].map(|name| one[name].clone()))
        .collect();
    let expected = [
        [json!("P1"), json!(1), json!(131.25), json!("passed")],
        [json!("P2"), json!(2), json!(100.0), json!("passed")],
        [json!("P3"), json!(2), json!(100.0), json!("passed")],
        [json!("P4"), json!(4), json!(31.25), json!("failed")],
    ];
    assert_eq!(found, expected);
    assert_eq!(
        (&shown["state"], &shown["made_by"], &shown["as_of"]),
        (&json!("draft"), &json!("li"), &json!("2025-12-31"))
    );

    let before = town.contents().await;
    let again = done(&town, "wang", &["park", "evaluate", "--year", "2025", "--out", "again"]);
    assert_eq!((&again["evaluation"], &again["repeated"]), (&json!(1), &json!(true)));
    assert_eq!(town.contents().await, before, "no evaluation, no revision, no audit entry");
    for name in ["park-evaluation.csv", "park-evaluation.xlsx", "park-evaluation.geojson", "park-evaluation.gpkg"] {
        let of = |folder: &str| fs::read(town.folder().join(folder).join(name)).unwrap();
        assert!(of("out") == of("again"), "{name} differs");
    }
    let csv = String::from_utf8(fs::read(town.folder().join("out/park-evaluation.csv")).unwrap()).unwrap();
    let mut lines = csv.strip_prefix('\u{feff}').unwrap().lines();
    assert_eq!(lines.next(), Some(COLUMNS));
    let first = lines.next().unwrap();
    assert!(
        first.starts_with("1,P1,园区1,2025,131.25,5,passed,0.8,5,50000,75,39,200,40,6,600,1,1,0.02,,,,"),
        "{first}"
    );
    let shapes: Value =
        serde_json::from_slice(&fs::read(town.folder().join("out/park-evaluation.geojson")).unwrap()).unwrap();
    assert_eq!(shapes["features"].as_array().unwrap().len(), 4);
    assert_eq!(shapes["features"][0]["geometry"]["type"], "Polygon");

    // Other facts are another evaluation; what was kept stays.
    let more = "update annual_return set tax_wan_yuan = tax_wan_yuan * 2 where enterprise = 'E15' and year = 2025";
    sqlx::query(more).execute(&town.database.pool).await.unwrap();
    assert_eq!(evaluate(&town, 2025)["evaluation"], json!(2));
    let kept = receipts(&town).await;
    assert!(kept.len() == 8 && kept[3].3 != kept[7].3);
    for (_, _, hash, receipt) in &kept {
        assert_eq!(hash, &landcycle::domain::review::receipt::hash(receipt.as_bytes()));
    }
}

#[tokio::test]
async fn grades_of_the_published_review_buildings_and_contracts_make_the_other_three_figures_known() {
    let town = four_parks().await;
    let rows = (0..20).map(|number| format!("B{number},{},2,{}", parcel_code(number), 4000 + 100 * number));
    let buildings =
        format!("building_code,parcel_code,storeys,floor_area_m2\n{}\n", rows.collect::<Vec<_>>().join("\n"));
    town.takes("buildings", &town.file("buildings.csv", buildings));
    sqlx::query("update parcel_version set plot_ratio_allowed = 2").execute(&town.database.pool).await.unwrap();
    // Two of the five parcels of P4 should have begun in 2020; nothing is built on one of them.
    sqlx::query("update building set recorded = tstzrange(lower(recorded), now()) where parcel = $1")
        .bind(parcel_code(19))
        .execute(&town.database.pool)
        .await
        .unwrap();
    sqlx::query("delete from occupancy where parcel = $1")
        .bind(parcel_code(19))
        .execute(&town.database.pool)
        .await
        .unwrap();
    let contracts = format!(
        "contract_no,parcel_code,kind,signed_on,term_years,performance_terms\nH1,{},grant,2019-06-01,20,1\nH2,{},grant,2019-06-01,20,1\n",
        parcel_code(18),
        parcel_code(19)
    );
    town.takes("contracts", &town.file("contracts.csv", contracts));
    let duties = "obligation_no,contract_no,kind,due_on\nO1,H1,start,2020-06-01\nO2,H2,start,2020-06-01\n";
    town.takes("obligations", &town.file("obligations.csv", duties));
    done(&town, "li", &["review", "run", "--as-of", "2025-12-31", "--out", "out"]);
    assert_eq!(evaluate(&town, 2025)["review_run"], Value::Null, "a draft is no ground");
    done(&town, "wang", &["review", "publish", "1"]);
    let told = evaluate(&town, 2025);
    assert_eq!((&told["evaluation"], &told["review_run"]), (&json!(2), &json!(1)));
    let explained = done(&town, "li", &["park", "explain", "2", "P4"]);
    let facts = &explained["receipt"]["facts"];
    assert_eq!((&facts["idle_m2"], &facts["land_m2"]), (&json!(10_000), &json!(50_000)), "built on is not idle");
    assert_eq!((&facts["floor_m2"], &facts["allowed_floor_m2"]), (&json!(22_600), &json!(100_000)));
    let graded: f64 = facts["judged_m2"].as_f64().unwrap();
    let judged = "select count(*)::float8 * 10000 from review_result where run_id = 1 and grade <> 'T'
        and right(parcel, 2)::int >= 15";
    assert_eq!(graded, town.value::<f64>(judged).await);
    // The idle-land rules speak of no land without a contract.
    let other = done(&town, "li", &["park", "explain", "2", "P1"]);
    assert_eq!((&other["receipt"]["facts"]["idle_m2"], &other["receipt"]["review_run"]), (&Value::Null, &json!(1)));
    // A review that judges a later day is not looked at, unless a later day is asked for.
    let earlier = done(&town, "li", &["park", "evaluate", "--year", "2024", "--out", "out"]);
    assert_eq!(earlier["review_run"], Value::Null);
    let later = ["park", "evaluate", "--year", "2024", "--as-of", "2026-03-31", "--out", "out"];
    assert_eq!(done(&town, "li", &later)["review_run"], json!(1));
}

#[tokio::test]
async fn a_result_is_told_in_both_languages_and_an_evaluation_comes_out_byte_by_byte_again() {
    let town = four_parks().await;
    evaluate(&town, 2025);
    let told = done(&town, "li", &["park", "explain", "1", "P4"]);
    assert_eq!((&told["score"], &told["stars"]), (&json!(31.25), &json!(0)));
    let (zh, en) = (told["zh"].to_string(), told["en"].to_string());
    for (chinese, english) in [
        ("园区 P4 2025 年度评价 31.25 分", "Park P4 scores 31.25 for 2025"),
        (
            "地均税收 6.00 万元/亩，各园区中位数 20.00 万元/亩，得 6.00 分",
            "tax per land: 6.00 wan yuan/mu against a median of 20.00",
        ),
        ("闲置土地占比：未知", "idle land: unknown"),
        ("低于 60.00 分，本年度不合格", "Below 60.00: the year failed"),
    ] {
        assert!(zh.contains(chinese) && en.contains(english), "{chinese}\n{zh}\n{en}");
    }
    let text = town.command().args(["park", "explain", "1", "P4", "--lang", "en"]).output().unwrap();
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("Park P4") && !text.contains("园区"), "{text}");

    sqlx::query("update annual_return set tax_wan_yuan = 1").execute(&town.database.pool).await.unwrap();
    let before = town.contents().await;
    let again = done(&town, "wang", &["park", "replay", "1"]);
    assert_eq!(
        (&again["parks"], &again["facts_are_whole"], &again["different"]),
        (&json!(4), &json!(true), &json!([]))
    );
    assert_eq!(town.contents().await, before, "a replay stores nothing");

    // Touched from outside, past every guard: found out.
    let touch = "alter table park_result disable trigger park_result_append_only;
        update park_result set receipt = replace(receipt, '\"stars\":0', '\"stars\":5') where park = 'P4'";
    sqlx::raw_sql(touch).execute(&town.database.pool).await.unwrap();
    refused(
        &town,
        "wang",
        &["park", "replay", "1"],
        &["not-as-kept", "1 of 4", "P4 (the kept text has another hash)", "stars"],
    )
    .await;
    sqlx::query("delete from park_result where park = 'P4'").execute(&town.database.pool).await.unwrap();
    refused(&town, "wang", &["park", "replay", "1"], &["not-as-kept", "taken away"]).await;
    sqlx::query("update park_scheme set source = source || ' '").execute(&town.database.pool).await.unwrap();
    refused(&town, "wang", &["park", "replay", "1"], &["no longer what they were"]).await;
}

#[tokio::test]
async fn what_cannot_be_evaluated_is_refused_with_a_code_and_stores_nothing() {
    let town = Town::settled().await;
    let order = |year: &'static str, more: &[&'static str]| {
        [&["park", "evaluate", "--out", "out", "--year", year], more].concat()
    };
    refused(&town, "li", &order("2025", &[]), &["no-parks", "import parks first"]).await;
    assert!(!town.folder().join("out").exists(), "no folder is left behind");
    let town = four_parks().await;
    town.file(
        "short.toml",
        include_str!("../../data/park_schemes/default.toml").replacen("weight = 15", "weight = 14", 1),
    );
    for (arguments, words) in [
        (order("2026", &[]), ["year-not-over", "2026-12-31"]),
        (order("2090", &[]), ["year-not-over", "2090-12-31"]),
        (order("1900", &[]), ["no-such-year", "1950"]),
        (order("2025", &["--as-of", "2025-12-30"]), ["day-before-year-end", "2025-12-30"]),
        (order("2025", &["--scheme", "beauty"]), ["there is no scheme \"beauty\"", "default"]),
        (order("2025", &["--scheme", "short.toml"]), ["short.toml", "weights make 99"]),
    ] {
        refused(&town, "li", &arguments, &words).await;
    }
    evaluate(&town, 2025);
    refused(&town, "li", &["park", "explain", "1", "P9"], &["no-such-park", "P9", "park show 1"]).await;
    for verb in ["show", "replay"] {
        refused(&town, "li", &["park", verb, "7"], &["no-such-evaluation", "park list"]).await;
    }
}

#[tokio::test]
async fn a_bureau_keeps_schemes_for_parks_of_its_own_beside_those_that_ship() {
    let town = four_parks().await;
    let rules = town.folder().join("rules");
    fs::create_dir_all(rules.join("park_schemes")).unwrap();
    let own = include_str!("../../data/park_schemes/default.toml").replacen("\"default\"", "\"district\"", 1);
    fs::write(rules.join("park_schemes/district.toml"), &own).unwrap();
    let rules = rules.to_str().unwrap();
    let order = ["--rules", rules, "park", "evaluate", "--year", "2025", "--scheme", "district", "--out", "out"];
    assert_eq!(done(&town, "li", &order)["scheme"], "district@2026.1");
    fs::write(town.folder().join("rules/park_schemes/district.toml"), own.replacen("cap = 1.5", "cap = 0.5", 1))
        .unwrap();
    let ended = town.run(&order);
    assert!(ended.status == Some(2) && ended.said.contains("district.toml"), "{ended:?}");
}

#[tokio::test]
async fn parks_and_evaluations_are_read_over_http_as_the_command_line_tells_them() {
    let town = four_parks().await;
    evaluate(&town, 2025);
    done(&town, "wang", &["park", "publish", "1", "--document", "通报1"]);
    done(&town, "li", &["park", "apply", "P1", "--document", "一号", "--on", "2026-01-05"]);
    let pool = &town.database.pool;
    let ok = async |path: &str| {
        let (status, answer) = get(pool, path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        answer
    };
    let listed = ok("/api/v1/parks/evaluations").await;
    assert_eq!(listed["evaluations"], done(&town, "li", &["park", "list"]));
    assert_eq!(ok("/api/v1/parks/evaluations/1").await, done(&town, "li", &["park", "show", "1"]));
    let explained = ok("/api/v1/parks/evaluations/1/results/P4").await;
    assert_eq!(explained, done(&town, "li", &["park", "explain", "1", "P4"]));
    assert_eq!(ok("/api/v1/parks").await["parks"], done(&town, "li", &["park", "standing"]));
    let park = ok("/api/v1/parks/P1").await;
    assert_eq!(park, done(&town, "li", &["park", "standing", "P1"]));
    assert_eq!((&park["life"], &park["life_moves"][0]["document"]), (&json!("applied"), &json!("一号")));
    let mut seen = Vec::new();
    let mut path = "/api/v1/parks?limit=3".to_owned();
    loop {
        let page = ok(&path).await;
        seen.extend(page["parks"].as_array().unwrap().iter().map(|one| one["park"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/v1/parks?limit=3&after={next}");
    }
    assert_eq!(seen, ["P1", "P2", "P3", "P4"]);
    for (path, status) in [
        ("/api/v1/parks/P9", StatusCode::NOT_FOUND),
        ("/api/v1/parks/evaluations/9", StatusCode::NOT_FOUND),
        ("/api/v1/parks/evaluations/x", StatusCode::NOT_FOUND),
        ("/api/v1/parks/evaluations/1/results/P9", StatusCode::NOT_FOUND),
        ("/api/v1/parks?beauty=1", StatusCode::UNPROCESSABLE_ENTITY),
        ("/api/v1/parks?after=P9", StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        assert_eq!(get(pool, path).await.0, status, "{path}");
    }
}

#[tokio::test]
async fn the_demo_evaluates_its_parks_and_a_second_run_of_it_changes_nothing() {
    let town = Town::empty().await;
    let run = || {
        let mut command = town.command();
        command.env("LANDCYCLE_HOME", town.folder().join("home"));
        command.args(["--json", "demo", "run", "--parcels", "600", "--no-serve"]);
        let ended = Ended::of(&command.output().unwrap());
        assert_eq!(ended.status, Some(0), "{}", ended.said);
        ended.answer
    };
    let first = run();
    let told = &first["park_evaluation"];
    assert_eq!((&told["year"], &told["repeated"], &first["repeated"]), (&json!(2025), &json!(false), &json!(false)));
    let (parks, judged) = (told["parks"].as_u64().unwrap(), told["judged"].as_u64().unwrap());
    assert!(parks >= 4 && judged * 2 > parks, "{told}");
    assert!(town.folder().join("out/park-evaluation.xlsx").exists());
    let before = town.contents().await;
    assert_eq!(run()["park_evaluation"]["repeated"], json!(true));
    assert_eq!(town.contents().await, before);
    // Whoever tries the city out may publish that year, and the demo goes on.
    done(&town, "wang", &["park", "publish", "1", "--document", "通报"]);
    assert_eq!(run()["run"], first["run"]);
}
