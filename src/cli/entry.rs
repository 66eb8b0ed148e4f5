//! `landcycle entry`: whether a new project may enter the land that it asks for.

use super::printer::{pairs, table};
use super::{Context, Failure, paper, parse_code, parse_day};
use crate::domain::entry::Project;
use crate::domain::quantity::WanYuanPerMu;
use crate::domain::zoning::Tier;
use crate::flow::entry::{EntryError, enter};
use crate::flow::paper::of_entry;
use crate::http::entry::{Document, document};
use chrono::NaiveDate;
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
    /// Hold a project against tier, leading industries and the average of its peers
    Check {
        /// The parcel that it asks for
        #[arg(long, value_name = "CODE", value_parser = parse_code)]
        parcel: String,
        /// Its industry, two to four digits of GB/T 4754, e.g. C3973
        #[arg(long, value_name = "CLASS")]
        industry: String,
        /// Tax it promises a year, 万元/亩
        #[arg(long, value_name = "NUMBER")]
        tax_per_mu: Option<f64>,
        /// Output it promises a year, 万元/亩
        #[arg(long, value_name = "NUMBER")]
        output_per_mu: Option<f64>,
        /// Fixed assets it promises in all, 万元/亩
        #[arg(long, value_name = "NUMBER")]
        investment_per_mu: Option<f64>,
        /// By the law, the plan and the published review of this day [default: today]
        #[arg(long, value_name = "DATE", value_parser = parse_day)]
        on: Option<NaiveDate>,
        /// Write the answer into this file too: .geojson with the land, or .xlsx to print
        #[arg(long, value_name = "FILE", value_parser = paper::parse)]
        out: Option<PathBuf>,
    },
}

/// Runs the command.
pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let Verb::Check { parcel, industry, tax_per_mu, output_per_mu, investment_per_mu, on, out } = args.verb;
    let project = Project {
        industry,
        tax: tax_per_mu.map(WanYuanPerMu),
        output: output_per_mu.map(WanYuanPerMu),
        investment: investment_per_mu.map(WanYuanPerMu),
    };
    let day = on.unwrap_or_else(|| context.clock.today());
    let pool = context.pool().await?;
    let answer = enter(&pool, &parcel, project, day).await.map_err(|error: EntryError| {
        if error.is_refusal() { Failure::refused(error) } else { Failure::fault(error) }
    })?;
    paper::write(context, || of_entry(&answer), out).await?;
    context.printer.result(&document(&answer), people)
}

fn people(it: &Document) -> String {
    let park = it.facts.park.as_ref().map_or_else(
        || "outside all parks".to_owned(),
        |park| {
            let leads = park.leading_industries.join(", ");
            let leads = if leads.is_empty() { "has named none" } else { leads.as_str() };
            format!("{} {}; leads with: {leads}", park.code, park.name.as_deref().unwrap_or_default())
        },
    );
    let review = it.facts.review.as_ref().map_or_else(
        || "none is published".to_owned(),
        |it| {
            format!(
                "run {} as of {}, published by {}; peers: division {}",
                it.run, it.as_of, it.published_by, it.division
            )
        },
    );
    let lock = it.findings.iter().find_map(|one| one.lock.as_ref());
    let locks = lock.map_or_else(String::new, |one| {
        format!("{} ({}, since {}): {}; {}", one.rule, one.version, one.effective_from, one.title.zh, one.title.en)
    });
    let remedy = lock.and_then(|one| one.remedy.as_ref());
    let remedy = remedy.map_or_else(|| "none is needed".to_owned(), |words| format!("{}; {}", words.zh, words.en));
    let mut text = pairs(&[
        ("parcel", it.parcel.clone()),
        ("industry", it.industry.clone()),
        ("verdict", it.verdict.to_owned()),
        (
            "tier",
            it.facts
                .tier
                .map_or("not on record".to_owned(), |tier: Tier| format!("{} ({})", tier.chinese(), tier.name())),
        ),
        ("two locks", locks),
        ("remedy", remedy),
        ("park", park),
        ("review", review),
    ]);
    let figure = |figure: Option<f64>| figure.map_or(String::new(), |figure| format!("{figure:.2}"));
    let rows: Vec<[String; 7]> = it
        .findings
        .iter()
        .map(|one| {
            [
                one.rule.name().to_owned(),
                one.verdict.to_owned(),
                one.words.map_or(String::new(), |words| words.join("; ")),
                figure(one.promised_wan_yuan_per_mu),
                figure(one.peer_mean_wan_yuan_per_mu),
                one.peers.map_or(String::new(), |peers| peers.to_string()),
                one.citation.clone(),
            ]
        })
        .collect();
    text.push('\n');
    text.push_str(&table(["rule", "verdict", "why", "promised 万元/亩", "peer mean", "peers", "citation"], &rows));
    text
}
