//! The attributes of all parcels, a column each: words as small numbers, absence without a second array.

use crate::domain::filter::Value;
use crate::domain::queryable::Queryable;
use crate::domain::review::decision::List;
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

    /// The word of a number, or nothing for that of no word.
    pub fn known(&self, number: u32) -> Option<&str> {
        (number != NONE).then(|| self.word(number))
    }

    pub fn len(&self) -> usize {
        self.words.len()
    }
}

/// Texts of which hardly two are the same, one after another.
#[derive(Debug, Default)]
struct Texts {
    bytes: String,
    ends: Vec<u32>,
}

impl Texts {
    fn push(&mut self, text: &str) {
        self.bytes.push_str(text);
        self.ends.push(self.bytes.len() as u32);
    }

    fn text(&self, index: usize) -> &str {
        let start = if index == 0 { 0 } else { self.ends[index - 1] as usize };
        &self.bytes[start..self.ends[index] as usize]
    }

    fn bytes(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * 4
    }

    fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
        self.ends.shrink_to_fit();
    }
}

/// The number that stands for "no word".
pub(super) const NONE: u32 = u32::MAX;

#[derive(Debug, Default)]
pub(super) struct Columns {
    codes: Texts,
    /// The names of holders; empty where there is none.
    holders: Texts,
    pub districts: Words,
    pub parks: Words,
    pub land_uses: Words,
    pub outcomes: Words,
    industries: Words,
    states: Words,
    pub district: Vec<u32>,
    pub park: Vec<u32>,
    pub land_use: Vec<u32>,
    pub outcome: Vec<u32>,
    industry: Vec<u32>,
    state: Vec<u32>,
    pub tier: Vec<Tier>,
    pub locked: Vec<bool>,
    pub grade: Vec<Option<Grade>>,
    list: Vec<Option<List>>,
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
            industries: others.industries.clone(),
            states: others.states.clone(),
            ..Self::default()
        }
    }

    pub fn push(&mut self, parcel: &Parcel) {
        self.codes.push(&parcel.code);
        self.holders.push(parcel.holder.as_deref().unwrap_or_default());
        self.district.push(self.districts.number(&parcel.district));
        self.park.push(parcel.park.as_deref().map_or(NONE, |word| self.parks.number(word)));
        self.land_use.push(self.land_uses.number(&parcel.land_use));
        self.outcome.push(parcel.outcome.as_deref().map_or(NONE, |word| self.outcomes.number(word)));
        self.industry.push(parcel.industry.as_deref().map_or(NONE, |word| self.industries.number(word)));
        self.state.push(parcel.state.as_deref().map_or(NONE, |word| self.states.number(word)));
        self.list.push(parcel.list);
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
        self.codes.ends.len()
    }

    /// The bytes that all codes take so far, or all names, whichever are more.
    pub fn text_bytes(&self) -> usize {
        self.codes.bytes.len().max(self.holders.bytes.len())
    }

    pub fn code(&self, index: usize) -> &str {
        self.codes.text(index)
    }

    /// What a parcel answers to a question; nothing where that is unknown. Its shape is not among the columns.
    pub fn value(&self, asked: Queryable, index: usize) -> Option<Value<'_>> {
        Some(match asked {
            Queryable::Code => Value::Text(self.code(index)),
            Queryable::District => Value::Text(self.districts.word(self.district[index])),
            Queryable::Park => Value::Text(self.parks.known(self.park[index])?),
            Queryable::Tier => Value::Text(self.tier[index].name()),
            Queryable::Locked => Value::Flag(self.locked[index]),
            Queryable::LandUse => Value::Text(self.land_uses.word(self.land_use[index])),
            Queryable::Industry => Value::Text(self.industry(index)?),
            Queryable::Holder => Value::Text(self.holder(index)?),
            Queryable::Area => Value::Number(self.area[index]),
            // Reckoned as the database does, to the last bit.
            Queryable::AreaMu => Value::Number(self.area[index] * 15.0 / 10_000.0),
            Queryable::FloorArea => Value::Number(self.floor_area(index)?),
            Queryable::PlotRatioBuilt => Value::Number(self.floor_area(index)? / self.area[index]),
            Queryable::PlotRatioAllowed => Value::Number(self.plot_ratio_allowed(index)?),
            Queryable::PlotRatioUnused => {
                Value::Number(self.plot_ratio_allowed(index)? - self.floor_area(index)? / self.area[index])
            }
            Queryable::Grade => Value::Text(self.grade[index]?.name()),
            Queryable::Score => Value::Number(self.score(index)?),
            Queryable::Outcome => Value::Text(self.outcomes.known(self.outcome[index])?),
            Queryable::List => Value::Text(self.list[index]?.name()),
            Queryable::State => Value::Text(self.state(index)?),
            Queryable::TermEnd => Value::Date(self.term_ends_on[index]?),
            Queryable::Geometry => return None,
        })
    }

    pub fn industry(&self, index: usize) -> Option<&str> {
        self.industries.known(self.industry[index])
    }

    pub fn state(&self, index: usize) -> Option<&str> {
        self.states.known(self.state[index])
    }

    pub fn holder(&self, index: usize) -> Option<&str> {
        Some(self.holders.text(index)).filter(|name| !name.is_empty())
    }

    pub fn list(&self, index: usize) -> Option<List> {
        self.list[index]
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
        self.codes.bytes()
            + self.holders.bytes()
            + (self.district.capacity() + self.park.capacity() + self.land_use.capacity() + self.outcome.capacity()) * 4
            + (self.industry.capacity() + self.state.capacity()) * 4
            + self.tier.capacity() * 4
            + self.term_ends_on.capacity() * 4
            + (self.area.capacity()
                + self.floor_area.capacity()
                + self.plot_ratio_allowed.capacity()
                + self.score.capacity())
                * 8
    }

    pub fn shrink(&mut self) {
        self.codes.shrink();
        self.holders.shrink();
        let words = [&mut self.district, &mut self.park, &mut self.land_use, &mut self.outcome];
        for column in words.into_iter().chain([&mut self.industry, &mut self.state]) {
            column.shrink_to_fit();
        }
        self.list.shrink_to_fit();
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
