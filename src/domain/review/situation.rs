//! What the decision table looks at: the axes of a situation, and every situation that there can be.

use super::grade::Grade;
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
    /// Inside or outside the construction area.
    pub construction_area: ConstructionArea,
    /// The grade.
    pub grade: Grade,
    /// The idle-land track.
    pub idle: Idle,
    /// Whether the plan locks the land for industry. Left out where not, as receipts made before it was looked at have it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub locked: bool,
    /// Whether the contract carries performance terms.
    pub performance_terms: bool,
    /// The contract track.
    pub start: Start,
    /// Where the term of the contract stands.
    pub term: Term,
    /// Whether one of them is due, missed and not excused. Left out where not, as older receipts have it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub terms_missed: bool,
    /// The tier.
    pub tier: Tier,
    /// Whether a fault caps the grade.
    pub veto: bool,
}

impl Situation {
    /// Every situation there can be: what the table must answer, each once. The ordinary ones come first, so that the
    /// first that shows a fault is the plainest.
    pub fn all() -> impl Iterator<Item = Self> {
        let idles = [Idle::None, Idle::OneYear, Idle::TwoYears, Idle::Excused];
        let starts = [Start::InTime, Start::Late, Start::OverAYear];
        let areas = [ConstructionArea::Inside, ConstructionArea::Outside, ConstructionArea::Unknown];
        let terms = [Term::Running, Term::Expiring, Term::Expired];
        // Terms that a contract does not carry cannot be missed.
        let performance = [(false, false), (true, false), (true, true)];
        let count = Grade::ALL.len()
            * idles.len()
            * starts.len()
            * terms.len()
            * Tier::ALL.len()
            * areas.len()
            * performance.len()
            * 4;
        (0..count).map(move |number| {
            let mut rest = number;
            let mut digit = |base: usize| {
                let digit = rest % base;
                rest /= base;
                digit
            };
            let grade = Grade::ALL[digit(Grade::ALL.len())];
            let tier = Tier::ALL[digit(Tier::ALL.len())];
            let (performance_terms, terms_missed) = performance[digit(performance.len())];
            Self {
                grade,
                tier,
                performance_terms,
                terms_missed,
                construction_area: areas[digit(areas.len())],
                locked: digit(2) == 1,
                veto: digit(2) == 1,
                term: terms[digit(terms.len())],
                start: starts[digit(starts.len())],
                idle: idles[digit(idles.len())],
            }
        })
    }

    /// The situation in words, as a fault of the table shows it.
    pub fn in_words(&self) -> String {
        let idle = match self.idle {
            Idle::None => "not idle",
            Idle::OneYear => "idle for one year",
            Idle::TwoYears => "idle for two years",
            Idle::Excused => "idle, excused",
        };
        let start = match self.start {
            Start::InTime => "works in time",
            Start::Late => "works up to a year late",
            Start::OverAYear => "works over a year late",
        };
        let term = match self.term {
            Term::Running => "term running",
            Term::Expiring => "term expiring",
            Term::Expired => "term expired",
        };
        let performance = match (self.performance_terms, self.terms_missed) {
            (false, _) => "no performance terms",
            (true, false) => "performance terms, none missed",
            (true, true) => "performance terms missed",
        };
        let area = match self.construction_area {
            ConstructionArea::Inside => "inside the construction area",
            ConstructionArea::Outside => "outside the construction area",
            ConstructionArea::Unknown => "construction area unknown",
        };
        format!(
            "grade {}, tier {}, {}, {idle}, {start}, {}, {term}, {performance}, {area}",
            self.grade.name(),
            self.tier.name(),
            if self.locked { "locked" } else { "not locked" },
            if self.veto { "an open veto" } else { "no veto" },
        )
    }
}
