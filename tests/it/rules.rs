//! A bureau's own rules: a folder laid out as `data/`, whose files go before those that come with the program. Values are laid
//! over by key and day, the calendar by year; everything else is replaced whole.

use crate::support::{Ended, Town, landcycle, parcel_code};
use serde_json::json;
use std::path::{Path, PathBuf};

/// A bureau's reference for industrial land of 2.5 from 1 January 2026.
const REFERENCE: &str = r#"
[[value]]
key = "plot-ratio-reference-industrial"
title = { zh = "工业用地容积率参考值", en = "plot ratio to which industrial land may be raised" }
value = 2.5
unit = "plot-ratio"
effective_from = 2026-01-01
source = "区规〔2025〕9号"
assumption = false
"#;

/// The arrangement of 2024 with 7 March, a Thursday, as one more holiday.
const CALENDAR: &str = r#"
[[year]]
year = 2024
source = "本区关于调整工作日的通知"
off = [["2024-01-01", "2024-01-01"], ["2024-02-10", "2024-02-17"], ["2024-03-07", "2024-03-07"]]
work = ["2024-02-04", "2024-02-18"]
"#;

/// A folder of the town with these files in it.
fn folder(town: &Town, name: &str, files: &[(&str, &str)]) -> PathBuf {
    let folder = town.folder().join(name);
    std::fs::create_dir_all(&folder).unwrap();
    for (path, text) in files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

/// Runs the binary under the rules of a folder.
fn under(town: &Town, rules: &Path, arguments: &[&str]) -> Ended {
    let output = town.command().args(["--json", "--rules"]).arg(rules).args(arguments).output().unwrap();
    Ended::of(&output)
}

#[tokio::test]
async fn a_bureaus_own_reference_holds_from_its_day_in_every_answer_and_is_on_record_in_two_times() {
    let town = Town::settled().await;
    let rules = folder(&town, "rules", &[("rulebook/values.toml", REFERENCE), ("README.md", "本区规则")]);
    let reference = |rules: Option<&Path>, on: &str| {
        let arguments = ["dossier", &parcel_code(1), "--valid-at", on];
        let ended = rules.map_or_else(|| town.run(&arguments), |rules| under(&town, rules, &arguments));
        ended.answer["parcel"]["plot_ratio_reference"].clone()
    };
    assert_eq!(reference(None, "2026-06-30")["value"], 2.0);
    let ours = reference(Some(&rules), "2026-06-30");
    assert_eq!((&ours["value"], &ours["basis"]), (&json!(2.5), &json!("区规〔2025〕9号")));
    // On the days before, what ships holds as it did.
    assert_eq!(reference(Some(&rules), "2025-12-31")["value"], 2.0);
    let may =
        under(&town, &rules, &["plot-ratio", "may", "--parcel", &parcel_code(1), "--to", "2.4", "--on", "2026-06-30"]);
    assert_eq!(may.answer["facts"]["reference"]["ratio"], 2.5, "{may:?}");
    // By the variable and by the settings file as by the flag, the stronger first.
    let ledger = |settings: Option<&str>, variable: Option<&Path>| {
        std::fs::write(town.folder().join("landcycle.toml"), settings.unwrap_or_default()).unwrap();
        let mut command = town.command();
        command.args(["--json", "ledger", "plot-ratio", "--by", "parcel"]);
        command.envs(variable.map(|rules| ("LANDCYCLE_RULES", rules)));
        let ended = Ended::of(&command.output().unwrap());
        ended.answer["rows"][0]["reference"]["plot_ratio"].clone()
    };
    let other = REFERENCE.replace("2.5", "2.6").replace("2026-01-01", "2020-01-01");
    folder(&town, "other", &[("rulebook/values.toml", &other)]);
    assert_eq!(ledger(None, None), 2.0);
    assert_eq!(ledger(Some("rules = \"other\""), None), 2.6);
    assert_eq!(ledger(Some("rules = \"other\""), Some(&rules)), 2.5);
    std::fs::remove_file(town.folder().join("landcycle.toml")).unwrap();

    let recorded = "select concat_ws(' ', value, valid, upper_inf(recorded)) from rule_value
        where key = 'plot-ratio-reference-industrial' order by lower(recorded), valid";
    // Whoever only looks, under whatever rules, leaves those on record as they are.
    assert_eq!(town.values::<String>(recorded).await, ["2 [2018-05-07,) t"]);
    let before: String =
        town.value("select to_char(now() at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')").await;
    assert_eq!(under(&town, &rules, &["migrate"]).status, Some(0));
    let both = ["2 [2018-05-07,) f", "2 [2018-05-07,2026-01-01) t", "2.5 [2026-01-01,) t"];
    assert_eq!(town.values::<String>(recorded).await, both);
    // What was believed before is answered as it was believed, and the same rules again record nothing.
    let then = ["dossier", &parcel_code(1), "--valid-at", "2026-06-30", "--known-at", &before];
    assert_eq!(under(&town, &rules, &then).answer["parcel"]["plot_ratio_reference"]["value"], 2.0);
    let contents = town.contents().await;
    assert_eq!(under(&town, &rules, &["migrate"]).status, Some(0));
    assert_eq!(town.contents().await, contents);

    let doctor = |rules: Option<&Path>| {
        let found = rules.map_or_else(|| town.run(&["doctor"]), |rules| under(&town, rules, &["doctor"])).answer;
        found.as_array().unwrap().iter().find(|one| one["what"] == "rules").unwrap().clone()
    };
    let (shipped, own) = (doctor(None), doctor(Some(&rules)));
    assert!(shipped["found"].as_str().unwrap().starts_with("as shipped, sha256 "), "{shipped}");
    let told = own["found"].as_str().unwrap();
    assert!(told.contains("rules (rulebook/values.toml), sha256 "), "{told}");
    assert_ne!(shipped["found"].as_str().unwrap().rsplit(' ').next(), told.rsplit(' ').next());
}

#[tokio::test]
async fn a_holiday_more_in_a_bureaus_calendar_moves_a_deadline_of_working_days() {
    let town = Town::settled().await;
    let head = "obligation_no,contract_no,kind,due_after,due_count,due_unit";
    let contract = format!(
        "contract_no,parcel_code,kind,signed_on,term_years,performance_terms\nH2,{},grant,2024-02-28,20,1\n",
        parcel_code(2)
    );
    town.takes("contracts", &town.file("c.csv", contract));
    town.takes("obligations", &town.file("o.csv", format!("{head}\nL,H2,payment,signing,10,working_days\n")));
    let due = |rules: &Path| {
        let ended = under(&town, rules, &["obligations", "due", "--as-of", "2024-03-01"]);
        ended.answer["items"][0]["due_on"].clone()
    };
    assert_eq!(due(&folder(&town, "none", &[])), "2024-03-13");
    assert_eq!(due(&folder(&town, "own", &[("calendars/cn.toml", CALENDAR)])), "2024-03-14");
}

#[tokio::test]
async fn a_bureaus_own_scheme_is_known_by_name_and_its_doubts_reach_the_process_that_reads_files() {
    let town = Town::settled().await;
    let scheme = include_str!("../../data/schemes/default.toml");
    let limits = include_str!("../../data/plausibility.toml").replace("limit = 100.0", "limit = 1.0");
    let rules = folder(&town, "rules", &[("schemes/district-2026.toml", scheme), ("plausibility.toml", &limits)]);
    assert_eq!(under(&town, &rules, &["review", "scheme", "check", "district-2026"]).status, Some(0));
    let unknown = town.run(&["review", "scheme", "check", "district-2026"]);
    assert!(unknown.said.contains("there is no scheme"), "{unknown:?}");
    let returns = town.file("r.csv", "enterprise_code,year,output_wan_yuan,tax_wan_yuan\nE1,2023,1000,50\n");
    let read = |rules: &Path| under(&town, rules, &["import", "returns", returns.to_str().unwrap(), "--dry-run"]);
    let doubts = |ended: Ended| {
        let found = ended.answer["findings"].as_array().unwrap().clone();
        found.iter().filter(|one| one["code"] == "tax-exceeds-output").count()
    };
    assert_eq!(doubts(read(&folder(&town, "none", &[]))), 0);
    assert_eq!(doubts(read(&rules)), 1, "5 % of output are more than the bureau's 1 %");
}

#[tokio::test]
async fn a_folder_with_a_fault_is_refused_with_file_line_and_what_to_do_before_anything_is_done() {
    let town = Town::settled().await;
    let before = town.contents().await;
    let second = REFERENCE.replace("2026-01-01", "2027-01-01");
    for (name, path, text, said) in [
        ("typo", "rulebook/value.toml", REFERENCE.to_owned(), "name it as landcycle does"),
        ("stray", "rulebok/values.toml", REFERENCE.to_owned(), "rulebok is no file of rules"),
        ("mapping", "mappings/bureau.toml", String::new(), "would do nothing"),
        ("deep", "rulebook/old/values.toml", REFERENCE.to_owned(), "rulebook/old is no file of rules"),
        ("syntax", "rulebook/values.toml", format!("{REFERENCE}oops"), "rulebook/values.toml:10: it cannot be read"),
        (
            "source",
            "rulebook/values.toml",
            REFERENCE.replace("区规〔2025〕9号", " "),
            "values.toml:3: plot-ratio-reference-industrial: has no source; expected a citation",
        ),
        (
            "key",
            "rulebook/values.toml",
            REFERENCE.replace("reference-industrial", "refrence-industrial"),
            "values.toml:3: plot-ratio-refrence-industrial: is a key that nothing asks for; expected one of",
        ),
        (
            "unit",
            "rulebook/values.toml",
            REFERENCE.replace("\"plot-ratio\"", "\"percent\""),
            "is in percent; expected plot-ratio",
        ),
        ("twice", "rulebook/values.toml", format!("{REFERENCE}{second}"), "has periods that overlap"),
        (
            "year",
            "calendars/cn.toml",
            CALENDAR.replace("\"2024-03-07\"]", "\"2024-03-06\"]"),
            "calendars/cn.toml:3: calendar year 2024: has holidays that end",
        ),
        ("scheme", "schemes/own.toml", "name = \"own\"".to_owned(), "schemes/own.toml"),
        ("decisions", "rulebook/decisions.toml", "row = []".to_owned(), "rulebook/decisions.toml"),
        ("uses", "land_use.toml", "x = 1".to_owned(), "land_use.toml:1: it cannot be read"),
    ] {
        let rules = folder(&town, name, &[(path, &text)]);
        for arguments in [&["migrate"][..], &["dossier", &parcel_code(1)]] {
            let ended = under(&town, &rules, arguments);
            assert_eq!((ended.status, &ended.answer["error"]), (Some(2), &json!("usage")), "{name}: {ended:?}");
            let told = format!("{} {}", ended.answer["message"], ended.answer["hints"]);
            assert!(told.contains(said), "{name}: expected {said:?} in\n{told}");
        }
        let doctor = under(&town, &rules, &["doctor"]).answer;
        let bad = doctor.as_array().unwrap().iter().any(|one| one["what"] == "rules" && one["verdict"] == "bad");
        assert!(bad, "{name}: {doctor}");
    }
    let gone = under(&town, Path::new("no-such-folder"), &["migrate"]);
    assert_eq!(gone.status, Some(3), "{gone:?}");
    assert!(gone.answer["message"].as_str().unwrap().contains("no-such-folder could not be read"), "{gone:?}");
    assert_eq!(town.contents().await, before);
    // To stop its database, a bureau need not mend its rules first.
    let stopped = landcycle().args(["--json", "--rules", "/nonexistent", "db", "status"]).output().unwrap();
    assert_eq!(stopped.status.code(), Some(0), "{stopped:?}");
}
