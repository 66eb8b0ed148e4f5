//! `POST /api/v1/standing` and `GET /api/v1/parcels/{code}/standing`: where land stands in the plan. The wire shapes are
//! here; the command line writes the same.

use super::super::body::read;
use super::page;
use super::parcel;
use super::search::{blocking, given, moment_of, read_geometry, read_moment, refuse, wrong};
use crate::domain::id::ParcelCode;
use crate::domain::moment::Moment;
use crate::domain::quantity::PlotRatio;
use crate::domain::review::facts::round;
use crate::domain::zoning::standing::{Layer, Overlap, Part, Remark};
use crate::flow::paper::of_standing;
use crate::flow::standing::{Answer, Place, draw, stand};
use crate::http::App;
use crate::http::answer::of_text;
use crate::http::form::Form;
use crate::http::guard::WholeCity;
use crate::http::problem::{Kind, Problem};
use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::{DateTime, NaiveDate, Utc};
use geojson::GeoJson;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A standing as it goes over the wire.
#[allow(missing_docs)] // The names are the wire's own; docs/lockup.md says what they mean.
#[derive(Debug, Serialize)]
pub struct Document {
    pub revision: i64,
    pub valid_at: NaiveDate,
    pub known_at: Option<DateTime<Utc>>,
    pub parcel: Option<String>,
    pub area_m2: f64,
    pub tier: &'static str,
    pub locked: bool,
    pub on_border: bool,
    pub plan_is_known: bool,
    pub deciding_percent: f64,
    pub tolerance_percent: f64,
    pub parts: Parts,
    pub overlaps: Vec<Shared>,
    pub findings: Vec<Remark>,
}

/// What lies in which tier, and in locked zones.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct Parts {
    pub base: Measure,
    pub community: Measure,
    pub fragmented: Measure,
    pub locked: Measure,
}

/// A part of the land.
#[allow(missing_docs)]
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Measure {
    pub area_m2: f64,
    pub percent: f64,
}

/// What it shares with one area of the plan.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct Shared {
    pub layer: Layer,
    pub code: String,
    pub name: String,
    pub tier: Option<&'static str>,
    pub locked: bool,
    pub class: Option<String>,
    pub land_use_scheme: Option<String>,
    pub uses: Option<Vec<Use>>,
    pub document: Option<String>,
    pub decided_on: Option<NaiveDate>,
    pub valid_from: NaiveDate,
    pub valid_to: Option<NaiveDate>,
    #[serde(flatten)]
    pub part: Measure,
}

/// A use that a planning unit permits.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct Use {
    pub land_use: String,
    pub plot_ratio_low: Option<f64>,
    pub plot_ratio_high: Option<f64>,
}

fn measure(part: Part) -> Measure {
    Measure { area_m2: round(part.area_m2.value(), 2), percent: round(part.share * 100.0, 4) }
}

fn shared(overlap: &Overlap) -> Shared {
    let uses = overlap.permitted.as_ref().map(|permitted| {
        let one = |it: &crate::domain::zoning::plan_unit::PermittedUse| Use {
            land_use: it.land_use.clone(),
            plot_ratio_low: it.plot_ratio_low.map(PlotRatio::value),
            plot_ratio_high: it.plot_ratio_high.map(PlotRatio::value),
        };
        permitted.uses.iter().map(one).collect()
    });
    Shared {
        layer: overlap.layer,
        code: overlap.code.clone(),
        name: overlap.name.clone(),
        tier: overlap.tier.map(crate::domain::zoning::Tier::name),
        locked: overlap.locked,
        class: overlap.class.clone(),
        land_use_scheme: overlap.permitted.as_ref().map(|permitted| permitted.land_use_scheme.clone()),
        uses,
        document: overlap.document.clone(),
        decided_on: overlap.decided_on,
        valid_from: overlap.valid_from,
        valid_to: overlap.valid_to,
        part: measure(overlap.part),
    }
}

/// The answer in these shapes.
pub fn document(answer: &Answer) -> Document {
    let it = &answer.standing;
    Document {
        revision: answer.revision,
        valid_at: answer.moment.valid_at,
        known_at: answer.moment.known_at,
        parcel: match &answer.place {
            Place::Parcel(code) => Some(code.clone()),
            Place::Area(_) | Place::Point(_) => None,
        },
        area_m2: round(it.area_m2.value(), 2),
        tier: it.tier.name(),
        locked: it.is_locked,
        on_border: it.on_border,
        plan_is_known: it.plan_is_known,
        deciding_percent: round(it.deciding_share * 100.0, 6),
        tolerance_percent: round(it.border_tolerance * 100.0, 6),
        parts: Parts {
            base: measure(it.base),
            community: measure(it.community),
            fragmented: measure(it.fragmented),
            locked: measure(it.locked),
        },
        overlaps: it.overlaps.iter().map(shared).collect(),
        findings: it.remarks(),
    }
}

/// Which moment is asked for, and in which form.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    valid_at: Option<String>,
    known_at: Option<String>,
    f: Option<String>,
}

/// Where a parcel stands.
pub async fn show(
    State(app): State<App>,
    Path(code): Path<String>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let place = parcel_of(&code).map_err(|error| Problem::not_found(error.to_string()))?;
    let asked = page::asked(asked, "valid_at, known_at, f")?;
    let moment = moment_of(asked.valid_at.as_deref(), asked.known_at.as_deref(), (app.today)())?;
    let form = Form::of(asked.f.as_deref(), &headers)?;
    let answer = answer(&app, place, moment).await?;
    form.answer(&document(&answer), || of_standing(&answer), answer.revision, &headers)
}

/// A picture of where a parcel stands.
pub async fn picture(
    State(app): State<App>,
    Path(code): Path<String>,
    asked: Result<Query<parcel::Asked>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let place = parcel_of(&code).map_err(|error| Problem::not_found(error.to_string()))?;
    let asked = page::asked(asked, "valid_at, known_at")?;
    let moment = moment_of(asked.valid_at.as_deref(), asked.known_at.as_deref(), (app.today)())?;
    let drawn = draw(&app.pool, place, moment).await.map_err(|error| Problem::of_refresh(&error))?;
    let (answer, picture) = drawn.ok_or_else(|| not_law(&code, moment))?;
    Ok(of_text("image/svg+xml", picture, Some(answer.revision), &headers))
}

fn not_law(code: &str, moment: Moment) -> Problem {
    Problem::not_found(format!("no parcel {code} is law on {}", moment.valid_at))
}

fn parcel_of(code: &str) -> Result<Place, crate::domain::id::CodeError> {
    Ok(Place::Parcel(ParcelCode::parse(code)?.as_str().to_owned()))
}

async fn answer(app: &App, place: Place, moment: Moment) -> Result<Answer, Problem> {
    let code = match &place {
        Place::Parcel(code) => code.clone(),
        Place::Area(_) | Place::Point(_) => String::new(),
    };
    let answer = stand(&app.pool, place, moment).await.map_err(|error| Problem::of_refresh(&error))?;
    answer.ok_or_else(|| not_law(&code, moment))
}

/// What a question may have.
const FIELDS: [&str; 5] = ["area", "parcel", "at", "valid_at", "known_at"];

/// Where an area, a place or a parcel stands.
pub async fn ask(
    State(app): State<App>,
    Extension(whole_city): Extension<WholeCity>,
    request: Request,
) -> Result<Response, Problem> {
    let headers = request.headers().clone();
    let form = Form::of_address(request.uri(), &headers)?;
    let body = read(request).await?;
    let today = (app.today)();
    let (place, moment) = blocking(move || question(&body, today)).await?;
    // An area may be as large and as intricate as the city.
    let _inside = if matches!(place, Place::Area(_)) { Some(whole_city.enter()?) } else { None };
    let answer = answer(&app, place, moment).await?;
    form.answer(&document(&answer), || of_standing(&answer), answer.revision, &headers)
}

fn question(body: &[u8], today: NaiveDate) -> Result<(Place, Moment), Problem> {
    let mut fields: Map<String, Value> = serde_json::from_slice(body).map_err(|error| {
        Problem::new(Kind::InvalidBody, format!("the body cannot be read as a JSON object: {error}"))
    })?;
    if let Some(name) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
        let expected = FIELDS.join(", ");
        return Err(Problem::new(Kind::UnknownField, format!("the field {name:?} is unknown; expected {expected}"))
            .with("unknown-field", name, json!({"expected": expected})));
    }
    let (valid_at, known_at) = (given(&mut fields, "valid_at"), given(&mut fields, "known_at"));
    let moment = read_moment(valid_at.as_ref(), known_at.as_ref(), today)?;
    let place = match (given(&mut fields, "area"), given(&mut fields, "parcel"), given(&mut fields, "at")) {
        (Some(area), None, None) => {
            Place::of_geojson(&GeoJson::Geometry(read_geometry(area)?)).map_err(|error| refuse("area", &error))?
        }
        (None, Some(code), None) => {
            let text = code.as_str().ok_or_else(|| wrong("parcel", &code, "the code of a parcel"))?;
            parcel_of(text).map_err(|error| {
                Problem::new(Kind::InvalidParameter, error.to_string()).with("wrong-value", "parcel", json!({}))
            })?
        }
        (None, None, Some(at)) => {
            let numbers: Option<Vec<f64>> = at.as_array().and_then(|list| list.iter().map(Value::as_f64).collect());
            let Some([lon, lat]) = numbers.as_deref() else {
                return Err(wrong("at", &at, "two numbers: longitude, latitude"));
            };
            Place::of_corners(&[[*lon, *lat]]).map_err(|error| refuse("at", &error))?
        }
        _ => {
            return Err(Problem::new(Kind::InvalidArea, "expected exactly one of area, parcel and at").with(
                "one-of-three",
                "area",
                json!({"expected": "area, parcel or at"}),
            ));
        }
    };
    Ok((place, moment))
}
