//! Objections to a run under notice: taken, answered, the parcel judged again by corrected facts, and nobody else's grade
//! moved.

use super::{by, done, receipts, refused, small_register, table};
use crate::support::{Town, parcel_code};
use chrono::{Days, NaiveDate};
use landcycle::flow::review::life::{LifeError, finalise};
use landcycle::store::changes::{Since, since};
use serde_json::{Value, json};

const DOCUMENT: &str = "沪规公示〔2026〕7号";

/// A run that li made and wang published and put under notice; and the last day of it.
async fn noticed() -> (Town, NaiveDate) {
    let town = small_register(false).await;
    done(&town, "li", &["review", "run", "--as-of", "2026-06-30", "--out", "out"]);
    refused(&town, "wang", &["review", "notice", "1", "--document", DOCUMENT], &["run 1 is draft", "publish"]).await;
    done(&town, "wang", &["review", "publish", "1"]);
    refused(&town, "wang", &["review", "notice", "1", "--document", ""], &["--document"]).await;
    let noticed = done(&town, "wang", &["review", "notice", "1", "--document", DOCUMENT]);
    let until: NaiveDate = noticed["life"]["until"].as_str().unwrap().parse().unwrap();
    let from: NaiveDate = noticed["life"]["from"].as_str().unwrap().parse().unwrap();
    assert_eq!((until - from).num_days(), 30, "the days of the rulebook");
    (town, until)
}

fn object(code: &str) -> [&str; 10] {
    ["review", "object", "1", code, "--by", "一号厂", "--ground", "2025年税收漏报", "--document", "来信1"]
}

fn answer<'a>(id: &'a str, verdict: &'a str) -> [&'a str; 6] {
    ["review", "answer", id, verdict, "--words", "经核实"]
}

/// A parcel graded so, and an enterprise that uses it.
async fn graded(town: &Town, grade: &str) -> (String, String) {
    let sql = format!(
        "select r.parcel || ' ' || min(o.enterprise) from review_result r join occupancy o on o.parcel = r.parcel
         where r.grade = '{grade}' group by r.parcel order by r.parcel limit 1"
    );
    let found = town.value::<String>(Box::leak(sql.into_boxed_str())).await;
    let (parcel, enterprise) = found.split_once(' ').unwrap();
    (parcel.to_owned(), enterprise.to_owned())
}

/// The tax of an enterprise is found to have been far higher.
fn corrected(town: &Town, enterprise: &str) {
    let row = |year: u32| format!("{enterprise},{year},9000,9000,10,9000");
    let rows: Vec<String> = (2023..=2025).map(row).collect();
    let header = "enterprise_code,year,output_wan_yuan,tax_wan_yuan,staff,value_added_wan_yuan";
    town.takes("returns", &town.file("corrected.csv", format!("{header}\n{}\n", rows.join("\n"))));
}

#[tokio::test]
async fn an_upheld_objection_has_the_parcel_judged_again_and_nobody_else() {
    let (town, _) = noticed().await;
    let (code, enterprise) = graded(&town, "C").await;
    let kept = receipts(&town).await;
    let first: Value = serde_json::from_str(&kept.iter().find(|one| one.0 == code).unwrap().2).unwrap();
    assert_eq!(done(&town, "wang", &object(&code))["objection"], json!(1));
    refused(&town, "wang", &answer("1", "upheld"), &["judging it again changes nothing", "record the correction"])
        .await;
    corrected(&town, &enterprise);
    refused(&town, "li", &answer("1", "upheld"), &["li made the run", "another person"]).await;
    let told = done(&town, "wang", &answer("1", "upheld"));
    assert_eq!((&told["before"]["grade"], &told["after"]["grade"]), (&json!("C"), &json!("A")), "{told}");
    assert!(receipts(&town).await == kept, "the receipts of the run stay as they were");

    // Whatever shows results shows the later receipt, names the objection, and leaves the others alone.
    let hash = told["receipt"].as_str().unwrap();
    let explained = done(&town, "wang", &["review", "explain", "1", &code]);
    let receipt = &explained["receipt"];
    assert_eq!((&explained["receipt_hash"], &receipt["corrects"]["objection"]), (&json!(hash), &json!(1)));
    assert_eq!(
        receipt["corrects"]["receipt"],
        json!(kept.iter().find(|one| one.0 == code).unwrap().1),
        "it names the receipt in whose place it stands"
    );
    for (then, now) in first["indicators"].as_array().unwrap().iter().zip(receipt["indicators"].as_array().unwrap()) {
        assert_eq!(then["benchmark"], now["benchmark"], "the benchmarks are those of the run");
    }
    let words = town.command().args(["review", "explain", "1", &code]).output().unwrap();
    assert!(String::from_utf8_lossy(&words.stdout).contains("1, upheld"));
    let review = &town.run(&["dossier", &code]).answer["review"];
    assert_eq!(
        (&review["grade"], &review["objection"], &review["receipt"], &review["state"]),
        (&json!("A"), &json!(1), &json!(hash), &json!("noticed"))
    );
    let export = ["export", "review-results", "--format", "csv", "--out", "results.csv"];
    assert_eq!(town.run(&export).status, Some(0));
    assert_eq!(super::review(&town, "lists", "2")["repeated"], json!(false), "other facts are another run");
    for row in table(&town.folder().join("results.csv")) {
        let of = kept.iter().find(|one| one.0 == row["parcel_code"]).unwrap();
        let expected = if row["parcel_code"] == code { hash } else { &of.1 };
        assert_eq!(row["receipt"], expected, "{row:?}");
    }
    let counts = |town: &Town| done(town, "wang", &["review", "show", "1"])["found"].clone();
    let a = counts(&town).as_array().unwrap().iter().find(|one| one["grade"] == "A").unwrap()["parcels"].clone();
    let were = kept.iter().filter(|one| one.2.contains("\"grade\":\"A\"")).count();
    assert_eq!(a, json!(were + 1));

    // The map hears of it as of any change.
    let before = told["revision"].as_i64().unwrap() - 1;
    let Since::Some(changes) =
        since(&town.database.pool, before, "2026-06-30".parse().unwrap(), None, Some(2)).await.unwrap()
    else {
        panic!("another run than the first gives the map its grades now");
    };
    assert!(changes.parcels.iter().any(|one| one.code == code), "the map draws the parcel anew");

    // A later receipt comes out again byte by byte, whatever becomes of the register.
    sqlx::query("update annual_return set tax_wan_yuan = 1").execute(&town.database.pool).await.unwrap();
    let again = town.run(&["review", "replay", "1"]);
    assert_eq!((again.status, &again.answer["later"]), (Some(0), &json!(1)), "{}", again.said);
}

#[tokio::test]
async fn the_same_run_made_again_lists_the_later_receipt() {
    let (town, _) = noticed().await;
    let (code, enterprise) = graded(&town, "C").await;
    let before = "create table public.before as select * from annual_return";
    sqlx::query(before).execute(&town.database.pool).await.unwrap();
    done(&town, "wang", &object(&code));
    corrected(&town, &enterprise);
    let hash = done(&town, "wang", &answer("1", "upheld"))["receipt"].clone();
    // The register as it was when the run was made.
    for sql in
        ["delete from annual_return", "insert into annual_return overriding system value select * from public.before"]
    {
        sqlx::query(sql).execute(&town.database.pool).await.unwrap();
    }
    assert_eq!(super::review(&town, "lists", "2")["repeated"], json!(true));
    let rows = table(&town.folder().join("lists/review-results.csv"));
    assert_eq!(json!(rows.iter().find(|row| row["parcel_code"] == code).unwrap()["receipt"]), hash);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_final_when_its_notice_is_over_and_every_objection_is_answered() {
    let (town, until) = noticed().await;
    let pool = &town.database.pool;
    let (code, _) = graded(&town, "D").await;
    refused(&town, "wang", &["review", "finalise", "1"], &["notice", &until.to_string()]).await;
    done(&town, "wang", &object(&code));
    let after = until + Days::new(1);
    let open = finalise(pool, after, "cli:wang", 1).await.unwrap_err();
    assert!(open.to_string().contains("1 objections without an answer"), "{open}");
    let shown = done(&town, "zhao", &["review", "show", "1"]);
    assert_eq!(
        (&shown["state"], &shown["objections_open"], &shown["notice_until"], &shown["against"][0]["party"]),
        (&json!("noticed"), &json!(1), &json!(until), &json!("一号厂"))
    );
    done(&town, "wang", &answer("1", "dismissed"));
    refused(&town, "wang", &answer("1", "upheld"), &["objection 1 was dismissed by cli:wang"]).await;
    let early = finalise(pool, until, "cli:wang", 1).await.unwrap_err();
    assert!(matches!(early, LifeError::Refused(_)), "{early}");
    assert_eq!(finalise(pool, after, "cli:wang", 1).await.unwrap().to.name(), "final");
    assert_eq!(done(&town, "wang", &["review", "list"])[0]["state"], json!("final"));
    refused(&town, "wang", &object(&code), &["run 1 is final", &until.to_string()]).await;
}

#[tokio::test]
async fn an_objection_that_cannot_be_taken_or_answered_is_refused_and_stores_nothing() {
    let (town, _) = noticed().await;
    let (code, _) = graded(&town, "C").await;
    let with = |flag: &str, value: &'static str| {
        let mut words: Vec<String> = object(&code).iter().map(ToString::to_string).collect();
        match words.iter().position(|word| word == flag) {
            Some(place) => value.clone_into(&mut words[place + 1]),
            None => words.extend([flag.to_owned(), value.to_owned()]),
        }
        words
    };
    let stranger = parcel_code(99);
    for (arguments, said) in [
        (with("--on", "2020-01-01"), "not among these days"),
        (with("--on", "2199-01-01"), "not among these days"),
        (with("--ground", " "), "--ground is empty"),
        (with("--by", ""), "--by is empty"),
        (with("--document", ""), "--document is empty"),
        (object(&stranger).iter().map(ToString::to_string).collect(), "no result for parcel"),
        (["review", "answer", "9", "dismissed", "--words", "x"].map(String::from).into(), "no objection 9"),
    ] {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        refused(&town, "wang", &arguments, &[said]).await;
    }
    let own = ["review", "object", "1", &code, "--by", "zhao", "--ground", "g", "--document", "d"];
    done(&town, "wang", &own);
    refused(&town, "zhao", &answer("1", "dismissed"), &["zhao objects"]).await;
    refused(&town, "wang", &["review", "answer", "1", "dismissed", "--words", " "], &["--words is empty"]).await;
    assert_eq!(by(&town, "wang", &["review", "answer", "1", "perhaps", "--words", "x"]).status, Some(2));
}

#[tokio::test]
async fn the_database_itself_refuses_objections_and_answers_out_of_turn() {
    let (town, _) = noticed().await;
    let pool = &town.database.pool;
    let (code, _) = graded(&town, "C").await;
    done(&town, "wang", &object(&code));
    for (statement, name) in [
        (
            "insert into review_objection (run_id, parcel, party, ground, document, on_date, actor, revision)
             select run_id, parcel, 'x', 'x', 'x', date '2020-01-01', 'x', revision from review_objection",
            "review_objection_notice",
        ),
        (
            "insert into review_answer select id, 'dismissed', 'x', on_date, 'web:li', revision from review_objection",
            "review_answer_four_eyes",
        ),
        (
            "insert into review_answer select id, 'dismissed', 'x', on_date, '一号厂', revision from review_objection",
            "review_answer_four_eyes",
        ),
        (
            "insert into review_answer select id, 'upheld', 'x', on_date, 'web:wang', revision from review_objection",
            "review_answer_receipt",
        ),
        (
            "insert into review_step (run_id, number, deed, to_state, on_date, actor, recorded_at, revision)
             select 1, 3, 'finalise', 'final', date '2190-01-01', 'x', now(), revision from review_objection",
            "review_step_objections",
        ),
        (
            "insert into review_step (run_id, number, deed, to_state, on_date, actor, recorded_at, revision)
             select 1, 3, 'finalise', 'final', on_date, 'x', now(), revision from review_objection",
            "review_step_notice_runs",
        ),
        ("update review_objection set ground = 'x'", "review_objection_append_only"),
        ("delete from review_answer", "review_answer_append_only"),
        ("truncate review_rerun", "review_rerun_append_only"),
    ] {
        let error = sqlx::query(statement).execute(pool).await.unwrap_err().into_database_error().unwrap();
        assert_eq!(error.constraint(), Some(name), "{statement}: {error}");
    }
}
