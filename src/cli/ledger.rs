//! `landcycle ledger`: floor area against what plans and contracts allow, and how a year's figures reached the land, with
//! what did not.

use super::printer::{pairs, table};
use super::{Context, Failure};
use crate::domain::plot_ratio::{By, Known, Sums};
use crate::domain::quantity::{PlotRatio, SquareMetres};
use crate::domain::review::facts::{Measure, round};
use crate::flow::plot_ratio::{Ledger, ledger};
use crate::http::plot_ratio::document;
use crate::store::performance::{self, CityYear};
use clap::Subcommand;
use serde_json::{Map, Value, json};

/// Which ledger.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Plot ratios built, contracted, allowed and of reference, and the floor area that plans leave unused
    PlotRatio {
        /// By what it is summed: parcel, park, tier or district
        #[arg(long, value_parser = parse_by, default_value = "district")]
        by: By,
        /// Only this district
        #[arg(long, value_name = "CODE")]
        district: Option<String>,
        /// How many rows to list; the total covers all [default: 20 in a table by parcel, else all]
        #[arg(long)]
        limit: Option<usize>,
    },
    /// The figures of a year: what enterprises reported, what reached parcels, and what did not
    Figures {
        /// Which year
        #[arg(long)]
        year: i32,
    },
}

fn parse_by(word: &str) -> Result<By, String> {
    By::parse(word).ok_or_else(|| format!("expected one of {}", By::ALL.map(By::name).join(", ")))
}

/// How many parcels a table lists where nothing is said.
const USUAL_ROWS: usize = 20;

/// Runs the command.
pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let (pool, today) = (context.pool().await?, context.clock.today());
    match args.verb {
        Verb::PlotRatio { by, district, limit } => {
            let ledger = ledger(&pool, today, by, district.as_deref())
                .await
                .map_err(|error| if error.is_refusal() { Failure::refused(error) } else { Failure::fault(error) })?;
            if let (Some(code), 0) = (&district, ledger.total.parcels) {
                return Err(Failure::Refused(format!("district {code} has no parcel in the register")));
            }
            if context.printer.is_json() {
                let document = document(&ledger, None, limit.unwrap_or(usize::MAX));
                return context.printer.result(&document, |_| String::new());
            }
            context.printer.raw(plot_ratios(&ledger, limit).as_bytes())
        }
        Verb::Figures { year } => {
            let found = performance::of_city(&pool, year, today).await.map_err(Failure::fault)?;
            context.printer.result(&figures_document(year, &found), |_| figures(&found))
        }
    }
}

fn plot_ratios(ledger: &Ledger, limit: Option<usize>) -> String {
    let by_parcel = ledger.by == By::Parcel;
    let area = |area: SquareMetres| {
        if by_parcel { format!("{:.1}", area.value()) } else { format!("{:.2}", area.value() / 10_000.0) }
    };
    let ratio = |known: Known| known.ratio().map_or("unknown".to_owned(), |ratio| format!("{:.2}", ratio.value()));
    let judged = |sums: &Sums, of: SquareMetres| if sums.judged > 0 { area(of) } else { "unknown".to_owned() };
    let line = |sums: &Sums, code: &str| {
        [
            code.to_owned(),
            sums.name.clone().unwrap_or_default(),
            sums.parcels.to_string(),
            area(sums.land),
            if sums.built.parcels > 0 { area(sums.floor.built) } else { "unknown".to_owned() },
            ratio(sums.built),
            match (sums.contracted_low.ratio(), sums.contracted_high.ratio()) {
                (None, None) => "unknown".to_owned(),
                (low, high) => {
                    let text = |of: Option<PlotRatio>| of.map_or("…".to_owned(), |of| format!("{:.2}", of.value()));
                    format!("{}–{}", text(low), text(high))
                }
            },
            ratio(sums.allowed),
            ratio(sums.reference),
            judged(sums, sums.unused),
            judged(sums, sums.over),
            (sums.parcels - sums.judged).to_string(),
        ]
    };
    let most = limit.unwrap_or(if by_parcel { USUAL_ROWS } else { usize::MAX });
    let outside = |sums: &Sums| sums.code.clone().unwrap_or_else(|| "outside".to_owned());
    let mut rows: Vec<[String; 12]> = ledger.groups.iter().take(most).map(|sums| line(sums, &outside(sums))).collect();
    rows.push(line(&ledger.total, "total"));
    let unit = if by_parcel { "m²" } else { "万m²" };
    let [land, floor, unused, over] = ["land", "floor", "unused", "over plan"].map(|name| format!("{name} {unit}"));
    let mut text = table(
        [
            ledger.by.name(),
            "name",
            "parcels",
            &land,
            &floor,
            "built",
            "contracted",
            "allowed",
            "reference",
            &unused,
            &over,
            "not judged",
        ],
        &rows,
    );
    let more = ledger.groups.len().saturating_sub(most);
    if more > 0 {
        text.push_str(&format!("and {more} more; --limit lists them\n"));
    }
    text.push('\n');
    let floor = ledger.total.floor;
    let metres = |area: SquareMetres| format!("{:.0} m² ({:.2} 万m²)", area.value(), area.value() / 10_000.0);
    text.push_str(&pairs(&[
        ("day", ledger.day.to_string()),
        ("revision", ledger.revision.to_string()),
        ("floor area in use", metres(floor.used)),
        ("floor area empty", metres(floor.vacant)),
        ("floor area unexplained", metres(floor.unexplained())),
        ("floor area on no parcel", ledger.floor_on_no_parcel.map_or("not asked for".to_owned(), metres)),
        (
            "tall storeys",
            ledger.tall_storey_m.map_or("count once".to_owned(), |height| format!("above {height} m count twice")),
        ),
        ("reference", "of the class of land, by the rulebook; real projects exceed it, and it is no cap".to_owned()),
    ]));
    text
}

/// Of each measure: its name, what was reported, what reached parcels, what is paid elsewhere, what reached nothing.
fn accounts(found: &CityYear) -> Vec<(&'static str, [f64; 4])> {
    Measure::NAMES
        .into_iter()
        .enumerate()
        .map(|(index, name)| {
            let reached = found.spread.years.iter().map(|year| year.figures[index].sum).sum();
            let parts = [found.reported[index], reached, found.spread.elsewhere[index], found.spread.unplaced[index]];
            (name, parts.map(|part| round(part, 4)))
        })
        .collect()
}

fn figures(found: &CityYear) -> String {
    let rows: Vec<[String; 5]> = accounts(found)
        .into_iter()
        .map(|(name, [reported, reached, elsewhere, unplaced])| {
            let text = |figure: f64| format!("{figure:.2}");
            [name.to_owned(), text(reported), text(reached), text(elsewhere), text(unplaced)]
        })
        .collect();
    let mut text = table(["figure", "reported", "on parcels", "paid elsewhere", "unplaced"], &rows);
    text.push_str(&format!(
        "\n{} enterprises reported; {} of them used no parcel of the register in that year, and their figures are unplaced\n",
        found.enterprises, found.spread.enterprises_unplaced
    ));
    text
}

fn figures_document(year: i32, found: &CityYear) -> Value {
    let figures: Map<String, Value> = accounts(found)
        .into_iter()
        .map(|(name, [reported, on_parcels, elsewhere, unplaced])| {
            let one = json!({
                "reported": reported, "on_parcels": on_parcels, "paid_elsewhere": elsewhere, "unplaced": unplaced,
            });
            (name.to_owned(), one)
        })
        .collect();
    json!({
        "revision": found.revision,
        "year": year,
        "enterprises": found.enterprises,
        "enterprises_unplaced": found.spread.enterprises_unplaced,
        "figures": figures,
    })
}
