//! "Where does this stand?": parts, tier and lock of parcels, areas and places, in both times.

use super::{codes, number, stand, stands, with, zone, zone_of};
use crate::support::{Town, feature, parcel, parcel_code, square};
use axum::body::Body;
use axum::http::response::Parts;
use axum::http::{Request, StatusCode};
use chrono::NaiveDate;
use geo::BooleanOps as _;
use geo_types::{MultiPolygon, polygon};
use http_body_util::BodyExt as _;
use landcycle::atlas::Atlas;
use landcycle::domain::geometry::area;
use landcycle::domain::moment::Moment;
use landcycle::domain::zoning::standing::Rule;
use landcycle::http::{App, router};
use landcycle::store::standing::{standing, standing_of};
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use std::sync::Arc;
use tower::ServiceExt as _;

/// Lot 1 reaches from 121.501 for 0.0009 degrees: this lies so many parts of it from its western edge.
fn across(part: f64) -> f64 {
    121.501 + 0.0009 * part
}

#[tokio::test]
async fn a_parcel_on_a_border_gets_both_figures_and_a_finding() {
    let town = Town::settled().await;
    let zones = [zone("B1", "base", true, 121.5, across(0.7)), zone("C1", "community", false, across(0.7), 121.51)];
    town.takes("zones", &town.geojson("zones", &zones));
    let found = stands(&town, &["--parcel", &parcel_code(1)]);
    assert_eq!((&found["tier"], &found["locked"], &found["on_border"]), (&json!("base"), &json!(true), &json!(true)));
    for (part, percent) in [("base", 70.0), ("community", 30.0), ("fragmented", 0.0), ("locked", 70.0)] {
        assert!((number(&found, &format!("/parts/{part}/percent")) - percent).abs() < 1e-3, "{part}: {found}");
    }
    let area: f64 = town.value("select area_m2 from parcel_version order by id limit 1").await;
    assert!((number(&found, "/area_m2") - area).abs() < 0.01);
    let parts = number(&found, "/parts/base/area_m2") + number(&found, "/parts/community/area_m2");
    assert!((parts - area).abs() < 0.02, "{parts} of {area}");
    assert_eq!((number(&found, "/deciding_percent"), number(&found, "/tolerance_percent")), (50.0, 1.0));
    assert_eq!(codes(&found), ["on-border"]);
    let said = found["findings"][0]["en"].as_str().unwrap();
    assert!(said.contains("base 70.00 %") && said.contains("community 30.00 %"), "{said}");
    let first = &found["overlaps"][0];
    assert_eq!([&first["code"], &first["document"]], [&json!("B1"), &json!("沪规〔2019〕1号")]);
    assert_eq!([&first["decided_on"], &first["valid_from"]], [&json!("2019-11-01"), &json!("2020-01-01")]);
    // Within the tolerance nobody is bothered.
    let found = stands(&town, &["--parcel", &parcel_code(2)]);
    assert_eq!((&found["on_border"], codes(&found)), (&json!(false), Vec::new()));
}

#[tokio::test]
async fn land_in_two_zones_counts_once_and_land_of_two_tiers_is_said() {
    let town = Town::settled().await;
    // Two bases that share the middle fifth of the lot, and together hold it.
    let zones = [zone("B1", "base", true, 121.5, across(0.6)), zone("B2", "base", false, across(0.4), 121.5035)];
    town.takes("zones", &town.geojson("zones", &zones));
    let found = stands(&town, &["--parcel", &parcel_code(1)]);
    assert!((number(&found, "/parts/base/percent") - 100.0).abs() < 1e-3, "{found}");
    assert!((number(&found, "/parts/locked/percent") - 60.0).abs() < 1e-3, "{found}");
    assert!((number(&found, "/overlaps/1/percent") - 60.0).abs() < 1e-3, "{found}");
    town.takes("zones", &town.geojson("over", &[zone("C1", "community", false, 121.5, 121.5035)]));
    let found = stands(&town, &["--parcel", &parcel_code(1)]);
    assert_eq!((&found["tier"], codes(&found)), (&json!("base"), vec!["on-border", "two-tiers-at-once"]));
    assert!((number(&found, "/parts/fragmented/percent")).abs() < 1e-6, "{found}");
}

#[tokio::test]
async fn land_in_the_hole_of_a_base_is_not_in_the_base() {
    let town = Town::settled().await;
    let hole = square(121.5015, 31.0998, 121.5025, 31.1012);
    let mut shape = square(121.5, 31.0995, 121.51, 31.1015);
    shape["coordinates"].as_array_mut().unwrap().push(hole["coordinates"][0].clone());
    town.takes("zones", &town.geojson("zones", &[zone_of("B1", "base", true, &shape)]));
    let inside = stands(&town, &["--at", "121.502,31.1005"]);
    assert_eq!((&inside["tier"], &inside["overlaps"]), (&json!("fragmented"), &json!([])));
    let outside = stands(&town, &["--at", "121.505,31.1005"]);
    assert_eq!((&outside["tier"], &outside["locked"]), (&json!("base"), &json!(true)));
    // The first lot reaches four ninths of its width into the hole.
    let found = stands(&town, &["--parcel", &parcel_code(1)]);
    assert!((number(&found, "/parts/base/percent") - 500.0 / 9.0).abs() < 0.01, "{found}");
}

#[tokio::test]
async fn a_place_an_area_and_corners_are_asked_like_a_parcel() {
    let town = Town::settled().await;
    let zones = [zone("B1", "base", true, 121.5, 121.502), zone("C1", "community", false, 121.502, 121.51)];
    town.takes("zones", &town.geojson("zones", &zones));
    // A place on a border is in both.
    let found = stands(&town, &["--at", "121.502,31.1005"]);
    assert_eq!((number(&found, "/area_m2"), codes(&found)), (0.0, vec!["on-border", "two-tiers-at-once"]));
    let file = town.file("area.geojson", square(121.5015, 31.1, 121.5025, 31.101).to_string());
    let area = stands(&town, &["--area", file.to_str().unwrap()]);
    let corners = stands(&town, &["--at", "121.5015,31.1", "121.5025,31.1", "121.5025,31.101", "121.5015,31.101"]);
    assert_eq!((&area, &area["parcel"]), (&corners, &Value::Null));
    assert!((number(&area, "/parts/base/percent") - 50.0).abs() < 1e-3, "{area}");
    let tie = json!({"type": "Polygon", "coordinates": [[[121.5, 31.1], [121.502, 31.102], [121.502, 31.1], [121.5, 31.102], [121.5, 31.1]]]});
    let tie = town.file("tie.geojson", tie.to_string());
    for (arguments, status, said) in [
        (&["--area", tie.to_str().unwrap()][..], 1, "meets itself at (121.501, 31.101)"),
        (&["--at", "121.5,31.1", "121.6,31.1"], 2, "at least three corners"),
        (&["--at", "191.5,31.1"], 1, "expected a longitude"),
        (&["--parcel", "12"], 1, "expected 19 or 28"),
        (&["--parcel", &parcel_code(77)], 1, "no parcel 310115001001GB00077 is law on"),
        (&["--parcel", &parcel_code(1), "--valid-at", "May"], 2, "expected a day"),
        (&[], 2, "--parcel"),
    ] {
        let ended = stand(&town, arguments);
        assert!(ended.status == Some(status) && ended.said.contains(said), "{arguments:?}: {}", ended.said);
    }
    let people = town.command().args(["stand", "--parcel", &parcel_code(1)]).output().unwrap();
    let text = String::from_utf8(people.stdout).unwrap();
    assert!(
        text.contains("100.00 %") && text.contains("B1区") && text.contains("decided by a share of 50 %"),
        "{text}"
    );
}

#[tokio::test]
async fn without_any_zone_the_plan_is_unknown_and_nothing_is_made_up() {
    let town = Town::settled().await;
    let found = stands(&town, &["--parcel", &parcel_code(1)]);
    assert_eq!((&found["plan_is_known"], codes(&found)), (&json!(false), vec!["plan-unknown"]));
    assert_eq!((&found["tier"], number(&found, "/parts/fragmented/percent")), (&json!("fragmented"), 100.0));
}

#[tokio::test]
async fn a_standing_is_that_of_the_day_and_of_what_was_believed_at_the_time() {
    let town = Town::settled().await;
    let old = with(zone("B1", "base", true, 121.5, 121.51), &json!({"valid_to": "2024-01-01"}));
    town.takes("zones", &town.geojson("old", &[old]));
    let before: String =
        town.value("select to_char(clock_timestamp() at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')").await;
    let new = with(zone("B1", "community", false, 121.5, 121.51), &json!({"valid_from": "2024-01-01"}));
    town.takes("zones", &town.geojson("new", &[new]));
    let code = parcel_code(1);
    let tier = |arguments: &[&str]| stands(&town, &[&["--parcel", &code], arguments].concat())["tier"].clone();
    assert_eq!(tier(&[]), "community");
    assert_eq!(tier(&["--valid-at", "2023-12-31"]), "base");
    assert_eq!(tier(&["--valid-at", "2019-12-31"]), "fragmented");
    assert_eq!(tier(&["--known-at", &before]), "fragmented");
    assert_eq!(tier(&["--valid-at", "2023-12-31", "--known-at", &before]), "base");
}

async fn respond(town: &Town, request: Request<Body>) -> (Parts, Vec<u8>) {
    let today = || NaiveDate::from_ymd_opt(2026, 6, 30).unwrap();
    let app = App { atlas: Arc::new(Atlas::empty()), pool: town.database.pool.clone(), today: Arc::new(today) };
    let (head, body) = router(app).oneshot(request).await.unwrap().into_parts();
    (head, body.collect().await.unwrap().to_bytes().to_vec())
}

async fn ask(town: &Town, request: Request<Body>) -> (StatusCode, Value) {
    let (head, body) = respond(town, request).await;
    (head.status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

async fn post(town: &Town, body: &Value) -> (StatusCode, Value) {
    let request =
        Request::post("/api/v1/standing").header("host", "localhost").header("content-type", "application/json");
    ask(town, request.body(Body::from(body.to_string())).unwrap()).await
}

async fn get(town: &Town, path: &str) -> (StatusCode, Value) {
    ask(town, Request::get(path).header("host", "localhost").body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn the_service_answers_as_the_command_does() {
    let town = Town::settled().await;
    let zones = [zone("B1", "base", true, 121.5, across(0.7)), zone("C1", "community", false, across(0.7), 121.51)];
    town.takes("zones", &town.geojson("zones", &zones));
    let code = parcel_code(1);
    let said = stands(&town, &["--parcel", &code, "--valid-at", "2026-06-30"]);
    let (status, found) = get(&town, &format!("/api/v1/parcels/{code}/standing")).await;
    assert_eq!((status, &found), (StatusCode::OK, &said));
    assert_eq!(post(&town, &json!({"parcel": code})).await, (StatusCode::OK, said.clone()));
    let land = square(121.501, 31.1, 121.5019, 31.1009);
    let (status, found) = post(&town, &json!({"area": land, "valid_at": "2026-06-30"})).await;
    assert_eq!((status, &found["parts"]), (StatusCode::OK, &said["parts"]));
    let (status, found) = post(&town, &json!({"at": [121.5012, 31.1005]})).await;
    assert_eq!((status, &found["tier"]), (StatusCode::OK, &json!("base")));
    let (_, found) = get(&town, &format!("/api/v1/parcels/{code}/standing?valid_at=2019-06-30")).await;
    assert_eq!((&found["plan_is_known"], &found["valid_at"]), (&json!(false), &json!("2019-06-30")));
    let tie = json!({"type": "Polygon", "coordinates": [[[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]]});
    for (body, problem, finding) in [
        (json!({"area": tie}), "/problems/invalid-area", "self-intersection"),
        (json!({}), "/problems/invalid-area", "one-of-three"),
        (json!({"parcel": code, "at": [1, 2]}), "/problems/invalid-area", "one-of-three"),
        (json!({"parcel": "12"}), "/problems/invalid-parameter", "wrong-value"),
        (json!({"at": [1]}), "/problems/invalid-parameter", "wrong-value"),
        (json!({"plot": 1}), "/problems/unknown-field", "unknown-field"),
        (json!({"parcel": code, "valid_at": "x"}), "/problems/invalid-parameter", "wrong-value"),
    ] {
        let (status, found) = post(&town, &body).await;
        assert_eq!((status, &found["type"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!(problem)), "{body}: {found}");
        assert_eq!(codes(&found), [finding], "{body}");
    }
    let request = Request::get(format!("/api/v1/parcels/{code}/standing.svg")).header("host", "localhost");
    let (head, body) = respond(&town, request.body(Body::empty()).unwrap()).await;
    assert_eq!((head.status, head.headers["content-type"].to_str().unwrap()), (StatusCode::OK, "image/svg+xml"));
    assert!(body.starts_with(b"<svg ") && head.headers.contains_key("etag"), "{head:?}");
    for path in ["/api/v1/parcels/12/standing", "/api/v1/parcels/310115999999GB99999/standing"] {
        assert_eq!(get(&town, path).await.0, StatusCode::NOT_FOUND, "{path}");
    }
}

/// A zone of the property test: west and width in 0.0001 degrees, tier, lock.
type Drawn = (u32, u32, bool, bool);

#[tokio::test(flavor = "multi_thread")]
async fn the_tier_of_one_parcel_is_the_tier_that_is_worked_out_for_all_and_its_parts_sum_to_the_whole() {
    let town = Town::empty().await;
    let lots: Vec<Value> = (1..=6).map(parcel).collect();
    town.takes("parcels", &town.geojson("parcels", &lots));
    let pool = &town.database.pool;
    let day = NaiveDate::from_ymd_opt(2026, 6, 30).unwrap();
    let rule = Rule { deciding_share: 0.5, border_tolerance: 0.01 };
    let drawn = proptest::collection::vec((0..60_u32, 1..30_u32, proptest::bool::ANY, proptest::bool::ANY), 0..6);
    let mut runner = TestRunner::new(Config { cases: 40, failure_persistence: None, ..Config::default() });
    let outcome = tokio::task::block_in_place(|| {
        runner.run(&drawn, |zones: Vec<Drawn>| {
            tokio::runtime::Handle::current().block_on(async {
                // A plan that nobody keeps, and no lock holds.
                let mut plan = pool.begin().await.unwrap();
                sqlx::raw_sql("delete from lockup_rule").execute(&mut *plan).await.unwrap();
                for (number, (west, width, is_base, locked)) in zones.iter().enumerate() {
                    let west = 121.5005 + f64::from(*west) * 0.0001;
                    sqlx::query(
                        "insert into zone_version (code, valid, recorded, name, tier, locked, geom, revision)
                         values ($1, '[2020-01-01,)', '[2020-01-01,)', 'Z', $2, $3,
                             st_multi(st_makeenvelope($4, 31.0995, $5, 31.1005, 4490)), 1)",
                    )
                    .bind(format!("Z{number}"))
                    .bind(if *is_base { "base" } else { "community" })
                    .bind(*is_base && *locked)
                    .bind(west)
                    .bind(west + f64::from(*width) * 0.0001)
                    .execute(&mut *plan)
                    .await
                    .unwrap();
                }
                let all: Vec<(String, String, bool, f64)> = sqlx::query_as(
                    "select p.code, t.tier, t.locked, t.share
                     from parcel_tier_at($1, 0.5) t join parcel p on p.id = t.parcel_id order by 1",
                )
                .bind(day)
                .fetch_all(&mut *plan)
                .await
                .unwrap();
                proptest::prop_assert_eq!(all.len(), 6);
                for (code, tier, locked, share) in all {
                    let (one, _) =
                        standing_of(&mut plan, &code, Moment::on(day), rule).await.unwrap().expect("a parcel");
                    proptest::prop_assert_eq!((one.tier.name(), one.is_locked), (tier.as_str(), locked), "{}", code);
                    proptest::prop_assert!((one.base.share.max(one.community.share) - share).abs() < 1e-9, "{}", code);
                    proptest::prop_assert!(one.locked.share <= one.base.share + 1e-9);
                    let zoned = 1.0 - one.fragmented.share;
                    proptest::prop_assert!(zoned <= one.base.share + one.community.share + 1e-9);
                    proptest::prop_assert!(zoned >= one.base.share.max(one.community.share) - 1e-9);
                    proptest::prop_assert_eq!(one.plan_is_known, !zones.is_empty());
                }
                Ok(())
            })
        })
    });
    outcome.unwrap();
}

#[tokio::test]
async fn the_lock_of_land_that_a_community_also_claims_is_kept_by_the_parcel_and_by_its_tier() {
    let town = Town::settled().await;
    // Of the lot, seven tenths are locked base, and all of it is drawn as a community too.
    let zones = [zone("B1", "base", true, 121.5, across(0.7)), zone("C1", "community", false, 121.5, 121.51)];
    town.takes("zones", &town.geojson("zones", &zones));
    let found = stands(&town, &["--parcel", &parcel_code(1)]);
    assert_eq!((&found["tier"], &found["locked"]), (&json!("community"), &json!(true)));
    let kept: (String, bool) = sqlx::query_as(
        "select tier, locked from parcel_place join parcel on id = parcel_id where code = '310115001001GB00001'",
    )
    .fetch_one(&town.database.pool)
    .await
    .unwrap();
    assert_eq!(kept, ("community".to_owned(), true));
}

#[tokio::test]
async fn a_shape_touching_a_zone_shares_nothing_with_it() {
    let town = Town::empty().await;
    let base = feature(
        &json!({"zone_code": "B1", "name": "基地", "tier": "base", "valid_from": "2020-01-01"}),
        &square(121.5, 31.1, 121.51, 31.11),
    );
    town.takes("zones", &town.geojson("zones", &[base]));
    let beside: MultiPolygon<f64> =
        polygon![(x: 121.51, y: 31.1), (x: 121.52, y: 31.1), (x: 121.52, y: 31.11), (x: 121.51, y: 31.11)].into();
    let mut connection = town.database.pool.acquire().await.unwrap();
    let day = NaiveDate::from_ymd_opt(2026, 6, 30).unwrap();
    let found = standing(&mut connection, &beside, day, None, 0.5, 0.01).await.unwrap();
    assert!(found.plan_is_known && found.overlaps.is_empty() && !found.on_border, "{found:?}");
    assert_eq!((found.base.area_m2.value(), found.fragmented.share), (0.0, 1.0));
}

/// A polygon around a middle: a corner for each reach in thousandths of a degree, at even angles from east on.
fn around([x, y]: [f64; 2], reaches: &[u32]) -> MultiPolygon<f64> {
    let angle = |at: usize| std::f64::consts::TAU * at as f64 / reaches.len() as f64;
    let corner = |(at, reach): (usize, &u32)| {
        let reach = f64::from(*reach) / 1_000.0;
        (x + reach * angle(at).cos(), y + reach * angle(at).sin())
    };
    geo_types::Polygon::new(reaches.iter().enumerate().map(corner).collect(), Vec::new()).into()
}

#[tokio::test(flavor = "multi_thread")]
async fn overlaps_are_those_of_postgis_and_of_an_arithmetic_of_our_own_to_a_ten_thousandth() {
    let town = Town::settled().await;
    let pool = &town.database.pool;
    let day = NaiveDate::from_ymd_opt(2026, 6, 30).unwrap();
    let reaches = || proptest::collection::vec(1..12_u32, 3..9);
    let drawn = (reaches(), reaches(), -10..10_i32, -10..10_i32);
    let mut runner = TestRunner::new(Config { cases: 60, failure_persistence: None, ..Config::default() });
    let cut = std::cell::Cell::new(0);
    let outcome = tokio::task::block_in_place(|| {
        runner.run(&drawn, |(land, base, east, north)| {
            let (land, base) = (
                around([121.5, 31.1], &land),
                around([121.5 + f64::from(east) / 2_000.0, 31.1 + f64::from(north) / 2_000.0], &base),
            );
            tokio::runtime::Handle::current().block_on(async {
                let mut plan = pool.begin().await.unwrap();
                sqlx::raw_sql("delete from lockup_rule").execute(&mut *plan).await.unwrap();
                let text = |shape: &MultiPolygon<f64>| {
                    let corners = shape.0[0].exterior().0.iter().map(|at| format!("{} {}", at.x, at.y));
                    format!("SRID=4490;MULTIPOLYGON((({})))", corners.collect::<Vec<_>>().join(","))
                };
                sqlx::query(
                    "insert into zone_version (code, valid, recorded, name, tier, locked, geom, revision)
                     values ('Z', '[2020-01-01,)', '[2020-01-01,)', 'Z', 'base', false, $1::text::geometry, 1)",
                )
                .bind(text(&base))
                .execute(&mut *plan)
                .await
                .unwrap();
                let found = standing(&mut plan, &land, day, None, 0.5, 0.01).await.unwrap();
                let there: f64 = sqlx::query_scalar(
                    "select st_area(st_intersection($1::text::geometry, $2::text::geometry)::geography)",
                )
                .bind(text(&land))
                .bind(text(&base))
                .fetch_one(&mut *plan)
                .await
                .unwrap();
                let own = area(&land.intersection(&base)).value();
                let said = found.overlaps.first().map_or(0.0, |one| one.part.area_m2.value());
                cut.set(cut.get() + u32::from(said > 0.0 && found.base.share < 1.0));
                // Below these the last digits of corners are a share of it; the overlay of our own rounds them to micrometres.
                for (other, least_m2) in [(there, 1.0), (own, 100.0)] {
                    proptest::prop_assert!((said - other).abs() <= 1e-4 * other.max(least_m2), "{} {}", said, other);
                    let share = other / area(&land).value();
                    proptest::prop_assert!((found.base.share - share).abs() <= 1e-4, "{} {}", found.base.share, share);
                }
                Ok(())
            })
        })
    });
    outcome.unwrap();
    assert!(cut.get() > 20, "only {} lie across a border", cut.get());
}
