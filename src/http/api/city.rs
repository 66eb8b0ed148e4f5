//! `GET /api/v1/city`: what city this is, how sure its data are, and which review its grades come from.

use crate::atlas::{AreaKind, Snapshot};
use crate::domain::review::grade::Grade;
use crate::flow::rules;
use crate::http::App;
use crate::http::answer::{Stamp, typed};
use crate::http::problem::Problem;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::{Months, NaiveDate};
use serde::Serialize;
use std::collections::BTreeMap;

/// A text in both languages.
#[derive(Debug, Clone, Serialize)]
pub struct BothLanguages<T = String> {
    /// Chinese.
    pub zh: T,
    /// English.
    pub en: T,
}

#[derive(Serialize)]
struct City<'a> {
    name: &'a str,
    name_en: &'a str,
    made_up: bool,
    note: Option<BothLanguages<&'a str>>,
    revision: i64,
    bounds: Option<[f64; 4]>,
    parcels: usize,
    run: Option<Run<'a>>,
    districts: Vec<District<'a>>,
}

#[derive(Serialize)]
struct Run<'a> {
    id: i64,
    scheme: &'a str,
    scheme_title: BothLanguages<&'a str>,
    as_of: NaiveDate,
    state: &'a str,
    by_grade: BTreeMap<&'static str, u64>,
}

#[derive(Serialize)]
struct District<'a> {
    code: &'a str,
    name: &'a str,
    name_en: Option<&'a str>,
}

/// The city.
pub async fn show(State(app): State<App>, headers: HeaderMap) -> Result<Response, Problem> {
    let snapshot = app.atlas.current();
    let stamp = Stamp::of(&snapshot, "-city");
    if stamp.is_known(&headers) {
        return Ok(stamp.not_modified());
    }
    let today = (app.today)();
    let expiring = rules::rulebook()
        .and_then(|rulebook| rules::expiry(rulebook, today))
        .map_err(|error| Problem::internal(&error))?;
    let body = serde_json::to_string(&city(&snapshot, today, expiring)).map_err(|error| Problem::internal(&error))?;
    let mut response = typed("application/json", body);
    stamp.mark(&mut response);
    Ok(response)
}

fn city(snapshot: &Snapshot, today: NaiveDate, expiring: Months) -> City<'_> {
    let facts = snapshot.city();
    // A note in one language only is shown to readers of both.
    let note = match (facts.note_zh.as_deref(), facts.note_en.as_deref()) {
        (None, None) => None,
        (zh, en) => Some(BothLanguages { zh: zh.or(en).unwrap_or_default(), en: en.or(zh).unwrap_or_default() }),
    };
    let run = facts.run.as_ref().map(|run| {
        let tallies = snapshot.summary(&snapshot.all(), today, expiring).by_grade;
        Run {
            id: run.id,
            scheme: &run.scheme,
            scheme_title: BothLanguages { zh: &run.title_zh, en: &run.title_en },
            as_of: run.as_of,
            state: &run.state,
            by_grade: tallies.iter().map(|(grade, tally)| (grade_key(*grade), tally.count)).collect(),
        }
    });
    let mut districts: Vec<_> = snapshot
        .areas()
        .iter()
        .filter(|area| area.kind == AreaKind::District)
        .map(|area| District { code: &area.code, name: &area.name, name_en: area.name_en.as_deref() })
        .collect();
    districts.sort_by_key(|district| district.code);
    City {
        name: &facts.name,
        name_en: &facts.name_en,
        made_up: facts.made_up,
        note,
        revision: snapshot.revision(),
        bounds: snapshot.bounds().map(|bounds| bounds.to_array()),
        parcels: snapshot.len(),
        run,
        districts,
    }
}

/// The key that counts are given under.
pub fn grade_key(grade: Option<Grade>) -> &'static str {
    grade.map_or("none", Grade::name)
}
