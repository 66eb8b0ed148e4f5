//! Obligations (履约事项): what a contract promises, until when, and what came of it.

use crate::domain::intake::{
    Field,
    FieldType::{Date, Number, Text},
    Reading, field,
};
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// The fields of an obligations data set.
pub const FIELDS: &[Field] = &[
    field("obligation_no", Text, true),
    field("contract_no", Text, true),
    field("kind", Text, true),
    field("due_on", Date, false),
    field("target", Number, false),
    field("unit", Text, false),
    field("comparator", Text, false),
    field("met_on", Date, false),
    field("achieved", Number, false),
    field("excuse", Text, false),
];

/// What is promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObligationKind {
    /// 开工.
    Start,
    /// 竣工.
    Completion,
    /// 投产.
    Production,
    /// 达产.
    FullProduction,
    /// Fixed-asset investment.
    Investment,
    /// Yearly output.
    Output,
    /// Yearly tax.
    Tax,
    /// Energy use.
    Energy,
    /// Emissions.
    Emissions,
    /// Local jobs.
    Jobs,
    /// Lowest plot ratio.
    PlotRatioLow,
    /// Highest plot ratio.
    PlotRatioHigh,
}

impl ObligationKind {
    /// Every kind with its word.
    pub const WORDS: [(&'static str, Self); 12] = [
        ("start", Self::Start),
        ("completion", Self::Completion),
        ("production", Self::Production),
        ("full_production", Self::FullProduction),
        ("investment", Self::Investment),
        ("output", Self::Output),
        ("tax", Self::Tax),
        ("energy", Self::Energy),
        ("emissions", Self::Emissions),
        ("jobs", Self::Jobs),
        ("plot_ratio_low", Self::PlotRatioLow),
        ("plot_ratio_high", Self::PlotRatioHigh),
    ];

    /// The word used in data and on the wire.
    pub fn name(self) -> &'static str {
        Self::WORDS.iter().find(|(_, kind)| *kind == self).map_or("", |(word, _)| word)
    }

    /// Whether it is about a day rather than a figure.
    pub fn is_milestone(self) -> bool {
        matches!(self, Self::Start | Self::Completion | Self::Production | Self::FullProduction)
    }
}

/// Why a delay is not the holder's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excuse {
    /// The government caused it.
    Government,
    /// Force majeure.
    ForceMajeure,
}

impl Excuse {
    /// The word used in data and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Government => "government",
            Self::ForceMajeure => "force_majeure",
        }
    }
}

/// An obligation as a data set gives it.
#[derive(Debug, Clone, PartialEq)]
pub struct Obligation {
    /// Its number.
    pub number: String,
    /// The contract it belongs to.
    pub contract: String,
    /// What is promised.
    pub kind: ObligationKind,
    /// Until when.
    pub due_on: Option<NaiveDate>,
    /// The figure promised.
    pub target: Option<Decimal>,
    /// The unit of the figure.
    pub unit: Option<String>,
    /// Whether the figure is a ceiling (<=) rather than a floor (>=).
    pub at_most: bool,
    /// When it was met.
    pub met_on: Option<NaiveDate>,
    /// The figure reached.
    pub achieved: Option<Decimal>,
    /// Why a delay is not the holder's fault.
    pub excuse: Option<Excuse>,
}

/// Reads one row; faults are kept in the reading.
pub fn read(row: &mut Reading<'_>) -> Option<Obligation> {
    let number = row.required_text("obligation_no");
    let contract = row.required_text("contract_no");
    row.required_text("kind");
    let kind = row.word("kind", &ObligationKind::WORDS);
    let due_on = row.date("due_on");
    let target = row.decimal("target");
    if let Some(kind) = kind {
        if kind.is_milestone() && due_on.is_none() {
            row.refuse("missing-value", "due_on", "", "a day: a milestone has a due date");
        }
        if !kind.is_milestone() && target.is_none() {
            row.refuse("missing-value", "target", "", "a figure: this kind of obligation promises one");
        }
    }
    let unit = row.text("unit");
    let at_most = row.word("comparator", &[(">=", false), ("<=", true)]).unwrap_or(false);
    let met_on = row.date("met_on");
    let achieved = row.decimal("achieved");
    let excuse = row.word("excuse", &[("government", Excuse::Government), ("force_majeure", Excuse::ForceMajeure)]);
    Some(Obligation {
        number: number?,
        contract: contract?,
        kind: kind?,
        due_on,
        target,
        unit,
        at_most,
        met_on,
        achieved,
        excuse,
    })
}

/// How many days late an obligation was met, or is while it is open; nothing while it is not late.
pub fn late_days(due_on: Option<NaiveDate>, met_on: Option<NaiveDate>, today: NaiveDate) -> Option<i64> {
    let late = (met_on.unwrap_or(today) - due_on?).num_days();
    (late > 0).then_some(late)
}
