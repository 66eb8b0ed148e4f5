//! `GET /api/v1/reviews/due`: which reviews contracts make due, which cannot be counted for want of what, and where the round
//! of the whole city stands. The wire shapes are here; the command line writes the same.

use super::city::BothLanguages;
use super::page::{self, wrong};
use crate::domain::review::calendar::State as Stand;
use crate::domain::review::scheme::Words;
use crate::domain::rulebook::RuleValue;
use crate::flow::review::calendar::{CalendarError, Found, Item, Question, due};
use crate::flow::rules;
use crate::http::App;
use crate::http::answer::of_register;
use crate::http::body::legal_day;
use crate::http::guard::WholeCity;
use crate::http::problem::Problem;
use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many days ahead one can look at most: a hundred years.
pub const MOST_DAYS: u32 = 36_525;

/// The calendar as it goes over the wire.
#[allow(missing_docs)] // The names are the wire's own; docs/reviews.md says what they mean.
#[derive(Debug, Serialize)]
pub struct Document {
    pub revision: i64,
    pub as_of: NaiveDate,
    pub within_days: u32,
    pub overdue: usize,
    pub due: usize,
    pub later: usize,
    pub cannot_be_counted: usize,
    /// How many cannot be counted, by what is missing.
    pub missing: BTreeMap<String, usize>,
    pub round: Option<OfRound>,
    /// The values of the rulebook that the page rests on, by their keys.
    pub rules: BTreeMap<String, Quoted>,
    pub items: Vec<Line>,
    pub next: Option<String>,
}

/// One review.
#[allow(missing_docs)]
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    pub parcel: String,
    pub district: Option<String>,
    pub contract: String,
    pub body: Option<String>,
    pub review: &'static str,
    pub review_zh: &'static str,
    pub number: u32,
    pub state: &'static str,
    pub state_zh: &'static str,
    pub due_on: Option<NaiveDate>,
    pub late_days: i64,
    pub remind_on: Option<NaiveDate>,
    pub counted_from: Option<NaiveDate>,
    pub missing: Option<String>,
    pub how: BothLanguages,
    pub rule: Option<String>,
}

/// The round of the whole city.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct OfRound {
    pub number: u32,
    pub year: u32,
    pub years: u32,
    pub begins_on: NaiveDate,
    pub ends_on: NaiveDate,
    pub year_from: NaiveDate,
    pub due_on: NaiveDate,
    pub answered_by_run: Option<i64>,
    pub rules: [Quoted; 2],
}

/// A value of the rulebook.
#[allow(missing_docs)]
#[derive(Debug, Clone, Serialize)]
pub struct Quoted {
    pub key: String,
    pub value: f64,
    pub unit: String,
    pub effective_from: NaiveDate,
    pub source: String,
    pub assumption: bool,
}

impl From<&RuleValue> for Quoted {
    fn from(one: &RuleValue) -> Self {
        Self {
            key: one.key.clone(),
            value: one.value,
            unit: one.unit.name(),
            effective_from: one.effective_from,
            source: one.source.clone(),
            assumption: one.assumption,
        }
    }
}

fn both(words: &Words) -> BothLanguages {
    BothLanguages { zh: words.zh.clone(), en: words.en.clone() }
}

pub(super) fn line(item: &Item, day: NaiveDate) -> Line {
    let entry = &item.entry;
    Line {
        parcel: item.parcel.clone(),
        district: item.district.clone(),
        contract: item.contract.clone(),
        body: item.body.clone(),
        review: entry.name.kind.name(),
        review_zh: entry.name.kind.chinese(),
        number: entry.name.number,
        state: entry.state.name(),
        state_zh: entry.state.chinese(),
        due_on: entry.due,
        late_days: entry.due.map_or(0, |due| (day - due).num_days().max(0)),
        remind_on: entry.remind_on,
        counted_from: entry.from,
        missing: if let Stand::Unknown(missing) = entry.state { Some(missing.code()) } else { None },
        how: both(&entry.how),
        rule: entry.rule.as_deref().map(|rule| rule.key.clone()),
    }
}

/// Names a review in a list, so that the next page can begin behind it.
fn token(item: &Item) -> String {
    let name = item.entry.name;
    let due = item.entry.due.map(|due| due.to_string()).unwrap_or_default();
    hex::encode(format!("{due} {} {} {}", item.contract, name.kind.name(), name.number))
}

/// The calendar in these shapes: what is due, or with `unknown` what cannot be counted, so many after one; nothing where
/// there is no such one any more.
pub fn document(
    found: &Found,
    question: &Question,
    unknown: bool,
    after: Option<&str>,
    limit: usize,
) -> Option<Document> {
    let all = if unknown { &found.unknown } else { &found.items };
    let (items, next) = page::of(all, after, limit, token)?;
    let count = |word: &str| found.items.iter().filter(|item| item.entry.state.name() == word).count();
    let mut missing: BTreeMap<String, usize> = BTreeMap::new();
    for item in &found.unknown {
        if let Stand::Unknown(what) = item.entry.state {
            *missing.entry(what.code()).or_default() += 1;
        }
    }
    let rules = items.iter().filter_map(|item| item.entry.rule.as_deref());
    Some(Document {
        revision: found.revision,
        as_of: question.as_of,
        within_days: u32::try_from((question.as_of + question.within - question.as_of).num_days()).unwrap_or(MOST_DAYS),
        overdue: count("overdue"),
        due: count("due"),
        later: count("not_yet"),
        cannot_be_counted: found.unknown.len(),
        missing,
        round: found.round.map(|(round, run)| OfRound {
            number: round.number,
            year: round.year,
            years: round.years,
            begins_on: round.begins_on,
            ends_on: round.ends_on,
            year_from: round.year_from,
            due_on: round.due,
            answered_by_run: run.map(|run| run.run),
            rules: [round.cycle.into(), round.roll.into()],
        }),
        rules: rules.map(|rule| (rule.key.clone(), rule.into())).collect(),
        items: items.iter().map(|item| line(item, question.as_of)).collect(),
        next,
    })
}

/// What is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    as_of: Option<NaiveDate>,
    within: Option<u32>,
    body: Option<String>,
    district: Option<String>,
    scheme: Option<String>,
    unknown: Option<bool>,
    limit: Option<usize>,
    after: Option<String>,
}

/// What is due.
pub async fn show(
    State(app): State<App>,
    Extension(whole_city): Extension<WholeCity>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asked = page::asked(asked, "as_of, within, body, district, scheme, unknown, limit, after")?;
    let limit = page::limit(asked.limit)?;
    let within = asked.within.unwrap_or(0);
    if within > MOST_DAYS {
        return Err(wrong("within", format!("within is {within}; expected at most {MOST_DAYS} days"), "0 to 36525"));
    }
    // Only what is known by name: a path is nothing for a stranger to say.
    if let Some(name) = &asked.scheme
        && !rules::has_scheme(name).map_err(|error| Problem::internal(&error))?
    {
        return Err(wrong("scheme", format!("there is no scheme {name:?}"), "the name of a scheme in use"));
    }
    let question = Question {
        as_of: legal_day("as_of", asked.as_of, (app.today)())?,
        within: Days::new(within.into()),
        body: asked.body,
        district: asked.district,
        scheme: asked.scheme,
    };
    let _inside = whole_city.enter()?;
    let found = due(&app.pool, &question).await.map_err(|error| match &error {
        CalendarError::NoName(unknown) => Problem::of_name("district", unknown),
        CalendarError::Store(error) => Problem::of_store(error),
        other => Problem::internal(other),
    })?;
    let unknown = asked.unknown.unwrap_or(false);
    let answer = document(&found, &question, unknown, asked.after.as_deref(), limit).ok_or_else(page::none)?;
    of_register(&answer, Some(answer.revision), &headers).map_err(|error| Problem::internal(&error))
}
