//! Plans that can't be right: what refuses a row, and what is told and taken.

use super::{codes, with, zone, zone_of};
use crate::support::{Ended, Town, feature, parcel_code, square};
use serde_json::{Value, json};

fn finding<'a>(ended: &'a Ended, code: &str) -> &'a Value {
    let found = ended.answer["findings"].as_array().unwrap().iter().find(|finding| finding["code"] == code);
    found.unwrap_or_else(|| panic!("no {code}: {}", ended.answer))
}

#[tokio::test]
async fn zones_on_one_another_are_taken_with_a_warning_that_names_both_and_the_area() {
    let town = Town::settled().await;
    // A hundredth of a degree wide, and a thousandth of it in common with the next.
    let zones = [zone("B1", "base", true, 121.5, 121.51), zone("B2", "base", false, 121.509, 121.52)];
    let ended = town.import("zones", &[town.geojson("two", &zones)], &[]);
    assert_eq!((ended.status, ended.tally(), &ended.answer["warnings"]), (Some(0), [2, 2, 0, 0], &json!(1)));
    let said = finding(&ended, "overlapping-zones");
    assert_eq!((&said["severity"], &said["facts"]["other"]), (&json!("warning"), &json!("B2")));
    let area: f64 =
        town.value("select st_area(st_makeenvelope(121.509, 31.0995, 121.51, 31.1015, 4490)::geography)").await;
    let told = said["facts"]["area_m2"].as_f64().unwrap();
    assert!((told / area - 1.0).abs() < 1e-6, "{told} {area}");
    // A base and a community do so as well, and one that came before is named too.
    let ended =
        town.import("zones", &[town.geojson("third", &[zone("C1", "community", false, 121.505, 121.506)])], &[]);
    let said = finding(&ended, "overlapping-zones");
    assert_eq!((&said["facts"]["other"], said["key"].as_str()), (&json!("B1"), Some("C1 2020-01-01")));
    // Side by side, or at other times, they share nothing.
    let apart = [
        zone("B3", "base", true, 121.53, 121.54),
        zone("B4", "base", true, 121.54, 121.55),
        with(zone("B5", "base", true, 121.53, 121.54), &json!({"valid_from": "2019-12-01", "valid_to": "2020-01-01"})),
    ];
    let ended = town.import("zones", &[town.geojson("apart", &apart)], &[]);
    assert_eq!((ended.status, codes(&ended.answer)), (Some(0), Vec::new()), "{}", ended.answer);
    let checked = town.run(&["check", "--only", "overlapping-zones"]);
    let pairs: Vec<[&Value; 2]> =
        checked.answer["findings"].as_array().unwrap().iter().map(|one| [&one["key"], &one["other"]]).collect();
    assert_eq!(pairs, [[&json!("B1"), &json!("B2")], [&json!("B1"), &json!("C1")]]);
}

#[tokio::test]
async fn a_plan_that_starts_before_it_was_decided_is_refused_in_every_layer() {
    let town = Town::settled().await;
    let early = json!({"decided_on": "2020-01-02", "valid_from": "2020-01-01"});
    let shape = square(121.5, 31.0995, 121.51, 31.1015);
    let unit = feature(&json!({"unit_code": "U1", "name": "单元", "uses": "M1"}), &shape);
    let legacy = feature(&json!({"area_code": "L1", "name": "区块", "class": "104"}), &shape);
    for (kind, area) in
        [("zones", zone("B1", "base", true, 121.5, 121.51)), ("plan-units", unit), ("legacy-areas", legacy)]
    {
        let before = town.contents().await;
        let ended = town.import(kind, &[town.geojson("early", &[with(area.clone(), &early)])], &[]);
        assert_eq!(ended.status, Some(1), "{kind}: {}", ended.answer);
        let said = finding(&ended, "starts-before-decided");
        assert_eq!(
            (&said["facts"]["field"], &said["facts"]["value"]),
            (&json!("valid_from"), &json!("2020-01-01")),
            "{kind}"
        );
        assert!(said["facts"]["expected"].as_str().unwrap().starts_with("2020-01-02"), "{kind}: {said}");
        assert_eq!(town.contents().await, before, "{kind}");
        // On the day of the decision it may begin.
        let same = json!({"decided_on": "2020-01-01", "valid_from": "2020-01-01"});
        town.takes(kind, &town.geojson("same", &[with(area, &same)]));
    }
}

#[tokio::test]
async fn a_plan_that_is_decided_on_a_day_to_come_is_refused_in_every_layer() {
    let town = Town::settled().await;
    let later = json!({"decided_on": "2199-01-01", "valid_from": "2199-01-02"});
    let shape = square(121.5, 31.0995, 121.51, 31.1015);
    let unit = feature(&json!({"unit_code": "U1", "name": "单元", "uses": "M1"}), &shape);
    let legacy = feature(&json!({"area_code": "L1", "name": "区块", "class": "104"}), &shape);
    for (kind, area) in
        [("zones", zone("B1", "base", true, 121.5, 121.51)), ("plan-units", unit), ("legacy-areas", legacy)]
    {
        let ended = town.import(kind, &[town.geojson("later", &[with(area.clone(), &later)])], &[]);
        assert_eq!((ended.status, ended.tally()), (Some(1), [1, 0, 0, 1]), "{kind}: {}", ended.answer);
        assert_eq!(finding(&ended, "day-in-the-future")["facts"]["field"], json!("decided_on"), "{kind}");
        // What was decided may begin later.
        let decided = json!({"decided_on": "2020-01-01", "valid_from": "2199-01-02"});
        town.takes(kind, &town.geojson("decided", &[with(area, &decided)]));
    }
}

#[tokio::test]
async fn uses_that_cannot_be_read_and_classes_that_never_were_are_refused() {
    let town = Town::settled().await;
    let shape = square(121.5, 31.0995, 121.51, 31.1015);
    let unit = |uses: &str| {
        feature(&json!({"unit_code": uses, "name": "单元", "uses": uses, "valid_from": "2020-01-01"}), &shape)
    };
    let units = [unit("M1:2-1"), unit("M1;M1"), unit("M1:0-0"), unit("M1:1.0-2.0;M4:0-3")];
    let ended = town.import("plan-units", &[town.geojson("units", &units)], &[]);
    assert_eq!((ended.tally(), codes(&ended.answer)), ([4, 1, 0, 3], vec!["bad-uses", "bad-uses", "bad-uses"]));
    let said = finding(&ended, "bad-uses");
    assert!(said["facts"]["expected"].as_str().unwrap().contains("M1:1.0-2.0;M4:-3.0;W1"), "{said}");
    let legacy =
        feature(&json!({"area_code": "L1", "name": "区块", "class": "105", "valid_from": "2020-01-01"}), &shape);
    let ended = town.import("legacy-areas", &[town.geojson("legacy", &[legacy])], &[]);
    assert_eq!((ended.status, codes(&ended.answer)), (Some(1), vec!["unknown-word"]));
}

#[tokio::test]
async fn a_zone_that_crosses_itself_is_refused_with_the_place_and_one_with_a_hole_is_taken() {
    let town = Town::settled().await;
    let tie = json!({"type": "Polygon",
        "coordinates": [[[121.5, 31.1], [121.502, 31.102], [121.502, 31.1], [121.5, 31.102], [121.5, 31.1]]]});
    let mut holed = square(121.51, 31.1, 121.52, 31.11);
    holed["coordinates"]
        .as_array_mut()
        .unwrap()
        .push(square(121.512, 31.102, 121.514, 31.104)["coordinates"][0].clone());
    let zones = [zone_of("B1", "base", true, &tie), zone_of("B2", "base", true, &holed)];
    let ended = town.import("zones", &[town.geojson("zones", &zones)], &[]);
    assert_eq!(ended.tally(), [2, 1, 0, 1], "{}", ended.answer);
    let said = finding(&ended, "geometry-self-intersection");
    assert_eq!(said["key"], json!("B1 2020-01-01"));
    assert!(said["facts"]["value"].as_str().unwrap().contains("121.501 31.101"), "{said}");
    let holes: i32 = town.value("select st_numinteriorrings(st_geometryn(geom, 1)) from zone_version").await;
    assert_eq!(holes, 1);
}

#[tokio::test]
async fn a_zone_that_ends_within_a_contract_is_told_with_the_number_of_contracts() {
    let town = Town::settled().await;
    let contract = |number: &str, parcel: u32, years: u32| {
        format!("{number},{},grant,2015-01-01,{years},1\n", parcel_code(parcel))
    };
    // Of the first parcel until 2035 (the settled one), of the second until 2045, of the third until 2027.
    let rows = format!(
        "contract_no,parcel_code,kind,signed_on,term_years,performance_terms\n{}{}",
        contract("H2", 2, 30),
        contract("H3", 3, 12)
    );
    town.takes("contracts", &town.file("more.csv", rows));
    let until = |day: &str, east: f64| with(zone("B1", "base", false, 121.5, east), &json!({"valid_to": day}));
    let ended = town.import("zones", &[town.geojson("zones", &[until("2030-01-01", 121.51)])], &[]);
    assert_eq!((ended.status, codes(&ended.answer)), (Some(0), vec!["zone-ends-before-contract"]), "{}", ended.answer);
    let said = finding(&ended, "zone-ends-before-contract");
    assert_eq!((&said["facts"]["contracts"], &said["facts"]["value"]), (&json!(2.0), &json!("2030-01-01")), "{said}");
    let checked = town.run(&["check", "--only", "zone-ends-before-contract"]);
    let found = &checked.answer["findings"][0];
    assert_eq!(
        (checked.status, &found["figure"], &found["severity"]),
        (Some(0), &json!(2.0), &json!("warning")),
        "{checked:?}"
    );
    assert_eq!(
        [&found["key"], &found["other"], &found["unit"]],
        [&json!("B1"), &json!("2030-01-01"), &json!("contracts")]
    );
    // Where another base takes the land of the second over, the first is left; where the zone goes on, none is.
    let next = with(zone("B2", "base", false, 121.5019, 121.51), &json!({"valid_from": "2030-01-01"}));
    town.takes("zones", &town.geojson("next", &[next]));
    let figure = |town: &Town| {
        let checked = town.run(&["check", "--only", "zone-ends-before-contract"]);
        checked.answer["findings"].as_array().unwrap().iter().map(|one| one["figure"].as_f64().unwrap()).sum::<f64>()
    };
    assert_eq!(figure(&town), 1.0);
    let on = with(zone("B1", "base", true, 121.5, 121.5019), &json!({"valid_from": "2030-01-01"}));
    town.takes("zones", &town.geojson("on", &[on]));
    assert_eq!(figure(&town), 0.0);
}
