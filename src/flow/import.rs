//! A file becomes rows of the register: read, turned into values or findings, staged, checked as a set, merged, all in
//! one transaction. The receipt says what became of every row.

use super::rules::{self, RulesError};
use super::settle::settle;
use crate::clock::Clock;
use crate::domain::finding::{Fault, Finding, Severity};
use crate::domain::geometry;
use crate::domain::intake::{Cell, Kind, Reading, Record, Shapes};
use crate::domain::plausibility::Plausibility;
use crate::domain::{building, contract, district, enterprise, occupancy, parcel, park, performance, zoning};
use crate::exchange::receipt::FINDINGS_KEPT;
pub use crate::exchange::receipt::Receipt;
use crate::exchange::{self, Opened, ReadError, Source};
use crate::store::copy::Rows;
use crate::store::doubt::Doubts;
use crate::store::write::{Audit, Write};
use crate::store::{self, StoreError, stage};
use chrono::NaiveDate;
use serde_json::json;
use sqlx::PgPool;
use std::ops::ControlFlow;
use std::path::PathBuf;
use tokio::sync::mpsc;

/// What is to be imported, and how.
#[derive(Debug, Clone)]
pub struct Order {
    /// The kind of data set.
    pub kind: Kind,
    /// Its files.
    pub files: Vec<PathBuf>,
    /// The layer or sheet.
    pub layer: Option<String>,
    /// A reference system that beats the file's own.
    pub crs: Option<String>,
    /// An encoding that beats all evidence.
    pub encoding: Option<String>,
    /// A field map.
    pub map: Option<String>,
    /// Only try.
    pub dry_run: bool,
    /// Take all rows or none.
    pub strict: bool,
}

/// Why an import was not made. Nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The files, or under `strict` a row, were refused; the receipt says why.
    #[error("{}", refusal(.0))]
    Refused(Box<Receipt>),
    /// The machine could not read a file.
    #[error(transparent)]
    Read(ReadError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The rules could not be had.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// A part of landcycle failed.
    #[error("the reader of the files stopped unexpectedly")]
    Reader(#[source] tokio::task::JoinError),
}

fn refusal(receipt: &Receipt) -> String {
    let mut text = format!("{} refused, nothing was stored", receipt.dataset);
    for finding in receipt.findings.iter().filter(|finding| finding.severity == Severity::Error).take(10) {
        text.push_str("\n  ");
        text.push_str(&finding.sentence());
    }
    text
}

/// Rows are sent to the database in pieces of about this size, so that memory does not grow with the file.
const PIECE_BYTES: usize = 4 << 20;

/// Imports a data set. `progress` is told how many rows were read so far.
pub async fn import(
    pool: &PgPool,
    clock: Clock,
    actor: &str,
    order: &Order,
    progress: impl Fn(u64) + Send + 'static,
) -> Result<Receipt, ImportError> {
    let kind = order.kind;
    let mut write = Write::begin(pool, actor, act(kind)).await?;
    stage::clear(write.connection(), kind).await?;
    let bounds = store::place::bounds(write.connection()).await?;
    let (sender, mut receiver) = mpsc::channel::<Rows>(2);
    let (asked, today) = (order.clone(), clock.today());
    let plausibility = rules::plausibility()?;
    let reader = tokio::task::spawn_blocking(move || read(&asked, today, bounds, plausibility, &sender, &progress));
    while let Some(rows) = receiver.recv().await {
        stage::send(write.connection(), kind, rows).await?;
    }
    let mut taken = match reader.await.map_err(ImportError::Reader)? {
        Ok(taken) => taken,
        Err(error @ ReadError::Io { .. }) => return Err(ImportError::Read(error)),
        Err(error) => {
            let mut notes = Notes::default();
            error.findings().into_iter().for_each(|finding| notes.push(finding));
            let mut receipt =
                Receipt { dataset: kind.name().to_owned(), files: names(&order.files), ..Receipt::default() };
            notes.into_receipt(&mut receipt);
            return Err(ImportError::Refused(Box::new(receipt)));
        }
    };
    for refused in stage::check(write.connection(), kind).await? {
        let file = usize::try_from(refused.file).ok().and_then(|index| taken.files.get(index));
        let fault = Fault {
            code: "",
            severity: Severity::Error,
            field: Some(refused.field),
            value: Some(refused.value),
            expected: refused.expected,
        };
        let mut finding =
            fault.at(file.map_or("", String::as_str), u64::try_from(refused.row).ok(), Some(&refused.key));
        finding.code = refused.code;
        taken.refused += 1;
        taken.notes.push(finding);
    }
    let mut receipt = Receipt {
        dataset: kind.name().to_owned(),
        files: taken.opened.files,
        crs: taken.opened.crs,
        encoding: taken.opened.encoding,
        read: taken.read,
        refused: taken.refused,
        dry_run: order.dry_run,
        sha256: taken.opened.sha256,
        ..Receipt::default()
    };
    if order.strict && receipt.refused > 0 {
        taken.notes.into_receipt(&mut receipt);
        // All or none: with one row refused, every row is.
        receipt.refused = receipt.read;
        write.abandon().await?;
        return Err(ImportError::Refused(Box::new(receipt)));
    }
    let merged = stage::merge(&mut write, kind).await?;
    (receipt.accepted, receipt.unchanged) = (merged.accepted, merged.unchanged);
    taken.notes.doubt(settle(&mut write, kind, today).await?, &taken.files);
    taken.notes.into_receipt(&mut receipt);
    if receipt.accepted + receipt.unchanged == 0 && receipt.refused > 0 {
        write.abandon().await?;
        return Err(ImportError::Refused(Box::new(receipt)));
    }
    if order.dry_run || receipt.accepted == 0 {
        write.abandon().await?;
        return Ok(receipt);
    }
    if matches!(kind, Kind::Parcels | Kind::Zones) {
        let share = rules::deciding_share(rules::rulebook()?, today)?;
        store::place::refresh_tiers(&mut write, today, share).await?;
    }
    store::rulebook::record(&mut write, &rules::rulebook()?.values).await?;
    let facts = json!({
        "accepted": receipt.accepted,
        "refused": receipt.refused,
        "sha256": receipt.sha256,
        "unchanged": receipt.unchanged,
    });
    receipt.revision = Some(write.commit(Audit { subject: kind.name().to_owned(), facts }).await?);
    Ok(receipt)
}

fn act(kind: Kind) -> &'static str {
    match kind {
        Kind::Districts => "import-districts",
        Kind::Parks => "import-parks",
        Kind::Zones => "import-zones",
        Kind::Parcels => "import-parcels",
        Kind::Buildings => "import-buildings",
        Kind::Enterprises => "import-enterprises",
        Kind::Occupancies => "import-occupancies",
        Kind::Contracts => "import-contracts",
        Kind::Obligations => "import-obligations",
        Kind::Returns => "import-returns",
    }
}

fn names(files: &[PathBuf]) -> Vec<String> {
    files.iter().filter_map(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned()).collect()
}

/// Findings on their way into a receipt.
#[derive(Default)]
struct Notes {
    kept: Vec<Finding>,
    left_out: u64,
    warnings: u64,
}

impl Notes {
    fn push(&mut self, finding: Finding) {
        self.warnings += u64::from(finding.severity == Severity::Warning);
        if self.kept.len() < FINDINGS_KEPT {
            self.kept.push(finding);
        } else {
            self.left_out += 1;
        }
    }

    fn doubt(&mut self, doubts: Doubts, files: &[String]) {
        let beyond = doubts.all - doubts.kept.len() as u64;
        self.left_out += beyond;
        self.warnings += beyond;
        for doubt in doubts.kept {
            let fault = Fault::error(doubt.code, Some(doubt.field), Some(&doubt.value), doubt.expected).as_warning();
            let file = usize::try_from(doubt.file).ok().and_then(|index| files.get(index));
            let file = file.map_or("", String::as_str);
            let mut finding = fault.at(file, u64::try_from(doubt.row).ok(), Some(&doubt.key));
            finding.facts.extend(doubt.facts.into_iter().map(|(name, fact)| (name.to_owned(), fact)));
            self.push(finding);
        }
    }

    fn into_receipt(self, receipt: &mut Receipt) {
        receipt.warnings = self.warnings;
        receipt.findings = self.kept;
        receipt.findings_left_out = self.left_out;
    }
}

/// What the reading of the files came to.
struct Taken {
    opened: Opened,
    /// Names of the files, in the order of the numbers that staged rows carry.
    files: Vec<String>,
    read: u64,
    refused: u64,
    notes: Notes,
}

fn read(
    order: &Order,
    today: NaiveDate,
    bounds: Option<[f64; 4]>,
    plausibility: &Plausibility,
    sender: &mpsc::Sender<Rows>,
    progress: &impl Fn(u64),
) -> Result<Taken, ReadError> {
    let source = Source {
        files: &order.files,
        layer: order.layer.as_deref(),
        crs: order.crs.as_deref(),
        encoding: order.encoding.as_deref(),
        map: order.map.as_deref(),
        bounds,
    };
    let mut files: Vec<String> = Vec::new();
    let (mut rows, mut notes) = (Rows::default(), Notes::default());
    let (mut read, mut refused) = (0, 0);
    let opened = exchange::read(order.kind, &source, &mut |file, record| {
        if files.last().is_none_or(|last| last != file) {
            files.push(file.to_owned());
        }
        let index = i16::try_from(files.len() - 1).unwrap_or(i16::MAX);
        read += 1;
        let faults = stage_record(order.kind, &record, today, index, plausibility, &mut rows);
        if faults.iter().any(|fault| fault.severity == Severity::Error) {
            refused += 1;
        }
        let key = key(&record);
        for fault in faults {
            notes.push(fault.at(file, Some(record.row), key.as_deref()));
        }
        if rows.len() >= PIECE_BYTES {
            progress(read);
            // The other end is gone only when the import has failed already.
            if sender.blocking_send(std::mem::take(&mut rows)).is_err() {
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    })?;
    progress(read);
    if !rows.is_empty() {
        let _ = sender.blocking_send(rows);
    }
    read += opened.unreadable_rows;
    refused += opened.unreadable_rows;
    opened.findings.iter().cloned().for_each(|finding| notes.push(finding));
    Ok(Taken { opened, files, read, refused, notes })
}

/// What a finding calls a row: its first cell, which is the key of every kind.
fn key(record: &Record) -> Option<String> {
    match record.cells.first()? {
        Cell::Text(text) if !text.trim().is_empty() => Some(text.trim().chars().take(60).collect()),
        Cell::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Turns a record into a staged row, or into the faults that refuse it.
fn stage_record(
    kind: Kind,
    record: &Record,
    today: NaiveDate,
    file: i16,
    plausibility: &Plausibility,
    rows: &mut Rows,
) -> Vec<Fault> {
    let mut reading = Reading::new(kind, record, today);
    let shape = match kind.shapes() {
        Shapes::None => None,
        Shapes::Optional => geometry::optional_polygons(&record.shape, &mut reading.faults),
        Shapes::Required => geometry::required_polygons(&record.shape, &mut reading.faults),
    };
    let row = record.row;
    // A noun is read even where the shape is bad, so that the row reports all its faults at once.
    macro_rules! put {
        ($read:path, $it:ident => $stage:expr) => {{
            let found = $read(&mut reading);
            if let (Some($it), false) = (found, reading.refused()) {
                $stage;
            }
        }};
    }
    macro_rules! put_shaped {
        ($read:path, $it:ident, $shape:ident => $stage:expr) => {{
            let found = $read(&mut reading);
            if let (Some($it), Some($shape), false) = (found, shape, reading.refused()) {
                $stage;
            }
        }};
    }
    match kind {
        Kind::Districts => {
            put_shaped!(district::read, it, shape => store::place::stage_district(rows, file, row, &it, shape));
        }
        Kind::Parks => put_shaped!(park::read, it, shape => store::place::stage_park(rows, file, row, &it, shape)),
        Kind::Zones => put_shaped!(zoning::read, it, shape => store::zoning::stage(rows, file, row, &it, shape)),
        Kind::Parcels => put_shaped!(parcel::read, it, shape => {
            store::parcel::stage(rows, file, row, &it, geometry::area(shape), shape);
        }),
        Kind::Buildings => put!(building::read, it => store::building::stage(rows, file, row, &it, shape)),
        Kind::Enterprises => put!(enterprise::read, it => store::enterprise::stage(rows, file, row, &it)),
        Kind::Occupancies => put!(occupancy::read, it => store::occupancy::stage(rows, file, row, &it)),
        Kind::Contracts => put!(contract::read, it => store::contract::stage(rows, file, row, &it)),
        Kind::Obligations => put!(contract::obligation::read, it => store::obligation::stage(rows, file, row, &it)),
        Kind::Returns => put!(performance::read, it => {
            reading.faults.extend(plausibility.doubts(&it));
            store::performance::stage(rows, file, row, &it);
        }),
    }
    reading.faults
}
