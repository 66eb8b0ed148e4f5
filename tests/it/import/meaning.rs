//! What coordinates, figures and words of a file mean: reference systems with and without a zone's number, shifted datums,
//! forgotten units, unknown codes, and polygons that are mended on request.

use serde_json::{Value, json};

use crate::{
    exchange::{Made, PARCELS, write},
    support::{Ended, Town, feature, lot, parcel, parcel_code, square},
};

fn findings<'a>(ended: &'a Ended, code: &str) -> Vec<&'a Value> {
    ended.answer["findings"].as_array().unwrap().iter().filter(|finding| finding["code"] == code).collect()
}

fn expected(finding: &Value) -> &str {
    finding["facts"]["expected"].as_str().unwrap()
}

const PLACE: &str = "select st_astext(st_centroid(geom), 6) from parcel_version where upper_inf(recorded)";

/// A box of a hundred metres in some grid.
fn cell(x: f64, y: f64) -> String {
    let (east, north) = (x + 100.0, y + 100.0);
    format!("POLYGON (({x} {y},{east} {y},{east} {north},{x} {north},{x} {y}))")
}

fn sent(town: &Town, name: &str, epsg: Option<u32>, shapes: &[String]) -> std::path::PathBuf {
    let path = town.folder().join(name);
    let codes: Vec<String> = (1..=shapes.len()).map(|number| parcel_code(u32::try_from(number).unwrap())).collect();
    let rows: Vec<_> =
        codes.iter().zip(shapes).map(|(code, shape)| (code.as_str(), "M1", Some(shape.as_str()))).collect();
    write(&path, &Made { epsg, ..PARCELS }, &rows);
    path
}

#[tokio::test]
async fn eastings_with_a_zones_number_under_a_system_without_it_and_the_reverse_land_in_the_same_place_and_are_said() {
    let (with, without) = (cell(40_640_000.0, 3_457_000.0), cell(640_000.0, 3_457_000.0));
    let mut places = Vec::new();
    for (epsg, shape, mended) in [(4549, &without, 0), (4528, &with, 0), (4549, &with, 1), (4528, &without, 1)] {
        let town = Town::empty().await;
        let ended =
            town.import("parcels", &[sent(&town, "parcels.gpkg", Some(epsg), std::slice::from_ref(shape))], &[]);
        assert_eq!((ended.status, ended.tally()), (Some(0), [1, 1, 0, 0]), "{ended:?}");
        assert_eq!(findings(&ended, "crs-zone-prefix").len(), mended, "{ended:?}");
        places.push(town.value::<String>(PLACE).await);
    }
    assert!(places.iter().all(|place| *place == places[0]), "{places:?}");
    assert!(places[0].starts_with("POINT(121.469"), "{places:?}");
}

#[tokio::test]
async fn eastings_of_another_zone_are_refused_with_the_system_to_name() {
    let town = Town::empty().await;
    let file = sent(&town, "parcels.gpkg", Some(4549), &[cell(41_360_000.0, 3_457_000.0)]);
    let before = town.contents().await;
    let ended = town.import("parcels", std::slice::from_ref(&file), &[]);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    let found = findings(&ended, "crs-other-zone");
    assert!(expected(found[0]).contains("--crs EPSG:4529"), "{ended:?}");
    assert_eq!(town.contents().await, before);
    let ended = town.import("parcels", &[file], &["--crs", "EPSG:4529"]);
    assert_eq!((ended.status, ended.tally()), (Some(0), [1, 1, 0, 0]), "{ended:?}");
    assert!(town.value::<String>(PLACE).await.starts_with("POINT(121.5"));
}

#[tokio::test]
async fn a_file_without_a_system_is_refused_with_what_its_coordinates_look_like() {
    let town = Town::empty().await;
    for (shape, said) in [
        (cell(40_640_000.0, 3_457_000.0), "EPSG:4528"),
        (cell(640_000.0, 3_457_000.0), "EPSG:4550"),
        ("POLYGON ((121.5 31.2,121.51 31.2,121.51 31.21,121.5 31.2))".to_owned(), "EPSG:4490"),
    ] {
        let path = town.folder().join("parcels.shp");
        let names = ["DKBH", "TDYT"];
        let shapes = gdal::vector::OGRwkbGeometryType::wkbPolygon;
        let made = Made { driver: "ESRI Shapefile", epsg: None, names, shape: shapes, options: &[] };
        write(&path, &made, &[(&parcel_code(1), "M1", Some(&shape))]);
        let ended = town.import("parcels", &[path], &[]);
        assert_eq!(ended.status, Some(1), "{ended:?}");
        assert!(expected(findings(&ended, "missing-crs")[0]).contains(said), "{ended:?}");
    }
}

#[tokio::test]
async fn degrees_under_a_system_in_metres_are_refused_and_said() {
    let town = Town::empty().await;
    let degrees = "POLYGON ((121.5 31.2,121.51 31.2,121.51 31.21,121.5 31.2))".to_owned();
    let file = sent(&town, "parcels.gpkg", Some(4549), &[degrees]);
    let ended = town.import("parcels", std::slice::from_ref(&file), &[]);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(expected(findings(&ended, "crs-not-of-coordinates")[0]).contains("--crs EPSG:4490"), "{ended:?}");
    let ended = town.import("parcels", &[file], &["--crs", "EPSG:4490"]);
    assert_eq!((ended.status, ended.tally()), (Some(0), [1, 1, 0, 0]), "{ended:?}");
}

#[tokio::test]
async fn coordinates_of_a_web_map_are_put_back_with_the_error_stated() {
    // People's Square by the public formula: GCJ-02 and BD-09 of 121.4737 31.2304, each about half a kilometre off or more.
    for (datum, corner, metres) in
        [("gcj02", (121.478_223_1, 31.228_457_7), 440.0..520.0), ("bd09", (121.484_781_5, 31.234_310_6), 900.0..1400.0)]
    {
        let town = Town::empty().await;
        let (x, y) = corner;
        let shape = square(x - 0.0005, y - 0.0005, x + 0.0005, y + 0.0005);
        let one = feature(&json!({"parcel_code": parcel_code(1), "land_use": "M1"}), &shape);
        let ended = town.import("parcels", &[town.geojson("map", &[one])], &["--datum", datum]);
        assert_eq!((ended.status, ended.tally()), (Some(0), [1, 1, 0, 0]), "{ended:?}");
        let found = findings(&ended, "datum-put-back");
        let fact = |name: &str| found[0]["facts"][name].as_f64().unwrap();
        assert!(metres.contains(&fact("most_moved_m")) && fact("residual_m") < 0.001, "{ended:?}");
        let off: f64 = town
            .value("select st_distance(st_centroid(geom)::geography, 'srid=4490;point(121.4737 31.2304)'::geography) from parcel_version")
            .await;
        assert!(off < 0.5, "{datum}: {off} m");
    }
}

#[tokio::test]
async fn a_datum_of_china_is_refused_for_places_elsewhere_and_an_unknown_one_is_wrong_usage() {
    let town = Town::empty().await;
    let there = feature(&json!({"parcel_code": parcel_code(1), "land_use": "M1"}), &square(-71.1, 42.3, -71.0, 42.4));
    let file = town.geojson("there", &[there]);
    let ended = town.import("parcels", std::slice::from_ref(&file), &["--datum", "gcj02"]);
    assert_eq!((ended.status, findings(&ended, "datum-outside").len()), (Some(1), 1), "{ended:?}");
    assert_eq!(town.import("parcels", &[file], &["--datum", "mars"]).status, Some(2));
}

#[tokio::test]
async fn a_file_whose_every_shape_has_its_axes_swapped_is_refused_and_one_with_some_is_told() {
    let swapped = cell(3_457_000.0, 640_000.0);
    let straight = cell(640_000.0, 3_457_000.0);
    let town = Town::settled().await;
    let ended =
        town.import("parcels", &[sent(&town, "all.gpkg", Some(4549), &[swapped.clone(), swapped.clone()])], &[]);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    let found = findings(&ended, "axes-swapped");
    assert_eq!(found[0]["facts"]["value"], "2 of 2 shapes");
    assert!(expected(found[0]).contains("Swap X and Y"), "{ended:?}");
    let ended =
        town.import("parcels", &[sent(&town, "some.gpkg", Some(4549), &[straight.clone(), swapped.clone()])], &[]);
    assert_eq!(findings(&ended, "axes-swapped")[0]["facts"]["value"], "1 of 2 shapes", "{ended:?}");
    // Before there are districts, China tells.
    let town = Town::empty().await;
    let ended = town.import("parcels", &[sent(&town, "all.gpkg", Some(4549), std::slice::from_ref(&swapped))], &[]);
    assert_eq!((ended.status, findings(&ended, "axes-swapped").len()), (Some(1), 1), "{ended:?}");
    let ended = town.import("parcels", &[sent(&town, "none.gpkg", Some(4549), &[straight])], &[]);
    assert_eq!((ended.status, findings(&ended, "axes-swapped").len()), (Some(0), 0), "{ended:?}");
}

/// Parcels 1 to 10 with a registered area that is their shape's, in some unit, a little off.
fn registered(factor: f64) -> Vec<Value> {
    (1..=10)
        .map(|number| {
            let mut one = parcel(number);
            // A lot has 8,560 m² or so.
            one["properties"]["registered_area_m2"] = json!(8560.0 * factor * (1.0 + f64::from(number) * 0.002));
            one
        })
        .collect()
}

#[tokio::test]
async fn mu_for_square_metres_are_noticed_and_said_once_with_what_to_do() {
    for (factor, word) in [(0.0015, Some("unit = \"亩\"")), (1e-4, Some("公顷")), (1.0, None)] {
        let town = Town::empty().await;
        let ended = town.import("parcels", &[town.geojson("areas", &registered(factor))], &[]);
        assert_eq!((ended.status, ended.tally()), (Some(0), [10, 10, 0, 0]), "{ended:?}");
        let found = findings(&ended, "area-unit-suspected");
        assert_eq!(found.len(), usize::from(word.is_some()), "{ended:?}");
        if let Some(word) = word {
            assert!(expected(found[0]).contains(word) && found[0]["severity"] == "warning", "{ended:?}");
            let ratio = found[0]["facts"]["ratio"].as_f64().unwrap();
            assert!((ratio / factor - 1.0).abs() < 0.1, "{ratio}");
        }
        assert_eq!(findings(&ended, "area-differs").len(), 0, "{ended:?}");
    }
}

#[tokio::test]
async fn a_registered_area_far_from_that_of_the_shape_is_told_with_its_row_and_refuses_nothing() {
    let town = Town::empty().await;
    let mut rows = registered(1.0);
    rows[6]["properties"]["registered_area_m2"] = json!(12_000);
    let ended = town.import("parcels", &[town.geojson("areas", &rows)], &[]);
    assert_eq!((ended.status, ended.tally()), (Some(0), [10, 10, 0, 0]), "{ended:?}");
    let found = findings(&ended, "area-differs");
    assert_eq!(found.len(), 1, "{ended:?}");
    assert_eq!(
        (&found[0]["row"], &found[0]["key"], &found[0]["severity"]),
        (&json!(7), &json!(parcel_code(7)), &json!("warning"))
    );
    assert!(expected(found[0]).contains("10 %"), "{ended:?}");
}

#[tokio::test]
async fn a_land_use_code_that_its_scheme_has_not_is_told_once_with_its_count() {
    let town = Town::empty().await;
    let with =
        |number: u32, code: &str| feature(&json!({"parcel_code": parcel_code(number), "land_use": code}), &lot(number));
    let rows = [with(1, "M1"), with(2, "M17"), with(3, "工业"), with(4, "工业"), with(5, "工业")];
    let ended = town.import("parcels", &[town.geojson("uses", &rows)], &[]);
    assert_eq!((ended.status, ended.tally()), (Some(0), [5, 5, 0, 0]), "{ended:?}");
    let found = findings(&ended, "unknown-land-use");
    assert_eq!(found.len(), 1, "{ended:?}");
    assert_eq!((&found[0]["facts"]["value"], &found[0]["facts"]["rows"]), (&json!("工业"), &json!(3)));
    let mut other = with(6, "M1");
    other["properties"]["land_use_scheme"] = json!("GB-Shanghai");
    let ended = town.import("parcels", &[town.geojson("scheme", &[other])], &[]);
    assert_eq!((ended.status, findings(&ended, "unknown-land-use-scheme").len()), (Some(0), 1), "{ended:?}");
}

/// A lot whose ring crosses itself in a small ear of about a thousandth of its area.
fn eared(number: u32) -> Value {
    let mut one = parcel(number);
    let (west, south) = (121.5 + f64::from(number) * 0.001, 31.1);
    let (east, north, ear) = (west + 0.0009, south + 0.0009, 0.000_03);
    one["geometry"]["coordinates"] = json!([[
        [west, south],
        [east, south],
        [east, north],
        [west - ear, north],
        [west - ear, north + ear],
        [west, north - ear],
        [west, south]
    ]]);
    one
}

fn bow_tie(number: u32) -> Value {
    let mut one = parcel(number);
    one["geometry"]["coordinates"] =
        json!([[[121.5, 31.1], [121.502, 31.102], [121.502, 31.1], [121.5, 31.102], [121.5, 31.1]]]);
    one
}

#[tokio::test]
async fn an_invalid_polygon_is_refused_with_its_place_and_mended_on_request_with_the_area_before_and_after() {
    let town = Town::empty().await;
    let file = town.geojson("eared", &[parcel(1), eared(3)]);
    let ended = town.import("parcels", std::slice::from_ref(&file), &[]);
    assert_eq!((ended.status, ended.tally()), (Some(0), [2, 1, 0, 1]), "{ended:?}");
    assert!(findings(&ended, "geometry-self-intersection")[0]["facts"]["value"].as_str().unwrap().contains("[121.50"));
    let ended = town.import("parcels", std::slice::from_ref(&file), &["--repair"]);
    assert_eq!((ended.status, ended.tally()), (Some(0), [2, 1, 1, 0]), "{ended:?}");
    let found = findings(&ended, "geometry-repaired");
    assert_eq!((found.len(), &found[0]["row"], &found[0]["severity"]), (1, &json!(2), &json!("warning")), "{ended:?}");
    let fact = |name: &str| found[0]["facts"][name].as_f64().unwrap();
    assert!(fact("before_m2") > 8000.0 && (fact("after_m2") / fact("before_m2") - 1.0).abs() < 0.01, "{ended:?}");
    assert!(found[0]["facts"]["value"].as_str().unwrap().contains("Self-intersection[121.50"), "{ended:?}");
    let kept = "select bool_and(st_isvalid(geom)) and max(abs(area_m2 / st_area(geom::geography) - 1)) < 1e-9 from parcel_version";
    assert!(town.value::<bool>(kept).await);
    // Mended the same way, it is the same parcel.
    let again = town.import("parcels", &[file], &["--repair"]);
    assert_eq!((again.status, again.tally()), (Some(0), [2, 0, 2, 0]), "{again:?}");
}

#[tokio::test]
async fn a_polygon_whose_repair_would_change_too_much_of_it_is_refused_all_the_same() {
    let town = Town::empty().await;
    let ended = town.import("parcels", &[town.geojson("tie", &[parcel(1), bow_tie(9)])], &["--repair"]);
    assert_eq!((ended.status, ended.tally()), (Some(0), [2, 1, 0, 1]), "{ended:?}");
    let found = findings(&ended, "geometry-not-repaired");
    assert!(expected(found[0]).contains("more than 1 %") && found[0]["row"] == 2, "{ended:?}");
    let zones = |shape: &Value| {
        let properties =
            json!({"zone_code": "Z", "name": "Z", "tier": "base", "locked": 0, "valid_from": "2018-01-01"});
        feature(&properties, &shape["geometry"])
    };
    let ended = town.import("zones", &[town.geojson("zone", &[zones(&eared(3))])], &["--repair"]);
    assert_eq!((ended.status, findings(&ended, "geometry-repaired").len()), (Some(0), 1), "{ended:?}");
}

#[tokio::test]
async fn a_bureaus_layer_with_pinyin_names_comes_in_through_its_map_and_a_copy_with_another_unit() {
    let town = Town::empty().await;
    let row = |number: u32, land_use: &str, area: f64| {
        let properties =
            json!({"DKBH": parcel_code(number), "TDYT": land_use, "RJL": 1.8, "MJ": area, "ZL": "某路1号"});
        feature(&properties, &lot(number))
    };
    // 8,560 m² are 12.84 mu.
    let rows = [row(1, "工业用地", 12.84), row(2, "研发用地", 12.85), row(3, "M2", 12.83)];
    let file = town.geojson("bureau", &rows);
    let ended = town.import("parcels", std::slice::from_ref(&file), &["--map", "bureau", "--dry-run"]);
    assert_eq!((ended.status, ended.tally()), (Some(0), [3, 3, 0, 0]), "{ended:?}");
    assert_eq!(findings(&ended, "area-unit-suspected").len(), 1, "{ended:?}");
    assert!(
        findings(&ended, "column-guessed").is_empty() && findings(&ended, "unknown-land-use").is_empty(),
        "{ended:?}"
    );
    let shipped = include_str!("../../../data/mappings/bureau.toml");
    let ours = town.file("ours.toml", shipped.replace("unit = \"平方米\"", "unit = \"亩\""));
    let ended = town.import("parcels", &[file], &["--map", ours.to_str().unwrap()]);
    assert_eq!((ended.status, ended.tally()), (Some(0), [3, 3, 0, 0]), "{ended:?}");
    assert_eq!(findings(&ended, "area-unit-suspected").len(), 0, "{ended:?}");
    let stored = "select land_use || ' ' || plot_ratio_allowed || ' ' || round(registered_area_m2) || ' ' || address
        from parcel_version join parcel p on p.id = parcel_id order by code";
    let expected = ["M 1.8 8560 某路1号", "M4 1.8 8567 某路1号", "M2 1.8 8553 某路1号"];
    assert_eq!(town.values::<String>(stored).await, expected);
    // RJL and MJ may be missing; TDYT may not.
    let bare = feature(&json!({"DKBH": parcel_code(4), "TDYT": "工业用地"}), &lot(4));
    assert_eq!(town.import("parcels", &[town.geojson("bare", &[bare])], &["--map", "bureau"]).status, Some(0));
    let none = feature(&json!({"DKBH": parcel_code(5)}), &lot(5));
    let ended = town.import("parcels", &[town.geojson("none", &[none])], &["--map", "bureau"]);
    assert_eq!((ended.status, findings(&ended, "missing-column").len()), (Some(1), 1), "{ended:?}");
}
