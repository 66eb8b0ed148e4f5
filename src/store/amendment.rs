//! What supplementary contracts (补充合同) made of the contracts that they supplement, at any moment. Which supplement belongs
//! to which contract is in the database's `contract_amendment`; what a term means is not known here.

use super::StoreError;
use crate::domain::moment::Moment;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use sqlx::PgConnection;

/// What the supplements of one contract state in place of its own terms; nothing where none of them states one.
#[derive(Debug, Clone)]
pub struct Amendment {
    pub number: String,
    /// The supplements, the oldest first.
    pub by_numbers: Vec<String>,
    pub term_ends_on: Option<NaiveDate>,
    /// The supplement that states the end of the term.
    pub term_by: Option<String>,
    pub price_wan_yuan: Option<Decimal>,
    pub plot_ratio_low: Option<f64>,
    pub plot_ratio_high: Option<f64>,
    pub performance_terms: bool,
    pub responsible_unit: Option<String>,
    /// The supplement by which a lease became a grant.
    pub granted_by: Option<String>,
    pub granted_on: Option<NaiveDate>,
    /// The first day of the term of that grant.
    pub granted_from: Option<NaiveDate>,
}

/// The amendments that are law at a moment: of the contracts of some parcels, or of all.
pub(super) async fn amendments(
    connection: &mut PgConnection,
    moment: &Moment,
    parcels: Option<&[String]>,
) -> Result<Vec<Amendment>, StoreError> {
    Ok(sqlx::query_as!(
        Amendment,
        r#"select number as "number!", by_numbers as "by_numbers!", term_ends_on, term_by, price_wan_yuan, plot_ratio_low,
               plot_ratio_high, performance_terms as "performance_terms!", responsible_unit, granted_by, granted_on, granted_from
           from contract_amendment($1, $2, $3)"#,
        moment.valid_at,
        moment.known_at,
        parcels
    )
    .fetch_all(connection)
    .await?)
}
