//! `landcycle query`: the parcels of an area with a summary, in the terminal.

use super::printer::{pairs, table};
use super::{Context, Failure};
use crate::atlas::{Hits, Selection, Snapshot, Summary, Tally};
use crate::domain::moment::Moment;
use crate::domain::quantity::{PlotRatio, SquareMetres};
use crate::flow::small;
use crate::flow::{moment, refresh, rules};
use chrono::Months;
use clap::ValueEnum;
use geojson::GeoJson;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// The largest file of an area: 100,000 vertices take some 4 MB, and few draw more.
const MAX_AREA_BYTES: u64 = 64 << 20;

/// Which area.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A box: west,south,east,north in degrees of longitude and latitude
    #[arg(long, value_name = "W,S,E,N", conflicts_with = "area", allow_hyphen_values = true)]
    bbox: Option<String>,
    /// A GeoJSON file with a polygon or multipolygon
    #[arg(long, value_name = "FILE")]
    area: Option<PathBuf>,
    /// The day whose law is asked for [default: today]
    #[arg(long, value_name = "DATE")]
    valid_at: Option<String>,
    /// What the register believed at that time, or at the end of that day [default: now]
    #[arg(long, value_name = "TIME")]
    known_at: Option<String>,
    /// How many parcels to list; the summary covers all [default: 20 in a table, all in GeoJSON]
    #[arg(long)]
    limit: Option<usize>,
    /// How to print them
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Table,
    /// A GeoJSON feature collection
    Geojson,
}

/// How many parcels a table lists where nothing is said.
const USUAL_ROWS: usize = 20;

/// Runs the command.
pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let selection = match (&args.bbox, &args.area) {
        (Some(text), _) => Some(bbox(text)?),
        (None, Some(path)) => Some(area(path)?),
        (None, None) => None,
    };
    let today = context.clock.today();
    let asked = Moment::parse(args.valid_at.as_deref(), args.known_at.as_deref(), today, context.clock.now())
        .map_err(|error| Failure::Usage(error.to_string()))?;
    let pool = context.pool().await?;
    let snapshot = if asked == Moment::on(today) {
        refresh::snapshot(&pool, context.clock).await
    } else {
        let within = selection.as_ref().map(|selection| {
            let edges = selection.bounds();
            [edges.west, edges.south, edges.east, edges.north]
        });
        moment::snapshot_at(&pool, asked, within).await
    };
    let snapshot = snapshot.map_err(Failure::fault)?;
    let hits = selection.map_or_else(|| snapshot.all(), |selection| snapshot.search(&selection));
    let today = asked.valid_at;
    let expiring = {
        let rulebook = moment::rulebook(&pool, asked.known_at).await.map_err(Failure::fault)?;
        rules::expiry(&rulebook, today).map_err(Failure::fault)?
    };
    let summary = snapshot.summary(&hits, today, expiring);
    if args.format == Format::Geojson || context.printer.is_json() {
        let document = collection(&snapshot, &hits, &summary, args.limit.unwrap_or(usize::MAX));
        return context.printer.raw(format!("{document}\n").as_bytes());
    }
    context.printer.raw(people(&snapshot, &hits, &summary, expiring, args.limit.unwrap_or(USUAL_ROWS)).as_bytes())
}

fn bbox(text: &str) -> Result<Selection, Failure> {
    let numbers: Result<Vec<f64>, _> = text.split(',').map(|part| part.trim().parse()).collect();
    let Ok(&[west, south, east, north]) = numbers.as_deref() else {
        return Err(Failure::Usage(format!("--bbox {text:?}; expected four numbers: west,south,east,north")));
    };
    Selection::bbox(west, south, east, north).map_err(|error| Failure::Usage(format!("--bbox {text}: {error}")))
}

fn area(path: &Path) -> Result<Selection, Failure> {
    let text = small::read(path, MAX_AREA_BYTES)
        .map_err(|error| Failure::Refused(format!("{} could not be read: {error}", path.display())))?;
    let document: GeoJson =
        text.parse().map_err(|error| Failure::Refused(format!("{} is no GeoJSON: {error}", path.display())))?;
    Selection::geojson(&document).map_err(Failure::refused)
}

fn people(snapshot: &Snapshot, hits: &Hits, summary: &Summary, expiring: Months, limit: usize) -> String {
    let mu = |area: SquareMetres| area.to_mu().value();
    let ratio = |ratio: Option<PlotRatio>| ratio.map_or("unknown".to_owned(), |ratio| format!("{:.2}", ratio.value()));
    let tally = |one: &Tally| format!("{} ({:.1} ha)", one.count, one.area.to_hectares().value());
    let list = |parts: Vec<String>| if parts.is_empty() { "none".to_owned() } else { parts.join(", ") };
    let ending = format!("term ends within {} months", expiring.as_u32());
    let mut text = pairs(&[
        ("revision", snapshot.revision().to_string()),
        ("parcels", summary.total.count.to_string()),
        (
            "area",
            format!(
                "{:.0} m², {:.2} ha, {:.1} mu",
                summary.total.area.value(),
                summary.total.area.to_hectares().value(),
                mu(summary.total.area)
            ),
        ),
        ("floor area", summary.floor_area.map_or("unknown".to_owned(), |area| format!("{:.0} m²", area.value()))),
        ("plot ratio built", ratio(summary.plot_ratio_built)),
        ("plot ratio allowed", ratio(summary.plot_ratio_allowed)),
        (
            "grades",
            list(
                summary
                    .by_grade
                    .iter()
                    .filter(|(_, one)| one.count > 0)
                    .map(|(grade, one)| format!("{} {}", grade.map_or("none", |grade| grade.name()), tally(one)))
                    .collect(),
            ),
        ),
        ("tiers", list(summary.by_tier.iter().map(|(tier, one)| format!("{} {}", tier.name(), tally(one))).collect())),
        ("land use", list(summary.by_land_use.iter().map(|(code, one)| format!("{code} {}", tally(one))).collect())),
        ("districts", list(summary.by_district.iter().map(|(code, one)| format!("{code} {}", tally(one))).collect())),
        (&ending, summary.expiring.to_string()),
    ]);
    let rows: Vec<[String; 7]> = hits
        .indices()
        .iter()
        .take(limit)
        .map(|index| {
            let parcel = snapshot.parcel(*index);
            [
                parcel.code().to_owned(),
                parcel.tier().name().to_owned(),
                parcel.land_use().to_owned(),
                format!("{:.1}", mu(parcel.area())),
                ratio(parcel.plot_ratio_built()),
                parcel.grade().map_or("none", |grade| grade.name()).to_owned(),
                parcel.outcome().unwrap_or_default().to_owned(),
            ]
        })
        .collect();
    if !rows.is_empty() {
        text.push('\n');
        text.push_str(&table(["parcel", "tier", "use", "mu", "plot ratio", "grade", "outcome"], &rows));
    }
    let more = hits.len().saturating_sub(limit);
    if more > 0 {
        text.push_str(&format!("and {more} more; --limit lists them\n"));
    }
    text
}

fn collection(snapshot: &Snapshot, hits: &Hits, summary: &Summary, limit: usize) -> Value {
    fn tallies<'a, K: ToString + 'a>(book: impl IntoIterator<Item = (K, &'a Tally)>) -> Value {
        let one = |tally: &Tally| json!({ "count": tally.count, "area_m2": tally.area.value() });
        Value::Object(book.into_iter().map(|(key, tally)| (key.to_string(), one(tally))).collect::<Map<_, _>>())
    }
    let features: Vec<Value> = hits
        .indices()
        .iter()
        .take(limit)
        .map(|index| {
            let parcel = snapshot.parcel(*index);
            let polygons: Vec<Vec<&[[f64; 2]]>> =
                parcel.shape().polygons().map(|polygon| polygon.rings().collect()).collect();
            json!({
                "type": "Feature",
                "id": parcel.code(),
                "geometry": { "type": "MultiPolygon", "coordinates": polygons },
                "properties": {
                    "parcel_code": parcel.code(),
                    "tier": parcel.tier().name(),
                    "land_use": parcel.land_use(),
                    "area_m2": parcel.area().value(),
                    "plot_ratio_built": parcel.plot_ratio_built().map(PlotRatio::value),
                    "grade": parcel.grade().map(|grade| grade.name()),
                    "outcome": parcel.outcome(),
                },
            })
        })
        .collect();
    json!({
        "type": "FeatureCollection",
        "revision": snapshot.revision(),
        "summary": {
            "count": summary.total.count,
            "area_m2": summary.total.area.value(),
            "floor_area_m2": summary.floor_area.map(SquareMetres::value),
            "by_grade": tallies(summary.by_grade.iter().map(|(grade, t)| (grade.map_or("none", |grade| grade.name()), t))),
            "by_tier": tallies(summary.by_tier.iter().map(|(tier, t)| (tier.name(), t))),
            "by_land_use": tallies(&summary.by_land_use),
            "by_district": tallies(&summary.by_district),
        },
        "features": features,
    })
}
