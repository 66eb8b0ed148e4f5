//! `GET /api/v1/parcels/at` and `/nearest`: the parcels of a place on the map, and those around it.

use super::page;
use super::search::{blocking, refuse, write_feature};
use crate::atlas::{MOST_METRES, Selection, Snapshot};
use crate::domain::queryable::Queryable;
use crate::http::App;
use crate::http::agreement::reached;
use crate::http::answer::{Stamp, typed};
use crate::http::problem::Problem;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;

/// How many parcels are told of where nothing is said, and at most.
const USUAL_NEAREST: usize = 10;
const MOST_NEAREST: usize = 100;
/// How far away they may lie where nothing is said, in metres.
const USUAL_METRES: f64 = 1_000.0;

/// A place, and the least revision that is to be shown.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct At {
    lon: f64,
    lat: f64,
    min_revision: Option<i64>,
}

/// A place and how far around it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nearest {
    lon: f64,
    lat: f64,
    limit: Option<usize>,
    metres: Option<f64>,
    min_revision: Option<i64>,
}

/// The parcels that a place lies on, borders included.
pub async fn at(
    State(app): State<App>,
    headers: HeaderMap,
    asked: Result<Query<At>, QueryRejection>,
) -> Result<Response, Problem> {
    let At { lon, lat, min_revision } = page::asked(asked, "lon, lat, min_revision")?;
    let place = Selection::bbox(lon, lat, lon, lat).map_err(|error| refuse("lon", &error))?;
    reached(&app.atlas, min_revision.unwrap_or(i64::MIN)).await?;
    let snapshot = app.atlas.current();
    blocking(move || {
        let question = format!("-at-{lon}-{lat}");
        answer(&snapshot, &headers, &question, || {
            snapshot.search(&place).indices().iter().map(|number| (None, *number)).collect()
        })
    })
    .await
}

/// The parcels nearest to a place, the nearest first.
pub async fn nearest(
    State(app): State<App>,
    headers: HeaderMap,
    asked: Result<Query<Nearest>, QueryRejection>,
) -> Result<Response, Problem> {
    let Nearest { lon, lat, limit, metres, min_revision } =
        page::asked(asked, "lon, lat, limit, metres, min_revision")?;
    let limit = limit.unwrap_or(USUAL_NEAREST);
    if limit > MOST_NEAREST {
        return Err(page::wrong("limit", format!("limit is {limit}; expected at most {MOST_NEAREST}"), "0 to 100"));
    }
    let metres = metres.unwrap_or(USUAL_METRES);
    // Both say what is wrong with a place, a distance, or both.
    Selection::bbox(lon, lat, lon, lat).map_err(|error| refuse("lon", &error))?;
    if !(metres > 0.0 && metres <= MOST_METRES) {
        let expected = format!("more than 0 and at most {MOST_METRES}");
        return Err(page::wrong("metres", format!("metres is {metres}; expected {expected}"), &expected));
    }
    reached(&app.atlas, min_revision.unwrap_or(i64::MIN)).await?;
    let snapshot = app.atlas.current();
    blocking(move || {
        let question = format!("-nearest-{lon}-{lat}-{limit}-{metres}");
        answer(&snapshot, &headers, &question, || {
            let found = snapshot.nearest([lon, lat], limit, metres);
            found.into_iter().map(|(distance, number)| (Some(distance), number)).collect()
        })
    })
    .await
}

fn answer(
    snapshot: &Snapshot,
    headers: &HeaderMap,
    question: &str,
    found: impl FnOnce() -> Vec<(Option<f64>, u32)>,
) -> Result<Response, Problem> {
    let stamp = Stamp::of(snapshot, question);
    if stamp.is_known(headers) {
        return Ok(stamp.not_modified());
    }
    let mut out = format!("{{\"revision\":{},\"features\":[", snapshot.revision());
    for (place, (distance, number)) in found().into_iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        write_feature(&mut out, &snapshot.parcel(number), Queryable::ALL)?;
        if let Some(distance) = distance {
            // To a millimetre, inside the feature.
            out.pop();
            out.push_str(&format!(",\"distance_m\":{distance:.3}}}"));
        }
    }
    out.push_str("]}");
    let mut response = typed("application/json", out);
    stamp.mark(&mut response);
    Ok(response)
}
