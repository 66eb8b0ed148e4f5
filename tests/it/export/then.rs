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

#[tokio::test]
async fn returns_are_exported_as_they_were_believed_at_a_time_and_a_correction_changes_nothing_of_it() {
    let town = Town::settled().await;
    let before: String = town
        .value("select to_char(max(recorded_at) at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') from revision")
        .await;
    let told = |flags: &[&str]| cells(&town, "returns", "E1", "tax_wan_yuan", flags);
    let uncorrected = told(&[]);
    town.takes("returns", &town.file("r.csv", "enterprise_code,year,tax_wan_yuan\nE1,2024,12\nE1,2023,7\n"));
    assert_eq!((uncorrected, told(&[])), (vec!["10".to_owned()], vec!["7".to_owned(), "12".to_owned()]));
    assert_eq!(told(&["--known-at", &before]), ["10"]);
    assert!(told(&["--known-at", "2001-01-01"]).is_empty());
}

/// Key and another column of all rows of an export.
fn pairs(town: &Town, what: &str, flags: &[&str], columns: [&str; 2]) -> Vec<(String, String)> {
    exports(town, what, "run.csv", flags);
    rows(&town.folder().join("run.csv"), columns)
}

fn rows(path: &std::path::Path, columns: [&str; 2]) -> Vec<(String, String)> {
    let bytes = fs::read(path).unwrap();
    let mut reader = csv::Reader::from_reader(&bytes[3..]);
    let head = reader.headers().unwrap().clone();
    let at = columns.map(|column| head.iter().position(|name| name == column).unwrap());
    reader.records().map(Result::unwrap).map(|row| (row[at[0]].to_owned(), row[at[1]].to_owned())).collect()
}

#[tokio::test]
async fn an_earlier_run_is_exported_with_its_own_rows_and_one_that_never_was_is_refused() {
    let town = Town::settled().await;
    let refused = |run: &[&str], said: &str| {
        for what in ["review-results", "exit-candidates"] {
            let ended = super::export(&town, what, "none.csv", run);
            assert_eq!(ended.status, Some(1), "{ended:?}");
            assert!(ended.said.contains(said), "{}", ended.said);
            assert!(!town.folder().join("none.csv").exists());
        }
    };
    refused(&[], "no review has been run; landcycle review run makes one");
    refused(&["--run", "1"], "there is no review run 1; landcycle review list shows which there are");
    // In the first run the works of parcel 1 never began; by the second it is known that they did, and parcel 9 is there.
    let duty = |met: &str| {
        town.file("o.csv", format!("obligation_no,contract_no,kind,due_on,met_on\nS,H1,start,2019-01-01,{met}\n"))
    };
    town.takes("obligations", &duty(""));
    let review = |day: &str, out: &str| {
        let ended = town.run(&["review", "run", "--as-of", day, "--out", out]);
        assert_eq!(ended.status, Some(0), "{}", ended.said);
        ended.answer["run"].to_string()
    };
    let first = review("2024-06-30", "first");
    town.takes("obligations", &duty("2018-12-01"));
    town.takes("parcels", &town.geojson("more", &[crate::support::parcel(9)]));
    let second = review("2025-06-30", "second");
    for what in ["review-results", "exit-candidates"] {
        for (flags, of, run) in [
            (&["--run", &first][..], "first", &first),
            (&["--run", &second], "second", &second),
            (&[], "second", &second),
        ] {
            for columns in [["parcel_code", "as_of"], ["run_id", "receipt"], ["outcome", "channel"]] {
                let listed = rows(&town.folder().join(of).join(format!("{what}.csv")), columns);
                assert_eq!(pairs(&town, what, flags, columns), listed, "{what} {flags:?}");
            }
            let runs = pairs(&town, what, flags, ["run_id", "parcel_code"]);
            assert!(runs.iter().all(|(id, _)| id == run), "{what} {flags:?}: {runs:?}");
        }
    }
    let codes = |what: &str, run: &str| -> Vec<String> {
        pairs(&town, what, &["--run", run], ["parcel_code", "run_id"]).into_iter().map(|(code, _)| code).collect()
    };
    assert_eq!(codes("exit-candidates", &first), [parcel_code(1)]);
    assert!(codes("exit-candidates", &second).is_empty());
    assert_eq!((codes("review-results", &first).len(), codes("review-results", &second).len()), (3, 4));
    refused(&["--run", "99"], "there is no review run 99; landcycle review list shows which there are");
}
