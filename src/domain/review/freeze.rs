//! From the register's rows, frozen in one moment, to the facts about each parcel.

use super::calendar::Known;
use super::facts::{ContractFacts, DutyRow, Facts, Figures, MainUser, Occupied, Use, VetoFact, Year};
use super::left_out::{Left, LeftOut, Reason};
use super::run::window;
use super::scheme::Scheme;
use super::scheme::record::Record;
use super::sharing::spread;
use crate::domain::contract::agenda::Watched;
use crate::domain::zoning::Tier;
use crate::domain::zoning::legacy::Class;
use chrono::NaiveDate;
use rayon::prelude::*;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

/// A parcel as it was law on the day.
#[derive(Debug, Clone)]
pub struct ParcelRow {
    /// Its code.
    pub code: String,
    /// Its district.
    pub district: String,
    /// Its park.
    pub park: Option<String>,
    /// Its tier.
    pub tier: Tier,
    /// In which part of the older division it lies; asked of fragmented land only.
    pub legacy_class: Option<Class>,
    /// Whether the plan locks it.
    pub locked: bool,
    /// Its use.
    pub land_use: String,
    /// Its registered area, m².
    pub registered_area_m2: Option<f64>,
    /// The area of its shape, m².
    pub area_m2: f64,
    /// Its allowed plot ratio.
    pub plot_ratio_allowed: Option<f64>,
    /// Floor area on it, m².
    pub floor_m2: Option<f64>,
    /// Part of that in use, m²; known only if it is known of every building.
    pub used_floor_m2: Option<f64>,
    /// Ground that its buildings stand on, m².
    pub footprint_m2: Option<f64>,
    /// What of its floor area enterprises use on the day.
    pub occupied: Option<Occupied>,
}

/// An enterprise as it was known.
#[derive(Debug, Clone)]
pub struct EnterpriseRow {
    /// Its code, its scale and its first day.
    pub user: MainUser,
    /// Its industry, GB/T 4754.
    pub industry: Option<String>,
}

/// The rows that a review looks at. Codes are resolved to places in the lists.
#[derive(Debug, Default)]
pub struct Frozen {
    /// Parcels in the order of their codes.
    pub parcels: Vec<ParcelRow>,
    /// Enterprises in the order of their codes.
    pub enterprises: Vec<EnterpriseRow>,
    /// Uses in the order of parcel, enterprise and first day.
    pub uses: Vec<Use>,
    /// Figures by year and enterprise.
    pub returns: HashMap<i32, Vec<Figures>>,
    /// The newest contract of a parcel, by the parcel's place.
    pub contracts: HashMap<usize, (ContractFacts, Vec<DutyRow>)>,
    /// Faults not cleared on the day, by the enterprise's place.
    pub vetoes: Vec<(usize, VetoFact)>,
    /// The industries that parks lead with, by the code of the park; of those that name some.
    pub leading: HashMap<String, Arc<[String]>>,
    /// Where parcels are in their lives, by their codes, as far as that is on record.
    pub states: HashMap<String, String>,
    /// What the calendar of reviews looks at, where it is asked for.
    pub calendar: Option<Watching>,
}

/// What the calendar of reviews looks at.
#[derive(Debug, Default)]
pub struct Watching {
    /// The contracts that are law on the day.
    pub contracts: Vec<Watched>,
    /// What was done of their reviews, by the number of the contract.
    pub done: HashMap<String, Known>,
}

/// Who is judged, and who is not.
#[derive(Debug)]
pub struct Sorted {
    /// The facts about each parcel that is judged, in the order of codes.
    pub facts: Vec<Facts>,
    /// Who is left out, in the same order.
    pub left: Vec<Left>,
}

impl Frozen {
    /// The facts about each parcel that a part of the scheme takes and no rule leaves out, and who has none and why.
    pub fn sorted(mut self, scheme: &Scheme, as_of: NaiveDate, rules: &LeftOut) -> Sorted {
        let uncovered = self.parcels.iter().filter(|parcel| !scheme.covers(&parcel.land_use));
        let mut left: Vec<Left> =
            uncovered.map(|parcel| Left { parcel: parcel.code.clone(), reason: Reason::UseNotCovered }).collect();
        let states = std::mem::take(&mut self.states);
        let mut facts = self.those(scheme.window.years, as_of, |parcel| scheme.covers(&parcel.land_use));
        facts.retain(|one| {
            let record = Record { facts: one, as_of, tolerance: scheme.gate.unreported_floor };
            let reason = match scheme.part_of(&record) {
                None => Some(Reason::OutsideScope),
                Some(_) => rules.reason(states.get(&one.code).map(String::as_str), one),
            };
            left.extend(reason.map(|reason| Left { parcel: one.code.clone(), reason }));
            reason.is_none()
        });
        left.sort_by(|one, other| one.parcel.cmp(&other.parcel));
        Sorted { facts, left }
    }

    /// The facts about one parcel, whether or not the scheme takes it; nothing where it is no parcel of the day.
    pub fn facts_of(self, scheme: &Scheme, as_of: NaiveDate, code: &str) -> Option<Facts> {
        self.those(scheme.window.years, as_of, |parcel| parcel.code == code).pop()
    }

    /// The facts about the parcels that are wanted, whatever a scheme would say of them, with the last full year.
    pub fn facts_where(self, as_of: NaiveDate, wanted: impl Fn(&ParcelRow) -> bool) -> Vec<Facts> {
        self.those(1, as_of, wanted)
    }

    fn those(mut self, full_years: u32, as_of: NaiveDate, wanted: impl Fn(&ParcelRow) -> bool) -> Vec<Facts> {
        let count = self.parcels.len();
        let none = vec![Figures::default(); self.enterprises.len()];
        // Parcels out of scope take their share too, or the others would be given too much.
        let years: Vec<Vec<Year>> = window(as_of, full_years)
            .into_par_iter()
            .map(|year| spread(year, count, &self.uses, self.returns.get(&year).unwrap_or(&none)).years)
            .collect();
        let mut vetoes: Vec<Vec<VetoFact>> = vec![Vec::new(); self.enterprises.len()];
        for (enterprise, veto) in self.vetoes.drain(..) {
            vetoes[enterprise].push(veto);
        }
        let mut places: Vec<Place> = vec![Place::default(); count];
        let years_seen = window(as_of, full_years);
        let first = NaiveDate::from_ymd_opt(*years_seen.start(), 1, 1).unwrap_or(as_of);
        // How long those who work there now have done so, through uses that follow each other without a day between, as
        // those of a parcel and of what came of it do; who left long ago makes nobody ripe.
        let mut there: HashMap<(usize, usize), NaiveDate> = HashMap::new();
        let mut latest_first: Vec<&Use> = self.uses.iter().filter(|one| one.from <= as_of).collect();
        latest_first.sort_by_key(|one| (one.to.is_some_and(|to| to <= as_of), Reverse(one.from)));
        for one in latest_first {
            let is_now = one.to.is_none_or(|to| to > as_of);
            let since = there.get(&(one.parcel, one.enterprise)).copied();
            if is_now || since.is_some_and(|since| one.to.is_some_and(|to| to >= since)) {
                let since = since.map_or(one.from, |since| since.min(one.from));
                there.insert((one.parcel, one.enterprise), since);
                let place = &mut places[one.parcel];
                place.since = Some(place.since.map_or(since, |earliest| earliest.min(since)));
            }
        }
        for one in &self.uses {
            let place = &mut places[one.parcel];
            if one.from <= as_of && one.to.is_none_or(|to| to > as_of) {
                place.vetoes.extend(vetoes[one.enterprise].iter().cloned());
            }
            // Who is its main user, is a matter of the years that are looked at.
            let days = (one.to.unwrap_or(as_of).min(as_of) - one.from.max(first)).num_days();
            if days > 0 {
                #[expect(clippy::cast_precision_loss, reason = "days of a few years")]
                place.users.push((one.floor_area_m2 * days as f64, one.enterprise));
            }
        }
        let mut contracts = std::mem::take(&mut self.contracts);
        let enterprises = &self.enterprises;
        let leading = &self.leading;
        self.parcels
            .into_iter()
            .zip(places)
            .enumerate()
            .filter(|(_, (parcel, _))| wanted(parcel))
            .map(|(index, (parcel, mut place))| {
                place.vetoes.sort();
                place.vetoes.dedup();
                let main = place.main(enterprises);
                Facts {
                    land_m2: parcel.registered_area_m2.unwrap_or(parcel.area_m2),
                    land_is_registered: parcel.registered_area_m2.is_some(),
                    industry: main.and_then(|main| main.industry.clone()),
                    user: main.map(|main| main.user.clone()),
                    in_use_since: place.since,
                    years: years.iter().map(|year| year[index]).collect(),
                    contract: contracts.remove(&index).map(|(mut contract, duties)| {
                        contract.duties = duties.iter().map(|duty| duty.on(as_of)).collect();
                        contract
                    }),
                    vetoes: place.vetoes,
                    park_industries: parcel
                        .park
                        .as_ref()
                        .and_then(|park| leading.get(park).cloned())
                        .unwrap_or_default(),
                    occupied: parcel.occupied,
                    footprint_m2: parcel.footprint_m2,
                    code: parcel.code,
                    district: parcel.district,
                    park: parcel.park,
                    tier: parcel.tier,
                    legacy_class: parcel.legacy_class,
                    locked: parcel.locked,
                    land_use: parcel.land_use,
                    plot_ratio_allowed: parcel.plot_ratio_allowed,
                    floor_m2: parcel.floor_m2,
                    used_floor_m2: parcel.used_floor_m2,
                }
            })
            .collect()
    }
}

#[derive(Debug, Clone, Default)]
struct Place {
    since: Option<NaiveDate>,
    vetoes: Vec<VetoFact>,
    users: Vec<(f64, usize)>,
}

impl Place {
    /// Whoever used the most floor area for the longest time; of equals, the first code.
    fn main<'a>(&self, enterprises: &'a [EnterpriseRow]) -> Option<&'a EnterpriseRow> {
        let main = self.users.iter().max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)))?;
        enterprises.get(main.1)
    }
}
