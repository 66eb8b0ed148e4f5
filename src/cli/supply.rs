//! `landcycle supply`: land secured for industry year by year, against the targets, and the entries behind it.

use super::printer::{first_rows, pairs, table};
use super::{Context, Failure};
use crate::domain::moment::Moment;
use crate::domain::quantity::{Mu, SquareCentimetres};
use crate::domain::supply::{Source, Year};
use crate::flow::supply::{Account, Question, SupplyError, account, withdraw};
use crate::http::supply::document;
use clap::Subcommand;
use serde_json::json;

/// What to do.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Land secured each year by source, against the year's target
    Account(Asked),
    /// The entries: parcel, source, area, document
    List {
        #[command(flatten)]
        asked: Asked,
        /// How many entries to list
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Take an entry back that was made in error; what was believed is kept
    Withdraw {
        /// Its number
        entry: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, clap::Args)]
struct Asked {
    /// Only this year
    #[arg(long)]
    year: Option<i32>,
    /// Only this district
    #[arg(long, value_name = "CODE")]
    district: Option<String>,
    /// What the register believed at that time, or at the end of that day [default: now]
    #[arg(long, value_name = "TIME")]
    known_at: Option<String>,
}

fn failure(error: SupplyError) -> Failure {
    if error.is_refusal() { Failure::refused(error) } else { Failure::fault(error) }
}

/// Runs the command.
pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    match args.verb {
        Verb::Account(asked) => {
            let found = read(context, asked).await?;
            context.printer.result(&document(&found, None, 0), |_| years(&found))
        }
        Verb::List { asked, limit } => {
            let found = read(context, asked).await?;
            context.printer.result(&document(&found, None, limit), |_| entries(&found, limit))
        }
        Verb::Withdraw { entry, reason } => {
            let pool = context.pool().await?;
            let revision = withdraw(&pool, &context.actor(), &entry, &reason).await.map_err(failure)?;
            let told = json!({ "entry": entry, "revision": revision });
            context.printer.result(&told, |_| format!("{entry} is withdrawn in revision {revision}"))
        }
    }
}

async fn read(context: &Context, asked: Asked) -> Result<Account, Failure> {
    let moment = Moment::parse(None, asked.known_at.as_deref(), context.clock.today(), context.clock.now())
        .map_err(|error| Failure::Usage(error.to_string()))?;
    let question = Question { year: asked.year, district: asked.district, known_at: moment.known_at };
    account(&context.pool().await?, &question).await.map_err(failure)
}

fn mu(area: SquareCentimetres) -> String {
    format!("{:.2}", area.to_mu().value())
}

fn years(found: &Account) -> String {
    let line = |year: &Year| {
        let mut cells = vec![year.year.to_string()];
        cells.extend(
            Source::ALL.iter().map(|source| year.by_source.get(source).map_or(String::new(), |part| mu(part.area))),
        );
        let figure = |mu: Option<Mu>, none: &str| mu.map_or(none.to_owned(), |mu| format!("{:.2}", mu.value()));
        cells.push(mu(year.total.area));
        cells.push(figure(year.target.as_ref().map(|target| target.least), "none on record"));
        cells.push(figure(year.shortfall(), if year.total.entries == 0 { "no entry" } else { "" }));
        cells.push(year.total.entries.to_string());
        <[String; 9]>::try_from(cells).unwrap_or_default()
    };
    let rows: Vec<[String; 9]> = found.years.iter().map(line).collect();
    let mut text = table(
        [
            "year",
            "提质增效 mu",
            "盘活存量 mu",
            "城市更新 mu",
            "土地出让 mu",
            "total mu",
            "target mu",
            "short mu",
            "entries",
        ],
        &rows,
    );
    text.push('\n');
    let mut said: Vec<&str> =
        found.years.iter().filter_map(|year| Some(year.target.as_ref()?.source.as_str())).collect();
    said.dedup();
    let target =
        said.first().map_or_else(|| "no plan on record names one for these years".to_owned(), |it| (*it).to_owned());
    text.push_str(&pairs(&[("revision", found.revision.to_string()), ("target", target)]));
    text
}

fn entries(found: &Account, limit: usize) -> String {
    first_rows(
        ["entry", "parcel", "district", "source", "mu", "secured on", "document"],
        &found.entries,
        limit,
        |kept| {
            [
                kept.number.clone(),
                kept.parcel.clone(),
                kept.district.clone().unwrap_or_default(),
                format!("{} ({})", kept.source.chinese(), kept.source.name()),
                mu(kept.area),
                kept.secured_on.to_string(),
                kept.document.clone(),
            ]
        },
    )
}
