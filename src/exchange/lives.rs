//! A table of what was done to parcels in their lives: one deed a row, on its day and its document, with its facts in
//! columns of their names. It knows columns and neither states nor deeds.

use super::ReadError;
use super::error::{finding, io, refuse};
use serde_json::{Map, Value};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// Its number, counted from 1.
    pub row: u64,
    /// The parcel.
    pub parcel: String,
    /// What was done; `found` where the register meets the parcel in a state.
    pub deed: String,
    /// The legal day as it is written.
    pub on: String,
    /// The document it rests on.
    pub document: String,
    /// The money that the document states: amounts by kind, parted by semicolons; empty where there is none.
    pub money: String,
    /// The other cells that are not empty, by the names of their columns.
    pub facts: Map<String, Value>,
}

const COLUMNS: [&str; 4] = ["parcel_code", "deed", "on", "document"];
/// The column that a file may leave out.
const MONEY: &str = "money";

/// Reads a CSV file in UTF-8.
pub fn read(path: &Path) -> Result<Vec<Told>, ReadError> {
    let file = super::name_of(path);
    let mut bytes = Vec::new();
    File::open(path).and_then(|mut opened| opened.read_to_end(&mut bytes)).map_err(io(&file))?;
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let unreadable = |error: csv::Error| {
        refuse(&file, "unreadable-file", &error.to_string(), "a CSV file in UTF-8 whose rows are as long as its header")
    };
    let names = reader.headers().map_err(unreadable)?.clone();
    let mut places = [0; COLUMNS.len()];
    let mut missing = Vec::new();
    for (place, column) in places.iter_mut().zip(COLUMNS) {
        match names.iter().position(|name| name == column) {
            Some(found) => *place = found,
            None => missing.push(finding(&file, "missing-column", None, format!("a column {column}"))),
        }
    }
    if !missing.is_empty() {
        return Err(ReadError::Refused { findings: missing });
    }
    let mut told = Vec::new();
    for (record, row) in reader.records().zip(1..) {
        let record = record.map_err(unreadable)?;
        let [parcel, deed, on, document] = places.map(|place| record.get(place).unwrap_or_default().to_owned());
        let is_fact = |name: &str| name != MONEY && !COLUMNS.contains(&name);
        let others = names.iter().zip(&record).filter(|(name, cell)| is_fact(name) && !cell.is_empty());
        let money = names.iter().zip(&record).find(|(name, _)| *name == MONEY).map_or("", |(_, cell)| cell).to_owned();
        // A flag is the one fact that is no text.
        let fact = |cell: &str| cell.parse::<bool>().map_or_else(|_| Value::from(cell), Value::from);
        let facts = others.map(|(name, cell)| (name.to_owned(), fact(cell))).collect();
        told.push(Told { row, parcel, deed, on, document, money, facts });
    }
    Ok(told)
}
