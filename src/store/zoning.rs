//! Zones of the double lockup in two times.

use super::StoreError;
use super::copy::Rows;
use super::place::{invalid_shapes, outside_city};
use super::stage::{Merged, Refused, Row};
use super::write::Write;
use crate::domain::zoning::Zone;
use geo_types::MultiPolygon;
use sqlx::PgConnection;

/// Puts one zone on its way in.
pub fn stage(rows: &mut Rows, file: i16, row: u64, it: &Zone, shape: &MultiPolygon<f64>) {
    // A zone may come with several periods in one file, so the period belongs to the key.
    rows.row(file, row, &format!("{} {}", it.code, it.valid_from))
        .text(&it.code)
        .text(&it.name)
        .text(it.tier.name())
        .value(&it.locked)
        .optional_text(it.document.as_deref())
        .value(&it.valid_from)
        .optional_date(it.valid_to)
        .shape(shape)
        .end();
}

/// Takes out the staged zones whose shape is bad, that overlap one another in time, or that begin before a later
/// version already on record.
pub(super) async fn check(connection: &mut PgConnection) -> Result<Vec<Refused>, StoreError> {
    let mut refused = invalid_shapes(connection, "stage_zone").await?;
    refused.extend(outside_city(connection, "stage_zone").await?);
    let rows = sqlx::query_as!(
        Row,
        r#"delete from stage_zone s
           where exists (select from stage_zone o where o.code = s.code and o.valid_from < s.valid_from
                             and coalesce(o.valid_to, 'infinity') > s.valid_from)
              or exists (select from zone_version t where t.code = s.code and upper_inf(t.recorded)
                             and lower(t.valid) > s.valid_from
                             and t.valid && daterange(s.valid_from, s.valid_to))
           returning s.file, s.row, s.key, daterange(s.valid_from, s.valid_to)::text as value"#
    )
    .fetch_all(connection)
    .await?;
    refused.extend(
        rows.into_iter().map(|row| {
            row.refuse("period-overlaps", "valid_from", "a period that no other version of the zone covers")
        }),
    );
    Ok(refused)
}

/// Merges the staged zones. A period that is on record already and reads the same is left alone; the same period with
/// other content is a correction; a later period ends the one before it.
pub(super) async fn merge(write: &mut Write) -> Result<Merged, StoreError> {
    let (revision, at) = (write.revision, write.recorded_at);
    let connection = write.connection();
    let staged =
        sqlx::query_scalar!(r#"select count(*) as "count!" from stage_zone"#).fetch_one(&mut *connection).await?;
    sqlx::query!(
        "delete from stage_zone s using zone_version t
         where t.code = s.code and upper_inf(t.recorded) and t.valid = daterange(s.valid_from, s.valid_to)
           and (t.name, t.tier, t.locked, t.document, t.geom) is not distinct from (s.name, s.tier, s.locked, s.document, s.geom)"
    )
    .execute(&mut *connection)
    .await?;
    // What the new versions overlap is closed in recorded time; the part of it that lies before them is said again.
    sqlx::query!(
        "with closed as (
             update zone_version t set recorded = tstzrange(lower(t.recorded), $1) from stage_zone s
             where t.code = s.code and upper_inf(t.recorded) and t.valid && daterange(s.valid_from, s.valid_to)
             returning t.code, t.valid, t.name, t.tier, t.locked, t.document, t.geom, s.valid_from)
         insert into zone_version (code, valid, recorded, name, tier, locked, document, geom, revision)
         select code, daterange(lower(valid), valid_from), tstzrange($1, null), name, tier, locked, document, geom, $2
         from closed where lower(valid) < valid_from",
        at,
        revision
    )
    .execute(&mut *connection)
    .await?;
    let accepted = sqlx::query!(
        "insert into zone_version (code, valid, recorded, name, tier, locked, document, geom, revision)
         select code, daterange(valid_from, valid_to), tstzrange($1, null), name, tier, locked, document, geom, $2
         from stage_zone order by file, row",
        at,
        revision
    )
    .execute(connection)
    .await?
    .rows_affected();
    Ok(Merged { accepted, unchanged: staged.unsigned_abs() - accepted })
}
