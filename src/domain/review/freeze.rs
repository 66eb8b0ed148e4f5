//! From the register's rows, frozen in one moment, to the facts about each parcel: what is shared between parcels is worked
//! out for the whole city, and the facts are made piece by piece, so that those of a large city need not be held together.

use super::facts::{ContractFacts, DutyRow, Facts, MainUser, Occupied, Packed, Use, VetoFact};
use super::left_out::{Left, LeftOut, Reason};
use super::run::window;
use super::scheme::Scheme;
use super::scheme::record::Record;
use super::sharing::{parts, reaching};
use crate::domain::contract::agenda::Watched;
use crate::domain::zoning::Tier;
use crate::domain::zoning::legacy::Class;
use chrono::NaiveDate;
use rayon::prelude::*;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

/// A parcel as it was law on the day. Words that many have in common are held once.
#[derive(Debug, Clone)]
pub struct ParcelRow {
    /// Its code.
    pub code: Box<str>,
    /// Its district.
    pub district: Arc<str>,
    /// Its park.
    pub park: Option<Arc<str>>,
    /// Its tier.
    pub tier: Tier,
    /// In which part of the older division it lies; asked of fragmented land only.
    pub legacy_class: Option<Class>,
    /// Whether the plan locks it.
    pub locked: bool,
    /// Its use.
    pub land_use: Arc<str>,
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
    /// Where it is in its life, as far as that is on record and was asked for.
    pub state: Option<Arc<str>>,
}

/// An enterprise as it was known.
#[derive(Debug, Clone)]
pub struct EnterpriseRow {
    /// Its code, its scale and its first day.
    pub user: MainUser,
    /// Its industry, GB/T 4754.
    pub industry: Option<Arc<str>>,
}

/// The rows of the whole city that a review looks at. Codes are resolved to places in the lists.
#[derive(Debug, Default)]
pub struct Frozen {
    /// Parcels in the order of their codes.
    pub parcels: Vec<ParcelRow>,
    /// Enterprises in the order of their codes.
    pub enterprises: Vec<EnterpriseRow>,
    /// Uses in the order of parcel, enterprise and first day.
    pub uses: Vec<Use>,
    /// Figures by year and enterprise.
    pub returns: BTreeMap<i32, Packed>,
    /// Faults not cleared on the day, by the enterprise's place.
    pub vetoes: HashMap<usize, Vec<VetoFact>>,
    /// The industries that parks lead with, by the code of the park; of those that name some.
    pub leading: HashMap<String, Arc<[String]>>,
}

/// What is on record of some parcels alone, in the same moment.
#[derive(Debug, Default)]
pub struct Own {
    /// The newest contract of a parcel, by its code.
    pub contracts: HashMap<String, (ContractFacts, Vec<DutyRow>)>,
    /// Every contract that is law on the day, with what has a clock.
    pub watched: Vec<Watched>,
}

/// Who is judged, and who is not.
#[derive(Debug)]
pub struct Sorted {
    /// The facts about each parcel that is judged, in the order of codes.
    pub facts: Vec<Facts>,
    /// Who is left out, in the same order.
    pub left: Vec<Left>,
}

/// Frozen rows with what each use carries of its enterprise's figures.
#[derive(Debug)]
pub struct Apportioned {
    frozen: Arc<Frozen>,
    as_of: NaiveDate,
    /// The first day of the years that are looked at.
    first: NaiveDate,
    /// Those years, each with the part that every use carries.
    years: Vec<(i32, Vec<f64>)>,
}

impl Frozen {
    /// Works out what each use carries in so many full years before the day. Parcels that nobody judges take their share too,
    /// or the others would be given too much.
    pub fn apportioned(self: Arc<Self>, full_years: u32, as_of: NaiveDate) -> Apportioned {
        let years = window(as_of, full_years);
        let first = NaiveDate::from_ymd_opt(*years.start(), 1, 1).unwrap_or(as_of);
        let carried = |year| (year, parts(year, self.enterprises.len(), &self.uses));
        let years = years.into_par_iter().map(carried).collect();
        Apportioned { frozen: self, as_of, first, years }
    }

    /// The facts about the parcels that are wanted, whatever a scheme would say of them, with so many full years.
    pub fn facts_where(
        self: Arc<Self>,
        full_years: u32,
        as_of: NaiveDate,
        mut own: Own,
        wanted: impl Fn(&ParcelRow) -> bool,
    ) -> Vec<Facts> {
        let whole = 0..self.parcels.len();
        self.apportioned(full_years, as_of).facts(whole, &mut own, wanted)
    }
}

impl Apportioned {
    /// The facts about each parcel of a piece that a part of the scheme takes and no rule leaves out, and who has none and
    /// why.
    pub fn sorted(&self, piece: Range<usize>, own: &mut Own, scheme: &Scheme, rules: &LeftOut) -> Sorted {
        let rows = &self.frozen.parcels[piece.clone()];
        let uncovered = rows.iter().filter(|parcel| !scheme.covers(&parcel.land_use));
        let mut left: Vec<Left> =
            uncovered.map(|parcel| Left { parcel: parcel.code.to_string(), reason: Reason::UseNotCovered }).collect();
        let states = rows.iter().filter(|parcel| scheme.covers(&parcel.land_use)).map(|parcel| parcel.state.clone());
        let mut states: Vec<Option<Arc<str>>> = states.rev().collect();
        let mut facts = self.facts(piece, own, |parcel| scheme.covers(&parcel.land_use));
        facts.retain(|one| {
            let state = states.pop().flatten();
            let record = Record { facts: one, as_of: self.as_of, tolerance: scheme.gate.unreported_floor };
            let reason = match scheme.part_of(&record) {
                None => Some(Reason::OutsideScope),
                Some(_) => rules.reason(state.as_deref(), one),
            };
            left.extend(reason.map(|reason| Left { parcel: one.code.clone(), reason }));
            reason.is_none()
        });
        left.sort_by(|one, other| one.parcel.cmp(&other.parcel));
        Sorted { facts, left }
    }

    /// The facts about the parcels of a piece that are wanted, with what is on record of those alone, which they take.
    pub fn facts(&self, piece: Range<usize>, own: &mut Own, wanted: impl Fn(&ParcelRow) -> bool) -> Vec<Facts> {
        let contracts = &mut own.contracts;
        let wanted = piece.filter(|place| wanted(&self.frozen.parcels[*place]));
        let wanted: Vec<_> = wanted.map(|place| (place, contracts.remove(&*self.frozen.parcels[place].code))).collect();
        wanted.into_par_iter().map(|(place, contract)| self.about(place, contract)).collect()
    }

    fn about(&self, place: usize, contract: Option<(ContractFacts, Vec<DutyRow>)>) -> Facts {
        let parcel = &self.frozen.parcels[place];
        let all = &self.frozen.uses;
        let uses = all.partition_point(|one| one.parcel < place)..all.partition_point(|one| one.parcel <= place);
        let used = Used::of(&all[uses.clone()], self.first, self.as_of, &self.frozen.vetoes);
        let main = used.main.and_then(|enterprise| self.frozen.enterprises.get(enterprise));
        let year = |(year, parts): &(i32, Vec<f64>)| {
            let returns = self.frozen.returns.get(year);
            let reported = |enterprise| returns.map(|returns| returns.of(enterprise)).unwrap_or_default();
            reaching(*year, &all[uses.clone()], &parts[uses.clone()], reported)
        };
        let leads = |park: &Arc<str>| self.frozen.leading.get(&**park).cloned();
        Facts {
            land_m2: parcel.registered_area_m2.unwrap_or(parcel.area_m2),
            land_is_registered: parcel.registered_area_m2.is_some(),
            industry: main.and_then(|main| main.industry.as_deref()).map(str::to_owned),
            user: main.map(|main| main.user.clone()),
            in_use_since: used.since,
            years: self.years.iter().map(year).collect(),
            contract: contract.map(|(mut contract, duties)| {
                contract.duties = duties.iter().map(|duty| duty.on(self.as_of)).collect();
                contract
            }),
            vetoes: used.vetoes,
            park_industries: parcel.park.as_ref().and_then(leads).unwrap_or_default(),
            occupied: parcel.occupied,
            footprint_m2: parcel.footprint_m2,
            code: parcel.code.to_string(),
            district: parcel.district.to_string(),
            park: parcel.park.as_deref().map(str::to_owned),
            tier: parcel.tier,
            legacy_class: parcel.legacy_class,
            locked: parcel.locked,
            land_use: parcel.land_use.to_string(),
            plot_ratio_allowed: parcel.plot_ratio_allowed,
            floor_m2: parcel.floor_m2,
            used_floor_m2: parcel.used_floor_m2,
        }
    }
}

/// What the uses of one parcel tell of it.
#[derive(Debug, Default)]
struct Used {
    since: Option<NaiveDate>,
    vetoes: Vec<VetoFact>,
    /// Whoever used the most floor area for the longest time of the years that are looked at; of equals, the first code.
    main: Option<usize>,
}

impl Used {
    fn of(uses: &[Use], first: NaiveDate, as_of: NaiveDate, faults: &HashMap<usize, Vec<VetoFact>>) -> Self {
        let mut found = Self::default();
        // How long those who work there now have done so, through uses that follow each other without a day between, as
        // those of a parcel and of what came of it do; who left long ago makes nobody ripe.
        let mut there: HashMap<usize, NaiveDate> = HashMap::new();
        let mut latest_first: Vec<&Use> = uses.iter().filter(|one| one.from <= as_of).collect();
        latest_first.sort_by_key(|one| (one.to.is_some_and(|to| to <= as_of), Reverse(one.from)));
        for one in latest_first {
            let is_now = one.to.is_none_or(|to| to > as_of);
            let since = there.get(&one.enterprise).copied();
            if is_now || since.is_some_and(|since| one.to.is_some_and(|to| to >= since)) {
                let since = since.map_or(one.from, |since| since.min(one.from));
                there.insert(one.enterprise, since);
                found.since = Some(found.since.map_or(since, |earliest| earliest.min(since)));
            }
        }
        let mut users: Vec<(f64, usize)> = Vec::new();
        for one in uses {
            if one.from <= as_of && one.to.is_none_or(|to| to > as_of) {
                found.vetoes.extend(faults.get(&one.enterprise).into_iter().flatten().cloned());
            }
            let days = (one.to.unwrap_or(as_of).min(as_of) - one.from.max(first)).num_days();
            if days > 0 {
                #[expect(clippy::cast_precision_loss, reason = "days of a few years")]
                users.push((one.floor_area_m2 * days as f64, one.enterprise));
            }
        }
        found.main = users.into_iter().max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1))).map(|main| main.1);
        found.vetoes.sort();
        found.vetoes.dedup();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::super::sharing::{Figures, Measure};
    use super::*;
    use chrono::Days;
    use proptest::prelude::*;

    fn parcel(place: usize) -> ParcelRow {
        ParcelRow {
            code: format!("P{place:02}").into(),
            district: "310115".into(),
            park: None,
            tier: Tier::Fragmented,
            legacy_class: None,
            locked: false,
            land_use: if place % 5 == 4 { "R" } else { "M1" }.into(),
            registered_area_m2: None,
            area_m2: 1_000.0,
            plot_ratio_allowed: None,
            floor_m2: None,
            used_floor_m2: None,
            footprint_m2: None,
            occupied: None,
            state: None,
        }
    }

    /// A city of as many enterprises as parcels, each of which may use any of them.
    fn city(parcels: usize, uses: &[(usize, usize, f64, u64)]) -> Arc<Frozen> {
        let first = NaiveDate::from_ymd_opt(2022, 1, 1).expect("a day");
        let of_use = |(parcel, enterprise, floor_area_m2, day): &(usize, usize, f64, u64)| Use {
            parcel: parcel % parcels,
            enterprise: enterprise % parcels,
            floor_area_m2: *floor_area_m2,
            from: first + Days::new(*day),
            to: None,
            tax_is_local: enterprise % 3 > 0,
            stated: None,
        };
        let mut uses: Vec<Use> = uses.iter().map(of_use).collect();
        uses.sort_by_key(|one| (one.parcel, one.enterprise, one.from));
        let figures = |place: usize| {
            let mut figures = Figures::default();
            figures[Measure::Output as usize] = Some(100.0 + place as f64);
            figures[Measure::Tax as usize] = Some(place as f64 / 7.0);
            figures
        };
        let user = |place: usize| MainUser { above_scale: None, code: format!("E{place:02}"), founded_on: None };
        Arc::new(Frozen {
            parcels: (0..parcels).map(parcel).collect(),
            enterprises: (0..parcels).map(|place| EnterpriseRow { user: user(place), industry: None }).collect(),
            uses,
            returns: (2023..=2025).map(|year| (year, (0..parcels).map(figures).collect())).collect(),
            ..Frozen::default()
        })
    }

    proptest! {
        /// However the city is cut: an enterprise has land in pieces that are looked at one after the other.
        #[test]
        fn the_facts_of_pieces_are_the_facts_of_the_whole(
            parcels in 1_usize..12,
            uses in proptest::collection::vec((0_usize..12, 0_usize..12, 1.0..1e4_f64, 0_u64..1_500), 0..40),
            piece in 1_usize..12,
        ) {
            let day = NaiveDate::from_ymd_opt(2025, 12, 31).expect("a day");
            let apportioned = city(parcels, &uses).apportioned(3, day);
            let wanted = |row: &ParcelRow| &*row.land_use == "M1";
            let whole = apportioned.facts(0..parcels, &mut Own::default(), wanted);
            let pieces = (0..parcels).step_by(piece).flat_map(|first| {
                apportioned.facts(first..parcels.min(first + piece), &mut Own::default(), wanted)
            });
            prop_assert_eq!(pieces.collect::<Vec<Facts>>(), whole);
        }
    }
}
