//! `landcycle migrate`: brings the city's tables up to date, and the rules that the database holds every writer to.

use super::{Context, Failure};
use crate::flow::lockup as locks;

/// No flags of its own.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub async fn run(context: &Context, _args: Args) -> Result<(), Failure> {
    let pool = context.pool().await?;
    let schema = context.config.schema.as_str();
    // Every command that opens the register does as much, but for rules that were others before.
    locks::migrate(&pool, schema, &context.actor()).await.map_err(Failure::fault)?;
    context.printer.result(&serde_json::json!({ "schema": schema, "state": "up to date" }), |_| {
        format!("schema {schema} is up to date")
    })
}
