//! What is judged as one: each parcel, or all parcels of a part that have the same main user, on their sums.

use super::facts::{Facts, MEASURES, Occupied, Share, Target, Year};
use super::receipt::Holder;
use super::scheme::Unit;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is judged, and which of it each parcel is.
pub(super) struct Subjects<'a> {
    /// The facts of each, with its part.
    pub list: Vec<(Cow<'a, Facts>, Option<usize>)>,
    /// The subject of each parcel; nothing where each parcel is its own.
    pub of: Option<Vec<usize>>,
    /// The holder of each subject; empty where parcels are judged.
    pub holders: Vec<Option<Arc<Holder>>>,
}

pub(super) fn subjects<'a>(unit: Unit, facts: &'a [Facts], part_of: &[Option<usize>]) -> Subjects<'a> {
    if unit == Unit::Parcel {
        let list = facts.iter().zip(part_of).map(|(one, part)| (Cow::Borrowed(one), *part)).collect();
        return Subjects { list, of: None, holders: Vec::new() };
    }
    let mut members: Vec<Vec<usize>> = Vec::new();
    let mut known: BTreeMap<(Option<usize>, &str), usize> = BTreeMap::new();
    let mut of = Vec::with_capacity(facts.len());
    for (index, one) in facts.iter().enumerate() {
        let subject = match &one.user {
            Some(user) => *known.entry((part_of[index], user.code.as_str())).or_insert(members.len()),
            // Land without a user has nobody to be judged with.
            None => members.len(),
        };
        if subject == members.len() {
            members.push(Vec::new());
        }
        members[subject].push(index);
        of.push(subject);
    }
    let together = |list: &Vec<usize>| -> Vec<&'a Facts> { list.iter().map(|index| &facts[*index]).collect() };
    let holders = members.iter().map(|list| holder(&together(list))).collect();
    let list = members
        .iter()
        .map(|list| match list[..] {
            [only] => (Cow::Borrowed(&facts[only]), part_of[only]),
            _ => (Cow::Owned(sum(&together(list))), part_of[list[0]]),
        })
        .collect();
    Subjects { list, of: Some(of), holders }
}

fn holder(parcels: &[&Facts]) -> Option<Arc<Holder>> {
    let user = parcels.first()?.user.as_ref()?;
    Some(Arc::new(Holder {
        code: user.code.clone(),
        parcels: parcels.iter().map(|one| one.code.clone()).collect(),
        land_m2: parcels.iter().map(|one| one.land_m2).sum(),
    }))
}

/// The facts of several parcels as of one: areas and figures are sums, a plot ratio and the known part of a figure are
/// means by land, faults and duties are all of them; what else there is, is the first parcel's.
fn sum(parcels: &[&Facts]) -> Facts {
    let mut sum = parcels[0].clone();
    let land: f64 = parcels.iter().map(|one| one.land_m2).sum();
    let by_land = |value: &dyn Fn(&Facts) -> Option<f64>| -> Option<f64> {
        let parts = parcels.iter().map(|one| Some(value(one)? * one.land_m2)).sum::<Option<f64>>()?;
        (land > 0.0).then(|| parts / land)
    };
    sum.plot_ratio_allowed = by_land(&|one| one.plot_ratio_allowed);
    sum.land_m2 = land;
    sum.land_is_registered = parcels.iter().all(|one| one.land_is_registered);
    sum.floor_m2 = parcels.iter().map(|one| one.floor_m2).sum();
    sum.footprint_m2 = parcels.iter().map(|one| one.footprint_m2).sum();
    sum.occupied = parcels.iter().filter_map(|one| one.occupied).reduce(|one, other| Occupied {
        floor_m2: one.floor_m2 + other.floor_m2,
        leased_m2: one.leased_m2 + other.leased_m2,
    });
    sum.used_floor_m2 = parcels.iter().map(|one| one.used_floor_m2).sum();
    sum.in_use_since = parcels.iter().filter_map(|one| one.in_use_since).min();
    sum.years = (0..sum.years.len())
        .map(|place| {
            let mut year = Year { year: sum.years[place].year, ..Year::default() };
            for measure in 0..MEASURES {
                let share = |one: &Facts| one.years.get(place).map_or(Share::default(), |year| year.figures[measure]);
                year.figures[measure] = Share {
                    sum: parcels.iter().map(|one| share(one).sum).sum(),
                    known: by_land(&|one| Some(share(one).known)).map_or(0.0, |known| super::facts::round(known, 9)),
                };
            }
            let elsewhere = |one: &Facts| one.years.get(place).map_or(0.0, |year| year.tax_elsewhere);
            year.tax_elsewhere = by_land(&|one| Some(elsewhere(one))).unwrap_or(0.0);
            year
        })
        .collect();
    let duties = parcels.iter().filter_map(|one| one.contract.as_ref()).flat_map(|one| one.duties.clone()).collect();
    let contract = parcels.iter().find_map(|one| one.contract.clone());
    let targets = targets(parcels, land);
    sum.contract = contract.map(|contract| super::facts::ContractFacts { duties, targets, ..contract });
    sum.vetoes = parcels.iter().flat_map(|one| one.vetoes.clone()).collect();
    sum.vetoes.sort();
    sum.vetoes.dedup();
    sum
}

/// What the contracts of several parcels promise together: of what each of them promises in one unit the sum, or the mean by
/// land of what is promised for a mu or as a ratio. What one of them does not promise, they do not promise together.
fn targets(parcels: &[&Facts], land: f64) -> Vec<Target> {
    let own = |one: &Facts, like: &Target| {
        let targets = &one.contract.as_ref()?.targets;
        Some(targets.iter().find(|target| target.kind == like.kind && target.unit == like.unit)?.value)
    };
    let first = parcels.iter().find_map(|one| one.contract.as_ref()).map_or(&[][..], |contract| &contract.targets);
    let together = |like: &Target| {
        let is_rate = like.unit.as_ref().map_or(like.kind.starts_with("plot_ratio"), |unit| unit.contains('亩'));
        let part = |one: &&Facts| own(one, like).map(|value| if is_rate { value * one.land_m2 / land } else { value });
        Some(Target { value: parcels.iter().map(part).sum::<Option<f64>>()?, ..like.clone() })
    };
    first.iter().filter_map(together).collect()
}
