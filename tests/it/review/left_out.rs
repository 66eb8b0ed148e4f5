//! Who is left out of a run by rule and why, kept with the run; and runs about those alone whose review is due by contract.

use super::{done, refused, review, small_register, table};
use crate::plot_ratio::get;
use crate::support::{Town, parcel_code};
use axum::http::StatusCode;
use landcycle::clock::Clock;
use landcycle::flow::review::queue::one;
use serde_json::{Value, json};

const CALENDAR: [&str; 8] = ["review", "run", "--kind", "calendar", "--as-of", "2026-06-30", "--out", "cal"];

/// Sixty parcels: 5 in use since 2020, 7 with a term that ends soon, 9 like 5 but under renewal, 11 in the reserve.
async fn town() -> Town {
    let town = small_register(false).await;
    let head = "contract_no,parcel_code,kind,signed_on,term_years,performance_terms,responsible_unit,term_ends_on";
    let rows = [
        format!("K5,{},出让,2014-09-01,50,1,区经委,", parcel_code(5)),
        format!("K7,{},出让,2007-07-01,20,0,镇政府,2027-07-01", parcel_code(7)),
        format!("K9,{},出让,2014-09-01,50,1,区经委,", parcel_code(9)),
    ];
    town.takes("contracts", &town.file("k.csv", format!("{head}\n{}\n", rows.join("\n"))));
    let head = "obligation_no,contract_no,kind,due_on,met_on";
    let rows = [
        "C5,K5,completion,2017-09-01,2017-08-01",
        "F5,K5,full_production,2020-06-30,2020-06-30",
        "C9,K9,completion,2017-09-01,2017-08-01",
        "F9,K9,full_production,2020-06-30,2020-06-30",
    ];
    town.takes("obligations", &town.file("ko.csv", format!("{head}\n{}\n", rows.join("\n"))));
    for (parcel, state) in [(9, "renewing"), (11, "reserved")] {
        let found = ["lifecycle", "found", &parcel_code(parcel), state, "--on", "2026-01-01", "--document", "d"];
        done(&town, "li", &found);
    }
    town
}

#[tokio::test]
async fn a_parcel_under_renewal_or_in_the_reserve_is_left_out_and_the_run_keeps_why() {
    let town = town().await;
    let made = review(&town, "out", "2");
    assert_eq!(made["left_out"], json!({"not-supplied": 1, "under-renewal": 1}), "{made}");
    assert_eq!((&made["parcels"], &made["judged"], &made["out_of_scope"]), (&json!(58), &json!(58), &json!(0)));
    let left = done(&town, "li", &["review", "show", "1", "--left-out"]);
    let (nine, eleven) = (parcel_code(9), parcel_code(11));
    let expected = json!([{"parcel": nine, "reason": "under-renewal"}, {"parcel": eleven, "reason": "not-supplied"}]);
    assert_eq!(left, expected);
    let shown = done(&town, "li", &["review", "show", "1"]);
    let of = |place: usize| (&shown["left_out"][place]["reason"], &shown["left_out"][place]["rule"]);
    assert_eq!(of(1), (&json!("under-renewal"), &json!("left-out-under-renewal")), "{shown}");
    assert!(shown["left_out"][1]["title"]["zh"].as_str().unwrap().contains("更新"), "{shown}");
    refused(&town, "li", &["review", "explain", "1", &nine], &["left out", "its plan or contract is being changed"])
        .await;
    // Before its life led there it was judged; and the same run again is the same.
    let sooner = done(&town, "li", &["review", "run", "--as-of", "2025-12-31", "--out", "sooner"]);
    assert_eq!((&sooner["left_out"], &sooner["parcels"]), (&json!({}), &json!(60)));
    assert_eq!(review(&town, "again", "1")["repeated"], json!(true));

    let pool = &town.database.pool;
    let (status, page) = get(pool, "/api/v1/reviews/1/left-out?limit=1").await;
    assert_eq!((status, &page["left_out"][0], &page["next"]), (StatusCode::OK, &expected[0], &json!(nine)));
    let (_, page) = get(pool, "/api/v1/reviews/1/left-out?reason=not-supplied").await;
    assert_eq!((&page["left_out"], &page["next"]), (&json!([expected[1]]), &Value::Null));
    assert_eq!(get(pool, "/api/v1/reviews/1/left-out?reason=whim").await.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(get(pool, "/api/v1/reviews/9/left-out").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_bureau_that_judges_land_under_renewal_too_says_so_in_its_rulebook() {
    let town = town().await;
    let values = "[[value]]\nkey = \"left-out-under-renewal\"\ntitle = { zh = \"更新中照常评估\", en = \"judged too\" }\n\
                  value = 0.0\nunit = \"flag\"\neffective_from = 2026-01-01\nsource = \"区规〔2025〕9号\"\nassumption = false\n";
    std::fs::create_dir_all(town.folder().join("rules/rulebook")).unwrap();
    town.file("rules/rulebook/values.toml", values);
    let made = done(&town, "li", &["--rules", "rules", "review", "run", "--as-of", "2026-06-30", "--out", "out"]);
    assert_eq!((&made["left_out"], &made["parcels"]), (&json!({"not-supplied": 1}), &json!(59)));
}

#[tokio::test]
async fn what_a_run_keeps_of_those_left_out_cannot_be_changed_unnoticed() {
    let town = town().await;
    review(&town, "out", "2");
    assert_eq!(done(&town, "li", &["review", "replay", "1"])["beside_is_whole"], json!(true));
    let pool = &town.database.pool;
    let change = "update review_left_out set reason = 'vacant'";
    assert!(sqlx::query(change).execute(pool).await.is_err(), "rows are never changed");
    sqlx::query("alter table review_left_out disable trigger user").execute(pool).await.unwrap();
    sqlx::query(change).execute(pool).await.unwrap();
    refused(&town, "li", &["review", "replay", "1"], &["who was left out"]).await;
}

#[tokio::test]
async fn a_run_of_the_calendar_is_about_those_alone_whose_review_is_due_among_the_others_as_peers() {
    let town = town().await;
    let round = review(&town, "out", "2");
    let made = done(&town, "li", &CALENDAR);
    assert_eq!((&made["run"], &made["kind"]), (&json!(2), &json!("calendar")), "{made}");
    assert_eq!((&made["parcels"], &made["judged"]), (&json!(2), &round["judged"]));
    let rows = table(&town.folder().join("cal/review-results.csv"));
    let whole = table(&town.folder().join("out/review-results.csv"));
    assert_eq!(rows.iter().map(|row| row["parcel_code"].clone()).collect::<Vec<_>>().len(), 2);
    for row in &rows {
        let same = whole.iter().find(|one| one["parcel_code"] == row["parcel_code"]).unwrap();
        assert_eq!((&row["grade"], &row["score"], &row["rank"]), (&same["grade"], &same["score"], &same["rank"]));
    }
    let shown = done(&town, "li", &["review", "show", "2"]);
    let expected = json!([{"review": "expiry", "reviews": 1}, {"review": "process", "reviews": 1}]);
    assert_eq!(shown["answers"], expected);
    let parcels: i64 = shown["found"].as_array().unwrap().iter().map(|one| one["parcels"].as_i64().unwrap()).sum();
    assert_eq!(parcels, 2);
    refused(&town, "li", &["review", "explain", "2", &parcel_code(8)], &["no result"]).await;
    done(&town, "li", &["review", "explain", "2", &parcel_code(5)]);
    // Receipts of the peers are kept, so that it can be judged again; maps and dossiers go on showing the round.
    assert_eq!(done(&town, "li", &["review", "replay", "2"])["parcels"], round["parcels"]);
    let told = |code: &str| {
        let answer = town.run(&["dossier", code]).answer;
        let timeline = answer["timeline"].to_string();
        (answer["review"]["run_id"].clone(), timeline.contains("run 1"), timeline.contains("run 2"))
    };
    assert_eq!((told(&parcel_code(5)), told(&parcel_code(8))), ((json!(1), true, true), (json!(1), true, false)));
    let again = done(&town, "li", &CALENDAR);
    assert_eq!((&again["repeated"], &again["parcels"]), (&json!(true), &json!(2)));
}

/// Contract and review of what is to be done on a day.
fn due(town: &Town, day: &str) -> Vec<(String, u64)> {
    let answer = done(town, "li", &["review", "due", "--as-of", day]);
    let word = |one: &Value| (one["contract"].as_str().unwrap().to_owned(), one["number"].as_u64().unwrap());
    answer["items"].as_array().unwrap().iter().map(word).collect()
}

#[tokio::test]
async fn publishing_a_run_of_the_calendar_closes_the_reviews_it_answers_and_no_others() {
    let town = town().await;
    done(&town, "li", &CALENDAR);
    let today: String = town.value("select ((now() at time zone 'Asia/Shanghai')::date)::text").await;
    let open = [("K5", 2), ("K7", 1), ("K9", 2)].map(|(contract, number)| (contract.to_owned(), number));
    assert_eq!(due(&town, &today).iter().filter(|one| open.contains(one)).count(), 3, "a draft closes nothing");
    done(&town, "wang", &["review", "publish", "1"]);
    let left = due(&town, &today);
    assert!(left.contains(&open[2]), "what is left out stays due: {left:?}");
    assert!(!left.contains(&open[0]) && !left.contains(&open[1]), "{left:?}");
    let withdraw = ["review", "accept", "K5", "process", "--number", "2", "--document", "d", "--withdraw"];
    refused(&town, "li", &withdraw, &["was done by a published run"]).await;
    // A round answers the year of the city and closes nothing that a contract makes due.
    let round = done(&town, "li", &["review", "due", "--as-of", &today])["round"]["answered_by_run"].clone();
    assert_eq!(round, Value::Null);
}

#[tokio::test]
async fn a_run_of_the_calendar_with_nothing_due_is_refused_and_one_that_is_queued_is_run() {
    let bare = small_register(false).await;
    refused(&bare, "li", &CALENDAR, &["no contract makes a review due", "review due --as-of 2026-06-30"]).await;
    let town = town().await;
    let queued = ["review", "run", "--kind", "calendar", "--as-of", "2026-06-30", "--queue"];
    done(&town, "li", &queued);
    assert!(one(&town.database.pool, Clock::of_the_machine(), 1).await.unwrap());
    assert_eq!(town.value::<String>("select kind from review_run").await, "calendar");
    assert_eq!(town.value::<i64>("select count(*) from review_due").await, 2);
}
