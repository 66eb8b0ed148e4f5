//! A populated register of the first schema goes through every later migration, and nothing in it is lost or changed.

use std::{collections::BTreeMap, fs, path::Path};

use landcycle::store;
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgPool, migrate::Migrator};

use crate::support::fresh_database;

/// The last migration of the first schema.
const FIRST_SCHEMA: &str = "20261123000600";
const SCHEMA: &str = "city_000001";

/// Some rows of every table of the first schema, with a history where it keeps one.
const FILLED: &str = r#"
insert into city (name, name_en, note_zh) values ('旧城', 'Old City', '说明');
update revision_head set id = 3;
insert into revision (id, recorded_at, actor, act) values
    (1, '2024-01-01 00:00+00', 'a', 'import-parcels'), (2, '2024-02-01 00:00+00', 'b', 'import-contracts'),
    (3, '2024-03-01 00:00+00', 'b', 'review');
insert into audit_entry (revision, entry, previous_hash, hash) values
    (1, '{"act":"import-parcels"}', null, sha256('1')), (2, '{}', sha256('1'), sha256('2'));
insert into district (code, name, geom, revision) values ('310115', '浦东新区', box(0, 0, 90), 1);
insert into park (code, name, district, geom, revision) values ('PK1', '园区', '310115', box(0, 0, 20), 1);
insert into zone_version (code, valid, recorded, name, tier, locked, document, geom, revision) values
    ('B1', '[2010-01-01,2020-01-01)', '[2024-01-01,)', '基地', 'base', true, '沪规〔2010〕1号', box(0, 0, 20), 1),
    ('B1', '[2020-01-01,)', '[2024-01-01,2024-02-01)', '基地', 'base', true, null, box(0, 0, 20), 1),
    ('B1', '[2020-01-01,)', '[2024-02-01,)', '基地甲', 'base', false, null, box(0, 0, 19), 2);
insert into parcel (code) values ('310115001001GB00001'), ('310115001001GB00002');
insert into parcel_version (parcel_id, valid, recorded, district, park, land_use, land_use_scheme, registered_area_m2, area_m2,
    plot_ratio_allowed, address, geom, revision) values
    (1, '(,2015-01-01)', '[2024-01-01,)', '310115', 'PK1', 'M1', 'GB50137-SH', 1000.1234, 1001, 1.5, '路1号', box(1, 1, 5), 1),
    (1, '[2015-01-01,)', '[2024-01-01,2024-02-01)', '310115', 'PK1', 'M2', 'GB50137-SH', null, 1001, 2, null, box(1, 1, 5), 1),
    (1, '[2015-01-01,)', '[2024-02-01,)', '310115', null, 'M4', 'GB50137-SH', null, 1001, 3, null, box(1, 1, 5), 2),
    (2, '[2000-01-01,)', '[2024-01-01,)', '310115', null, 'M1', 'GB50137-SH', 2000, 2002, null, null, box(30, 1, 5), 1);
insert into parcel_place (parcel_id, tier, locked, zone, share, day, revision) values (1, 'base', false, 'B1', 1, '2024-03-01', 3);
insert into building (code, parcel, recorded, storeys, storey_height_m, footprint_m2, floor_area_m2, used_floor_area_m2,
    built_year, geom, revision) values
    ('F1', '310115001001GB00001', '[2024-01-01,2024-02-01)', 2, 4.5, 400, 800, 700, 2001, box(2, 2, 2), 1),
    ('F1', '310115001001GB00001', '[2024-02-01,)', 3, 9, 400, 1200, null, 2001, box(2, 2, 2), 2),
    ('F2', '310115001001GB00002', '[2024-01-01,)', 1, null, null, 500, 100, null, null, 1);
insert into enterprise (code, recorded, name, industry, founded_on, above_scale, revision) values
    ('E1', '[2024-01-01,2024-02-01)', '一号厂', 'C36', '2001-01-01', true, 1), ('E1', '[2024-02-01,)', '一号工厂', 'C36', null, null, 2);
insert into occupancy (parcel, enterprise, role, from_on, recorded, to_on, floor_area_m2, tax_is_local, revision) values
    ('310115001001GB00001', 'E1', 'owner', '2015-01-01', '[2024-01-01,2024-02-01)', null, 800, true, 1),
    ('310115001001GB00001', 'E1', 'owner', '2015-01-01', '[2024-02-01,)', '2023-01-01', 700, false, 2),
    ('310115001001GB00001', 'E1', 'owner', '2020-01-01', '[2024-02-01,)', null, 100, true, 2);
insert into contract (number, parcel, recorded, kind, holder, signed_on, term_starts_on, term_ends_on, price_wan_yuan,
    plot_ratio_low, plot_ratio_high, performance_terms, responsible_unit, developed_percent, invested_percent, suspended_on,
    revision) values
    ('H1', '310115001001GB00001', '[2024-01-01,2024-02-01)', 'grant', 'E1', '2015-01-01', '2015-02-01', '2035-02-01', 1000.123456, 1, 2, true, '镇政府', 50, 40, '2020-01-01', 1),
    ('H1', '310115001001GB00001', '[2024-02-01,)', 'lease', 'E1', '2015-03-01', '2015-03-01', '2035-03-01', null, null, null, false, null, null, null, null, 2),
    ('H2', '310115001001GB00002', '[2024-01-01,)', 'allocation', null, '1995-01-01', '1995-01-01', null, null, null, null, false, null, null, null, null, 1);
insert into obligation (number, contract, recorded, kind, due_on, target, unit, at_most, met_on, achieved, excuse, revision) values
    ('S1', 'H1', '[2024-01-01,2024-02-01)', 'start', '2016-01-01', null, null, false, null, null, 'government', 1),
    ('S1', 'H1', '[2024-02-01,)', 'start', '2016-01-01', null, null, false, '2016-02-01', null, null, 2),
    ('T1', 'H1', '[2024-01-01,)', 'tax', '2020-12-31', 172.5, '万元/亩', false, null, 170.25, null, 1),
    -- Of a contract that nobody entered.
    ('X1', 'H9', '[2024-01-01,)', 'energy', null, 100, null, true, null, null, null, 1);
insert into annual_return (enterprise, year, recorded, output_wan_yuan, tax_wan_yuan, staff, veto, veto_cleared_on, revision) values
    ('E1', 2022, '[2024-01-01,2024-02-01)', 100.5, 10, 20, null, null, 1), ('E1', 2022, '[2024-02-01,)', 101, 10, 20, 'safety', '2023-01-01', 2);
insert into review_scheme (hash, name, title_zh, title_en, source) values (repeat('a', 64), 'demo-1', '示例', 'demo', 'text');
insert into review_run (kind, as_of, window_years, scheme, facts_hash, state, revision)
    values ('round', '2024-02-01', 3, repeat('a', 64), repeat('b', 64), 'draft', 3);
insert into review_result (run_id, parcel, grade, score, rank, list, outcome, receipt, receipt_hash)
    values (1, '310115001001GB00001', 'D', 12.5, 1, 'exit', 'observe', '{}', repeat('c', 64));
"#;

/// Every row of every table, as the columns that the first schema had.
async fn contents(pool: &PgPool, columns: &BTreeMap<String, Vec<String>>) -> BTreeMap<String, Vec<Value>> {
    let mut contents = BTreeMap::new();
    for (table, columns) in columns {
        let list = columns.join(", ");
        let sql = format!("select to_jsonb(r) from (select {list} from {table}) r order by to_jsonb(r)::text");
        let rows: Vec<Value> = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(pool).await.unwrap();
        contents.insert(table.clone(), rows);
    }
    contents
}

#[tokio::test]
async fn a_register_of_the_first_schema_keeps_every_row_through_all_later_migrations() {
    let database = fresh_database().await;
    sqlx::raw_sql(AssertSqlSafe(format!("create schema {SCHEMA}"))).execute(&database.pool).await.unwrap();
    let pool = store::connect(&database.url, SCHEMA).await.unwrap();
    let first = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations")).unwrap() {
        let entry = entry.unwrap();
        if &*entry.file_name().to_string_lossy() < FIRST_SCHEMA
            || entry.file_name().to_string_lossy().starts_with(FIRST_SCHEMA)
        {
            fs::copy(entry.path(), first.path().join(entry.file_name())).unwrap();
        }
    }
    Migrator::new(first.path()).await.unwrap().run(&pool).await.unwrap();
    let square = "create function pg_temp.box(west int, south int, side int) returns geometry language sql as
        'select st_multi(st_makeenvelope(121 + west / 1000.0, 31 + south / 1000.0, 121 + (west + side) / 1000.0, 31 + (south + side) / 1000.0, 4490))'";
    let mut connection = pool.acquire().await.unwrap();
    sqlx::raw_sql(square).execute(&mut *connection).await.unwrap();
    let filled = FILLED.replace("box(", "pg_temp.box(");
    sqlx::raw_sql(AssertSqlSafe(filled)).execute(&mut *connection).await.unwrap();
    drop(connection);
    let rows: Vec<(String, Vec<String>)> = sqlx::query_as(
        "select c.relname::text, array_agg(a.attname::text order by a.attnum) from pg_class c
         join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
         where c.relnamespace = current_schema::regnamespace and c.relkind = 'r' and c.relname !~ '^(stage_|_sqlx)'
         group by c.relname",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let columns: BTreeMap<String, Vec<String>> = rows.into_iter().collect();
    let before = contents(&pool, &columns).await;
    for (table, rows) in &before {
        assert!(!rows.is_empty(), "{table} has no row that could be lost");
    }

    store::migrate(&pool, SCHEMA).await.unwrap();
    let after = contents(&pool, &columns).await;
    for (table, rows) in &before {
        assert_eq!(&after[table], rows, "{table}");
    }
    // What was added follows from what there was.
    let ask = async |sql: &'static str| sqlx::query_scalar::<_, String>(sql).fetch_all(&pool).await.unwrap();
    assert_eq!(
        ask("select concat_ws(' ', number, valid, upper_inf(recorded)) from contract order by number, lower(recorded)")
            .await,
        ["H1 [2015-01-01,) f", "H1 [2015-03-01,) t", "H2 [1995-01-01,) t"]
    );
    assert_eq!(
        ask("select concat_ws(' ', number, valid) from obligation order by number, lower(recorded)").await,
        ["S1 [2015-03-01,)", "S1 [2015-03-01,)", "T1 [2015-03-01,)", "X1 (,)"]
    );
    assert_eq!(
        ask("select concat_ws(' ', began_on, valid) from occupancy where upper_inf(recorded) order by 1").await,
        ["2015-01-01 [2015-01-01,2023-01-01)", "2020-01-01 [2020-01-01,)"]
    );
    // A second time there is nothing to do.
    store::migrate(&pool, SCHEMA).await.unwrap();
    assert_eq!(contents(&pool, &columns).await, before);
    pool.close().await;
}
