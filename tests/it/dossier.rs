//! `GET /api/v1/parcels/{code}` on a small demo city: what it says is what the register says, section by section.

mod timeline;

use crate::support::{Town, feature, parcel_code, square};
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use chrono::NaiveDate;
use http_body_util::BodyExt;
use landcycle::atlas::Atlas;
use landcycle::http::{App, router};
use serde_json::{Value, json};
use sqlx::PgPool;
use std::sync::Arc;
use tower::ServiceExt;

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 6, 30).unwrap()
}

/// A register with the demo city of 200 parcels in it, not reviewed.
async fn city() -> Town {
    let town = Town::empty().await;
    for arguments in [&["demo", "generate", "--out", "city", "--parcels", "200"][..], &["demo", "load", "city"]] {
        let ended = town.run(arguments);
        assert_eq!(ended.status, Some(0), "{}", ended.said);
    }
    town
}

async fn ask(pool: &PgPool, code: &str, known: Option<&str>) -> (StatusCode, HeaderMap, Value) {
    let app = App { atlas: Arc::new(Atlas::empty()), pool: pool.clone(), today: Arc::new(today) };
    let mut request = Request::get(format!("/api/v1/parcels/{code}")).header("host", "localhost");
    if let Some(known) = known {
        request = request.header("if-none-match", known);
    }
    let (head, body) = router(app).oneshot(request.body(Body::empty()).unwrap()).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (head.status, head.headers, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

async fn dossier(town: &Town, code: &str) -> Value {
    let (status, _, dossier) = ask(&town.database.pool, code, None).await;
    assert_eq!(status, StatusCode::OK, "{code}: {dossier}");
    dossier
}

fn list<'a>(of: &'a Value, name: &str) -> &'a Vec<Value> {
    of[name].as_array().unwrap_or_else(|| panic!("{name}: {of}"))
}

fn number(of: &Value, name: &str) -> f64 {
    of[name].as_f64().unwrap_or_else(|| panic!("{name}: {of}"))
}

/// Both languages, each with words in it.
fn both(of: &Value) -> bool {
    ["zh", "en"].iter().all(|language| of[language].as_str().is_some_and(|text| !text.trim().is_empty()))
}

#[tokio::test]
async fn a_database_that_is_away_is_said_to_be_and_is_no_fault_of_ours() {
    let town = Town::empty().await;
    let pool = town.database.pool.clone();
    pool.close().await;
    let (status, _, problem) = ask(&pool, &parcel_code(1), None).await;
    assert_eq!((status, &problem["type"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("/problems/not-ready")));
    assert!(problem["detail"].as_str().unwrap().contains("database does not answer"), "{problem}");
}

#[tokio::test]
async fn a_parcel_without_a_review_has_everything_else() {
    let town = city().await;
    let pool = &town.database.pool;
    let code: String = town
        .value(
            "select c.parcel from contract c
             where upper_inf(c.recorded) and exists (
                 select from occupancy o join annual_return r on r.enterprise = o.enterprise and upper_inf(r.recorded)
                 where o.parcel = c.parcel and o.to_on is null and r.year = 2025)
             order by c.number limit 1",
        )
        .await;
    let found = dossier(&town, &code).await;
    assert_eq!(found["review"], Value::Null);
    let year = list(&found, "returns").last().unwrap();
    assert!(year["year"] == 2025 && !list(year, "contributions").is_empty(), "{year}");
    assert_eq!(found["revision"].as_i64().unwrap(), town.value::<i64>("select id from revision_head").await);
    assert_eq!(found["parcel"]["code"], code.as_str());
    assert_eq!(found["parcel"]["geometry"]["type"], "MultiPolygon");
    let sql = "select v.area_m2, v.land_use, d.name from parcel p join parcel_version v on v.parcel_id = p.id
         join district d on d.code = v.district where p.code = $1 and upper_inf(v.recorded)";
    let (area, land_use, district): (f64, String, String) =
        sqlx::query_as(sql).bind(&code).fetch_one(pool).await.unwrap();
    assert!((number(&found["parcel"], "area_m2") - area).abs() <= 0.005);
    assert!((number(&found["parcel"], "area_mu") - area * 15.0 / 10_000.0).abs() <= 0.000_1);
    assert_eq!((&found["parcel"]["land_use"], &found["parcel"]["district_name"]), (&land_use.into(), &district.into()));
    let [version] = &list(&found, "versions")[..] else { panic!("{found}") };
    assert!(version["recorded_from"].is_string() && version["recorded_to"].is_null(), "{version}");

    let (status, head, _) = ask(pool, &code, None).await;
    let tag = head["etag"].to_str().unwrap();
    assert_eq!(
        (status, head["landcycle-revision"].to_str().unwrap()),
        (StatusCode::OK, found["revision"].to_string().as_str())
    );
    for known in [tag.to_owned(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
        assert_eq!(ask(pool, &code, Some(&known)).await.0, StatusCode::NOT_MODIFIED, "{known}");
    }
    assert_eq!(ask(pool, &code, Some("\"other\"")).await.0, StatusCode::OK);

    for (wrong, part) in [("310115999999GB99999", "no parcel 310115999999GB99999"), ("12", "expected 19 or 28")] {
        let (status, head, problem) = ask(pool, wrong, None).await;
        assert_eq!(
            (status, head["content-type"].to_str().unwrap()),
            (StatusCode::NOT_FOUND, "application/problem+json")
        );
        assert!(problem["detail"].as_str().unwrap().contains(part), "{problem}");
    }
}

#[tokio::test]
async fn a_parcel_that_zones_cut_is_shown_with_its_share_in_each() {
    let town = Town::settled().await;
    // Lot 1 is 0.0009° wide from 121.501: the base covers its western four tenths, the community its eastern quarter.
    let zone = |code: &str, tier: &str, locked: bool, west: f64, east: f64| {
        let properties = json!({"zone_code": code, "name": code, "tier": tier, "locked": locked, "document": "沪规〔2020〕1号",
            "valid_from": "2020-01-01"});
        feature(&properties, &square(west, 31.0995, east, 31.1015))
    };
    let base = zone("B1", "base", true, 121.5005, 121.501 + 0.0009 * 0.4);
    let community = zone("C1", "community", false, 121.501 + 0.0009 * 0.75, 121.50195);
    town.takes("zones", &town.geojson("zones", &[community, base]));
    let found = dossier(&town, &parcel_code(1)).await;
    let [first, second] = &list(&found, "zones")[..] else { panic!("{found}") };
    for (shown, code, tier, locked, share) in
        [(first, "B1", "base", true, 0.4), (second, "C1", "community", false, 0.25)]
    {
        assert_eq!((&shown["code"], &shown["tier"], &shown["locked"]), (&json!(code), &json!(tier), &json!(locked)));
        assert!((number(shown, "share") - share).abs() < 1e-4, "{shown}");
    }
    assert!(list(&dossier(&town, &parcel_code(2)).await, "zones").is_empty());
}

#[tokio::test]
async fn the_dossier_says_what_the_register_says() {
    let town = city().await;
    let reviewed = town.run(&["review", "run", "--as-of", "2026-06-30", "--out", "out"]);
    assert_eq!(reviewed.status, Some(0), "{}", reviewed.said);
    zones(&town).await;
    late_obligations(&town).await;
    returns(&town).await;
    reviews(&town).await;
}

/// The shares of its zones, measured on the plane here and on the ellipsoid there.
async fn zones(town: &Town) {
    let sql = "select p.code, z.code, st_area(st_intersection(v.geom, z.geom)) / st_area(v.geom)
         from parcel p join parcel_version v on v.parcel_id = p.id and upper_inf(v.recorded)
         join zone_version z on upper_inf(z.recorded) and st_intersects(v.geom, z.geom)
         order by p.code, z.code";
    let shares: Vec<(String, String, f64)> = sqlx::query_as(sql).fetch_all(&town.database.pool).await.unwrap();
    assert!(shares.len() > 10, "{shares:?}");
    for (code, zone, share) in shares.iter().step_by(shares.len() / 10) {
        let found = dossier(town, code).await;
        let shown = list(&found, "zones").iter().find(|one| one["code"] == zone.as_str()).unwrap();
        assert!((number(shown, "share") - share).abs() < 1e-3, "{code} in {zone}: {share}, shown {shown}");
        assert!(shown["name"].is_string() && shown["locked"].is_boolean(), "{shown}");
        assert!(["base", "community", "fragmented"].contains(&shown["tier"].as_str().unwrap()), "{shown}");
    }
}

/// An obligation that is open counts its days to today.
async fn late_obligations(town: &Town) {
    let sql = "select c.parcel, c.number, o.number, o.due_on from obligation o join contract c on c.number = o.contract
         where o.met_on is null and o.due_on < $1 and upper_inf(o.recorded) and upper_inf(c.recorded)
             and o.kind in ('start', 'completion', 'production', 'full_production')
         order by o.due_on limit 5";
    let late: Vec<(String, String, String, NaiveDate)> =
        sqlx::query_as(sql).bind(today()).fetch_all(&town.database.pool).await.unwrap();
    assert!(!late.is_empty());
    for (code, contract, obligation, due) in late {
        let found = dossier(town, &code).await;
        let contract = list(&found, "contracts").iter().find(|one| one["number"] == contract.as_str()).unwrap();
        let shown = list(contract, "obligations").iter().find(|one| one["number"] == obligation.as_str()).unwrap();
        assert_eq!(shown["late_days"], (today() - due).num_days(), "{shown}");
        assert_eq!((&shown["met_on"], shown["due_on"].as_str().unwrap()), (&Value::Null, due.to_string().as_str()));
    }
}

/// The only user of a parcel, who uses no other, leaves all of its figures there.
async fn returns(town: &Town) {
    let sql = "select o.parcel, o.enterprise, r.year, r.output_wan_yuan, r.tax_wan_yuan, r.staff
         from occupancy o join annual_return r on r.enterprise = o.enterprise and upper_inf(r.recorded)
         where upper_inf(o.recorded) and o.from_on < '2020-01-01' and o.to_on is null and o.tax_is_local
           and 1 = (select count(*) from occupancy x where x.parcel = o.parcel)
           and 1 = (select count(*) from occupancy x where x.enterprise = o.enterprise)
           and exists (select from review_result v where v.parcel = o.parcel)
         order by o.parcel, r.year";
    type Row = (String, String, i32, Option<f64>, Option<f64>, Option<f64>);
    let rows: Vec<Row> = sqlx::query_as(sql).fetch_all(&town.database.pool).await.unwrap();
    let code = &rows[0].0;
    let found = dossier(town, code).await;
    let [user] = &list(&found, "occupancies")[..] else { panic!("{found}") };
    assert_eq!(user["enterprise"], rows[0].1.as_str());
    let shown = list(&found, "returns");
    assert!(shown.len() >= 3, "{shown:?}");
    for year in shown {
        let row = rows.iter().find(|row| row.0 == *code && i64::from(row.2) == year["year"].as_i64().unwrap()).unwrap();
        for (name, figure) in [("output_wan_yuan", row.3), ("tax_wan_yuan", row.4), ("staff", row.5)] {
            match figure {
                Some(figure) => {
                    assert!((number(year, name) - figure).abs() <= 1e-6 * figure.max(1.0), "{name}: {year}")
                }
                None => assert!(year[name].is_null(), "{name}: {year}"),
            }
        }
    }
    assert!(shown.iter().any(|year| number(year, "output_wan_yuan") > 0.0));
}

/// A review speaks both languages, and names the ground where it asks for something.
async fn reviews(town: &Town) {
    let sql = "select parcel, run_id, grade, receipt_hash from review_result order by grade, parcel";
    let rows: Vec<(String, i64, String, String)> = sqlx::query_as(sql).fetch_all(&town.database.pool).await.unwrap();
    let mut grounds = 0;
    let mut grades = std::collections::BTreeSet::new();
    for (code, run, grade, hash) in rows.iter().step_by(rows.len() / 20) {
        let found = dossier(town, code).await;
        let review = &found["review"];
        assert_eq!((&review["run_id"], &review["grade"]), (&Value::from(*run), &Value::from(grade.as_str())), "{code}");
        assert_eq!((&review["receipt"], &review["as_of"]), (&Value::from(hash.as_str()), &Value::from("2026-06-30")));
        let words = |language: &str| list(&review["explanation"], language).len();
        assert!(words("zh") > 0 && words("zh") == words("en"), "{review}");
        for indicator in list(review, "indicators") {
            assert!(both(&indicator["title"]), "{indicator}");
            assert_eq!(indicator["missing"], indicator["value"].is_null(), "{indicator}");
        }
        for name in ["legal_ground", "evidence_required"] {
            assert!(review[name].is_null() || both(&review[name]), "{name}: {review}");
        }
        grounds += usize::from(!review["legal_ground"].is_null());
        grades.insert(grade.as_str());
    }
    assert!(grounds > 0 && grades.len() > 2, "{grounds} grounds, grades {grades:?}");
}
