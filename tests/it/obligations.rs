//! What falls due, by the built binary: by responsible body, with how each day was counted, and what cannot be computed.

use std::{sync::Arc, time::Duration};

use axum::{body::Body, http::Request, response::Response};
use landcycle::{
    atlas::Atlas,
    http::{App, router},
};
use serde_json::{Value, json};
use tower::ServiceExt as _;

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
    assert_eq!(item("start")["zh"], "交地（2024-05-07）后6个月 → 2024-11-07");
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
    for line in ["overdue             2", "镇政府", "2024-11-07  -600  late", "cannot be computed  1"] {
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

#[tokio::test]
async fn whoever_asks_about_the_whole_city_while_three_do_is_told_at_once_to_come_back() {
    let town = Town::settled().await;
    let pool = town.database.pool.clone();
    let today = || chrono::NaiveDate::from_ymd_opt(2026, 6, 30).unwrap();
    let service = router(App { atlas: Arc::new(Atlas::empty()), pool: pool.clone(), today: Arc::new(today) });
    let ask = async |path: &str| -> Response {
        let request = Request::get(path).header("host", "localhost").body(Body::empty()).unwrap();
        service.clone().oneshot(request).await.unwrap()
    };
    let mut held = pool.begin().await.unwrap();
    sqlx::query("lock table contract in access exclusive mode").execute(&mut *held).await.unwrap();
    let late = async {
        let waiting = "select count(*) from pg_locks where relation = 'contract'::regclass and not granted";
        while town.value::<i64>(waiting).await < 3 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        for path in ["/api/v1/plot-ratio", "/api/v1/obligations"] {
            let answer = ask(path).await;
            assert_eq!(
                (answer.status().as_u16(), answer.headers()["retry-after"].to_str().unwrap()),
                (503, "2"),
                "{path}"
            );
        }
        held.rollback().await.unwrap();
    };
    let of_all = "/api/v1/obligations";
    let ((), first, second, third) = tokio::join!(late, ask(of_all), ask(of_all), ask(of_all));
    assert_eq!([first, second, third].map(|answer| answer.status().as_u16()), [200; 3]);
    assert_eq!(ask("/api/v1/plot-ratio").await.status().as_u16(), 200);
}

/// Contract H2 with a bond of 200 due on 22 January 2024, and what else is said of it.
fn bond(town: &Town, columns: &str, values: &str) -> Ended {
    let head = "contract_no,parcel_code,kind,signed_on,term_years,performance_terms,responsible_unit,price_wan_yuan,bond_percent,bond_due_on";
    let row = format!("H2,{},出让,2024-01-15,20,1,镇政府,1000,20,2024-01-22", parcel_code(2));
    town.import("contracts", &[town.file("b.csv", format!("{head},{columns}\n{row},{values}\n"))], &[])
}

#[tokio::test]
async fn a_bond_unpaid_more_than_60_days_after_its_demand_lets_the_contract_be_rescinded() {
    let town = Town::settled().await;
    assert_eq!(bond(&town, "bond_demanded_on", "2024-03-01").status, Some(0));
    let rows = "obligation_no,contract_no,kind,due_after,due_count,due_unit\nB,H2,bond,demand,60,days\n";
    town.takes("obligations", &town.file("d.csv", rows));
    let standing = |day: &str| {
        let found = town.run(&["dossier", &parcel_code(2), "--valid-at", day]).answer["contracts"][0].clone();
        let bond = &found["bonds"][0];
        json!([bond["state"], bond["days_since_demand"], found["obligations"][0]["due_on"]])
    };
    assert_eq!(standing("2024-02-29"), json!(["not_demanded", null, null]));
    assert_eq!(standing("2024-04-30"), json!(["owed", 60, "2024-04-30"]));
    assert_eq!(standing("2024-05-01"), json!(["rescindable", 61, "2024-04-30"]));
    let text = town.command().args(["dossier", &parcel_code(2), "--valid-at", "2024-05-01"]).output().unwrap();
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("rescindable, demanded on 2024-03-01, 61 days ago"), "{text}");
    let listed = |day: &str| {
        let answer = town.run(&["obligations", "due", "--as-of", day]).answer;
        answer["items"].as_array().unwrap().iter().find(|one| one["what"] == "bond_whole").cloned()
    };
    let how = listed("2024-05-01").unwrap()["how"]["en"].clone();
    assert_eq!(how, "agreed for 2024-01-22; demanded on 2024-03-01, 61 days ago: the contract may be rescinded");
    // Paid or settled, nothing is owed.
    bond(&town, "bond_demanded_on,bond_paid_on", "2024-03-01,2024-05-02");
    assert_eq!(
        (standing("2024-05-01")[0].clone(), standing("2024-05-02")[0].clone()),
        (json!("rescindable"), json!("paid"))
    );
    bond(&town, "bond_demanded_on,bond_settled,bond_settled_on", "2024-03-01,没收,2024-06-01");
    assert_eq!(
        (standing("2024-05-31")[0].clone(), standing("2024-06-01")[0].clone()),
        (json!("rescindable"), json!("settled"))
    );
    assert_eq!((listed("2024-05-31").is_some(), listed("2024-06-01")), (true, None));
    let kept = "select concat_ws(' ', demanded_on, settled, settled_on, forfeited_wan_yuan) from bond where upper_inf(recorded)";
    assert_eq!(town.value::<String>(kept).await, "2024-03-01 forfeited 2024-06-01 200.000000");
}

#[tokio::test]
async fn what_was_demanded_and_settled_of_a_bond_comes_out_of_an_export_and_goes_in_again() {
    let town = Town::settled().await;
    let columns = "bond_start_wan_yuan,bond_completion_wan_yuan,bond_production_wan_yuan,bond_demanded_on,\
                   bond_start_settled,bond_start_settled_on,bond_completion_settled,bond_completion_settled_on,bond_completion_forfeited_wan_yuan";
    let ended = bond(&town, columns, "80,70,50,2024-03-01,退还,2025-01-01,partly_forfeited,2026-01-01,35");
    assert_eq!(ended.tally(), [1, 1, 0, 0], "{}", ended.answer);
    let kept = "select concat_ws(' ', part, settled, settled_on, forfeited_wan_yuan) from bond where upper_inf(recorded) order by part";
    let parts = ["completion partly_forfeited 2026-01-01 35.000000", "production", "start returned 2025-01-01"];
    assert_eq!(town.values::<String>(kept).await, parts);
    let out = town.folder().join("all.csv");
    let ended = town.run(&["export", "contracts", "--format", "csv", "--out", out.to_str().unwrap()]);
    assert_eq!(ended.status, Some(0), "{}", ended.said);
    assert_eq!(town.tally("contracts", &out), [2, 0, 2, 0], "{}", std::fs::read_to_string(&out).unwrap());
}

#[tokio::test]
async fn a_settlement_or_demand_that_does_not_fit_the_bond_is_refused() {
    let town = Town::settled().await;
    let parts = "bond_start_wan_yuan,bond_completion_wan_yuan,bond_production_wan_yuan";
    for (columns, values, code, field) in [
        ("bond_demanded_on", "2150-01-01", "day-in-the-future", "bond_demanded_on"),
        ("bond_settled", "returned", "missing-value", "bond_settled_on"),
        ("bond_settled_on", "2025-01-01", "missing-value", "bond_settled"),
        (
            "bond_settled,bond_settled_on,bond_forfeited_wan_yuan",
            "returned,2025-01-01,5",
            "settlement-does-not-fit",
            "bond_forfeited_wan_yuan",
        ),
        (
            "bond_settled,bond_settled_on,bond_forfeited_wan_yuan",
            "forfeited,2025-01-01,5",
            "settlement-does-not-fit",
            "bond_forfeited_wan_yuan",
        ),
        (
            "bond_settled,bond_settled_on",
            "partly_forfeited,2025-01-01",
            "settlement-does-not-fit",
            "bond_forfeited_wan_yuan",
        ),
        (
            "bond_start_settled,bond_start_settled_on",
            "returned,2025-01-01",
            "settlement-does-not-fit",
            "bond_start_settled",
        ),
    ] {
        let ended = bond(&town, columns, values);
        let finding = &ended.answer["findings"][0];
        assert_eq!(
            (ended.status, &finding["code"], &finding["facts"]["field"]),
            (Some(1), &json!(code), &json!(field)),
            "{columns}: {}",
            ended.answer
        );
    }
    let columns = format!("{parts},bond_settled,bond_settled_on,bond_forfeited_wan_yuan");
    let ended = bond(&town, &columns, "80,70,50,partly_forfeited,2025-01-01,5");
    assert_eq!(ended.answer["findings"][0]["code"], "settlement-does-not-fit", "of which part is not said");
    // What is said of the whole holds for each part.
    assert_eq!(bond(&town, &columns, "80,70,50,forfeited,2025-01-01,").status, Some(0));
    let kept = "select concat_ws(' ', part, forfeited_wan_yuan) from bond where upper_inf(recorded) order by part";
    assert_eq!(town.values::<String>(kept).await, ["completion 70.000000", "production 50.000000", "start 80.000000"]);
}

#[tokio::test]
async fn a_dossier_says_by_which_day_a_duty_was_met_how_late_and_whether_that_day_is_recorded_or_inferred() {
    let town = town().await;
    let head = "obligation_no,contract_no,kind,due_on,met_on,act,act_on,act_ground,act_document";
    let rows = [
        "R,H3,start,2008-01-01,2008-01-31,,,,",
        "I,H3,completion,2009-01-01,,met,2009-03-02,验收,文5",
        "N,H3,production,2010-01-01,,,,,",
    ];
    town.takes("obligations", &town.file("m.csv", format!("{head}\n{}\n", rows.join("\n"))));
    let answer = town.run(&["dossier", &parcel_code(3), "--valid-at", "2026-06-30"]).answer;
    let duties = answer["contracts"][0]["obligations"].as_array().unwrap();
    let of = |number: &str| {
        let one = duties.iter().find(|one| one["number"] == number).unwrap();
        json!([one["met_on"], one["met_on_is"], one["late_days"]])
    };
    assert_eq!(of("R"), json!(["2008-01-31", "recorded", 30]));
    assert_eq!(of("I"), json!(["2009-03-02", "inferred", 60]));
    assert_eq!(of("N"), json!([null, null, 6024]));
    let output = town.command().args(["dossier", &parcel_code(3), "--valid-at", "2026-06-30"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for part in ["已履行 (met, 30 days late, on 2008-01-31)", "已履行 (met, 60 days late, on 2009-03-02 by decision)"]
    {
        assert!(text.contains(part), "{part}:\n{text}");
    }
}
