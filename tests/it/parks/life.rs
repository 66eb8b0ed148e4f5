//! The life of a featured park: application, announcement, operation, exit, each with its document and by whom it may be
//! entered, through the program and past it.

use super::four_parks;
use crate::review::{done, refused};
use crate::support::Town;
use landcycle::domain::park_evaluation::standing::{Life, MOVES};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

#[tokio::test]
async fn a_park_applies_is_announced_by_another_person_operates_and_leaves() {
    let town = four_parks().await;
    let enter = |act: &'static str, on: &'static str, document: &'static str| {
        ["park", act, "P1", "--on", on, "--document", document]
    };
    refused(&town, "li", &enter("announce", "2022-01-10", "一号"), &["no-such-move", "no application", "apply"]).await;
    refused(&town, "li", &enter("apply", "2022-01-10", " "), &["no-document", "--document"]).await;
    refused(&town, "li", &enter("apply", "2090-01-10", "一号"), &["day-to-come", "2090-01-10"]).await;
    let stranger = ["park", "apply", "P9", "--document", "一号"];
    refused(&town, "li", &stranger, &["no-such-park", "\"P9\"", "P1, P2, P3, P4"]).await;
    done(&town, "li", &enter("apply", "2022-01-10", "沪产园〔2022〕1号"));
    refused(&town, "wang", &enter("apply", "2022-01-11", "二号"), &["no-such-move", "applied", "refuse or announce"])
        .await;
    refused(&town, "wang", &enter("announce", "2022-01-09", "二号"), &["before-the-last-move", "2022-01-10"]).await;
    for act in ["announce", "refuse"] {
        refused(&town, "li", &enter(act, "2022-06-01", "二号"), &["own-application", "li", "second person"]).await;
    }
    let announced = done(&town, "wang", &enter("announce", "2022-06-01", "沪产园〔2022〕9号"));
    assert_eq!((&announced["to"], &announced["anew"]), (&json!("announced"), &json!([])));
    done(&town, "wang", &enter("operate", "2022-09-01", "三号"));
    done(&town, "wang", &enter("exit", "2025-12-31", "四号"));
    done(&town, "wang", &enter("apply", "2026-02-01", "五号"));
    done(&town, "li", &enter("refuse", "2026-03-01", "六号"));
    let told = done(&town, "li", &["park", "standing", "P1"]);
    let moves: Vec<String> = told["life_moves"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            format!("{} {} {}", one["on"].as_str().unwrap(), one["to"].as_str().unwrap(), one["by"].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        moves,
        [
            "2022-01-10 applied li",
            "2022-06-01 announced wang",
            "2022-09-01 operating wang",
            "2025-12-31 exited wang",
            "2026-02-01 applied wang",
            "2026-03-01 exited li"
        ]
    );
    assert_eq!((&told["life"], &told["standings"]), (&json!("exited"), &json!([])));
    let audited: Vec<String> = town
        .values("select entry::jsonb ->> 'subject' from audit_entry where entry::jsonb ->> 'act' = 'park-life'")
        .await;
    assert_eq!(audited, ["park P1"; 6]);
    let other = done(&town, "li", &["park", "standing", "P2"]);
    assert_eq!((&other["life"], &other["life_moves"]), (&Value::Null, &json!([])));
}

#[tokio::test]
async fn the_database_holds_the_same_table_of_moves_and_refuses_every_other() {
    let town = four_parks().await;
    let mut kept: Vec<String> =
        town.values("select concat_ws(' ', from_state, act, to_state) from park_life_move").await;
    let name = |from: Option<Life>| from.map_or("", Life::name);
    let mut told: Vec<String> =
        MOVES.iter().map(|(from, act, to)| format!("{} {} {}", name(*from), act.name(), to.name())).collect();
    kept.sort();
    told.sort();
    assert_eq!(kept, told);

    done(&town, "li", &["park", "apply", "P1", "--on", "2022-01-10", "--document", "一号"]);
    let moved = |number: u32, act: &str, to: &str, on: &str, document: &str, actor: &str| {
        format!(
            "insert into park_life (park, number, act, to_state, on_date, document, actor, recorded_at, revision)
             values ('P1', {number}, '{act}', '{to}', '{on}', '{document}', '{actor}', now(), 1)"
        )
    };
    for (statement, name) in [
        (moved(2, "announce", "announced", "2022-06-01", "d", "web:li"), "park_life_four_eyes"),
        (moved(2, "refuse", "exited", "2022-06-01", "d", "li"), "park_life_four_eyes"),
        (moved(2, "announce", "operating", "2022-06-01", "d", "wang"), "park_life_move"),
        (moved(3, "announce", "announced", "2022-06-01", "d", "wang"), "park_life_move"),
        (moved(2, "operate", "operating", "2022-06-01", "d", "wang"), "park_life_move"),
        (moved(2, "announce", "announced", "2022-01-09", "d", "wang"), "park_life_order"),
        (moved(2, "announce", "announced", "2022-06-01", " ", "wang"), "park_life_document_check"),
        ("update park_life set document = 'x'".to_owned(), "park_life_append_only"),
        ("delete from park_life".to_owned(), "park_life_append_only"),
        ("truncate park_life".to_owned(), "park_life_append_only"),
    ] {
        let error = sqlx::query(AssertSqlSafe(statement.as_str())).execute(&town.database.pool).await.unwrap_err();
        assert_eq!(error.into_database_error().unwrap().constraint(), Some(name), "{statement}");
    }
    let taken = moved(2, "announce", "announced", "2022-06-01", "d", "wang");
    sqlx::query(AssertSqlSafe(taken)).execute(&town.database.pool).await.unwrap();
}

#[tokio::test]
async fn of_two_officers_who_decide_at_once_one_is_heard() {
    let town: Town = four_parks().await;
    done(&town, "li", &["park", "apply", "P1", "--on", "2022-01-10", "--document", "一号"]);
    let decide = |officer: &str, act: &str| {
        let mut command = town.command();
        command.env("LANDCYCLE_TEST_OFFICER", officer).args(["--json", "park", act, "P1", "--document", "二号"]);
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap()
    };
    let (mut one, mut other) = (decide("wang", "announce"), decide("zhao", "refuse"));
    let mut ended = [one.wait().unwrap().code(), other.wait().unwrap().code()];
    ended.sort_unstable();
    assert_eq!(ended, [Some(0), Some(1)]);
    assert_eq!(town.value::<i64>("select count(*) from park_life").await, 2);
}
