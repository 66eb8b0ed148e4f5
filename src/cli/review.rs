//! `landcycle review`: runs of the efficiency review, their lists, and why a parcel has its grade.

mod calendar;
mod clusters;
mod diff;
mod explain;
mod life;
mod progress;
mod queue;
mod replay;
mod scheme;
mod sheet;
mod simulate;

use self::progress::Meter;
use super::printer::table;
use super::{Context, Failure, blocking, parse_day, stopped};
use crate::domain::review::grade::Grade;
use crate::domain::review::left_out::Reason;
use crate::flow::lists::{self, Written};
use crate::flow::review::progress::Progress;
use crate::flow::review::{Done, Order, ReviewFlowError, Sealed, kept, run as run_review};
use crate::flow::rules;
use crate::store;
use chrono::NaiveDate;
use clap::{Subcommand, ValueEnum};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What to do.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    /// The citywide round
    Round,
    /// Those alone whose review is due by contract, among the others as their peers
    Calendar,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Round => "round",
            Self::Calendar => crate::flow::review::CALENDAR,
        }
    }
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Judge every parcel in scope; keeps a draft and writes its lists
    Run {
        /// The day to judge, e.g. 2026-06-30
        #[arg(long, value_parser = parse_day)]
        as_of: NaiveDate,
        /// The scheme: a shipped one by name, or a .toml file
        #[arg(long, default_value = "default")]
        scheme: String,
        /// Which review
        #[arg(long, value_enum, default_value_t = Kind::Round)]
        kind: Kind,
        /// How many full years to look at, where not the scheme's own number
        #[arg(long, value_parser = clap::value_parser!(u32).range(3..=5))]
        window: Option<u32>,
        /// How many workers compute; the result is the same with any number [default: one for each core]
        #[arg(long, value_parser = clap::value_parser!(u16).range(1..=256))]
        workers: Option<u16>,
        /// Where the lists go
        #[arg(long, value_name = "DIR", default_value = "out")]
        out: PathBuf,
        /// Leave it to the next server that is free; no lists are written
        #[arg(long, conflicts_with_all = ["out", "workers"])]
        queue: bool,
        /// Write the lists of each district too, into DIR/districts/CODE
        #[arg(long)]
        by_district: bool,
    },
    /// List the reviews that contracts make due
    Due(calendar::Due),
    /// Enter that a review of a contract was done on paper
    Accept(calendar::Accept),
    /// List the reviews that wait for a server, and what became of those before
    Queue,
    /// Look at a scheme before it is used
    Scheme(scheme::Args),
    /// List the runs
    List,
    /// Show what a run found and where it is in its life
    Show {
        /// Its number
        run: i64,
        /// List whom it left out, and why, in place of what it found
        #[arg(long)]
        left_out: bool,
    },
    /// Publish a run that another person made; it stays published
    Publish {
        /// Its number
        run: i64,
    },
    /// Put a published run under public notice, for the days of the rulebook
    Notice {
        /// Its number
        run: i64,
        /// The notice
        #[arg(long)]
        document: String,
    },
    /// Enter an objection to what a run under notice found of a parcel
    Object(life::Against),
    /// Answer an objection; neither who made the run nor who objects may
    Answer(life::Reply),
    /// Make a run final whose notice is over and whose objections are answered
    Finalise {
        /// Its number
        run: i64,
    },
    /// Give up a run that is not published
    Cancel {
        /// Its number
        run: i64,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Grow the candidates of a run that lie together into renewal areas
    Clusters(clusters::Args),
    /// Compare two runs: who moved, and whether by other rules, other peers or their own facts
    Diff {
        /// The number of the old run
        old: i64,
        /// The number of the new run
        new: i64,
        /// Keep that the new run was compared, by whom and when; it may be published then
        #[arg(long)]
        keep: bool,
    },
    /// Judge a kept run again from its own facts and rules, and compare every receipt byte by byte
    Replay {
        /// Its number
        run: i64,
    },
    /// Say why a parcel has its grade, and what would lift it
    Explain(explain::Args),
    /// The check-up sheet (体检表) of a parcel: one printable page
    Sheet(sheet::Args),
    /// Change weights, cut-offs, benchmarks or the decision table of a run and see what moves; nothing is stored
    Simulate(simulate::Args),
}

/// As many workers as there are cores.
pub(super) fn all_workers() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Runs the command.
pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    match args.verb {
        Verb::Run { as_of, scheme, kind, window, queue: true, .. } => {
            queue::queue(context, as_of, scheme, kind.name(), window).await
        }
        Verb::Due(args) => calendar::due(context, args).await,
        Verb::Accept(args) => calendar::accept(context, args).await,
        Verb::Queue => queue::list(context).await,
        Verb::Run { as_of, scheme, kind, window, workers, out, by_district, queue: false } => {
            let workers = workers.map_or_else(all_workers, usize::from);
            let order = Order { as_of, scheme, kind: kind.name().into(), window, workers };
            let reviewed = make(context, &order, &context.actor(), (&out, by_district)).await?;
            context.printer.result(&reviewed, summary)
        }
        Verb::Scheme(args) => scheme::run(context, args),
        Verb::List => life::list(context).await,
        Verb::Show { run, left_out: false } => life::show(context, run).await,
        Verb::Show { run, left_out: true } => life::left_out(context, run).await,
        Verb::Publish { run } => life::publish(context, run).await,
        Verb::Notice { run, document } => life::notice(context, run, &document).await,
        Verb::Object(against) => life::object(context, against).await,
        Verb::Answer(reply) => life::answer(context, reply).await,
        Verb::Finalise { run } => life::finalise(context, run).await,
        Verb::Cancel { run, reason } => life::cancel(context, run, &reason).await,
        Verb::Clusters(args) => clusters::run(context, args).await,
        Verb::Diff { old, new, keep } => diff::run(context, old, new, keep).await,
        Verb::Replay { run } => replay::run(context, run).await,
        Verb::Explain(args) => explain::run(context, args).await,
        Verb::Sheet(args) => sheet::run(context, args).await,
        Verb::Simulate(args) => simulate::run(context, args).await,
    }
}

/// What a run came to, for people and scripts.
#[derive(Debug, Serialize)]
pub struct Reviewed {
    run: i64,
    scheme: String,
    as_of: NaiveDate,
    /// Whether the same run was there already.
    repeated: bool,
    /// round or calendar.
    kind: String,
    parcels: usize,
    /// Parcels that it judged; more where it is about those alone whose review is due.
    judged: usize,
    /// Parcels of the register that the scheme takes no land of.
    out_of_scope: usize,
    /// Parcels of the register that it left out, by reason.
    left_out: BTreeMap<&'static str, usize>,
    by_grade: BTreeMap<&'static str, Graded>,
    lists: Vec<Written>,
    /// The lists of each district by its code, where they were asked for.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    districts: BTreeMap<String, Vec<Written>>,
}

#[derive(Debug, Default, Serialize)]
struct Graded {
    parcels: u64,
    area_m2: f64,
}

/// Makes a run and writes its lists into a folder, those of each district too where that is said.
pub(super) async fn make(
    context: &Context,
    order: &Order,
    actor: &str,
    (out, by_district): (&Path, bool),
) -> Result<Reviewed, Failure> {
    let is_new = lists::prepare(out).map_err(Failure::fault)?;
    let meter = Meter::new(context);
    let made = tokio::select! {
        made = make_in(context, order, actor, (out, by_district), &meter) => made,
        () = stopped() => Err(Failure::Refused(format!(
            "stopped while {}
    the register holds the whole run or nothing of it; the same command finishes it",
            meter.stage()
        ))),
    };
    drop(meter);
    if made.is_err() && is_new {
        // Removes the folder only while nothing is in it; that it stays otherwise is right.
        let _ = std::fs::remove_dir(out);
    }
    made
}

async fn make_in(
    context: &Context,
    order: &Order,
    actor: &str,
    (out, by_district): (&Path, bool),
    meter: &Meter,
) -> Result<Reviewed, Failure> {
    let pool = context.pool().await?;
    let tell = |progress| meter.tell(progress);
    let done = run_review(&pool, context.clock, actor, order, tell).await.map_err(failure)?;
    let results = kept::results(&pool, done.run).await.map_err(Failure::fault)?;
    meter.tell(Progress::Listing { parcels: results.len() });
    let tall_storey_m = rules::rulebook().map_err(Failure::fault)?.tall_storey_m(order.as_of);
    let today = store::snapshot::load(&pool, order.as_of, tall_storey_m).await.map_err(Failure::fault)?;
    let out = out.to_owned();
    let (done, results, lists) = blocking(move || {
        let lists = lists::write(&done, &results, &today, &out).and_then(|lists| {
            let districts =
                if by_district { lists::write_by_district(&done, &results, &today, &out)? } else { BTreeMap::new() };
            Ok((lists, districts))
        });
        (done, results, lists)
    })
    .await?;
    Ok(reviewed((&done, &results), order, lists.map_err(Failure::fault)?))
}

fn failure(error: ReviewFlowError) -> Failure {
    match error {
        ReviewFlowError::Rules(_)
        | ReviewFlowError::Review(_)
        | ReviewFlowError::Future { .. }
        | ReviewFlowError::Running { .. }
        | ReviewFlowError::NothingDue { .. }
        | ReviewFlowError::NoParcels { .. } => Failure::refused(error),
        other => Failure::fault(other),
    }
}

fn reviewed(
    (done, results): (&Done, &[Sealed]),
    order: &Order,
    (lists, districts): (Vec<Written>, BTreeMap<String, Vec<Written>>),
) -> Reviewed {
    let mut by_grade: BTreeMap<&'static str, Graded> =
        Grade::ALL.into_iter().map(|grade| (grade.name(), Graded::default())).collect();
    for one in results {
        let graded = by_grade.entry(one.receipt.grade.name()).or_default();
        graded.parcels += 1;
        graded.area_m2 += one.receipt.facts.land_m2;
    }
    Reviewed {
        run: done.run,
        scheme: done.rules.scheme.label(),
        as_of: order.as_of,
        repeated: done.repeated,
        kind: order.kind.clone(),
        parcels: results.len(),
        judged: done.judged,
        out_of_scope: [Reason::UseNotCovered, Reason::OutsideScope]
            .iter()
            .filter_map(|one| done.left_out.get(one))
            .sum(),
        left_out: done.left_out.iter().map(|(reason, count)| (reason.name(), *count)).collect(),
        by_grade,
        lists,
        districts,
    }
}

/// What a run came to, in words.
pub(super) fn summary(reviewed: &Reviewed) -> String {
    let rows: Vec<[String; 3]> = reviewed
        .by_grade
        .iter()
        .map(|(grade, one)| [(*grade).to_owned(), one.parcels.to_string(), format!("{:.2}", one.area_m2 / 1e6)])
        .collect();
    let mut text = format!(
        "review run {} of {} parcels{}, scheme {}, as of {}{}\n{} parcels of the register are out of the scheme's scope\n",
        reviewed.run,
        reviewed.parcels,
        if reviewed.kind == "round" {
            String::new()
        } else {
            format!(" whose review is due, among {} that were judged", reviewed.judged)
        },
        reviewed.scheme,
        reviewed.as_of,
        if reviewed.repeated { " (the same run was there already)" } else { ", kept as a draft" },
        reviewed.out_of_scope,
    );
    let ruled = |reason: &str| Reason::parse(reason).is_some_and(|reason| reason.rule().is_some());
    for (reason, count) in reviewed.left_out.iter().filter(|(reason, _)| ruled(reason)) {
        text.push_str(&format!("{count} parcels are left out by rule: {reason}\n"));
    }
    text.push('\n');
    text.push_str(&table(["grade", "parcels", "km²"], &rows));
    text.push('\n');
    for list in &reviewed.lists {
        let files: Vec<String> = list.files.iter().map(|file| file.display().to_string()).collect();
        text.push_str(&format!("{}: {} parcels\n  {}\n", list.list, list.rows, files.join("\n  ")));
    }
    if !reviewed.districts.is_empty() {
        text.push_str(&format!("the same of each of {} districts in districts/CODE\n", reviewed.districts.len()));
    }
    text
}
