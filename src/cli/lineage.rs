//! `landcycle lineage`: split, merge, adjust and retire parcels on a document, and read how a parcel came to be.

use super::printer::{pairs, table};
use super::{Context, Failure, parse_code, parse_day};
use crate::domain::finding::Severity;
use crate::flow::lineage::{Kind, LineageError, Order, Plan, act};
use crate::store::lineage::family::{self, Lay, Lineage, Past};
use chrono::NaiveDate;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// What to do.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Split a parcel along a line or into given lots
    #[command(group = clap::ArgGroup::new("drawing").required(true))]
    Split {
        /// The parcel
        #[arg(value_parser = parse_code)]
        code: String,
        /// A GeoJSON file with the line of the cut, longitude and latitude
        #[arg(long, value_name = "FILE", group = "drawing")]
        cut: Option<PathBuf>,
        /// A GeoJSON file with the new lots; parcel_code and registered_area_m2 may stand on each
        #[arg(long, value_name = "FILE", group = "drawing")]
        into: Option<PathBuf>,
        #[command(flatten)]
        paper: Paper,
        #[command(flatten)]
        choices: Choices,
    },
    /// Merge parcels into one
    Merge {
        /// The parcels
        #[arg(required = true, num_args = 2.., value_parser = parse_code)]
        parcels: Vec<String>,
        /// Merge although they do not touch
        #[arg(long)]
        apart: bool,
        #[command(flatten)]
        paper: Paper,
        #[command(flatten)]
        choices: Choices,
    },
    /// Move the boundaries between parcels
    Adjust {
        /// A GeoJSON file with the parcels in their new bounds, parcel_code on each
        #[arg(long, value_name = "FILE")]
        into: PathBuf,
        #[command(flatten)]
        paper: Paper,
        #[command(flatten)]
        choices: Choices,
    },
    /// End a parcel that has no successor, such as one that became a road
    Retire {
        /// The parcels
        #[arg(required = true, value_parser = parse_code)]
        parcels: Vec<String>,
        #[command(flatten)]
        paper: Paper,
        #[command(flatten)]
        choices: Choices,
    },
    /// Show the ancestors and descendants of a parcel
    Show {
        /// The parcel
        #[arg(value_parser = parse_code)]
        code: String,
    },
    /// List every parcel that ever lay at a place
    At {
        /// Longitude and latitude: 121.5,31.2
        #[arg(value_name = "LON,LAT", allow_hyphen_values = true)]
        place: String,
    },
}

/// What an event hangs on.
#[derive(Debug, clap::Args)]
struct Paper {
    /// The document it hangs on
    #[arg(long)]
    document: String,
    /// The legal day: parents are law until the day before, children from it
    #[arg(long, value_name = "DATE", value_parser = parse_day)]
    on: NaiveDate,
    /// Its cause [default: the document]
    #[arg(long)]
    ground: Option<String>,
    /// Plan only: areas, codes and what becomes of every duty
    #[arg(long)]
    dry_run: bool,
}

/// What a plan can not decide by itself.
#[derive(Debug, clap::Args)]
struct Choices {
    /// Codes of the new parcels, from west to east or as drawn [default: the next free serials]
    #[arg(long, value_name = "CODE,…", value_delimiter = ',', value_parser = parse_code)]
    codes: Vec<String>,
    /// Discharge a contract, an obligation, a bond (CONTRACT/PART) or `all`, with the ground
    #[arg(long = "discharge", value_name = "NUMBER=GROUND", value_parser = pair)]
    discharges: Vec<(String, String)>,
    /// The new parcel on which a building without a shape stands
    #[arg(long = "building", value_name = "BUILDING=CODE", value_parser = pair)]
    buildings: Vec<(String, String)>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    let (name, value) = (name.trim(), value.trim());
    if name.is_empty() || value.is_empty() {
        return Err("expected a number or code, =, and what is said of it".to_owned());
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// Runs the command.
pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    match args.verb {
        Verb::Split { code, cut, into, paper, choices } => {
            event(context, Order { cut, into, ..order(Kind::Split, vec![code], paper, choices) }).await
        }
        Verb::Merge { parcels, apart, paper, choices } => {
            event(context, Order { apart, ..order(Kind::Merge, parcels, paper, choices) }).await
        }
        Verb::Adjust { into, paper, choices } => {
            event(context, Order { into: Some(into), ..order(Kind::Adjust, Vec::new(), paper, choices) }).await
        }
        Verb::Retire { parcels, paper, choices } => event(context, order(Kind::Retire, parcels, paper, choices)).await,
        Verb::Show { code } => show(context, &code).await,
        Verb::At { place } => at(context, &place).await,
    }
}

fn order(kind: Kind, parcels: Vec<String>, paper: Paper, choices: Choices) -> Order {
    Order {
        kind,
        parcels,
        cut: None,
        into: None,
        on: paper.on,
        document: paper.document,
        ground: paper.ground,
        codes: choices.codes,
        apart: false,
        discharges: choices.discharges.into_iter().collect(),
        buildings: choices.buildings.into_iter().collect(),
        dry_run: paper.dry_run,
    }
}

async fn event(context: &Context, order: Order) -> Result<(), Failure> {
    let pool = context.pool().await?;
    match act(&pool, context.clock, &context.actor(), &order).await {
        Ok(plan) => context.printer.result(&plan, people),
        Err(LineageError::Refused(plan)) => {
            if context.printer.is_json() {
                context.printer.result(&plan, |_| String::new())?;
            }
            Err(Failure::Refused(LineageError::Refused(plan).to_string()))
        }
        Err(error @ LineageError::Drawing(_)) => Err(Failure::refused(error)),
        Err(error) => Err(Failure::fault(error)),
    }
}

fn people(plan: &Plan) -> String {
    let metres = |area: f64| format!("{area:.2}");
    let state = match (plan.id, plan.revision) {
        (Some(id), Some(revision)) => format!("event {id}, revision {revision}"),
        _ => "planned, nothing was stored".to_owned(),
    };
    let mut text = pairs(&[
        (plan.event.kind.name(), state),
        ("on", plan.event.on.to_string()),
        ("document", plan.event.document.clone()),
        ("ground", plan.event.ground.clone()),
        ("area before", format!("{} m²", metres(plan.area_in_m2))),
        ("area after", format!("{} m²", metres(plan.area_out_m2))),
    ]);
    let parents = plan
        .parents
        .iter()
        .map(|one| ["before".to_owned(), one.code.clone(), metres(one.area_m2), one.land_use.clone(), String::new()]);
    let children = plan.children.iter().map(|one| {
        let [x, y] = one.place;
        ["after".to_owned(), one.code.clone(), metres(one.area_m2), String::new(), format!("{x:.6} {y:.6}")]
    });
    text.push('\n');
    text.push_str(&table(["", "parcel", "m²", "use", "place"], &parents.chain(children).collect::<Vec<_>>()));
    let none = || "–".to_owned();
    let duties: Vec<[String; 7]> = plan
        .duties
        .iter()
        .map(|one| {
            [
                one.thing.name().to_owned(),
                one.from_number.clone(),
                one.treatment.name().to_owned(),
                one.to_number
                    .as_ref()
                    .zip(one.to_parcel.as_ref())
                    .map_or_else(none, |(number, parcel)| format!("{number} on {parcel}")),
                one.figure().unwrap_or_default(),
                one.whole.map_or_else(String::new, |whole| whole.to_string()),
                one.share.map(|share| share.to_string()).or(one.ground.clone()).unwrap_or_default(),
            ]
        })
        .collect();
    if !duties.is_empty() {
        text.push('\n');
        text.push_str(&table(["what", "number", "is", "as", "figure", "whole", "share or ground"], &duties));
    }
    for finding in plan.findings.iter().filter(|finding| finding.severity == Severity::Warning) {
        text.push_str(&format!("\nwarning: {}", finding.sentence()));
    }
    text
}

async fn show(context: &Context, code: &str) -> Result<(), Failure> {
    let pool = context.pool().await?;
    let mut connection = pool.acquire().await.map_err(Failure::fault)?;
    let found = family::of(&mut connection, code.trim()).await.map_err(Failure::fault)?;
    let Some(lineage) = found else {
        return Err(Failure::Refused(format!("{code:?} is no parcel of the register, neither law nor historic")));
    };
    context.printer.result(&lineage, tree)
}

/// The parcel in the middle, what it came from above and what became of it below.
fn tree(lineage: &Lineage) -> String {
    let mut text = String::new();
    if lineage.events.is_empty() {
        return format!("{}: no event on record\n", lineage.code);
    }
    text.push_str("came from\n");
    let behind = text.len();
    branch(&mut text, lineage, &lineage.code, None, 1, true, &mut BTreeSet::new());
    if text.len() == behind {
        text.push_str("  an import: no event began it\n");
    }
    let state = if lineage.ended_by.is_some() { "historic" } else { "not ended" };
    text.push_str(&format!("{} ({state})\n", lineage.code));
    branch(&mut text, lineage, &lineage.code, None, 1, false, &mut BTreeSet::new());
    text
}

fn branch(
    text: &mut String,
    lineage: &Lineage,
    code: &str,
    from: Option<i64>,
    depth: usize,
    up: bool,
    seen: &mut BTreeSet<i64>,
) {
    let touches = |event: &&Past| {
        let linked = event.links.iter().any(|link| if up { link.child == code } else { link.parent == code });
        let ended = !up && event.links.is_empty() && event.parties.iter().any(|one| one.code == code);
        let is_further = from.is_none_or(|from| if up { event.id < from } else { event.id > from });
        (linked || ended) && is_further
    };
    let mut events: Vec<&Past> = lineage.events.iter().filter(touches).collect();
    if up {
        events.reverse();
    }
    for event in events {
        if !seen.insert(event.id) {
            continue;
        }
        let indent = "  ".repeat(depth);
        text.push_str(&format!("{indent}{} on {}: {}\n", event.kind, event.on, event.document));
        for link in event.links.iter().filter(|link| if up { link.child == code } else { link.parent == code }) {
            let other = if up { &link.parent } else { &link.child };
            text.push_str(&format!("{indent}  {other} {:.2} m²\n", link.area_m2));
            if other != code {
                branch(text, lineage, other, Some(event.id), depth + 2, up, seen);
            }
        }
    }
}

async fn at(context: &Context, place: &str) -> Result<(), Failure> {
    let numbers: Result<Vec<f64>, _> = place.split(',').map(|part| part.trim().parse()).collect();
    let Ok(&[longitude, latitude]) = numbers.as_deref() else {
        return Err(Failure::Usage(format!("{place:?}; expected two numbers: longitude,latitude")));
    };
    if !((-180.0..=180.0).contains(&longitude) && (-90.0..=90.0).contains(&latitude)) {
        return Err(Failure::Usage(format!("{place:?} is off the globe; expected longitude,latitude in degrees")));
    }
    let pool = context.pool().await?;
    let mut connection = pool.acquire().await.map_err(Failure::fault)?;
    let found = family::at(&mut connection, longitude, latitude).await.map_err(Failure::fault)?;
    context.printer.result(&found, |found| lays(found))
}

fn lays(found: &[Lay]) -> String {
    let day = |day: Option<NaiveDate>, open: &str| day.map_or(open.to_owned(), |day| day.to_string());
    let rows: Vec<[String; 6]> = found
        .iter()
        .map(|one| {
            [
                one.code.clone(),
                day(one.valid_from, "the start"),
                day(one.valid_to, "today"),
                one.land_use.clone(),
                format!("{:.2}", one.area_m2),
                one.ended_by.clone().unwrap_or_default(),
            ]
        })
        .collect();
    if rows.is_empty() {
        return "no parcel of the register ever lay there\n".to_owned();
    }
    table(["parcel", "from", "until", "use", "m²", "ended by"], &rows)
}
