//! Real parcels of the Yangtze delta, from their file to a review that does not pretend to know them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    exchange::acceptance,
    support::{Ended, Town},
};

/// How often each code stands in a receipt.
fn counted(ended: &Ended) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for finding in ended.answer["findings"].as_array().unwrap() {
        *counts.entry(finding["code"].as_str().unwrap()).or_default() += 1;
    }
    counts
}

#[tokio::test]
async fn the_real_parcels_of_xinwu_are_imported_found_and_not_judged_for_want_of_figures() {
    let Some(folder) = acceptance() else { return };
    let file = folder.join("real/wuxi_xinwu/xinwu_land_use.gpkg");
    let town = Town::empty().await;
    let ended = town.import("parcels", std::slice::from_ref(&file), &["--map", "euluc"]);
    assert_eq!((ended.status, ended.tally()), (Some(0), [2033, 2033, 0, 0]), "{ended:?}");
    let before = town.contents().await;
    let again = town.import("parcels", &[file], &["--map", "euluc"]);
    assert_eq!((again.status, again.tally()), (Some(0), [2033, 0, 2033, 0]));
    assert_eq!(town.contents().await, before);

    let out = town.folder().join("out");
    let reviewed = town.run(&["review", "run", "--as-of", "2026-06-30", "--out", out.to_str().unwrap()]);
    assert_eq!(reviewed.status, Some(0), "{reviewed:?}");
    let by_grade: BTreeMap<&str, u64> = ["A", "B", "C", "D", "T"]
        .map(|grade| (grade, reviewed.answer["by_grade"][grade]["parcels"].as_u64().unwrap()))
        .into();
    assert_eq!(by_grade, [("A", 0), ("B", 0), ("C", 0), ("D", 0), ("T", 435)].into());
    let rows: BTreeMap<&str, u64> = reviewed.answer["lists"]
        .as_array()
        .unwrap()
        .iter()
        .map(|list| (list["list"].as_str().unwrap(), list["rows"].as_u64().unwrap()))
        .collect();
    assert_eq!(rows, [("exit-candidates", 0), ("renewal-candidates", 0), ("review-results", 435)].into());

    let found = town.run(&["query", "--bbox", "120.3,31.4,120.6,31.7", "--limit", "5"]);
    assert_eq!(found.answer["summary"]["count"], 2033, "{found:?}");
    assert_eq!(found.answer["features"].as_array().unwrap().len(), 5);
    let nowhere = town.run(&["query", "--bbox", "121.3,31.1,121.6,31.2"]);
    assert_eq!(nowhere.answer["summary"]["count"], 0);

    let one: String = town.value("select parcel from review_result order by parcel limit 1").await;
    let why = town.run(&["review", "explain", &reviewed.answer["run"].to_string(), &one]);
    let sentences = |language: &str| -> Vec<String> {
        why.answer[language].as_array().unwrap().iter().map(|line: &Value| line.as_str().unwrap().to_owned()).collect()
    };
    assert!(
        sentences("en").iter().any(|line| line.contains("data are missing, and that is not inefficiency")),
        "{why:?}"
    );
    assert!(sentences("zh").iter().any(|line| line.contains("缺少数据，不作低效认定")), "{why:?}");
}

#[tokio::test]
async fn the_parcels_of_cambridge_come_in_through_a_field_map_with_an_honest_receipt_and_their_second_year_as_changes()
{
    let Some(folder) = acceptance() else { return };
    let file = folder.join("real/cambridge_ma/derived_cambridge_parcels_fy2014_joined.gpkg");
    let town = Town::empty().await;
    for (map, extra) in
        [("cambridge-2013", ""), ("cambridge", ""), ("cambridge", "--repair"), ("cambridge", "--repair")]
    {
        let mut flags = vec!["--map", map];
        if !extra.is_empty() {
            flags.push(extra)
        }
        let ended = town.import("parcels", std::slice::from_ref(&file), &flags);
        eprintln!("parcels {map} {extra} {:?} {:?} {:?}", ended.status, ended.tally(), counted(&ended));
        for f in ended.answer["findings"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|f| f["code"].as_str().unwrap().contains("repaired"))
        {
            eprintln!("{} {} {} {}", f["code"], f["facts"]["value"], f["facts"]["before_m2"], f["facts"]["after_m2"]);
        }
        for f in ended.answer["findings"].as_array().unwrap().iter().filter(|f| f["row"].is_null()) {
            eprintln!("{}", f);
        }
    }
    for map in ["cambridge-buildings-2013", "cambridge-buildings", "cambridge-buildings"] {
        let ended = town.import("buildings", std::slice::from_ref(&file), &["--map", map]);
        eprintln!("buildings {map} {:?} {:?} {:?}", ended.status, ended.tally(), counted(&ended));
    }
    eprintln!("{}", json!(1));
    panic!();
}
