//! How the staged rows of a register that keeps recorded time are merged: written once for all such registers.

/// Merges staged rows into a register: a row that reads the same as what is believed now is left alone, a changed one is
/// closed in recorded time and followed by its correction. The pieces of SQL are literals, so that the whole is checked at
/// compile time; `t` is the register and `s` the staging table.
macro_rules! merge_recorded {
    (
        $write:expr, $table:tt, from $stage:tt, matching $matching:tt, changed $old:tt to $new:tt,
        columns $columns:tt, values $values:tt
    ) => {{
        let (revision, at) = ($write.revision, $write.recorded_at);
        let connection = $write.connection();
        let staged: i64 =
            sqlx::query_scalar!("select count(*) as \"count!\" from " + $stage).fetch_one(&mut *connection).await?;
        sqlx::query!(
            "update "
                + $table
                + " t set recorded = tstzrange(lower(t.recorded), $1) from "
                + $stage
                + " s where "
                + $matching
                + " and upper_inf(t.recorded) and ("
                + $old
                + ") is distinct from ("
                + $new
                + ")",
            at
        )
        .execute(&mut *connection)
        .await?;
        let accepted = sqlx::query!(
            "insert into "
                + $table
                + " ("
                + $columns
                + ", recorded, revision) select "
                + $values
                + ", tstzrange($1, null), $2 from "
                + $stage
                + " s where not exists (select from "
                + $table
                + " t where "
                + $matching
                + " and upper_inf(t.recorded)) order by s.file, s.row",
            at,
            revision
        )
        .execute(connection)
        .await?
        .rows_affected();
        Ok(crate::store::stage::Merged { accepted, unchanged: staged.unsigned_abs() - accepted })
    }};
}
pub(super) use merge_recorded;

/// Takes out the staged rows that say what an entry said before it was withdrawn, and answers them: an old file read again
/// brings back nothing that someone took back. `t` is the register, `o` another row in it, `s` the staging table.
macro_rules! take_withdrawn {
    ($connection:expr, $table:tt, from $stage:tt, matching $matching:tt, other $other:tt, same $old:tt as $new:tt) => {{
        let rows = sqlx::query!(
            "delete from "
                + $stage
                + " s using "
                + $table
                + " t where "
                + $matching
                + " and not upper_inf(t.recorded) and ("
                + $old
                + ") is not distinct from ("
                + $new
                + ") and not exists (select from "
                + $table
                + " o where "
                + $other
                + " and lower(o.recorded) > lower(t.recorded))
             returning s.file, s.row, s.key, (upper(t.recorded) at time zone 'Asia/Shanghai')::date as \"day!\""
        )
        .fetch_all($connection)
        .await?;
        let told = rows.into_iter().map(|row| crate::store::doubt::Doubt {
            file: row.file,
            row: row.row,
            code: "entry-withdrawn",
            field: "entry_no",
            value: format!("{}, withdrawn on {}", row.key, row.day),
            expected: "an entry that was not withdrawn; what is to count again takes another number".to_owned(),
            facts: Vec::new(),
            key: row.key,
        });
        Ok(told.collect())
    }};
}
pub(super) use take_withdrawn;
