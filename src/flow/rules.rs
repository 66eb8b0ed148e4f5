//! Which rules are in use: the ones shipped with the program, or a scheme that someone names.

use crate::domain::basis::Basis;
use crate::domain::calendar::Calendar;
use crate::domain::entry;
use crate::domain::land_use::LandUses;
use crate::domain::plausibility::Plausibility;
use crate::domain::plot_ratio::rise;
use crate::domain::review::clusters::Ranking;
use crate::domain::review::run::Rules;
use crate::domain::review::scheme::SchemeError;
use crate::domain::rulebook::{Rulebook, keys};
use crate::domain::zoning::lockup::Lockup;
use crate::exchange::small;
use chrono::{Months, NaiveDate};
use std::path::Path;
use std::sync::OnceLock;

const DECISIONS: &str = include_str!("../../data/rulebook/decisions.toml");
const LAND_USES: &str = include_str!("../../data/land_use.toml");
const LOCKUP: &str = include_str!("../../data/rulebook/lockup.toml");
const ENTRY: &str = include_str!("../../data/rulebook/entry.toml");
const RISE: &str = include_str!("../../data/rulebook/plot_ratio.toml");
const VALUES: &str = include_str!("../../data/rulebook/values.toml");
const CALENDAR: &str = include_str!("../../data/calendars/cn.toml");
const RENEWAL_AREAS: &str = include_str!("../../data/rulebook/renewal_areas.toml");
const PLAUSIBILITY: &str = include_str!("../../data/plausibility.toml");
/// The schemes that come with the program, by name.
const SCHEMES: [(&str, &str); 5] = [
    ("default", include_str!("../../data/schemes/default.toml")),
    ("huaian-2024", include_str!("../../data/schemes/huaian-2024.toml")),
    ("huangyan-2021", include_str!("../../data/schemes/huangyan-2021.toml")),
    ("huangyan-2022", include_str!("../../data/schemes/huangyan-2022.toml")),
    ("prefecture-45", include_str!("../../data/schemes/prefecture-45.toml")),
];

/// The largest scheme; the shipped one has some kilobytes.
const MAX_SCHEME_BYTES: u64 = 1 << 20;

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

/// The text of a scheme, by name or by path.
pub fn scheme_text(scheme: &str) -> Result<String, RulesError> {
    let shipped = SCHEMES.iter().find(|(name, _)| *name == scheme).map(|(_, text)| (*text).to_owned());
    match shipped {
        Some(text) => Ok(text),
        None if Path::new(scheme).extension().is_some() => small::read(Path::new(scheme), MAX_SCHEME_BYTES)
            .map_err(|source| RulesError::File { path: scheme.to_owned(), source }),
        None => {
            let known = SCHEMES.map(|(name, _)| name).join(", ");
            Err(RulesError::Unknown { name: scheme.to_owned(), known })
        }
    }
}

/// The rules with a scheme, by name or by path.
pub fn load(scheme: &str) -> Result<Rules, RulesError> {
    let text = scheme_text(scheme)?;
    Rules::parse(&text, DECISIONS, VALUES)
        .map_err(|source| RulesError::Scheme { name: format!("scheme {scheme}"), source })
}

/// The rulebook that comes with the program, read once.
pub fn rulebook() -> Result<&'static Rulebook, RulesError> {
    static BOOK: OnceLock<Rulebook> = OnceLock::new();
    if let Some(book) = BOOK.get() {
        return Ok(book);
    }
    let book = Rulebook::parse(VALUES).map_err(of_values)?;
    Ok(BOOK.get_or_init(|| book))
}

/// The land-use codes that come with the program, read once.
pub fn land_uses() -> Result<&'static LandUses, RulesError> {
    static LISTS: OnceLock<LandUses> = OnceLock::new();
    if let Some(lists) = LISTS.get() {
        return Ok(lists);
    }
    let lists = LandUses::parse(LAND_USES).map_err(|source| RulesError::Scheme {
        name: "data/land_use.toml".into(),
        source: SchemeError::from(source),
    })?;
    Ok(LISTS.get_or_init(|| lists))
}

/// The rules of the two locks that come with the program, read once.
pub fn lockup() -> Result<&'static Lockup, RulesError> {
    static TABLE: OnceLock<Lockup> = OnceLock::new();
    if let Some(table) = TABLE.get() {
        return Ok(table);
    }
    let table = Lockup::parse(LOCKUP)
        .map_err(|source| RulesError::Scheme { name: "data/rulebook/lockup.toml".into(), source })?;
    Ok(TABLE.get_or_init(|| table))
}

/// What the rules on a rise in plot ratio rest on, as it comes with the program, read once.
pub fn rise() -> Result<&'static Basis, RulesError> {
    static BASIS: OnceLock<Basis> = OnceLock::new();
    if let Some(basis) = BASIS.get() {
        return Ok(basis);
    }
    let basis = Basis::parse(RISE, &rise::Rule::ALL.map(rise::Rule::code)).map_err(of_rise)?;
    Ok(BASIS.get_or_init(|| basis))
}

/// The same of the rules on entry.
pub fn entry() -> Result<&'static Basis, RulesError> {
    static BASIS: OnceLock<Basis> = OnceLock::new();
    if let Some(basis) = BASIS.get() {
        return Ok(basis);
    }
    let basis = Basis::parse(ENTRY, &entry::Rule::CITED.map(entry::Rule::name)).map_err(of_entry)?;
    Ok(BASIS.get_or_init(|| basis))
}

/// The share of the rule in force on a day.
pub fn share(key: &str, day: NaiveDate) -> Result<f64, RulesError> {
    Ok(rulebook()?.on(key, day).map_err(of_values)?.value)
}

/// The calendar of working days that comes with the program, read once.
pub fn calendar() -> Result<&'static Calendar, RulesError> {
    static DAYS: OnceLock<Calendar> = OnceLock::new();
    if let Some(days) = DAYS.get() {
        return Ok(days);
    }
    let days = Calendar::parse(CALENDAR)
        .map_err(|source| RulesError::Scheme { name: "data/calendars/cn.toml".into(), source })?;
    Ok(DAYS.get_or_init(|| days))
}

/// In which order renewal areas stand, as it comes with the program.
pub fn ranking() -> Result<Ranking, RulesError> {
    Ranking::parse(RENEWAL_AREAS)
        .map_err(|source| RulesError::Scheme { name: "data/rulebook/renewal_areas.toml".into(), source })
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
    RulesError::Scheme { name: "data/rulebook/values.toml".into(), source }
}

/// The number of a rule value, on a day.
pub fn value(rulebook: &Rulebook, key: &str, day: NaiveDate) -> Result<f64, RulesError> {
    Ok(rulebook.on(key, day).map_err(of_values)?.value)
}

/// The share of a parcel's land from which a tier decides, on a day.
pub fn deciding_share(rulebook: &Rulebook, day: NaiveDate) -> Result<f64, RulesError> {
    value(rulebook, keys::TIER_SHARE, day)
}

/// From where on a figure of an annual return is doubted, read once.
pub fn plausibility() -> Result<&'static Plausibility, RulesError> {
    static LIMITS: OnceLock<Plausibility> = OnceLock::new();
    if let Some(limits) = LIMITS.get() {
        return Ok(limits);
    }
    let limits = Plausibility::parse(PLAUSIBILITY)
        .map_err(|source| RulesError::Scheme { name: "data/plausibility.toml".into(), source })?;
    Ok(LIMITS.get_or_init(|| limits))
}

/// The share of a footprint below which a parcel has no part in a building, on a day.
pub fn least_building_part(rulebook: &Rulebook, day: NaiveDate) -> Result<f64, RulesError> {
    Ok(rulebook.on(keys::BUILDING_PART, day).map_err(of_values)?.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_on_a_rise_and_on_entry_come_with_a_citation_each_and_their_figures_for_every_legal_day() {
        let day: NaiveDate = "1949-10-01".parse().expect("a day");
        assert!(super::rise().expect("well formed").value(rise::NEIGHBOUR_MIDDLE, day).is_ok());
        assert!(super::entry().expect("well formed").value(entry::PEER_DIGITS, day).is_ok());
    }
}
