//! What a search found as a file to keep: which form is asked for, and the file as an answer that is read from disk while it
//! is sent.

use crate::atlas::Snapshot;
use crate::domain::queryable::Queryable;
use crate::flow::Format;
use crate::flow::found::{FORMATS, Found, FoundError};
use crate::http::answer::Stamp;
use crate::http::patience::Patience;
use crate::http::problem::{Kind, Problem};
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use chrono::NaiveDate;
use futures_util::stream::try_unfold;
use serde_json::json;
use std::fs::File;
use tokio::io::AsyncReadExt as _;

/// The most parcels that a file of a search holds; an export holds any number.
const MOST_ROWS: usize = 100_000;
/// How much is read from disk at a time.
const PIECE: usize = 64 << 10;

/// The form that `f` in the address names, or that the caller accepts; nothing for the usual answer.
pub fn form(uri: &Uri, headers: &HeaderMap) -> Result<Option<Format>, Problem> {
    let wrong = |detail: String| {
        let expected = "f=json, geojson, csv, xlsx or gpkg";
        Problem::new(Kind::InvalidParameter, format!("{detail}; expected {expected}")).with(
            "wrong-value",
            "f",
            json!({"expected": expected}),
        )
    };
    let mut said = None;
    for pair in uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("f", word)) => said = Some(word),
            _ => return Err(wrong(format!("the parameter {pair:?} is unknown"))),
        }
    }
    let named = |word: &str| FORMATS.into_iter().find(|format| format.extension() == word);
    match said {
        Some("json") => Ok(None),
        Some(word) => named(word).map(Some).ok_or_else(|| wrong(format!("f is {word:?}"))),
        None => {
            let accepts = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
            let kinds =
                accepts.flat_map(|value| value.split(',')).map(|one| one.split(';').next().unwrap_or(one).trim());
            // The first of those that are known; who takes anything gets the usual answer.
            for kind in kinds {
                if kind == "application/json" || kind == "*/*" {
                    return Ok(None);
                }
                if let Some(format) = FORMATS.into_iter().find(|format| media_type(*format) == kind) {
                    return Ok(Some(format));
                }
            }
            Ok(None)
        }
    }
}

fn media_type(format: Format) -> &'static str {
    match format {
        Format::Csv => "text/csv",
        Format::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        Format::Gpkg => "application/geopackage+sqlite3",
        _ => "application/geo+json",
    }
}

/// The file of what was found.
pub fn answer(
    snapshot: &Snapshot,
    listed: &[u32],
    fields: &[Queryable],
    (format, day): (Format, NaiveDate),
    patience: &Patience,
    stamp: &Stamp,
) -> Result<Response, Problem> {
    if listed.len() > MOST_ROWS {
        let detail = format!(
            "{} parcels were found; expected at most {MOST_ROWS} in a file: narrow the search, or use landcycle export",
            listed.len()
        );
        return Err(Problem::new(Kind::TooMany, detail).with(
            "too-many-rows",
            "f",
            json!({"found": listed.len(), "most": MOST_ROWS}),
        ));
    }
    let extension = format.extension();
    let name = format!("parcels-{}.{extension}", snapshot.revision());
    let failed = |error: &(dyn std::error::Error + 'static)| Problem::internal(error);
    let folder = tempfile::tempdir().map_err(|error| failed(&error))?;
    let path = folder.path().join(&name);
    let found = Found { snapshot, listed, fields, day };
    found.write(format, &path, &|| patience.is_over()).map_err(|error| match error {
        FoundError::GivenUp(_) => super::too_slow(),
        FoundError::Write(error) => failed(&error),
    })?;
    let file = File::open(&path).map_err(|error| failed(&error))?;
    let length = file.metadata().map_err(|error| failed(&error))?.len();
    // It has no name any more and is gone once it is sent, or the client is.
    drop(folder);
    let pieces = try_unfold(tokio::fs::File::from_std(file), |mut file| async move {
        let mut piece = vec![0; PIECE];
        let read = file.read(&mut piece).await?;
        piece.truncate(read);
        Ok::<_, std::io::Error>((read > 0).then_some((Bytes::from(piece), file)))
    });
    let mut response = Body::from_stream(pieces).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(format)));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    headers.append(header::VARY, HeaderValue::from_static("accept"));
    stamp.mark(&mut response);
    Ok(response)
}
