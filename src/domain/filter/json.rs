//! The JSON encoding of a filter, read and written. Every refusal says where, as a JSON pointer.

use super::build::{self, Part, refuse};
use super::tree::{
    Arithmetic, Comparison, Expression, Fold, ListRelation, Literal, Shape, SpatialRelation, TemporalRelation,
};
use super::{FilterError, MAX_DEPTH, Place, Property, geojson, write};
use serde_json::{Map, Value, json};

type Read = Result<Part, FilterError>;

pub(super) fn read(value: &Value, properties: &[Property<'_>]) -> Result<Expression, FilterError> {
    let mut reader = Reader { properties, depth: 0, vertices: 0 };
    let part = reader.expression(value, String::new())?;
    build::need_truth(&part)?;
    Ok(part.node)
}

struct Reader<'a> {
    properties: &'a [Property<'a>],
    depth: usize,
    vertices: usize,
}

/// What a value is, in a few words.
fn said(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("{text:?}"),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

fn below(pointer: &str, step: impl std::fmt::Display) -> String {
    format!("{pointer}/{step}")
}

impl Reader<'_> {
    fn expression(&mut self, value: &Value, pointer: String) -> Read {
        if self.depth > MAX_DEPTH {
            let expected = format!("at most {MAX_DEPTH} parts inside one another");
            return refuse(&Place::Pointer(pointer), "one part more", expected);
        }
        self.depth += 1;
        let found = self.one(value, pointer);
        self.depth -= 1;
        found
    }

    fn one(&mut self, value: &Value, pointer: String) -> Read {
        let place = Place::Pointer(pointer.clone());
        match value {
            Value::String(text) => build::text(text.clone(), place),
            Value::Number(number) => build::number(number.as_f64().unwrap_or(f64::NAN), place),
            Value::Bool(flag) => Ok(build::flag(*flag, place)),
            Value::Array(values) => {
                let parts = self.each(values, &pointer)?;
                build::list(parts, place)
            }
            Value::Object(object) => self.object(object, &pointer, place),
            Value::Null => refuse(&place, "null", "an expression; what is unknown is found by isNull"),
        }
    }

    fn each(&mut self, values: &[Value], pointer: &str) -> Result<Vec<Part>, FilterError> {
        values.iter().enumerate().map(|(index, value)| self.expression(value, below(pointer, index))).collect()
    }

    fn object(&mut self, object: &Map<String, Value>, pointer: &str, place: Place) -> Read {
        const EXPECTED: &str =
            "an object with op and args, property, date, timestamp, interval, bbox, or a GeoJSON shape";
        if object.contains_key("op") {
            return self.operation(object, pointer, place);
        }
        if object.contains_key("type") {
            let geometry = geojson::read(object, pointer, &mut self.vertices)?;
            return Ok(build::shape(Shape { geometry, bbox: None }, place));
        }
        let (Some((key, value)), 1) = (object.iter().next(), object.len()) else {
            return refuse(&place, "an object of another kind", EXPECTED);
        };
        let inner = below(pointer, key);
        let words = |value: &Value| match value {
            Value::String(text) => Ok(text.clone()),
            other => refuse(&Place::Pointer(inner.clone()), said(other), "a text"),
        };
        let array = |value: &Value| match value {
            Value::Array(values) => Ok(values.clone()),
            other => refuse(&Place::Pointer(inner.clone()), said(other), "an array"),
        };
        let at = || Place::Pointer(inner.clone());
        match key.as_str() {
            "property" => build::property(&words(value)?, self.properties, at()).map(|part| Part { place, ..part }),
            "date" => build::date(&words(value)?, at()).map(|part| Part { place, ..part }),
            "timestamp" => build::timestamp(&words(value)?, at()).map(|part| Part { place, ..part }),
            "interval" => {
                let [start, end] =
                    array(value)?.try_into().or_else(|_| refuse(&at(), "other than two bounds", "two bounds"))?;
                let start = self.bound(&start, below(&inner, 0))?;
                let end = self.bound(&end, below(&inner, 1))?;
                build::interval(start, end, place)
            }
            "bbox" => geojson::bbox(&array(value)?, &inner).map(|shape| build::shape(shape, place)),
            other => refuse(&place, format!("an object with {other:?}"), EXPECTED),
        }
    }

    fn bound(&mut self, value: &Value, pointer: String) -> Result<Option<Part>, FilterError> {
        match value {
            Value::String(text) => build::bound(text, Place::Pointer(pointer)),
            other => self.expression(other, pointer).map(Some),
        }
    }

    fn operation(&mut self, object: &Map<String, Value>, pointer: &str, place: Place) -> Read {
        let (at_op, at_args) = (Place::Pointer(below(pointer, "op")), below(pointer, "args"));
        let (Some(Value::String(op)), Some(Value::Array(args)), 2) =
            (object.get("op"), object.get("args"), object.len())
        else {
            return refuse(&place, "an operation of another form", "op, a text, and args, an array, and nothing else");
        };
        let count = |right: usize| {
            if args.len() == right {
                return Ok(());
            }
            refuse(&Place::Pointer(at_args.clone()), format!("{} arguments", args.len()), format!("{right} for {op:?}"))
        };
        match op.as_str() {
            "and" | "or" => {
                if args.len() < 2 {
                    let found = format!("{} arguments", args.len());
                    return refuse(&Place::Pointer(at_args), found, format!("two or more for {op:?}"));
                }
                let parts = self.each(args, &at_args)?;
                return build::logic(op == "and", parts, place);
            }
            "in" => {
                count(2)?;
                let one = self.expression(&args[0], below(&at_args, 0))?;
                let inner = below(&at_args, 1);
                return match &args[1] {
                    Value::Array(values) if !values.is_empty() => {
                        let list = self.each(values, &inner)?;
                        build::is_in(one, list, place)
                    }
                    other => refuse(&Place::Pointer(inner), said(other), "an array of one or more values"),
                };
            }
            _ => {}
        }
        let right = match op.as_str() {
            "not" | "isNull" => 1,
            "between" => 3,
            op if Fold::named(op).is_some() => 1,
            _ => 2,
        };
        let known = ["not", "isNull", "between", "like"].contains(&op.as_str())
            || Fold::named(op).is_some()
            || Comparison::named(op).is_some()
            || Arithmetic::named(op).is_some()
            || SpatialRelation::named(op).is_some()
            || TemporalRelation::named(op).is_some()
            || ListRelation::named(op).is_some();
        if !known {
            let expected = "and, or, not, a comparison, in, between, like, isNull, casei, accenti, arithmetic, or a function s_…, t_… or a_…";
            return refuse(&at_op, format!("no operation {op:?}"), expected);
        }
        count(right)?;
        let mut parts = self.each(args, &at_args)?.into_iter();
        let (Some(first), second, third) = (parts.next(), parts.next(), parts.next()) else {
            return refuse(&place, "no arguments", "some");
        };
        let (second, third) = match (op.as_str(), second, third) {
            ("not", None, None) => return build::not(first, place),
            ("isNull", None, None) => return build::is_null(first, place),
            (op, None, _) => {
                return match Fold::named(op) {
                    Some(fold) => build::fold(fold, first, place),
                    None => refuse(&at_op, "one argument", "more"),
                };
            }
            (_, Some(second), third) => (second, third),
        };
        match (op.as_str(), third) {
            ("between", Some(third)) => build::between(first, second, third, place),
            ("like", _) => build::like(first, second, place),
            (op, _) => {
                if let Some(comparison) = Comparison::named(op) {
                    build::compare(first, comparison, second, place)
                } else if let Some(sign) = Arithmetic::named(op) {
                    build::arithmetic(first, sign, second, place)
                } else if let Some(relation) = SpatialRelation::named(op) {
                    build::spatial(relation, first, second, place)
                } else if let Some(relation) = TemporalRelation::named(op) {
                    build::temporal(relation, first, second, place)
                } else if let Some(relation) = ListRelation::named(op) {
                    build::lists(relation, first, second, place)
                } else {
                    refuse(&at_op, format!("no operation {op:?}"), "one of the standard")
                }
            }
        }
    }
}

pub(super) fn write(expression: &Expression, properties: &[Property<'_>]) -> Value {
    let one = |expression: &Expression| write(expression, properties);
    let op =
        |op: &str, args: &[&Expression]| json!({"op": op, "args": args.iter().map(|arg| one(arg)).collect::<Vec<_>>()});
    let all = |parts: &[Expression]| parts.iter().map(one).collect::<Vec<_>>();
    match expression {
        Expression::Property(index) => json!({"property": properties.get(*index).map_or("", |property| property.name)}),
        Expression::Literal(Literal::Text(text)) => json!(text),
        Expression::Literal(Literal::Number(value)) => json!(value),
        Expression::Literal(Literal::Flag(flag)) => json!(flag),
        Expression::Literal(Literal::Date(day)) => json!({"date": day.to_string()}),
        Expression::Moment(moment) => json!({"timestamp": write::moment(*moment)}),
        Expression::Shape(shape) => match shape.bbox {
            Some(bbox) => json!({"bbox": bbox}),
            None => geojson::write(&shape.geometry),
        },
        Expression::Interval(start, end) => {
            let bound = |bound: &Option<Box<Expression>>| match bound.as_deref() {
                None => json!(".."),
                Some(Expression::Literal(Literal::Date(day))) => json!(day.to_string()),
                Some(Expression::Moment(moment)) => json!(write::moment(*moment)),
                Some(other) => one(other),
            };
            json!({"interval": [bound(start), bound(end)]})
        }
        Expression::List(list) => Value::Array(all(list)),
        Expression::Arithmetic(left, sign, right) => op(sign.word(), &[left, right]),
        Expression::Fold(fold, inner) => op(fold.word(), &[inner]),
        Expression::And(parts) => json!({"op": "and", "args": all(parts)}),
        Expression::Or(parts) => json!({"op": "or", "args": all(parts)}),
        Expression::Not(inner) => op("not", &[inner]),
        Expression::Compare(left, comparison, right) => op(comparison.word(), &[left, right]),
        Expression::In(left, list) => json!({"op": "in", "args": [one(left), all(list)]}),
        Expression::Between(parts) => json!({"op": "between", "args": all(parts.as_slice())}),
        Expression::Like(left, pattern) => op("like", &[left, pattern]),
        Expression::IsNull(inner) => op("isNull", &[inner]),
        Expression::Spatial(relation, left, right) => op(relation.word(), &[left, right]),
        Expression::Temporal(relation, left, right) => op(relation.word(), &[left, right]),
        Expression::Lists(relation, left, right) => op(relation.word(), &[left, right]),
    }
}
