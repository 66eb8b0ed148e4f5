//! The round of the whole city: one in three years, rolled each year. Which districts come in which year no text says, so
//! every year is the whole city.

use crate::domain::rulebook::{RuleValue, Rulebook, keys};
use chrono::{Days, Months, NaiveDate};

/// The year of a round in which a day lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Round<'r> {
    /// The how manieth round, 1 the first.
    pub number: u32,
    /// The how manieth year of it, 1 the first, in which it is made; in the others it is rolled on.
    pub year: u32,
    /// How many years it has.
    pub years: u32,
    /// The first day of the round.
    pub begins_on: NaiveDate,
    /// Its last day.
    pub ends_on: NaiveDate,
    /// The first day of the year.
    pub year_from: NaiveDate,
    /// Its last day, until which the city is to be judged.
    pub due: NaiveDate,
    /// The value that says how long a round is, and from when it counts.
    pub cycle: &'r RuleValue,
    /// The value that says after how long it is rolled on.
    pub roll: &'r RuleValue,
}

/// A round run that was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// Its number.
    pub run: i64,
    /// The day it judges.
    pub as_of: NaiveDate,
    /// The day on which it was published.
    pub on: NaiveDate,
}

impl<'r> Round<'r> {
    /// The year of a day; nothing where no rule is in force, or none that says a length.
    pub fn on(rulebook: &'r Rulebook, day: NaiveDate) -> Option<Self> {
        let cycle = rulebook.on(keys::ROUND_CYCLE, day).ok()?;
        let roll = rulebook.on(keys::ROUND_ROLL, day).ok()?;
        let months = |key| rulebook.months(key, day).ok().map(|months| months.as_u32()).filter(|months| *months > 0);
        let (cycle_months, roll_months) = (months(keys::ROUND_CYCLE)?, months(keys::ROUND_ROLL)?);
        let first = cycle.effective_from;
        let after = |count: u32| first.checked_add_months(Months::new(count.checked_mul(cycle_months)?));
        // The last that does not begin after the day.
        let rounds = (0_u32..).take_while(|count| after(*count).is_some_and(|on| on <= day)).last()?;
        let before = |on: NaiveDate| on.checked_sub_days(Days::new(1));
        let begins_on = after(rounds)?;
        // Years are counted within their round, so that a round need not be a whole number of them.
        let years = cycle_months.div_ceil(roll_months);
        let ends_on = before(after(rounds + 1)?)?;
        let (year, year_from) = (0..years)
            .filter_map(|year| Some((year + 1, begins_on.checked_add_months(Months::new(year * roll_months))?)))
            .take_while(|(_, from)| *from <= day)
            .last()?;
        let due = before(year_from.checked_add_months(Months::new(roll_months))?)?.min(ends_on);
        Some(Self { number: rounds + 1, year, years, begins_on, ends_on, year_from, due, cycle, roll })
    }

    /// The run that answers this year by a day: the last of those that judge a day of it and were published by then.
    pub fn answered(&self, runs: &[Published], day: NaiveDate) -> Option<Published> {
        let answers = |run: &&Published| run.on <= day && self.year_from <= run.as_of && run.as_of <= self.due;
        runs.iter().filter(answers).max_by_key(|run| (run.as_of, run.run)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn book() -> Rulebook {
        Rulebook::parse(include_str!("../../../../data/rulebook/values.toml")).expect("well formed")
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    #[test]
    fn a_round_takes_three_years_from_april_2024_and_is_rolled_each_year() {
        let book = book();
        assert!(Round::on(&book, day("2024-03-31")).is_none(), "nothing was read of a round before");
        for (asked, number, year, from, due) in [
            ("2024-04-01", 1, 1, "2024-04-01", "2025-03-31"),
            ("2025-03-31", 1, 1, "2024-04-01", "2025-03-31"),
            ("2025-04-01", 1, 2, "2025-04-01", "2026-03-31"),
            ("2026-11-23", 1, 3, "2026-04-01", "2027-03-31"),
            ("2027-04-01", 2, 1, "2027-04-01", "2028-03-31"),
        ] {
            let round = Round::on(&book, day(asked)).expect("in force");
            assert_eq!((round.number, round.year, round.years), (number, year, 3), "{asked}");
            assert_eq!((round.year_from, round.due), (day(from), day(due)), "{asked}");
            assert!(round.cycle.source.contains("2024") && !round.roll.source.is_empty());
        }
    }

    #[test]
    fn a_year_is_answered_by_a_published_run_of_a_day_in_it_and_by_no_other() {
        let book = book();
        let round = Round::on(&book, day("2026-06-30")).expect("in force");
        let run = |run, as_of: &str, on: &str| Published { run, as_of: day(as_of), on: day(on) };
        let runs = [run(1, "2026-03-31", "2026-05-01"), run(2, "2026-05-31", "2026-07-01")];
        assert_eq!(round.answered(&runs, day("2026-06-30")), None, "one of the year before, one published later");
        assert_eq!(round.answered(&runs, day("2026-07-01")), Some(runs[1]));
    }

    proptest! {
        #[test]
        fn every_day_lies_in_one_year_of_one_round_and_the_next_day_in_the_same_or_the_next(offset in 0_u64..20_000) {
            let book = book();
            let asked = day("2024-04-01") + Days::new(offset);
            let round = Round::on(&book, asked).expect("in force");
            prop_assert!(round.year_from <= asked && asked <= round.due);
            prop_assert!(round.begins_on <= round.year_from && round.due <= round.ends_on);
            let next = Round::on(&book, asked + Days::new(1)).expect("in force");
            let place = |round: &Round<'_>| round.number * round.years + round.year;
            prop_assert!(place(&next) - place(&round) <= 1);
            prop_assert_eq!(place(&next) == place(&round), asked < round.due);
        }
    }
}
