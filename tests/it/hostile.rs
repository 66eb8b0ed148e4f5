//! The command line against devices, unwritable places, stalled clients and databases that are not there: it ends, says
//! why, and stores nothing.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    os::unix::fs::symlink,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::json;

use crate::support::{Town, landcycle, parcel};

#[tokio::test]
async fn a_device_is_no_area_no_scheme_and_no_map() {
    let town = Town::settled().await;
    let before = town.contents().await;
    symlink("/dev/zero", town.folder().join("zero.toml")).unwrap();
    town.file("more.csv", "enterprise_code,name\nE2,二号厂\n");
    for arguments in [
        &["query", "--area", "/dev/zero"][..],
        &["query", "--area", "."],
        &["review", "run", "--as-of", "2026-06-30", "--scheme", "zero.toml"],
        &["import", "enterprises", "more.csv", "--map", "zero.toml"],
    ] {
        let ended = town.run(arguments);
        assert_eq!(ended.status, Some(1), "{arguments:?}: {}", ended.said);
        assert!(ended.said.contains("no regular file"), "{arguments:?}: {}", ended.said);
    }
    assert_eq!(town.contents().await, before);
    assert!(!town.folder().join("out").exists(), "a refused run leaves no folder");
}

#[tokio::test]
async fn a_receipt_that_cannot_be_written_is_told_before_anything_is_stored() {
    let town = Town::settled().await;
    let before = town.contents().await;
    let file = town.file("more.csv", "enterprise_code,name\nE2,二号厂\n");
    let ended = town.import("enterprises", std::slice::from_ref(&file), &["--receipt", "nowhere/receipt.json"]);
    assert_eq!(ended.status, Some(3), "{}", ended.said);
    assert!(ended.said.contains("nowhere/receipt.json"), "{}", ended.said);
    assert_eq!(town.contents().await, before);

    let kept = town.file("receipt.json", vec![b' '; 100_000]);
    let ended = town.import("enterprises", &[file], &["--receipt", "receipt.json"]);
    assert_eq!(ended.status, Some(0), "{}", ended.said);
    let receipt: serde_json::Value = serde_json::from_slice(&fs::read(kept).unwrap()).unwrap();
    assert_eq!(receipt, ended.answer, "a longer old receipt leaves nothing behind the new one");
    let ended = town.import("enterprises", &["a.csv".into()], &["--map", "none.toml", "--receipt", "new.json"]);
    assert_ne!(ended.status, Some(0));
    let left = fs::metadata(town.folder().join("new.json")).map(|found| found.len());
    assert!(left.is_err() || left.is_ok_and(|bytes| bytes > 0), "no empty receipt is left");
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_told_before_the_run_is_stored() {
    let town = Town::settled().await;
    let before = town.contents().await;
    town.file("taken", "");
    let ended = town.run(&["review", "run", "--as-of", "2026-06-30", "--out", "taken"]);
    assert_eq!(ended.status, Some(3), "{}", ended.said);
    assert!(ended.said.contains("taken"), "{}", ended.said);
    assert_eq!(town.contents().await, before);
}

#[tokio::test]
async fn a_run_counts_what_its_scheme_leaves_out_and_shows_its_grades_by_name() {
    let town = Town::settled().await;
    let mut dwelling = parcel(4);
    dwelling["properties"]["land_use"] = json!("R2");
    town.takes("parcels", &town.geojson("more", &[dwelling]));
    let ended = town.run(&["review", "run", "--as-of", "2026-06-30"]);
    assert_eq!((ended.status, &ended.answer["out_of_scope"]), (Some(0), &json!(1)), "{ended:?}");
    let run = ended.answer["run"].to_string();
    let shown = town.run(&["review", "show", &run]).answer;
    let counts = shown["found"].as_array().unwrap();
    assert!(counts.iter().all(|one| one["grade"].is_string() && one.get("list").is_some()), "{shown}");
    let parcels: u64 = counts.iter().map(|one| one["parcels"].as_u64().unwrap()).sum();
    assert_eq!(json!(parcels), ended.answer["parcels"]);
    let said = town.command().args(["review", "run", "--as-of", "2026-06-30"]).output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.contains("1 parcels of the register are out of the scheme's scope"), "{said}");
}

#[tokio::test]
async fn a_client_with_half_a_request_does_not_keep_the_service_from_ending() {
    let town = Town::settled().await;
    let mut command = town.command();
    let mut serving = command.args(["serve", "--listen", "127.0.0.1:0"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(serving.stderr.take().unwrap()).lines();
    let address = lines.find_map(|line| {
        let line = line.unwrap();
        let (_, rest) = line.split_once("http://")?;
        Some(rest.split(',').next()?.to_owned())
    });
    let mut client = TcpStream::connect(address.unwrap()).unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nHost: ").unwrap();
    std::thread::sleep(Duration::from_millis(300));
    let told = Instant::now();
    assert!(Command::new("kill").arg(serving.id().to_string()).status().unwrap().success());
    while serving.try_wait().unwrap().is_none() && told.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(50));
    }
    let took = told.elapsed();
    // Ends it where the promise is broken; nothing to do where it is kept.
    let _ = serving.kill();
    assert_eq!(serving.wait().unwrap().code(), Some(0));
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[test]
fn a_database_that_is_not_there_is_named_with_the_cause() {
    let mut command = landcycle();
    command.args(["query"]).env("DATABASE_URL", "postgresql://me:swordfish@127.0.0.1:1/city");
    let ended = command.output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(3), "{said}");
    for words in ["127.0.0.1:1", "onnection refused", "landcycle doctor"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(!said.contains("swordfish") && !said.contains("db status"), "{said}");
}

#[test]
fn a_home_that_cannot_be_made_is_told_with_its_full_path_and_how_to_choose_another() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let mut command = landcycle();
    command.args(["db", "start"]).current_dir(folder.path()).env("LANDCYCLE_HOME", "file/.landcycle");
    let ended = command.output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(3), "{said}");
    let full = folder.path().join("file/.landcycle");
    assert!(said.contains(full.to_str().unwrap()) && said.contains("LANDCYCLE_HOME"), "{said}");
}

#[test]
fn a_name_to_listen_on_is_refused_with_an_address_that_would_do() {
    let ended = landcycle().args(["serve", "--listen", "localhost:8080"]).output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(2), "{said}");
    assert!(said.contains("numeric address") && said.contains("127.0.0.1:8080"), "{said}");
}

#[tokio::test]
async fn a_made_up_city_that_someone_wrote_to_by_hand_is_kept_and_told_as_such() {
    let town = Town::empty().await;
    for (out, seed) in [("one", "1"), ("two", "2")] {
        let made = town.run(&["demo", "generate", "--out", out, "--parcels", "120", "--seed", seed]);
        assert_eq!(made.status, Some(0), "{}", made.said);
    }
    assert_eq!(town.run(&["demo", "load", "one"]).status, Some(0));
    town.takes("enterprises", &town.file("own.csv", "enterprise_code,name\nE1,一号厂\n"));
    let before = town.contents().await;
    let ended = town.run(&["demo", "load", "two"]);
    assert_eq!(ended.status, Some(1), "{}", ended.said);
    assert!(ended.said.contains("written to by others than the demo"), "{}", ended.said);
    assert_eq!(town.contents().await, before);
}
