//! Parcels and their versions in two times.

use super::StoreError;
use super::copy::Rows;
use super::lineage::refuse_retired;
use super::place::{invalid_shapes, outside_city};
use super::stage::{Merged, Refused, Row};
use super::write::Write;
use crate::domain::geometry::LEAST_M2;
use crate::domain::parcel::Parcel;
use crate::domain::quantity::{PlotRatio, SquareMetres};
use geo_types::MultiPolygon;
use sqlx::PgConnection;

/// Puts one parcel on its way in.
pub fn stage(rows: &mut Rows, file: i16, row: u64, it: &Parcel, area: SquareMetres, shape: &MultiPolygon<f64>) {
    rows.row(file, row, it.code.as_str())
        .text(it.code.as_str())
        .text(it.district.as_str())
        .optional_text(it.park.as_deref())
        .text(&it.land_use)
        .text(&it.land_use_scheme)
        .optional_exact(it.registered_area.map(SquareMetres::value))
        .value(&area.value())
        .optional_number(it.plot_ratio_allowed.map(PlotRatio::value))
        .optional_text(it.address.as_deref())
        .optional_date(it.valid_from)
        .shape(shape)
        .optional_text(it.source_id.as_deref())
        .optional_date(it.valid_to)
        .end();
}

/// Takes out the staged parcels from a place in the table on whose shape is bad, or whose district or park is unknown.
pub(super) async fn check_rows(connection: &mut PgConnection, from: &str) -> Result<Vec<Refused>, StoreError> {
    let mut refused = invalid_shapes(connection, "stage_parcel", from).await?;
    // Rings that are in order may still lie so close together that nothing is between them.
    let rows = sqlx::query_as!(
        Row,
        "delete from stage_parcel s where s.ctid >= $2::text::tid and s.area_m2 <= $1
         returning s.file, s.row, s.key, s.area_m2::text as value",
        LEAST_M2,
        from
    )
    .fetch_all(&mut *connection)
    .await?;
    refused.extend(
        rows.into_iter().map(|row| row.refuse("geometry-no-area", "geometry", "a polygon with an area, in m2")),
    );
    refused.extend(outside_city(connection, "stage_parcel", from).await?);
    let rows = sqlx::query_as!(
        Row,
        "delete from stage_parcel s
         where s.ctid >= $1::text::tid
           and exists (select from district) and not exists (select from district t where t.code = s.district)
         returning s.file, s.row, s.key, s.district as value",
        from
    )
    .fetch_all(&mut *connection)
    .await?;
    refused.extend(rows.into_iter().map(|row| {
        row.refuse("unknown-district", "district", "the code of a district in the register; import districts first")
    }));
    let rows = sqlx::query_as!(
        Row,
        "delete from stage_parcel s
         where s.ctid >= $1::text::tid
           and s.park is not null and not exists (select from park t where t.code = s.park)
         returning s.file, s.row, s.key, s.park as value",
        from
    )
    .fetch_all(&mut *connection)
    .await?;
    refused.extend(rows.into_iter().map(|row| {
        row.refuse("unknown-park", "park", "the code of a park in the register, or nothing; import parks first")
    }));
    Ok(refused)
}

/// Takes out the staged parcels that begin before a later version already on record.
pub(super) async fn check(connection: &mut PgConnection) -> Result<Vec<Refused>, StoreError> {
    let mut refused = refuse_retired(connection).await?;
    let rows = sqlx::query_as!(
        Row,
        "delete from stage_parcel s using parcel p, lineage_party y, lineage_event e
         where s.valid_to is not null and p.code = s.code and y.parcel_id = p.id and y.part = 'begun' and e.id = y.event
           and (s.valid_from is null or s.valid_from < e.on_date)
         returning s.file, s.row, s.key,
             format('%s, before %s, on which %s of %s began', coalesce(s.valid_from::text, 'no day'), e.on_date, s.code, e.kind)
                 as value"
    )
    .fetch_all(&mut *connection)
    .await?;
    refused.extend(rows.into_iter().map(|row| {
        row.refuse("period-before-parcel", "valid_from", "a day not before the one on which an event began the parcel")
    }));
    // A row that says what an earlier version says is no change to it, whatever came after.
    let rows = sqlx::query_as!(
        Row,
        "delete from stage_parcel s using parcel p, parcel_version t
         where p.code = s.code and t.parcel_id = p.id and upper_inf(t.recorded) and s.valid_from < lower(t.valid)
           and s.valid_to is null
           and not exists (
               select from parcel_version o
               where o.parcel_id = p.id and upper_inf(o.recorded) and lower(o.valid) = s.valid_from
                 and (o.district, o.park, o.land_use, o.land_use_scheme, o.registered_area_m2, o.plot_ratio_allowed, o.address, o.source_id, o.geom)
                     is not distinct from
                     (s.district, s.park, s.land_use, s.land_use_scheme, s.registered_area_m2, s.plot_ratio_allowed, s.address, s.source_id, s.geom))
         returning s.file, s.row, s.key, s.valid_from::text as value"
    )
    .fetch_all(connection)
    .await?;
    refused.extend(rows.into_iter().map(|row| {
        row.refuse(
            "period-overlaps",
            "valid_from",
            "a day not before the newest version of the parcel; leave it empty to correct that version, or give valid_to too \
             to correct the days before it",
        )
    }));
    Ok(refused)
}

/// Merges the staged parcels. What reads the same as the version of its day, or without a day as the newest, is left alone; a later `valid_from` begins a
/// new version and ends the one before it; the same or none corrects the newest version. With `valid_to` a row speaks of
/// its own days alone.
pub(super) async fn merge(write: &mut Write) -> Result<Merged, StoreError> {
    let staged =
        sqlx::query_scalar!(r#"select count(*) as "staged!" from stage_parcel"#).fetch_one(write.connection()).await?;
    // What passed the checks under a code that has ended is known.
    sqlx::query!(
        "delete from stage_parcel s using parcel p, lineage_party y
         where p.code = s.code and y.parcel_id = p.id and y.part = 'ended'"
    )
    .execute(write.connection())
    .await?;
    let accepted = merge_periods(write).await? + merge_rows(write).await?;
    Ok(Merged { accepted, unchanged: staged.unsigned_abs() - accepted })
}

/// Merges the rows that speak of days of their own: what they say replaces what is on record for those days, and for the
/// parcel's other days the record holds, before as well as after.
async fn merge_periods(write: &mut Write) -> Result<u64, StoreError> {
    let (revision, at) = (write.revision, write.recorded_at);
    let connection = write.connection();
    sqlx::query!(
        "insert into parcel (code) select code from stage_parcel where valid_to is not null on conflict (code) do nothing"
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "delete from stage_parcel s
         where s.valid_to is not null and daterange(s.valid_from, s.valid_to) <@ (
             select range_agg(t.valid) from parcel p join parcel_version t on t.parcel_id = p.id
             where p.code = s.code and upper_inf(t.recorded) and t.valid && daterange(s.valid_from, s.valid_to)
               and (t.district, t.park, t.land_use, t.land_use_scheme, t.registered_area_m2, t.plot_ratio_allowed, t.address, t.source_id, t.geom)
               is not distinct from
               (s.district, s.park, s.land_use, s.land_use_scheme, s.registered_area_m2, s.plot_ratio_allowed, s.address, s.source_id, s.geom))"
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "with closed as (
             update parcel_version t set recorded = tstzrange(lower(t.recorded), $1) from stage_parcel s, parcel p
             where s.valid_to is not null and p.code = s.code and t.parcel_id = p.id and upper_inf(t.recorded)
               and t.valid && daterange(s.valid_from, s.valid_to)
             returning t.*, daterange(s.valid_from, s.valid_to) as said)
         insert into parcel_version (parcel_id, valid, recorded, district, park, land_use, land_use_scheme,
             registered_area_m2, area_m2, plot_ratio_allowed, address, source_id, geom, revision)
         select c.parcel_id, rest.valid, tstzrange($1, null), c.district, c.park, c.land_use, c.land_use_scheme,
             c.registered_area_m2, c.area_m2, c.plot_ratio_allowed, c.address, c.source_id, c.geom, $2
         from closed c cross join lateral
             unnest(datemultirange(c.valid) - datemultirange(c.said)) as rest (valid)",
        at,
        revision
    )
    .execute(&mut *connection)
    .await?;
    let accepted = sqlx::query!(
        "insert into parcel_version (parcel_id, valid, recorded, district, park, land_use, land_use_scheme,
             registered_area_m2, area_m2, plot_ratio_allowed, address, source_id, geom, revision)
         select p.id, daterange(s.valid_from, s.valid_to), tstzrange($1, null), s.district, s.park, s.land_use,
             s.land_use_scheme, s.registered_area_m2, s.area_m2, s.plot_ratio_allowed, s.address, s.source_id, s.geom, $2
         from stage_parcel s join parcel p on p.code = s.code where s.valid_to is not null",
        at,
        revision
    )
    .execute(connection)
    .await?
    .rows_affected();
    Ok(accepted)
}

async fn merge_rows(write: &mut Write) -> Result<u64, StoreError> {
    let (revision, at) = (write.revision, write.recorded_at);
    let connection = write.connection();
    sqlx::query!("insert into parcel (code) select code from stage_parcel on conflict (code) do nothing")
        .execute(&mut *connection)
        .await?;
    sqlx::query!(
        "delete from stage_parcel s using parcel p, parcel_version t
         where p.code = s.code and t.parcel_id = p.id and upper_inf(t.recorded)
           and s.valid_to is null and (s.valid_from = lower(t.valid) or s.valid_from is null and upper_inf(t.valid))
           and (t.district, t.park, t.land_use, t.land_use_scheme, t.registered_area_m2, t.plot_ratio_allowed, t.address, t.source_id, t.geom)
               is not distinct from
               (s.district, s.park, s.land_use, s.land_use_scheme, s.registered_area_m2, s.plot_ratio_allowed, s.address, s.source_id, s.geom)"
    )
    .execute(&mut *connection)
    .await?;
    // A correction keeps the day from which the version was law.
    sqlx::query!(
        "update stage_parcel s set valid_from = lower(t.valid) from parcel p, parcel_version t
         where s.valid_from is null and p.code = s.code and t.parcel_id = p.id and upper_inf(t.recorded) and upper_inf(t.valid)"
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "with closed as (
             update parcel_version t set recorded = tstzrange(lower(t.recorded), $1) from stage_parcel s, parcel p
             where s.valid_to is null and p.code = s.code and t.parcel_id = p.id and upper_inf(t.recorded)
               and t.valid && daterange(s.valid_from, null)
             returning t.*, s.valid_from)
         insert into parcel_version (parcel_id, valid, recorded, district, park, land_use, land_use_scheme,
             registered_area_m2, area_m2, plot_ratio_allowed, address, source_id, geom, revision)
         select parcel_id, daterange(lower(valid), valid_from), tstzrange($1, null), district, park, land_use,
             land_use_scheme, registered_area_m2, area_m2, plot_ratio_allowed, address, source_id, geom, $2
         from closed where valid_from is not null and (lower(valid) is null or lower(valid) < valid_from)",
        at,
        revision
    )
    .execute(&mut *connection)
    .await?;
    let accepted = sqlx::query!(
        "insert into parcel_version (parcel_id, valid, recorded, district, park, land_use, land_use_scheme,
             registered_area_m2, area_m2, plot_ratio_allowed, address, source_id, geom, revision)
         select p.id, daterange(s.valid_from, null), tstzrange($1, null), s.district, s.park, s.land_use, s.land_use_scheme,
             s.registered_area_m2, s.area_m2, s.plot_ratio_allowed, s.address, s.source_id, s.geom, $2
         from stage_parcel s join parcel p on p.code = s.code where s.valid_to is null",
        at,
        revision
    )
    .execute(connection)
    .await?
    .rows_affected();
    Ok(accepted)
}
