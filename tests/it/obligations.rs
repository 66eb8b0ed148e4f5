//! What falls due, by the built binary: by responsible body, with how each day was counted, and what cannot be computed.

use serde_json::{Value, json};

use crate::support::{Ended, Town, parcel_code};

/// Contract H2 like the Baoshan record of 2024: signed 15 January 2024, paid and handed over, a bond of 20 %; H3 ends soon.
async fn town() -> Town {
    let town = Town::settled().await;
    let head = "contract_no,parcel_code,kind,signed_on,term_years,performance_terms,responsible_unit,price_wan_yuan,\
                paid_on,handed_over_on,deposit_wan_yuan,bond_percent,bond_due_on,bond_paid_on,term_ends_on";
    let rows = [
        format!("H2,{},出让,2024-01-15,20,1,镇政府,1000,2024-02-29,2024-05-07,200,20,2024-01-22,,", parcel_code(2)),
        format!("H3,{},出让,2007-07-01,20,0,区经委,,,,,,,,2027-07-01", parcel_code(3)),
    ];
    town.takes("contracts", &town.file("c.csv", format!("{head}\n{}\n", rows.join("\n"))));
    let head = "obligation_no,contract_no,kind,due_on,due_after,due_count,due_unit,target,unit,body,act,act_on,act_until,act_ground,act_document";
    let rows = [
        "S,H2,start,,handover,6,months,,,,,,,,",
        "C,H2,completion,,handover,30,months,,,,extended,2026-05-01,2027-01-31,台风,沪规〔2026〕1号",
        "P,H2,production,,completion,6,months,,,,,,,,",
        "T,H2,tax,2026-08-31,,,,100,万元/年,区税务局,,,,,",
        "J,H2,jobs,2026-01-31,,,,100,人,,,,,,",
        "L,H2,payment,,signing,30,working_days,,,,,,,,",
        "W,H2,handover,,signing,900,days,,,区规划资源局,waived,2026-01-01,,另有约定,文2",
    ];
    town.takes("obligations", &town.file("o.csv", format!("{head}\n{}\n", rows.join("\n"))));
    town
}

fn due(town: &Town, flags: &[&str]) -> Ended {
    let ended = town.run(&[&["obligations", "due", "--as-of", "2026-06-30"][..], flags].concat());
    assert_eq!(ended.status, Some(0), "{ended:?}");
    ended
}

/// What, state, day and days of each item.
fn items(ended: &Ended) -> Vec<Value> {
    let list = ended.answer["items"].as_array().unwrap();
    list.iter().map(|one| json!([one["body"], one["what"], one["state"], one["due_on"], one["days"]])).collect()
}

#[tokio::test]
async fn what_falls_due_in_the_next_n_days_and_what_is_overdue_is_listed_by_responsible_body() {
    let town = town().await;
    let ended = due(&town, &[]);
    let expected = [
        json!(["区税务局", "tax", "due_soon", "2026-08-31", 62]),
        json!(["区经委", "renewal_application", "due_soon", "2026-07-01", 1]),
        json!(["镇政府", "bond_whole", "late", "2024-01-22", -890]),
        json!(["镇政府", "payment", "late", "2024-02-29", -852]),
        json!(["镇政府", "start", "late", "2024-11-07", -600]),
    ];
    assert_eq!(items(&ended), expected, "{}", ended.answer);
    let near = due(&town, &["--within", "30"]);
    assert!(!items(&near).iter().any(|one| one[1] == "tax"), "{}", near.answer);
    let far = due(&town, &["--within", "365"]);
    assert!(items(&far).contains(&json!(["镇政府", "completion", "extended", "2027-01-31", 215])), "{}", far.answer);
    let one = due(&town, &["--body", "区税务局"]);
    assert_eq!(items(&one).len(), 1, "{}", one.answer);
}

#[tokio::test]
async fn each_item_says_how_its_day_was_counted_and_what_is_missing_where_none_can_be() {
    let ended = due(&town().await, &[]);
    let item = |what: &str| {
        ended.answer["items"].as_array().unwrap().iter().find(|one| one["what"] == what).unwrap()["how"].clone()
    };
    assert_eq!(item("start")["en"], "6 months after handover 2024-05-07 → 2024-11-07");
    assert_eq!(item("payment")["zh"], "签约（2024-01-15）后30个工作日 → 2024-02-29");
    assert_eq!(
        item("renewal_application")["en"],
        "the term ends before 2027-07-01; apply 12 months earlier → 2026-07-01"
    );
    let missing = &ended.answer["cannot_be_computed"];
    assert_eq!(missing[0]["obligation"], "P");
    assert_eq!(missing[0]["why"]["en"], "cannot be computed: no completion date");
    assert_eq!(ended.answer["without_figure"], 1, "jobs were due in January and nobody entered any");
}

#[tokio::test]
async fn people_get_a_table_for_each_body() {
    let town = town().await;
    let output = town.command().args(["obligations", "due", "--as-of", "2026-06-30"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    for line in ["overdue             3", "镇政府", "2024-11-07  -600  late", "cannot be computed  1"] {
        assert!(text.contains(line), "{line}:\n{text}");
    }
}

#[tokio::test]
async fn a_clock_follows_a_correction_because_it_is_never_stored() {
    let town = town().await;
    let head = "obligation_no,contract_no,kind,due_after,due_count,due_unit,met_on";
    town.takes("obligations", &town.file("o.csv", format!("{head}\nS,H2,start,handover,6,months,2024-11-01\n")));
    let ended = due(&town, &[]);
    assert!(!items(&ended).iter().any(|one| one[1] == "start"), "{}", ended.answer);
    let columns: i64 = town
        .value(
            "select count(*) from information_schema.columns where table_name in ('obligation', 'contract', 'bond')
             and column_name in ('state', 'status', 'late_days')",
        )
        .await;
    assert_eq!(columns, 0);
}

#[tokio::test]
async fn a_start_decided_to_be_met_is_one_for_the_clocks_after_it_the_dossier_and_the_review_alike() {
    let town = town().await;
    let tracks = || {
        let contract = &town.run(&["dossier", &parcel_code(2), "--valid-at", "2026-06-30"]).answer["contracts"][0];
        (contract["contract_track"]["state"].clone(), contract["idle_track"]["state"].clone())
    };
    assert_eq!(tracks(), (json!("rescindable"), json!("one_year")));
    let head = "obligation_no,contract_no,kind,due_after,due_count,due_unit,act,act_on,act_ground,act_document";
    let rows = ["S,H2,start,handover,6,months,met,2024-12-01,现场核查,文3", "P,H2,production,start,12,months,,,,"];
    town.takes("obligations", &town.file("o.csv", format!("{head}\n{}\n", rows.join("\n"))));
    let ended = due(&town, &[]);
    assert!(items(&ended).contains(&json!(["镇政府", "production", "late", "2025-12-01", -211])), "{}", ended.answer);
    assert_eq!(tracks(), (json!("in_time"), json!("not_idle")));
    let run = town.run(&["review", "run", "--as-of", "2026-06-30", "--out", "out"]);
    assert_eq!(run.status, Some(0), "{}", run.said);
    let receipt: String = town.value("select receipt from review_result where parcel like '%00002'").await;
    let facts = serde_json::from_str::<Value>(&receipt).unwrap()["facts"]["contract"]["duties"].clone();
    let start = facts.as_array().unwrap().iter().find(|duty| duty["kind"] == "start").unwrap();
    assert_eq!(start["met_on"], "2024-12-01", "{facts}");
}

#[tokio::test]
async fn wrong_flags_of_the_list_are_wrong_usage() {
    let town = Town::empty().await;
    for flags in [&["--within", "-1"][..], &["--within", "soon"], &["--as-of", "2026-02-30"]] {
        let ended = town.run(&[&["obligations", "due"][..], flags].concat());
        assert_eq!(ended.status, Some(2), "{flags:?}: {}", ended.said);
    }
}
