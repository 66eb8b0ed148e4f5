//! `landcycle obligations`: what falls due, and what is overdue, by responsible body.

use super::printer::{pairs, table};
use super::{Context, Failure, parse_day};
use crate::domain::contract::agenda::{Agenda, Item};
use crate::flow::contract;
use crate::http::obligations::{MOST_DAYS, USUAL_DAYS, document};
use chrono::{Days, NaiveDate};
use clap::Subcommand;

/// What is asked of the obligations.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// What falls due in the next days, and what is overdue, by responsible body
    Due {
        /// How many days ahead to look
        #[arg(long, value_name = "DAYS", default_value_t = USUAL_DAYS, value_parser = clap::value_parser!(u32).range(..=i64::from(MOST_DAYS)))]
        within: u32,
        /// The day to look from [default: today]
        #[arg(long, value_name = "DATE", value_parser = parse_day)]
        as_of: Option<NaiveDate>,
        /// Only what this body answers for
        #[arg(long, value_name = "NAME")]
        body: Option<String>,
    },
}

/// Runs the command.
pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let Verb::Due { within, as_of, body } = args.verb;
    let day = as_of.unwrap_or_else(|| context.clock.today());
    let pool = context.pool().await?;
    let agenda =
        contract::falling_due(&pool, day, Days::new(within.into()), body.as_deref()).await.map_err(Failure::fault)?;
    if context.printer.is_json() {
        let document = serde_json::to_string(&document(&agenda, day, within, usize::MAX)).map_err(Failure::fault)?;
        return context.printer.raw(format!("{document}\n").as_bytes());
    }
    context.printer.raw(people(&agenda, day, within).as_bytes())
}

fn people(agenda: &Agenda, day: NaiveDate, within: u32) -> String {
    let overdue = agenda.items.iter().filter(|item| item.days < 0).count();
    let mut text = pairs(&[
        ("as of", format!("{day}, and {within} days ahead")),
        ("overdue", overdue.to_string()),
        ("falling due", (agenda.items.len() - overdue).to_string()),
        ("cannot be computed", agenda.unknown.len().to_string()),
        ("no figure recorded", agenda.without_figure.to_string()),
    ]);
    for group in agenda.items.chunk_by(|a, b| a.body == b.body) {
        let body = group[0].body.as_deref().unwrap_or("no responsible body is recorded");
        let rows: Vec<[String; 6]> = group.iter().map(row).collect();
        text.push_str(&format!("\n{}\n", body.replace(char::is_control, "\u{fffd}")));
        text.push_str(&table(["due", "days", "state", "what", "contract", "parcel"], &rows));
    }
    text
}

fn row(item: &Item) -> [String; 6] {
    [
        item.due.to_string(),
        item.days.to_string(),
        item.state.name().replace('_', " "),
        match item.year {
            Some(year) => format!("{} {year}", item.what.name().replace('_', " ")),
            None => item.what.name().replace('_', " "),
        },
        item.contract.clone(),
        item.parcel.clone(),
    ]
}
