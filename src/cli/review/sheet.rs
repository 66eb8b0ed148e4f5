//! `landcycle review sheet`: the check-up sheet of a parcel as a page to print.

use super::explain::no_result;
use crate::cli::{Context, Failure};
use crate::flow::review::sheet::sheet;
use crate::flow::write_picture;
use std::path::PathBuf;

/// Which result, and where the page goes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The number of the run
    run: i64,
    /// The code of the parcel
    parcel: String,
    /// The file to write; without one the page goes to standard output
    #[arg(long, value_name = "FILE.html")]
    out: Option<PathBuf>,
}

/// Writes the page.
pub(super) async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let Args { run, parcel, out } = args;
    let pool = context.pool().await?;
    let Some(page) = sheet(&pool, run, &parcel).await.map_err(Failure::fault)? else {
        return Err(no_result(context, run, &parcel).await);
    };
    let Some(out) = out else { return context.printer.raw(page.as_bytes()) };
    write_picture(&out, &page).map_err(Failure::refused)?;
    let told = serde_json::json!({ "run": run, "parcel": parcel, "file": out });
    context.printer.result(&told, |_| format!("the check-up sheet of {parcel} is in {}", out.display()))
}
