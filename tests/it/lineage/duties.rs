//! Duties move with the land: what becomes of contracts, obligations, bonds, buildings and occupancies.

use serde_json::json;

use super::{cut_at, event, findings, refused, street};
use crate::support::{Town, feature, parcel_code, square};

/// A street whose first parcel carries contract H1 with obligations of every treatment, a bond in three parts, two
/// buildings and two users.
pub async fn laden() -> Town {
    let town = street().await;
    town.takes("enterprises", &town.file("e.csv", "enterprise_code,name\nE1,一号厂\nE2,二号厂\n"));
    let code = parcel_code(1);
    let head = "contract_no,parcel_code,kind,holder,signed_on,term_years,performance_terms,price_wan_yuan,deposit_wan_yuan,\
        bond_start_wan_yuan,bond_completion_wan_yuan,bond_production_wan_yuan,handed_over_on";
    let contracts = format!("{head}\nH1,{code},grant,E1,2024-01-01,20,1,1000.01,200,50,50,50.000001,2024-02-01\n");
    town.takes("contracts", &town.file("c.csv", contracts));
    let head = "obligation_no,contract_no,kind,due_on,target,unit,met_on,achieved,act,act_on,act_until,act_ground,act_document";
    let obligations = format!(
        "{head}\nO1,H1,start,2024-08-01,,,2024-07-15,,,,,,\nO2,H1,completion,2025-12-01,,,,,extended,2025-03-01,2026-06-01,规划调整,函1\n\
         O3,H1,investment,2026-12-31,12000,万元,,3000,,,,,\nO4,H1,tax,2027-12-31,15,万元/亩·年,,,,,,,\n\
         O5,H1,jobs,2027-12-31,100,人,,,,,,,\nO6,H1,plot_ratio_low,2026-12-31,1.2,,,,,,,,\n"
    );
    town.takes("obligations", &town.file("o.csv", obligations));
    // One building stands wholly in the west, one for nine tenths in the east.
    let buildings = [
        feature(
            &json!({"building_code": "B1", "parcel_code": code, "storeys": 1, "floor_area_m2": 1000}),
            &square(121.5011, 31.1001, 121.5012, 31.1009),
        ),
        feature(
            &json!({"building_code": "B2", "parcel_code": code, "storeys": 3, "floor_area_m2": 3000}),
            &square(121.50145, 31.1001, 121.50195, 31.1009),
        ),
    ];
    town.takes("buildings", &town.geojson("buildings", &buildings));
    let head = "parcel_code,enterprise_code,role,floor_area_m2,from_on,to_on";
    let uses = format!("{head}\n{code},E1,owner,3500,2024-07-01,\n{code},E2,tenant,500,2020-01-01,2024-01-01\n");
    town.takes("occupancies", &town.file("u.csv", uses));
    town
}

#[tokio::test]
async fn every_open_obligation_and_bond_of_a_parent_is_copied_shared_by_area_or_discharged_on_record() {
    let town = laden().await;
    let cut = cut_at(&town, 121.5015);
    let ended = event(&town, &["split", &parcel_code(1), "--cut", &cut, "--discharge", "O3=解除投资约定"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    // The parcel is cut in half; the east is larger by a third of a square millimetre, and so gets the odd fen.
    let record: Vec<String> = town
        .values(
            "select concat_ws(' ', thing, from_number, treatment, coalesce(to_number, '-'), measure, trim_scale(whole), trim_scale(share), ground)
             from lineage_duty where thing in ('contract', 'obligation', 'bond') order by id",
        )
        .await;
    assert_eq!(
        record,
        [
            "contract H1 copied H1-1",
            "contract H1 copied H1-2",
            "contract H1 shared H1-1 price_wan_yuan 1000.01 500.005",
            "contract H1 shared H1-2 price_wan_yuan 1000.01 500.005",
            "contract H1 shared H1-1 deposit_wan_yuan 200 100",
            "contract H1 shared H1-2 deposit_wan_yuan 200 100",
            "obligation O1 copied O1-1",
            "obligation O1 copied O1-2",
            "obligation O2 copied O2-1",
            "obligation O2 copied O2-2",
            "obligation O3 discharged - 解除投资约定",
            "obligation O4 copied O4-1",
            "obligation O4 copied O4-2",
            "obligation O5 shared O5-1 target 100 50",
            "obligation O5 shared O5-2 target 100 50",
            "obligation O6 copied O6-1",
            "obligation O6 copied O6-2",
            "bond H1/completion shared H1-1/completion amount_wan_yuan 50 25",
            "bond H1/completion shared H1-2/completion amount_wan_yuan 50 25",
            "bond H1/production shared H1-1/production amount_wan_yuan 50.000001 25",
            "bond H1/production shared H1-2/production amount_wan_yuan 50.000001 25.000001",
            "bond H1/start shared H1-1/start amount_wan_yuan 50 25",
            "bond H1/start shared H1-2/start amount_wan_yuan 50 25",
        ]
    );
    let contracts: Vec<String> = town
        .values("select concat_ws(' ', number, right(parcel, 5), valid, trim_scale(price_wan_yuan), supplements, handed_over_on) from contract where upper_inf(recorded) order by 1")
        .await;
    assert_eq!(
        contracts,
        [
            "H1 00001 [2024-01-01,2025-07-01) 1000.01 2024-02-01",
            "H1-1 00004 [2025-07-01,) 500.005 H1 2024-02-01",
            "H1-2 00005 [2025-07-01,) 500.005 H1 2024-02-01",
        ]
    );
    let obligations: Vec<String> = town
        .values("select concat_ws(' ', number, contract, valid, due_on, trim_scale(target), unit, met_on) from obligation where upper_inf(recorded) and number ~ '^O[1235]' order by number")
        .await;
    assert_eq!(
        obligations,
        [
            "O1 H1 [2024-01-01,2025-07-01) 2024-08-01 2024-07-15",
            "O1-1 H1-1 [2025-07-01,) 2024-08-01 2024-07-15",
            "O1-2 H1-2 [2025-07-01,) 2024-08-01 2024-07-15",
            "O2 H1 [2024-01-01,2025-07-01) 2025-12-01",
            "O2-1 H1-1 [2025-07-01,) 2025-12-01",
            "O2-2 H1-2 [2025-07-01,) 2025-12-01",
            "O3 H1 [2024-01-01,2025-07-01) 2026-12-31 12000 万元",
            "O5 H1 [2024-01-01,2025-07-01) 2027-12-31 100 人",
            "O5-1 H1-1 [2025-07-01,) 2027-12-31 50 人",
            "O5-2 H1-2 [2025-07-01,) 2027-12-31 50 人",
        ]
    );
    let extensions: Vec<String> = town
        .values("select concat_ws(' ', obligation, act, until, ground, document) from obligation_act order by 1")
        .await;
    assert_eq!(
        extensions,
        [
            "O2 extended 2026-06-01 规划调整 函1",
            "O2-1 extended 2026-06-01 规划调整 函1",
            "O2-2 extended 2026-06-01 规划调整 函1"
        ]
    );
    let bonds: Vec<String> = town
        .values("select concat_ws(' ', contract, part, valid, trim_scale(amount_wan_yuan)) from bond where upper_inf(recorded) and part = 'production' order by 1")
        .await;
    assert_eq!(
        bonds,
        [
            "H1 production [2024-01-01,2025-07-01) 50.000001",
            "H1-1 production [2025-07-01,) 25",
            "H1-2 production [2025-07-01,) 25.000001"
        ]
    );
}

#[tokio::test]
async fn buildings_go_where_most_of_them_stands_and_occupancies_follow_the_floor_area() {
    let town = laden().await;
    let ended = event(&town, &["split", &parcel_code(1), "--cut", &cut_at(&town, 121.5015)]);
    assert_eq!((ended.status, findings(&ended)), (Some(0), vec!["building-straddles".to_owned()]), "{ended:?}");
    let buildings: Vec<String> = town
        .values("select format('%s %s %s', code, right(parcel, 5), upper_inf(recorded)) from building order by id")
        .await;
    assert_eq!(buildings, ["B1 00001 f", "B2 00001 f", "B1 00004 t", "B2 00005 t"]);
    let straddling: String =
        town.value("select concat_ws(' ', measure, round(whole, 2)) from lineage_duty where from_number = 'B2'").await;
    assert_eq!(straddling, "share_of_footprint 0.90");
    // 3,500 m² by 1,300 m² of floor in the west and 2,700 m² in the east: a building that straddles counts on both by its
    // footprint. What had ended before the event stays.
    let uses: Vec<String> = town
        .values("select concat_ws(' ', enterprise, right(parcel, 5), from_on, to_on, round(floor_area_m2::numeric, 2)) from occupancy where upper_inf(recorded) order by parcel, enterprise")
        .await;
    assert_eq!(
        uses,
        [
            "E1 00001 2024-07-01 2025-07-01 3500.00",
            "E2 00001 2020-01-01 2024-01-01 500.00",
            "E1 00004 2025-07-01 1137.50",
            "E1 00005 2025-07-01 2362.50"
        ]
    );
}

#[tokio::test]
async fn a_building_without_a_shape_needs_a_choice() {
    let town = street().await;
    town.takes(
        "buildings",
        &town.file("b.csv", format!("building_code,parcel_code,storeys,floor_area_m2\nB9,{},2,800\n", parcel_code(1))),
    );
    let (code, cut) = (parcel_code(1), cut_at(&town, 121.5015));
    refused(&town, &["split", &code, "--cut", &cut], &["building-needs-place"]).await;
    refused(&town, &["split", &code, "--cut", &cut, "--building", "B9=310115001001GB00099"], &["unknown-child"]).await;
    let chosen = event(&town, &["split", &code, "--cut", &cut, "--building", &format!("B9={}", parcel_code(5))]);
    assert_eq!(chosen.status, Some(0), "{chosen:?}");
    let on: String = town.value("select parcel from building where upper_inf(recorded)").await;
    assert_eq!(on, parcel_code(5));
}

#[tokio::test]
async fn contracts_of_merged_parcels_stay_contracts_of_their_own_on_the_child() {
    let town = laden().await;
    let head = "contract_no,parcel_code,kind,holder,signed_on,term_years,performance_terms,price_wan_yuan";
    let second = format!("{head}\nH2,{},lease,E1,2020-01-01,10,0,30\n", parcel_code(2));
    town.takes("contracts", &town.file("c2.csv", second));
    let uses =
        format!("parcel_code,enterprise_code,role,floor_area_m2,from_on\n{},E1,owner,100,2024-07-01\n", parcel_code(2));
    town.takes("occupancies", &town.file("u2.csv", uses));
    let ended = event(&town, &["merge", &parcel_code(1), &parcel_code(2)]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let contracts: Vec<String> = town
        .values("select concat_ws(' ', number, right(parcel, 5), valid, trim_scale(price_wan_yuan), term_ends_on) from contract where upper_inf(recorded) and upper_inf(valid) order by 1")
        .await;
    assert_eq!(contracts, ["H1 00004 [2025-07-01,) 1000.01 2044-01-01", "H2 00004 [2025-07-01,) 30 2030-01-01"]);
    let open: i64 = town
        .value("select count(*) from obligation o where upper_inf(recorded) and upper_inf(valid) and contract = 'H1'")
        .await;
    let bonds: i64 = town
        .value("select count(*) from bond where upper_inf(recorded) and upper_inf(valid) and contract = 'H1'")
        .await;
    let treatments: Vec<String> = town.values("select distinct treatment from lineage_duty").await;
    assert_eq!((open, bonds, treatments), (6, 3, vec!["copied".to_owned()]));
    // The owner of both uses the sum of both.
    let floor: f64 =
        town.value("select floor_area_m2 from occupancy where upper_inf(recorded) and to_on is null").await;
    assert!((floor - 3600.0).abs() < 1e-9, "{floor}");
}

#[tokio::test]
async fn a_parcel_with_open_duties_is_retired_only_when_each_is_discharged_with_a_ground() {
    let town = laden().await;
    let code = parcel_code(1);
    refused(&town, &["retire", &code], &["open-duties"]).await;
    refused(&town, &["retire", &code, "--discharge", "H9=x"], &["unknown-duty", "open-duties"]).await;
    let ended = event(&town, &["retire", &code, "--discharge", "H1=收回决定", "--ground", "道路用地"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let left: i64 = town
        .value(
            "select (select count(*) from contract where upper_inf(recorded) and upper_inf(valid))
                  + (select count(*) from obligation where upper_inf(recorded) and upper_inf(valid))
                  + (select count(*) from bond where upper_inf(recorded) and upper_inf(valid))",
        )
        .await;
    let grounds: Vec<String> = town
        .values(
            "select format('%s %s %s', thing, ground, count(*)) from lineage_duty group by thing, ground order by 1",
        )
        .await;
    assert_eq!(left, 0);
    let expected = [
        "bond 收回决定 3",
        "building 道路用地 2",
        "contract 收回决定 1",
        "obligation 收回决定 6",
        "occupancy 道路用地 1",
    ];
    assert_eq!(grounds, expected);
}

#[tokio::test]
async fn land_that_moves_between_holders_is_said_and_no_sum_changes_without_a_contract() {
    let town = laden().await;
    let head = "contract_no,parcel_code,kind,holder,signed_on,term_years,performance_terms";
    town.takes("contracts", &town.file("c2.csv", format!("{head}\nH2,{},grant,E2,2020-01-01,20,0\n", parcel_code(2))));
    let lots = [
        feature(&json!({"parcel_code": parcel_code(1)}), &square(121.501, 31.1, 121.5018, 31.101)),
        feature(&json!({"parcel_code": parcel_code(2)}), &square(121.5018, 31.1, 121.503, 31.101)),
    ];
    let path = town.geojson("bounds", &lots);
    let before: Vec<String> = town.values("select contract::text from contract order by id").await;
    let ended = event(&town, &["adjust", "--into", path.to_str().unwrap()]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    // B2 reaches over the new boundary, and stays with the parcel that holds most of it.
    assert_eq!(findings(&ended), ["land-moves-between-holders", "building-straddles"]);
    assert_eq!(town.values::<String>("select contract::text from contract order by id").await, before);
    let kept: Vec<String> = town
        .values("select distinct treatment from lineage_duty where thing <> 'building' and from_number = to_number")
        .await;
    assert_eq!(kept, ["copied"]);
}

#[tokio::test]
async fn no_event_passes_under_a_contract_that_changes_later() {
    let town = laden().await;
    let head = "contract_no,parcel_code,kind,signed_on,term_years,performance_terms";
    town.takes("contracts", &town.file("late.csv", format!("{head}\nH3,{},grant,2025-08-01,20,1\n", parcel_code(1))));
    refused(&town, &["split", &parcel_code(1), "--cut", &cut_at(&town, 121.5015)], &["later-duty"]).await;
}

#[tokio::test]
async fn copies_take_numbers_that_nobody_has() {
    let town = laden().await;
    let head = "contract_no,parcel_code,kind,signed_on,term_years,performance_terms";
    town.takes("contracts", &town.file("c2.csv", format!("{head}\nH1-1,{},grant,2020-01-01,20,1\n", parcel_code(2))));
    assert_eq!(event(&town, &["split", &parcel_code(1), "--cut", &cut_at(&town, 121.5015)]).status, Some(0));
    let numbers: Vec<String> =
        town.values("select number from contract where upper_inf(recorded) and upper_inf(valid) order by 1").await;
    assert_eq!(numbers, ["H1-1", "H1-2", "H1-3"]);
}

#[tokio::test]
async fn parents_are_succeeded_and_children_are_found_in_the_state_of_their_land() {
    let town = laden().await;
    let code = parcel_code(1);
    let found =
        ["lifecycle", "found", &code, "building", "--on", "2024-08-01", "--document", "开工", "--fact", "contract=H1"];
    assert_eq!(town.run(&found).status, Some(0));
    assert_eq!(event(&town, &["split", &code, "--cut", &cut_at(&town, 121.5015)]).status, Some(0));
    let lives: Vec<String> = town
        .values("select concat_ws(' ', right(p.code, 5), s.state, s.since, s.deed, s.facts ->> 'contract', s.facts ->> 'event') from parcel_state s join parcel p on p.id = s.parcel_id where upper_inf(s.recorded) order by p.code, s.since")
        .await;
    assert_eq!(
        lives,
        [
            "00001 building 2024-08-01 found H1",
            "00001 succeeded 2025-07-01 succeed 1",
            "00004 building 2025-07-01 found H1-1",
            "00005 building 2025-07-01 found H1-2",
        ]
    );
}

#[tokio::test]
async fn the_ledger_counts_buildings_on_the_children_and_no_longer_on_the_parent() {
    let town = laden().await;
    assert_eq!(event(&town, &["split", &parcel_code(1), "--cut", &cut_at(&town, 121.5015)]).status, Some(0));
    let parts: Vec<String> = town
        .values("select concat_ws(' ', b.code, right(p.code, 5), round(t.share::numeric, 2)) from building_part t join building b on b.id = t.building_id and upper_inf(b.recorded) join parcel p on p.id = t.parcel_id where upper_inf(t.recorded) order by 1")
        .await;
    assert_eq!(parts, ["B1 00004 1.00", "B2 00004 0.10", "B2 00005 0.90"]);
}
