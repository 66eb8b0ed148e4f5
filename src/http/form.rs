//! In which form an answer about land is given: JSON for programs, or GeoJSON with the land for a map. Asked for by
//! `f=geojson` in the address or by the `Accept` header; the address decides where both speak.

use super::answer::{of_register, of_text};
use super::problem::{Kind, Problem};
use crate::flow::paper::Paper;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::Response;
use serde::Serialize;
use serde_json::json;

const GEOJSON: &str = "application/geo+json";
const EXPECTED: &str = "json, geojson";

/// A form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The document.
    Json,
    /// The land, with the answer as its properties.
    GeoJson,
}

impl Form {
    /// The form of an address that knows no parameter but `f`.
    pub fn of_address(uri: &Uri, headers: &HeaderMap) -> Result<Self, Problem> {
        let wrong = |detail: String| {
            Problem::new(Kind::InvalidParameter, detail).with("wrong-value", "query", json!({ "expected": "f" }))
        };
        let mut said = None;
        for pair in uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("f", word)) => said = Some(word),
                _ => return Err(wrong(format!("the parameter {pair:?} is unknown; expected f"))),
            }
        }
        Self::of(said, headers)
    }

    /// The form of that word; where none is said, what the caller accepts.
    pub fn of(word: Option<&str>, headers: &HeaderMap) -> Result<Self, Problem> {
        match word {
            Some("json") => Ok(Self::Json),
            Some("geojson") => Ok(Self::GeoJson),
            Some(other) => Err(Problem::new(Kind::InvalidParameter, format!("f is {other:?}, expected {EXPECTED}"))
                .with("wrong-value", "f", json!({ "expected": EXPECTED }))),
            None => {
                let accepts = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
                let mut kinds =
                    accepts.flat_map(|value| value.split(',')).map(|one| one.split(';').next().unwrap_or(one));
                Ok(if kinds.any(|kind| kind.trim() == GEOJSON) { Self::GeoJson } else { Self::Json })
            }
        }
    }

    /// The answer in this form, with its revision and tag.
    pub fn answer(
        self,
        document: &impl Serialize,
        paper: impl FnOnce() -> Paper,
        revision: i64,
        headers: &HeaderMap,
    ) -> Result<Response, Problem> {
        let mut response = match self {
            Self::Json => of_register(document, Some(revision), headers).map_err(|error| Problem::internal(&error))?,
            Self::GeoJson => of_text(GEOJSON, paper().geojson(), Some(revision), headers),
        };
        response.headers_mut().append(header::VARY, HeaderValue::from_static("accept"));
        Ok(response)
    }
}
