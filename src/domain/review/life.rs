//! The life of a review run: drafted, compared with an earlier one, published by another person than who made it, under
//! public notice, final; or cancelled before it was published. A deed consumes the state and may refuse; the database
//! keeps the same table of moves.

use chrono::NaiveDate;
use serde::Serialize;

/// Where a run is in its life, with what belongs to being there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// Made, and looked at by nobody yet.
    Draft,
    /// Compared with an earlier run.
    Compared {
        /// Which one.
        with: i64,
    },
    /// Published: the bureau relies on it.
    Published,
    /// Under public notice: objections are taken.
    Noticed {
        /// The first day of the notice.
        from: NaiveDate,
        /// Its last day.
        until: NaiveDate,
    },
    /// Final: the notice is over and every objection answered.
    Final,
    /// Given up before it was published.
    Cancelled,
}

/// What is done to a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// It was compared with an earlier run.
    Compare {
        /// Which one.
        with: i64,
    },
    /// It is published.
    Publish,
    /// Public notice begins.
    Notice {
        /// The last day of it.
        until: NaiveDate,
        /// The notice.
        document: String,
    },
    /// It becomes final.
    Finalise {
        /// How many objections have no answer yet.
        open: i64,
    },
    /// It is given up.
    Cancel {
        /// Why.
        reason: String,
    },
}

/// Which deed leads from which state to which.
pub const MOVES: [(&str, &str, &str); 8] = [
    ("draft", "compare", "compared"),
    ("compared", "compare", "compared"),
    ("draft", "publish", "published"),
    ("compared", "publish", "published"),
    ("published", "notice", "noticed"),
    ("noticed", "finalise", "final"),
    ("draft", "cancel", "cancelled"),
    ("compared", "cancel", "cancelled"),
];

impl State {
    /// The word used in data.
    pub fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Compared { .. } => "compared",
            Self::Published => "published",
            Self::Noticed { .. } => "noticed",
            Self::Final => "final",
            Self::Cancelled => "cancelled",
        }
    }

    /// What may be done next, in words for whoever tried something else.
    fn next(self) -> String {
        let deeds: Vec<&str> =
            MOVES.into_iter().filter(|(from, _, _)| *from == self.name()).map(|(_, deed, _)| deed).collect();
        if deeds.is_empty() { "nothing follows".to_owned() } else { format!("what can follow: {}", deeds.join(", ")) }
    }
}

impl Deed {
    /// The word used in data.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Compare { .. } => "compare",
            Self::Publish => "publish",
            Self::Notice { .. } => "notice",
            Self::Finalise { .. } => "finalise",
            Self::Cancel { .. } => "cancel",
        }
    }
}

/// A run in its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    /// Its number.
    pub run: i64,
    /// Who made it, without the way in.
    pub made_by: String,
    /// The newest run of its kind before it that was published.
    pub follows: Option<i64>,
    /// Where it is.
    pub state: State,
    /// The day and the person of its last step.
    pub last: Option<(NaiveDate, String)>,
}

/// Why a run did not move.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The table has no such move.
    #[error("review run {run} is {state}{since}, and {deed} does not lead on from there; {next}")]
    Move {
        /// The run.
        run: i64,
        /// Where it is.
        state: &'static str,
        /// Since when and by whom.
        since: String,
        /// What was tried.
        deed: &'static str,
        /// What can be done.
        next: String,
    },
    /// It was published before.
    #[error("review run {run} was published by {by} already, and stays so")]
    Published {
        /// The run.
        run: i64,
        /// By whom, as far as the last step says.
        by: String,
    },
    /// By the one who made it.
    #[error("review run {run} was made by {maker}, who does not publish it too; have a second person do it")]
    OwnRun {
        /// The run.
        run: i64,
        /// Who made it.
        maker: String,
    },
    /// It follows a published run and was compared with none.
    #[error(
        "review run {run} follows run {follows}, which is published, and was compared with none before it; look at what \
         moves and keep that you did: landcycle review diff {follows} {run} --keep"
    )]
    NotCompared {
        /// The run.
        run: i64,
        /// The published one.
        follows: i64,
    },
    /// Compared with itself or with a later one.
    #[error("review run {run} is compared with an earlier run, and {with} is none; landcycle review list names them")]
    NotEarlier {
        /// The run.
        run: i64,
        /// The other one.
        with: i64,
    },
    /// The notice has not run out.
    #[error("the public notice of review run {run} runs until {until}; it can be final from the day after")]
    NoticeRuns {
        /// The run.
        run: i64,
        /// The last day.
        until: NaiveDate,
    },
    /// Objections wait.
    #[error(
        "review run {run} has {open} objections without an answer; landcycle review show {run} names them, and landcycle \
         review answer gives one"
    )]
    Open {
        /// The run.
        run: i64,
        /// How many.
        open: i64,
    },
    /// Nothing to point to.
    #[error("{deed} of review run {run} rests on words that can be read later; give them with {flag}")]
    NoWords {
        /// The run.
        run: i64,
        /// What was tried.
        deed: &'static str,
        /// The flag.
        flag: &'static str,
    },
}

impl Refused {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Move { .. } => "no-such-move",
            Self::Published { .. } => "already-published",
            Self::OwnRun { .. } => "own-run",
            Self::NotCompared { .. } => "not-compared",
            Self::NotEarlier { .. } => "not-an-earlier-run",
            Self::NoticeRuns { .. } => "notice-runs",
            Self::Open { .. } => "objections-open",
            Self::NoWords { .. } => "no-words",
        }
    }
}

impl Life {
    /// Does a deed; answers the state that it leads to.
    pub fn make(self, by: &str, on: NaiveDate, deed: &Deed) -> Result<State, Refused> {
        let run = self.run;
        match (self.state, deed) {
            (State::Draft | State::Compared { .. }, Deed::Compare { with }) => {
                if *with >= run {
                    return Err(Refused::NotEarlier { run, with: *with });
                }
                Ok(State::Compared { with: *with })
            }
            (state @ (State::Draft | State::Compared { .. }), Deed::Publish) => {
                if self.made_by == by {
                    return Err(Refused::OwnRun { run, maker: self.made_by });
                }
                match self.follows {
                    Some(follows) if state == State::Draft => Err(Refused::NotCompared { run, follows }),
                    _ => Ok(State::Published),
                }
            }
            (State::Published, Deed::Notice { until, document }) => {
                if document.trim().is_empty() {
                    return Err(Refused::NoWords { run, deed: deed.name(), flag: "--document" });
                }
                Ok(State::Noticed { from: on, until: *until })
            }
            (State::Noticed { until, .. }, Deed::Finalise { open }) => {
                if on <= until {
                    return Err(Refused::NoticeRuns { run, until });
                }
                if *open > 0 {
                    return Err(Refused::Open { run, open: *open });
                }
                Ok(State::Final)
            }
            (State::Draft | State::Compared { .. }, Deed::Cancel { reason }) => {
                if reason.trim().is_empty() {
                    return Err(Refused::NoWords { run, deed: deed.name(), flag: "--reason" });
                }
                Ok(State::Cancelled)
            }
            (State::Published, Deed::Publish) => {
                let by = self.last.map(|(_, by)| by).unwrap_or_default();
                Err(Refused::Published { run, by })
            }
            (state, deed) => {
                let since = self.last.map(|(on, by)| format!(" since {on} by {by}")).unwrap_or_default();
                Err(Refused::Move { run, state: state.name(), since, deed: deed.name(), next: state.next() })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn day(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 7, day).unwrap()
    }

    fn life(state: State) -> Life {
        Life { run: 5, made_by: "li".into(), follows: None, state, last: Some((day(1), "cli:wang".into())) }
    }

    fn states() -> [State; 6] {
        let noticed = State::Noticed { from: day(1), until: day(8) };
        [State::Draft, State::Compared { with: 2 }, State::Published, noticed, State::Final, State::Cancelled]
    }

    fn deeds() -> [Deed; 5] {
        [
            Deed::Compare { with: 3 },
            Deed::Publish,
            Deed::Notice { until: day(31), document: "公示".into() },
            Deed::Finalise { open: 0 },
            Deed::Cancel { reason: "wrong scheme".into() },
        ]
    }

    #[test]
    fn a_run_moves_as_the_table_says_and_no_other_way() {
        for state in states() {
            for deed in deeds() {
                let told = life(state).make("wang", day(9), &deed);
                let listed = MOVES.iter().find(|(from, name, _)| (*from, *name) == (state.name(), deed.name()));
                assert_eq!(told.as_ref().ok().map(|to| to.name()), listed.map(|(_, _, to)| *to), "{state:?} {deed:?}");
                if let Err(refused) = told {
                    assert!(matches!(refused.code(), "no-such-move" | "already-published"), "{refused}");
                }
            }
        }
    }

    #[test]
    fn what_the_table_allows_is_still_refused_to_the_wrong_person_and_on_the_wrong_day() {
        let [draft, compared, published, noticed, ..] = states();
        let code = |life: Life, by: &str, on: u32, deed: &Deed| life.make(by, day(on), deed).unwrap_err().code();
        assert_eq!(code(life(draft), "li", 9, &Deed::Publish), "own-run");
        let later = |state| Life { follows: Some(2), ..life(state) };
        assert_eq!(code(later(draft), "wang", 9, &Deed::Publish), "not-compared");
        assert_eq!(later(compared).make("wang", day(9), &Deed::Publish), Ok(State::Published));
        for with in [5, 6] {
            assert_eq!(code(life(draft), "li", 9, &Deed::Compare { with }), "not-an-earlier-run");
        }
        assert_eq!(code(life(noticed), "wang", 8, &Deed::Finalise { open: 0 }), "notice-runs");
        assert_eq!(code(life(noticed), "wang", 9, &Deed::Finalise { open: 1 }), "objections-open");
        let empty = Deed::Notice { until: day(31), document: " ".into() };
        assert_eq!(code(life(published), "wang", 9, &empty), "no-words");
        assert_eq!(code(life(draft), "li", 9, &Deed::Cancel { reason: String::new() }), "no-words");
    }
}
