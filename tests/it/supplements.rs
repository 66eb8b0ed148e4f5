//! Supplementary contracts (补充合同): the newest one that states a term rules it, in clocks, reviews, lists, ledgers and
//! exports alike, and in none of them before it was signed or known.

use chrono::NaiveDate;
use landcycle::{domain::moment::Moment, store::snapshot};
use serde_json::{Value, json};

use crate::support::{Ended, Town, parcel_code};

const HEAD: &str = "contract_no,parcel_code,kind,signed_on,term_ends_on,performance_terms,price_wan_yuan,deposit_wan_yuan,\
                    plot_ratio_low,plot_ratio_high,responsible_unit,supplements,valid_to";

/// Main contract H2 of parcel 2 to 2027-07-01 with a start that was never made, and the rows given.
async fn town(rows: &[&str]) -> Town {
    let town = Town::settled().await;
    let main = format!("H2,{},grant,2007-07-01,2027-07-01,0,1000,100,1,1.5,区经委,,", parcel_code(2));
    town.takes("contracts", &town.file("m.csv", format!("{HEAD}\n{main}\n")));
    if !rows.is_empty() {
        supplement(&town, rows);
    }
    town
}

fn supplement(town: &Town, rows: &[&str]) {
    let rows = rows.join("\n").replace("P2", &parcel_code(2));
    town.takes("contracts", &town.file("s.csv", format!("{HEAD}\n{rows}\n")));
}

fn due(town: &Town, day: &str) -> Ended {
    let ended = town.run(&["obligations", "due", "--as-of", day]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    ended
}

/// The applications to renew that are on the list of a day: contract and last day.
fn renewals(town: &Town, day: &str) -> Vec<Value> {
    let ended = due(town, day);
    let items = ended.answer["items"].as_array().unwrap().iter().filter(|one| one["what"] == "renewal_application");
    items.map(|one| json!([one["contract"], one["due_on"], one["how"]["en"]])).collect()
}

/// What the dossier of parcel 2 says of contract H2 on a day, and so long as known.
fn contract(town: &Town, day: &str, known_at: Option<&str>) -> Value {
    let code = parcel_code(2);
    let mut arguments = vec!["dossier", &code, "--valid-at", day];
    arguments.extend(known_at.map(|time| ["--known-at", time]).into_iter().flatten());
    let ended = town.run(&arguments);
    let contracts = ended.answer["contracts"].as_array().unwrap_or_else(|| panic!("{ended:?}"));
    contracts.iter().find(|one| one["number"] == "H2").unwrap().clone()
}

#[tokio::test]
async fn the_newest_supplement_that_states_a_term_moves_the_end_of_the_term_for_the_expiry_clock() {
    let town = town(&[]).await;
    let text = "the term ends before 2027-07-01; apply 12 months earlier → 2026-07-01";
    assert_eq!(renewals(&town, "2026-06-30"), [json!(["H2", "2026-07-01", text])]);
    let before: String = town
        .value("select to_char(max(recorded_at) at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') from revision")
        .await;
    supplement(
        &town,
        &[
            "H2-1,P2,grant,2020-01-01,2037-07-01,0,,,,,,H2,",
            "H2-2,P2,grant,2022-01-01,2030-07-01,0,,,,,,H2,",
            "H2-3,P2,grant,2024-01-01,,1,,,,,,H2,",
        ],
    );
    assert_eq!(renewals(&town, "2026-06-30"), [] as [Value; 0], "neither of the contract nor of its supplements");
    let text = "the term ends before 2030-07-01 (supplementary contract H2-2); apply 12 months earlier → 2029-07-01";
    assert_eq!(renewals(&town, "2029-06-30"), [json!(["H2", "2029-07-01", text])]);
    // Each day has the term of the supplements signed by then, and each belief those that it knew.
    for (day, known_at, end) in [
        ("2019-12-31", None, "2027-07-01"),
        ("2021-06-30", None, "2037-07-01"),
        ("2026-06-30", None, "2030-07-01"),
        ("2026-06-30", Some(before.as_str()), "2027-07-01"),
    ] {
        let found = contract(&town, day, known_at);
        assert_eq!(found["term_ends_on"], end, "{day} {known_at:?}: {found}");
    }
    let found = contract(&town, "2026-06-30", None);
    assert_eq!((&found["amended_by"], &found["apply_to_renew_by"]), (&json!(["H2-1", "H2-2", "H2-3"]), &Value::Null));
    assert_eq!(contract(&town, "2026-06-30", Some(&before))["apply_to_renew_by"], "2026-07-01");
}

#[tokio::test]
async fn a_supplement_that_is_no_longer_law_gives_back_the_term_that_it_changed() {
    let town = town(&["H2-1,P2,grant,2020-01-01,2037-07-01,0,,,,,,H2,2025-01-01"]).await;
    assert_eq!(contract(&town, "2024-12-31", None)["term_ends_on"], "2037-07-01");
    assert_eq!(contract(&town, "2025-01-01", None)["term_ends_on"], "2027-07-01");
}

#[tokio::test]
async fn price_and_plot_ratio_bounds_are_those_of_the_newest_supplement_and_what_it_leaves_out_stays() {
    let town =
        town(&["H2-1,P2,grant,2020-01-01,,0,1500,,,2.5,,H2,", "H2-2,P2,grant,2021-01-01,,1,,,,3,镇政府,H2,"]).await;
    let found = contract(&town, "2026-06-30", None);
    for (name, value) in [
        ("price_wan_yuan", json!(1500.0)),
        ("deposit_wan_yuan", json!(100.0)),
        ("plot_ratio_low", json!(1.0)),
        ("plot_ratio_high", json!(3.0)),
        ("term_ends_on", json!("2027-07-01")),
        ("performance_terms", json!(true)),
        ("responsible_unit", json!("镇政府")),
    ] {
        assert_eq!(found[name], value, "{name}: {found}");
    }
    let ledger = town.run(&["ledger", "plot-ratio", "--by", "parcel"]).answer;
    let row = ledger["rows"].as_array().unwrap().iter().find(|row| row["code"] == json!(parcel_code(2))).unwrap();
    assert_eq!(
        (&row["contracted_low"]["plot_ratio"], &row["contracted_high"]["plot_ratio"]),
        (&json!(1.0), &json!(3.0))
    );
    assert_eq!(renewals(&town, "2026-06-30").len(), 1);
    assert_eq!(due(&town, "2026-06-30").answer["items"][0]["body"], "镇政府");
}

#[tokio::test]
async fn a_review_the_map_and_an_export_go_by_the_amended_contract() {
    let town = town(&["H2-1,P2,grant,2020-01-01,2037-07-01,1,,,,,镇政府,H2,"]).await;
    let run = town.run(&["review", "run", "--as-of", "2026-06-30", "--out", "out"]);
    assert_eq!(run.status, Some(0), "{}", run.said);
    let receipt: String = town.value("select receipt from review_result where parcel like '%00002'").await;
    let facts = serde_json::from_str::<Value>(&receipt).unwrap()["facts"]["contract"].clone();
    for (name, value) in [
        ("number", json!("H2")),
        ("term_ends_on", json!("2037-07-01")),
        ("performance_terms", json!(true)),
        ("responsible_unit", json!("镇政府")),
        ("amended_by", json!(["H2-1"])),
    ] {
        assert_eq!(facts[name], value, "{name}: {facts}");
    }
    // What the map shows of a day, read as today is and as any moment is.
    for (day, end) in [("2026-06-30", "2037-07-01"), ("2019-12-31", "2027-07-01")] {
        let (day, end): (NaiveDate, NaiveDate) = (day.parse().unwrap(), end.parse().unwrap());
        let pool = &town.database.pool;
        let today = snapshot::load(pool, day, None).await.unwrap();
        let then = snapshot::load_at(pool, &Moment::on(day), 0.5, None, None).await.unwrap();
        for shown in [today, then] {
            let parcel = shown.parcels.iter().find(|parcel| parcel.code == parcel_code(2)).unwrap();
            assert_eq!(parcel.term_ends_on, Some(end), "{day}");
        }
    }
    for (day, end) in [("2026-06-30", "2037-07-01"), ("2019-12-31", "2027-07-01")] {
        let out = town.folder().join("p.csv");
        let ended =
            town.run(&["export", "parcels", "--format", "csv", "--out", out.to_str().unwrap(), "--valid-at", day]);
        assert_eq!(ended.status, Some(0), "{}", ended.said);
        let text = std::fs::read_to_string(&out).unwrap();
        let row = text.lines().find(|line| line.contains(&parcel_code(2))).unwrap();
        assert!(row.contains(&format!("H2,{end}")), "{row}");
    }
}

#[tokio::test]
async fn a_supplement_of_an_older_contract_says_nothing_of_the_newest() {
    let town = town(&[
        "H2-1,P2,grant,2020-01-01,2047-07-01,0,,,,9,,H2,",
        "H3,P2,grant,2021-01-01,2041-01-01,0,,,,2,,,",
        "H3-1,P2,grant,2022-01-01,2042-01-01,0,,,,,,H3,",
        "H3-1-1,P2,grant,2023-01-01,2043-01-01,0,,,,,,H3-1,",
    ])
    .await;
    let ends = "select concat_ws(' ', number, by_numbers, term_ends_on, term_by) from contract_amendment('2026-06-30', null, null) order by number";
    assert_eq!(
        town.values::<String>(ends).await,
        ["H2 {H2-1} 2047-07-01 H2-1", "H3 {H3-1,H3-1-1} 2043-01-01 H3-1-1"],
        "a supplement of a supplement belongs to the same contract"
    );
    let ledger = town.run(&["ledger", "plot-ratio", "--by", "parcel"]).answer;
    let row = ledger["rows"].as_array().unwrap().iter().find(|row| row["code"] == json!(parcel_code(2))).unwrap();
    assert_eq!(row["contracted_high"]["plot_ratio"], json!(2.0), "{row}");
}

#[tokio::test]
async fn on_a_divided_parcel_a_supplement_that_was_passed_on_amends_the_contract_passed_on_with_it() {
    let town = town(&["H2-1,P2,grant,2020-01-01,2037-07-01,0,,,,,,H2,"]).await;
    // As an event leaves them: each copy names the contract it comes from.
    let rows = [
        format!("H2-A,{},grant,2007-07-01,2027-07-01,0,,,,,,H2,", parcel_code(3)),
        format!("H2-1-A,{},grant,2020-01-01,2037-07-01,0,,,,,,H2-1,", parcel_code(3)),
    ];
    town.takes("contracts", &town.file("a.csv", format!("{HEAD}\n{}\n", rows.join("\n"))));
    let ends = "select concat_ws(' ', number, by_numbers, term_ends_on) from contract_amendment('2026-06-30', null, null) order by number";
    assert_eq!(town.values::<String>(ends).await, ["H2 {H2-1} 2037-07-01", "H2-A {H2-1-A} 2037-07-01"]);
    assert_eq!(renewals(&town, "2026-06-30"), [] as [Value; 0]);
}

#[tokio::test]
async fn a_contract_without_a_term_is_refused_unless_it_is_a_supplement_or_allocates() {
    let town = town(&[]).await;
    let row = |kind: &str, supplements: &str| {
        town.file("n.csv", format!("{HEAD}\nN,{},{kind},2020-01-01,,0,,,,,,{supplements},\n", parcel_code(2)))
    };
    let refused = town.import("contracts", &[row("grant", "")], &[]);
    assert_eq!((refused.status, &refused.answer["findings"][0]["facts"]["field"]), (Some(1), &json!("term_ends_on")));
    assert_eq!(town.tally("contracts", &row("grant", "H2")), [1, 1, 0, 0]);
}

#[tokio::test]
async fn a_lease_that_a_grant_follows_is_a_lease_until_then_and_a_grant_from_then_on() {
    let town = Town::settled().await;
    // Leased from 2020 for six years, its start due in June 2020 and never made.
    let lease = "L1,P2,先租后让,2020-01-01,2026-01-01,1,,,,,,,";
    supplement(&town, &[lease]);
    let start = "obligation_no,contract_no,kind,due_on\nS,L1,start,2020-06-01\n";
    town.takes("obligations", &town.file("o.csv", start));
    let contract = |day: &str, known_at: Option<&str>| {
        let code = parcel_code(2);
        let mut arguments = vec!["dossier", &code, "--valid-at", day];
        arguments.extend(known_at.map(|time| ["--known-at", time]).into_iter().flatten());
        let answer = town.run(&arguments).answer;
        let found = answer["contracts"].as_array().unwrap().iter().find(|one| one["number"] == "L1").unwrap().clone();
        (found, answer["timeline"].clone())
    };
    let remedy = |day: &str, known_at: Option<&str>| {
        let found = contract(day, known_at).0;
        json!([found["idle_track"]["remedy"], found["idle_track"]["fee_at_most_wan_yuan"], found["term_ends_on"]])
    };
    let before: String = town
        .value("select to_char(max(recorded_at) at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') from revision")
        .await;
    let leased = remedy("2021-08-01", None);
    assert_eq!(leased, json!(["fee_of_rent", null, "2026-01-01"]));
    let applied: Vec<Value> = renewals(&town, "2024-12-31");
    assert_eq!(applied[0][1], "2025-01-01", "the lease ends, and its renewal is to be applied for: {applied:?}");

    // Granted in July 2021 for 1,000 万元 until 2041; a supplement that grants nothing, before it, leaves the lease a lease.
    supplement(
        &town,
        &["L1-1,P2,lease,2021-01-01,,1,,,,,,L1,", "L1-2,P2,grant,2021-07-01,2041-07-01,1,1000,200,,,,L1,"],
    );
    assert_eq!(remedy("2021-06-30", None), leased);
    assert_eq!(remedy("2021-07-01", None), json!(["fee", 200.0, "2041-07-01"]));
    assert_eq!(remedy("2021-08-01", Some(&before)), leased, "nobody knew of the grant then");
    let (found, timeline) = contract("2021-08-01", None);
    assert_eq!((&found["granted_by"], &found["granted_on"]), (&json!("L1-2"), &json!("2021-07-01")));
    assert_eq!(contract("2021-06-30", None).0["granted_on"], Value::Null);
    let told = timeline.as_array().unwrap().iter().find(|one| one["en"] == "the lease becomes a grant (L1-2)");
    assert_eq!(told.unwrap()["on"], "2021-07-01");
    assert_eq!(renewals(&town, "2024-12-31"), [] as [Value; 0], "the lease has no end of its own any more");

    // What a recognition of idleness costs follows the same day.
    let code = parcel_code(2);
    let idle = ["contract=L1", "kind=not_started", "since=2020-06-01", "recognised=false"];
    let mut found = vec!["lifecycle", "found", &code, "idle", "--on", "2021-06-15", "--document", "调查"];
    found.extend(idle.iter().flat_map(|fact| ["--fact", fact]));
    assert_eq!(town.run(&found).status, Some(0));
    let recognise = |on: &str| {
        let ended = town.run(&["lifecycle", "move", &code, "recognise_idleness", "--on", on, "--document", "认定书"]);
        assert_eq!(ended.status, Some(0), "{ended:?}");
        json!([ended.answer["money"][0]["kind"], ended.answer["money"][0]["fen"]])
    };
    assert_eq!(recognise("2021-06-30"), json!(["idle_fee", null]));
    assert_eq!(town.run(&["lifecycle", "withdraw", &code, "--reason", "误录"]).status, Some(0));
    assert_eq!(recognise("2021-07-01"), json!(["idle_fee", 200_000_000]));
}
