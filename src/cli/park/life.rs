//! `landcycle park standing|apply|refuse|announce|operate|exit`: where parks stand, and the life of featured parks.

use crate::cli::printer::{pairs, table};
use crate::cli::{Context, Failure, parse_day};
use crate::flow::names::unknown_park;
use crate::flow::park::life::{ParkAct, ParkLifeError, enter as enter_act};
use crate::http::park::{OfStanding, park, parks};
use chrono::NaiveDate;
use serde_json::json;

pub(super) use crate::domain::park_evaluation::standing::Act;

/// What is entered of a park.
#[derive(Debug, clap::Args)]
pub(super) struct Entered {
    /// The code of the park
    park: String,
    /// The document
    #[arg(long)]
    document: String,
    /// The day on which it happened [default: today]
    #[arg(long, value_name = "DATE", value_parser = parse_day)]
    on: Option<NaiveDate>,
}

fn failure(error: ParkLifeError) -> Failure {
    if error.is_refusal() { Failure::refused(error) } else { Failure::fault(error) }
}

/// Enters a move in the life of a park.
pub(super) async fn enter(context: &Context, act: Act, entered: Entered) -> Result<(), Failure> {
    let pool = context.pool().await?;
    let today = context.clock.today();
    let Entered { park, document, on } = &entered;
    let what = ParkAct { park, act, on: on.unwrap_or(today), document };
    let moved = enter_act(&pool, today, &context.actor(), &what).await.map_err(failure)?;
    let told = json!({ "park": park, "act": act.name(), "to": moved.stay.life.name(), "on": moved.stay.since,
        "anew": moved.anew, "revision": moved.revision });
    context.printer.result(&told, |_| {
        let mut text = format!("park {park} is {} since {}", moved.stay.life.name(), moved.stay.since);
        if !moved.anew.is_empty() {
            text.push_str(&format!(", and begins anew under {}", moved.anew.join(", ")));
        }
        format!("{text}, in revision {}", moved.revision)
    })
}

fn said(one: &OfStanding) -> String {
    match (one.failed_year, one.again_year) {
        (Some(failed), Some(again)) => format!("{} ({failed}, {again})", one.standing),
        (Some(failed), None) => format!("{} ({failed})", one.standing),
        _ => one.standing.to_owned(),
    }
}

/// Where all parks stand.
pub(super) async fn standings(context: &Context) -> Result<(), Failure> {
    let pool = context.pool().await?;
    let (_, found) = parks(&pool).await.map_err(Failure::fault)?;
    context.printer.result(&found, |found| {
        let mut rows: Vec<[String; 6]> = Vec::new();
        for park in found {
            let line = |scheme: String, standing: String, last: String| {
                let life = park.life.clone().unwrap_or_default();
                [park.park.clone(), park.name.clone(), life, scheme, standing, last]
            };
            if park.standings.is_empty() {
                rows.push(line(String::new(), "not evaluated".to_owned(), String::new()));
            }
            for one in &park.standings {
                let last = one.last_year.map_or_else(String::new, |year| year.to_string());
                rows.push(line(one.scheme.clone(), said(one), last));
            }
        }
        table(["park", "name", "featured", "scheme", "stands", "last year"], &rows)
    })
}

/// How one park came to stand where it does, and its life.
pub(super) async fn of_park(context: &Context, code: &str) -> Result<(), Failure> {
    let pool = context.pool().await?;
    if let Some(unknown) = unknown_park(&pool, Some(code)).await.map_err(Failure::fault)? {
        return Err(failure(ParkLifeError::Unknown(unknown)));
    }
    let found = park(&pool, code).await.map_err(Failure::fault)?;
    let Some(found) = found else { return Err(Failure::Refused(format!("no-such-park: {code} is gone"))) };
    context.printer.result(&found, |found| {
        let mut text = pairs(&[
            ("park", format!("{} {}", found.park.park, found.park.name)),
            ("leads with", found.park.leading_industries.join(", ")),
            ("featured", found.park.life.clone().unwrap_or_else(|| "never applied".to_owned())),
        ]);
        let rows: Vec<[String; 4]> = found
            .life_moves
            .iter()
            .map(|one| [one.on.to_string(), one.to.clone(), one.by.clone(), one.document.clone()])
            .collect();
        if !rows.is_empty() {
            text.push('\n');
            text.push_str(&table(["on", "featured", "by", "document"], &rows));
        }
        let rows: Vec<[String; 5]> = found
            .standing_moves
            .iter()
            .map(|one| {
                let number = |number: Option<i64>| number.map_or_else(String::new, |number| number.to_string());
                [
                    one.scheme.clone(),
                    number(one.year.map(i64::from)),
                    one.came_to.clone(),
                    one.to.clone(),
                    number(one.evaluation),
                ]
            })
            .collect();
        if !rows.is_empty() {
            text.push('\n');
            text.push_str(&table(["scheme", "year", "came to", "stands", "evaluation"], &rows));
        }
        text
    })
}
