//! `GET /api/v1/obligations`: what falls due, and what is overdue, by responsible body. The wire shapes are here; the command
//! line writes the same.

use super::city::BothLanguages;
use crate::domain::contract::agenda::{Agenda, Item};
use crate::domain::review::scheme::Words;
use crate::flow::contract::{ContractError, falling_due};
use crate::http::App;
use crate::http::answer::of_register;
use crate::http::body::legal_day;
use crate::http::guard::WholeCity;
use crate::http::problem::{Kind, Problem};
use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// How many days ahead one looks where nothing is said.
pub const USUAL_DAYS: u32 = 90;
/// How many at most: a hundred years.
pub const MOST_DAYS: u32 = 36_525;
/// How many items an answer has where nothing is said, and at most.
const MOST_ITEMS: usize = 1_000;

/// The list as it goes over the wire.
#[allow(missing_docs)] // The names are the wire's own; docs/clocks.md says what they mean.
#[derive(Debug, Serialize)]
pub struct Document {
    pub as_of: NaiveDate,
    pub within_days: u32,
    pub overdue: usize,
    pub falling_due: usize,
    pub items: Vec<Due>,
    pub cannot_be_computed: Vec<Missing>,
    pub without_figure: usize,
    /// Items that the answer leaves out.
    pub left_out: usize,
}

/// One thing that falls due.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct Due {
    pub body: Option<String>,
    pub what: String,
    pub obligation: Option<String>,
    pub contract: String,
    pub parcel: String,
    pub year: Option<i32>,
    pub state: &'static str,
    pub state_zh: &'static str,
    pub due_on: NaiveDate,
    pub days: i64,
    pub how: BothLanguages,
}

/// A clock that cannot be computed.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct Missing {
    pub obligation: String,
    pub why: BothLanguages,
}

fn both(words: &Words) -> BothLanguages {
    BothLanguages { zh: words.zh.clone(), en: words.en.clone() }
}

fn due(item: &Item) -> Due {
    Due {
        body: item.body.clone(),
        what: item.what.name(),
        obligation: item.number.clone(),
        contract: item.contract.clone(),
        parcel: item.parcel.clone(),
        year: item.year,
        state: item.state.name(),
        state_zh: item.state.chinese(),
        due_on: item.due,
        days: item.days,
        how: both(&item.how),
    }
}

/// The list in these shapes, of at most so many items.
pub fn document(agenda: &Agenda, as_of: NaiveDate, within_days: u32, limit: usize) -> Document {
    let overdue = agenda.items.iter().filter(|item| item.days < 0).count();
    let missing = |(number, how): &(String, Words)| Missing { obligation: number.clone(), why: both(how) };
    Document {
        as_of,
        within_days,
        overdue,
        falling_due: agenda.items.len() - overdue,
        items: agenda.items.iter().take(limit).map(due).collect(),
        cannot_be_computed: agenda.unknown.iter().take(limit).map(missing).collect(),
        without_figure: agenda.without_figure,
        left_out: agenda.items.len().saturating_sub(limit),
    }
}

/// What is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    within: Option<u32>,
    body: Option<String>,
    as_of: Option<NaiveDate>,
    limit: Option<usize>,
}

/// What falls due.
pub async fn show(
    State(app): State<App>,
    Extension(whole_city): Extension<WholeCity>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let wrong = |field: &str, detail: String, expected: &str| {
        Problem::new(Kind::InvalidParameter, detail).with("wrong-value", field, json!({ "expected": expected }))
    };
    let Query(asked) = asked.map_err(|error| wrong("query", error.to_string(), "within, body, as_of, limit"))?;
    let within = asked.within.unwrap_or(USUAL_DAYS);
    if within > MOST_DAYS {
        return Err(wrong("within", format!("within is {within}; expected at most {MOST_DAYS} days"), "0 to 36525"));
    }
    let limit = asked.limit.unwrap_or(MOST_ITEMS);
    if limit > MOST_ITEMS {
        return Err(wrong("limit", format!("limit is {limit}; expected at most {MOST_ITEMS}"), "0 to 1000"));
    }
    let day = legal_day("as_of", asked.as_of, (app.today)())?;
    let _inside = whole_city.enter()?;
    let agenda = falling_due(&app.pool, day, Days::new(within.into()), asked.body.as_deref()).await.map_err(
        |error| match &error {
            ContractError::Store(error) => Problem::of_store(error),
            ContractError::Rules(error) => Problem::internal(error),
        },
    )?;
    of_register(&document(&agenda, day, within, limit), None, &headers).map_err(|error| Problem::internal(&error))
}
