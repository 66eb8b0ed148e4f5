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

impl Year {
    /// The word used in data and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::NotJudged => "not_judged",
        }
    }

    /// What is meant by that word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Passed, Self::Failed, Self::NotJudged].into_iter().find(|year| year.name() == word)
    }
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

impl Standing {
    /// The word used in data and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Notified { .. } => "notified",
            Self::Delisted { .. } => "delisted",
        }
    }

    /// The years that failed: the first, and the one that delisted it.
    pub fn failed_years(self) -> (Option<i32>, Option<i32>) {
        match self {
            Self::Good => (None, None),
            Self::Notified { failed } => (Some(failed), None),
            Self::Delisted { failed, again } => (Some(failed), Some(again)),
        }
    }

    /// The standing of that word and these years.
    pub fn parse(word: &str, failed: Option<i32>, again: Option<i32>) -> Option<Self> {
        match (word, failed, again) {
            ("good", None, None) => Some(Self::Good),
            ("notified", Some(failed), None) => Some(Self::Notified { failed }),
            ("delisted", Some(failed), Some(again)) => Some(Self::Delisted { failed, again }),
            _ => None,
        }
    }
}

/// The moves of a standing: from, what came, to. The database keeps the same table.
pub const STANDING_MOVES: [(&str, &str, &str); 7] = [
    ("good", "passed", "good"),
    ("good", "not_judged", "good"),
    ("good", "failed", "notified"),
    ("notified", "passed", "good"),
    ("notified", "not_judged", "notified"),
    ("notified", "failed", "delisted"),
    ("delisted", "announced", "good"),
];

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

    /// What the announcement of a park comes to: one that was delisted begins anew, of years after those that were counted.
    /// Nothing where nothing is held against it that an announcement would end.
    pub fn announced(self) -> Option<Self> {
        match self.standing {
            Standing::Delisted { .. } => Some(Self { standing: Standing::Good, last: self.last }),
            Standing::Good | Standing::Notified { .. } => None,
        }
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

impl Life {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Applied, Self::Announced, Self::Operating, Self::Exited];

    /// The word used in data and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Announced => "announced",
            Self::Operating => "operating",
            Self::Exited => "exited",
        }
    }

    /// What is meant by that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|life| life.name() == word)
    }
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

impl Act {
    /// The word used in data and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Apply => "apply",
            Self::Refuse => "refuse",
            Self::Announce => "announce",
            Self::Operate => "operate",
            Self::Exit => "exit",
        }
    }
}

/// Where a park is in its life, since when, and who entered that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stay {
    /// Where it is.
    pub life: Life,
    /// The day of the move that led there.
    pub since: NaiveDate,
    /// Who entered it, without the way in.
    pub by: String,
}

/// Why a move is not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoveError {
    /// The table does not have it.
    #[error("{} does not follow where the park is ({}); what does: {}", .act.name(), .from.map_or("no application", Life::name), said(.may))]
    NoSuchMove {
        /// From where.
        from: Option<Life>,
        /// What was to happen.
        act: Act,
        /// What may.
        may: Vec<Act>,
    },
    /// Nothing says that it happened.
    #[error("a move rests on a document; name it with --document")]
    NoDocument,
    /// It would have happened before what went before.
    #[error("{day} is before {before}, the day of the move before; give the day with --on")]
    Before {
        /// The day.
        day: NaiveDate,
        /// That of the move before.
        before: NaiveDate,
    },
    /// By the one who entered the application.
    #[error("the application was entered by {by}, who does not decide on it too; have a second person do it")]
    OwnApplication {
        /// Who entered it.
        by: String,
    },
}

fn said(may: &[Act]) -> String {
    may.iter().map(|act| act.name()).collect::<Vec<_>>().join(" or ")
}

impl MoveError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoSuchMove { .. } => "no-such-move",
            Self::NoDocument => "no-document",
            Self::Before { .. } => "before-the-last-move",
            Self::OwnApplication { .. } => "own-application",
        }
    }
}

/// What comes of an act on a day by a person, after the state before it. Who entered an application neither announces the
/// park nor refuses it: an assumption too.
pub fn follow(now: Option<&Stay>, act: Act, day: NaiveDate, document: &str, by: &str) -> Result<Stay, MoveError> {
    let from = now.map(|stay| stay.life);
    let Some((_, _, to)) = MOVES.iter().find(|(state, named, _)| (*state, *named) == (from, act)) else {
        let may = MOVES.iter().filter(|(state, ..)| *state == from).map(|(_, named, _)| *named).collect();
        return Err(MoveError::NoSuchMove { from, act, may });
    };
    if document.trim().is_empty() {
        return Err(MoveError::NoDocument);
    }
    match now {
        Some(stay) if day < stay.since => Err(MoveError::Before { day, before: stay.since }),
        Some(stay) if stay.life == Life::Applied && stay.by == by => {
            Err(MoveError::OwnApplication { by: by.to_owned() })
        }
        _ => Ok(Stay { life: *to, since: day, by: by.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
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
        acts: Vec<(Act, NaiveDate, String, String)>,
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
            let found = case.acts.iter().try_fold(None::<Stay>, |now, (act, day, document, by)| {
                follow(now.as_ref(), *act, *day, document, by).map(Some)
            });
            let stands = match found {
                Ok(now) => now.map_or("nothing", |stay| stay.life.name()).to_owned(),
                Err(MoveError::NoSuchMove { act, may, .. }) => format!("refused: {}, may {}", act.name(), said(&may)),
                Err(MoveError::NoDocument) => "refused: no document".to_owned(),
                Err(MoveError::Before { day, before }) => format!("refused: {day} before {before}"),
                Err(MoveError::OwnApplication { by }) => format!("refused: {by} decides on an own application"),
            };
            assert_eq!(stands, case.stands, "{}", case.title);
        }
    }

    #[test]
    fn only_a_delisted_park_begins_anew_when_it_is_announced_and_only_with_later_years() {
        let delisted = Record { standing: Standing::Delisted { failed: 2022, again: 2023 }, last: Some(2023) };
        let anew = delisted.announced().expect("it begins anew");
        assert_eq!(
            (anew.standing, anew.count(2023, Year::Passed)),
            (Standing::Good, Err(StandingError::NotAfter { year: 2023, last: 2023 }))
        );
        assert_eq!(
            anew.count(2024, Year::Failed).map(|record| record.standing),
            Ok(Standing::Notified { failed: 2024 })
        );
        for standing in [Standing::Good, Standing::Notified { failed: 2023 }] {
            assert_eq!(Record { standing, last: Some(2023) }.announced(), None);
        }
    }

    #[test]
    fn the_table_of_standings_is_what_counting_comes_to() {
        let from = |word: &str| {
            let (failed, again) = match word {
                "notified" => (Some(2020), None),
                "delisted" => (Some(2020), Some(2021)),
                _ => (None, None),
            };
            Record { standing: Standing::parse(word, failed, again).expect("a standing"), last: Some(2021) }
        };
        for word in ["good", "notified", "delisted"] {
            for came in ["passed", "failed", "not_judged", "announced"] {
                let counted = match Year::parse(came) {
                    Some(year) => from(word).count(2022, year).ok(),
                    None => from(word).announced(),
                };
                let listed = STANDING_MOVES.iter().find(|(state, what, _)| (*state, *what) == (word, came));
                assert_eq!(counted.map(|it| it.standing.name()), listed.map(|(_, _, to)| *to), "{word} {came}");
            }
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

    proptest! {
        /// However the years go.
        #[test]
        fn a_park_is_delisted_by_the_second_failed_year_without_a_passed_one_between_and_by_nothing_else(
            years in proptest::collection::vec(prop_oneof![Just(Year::Passed), Just(Year::Failed), Just(Year::NotJudged)], 0..12)
        ) {
            let mut record = Record::NEW;
            let mut failed = 0;
            for (year, came_to) in (2000..).zip(years) {
                match came_to {
                    Year::Passed => failed = 0,
                    Year::Failed => failed += 1,
                    Year::NotJudged => {}
                }
                record = record.count(year, came_to).expect("in order, and not delisted");
                let expected = ["good", "notified", "delisted"][failed];
                prop_assert_eq!(record.standing.name(), expected);
                if failed == 2 {
                    prop_assert!(record.count(year + 1, Year::Passed).is_err(), "it is not evaluated any more");
                    break;
                }
            }
        }
    }
}
