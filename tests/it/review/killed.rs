//! A run that was killed leaves nothing behind, and the same command finishes it.

use super::{receipts, review, small_register};
use crate::support::Ended;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_review_killed_at_any_moment_leaves_no_half_of_a_run_and_is_finished_by_the_same_command() {
    let (town, other) = (small_register(false).await, small_register(false).await);
    let started = std::time::Instant::now();
    review(&other, "out", "2");
    let whole = started.elapsed();
    let mut stopped = 0;
    for part in 1..=12u32 {
        let mut child = town
            .command()
            .args(["review", "run", "--as-of", "2026-06-30", "--out", "out"])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        tokio::time::sleep(whole * part / 12).await;
        stopped += u32::from(child.try_wait().unwrap().is_none());
        // SIGKILL: nothing is tidied up.
        child.kill().unwrap();
        child.wait().unwrap();
        // What the server had in hand for the dead process ends before it is looked at.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let (runs, kept): (i64, i64) =
            sqlx::query_as("select (select count(*) from review_run), (select count(*) from review_result)")
                .fetch_one(&town.database.pool)
                .await
                .unwrap();
        assert!((runs, kept) == (0, 0) || (runs, kept) == (1, 60), "{runs} runs with {kept} results");
    }
    assert!(stopped >= 8, "only {stopped} of 12 were stopped while at work");
    let finished = review(&town, "out", "2");
    assert_eq!(finished["parcels"], json!(60));
    assert_eq!(town.value::<i64>("select count(*) from review_run").await, 1);
    assert!(receipts(&town).await == receipts(&other).await, "the receipts differ");
}

#[tokio::test]
async fn a_review_that_finds_no_room_to_lay_the_facts_aside_says_so_and_stores_nothing() {
    let town = small_register(false).await;
    let before = town.contents().await;
    let mut command = town.command();
    command.env("TMPDIR", town.folder().join("nowhere"));
    command.args(["review", "run", "--as-of", "2026-06-30", "--out", "out"]);
    let ended = Ended::of(&command.output().unwrap());
    assert_eq!(ended.status, Some(3), "{}", ended.said);
    for word in ["could not be laid aside in", "nowhere", "nothing was stored", "TMPDIR"] {
        assert!(ended.said.contains(word), "{word}: {}", ended.said);
    }
    assert_eq!(town.contents().await, before);
    review(&town, "out", "2");
}
