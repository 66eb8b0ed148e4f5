//! What follows an event: the original files again, figures of the years before and after it, the timeline, the life.

use axum::http::StatusCode;
use landcycle::store::review::facts::{Asked, freeze};
use serde_json::{Value, json};
use std::sync::Arc;

use super::duties::laden;
use super::{cut_at, event};
use crate::plot_ratio::get;
use crate::support::{Town, feature, parcel_code, square};

/// The files from which a laden street was made.
const ORIGINALS: [(&str, &str); 7] = [
    ("districts", "districts.geojson"),
    ("parcels", "parcels.geojson"),
    ("enterprises", "e.csv"),
    ("contracts", "c.csv"),
    ("obligations", "o.csv"),
    ("buildings", "buildings.geojson"),
    ("occupancies", "u.csv"),
];

fn split(town: &Town) {
    let ended = event(town, &["split", &parcel_code(1), "--cut", &cut_at(town, 121.5015)]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
}

/// Imports the original files again: every row is known, nothing changes.
async fn nothing_new(town: &Town) {
    let before = town.contents().await;
    for (kind, file) in ORIGINALS {
        let again = town.import(kind, &[town.folder().join(file)], &[]);
        let [read, accepted, unchanged, refused] = again.tally();
        assert_eq!((accepted, unchanged, refused), (0, read, 0), "{kind}: {again:?}");
    }
    let after = town.contents().await;
    for (table, content) in &before {
        if !["revision", "audit_entry"].contains(&table.as_str()) {
            assert_eq!(after.get(table), Some(content), "{table}");
        }
    }
}

#[tokio::test]
async fn the_original_files_change_nothing_after_a_split() {
    let town = laden().await;
    split(&town);
    nothing_new(&town).await;
}

#[tokio::test]
async fn the_original_files_change_nothing_after_a_merge_or_a_retirement() {
    let town = laden().await;
    assert_eq!(event(&town, &["merge", &parcel_code(1), &parcel_code(2)]).status, Some(0));
    nothing_new(&town).await;
    let town = laden().await;
    let retired = event(&town, &["retire", &parcel_code(1), "--discharge", "H1=收回决定", "--ground", "道路用地"]);
    assert_eq!(retired.status, Some(0), "{retired:?}");
    nothing_new(&town).await;
}

#[tokio::test]
async fn nothing_else_comes_to_lie_or_lasts_on_a_parcel_that_has_ended() {
    let town = laden().await;
    split(&town);
    let code = parcel_code(1);
    let before = town.contents().await;
    let uses = "parcel_code,enterprise_code,role,floor_area_m2,from_on,to_on";
    let contract = "contract_no,parcel_code,kind,signed_on,term_years,performance_terms";
    let building = "building_code,parcel_code,storeys,floor_area_m2";
    for (kind, rows) in [
        ("occupancies", format!("{uses}\n{code},E1,owner,3600,2024-07-01,\n")),
        ("occupancies", format!("{uses}\n{code},E2,tenant,100,2025-08-01,2025-09-01\n")),
        ("contracts", format!("{contract}\nH7,{code},grant,2025-08-01,20,1\n")),
        ("contracts", format!("{contract}\nH8,{code},grant,2020-01-01,20,1\n")),
        ("buildings", format!("{building}\nB9,{code},2,800\n")),
    ] {
        let import = town.import(kind, &[town.file("late.csv", &rows)], &[]);
        assert_eq!(
            (import.status, &import.answer["findings"][0]["code"]),
            (Some(1), &json!("parcel-retired")),
            "{rows}: {import:?}"
        );
    }
    assert_eq!(town.contents().await, before);
    // A use that ended before the parcel did may still be reported.
    let past = format!("{uses}\n{code},E2,tenant,100,2024-08-01,2024-09-01\n");
    assert_eq!(town.tally("occupancies", &town.file("past.csv", past)), [1, 1, 0, 0]);
}

#[tokio::test]
async fn a_merge_leaves_a_contract_that_says_something_else_of_the_old_parcel_refused() {
    let town = laden().await;
    assert_eq!(event(&town, &["merge", &parcel_code(1), &parcel_code(2)]).status, Some(0));
    let before = town.contents().await;
    let head = "contract_no,parcel_code,kind,holder,signed_on,term_years,performance_terms";
    let file = town.file("other.csv", format!("{head}\nH1,{},grant,E1,2024-01-01,30,1\n", parcel_code(1)));
    let import = town.import("contracts", &[file], &[]);
    assert_eq!((import.status, &import.answer["findings"][0]["code"]), (Some(1), &json!("parcel-retired")));
    assert_eq!(town.contents().await, before);
}

#[tokio::test]
async fn figures_of_the_years_before_an_event_stay_with_the_parent() {
    let town = laden().await;
    let returns = "enterprise_code,year,tax_wan_yuan\nE1,2024,10\nE1,2025,20\n";
    town.takes("returns", &town.file("returns.csv", returns));
    split(&town);
    for year in ["2024", "2025"] {
        let ended = town.run(&["ledger", "figures", "--year", year]);
        assert_eq!(ended.answer["figures"]["tax_wan_yuan"]["unplaced"], json!(0.0), "{year}: {ended:?}");
    }
    let mut taxes: Vec<(u32, Value, f64)> = Vec::new();
    for parcel in [1, 4, 5] {
        let (status, dossier) = get(&town.database.pool, &format!("/api/v1/parcels/{}", parcel_code(parcel))).await;
        assert_eq!(status, StatusCode::OK, "{dossier}");
        for year in dossier["returns"].as_array().unwrap() {
            taxes.push((parcel, year["year"].clone(), year["tax_wan_yuan"].as_f64().unwrap()));
        }
    }
    // Of the 365 days of 2025 the parent was law for 181; 184 are left to the children.
    let days = |part: f64| 20.0 * part / 365.0;
    let west = 1137.5 / 3500.0;
    let expected =
        [(1, 2024, 10.0), (1, 2025, days(181.0)), (4, 2025, days(184.0) * west), (5, 2025, days(184.0) * (1.0 - west))];
    assert_eq!(taxes.len(), expected.len(), "{taxes:?}");
    for ((parcel, year, tax), (on, of, wanted)) in taxes.iter().zip(expected) {
        assert!((*parcel, year.as_i64()) == (on, Some(of)) && (tax - wanted).abs() < 1e-9, "{taxes:?}");
    }
}

#[tokio::test]
async fn a_review_passes_the_figures_of_a_parent_to_its_children_by_land() {
    let town = laden().await;
    split(&town);
    let calendar = landcycle::flow::rules::calendar().unwrap();
    let as_of = chrono::NaiveDate::from_ymd_opt(2025, 12, 31).unwrap();
    let asked = Asked {
        as_of,
        deciding_share: Some(0.5),
        tall_storey_m: None,
        years: 2024..=2025,
        calendar,
        with_states: true,
        with_clocks: false,
    };
    let (frozen, mut held) = freeze(&town.database.pool, asked).await.unwrap();
    let mut own = held.own(None).await.unwrap();
    let mut uses: Vec<String> = Vec::new();
    for one in &frozen.uses {
        let (parcel, enterprise) =
            (&frozen.parcels[one.parcel].code[14..], &frozen.enterprises[one.enterprise].user.code);
        uses.push(format!("{parcel} {enterprise} {} {:.1}", one.from, one.floor_area_m2));
    }
    // The parcel was cut in half; what stands on it since is shared by floor area.
    assert_eq!(
        uses,
        [
            "00004 E1 2024-07-01 1750.0",
            "00004 E1 2025-07-01 1137.5",
            "00004 E2 2020-01-01 250.0",
            "00005 E1 2024-07-01 1750.0",
            "00005 E1 2025-07-01 2362.5",
            "00005 E2 2020-01-01 250.0",
        ]
    );
    let scheme = landcycle::domain::review::scheme::Scheme::parse(include_str!("../../../data/schemes/default.toml"));
    let rules = landcycle::domain::review::left_out::LeftOut::on(landcycle::flow::rules::rulebook().unwrap(), as_of);
    let (scheme, whole) = (scheme.unwrap(), 0..frozen.parcels.len());
    let apportioned = Arc::new(frozen).apportioned(scheme.window.years, as_of);
    let facts = apportioned.sorted(whole, &mut own, &scheme, &rules).facts;
    let since: Vec<String> =
        facts.iter().filter_map(|one| Some(format!("{} {}", &one.code[14..], one.in_use_since?))).collect();
    assert_eq!(
        since,
        ["00004 2024-07-01", "00005 2024-07-01"],
        "who worked there before the event did not begin with it"
    );
}

#[tokio::test]
async fn the_timeline_of_a_child_tells_that_it_takes_a_contract_over() {
    let town = laden().await;
    split(&town);
    let (_, dossier) = get(&town.database.pool, &format!("/api/v1/parcels/{}", parcel_code(4))).await;
    let told: Vec<&Value> =
        dossier["timeline"].as_array().unwrap().iter().filter(|entry| entry["kind"] == "contract").collect();
    let taken: Vec<&&Value> = told.iter().filter(|entry| entry["on"] == "2025-07-01").collect();
    let [taken] = taken[..] else { panic!("{told:?}") };
    assert_eq!((&taken["zh"], &taken["en"]), (&json!("承接原合同 H1"), &json!("takes over contract H1")));
    assert!(told.iter().all(|entry| !entry["zh"].as_str().unwrap().contains("签订")), "{told:?}");
}

#[tokio::test]
async fn clocks_of_a_parcel_that_has_ended_stand_where_they_stood_on_its_last_day() {
    let town = laden().await;
    let zone = json!({"zone_code": "Z1", "name": "基地", "tier": "base", "locked": 1, "valid_from": "2020-01-01"});
    town.takes("zones", &town.geojson("zones", &[feature(&zone, &square(121.49, 31.09, 121.6, 31.2))]));
    split(&town);
    let path = |day: &str| format!("/api/v1/parcels/{}?valid_at={day}", parcel_code(1));
    let (_, last) = get(&town.database.pool, &path("2025-06-30")).await;
    let (_, later) = get(&town.database.pool, &path("2026-06-30")).await;
    assert_eq!(last["contracts"].as_array().map(Vec::len), Some(1), "{last}");
    assert_eq!(later["contracts"], last["contracts"]);
    // Its tier too, of which today keeps none.
    let today = town.run(&["dossier", &parcel_code(1)]).answer;
    assert_eq!((&today["parcel"]["tier"], &today["parcel"]["in_force"]), (&json!("base"), &json!(false)));
}

#[tokio::test]
async fn a_parcel_that_an_event_ended_is_not_revived_by_withdrawing_its_state() {
    let town = laden().await;
    let code = parcel_code(1);
    let found =
        ["lifecycle", "found", &code, "building", "--on", "2024-08-01", "--document", "开工", "--fact", "contract=H1"];
    assert_eq!(town.run(&found).status, Some(0));
    split(&town);
    let before = town.contents().await;
    let ended = town.run(&["lifecycle", "withdraw", &code, "--reason", "误录"]);
    assert!(ended.status == Some(1) && ended.said.contains("event of lineage"), "{ended:?}");
    assert_eq!(town.contents().await, before);
}

#[tokio::test]
async fn the_lineage_of_a_parcel_is_answered_over_http() {
    let town = laden().await;
    split(&town);
    for parcel in [1, 4] {
        let path = format!("/api/v1/parcels/{}/lineage", parcel_code(parcel));
        let (status, lineage) = get(&town.database.pool, &path).await;
        assert_eq!(status, StatusCode::OK, "{lineage}");
        let [event] = &lineage["events"].as_array().unwrap()[..] else { panic!("{lineage}") };
        assert_eq!((&event["kind"], &event["on"]), (&json!("split"), &json!("2025-07-01")));
        let end = if parcel == 1 { "ended_by" } else { "begun_by" };
        assert_eq!((&lineage["code"], &lineage[end]), (&json!(parcel_code(parcel)), &event["id"]));
    }
    let (status, _) = get(&town.database.pool, &format!("/api/v1/parcels/{}/lineage", parcel_code(99))).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_remainder_of_a_parcel_keeps_the_name_that_its_sender_gave_it() {
    let town = laden().await;
    sqlx::query("update parcel_version set source_id = 'F-17'").execute(&town.database.pool).await.unwrap();
    split(&town);
    let names: Vec<String> = town
        .values("select format('%s %s', right(p.code, 5), coalesce(v.source_id, '-')) from parcel_version v join parcel p on p.id = v.parcel_id where upper_inf(v.recorded) order by 1")
        .await;
    assert_eq!(names, ["00001 F-17", "00002 F-17", "00003 F-17", "00004 -", "00005 -"]);
}
