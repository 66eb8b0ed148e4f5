//! Where and how parcels lie: circles, areas of the register, parcels that lie inside, and shares of their land, against
//! what PostGIS measures.

use crate::support::{Town, feature, parcel, square};
use geo_types::{Coord, LineString, MultiPolygon, Polygon};
use landcycle::atlas::{Relation, Selection, Snapshot, Stored};
use landcycle::clock::Clock;
use landcycle::flow::refresh;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::json;
use std::f64::consts::TAU;

/// A register of 300 lots in three rows of a hundred, a district that ends among them, a park and a zone.
async fn town() -> Town {
    let town = Town::empty().await;
    let district = feature(&json!({"code": "310115", "name": "浦东新区"}), &square(121.4, 31.0, 121.55045, 31.4));
    town.takes("districts", &town.geojson("districts", &[district]));
    let park = feature(&json!({"code": "P1", "name": "园区"}), &square(121.5, 31.1, 121.5204, 31.1014));
    town.takes("parks", &town.geojson("parks", &[park]));
    let zone = json!({"zone_code": "Z1", "name": "基地", "tier": "base", "locked": 1, "valid_from": "2020-01-01"});
    town.takes("zones", &town.geojson("zones", &[feature(&zone, &square(121.56, 31.1, 121.57, 31.12))]));
    let parcels: Vec<_> = (0..300).map(parcel).collect();
    town.takes("parcels", &town.geojson("parcels", &parcels));
    town
}

fn codes(snapshot: &Snapshot, selection: &Selection) -> Vec<String> {
    snapshot.search(selection).indices().iter().map(|number| snapshot.parcel(*number).code().to_owned()).collect()
}

/// A polygon with many teeth and a hole.
fn area(rng: &mut ChaCha8Rng) -> MultiPolygon<f64> {
    let centre = (rng.random_range(121.51..121.59), rng.random_range(31.1..31.103));
    let mut ring = |least: f64, most: f64| {
        let points: Vec<Coord<f64>> = (0..24)
            .map(|corner| {
                let (angle, far) = (TAU * f64::from(corner) / 24.0, rng.random_range(least..most));
                Coord { x: centre.0 + far * angle.cos(), y: centre.1 + far * angle.sin() }
            })
            .collect();
        LineString(points.iter().copied().chain([points[0]]).collect())
    };
    MultiPolygon(vec![Polygon::new(ring(0.004, 0.02), vec![ring(0.0005, 0.003)])])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shares_of_land_and_what_lies_inside_are_those_that_postgis_measures() {
    let town = town().await;
    let snapshot = refresh::snapshot(&town.database.pool, Clock::of_the_machine()).await.unwrap();
    let rng = &mut ChaCha8Rng::seed_from_u64(70);
    let (mut inside, mut partly) = (0, 0);
    for _ in 0..30 {
        let area = area(rng);
        let geometry = geojson::Geometry::from(&area);
        let measured: Vec<(String, f64)> = sqlx::query_as(
            "select p.code, st_area(st_intersection(v.geom, a.geom)::geography) / st_area(v.geom::geography)
             from parcel p join parcel_version v on v.parcel_id = p.id
             cross join (select st_setsrid(st_geomfromgeojson($1), 4490) as geom) a
             where st_intersects(v.geom, a.geom) order by p.code",
        )
        .bind(geometry.to_string())
        .fetch_all(&town.database.pool)
        .await
        .unwrap();
        let share = rng.random_range(0.01..0.99);
        for (relation, least) in
            [(Relation::Intersects, 0.0), (Relation::Share(share), share), (Relation::Within, 1.0 - 1e-9)]
        {
            let found = codes(&snapshot, &Selection::area(&geometry).unwrap().related(relation));
            let expected: Vec<&str> =
                measured.iter().filter(|(_, share)| *share >= least).map(|(code, _)| code.as_str()).collect();
            assert_eq!(found, expected, "{relation:?} of {geometry}");
        }
        inside += measured.iter().filter(|(_, share)| *share >= 1.0 - 1e-9).count();
        partly += measured.iter().filter(|(_, share)| *share < 1.0 - 1e-9).count();
    }
    assert!(inside > 100 && partly > 100, "{inside} lay inside and {partly} partly");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_circle_finds_what_lies_no_farther_than_its_radius() {
    let town = town().await;
    let snapshot = refresh::snapshot(&town.database.pool, Clock::of_the_machine()).await.unwrap();
    let rng = &mut ChaCha8Rng::seed_from_u64(71);
    let mut met = 0;
    for _ in 0..60 {
        let (x, y) = (rng.random_range(121.49..121.61), rng.random_range(31.09..31.11));
        let metres = rng.random_range(1.0..4_000.0);
        let expected: Vec<String> = sqlx::query_scalar(
            "select p.code from parcel p join parcel_version v on v.parcel_id = p.id
             where st_dwithin(v.geom::geography, st_setsrid(st_makepoint($1, $2), 4490)::geography, $3) order by p.code",
        )
        .bind(x)
        .bind(y)
        .bind(metres)
        .fetch_all(&town.database.pool)
        .await
        .unwrap();
        assert_eq!(codes(&snapshot, &Selection::circle(x, y, metres).unwrap()), expected, "{metres} m from {x} {y}");
        met += expected.len();
    }
    assert!(met > 500, "{met}");
    for (metres, code) in [(0.0, "wrong-radius"), (f64::NAN, "wrong-radius"), (100_001.0, "wrong-radius")] {
        assert_eq!(Selection::circle(121.5, 31.1, metres).unwrap_err().code(), code, "{metres}");
    }
    for (x, y) in [(181.0, 31.0), (179.99, 31.0), (121.0, 89.9), (121.0, f64::NAN)] {
        assert_eq!(Selection::circle(x, y, 20_000.0).unwrap_err().code(), "not-on-earth", "{x} {y}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn areas_of_the_register_are_asked_for_by_their_codes() {
    let town = town().await;
    let snapshot = refresh::snapshot(&town.database.pool, Clock::of_the_machine()).await.unwrap();
    let count =
        |kind, code, relation| snapshot.stored(kind, code).map(|area| snapshot.search(&area.related(relation)).len());
    // Column 50 of each row lies half in the district, and row 1 of the park from 31.101 on by four ninths.
    assert_eq!(count(Stored::District, "310115", Relation::Intersects), Some(153));
    assert_eq!(count(Stored::District, "310115", Relation::Within), Some(150));
    assert_eq!(count(Stored::District, "310115", Relation::Share(0.49)), Some(153));
    assert_eq!(count(Stored::District, "310115", Relation::Share(0.51)), Some(150));
    assert_eq!(count(Stored::Park, "P1", Relation::Intersects), Some(42));
    assert_eq!(count(Stored::Park, "P1", Relation::Share(0.5)), Some(20));
    assert_eq!(count(Stored::Zone, "Z1", Relation::Within), Some(30));
    assert_eq!(count(Stored::Zone, "P1", Relation::Within), None);

    for (arguments, count) in [
        (vec!["--within", "park=P1", "--relation", "0.5"], 20),
        (vec!["--within", "zone=Z1", "--relation", "within", "--filter", "parcel_code LIKE '%GB001__'"], 10),
        (vec!["--circle", "121.50045,31.10045,10"], 1),
        (vec!["--filter", "park = 'P1' OR tier = 'base'", "--sort", "-parcel_code"], 30),
    ] {
        let ended = town.run(&[vec!["query"], arguments.clone()].concat());
        assert_eq!(
            (ended.status, &ended.answer["summary"]["count"]),
            (Some(0), &json!(count)),
            "{arguments:?}: {ended:?}"
        );
        let codes: Vec<&str> =
            ended.answer["features"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
        if arguments.contains(&"--sort") {
            assert!(codes.is_sorted_by(|a, b| a > b), "{codes:?}");
        } else {
            assert!(codes.is_sorted(), "{codes:?}");
        }
    }
    for (arguments, status, part) in [
        (vec!["--within", "zone=Z9"], 1, "no zone of that code"),
        (vec!["--within", "street=1"], 2, "district=CODE"),
        (vec!["--relation", "within"], 2, "--bbox"),
        (vec!["--circle", "121.5,31.1,0"], 2, "radius of 0 m"),
        (vec!["--circle", "121.5,31.1"], 2, "expected three numbers"),
        (vec!["--within", "zone=Z1", "--relation", "1.5"], 2, "a share above 0"),
        (vec!["--filter", "grad = 'A'"], 1, "filter, character 1: no property \"grad\""),
        (vec!["--sort", "geometry"], 2, "parcel_code"),
    ] {
        let ended = town.run(&[vec!["query"], arguments.clone()].concat());
        assert_eq!(ended.status, Some(status), "{arguments:?}: {}", ended.said);
        assert!(ended.said.contains(part), "{arguments:?}: {}", ended.said);
    }
}
