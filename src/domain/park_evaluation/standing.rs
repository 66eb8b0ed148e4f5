//! What failing years come to ("one notification, twice delisted", 一次通报、二次摘牌), and the life of a featured park. Each is
//! a table of the moves there are; whatever it does not have is refused.
//!
//! No text on the mechanics was found: that a passed year clears a notification, and that a year which cannot be judged
//! changes nothing, are assumptions.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// What a year counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Year {
    /// Good enough.
    Passed,
    /// Not good enough.
    Failed,
    /// Too little is known.
    NotJudged,
}

/// Where a park stands after its evaluations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Standing {
    /// Nothing is held against it.
    Good,
    /// It failed a year and was told.
    Notified {
        /// The year that failed.
        failed: i32,
    },
    /// It failed again: it is no park of the list any more.
    Delisted {
        /// The first year that failed.
        failed: i32,
        /// The year that failed again.
        again: i32,
    },
}

/// Why a year can't be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StandingError {
    /// The year, or a later one, was evaluated before.
    #[error("year {year} is not after {last}, which was evaluated last; a park is evaluated once a year, in order")]
    NotAfter {
        /// The year.
        year: i32,
        /// The last one.
        last: i32,
    },
    /// It is delisted.
    #[error("the park was delisted for {again}; it is not evaluated before it has been announced anew")]
    Delisted {
        /// The year for which it was.
        again: i32,
    },
}

/// Where a park stands, and the last year that was evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// Where it stands.
    pub standing: Standing,
    /// The last year that was evaluated.
    pub last: Option<i32>,
}

impl Record {
    /// A park that was never evaluated.
    pub const NEW: Self = Self { standing: Standing::Good, last: None };

    /// Counts a year.
    pub fn count(self, year: i32, came_to: Year) -> Result<Self, StandingError> {
        if let Standing::Delisted { again, .. } = self.standing {
            return Err(StandingError::Delisted { again });
        }
        if let Some(last) = self.last.filter(|last| year <= *last) {
            return Err(StandingError::NotAfter { year, last });
        }
        let standing = match (self.standing, came_to) {
            (standing, Year::NotJudged) => standing,
            (_, Year::Passed) => Standing::Good,
            (Standing::Good, Year::Failed) => Standing::Notified { failed: year },
            (Standing::Notified { failed }, Year::Failed) => Standing::Delisted { failed, again: year },
            (delisted @ Standing::Delisted { .. }, Year::Failed) => delisted,
        };
        Ok(Self { standing, last: Some(year) })
    }
}

/// Where a featured park is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Life {
    /// It asked to be one.
    Applied,
    /// It was announced.
    Announced,
    /// It operates as one.
    Operating,
    /// It is one no more, or never became one.
    Exited,
}

/// What may happen to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// It applies.
    Apply,
    /// Its application is refused.
    Refuse,
    /// It is announced.
    Announce,
    /// It begins to operate.
    Operate,
    /// It leaves, or is delisted.
    Exit,
}

/// The moves there are: from, act, to. An assumption as a whole; one that left may apply again.
pub const MOVES: [(Option<Life>, Act, Life); 7] = [
    (None, Act::Apply, Life::Applied),
    (Some(Life::Applied), Act::Refuse, Life::Exited),
    (Some(Life::Applied), Act::Announce, Life::Announced),
    (Some(Life::Announced), Act::Operate, Life::Operating),
    (Some(Life::Announced), Act::Exit, Life::Exited),
    (Some(Life::Operating), Act::Exit, Life::Exited),
    (Some(Life::Exited), Act::Apply, Life::Applied),
];

/// Why a move is not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoveError {
    /// The table does not have it.
    #[error("{act:?} does not follow {from:?}; what does: {may:?}")]
    NoSuchMove {
        /// From where.
        from: Option<Life>,
        /// What was to happen.
        act: Act,
        /// What may.
        may: Vec<Act>,
    },
    /// Nothing says that it happened.
    #[error("a move rests on a document; name it")]
    NoDocument,
    /// It would have happened before what went before.
    #[error("{day} is before {before}, the day of the move before")]
    Before {
        /// The day.
        day: NaiveDate,
        /// That of the move before.
        before: NaiveDate,
    },
}

/// What comes of an act on a day, after the state that began on another.
pub fn follow(
    now: Option<(Life, NaiveDate)>,
    act: Act,
    day: NaiveDate,
    document: &str,
) -> Result<(Life, NaiveDate), MoveError> {
    let from = now.map(|(life, _)| life);
    let Some((_, _, to)) = MOVES.iter().find(|(state, named, _)| (*state, *named) == (from, act)) else {
        let may = MOVES.iter().filter(|(state, ..)| *state == from).map(|(_, named, _)| *named).collect();
        return Err(MoveError::NoSuchMove { from, act, may });
    };
    if document.trim().is_empty() {
        return Err(MoveError::NoDocument);
    }
    match now {
        Some((_, before)) if day < before => Err(MoveError::Before { day, before }),
        _ => Ok((*to, day)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    const CASES: &str = include_str!("../../../tests/cases/parks.toml");

    #[derive(Deserialize)]
    struct Cases {
        standing: Vec<StandingCase>,
        life: Vec<LifeCase>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct StandingCase {
        title: String,
        years: Vec<(i32, Year)>,
        stands: String,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct LifeCase {
        title: String,
        acts: Vec<(Act, NaiveDate, String)>,
        stands: String,
    }

    fn cases() -> Cases {
        toml::from_str(CASES).expect("cases")
    }

    #[test]
    fn a_parks_years_come_to_what_the_table_of_cases_says() {
        for case in cases().standing {
            let found =
                case.years.iter().try_fold(Record::NEW, |record, (year, came_to)| record.count(*year, *came_to));
            let stands = match found {
                Ok(Record { standing: Standing::Good, .. }) => "good".to_owned(),
                Ok(Record { standing: Standing::Notified { failed }, .. }) => format!("notified {failed}"),
                Ok(Record { standing: Standing::Delisted { failed, again }, .. }) => {
                    format!("delisted {failed} {again}")
                }
                Err(StandingError::NotAfter { year, last }) => format!("refused: {year} after {last}"),
                Err(StandingError::Delisted { again }) => format!("refused: delisted {again}"),
            };
            assert_eq!(stands, case.stands, "{}", case.title);
        }
    }

    #[test]
    fn a_featured_parks_life_goes_as_the_table_of_cases_says() {
        for case in cases().life {
            let found = case
                .acts
                .iter()
                .try_fold(None, |now, (act, day, document)| follow(now, *act, *day, document).map(Some));
            let stands = match found {
                Ok(None) => "nothing".to_owned(),
                Ok(Some((life, _))) => format!("{life:?}").to_lowercase(),
                Err(MoveError::NoSuchMove { act, may, .. }) => format!("refused: {act:?}, may {may:?}").to_lowercase(),
                Err(MoveError::NoDocument) => "refused: no document".to_owned(),
                Err(MoveError::Before { day, before }) => format!("refused: {day} before {before}"),
            };
            assert_eq!(stands, case.stands, "{}", case.title);
        }
    }

    #[test]
    fn each_act_leads_to_one_state_and_every_state_can_be_left() {
        let named: HashSet<(Option<Life>, Act)> = MOVES.iter().map(|(from, act, _)| (*from, *act)).collect();
        assert_eq!(named.len(), MOVES.len());
        for (_, _, to) in MOVES {
            assert!(MOVES.iter().any(|(from, ..)| *from == Some(to)), "{to:?}");
        }
    }
}
