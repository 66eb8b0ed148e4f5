//! What holds for every request before it reaches its handler: whose host it names, how long it may take, which headers
//! an answer bears, and its line in the log; and how many may ask about the whole city at once.

use super::problem::{Kind, Problem};
use axum::extract::Request;
use axum::http::header::{self, HeaderMap, HeaderName};
use axum::http::uri::Authority;
use axum::http::{HeaderValue, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long an answer may take.
const MOST_TIME: Duration = Duration::from_secs(30);

/// How many requests at once may have the register worked through for the whole city. Each holds a connection and some
/// hundred megabytes at a city's size; the other connections stay for what is quick.
const MOST_WHOLE_CITY: usize = 3;

/// Lets in those who ask about the whole city, a few at a time.
#[derive(Debug, Clone)]
pub struct WholeCity(Arc<Semaphore>);

impl WholeCity {
    /// With nobody inside.
    pub fn new() -> Self {
        Self(Arc::new(Semaphore::new(MOST_WHOLE_CITY)))
    }

    /// Comes in until the permit is dropped; refuses at once where all places are taken.
    pub fn enter(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let detail =
            || format!("{MOST_WHOLE_CITY} answers about the whole city are being worked out; try again in a moment");
        Arc::clone(&self.0).try_acquire_owned().map_err(|_| Problem::new(Kind::Busy, detail()))
    }
}

/// How many searches of the map at once: they are reckoning alone, and more than the machine has cores would only make
/// each other slow.
const MOST_SEARCHES: usize = 8;
/// How long a search waits for its turn; most take milliseconds.
const MOST_QUEUE: Duration = Duration::from_secs(2);

/// Lets in those who search the map, so many at a time.
#[derive(Debug, Clone)]
pub struct Searches(Arc<Semaphore>);

impl Searches {
    /// With nobody inside.
    pub fn new() -> Self {
        Self(Arc::new(Semaphore::new(MOST_SEARCHES)))
    }

    /// Comes in until the permit is dropped, after a while where all places are taken; refuses where none becomes free.
    pub async fn enter(&self) -> Result<OwnedSemaphorePermit, Problem> {
        match tokio::time::timeout(MOST_QUEUE, Arc::clone(&self.0).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            // The semaphore is never closed.
            Ok(Err(_)) | Err(_) => {
                let detail = format!("{MOST_SEARCHES} searches are being worked at; try again in a moment");
                Err(Problem::new(Kind::Busy, detail))
            }
        }
    }
}

/// Everything from here only; workers from blobs, as the map makes them; images from data and blobs, as its style and
/// sprites are. Inline style attributes carry no script.
const CONTENT_POLICY: &str = "default-src 'self'; script-src 'self'; worker-src 'self' blob:; child-src 'self' blob:; \
     img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; connect-src 'self'; object-src 'none'; \
     base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// The same for all answers.
const HEADERS: [(HeaderName, &str); 4] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
];

/// Sets the headers of every answer and logs it.
pub async fn headers_and_log(request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut response = next.run(request).await;
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    let status = response.status();
    let micros = begun.elapsed().as_micros() as u64;
    if status.is_server_error() {
        tracing::warn!(%method, path, status = status.as_u16(), micros, "answered {method} {path} with {status}");
    } else {
        tracing::info!(%method, path, status = status.as_u16(), micros, "answered {method} {path} with {status}");
    }
    response
}

/// Refuses requests that name another host. A page elsewhere can give its own name this machine's address and then read
/// what its visitor may read; the name in the request tells.
pub async fn own_host(request: Request, next: Next) -> Response {
    match named_host(request.headers(), request.uri()) {
        Some(host) if is_own(&host) => next.run(request).await,
        host => {
            let named = host.map_or_else(|| "no host".to_owned(), |host| format!("the host {host:?}"));
            let detail = format!("the request names {named}; expected localhost, 127.0.0.1 or [::1]");
            Problem::new(Kind::ForeignHost, detail).into_response()
        }
    }
}

/// Refuses addresses that are no text: bytes which are no UTF-8, and the character that the register keeps in no text, which
/// would fail in the database.
pub async fn in_words(request: Request, next: Next) -> Response {
    let uri = request.uri();
    for (part, text) in [("path", Some(uri.path())), ("query", uri.query())] {
        let Some(fault) = text.and_then(unreadable) else { continue };
        let detail = format!("the {part} of the address has {fault}; expected percent-encoded UTF-8 without U+0000");
        return Problem::new(Kind::InvalidAddress, detail)
            .with("not-text", part, json!({ "expected": "percent-encoded UTF-8 without U+0000" }))
            .into_response();
    }
    next.run(request).await
}

/// What is no text in a part of an address; nothing where all of it is.
fn unreadable(part: &str) -> Option<&'static str> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (mut bytes, mut rest) = (Vec::with_capacity(part.len()), part.as_bytes());
    while let [first, after @ ..] = rest {
        let escaped = match (first, after) {
            (b'%', [high, low, after @ ..]) => {
                digit(*high).zip(digit(*low)).map(|(high, low)| (high * 16 + low, after))
            }
            _ => None,
        };
        let (byte, after) = escaped.unwrap_or((*first, after));
        bytes.push(byte);
        rest = after;
    }
    if bytes.contains(&0) {
        return Some("the character U+0000");
    }
    str::from_utf8(&bytes).is_err().then_some("bytes that are no UTF-8")
}

/// Gives up on answers that take too long.
pub async fn in_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(MOST_TIME, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let detail = format!("the answer was not ready after {} s; ask for less", MOST_TIME.as_secs());
            Problem::new(Kind::Timeout, detail).into_response()
        }
    }
}

fn named_host(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    let mut named = headers.get_all(header::HOST).iter();
    let authority = match (named.next(), named.next()) {
        (Some(host), None) => host.to_str().ok()?.parse::<Authority>().ok()?,
        (None, None) => uri.authority()?.clone(),
        // Two names: whoever reads the other one would be fooled.
        _ => return None,
    };
    Some(authority.host().to_owned())
}

fn is_own(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::{MOST_SEARCHES, Searches, is_own, unreadable};

    #[tokio::test]
    async fn a_search_waits_for_its_turn_and_is_refused_when_none_comes() {
        let searches = Searches::new();
        let mut inside = Vec::new();
        for _ in 0..MOST_SEARCHES {
            inside.push(searches.enter().await.unwrap());
        }
        let leaves = async {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            drop(inside.pop());
        };
        let (came, ()) = tokio::join!(searches.enter(), leaves);
        let came = came.unwrap();
        assert!(searches.enter().await.is_err());
        drop(came);
        assert!(searches.enter().await.is_ok());
    }

    #[test]
    fn an_address_is_text_without_the_character_that_ends_strings() {
        for good in ["", "/a", "q=%E4%B8%AD+a%25", "q=100%", "q=%zz%4", "q=%2500"] {
            assert_eq!(unreadable(good), None, "{good}");
        }
        for bad in ["q=%00", "%FF", "q=%E4%B8", "q=a%00b", "q=%c0%80"] {
            assert!(unreadable(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn only_this_machine_s_names_are_its_own() {
        for own in ["localhost", "LOCALHOST", "127.0.0.1", "[::1]", "127.0.0.2"] {
            assert!(is_own(own), "{own}");
        }
        for foreign in ["example.org", "localhost.example.org", "127.0.0.1.example.org", "10.0.0.1", "[::2]", ""] {
            assert!(!is_own(foreign), "{foreign}");
        }
    }
}
