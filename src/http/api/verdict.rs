//! `POST /api/v1/verdict` and `GET /api/v1/approvals`: what may happen where, and which special approvals are on record.
//! The wire shapes are here; the command line writes the same.

use super::super::body::{legal_day_of, read};
use super::page;
use super::search::{blocking, given, read_geometry, refuse, wrong};
use super::standing;
use crate::domain::id::ParcelCode;
use crate::domain::zoning::lockup::Situation;
use crate::domain::zoning::standing::Remark;
use crate::domain::zoning::verdict::{DeedKind, Requirement, Verdict};
use crate::flow::paper::of_verdict;
use crate::flow::standing::Place;
use crate::flow::verdict::{AskError, Question, Ruled, ask};
use crate::http::App;
use crate::http::answer::of_register;
use crate::http::form::Form;
use crate::http::guard::WholeCity;
use crate::http::problem::{Kind, Problem};
use crate::store::StoreError;
use crate::store::approval::{self, Approval};
use crate::store::write;
use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::NaiveDate;
use geo_types::MultiPolygon;
use geojson::GeoJson;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A ruling as it goes over the wire.
#[allow(missing_docs)] // The names are the wire's own; docs/lockup.md says what they mean.
#[derive(Debug, Serialize)]
pub struct Document {
    pub revision: i64,
    pub deed: DeedKind,
    pub on: NaiveDate,
    pub verdict: Verdict,
    pub verdict_zh: &'static str,
    pub rule: String,
    pub version: String,
    pub effective_from: NaiveDate,
    pub citation: String,
    pub assumption: bool,
    pub title: Words,
    pub remedy: Option<Words>,
    pub requirement: Option<Requirement>,
    pub finding: Option<String>,
    pub remarks: Vec<Remark>,
    pub approvals: Vec<i64>,
    pub situation: Situation,
    pub standing: standing::Document,
}

/// A text in both languages.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct Words {
    pub zh: String,
    pub en: String,
}

/// The ruling in these shapes.
pub fn document(ruled: &Ruled) -> Document {
    let it = &ruled.ruling;
    Document {
        revision: ruled.answer.revision,
        deed: ruled.deed,
        on: ruled.answer.moment.valid_at,
        verdict: it.verdict,
        verdict_zh: it.verdict.chinese(),
        rule: it.rule.clone(),
        version: it.version.clone(),
        effective_from: it.effective_from,
        citation: it.citation.clone(),
        assumption: it.assumption,
        title: Words { zh: it.title.zh.clone(), en: it.title.en.clone() },
        remedy: (!it.remedy.en.is_empty()).then(|| Words { zh: it.remedy.zh.clone(), en: it.remedy.en.clone() }),
        requirement: it.requirement,
        finding: it.finding.clone(),
        remarks: it.remarks.clone(),
        approvals: ruled.approvals.clone(),
        situation: it.situation,
        standing: standing::document(&ruled.answer),
    }
}

/// What a question may have.
const FIELDS: [&str; 8] = ["deed", "area", "parcel", "to", "use", "from_use", "land_use_scheme", "on"];

/// Lots of a drawing at most.
const MOST_LOTS: usize = 1_000;

/// Judges a deed.
pub async fn judge(
    State(app): State<App>,
    Extension(whole_city): Extension<WholeCity>,
    request: Request,
) -> Result<Response, Problem> {
    let headers = request.headers().clone();
    let form = Form::of_address(request.uri(), &headers)?;
    let body = read(request).await?;
    let today = (app.today)();
    let question = blocking(move || question(&body, today)).await?;
    // An area may be as large and as intricate as the city.
    let is_drawn = matches!(question.place, Place::Area(_)) || question.drawing.is_some();
    let _inside = if is_drawn { Some(whole_city.enter()?) } else { None };
    let ruled = ask(&app.pool, question).await.map_err(|error| problem(&error))?;
    form.answer(&document(&ruled), || of_verdict(&ruled), ruled.answer.revision, &headers)
}

fn problem(error: &AskError) -> Problem {
    let wrong = |field: &str| {
        Problem::new(Kind::InvalidParameter, error.to_string()).with(
            "wrong-value",
            field,
            json!({"expected": "see the detail"}),
        )
    };
    match error {
        AskError::Refresh(error) => Problem::of_refresh(error),
        AskError::Rules(error) => Problem::internal(error),
        AskError::NoParcel { .. } => Problem::not_found(error.to_string()),
        AskError::NoUse { .. } => wrong("use"),
        AskError::NoDrawing(_) | AskError::BadDrawing { .. } => wrong("to"),
        AskError::UnknownUse { field, said } => Problem::of_name(field, said),
        AskError::NoRule(_) => wrong("on"),
    }
}

fn question(body: &[u8], today: NaiveDate) -> Result<Question, Problem> {
    let mut fields: Map<String, Value> = serde_json::from_slice(body).map_err(|error| {
        Problem::new(Kind::InvalidBody, format!("the body cannot be read as a JSON object: {error}"))
    })?;
    if let Some(name) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
        let expected = FIELDS.join(", ");
        return Err(Problem::new(Kind::UnknownField, format!("the field {name:?} is unknown; expected {expected}"))
            .with("unknown-field", name, json!({"expected": expected})));
    }
    let mut text = |name: &str| match given(&mut fields, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(wrong(name, &other, "a text")),
    };
    let (deed, on) = (text("deed")?, text("on")?);
    let (to_use, from_use, scheme) = (text("use")?, text("from_use")?, text("land_use_scheme")?);
    let words = DeedKind::ALL.map(DeedKind::name).join(", ");
    let deed = deed.unwrap_or_default();
    let deed = DeedKind::parse(&deed).ok_or_else(|| wrong("deed", &Value::String(deed), &format!("one of {words}")))?;
    let on = legal_day_of("on", on.as_deref(), today)?;
    let place = match (given(&mut fields, "area"), given(&mut fields, "parcel")) {
        (Some(area), None) => {
            Place::of_geojson(&GeoJson::Geometry(read_geometry(area)?)).map_err(|error| refuse("area", &error))?
        }
        (None, Some(code)) => {
            let parsed = code.as_str().and_then(|code| ParcelCode::parse(code).ok());
            let parsed = parsed.ok_or_else(|| wrong("parcel", &code, "the code of a parcel"))?;
            Place::Parcel(parsed.as_str().to_owned())
        }
        _ => {
            return Err(Problem::new(Kind::InvalidArea, "expected exactly one of area and parcel").with(
                "one-of-two",
                "area",
                json!({"expected": "area or parcel"}),
            ));
        }
    };
    let drawing = given(&mut fields, "to").map(lots).transpose()?;
    Ok(Question { deed, place, to_use, from_use, scheme, drawing, on })
}

/// The land as it would be: one geometry, or a list of them.
fn lots(value: Value) -> Result<Vec<MultiPolygon<f64>>, Problem> {
    let several = match value {
        Value::Array(several) if (1..=MOST_LOTS).contains(&several.len()) => several,
        Value::Array(several) => {
            return Err(wrong("to", &json!(several.len()), &format!("one to {MOST_LOTS} polygons")));
        }
        one => vec![one],
    };
    let lot = |value| match Place::of_geojson(&GeoJson::Geometry(read_geometry(value)?)) {
        Ok(Place::Area(shape)) => Ok(shape),
        Ok(other) => Err(wrong("to", &json!(format!("{other:?}")), "a polygon or multipolygon")),
        Err(error) => Err(refuse("to", &error)),
    };
    several.into_iter().map(lot).collect()
}

/// A page of the special approvals on record.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct Approvals {
    pub revision: i64,
    pub approvals: Vec<Approval>,
    pub next: Option<String>,
}

/// Which page is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    limit: Option<usize>,
    after: Option<String>,
}

/// Lists the special approvals, the newest first.
pub async fn approvals(
    State(app): State<App>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asked = page::asked(asked, "limit, after")?;
    let limit = page::limit(asked.limit)?;
    let before = asked.after.as_deref().map(|after| after.parse().map_err(|_| page::none())).transpose()?;
    let found = on_record(&app, before, limit).await.map_err(|error| Problem::of_store(&error))?;
    let revision = found.revision;
    of_register(&found, Some(revision), &headers).map_err(|error| Problem::internal(&error))
}

/// The revision is read first: what is listed is at least what was known then. The token names an approval, and approvals
/// are never taken out: so a page begins behind it whatever came or changed meanwhile.
async fn on_record(app: &App, before: Option<i64>, limit: usize) -> Result<Approvals, StoreError> {
    let mut connection = app.pool.acquire().await?;
    let revision = write::head(&mut connection).await?;
    // One more than the page, to know whether another follows.
    let wanted = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let mut approvals = approval::page(&mut connection, before, wanted).await?;
    let more = approvals.len() > limit;
    approvals.truncate(limit);
    let next = approvals.last().filter(|_| more).map(|last| last.id.to_string());
    Ok(Approvals { revision, approvals, next })
}
