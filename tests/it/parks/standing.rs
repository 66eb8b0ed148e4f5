//! One notification, twice delisted: what publishing a year counts, and what the database has against every other order.

use super::{evaluate, four_parks};
use crate::review::{done, refused};
use crate::support::Town;
use landcycle::domain::park_evaluation::standing::STANDING_MOVES;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

/// Evaluates a year as li and publishes it as wang.
fn publish(town: &Town, year: i32) -> Value {
    let number = evaluate(town, year)["evaluation"].to_string();
    done(town, "wang", &["park", "publish", &number, "--document", &format!("园区通报〔{}〕1号", year + 1)])
}

/// Where park P4 stands.
fn stands(town: &Town) -> Value {
    done(town, "li", &["park", "standing", "P4"])["standings"].clone()
}

#[tokio::test]
async fn the_first_failed_year_is_notified_the_second_delists_and_an_announcement_begins_anew() {
    let town = four_parks().await;
    let first = publish(&town, 2022);
    assert_eq!((&first["notified"], &first["delisted"]), (&json!(["P4"]), &json!([])));
    assert_eq!((&stands(&town)[0]["standing"], &stands(&town)[0]["failed_year"]), (&json!("notified"), &json!(2022)));
    let second = publish(&town, 2023);
    assert_eq!((&second["notified"], &second["delisted"]), (&json!([]), &json!(["P4"])));
    let third = evaluate(&town, 2024);
    assert_eq!((&third["left_out"], &third["parks"]), (&json!(["P4"]), &json!(3)), "a delisted park is not evaluated");
    done(&town, "wang", &["park", "publish", "3", "--document", "通报"]);
    assert_eq!(stands(&town)[0]["last_year"], json!(2023));

    done(&town, "li", &["park", "apply", "P4", "--document", "一号", "--on", "2025-01-10"]);
    let announced = done(&town, "wang", &["park", "announce", "P4", "--document", "二号", "--on", "2025-03-01"]);
    assert_eq!(announced["anew"], json!(["default"]));
    assert_eq!((&stands(&town)[0]["standing"], &stands(&town)[0]["evaluation"]), (&json!("good"), &Value::Null));
    let fourth = publish(&town, 2025);
    assert_eq!(fourth["notified"], json!(["P4"]), "it begins with a notification again");
    let moves = done(&town, "li", &["park", "standing", "P4"])["standing_moves"].clone();
    let told: Vec<&Value> = moves.as_array().unwrap().iter().map(|one| &one["to"]).collect();
    assert_eq!(told, ["notified", "delisted", "good", "notified"]);
}

#[tokio::test]
async fn a_passed_year_clears_a_notification_and_each_scheme_counts_by_itself() {
    let town = four_parks().await;
    publish(&town, 2023);
    let better =
        "update annual_return set output_wan_yuan = 1500, tax_wan_yuan = 300, staff = 45, fixed_assets_wan_yuan = 4500,
        rd_wan_yuan = 30 where year >= 2024 and enterprise in ('E15', 'E16', 'E17', 'E18', 'E19')";
    sqlx::query(better).execute(&town.database.pool).await.unwrap();
    let cleared = publish(&town, 2024);
    assert_eq!((&cleared["cleared"], &cleared["delisted"]), (&json!(["P4"]), &json!([])));
    let own = include_str!("../../../data/park_schemes/default.toml").replacen("\"default\"", "\"district\"", 1);
    town.file("district.toml", own);
    let order = ["park", "evaluate", "--year", "2023", "--scheme", "district.toml", "--out", "out"];
    let number = done(&town, "li", &order)["evaluation"].to_string();
    done(&town, "wang", &["park", "publish", &number, "--document", "区通报"]);
    let told: Vec<String> =
        stands(&town).as_array().unwrap().iter().map(|one| format!("{} {}", one["scheme"], one["standing"])).collect();
    assert_eq!(told, ["\"default\" \"good\"", "\"district\" \"notified\""]);
}

#[tokio::test]
async fn an_evaluation_is_published_once_by_another_person_with_a_document_and_in_the_order_of_the_years() {
    let town = four_parks().await;
    evaluate(&town, 2024);
    let publish = |number: &'static str| ["park", "publish", number, "--document", "通报"];
    refused(&town, "li", &publish("1"), &["own-evaluation", "made by li", "second person"]).await;
    refused(&town, "wang", &["park", "publish", "1", "--document", " "], &["no-document", "--document"]).await;
    refused(&town, "wang", &publish("7"), &["no-such-evaluation"]).await;
    refused(&town, "li", &["park", "cancel", "1", "--reason", " "], &["no-document", "--reason"]).await;
    done(&town, "li", &["park", "cancel", "1", "--reason", "年报不全"]);
    refused(&town, "wang", &publish("1"), &["no-such-move", "evaluation 1 is cancelled", "by li"]).await;
    // What was given up may be made anew, under another number.
    let again = evaluate(&town, 2024);
    assert_eq!((&again["evaluation"], &again["repeated"]), (&json!(2), &json!(false)));
    // Two drafts of one year: one becomes the year.
    sqlx::query("update annual_return set tax_wan_yuan = tax_wan_yuan + 1 where enterprise = 'E1'")
        .execute(&town.database.pool)
        .await
        .unwrap();
    assert_eq!(evaluate(&town, 2024)["evaluation"], json!(3));
    assert_eq!(evaluate(&town, 2023)["evaluation"], json!(4));
    done(&town, "wang", &publish("3"));
    refused(&town, "wang", &publish("3"), &["no-such-move", "published", "by wang"]).await;
    for number in ["2", "4"] {
        refused(&town, "wang", &publish(number), &["already-published", "evaluation 3", "2024"]).await;
    }
    refused(&town, "li", &["park", "cancel", "3", "--reason", "late"], &["no-such-move"]).await;
    for year in ["2024", "2023"] {
        let order = ["park", "evaluate", "--year", year, "--out", "out", "--as-of", "2026-01-31"];
        refused(&town, "li", &order, &["already-published", "once a year"]).await;
    }
}

#[tokio::test]
async fn a_draft_of_a_park_that_was_delisted_since_is_not_published() {
    let town = four_parks().await;
    publish(&town, 2022);
    evaluate(&town, 2024);
    publish(&town, 2023);
    let late = ["park", "publish", "2", "--document", "通报"];
    refused(&town, "wang", &late, &["not-to-be-counted", "park P4", "delisted for 2023", "make the evaluation again"])
        .await;
    publish(&town, 2024);
}

#[tokio::test]
async fn the_tables_of_moves_are_the_same_in_the_program_and_in_the_database() {
    let town = Town::empty().await;
    let mut kept: Vec<String> =
        town.values("select concat_ws(' ', from_state, came_to, to_state) from park_standing_move").await;
    let mut told: Vec<String> = STANDING_MOVES.iter().map(|(from, came, to)| format!("{from} {came} {to}")).collect();
    kept.sort();
    told.sort();
    assert_eq!(kept, told);
}

/// The constraint that stands against statements which end together.
async fn constraint(town: &Town, statements: &str) -> String {
    let mut connection = town.database.pool.acquire().await.unwrap();
    let sql = format!("begin; {statements}; commit");
    let error = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await.unwrap_err();
    // It is in the middle of a transaction that failed.
    connection.close().await.unwrap();
    error.into_database_error().unwrap().constraint().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn the_database_refuses_to_whoever_writes_past_the_program_what_the_program_refuses() {
    let town = four_parks().await;
    publish(&town, 2022);
    evaluate(&town, 2023);
    let step = |evaluation: i64, deed: &str, actor: &str, document: &str| {
        format!(
            "insert into park_step (evaluation, deed, on_date, document, actor, recorded_at, revision)
             values ({evaluation}, '{deed}', '2026-02-01', '{document}', '{actor}', now(), 1)"
        )
    };
    let stand = |rest: &str| {
        format!(
            "insert into park_standing (park, scheme, number, came_to, to_state, year, evaluation, failed_year, again_year, revision)
             values {rest}"
        )
    };
    for (statements, name) in [
        (step(2, "publish", "web:li", "d"), "park_step_four_eyes"),
        (step(2, "publish", "wang", " "), "park_step_document_check"),
        (step(1, "publish", "wang", "d"), "park_step_one_a_year"),
        (step(1, "cancel", "wang", "d"), "park_step_pkey"),
        (step(2, "praise", "wang", "d"), "park_step_deed_check"),
        // What others commit meanwhile would not be seen.
        (
            format!("set transaction isolation level repeatable read; {}", step(2, "publish", "wang", "d")),
            "read_committed_only",
        ),
        // An empty table of one's own before the one that the guard looks at.
        (
            format!(
                "create temporary table park_step (like city_310000.park_step) on commit drop; {}",
                step(1, "publish", "wang", "d").replace("into park_step", "into city_310000.park_step")
            ),
            "park_step_one_a_year",
        ),
        // A publication that counts nobody's year.
        (step(2, "publish", "wang", "d"), "park_step_counts"),
        // A year that no published evaluation has.
        (stand("('P4', 'default', 2, 'failed', 'delisted', 2023, 2, 2022, 2023, 1)"), "park_standing_published"),
        (stand("('P1', 'default', 2, 'failed', 'notified', 2022, 1, 2022, null, 1)"), "park_standing_published"),
        // The year that was counted, once more.
        (stand("('P4', 'default', 2, 'failed', 'delisted', 2022, 1, 2021, 2022, 1)"), "park_standing_one_a_year"),
        (stand("('P4', 'default', 3, 'failed', 'delisted', 2023, 2, 2022, 2023, 1)"), "park_standing_move"),
        (stand("('P4', 'default', 2, 'failed', 'good', 2023, 2, null, null, 1)"), "park_standing_move"),
        (stand("('P4', 'default', 2, 'announced', 'good', null, null, null, null, 1)"), "park_standing_move"),
        (stand("('P4', 'default', 2, 'passed', 'good', null, null, null, null, 1)"), "park_standing_published"),
        ("update park_standing set to_state = 'good'".to_owned(), "park_standing_append_only"),
        ("delete from park_step".to_owned(), "park_step_append_only"),
        ("truncate park_result".to_owned(), "park_result_append_only"),
        (
            "insert into park_evaluation (year, as_of, scheme, facts_hash, attempt, revision)
            select year, '2022-12-30', scheme, facts_hash, 2, 1 from park_evaluation where id = 1"
                .to_owned(),
            "park_evaluation_year_is_over",
        ),
    ] {
        assert_eq!(constraint(&town, &statements).await, name, "{statements}");
    }
    publish(&town, 2023);
    let announced = stand("('P4', 'default', 3, 'announced', 'good', null, null, null, null, 1)");
    assert_eq!(constraint(&town, &announced).await, "park_standing_announced");
    let life = |number: u32, act: &str, to: &str, actor: &str| {
        format!(
            "insert into park_life (park, number, act, to_state, on_date, document, actor, recorded_at, revision)
             values ('P4', {number}, '{act}', '{to}', '2025-01-10', 'd', '{actor}', now(), 1)"
        )
    };
    let both = format!("{}; {}", life(1, "apply", "applied", "li"), life(2, "announce", "announced", "wang"));
    assert_eq!(constraint(&town, &both).await, "park_life_begins_anew", "an announcement leaves nobody delisted");
}
