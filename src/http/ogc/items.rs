//! `GET /ogc/collections/{id}/items…`: features, page by page, and one alone.

use super::asked::{Asked, wrong};
use super::{GEOJSON, HTML, collections, html, link};
use crate::clock::Clock;
use crate::domain::collection::{Collection, Crs, SYSTEMS};
use crate::flow::collection::{self, CollectionError, Page, Question, Written};
use crate::http::App;
use crate::http::answer::{REVISION, is_known, typed};
use crate::http::problem::{Kind, Problem};
use crate::store::collection::{Cut, Feature, Held};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use chrono::SecondsFormat;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// How many features a page has where nothing is said, and at most; who asks for more gets that many.
pub const USUAL: u32 = 100;
/// The most.
pub const MOST: u32 = 10_000;
/// The parameters beside the properties of a collection.
pub const PARAMETERS: [&str; 10] =
    ["f", "limit", "after", "bbox", "bbox-crs", "crs", "datetime", "filter", "filter-lang", "filter-crs"];

const CONTENT_CRS: HeaderName = HeaderName::from_static("content-crs");

fn problem(error: &CollectionError) -> Problem {
    let refused = |field: &str, expected: &str| wrong(field, error.to_string(), expected);
    match error {
        CollectionError::Filter(found) => Problem::new(Kind::InvalidQuery, found.to_string()).with(
            "invalid-filter",
            "filter",
            json!({"place": found.place.to_string(), "found": found.found, "expected": found.expected}),
        ),
        CollectionError::Value { name, expected, .. } => refused(name, expected),
        CollectionError::Box(_) => refused("bbox", "four numbers: the lower corner, then the upper one"),
        CollectionError::Nowhere(part) => refused(part, "coordinates of the system named"),
        CollectionError::Store(error) if error.is_too_slow() => {
            Problem::new(Kind::Timeout, "the register took too long; ask for less, by a box or a filter")
        }
        CollectionError::Store(error) => Problem::of_store(error),
        CollectionError::Moment(error) => Problem::of_refresh(error),
        other => Problem::internal(other),
    }
}

fn system(asked: &mut Asked<'_>, name: &str) -> Result<Crs, Problem> {
    let Some(word) = asked.take(name) else { return Ok(Crs::usual()) };
    Crs::named(&word).ok_or_else(|| {
        let known = SYSTEMS.map(|system| system.uri).join(", ");
        wrong(name, format!("{name} is {word:?}; expected one of {known}"), &known)
    })
}

fn bbox(words: &str) -> Result<[f64; 4], Problem> {
    let refuse = || {
        let expected = "four or six numbers with commas, such as 121.4,31.1,121.6,31.3";
        wrong("bbox", format!("bbox is {words:?}; expected {expected}"), expected)
    };
    let numbers: Option<Vec<f64>> =
        words.split(',').map(|word| word.trim().parse().ok().filter(|number: &f64| number.is_finite())).collect();
    match numbers.as_deref() {
        Some(&[a, b, c, d] | &[a, b, _, c, d, _]) => Ok([a, b, c, d]),
        _ => Err(refuse()),
    }
}

fn question(asked: &mut Asked<'_>, collection: &Collection) -> Result<Question, Problem> {
    let corners = asked.take("bbox").map(|words| bbox(&words)).transpose()?;
    let corners_crs = system(asked, "bbox-crs")?;
    let filter_crs = system(asked, "filter-crs")?;
    let language = asked.take("filter-lang");
    let written = match (asked.take("filter"), language.as_deref()) {
        (None, None | Some("cql2-text" | "cql2-json")) => None,
        (Some(text), None | Some("cql2-text")) => Some(Written::Text(text)),
        (Some(text), Some("cql2-json")) => Some(Written::Json(
            serde_json::from_str(&text)
                .map_err(|error| wrong("filter", format!("filter is no JSON: {error}"), "a CQL2 filter in JSON"))?,
        )),
        (_, Some(other)) => {
            let detail = format!("filter-lang is {other:?}; expected cql2-text or cql2-json");
            return Err(wrong("filter-lang", detail, "cql2-text, cql2-json"));
        }
    };
    let days = asked.take("datetime").map(|words| {
        let expected = "a day, a moment, or a stretch such as 2026-01-01/.. whose end is not before its beginning";
        let detail = || format!("datetime is {words:?}; expected {expected}");
        collection::days(&words).ok_or_else(|| wrong("datetime", detail(), expected))
    });
    let mut equal = Vec::new();
    for property in &collection.properties {
        if let Some(value) = asked.take(&property.name) {
            equal.push((property.name.clone(), value));
        }
    }
    Ok(Question {
        days: days.transpose()?,
        bbox: corners.map(|corners| (corners, corners_crs)),
        filter: written.map(|written| (written, filter_crs)),
        equal,
    })
}

fn limit(asked: &mut Asked<'_>) -> Result<u32, Problem> {
    let Some(word) = asked.take("limit") else { return Ok(USUAL) };
    let is_number = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    match word.parse::<u32>() {
        Ok(limit @ 1..) => Ok(limit.min(MOST)),
        // More than the machine can count is more than there is.
        Err(_) if is_number => Ok(MOST),
        _ => Err(wrong("limit", format!("limit is {word:?}; expected 1 to {MOST}"), "1 to 10000")),
    }
}

/// What marks an answer: its revision, a tag that is known before the register is read, its coordinates.
struct Mark {
    revision: i64,
    tag: String,
    crs: Crs,
}

impl Mark {
    /// The same question on the same day at the same revision of the same register has the same answer, but for its time
    /// stamp: the tag is a weak one.
    fn of(held: &Held, app: &App, asked: &Asked<'_>, crs: Crs) -> Self {
        let mut digest = Sha256::new();
        digest.update(held.recorded_at.timestamp_micros().to_le_bytes());
        digest.update((app.today)().to_string());
        digest.update([u8::from(asked.html)]);
        digest.update(asked.with(&[]));
        let hash = hex::encode(&digest.finalize()[..12]);
        let tag = format!("\"{}-{hash}-{}\"", held.revision, env!("CARGO_PKG_VERSION"));
        Self { revision: held.revision, tag, crs }
    }

    fn known(&self, asked: &Asked<'_>) -> Option<Response> {
        is_known(&self.tag, asked.headers).then(|| self.put(StatusCode::NOT_MODIFIED.into_response()))
    }

    fn put(&self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        headers.insert(REVISION, HeaderValue::from(self.revision));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.append(header::VARY, HeaderValue::from_static("accept"));
        for (name, value) in [(header::ETAG, format!("W/{}", self.tag)), (CONTENT_CRS, format!("<{}>", self.crs.uri))] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        response
    }
}

/// A page of features.
pub async fn list(
    State(app): State<App>,
    path: Result<Path<String>, PathRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut asked = Asked::of(&uri, &headers)?;
    let mut held = collections::hold(&app).await?;
    let collection = collections::named(&mut held, path).await?;
    let most = limit(&mut asked)?;
    let after = asked.take("after");
    let crs = system(&mut asked, "crs")?;
    let question = question(&mut asked, &collection)?;
    let names: Vec<&str> =
        PARAMETERS.into_iter().chain(collection.properties.iter().map(|property| property.name.as_str())).collect();
    asked.knows_no_more(&names.join(", "))?;
    let mark = Mark::of(&held, &app, &asked, crs);
    if let Some(known) = mark.known(&asked) {
        return Ok(known);
    }
    let cut = Cut { after: after.as_deref(), most, crs };
    let page = collection::items(&mut held, &collection, &question, (app.today)(), cut).await;
    let page = page.map_err(|error| problem(&error))?;
    let response = match asked.html {
        true => typed(HTML, listed(&collection, &asked, &page)),
        false => typed(GEOJSON, written(&collection, &asked, &page)?),
    };
    Ok(mark.put(response))
}

/// One feature.
pub async fn show(
    State(app): State<App>,
    path: Result<Path<(String, String)>, PathRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut asked = Asked::of(&uri, &headers)?;
    let crs = system(&mut asked, "crs")?;
    asked.knows_no_more("f, crs")?;
    let Path((id, code)) = path.map_err(|error| Problem::not_found(error.to_string()))?;
    let mut held = collections::hold(&app).await?;
    let collection = collections::known(&mut held, &id).await?;
    let mark = Mark::of(&held, &app, &asked, crs);
    if let Some(known) = mark.known(&asked) {
        return Ok(known);
    }
    let found = collection::item(&mut held, &collection, &code, (app.today)(), crs).await;
    let found = found.map_err(|error| problem(&error))?;
    let feature =
        found.ok_or_else(|| Problem::not_found(format!("the collection {id} has no feature {code:?} today")))?;
    let response = match asked.html {
        true => typed(HTML, shown(&collection, &feature)),
        false => {
            let mut links = asked.own_links(GEOJSON);
            let whole = asked.at(&format!("/ogc/collections/{id}"));
            links.push(link(whole, "collection", "application/json", &collection.title.zh));
            let mut body = String::new();
            write_feature(&mut body, &feature, Some(&links));
            typed(GEOJSON, body)
        }
    };
    Ok(mark.put(response))
}

fn next_of(asked: &Asked<'_>, page: &Page) -> Option<String> {
    page.next.as_deref().map(|after| asked.with(&[("after", Some(after))]))
}

fn written(collection: &Collection, asked: &Asked<'_>, page: &Page) -> Result<String, Problem> {
    let mut links = asked.own_links(GEOJSON);
    links.push(link(
        asked.at(&format!("/ogc/collections/{}", collection.id)),
        "collection",
        "application/json",
        &collection.title.zh,
    ));
    if let Some(next) = next_of(asked, page) {
        links.push(link(next, "next", GEOJSON, "下一页 · the page that follows"));
    }
    let stamp = Clock::of_the_machine().now().to_rfc3339_opts(SecondsFormat::Secs, true);
    let mut body = format!(
        "{{\"type\":\"FeatureCollection\",\"timeStamp\":\"{stamp}\",\"numberMatched\":{},\"numberReturned\":{},\"links\":{},\
         \"features\":[",
        page.matched,
        page.features.len(),
        Value::from(links)
    );
    for (number, feature) in page.features.iter().enumerate() {
        if number > 0 {
            body.push(',');
        }
        write_feature(&mut body, feature, None);
    }
    body.push_str("]}");
    Ok(body)
}

/// Properties and shape are JSON already, as the database wrote them.
fn write_feature(body: &mut String, feature: &Feature, links: Option<&[Value]>) {
    body.push_str("{\"type\":\"Feature\",\"id\":");
    body.push_str(&Value::from(feature.code.as_str()).to_string());
    if let Some(links) = links {
        body.push_str(",\"links\":");
        body.push_str(&Value::from(links).to_string());
    }
    body.push_str(",\"geometry\":");
    body.push_str(feature.geometry.as_deref().unwrap_or("null"));
    body.push_str(",\"properties\":");
    body.push_str(&feature.properties);
    body.push('}');
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => html::escape(text),
        other => html::escape(&other.to_string()),
    }
}

fn above(collection: &Collection) -> String {
    format!("/ogc/collections/{}?f=html", collection.id)
}

fn listed(collection: &Collection, asked: &Asked<'_>, page: &Page) -> String {
    let rows = page.features.iter().map(|feature| {
        let values: Value = serde_json::from_str(&feature.properties).unwrap_or_default();
        let own = || html::anchor(&item_path(collection, &feature.code), &feature.code);
        let row = collection.properties.iter().enumerate().map(|(place, property)| {
            if Some(place) == collection.key { own() } else { cell(&values[property.name.as_str()]) }
        });
        collection.is_layer().then(own).into_iter().chain(row).collect()
    });
    let key = collection.is_layer().then(|| "要素 · feature".to_owned());
    let titles = collection.properties.iter().map(|property| property.title.clone());
    let heads: Vec<String> = key.into_iter().chain(titles).collect();
    let table = html::table(&heads, rows);
    let next = next_of(asked, page).map(|next| html::anchor(&next, "下一页 · next page")).unwrap_or_default();
    let json = html::anchor(&asked.with(&[("f", Some("json"))]), "GeoJSON");
    let counted = format!("共 {0} 条，本页 {1} 条 · {1} of {0} features", page.matched, page.features.len());
    let above = above(collection);
    let words = format!("{} · {}", collection.title.zh, collection.title.en);
    html::page(
        &words,
        &[("/ogc/collections?f=html", "数据集合 · collections"), (&above, &collection.id)],
        &format!("<p>{counted} · {json}</p>{table}<p>{next}</p>"),
    )
}

fn shown(collection: &Collection, feature: &Feature) -> String {
    let values: Value = serde_json::from_str(&feature.properties).unwrap_or_default();
    let rows = collection.properties.iter().map(|property| {
        vec![
            html::escape(&property.title),
            format!("<code>{}</code>", html::escape(&property.name)),
            cell(&values[property.name.as_str()]),
        ]
    });
    let heads = ["名称 · title", "属性 · property", "值 · value"].map(str::to_owned);
    let above = above(collection);
    let items = format!("/ogc/collections/{}/items?f=html", collection.id);
    html::page(
        &feature.code,
        &[("/ogc/collections?f=html", "数据集合 · collections"), (&above, &collection.id), (&items, "要素 · features")],
        &html::table(&heads, rows),
    )
}

/// The address of a feature's page, its code as a part of a path.
fn item_path(collection: &Collection, code: &str) -> String {
    let mut part = String::new();
    for byte in code.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'~' => part.push(char::from(byte)),
            byte => part.push_str(&format!("%{byte:02X}")),
        }
    }
    format!("/ogc/collections/{}/items/{part}?f=html", collection.id)
}
