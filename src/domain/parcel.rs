//! Parcels (宗地): the unit that is supplied, judged and taken back.

use super::district::district_code;
use super::id::{DistrictCode, ParcelCode};
use super::intake::{
    Field,
    FieldType::{Date, Number, Text},
    Reading, field,
};
use super::quantity::{PlotRatio, SquareMetres};
use chrono::NaiveDate;

/// The fields of a parcels data set.
pub const FIELDS: &[Field] = &[
    field("parcel_code", Text, true),
    field("district", Text, false),
    field("park", Text, false),
    field("land_use", Text, true),
    field("land_use_scheme", Text, false),
    field("registered_area_m2", Number, false),
    field("plot_ratio_allowed", Number, false),
    field("address", Text, false),
    field("source_id", Text, false),
    field("valid_from", Date, false),
    field("valid_to", Date, false),
];

/// A parcel as a data set gives it, without its shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Parcel {
    /// Its code, 19 or 28 characters.
    pub code: ParcelCode,
    /// The district, from its own column or from the code.
    pub district: DistrictCode,
    /// The code of its park.
    pub park: Option<String>,
    /// The code of its land use, to be read with the scheme: M4 is research in one city and farm service in another.
    pub land_use: String,
    /// The scheme of the land-use code.
    pub land_use_scheme: String,
    /// The area on its certificate (证载面积), which is another thing than the area of its shape.
    pub registered_area: Option<SquareMetres>,
    /// The highest plot ratio that its plan condition allows.
    pub plot_ratio_allowed: Option<PlotRatio>,
    /// Where it lies, in words.
    pub address: Option<String>,
    /// What its sender calls it, where that is another name than its code.
    pub source_id: Option<String>,
    /// The first day on which this version holds in law.
    pub valid_from: Option<NaiveDate>,
    /// The first day after it; nothing where it holds until something else does. With it a row speaks of its own days
    /// alone, also of days that lie behind the newest version.
    pub valid_to: Option<NaiveDate>,
}

/// The scheme of a land-use code where a file names none: Shanghai's reading of GB 50137, with M4 for research.
pub const DEFAULT_LAND_USE_SCHEME: &str = "GB50137-SH";

/// Areas on certificates are kept to four decimals; what is less than the last of them would be kept as no area.
const LEAST_REGISTERED_M2: f64 = 0.0001;

/// Reads one row; faults are kept in the reading.
pub fn read(row: &mut Reading<'_>) -> Option<Parcel> {
    let code = parcel_code(row, "parcel_code");
    let district = match row.text("district") {
        None => code.as_ref().map(ParcelCode::district),
        Some(_) => district_code(row, "district"),
    };
    let park = row.text("park");
    let land_use = row.required_text("land_use");
    let land_use_scheme = row.text("land_use_scheme").unwrap_or_else(|| DEFAULT_LAND_USE_SCHEME.to_owned());
    let registered_area = row.positive("registered_area_m2").map(SquareMetres);
    if let Some(area) = registered_area
        && area.value() < LEAST_REGISTERED_M2
    {
        row.refuse(
            "out-of-range",
            "registered_area_m2",
            &area.value().to_string(),
            format!("at least {LEAST_REGISTERED_M2} m2, or nothing where it is unknown"),
        );
    }
    let plot_ratio_allowed = row.positive("plot_ratio_allowed").map(PlotRatio);
    if let Some(ratio) = plot_ratio_allowed
        && ratio.value() > 20.0
    {
        // The highest real one among Shanghai's "industry upstairs" projects is 3.66 (domain.md §0); 20 is a typing error.
        row.refuse("out-of-range", "plot_ratio_allowed", &ratio.value().to_string(), "a plot ratio of at most 20");
    }
    let address = row.text("address");
    let source_id = row.text("source_id");
    let valid_from = row.date("valid_from");
    let valid_to = row.date("valid_to");
    if let (Some(from), Some(to)) = (valid_from, valid_to)
        && to <= from
    {
        row.refuse("period-ends-before-it-begins", "valid_to", &to.to_string(), format!("a day after {from}"));
    }
    Some(Parcel {
        code: code?,
        district: district?,
        park,
        land_use: land_use?,
        land_use_scheme,
        registered_area,
        plot_ratio_allowed,
        address,
        source_id,
        valid_from,
        valid_to,
    })
}

/// A parcel code that must be there.
pub(super) fn parcel_code(row: &mut Reading<'_>, name: &'static str) -> Option<ParcelCode> {
    let text = row.required_text(name)?;
    match ParcelCode::parse(&text) {
        Ok(code) => Some(code),
        Err(error) => {
            row.refuse("bad-parcel-code", name, &text, error.to_string());
            None
        }
    }
}
