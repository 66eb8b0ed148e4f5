//! Which reviews contracts make due: the register's facts of one moment meet the rules of the day. And a review that was
//! done on paper, as it is entered.

use crate::domain::calendar::Calendar;
use crate::domain::contract::agenda::Watched;
use crate::domain::dictionary;
use crate::domain::review::calendar::round::{Published, Round};
use crate::domain::review::calendar::{By, Entry, Kind, Known, Name, State, Terms, Timing, in_force};
use crate::domain::review::run::Rules;
use crate::domain::rulebook::Rulebook;
use crate::exchange::workbook::Cover;
use crate::exchange::write::{self, Column, Format, Layout, Row, Value, WriteError};
use crate::flow::names::{UnknownName, unknown_district};
use crate::flow::rules::{self, RulesError};
use crate::store::StoreError;
use crate::store::review::beside::Answered;
use crate::store::review::calendar::{self, Held, Paper};
use crate::store::write::{Audit, Write};
use chrono::{Days, NaiveDate};
use rayon::prelude::*;
use serde_json::json;
use sqlx::PgPool;
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// Reviews of contracts that lie so far ahead are looked for where one is to be entered.
const FAR: Days = Days::new(36_525);

/// What is asked of the calendar.
#[derive(Debug, Clone)]
pub struct Question {
    /// The day.
    pub as_of: NaiveDate,
    /// What falls due in so many days is listed too.
    pub within: Days,
    /// Only what this body answers for.
    pub body: Option<String>,
    /// Only parcels of this district.
    pub district: Option<String>,
    /// The scheme that says how many years lie between reviews in use; the default one where none is named.
    pub scheme: Option<String>,
}

/// One review of one contract.
#[derive(Debug, Clone)]
pub struct Item {
    /// Code of the parcel.
    pub parcel: String,
    /// Its district; nothing where the parcel is not one of the day.
    pub district: Option<String>,
    /// Number of the contract.
    pub contract: String,
    /// Who answers for it.
    pub body: Option<String>,
    /// The review.
    pub entry: Entry<'static>,
}

/// The calendar of a day.
#[derive(Debug)]
pub struct Found {
    /// The newest revision that it knew.
    pub revision: i64,
    /// What is due, overdue, or falls due within the days asked about, by day, contract and review.
    pub items: Vec<Item>,
    /// What cannot be counted, by contract and review.
    pub unknown: Vec<Item>,
    /// The round of the whole city, and the run that answers its year; nothing where no rule is in force.
    pub round: Option<(Round<'static>, Option<Published>)>,
}

/// Why there is no calendar, or why a review was not entered.
#[derive(Debug, thiserror::Error)]
pub enum CalendarError {
    /// No such district.
    #[error(transparent)]
    NoName(#[from] UnknownName),
    /// No contract of that number holds a parcel on the day.
    #[error(
        "no parcel is held by a contract {contract:?} on {on}; give the number of the contract itself, not of a supplement"
    )]
    NoContract {
        /// The number.
        contract: String,
        /// The day.
        on: NaiveDate,
    },
    /// The contract makes no such review due.
    #[error("contract {contract} makes no review {asked} due; it makes due: {due}")]
    NoReview {
        /// Its number.
        contract: String,
        /// What was asked for.
        asked: String,
        /// What it makes due.
        due: String,
    },
    /// It stands as done, or as not done, already.
    #[error("review {asked} of contract {contract} {stands}")]
    Stands {
        /// The number of the contract.
        contract: String,
        /// Which review.
        asked: String,
        /// How it stands.
        stands: String,
    },
    /// The day is yet to come.
    #[error("{on} is yet to come (today is {today}): what is entered was done")]
    Future {
        /// The day.
        on: NaiveDate,
        /// Today.
        today: NaiveDate,
    },
    /// Nothing to point to.
    #[error("that a review was done rests on a paper that can be read later; name it with --document")]
    NoDocument,
    /// The file has no format of a list.
    #[error("{0} has no format of a list; expected a name that ends in .csv or .xlsx")]
    Format(String),
    /// The file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The rules could not be had.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The computation stopped.
    #[error("the computation stopped unexpectedly")]
    Computation(#[from] tokio::task::JoinError),
}

impl CalendarError {
    /// Whether what was asked for is at fault, rather than the machine.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Rules(RulesError::Unknown { .. }))
            || !matches!(self, Self::Write(_) | Self::Rules(_) | Self::Store(_) | Self::Computation(_))
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoName(_) => "unknown-district",
            Self::NoContract { .. } => "unknown-contract",
            Self::NoReview { .. } => "no-such-review",
            Self::Stands { .. } => "stands-already",
            Self::Future { .. } => "day-in-the-future",
            Self::NoDocument => "no-words",
            Self::Format(_) => "no-such-format",
            Self::Rules(RulesError::Unknown { .. }) => "no-such-scheme",
            Self::Write(_) | Self::Rules(_) | Self::Store(_) | Self::Computation(_) => "failed",
        }
    }
}

/// The calendar of a day.
pub async fn due(pool: &PgPool, question: &Question) -> Result<Found, CalendarError> {
    if let Some(unknown) = unknown_district(pool, question.district.as_deref()).await? {
        return Err(unknown.into());
    }
    let timing = timing(question.as_of, question.scheme.as_deref())?;
    let held = calendar::held(pool, question.as_of).await?;
    let (rulebook, days, question) = (rules::rulebook()?, rules::calendar()?, question.clone());
    Ok(tokio::task::spawn_blocking(move || of(&held, &timing, rulebook, days, &question)).await?)
}

/// The rules of the calendar on a day, under a scheme; under the default one where none is named.
fn timing(day: NaiveDate, scheme: Option<&str>) -> Result<Timing<'static>, RulesError> {
    let years = match scheme {
        Some(name) => rules::scheme(name)?.review_years,
        None => rules::review_years()?,
    };
    Ok(Timing::on(rules::rulebook()?, day).every(years))
}

/// The calendar of one parcel: every review that its contract made or makes due, as far as the next one in use. `contracts`
/// are those of the parcel, and `known` is what was done of the reviews of the one by which it is held.
pub(crate) fn of_parcel(
    contracts: &[Watched],
    known: &Known,
    district: &str,
    (rulebook, day): (&Rulebook, NaiveDate),
) -> Result<Vec<Item>, RulesError> {
    let timing = Timing::on(rulebook, day).every(rules::review_years()?);
    let calendar = rules::calendar()?;
    let of = |terms: &Terms<'_>| {
        let contract = terms.contract;
        let entries = timing.reviews(terms, known, calendar, Days::new(0));
        let item = |entry: Entry<'_>| Item {
            parcel: contract.parcel.clone(),
            district: Some(district.to_owned()),
            contract: contract.number.clone(),
            body: contract.responsible_unit.clone(),
            entry: entry.into_owned(),
        };
        entries.into_iter().map(item).collect::<Vec<Item>>()
    };
    Ok(in_force(contracts, day).iter().flat_map(of).collect())
}

/// What of the calendar a question asks for.
fn of(
    held: &Held,
    timing: &Timing<'static>,
    rulebook: &'static Rulebook,
    calendar: &Calendar,
    question: &Question,
) -> Found {
    let (day, within) = (question.as_of, question.within);
    let nothing = Known::new();
    let horizon = day.checked_add_days(within).unwrap_or(NaiveDate::MAX);
    let terms = in_force(&held.contracts, day);
    let mut listed: Vec<Item> = terms
        .par_iter()
        .filter(|one| question.body.is_none() || one.contract.responsible_unit == question.body)
        .filter(|one| {
            question.district.is_none() || held.districts.get(&one.contract.parcel) == question.district.as_ref()
        })
        .flat_map_iter(|one| {
            let contract = one.contract;
            let known = held.done.get(&contract.number).unwrap_or(&nothing);
            let entries = timing.reviews(one, known, calendar, within);
            let wanted = move |entry: &Entry<'_>| match entry.state {
                State::NotYet { .. } => entry.due.is_some_and(|due| due <= horizon),
                State::Unknown(_) => true,
                _ => entry.state.is_open(),
            };
            entries.into_iter().filter(wanted).map(|entry| Item {
                parcel: contract.parcel.clone(),
                district: held.districts.get(&contract.parcel).cloned(),
                contract: contract.number.clone(),
                body: contract.responsible_unit.clone(),
                entry,
            })
        })
        .collect();
    listed.par_sort_by(|one, other| {
        (one.entry.due, &one.contract, one.entry.name).cmp(&(other.entry.due, &other.contract, other.entry.name))
    });
    let (unknown, items) = listed.into_iter().partition(|item| item.entry.due.is_none());
    let round = Round::on(rulebook, day).map(|round| (round, round.answered(&held.rounds, day)));
    Found { revision: held.revision, items, unknown, round }
}

/// The reviews that a run of a day answers: those that are due or overdue of parcels that it judges, in no order. What is
/// due of a parcel that is left out stays due.
pub(super) fn answers(
    watched: &[Watched],
    done: &HashMap<String, Known>,
    judged: &HashSet<String>,
    (rules, calendar): (&Rules, &Calendar),
    as_of: NaiveDate,
) -> Vec<Answered> {
    let timing = Timing::on(&rules.rulebook, as_of).every(rules.scheme.review_years);
    let nothing = Known::new();
    in_force(watched, as_of)
        .par_iter()
        .filter(|terms| judged.contains(&terms.contract.parcel))
        .flat_map_iter(|terms| {
            let contract = terms.contract;
            let known = done.get(&contract.number).unwrap_or(&nothing);
            let entries = timing.reviews(terms, known, calendar, Days::new(0));
            let open = entries.into_iter().filter(|entry| entry.state.is_open());
            open.filter_map(|entry| {
                Some(Answered {
                    parcel: contract.parcel.clone(),
                    contract: contract.number.clone(),
                    review: entry.name.kind.name().to_owned(),
                    number: i32::try_from(entry.name.number).ok()?,
                    due_on: entry.due?,
                })
            })
        })
        .collect()
}

/// What is entered of a review that was done on paper.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// Number of the contract.
    pub contract: String,
    /// Which review.
    pub name: Name,
    /// The day on which it was done.
    pub on: NaiveDate,
    /// The paper.
    pub document: String,
    /// Whether what was entered before was a mistake.
    pub withdraws: bool,
}

/// Enters that a review was done on paper, or that it was not after all; answers the revision.
pub async fn accept(pool: &PgPool, today: NaiveDate, actor: &str, said: &Accepted) -> Result<i64, CalendarError> {
    let Accepted { contract, name, on, withdraws, .. } = said;
    let document = said.document.trim();
    if document.is_empty() {
        return Err(CalendarError::NoDocument);
    }
    if *on > today {
        return Err(CalendarError::Future { on: *on, today });
    }
    let mut write = Write::begin(pool, actor, "review-accept").await?;
    let known = calendar::done(write.connection(), Some(contract), None).await?.remove(contract).unwrap_or_default();
    let contracts = calendar::contracts_beside(write.connection(), contract, today).await?;
    let timing = timing(today, None)?;
    let terms = in_force(&contracts, today);
    let terms = terms.iter().find(|terms| terms.contract.number == *contract);
    let terms = terms.ok_or_else(|| CalendarError::NoContract { contract: contract.clone(), on: today })?;
    let entries = timing.reviews(terms, &known, rules::calendar()?, FAR);
    let asked = words(*name);
    let Some(entry) = entries.iter().find(|entry| entry.name == *name) else {
        let due: Vec<String> = entries.iter().map(|entry| words(entry.name)).collect();
        let due = if due.is_empty() { "nothing".to_owned() } else { due.join(", ") };
        return Err(CalendarError::NoReview { contract: contract.clone(), asked, due });
    };
    let stands = match (&entry.state, withdraws) {
        (State::Done(done), false) => Some(format!("is done already, on {}", done.on)),
        (State::Done(done), true) if !matches!(done.by, By::Acceptance { .. }) => {
            Some("was done by a published run, which stays".to_owned())
        }
        (State::Done(_), true) | (_, false) => None,
        (_, true) => Some("is not done, so there is nothing to withdraw".to_owned()),
    };
    if let Some(stands) = stands {
        return Err(CalendarError::Stands { contract: contract.clone(), asked, stands });
    }
    let paper = Paper { contract, name: *name, withdraws: *withdraws, on: *on, due: entry.due, document };
    calendar::accept(&mut write, &paper, actor).await?;
    let facts = json!({ "contract": contract, "document": document, "due_on": entry.due, "number": name.number, "on": on,
        "review": name.kind.name(), "withdrawn": withdraws });
    Ok(write.commit(Audit { subject: format!("review {asked} of contract {contract}"), facts }).await?)
}

/// A review by its words: `completion`, `process 2`.
pub fn words(name: Name) -> String {
    match name.kind {
        Kind::Process => format!("{} {}", name.kind.name(), name.number),
        kind => kind.name().to_owned(),
    }
}

/// Writes what is due to a file; answers how many rows.
pub fn write(found: &Found, question: &Question, path: &Path) -> Result<u64, CalendarError> {
    let extension = path.extension().map(|found| found.to_string_lossy().to_lowercase()).unwrap_or_default();
    let format = match Format::parse(&extension) {
        Some(format @ (Format::Csv | Format::Xlsx)) => format,
        _ => return Err(CalendarError::Format(path.display().to_string())),
    };
    let terms = dictionary::reviews_due();
    let columns: Vec<Column> = terms.iter().map(|term| crate::flow::export::column(term, format)).collect();
    let day = question.as_of;
    let cover = Cover {
        title: "产业用地评估到期表".to_owned(),
        source: "来源：产业用地登记册（landcycle）".to_owned(),
        moment: format!("基准日 {day}    登记册版本 {}", found.revision),
        crs: None,
        terms,
        shape: None,
    };
    let rows = found.items.iter().map(|item| Ok::<Row, WriteError>((values(item, day), None)));
    let layout = Layout { cover: Some(&cover), ..Layout::plain(format, "reviews-due", &columns) };
    Ok(write::table(path, &layout, rows)?)
}

fn values(item: &Item, day: NaiveDate) -> Vec<Value> {
    let entry = &item.entry;
    let late = entry.due.map_or(0, |due| (day - due).num_days().max(0));
    vec![
        item.parcel.as_str().into(),
        item.district.clone().into(),
        item.contract.as_str().into(),
        item.body.clone().into(),
        entry.name.kind.name().into(),
        entry.name.kind.chinese().into(),
        i64::from(entry.name.number).into(),
        entry.due.into(),
        late.into(),
        entry.state.name().into(),
        entry.from.into(),
        entry.how.zh.as_str().into(),
        entry.how.en.as_str().into(),
        entry.rule.as_deref().map(|rule| rule.key.clone()).into(),
        entry.rule.as_deref().map(|rule| rule.source.clone()).into(),
    ]
}
