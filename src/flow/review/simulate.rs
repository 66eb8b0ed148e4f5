//! What other rules would find on the facts of a kept run: read once, kept in memory for the next question, and nothing
//! stored. The run's own rules are changed, or a scheme or decision table given whole takes their place.

use super::in_window;
use super::kept::{Found, Kept, KeptError, load};
use crate::domain::review::decision::DecisionTable;
use crate::domain::review::diff::Standing;
use crate::domain::review::run::{ReviewError, Rules, outcomes};
use crate::domain::review::scheme::{Scheme, SchemeError};
use crate::domain::review::simulate::{Moved, Set, changed, moved};
use chrono::NaiveDate;
use sqlx::PgPool;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::Mutex;

/// So many parcels of kept runs stay in memory, some two kilobytes each; one run stays whatever its size.
const MOST_PARCELS: usize = 150_000;

/// The runs that were asked about last, the newest question first. Runs never change, so none grows stale.
#[derive(Debug, Default)]
pub struct Desk(Mutex<VecDeque<Arc<Kept>>>);

impl Desk {
    /// A run with its facts. Two that ask at once for a run that is not here wait for one reading of it.
    pub async fn run(&self, pool: &PgPool, run: i64) -> Result<Arc<Kept>, KeptError> {
        let mut runs = self.0.lock().await;
        let place = runs.iter().position(|kept| kept.run == run);
        let kept = match place.and_then(|place| runs.remove(place)) {
            Some(kept) => kept,
            None => {
                // Reading hands its pieces to a closure that waits, which no task may take along between threads.
                let (pool, handle) = (pool.clone(), Handle::current());
                let read = tokio::task::spawn_blocking(move || handle.block_on(load(&pool, run)));
                Arc::new(read.await??)
            }
        };
        runs.push_front(Arc::clone(&kept));
        let mut parcels = 0;
        let fit = runs.iter().take_while(|one| {
            parcels += one.facts.len();
            parcels <= MOST_PARCELS
        });
        let fit = fit.count().max(1);
        runs.truncate(fit);
        Ok(kept)
    }
}

/// What is to be different.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// Values of the scheme.
    pub sets: Vec<Set>,
    /// The text of a scheme in place of the run's.
    pub scheme: Option<String>,
    /// The text of a decision table in place of the run's.
    pub decisions: Option<String>,
    /// The district that is looked at; the whole city is judged all the same.
    pub district: Option<String>,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Simulated {
    /// The run.
    pub run: i64,
    /// The day it judges.
    pub as_of: NaiveDate,
    /// The text of the scheme that was used: what a real run would be given.
    pub text: String,
    /// The scheme.
    pub scheme: Scheme,
    /// What it moves.
    pub moved: Moved,
}

/// Why nothing was simulated.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// The run can't be had.
    #[error(transparent)]
    Kept(#[from] KeptError),
    /// The rules make no sense.
    #[error("{what}")]
    Rules {
        /// Which text.
        what: &'static str,
        /// What is wrong.
        #[source]
        source: SchemeError,
    },
    /// The rules do not allow it.
    #[error(transparent)]
    Review(#[from] ReviewError),
    /// No parcel of the run lies there.
    #[error("review run {run} has no parcel in district {district:?}; expected the code of a district, such as 310115")]
    District {
        /// The run.
        run: i64,
        /// The district.
        district: String,
    },
}

/// Judges the facts of a run by other rules.
pub fn simulate(kept: &Kept, change: &Change, workers: usize) -> Result<Simulated, SimulateError> {
    let in_scheme = |source| SimulateError::Rules { what: "the scheme", source };
    let own = kept.rules.texts().map_or("", |(scheme, _, _)| scheme);
    let text = changed(change.scheme.as_deref().unwrap_or(own), &change.sets).map_err(in_scheme)?;
    let scheme = Scheme::parse(&text).map_err(in_scheme)?;
    fits(&scheme, &kept.rules.scheme, own).map_err(in_scheme)?;
    let decisions = match &change.decisions {
        None => kept.rules.decisions.clone(),
        Some(text) => {
            table(text, &kept.rules).map_err(|source| SimulateError::Rules { what: "the decision table", source })?
        }
    };
    let (source, hash, rulebook) = (String::new(), String::new(), kept.rules.rulebook.clone());
    let (formulas, last_round) = (kept.rules.formulas, kept.rules.last_round.clone());
    let mut rules = Rules { scheme, decisions, rulebook, formulas, last_round, source, hash };
    in_window(&mut rules, kept.rules.scheme.window.years);
    let outcomes = outcomes(&rules, kept.as_of, &kept.facts, workers)?;
    let here = |district: &str| change.district.as_deref().is_none_or(|asked| asked == district);
    let found = kept.found.iter().zip(&kept.facts).zip(&outcomes).filter(|((_, facts), _)| here(&facts.district));
    let standing = |found: &Found| Standing { grade: found.grade, list: found.list };
    let moved = moved(found.map(|((found, _), outcome)| (found.parcel.as_str(), standing(found), outcome)));
    if let Some(district) = change.district.clone().filter(|_| moved.parcels == 0) {
        return Err(SimulateError::District { run: kept.run, district });
    }
    Ok(Simulated { run: kept.run, as_of: kept.as_of, text, scheme: rules.scheme, moved })
}

/// Refuses schemes that would look at other years or other parcels than the run kept.
fn fits(scheme: &Scheme, run: &Scheme, own: &str) -> Result<(), SchemeError> {
    let refuse = |place: &str, problem: String| Err(SchemeError::Value { place: place.to_owned(), problem });
    // The window of a run may be another than its scheme's own number.
    let years = Scheme::parse(own)?.window.years;
    if scheme.window.years != years && scheme.window.years != run.window.years {
        let kept = run.window.years;
        return refuse(
            "window.years",
            format!("{}; expected {kept}: the run kept no other years", scheme.window.years),
        );
    }
    if scheme.scope != run.scope {
        return refuse("scope", "is another; expected the scope of the run, which kept no other parcels".into());
    }
    Ok(())
}

fn table(text: &str, rules: &Rules) -> Result<DecisionTable, SchemeError> {
    let table = DecisionTable::parse(text)?;
    table.check_deadlines(&rules.rulebook)?;
    Ok(table)
}
