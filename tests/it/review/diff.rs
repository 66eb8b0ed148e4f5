//! Two runs compared: what moved a parcel is told apart by judging the city again.

use super::{review, small_register};
use crate::support::{Town, parcel, parcel_code};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn between(town: &Town, old: &str, new: &str) -> Value {
    let ended = town.run(&["review", "diff", old, new]);
    assert_eq!(ended.status, Some(0), "{}", ended.said);
    ended.answer
}

fn sum(diff: &Value) -> u64 {
    diff["matrix"].as_array().unwrap().iter().flat_map(|row| row.as_array().unwrap()).map(|n| n.as_u64().unwrap()).sum()
}

/// Grade, list and facts of every parcel in a run.
async fn standings(town: &Town, run: i64) -> BTreeMap<String, (Value, Value)> {
    let sql = "select parcel, receipt from review_result where run_id = $1";
    let rows: Vec<(String, String)> = sqlx::query_as(sql).bind(run).fetch_all(&town.database.pool).await.unwrap();
    let read = |text: String| {
        let receipt: Value = serde_json::from_str(&text).unwrap();
        (json!({"grade": receipt["grade"], "list": receipt["decision"]["list"]}), receipt["facts"].clone())
    };
    rows.into_iter().map(|(code, text)| (code, read(text))).collect()
}

#[tokio::test]
async fn what_moved_a_parcel_is_its_own_facts_or_the_others_or_the_rules() {
    let town = small_register(false).await;
    review(&town, "out", "2");
    assert_eq!(between(&town, "1", "1")["moves"], json!([]));
    // Ten enterprises pay far more tax: their parcels rise by their own facts, and push others down.
    let sql = "update annual_return set tax_wan_yuan = tax_wan_yuan + 20000 where enterprise like 'E1_'";
    sqlx::query(sql).execute(&town.database.pool).await.unwrap();
    review(&town, "facts", "2");
    let facts = between(&town, "1", "2");
    assert_eq!(sum(&facts), 60);
    let (before, after) = (standings(&town, 1).await, standings(&town, 2).await);
    let moved: BTreeMap<&str, &Value> =
        facts["moves"].as_array().unwrap().iter().map(|one| (one["parcel"].as_str().unwrap(), one)).collect();
    let mut seen = [0, 0];
    for (code, (stood, old)) in &before {
        let (stands, new) = &after[code];
        assert_eq!(moved.contains_key(code.as_str()), stood != stands, "{code}");
        let Some(one) = moved.get(code.as_str()) else { continue };
        assert_eq!((&one["before"], &one["after"]), (stood, stands));
        let causes: Vec<&str> = one["causes"].as_array().unwrap().iter().map(|cause| cause.as_str().unwrap()).collect();
        assert!(!causes.is_empty() && !causes.contains(&"rules"), "{one}");
        if old == new {
            assert_eq!(causes, ["peers"], "{one}");
            seen[0] += 1;
        } else if causes.contains(&"facts") {
            seen[1] += 1;
        }
    }
    assert!(seen[0] > 0 && seen[1] > 0, "{seen:?}");
    // The same facts under other cut-offs: only the rules.
    let shipped = include_str!("../../../data/schemes/default.toml");
    let cut = "\na = 20.0\n";
    assert!(shipped.contains(cut));
    town.file("strict.toml", shipped.replacen(cut, "\na = 5.0\n", 1));
    let ended = town.run(&["review", "run", "--as-of", "2026-06-30", "--scheme", "strict.toml", "--out", "strict"]);
    assert_eq!(ended.status, Some(0), "{}", ended.said);
    let rules = between(&town, "2", "3");
    let moves = rules["moves"].as_array().unwrap();
    assert!(!moves.is_empty());
    assert!(moves.iter().all(|one| one["causes"] == json!(["rules"])), "{rules}");
}

#[tokio::test]
async fn a_parcel_that_is_new_in_a_run_entered_and_the_other_way_round_it_left() {
    let town = small_register(false).await;
    review(&town, "out", "2");
    town.takes("parcels", &town.geojson("more", &[parcel(77)]));
    review(&town, "more", "2");
    let found = |old, new| {
        let diff = between(&town, old, new);
        diff["moves"].as_array().unwrap().iter().find(|one| one["parcel"] == parcel_code(77)).unwrap().clone()
    };
    let (entered, left) = (found("1", "2"), found("2", "1"));
    assert_eq!((&entered["before"], &entered["causes"]), (&Value::Null, &json!(["entered"])));
    assert_eq!((&left["after"], &left["causes"]), (&Value::Null, &json!(["left"])));
    let unknown = town.run(&["review", "diff", "1", "9"]);
    assert!(unknown.status == Some(1) && unknown.said.contains("no review run 9"), "{}", unknown.said);
}
