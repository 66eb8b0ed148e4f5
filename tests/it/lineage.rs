//! Parcels out of parcels, by the built binary on a register of its own: land, codes, history, refusals.

mod after;
mod duties;
mod laws;
mod split;

use serde_json::{Value, json};

use crate::support::{Ended, Town, feature, lot, parcel, parcel_code, square};

/// A line across lot 1 at a longitude, a little longer than the lot is high.
pub fn cut_at(town: &Town, longitude: f64) -> String {
    let line = json!({"type": "LineString", "coordinates": [[longitude, 31.0999], [longitude, 31.1010]]});
    town.geojson("cut", &[feature(&json!({}), &line)]).to_str().unwrap().to_owned()
}

/// Runs an event of the usual document and day.
pub fn event(town: &Town, arguments: &[&str]) -> Ended {
    let mut all = vec!["lineage"];
    all.extend(arguments);
    all.extend(["--document", "沪规划资源〔2025〕1号", "--on", "2025-07-01"]);
    town.run(&all)
}

/// Codes of the findings of an answer.
pub fn findings(ended: &Ended) -> Vec<String> {
    let found = ended.answer["findings"].as_array().unwrap();
    found.iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
}

/// Refused for these reasons, told on stderr, and nothing in the register changed.
async fn refused(town: &Town, arguments: &[&str], codes: &[&str]) {
    let before = town.contents().await;
    let ended = event(town, arguments);
    let errors = ended.answer["findings"].as_array().unwrap().iter().filter(|finding| finding["severity"] == "error");
    let found: Vec<&str> = errors.map(|finding| finding["code"].as_str().unwrap()).collect();
    assert_eq!((ended.status, found.as_slice()), (Some(1), codes), "{ended:?}");
    assert!(codes.iter().all(|code| ended.said.contains(code)), "{}", ended.said);
    assert_eq!(town.contents().await, before, "a refused event leaves nothing");
}

/// Parcels 1 to 3 of one row of lots that touch, in one district.
async fn street() -> Town {
    let town = Town::empty().await;
    let district = feature(&json!({"code": "310115", "name": "浦东新区"}), &square(121.4, 31.0, 121.7, 31.4));
    town.takes("districts", &town.geojson("districts", &[district]));
    let lots: Vec<Value> = (1..=3)
        .map(|number| feature(&json!({"parcel_code": parcel_code(number), "land_use": "M1"}), &row(number)))
        .collect();
    town.takes("parcels", &town.geojson("parcels", &lots));
    town
}

fn row(number: u32) -> Value {
    let west = 121.5 + f64::from(number) * 0.001;
    square(west, 31.1, west + 0.001, 31.101)
}

/// Code, valid time and whether it is believed, of every version.
const VERSIONS: &str = "select format('%s %s %s', right(code, 5), valid, upper_inf(recorded)) from parcel_version v
    join parcel p on p.id = parcel_id order by code, lower(recorded), valid";

#[tokio::test]
async fn a_split_from_a_cut_line_retires_the_parent_and_begins_its_children() {
    let town = Town::settled().await;
    let zone = json!({"zone_code": "Z1", "name": "基地", "tier": "base", "locked": 0, "valid_from": "2020-01-01"});
    town.takes("zones", &town.geojson("zones", &[feature(&zone, &square(121.49, 31.09, 121.6, 31.2))]));
    let ended = event(&town, &["split", &parcel_code(1), "--cut", &cut_at(&town, 121.5013)]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let children = ended.answer["children"].as_array().unwrap();
    // Lots 1 to 3 are on record, so the next free serials of the sub-district are 4 and 5; from west to east.
    assert_eq!([&children[0]["code"], &children[1]["code"]], [&json!(parcel_code(4)), &json!(parcel_code(5))]);
    let areas: Vec<f64> = children.iter().map(|one| one["area_m2"].as_f64().unwrap()).collect();
    let parent = ended.answer["parents"][0]["area_m2"].as_f64().unwrap();
    assert!(
        (areas.iter().sum::<f64>() - parent).abs() < 0.01 && (areas[0] / parent - 1.0 / 3.0).abs() < 1e-3,
        "{areas:?} of {parent}"
    );
    assert_eq!(
        town.values::<String>(VERSIONS).await,
        [
            "00001 (,) f",
            "00001 (,2025-07-01) t",
            "00002 (,) t",
            "00003 (,) t",
            "00004 [2025-07-01,) t",
            "00005 [2025-07-01,) t",
        ]
    );
    // A historic parcel has no place among those of today; its children have one each.
    let places: Vec<String> =
        town.values("select right(code, 5) from parcel_place join parcel p on p.id = parcel_id order by 1").await;
    assert_eq!(places, ["00002", "00003", "00004", "00005"]);
    let act: String = town.value("select act from revision order by id desc limit 1").await;
    let entry: String = town.value("select entry from audit_entry order by id desc limit 1").await;
    assert!(act == "lineage-split" && entry.contains("沪规划资源〔2025〕1号"), "{act} {entry}");
}

#[tokio::test]
async fn a_split_from_given_geometry_takes_codes_and_certificates_from_the_lots() {
    let town = Town::settled().await;
    let lots = [
        feature(
            &json!({"parcel_code": "310115001001GB00070", "registered_area_m2": 4000.5}),
            &square(121.501, 31.1, 121.5014, 31.1009),
        ),
        feature(&json!({}), &square(121.5014, 31.1, 121.5019, 31.1009)),
    ];
    let path = town.geojson("lots", &lots);
    let into = path.to_str().unwrap();
    let ended = event(&town, &["split", &parcel_code(1), "--into", into]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let found: Vec<String> = town
        .values("select format('%s %s', right(code, 5), registered_area_m2) from parcel_version v join parcel p on p.id = parcel_id where upper_inf(v.recorded) and v.valid @> date '2025-07-01' order by 1")
        .await;
    assert_eq!(found, ["00002 ", "00003 ", "00004 ", "00070 4000.5000"]);
    let named =
        event(&town, &["split", &parcel_code(2), "--into", into, "--codes", "310115001001GB00080,310115001001GB00081"]);
    assert_eq!((named.status, findings(&named)), (Some(1), vec!["gap".into(), "outside-parents".into()]));
}

#[tokio::test]
async fn a_merge_ends_its_parents_and_begins_one_parcel_of_all_their_land() {
    let town = street().await;
    let ended = event(&town, &["merge", &parcel_code(1), &parcel_code(2)]);
    assert_eq!((ended.status, findings(&ended)), (Some(0), vec![]), "{ended:?}");
    assert_eq!(ended.answer["children"][0]["code"], json!(parcel_code(4)));
    let (before, after) = (ended.answer["area_in_m2"].as_f64().unwrap(), ended.answer["area_out_m2"].as_f64().unwrap());
    assert!((before - after).abs() < 0.01, "{before} {after}");
    let links: i64 = town
        .value("select count(*) from lineage_link l join parcel c on c.id = l.child where right(c.code, 5) = '00004'")
        .await;
    assert_eq!(links, 2);
    let parts: i32 = town.value("select st_numgeometries(geom) from parcel_version order by id desc limit 1").await;
    assert_eq!(parts, 1);
    refused(&town, &["merge", &parcel_code(3), &parcel_code(2)], &["parcel-retired"]).await;
}

#[tokio::test]
async fn parcels_that_lie_apart_merge_only_when_that_is_said() {
    let town = Town::settled().await;
    refused(&town, &["merge", &parcel_code(1), &parcel_code(3)], &["not-adjacent"]).await;
    let ended = event(&town, &["merge", &parcel_code(1), &parcel_code(3), "--apart"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let parts: i32 = town.value("select st_numgeometries(geom) from parcel_version order by id desc limit 1").await;
    assert_eq!(parts, 2);
}

#[tokio::test]
async fn a_boundary_adjustment_keeps_the_parcels_and_says_which_land_moved() {
    let town = street().await;
    let lots = [
        feature(&json!({"parcel_code": parcel_code(1)}), &square(121.501, 31.1, 121.5018, 31.101)),
        feature(&json!({"parcel_code": parcel_code(2)}), &square(121.5018, 31.1, 121.503, 31.101)),
    ];
    let path = town.geojson("bounds", &lots);
    let ended = event(&town, &["adjust", "--into", path.to_str().unwrap()]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let links: Vec<String> = ended.answer["links"]
        .as_array()
        .unwrap()
        .iter()
        .map(|link| {
            format!(
                "{} {} {:.0}",
                &link["parent"].as_str().unwrap()[14..],
                &link["child"].as_str().unwrap()[14..],
                link["area_m2"].as_f64().unwrap()
            )
        })
        .collect();
    let lot: f64 = town.value("select area_m2 from parcel_version where parcel_id = 3").await;
    assert_eq!(
        links,
        [
            format!("00001 00001 {:.0}", 0.8 * lot),
            format!("00001 00002 {:.0}", 0.2 * lot),
            format!("00002 00002 {lot:.0}")
        ]
    );
    assert_eq!(
        town.values::<String>(VERSIONS).await,
        [
            "00001 (,) f",
            "00001 (,2025-07-01) t",
            "00001 [2025-07-01,) t",
            "00002 (,) f",
            "00002 (,2025-07-01) t",
            "00002 [2025-07-01,) t",
            "00003 (,) t"
        ]
    );
}

#[tokio::test]
async fn a_parcel_that_became_a_road_is_retired_for_its_ground_and_stays_historic() {
    let town = street().await;
    let found = ["lifecycle", "found", &parcel_code(2), "operating", "--document", "调查", "--on", "2020-01-01"];
    assert_eq!(town.run(&found).status, Some(0));
    let ended = event(&town, &["retire", &parcel_code(2), "--ground", "道路用地"]);
    assert_eq!((ended.status, findings(&ended)), (Some(0), vec![]), "{ended:?}");
    let life: Vec<String> = town
        .values("select format('%s %s %s %s', state, valid, deed, facts ->> 'event') from parcel_state where upper_inf(recorded) order by id")
        .await;
    assert_eq!(life, ["operating [2020-01-01,2025-07-01) found ", "retired [2025-07-01,) retire 1"]);
    let withdrawn = town.run(&["lifecycle", "withdraw", &parcel_code(2), "--reason", "x"]);
    assert!(withdrawn.status == Some(1) && withdrawn.said.contains("event of lineage"), "{withdrawn:?}");
    let kept: String = town.value("select format('%s %s', e.ground, (select valid from parcel_version v where v.parcel_id = y.parcel_id and upper_inf(recorded))) from lineage_event e join lineage_party y on y.event = e.id").await;
    assert_eq!(kept, "道路用地 (,2025-07-01)");
    let shown = town.run(&["lineage", "show", &parcel_code(2)]);
    assert_eq!(
        (shown.status, &shown.answer["ended_by"], &shown.answer["events"][0]["kind"]),
        (Some(0), &json!(1), &json!("retire"))
    );
}

#[tokio::test]
async fn a_code_is_never_used_again() {
    let town = street().await;
    let cut = cut_at(&town, 121.5015);
    assert_eq!(event(&town, &["split", &parcel_code(1), "--cut", &cut]).status, Some(0));
    // Not by another event, whether the code is historic or law,
    let codes = format!("{},{}", parcel_code(1), parcel_code(3));
    let line = json!({"type": "LineString", "coordinates": [[121.5025, 31.09], [121.5025, 31.11]]});
    let cut = town.geojson("second", &[feature(&json!({}), &line)]);
    refused(
        &town,
        &["split", &parcel_code(2), "--cut", cut.to_str().unwrap(), "--codes", &codes],
        &["code-used", "code-used"],
    )
    .await;
    // not by an import,
    let before = town.contents().await;
    let file = town.geojson("again", &[feature(&json!({"parcel_code": parcel_code(1), "land_use": "M2"}), &row(1))]);
    let import = town.import("parcels", &[file], &[]);
    assert_eq!(
        (import.status, &import.answer["findings"][0]["code"]),
        (Some(1), &json!("parcel-retired")),
        "{import:?}"
    );
    assert_eq!(town.contents().await, before);
    // not by a contract that is signed once the parcel is history,
    let header = "contract_no,parcel_code,kind,signed_on,term_years,performance_terms";
    let late = town.file("late.csv", format!("{header}\nH9,{},grant,2026-01-01,20,1\n", parcel_code(1)));
    let import = town.import("contracts", &[late], &[]);
    assert_eq!((import.status, &import.answer["findings"][0]["code"]), (Some(1), &json!("parcel-retired")));
    assert_eq!(town.contents().await, before);
    // and not by hand.
    for (sql, constraint) in [
        ("insert into parcel (code) values ('310115001001GB00001')", "parcel_code_key"),
        ("insert into parcel_version (parcel_id, valid, recorded, district, land_use, land_use_scheme, area_m2, geom, revision)
          select parcel_id, daterange('2026-01-01', null), tstzrange(now(), null), district, land_use, land_use_scheme, area_m2, geom, revision
          from parcel_version where parcel_id = 1 limit 1", "lineage_bounds"),
    ] {
        let error = sqlx::query(sql).execute(&town.database.pool).await.unwrap_err();
        assert_eq!(error.as_database_error().unwrap().constraint(), Some(constraint), "{error}");
    }
}

#[tokio::test]
async fn an_event_hangs_on_a_document_and_has_one_cause() {
    let town = street().await;
    let code = parcel_code(1);
    let cut = cut_at(&town, 121.5015);
    let bare = town.run(&["lineage", "split", &code, "--cut", &cut, "--on", "2025-07-01"]);
    assert_eq!(bare.status, Some(2), "clap wants the document");
    let blank = town.run(&["lineage", "split", &code, "--cut", &cut, "--on", "2025-07-01", "--document", " "]);
    assert_eq!((blank.status, findings(&blank)), (Some(1), vec!["document-missing".into(), "ground-missing".into()]));
    assert_eq!(event(&town, &["split", &code, "--cut", &cut, "--ground", "部分转让"]).status, Some(0));
    let event: String =
        town.value("select format('%s %s %s %s', kind, on_date, document, ground) from lineage_event").await;
    assert_eq!(event, "split 2025-07-01 沪规划资源〔2025〕1号 部分转让");
    // What was written stays.
    let error = sqlx::query("update lineage_event set ground = 'x'").execute(&town.database.pool).await.unwrap_err();
    assert_eq!(error.as_database_error().unwrap().constraint(), Some("lineage_stays"), "{error}");
}

#[tokio::test]
async fn a_plan_shows_everything_and_stores_nothing() {
    let town = street().await;
    let before = town.contents().await;
    let cut = cut_at(&town, 121.5015);
    let planned = event(&town, &["split", &parcel_code(1), "--cut", &cut, "--dry-run"]);
    assert_eq!(
        (planned.status, &planned.answer["id"], &planned.answer["revision"]),
        (Some(0), &Value::Null, &Value::Null)
    );
    assert_eq!(town.contents().await, before);
    let done = event(&town, &["split", &parcel_code(1), "--cut", &cut]);
    for part in ["parents", "children", "links", "duties", "findings", "area_in_m2", "area_out_m2"] {
        assert_eq!(planned.answer[part], done.answer[part], "{part}");
    }
}

#[tokio::test]
async fn an_event_on_land_that_is_not_there_is_refused_and_leaves_nothing() {
    let town = street().await;
    let cut = cut_at(&town, 121.5015);
    refused(&town, &["split", &parcel_code(9), "--cut", &cut], &["unknown-parcel"]).await;
    let aside = cut_at(&town, 121.6);
    refused(&town, &["split", &parcel_code(1), "--cut", &aside], &["cut-does-not-divide"]).await;
    refused(&town, &["merge", &parcel_code(1), &parcel_code(1)], &["repeated-parcel"]).await;
    let future = town.run(&["lineage", "retire", &parcel_code(1), "--document", "x", "--on", "2199-01-01"]);
    assert_eq!((future.status, findings(&future)), (Some(1), vec!["event-in-future".into()]));
}

#[tokio::test]
async fn lots_that_overlap_leave_a_gap_or_reach_outside_are_refused() {
    let town = street().await;
    let west = |east: f64| feature(&json!({}), &square(121.501, 31.1, east, 31.101));
    let east = |west: f64, end: f64| feature(&json!({}), &square(west, 31.1, end, 31.101));
    for (lots, codes) in [
        ([west(121.5015), east(121.5014, 121.502)], vec!["area-differs", "overlap"]),
        ([west(121.5015), east(121.5016, 121.502)], vec!["area-differs", "gap"]),
        ([west(121.5015), east(121.5015, 121.5021)], vec!["area-differs", "outside-parents"]),
    ] {
        let path = town.geojson("lots", &lots);
        refused(&town, &["split", &parcel_code(1), "--into", path.to_str().unwrap()], &codes).await;
    }
    let bow = json!({"type": "Polygon", "coordinates": [[[121.501, 31.1], [121.502, 31.101], [121.502, 31.1], [121.501, 31.101], [121.501, 31.1]]]});
    let path = town.geojson("lots", &[feature(&json!({}), &bow), west(121.5015)]);
    refused(&town, &["split", &parcel_code(1), "--into", path.to_str().unwrap()], &["geometry-invalid"]).await;
}

#[tokio::test]
async fn no_event_passes_under_what_became_law_later() {
    let town = street().await;
    let later = json!({"parcel_code": parcel_code(1), "land_use": "M1", "address": "甲路", "valid_from": "2025-08-01"});
    town.takes("parcels", &town.geojson("later", &[feature(&later, &row(1))]));
    refused(&town, &["retire", &parcel_code(1)], &["later-version"]).await;
    // On the very day on which a version begins there is nothing before the event to end.
    let ended = town.run(&["lineage", "retire", &parcel_code(1), "--document", "x", "--on", "2025-08-01"]);
    assert_eq!((ended.status, findings(&ended)), (Some(1), vec!["begins-that-day".into()]));
}

#[tokio::test]
async fn every_parcel_that_ever_lay_at_a_place_is_found() {
    let town = street().await;
    assert_eq!(event(&town, &["merge", &parcel_code(1), &parcel_code(2)]).status, Some(0));
    let line = json!({"type": "LineString", "coordinates": [[121.5025, 31.09], [121.5025, 31.11]]});
    let cut = town.geojson("cut", &[feature(&json!({}), &line)]);
    let split = town.run(&[
        "lineage",
        "split",
        &parcel_code(4),
        "--cut",
        cut.to_str().unwrap(),
        "--document",
        "y",
        "--on",
        "2025-09-01",
    ]);
    assert_eq!(split.status, Some(0), "{split:?}");
    let at = town.run(&["lineage", "at", "121.5022,31.1005"]);
    let found: Vec<String> = at
        .answer
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            format!(
                "{} {} {} {}",
                &one["code"].as_str().unwrap()[14..],
                one["valid_from"],
                one["valid_to"],
                one["ended_by"]
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            "00002 null \"2025-07-01\" \"merge\"",
            "00004 \"2025-07-01\" \"2025-09-01\" \"split\"",
            "00005 \"2025-09-01\" null null"
        ]
    );
    // The whole family, from anywhere in it.
    let shown = town.command().args(["lineage", "show", &parcel_code(5)]).output().unwrap();
    let text = String::from_utf8(shown.stdout).unwrap();
    for code in [1, 2, 4, 5].map(parcel_code) {
        assert!(text.contains(&code), "{text}");
    }
    assert!(!text.contains(&parcel_code(3)) && text.contains("split on 2025-09-01: y"), "{text}");
}

#[tokio::test]
async fn a_cut_that_ends_on_the_boundary_by_rounding_still_divides() {
    let town = Town::settled().await;
    // Three centimetres short of the boundary at either end.
    let line = json!({"type": "LineString", "coordinates": [[121.5013, 31.1000003], [121.5013, 31.1008997]]});
    let cut = town.geojson("cut", &[feature(&json!({}), &line)]);
    assert_eq!(event(&town, &["split", &parcel_code(1), "--cut", cut.to_str().unwrap()]).status, Some(0));
    // Three metres short is another matter.
    let line = json!({"type": "LineString", "coordinates": [[121.5023, 31.10003], [121.5023, 31.1009]]});
    let cut = town.geojson("cut", &[feature(&json!({}), &line)]);
    refused(&town, &["split", &parcel_code(2), "--cut", cut.to_str().unwrap()], &["cut-does-not-divide"]).await;
}

#[tokio::test]
async fn a_parcel_in_several_parts_is_split_into_lots_and_not_by_a_line() {
    let town = Town::settled().await;
    let code = parcel_code(7);
    let two = json!({"type": "MultiPolygon", "coordinates": [lot(7)["coordinates"], lot(9)["coordinates"]]});
    town.takes("parcels", &town.geojson("two", &[feature(&json!({"parcel_code": code, "land_use": "M1"}), &two)]));
    let cut = cut_at(&town, 121.5073);
    refused(&town, &["split", &code, "--cut", &cut], &["cut-of-several-parts"]).await;
    let lots = town.geojson("lots", &[feature(&json!({}), &lot(7)), feature(&json!({}), &lot(9))]);
    let ended = event(&town, &["split", &code, "--into", lots.to_str().unwrap()]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
}

#[tokio::test]
async fn drawings_that_are_something_else_are_refused_with_the_place() {
    let town = Town::settled().await;
    let code = parcel_code(1);
    for (name, content, said) in [
        ("text", "parcels".to_owned(), "is no GeoJSON"),
        ("polygon", crate::support::collection(&[parcel(1)]), "feature 1: found a polygon, expected a LineString"),
        ("empty", crate::support::collection(&[]), "found no feature"),
        ("none", json!({"type": "Feature", "properties": {}, "geometry": null}).to_string(), "found no geometry"),
        (
            "off",
            json!({"type": "LineString", "coordinates": [[3471234.5, 351234.5], [3471234.5, 351334.5]]}).to_string(),
            "off the globe",
        ),
    ] {
        let path = town.file(&format!("{name}.geojson"), content);
        let ended = event(&town, &["split", &code, "--cut", path.to_str().unwrap()]);
        assert!(ended.status == Some(1) && ended.said.contains(said), "{name}: {ended:?}");
    }
    let missing = event(&town, &["split", &code, "--cut", "nowhere.geojson"]);
    assert!(missing.status == Some(1) && missing.said.contains("nowhere.geojson could not be read"), "{missing:?}");
    assert_eq!(event(&town, &["split", &code]).status, Some(2), "a split wants a drawing");
}
