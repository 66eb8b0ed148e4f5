//! What values a filter compares, and the words that a refusal says of them.

use crate::domain::intake::FieldType;

/// What a property holds, or what an expression comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Words.
    Text,
    /// A number, whole or not.
    Number,
    /// A day.
    Date,
    /// A moment.
    Timestamp,
    /// Yes or no.
    Flag,
    /// A shape.
    Shape,
    /// A stretch of time between days, between moments, or open on both sides.
    Interval(Grain),
    /// Several values of one kind.
    List(Element),
}

/// What the ends of a stretch of time are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grain {
    /// Days.
    Date,
    /// Moments.
    Timestamp,
    /// Neither: it is open on both sides.
    Open,
}

/// What a list is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    /// Texts.
    Text,
    /// Numbers.
    Number,
    /// Days.
    Date,
    /// Moments.
    Timestamp,
    /// Yes and no.
    Flag,
    /// Nothing: the list is empty, and goes with every other.
    None,
}

impl Kind {
    /// What a field of a register holds.
    pub const fn of(field: FieldType) -> Self {
        match field {
            FieldType::Text => Self::Text,
            FieldType::Number | FieldType::Integer => Self::Number,
            FieldType::Date => Self::Date,
            FieldType::Flag => Self::Flag,
        }
    }

    /// As a member of a list; shapes, stretches of time and lists are none.
    pub(super) const fn element(self) -> Option<Element> {
        match self {
            Self::Text => Some(Element::Text),
            Self::Number => Some(Element::Number),
            Self::Date => Some(Element::Date),
            Self::Timestamp => Some(Element::Timestamp),
            Self::Flag => Some(Element::Flag),
            Self::Shape | Self::Interval(_) | Self::List(_) => None,
        }
    }

    /// Days or moments, where it is a time.
    pub(super) const fn grain(self) -> Option<Grain> {
        match self {
            Self::Date => Some(Grain::Date),
            Self::Timestamp => Some(Grain::Timestamp),
            Self::Interval(grain) => Some(grain),
            _ => None,
        }
    }

    /// What would be written for one.
    pub(super) const fn expected(self) -> &'static str {
        match self {
            Self::Text => "a text in single quotes",
            Self::Number => "a number",
            Self::Date => "a day, such as DATE('2026-06-30')",
            Self::Timestamp => "a moment, such as TIMESTAMP('2026-06-30T08:00:00Z')",
            Self::Flag => "true or false",
            Self::Shape => "a shape, such as POINT(121.5 31.2) or BBOX(121.4,31.1,121.6,31.3)",
            Self::Interval(_) => "a stretch of time, such as INTERVAL('2026-01-01','..')",
            Self::List(_) => "a list, such as ('a','b')",
        }
    }

    /// What is found where another is expected.
    pub(super) const fn found(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Number => "a number",
            Self::Date => "a day",
            Self::Timestamp => "a moment",
            Self::Flag => "a truth value",
            Self::Shape => "a shape",
            Self::Interval(_) => "a stretch of time",
            Self::List(_) => "a list",
        }
    }
}
