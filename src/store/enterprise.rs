//! Enterprises.

use super::StoreError;
use super::copy::Rows;
use super::stage::Merged;
use super::write::Write;
use crate::domain::enterprise::Enterprise;

/// Puts one row on its way in.
pub fn stage(rows: &mut Rows, file: i16, row: u64, it: &Enterprise) {
    rows.row(file, row, &it.code)
        .text(&it.code)
        .text(&it.name)
        .optional_text(it.industry.as_deref())
        .optional_date(it.founded_on)
        .optional(it.above_scale.as_ref())
        .end();
}

/// Merges the staged rows: a changed row is closed in recorded time and followed by its correction.
pub(super) async fn merge(write: &mut Write) -> Result<Merged, StoreError> {
    let (revision, at) = (write.revision, write.recorded_at);
    let connection = write.connection();
    let staged =
        sqlx::query_scalar!(r#"select count(*) as "count!" from stage_enterprise"#).fetch_one(&mut *connection).await?;
    sqlx::query!(
        "update enterprise t set recorded = tstzrange(lower(t.recorded), $1) from stage_enterprise s
         where t.code = s.code and upper_inf(t.recorded)
           and (t.name, t.industry, t.founded_on, t.above_scale) is distinct from (s.name, s.industry, s.founded_on, s.above_scale)",
        at
    )
    .execute(&mut *connection)
    .await?;
    let accepted = sqlx::query!(
        "insert into enterprise (code, name, industry, founded_on, above_scale, recorded, revision)
         select s.code, s.name, s.industry, s.founded_on, s.above_scale, tstzrange($1, null), $2
         from stage_enterprise s
         where not exists (select from enterprise t where t.code = s.code and upper_inf(t.recorded))
         order by s.file, s.row",
        at,
        revision
    )
    .execute(connection)
    .await?
    .rows_affected();
    Ok(Merged { accepted, unchanged: staged.unsigned_abs() - accepted })
}
