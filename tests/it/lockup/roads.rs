//! Every road of the program around a lock is closed: imports, corrections, backdated versions, days of their own, splits,
//! mergers, adjustments, retirements, and zones that shrink, end or are unlocked. What both locks let through goes through.

use super::{
    LOCKUP, approve, base, base_in, compensation, compensation_at, contracts, errors, lot, lot_in, refused, row, state,
    works,
};
use crate::support::{Town, feature, parcel_code, square};
use serde_json::{Value, json};

#[tokio::test]
async fn another_use_on_locked_land_is_refused_by_a_later_version_a_correction_a_backdated_one_and_days_of_their_own() {
    let town = works().await;
    for more in [
        json!({"valid_from": "2024-03-01"}),
        json!({}),
        json!({"valid_from": "2021-03-01"}),
        json!({"valid_from": "2022-01-01", "valid_to": "2022-02-01"}),
    ] {
        refused(&town, "parcels", &[lot(1, "R2", &more)], "locked-land-other-use").await;
    }
    // Research and storage are another use too; another middle class of industry is none.
    refused(&town, "parcels", &[lot(1, "M4", &json!({"valid_from": "2024-03-01"}))], "locked-land-other-use").await;
    town.takes("parcels", &town.geojson("m2", &[lot(1, "M2", &json!({"valid_from": "2024-03-01"}))]));
    // Outside the base, or on days before the base or the rule, nothing is locked.
    town.takes("parcels", &town.geojson("far", &[lot(8, "R2", &json!({"valid_from": "2024-03-01"}))]));
    let early = json!({"valid_from": "2017-01-01", "valid_to": "2018-01-01"});
    town.takes("parcels", &town.geojson("early", &[lot(2, "R2", &early)]));
}

#[tokio::test]
async fn the_row_that_a_lock_refuses_stays_out_and_the_others_go_in() {
    let town = works().await;
    let file = town.geojson(
        "mixed",
        &[
            lot(1, "R2", &json!({"valid_from": "2024-03-01"})),
            lot(2, "M1", &json!({"address": "新路2号"})),
            lot(9, "M1", &json!({})),
        ],
    );
    let ended = town.import("parcels", std::slice::from_ref(&file), &[]);
    assert_eq!((ended.tally(), errors(&ended)), ([3, 2, 0, 1], vec!["locked-land-other-use".to_owned()]));
    let facts = &ended.answer["findings"][0];
    assert_eq!((&facts["row"], &facts["key"]), (&json!(1), &json!(parcel_code(1))));
    assert!(facts["facts"]["area_m2"].as_f64().is_some_and(|area| area > 9_000.0), "{facts}");
    let uses: Vec<String> = town
        .values("select format('%s %s %s', right(p.code, 1), land_use, address) from parcel_version v join parcel p on p.id = parcel_id where upper_inf(recorded) order by 1")
        .await;
    assert_eq!(uses, ["1 M1 ", "2 M1 新路2号", "3 M1 ", "8 M1 ", "9 M1 "]);
    let strict = town.import("parcels", &[file], &["--strict"]);
    assert_eq!((strict.status, &strict.answer["refused"]), (Some(1), &json!(3)), "{strict:?}");
}

#[tokio::test]
async fn locked_land_is_not_lost_by_bounds_that_leave_it_out_but_goes_from_one_parcel_to_another() {
    let town = works().await;
    let west = square(121.501, 31.1, 121.5015, 31.101);
    refused(&town, "parcels", &[lot_in(1, "M1", &json!({}), &west)], "locked-land-freed").await;
    let wider = square(121.5015, 31.1, 121.503, 31.101);
    // Both in one file: what the one gives up the other takes.
    let both = [lot_in(1, "M1", &json!({}), &west), lot_in(2, "M1", &json!({}), &wider)];
    town.takes("parcels", &town.geojson("both", &both));
}

#[tokio::test]
async fn a_new_code_on_land_that_was_industrial_under_the_lock_is_no_way_round() {
    let town = works().await;
    // Parcel 4 was entered with an end; parcel 5 then takes its land for something else.
    let ended = json!({"valid_from": "2019-01-01", "valid_to": "2024-01-01"});
    town.takes("parcels", &town.geojson("ended", &[lot(4, "M1", &ended)]));
    let after = lot_in(5, "R2", &json!({"valid_from": "2024-01-01"}), &row(4));
    refused(&town, "parcels", &[after], "locked-land-other-use").await;
    let later = lot_in(5, "R2", &json!({"valid_from": "2024-06-01"}), &row(4));
    refused(&town, "parcels", &[later], "locked-land-other-use").await;
    refused(&town, "parcels", &[lot(4, "R2", &json!({"valid_from": "2024-06-01"}))], "locked-land-other-use").await;
}

#[tokio::test]
async fn a_base_does_not_shrink_end_or_unlock_and_another_may_take_its_land_over() {
    let town = works().await;
    for zone in [
        base_in(&json!({}), 121.502, 121.505),
        base(&json!({"locked": 0})),
        base(&json!({"valid_to": "2025-01-01"})),
        base(&json!({"valid_from": "2024-01-01", "locked": 0})),
        base(&json!({"valid_from": "2024-01-01", "tier": "community", "locked": 0})),
        base(&json!({"valid_from": "2022-01-01", "valid_to": "2022-06-01", "locked": 0})),
    ] {
        refused(&town, "zones", &[zone], "locked-base-freed").await;
    }
    // Wider is no less, and two that together hold it are none either.
    town.takes("zones", &town.geojson("wider", &[base_in(&json!({}), 121.499, 121.506)]));
    let one = base_in(&json!({}), 121.499, 121.503);
    let other = base_in(&json!({"zone_code": "Z2"}), 121.503, 121.506);
    town.takes("zones", &town.geojson("two", &[one, other]));
}

fn cut(town: &Town, from: [f64; 2], to: [f64; 2]) -> String {
    let line = json!({"type": "LineString", "coordinates": [from, to]});
    town.geojson("cut", &[feature(&json!({}), &line)]).to_str().unwrap().to_owned()
}

async fn event(town: &Town, arguments: &[&str], code: Option<&str>) {
    let before = town.contents().await;
    let all = [&["lineage"], arguments, &["--document", "沪规〔2025〕1号", "--on", "2025-07-01"]].concat();
    for dry in [true, false] {
        let ended = town.run(&if dry { [&all[..], &["--dry-run"]].concat() } else { all.clone() });
        match code {
            None => assert_eq!(ended.status, Some(0), "{ended:?}"),
            Some(code) => {
                let found = errors(&ended);
                assert_eq!(ended.status, Some(1), "{ended:?}");
                assert!(!found.is_empty() && found.iter().all(|one| one == code), "{found:?}");
                assert_eq!(town.contents().await, before, "what is refused leaves nothing");
            }
        }
    }
}

#[tokio::test]
async fn a_split_that_leaves_every_lot_locked_is_made_and_one_that_frees_a_part_is_not() {
    let town = works().await;
    event(&town, &["split", &parcel_code(1), "--cut", &cut(&town, [121.5013, 31.0999], [121.5013, 31.1011])], None)
        .await;
    // Parcel 6 lies across the border, three quarters of it in the base. Cut lengthwise each half is locked as before.
    let across = square(121.50425, 31.1003, 121.50525, 31.1008);
    town.takes("parcels", &town.geojson("across", &[lot_in(6, "M1", &json!({}), &across)]));
    let lots = |parts: &[[f64; 2]]| {
        let lots: Vec<Value> =
            parts.iter().map(|[west, east]| feature(&json!({}), &square(*west, 31.1003, *east, 31.1008))).collect();
        town.geojson("lots", &lots).to_str().unwrap().to_owned()
    };
    // The eastern lot holds a quarter of its land in the base: too little to be locked, and that quarter would lie loose.
    let freeing = lots(&[[121.50425, 121.5049], [121.5049, 121.50525]]);
    event(&town, &["split", &parcel_code(6), "--into", &freeing], Some("locked-land-freed")).await;
    let keeping = lots(&[[121.50425, 121.505], [121.505, 121.50525]]);
    event(&town, &["split", &parcel_code(6), "--into", &keeping], None).await;
}

#[tokio::test]
async fn a_merger_into_another_use_an_adjustment_out_of_the_lock_and_a_retirement_are_refused() {
    let town = works().await;
    // A large shop beside the base, and a works across the border.
    let shop = square(121.504, 31.1, 121.507, 31.101);
    town.takes("parcels", &town.geojson("shop", &[lot_in(7, "B1", &json!({}), &shop)]));
    event(&town, &["merge", &parcel_code(3), &parcel_code(7)], Some("land-use-differs")).await;
    let lots = [
        feature(&json!({"parcel_code": parcel_code(3)}), &square(121.503, 31.1, 121.5033, 31.101)),
        feature(&json!({"parcel_code": parcel_code(7)}), &square(121.5033, 31.1, 121.507, 31.101)),
    ];
    let path = town.geojson("adjusted", &lots);
    event(&town, &["adjust", "--into", path.to_str().unwrap()], Some("locked-land-other-use")).await;
    event(&town, &["retire", &parcel_code(2)], Some("locked-land-freed")).await;
    event(&town, &["merge", &parcel_code(1), &parcel_code(2)], None).await;
    event(&town, &["retire", &parcel_code(8)], None).await;
}

#[tokio::test]
async fn a_special_approval_lets_a_parcel_change_once_to_the_use_that_was_approved() {
    let town = works().await;
    let land = compensation(&town, "compensation", 0.001);
    let code = parcel_code(1);
    let id = approve(&town, &["change-of-use", "--parcel", &code, "--use", "R2", "--compensation", &land]);
    // Not to another use, not on an earlier day, not on other land.
    refused(&town, "parcels", &[lot(1, "B1", &json!({"valid_from": "2024-03-01"}))], "locked-land-other-use").await;
    refused(&town, "parcels", &[lot(1, "R2", &json!({"valid_from": "2023-03-01"}))], "locked-land-other-use").await;
    refused(&town, "parcels", &[lot(2, "R2", &json!({"valid_from": "2024-03-01"}))], "locked-land-other-use").await;
    assert_eq!(state(&town, &id), "confirmed");
    town.takes("parcels", &town.geojson("change", &[lot(1, "R2", &json!({"valid_from": "2024-03-01"}))]));
    assert_eq!(state(&town, &id), "used");
    // What follows from it needs no other: a correction of the same use. Back and again is another taking.
    town.takes("parcels", &town.geojson("same", &[lot(1, "R2", &json!({"address": "新路1号"}))]));
    town.takes("parcels", &town.geojson("back", &[lot(1, "M1", &json!({"valid_from": "2025-03-01"}))]));
    refused(&town, "parcels", &[lot(1, "R2", &json!({"valid_from": "2025-09-01"}))], "locked-land-other-use").await;
}

#[tokio::test]
async fn a_special_approval_lets_a_base_be_drawn_smaller_and_a_parcel_retire() {
    let town = works().await;
    let out = town.geojson("out", &[feature(&json!({}), &square(121.5, 31.0995, 121.501, 31.1015))]);
    let land = compensation(&town, "compensation", 0.0012);
    let id = approve(&town, &["boundary-change", "--area", out.to_str().unwrap(), "--compensation", &land]);
    refused(&town, "zones", &[base_in(&json!({"valid_from": "2024-02-01"}), 121.502, 121.505)], "locked-base-freed")
        .await;
    town.takes("zones", &town.geojson("smaller", &[base_in(&json!({"valid_from": "2024-02-01"}), 121.501, 121.505)]));
    assert_eq!(state(&town, &id), "used");
    let land = compensation_at(&town, "other", 121.56, 0.001);
    approve(&town, &["division", "--parcel", &parcel_code(2), "--compensation", &land]);
    event_once(&town, &["retire", &parcel_code(2)]);
}

fn event_once(town: &Town, arguments: &[&str]) {
    let all = [&["lineage"], arguments, &["--document", "沪规〔2025〕1号", "--on", "2025-07-01"]].concat();
    let ended = town.run(&all);
    assert_eq!(ended.status, Some(0), "{ended:?}");
}

#[tokio::test]
async fn a_new_project_outside_the_zones_is_refused_on_the_day_of_its_signature_and_the_holder_goes_on() {
    let town = works().await;
    let ended = town.import(
        "contracts",
        &[contracts(&town, &[("H1", 8, "E1", "2024-05-06", ""), ("H2", 1, "E1", "2024-05-06", "")])],
        &[],
    );
    assert_eq!((ended.tally(), errors(&ended)), ([2, 1, 0, 1], vec!["project-outside-zones".to_owned()]), "{ended:?}");
    // Signed before the rule: not subject. Its holder signs on; another is a newcomer, also where he calls it a supplement.
    town.takes("contracts", &contracts(&town, &[("H3", 8, "E1", "2015-05-06", "")]));
    town.takes(
        "contracts",
        &contracts(&town, &[("H4", 8, "E1", "2024-05-06", "H3"), ("H5", 8, "E1", "2025-05-06", "")]),
    );
    for (number, supplements) in [("H6", ""), ("H6", "H3"), ("H6", "H2")] {
        let ended = town.import("contracts", &[contracts(&town, &[(number, 8, "E2", "2024-05-06", supplements)])], &[]);
        assert_eq!((ended.status, errors(&ended)), (Some(1), vec!["project-outside-zones".to_owned()]), "{ended:?}");
    }
    // A contract that is moved to the land, or whose day of signature is corrected into the time of the rule, is judged anew.
    town.takes("contracts", &contracts(&town, &[("H7", 8, "E2", "2016-05-06", "")]));
    for moved in [("H2", 8, "E2", "2016-05-05", ""), ("H7", 8, "E2", "2024-05-06", "")] {
        let day = moved.3;
        let ended = town.import("contracts", &[contracts(&town, &[moved])], &[]);
        let codes = if day < "2018" { Vec::new() } else { vec!["project-outside-zones".to_owned()] };
        assert_eq!(errors(&ended), codes, "{ended:?}");
        // What was let through is taken back, so that the next stands alone.
        if day < "2018" {
            town.takes("contracts", &contracts(&town, &[("H2", 1, "E1", "2024-05-06", "")]));
        }
    }
}

#[tokio::test]
async fn a_contract_from_before_the_rule_in_the_same_file_makes_no_stock_but_the_file_that_opens_the_register_brings_its_history()
 {
    let town = works().await;
    // The first file of contracts: a holder since 2015 goes on, though both are told at once.
    town.takes(
        "contracts",
        &contracts(&town, &[("H1", 8, "E1", "2015-05-06", ""), ("H2", 8, "E1", "2024-05-06", "H1")]),
    );
    town.takes("parcels", &town.geojson("more", &[lot(9, "M1", &json!({}))]));
    let history = [("H3", 9, "E2", "2015-05-06", ""), ("H4", 9, "E2", "2024-05-06", "H3")];
    let ended = town.import("contracts", &[contracts(&town, &history)], &[]);
    assert_eq!((ended.tally(), errors(&ended)), ([2, 1, 0, 1], vec!["project-outside-zones".to_owned()]), "{ended:?}");
}

#[tokio::test]
async fn a_merger_of_a_little_stock_with_much_empty_land_makes_nobody_the_holder_of_all_of_it() {
    let town = works().await;
    let wide = square(121.509, 31.1, 121.512, 31.101);
    town.takes("parcels", &town.geojson("empty", &[lot_in(9, "M1", &json!({}), &wide)]));
    town.takes("contracts", &contracts(&town, &[("H1", 8, "E1", "2015-05-06", "")]));
    event(&town, &["merge", &parcel_code(8), &parcel_code(9)], None).await;
    let merged: String = town
        .value("select p.code from parcel_version v join parcel p on p.id = v.parcel_id where upper_inf(recorded) and valid @> date '2025-08-01' and st_area(geom::geography) > 30000")
        .await;
    let text = format!(
        "contract_no,parcel_code,kind,holder,signed_on,term_years,performance_terms\nH8,{merged},grant,E1,2025-08-01,20,1\n"
    );
    let ended = town.import("contracts", &[town.file("after.csv", text)], &[]);
    assert_eq!((ended.status, errors(&ended)), (Some(1), vec!["project-outside-zones".to_owned()]), "{ended:?}");
}

#[tokio::test]
async fn two_contracts_of_one_day_are_no_excuse_for_one_another_and_land_does_not_become_industrial_outside() {
    let town = works().await;
    let two = contracts(&town, &[("H1", 8, "E1", "2024-05-06", ""), ("H2", 8, "E1", "2024-05-06", "H1")]);
    let ended = town.import("contracts", &[two], &[]);
    assert_eq!(errors(&ended), ["project-outside-zones", "project-outside-zones"], "{ended:?}");
    town.takes("parcels", &town.geojson("shop", &[lot(9, "B1", &json!({}))]));
    refused(&town, "parcels", &[lot(9, "M1", &json!({"valid_from": "2024-03-01"}))], "project-outside-zones").await;
    town.takes("contracts", &contracts(&town, &[("H3", 9, "E1", "2024-05-06", "")]));
}

#[tokio::test]
async fn land_that_became_another_use_does_not_become_industrial_again_outside_nor_after_a_gap_nor_under_another_code()
{
    let town = works().await;
    // Works that were turned into homes are homes, whatever was believed of the day before that.
    town.takes("parcels", &town.geojson("homes", &[lot(8, "R2", &json!({"valid_from": "2024-03-01"}))]));
    refused(&town, "parcels", &[lot(8, "M1", &json!({"valid_from": "2025-03-01"}))], "project-outside-zones").await;
    town.takes("parcels", &town.geojson("shop", &[lot(9, "B1", &json!({"valid_to": "2024-02-28"}))]));
    let after = json!({"valid_from": "2024-03-02"});
    refused(&town, "parcels", &[lot(9, "M1", &after)], "project-outside-zones").await;
    refused(&town, "parcels", &[lot_in(10, "M1", &after, &row(9))], "project-outside-zones").await;
    // Land on which nothing else lay begins nothing, and a correction of works that are believed is no beginning.
    town.takes("parcels", &town.geojson("new", &[lot(11, "M1", &after)]));
    town.takes(
        "parcels",
        &town.geojson("more", &[lot(11, "M1", &json!({"valid_from": "2024-03-02", "address": "新路11号"}))]),
    );
}

#[tokio::test]
async fn the_contracts_of_split_land_go_to_the_lots_and_are_no_new_projects() {
    let town = works().await;
    // Zones are known since 2020, the works outside them were agreed in 2017.
    town.takes("contracts", &contracts(&town, &[("H1", 8, "E1", "2017-05-06", "")]));
    town.takes("contracts", &contracts(&town, &[("H2", 8, "E1", "2024-05-06", "H1")]));
    event(&town, &["split", &parcel_code(8), "--cut", &cut(&town, [121.5083, 31.0999], [121.5083, 31.1011])], None)
        .await;
    let copies: i64 = town.value("select count(distinct number) from contract where upper_inf(recorded)").await;
    assert!(copies >= 4, "{copies}");
    assert_eq!(town.run(&["check"]).answer["errors"], json!(0));
}

#[tokio::test]
async fn what_came_before_the_zones_were_known_is_taken_with_a_warning_and_found_by_the_check() {
    let town = Town::settled().await;
    let text = format!(
        "contract_no,parcel_code,kind,signed_on,term_years,performance_terms\nH9,{},grant,2024-01-01,20,1\n",
        parcel_code(2)
    );
    let receipt = town.takes("contracts", &town.file("early.csv", text));
    let warned = &receipt["findings"][0];
    assert_eq!((&warned["code"], &warned["severity"]), (&json!("plan-unknown"), &json!("warning")), "{receipt}");
    assert_eq!(town.run(&["check"]).answer["errors"], json!(0));
    town.takes(
        "parcels",
        &town.geojson(
            "r2",
            &[feature(
                &json!({"parcel_code": parcel_code(3), "land_use": "R2", "valid_from": "2024-01-01"}),
                &crate::support::lot(3),
            )],
        ),
    );
    // The base holds parcel 3 alone.
    let zone = json!({"zone_code": "Z1", "name": "基地", "tier": "base", "locked": 1, "valid_from": "2020-01-01"});
    town.takes("zones", &town.geojson("zones", &[feature(&zone, &square(121.5029, 31.09, 121.51, 31.11))]));
    let found = town.run(&["check"]).answer;
    let codes: Vec<(&str, &str)> = found["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["code"].as_str().unwrap(), one["key"].as_str().unwrap()))
        .filter(|(code, _)| ["project-outside-zones", "locked-land-other-use"].contains(code))
        .collect();
    assert_eq!(codes, [("project-outside-zones", "H9"), ("locked-land-other-use", parcel_code(3).as_str())]);
}

#[tokio::test]
async fn the_rules_are_on_record_once_any_command_made_the_tables_and_such_a_register_is_still_empty() {
    let town = Town::empty().await;
    let dropped = "drop schema city_310000 cascade";
    sqlx::raw_sql(dropped).execute(&town.database.pool).await.unwrap();
    for command in [["lockup", "approve", "list"].as_slice(), &["migrate"], &["check"]] {
        assert_eq!(town.run(command).status, Some(0), "{command:?}");
        let counts: Vec<String> = town
            .values("select format('%s %s', (select count(*) > 5 from lockup_rule), (select count(*) from revision where act = 'record-rules'))")
            .await;
        assert_eq!(counts, ["t 1"]);
    }
    let pool = &town.database.pool;
    let mut connection = pool.acquire().await.unwrap();
    assert!(landcycle::store::city::is_untouched(&mut connection).await.unwrap());
    assert!(!landcycle::store::city::written_by_others(&mut connection, "demo:").await.unwrap());
}

#[tokio::test]
async fn other_rules_that_someone_names_on_the_command_line_are_on_record_and_what_they_let_through_is_found() {
    let town = works().await;
    let lax: String = LOCKUP
        .replace("verdict = \"needs-special-approval\"", "verdict = \"allowed\"")
        .replace("verdict = \"forbidden\"", "verdict = \"allowed\"")
        .lines()
        .filter(|line| !line.starts_with("finding"))
        .map(|line| format!("{line}\n"))
        .collect();
    std::fs::create_dir_all(town.folder().join("rules/rulebook")).unwrap();
    town.file("rules/rulebook/lockup.toml", lax);
    let shops = town.geojson("shops", &[lot(1, "R2", &json!({"valid_from": "2024-01-01"}))]);
    let path = shops.to_str().unwrap();
    assert_eq!(town.run(&["import", "parcels", path]).status, Some(1), "by the rules that came with the program");
    let let_through = town.run(&["--rules", "rules", "import", "parcels", path]);
    assert_eq!(let_through.status, Some(0), "{let_through:?}");
    // Whose rules these were, and since when, stays on record; with the others back, the land is found.
    let changed: i64 = town.value("select count(*) from lockup_rule where not upper_inf(recorded)").await;
    assert!(changed > 0, "the rules that went are kept");
    assert_eq!(town.run(&["migrate"]).status, Some(0));
    let found = town.run(&["check", "--only", "locked-land-other-use"]);
    assert_eq!((found.status, &found.answer["errors"]), (Some(1), &json!(1)), "{found:?}");
    assert_eq!(found.answer["findings"][0]["key"], json!(parcel_code(1)));
}
