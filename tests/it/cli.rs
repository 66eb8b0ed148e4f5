//! The command line's promises to scripts: exit statuses, streams, and silence about secrets.

use std::{io::Read as _, process::Stdio};

use serde_json::{Value, json};

use landcycle::domain::dictionary::What;
use landcycle::domain::intake::Kind;

use crate::support::{Home, Town, landcycle, parcel_code};

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
    for what in ["PostgreSQL, PostGIS", "private database", "home", "GDAL", "PROJ"] {
        let found = checks.iter().find(|check| check["what"] == what).unwrap();
        assert_eq!(found["verdict"], "good", "{found}");
    }
    assert!(!home.path().exists(), "looking must change nothing");
}

#[tokio::test]
async fn where_a_document_is_asked_for_every_way_to_fail_prints_one() {
    let town = Town::settled().await;
    let (code, other) = (parcel_code(1), parcel_code(9));
    let paper = ["--document", "x", "--on", "2025-07-01"];
    let retire = [&["lineage", "retire", &other][..], &paper].concat();
    for (arguments, status, error) in [
        (&["no-such-verb"][..], 2, "usage"),
        (&["import", "parcels"], 2, "usage"),
        (&["import", "parcels", "nowhere.csv"], 1, ""),
        (&["export", "parcels", "--format", "gpkg", "--out", "p.csv"], 2, "usage"),
        (&["export", "parcels", "--format", "csv", "--out", "p.csv", "--filter", "nothing = 1"], 1, "refused"),
        (&["query", "--bbox", "east"], 2, "usage"),
        (&["query", "--bbox", "121.6,31,121.5,32"], 2, "usage"),
        (&["query", "--area", "nowhere.geojson"], 1, "refused"),
        (&["check", "--only", "nothing"], 2, "usage"),
        (&["dossier", "GB1"], 2, "usage"),
        (&["dossier", &other], 1, "refused"),
        (&["lineage", "show", "GB1"], 2, "usage"),
        (&["lineage", "show", &other], 1, "refused"),
        (&["lineage", "at", "121.5"], 2, "usage"),
        (&retire, 1, ""),
        (&["lineage", "retire", "GB1", "--document", "x", "--on", "2025-07-01"], 2, "usage"),
        (&["lifecycle", "show", "GB1"], 2, "usage"),
        (&["lifecycle", "show", &other], 1, "refused"),
        (&["lifecycle", "move", &code, "start", "--document", "x"], 1, "refused"),
        (&["review", "show", "99"], 1, "refused"),
        (&["demo", "load", "nowhere"], 1, "refused"),
        (&["demo", "generate", "--out", "city", "--parcels", "1"], 2, "usage"),
    ] {
        let output = town.command().arg("--json").args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        let document: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {}", String::from_utf8_lossy(&output.stdout)));
        if error.is_empty() {
            // A receipt or a plan says more, and is the one document.
            assert!(
                document["findings"].as_array().is_some_and(|found| !found.is_empty()),
                "{arguments:?}: {document}"
            );
        } else {
            assert_eq!(document["error"], json!(error), "{arguments:?}: {document}");
            assert!(document["message"].as_str().is_some_and(|said| !said.is_empty()), "{arguments:?}: {document}");
        }
    }
    let help = landcycle().args(["--help", "--json"]).output().unwrap();
    assert!(help.status.success() && help.stdout.starts_with(b"The life cycle"));
}

#[test]
fn help_lists_commands_in_the_order_of_the_work_and_the_flags_of_all_of_them_last() {
    let help = landcycle().arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let verbs: Vec<&str> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let place = |verb: &str| verbs.iter().position(|one| *one == verb).unwrap();
    let order = [
        "db", "doctor", "migrate", "demo", "import", "export", "check", "query", "dossier", "lineage", "review",
        "serve",
    ];
    assert!(order.windows(2).all(|two| place(two[0]) < place(two[1])), "{verbs:?}");
    let of_one = landcycle().args(["query", "--help"]).output().unwrap();
    let of_one = String::from_utf8(of_one.stdout).unwrap();
    let (own, all) = of_one.split_once("Of every command:").unwrap();
    assert!(own.contains("--bbox") && own.contains("--limit") && !own.contains("--schema"), "{of_one}");
    assert!(all.contains("--home") && all.contains("--json") && !all.contains("--bbox"), "{of_one}");
}

#[tokio::test]
async fn a_day_of_which_no_register_can_speak_is_wrong_usage_wherever_a_command_takes_one() {
    let town = Town::settled().await;
    let code = parcel_code(1);
    for day in ["0001-01-01", "1949-09-30", "2200-01-01", "-262143-01-01", "soon"] {
        let flag = |name: &str| format!("--{name}={day}");
        for arguments in [
            vec!["plot-ratio", "may", "--parcel", &code, "--to", "2", &flag("on")],
            vec![
                "plot-ratio",
                "procedure",
                "--district",
                "310115",
                "--simplified",
                "yes",
                "--document",
                "x",
                &flag("from"),
            ],
            vec!["stand", "--parcel", &code, &flag("valid-at")],
            vec!["entry", "check", "--parcel", &code, "--industry", "3973", &flag("on")],
            vec!["lockup", "may", "own-works", "--parcel", &code, &flag("on")],
            vec!["reserve", "account", &flag("at")],
            vec!["obligations", "due", &flag("as-of")],
            vec!["review", "run", &flag("as-of")],
        ] {
            let ended = town.run(&arguments);
            assert_eq!(ended.status, Some(2), "{arguments:?}: {ended:?}");
            assert!(ended.said.contains("1949-10-01"), "{arguments:?}: {}", ended.said);
        }
    }
    // The first and the last day of which it can may lack a rule, and say so; no day is a fault of the machine.
    for day in ["1949-10-01", "2199-12-31"] {
        for arguments in [
            vec!["plot-ratio", "may", "--parcel", &code, "--to", "2", "--on", day],
            vec!["stand", "--parcel", &code, "--valid-at", day],
            vec!["entry", "check", "--parcel", &code, "--industry", "3973", "--on", day],
            vec!["lockup", "may", "own-works", "--parcel", &code, "--on", day],
        ] {
            let ended = town.run(&arguments);
            assert!(matches!(ended.status, Some(0 | 1)), "{arguments:?}: {ended:?}");
        }
    }
}

#[test]
fn the_help_of_import_and_export_names_every_kind_that_they_take() {
    for (verb, kinds) in [
        ("import", [&Kind::ALL.map(Kind::name)[..], &["layer"]].concat()),
        ("export", What::ALL.map(What::name).to_vec()),
    ] {
        let help = landcycle().args([verb, "--help"]).output().unwrap();
        let help = String::from_utf8(help.stdout).unwrap();
        let words: Vec<&str> = help.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').collect();
        for kind in kinds {
            assert!(words.contains(&kind), "{verb} {kind}: {help}");
        }
    }
    let ended = landcycle().args(["import", "plan-unit", "x.geojson"]).output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(ended.status.code() == Some(2) && said.contains("plan-units"), "{said}");
}
