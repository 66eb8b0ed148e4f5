//! Occupancies (占用): which enterprise uses how much floor area of which parcel, when, and where its tax is paid.
//!
//! They carry an enterprise's yearly figures to parcels, so that no figure counts twice.

use super::contract::Validity;
use super::enterprise::enterprise_code;
use super::id::ParcelCode;
use super::intake::{
    Field,
    FieldType::{Date, Number, Text},
    Reading, field,
};
use super::parcel::parcel_code;
use super::quantity::SquareMetres;
use super::zoning::required_date;
use chrono::NaiveDate;

/// The fields of an occupancies data set.
pub const FIELDS: &[Field] = &[
    field("parcel_code", Text, true),
    field("enterprise_code", Text, true),
    field("role", Text, true),
    field("floor_area_m2", Number, true),
    field("from_on", Date, true),
    field("to_on", Date, false),
    field("tax_place", Text, false),
    field("share_percent", Number, false),
    field("share_reason", Text, false),
    field("valid_from", Date, false),
    field("valid_to", Date, false),
];

/// In what right an enterprise uses a parcel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It holds the land.
    Owner,
    /// It rents.
    Tenant,
}

impl Role {
    /// The word used in data and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Tenant => "tenant",
        }
    }
}

/// An occupancy as a data set gives it.
#[derive(Debug, Clone, PartialEq)]
pub struct Occupancy {
    /// The parcel.
    pub parcel: ParcelCode,
    /// The enterprise's code.
    pub enterprise: String,
    /// In what right.
    pub role: Role,
    /// How much floor area.
    pub floor_area: SquareMetres,
    /// The first day.
    pub from: NaiveDate,
    /// The first day after the last.
    pub to: Option<NaiveDate>,
    /// Whether its tax is paid in this city; tax paid elsewhere is shown as such, not as zero.
    pub tax_is_local: bool,
    /// A share of the enterprise's figures that is stated in place of floor area × days.
    pub share: Option<StatedShare>,
    /// The days of the use of which the row speaks, where the file says so.
    pub validity: Validity,
}

/// A share of an enterprise's yearly figures, 0 to 1, that someone answers for.
#[derive(Debug, Clone, PartialEq)]
pub struct StatedShare {
    /// The share.
    pub share: f64,
    /// Why, with the document.
    pub reason: String,
}

/// Reads one row; faults are kept in the reading.
pub fn read(row: &mut Reading<'_>) -> Option<Occupancy> {
    let parcel = parcel_code(row, "parcel_code");
    let enterprise = enterprise_code(row, "enterprise_code");
    row.required_text("role");
    let role = row.word(
        "role",
        &[("owner", Role::Owner), ("tenant", Role::Tenant), ("自用", Role::Owner), ("承租", Role::Tenant)],
    );
    row.required_text("floor_area_m2");
    let floor_area = row.positive("floor_area_m2").map(SquareMetres);
    let from = required_date(row, "from_on");
    let to = row.date("to_on");
    if let (Some(from), Some(to)) = (from, to)
        && to <= from
    {
        row.refuse("period-ends-before-it-begins", "to_on", &to.to_string(), format!("a day after {from}"));
    }
    let tax_is_local = row
        .word("tax_place", &[("local", true), ("elsewhere", false), ("本地", true), ("外地", false)])
        .unwrap_or(true);
    let share = stated_share(row);
    let validity = Validity::read(row);
    if let (None, Some(day)) = (validity.from, validity.to) {
        row.refuse("missing-value", "valid_from", "", format!("a day before {day}; to_on says when the use ended"));
    }
    if let (Some(day), Some(from)) = (validity.from, from)
        && (day < from || to.is_some_and(|to| day >= to))
    {
        let until = to.map_or_else(String::new, |to| format!(" and before {to}"));
        row.refuse("period-outside-use", "valid_from", &day.to_string(), format!("a day from {from} on{until}"));
    }
    if let (Some(day), Some(to)) = (validity.to, to)
        && day > to
    {
        row.refuse("period-outside-use", "valid_to", &day.to_string(), format!("a day not after {to}"));
    }
    Some(Occupancy {
        parcel: parcel?,
        enterprise: enterprise?,
        role: role?,
        floor_area: floor_area?,
        from: from?,
        to,
        tax_is_local,
        share,
        validity,
    })
}

/// A share without a reason, or a reason without a share, is refused: an exception must be answered for.
fn stated_share(row: &mut Reading<'_>) -> Option<StatedShare> {
    let percent = row.amount("share_percent");
    let reason = row.text("share_reason");
    match (percent, reason) {
        (Some(percent), _) if percent > 100.0 => {
            row.refuse("out-of-range", "share_percent", &percent.to_string(), "per cent, 0 to 100");
            None
        }
        (Some(percent), Some(reason)) => Some(StatedShare { share: percent / 100.0, reason }),
        (Some(percent), None) => {
            let expected = "share_reason beside it: why floor area and days do not decide, with the document";
            row.refuse("share-without-reason", "share_percent", &percent.to_string(), expected);
            None
        }
        (None, Some(reason)) => {
            row.refuse("reason-without-share", "share_reason", &reason, "share_percent beside it, or neither");
            None
        }
        (None, None) => None,
    }
}
