//! `landcycle query`: the parcels of an area with a summary, in the terminal.

use super::printer::{pairs, table};
use super::{Context, Failure};
use crate::atlas::{ParcelRef, Relation, Selection, Snapshot, Sort, Stored, Summary, Tally};
use crate::domain::filter::{Filter, Kind, Value as Held};
use crate::domain::moment::Moment;
use crate::domain::quantity::{PlotRatio, SquareMetres};
use crate::domain::queryable::Queryable;
use crate::flow::found::{FORMATS, Found};
use crate::flow::{self, moment, refresh, rules, small};
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
    #[arg(long, value_name = "W,S,E,N", group = "place", allow_hyphen_values = true)]
    bbox: Option<String>,
    /// A GeoJSON file with a polygon or multipolygon
    #[arg(long, value_name = "FILE", group = "place")]
    area: Option<PathBuf>,
    /// A circle: longitude and latitude of its centre in degrees, and its radius in metres
    #[arg(long, value_name = "LON,LAT,METRES", group = "place", allow_hyphen_values = true)]
    circle: Option<String>,
    /// An area of the register, such as district=310115, park=P1 or zone=Z1
    #[arg(long, value_name = "KIND=CODE", group = "place", value_parser = stored)]
    within: Option<(Stored, String)>,
    /// How parcels lie in it: intersects, within, or the least share of their land that lies inside, such as 0.5
    #[arg(long, requires = "place", default_value = "intersects", value_parser = relation)]
    relation: Relation,
    /// What the parcels are like, in CQL2 text, such as "tier = 'base' AND area_mu >= 30"
    #[arg(long, value_name = "CQL2")]
    filter: Option<String>,
    /// In which order, such as area_mu, or -area_mu for the greatest first [default: parcel_code]
    #[arg(long, value_name = "NAME", value_parser = sort, allow_hyphen_values = true)]
    sort: Option<Sort>,
    /// The day whose law is asked for [default: today]
    #[arg(long, value_name = "DATE")]
    valid_at: Option<String>,
    /// What the register believed at that time, or at the end of that day [default: now]
    #[arg(long, value_name = "TIME")]
    known_at: Option<String>,
    /// How many parcels to list; the summary covers all [default: 20 in a table, all in GeoJSON]
    #[arg(long)]
    limit: Option<usize>,
    /// A file for all of them, .csv, .xlsx, .geojson or .gpkg, instead of printing them
    #[arg(long, value_name = "FILE", conflicts_with_all = ["limit", "format"])]
    out: Option<PathBuf>,
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
    let file = args.out.as_deref().map(file).transpose()?;
    let drawn = match (&args.bbox, &args.area, &args.circle) {
        (Some(text), ..) => Some(bbox(text)?),
        (_, Some(path), _) => Some(area(path)?),
        (.., Some(text)) => Some(circle(text)?),
        _ => None,
    };
    let filter = args.filter.as_deref().map(|text| Filter::parse(text, Queryable::PROPERTIES)).transpose();
    let filter = filter.map_err(Failure::refused)?;
    let today = context.clock.today();
    let asked = Moment::parse(args.valid_at.as_deref(), args.known_at.as_deref(), today, context.clock.now())
        .map_err(|error| Failure::Usage(error.to_string()))?;
    let pool = context.pool().await?;
    let snapshot = if asked == Moment::on(today) {
        refresh::snapshot(&pool, context.clock).await
    } else {
        let within = drawn.as_ref().map(|drawn| drawn.bounds().to_array());
        moment::snapshot_at(&pool, asked, within).await
    };
    let snapshot = snapshot.map_err(Failure::fault)?;
    let place = match &args.within {
        Some((kind, code)) => Some(snapshot.stored(*kind, code).ok_or_else(|| {
            Failure::Refused(format!(
                "--within {0}={code}: there is no {0} of that code with land on record",
                kind.name()
            ))
        })?),
        None => drawn,
    };
    let place = place.map(|place| place.related(args.relation));
    let hits = snapshot.find(place.as_ref(), filter.as_ref(), &|| false).map_err(Failure::fault)?;
    let today = asked.valid_at;
    let expiring = {
        let rulebook = moment::rulebook(&pool, asked.known_at).await.map_err(Failure::fault)?;
        rules::expiry(&rulebook, today).map_err(Failure::fault)?
    };
    let summary = snapshot.summary(&hits, today, expiring);
    let listed = args.sort.map_or_else(|| hits.indices().to_vec(), |sort| snapshot.sorted(&hits, sort));
    if let Some((path, format)) = file {
        let found = Found { snapshot: &snapshot, listed: &listed, fields: Queryable::ALL, day: today };
        let rows = found.write(format, path, &|| false).map_err(Failure::fault)?;
        let receipt = json!({ "file": path, "rows": rows, "revision": snapshot.revision() });
        return context.printer.result(&receipt, |_| format!("{rows} parcels in {}", path.display()));
    }
    if args.format == Format::Geojson || context.printer.is_json() {
        let document = collection(&snapshot, &listed, &summary, args.limit.unwrap_or(usize::MAX));
        return context.printer.raw(format!("{document}\n").as_bytes());
    }
    context.printer.raw(people(&snapshot, &listed, &summary, expiring, args.limit.unwrap_or(USUAL_ROWS)).as_bytes())
}

/// The format by the ending of a file.
fn file(path: &Path) -> Result<(&Path, flow::Format), Failure> {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
    let format = FORMATS.into_iter().find(|format| format.extension() == ending);
    format.map(|format| (path, format)).ok_or_else(|| {
        Failure::Usage(format!("--out {}; expected a file that ends in .csv, .xlsx, .geojson or .gpkg", path.display()))
    })
}

fn stored(text: &str) -> Result<(Stored, String), String> {
    let read = |(kind, code): (&str, &str)| Some((Stored::parse(kind)?, code.to_owned()));
    text.split_once('=').and_then(read).ok_or_else(|| "expected district=CODE, park=CODE or zone=CODE".to_owned())
}

fn relation(text: &str) -> Result<Relation, String> {
    let relation = match text {
        "intersects" => Some(Relation::Intersects),
        "within" => Some(Relation::Within),
        share => share.parse().ok().and_then(Relation::share),
    };
    relation.ok_or_else(|| "expected intersects, within, or a share above 0 and at most 1".to_owned())
}

fn sort(text: &str) -> Result<Sort, String> {
    Sort::parse(text).ok_or_else(|| {
        let names: Vec<&str> = Queryable::PROPERTIES.iter().map(|property| property.name).collect();
        format!("expected one of {} but geometry, with a minus before it for the greatest first", names.join(", "))
    })
}

fn circle(text: &str) -> Result<Selection, Failure> {
    let numbers: Result<Vec<f64>, _> = text.split(',').map(|part| part.trim().parse()).collect();
    let Ok(&[longitude, latitude, metres]) = numbers.as_deref() else {
        return Err(Failure::Usage(format!("--circle {text:?}; expected three numbers: longitude,latitude,metres")));
    };
    Selection::circle(longitude, latitude, metres).map_err(|error| Failure::Usage(format!("--circle {text}: {error}")))
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

fn people(snapshot: &Snapshot, listed: &[u32], summary: &Summary, expiring: Months, limit: usize) -> String {
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
    let rows: Vec<[String; 7]> = listed
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
    let more = listed.len().saturating_sub(limit);
    if more > 0 {
        text.push_str(&format!("and {more} more; --limit lists them\n"));
    }
    text
}

fn properties(parcel: &ParcelRef<'_>) -> Map<String, Value> {
    let told = Queryable::ALL.iter().filter(|asked| asked.holds() != Kind::Shape).map(|asked| {
        let value = match parcel.value(*asked) {
            Some(Held::Text(text)) => json!(text),
            Some(Held::Number(number)) => json!(number),
            Some(Held::Flag(flag)) => json!(flag),
            Some(Held::Date(day)) => json!(day),
            _ => Value::Null,
        };
        (asked.name().to_owned(), value)
    });
    told.collect()
}

fn collection(snapshot: &Snapshot, listed: &[u32], summary: &Summary, limit: usize) -> Value {
    fn tallies<'a, K: ToString + 'a>(book: impl IntoIterator<Item = (K, &'a Tally)>) -> Value {
        let one = |tally: &Tally| json!({ "count": tally.count, "area_m2": tally.area.value() });
        Value::Object(book.into_iter().map(|(key, tally)| (key.to_string(), one(tally))).collect::<Map<_, _>>())
    }
    let features: Vec<Value> = listed
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
                "properties": properties(&parcel),
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
