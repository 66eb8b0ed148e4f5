//! The decision table: from what a review found to what it recommends, with the legal ground and the evidence that
//! would be needed. Data, first match wins; a recommendation compels nobody.

use super::grade::Grade;
use super::scheme::{SchemeError, Words};
use crate::domain::zoning::Tier;
use serde::{Deserialize, Serialize};

/// The idle-land track (Order 53): by how long the condition holds and whose fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Idle {
    /// Not idle.
    None,
    /// One year and less than two, the holder's fault.
    OneYear,
    /// Two years or more, the holder's fault.
    TwoYears,
    /// Idle through the government or force majeure.
    Excused,
}

/// The contract track: how late works began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// In time, excused, or not promised.
    InTime,
    /// Not begun, at most a year late.
    Late,
    /// Not begun, more than a year late.
    OverAYear,
}

/// Where the term of the contract stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Term {
    /// It runs, or there is none.
    Running,
    /// It ends within the time of the reminder.
    Expiring,
    /// It has ended, and the register has no later contract.
    Expired,
}

/// Where land lies to the construction area of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConstructionArea {
    /// Inside.
    Inside,
    /// Outside ("198").
    Outside,
    /// The layer is not in the register.
    Unknown,
}

/// What the table looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Situation {
    /// The grade.
    pub grade: Grade,
    /// The idle-land track.
    pub idle: Idle,
    /// The contract track.
    pub start: Start,
    /// Whether a fault caps the grade.
    pub veto: bool,
    /// Where the term of the contract stands.
    pub term: Term,
    /// The tier.
    pub tier: Tier,
    /// Whether the contract carries performance terms.
    pub performance_terms: bool,
    /// Inside or outside the construction area.
    pub construction_area: ConstructionArea,
}

impl Situation {
    /// Every situation there is: what the table must answer.
    pub fn all() -> impl Iterator<Item = Self> {
        let idles = [Idle::None, Idle::OneYear, Idle::TwoYears, Idle::Excused];
        let starts = [Start::InTime, Start::Late, Start::OverAYear];
        let areas = [ConstructionArea::Inside, ConstructionArea::Outside, ConstructionArea::Unknown];
        let terms = [Term::Running, Term::Expiring, Term::Expired];
        let count = Grade::ALL.len() * idles.len() * starts.len() * terms.len() * Tier::ALL.len() * areas.len() * 4;
        (0..count).map(move |number| {
            let mut rest = number;
            let mut digit = |base: usize| {
                let digit = rest % base;
                rest /= base;
                digit
            };
            Self {
                grade: Grade::ALL[digit(Grade::ALL.len())],
                idle: idles[digit(idles.len())],
                start: starts[digit(starts.len())],
                term: terms[digit(terms.len())],
                tier: Tier::ALL[digit(Tier::ALL.len())],
                construction_area: areas[digit(areas.len())],
                veto: digit(2) == 1,
                performance_terms: digit(2) == 1,
            }
        })
    }
}

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
    performance_terms: Option<bool>,
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
            && self.performance_terms.is_none_or(|asked| asked == situation.performance_terms)
    }
}

/// One row of the table.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Its name, quoted by receipts.
    pub id: String,
    /// When it fires.
    pub when: When,
    /// What it recommends, a stable word.
    pub outcome: String,
    /// By which way: a stable word, empty where nothing is to be done.
    pub channel: String,
    /// The recommendation in words.
    pub title: Words,
    /// The legal ground; empty where nothing is asked of the holder.
    pub ground: Words,
    /// What must be shown before it can be acted on.
    pub evidence: Words,
    /// The list it puts the parcel on.
    pub list: Option<List>,
    /// Where the row comes from.
    pub source: String,
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
    /// Its rows, in order.
    #[serde(rename = "row")]
    pub rows: Vec<Row>,
}

impl DecisionTable {
    /// Reads a table; refuses one that has a name twice, leaves a situation unanswered, holds a row that can never
    /// fire, or puts a parcel on the exit list without a legal ground and the evidence it needs.
    pub fn parse(text: &str) -> Result<Self, SchemeError> {
        let table: Self = toml::from_str(text)?;
        let refuse = |place: String, problem: String| Err(SchemeError::Value { place, problem });
        for (index, row) in table.rows.iter().enumerate() {
            if table.rows[..index].iter().any(|earlier| earlier.id == row.id) {
                return refuse(format!("row {}", row.id), "stands twice; expected each id once".into());
            }
            if row.list == Some(List::Exit) && (row.ground.zh.is_empty() || row.ground.en.is_empty()) {
                return refuse(format!("row {}", row.id), "proposes exit without naming a legal ground".into());
            }
            if row.list == Some(List::Exit) && (row.evidence.zh.is_empty() || row.evidence.en.is_empty()) {
                return refuse(format!("row {}", row.id), "proposes exit without naming the evidence it needs".into());
            }
        }
        let mut fired = vec![false; table.rows.len()];
        for situation in Situation::all() {
            match table.rows.iter().position(|row| row.when.holds(&situation)) {
                Some(index) => fired[index] = true,
                None => return refuse("rows".into(), format!("none answers {situation:?}")),
            }
        }
        match fired.iter().position(|fired| !fired) {
            Some(index) => refuse(
                format!("row {}", table.rows[index].id),
                "can never fire: the rows above it answer everything it asks for".into(),
            ),
            None => Ok(table),
        }
    }

    /// The number of the row that answers a situation. The check at reading proved that there is one.
    pub fn decide(&self, situation: &Situation) -> Option<usize> {
        self.rows.iter().position(|row| row.when.holds(situation))
    }
}
