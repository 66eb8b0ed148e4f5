//! The plot-ratio ledger (容积率台账): what is built on a parcel, contracted, allowed by plan, and the reference of its
//! class; and how much floor area the plan leaves unused. The reference is never a cap: real projects exceed it. What is
//! unknown is unknown, never zero. It knows no table and no wording.

pub mod rise;

use super::quantity::{PlotRatio, SquareMetres};
use super::zoning::Tier;
use std::collections::BTreeMap;

/// Floor area by what becomes of it; the parts sum to the whole.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct FloorUse {
    /// All of it.
    pub built: SquareMetres,
    /// In use.
    pub used: SquareMetres,
    /// Empty.
    pub vacant: SquareMetres,
}

impl FloorUse {
    /// What is told neither as used nor as empty.
    pub fn unexplained(self) -> SquareMetres {
        let rest = self.built - self.used - self.vacant;
        // Sums of shares may leave a hair.
        if rest.value().abs() <= 1e-6 * self.built.value().max(1.0) { SquareMetres(0.0) } else { rest }
    }
}

/// One parcel of the ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its code.
    pub code: String,
    /// Its district's code.
    pub district: String,
    /// Its district's name.
    pub district_name: Option<String>,
    /// Its park's code.
    pub park: Option<String>,
    /// Its park's name.
    pub park_name: Option<String>,
    /// Where it stands.
    pub tier: Tier,
    /// Its use.
    pub land_use: String,
    /// Its registered area or, for want of it, the area of its shape.
    pub land: SquareMetres,
    /// Whether that is the registered area.
    pub land_is_registered: bool,
    /// The floor area on it; nothing where no building is on record.
    pub floor: Option<FloorUse>,
    /// The lowest plot ratio that its newest contract promises.
    pub contracted_low: Option<PlotRatio>,
    /// The highest that it agrees to.
    pub contracted_high: Option<PlotRatio>,
    /// The highest of its plan condition.
    pub allowed: Option<PlotRatio>,
    /// The reference of its class.
    pub reference: Option<PlotRatio>,
}

impl Entry {
    /// What is built.
    pub fn built(&self) -> Option<PlotRatio> {
        PlotRatio::of(self.floor?.built, self.land)
    }

    /// The floor area that the plan allows beyond what is built; below zero where more is built than allowed. Unknown
    /// where either is.
    pub fn unused(&self) -> Option<SquareMetres> {
        Some(SquareMetres(self.allowed?.value() * self.land.value()) - self.floor?.built)
    }
}

/// By what the ledger is summed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Each parcel by itself.
    Parcel,
    /// Parks.
    Park,
    /// The three tiers.
    Tier,
    /// Districts.
    District,
}

impl By {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Parcel, Self::Park, Self::Tier, Self::District];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Parcel => "parcel",
            Self::Park => "park",
            Self::Tier => "tier",
            Self::District => "district",
        }
    }

    /// By that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.name() == word)
    }
}

/// Floor area with the land it was counted on: only parcels of which the ratio is known.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Known {
    /// How many parcels.
    pub parcels: u64,
    /// Their land.
    pub land: SquareMetres,
    /// The floor area.
    pub floor: SquareMetres,
}

impl Known {
    /// Floor area over land; nothing where none is known.
    pub fn ratio(self) -> Option<PlotRatio> {
        PlotRatio::of(self.floor, self.land)
    }

    fn add(&mut self, land: SquareMetres, ratio: Option<PlotRatio>) {
        if let Some(ratio) = ratio {
            self.parcels += 1;
            self.land += land;
            self.floor += SquareMetres(ratio.value() * land.value());
        }
    }
}

/// The sums over some parcels. Each ratio rests on the parcels of which it is known, and says on how many.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sums {
    /// What they are of: a code and its name; no code for the land outside all parks.
    pub code: Option<String>,
    /// The name.
    pub name: Option<String>,
    /// How many parcels.
    pub parcels: u64,
    /// Their land.
    pub land: SquareMetres,
    /// What is built.
    pub built: Known,
    /// The use of what is built.
    pub floor: FloorUse,
    /// What contracts promise at least.
    pub contracted_low: Known,
    /// What contracts agree to at most.
    pub contracted_high: Known,
    /// What plans allow.
    pub allowed: Known,
    /// The reference of the classes.
    pub reference: Known,
    /// Parcels of which both what is built and what is allowed are known: those that the next two rest on.
    pub judged: u64,
    /// Floor area that plans leave unused.
    pub unused: SquareMetres,
    /// Floor area built beyond what plans allow; it takes nothing from the unused of others.
    pub over: SquareMetres,
}

impl Sums {
    /// Unused floor area less what is built beyond the plan; unknown where no parcel could be judged.
    pub fn balance(&self) -> Option<SquareMetres> {
        (self.judged > 0).then(|| self.unused - self.over)
    }

    fn add(&mut self, entry: &Entry) {
        self.parcels += 1;
        self.land += entry.land;
        self.built.add(entry.land, entry.built());
        self.contracted_low.add(entry.land, entry.contracted_low);
        self.contracted_high.add(entry.land, entry.contracted_high);
        self.allowed.add(entry.land, entry.allowed);
        self.reference.add(entry.land, entry.reference);
        if let Some(floor) = entry.floor {
            self.floor.built += floor.built;
            self.floor.used += floor.used;
            self.floor.vacant += floor.vacant;
        }
        if let Some(unused) = entry.unused() {
            self.judged += 1;
            if unused.value() < 0.0 {
                self.over += SquareMetres(-unused.value());
            } else {
                self.unused += unused;
            }
        }
    }
}

/// The sums over all of the ledger.
pub fn total(entries: &[Entry]) -> Sums {
    let mut total = Sums::default();
    entries.iter().for_each(|entry| total.add(entry));
    total
}

/// Sums the ledger; the groups come in the order of their codes, land outside all parks last.
pub fn sums(entries: &[Entry], by: By) -> Vec<Sums> {
    let mut groups: BTreeMap<(bool, &str), Sums> = BTreeMap::new();
    for entry in entries {
        let (code, name) = match by {
            By::Parcel => (Some(entry.code.as_str()), None),
            By::Park => (entry.park.as_deref(), entry.park_name.as_deref()),
            By::Tier => (Some(entry.tier.name()), None),
            By::District => (Some(entry.district.as_str()), entry.district_name.as_deref()),
        };
        let group = groups.entry((code.is_none(), code.unwrap_or_default())).or_insert_with(|| Sums {
            code: code.map(str::to_owned),
            name: name.map(str::to_owned),
            ..Sums::default()
        });
        group.add(entry);
    }
    groups.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(code: &str, built: Option<f64>, allowed: Option<f64>) -> Entry {
        Entry {
            code: code.into(),
            district: "310115".into(),
            district_name: None,
            park: None,
            park_name: None,
            tier: Tier::Base,
            land_use: "M1".into(),
            land: SquareMetres(10_000.0),
            land_is_registered: true,
            floor: built.map(|built| FloorUse { built: SquareMetres(built), ..FloorUse::default() }),
            contracted_low: None,
            contracted_high: None,
            allowed: allowed.map(PlotRatio),
            reference: Some(PlotRatio(2.0)),
        }
    }

    #[test]
    fn unused_capacity_is_below_zero_where_more_is_built_than_allowed() {
        assert_eq!(entry("a", Some(12_000.0), Some(2.0)).unused(), Some(SquareMetres(8_000.0)));
        assert_eq!(entry("a", Some(36_600.0), Some(3.0)).unused(), Some(SquareMetres(-6_600.0)));
    }

    #[test]
    fn unused_capacity_is_unknown_where_the_plan_or_the_buildings_are_and_never_zero() {
        assert_eq!(entry("a", Some(12_000.0), None).unused(), None);
        assert_eq!(entry("a", None, Some(2.0)).unused(), None);
        let [sums] = &sums(&[entry("a", Some(1.0), None), entry("b", None, Some(2.0))], By::District)[..] else {
            panic!("one district");
        };
        assert_eq!((sums.parcels, sums.judged, sums.built.parcels, sums.allowed.parcels), (2, 0, 1, 1));
        assert_eq!(sums.contracted_high.ratio(), None);
    }

    #[test]
    fn what_is_built_beyond_the_plan_takes_nothing_from_the_unused_of_others() {
        let entries = [entry("a", Some(12_000.0), Some(2.0)), entry("b", Some(36_600.0), Some(3.0))];
        let [sums] = &sums(&entries, By::Tier)[..] else { panic!("one tier") };
        assert_eq!((sums.unused, sums.over), (SquareMetres(8_000.0), SquareMetres(6_600.0)));
        assert_eq!(sums.built.ratio(), Some(PlotRatio(2.43)));
        assert_eq!(sums.reference.ratio(), Some(PlotRatio(2.0)), "the reference is exceeded, and is no cap");
    }

    #[test]
    fn land_outside_all_parks_comes_last_and_without_a_code() {
        let mut inside = entry("a", None, None);
        inside.park = Some("ZJ".into());
        let groups = sums(&[entry("b", None, None), inside], By::Park);
        assert_eq!(groups.iter().map(|group| group.code.as_deref()).collect::<Vec<_>>(), [Some("ZJ"), None]);
    }

    #[test]
    fn the_use_of_floor_area_sums_to_a_checked_total() {
        // 280,000 m² of plant, 23,000 used and 193,000 idle: 64,000 are unexplained.
        let floor = FloorUse { built: SquareMetres(280e3), used: SquareMetres(23e3), vacant: SquareMetres(193e3) };
        assert_eq!(floor.unexplained(), SquareMetres(64e3));
    }
}
