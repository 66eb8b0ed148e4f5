//! `POST /api/v1/parcels/search`: the parcels in a box or an area, the figures of all of them, and a page of the list.
//! A search is a read although it is posted, because an area does not fit an address: it bears a tag like other reads.

use super::city::grade_key;
use super::geometry;
use crate::atlas::{ParcelRef, Selection, SelectionError, Snapshot, Summary, Tally};
use crate::clock::Clock;
use crate::domain::moment::{Moment, MomentError};
use crate::domain::quantity::{PlotRatio, SquareMetres};
use crate::flow::{moment, rules};
use crate::http::answer::{Stamp, typed};
use crate::http::guard::WholeCity;
use crate::http::problem::{Kind, Problem};
use crate::http::{App, MOST_BODY_BYTES};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use chrono::{Months, NaiveDate};
use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many parcels a page has where nothing is said.
const USUAL_LIMIT: usize = 100;
/// How many it may have.
const MOST_LIMIT: usize = 1000;

/// What a question may have.
const FIELDS: [&str; 6] = ["bbox", "area", "limit", "after", "valid_at", "known_at"];
/// Fields that the interface names and that come with later work.
const LATER: [&str; 2] = ["filter", "fields"];

/// What is asked for.
#[derive(Debug)]
struct Question {
    selection: Selection,
    limit: usize,
    after: Option<String>,
    /// Another moment than now, which the atlas does not show.
    moment: Option<Moment>,
}

/// The parcels of a box or an area.
pub async fn search(
    State(app): State<App>,
    Extension(whole_city): Extension<WholeCity>,
    request: Request,
) -> Result<Response, Problem> {
    let headers = request.headers().clone();
    let body = read(request).await?;
    let today = (app.today)();
    // An area of many thousand vertices takes milliseconds to read, and an answer of a thousand parcels to write.
    let (question, body) = blocking(move || Ok((question(&body, today)?, body))).await?;
    let failed = |error| Problem::of_refresh(&error);
    let rulebook = moment::rulebook(&app.pool, question.moment.and_then(|moment| moment.known_at)).await;
    let rulebook = rulebook.map_err(failed)?;
    let (snapshot, day) = match question.moment {
        None => (app.atlas.current(), today),
        Some(moment) => {
            let _inside = whole_city.enter()?;
            let box_around = question.selection.bounds();
            let within = [box_around.west, box_around.south, box_around.east, box_around.north];
            let then = moment::snapshot_at(&app.pool, moment, Some(within)).await;
            (Arc::new(then.map_err(failed)?), moment.valid_at)
        }
    };
    let expiring = rules::expiry(&rulebook, day).map_err(|error| Problem::internal(&error))?;
    blocking(move || respond(&snapshot, day, expiring, &headers, &body, &question)).await
}

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Problem::internal(&error))?
}

fn respond(
    snapshot: &Arc<Snapshot>,
    today: NaiveDate,
    expiring: Months,
    headers: &HeaderMap,
    body: &[u8],
    question: &Question,
) -> Result<Response, Problem> {
    let digest = Sha256::digest(body);
    // Which terms end soon changes with the day.
    let stamp = Stamp::of(snapshot, &format!("-{today}-{}", hex::encode(&digest[..16])));
    if stamp.is_known(headers) {
        return Ok(stamp.not_modified());
    }
    let hits = snapshot.search(&question.selection);
    let summary = snapshot.summary(&hits, today, expiring);
    let rest = question.after.as_deref().map_or(hits.indices(), |after| snapshot.after(&hits, after));
    let page = &rest[..rest.len().min(question.limit)];
    let next = page.last().filter(|_| page.len() < rest.len()).map(|last| token(snapshot.parcel(*last).code()));

    let mut out = String::with_capacity(1024 + page.len() * 640);
    out.push_str(&format!("{{\"revision\":{},\"summary\":", snapshot.revision()));
    out.push_str(&to_json(&wire_summary(&summary))?);
    out.push_str(",\"features\":[");
    for (number, index) in page.iter().enumerate() {
        if number > 0 {
            out.push(',');
        }
        write_feature(&mut out, &snapshot.parcel(*index))?;
    }
    out.push_str("],\"next\":");
    out.push_str(&to_json(&next)?);
    out.push('}');
    let mut response = typed("application/json", out);
    stamp.mark(&mut response);
    Ok(response)
}

/// The body, which must be called JSON: a page elsewhere can send a form here unasked, but not JSON.
pub(super) async fn read(request: Request) -> Result<Bytes, Problem> {
    let said = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let bare = said.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    if bare != "application/json" && bare != "application/geo+json" {
        let detail = format!("the content type is {said:?}, expected application/json");
        return Err(Problem::new(Kind::UnsupportedMediaType, detail));
    }
    Bytes::from_request(request, &()).await.map_err(|refusal| {
        if refusal.status() == StatusCode::PAYLOAD_TOO_LARGE {
            Problem::new(Kind::BodyTooLarge, format!("expected a body of at most {MOST_BODY_BYTES} bytes"))
        } else {
            Problem::new(Kind::InvalidBody, "the body broke off before its end")
        }
    })
}

fn question(body: &[u8], today: NaiveDate) -> Result<Question, Problem> {
    let mut fields: Map<String, Value> = serde_json::from_slice(body).map_err(|error| {
        Problem::new(Kind::InvalidBody, format!("the body cannot be read as a JSON object: {error}"))
    })?;
    let (bbox, area) = (given(&mut fields, "bbox"), given(&mut fields, "area"));
    let (limit, after) = (given(&mut fields, "limit"), given(&mut fields, "after"));
    let (valid_at, known_at) = (given(&mut fields, "valid_at"), given(&mut fields, "known_at"));
    for name in LATER {
        if fields.contains_key(name) {
            return Err(Problem::new(Kind::NotSupportedYet, format!("not supported yet: {name}; leave it out")).with(
                "not-supported-yet",
                name,
                json!({}),
            ));
        }
    }
    if let Some(name) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
        let expected = FIELDS.join(", ");
        return Err(Problem::new(Kind::UnknownField, format!("the field {name:?} is unknown; expected {expected}"))
            .with("unknown-field", name, json!({"expected": expected})));
    }
    let selection =
        match (bbox, area) {
            (Some(bbox), None) => read_box(&bbox)?,
            (None, Some(area)) => read_area(area)?,
            (found, _) => {
                let found = if found.is_some() { "both bbox and area" } else { "neither bbox nor area" };
                return Err(Problem::new(Kind::InvalidArea, format!("the body has {found}, expected one of them"))
                    .with("one-of-two", "area", json!({"expected": "bbox or area"})));
            }
        };
    let moment = match (&valid_at, &known_at) {
        (None, None) => None,
        _ => Some(read_moment(valid_at.as_ref(), known_at.as_ref(), today)?),
    };
    Ok(Question { selection, limit: read_limit(limit)?, after: read_after(after)?, moment })
}

pub(super) fn read_moment(
    valid_at: Option<&Value>,
    known_at: Option<&Value>,
    today: NaiveDate,
) -> Result<Moment, Problem> {
    fn word<'a>(field: &str, value: Option<&'a Value>) -> Result<Option<&'a str>, Problem> {
        let text = value.map(|value| value.as_str().ok_or_else(|| wrong(field, value, "a text"))).transpose()?;
        Ok(text)
    }
    moment_of(word("valid_at", valid_at)?, word("known_at", known_at)?, today)
}

/// The moment that two words ask for. What was believed when is told by the machine's own clock, as in the register.
pub(super) fn moment_of(valid_at: Option<&str>, known_at: Option<&str>, today: NaiveDate) -> Result<Moment, Problem> {
    Moment::parse(valid_at, known_at, today, Clock::of_the_machine().now()).map_err(|error| {
        let field = if matches!(error, MomentError::Day(_)) { "valid_at" } else { "known_at" };
        Problem::new(Kind::InvalidParameter, error.to_string()).with("wrong-value", field, json!({}))
    })
}

/// A field's value; null is as good as nothing.
pub(super) fn given(fields: &mut Map<String, Value>, name: &str) -> Option<Value> {
    fields.remove(name).filter(|value| !value.is_null())
}

fn read_box(value: &Value) -> Result<Selection, Problem> {
    let numbers: Option<Vec<f64>> = value.as_array().and_then(|list| list.iter().map(Value::as_f64).collect());
    let Some([west, south, east, north]) = numbers.as_deref() else {
        return Err(wrong("bbox", value, "four numbers: west, south, east, north"));
    };
    Selection::bbox(*west, *south, *east, *north).map_err(|error| refuse("bbox", &error))
}

fn read_area(value: Value) -> Result<Selection, Problem> {
    Selection::area(&read_geometry(value)?).map_err(|error| refuse("area", &error))
}

/// The geometry of an area, not yet checked.
pub(super) fn read_geometry(value: Value) -> Result<geojson::Geometry, Problem> {
    if value.get("crs").is_some() {
        // The 2008 GeoJSON had it; taken for degrees, metres would lie somewhere else or nowhere.
        let detail = "the area has a crs member, expected longitude and latitude without one (RFC 7946 §4)";
        return Err(Problem::new(Kind::InvalidArea, detail).with("crs-member", "area", json!({})));
    }
    serde_json::from_value::<geojson::Geometry>(value).map_err(|error| {
        let detail = format!("the area is not a GeoJSON geometry: {error}; expected a Polygon or a MultiPolygon");
        Problem::new(Kind::InvalidArea, detail).with("bad-geojson", "area", json!({}))
    })
}

pub(super) fn refuse(field: &str, error: &SelectionError) -> Problem {
    let facts = error.place().map_or_else(|| json!({}), |place| json!({"place": place}));
    Problem::new(Kind::InvalidArea, error.to_string()).with(error.code(), field, facts)
}

fn read_limit(value: Option<Value>) -> Result<usize, Problem> {
    let Some(value) = value else { return Ok(USUAL_LIMIT) };
    let limit = value.as_u64().and_then(|limit| usize::try_from(limit).ok()).filter(|limit| *limit <= MOST_LIMIT);
    limit.ok_or_else(|| wrong("limit", &value, "a whole number from 0 to 1000"))
}

fn read_after(value: Option<Value>) -> Result<Option<String>, Problem> {
    let Some(value) = value else { return Ok(None) };
    let code = value.as_str().and_then(|token| token.strip_prefix(TOKEN)).and_then(|token| hex::decode(token).ok());
    match code.and_then(|bytes| String::from_utf8(bytes).ok()) {
        Some(code) => Ok(Some(code)),
        None => Err(wrong("after", &value, "the \"next\" of an earlier answer")),
    }
}

pub(super) fn wrong(field: &str, value: &Value, expected: &str) -> Problem {
    let mut short: String = value.to_string().chars().take(80).collect();
    if short.len() < value.to_string().len() {
        short.push('…');
    }
    Problem::new(Kind::InvalidParameter, format!("{field} is {short}, expected {expected}")).with(
        "wrong-value",
        field,
        json!({"value": short, "expected": expected}),
    )
}

/// What a page token starts with; another form of token will start otherwise.
const TOKEN: &str = "c";

/// The token of the page after a code. It names the code alone, so it holds across revisions: the next page starts
/// behind that code whether or not the parcel is still there.
fn token(code: &str) -> String {
    format!("{TOKEN}{}", hex::encode(code))
}

fn to_json(value: &impl Serialize) -> Result<String, Problem> {
    serde_json::to_string(value).map_err(|error| Problem::internal(&error))
}

#[derive(Serialize)]
struct WireSummary {
    count: u64,
    area_m2: f64,
    area_mu: f64,
    floor_area_m2: Option<f64>,
    plot_ratio: WirePlotRatio,
    by_grade: BTreeMap<&'static str, WireTally>,
    by_tier: BTreeMap<&'static str, WireTally>,
    by_land_use: BTreeMap<String, WireTally>,
    by_district: BTreeMap<String, WireTally>,
    by_outcome: BTreeMap<String, WireTally>,
    expiring: WireExpiring,
}

#[derive(Serialize)]
struct WirePlotRatio {
    built: Option<f64>,
    allowed: Option<f64>,
}

#[derive(Serialize)]
struct WireExpiring {
    /// Named after the rulebook's value of today; clients keep the name should the value change.
    within_18_months: u64,
}

#[derive(Serialize)]
struct WireTally {
    count: u64,
    area_m2: f64,
}

fn wire_summary(summary: &Summary) -> WireSummary {
    let tally = |tally: &Tally| WireTally { count: tally.count, area_m2: square_metres(tally.area) };
    let named = |tallies: &BTreeMap<String, Tally>| tallies.iter().map(|(key, t)| (key.clone(), tally(t))).collect();
    WireSummary {
        count: summary.total.count,
        area_m2: square_metres(summary.total.area),
        area_mu: rounded(summary.total.area.to_mu().value(), 1e4),
        floor_area_m2: summary.floor_area.map(square_metres),
        plot_ratio: WirePlotRatio {
            built: summary.plot_ratio_built.map(|ratio| rounded(ratio.value(), 1e4)),
            allowed: summary.plot_ratio_allowed.map(|ratio| rounded(ratio.value(), 1e4)),
        },
        by_grade: summary.by_grade.iter().map(|(grade, t)| (grade_key(*grade), tally(t))).collect(),
        by_tier: summary.by_tier.iter().map(|(tier, t)| (tier.name(), tally(t))).collect(),
        by_land_use: named(&summary.by_land_use),
        by_district: named(&summary.by_district),
        by_outcome: named(&summary.by_outcome),
        expiring: WireExpiring { within_18_months: summary.expiring },
    }
}

#[derive(Serialize)]
struct Properties<'a> {
    parcel_code: &'a str,
    district: &'a str,
    park: Option<&'a str>,
    tier: &'static str,
    locked: bool,
    land_use: &'a str,
    area_m2: f64,
    area_mu: f64,
    plot_ratio_built: Option<f64>,
    plot_ratio_allowed: Option<f64>,
    grade: Option<&'static str>,
    score: Option<f64>,
    outcome: Option<&'a str>,
    term_end: Option<NaiveDate>,
}

fn write_feature(out: &mut String, parcel: &ParcelRef<'_>) -> Result<(), Problem> {
    out.push_str("{\"type\":\"Feature\",\"id\":");
    out.push_str(&to_json(&parcel.code())?);
    out.push_str(",\"geometry\":");
    geometry::write(out, &parcel.shape());
    let built = parcel.floor_area().and_then(|floor| PlotRatio::of(floor, parcel.area()));
    let properties = Properties {
        parcel_code: parcel.code(),
        district: parcel.district(),
        park: parcel.park(),
        tier: parcel.tier().name(),
        locked: parcel.locked(),
        land_use: parcel.land_use(),
        area_m2: square_metres(parcel.area()),
        area_mu: rounded(parcel.area().to_mu().value(), 1e4),
        plot_ratio_built: built.map(|ratio| rounded(ratio.value(), 1e4)),
        plot_ratio_allowed: parcel.plot_ratio_allowed(),
        grade: parcel.grade().map(|grade| grade.name()),
        score: parcel.score(),
        outcome: parcel.outcome(),
        term_end: parcel.term_ends_on(),
    };
    out.push_str(",\"properties\":");
    out.push_str(&to_json(&properties)?);
    out.push('}');
    Ok(())
}

/// To 0.01 m²: finer than any survey, and short to write.
fn square_metres(area: SquareMetres) -> f64 {
    rounded(area.value(), 100.0)
}

fn rounded(value: f64, unit: f64) -> f64 {
    (value * unit).round() / unit
}
