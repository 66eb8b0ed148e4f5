//! Zones of the double lockup in two times.

use super::StoreError;
use super::copy::Rows;
use super::place::{invalid_shapes, outside_city};
use super::stage::{FIRST_PAGE, Merged, Refused, Row};
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

/// Takes out the staged zones whose shape is bad or that overlap one another in time.
pub(super) async fn check(connection: &mut PgConnection) -> Result<Vec<Refused>, StoreError> {
    let mut refused = invalid_shapes(connection, "stage_zone", FIRST_PAGE).await?;
    refused.extend(outside_city(connection, "stage_zone", FIRST_PAGE).await?);
    let rows = sqlx::query_as!(
        Row,
        r#"delete from stage_zone s
           where exists (select from stage_zone o where o.code = s.code and o.valid_from < s.valid_from
                             and coalesce(o.valid_to, 'infinity') > s.valid_from)
           returning s.file, s.row, s.key, daterange(s.valid_from, s.valid_to)::text as value"#
    )
    .fetch_all(connection)
    .await?;
    refused.extend(
        rows.into_iter()
            .map(|row| row.refuse("period-overlaps", "valid_from", "a period that no other row of the zone covers")),
    );
    Ok(refused)
}

/// Merges the staged zones. What they say replaces what is on record for the days they cover; for its other days the
/// record holds, before as well as after. A row that begins on the same day as a version on record restates that version,
/// its end included: so a zone is brought to an end.
pub(super) async fn merge(write: &mut Write) -> Result<Merged, StoreError> {
    let (revision, at) = (write.revision, write.recorded_at);
    let connection = write.connection();
    let staged =
        sqlx::query_scalar!(r#"select count(*) as "count!" from stage_zone"#).fetch_one(&mut *connection).await?;
    // A row without an end holds until further notice. That a version has followed meanwhile is no change to it, or an old
    // file read again would wipe out the newer ones.
    sqlx::query!(
        "delete from stage_zone s using zone_version t
         where t.code = s.code and upper_inf(t.recorded)
           and (t.name, t.tier, t.locked, t.document, t.geom) is not distinct from (s.name, s.tier, s.locked, s.document, s.geom)
           and (t.valid = daterange(s.valid_from, s.valid_to)
                or s.valid_to is null and lower(t.valid) = s.valid_from
                   and exists (select from zone_version n where n.code = t.code and upper_inf(n.recorded)
                                   and lower(n.valid) = upper(t.valid)))"
    )
    .execute(&mut *connection)
    .await?;
    // Each version that the rows overlap is closed in recorded time once, and the days that none of them covers are said
    // again.
    sqlx::query!(
        "with closed as (
             update zone_version t set recorded = tstzrange(lower(t.recorded), $1)
             where upper_inf(t.recorded) and exists (
                 select from stage_zone s where s.code = t.code and t.valid && daterange(s.valid_from, s.valid_to))
             returning t.code, t.valid, t.name, t.tier, t.locked, t.document, t.geom)
         insert into zone_version (code, valid, recorded, name, tier, locked, document, geom, revision)
         select c.code, rest.valid, tstzrange($1, null), c.name, c.tier, c.locked, c.document, c.geom, $2
         from closed c cross join lateral (
             select unnest(datemultirange(c.valid) - range_agg(
                 case when s.valid_from = lower(c.valid) then c.valid else daterange(s.valid_from, s.valid_to) end)) as valid
             from stage_zone s where s.code = c.code) rest",
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
