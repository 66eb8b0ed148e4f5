//! Review schemes: dated data that say what is in scope, which indicators count how much against which benchmark, and
//! where the grades are cut. Read from TOML and checked; nothing of it stands in code.

use super::indicator::Indicator;
use chrono::NaiveDate;
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
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scheme {
    /// Its name, as given to `--scheme`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its title.
    pub title: Words,
    /// The first day on which it may be used.
    #[serde(deserialize_with = "day::read")]
    pub effective_from: NaiveDate,
    /// The last day, if it has one.
    #[serde(default, deserialize_with = "day::read_optional")]
    pub effective_to: Option<NaiveDate>,
    /// Where it comes from, or "assumption".
    pub source: String,
    /// Which parcels it judges.
    pub scope: Scope,
    /// Which years it looks at.
    pub window: Window,
    /// What keeps a parcel from being judged.
    pub gate: Gate,
    /// Whom a parcel is compared with.
    pub peers: Peers,
    /// What counts, and how much.
    #[serde(rename = "indicator")]
    pub indicators: Vec<Weighed>,
    /// Where the grades are cut.
    pub cutoffs: Cutoffs,
}

/// Which parcels a scheme judges.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// Beginnings of land-use codes: "M" covers M1, M2 and M4.
    pub land_use: Vec<String>,
}

/// Which years a scheme looks at.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// How many full years before the day, 3 to 5.
    pub years: u32,
    /// In how many of them a figure must be known.
    pub least_years: u32,
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

/// Whom a parcel is compared with: first those with the same two digits of industry, or, where there are too few, all.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peers {
    /// How many digits of the industry class make a group, 0 (one group) to 4.
    pub industry_digits: usize,
    /// Groups with fewer parcels than this are compared with the whole city.
    pub least: usize,
}

/// Whether more is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
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
    /// The mean of the peer group.
    PeerMean,
    /// A percentile of the peer group, by linear interpolation.
    PeerPercentile {
        /// Which, above 0 and below 100.
        at: f64,
    },
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

/// An indicator with its weight.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weighed {
    /// Which.
    pub key: Indicator,
    /// How much it counts; the weights of a scheme sum to 100.
    pub weight: f64,
    /// Whether more is better.
    pub direction: Direction,
    /// What it is measured against.
    pub benchmark: Benchmark,
    /// The most that a figure may count, as a multiple of the benchmark.
    pub cap: f64,
    /// What becomes of it without a figure.
    pub missing: Missing,
    /// Where weight and benchmark come from, or "assumption".
    pub source: String,
}

/// Where the grades are cut: by rank in the city, the best first, in per cent of the parcels judged.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cutoffs {
    /// Up to here A.
    pub a: f64,
    /// Up to here B.
    pub b: f64,
    /// Up to here C; the rest is D.
    pub c: f64,
    /// Where the cuts come from, or "assumption".
    pub source: String,
}

impl Scheme {
    /// Reads a scheme and checks that it makes sense.
    pub fn parse(text: &str) -> Result<Self, SchemeError> {
        let scheme: Self = toml::from_str(text)?;
        scheme.check()?;
        Ok(scheme)
    }

    fn check(&self) -> Result<(), SchemeError> {
        let refuse = |place: &str, problem: String| Err(SchemeError::Value { place: place.to_owned(), problem });
        for (place, word) in [("name", &self.name), ("version", &self.version)] {
            let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
            if word.is_empty() || word.chars().count() > 60 || !word.chars().all(fits) {
                return refuse(place, format!("{word:?}; expected 1 to 60 letters, digits, -, _ or ."));
            }
        }
        if self.scope.land_use.iter().all(String::is_empty) {
            return refuse("scope.land_use", "names no land use; expected at least one beginning of a code".into());
        }
        if !(3..=5).contains(&self.window.years) {
            return refuse("window.years", format!("{} years; expected 3 to 5", self.window.years));
        }
        if !(1..=self.window.years).contains(&self.window.least_years) {
            return refuse(
                "window.least_years",
                format!("{}; expected 1 to {}", self.window.least_years, self.window.years),
            );
        }
        for (place, share) in
            [("gate.coverage", self.gate.coverage), ("gate.unreported_floor", self.gate.unreported_floor)]
        {
            if !(0.0..=1.0).contains(&share) {
                return refuse(place, format!("{share}; expected a share of 0 to 1"));
            }
        }
        if self.peers.industry_digits > 4 || self.peers.least < 2 {
            return refuse("peers", "expected industry_digits of 0 to 4 and a least group of 2 or more".into());
        }
        if let Some(until) = self.effective_to.filter(|until| *until < self.effective_from) {
            return refuse("effective_to", format!("{until} is before effective_from {}", self.effective_from));
        }
        for (index, one) in self.indicators.iter().enumerate() {
            let place = format!("indicator {} ({})", index + 1, one.key.key());
            if !(one.weight > 0.0 && one.weight.is_finite()) {
                return refuse(&place, format!("weight {}; expected a number above 0", one.weight));
            }
            if !(one.cap >= 1.0 && one.cap.is_finite()) {
                return refuse(&place, format!("cap {}; expected a multiple of at least 1", one.cap));
            }
            match one.benchmark {
                Benchmark::Fixed { value } if !(value > 0.0 && value.is_finite()) => {
                    return refuse(&place, format!("benchmark {value}; expected a number above 0"));
                }
                Benchmark::PeerPercentile { at } if !(at > 0.0 && at < 100.0) => {
                    return refuse(&place, format!("percentile {at}; expected above 0 and below 100"));
                }
                _ => {}
            }
            if self.indicators[..index].iter().any(|earlier| earlier.key == one.key) {
                return refuse(&place, "stands twice; expected each indicator once".into());
            }
        }
        let sum: f64 = self.indicators.iter().map(|one| one.weight).sum();
        if (sum - 100.0).abs() > 1e-9 {
            return refuse("indicator weights", format!("they sum to {sum}; expected 100"));
        }
        let Cutoffs { a, b, c, .. } = self.cutoffs;
        if !(0.0 < a && a < b && b < c && c < 100.0) {
            return refuse("cutoffs", format!("a {a}, b {b}, c {c}; expected 0 < a < b < c < 100"));
        }
        Ok(())
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

    /// Whether a land use is in scope.
    pub fn covers(&self, land_use: &str) -> bool {
        self.scope.land_use.iter().any(|start| !start.is_empty() && land_use.starts_with(start.as_str()))
    }

    /// Name and version together.
    pub fn label(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }
}
