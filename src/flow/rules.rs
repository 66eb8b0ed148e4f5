//! Which rules are in use: the ones shipped with the program, or a scheme that someone names.

use crate::domain::review::run::Rules;
use crate::domain::review::scheme::SchemeError;
use crate::domain::rulebook::{Rulebook, keys};
use chrono::NaiveDate;
use std::path::Path;

const DECISIONS: &str = include_str!("../../data/rulebook/decisions.toml");
const VALUES: &str = include_str!("../../data/rulebook/values.toml");
/// The schemes that come with the program, by name.
const SCHEMES: [(&str, &str); 1] = [("default", include_str!("../../data/schemes/default.toml"))];

/// Why no rules could be had.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// Nothing of that name.
    #[error("there is no scheme {name:?}; expected {known} or the path of a .toml file")]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// The file could not be read.
    #[error("the scheme {path} could not be read")]
    File {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The rules make no sense.
    #[error("{name}")]
    Scheme {
        /// Which file.
        name: String,
        /// What is wrong.
        #[source]
        source: SchemeError,
    },
}

/// The rules with a scheme, by name or by path.
pub fn load(scheme: &str) -> Result<Rules, RulesError> {
    let shipped = SCHEMES.iter().find(|(name, _)| *name == scheme).map(|(_, text)| (*text).to_owned());
    let text = match shipped {
        Some(text) => text,
        None if Path::new(scheme).extension().is_some() => {
            std::fs::read_to_string(scheme).map_err(|source| RulesError::File { path: scheme.to_owned(), source })?
        }
        None => {
            let known = SCHEMES.map(|(name, _)| name).join(", ");
            return Err(RulesError::Unknown { name: scheme.to_owned(), known });
        }
    };
    Rules::parse(&text, DECISIONS, VALUES)
        .map_err(|source| RulesError::Scheme { name: format!("scheme {scheme}"), source })
}

/// The share of a parcel's land from which a tier decides, on a day.
pub fn deciding_share(rulebook: &Rulebook, day: NaiveDate) -> Result<f64, RulesError> {
    let value = rulebook.on(keys::TIER_SHARE, day);
    value
        .map(|value| value.value)
        .map_err(|source| RulesError::Scheme { name: "data/rulebook/values.toml".into(), source })
}

/// The rulebook that comes with the program.
pub fn rulebook() -> Result<Rulebook, RulesError> {
    Rulebook::parse(VALUES).map_err(|source| RulesError::Scheme { name: "data/rulebook/values.toml".into(), source })
}
