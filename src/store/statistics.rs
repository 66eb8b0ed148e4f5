//! Statistics for the planner after many rows came at once: the server gathers them by itself, but up to a minute later, and
//! until then a join over a fresh city is planned as if its tables were empty.

use super::StoreError;
use sqlx::PgConnection;

/// Gathers them for the tables that have more than doubled since they were last gathered. A few rows tell as much as many
/// where none is rare. How large a table was then is no proof that anything is known of it: an index that is made writes
/// down the size alone, and who gathers while the rows are on their way, as the server does by itself, sees pages without rows.
pub(super) async fn gather(connection: &mut PgConnection) -> Result<(), StoreError> {
    let grown = sqlx::query_scalar!(
        r#"select string_agg(c.oid::regclass::text, ', ') from pg_class c
           where c.relkind = 'r' and c.relnamespace = current_schema::regnamespace
               and pg_relation_size(c.oid) > current_setting('block_size')::bigint * 32
               and (pg_relation_size(c.oid) > current_setting('block_size')::bigint * (2 * greatest(c.relpages, 0) + 32)
                   or c.reltuples <= 0
                   or not exists (select from pg_stats s where s.schemaname = current_schema and s.tablename = c.relname))"#
    )
    .fetch_one(&mut *connection)
    .await?;
    if let Some(tables) = grown {
        let sql =
            format!("set local default_statistics_target = 10; analyze {tables}; reset default_statistics_target");
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(connection).await?;
    }
    Ok(())
}
