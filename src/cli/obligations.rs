//! `landcycle obligations`: what falls due, and what is overdue, by responsible body.

use super::printer::{pairs, table};
use super::{Context, Failure};
use crate::domain::contract::agenda::{Agenda, Item};
use crate::flow::contract;
use chrono::{Days, NaiveDate};
use clap::Subcommand;
use serde_json::{Value, json};

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
        #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(u32).range(..=36_525))]
        within: u32,
        /// The day to look from [default: today]
        #[arg(long, value_name = "DATE")]
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
        return context.printer.raw(format!("{}\n", document(&agenda, day, within)).as_bytes());
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
        item.what.name().replace('_', " "),
        item.contract.clone(),
        item.parcel.clone(),
    ]
}

fn document(agenda: &Agenda, day: NaiveDate, within: u32) -> Value {
    let items: Vec<Value> = agenda
        .items
        .iter()
        .map(|item| {
            json!({
                "body": item.body,
                "what": item.what.name(),
                "obligation": item.number,
                "contract": item.contract,
                "parcel": item.parcel,
                "state": item.state.name(),
                "due_on": item.due,
                "days": item.days,
                "how": {"zh": item.how.zh, "en": item.how.en},
            })
        })
        .collect();
    let unknown: Vec<Value> = agenda
        .unknown
        .iter()
        .map(|(number, how)| json!({"obligation": number, "why": {"zh": how.zh, "en": how.en}}))
        .collect();
    json!({
        "as_of": day,
        "within_days": within,
        "items": items,
        "cannot_be_computed": unknown,
        "without_figure": agenda.without_figure,
    })
}
