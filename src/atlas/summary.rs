//! The figures of a search: how much land, of what grade, tier and use. It counts what the snapshot holds and judges
//! nothing.

use super::Snapshot;
use super::columns::{NONE, Words};
use crate::domain::quantity::{PlotRatio, SquareMetres};
use crate::domain::review::grade::Grade;
use crate::domain::zoning::Tier;
use chrono::{Months, NaiveDate};
use std::collections::BTreeMap;

/// How many parcels, and how much land they are.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Tally {
    /// How many parcels.
    pub count: u64,
    /// The land they are.
    pub area: SquareMetres,
}

impl Tally {
    fn add(&mut self, area: f64) {
        self.count += 1;
        self.area += SquareMetres(area);
    }
}

/// The figures of all parcels that a search found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Summary {
    /// How many parcels, and how much land they are.
    pub total: Tally,
    /// Their floor area, as far as known; `None` where it is known of none.
    pub floor_area: Option<SquareMetres>,
    /// Floor area over land of those parcels whose floor area is known.
    pub plot_ratio_built: Option<PlotRatio>,
    /// The mean allowed plot ratio, weighted by land, of those parcels that have one.
    pub plot_ratio_allowed: Option<PlotRatio>,
    /// By grade; a key of `None` stands for parcels that no review judged. Every grade is there, also with none.
    pub by_grade: BTreeMap<Option<Grade>, Tally>,
    /// By tier; every tier is there, also with none.
    pub by_tier: BTreeMap<Tier, Tally>,
    /// By code of land use.
    pub by_land_use: BTreeMap<String, Tally>,
    /// By code of district.
    pub by_district: BTreeMap<String, Tally>,
    /// By outcome of the review; parcels without one are left out.
    pub by_outcome: BTreeMap<String, Tally>,
    /// How many have a term that still runs and ends within the months that were asked for. The decision table asks for
    /// the same horizon.
    pub expiring: u64,
}

impl Summary {
    pub(super) fn of(snapshot: &Snapshot, indices: &[u32], as_of: NaiveDate, expiring: Months) -> Self {
        let until = as_of.checked_add_months(expiring).unwrap_or(NaiveDate::MAX);
        let mut summary = Self::default();
        // Indexed by grade and tier as they are declared, the last grade for "none".
        let mut grades = [Tally::default(); Grade::ALL.len() + 1];
        let mut tiers = [Tally::default(); Tier::ALL.len()];
        // The pack beside the base numbers the words of both.
        let words = &snapshot.revised.pack.columns;
        let mut land_uses = vec![Tally::default(); words.land_uses.len()];
        let mut districts = vec![Tally::default(); words.districts.len()];
        let mut outcomes = vec![Tally::default(); words.outcomes.len()];
        let (mut floor, mut land_with_floor, mut allowed, mut land_with_allowed) = (0.0, 0.0, 0.0, 0.0);
        let mut floor_is_known = false;
        for number in indices {
            let (pack, index) = snapshot.place(*number);
            let columns = &pack.columns;
            let area = columns.area[index];
            summary.total.add(area);
            grades[columns.grade[index].map_or(Grade::ALL.len(), |grade| grade as usize)].add(area);
            tiers[columns.tier[index] as usize].add(area);
            land_uses[columns.land_use[index] as usize].add(area);
            districts[columns.district[index] as usize].add(area);
            if columns.outcome[index] != NONE {
                outcomes[columns.outcome[index] as usize].add(area);
            }
            if let Some(floor_area) = columns.floor_area(index) {
                floor_is_known = true;
                floor += floor_area;
                land_with_floor += area;
            }
            if let Some(ratio) = columns.plot_ratio_allowed(index) {
                allowed += ratio * area;
                land_with_allowed += area;
            }
            // The day is the first after the term: a term of which that day has come is over.
            if columns.term_ends_on[index].is_some_and(|end| as_of < end && end <= until) {
                summary.expiring += 1;
            }
        }
        summary.floor_area = floor_is_known.then_some(SquareMetres(floor));
        summary.plot_ratio_built = PlotRatio::of(SquareMetres(floor), SquareMetres(land_with_floor));
        summary.plot_ratio_allowed = PlotRatio::of(SquareMetres(allowed), SquareMetres(land_with_allowed));
        let keys = Grade::ALL.into_iter().map(Some).chain([None]);
        summary.by_grade = keys.zip(grades).collect();
        summary.by_tier = Tier::ALL.into_iter().zip(tiers).collect();
        summary.by_land_use = named(&words.land_uses, &land_uses);
        summary.by_district = named(&words.districts, &districts);
        summary.by_outcome = named(&words.outcomes, &outcomes);
        summary
    }
}

fn named(words: &Words, tallies: &[Tally]) -> BTreeMap<String, Tally> {
    let present = tallies.iter().enumerate().filter(|(_, tally)| tally.count > 0);
    present.map(|(number, tally)| (words.word(number as u32).to_owned(), *tally)).collect()
}
