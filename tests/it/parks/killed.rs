//! An evaluation that was killed leaves nothing behind and is finished by the same command; two at once keep one.

use super::{evaluate, four_parks, receipts};
use crate::review::done;
use crate::support::Town;
use serde_json::json;
use std::process::{Child, Stdio};
use std::time::Duration;

fn begin(town: &Town, officer: &str, arguments: &[&str]) -> Child {
    let mut command = town.command();
    command.env("LANDCYCLE_TEST_OFFICER", officer).args(arguments);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

#[tokio::test]
async fn an_evaluation_killed_at_any_moment_is_kept_whole_or_not_at_all() {
    let (town, other) = (four_parks().await, four_parks().await);
    let started = std::time::Instant::now();
    evaluate(&other, 2025);
    let whole = started.elapsed();
    let order = ["park", "evaluate", "--year", "2025", "--out", "out"];
    let mut stopped = 0;
    for part in 1..=10u32 {
        let mut child = begin(&town, "li", &order);
        tokio::time::sleep(whole * part / 10).await;
        stopped += u32::from(child.try_wait().unwrap().is_none());
        // SIGKILL: nothing is tidied up.
        child.kill().unwrap();
        child.wait().unwrap();
        // What the server had in hand for the dead process ends before it is looked at.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let counted = "select (select count(*) from park_evaluation), (select count(*) from park_result)";
        let kept: (i64, i64) = sqlx::query_as(counted).fetch_one(&town.database.pool).await.unwrap();
        assert!(kept == (0, 0) || kept == (1, 4), "{kept:?}");
    }
    assert!(stopped >= 5, "only {stopped} of 10 were stopped while at work");
    evaluate(&town, 2025);
    assert!(receipts(&town).await == receipts(&other).await, "the receipts differ");
}

#[tokio::test]
async fn a_publication_killed_at_any_moment_counts_every_year_or_none() {
    let town = four_parks().await;
    evaluate(&town, 2025);
    for wait in 1..=8u32 {
        let mut child = begin(&town, "wang", &["park", "publish", "1", "--document", "通报"]);
        tokio::time::sleep(Duration::from_millis(u64::from(wait) * 40)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        let counted = "select (select count(*) from park_step), (select count(*) from park_standing)";
        let kept: (i64, i64) = sqlx::query_as(counted).fetch_one(&town.database.pool).await.unwrap();
        assert!(kept == (0, 0) || kept == (1, 4), "{kept:?}");
        if kept == (1, 4) {
            return;
        }
    }
    let published = done(&town, "wang", &["park", "publish", "1", "--document", "通报"]);
    assert_eq!(published["notified"], json!(["P4"]));
}

#[tokio::test]
async fn two_who_evaluate_at_once_keep_one_evaluation_and_two_who_publish_count_one_year() {
    let town = four_parks().await;
    let order = ["park", "evaluate", "--year", "2025", "--out", "out"];
    let other = ["park", "evaluate", "--year", "2025", "--out", "other"];
    let mut both = [begin(&town, "li", &order), begin(&town, "li", &other)];
    assert!(both.iter_mut().all(|child| child.wait().unwrap().success()));
    assert_eq!(town.value::<i64>("select count(*) from park_evaluation").await, 1);
    let publish = ["park", "publish", "1", "--document", "通报"];
    let mut both = [begin(&town, "wang", &publish), begin(&town, "zhao", &publish)];
    let mut ended = both.each_mut().map(|child| child.wait().unwrap().code());
    ended.sort_unstable();
    assert_eq!(ended, [Some(0), Some(1)]);
    assert_eq!(town.value::<i64>("select count(*) from park_standing").await, 4);
}
