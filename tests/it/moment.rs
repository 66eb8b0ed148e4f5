//! The two times asked for from outside: "what did we believe on 1 May about 1 January" has one answer, whichever way
//! it is asked.

use crate::support::{Town, feature, lot, parcel_code, square};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use chrono::NaiveDate;
use http_body_util::BodyExt;
use landcycle::atlas::Atlas;
use landcycle::http::{App, router};
use serde_json::{Value, json};
use std::sync::Arc;
use tower::ServiceExt;

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 6, 30).unwrap()
}

/// Parcel 1 with a use, from a day on.
fn used(town: &Town, land_use: &str, from: Option<&str>) -> std::path::PathBuf {
    let properties = json!({"parcel_code": parcel_code(1), "land_use": land_use, "valid_from": from});
    town.geojson("used", &[feature(&properties, &lot(1))])
}

/// A register in which parcel 1 was entered as M1 since 2010, then as M2 since 2020, and then M2 was found to be wrong
/// and corrected to M3. Answers the moments after each of the three entries.
async fn town() -> (Town, [String; 3]) {
    let town = Town::empty().await;
    let district = feature(&json!({"code": "310115", "name": "浦东新区"}), &square(121.4, 31.0, 121.7, 31.4));
    town.takes("districts", &town.geojson("districts", &[district]));
    let zone = json!({"zone_code": "Z1", "name": "基地", "tier": "base", "locked": 1, "valid_from": "2020-01-01"});
    town.takes("zones", &town.geojson("zones", &[feature(&zone, &square(121.5, 31.1, 121.52, 31.12))]));
    let mut moments = Vec::new();
    for (land_use, from) in [("M1", Some("2010-01-01")), ("M2", Some("2020-01-01")), ("M3", None)] {
        town.takes("parcels", &used(&town, land_use, from));
        let newest =
            "select to_char(max(recorded_at) at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') from revision";
        moments.push(town.value(newest).await);
    }
    (town, moments.try_into().unwrap())
}

async fn ask(town: &Town, request: Request<Body>) -> (StatusCode, Value) {
    let app = App { atlas: Arc::new(Atlas::empty()), pool: town.database.pool.clone(), today: Arc::new(today) };
    let (head, body) = router(app).oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (head.status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

async fn search(town: &Town, valid_at: &str, known_at: Option<&str>) -> (StatusCode, Value) {
    let body = json!({"bbox": [121.4, 31.0, 121.7, 31.4], "valid_at": valid_at, "known_at": known_at});
    let request = Request::post("/api/v1/parcels/search").header("host", "localhost");
    let request = request.header("content-type", "application/json").body(Body::from(body.to_string())).unwrap();
    ask(town, request).await
}

async fn dossier(town: &Town, valid_at: &str, known_at: Option<&str>) -> (StatusCode, Value) {
    let known = known_at.map(|time| format!("&known_at={time}")).unwrap_or_default();
    let path = format!("/api/v1/parcels/{}?valid_at={valid_at}{known}", parcel_code(1));
    ask(town, Request::get(path).header("host", "localhost").body(Body::empty()).unwrap()).await
}

fn query(town: &Town, valid_at: &str, known_at: Option<&str>) -> Value {
    let mut arguments = vec!["query", "--bbox", "121.4,31,121.7,31.4", "--valid-at", valid_at];
    arguments.extend(known_at.map(|time| ["--known-at", time]).into_iter().flatten());
    let ended = town.run(&arguments);
    assert_eq!(ended.status, Some(0), "{}", ended.said);
    ended.answer
}

#[tokio::test]
async fn what_was_believed_at_a_time_about_a_day_has_one_answer_by_query_search_and_dossier() {
    let (town, [first, second, third]) = town().await;
    for (known_at, valid_at, land_use, tier) in [
        (Some(&first), "2015-01-01", "M1", "fragmented"),
        (Some(&first), "2021-01-01", "M1", "base"),
        (Some(&second), "2015-01-01", "M1", "fragmented"),
        (Some(&second), "2021-01-01", "M2", "base"),
        // The correction says M3 since 2020; what was believed before it stays what it was.
        (Some(&third), "2021-01-01", "M3", "base"),
        (Some(&third), "2019-12-31", "M1", "fragmented"),
        (None, "2021-01-01", "M3", "base"),
        (None, "2026-06-30", "M3", "base"),
    ] {
        let known_at = known_at.map(String::as_str);
        let place = format!("known {known_at:?} about {valid_at}");
        let found = [
            query(&town, valid_at, known_at)["features"][0]["properties"].clone(),
            search(&town, valid_at, known_at).await.1["features"][0]["properties"].clone(),
            dossier(&town, valid_at, known_at).await.1["parcel"].clone(),
        ];
        for answer in &found {
            assert_eq!((&answer["land_use"], &answer["tier"]), (&json!(land_use), &json!(tier)), "{place}: {answer}");
        }
    }
    // The revision of an answer is the newest that its moment knew.
    let revision = |answer: &Value| answer["revision"].as_i64().unwrap();
    let then = revision(&query(&town, "2021-01-01", Some(&first)));
    assert_eq!(revision(&search(&town, "2021-01-01", Some(&first)).await.1), then);
    assert_eq!(revision(&dossier(&town, "2021-01-01", Some(&first)).await.1), then);
    assert_eq!(revision(&query(&town, "2021-01-01", None)), then + 2);
}

#[tokio::test]
async fn before_a_parcel_was_law_a_search_finds_nothing_and_its_dossier_says_when_it_will_be() {
    let (town, _) = town().await;
    assert_eq!(search(&town, "2009-12-31", None).await.1["summary"]["count"], 0);
    let (status, found) = dossier(&town, "2009-12-31", None).await;
    assert_eq!((status, &found["parcel"]["in_force"]), (StatusCode::OK, &json!(false)));
    assert_eq!(found["parcel"]["valid_from"], "2010-01-01");
    let (status, problem) = dossier(&town, "2021-01-01", Some("2020-01-01")).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "the register did not exist then");
    assert!(problem["detail"].as_str().unwrap().contains("knew of no parcel"), "{problem}");
}

#[tokio::test]
async fn a_moment_that_is_none_or_is_yet_to_come_is_refused_with_what_was_expected() {
    let (town, _) = town().await;
    for (valid_at, known_at, expected) in [
        ("yesterday", None, "expected a day such as 2026-06-30"),
        ("2026-02-30", None, "expected a day"),
        ("2026-06-30", Some("noon"), "expected a time such as"),
        ("2026-06-30", Some("2999-01-01T00:00:00Z"), "yet to come"),
    ] {
        for (status, problem) in [search(&town, valid_at, known_at).await, dossier(&town, valid_at, known_at).await] {
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
            assert!(problem["detail"].as_str().unwrap().contains(expected), "{problem}");
        }
        let mut arguments = vec!["query", "--valid-at", valid_at];
        arguments.extend(known_at.map(|time| ["--known-at", time]).into_iter().flatten());
        let ended = town.run(&arguments);
        assert_eq!(ended.status, Some(2));
        assert!(ended.said.contains(expected), "{}", ended.said);
    }
    let path = format!("/api/v1/parcels/{}?on=2020-01-01", parcel_code(1));
    let (status, problem) =
        ask(&town, Request::get(path).header("host", "localhost").body(Body::empty()).unwrap()).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(problem["detail"].as_str().unwrap().contains("valid_at"), "{problem}");
}

#[tokio::test]
async fn a_rule_value_is_on_record_since_the_act_that_first_reckoned_with_it_and_a_change_keeps_the_earlier_one() {
    let (town, _) = town().await;
    let recorded: i64 = town.value("select count(*) from rule_value where upper_inf(recorded)").await;
    let shipped = include_str!("../../data/rulebook/values.toml").matches("[[value]]").count();
    assert_eq!(recorded, i64::try_from(shipped).unwrap());
    let all: i64 = town.value("select count(*) from rule_value").await;
    assert_eq!(all, recorded, "acts that reckon with the same rules record nothing anew");

    // As if an earlier program had reckoned with another share.
    let sql = "update rule_value set value = 0.9 where key = 'tier-deciding-share'";
    sqlx::query(sql).execute(&town.database.pool).await.unwrap();
    town.takes("parcels", &used(&town, "M1", None));
    let history: Vec<String> = town
        .values(
            "select format('%s %s', value, upper_inf(recorded)) from rule_value
             where key = 'tier-deciding-share' order by lower(recorded)",
        )
        .await;
    assert_eq!(history, ["0.9 f", "0.5 t"]);
}

#[tokio::test]
async fn an_answer_about_an_earlier_belief_reckons_with_the_rules_of_that_time() {
    let town = Town::settled().await;
    // Three fifths of parcel 1.
    let zone = json!({"zone_code": "Z1", "name": "基地", "tier": "base", "locked": 1, "valid_from": "2020-01-01"});
    town.takes("zones", &town.geojson("zones", &[feature(&zone, &square(121.5, 31.0, 121.50154, 31.2))]));
    // As if an earlier program had reckoned with other rules, and did not know one of them.
    sqlx::raw_sql(
        "update rule_value set value = 0.9 where key = 'tier-deciding-share';
         update rule_value set value = 36 where key = 'expiry-application-months';
         update rule_value set value = 120 where key = 'expiry-reminder-months';
         delete from rule_value where key = 'idle-fee-percent'",
    )
    .execute(&town.database.pool)
    .await
    .unwrap();
    let newest =
        "select to_char(max(recorded_at) at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') from revision";
    let (then, revision): (String, i64) = (town.value(newest).await, town.value("select id from revision_head").await);
    town.takes("enterprises", &town.file("more.csv", "enterprise_code,name\nE2,二号厂\n"));
    let valid_at = "2026-06-30";
    for (known_at, tier, apply_by, expiring, quoted) in [
        (Some(then.as_str()), "fragmented", json!("2032-01-01"), 120, revision),
        (None, "base", Value::Null, 18, revision + 1),
    ] {
        let (_, found) = dossier(&town, valid_at, known_at).await;
        assert_eq!(found["parcel"]["tier"], tier, "{known_at:?}: {found}");
        assert_eq!(found["contracts"][0]["apply_to_renew_by"], apply_by, "{}", found["contracts"][0]);
        let moment = known_at.map(|time| ["--known-at", time]).into_iter().flatten();
        let mut arguments = vec!["query", "--bbox", "121.4,31,121.7,31.4", "--valid-at", valid_at];
        arguments.extend(moment.clone());
        let said = town.command().args(&arguments).output().unwrap().stdout;
        let said = String::from_utf8(said).unwrap();
        let line = said.lines().find(|line| line.contains("term ends within")).unwrap();
        assert!(line.contains(&format!("within {expiring} months")), "{said}");
        arguments = vec!["export", "parcels", "--format", "csv", "--out", "p.csv", "--valid-at", valid_at];
        arguments.extend(moment);
        let receipt = town.run(&arguments).answer;
        assert_eq!(receipt["revision"], quoted, "{receipt}");
        let text = std::fs::read_to_string(town.folder().join("p.csv")).unwrap();
        let row = text.lines().find(|line| line.contains(&parcel_code(1))).unwrap();
        assert!(row.split(',').any(|cell| cell == tier), "{row}");
    }
}

#[tokio::test]
async fn an_event_of_lineage_records_the_rules_that_it_reckoned_with() {
    let town = Town::settled().await;
    let sql = "update rule_value set value = 0.9 where key = 'lineage-area-tolerance'";
    sqlx::query(sql).execute(&town.database.pool).await.unwrap();
    let retired = town.run(&["lineage", "retire", &parcel_code(2), "--document", "1号", "--on", "2025-07-01"]);
    assert_eq!(retired.status, Some(0), "{retired:?}");
    let current: f64 =
        town.value("select value from rule_value where key = 'lineage-area-tolerance' and upper_inf(recorded)").await;
    assert!(current < 0.9, "{current}");
}

#[tokio::test]
async fn the_database_itself_refuses_versions_that_overlap_in_every_table_of_two_times() {
    let town = Town::empty().await;
    for arguments in [&["demo", "generate", "--out", "city", "--parcels", "60"][..], &["demo", "load", "city"]] {
        assert_eq!(town.run(arguments).status, Some(0));
    }
    let procedure = ["--district", "310115", "--simplified", "yes", "--from", "2020-01-01", "--document", "d"];
    assert_eq!(town.run(&[&["plot-ratio", "procedure"], &procedure[..]].concat()).status, Some(0));
    let tables: Vec<String> = town
        .values(
            "select c.relname::text from pg_class c
             where c.relkind = 'r' and c.relnamespace = current_schema::regnamespace
               and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'valid')
               and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'recorded')
             order by 1",
        )
        .await;
    for expected in
        ["bond", "contract", "obligation", "occupancy", "parcel_state", "parcel_version", "rule_value", "zone_version"]
    {
        assert!(tables.iter().any(|table| table == expected), "{expected} has no two times: {tables:?}");
    }
    // Each row once more, as someone might by hand who knows no rule: believed now, on the same days.
    for table in tables {
        let columns: String = sqlx::query_scalar(
            "select string_agg(quote_ident(attname), ', ') from pg_attribute
             where attrelid = $1::text::regclass and attnum > 0 and not attisdropped and attname <> 'id' and attgenerated = ''",
        )
        .bind(&table)
        .fetch_one(&town.database.pool)
        .await
        .unwrap();
        let again = format!("insert into {table} ({columns}) select {columns} from {table} where upper_inf(recorded)");
        let rows: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select count(*) from {table}")))
            .fetch_one(&town.database.pool)
            .await
            .unwrap();
        assert!(rows > 0, "{table} has no row to repeat");
        let refused = sqlx::query(sqlx::AssertSqlSafe(again)).execute(&town.database.pool).await.unwrap_err();
        let code = refused.as_database_error().and_then(|error| error.code()).map(|code| code.to_string());
        // 23P01: exclusion violation.
        assert_eq!(code.as_deref(), Some("23P01"), "{table}: {refused}");
    }
}
