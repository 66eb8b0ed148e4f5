//! `landcycle demo`: a made-up city, from files to lists and a map.

use super::park;
use super::printer::table;
use super::review::{Reviewed, summary};
use super::{Context, Failure, blocking, serve};
use crate::demo::{self, Manifest, Settings};
use crate::flow::demo::{DemoLoadError, load};
use crate::flow::import::{ImportError, Receipt};
use crate::flow::park::ParkOrder;
use crate::flow::review::Order;
use chrono::NaiveDate;
use clap::Subcommand;
use indicatif::ProgressBar;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// What to do with the demo city.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make its files, as a bureau would send them
    Generate {
        /// Where to
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        #[command(flatten)]
        size: Size,
    },
    /// Import its files
    Load {
        /// Where they are
        dir: PathBuf,
    },
    /// All of it: make, import, review, write the lists to out/, and serve the map
    Run {
        #[command(flatten)]
        size: Size,
        /// Address to serve on [default: 127.0.0.1:8080]
        #[arg(long)]
        listen: Option<String>,
        /// Stop after the lists are written
        #[arg(long)]
        no_serve: bool,
        /// Where the lists go
        #[arg(long, value_name = "DIR", default_value = "out")]
        out: PathBuf,
    },
}

#[derive(Debug, Clone, clap::Args)]
struct Size {
    /// How many parcels
    #[arg(long, default_value_t = Settings::default().parcels)]
    parcels: u32,
    /// What chance starts from
    #[arg(long, default_value_t = Settings::default().seed)]
    seed: u64,
}

impl Args {
    pub(super) fn listen(&self) -> Option<String> {
        match &self.verb {
            Verb::Run { listen, .. } => listen.clone(),
            _ => None,
        }
    }
}

/// The day that the demo's review judges.
const AS_OF: NaiveDate = NaiveDate::from_ymd_opt(2026, 6, 30).expect("the 30 June exists in every year");
/// The year for which its parks are evaluated: the last of which its enterprises have reported.
const YEAR: i32 = 2025;

/// Runs the command.
pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    match args.verb {
        Verb::Generate { out, size } => {
            let manifest = generate(context, size, &out).await?;
            context.printer.result(&manifest, |manifest| {
                format!("{} parcels in {}; everything is made up", manifest.parcels, out.display())
            })
        }
        Verb::Load { dir } => {
            let receipts = import(context, &dir).await?;
            context.printer.result(&receipts, |receipts| received(receipts))
        }
        Verb::Run { size, no_serve, out, .. } => {
            let dir = context.config.home.join("demo").join(format!("{}-{}", size.parcels, size.seed));
            if !is_made(&dir, &size) {
                generate(context, size, &dir).await?;
            }
            let receipts = import(context, &dir).await?;
            context.printer.note(&received(&receipts));
            let order = Order {
                as_of: AS_OF,
                scheme: "default".into(),
                kind: "round".into(),
                window: None,
                workers: super::review::all_workers(),
            };
            let actor = format!("demo:{}", context.user());
            let reviewed = super::review::make(context, &order, &actor, (&out, false)).await?;
            let order = ParkOrder { year: YEAR, as_of: None, scheme: "default".into() };
            let park_evaluation = match park::evaluate(context, &order, &actor, &out).await {
                Ok(told) => Some(told),
                // Someone who tries the city out has published that year: it stays as it is.
                Err(Failure::Refused(why)) => {
                    context.printer.note(&why);
                    None
                }
                Err(failure) => return Err(failure),
            };
            context.printer.result(&Shown { reviewed, park_evaluation }, |shown| {
                let parks = shown.park_evaluation.as_ref().map(park::summary).unwrap_or_default();
                format!("{}\n{parks}", summary(&shown.reviewed))
            })?;
            if no_serve {
                return Ok(());
            }
            serve::run(context, serve::Args::default()).await
        }
    }
}

/// What a run of the demo came to.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    reviewed: Reviewed,
    park_evaluation: Option<park::Told>,
}

/// Whether a folder holds the files of that city, finished.
fn is_made(dir: &Path, size: &Size) -> bool {
    Manifest::read(dir).is_ok_and(|found| found.parcels == size.parcels && found.seed == size.seed)
}

async fn generate(context: &Context, size: Size, out: &Path) -> Result<Manifest, Failure> {
    let bar = context.printer.progress("making the demo city", 1);
    let (told, out) = (bar.clone(), out.to_owned());
    let settings = Settings { parcels: size.parcels, seed: size.seed };
    let made = blocking(move || {
        demo::generate(&settings, &out, &mut |stage, done, total| {
            told.set_message(format!("demo city: {stage}"));
            told.set_length(total);
            told.set_position(done);
        })
    })
    .await?;
    bar.finish_and_clear();
    made.map_err(|error| match error {
        demo::DemoError::Size { .. } => Failure::Usage(error.to_string()),
        other => Failure::fault(other),
    })
}

async fn import(context: &Context, dir: &Path) -> Result<Vec<Receipt>, Failure> {
    let pool = context.pool().await?;
    let bar = context.printer.progress("importing", 0);
    let told = std::sync::Arc::new(Mutex::new((String::new(), bar.clone())));
    let progress = move |kind: &str, rows: u64| tell(&told, kind, rows);
    let (schema, user, reader) = (context.config.schema.as_str(), context.user(), context.reader());
    let loaded = load(&pool, schema, context.clock, &user, dir, &reader, progress).await;
    bar.finish_and_clear();
    loaded.map_err(|error| match error {
        DemoLoadError::Import(ImportError::Refused(_) | ImportError::Read { .. }) => Failure::refused(error),
        DemoLoadError::Lives(error) => super::lifecycle::not_taken(error),
        DemoLoadError::Store(_) | DemoLoadError::Record(_) | DemoLoadError::Import(_) => Failure::fault(error),
        other => Failure::refused(other),
    })
}

fn tell(told: &Mutex<(String, ProgressBar)>, kind: &str, rows: u64) {
    if let Ok(mut told) = told.lock() {
        if told.0 != kind {
            kind.clone_into(&mut told.0);
            told.1.set_message(format!("importing {kind}"));
        }
        told.1.set_position(rows);
    }
}

fn received(receipts: &[Receipt]) -> String {
    let rows: Vec<[String; 6]> = receipts
        .iter()
        .map(|one| {
            [
                one.dataset.clone(),
                one.read.to_string(),
                one.accepted.to_string(),
                one.unchanged.to_string(),
                one.refused.to_string(),
                one.warnings.to_string(),
            ]
        })
        .collect();
    table(["data set", "read", "accepted", "unchanged", "refused", "warnings"], &rows)
}
