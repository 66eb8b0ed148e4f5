//! Every hostile file through the built binary, one import after the other into one register: a clear refusal or an
//! honest receipt, in bounded time, and nothing that stays behind.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    time::{Duration, Instant},
};

use landcycle::store::write::verify_audit;
use serde_json::Value;

use crate::{
    exchange::{acceptance, files_under},
    support::{Ended, Town},
};

/// A field map for each kind that needs no column of the file, so that its rows are met and not only its header.
const MAPS: [(&str, &str); 2] = [
    ("parcels", "[fields]\nparcel_code = { template = \"P{file}-{fid}\" }\nland_use = { constant = \"M1\" }\n"),
    ("enterprises", "[fields]\nenterprise_code = { template = \"E{file}-{row}\" }\nname = { constant = \"x\" }\n"),
];

fn tried(town: &Town, folder: &Path, kind: &str, file: &Path, flags: &[&str]) -> String {
    let started = Instant::now();
    let mut command = town.command();
    command.args(["--json", "import", kind]).arg(file).args(flags).env("TMPDIR", folder);
    let ended = Ended::of(&command.output().unwrap());
    let name = file.display();
    assert!(started.elapsed() < Duration::from_secs(30), "{name}: {:?}", started.elapsed());
    match ended.status {
        Some(0) => {
            ended.tally();
            "read".to_owned()
        }
        Some(1) => {
            let findings = ended.answer["findings"].as_array().unwrap();
            let first = findings.iter().find(|finding| finding["severity"] == "error");
            let first = first.unwrap_or_else(|| panic!("{name}: refused without a finding: {ended:?}"));
            assert!(first["facts"]["expected"].is_string() && first["file"].is_string(), "{name}: {first}");
            first["code"].as_str().unwrap().to_owned()
        }
        _ => panic!("{name}: {ended:?}"),
    }
}

#[tokio::test]
async fn every_hostile_file_is_refused_or_received_by_the_program_and_nothing_is_left_behind() {
    let Some(folder) = acceptance() else { return };
    let town = Town::empty().await;
    let temporary = tempfile::tempdir().unwrap();
    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    let files = files_under(&folder.join("hostile"));
    assert!(files.len() >= 230, "{}", files.len());
    for (index, file) in files.iter().enumerate() {
        let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_lowercase();
        // A table is met as enterprises, a file with shapes as parcels; what is neither, by its name.
        let is_table = ["csv", "tsv", "txt", "xlsx", "dbf", "csvt"].contains(&ending.as_str());
        let (kind, map) = MAPS[usize::from(is_table)];
        // Keys of its own, so that no file changes what another has brought.
        town.file("map.toml", map.replace("{file}", &index.to_string()));
        for flags in [&["--map", "map.toml"][..], &["--map", "map.toml", "--crs", "EPSG:4490"]] {
            let outcome = tried(&town, temporary.path(), kind, file, flags);
            let again = outcome == "missing-crs";
            *outcomes.entry(outcome).or_default() += 1;
            if !again {
                break;
            }
        }
    }
    for code in ["read", "reader-crashed", "truncated-file", "missing-file", "unknown-format", "empty-file"] {
        assert!(outcomes.contains_key(code), "{code} not in {outcomes:?}");
    }
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0, "nothing unpacked is left");
    let left = fs::read_dir("/proc").unwrap().flatten().filter(|process| {
        let read = |name: &str| fs::read(process.path().join(name)).unwrap_or_default();
        let folder = temporary.path().to_str().unwrap();
        read("cmdline").ends_with(b"read-files\0") && String::from_utf8_lossy(&read("environ")).contains(folder)
    });
    assert_eq!(left.count(), 0, "no reader is left");
    let staged = "select (select count(*) from stage_parcel) + (select count(*) from stage_enterprise)";
    assert_eq!(town.value::<i64>(staged).await, 0, "no row waits for anything");
    let revisions: i64 = town.value("select count(*) from revision").await;
    assert_eq!(verify_audit(&town.database.pool).await.unwrap(), Ok(u64::try_from(revisions).unwrap()));
    let entries: Vec<String> =
        town.values("select entry from audit_entry where entry::jsonb ->> 'act' ~ '^import'").await;
    let accepted: i64 = entries
        .iter()
        .map(|entry| serde_json::from_str::<Value>(entry).unwrap()["facts"]["accepted"].as_i64().unwrap())
        .sum();
    let stored: i64 =
        town.value("select (select count(*) from parcel_version) + (select count(*) from enterprise)").await;
    assert_eq!(stored, accepted, "as many rows are stored as the receipts say");
}
