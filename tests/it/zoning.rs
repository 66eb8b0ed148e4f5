//! The layers of the plan and where land stands in them, with the built binary and over HTTP.

mod bad;
mod layers;
mod picture;
mod standing;

use crate::support::{Ended, Town, feature, square};
use serde_json::{Value, json};

/// A zone in force since 2020, from a western to an eastern edge across the rows of lots.
fn zone(code: &str, tier: &str, locked: bool, west: f64, east: f64) -> Value {
    zone_of(code, tier, locked, &square(west, 31.0995, east, 31.1015))
}

fn zone_of(code: &str, tier: &str, locked: bool, shape: &Value) -> Value {
    let properties = json!({"zone_code": code, "name": format!("{code}区"), "tier": tier, "locked": locked,
        "document": "沪规〔2019〕1号", "decided_on": "2019-11-01", "valid_from": "2020-01-01"});
    feature(&properties, shape)
}

/// The same area of the plan with other properties.
fn with(mut area: Value, properties: &Value) -> Value {
    for (name, value) in properties.as_object().unwrap() {
        area["properties"][name] = value.clone();
    }
    area
}

/// Where a thing stands, as the command says it.
fn stands(town: &Town, arguments: &[&str]) -> Value {
    let ended = stand(town, arguments);
    assert_eq!(ended.status, Some(0), "{arguments:?}: {}", ended.said);
    ended.answer
}

fn stand(town: &Town, arguments: &[&str]) -> Ended {
    town.run(&[&["stand"], arguments].concat())
}

fn number(of: &Value, path: &str) -> f64 {
    of.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("{path}: {of}"))
}

/// The codes of findings.
fn codes(of: &Value) -> Vec<&str> {
    of["findings"].as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap()).collect()
}
