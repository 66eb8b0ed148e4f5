//! What a part of a scheme is made of: peers, indicators with benchmark and weight, cut-offs; and what caps, adds to or
//! forbids a grade.

use super::Words;
use super::points::{Classes, OneOf, Steps};
use super::record::Clause;
use super::rules::GradeRule;
use crate::domain::review::facts::VetoFact;
use crate::domain::review::grade::Grade;
use crate::domain::review::indicator::Indicator;
use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

/// A part of a scheme: those parcels that are judged by one formula.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Its name; empty for the only one.
    pub name: String,
    /// Which parcels it takes; all that the earlier parts left, where it says nothing.
    pub filter: Option<Clause>,
    /// What the weights sum to, and what a parcel scores that meets every benchmark.
    pub total: f64,
    /// Whom a parcel is compared with.
    pub peers: Peers,
    /// Where the grades are cut.
    pub cutoffs: Cutoffs,
    /// The sets of indicators of which one counts.
    pub one_of: Vec<OneOf>,
    /// What counts, and how much.
    pub indicators: Vec<Weighed>,
}

impl Part {
    /// How many indicators share the weight of one: those of its set, else it alone.
    #[expect(clippy::cast_precision_loss, reason = "a part has a handful of indicators")]
    pub fn sharing(&self, one: &Weighed) -> f64 {
        if one.one_of.is_none() {
            return 1.0;
        }
        self.indicators.iter().filter(|other| other.one_of == one.one_of).count() as f64
    }
}

/// Whom a parcel is compared with: the first level whose group is large enough, and at last all of the part.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peers {
    /// The narrowest level first; the parcels of a group agree in all keys of its level.
    pub levels: Vec<Vec<PeerKey>>,
    /// Groups of fewer are compared on the next level.
    pub least: usize,
    /// What becomes of a parcel when all of the part are still fewer.
    #[serde(default)]
    pub too_few: TooFew,
    /// Upper bounds of the bands of `size`, in mu, ascending.
    #[serde(default)]
    pub size_mu: Vec<f64>,
}

/// What peers have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PeerKey {
    /// The first sign of the industry class (GB/T 4754).
    #[serde(rename = "industry-1")]
    Industry1,
    /// The first two.
    #[serde(rename = "industry-2")]
    Industry2,
    /// The first three.
    #[serde(rename = "industry-3")]
    Industry3,
    /// The whole class.
    #[serde(rename = "industry-4")]
    Industry4,
    /// The tier of its land.
    Tier,
    /// The district.
    District,
    /// The park.
    Park,
    /// The land-use code.
    LandUse,
    /// The band of its area.
    Size,
    /// Whether its main user is above scale (规上).
    Scale,
}

/// What becomes of a parcel without enough peers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TooFew {
    /// It is compared with those there are.
    #[default]
    Compare,
    /// It cannot be judged.
    Refuse,
}

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
    /// What lies in a band is best.
    Band,
    /// A table gives points by thresholds.
    Steps,
    /// A table gives points by the class of the parcel.
    Classes,
}

/// Where a figure is best: full points from `low` to `high`, falling in a line to nothing at `none_below` and `none_above`.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Band {
    /// Nothing from here down.
    pub none_below: f64,
    /// Full points from here.
    pub low: f64,
    /// To here.
    pub high: f64,
    /// Nothing from here up.
    pub none_above: f64,
}

/// What a figure is measured against.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Benchmark {
    /// A figure of the scheme.
    Fixed {
        /// The figure, in the indicator's unit.
        value: f64,
    },
    /// A value of the rulebook in force on the day.
    Rulebook {
        /// Its key.
        key: String,
    },
    /// The mean of the peer group.
    PeerMean {
        /// A multiple of it.
        #[serde(default = "once")]
        factor: f64,
    },
    /// A percentile of the peer group, by linear interpolation.
    PeerPercentile {
        /// Which, above 0 and below 100.
        at: f64,
    },
    /// What the contract of the parcel promises.
    ContractTarget {
        /// A multiple of it.
        #[serde(default = "once")]
        factor: f64,
    },
    /// The mean that the latest published run of the same kind found before this one, in the part of the same name.
    LastRoundMean {
        /// A multiple of it.
        #[serde(default = "once")]
        factor: f64,
    },
    /// The mean that the peer group had in an earlier year of the window.
    EarlierMean {
        /// How many years before the last one, at least 1.
        years_back: u32,
        /// A multiple of it.
        #[serde(default = "once")]
        factor: f64,
    },
}

fn once() -> f64 {
    1.0
}

/// What becomes of an indicator without a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// The others share its weight.
    Reweigh,
    /// It takes the mean points of the peer group.
    GroupMean,
    /// The parcel cannot be judged.
    Refuse,
}

/// Percentiles of the peer group beyond which a figure counts as if it were the percentile.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Winsorise {
    /// The lower one, from 0.
    pub low: f64,
    /// The upper one, to 100.
    pub high: f64,
}

/// An indicator with its weight.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weighed {
    /// Which.
    pub key: Indicator,
    /// How much it counts; the weights of a part sum to its total.
    pub weight: f64,
    /// Which way is better.
    pub direction: Direction,
    /// What it is measured against; nothing for a band.
    pub benchmark: Option<Benchmark>,
    /// Where it is best, for a band.
    pub band: Option<Band>,
    /// The points by thresholds, for steps.
    pub steps: Option<Steps>,
    /// The points by class, for classes.
    pub classes: Option<Classes>,
    /// The set of which one counts, if it is of one.
    pub one_of: Option<String>,
    /// The most that a figure may count, as a multiple of the benchmark; without one it counts whatever it is.
    pub cap: Option<f64>,
    /// The least that a figure counts, as a multiple of the benchmark.
    #[serde(default)]
    pub floor: f64,
    /// Whether figures far out are taken back to a percentile first.
    pub winsorise: Option<Winsorise>,
    /// What becomes of it without a figure.
    pub missing: Missing,
    /// Where weight and benchmark come from, or "assumption".
    pub source: String,
}

/// By what grades are cut.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CutBy {
    /// By rank, the best first, in per cent of the parcels judged.
    #[default]
    Rank,
    /// By the score that is at least needed.
    Score,
    /// By rules over the figures, without cuts.
    Rules,
}

/// Among whom a parcel has its rank.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Within {
    /// All of the city that the part judged.
    #[default]
    City,
    /// Those of its district.
    District,
    /// Its peers.
    Group,
}

/// Which rank equal scores have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ties {
    /// The lower parcel code comes first.
    #[default]
    Code,
    /// They share the better rank.
    Share,
}

/// Where the grades are cut.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cutoffs {
    /// A up to here; by score, A from here up. Nothing by rules.
    pub a: Option<f64>,
    /// The same for B.
    pub b: Option<f64>,
    /// The same for C; the rest is D.
    pub c: Option<f64>,
    /// By rank or by score.
    #[serde(default)]
    pub by: CutBy,
    /// Among whom a rank is counted.
    #[serde(default)]
    pub within: Within,
    /// Which rank equal scores have.
    #[serde(default)]
    pub ties: Ties,
    /// By rules: the first that holds gives the grade.
    #[serde(default)]
    pub rule: Vec<GradeRule>,
    /// By rules: the grade where none of them holds.
    pub otherwise: Option<Grade>,
    /// What holds a grade down, however it was found.
    #[serde(default)]
    pub limit: Vec<GradeRule>,
    /// Where the cuts come from, or "assumption".
    pub source: String,
}

impl Cutoffs {
    /// The cut of a grade; nothing for D, which is the rest, and by rules.
    pub fn cut(&self, grade: Grade) -> Option<f64> {
        match grade {
            Grade::A => self.a,
            Grade::B => self.b,
            Grade::C => self.c,
            Grade::D | Grade::T => None,
        }
    }

    /// Whether rules have a say in the grade.
    pub fn asks_rules(&self) -> bool {
        self.by == CutBy::Rules || !self.limit.is_empty()
    }
}

/// A reason not to judge a parcel, beside those of the gate.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ungraded {
    /// Its name, a stable word.
    pub name: String,
    /// Of which parcels it holds.
    pub when: Clause,
    /// The reason in words.
    pub title: Words,
    /// Where it comes from, or "assumption".
    pub source: String,
}

/// Faults that cap a grade until they are cleared.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Veto {
    /// Which kinds; every kind, where it names none.
    #[serde(default)]
    pub kinds: Vec<String>,
    /// The best grade that is left.
    pub caps_at: Grade,
    /// How many calendar years a fault counts, its own and the day's included, if it is not cleared before; without a
    /// number until it is cleared.
    pub years: Option<u32>,
    /// Where it comes from, or "assumption".
    pub source: String,
}

impl Veto {
    /// Whether it takes a fault into account on a day.
    pub fn counts(&self, fault: &VetoFact, day: NaiveDate) -> bool {
        let is_kind = self.kinds.is_empty() || self.kinds.contains(&fault.kind);
        let age = day.year().saturating_sub(fault.year);
        is_kind && self.years.is_none_or(|years| i64::from(age) < i64::from(years))
    }
}

/// Points that are added to a score, or taken from it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adjustment {
    /// Its name, a stable word.
    pub name: String,
    /// To which parcels it is given.
    pub when: Clause,
    /// How many points; below zero they are taken away.
    pub points: f64,
    /// What it is for.
    pub title: Words,
    /// Where it comes from, or "assumption".
    pub source: String,
}

/// How many points the adjustments of a parcel come to together; what they come to beyond that does not count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdjustmentLimit {
    /// At most so many.
    pub most: Option<f64>,
    /// At least so many; below zero.
    pub least: Option<f64>,
}

impl AdjustmentLimit {
    /// The name under which a receipt says what did not count.
    pub const NAME: &str = "limit";

    /// What is to be added to a sum so that it keeps to the limit; nothing where it does.
    pub fn beyond(&self, sum: f64) -> Option<f64> {
        let kept = sum.max(self.least.unwrap_or(f64::NEG_INFINITY)).min(self.most.unwrap_or(f64::INFINITY));
        (kept != sum).then_some(kept - sum)
    }
}

/// An adjustment as a receipt quotes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Adjusted {
    /// Its name.
    pub name: String,
    /// Its points.
    pub points: f64,
}
