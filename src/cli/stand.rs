//! `landcycle stand`: where land stands in the plan, in the terminal.

use super::printer::{pairs, table};
use super::{Context, Failure, paper};
use crate::domain::id::ParcelCode;
use crate::domain::moment::Moment;
use crate::flow::paper::of_standing;
use crate::flow::standing::{self, Place};
use crate::flow::{small, write_picture};
use crate::http::standing::{Document, Measure, Shared, document};
use geojson::GeoJson;
use std::path::{Path, PathBuf};

/// The largest file of an area, as `landcycle query` takes it.
const MAX_AREA_BYTES: u64 = 64 << 20;

/// What is asked about.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("place").required(true).args(["parcel", "area", "at"]))]
pub struct Args {
    /// A parcel, by its code
    #[arg(long, value_name = "CODE")]
    parcel: Option<String>,
    /// A GeoJSON file with a polygon or multipolygon
    #[arg(long, value_name = "FILE")]
    area: Option<PathBuf>,
    /// A place, or at least three corners of an area in their order: longitude,latitude; --at=-71.1,42.3 for the west
    #[arg(long, value_name = "LON,LAT", num_args = 1.., value_parser = parse_place)]
    at: Vec<[f64; 2]>,
    /// The day whose law is asked for [default: today]
    #[arg(long, value_name = "DATE")]
    valid_at: Option<String>,
    /// What the register believed at that time, or at the end of that day [default: now]
    #[arg(long, value_name = "TIME")]
    known_at: Option<String>,
    /// Draw it into this file, with the layers around it
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Write the answer into this file too: .geojson with the land, or .xlsx to print
    #[arg(long, value_name = "FILE", value_parser = paper::parse)]
    out: Option<PathBuf>,
}

fn parse_place(text: &str) -> Result<[f64; 2], String> {
    let numbers: Option<Vec<f64>> = text.split(',').map(|part| part.trim().parse().ok()).collect();
    match numbers.as_deref() {
        Some([lon, lat]) => Ok([*lon, *lat]),
        _ => Err("expected two numbers: longitude,latitude".to_owned()),
    }
}

/// Runs the command.
pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let moment =
        Moment::parse(args.valid_at.as_deref(), args.known_at.as_deref(), context.clock.today(), context.clock.now())
            .map_err(|error| Failure::Usage(error.to_string()))?;
    let place = match (&args.parcel, &args.area) {
        (Some(code), _) => Place::Parcel(ParcelCode::parse(code).map_err(Failure::refused)?.as_str().to_owned()),
        (None, Some(path)) => read_area(path)?,
        (None, None) if args.at.len() == 2 => {
            return Err(Failure::Usage("--at has two places; expected one, or at least three corners".to_owned()));
        }
        (None, None) => Place::of_corners(&args.at).map_err(Failure::refused)?,
    };
    let pool = context.pool().await?;
    let answer = match &args.svg {
        None => standing::stand(&pool, place, moment).await.map_err(Failure::fault)?,
        Some(path) => match standing::draw(&pool, place, moment).await.map_err(Failure::fault)? {
            None => None,
            Some((answer, picture)) => {
                write_picture(path, &picture).map_err(Failure::refused)?;
                Some(answer)
            }
        },
    };
    let Some(answer) = answer else {
        let code = args.parcel.unwrap_or_default();
        return Err(Failure::Refused(format!("no parcel {code} is law on {}", moment.valid_at)));
    };
    paper::write(context, || of_standing(&answer), args.out).await?;
    context.printer.result(&document(&answer), people)
}

/// The area of a GeoJSON file.
pub(super) fn read_area(path: &Path) -> Result<Place, Failure> {
    let text = small::read(path, MAX_AREA_BYTES)
        .map_err(|error| Failure::Refused(format!("{} could not be read: {error}", path.display())))?;
    let document: GeoJson =
        text.parse().map_err(|error| Failure::Refused(format!("{} is no GeoJSON: {error}", path.display())))?;
    Place::of_geojson(&document).map_err(Failure::refused)
}

fn people(it: &Document) -> String {
    let part = |part: &Measure| format!("{:.2} m²  {:.2} %", part.area_m2, part.percent);
    let mut text = pairs(&[
        ("revision", it.revision.to_string()),
        ("law of", it.valid_at.to_string()),
        ("land", it.parcel.clone().unwrap_or_else(|| "as given".to_owned())),
        ("area", format!("{:.2} m²", it.area_m2)),
        ("产业基地 base", part(&it.parts.base)),
        ("产业社区 community", part(&it.parts.community)),
        ("零星 fragmented", part(&it.parts.fragmented)),
        ("锁定 locked", part(&it.parts.locked)),
        ("tier", format!("{}, decided by a share of {} %", it.tier, it.deciding_percent)),
        ("locked", if it.locked { "yes".to_owned() } else { "no".to_owned() }),
        (
            "on a border",
            format!("{}, {} % are let pass", if it.on_border { "yes" } else { "no" }, it.tolerance_percent),
        ),
    ]);
    for finding in &it.findings {
        text.push_str(&format!("\n{}\n  {}\n  {}\n", finding.code, finding.zh, finding.en));
    }
    if !it.overlaps.is_empty() {
        text.push('\n');
        let rows: Vec<[String; 7]> = it.overlaps.iter().map(row).collect();
        text.push_str(&table(["layer", "code", "name", "what", "m²", "%", "document and days"], &rows));
    }
    text
}

fn row(one: &Shared) -> [String; 7] {
    let layer = serde_json::to_value(one.layer).ok().and_then(|word| word.as_str().map(str::to_owned));
    let bound = |ratio: Option<f64>| ratio.map(|ratio| ratio.to_string()).unwrap_or_default();
    let what = match (one.tier, &one.class, &one.uses) {
        (Some(tier), ..) => format!("{tier}{}", if one.locked { ", locked" } else { "" }),
        (None, Some(class), _) => class.clone(),
        (None, None, uses) => uses
            .iter()
            .flatten()
            .map(|it| match (it.plot_ratio_low, it.plot_ratio_high) {
                (None, None) => it.land_use.clone(),
                (low, high) => format!("{} {}–{}", it.land_use, bound(low), bound(high)),
            })
            .collect::<Vec<_>>()
            .join("; "),
    };
    let until = one.valid_to.map_or_else(|| "open".to_owned(), |day| day.to_string());
    let decided = one.decided_on.map_or_else(String::new, |day| format!(", decided {day}"));
    [
        layer.unwrap_or_default(),
        one.code.clone(),
        one.name.clone(),
        what,
        format!("{:.2}", one.part.area_m2),
        format!("{:.2}", one.part.percent),
        format!("{} {} – {until}{decided}", one.document.as_deref().unwrap_or("no document"), one.valid_from),
    ]
}
