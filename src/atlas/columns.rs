//! The attributes of all parcels, a column each: words as small numbers, absence without a second array.

use crate::domain::review::grade::Grade;
use crate::domain::today::Parcel;
use crate::domain::zoning::Tier;
use chrono::NaiveDate;
use std::collections::HashMap;
use std::sync::Arc;

/// Words that many parcels share, numbered in the order in which they came.
#[derive(Debug, Default, Clone)]
pub(super) struct Words {
    words: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
}

impl Words {
    fn number(&mut self, word: &str) -> u32 {
        if let Some(number) = self.numbers.get(word) {
            return *number;
        }
        // At most one word a parcel, and the builder counts parcels in 32 bits.
        let number = self.words.len() as u32;
        let word: Arc<str> = word.into();
        self.words.push(word.clone());
        self.numbers.insert(word, number);
        number
    }

    pub fn word(&self, number: u32) -> &str {
        &self.words[number as usize]
    }

    pub fn len(&self) -> usize {
        self.words.len()
    }
}

/// The number that stands for "no word".
pub(super) const NONE: u32 = u32::MAX;

#[derive(Debug, Default)]
pub(super) struct Columns {
    code_bytes: String,
    code_ends: Vec<u32>,
    pub districts: Words,
    pub parks: Words,
    pub land_uses: Words,
    pub outcomes: Words,
    pub district: Vec<u32>,
    pub park: Vec<u32>,
    pub land_use: Vec<u32>,
    pub outcome: Vec<u32>,
    pub tier: Vec<Tier>,
    pub locked: Vec<bool>,
    pub grade: Vec<Option<Grade>>,
    pub term_ends_on: Vec<Option<NaiveDate>>,
    pub area: Vec<f64>,
    // NaN stands for "not known" in these three: a figure that came as NaN is not known either.
    floor_area: Vec<f64>,
    plot_ratio_allowed: Vec<f64>,
    score: Vec<f64>,
}

impl Columns {
    /// Columns without a parcel, in which every word of others has the number that it has there.
    pub fn beside(others: &Self) -> Self {
        Self {
            districts: others.districts.clone(),
            parks: others.parks.clone(),
            land_uses: others.land_uses.clone(),
            outcomes: others.outcomes.clone(),
            ..Self::default()
        }
    }

    pub fn push(&mut self, parcel: &Parcel) {
        self.code_bytes.push_str(&parcel.code);
        self.code_ends.push(self.code_bytes.len() as u32);
        self.district.push(self.districts.number(&parcel.district));
        self.park.push(parcel.park.as_deref().map_or(NONE, |word| self.parks.number(word)));
        self.land_use.push(self.land_uses.number(&parcel.land_use));
        self.outcome.push(parcel.outcome.as_deref().map_or(NONE, |word| self.outcomes.number(word)));
        self.tier.push(parcel.tier);
        self.locked.push(parcel.locked);
        self.grade.push(parcel.grade);
        self.term_ends_on.push(parcel.term_ends_on);
        self.area.push(parcel.area_m2);
        self.floor_area.push(parcel.floor_area_m2.unwrap_or(f64::NAN));
        self.plot_ratio_allowed.push(parcel.plot_ratio_allowed.unwrap_or(f64::NAN));
        self.score.push(parcel.score.unwrap_or(f64::NAN));
    }

    pub fn len(&self) -> usize {
        self.code_ends.len()
    }

    /// The bytes that all codes take so far.
    pub fn code_bytes(&self) -> usize {
        self.code_bytes.len()
    }

    pub fn code(&self, index: usize) -> &str {
        let start = if index == 0 { 0 } else { self.code_ends[index - 1] as usize };
        &self.code_bytes[start..self.code_ends[index] as usize]
    }

    /// The index of that code, or where it would stand.
    pub fn find(&self, code: &str) -> Result<usize, usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.code(middle).cmp(code) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Ok(middle),
            }
        }
        Err(low)
    }

    pub fn floor_area(&self, index: usize) -> Option<f64> {
        known(self.floor_area[index])
    }

    pub fn plot_ratio_allowed(&self, index: usize) -> Option<f64> {
        known(self.plot_ratio_allowed[index])
    }

    pub fn score(&self, index: usize) -> Option<f64> {
        known(self.score[index])
    }

    pub fn bytes(&self) -> usize {
        self.code_bytes.capacity()
            + self.code_ends.capacity() * 4
            + (self.district.capacity() + self.park.capacity() + self.land_use.capacity() + self.outcome.capacity()) * 4
            + self.tier.capacity() * 3
            + self.term_ends_on.capacity() * 4
            + (self.area.capacity()
                + self.floor_area.capacity()
                + self.plot_ratio_allowed.capacity()
                + self.score.capacity())
                * 8
    }

    pub fn shrink(&mut self) {
        self.code_bytes.shrink_to_fit();
        self.code_ends.shrink_to_fit();
        for column in [&mut self.district, &mut self.park, &mut self.land_use, &mut self.outcome] {
            column.shrink_to_fit();
        }
        self.tier.shrink_to_fit();
        self.locked.shrink_to_fit();
        self.grade.shrink_to_fit();
        self.term_ends_on.shrink_to_fit();
        for column in [&mut self.area, &mut self.floor_area, &mut self.plot_ratio_allowed, &mut self.score] {
            column.shrink_to_fit();
        }
    }
}

fn known(value: f64) -> Option<f64> {
    (!value.is_nan()).then_some(value)
}
