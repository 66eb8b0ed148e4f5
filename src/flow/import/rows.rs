//! The reading side of an import: files become values or findings, good rows become rows for COPY. It runs where the files
//! are read, and knows neither the database nor who waits for the rows.

use super::Order;
use super::look::Preview;
use super::tally::Tally;
use crate::domain::finding::{Fault, Finding, Severity};
use crate::domain::geometry;
use crate::domain::intake::{Cell, Kind, Reading, Record, Shapes};
use crate::domain::plausibility::Plausibility;
use crate::domain::reference::Schema;
use crate::domain::{
    building, contract, district, enterprise, occupancy, parcel, park, performance, reference, reserve, supply, zoning,
};
use crate::exchange::receipt::{FINDINGS_KEPT, Receipt};
use crate::exchange::{self, Event, ReadError};
use crate::store;
use crate::store::copy::Rows;
use crate::store::doubt::Doubts;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;

/// Rows go on in pieces of about this size, so that memory does not grow with the file.
const PIECE_BYTES: usize = 4 << 20;

/// What is told while files are read.
pub(super) enum Step<'a> {
    /// A file is about to be opened.
    File(&'a str),
    /// Rows to be staged, and how many were read so far.
    Rows(&'a [u8], u64),
}

/// Findings on their way into a receipt.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Notes {
    kept: Vec<Finding>,
    left_out: u64,
    warnings: u64,
}

impl Notes {
    pub(super) fn push(&mut self, finding: Finding) {
        self.warnings += u64::from(finding.severity == Severity::Warning);
        if self.kept.len() < FINDINGS_KEPT {
            self.kept.push(finding);
        } else {
            self.left_out += 1;
        }
    }

    pub(super) fn doubt(&mut self, doubts: Doubts, files: &[String]) {
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

    pub(super) fn into_receipt(self, receipt: &mut Receipt) {
        receipt.warnings = self.warnings;
        receipt.findings = self.kept;
        receipt.findings_left_out = self.left_out;
    }
}

/// What the reading of the files came to.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Taken {
    /// Names of the files, in the order of the numbers that staged rows carry.
    pub files: Vec<String>,
    /// Names of the files as they were given.
    pub names: Vec<String>,
    pub crs: Option<String>,
    pub encoding: Option<String>,
    pub sha256: Vec<(String, String)>,
    pub read: u64,
    pub refused: u64,
    pub notes: Notes,
    /// What was found out about a layer.
    pub layer: Option<Schema>,
    /// The keys of those of its features that were refused: what is on record of them stays.
    pub refused_keys: Vec<String>,
    /// The first rows instead of all, where only these were asked for.
    pub preview: Option<Preview>,
}

/// Reads the files of an order. `tell` answers whether anyone still listens.
pub(super) fn read(
    order: &Order,
    today: NaiveDate,
    bounds: Option<[f64; 4]>,
    plausibility: &Plausibility,
    tally: &mut Tally,
    tell: &mut dyn FnMut(Step<'_>) -> ControlFlow<()>,
) -> Result<Taken, ReadError> {
    let source = order.source(bounds);
    let mut files: Vec<String> = Vec::new();
    let (mut rows, mut notes) = (Rows::default(), Notes::default());
    let (mut read, mut refused, mut refused_keys) = (0, 0, Vec::new());
    let opened = exchange::read(order.kind, &source, &mut |event| {
        let (file, record) = match event {
            Event::File(name) => return tell(Step::File(name)),
            Event::Row(file, record) => (file, record),
        };
        if files.last().is_none_or(|last| last != file) {
            files.push(file.to_owned());
        }
        let index = i16::try_from(files.len() - 1).unwrap_or(i16::MAX);
        read += 1;
        let faults = stage_record(order.kind, &record, today, index, plausibility, tally, &mut rows);
        if faults.iter().any(|fault| fault.severity == Severity::Error) {
            refused += 1;
            if order.kind == Kind::Layer {
                refused_keys.extend(record.cells.first().and_then(|cell| match cell {
                    Cell::Text(text) => Some(text.clone()),
                    _ => None,
                }));
            }
        }
        let key = key(&record);
        for fault in faults {
            notes.push(fault.at(file, Some(record.row), key.as_deref()));
        }
        if rows.len() < PIECE_BYTES {
            return ControlFlow::Continue(());
        }
        let told = tell(Step::Rows(rows.bytes(), read));
        rows.clear();
        told
    })?;
    if !rows.is_empty() {
        // Whoever stopped listening does not wait for an answer either.
        let _ = tell(Step::Rows(rows.bytes(), read));
    }
    read += opened.unreadable_rows;
    refused += opened.unreadable_rows;
    opened.findings.into_iter().chain(tally.findings(&files)).for_each(|finding| notes.push(finding));
    let (names, sha256) = (opened.files, opened.sha256);
    let layer = opened.layer.map(|found| found.schema);
    let (crs, encoding) = (opened.crs, opened.encoding);
    Ok(Taken { files, names, crs, encoding, sha256, read, refused, notes, layer, refused_keys, preview: None })
}

/// What a finding calls a row: its first cell, which is the key of every kind.
pub(super) fn key(record: &Record) -> Option<String> {
    match record.cells.first()? {
        Cell::Text(text) if !text.trim().is_empty() => Some(text.trim().chars().take(60).collect()),
        Cell::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Turns a record into a staged row, or into the faults that refuse it.
pub(super) fn stage_record(
    kind: Kind,
    record: &Record,
    today: NaiveDate,
    file: i16,
    plausibility: &Plausibility,
    tally: &mut Tally,
    rows: &mut Rows,
) -> Vec<Fault> {
    let mut reading = Reading::new(kind, record, today);
    let shape = match kind.shapes() {
        Shapes::None | Shapes::Any => None,
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
        Kind::Layer => {
            let shape = geometry::of_any_sort(&record.shape, &mut reading.faults);
            let found = reference::read(record, &mut reading.faults);
            if let (Some((key, properties)), false) = (found, reading.refused()) {
                store::reference::stage(rows, file, row, key, properties, shape);
            }
        }
        Kind::Districts => {
            put_shaped!(district::read, it, shape => store::place::stage_district(rows, file, row, &it, shape));
        }
        Kind::Parks => put_shaped!(park::read, it, shape => store::place::stage_park(rows, file, row, &it, shape)),
        Kind::Zones => put_shaped!(zoning::read, it, shape => store::zoning::stage(rows, file, row, &it, shape)),
        Kind::PlanUnits => put_shaped!(zoning::plan_unit::read, it, shape => {
            store::zoning::stage_plan_unit(rows, file, row, &it, shape);
        }),
        Kind::LegacyAreas => put_shaped!(zoning::legacy::read, it, shape => {
            store::zoning::stage_legacy_area(rows, file, row, &it, shape);
        }),
        Kind::Parcels => put_shaped!(parcel::read, it, shape => {
            let area = geometry::area(shape);
            tally.add(usize::try_from(file).unwrap_or_default(), row, &it, area);
            store::parcel::stage(rows, file, row, &it, area, shape);
        }),
        Kind::Buildings => put!(building::read, it => store::building::stage(rows, file, row, &it, shape)),
        Kind::Enterprises => put!(enterprise::read, it => store::enterprise::stage(rows, file, row, &it)),
        Kind::Occupancies => put!(occupancy::read, it => store::occupancy::stage(rows, file, row, &it)),
        Kind::Contracts => put!(contract::read, it => store::contract::stage(rows, file, row, &it)),
        Kind::Obligations => put!(contract::obligation::read, it => store::obligation::stage(rows, file, row, &it)),
        Kind::Supply => put!(supply::read, it => store::supply::stage(rows, file, row, &it)),
        Kind::Reserve => put!(reserve::read, it => store::reserve::stage(rows, file, row, &it)),
        Kind::Returns => put!(performance::read, it => {
            reading.faults.extend(plausibility.doubts(&it));
            store::performance::stage(rows, file, row, &it);
        }),
    }
    reading.faults
}
