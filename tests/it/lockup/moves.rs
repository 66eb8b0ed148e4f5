//! Land that moves after the deed: a parcel under a contract that is drawn elsewhere, a zone that is law for some days, a border
//! that gives way by a little each time, and a first file that tells a past and what became of it.

use super::sql::{attempt, clerk};
use super::{base_in, contracts, lot, lot_in, refused, row, works};
use crate::support::{Town, feature, parcel_code, square};
use serde_json::{Value, json};

/// The works with a community around lots 20 to 24, and a contract of today's rule on parcel 20.
async fn settled_in_a_community() -> Town {
    let town = works().await;
    town.takes("parcels", &town.geojson("more", &[lot(20, "M1", &json!({}))]));
    let zone = json!({"zone_code": "C1", "name": "社区", "tier": "community", "locked": 0, "valid_from": "2020-01-01"});
    town.takes("zones", &town.geojson("community", &[feature(&zone, &square(121.52, 31.0995, 121.525, 31.1015))]));
    let signed =
        [("H1", 20, "E1", "2024-05-06", ""), ("H2", 8, "E2", "2015-05-06", ""), ("H3", 8, "E2", "2024-05-06", "H2")];
    town.takes("contracts", &contracts(&town, &signed));
    town
}

#[tokio::test]
async fn a_parcel_under_a_contract_is_not_drawn_onto_land_where_the_project_could_not_have_begun() {
    let town = settled_in_a_community().await;
    for more in [json!({}), json!({"valid_from": "2025-01-01"})] {
        refused(&town, "parcels", &[lot_in(20, "M1", &more, &row(30))], "project-outside-zones").await;
    }
    // Within the community it may be drawn anew, and be surveyed anew anywhere.
    town.takes("parcels", &town.geojson("beside", &[lot_in(20, "M1", &json!({"valid_from": "2025-01-01"}), &row(21))]));
    let surveyed = |west: f64| square(west + 0.000_000_5, 31.1, west + 0.001, 31.101);
    town.takes("parcels", &town.geojson("survey", &[lot_in(8, "M1", &json!({}), &surveyed(121.508))]));
    // A stock owner's land is his where it lies, and not elsewhere.
    refused(
        &town,
        "parcels",
        &[lot_in(8, "M1", &json!({"valid_from": "2025-01-01"}), &row(31))],
        "project-outside-zones",
    )
    .await;
    // What says nothing of land is not judged again, though no project could begin there now.
    town.takes(
        "parcels",
        &town.geojson("address", &[lot_in(8, "M1", &json!({"address": "新路8号"}), &surveyed(121.508))]),
    );
}

#[tokio::test]
async fn land_does_not_wander_out_of_a_community_step_by_step() {
    let town = settled_in_a_community().await;
    // Its eastern border is 121.525: at each step more of the land lies outside.
    let step =
        |west: f64| lot_in(20, "M1", &json!({"valid_from": "2025-01-01"}), &square(west, 31.1, west + 0.001, 31.101));
    town.takes("parcels", &town.geojson("first", &[step(121.5244)]));
    refused(&town, "parcels", &[step(121.5248)], "project-outside-zones").await;
    refused(&town, "parcels", &[step(121.526)], "project-outside-zones").await;
}

#[tokio::test]
async fn a_clerk_moves_no_parcel_under_a_contract_out_of_the_zones_in_one_statement_or_two() {
    let town = settled_in_a_community().await;
    let mut clerk = clerk(&town).await;
    let of = "where parcel_id = (select id from parcel where code like '%GB00020') and upper_inf(recorded)";
    let moved = format!("update parcel_version set geom = st_multi(st_translate(geom, 0.02, 0)) {of}");
    let touched = format!("update parcel_version set address = '新路' {of}");
    for statements in [moved.clone(), format!("{touched}; {moved}; {touched}")] {
        assert_eq!(attempt(&mut clerk, &statements).await, Err("lockup".to_owned()), "{statements}");
    }
    let inside = format!("update parcel_version set geom = st_multi(st_translate(geom, 0.002, 0)) {of}");
    assert_eq!(attempt(&mut clerk, &inside).await, Ok(()));
}

#[tokio::test]
async fn a_project_in_a_zone_that_is_law_for_some_days_is_found() {
    let town = works().await;
    town.takes("parcels", &town.geojson("more", &[lot(20, "M1", &json!({})), lot(21, "M1", &json!({}))]));
    let zone = |code: &str, to: Value, west: f64| {
        let properties = json!({"zone_code": code, "name": code, "tier": "community", "locked": 0,
            "valid_from": "2024-05-01", "valid_to": to});
        feature(&properties, &square(west, 31.0995, west + 0.001, 31.1015))
    };
    town.takes(
        "zones",
        &town.geojson("two", &[zone("C1", json!("2024-05-04"), 121.52), zone("C2", Value::Null, 121.521)]),
    );
    town.takes(
        "contracts",
        &contracts(
            &town,
            &[
                ("H1", 20, "E1", "2024-05-02", ""),
                ("H2", 21, "E1", "2024-05-02", ""),
                ("H3", 1, "E1", "2024-05-02", ""),
            ],
        ),
    );
    let report = town.run(&["check", "--only", "project-in-passing-zone"]).answer;
    let findings: Vec<[&Value; 5]> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| [&one["key"], &one["other"], &one["severity"], &one["figure"], &one["allowed"]])
        .collect();
    assert_eq!(findings, [[&json!("H1"), &json!(parcel_code(20)), &json!("warning"), &json!(2.0), &json!(365.0)]]);
}

#[tokio::test]
async fn what_a_new_survey_may_differ_by_is_let_go_once_and_not_with_every_survey() {
    let town = works().await;
    // Six square metres of the base, in a strip along its western edge, and of parcel 3 along its eastern.
    let strip = |number: f64| base_in(&json!({}), 121.5 + number * 2.8e-7, 121.505);
    town.takes("zones", &town.geojson("first", &[strip(1.0)]));
    refused(&town, "zones", &[strip(2.0)], "locked-base-freed").await;
    let narrow = |number: f64| lot_in(3, "M1", &json!({}), &square(121.503, 31.1, 121.504 - number * 5.6e-7, 31.101));
    town.takes("parcels", &town.geojson("narrow", &[narrow(1.0)]));
    refused(&town, "parcels", &[narrow(2.0)], "locked-land-freed").await;
    let kept: Vec<String> = town.values("select code || ' ' || round(area_m2) from lockup_let_go order by id").await;
    assert_eq!(kept, ["Z1 6".to_owned(), format!("{} 6", parcel_code(3))]);
    // Under another code it is the same land: a lot of parcel 3 begins where that left off.
    let mut clerk = clerk(&town).await;
    let more = "update zone_version set geom = st_multi(st_makeenvelope(121.50000056, 31.0995, 121.505, 31.1015, 4490))
        where code = 'Z1' and upper_inf(recorded)";
    assert_eq!(attempt(&mut clerk, more).await, Err("lockup".to_owned()));
    // The land comes back, and with it what was let go of it is no more than it was.
    town.takes("zones", &town.geojson("back", &[base_in(&json!({}), 121.5, 121.505)]));
    town.takes("zones", &town.geojson("again", &[strip(1.0)]));
}

#[tokio::test]
async fn the_first_file_of_a_register_brings_no_other_use_after_a_past_that_it_tells_itself() {
    let town = Town::empty().await;
    let district = feature(&json!({"code": "310115", "name": "浦东新区"}), &square(121.4, 31.0, 121.7, 31.4));
    town.takes("districts", &town.geojson("districts", &[district]));
    town.takes("zones", &town.geojson("zones", &[base_in(&json!({}), 121.5, 121.505)]));
    // Rings of many corners, so that the file is a large one, which goes straight in.
    let round = |number: u32| {
        let (x, y) = (121.42 + f64::from(number % 40) * 0.001, 31.2 + f64::from(number / 40) * 0.001);
        let corner = |at: u32| {
            let turn = f64::from(at % 3_000) / 3_000.0 * std::f64::consts::TAU;
            [x + 0.0004 * turn.cos(), y + 0.0004 * turn.sin()]
        };
        let ring: Vec<[f64; 2]> = (0..=3_000).map(corner).collect();
        lot_in(1_000 + number, "M1", &json!({}), &json!({"type": "Polygon", "coordinates": [ring]}))
    };
    let past = |number: u32, land_use: &str| {
        lot(number, land_use, &json!({"valid_from": "2019-01-01", "valid_to": "2024-03-01"}))
    };
    let after =
        |number: u32, land_use: &str, on: u32| lot_in(number, land_use, &json!({"valid_from": "2024-03-01"}), &row(on));
    let mut features: Vec<Value> = (0..120).map(round).collect();
    // Works of the base that became homes under another code, and a shop outside that became works.
    features.extend([past(1, "M1"), after(2, "R2", 1), past(8, "M1"), after(9, "R2", 8)]);
    let ended = town.import("parcels", &[town.geojson("city", &features)], &[]);
    assert_eq!((ended.status, super::errors(&ended)), (Some(0), vec!["locked-land-other-use".to_owned()]), "{ended:?}");
    assert_eq!(ended.tally(), [124, 123, 0, 1]);
    assert_eq!(ended.answer["findings"][0]["key"], json!(parcel_code(2)));
    let other = Town::empty().await;
    other.takes("zones", &other.geojson("zones", &[base_in(&json!({}), 121.5, 121.505)]));
    features.truncate(120);
    features.extend([past(10, "B1"), after(11, "M1", 10)]);
    let ended = other.import("parcels", &[other.geojson("city", &features)], &[]);
    assert_eq!((ended.status, super::errors(&ended)), (Some(1), vec!["project-outside-zones".to_owned()]), "{ended:?}");
    assert_eq!(other.value::<i64>("select count(*) from parcel").await, 0);
}
