//! Planning units (规划单元): which uses the plan permits there, each with its bounds of the plot ratio. How the uses are
//! written in a cell is known here alone.

use super::{InForce, read_in_force};
use crate::domain::intake::{
    Field,
    FieldType::{Date, Text},
    Reading, field,
};
use crate::domain::parcel::DEFAULT_LAND_USE_SCHEME;
use crate::domain::quantity::PlotRatio;
use serde::Serialize;
use std::fmt::Write as _;

/// The fields of a data set of planning units.
pub const FIELDS: &[Field] = &[
    field("unit_code", Text, true),
    field("name", Text, true),
    field("land_use_scheme", Text, false),
    field("uses", Text, true),
    field("document", Text, false),
    field("decided_on", Date, false),
    field("valid_from", Date, true),
    field("valid_to", Date, false),
];

/// A use that the plan permits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PermittedUse {
    /// Its code, to be read with the scheme of the unit.
    pub land_use: String,
    /// The least plot ratio, where the plan names one.
    pub plot_ratio_low: Option<PlotRatio>,
    /// The greatest plot ratio, where the plan names one.
    pub plot_ratio_high: Option<PlotRatio>,
}

/// The uses that a planning unit permits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Permitted {
    /// The scheme of the codes.
    pub land_use_scheme: String,
    /// The uses, in the order of the plan.
    pub uses: Vec<PermittedUse>,
}

impl Permitted {
    /// The bounds of a use, by its own code or by that of the class it belongs to: a plan that permits M permits M1.
    pub fn of(&self, scheme: &str, land_use: &str) -> Option<&PermittedUse> {
        let fits = |one: &&PermittedUse| land_use.starts_with(&one.land_use);
        let same = self.land_use_scheme == scheme;
        self.uses.iter().filter(|_| same).filter(fits).max_by_key(|one| one.land_use.len())
    }
}

/// A planning unit as a data set gives it, without its shape.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanUnit {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// What it permits.
    pub permitted: Permitted,
    /// By what and when it is law.
    pub in_force: InForce,
}

/// How uses are written, for those who wrote them otherwise.
const EXPECTED: &str = "codes separated by ;, each once, with : and its plot ratios where the plan bounds them, the greatest \
                        above 0, such as M1:1.0-2.0;M4:-3.0;W1";

/// Reads one row; faults are kept in the reading.
pub fn read(row: &mut Reading<'_>) -> Option<PlanUnit> {
    let code = row.required_text("unit_code");
    let name = row.required_text("name");
    let scheme = row.text("land_use_scheme").unwrap_or_else(|| DEFAULT_LAND_USE_SCHEME.to_owned());
    let uses = row.required_text("uses").and_then(|text| {
        // What no land may be built to is not permitted.
        let is_nothing = |one: &PermittedUse| one.plot_ratio_high.is_some_and(|high| high.value() == 0.0);
        let uses = parse_uses(&text).filter(|uses| !uses.iter().any(is_nothing));
        if uses.is_none() {
            row.refuse("bad-uses", "uses", &text, EXPECTED);
        }
        uses
    });
    let in_force = read_in_force(row);
    let permitted = Permitted { land_use_scheme: scheme, uses: uses? };
    Some(PlanUnit { code: code?, name: name?, permitted, in_force: in_force? })
}

/// Reads uses as they stand in a cell: `M1:1.0-2.0;M4:-3.0;W1`. Full-width marks are as good. Nothing where a code is
/// missing or comes twice, or where bounds are no positive numbers in their order.
pub fn parse_uses(text: &str) -> Option<Vec<PermittedUse>> {
    let mut uses: Vec<PermittedUse> = Vec::new();
    for part in text.split([';', '；']).map(str::trim).filter(|part| !part.is_empty()) {
        let (land_use, bounds) = match part.split_once([':', '：']) {
            None => (part, None),
            Some((land_use, bounds)) => (land_use.trim(), Some(bounds)),
        };
        if land_use.is_empty() || uses.iter().any(|one| one.land_use == land_use) {
            return None;
        }
        let (plot_ratio_low, plot_ratio_high) = match bounds {
            None => (None, None),
            Some(bounds) => parse_bounds(bounds)?,
        };
        uses.push(PermittedUse { land_use: land_use.to_owned(), plot_ratio_low, plot_ratio_high });
    }
    (!uses.is_empty()).then_some(uses)
}

fn parse_bounds(text: &str) -> Option<(Option<PlotRatio>, Option<PlotRatio>)> {
    let (low, high) = text.split_once(['-', '–', '—', '－'])?;
    let bound = |text: &str| match text.trim() {
        "" => Some(None),
        // Digits and a point alone: no sign, no exponent, no infinity.
        plain if plain.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') => {
            plain.parse().ok().filter(|ratio| (0.0..1_000.0).contains(ratio)).map(|ratio| Some(PlotRatio(ratio)))
        }
        _ => None,
    };
    match (bound(low)?, bound(high)?) {
        (None, None) => None,
        (Some(low), Some(high)) if low > high => None,
        bounds => Some(bounds),
    }
}

/// Writes uses in the one form in which they are kept.
pub fn write_uses(uses: &[PermittedUse]) -> String {
    let mut text = String::new();
    for one in uses {
        if !text.is_empty() {
            text.push(';');
        }
        text.push_str(&one.land_use);
        if one.plot_ratio_low.or(one.plot_ratio_high).is_some() {
            let bound = |ratio: Option<PlotRatio>| ratio.map(|ratio| ratio.value().to_string()).unwrap_or_default();
            // Writing into a String never fails.
            let _ = write!(text, ":{}-{}", bound(one.plot_ratio_low), bound(one.plot_ratio_high));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn uses_are_read_with_either_bound_both_or_none_and_written_in_one_form() {
        for (text, kept) in [
            ("M1:1.0-2.0;M4:-3.0;W1", "M1:1-2;M4:-3;W1"),
            (" M1：0.8-；M4 ", "M1:0.8-;M4"),
            ("M1:2-2;", "M1:2-2"),
            ("00-residential:1-2", "00-residential:1-2"),
        ] {
            assert_eq!(parse_uses(text).as_deref().map(write_uses).as_deref(), Some(kept), "{text}");
        }
        for wrong in [
            "",
            ";",
            ":1-2",
            "M1:",
            "M1:-",
            "M1:2",
            "M1:2-1",
            "M1;M1",
            "M1:a-2",
            "M1:-1-2",
            "M1:1e1-",
            "M1:1..2-3",
            "M1:-1000",
        ] {
            assert_eq!(parse_uses(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_finest_code_that_covers_a_use_bounds_it_and_only_in_its_own_scheme() {
        let uses = parse_uses("M:-2;M4:-3;W1").expect("uses");
        let permitted = Permitted { land_use_scheme: "GB50137-SH".to_owned(), uses };
        let high = |scheme, code| permitted.of(scheme, code).map(|one| one.plot_ratio_high.map(PlotRatio::value));
        assert_eq!(high("GB50137-SH", "M1"), Some(Some(2.0)));
        assert_eq!(high("GB50137-SH", "M4"), Some(Some(3.0)));
        assert_eq!(high("GB50137-SH", "W1"), Some(None));
        assert_eq!(high("GB50137-SH", "R2"), None);
        assert_eq!(high("YDYH", "M1"), None);
    }

    proptest! {
        #[test]
        fn uses_as_written_are_read_as_the_same(
            found in proptest::collection::btree_map("[A-Z][0-9A-Z]{0,3}", proptest::option::of((1..400_u32, 0..400_u32)), 1..6)
        ) {
            let ratio = |hundredths: u32| Some(PlotRatio(f64::from(hundredths) / 100.0));
            let uses: Vec<PermittedUse> = found
                .into_iter()
                .map(|(land_use, bounds)| PermittedUse {
                    land_use,
                    plot_ratio_low: bounds.and_then(|(low, _)| ratio(low)),
                    plot_ratio_high: bounds.and_then(|(low, more)| ratio(low + more)),
                })
                .collect();
            prop_assert_eq!(parse_uses(&write_uses(&uses)), Some(uses));
        }
    }
}
