//! Working days as data: weekends, the holidays of each year and the weekend days worked instead (调休). A count that passes
//! through a year without data takes weekends alone, and says so.

use super::review::scheme::SchemeError;
use chrono::{Datelike, Days, NaiveDate, Weekday};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// A calendar of working days.
#[derive(Debug, Clone, PartialEq)]
pub struct Calendar {
    years: BTreeMap<i32, Year>,
}

#[derive(Debug, Clone, PartialEq)]
struct Year {
    source: String,
    off: BTreeSet<NaiveDate>,
    work: BTreeSet<NaiveDate>,
}

/// A day that was counted to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// The day.
    pub day: NaiveDate,
    /// The years of which no holidays are known, so that only weekends were left out.
    pub weekends_only: Vec<i32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CalendarFile {
    year: Vec<YearFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct YearFile {
    year: i32,
    source: String,
    off: Vec<[NaiveDate; 2]>,
    work: Vec<NaiveDate>,
}

impl Calendar {
    /// Reads a calendar; refuses days outside their year, periods that end before they begin, a working day that is no
    /// weekend day, a day that is both, and years that come twice or without source.
    pub fn parse(text: &str) -> Result<Self, SchemeError> {
        let file: CalendarFile = toml::from_str(text)?;
        let mut years = BTreeMap::new();
        for one in file.year {
            let refuse = |problem: String| SchemeError::Value { place: format!("calendar year {}", one.year), problem };
            if one.source.trim().is_empty() {
                return Err(refuse("has no source; expected the document that arranges its holidays".to_owned()));
            }
            let mut off = BTreeSet::new();
            for [first, last] in one.off {
                if last < first {
                    return Err(refuse(format!("has holidays that end on {last} before they begin on {first}")));
                }
                off.extend(first.iter_days().take_while(|day| *day <= last));
            }
            let work: BTreeSet<NaiveDate> = one.work.into_iter().collect();
            if let Some(day) = off.iter().chain(&work).find(|day| day.year() != one.year) {
                return Err(refuse(format!("has {day}, which is of another year")));
            }
            if let Some(day) = work.iter().find(|day| !is_weekend(**day) || off.contains(day)) {
                return Err(refuse(format!("works on {day}, which is no weekend day or a holiday")));
            }
            if years.insert(one.year, Year { source: one.source, off, work }).is_some() {
                return Err(SchemeError::Value {
                    place: format!("calendar year {}", one.year),
                    problem: "comes twice".to_owned(),
                });
            }
        }
        Ok(Self { years })
    }

    /// This calendar with a bureau's years in the place of its own; a year is arranged as a whole.
    #[must_use]
    pub fn overlaid(mut self, own: Self) -> Self {
        self.years.extend(own.years);
        self
    }

    /// Whether people work on a day, and whether its year's holidays are known.
    fn works_on(&self, day: NaiveDate) -> (bool, bool) {
        match self.years.get(&day.year()) {
            Some(year) => (year.work.contains(&day) || !is_weekend(day) && !year.off.contains(&day), true),
            None => (!is_weekend(day), false),
        }
    }

    /// Whether people work on a day, as far as is known.
    pub fn is_working_day(&self, day: NaiveDate) -> bool {
        self.works_on(day).0
    }

    /// The document that arranges the holidays of a year; nothing where none is known.
    pub fn source(&self, year: i32) -> Option<&str> {
        self.years.get(&year).map(|year| year.source.as_str())
    }

    /// The working day that is so many after a day; the day itself does not count. Nothing beyond the last day there is.
    pub fn after(&self, day: NaiveDate, count: u32) -> Option<Counted> {
        let mut counted = Counted { day, weekends_only: Vec::new() };
        for _ in 0..count {
            loop {
                counted.day = counted.day.checked_add_days(Days::new(1))?;
                let (works, known) = self.works_on(counted.day);
                if !known && counted.weekends_only.last() != Some(&counted.day.year()) {
                    counted.weekends_only.push(counted.day.year());
                }
                if works {
                    break;
                }
            }
        }
        Some(counted)
    }

    /// How many working days lie after one day, up to and with another.
    pub fn between(&self, from: NaiveDate, to: NaiveDate) -> usize {
        from.iter_days().skip(1).take_while(|day| *day <= to).filter(|day| self.is_working_day(*day)).count()
    }
}

fn is_weekend(day: NaiveDate) -> bool {
    matches!(day.weekday(), Weekday::Sat | Weekday::Sun)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SHIPPED: &str = include_str!("../../data/calendars/cn.toml");

    fn shipped() -> Calendar {
        Calendar::parse(SHIPPED).expect("well formed")
    }

    fn day(y: i32, m: u32, d: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(y, m, d).expect("a day")
    }

    #[test]
    fn holidays_are_off_and_the_weekends_before_them_are_worked() {
        let calendar = shipped();
        // The Spring Festival of 2024: off from 10 to 17 February, worked on Sundays 4 and 18.
        for (date, works) in [(4, true), (9, true), (10, false), (16, false), (17, false), (18, true), (25, false)] {
            assert_eq!(calendar.is_working_day(day(2024, 2, date)), works, "2024-02-{date}");
        }
        assert_eq!(calendar.between(day(2024, 1, 31), day(2024, 2, 29)), 18);
    }

    #[test]
    fn thirty_working_days_from_a_signature_pass_over_the_spring_festival() {
        let counted = shipped().after(day(2024, 1, 15), 30).expect("in range");
        assert_eq!(counted, Counted { day: day(2024, 2, 29), weekends_only: vec![] });
    }

    #[test]
    fn a_year_without_data_counts_weekends_only_and_says_so() {
        let counted = shipped().after(day(2026, 12, 30), 5).expect("in range");
        assert_eq!(counted, Counted { day: day(2027, 1, 6), weekends_only: vec![2027] });
        assert_eq!(shipped().source(2027), None);
    }

    #[test]
    fn every_year_of_the_shipped_calendar_names_its_document_and_has_about_250_working_days() {
        let calendar = shipped();
        for year in 2022..=2026 {
            assert!(calendar.source(year).expect("known").contains("国务院办公厅"), "{year}");
            let working = calendar.between(day(year - 1, 12, 31), day(year, 12, 31));
            assert!((247..=252).contains(&working), "{year}: {working}");
        }
    }

    #[test]
    fn a_calendar_with_a_day_of_another_year_or_a_worked_weekday_is_refused() {
        for (year, off, work, word) in [
            (2024, "[[\"2023-01-01\", \"2023-01-01\"]]", "[]", "another year"),
            (2024, "[[\"2024-01-02\", \"2024-01-01\"]]", "[]", "before they begin"),
            (2024, "[]", "[\"2024-02-05\"]", "no weekend day"),
            (2024, "[[\"2024-02-04\", \"2024-02-04\"]]", "[\"2024-02-04\"]", "holiday"),
        ] {
            let text = format!("[[year]]\nyear = {year}\nsource = \"x\"\noff = {off}\nwork = {work}\n");
            let error = Calendar::parse(&text).expect_err(word).to_string();
            assert!(error.contains(word), "{error}");
        }
    }

    proptest! {
        #[test]
        fn counting_working_days_adds_up_ends_on_one_and_is_undone_by_counting_between(
            offset in 0_u64..2500, a in 0_u32..120, b in 1_u32..120
        ) {
            let calendar = shipped();
            let from = day(2021, 6, 1) + Days::new(offset);
            let whole = calendar.after(from, a + b).expect("in range").day;
            let half = calendar.after(from, a).expect("in range").day;
            prop_assert_eq!(calendar.after(half, b).expect("in range").day, whole);
            prop_assert!(calendar.is_working_day(whole));
            prop_assert_eq!(calendar.between(from, whole), (a + b) as usize);
            prop_assert!(whole >= from + Days::new(u64::from(a + b)));
        }
    }
}
