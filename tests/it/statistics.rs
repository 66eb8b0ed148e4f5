//! What the planner knows of tables that many rows came into at once.

use crate::support::fresh_database;
use landcycle::store::write::{Audit, Write};
use serde_json::json;
use sqlx::{AssertSqlSafe, PgPool};

/// Adds so many enterprises and does `aside` before it commits.
async fn add_enterprises(pool: &PgPool, rows: u32, aside: impl AsyncFnOnce(&mut Write)) {
    let mut write = Write::begin(pool, "test", "import-enterprises").await.unwrap();
    let rows = format!(
        "insert into enterprise (code, recorded, name, revision)
         select 'E' || n, tstzrange(now(), null), 'works number ' || n, {} from generate_series(1, {rows}) n",
        write.revision
    );
    sqlx::raw_sql(AssertSqlSafe(rows)).execute(write.connection()).await.unwrap();
    aside(&mut write).await;
    write.commit(Audit { subject: "enterprises".into(), facts: json!({}) }).await.unwrap();
}

/// For how many rows the planner takes the table, and of how many columns it knows how their values are spread.
async fn known(pool: &PgPool) -> (i64, i64) {
    sqlx::query_as(
        "select c.reltuples::bigint, (select count(*) from pg_stats s where s.schemaname = current_schema
                 and s.tablename = c.relname)
         from pg_class c where c.oid = 'enterprise'::regclass",
    )
    .fetch_one(pool)
    .await
    .unwrap()
}

async fn stop_the_server_from_gathering(pool: &PgPool) {
    sqlx::raw_sql("alter table enterprise set (autovacuum_enabled = false)").execute(pool).await.unwrap();
}

#[tokio::test]
async fn a_table_whose_index_was_made_after_its_rows_is_known_at_the_commit() {
    let database = fresh_database().await;
    stop_the_server_from_gathering(&database.pool).await;
    let index = async |write: &mut Write| {
        let made = "create index of_a_load on enterprise (name)";
        sqlx::raw_sql(made).execute(write.connection()).await.unwrap();
    };
    add_enterprises(&database.pool, 20_000, index).await;
    let (rows, columns) = known(&database.pool).await;
    assert_eq!(rows, 20_000);
    assert!(columns > 0, "the index told the size, and nobody the spread");
}

#[tokio::test]
async fn a_table_that_the_server_looked_at_while_its_rows_were_on_their_way_is_known_at_the_commit() {
    let database = fresh_database().await;
    let pool = &database.pool;
    stop_the_server_from_gathering(pool).await;
    let other_looks = async |_: &mut Write| {
        sqlx::raw_sql("analyze enterprise").execute(pool).await.unwrap();
        let (rows, _) = known(pool).await;
        assert_eq!(rows, 0, "rows on their way are none to others");
    };
    add_enterprises(pool, 20_000, other_looks).await;
    let (rows, columns) = known(pool).await;
    assert_eq!(rows, 20_000);
    assert!(columns > 0);
}
