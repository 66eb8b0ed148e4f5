//! Errors as RFC 9457 problem documents. The only place that chooses a status and a title; what went wrong is said by
//! whoever found it.

use crate::flow::names::UnknownName;
use crate::flow::refresh::RefreshError;
use crate::store::StoreError;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::any::Any;

/// A problem and what the caller can do about it.
#[derive(Debug)]
pub struct Problem {
    kind: Kind,
    detail: String,
    findings: Vec<Value>,
}

/// What kind of problem: its stable name, status and title.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An address with bytes that are no text.
    InvalidAddress,
    /// A parameter of a standard interface that is unknown or has a wrong value.
    InvalidQuery,
    /// The body is no JSON object.
    InvalidBody,
    /// A field that the service does not know.
    UnknownField,
    /// A field or parameter with a wrong value.
    InvalidParameter,
    /// An area that cannot be searched.
    InvalidArea,
    /// A filter that cannot be read.
    InvalidFilter,
    /// Nothing there.
    NotFound,
    /// The wrong method.
    MethodNotAllowed,
    /// The body is too large.
    BodyTooLarge,
    /// The body is not said to be JSON.
    UnsupportedMediaType,
    /// A name that is not this machine's own.
    ForeignHost,
    /// Not ready to answer.
    NotReady,
    /// More was found than the form of the answer holds.
    TooMany,
    /// The map does not show what was asked for yet.
    Behind,
    /// Too many ask for much at once.
    Busy,
    /// It took too long.
    Timeout,
    /// Our fault.
    Internal,
}

impl Kind {
    fn facts(self) -> (&'static str, StatusCode, &'static str) {
        match self {
            Self::InvalidAddress => ("invalid-address", StatusCode::BAD_REQUEST, "The address is not text"),
            Self::InvalidQuery => {
                ("invalid-query", StatusCode::BAD_REQUEST, "A parameter is unknown or has a wrong value")
            }
            Self::InvalidBody => ("invalid-body", StatusCode::BAD_REQUEST, "The body is not a JSON object"),
            Self::UnknownField => ("unknown-field", StatusCode::UNPROCESSABLE_ENTITY, "A field is unknown"),
            Self::InvalidParameter => {
                ("invalid-parameter", StatusCode::UNPROCESSABLE_ENTITY, "A field has a wrong value")
            }
            Self::InvalidArea => ("invalid-area", StatusCode::UNPROCESSABLE_ENTITY, "The area cannot be searched"),
            Self::InvalidFilter => ("invalid-filter", StatusCode::UNPROCESSABLE_ENTITY, "The filter cannot be read"),
            Self::NotFound => ("not-found", StatusCode::NOT_FOUND, "There is nothing here"),
            Self::MethodNotAllowed => {
                ("method-not-allowed", StatusCode::METHOD_NOT_ALLOWED, "The method does not fit the address")
            }
            Self::BodyTooLarge => ("body-too-large", StatusCode::PAYLOAD_TOO_LARGE, "The body is too large"),
            Self::UnsupportedMediaType => {
                ("unsupported-media-type", StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body must be JSON")
            }
            Self::ForeignHost => ("foreign-host", StatusCode::MISDIRECTED_REQUEST, "This is not that host"),
            Self::NotReady => ("not-ready", StatusCode::SERVICE_UNAVAILABLE, "The service is not ready"),
            Self::TooMany => ("too-many", StatusCode::UNPROCESSABLE_ENTITY, "More was found than a file holds"),
            Self::Behind => ("behind", StatusCode::SERVICE_UNAVAILABLE, "The map is behind"),
            Self::Busy => ("busy", StatusCode::SERVICE_UNAVAILABLE, "The service is busy"),
            Self::Timeout => ("timeout", StatusCode::SERVICE_UNAVAILABLE, "The answer took too long"),
            Self::Internal => ("internal", StatusCode::INTERNAL_SERVER_ERROR, "The service failed"),
        }
    }
}

impl Problem {
    /// A problem of that kind.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), findings: Vec::new() }
    }

    /// The same with one more finding: a stable code, the field at fault, and the facts.
    pub fn with(mut self, code: &str, field: &str, mut facts: Value) -> Self {
        facts["code"] = code.into();
        facts["field"] = field.into();
        self.findings.push(facts);
        self
    }

    /// Nothing at that address.
    pub fn not_found(what: impl Into<String>) -> Self {
        Self::new(Kind::NotFound, what)
    }

    /// A fault of ours: the log has the cause, the caller only that it happened.
    pub fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        Self::failed(Kind::Internal, error, "the service could not answer; its log says why")
    }

    /// The register could not be asked: away for now, or a fault of ours.
    pub fn of_store(error: &StoreError) -> Self {
        if error.is_outage() {
            return Self::failed(Kind::NotReady, error, "the database does not answer; try again in a moment");
        }
        Self::internal(error)
    }

    /// A name in a question that the register does not have.
    pub fn of_name(field: &str, unknown: &UnknownName) -> Self {
        let expected = unknown.known.join(", ");
        Self::new(Kind::InvalidParameter, unknown.to_string()).with(
            "unknown-name",
            field,
            json!({ "expected": expected }),
        )
    }

    /// A moment of the register that could not be read.
    pub fn of_refresh(error: &RefreshError) -> Self {
        match error {
            RefreshError::Store(error) => Self::of_store(error),
            other => Self::internal(other),
        }
    }

    fn failed(kind: Kind, error: &(dyn std::error::Error + 'static), detail: &str) -> Self {
        let mut chain = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            chain.push_str(": ");
            chain.push_str(&cause.to_string());
            source = cause.source();
        }
        tracing::error!(error = chain, "an answer failed");
        Self::new(kind, detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (name, status, title) = self.kind.facts();
        let body = json!({
            "type": format!("/problems/{name}"),
            "title": title,
            "status": status.as_u16(),
            "detail": self.detail,
            "findings": self.findings,
        });
        let mut response = (status, body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
        }
        response
    }
}

/// The answer to a wrong method; the router adds which ones are right.
pub async fn method_not_allowed(method: axum::http::Method, uri: axum::http::Uri) -> Problem {
    Problem::new(Kind::MethodNotAllowed, format!("{} does not take {method}; see the Allow header", uri.path()))
}

/// The answer after a panic.
pub fn after_panic(cause: Box<dyn Any + Send>) -> Response<Body> {
    let text = cause.downcast_ref::<&str>().copied().or_else(|| cause.downcast_ref::<String>().map(String::as_str));
    tracing::error!(panic = text.unwrap_or("of unknown cause"), "an answer panicked");
    Problem::new(Kind::Internal, "the service could not answer; its log says why").into_response()
}
