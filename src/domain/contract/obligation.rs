//! Obligations (履约事项): what a contract promises, until when, and what came of it.

use super::Validity;
use super::due::DueRule;
use crate::domain::intake::{
    Field,
    FieldType::{Date, Integer, Number, Text},
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
    field("due_after", Text, false),
    field("due_count", Integer, false),
    field("due_unit", Text, false),
    field("due_yearly", Text, false),
    field("due_from_year", Integer, false),
    field("due_to_year", Integer, false),
    field("body", Text, false),
    field("evidence", Text, false),
    field("consequence", Text, false),
    field("act", Text, false),
    field("act_on", Date, false),
    field("act_until", Date, false),
    field("act_ground", Text, false),
    field("act_document", Text, false),
    field("year", Integer, false),
    field("valid_from", Date, false),
    field("valid_to", Date, false),
];

/// What is promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// Payment of the price.
    Payment,
    /// Payment of the performance bond (履约保证金).
    Bond,
    /// Handover of the land (交地): the government's own duty.
    Handover,
    /// What of the land or its shares may be transferred.
    TransferLimit,
}

impl ObligationKind {
    /// Every kind with its word.
    pub const WORDS: [(&'static str, Self); 16] = [
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
        ("payment", Self::Payment),
        ("bond", Self::Bond),
        ("handover", Self::Handover),
        ("transfer_limit", Self::TransferLimit),
    ];

    /// The word used in data and on the wire.
    pub fn name(self) -> &'static str {
        Self::WORDS.iter().find(|(_, kind)| *kind == self).map_or("", |(word, _)| word)
    }

    /// The word for people who read Chinese.
    pub fn chinese(self) -> &'static str {
        match self {
            Self::Start => "开工",
            Self::Completion => "竣工",
            Self::Production => "投产",
            Self::FullProduction => "达产",
            Self::Investment => "固定资产投资",
            Self::Output => "产值",
            Self::Tax => "税收",
            Self::Energy => "能耗",
            Self::Emissions => "排放",
            Self::Jobs => "本地就业",
            Self::PlotRatioLow => "容积率下限",
            Self::PlotRatioHigh => "容积率上限",
            Self::Payment => "付清价款",
            Self::Bond => "履约保证金",
            Self::Handover => "交地",
            Self::TransferLimit => "转让限制",
        }
    }

    /// Whether it is about a day rather than a figure.
    pub fn is_milestone(self) -> bool {
        matches!(
            self,
            Self::Start
                | Self::Completion
                | Self::Production
                | Self::FullProduction
                | Self::Payment
                | Self::Bond
                | Self::Handover
        )
    }

    /// Whether its figure is one that a review may hold against what came of it.
    pub fn is_compared(self) -> bool {
        matches!(
            self,
            Self::Investment
                | Self::Output
                | Self::Tax
                | Self::Energy
                | Self::Emissions
                | Self::Jobs
                | Self::PlotRatioLow
                | Self::PlotRatioHigh
        )
    }

    /// The units that its figure may have; the first is the one meant where none is given, and an empty one is a bare
    /// number.
    fn units(self) -> &'static [&'static str] {
        match self {
            Self::Investment => &["万元", "万元/亩"],
            Self::Output | Self::Tax => &["万元/年", "万元/亩·年", "万元", "万元/亩"],
            Self::Energy => &["吨标煤/年", "吨标煤", "吨标煤/万元"],
            Self::Emissions => &["吨/年", "吨"],
            Self::Jobs => &["人", "%"],
            Self::PlotRatioLow | Self::PlotRatioHigh => &["", "平方米"],
            Self::TransferLimit => &["%", "平方米"],
            Self::Payment | Self::Bond => &["万元", "%"],
            Self::Start | Self::Completion | Self::Production | Self::FullProduction | Self::Handover => &[],
        }
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
    /// Every excuse with its word.
    pub const WORDS: [(&'static str, Self); 2] =
        [("government", Self::Government), ("force_majeure", Self::ForceMajeure)];

    /// The word used in data and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Government => "government",
            Self::ForceMajeure => "force_majeure",
        }
    }
}

/// Other ways in which the units of targets are written.
const UNIT_WORDS: [(&str, &str); 16] = [
    ("tce", "吨标煤"),
    ("tce/年", "吨标煤/年"),
    ("tce/yr", "吨标煤/年"),
    ("t", "吨"),
    ("t/年", "吨/年"),
    ("t/yr", "吨/年"),
    ("persons", "人"),
    ("m2", "平方米"),
    ("m²", "平方米"),
    ("㎡", "平方米"),
    ("percent", "%"),
    ("％", "%"),
    ("ratio", ""),
    ("万元/亩/年", "万元/亩·年"),
    ("万元/年·亩", "万元/亩·年"),
    ("吨标准煤", "吨标煤"),
];

/// What was decided about an obligation. A clock stops only by such a recorded ground.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// What was decided.
    pub kind: ActKind,
    /// When.
    pub on: NaiveDate,
    /// The new day of an extension.
    pub until: Option<NaiveDate>,
    /// Why.
    pub ground: String,
    /// The document that says so.
    pub document: String,
    /// The year of a yearly duty that was decided about, where one is named; else the calendar year of the decision.
    pub year: Option<i32>,
}

/// What came of a yearly duty in one year.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct YearFact {
    /// The year in which it fell due.
    pub year: i32,
    /// When it was met.
    pub met_on: Option<NaiveDate>,
    /// The figure reached.
    pub achieved: Option<Decimal>,
}

/// The kinds of decisions about an obligation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActKind {
    /// 延期.
    Extended,
    /// 免除.
    Waived,
    /// 补正: a breach was made good.
    Cured,
    /// 认定履行.
    Met,
    /// 认定违约.
    FoundBreached,
}

impl ActKind {
    /// Every kind with its word.
    pub const WORDS: [(&'static str, Self); 5] = [
        ("extended", Self::Extended),
        ("waived", Self::Waived),
        ("cured", Self::Cured),
        ("met", Self::Met),
        ("found_breached", Self::FoundBreached),
    ];

    /// The word used in data and on the wire.
    pub fn name(self) -> &'static str {
        Self::WORDS.iter().find(|(_, kind)| *kind == self).map_or("", |(word, _)| word)
    }

    const CHINESE: [(&'static str, Self); 5] = [
        ("延期", Self::Extended),
        ("免除", Self::Waived),
        ("补正", Self::Cured),
        ("认定履行", Self::Met),
        ("认定违约", Self::FoundBreached),
    ];

    /// The word for people who read Chinese.
    pub fn chinese(self) -> &'static str {
        Self::CHINESE.iter().find(|(_, kind)| *kind == self).map_or("", |(word, _)| word)
    }
}

impl Act {
    /// Reads the columns of a decision; nothing where the row has none.
    fn read(row: &mut Reading<'_>, year: Option<i32>) -> Option<Self> {
        let words: Vec<(&str, ActKind)> = ActKind::WORDS.into_iter().chain(ActKind::CHINESE).collect();
        let kind = row.word("act", &words);
        let (on, until) = (row.date("act_on"), row.date("act_until"));
        let (ground, document) = (row.text("act_ground"), row.text("act_document"));
        let Some(kind) = kind else {
            if on.is_some() || until.is_some() || ground.is_some() || document.is_some() {
                row.refuse("missing-value", "act", "", "what was decided: a day, a ground or a document is given");
            }
            return None;
        };
        if on.is_none() {
            row.refuse("missing-value", "act_on", "", "the day of the decision");
        }
        if ground.is_none() {
            row.refuse("missing-value", "act_ground", "", "why: a clock stops only by a recorded ground");
        }
        if document.is_none() {
            row.refuse("missing-value", "act_document", "", "the document that says so");
        }
        if (kind == ActKind::Extended) != until.is_some() {
            let value = until.map(|day| day.to_string()).unwrap_or_default();
            row.refuse(
                "extension-without-a-day",
                "act_until",
                &value,
                "a new day with an extension, and with nothing else",
            );
        }
        if let Some(day) = on.filter(|day| *day > row.today()) {
            row.refuse("day-in-the-future", "act_on", &day.to_string(), format!("a day up to {}", row.today()));
        }
        if let (Some(on), Some(until)) = (on, until)
            && until <= on
        {
            row.refuse("extension-without-a-day", "act_until", &until.to_string(), format!("a day after {on}"));
        }
        Some(Self { kind, on: on?, until, ground: ground?, document: document?, year })
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
    pub due: Option<DueRule>,
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
    /// Who answers for it, if not the responsible unit of the contract.
    pub body: Option<String>,
    /// What shows that it was met.
    pub evidence: Option<String>,
    /// What the contract says of a breach.
    pub consequence: Option<String>,
    /// What was decided about it.
    pub act: Option<Act>,
    /// The one year of a yearly duty of which the row speaks; its terms are then those on record.
    pub year: Option<i32>,
    /// The days on which this version is law, where the file says so.
    pub validity: Validity,
}

/// Reads one row; faults are kept in the reading.
pub fn read(row: &mut Reading<'_>) -> Option<Obligation> {
    let number = row.required_text("obligation_no");
    let contract = row.required_text("contract_no");
    row.required_text("kind");
    let kind = row.word("kind", &ObligationKind::WORDS);
    let year = year(row);
    let due = DueRule::read(row);
    let target = row.decimal("target");
    // A row about one year says nothing of the terms.
    if let (Some(kind), None) = (kind, year) {
        if kind.is_milestone() && due.is_none() {
            row.refuse("missing-value", "due_on", "", "due_on, due_after or due_yearly: a milestone has a due date");
        }
        if !kind.is_milestone() && target.is_none() {
            row.refuse("missing-value", "target", "", "a figure: this kind of obligation promises one");
        }
    }
    let unit = unit(row, kind);
    let at_most = row.word("comparator", &[(">=", false), ("<=", true)]).unwrap_or(false);
    let met_on = row.date("met_on");
    let achieved = row.decimal("achieved");
    let excuse = row.word("excuse", &Excuse::WORDS);
    let (body, evidence, consequence) = (row.text("body"), row.text("evidence"), row.text("consequence"));
    let act = Act::read(row, year);
    if let Some(year) = year
        && met_on.is_none()
        && achieved.is_none()
        && act.is_none()
    {
        row.refuse("missing-value", "achieved", "", format!("met_on, achieved or an act: what came of it in {year}"));
    }
    let validity = Validity::read(row);
    Some(Obligation {
        number: number?,
        contract: contract?,
        kind: kind?,
        due,
        target,
        unit,
        at_most,
        met_on,
        achieved,
        excuse,
        body,
        evidence,
        consequence,
        act,
        year,
        validity,
    })
}

/// The one year of which a row speaks.
fn year(row: &mut Reading<'_>) -> Option<i32> {
    let year = row.count("year")?;
    if !(1949..=2200).contains(&year) {
        row.refuse("out-of-range", "year", &year.to_string(), "a year between 1949 and 2200");
        return None;
    }
    Some(year)
}

/// The unit of a target as the register writes it; refused where it does not fit what is promised.
fn unit(row: &mut Reading<'_>, kind: Option<ObligationKind>) -> Option<String> {
    let given = row.text("unit")?;
    let word =
        UNIT_WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(&given)).map_or(given.as_str(), |(_, to)| to);
    if let Some(kind) = kind
        && !kind.units().contains(&word)
    {
        let units = kind.units().iter().filter(|unit| !unit.is_empty()).copied().collect::<Vec<_>>().join(", ");
        let expected = if units.is_empty() { "no unit".to_owned() } else { format!("one of {units}") };
        row.refuse("unit-mismatch", "unit", &given, format!("{expected} for {}", kind.name()));
        return None;
    }
    (!word.is_empty()).then(|| word.to_owned())
}

/// How many days late an obligation was met, or is while it is open; nothing while it is not late.
pub fn late_days(due_on: Option<NaiveDate>, met_on: Option<NaiveDate>, today: NaiveDate) -> Option<i64> {
    let late = (met_on.unwrap_or(today) - due_on?).num_days();
    (late > 0).then_some(late)
}
