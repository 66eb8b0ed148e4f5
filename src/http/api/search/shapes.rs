//! The wire shapes of what a search found: the figures of all, and a feature for each parcel of the page.

use super::to_json;
use crate::atlas::{ParcelRef, Summary, Tally};
use crate::domain::filter::Value;
use crate::domain::quantity::SquareMetres;
use crate::domain::queryable::Queryable;
use crate::http::api::city::grade_key;
use crate::http::api::geometry;
use crate::http::problem::Problem;
use serde::Serialize;
use std::collections::BTreeMap;

/// The figures of all that was found, as they go over the wire.
#[derive(Serialize)]
pub struct WireSummary {
    count: u64,
    area_m2: f64,
    area_mu: f64,
    floor_area_m2: Option<f64>,
    plot_ratio: WirePlotRatio,
    by_grade: BTreeMap<&'static str, WireTally>,
    by_tier: BTreeMap<&'static str, WireTally>,
    by_land_use: BTreeMap<String, WireTally>,
    by_district: BTreeMap<String, WireTally>,
    by_outcome: BTreeMap<String, WireTally>,
    expiring: WireExpiring,
}

#[derive(Serialize)]
struct WirePlotRatio {
    built: Option<f64>,
    allowed: Option<f64>,
}

#[derive(Serialize)]
struct WireExpiring {
    /// Named after the rulebook's value of today; clients keep the name should the value change.
    within_18_months: u64,
}

#[derive(Serialize)]
struct WireTally {
    count: u64,
    area_m2: f64,
}

/// The figures of all that was found.
pub fn wire_summary(summary: &Summary) -> WireSummary {
    let tally = |tally: &Tally| WireTally { count: tally.count, area_m2: square_metres(tally.area) };
    let named = |tallies: &BTreeMap<String, Tally>| tallies.iter().map(|(key, t)| (key.clone(), tally(t))).collect();
    WireSummary {
        count: summary.total.count,
        area_m2: square_metres(summary.total.area),
        area_mu: rounded(summary.total.area.to_mu().value(), 1e4),
        floor_area_m2: summary.floor_area.map(square_metres),
        plot_ratio: WirePlotRatio {
            built: summary.plot_ratio_built.map(|ratio| rounded(ratio.value(), 1e4)),
            allowed: summary.plot_ratio_allowed.map(|ratio| rounded(ratio.value(), 1e4)),
        },
        by_grade: summary.by_grade.iter().map(|(grade, t)| (grade_key(*grade), tally(t))).collect(),
        by_tier: summary.by_tier.iter().map(|(tier, t)| (tier.name(), tally(t))).collect(),
        by_land_use: named(&summary.by_land_use),
        by_district: named(&summary.by_district),
        by_outcome: named(&summary.by_outcome),
        expiring: WireExpiring { within_18_months: summary.expiring },
    }
}

/// Writes a parcel as a GeoJSON feature with all that is asked for; of a shape that is not asked for, null.
pub fn write_feature(out: &mut String, parcel: &ParcelRef<'_>, fields: &[Queryable]) -> Result<(), Problem> {
    out.push_str("{\"type\":\"Feature\",\"id\":");
    out.push_str(&to_json(&parcel.code())?);
    out.push_str(",\"geometry\":");
    if fields.contains(&Queryable::Geometry) {
        geometry::write(out, &parcel.shape());
    } else {
        out.push_str("null");
    }
    out.push_str(",\"properties\":{");
    for (number, field) in fields.iter().filter(|field| **field != Queryable::Geometry).enumerate() {
        if number > 0 {
            out.push(',');
        }
        out.push_str(&to_json(&field.name())?);
        out.push(':');
        match parcel.value(*field) {
            None => out.push_str("null"),
            Some(Value::Number(number)) => {
                let told = parts(*field).map_or(number, |parts| rounded(number, parts));
                out.push_str(&to_json(&told)?);
            }
            Some(Value::Text(text)) => out.push_str(&to_json(&text)?),
            Some(Value::Flag(flag)) => out.push_str(&to_json(&flag)?),
            Some(Value::Date(day)) => out.push_str(&to_json(&day)?),
            // No parcel holds any of these.
            Some(Value::Timestamp(_) | Value::Shape(_) | Value::List(_)) => out.push_str("null"),
        }
    }
    out.push_str("}}");
    Ok(())
}

/// The parts of one to which a figure that was reckoned is told: areas to 0.01 m², which is finer than any survey, what was stated as it was
/// stated.
fn parts(field: Queryable) -> Option<f64> {
    match field {
        Queryable::Area | Queryable::FloorArea => Some(100.0),
        Queryable::AreaMu | Queryable::PlotRatioBuilt | Queryable::PlotRatioUnused => Some(1e4),
        _ => None,
    }
}

/// To 0.01 m²: finer than any survey, and short to write.
fn square_metres(area: SquareMetres) -> f64 {
    rounded(area.value(), 100.0)
}

fn rounded(value: f64, unit: f64) -> f64 {
    (value * unit).round() / unit
}
