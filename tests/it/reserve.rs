//! The reserve of parks: what is in less what went out is what is there, and nobody takes out more.

use crate::lockup::sql::{attempt, clerk};
use crate::plot_ratio::get;
use crate::support::{Town, feature, parcel_code, square};
use axum::http::StatusCode;
use rstest::rstest;
use serde_json::{Value, json};
use sqlx::Executor as _;
use std::path::PathBuf;

const HEADER: &str = "entry_no,lot_no,side,area_m2,on_date,document,park,parcel_code,exit,readiness,supply_mode";

/// A settled town with parks P1 and P2.
async fn town() -> Town {
    let town = Town::settled().await;
    let park = |code: &str, west: f64| {
        feature(
            &json!({"park_code": code, "name": code, "district": "310115"}),
            &square(west, 31.05, west + 0.01, 31.06),
        )
    };
    town.takes("parks", &town.geojson("parks", &[park("P1", 121.5), park("P2", 121.52)]));
    town
}

fn comes_in(entry: &str, lot: &str, park: &str, area: &str, day: &str) -> String {
    format!("{entry},{lot},in,{area},{day},储〔2024〕{entry}号,{park},,storage,cleared,\n")
}

fn goes_out(entry: &str, lot: &str, area: &str, day: &str) -> String {
    format!("{entry},{lot},out,{area},{day},供〔2024〕{entry}号,,,,,lease_then_transfer\n")
}

fn file(town: &Town, name: &str, rows: &[String]) -> PathBuf {
    town.file(name, format!("{HEADER}\n{}", rows.concat()))
}

fn codes(receipt: &Value) -> Vec<&str> {
    let findings = receipt["findings"].as_array().unwrap();
    findings.iter().map(|finding| finding["code"].as_str().unwrap()).collect()
}

fn account(town: &Town, flags: &[&str]) -> Value {
    let mut arguments = vec!["reserve", "account"];
    arguments.extend(flags);
    let ended = town.run(&arguments);
    assert_eq!(ended.status, Some(0), "{}", ended.said);
    ended.answer
}

#[tokio::test]
async fn what_came_in_less_what_went_out_is_left_by_park_and_day_to_the_last_digit() {
    let town = town().await;
    let rows = [
        goes_out("C1", "L1", "0.1", "2024-06-01"),
        goes_out("C2", "L1", "0.2", "2024-06-01"),
        comes_in("R1", "L1", "P1", "10000.3", "2024-01-01"),
        comes_in("R2", "L2", "P2", "500", "2024-02-01"),
        goes_out("C3", "L2", "500", "2025-02-01"),
    ];
    let path = file(&town, "r.csv", &rows);
    town.takes("reserve", &path);
    assert_eq!(town.tally("reserve", &path), [5, 0, 5, 0]);
    let now = account(&town, &[]);
    let total = &now["total"];
    assert_eq!([&total["in_m2"], &total["out_m2"], &total["stock_m2"]], [10_500.3, 500.3, 10_000.0]);
    assert_eq!((&total["balances"], &total["lots"]), (&json!(true), &json!(1)));
    assert_eq!(total["in_by_exit_m2"], json!({"storage": 10_500.3}));
    assert_eq!(total["stock_by_readiness_m2"], json!({"cleared": 10_000.0}));
    assert_eq!(total["out_by_mode_m2"], json!({"lease_then_transfer": 500.3}));
    assert_eq!((&now["parks"][0]["park"], &now["parks"][0]["stock_m2"]), (&json!("P1"), &json!(10_000.0)));
    assert_eq!((&now["parks"][1]["park"], &now["parks"][1]["stock_m2"]), (&json!("P2"), &json!(0.0)));
    let then = account(&town, &["--at", "2024-05-31", "--park", "P1"]);
    assert_eq!((&then["total"]["stock_m2"], then["parks"].as_array().unwrap().len()), (&json!(10_000.3), 1));
    assert_eq!(account(&town, &["--at", "2023-12-31"])["parks"], json!([]));
}

#[tokio::test]
async fn more_out_than_in_is_refused_with_the_lot_and_the_database_refuses_it_too() {
    let town = town().await;
    town.takes("reserve", &file(&town, "a.csv", &[comes_in("R1", "L1", "P1", "100", "2024-01-01")]));
    for (name, rows) in [
        ("too much", vec![goes_out("C1", "L1", "100.0001", "2024-06-01")]),
        ("too early", vec![goes_out("C1", "L1", "1", "2023-12-31")]),
        ("twice too much", vec![goes_out("C1", "L1", "60", "2024-06-01"), goes_out("C2", "L1", "60", "2024-07-01")]),
    ] {
        let count = rows.len() as u64;
        let mut rows = rows;
        rows.push(comes_in("R9", "L9", "P2", "1", "2024-01-01"));
        let ended = town.import("reserve", &[file(&town, "b.csv", &rows)], &["--dry-run"]);
        assert_eq!(ended.tally(), [count + 1, 1, 0, count], "{name}: {}", ended.answer);
        assert!(codes(&ended.answer).iter().all(|code| *code == "reserve-overdrawn"), "{name}: {}", ended.answer);
    }
    town.takes("reserve", &file(&town, "c.csv", &[goes_out("C1", "L1", "100", "2024-06-01")]));
    // A correction of what came in must leave enough for what went out since.
    let less = town.import("reserve", &[file(&town, "d.csv", &[comes_in("R1", "L1", "P1", "99", "2024-01-01")])], &[]);
    assert_eq!((less.status, codes(&less.answer)), (Some(1), vec!["reserve-overdrawn"]), "{}", less.said);
    for statement in [
        "insert into reserve_entry (number, lot, side, area_m2, on_date, supply_mode, document, recorded, revision)
         values ('X', 'L1', 'out', 0.0001, '2025-01-01', 'long_lease', 'd', tstzrange(clock_timestamp(), null), 1)",
        "insert into reserve_entry (number, lot, side, area_m2, on_date, supply_mode, document, recorded, revision)
         values ('X', 'L7', 'out', 1, '2025-01-01', 'long_lease', 'd', tstzrange(clock_timestamp(), null), 1)",
        "update reserve_entry set recorded = tstzrange(lower(recorded), clock_timestamp()) where number = 'R1'",
        "update reserve_entry set lot = 'L9' where number = 'R1'",
        "delete from reserve_entry where number = 'R1'",
    ] {
        let error = sqlx::query(statement).execute(&town.database.pool).await.unwrap_err();
        let error = error.into_database_error().unwrap();
        assert_eq!(error.constraint(), Some("reserve_balance"), "{statement}: {error}");
    }
}

#[tokio::test]
async fn an_entry_that_others_rest_on_is_not_withdrawn_before_them() {
    let town = town().await;
    let rows = [comes_in("R1", "L1", "P1", "100", "2024-01-01"), goes_out("C1", "L1", "40", "2024-06-01")];
    town.takes("reserve", &file(&town, "a.csv", &rows));
    let before = town.contents().await;
    let needed = town.run(&["reserve", "withdraw", "R1", "--reason", "误报"]);
    assert_eq!(needed.status, Some(1));
    assert!(needed.said.contains("C1") || needed.said.contains("none has come in"), "{}", needed.said);
    assert_eq!(town.run(&["reserve", "withdraw", "NONE", "--reason", "误报"]).status, Some(1));
    assert_eq!(town.run(&["reserve", "withdraw", "R1", "--reason", ""]).status, Some(1));
    assert!(town.contents().await == before);
    for entry in ["C1", "R1"] {
        assert_eq!(town.run(&["reserve", "withdraw", entry, "--reason", "误报"]).status, Some(0), "{entry}");
    }
    assert_eq!(account(&town, &[])["total"]["in_m2"], 0.0);
    assert_eq!(town.value::<i64>("select count(*) from reserve_entry").await, 2, "what was believed is kept");
}

#[rstest]
#[case::unknown_park("R1,L1,in,100,2024-01-01,D,P9,,storage,cleared,", "unknown-park", "park")]
#[case::no_park("R1,L1,in,100,2024-01-01,D,,,storage,cleared,", "missing-value", "park")]
#[case::no_exit("R1,L1,in,100,2024-01-01,D,P1,,,cleared,", "missing-value", "exit")]
#[case::no_readiness("R1,L1,in,100,2024-01-01,D,P1,,storage,,", "missing-value", "readiness")]
#[case::mode_on_the_way_in(
    "R1,L1,in,100,2024-01-01,D,P1,,storage,cleared,long_lease",
    "field-of-the-other-side",
    "supply_mode"
)]
#[case::park_on_the_way_out("C1,L0,out,1,2024-03-01,D,P1,,,,long_lease", "field-of-the-other-side", "park")]
#[case::no_mode("C1,L0,out,1,2024-03-01,D,,,,,", "missing-value", "supply_mode")]
#[case::no_document("R1,L1,in,100,2024-01-01,,P1,,storage,cleared,", "missing-value", "document")]
#[case::unknown_parcel(
    "R1,L1,in,100,2024-01-01,D,P1,310115001001GB00077,storage,cleared,",
    "unknown-parcel",
    "parcel_code"
)]
#[case::in_twice("R1,L0,in,100,2024-01-01,D,P1,,storage,cleared,", "lot-comes-in-twice", "lot_no")]
#[case::another_lot("R0,L1,in,100,2024-01-01,D,P1,,storage,cleared,", "entry-moved", "lot_no")]
#[case::yet_to_come("R1,L1,in,100,2199-01-01,D,P1,,storage,cleared,", "day-in-the-future", "on_date")]
#[tokio::test]
async fn a_bad_row_is_refused_by_name_and_its_good_neighbour_is_taken(
    #[case] bad: &str,
    #[case] code: &str,
    #[case] field: &str,
) {
    let town = town().await;
    town.takes("reserve", &file(&town, "a.csv", &[comes_in("R0", "L0", "P1", "100", "2024-01-01")]));
    let rows = [format!("{bad}\n"), comes_in("G", "LG", "P2", "1", "2024-01-01")];
    let ended = town.import("reserve", &[file(&town, "bad.csv", &rows)], &[]);
    assert_eq!((ended.status, ended.tally()), (Some(0), [2, 1, 0, 1]), "{ended:?}");
    let finding = &ended.answer["findings"][0];
    assert_eq!(
        (&finding["code"], &finding["facts"]["field"], &finding["row"]),
        (&json!(code), &json!(field), &json!(1))
    );
}

#[tokio::test]
async fn the_service_pages_the_entries_and_exports_come_in_again_unchanged() {
    let town = town().await;
    let named = comes_in("R2", "L2", "P2", "9", "2024-01-01").replace("P2,,", &format!("P2,{},", parcel_code(2)));
    let rows = [comes_in("R1", "L1", "P1", "100", "2024-01-01"), named, goes_out("C1", "L1", "40", "2024-06-01")];
    town.takes("reserve", &file(&town, "a.csv", &rows));
    let pool = &town.database.pool;
    let (status, first) = get(pool, "/api/v1/reserve?limit=2").await;
    assert_eq!((status, &first["next"]), (StatusCode::OK, &json!("C1")), "{first}");
    assert_eq!(first["total"]["stock_m2"], 69.0);
    let (_, rest) = get(pool, "/api/v1/reserve?limit=2&after=C1").await;
    assert_eq!((&rest["entries"][0]["entry_no"], &rest["next"]), (&json!("R2"), &Value::Null));
    let (_, one) = get(pool, "/api/v1/reserve?park=P1&valid_at=2024-03-01").await;
    assert_eq!((&one["total"]["stock_m2"], &one["total"]["out_m2"]), (&json!(100.0), &json!(0.0)));
    for wrong in [
        "/api/v1/reserve?valid_at=x",
        "/api/v1/reserve?limit=1001",
        "/api/v1/reserve?after=gone",
        "/api/v1/reserve?of=1",
        "/api/v1/reserve?park=P9",
    ] {
        assert_eq!(get(pool, wrong).await.0, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
    let (_, unknown) = get(pool, "/api/v1/reserve?park=P9").await;
    assert!(unknown["detail"].as_str().unwrap().contains("P1"), "{unknown}");
    let said = town.run(&["reserve", "account", "--park", "P9"]);
    assert_eq!((said.status, said.said.contains("P1")), (Some(1), true), "{said:?}");
    for format in ["csv", "xlsx", "geojson"] {
        let name = format!("reserve.{format}");
        let ended = town.run(&["export", "reserve", "--format", format, "--out", &name]);
        assert_eq!((ended.status, &ended.answer["rows"]), (Some(0), &json!(3)), "{}", ended.said);
        assert_eq!(town.tally("reserve", &town.folder().join(&name)), [3, 0, 3, 0], "{format}");
    }
}

#[tokio::test]
async fn an_entry_that_was_withdrawn_stays_so_when_the_old_file_is_read_again() {
    let town = town().await;
    let rows = [comes_in("R1", "L1", "P1", "100", "2024-01-01"), goes_out("C1", "L1", "40", "2024-06-01")];
    let old = file(&town, "old.csv", &rows);
    town.takes("reserve", &old);
    assert_eq!(town.run(&["reserve", "withdraw", "C1", "--reason", "误录"]).status, Some(0));
    // What is left has gone out under another number: the old entry beside it would be more than came in.
    town.takes("reserve", &file(&town, "new.csv", &[goes_out("C2", "L1", "100", "2024-06-02")]));
    let before = town.contents().await;
    let again = town.import("reserve", std::slice::from_ref(&old), &[]);
    assert_eq!((again.status, again.tally()), (Some(0), [2, 0, 2, 0]), "{again:?}");
    assert_eq!(again.answer["findings"][0]["code"], json!("entry-withdrawn"));
    assert_eq!(town.contents().await, before);
}

#[tokio::test]
async fn a_parcel_lies_in_one_lot_at_a_time() {
    let town = town().await;
    let of = |entry: &str, lot: &str, number: u32, day: &str| {
        comes_in(entry, lot, "P1", "100", day).replace("P1,,", &format!("P1,{},", parcel_code(number)))
    };
    town.takes("reserve", &file(&town, "a.csv", &[of("R1", "L1", 1, "2024-01-01")]));
    // In a lot of the register, before it and after it; and twice in one file, of which the first counts.
    for day in ["2023-01-01", "2025-01-01"] {
        let ended = town.import("reserve", &[file(&town, "b.csv", &[of("R2", "L2", 1, day)])], &[]);
        assert_eq!((ended.status, ended.tally()), (Some(1), [1, 0, 0, 1]), "{day}: {}", ended.answer);
        assert_eq!(ended.answer["findings"][0]["code"], json!("parcel-in-two-lots"), "{day}");
    }
    let twice = [of("R3", "L3", 2, "2024-01-01"), of("R4", "L4", 2, "2024-02-01")];
    let ended = town.import("reserve", &[file(&town, "c.csv", &twice)], &[]);
    assert_eq!((ended.tally(), &ended.answer["findings"][0]["key"]), ([2, 1, 0, 1], &json!("R4")), "{}", ended.answer);
    // Gone out to the last square metre, it may come back on that day.
    town.takes("reserve", &file(&town, "d.csv", &[goes_out("C1", "L1", "100", "2024-12-31")]));
    town.takes("reserve", &file(&town, "e.csv", &[of("R5", "L5", 1, "2024-12-31")]));
    // An entry may be corrected under its number.
    town.takes("reserve", &file(&town, "f.csv", &[of("R5", "L5", 1, "2025-01-01")]));
}

/// Parcel 1 came into L1, went out of it, and came into L5.
async fn town_of_two_lots() -> Town {
    let town = town().await;
    let of = |entry: &str, lot: &str, day: &str| {
        comes_in(entry, lot, "P1", "100", day).replace("P1,,", &format!("P1,{},", parcel_code(1)))
    };
    let rows = [of("R1", "L1", "2024-01-01"), goes_out("C1", "L1", "100", "2024-06-30"), of("R5", "L5", "2024-07-01")];
    town.takes("reserve", &file(&town, "a.csv", &rows));
    town
}

#[tokio::test]
async fn land_does_not_come_back_into_a_lot_after_another_has_taken_it_in() {
    let town = town_of_two_lots().await;
    let before = town.contents().await;
    // By an entry that is taken back, or corrected to less or to a later day.
    let withdrawn = town.run(&["reserve", "withdraw", "C1", "--reason", "误报"]);
    assert_eq!(withdrawn.status, Some(1), "{withdrawn:?}");
    assert!(withdrawn.said.contains("L5") && withdrawn.said.contains(&parcel_code(1)), "{}", withdrawn.said);
    for row in [goes_out("C1", "L1", "99.9999", "2024-06-30"), goes_out("C1", "L1", "100", "2024-07-02")] {
        let ended = town.import("reserve", &[file(&town, "b.csv", std::slice::from_ref(&row))], &[]);
        assert_eq!((ended.status, codes(&ended.answer)), (Some(1), vec!["parcel-in-two-lots"]), "{row}: {ended:?}");
    }
    // What is refused for another reason makes no room.
    let of = |entry: &str, lot: &str| {
        comes_in(entry, lot, "P1", "50", "2024-08-01").replace("P1,,", &format!("P1,{},", parcel_code(1)))
    };
    let rows = [
        goes_out("C5", "L5", "100", "2024-07-31"),
        goes_out("C6", "L5", "0.5", "2024-07-31"),
        of("R6", "L6"),
        goes_out("C7", "L6", "50", "2024-08-02"),
    ];
    let ended = town.import("reserve", &[file(&town, "c.csv", &rows)], &[]);
    assert_eq!((ended.status, ended.tally()), (Some(1), [4, 0, 0, 4]), "{ended:?}");
    assert!(codes(&ended.answer).contains(&"parcel-in-two-lots"), "{}", ended.answer);
    assert_eq!(town.contents().await, before);
    // On the day on which the other took it in, it was gone: that correction stands.
    town.takes("reserve", &file(&town, "d.csv", &[goes_out("C1", "L1", "100", "2024-07-01")]));
}

#[tokio::test]
async fn the_database_refuses_a_parcel_in_two_lots_from_whoever_writes() {
    let town = town_of_two_lots().await;
    let mut clerk = clerk(&town).await;
    clerk.execute("reset role; grant insert, update, delete on reserve_entry to landcycle_test_clerk").await.unwrap();
    clerk.execute("set role landcycle_test_clerk").await.unwrap();
    let insert = |number: &str, lot: &str, side: &str, parcel: u32, day: &str| {
        let facts = if side == "in" { "'P1', 'storage', 'cleared', null" } else { "null, null, null, 'long_lease'" };
        format!(
            "insert into reserve_entry (number, lot, side, parcel, area_m2, on_date, document, park, exit, readiness,
                 supply_mode, recorded, revision)
             values ('{number}', '{lot}', '{side}', '{}', 100, '{day}', 'd', {facts}, tstzrange(clock_timestamp(), null), 1)",
            parcel_code(parcel)
        )
    };
    let close = |number: &str| {
        format!(
            "update reserve_entry set recorded = tstzrange(lower(recorded), clock_timestamp())
             where number = '{number}' and upper_inf(recorded)"
        )
    };
    for statements in [
        insert("X", "L9", "in", 1, "2024-07-02"),
        // Before it came in here, and never gone out there.
        insert("X", "L9", "in", 1, "2024-05-01"),
        close("C1"),
        "delete from reserve_entry where number = 'C1'".to_owned(),
        "update reserve_entry set area_m2 = 99 where number = 'C1'".to_owned(),
        "update reserve_entry set on_date = '2024-07-02' where number = 'C1'".to_owned(),
        format!(
            "{}; update reserve_entry set parcel = '{}' where number = 'X'",
            insert("X", "L9", "in", 2, "2024-07-02"),
            parcel_code(1)
        ),
        // A table of one's own in front of the register's.
        format!(
            "create temporary table reserve_entry (like city_310000.reserve_entry) on commit drop; {}",
            insert("X", "L9", "in", 1, "2024-07-02").replace("into reserve_entry", "into city_310000.reserve_entry")
        ),
    ] {
        assert_eq!(attempt(&mut clerk, &statements).await, Err("reserve_parcel_once".to_owned()), "{statements}");
    }
    // Out of one and into the other in one transaction, in whatever order.
    let moved = [insert("X", "L9", "in", 1, "2024-08-01"), insert("Y", "L5", "out", 1, "2024-08-01")].join("; ");
    assert_eq!(attempt(&mut clerk, &moved).await, Ok(()));
}

#[tokio::test]
async fn two_at_once_do_not_each_take_out_what_the_other_leaves() {
    let town = town().await;
    town.takes("reserve", &file(&town, "a.csv", &[comes_in("R1", "L1", "P1", "100", "2024-01-01")]));
    let mut clerk = clerk(&town).await;
    let out =
        "insert into reserve_entry (number, lot, side, area_m2, on_date, supply_mode, document, recorded, revision)
        values ('X', 'L1', 'out', 60, '2025-01-01', 'long_lease', 'd', tstzrange(clock_timestamp(), null), 1)";
    clerk
        .execute("reset role; grant insert on reserve_entry to landcycle_test_clerk; set role landcycle_test_clerk")
        .await
        .unwrap();
    for level in ["repeatable read", "serializable"] {
        let statements = format!("set transaction isolation level {level}; {out}");
        assert_eq!(attempt(&mut clerk, &statements).await, Err("read_committed_only".to_owned()), "{level}");
    }
    // The one that comes second waits, and then sees what the first has taken.
    clerk.execute("begin").await.unwrap();
    clerk.execute(out).await.unwrap();
    clerk.execute("set constraints all immediate").await.unwrap();
    let (town, row) = (std::sync::Arc::new(town), goes_out("C1", "L1", "60", "2024-06-01"));
    let other = tokio::task::spawn_blocking({
        let town = town.clone();
        move || town.import("reserve", &[file(&town, "b.csv", &[row])], &[])
    });
    tokio::time::sleep(std::time::Duration::from_millis(800)).await;
    clerk.execute("commit").await.unwrap();
    let ended = other.await.unwrap();
    assert_ne!(ended.status, Some(0), "{ended:?}");
    let left: f64 = town.value("select sum(case side when 'in' then area_m2 else -area_m2 end)::float8 from reserve_entry where upper_inf(recorded)").await;
    assert!((left - 40.0).abs() < 1e-9, "{left}");
}
