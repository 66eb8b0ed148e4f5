//! The timeline of one parcel to which everything happened that may happen to land: each thing once, in order of day.

use serde_json::Value;

use crate::support::{Town, feature, parcel_code, square};

/// Parcels 1 and 2 side by side, law since 2014.
fn street(town: &Town, names: [u32; 2], border: f64) -> std::path::PathBuf {
    let lot = |number: u32, west: f64, east: f64| {
        let properties =
            serde_json::json!({"parcel_code": parcel_code(number), "land_use": "M1", "valid_from": "2014-01-01"});
        feature(&properties, &square(west, 31.1, east, 31.101))
    };
    town.geojson("street", &[lot(names[0], 121.501, border), lot(names[1], border, 121.503)])
}

/// A parcel with versions, an event, a contract, bonds, obligations, a life, users, their returns and reviews.
async fn eventful() -> Town {
    let town = Town::empty().await;
    let district =
        feature(&serde_json::json!({"code": "310115", "name": "浦东新区"}), &square(121.4, 31.0, 121.7, 31.4));
    town.takes("districts", &town.geojson("districts", &[district]));
    town.takes("parcels", &street(&town, [1, 2], 121.502));
    town.takes("enterprises", &town.file("e.csv", "enterprise_code,name\nE1,一号厂\nE2,二号厂\n"));
    let code = parcel_code(1);
    let contract = format!(
        "contract_no,parcel_code,kind,signed_on,term_years,performance_terms,paid_on,handed_over_on,suspended_on,\
         bond_start_wan_yuan,bond_completion_wan_yuan,bond_production_wan_yuan,bond_paid_on,bond_start_settled,\
         bond_start_settled_on,bond_completion_settled,bond_completion_settled_on,bond_completion_forfeited_wan_yuan\n\
         H1,{code},grant,2015-01-01,20,1,2015-01-20,2015-02-01,2016-01-15,50,40,30,2015-01-25,returned,2015-07-20,\
         partly_forfeited,2017-06-10,10\n"
    );
    town.takes("contracts", &town.file("c.csv", contract));
    town.takes(
        "obligations",
        &town.file(
            "o.csv",
            "obligation_no,contract_no,kind,due_on,met_on,act,act_on,act_until,act_ground,act_document\n\
             O1,H1,start,2015-08-01,2015-07-15,,,,,\n\
             O2,H1,completion,2016-12-01,2017-05-20,extended,2016-03-01,2017-06-01,规划调整,函1\n",
        ),
    );
    let head = "obligation_no,contract_no,kind,due_yearly,due_from_year,due_to_year,target,unit,year,achieved";
    for row in ["04-30,2024,2026,172,万元/年,,", ",,,,,2024,180", ",,,,,2025,150"] {
        town.takes("obligations", &town.file("t.csv", format!("{head}\nT,H1,tax,{row}\n")));
    }
    let into = street(&town, [1, 2], 121.5019);
    let into = into.to_str().unwrap();
    let on = ["--document", "沪规划资源〔2018〕1号", "--on", "2018-07-01"];
    let steps: [&[&str]; 5] = [
        &[
            "lifecycle",
            "found",
            &code,
            "delivered",
            "--on",
            "2015-02-01",
            "--document",
            "交地书",
            "--fact",
            "contract=H1",
        ],
        &["lifecycle", "move", &code, "start", "--on", "2015-07-15", "--document", "施工许可证"],
        &["lifecycle", "move", &code, "accept", "--on", "2017-05-20", "--document", "验收表"],
        &["lifecycle", "move", &code, "produce", "--on", "2018-01-01", "--document", "投产表"],
        &[&["lineage", "adjust", "--into", into][..], &on[..]].concat(),
    ];
    for arguments in steps {
        let ended = town.run(arguments);
        assert_eq!(ended.status, Some(0), "{arguments:?}: {}", ended.said);
    }
    let uses = format!(
        "parcel_code,enterprise_code,role,floor_area_m2,from_on,to_on\n{code},E1,owner,900,2017-06-01,2024-01-01\n\
         {code},E1,tenant,100,2017-06-01,2024-01-01\n{code},E2,tenant,1000,2024-01-01,\n"
    );
    town.takes("occupancies", &town.file("u.csv", uses));
    let returned = |rows: &str| town.file("r.csv", format!("enterprise_code,year,tax_wan_yuan\n{rows}"));
    town.takes("returns", &returned("E1,2022,90\nE1,2023,100\nE2,2024,110\n"));
    for day in ["2024-06-30", "2025-06-30"] {
        let ended = town.run(&["review", "run", "--as-of", day]);
        assert_eq!(ended.status, Some(0), "{}", ended.said);
    }
    // What was corrected since is told once, as it is believed now.
    town.takes("returns", &returned("E1,2023,101\n"));
    town
}

/// Day, kind and words of each entry.
fn told(dossier: &Value) -> Vec<String> {
    let entries = dossier["timeline"].as_array().unwrap().iter();
    let text = |one: &Value, name: &str| one[name].as_str().unwrap().to_owned();
    entries.map(|one| [text(one, "on"), text(one, "kind"), text(one, "en")].join(" ")).collect()
}

#[tokio::test]
async fn a_parcel_to_which_everything_happened_tells_each_thing_once_in_order_of_day() {
    let town = eventful().await;
    let dossier = town.run(&["dossier", &parcel_code(1), "--valid-at", "2026-03-31"]).answer;
    let neighbour = parcel_code(2);
    let adjusted = format!("2018-07-01 lineage a boundary adjustment ({neighbour})");
    let expected = [
        "2014-01-01 parcel the parcel begins",
        "2015-01-01 contract the contract is signed",
        "2015-01-20 contract the price is paid in full",
        "2015-01-25 bond the completion bond is paid",
        "2015-01-25 bond the production bond is paid",
        "2015-01-25 bond the start bond is paid",
        "2015-02-01 contract the land is handed over",
        "2015-02-01 state is now handed over",
        "2015-07-15 obligation start is done",
        "2015-07-15 state is now being built",
        "2015-07-20 bond the start bond is returned",
        "2015-08-01 obligation start falls due (met)",
        "2016-01-15 contract works stand still",
        "2016-03-01 obligation completion: extended, 规划调整",
        "2017-05-20 obligation completion is done",
        "2017-05-20 state is now completed",
        "2017-06-01 obligation completion falls due (met)",
        "2017-06-01 occupancy 一号厂 moves in as owner",
        "2017-06-01 occupancy 一号厂 moves in as tenant",
        "2017-06-10 bond the completion bond is forfeited in part",
        "2018-01-01 state is now in production",
        "2018-07-01 parcel the parcel changes",
        &adjusted,
        "2022-12-31 return 一号厂 reports 2022",
        "2023-12-31 return 一号厂 reports 2023",
        "2024-01-01 occupancy 二号厂 moves in as tenant",
        "2024-01-01 occupancy 一号厂 leaves as owner",
        "2024-01-01 occupancy 一号厂 leaves as tenant",
        "2024-04-30 obligation tax of 2024 falls due (met)",
        "2024-06-30 review judged T",
        "2024-12-31 return 二号厂 reports 2024",
        "2025-04-30 obligation tax of 2025 falls due (breached)",
        "2025-06-30 review judged T",
        "2026-04-30 obligation tax falls due (due soon)",
        "2035-01-01 contract the term ends",
    ];
    assert_eq!(told(&dossier), expected);
    for one in dossier["timeline"].as_array().unwrap() {
        assert_eq!(one["to_come"].as_bool().unwrap(), one["on"].as_str().unwrap() > "2026-03-31", "{one}");
        assert!(!one["zh"].as_str().unwrap().is_empty(), "{one}");
    }
    // Every kind that there is was told.
    let kinds: std::collections::BTreeSet<&str> =
        dossier["timeline"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds.len(), 9, "{kinds:?}");
}
