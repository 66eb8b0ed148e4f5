//! The calendar of reviews by the built binary and over HTTP: what contracts make due, what cannot be counted for want of
//! what, and what is done of it.

use super::{by, done, refused, table};
use crate::plot_ratio::get;
use crate::support::{Town, parcel_code};
use axum::http::StatusCode;
use calamine::Reader as _;
use serde_json::{Value, json};

/// Contract H1 with performance terms and no obligation on record; H2 in use since 2020; H3 that ends soon.
pub async fn town() -> Town {
    let town = Town::settled().await;
    let head = "contract_no,parcel_code,kind,signed_on,term_years,performance_terms,responsible_unit,term_ends_on";
    let rows = [
        format!("H2,{},出让,2014-09-01,50,1,区经委,", parcel_code(2)),
        format!("H3,{},出让,2007-07-01,20,0,镇政府,2027-07-01", parcel_code(3)),
    ];
    town.takes("contracts", &town.file("c.csv", format!("{head}\n{}\n", rows.join("\n"))));
    let head = "obligation_no,contract_no,kind,due_on,met_on";
    let rows = ["C,H2,completion,2017-09-01,2017-08-01", "F,H2,full_production,2020-06-30,2020-06-30"];
    town.takes("obligations", &town.file("o.csv", format!("{head}\n{}\n", rows.join("\n"))));
    town
}

fn due(town: &Town, flags: &[&str]) -> Value {
    done(town, "li", &[&["review", "due", "--as-of", "2026-07-10"][..], flags].concat())
}

/// Contract, review, number, state, day and days late of each.
fn items(answer: &Value) -> Vec<Value> {
    let list = answer["items"].as_array().unwrap();
    list.iter()
        .map(|one| {
            json!([
                one["contract"],
                one["review"],
                one["number"],
                one["state"],
                one["due_on"],
                one["late_days"],
                one["missing"]
            ])
        })
        .collect()
}

#[tokio::test]
async fn what_contracts_make_due_is_listed_with_its_day_its_origin_and_the_rule_that_it_rests_on() {
    let town = town().await;
    let answer = due(&town, &[]);
    let in_use = json!(["H2", "process", 2, "overdue", "2026-06-30", 10, null]);
    let expiry = json!(["H3", "expiry", 1, "overdue", "2026-07-01", 9, null]);
    assert_eq!(items(&answer), [in_use.clone(), expiry.clone()], "{answer}");
    let first = &answer["items"][0];
    assert_eq!((&first["parcel"], &first["district"]), (&json!(parcel_code(2)), &json!("310115")));
    assert_eq!((&first["body"], &first["counted_from"]), (&json!("区经委"), &json!("2020-06-30")));
    assert_eq!(first["how"]["en"], "full production on 2020-06-30, every 3 years, number 2 → 2026-06-30");
    assert_eq!(first["how"]["zh"], "达产（2020-06-30）起每3年一次，第2次 → 2026-06-30");
    let rule = &answer["rules"][first["rule"].as_str().unwrap()];
    assert_eq!((&rule["value"], &rule["unit"], &rule["assumption"]), (&json!(36.0), &json!("months"), &json!(true)));
    assert!(rule["source"].as_str().unwrap().contains("3 to 5 years"), "{rule}");

    // The day before it ends it is due; what is far ahead is only listed where it is asked for.
    assert_eq!(items(&done(&town, "li", &["review", "due", "--as-of", "2026-06-30"]))[0][3], "due");
    let far = due(&town, &["--within", "1500"]);
    assert!(items(&far).contains(&json!(["H2", "process", 3, "not_yet", "2029-06-30", 0, null])), "{far}");
    assert_eq!(items(&due(&town, &["--body", "镇政府"])), [expiry]);
    assert_eq!(items(&due(&town, &["--district", "310115"])).len(), 2);
    refused(&town, "li", &["review", "due", "--as-of", "2026-07-10", "--district", "310199"], &["310199", "310115"])
        .await;
}

#[tokio::test]
async fn what_cannot_be_counted_says_which_fact_is_missing() {
    let town = town().await;
    let answer = due(&town, &["--unknown"]);
    let expected = json!({"obligation:completion": 1, "obligation:full_production": 2});
    assert_eq!((&answer["missing"], &answer["cannot_be_counted"]), (&expected, &json!(3)), "{answer}");
    let of = |review: &str| items(&answer).into_iter().find(|one| one[1] == review).unwrap();
    assert_eq!(of("completion"), json!(["H1", "completion", 1, "unknown", null, 0, "obligation:completion"]));
    let head = "obligation_no,contract_no,kind,due_after,due_count,due_unit";
    town.takes("obligations", &town.file("h.csv", format!("{head}\nH,H1,completion,handover,30,months\n")));
    let answer = due(&town, &["--unknown"]);
    // Without full production on record, reviews in use count from completion, and want for the same day.
    assert_eq!(answer["missing"]["event:handover"], 2, "{answer}");
    assert_eq!(answer["items"][0]["how"]["en"], "cannot be counted: no handover date is on record");
}

#[tokio::test]
async fn the_list_is_written_for_people_as_csv_and_as_a_workbook() {
    let town = town().await;
    let output = town.command().args(["review", "due", "--as-of", "2026-07-10"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for line in ["overdue            2", "obligation:completion 1", "2026-06-30  10", "process 2", "year 3 of 3"] {
        assert!(text.contains(line), "{line}:\n{text}");
    }
    for file in ["due.csv", "due.xlsx"] {
        due(&town, &["--out", file]);
    }
    let rows = table(&town.folder().join("due.csv"));
    assert_eq!((rows.len(), rows[0]["late_days"].as_str(), rows[1]["review_zh"].as_str()), (2, "10", "到期评估"));
    let mut book: calamine::Xlsx<_> = calamine::open_workbook(town.folder().join("due.xlsx")).unwrap();
    assert_eq!(book.worksheet_range_at(0).unwrap().unwrap().rows().count(), 3);
    let wrong = by(&town, "li", &["review", "due", "--as-of", "2026-07-10", "--out", "due.shp"]);
    assert_eq!(wrong.status, Some(2), "{}", wrong.said);
}

#[tokio::test]
async fn a_review_done_on_paper_is_entered_once_and_can_be_withdrawn() {
    let town = town().await;
    let accept = |more: &[&'static str]| [&["review", "accept", "H2", "process", "--number", "2"][..], more].concat();
    let answer = done(&town, "li", &accept(&["--document", "评估报告〔2026〕3号", "--on", "2026-06-20"]));
    assert_eq!((&answer["review"], &answer["withdrawn"]), (&json!("process"), &json!(false)));
    assert_eq!(items(&due(&town, &[])).len(), 1, "only the term that ends is left");
    // On a day before it was done it was still to be done.
    assert_eq!(items(&done(&town, "li", &["review", "due", "--as-of", "2026-06-19"]))[0][0], "H2");
    refused(&town, "li", &accept(&["--document", "d"]), &["is done already, on 2026-06-20"]).await;
    done(&town, "li", &accept(&["--document", "更正", "--withdraw"]));
    assert_eq!(items(&due(&town, &[])).len(), 2);
    refused(&town, "li", &accept(&["--document", "d", "--withdraw"]), &["nothing to withdraw"]).await;
    refused(&town, "li", &accept(&["--document", " "]), &["--document"]).await;
    refused(&town, "li", &accept(&["--document", "d", "--on", "2199-01-01"]), &["yet to come"]).await;
    let other = ["review", "accept", "H3", "process", "--document", "d"];
    refused(&town, "li", &other, &["makes no review process 1 due", "expiry"]).await;
    refused(&town, "li", &["review", "accept", "H9", "expiry", "--document", "d"], &["H9"]).await;
    let kept: Vec<String> = town.values("select verdict || ' ' || actor from review_acceptance order by id").await;
    assert_eq!(kept, ["accepted cli:li", "withdrawn cli:li"]);
    for change in ["update review_acceptance set document = 'x'", "delete from review_acceptance"] {
        assert!(sqlx::query(change).execute(&town.database.pool).await.is_err(), "{change}");
    }
}

#[tokio::test]
async fn the_calendar_is_read_over_http_page_by_page_as_the_command_line_tells_it() {
    let town = town().await;
    let pool = &town.database.pool;
    let path = "/api/v1/reviews/due?as_of=2026-07-10";
    let (status, whole) = get(pool, path).await;
    assert_eq!((status, &whole), (StatusCode::OK, &due(&town, &[])));
    let (_, first) = get(pool, &format!("{path}&limit=1")).await;
    let next = first["next"].as_str().unwrap();
    let (_, second) = get(pool, &format!("{path}&limit=1&after={next}")).await;
    assert_eq!([&first["items"][0], &second["items"][0]], [&whole["items"][0], &whole["items"][1]]);
    assert_eq!(second["next"], Value::Null);
    let (_, unknown) = get(pool, &format!("{path}&unknown=true")).await;
    assert_eq!(unknown["items"].as_array().unwrap().len(), 3);
    for wrong in ["&district=310199", "&within=99999", "&after=00", "&limit=5000", "&other=1"] {
        let (status, problem) = get(pool, &format!("{path}{wrong}")).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}: {problem}");
    }
}

#[tokio::test]
async fn an_empty_register_has_nothing_due_and_says_where_the_round_of_the_city_stands() {
    let town = Town::empty().await;
    let answer = due(&town, &[]);
    assert_eq!((items(&answer).len(), &answer["cannot_be_counted"]), (0, &json!(0)));
    let round = &answer["round"];
    assert_eq!(
        (&round["year"], &round["due_on"], &round["answered_by_run"]),
        (&json!(3), &json!("2027-03-31"), &Value::Null)
    );
    assert_eq!(round["rules"][0]["effective_from"], "2024-04-01");
    assert_eq!(done(&town, "li", &["review", "due", "--as-of", "2024-03-31"])["round"], Value::Null);
}

#[tokio::test]
async fn a_contract_says_how_many_years_apart_its_land_in_use_is_reviewed() {
    let town = town().await;
    let head = "合同编号,宗地编码,供应方式,签订日期,term_years,performance_terms,评估周期";
    let row = |years: &str| format!("{head}\nH2,{},出让,2014-09-01,50,1,{years}\n", parcel_code(2));
    let refused = town.import("contracts", &[town.file("six.csv", row("6"))], &[]);
    assert_eq!(refused.answer["findings"][0]["code"], "out-of-range", "{refused:?}");
    town.takes("contracts", &town.file("five.csv", row("5")));
    let answer = due(&town, &[]);
    assert_eq!(items(&answer)[0], json!(["H2", "process", 1, "overdue", "2025-06-30", 375, null]), "{answer}");
    let first = &answer["items"][0];
    assert_eq!(first["rule"], Value::Null, "the contract itself says");
    assert!(first["how"]["en"].as_str().unwrap().contains("every 5 years as the contract has it"), "{first}");
    let out = town.folder().join("all.csv");
    done(&town, "li", &["export", "contracts", "--format", "csv", "--out", out.to_str().unwrap()]);
    assert_eq!(town.tally("contracts", &out), [3, 0, 3, 0], "{}", std::fs::read_to_string(&out).unwrap());
}

#[tokio::test]
async fn the_dossier_of_a_parcel_tells_its_reviews_what_they_count_from_and_what_was_done() {
    let town = town().await;
    let accept = ["review", "accept", "H2", "process", "--number", "1", "--document", "评估报告", "--on", "2023-06-20"];
    done(&town, "li", &accept);
    let pool = &town.database.pool;
    let (status, found) = get(pool, &format!("/api/v1/parcels/{}?valid_at=2026-07-10", parcel_code(2))).await;
    assert_eq!(status, StatusCode::OK, "{found}");
    let list = found["review_calendar"].as_array().unwrap();
    let told: Vec<Value> =
        list.iter().map(|one| json!([one["review"], one["number"], one["state"], one["due_on"]])).collect();
    let expected = [
        json!(["completion", 1, "missed", "2017-11-01"]),
        json!(["full_production", 1, "missed", "2020-09-30"]),
        json!(["process", 1, "done", "2023-06-30"]),
        json!(["process", 2, "overdue", "2026-06-30"]),
        json!(["process", 3, "not_yet", "2029-06-30"]),
    ];
    assert_eq!(told[..5], expected, "{told:?}");
    assert_eq!((told.len(), &told[5][0], &told[5][2]), (6, &json!("expiry"), &json!("not_yet")), "{told:?}");
    assert_eq!((&list[2]["done_on"], &list[2]["done_by_document"]), (&json!("2023-06-20"), &json!("评估报告")));
    assert_eq!((&list[3]["late_days"], &list[3]["counted_from"]), (&json!(10), &json!("2020-06-30")));
    let quoted = &list[3]["quoted"];
    assert_eq!((&quoted["key"], &quoted["assumption"]), (&json!("review-process-months"), &json!(true)));
    // That a later entry is not known earlier: when the imports were done nothing was accepted.
    let before: String = town
        .value(
            "select to_char(max(recorded_at) filter (where act like 'import%') at time zone 'utc', \
             'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') from revision",
        )
        .await;
    let path = format!("/api/v1/parcels/{}?valid_at=2026-07-10&known_at={before}", parcel_code(2));
    let (status, earlier) = get(pool, &path).await;
    assert_eq!((status, &earlier["review_calendar"][2]["state"]), (StatusCode::OK, &json!("missed")), "{earlier}");
}

#[tokio::test]
async fn a_scheme_says_how_many_years_lie_between_reviews_where_no_contract_does() {
    let town = town().await;
    let text = include_str!("../../../data/schemes/default.toml");
    let text = text.replacen("source = \"assumption; grades", "review_years = 5\nsource = \"assumption; grades", 1);
    assert!(text.contains("review_years"), "the scheme is another");
    town.file("five.toml", text);
    let answer = due(&town, &["--scheme", "five.toml"]);
    // Five years after 30 June 2020: overdue for a year and ten days, by the scheme and no value of the rulebook.
    let first = items(&answer).into_iter().find(|one| one[0] == "H2").unwrap();
    assert_eq!(first, json!(["H2", "process", 1, "overdue", "2025-06-30", 375, null]));
    let entry = answer["items"].as_array().unwrap().iter().find(|one| one["contract"] == "H2").unwrap();
    let how = "full production on 2020-06-30, every 5 years as the scheme has it, number 1 → 2025-06-30";
    assert_eq!((&entry["how"]["en"], &entry["rule"]), (&json!(how), &Value::Null));
    let unknown = ["review", "due", "--as-of", "2026-07-10", "--scheme", "none"];
    refused(&town, "li", &unknown, &["no scheme", "default"]).await;
    // Over HTTP a scheme is named, and no file is.
    let pool = &town.database.pool;
    let (status, problem) = get(pool, "/api/v1/reviews/due?as_of=2026-06-30&scheme=five.toml").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    assert!(problem.to_string().contains("five.toml"), "{problem}");
    let (status, _) = get(pool, "/api/v1/reviews/due?as_of=2026-06-30&scheme=default").await;
    assert_eq!(status, StatusCode::OK);
}
