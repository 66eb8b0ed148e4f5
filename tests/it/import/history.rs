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

#[tokio::test]
async fn a_correction_of_the_past_backdates_valid_time_and_never_rewrites_recorded_time() {
    let town = Town::settled().await;
    let period = |address: &str, from: &str, to: Option<&str>| {
        let properties = json!({"parcel_code": parcel_code(1), "land_use": "M1", "address": address,
            "valid_from": from, "valid_to": to});
        town.geojson("period", &[feature(&properties, &lot(1))])
    };
    town.takes("parcels", &period("甲路", "2010-01-01", None));
    town.takes("parcels", &period("乙路", "2020-01-01", None));
    let before: Vec<String> = town.values(VERSIONS).await;
    // 乙路 was in truth the address since 2018; and for three months of 2021 it was 丙路.
    assert_eq!(town.tally("parcels", &period("乙路", "2018-01-01", Some("2020-01-01"))), [1, 1, 0, 0]);
    assert_eq!(town.tally("parcels", &period("丙路", "2021-01-01", Some("2021-04-01"))), [1, 1, 0, 0]);
    let now: Vec<String> = town
        .values(
            "select format('%s %s', address, valid) from parcel_version v join parcel p on p.id = parcel_id
             where code = '310115001001GB00001' and upper_inf(recorded) order by valid",
        )
        .await;
    assert_eq!(
        now,
        [
            " (,2010-01-01)",
            "甲路 [2010-01-01,2018-01-01)",
            "乙路 [2018-01-01,2020-01-01)",
            "乙路 [2020-01-01,2021-01-01)",
            "丙路 [2021-01-01,2021-04-01)",
            "乙路 [2021-04-01,)",
        ]
    );
    // What was believed before is all still there, closed and not changed.
    let kept: Vec<String> = town.values(VERSIONS).await;
    for version in before {
        let closed = version.replace(" t", " f");
        assert!(kept.contains(&version) || kept.contains(&closed), "{version} is lost: {kept:?}");
    }
    assert_eq!(town.tally("parcels", &period("丙路", "2021-01-01", Some("2021-04-01"))), [1, 0, 1, 0]);
    let refused = town.import("parcels", &[period("丁路", "2021-01-01", Some("2020-01-01"))], &[]);
    assert_eq!(refused.answer["findings"][0]["code"], "period-ends-before-it-begins");
    no_two_versions_overlap(&town).await;
}

#[tokio::test]
async fn the_days_before_the_first_known_one_come_back_in_and_change_nothing() {
    let town = Town::settled().await;
    let period = |address: &str, from: Option<&str>, to: Option<&str>| {
        let properties = json!({"parcel_code": parcel_code(1), "land_use": "M1", "address": address,
            "valid_from": from, "valid_to": to});
        town.geojson("period", &[feature(&properties, &lot(1))])
    };
    town.takes("parcels", &moved(&town, "甲路", None));
    town.takes("parcels", &moved(&town, "乙路", Some("2020-01-01")));
    let out = town.run(&["export", "parcels", "--format", "gpkg", "--out", "then.gpkg", "--valid-at", "2019-12-31"]);
    assert_eq!(out.status, Some(0), "{out:?}");
    let before = town.contents().await;
    assert_eq!(town.tally("parcels", &town.folder().join("then.gpkg")), [3, 0, 3, 0]);
    assert_eq!(town.contents().await, before);
    // Two versions that say the same and adjoin hold what a period over both of them says.
    town.takes("parcels", &period("乙路", Some("2018-01-01"), Some("2020-01-01")));
    assert_eq!(town.tally("parcels", &period("乙路", Some("2018-06-01"), Some("2022-01-01"))), [1, 0, 1, 0]);
    assert_eq!(town.tally("parcels", &period("丙路", None, Some("2000-01-01"))), [1, 1, 0, 0]);
    let now: Vec<String> = town
        .values(
            "select format('%s %s', address, valid) from parcel_version v join parcel p on p.id = parcel_id
             where code = '310115001001GB00001' and upper_inf(recorded) order by valid",
        )
        .await;
    assert_eq!(
        now,
        ["丙路 (,2000-01-01)", "甲路 [2000-01-01,2018-01-01)", "乙路 [2018-01-01,2020-01-01)", "乙路 [2020-01-01,)"]
    );
    no_two_versions_overlap(&town).await;
}

#[tokio::test]
async fn a_period_before_the_day_on_which_a_split_began_the_parcel_is_refused_by_name() {
    let town = Town::settled().await;
    let line = json!({"type": "LineString", "coordinates": [[121.5013, 31.0999], [121.5013, 31.1010]]});
    let cut = town.geojson("cut", &[feature(&json!({}), &line)]);
    let split = ["lineage", "split", &parcel_code(1), "--cut", cut.to_str().unwrap(), "--document", "1号", "--on"];
    assert_eq!(town.run(&[&split[..], &["2025-07-01"]].concat()).status, Some(0));
    let period = |from: Option<&str>| {
        let properties = json!({"parcel_code": parcel_code(4), "land_use": "M1", "address": "甲路",
            "valid_from": from, "valid_to": "2025-09-01"});
        town.geojson("period", &[feature(&properties, &lot(1))])
    };
    let before = town.contents().await;
    for from in [Some("2025-06-30"), None] {
        let refused = town.import("parcels", &[period(from)], &[]);
        assert_eq!((refused.status, refused.tally()), (Some(1), [1, 0, 0, 1]), "{refused:?}");
        assert_eq!(refused.answer["findings"][0]["code"], "period-before-parcel");
        assert!(refused.said.contains("2025-07-01"), "{}", refused.said);
        assert_eq!(town.contents().await, before);
    }
    town.takes("parcels", &period(Some("2025-07-01")));
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
        json!({"zone_code": "Z1", "name": name, "tier": "base", "locked": 0, "valid_from": from, "valid_to": to});
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

#[tokio::test]
async fn the_database_itself_refuses_two_versions_of_a_parcel_that_overlap_in_both_times() {
    let town = Town::settled().await;
    let columns = "parcel_id, district, land_use, land_use_scheme, area_m2, geom, revision";
    let again = |valid: &str, recorded: &str| {
        format!(
            "insert into parcel_version (valid, recorded, {columns})
             select {valid}, {recorded}, {columns} from parcel_version where parcel_id = 1"
        )
    };
    let believed_before = "tstzrange('2000-01-01', lower(recorded))";
    for (statement, refused) in [
        (again("'[2020-01-01,2021-01-01)'", "recorded"), true),
        (again("valid", "'(,)'"), true),
        // What was believed before may say anything, once.
        (again("valid", believed_before), false),
        (again("'[2020-01-01,)'", "tstzrange('1999-01-01', '2000-01-02')"), true),
        ("update parcel_version set parcel_id = 1 where parcel_id = 2".to_owned(), true),
        (
            "update parcel_version set valid = '(,2020-01-01)' where parcel_id = 1 and upper_inf(recorded)".to_owned(),
            false,
        ),
        ("update parcel_version set recorded = '(,)' where parcel_id = 1 and not upper_inf(recorded)".to_owned(), true),
    ] {
        let ended = sqlx::query(sqlx::AssertSqlSafe(statement.clone())).execute(&town.database.pool).await;
        let code = ended.err().map(|error| error.as_database_error().unwrap().code().unwrap().into_owned());
        assert_eq!(code.as_deref(), refused.then_some("23P01"), "{statement}");
        no_two_versions_overlap(&town).await;
    }
}

#[tokio::test]
async fn an_empty_register_that_is_filled_at_once_has_every_index_and_constraint_afterwards() {
    let town = Town::empty().await;
    let shape = "select pg_get_indexdef(indexrelid) from pg_index where indrelid::regclass::text in ('parcel', 'parcel_version')
        union all select conname || ' ' || pg_get_constraintdef(oid) from pg_constraint
            where conrelid::regclass::text in ('parcel', 'parcel_version')
        union all select tgname || ' ' || tgenabled::text from pg_trigger
            where tgrelid::regclass::text in ('parcel', 'parcel_version') and not tgisinternal
        order by 1";
    let before: Vec<String> = town.values(shape).await;
    assert!(before.len() > 10, "{before:?}");
    let row = |number: u32, size: f64| {
        let (x, y) = (121.0 + f64::from(number % 200) * 0.001, 31.0 + f64::from(number / 200) * 0.001);
        let properties = json!({"parcel_code": parcel_code(number), "land_use": "M1", "valid_from": "2020-01-01"});
        feature(&properties, &square(x, y, x + size, y + size))
    };
    let mut rows: Vec<Value> = (1..=30_000).map(|number| row(number, 0.0009)).collect();
    // One that comes again, and one that crosses itself.
    rows.push(row(7, 0.0001));
    let tie =
        json!({"type": "Polygon", "coordinates": [[[121, 32], [121.1, 32.1], [121.1, 32], [121, 32.1], [121, 32]]]});
    rows.push(feature(&json!({"parcel_code": parcel_code(40_000), "land_use": "M1"}), &tie));
    let ended = town.import("parcels", &[town.geojson("many", &rows)], &[]);
    assert_eq!((ended.status, ended.tally()), (Some(0), [30_002, 30_000, 0, 2]), "{ended:?}");
    let codes: Vec<&str> =
        ended.answer["findings"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["duplicate-key", "geometry-self-intersection", "overlaps-not-looked-for"]);
    assert_eq!(town.values::<String>(shape).await, before);
    assert_eq!(town.value::<i64>("select count(distinct parcel_id) from parcel_version").await, 30_000);
    // Numbers given in bulk stand in nobody's way.
    town.takes("parcels", &town.geojson("more", &[crate::support::parcel(45_000)]));
    town.takes("parcels", &moved(&town, "甲路", None));
    assert_eq!(town.value::<i64>("select count(*) from parcel").await, 30_001);
    no_two_versions_overlap(&town).await;
    assert_eq!(town.values::<String>(shape).await, before);
}
