//! Annual returns (年报): what an enterprise gave and used in a year. An empty figure is unknown, never zero.

use super::enterprise::enterprise_code;
use super::intake::{
    Field,
    FieldType::{Date, Integer, Number, Text},
    Reading, field,
};
use chrono::NaiveDate;

/// The fields of an annual returns data set.
pub const FIELDS: &[Field] = &[
    field("enterprise_code", Text, true),
    field("year", Integer, true),
    field("output_wan_yuan", Number, false),
    field("revenue_wan_yuan", Number, false),
    field("tax_wan_yuan", Number, false),
    field("value_added_wan_yuan", Number, false),
    field("fixed_assets_wan_yuan", Number, false),
    field("energy_tce", Number, false),
    field("emissions_t", Number, false),
    field("rd_wan_yuan", Number, false),
    field("staff", Number, false),
    field("staff_local", Number, false),
    field("electricity_kwh", Number, false),
    field("water_m3", Number, false),
    field("cod_t", Number, false),
    field("veto", Text, false),
    field("veto_cleared_on", Date, false),
];

/// A fault of an enterprise that caps its grade until it is cleared (一票否决).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Veto {
    /// Work safety.
    Safety,
    /// Environment.
    Environment,
    /// Illegal use of land.
    IllegalUse,
}

impl Veto {
    /// The word used in data and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Safety => "safety",
            Self::Environment => "environment",
            Self::IllegalUse => "illegal_use",
        }
    }
}

/// The figures of one enterprise for one year; money in 万元.
#[derive(Debug, Clone, PartialEq)]
pub struct Return {
    /// The enterprise's code.
    pub enterprise: String,
    /// The calendar year.
    pub year: i32,
    /// Industrial output (工业总产值).
    pub output_wan_yuan: Option<f64>,
    /// Main revenue (主营业务收入).
    pub revenue_wan_yuan: Option<f64>,
    /// Tax actually paid (实缴税收); may be below zero after a refund.
    pub tax_wan_yuan: Option<f64>,
    /// Value added (工业增加值); may be below zero.
    pub value_added_wan_yuan: Option<f64>,
    /// Cumulative fixed assets (固定资产投资累计).
    pub fixed_assets_wan_yuan: Option<f64>,
    /// Energy in tonnes of coal equivalent (吨标准煤).
    pub energy_tce: Option<f64>,
    /// Emissions in tonnes.
    pub emissions_t: Option<f64>,
    /// Research and development spending (研发经费).
    pub rd_wan_yuan: Option<f64>,
    /// Mean staff (平均从业人员).
    pub staff: Option<f64>,
    /// Staff from this city.
    pub staff_local: Option<f64>,
    /// Electricity used (用电量), kWh.
    pub electricity_kwh: Option<f64>,
    /// Water used (用水量), m³.
    pub water_m3: Option<f64>,
    /// Chemical oxygen demand of what is discharged (化学需氧量), t.
    pub cod_t: Option<f64>,
    /// A fault of this year.
    pub veto: Option<Veto>,
    /// When it was cleared.
    pub veto_cleared_on: Option<NaiveDate>,
}

/// Reads one row; faults are kept in the reading.
pub fn read(row: &mut Reading<'_>) -> Option<Return> {
    let enterprise = enterprise_code(row, "enterprise_code");
    row.required_text("year");
    let year = row.year("year");
    let value = Return {
        enterprise: String::new(),
        year: 0,
        output_wan_yuan: row.amount("output_wan_yuan"),
        revenue_wan_yuan: row.amount("revenue_wan_yuan"),
        tax_wan_yuan: row.number("tax_wan_yuan"),
        value_added_wan_yuan: row.number("value_added_wan_yuan"),
        fixed_assets_wan_yuan: row.amount("fixed_assets_wan_yuan"),
        energy_tce: row.amount("energy_tce"),
        emissions_t: row.amount("emissions_t"),
        rd_wan_yuan: row.amount("rd_wan_yuan"),
        staff: row.amount("staff"),
        staff_local: row.amount("staff_local"),
        electricity_kwh: row.amount("electricity_kwh"),
        water_m3: row.amount("water_m3"),
        cod_t: row.amount("cod_t"),
        veto: row.word(
            "veto",
            &[("safety", Veto::Safety), ("environment", Veto::Environment), ("illegal_use", Veto::IllegalUse)],
        ),
        veto_cleared_on: row.date("veto_cleared_on"),
    };
    if let (Some(local), Some(all)) = (value.staff_local, value.staff)
        && local > all
    {
        row.refuse("part-exceeds-whole", "staff_local", &local.to_string(), format!("at most staff = {all}"));
    }
    Some(Return { enterprise: enterprise?, year: year?, ..value })
}
