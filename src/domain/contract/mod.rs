//! Land contracts (出让、租赁、划拨) and what they promise.

pub mod agenda;
pub mod bond;
pub mod clock;
pub mod due;
pub mod expiry;
pub mod obligation;
pub mod tracks;

use self::bond::Bonds;
use super::id::ParcelCode;
use super::intake::{
    Field,
    FieldType::{Date, Flag, Integer, Number, Text},
    Reading, field,
};
use super::parcel::parcel_code;
use super::quantity::PlotRatio;
use super::zoning::required_date;
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// The fields of a contracts data set.
pub const FIELDS: &[Field] = &[
    field("contract_no", Text, true),
    field("parcel_code", Text, true),
    field("kind", Text, true),
    field("holder", Text, false),
    field("signed_on", Date, true),
    field("term_years", Number, false),
    field("term_starts_on", Date, false),
    field("term_ends_on", Date, false),
    field("price_wan_yuan", Number, false),
    field("plot_ratio_low", Number, false),
    field("plot_ratio_high", Number, false),
    field("performance_terms", Flag, true),
    field("responsible_unit", Text, false),
    field("developed_percent", Number, false),
    field("invested_percent", Number, false),
    field("suspended_on", Date, false),
    field("supplements", Text, false),
    field("paid_on", Date, false),
    field("handed_over_on", Date, false),
    field("deposit_wan_yuan", Number, false),
    field("review_years", Integer, false),
    field("bond_wan_yuan", Number, false),
    field("bond_percent", Number, false),
    field("bond_start_wan_yuan", Number, false),
    field("bond_completion_wan_yuan", Number, false),
    field("bond_production_wan_yuan", Number, false),
    field("bond_form", Text, false),
    field("bond_due_on", Date, false),
    field("bond_paid_on", Date, false),
    field("bond_demanded_on", Date, false),
    field("bond_settled", Text, false),
    field("bond_settled_on", Date, false),
    field("bond_forfeited_wan_yuan", Number, false),
    field("bond_start_settled", Text, false),
    field("bond_start_settled_on", Date, false),
    field("bond_start_forfeited_wan_yuan", Number, false),
    field("bond_completion_settled", Text, false),
    field("bond_completion_settled_on", Date, false),
    field("bond_completion_forfeited_wan_yuan", Number, false),
    field("bond_production_settled", Text, false),
    field("bond_production_settled_on", Date, false),
    field("bond_production_forfeited_wan_yuan", Number, false),
    field("valid_from", Date, false),
    field("valid_to", Date, false),
];

/// How land was handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContractKind {
    /// 出让.
    Grant,
    /// 弹性年期出让: granted for less than the longest term.
    FlexibleGrant,
    /// 租赁.
    Lease,
    /// 先租后让.
    LeaseThenGrant,
    /// 划拨.
    Allocation,
}

impl ContractKind {
    /// The word used in data and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::FlexibleGrant => "flexible_grant",
            Self::Lease => "lease",
            Self::LeaseThenGrant => "lease_then_grant",
            Self::Allocation => "allocation",
        }
    }
}

/// Whether land is leased under a contract of a kind. What a lease becomes is granted: 先租后让 is a lease until the grant
/// follows, by a supplement that is one, and a grant from then on.
pub fn is_leased(kind: &str, granted: bool) -> bool {
    [ContractKind::Lease, ContractKind::LeaseThenGrant].iter().any(|lease| lease.name() == kind) && !granted
}

/// A contract as a data set gives it.
#[derive(Debug, Clone, PartialEq)]
pub struct Contract {
    /// Its number.
    pub number: String,
    /// The parcel it is about.
    pub parcel: ParcelCode,
    /// How the land was handed over.
    pub kind: ContractKind,
    /// The code of the enterprise that holds the land.
    pub holder: Option<String>,
    /// When it was signed.
    pub signed_on: NaiveDate,
    /// The first day of the term.
    pub term_starts_on: NaiveDate,
    /// The first day after the term; allocated land has none, nor a supplement that leaves the term as it is.
    pub term_ends_on: Option<NaiveDate>,
    /// The price in 万元.
    pub price_wan_yuan: Option<Decimal>,
    /// The lowest plot ratio promised.
    pub plot_ratio_low: Option<PlotRatio>,
    /// The highest plot ratio agreed.
    pub plot_ratio_high: Option<PlotRatio>,
    /// Whether it carries performance terms: a life-cycle contract (全生命周期管理), not a bare one from before 2014.
    pub performance_terms: bool,
    /// Who supervises it: who raises the proposal is answerable.
    pub responsible_unit: Option<String>,
    /// How much of the land that was due is developed, per cent.
    pub developed_percent: Option<f64>,
    /// How much of the agreed investment is made, per cent.
    pub invested_percent: Option<f64>,
    /// Since when works stand still.
    pub suspended_on: Option<NaiveDate>,
    /// The number of the contract that it supplements (补充合同).
    pub supplements: Option<String>,
    /// When the price was paid in full.
    pub paid_on: Option<NaiveDate>,
    /// When the land was handed over (交地).
    pub handed_over_on: Option<NaiveDate>,
    /// The deposit (定金) in 万元.
    pub deposit_wan_yuan: Option<Decimal>,
    /// Years from one review in use to the next, where it says so.
    pub review_years: Option<i32>,
    /// The performance bonds behind it.
    pub bonds: Bonds,
    /// The days on which this version is law, where the file says so.
    pub validity: Validity,
}

/// From when to when a version is law. Without a first day a row corrects the newest version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Validity {
    /// The first day.
    pub from: Option<NaiveDate>,
    /// The first day after the last.
    pub to: Option<NaiveDate>,
}

impl Validity {
    /// Whether both days are given, so that the row speaks of those days alone.
    pub fn is_period(self) -> bool {
        self.from.is_some() && self.to.is_some()
    }

    /// Reads `valid_from` and `valid_to`.
    pub(super) fn read(row: &mut Reading<'_>) -> Self {
        let (from, to) = (row.date("valid_from"), row.date("valid_to"));
        if let (Some(from), Some(to)) = (from, to)
            && to <= from
        {
            row.refuse("period-ends-before-it-begins", "valid_to", &to.to_string(), format!("a day after {from}"));
        }
        Self { from, to }
    }
}

/// Reads one row; faults are kept in the reading.
pub fn read(row: &mut Reading<'_>) -> Option<Contract> {
    let number = row.required_text("contract_no");
    let parcel = parcel_code(row, "parcel_code");
    row.required_text("kind");
    let kind = row.word(
        "kind",
        &[
            ("grant", ContractKind::Grant),
            ("flexible_grant", ContractKind::FlexibleGrant),
            ("lease", ContractKind::Lease),
            ("lease_then_grant", ContractKind::LeaseThenGrant),
            ("allocation", ContractKind::Allocation),
            ("出让", ContractKind::Grant),
            ("弹性年期出让", ContractKind::FlexibleGrant),
            ("租赁", ContractKind::Lease),
            ("先租后让", ContractKind::LeaseThenGrant),
            ("划拨", ContractKind::Allocation),
        ],
    );
    let holder = row.text("holder");
    let signed_on = required_date(row, "signed_on");
    let term_starts_on = row.date("term_starts_on").or(signed_on);
    let term_years = row.positive("term_years");
    let term_ends_on = match (row.date("term_ends_on"), term_starts_on, term_years) {
        (Some(end), _, _) => Some(end),
        (None, Some(start), Some(years)) => years_after(start, years),
        _ => None,
    };
    if let (Some(start), Some(end)) = (term_starts_on, term_ends_on)
        && end <= start
    {
        row.refuse("period-ends-before-it-begins", "term_ends_on", &end.to_string(), format!("a day after {start}"));
    }
    let supplements = row.text("supplements");
    // A supplement that states no term leaves the term of its contract as it is.
    if term_ends_on.is_none() && supplements.is_none() && matches!(kind, Some(kind) if kind != ContractKind::Allocation)
    {
        row.refuse("missing-value", "term_ends_on", "", "term_ends_on or term_years: only allocated land has no term");
    }
    let price_wan_yuan = row.decimal("price_wan_yuan");
    let plot_ratio_low = row.positive("plot_ratio_low").map(PlotRatio);
    let plot_ratio_high = row.positive("plot_ratio_high").map(PlotRatio);
    if let (Some(low), Some(high)) = (plot_ratio_low, plot_ratio_high)
        && low > high
    {
        row.refuse("bounds-crossed", "plot_ratio_low", &low.value().to_string(), format!("at most {}", high.value()));
    }
    row.required_text("performance_terms");
    let performance_terms = row.flag("performance_terms");
    let responsible_unit = row.text("responsible_unit");
    let developed_percent = percent(row, "developed_percent");
    let invested_percent = percent(row, "invested_percent");
    let suspended_on = row.date("suspended_on");
    if let (Some(other), Some(own)) = (&supplements, &number)
        && other == own
    {
        row.refuse("supplements-itself", "supplements", other, "the number of another contract");
    }
    let paid_on = row.date("paid_on");
    let handed_over_on = row.date("handed_over_on");
    let deposit_wan_yuan = row.decimal("deposit_wan_yuan");
    let review_years = review_years(row);
    let bonds = Bonds::read(row, price_wan_yuan);
    let validity = Validity::read(row);
    Some(Contract {
        number: number?,
        parcel: parcel?,
        kind: kind?,
        holder,
        signed_on: signed_on?,
        term_starts_on: term_starts_on?,
        term_ends_on,
        price_wan_yuan,
        plot_ratio_low,
        plot_ratio_high,
        performance_terms: performance_terms?,
        responsible_unit,
        developed_percent,
        invested_percent,
        suspended_on,
        supplements,
        paid_on,
        handed_over_on,
        deposit_wan_yuan,
        review_years,
        bonds,
        validity,
    })
}

/// Land in use is reviewed every three to five years.
fn review_years(row: &mut Reading<'_>) -> Option<i32> {
    let years = row.count("review_years")?;
    if !(3..=5).contains(&years) {
        row.refuse("out-of-range", "review_years", &years.to_string(), "3, 4 or 5 years");
        return None;
    }
    Some(years)
}

/// A share in per cent; investment may exceed what was agreed.
fn percent(row: &mut Reading<'_>, name: &'static str) -> Option<f64> {
    let value = row.amount(name)?;
    if value > 1000.0 {
        row.refuse("out-of-range", name, &value.to_string(), "per cent, at most 1000");
        return None;
    }
    Some(value)
}

fn years_after(start: NaiveDate, years: f64) -> Option<NaiveDate> {
    if years > 100.0 {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive and at most 100")]
    let months = (years * 12.0).round() as u32;
    start.checked_add_months(chrono::Months::new(months))
}
