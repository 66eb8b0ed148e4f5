//! The plot-ratio ledger: where buildings stand, what of their floor area counts where, and what plans leave unused.

pub mod rise;

use crate::support::{Town, feature, parcel, parcel_code, square};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use http_body_util::BodyExt;
use landcycle::atlas::Atlas;
use landcycle::http::{App, router};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use sqlx::PgPool;
use std::path::PathBuf;
use std::sync::Arc;
use tower::ServiceExt;

/// Asks the service over a register.
pub async fn get(pool: &PgPool, path: &str) -> (StatusCode, Value) {
    let today = || NaiveDate::from_ymd_opt(2026, 6, 30).unwrap();
    let app = App { atlas: Arc::new(Atlas::empty()), pool: pool.clone(), today: Arc::new(today) };
    let request = Request::get(path).header("host", "localhost").body(Body::empty()).unwrap();
    let (head, body) = router(app).oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (head.status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

/// A building of 1,000 m² on two storeys; columns that are null are left out.
fn building(code: &str, on: Option<u32>, shape: &Value) -> Value {
    let mut properties = json!({"building_code": code, "storeys": 2, "floor_area_m2": 1000});
    if let Some(number) = on {
        properties["parcel_code"] = parcel_code(number).into();
    }
    feature(&properties, shape)
}

/// A town in which parcel 1 may be built to 2.0, parcel 2 to 0.1 and parcel 3 has no plan; all have 10,000 m² by register.
async fn planned() -> Town {
    let town = Town::settled().await;
    let of = |number: u32, ratio: Option<f64>| {
        let mut one = parcel(number);
        one["properties"]["registered_area_m2"] = json!(10_000);
        one["properties"]["plot_ratio_allowed"] = json!(ratio);
        one
    };
    town.takes("parcels", &town.geojson("planned", &[of(1, Some(2.0)), of(2, Some(0.1)), of(3, None)]));
    town
}

fn codes(receipt: &Value) -> Vec<(u64, &str)> {
    let findings = receipt["findings"].as_array().unwrap();
    findings.iter().map(|one| (one["row"].as_u64().unwrap(), one["code"].as_str().unwrap())).collect()
}

const PARTS: &str = "select format('%s %s %s', b.code, right(p.code, 1), round(t.share::numeric, 3))
    from building_part t join building b on b.id = t.building_id join parcel p on p.id = t.parcel_id
    where upper_inf(t.recorded) and upper_inf(b.recorded) order by b.code, p.code";

/// From the middle of lot 1 to the middle of lot 2, with the gap of a tenth of a lot between them.
fn straddling() -> Value {
    square(121.501_45, 31.1002, 121.502_45, 31.1004)
}

#[tokio::test]
async fn a_straddling_building_is_shared_by_footprint_and_its_shares_sum_to_the_whole() {
    let town = planned().await;
    let half = square(121.5016, 31.1, 121.5023, 31.1002);
    let receipt = town.takes(
        "buildings",
        &town.geojson("b", &[building("A", Some(1), &straddling()), building("B", Some(2), &half)]),
    );
    assert_eq!(receipt["warnings"], 0, "it stands on the parcel that it is said to stand on, too: {receipt}");
    // A: 0.00045° on lot 1, 0.00045° on lot 2. B: 0.0003° and 0.0003°.
    assert_eq!(town.values::<String>(PARTS).await, ["A 1 0.500", "A 2 0.500", "B 1 0.500", "B 2 0.500"]);
    let third = square(121.5013, 31.1, 121.502_29, 31.1002);
    town.takes("buildings", &town.geojson("b2", &[building("B", Some(2), &third)]));
    assert_eq!(town.values::<String>(PARTS).await, ["A 1 0.500", "A 2 0.500", "B 1 0.674", "B 2 0.326"]);
    let measured = "select max(abs(t.footprint_m2 / st_area(b.geom::geography) - t.share * 0.89 / 0.99))
        from building_part t join building b on b.id = t.building_id and b.code = 'B' and upper_inf(b.recorded)";
    assert!(town.value::<f64>(measured).await < 1e-4, "footprints are geodesic");
}

#[tokio::test]
async fn buildings_imported_once_join_parcels_by_their_outline() {
    let town = planned().await;
    let inside = |number: u32| {
        let west = 121.5 + f64::from(number) * 0.001 + 0.0002;
        square(west, 31.1002, west + 0.0003, 31.1005)
    };
    let file = town.geojson("b", &[building("A", None, &inside(1)), building("B", None, &inside(4))]);
    let receipt = town.takes("buildings", &file);
    assert_eq!(codes(&receipt), [(2, "building-on-no-parcel")]);
    assert_eq!(town.values::<String>(PARTS).await, ["A 1 1.000"]);
    let ledger = town.run(&["ledger", "plot-ratio"]).answer;
    assert_eq!(
        (&ledger["floor_on_no_parcel_m2"], &ledger["total"]["built"]["floor_m2"]),
        (&json!(1000.0), &json!(1000.0))
    );
    // The parcel comes later, and nobody imports the building again.
    town.takes("parcels", &town.geojson("four", &[parcel(4)]));
    assert_eq!(town.values::<String>(PARTS).await, ["A 1 1.000", "B 4 1.000"]);
    assert_eq!(town.run(&["ledger", "plot-ratio"]).answer["floor_on_no_parcel_m2"], 0.0);
    assert_eq!(town.tally("buildings", &file), [2, 0, 2, 0]);
}

#[tokio::test]
async fn a_building_said_to_stand_on_another_parcel_counts_where_its_outline_lies_and_is_said() {
    let town = planned().await;
    let on_one = square(121.5012, 31.1002, 121.5015, 31.1005);
    let nowhere = square(121.6, 31.2, 121.6001, 31.2001);
    let file = town.geojson("b", &[building("A", Some(2), &on_one), building("B", Some(3), &nowhere)]);
    let receipt = town.takes("buildings", &file);
    assert_eq!(codes(&receipt), [(1, "building-on-another-parcel"), (2, "outline-on-no-parcel")]);
    let facts = &receipt["findings"][0]["facts"];
    assert_eq!(facts["value"], parcel_code(2));
    assert!(facts["expected"].as_str().unwrap().starts_with(&parcel_code(1)), "{facts}");
    assert_eq!(town.values::<String>(PARTS).await, ["A 1 1.000", "B 3 1.000"]);
}

#[tokio::test]
async fn a_building_without_outline_stands_on_the_parcel_named_and_one_without_either_is_refused() {
    let town = planned().await;
    let rows = format!("building_code,parcel_code,storeys,floor_area_m2\nA,{},1,70\nB,,1,80\n", parcel_code(2));
    let ended = town.import("buildings", &[town.file("b.csv", rows)], &[]);
    assert_eq!((ended.status, ended.tally()), (Some(0), [2, 1, 0, 1]));
    let finding = &ended.answer["findings"][0];
    assert_eq!(
        (&finding["key"], &finding["code"], &finding["facts"]["field"]),
        (&json!("B"), &json!("missing-value"), &json!("parcel_code"))
    );
    assert_eq!(town.values::<String>(PARTS).await, ["A 2 1.000"]);
    let bare = town.file("bare.csv", "building_code,storeys,floor_area_m2\nC,1,80\n");
    assert_eq!(town.tally("buildings", &bare), [1, 0, 0, 1]);
}

#[tokio::test]
async fn a_parcel_whose_outline_is_corrected_takes_its_buildings_along_and_the_earlier_parts_stay_known() {
    let town = planned().await;
    town.takes("buildings", &town.geojson("b", &[building("A", None, &straddling())]));
    let before: DateTime<Utc> = town.value("select recorded_at from revision order by id desc limit 1").await;
    let mut narrow = parcel(1);
    narrow["geometry"] = square(121.501, 31.1, 121.5014, 31.1009);
    town.takes("parcels", &town.geojson("narrow", &[narrow]));
    assert_eq!(town.values::<String>(PARTS).await, ["A 2 1.000"]);
    let path = format!("/api/v1/parcels/{}", parcel_code(1));
    let (_, now) = get(&town.database.pool, &path).await;
    assert_eq!((&now["buildings"]["count"], &now["buildings"]["floor_area_m2"]), (&json!(0), &Value::Null));
    let then = format!("{path}?known_at={}", before.to_rfc3339_opts(SecondsFormat::Micros, true));
    let (status, then) = get(&town.database.pool, &then).await;
    assert_eq!(status, StatusCode::OK, "{then}");
    assert_eq!((&then["buildings"]["count"], &then["buildings"]["floor_area_m2"]), (&json!(1), &json!(500.0)));
}

#[tokio::test]
async fn any_building_is_shared_without_remainder() {
    let town = Town::settled().await;
    let parcels: Vec<Value> = [1, 2, 3, 101, 102, 103, 201, 202, 203].map(parcel).to_vec();
    town.takes("parcels", &town.geojson("nine", &parcels));
    let mut runner = TestRunner::deterministic();
    let boxes = (121.5005f64..121.5035, 31.0995f64..31.1025, 0.00002f64..0.002, 0.00002f64..0.002, 1u32..1_000_000);
    let drawn: Vec<_> = (0..300).map(|_| boxes.new_tree(&mut runner).unwrap().current()).collect();
    let buildings: Vec<Value> = drawn
        .iter()
        .enumerate()
        .map(|(number, (west, south, wide, high, floor))| {
            let mut one = building(&format!("B{number:03}"), None, &square(*west, *south, west + wide, south + high));
            one["properties"]["floor_area_m2"] = json!(f64::from(*floor) / 100.0);
            one
        })
        .collect();
    town.takes("buildings", &town.geojson("b", &buildings));
    let off = "select count(*) from (select building_id, sum(share) as s from building_part group by 1) x where abs(s - 1) > 1e-12";
    assert_eq!(town.value::<i64>(off).await, 0);
    assert!(town.value::<i64>("select count(*) from building_part").await > 400, "many straddle");
    let least = town.value::<f64>("select min(share) from building_part").await;
    assert!(least >= 0.01, "a hair of overlap is no part: {least}");
    let ledger = town.run(&["ledger", "plot-ratio", "--by", "tier"]).answer;
    let told =
        ledger["total"]["built"]["floor_m2"].as_f64().unwrap() + ledger["floor_on_no_parcel_m2"].as_f64().unwrap();
    let all = drawn.iter().map(|one| f64::from(one.4) / 100.0).sum::<f64>();
    assert!((told - all).abs() < 0.02, "{told} {all}");
}

fn floors(town: &Town, rows: &[(u32, f64, Option<f64>, Option<f64>)]) -> PathBuf {
    let cell = |number: Option<f64>| number.map(|number| number.to_string()).unwrap_or_default();
    let lines: String = rows
        .iter()
        .map(|(on, floor, used, vacant)| {
            format!("F{on},{},3,{floor},{},{}\n", parcel_code(*on), cell(*used), cell(*vacant))
        })
        .collect();
    town.file(
        "floors.csv",
        format!("building_code,parcel_code,storeys,floor_area_m2,used_floor_area_m2,vacant_floor_area_m2\n{lines}"),
    )
}

#[tokio::test]
async fn the_groups_of_the_ledger_have_figures_of_their_own_that_sum_to_the_whole() {
    let town = planned().await;
    let park = |code: &str, west: f64| {
        feature(
            &json!({"park_code": code, "name": code, "district": "310115"}),
            &square(west, 31.0999, west + 0.001, 31.101),
        )
    };
    town.takes("parks", &town.geojson("parks", &[park("P1", 121.500_95), park("P2", 121.501_95)]));
    let base = json!({"zone_code": "Z1", "name": "基地", "tier": "base", "valid_from": "2020-01-01"});
    town.takes("zones", &town.geojson("zones", &[feature(&base, &square(121.500_95, 31.0999, 121.501_95, 31.101))]));
    let of = |number: u32, park: &str, ratio: f64| {
        let mut one = parcel(number);
        one["properties"]["registered_area_m2"] = json!(10_000);
        one["properties"]["plot_ratio_allowed"] = json!(ratio);
        one["properties"]["park"] = json!(park);
        one
    };
    town.takes("parcels", &town.geojson("parked", &[of(1, "P1", 2.0), of(2, "P2", 0.1)]));
    town.takes("buildings", &floors(&town, &[(1, 12_000.0, None, None), (2, 4_000.0, None, None)]));
    for (by, first, second) in [("park", "P1", "P2"), ("tier", "base", "fragmented")] {
        let ended = town.run(&["ledger", "plot-ratio", "--by", by]);
        let rows = ended.answer["rows"].as_array().unwrap();
        let of =
            |code: &str| rows.iter().find(|row| row["code"] == code).unwrap_or_else(|| panic!("{code}: {ended:?}"));
        let figures = |row: &Value| (row["unused_m2"].clone(), row["over_m2"].clone(), row["balance_m2"].clone());
        assert_eq!(figures(of(first)), (json!(8_000.0), json!(0.0), json!(8_000.0)), "{by}");
        assert_eq!(figures(of(second)), (json!(0.0), json!(3_000.0), json!(-3_000.0)), "{by}");
    }
    let ended = town.run(&["ledger", "plot-ratio", "--by", "district"]);
    assert_eq!(ended.answer["rows"][0]["balance_m2"], json!(5_000.0), "what the parks and the tiers sum to: {ended:?}");
}

#[tokio::test]
async fn the_ledger_gives_the_unused_capacity_of_each_parcel_park_tier_and_district() {
    let town = planned().await;
    town.takes(
        "buildings",
        &floors(&town, &[(1, 12_000.0, None, None), (2, 4_000.0, None, None), (3, 500.0, None, None)]),
    );
    let contract = format!(
        "contract_no,parcel_code,kind,signed_on,term_years,performance_terms,plot_ratio_low,plot_ratio_high\nH2,{},grant,2016-01-01,20,1,0.8,1.5\n",
        parcel_code(1)
    );
    town.takes("contracts", &town.file("h2.csv", contract));
    let by_parcel = town.run(&["ledger", "plot-ratio", "--by", "parcel"]).answer;
    let [one, two, three] = &by_parcel["rows"].as_array().unwrap()[..] else { panic!("{by_parcel}") };
    assert_eq!((&one["built"]["plot_ratio"], &one["allowed"]["plot_ratio"]), (&json!(1.2), &json!(2.0)));
    assert_eq!(
        (&one["contracted_low"]["plot_ratio"], &one["contracted_high"]["plot_ratio"]),
        (&json!(0.8), &json!(1.5))
    );
    assert_eq!((&one["reference"]["plot_ratio"], &one["balance_m2"]), (&json!(2.0), &json!(8_000.0)));
    assert_eq!((&two["balance_m2"], &two["over_m2"]), (&json!(-3_000.0), &json!(3_000.0)), "built beyond the plan");
    assert_eq!((&three["balance_m2"], &three["unused_m2"]), (&Value::Null, &Value::Null), "unknown, never zero");
    for by in ["park", "tier", "district"] {
        let ended = town.run(&["ledger", "plot-ratio", "--by", by]);
        let [row] = &ended.answer["rows"].as_array().unwrap()[..] else { panic!("{ended:?}") };
        let code = match by {
            "park" => Value::Null,
            "tier" => json!("fragmented"),
            _ => json!("310115"),
        };
        assert_eq!((&row["code"], &row["parcels"], &row["judged_parcels"]), (&code, &json!(3), &json!(2)));
        assert_eq!(
            (&row["unused_m2"], &row["over_m2"], &row["balance_m2"]),
            (&json!(8_000.0), &json!(3_000.0), &json!(5_000.0))
        );
        assert_eq!((&row["built"]["plot_ratio"], &row["built"]["known_parcels"]), (&json!(0.55), &json!(3)));
    }
    let (status, page) = get(&town.database.pool, "/api/v1/plot-ratio?by=parcel&limit=2").await;
    assert_eq!(
        (status, page["rows"].as_array().unwrap().len(), &page["next"]),
        (StatusCode::OK, 2, &json!(parcel_code(2)))
    );
    let (_, rest) =
        get(&town.database.pool, &format!("/api/v1/plot-ratio?by=parcel&limit=2&after={}", parcel_code(2))).await;
    assert_eq!((&rest["rows"][0], &rest["next"], &rest["total"]), (three, &Value::Null, &by_parcel["total"]));
    let table = town.command().args(["ledger", "plot-ratio"]).output().unwrap();
    let table = String::from_utf8(table.stdout).unwrap();
    for words in ["land 万m²", "unused 万m²", "浦东新区", "0.80", "no cap"] {
        assert!(table.contains(words), "{words}: {table}");
    }
}

#[tokio::test]
async fn a_ledger_by_something_else_or_of_no_district_is_refused() {
    let town = planned().await;
    let wrong = town.run(&["ledger", "plot-ratio", "--by", "street"]);
    assert!(wrong.status == Some(2) && wrong.said.contains("parcel, park, tier, district"), "{wrong:?}");
    let none = town.run(&["ledger", "plot-ratio", "--district", "310199"]);
    assert!(none.status == Some(1) && none.said.contains("310199"), "{none:?}");
    for path in ["/api/v1/plot-ratio?by=street", "/api/v1/plot-ratio?limit=1001", "/api/v1/plot-ratio?to=1"] {
        let (status, problem) = get(&town.database.pool, path).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{path}: {problem}");
    }
}

#[tokio::test]
async fn the_use_of_floor_area_is_kept_as_parts_that_sum_to_a_checked_total() {
    let town = planned().await;
    // As told of a works: 280,000 m² of plant, 23,000 used and 193,000 idle.
    let receipt = town.takes(
        "buildings",
        &floors(&town, &[(1, 280e3, Some(23e3), Some(193e3)), (2, 100.0, Some(60.0), None), (3, 50.0, None, None)]),
    );
    assert_eq!(receipt["warnings"], 0);
    let (_, dossier) = get(&town.database.pool, &format!("/api/v1/parcels/{}", parcel_code(1))).await;
    assert_eq!(
        dossier["buildings"]["floor_use"],
        json!({"used_m2": 23_000.0, "vacant_m2": 193_000.0, "unexplained_m2": 64_000.0})
    );
    let total = &town.run(&["ledger", "plot-ratio"]).answer["total"];
    let parts = ["used_m2", "vacant_m2", "unexplained_m2"].map(|part| total[part].as_f64().unwrap());
    assert_eq!(parts, [23_060.0, 193_040.0, 64_050.0]);
    assert_eq!(parts.iter().sum::<f64>(), total["built"]["floor_m2"].as_f64().unwrap());
    let ended = town.import(
        "buildings",
        &[floors(&town, &[(1, 100.0, Some(60.0), Some(41.0)), (2, 5.0, None, Some(6.0))])],
        &[],
    );
    assert_eq!(codes(&ended.answer), [(1, "parts-exceed-whole"), (2, "part-exceeds-whole")]);
}

#[tokio::test]
async fn a_storey_over_eight_metres_counts_twice_only_if_the_rule_says_so() {
    let town = planned().await;
    let rows = format!(
        "building_code,parcel_code,storeys,storey_height_m,floor_area_m2\nA,{0},1,9,100\nB,{0},1,8,10\nC,{0},1,,1\n",
        parcel_code(1)
    );
    town.takes("buildings", &town.file("b.csv", rows));
    let ledger = town.run(&["ledger", "plot-ratio"]).answer;
    assert_eq!(
        (&ledger["total"]["built"]["floor_m2"], &ledger["tall_storey_counts_twice_above_m"]),
        (&json!(111.0), &Value::Null)
    );
    let day = NaiveDate::from_ymd_opt(2026, 6, 30).unwrap();
    let on = landcycle::store::plot_ratio::read(&town.database.pool, day, Some(8.0), None).await.unwrap();
    let built: Vec<f64> = on.entries.iter().filter_map(|entry| Some(entry.floor?.built.value())).collect();
    assert_eq!((built, on.floor_on_record.value()), (vec![211.0], 211.0));
}

#[tokio::test]
async fn the_ledger_shows_the_built_plot_ratios_of_cambridge() {
    let Some(folder) = crate::exchange::acceptance() else { return };
    let files = [folder.join("real/cambridge_ma/derived_cambridge_parcels_fy2014_joined.gpkg")];
    let town = Town::empty().await;
    let parcels = town.import("parcels", &files, &["--map", "cambridge", "--repair"]);
    let buildings = town.import("buildings", &files, &["--map", "cambridge-buildings"]);
    assert_eq!((parcels.status, buildings.status), (Some(0), Some(0)), "{} {}", parcels.said, buildings.said);
    let ledger = town.run(&["ledger", "plot-ratio", "--by", "parcel"]).answer;
    // Assessed floor area over assessed land, both in square feet: industry, research and warehouses.
    for (key, land, floor) in [
        ("10-16", 60_000.000_073_2, 146_888.0),
        ("129-58", 52_061.000_151_6, 100_548.0),
        ("13-21", 168_162.000_019_2, 88_660.0),
        ("261-167", 97_760.000_012_4, 2_640.0),
    ] {
        let sql = "select p.code from parcel p join parcel_version v on v.parcel_id = p.id
            where v.source_id = $1 and upper_inf(v.recorded)";
        let code: String = sqlx::query_scalar(sql).bind(key).fetch_one(&town.database.pool).await.unwrap();
        let row = ledger["rows"].as_array().unwrap().iter().find(|row| row["code"] == code.as_str()).unwrap();
        let ratio = row["built"]["plot_ratio"].as_f64().unwrap();
        assert!((ratio - floor / land).abs() < 1e-4, "{key}: {row}");
        assert_eq!(
            (&row["allowed"]["plot_ratio"], &row["balance_m2"]),
            (&Value::Null, &Value::Null),
            "the city's files name none"
        );
    }
    let total = &ledger["total"];
    let stored = "select sum(floor_area_m2) from building where upper_inf(recorded)";
    let floor = total["built"]["floor_m2"].as_f64().unwrap() + ledger["floor_on_no_parcel_m2"].as_f64().unwrap();
    assert!((floor - town.value::<f64>(stored).await).abs() < 0.1, "{floor}");
    assert!(total["parcels"].as_u64().unwrap() > 12_900 && total["judged_parcels"] == 0, "{total}");
}
