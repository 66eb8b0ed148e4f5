//! What the binary says of a result: in both languages, with the place among the peers, the source of the decision row and
//! what would lift the grade, held against the run itself.

use super::{city, review};
use crate::support::Town;
use serde_json::{Value, json};

type Kept = (String, String, Option<f64>, Option<i32>, String);

async fn kept(town: &Town) -> Vec<Kept> {
    let sql = "select parcel, grade, score, rank, receipt from review_result where run_id = 1 order by rank, parcel";
    sqlx::query_as(sql).fetch_all(&town.database.pool).await.unwrap()
}

fn explained(town: &Town, parcel: &str) -> Value {
    let ended = town.run(&["review", "explain", "1", parcel]);
    assert_eq!(ended.status, Some(0), "{}", ended.said);
    ended.answer
}

#[tokio::test]
async fn an_explanation_says_what_lifts_the_grade_and_where_the_parcel_stands_among_its_peers() {
    let town = city().await;
    review(&town, "out", "2");
    let kept = kept(&town).await;
    let receipt = |one: &Kept| serde_json::from_str::<Value>(&one.4).unwrap();
    let is_open = |one: &&Kept| receipt(one)["situation"]["veto"] == json!(false);
    for (grade, better) in [("B", "A"), ("C", "B"), ("D", "C")] {
        let one = kept.iter().filter(|one| one.1 == grade).find(is_open).unwrap();
        let said = explained(&town, &one.0);
        let lift = &said["lift"];
        assert_eq!((&lift["kind"], &lift["to"]), (&json!("figures"), &json!(better)), "{said}");
        // The last that its rank alone gives the better grade, whatever holds it down.
        let last = lift["rank"].as_i64().unwrap();
        let holds = kept.iter().find(|other| other.3.map(i64::from) == Some(last)).unwrap();
        let (asked, has) = (lift["score"].as_f64().unwrap(), holds.2.unwrap());
        assert!(asked == has || (asked - has - 1e-4).abs() < 1e-9, "{asked} for {has}");
        // The first of a grade is nearest to the better one: some figure does it.
        let way = &lift["ways"][0];
        assert!(way["to"] != way["from"] && way["amount"].as_f64().unwrap() > 0.0, "{lift}");
        let ahead = kept.iter().filter(|other| {
            let (own, theirs) = (receipt(one), receipt(other));
            own["peer_group"] == theirs["peer_group"] && other.2 > one.2
        });
        if receipt(one)["peer_group"] != "all" {
            assert_eq!(said["peers_ahead"], json!(ahead.count()), "{said}");
        }
        let text = |language: &str| {
            said[language].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect::<Vec<_>>().join("\n")
        };
        assert!(
            text("zh").contains(&format!("升至 {better} 级需得分"))
                && text("en").contains("any one of these is enough")
        );
        assert!(
            text("zh").contains("决策行出处（decisions@")
                && text("en").contains("Source of the decision row (decisions@")
        );
    }
    let held = kept.iter().find(|one| receipt(one)["situation"]["veto"] == json!(true) && one.1 != "T").unwrap();
    let said = explained(&town, &held.0);
    assert_eq!(said["lift"]["kind"], json!("held"), "{said}");
    let unjudged = kept.iter().find(|one| one.1 == "T").unwrap();
    assert_eq!(explained(&town, &unjudged.0)["lift"]["kind"], json!("not-judged"));

    // People get both languages, the Chinese first.
    let output = town.command().args(["review", "explain", "1", &held.0]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (zh, en) = (text.find("等级 ").unwrap(), text.find("Grade ").unwrap());
    assert!(output.status.success() && zh < en, "{text}");
    let unknown = town.run(&["review", "explain", "7", &held.0]);
    assert!(unknown.status == Some(1) && unknown.said.contains("run 7 has no result"), "{}", unknown.said);

    // Rules that were touched lift nobody; the receipt still speaks.
    sqlx::query("update review_scheme set source = source || ' '").execute(&town.database.pool).await.unwrap();
    let said = explained(&town, &held.0);
    assert!(said["lift"].is_null() && !said["zh"].as_array().unwrap().is_empty());
}
