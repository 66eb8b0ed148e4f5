//! Whether the service runs, and whether it can answer.

use super::App;
use super::answer::typed;
use super::problem::{Kind, Problem};
use crate::store;
use axum::extract::State;
use axum::response::Response;
use serde_json::json;
use std::time::Duration;

/// How long the database may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(1);

/// The process runs.
pub async fn up() -> &'static str {
    "up\n"
}

/// The map is loaded and the database answers.
pub async fn ready(State(app): State<App>) -> Result<Response, Problem> {
    let mut problem = Problem::new(Kind::NotReady, "the service cannot answer yet; the findings say what is missing");
    let mut missing = false;
    if !app.atlas.is_loaded() {
        missing = true;
        problem = problem.with("atlas-not-loaded", "atlas", json!({"expected": "a loaded city"}));
    }
    let answered = tokio::time::timeout(PATIENCE, store::ping(&app.pool)).await;
    if !matches!(answered, Ok(Ok(()))) {
        missing = true;
        problem = problem.with("database-silent", "database", json!({"expected": "an answer within 1 s"}));
    }
    if missing {
        return Err(problem);
    }
    let body = json!({"ready": true, "revision": app.atlas.current().revision()});
    Ok(typed("application/json", body.to_string()))
}
