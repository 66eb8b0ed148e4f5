//! What lies at a place and around it, and answers that show what their caller knows to be written.

use super::questions::{codes, everything, get, service_of, today};
use crate::scatter::{self, CELL, SIDE, SOUTH, WEST};
use crate::support::{Town, parcel, parcel_code};
use axum::http::StatusCode;
use landcycle::atlas::Atlas;
use landcycle::clock::Clock;
use landcycle::flow::refresh;
use landcycle::http::{App, router};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rstest::rstest;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_nearest_parcels_are_those_that_postgis_measures() {
    let town = Town::empty().await;
    let parcels: Vec<_> = (0..300).map(parcel).collect();
    town.takes("parcels", &town.geojson("parcels", &parcels));
    let snapshot = refresh::snapshot(&town.database.pool, Clock::of_the_machine()).await.unwrap();
    let rng = &mut ChaCha8Rng::seed_from_u64(72);
    for (most, metres) in [(1, 100_000.0), (7, 300.0), (40, 3_000.0), (400, 20_000.0)] {
        for _ in 0..12 {
            let place = [rng.random_range(121.45..121.65), rng.random_range(31.05..31.15)];
            let measured: Vec<(String, f64)> = sqlx::query_as(
                "select p.code, st_distance(v.geom::geography, st_setsrid(st_makepoint($1, $2), 4490)::geography) as far
                 from parcel p join parcel_version v on v.parcel_id = p.id order by far, p.code",
            )
            .bind(place[0])
            .bind(place[1])
            .fetch_all(&town.database.pool)
            .await
            .unwrap();
            let expected: Vec<_> = measured.iter().filter(|(_, far)| *far <= metres).take(most).collect();
            let found = snapshot.nearest(place, most, metres);
            assert_eq!(found.len(), expected.len(), "{most} within {metres} m of {place:?}");
            for ((distance, number), (_, far)) in found.iter().zip(expected) {
                assert!((distance - far).abs() < 0.01, "{distance} is {far} by PostGIS");
                let own = snapshot.parcel(*number).code();
                let (_, own) = measured.iter().find(|(code, _)| code == own).unwrap();
                assert!((distance - own).abs() < 0.01, "{distance} is {own} by PostGIS");
            }
        }
    }
    let inside = snapshot.nearest([121.50145, 31.10045], 1, 1.0);
    assert_eq!((inside[0].0, snapshot.parcel(inside[0].1).code()), (0.0, parcel_code(1).as_str()));
}

#[tokio::test]
async fn a_place_has_the_parcels_that_it_lies_on() {
    let service = service_of(scatter::snapshot(42, 20));
    let rng = &mut ChaCha8Rng::seed_from_u64(73);
    let mut met = 0;
    for _ in 0..60 {
        let (x, y) =
            (WEST + rng.random_range(0.0..CELL * SIDE as f64), SOUTH + rng.random_range(0.0..CELL * SIDE as f64));
        let (status, _, at) = get(&service, &format!("/api/v1/parcels/at?lon={x}&lat={y}")).await;
        assert_eq!(status, StatusCode::OK, "{at}");
        let (_, _, near) = get(&service, &format!("/api/v1/parcels/nearest?lon={x}&lat={y}&limit=100&metres=1")).await;
        let here = near["features"].as_array().unwrap().iter().filter(|one| one["distance_m"] == 0.0);
        let here: Vec<&str> = here.map(|one| one["id"].as_str().unwrap()).collect();
        assert_eq!(codes(&at), here, "{x} {y}");
        met += here.len();
    }
    assert!(met > 20, "{met}");
}

#[rstest]
#[case("at?lon=121", "lat")]
#[case("at?lon=121&lat=91", "latitude of -90 to 90")]
#[case("at?lon=NaN&lat=31", "coordinate (NaN, 31)")]
#[case("at?lon=121&lat=31&colour=red", "colour")]
#[case("nearest?lon=121&lat=31&limit=101", "at most 100")]
#[case("nearest?lon=121&lat=31&metres=0", "more than 0")]
#[case("nearest?lon=121&lat=31&metres=NaN", "more than 0")]
#[case("nearest?lon=121&lat=31&min_revision=x", "min_revision")]
#[tokio::test]
async fn a_place_that_is_none_is_refused(#[case] path: &str, #[case] part: &str) {
    let service = service_of(scatter::snapshot(42, 20));
    let (status, _, problem) = get(&service, &format!("/api/v1/parcels/{path}")).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains(part), "{problem}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_names_a_revision_waits_for_it_and_is_told_when_it_does_not_come() {
    let atlas = Arc::new(Atlas::empty());
    atlas.swap(scatter::snapshot(42, 20));
    let pool = sqlx::postgres::PgPoolOptions::new().connect_lazy("postgresql://nobody@127.0.0.1:1/none").unwrap();
    let service = router(App { atlas: atlas.clone(), pool, today: Arc::new(today) });
    let later = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        atlas.swap(scatter::snapshot(43, 20));
    });
    let search = |least: Value| json!({"bbox": everything(), "limit": 1, "min_revision": least});
    let (status, headers, _) = super::questions::ask(&service, &search(json!(42))).await;
    assert_eq!((status, &headers["landcycle-revision"]), (StatusCode::OK, &"42".parse().unwrap()), "no wait");
    let (status, headers, answer) = super::questions::ask(&service, &search(json!(43))).await;
    assert_eq!(
        (status, &headers["landcycle-revision"], &answer["revision"]),
        (StatusCode::OK, &"43".parse().unwrap(), &json!(43))
    );
    later.await.unwrap();
    let begun = Instant::now();
    for path in [
        "/api/v1/parcels/at?lon=121.5&lat=31.2&min_revision=44",
        "/api/v1/parcels/nearest?lon=121.5&lat=31.2&min_revision=44",
    ] {
        let (status, headers, problem) = get(&service, path).await;
        assert_eq!(
            (status, &problem["type"]),
            (StatusCode::SERVICE_UNAVAILABLE, &json!("/problems/behind")),
            "{problem}"
        );
        assert_eq!(problem["findings"][0]["shown"], 43);
        assert!(headers.contains_key("retry-after"));
    }
    assert!(begun.elapsed() < Duration::from_secs(8), "the wait has an end: {:?}", begun.elapsed());
    // A header asks the same of every route.
    for (least, status) in
        [("43", StatusCode::OK), ("44", StatusCode::SERVICE_UNAVAILABLE), ("soon", StatusCode::UNPROCESSABLE_ENTITY)]
    {
        let asked = super::questions::get_with(&service, "/api/v1/city", &[("landcycle-min-revision", least)]).await;
        assert_eq!(asked.0, status, "{least}: {}", asked.2);
    }
    assert_eq!(super::questions::ask(&service, &search(json!("43"))).await.0, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_on_one_register_both_show_what_was_just_written() {
    let town = Town::settled().await;
    let servers = [0, 1].map(|_| {
        let atlas = Arc::new(Atlas::empty());
        let task = tokio::spawn(refresh::follow(town.database.pool.clone(), Clock::of_the_machine(), atlas.clone()));
        (router(App { atlas, pool: town.database.pool.clone(), today: Arc::new(today) }), task)
    });
    for count in [5, 9, 14] {
        let parcels: Vec<_> = (0..count).map(parcel).collect();
        let receipt = town.takes("parcels", &town.geojson("parcels", &parcels));
        let question = json!({"filter": "TRUE", "limit": 0, "min_revision": receipt["revision"]});
        for (service, _) in &servers {
            let (status, _, answer) = super::questions::ask(service, &question).await;
            assert_eq!((status, &answer["summary"]["count"]), (StatusCode::OK, &json!(count)), "{answer}");
        }
    }
    servers.iter().for_each(|(_, task)| task.abort());
}
