//! `landcycle import` from outside: what becomes of rows, what is stored of them, and that nothing half-done is seen.

mod bad;
mod crash;
mod elsewhere;
mod fill;
mod history;
mod hostile;
mod large;
mod meaning;
mod numbers;
mod overlaps;
mod place;
mod preview;
mod reader;
mod real;
mod tiers;

use std::cell::Cell;

use landcycle::store::write::verify_audit;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::json;

use crate::support::{Town, feature, lot, parcel, parcel_code};

/// What a made-up row of a table of enterprises is.
#[derive(Debug, Clone, Copy)]
enum Row {
    New,
    Known,
    Changed,
    NoName,
    BadDay,
    Twice,
}

/// The table, and how many of its rows are accepted, unchanged and refused. `from` numbers new enterprises.
fn table(rows: &[Row], from: u32) -> (String, [u64; 3]) {
    let (mut text, mut tally) = (String::from("enterprise_code,name,founded_on\n"), [0; 3]);
    for (index, row) in rows.iter().enumerate() {
        let code = from + u32::try_from(index).unwrap();
        let (line, fate) = match row {
            Row::New => (format!("N{code},新厂,2001-02-03\n"), 0),
            // Known and changed enterprises have two pools of codes, so that no key comes twice by chance.
            Row::Known => (format!("K{index},老厂,1999-01-01\n"), 1),
            Row::Changed => (format!("C{index},改名{from},1999-01-01\n"), 0),
            Row::NoName => (format!("X{code},,\n"), 2),
            Row::BadDay => (format!("Y{code},厂,2001-13-01\n"), 2),
            Row::Twice => (format!("Z{code},厂,\nZ{code},厂,\n"), 0),
        };
        text.push_str(&line);
        tally[fate] += 1;
        tally[2] += u64::from(matches!(row, Row::Twice));
    }
    (text, tally)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn any_mix_of_good_and_bad_rows_adds_up_and_is_stored_by_its_good_rows() {
    let town = Town::empty().await;
    let pools: String = (0..30).map(|index| format!("K{index},老厂,1999-01-01\nC{index},原名,1999-01-01\n")).collect();
    town.takes("enterprises", &town.file("pools.csv", format!("enterprise_code,name,founded_on\n{pools}")));
    let stored = "select count(*) from enterprise where upper_inf(recorded)";
    let kinds = prop::sample::select(vec![Row::New, Row::Known, Row::Changed, Row::NoName, Row::BadDay, Row::Twice]);
    let mixes = (prop::collection::vec(kinds, 1..30), any::<bool>());
    let (from, expected) = (Cell::new(1000), Cell::new(60));
    let connection = tokio::runtime::Handle::current();
    let mut runner = TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
    let ran = tokio::task::block_in_place(|| {
        runner.run(&mixes, |(rows, strict)| {
            from.set(from.get() + 1000);
            let (text, [accepted, unchanged, refused]) = table(&rows, from.get());
            let file = town.file("mix.csv", text);
            let ended = town.import("enterprises", &[file], if strict { &["--strict"] } else { &[] });
            let read = accepted + unchanged + refused;
            let none = accepted + unchanged == 0 || (strict && refused > 0);
            prop_assert_eq!(ended.status, Some(i32::from(none)));
            let all_refused = [read, 0, 0, read];
            prop_assert_eq!(ended.tally(), if none { all_refused } else { [read, accepted, unchanged, refused] });
            prop_assert_eq!(ended.answer["revision"].is_null(), none || accepted == 0);
            if !none {
                let new = rows.iter().filter(|row| matches!(row, Row::New | Row::Twice)).count();
                expected.set(expected.get() + i64::try_from(new).unwrap());
            }
            prop_assert_eq!(connection.block_on(town.value::<i64>(stored)), expected.get());
            Ok(())
        })
    });
    ran.unwrap();
    verify_audit(&town.database.pool).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_file_that_comes_twice_changes_nothing_the_second_time() {
    let town = Town::settled().await;
    let parcels = town.geojson("parcels", &[parcel(1), parcel(2), parcel(3)]);
    let before = town.contents().await;
    for (kind, file, rows) in [
        ("parcels", parcels, 3),
        ("districts", town.folder().join("districts.geojson"), 1),
        ("enterprises", town.folder().join("enterprises.csv"), 1),
        ("contracts", town.folder().join("contracts.csv"), 1),
        ("returns", town.folder().join("returns.csv"), 1),
    ] {
        let ended = town.import(kind, &[file], &[]);
        assert_eq!((ended.status, ended.tally()), (Some(0), [rows, 0, rows, 0]), "{ended:?}");
        assert!(ended.answer["revision"].is_null());
        assert_eq!(town.contents().await, before, "{kind}: no row, no revision, no audit entry");
    }
}

#[tokio::test]
async fn a_refused_row_does_not_stop_the_others_unless_all_or_none_is_asked_for() {
    let town = Town::settled().await;
    let mut bad = parcel(5);
    bad["properties"]["registered_area_m2"] = json!(-1);
    let file = town.geojson("some", &[parcel(4), bad, parcel(6)]);
    let before = town.contents().await;
    let ended = town.import("parcels", std::slice::from_ref(&file), &["--strict"]);
    assert_eq!((ended.status, ended.tally()), (Some(1), [3, 0, 0, 3]), "{ended:?}");
    assert_eq!(town.contents().await, before);
    let ended = town.import("parcels", &[file], &[]);
    assert_eq!((ended.status, ended.tally()), (Some(0), [3, 2, 0, 1]));
    let stored: Vec<String> = town.values("select code from parcel order by code").await;
    assert_eq!(stored, [1, 2, 3, 4, 6].map(parcel_code));
}

#[tokio::test]
async fn trying_an_import_stores_nothing_and_tells_what_it_would_have_done() {
    let town = Town::settled().await;
    let before = town.contents().await;
    let file = town.geojson("some", &[parcel(1), parcel(4), parcel(4)]);
    let tried = town.import("parcels", std::slice::from_ref(&file), &["--dry-run"]);
    assert_eq!((tried.status, tried.tally(), &tried.answer["revision"]), (Some(0), [3, 1, 1, 1], &json!(null)));
    assert_eq!(town.contents().await, before);
    let receipt = town.folder().join("receipt.json");
    let done = town.import("parcels", &[file], &["--receipt", receipt.to_str().unwrap()]);
    assert_eq!((tried.tally(), &tried.answer["findings"]), (done.tally(), &done.answer["findings"]));
    let kept: serde_json::Value = serde_json::from_slice(&std::fs::read(receipt).unwrap()).unwrap();
    assert_eq!(kept, done.answer);
}

#[tokio::test]
async fn every_import_has_a_revision_an_actor_and_an_entry_in_an_unbroken_chain() {
    let town = Town::settled().await;
    let entries = verify_audit(&town.database.pool).await.unwrap().unwrap();
    let revisions: Vec<i64> = town.values("select id from revision order by id").await;
    // The first recorded the rules.
    assert_eq!(revisions, (1..=6).collect::<Vec<_>>());
    assert_eq!(entries, 6);
    let last: String = town.value("select entry from audit_entry order by id desc limit 1").await;
    let last: serde_json::Value = serde_json::from_str(&last).unwrap();
    assert_eq!(
        (&last["act"], &last["revision"], &last["facts"]["accepted"]),
        (&json!("import-returns"), &json!(6), &json!(1))
    );
    assert!(last["actor"].as_str().unwrap().starts_with("cli:"), "{last}");
}

#[tokio::test]
async fn an_entry_taken_out_and_the_ends_tied_together_shows_in_the_chain() {
    let town = Town::settled().await;
    let pool = &town.database.pool;
    sqlx::query("delete from audit_entry where id = 4").execute(pool).await.unwrap();
    let tied = "update audit_entry set previous_hash = (select hash from audit_entry where id = 3) where id = 5";
    assert_eq!(sqlx::query(tied).execute(pool).await.unwrap().rows_affected(), 1);
    assert_eq!(verify_audit(pool).await.unwrap(), Err(5));
}

#[tokio::test]
async fn an_altered_a_missing_or_a_moved_entry_shows_in_the_chain() {
    for (tampering, found) in [
        ("update audit_entry set entry = replace(entry, '\"accepted\":1', '\"accepted\":2') where id = 4", 4),
        ("update audit_entry set hash = sha256(hash) where id = 2", 2),
        ("delete from audit_entry where id = 4", 5),
        ("delete from audit_entry where id = 1", 2),
        ("delete from audit_entry where id = 6", 6),
        ("update audit_entry set previous_hash = null where id = 5", 5),
    ] {
        let town = Town::settled().await;
        assert_eq!(verify_audit(&town.database.pool).await.unwrap(), Ok(6));
        let changed = sqlx::query(tampering).execute(&town.database.pool).await.unwrap().rows_affected();
        assert_eq!((changed, verify_audit(&town.database.pool).await.unwrap()), (1, Err(found)), "{tampering}");
    }
}

#[tokio::test]
async fn a_column_whose_name_may_mean_something_else_is_taken_with_a_warning() {
    let town = Town::empty().await;
    let lot = |properties| feature(&properties, &lot(1));
    let named = lot(
        json!({"宗地编码": parcel_code(1), "土地用途": "M1", "容积率": 1.5, "证载面积": 9000, "登记日期": "2010-01-01"}),
    );
    let receipt = town.takes("parcels", &town.geojson("guessed", &[named]));
    let findings = receipt["findings"].as_array().unwrap();
    let told = |code: &str| findings.iter().filter(|finding| finding["code"] == code).collect::<Vec<_>>();
    let [guess] = told("column-guessed")[..] else { panic!("{receipt}") };
    assert_eq!((&guess["severity"], &guess["file"]), (&json!("warning"), &json!("guessed.geojson")));
    assert_eq!((&guess["facts"]["value"], &guess["facts"]["field"]), (&json!("容积率"), &json!("plot_ratio_allowed")));
    assert_eq!(town.value::<f64>("select plot_ratio_allowed from parcel_version").await, 1.5);
    // The day of registration is not the day from which the parcel is law, and nobody is told that it is.
    assert!(told("ignored-columns")[0]["facts"]["value"].as_str().unwrap().contains("登记日期"), "{receipt}");
    let since = "select coalesce(lower(valid)::text, '') from parcel_version";
    assert_ne!(town.value::<String>(since).await, "2010-01-01");

    // A name that says what it means, and one that somebody vouches for, are no guesses.
    let plain = lot(json!({"宗地编码": parcel_code(1), "土地用途": "M1", "容积率": 0.9, "规划容积率": 1.6}));
    let vouched = lot(json!({"宗地编码": parcel_code(1), "土地用途": "M1", "容积率": 1.7}));
    let plain = town.import("parcels", &[town.geojson("plain", &[plain])], &[]);
    let map = ["--map", "plot_ratio_allowed=容积率"];
    let vouched = town.import("parcels", &[town.geojson("vouched", &[vouched])], &map);
    for ended in [plain, vouched] {
        assert_eq!(ended.status, Some(0), "{}", ended.said);
        assert!(!ended.answer.to_string().contains("column-guessed"), "{}", ended.answer);
    }
    let law = "select plot_ratio_allowed from parcel_version where upper_inf(recorded) order by id";
    assert!(!town.values::<f64>(law).await.contains(&0.9));
}
