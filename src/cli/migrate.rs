//! `landcycle migrate`: brings the city's tables up to date, and the rules that the database holds every writer to.

use super::{Context, Failure};

/// No flags of its own.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub async fn run(context: &Context, _args: Args) -> Result<(), Failure> {
    // Every command that opens the register does as much; this one does nothing else.
    context.pool().await?;
    let schema = context.config.schema.as_str();
    context.printer.result(&serde_json::json!({ "schema": schema, "state": "up to date" }), |_| {
        format!("schema {schema} is up to date")
    })
}
