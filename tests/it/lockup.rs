//! The two locks: what they say, and every road that someone could take around them, with the built binary and in plain SQL.

mod approvals;
mod asking;
mod cases;
mod equal;
mod fed;
mod moves;
mod roads;
pub(crate) mod sql;
mod stock;

use crate::support::{Ended, Town, feature, parcel_code, square};
use landcycle::domain::quantity::SquareMetres;
use landcycle::domain::zoning::verdict::Measures;
use serde_json::{Value, json};

const LOCKUP: &str = include_str!("../../data/rulebook/lockup.toml");
const LAND_USE: &str = include_str!("../../data/land_use.toml");

fn measures() -> Measures {
    Measures { tolerance_m2: SquareMetres(10.0), compensation_share: 1.0 }
}

/// Parcels 1 to 3 of one row of lots that touch, in a locked base, and parcel 8 far outside all zones, in one district.
async fn works() -> Town {
    let town = Town::empty().await;
    let district = feature(&json!({"code": "310115", "name": "浦东新区"}), &square(121.4, 31.0, 121.7, 31.4));
    town.takes("districts", &town.geojson("districts", &[district]));
    let lots: Vec<Value> = [1, 2, 3, 8].into_iter().map(|number| lot(number, "M1", &json!({}))).collect();
    town.takes("parcels", &town.geojson("parcels", &lots));
    town.takes("zones", &town.geojson("zones", &[base(&json!({}))]));
    town.takes("enterprises", &town.file("enterprises.csv", "enterprise_code,name\nE1,一号厂\nE2,二号厂\n"));
    town
}

/// The locked base: parcels 1 to 3 and land around them.
fn base(properties: &Value) -> Value {
    base_in(properties, 121.5, 121.505)
}

/// The same between a western and an eastern edge.
fn base_in(more: &Value, west: f64, east: f64) -> Value {
    let mut properties =
        json!({"zone_code": "Z1", "name": "基地", "tier": "base", "locked": 1, "valid_from": "2020-01-01"});
    for (name, value) in more.as_object().unwrap() {
        properties[name] = value.clone();
    }
    feature(&properties, &square(west, 31.0995, east, 31.1015))
}

fn row(number: u32) -> Value {
    let west = 121.5 + f64::from(number) * 0.001;
    square(west, 31.1, west + 0.001, 31.101)
}

/// A parcel of the row with a use and more properties.
fn lot(number: u32, land_use: &str, more: &Value) -> Value {
    lot_in(number, land_use, more, &row(number))
}

fn lot_in(number: u32, land_use: &str, more: &Value, shape: &Value) -> Value {
    let mut properties = json!({"parcel_code": parcel_code(number), "land_use": land_use});
    for (name, value) in more.as_object().unwrap() {
        properties[name] = value.clone();
    }
    feature(&properties, shape)
}

/// The codes of the errors of a receipt or plan.
fn errors(ended: &Ended) -> Vec<String> {
    let found = ended.answer["findings"].as_array().unwrap_or_else(|| panic!("{ended:?}"));
    let errors = found.iter().filter(|finding| finding["severity"] == "error");
    errors.map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
}

/// Imports features, of which all are refused with one code, and nothing in the register changes.
async fn refused(town: &Town, kind: &str, features: &[Value], code: &str) {
    let before = town.contents().await;
    let ended = town.import(kind, &[town.geojson("refused", features)], &[]);
    assert_eq!((ended.status, errors(&ended)), (Some(1), vec![code.to_owned(); features.len()]), "{ended:?}");
    let finding = &ended.answer["findings"][0]["facts"];
    for fact in ["rule", "citation", "expected", "day"] {
        assert!(finding[fact].as_str().is_some_and(|text| !text.is_empty()), "{fact}: {finding}");
    }
    assert!(ended.said.contains(code), "{}", ended.said);
    assert_eq!(town.contents().await, before, "what is refused leaves nothing");
}

/// Runs a command as an officer.
fn as_officer(town: &Town, officer: &str, arguments: &[&str]) -> Ended {
    Ended::of(&town.command().env("LANDCYCLE_TEST_OFFICER", officer).arg("--json").args(arguments).output().unwrap())
}

/// Proposes an approval as one officer, confirms it as another, and locks its compensating land; answers its number.
fn approve(town: &Town, arguments: &[&str]) -> String {
    let paper = ["--ground", "重大公共利益", "--document", "沪府〔2024〕1号", "--decided-on", "2024-01-01"];
    let proposed = as_officer(town, "proposer", &[&["lockup", "approve", "propose"], arguments, &paper].concat());
    assert_eq!(proposed.status, Some(0), "{proposed:?}");
    let id = proposed.answer["id"].to_string();
    let confirmed = as_officer(town, "confirmer", &["lockup", "approve", "confirm", &id]);
    assert_eq!((confirmed.status, &confirmed.answer["state"]), (Some(0), &json!("confirmed")), "{confirmed:?}");
    let land = arguments.iter().position(|word| *word == "--compensation").map(|at| arguments[at + 1]);
    if let Some(path) = land {
        lock(town, path, &id);
    }
    id
}

/// Takes the land of a drawing into a locked base of its own.
fn lock(town: &Town, drawing: &str, name: &str) {
    let drawn: Value = serde_json::from_str(&std::fs::read_to_string(drawing).unwrap()).unwrap();
    let zone = json!({"zone_code": format!("ZC{name}"), "name": "补划", "tier": "base", "locked": 1,
        "valid_from": "2024-01-01"});
    let zone = feature(&zone, &drawn["features"][0]["geometry"]);
    town.takes("zones", &town.geojson("compensating", &[zone]));
}

/// Compensating land: an industrial parcel outside the base.
fn compensation(town: &Town, name: &str, width: f64) -> String {
    compensation_at(town, name, 121.55, width)
}

/// The same from a western edge.
fn compensation_at(town: &Town, name: &str, west: f64, width: f64) -> String {
    let shape = square(west, 31.2, west + width, 31.202);
    // A parcel for each thousandth of a degree: drawings of one place share them.
    let first = ((west - 121.5) * 1000.0).round();
    let parcels: Vec<Value> = (0..5)
        .map(|at| {
            let edge = 121.5 + (first + f64::from(at)) / 1000.0;
            lot_in(900 + first as u32 + at, "M1", &json!({}), &square(edge, 31.2, edge + 0.001, 31.202))
        })
        .collect();
    town.takes("parcels", &town.geojson("industrial", &parcels));
    town.geojson(name, &[feature(&json!({}), &shape)]).to_str().unwrap().to_owned()
}

/// Which state an approval is in.
fn state(town: &Town, id: &str) -> String {
    let listed = town.run(&["lockup", "approve", "list"]).answer;
    let number: i64 = id.parse().unwrap();
    let found = listed.as_array().unwrap().iter().find(|one| one["id"] == number).unwrap();
    found["state"].as_str().unwrap().to_owned()
}

/// A contracts file of these rows: number, parcel, holder, day of signature, and what it supplements.
fn contracts(town: &Town, rows: &[(&str, u32, &str, &str, &str)]) -> std::path::PathBuf {
    let mut text =
        "contract_no,parcel_code,kind,holder,signed_on,term_years,performance_terms,supplements\n".to_owned();
    for (number, parcel, holder, signed_on, supplements) in rows {
        text.push_str(&format!("{number},{},grant,{holder},{signed_on},20,1,{supplements}\n", parcel_code(*parcel)));
    }
    town.file("contracts.csv", text)
}
