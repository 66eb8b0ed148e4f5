//! Rows and files at the edges of what is read: a million corners, brackets without end, a file that is written to meanwhile.

use std::{
    fs::{self, File},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, SystemTime},
};

use serde_json::{Value, json};

use crate::support::{Town, parcel, parcel_code};

/// A parcel round as a coin, some 95 by 111 metres, with so many corners, the first of them told again at the end.
fn coin(number: u32, corners: u32) -> Value {
    let ring: Vec<[f64; 2]> = (0..corners)
        .map(|at| f64::from(at % (corners - 1)) / f64::from(corners - 1) * std::f64::consts::TAU)
        .map(|turn| [121.6 + 0.0005 * turn.cos(), 31.2 + 0.0005 * turn.sin()])
        .collect();
    let mut one = parcel(number);
    one["geometry"]["coordinates"] = json!([ring]);
    one
}

#[tokio::test]
async fn a_parcel_of_a_million_corners_comes_in_and_one_with_more_is_refused_by_its_row() {
    let town = Town::settled().await;
    let file = town.geojson("coins", &[parcel(4), coin(5, 1_000_000), coin(6, 1_000_001)]);
    let ended = town.import("parcels", &[file], &[]);
    assert_eq!((ended.status, ended.tally()), (Some(0), [3, 2, 0, 1]), "{}", ended.said);
    let refused = ended.answer["findings"].as_array().unwrap().iter().find(|one| one["severity"] == "error").unwrap();
    assert_eq!((&refused["row"], &refused["key"]), (&json!(3), &json!(parcel_code(6))));
    assert!(refused["facts"].to_string().contains("1000001"), "{refused}");
    let (corners, area): (i32, f64) = sqlx::query_as(
        "select st_npoints(geom), area_m2 from parcel_version v join parcel p on p.id = v.parcel_id where p.code = $1",
    )
    .bind(parcel_code(5))
    .fetch_one(&town.database.pool)
    .await
    .unwrap();
    // Half a thousandth of a degree is 47.7 m to the east and 55.4 m to the north.
    assert_eq!(corners, 1_000_000);
    assert!((area / (std::f64::consts::PI * 47.68 * 55.43) - 1.0).abs() < 2e-3, "{area}");
}

#[tokio::test]
async fn brackets_without_end_are_refused_by_name_wherever_a_geojson_is_read() {
    let town = Town::settled().await;
    let deep = "[".repeat(200_000);
    let geometry = format!("{{\"type\":\"Polygon\",\"coordinates\":{deep}");
    let feature =
        format!("{{\"type\":\"FeatureCollection\",\"features\":[{{\"type\":\"Feature\",\"geometry\":{geometry}");
    let members = "{\"a\":".repeat(200_000);
    let before = town.contents().await;
    for (name, text) in [("geometry", geometry), ("feature", feature), ("brackets", deep), ("members", members)] {
        let path = town.file(&format!("{name}.geojson"), text);
        let ended = town.import("parcels", std::slice::from_ref(&path), &[]);
        let first = &ended.answer["findings"][0];
        assert_eq!((ended.status, &first["file"]), (Some(1), &json!(format!("{name}.geojson"))), "{}", ended.said);
        let asked = town.run(&["query", "--area", path.to_str().unwrap()]);
        assert_eq!((asked.status, &asked.answer["error"]), (Some(1), &json!("refused")), "{name}: {}", asked.said);
        let path = path.to_str().unwrap();
        let cut = ["lineage", "split", &parcel_code(1), "--cut", path, "--document", "x", "--on", "2025-07-01"];
        assert_eq!(town.run(&cut).status, Some(1), "{name}");
    }
    assert_eq!(town.contents().await, before);
}

#[tokio::test]
async fn a_file_that_is_written_to_while_it_is_read_is_refused_and_leaves_nothing() {
    let town = Town::settled().await;
    let rows: Vec<Value> = (4..2_000).map(parcel).collect();
    let path = town.geojson("more", &rows);
    let before = town.contents().await;
    let over = AtomicBool::new(false);
    let ended = thread::scope(|scope| {
        scope.spawn(|| {
            let file = File::options().append(true).open(&path).unwrap();
            let mut time = SystemTime::UNIX_EPOCH;
            while !over.load(Ordering::Relaxed) {
                // As whoever writes to it leaves it, without the half a row that would be refused for itself.
                time += Duration::from_secs(1);
                file.set_modified(time).unwrap();
                thread::sleep(Duration::from_millis(1));
            }
        });
        let ended = town.import("parcels", std::slice::from_ref(&path), &[]);
        over.store(true, Ordering::Relaxed);
        ended
    });
    let found = &ended.answer["findings"][0];
    assert_eq!(
        (ended.status, &found["code"], &found["file"]),
        (Some(1), &json!("file-changed"), &json!("more.geojson")),
        "{}",
        ended.said
    );
    assert_eq!(town.contents().await, before);
    assert_eq!(town.tally("parcels", &path), [1_996, 1_996, 0, 0]);
}

#[tokio::test]
async fn of_two_files_of_one_name_a_finding_says_which() {
    let town = Town::settled().await;
    let mut files = Vec::new();
    for (folder, number) in [("2024", 4), ("2025", 5)] {
        fs::create_dir(town.folder().join(folder)).unwrap();
        let mut bad = parcel(number + 10);
        bad["properties"]["land_use"] = json!("");
        files.push(town.geojson(&format!("{folder}/parcels"), &[parcel(number), bad]));
    }
    let ended = town.import("parcels", &files, &[]);
    assert_eq!((ended.status, ended.tally()), (Some(0), [4, 2, 0, 2]), "{}", ended.said);
    assert_eq!(ended.answer["files"], json!(["2024/parcels.geojson", "2025/parcels.geojson"]));
    let errors = ended.answer["findings"].as_array().unwrap().iter().filter(|one| one["severity"] == "error");
    let told: Vec<&str> = errors.map(|one| one["file"].as_str().unwrap()).collect();
    assert_eq!(told, ["2024/parcels.geojson", "2025/parcels.geojson"]);
}
