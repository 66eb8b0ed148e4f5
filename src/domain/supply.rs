//! The supply ledger (用地保障台账): land secured for industry in a year, by where it came from, against what a plan asks for
//! that year (seed 002). Every entry is about one parcel and rests on one document; no parcel counts twice in a year.

use super::id::ParcelCode;
use super::intake::{
    Field,
    FieldType::{Date, Integer, Number, Text},
    Reading, field,
};
use super::parcel::parcel_code;
use super::quantity::{Mu, SquareCentimetres};
use chrono::{Datelike, NaiveDate};
use std::collections::BTreeMap;

/// The fields of a supply data set.
pub const FIELDS: &[Field] = &[
    field("entry_no", Text, true),
    field("parcel_code", Text, true),
    field("year", Integer, true),
    field("source", Text, true),
    field("area_m2", Number, true),
    field("secured_on", Date, true),
    field("document", Text, true),
];

/// Where secured land comes from, as seed 002 lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// Better and denser use of land that industry has.
    QualityImprovement,
    /// Stock that lay idle or was used poorly.
    RevitalisedStock,
    /// Urban renewal that keeps industry.
    Renewal,
    /// Land newly transferred.
    Transfer,
}

impl Source {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::QualityImprovement, Self::RevitalisedStock, Self::Renewal, Self::Transfer];

    /// The word used in data and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::QualityImprovement => "quality_improvement",
            Self::RevitalisedStock => "revitalised_stock",
            Self::Renewal => "renewal",
            Self::Transfer => "transfer",
        }
    }

    /// The field's own word.
    pub fn chinese(self) -> &'static str {
        match self {
            Self::QualityImprovement => "提质增效",
            Self::RevitalisedStock => "盘活存量",
            Self::Renewal => "城市更新",
            Self::Transfer => "土地出让",
        }
    }

    /// By its word in data.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.name() == word)
    }
}

/// An entry as a data set gives it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its number, under which it is corrected.
    pub number: String,
    /// The parcel.
    pub parcel: ParcelCode,
    /// The year it counts in.
    pub year: i32,
    /// Where the land came from.
    pub source: Source,
    /// How much was secured.
    pub area: SquareCentimetres,
    /// The day it was.
    pub secured_on: NaiveDate,
    /// The document that says so.
    pub document: String,
}

/// Reads one row; faults are kept in the reading.
pub fn read(row: &mut Reading<'_>) -> Option<Entry> {
    let number = row.required_text("entry_no");
    let parcel = parcel_code(row, "parcel_code");
    row.required_text("year");
    let year = row.year("year");
    row.required_text("source");
    let words: Vec<(&str, Source)> =
        Source::ALL.into_iter().flat_map(|one| [(one.name(), one), (one.chinese(), one)]).collect();
    let source = row.word("source", &words);
    row.required_text("area_m2");
    let area = row.area("area_m2");
    let secured_on = row.past_day("secured_on");
    let document = row.required_text("document");
    if let (Some(year), Some(day)) = (year, secured_on)
        && day.year() != year
    {
        row.refuse(
            "day-outside-year",
            "secured_on",
            &day.to_string(),
            format!("a day of {year}, the year it counts in"),
        );
    }
    Some(Entry {
        number: number?,
        parcel: parcel?,
        year: year?,
        source: source?,
        area: area?,
        secured_on: secured_on?,
        document: document?,
    })
}

/// What counts in one year from one source, or from all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Part {
    /// How many entries, each about another parcel.
    pub entries: u64,
    /// Their area.
    pub area: SquareCentimetres,
}

impl Part {
    fn add(&mut self, area: SquareCentimetres) {
        self.entries += 1;
        self.area += area;
    }
}

/// What a plan asks for in a year.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// At least so much.
    pub least: Mu,
    /// Where it was read.
    pub source: String,
}

/// A year of the ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct Year {
    /// Which.
    pub year: i32,
    /// By source; those without an entry are there with nothing.
    pub by_source: BTreeMap<Source, Part>,
    /// All of it.
    pub total: Part,
    /// What was asked for; nothing where no plan on record names a figure for the year.
    pub target: Option<Target>,
}

impl Year {
    /// What is missing towards the target, never below zero; nothing where there is no target, or no entry at all: that the
    /// register knows nothing of a year does not mean that nothing was secured.
    pub fn shortfall(&self) -> Option<Mu> {
        let target = self.target.as_ref().filter(|_| self.total.entries > 0)?;
        Some(Mu((target.least.value() - self.total.area.to_mu().value()).max(0.0)))
    }
}

/// Sums entries by year; `wanted` are years that are shown even without an entry.
pub fn years(
    entries: impl IntoIterator<Item = (i32, Source, SquareCentimetres)>,
    wanted: impl IntoIterator<Item = i32>,
    target: impl Fn(i32) -> Option<Target>,
) -> Vec<Year> {
    let empty = |year| Year {
        year,
        by_source: Source::ALL.into_iter().map(|source| (source, Part::default())).collect(),
        total: Part::default(),
        target: target(year),
    };
    let mut years: BTreeMap<i32, Year> = wanted.into_iter().map(|year| (year, empty(year))).collect();
    for (year, source, area) in entries {
        let one = years.entry(year).or_insert_with(|| empty(year));
        one.by_source.entry(source).or_default().add(area);
        one.total.add(area);
    }
    years.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn target(mu: f64) -> Option<Target> {
        Some(Target { least: Mu(mu), source: "s".into() })
    }

    proptest! {
        #[test]
        fn sources_sum_to_the_year_and_years_to_all(
            entries in proptest::collection::vec((2020_i32..2026, 0_usize..4, 1_i64..1_000_000_000_000), 0..60),
        ) {
            let entries: Vec<_> =
                entries.into_iter().map(|(year, at, area)| (year, Source::ALL[at], SquareCentimetres(area))).collect();
            let years = years(entries.clone(), [2023], |_| None);
            for year in &years {
                prop_assert_eq!(year.by_source.values().map(|part| part.area).sum::<SquareCentimetres>(), year.total.area);
                prop_assert_eq!(year.by_source.values().map(|part| part.entries).sum::<u64>(), year.total.entries);
            }
            let all: SquareCentimetres = entries.iter().map(|(_, _, area)| *area).sum();
            prop_assert_eq!(years.iter().map(|year| year.total.area).sum::<SquareCentimetres>(), all);
        }
    }

    #[test]
    fn ten_thousand_mu_are_six_and_two_thirds_square_kilometres_and_no_less_will_do() {
        let of = |area: i64| years([(2024, Source::Renewal, SquareCentimetres(area))], [], |_| target(10_000.0));
        // 6,666,666.6667 m² is the least in square centimetres that is not below 10,000 mu.
        let enough = of(66_666_666_667)[0].shortfall().expect("a target");
        assert_eq!(enough, Mu(0.0));
        let short = of(66_666_600_000)[0].shortfall().expect("a target").value();
        assert!((short - 0.01).abs() < 1e-6, "{short}");
    }

    #[test]
    fn without_a_target_or_without_an_entry_nobody_says_that_anything_is_missing() {
        let [empty] = &years([], [2024], |_| target(10_000.0))[..] else { panic!("one year") };
        assert_eq!((empty.total.entries, empty.shortfall()), (0, None));
        let [free] = &years([(2026, Source::Transfer, SquareCentimetres(1))], [], |_| None)[..] else { panic!("one") };
        assert_eq!(free.shortfall(), None);
    }
}
