//! When an obligation falls due: on a day, so long after an event, or yearly. What the day comes to is worked out from
//! the facts each time and never stored.

use crate::domain::intake::Reading;
use chrono::{Datelike, NaiveDate};

/// An event from which time is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// 合同签订.
    Signing,
    /// 价款付清.
    Payment,
    /// 交地.
    Handover,
    /// 开工.
    Start,
    /// 竣工.
    Completion,
    /// 投产.
    Production,
    /// 达产.
    FullProduction,
    /// 催缴.
    Demand,
}

impl Event {
    /// Every event with its word.
    pub const WORDS: [(&'static str, Self); 8] = [
        ("signing", Self::Signing),
        ("payment", Self::Payment),
        ("handover", Self::Handover),
        ("start", Self::Start),
        ("completion", Self::Completion),
        ("production", Self::Production),
        ("full_production", Self::FullProduction),
        ("demand", Self::Demand),
    ];
    const CHINESE: [(&'static str, Self); 8] = [
        ("签约", Self::Signing),
        ("付清价款", Self::Payment),
        ("交地", Self::Handover),
        ("开工", Self::Start),
        ("竣工", Self::Completion),
        ("投产", Self::Production),
        ("达产", Self::FullProduction),
        ("催缴", Self::Demand),
    ];

    /// The word used in data and on the wire.
    pub fn name(self) -> &'static str {
        Self::WORDS.iter().find(|(_, event)| *event == self).map_or("", |(word, _)| word)
    }

    /// The word for people who read Chinese.
    pub fn chinese(self) -> &'static str {
        Self::CHINESE.iter().find(|(_, event)| *event == self).map_or("", |(word, _)| word)
    }
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DueUnit {
    /// Calendar months.
    Months,
    /// Calendar days.
    Days,
    /// Working days (工作日).
    WorkingDays,
}

impl DueUnit {
    /// Every unit with its word.
    pub const WORDS: [(&'static str, Self); 3] =
        [("months", Self::Months), ("days", Self::Days), ("working_days", Self::WorkingDays)];

    /// The word used in data and on the wire.
    pub fn name(self) -> &'static str {
        Self::WORDS.iter().find(|(_, unit)| *unit == self).map_or("", |(word, _)| word)
    }
}

/// The rule as the register's columns have it: one of `on`, `after` and `yearly`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns are described in the migrations")]
pub struct DueColumns<T> {
    pub on: Option<NaiveDate>,
    pub after: Option<T>,
    pub count: Option<i32>,
    pub unit: Option<T>,
    pub yearly: Option<String>,
    pub from_year: Option<i32>,
    pub to_year: Option<i32>,
}

/// When something falls due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DueRule {
    /// On a day.
    On(NaiveDate),
    /// So long after an event.
    After {
        /// The event.
        event: Event,
        /// How many.
        count: u32,
        /// Of what.
        unit: DueUnit,
    },
    /// On one day of each year.
    Yearly {
        /// The month, 1 to 12.
        month: u32,
        /// The day of the month.
        day: u32,
        /// The first year.
        from: i32,
        /// The last year; nothing while the contract lasts.
        to: Option<i32>,
    },
}

impl DueRule {
    /// The rule out of its columns; nothing where they hold none or do not go together.
    pub fn of(columns: &DueColumns<impl AsRef<str>>) -> Option<Self> {
        if let Some(day) = columns.on {
            return Some(Self::On(day));
        }
        if let Some(after) = &columns.after {
            let event = Event::WORDS.iter().find(|(word, _)| *word == after.as_ref())?.1;
            let unit = columns.unit.as_ref()?;
            let unit = DueUnit::WORDS.iter().find(|(word, _)| *word == unit.as_ref())?.1;
            return Some(Self::After { event, count: u32::try_from(columns.count?).ok()?, unit });
        }
        let (month, day) = month_and_day(columns.yearly.as_deref()?)?;
        Some(Self::Yearly { month, day, from: columns.from_year?, to: columns.to_year })
    }

    /// The columns of the rule.
    pub fn columns(self) -> DueColumns<&'static str> {
        match self {
            Self::On(day) => DueColumns { on: Some(day), ..DueColumns::default() },
            Self::After { event, count, unit } => DueColumns {
                after: Some(event.name()),
                count: i32::try_from(count).ok(),
                unit: Some(unit.name()),
                ..DueColumns::default()
            },
            Self::Yearly { month, day, from, to } => DueColumns {
                yearly: Some(format!("{month:02}-{day:02}")),
                from_year: Some(from),
                to_year: to,
                ..DueColumns::default()
            },
        }
    }

    /// Reads the columns of the rule; at most one of the three forms.
    pub(super) fn read(row: &mut Reading<'_>) -> Option<Self> {
        let on = row.date("due_on");
        let words: Vec<(&str, Event)> = Event::WORDS.into_iter().chain(Event::CHINESE).collect();
        let event = row.word("due_after", &words);
        let count = row.count("due_count");
        let unit = row.word(
            "due_unit",
            &[
                ("months", DueUnit::Months),
                ("days", DueUnit::Days),
                ("working_days", DueUnit::WorkingDays),
                ("月", DueUnit::Months),
                ("个月", DueUnit::Months),
                ("日", DueUnit::Days),
                ("天", DueUnit::Days),
                ("工作日", DueUnit::WorkingDays),
                ("个工作日", DueUnit::WorkingDays),
            ],
        );
        let yearly = row.text("due_yearly");
        let (from, to) = (row.count("due_from_year"), row.count("due_to_year"));
        if usize::from(on.is_some()) + usize::from(event.is_some()) + usize::from(yearly.is_some()) > 1 {
            row.refuse("two-due-rules", "due_on", "", "one of due_on, due_after and due_yearly");
            return None;
        }
        if let Some(day) = on {
            return Some(Self::On(day));
        }
        if let Some(event) = event {
            if count.is_none() {
                row.refuse("missing-value", "due_count", "", "how many months or days after the event");
            }
            if unit.is_none() {
                row.refuse("missing-value", "due_unit", "", "months, days or working_days");
            }
            // No term of a contract is longer; it also keeps the arithmetic of days in bounds.
            if let Some(many) = count.filter(|count| *count > 1200) {
                row.refuse("out-of-range", "due_count", &many.to_string(), "at most 1200");
                return None;
            }
            return Some(Self::After { event, count: u32::try_from(count?).ok()?, unit: unit? });
        }
        let yearly = yearly?;
        let found = month_and_day(&yearly);
        if found.is_none() {
            row.refuse("not-a-date", "due_yearly", &yearly, "a month and day such as 04-30");
        }
        if from.is_none() {
            row.refuse("missing-value", "due_from_year", "", "the first year in which it falls due");
        }
        for (name, year) in [("due_from_year", from), ("due_to_year", to)] {
            if let Some(year) = year.filter(|year| !(1949..=2200).contains(year)) {
                row.refuse("out-of-range", name, &year.to_string(), "a year between 1949 and 2200");
                return None;
            }
        }
        if let (Some(from), Some(to)) = (from, to)
            && to < from
        {
            row.refuse(
                "period-ends-before-it-begins",
                "due_to_year",
                &to.to_string(),
                format!("a year from {from} on"),
            );
        }
        let (month, day) = found?;
        Some(Self::Yearly { month, day, from: from?, to })
    }
}

/// `04-30`, `4-30`, `4月30日`; the 29th of February is none, because most years lack it.
fn month_and_day(text: &str) -> Option<(u32, u32)> {
    let (month, day) = text.trim().trim_end_matches('日').split_once(['-', '/', '月'])?;
    let (month, day) = (month.trim().parse().ok()?, day.trim().parse().ok()?);
    let found = NaiveDate::from_ymd_opt(2023, month, day)?;
    Some((found.month(), found.day()))
}
