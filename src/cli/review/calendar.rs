//! `landcycle review due` and `landcycle review accept`: which reviews contracts make due, and those that were done on paper.

use crate::cli::printer::{pairs, table};
use crate::cli::{Context, Failure, parse_day};
use crate::domain::review::calendar::{Kind, Name};
use crate::flow::review::calendar::{self, Accepted, CalendarError, Question, words};
use crate::http::calendar::{Document, Line, MOST_DAYS, document};
use chrono::{Days, NaiveDate};
use serde_json::json;
use std::path::PathBuf;

/// What of the calendar is asked for.
#[derive(Debug, clap::Args)]
pub(super) struct Due {
    /// The day to look from, e.g. 2026-06-30
    #[arg(long, value_name = "DATE", value_parser = parse_day)]
    as_of: NaiveDate,
    /// List also what falls due in so many days
    #[arg(long, value_name = "DAYS", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=i64::from(MOST_DAYS)))]
    within: u32,
    /// Only what this body answers for
    #[arg(long, value_name = "NAME")]
    body: Option<String>,
    /// Only parcels of this district, by its code
    #[arg(long, value_name = "CODE")]
    district: Option<String>,
    /// The scheme that says how many years lie between reviews in use, by name or file [default: default]
    #[arg(long)]
    scheme: Option<String>,
    /// List what cannot be counted, with what is missing, in place of what is due
    #[arg(long)]
    unknown: bool,
    /// Write what is due to a file too: .csv or .xlsx
    #[arg(long, value_name = "FILE", conflicts_with = "unknown")]
    out: Option<PathBuf>,
}

/// A review that was done on paper.
#[derive(Debug, clap::Args)]
pub(super) struct Accept {
    /// The number of the contract
    contract: String,
    /// completion, full_production, process or expiry
    #[arg(value_parser = parse_kind)]
    review: Kind,
    /// The how manieth review in use, 1 the first
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    number: u32,
    /// The paper that says so
    #[arg(long)]
    document: String,
    /// The day on which it was done [default: today]
    #[arg(long, value_name = "DATE", value_parser = parse_day)]
    on: Option<NaiveDate>,
    /// It was not done after all: what was entered was a mistake
    #[arg(long)]
    withdraw: bool,
}

fn parse_kind(word: &str) -> Result<Kind, String> {
    Kind::parse(word).ok_or_else(|| format!("expected one of {}", Kind::ALL.map(Kind::name).join(", ")))
}

fn failure(error: CalendarError) -> Failure {
    match error {
        CalendarError::Format(_) => Failure::Usage(error.to_string()),
        refused if refused.is_refusal() => Failure::refused(refused),
        other => Failure::fault(other),
    }
}

/// Lists what is due.
pub(super) async fn due(context: &Context, args: Due) -> Result<(), Failure> {
    let Due { as_of, within, body, district, scheme, unknown, out } = args;
    let pool = context.pool().await?;
    let question = Question { as_of, within: Days::new(within.into()), body, district, scheme };
    let found = calendar::due(&pool, &question).await.map_err(failure)?;
    if let Some(path) = out {
        let rows = calendar::write(&found, &question, &path).map_err(failure)?;
        context.printer.note(&format!("{}: {rows} rows", path.display()));
    }
    // A list without an end has no entry to begin behind that could be missing.
    let answer = document(&found, &question, unknown, None, usize::MAX);
    match answer {
        Some(answer) => context.printer.result(&answer, people),
        None => Ok(()),
    }
}

fn people(it: &Document) -> String {
    let round = it.round.as_ref().map_or_else(
        || "no rule is in force".to_owned(),
        |round| {
            let stands = match round.answered_by_run {
                Some(run) => format!("answered by run {run}"),
                None => "not judged yet".to_owned(),
            };
            format!("{}, year {} of {}, until {}: {stands}", round.number, round.year, round.years, round.due_on)
        },
    );
    let missing: Vec<String> = it.missing.iter().map(|(what, count)| format!("{what} {count}")).collect();
    let mut said = vec![
        ("as of", format!("{}, and {} days ahead", it.as_of, it.within_days)),
        ("overdue", it.overdue.to_string()),
        ("due", it.due.to_string()),
        ("falling due", it.later.to_string()),
        ("cannot be counted", it.cannot_be_counted.to_string()),
    ];
    if !missing.is_empty() {
        said.push(("for want of", missing.join(", ")));
    }
    said.push(("citywide round", round));
    let mut text = pairs(&said);
    let rows: Vec<[String; 7]> = it.items.iter().map(row).collect();
    text.push('\n');
    text.push_str(&table(["due", "late days", "state", "review", "contract", "parcel", "body"], &rows));
    text
}

fn row(line: &Line) -> [String; 7] {
    let name = Kind::parse(line.review).map(|kind| words(Name { kind, number: line.number }));
    let state = line.missing.as_deref().map_or_else(|| line.state.replace('_', " "), |what| format!("no {what}"));
    [
        line.due_on.map(|day| day.to_string()).unwrap_or_default(),
        line.late_days.to_string(),
        state,
        name.unwrap_or_default().replace('_', " "),
        line.contract.clone(),
        line.parcel.clone(),
        line.body.clone().unwrap_or_default().replace(char::is_control, "\u{fffd}"),
    ]
}

/// Enters that a review was done on paper.
pub(super) async fn accept(context: &Context, args: Accept) -> Result<(), Failure> {
    let Accept { contract, review, number, document, on, withdraw } = args;
    let pool = context.pool().await?;
    let today = context.clock.today();
    let name = Name { kind: review, number };
    let said = Accepted { contract, name, on: on.unwrap_or(today), document, withdraws: withdraw };
    let revision = calendar::accept(&pool, today, &context.actor(), &said).await.map_err(failure)?;
    let told = json!({ "contract": said.contract, "review": review.name(), "number": number, "on": said.on,
        "withdrawn": withdraw, "revision": revision });
    context.printer.result(&told, |_| {
        let became = if withdraw { "is not done after all" } else { "is done" };
        format!("review {} of contract {} {became} in revision {revision}", words(name), said.contract)
    })
}
