//! The filter language: CQL2 text over named, typed properties, read into a tree that others turn into SQL, or that is
//! asked of a record. It refuses what it does not know by name and place, and knows no table.
//!
//! Read so far: and, or, not; = <> < <= > >=; in, between, like, is null; numbers, 'texts', true and false, DATE('…').

mod holds;
mod read;

pub use holds::Value;

use super::intake::FieldType;
use chrono::NaiveDate;

/// The longest filter that is read, in bytes.
pub const MAX_BYTES: usize = 10_000;
/// How deep brackets and NOT may nest.
pub const MAX_DEPTH: usize = 32;

/// A property that a filter may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Property<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it holds.
    pub holds: FieldType,
}

/// A value that stands in a filter.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// Words.
    Text(String),
    /// A finite number.
    Number(f64),
    /// A day.
    Date(NaiveDate),
    /// Yes or no.
    Flag(bool),
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// A property, by its place in the list that the filter was read with.
    Property(usize),
    /// A value.
    Literal(Literal),
}

/// How two sides are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// =
    Equal,
    /// <>
    NotEqual,
    /// <
    Less,
    /// <=
    AtMost,
    /// >
    Greater,
    /// >=
    AtLeast,
}

impl Comparison {
    /// The sign, the same in CQL2 and SQL.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
        }
    }
}

/// What a row must be like. What is unknown (null) matches neither a comparison nor its denial, as in SQL.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// All of them hold.
    And(Vec<Self>),
    /// One of them holds.
    Or(Vec<Self>),
    /// It does not hold.
    Not(Box<Self>),
    /// Always or never.
    Constant(bool),
    /// Two sides compare.
    Compare(Operand, Comparison, Operand),
    /// It is one of a list.
    In(Operand, Vec<Operand>),
    /// It lies between two, both included.
    Between(Operand, Operand, Operand),
    /// A text fits a pattern: % is any text, _ any character, \ takes the sign after it as it is.
    Like(Operand, String),
    /// It is unknown.
    IsNull(Operand),
}

/// Why a filter was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("filter, character {position}: {found}; expected {expected}")]
pub struct FilterError {
    /// The place, in characters from 1.
    pub position: usize,
    /// What stands there.
    pub found: String,
    /// What would be right.
    pub expected: String,
}

impl Filter {
    /// Reads CQL2 text over some properties.
    pub fn parse(text: &str, properties: &[Property<'_>]) -> Result<Self, FilterError> {
        read::read(text, properties)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PROPERTIES: [Property<'static>; 5] = [
        Property { name: "code", holds: FieldType::Text },
        Property { name: "area_m2", holds: FieldType::Number },
        Property { name: "year", holds: FieldType::Integer },
        Property { name: "term_end", holds: FieldType::Date },
        Property { name: "locked", holds: FieldType::Flag },
    ];

    fn parse(text: &str) -> Result<Filter, FilterError> {
        Filter::parse(text, &PROPERTIES)
    }

    fn refused(text: &str) -> FilterError {
        parse(text).expect_err(text)
    }

    #[test]
    fn and_binds_closer_than_or_and_not_closest() {
        let year =
            |n: f64| Filter::Compare(Operand::Property(2), Comparison::Equal, Operand::Literal(Literal::Number(n)));
        let found = parse("year = 1 or not year = 2 and year=3").unwrap();
        let right = Filter::And(vec![Filter::Not(Box::new(year(2.0))), year(3.0)]);
        assert_eq!(found, Filter::Or(vec![year(1.0), right]));
        let found = parse("(year = 1 OR year = 2) AND year = 3").unwrap();
        assert_eq!(found, Filter::And(vec![Filter::Or(vec![year(1.0), year(2.0)]), year(3.0)]));
    }

    #[test]
    fn every_comparison_and_predicate_is_read() {
        for sign in ["=", "<>", "<", "<=", ">", ">="] {
            let found = parse(&format!("area_m2 {sign} 1.5e3")).unwrap();
            let Filter::Compare(Operand::Property(1), read, Operand::Literal(Literal::Number(1500.0))) = found else {
                panic!("{found:?}")
            };
            assert_eq!(read.sign(), sign);
        }
        let code = Operand::Property(0);
        let text = |text: &str| Operand::Literal(Literal::Text(text.into()));
        assert_eq!(parse("code in ('a', 'b''c')").unwrap(), Filter::In(code.clone(), vec![text("a"), text("b'c")]));
        assert_eq!(parse("\"code\" LIKE '3101%'").unwrap(), Filter::Like(code.clone(), "3101%".into()));
        assert_eq!(parse("code is not null").unwrap(), Filter::Not(Box::new(Filter::IsNull(code))));
        assert!(
            matches!(parse("year not between -1 and +2").unwrap(), Filter::Not(inner) if matches!(*inner, Filter::Between(..)))
        );
        assert!(
            matches!(parse("locked = true and term_end < DATE('2027-01-01')").unwrap(), Filter::And(both) if both.len() == 2)
        );
        assert!(parse("area_m2 > year and 'x' = code and TRUE").is_ok());
    }

    #[test]
    fn an_unknown_property_is_refused_with_its_place_and_the_names_there_are() {
        let error = refused("year = 2024 and grad = 'D'");
        assert_eq!((error.position, error.found.as_str()), (17, "no property \"grad\""));
        assert!(error.expected.contains("code, area_m2, year, term_end, locked"), "{error}");
        assert_eq!(refused("code = '宗地' and x = 1").position, 17, "places are counted in characters");
    }

    #[test]
    fn a_value_of_another_type_is_refused() {
        for text in [
            "year = 'x'",
            "code = 1",
            "term_end > '2027-01-01'",
            "locked = 1",
            "code in ('a', 1)",
            "year like 'x'",
            "year between 1 and 'x'",
            "code = year",
        ] {
            assert!(
                refused(text).expected.contains("number")
                    || refused(text).expected.contains("text")
                    || refused(text).expected.contains("DATE")
                    || refused(text).expected.contains("true"),
                "{}",
                refused(text)
            );
        }
    }

    #[test]
    fn what_is_not_supported_yet_is_refused_by_name() {
        for (text, name) in [
            ("S_INTERSECTS(geom, POINT(1 2))", "S_INTERSECTS"),
            ("T_AFTER(term_end, DATE('2020-01-01'))", "T_AFTER"),
            ("A_CONTAINS(code, ('a'))", "A_CONTAINS"),
            ("CASEI(code) = 'a'", "CASEI"),
            ("area_m2 + 1 > 2", "+"),
            ("area_m2 > 2 * 3", "*"),
            ("term_end > TIMESTAMP('2020-01-01T00:00:00Z')", "TIMESTAMP"),
            ("my_function(code)", "my_function"),
        ] {
            let error = refused(text);
            assert!(error.found.contains(name) && error.found.contains("not supported"), "{text}: {error}");
        }
    }

    #[test]
    fn broken_text_is_refused_at_its_place() {
        for (text, position) in [
            ("", 1),
            ("year =", 7),
            ("year = 1 and", 13),
            ("(year = 1", 10),
            ("year = 1)", 9),
            ("year 1", 6),
            ("code = 'a", 8),
            ("year == 1", 7),
            ("year = 1 year = 2", 10),
            ("code like 'a\\'", 11),
            ("term_end = DATE('2026-02-30')", 17),
            ("year in ()", 10),
            ("code = 'a\0'", 8),
            ("year = 1e999", 8),
            ("; drop table parcel", 1),
            ("code", 5),
        ] {
            assert_eq!(refused(text).position, position, "{text}: {}", refused(text));
        }
    }

    #[test]
    fn length_and_depth_are_bounded() {
        let deep = format!("{}year = 1{}", "(".repeat(5000), ")".repeat(4000));
        assert!(refused(&deep).expected.contains("32"), "{}", refused(&deep));
        assert!(refused(&format!("{}year = 1", "not ".repeat(2000))).expected.contains("32"));
        assert!(refused(&"x".repeat(MAX_BYTES + 1)).expected.contains("10000"));
        assert!(parse(&format!("{}year = 1{}", "(".repeat(31), ")".repeat(31))).is_ok());
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_fall_over(text in ".{0,60}") {
            let _ = parse(&text);
        }

        #[test]
        fn any_text_is_quoted_into_a_filter_and_comes_back(words in "[^\\x00]{0,40}") {
            let found = parse(&format!("code = '{}'", words.replace('\'', "''"))).unwrap();
            let expected = Operand::Literal(Literal::Text(words));
            prop_assert_eq!(found, Filter::Compare(Operand::Property(0), Comparison::Equal, expected));
        }
    }
}
