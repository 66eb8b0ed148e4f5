//! `GET /api/v1/parcels/{code}`: the dossier of one parcel, all that the register knows of it in one document. The
//! wire shapes are here; what they say is read from the register, not from the atlas, which may lag a moment.

use super::calendar::{Line, Quoted, line};
use super::city::BothLanguages;
use super::contract::Contract;
use super::performance::{AnnualReturn, annual_return};
use super::search::moment_of;
use crate::domain::id::ParcelCode;
use crate::domain::lifecycle::{Move, State};
use crate::domain::moment::Moment;
use crate::domain::quantity::{PlotRatio, SquareMetres};
use crate::domain::review::calendar::{By, Done, State as Stand};
use crate::domain::review::explain::Explanation;
use crate::domain::review::facts::round;
use crate::domain::review::lift::Lift;
use crate::domain::rulebook::RuleValue;
use crate::domain::timeline::Entry;
use crate::domain::zoning::Tier;
use crate::flow;
use crate::flow::dossier::File;
use crate::flow::review::calendar::Item;
use crate::flow::review::explain::Explained;
use crate::http::App;
use crate::http::answer::of_register;
use crate::http::problem::{Kind, Problem};
use crate::store;
use crate::store::lifecycle::Stay;
use crate::store::lineage::family::Lineage;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State as Given};
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::{DateTime, NaiveDate, Utc};
use geo::BoundingRect;
use serde::{Deserialize, Serialize};

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
    pub review_calendar: Vec<Scheduled>,
    pub lineage: Option<Lineage>,
    pub life: Option<Life>,
    pub timeline: Vec<Entry>,
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
    pub floor_use: Option<FloorUse>,
}

/// What becomes of its floor area: parts that sum to the whole.
#[allow(missing_docs)]
#[derive(Debug, Clone, Serialize)]
pub struct FloorUse {
    pub used_m2: f64,
    pub vacant_m2: f64,
    pub unexplained_m2: f64,
}

/// Where it is in its life.
#[allow(missing_docs)]
#[derive(Debug, Clone, Serialize)]
pub struct Life {
    pub state: State,
    pub title: BothLanguages,
    pub since: NaiveDate,
    pub next: Vec<Next>,
}

/// What may be done to it next.
#[allow(missing_docs)]
#[derive(Debug, Clone, Serialize)]
pub struct Next {
    pub deed: &'static str,
    pub to: &'static str,
    pub trigger: BothLanguages,
    pub source: &'static str,
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
    pub peers: u32,
    pub peers_ahead: Option<u32>,
    pub outcome: Option<String>,
    pub channel: Option<String>,
    pub legal_ground: Option<BothLanguages>,
    pub evidence_required: Option<BothLanguages>,
    pub explanation: BothLanguages<Vec<String>>,
    pub lift: Option<Lift>,
    pub indicators: Vec<Indicator>,
    pub receipt: String,
    /// The objection because of which the parcel was judged again.
    pub objection: Option<i64>,
}

/// A review that the contract made or makes due.
#[allow(missing_docs)]
#[derive(Debug, Clone, Serialize)]
pub struct Scheduled {
    #[serde(flatten)]
    pub line: Line,
    pub done_on: Option<NaiveDate>,
    pub done_by_run: Option<i64>,
    pub done_by_document: Option<String>,
    /// The value of the rulebook that it rests on; nothing where the contract or the scheme says.
    pub quoted: Option<Quoted>,
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
    /// The class, where classes give the points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<BothLanguages>,
    /// What it would give, where another of its set counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passed_over: Option<f64>,
    pub missing: bool,
}

/// Which moment is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    pub(super) valid_at: Option<String>,
    pub(super) known_at: Option<String>,
}

/// The dossier of that code.
pub async fn show(
    Given(app): Given<App>,
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
    of_register(&dossier, Some(dossier.revision), &headers).map_err(|error| Problem::internal(&error))
}

/// Reads the register and writes it in the shapes above; `None` where there is no such parcel.
async fn dossier(app: &App, code: &ParcelCode, moment: Moment) -> Result<Option<Dossier>, Problem> {
    let file = flow::dossier::read(&app.pool, code.as_str(), moment, (app.today)()).await;
    let file = file.map_err(|error| Problem::of_refresh(&error))?;
    Ok(file.map(|file| wire(file, moment)))
}

/// The file of a parcel in the shapes above.
pub fn wire(file: File, moment: Moment) -> Dossier {
    let File { found, standings, timeline, next, plot_ratio_reference, review: explained, calendar } = file;
    let today = moment.valid_at;
    let tier = |word: &str| Tier::parse(word).map_or("", Tier::name);
    Dossier {
        revision: found.revision,
        valid_at: moment.valid_at,
        known_at: moment.known_at,
        parcel: parcel(&found, today, plot_ratio_reference),
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
            floor_use: found.buildings.floor_use.map(|floor| FloorUse {
                used_m2: round(floor.used.value(), 2),
                vacant_m2: round(floor.vacant.value(), 2),
                unexplained_m2: round(floor.unexplained().value(), 2),
            }),
        },
        contracts: found
            .contracts
            .iter()
            .zip(&standings)
            .map(|(contract, standing)| Contract::new(contract, standing))
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
        returns: found.figures.iter().filter_map(annual_return).collect(),
        review: explained.map(review),
        review_calendar: calendar.iter().map(|item| scheduled(item, found.day)).collect(),
        life: found.life.last().map(|stay| life(stay, &next)),
        lineage: found.lineage,
        timeline,
    }
}

fn scheduled(item: &Item, day: NaiveDate) -> Scheduled {
    let (done_on, done_by_run, done_by_document) = match &item.entry.state {
        Stand::Done(Done { by: By::Run { run }, on, .. }) => (Some(*on), Some(*run), None),
        Stand::Done(Done { by: By::Acceptance { document }, on, .. }) => (Some(*on), None, Some(document.clone())),
        _ => (None, None, None),
    };
    let quoted = item.entry.rule.as_deref().map(Quoted::from);
    Scheduled { line: line(item, day), done_on, done_by_run, done_by_document, quoted }
}

fn life(stay: &Stay, next: &[&Move]) -> Life {
    let both = |zh: &str, en: &str| BothLanguages { zh: zh.to_owned(), en: en.to_owned() };
    let (zh, en) = stay.state.title();
    Life {
        state: stay.state.clone(),
        title: both(zh, en),
        since: stay.from,
        next: next
            .iter()
            .map(|one| Next {
                deed: one.deed,
                to: one.to,
                trigger: both(one.trigger_zh, one.trigger_en),
                source: one.source,
            })
            .collect(),
    }
}

fn parcel(found: &store::dossier::Dossier, today: NaiveDate, reference: Option<RuleValue>) -> Parcel {
    let one = &found.parcel;
    let built =
        found.buildings.floor_area_m2.and_then(|floor| PlotRatio::of(SquareMetres(floor), SquareMetres(one.area_m2)));
    let bounds = one.shape.bounding_rect().map(|rect| [rect.min().x, rect.min().y, rect.max().x, rect.max().y]);
    Parcel {
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
        plot_ratio_reference: reference.map(|value| PlotRatioReference {
            value: value.value,
            basis: value.source,
            assumption: value.assumption,
        }),
        address: one.address.clone(),
        valid_from: one.valid_from,
        valid_to: one.valid_to,
        in_force: one.valid_from.is_none_or(|from| from <= today) && one.valid_to.is_none_or(|to| today < to),
        geometry: geojson::Geometry::new(geojson::GeometryValue::from(&one.shape)),
        bounds,
    }
}

fn review(explained: Explained) -> Review {
    let Explained { run, state, receipt, hash, objection, lift, words, .. } = explained;
    let words = Explanation::from(words);
    let decision = &receipt.decision;
    let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let both = |[zh, en]: &[String; 2]| (!zh.is_empty()).then(|| BothLanguages { zh: zh.clone(), en: en.clone() });
    Review {
        run_id: run,
        scheme: receipt.rules.scheme.clone(),
        as_of: receipt.as_of,
        state,
        grade: receipt.grade.name(),
        score: receipt.score,
        rank: receipt.rank.map(i64::from),
        peer_group: Some(receipt.peer_group.clone()),
        peers: receipt.peers,
        peers_ahead: receipt.peers_ahead,
        outcome: filled(&decision.outcome),
        channel: filled(&decision.channel),
        legal_ground: both(&decision.ground),
        evidence_required: both(&decision.evidence),
        explanation: BothLanguages { zh: words.zh, en: words.en },
        lift,
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
                    class: line.class.clone().map(|[zh, en]| BothLanguages { zh, en }),
                    passed_over: line.passed_over,
                    missing: line.is_unknown(),
                }
            })
            .collect(),
        receipt: hash,
        objection,
    }
}
