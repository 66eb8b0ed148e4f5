//! Who is a stock owner: a contract from before the second lock makes its holder one if it came while the register opened, or if
//! two officers said so; not if somebody enters it on the eve of the next contract.

use super::sql::{attempt, clerk, superuser};
use super::{as_officer, contracts, errors, works};
use crate::support::{Ended, Town, parcel_code};
use serde_json::{Value, json};
use sqlx::Executor as _;

/// Lets the register have been opened so many days ago.
async fn opened(town: &Town, days: u32) {
    let mut connection = superuser(town).await;
    connection.execute("set session_replication_role = replica").await.unwrap();
    let sql = format!("update contract_known set at = at - interval '{days} days'");
    connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(sql))).await.unwrap();
}

fn outside(ended: &Ended) {
    assert_eq!((ended.status, errors(ended)), (Some(1), vec!["project-outside-zones".to_owned()]), "{ended:?}");
}

fn propose(town: &Town, more: &[&str]) -> Ended {
    let paper = ["--ground", "馆藏出让合同", "--document", "档案2015-88", "--decided-on", "2024-01-01"];
    as_officer(town, "proposer", &[&["lockup", "approve", "propose"], more, &paper].concat())
}

fn found(town: &Town) -> Vec<(String, String)> {
    let report = town.run(&["check", "--only", "stock-recorded-late"]).answer;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    report["findings"].as_array().unwrap().iter().map(|one| (text(&one["key"]), text(&one["other"]))).collect()
}

#[tokio::test]
async fn a_contract_from_before_the_rule_that_is_found_late_makes_stock_only_when_two_officers_say_so() {
    let town = works().await;
    town.takes("contracts", &contracts(&town, &[("H1", 1, "E1", "2024-05-06", "")]));
    opened(&town, 91).await;
    town.takes("contracts", &contracts(&town, &[("H3", 8, "E1", "2015-05-06", "")]));
    let next = || town.import("contracts", &[contracts(&town, &[("H4", 8, "E1", "2024-05-06", "H3")])], &[]);
    outside(&next());
    let proposed = propose(&town, &["continuation", "--contract", "H3"]);
    assert_eq!((proposed.status, &proposed.answer["subject"]), (Some(0), &json!("H3")), "{proposed:?}");
    let id = proposed.answer["id"].to_string();
    outside(&next());
    assert_eq!(as_officer(&town, "proposer", &["lockup", "approve", "confirm", &id]).status, Some(1));
    assert_eq!(as_officer(&town, "confirmer", &["lockup", "approve", "confirm", &id]).status, Some(0));
    // It speaks of this contract and its holder, and of nobody else.
    outside(&town.import("contracts", &[contracts(&town, &[("H5", 8, "E2", "2024-05-06", "H3")])], &[]));
    assert_eq!(as_officer(&town, "confirmer", &["lockup", "approve", "withdraw", &id]).status, Some(0));
    outside(&next());
    let id = propose(&town, &["continuation", "--contract", "H3"]).answer["id"].to_string();
    assert_eq!(as_officer(&town, "confirmer", &["lockup", "approve", "confirm", &id]).status, Some(0));
    let ended = next();
    assert_eq!((ended.status, ended.tally()), (Some(0), [1, 1, 0, 0]), "{ended:?}");
    assert_eq!(found(&town), []);
    // What was signed on their word stands when they take it back, and is listed.
    assert_eq!(as_officer(&town, "confirmer", &["lockup", "approve", "withdraw", &id]).status, Some(0));
    assert_eq!(found(&town), [("H3".to_owned(), "H4".to_owned())]);
}

#[tokio::test]
async fn a_contract_that_is_moved_or_given_another_holder_after_two_officers_spoke_makes_no_stock() {
    let town = works().await;
    town.takes("contracts", &contracts(&town, &[("H1", 1, "E1", "2024-05-06", "")]));
    opened(&town, 91).await;
    town.takes("contracts", &contracts(&town, &[("H3", 1, "E1", "2015-05-06", "")]));
    let id = propose(&town, &["continuation", "--contract", "H3"]).answer["id"].to_string();
    assert_eq!(as_officer(&town, "confirmer", &["lockup", "approve", "confirm", &id]).status, Some(0));
    for holder in ["E1", "E2"] {
        town.takes("contracts", &contracts(&town, &[("H3", 8, holder, "2015-05-06", "")]));
        outside(&town.import("contracts", &[contracts(&town, &[("H4", 8, holder, "2024-05-06", "")])], &[]));
    }
}

#[tokio::test]
async fn while_the_register_opens_history_comes_in_several_files_and_the_check_lists_the_stock_that_rests_on_it() {
    let town = works().await;
    town.takes("contracts", &contracts(&town, &[("H1", 1, "E1", "2024-05-06", "")]));
    opened(&town, 80).await;
    town.takes("contracts", &contracts(&town, &[("H3", 8, "E1", "2015-05-06", "")]));
    assert_eq!(found(&town), []);
    town.takes("contracts", &contracts(&town, &[("H4", 8, "E1", "2024-05-06", "H3")]));
    assert_eq!(found(&town), [("H3".to_owned(), "H4".to_owned())]);
    // Long after, what came in time is stock still, and a new day of signature on it is none found late.
    opened(&town, 400).await;
    town.takes("contracts", &contracts(&town, &[("H3", 8, "E1", "2015-06-05", "")]));
    town.takes("contracts", &contracts(&town, &[("H5", 8, "E1", "2025-05-06", "H4")]));
    assert_eq!(town.run(&["check", "--only", "project-outside-zones"]).answer["findings"], json!([]));
}

#[tokio::test]
async fn a_clerk_does_not_make_history_by_writing_an_old_revision_into_it() {
    let town = works().await;
    town.takes("contracts", &contracts(&town, &[("H1", 1, "E1", "2024-05-06", "")]));
    let mut clerk = clerk(&town).await;
    let contract = |number: &str, signed_on: &str| {
        format!(
            "insert into contract (number, parcel, valid, recorded, kind, holder, signed_on, term_starts_on, term_ends_on, performance_terms, revision)
             select '{number}', code, daterange('{signed_on}', null), tstzrange(clock_timestamp(), null), 'grant', 'E2', '{signed_on}', '{signed_on}', '2060-01-01', true, 1
             from parcel where code like '%GB00008'"
        )
    };
    let both = format!("{}; {}", contract("H3", "2015-05-06"), contract("H4", "2024-05-06"));
    assert_eq!(attempt(&mut clerk, &both).await, Err("lockup".to_owned()));
    opened(&town, 91).await;
    assert_eq!(attempt(&mut clerk, &contract("H3", "2015-05-06")).await, Ok(()));
    assert_eq!(attempt(&mut clerk, &contract("H4", "2024-05-06")).await, Err("lockup".to_owned()));
    for statement in ["update contract_known set at = '2020-01-01'", "delete from contract_known"] {
        assert_eq!(attempt(&mut clerk, statement).await, Err("42501".to_owned()), "{statement}");
        let own = town.database.pool.execute(statement).await.unwrap_err();
        let constraint = own.as_database_error().and_then(|said| said.constraint().map(str::to_owned));
        assert_eq!(constraint.as_deref(), Some("lockup_is_kept"), "the program's own role: {statement}");
    }
}

#[tokio::test]
async fn an_approval_of_a_contract_is_about_one_that_is_on_record_from_before_the_rule() {
    let town = works().await;
    town.takes("contracts", &contracts(&town, &[("H1", 1, "E1", "2024-05-06", "")]));
    let one = parcel_code(1);
    for (arguments, code) in [
        (["continuation", "--contract", "H9"], "unknown-contract"),
        (["continuation", "--contract", "H1"], "not-before-the-rule"),
        (["continuation", "--parcel", &one], "wrong-land"),
        (["division", "--contract", "H1"], "wrong-land"),
    ] {
        let ended = propose(&town, &arguments);
        assert!(ended.status == Some(1) && ended.said.contains(code), "{code}: {ended:?}");
    }
}
