//! What a result rests on, whole: the figures and facts, the benchmarks then in force, what was missing, the row of the
//! decision table that fired and its ground. Canonical JSON, so that equal receipts have equal bytes and one hash;
//! fields stand in the order of their names for its sake.

use super::benchmark::Absent;
use super::canonical;
use super::decision::{Channel, List, Situation};
use super::facts::Facts;
use super::grade::Grade;
use super::indicator::Indicator;
use super::scheme::Words;
use super::scheme::part::{Adjusted, Direction};
use crate::domain::rulebook::Unit;
use chrono::NaiveDate;
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Why a parcel cannot be judged.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum NotJudged {
    /// Too little is known.
    Coverage {
        /// The share of the weights whose figures are known.
        known: f64,
        /// The share that is asked for.
        asked: f64,
    },
    /// It was taken into use too short a time ago.
    TooYoung {
        /// Since when it is in use.
        since: NaiveDate,
        /// How many years are asked for.
        asked_years: u32,
    },
    /// Its industry is not judged.
    ExemptIndustry {
        /// The class.
        industry: String,
    },
    /// An indicator that must be known is not.
    Required {
        /// Which.
        indicator: Indicator,
    },
    /// There are too few to compare it with.
    FewPeers {
        /// How many there are.
        peers: u32,
        /// How many are asked for.
        asked: u32,
    },
    /// The scheme does not judge the likes of it.
    Ungraded {
        /// The name of that rule.
        name: String,
        /// The reason, Chinese and English.
        title: [String; 2],
    },
    /// No part of the scheme takes it.
    OutOfScope,
    /// A rule for the grade hangs on a figure that is unknown.
    Undecided {
        /// The rule.
        rule: String,
        /// The figures.
        unknown: Vec<Indicator>,
    },
}

/// A rule of the scheme that gave a grade or held it down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GradedBy {
    /// The grade.
    pub grade: Grade,
    /// Whether it held the grade down to that, rather than give it.
    pub limits: bool,
    /// The rule; empty where none of them held.
    pub when: String,
}

/// Its fields in the order of their names, among them the code, which would come first otherwise.
impl Serialize for NotJudged {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::Coverage { known, asked } => {
                map.serialize_entry("asked", asked)?;
                map.serialize_entry("code", "coverage")?;
                map.serialize_entry("known", known)?;
            }
            Self::TooYoung { since, asked_years } => {
                map.serialize_entry("asked_years", asked_years)?;
                map.serialize_entry("code", "too-young")?;
                map.serialize_entry("since", since)?;
            }
            Self::ExemptIndustry { industry } => {
                map.serialize_entry("code", "exempt-industry")?;
                map.serialize_entry("industry", industry)?;
            }
            Self::Required { indicator } => {
                map.serialize_entry("code", "required")?;
                map.serialize_entry("indicator", indicator)?;
            }
            Self::FewPeers { peers, asked } => {
                map.serialize_entry("asked", asked)?;
                map.serialize_entry("code", "few-peers")?;
                map.serialize_entry("peers", peers)?;
            }
            Self::Ungraded { name, title } => {
                map.serialize_entry("code", "ungraded")?;
                map.serialize_entry("name", name)?;
                map.serialize_entry("title", title)?;
            }
            Self::OutOfScope => map.serialize_entry("code", "out-of-scope")?,
            Self::Undecided { rule, unknown } => {
                map.serialize_entry("code", "undecided")?;
                map.serialize_entry("rule", rule)?;
                map.serialize_entry("unknown", unknown)?;
            }
        }
        map.end()
    }
}

/// The holder whose parcels were judged as one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Holder {
    /// Code of the enterprise.
    pub code: String,
    /// Their land, m².
    pub land_m2: f64,
    /// Its parcels in scope.
    pub parcels: Vec<String>,
}

/// One indicator of a result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Why there is nothing to measure it against, where the scheme asks for what need not be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absent: Option<Absent>,
    /// What it was measured against; nothing where no peer has a figure.
    pub benchmark: Option<f64>,
    /// The class that gave the points, Chinese and English, where classes give them and not figures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<[String; 2]>,
    /// What of it counted, where the scheme takes figures far out back to a percentile and did so here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<f64>,
    /// Whether the points are the peers' mean in place of a missing figure.
    pub imputed: bool,
    /// Which.
    pub key: Indicator,
    /// Whether less is better.
    pub lower_is_better: bool,
    /// What it would have given, where another counts in its place: the worst or the best of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passed_over: Option<f64>,
    /// What it gave, at most weight × cap; nothing where it did not count.
    pub points: Option<f64>,
    /// The figure; nothing where it is unknown.
    pub value: Option<f64>,
    /// Its weight of 100.
    pub weight: f64,
}

impl Line {
    /// How far it stands from what its weight would give at the benchmark: below 1 is weak.
    pub fn strength(&self) -> Option<f64> {
        self.points.map(|points| points / self.weight)
    }

    /// What it gives by itself, whether or not another counts in its place.
    pub fn own_points(&self) -> Option<f64> {
        self.points.or(self.passed_over)
    }

    /// What it gives by itself of its weight.
    pub fn ratio(&self) -> Option<f64> {
        self.own_points().map(|points| points / self.weight)
    }

    /// Whether nothing is known of it: neither a figure nor a class.
    pub fn is_unknown(&self) -> bool {
        self.value.is_none() && self.class.is_none()
    }

    pub(super) fn is_lower(direction: Direction) -> bool {
        direction == Direction::Lower
    }
}

/// The rules that a result was made under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulesUsed {
    /// SHA-256 over scheme, decision table and rulebook, hex.
    pub hash: String,
    /// Name and version of the scheme.
    pub scheme: String,
}

/// By when something is to be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DueBy {
    /// The number.
    pub count: f64,
    /// The deadline in words, Chinese and English.
    pub text: [String; 2],
    /// Its unit: days or months.
    pub unit: Unit,
    /// The key of the rule value.
    pub value: String,
}

/// What the decision table recommends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// The first way, a stable word; empty where nothing is to be done.
    pub channel: String,
    /// Every way that is open, the first one first. Receipts made before there were several have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<Channel>,
    /// By when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<DueBy>,
    /// The evidence that would be needed.
    pub evidence: [String; 2],
    /// The legal ground.
    pub ground: [String; 2],
    /// The list it puts the parcel on.
    pub list: Option<List>,
    /// What does not happen in the meantime, Chinese and English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meanwhile: Option<[String; 2]>,
    /// The outcome, a stable word.
    pub outcome: String,
    /// The row that fired.
    pub row: String,
    /// The recommendation in words, Chinese and English.
    pub title: [String; 2],
}

/// Both languages of a text, in the order of [`Decision::title`].
pub(super) fn both(words: &Words) -> [String; 2] {
    [words.zh.clone(), words.en.clone()]
}

/// The form in which receipts are written now. Raised whenever the same result would be written otherwise; how it is found
/// is the formulas' version.
pub const FORMAT: u32 = 2;

/// The form of receipts that do not name theirs.
fn first_format() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "so asks the one who writes")]
fn is_first(format: &u32) -> bool {
    *format == first_format()
}

/// A result with everything that it rests on. The facts may be held in another form that is written the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Receipt<F = Facts> {
    /// What was added to the score or taken from it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adjustments: Vec<Adjusted>,
    /// The day it judges.
    pub as_of: NaiveDate,
    /// In whose place it stands, where the parcel was judged again because an objection was upheld.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrects: Option<Corrects>,
    /// The share of the weights whose figures are known.
    pub coverage: f64,
    /// What it recommends.
    pub decision: Arc<Decision>,
    /// The facts.
    pub facts: F,
    /// Its form; those made before forms were counted are of the first and name none.
    #[serde(default = "first_format", skip_serializing_if = "is_first")]
    pub format: u32,
    /// The grade.
    pub grade: Grade,
    /// The rules that made it so, where the scheme grades by rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub graded_by: Vec<GradedBy>,
    /// With whose other parcels it was judged, where the scheme judges holders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<Arc<Holder>>,
    /// Its indicators, in the order of the scheme.
    pub indicators: Vec<Line>,
    /// Why it is T, if it is.
    pub not_judged: Vec<NotJudged>,
    /// Of how many judged.
    pub of: u32,
    /// The part of the scheme that judged it, where it has more than one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub part: String,
    /// Whom it was compared with: the digits of the industry, what else they have in common, or "all".
    pub peer_group: String,
    /// How many they are.
    pub peers: u32,
    /// How many of them score higher. It is kept beside the receipt, whose form is older than it.
    #[serde(skip)]
    pub peers_ahead: Option<u32>,
    /// The place among those it is ranked with, 1 the best.
    pub rank: Option<u32>,
    /// The rules.
    pub rules: RulesUsed,
    /// The score; nothing for T.
    pub score: Option<f64>,
    /// What the decision table saw.
    pub situation: Situation,
    /// First and last year of the window.
    pub window: [i32; 2],
}

/// What a later receipt corrects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Corrects {
    /// The newest revision of the register out of which the corrected facts were read.
    pub facts_revision: i64,
    /// The objection that was upheld.
    pub objection: i64,
    /// SHA-256 of the receipt in whose place it stands, hex.
    pub receipt: String,
}

impl Decision {
    /// The words of every way that is open, the first one first.
    pub fn ways(&self) -> Vec<&str> {
        if self.channels.is_empty() {
            return Some(self.channel.as_str()).filter(|word| !word.is_empty()).into_iter().collect();
        }
        self.channels.iter().map(|channel| channel.name()).collect()
    }
}

impl<F: Serialize> Receipt<F> {
    /// The canonical bytes (RFC 8785).
    pub fn canonical(&self) -> Result<String, serde_json::Error> {
        canonical::to_string(self)
    }
}

impl<F> Receipt<F> {
    /// The keys of its weakest indicators below the benchmark, the weakest first, at most three.
    pub fn weakest(&self) -> Vec<Indicator> {
        let mut weak: Vec<(f64, Indicator)> = self
            .indicators
            .iter()
            .filter(|line| !line.imputed)
            .filter_map(|line| Some((line.strength().filter(|strength| *strength < 1.0)?, line.key)))
            .collect();
        weak.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        weak.into_iter().take(3).map(|(_, key)| key).collect()
    }
}

/// SHA-256, hex.
pub fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn why_a_parcel_cannot_be_judged_is_written_in_the_order_of_names_and_read_again() {
        let since = NaiveDate::from_ymd_opt(2025, 1, 2).unwrap();
        let title = ["中".to_owned(), "en".to_owned()];
        let all = [
            NotJudged::Coverage { known: 0.5, asked: 0.6 },
            NotJudged::TooYoung { since, asked_years: 2 },
            NotJudged::ExemptIndustry { industry: "44".into() },
            NotJudged::Required { indicator: Indicator::TaxInt },
            NotJudged::FewPeers { peers: 3, asked: 30 },
            NotJudged::Ungraded { name: "mixed".into(), title },
            NotJudged::OutOfScope,
        ];
        for one in all {
            let text = serde_json::to_string(&one).unwrap();
            assert_eq!(text, serde_json_canonicalizer::to_string(&one).unwrap());
            assert_eq!(serde_json::from_str::<NotJudged>(&text).unwrap(), one);
        }
    }
}
