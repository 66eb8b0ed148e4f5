//! The database explains itself: what every migration owes to whoever opens the tables with another program.

use crate::support::fresh_database;

#[tokio::test]
async fn every_table_and_every_column_has_a_comment() {
    let database = fresh_database().await;
    let silent: Vec<(String,)> = sqlx::query_as(
        "select c.relname || coalesce('.' || a.attname, '')
         from pg_class c
         left join lateral (
             select null::name as attname, 0 as attnum union all
             select a.attname, a.attnum from pg_attribute a
             where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) a on true
         where c.relnamespace = current_schema::regnamespace and c.relkind = 'r' and c.relname <> '_sqlx_migrations'
           and (case when a.attnum = 0 then obj_description(c.oid, 'pg_class') else col_description(c.oid, a.attnum) end) is null
         order by 1",
    )
    .fetch_all(&database.pool)
    .await
    .unwrap();
    assert_eq!(silent, []);
    let (tables,): (i64,) = sqlx::query_as(
        "select count(*) from pg_class where relnamespace = current_schema::regnamespace and relkind = 'r'",
    )
    .fetch_one(&database.pool)
    .await
    .unwrap();
    assert!(tables > 25, "only {tables} tables were looked at");
}

#[tokio::test]
async fn the_database_itself_refuses_versions_that_overlap() {
    let database = fresh_database().await;
    let insert = "insert into zone_version (code, valid, recorded, name, tier, locked, geom, revision)
        values ('Z', $1::daterange, tstzrange(now(), null), 'Z', 'base', true,
            st_geomfromtext('MULTIPOLYGON(((121 31,121.1 31,121.1 31.1,121 31)))', 4490), 1)";
    sqlx::query(
        "insert into revision (id, recorded_at, actor, act) values (1, now(), 'test', 'test') on conflict do nothing",
    )
    .execute(&database.pool)
    .await
    .unwrap();
    for (valid, taken) in
        [("[2020-01-01,2024-01-01)", true), ("[2024-01-01,)", true), ("[2023-12-31,2024-02-01)", false)]
    {
        let done = sqlx::query(insert).bind(valid).execute(&database.pool).await;
        assert_eq!(done.is_ok(), taken, "{valid}: {done:?}");
    }
}
