//! Parcels that lie on one another are told when they come, with both codes and the area; a whole city is left to the check.

use serde_json::{Value, json};

use crate::support::{Town, feature, parcel, parcel_code, square};

fn overlaps(receipt: &Value) -> Vec<[String; 2]> {
    let found = receipt["findings"].as_array().unwrap().iter().filter(|one| one["code"] == "overlaps-parcel");
    let fact = |one: &Value, name: &str| one["facts"][name].as_str().unwrap().to_owned();
    found.map(|one| [fact(one, "parcel"), fact(one, "other_parcel")]).collect()
}

fn with_shape(number: u32, geometry: &Value) -> Value {
    feature(&json!({"parcel_code": parcel_code(number), "land_use": "M1"}), geometry)
}

#[tokio::test]
async fn parcels_that_lie_on_others_of_the_register_or_of_their_file_are_taken_and_told() {
    let town = Town::settled().await;
    // Parcel 2 of the register reaches from 121.502 to 121.5029; the third of these touches the second.
    let rows = [
        with_shape(4, &square(121.5 + 0.00245, 31.1, 121.5 + 0.00295, 31.1009)),
        with_shape(5, &square(121.5 + 0.00255, 31.1009 - 0.0001, 121.5 + 0.0027, 31.101)),
        with_shape(6, &square(121.5 + 0.0027, 31.1009, 121.5 + 0.0028, 31.101)),
    ];
    let file = town.geojson("more", &rows);
    let receipt = town.takes("parcels", &file);
    let expected = [[4, 2], [5, 2], [5, 4]].map(|two| two.map(parcel_code));
    assert_eq!((overlaps(&receipt), &receipt["warnings"]), (expected.to_vec(), &json!(3)), "{receipt}");
    let first = &receipt["findings"][0];
    assert_eq!(
        (&first["row"], &first["key"], &first["severity"]),
        (&json!(1), &json!(parcel_code(4)), &json!("warning"))
    );
    // Half of its 0.0009° by 0.0009°: 42.9 m by 99.8 m.
    let area = first["facts"]["area_m2"].as_f64().unwrap();
    assert!((4280.0..4290.0).contains(&area), "{first}");
    // What is known already is not told again; the check goes on finding it.
    assert_eq!(town.takes("parcels", &file)["warnings"], json!(0));
    assert_eq!(town.run(&["check", "--only", "overlapping-parcels"]).answer["errors"], json!(3));
}

#[tokio::test]
async fn land_of_other_days_is_no_overlap_and_a_correction_that_moves_land_away_ends_one() {
    let town = Town::settled().await;
    let on_two = square(121.5 + 0.00245, 31.1, 121.5 + 0.00295, 31.1009);
    // Law until a day, and then never again; and a successor from that day on.
    let mut past = with_shape(4, &on_two);
    past["properties"]["valid_from"] = json!("2001-01-01");
    past["properties"]["valid_to"] = json!("2002-01-01");
    let mut next = with_shape(5, &square(121.6, 31.1, 121.601, 31.101));
    next["properties"]["valid_from"] = json!("2003-01-01");
    let mut before = with_shape(6, &square(121.6, 31.1, 121.601, 31.101));
    before["properties"]["valid_from"] = json!("2002-01-01");
    before["properties"]["valid_to"] = json!("2003-01-01");
    let receipt = town.takes("parcels", &town.geojson("history", &[next, before]));
    assert_eq!(overlaps(&receipt), Vec::<[String; 2]>::new());
    // On its own days it lies on parcel 2, which was law then.
    assert_eq!(overlaps(&town.takes("parcels", &town.geojson("past", &[past]))), [[4, 2].map(parcel_code)]);
    assert_eq!(
        overlaps(&town.takes("parcels", &town.geojson("on", &[with_shape(7, &on_two)]))),
        [[7, 2].map(parcel_code)]
    );
    let away = square(121.62, 31.1, 121.621, 31.101);
    assert_eq!(
        overlaps(&town.takes("parcels", &town.geojson("away", &[with_shape(7, &away)]))),
        Vec::<[String; 2]>::new()
    );
}

#[tokio::test]
async fn of_a_whole_city_the_receipt_says_that_the_check_looks_for_overlaps() {
    let town = Town::empty().await;
    let district = feature(&json!({"code": "310115", "name": "浦东新区"}), &square(121.4, 31.0, 121.7, 31.4));
    town.takes("districts", &town.geojson("districts", &[district]));
    let rows: Vec<Value> = (1..=10_001).map(parcel).collect();
    let receipt = town.takes("parcels", &town.geojson("city", &rows));
    let found = &receipt["findings"][0];
    assert_eq!((&receipt["warnings"], &found["code"]), (&json!(1), &json!("overlaps-not-looked-for")), "{receipt}");
    assert_eq!((&found["row"], &found["key"]), (&Value::Null, &Value::Null));
    assert!(found["facts"]["expected"].as_str().unwrap().contains("landcycle check"), "{found}");
}
