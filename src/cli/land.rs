//! `landcycle land`: how much industrial land there is, year by year, and how that stands to what plans ask for.

use super::printer::{pairs, table};
use super::{Context, Failure};
use crate::domain::land_account::By;
use crate::flow::land_account::{LandError, account, write};
use crate::http::land_account::{Document, OfYear, document};
use chrono::Datelike as _;
use clap::Subcommand;
use std::path::PathBuf;

/// What to do.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Industrial land at the end of each year as law was then, against published figures of the same series
    Account {
        /// The end of this year; may be given several times [default: today]
        #[arg(long, value_name = "YEAR", conflicts_with = "since")]
        year: Vec<i32>,
        /// The end of each year from this one on, and today
        #[arg(long, value_name = "YEAR")]
        since: Option<i32>,
        /// By what it is summed: tier, use or district
        #[arg(long, value_parser = parse_by, default_value = "tier")]
        by: By,
        /// Write the groups to a file too: .xlsx, .csv or .geojson
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

fn parse_by(word: &str) -> Result<By, String> {
    By::parse(word).ok_or_else(|| format!("expected one of {}", By::ALL.map(By::name).join(", ")))
}

fn failure(error: LandError) -> Failure {
    if error.is_refusal() { Failure::refused(error) } else { Failure::fault(error) }
}

/// Runs the command.
pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let Verb::Account { year, since, by, out } = args.verb;
    let today = context.clock.today();
    let years = since.map_or(year, |since| (since..=today.year().max(since)).collect());
    let pool = context.pool().await?;
    let found = account(&pool, today, &years, by).await.map_err(failure)?;
    if let Some(path) = out {
        let rows = write(&pool, &found, &path).await.map_err(failure)?;
        context.printer.note(&format!("{}: {rows} rows", path.display()));
    }
    context.printer.result(&document(&found).map_err(Failure::fault)?, people)
}

fn people(it: &Document) -> String {
    let line = |year: &OfYear, code: &str, name: &str, parcels: u64, km2: Option<f64>| {
        [
            year.year.to_string(),
            code.to_owned(),
            name.to_owned(),
            parcels.to_string(),
            km2.map_or("not on record".to_owned(), |km2| format!("{km2:.3}")),
        ]
    };
    let mut rows: Vec<[String; 5]> = Vec::new();
    for year in &it.years {
        for group in &year.groups {
            let name = group.name.as_deref().unwrap_or_default();
            rows.push(line(year, &group.code, name, group.parcels, Some(group.area_km2)));
        }
        rows.push(line(year, "total", &format!("law on {}", year.day), year.parcels, year.area_km2));
    }
    let mut text = table(["year", it.by, "name", "parcels", "km²"], &rows);
    let mut against: Vec<[String; 7]> = Vec::new();
    for year in &it.years {
        for held in &year.held_against {
            let bound = |bound: Option<f64>| bound.map_or(String::new(), |bound| format!("{bound:.0}"));
            let distance = match (held.over_km2 > 0.0, held.under_km2 > 0.0) {
                (true, _) => format!("{:.3} over", held.over_km2),
                (_, true) => format!("{:.3} under", held.under_km2),
                _ => "within".to_owned(),
            };
            against.push([
                year.year.to_string(),
                held.series.to_owned(),
                format!("{:.3}", held.stock_km2),
                held.year.map_or(String::new(), |year| year.to_string()),
                format!("{}–{}", bound(held.low_km2), bound(held.high_km2)),
                distance,
                held.source.clone(),
            ]);
        }
    }
    text.push('\n');
    text.push_str(&table(["year", "series", "stock km²", "figure of", "km²", "stands", "source"], &against));
    text.push('\n');
    let unlike: Vec<String> = it.not_held_against.iter().map(|one| format!("{}: {}", one.series, one.source)).collect();
    text.push_str(&pairs(&[
        ("revision", it.revision.to_string()),
        ("counted", it.counts.clone()),
        ("series", "count unlike land and are never held against one another".to_owned()),
        ("held against nothing", unlike.join("; ")),
    ]));
    text
}
