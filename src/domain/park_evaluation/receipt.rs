//! What an evaluation of a park rests on, whole: the facts, the benchmarks of the year, what each figure gave, the scheme.
//! Canonical JSON, so that equal receipts have equal bytes and one hash.

use super::evaluate::{Evaluation, Line, evaluate};
use super::indicator::ParkFacts;
use super::scheme::ParkScheme;
use super::standing::Year;
use crate::domain::review::canonical;
use crate::domain::review::receipt::RulesUsed;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// The form in which receipts are written. Raised whenever the same result would be written otherwise.
const FORMAT: u32 = 1;

/// A park's year with everything that it rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParkReceipt {
    /// The day whose law and land it looks at.
    pub as_of: NaiveDate,
    /// What the year counts as.
    pub came_to: Year,
    /// The share of the weights whose figures are known.
    pub coverage: f64,
    /// The facts.
    pub facts: ParkFacts,
    /// Its form.
    pub format: u32,
    /// Its indicators, in the order of the scheme.
    pub indicators: Vec<Line>,
    /// How many parks were judged.
    pub judged: u32,
    /// How many parks were looked at.
    pub of: u32,
    /// Its place, 1 the best.
    pub rank: Option<u32>,
    /// The published review of parcels out of which the grades of its land are.
    pub review_run: Option<i64>,
    /// The scheme.
    pub rules: RulesUsed,
    /// The score.
    pub score: Option<f64>,
    /// The stars.
    pub stars: Option<u8>,
    /// The year.
    pub year: i32,
}

/// What is evaluated, beside the facts.
#[derive(Debug, Clone)]
pub struct Round {
    /// The year.
    pub year: i32,
    /// The day whose law and land it looks at.
    pub as_of: NaiveDate,
    /// The published review of parcels out of which the grades are.
    pub review_run: Option<i64>,
    /// The hash of the kept text of the scheme.
    pub rules_hash: String,
}

impl ParkReceipt {
    /// The canonical bytes (RFC 8785).
    pub fn canonical(&self) -> Result<String, serde_json::Error> {
        canonical::to_string(self)
    }
}

/// Evaluates the parks of a round; the receipts come in the order of codes.
pub fn receipts(scheme: &ParkScheme, round: &Round, facts: Vec<ParkFacts>) -> Vec<ParkReceipt> {
    let mut found = evaluate(scheme, &facts);
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let (of, judged) = (count(found.len()), count(found.iter().filter(|one| one.score.is_some()).count()));
    found.sort_by(|a, b| a.code.cmp(&b.code));
    let mut facts = facts;
    facts.sort_by(|a, b| a.code.cmp(&b.code));
    let rules = RulesUsed { hash: round.rules_hash.clone(), scheme: scheme.label() };
    let one = |(found, facts): (Evaluation, ParkFacts)| ParkReceipt {
        as_of: round.as_of,
        came_to: found.year,
        coverage: found.coverage,
        facts,
        format: FORMAT,
        indicators: found.lines,
        judged,
        of,
        rank: found.rank,
        review_run: round.review_run,
        rules: rules.clone(),
        score: found.score,
        stars: found.stars,
        year: round.year,
    };
    found.into_iter().zip(facts).map(one).collect()
}
