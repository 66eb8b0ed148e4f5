//! What was found in another order than that of codes, and where a page of it begins.

use super::snapshot::{Hits, Snapshot};
use crate::domain::filter::{Kind, Value};
use crate::domain::queryable::Queryable;
use chrono::NaiveDate;
use std::cmp::Ordering;

/// By what a list is ordered. Parcels of which that is unknown come last either way, and those that are alike come in the
/// order of their codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    by: Queryable,
    descending: bool,
}

/// A value in that order, kept between one page and the next.
#[derive(Debug, Clone, PartialEq)]
pub enum Key {
    /// Words.
    Text(String),
    /// A number.
    Number(f64),
    /// A day.
    Date(NaiveDate),
    /// Yes or no.
    Flag(bool),
}

impl Key {
    fn of(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Text(text) => Some(Self::Text(text.to_owned())),
            Value::Number(number) => Some(Self::Number(number)),
            Value::Date(day) => Some(Self::Date(day)),
            Value::Flag(flag) => Some(Self::Flag(flag)),
            Value::Timestamp(_) | Value::Shape(_) | Value::List(_) => None,
        }
    }

    fn value(&self) -> Value<'_> {
        match self {
            Self::Text(text) => Value::Text(text),
            Self::Number(number) => Value::Number(*number),
            Self::Date(day) => Value::Date(*day),
            Self::Flag(flag) => Value::Flag(*flag),
        }
    }
}

impl Sort {
    /// Reads a name, with a minus before it for the greatest first; nothing where nothing can be ordered by it.
    pub fn parse(text: &str) -> Option<Self> {
        let (descending, name) = text.strip_prefix('-').map_or((false, text), |name| (true, name));
        let by = Queryable::parse(name).filter(|by| by.holds() != Kind::Shape)?;
        Some(Self { by, descending })
    }

    /// As it is written.
    pub fn text(self) -> String {
        format!("{}{}", if self.descending { "-" } else { "" }, self.by.name())
    }

    /// What it orders by.
    pub fn by(self) -> Queryable {
        self.by
    }

    fn order(self, a: Option<Value<'_>>, b: Option<Value<'_>>) -> Ordering {
        let (Some(a), Some(b)) = (a, b) else { return a.is_none().cmp(&b.is_none()) };
        let order = match (a, b) {
            (Value::Text(a), Value::Text(b)) => a.cmp(b),
            (Value::Number(a), Value::Number(b)) => a.total_cmp(&b),
            (Value::Date(a), Value::Date(b)) => a.cmp(&b),
            (Value::Flag(a), Value::Flag(b)) => a.cmp(&b),
            // A column is of one kind.
            _ => Ordering::Equal,
        };
        if self.descending { order.reverse() } else { order }
    }
}

impl Snapshot {
    /// What was found, in that order.
    pub fn sorted(&self, hits: &Hits, sort: Sort) -> Vec<u32> {
        let mut sorted: Vec<(Option<Value<'_>>, u32)> =
            hits.indices().iter().map(|number| (self.parcel(*number).value(sort.by), *number)).collect();
        // It is stable, and what was found comes in the order of codes.
        sorted.sort_by(|(a, _), (b, _)| sort.order(*a, *b));
        sorted.into_iter().map(|(_, number)| number).collect()
    }

    /// Where a parcel stands in that order; nothing where that is unknown.
    pub fn key(&self, number: u32, sort: Sort) -> Option<Key> {
        self.parcel(number).value(sort.by).and_then(Key::of)
    }

    /// The part of a sorted list behind a place in it, where perhaps nothing stands any more.
    pub fn behind<'h>(&self, sorted: &'h [u32], sort: Sort, key: Option<&Key>, code: &str) -> &'h [u32] {
        let key = key.map(Key::value);
        &sorted[sorted.partition_point(|number| {
            let parcel = self.parcel(*number);
            sort.order(parcel.value(sort.by), key).then_with(|| parcel.code().cmp(code)).is_le()
        })..]
    }
}
