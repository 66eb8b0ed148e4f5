//! What the plot-ratio ledger is made of, read in one moment: land, buildings by their parts, contracts and plans.

pub mod rise;

use super::{StoreError, write};
use crate::domain::plot_ratio::{Entry, FloorUse};
use crate::domain::quantity::{PlotRatio, SquareMetres};
use crate::domain::zoning::Tier;
use chrono::NaiveDate;
use sqlx::Acquire;
use sqlx::postgres::PgPool;

/// The ledger of a day, without the references of classes, which a rulebook knows.
#[derive(Debug, Clone)]
pub struct Ledger {
    /// The revision it was read at.
    pub revision: i64,
    /// The parcels that are law on the day, in the order of their codes.
    pub entries: Vec<Entry>,
    /// The floor area of all buildings on record, wherever they stand.
    pub floor_on_record: SquareMetres,
}

/// Reads the ledger of a day: of one district, or of the city. A storey higher than `tall_storey_m` counts twice.
pub async fn read(
    pool: &PgPool,
    day: NaiveDate,
    tall_storey_m: Option<f64>,
    district: Option<&str>,
) -> Result<Ledger, StoreError> {
    let mut connection = pool.acquire().await?;
    let mut tx = connection.begin().await?;
    sqlx::raw_sql("set transaction isolation level repeatable read, read only").execute(&mut *tx).await?;
    let revision = write::head(&mut tx).await?;
    let rows = sqlx::query!(
        r#"with terms as (
               select distinct on (parcel) parcel, coalesce(a.plot_ratio_low, c.plot_ratio_low) as plot_ratio_low,
                   coalesce(a.plot_ratio_high, c.plot_ratio_high) as plot_ratio_high
               from contract c left join contract_amendment($1, null, null) a using (number)
               where upper_inf(recorded) and valid @> $1::date and signed_on <= $1
               order by parcel, supplements is not null and is_supplement(number, parcel, supplements), signed_on desc,
                   number desc)
           select p.code, v.district, d.name as "district_name?", v.park, k.name as "park_name?",
               coalesce(l.tier, 'fragmented') as "tier!", v.land_use,
               v.registered_area_m2::float8 as registered_m2, v.area_m2, v.plot_ratio_allowed,
               f.floor_m2 as "floor_m2?", f.used_m2 as "used_m2?", f.vacant_m2 as "vacant_m2?",
               t.plot_ratio_low as "low?", t.plot_ratio_high as "high?"
           from parcel p
           join parcel_version v on v.parcel_id = p.id and upper_inf(v.recorded) and v.valid @> $1::date
           left join district d on d.code = v.district
           left join park k on k.code = v.park
           left join parcel_place l on l.parcel_id = p.id
           left join parcel_floor($2, null) f on f.parcel_id = p.id
           left join terms t on t.parcel = p.code
           where $3::text is null or v.district = $3
           order by p.code collate "C""#,
        day,
        tall_storey_m,
        district
    )
    .fetch_all(&mut *tx)
    .await?;
    let entries = rows
        .into_iter()
        .map(|row| {
            let tier = Tier::parse(&row.tier).ok_or_else(|| StoreError::Value {
                table: "parcel_place",
                column: "tier",
                row: row.code.clone(),
                value: row.tier.clone(),
            })?;
            let floor = row.floor_m2.map(|built| FloorUse {
                built: SquareMetres(built),
                used: SquareMetres(row.used_m2.unwrap_or(0.0)),
                vacant: SquareMetres(row.vacant_m2.unwrap_or(0.0)),
            });
            Ok(Entry {
                code: row.code,
                district: row.district,
                district_name: row.district_name,
                park: row.park,
                park_name: row.park_name,
                tier,
                land_use: row.land_use,
                land: SquareMetres(row.registered_m2.unwrap_or(row.area_m2)),
                land_is_registered: row.registered_m2.is_some(),
                floor,
                contracted_low: row.low.map(PlotRatio),
                contracted_high: row.high.map(PlotRatio),
                allowed: row.plot_ratio_allowed.map(PlotRatio),
                reference: None,
            })
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    let floor_on_record = sqlx::query_scalar!(
        r#"select coalesce(sum(floor_area_m2::numeric * case when storey_height_m > $1 then 2 else 1 end), 0)::float8 as "sum!"
           from building where upper_inf(recorded)"#,
        tall_storey_m
    )
    .fetch_one(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(Ledger { revision, entries, floor_on_record: SquareMetres(floor_on_record) })
}
