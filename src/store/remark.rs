//! What is worth a look in a set of staged parcels and refuses none of them: registered areas that are not those of the
//! shapes, and how often each land-use code stands there. It counts; what the counts mean is not its business.

use super::StoreError;
use super::doubt::{Doubt, Doubts};
use super::write::Write;
use crate::domain::intake::Kind;
use serde_json::json;
use sqlx::PgConnection;

/// How fine the ratios of areas are told apart: about five in a hundred.
pub const RATIO_STEP: f64 = 0.05;

/// A staged parcel whose registered area is not that of its shape.
#[derive(Debug, Clone, PartialEq)]
pub struct AreaGap {
    /// Which of the import's files.
    pub file: i16,
    /// Which row of it.
    pub row: i64,
    /// What a finding calls it.
    pub key: String,
    /// The registered area, m².
    pub registered_m2: f64,
    /// The area of the shape, m².
    pub drawn_m2: f64,
}

/// How many staged parcels have one land-use code, and where the first of them stands.
#[derive(Debug, Clone, PartialEq)]
pub struct UseCount {
    /// The scheme of the code.
    pub scheme: String,
    /// The code.
    pub code: String,
    /// How many rows have it.
    pub rows: i64,
    /// The first of the import's files that has it.
    pub file: i16,
}

/// How many staged parcels have which ratio of registered to drawn area: its natural logarithm in steps of
/// [`RATIO_STEP`], and the count.
pub async fn area_ratios(connection: &mut PgConnection) -> Result<Vec<(f64, i64)>, StoreError> {
    let rows = sqlx::query!(
        r#"select round(ln(registered_area_m2::float8 / area_m2) / $1) * $1 as "log!", count(*) as "rows!"
           from stage_parcel where registered_area_m2 is not null group by 1"#,
        RATIO_STEP
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.log, row.rows)).collect())
}

/// The staged parcels whose registered area differs from that of their shape by more than a share of it, in the order of
/// the files and at most so many; and how many there are.
pub async fn area_gaps(
    connection: &mut PgConnection,
    share: f64,
    most: i64,
) -> Result<(u64, Vec<AreaGap>), StoreError> {
    let rows = sqlx::query!(
        r#"select file, row, key, registered_area_m2::float8 as "registered_m2!", area_m2, count(*) over () as "all!"
           from stage_parcel where abs(registered_area_m2 - area_m2) > $1 * area_m2 order by file, row limit $2"#,
        share,
        most
    )
    .fetch_all(connection)
    .await?;
    let all = rows.first().map_or(0, |row| row.all.unsigned_abs());
    let gaps = rows.into_iter().map(|row| AreaGap {
        file: row.file,
        row: row.row,
        key: row.key,
        registered_m2: row.registered_m2,
        drawn_m2: row.area_m2,
    });
    Ok((all, gaps.collect()))
}

/// How often each land-use code stands in the staged parcels, the most frequent first.
pub async fn land_uses(connection: &mut PgConnection) -> Result<Vec<UseCount>, StoreError> {
    Ok(sqlx::query_as!(
        UseCount,
        r#"select land_use_scheme as scheme, land_use as code, count(*) as "rows!", min(file) as "file!"
           from stage_parcel group by 1, 2 order by 3 desc, 1, 2"#
    )
    .fetch_all(connection)
    .await?)
}

/// How many of the staged parcels the merge took: it leaves no others staged.
pub async fn merged(connection: &mut PgConnection) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!(r#"select count(*) as "merged!" from stage_parcel"#).fetch_one(connection).await?)
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
