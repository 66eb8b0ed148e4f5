//! Districts and parks as they are now, the checks that every shape passes, and where each parcel stands.

use super::StoreError;
use super::copy::Rows;
use super::stage::{Merged, Refused, Row};
use super::write::Write;
use crate::domain::district::District;
use crate::domain::park::Park;
use chrono::NaiveDate;
use geo_types::MultiPolygon;
use sqlx::{PgConnection, PgPool};

/// Puts one district on its way in.
pub fn stage_district(rows: &mut Rows, file: i16, row: u64, it: &District, shape: &MultiPolygon<f64>) {
    rows.row(file, row, it.code.as_str())
        .text(it.code.as_str())
        .text(&it.name)
        .optional_text(it.name_en.as_deref())
        .shape(shape)
        .end();
}

/// Puts one park on its way in.
pub fn stage_park(rows: &mut Rows, file: i16, row: u64, it: &Park, shape: &MultiPolygon<f64>) {
    rows.row(file, row, &it.code)
        .text(&it.code)
        .text(&it.name)
        .optional_text(it.name_en.as_deref())
        .text(it.district.as_str())
        .shape(shape)
        .end();
}

/// Takes out the staged districts whose shape is not valid.
pub(super) async fn check_districts(connection: &mut PgConnection) -> Result<Vec<Refused>, StoreError> {
    invalid_shapes(connection, "stage_district").await
}

/// Takes out the staged parks whose shape is not valid or lies outside the city, or whose district is unknown.
pub(super) async fn check_parks(connection: &mut PgConnection) -> Result<Vec<Refused>, StoreError> {
    let mut refused = invalid_shapes(connection, "stage_park").await?;
    refused.extend(outside_city(connection, "stage_park").await?);
    let rows = sqlx::query_as!(
        Row,
        "delete from stage_park s
         where exists (select from district) and not exists (select from district t where t.code = s.district)
         returning s.file, s.row, s.key, s.district as value"
    )
    .fetch_all(connection)
    .await?;
    refused.extend(rows.into_iter().map(|row| {
        row.refuse("unknown-district", "district", "the code of a district in the register; import districts first")
    }));
    Ok(refused)
}

/// Takes out the staged rows whose shape GEOS does not accept, with its reason and the place.
pub(super) async fn invalid_shapes(
    connection: &mut PgConnection,
    table: &'static str,
) -> Result<Vec<Refused>, StoreError> {
    // The table is one of this ring's own names.
    let sql =
        format!("delete from {table} where not st_isvalid(geom) returning file, row, key, st_isvalidreason(geom)");
    let rows: Vec<(i16, i64, String, Option<String>)> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(connection).await?;
    Ok(rows.into_iter().map(|(file, row, key, value)| Row { file, row, key, value }.refuse_shape()).collect())
}

/// Takes out the staged rows that touch no district. A register without districts knows no outside.
pub(super) async fn outside_city(
    connection: &mut PgConnection,
    table: &'static str,
) -> Result<Vec<Refused>, StoreError> {
    let sql = format!(
        "delete from {table} s
         where exists (select from district)
           and not exists (select from district d where st_intersects(d.geom, s.geom))
         returning file, row, key, st_astext(st_pointonsurface(geom), 6)"
    );
    let rows: Vec<(i16, i64, String, Option<String>)> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(connection).await?;
    Ok(rows
        .into_iter()
        .map(|(file, row, key, value)| {
            Row { file, row, key, value }.refuse(
                "outside-city",
                "geometry",
                "a place inside a district of the register; check the CRS (--crs) and the order of the axes",
            )
        })
        .collect())
}

/// Merges the staged districts.
pub(super) async fn merge_districts(write: &mut Write) -> Result<Merged, StoreError> {
    let revision = write.revision;
    let connection = write.connection();
    let staged =
        sqlx::query_scalar!(r#"select count(*) as "count!" from stage_district"#).fetch_one(&mut *connection).await?;
    let accepted = sqlx::query!(
        "insert into district as t (code, name, name_en, geom, revision)
         select code, name, name_en, geom, $1 from stage_district order by file, row
         on conflict (code) do update
         set name = excluded.name, name_en = excluded.name_en, geom = excluded.geom, revision = excluded.revision
         where (t.name, t.name_en, t.geom) is distinct from (excluded.name, excluded.name_en, excluded.geom)",
        revision
    )
    .execute(connection)
    .await?
    .rows_affected();
    Ok(Merged { accepted, unchanged: staged.unsigned_abs() - accepted })
}

/// Merges the staged parks.
pub(super) async fn merge_parks(write: &mut Write) -> Result<Merged, StoreError> {
    let revision = write.revision;
    let connection = write.connection();
    let staged =
        sqlx::query_scalar!(r#"select count(*) as "count!" from stage_park"#).fetch_one(&mut *connection).await?;
    let accepted = sqlx::query!(
        "insert into park as t (code, name, name_en, district, geom, revision)
         select code, name, name_en, district, geom, $1 from stage_park order by file, row
         on conflict (code) do update
         set name = excluded.name, name_en = excluded.name_en, district = excluded.district, geom = excluded.geom,
             revision = excluded.revision
         where (t.name, t.name_en, t.district, t.geom)
            is distinct from (excluded.name, excluded.name_en, excluded.district, excluded.geom)",
        revision
    )
    .execute(connection)
    .await?
    .rows_affected();
    Ok(Merged { accepted, unchanged: staged.unsigned_abs() - accepted })
}

/// Works out again where each parcel stands, on the shapes that are law on the day; answers how many parcels moved.
///
/// A parcel takes the tier whose zones together hold the largest share of its land, if that share reaches
/// `deciding_share`; else it is fragmented.
pub async fn refresh_tiers(write: &mut Write, day: NaiveDate, deciding_share: f64) -> Result<i64, StoreError> {
    let revision = write.revision;
    let connection = write.connection();
    // Fresh rows have no statistics yet, and without them the spatial join is planned as a product.
    sqlx::raw_sql("analyze parcel_version; analyze zone_version; analyze parcel_place")
        .execute(&mut *connection)
        .await?;
    Ok(sqlx::query_file_scalar!("src/store/place_refresh.sql", revision, day, deciding_share)
        .fetch_one(connection)
        .await?)
}

/// Whether a version of a parcel or a zone became law, or ceased to be, between the day for which the tiers were worked
/// out and this one. It asks for days alone, so that asking costs no overlay.
pub async fn tiers_are_of_another_law(pool: &PgPool, day: NaiveDate) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"with kept as (select max(day) as day from parcel_place),
           turn as (
               select lower(valid) as day from parcel_version where upper_inf(recorded)
               union all select lower(valid) from zone_version where upper_inf(recorded)
               union all select upper(valid) from zone_version where upper_inf(recorded))
           select exists (
               select from kept k join turn t
               on t.day > least(k.day, $1::date) and t.day <= greatest(k.day, $1::date)) as "exists!""#,
        day
    )
    .fetch_one(pool)
    .await?)
}

/// The box around the districts of the register: west, south, east, north. Nothing where there are none.
pub async fn bounds(connection: &mut PgConnection) -> Result<Option<[f64; 4]>, StoreError> {
    let found = sqlx::query!(
        "select st_xmin(e) as west, st_ymin(e) as south, st_xmax(e) as east, st_ymax(e) as north
         from (select st_extent(geom) as e from district) d"
    )
    .fetch_one(connection)
    .await?;
    Ok(match (found.west, found.south, found.east, found.north) {
        (Some(west), Some(south), Some(east), Some(north)) => Some([west, south, east, north]),
        _ => None,
    })
}
