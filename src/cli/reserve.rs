//! `landcycle reserve`: what the parks hold in reserve, where it came from and where it went, balanced from the entries.

use super::printer::{first_rows, pairs, table};
use super::{Context, Failure};
use crate::domain::moment::Moment;
use crate::domain::quantity::SquareCentimetres;
use crate::domain::reserve::{Balance, Side};
use crate::flow::reserve::{Books, ReserveError, books, withdraw};
use crate::http::reserve::document;
use clap::Subcommand;
use serde_json::json;
use std::collections::BTreeMap;

/// What to do.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// What came in, went out and is left, by park
    Account(Asked),
    /// The entries behind it
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
    /// Only this park
    #[arg(long, value_name = "CODE")]
    park: Option<String>,
    /// At the end of this day [default: today]
    #[arg(long, value_name = "DATE")]
    at: Option<String>,
    /// What the register believed at that time, or at the end of that day [default: now]
    #[arg(long, value_name = "TIME")]
    known_at: Option<String>,
}

fn failure(error: ReserveError) -> Failure {
    if error.is_refusal() { Failure::refused(error) } else { Failure::fault(error) }
}

/// Runs the command.
pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    match args.verb {
        Verb::Account(asked) => {
            let found = read(context, asked).await?;
            context.printer.result(&document(&found, None, 0), |_| balances(&found))
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

async fn read(context: &Context, asked: Asked) -> Result<Books, Failure> {
    let moment =
        Moment::parse(asked.at.as_deref(), asked.known_at.as_deref(), context.clock.today(), context.clock.now())
            .map_err(|error| Failure::Usage(error.to_string()))?;
    let pool = context.pool().await?;
    books(&pool, moment.valid_at, asked.park.as_deref(), moment.known_at).await.map_err(failure)
}

fn metres(area: SquareCentimetres) -> String {
    format!("{:.1}", area.to_square_metres().value())
}

fn parts<K: Copy>(map: &BTreeMap<K, SquareCentimetres>, name: fn(K) -> &'static str) -> String {
    let parts: Vec<String> = map.iter().map(|(key, area)| format!("{} {}", name(*key), metres(*area))).collect();
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
}

fn balances(found: &Books) -> String {
    let line = |park: &str, one: &Balance| {
        [
            park.to_owned(),
            metres(one.flows.came_in),
            metres(one.flows.went_out),
            metres(one.flows.stock),
            format!("{:.2}", one.flows.stock.to_mu().value()),
            one.flows.lots.to_string(),
        ]
    };
    let mut rows: Vec<[String; 6]> = found.parks.iter().map(|(park, one)| line(park, one)).collect();
    rows.push(line("total", &found.total));
    let mut text = table(["park", "in m²", "out m²", "left m²", "left mu", "lots"], &rows);
    text.push('\n');
    let total = &found.total;
    text.push_str(&pairs(&[
        ("at the end of", found.day.to_string()),
        ("revision", found.revision.to_string()),
        ("in, by exit", parts(&total.by_exit, |exit| exit.chinese())),
        ("left, by readiness", parts(&total.by_readiness, |readiness| readiness.chinese())),
        ("out, by mode", parts(&total.by_mode, |mode| mode.chinese())),
        ("in − out = left", if total.closes() { "holds to the square centimetre" } else { "DOES NOT HOLD" }.to_owned()),
    ]));
    text
}

fn entries(found: &Books, limit: usize) -> String {
    first_rows(["entry", "lot", "what", "m²", "on", "parcel", "document"], &found.entries, limit, |entry| {
        let what = match &entry.side {
            Side::In { park, exit, readiness } => format!("入库 {park}, {}, {}", exit.chinese(), readiness.chinese()),
            Side::Out { mode } => format!("出库, {}", mode.chinese()),
        };
        [
            entry.number.clone(),
            entry.lot.clone(),
            what,
            metres(entry.area),
            entry.on.to_string(),
            entry.parcel.as_ref().map(ToString::to_string).unwrap_or_default(),
            entry.document.clone(),
        ]
    })
}
