//! `landcycle review scheme`: what a scheme says, or everything that is wrong with it, before anybody is judged by it.

use crate::cli::printer::table;
use crate::cli::{Context, Failure};
use crate::domain::review::receipt::hash;
use crate::domain::review::scheme::Scheme;
use crate::flow::rules;
use clap::Subcommand;
use serde::Serialize;

/// What to do.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Tell every fault of a scheme, or what it weighs
    Check {
        /// A shipped scheme by name, or a .toml file
        scheme: String,
    },
}

#[derive(Debug, Serialize)]
struct Checked {
    scheme: String,
    title_zh: String,
    title_en: String,
    /// SHA-256 of the text, hex.
    hash: String,
    indicators: Vec<Weight>,
}

#[derive(Debug, Serialize)]
struct Weight {
    part: String,
    indicator: &'static str,
    unit: &'static str,
    weight: f64,
    source: String,
}

/// Runs the command.
pub fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let Verb::Check { scheme: name } = args.verb;
    let text = rules::scheme_text(&name).map_err(Failure::refused)?;
    let faults = Scheme::faults_of(&text);
    if !faults.is_empty() {
        let told = |fault: &crate::domain::review::scheme::SchemeError| {
            std::error::Error::source(fault)
                .map_or_else(|| format!("{name}: {fault}"), |why| format!("{name}: {fault}: {why}"))
        };
        return Err(Failure::Refused(faults.iter().map(told).collect::<Vec<String>>().join("\n")));
    }
    let scheme = Scheme::parse(&text).map_err(Failure::refused)?;
    let weights = scheme.parts.iter().flat_map(|part| {
        part.indicators.iter().map(|one| Weight {
            part: part.name.clone(),
            indicator: one.key.key(),
            unit: one.key.unit(),
            weight: one.weight,
            source: one.source.clone(),
        })
    });
    let checked = Checked {
        scheme: scheme.label(),
        hash: hash(text.as_bytes()),
        indicators: weights.collect(),
        title_zh: scheme.title.zh.clone(),
        title_en: scheme.title.en.clone(),
    };
    context.printer.result(&checked, |one| {
        let rows: Vec<[String; 5]> = one
            .indicators
            .iter()
            .map(|row| {
                let (indicator, unit) = (row.indicator.to_owned(), row.unit.to_owned());
                [row.part.clone(), indicator, unit, row.weight.to_string(), row.source.clone()]
            })
            .collect();
        let titles = format!("{}\n{}\n{}\nhash {}\n\n", one.scheme, one.title_zh, one.title_en, one.hash);
        titles + &table(["part", "indicator", "unit", "weight", "source"], &rows)
    })
}
