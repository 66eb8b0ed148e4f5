//! `landcycle export`: parts of the register as files that a bureau opens, and that can be imported again.

use super::printer::pairs;
use super::{Context, Failure, words};
use crate::domain::dictionary::What;
use crate::domain::moment::Moment;
use crate::flow::Format;
use crate::flow::export::{ExportError, Order, Receipt, export};
use std::path::PathBuf;

/// What to export.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What
    #[arg(value_parser = words(What::ALL.map(What::name), What::parse))]
    what: What,
    /// In which format: gpkg, geojson, fgb, shp, csv, xlsx
    #[arg(long, value_parser = parse_format)]
    format: Format,
    /// Into which file; it ends in the format's name, and a file of that name is replaced
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Which rows, as CQL2 text over the columns, e.g. "tier = 'fragmented' AND area_mu > 20"
    #[arg(long, value_name = "CQL2")]
    filter: Option<String>,
    /// Of which review run [default: the newest]
    #[arg(long, value_name = "NUMBER")]
    run: Option<i64>,
    /// In which coordinate system, e.g. EPSG:4549 [default: EPSG:4490]
    #[arg(long, value_name = "EPSG:n")]
    crs: Option<String>,
    /// What was law on this day, e.g. 2025-01-01 [default: today]
    #[arg(long, value_name = "DATE")]
    valid_at: Option<String>,
    /// What the register believed at this time, or at the end of this day [default: now]
    #[arg(long, value_name = "TIME")]
    known_at: Option<String>,
}

fn parse_format(word: &str) -> Result<Format, String> {
    Format::parse(word).ok_or_else(|| format!("expected one of {}", Format::WORDS.map(|(word, _)| word).join(", ")))
}

/// Runs the command.
pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let Args { what, format, out, filter, run, crs, .. } = args;
    let (valid_at, known_at) = (args.valid_at.as_deref(), args.known_at.as_deref());
    let asked = Moment::parse(valid_at, known_at, context.clock.today(), context.clock.now())
        .map_err(|error| Failure::Usage(error.to_string()))?;
    let (valid_at, known_at) = (valid_at.map(|_| asked.valid_at), asked.known_at);
    let order = Order { what, format, out, filter, run, crs, valid_at, known_at };
    let pool = context.pool().await?;
    let bar = context.printer.progress(what.name(), 0);
    let ended = export(&pool, context.clock, &order, |rows| bar.set_position(rows)).await;
    bar.finish_and_clear();
    let receipt = ended.map_err(failure)?;
    for note in &receipt.notes {
        context.printer.note(note);
    }
    context.printer.result(&receipt, people)
}

fn failure(error: ExportError) -> Failure {
    if error.is_usage() {
        return Failure::Usage(error.to_string());
    }
    if error.is_refusal() { Failure::refused(error) } else { Failure::fault(error) }
}

fn people(receipt: &Receipt) -> String {
    let mut text = pairs(&[
        ("what", receipt.what.to_owned()),
        ("file", receipt.file.display().to_string()),
        ("rows", receipt.rows.to_string()),
        ("crs", receipt.crs.clone().unwrap_or_else(|| "none: no shapes".to_owned())),
        ("revision", receipt.revision.to_string()),
        ("sha256", receipt.sha256.clone()),
    ]);
    if !receipt.names_in_file.is_empty() {
        let names: Vec<String> =
            receipt.names_in_file.iter().map(|(name, in_file)| format!("{in_file} = {name}")).collect();
        text.push_str(&format!("a Shapefile has ten bytes for a name: {}\n", names.join(", ")));
    }
    text
}
