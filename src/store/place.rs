//! Districts and parks as they are now, the checks that every shape passes, and where each parcel stands.

use super::copy::Rows;
use super::geometry::from_wkb;
use super::stage::{FIRST_PAGE, Merged, Refused, Row};
use super::write::Write;
use super::{StoreError, statistics};
use crate::domain::district::District;
use crate::domain::park::Park;
use chrono::NaiveDate;
use geo_types::MultiPolygon;
use sqlx::{PgConnection, PgExecutor};

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
        // Digits alone, so that an array of them needs no quotes.
        .optional(it.leading_industries.as_deref())
        .end();
}

/// Takes out the staged districts whose shape is not valid.
pub(super) async fn check_districts(connection: &mut PgConnection) -> Result<Vec<Refused>, StoreError> {
    invalid_shapes(connection, "stage_district", FIRST_PAGE).await
}

/// Takes out the staged parks whose shape is not valid or lies outside the city, or whose district is unknown.
pub(super) async fn check_parks(connection: &mut PgConnection) -> Result<Vec<Refused>, StoreError> {
    let mut refused = invalid_shapes(connection, "stage_park", FIRST_PAGE).await?;
    refused.extend(outside_city(connection, "stage_park", FIRST_PAGE).await?);
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

/// Takes out the staged rows from a place in the table on whose shape GEOS does not accept, with its reason and the place.
pub(super) async fn invalid_shapes(
    connection: &mut PgConnection,
    table: &'static str,
    from: &str,
) -> Result<Vec<Refused>, StoreError> {
    // The table is one of this ring's own names.
    let sql = format!(
        "delete from {table} where ctid >= $1::text::tid and not st_isvalid(geom)
         returning file, row, key, st_isvalidreason(geom)"
    );
    let rows: Vec<(i16, i64, String, Option<String>)> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(from).fetch_all(connection).await?;
    Ok(rows.into_iter().map(|(file, row, key, value)| Row { file, row, key, value }.refuse_shape()).collect())
}

/// Takes out the staged rows from a place in the table on that touch no district. A register without districts knows no
/// outside.
pub(super) async fn outside_city(
    connection: &mut PgConnection,
    table: &'static str,
    from: &str,
) -> Result<Vec<Refused>, StoreError> {
    let districts =
        sqlx::query_scalar!(r#"select exists (select from district) as "exists!""#).fetch_one(&mut *connection).await?;
    if !districts {
        return Ok(Vec::new());
    }
    // A shape with a corner inside a square of a hundredth of a degree that lies wholly in a district needs no overlay: so
    // it is for nearly all, and there are a hundred times fewer such squares than shapes. A hair is added to the square, as
    // the arithmetic of its corners is not exact. District by district, because GEOS keeps what it learnt of the last
    // shape only.
    let sql = format!(
        "with placed as materialized (
             select at, geom, floor(st_x(point) * 100)::int as x, floor(st_y(point) * 100)::int as y
             from (select ctid as at, geom, st_startpoint(st_exteriorring(st_geometryn(geom, 1))) as point
                   from {table} where ctid >= $1::text::tid offset 0) corner),
         square as materialized (
             select x, y, st_makeenvelope(x / 100.0 - 1e-9, y / 100.0 - 1e-9, (x + 1) / 100.0 + 1e-9,
                                          (y + 1) / 100.0 + 1e-9, 4490) as box
             from (select distinct x, y from placed) found),
         inside as materialized (
             select distinct x, y
             from district d cross join lateral (
                 select x, y from square where d.geom ~ box and st_covers(d.geom, box) offset 0) covered),
         doubtful as materialized (
             select at, geom from placed p where not exists (select from inside i where i.x = p.x and i.y = p.y)),
         touching as materialized (
             select at
             from district d cross join lateral (
                 select at from doubtful t where d.geom && t.geom and st_intersects(d.geom, t.geom) offset 0) touched)
         delete from {table} s
         where s.ctid in (select at from doubtful except select at from touching)
         returning file, row, key, st_astext(st_pointonsurface(geom), 6)"
    );
    let rows: Vec<(i16, i64, String, Option<String>)> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(from).fetch_all(connection).await?;
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
        "insert into park as t (code, name, name_en, district, geom, leading_industries, revision)
         select s.code, s.name, s.name_en, s.district, s.geom,
             -- A file that does not say leaves what is known alone.
             coalesce(s.leading_industries, p.leading_industries, '{}'), $1
         from stage_park s left join park p on p.code = s.code order by s.file, s.row
         on conflict (code) do update
         set name = excluded.name, name_en = excluded.name_en, district = excluded.district, geom = excluded.geom,
             leading_industries = excluded.leading_industries, revision = excluded.revision
         where (t.name, t.name_en, t.district, t.geom, t.leading_industries)
            is distinct from (excluded.name, excluded.name_en, excluded.district, excluded.geom, excluded.leading_industries)",
        revision
    )
    .execute(connection)
    .await?
    .rows_affected();
    Ok(Merged { accepted, unchanged: staged.unsigned_abs() - accepted })
}

/// Works out again where parcels stand, on the shapes that are law on the day; answers how many moved. Only those are
/// looked at whose land, or whose zones, changed since the last time: by a write, or because the day has come. All are
/// when the rule itself changed.
///
/// A parcel takes the tier whose zones together hold the largest share of its land, if that share reaches
/// `deciding_share`; else it is fragmented.
pub async fn refresh_tiers(write: &mut Write, day: NaiveDate, deciding_share: f64) -> Result<i64, StoreError> {
    let revision = write.revision;
    let connection = write.connection();
    let known = sqlx::query!(r#"select l.deciding_share, l.same_law @> $1::date as "same_law!" from tier_law l"#, day)
        .fetch_optional(&mut *connection)
        .await?;
    let by_the_same_rule = known.as_ref().is_some_and(|known| known.deciding_share == deciding_share);
    let changed = if by_the_same_rule {
        Some(sqlx::query_file_scalar!("src/store/place_changed.sql", day).fetch_all(&mut *connection).await?)
    } else {
        None
    };
    let zones = sqlx::query_scalar!(r#"select exists (select from zone_version) as "exists!""#)
        .fetch_one(&mut *connection)
        .await?;
    if !zones {
        return Ok(0);
    }
    let moved = if changed.as_ref().is_none_or(|parcels| !parcels.is_empty()) {
        statistics::gather(connection).await?;
        sqlx::query_file_scalar!("src/store/place_refresh.sql", revision, day, deciding_share, changed.as_deref())
            .fetch_one(&mut *connection)
            .await?
    } else {
        0
    };
    let turned = !known.is_some_and(|known| known.same_law);
    sqlx::query_file!("src/store/place_law.sql", revision, day, deciding_share, turned).execute(connection).await?;
    Ok(moved)
}

/// Whether a version of a parcel or a zone became law, or ceased to be, between the day for which the tiers were worked
/// out and this one, so that they have to be worked out again. True before the first time.
pub async fn tiers_are_of_another_law(executor: impl PgExecutor<'_>, day: NaiveDate) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select exists (select from zone_version)
               and not exists (select from tier_law where same_law @> $1::date) as "exists!""#,
        day
    )
    .fetch_one(executor)
    .await?)
}

/// The districts' codes with their land.
pub async fn district_shapes(executor: impl PgExecutor<'_>) -> Result<Vec<(String, MultiPolygon<f64>)>, StoreError> {
    let rows = sqlx::query!(r#"select code, st_asbinary(geom, 'NDR') as "wkb!" from district order by code"#)
        .fetch_all(executor)
        .await?;
    Ok(rows.into_iter().filter_map(|row| Some((row.code, from_wkb(&row.wkb)?))).collect())
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
