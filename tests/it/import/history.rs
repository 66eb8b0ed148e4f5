//! Corrections and new versions: nothing that was believed is lost, and no two versions of a thing overlap.

use serde_json::{Value, json};

use crate::support::{Town, feature, lot, parcel_code, square};

/// Parcel 1 with an address and perhaps a first day.
fn moved(town: &Town, address: &str, valid_from: Option<&str>) -> std::path::PathBuf {
    let properties =
        json!({"parcel_code": parcel_code(1), "land_use": "M1", "address": address, "valid_from": valid_from});
    town.geojson("moved", &[feature(&properties, &lot(1))])
}

/// The versions of parcel 1 in the order in which they were recorded: address, valid time, and whether believed now.
const VERSIONS: &str = "select format('%s %s %s', address, valid, upper_inf(recorded)) from parcel_version v
    join parcel p on p.id = parcel_id where code = '310115001001GB00001' order by lower(recorded), valid";

#[tokio::test]
async fn a_changed_parcel_without_a_day_corrects_its_version_and_keeps_what_was_believed() {
    let town = Town::settled().await;
    assert_eq!(town.tally("parcels", &moved(&town, "甲路", None)), [1, 1, 0, 0]);
    assert_eq!(town.values::<String>(VERSIONS).await, [" (,) f", "甲路 (,) t"]);
    let seamless: bool =
        town.value("select max(upper(recorded)) = max(lower(recorded)) from parcel_version where parcel_id = 1").await;
    assert!(seamless, "one belief ends at the moment at which the next begins");
    assert_eq!(town.tally("parcels", &moved(&town, "甲路", None)), [1, 0, 1, 0]);
}

#[tokio::test]
async fn a_changed_parcel_with_a_later_day_begins_a_version_and_ends_the_one_before() {
    let town = Town::settled().await;
    town.takes("parcels", &moved(&town, "甲路", Some("2020-01-01")));
    assert_eq!(town.values::<String>(VERSIONS).await, [" (,) f", " (,2020-01-01) t", "甲路 [2020-01-01,) t"]);
    town.takes("parcels", &moved(&town, "乙路", Some("2022-05-01")));
    let after_two = [
        " (,) f",
        " (,2020-01-01) t",
        "甲路 [2020-01-01,) f",
        "甲路 [2020-01-01,2022-05-01) t",
        "乙路 [2022-05-01,) t",
    ];
    assert_eq!(town.values::<String>(VERSIONS).await, after_two);
    // The same again is the version of that day; a day before it would rewrite what came after.
    assert_eq!(town.tally("parcels", &moved(&town, "乙路", Some("2022-05-01"))), [1, 0, 1, 0]);
    let early = town.import("parcels", &[moved(&town, "丙路", Some("2021-01-01"))], &[]);
    assert_eq!((early.status, early.tally()), (Some(1), [1, 0, 0, 1]));
    let facts = &early.answer["findings"][0]["facts"];
    assert_eq!(
        (&facts["field"], facts["value"].as_str().unwrap().contains("2021-01-01")),
        (&json!("valid_from"), true)
    );
    assert_eq!(town.values::<String>(VERSIONS).await, after_two);
    // A correction of the newest version touches no other.
    town.takes("parcels", &moved(&town, "丁路", None));
    let now: Vec<String> = town.values(VERSIONS).await;
    assert_eq!(&now[5..], ["丁路 [2022-05-01,) t"]);
    assert_eq!(now.iter().filter(|version| version.ends_with('t')).count(), 3);
    no_two_versions_overlap(&town).await;
}

/// What the exclusion constraints promise, asked in another way: on every day that matters and at every moment that
/// matters, at most one version of a thing counts.
async fn no_two_versions_overlap(town: &Town) {
    let twice: i64 = town
        .value(
            "select count(*) from (
                 select parcel_id::text as thing, id, valid, recorded from parcel_version
                 union all select code, id, valid, recorded from zone_version) a
             join (select parcel_id::text as thing, id, valid, recorded from parcel_version
                 union all select code, id, valid, recorded from zone_version) b
             on a.thing = b.thing and a.id < b.id and a.valid && b.valid and a.recorded && b.recorded",
        )
        .await;
    assert_eq!(twice, 0);
}

fn zone(name: &str, from: &str, to: Option<&str>) -> Value {
    let properties =
        json!({"zone_code": "Z1", "name": name, "tier": "base", "locked": 1, "valid_from": from, "valid_to": to});
    feature(&properties, &square(121.5, 31.1, 121.52, 31.12))
}

const ZONES: &str = "select format('%s %s %s', name, valid, upper_inf(recorded)) from zone_version
    order by lower(recorded), valid";

#[tokio::test]
async fn zones_are_corrected_and_followed_likewise() {
    let town = Town::settled().await;
    town.takes(
        "zones",
        &town.geojson("a", &[zone("一", "2018-01-01", Some("2020-01-01")), zone("二", "2020-01-01", None)]),
    );
    assert_eq!(town.values::<String>(ZONES).await, ["一 [2018-01-01,2020-01-01) t", "二 [2020-01-01,) t"]);
    town.takes("zones", &town.geojson("b", &[zone("更正", "2020-01-01", None)]));
    town.takes("zones", &town.geojson("c", &[zone("三", "2024-01-01", None)]));
    assert_eq!(
        town.values::<String>(ZONES).await,
        [
            "一 [2018-01-01,2020-01-01) t",
            "二 [2020-01-01,) f",
            "更正 [2020-01-01,) f",
            "更正 [2020-01-01,2024-01-01) t",
            "三 [2024-01-01,) t"
        ]
    );
    assert_eq!(town.tally("zones", &town.geojson("c", &[zone("三", "2024-01-01", None)])), [1, 0, 1, 0]);
    let both = [zone("四", "2025-01-01", Some("2027-01-01")), zone("五", "2026-01-01", None)];
    let overlap = town.import("zones", &[town.geojson("d", &both)], &["--strict"]);
    assert_eq!((overlap.status, &overlap.answer["findings"][0]["code"]), (Some(1), &json!("period-overlaps")));
    no_two_versions_overlap(&town).await;
}

/// What of the zone is believed now.
const CURRENT: &str = "select format('%s %s', name, valid) from zone_version where upper_inf(recorded) order by valid";

#[tokio::test]
async fn a_period_of_a_zone_replaces_the_days_it_covers_and_no_others_in_any_order_of_rows() {
    let (first, last) = (zone("后", "2026-01-01", None), zone("前", "2020-01-01", Some("2026-01-01")));
    let before = zone("早", "2018-01-01", Some("2022-01-01"));
    let middle = zone("中", "2022-01-01", Some("2024-01-01"));
    let late = zone("晚", "2025-01-01", None);
    let ended = zone("止", "2020-01-01", Some("2022-01-01"));
    let cases: [(&str, Vec<Value>, &[&str]); 8] = [
        ("the later row first", vec![first.clone(), last.clone()], &["前 [2020-01-01,2026-01-01)", "后 [2026-01-01,)"]),
        ("the earlier row first", vec![last, first], &["前 [2020-01-01,2026-01-01)", "后 [2026-01-01,)"]),
        ("head", vec![before.clone()], &["早 [2018-01-01,2022-01-01)", "原 [2022-01-01,)"]),
        ("tail", vec![late.clone()], &["原 [2020-01-01,2025-01-01)", "晚 [2025-01-01,)"]),
        (
            "middle",
            vec![middle.clone()],
            &["原 [2020-01-01,2022-01-01)", "中 [2022-01-01,2024-01-01)", "原 [2024-01-01,)"],
        ),
        (
            "head and tail",
            vec![late.clone(), before.clone()],
            &["早 [2018-01-01,2022-01-01)", "原 [2022-01-01,2025-01-01)", "晚 [2025-01-01,)"],
        ),
        (
            "head, middle and tail",
            vec![middle, late, before],
            &[
                "早 [2018-01-01,2022-01-01)",
                "中 [2022-01-01,2024-01-01)",
                "原 [2024-01-01,2025-01-01)",
                "晚 [2025-01-01,)",
            ],
        ),
        ("the version itself, ended", vec![ended], &["止 [2020-01-01,2022-01-01)"]),
    ];
    for (name, rows, expected) in cases {
        let town = Town::settled().await;
        town.takes("zones", &town.geojson("register", &[zone("原", "2020-01-01", None)]));
        let file = town.geojson("rows", &rows);
        town.takes("zones", &file);
        assert_eq!(town.values::<String>(CURRENT).await, expected, "{name}");
        no_two_versions_overlap(&town).await;
        let count = u64::try_from(rows.len()).unwrap();
        assert_eq!(town.tally("zones", &file), [count, 0, count, 0], "{name}, twice");
    }
}

#[tokio::test]
async fn a_period_that_overlaps_several_versions_replaces_what_it_covers_of_each() {
    let town = Town::settled().await;
    let versions = [
        zone("一", "2018-01-01", Some("2020-01-01")),
        zone("二", "2020-01-01", Some("2022-01-01")),
        zone("三", "2022-01-01", None),
    ];
    town.takes("zones", &town.geojson("versions", &versions));
    town.takes("zones", &town.geojson("over", &[zone("盖", "2019-01-01", Some("2023-01-01"))]));
    let expected = ["一 [2018-01-01,2019-01-01)", "盖 [2019-01-01,2023-01-01)", "三 [2023-01-01,)"];
    assert_eq!(town.values::<String>(CURRENT).await, expected);
    no_two_versions_overlap(&town).await;
}

#[tokio::test]
async fn an_earlier_file_that_comes_again_after_a_later_one_changes_nothing() {
    let town = Town::settled().await;
    let file = |kind: &str, name: &str, from: &str| match kind {
        "zones" => town.geojson("zones", &[zone(name, from, None)]),
        _ => moved(&town, name, Some(from)),
    };
    for kind in ["zones", "parcels"] {
        for (name, from) in [("甲", "2018-01-01"), ("乙", "2020-01-01"), ("丙", "2022-01-01")] {
            town.takes(kind, &file(kind, name, from));
        }
        let before = town.contents().await;
        for (name, from) in [("甲", "2018-01-01"), ("乙", "2020-01-01"), ("丙", "2022-01-01")] {
            let ended = town.import(kind, &[file(kind, name, from)], &[]);
            assert_eq!((ended.status, ended.tally()), (Some(0), [1, 0, 1, 0]), "{kind} {name}: {ended:?}");
            assert_eq!(town.contents().await, before, "{kind} {name}");
        }
    }
}

#[tokio::test]
async fn a_corrected_return_keeps_the_earlier_figure() {
    let town = Town::settled().await;
    let file = |tax: &str| town.file("r.csv", format!("enterprise_code,year,tax_wan_yuan\nE1,2024,{tax}\n"));
    assert_eq!(town.tally("returns", &file("12.5")), [1, 1, 0, 0]);
    assert_eq!(town.tally("returns", &file("")), [1, 1, 0, 0]);
    let figures = "select format('%s %s', tax_wan_yuan, upper_inf(recorded)) from annual_return order by id";
    assert_eq!(town.values::<String>(figures).await, ["10 f", "12.5 f", " t"]);
    let seamless: bool = town
        .value(
            "select bool_and(next is null or upper(recorded) = next) from
            (select recorded, lead(lower(recorded)) over (order by id) as next from annual_return) t",
        )
        .await;
    assert!(seamless);
}

#[tokio::test]
async fn what_refers_to_a_parcel_is_corrected_in_recorded_time() {
    let town = Town::settled().await;
    let building = |floor: u32| {
        let header = "building_code,parcel_code,storeys,floor_area_m2";
        town.file("b.csv", format!("{header}\nB1,{},2,{floor}\n", parcel_code(1)))
    };
    town.takes("buildings", &building(100));
    town.takes("buildings", &building(120));
    assert_eq!(town.tally("buildings", &building(120)), [1, 0, 1, 0]);
    let stored = "select format('%s %s', floor_area_m2, upper_inf(recorded)) from building order by id";
    assert_eq!(town.values::<String>(stored).await, ["100 f", "120 t"]);
    let header = "obligation_no,contract_no,kind,due_on,met_on";
    for (met, tally) in [("", [1, 1, 0, 0]), ("2016-03-01", [1, 1, 0, 0]), ("2016-03-01", [1, 0, 1, 0])] {
        let file = town.file("o.csv", format!("{header}\nY1,H1,start,2016-01-01,{met}\n"));
        assert_eq!(town.tally("obligations", &file), tally);
    }
    let stored = "select format('%s %s', met_on, upper_inf(recorded)) from obligation order by id";
    assert_eq!(town.values::<String>(stored).await, [" f", "2016-03-01 t"]);
}
