//! Occupancies (占用): which enterprise uses how much floor area of which parcel, when, and where its tax is paid.
//!
//! They carry an enterprise's yearly figures to parcels, so that no figure counts twice.

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
    Some(Occupancy {
        parcel: parcel?,
        enterprise: enterprise?,
        role: role?,
        floor_area: floor_area?,
        from: from?,
        to,
        tax_is_local,
    })
}
