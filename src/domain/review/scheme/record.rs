//! The review facts that the filters of a scheme may name, and the filters themselves: CQL2 over one closed list.

use crate::domain::filter::{Filter, Kind, Property, Value};
use crate::domain::quantity::SquareMetres;
use crate::domain::review::facts::{Facts, Measure};
use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Deserializer, de::Error};

const fn property(name: &'static str, holds: Kind) -> Property<'static> {
    Property { name, holds }
}

/// What a filter of a scheme may name. Yearly figures are those of the newest year of the window in which they are known.
pub const PROPERTIES: [Property<'static>; 36] = [
    property("code", Kind::Text),
    property("district", Kind::Text),
    property("park", Kind::Text),
    property("tier", Kind::Text),
    property("locked", Kind::Flag),
    property("legacy_class", Kind::Text),
    property("land_use", Kind::Text),
    property("land_m2", Kind::Number),
    property("land_mu", Kind::Number),
    property("plot_ratio_allowed", Kind::Number),
    property("floor_m2", Kind::Number),
    property("used_floor_m2", Kind::Number),
    property("footprint_m2", Kind::Number),
    property("occupied_floor_m2", Kind::Number),
    property("leased_floor_m2", Kind::Number),
    property("industry", Kind::Text),
    property("in_use_since", Kind::Date),
    property("years_in_use", Kind::Number),
    property("above_scale", Kind::Flag),
    property("founded_on", Kind::Date),
    property("years_since_founded", Kind::Number),
    property("performance_terms", Kind::Flag),
    property("veto", Kind::Flag),
    property("output_wan_yuan", Kind::Number),
    property("revenue_wan_yuan", Kind::Number),
    property("tax_wan_yuan", Kind::Number),
    property("value_added_wan_yuan", Kind::Number),
    property("fixed_assets_wan_yuan", Kind::Number),
    property("energy_tce", Kind::Number),
    property("emissions_t", Kind::Number),
    property("rd_wan_yuan", Kind::Number),
    property("staff", Kind::Number),
    property("staff_local", Kind::Number),
    property("electricity_kwh", Kind::Number),
    property("water_m3", Kind::Number),
    property("cod_t", Kind::Number),
];

/// The facts of a parcel as a filter sees them on a day.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// The facts.
    pub facts: &'a Facts,
    /// The day.
    pub as_of: NaiveDate,
    /// The share of the floor area that may be unreported in a known figure.
    pub tolerance: f64,
}

impl<'a> Record<'a> {
    fn value(&self, index: usize) -> Option<Value<'a>> {
        let facts = self.facts;
        let user = facts.user.as_ref();
        let years = |since: NaiveDate| Value::Number(f64::from(full_years(since, self.as_of)));
        let name = PROPERTIES.get(index)?.name;
        match name {
            "code" => Some(Value::Text(&facts.code)),
            "district" => Some(Value::Text(&facts.district)),
            "park" => facts.park.as_deref().map(Value::Text),
            "tier" => Some(Value::Text(facts.tier.name())),
            "locked" => Some(Value::Flag(facts.locked)),
            "legacy_class" => facts.legacy_class.map(|class| Value::Text(class.name())),
            "land_use" => Some(Value::Text(&facts.land_use)),
            "land_m2" => Some(Value::Number(facts.land_m2)),
            "land_mu" => Some(Value::Number(SquareMetres(facts.land_m2).to_mu().value())),
            "plot_ratio_allowed" => facts.plot_ratio_allowed.map(Value::Number),
            "floor_m2" => facts.floor_m2.map(Value::Number),
            "used_floor_m2" => facts.used_floor_m2.map(Value::Number),
            "footprint_m2" => facts.footprint_m2.map(Value::Number),
            "occupied_floor_m2" => facts.occupied.map(|all| Value::Number(all.floor_m2)),
            "leased_floor_m2" => facts.occupied.map(|all| Value::Number(all.leased_m2)),
            "industry" => facts.industry.as_deref().map(Value::Text),
            "in_use_since" => facts.in_use_since.map(Value::Date),
            "years_in_use" => facts.in_use_since.map(years),
            "above_scale" => user?.above_scale.map(Value::Flag),
            "founded_on" => user?.founded_on.map(Value::Date),
            "years_since_founded" => user?.founded_on.map(years),
            "performance_terms" => facts.contract.as_ref().map(|contract| Value::Flag(contract.performance_terms)),
            "veto" => Some(Value::Flag(!facts.vetoes.is_empty())),
            _ => {
                let measure = Measure::ALL[Measure::NAMES.iter().position(|one| *one == name)?];
                let newest = facts.years.iter().rev().find_map(|year| year.figure(measure, self.tolerance));
                newest.map(Value::Number)
            }
        }
    }
}

/// Full years from one day to another.
fn full_years(since: NaiveDate, day: NaiveDate) -> i32 {
    let reached = (day.month(), day.day()) >= (since.month(), since.day());
    day.year() - since.year() - i32::from(!reached)
}

/// A filter with the text that it was read from.
#[derive(Debug, Clone, PartialEq)]
pub struct Clause {
    /// The text.
    pub text: String,
    filter: Filter,
}

impl Clause {
    /// Whether it holds for certain.
    pub fn holds(&self, record: &Record<'_>) -> bool {
        self.decide(record) == Some(true)
    }

    /// Whether it holds; nothing where that hangs on something unknown.
    pub fn decide(&self, record: &Record<'_>) -> Option<bool> {
        self.filter.holds(&|index| record.value(index))
    }
}

impl<'de> Deserialize<'de> for Clause {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let filter = Filter::parse(&text, &PROPERTIES).map_err(D::Error::custom)?;
        Ok(Self { text, filter })
    }
}
