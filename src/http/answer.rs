//! Answers that rest on the atlas or the register: the revision they show, the tag that changes when they do, and the short answer to
//! those who have them already.

use crate::atlas::Snapshot;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// The header that names the revision.
pub const REVISION: HeaderName = HeaderName::from_static("landcycle-revision");

/// Which moment an answer shows, and its tag.
#[derive(Debug, Clone)]
pub struct Stamp {
    revision: i64,
    tag: String,
}

impl Stamp {
    /// The stamp of an answer that depends on the snapshot and on `question`. The fingerprint keeps apart two cities of
    /// the same revision, the version two programs that write the same city differently.
    pub fn of(snapshot: &Snapshot, question: &str) -> Self {
        let (revision, fingerprint) = (snapshot.revision(), snapshot.fingerprint());
        let version = env!("CARGO_PKG_VERSION");
        Self { revision, tag: format!("\"{revision}-{fingerprint:016x}-{version}{question}\"") }
    }

    /// The stamp of an answer that shows a revision and has a tag of its own content.
    pub fn of_content(revision: i64, content: &str) -> Self {
        Self { revision, tag: format!("\"{content}-{}\"", env!("CARGO_PKG_VERSION")) }
    }

    /// The answer, or 304 where the caller has it already.
    pub fn answer(self, asked: &HeaderMap, answer: impl FnOnce() -> Response) -> Response {
        let mut response = if self.is_known(asked) { self.not_modified() } else { answer() };
        self.mark(&mut response);
        response
    }

    /// Whether the caller has this very answer.
    pub fn is_known(&self, asked: &HeaderMap) -> bool {
        is_known(&self.tag, asked)
    }

    /// 304 without a body.
    pub fn not_modified(&self) -> Response {
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        self.mark(&mut response);
        response
    }

    /// Writes revision and tag on an answer, and that it must be asked for again unless it says otherwise.
    pub fn mark(&self, response: &mut Response) {
        let headers = response.headers_mut();
        headers.insert(REVISION, HeaderValue::from(self.revision));
        if let Ok(tag) = HeaderValue::from_str(&self.tag) {
            headers.insert(header::ETAG, tag);
        }
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
    }
}

/// Whether `If-None-Match` names this tag.
pub fn is_known(tag: &str, asked: &HeaderMap) -> bool {
    let known = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    known.flat_map(|value| value.split(',')).map(str::trim).any(|one| {
        // Compared weakly, as RFC 9110 §13.1.2 asks.
        one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag
    })
}

/// An answer read from the register, or 304 where the caller has it already. The register may be ahead of the atlas, and
/// clocks move with the day, so the tag is made from the answer itself.
pub fn of_register(
    answer: &impl Serialize,
    revision: Option<i64>,
    asked: &HeaderMap,
) -> Result<Response, serde_json::Error> {
    Ok(of_text("application/json", serde_json::to_string(answer)?, revision, asked))
}

/// The same of a text of another content type.
pub fn of_text(content_type: &'static str, body: String, revision: Option<i64>, asked: &HeaderMap) -> Response {
    let tag = format!("\"{}\"", hex::encode(&Sha256::digest(&body)[..16]));
    let mut response =
        if is_known(&tag, asked) { StatusCode::NOT_MODIFIED.into_response() } else { typed(content_type, body) };
    let headers = response.headers_mut();
    if let Some(revision) = revision {
        headers.insert(REVISION, HeaderValue::from(revision));
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

/// An answer of that content type.
pub fn typed(content_type: &'static str, body: impl Into<axum::body::Body>) -> Response {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_known_by_itself_in_a_list_weakly_and_by_a_star() {
        let asked = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::IF_NONE_MATCH, HeaderValue::from_static(value));
            }
            is_known("\"a\"", &headers)
        };
        for known in [&["\"a\""][..], &["W/\"a\""], &["\"b\", \"a\""], &["\"b\",W/\"a\""], &["*"], &["\"b\"", "\"a\""]]
        {
            assert!(asked(known), "{known:?}");
        }
        for unknown in [&[][..], &[""], &["\"b\""], &["a"], &["\"ab\""], &["W/\"b\", \"c\""]] {
            assert!(!asked(unknown), "{unknown:?}");
        }
    }
}
