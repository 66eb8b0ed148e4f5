//! One unit of the city, a park or the scattered plots of a district: its parcels with their buildings and their fate.

use super::chance::{Chance, Stage};
use super::city::DISTRICTS;
use super::places::{Flavour, Standing};
use super::plane::{self, Ring};
use super::sites::{Park, Scattered};
use super::streets::{self, Layout, Plot};
use super::zones;
use crate::domain::geometry;
use chrono::NaiveDate;
use geo_types::MultiPolygon;

/// What a unit is.
pub(super) enum Ground<'a> {
    Park(&'a Park),
    Scattered(&'a Scattered),
}

/// A unit: its ground and its place in the order of the city.
pub(super) struct Unit<'a> {
    pub index: usize,
    /// How many parcels come before it in the city.
    pub first: usize,
    pub parcels: usize,
    pub ground: Ground<'a>,
    /// The base or community that is laid over it.
    pub zone: Option<&'a Ring>,
}

impl Unit<'_> {
    pub(super) fn district(&self) -> usize {
        match self.ground {
            Ground::Park(park) => park.district,
            Ground::Scattered(scattered) => scattered.district,
        }
    }

    pub(super) fn flavour(&self) -> Flavour {
        match self.ground {
            Ground::Park(park) => park.place.flavour,
            Ground::Scattered(_) => Flavour::Mixed,
        }
    }

    /// Whether a plot lies in the zone. One on its border is not counted in.
    fn is_zoned(&self, plot: &Plot) -> bool {
        self.zone.is_some_and(|zone| plot.ring.iter().all(|corner| plane::holds(zone, *corner, -1.0)))
    }

    /// How the unit stands; nothing where it is no park.
    pub(super) fn standing(&self) -> Option<Standing> {
        match self.ground {
            Ground::Park(park) => Some(park.place.standing),
            Ground::Scattered(_) => None,
        }
    }

    pub(super) fn park_code(&self) -> Option<String> {
        match self.ground {
            Ground::Park(park) => Some(park.code()),
            Ground::Scattered(_) => None,
        }
    }
}

const SUFFIXES: [(&str, &str); 8] = [
    ("东区", "East"),
    ("西区", "West"),
    ("南区", "South"),
    ("北区", "North"),
    ("核心区", "Core"),
    ("一期", "Phase I"),
    ("二期", "Phase II"),
    ("拓展区", "Extension"),
];

impl Park {
    /// Its code: the district's, P and a number.
    pub(super) fn code(&self) -> String {
        format!("{}P{:03}", DISTRICTS[self.district].code, self.number_in_district)
    }

    /// Its names in Chinese and English.
    pub(super) fn names(&self) -> (String, String) {
        let (area, area_en) = (self.place.name, self.place.name_en);
        let kind = match (self.place.standing, self.place.flavour) {
            (Standing::Weak, Flavour::Steel | Flavour::Chemicals) => ("转型区", "Transformation Area"),
            (Standing::Weak, _) => ("镇工业园", "Town Estate"),
            (_, Flavour::Research) => ("科技园", "Science Park"),
            (_, Flavour::Logistics) => ("物流园", "Logistics Park"),
            _ => ("产业园", "Industrial Park"),
        };
        if self.siblings == 1 {
            return (format!("{area}{}（演示）", kind.0), format!("{area_en} {} (demo)", kind.1));
        }
        match SUFFIXES.get(self.number) {
            Some((zh, en)) => (format!("{area}{}{zh}（演示）", kind.0), format!("{area_en} {} {en} (demo)", kind.1)),
            None => {
                let number = self.number + 1;
                (format!("{area}{}第{number}片区（演示）", kind.0), format!("{area_en} {} No. {number} (demo)", kind.1))
            }
        }
    }
}

/// What became of a parcel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// In use.
    Operating,
    /// Works go on.
    Building,
    /// Not started, less than a year late.
    Late,
    /// Not started, a year late or more: idle.
    NotStarted,
    /// Started, then stopped for more than a year with little done: idle.
    Suspended,
}

/// A building of the city.
pub(super) struct Building {
    pub shape: MultiPolygon<f64>,
    pub storeys: i64,
    pub storey_height_m: f64,
    pub footprint_m2: f64,
    pub floor_m2: f64,
    pub used_m2: f64,
    pub year: i64,
}

/// A parcel of the city.
pub(super) struct Parcel {
    pub code: String,
    pub shape: MultiPolygon<f64>,
    pub registered_m2: f64,
    pub land_use: &'static str,
    pub ratio_allowed: f64,
    pub fate: Fate,
    pub signed_on: NaiveDate,
    pub buildings: Vec<Building>,
}

impl Parcel {
    pub(super) fn floor_m2(&self) -> f64 {
        self.buildings.iter().map(|building| building.floor_m2).sum()
    }
    pub(super) fn used_m2(&self) -> f64 {
        self.buildings.iter().map(|building| building.used_m2).sum()
    }
    pub(super) fn mu(&self) -> f64 {
        self.registered_m2 * 15.0 / 10_000.0
    }
}

/// The day on which the city is seen.
pub(super) fn today() -> NaiveDate {
    day(2026, 6, 30)
}

/// A figure with so many decimals.
pub(super) fn round(value: f64, decimals: i32) -> f64 {
    let scale = 10_f64.powi(decimals);
    (value * scale).round() / scale
}

/// A day so many days after another; the calendar of the city never ends.
pub(super) fn days_after(day: NaiveDate, days: i64) -> NaiveDate {
    day + chrono::TimeDelta::days(days)
}

/// A day of a year, 1 January where the month or day is none.
pub(super) fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default()
}

/// Cuts the unit's ground into plots whose land comes out as planned.
fn plots(unit: &Unit<'_>, seed: u64) -> Vec<Plot> {
    let mut chance = Chance::of(seed, Stage::Parcels, unit.index);
    match unit.ground {
        Ground::Park(park) => {
            let sizes = streets::sizes(park.parcels, &mut chance);
            let mut layout = Layout {
                mean_m2: park.land_m2 / park.parcels as f64,
                frame: chance.between(-0.4, 0.4),
                void: chance.between(0.04, 0.22),
                street: 1.0,
            };
            let about = plane::centre(&park.cell);
            let mut by = 0.97;
            let mut best: (f64, Vec<Plot>) = (f64::MAX, Vec::new());
            for round in 0..10 {
                let ground = plane::scale(&park.cell, about, by);
                let mut chance = Chance::of(seed, Stage::Parcels, unit.index + (1 << 30));
                let plots = streets::lay_out(&ground, &sizes, &layout, &mut chance);
                let net: f64 = plots.iter().map(|plot| warped_area(&plot.ring)).sum();
                let least = plots.iter().map(|plot| plane::area(&plot.ring)).fold(f64::MAX, f64::min);
                // A street may swallow a small block whole; then streets must be narrower.
                if plots.len() != park.parcels || least < layout.mean_m2 * 0.004 || !net.is_finite() {
                    layout.street *= 0.6;
                    continue;
                }
                let miss = net / park.land_m2;
                if (miss - 1.0).abs() < best.0 || best.1.is_empty() {
                    best = ((miss - 1.0).abs(), plots);
                }
                if best.0 < 0.003 || round == 9 {
                    break;
                }
                let next = by / miss.sqrt();
                if next > 0.995 && by > 0.99 {
                    layout.void = (layout.void - 0.03).max(0.0);
                    layout.street *= 0.93;
                }
                by = next.min(0.995);
            }
            best.1
        }
        Ground::Scattered(scattered) => {
            let mut all = Vec::new();
            for (block, (ring, count)) in scattered.clusters.iter().enumerate() {
                let sizes = streets::sizes(*count, &mut chance);
                // Lanes are narrow, and narrower where one would swallow a plot.
                let mean_m2 = plane::area(ring) / *count as f64;
                let mut cut = Vec::new();
                for street in [0.4, 0.2, 0.1, 0.05, 0.02] {
                    let layout = Layout { mean_m2, frame: 0.0, void: 0.0, street };
                    cut = streets::lay_out(ring, &sizes, &layout, &mut chance);
                    if cut.len() == *count && cut.iter().all(|plot| plane::area(&plot.ring) > mean_m2 * 0.004) {
                        break;
                    }
                }
                all.extend(cut.into_iter().map(|plot| Plot { block, ..plot }));
            }
            all
        }
    }
}

fn warped_area(ring: &Ring) -> f64 {
    let warped: Ring = ring.iter().map(|point| plane::warp(*point)).collect();
    plane::area(&warped)
}

/// The parcels of a unit.
pub(super) fn parcels(unit: &Unit<'_>, seed: u64) -> Vec<Parcel> {
    let plots = plots(unit, seed);
    let mut chance = Chance::of(seed, Stage::Buildings, unit.index);
    let district = DISTRICTS[unit.district()].code;
    // Parks take the first cadastral districts (街道、镇) of a district, scattered plots the last.
    let cadastral = match unit.ground {
        Ground::Park(park) => park.number_in_district,
        Ground::Scattered(_) => 999,
    };
    plots
        .iter()
        .enumerate()
        .map(|(index, plot)| {
            let code = format!("{district}{cadastral:03}{:03}GB{:05}", plot.block % 999 + 1, index + 1);
            let fate = match fate(unit.first + index, seed) {
                // No new project begins outside the zones: what is built there is older, or stands still.
                Fate::Late | Fate::Building if !unit.is_zoned(plot) => Fate::Operating,
                fate => fate,
            };
            parcel(unit, plot, code, fate, &mut chance)
        })
        .collect()
}

/// Fates are spread evenly over the city rather than by chance, so that a small city has its share as well.
fn fate(number: usize, seed: u64) -> Fate {
    let start = Chance::of(seed, Stage::Parcels, 1 << 31).unit();
    let at = (number as f64 * 0.618_033_988_749_895 + start).fract();
    match at {
        at if at < 0.006 => Fate::NotStarted,
        at if at < 0.010 => Fate::Suspended,
        at if at < 0.014 => Fate::Late,
        at if at < 0.028 => Fate::Building,
        _ => Fate::Operating,
    }
}

fn land_use(flavour: Flavour, chance: &mut Chance) -> &'static str {
    const USES: [&str; 6] = ["M1", "M2", "M3", "M4", "W1", "C65"];
    let weights = match flavour {
        Flavour::Research => [30.0, 2.0, 0.0, 45.0, 3.0, 20.0],
        Flavour::Chips => [72.0, 10.0, 0.0, 12.0, 4.0, 2.0],
        Flavour::Auto => [45.0, 42.0, 1.0, 5.0, 7.0, 0.0],
        Flavour::Machines => [55.0, 32.0, 2.0, 4.0, 7.0, 0.0],
        Flavour::Chemicals => [8.0, 30.0, 55.0, 1.0, 6.0, 0.0],
        Flavour::Steel => [10.0, 45.0, 35.0, 1.0, 9.0, 0.0],
        Flavour::Logistics => [35.0, 5.0, 0.0, 3.0, 57.0, 0.0],
        Flavour::Health => [62.0, 15.0, 1.0, 18.0, 4.0, 0.0],
        Flavour::Mixed => [55.0, 30.0, 5.0, 2.0, 8.0, 0.0],
    };
    USES[chance.weighted(&weights)]
}

fn parcel(unit: &Unit<'_>, plot: &Plot, code: String, fate: Fate, chance: &mut Chance) -> Parcel {
    let shape = plane::shape(&plot.ring);
    let area_m2 = geometry::area(&shape).value();
    // The certificate and the survey differ a little, and now and then by more: never by what `landcycle check` doubts.
    let noise = if chance.once_in(0.012) {
        chance.between(0.02, 0.045) * if chance.once_in(0.5) { 1.0 } else { -1.0 }
    } else {
        0.004 * chance.normal()
    };
    let land_use = land_use(unit.flavour(), chance);
    let research = matches!(land_use, "M4" | "C65");
    let ratio_allowed = if research {
        *chance.pick(&[2.0, 2.2, 2.5, 2.5, 3.0])
    } else {
        *chance.pick(&[1.0, 1.2, 1.2, 1.5, 1.5, 1.6, 1.8, 2.0, 2.0, 2.5])
    };
    let mut signed_on = signed_on(fate, chance);
    if !unit.is_zoned(plot) && signed_on >= zones::first_day() {
        // The second lock: as many days before the zones as it would have been after.
        signed_on = days_after(zones::first_day(), -1 - (signed_on - zones::first_day()).num_days() / 2);
    }
    let mut parcel = Parcel {
        code,
        shape,
        registered_m2: round(area_m2 * (1.0 + noise), 1).max(1.0),
        land_use,
        ratio_allowed,
        fate,
        signed_on,
        buildings: Vec::new(),
    };
    if matches!(fate, Fate::Operating | Fate::Suspended) {
        parcel.buildings = buildings(unit, plot, &parcel, chance);
    }
    parcel
}

/// When the contract was signed. Two thirds are from before the life-cycle contracts of 1 July 2014.
fn signed_on(fate: Fate, chance: &mut Chance) -> NaiveDate {
    let life_cycle = day(2014, 7, 1);
    match fate {
        Fate::Operating if chance.once_in(0.72) => {
            // Most land was handed over between 2000 and 2010.
            let year = 2004.5 + 4.6 * chance.normal();
            let days = ((year.clamp(1992.0, 2014.4) - 1992.0) * 365.25) as i64;
            days_after(day(1992, 1, 10), days)
        }
        Fate::Operating => days_after(life_cycle, chance.whole(0, 2_500)),
        // The start falls due about seven months later; as of mid-2026 it is then one to four years late.
        Fate::NotStarted => days_after(day(2021, 7, 1), chance.whole(0, 1_140)),
        Fate::Suspended => days_after(day(2017, 1, 1), chance.whole(0, 1_900)),
        Fate::Late => days_after(day(2025, 1, 15), chance.whole(0, 240)),
        Fate::Building => days_after(day(2023, 9, 1), chance.whole(0, 500)),
    }
}

fn buildings(unit: &Unit<'_>, plot: &Plot, parcel: &Parcel, chance: &mut Chance) -> Vec<Building> {
    let land = plane::area(&plot.ring);
    let mut setback = (0.07 * land.sqrt()).clamp(1.5, 14.0);
    let mut yard = plane::inset(&plot.core, setback);
    while yard.is_empty() && setback > 0.2 {
        setback /= 2.0;
        yard = plane::inset(&plot.core, setback);
    }
    if plane::area(&yard) < 20.0 {
        return Vec::new();
    }
    let most = match land {
        land if land < 4_000.0 => 1,
        land if land < 10_000.0 => 2,
        land if land < 30_000.0 => 3,
        land if land < 80_000.0 => 5,
        _ => 6,
    };
    let count = if parcel.fate == Fate::Suspended { 1 } else { chance.whole((most + 1) / 2, most) };
    let weights: Vec<f64> = (0..count).map(|_| chance.between(0.6, 1.6)).collect();
    let side = plane::longest_side(&yard);
    let lane = (0.05 * land.sqrt()).clamp(3.0, 16.0);
    let mut rings = Vec::new();
    streets::divide(&yard, &weights, side.y.atan2(side.x), &|_| lane, chance, &mut rings);
    let coverage = if parcel.fate == Fate::Suspended { chance.between(0.05, 0.15) } else { chance.between(0.24, 0.52) };
    let rings: Vec<Ring> = rings.iter().map(|ring| plane::oblong(ring)).collect();
    let covered: f64 = rings.iter().map(|ring| plane::area(ring)).sum();
    let by = (coverage * land / covered).sqrt().min(1.0);
    let weak = matches!(unit.standing(), Some(Standing::Weak) | None);
    let year = i64::from(chrono::Datelike::year(&parcel.signed_on)) + chance.whole(1, 3);
    let research = matches!(parcel.land_use, "M4" | "C65");
    let idle_share = if chance.once_in(if weak { 0.4 } else { 0.18 }) { chance.between(0.05, 0.75) } else { 0.0 };
    let mut all = Vec::new();
    for ring in rings.iter().filter(|ring| plane::area(ring) > 20.0) {
        let ring = plane::scale(ring, plane::centre(ring), by);
        let shape = plane::shape(&ring);
        let footprint_m2 = round(geometry::area(&shape).value(), 1);
        let storeys = match parcel.land_use {
            _ if research => chance.whole(4, 11),
            "W1" => chance.whole(1, 2),
            "M3" => chance.whole(1, 2),
            _ if weak => chance.whole(1, 3),
            _ => *chance.pick(&[1, 1, 2, 2, 3, 3, 4, 5]),
        };
        let storeys = storeys.min((parcel.ratio_allowed * land / (coverage * land)).floor().max(1.0) as i64);
        let storey_height_m = round(if storeys == 1 { chance.between(6.5, 13.0) } else { chance.between(3.6, 6.0) }, 1);
        let floor_m2 = round(footprint_m2 * storeys as f64, 1);
        let used = match parcel.fate {
            Fate::Suspended => 0.0,
            _ => floor_m2 * (1.0 - idle_share * chance.between(0.7, 1.3)).clamp(0.0, 1.0),
        };
        all.push(Building {
            shape,
            storeys,
            storey_height_m,
            footprint_m2,
            floor_m2,
            used_m2: round(used, 1).min(floor_m2),
            year: year.min(2025),
        });
    }
    all
}
