//! The rules that a process reckons with: those that come with the program, and in their place what a bureau keeps in a
//! folder of its own, laid out as `data/`. They are read and tried all together before anything is done under them.

use super::RulesError;
use crate::domain::basis::Basis;
use crate::domain::calendar::Calendar;
use crate::domain::entry;
use crate::domain::land_account::Figures;
use crate::domain::land_use::LandUses;
use crate::domain::park_evaluation::scheme::ParkScheme;
use crate::domain::plausibility::Plausibility;
use crate::domain::plot_ratio::rise;
use crate::domain::review::clusters::Ranking;
use crate::domain::review::receipt::hash;
use crate::domain::review::run::Rules;
use crate::domain::review::scheme::SchemeError;
use crate::domain::rulebook::Rulebook;
use crate::domain::zoning::lockup::Lockup;
use crate::exchange::small;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The largest file of rules; the shipped ones have some kilobytes.
pub(super) const MOST_BYTES: u64 = 1 << 20;

const VALUES: &str = "rulebook/values.toml";
const DECISIONS: &str = "rulebook/decisions.toml";
const LOCKUP: &str = "rulebook/lockup.toml";
const ENTRY: &str = "rulebook/entry.toml";
const RISE: &str = "rulebook/plot_ratio.toml";
const RENEWAL_AREAS: &str = "rulebook/renewal_areas.toml";
const LAND_TARGETS: &str = "rulebook/land_targets.toml";
const CALENDAR: &str = "calendars/cn.toml";
const LAND_USES: &str = "land_use.toml";
const PLAUSIBILITY: &str = "plausibility.toml";
const DEFAULT_SCHEME: &str = "schemes/default.toml";
/// Where schemes lie, each under the name by which it is asked for.
const SCHEMES: &str = "schemes/";
/// The same of schemes for the yearly evaluation of parks.
const PARK_SCHEMES: &str = "park_schemes/";
/// What may lie beside the rules and is none.
const README: &str = "README.md";

macro_rules! shipped {
    ($($path:literal,)+) => {
        &[$(($path, include_str!(concat!("../../../data/", $path)))),+]
    };
}

/// The files that come with the program.
const SHIPPED: &[(&str, &str)] = shipped! {
    "calendars/cn.toml",
    "land_use.toml",
    "park_schemes/default.toml",
    "plausibility.toml",
    "rulebook/decisions.toml",
    "rulebook/entry.toml",
    "rulebook/land_targets.toml",
    "rulebook/lockup.toml",
    "rulebook/plot_ratio.toml",
    "rulebook/renewal_areas.toml",
    "rulebook/values.toml",
    "schemes/default.toml",
    "schemes/huaian-2024.toml",
    "schemes/huangyan-2021.toml",
    "schemes/huangyan-2022.toml",
    "schemes/linhai.toml",
    "schemes/prefecture-45.toml",
};

/// The rules in use.
#[derive(Debug)]
pub struct Rulesets {
    /// The folder of the bureau, if it has one.
    pub folder: Option<PathBuf>,
    /// The files in it, by their names below it.
    pub own: Vec<String>,
    /// SHA-256 over all texts in use, hex.
    pub hash: String,
    /// The text of every file in use, by its name below `data/`.
    texts: BTreeMap<String, String>,
    pub(super) rulebook: Rulebook,
    pub(super) land_uses: LandUses,
    pub(super) lockup: Lockup,
    pub(super) entry: Basis,
    pub(super) rise: Basis,
    pub(super) calendar: Calendar,
    pub(super) ranking: Ranking,
    pub(super) plausibility: Plausibility,
    pub(super) land_targets: Figures,
}

impl Rulesets {
    /// Reads the rules: the shipped ones, with those of a folder in their place.
    pub fn load(folder: Option<&Path>) -> Result<Self, RulesError> {
        let own = folder.map(read_folder).transpose()?.unwrap_or_default();
        let place = Place { folder, own: &own };
        let mut texts: BTreeMap<String, String> =
            SHIPPED.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        // What says one thing at a time is laid over what ships: one value, one year.
        let is_laid_over = |name: &String| name == VALUES || name == CALENDAR;
        texts.extend(
            own.iter().filter(|(name, _)| !is_laid_over(name)).map(|(name, text)| (name.clone(), text.clone())),
        );
        let mut rulebook = place.parsed(VALUES, text_of(&texts, VALUES), Rulebook::parse)?;
        if let Some(text) = own.get(VALUES) {
            // A key of the bureau's own is one that its schemes or decisions ask for; any other would do nothing.
            let asked_for =
                |key: &str| texts.iter().any(|(name, text)| is_asking(name) && text.contains(&format!("\"{key}\"")));
            rulebook = place.parsed(VALUES, text, |text| rulebook.overlaid(Rulebook::read(text)?, asked_for))?;
            texts.insert(VALUES.to_owned(), place.parsed(VALUES, text, |_| rulebook.text())?);
        }
        let mut calendar = place.parsed(CALENDAR, text_of(&texts, CALENDAR), Calendar::parse)?;
        if let Some(text) = own.get(CALENDAR) {
            calendar = calendar.overlaid(place.parsed(CALENDAR, text, Calendar::parse)?);
            let both = format!("{}\n{text}", text_of(&texts, CALENDAR));
            texts.insert(CALENDAR.to_owned(), both);
        }
        let land_uses = place.parsed(LAND_USES, text_of(&texts, LAND_USES), |text| Ok(LandUses::parse(text)?))?;
        let lockup = place.parsed(LOCKUP, text_of(&texts, LOCKUP), Lockup::parse)?;
        let entry = place.parsed(ENTRY, text_of(&texts, ENTRY), |text| {
            Basis::parse(text, &entry::Rule::CITED.map(entry::Rule::name))
        })?;
        let rise = place
            .parsed(RISE, text_of(&texts, RISE), |text| Basis::parse(text, &rise::Rule::ALL.map(rise::Rule::code)))?;
        let ranking = place.parsed(RENEWAL_AREAS, text_of(&texts, RENEWAL_AREAS), Ranking::parse)?;
        let plausibility = place.parsed(PLAUSIBILITY, text_of(&texts, PLAUSIBILITY), Plausibility::parse)?;
        let land_targets = place.parsed(LAND_TARGETS, text_of(&texts, LAND_TARGETS), Figures::parse)?;
        let whole: Vec<String> = texts.iter().map(|(name, text)| format!("# ---- {name} ----\n{text}\n")).collect();
        let rules = Self {
            folder: folder.map(Path::to_owned),
            own: own.keys().cloned().collect(),
            hash: hash(whole.concat().as_bytes()),
            texts,
            rulebook,
            land_uses,
            lockup,
            entry,
            rise,
            calendar,
            ranking,
            plausibility,
            land_targets,
        };
        rules.try_schemes(&place)?;
        Ok(rules)
    }

    /// Tries what the bureau wrote for reviews: its decisions with the default scheme, and each of its schemes.
    fn try_schemes(&self, place: &Place<'_>) -> Result<(), RulesError> {
        let tried =
            |name: &str| place.own.contains_key(name) || name == DEFAULT_SCHEME && place.own.contains_key(DECISIONS);
        for (name, scheme) in self.texts.iter().filter(|(name, _)| name.starts_with(SCHEMES) && tried(name)) {
            let parsed = Rules::parse(scheme, text_of(&self.texts, DECISIONS), text_of(&self.texts, VALUES));
            // What a scheme that ships does not make wrong, the decisions did.
            let blamed = if place.own.contains_key(name.as_str()) { name } else { DECISIONS };
            parsed.map_err(|error| place.fault(blamed, text_of(&self.texts, blamed), error))?;
        }
        for (name, scheme) in place.own.iter().filter(|(name, _)| name.starts_with(PARK_SCHEMES)) {
            place.parsed(name, scheme, ParkScheme::parse)?;
        }
        Ok(())
    }

    /// The rules of a review with the text of a scheme.
    pub(super) fn review(&self, scheme: &str) -> Result<Rules, SchemeError> {
        Rules::parse(scheme, text_of(&self.texts, DECISIONS), text_of(&self.texts, VALUES))
    }

    /// The text of a scheme that is known by name.
    pub(super) fn scheme(&self, name: &str) -> Option<&str> {
        self.texts.get(&format!("{SCHEMES}{name}.toml")).map(String::as_str)
    }

    /// The schemes that are known by name.
    pub(super) fn schemes(&self) -> Vec<&str> {
        self.named(SCHEMES)
    }

    /// The text of a scheme for parks that is known by name.
    pub(super) fn park_scheme(&self, name: &str) -> Option<&str> {
        self.texts.get(&format!("{PARK_SCHEMES}{name}.toml")).map(String::as_str)
    }

    /// The schemes for parks that are known by name.
    pub(super) fn park_schemes(&self) -> Vec<&str> {
        self.named(PARK_SCHEMES)
    }

    fn named(&self, folder: &str) -> Vec<&str> {
        self.texts.keys().filter_map(|name| name.strip_prefix(folder)?.strip_suffix(".toml")).collect()
    }
}

/// Whether a file asks for values by their keys.
fn is_asking(name: &str) -> bool {
    name == DECISIONS || name.starts_with(SCHEMES)
}

fn text_of<'a>(texts: &'a BTreeMap<String, String>, name: &str) -> &'a str {
    texts.get(name).map(String::as_str).unwrap_or_default()
}

/// Where rules lie, for saying what is wrong with them.
struct Place<'a> {
    folder: Option<&'a Path>,
    own: &'a BTreeMap<String, String>,
}

impl Place<'_> {
    /// What a text says, or where it is wrong.
    fn parsed<T>(
        &self,
        name: &str,
        text: &str,
        parse: impl FnOnce(&str) -> Result<T, SchemeError>,
    ) -> Result<T, RulesError> {
        parse(text).map_err(|error| self.fault(name, text, error))
    }

    fn fault(&self, name: &str, text: &str, source: SchemeError) -> RulesError {
        let path = match self.folder.filter(|_| self.own.contains_key(name)) {
            Some(folder) => folder.join(name).display().to_string(),
            None => format!("data/{name}"),
        };
        let line = line_of(text, &source).map_or_else(String::new, |line| format!(":{line}"));
        RulesError::Scheme { name: format!("{path}{line}"), source }
    }
}

/// The line of a text of which an error speaks, as far as it can be told.
fn line_of(text: &str, error: &SchemeError) -> Option<usize> {
    let at = match error {
        SchemeError::Syntax(error) => error.span()?.start.min(text.len()),
        // Values are named by their keys, years by their number.
        SchemeError::Value { place, .. } => {
            let named = place.rsplit(' ').next().unwrap_or(place);
            text.find(&format!("\"{named}\"")).or_else(|| text.find(&format!("= {named}")))?
        }
        SchemeError::NotInForce { .. } => return None,
    };
    Some(text.get(..at)?.matches('\n').count() + 1)
}

/// The files of a folder by their names below it. A file that is none of those known would do nothing, which is the worst
/// that a slip of the pen can do, and is refused.
fn read_folder(folder: &Path) -> Result<BTreeMap<String, String>, RulesError> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(directory) = open.pop() {
        let unread = |source| RulesError::File { path: directory.display().to_string(), source };
        for entry in fs::read_dir(&directory).map_err(unread)? {
            let path = entry.map_err(unread)?.path();
            let name = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().into_owned();
            if path.is_dir() {
                // No rules lie deeper than in one folder.
                if name.contains('/') || !SHIPPED.iter().any(|(known, _)| known.starts_with(&format!("{name}/"))) {
                    return Err(stray(folder, &name));
                }
                open.push(path);
            } else if name != README {
                if !is_known(&name) {
                    return Err(stray(folder, &name));
                }
                let unread = |source| RulesError::File { path: path.display().to_string(), source };
                found.insert(name, small::read(&path, MOST_BYTES).map_err(unread)?);
            }
        }
    }
    Ok(found)
}

fn is_known(name: &str) -> bool {
    let of_scheme = |stem: &str| {
        !stem.is_empty() && stem.chars().all(|c| c.is_ascii_alphanumeric() || ['-', '_', '.'].contains(&c))
    };
    SHIPPED.iter().any(|(known, _)| *known == name)
        || [SCHEMES, PARK_SCHEMES]
            .iter()
            .any(|folder| name.strip_prefix(folder).and_then(|rest| rest.strip_suffix(".toml")).is_some_and(of_scheme))
}

fn stray(folder: &Path, name: &str) -> RulesError {
    let is_scheme = |name: &&str| name.starts_with(SCHEMES) || name.starts_with(PARK_SCHEMES);
    let known: Vec<&str> = SHIPPED.iter().map(|(name, _)| *name).filter(|name| !is_scheme(name)).collect();
    RulesError::Stray { path: folder.join(name).display().to_string(), known: known.join(", ") }
}
