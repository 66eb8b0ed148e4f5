//! How the staged areas of a layer of the plan are checked and merged: written once for zones, planning units and legacy
//! areas.
//!
//! Unlike the registers of `versions.rs`, an area of the plan comes with the days on which it is law: what a row says
//! replaces what is on record for those days, and for the other days the record holds, before as well as after. A row that
//! begins on the same day as a version on record restates that version, its end included: so an area is brought to an end.
//! A row without an end speaks of no day that a later version holds: an older file would wipe that version out.

/// Takes out the staged areas whose shape is bad, that overlap one another in time, or that would hold for good although a
/// later version is on record. The pieces of SQL are literals, so that the whole is checked at compile time.
macro_rules! check_layer {
    ($connection:expr, $table:tt from $stage:tt, of register $old:tt, of stage $new:tt) => {{
        let mut refused = invalid_shapes($connection, $stage, FIRST_PAGE).await?;
        refused.extend(outside_city($connection, $stage, FIRST_PAGE).await?);
        let rows = sqlx::query_as!(
            Row,
            "delete from "
                + $stage
                + " s where exists (select from "
                + $stage
                + " o where o.code = s.code and o.valid_from < s.valid_from
                        and coalesce(o.valid_to, 'infinity') > s.valid_from)
                returning s.file, s.row, s.key, daterange(s.valid_from, s.valid_to)::text as value"
        )
        .fetch_all(&mut *$connection)
        .await?;
        refused.extend(rows.into_iter().map(|row| {
            row.refuse("period-overlaps", "valid_from", "a period that no other row of the same code covers")
        }));
        let rows = sqlx::query_as!(
            Row,
            "delete from "
                + $stage
                + " s where s.valid_to is null
                    and exists (select from "
                + $table
                + " n where n.code = s.code and upper_inf(n.recorded) and lower(n.valid) > s.valid_from)
                    and not exists (select from "
                + $table
                + " t where t.code = s.code and upper_inf(t.recorded) and lower(t.valid) = s.valid_from
                        and ("
                + $old
                + ") is not distinct from ("
                + $new
                + "))
                returning s.file, s.row, s.key, s.valid_from::text as value"
        )
        .fetch_all(&mut *$connection)
        .await?;
        refused.extend(rows.into_iter().map(|row| {
            row.refuse(
                "period-overlaps",
                "valid_from",
                "a day not before the newest version of the code; give valid_to too to correct the days before it",
            )
        }));
        refused
    }};
}
pub(super) use check_layer;

/// Merges checked areas; answers what became of them. `t` is the register and `s` the staging table, whose columns beside
/// code and days are named alone, of the register, and of the staging table.
macro_rules! merge_layer {
    ($write:expr, $table:tt from $stage:tt, columns $columns:tt, of register $old:tt, of stage $new:tt) => {{
        let (revision, at) = ($write.revision, $write.recorded_at);
        let connection = $write.connection();
        let staged = sqlx::query_scalar!("select count(*) as \"count!\" from " + $stage).fetch_one(&mut *connection).await?;
        // A row without an end holds until further notice. That a version has followed meanwhile is no change to it, or an
        // old file read again would wipe out the newer ones.
        sqlx::query!(
            "delete from "
                + $stage
                + " s using "
                + $table
                + " t where t.code = s.code and upper_inf(t.recorded) and ("
                + $old
                + ") is not distinct from ("
                + $new
                + ") and (t.valid = daterange(s.valid_from, s.valid_to)
                or s.valid_to is null and lower(t.valid) = s.valid_from
                   and exists (select from "
                + $table
                + " n where n.code = t.code and upper_inf(n.recorded) and lower(n.valid) >= upper(t.valid)))"
        )
        .execute(&mut *connection)
        .await?;
        // Each version that the rows overlap is closed in recorded time once, and the days that none of them covers are
        // said again.
        sqlx::query!(
            "with closed as (
                 update "
                + $table
                + " t set recorded = tstzrange(lower(t.recorded), $1)
                 where upper_inf(t.recorded) and exists (
                     select from "
                + $stage
                + " s where s.code = t.code and t.valid && daterange(s.valid_from, s.valid_to))
                 returning t.*)
             insert into "
                + $table
                + " (code, valid, recorded, revision, "
                + $columns
                + ") select code, left_over, tstzrange($1, null), $2, "
                + $columns
                + " from closed c cross join lateral (
                 select unnest(datemultirange(c.valid) - range_agg(
                     case when s.valid_from = lower(c.valid) then c.valid else daterange(s.valid_from, s.valid_to) end))
                     as left_over
                 from "
                + $stage
                + " s where s.code = c.code) rest",
            at,
            revision
        )
        .execute(&mut *connection)
        .await?;
        let accepted = sqlx::query!(
            "insert into "
                + $table
                + " (code, valid, recorded, revision, "
                + $columns
                + ") select code, daterange(valid_from, valid_to), tstzrange($1, null), $2, "
                + $columns
                + " from "
                + $stage
                + " order by file, row",
            at,
            revision
        )
        .execute(connection)
        .await?
        .rows_affected();
        Merged { accepted, unchanged: staged.unsigned_abs() - accepted }
    }};
}
pub(super) use merge_layer;

/// The merged areas that share land with another one of the layer for some days, by more than so many m². A pair of which both
/// came in this import is told once. `what` is what the other one is, in SQL.
macro_rules! overlapping_areas {
    ($connection:expr, $table:tt from $stage:tt, what $what:tt, told as $code:literal, $expected:literal, $allowed:expr, $most:expr) => {{
        let rows = sqlx::query!(
            "select file as \"file!\", row as \"row!\", key as \"key!\", code as \"code!\", other as \"other!\", what as \"what!\",
                 area_m2 as \"area_m2!\", lon as \"lon!\", lat as \"lat!\", count(*) over () as \"all!\"
             from (
                 select distinct on (s.file, s.row, o.code) s.file, s.row, s.key, s.code, o.code as other, "
                + $what
                + " as what, st_area(i.geom::geography) as area_m2, st_x(st_pointonsurface(i.geom)) as lon,
                     st_y(st_pointonsurface(i.geom)) as lat
                 from "
                + $stage
                + " s join "
                + $table
                + " o on upper_inf(o.recorded) and o.code <> s.code and o.geom && s.geom
                     and o.valid && daterange(s.valid_from, s.valid_to)
                     and not (o.code < s.code and exists (select from "
                + $stage
                + " t where t.code = o.code))
                 cross join lateral (
                     select case when st_relate(s.geom, o.geom, 'T********')
                         then st_multi(st_collectionextract(st_intersection(s.geom, o.geom), 3)) end as geom) i
                 where st_area(i.geom::geography) > $1
                 order by s.file, s.row, o.code, area_m2 desc) pair
             order by file, row, other limit $2",
            $allowed,
            $most
        )
        .fetch_all($connection)
        .await?;
        let all = rows.first().map_or(0, |row| row.all.unsigned_abs());
        let kept = rows.into_iter().map(|row| Doubt {
            file: row.file,
            row: row.row,
            key: row.key,
            code: $code,
            field: "geometry",
            value: format!("{:.2} m2 in common with {} {}", row.area_m2, row.what, row.other),
            expected: $expected.to_owned(),
            facts: vec![
                ("other", row.other.into()),
                ("area_m2", row.area_m2.into()),
                ("place", vec![row.lon, row.lat].into()),
            ],
        });
        Doubts { kept: kept.collect(), all }
    }};
}
pub(super) use overlapping_areas;
