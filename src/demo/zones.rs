//! Bases and communities: about 60 % of the land lies in bases, 22 % in communities, the rest is fragmented. These
//! shares are an assumption.

use super::chance::{Chance, Stage};
use super::city::DISTRICTS;
use super::places::{Flavour, Standing};
use super::plane::{self, Ring};
use super::sites::{Park, Sites};
use super::unit::day;
use chrono::NaiveDate;

const BASE_SHARE: f64 = 0.605;
const COMMUNITY_SHARE: f64 = 0.222;
/// How many zones end inside their park, so that their border runs through parcels.
const STRADDLING: f64 = 0.08;

/// The first day on which the zones are law.
pub(super) fn first_day() -> NaiveDate {
    day(2021, 1, 1)
}

/// A zone.
pub(super) struct Zone {
    /// The park that it is laid over.
    pub park: usize,
    pub code: String,
    pub name: String,
    pub tier: &'static str,
    pub locked: bool,
    pub document: String,
    pub decided_on: NaiveDate,
    pub valid_from: NaiveDate,
    pub ring: Ring,
}

/// How much a park is one for a base; the least are in no zone.
fn rank(park: &Park, chance: &mut Chance) -> f64 {
    let by_flavour = match park.place.flavour {
        Flavour::Auto | Flavour::Chemicals | Flavour::Steel => 3.2,
        Flavour::Machines | Flavour::Chips | Flavour::Logistics => 3.0,
        Flavour::Health => 2.4,
        Flavour::Mixed => 1.8,
        Flavour::Research => 1.6,
    };
    let by_standing = match park.place.standing {
        Standing::Leading => 0.5,
        Standing::Solid => 0.0,
        Standing::Weak => -1.1,
    };
    by_flavour + by_standing + 0.7 * chance.normal()
}

/// Lays zones over the parks.
pub(super) fn zones(sites: &Sites, land_m2: f64, seed: u64) -> Vec<Zone> {
    let mut chance = Chance::of(seed, Stage::Zones, 0);
    let mut order: Vec<(f64, usize)> =
        sites.parks.iter().enumerate().map(|(index, park)| (rank(park, &mut chance), index)).collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut tiers: Vec<Option<&'static str>> = vec![None; sites.parks.len()];
    let mut covered = 0.0;
    for (_, index) in order {
        let middle = covered + sites.parks[index].land_m2 / land_m2 / 2.0;
        tiers[index] = match middle {
            share if share < BASE_SHARE => Some("base"),
            share if share < BASE_SHARE + COMMUNITY_SHARE => Some("community"),
            _ => None,
        };
        covered += sites.parks[index].land_m2 / land_m2;
    }
    let mut zones = Vec::new();
    let mut numbers = [0_usize; DISTRICTS.len()];
    for (index, (park, tier)) in sites.parks.iter().zip(tiers).enumerate() {
        let Some(tier) = tier else { continue };
        numbers[park.district] += 1;
        let mut ring = park.cell.clone();
        if chance.once_in(STRADDLING) {
            let normal = plane::direction(chance.between(0.0, std::f64::consts::TAU));
            ring = plane::cut(&ring, normal, chance.between(0.75, 0.92), 0.0).0;
        }
        let number = numbers[park.district];
        let base = tier == "base";
        let (name, _) = park.names();
        let name = name.replace("（演示）", if base { "产业基地（演示）" } else { "产业社区（演示）" });
        zones.push(Zone {
            park: index,
            code: format!("{}Z{number:03}", DISTRICTS[park.district].code),
            name,
            tier,
            locked: base && chance.once_in(0.88),
            document: format!("演示文件（虚构）〔2021〕{:03}号", zones.len() + 1),
            decided_on: day(2020, 12, 15),
            valid_from: first_day(),
            ring: plane::dense(&ring, 150.0),
        });
    }
    zones
}
