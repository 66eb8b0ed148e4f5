//! Review schemes: dated data that say what is in scope, which indicators count how much against which benchmark, and
//! where the grades are cut. Read from TOML and checked; nothing of it stands in code.

mod check;
pub mod part;
pub mod points;
pub mod record;
pub mod rules;

use super::facts::VetoFact;
use super::grade::Grade;
use chrono::NaiveDate;
use part::{Adjustment, AdjustmentLimit, Benchmark, Cutoffs, Part, Peers, Ungraded, Veto, Weighed};
use points::OneOf;
use record::{Clause, Record};
use serde::{Deserialize, Serialize};

/// Why a scheme was refused.
#[derive(Debug, thiserror::Error)]
pub enum SchemeError {
    /// The text is not a scheme.
    #[error("it cannot be read")]
    Syntax(#[from] toml::de::Error),
    /// A value of it makes no sense.
    #[error("{place}: {problem}")]
    Value {
        /// Which key.
        place: String,
        /// What is wrong with it, and what would be right.
        problem: String,
    },
    /// It does not hold on the day.
    #[error(
        "scheme {name} is in force from {from} until {until}, not on {day}; choose another with --scheme or another day with --as-of"
    )]
    NotInForce {
        /// Its name.
        name: String,
        /// Its first day.
        from: NaiveDate,
        /// Its last day, or "further notice".
        until: String,
        /// The day asked for.
        day: NaiveDate,
    },
}

/// A day in a rule file: a TOML date, or the same in quotes.
pub(crate) mod day {
    use chrono::NaiveDate;
    use serde::{Deserialize, Deserializer, de::Error};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Date(toml::value::Datetime),
        Text(String),
    }

    pub(crate) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveDate, D::Error> {
        let text = match Written::deserialize(deserializer)? {
            Written::Date(date) => date.to_string(),
            Written::Text(text) => text,
        };
        text.parse().map_err(|_| D::Error::custom(format!("{text:?} is no day; expected one such as 2026-06-30")))
    }

    pub(crate) fn read_optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDate>, D::Error> {
        read(deserializer).map(Some)
    }
}

/// A text in the two languages of the product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

/// A review scheme.
#[derive(Debug, Clone, PartialEq)]
pub struct Scheme {
    /// Its name, as given to `--scheme`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its title.
    pub title: Words,
    /// The first day on which it may be used.
    pub effective_from: NaiveDate,
    /// The last day, if it has one.
    pub effective_to: Option<NaiveDate>,
    /// Where it comes from, or "assumption".
    pub source: String,
    /// Which parcels it judges.
    pub scope: Scope,
    /// What is judged as one.
    pub unit: Unit,
    /// Which years it looks at.
    pub window: Window,
    /// How many years lie between two reviews in use, where the scheme says so: 3 to 5.
    pub review_years: Option<u32>,
    /// What keeps a parcel from being judged.
    pub gate: Gate,
    /// What else does.
    pub ungraded: Vec<Ungraded>,
    /// Which faults cap the grade.
    pub vetoes: Vec<Veto>,
    /// What is added to a score or taken from it.
    pub adjustments: Vec<Adjustment>,
    /// How much of that counts together.
    pub adjustment_limit: AdjustmentLimit,
    /// Its parts; the first that takes a parcel judges it.
    pub parts: Vec<Part>,
}

/// A scheme as it is written: what stands outside the parts holds for each part that says nothing itself.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    version: String,
    title: Words,
    #[serde(deserialize_with = "day::read")]
    effective_from: NaiveDate,
    #[serde(default, deserialize_with = "day::read_optional")]
    effective_to: Option<NaiveDate>,
    source: String,
    scope: Scope,
    #[serde(default)]
    unit: Unit,
    window: Window,
    review_years: Option<u32>,
    gate: Gate,
    #[serde(default)]
    ungraded: Vec<Ungraded>,
    #[serde(default, rename = "veto")]
    vetoes: Vec<Veto>,
    #[serde(default, rename = "adjustment")]
    adjustments: Vec<Adjustment>,
    #[serde(default)]
    adjustment_limit: AdjustmentLimit,
    peers: Option<Peers>,
    cutoffs: Option<Cutoffs>,
    #[serde(default)]
    one_of: Vec<OneOf>,
    #[serde(default, rename = "indicator")]
    indicators: Vec<Weighed>,
    #[serde(default, rename = "part")]
    parts: Vec<WrittenPart>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPart {
    name: String,
    filter: Option<Clause>,
    #[serde(default = "hundred")]
    total: f64,
    peers: Option<Peers>,
    cutoffs: Option<Cutoffs>,
    #[serde(default)]
    one_of: Vec<OneOf>,
    #[serde(default, rename = "indicator")]
    indicators: Vec<Weighed>,
}

fn hundred() -> f64 {
    100.0
}

impl Written {
    fn resolve(self) -> Result<Scheme, SchemeError> {
        let Self { peers, cutoffs, one_of, indicators, .. } = self;
        let mut written = self.parts;
        if written.is_empty() {
            let name = String::new();
            let all = WrittenPart { name, filter: None, total: 100.0, peers: None, cutoffs: None, one_of, indicators };
            written.push(all);
        } else if !indicators.is_empty() || !one_of.is_empty() {
            let place = if indicators.is_empty() { "one_of" } else { "indicator" };
            return Err(SchemeError::Value {
                place: place.into(),
                problem: format!("stands beside parts; expected each {place} inside a [[part]]"),
            });
        }
        let parts = written
            .into_iter()
            .map(|part| {
                let lacks = |what: &str| SchemeError::Value {
                    place: if part.name.is_empty() { what.to_owned() } else { format!("part {:?}, {what}", part.name) },
                    problem: format!("is missing; expected it in the part or for the whole scheme, as [{what}]"),
                };
                Ok(Part {
                    peers: part.peers.or_else(|| peers.clone()).ok_or_else(|| lacks("peers"))?,
                    cutoffs: part.cutoffs.or_else(|| cutoffs.clone()).ok_or_else(|| lacks("cutoffs"))?,
                    name: part.name,
                    filter: part.filter,
                    total: part.total,
                    one_of: part.one_of,
                    indicators: part.indicators,
                })
            })
            .collect::<Result<Vec<Part>, SchemeError>>()?;
        Ok(Scheme {
            name: self.name,
            version: self.version,
            title: self.title,
            effective_from: self.effective_from,
            effective_to: self.effective_to,
            source: self.source,
            scope: self.scope,
            unit: self.unit,
            window: self.window,
            review_years: self.review_years,
            gate: self.gate,
            ungraded: self.ungraded,
            vetoes: self.vetoes,
            adjustments: self.adjustments,
            adjustment_limit: self.adjustment_limit,
            parts,
        })
    }
}

/// Which parcels a scheme judges: those that both of its keys take.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// Beginnings of land-use codes: "M" covers M1, M2 and M4.
    pub land_use: Vec<String>,
    /// What else a parcel must be like.
    pub filter: Option<Clause>,
}

/// What is judged as one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Each parcel by itself.
    #[default]
    Parcel,
    /// All parcels in one part with the same main user, on their sums; each then carries what came of that.
    Holder,
}

/// How the years of a window make one figure.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Combine {
    /// The mean of the known years.
    #[default]
    Mean,
    /// The newest known year.
    Newest,
    /// The weighted mean of the known years; the weights stand from the oldest year to the newest.
    Weights(Vec<f64>),
}

/// Which years a scheme looks at.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// How many full years before the day, 3 to 5.
    pub years: u32,
    /// In how many of them a figure must be known.
    pub least_years: u32,
    /// How they make one figure.
    #[serde(default)]
    pub combine: Combine,
}

/// What keeps a parcel from being judged.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// The share of the weights whose figures must be known, 0 to 1.
    pub coverage: f64,
    /// Where that share comes from, or "assumption".
    pub coverage_source: String,
    /// The share of a parcel's used floor area that may be unreported before a yearly figure counts as unknown.
    pub unreported_floor: f64,
    /// Fewer years in use than these, and the parcel is too young to be judged.
    pub least_years_in_use: u32,
    /// Beginnings of GB/T 4754 classes that are not judged: utilities.
    pub exempt_industries: Vec<String>,
}

impl Scheme {
    /// Reads a scheme and checks that it makes sense.
    pub fn parse(text: &str) -> Result<Self, SchemeError> {
        let scheme = toml::from_str::<Written>(text)?.resolve()?;
        scheme.faults().into_iter().next().map_or(Ok(scheme), Err)
    }

    /// Everything that is wrong with a text; nothing for a scheme that makes sense.
    pub fn faults_of(text: &str) -> Vec<SchemeError> {
        match toml::from_str::<Written>(text).map_err(SchemeError::from).and_then(Written::resolve) {
            Ok(scheme) => scheme.faults(),
            Err(error) => vec![error],
        }
    }

    /// The place of the part that judges a record; nothing for one out of scope.
    pub fn part_of(&self, record: &Record<'_>) -> Option<usize> {
        let takes = |filter: &Option<Clause>| filter.as_ref().is_none_or(|filter| filter.holds(record));
        (self.covers(&record.facts.land_use) && takes(&self.scope.filter))
            .then(|| self.parts.iter().position(|part| takes(&part.filter)))
            .flatten()
    }

    /// The worst grade that faults leave on a day.
    pub fn capped_at(&self, faults: &[VetoFact], day: NaiveDate) -> Option<Grade> {
        let counting = self.vetoes.iter().filter(|veto| faults.iter().any(|fault| veto.counts(fault, day)));
        counting.map(|veto| veto.caps_at).max()
    }

    /// Whether it measures against what the last round found.
    pub fn asks_last_round(&self) -> bool {
        let indicators = self.parts.iter().flat_map(|part| &part.indicators);
        indicators.into_iter().any(|one| matches!(one.benchmark, Some(Benchmark::LastRoundMean { .. })))
    }

    /// Refuses to be used on a day on which it is not in force.
    pub fn in_force(&self, day: NaiveDate) -> Result<(), SchemeError> {
        if day < self.effective_from || self.effective_to.is_some_and(|until| day > until) {
            return Err(SchemeError::NotInForce {
                name: self.name.clone(),
                from: self.effective_from,
                until: self.effective_to.map_or_else(|| "further notice".to_owned(), |until| until.to_string()),
                day,
            });
        }
        Ok(())
    }

    /// Whether a land use is in scope; what else a parcel must be like is for [`Self::part_of`].
    pub fn covers(&self, land_use: &str) -> bool {
        self.scope.land_use.iter().any(|start| !start.is_empty() && land_use.starts_with(start.as_str()))
    }

    /// Name and version together.
    pub fn label(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }
}
