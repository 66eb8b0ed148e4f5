//! How the staged rows of a register in two times are checked and merged: written once for all such registers.
//!
//! A later first day begins a new version and ends the one before; the same day, or none, corrects the version. A last day
//! ends the thing. Recorded time is never rewritten: what was believed is closed, and what is believed now follows it.

/// Gives staged rows their days, and takes out those that begin before the newest version or end before they begin.
/// The pieces of SQL are literals, so that the whole is checked at compile time; `t` is the register, `o` another version
/// in it, `s` the staging table, `first` the first day of what the register does not know yet, and `kept` the first day
/// that a corrected version has.
macro_rules! check_versions {
    (
        $connection:expr, $refused:expr, $table:tt, from $stage:tt, matching $matching:tt, same $same:tt,
        first $first:tt, kept $kept:tt, changed $old:tt to $new:tt
    ) => {{
        sqlx::query!(
            "update "
                + $stage
                + " s set valid_from = "
                + $first
                + " where s.corrects and not exists (select from "
                + $table
                + " t where "
                + $matching
                + " and upper_inf(t.recorded))"
        )
        .execute(&mut *$connection)
        .await?;
        sqlx::query!(
            "update "
                + $stage
                + " s set valid_from = "
                + $kept
                + ", valid_to = coalesce(s.valid_to, upper(t.valid)) from "
                + $table
                + " t where s.corrects and "
                + $matching
                + " and upper_inf(t.recorded) and not exists (select from "
                + $table
                + " o where "
                + $same
                + " and upper_inf(o.recorded) and o.valid >> t.valid)"
        )
        .execute(&mut *$connection)
        .await?;
        // What was ended stays ended until a row says another day.
        sqlx::query!(
            "update "
                + $stage
                + " s set valid_to = upper(t.valid) from "
                + $table
                + " t where s.valid_to is null and "
                + $matching
                + " and upper_inf(t.recorded) and t.valid && daterange(s.valid_from, s.valid_from, '[]')"
        )
        .execute(&mut *$connection)
        .await?;
        let rows = sqlx::query_as!(
            crate::store::stage::Row,
            "delete from "
                + $stage
                + " s using "
                + $table
                + " t where "
                + $matching
                + " and upper_inf(t.recorded) and s.valid_from < lower(t.valid) and not s.corrects
             and not exists (select from "
                + $table
                + " t where "
                + $matching
                + " and upper_inf(t.recorded) and lower(t.valid) = s.valid_from and ("
                + $old
                + ") is not distinct from ("
                + $new
                + "))
             returning s.file, s.row, s.key, s.valid_from::text as value"
        )
        .fetch_all(&mut *$connection)
        .await?;
        $refused.extend(rows.into_iter().map(|row| {
            row.refuse(
                "period-overlaps",
                "valid_from",
                "a day not before the newest version; leave it empty to correct that version",
            )
        }));
        let rows = sqlx::query_as!(
            crate::store::stage::Row,
            "delete from "
                + $stage
                + " s where s.valid_to <= s.valid_from returning s.file, s.row, s.key, s.valid_to::text as value"
        )
        .fetch_all(&mut *$connection)
        .await?;
        $refused.extend(rows.into_iter().map(|row| {
            row.refuse("period-ends-before-it-begins", "valid_to", "a day after the first day of the version")
        }));
    }};
}
pub(super) use check_versions;

/// Merges checked rows; answers what became of them. Rows that change nothing are taken out of the staging table.
macro_rules! merge_versions {
    (
        $write:expr, $table:tt, from $stage:tt, matching $matching:tt, changed $old:tt to $new:tt,
        columns $columns:tt, values $values:tt
    ) => {{
        let (revision, at) = ($write.revision, $write.recorded_at);
        let connection = $write.connection();
        let unchanged = sqlx::query!(
            "delete from "
                + $stage
                + " s using "
                + $table
                + " t where "
                + $matching
                + " and upper_inf(t.recorded) and lower(t.valid) is not distinct from s.valid_from
             and upper(t.valid) is not distinct from s.valid_to and ("
                + $old
                + ") is not distinct from ("
                + $new
                + ")"
        )
        .execute(&mut *connection)
        .await?
        .rows_affected();
        sqlx::query!(
            "with closed as (
                 update "
                + $table
                + " t set recorded = tstzrange(lower(t.recorded), $1) from "
                + $stage
                + " s where "
                + $matching
                + " and upper_inf(t.recorded) and t.valid && daterange(s.valid_from, null)
                 returning t.*, s.valid_from, s.corrects)
             insert into "
                + $table
                + " ("
                + $columns
                + ", valid, recorded, revision)
             select "
                + $columns
                + ", daterange(lower(valid), valid_from), tstzrange($1, null), $2 from closed
             where not corrects and valid_from is not null and (lower(valid) is null or lower(valid) < valid_from)",
            at,
            revision
        )
        .execute(&mut *connection)
        .await?;
        let accepted = sqlx::query!(
            "insert into "
                + $table
                + " ("
                + $columns
                + ", valid, recorded, revision) select "
                + $values
                + ", daterange(s.valid_from, s.valid_to), tstzrange($1, null), $2 from "
                + $stage
                + " s order by s.file, s.row",
            at,
            revision
        )
        .execute(connection)
        .await?
        .rows_affected();
        crate::store::stage::Merged { accepted, unchanged }
    }};
}
pub(super) use merge_versions;
