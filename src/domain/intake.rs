//! What a bureau's data sets are made of: the kinds, their fields, and how a row in the file's words becomes a value
//! or a list of faults. It knows nothing of files: `exchange` hands it cells.

pub(crate) mod written;

use super::finding::Fault;
use super::quantity::SquareCentimetres;
use chrono::{Datelike, NaiveDate};
use geo_types::{Geometry, MultiPolygon};
use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};
use serde::{Deserialize, Serialize};

/// A kind of data set that can be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Districts (区).
    Districts,
    /// Parks (园区).
    Parks,
    /// Industrial bases and communities (产业基地, 产业社区).
    Zones,
    /// Planning units with their permitted uses (规划单元).
    PlanUnits,
    /// The older division into 104, 195 and 198.
    LegacyAreas,
    /// Parcels (宗地).
    Parcels,
    /// Buildings (建筑).
    Buildings,
    /// Enterprises (企业).
    Enterprises,
    /// Who uses which floor area of which parcel (占用).
    Occupancies,
    /// Land contracts (出让、租赁合同).
    Contracts,
    /// Obligations of a contract (履约事项).
    Obligations,
    /// Yearly figures of an enterprise (年报).
    Returns,
    /// Land secured for industry in a year (用地保障台账).
    Supply,
    /// What comes into the reserve of a park and goes out of it (储备台账).
    Reserve,
    /// A layer that someone else keeps (参考图层), under a name of its own: no register of a city, and any number of them.
    Layer,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    /// Words.
    Text,
    /// A number with a point.
    Number,
    /// A number without one.
    Integer,
    /// A day.
    Date,
    /// Yes or no.
    Flag,
}

/// One field of a kind.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its canonical name, unit last.
    pub name: &'static str,
    /// What it holds.
    pub holds: FieldType,
    /// Whether a file without such a column is refused.
    pub required: bool,
}

/// Whether a kind has shapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shapes {
    /// Each row has a polygon.
    Required,
    /// A row may have a polygon.
    Optional,
    /// A row may have a shape of any sort.
    Any,
    /// Rows have none.
    None,
}

/// One cell as a file has it.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Nothing.
    Empty,
    /// Words.
    Text(String),
    /// A number.
    Number(f64),
    /// A day.
    Date(NaiveDate),
}

/// The shape of a row, in longitude and latitude of EPSG:4490.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// The row has no shape at all, or an empty one.
    None,
    /// Polygons; Z and M are dropped.
    Polygons(MultiPolygon<f64>),
    /// Anything, of a kind whose shapes may be anything.
    Any(Box<Geometry<f64>>),
    /// Polygons with a point that lies nowhere on the globe in the file's reference system; where, and in which system.
    OffTheGlobe(String),
    /// Something else, by its name ("Point", "LineString" …).
    Other(String),
}

/// One row of a file, its cells in the order of [`Kind::fields`].
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The row, counted from 1 without the header.
    pub row: u64,
    /// The cells, one for each field of the kind.
    pub cells: Vec<Cell>,
    /// The shape.
    pub shape: Shape,
}

impl Kind {
    /// Every register of a city, in the order in which it is loaded.
    pub const ALL: [Self; 14] = [
        Self::Districts,
        Self::Zones,
        Self::PlanUnits,
        Self::LegacyAreas,
        Self::Parks,
        Self::Parcels,
        Self::Buildings,
        Self::Enterprises,
        Self::Occupancies,
        Self::Contracts,
        Self::Obligations,
        Self::Returns,
        Self::Supply,
        Self::Reserve,
    ];

    /// The word used on the command line and in a receipt.
    pub fn name(self) -> &'static str {
        match self {
            Self::Districts => "districts",
            Self::Parks => "parks",
            Self::Zones => "zones",
            Self::PlanUnits => "plan-units",
            Self::LegacyAreas => "legacy-areas",
            Self::Parcels => "parcels",
            Self::Buildings => "buildings",
            Self::Enterprises => "enterprises",
            Self::Occupancies => "occupancies",
            Self::Contracts => "contracts",
            Self::Obligations => "obligations",
            Self::Returns => "returns",
            Self::Supply => "supply",
            Self::Reserve => "reserve",
            Self::Layer => "layer",
        }
    }

    /// The register of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == word)
    }

    /// Whether its rows have shapes.
    pub fn shapes(self) -> Shapes {
        match self {
            Self::Districts | Self::Parks | Self::Zones | Self::PlanUnits | Self::LegacyAreas | Self::Parcels => {
                Shapes::Required
            }
            Self::Buildings => Shapes::Optional,
            Self::Layer => Shapes::Any,
            _ => Shapes::None,
        }
    }

    /// Its fields, the key first.
    pub fn fields(self) -> &'static [Field] {
        match self {
            Self::Districts => super::district::FIELDS,
            Self::Parks => super::park::FIELDS,
            Self::Zones => super::zoning::FIELDS,
            Self::PlanUnits => super::zoning::plan_unit::FIELDS,
            Self::LegacyAreas => super::zoning::legacy::FIELDS,
            Self::Parcels => super::parcel::FIELDS,
            Self::Buildings => super::building::FIELDS,
            Self::Enterprises => super::enterprise::FIELDS,
            Self::Occupancies => super::occupancy::FIELDS,
            Self::Contracts => super::contract::FIELDS,
            Self::Obligations => super::contract::obligation::FIELDS,
            Self::Returns => super::performance::FIELDS,
            Self::Supply => super::supply::FIELDS,
            Self::Reserve => super::reserve::FIELDS,
            Self::Layer => super::reference::FIELDS,
        }
    }
}

/// Shorthand for a table of fields.
pub(super) const fn field(name: &'static str, holds: FieldType, required: bool) -> Field {
    Field { name, holds, required }
}

/// Reads the cells of one record by name and keeps every fault it meets, so that a row reports all of them at once.
pub struct Reading<'a> {
    fields: &'static [Field],
    cells: &'a [Cell],
    /// What was wrong so far.
    pub faults: Vec<Fault>,
    /// The day of the import: what is told as done later than it is refused.
    today: NaiveDate,
    has_shape: bool,
}

impl<'a> Reading<'a> {
    /// Starts to read a record of a kind on a day.
    pub fn new(kind: Kind, record: &'a Record, today: NaiveDate) -> Self {
        let has_shape = record.shape != Shape::None;
        Self { fields: kind.fields(), cells: &record.cells, faults: Vec::new(), today, has_shape }
    }

    /// The day of the import.
    pub(super) fn today(&self) -> NaiveDate {
        self.today
    }

    /// Whether the row came with a shape, right or wrong.
    pub(super) fn has_shape(&self) -> bool {
        self.has_shape
    }

    /// Adds a fault that refuses the row.
    pub fn refuse(&mut self, code: &'static str, field: &'static str, value: &str, expected: impl Into<String>) {
        self.faults.push(Fault::error(code, Some(field), Some(value), expected));
    }

    fn cell(&self, name: &'static str) -> &'a Cell {
        self.fields
            .iter()
            .position(|field| field.name == name)
            .and_then(|index| self.cells.get(index))
            .unwrap_or(&Cell::Empty)
    }

    /// A text, or nothing where the cell is empty.
    pub fn text(&mut self, name: &'static str) -> Option<String> {
        match self.cell(name) {
            Cell::Empty => None,
            Cell::Text(text) if text.trim().is_empty() => None,
            Cell::Text(text) if text.contains('\u{FFFD}') => {
                self.refuse(
                    "wrong-encoding",
                    name,
                    text,
                    "readable text; name the file's encoding, e.g. --encoding GBK",
                );
                None
            }
            // A NUL can't be stored, and a code or a name of a thousand characters is another file's column.
            Cell::Text(text) if text.contains('\0') || text.chars().count() > 1000 => {
                self.refuse("bad-text", name, text, "text of at most 1000 characters without NUL");
                None
            }
            Cell::Text(text) => Some(text.trim().to_owned()),
            Cell::Number(number) => Some(format!("{number}")),
            Cell::Date(date) => Some(date.to_string()),
        }
    }

    /// A text that must be there.
    pub fn required_text(&mut self, name: &'static str) -> Option<String> {
        let before = self.faults.len();
        let text = self.text(name);
        if text.is_none() && self.faults.len() == before {
            self.faults.push(Fault::error("missing-value", Some(name), None, "a value"));
        }
        text
    }

    /// A text out of a closed list.
    pub fn word<T: Copy>(&mut self, name: &'static str, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(name)?;
        let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(&text)).map(|(_, value)| *value);
        if found.is_none() {
            let list: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.refuse("unknown-word", name, &text, format!("one of {}", list.join(", ")));
        }
        found
    }

    /// The cell of a number or a day. Where the field is not required, `-`, `—`, `——`, `/` and `无` alone (full-width too)
    /// are empty, as people fill in what they do not have; a required field must have its value.
    fn figure(&self, name: &'static str) -> &'a Cell {
        let may_lack = self.fields.iter().any(|field| field.name == name && !field.required);
        match self.cell(name) {
            Cell::Text(text) if may_lack && written::is_nothing(text) => &Cell::Empty,
            cell => cell,
        }
    }

    /// Whether a code came as a number of more digits than a spreadsheet keeps.
    pub(super) fn has_lost_digits(&self, name: &'static str) -> bool {
        matches!(self.cell(name), Cell::Number(number) if number.abs() >= 1e15)
    }

    /// A finite number that the register can keep, or nothing where the cell is empty or a mark for nothing (`-`, `—`, `/`, `无` in a field that is
    /// not required). Commas are taken between thousands only; full-width digits are digits.
    pub fn number(&mut self, name: &'static str) -> Option<f64> {
        let found = match self.figure(name) {
            Cell::Empty => return None,
            Cell::Number(number) => Some(*number),
            Cell::Text(text) if text.trim().is_empty() => return None,
            Cell::Text(text) => written::number(text),
            Cell::Date(_) => None,
        };
        match found.filter(|number| number.is_finite()) {
            // The register keeps 12 digits before the point.
            Some(number) if number.abs() >= 1e12 => {
                self.refuse("out-of-range", name, &number.to_string(), "a number below 1,000,000,000,000");
                None
            }
            // Adding zero makes a zero of minus zero.
            Some(number) => Some(number + 0.0),
            None => {
                let value = self.describe(name);
                let expected = if value.contains([',', '，']) {
                    "a number; commas stand between thousands only, as in 1,234.5"
                } else {
                    "a number"
                };
                self.refuse("not-a-number", name, &value, expected);
                None
            }
        }
    }

    /// A number of at least zero.
    pub fn amount(&mut self, name: &'static str) -> Option<f64> {
        let number = self.number(name)?;
        if number < 0.0 {
            self.refuse("negative-value", name, &number.to_string(), "a number of at least 0");
            return None;
        }
        Some(number)
    }

    /// A number above zero.
    pub fn positive(&mut self, name: &'static str) -> Option<f64> {
        let number = self.amount(name)?;
        if number == 0.0 {
            self.refuse("not-positive", name, "0", "a number above 0");
            return None;
        }
        Some(number)
    }

    /// An exact amount of money or a target, at least zero, kept to 6 decimals.
    pub fn decimal(&mut self, name: &'static str) -> Option<Decimal> {
        let number = self.amount(name)?;
        let exact = Decimal::from_f64(number).map(|decimal| decimal.round_dp(6).normalize());
        // Rounding may have carried the number over the limit of 12 digits before the point.
        let kept = exact.filter(|decimal| *decimal < Decimal::from(1_000_000_000_000_u64));
        if kept.is_none() {
            self.refuse("out-of-range", name, &number.to_string(), "a number below 1,000,000,000,000");
        }
        kept
    }

    /// An area above zero and below 1,000 km², kept to the square centimetre.
    pub(super) fn area(&mut self, name: &'static str) -> Option<SquareCentimetres> {
        let area = self.decimal(name)?.round_dp(4);
        if area >= Decimal::from(1_000_000_000) {
            self.refuse("out-of-range", name, &area.to_string(), "an area below 1,000 km²; mind m² and mu");
            return None;
        }
        match (area * Decimal::from(10_000)).to_i64().filter(|area| *area > 0) {
            Some(area) => Some(SquareCentimetres(area)),
            None => {
                self.refuse("not-positive", name, &area.to_string(), "an area above 0, of at least 1 cm²");
                None
            }
        }
    }

    /// A day that is not yet to come and must be there.
    pub(super) fn past_day(&mut self, name: &'static str) -> Option<NaiveDate> {
        self.required_text(name)?;
        let day = self.date(name)?;
        self.not_in_future(name, day).then_some(day)
    }

    /// Whether a day that was read has come; if not, it is refused.
    pub(super) fn not_in_future(&mut self, name: &'static str, day: NaiveDate) -> bool {
        if day > self.today {
            self.refuse("day-in-the-future", name, &day.to_string(), format!("a day up to {}", self.today));
        }
        day <= self.today
    }

    /// A whole number of at least zero.
    pub fn count(&mut self, name: &'static str) -> Option<i32> {
        let number = self.amount(name)?;
        if number.fract() != 0.0 || number > f64::from(i32::MAX) {
            self.refuse("not-an-integer", name, &number.to_string(), "a whole number");
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "checked above")]
        Some(number as i32)
    }

    /// A calendar year that is not in the future.
    pub fn year(&mut self, name: &'static str) -> Option<i32> {
        let year = self.count(name)?;
        if year > self.today.year() {
            self.refuse("year-in-the-future", name, &year.to_string(), format!("a year up to {}", self.today.year()));
            return None;
        }
        if year < 1949 {
            self.refuse("out-of-range", name, &year.to_string(), "a year from 1949 on");
            return None;
        }
        Some(year)
    }

    /// A day: a date cell, or text as 2026-06-30, 2026/6/30, 20260630 or 2026年6月30日; nothing where the cell is empty
    /// or a mark for nothing (`-`, `—`, `/`, `无` in a field that is not required).
    pub fn date(&mut self, name: &'static str) -> Option<NaiveDate> {
        let found = match self.figure(name) {
            Cell::Empty => return None,
            Cell::Date(date) => Some(*date),
            Cell::Text(text) if text.trim().is_empty() => return None,
            Cell::Text(text) => written::date(text),
            // A day written as the number 20260630.
            Cell::Number(number) => written::date(&format!("{number}")),
        };
        // Both calendars and PostgreSQL hold more, but no contract does.
        match found.filter(|date| (1900..=2200).contains(&date.year())) {
            Some(date) => Some(date),
            None => {
                let value = self.describe(name);
                let mut expected = "a day such as 2026-06-30, between 1900 and 2200".to_owned();
                if let Some(day) = written::excel_day(&value) {
                    expected.push_str(&format!(
                        "; if this is Excel's number for {day}, give the column a date format and save it anew"
                    ));
                }
                self.refuse("not-a-date", name, &value, expected);
                None
            }
        }
    }

    /// Yes or no; nothing where the cell is empty.
    pub fn flag(&mut self, name: &'static str) -> Option<bool> {
        let value = self.describe(name);
        match value.trim().to_ascii_lowercase().as_str() {
            "" => None,
            "1" | "true" | "t" | "yes" | "y" | "是" => Some(true),
            "0" | "false" | "f" | "no" | "n" | "否" => Some(false),
            _ => {
                self.refuse("not-a-flag", name, &value, "1 or 0, yes or no, 是 or 否");
                None
            }
        }
    }

    fn describe(&self, name: &'static str) -> String {
        match self.cell(name) {
            Cell::Empty => String::new(),
            Cell::Text(text) => text.clone(),
            Cell::Number(number) => number.to_string(),
            Cell::Date(date) => date.to_string(),
        }
    }

    /// Whether a fault refuses the row.
    pub fn refused(&self) -> bool {
        self.faults.iter().any(|fault| fault.severity == super::finding::Severity::Error)
    }
}
