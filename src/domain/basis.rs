//! What rules that are written as code rest on, as dated data: where each was read, and the figures that it reckons with.

use super::review::scheme::SchemeError;
use super::rulebook::RuleValue;
use chrono::NaiveDate;
use serde::Deserialize;

/// Where a rule was read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Citation {
    /// The rule's code.
    pub rule: String,
    /// Since when it was read so.
    #[serde(deserialize_with = "super::review::scheme::day::read")]
    pub effective_from: NaiveDate,
    /// The document, and what of the rule it doesn't say.
    #[serde(rename = "citation")]
    pub text: String,
    /// Whether the rule is landcycle's own proposal rather than one that was read.
    pub assumption: bool,
}

/// What a set of rules rests on.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basis {
    /// The version of the set.
    pub version: String,
    #[serde(rename = "rule")]
    rows: Vec<Citation>,
    #[serde(rename = "value")]
    values: Vec<RuleValue>,
}

impl Basis {
    /// Reads the basis of rules with these codes; each has at least one citation, and no other has any.
    pub fn parse(text: &str, rules: &[&str]) -> Result<Self, SchemeError> {
        let mut book: Self = toml::from_str(text)?;
        let refuse = |place: &str, problem: &str| {
            Err(SchemeError::Value { place: place.to_owned(), problem: problem.to_owned() })
        };
        if book.version.trim().is_empty() {
            return refuse("version", "is empty");
        }
        book.rows.sort_by(|a, b| (&a.rule, a.effective_from).cmp(&(&b.rule, b.effective_from)));
        for row in &book.rows {
            if !rules.contains(&row.rule.as_str()) {
                return refuse(&row.rule, "is a rule that nobody asks for");
            }
            if row.text.trim().is_empty() {
                return refuse(&row.rule, "has no citation; name the document, or say that it is an assumption");
            }
        }
        if let Some(pair) = book
            .rows
            .windows(2)
            .find(|pair| (&pair[0].rule, pair[0].effective_from) == (&pair[1].rule, pair[1].effective_from))
        {
            return refuse(&pair[0].rule, "comes twice for the same day");
        }
        if let Some(value) = book.values.iter().find(|value| value.source.trim().is_empty()) {
            return refuse(&value.key, "has no source; name the document, or say that it is an assumption");
        }
        match rules.iter().find(|rule| !book.rows.iter().any(|row| row.rule == **rule)) {
            Some(missing) => refuse(missing, "has no citation"),
            None => Ok(book),
        }
    }

    /// Where a rule was read by a day: its last row that had begun, or its first one. Nothing for a rule that the set lacks.
    pub fn on(&self, rule: &str, day: NaiveDate) -> Option<&Citation> {
        let mut own = self.rows.iter().filter(|row| row.rule == rule).peekable();
        let first = own.peek().copied();
        own.take_while(|row| row.effective_from <= day).last().or(first)
    }

    /// Says that a rule has no citation, which reading lets no rule be without.
    pub fn lacks(&self, rule: &str) -> SchemeError {
        SchemeError::Value { place: rule.to_owned(), problem: "has no citation".to_owned() }
    }

    /// A figure on a day.
    pub fn value(&self, key: &str, day: NaiveDate) -> Result<f64, SchemeError> {
        let in_force = |one: &&RuleValue| one.effective_from <= day && one.effective_to.is_none_or(|last| day <= last);
        self.values.iter().filter(|one| one.key == key).find(in_force).map(|one| one.value).ok_or_else(|| {
            SchemeError::Value { place: key.to_owned(), problem: format!("has no value in force on {day}") }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "version = \"1\"\n\
        [[rule]]\nrule = \"a\"\neffective_from = 2018-05-07\ncitation = \"old\"\nassumption = false\n\
        [[rule]]\nrule = \"b\"\neffective_from = 2018-05-07\ncitation = \"b\"\nassumption = true\n\
        [[rule]]\nrule = \"a\"\neffective_from = 2024-01-01\ncitation = \"new\"\nassumption = false\n\
        [[value]]\nkey = \"k\"\ntitle = { zh = \"数\", en = \"k\" }\nvalue = 2.0\nunit = \"count\"\n\
        effective_from = 2020-01-01\nsource = \"s\"\nassumption = true\n";

    #[test]
    fn a_rule_is_cited_as_it_was_read_on_the_day_of_the_question() {
        let book = Basis::parse(TWO, &["a", "b"]).expect("well formed");
        let on = |rule, day: &str| book.on(rule, day.parse().expect("a day")).map(|row| row.text.as_str());
        assert_eq!(on("a", "2023-12-31"), Some("old"));
        assert_eq!(on("a", "2024-01-01"), Some("new"));
        assert_eq!(on("a", "2000-01-01"), Some("old"));
        assert_eq!(on("c", "2024-01-01"), None);
        let value = |day: &str| book.value("k", day.parse().expect("a day")).ok();
        assert_eq!((value("2019-12-31"), value("2020-01-01")), (None, Some(2.0)));
    }

    #[test]
    fn a_rule_without_a_citation_or_with_two_for_a_day_and_a_value_without_a_source_are_refused() {
        let refused = |text: &str, rules: &[&str]| Basis::parse(text, rules).expect_err("refused").to_string();
        assert!(refused(TWO, &["a", "b", "c"]).contains("c: has no citation"));
        assert!(refused(TWO, &["a"]).contains("b: is a rule that nobody asks for"));
        assert!(refused(&TWO.replace("\"new\"", "\" \""), &["a", "b"]).contains("a: has no citation"));
        assert!(refused(&TWO.replace("2024-01-01", "2018-05-07"), &["a", "b"]).contains("a: comes twice"));
        assert!(refused(&TWO.replace("\"s\"", "\"\""), &["a", "b"]).contains("k: has no source"));
        assert!(refused(&TWO.replace("version = \"1\"", "version = \"\""), &["a", "b"]).contains("version: is empty"));
    }
}
