//! `GET /api/v1/reviews/{run}/clusters`: the renewal areas of a run as GeoJSON. The wire shapes are here; the command line
//! writes the same without the land.

use super::page::wrong;
use crate::domain::quantity::SquareMetres;
use crate::domain::review::decision::List;
use crate::domain::review::facts::round;
use crate::flow::clusters::{Area, ClusterError, Found, Question, clusters};
use crate::http::App;
use crate::http::answer::of_text;
use crate::http::guard::WholeCity;
use crate::http::problem::Problem;
use axum::Extension;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::NaiveDate;
use geo::MapCoords as _;
use geo_types::coord;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many areas a page has where nothing is said, and at most.
const USUAL_AREAS: usize = 1_000;
const MOST_AREAS: usize = 10_000;

/// What the areas are of.
#[allow(missing_docs)] // The names are the wire's own; docs/renewal-areas.md says what they mean.
#[derive(Debug, Serialize)]
pub struct Head {
    pub revision: i64,
    pub run: i64,
    pub as_of: NaiveDate,
    pub list: Option<&'static str>,
    pub within_m: f64,
    pub within_source: String,
    pub ranking_source: String,
    pub candidates: usize,
    pub candidates_without_shape: usize,
    pub all_areas: usize,
    pub large_enough: usize,
}

/// One area, without its land.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct OfArea {
    pub area_code: String,
    pub rank: u32,
    pub parcels: usize,
    pub area_m2: f64,
    pub area_mu: f64,
    pub districts: Vec<String>,
    pub holders: usize,
    pub parcels_without_holder: u64,
    pub by_list: BTreeMap<&'static str, u64>,
    pub by_channel: BTreeMap<String, u64>,
    pub by_grade: BTreeMap<&'static str, u64>,
    pub parcel_codes: Vec<String>,
}

/// All areas, without their land.
#[allow(missing_docs)]
#[derive(Debug, Serialize)]
pub struct Summary {
    #[serde(flatten)]
    pub head: Head,
    pub areas: Vec<OfArea>,
}

#[derive(Serialize)]
struct Collection {
    r#type: &'static str,
    #[serde(flatten)]
    head: Head,
    /// The rank after which the next page begins.
    next: Option<u32>,
    features: Vec<Feature>,
}

#[derive(Serialize)]
struct Feature {
    r#type: &'static str,
    id: String,
    geometry: Option<geojson::Geometry>,
    properties: OfArea,
}

fn head(found: &Found) -> Head {
    Head {
        revision: found.revision,
        run: found.run.id,
        as_of: found.run.as_of,
        list: found.list.map(List::name),
        within_m: found.within_m,
        within_source: found.within_source.clone(),
        ranking_source: found.ranking.source.clone(),
        candidates: found.candidates,
        candidates_without_shape: found.without_shape,
        all_areas: found.all_areas,
        large_enough: found.areas.len(),
    }
}

fn of_area(area: &Area) -> OfArea {
    let cluster = &area.cluster;
    OfArea {
        area_code: cluster.code.clone(),
        rank: cluster.rank,
        parcels: area.parcels.len(),
        area_m2: round(cluster.land_m2, 2),
        area_mu: round(SquareMetres(cluster.land_m2).to_mu().value(), 4),
        districts: cluster.districts.iter().cloned().collect(),
        holders: cluster.holders.len(),
        parcels_without_holder: cluster.without_holder,
        by_list: cluster.by_list.clone(),
        by_channel: cluster.by_channel.clone(),
        by_grade: cluster.by_grade.clone(),
        parcel_codes: area.parcels.clone(),
    }
}

/// All areas in these shapes.
pub fn summary(found: &Found) -> Summary {
    Summary { head: head(found), areas: found.areas.iter().map(of_area).collect() }
}

fn feature(area: &Area) -> Feature {
    // Seven decimals are a centimetre.
    let written = area.shape.map_coords(|place| coord! { x: round(place.x, 7), y: round(place.y, 7) });
    let geometry = (!written.0.is_empty()).then(|| geojson::Geometry::new(geojson::GeometryValue::from(&written)));
    Feature { r#type: "Feature", id: area.cluster.code.clone(), geometry, properties: of_area(area) }
}

fn collection(found: &Found, after: u32, limit: usize) -> Collection {
    let rest = found.areas.iter().filter(|area| area.cluster.rank > after);
    let page: Vec<&Area> = rest.take(limit).collect();
    let last = page.last().map(|area| area.cluster.rank);
    let has_more = last < found.areas.last().map(|area| area.cluster.rank);
    Collection {
        r#type: "FeatureCollection",
        head: head(found),
        next: last.filter(|_| has_more),
        features: page.into_iter().map(feature).collect(),
    }
}

/// What is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    list: Option<String>,
    within_m: Option<f64>,
    min_area_m2: Option<f64>,
    after: Option<u32>,
    limit: Option<usize>,
}

/// The areas.
pub async fn show(
    State(app): State<App>,
    Extension(whole_city): Extension<WholeCity>,
    run: Result<Path<i64>, PathRejection>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Path(run) = run.map_err(|_| Problem::not_found("a review run has a whole number"))?;
    let Query(asked) =
        asked.map_err(|error| wrong("query", error.to_string(), "list, within_m, min_area_m2, after, limit"))?;
    let list =
        match asked.list.as_deref() {
            None => None,
            Some(word) => Some(List::parse(word).ok_or_else(|| {
                wrong("list", format!("list is {word:?}; expected exit or renewal"), "exit or renewal")
            })?),
        };
    let limit = asked.limit.unwrap_or(USUAL_AREAS);
    if !(1..=MOST_AREAS).contains(&limit) {
        return Err(wrong("limit", format!("limit is {limit}; expected 1 to {MOST_AREAS}"), "1 to 10000"));
    }
    let least_m2 = asked.min_area_m2.unwrap_or(0.0);
    let question = Question { run, list, within_m: asked.within_m, least_m2 };
    let _inside = whole_city.enter()?;
    let found = clusters(&app.pool, &question).await.map_err(|error| match &error {
        ClusterError::Store(error) => Problem::of_store(error),
        ClusterError::NoRun(_) => Problem::not_found(format!("there is no review run {run}")),
        ClusterError::Within(_) => wrong("within_m", error.to_string(), "0 to 500"),
        ClusterError::Least(_) => wrong("min_area_m2", error.to_string(), "0 or more"),
        other => Problem::internal(other),
    })?;
    let body = serde_json::to_string(&collection(&found, asked.after.unwrap_or(0), limit))
        .map_err(|error| Problem::internal(&error))?;
    Ok(of_text("application/geo+json", body, Some(found.revision), &headers))
}
