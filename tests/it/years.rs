//! Yearly duties: each year is judged by itself, with its figure, in the dossier and on the list of what is due.

use serde_json::{Value, json};

use crate::support::{Town, parcel_code};

const YEAR: &str = "obligation_no,contract_no,kind,year,met_on,achieved,act,act_on,act_ground,act_document";

/// Contract H1 with a tax of at least 172 each year from 2021 to 2030, due on 30 April.
async fn town() -> Town {
    let town = Town::settled().await;
    let head = "obligation_no,contract_no,kind,due_yearly,due_from_year,due_to_year,target,unit";
    let rows = ["T,H1,tax,04-30,2021,2030,172,万元/年", "P,H1,payment,04-30,2024,2025,,"];
    town.takes("obligations", &town.file("o.csv", format!("{head}\n{}\n", rows.join("\n"))));
    town
}

fn years(town: &Town, rows: &[&str]) -> [u64; 4] {
    town.tally("obligations", &town.file("y.csv", format!("{YEAR}\n{}\n", rows.join("\n"))))
}

const TOLD: [&str; 5] = [
    "T,H1,tax,2021,,180.5,,,,",
    "T,H1,tax,2022,2022-05-12,175,,,,",
    "T,H1,tax,2023,,150,,,,",
    "T,H1,tax,2024,,90,waived,2026-01-10,受灾减免,沪〔2026〕3号",
    "P,H1,payment,2024,2024-05-10,,,,,",
];

fn duty(town: &Town, number: &str, known_at: Option<&str>) -> Value {
    let code = parcel_code(1);
    let mut arguments = vec!["dossier", &code, "--valid-at", "2026-06-30"];
    arguments.extend(known_at.map(|time| ["--known-at", time]).into_iter().flatten());
    let ended = town.run(&arguments);
    let list = ended.answer["contracts"][0]["obligations"].as_array().unwrap_or_else(|| panic!("{ended:?}"));
    list.iter().find(|one| one["number"] == number).unwrap().clone()
}

/// Year, state, figure, day and days late.
fn judged(duty: &Value) -> Vec<Value> {
    let years = duty["years"].as_array().unwrap().iter();
    years.map(|one| json!([one["year"], one["state"], one["achieved"], one["met_on"], one["late_days"]])).collect()
}

#[tokio::test]
async fn each_past_year_is_judged_by_itself_with_its_figure() {
    let town = town().await;
    assert_eq!(years(&town, &TOLD), [5, 5, 0, 0]);
    assert_eq!(years(&town, &TOLD), [5, 0, 5, 0], "what is known changes nothing");
    let tax = duty(&town, "T", None);
    assert_eq!(
        judged(&tax),
        [
            json!([2021, "met", 180.5, null, null]),
            json!([2022, "met", 175.0, "2022-05-12", 12]),
            json!([2023, "breached", 150.0, null, null]),
            json!([2024, "waived", 90.0, null, null]),
            json!([2025, "unknown", null, null, null]),
            json!([2026, "unknown", null, null, null]),
        ]
    );
    assert_eq!(
        (&tax["year"], &tax["due_on"], &tax["clock"]["state"]),
        (&json!(2027), &json!("2027-04-30"), &json!("not_due"))
    );
    let payment = duty(&town, "P", None);
    assert_eq!(
        judged(&payment),
        [json!([2024, "met", null, "2024-05-10", 10]), json!([2025, "late", null, null, 426])],
        "a day that nobody entered is late, a figure that nobody entered is unknown"
    );
}

#[tokio::test]
async fn a_corrected_year_keeps_what_was_believed_of_it() {
    let town = town().await;
    years(&town, &TOLD);
    let then: String = town
        .value("select to_char(max(recorded_at) at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') from revision")
        .await;
    assert_eq!(years(&town, &["T,H1,tax,2023,,172,,,,"]), [1, 1, 0, 0]);
    let state = |known_at: Option<&str>| judged(&duty(&town, "T", known_at))[2].clone();
    assert_eq!(state(None), json!([2023, "met", 172.0, null, null]));
    assert_eq!(state(Some(&then)), json!([2023, "breached", 150.0, null, null]));
}

#[tokio::test]
async fn years_that_were_missed_are_on_the_list_of_what_is_due_until_they_are_waived_or_made_good() {
    let town = town().await;
    years(&town, &TOLD);
    let due = || {
        let ended = town.run(&["obligations", "due", "--as-of", "2026-06-30"]);
        assert_eq!(ended.status, Some(0), "{ended:?}");
        ended.answer
    };
    let answer = due();
    let items: Vec<Value> = answer["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| json!([one["what"], one["year"], one["state"], one["due_on"], one["how"]["en"]]))
        .collect();
    assert_eq!(
        items,
        [
            json!(["tax", 2023, "breached", "2023-04-30", "in 2023: 150 万元/年, agreed ≥ 172"]),
            json!(["payment", 2025, "late", "2025-04-30", "each year on 04-30, from 2024 to 2025"]),
        ],
        "{answer}"
    );
    assert_eq!(answer["without_figure"], 2, "of 2025 and 2026 nobody entered a figure");
    years(
        &town,
        &[
            "T,H1,tax,2023,,150,cured,2026-02-01,补缴,沪〔2026〕9号",
            "P,H1,payment,2025,,,waived,2026-02-01,另有约定,沪〔2026〕9号",
        ],
    );
    assert_eq!(due()["items"], json!([]));
    assert_eq!(judged(&duty(&town, "T", None))[2], json!([2023, "cured", 150.0, "2026-02-01", null]));
}

#[tokio::test]
async fn people_see_the_years_below_the_duty_each_with_figure_and_days_late() {
    let town = town().await;
    years(&town, &TOLD);
    let output = town.command().args(["dossier", &parcel_code(1), "--valid-at", "2026-06-30"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for part in [
        "tax 2022",
        "已履行 (met, 12 days late, on 2022-05-12)",
        "违约 (breached)",
        "150 万元/年, agreed >= 172",
        "no figure is recorded",
    ] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
    let output = town.command().args(["obligations", "due", "--as-of", "2026-06-30"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("tax 2023"), "{text}");
}

#[tokio::test]
async fn a_row_of_a_year_that_does_not_belong_to_the_duty_is_refused() {
    let town = town().await;
    for (row, code) in [
        ("T,H1,tax,2020,,1,,,,", "not-a-year-of-the-duty"),
        ("T,H1,tax,2031,,1,,,,", "not-a-year-of-the-duty"),
        ("T,H1,output,2022,,1,,,,", "not-a-year-of-the-duty"),
        ("Q,H1,tax,2022,,1,,,,", "not-a-year-of-the-duty"),
        ("T,H9,tax,2022,,1,,,,", "unknown-contract"),
        ("T,H1,tax,2022,,,,,,", "missing-value"),
        ("T,H1,tax,22,,1,,,,", "out-of-range"),
    ] {
        let ended = town.import("obligations", &[town.file("y.csv", format!("{YEAR}\n{row}\n"))], &[]);
        assert_eq!((ended.status, &ended.answer["findings"][0]["code"]), (Some(1), &json!(code)), "{row}: {ended:?}");
    }
    assert_eq!(years(&town, &["T,H1,tax,2022,,1,,,,", "T,H1,tax,2022,,2,,,,"]), [2, 1, 0, 1], "one row a year");
}

#[tokio::test]
async fn years_come_out_of_an_export_and_go_in_again() {
    let town = town().await;
    years(&town, &TOLD);
    let out = town.folder().join("o.csv");
    let ended = town.run(&["export", "obligations", "--format", "csv", "--out", out.to_str().unwrap()]);
    assert_eq!(ended.status, Some(0), "{}", ended.said);
    assert_eq!(town.tally("obligations", &out), [7, 0, 7, 0], "{}", std::fs::read_to_string(&out).unwrap());
}
