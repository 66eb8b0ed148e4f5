//! `landcycle check`: what stands in the register that can't be right, in a table, as JSON, or as a file to open on a map.

use super::printer::table;
use super::{Context, Failure, blocking};
use crate::flow::Format;
use crate::flow::check::{self, CHECKS, CheckError, Report};
use std::path::PathBuf;

/// How many findings a table lists.
const LISTED: usize = 20;

/// What to check.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only these checks, by code
    #[arg(long, value_name = "CODE,…", value_delimiter = ',')]
    only: Vec<String>,
    /// Write every finding here: .csv, .xlsx, .gpkg, .geojson or .shp, by the ending
    #[arg(long, value_name = "FILE", value_parser = parse_report)]
    fix_report: Option<(PathBuf, Format)>,
    /// List the checks and make none
    #[arg(long)]
    list: bool,
}

fn parse_report(path: &str) -> Result<(PathBuf, Format), String> {
    let path = PathBuf::from(path);
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
    match Format::parse(&ending) {
        // An indexed FlatGeobuf holds no row without a shape.
        Some(format) if format != Format::FlatGeobuf => Ok((path, format)),
        _ => Err("expected a file that ends in .csv, .xlsx, .gpkg, .geojson or .shp".to_owned()),
    }
}

/// Runs the command.
pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    if args.list {
        let listed: Vec<[&str; 4]> =
            CHECKS.iter().map(|one| [one.code, one.weight.name(), one.title[0], one.title[1]]).collect();
        return context.printer.result(&listed, |rows| {
            let rows: Vec<[String; 4]> = rows.iter().map(|row| row.map(str::to_owned)).collect();
            table(["check", "severity", "查什么", "what it looks for"], &rows)
        });
    }
    if let Some((path, _)) = &args.fix_report
        && path.is_dir()
    {
        return Err(Failure::Usage(format!("--fix-report {} is a directory; expected a file", path.display())));
    }
    let pool = context.pool().await?;
    let bar = context.printer.progress("check", 0);
    bar.enable_steady_tick(std::time::Duration::from_millis(200));
    let ended = check::run(&pool, context.clock, &args.only, |code| bar.set_message(format!("check: {code}"))).await;
    bar.finish_and_clear();
    let report = ended.map_err(|error| match error {
        CheckError::Unknown { .. } => Failure::Usage(error.to_string()),
        other => Failure::fault(other),
    })?;
    let report = match args.fix_report {
        None => report,
        Some((path, format)) => {
            let written = blocking(move || check::write_report(&report, &path, format).map(|_| report)).await?;
            written.map_err(Failure::fault)?
        }
    };
    context.printer.result(&report, people)?;
    match report.errors {
        0 => Ok(()),
        1 => Err(Failure::Refused("1 error was found in the register".to_owned())),
        errors => Err(Failure::Refused(format!("{errors} errors were found in the register"))),
    }
}

fn people(report: &Report) -> String {
    let counts: Vec<[String; 4]> = report
        .checks
        .iter()
        .map(|one| {
            [one.findings.to_string(), one.severity.name().to_owned(), one.code.to_owned(), one.title[1].to_owned()]
        })
        .collect();
    let mut text = format!("revision {}, law of {}\n\n", report.revision, report.day);
    text.push_str(&table(["found", "severity", "check", "what it looks for"], &counts));
    // Facts come last: who looks for faults sees them first.
    let mut findings: Vec<_> = report.findings.iter().collect();
    findings.sort_by_key(|finding| finding.severity);
    let rows: Vec<[String; 5]> = findings
        .iter()
        .take(LISTED)
        .map(|one| {
            let figure = one.figure.map(|figure| format!("{figure:.3} {}", one.unit)).unwrap_or_default();
            let place = one.lon.zip(one.lat).map(|(lon, lat)| format!("{lon:.6} {lat:.6}")).unwrap_or_default();
            [one.code.to_owned(), one.key.clone(), one.other.clone().unwrap_or_default(), figure, place]
        })
        .collect();
    if !rows.is_empty() {
        text.push('\n');
        text.push_str(&table(["check", "key", "other", "figure", "place"], &rows));
    }
    let more = findings.len().saturating_sub(LISTED);
    if more > 0 {
        text.push_str(&format!("and {more} more; --fix-report writes them all\n"));
    }
    text
}
