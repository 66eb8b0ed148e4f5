//! `POST /api/v1/parcels/search`: the parcels of an area that are like a filter asks, the figures of all of them, and a page
//! of the list. A search is a read although it is posted, because an area does not fit an address: it bears a tag like other
//! reads.

mod file;
mod question;
mod shapes;

pub(super) use question::{given, moment_of, read_geometry, read_moment, refuse, wrong};
pub(super) use shapes::write_feature;

use crate::atlas::{Hits, Snapshot};
use crate::domain::queryable::Queryable;
use crate::flow::{Format, moment, rules};
use crate::http::App;
use crate::http::agreement::reached;
use crate::http::answer::{Stamp, typed};
use crate::http::body;
use crate::http::guard::{Searches, WholeCity};
use crate::http::patience::{MOST_SEARCH, Patience, wait};
use crate::http::problem::{Kind, Problem};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::{Months, NaiveDate};
use question::{After, Question};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use shapes::wire_summary;
use std::borrow::Cow;
use std::sync::Arc;

/// What was asked, as it came and as it was read.
struct Asked {
    headers: HeaderMap,
    body: Bytes,
    question: Question,
    patience: Patience,
    /// The file that the answer is to be; nothing for the usual page.
    file: Option<Format>,
}

/// The parcels of an area.
pub async fn search(
    State(app): State<App>,
    Extension(whole_city): Extension<WholeCity>,
    Extension(searches): Extension<Searches>,
    request: Request,
) -> Result<Response, Problem> {
    // Dropped with this future, when the client leaves: the work then stops.
    let (_waiting, patience) = wait(MOST_SEARCH);
    let headers = request.headers().clone();
    let file = file::form(request.uri(), &headers)?;
    let body = body::read(request).await?;
    let today = (app.today)();
    // Not before the body is there: whoever sends it slowly takes nobody's place.
    let _searching = searches.enter().await?;
    // An area of many thousand vertices takes milliseconds to read, and an answer of a thousand parcels to write.
    let asked = blocking(move || {
        let question = Question::read(&body, today)?;
        if file.is_some() && question.is_a_page {
            let detail = "a file holds all that was found; expected neither limit nor after beside f";
            return Err(Problem::new(Kind::InvalidParameter, detail).with("all-or-a-page", "limit", json!({})));
        }
        Ok(Asked { headers, body, question, patience, file })
    });
    let asked = asked.await?;
    let failed = |error| Problem::of_refresh(&error);
    let moment = asked.question.moment;
    let rulebook = moment::rulebook(&app.pool, moment.and_then(|moment| moment.known_at)).await.map_err(failed)?;
    // A file of many parcels is worked at as long as an answer about the whole city.
    let _inside = match asked.file.is_some() || moment.is_some() {
        true => Some(whole_city.enter()?),
        false => None,
    };
    let (snapshot, day) = match moment {
        None => {
            reached(&app.atlas, asked.question.min_revision).await?;
            (app.atlas.current(), today)
        }
        Some(moment) => {
            let then = moment::snapshot_at(&app.pool, moment, asked.question.place.bounds()).await;
            (Arc::new(then.map_err(failed)?), moment.valid_at)
        }
    };
    let expiring = rules::expiry(&rulebook, day).map_err(|error| Problem::internal(&error))?;
    blocking(move || respond(&snapshot, day, expiring, &asked)).await
}

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Problem::internal(&error))?
}

fn respond(snapshot: &Snapshot, today: NaiveDate, expiring: Months, asked: &Asked) -> Result<Response, Problem> {
    let question = &asked.question;
    let digest = Sha256::digest(&asked.body);
    // Which terms end soon changes with the day.
    let form = asked.file.map_or("", Format::extension);
    let stamp = Stamp::of(snapshot, &format!("-{today}-{}{form}", hex::encode(&digest[..16])));
    if stamp.is_known(&asked.headers) {
        return Ok(stamp.not_modified());
    }
    let stored = question.place.stored(snapshot)?;
    let area = question.place.drawn().or(stored.as_ref());
    let hits = snapshot.find(area, question.filter.as_ref(), &|| asked.patience.is_over()).map_err(|_| too_slow())?;
    let fields = question.fields.as_deref().unwrap_or(Queryable::ALL);
    if let Some(format) = asked.file {
        let listed = match question.sort {
            None => Cow::Borrowed(hits.indices()),
            Some(sort) => Cow::Owned(snapshot.sorted(&hits, sort)),
        };
        return file::answer(snapshot, &listed, fields, (format, today), &asked.patience, &stamp);
    }
    let summary = snapshot.summary(&hits, today, expiring);
    let (page, next) = page(snapshot, &hits, question);

    let mut out = String::with_capacity(1024 + page.len() * 640);
    out.push_str(&format!("{{\"revision\":{},\"summary\":", snapshot.revision()));
    out.push_str(&to_json(&wire_summary(&summary))?);
    out.push_str(",\"features\":[");
    for (number, index) in page.iter().enumerate() {
        if number > 0 {
            out.push(',');
        }
        write_feature(&mut out, &snapshot.parcel(*index), fields)?;
    }
    out.push_str("],\"next\":");
    out.push_str(&to_json(&next)?);
    out.push('}');
    let mut response = typed("application/json", out);
    stamp.mark(&mut response);
    Ok(response)
}

fn too_slow() -> Problem {
    let detail = format!(
        "the search was not done after {} s; ask for a smaller area, or a filter with fewer parts",
        MOST_SEARCH.as_secs()
    );
    Problem::new(Kind::Timeout, detail)
}

/// The parcels of the page, and the token of the next one where there is one.
fn page<'h>(snapshot: &Snapshot, hits: &'h Hits, question: &Question) -> (Cow<'h, [u32]>, Option<String>) {
    let (limit, after, sort) = (question.limit, question.after.as_ref(), question.sort);
    let cut = |rest: &[u32]| {
        let page = &rest[..rest.len().min(limit)];
        let last = page.last().filter(|_| page.len() < rest.len());
        let next = last.map(|last| {
            let key = sort.and_then(|sort| snapshot.key(*last, sort));
            After { code: snapshot.parcel(*last).code().to_owned(), key }.token(sort)
        });
        (page.len(), next)
    };
    match sort {
        None => {
            let rest = after.map_or(hits.indices(), |after| snapshot.after(hits, &after.code));
            let (length, next) = cut(rest);
            (Cow::Borrowed(&rest[..length]), next)
        }
        Some(sort) => {
            let sorted = snapshot.sorted(hits, sort);
            let rest = after
                .map_or(sorted.as_slice(), |after| snapshot.behind(&sorted, sort, after.key.as_ref(), &after.code));
            let (length, next) = cut(rest);
            (Cow::Owned(rest[..length].to_vec()), next)
        }
    }
}

fn to_json(value: &impl Serialize) -> Result<String, Problem> {
    serde_json::to_string(value).map_err(|error| Problem::internal(&error))
}
