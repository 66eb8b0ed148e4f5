//! Whether a new project may enter: its land, its park and its peers are read in one moment, the rules answer.

use super::rules::{self, RulesError};
use super::{standing, verdict};
use crate::domain::enterprise::industry_class;
use crate::domain::entry::{PEER_DIGITS, Place, Project, Published, Ruling, check};
use crate::domain::land_use::UseClass;
use crate::domain::moment::Moment;
use crate::domain::rulebook::keys;
use crate::domain::zoning::verdict::{Deed, judge};
use crate::store::{self, StoreError};
use chrono::NaiveDate;
use sqlx::PgPool;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// No such parcel on the day.
    #[error(
        "parcel {code} is not law on {day}: there is none of that code in the register, or it has ended or not begun"
    )]
    NotLaw {
        /// The code.
        code: String,
        /// The day.
        day: NaiveDate,
    },
    /// No rule reaches so far back.
    #[error("the rules on entry begin on a later day than {0}")]
    NoRule(NaiveDate),
    /// No industry.
    #[error("{0:?} is no industry; expected two to four digits of GB/T 4754, e.g. C3973 or 3973")]
    Industry(String),
    /// No figure.
    #[error("a promise of {0} 万元/亩 cannot be held against anything; expected a number of at least 0")]
    Promise(f64),
    /// The rules could not be had.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl EntryError {
    /// Whether the question is at fault rather than the machine.
    pub fn is_refusal(&self) -> bool {
        !matches!(self, Self::Rules(_) | Self::Store(_))
    }
}

/// A ruling with what it rests on.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The revision whose facts these are.
    pub revision: i64,
    /// The parcel.
    pub parcel: String,
    /// The day whose law it is.
    pub day: NaiveDate,
    /// The project, its industry in digits.
    pub project: Project,
    /// Where the land lies.
    pub place: Place,
    /// Where it stands in the plan.
    pub standing: standing::Answer,
    /// The review that it was held against.
    pub published: Option<Published>,
    /// On how many peers a mean rests at least.
    pub least_peers: u64,
    /// The ruling.
    pub ruling: Ruling,
}

/// Rules on a project that asks for a parcel, by the law, the plan and the published review of a day.
pub async fn enter(pool: &PgPool, code: &str, project: Project, day: NaiveDate) -> Result<Answer, EntryError> {
    let industry = industry_class(&project.industry).ok_or_else(|| EntryError::Industry(project.industry.clone()))?;
    let project = Project { industry, ..project };
    for (_, promise) in project.promises() {
        if let Some(promise) = promise.filter(|promise| !(promise.value().is_finite() && promise.value() >= 0.0)) {
            return Err(EntryError::Promise(promise.value()));
        }
    }
    let rulebook = rules::rulebook()?;
    // A rulebook that could be read lacks a value only on days before it begins.
    let rule = standing::rule(rulebook, day).map_err(|_| EntryError::NoRule(day))?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rulebook has no negative values")]
    let least_peers = rules::value(rulebook, keys::ENTRY_LEAST_PEERS, day)?.round() as u64;
    let basis = rules::entry()?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rulebook has no negative values")]
    let digits = basis.value(PEER_DIGITS, day).map_err(rules::of_entry)?.round() as usize;
    let division: String = project.industry.chars().take(digits).collect();
    let found = store::entry::read(pool, code, &division, day, rule).await?;
    let land = found.ok_or_else(|| EntryError::NotLaw { code: code.to_owned(), day })?;
    // What asks for entry is an industrial project, of whatever use the land has been so far.
    let to = match rules::land_uses()?.class(&land.land_use_scheme, &land.land_use) {
        UseClass::Other => UseClass::Industrial,
        class => class,
    };
    let deed = Deed::NewProject { to };
    let lock = judge(rules::lockup()?, &verdict::measures(day)?, &deed, &land.standing);
    let place = Place { lock: lock.ok_or(EntryError::NoRule(day))?, park: land.park };
    let ruling = check(&project, &place, land.published.as_ref(), least_peers, (basis, day));
    Ok(Answer {
        revision: land.revision,
        parcel: code.to_owned(),
        day,
        project,
        place,
        standing: standing::Answer {
            revision: land.revision,
            moment: Moment::on(day),
            place: standing::Place::Parcel(code.to_owned()),
            shape: Some(land.shape),
            standing: land.standing,
        },
        published: land.published,
        least_peers,
        ruling,
    })
}
