//! The checks that every tree passes, from whichever encoding: kinds go together, depth and size are bounded. It knows no
//! text and no JSON, only the places of the parts.

use super::kind::{Element, Grain, Kind};
use super::like;
use super::tree::{
    Arithmetic, Comparison, Expression, Fold, ListRelation, Literal, Shape, SpatialRelation, TemporalRelation,
};
use super::{FilterError, MAX_DEPTH, MAX_NODES, Place, Property};
use chrono::{DateTime, Datelike as _, NaiveDate, SubsecRound as _, Utc};
use geo_types::Geometry;

type Built = Result<Part, FilterError>;

/// A checked part of a tree, with where it stood.
pub(super) struct Part {
    pub node: Expression,
    pub kind: Kind,
    pub place: Place,
    pub depth: usize,
    pub nodes: usize,
}

pub(super) fn refuse<T>(
    place: &Place,
    found: impl Into<String>,
    expected: impl Into<String>,
) -> Result<T, FilterError> {
    Err(FilterError { place: place.clone(), found: found.into(), expected: expected.into() })
}

fn leaf(node: Expression, kind: Kind, place: Place) -> Part {
    Part { node, kind, place, depth: 1, nodes: 1 }
}

/// How deep and large a part is above others.
fn above<'a>(parts: impl IntoIterator<Item = &'a Part>, place: &Place) -> Result<(usize, usize), FilterError> {
    let (mut depth, mut nodes) = (1, 1);
    for part in parts {
        depth = depth.max(part.depth + 1);
        nodes += part.nodes;
    }
    if depth > MAX_DEPTH {
        return refuse(place, "one part more inside another", format!("at most {MAX_DEPTH} parts inside one another"));
    }
    if nodes > MAX_NODES {
        return refuse(place, "one part more", format!("at most {MAX_NODES} properties, values and operations"));
    }
    Ok((depth, nodes))
}

fn need(part: &Part, kind: Kind) -> Result<(), FilterError> {
    if part.kind == kind { Ok(()) } else { refuse(&part.place, part.kind.found(), kind.expected()) }
}

fn comparable(part: &Part) -> Result<(), FilterError> {
    match part.kind {
        Kind::Shape => refuse(&part.place, "a shape", "a spatial function, such as S_INTERSECTS, around it"),
        Kind::Interval(_) => {
            refuse(&part.place, "a stretch of time", "a function of time, such as T_DURING, around it")
        }
        Kind::List(_) => refuse(&part.place, "a list", "a function of lists, such as A_CONTAINS, around it"),
        _ => Ok(()),
    }
}

pub(super) fn property(name: &str, properties: &[Property<'_>], place: Place) -> Built {
    let Some(index) = properties.iter().position(|property| property.name == name) else {
        let names: Vec<&str> = properties.iter().map(|property| property.name).collect();
        return refuse(&place, format!("no property {name:?}"), format!("one of {}", names.join(", ")));
    };
    Ok(leaf(Expression::Property(index), properties[index].holds, place))
}

pub(super) fn text(text: String, place: Place) -> Built {
    if text.contains('\0') {
        return refuse(&place, "a text with NUL", "a text without it");
    }
    Ok(leaf(Expression::Literal(Literal::Text(text)), Kind::Text, place))
}

pub(super) fn number(number: f64, place: Place) -> Built {
    if !number.is_finite() {
        return refuse(&place, number.to_string(), "a finite number, such as 2000 or 0.5");
    }
    Ok(leaf(Expression::Literal(Literal::Number(number)), Kind::Number, place))
}

pub(super) fn flag(flag: bool, place: Place) -> Part {
    leaf(Expression::Literal(Literal::Flag(flag)), Kind::Flag, place)
}

fn day_in(text: &str) -> Option<NaiveDate> {
    let day = text.parse::<NaiveDate>().ok()?;
    (text.len() == 10 && (1..=9999).contains(&day.year())).then_some(day)
}

fn moment_in(text: &str) -> Option<DateTime<Utc>> {
    let moment = DateTime::parse_from_rfc3339(text).ok()?.with_timezone(&Utc).trunc_subsecs(6);
    (1..=9999).contains(&moment.year()).then_some(moment)
}

pub(super) fn date(text: &str, place: Place) -> Built {
    match day_in(text) {
        Some(day) => Ok(leaf(Expression::Literal(Literal::Date(day)), Kind::Date, place)),
        None => refuse(&place, format!("'{text}'"), "a day such as '2026-06-30'"),
    }
}

pub(super) fn timestamp(text: &str, place: Place) -> Built {
    match moment_in(text) {
        Some(moment) => Ok(leaf(Expression::Moment(moment), Kind::Timestamp, place)),
        None => refuse(&place, format!("'{text}'"), "a moment such as '2026-06-30T08:00:00Z'"),
    }
}

/// An end of a stretch of time that is written as a text; nothing for one that is open.
pub(super) fn bound(text: &str, place: Place) -> Result<Option<Part>, FilterError> {
    if text == ".." {
        return Ok(None);
    }
    if day_in(text).is_some() {
        return date(text, place).map(Some);
    }
    match moment_in(text) {
        Some(_) => timestamp(text, place).map(Some),
        None => refuse(
            &place,
            format!("'{text}'"),
            "a day such as '2026-06-30', a moment such as '2026-06-30T08:00:00Z', or '..'",
        ),
    }
}

pub(super) fn interval(start: Option<Part>, end: Option<Part>, place: Place) -> Built {
    let mut grain = Grain::Open;
    for part in start.iter().chain(&end) {
        let own = match (&part.node, part.kind) {
            (Expression::Property(_) | Expression::Literal(_) | Expression::Moment(_), Kind::Date) => Grain::Date,
            (Expression::Property(_) | Expression::Literal(_) | Expression::Moment(_), Kind::Timestamp) => {
                Grain::Timestamp
            }
            _ => return refuse(&part.place, part.kind.found(), "a day, a moment, or '..'"),
        };
        if grain != Grain::Open && grain != own {
            let expected = if grain == Grain::Date { Kind::Date } else { Kind::Timestamp };
            return refuse(&part.place, part.kind.found(), expected.expected());
        }
        grain = own;
    }
    if let (Some(start), Some(end)) = (&start, &end) {
        let turned = match (&start.node, &end.node) {
            (Expression::Literal(Literal::Date(start)), Expression::Literal(Literal::Date(end))) => start > end,
            (Expression::Moment(start), Expression::Moment(end)) => start > end,
            _ => false,
        };
        if turned {
            return refuse(&end.place, "an end before the beginning", "the same or a later one");
        }
    }
    let (depth, nodes) = above(start.iter().chain(&end), &place)?;
    let inner = |part: Option<Part>| part.map(|part| Box::new(part.node));
    Ok(Part { node: Expression::Interval(inner(start), inner(end)), kind: Kind::Interval(grain), place, depth, nodes })
}

pub(super) fn shape(shape: Shape, place: Place) -> Part {
    leaf(Expression::Shape(Box::new(shape)), Kind::Shape, place)
}

pub(super) fn list(parts: Vec<Part>, place: Place) -> Built {
    let mut element = Element::None;
    for part in &parts {
        let Some(own) = part.kind.element() else {
            return refuse(&part.place, part.kind.found(), "a text, a number, a day, a moment or a truth value");
        };
        if element != Element::None && element != own {
            return refuse(&part.place, part.kind.found(), parts[0].kind.expected());
        }
        element = own;
    }
    let (depth, nodes) = above(&parts, &place)?;
    let node = Expression::List(parts.into_iter().map(|part| part.node).collect());
    Ok(Part { node, kind: Kind::List(element), place, depth, nodes })
}

/// A part of two, once they are known to go together.
fn two(
    left: Part,
    right: Part,
    kind: Kind,
    place: Place,
    make: impl FnOnce(Box<Expression>, Box<Expression>) -> Expression,
) -> Built {
    let (depth, nodes) = above([&left, &right], &place)?;
    Ok(Part { node: make(Box::new(left.node), Box::new(right.node)), kind, place, depth, nodes })
}

fn one(part: Part, kind: Kind, place: Place, make: impl FnOnce(Box<Expression>) -> Expression) -> Built {
    let (depth, nodes) = above([&part], &place)?;
    Ok(Part { node: make(Box::new(part.node)), kind, place, depth, nodes })
}

pub(super) fn arithmetic(left: Part, sign: Arithmetic, right: Part, place: Place) -> Built {
    need(&left, Kind::Number)?;
    need(&right, Kind::Number)?;
    two(left, right, Kind::Number, place, |left, right| Expression::Arithmetic(left, sign, right))
}

/// A number with a minus before it.
pub(super) fn negative(part: Part, place: Place) -> Built {
    match part.node {
        Expression::Literal(Literal::Number(value)) => number(-value, place),
        _ => arithmetic(number(-1.0, place.clone())?, Arithmetic::Times, part, place),
    }
}

pub(super) fn fold(fold: Fold, part: Part, place: Place) -> Built {
    need(&part, Kind::Text)?;
    one(part, Kind::Text, place, |inner| Expression::Fold(fold, inner))
}

/// All of them, or any of them.
pub(super) fn logic(all: bool, parts: Vec<Part>, place: Place) -> Built {
    for part in &parts {
        need_truth(part)?;
    }
    let (depth, nodes) = above(&parts, &place)?;
    let inner = parts.into_iter().map(|part| part.node).collect();
    let node = if all { Expression::And(inner) } else { Expression::Or(inner) };
    Ok(Part { node, kind: Kind::Flag, place, depth, nodes })
}

/// Refuses what is neither true nor false.
pub(super) fn need_truth(part: &Part) -> Result<(), FilterError> {
    match part.kind {
        Kind::Flag => Ok(()),
        other => refuse(&part.place, format!("{} alone", other.found()), "a condition, such as a comparison"),
    }
}

pub(super) fn not(part: Part, place: Place) -> Built {
    need_truth(&part)?;
    one(part, Kind::Flag, place, Expression::Not)
}

pub(super) fn compare(left: Part, sign: Comparison, right: Part, place: Place) -> Built {
    comparable(&left)?;
    need(&right, left.kind)?;
    two(left, right, Kind::Flag, place, |left, right| Expression::Compare(left, sign, right))
}

pub(super) fn is_in(part: Part, list: Vec<Part>, place: Place) -> Built {
    comparable(&part)?;
    for other in &list {
        need(other, part.kind)?;
    }
    let (depth, nodes) = above(list.iter().chain([&part]), &place)?;
    let node = Expression::In(Box::new(part.node), list.into_iter().map(|part| part.node).collect());
    Ok(Part { node, kind: Kind::Flag, place, depth, nodes })
}

pub(super) fn between(part: Part, low: Part, high: Part, place: Place) -> Built {
    comparable(&part)?;
    need(&low, part.kind)?;
    need(&high, part.kind)?;
    let (depth, nodes) = above([&part, &low, &high], &place)?;
    let node = Expression::Between(Box::new([part.node, low.node, high.node]));
    Ok(Part { node, kind: Kind::Flag, place, depth, nodes })
}

pub(super) fn like(part: Part, pattern: Part, place: Place) -> Built {
    need(&part, Kind::Text)?;
    let Some(written) = constant(&pattern.node) else {
        return refuse(&pattern.place, pattern.kind.found(), "a pattern in single quotes, such as '310115%'");
    };
    let escapes = written.chars().rev().take_while(|letter| *letter == '\\').count();
    if escapes % 2 == 1 {
        return refuse(&pattern.place, format!("'{written}'"), "a sign after the last \\ of the pattern");
    }
    two(part, pattern, Kind::Flag, place, Expression::Like)
}

/// The text that a pattern comes to.
fn constant(node: &Expression) -> Option<String> {
    match node {
        Expression::Literal(Literal::Text(text)) => Some(text.clone()),
        Expression::Fold(fold, inner) => constant(inner).map(|text| like::folded(*fold, &text)),
        _ => None,
    }
}

pub(super) fn is_null(part: Part, place: Place) -> Built {
    one(part, Kind::Flag, place, Expression::IsNull)
}

pub(super) fn spatial(relation: SpatialRelation, left: Part, right: Part, place: Place) -> Built {
    for part in [&left, &right] {
        need(part, Kind::Shape)?;
        let is_collection =
            matches!(&part.node, Expression::Shape(shape) if matches!(shape.geometry, Geometry::GeometryCollection(_)));
        if is_collection && !matches!(relation, SpatialRelation::Intersects | SpatialRelation::Disjoint) {
            let expected = "a shape of one kind: only S_INTERSECTS and S_DISJOINT take collections";
            return refuse(&part.place, "a collection of shapes", expected);
        }
    }
    two(left, right, Kind::Flag, place, |left, right| Expression::Spatial(relation, left, right))
}

pub(super) fn temporal(relation: TemporalRelation, left: Part, right: Part, place: Place) -> Built {
    let mut grain = Grain::Open;
    for part in [&left, &right] {
        let expected = match grain {
            Grain::Open => "a day, a moment or a stretch of time",
            Grain::Date => "a day or a stretch of days, as on the other side",
            Grain::Timestamp => "a moment or a stretch between moments, as on the other side",
        };
        match part.kind.grain() {
            Some(own) if grain == Grain::Open => grain = own,
            Some(own) if own == grain || own == Grain::Open => {}
            _ => return refuse(&part.place, part.kind.found(), expected),
        }
    }
    two(left, right, Kind::Flag, place, |left, right| Expression::Temporal(relation, left, right))
}

pub(super) fn lists(relation: ListRelation, left: Part, right: Part, place: Place) -> Built {
    let mut element = Element::None;
    for part in [&left, &right] {
        let Kind::List(own) = part.kind else {
            return refuse(&part.place, part.kind.found(), Kind::List(Element::None).expected());
        };
        if element != Element::None && own != Element::None && own != element {
            return refuse(&part.place, "a list of other values", "values of one kind on both sides");
        }
        element = own;
    }
    two(left, right, Kind::Flag, place, |left, right| Expression::Lists(relation, left, right))
}
