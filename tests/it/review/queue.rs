//! Who runs a review, and when: one of a kind at a time, stopped without leaving half of it, and queued for servers, of which
//! one takes what another died with.

use super::{by, done, refused, review, small_register};
use crate::support::Town;
use landcycle::clock::Clock;
use landcycle::flow::review::queue::one;
use landcycle::store::review::turn;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::time::Duration;

const RUN: [&str; 6] = ["review", "run", "--as-of", "2026-06-30", "--out", "out"];

fn jobs(town: &Town) -> Vec<Value> {
    done(town, "li", &["review", "queue"]).as_array().unwrap().clone()
}

async fn runs(town: &Town) -> i64 {
    town.value::<i64>("select count(*) from review_run").await
}

/// Waits until the question is answered with yes.
async fn until(town: &Town, question: &'static str) {
    for _ in 0..600 {
        if town.value::<bool>(question).await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never: {question}");
}

/// Somebody who writes waits for the one who has the next revision.
const WAITS: &str = "select exists (select from pg_locks l join pg_stat_activity a using (pid)
    where not l.granted and a.datname = current_database() and a.query like 'update revision_head%')";

const NOBODY_WAITS: &str = "select not exists (select from pg_stat_activity
    where datname = current_database() and query like 'update revision_head%' and state = 'active')";

#[tokio::test(flavor = "multi_thread")]
async fn one_review_of_a_kind_is_run_at_a_time_and_the_second_is_told_who_runs_it() {
    let town = small_register(false).await;
    let held = turn::take(&town.database.pool, "round", "cli:zhao").await.unwrap().unwrap();
    refused(&town, "li", &RUN, &["a round review is being run by cli:zhao since 2", "wait"]).await;
    let other = turn::take(&town.database.pool, "calendar", "cli:li").await.unwrap();
    assert!(other.is_ok(), "another kind is not held up");
    held.end().await.unwrap();
    assert_eq!(review(&town, "out", "2")["repeated"], json!(false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_told_to_stop_leaves_no_half_of_a_run_and_no_folder() {
    let town = small_register(false).await;
    for signal in ["-TERM", "-INT"] {
        let mut writer = town.database.pool.begin().await.unwrap();
        sqlx::query("select id from revision_head for update").execute(&mut *writer).await.unwrap();
        let child = town.command().args(RUN).stderr(Stdio::piped()).spawn().unwrap();
        until(&town, WAITS).await;
        let told = std::process::Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert!(told.success());
        let ended = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(1), "{signal}: {said}");
        assert!(said.contains("stopped while storing the results"), "{signal}: {said}");
        assert!(!town.folder().join("out").exists(), "{signal}");
        writer.rollback().await.unwrap();
        // What the server had in hand for the one that stopped ends before the next one begins.
        until(&town, NOBODY_WAITS).await;
    }
    assert_eq!(runs(&town).await, 0);
    assert_eq!(review(&town, "out", "2")["parcels"], json!(60));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_queued_is_run_once_whoever_comes_first() {
    let town = small_register(false).await;
    let queue = |day: &str| done(&town, "li", &["review", "run", "--as-of", day, "--queue"])["job"].clone();
    assert_eq!([queue("2026-06-30"), queue("2026-03-31"), queue("2026-06-30")], [json!(1), json!(2), json!(1)]);
    refused(&town, "li", &["review", "run", "--as-of", "2199-01-01", "--queue"], &["yet to come"]).await;
    refused(&town, "li", &["review", "run", "--as-of", "2026-06-30", "--scheme", "own.toml", "--queue"], &["own.toml"])
        .await;
    assert_eq!(by(&town, "li", &[&RUN[..], &["--queue"]].concat()).status, Some(2), "a queued run writes no lists");
    let pool = &town.database.pool;
    let clock = Clock::of_the_machine();
    for _ in 0..6 {
        let (first, second) = tokio::join!(one(pool, clock, 1), one(pool, clock, 1));
        first.unwrap();
        second.unwrap();
    }
    let ended = jobs(&town);
    let became: Vec<_> = ended.iter().map(|job| (&job["job"], &job["attempts"], &job["error"])).collect();
    assert_eq!(became, [(&json!(2), &json!(1), &Value::Null), (&json!(1), &json!(1), &Value::Null)]);
    assert!(ended.iter().all(|job| job["run"].is_i64() && job["ended_at"].is_string()), "{ended:?}");
    assert_eq!(runs(&town).await, 2);
    // Who asked for it made it.
    refused(&town, "li", &["review", "publish", "1"], &["made by li"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_cannot_be_run_says_why_and_one_that_kills_its_workers_is_given_up() {
    let town = Town::empty().await;
    done(&town, "li", &["review", "run", "--as-of", "2026-06-30", "--queue"]);
    let (pool, clock) = (&town.database.pool, Clock::of_the_machine());
    assert!(one(pool, clock, 1).await.unwrap());
    assert!(!one(pool, clock, 1).await.unwrap(), "it is over");
    assert!(jobs(&town)[0]["error"].as_str().unwrap().contains("import parcels first"));
    done(&town, "li", &["review", "run", "--as-of", "2026-06-30", "--queue"]);
    sqlx::query("update review_job set attempts = 3 where id = 2").execute(pool).await.unwrap();
    assert!(one(pool, clock, 1).await.unwrap());
    assert!(jobs(&town)[0]["error"].as_str().unwrap().contains("given up"));
}

/// A server that has begun to answer.
fn serving(town: &Town) -> Child {
    let mut child = town.command().args(["serve", "--listen", "127.0.0.1:0"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("serving on")));
    // What it says later is read, so that it never waits for a reader.
    std::thread::spawn(move || lines.for_each(drop));
    child
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_whose_server_was_killed_is_run_by_another() {
    let town = small_register(false).await;
    let mut child = serving(&town);
    let mut writer = town.database.pool.begin().await.unwrap();
    sqlx::query("select id from revision_head for update").execute(&mut *writer).await.unwrap();
    done(&town, "li", &["review", "run", "--as-of", "2026-06-30", "--queue"]);
    until(&town, WAITS).await;
    // SIGKILL: nothing is tidied up.
    child.kill().unwrap();
    child.wait().unwrap();
    writer.rollback().await.unwrap();
    until(&town, "select count(*) = 0 from pg_locks where locktype = 'advisory' and granted").await;
    assert_eq!((runs(&town).await, &jobs(&town)[0]["ended_at"]), (0, &Value::Null));
    let mut other = serving(&town);
    until(&town, "select exists (select from review_job where run_id is not null)").await;
    other.kill().unwrap();
    other.wait().unwrap();
    assert_eq!((runs(&town).await, &jobs(&town)[0]["attempts"]), (1, &json!(2)));
}
