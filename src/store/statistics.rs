//! Statistics for the planner after many rows came at once: the server gathers them by itself, but up to a minute later, and
//! until then a join over a fresh city is planned as if its tables were empty.

use super::StoreError;
use sqlx::PgConnection;

/// Gathers them for the tables that have more than doubled since they were last gathered. A few rows tell as much as many
/// where none is rare.
pub(super) async fn gather(connection: &mut PgConnection) -> Result<(), StoreError> {
    let grown = sqlx::query_scalar!(
        r#"select string_agg(c.oid::regclass::text, ', ') from pg_class c
           where c.relkind = 'r' and c.relnamespace = current_schema::regnamespace
               and pg_relation_size(c.oid) > current_setting('block_size')::bigint * (2 * greatest(c.relpages, 0) + 32)"#
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
