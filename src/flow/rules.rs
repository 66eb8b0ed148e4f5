//! Which rules are in use: those that come with the program, what a bureau keeps in their place, or a scheme that someone
//! names. A process has one set of rules from its start to its end.

mod set;

pub use set::Rulesets;

use crate::domain::basis::Basis;
use crate::domain::calendar::Calendar;
use crate::domain::land_account::Figures;
use crate::domain::land_use::LandUses;
use crate::domain::park_evaluation::scheme::ParkScheme;
use crate::domain::plausibility::Plausibility;
use crate::domain::review::clusters::Ranking;
use crate::domain::review::run::Rules;
use crate::domain::review::scheme::{Scheme, SchemeError};
use crate::domain::rulebook::{Rulebook, keys};
use crate::domain::zoning::lockup::Lockup;
use crate::exchange::small;
use chrono::{Months, NaiveDate};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The variable that names the folder of a bureau's own rules.
pub const VARIABLE: &str = "LANDCYCLE_RULES";

/// The scheme that is used where none is named.
pub const DEFAULT_SCHEME: &str = "default";

/// The folder of a bureau's own rules, once it was said whether there is one.
static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();

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
    #[error("{path} could not be read")]
    File {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file among a bureau's rules that is none.
    #[error(
        "{path} is no file of rules, and would do nothing\nname it as landcycle does ({known}, schemes/NAME.toml, park_schemes/NAME.toml), or take it out of the folder"
    )]
    Stray {
        /// The file.
        path: String,
        /// What there is.
        known: String,
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

/// Says where a bureau keeps rules of its own, before any rule is asked for; what was said first stays.
pub fn choose(folder: Option<&Path>) {
    // A relative name would mean another folder to a process that works elsewhere.
    let folder = folder.map(|folder| std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned()));
    let _ = FOLDER.set(folder);
}

/// The folder of a bureau's own rules, if it has one.
pub fn folder() -> Option<&'static Path> {
    FOLDER.get().and_then(Option::as_deref)
}

/// The rules in use, read once.
pub fn in_use() -> Result<&'static Rulesets, RulesError> {
    static RULES: OnceLock<Rulesets> = OnceLock::new();
    if let Some(rules) = RULES.get() {
        return Ok(rules);
    }
    let rules = Rulesets::load(folder())?;
    Ok(RULES.get_or_init(|| rules))
}

/// Whether a scheme of that name is in use.
pub fn has_scheme(name: &str) -> Result<bool, RulesError> {
    Ok(in_use()?.scheme(name).is_some())
}

/// The text of a scheme, by name or by path.
pub fn scheme_text(scheme: &str) -> Result<String, RulesError> {
    let rules = in_use()?;
    text_or_file(scheme, rules.scheme(scheme), || rules.schemes())
}

/// The text of a scheme for parks, by name or by path.
pub fn park_scheme_text(scheme: &str) -> Result<String, RulesError> {
    let rules = in_use()?;
    text_or_file(scheme, rules.park_scheme(scheme), || rules.park_schemes())
}

fn text_or_file<'a>(
    scheme: &str,
    text: Option<&str>,
    known: impl FnOnce() -> Vec<&'a str>,
) -> Result<String, RulesError> {
    match text {
        Some(text) => Ok(text.to_owned()),
        None if Path::new(scheme).extension().is_some() => small::read(Path::new(scheme), set::MOST_BYTES)
            .map_err(|source| RulesError::File { path: format!("the scheme {scheme}"), source }),
        None => Err(RulesError::Unknown { name: scheme.to_owned(), known: known().join(", ") }),
    }
}

/// A scheme for parks, read from its text.
pub fn park_scheme(scheme: &str, text: &str) -> Result<ParkScheme, RulesError> {
    ParkScheme::parse(text).map_err(|source| RulesError::Scheme { name: format!("scheme {scheme}"), source })
}

/// The rules with a scheme, by name or by path.
pub fn load(scheme: &str) -> Result<Rules, RulesError> {
    let text = scheme_text(scheme)?;
    in_use()?.review(&text).map_err(|source| RulesError::Scheme { name: format!("scheme {scheme}"), source })
}

/// A scheme without the rest of the rules, by name or by path.
pub fn scheme(name: &str) -> Result<Scheme, RulesError> {
    let text = scheme_text(name)?;
    Scheme::parse(&text).map_err(|source| RulesError::Scheme { name: format!("scheme {name}"), source })
}

/// How many years lie between two reviews in use, as the default scheme has it; nothing where it says nothing.
pub fn review_years() -> Result<Option<u32>, RulesError> {
    static YEARS: OnceLock<Option<u32>> = OnceLock::new();
    if let Some(years) = YEARS.get() {
        return Ok(*years);
    }
    let years = scheme(DEFAULT_SCHEME)?.review_years;
    Ok(*YEARS.get_or_init(|| years))
}

/// The rulebook in use.
pub fn rulebook() -> Result<&'static Rulebook, RulesError> {
    Ok(&in_use()?.rulebook)
}

/// The land-use codes in use.
pub fn land_uses() -> Result<&'static LandUses, RulesError> {
    Ok(&in_use()?.land_uses)
}

/// The rules of the two locks in use.
pub fn lockup() -> Result<&'static Lockup, RulesError> {
    Ok(&in_use()?.lockup)
}

/// The calendar of working days in use.
pub fn calendar() -> Result<&'static Calendar, RulesError> {
    Ok(&in_use()?.calendar)
}

/// In which order renewal areas stand.
pub fn ranking() -> Result<&'static Ranking, RulesError> {
    Ok(&in_use()?.ranking)
}

/// From where on a figure of an annual return is doubted.
pub fn plausibility() -> Result<&'static Plausibility, RulesError> {
    Ok(&in_use()?.plausibility)
}

/// The published figures on land in use.
pub fn land_targets() -> Result<&'static Figures, RulesError> {
    Ok(&in_use()?.land_targets)
}

/// What the rules on a rise in plot ratio rest on.
pub fn rise() -> Result<&'static Basis, RulesError> {
    Ok(&in_use()?.rise)
}

/// The same of the rules on entry.
pub fn entry() -> Result<&'static Basis, RulesError> {
    Ok(&in_use()?.entry)
}

/// The share of the rule in force on a day.
pub fn share(key: &str, day: NaiveDate) -> Result<f64, RulesError> {
    Ok(rulebook()?.on(key, day).map_err(of_values)?.value)
}

/// How many months before its end a term counts as expiring, by the rule of that day.
pub fn expiry(rulebook: &Rulebook, day: NaiveDate) -> Result<Months, RulesError> {
    rulebook.months(keys::EXPIRY_MONTHS, day).map_err(of_values)
}

pub(super) fn of_rise(source: SchemeError) -> RulesError {
    RulesError::Scheme { name: "data/rulebook/plot_ratio.toml".into(), source }
}

pub(super) fn of_entry(source: SchemeError) -> RulesError {
    RulesError::Scheme { name: "data/rulebook/entry.toml".into(), source }
}

pub(super) fn of_values(source: SchemeError) -> RulesError {
    RulesError::Scheme { name: "the rulebook".into(), source }
}

/// The number of a rule value, on a day.
pub fn value(rulebook: &Rulebook, key: &str, day: NaiveDate) -> Result<f64, RulesError> {
    Ok(rulebook.on(key, day).map_err(of_values)?.value)
}

/// The share of a parcel's land from which a tier decides, on a day.
pub fn deciding_share(rulebook: &Rulebook, day: NaiveDate) -> Result<f64, RulesError> {
    value(rulebook, keys::TIER_SHARE, day)
}

/// The share of a footprint below which a parcel has no part in a building, on a day.
pub fn least_building_part(rulebook: &Rulebook, day: NaiveDate) -> Result<f64, RulesError> {
    Ok(rulebook.on(keys::BUILDING_PART, day).map_err(of_values)?.value)
}

#[cfg(test)]
mod tests {
    use crate::domain::entry::PEER_DIGITS;
    use crate::domain::plot_ratio::rise::NEIGHBOUR_MIDDLE;
    use chrono::NaiveDate;

    #[test]
    fn the_rules_on_a_rise_and_on_entry_come_with_a_citation_each_and_their_figures_for_every_legal_day() {
        let day: NaiveDate = "1949-10-01".parse().expect("a day");
        assert!(super::rise().expect("well formed").value(NEIGHBOUR_MIDDLE, day).is_ok());
        assert!(super::entry().expect("well formed").value(PEER_DIGITS, day).is_ok());
    }
}
