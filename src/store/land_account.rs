//! What the land account sums: the parcels that are law on a day, laid over the zones of that day.

use super::{StoreError, write};
use crate::domain::land_account::Cell;
use crate::domain::quantity::SquareMetres;
use crate::domain::zoning::Tier;
use chrono::NaiveDate;
use sqlx::Acquire as _;
use sqlx::postgres::PgPool;

/// The land of one day.
#[derive(Debug, Clone)]
pub struct Land {
    /// The day.
    pub day: NaiveDate,
    /// Whether any zone is law on it.
    pub plan_is_known: bool,
    /// The land by tier, lock, use and district.
    pub cells: Vec<Cell>,
}

/// Reads the land of some days, each with the share of a parcel's land from which a tier decides, in one moment of the
/// register; answers its revision too.
pub async fn read(pool: &PgPool, days: &[(NaiveDate, f64)]) -> Result<(i64, Vec<Land>), StoreError> {
    let mut connection = pool.acquire().await?;
    let mut tx = connection.begin().await?;
    sqlx::raw_sql("set transaction isolation level repeatable read, read only").execute(&mut *tx).await?;
    let revision = write::head(&mut tx).await?;
    let mut all = Vec::with_capacity(days.len());
    for (day, deciding_share) in days {
        let plan_is_known = sqlx::query_scalar!(
            r#"select exists (select from zone_version where upper_inf(recorded) and valid @> $1::date) as "known!""#,
            day
        )
        .fetch_one(&mut *tx)
        .await?;
        let rows = sqlx::query!(
            r#"select t.tier as "tier!", t.locked as "locked!", v.land_use, v.land_use_scheme, v.district,
                   d.name as "district_name?", count(*) as "parcels!",
                   sum(coalesce(v.registered_area_m2::float8, v.area_m2) order by v.parcel_id) as "land_m2!"
               from parcel_version v
               join city_tiers($1, $2, null) t on t.parcel_id = v.parcel_id
               left join district d on d.code = v.district
               where upper_inf(v.recorded) and v.valid @> $1::date
               group by t.tier, t.locked, v.land_use, v.land_use_scheme, v.district, d.name
               order by v.district, v.land_use, v.land_use_scheme, t.tier, t.locked"#,
            day,
            deciding_share
        )
        .fetch_all(&mut *tx)
        .await?;
        let cells = rows
            .into_iter()
            .map(|row| {
                let tier = Tier::parse(&row.tier).ok_or_else(|| StoreError::Value {
                    table: "city_tiers",
                    column: "tier",
                    row: row.district.clone(),
                    value: row.tier.clone(),
                })?;
                Ok(Cell {
                    tier: plan_is_known.then_some(tier),
                    locked: row.locked,
                    land_use: row.land_use,
                    land_use_scheme: row.land_use_scheme,
                    district: row.district,
                    district_name: row.district_name,
                    parcels: row.parcels.unsigned_abs(),
                    land: SquareMetres(row.land_m2),
                })
            })
            .collect::<Result<Vec<_>, StoreError>>()?;
        all.push(Land { day: *day, plan_is_known, cells });
    }
    tx.commit().await?;
    Ok((revision, all))
}
