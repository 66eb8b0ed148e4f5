//! Lists that come page by page: how long a page is, where it begins, and which parameters a list knows.

use crate::http::problem::{Kind, Problem};
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use serde_json::json;

/// How many entries a page has where nothing is said, and at most.
const USUAL: usize = 100;
const MOST: usize = 1_000;

/// The parameters of an address; one that is unknown or has a wrong value is refused with those that are known.
pub fn asked<T>(asked: Result<Query<T>, QueryRejection>, expected: &str) -> Result<T, Problem> {
    asked.map(|Query(asked)| asked).map_err(|error| wrong("query", format!("{error}; expected {expected}"), expected))
}

/// A wrong parameter, with what was expected.
pub fn wrong(field: &str, detail: String, expected: &str) -> Problem {
    Problem::new(Kind::InvalidParameter, detail).with("wrong-value", field, json!({ "expected": expected }))
}

/// How many entries a page shall have.
pub fn limit(said: Option<usize>) -> Result<usize, Problem> {
    let limit = said.unwrap_or(USUAL);
    if limit > MOST {
        return Err(wrong("limit", format!("limit is {limit}; expected at most {MOST}"), "0 to 1000"));
    }
    Ok(limit)
}

/// A page that follows an entry which is not there.
pub fn none() -> Problem {
    wrong(
        "after",
        "the entry that the page should follow is not in the answer any more; start anew".into(),
        "next of a page",
    )
}

/// The entries behind the one that a token names, so many of them, and the token of the page that follows; nothing where
/// there is no such entry.
pub fn of<'a, T>(
    entries: &'a [T],
    after: Option<&str>,
    limit: usize,
    token: impl Fn(&T) -> String,
) -> Option<(&'a [T], Option<String>)> {
    let begin = match after {
        None => 0,
        Some(after) => entries.iter().position(|entry| token(entry) == after)? + 1,
    };
    let rest = &entries[begin..];
    let page = &rest[..rest.len().min(limit)];
    Some((page, page.last().filter(|_| page.len() < rest.len()).map(token)))
}
