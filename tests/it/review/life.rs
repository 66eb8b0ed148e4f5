//! The life of a run from draft to final, and what the database has against every other order.

use super::{by, done, refused, review, small_register};
use crate::support::Town;
use landcycle::domain::review::life::MOVES;
use serde_json::{Value, json};

/// A register with a run that li made.
async fn drafted() -> Town {
    let town = small_register(false).await;
    done(&town, "li", &["review", "run", "--as-of", "2026-06-30", "--out", "out"]);
    town
}

/// The same with a second run, made after every tenth enterprise paid more tax.
async fn followed() -> Town {
    let town = drafted().await;
    let sql = "update annual_return set tax_wan_yuan = tax_wan_yuan + 20000 where enterprise like 'E1_'";
    sqlx::query(sql).execute(&town.database.pool).await.unwrap();
    done(&town, "li", &["review", "run", "--as-of", "2026-06-30", "--out", "second"]);
    town
}

async fn constraint(town: &Town, statement: &'static str) -> String {
    let error = sqlx::query(statement).execute(&town.database.pool).await.unwrap_err().into_database_error().unwrap();
    error.constraint().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn the_table_of_moves_is_the_same_in_the_program_and_in_the_database() {
    let town = Town::empty().await;
    let mut kept: Vec<String> = town.values("select concat_ws(' ', from_state, deed, to_state) from review_move").await;
    let mut told: Vec<String> = MOVES.iter().map(|(from, deed, to)| format!("{from} {deed} {to}")).collect();
    kept.sort();
    told.sort();
    assert_eq!(kept, told);
}

#[tokio::test]
async fn a_run_that_follows_a_published_one_is_compared_before_it_is_published() {
    let town = followed().await;
    assert_eq!(done(&town, "wang", &["review", "publish", "1"])["to"], "published");
    refused(&town, "wang", &["review", "publish", "2"], &["follows run 1", "review diff 1 2 --keep"]).await;
    for (old, new) in [("2", "2"), ("2", "1")] {
        refused(&town, "wang", &["review", "diff", old, new, "--keep"], &["run"]).await;
    }
    let before = town.contents().await;
    assert_eq!(done(&town, "li", &["review", "diff", "1", "2"])["kept_in"], Value::Null);
    assert_eq!(town.contents().await, before, "looking keeps nothing");
    let compared = done(&town, "li", &["review", "diff", "1", "2", "--keep"]);
    assert!(!compared["moves"].as_array().unwrap().is_empty() && compared["kept_in"].is_i64(), "{compared}");
    let shown = done(&town, "li", &["review", "show", "2"]);
    let step = &shown["steps"][0];
    assert_eq!(
        (&shown["state"], &step["deed"], &step["with_run"], &step["by"]),
        (&json!("compared"), &json!("compare"), &json!(1), &json!("cli:li"))
    );
    refused(&town, "li", &["review", "publish", "2"], &["made by li", "second person"]).await;
    assert_eq!(done(&town, "wang", &["review", "publish", "2"])["from"], "compared");
    refused(&town, "wang", &["review", "diff", "1", "2", "--keep"], &["run 2 is published", "notice"]).await;
}

#[tokio::test]
async fn a_run_that_was_cancelled_is_shown_nowhere_and_may_be_made_anew() {
    let town = drafted().await;
    refused(&town, "li", &["review", "cancel", "1", "--reason", " "], &["--reason"]).await;
    refused(&town, "li", &["review", "cancel", "7", "--reason", "x"], &["no review run 7"]).await;
    assert_eq!(done(&town, "li", &["review", "cancel", "1", "--reason", "wrong returns"])["to"], "cancelled");
    refused(&town, "wang", &["review", "publish", "1"], &["run 1 is cancelled", "by cli:li", "nothing follows"]).await;
    let code = crate::support::parcel_code(7);
    assert_eq!(town.run(&["dossier", &code]).answer["review"], Value::Null);
    let export = ["export", "review-results", "--format", "csv", "--out", "results.csv"];
    assert_eq!(town.run(&export).status, Some(1), "no run is left to export");
    let again = review(&town, "again", "2");
    assert_eq!((&again["run"], &again["repeated"]), (&json!(2), &json!(false)));
    assert_eq!(review(&town, "once-more", "2")["repeated"], json!(true));
    assert_eq!(town.run(&["dossier", &code]).answer["review"]["run_id"], json!(2));
    let states: Vec<Value> =
        town.run(&["review", "list"]).answer.as_array().unwrap().iter().map(|run| run["state"].clone()).collect();
    assert_eq!(states, ["draft", "cancelled"]);
    // What is published is not given up.
    done(&town, "wang", &["review", "publish", "2"]);
    refused(&town, "wang", &["review", "cancel", "2", "--reason", "late"], &["run 2 is published"]).await;
}

#[tokio::test]
async fn the_database_refuses_every_step_out_of_turn() {
    let town = followed().await;
    let step = |rest: &'static str| -> &'static str {
        let columns = "run_id, number, deed, to_state, on_date, with_run, notice_until, document, actor";
        let sql = format!("insert into review_step ({columns}, recorded_at, revision) select {rest}, now(), 1");
        Box::leak(sql.into_boxed_str())
    };
    let publish = "1, 1, 'publish', 'published', date '2026-07-01', null::bigint, null::date, null";
    for (rest, name) in [
        (format!("{publish}, 'web:li'"), "review_step_four_eyes"),
        (publish.replace("1, 1,", "1, 2,") + ", 'wang'", "review_step_move"),
        (publish.replace("'published'", "'final'") + ", 'wang'", "review_step_move"),
        (publish.replace("'publish', 'published'", "'finalise', 'final'") + ", 'wang'", "review_step_move"),
        ("2, 1, 'compare', 'compared', date '2026-07-01', 2, null::date, null, 'li'".into(), "review_step_check"),
        (
            "2, 1, 'compare', 'compared', date '2026-07-01', null::bigint, null::date, null, 'li'".into(),
            "review_step_compare",
        ),
    ] {
        assert_eq!(constraint(&town, step(Box::leak(rest.clone().into_boxed_str()))).await, name, "{rest}");
    }
    done(&town, "wang", &["review", "publish", "1"]);
    let second = "2, 1, 'publish', 'published', date '2026-07-01', null::bigint, null::date, null, 'wang'";
    assert_eq!(constraint(&town, step(second)).await, "review_step_compared");
    for (statement, name) in [
        ("delete from review_step", "review_step_append_only"),
        ("update review_step set on_date = on_date", "review_step_append_only"),
        ("truncate review_step", "review_step_append_only"),
    ] {
        assert_eq!(constraint(&town, statement).await, name, "{statement}");
    }
    let twice = by(&town, "wang", &["review", "publish", "1"]);
    assert!(twice.status == Some(1) && twice.said.contains("published by cli:wang already"), "{}", twice.said);
}

#[tokio::test]
async fn what_was_published_before_runs_had_steps_stays_published() {
    let town = Town::empty().await;
    let schema = "city_000002";
    sqlx::raw_sql("create schema city_000002").execute(&town.database.pool).await.unwrap();
    let pool = landcycle::store::connect(&town.database.url, schema).await.unwrap();
    let before = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations")).unwrap() {
        let entry = entry.unwrap();
        if &*entry.file_name().to_string_lossy() < "20261123030900" {
            std::fs::copy(entry.path(), before.path().join(entry.file_name())).unwrap();
        }
    }
    sqlx::migrate::Migrator::new(before.path()).await.unwrap().run(&pool).await.unwrap();
    let filled = "insert into revision (id, recorded_at, actor, act) values
            (1, '2026-01-01 00:00+00', 'cli:li', 'review-run'), (2, '2026-01-02 20:00+00', 'cli:wang', 'review-publish');
        insert into review_scheme values (repeat('a', 64), 'demo-1', '示例', 'demo', 'text');
        insert into review_run (kind, as_of, window_years, scheme, facts_hash, state, revision)
            values ('round', '2025-12-31', 3, repeat('a', 64), repeat('b', 64), 'draft', 1);
        insert into review_publication values (1, 'cli:wang', '2026-01-02 20:00+00', 2)";
    sqlx::raw_sql(filled).execute(&pool).await.unwrap();
    landcycle::store::migrate(&pool, schema).await.unwrap();
    let told: String = sqlx::query_scalar(
        "select concat_ws(' ', review_state(run_id), number, deed, on_date, actor, revision) from review_step",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(told, "published 1 publish 2026-01-03 cli:wang 2", "in Shanghai it was the next day");
    pool.close().await;
}
