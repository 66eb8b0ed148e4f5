//! A filter as SQL: names come from the list of properties, values go as parameters, never into the text. It asks what
//! `domain/filter/holds.rs` asks of a record in memory, and a test holds the two against one another.

use super::geometry::SRID;
use crate::domain::filter::{
    ACCENTS, Arithmetic, Element, End, Expression, Filter, Fold, Grain, Kind, LARGEST, ListRelation, Literal, Property,
    SMALLEST, SpatialRelation, TemporalRelation,
};
use geozero::{CoordDimensions, ToWkb as _};
use sqlx::{Postgres, QueryBuilder};

/// Appends a filter over columns that are named as its properties are.
pub fn push(sql: &mut QueryBuilder<Postgres>, filter: &Filter, properties: &[Property<'_>]) {
    Writer { sql, properties }.expression(filter.root());
}

struct Writer<'a> {
    sql: &'a mut QueryBuilder<Postgres>,
    properties: &'a [Property<'a>],
}

impl Writer<'_> {
    fn text(&mut self, text: &str) {
        self.sql.push(text);
    }

    fn joined(&mut self, open: &str, parts: &[Expression], between: &str, close: &str) {
        self.text(open);
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                self.text(between);
            }
            self.expression(part);
        }
        self.text(close);
    }

    fn two(&mut self, open: &str, left: &Expression, between: &str, right: &Expression, close: &str) {
        self.text(open);
        self.expression(left);
        self.text(between);
        self.expression(right);
        self.text(close);
    }

    fn expression(&mut self, expression: &Expression) {
        match expression {
            Expression::Property(index) => self.column(*index),
            Expression::Literal(literal) => self.literal(literal),
            Expression::Moment(moment) => {
                self.sql.push_bind(*moment);
            }
            Expression::Shape(shape) => {
                let srid = i32::try_from(SRID).ok();
                // Writing into memory does not fail.
                let bytes = shape.geometry.to_ewkb(CoordDimensions::xy(), srid).unwrap_or_default();
                self.sql.push("st_geomfromewkb(").push_bind(bytes).push(")");
            }
            // It stands in functions of time and in IS NULL only, which read its ends.
            Expression::Interval(..) => self.text("null"),
            Expression::List(list) => {
                let array = array_type(self.element(expression));
                self.joined("array[", list, ", ", &format!("]::{array}"));
            }
            Expression::Arithmetic(left, sign, right) => self.arithmetic(left, *sign, right),
            Expression::Fold(fold, inner) => self.fold(*fold, inner),
            Expression::And(parts) => self.joined("(", parts, " and ", ")"),
            Expression::Or(parts) => self.joined("(", parts, " or ", ")"),
            Expression::Not(inner) => self.joined("(not ", std::slice::from_ref(inner), "", ")"),
            Expression::Compare(left, comparison, right) => {
                self.two("(", left, &format!(" {} ", comparison.word()), right, ")");
            }
            Expression::In(one, list) => {
                self.text("(");
                self.expression(one);
                self.joined(" in (", list, ", ", "))");
            }
            Expression::Between(parts) => {
                let [one, low, high] = parts.as_ref();
                self.two("(", one, " between ", low, " and ");
                self.expression(high);
                self.text(")");
            }
            Expression::Like(one, pattern) => self.two("(", one, " like ", pattern, ")"),
            Expression::IsNull(one) => self.is_null(one),
            Expression::Spatial(relation, left, right) => {
                let open = match relation {
                    SpatialRelation::Intersects => "st_intersects(",
                    // The other way about it finds its way by an index, and takes collections.
                    SpatialRelation::Disjoint => "(not st_intersects(",
                    SpatialRelation::Equals => "st_equals(",
                    SpatialRelation::Touches => "st_touches(",
                    SpatialRelation::Crosses => "st_crosses(",
                    SpatialRelation::Within => "st_within(",
                    SpatialRelation::Contains => "st_contains(",
                    SpatialRelation::Overlaps => "st_overlaps(",
                };
                let close = if *relation == SpatialRelation::Disjoint { "))" } else { ")" };
                self.two(open, left, ", ", right, close);
            }
            Expression::Temporal(relation, left, right) => self.temporal(*relation, left, right),
            Expression::Lists(relation, left, right) => self.lists(*relation, left, right),
        }
    }

    fn column(&mut self, index: usize) {
        // The place was given out by the reader of the same list.
        let Some(property) = self.properties.get(index) else { return self.text("null") };
        let name = property.name.replace('"', "\"\"");
        self.sql.push(match property.holds {
            // Texts compare by their letters' numbers, the same on every machine.
            Kind::Text => format!("\"{name}\" collate \"C\""),
            Kind::List(element) => format!("\"{name}\"::{}", array_type(element)),
            _ => format!("\"{name}\""),
        });
    }

    fn literal(&mut self, literal: &Literal) {
        match literal {
            Literal::Text(text) => self.sql.push_bind(text.clone()).push(" collate \"C\""),
            Literal::Number(number) => self.sql.push_bind(*number),
            Literal::Date(day) => self.sql.push_bind(*day),
            Literal::Flag(flag) => self.sql.push_bind(*flag),
        };
    }

    fn is_null(&mut self, one: &Expression) {
        match one {
            Expression::Interval(start, end) => {
                self.text("(false");
                for bound in [start, end].into_iter().flatten() {
                    self.joined(" or ", std::slice::from_ref(bound), "", " is null");
                }
                self.text(")");
            }
            one => self.joined("(", std::slice::from_ref(one), "", " is null)"),
        }
    }

    /// Each side is computed once, in a row of its own, and guarded so that no number makes the statement fail.
    fn arithmetic(&mut self, left: &Expression, sign: Arithmetic, right: &Expression) {
        let known = |name: &str| {
            format!("({name} = 0 or abs({name}) between '{SMALLEST:e}'::float8 and '{LARGEST:e}'::float8)")
        };
        let (guard, result) = match sign {
            Arithmetic::Plus => ("true", "a + b"),
            Arithmetic::Minus => ("true", "a - b"),
            Arithmetic::Times => ("true", "a * b"),
            Arithmetic::Over => ("b <> 0", "a / b"),
            Arithmetic::Div => ("b <> 0", "trunc(a / b)"),
            Arithmetic::Modulo => ("b <> 0", "a - b * trunc(a / b)"),
            Arithmetic::Power => (
                "case when a = 0 then b >= 0 when a < 0 and trunc(b) <> b then false else abs(b * ln(abs(a))) <= 345 end",
                "power(a, b)",
            ),
        };
        let (a, b, c) = (known("a"), known("b"), known("c"));
        self.sql.push(format!(
            "(select case when {c} then c end from (select case when {a} and {b} then case when {guard} then {result} end end as c from (select ("
        ));
        self.two("", left, ")::float8 as a, (", right, ")::float8 as b offset 0) sides offset 0) computed)");
    }

    fn fold(&mut self, fold: Fold, inner: &Expression) {
        let inner = std::slice::from_ref(inner);
        match fold {
            Fold::Case => {
                self.joined("(replace(lower(upper((", inner, "", ") collate \"und-x-icu\")), 'ς', 'σ') collate \"C\")");
            }
            Fold::Accent => {
                let mut marks = String::new();
                for (first, last) in ACCENTS {
                    marks.push_str(&format!("\\u{:04x}-\\u{:04x}", u32::from(first), u32::from(last)));
                }
                let close = format!(", nfd), '[{marks}]', '', 'g'), nfc) collate \"C\")");
                self.joined("(normalize(regexp_replace(normalize(", inner, "", &close);
            }
        }
    }

    fn temporal(&mut self, relation: TemporalRelation, left: &Expression, right: &Expression) {
        let is_of_days = [left, right].into_iter().any(|side| self.grain(side) == Some(Grain::Date));
        let (denied, comparisons) = relation.comparisons();
        self.text(if denied { "(not (" } else { "((" });
        for (index, (one, sign, other)) in comparisons.iter().enumerate() {
            self.text(if index > 0 { " and " } else { "" });
            self.end(*one, left, right, is_of_days);
            self.sql.push(format!(" {} ", sign.word()));
            self.end(*other, left, right, is_of_days);
        }
        self.text("))");
    }

    fn end(&mut self, end: End, left: &Expression, right: &Expression, is_of_days: bool) {
        let side = if matches!(end, End::Start1 | End::End1) { left } else { right };
        let is_start = matches!(end, End::Start1 | End::Start2);
        match side {
            Expression::Interval(start, finish) => match if is_start { start } else { finish } {
                Some(bound) => self.expression(bound),
                None => {
                    let kind = if is_of_days { "date" } else { "timestamptz" };
                    self.sql.push(format!("'{}infinity'::{kind}", if is_start { "-" } else { "" }));
                }
            },
            instant => self.expression(instant),
        }
    }

    fn grain(&self, expression: &Expression) -> Option<Grain> {
        match expression {
            Expression::Property(index) => match self.properties.get(*index)?.holds {
                Kind::Date => Some(Grain::Date),
                Kind::Timestamp => Some(Grain::Timestamp),
                _ => None,
            },
            Expression::Literal(Literal::Date(_)) => Some(Grain::Date),
            Expression::Moment(_) => Some(Grain::Timestamp),
            Expression::Interval(start, end) => [start, end].into_iter().flatten().find_map(|bound| self.grain(bound)),
            _ => None,
        }
    }

    fn lists(&mut self, relation: ListRelation, left: &Expression, right: &Expression) {
        // An empty list is of what the other is of.
        let element = match self.element(left) {
            Element::None => self.element(right),
            known => known,
        };
        let array = array_type(element);
        let mut operation = |sign: &str| {
            self.two("((", left, &format!(")::{array} {sign} ("), right, &format!(")::{array})"));
        };
        match relation {
            ListRelation::Contains => operation("@>"),
            ListRelation::ContainedBy => operation("<@"),
            ListRelation::Overlaps => operation("&&"),
            ListRelation::Equals => {
                self.text("(");
                self.lists(ListRelation::Contains, left, right);
                self.text(" and ");
                self.lists(ListRelation::ContainedBy, left, right);
                self.text(")");
            }
        }
    }

    fn element(&self, expression: &Expression) -> Element {
        match expression {
            Expression::List(list) => list.first().map_or(Element::None, |first| self.scalar(first)),
            Expression::Property(index) => match self.properties.get(*index).map(|property| property.holds) {
                Some(Kind::List(element)) => element,
                _ => Element::None,
            },
            _ => Element::None,
        }
    }

    fn scalar(&self, expression: &Expression) -> Element {
        match expression {
            Expression::Property(index) => match self.properties.get(*index).map(|property| property.holds) {
                Some(Kind::Number) => Element::Number,
                Some(Kind::Date) => Element::Date,
                Some(Kind::Timestamp) => Element::Timestamp,
                Some(Kind::Flag) => Element::Flag,
                _ => Element::Text,
            },
            Expression::Literal(Literal::Number(_)) | Expression::Arithmetic(..) => Element::Number,
            Expression::Literal(Literal::Date(_)) => Element::Date,
            Expression::Moment(_) => Element::Timestamp,
            Expression::Literal(Literal::Text(_)) | Expression::Fold(..) => Element::Text,
            _ => Element::Flag,
        }
    }
}

fn array_type(element: Element) -> &'static str {
    match element {
        Element::Text | Element::None => "text[]",
        Element::Number => "float8[]",
        Element::Date => "date[]",
        Element::Timestamp => "timestamptz[]",
        Element::Flag => "boolean[]",
    }
}
