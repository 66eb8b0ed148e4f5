//! `landcycle park`: the yearly evaluation of parks, what failing years come to, and the life of featured parks.

mod life;

use super::printer::{pairs, table};
use super::{Context, Failure, blocking, parse_day};
use crate::flow::lists::{self, Written};
use crate::flow::park::explain::explained;
use crate::flow::park::publish::{self, PublishError};
use crate::flow::park::replay::{ReplayedParks, replay};
use crate::flow::park::{self as parks, ParkError, ParkOrder};
use crate::http::park::{OfEvaluation, of_explained, shown};
use crate::store;
use chrono::NaiveDate;
use clap::{Subcommand, ValueEnum};
use serde::Serialize;
use serde_json::json;
use std::path::PathBuf;

/// What to do.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Language {
    /// 中文
    Zh,
    /// English
    En,
    /// Both, the Chinese first
    Both,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Evaluate all parks for a year; keeps a draft and writes its list
    Evaluate {
        /// The year, which is over
        #[arg(long)]
        year: i32,
        /// The day whose law, land and published review it looks at, not before the year's end [default: its last day]
        #[arg(long, value_name = "DATE", value_parser = parse_day)]
        as_of: Option<NaiveDate>,
        /// The scheme: a shipped one by name, or a .toml file
        #[arg(long, default_value = "default")]
        scheme: String,
        /// Where the list goes
        #[arg(long, value_name = "DIR", default_value = "out")]
        out: PathBuf,
    },
    /// List the evaluations
    List,
    /// Show what an evaluation found and what became of it
    Show {
        /// Its number
        evaluation: i64,
    },
    /// Publish an evaluation that another person made, and count its year for every park
    Publish {
        /// Its number
        evaluation: i64,
        /// The announcement
        #[arg(long)]
        document: String,
    },
    /// Give up an evaluation that is not published
    Cancel {
        /// Its number
        evaluation: i64,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Say why a park has its score
    Explain {
        /// The number of the evaluation
        evaluation: i64,
        /// The code of the park
        park: String,
        /// In which language
        #[arg(long = "lang", value_enum, default_value_t = Language::Both)]
        language: Language,
    },
    /// Weigh a kept evaluation again from its own facts and scheme, and compare every receipt byte by byte
    Replay {
        /// Its number
        evaluation: i64,
    },
    /// Where all parks stand, or how one came to stand where it does
    Standing {
        /// The code of a park
        park: Option<String>,
    },
    /// Enter that a park applies to be a featured park
    Apply(life::Entered),
    /// Enter that its application is refused; not by who entered the application
    Refuse(life::Entered),
    /// Enter that it is announced; not by who entered the application. One that was delisted begins anew
    Announce(life::Entered),
    /// Enter that it operates as one
    Operate(life::Entered),
    /// Enter that it is one no more
    Exit(life::Entered),
}

/// Runs the command.
pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    match args.verb {
        Verb::Evaluate { year, as_of, scheme, out } => {
            let evaluated = evaluate(context, &ParkOrder { year, as_of, scheme }, &context.actor(), &out).await?;
            context.printer.result(&evaluated, summary)
        }
        Verb::List => list(context).await,
        Verb::Show { evaluation } => show(context, evaluation).await,
        Verb::Publish { evaluation, document } => published(context, evaluation, &document).await,
        Verb::Cancel { evaluation, reason } => cancel(context, evaluation, &reason).await,
        Verb::Explain { evaluation, park, language } => explain(context, evaluation, &park, language).await,
        Verb::Replay { evaluation } => again(context, evaluation).await,
        Verb::Standing { park: None } => life::standings(context).await,
        Verb::Standing { park: Some(park) } => life::of_park(context, &park).await,
        Verb::Apply(entered) => life::enter(context, life::Act::Apply, entered).await,
        Verb::Refuse(entered) => life::enter(context, life::Act::Refuse, entered).await,
        Verb::Announce(entered) => life::enter(context, life::Act::Announce, entered).await,
        Verb::Operate(entered) => life::enter(context, life::Act::Operate, entered).await,
        Verb::Exit(entered) => life::enter(context, life::Act::Exit, entered).await,
    }
}

fn failure(error: ParkError) -> Failure {
    if error.is_refusal() { Failure::refused(error) } else { Failure::fault(error) }
}

fn unpublished(error: PublishError) -> Failure {
    if error.is_refusal() { Failure::refused(error) } else { Failure::fault(error) }
}

/// What an evaluation came to, for people and scripts.
#[derive(Debug, Serialize)]
pub struct Told {
    evaluation: i64,
    year: i32,
    scheme: String,
    /// Whether the same evaluation was there already.
    repeated: bool,
    parks: usize,
    judged: usize,
    /// Parks that are delisted and not evaluated.
    left_out: Vec<String>,
    /// How many parks have five stars, four, and so on to none; those that can't be judged are in none.
    by_stars: [usize; 6],
    review_run: Option<i64>,
    list: Written,
}

/// Evaluates parks and writes the list into a folder.
pub(super) async fn evaluate(
    context: &Context,
    order: &ParkOrder,
    actor: &str,
    out: &std::path::Path,
) -> Result<Told, Failure> {
    let is_new = lists::prepare(out).map_err(Failure::fault)?;
    let made = evaluate_in(context, order, actor, out).await;
    if made.is_err() && is_new {
        // Removes the folder only while nothing is in it; that it stays otherwise is right.
        let _ = std::fs::remove_dir(out);
    }
    made
}

async fn evaluate_in(
    context: &Context,
    order: &ParkOrder,
    actor: &str,
    out: &std::path::Path,
) -> Result<Told, Failure> {
    let pool = context.pool().await?;
    let done = parks::evaluate(&pool, context.clock, actor, order).await.map_err(failure)?;
    let today = store::snapshot::load_areas(&pool, context.clock.today()).await.map_err(Failure::fault)?;
    let out = out.to_owned();
    let (done, list) = blocking(move || {
        let list = parks::lists::write(done.evaluation, &done.results, &today, &out);
        (done, list)
    })
    .await?;
    let mut by_stars = [0; 6];
    let stars = done.results.iter().filter_map(|(receipt, ..)| receipt.stars);
    stars.for_each(|stars| by_stars[usize::from(5 - stars.min(5))] += 1);
    Ok(Told {
        evaluation: done.evaluation,
        year: order.year,
        scheme: done.scheme.label(),
        repeated: done.repeated,
        parks: done.results.len(),
        judged: by_stars.iter().sum(),
        left_out: done.left_out,
        by_stars,
        review_run: done.results.iter().find_map(|(receipt, ..)| receipt.review_run),
        list: list.map_err(Failure::fault)?,
    })
}

/// What an evaluation came to, in words.
pub(super) fn summary(told: &Told) -> String {
    let mut text = format!(
        "evaluation {} of {} parks for {}, scheme {}{}\n\n",
        told.evaluation,
        told.parks,
        told.year,
        told.scheme,
        if told.repeated { " (the same was there already)" } else { ", kept as a draft" },
    );
    let mut rows: Vec<[String; 2]> =
        told.by_stars.iter().enumerate().map(|(place, parks)| [(5 - place).to_string(), parks.to_string()]).collect();
    rows.push(["not judged".to_owned(), (told.parks - told.judged).to_string()]);
    text.push_str(&table(["stars", "parks"], &rows));
    text.push('\n');
    match told.review_run {
        Some(run) => text.push_str(&format!("grades of land out of review run {run}\n")),
        None => text.push_str("no review of parcels is published by that day: the share of land graded D is unknown\n"),
    }
    if !told.left_out.is_empty() {
        text.push_str(&format!("delisted, and not evaluated: {}\n", told.left_out.join(", ")));
    }
    let files: Vec<String> = told.list.files.iter().map(|file| file.display().to_string()).collect();
    text.push_str(&format!("{}: {} parks\n  {}\n", told.list.list, told.list.rows, files.join("\n  ")));
    text
}

async fn list(context: &Context) -> Result<(), Failure> {
    let pool = context.pool().await?;
    let mut connection = pool.acquire().await.map_err(Failure::fault)?;
    let found = store::park::list(&mut connection).await.map_err(Failure::fault)?;
    let found: Vec<OfEvaluation> = found.into_iter().map(OfEvaluation::from).collect();
    context.printer.result(&found, |found| {
        let rows: Vec<[String; 7]> = found
            .iter()
            .map(|one| {
                [
                    one.evaluation.to_string(),
                    one.year.to_string(),
                    one.as_of.to_string(),
                    one.scheme.clone(),
                    one.parks.to_string(),
                    one.made_by.clone(),
                    one.state.clone(),
                ]
            })
            .collect();
        table(["evaluation", "year", "as of", "scheme", "parks", "made by", "state"], &rows)
    })
}

async fn show(context: &Context, evaluation: i64) -> Result<(), Failure> {
    let pool = context.pool().await?;
    let mut connection = pool.acquire().await.map_err(Failure::fault)?;
    let found = shown(parks::load(&mut connection, evaluation).await.map_err(failure)?);
    context.printer.result(&found, |found| {
        let one = &found.evaluation;
        let mut rows = vec![
            ("evaluation", format!("{} for {}, law of {}, scheme {}", one.evaluation, one.year, one.as_of, one.scheme)),
            ("made by", one.made_by.clone()),
            ("state", one.state.clone()),
            ("grades of land", one.review_run.map_or("unknown".to_owned(), |run| format!("review run {run}"))),
        ];
        if let (Some(on), Some(by), Some(document)) = (one.step_on, &one.step_by, &one.document) {
            rows.push((one.state.as_str(), format!("{on} by {by}: {document}")));
        }
        let mut text = pairs(&rows);
        text.push('\n');
        let number = |number: Option<u32>| number.map_or_else(String::new, |number| number.to_string());
        let rows: Vec<[String; 6]> = found
            .results
            .iter()
            .map(|one| {
                [
                    number(one.rank),
                    one.park.clone(),
                    one.score.map_or_else(String::new, |score| format!("{score:.2}")),
                    number(one.stars.map(u32::from)),
                    one.came_to.to_owned(),
                    format!("{:.0}%", one.coverage * 100.0),
                ]
            })
            .collect();
        text.push_str(&table(["rank", "park", "score", "stars", "year", "known"], &rows));
        text
    })
}

async fn published(context: &Context, evaluation: i64, document: &str) -> Result<(), Failure> {
    let pool = context.pool().await?;
    let made = publish::publish(&pool, context.clock.today(), &context.actor(), evaluation, document).await;
    context.printer.result(&made.map_err(unpublished)?, |made| {
        let names = |parks: &[String]| if parks.is_empty() { "none".to_owned() } else { parks.join(", ") };
        let mut text = format!("evaluation {} is published in revision {}\n", made.evaluation, made.revision);
        text.push_str(&pairs(&[
            ("notified", names(&made.notified)),
            ("delisted", names(&made.delisted)),
            ("cleared", names(&made.cleared)),
        ]));
        text
    })
}

async fn cancel(context: &Context, evaluation: i64, reason: &str) -> Result<(), Failure> {
    let pool = context.pool().await?;
    let revision = publish::cancel(&pool, context.clock.today(), &context.actor(), evaluation, reason).await;
    let revision = revision.map_err(unpublished)?;
    let told = json!({ "evaluation": evaluation, "state": "cancelled", "revision": revision });
    context.printer.result(&told, |_| format!("evaluation {evaluation} is given up in revision {revision}"))
}

async fn explain(context: &Context, evaluation: i64, park: &str, language: Language) -> Result<(), Failure> {
    let pool = context.pool().await?;
    let mut connection = pool.acquire().await.map_err(Failure::fault)?;
    let found = explained(&mut connection, evaluation, park).await.map_err(failure)?;
    let told = of_explained(found).map_err(Failure::fault)?;
    context.printer.result(&told, |told| {
        let (zh, en) = (told.zh.join("\n"), told.en.join("\n"));
        let text = match language {
            Language::Zh => zh,
            Language::En => en,
            Language::Both => format!("{zh}\n\n{en}"),
        };
        format!("{text}\n\n{}", pairs(&[("receipt", told.receipt_hash.clone())]))
    })
}

/// Weighs an evaluation again; one that comes out otherwise is a refusal, so that scripts hear of it.
async fn again(context: &Context, evaluation: i64) -> Result<(), Failure> {
    let pool = context.pool().await?;
    let replayed = replay(&pool, evaluation).await.map_err(failure)?;
    if !replayed.is_same() {
        return Err(Failure::Refused(unlike(&replayed)));
    }
    context.printer.result(&replayed, |it| {
        format!("evaluation {} of {} parks comes out byte by byte as it was kept", it.evaluation, it.parks)
    })
}

fn unlike(it: &ReplayedParks) -> String {
    let mut text = format!(
        "not-as-kept: evaluation {} does not come out as it was kept: {} of {} receipts differ",
        it.evaluation,
        it.different.len(),
        it.parks
    );
    if !it.facts_are_whole {
        text.push_str("; its facts are not those that were frozen (a receipt was changed, added or taken away)");
    }
    for one in &it.different {
        let whole = if one.is_whole { "" } else { " (the kept text has another hash)" };
        text.push_str(&format!("\n{}{whole}: {}", one.park, one.places.join(", ")));
    }
    text.push_str("\nrestore the register from its last backup, or make the evaluation again");
    text
}
