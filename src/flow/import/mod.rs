//! A file becomes rows of the register: read by a process of its own, turned into values or findings, staged, checked as
//! a set, merged, all in one transaction. The receipt says what became of every row.

mod child;
mod frame;
mod layer;
mod look;
mod reader;
mod rows;
mod tally;

use super::lockup::{self, RecordError};
use super::remark::{self, RemarkError};
use super::rules::{self, RulesError};
use super::settle::settle;
use crate::clock::Clock;
use crate::domain::finding::{Fault, Finding, Severity};
use crate::domain::intake::Kind;
use crate::domain::reference::LayerName;
pub use crate::exchange::receipt::Receipt;
use crate::exchange::{self, Source};
use crate::store::stage::{Refused, Staging};
use crate::store::write::{Audit, Write};
use crate::store::{self, StoreError};
pub use child::serve;
use frame::{Refusal, Task};
pub use look::{Column, Place, Preview, Row};
pub use reader::{COMMAND, Reader, ReaderError};
use reader::{Heard, Reading};
use rows::Notes;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgPool;
use std::io;
use std::path::PathBuf;

/// What is to be imported, and how.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Order {
    /// The kind of data set.
    pub kind: Kind,
    /// Its files.
    #[serde(with = "paths")]
    pub files: Vec<PathBuf>,
    /// The layer or sheet.
    pub layer: Option<String>,
    /// A reference system that beats the file's own.
    pub crs: Option<String>,
    /// The datum into which a web map shifted the coordinates.
    pub datum: Option<String>,
    /// An encoding that beats all evidence.
    pub encoding: Option<String>,
    /// A field map.
    pub map: Option<String>,
    /// The name of a layer.
    pub name: Option<LayerName>,
    /// The property by which the features of a layer are told apart.
    pub key: Option<String>,
    /// Mend polygons that are not valid, as far as the rulebook lets their area change.
    pub repair: bool,
    /// Only try.
    pub dry_run: bool,
    /// Take all rows or none.
    pub strict: bool,
    /// Only look at so many rows.
    pub preview: Option<u16>,
    /// Who reads the files.
    pub reader: Reader,
}

impl Order {
    /// What a receipt and the audit trail call the data set.
    fn dataset(&self) -> String {
        let name = self.name.as_ref().map_or(String::new(), |name| format!(" {name}"));
        format!("{}{name}", self.kind.name())
    }

    /// The files, and how they are to be read.
    fn source(&self, bounds: Option<[f64; 4]>) -> Source<'_> {
        Source {
            files: &self.files,
            layer: self.layer.as_deref(),
            crs: self.crs.as_deref(),
            datum: self.datum.as_deref(),
            encoding: self.encoding.as_deref(),
            map: self.map.as_deref(),
            key: self.key.as_deref(),
            bounds,
        }
    }
}

/// Paths as bytes: a name on disk need not be text.
mod paths {
    use serde::{Deserialize as _, Deserializer, Serializer};
    use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
    use std::{ffi::OsString, path::PathBuf};

    pub fn serialize<S: Serializer>(paths: &[PathBuf], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(paths.iter().map(|path| path.as_os_str().as_bytes()))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<PathBuf>, D::Error> {
        let paths = Vec::<Vec<u8>>::deserialize(from)?;
        Ok(paths.into_iter().map(|bytes| OsString::from_vec(bytes).into()).collect())
    }
}

/// Why an import was not made. Nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The files, or under `strict` a row, were refused; the receipt says why.
    #[error("{}", refusal(.0))]
    Refused(Box<Receipt>),
    /// The machine could not read a file.
    #[error("cannot read {file}; check that it exists and that you may read it")]
    Read {
        /// The file's name.
        file: String,
        /// What the machine said.
        source: io::Error,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The rules could not be had.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// What is worth a look could not be found out.
    #[error(transparent)]
    Remark(#[from] RemarkError),
    /// The rules could not be recorded.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A part of landcycle failed.
    #[error(transparent)]
    Reader(#[from] ReaderError),
    /// The rows that were read are not the rows that were handled.
    #[error("{read} rows were read and {handled} came through; nothing was stored")]
    Count {
        /// Rows that the reader counted.
        read: u64,
        /// Rows accepted, unchanged or refused.
        handled: u64,
    },
}

fn refusal(receipt: &Receipt) -> String {
    let mut text = format!("{} refused, nothing was stored", receipt.dataset);
    for finding in receipt.findings.iter().filter(|finding| finding.severity == Severity::Error).take(10) {
        text.push_str("\n  ");
        text.push_str(&finding.sentence());
    }
    text
}

/// Reads the first rows of a data set and answers how they were read; no database is asked.
pub async fn preview(clock: Clock, order: &Order) -> Result<Preview, ImportError> {
    let task = Task { order: order.clone(), today: clock.today(), bounds: None, parent: std::process::id() };
    let mut reading = Reading::start(task)?;
    loop {
        match reading.next().await? {
            Heard::Rows(..) => {}
            Heard::Ended(Ok(taken)) => return Ok(taken.preview.unwrap_or_default()),
            Heard::Ended(Err(refusal)) => return Err(refused(order, refusal)),
        }
    }
}

/// Imports a data set. `progress` is told how many rows were read so far.
pub async fn import(
    pool: &PgPool,
    clock: Clock,
    actor: &str,
    order: &Order,
    progress: impl Fn(u64),
) -> Result<Receipt, ImportError> {
    let (kind, today) = (order.kind, clock.today());
    let bounds = store::place::bounds(&mut *pool.acquire().await.map_err(StoreError::from)?).await?;
    // The reader reads by these rules too; that there are none is told here.
    rules::plausibility()?;
    let parent = std::process::id();
    let mut reading = Reading::start(Task { order: order.clone(), today, bounds, parent })?;
    // The first rows are waited for before anything is locked: a file that is refused, or hangs, holds up nobody.
    let mut heard = reading.next().await?;
    if let Heard::Ended(Err(refusal)) = heard {
        return Err(refused(order, refusal));
    }
    let mut write = Write::begin(pool, actor, act(kind)).await?;
    lockup::record(&mut write).await?;
    let mut staging = Staging::begin(&mut write, kind, order.repair).await?;
    let mut taken = loop {
        match heard {
            Heard::Rows(piece, read) => {
                progress(read);
                staging.send(&mut write, piece).await?;
            }
            Heard::Ended(Ok(taken)) => break taken,
            Heard::Ended(Err(refusal)) => return Err(refused(order, refusal)),
        }
        heard = reading.next().await?;
    };
    progress(taken.read);
    if order.repair {
        for finding in remark::mend(write.connection(), kind, today, &taken.files).await? {
            if finding.severity == Severity::Error {
                taken.refused += 1;
                taken.refused_keys.extend(finding.key.clone());
            }
            taken.notes.push(finding);
        }
    }
    for refused in staging.check(write.connection()).await? {
        taken.refused += 1;
        taken.refused_keys.push(refused.key.clone());
        taken.notes.push(finding(refused, &taken.files));
    }
    remark::settle_corners(write.connection(), kind, today).await?;
    let partial = layer::arrive(&mut write, order, &mut staging, &mut taken).await?;
    let is_partial = partial.is_some();
    partial.into_iter().for_each(|finding| taken.notes.push(finding));
    let mut receipt = Receipt {
        dataset: order.dataset(),
        files: taken.names,
        crs: taken.crs,
        encoding: taken.encoding,
        read: taken.read,
        refused: taken.refused,
        dry_run: order.dry_run,
        sha256: taken.sha256,
        ..Receipt::default()
    };
    if is_partial || order.strict && receipt.refused > 0 {
        taken.notes.into_receipt(&mut receipt);
        // All or none: with one row refused, every row is.
        receipt.refused = receipt.read;
        write.abandon().await?;
        return Err(ImportError::Refused(Box::new(receipt)));
    }
    let outcome = lockup::merge(&mut write, &staging, kind).await?;
    for (refused, refusal) in outcome.refused {
        receipt.refused += 1;
        let mut told = finding(refused, &taken.files);
        told.facts.extend(lockup::finding(&refusal, "", None, "").facts);
        taken.notes.push(told);
    }
    let all_or_none = order.strict && receipt.refused > 0;
    if all_or_none || !outcome.adrift.is_empty() {
        for refusal in &outcome.adrift {
            taken.notes.push(lockup::finding(refusal, "", None, &refusal.key));
        }
        taken.notes.into_receipt(&mut receipt);
        receipt.refused = receipt.read;
        write.abandon().await?;
        return Err(ImportError::Refused(Box::new(receipt)));
    }
    if let Some(found) = lockup::unplanned(outcome.unplanned, taken.files.first().map_or("", String::as_str)) {
        taken.notes.push(found);
    }
    (receipt.accepted, receipt.unchanged) = (outcome.merged.accepted, outcome.merged.unchanged);
    taken.notes.doubt(staging.doubts(), &taken.files);
    taken.notes.doubt(settle(&mut write, kind, today).await?, &taken.files);
    let gone = layer::gone(&mut write, order, &taken.files).await?;
    let is_smaller = gone.is_some();
    gone.into_iter().for_each(|finding| taken.notes.push(finding));
    taken.notes.into_receipt(&mut receipt);
    // The reader counts for itself; the database counts what it was given.
    let handled = receipt.accepted + receipt.unchanged + receipt.refused;
    if handled != receipt.read {
        return Err(ImportError::Count { read: receipt.read, handled });
    }
    if receipt.accepted + receipt.unchanged == 0 && receipt.refused > 0 {
        write.abandon().await?;
        return Err(ImportError::Refused(Box::new(receipt)));
    }
    if receipt.accepted == 0 && receipt.unchanged > 0 && !is_smaller {
        receipt.unchanged_since =
            store::write::revision_of(write.connection(), act(kind), &order.dataset(), &receipt.sha256).await?;
    }
    if order.dry_run || receipt.accepted == 0 && !is_smaller {
        write.abandon().await?;
        return Ok(receipt);
    }
    if matches!(kind, Kind::Parcels | Kind::Zones) {
        let share = rules::deciding_share(rules::rulebook()?, today)?;
        store::place::refresh_tiers(&mut write, today, share).await?;
    }
    let facts = json!({
        "accepted": receipt.accepted,
        "refused": receipt.refused,
        "sha256": receipt.sha256,
        "unchanged": receipt.unchanged,
    });
    receipt.revision = Some(write.commit(Audit { subject: order.dataset(), facts }).await?);
    Ok(receipt)
}

/// A refused row as a finding.
fn finding(refused: Refused, files: &[String]) -> Finding {
    let file = usize::try_from(refused.file).ok().and_then(|index| files.get(index));
    let fault = Fault {
        code: "",
        severity: Severity::Error,
        field: Some(refused.field),
        value: Some(refused.value),
        expected: refused.expected,
    };
    let mut finding = fault.at(file.map_or("", String::as_str), u64::try_from(refused.row).ok(), Some(&refused.key));
    finding.code = refused.code;
    finding
}

fn act(kind: Kind) -> &'static str {
    match kind {
        Kind::Districts => "import-districts",
        Kind::Parks => "import-parks",
        Kind::Zones => "import-zones",
        Kind::PlanUnits => "import-plan-units",
        Kind::LegacyAreas => "import-legacy-areas",
        Kind::Parcels => "import-parcels",
        Kind::Buildings => "import-buildings",
        Kind::Enterprises => "import-enterprises",
        Kind::Occupancies => "import-occupancies",
        Kind::Contracts => "import-contracts",
        Kind::Obligations => "import-obligations",
        Kind::Returns => "import-returns",
        Kind::Supply => "import-supply",
        Kind::Reserve => "import-reserve",
        Kind::Layer => "import-layer",
    }
}

fn refused(order: &Order, refusal: Refusal) -> ImportError {
    let findings = match refusal {
        Refusal::Machine { file, said } => return ImportError::Read { file, source: io::Error::other(said) },
        Refusal::File(findings) => findings,
    };
    let mut notes = Notes::default();
    findings.into_iter().for_each(|finding| notes.push(finding));
    let files = order.files.iter().map(|path| exchange::name_of(path)).collect();
    let mut receipt = Receipt { dataset: order.dataset(), files, ..Receipt::default() };
    notes.into_receipt(&mut receipt);
    ImportError::Refused(Box::new(receipt))
}
