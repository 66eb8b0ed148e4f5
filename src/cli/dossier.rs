//! `landcycle dossier`: all that the register knows of one parcel, at any moment, in the terminal.

use super::printer::{pairs, table};
use super::{Context, Failure, parse_code};
use crate::domain::moment::Moment;
use crate::flow::dossier::{self, File};
use crate::http::contract::{Bond, Obligation};
use crate::http::parcel::{Dossier, wire};
use chrono::NaiveDate;

/// Which parcel, and when.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The parcel
    #[arg(value_parser = parse_code)]
    code: String,
    /// The day whose law is asked for [default: today]
    #[arg(long, value_name = "DATE")]
    valid_at: Option<String>,
    /// What the register believed at that time, or at the end of that day [default: now]
    #[arg(long, value_name = "TIME")]
    known_at: Option<String>,
}

/// Runs the command.
pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let today = context.clock.today();
    let moment = Moment::parse(args.valid_at.as_deref(), args.known_at.as_deref(), today, context.clock.now())
        .map_err(|error| Failure::Usage(error.to_string()))?;
    let pool = context.pool().await?;
    let file = dossier::read(&pool, &args.code, moment, today).await.map_err(Failure::fault)?;
    let Some(file) = file else {
        let when = moment.known_at.map_or_else(String::new, |time| format!(" at {time}"));
        return Err(Failure::Refused(format!("the register knows of no parcel {}{when}", args.code)));
    };
    let history = history(&file);
    let dossier = wire(file, moment);
    if context.printer.is_json() {
        let text = serde_json::to_string(&dossier).map_err(Failure::fault)?;
        return context.printer.raw(format!("{text}\n").as_bytes());
    }
    context.printer.raw(format!("{}{history}", people(&dossier)).as_bytes())
}

/// The head of the file and its contracts.
fn people(dossier: &Dossier) -> String {
    let parcel = &dossier.parcel;
    let known = |text: &Option<String>| text.clone().unwrap_or_else(|| "unknown".to_owned());
    let ratio = |ratio: Option<f64>| ratio.map_or_else(|| "unknown".to_owned(), |ratio| format!("{ratio:.2}"));
    let day = |day: Option<NaiveDate>| day.map_or_else(|| "open".to_owned(), |day| day.to_string());
    let law = if parcel.in_force { "" } else { ", not law on this day" };
    let mut text = pairs(&[
        ("parcel", parcel.code.clone()),
        ("on", format!("{}{law}", dossier.valid_at)),
        ("known", dossier.known_at.map_or_else(|| "now".to_owned(), |time| time.to_rfc3339())),
        ("valid", format!("{} – {}", day(parcel.valid_from), day(parcel.valid_to))),
        ("district", known(&parcel.district_name.clone().or_else(|| Some(parcel.district.clone())))),
        ("park", parcel.park_name.clone().or_else(|| parcel.park.clone()).unwrap_or_else(|| "none".to_owned())),
        ("tier", format!("{}{}", parcel.tier, if parcel.locked { ", locked" } else { "" })),
        ("land use", format!("{} ({})", parcel.land_use, parcel.land_use_scheme)),
        ("area", format!("{:.2} m², {:.2} mu", parcel.area_m2, parcel.area_mu)),
        (
            "plot ratio",
            format!("built {}, allowed {}", ratio(parcel.plot_ratio_built), ratio(parcel.plot_ratio_allowed)),
        ),
        (
            "state",
            dossier.life.as_ref().map_or_else(
                || "not on record".to_owned(),
                |life| format!("{} ({}) since {}", life.title.zh, life.state.name(), life.since),
            ),
        ),
        (
            "grade",
            dossier.review.as_ref().map_or_else(
                || "none".to_owned(),
                |review| {
                    let again = review.objection.map(|id| format!(", judged again after objection {id} was upheld"));
                    format!("{} (run {}, {}){}", review.grade, review.run_id, review.state, again.unwrap_or_default())
                },
            ),
        ),
    ]);
    for contract in &dossier.contracts {
        let price = contract.price_wan_yuan.map_or_else(String::new, |price| format!(", {price} 万元"));
        text.push_str(&format!(
            "\ncontract {} ({}), term {} – {}{price}; contract track: {}, idle track: {}\n",
            contract.number,
            contract.kind,
            day(contract.term_starts_on),
            day(contract.term_ends_on),
            contract.contract_track.state.replace('_', " "),
            contract.idle_track.state.replace('_', " "),
        ));
        if let Some((by, on)) = contract.granted_by.as_ref().zip(contract.granted_on) {
            text.push_str(&format!("a lease until it was granted by {by} on {on}\n"));
        }
        if !contract.amended_by.is_empty() {
            text.push_str(&format!("amended by {}\n", contract.amended_by.join(", ")));
        }
        let bonds: Vec<[String; 4]> = contract.bonds.iter().map(bond).collect();
        if !bonds.is_empty() {
            text.push_str(&table(["bond", "万元", "due", "state"], &bonds));
        }
        let rows: Vec<[String; 4]> = contract.obligations.iter().flat_map(obligation).collect();
        if !rows.is_empty() {
            text.push_str(&table(["obligation", "due", "clock", "how"], &rows));
        }
    }
    text
}

/// A part of a bond: whether it is owed, and since which demand.
fn bond(one: &Bond) -> [String; 4] {
    let since = one.demanded_on.zip(one.days_since_demand);
    let settled = one.settlement.zip(one.settled_on).map(|(how, on)| format!(": {} on {on}", how.replace('_', " ")));
    let owed = since.map(|(on, days)| format!(", demanded on {on}, {days} days ago"));
    [
        one.part.to_owned(),
        one.amount_wan_yuan.map_or_else(String::new, |amount| amount.to_string()),
        one.due_on.map_or_else(String::new, |day| day.to_string()),
        format!("{}{}", one.state.replace('_', " "), settled.or(owed).unwrap_or_default()),
    ]
}

/// An obligation, and below it the years of it that are over.
fn obligation(one: &Obligation) -> Vec<[String; 4]> {
    let kind = one.kind.replace('_', " ");
    let state = |zh: &str, state: &str, late: Option<i64>, met: Option<NaiveDate>, known: Option<&str>| {
        let late = late.map_or_else(String::new, |days| format!(", {days} days late"));
        let met = met.map_or_else(String::new, |day| format!(", on {day}"));
        let inferred = if known == Some("inferred") { " by decision" } else { "" };
        format!("{zh} ({}{late}{met}{inferred})", state.replace('_', " "))
    };
    let due = one.due_on.map_or_else(String::new, |day| day.to_string());
    let clock = state(one.clock.state_zh, one.clock.state, one.late_days, one.met_on, one.met_on_is);
    let mut rows = vec![[kind.clone(), due, clock, one.clock.how.zh.clone()]];
    rows.extend(one.years.iter().map(|year| {
        let figure = year.achieved.map_or_else(
            || "no figure is recorded".to_owned(),
            |achieved| {
                let (unit, bound) =
                    (one.unit.as_deref().unwrap_or_default(), one.comparator.as_deref().unwrap_or_default());
                let target = one.target.map_or_else(String::new, |target| format!(", agreed {bound} {target}"));
                format!("{achieved} {unit}{target}")
            },
        );
        [
            format!("{kind} {}", year.year),
            year.due_on.to_string(),
            state(year.state_zh, year.state, year.late_days, year.met_on, year.met_on_is),
            figure,
        ]
    }));
    rows
}

fn history(file: &File) -> String {
    let rows: Vec<[String; 7]> = file
        .timeline
        .iter()
        .map(|entry| {
            [
                format!("{}{}", entry.on, if entry.to_come { " →" } else { "" }),
                entry.zh.clone(),
                entry.en.clone(),
                entry.reference.clone().unwrap_or_default(),
                entry.document.clone().unwrap_or_default(),
                entry.rule.as_ref().map_or_else(String::new, |rule| rule.source.clone()),
                entry.money.iter().flatten().map(|money| money.words.en.clone()).collect::<Vec<_>>().join("; "),
            ]
        })
        .collect();
    if rows.is_empty() {
        return "\nno day of its history is on record\n".to_owned();
    }
    format!("\n{}", table(["day", "事项", "what happened", "of", "document", "rule", "money"], &rows))
}
