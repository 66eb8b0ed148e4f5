//! A register of any size for the benchmarks: a demo city, reviewed, and as many copies of it as it takes: side by side,
//! each on its own small part of the city's land, with buildings, contracts, obligations, enterprises and their returns
//! of their own.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use landcycle::cluster;
use landcycle::store::{write::Audit, write::Write};
use serde_json::json;
use sqlx::{AssertSqlSafe, PgPool};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// The schema of the city.
pub const SCHEMA: &str = "city_310000";

/// How many copies are given what the first city has most of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// Copies whose enterprises reported.
    pub reporting: usize,
    /// Copies with receipts of their own; a receipt is some kilobytes.
    pub reviewed: usize,
}

/// A demo city in the private cluster of a home, imported and reviewed; answers the cluster's address.
pub fn city(home: &Path, parcels: usize) -> String {
    if home.join("cluster").exists() {
        return cluster::ensure(home).unwrap().url;
    }
    std::fs::create_dir_all(home).unwrap();
    let begun = Instant::now();
    let status = Command::new(env!("CARGO_BIN_EXE_landcycle"))
        .args(["demo", "run", "--no-serve", "--parcels", &parcels.to_string(), "--out"])
        .arg(home.join("out"))
        .env("LANDCYCLE_HOME", home)
        .env_remove("DATABASE_URL")
        .current_dir(home)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "the demo ended with {status}");
    println!("a city of {parcels} parcels to be copied: {:.1} s", begun.elapsed().as_secs_f64());
    cluster::ensure(home).unwrap().url
}

/// A table, what joins it to the copies, and the columns that differ in each copy.
type CopiedTable<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

/// Copies the city until it has so many parcels.
pub async fn multiply(pool: &PgPool, wanted: usize, copied: Copied) {
    let count = async || -> usize {
        let found: i64 = sqlx::query_scalar("select count(*) from parcel").fetch_one(pool).await.unwrap();
        found as usize
    };
    let original = count().await;
    let copies = wanted.div_ceil(original) - 1;
    if original >= wanted || copies == 0 {
        return;
    }
    let begun = Instant::now();
    let side = ((copies + 1) as f64).sqrt().ceil();
    let [west, south, east, north]: [f64; 4] = {
        let extent = "select array[st_xmin(e), st_ymin(e), st_xmax(e), st_ymax(e)]
             from (select st_extent(geom) as e from parcel_version) x";
        let found: Vec<f64> = sqlx::query_scalar(extent).fetch_one(pool).await.unwrap();
        found.try_into().unwrap()
    };
    let mut write = Write::begin(pool, "bench", "copy-city").await.unwrap();
    let revision = write.revision.to_string();
    for statement in [
        "set local synchronous_commit = off; set local maintenance_work_mem = '256MB'; set local work_mem = '128MB'",
        &format!(
            "create temporary table copied on commit drop as
             select id as old_id, code as old_code, k, null::bigint as new_id,
                 left(code, 6) || lpad((n / 100000)::text, 6, '0') || 'GB' || lpad((n % 100000)::text, 5, '0') as new_code
             from (select p.*, k, row_number() over (order by k, p.id) as n
                   from parcel p cross join generate_series(1, {copies}) k) numbered"
        ),
        "insert into parcel (code) select new_code from copied order by new_code",
        "update copied c set new_id = p.id from parcel p where p.code = c.new_code",
        "create index on copied (old_id)",
        "create index on copied (old_code)",
        "analyze copied",
    ] {
        run(&mut write, statement).await;
    }
    // Each copy has a cell of a grid in the middle of the city, where no district's border is near.
    let (width, height) = ((east - west) * 0.4, (north - south) * 0.4);
    let scale = 0.4 / side;
    let place =
        |low: f64, whole: f64, cell: &str| format!("{} + {cell} * {}", low + whole * 0.75 - scale * low, whole / side);
    let geom = format!(
        "st_affine(t.geom, {scale}, 0, 0, {scale}, {}, {})",
        place(west, width, &format!("(c.k % {side})")),
        place(south, height, &format!("div(c.k, {side})"))
    );
    let (geom, numbered) = (geom.as_str(), |column: &str| format!("t.{column} || '-' || c.k"));
    let (number, contract, code) = (numbered("number"), numbered("contract"), numbered("code"));
    let (enterprise, holder) = (numbered("enterprise"), numbered("holder"));
    let every_copy = format!("cross join generate_series(1, {copies}) c(k)");
    let of_reporting = format!("cross join generate_series(1, {}) c(k)", copies.min(copied.reporting));
    let by_id = "join copied c on c.old_id = t.parcel_id";
    let by_code = "join copied c on c.old_code = t.parcel";
    let of_contract = "join contract o on o.number = t.contract and upper_inf(o.recorded) and upper_inf(t.recorded)
         join copied c on c.old_code = o.parcel";
    let reviewed = format!("join copied c on c.old_code = t.parcel and c.k <= {}", copied.reviewed);
    // Obligations and bonds first, while the contracts are those of the original city alone.
    let tables: [CopiedTable<'_>; 11] = [
        ("obligation", of_contract, &[("number", &number), ("contract", &contract)]),
        ("bond", of_contract, &[("contract", &contract)]),
        ("contract", by_code, &[("number", &number), ("parcel", "c.new_code"), ("holder", &holder)]),
        ("building", by_code, &[("code", &code), ("parcel", "c.new_code"), ("geom", geom)]),
        ("occupancy", by_code, &[("parcel", "c.new_code"), ("enterprise", &enterprise)]),
        ("enterprise", &every_copy, &[("code", &code)]),
        ("annual_return", &of_reporting, &[("enterprise", &enterprise)]),
        ("review_result", &reviewed, &[("parcel", "c.new_code")]),
        ("parcel_place", by_id, &[("parcel_id", "c.new_id")]),
        ("parcel_state", by_id, &[("parcel_id", "c.new_id")]),
        ("parcel_version", by_id, &[("parcel_id", "c.new_id"), ("geom", geom)]),
    ];
    // What no two versions may do is checked row by row, and takes longer than all the rest; the copies are made so that
    // they do not. A correction is checked, so the parcels have it again.
    let checks: Vec<(String, String, String)> = sqlx::query_as(
        "select conrelid::regclass::text, conname::text, pg_get_constraintdef(oid) from pg_constraint
         where contype = 'x' and connamespace = current_schema::regnamespace order by 1, 2",
    )
    .fetch_all(write.connection())
    .await
    .unwrap();
    for (table, name, _) in &checks {
        run(&mut write, &format!("alter table {table} drop constraint {name}")).await;
    }
    // So are moves in a life and the locks, which are judged at the end of the transaction.
    let triggers = async |write: &mut Write, turned: &str| {
        for (table, ..) in tables {
            run(write, &format!("alter table {table} {turned} trigger user")).await;
        }
    };
    triggers(&mut write, "disable").await;
    for (table, join, changed) in tables {
        let columns: Vec<String> = sqlx::query_scalar(
            "select column_name::text from information_schema.columns
             where table_schema = current_schema and table_name = $1 and is_identity = 'NO' and is_generated = 'NEVER'",
        )
        .bind(table)
        .fetch_all(write.connection())
        .await
        .unwrap();
        let value = |column: &String| match changed.iter().find(|(name, _)| name == column) {
            Some((_, value)) => (*value).to_owned(),
            None if column == "revision" => revision.clone(),
            None => format!("t.{column}"),
        };
        let values: Vec<String> = columns.iter().map(value).collect();
        let (columns, values) = (columns.join(", "), values.join(", "));
        let copy = format!("insert into {table} ({columns}) select {values} from {table} t {join}");
        let begun = Instant::now();
        let rows = run(&mut write, &copy).await;
        println!("  {table}: {rows} rows copied in {:.1} s", begun.elapsed().as_secs_f64());
    }
    let parts = "insert into building_part (building_id, parcel_id, recorded, share, footprint_m2)
         select n.id, c.new_id, t.recorded, t.share, t.footprint_m2
         from building_part t join building b on b.id = t.building_id join copied c on c.old_id = t.parcel_id
         join building n on n.code = b.code || '-' || c.k and upper_inf(n.recorded)
         where upper_inf(t.recorded)";
    let rows = run(&mut write, parts).await;
    println!("  building_part: {rows} rows copied");
    triggers(&mut write, "enable").await;
    for (table, name, check) in checks.iter().filter(|(table, ..)| table == "parcel_version") {
        run(&mut write, "set constraints all immediate").await;
        run(&mut write, &format!("alter table {table} add constraint {name} {check}")).await;
    }
    let facts = json!({ "copies": copies });
    write.commit(Audit { subject: "city".to_owned(), facts }).await.unwrap();
    sqlx::raw_sql("vacuum analyze").execute(pool).await.unwrap();
    println!("{} parcels, copied in {:.1} s", count().await, begun.elapsed().as_secs_f64());
}

async fn run(write: &mut Write, statement: &str) -> u64 {
    let sql = AssertSqlSafe(statement.to_owned());
    sqlx::raw_sql(sql)
        .execute(write.connection())
        .await
        .unwrap_or_else(|error| panic!("{statement}: {error}"))
        .rows_affected()
}
