//! Whether a record is like a filter asks: by the three-valued logic of SQL, where what is unknown matches neither a thing
//! nor its denial.

use super::tree::{Arithmetic, Comparison, End, Expression, ListRelation, Literal, SpatialRelation};
use super::{Filter, like};
use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use geo::{BoundingRect as _, Intersects as _, Relate as _};
use geo_types::Geometry;
use std::borrow::Cow;
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
    /// A moment, to the microsecond.
    Timestamp(DateTime<Utc>),
    /// Yes or no.
    Flag(bool),
    /// A valid shape.
    Shape(&'a Geometry<f64>),
    /// Several values of one kind.
    List(&'a [Value<'a>]),
}

/// A value that may have been computed.
enum Found<'a> {
    Text(Cow<'a, str>),
    Number(f64),
    Date(NaiveDate),
    Timestamp(DateTime<Utc>),
    Flag(bool),
    Shape(&'a Geometry<f64>),
    List(Vec<Option<Self>>),
}

impl<'a> From<Value<'a>> for Found<'a> {
    fn from(value: Value<'a>) -> Self {
        match value {
            Value::Text(text) => Self::Text(Cow::Borrowed(text)),
            Value::Number(number) => Self::Number(number),
            Value::Date(day) => Self::Date(day),
            Value::Timestamp(moment) => Self::Timestamp(moment),
            Value::Flag(flag) => Self::Flag(flag),
            Value::Shape(shape) => Self::Shape(shape),
            Value::List(list) => Self::List(list.iter().map(|one| Some((*one).into())).collect()),
        }
    }
}

impl Found<'_> {
    fn order(&self, other: &Found<'_>) -> Option<Ordering> {
        match (self, other) {
            (Self::Text(a), Found::Text(b)) => Some(a.cmp(b)),
            (Self::Number(a), Found::Number(b)) => a.partial_cmp(b),
            (Self::Date(a), Found::Date(b)) => Some(a.cmp(b)),
            (Self::Timestamp(a), Found::Timestamp(b)) => Some(a.cmp(b)),
            (Self::Flag(a), Found::Flag(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }

    fn instant(&self) -> Option<i64> {
        match self {
            Self::Date(day) => Some(day.num_days_from_ce().into()),
            Self::Timestamp(moment) => Some(moment.timestamp_micros()),
            _ => None,
        }
    }
}

impl Filter {
    /// Whether it holds of a record, whose values are asked for by their place in the list of properties; nothing where
    /// that cannot be known.
    pub fn holds<'a>(&'a self, record: &impl Fn(usize) -> Option<Value<'a>>) -> Option<bool> {
        truth(&self.root, record)
    }
}

fn truth<'a>(node: &'a Expression, record: &impl Fn(usize) -> Option<Value<'a>>) -> Option<bool> {
    let value = |node: &'a Expression| value(node, record);
    match node {
        Expression::And(parts) => all(parts.iter().map(|part| truth(part, record))),
        Expression::Or(parts) => any(parts.iter().map(|part| truth(part, record))),
        Expression::Not(inner) => not(truth(inner, record)),
        Expression::Compare(left, comparison, right) => Some(is(value(left)?.order(&value(right)?)?, *comparison)),
        Expression::In(one, list) => {
            let one = value(one)?;
            any(list.iter().map(|other| Some(one.order(&value(other)?)?.is_eq())))
        }
        Expression::Between(parts) => {
            let [one, low, high] = parts.as_ref();
            let one = value(one)?;
            let above = value(low).and_then(|low| Some(one.order(&low)?.is_ge()));
            let below = value(high).and_then(|high| Some(one.order(&high)?.is_le()));
            all([above, below])
        }
        Expression::Like(one, pattern) => match (value(one)?, value(pattern)?) {
            (Found::Text(text), Found::Text(pattern)) => Some(like::is_like(&text, &pattern)),
            _ => None,
        },
        Expression::IsNull(one) => Some(match one.as_ref() {
            Expression::Interval(start, end) => [start, end].into_iter().flatten().any(|bound| value(bound).is_none()),
            one => value(one).is_none(),
        }),
        Expression::Spatial(relation, left, right) => match (value(left)?, value(right)?) {
            (Found::Shape(left), Found::Shape(right)) => Some(lies(*relation, left, right)),
            _ => None,
        },
        Expression::Temporal(relation, left, right) => {
            let (start1, end1) = span(left, record);
            let (start2, end2) = span(right, record);
            let end = |end: End| match end {
                End::Start1 => start1,
                End::End1 => end1,
                End::Start2 => start2,
                End::End2 => end2,
            };
            let (denied, comparisons) = relation.comparisons();
            let holds =
                all(comparisons.iter().map(|(one, sign, other)| Some(is(end(*one)?.cmp(&end(*other)?), *sign))));
            if denied { not(holds) } else { holds }
        }
        Expression::Lists(relation, left, right) => match (value(left)?, value(right)?) {
            (Found::List(left), Found::List(right)) => Some(match relation {
                ListRelation::Contains => has_all(&left, &right),
                ListRelation::ContainedBy => has_all(&right, &left),
                ListRelation::Equals => has_all(&left, &right) && has_all(&right, &left),
                ListRelation::Overlaps => right.iter().any(|one| has(&left, one.as_ref())),
            }),
            _ => None,
        },
        _ => match value(node)? {
            Found::Flag(flag) => Some(flag),
            _ => None,
        },
    }
}

fn value<'a>(node: &'a Expression, record: &impl Fn(usize) -> Option<Value<'a>>) -> Option<Found<'a>> {
    Some(match node {
        Expression::Property(index) => record(*index)?.into(),
        Expression::Literal(Literal::Text(text)) => Found::Text(Cow::Borrowed(text)),
        Expression::Literal(Literal::Number(number)) => Found::Number(*number),
        Expression::Literal(Literal::Date(day)) => Found::Date(*day),
        Expression::Literal(Literal::Flag(flag)) => Found::Flag(*flag),
        Expression::Moment(moment) => Found::Timestamp(*moment),
        Expression::Shape(shape) => Found::Shape(&shape.geometry),
        Expression::List(list) => Found::List(list.iter().map(|one| value(one, record)).collect()),
        Expression::Fold(fold, inner) => match value(inner, record)? {
            Found::Text(text) => Found::Text(Cow::Owned(like::folded(*fold, &text))),
            _ => return None,
        },
        Expression::Arithmetic(left, sign, right) => match (value(left, record)?, value(right, record)?) {
            (Found::Number(left), Found::Number(right)) => Found::Number(computed(left, *sign, right)?),
            _ => return None,
        },
        Expression::Interval(..) => return None,
        _ => Found::Flag(truth(node, record)?),
    })
}

/// The largest number that is computed with; its reciprocal is the smallest. What leaves that range is unknown, so that no
/// product of two can overflow.
pub const LARGEST: f64 = 1e150;
/// The smallest number but 0 that is computed with.
pub const SMALLEST: f64 = 1e-150;

fn within_range(number: f64) -> Option<f64> {
    (number == 0.0 || (SMALLEST..=LARGEST).contains(&number.abs())).then_some(number)
}

fn computed(left: f64, sign: Arithmetic, right: f64) -> Option<f64> {
    let (left, right) = (within_range(left)?, within_range(right)?);
    let number = match sign {
        Arithmetic::Plus => left + right,
        Arithmetic::Minus => left - right,
        Arithmetic::Times => left * right,
        _ if right == 0.0 && sign != Arithmetic::Power => return None,
        Arithmetic::Over => left / right,
        Arithmetic::Div => (left / right).trunc(),
        Arithmetic::Modulo => left - right * (left / right).trunc(),
        Arithmetic::Power if left == 0.0 && right < 0.0 => return None,
        Arithmetic::Power if left < 0.0 && right.trunc() != right => return None,
        // The natural logarithm of the largest number is a little above 345.
        Arithmetic::Power if left != 0.0 && (right * left.abs().ln()).abs() > 345.0 => return None,
        Arithmetic::Power => left.powf(right),
    };
    within_range(number)
}

/// Both ends of a time, as days or microseconds; one that is open lies beyond every other.
fn span<'a>(node: &'a Expression, record: &impl Fn(usize) -> Option<Value<'a>>) -> (Option<i64>, Option<i64>) {
    let instant = |node: &'a Expression| value(node, record)?.instant();
    match node {
        Expression::Interval(start, end) => (
            start.as_ref().map_or(Some(i64::MIN), |start| instant(start)),
            end.as_ref().map_or(Some(i64::MAX), |end| instant(end)),
        ),
        other => (instant(other), instant(other)),
    }
}

fn lies(relation: SpatialRelation, left: &Geometry<f64>, right: &Geometry<f64>) -> bool {
    if relation == SpatialRelation::Disjoint {
        return !lies(SpatialRelation::Intersects, left, right);
    }
    // Parts are asked one by one: a collection is all of them.
    match (left, right) {
        (Geometry::GeometryCollection(parts), other) | (other, Geometry::GeometryCollection(parts)) => {
            return parts.iter().any(|part| lies(SpatialRelation::Intersects, part, other));
        }
        _ => {}
    }
    match (left.bounding_rect(), right.bounding_rect()) {
        (Some(one), Some(other)) if one.intersects(&other) => {}
        _ => return false,
    }
    let matrix = left.relate(right);
    match relation {
        SpatialRelation::Intersects => matrix.is_intersects(),
        SpatialRelation::Disjoint => matrix.is_disjoint(),
        SpatialRelation::Equals => matrix.is_equal_topo(),
        SpatialRelation::Touches => matrix.is_touches(),
        SpatialRelation::Crosses => matrix.is_crosses(),
        SpatialRelation::Within => matrix.is_within(),
        SpatialRelation::Contains => matrix.is_contains(),
        SpatialRelation::Overlaps => matrix.is_overlaps(),
    }
}

/// Whether a list has a value; what is unknown is in none.
fn has(list: &[Option<Found<'_>>], one: Option<&Found<'_>>) -> bool {
    one.is_some_and(|one| list.iter().flatten().any(|other| one.order(other) == Some(Ordering::Equal)))
}

fn has_all(list: &[Option<Found<'_>>], others: &[Option<Found<'_>>]) -> bool {
    others.iter().all(|one| has(list, one.as_ref()))
}

fn is(order: Ordering, comparison: Comparison) -> bool {
    match comparison {
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::AtMost => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::AtLeast => order.is_ge(),
    }
}

fn not(known: Option<bool>) -> Option<bool> {
    known.map(|holds| !holds)
}

fn all(parts: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    let mut known = Some(true);
    for part in parts {
        match part {
            Some(false) => return Some(false),
            None => known = None,
            Some(true) => {}
        }
    }
    known
}

fn any(parts: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    not(all(parts.into_iter().map(not)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::filter::Kind;
    use crate::domain::filter::Property;

    const PROPERTIES: [Property<'static>; 3] = [
        Property { name: "code", holds: Kind::Text },
        Property { name: "area", holds: Kind::Number },
        Property { name: "locked", holds: Kind::Flag },
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
