//! `landcycle plot-ratio`: whether a parcel's plot ratio may rise, and what districts set about it.

use super::printer::{pairs, table};
use super::{Context, Failure, parse_code, parse_day};
use crate::domain::plot_ratio::rise::SameArea;
use crate::domain::quantity::PlotRatio;
use crate::flow::plot_ratio::rise::{RiseError, procedures, rise, set_procedure};
use crate::http::plot_ratio::rise::{Document, document};
use chrono::NaiveDate;
use clap::{Subcommand, ValueEnum};
use serde_json::json;

/// What to do.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum YesNo {
    /// The district has one
    Yes,
    /// It has none
    No,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Whether the plot ratio of a parcel may rise: the verdict, the rule, what it takes
    May {
        /// The parcel
        #[arg(long, value_name = "CODE", value_parser = parse_code)]
        parcel: String,
        /// To which plot ratio, e.g. 2.5
        #[arg(long, value_name = "RATIO")]
        to: f64,
        /// By the law of this day [default: today]
        #[arg(long, value_name = "DATE", value_parser = parse_day)]
        on: Option<NaiveDate>,
    },
    /// Record whether a district lets existing plots rise through a simplified procedure
    Procedure {
        /// Six digits of the district
        #[arg(long, value_name = "CODE")]
        district: String,
        /// Whether it has one
        #[arg(long, value_enum)]
        simplified: YesNo,
        /// The first day
        #[arg(long, value_name = "DATE", value_parser = parse_day)]
        from: NaiveDate,
        /// The first day after the last [default: until further notice]
        #[arg(long, value_name = "DATE", value_parser = parse_day)]
        to: Option<NaiveDate>,
        /// The document that says so
        #[arg(long)]
        document: String,
    },
    /// What districts have set, each by its document
    Procedures {
        /// Only this district
        #[arg(long, value_name = "CODE")]
        district: Option<String>,
    },
}

fn failure(error: RiseError) -> Failure {
    if error.is_refusal() { Failure::refused(error) } else { Failure::fault(error) }
}

/// Runs the command.
pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let pool = context.pool().await?;
    match args.verb {
        Verb::May { parcel, to, on } => {
            let day = on.unwrap_or_else(|| context.clock.today());
            let answer = rise(&pool, &parcel, PlotRatio(to), day).await.map_err(failure)?;
            context.printer.result(&document(answer), people)
        }
        Verb::Procedure { district, simplified, from, to, document } => {
            let is_open = matches!(simplified, YesNo::Yes);
            let revision = set_procedure(&pool, &context.actor(), &district, is_open, from, to, &document)
                .await
                .map_err(failure)?;
            let told =
                json!({ "district": district, "is_open": is_open, "from": from, "to": to, "revision": revision });
            context.printer.result(&told, |_| match revision {
                Some(revision) => format!("recorded in revision {revision}"),
                None => "the register says so already".to_owned(),
            })
        }
        Verb::Procedures { district } => {
            let (_, found) = procedures(&pool, district.as_deref()).await.map_err(failure)?;
            context.printer.result(&found, |found| {
                let day = |day: Option<NaiveDate>| day.map_or_else(String::new, |day| day.to_string());
                let rows: Vec<[String; 5]> = found
                    .iter()
                    .map(|one| {
                        let word = if one.is_open { "yes" } else { "no" };
                        [one.district.clone(), word.into(), day(one.from), day(one.to), one.document.clone()]
                    })
                    .collect();
                table(["district", "simplified procedure", "from", "to", "document"], &rows)
            })
        }
    }
}

fn people(it: &Document) -> String {
    let ratio = |ratio: Option<PlotRatio>| ratio.map_or("not on record".to_owned(), |it| format!("{:.2}", it.value()));
    let facts = &it.facts;
    let area = match &facts.same_area {
        SameArea::PlanUnit { code, name } => format!("of the planning unit {code} {name}"),
        SameArea::Distance { within_m } => format!("within {within_m:.0} m"),
    };
    let mut text = pairs(&[
        ("parcel", format!("{} ({})", it.parcel, facts.land_use)),
        ("asked for", format!("{:.2} on {}", it.to, it.day)),
        ("verdict", it.verdict.name().to_owned()),
        ("rule", format!("{} ({}): {}; {}", it.rule.code(), it.version, it.words[0], it.words[1])),
        ("citation", it.citation.clone()),
        (
            "cap today",
            format!(
                "{} (contract {}, plan {}; binding: {})",
                ratio(facts.cap.ratio),
                ratio(facts.cap.contract),
                ratio(facts.cap.plan),
                facts.cap.binding.name()
            ),
        ),
        ("reference of the class", ratio(facts.reference.as_ref().map(|reference| reference.ratio))),
        (
            "reference by neighbours",
            format!(
                "{} ({} office and commercial plots {area})",
                ratio(facts.neighbour_reference.map(PlotRatio)),
                facts.neighbours.len()
            ),
        ),
    ]);
    for required in &it.requirements {
        text.push_str(&format!("takes: {}; {}\n", required.words[0], required.words[1]));
    }
    if !facts.neighbours.is_empty() {
        let rows: Vec<[String; 4]> = facts
            .neighbours
            .iter()
            .map(|one| {
                let (allowed, distance) = (one.allowed.value(), one.distance_m);
                [one.parcel.clone(), one.land_use.clone(), format!("{allowed:.2}"), format!("{distance:.1}")]
            })
            .collect();
        text.push('\n');
        text.push_str(&table(["neighbour", "use", "allowed", "distance m"], &rows));
    }
    text
}
