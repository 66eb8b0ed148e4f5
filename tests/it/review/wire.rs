//! Reviews over HTTP: the runs, one run's life, its results page by page, a receipt with its reasons, what lies between two
//! runs, and what is said against one; each as the command line tells it.

use super::{done, receipts, small_register};
use crate::plot_ratio::get;
use crate::support::{Town, parcel_code};
use axum::http::StatusCode;
use serde_json::{Value, json};

/// Two runs that li made, the first under notice with an objection.
async fn town() -> Town {
    let town = small_register(false).await;
    done(&town, "li", &["review", "run", "--as-of", "2026-06-30", "--out", "out"]);
    done(&town, "wang", &["review", "publish", "1"]);
    done(&town, "wang", &["review", "notice", "1", "--document", "公示"]);
    let code = parcel_code(7);
    let object = ["review", "object", "1", &code, "--by", "一号厂", "--ground", "g", "--document", "d"];
    done(&town, "wang", &object);
    sqlx::query("update annual_return set tax_wan_yuan = tax_wan_yuan + 20000 where enterprise like 'E1_'")
        .execute(&town.database.pool)
        .await
        .unwrap();
    done(&town, "li", &["review", "run", "--as-of", "2026-06-30", "--out", "second"]);
    town
}

#[tokio::test]
async fn runs_and_what_they_found_are_read_over_http_as_the_command_line_tells_them() {
    let town = town().await;
    let pool = &town.database.pool;
    let ok = async |path: &str| {
        let (status, answer) = get(pool, path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        answer
    };
    let first = ok("/api/v1/reviews?limit=1").await;
    assert_eq!((&first["runs"][0]["run"], &first["next"]), (&json!(2), &json!(2)));
    let second = ok("/api/v1/reviews?limit=1&after=2").await;
    assert_eq!(
        (&second["runs"][0]["run"], &second["runs"][0]["state"], &second["next"]),
        (&json!(1), &json!("noticed"), &Value::Null)
    );
    let mut told = town.run(&["review", "show", "1"]).answer;
    let against = told.as_object_mut().unwrap().remove("against").unwrap();
    assert_eq!(ok("/api/v1/reviews/1").await, told);
    assert_eq!((&told["objections"], &told["objections_open"]), (&json!(1), &json!(1)));
    assert_eq!(ok("/api/v1/reviews/1/objections").await["objections"], against);
    assert_eq!(ok("/api/v1/reviews/1/objections?after=1").await["objections"], json!([]));

    // Page by page every parcel once, in the order of codes, with the receipt that was kept.
    let mut seen = Vec::new();
    let mut path = "/api/v1/reviews/2/results?limit=25".to_owned();
    loop {
        let page = ok(&path).await;
        for one in page["results"].as_array().unwrap() {
            seen.push((one["parcel"].as_str().unwrap().to_owned(), one["receipt"].as_str().unwrap().to_owned()));
        }
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/v1/reviews/2/results?limit=25&after={next}");
    }
    let kept = receipts(&town).await;
    let kept: Vec<(String, String)> = kept[60..].iter().map(|(code, hash, _)| (code.clone(), hash.clone())).collect();
    assert_eq!(seen, kept);
    for one in ok("/api/v1/reviews/2/results?grade=C&limit=1000").await["results"].as_array().unwrap() {
        assert_eq!(one["grade"], "C");
    }
    let code = parcel_code(7);
    let explained = ok(&format!("/api/v1/reviews/1/results/{code}")).await;
    assert_eq!(explained, town.run(&["review", "explain", "1", &code]).answer);
    let mut diff = town.run(&["review", "diff", "1", "2"]).answer;
    diff.as_object_mut().unwrap().remove("kept_in");
    assert_eq!(ok("/api/v1/reviews/2/diff?with=1").await, diff);
}

#[tokio::test]
async fn what_is_not_there_or_not_understood_is_a_problem_with_what_was_expected() {
    let town = town().await;
    for (path, status) in [
        ("/api/v1/reviews/9", StatusCode::NOT_FOUND),
        ("/api/v1/reviews/x", StatusCode::NOT_FOUND),
        ("/api/v1/reviews/9/results", StatusCode::NOT_FOUND),
        ("/api/v1/reviews/9/objections", StatusCode::NOT_FOUND),
        ("/api/v1/reviews/1/results/310115001001GB00099", StatusCode::NOT_FOUND),
        ("/api/v1/reviews/1/results/nonsense", StatusCode::NOT_FOUND),
        ("/api/v1/reviews/1/diff?with=9", StatusCode::NOT_FOUND),
        ("/api/v1/reviews/1/diff", StatusCode::UNPROCESSABLE_ENTITY),
        ("/api/v1/reviews?limit=0", StatusCode::UNPROCESSABLE_ENTITY),
        ("/api/v1/reviews?limit=1001", StatusCode::UNPROCESSABLE_ENTITY),
        ("/api/v1/reviews?of=1", StatusCode::UNPROCESSABLE_ENTITY),
        ("/api/v1/reviews/1/results?grade=E", StatusCode::UNPROCESSABLE_ENTITY),
        ("/api/v1/reviews/1/results?list=black", StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let (told, problem) = get(&town.database.pool, path).await;
        assert_eq!(told, status, "{path}: {problem}");
        assert!(problem["type"].as_str().unwrap().starts_with("/problems/"), "{path}: {problem}");
        if status == StatusCode::UNPROCESSABLE_ENTITY {
            assert!(!problem["findings"][0]["expected"].is_null(), "{path}: {problem}");
        }
    }
}
