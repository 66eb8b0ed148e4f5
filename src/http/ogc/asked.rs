//! How something is asked for: parameters, each once and each known, the form of the answer, and the address that links
//! begin with.

use super::HTML;
use crate::http::answer::of_text;
use crate::http::problem::{Kind, Problem};
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::Response;
use serde_json::{Value, json};

/// What was asked.
#[derive(Debug)]
pub struct Asked<'a> {
    base: String,
    path: &'a str,
    pairs: Vec<(String, String)>,
    left: Vec<usize>,
    /// Whether a page for people is wanted.
    pub html: bool,
    /// The headers.
    pub headers: &'a HeaderMap,
}

/// A parameter that is unknown or has a wrong value.
pub fn wrong(field: &str, detail: String, expected: &str) -> Problem {
    Problem::new(Kind::InvalidQuery, detail).with("wrong-value", field, json!({ "expected": expected }))
}

impl<'a> Asked<'a> {
    /// Reads an address; a parameter that comes twice is refused.
    pub fn of(uri: &'a Uri, headers: &'a HeaderMap) -> Result<Self, Problem> {
        // Whom the request names was looked at before.
        let named = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let host = named.or(uri.authority().map(|authority| authority.as_str())).unwrap_or("localhost");
        let pairs: Vec<(String, String)> =
            form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
        for (place, (name, _)) in pairs.iter().enumerate() {
            if pairs[..place].iter().any(|(before, _)| before == name) {
                return Err(wrong(name, format!("the parameter {name:?} comes twice"), "each parameter once"));
            }
        }
        let left = (0..pairs.len()).collect();
        let mut asked = Self { base: format!("http://{host}"), path: uri.path(), pairs, left, html: false, headers };
        asked.html = match asked.take("f").as_deref() {
            Some("json") => false,
            Some("html") => true,
            Some(other) => return Err(wrong("f", format!("f is {other:?}, expected json or html"), "json, html")),
            None => prefers_html(headers),
        };
        Ok(asked)
    }

    /// The value of a parameter, which is known from now on.
    pub fn take(&mut self, name: &str) -> Option<String> {
        let at = self.left.iter().position(|place| self.pairs[*place].0 == name)?;
        Some(self.pairs[self.left.remove(at)].1.clone())
    }

    /// Refuses what was not taken.
    pub fn knows_no_more(&self, expected: &str) -> Result<(), Problem> {
        let Some(place) = self.left.first() else { return Ok(()) };
        let detail = format!("the parameter {:?} is unknown; expected {expected}", self.pairs[*place].0);
        Err(wrong("query", detail, expected))
    }

    /// The address of a path of this service.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// This address with some parameters set or, where nothing is given, taken away.
    pub fn with(&self, changes: &[(&str, Option<&str>)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in &self.pairs {
            if !changes.iter().any(|(changed, _)| changed == name) {
                query.append_pair(name, value);
            }
        }
        for (name, value) in changes {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        let query = query.finish();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{}{}{mark}{query}", self.base, self.path)
    }

    /// The links of an answer to itself, in this form and in the other one.
    pub fn own_links(&self, kind: &str) -> Vec<Value> {
        let form = |word| self.with(&[("f", Some(word))]);
        let (json, html) = ((form("json"), kind), (form("html"), "text/html"));
        let (own, other) = if self.html { (html, json) } else { (json, html) };
        vec![
            super::link(own.0, "self", own.1, "本页 · this document"),
            super::link(other.0, "alternate", other.1, "另一格式 · the same in another form"),
        ]
    }

    /// The answer in the form that is wanted.
    pub fn answer(&self, kind: &'static str, body: String, page: impl FnOnce() -> String) -> Response {
        let mut response = match self.html {
            true => of_text(HTML, page(), None, self.headers),
            false => of_text(kind, body, None, self.headers),
        };
        response.headers_mut().append(header::VARY, HeaderValue::from_static("accept"));
        response
    }
}

/// Whether the caller would rather have a page: it names HTML before any JSON.
fn prefers_html(headers: &HeaderMap) -> bool {
    let accepts = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let kinds = accepts.flat_map(|value| value.split(',')).map(|one| one.split(';').next().unwrap_or(one).trim());
    kinds.into_iter().find(|kind| *kind == "text/html" || kind.contains("json") || *kind == "*/*") == Some("text/html")
}
