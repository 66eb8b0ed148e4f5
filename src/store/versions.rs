//! How the staged rows of a register in two times are checked and merged: written once for all such registers.
//!
//! A later first day begins a new version and ends the one before; the same day, or none, corrects the version. A last day
//! ends the thing. A row with both days speaks of those alone (`period`): what is on record for the days before and after
//! them holds. Recorded time is never rewritten: what was believed is closed, and what is believed now follows it.

/// Gives staged rows their days, and takes out those that begin before the newest version or end before they begin.
/// The pieces of SQL are literals, so that the whole is checked at compile time; `t` is the register, `o` another version
/// in it, `s` the staging table, `first` the first day of what the register does not know yet, `kept` the first day
/// that a corrected version has, and `lasting` the end of a version for which the row names none.
macro_rules! check_versions {
    (
        $connection:expr, $refused:expr, $table:tt, from $stage:tt, matching $matching:tt, same $same:tt,
        first $first:tt, kept $kept:tt, lasting $lasting:tt, changed $old:tt to $new:tt
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
                + ", valid_to = coalesce(s.valid_to, "
                + $lasting
                + ") from "
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
                + " s set valid_to = "
                + $lasting
                + " from "
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
             and not s.period and not exists (select from "
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
                "a day not before the newest version; leave it empty to correct that version, or give valid_to too to \
                 correct the days before it",
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

/// Lets a row that says the same as the newest version from the same day on, but another last day, move that last day
/// instead of speaking of its own days alone: so a contract is brought to an end.
macro_rules! move_ends {
    ($connection:expr, $table:tt, from $stage:tt, matching $matching:tt, same $same:tt, changed $old:tt to $new:tt) => {{
        sqlx::query!(
            "update "
                + $stage
                + " s set period = false from "
                + $table
                + " t where s.period and "
                + $matching
                + " and upper_inf(t.recorded) and lower(t.valid) = s.valid_from and ("
                + $old
                + ") is not distinct from ("
                + $new
                + ") and not exists (select from "
                + $table
                + " o where "
                + $same
                + " and upper_inf(o.recorded) and o.valid >> t.valid)"
        )
        .execute(&mut *$connection)
        .await?;
    }};
}
pub(super) use move_ends;

/// Merges checked rows; answers what became of them. Rows that change nothing are taken out of the staging table. `days`
/// are the columns that hold a version's days, made of the range `piece`.
macro_rules! merge_versions {
    (
        $write:expr, $table:tt, from $stage:tt, matching $matching:tt, changed $old:tt to $new:tt,
        columns $columns:tt, values $values:tt, days $days:tt as $made:tt
    ) => {{
        let (revision, at) = ($write.revision, $write.recorded_at);
        let connection = $write.connection();
        let known = sqlx::query!(
            "delete from "
                + $stage
                + " s using "
                + $table
                + " t where not s.period and "
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
        let known_days = sqlx::query!(
            "delete from "
                + $stage
                + " s where s.period and daterange(s.valid_from, s.valid_to) <@ (select range_agg(t.valid) from "
                + $table
                + " t where "
                + $matching
                + " and upper_inf(t.recorded) and t.valid && daterange(s.valid_from, s.valid_to) and ("
                + $old
                + ") is not distinct from ("
                + $new
                + "))"
        )
        .execute(&mut *connection)
        .await?
        .rows_affected();
        // Each version that the rows speak of is closed once, and its days that none of them speaks of are said again.
        sqlx::query!(
            "with said as (
                 select t.id, range_agg(case when s.corrects then t.valid
                     else daterange(s.valid_from, case when s.period then s.valid_to end) end) as said_days
                 from "
                + $table
                + " t join "
                + $stage
                + " s on "
                + $matching
                + " where upper_inf(t.recorded)
                     and t.valid && daterange(s.valid_from, case when s.period then s.valid_to end)
                 group by t.id),
             closed as (
                 update "
                + $table
                + " t set recorded = tstzrange(lower(t.recorded), $1) from said where t.id = said.id
                 returning t.*, said.said_days)
             insert into "
                + $table
                + " ("
                + $columns
                + ", "
                + $days
                + ", recorded, revision)
             select "
                + $columns
                + ", "
                + $made
                + ", tstzrange($1, null), $2
             from closed cross join lateral unnest(datemultirange(valid) - said_days) as rest (piece)",
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
                + ", "
                + $days
                + ", recorded, revision) select "
                + $values
                + ", "
                + $made
                + ", tstzrange($1, null), $2 from "
                + $stage
                + " s cross join lateral (select daterange(s.valid_from, s.valid_to)) as own (piece)
                 order by s.file, s.row",
            at,
            revision
        )
        .execute(connection)
        .await?
        .rows_affected();
        crate::store::stage::Merged { accepted, unchanged: known + known_days }
    }};
}
pub(super) use merge_versions;
