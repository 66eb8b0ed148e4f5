//! Real parcels of the Yangtze delta, from their file to a review that does not pretend to know them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    exchange::acceptance,
    support::{Ended, Town},
};

/// How often each code stands in a receipt.
fn counted(ended: &Ended) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for finding in ended.answer["findings"].as_array().unwrap() {
        *counts.entry(finding["code"].as_str().unwrap()).or_default() += 1;
    }
    counts
}

#[tokio::test]
async fn the_real_parcels_of_xinwu_are_imported_found_and_not_judged_for_want_of_figures() {
    let Some(folder) = acceptance() else { return };
    let file = folder.join("real/wuxi_xinwu/xinwu_land_use.gpkg");
    let town = Town::empty().await;
    let ended = town.import("parcels", std::slice::from_ref(&file), &["--map", "euluc"]);
    assert_eq!((ended.status, ended.tally()), (Some(0), [2033, 2033, 0, 0]), "{ended:?}");
    let before = town.contents().await;
    let again = town.import("parcels", &[file], &["--map", "euluc"]);
    assert_eq!((again.status, again.tally()), (Some(0), [2033, 0, 2033, 0]));
    assert_eq!(town.contents().await, before);

    let out = town.folder().join("out");
    let reviewed = town.run(&["review", "run", "--as-of", "2026-06-30", "--out", out.to_str().unwrap()]);
    assert_eq!(reviewed.status, Some(0), "{reviewed:?}");
    let by_grade: BTreeMap<&str, u64> = ["A", "B", "C", "D", "T"]
        .map(|grade| (grade, reviewed.answer["by_grade"][grade]["parcels"].as_u64().unwrap()))
        .into();
    assert_eq!(by_grade, [("A", 0), ("B", 0), ("C", 0), ("D", 0), ("T", 435)].into());
    let rows: BTreeMap<&str, u64> = reviewed.answer["lists"]
        .as_array()
        .unwrap()
        .iter()
        .map(|list| (list["list"].as_str().unwrap(), list["rows"].as_u64().unwrap()))
        .collect();
    assert_eq!(rows, [("exit-candidates", 0), ("renewal-candidates", 0), ("review-results", 435)].into());

    let found = town.run(&["query", "--bbox", "120.3,31.4,120.6,31.7", "--limit", "5"]);
    assert_eq!(found.answer["summary"]["count"], 2033, "{found:?}");
    assert_eq!(found.answer["features"].as_array().unwrap().len(), 5);
    let nowhere = town.run(&["query", "--bbox", "121.3,31.1,121.6,31.2"]);
    assert_eq!(nowhere.answer["summary"]["count"], 0);

    let one: String = town.value("select parcel from review_result order by parcel limit 1").await;
    let why = town.run(&["review", "explain", &reviewed.answer["run"].to_string(), &one]);
    let sentences = |language: &str| -> Vec<String> {
        why.answer[language].as_array().unwrap().iter().map(|line: &Value| line.as_str().unwrap().to_owned()).collect()
    };
    assert!(
        sentences("en").iter().any(|line| line.contains("data are missing, and that is not inefficiency")),
        "{why:?}"
    );
    assert!(sentences("zh").iter().any(|line| line.contains("缺少数据，不作低效认定")), "{why:?}");
}

/// The findings of a code, for the sums below.
fn of<'a>(ended: &'a Ended, code: &str) -> Vec<&'a Value> {
    ended.answer["findings"].as_array().unwrap().iter().filter(|finding| finding["code"] == code).collect()
}

#[tokio::test]
async fn the_parcels_of_cambridge_come_in_through_a_field_map_with_an_honest_receipt() {
    let Some(folder) = acceptance() else { return };
    let file = folder.join("real/cambridge_ma/derived_cambridge_parcels_fy2014_joined.gpkg");
    let town = Town::empty().await;
    let plain = town.import("parcels", std::slice::from_ref(&file), &["--map", "cambridge"]);
    assert_eq!((plain.status, plain.tally()), (Some(0), [13_116, 12_946, 0, 170]), "{}", plain.said);
    let counts = counted(&plain);
    // 134 lots have no record of the assessor and so no use; 8 of the 38 invalid polygons are among them. Of 80 rows whose
    // key came before, 74 are such lots too.
    let refusals = [("missing-value", 134), ("geometry-empty", 1), ("duplicate-key", 6)];
    for (code, count) in refusals {
        assert_eq!(counts.get(code), Some(&count), "{code} in {counts:?}");
    }
    // Which of several faults of one polygon GEOS names is its own choice.
    let invalid: usize = ["geometry-self-intersection", "geometry-ring-self-intersection"]
        .iter()
        .filter_map(|code| counts.get(code))
        .sum();
    assert_eq!(invalid, 30, "{counts:?}");
    let errors = plain.answer["findings"].as_array().unwrap().iter().filter(|finding| finding["severity"] == "error");
    assert_eq!(errors.count(), invalid + refusals.iter().map(|(_, count)| count).sum::<usize>(), "{counts:?}");
    // Square feet were turned into square metres, and agree with the shapes of most parcels.
    assert_eq!((counts.get("unit-converted"), counts.get("area-unit-suspected")), (Some(&1), None), "{counts:?}");
    let close = "select count(*) filter (where abs(registered_area_m2 / area_m2 - 1) <= 0.1)::float8 / count(*)
        from parcel_version where registered_area_m2 is not null";
    let close: f64 = town.value(close).await;
    assert!(close > 0.94, "{close}");
    // Every parcel is found under its sender's own name.
    let named = "select count(distinct source_id) = count(*) and bool_and(code ~ '^000000[0-9]{6}ZB[0-9]{5}$')
        from parcel_version join parcel p on p.id = parcel_id";
    assert!(town.value::<bool>(named).await);
    let industrial: i64 = town.value("select count(*) from parcel_version where land_use like 'M-%'").await;
    assert!((50..197).contains(&industrial), "{industrial}");

    let mended = town.import("parcels", &[file], &["--map", "cambridge", "--repair"]);
    // All but a sliver of 0.67 m² can be mended. 28 are new; one comes before the row that was taken in its place, which is
    // now the second of its key.
    assert_eq!((mended.status, mended.tally()), (Some(0), [13_116, 29, 12_945, 142]), "{}", mended.said);
    assert_eq!((of(&mended, "geometry-repaired").len(), of(&mended, "geometry-not-repaired").len()), (29, 1));
    assert_eq!(counted(&mended)["duplicate-key"], 7);
    for finding in of(&mended, "geometry-repaired") {
        let fact = |name: &str| finding["facts"][name].as_f64().unwrap();
        assert!((fact("after_m2") / fact("before_m2") - 1.0).abs() <= 0.01, "{finding}");
    }
    assert!(town.value::<bool>("select bool_and(st_isvalid(geom)) from parcel_version").await);
}

#[tokio::test]
async fn the_second_fiscal_year_of_cambridge_comes_in_as_changes_and_its_floor_area_as_buildings() {
    let Some(folder) = acceptance() else { return };
    let files = [folder.join("real/cambridge_ma/derived_cambridge_parcels_fy2014_joined.gpkg")];
    let town = Town::empty().await;
    let first = town.import("parcels", &files, &["--map", "cambridge-2013", "--repair"]);
    assert_eq!((first.status, first.tally()), (Some(0), [13_116, 12_930, 0, 186]), "{}", first.said);
    let second = town.import("parcels", &files, &["--map", "cambridge", "--repair"]);
    assert_eq!((second.status, second.tally()), (Some(0), [13_116, 205, 12_769, 142]), "{}", second.said);
    // What was believed in the first year is still on record.
    let closed: i64 = town.value("select count(*) from parcel_version where not upper_inf(recorded)").await;
    let new: i64 = town.value("select count(*) from parcel p where not exists (select from parcel_version v where v.parcel_id = p.id and v.revision = 2)").await;
    assert_eq!(closed + new, 205);

    let first = town.import("buildings", &files, &["--map", "cambridge-buildings-2013"]);
    let second = town.import("buildings", &files, &["--map", "cambridge-buildings"]);
    let again = town.import("buildings", &files, &["--map", "cambridge-buildings"]);
    // Seven rows have the key of one before; one has a floor area below zero; the parcel of one is a sliver that was refused.
    let tallies = [first.tally(), second.tally(), again.tally()];
    assert_eq!(tallies, [[12_939, 12_929, 0, 10], [12_982, 343, 12_630, 9], [12_982, 0, 12_973, 9]]);
    let counts = counted(&second);
    let refused = ["duplicate-key", "negative-value", "unknown-parcel"].map(|code| counts[code]);
    assert_eq!(refused, [7, 1, 1]);
    assert!(of(&second, "rows-left-out")[0]["facts"]["value"] == "134 rows", "{:?}", of(&second, "rows-left-out"));
    // The built plot ratio of the file itself, on the assessor's land area.
    let off =
        "select count(*) from building b join parcel p on p.code = b.parcel join parcel_version v on v.parcel_id = p.id
        where upper_inf(b.recorded) and upper_inf(v.recorded) and b.geom is not null";
    assert_eq!(town.value::<i64>(off).await, 0, "the shape of a parcel is no building's outline");
    let ratios: Vec<(String, f64)> = sqlx::query_as(
        "select v.source_id, b.floor_area_m2 / v.registered_area_m2 from building b join parcel p on p.code = b.parcel
         join parcel_version v on v.parcel_id = p.id
         where upper_inf(b.recorded) and upper_inf(v.recorded) and v.registered_area_m2 is not null",
    )
    .fetch_all(&town.database.pool)
    .await
    .unwrap();
    let stated = stated_ratios(&files[0]);
    let mut compared = 0;
    for (key, ratio) in &ratios {
        if let Some(stated) = stated.get(key) {
            compared += 1;
            assert!((ratio - stated).abs() < 1e-3 * stated.max(1.0), "{key}: {ratio}, the file says {stated}");
        }
    }
    assert!(compared > 12_200, "{compared} of {}", ratios.len());
}

/// The built plot ratio that the file itself states, by its own key.
fn stated_ratios(file: &std::path::Path) -> BTreeMap<String, f64> {
    use gdal::vector::LayerAccess as _;
    let dataset = gdal::Dataset::open(file).unwrap();
    let mut layer = dataset.layer_by_name("parcels").unwrap();
    let (key, ratio) = (layer.defn().field_index("ML").unwrap(), layer.defn().field_index("built_far").unwrap());
    let features = layer.features();
    features.filter_map(|it| Some((it.field_as_string(key).unwrap()?, it.field_as_double(ratio).unwrap()?))).collect()
}

/// The field map that a bureau of Wuxi would write for its own layer.
const WUXI: &str = r#"
kind = "parcels"
[fields.parcel_code]
template = "320214000000ZB{row:05}"
[fields.source_id]
column = "地块编号"
[fields.district]
constant = "320214"
[fields.land_use_scheme]
constant = "EULUC-2.0"
[fields.address]
column = "用地性质"
[fields.land_use]
column = "用地代码"
[fields.land_use.values]
0 = "00-residential"
1 = "01-business-office"
2 = "02-commercial-service"
3 = "M"
4 = "04-transport-stations"
5 = "05-airport"
6 = "06-administrative"
7 = "07-education"
8 = "08-medical"
9 = "09-sport-and-culture"
10 = "10-park-and-greenspace"
"#;

#[tokio::test]
async fn wuxis_parcels_in_gbk_and_zone_prefixed_gauss_kruger_have_the_names_and_areas_of_the_utm_geopackage() {
    let Some(folder) = acceptance() else { return };
    let (sent, original) = (Town::empty().await, Town::empty().await);
    let map = sent.file("wuxi.toml", WUXI);
    let file = folder.join("real/cn_shapefiles/derived_cgcs2000_gk40_gbk/无锡新吴用地.shp");
    let ended = sent.import("parcels", &[file], &["--map", map.to_str().unwrap()]);
    assert_eq!((ended.status, ended.tally()), (Some(0), [2033, 2033, 0, 0]), "{ended:?}");
    assert_eq!((&ended.answer["crs"], &ended.answer["encoding"]), (&json!("EPSG:4528"), &json!("GB18030")));
    assert_eq!(counted(&ended).get("unknown-land-use"), None);
    let utm = folder.join("real/wuxi_xinwu/xinwu_land_use.gpkg");
    assert_eq!(original.import("parcels", &[utm], &["--map", "euluc"]).status, Some(0));
    let names: Vec<String> = sent.values("select distinct address from parcel_version order by 1").await;
    assert!(names.contains(&"工业用地".to_owned()) && names.iter().all(|name| !name.contains('\u{FFFD}')), "{names:?}");
    let industrial: i64 =
        sent.value("select count(*) from parcel_version where land_use = 'M' and address = '工业用地'").await;
    assert_eq!(industrial, 435);
    let first: String = sent
        .value("select source_id from parcel_version join parcel p on p.id = parcel_id order by code limit 1")
        .await;
    assert_eq!(first, "XW00001");
    let classes = "select code || ' ' || land_use from parcel_version join parcel p on p.id = parcel_id order by code";
    assert_eq!(sent.values::<String>(classes).await, original.values::<String>(classes).await);
    let areas = "select area_m2 from parcel_version join parcel p on p.id = parcel_id order by code";
    let (found, expected): (Vec<f64>, Vec<f64>) = (sent.values(areas).await, original.values(areas).await);
    let worst = found
        .iter()
        .zip(&expected)
        .filter(|(_, area)| **area > 100.0)
        .map(|(a, b)| (a / b - 1.0).abs())
        .fold(0.0, f64::max);
    assert!(worst < 1e-6, "{worst}");
}
