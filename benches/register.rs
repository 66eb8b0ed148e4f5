//! The register at a million parcels, held against its limits: how long after its commit a correction shows in search and
//! in the tile, and how long a dossier takes. `cargo bench --bench register`, `PARCELS=20000` for a short look,
//! `REGISTER=DIR` to keep the register there for the next time. Prints each figure as a share of its limit and fails
//! above it.
//!
//! The register is a small demo city, reviewed, and as many copies of it as it takes: side by side, each on its own small
//! part of the city's land, with buildings, contracts, obligations, enterprises and their returns of their own.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use landcycle::atlas::Atlas;
use landcycle::clock::Clock;
use landcycle::domain::intake::Kind;
use landcycle::flow::refresh;
use landcycle::http::{App, router};
use landcycle::store::{self, copy::Rows, stage::Staging, write::Audit, write::Write};
use landcycle::{cluster, domain};
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool};
use std::f64::consts::PI;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tower::ServiceExt as _;

/// A correction shows in search and tiles so long after its commit.
const LIMIT_SHOWN_MS: f64 = 100.0;
/// A dossier, with everything.
const LIMIT_DOSSIER_MS: f64 = 10.0;

/// How many parcels the city has that is copied.
const ORIGINAL: usize = 4_000;
/// So many copies have receipts of their own, of which the dossiers are asked for; a receipt is some kilobytes.
const REVIEWED_COPIES: usize = 20;
const SCHEMA: &str = "city_310000";

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let parcels: usize = std::env::var("PARCELS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let kept = std::env::var_os("REGISTER").map(PathBuf::from);
    let temporary = tempfile::tempdir().unwrap();
    let home = kept.clone().unwrap_or_else(|| temporary.path().to_owned());
    let url = city(&home, parcels.min(ORIGINAL));
    let pool = store::connect(&url, SCHEMA).await.unwrap();
    multiply(&pool, parcels).await;

    let clock = Clock::of_the_machine();
    let begun = Instant::now();
    let atlas = Arc::new(Atlas::new(refresh::snapshot(&pool, clock).await.unwrap()));
    println!("{} parcels, read and packed whole in {:.1} s", atlas.current().len(), begun.elapsed().as_secs_f64());
    let following = tokio::spawn(refresh::follow(pool.clone(), clock, atlas.clone()));
    let app = App { atlas: atlas.clone(), pool: pool.clone(), today: Arc::new(move || clock.today()) };
    let city = City { router: router(app), atlas, pool: pool.clone() };
    let rng = &mut ChaCha8Rng::seed_from_u64(310_000);
    // The follower listens once it has asked for the first time.
    tokio::time::sleep(Duration::from_millis(500)).await;

    let mut shown = Vec::new();
    for _ in 0..20 {
        shown.push(city.correction(rng).await);
    }
    let within = report("a correction, from commit to search and tile", &mut shown, LIMIT_SHOWN_MS, 1.0);

    let codes: Vec<String> =
        sqlx::query_scalar("select parcel from review_result order by parcel").fetch_all(&pool).await.unwrap();
    let mut took = Vec::new();
    for number in 0..220 {
        let code = codes.choose(rng).unwrap();
        let begun = Instant::now();
        let (status, body) = city.ask(get(&format!("/api/v1/parcels/{code}"))).await;
        let time = begun.elapsed();
        assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
        // The first ones open connections and plan queries.
        if number >= 20 {
            took.push(time);
        }
    }
    let within = report("a dossier with everything", &mut took, LIMIT_DOSSIER_MS, 0.99) && within;

    following.abort();
    pool.close().await;
    cluster::stop(&home).unwrap();
    if within { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints the median, a high quantile and its share of the limit; answers whether it is within.
fn report(what: &str, times: &mut [Duration], limit_ms: f64, quantile: f64) -> bool {
    times.sort();
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3;
    let (median, high) = (at(0.5), at(quantile));
    let share = high / limit_ms;
    let name = if quantile < 1.0 { format!("p{:.0}", quantile * 100.0) } else { "most".to_owned() };
    println!(
        "{what}: median {median:.1} ms, {name} {high:.1} ms = {share:.2} of {limit_ms:.0} ms (of {})",
        times.len()
    );
    share <= 1.0
}

/// The service in this process, without a network between.
struct City {
    router: Router,
    atlas: Arc<Atlas>,
    pool: PgPool,
}

fn get(path: &str) -> Request<Body> {
    Request::get(path).header("host", "localhost").body(Body::empty()).unwrap()
}

impl City {
    async fn ask(&self, request: Request<Body>) -> (StatusCode, Vec<u8>) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        (status, response.into_body().collect().await.unwrap().to_bytes().to_vec())
    }

    /// Corrects the use of a parcel as an import does, and answers how long after the commit was asked for both a search
    /// at its place and its tile say so.
    async fn correction(&self, rng: &mut ChaCha8Rng) -> Duration {
        let snapshot = self.atlas.current();
        let parcel = snapshot.parcel(snapshot.all().indices()[rng.random_range(0..snapshot.len())]);
        let mut write = Write::begin(&self.pool, "bench", "import-parcels").await.unwrap();
        let land_use = format!("NEW{}", write.revision);
        let rings: Vec<_> = parcel
            .shape()
            .rings()
            .map(|ring| ring.iter().map(|[x, y]| (*x, *y)).collect::<geo_types::LineString>())
            .collect();
        let shape = geo_types::MultiPolygon(vec![geo_types::Polygon::new(rings[0].clone(), vec![])]);
        let [x, y] = parcel.shape().rings().next().unwrap()[0];
        let code = domain::id::ParcelCode::parse(parcel.code()).unwrap();
        let corrected = domain::parcel::Parcel {
            district: code.district(),
            code,
            park: parcel.park().map(str::to_owned),
            land_use: land_use.clone(),
            land_use_scheme: domain::parcel::DEFAULT_LAND_USE_SCHEME.to_owned(),
            registered_area: None,
            plot_ratio_allowed: None,
            address: None,
            source_id: None,
            valid_from: None,
            valid_to: None,
        };
        let mut rows = Rows::default();
        store::parcel::stage(&mut rows, 0, 1, &corrected, parcel.area(), &shape);
        let mut staging = Staging::begin(&mut write, Kind::Parcels, false).await.unwrap();
        staging.send(&mut write, rows.bytes().to_vec()).await.unwrap();
        let refused = staging.check(write.connection()).await.unwrap();
        assert!(refused.is_empty(), "{refused:?}");
        assert_eq!(staging.merge(&mut write).await.unwrap().accepted, 1);
        let audit = Audit { subject: "parcels".to_owned(), facts: json!({}) };

        let begun = Instant::now();
        write.commit(audit).await.unwrap();
        let wanted = land_use.as_bytes();
        let (mut in_search, mut in_tile) = (false, false);
        while !(in_search && in_tile) {
            assert!(begun.elapsed() < Duration::from_secs(60), "the correction does not show");
            in_search = in_search || self.search(x, y).await.windows(wanted.len()).any(|part| part == wanted);
            in_tile = in_tile || self.tile(x, y).await.windows(wanted.len()).any(|part| part == wanted);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        begun.elapsed()
    }

    async fn search(&self, x: f64, y: f64) -> Vec<u8> {
        let body = json!({"bbox": [x - 1e-6, y - 1e-6, x + 1e-6, y + 1e-6], "limit": 1000});
        let request = Request::post("/api/v1/parcels/search").header("host", "localhost");
        let request = request.header("content-type", "application/json").body(Body::from(body.to_string())).unwrap();
        let (status, body) = self.ask(request).await;
        assert_eq!(status, StatusCode::OK);
        let found: Value = serde_json::from_slice(&body).unwrap();
        found["features"].to_string().into_bytes()
    }

    async fn tile(&self, x: f64, y: f64) -> Vec<u8> {
        let side = f64::from(1 << 16);
        let down = 0.5 - y.to_radians().tan().asinh() / (2.0 * PI);
        let path = format!("/tiles/parcels/16/{}/{}.mvt", ((x / 360.0 + 0.5) * side) as u64, (down * side) as u64);
        self.ask(get(&path)).await.1
    }
}

/// A demo city in the private cluster of a home, imported and reviewed; answers the cluster's address.
fn city(home: &Path, parcels: usize) -> String {
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
async fn multiply(pool: &PgPool, wanted: usize) {
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
    let of_reviewed = format!("cross join generate_series(1, {}) c(k)", copies.min(REVIEWED_COPIES));
    let by_id = "join copied c on c.old_id = t.parcel_id";
    let by_code = "join copied c on c.old_code = t.parcel";
    let of_contract = "join contract o on o.number = t.contract and upper_inf(o.recorded) and upper_inf(t.recorded)
         join copied c on c.old_code = o.parcel";
    let reviewed = format!("join copied c on c.old_code = t.parcel and c.k <= {REVIEWED_COPIES}");
    // Obligations and bonds first, while the contracts are those of the original city alone.
    let tables: [CopiedTable<'_>; 11] = [
        ("obligation", of_contract, &[("number", &number), ("contract", &contract)]),
        ("bond", of_contract, &[("contract", &contract)]),
        ("contract", by_code, &[("number", &number), ("parcel", "c.new_code"), ("holder", &holder)]),
        ("building", by_code, &[("code", &code), ("parcel", "c.new_code"), ("geom", geom)]),
        ("occupancy", by_code, &[("parcel", "c.new_code"), ("enterprise", &enterprise)]),
        ("enterprise", &every_copy, &[("code", &code)]),
        ("annual_return", &of_reviewed, &[("enterprise", &enterprise)]),
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
