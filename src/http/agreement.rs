//! What a caller knows to be written must be in the answer: whoever names a revision waits until the map shows it.

use super::App;
use super::problem::{Kind, Problem};
use crate::atlas::Atlas;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;

/// The header that names the revision that an answer must show at least.
const LEAST: HeaderName = HeaderName::from_static("landcycle-min-revision");
/// How long the map is waited for; it follows a write within a fraction of that.
const MOST_WAIT: Duration = Duration::from_secs(2);
/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// Waits until the map shows a revision or a later one; a problem where it does not in time.
pub async fn reached(atlas: &Atlas, revision: i64) -> Result<(), Problem> {
    let until = Instant::now() + MOST_WAIT;
    loop {
        let shown = atlas.current().revision();
        if shown >= revision {
            return Ok(());
        }
        if Instant::now() >= until {
            let detail = format!(
                "the map shows revision {shown} and not yet {revision}, after {} s; try again in a moment",
                MOST_WAIT.as_secs()
            );
            return Err(Problem::new(Kind::Behind, detail).with(
                "behind",
                "min_revision",
                json!({"shown": shown, "asked": revision}),
            ));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Waits for the revision that the header names, before anything is answered.
pub async fn as_asked(State(app): State<App>, request: Request, next: Next) -> Response {
    let waited = match named(request.headers()) {
        Ok(None) => Ok(()),
        Ok(Some(revision)) => reached(&app.atlas, revision).await,
        Err(problem) => Err(problem),
    };
    match waited {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn named(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let Some(value) = headers.get(LEAST) else { return Ok(None) };
    let number = value.to_str().ok().and_then(|text| text.parse().ok());
    number.map(Some).ok_or_else(|| {
        let expected = "the number of a revision";
        Problem::new(Kind::InvalidParameter, format!("the header {LEAST} is {value:?}; expected {expected}")).with(
            "wrong-value",
            LEAST.as_str(),
            json!({"expected": expected}),
        )
    })
}
