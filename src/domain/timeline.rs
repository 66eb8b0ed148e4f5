//! The history of a parcel as one timeline: whatever happened to it, by its legal day, whichever part of the register
//! knows of it.

use super::lifecycle::money::Effect;
use super::lifecycle::rule::Rule;
use super::review::scheme::Words;
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

/// What kind of thing happened; in the order in which things of one day are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The parcel came to be, changed, or ceased.
    Parcel,
    /// It was split, merged, adjusted or retired.
    Lineage,
    /// A contract was signed, amended, paid, or ended.
    Contract,
    /// Something promised fell due or was done.
    Obligation,
    /// A bond was paid, returned or lost.
    Bond,
    /// It moved on in its life.
    State,
    /// An enterprise came or went.
    Occupancy,
    /// An enterprise on it reported a year, which is told on the last day of that year.
    Return,
    /// A review judged it.
    Review,
}

/// One thing that happened, or will.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// The legal day.
    pub on: NaiveDate,
    /// What kind of thing.
    pub kind: Kind,
    /// What happened, in Chinese.
    pub zh: String,
    /// What happened, in English.
    pub en: String,
    /// The number or name by which the register knows it.
    pub reference: Option<String>,
    /// The document that it rests on.
    pub document: Option<String>,
    /// When the register learnt of it, where that is known.
    pub recorded_at: Option<DateTime<Utc>>,
    /// Whether the day is yet to come.
    pub to_come: bool,
    /// Of a state, the rule that led to it; left out where none is on record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<Rule>,
    /// Of a state, what that cost or gave back; left out where that is not on record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub money: Option<Vec<Money>>,
}

/// What a state cost or gave back.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Money {
    /// What was kept.
    #[serde(flatten)]
    pub effect: Effect,
    /// What it says.
    #[serde(flatten)]
    pub words: Words,
}

impl Entry {
    /// Something without document or time of recording.
    pub fn new(on: NaiveDate, kind: Kind, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self {
            on,
            kind,
            zh: zh.into(),
            en: en.into(),
            reference: None,
            document: None,
            recorded_at: None,
            to_come: false,
            rule: None,
            money: None,
        }
    }

    /// With the number or name by which the register knows it.
    #[must_use]
    pub fn of(mut self, reference: impl Into<String>) -> Self {
        self.reference = Some(reference.into());
        self
    }

    /// With the document that it rests on.
    #[must_use]
    pub fn by(mut self, document: Option<&str>) -> Self {
        self.document = document.map(str::to_owned);
        self
    }

    /// With the rule that led to a state and what that cost or gave back.
    #[must_use]
    pub fn under(mut self, rule: Option<&Rule>, money: Option<&[Effect]>) -> Self {
        self.rule = rule.cloned();
        self.money = money
            .map(|effects| effects.iter().map(|effect| Money { effect: *effect, words: effect.words() }).collect());
        self
    }

    /// With the time at which the register learnt of it.
    #[must_use]
    pub fn known(mut self, recorded_at: DateTime<Utc>) -> Self {
        self.recorded_at = Some(recorded_at);
        self
    }
}

/// Puts what happened in one order: by day, on one day by kind, and then as it was given.
pub fn tell(mut entries: Vec<Entry>, today: NaiveDate) -> Vec<Entry> {
    entries.sort_by_key(|entry| (entry.on, entry.kind));
    for entry in &mut entries {
        entry.to_come = entry.on > today;
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeline_runs_by_day_and_on_one_day_from_the_land_to_what_was_judged() {
        let day = |text: &str| text.parse::<NaiveDate>().expect("a day");
        let entry = |on, kind, en: &str| Entry::new(day(on), kind, "", en);
        let told = tell(
            vec![
                entry("2024-05-01", Kind::Review, "graded"),
                entry("2024-05-01", Kind::Parcel, "begins"),
                entry("2020-01-01", Kind::State, "found"),
                entry("2024-05-01", Kind::Review, "graded again"),
            ],
            day("2024-04-30"),
        );
        let order: Vec<&str> = told.iter().map(|entry| entry.en.as_str()).collect();
        assert_eq!(order, ["found", "begins", "graded", "graded again"]);
        assert_eq!(told.iter().map(|entry| entry.to_come).collect::<Vec<_>>(), [false, true, true, true]);
    }
}
