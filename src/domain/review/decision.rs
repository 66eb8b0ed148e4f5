//! The decision table: from what a review found to what it recommends, with the legal ground and the evidence that
//! would be needed. Data, in no order: every situation has exactly one row, which reading the table proves. A
//! recommendation compels nobody, and a grade alone is no ground for compulsion.

use super::scheme::{SchemeError, Words};
use crate::domain::rulebook::{Rulebook, Unit};
use crate::domain::zoning::Tier;
use crate::domain::zoning::legacy::Class;
use serde::{Deserialize, Serialize};

pub use super::channel::{Basis, Channel};
pub use super::grade::Grade;
pub use super::situation::{ConstructionArea, Idle, Situation, Start, Term};

/// Which list a recommendation puts a parcel on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum List {
    /// Exit candidates.
    Exit,
    /// Renewal candidates ("two transformations", 二转二).
    Renewal,
}

impl List {
    /// The word used in data.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exit => "exit",
            Self::Renewal => "renewal",
        }
    }

    /// The list of that word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Exit, Self::Renewal].into_iter().find(|list| list.name() == word)
    }
}

/// Of what kind a source of a row is, by the letters of the domain reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Mark {
    /// Statute or regulation.
    L,
    /// Life-cycle grant contract.
    K,
    /// Press account.
    N,
    /// Reported second-hand.
    S,
    /// landcycle's own proposal: an assumption.
    P,
}

/// What a row asks of a situation; an empty list asks nothing.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct When {
    grade: Vec<Grade>,
    idle: Vec<Idle>,
    start: Vec<Start>,
    veto: Option<bool>,
    term: Vec<Term>,
    tier: Vec<Tier>,
    locked: Option<bool>,
    performance_terms: Option<bool>,
    terms_missed: Option<bool>,
    construction_area: Vec<ConstructionArea>,
}

impl When {
    fn holds(&self, situation: &Situation) -> bool {
        fn any<T: PartialEq>(list: &[T], value: &T) -> bool {
            list.is_empty() || list.contains(value)
        }
        any(&self.grade, &situation.grade)
            && any(&self.idle, &situation.idle)
            && any(&self.start, &situation.start)
            && any(&self.term, &situation.term)
            && any(&self.tier, &situation.tier)
            && any(&self.construction_area, &situation.construction_area)
            && self.veto.is_none_or(|asked| asked == situation.veto)
            && self.locked.is_none_or(|asked| asked == situation.locked)
            && self.performance_terms.is_none_or(|asked| asked == situation.performance_terms)
            && self.terms_missed.is_none_or(|asked| asked == situation.terms_missed)
    }
}

/// By when something is to be done. The number is the rulebook's.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deadline {
    /// The key of the rule value: days or months.
    pub value: String,
    /// The deadline in words, where `{n}` stands for the number.
    pub text: Words,
}

/// One row of the table.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Its name, quoted by receipts.
    pub id: String,
    /// What it rests on: rows of one track never yield to each other.
    pub track: String,
    /// When it answers.
    pub when: When,
    /// The tracks that it yields to: it is silent where a row of theirs asks for the situation.
    #[serde(default)]
    pub unless: Vec<String>,
    /// What it recommends, a stable word.
    pub outcome: String,
    /// By which ways, the first one first.
    pub channels: Vec<Channel>,
    /// On what kind of ground.
    pub basis: Basis,
    /// The recommendation in words.
    pub title: Words,
    /// The legal ground; empty where nothing is asked of the holder.
    pub ground: Words,
    /// What must be shown before it can be acted on.
    pub evidence: Words,
    /// By when.
    pub deadline: Option<Deadline>,
    /// What does not happen in the meantime.
    pub meanwhile: Option<Words>,
    /// The list it puts the parcel on.
    pub list: Option<List>,
    /// Of what kind its sources are.
    pub marks: Vec<Mark>,
    /// Where the row comes from.
    pub source: String,
}

/// Where the parts of the older division lie to the construction area of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConstructionAreas {
    /// Those inside.
    pub inside: Vec<Class>,
    /// Those outside.
    pub outside: Vec<Class>,
    /// Where that comes from.
    pub source: String,
    /// Whether no text was read that says so.
    pub assumption: bool,
}

/// The decision table.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecisionTable {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where it comes from.
    pub source: String,
    /// Which parts of the older division lie inside the construction area, where the table says so.
    pub construction_area: Option<ConstructionAreas>,
    /// Its rows; their order means nothing.
    #[serde(rename = "row")]
    pub rows: Vec<Row>,
}

impl DecisionTable {
    /// Reads a table and proves it sound: every row well formed, every situation answered by exactly one row, every row
    /// answering some, and no compulsory way where the fact that it rests on is missing. A fault is shown with its row
    /// and the plainest situation that has it.
    pub fn parse(text: &str) -> Result<Self, SchemeError> {
        let table: Self = toml::from_str(text)?;
        table.check_areas()?;
        for index in 0..table.rows.len() {
            table.check_row(index)?;
        }
        table.check_unique()?;
        Ok(table)
    }

    /// Where land of a part of the older division lies to the construction area; unknown where neither list has it.
    pub fn lies(&self, class: Option<Class>) -> ConstructionArea {
        match (&self.construction_area, class) {
            (Some(areas), Some(class)) if areas.inside.contains(&class) => ConstructionArea::Inside,
            (Some(areas), Some(class)) if areas.outside.contains(&class) => ConstructionArea::Outside,
            _ => ConstructionArea::Unknown,
        }
    }

    fn check_areas(&self) -> Result<(), SchemeError> {
        let Some(areas) = &self.construction_area else { return Ok(()) };
        let refuse = |problem: String| Err(SchemeError::Value { place: "construction_area".into(), problem });
        if let Some(class) = areas.inside.iter().find(|class| areas.outside.contains(class)) {
            return refuse(format!("{} stands inside and outside; expected each part once", class.name()));
        }
        if areas.source.trim().is_empty() {
            return refuse("names no source; expected where it comes from".into());
        }
        Ok(())
    }

    fn place(&self, index: usize) -> String {
        format!("row {} ({})", index + 1, self.rows[index].id)
    }

    fn check_row(&self, index: usize) -> Result<(), SchemeError> {
        let row = &self.rows[index];
        let refuse = |problem: &str| Err(SchemeError::Value { place: self.place(index), problem: problem.to_owned() });
        let is_empty = |words: &Words| words.zh.trim().is_empty() || words.en.trim().is_empty();
        if row.id.is_empty() || self.rows[..index].iter().any(|earlier| earlier.id == row.id) {
            return refuse("stands twice or has no id; expected each id once");
        }
        if is_empty(&row.title) || row.outcome.is_empty() {
            return refuse("has no title or outcome; expected a title in both languages, and a word for the outcome");
        }
        if row.marks.is_empty() || row.source.trim().is_empty() {
            return refuse("names no source; expected where it comes from, and marks of L, K, N, S or P");
        }
        if let Some(unknown) = row.unless.iter().find(|track| !self.rows.iter().any(|other| other.track == **track)) {
            return refuse(&format!("yields to track {unknown:?}, which no row is on"));
        }
        if row.unless.contains(&row.track) {
            return refuse("yields to its own track; expected rows of one track to ask for different situations");
        }
        if is_empty(&row.ground) && (row.basis != Basis::None || row.list == Some(List::Exit)) {
            return refuse("has no legal ground in both languages; expected one, or basis = \"none\" and no exit list");
        }
        if is_empty(&row.evidence) && (row.basis != Basis::None || row.list == Some(List::Exit)) {
            return refuse("names no evidence in both languages; expected what must be shown before anyone acts");
        }
        if row.deadline.as_ref().is_some_and(|d| !d.text.zh.contains("{n}") || !d.text.en.contains("{n}")) {
            return refuse("has a deadline without {n} in both languages; expected it where the number stands");
        }
        for channel in &row.channels {
            if let Some(basis) = channel.needs().filter(|basis| *basis != row.basis) {
                let channel = channel.name();
                return refuse(&format!("compels by {channel} on basis {:?}; expected basis {basis:?}", row.basis));
            }
        }
        Ok(())
    }

    fn check_unique(&self) -> Result<(), SchemeError> {
        let refuse = |place: String, problem: String| Err(SchemeError::Value { place, problem });
        let mut answered = vec![false; self.rows.len()];
        for situation in Situation::all() {
            let mut rows = self.answering(&situation);
            let Some(first) = rows.next() else {
                return refuse("rows".into(), format!("none answers: {}", situation.in_words()));
            };
            if let Some(second) = rows.next() {
                return refuse(
                    format!("{} and {}", self.place(first), self.place(second)),
                    format!(
                        "both answer: {}; let them ask for different things, or one yield to the other's track with `unless`",
                        situation.in_words()
                    ),
                );
            }
            answered[first] = true;
            for channel in &self.rows[first].channels {
                if let Some(missing) = channel.lacks(&situation) {
                    return refuse(
                        self.place(first),
                        format!("compels by {} where {missing}: {}", channel.name(), situation.in_words()),
                    );
                }
            }
        }
        match answered.iter().position(|answered| !answered) {
            Some(index) => refuse(
                self.place(index),
                "can never answer: the tracks that it yields to take everything it asks for".into(),
            ),
            None => Ok(()),
        }
    }

    /// Refuses deadlines whose number the rulebook does not have in days or months.
    pub fn check_deadlines(&self, rulebook: &Rulebook) -> Result<(), SchemeError> {
        for (index, row) in self.rows.iter().enumerate() {
            let Some(Deadline { value, .. }) = &row.deadline else { continue };
            let fits = |unit| matches!(unit, Unit::Days | Unit::Months);
            if !rulebook.values.iter().any(|one| one.key == *value && fits(one.unit)) {
                return Err(SchemeError::Value {
                    place: self.place(index),
                    problem: format!(
                        "deadline {value:?} is no rule value in days or months; expected a key of the rulebook"
                    ),
                });
            }
        }
        Ok(())
    }

    /// The rows that answer a situation: those that ask for it and yield to no track that does.
    fn answering(&self, situation: &Situation) -> impl Iterator<Item = usize> {
        let asking: Vec<usize> = (0..self.rows.len()).filter(|index| self.rows[*index].when.holds(situation)).collect();
        let others = asking.clone();
        asking.into_iter().filter(move |index| {
            let unless = &self.rows[*index].unless;
            !others.iter().any(|other| unless.contains(&self.rows[*other].track))
        })
    }

    /// The number of the row that answers a situation. The check at reading proved that there is exactly one.
    pub fn decide(&self, situation: &Situation) -> Option<usize> {
        self.answering(situation).next()
    }
}
