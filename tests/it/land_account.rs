//! The land account: industrial land at the end of a year as law was then, and how it stands to figures of its own series.

use crate::plot_ratio::get;
use crate::support::{Town, feature, parcel, square};
use axum::http::StatusCode;
use calamine::Reader as _;
use serde_json::{Value, json};

fn land(number: u32, land_use: &str, from: &str, area_m2: u32) -> Value {
    let mut one = parcel(number);
    one["properties"]["land_use"] = land_use.into();
    one["properties"]["valid_from"] = from.into();
    one["properties"]["registered_area_m2"] = json!(area_m2);
    one
}

fn zone(code: &str, tier: &str, locked: u8, from: &str, west: f64, east: f64) -> Value {
    let properties =
        json!({"zone_code": code, "name": code, "tier": tier, "locked": locked, "valid_from": from, "document": "文"});
    feature(&properties, &square(west, 31.09, east, 31.12))
}

/// Parcels 11 to 15 of 8,000 to 8,400 m²: two in a locked base since 2018, one in a community since 2020, one in neither; the
/// last one is research land of another series, and one is housing.
async fn town() -> Town {
    let town = Town::empty().await;
    let district = feature(&json!({"code": "310115", "name": "浦东新区"}), &square(121.4, 31.0, 121.7, 31.4));
    town.takes("districts", &town.geojson("districts", &[district]));
    let zones = [
        zone("Z1", "base", 1, "2018-01-01", 121.509, 121.5125),
        zone("Z2", "community", 0, "2020-01-01", 121.5126, 121.5139),
    ];
    town.takes("zones", &town.geojson("zones", &zones));
    let parcels = [
        land(11, "M1", "2017-05-01", 8_000),
        land(12, "W1", "2019-05-01", 8_100),
        land(13, "M2", "2017-05-01", 8_200),
        land(14, "M4", "2017-05-01", 8_300),
        land(15, "C65", "2017-05-01", 8_400),
        land(16, "R2", "2017-05-01", 8_500),
    ];
    town.takes("parcels", &town.geojson("parcels", &parcels));
    town
}

fn account(town: &Town, flags: &[&str]) -> Value {
    let mut arguments = vec!["land", "account"];
    arguments.extend(flags);
    let ended = town.run(&arguments);
    assert_eq!(ended.status, Some(0), "{}", ended.said);
    ended.answer
}

fn groups(year: &Value) -> Vec<(String, u64, f64)> {
    let groups = year["groups"].as_array().unwrap().iter();
    groups
        .map(|one| {
            (
                one["code"].as_str().unwrap().to_owned(),
                one["parcels"].as_u64().unwrap(),
                one["area_m2"].as_f64().unwrap(),
            )
        })
        .collect()
}

fn of(groups: &[(&str, u64, f64)]) -> Vec<(String, u64, f64)> {
    groups.iter().map(|(code, parcels, area)| ((*code).to_owned(), *parcels, *area)).collect()
}

#[tokio::test]
async fn each_year_shows_the_land_and_the_plan_that_were_law_at_its_end() {
    let town = town().await;
    let found = account(&town, &["--year", "2016", "--year", "2017", "--year", "2018", "--year", "2020"]);
    let years = found["years"].as_array().unwrap();
    assert_eq!((&years[0]["area_km2"], &years[0]["held_against"]), (&Value::Null, &json!([])), "nothing is on record");
    assert_eq!((&years[1]["plan_is_known"], groups(&years[1])), (&json!(false), of(&[("unknown", 3, 24_500.0)])));
    assert_eq!(groups(&years[2]), of(&[("base", 1, 8_000.0), ("fragmented", 2, 16_500.0)]));
    assert_eq!(groups(&years[3]), of(&[("base", 2, 16_100.0), ("community", 1, 8_200.0), ("fragmented", 1, 8_300.0)]));
    assert_eq!((&years[3]["day"], &years[3]["area_km2"]), (&json!("2020-12-31"), &json!(0.0326)));
    let uses = account(&town, &["--year", "2020", "--by", "use"]);
    assert_eq!(
        groups(&uses["years"][0]),
        of(&[("M1", 1, 8_000.0), ("M2", 1, 8_200.0), ("M4", 1, 8_300.0), ("W1", 1, 8_100.0)]),
        "neither research land of class C nor housing is industrial land of the plan"
    );
    let districts = account(&town, &["--year", "2020", "--by", "district"]);
    assert_eq!(groups(&districts["years"][0]), of(&[("310115", 4, 32_600.0)]));
    let since = account(&town, &["--since", "2024"]);
    let years: Vec<&Value> = since["years"].as_array().unwrap().iter().map(|year| &year["year"]).collect();
    assert_eq!(years[..2], [2024, 2025]);
}

#[tokio::test]
async fn a_stock_meets_the_figures_of_its_own_series_and_no_other() {
    let town = town().await;
    let found = account(&town, &["--year", "2020"]);
    let held = found["years"][0]["held_against"].as_array().unwrap();
    let short: Vec<(&str, i64, f64, f64, f64)> = held
        .iter()
        .map(|one| {
            let figure = |name: &str| one[name].as_f64().unwrap();
            let series = one["series"].as_str().unwrap();
            (series, one["year"].as_i64().unwrap(), figure("stock_km2"), figure("over_km2"), figure("under_km2"))
        })
        .collect();
    assert_eq!(
        short,
        [
            ("master-plan", 2020, 0.0326, 0.0, 549.9674),
            ("master-plan", 2035, 0.0326, 0.0, 319.9674),
            ("locked-base", 2025, 0.0161, 0.0, 149.9839),
            ("inventory", 2024, 0.041, 0.0, 727.959),
        ]
    );
    assert_eq!((&held[1]["years_left"], &held[2]["assumption"]), (&json!(15), &json!(true)));
    assert!(held.iter().all(|one| !one["source"].as_str().unwrap().is_empty()));
    assert_eq!(found["not_held_against"][0]["series"], "before-reduction");
    // Without a plan there is no locked land to hold against anything.
    let before = account(&town, &["--year", "2017"]);
    let series: Vec<&Value> =
        before["years"][0]["held_against"].as_array().unwrap().iter().map(|one| &one["series"]).collect();
    assert_eq!(series, ["master-plan", "master-plan", "inventory"]);
}

#[tokio::test]
async fn the_service_says_the_same_and_the_groups_become_a_file() {
    let town = town().await;
    let pool = &town.database.pool;
    let (status, found) = get(pool, "/api/v1/land-account?year=2020&by=district").await;
    assert_eq!((status, &found), (StatusCode::OK, &account(&town, &["--year", "2020", "--by", "district"])));
    for wrong in ["/api/v1/land-account?year=2199", "/api/v1/land-account?by=park", "/api/v1/land-account?of=1"] {
        assert_eq!(get(pool, wrong).await.0, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
    account(&town, &["--year", "2020", "--by", "district", "--out", "land.geojson"]);
    let map: Value = serde_json::from_slice(&std::fs::read(town.folder().join("land.geojson")).unwrap()).unwrap();
    assert_eq!(map["features"].as_array().unwrap().len(), 1);
    assert_eq!(map["features"][0]["geometry"]["type"], "Polygon");
    assert_eq!(map["features"][0]["properties"]["area_m2"], 32_600.0);
    account(&town, &["--year", "2020", "--year", "2018", "--out", "land.xlsx"]);
    let mut book = calamine::open_workbook_auto(town.folder().join("land.xlsx")).unwrap();
    let sheet = book.worksheet_range_at(0).unwrap().unwrap();
    assert_eq!(sheet.rows().count(), 1 + 2 + 3, "a header, two groups of 2018, three of 2020");
    for (flags, said) in [
        (["--year", "2199"], "expected a year from 1949"),
        (["--out", "land.pdf"], "ends in .xlsx"),
        (["--since", "1950"], "at most 30"),
    ] {
        let ended = town.run(&[&["land", "account"], &flags[..]].concat());
        assert_eq!(ended.status, Some(1), "{flags:?}");
        assert!(ended.said.contains(said), "{flags:?}: {}", ended.said);
    }
}
