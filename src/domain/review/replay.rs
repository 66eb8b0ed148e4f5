//! A kept run is judged again or explained: the stored text becomes rules again, and what was found then is held against
//! what is found now.

use super::receipt;
use super::run::{FIRST_FORMULAS, FORMULAS, LAST_ROUND, Rules};
use super::scheme::{Scheme, SchemeError};
use serde::Deserialize;
use serde_json::Value;

/// Where the texts of a kept run begin.
const DECISIONS: &str = "\n# ---- decisions ----\n";
const RULEBOOK: &str = "\n# ---- rulebook ----\n";

/// Why a kept text of rules gives no rules.
#[derive(Debug, thiserror::Error)]
pub enum StoredRulesError {
    /// They are not what their hash says.
    #[error(
        "the kept rules {hash} are no longer what they were: the register was changed from outside; restore its last backup"
    )]
    Touched {
        /// Their hash.
        hash: String,
    },
    /// Their parts can't be told apart, or they were made for other formulas.
    #[error(
        "the kept rules {hash} mean other rules to this program; replay them with the version of landcycle that made the run"
    )]
    Formulas {
        /// Their hash.
        hash: String,
    },
    /// They make no sense to this program.
    #[error("the kept rules {hash} can't be read")]
    Scheme {
        /// Their hash.
        hash: String,
        /// What is wrong.
        #[source]
        source: SchemeError,
    },
}

impl Rules {
    /// Reads the text that a run kept. Only text that means to this program what it meant to the one that kept it is read.
    pub fn stored(source: &str, hash: &str) -> Result<Self, StoredRulesError> {
        let is_touched = receipt::hash(source.as_bytes()) != hash;
        let hash = hash.to_owned();
        if is_touched {
            return Err(StoredRulesError::Touched { hash });
        }
        let Some((scheme, decisions, rulebook)) = texts(source) else {
            return Err(StoredRulesError::Formulas { hash });
        };
        let formulas = source.lines().next().and_then(|line| line.strip_prefix("# formulas ")?.parse().ok());
        let Some(formulas) = formulas.filter(|one| (FIRST_FORMULAS..=FORMULAS).contains(one)) else {
            return Err(StoredRulesError::Formulas { hash });
        };
        let rules = Self::read(formulas, scheme, decisions, rulebook).map(|rules| match last_round(source) {
            Some(text) => {
                serde_json::from_str(text).ok().and_then(|last| rules.clone().after(last).ok()).unwrap_or(rules)
            }
            None => rules,
        });
        match rules {
            Ok(rules) if rules.hash == hash => Ok(rules),
            Ok(_) => Err(StoredRulesError::Formulas { hash }),
            Err(source) => Err(StoredRulesError::Scheme { hash, source }),
        }
    }
}

/// Where a row of the decision table comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Citation {
    /// Name and version of the table.
    pub table: String,
    /// The source, each with the letter of its kind.
    pub source: String,
}

/// What an explanation quotes of a kept text, without the proof that the rows answer everything.
#[derive(Debug, Clone)]
pub struct Quoted {
    /// The scheme.
    pub scheme: Scheme,
    /// Where the row comes from that fired.
    pub citation: Option<Citation>,
}

impl Quoted {
    /// Reads the scheme and one row. Another version of landcycle may have made the run; whether the scheme still gives the
    /// scores that were kept is for who uses it to see.
    pub fn read(source: &str, hash: &str, row: &str) -> Result<Self, StoredRulesError> {
        #[derive(Deserialize)]
        struct Table {
            name: String,
            version: String,
            row: Vec<Cited>,
        }
        #[derive(Deserialize)]
        struct Cited {
            id: String,
            source: String,
        }
        let is_touched = receipt::hash(source.as_bytes()) != hash;
        let hash = hash.to_owned();
        if is_touched {
            return Err(StoredRulesError::Touched { hash });
        }
        let Some((scheme, decisions, _)) = texts(source) else { return Err(StoredRulesError::Formulas { hash }) };
        let refused = |source| StoredRulesError::Scheme { hash: hash.clone(), source };
        let scheme = Scheme::parse(scheme).map_err(refused)?;
        let table: Table = toml::from_str(decisions).map_err(|error| refused(error.into()))?;
        let cited = table.row.into_iter().find(|one| one.id == row);
        let name = format!("{}@{}", table.name, table.version);
        Ok(Self { scheme, citation: cited.map(|one| Citation { table: name, source: one.source }) })
    }
}

impl Rules {
    /// The texts of scheme, decision table and rulebook that these rules were read from.
    pub fn texts(&self) -> Option<(&str, &str, &str)> {
        texts(&self.source)
    }
}

/// The texts of scheme, decision table and rulebook.
fn texts(source: &str) -> Option<(&str, &str, &str)> {
    let (_, texts) = source.split_once('\n')?;
    let (scheme, rest) = texts.split_once(DECISIONS)?;
    let (decisions, rulebook) = rest.split_once(RULEBOOK)?;
    let rulebook = rulebook.split_once(LAST_ROUND).map_or(rulebook, |(rulebook, _)| rulebook);
    Some((scheme, decisions, rulebook))
}

/// The text of what the last round found, where the rules measure against it.
fn last_round(source: &str) -> Option<&str> {
    source.split_once(RULEBOOK)?.1.split_once(LAST_ROUND).map(|(_, text)| text)
}

/// The places at which two documents differ, as paths of names and numbers, at most `most`.
pub fn differences(before: &Value, after: &Value, most: usize) -> Vec<String> {
    let mut found = Vec::new();
    walk("", before, after, most, &mut found);
    found
}

fn walk(path: &str, before: &Value, after: &Value, most: usize, found: &mut Vec<String>) {
    if found.len() >= most || before == after {
        return;
    }
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match (before, after) {
        (Value::Object(one), Value::Object(other)) => {
            let gone = other.keys().filter(|name| !one.contains_key(*name));
            for name in one.keys().chain(gone) {
                let side = |map: &serde_json::Map<String, Value>| map.get(name).cloned().unwrap_or_default();
                walk(&below(name), &side(one), &side(other), most, found);
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (place, (before, after)) in one.iter().zip(other).enumerate() {
                walk(&below(&place.to_string()), before, after, most, found);
            }
        }
        _ => found.push(path.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn shipped() -> Rules {
        Rules::parse(
            include_str!("../../../data/schemes/default.toml"),
            include_str!("../../../data/rulebook/decisions.toml"),
            include_str!("../../../data/rulebook/values.toml"),
        )
        .unwrap()
    }

    #[test]
    fn rules_read_from_the_text_they_kept_are_the_same_rules() {
        let rules = shipped();
        let again = Rules::stored(&rules.source, &rules.hash).unwrap();
        assert_eq!((again.hash, again.source), (rules.hash, rules.source));
    }

    #[test]
    fn rules_kept_for_earlier_formulas_are_applied_by_those() {
        let (_, texts) = shipped().source.split_once('\n').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        for formulas in FIRST_FORMULAS..=FORMULAS {
            let text = format!("# formulas {formulas}\n{texts}");
            let rules = Rules::stored(&text, &receipt::hash(text.as_bytes())).unwrap();
            assert_eq!((rules.formulas, rules.source), (formulas, text));
        }
    }

    #[test]
    fn a_text_that_was_touched_or_made_for_other_formulas_is_refused() {
        let rules = shipped();
        let (_, texts) = rules.source.split_once('\n').unwrap();
        let (older, newer) = (format!("# formulas 1\n{texts}"), format!("# formulas {}\n{texts}", FORMULAS + 1));
        let touched = rules.source.replacen("weight = 30", "weight = 20", 1);
        let read = |text: &str| Rules::stored(text, &receipt::hash(text.as_bytes()));
        assert!(matches!(read(&older), Err(StoredRulesError::Formulas { .. })));
        assert!(matches!(read(&newer), Err(StoredRulesError::Formulas { .. })));
        assert!(matches!(read("weight = 30"), Err(StoredRulesError::Formulas { .. })));
        assert!(matches!(read(&touched), Err(StoredRulesError::Scheme { .. })));
        for text in [&older, &touched] {
            assert!(matches!(Rules::stored(text, &rules.hash), Err(StoredRulesError::Touched { .. })));
        }
    }

    #[test]
    fn differences_are_named_by_their_place_and_no_more_than_asked() {
        let (one, other) = (json!({"a": [1, {"b": 2}], "c": 3}), json!({"a": [1, {"b": 4}], "d": 5}));
        assert_eq!(differences(&one, &other, 9), ["a.1.b", "c", "d"]);
        assert_eq!(differences(&one, &other, 1), ["a.1.b"]);
        assert!(differences(&one, &one, 9).is_empty());
    }
}
