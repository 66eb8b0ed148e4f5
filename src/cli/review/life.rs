//! `landcycle review list|show|publish|notice|object|answer|finalise|cancel`: the life of a run, and what is said against it.

use super::all_workers;
use crate::cli::printer::{pairs, table};
use crate::cli::{Context, Failure, parse_code};
use crate::domain::review::receipt::Receipt;
use crate::flow::review::life::{self, LifeError, Moved};
use crate::flow::review::objection::{self, ObjectionError, Verdict};
use crate::http::left_out::LeftParcel;
use crate::http::review::{Listed, Objected, OfRun, of_run};
use crate::store;
use crate::store::review::objection::New;
use crate::store::review::shown;
use chrono::NaiveDate;
use serde::Serialize;
use serde_json::json;

/// What is said against a run.
#[derive(Debug, clap::Args)]
pub(super) struct Against {
    /// The number of the run
    run: i64,
    /// The code of the parcel
    #[arg(value_parser = parse_code)]
    parcel: String,
    /// Who objects: the firm, by name or code
    #[arg(long, value_name = "PARTY")]
    by: String,
    /// Why, in their words
    #[arg(long)]
    ground: String,
    /// The letter in which they do
    #[arg(long)]
    document: String,
    /// The day on which it was received [default: today]
    #[arg(long, value_name = "DATE")]
    on: Option<NaiveDate>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Answer {
    /// The firm is right: the parcel is judged again by what the register says now
    Upheld,
    /// It is not
    Dismissed,
}

/// What is answered to an objection.
#[derive(Debug, clap::Args)]
pub(super) struct Reply {
    /// The number of the objection
    id: i64,
    /// The answer
    #[arg(value_enum)]
    verdict: Answer,
    /// What the one who objects is told
    #[arg(long)]
    words: String,
}

/// Whose doing it was that a run did not move.
pub(super) fn unmoved(error: LifeError) -> Failure {
    if error.is_refusal() { Failure::refused(error) } else { Failure::fault(error) }
}

/// Tells where a run went.
pub(super) fn moved(context: &Context, run: i64, moved: Result<Moved, LifeError>) -> Result<(), Failure> {
    let Moved { from, to, revision } = moved.map_err(unmoved)?;
    let told = json!({ "run": run, "from": from.name(), "to": to.name(), "life": to, "revision": revision });
    context.printer.result(&told, |_| {
        let until = match to {
            crate::domain::review::life::State::Noticed { until, .. } => format!(" until {until}"),
            _ => String::new(),
        };
        format!("run {run} is {}{until} in revision {revision}", to.name())
    })
}

/// Publishes a run.
pub(super) async fn publish(context: &Context, run: i64) -> Result<(), Failure> {
    let pool = context.pool().await?;
    moved(context, run, life::publish(&pool, context.clock.today(), &context.actor(), run).await)
}

/// Begins the public notice of a run.
pub(super) async fn notice(context: &Context, run: i64, document: &str) -> Result<(), Failure> {
    let pool = context.pool().await?;
    moved(context, run, life::notice(&pool, context.clock.today(), &context.actor(), run, document).await)
}

/// Makes a run final.
pub(super) async fn finalise(context: &Context, run: i64) -> Result<(), Failure> {
    let pool = context.pool().await?;
    moved(context, run, life::finalise(&pool, context.clock.today(), &context.actor(), run).await)
}

/// Gives a run up.
pub(super) async fn cancel(context: &Context, run: i64, reason: &str) -> Result<(), Failure> {
    let pool = context.pool().await?;
    moved(context, run, life::cancel(&pool, context.clock.today(), &context.actor(), run, reason).await)
}

fn unanswered(error: ObjectionError) -> Failure {
    if error.is_refusal() { Failure::refused(error) } else { Failure::fault(error) }
}

/// Takes an objection in.
pub(super) async fn object(context: &Context, against: Against) -> Result<(), Failure> {
    let Against { run, parcel, by, ground, document, on } = against;
    let pool = context.pool().await?;
    let today = context.clock.today();
    let new = New { run, parcel, party: by, ground, document, on: on.unwrap_or(today) };
    let (id, revision) = objection::object(&pool, today, &context.actor(), &new).await.map_err(unanswered)?;
    let told = json!({ "objection": id, "run": run, "parcel": new.parcel, "revision": revision });
    context.printer.result(&told, |_| format!("objection {id} to run {run} is entered in revision {revision}"))
}

/// Answers an objection.
pub(super) async fn answer(context: &Context, reply: Reply) -> Result<(), Failure> {
    let Reply { id, verdict, words } = reply;
    let verdict = match verdict {
        Answer::Upheld => Verdict::Upheld,
        Answer::Dismissed => Verdict::Dismissed,
    };
    let pool = context.pool().await?;
    let given = objection::answer(&pool, context.clock.today(), &context.actor(), id, verdict, &words, all_workers())
        .await
        .map_err(unanswered)?;
    let (before, after) = (stands(&given.before), given.after.as_ref().map(|(receipt, _)| stands(receipt)));
    let told = json!({ "objection": id, "run": given.run, "parcel": given.parcel, "verdict": verdict, "before": before,
        "after": after, "receipt": given.after.as_ref().map(|(_, hash)| hash), "revision": given.revision });
    context.printer.result(&told, |_| {
        let mut text = format!("objection {id} is {} in revision {}", verdict.name(), given.revision);
        if let Some((receipt, hash)) = &given.after {
            text.push_str(&format!(
                "\nparcel {} was {}, and is {} now; its later receipt is {hash}",
                given.parcel,
                said(&given.before),
                said(receipt)
            ));
        }
        text
    })
}

fn stands(receipt: &Receipt) -> serde_json::Value {
    json!({ "grade": receipt.grade, "score": receipt.score, "rank": receipt.rank, "list": receipt.decision.list })
}

fn said(receipt: &Receipt) -> String {
    let list = receipt.decision.list.map(|list| format!(" on the {} list", list.name())).unwrap_or_default();
    format!("{}{list}", receipt.grade.name())
}

/// Lists the runs.
pub(super) async fn list(context: &Context) -> Result<(), Failure> {
    let pool = context.pool().await?;
    let mut connection = pool.acquire().await.map_err(Failure::fault)?;
    let runs = store::review::list(&mut connection).await.map_err(Failure::fault)?;
    let runs: Vec<Listed> = runs.into_iter().map(Listed::from).collect();
    context.printer.result(&runs, |runs| {
        let rows: Vec<[String; 7]> = runs
            .iter()
            .map(|run| {
                [
                    run.run.to_string(),
                    run.kind.clone(),
                    run.as_of.to_string(),
                    run.window_years.to_string(),
                    run.scheme.clone(),
                    run.rules_hash.chars().take(8).collect(),
                    run.state.clone(),
                ]
            })
            .collect();
        table(["run", "kind", "as of", "years", "scheme", "rules", "state"], &rows)
    })
}

#[derive(Debug, Serialize)]
struct Told {
    #[serde(flatten)]
    run: OfRun,
    against: Vec<Objected>,
}

/// Shows what a run found and where it is in its life.
pub(super) async fn show(context: &Context, run: i64) -> Result<(), Failure> {
    let pool = context.pool().await?;
    let found = shown::run(&pool, run).await.map_err(Failure::fault)?;
    let found = found.ok_or_else(|| unmoved(LifeError::Unknown(run)))?;
    let against = shown::objections(&pool, run, 0, i64::MAX).await.map_err(Failure::fault)?;
    let against = against.map(|(_, found)| found.into_iter().map(Objected::from).collect()).unwrap_or_default();
    context.printer.result(&Told { run: of_run(found), against }, words)
}

/// Lists whom a run left out, and why.
pub(super) async fn left_out(context: &Context, run: i64) -> Result<(), Failure> {
    let pool = context.pool().await?;
    let found = shown::left_out(&pool, run, None, None, i64::MAX).await.map_err(Failure::fault)?;
    let (_, found) = found.ok_or_else(|| unmoved(LifeError::Unknown(run)))?;
    let found: Vec<LeftParcel> = found.into_iter().map(LeftParcel::from).collect();
    context.printer.result(&found, |found| {
        let rows: Vec<[String; 2]> = found.iter().map(|one| [one.parcel.clone(), one.reason.to_owned()]).collect();
        table(["parcel", "left out"], &rows)
    })
}

fn words(told: &Told) -> String {
    let shown = &told.run;
    let mut rows = vec![
        ("run", format!("{} of {}, scheme {}", shown.run.run, shown.run.as_of, shown.run.scheme)),
        ("state", shown.run.state.clone()),
        ("made by", shown.made_by.clone()),
    ];
    for step in &shown.steps {
        let mut text = format!("{} by {}", step.on, step.by);
        if let Some(with) = step.with_run {
            text.push_str(&format!(", with run {with}"));
        }
        if let Some(until) = step.notice_until {
            text.push_str(&format!(", until {until}"));
        }
        if let Some(document) = &step.document {
            text.push_str(&format!(": {document}"));
        }
        rows.push((step.to.as_str(), text));
    }
    let mut text = pairs(&rows);
    if !told.against.is_empty() {
        text.push_str(&format!("\n{} objections, {} without an answer\n", shown.objections, shown.objections_open));
        let rows: Vec<[String; 6]> = told
            .against
            .iter()
            .map(|one| {
                [
                    one.objection.to_string(),
                    one.parcel.clone(),
                    one.party.clone(),
                    one.on.to_string(),
                    one.verdict.clone().unwrap_or_else(|| "open".to_owned()),
                    one.grade.clone().unwrap_or_default(),
                ]
            })
            .collect();
        text.push_str(&table(["objection", "parcel", "by", "received", "answer", "grade now"], &rows));
    }
    let rows: Vec<[String; 3]> = shown
        .found
        .iter()
        .map(|one| [one.grade.clone(), one.list.clone().unwrap_or_default(), one.parcels.to_string()])
        .collect();
    text.push('\n');
    text.push_str(&table(["grade", "list", "parcels"], &rows));
    if !shown.left_out.is_empty() {
        let rows: Vec<[String; 3]> = shown
            .left_out
            .iter()
            .map(|one| [one.reason.to_owned(), one.parcels.to_string(), one.rule.unwrap_or("the scheme").to_owned()])
            .collect();
        text.push('\n');
        text.push_str(&table(["left out", "parcels", "by"], &rows));
    }
    if !shown.answers.is_empty() {
        let rows: Vec<[String; 2]> =
            shown.answers.iter().map(|one| [one.review.clone(), one.reviews.to_string()]).collect();
        text.push('\n');
        text.push_str(&table(["answers", "reviews"], &rows));
    }
    text
}
