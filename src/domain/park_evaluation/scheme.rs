//! By what parks are judged: weights, stars and where a year fails, as data.

use super::indicator::ParkIndicator;
use crate::domain::review::receipt;
use crate::domain::review::replay::StoredRulesError;
use crate::domain::review::scheme::SchemeError;
use serde::Deserialize;

/// The version of the formulas. Raised whenever the same facts under the same scheme would give another result.
const FORMULAS: u32 = 1;

/// An indicator with its weight.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weighed {
    /// Which.
    pub key: ParkIndicator,
    /// Of 100.
    pub weight: f64,
    /// The most that it gives, as a multiple of its weight.
    pub cap: f64,
}

/// A scheme for the yearly evaluation.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParkScheme {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where it comes from, or "assumption" and why.
    pub source: String,
    /// Whether no text was read for it.
    pub assumption: bool,
    /// The share of the weights whose figures must be known, 0 to 1.
    pub coverage: f64,
    /// The part of the floor area × days in use, and of the land, of which a figure may be unknown and is taken at the rate
    /// of the rest; 0 to below 1.
    pub unreported: f64,
    /// Below this score a year has failed.
    pub fails_below: f64,
    /// From which score on there are five, four, three, two stars and one.
    pub stars: [f64; 5],
    /// What counts, and how much.
    #[serde(rename = "indicator")]
    pub indicators: Vec<Weighed>,
}

impl ParkScheme {
    /// Reads a scheme; refuses one that names no source, an indicator twice, weights that do not make 100, or stars out
    /// of order.
    pub fn parse(text: &str) -> Result<Self, SchemeError> {
        let scheme: Self = toml::from_str(text)?;
        let refuse = |place: String, problem: String| Err(SchemeError::Value { place, problem });
        for (place, text) in [("name", &scheme.name), ("version", &scheme.version)] {
            if text.trim().is_empty() {
                return refuse(place.into(), "is empty; expected a word".into());
            }
        }
        if scheme.source.trim().is_empty() {
            return refuse("source".into(), "is empty; expected a citation, or \"assumption\" and why".into());
        }
        if !(0.0..=1.0).contains(&scheme.coverage) {
            return refuse("coverage".into(), format!("is {}; expected 0 to 1", scheme.coverage));
        }
        if !(0.0..1.0).contains(&scheme.unreported) {
            return refuse("unreported".into(), format!("is {}; expected 0 to below 1", scheme.unreported));
        }
        for (index, one) in scheme.indicators.iter().enumerate() {
            let place = format!("indicator {}", index + 1);
            if scheme.indicators[..index].iter().any(|earlier| earlier.key == one.key) {
                return refuse(place, "stands twice; expected each key once".into());
            }
            if !(one.weight > 0.0 && one.weight.is_finite() && one.cap >= 1.0 && one.cap.is_finite()) {
                return refuse(place, "has no weight above 0, or a cap below 1".into());
            }
        }
        let sum: f64 = scheme.indicators.iter().map(|one| one.weight).sum();
        if (sum - 100.0).abs() > 1e-9 {
            return refuse("indicator".into(), format!("weights make {sum}; expected 100"));
        }
        let in_order = scheme.stars.is_sorted_by(|more, less| more > less) && scheme.stars[4] >= 0.0;
        if !in_order || !scheme.stars[0].is_finite() {
            return refuse("stars".into(), "are out of order; expected five falling scores".into());
        }
        if !(0.0..=scheme.stars[4]).contains(&scheme.fails_below) {
            let expected = format!("expected 0 to {}: a park with a star has not failed", scheme.stars[4]);
            return refuse("fails_below".into(), format!("is {}; {expected}", scheme.fails_below));
        }
        Ok(scheme)
    }

    /// Name and version together.
    pub fn label(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }

    /// The text that names what a scheme means to this program: its own, under the version of the formulas.
    pub fn kept_text(text: &str) -> String {
        format!("# park formulas {FORMULAS}\n{text}")
    }

    /// Reads the text that an evaluation kept, if it means to this program what it meant to the one that kept it.
    pub fn stored(source: &str, hash: &str) -> Result<Self, StoredRulesError> {
        let touched = receipt::hash(source.as_bytes()) != hash;
        let hash = hash.to_owned();
        if touched {
            return Err(StoredRulesError::Touched { hash });
        }
        let Some(text) = source.strip_prefix(&format!("# park formulas {FORMULAS}\n")) else {
            return Err(StoredRulesError::Formulas { hash });
        };
        Self::parse(text).map_err(|source| StoredRulesError::Scheme { hash, source })
    }

    /// The least score of the next star above one, if there is one.
    pub fn next_star(&self, score: f64) -> Option<f64> {
        self.stars.into_iter().rev().find(|least| *least > score)
    }

    /// How many stars a score gives.
    pub fn stars_of(&self, score: f64) -> u8 {
        (1..=5).rev().zip(self.stars).find(|(_, least)| score >= *least).map_or(0, |(stars, _)| stars)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str = include_str!("../../../data/park_schemes/default.toml");

    #[test]
    fn the_shipped_scheme_weighs_every_indicator_once_and_calls_itself_an_assumption() {
        let scheme = ParkScheme::parse(SHIPPED).expect("well formed");
        assert!(scheme.assumption && scheme.source.starts_with("assumption"));
        let keys: Vec<ParkIndicator> = scheme.indicators.iter().map(|one| one.key).collect();
        assert_eq!(keys, ParkIndicator::ALL);
        assert_eq!([0.0, 59.99, 60.0, 89.99, 90.0, 120.0].map(|score| scheme.stars_of(score)), [0, 0, 1, 2, 3, 5]);
    }

    #[test]
    fn a_scheme_that_makes_no_sense_is_refused_with_its_place() {
        for (right, wrong, place) in [
            ("weight = 15", "weight = 16", "indicator: weights make 101"),
            ("key = \"tax_per_mu\"", "key = \"output_per_mu\"", "indicator 2: stands twice"),
            ("cap = 1.5", "cap = 0.5", "indicator 1: "),
            ("stars = [120.0, 105.0,", "stars = [105.0, 120.0,", "stars: "),
            ("fails_below = 60.0", "fails_below = 61.0", "fails_below: "),
            ("coverage = 0.6", "coverage = 1.6", "coverage: "),
            ("unreported = 0.2", "unreported = 1.0", "unreported: "),
            ("name = \"default\"", "name = \"\"", "name: "),
            ("source = \"", "source = \" \"\n# \"", "source: "),
        ] {
            assert!(SHIPPED.contains(right), "{right}");
            let error = ParkScheme::parse(&SHIPPED.replacen(right, wrong, 1)).expect_err(wrong).to_string();
            assert!(error.starts_with(place), "{error}");
        }
        assert!(ParkScheme::parse(&SHIPPED.replace("d_share", "beauty")).is_err(), "an unknown indicator");
    }
}
