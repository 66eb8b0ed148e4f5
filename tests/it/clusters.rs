//! Renewal areas of a run: each candidate in one, neighbours together, by what PostGIS measures; as a command, a file and an
//! answer.

use crate::plot_ratio::get;
use crate::support::{Ended, Town};
use axum::http::StatusCode;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The made-up city, reviewed once.
async fn reviewed() -> Town {
    let town = Town::empty().await;
    let steps: [&[&str]; 3] = [
        &["demo", "generate", "--out", "city", "--parcels", "600"],
        &["demo", "load", "city"],
        &["review", "run", "--as-of", "2026-06-30", "--out", "out"],
    ];
    for step in steps {
        let ended = town.run(step);
        assert_eq!(ended.status, Some(0), "{}", ended.said);
    }
    town
}

fn clusters(town: &Town, flags: &[&str]) -> Ended {
    let mut arguments = vec!["review", "clusters", "1"];
    arguments.extend(flags);
    town.run(&arguments)
}

fn areas(answer: &Value) -> Vec<BTreeSet<String>> {
    let codes = |area: &Value| area["parcel_codes"].as_array().unwrap().iter().map(text).collect();
    answer["areas"].as_array().unwrap().iter().map(codes).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The areas that the distances of PostGIS give, geodesic ones on the ellipsoid.
fn grown(codes: &[String], pairs: &[(String, String)]) -> BTreeSet<BTreeSet<String>> {
    let mut area_of: BTreeMap<&String, BTreeSet<String>> =
        codes.iter().map(|code| (code, BTreeSet::from([code.clone()]))).collect();
    for (one, other) in pairs {
        let joined: BTreeSet<String> = area_of[one].union(&area_of[other]).cloned().collect();
        for (code, area) in &mut area_of {
            if joined.contains(*code) {
                *area = joined.clone();
            }
        }
    }
    area_of.into_values().collect()
}

#[tokio::test]
async fn every_candidate_is_in_one_area_and_areas_are_those_that_measuring_every_pair_gives() {
    let town = reviewed().await;
    let pool = &town.database.pool;
    let codes: Vec<String> = town.values("select parcel from review_result where list is not null").await;
    assert!(codes.len() > 50);
    let before = town.contents().await;
    for within in ["0", "30", "120"] {
        let answer = clusters(&town, &["--within", within]).answer;
        let found = areas(&answer);
        let mut members: Vec<&String> = found.iter().flatten().collect();
        members.sort();
        assert_eq!(members, codes.iter().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>());
        // A millimetre counts as touching; a hair more or less would be another reading of the same street.
        let pairs: Vec<(String, String)> = sqlx::query_as(
            "with listed as (
                 select r.parcel, v.geom::geography as land from review_result r join parcel p on p.code = r.parcel
                 join parcel_version v on v.parcel_id = p.id and upper_inf(v.recorded) and v.valid @> date '2026-06-30'
                 where r.list is not null)
             select a.parcel, b.parcel from listed a join listed b on a.parcel < b.parcel
                 and st_dwithin(a.land, b.land, greatest($1::float8, 0.001))",
        )
        .bind(within.parse::<f64>().unwrap())
        .fetch_all(pool)
        .await
        .unwrap();
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), grown(&codes, &pairs), "within {within} m");
        assert!(!pairs.is_empty(), "within {within} m");
    }
    assert_eq!(town.contents().await, before, "nothing is stored");
}

#[tokio::test]
async fn the_areas_of_a_run_have_the_land_owners_and_ways_of_their_parcels_and_stand_in_order() {
    let town = reviewed().await;
    let ended = clusters(&town, &[]);
    assert_eq!(ended.status, Some(0), "{}", ended.said);
    let answer = ended.answer;
    assert_eq!((&answer["within_m"], &answer["run"]), (&json!(30.0), &json!(1)));
    assert!(text(&answer["within_source"]).starts_with("assumption"));
    let listed = answer["areas"].as_array().unwrap();
    assert_eq!(answer["all_areas"], json!(listed.len()));
    for (index, area) in listed.iter().enumerate() {
        assert_eq!(area["rank"], json!(index + 1));
        assert_eq!(area["area_code"], area["parcel_codes"][0]);
        let parcels = area["parcels"].as_u64().unwrap();
        for mix in ["by_list", "by_channel", "by_grade"] {
            let sum: u64 = area[mix].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
            assert_eq!(sum, parcels, "{mix}");
        }
    }
    let size = |area: &Value| (area["area_m2"].as_f64().unwrap(), area["parcels"].as_u64().unwrap());
    assert!(listed.is_sorted_by(|one, other| size(one) >= size(other)));
    assert!(size(&listed[0]).1 > 1, "the demo city has candidates side by side");
    let land: f64 = town
        .value("select sum((receipt::jsonb #>> '{facts,land_m2}')::float8) from review_result where list is not null")
        .await;
    let sum: f64 = listed.iter().map(|area| size(area).0).sum();
    assert!((sum - land).abs() < 0.01 * listed.len() as f64, "{sum} {land}");
    // The owners are those of the contracts that the review judged.
    let holders: BTreeSet<String> = town
        .values(
            "select distinct c.holder from review_result r join contract c
                 on c.number = r.receipt::jsonb #>> '{facts,contract,number}' and upper_inf(c.recorded)
             where r.list is not null and c.holder is not null",
        )
        .await
        .into_iter()
        .collect();
    let most: u64 = listed.iter().map(|area| area["holders"].as_u64().unwrap()).sum();
    assert!(most >= holders.len() as u64 && !holders.is_empty());

    // A list and a least area narrow it; ranks stay those among all of the list.
    let exits = clusters(&town, &["--list", "exit"]).answer;
    let count: i64 = town.value("select count(*) from review_result where list = 'exit'").await;
    assert_eq!(exits["candidates"], json!(count));
    let least = size(&listed[2]).0;
    let large = clusters(&town, &["--min-area", &least.to_string()]).answer;
    assert_eq!((areas(&large).len(), &large["all_areas"]), (3, &answer["all_areas"]));
}

#[tokio::test]
async fn a_file_and_an_answer_hold_what_the_command_says_with_the_land_in_one_shape() {
    let town = reviewed().await;
    let told = clusters(&town, &["--out", "areas.geojson"]).answer;
    let file: Value = serde_json::from_slice(&std::fs::read(town.folder().join("areas.geojson")).unwrap()).unwrap();
    let (status, page) = get(&town.database.pool, "/api/v1/reviews/1/clusters?limit=10000").await;
    assert_eq!(status, StatusCode::OK, "{page}");
    let (features, in_file) = (page["features"].as_array().unwrap(), file["features"].as_array().unwrap());
    let listed = told["areas"].as_array().unwrap();
    assert_eq!((features.len(), in_file.len()), (listed.len(), listed.len()));
    for ((area, feature), row) in listed.iter().zip(features).zip(in_file) {
        assert_eq!(&feature["properties"], area);
        assert_eq!((&row["properties"]["rank"], &row["properties"]["area_code"]), (&area["rank"], &area["area_code"]));
    }
    // The land of the first, as PostGIS measures it: valid, and that of its parcels put together.
    let (is_valid, share): (bool, f64) = sqlx::query_as(
        "with area as (select st_setsrid(st_geomfromgeojson($1), 4490) as land),
              parcels as (select st_union(v.geom) as land from parcel p join parcel_version v on v.parcel_id = p.id
                  and upper_inf(v.recorded) and v.valid @> date '2026-06-30' where p.code = any($2))
         select st_isvalid(a.land), st_area(st_symdifference(a.land, p.land)) / st_area(p.land) from area a, parcels p",
    )
    .bind(features[0]["geometry"].to_string())
    .bind(areas(&told)[0].iter().cloned().collect::<Vec<_>>())
    .fetch_one(&town.database.pool)
    .await
    .unwrap();
    assert!(is_valid && share < 1e-4, "{share}");

    let (_, first) = get(&town.database.pool, "/api/v1/reviews/1/clusters?limit=2").await;
    assert_eq!((&first["next"], first["features"].as_array().unwrap().len()), (&json!(2), 2));
    let (_, rest) = get(&town.database.pool, "/api/v1/reviews/1/clusters?after=2&limit=10000").await;
    assert_eq!((&rest["next"], &rest["features"][0]), (&Value::Null, &features[2]));
    for format in ["xlsx", "csv", "gpkg"] {
        let ended = clusters(&town, &["--out", &format!("areas.{format}")]);
        assert_eq!(ended.status, Some(0), "{}", ended.said);
        assert!(town.folder().join(format!("areas.{format}")).is_file());
    }
}

#[tokio::test]
async fn a_run_that_is_not_there_and_a_distance_that_is_none_are_refused() {
    let town = Town::empty().await;
    let none = clusters(&town, &[]);
    assert_eq!(none.status, Some(1), "{none:?}");
    assert!(none.said.contains("there is no review run 1"), "{}", none.said);
    for flags in [["--within", "501"], ["--within", "NaN"], ["--min-area", "inf"], ["--list", "both"]] {
        assert_eq!(clusters(&town, &flags).status, Some(2), "{flags:?}");
    }
    for (question, status, field) in [
        ("", StatusCode::NOT_FOUND, Value::Null),
        ("?within_m=-1", StatusCode::UNPROCESSABLE_ENTITY, json!("within_m")),
        ("?min_area_m2=NaN", StatusCode::UNPROCESSABLE_ENTITY, json!("min_area_m2")),
        ("?list=both", StatusCode::UNPROCESSABLE_ENTITY, json!("list")),
        ("?limit=0", StatusCode::UNPROCESSABLE_ENTITY, json!("limit")),
        ("?colour=red", StatusCode::UNPROCESSABLE_ENTITY, json!("query")),
    ] {
        let (found, problem) = get(&town.database.pool, &format!("/api/v1/reviews/1/clusters{question}")).await;
        assert_eq!((found, &problem["findings"][0]["field"]), (status, &field), "{problem}");
    }
}
