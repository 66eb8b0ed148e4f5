//! Bodies of requests: what calls itself JSON, is no larger than it may be, and reads as what was asked for.

use super::MOST_BODY_BYTES;
use super::problem::{Kind, Problem};
use crate::domain::moment::{EXPECTED_DAY, day, is_legal};
use axum::body::Bytes;
use axum::extract::{FromRequest as _, Request};
use axum::http::{StatusCode, header};
use chrono::NaiveDate;
use serde::de::DeserializeOwned;
use serde_json::json;

/// The body, which must be called JSON: a page elsewhere can send a form here unasked, but not JSON. Bytes that are
/// no text are refused, and texts with the character that the register keeps in none, which would fail in the database.
pub async fn read(request: Request) -> Result<Bytes, Problem> {
    let said = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let bare = said.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    if bare != "application/json" && bare != "application/geo+json" {
        let detail = format!("the content type is {said:?}, expected application/json");
        return Err(Problem::new(Kind::UnsupportedMediaType, detail));
    }
    let body = Bytes::from_request(request, &()).await.map_err(|refusal| {
        if refusal.status() == StatusCode::PAYLOAD_TOO_LARGE {
            Problem::new(Kind::BodyTooLarge, format!("expected a body of at most {MOST_BODY_BYTES} bytes"))
        } else {
            Problem::new(Kind::InvalidBody, "the body broke off before its end")
        }
    })?;
    let wrong = |what: &str| Err(Problem::new(Kind::InvalidBody, format!("{what}; expected UTF-8 without U+0000")));
    if str::from_utf8(&body).is_err() {
        return wrong("the body has bytes that are no UTF-8");
    }
    if has_nul(&body) {
        return wrong("a text in the body has the character U+0000");
    }
    Ok(body)
}

/// Whether a text of a JSON document has the character U+0000, which JSON writes as an escape only.
fn has_nul(body: &[u8]) -> bool {
    let mut rest = body;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        if rest[at + 1..].starts_with(b"u0000") {
            return true;
        }
        // What follows a backslash belongs to it, another backslash too.
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    false
}

/// The body as a question of known fields; a question with others is refused with the name at fault.
pub async fn question<T: DeserializeOwned>(request: Request) -> Result<T, Problem> {
    let body = read(request).await?;
    serde_json::from_slice(&body).map_err(|error| {
        let kind = if error.is_data() { Kind::InvalidParameter } else { Kind::InvalidBody };
        Problem::new(kind, format!("the body cannot be read as a JSON object of what is asked: {error}"))
    })
}

/// A day whose law the register can speak of; today where none is said.
pub fn legal_day(field: &str, said: Option<NaiveDate>, today: NaiveDate) -> Result<NaiveDate, Problem> {
    let day = said.unwrap_or(today);
    if is_legal(day) {
        return Ok(day);
    }
    Err(no_day(field, &day.to_string()))
}

/// The same of a word.
pub fn legal_day_of(field: &str, said: Option<&str>, today: NaiveDate) -> Result<NaiveDate, Problem> {
    said.map_or(Ok(today), |word| day(word).ok_or_else(|| no_day(field, word)))
}

fn no_day(field: &str, word: &str) -> Problem {
    Problem::new(Kind::InvalidParameter, format!("{field} is {word}, expected {EXPECTED_DAY}")).with(
        "wrong-value",
        field,
        json!({ "expected": EXPECTED_DAY }),
    )
}

#[cfg(test)]
mod tests {
    use super::has_nul;

    #[test]
    fn the_character_that_ends_strings_is_found_and_a_backslash_before_its_letters_is_not_it() {
        for bad in [r#"{"a":"\u0000"}"#, r#"{"a":"\\\u0000"}"#, r#"["x\n\u0000y"]"#] {
            assert!(has_nul(bad.as_bytes()), "{bad}");
        }
        for good in ["", "\\", r#"{"a":"\\u0000"}"#, r#"{"a":"u0000"}"#, r#"{"a":"\u0001"}"#] {
            assert!(!has_nul(good.as_bytes()), "{good}");
        }
    }
}
