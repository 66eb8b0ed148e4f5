//! A scheme that measures against what the last published round found, and against what contracts promise.

use super::{done, receipts, small_register};
use crate::support::{Town, parcel_code};
use serde_json::{Value, json};

/// The default scheme with tax against the last round, output against the contract; the rest as it was, and enough to judge
/// by where both are absent.
fn scheme() -> String {
    let text =
        include_str!("../../../data/schemes/default.toml").replacen("name = \"default\"", "name = \"rounds\"", 1);
    let peers = "benchmark = { kind = \"peer-percentile\", at = 50.0 }";
    let text = text.replacen("coverage = 0.6", "coverage = 0.1", 1);
    let text = text.replacen(peers, "benchmark = { kind = \"last-round-mean\" }", 1);
    text.replacen(peers, "benchmark = { kind = \"contract-target\" }", 1)
}

/// Runs it on a day; answers the receipts of that run, parsed, in the order of parcels.
async fn run(town: &Town, day: &str, number: usize) -> Vec<Value> {
    done(town, "li", &["review", "run", "--scheme", "rounds.toml", "--as-of", day, "--out", day]);
    let all = receipts(town).await;
    assert_eq!(all.len(), 60 * number);
    all[60 * (number - 1)..].iter().map(|(_, _, text)| serde_json::from_str(text).unwrap()).collect()
}

#[tokio::test]
async fn a_round_is_measured_against_the_one_published_before_and_against_contracts_and_replays_alone() {
    let town = small_register(false).await;
    town.file("rounds.toml", scheme());
    let contract = format!(
        "contract_no,parcel_code,kind,signed_on,term_years,performance_terms\nC3,{},出让,2019-01-15,20,是\n",
        parcel_code(3)
    );
    town.takes("contracts", &town.file("contracts.csv", contract));
    let duties = "obligation_no,contract_no,kind,due_on,target,unit\nO1,C3,output,2022-12-31,90,万元/亩·年\n";
    town.takes("obligations", &town.file("duties.csv", duties));
    let first = run(&town, "2025-06-30", 1).await;
    for receipt in &first {
        let has_contract = receipt["facts"]["code"] == parcel_code(3);
        let (tax, output) = (&receipt["indicators"][0], &receipt["indicators"][1]);
        assert_eq!((&tax["benchmark"], &tax["absent"]), (&Value::Null, &json!("no-earlier-round")));
        let expected = if has_contract { (json!(90), Value::Null) } else { (Value::Null, json!("no-contract")) };
        assert_eq!((&output["benchmark"], &output["absent"]), (&expected.0, &expected.1), "{output}");
    }
    done(&town, "wang", &["review", "publish", "1"]);
    let second = run(&town, "2026-06-30", 2).await;
    let judged = first.iter().filter(|one| one["grade"] != "T");
    let taxes: Vec<f64> = judged.filter_map(|one| one["indicators"][0]["value"].as_f64()).collect();
    let mean = taxes.iter().sum::<f64>() / f64::from(u32::try_from(taxes.len()).unwrap());
    assert!(taxes.len() > 20, "{taxes:?}");
    for receipt in &second {
        let found = receipt["indicators"][0]["benchmark"].as_f64().unwrap();
        assert!((found - mean).abs() < 1e-5, "{found} {mean}");
    }
    // A round published later, and the one before gone, change nothing of what was kept.
    done(&town, "li", &["review", "diff", "1", "2", "--keep"]);
    done(&town, "wang", &["review", "publish", "2"]);
    sqlx::query("update review_result set receipt = replace(receipt, '\"value\":', '\"value\":1') where run_id = 1")
        .execute(&town.database.pool)
        .await
        .unwrap();
    assert_eq!(done(&town, "li", &["review", "replay", "2"])["different"], 0);
}
