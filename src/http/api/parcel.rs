//! `GET /api/v1/parcels/{code}`: the dossier of one parcel, all that the register knows of it in one document. The
//! wire shapes are here; what they say is read from the register, not from the atlas, which may lag a moment.

use super::city::BothLanguages;
use crate::domain::id::ParcelCode;
use crate::http::App;
use crate::http::answer::{REVISION, typed};
use crate::http::problem::{Kind, Problem};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// All that is known of one parcel.
#[allow(missing_docs)] // The names are the wire's own; docs/api.md says what they mean.
#[derive(Debug, Clone, Serialize)]
pub struct Dossier {
    pub revision: i64,
    pub parcel: Parcel,
    pub versions: Vec<Version>,
    pub zones: Vec<Zone>,
    pub buildings: Buildings,
    pub contracts: Vec<Contract>,
    pub occupancies: Vec<Occupancy>,
    pub returns: Vec<AnnualReturn>,
    pub review: Option<Review>,
}

/// The parcel itself.
#[allow(missing_docs)]
#[derive(Debug, Clone, Serialize)]
pub struct Parcel {
    pub code: String,
    pub district: String,
    pub district_name: Option<String>,
    pub park: Option<String>,
    pub park_name: Option<String>,
    pub tier: &'static str,
    pub locked: bool,
    pub land_use: String,
    pub land_use_scheme: String,
    pub registered_area_m2: Option<f64>,
    pub area_m2: f64,
    pub area_mu: f64,
    pub plot_ratio_built: Option<f64>,
    pub plot_ratio_allowed: Option<f64>,
    pub plot_ratio_reference: Option<PlotRatioReference>,
    pub address: Option<String>,
    pub valid_from: Option<NaiveDate>,
    pub geometry: geojson::Geometry,
    pub bounds: Option<[f64; 4]>,
}

/// What a rulebook says of its plot ratio.
#[allow(missing_docs)]
#[derive(Debug, Clone, Serialize)]
pub struct PlotRatioReference {
    pub value: f64,
    pub basis: String,
    pub assumption: bool,
}

/// When it held in law, and when the register knew.
#[allow(missing_docs)]
#[derive(Debug, Clone, Serialize)]
pub struct Version {
    pub valid_from: Option<NaiveDate>,
    pub valid_to: Option<NaiveDate>,
    pub recorded_from: DateTime<Utc>,
    pub recorded_to: Option<DateTime<Utc>>,
}

/// A zone it lies in, and with what share of its land.
#[allow(missing_docs)]
#[derive(Debug, Clone, Serialize)]
pub struct Zone {
    pub code: String,
    pub name: String,
    pub tier: &'static str,
    pub locked: bool,
    pub share: f64,
}

/// What stands on it.
#[allow(missing_docs)]
#[derive(Debug, Clone, Serialize)]
pub struct Buildings {
    pub count: u64,
    pub footprint_m2: Option<f64>,
    pub floor_area_m2: Option<f64>,
    pub used_floor_area_m2: Option<f64>,
}

/// A contract over it.
#[allow(missing_docs)]
#[derive(Debug, Clone, Serialize)]
pub struct Contract {
    pub number: String,
    pub kind: String,
    pub holder: Option<String>,
    pub holder_name: Option<String>,
    pub signed_on: Option<NaiveDate>,
    pub term_starts_on: Option<NaiveDate>,
    pub term_ends_on: Option<NaiveDate>,
    pub price_wan_yuan: Option<f64>,
    pub plot_ratio_low: Option<f64>,
    pub plot_ratio_high: Option<f64>,
    pub performance_terms: Option<bool>,
    pub responsible_unit: Option<String>,
    pub obligations: Vec<Obligation>,
}

/// What a contract asks for by a day.
#[allow(missing_docs)]
#[derive(Debug, Clone, Serialize)]
pub struct Obligation {
    pub number: String,
    pub kind: String,
    pub due_on: Option<NaiveDate>,
    pub target: Option<f64>,
    pub unit: Option<String>,
    pub comparator: Option<String>,
    pub met_on: Option<NaiveDate>,
    pub achieved: Option<f64>,
    pub excuse: Option<String>,
    pub late_days: Option<i64>,
}

/// Who uses it.
#[allow(missing_docs)]
#[derive(Debug, Clone, Serialize)]
pub struct Occupancy {
    pub enterprise: String,
    pub name: Option<String>,
    pub industry: Option<String>,
    pub role: String,
    pub floor_area_m2: Option<f64>,
    pub from: Option<NaiveDate>,
    pub to: Option<NaiveDate>,
    pub tax_is_local: Option<bool>,
}

/// What a year brought: the year, and the figures under the names of the performance data set.
#[derive(Debug, Clone, Serialize)]
pub struct AnnualReturn {
    /// The year.
    pub year: i32,
    /// `output_wan_yuan`, `tax_wan_yuan`, `staff` and so on; null where the return leaves one out.
    #[serde(flatten)]
    pub figures: std::collections::BTreeMap<String, Option<f64>>,
}

/// What the review found.
#[allow(missing_docs)]
#[derive(Debug, Clone, Serialize)]
pub struct Review {
    pub run_id: i64,
    pub scheme: String,
    pub as_of: NaiveDate,
    pub state: String,
    pub grade: &'static str,
    pub score: Option<f64>,
    pub rank: Option<i64>,
    pub peer_group: Option<String>,
    pub outcome: Option<String>,
    pub channel: Option<String>,
    pub legal_ground: Option<String>,
    pub evidence_required: Option<String>,
    pub explanation: BothLanguages<Vec<String>>,
    pub indicators: Vec<Indicator>,
    pub receipt: String,
}

/// One indicator of the review.
#[allow(missing_docs)]
#[derive(Debug, Clone, Serialize)]
pub struct Indicator {
    pub key: String,
    pub title: BothLanguages,
    pub unit: String,
    pub value: Option<f64>,
    pub benchmark: Option<f64>,
    pub weight: f64,
    pub points: Option<f64>,
    pub missing: bool,
}

/// The dossier of that code.
pub async fn show(State(app): State<App>, Path(code): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let code = ParcelCode::parse(&code).map_err(|error| Problem::not_found(error.to_string()))?;
    let unknown = || Problem::not_found(format!("there is no parcel {code} in the register"));
    let dossier = dossier(&app, &code).await?.ok_or_else(unknown)?;
    let body = serde_json::to_string(&dossier).map_err(|error| Problem::internal(&error))?;
    // The register may be ahead of the atlas, so the tag is made from the answer itself.
    let tag = format!("\"{}\"", hex::encode(&Sha256::digest(&body)[..16]));
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|value| value.as_bytes() == tag.as_bytes());
    let mut response = if known { StatusCode::NOT_MODIFIED.into_response() } else { typed("application/json", body) };
    let answer = response.headers_mut();
    answer.insert(REVISION, HeaderValue::from(dossier.revision));
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        answer.insert(header::ETAG, tag);
    }
    Ok(response)
}

/// CONVERSION GOES HERE: read the register's dossier through `app.pool` and write it in the shapes above; `None` where
/// the register has no such parcel. Until then the answer says so.
async fn dossier(_app: &App, code: &ParcelCode) -> Result<Option<Dossier>, Problem> {
    Err(Problem::new(Kind::NotBuilt, format!("the dossier of {code} is not read from the register yet")))
}
