//! The command line's promises to scripts: exit statuses, streams, and silence about secrets.

use std::{io::Read as _, process::Stdio};

use crate::support::{Home, landcycle};

#[test]
fn wrong_usage_ends_with_status_two() {
    for arguments in
        [&["no-such-verb"][..], &["db"], &["db", "start", "--schema", "Public;"], &["doctor", "--log", "a=b=c"]]
    {
        let ended = landcycle().args(arguments).output().unwrap();
        assert_eq!(ended.status.code(), Some(2), "{arguments:?}: {}", String::from_utf8_lossy(&ended.stderr));
        assert!(ended.stdout.is_empty() && !ended.stderr.is_empty());
    }
}

#[test]
fn a_wrong_key_in_the_settings_file_is_wrong_usage_and_named() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("landcycle.toml"), "hoem = \"/srv/land\"\n").unwrap();
    let ended = landcycle().args(["db", "status"]).current_dir(directory.path()).output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(2), "{said}");
    assert!(said.contains("landcycle.toml:1") && said.contains("hoem"), "{said}");
}

#[test]
fn a_flag_beats_a_variable_and_a_variable_beats_the_file() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("landcycle.toml"), "home = \"from-file\"\n").unwrap();
    let home = |flag: Option<&str>, variable: Option<&str>| {
        let mut command = landcycle();
        command.args(["db", "status", "--json"]).current_dir(directory.path()).env_remove("LANDCYCLE_HOME");
        command.args(flag.iter().flat_map(|home| ["--home", home])).envs(variable.map(|home| ("LANDCYCLE_HOME", home)));
        let answer: serde_json::Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
        answer["home"].as_str().unwrap().to_owned()
    };
    assert_eq!(home(None, None), "from-file");
    assert_eq!(home(None, Some("from-variable")), "from-variable");
    assert_eq!(home(Some("from-flag"), Some("from-variable")), "from-flag");
}

#[test]
fn a_reader_who_goes_away_is_no_failure() {
    let home = Home::empty();
    let mut command = landcycle();
    command.args(["db", "status"]).env("LANDCYCLE_HOME", home.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = command.spawn().unwrap();
    drop(running.stdout.take());
    let mut said = String::new();
    running.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((running.wait().unwrap().code(), said.as_str()), (Some(0), ""));
}

#[test]
fn a_password_in_the_database_address_is_never_shown() {
    let mut command = landcycle();
    command.args(["doctor", "--log", "trace"]).env("DATABASE_URL", "postgresql://me:swordfish@127.0.0.1:1/city");
    let ended = command.output().unwrap();
    assert_eq!(ended.status.code(), Some(3));
    let said = [ended.stdout, ended.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    assert!(said.contains("BAD") && !said.contains("swordfish"), "{said}");
}

#[test]
fn the_doctor_finds_this_machine_fit() {
    let home = Home::empty();
    let ended = landcycle().args(["doctor", "--json"]).env("LANDCYCLE_HOME", home.path()).output().unwrap();
    let checks: Vec<serde_json::Value> = serde_json::from_slice(&ended.stdout).unwrap();
    for what in ["PostgreSQL, PostGIS", "private database", "home", "PROJ"] {
        let found = checks.iter().find(|check| check["what"] == what).unwrap();
        assert_eq!(found["verdict"], "good", "{found}");
    }
    assert!(!home.path().exists(), "looking must change nothing");
}
