//! Imports that meet one another, and imports that are killed: all of a file or nothing of it.

use std::{
    path::PathBuf,
    process::Stdio,
    time::{Duration, Instant},
};

use landcycle::store::write::verify_audit;

use crate::support::{Ended, Town, parcel};

const MANY: u32 = 20_000;

fn many(town: &Town) -> PathBuf {
    town.geojson("many", &(0..MANY).map(parcel).collect::<Vec<_>>())
}

#[tokio::test]
async fn of_two_imports_of_one_file_at_once_one_takes_all_and_the_other_finds_it_there() {
    let town = Town::empty().await;
    let file = town.geojson("some", &(0..500).map(parcel).collect::<Vec<_>>());
    let start = || {
        let mut command = town.command();
        command.args(["--json", "import", "parcels"]).arg(&file).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let running = [start(), start(), start()];
    let ended = running.map(|child| Ended::of(&child.wait_with_output().unwrap()));
    let mut tallies = ended.each_ref().map(|one| (one.status, one.tally()));
    tallies.sort_unstable();
    let (first, again) = ((Some(0), [500, 500, 0, 0]), (Some(0), [500, 0, 500, 0]));
    assert_eq!(tallies, [again, again, first]);
    assert_eq!(town.value::<i64>("select count(*) from revision").await, 1);
    assert_eq!(town.value::<i64>("select count(*) from parcel_version").await, 500);
}

/// Waits until the killed program's session is gone, so that what it did is decided.
async fn settle(town: &Town) {
    let sessions = "select count(*) from pg_stat_activity
        where datname = current_database() and application_name = 'landcycle' and pid <> pg_backend_pid()";
    let started = Instant::now();
    while town.value::<i64>(sessions).await > 0 {
        assert!(started.elapsed() < Duration::from_secs(60), "the killed import's session stays");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn an_import_killed_at_any_moment_leaves_all_or_nothing_and_the_next_one_works() {
    let town = Town::empty().await;
    let file = many(&town);
    let started = Instant::now();
    let tried = town.import("parcels", std::slice::from_ref(&file), &["--dry-run"]);
    let whole = started.elapsed();
    assert_eq!(tried.tally(), [u64::from(MANY), u64::from(MANY), 0, 0]);
    let (mut killed, mut finished) = (0, 0);
    for moment in 0..12 {
        let mut command = town.command();
        command.args(["--json", "import", "parcels"]).arg(&file).stdout(Stdio::null()).stderr(Stdio::null());
        let mut running = command.spawn().unwrap();
        // Odd moments, so that no two runs are stopped in the same step.
        std::thread::sleep(whole.mul_f64(0.05 + 0.1 * f64::from(moment) * (0.9 + 0.04 * f64::from(moment))));
        running.kill().unwrap();
        let status = running.wait().unwrap();
        settle(&town).await;
        let stored: i64 = town.value("select count(*) from parcel_version").await;
        let parcels: i64 = town.value("select count(*) from parcel").await;
        let revisions: i64 = town.value("select count(*) from revision").await;
        let head: i64 = town.value("select id from revision_head").await;
        let entries = verify_audit(&town.database.pool).await.unwrap().unwrap();
        let seen = (stored, parcels, revisions, head, entries);
        let all = i64::from(MANY);
        assert!([(0, 0, 0, 0, 0), (all, all, 1, 1, 1)].contains(&seen), "{moment}: {seen:?}");
        if status.success() || stored > 0 {
            finished += 1;
            break;
        }
        killed += 1;
    }
    eprintln!("killed {killed} imports of {MANY} parcels within {whole:?}, {finished} came to its end");
    // A machine that was busy while the first import was timed may be several times as fast afterwards.
    assert!(killed >= 3, "only {killed} imports were killed in the middle");
    let tally = town.tally("parcels", &file);
    let all = u64::from(MANY);
    assert_eq!(tally, if finished == 0 { [all, all, 0, 0] } else { [all, 0, all, 0] });
    assert_eq!(town.value::<i64>("select count(*) from parcel_version").await, i64::from(MANY));
    assert_eq!(verify_audit(&town.database.pool).await.unwrap(), Ok(1));
}
