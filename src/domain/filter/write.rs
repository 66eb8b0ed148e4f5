//! A tree as CQL2 text, which reads back as the same tree. What is inside another operation stands in brackets.

use super::Property;
use super::tree::{Arithmetic, Expression, Literal};
use chrono::{DateTime, SecondsFormat, Utc};
use geo_types::{Coord, Geometry, LineString, Polygon};
use std::fmt::Write as _;

/// A moment as both encodings write it.
pub(super) fn moment(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

pub(super) fn text(expression: &Expression, properties: &[Property<'_>]) -> String {
    let mut writer = Writer { out: String::new(), properties };
    writer.operation(expression);
    writer.out
}

struct Writer<'a> {
    out: String,
    properties: &'a [Property<'a>],
}

impl Writer<'_> {
    /// What stands inside another part.
    fn inner(&mut self, expression: &Expression) {
        let is_operation = matches!(
            expression,
            Expression::Arithmetic(..)
                | Expression::And(_)
                | Expression::Or(_)
                | Expression::Not(_)
                | Expression::Compare(..)
                | Expression::In(..)
                | Expression::Between(_)
                | Expression::Like(..)
                | Expression::IsNull(_)
        );
        if is_operation {
            self.out.push('(');
        }
        self.operation(expression);
        if is_operation {
            self.out.push(')');
        }
    }

    fn several(&mut self, parts: &[Expression], between: &str) {
        for (index, part) in parts.iter().enumerate() {
            self.out.push_str(if index > 0 { between } else { "" });
            self.inner(part);
        }
    }

    fn two(&mut self, left: &Expression, between: &str, right: &Expression) {
        self.inner(left);
        self.out.push_str(between);
        self.inner(right);
    }

    fn function(&mut self, name: &str, left: &Expression, right: &Expression) {
        self.out.push_str(&name.to_ascii_uppercase());
        self.out.push('(');
        self.two(left, ",", right);
        self.out.push(')');
    }

    fn quoted(&mut self, text: &str) {
        self.out.push('\'');
        self.out.push_str(&text.replace('\'', "''"));
        self.out.push('\'');
    }

    fn operation(&mut self, expression: &Expression) {
        match expression {
            Expression::Property(index) => {
                let name = self.properties.get(*index).map_or("", |property| property.name);
                self.out.push('"');
                self.out.push_str(&name.replace('"', "\"\""));
                self.out.push('"');
            }
            Expression::Literal(Literal::Text(text)) => self.quoted(text),
            Expression::Literal(Literal::Number(value)) => number(&mut self.out, *value),
            Expression::Literal(Literal::Date(day)) => {
                let _ = write!(self.out, "DATE('{day}')");
            }
            Expression::Literal(Literal::Flag(flag)) => self.out.push_str(if *flag { "TRUE" } else { "FALSE" }),
            Expression::Moment(instant) => {
                let _ = write!(self.out, "TIMESTAMP('{}')", moment(*instant));
            }
            Expression::Shape(shape) => match shape.bbox {
                Some(bbox) => {
                    self.out.push_str("BBOX");
                    bracketed(&mut self.out, &bbox, |out, one| number(out, *one));
                }
                None => geometry(&mut self.out, &shape.geometry),
            },
            Expression::Interval(start, end) => {
                self.out.push_str("INTERVAL(");
                self.bound(start.as_deref());
                self.out.push(',');
                self.bound(end.as_deref());
                self.out.push(')');
            }
            Expression::List(list) => {
                self.out.push('(');
                self.several(list, ",");
                self.out.push(')');
            }
            // A minus before a number is no operation of its own.
            Expression::Arithmetic(left, sign, right) => {
                let between = if *sign == Arithmetic::Div { " DIV " } else { &format!(" {} ", sign.word()) };
                self.two(left, between, right);
            }
            Expression::Fold(fold, inner) => {
                self.out.push_str(&fold.word().to_ascii_uppercase());
                self.out.push('(');
                self.inner(inner);
                self.out.push(')');
            }
            Expression::And(parts) => self.several(parts, " AND "),
            Expression::Or(parts) => self.several(parts, " OR "),
            Expression::Not(inner) => {
                self.out.push_str("NOT ");
                self.inner(inner);
            }
            Expression::Compare(left, comparison, right) => self.two(left, &format!(" {} ", comparison.word()), right),
            Expression::In(one, list) => {
                self.inner(one);
                self.out.push_str(" IN (");
                self.several(list, ",");
                self.out.push(')');
            }
            Expression::Between(parts) => {
                let [one, low, high] = parts.as_ref();
                self.two(one, " BETWEEN ", low);
                self.out.push_str(" AND ");
                self.inner(high);
            }
            Expression::Like(one, pattern) => self.two(one, " LIKE ", pattern),
            Expression::IsNull(one) => {
                self.inner(one);
                self.out.push_str(" IS NULL");
            }
            Expression::Spatial(relation, left, right) => self.function(relation.word(), left, right),
            Expression::Temporal(relation, left, right) => self.function(relation.word(), left, right),
            Expression::Lists(relation, left, right) => self.function(relation.word(), left, right),
        }
    }

    fn bound(&mut self, bound: Option<&Expression>) {
        match bound {
            None => self.quoted(".."),
            Some(Expression::Literal(Literal::Date(day))) => self.quoted(&day.to_string()),
            Some(Expression::Moment(instant)) => self.quoted(&moment(*instant)),
            Some(other) => self.inner(other),
        }
    }
}

fn number(out: &mut String, value: f64) {
    // Writing to a text cannot fail.
    let _ = if value == 0.0 || (1e-6..1e15).contains(&value.abs()) {
        write!(out, "{value}")
    } else {
        write!(out, "{value:e}")
    };
}

fn bracketed<T>(out: &mut String, parts: &[T], each: impl Fn(&mut String, &T)) {
    for (index, part) in parts.iter().enumerate() {
        out.push(if index > 0 { ',' } else { '(' });
        each(out, part);
    }
    out.push(')');
}

fn vertex(out: &mut String, at: &Coord<f64>) {
    number(out, at.x);
    out.push(' ');
    number(out, at.y);
}

fn line(out: &mut String, line: &LineString<f64>) {
    bracketed(out, &line.0, vertex);
}

fn polygon(out: &mut String, polygon: &Polygon<f64>) {
    let rings: Vec<&LineString<f64>> = std::iter::once(polygon.exterior()).chain(polygon.interiors()).collect();
    bracketed(out, &rings, |out, ring| line(out, ring));
}

fn geometry(out: &mut String, shape: &Geometry<f64>) {
    match shape {
        Geometry::Point(point) => {
            out.push_str("POINT");
            bracketed(out, &[point.0], vertex);
        }
        Geometry::LineString(one) => {
            out.push_str("LINESTRING");
            line(out, one);
        }
        Geometry::Polygon(one) => {
            out.push_str("POLYGON");
            polygon(out, one);
        }
        Geometry::MultiPoint(all) => {
            out.push_str("MULTIPOINT");
            bracketed(out, &all.0, |out, point| bracketed(out, &[point.0], vertex));
        }
        Geometry::MultiLineString(all) => {
            out.push_str("MULTILINESTRING");
            bracketed(out, &all.0, line);
        }
        Geometry::MultiPolygon(all) => {
            out.push_str("MULTIPOLYGON");
            bracketed(out, &all.0, polygon);
        }
        Geometry::GeometryCollection(all) => {
            out.push_str("GEOMETRYCOLLECTION");
            bracketed(out, &all.0, geometry);
        }
        // The readers make none of these.
        Geometry::Line(_) | Geometry::Rect(_) | Geometry::Triangle(_) => {}
    }
}
