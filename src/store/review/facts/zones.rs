//! Where parcels stand on a day: their tiers, the lock, and the part of the older division that fragmented land lies in.

use crate::domain::zoning::Tier;
use crate::domain::zoning::legacy::Class;
use crate::store::StoreError;
use chrono::NaiveDate;
use futures_util::TryStreamExt;
use sqlx::PgConnection;
use std::collections::HashMap;

/// Where a parcel stands, and whether the plan locks it.
struct TierRow {
    parcel_id: i64,
    tier: String,
    locked: bool,
}

/// Where each parcel stands on the day: as it is kept, where the day is one of those for which that was worked out.
/// Asked by itself, not joined to the parcels: the planner takes the answer for two hundred rows, and has compared every
/// parcel with every other.
pub(super) async fn tiers(
    connection: &mut PgConnection,
    as_of: NaiveDate,
    deciding_share: f64,
    mut each: impl FnMut(i64, Tier, bool),
) -> Result<(), StoreError> {
    let are_kept = sqlx::query_scalar!(
        r#"select exists (select from tier_law where same_law @> $1::date and deciding_share = $2) as "kept!""#,
        as_of,
        deciding_share
    )
    .fetch_one(&mut *connection)
    .await?;
    let mut rows = if are_kept {
        sqlx::query_as!(TierRow, "select parcel_id, tier, locked from parcel_place").fetch(connection)
    } else {
        sqlx::query_as!(
            TierRow,
            r#"select parcel_id as "parcel_id!", tier as "tier!", locked as "locked!" from parcel_tier_at($1, $2)"#,
            as_of,
            deciding_share
        )
        .fetch(connection)
    };
    while let Some(row) = rows.try_next().await? {
        let tier = Tier::parse(&row.tier).ok_or_else(|| StoreError::Value {
            table: "parcel_place",
            column: "tier",
            row: row.parcel_id.to_string(),
            value: row.tier.clone(),
        })?;
        each(row.parcel_id, tier, row.locked);
    }
    Ok(())
}

/// In which part of the older division some parcels lie on the day.
pub(super) async fn legacy_classes(
    connection: &mut PgConnection,
    as_of: NaiveDate,
    deciding_share: f64,
    among: &[i64],
) -> Result<HashMap<i64, Class>, StoreError> {
    let rows = sqlx::query!(
        r#"select parcel_id as "parcel_id!", class as "class!" from parcel_legacy_class($1, $2, $3)"#,
        as_of,
        deciding_share,
        among
    )
    .fetch_all(connection)
    .await?;
    let read = |parcel_id: i64, class: &str| {
        Class::parse(class).map(|class| (parcel_id, class)).ok_or_else(|| StoreError::Value {
            table: "legacy_area_version",
            column: "class",
            row: parcel_id.to_string(),
            value: class.to_owned(),
        })
    };
    rows.iter().map(|row| read(row.parcel_id, &row.class)).collect()
}
