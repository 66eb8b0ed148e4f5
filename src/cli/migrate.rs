//! `landcycle migrate`: brings the city's tables up to date.

use super::{Context, Failure};

/// No flags of its own.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub async fn run(context: &Context, _args: Args) -> Result<(), Failure> {
    context.pool().await?;
    let schema = context.config.schema.as_str();
    context.printer.result(&serde_json::json!({ "schema": schema, "state": "up to date" }), |_| {
        format!("schema {schema} is up to date")
    })
}
