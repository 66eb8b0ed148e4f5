//! Vector tiles and what describes them (TileJSON 3).

use super::App;
use super::answer::{Stamp, typed};
use super::problem::Problem;
use crate::atlas::tile::{Layer, Square};
use axum::body::{Body, Bytes};
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flate2::read::GzDecoder;
use serde_json::{Map, Value, json};
use std::io::Read;
use std::sync::Arc;

/// The zooms that maps ask for. Beyond the last they enlarge, which loses nothing: its grid is 0.13 m at 31° N.
const ZOOMS: (u8, u8) = (6, 16);

/// `GET /tiles/{layer}.json`
pub async fn describe(
    State(app): State<App>,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let layer = layer(file.strip_suffix(".json").unwrap_or(""), &file)?;
    let snapshot = app.atlas.current();
    // The guard let only this machine's own names through.
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let stamp = Stamp::of(&snapshot, &format!("-tilejson-{}-{host}", layer.name()));
    Ok(stamp.answer(&headers, || {
        let version = version(snapshot.revision(), snapshot.fingerprint());
        let fields: Map<String, Value> =
            layer.fields().iter().map(|(name, says)| ((*name).to_owned(), (*says).into())).collect();
        let (first, last) = ZOOMS;
        let mut body = json!({
            "tilejson": "3.0.0",
            "name": format!("{} {}", snapshot.city().name_en, layer.name()),
            "tiles": [format!("http://{host}/tiles/{}/{{z}}/{{x}}/{{y}}.mvt?v={version}", layer.name())],
            "minzoom": first,
            "maxzoom": last,
            "vector_layers": [{"id": layer.name(), "fields": fields, "minzoom": first, "maxzoom": last}],
        });
        if let Some(bounds) = snapshot.bounds() {
            body["bounds"] = json!(bounds.to_array());
        }
        typed("application/json", body.to_string())
    }))
}

/// `GET /tiles/{layer}/{z}/{x}/{y}.mvt`
pub async fn tile(
    State(app): State<App>,
    Path((name, z, x, file)): Path<(String, String, String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let layer = layer(&name, &format!("{name}/{z}/{x}/{file}"))?;
    let number = |text: &str| text.parse::<u64>().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    let parts = (number(&z), number(&x), file.strip_suffix(".mvt").and_then(number));
    let (Some(zoom), Some(column), Some(row)) = parts else {
        return Err(Problem::not_found(format!(
            "{z}/{x}/{file} is no address of a tile; expected zoom/column/row.mvt in whole numbers"
        )));
    };
    let square = Square::new(zoom, column, row).map_err(|error| Problem::not_found(error.to_string()))?;
    let snapshot = app.atlas.current();
    let (revision, version) = (snapshot.revision(), version(snapshot.revision(), snapshot.fingerprint()));
    let packed = match snapshot.kept_tile(layer, square) {
        Some(kept) => kept,
        // A tile of the whole city takes tens of milliseconds, during which other answers must go on.
        None => tokio::task::spawn_blocking(move || snapshot.packed_tile(layer, square))
            .await
            .map_err(|error| Problem::internal(&error))?,
    };
    // By what it says: a change elsewhere in the city leaves the tile as the caller has it.
    let stamp = Stamp::of_content(revision, &format!("{:016x}-{}", packed.mark, layer.name()));
    let known = stamp.is_known(&headers);
    let mut response = if known { stamp.not_modified() } else { write(packed.bytes, &headers)? };
    // An address that names the version it wants can never mean another.
    if query.as_deref().and_then(|query| query.strip_prefix("v=")) == Some(version.as_str()) {
        let forever = HeaderValue::from_static("public, max-age=31536000, immutable");
        response.headers_mut().insert(header::CACHE_CONTROL, forever);
    }
    stamp.mark(&mut response);
    Ok(response)
}

fn write(packed: Arc<[u8]>, asked: &HeaderMap) -> Result<Response, Problem> {
    if packed.is_empty() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let mut response = typed("application/vnd.mapbox-vector-tile", Body::empty());
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    *response.body_mut() = if takes_gzip(asked) {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        Body::from(Bytes::from_owner(packed))
    } else {
        let mut bytes = Vec::new();
        GzDecoder::new(&packed[..]).read_to_end(&mut bytes).map_err(|error| Problem::internal(&error))?;
        Body::from(bytes)
    };
    Ok(response)
}

/// Whether the caller takes gzip. A weight of nothing means that it doesn't.
fn takes_gzip(asked: &HeaderMap) -> bool {
    let values = asked.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
        let weight = weight.trim().trim_start_matches("q=").parse::<f32>().unwrap_or(1.0);
        matches!(name.trim().to_ascii_lowercase().as_str(), "gzip" | "x-gzip" | "*") && weight > 0.0
    })
}

fn version(revision: i64, fingerprint: u64) -> String {
    format!("{revision}-{fingerprint:016x}")
}

fn layer(name: &str, asked: &str) -> Result<Layer, Problem> {
    Layer::parse(name).ok_or_else(|| {
        let layers = Layer::ALL.map(Layer::name).join(", ");
        Problem::not_found(format!("there is nothing at /tiles/{asked}; the layers are {layers}"))
    })
}
