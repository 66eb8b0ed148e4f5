//! Planning units and legacy areas as layers with two times: import, versions, export.

use super::{stands, with};
use crate::support::{Town, feature, parcel_code, square};
use serde_json::{Value, json};

fn unit(code: &str, uses: &str) -> Value {
    let properties = json!({"unit_code": code, "name": format!("{code}单元"), "uses": uses, "document": "沪规〔2020〕9号",
        "decided_on": "2020-05-01", "valid_from": "2020-07-01"});
    feature(&properties, &square(121.5, 31.0995, 121.5035, 31.1015))
}

fn legacy(code: &str, class: &str) -> Value {
    let properties =
        json!({"area_code": code, "name": format!("{code}区块"), "class": class, "valid_from": "2014-01-01"});
    feature(&properties, &square(121.5, 31.0995, 121.5015, 31.1015))
}

#[tokio::test]
async fn units_and_legacy_areas_are_shown_with_what_they_permit_and_their_class() {
    let town = Town::settled().await;
    town.takes("plan-units", &town.geojson("units", &[unit("U1", "M1:1.0-2.0;M4:-3.0;W1")]));
    town.takes("legacy-areas", &town.geojson("legacy", &[legacy("L1", "104区块")]));
    let found = stands(&town, &["--parcel", &parcel_code(1)]);
    let [unit, legacy] = &found["overlaps"].as_array().unwrap()[..] else { panic!("{found}") };
    assert_eq!((&unit["layer"], &unit["code"], &unit["percent"]), (&json!("plan-unit"), &json!("U1"), &json!(100.0)));
    let uses = json!([
        {"land_use": "M1", "plot_ratio_low": 1.0, "plot_ratio_high": 2.0},
        {"land_use": "M4", "plot_ratio_low": null, "plot_ratio_high": 3.0},
        {"land_use": "W1", "plot_ratio_low": null, "plot_ratio_high": null},
    ]);
    assert_eq!((&unit["uses"], &unit["land_use_scheme"]), (&uses, &json!("GB50137-SH")));
    assert_eq!((&legacy["layer"], &legacy["class"]), (&json!("legacy"), &json!("104")));
    // Neither says anything of tiers.
    assert_eq!((&found["plan_is_known"], &found["tier"]), (&json!(false), &json!("fragmented")));
}

#[tokio::test]
async fn a_layer_is_read_again_from_its_own_export_without_a_change() {
    let town = Town::settled().await;
    town.takes("plan-units", &town.geojson("units", &[unit("U1", "M1:1.0-2.0;M4:-3.0;W1")]));
    town.takes("legacy-areas", &town.geojson("legacy", &[legacy("L1", "198")]));
    let zone = super::zone("B1", "base", true, 121.5, 121.51);
    town.takes("zones", &town.geojson("zones", &[zone]));
    for kind in ["plan-units", "legacy-areas", "zones"] {
        for format in ["gpkg", "geojson", "shp"] {
            let file = format!("{kind}.{format}");
            let ended = town.run(&["export", kind, "--format", format, "--out", &file]);
            assert_eq!((ended.status, &ended.answer["rows"]), (Some(0), &json!(1)), "{file}: {}", ended.said);
            let read = town.import(kind, &[town.folder().join(&file)], &[]);
            assert_eq!(read.tally(), [1, 0, 1, 0], "{file}: {}", read.said);
        }
    }
}

#[tokio::test]
async fn a_later_version_of_a_unit_holds_from_its_day_and_the_earlier_one_until_then() {
    let town = Town::settled().await;
    town.takes("plan-units", &town.geojson("one", &[unit("U1", "M1")]));
    let later = with(unit("U1", "M4"), &json!({"valid_from": "2024-01-01", "decided_on": "2023-12-01"}));
    town.takes("plan-units", &town.geojson("two", &[later]));
    let uses = |day: &str| {
        let found = stands(&town, &["--parcel", &parcel_code(1), "--valid-at", day]);
        found.pointer("/overlaps/0/uses/0/land_use").cloned()
    };
    assert_eq!(["2020-06-30", "2023-12-31", "2024-01-01"].map(uses), [None, Some(json!("M1")), Some(json!("M4"))]);
    // An old file read again takes nothing away.
    assert_eq!(town.tally("plan-units", &town.geojson("one", &[unit("U1", "M1")])), [1, 0, 1, 0]);
    let versions: Vec<String> = town
        .values("select format('%s %s', valid, uses) from plan_unit_version where upper_inf(recorded) order by valid")
        .await;
    assert_eq!(versions, ["[2020-07-01,2024-01-01) M1", "[2024-01-01,) M4"]);
}

#[tokio::test]
async fn an_older_row_without_an_end_wipes_out_no_newer_version_in_any_layer() {
    let town = Town::settled().await;
    for (kind, area, other) in [
        ("zones", super::zone("B1", "base", true, 121.5, 121.51), json!({"name": "另名"})),
        ("plan-units", unit("U1", "M1"), json!({"uses": "M1;W1"})),
        ("legacy-areas", legacy("L1", "104"), json!({"class": "195"})),
    ] {
        let from = |day: &str| with(area.clone(), &json!({"valid_from": day}));
        town.takes(kind, &town.geojson("first", &[from("2020-07-01")]));
        let second = with(from("2024-01-01"), &json!({"name": "新名"}));
        town.takes(kind, &town.geojson("second", std::slice::from_ref(&second)));
        let before = town.contents().await;
        // The old file, in which somebody changed a field since; and a version that would begin between the two.
        for day in ["2020-07-01", "2022-01-01"] {
            let ended = town.import(kind, &[town.geojson("old", &[with(from(day), &other)])], &[]);
            assert_eq!((ended.status, ended.tally()), (Some(1), [1, 0, 0, 1]), "{kind} {day}: {}", ended.answer);
            let finding = &ended.answer["findings"][0];
            assert_eq!(
                (&finding["code"], &finding["facts"]["value"]),
                (&json!("period-overlaps"), &json!(day)),
                "{kind}"
            );
            assert_eq!(town.contents().await, before, "{kind} {day}");
        }
        // Said with its last day, the change is taken for those days, and the newer version holds on.
        let bounded = with(with(from("2020-07-01"), &other), &json!({"valid_to": "2024-01-01"}));
        assert_eq!(town.tally(kind, &town.geojson("bounded", &[bounded])), [1, 1, 0, 0], "{kind}");
        assert_eq!(town.tally(kind, &town.geojson("second", &[second])), [1, 0, 1, 0], "{kind}");
    }
}

#[tokio::test]
async fn an_old_file_brings_no_version_back_that_was_ended_before_the_next_one_began() {
    let town = Town::settled().await;
    let old = town.geojson("old", &[unit("U1", "M1")]);
    town.takes("plan-units", &old);
    let ended = with(unit("U1", "M1"), &json!({"valid_to": "2022-01-01"}));
    town.takes("plan-units", &town.geojson("ended", &[ended]));
    let later = with(unit("U1", "M4"), &json!({"valid_from": "2024-01-01"}));
    town.takes("plan-units", &town.geojson("later", &[later]));
    let before = town.contents().await;
    assert_eq!(town.tally("plan-units", &old), [1, 0, 1, 0]);
    assert_eq!(town.contents().await, before);
}

#[tokio::test]
async fn planning_units_on_one_another_are_taken_with_a_warning_that_names_both_and_the_area() {
    let town = Town::settled().await;
    let beside = feature(
        &json!({"unit_code": "U2", "name": "邻", "uses": "M4", "valid_from": "2020-07-01"}),
        &square(121.503, 31.0995, 121.506, 31.1015),
    );
    let ended = town.import("plan-units", &[town.geojson("units", &[unit("U1", "M1"), beside])], &[]);
    assert_eq!((ended.status, ended.tally(), &ended.answer["warnings"]), (Some(0), [2, 2, 0, 0], &json!(1)));
    let said = &ended.answer["findings"][0];
    assert_eq!((&said["code"], &said["facts"]["other"]), (&json!("overlapping-plan-units"), &json!("U2")));
    let area: f64 =
        town.value("select st_area(st_makeenvelope(121.503, 31.0995, 121.5035, 31.1015, 4490)::geography)").await;
    assert!((said["facts"]["area_m2"].as_f64().unwrap() / area - 1.0).abs() < 1e-6, "{said}");
    // Side by side they share nothing.
    let apart = feature(
        &json!({"unit_code": "U3", "name": "远", "uses": "M4", "valid_from": "2020-07-01"}),
        &square(121.506, 31.0995, 121.507, 31.1015),
    );
    let ended = town.import("plan-units", &[town.geojson("apart", &[apart])], &[]);
    assert_eq!((ended.status, &ended.answer["findings"]), (Some(0), &json!([])));
}

#[tokio::test]
async fn the_database_itself_refuses_versions_that_overlap_or_begin_before_they_were_decided() {
    let town = Town::empty().await;
    for (table, columns, values) in [
        ("plan_unit_version", "land_use_scheme, uses", "'X', 'M1'"),
        ("legacy_area_version", "class", "'104'"),
        ("zone_version", "tier, locked", "'base', true"),
    ] {
        let insert = format!(
            "insert into {table} (code, name, {columns}, valid, recorded, decided_on, geom, revision)
             values ('Z', 'Z', {values}, $1::daterange, '[2020-01-01,)', $2::date,
                 st_multi(st_makeenvelope(121, 31, 121.1, 31.1, 4490)), 1)"
        );
        sqlx::query(
            "insert into revision (id, recorded_at, actor, act) values (1, now(), 't', 't') on conflict do nothing",
        )
        .execute(&town.database.pool)
        .await
        .unwrap();
        for (valid, decided, refusal) in [
            ("[2020-01-01,2024-01-01)", "2019-12-31", None),
            ("[2023-12-31,2024-02-01)", "2019-12-31", Some(format!("{table}_overlap"))),
            ("[2025-01-01,)", "2025-01-02", Some(format!("{table}_decided"))),
        ] {
            let done = sqlx::query(sqlx::AssertSqlSafe(insert.as_str()))
                .bind(valid)
                .bind(decided)
                .execute(&town.database.pool)
                .await;
            let constraint =
                done.err().map(|error| error.as_database_error().unwrap().constraint().unwrap().to_owned());
            assert_eq!(constraint, refusal, "{table} {valid}");
        }
    }
}
