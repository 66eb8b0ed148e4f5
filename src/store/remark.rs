//! What is worth a look in a set of staged rows and refuses none of them: land that two parcels have, corners that moved
//! by less than anyone can measure.

use super::StoreError;
use super::doubt::{Doubt, Doubts};
use super::write::Write;
use crate::domain::intake::Kind;
use serde_json::json;
use sqlx::PgConnection;

/// How many of the staged parcels the merge took; it leaves no others staged. Nothing where it took some that were never
/// staged, as the first ones of a register may.
pub async fn merged(write: &mut Write) -> Result<Option<i64>, StoreError> {
    let revision = write.revision;
    Ok(sqlx::query_scalar!(
        r#"select case when not exists (
                   select from parcel_version v join parcel p on p.id = v.parcel_id
                   where v.revision = $1 and not exists (select from stage_parcel s where s.code = p.code))
               then (select count(*) from stage_parcel) end"#,
        revision
    )
    .fetch_one(write.connection())
    .await?)
}

/// The staged parcels whose land, as this write has it, lies on that of another parcel by more than so many m² on the same
/// days; two of the same files once, with the later row. At most `most` of them are kept.
pub async fn overlaps(write: &mut Write, least_m2: f64, most: i64) -> Result<Doubts, StoreError> {
    let revision = write.revision;
    let rows = sqlx::query_file!("src/store/remark/overlaps.sql", revision, least_m2, most)
        .fetch_all(write.connection())
        .await?;
    let all = rows.first().map_or(0, |row| row.all.unsigned_abs());
    let kept = rows.into_iter().map(|row| Doubt {
        file: row.file,
        row: row.row,
        key: row.key,
        code: "overlaps-parcel",
        field: "geometry",
        value: format!("{:.2} m2 on {}", row.area_m2, row.other),
        expected: format!("land that no other parcel has, within {least_m2} m2; compare the boundaries of both"),
        facts: vec![("parcel", json!(row.code)), ("other_parcel", json!(row.other)), ("area_m2", json!(row.area_m2))],
    });
    Ok(Doubts { kept: kept.collect(), all })
}

/// Lays the staged shapes of a kind that are those on record but for the last digits of their corners onto them: what is
/// within so many metres has not moved. Answers how many were.
pub async fn settle_corners(connection: &mut PgConnection, kind: Kind, within_m: f64) -> Result<u64, StoreError> {
    let settled = match kind {
        Kind::Parcels => {
            // Without this a million parcels that come first would be looked up in a table that has none.
            let none = sqlx::query_scalar!(r#"select not exists (select from parcel) as "none!""#)
                .fetch_one(&mut *connection)
                .await?;
            if none {
                return Ok(0);
            }
            sqlx::query!(
                "update stage_parcel s set geom = t.geom, area_m2 = t.area_m2 from parcel p, parcel_version t
                 where p.code = s.code and t.parcel_id = p.id and upper_inf(t.recorded)
                   and not st_orderingequals(t.geom, s.geom) and same_shape(t.geom, s.geom, $1)",
                within_m
            )
            .execute(connection)
            .await?
        }
        Kind::Zones => {
            sqlx::query!(
                "update stage_zone s set geom = t.geom from zone_version t
                 where t.code = s.code and upper_inf(t.recorded)
                   and not st_orderingequals(t.geom, s.geom) and same_shape(t.geom, s.geom, $1)",
                within_m
            )
            .execute(connection)
            .await?
        }
        Kind::Buildings => {
            sqlx::query!(
                "update stage_building s set geom = t.geom from building t
                 where t.code = s.code and upper_inf(t.recorded) and s.geom is not null and t.geom is not null
                   and not st_orderingequals(t.geom, s.geom) and same_shape(t.geom, s.geom, $1)",
                within_m
            )
            .execute(connection)
            .await?
        }
        _ => return Ok(0),
    };
    Ok(settled.rows_affected())
}
