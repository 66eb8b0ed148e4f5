//! Exports of another moment: the register as it was law on an earlier day, and as it was believed at an earlier time.

use std::fs;

use serde_json::json;

use super::exports;
use crate::support::{Town, parcel_code};

/// One column of the rows whose first cell is a key, of an export of a moment.
fn cells(town: &Town, what: &str, key: &str, column: &str, flags: &[&str]) -> Vec<String> {
    exports(town, what, "then.csv", flags);
    let bytes = fs::read(town.folder().join("then.csv")).unwrap();
    let mut reader = csv::Reader::from_reader(&bytes[3..]);
    let title = |head: &csv::StringRecord| head.iter().position(|name| name == column);
    let at = title(reader.headers().unwrap()).unwrap_or_else(|| panic!("{what} has no column {column}"));
    reader.records().map(Result::unwrap).filter(|row| &row[0] == key).map(|row| row[at].to_owned()).collect()
}

#[tokio::test]
async fn zones_contracts_and_obligations_of_an_earlier_day_or_belief_are_exported_as_they_were() {
    let town = Town::settled().await;
    let zone = |name: &str, from: &str| {
        let properties = json!({"zone_code": "B1", "name": name, "tier": "base", "locked": 1, "valid_from": from});
        let shape = crate::support::square(121.4, 31.0, 121.6, 31.2);
        town.geojson("zones", &[crate::support::feature(&properties, &shape)])
    };
    let contract = |holder: &str, from: &str| {
        let head = "contract_no,parcel_code,kind,signed_on,term_years,performance_terms,responsible_unit,bond_wan_yuan,valid_from";
        town.file("c.csv", format!("{head}\nH1,{},grant,2015-01-01,20,1,{holder},9,{from}\n", parcel_code(1)))
    };
    let duty = |body: &str, from: &str| {
        let head = "obligation_no,contract_no,kind,due_on,body,valid_from";
        town.file("o.csv", format!("{head}\nS,H1,start,2030-01-01,{body},{from}\n"))
    };
    town.takes("zones", &zone("甲", "2016-01-01"));
    town.takes("contracts", &contract("甲", ""));
    town.takes("obligations", &duty("甲", ""));
    let all_before: String = town
        .value("select to_char(max(recorded_at) at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') from revision")
        .await;
    // Another law from 2020 on, then found to be a slip.
    for name in ["乙", "丙"] {
        town.takes("zones", &zone(name, "2020-01-01"));
        town.takes("contracts", &contract(name, "2020-01-01"));
        town.takes("obligations", &duty(name, "2020-01-01"));
    }
    let slip: String = town
        .value(
            "select to_char(max(upper(recorded)) at time zone 'UTC' - interval '1 microsecond', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')
             from zone_version where name = '乙'",
        )
        .await;
    for (what, key, column) in
        [("zones", "B1", "name"), ("contracts", "H1", "responsible_unit"), ("obligations", "S", "body")]
    {
        let told = |flags: &[&str]| cells(&town, what, key, column, flags);
        assert_eq!(told(&[]), ["丙"], "{what}");
        assert_eq!(told(&["--valid-at", "2018-06-30"]), ["甲"], "{what}");
        assert_eq!(told(&["--known-at", &all_before]), ["甲"], "{what}");
        assert_eq!(told(&["--valid-at", "2018-06-30", "--known-at", &slip]), ["甲"], "{what}");
        assert!(told(&["--valid-at", "2014-12-31"]).is_empty(), "{what}");
        assert!(told(&["--known-at", "2001-01-01"]).is_empty(), "{what}");
    }
    assert_eq!(cells(&town, "zones", "B1", "name", &["--known-at", &slip]), ["乙"]);
    // What goes with a contract is of the same moment.
    assert_eq!(cells(&town, "contracts", "H1", "bond_wan_yuan", &["--known-at", &all_before]), ["9"]);
}
