//! `GET /api/v1/parcels/{code}`: the dossier of one parcel, all that the register knows of it in one document. The
//! wire shapes are here; what they say is read from the register, not from the atlas, which may lag a moment.

use super::city::BothLanguages;
use super::search::moment_of;
use crate::domain::contract::obligation::late_days;
use crate::domain::id::ParcelCode;
use crate::domain::moment::Moment;
use crate::domain::quantity::{PlotRatio, SquareMetres};
use crate::domain::review::explain::explain;
use crate::domain::review::facts::{Measure, round};
use crate::domain::review::receipt::Receipt;
use crate::domain::zoning::Tier;
use crate::flow::{self, rules};
use crate::http::App;
use crate::http::answer::{REVISION, is_known, typed};
use crate::http::problem::{Kind, Problem};
use crate::store;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, NaiveDate, Utc};
use geo::BoundingRect;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// All that is known of one parcel.
#[allow(missing_docs)] // The names are the wire's own; docs/api.md says what they mean.
#[derive(Debug, Clone, Serialize)]
pub struct Dossier {
    pub revision: i64,
    pub valid_at: NaiveDate,
    pub known_at: Option<DateTime<Utc>>,
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
    pub valid_to: Option<NaiveDate>,
    pub in_force: bool,
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
    pub legal_ground: Option<BothLanguages>,
    pub evidence_required: Option<BothLanguages>,
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

/// Which moment is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    valid_at: Option<String>,
    known_at: Option<String>,
}

/// The dossier of that code.
pub async fn show(
    State(app): State<App>,
    Path(code): Path<String>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let code = ParcelCode::parse(&code).map_err(|error| Problem::not_found(error.to_string()))?;
    let Query(asked) = asked.map_err(|error| {
        Problem::new(Kind::InvalidParameter, format!("{error}; expected valid_at or known_at")).with(
            "wrong-value",
            "query",
            serde_json::json!({"expected": "valid_at, known_at"}),
        )
    })?;
    let moment = moment_of(asked.valid_at.as_deref(), asked.known_at.as_deref(), (app.today)())?;
    let unknown = || match moment.known_at {
        None => Problem::not_found(format!("there is no parcel {code} in the register")),
        Some(time) => Problem::not_found(format!("the register knew of no parcel {code} at {time}")),
    };
    let dossier = dossier(&app, &code, moment).await?.ok_or_else(unknown)?;
    let body = serde_json::to_string(&dossier).map_err(|error| Problem::internal(&error))?;
    // The register may be ahead of the atlas, so the tag is made from the answer itself.
    let tag = format!("\"{}\"", hex::encode(&Sha256::digest(&body)[..16]));
    let mut response = if is_known(&tag, &headers) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        typed("application/json", body)
    };
    let answer = response.headers_mut();
    answer.insert(REVISION, HeaderValue::from(dossier.revision));
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        answer.insert(header::ETAG, tag);
    }
    Ok(response)
}

/// Reads the register and writes it in the shapes above; `None` where there is no such parcel.
async fn dossier(app: &App, code: &ParcelCode, moment: Moment) -> Result<Option<Dossier>, Problem> {
    let today = moment.valid_at;
    // What parcel_place keeps is today's; any other moment is worked out.
    let share = match moment == Moment::on((app.today)()) {
        true => None,
        false => {
            let share = flow::moment::deciding_share(&app.pool, &moment).await;
            Some(share.map_err(|error| Problem::of_refresh(&error))?)
        }
    };
    let found = store::dossier::read(&app.pool, code.as_str(), &moment, share)
        .await
        .map_err(|error| Problem::of_store(&error))?;
    let Some(found) = found else { return Ok(None) };
    let receipt = found
        .review
        .as_ref()
        .map(|review| serde_json::from_str::<Receipt>(&review.receipt))
        .transpose()
        .map_err(|error| Problem::internal(&error))?;
    let tier = |word: &str| Tier::parse(word).map_or("", Tier::name);
    let obligations = |number: &str| {
        found
            .obligations
            .iter()
            .filter(|one| one.contract == number)
            .map(|one| Obligation {
                number: one.number.clone(),
                kind: one.kind.clone(),
                due_on: one.due_on,
                target: one.target,
                unit: one.unit.clone(),
                comparator: one.target.map(|_| if one.at_most { "<=" } else { ">=" }.to_owned()),
                met_on: one.met_on,
                achieved: one.achieved,
                excuse: one.excuse.clone(),
                late_days: late_days(one.due_on, one.met_on, today),
            })
            .collect()
    };
    Ok(Some(Dossier {
        revision: found.revision,
        valid_at: moment.valid_at,
        known_at: moment.known_at,
        parcel: parcel(&found, today)?,
        versions: found
            .versions
            .iter()
            .map(|one| Version {
                valid_from: one.valid_from,
                valid_to: one.valid_to,
                recorded_from: one.recorded_from,
                recorded_to: one.recorded_to,
            })
            .collect(),
        zones: found
            .zones
            .iter()
            .map(|one| Zone {
                code: one.code.clone(),
                name: one.name.clone(),
                tier: tier(&one.tier),
                locked: one.locked,
                share: round(one.share, 6),
            })
            .collect(),
        buildings: Buildings {
            count: found.buildings.count.unsigned_abs(),
            footprint_m2: found.buildings.footprint_m2.map(|area| round(area, 2)),
            floor_area_m2: found.buildings.floor_area_m2.map(|area| round(area, 2)),
            used_floor_area_m2: found.buildings.used_floor_area_m2.map(|area| round(area, 2)),
        },
        contracts: found
            .contracts
            .iter()
            .map(|one| Contract {
                obligations: obligations(&one.number),
                number: one.number.clone(),
                kind: one.kind.clone(),
                holder: one.holder.clone(),
                holder_name: one.holder_name.clone(),
                signed_on: Some(one.signed_on),
                term_starts_on: Some(one.term_starts_on),
                term_ends_on: one.term_ends_on,
                price_wan_yuan: one.price_wan_yuan,
                plot_ratio_low: one.plot_ratio_low,
                plot_ratio_high: one.plot_ratio_high,
                performance_terms: Some(one.performance_terms),
                responsible_unit: one.responsible_unit.clone(),
            })
            .collect(),
        occupancies: found
            .occupancies
            .iter()
            .map(|one| Occupancy {
                enterprise: one.enterprise.clone(),
                name: Some(one.name.clone()),
                industry: one.industry.clone(),
                role: one.role.clone(),
                floor_area_m2: Some(one.floor_area_m2),
                from: Some(one.from_on),
                to: one.to_on,
                tax_is_local: Some(one.tax_is_local),
            })
            .collect(),
        returns: receipt.as_ref().map(returns).unwrap_or_default(),
        review: receipt.as_ref().zip(found.review.as_ref()).map(|(receipt, stored)| review(receipt, stored)),
    }))
}

fn parcel(found: &store::dossier::Dossier, today: NaiveDate) -> Result<Parcel, Problem> {
    let one = &found.parcel;
    let rulebook = rules::rulebook().map_err(|error| Problem::internal(&error))?;
    let built =
        found.buildings.floor_area_m2.and_then(|floor| PlotRatio::of(SquareMetres(floor), SquareMetres(one.area_m2)));
    let bounds = one.shape.bounding_rect().map(|rect| [rect.min().x, rect.min().y, rect.max().x, rect.max().y]);
    Ok(Parcel {
        code: one.code.clone(),
        district: one.district.clone(),
        district_name: one.district_name.clone(),
        park: one.park.clone(),
        park_name: one.park_name.clone(),
        tier: Tier::parse(&one.tier).map_or("", Tier::name),
        locked: one.locked,
        land_use: one.land_use.clone(),
        land_use_scheme: one.land_use_scheme.clone(),
        registered_area_m2: one.registered_area_m2,
        area_m2: round(one.area_m2, 2),
        area_mu: round(SquareMetres(one.area_m2).to_mu().value(), 4),
        plot_ratio_built: built.map(|ratio| round(ratio.value(), 4)),
        plot_ratio_allowed: one.plot_ratio_allowed,
        plot_ratio_reference: rulebook.plot_ratio_reference(&one.land_use, today).map(|value| PlotRatioReference {
            value: value.value,
            basis: value.source.clone(),
            assumption: value.assumption,
        }),
        address: one.address.clone(),
        valid_from: one.valid_from,
        valid_to: one.valid_to,
        in_force: one.valid_from.is_none_or(|from| from <= today) && one.valid_to.is_none_or(|to| today < to),
        geometry: geojson::Geometry::new(geojson::GeometryValue::from(&one.shape)),
        bounds,
    })
}

/// The share of its users' yearly figures that reached the parcel, as its receipt froze them.
fn returns(receipt: &Receipt) -> Vec<AnnualReturn> {
    let years = receipt.facts.years.iter();
    years
        .map(|year| AnnualReturn {
            year: year.year,
            figures: Measure::NAMES
                .into_iter()
                .zip(&year.figures)
                .map(|(name, share)| (name.to_owned(), (share.known > 0.0).then_some(share.sum)))
                .collect(),
        })
        .collect()
}

fn review(receipt: &Receipt, stored: &store::dossier::Review) -> Review {
    let words = explain(receipt);
    let decision = &receipt.decision;
    let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let both = |[zh, en]: &[String; 2]| (!zh.is_empty()).then(|| BothLanguages { zh: zh.clone(), en: en.clone() });
    Review {
        run_id: stored.run_id,
        scheme: receipt.rules.scheme.clone(),
        as_of: receipt.as_of,
        state: stored.state.clone(),
        grade: receipt.grade.name(),
        score: receipt.score,
        rank: receipt.rank.map(i64::from),
        peer_group: Some(receipt.peer_group.clone()),
        outcome: filled(&decision.outcome),
        channel: filled(&decision.channel),
        legal_ground: both(&decision.ground),
        evidence_required: both(&decision.evidence),
        explanation: BothLanguages { zh: words.zh, en: words.en },
        indicators: receipt
            .indicators
            .iter()
            .map(|line| {
                let (zh, en) = line.key.title();
                Indicator {
                    key: line.key.key().to_owned(),
                    title: BothLanguages { zh: zh.to_owned(), en: en.to_owned() },
                    unit: line.key.unit().to_owned(),
                    value: line.value,
                    benchmark: line.benchmark,
                    weight: line.weight,
                    points: line.points,
                    missing: line.value.is_none(),
                }
            })
            .collect(),
        receipt: stored.receipt_hash.clone(),
    }
}
