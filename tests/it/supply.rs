//! The supply ledger: each parcel once a year, corrections that keep what was believed, and the account against the target.

use crate::lineage::{cut_at, event};
use crate::plot_ratio::get;
use crate::support::{Town, parcel, parcel_code};
use axum::http::StatusCode;
use rstest::rstest;
use serde_json::{Value, json};
use std::path::PathBuf;

const HEADER: &str = "entry_no,parcel_code,year,source,area_m2,secured_on,document";

/// A row about a numbered parcel of 8,000 m².
fn row(entry: &str, number: u32, day: &str) -> String {
    format!("{entry},{},{},renewal,8000,{day},沪保〔2024〕{entry}号\n", parcel_code(number), &day[..4])
}

fn file(town: &Town, name: &str, rows: &[String]) -> PathBuf {
    town.file(name, format!("{HEADER}\n{}", rows.concat()))
}

fn codes(receipt: &Value) -> Vec<&str> {
    let findings = receipt["findings"].as_array().unwrap();
    findings.iter().map(|finding| finding["code"].as_str().unwrap()).collect()
}

fn account(town: &Town, flags: &[&str]) -> Value {
    let mut arguments = vec!["supply", "account"];
    arguments.extend(flags);
    let ended = town.run(&arguments);
    assert_eq!(ended.status, Some(0), "{}", ended.said);
    ended.answer
}

#[tokio::test]
async fn the_account_of_a_year_sums_by_source_against_the_target_of_that_year() {
    let town = Town::settled().await;
    let table = format!(
        "台账编号,宗地编码,年度,保障来源,保障面积（亩）,保障日期,依据文件\n\
         A,{},2024,盘活存量,15,2024-03-01,沪保〔2024〕1号\n\
         B,{},2024,土地出让,7.5,2024-05-01,沪保〔2024〕2号\n\
         C,{},2026,提质增效,30,2026-02-01,沪保〔2026〕1号\n",
        parcel_code(1),
        parcel_code(2),
        parcel_code(1)
    );
    let path = town.file("台账.csv", table);
    town.takes("supply", &path);
    assert_eq!(town.tally("supply", &path), [3, 0, 3, 0], "the same file changes nothing");
    let found = account(&town, &[]);
    let years: Vec<&Value> = found["years"].as_array().unwrap().iter().map(|year| &year["year"]).collect();
    assert_eq!(years, [2024, 2026]);
    let year = &found["years"][0];
    assert_eq!(year["by_source"]["revitalised_stock"], json!({"entries": 1, "area_m2": 10_000.0, "area_mu": 15.0}));
    assert_eq!(year["by_source"]["transfer"]["area_m2"], 5_000.0);
    assert_eq!(year["by_source"]["renewal"], json!({"entries": 0, "area_m2": 0.0, "area_mu": 0.0}));
    assert_eq!((&year["total"]["area_mu"], &year["target_mu"]), (&json!(22.5), &json!(10_000.0)));
    assert_eq!(year["short_mu"], 9_977.5);
    assert!(year["target_source"].as_str().unwrap().contains("2023-2025"), "{year}");
    // The plan that names the target ended with 2025.
    let later = &found["years"][1];
    assert_eq!((&later["target_mu"], &later["short_mu"]), (&Value::Null, &Value::Null));
    // Of a year without an entry nothing is said to be missing; of a district no target is known.
    let empty = &account(&town, &["--year", "2025"])["years"][0];
    assert_eq!(
        (&empty["target_mu"], &empty["short_mu"], &empty["total"]["entries"]),
        (&json!(10_000.0), &Value::Null, &json!(0))
    );
    assert_eq!(account(&town, &["--year", "2024", "--district", "310115"])["years"][0]["target_mu"], Value::Null);
}

#[tokio::test]
async fn no_parcel_counts_twice_in_a_year_and_the_database_itself_says_so() {
    let town = Town::settled().await;
    town.takes("supply", &file(&town, "a.csv", &[row("A", 1, "2024-03-01")]));
    let again =
        [row("B", 1, "2024-09-01"), row("C", 1, "2025-09-01"), row("D", 2, "2024-01-01"), row("E", 2, "2024-02-01")];
    let ended = town.import("supply", &[file(&town, "b.csv", &again)], &[]);
    assert_eq!(ended.tally(), [4, 2, 0, 2]);
    assert_eq!(codes(&ended.answer), ["parcel-counted-twice", "parcel-counted-twice"], "{}", ended.answer);
    let facts = &ended.answer["findings"][0]["facts"];
    assert_eq!(facts["value"], format!("{} counts in 2024 as A", parcel_code(1)));
    let by_hand = sqlx::query(
        "insert into supply_entry (number, parcel, year, source, area_m2, secured_on, document, recorded, revision)
         select 'Z', parcel, year, 'transfer', 1, secured_on, 'd', tstzrange(clock_timestamp(), null), revision
         from supply_entry where number = 'A'",
    )
    .execute(&town.database.pool)
    .await
    .unwrap_err();
    assert!(by_hand.to_string().contains("supply_entry_once_a_year"), "{by_hand}");
}

#[tokio::test]
async fn a_correction_keeps_what_was_believed_and_a_withdrawn_entry_makes_room() {
    let town = Town::settled().await;
    town.takes("supply", &file(&town, "a.csv", &[row("A", 1, "2024-03-01")]));
    let before = town.value::<String>("select recorded_at::text from revision order by id desc limit 1").await;
    let before = before.replace(' ', "T") + ":00";
    let corrected = row("A", 1, "2024-03-01").replace("8000", "6000.5");
    assert_eq!(town.tally("supply", &file(&town, "c.csv", &[corrected])), [1, 1, 0, 0]);
    let area = |flags: &[&str]| account(&town, flags)["years"][0]["total"]["area_m2"].clone();
    assert_eq!(area(&[]), 6_000.5);
    let flags = ["--known-at", before.as_str()];
    assert_eq!(area(&flags), 8_000.0, "as believed at {before}");
    let none = town.run(&["supply", "withdraw", "A", "--reason", " "]);
    assert_eq!(none.status, Some(1), "{}", none.said);
    assert_eq!(town.run(&["supply", "withdraw", "NONE", "--reason", "误报"]).status, Some(1));
    assert_eq!(town.run(&["supply", "withdraw", "A", "--reason", "误报"]).status, Some(0));
    assert_eq!(account(&town, &[])["years"], json!([]));
    assert_eq!(area(&flags), 8_000.0);
    assert_eq!(town.tally("supply", &file(&town, "b.csv", &[row("B", 1, "2024-09-01")])), [1, 1, 0, 0]);
    assert_eq!(town.value::<i64>("select count(*) from supply_entry").await, 3);
}

#[tokio::test]
async fn land_does_not_count_again_as_what_it_was_split_into() {
    let town = Town::settled().await;
    town.takes("supply", &file(&town, "a.csv", &[row("A", 1, "2025-03-01")]));
    assert_eq!(event(&town, &["split", &parcel_code(1), "--cut", &cut_at(&town, 121.5013)]).status, Some(0));
    let children: Vec<String> =
        town.values("select p.code from lineage_link l join parcel p on p.id = l.child order by 1").await;
    let child = |entry: &str, code: &str, year: i32| {
        format!("{entry},{code},{year},renewal,100,{year}-08-01,沪保〔{year}〕{entry}号\n")
    };
    let rows = [child("B", &children[0], 2025), child("C", &children[0], 2026), child("D", &children[1], 2026)];
    let ended = town.import("supply", &[file(&town, "b.csv", &rows)], &[]);
    assert_eq!((ended.tally(), codes(&ended.answer)), ([3, 2, 0, 1], vec!["land-counted-twice"]), "{}", ended.answer);
    // Where the event comes after both entries, a check finds them.
    sqlx::raw_sql("alter table supply_entry disable trigger user; update supply_entry set year = 2025, secured_on = '2025-09-01' where number = 'C'")
        .execute(&town.database.pool)
        .await
        .unwrap();
    let found = town.run(&["check", "--only", "land-secured-twice"]).answer["findings"].clone();
    assert_eq!((&found[0]["key"], &found[0]["other"], found.as_array().unwrap().len()), (&json!("C"), &json!("A"), 1));
}

#[rstest]
#[case::unknown_parcel("A,310115001001GB00077,2024,renewal,100,2024-03-01,D", "unknown-parcel", "parcel_code")]
#[case::no_parcel("A,,2024,renewal,100,2024-03-01,D", "missing-value", "parcel_code")]
#[case::no_document("A,310115001001GB00001,2024,renewal,100,2024-03-01,", "missing-value", "document")]
#[case::another_year("A,310115001001GB00001,2024,renewal,100,2023-12-31,D", "day-outside-year", "secured_on")]
#[case::yet_to_come("A,310115001001GB00001,2026,renewal,100,2199-01-01,D", "day-in-the-future", "secured_on")]
#[case::unknown_source("A,310115001001GB00001,2024,gift,100,2024-03-01,D", "unknown-word", "source")]
#[case::no_land("A,310115001001GB00001,2024,renewal,0.00001,2024-03-01,D", "not-positive", "area_m2")]
#[case::less_than_nothing("A,310115001001GB00001,2024,renewal,-5,2024-03-01,D", "negative-value", "area_m2")]
#[case::not_law_yet("A,310115001001GB00009,2019,renewal,100,2019-03-01,D", "parcel-not-law", "secured_on")]
#[tokio::test]
async fn a_bad_row_is_refused_by_name_and_its_good_neighbour_is_taken(
    #[case] bad: &str,
    #[case] code: &str,
    #[case] field: &str,
) {
    let town = Town::settled().await;
    let mut nine = parcel(9);
    nine["properties"]["valid_from"] = json!("2020-01-01");
    town.takes("parcels", &town.geojson("nine", &[nine]));
    let ended = town.import("supply", &[file(&town, "bad.csv", &[format!("{bad}\n"), row("G", 2, "2024-01-01")])], &[]);
    assert_eq!((ended.status, ended.tally()), (Some(0), [2, 1, 0, 1]), "{ended:?}");
    let finding = &ended.answer["findings"][0];
    assert_eq!(
        (&finding["code"], &finding["facts"]["field"], &finding["row"]),
        (&json!(code), &json!(field), &json!(1))
    );
}

#[tokio::test]
async fn more_land_than_the_parcel_has_is_taken_and_found_by_a_check() {
    let town = Town::settled().await;
    let much = row("A", 1, "2024-03-01").replace("8000", "80000");
    town.takes("supply", &file(&town, "a.csv", &[much, row("B", 2, "2024-03-01")]));
    let found = town.run(&["check", "--only", "secured-exceeds-parcel"]).answer["findings"].clone();
    assert_eq!((&found[0]["key"], &found[0]["other"]), (&json!("A"), &json!(parcel_code(1))), "{found}");
    assert_eq!(found.as_array().unwrap().len(), 1);
    assert!(found[0]["figure"].as_f64().unwrap() > 700.0, "{found}");
}

#[tokio::test]
async fn the_service_pages_the_entries_and_exports_come_in_again_unchanged() {
    let town = Town::settled().await;
    let rows: Vec<String> = (1..=3).map(|number| row(&format!("E{number}"), number, "2024-03-01")).collect();
    town.takes("supply", &file(&town, "a.csv", &rows));
    let pool = &town.database.pool;
    let (status, first) = get(pool, "/api/v1/supply?year=2024&limit=2").await;
    assert_eq!((status, first["entries"].as_array().unwrap().len()), (StatusCode::OK, 2), "{first}");
    assert_eq!(first["years"][0]["total"]["entries"], 3, "the account covers all, not the page");
    let (_, rest) =
        get(pool, &format!("/api/v1/supply?year=2024&limit=2&after={}", first["next"].as_str().unwrap())).await;
    assert_eq!((&rest["entries"][0]["entry_no"], &rest["next"]), (&json!("E3"), &Value::Null), "{rest}");
    let listed = town.run(&["supply", "list", "--year", "2024"]).answer;
    assert_eq!(listed["entries"].as_array().unwrap().len(), 3);
    for wrong in [
        "/api/v1/supply?year=x",
        "/api/v1/supply?known_at=2199-01-01",
        "/api/v1/supply?limit=1001",
        "/api/v1/supply?after=2024:gone",
        "/api/v1/supply?of=1",
        "/api/v1/supply?district=310199",
        "/api/v1/supply?district=",
        "/api/v1/supply?year=99999999999",
    ] {
        assert_eq!(get(pool, wrong).await.0, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
    let (_, unknown) = get(pool, "/api/v1/supply?district=310199").await;
    assert_eq!(
        unknown["findings"][0]["expected"],
        json!("310115"),
        "a district that nobody knows is told from one of zeros"
    );
    let said = town.run(&["supply", "account", "--district", "310199"]);
    assert_eq!((said.status, said.said.contains("310115")), (Some(1), true), "{said:?}");
    assert_eq!(get(pool, "/api/v1/supply?district=310115").await.1["entries"].as_array().unwrap().len(), 3);
    for format in ["csv", "xlsx", "geojson"] {
        let name = format!("supply.{format}");
        let ended = town.run(&["export", "supply", "--format", format, "--out", &name]);
        assert_eq!((ended.status, &ended.answer["rows"]), (Some(0), &json!(3)), "{}", ended.said);
        assert_eq!(town.tally("supply", &town.folder().join(&name)), [3, 0, 3, 0], "{format}");
    }
    let map: Value = serde_json::from_slice(&std::fs::read(town.folder().join("supply.geojson")).unwrap()).unwrap();
    assert_eq!(map["features"][0]["geometry"]["type"], "Polygon", "an entry lies where its parcel does");
}

#[tokio::test]
async fn an_entry_that_was_withdrawn_stays_so_when_the_old_file_is_read_again() {
    let town = Town::settled().await;
    let old = file(&town, "old.csv", &[row("A", 1, "2024-03-01"), row("B", 2, "2024-03-01")]);
    town.takes("supply", &old);
    assert_eq!(town.run(&["supply", "withdraw", "A", "--reason", "重复"]).status, Some(0));
    let before = town.contents().await;
    let again = town.import("supply", std::slice::from_ref(&old), &[]);
    assert_eq!((again.status, again.tally()), (Some(0), [2, 0, 2, 0]), "{again:?}");
    let said = &again.answer["findings"][0];
    assert_eq!((&said["code"], &said["key"]), (&json!("entry-withdrawn"), &json!("A")), "{said}");
    assert_eq!((&said["severity"], &again.answer["warnings"]), (&json!("warning"), &json!(1)));
    assert_eq!(town.contents().await, before);
    // Its land counts as another entry, and the old file changes nothing then either.
    town.takes("supply", &file(&town, "new.csv", &[row("C", 1, "2024-04-01")]));
    assert_eq!(town.tally("supply", &old), [2, 0, 2, 0]);
    // What says something else under the number is no old file.
    assert_eq!(town.run(&["supply", "withdraw", "C", "--reason", "重复"]).status, Some(0));
    let corrected = row("A", 1, "2024-05-01");
    assert_eq!(town.tally("supply", &file(&town, "corrected.csv", &[corrected])), [1, 1, 0, 0]);
}
