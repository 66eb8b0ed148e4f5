//! Names in a question: a district, a park or a use that nobody knows is refused with those that there are, because an answer
//! of zeros, or one about another use, would look like an answer.

use super::rules::{self, RulesError};
use crate::domain::land_use::Known;
use crate::store::{self, StoreError};
use sqlx::PgPool;

/// How many names are said at most.
const MOST_SAID: usize = 40;

/// A name that nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no {what} {given:?}; {}", said(.known, *.more))]
pub struct UnknownName {
    /// What it should have named.
    pub what: String,
    /// The name.
    pub given: String,
    /// Those that there are, in their order, or the first of them.
    pub known: Vec<String>,
    /// How many more there are.
    pub more: usize,
}

fn said(known: &[String], more: usize) -> String {
    match (known, more) {
        ([], _) => "the register has none yet; import them first".to_owned(),
        (known, 0) => format!("expected one of {}", known.join(", ")),
        (known, more) => format!("expected one of {} and {more} more", known.join(", ")),
    }
}

impl UnknownName {
    fn new(what: &str, given: &str, mut known: Vec<String>) -> Self {
        let more = known.len().saturating_sub(MOST_SAID);
        known.truncate(MOST_SAID);
        Self { what: what.to_owned(), given: given.to_owned(), known, more }
    }

    /// Nothing where the name is among those that there are.
    fn among(what: &str, given: &str, known: Vec<String>) -> Option<Self> {
        (!known.iter().any(|one| one == given)).then(|| Self::new(what, given, known))
    }
}

/// What is wrong with the code of a district; nothing where none is said.
pub async fn unknown_district(pool: &PgPool, code: Option<&str>) -> Result<Option<UnknownName>, StoreError> {
    let Some(code) = code else { return Ok(None) };
    Ok(UnknownName::among("district of the register", code, store::city::districts(&mut *pool.acquire().await?).await?))
}

/// What is wrong with the code of a park; nothing where none is said.
pub async fn unknown_park(pool: &PgPool, code: Option<&str>) -> Result<Option<UnknownName>, StoreError> {
    let Some(code) = code else { return Ok(None) };
    Ok(UnknownName::among("park of the register", code, store::city::parks(&mut *pool.acquire().await?).await?))
}

/// What is wrong with the code of a use, to be read with its scheme. What is on record with a code that nobody can read stays
/// and counts as another use; whoever asks has slipped.
pub fn unknown_use(scheme: &str, code: &str) -> Result<Option<UnknownName>, RulesError> {
    let uses = rules::land_uses()?;
    let known = |known: Vec<&str>| known.into_iter().map(str::to_owned).collect();
    Ok(match uses.look_up(scheme, code) {
        Known::Yes => None,
        Known::No => Some(UnknownName::new(&format!("use of the scheme {scheme}"), code, known(uses.codes(scheme)))),
        Known::NoScheme => Some(UnknownName::new("scheme of uses", scheme, known(uses.schemes().collect()))),
    })
}
