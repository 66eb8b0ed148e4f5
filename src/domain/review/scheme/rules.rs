//! Grades by rules over the figures of a parcel, and rules that hold a grade down: conditions in CQL2 over what the part's
//! indicators found.

use super::part::Part;
use crate::domain::filter::{Filter, Kind, Property, Value};
use crate::domain::review::grade::Grade;
use crate::domain::review::indicator::Indicator;
use crate::domain::review::receipt::{GradedBy, Line};
use serde::{Deserialize, Deserializer, de::Error};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// The names of what a rule may look at: the figures of indicators, what each gives of its weight, and the score.
static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let figures = Indicator::ALL.iter().map(|one| one.key().to_owned());
    let ratios = Indicator::ALL.iter().map(|one| format!("{}_ratio", one.key()));
    figures.chain(ratios).chain(["score".to_owned()]).collect()
});

static PROPERTIES: LazyLock<Vec<Property<'static>>> =
    LazyLock::new(|| NAMES.iter().map(|name| Property { name, holds: Kind::Number }).collect());

/// A condition over the figures of a parcel, with the text that it was read from.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The text.
    pub text: String,
    filter: Filter,
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let filter = Filter::parse(&text, &PROPERTIES).map_err(D::Error::custom)?;
        Ok(Self { text, filter })
    }
}

/// A grade with the condition under which it is given, or beyond which a grade is held down to it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GradeRule {
    /// The grade.
    pub grade: Grade,
    /// Of which parcels it holds.
    pub when: Condition,
}

/// Why rules give no grade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undecided {
    /// What is unknown of what the rule looks at.
    pub unknown: Vec<Indicator>,
    /// The rule that hangs on it.
    pub when: String,
}

impl Condition {
    /// The indicators that it names.
    pub fn indicators(&self) -> BTreeSet<Indicator> {
        self.filter.properties().into_iter().filter_map(indicator).collect()
    }

    /// The indicators whose figures it names.
    pub fn figures(&self) -> BTreeSet<Indicator> {
        let figures = self.filter.properties().into_iter().filter(|index| *index < Indicator::ALL.len());
        figures.filter_map(indicator).collect()
    }

    fn decide(&self, lines: &[Line], score: Option<f64>) -> Result<bool, Undecided> {
        let unknown = RefCell::new(BTreeSet::new());
        let value = |index: usize| {
            let found = match indicator(index) {
                None => score,
                Some(key) => {
                    let line = lines.iter().find(|line| line.key == key);
                    line.and_then(|line| if index < Indicator::ALL.len() { line.value } else { line.ratio() })
                }
            };
            if found.is_none() {
                unknown.borrow_mut().extend(indicator(index));
            }
            found.map(Value::Number)
        };
        let holds = self.filter.holds(&value);
        holds.ok_or_else(|| Undecided { unknown: unknown.take().into_iter().collect(), when: self.text.clone() })
    }
}

/// The indicator that a property is about; nothing for the score.
fn indicator(index: usize) -> Option<Indicator> {
    let all = Indicator::ALL.len();
    (index < 2 * all).then(|| Indicator::ALL[index % all])
}

/// What the rules of a part say of what was found: the grade that they give, where grades are given by rules, and what holds
/// it down. The first rule that holds gives the grade; one that hangs on something unknown leaves it undecided.
pub fn ruled(part: &Part, lines: &[Line], score: Option<f64>) -> Result<Ruled, Undecided> {
    let cuts = &part.cutoffs;
    let mut given = None;
    if let Some(otherwise) = cuts.otherwise {
        let mut by = GradedBy { grade: otherwise, limits: false, when: String::new() };
        for rule in &cuts.rule {
            if rule.when.decide(lines, score)? {
                by = GradedBy { grade: rule.grade, limits: false, when: rule.when.text.clone() };
                break;
            }
        }
        given = Some(by);
    }
    let mut limits = Vec::new();
    for rule in &cuts.limit {
        if rule.when.decide(lines, score)? {
            limits.push(GradedBy { grade: rule.grade, limits: true, when: rule.when.text.clone() });
        }
    }
    Ok(Ruled { given, limits })
}

/// What rules say of a parcel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ruled {
    /// The rule that gives the grade; nothing where grades are cut.
    pub given: Option<GradedBy>,
    /// The rules that hold it down.
    pub limits: Vec<GradedBy>,
}

impl Ruled {
    /// The grade under these rules, of one that is otherwise graded so.
    pub fn grade(&self, cut: Grade) -> Grade {
        let given = self.given.as_ref().map_or(cut, |by| by.grade);
        self.limits.iter().map(|by| by.grade).fold(given, Grade::max)
    }

    /// The rules that made the grade what it is, of one that is otherwise graded so.
    pub fn by(&self, cut: Grade) -> Vec<GradedBy> {
        let given = self.given.as_ref().map_or(cut, |by| by.grade);
        let holding = self.limits.iter().filter(|by| by.grade > given);
        self.given.iter().chain(holding).cloned().collect()
    }
}
