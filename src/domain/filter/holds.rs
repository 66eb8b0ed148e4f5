//! Whether a record is like a filter asks: by the three-valued logic of SQL, where what is unknown matches neither a thing
//! nor its denial.

use super::{Comparison, Filter, Literal, Operand};
use chrono::NaiveDate;
use std::cmp::Ordering;

/// A value of a record.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// Words.
    Text(&'a str),
    /// A number.
    Number(f64),
    /// A day.
    Date(NaiveDate),
    /// Yes or no.
    Flag(bool),
}

impl Value<'_> {
    fn order(self, other: Value<'_>) -> Option<Ordering> {
        match (self, other) {
            (Self::Text(a), Value::Text(b)) => Some(a.cmp(b)),
            (Self::Number(a), Value::Number(b)) => a.partial_cmp(&b),
            (Self::Date(a), Value::Date(b)) => Some(a.cmp(&b)),
            (Self::Flag(a), Value::Flag(b)) => Some(a.cmp(&b)),
            _ => None,
        }
    }
}

impl Filter {
    /// Whether it holds of a record, whose values are asked for by their place in the list of properties; nothing where
    /// that cannot be known.
    pub fn holds<'a>(&'a self, record: &impl Fn(usize) -> Option<Value<'a>>) -> Option<bool> {
        let value = |operand: &'a Operand| match operand {
            Operand::Property(index) => record(*index),
            Operand::Literal(Literal::Text(text)) => Some(Value::Text(text)),
            Operand::Literal(Literal::Number(number)) => Some(Value::Number(*number)),
            Operand::Literal(Literal::Date(day)) => Some(Value::Date(*day)),
            Operand::Literal(Literal::Flag(flag)) => Some(Value::Flag(*flag)),
        };
        match self {
            Self::And(parts) => parts.iter().map(|part| part.holds(record)).fold(Some(true), both),
            Self::Or(parts) => not(parts.iter().map(|part| not(part.holds(record))).fold(Some(true), both)),
            Self::Not(inner) => not(inner.holds(record)),
            Self::Constant(constant) => Some(*constant),
            Self::Compare(left, comparison, right) => {
                let order = value(left)?.order(value(right)?)?;
                Some(match comparison {
                    Comparison::Equal => order.is_eq(),
                    Comparison::NotEqual => order.is_ne(),
                    Comparison::Less => order.is_lt(),
                    Comparison::AtMost => order.is_le(),
                    Comparison::Greater => order.is_gt(),
                    Comparison::AtLeast => order.is_ge(),
                })
            }
            Self::In(one, list) => {
                let one = value(one)?;
                let is = |other: &'a Operand| Some(one.order(value(other)?)?.is_eq());
                not(list.iter().map(|other| not(is(other))).fold(Some(true), both))
            }
            Self::Between(one, low, high) => {
                let one = value(one)?;
                let above = value(low).and_then(|low| Some(one.order(low)?.is_ge()));
                let below = value(high).and_then(|high| Some(one.order(high)?.is_le()));
                both(above, below)
            }
            Self::Like(one, pattern) => match value(one)? {
                Value::Text(text) => Some(is_like(text, pattern)),
                _ => None,
            },
            Self::IsNull(one) => Some(value(one).is_none()),
        }
    }
}

fn not(known: Option<bool>) -> Option<bool> {
    known.map(|holds| !holds)
}

fn both(one: Option<bool>, other: Option<bool>) -> Option<bool> {
    match (one, other) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

enum Sign {
    Any,
    One,
    Same(char),
}

/// Whether a text fits a pattern of LIKE; in time of their lengths multiplied, whatever the pattern.
fn is_like(text: &str, pattern: &str) -> bool {
    let mut letters = pattern.chars();
    let mut signs = Vec::new();
    while let Some(letter) = letters.next() {
        signs.push(match letter {
            '%' => Sign::Any,
            '_' => Sign::One,
            '\\' => Sign::Same(letters.next().unwrap_or('\\')),
            other => Sign::Same(other),
        });
    }
    // Which beginnings of the pattern the text read so far fits.
    let mut fits = vec![false; signs.len() + 1];
    fits[0] = true;
    let skip = |fits: &mut Vec<bool>| {
        for (index, sign) in signs.iter().enumerate() {
            if matches!(sign, Sign::Any) && fits[index] {
                fits[index + 1] = true;
            }
        }
    };
    skip(&mut fits);
    for letter in text.chars() {
        let mut next = vec![false; signs.len() + 1];
        for (index, sign) in signs.iter().enumerate().filter(|(index, _)| fits[*index]) {
            match sign {
                Sign::Any => next[index] = true,
                Sign::One => next[index + 1] = true,
                Sign::Same(same) if *same == letter => next[index + 1] = true,
                Sign::Same(_) => {}
            }
        }
        skip(&mut next);
        fits = next;
    }
    fits[signs.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::filter::Property;
    use crate::domain::intake::FieldType;

    const PROPERTIES: [Property<'static>; 3] = [
        Property { name: "code", holds: FieldType::Text },
        Property { name: "area", holds: FieldType::Number },
        Property { name: "locked", holds: FieldType::Flag },
    ];

    fn holds(text: &str) -> Option<bool> {
        let filter = Filter::parse(text, &PROPERTIES).expect(text);
        filter.holds(&|index| match index {
            0 => Some(Value::Text("M2工业")),
            1 => Some(Value::Number(20.0)),
            _ => None,
        })
    }

    #[test]
    fn what_is_known_is_compared() {
        for (text, right) in [
            ("code = 'M2工业' and area >= 20", true),
            ("code <> 'M2工业' or area < 20", false),
            ("area between 10 and 20", true),
            ("area in (1, 20)", true),
            ("not area in (1, 2)", true),
            ("code like 'M_工%'", true),
            ("code like 'M_'", false),
            ("code like '%业'", true),
            ("code like 'M2\\%%'", false),
            ("code is null", false),
            ("locked is null", true),
        ] {
            assert_eq!(holds(text), Some(right), "{text}");
        }
    }

    #[test]
    fn what_is_unknown_matches_neither_a_thing_nor_its_denial() {
        for text in ["locked = true", "not locked = true", "locked = true and area = 20", "locked = true or area = 1"] {
            assert_eq!(holds(text), None, "{text}");
        }
        assert_eq!(holds("locked = true and area = 1"), Some(false));
        assert_eq!(holds("locked = true or area = 20"), Some(true));
    }
}
