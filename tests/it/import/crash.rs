//! Imports that meet one another, and imports that are killed: all of a file or nothing of it.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use landcycle::store::write::verify_audit;

use super::reader::{lives, readers_of, until};
use crate::support::{Ended, Town, parcel};

const MANY: u32 = 1500;

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
    for one in &ended {
        let is_first = one.answer["accepted"] == 500;
        let since = if is_first { serde_json::Value::Null } else { 2.into() };
        assert_eq!(one.answer["unchanged_since"], since, "the others say that it is there, and since when: {one:?}");
    }
    let said = town.command().args(["import", "parcels"]).arg(&file).output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.contains("had these files already, since revision 2"), "{said}");
    assert_eq!(town.value::<i64>("select count(*) from revision").await, 2);
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

/// What of the register an import could leave half-done: rows, keys, and the trail of writes.
async fn seen(town: &Town) -> (Vec<(String, i64)>, i64, i64) {
    let pool = &town.database.pool;
    let uses = "select land_use, count(*) from parcel_version where upper_inf(recorded) group by 1";
    let uses: Vec<(String, i64)> = sqlx::query_as(uses).fetch_all(pool).await.unwrap();
    let parcels: i64 = town.value("select count(*) from parcel").await;
    let revisions: i64 = town.value("select id from revision_head").await;
    let entries = verify_audit(pool).await.unwrap().unwrap();
    assert_eq!(revisions, i64::try_from(entries).unwrap(), "a revision without its entry, or the other way round");
    (uses, parcels, revisions)
}

#[tokio::test]
async fn an_import_killed_fifty_times_at_random_moments_leaves_all_or_nothing_and_the_next_one_works() {
    // The first half is killed on its way into a register without parcels, which is filled in another way than one that has
    // some (`store/fill.rs`), the second half on its way into one that has them.
    const HALF: u32 = 25;
    let (files_of, mut town) = (Town::empty().await, Town::empty().await);
    // Two states of the same parcels, so that an import that came to its end is followed by one with work to do.
    let files = ["M1", "M4"].map(|land_use| {
        let mut parcels: Vec<_> = (0..MANY).map(parcel).collect();
        parcels.iter_mut().for_each(|parcel| parcel["properties"]["land_use"] = land_use.into());
        files_of.geojson(land_use, &parcels)
    });
    let spawn = |town: &Town, file: &std::path::Path| {
        let mut command = town.command();
        command.args(["--json", "import", "parcels"]).arg(file);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let all = i64::from(MANY);
    let (mut imported, mut killed, mut refused) = (0_usize, [0; 2], [0; 2]);
    let mut whole = Duration::from_secs(1);
    for round in 0..2 * HALF {
        if round < HALF && imported > 0 {
            (town, imported) = (Town::empty().await, 0);
        }
        if round == HALF {
            if imported == 0 {
                assert_eq!(town.tally("parcels", &files[0]), [u64::from(MANY), u64::from(MANY), 0, 0]);
                imported = 1;
            }
            whole = Duration::from_secs(1);
        }
        let half = usize::from(round >= HALF);
        let started = Instant::now();
        let mut running = spawn(&town, &files[imported % 2]);
        // The fractions of the golden ratio's multiples fall everywhere, and nowhere twice.
        std::thread::sleep(whole.mul_f64((f64::from(round) * 0.618_034).fract() * 1.1));
        // Every third time only the process that reads is killed: it lives for a part of the time alone, so the next
        // import whose reader is there is waited for.
        let alone = round % 3 == 2;
        if alone && readers_of(running.id()).is_empty() {
            running.kill().unwrap();
            running.wait().unwrap();
            settle(&town).await;
            // The first revision recorded the rules.
            imported = usize::try_from(seen(&town).await.2 - 1).unwrap();
            if round < HALF && imported > 0 {
                (town, imported) = (Town::empty().await, 0);
            }
            running = spawn(&town, &files[imported % 2]);
            until("its reader is there", || {
                !readers_of(running.id()).is_empty() || running.try_wait().unwrap().is_some()
            });
        }
        let readers = readers_of(running.id());
        match readers.first().filter(|_| alone) {
            Some(reader) => {
                // It may have come to its end meanwhile.
                let _ = Command::new("kill").args(["-9", &reader.to_string()]).stderr(Stdio::null()).status().unwrap();
            }
            None => running.kill().unwrap(),
        }
        let status = running.wait().unwrap();
        until("its reader is gone", || readers.iter().all(|pid| !lives(*pid)));
        settle(&town).await;
        let found = seen(&town).await;
        let land_use = |imported: usize| ["M1", "M4"][(imported + 1) % 2].to_owned();
        let state = |imported: usize| match i64::try_from(imported).unwrap() {
            0 => (Vec::new(), 0, 1),
            imports => (vec![(land_use(imported), all)], all, imports + 1),
        };
        if found == state(imported + 1) {
            imported += 1;
            whole = whole.min(started.elapsed());
        } else {
            assert_eq!(found, state(imported), "round {round}");
            assert!(!status.success(), "round {round}: said to be done, and nothing was stored");
            killed[half] += u32::from(status.code().is_none());
            refused[half] += u32::from(status.code() == Some(1));
        }
    }
    eprintln!("killed {killed:?} imports into an empty register and one with parcels, {refused:?} lost their reader");
    for half in 0..2 {
        assert!(killed[half] >= 5 && refused[half] >= 2, "killed {killed:?}, lost their reader {refused:?}");
    }
    let tally = town.tally("parcels", &files[imported % 2]);
    assert_eq!(tally, [u64::from(MANY), u64::from(MANY), 0, 0]);
    assert_eq!(town.tally("parcels", &files[imported % 2]), [u64::from(MANY), 0, u64::from(MANY), 0]);
}
