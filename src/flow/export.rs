//! The register becomes a file: what is asked for is checked, read in one moment, streamed into a file that is made
//! aside and moved into its place when it is whole. The receipt says what went into it.

use super::lists;
use super::moment;
use super::refresh::RefreshError;
use super::rules::{self, RulesError};
use crate::clock::Clock;
use crate::domain::dictionary::{self, What};
use crate::domain::filter::{Filter, FilterError, Kind, Literal, Property};
use crate::domain::intake::FieldType;
use crate::exchange::workbook::{Cover, MOST_CHARACTERS};
use crate::exchange::write::{self, Column, Format, Layout, Row, Value, WriteError};
use crate::exchange::{ReadError, crs_of_a_written_file, wkt};
use crate::store::StoreError;
use crate::store::city::City;
use crate::store::export::{Ask, Column as Asked, Held};
use crate::store::review::Run;
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tokio::sync::mpsc;

/// What is to be exported, and how.
#[derive(Debug, Clone)]
pub struct Order {
    /// Of which noun.
    pub what: What,
    /// In which format.
    pub format: Format,
    /// Into which file.
    pub out: PathBuf,
    /// Which rows, CQL2 text.
    pub filter: Option<String>,
    /// Out of which review run; the newest if none is named.
    pub run: Option<i64>,
    /// In which coordinate system, such as EPSG:4549.
    pub crs: Option<String>,
    /// What was law on this day, not today.
    pub valid_at: Option<NaiveDate>,
    /// What the register believed at this time, not now.
    pub known_at: Option<DateTime<Utc>>,
}

/// What went into a file.
#[derive(Debug, Clone, Serialize)]
pub struct Receipt {
    /// Of which noun.
    pub what: &'static str,
    /// Its format.
    pub format: &'static str,
    /// The file.
    pub file: PathBuf,
    /// How many rows.
    pub rows: u64,
    /// Its coordinate system; nothing for a file without shapes.
    pub crs: Option<String>,
    /// The newest revision that the moment knew.
    pub revision: i64,
    /// The review run, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<i64>,
    /// The day of law, where one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_at: Option<NaiveDate>,
    /// The moment of knowledge, where one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known_at: Option<DateTime<Utc>>,
    /// The columns by their canonical names.
    pub columns: Vec<String>,
    /// What they are called in the file, where the format has no room for those names.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub names_in_file: BTreeMap<String, String>,
    /// What a reader of the file should know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// SHA-256 of the file, hex.
    pub sha256: String,
}

/// Why nothing was exported; a file that was there is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// What was asked for does not go together.
    #[error("{0}")]
    Mismatch(String),
    /// The filter can't be read.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// The coordinate system can't be written in.
    #[error(transparent)]
    Crs(ReadError),
    /// There is no such run.
    #[error("{0}")]
    Run(String),
    /// The place of the file is taken by something else.
    #[error("{path} is {what}; expected the name of a file")]
    Taken {
        /// The place.
        path: PathBuf,
        /// What is there.
        what: &'static str,
    },
    /// A row can't be written in the format, or the disk refused.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The file could not be read again.
    #[error("{path} was written and could not be read again")]
    Seal {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A stored receipt can't be read.
    #[error("the receipt of parcel {parcel} in run {run} cannot be read")]
    Receipt {
        /// The parcel.
        parcel: String,
        /// The run.
        run: i64,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The rules could not be had.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// The rules of that moment could not be had.
    #[error(transparent)]
    Moment(#[from] RefreshError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The reading of the register ended before all rows were written.
    #[error("the reading of the register ended before its last row")]
    CutShort,
    /// A part of landcycle failed.
    #[error("the writer of the file stopped unexpectedly")]
    Writer(#[from] tokio::task::JoinError),
}

impl ExportError {
    /// Whether the command was wrong, rather than what it found.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Mismatch(_))
    }

    /// Whether the input or a rule says no, rather than the machine.
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Filter(_)
                | Self::Crs(_)
                | Self::Run(_)
                | Self::Taken { .. }
                | Self::Write(
                    WriteError::TooManyRows { .. }
                        | WriteError::NoShape { .. }
                        | WriteError::TooLong { .. }
                        | WriteError::NoName { .. }
                )
        )
    }
}

/// The columns of a review that a filter may name: those that are stored, not read out of the receipt's reasons.
const REVIEW_PROPERTIES: [&str; 14] = [
    "rank",
    "parcel_code",
    "district",
    "park",
    "tier",
    "land_use",
    "area_m2",
    "area_mu",
    "plot_ratio_allowed",
    "grade",
    "score",
    "outcome",
    "responsible_unit",
    "term_end",
];
/// What is read of a review: the receipt says the rest.
const REVIEW_COLUMNS: [&str; 4] = ["district", "park", "receipt_text", "receipt"];
/// Rows are handed to the writer in pieces of this many, and at most this many pieces wait.
const PIECE: usize = 1_000;
const PIECES_WAITING: usize = 4;

/// What a filter on the noun may name.
pub fn properties(what: What) -> Vec<Property<'static>> {
    what.terms()
        .iter()
        .filter(|term| !what.is_of_a_review() || REVIEW_PROPERTIES.contains(&term.name.as_str()))
        .map(|term| Property { name: &term.name, holds: Kind::of(term.holds) })
        .collect()
}

/// Exports; `progress` is told how many rows were read so far.
pub async fn export(
    pool: &PgPool,
    clock: Clock,
    order: &Order,
    progress: impl Fn(u64),
) -> Result<Receipt, ExportError> {
    let what = order.what;
    let epsg = agree(order)?;
    let properties = properties(what);
    let filter = order.filter.as_deref().map(|text| Filter::parse(text, &properties)).transpose()?;
    let today = clock.today();
    let day = order.valid_at.unwrap_or(today);
    let mut held = Held::hold(pool, day, order.known_at).await?;
    let run = run(order, &held)?;
    // A review shows the land as it was on the day it judged.
    let day = run.as_ref().map_or(day, |run| run.as_of);
    let columns = if what.is_of_a_review() {
        REVIEW_COLUMNS.map(|name| Asked { name, holds: FieldType::Text }).to_vec()
    } else {
        what.terms().iter().map(|term| Asked { name: &term.name, holds: term.holds }).collect()
    };
    let rulebook = moment::rulebook(pool, order.known_at).await?;
    let deciding_share = rules::deciding_share(&rulebook, day)?;
    let cover = cover(order, &held.city, held.revision, day, run.as_ref());
    let (sender, receiver) = mpsc::channel::<Result<Vec<Row>, ExportError>>(PIECES_WAITING);
    let (target, format) = (order.out.clone(), order.format);
    let writer = tokio::task::spawn_blocking(move || pour(&target, what, format, epsg, &cover, receiver));
    let ask = Ask {
        what,
        columns: &columns,
        filter: filter.as_ref(),
        properties: &properties,
        known_at: order.known_at,
        day,
        deciding_share,
        tall_storey_m: rulebook.tall_storey_m(day),
        run: run.as_ref().map(|run| run.id),
    };
    let (mut piece, mut read, mut broken) = (Vec::with_capacity(PIECE), 0_u64, None);
    let run_id = ask.run.unwrap_or_default();
    let ended = held
        .read(&ask, async |row| {
            let turned = if what.is_of_a_review() { reviewed(run_id, row) } else { Ok(plain(row, &columns)) };
            match turned {
                Ok(row) => piece.push(row),
                Err(error) => {
                    broken = Some(error);
                    return false;
                }
            }
            read += 1;
            if piece.len() < PIECE {
                return true;
            }
            progress(read);
            // Refused only when the writer has failed, which then says why.
            sender.send(Ok(std::mem::replace(&mut piece, Vec::with_capacity(PIECE)))).await.is_ok()
        })
        .await;
    let last = match (ended, broken) {
        (Err(error), _) => Err(error.into()),
        (Ok(()), Some(error)) => Err(error),
        (Ok(()), None) => Ok(piece),
    };
    let _ = sender.send(last).await;
    // An empty piece says that this was the end: a channel that closes without it was cut short.
    let _ = sender.send(Ok(Vec::new())).await;
    drop(sender);
    let (rows, spelled_out) = writer.await??;
    progress(rows);
    let sha256 = seal(&order.out)?;
    let mut receipt = receipt(order, rows, epsg, held.revision, run.map(|run| run.id), sha256);
    if spelled_out > 0 {
        let most = MOST_CHARACTERS;
        receipt
            .notes
            .push(format!("{spelled_out} shapes are left out: a cell holds {most} characters; csv and gpkg hold them"));
    }
    Ok(receipt)
}

/// Whether noun, format, file and moments go together; answers the coordinate system.
fn agree(order: &Order) -> Result<u32, ExportError> {
    let refuse = |text: String| Err(ExportError::Mismatch(text));
    let (what, format) = (order.what, order.format);
    let extension = order.out.extension().map(|found| found.to_string_lossy().to_lowercase()).unwrap_or_default();
    if extension != format.extension() {
        return refuse(format!(
            "--out {} does not end in .{}; expected a file of the format asked for",
            order.out.display(),
            format.extension()
        ));
    }
    let (named, has_run) = (what.name(), order.run.is_some());
    if !what.has_shapes() && matches!(format, Format::FlatGeobuf | Format::Shapefile) {
        return refuse(format!("{named} have no shapes; expected --format csv, xlsx, gpkg or geojson"));
    }
    if has_run && !what.is_of_a_review() {
        return refuse(format!("--run goes with review-results, exit-candidates and renewal-candidates, not {named}"));
    }
    if what.is_of_a_review() && (order.valid_at.is_some() || order.known_at.is_some()) {
        return refuse(format!(
            "{named} are of the day that a run judged; expected --run and neither --valid-at nor --known-at"
        ));
    }
    if what == What::Returns && order.valid_at.is_some() {
        return refuse(
            "returns are of a year and hold no day of law; expected --known-at or --filter \"year = 2025\"".into(),
        );
    }
    match std::fs::symlink_metadata(&order.out) {
        Ok(found) if found.is_dir() => {
            return Err(ExportError::Taken { path: order.out.clone(), what: "a directory" });
        }
        Ok(found) if !found.is_file() => {
            return Err(ExportError::Taken { path: order.out.clone(), what: "no regular file" });
        }
        _ => {}
    }
    let Some(asked) = &order.crs else { return Ok(4490) };
    let epsg = crs_of_a_written_file(asked).map_err(ExportError::Crs)?;
    let fixed = !what.has_shapes() || matches!(format, Format::Csv | Format::Xlsx | Format::GeoJson);
    if fixed && epsg != 4490 {
        let word = format.extension();
        return refuse(format!(
            "a {word} of {named} is not written in EPSG:{epsg}; expected gpkg, fgb or shp with --crs"
        ));
    }
    Ok(epsg)
}

fn run(order: &Order, held: &Held) -> Result<Option<Run>, ExportError> {
    if !order.what.is_of_a_review() {
        return Ok(None);
    }
    let found = match order.run {
        Some(id) => held.runs.iter().find(|run| run.id == id),
        None => held.runs.iter().filter(|run| run.shows_the_city()).max_by_key(|run| (run.as_of, run.id)),
    };
    match (found, order.run) {
        (Some(run), _) => Ok(Some(run.clone())),
        (None, Some(id)) => {
            Err(ExportError::Run(format!("there is no review run {id}; landcycle review list shows which there are")))
        }
        (None, None) => Err(ExportError::Run("no review has been run; landcycle review run makes one".to_owned())),
    }
}

fn cover(order: &Order, city: &City, revision: i64, day: NaiveDate, run: Option<&Run>) -> Cover<'static> {
    let mut moment = format!("数据日期 {day}    登记册版本 {revision}");
    if let Some(known_at) = order.known_at {
        moment.push_str(&format!("    按 {} 时的记载", known_at.format("%Y-%m-%d %H:%M:%SZ")));
    }
    if let Some(run) = run {
        moment.push_str(&format!("    评价批次 {}（{}）", run.id, run.scheme));
    }
    if let Some(filter) = &order.filter {
        moment.push_str(&format!("    筛选 {filter}"));
    }
    let shape = spells_shapes(order.what, order.format).then(dictionary::shape);
    Cover { shape, ..lists::cover_of(order.what, &city.name, city.note_zh.as_deref(), moment) }
}

/// Whether the shapes of the rows stand in a column of their own, as text: what is imported again must have its land.
fn spells_shapes(what: What, format: Format) -> bool {
    what.has_shapes() && !what.is_of_a_review() && matches!(format, Format::Csv | Format::Xlsx)
}

/// The row with its shape as a text behind its other values, and whether the text was too long for a cell.
fn spelled(format: Format, (mut values, shape): Row) -> (Row, bool) {
    let text = shape.as_ref().map(wkt::text);
    let is_too_long = format == Format::Xlsx && text.as_ref().is_some_and(|text| text.len() > MOST_CHARACTERS);
    values.push(text.filter(|_| !is_too_long).into());
    ((values, None), is_too_long)
}

/// Writes what comes through the channel; an error in it, or its end before the last piece, leaves no file. Answers the
/// rows, and how many of their shapes no cell had room for.
fn pour(
    path: &Path,
    what: What,
    format: Format,
    epsg: u32,
    cover: &Cover<'_>,
    mut receiver: mpsc::Receiver<Result<Vec<Row>, ExportError>>,
) -> Result<(u64, u64), ExportError> {
    let columns: Vec<Column> = what.terms().iter().chain(cover.shape).map(|term| column(term, format)).collect();
    let layout = Layout { format, layer: what.name(), columns: &columns, epsg, exact: true, cover: Some(cover) };
    let mut piece: std::vec::IntoIter<Row> = Vec::new().into_iter();
    let mut ended = false;
    let rows = std::iter::from_fn(|| {
        loop {
            if let Some(row) = piece.next() {
                return Some(Ok(row));
            }
            if ended {
                return None;
            }
            match receiver.blocking_recv() {
                Some(Ok(rows)) if rows.is_empty() => ended = true,
                Some(Ok(rows)) => piece = rows.into_iter(),
                Some(Err(error)) => return Some(Err(error)),
                None => return Some(Err(ExportError::CutShort)),
            }
        }
    });
    let mut too_long = 0;
    let rows = rows.map(|row: Result<Row, ExportError>| match cover.shape {
        None => row,
        Some(_) => row.map(|row| {
            let (row, is_too_long) = spelled(format, row);
            too_long += u64::from(is_too_long);
            row
        }),
    });
    let written = write::table(path, &layout, rows)?;
    Ok((written, too_long))
}

/// A column as a format has it: ten bytes are room for another name, and a text field takes all that it can hold.
pub(super) fn column(term: &crate::domain::dictionary::Term, format: Format) -> Column {
    match (format, &term.shp) {
        (Format::Shapefile, Some(name)) => {
            Column::new(name, term.holds, if term.holds == FieldType::Text { 254 } else { term.width })
        }
        _ => Column::new(&term.name, term.holds, term.width),
    }
}

fn plain(row: crate::store::export::Row, columns: &[Asked<'_>]) -> Row {
    let values = row.values.into_iter().zip(columns).map(|(value, column)| match value {
        None => Value::Empty,
        Some(Literal::Text(text)) => Value::Text(text),
        #[expect(clippy::cast_possible_truncation, reason = "it came from a whole number")]
        Some(Literal::Number(number)) if column.holds == FieldType::Integer => Value::Integer(number as i64),
        Some(Literal::Number(number)) => Value::Number(number),
        Some(Literal::Date(day)) => Value::Date(day),
        Some(Literal::Flag(flag)) => Value::Flag(flag),
    });
    (values.collect(), row.shape)
}

fn reviewed(run: i64, row: crate::store::export::Row) -> Result<Row, ExportError> {
    let mut texts = row.values.into_iter().map(|value| match value {
        Some(Literal::Text(text)) => Some(text),
        _ => None,
    });
    let mut next = || texts.next().flatten();
    let (district, park, text, hash) = (next(), next(), next().unwrap_or_default(), next().unwrap_or_default());
    let receipt = serde_json::from_str(&text).map_err(|source| ExportError::Receipt {
        parcel: text.chars().take(60).collect(),
        run,
        source,
    })?;
    Ok((lists::values(run, &receipt, &hash, &district.unwrap_or_default(), park.as_deref()), row.shape))
}

fn seal(path: &Path) -> Result<String, ExportError> {
    let failed = |source| ExportError::Seal { path: path.to_owned(), source };
    let mut digest = Sha256::new();
    let mut file = std::fs::File::open(path).map_err(failed)?;
    std::io::copy(&mut file, &mut digest).map_err(failed)?;
    Ok(hex::encode(digest.finalize()))
}

fn receipt(order: &Order, rows: u64, epsg: u32, revision: i64, run: Option<i64>, sha256: String) -> Receipt {
    let terms = order.what.terms();
    let spelled = spells_shapes(order.what, order.format);
    let has_shapes = order.what.has_shapes() && (spelled || !matches!(order.format, Format::Csv | Format::Xlsx));
    let mut notes = Vec::new();
    if order.what.has_shapes() && !has_shapes {
        notes
            .push(format!("shapes are left out of {}; gpkg, geojson, fgb and shp hold them", order.format.extension()));
    }
    let names_in_file = match order.format {
        Format::Shapefile => terms.iter().filter_map(|term| Some((term.name.clone(), term.shp.clone()?))).collect(),
        _ => BTreeMap::new(),
    };
    Receipt {
        what: order.what.name(),
        format: order.format.extension(),
        file: order.out.clone(),
        rows,
        crs: has_shapes.then(|| format!("EPSG:{epsg}")),
        revision,
        run,
        valid_at: order.valid_at,
        known_at: order.known_at,
        columns: terms.iter().chain(spelled.then(dictionary::shape)).map(|term| term.name.clone()).collect(),
        names_in_file,
        notes,
        sha256,
    }
}
