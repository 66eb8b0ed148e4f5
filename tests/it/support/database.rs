//! A database per test, copied from one that has every migration applied and the rules on record. Knows templates and locks; refuses to know
//! a table.
//!
//! Tests run as many processes at once, so whatever is shared is made under a lock of the server: the first process
//! migrates a template named after the migrations' content, the others copy it.

use std::{
    fs,
    path::Path,
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use landcycle::{cluster, flow::lockup, store};
use sha2::{Digest as _, Sha256};
use sqlx::{
    AssertSqlSafe, Connection as _, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

/// The schema that tests work in.
pub const SCHEMA: &str = "city_310000";

/// Held while the template is made, and never by anything else.
const TEMPLATE_LOCK: i64 = 0x6c61_6e64_7465_7374;

static COUNTER: AtomicU32 = AtomicU32::new(0);

/// A migrated database that no other test sees. It is gone when this is dropped.
pub struct Database {
    /// Its address, for programs and for more pools. The search path is left to whoever connects.
    pub url: String,
    /// A small pool whose search path is the city's schema.
    pub pool: PgPool,
    name: String,
    server: PgConnectOptions,
}

/// Makes a migrated database for one test.
pub async fn fresh_database() -> Database {
    let server_url = server_url();
    let server: PgConnectOptions = server_url.parse().unwrap();
    let mut connection = PgConnection::connect_with(&server).await.unwrap();
    let template = template(&mut connection, &server_url).await;
    let name = format!("landcycle_test_{}_{}", process::id(), COUNTER.fetch_add(1, Ordering::Relaxed));
    execute(&mut connection, format!("drop database if exists {name} with (force)")).await;
    execute(&mut connection, format!("create database {name} template {template} strategy file_copy")).await;
    connection.close().await.unwrap();

    let options = on_city(server.clone().database(&name));
    let pool = PgPoolOptions::new().max_connections(5).connect_with(options).await.unwrap();
    Database { url: with_database(&server_url, &name), pool, name, server }
}

/// The server that tests use: `DATABASE_URL`'s if one is given, otherwise a private cluster in the target directory,
/// which stays up for the next run.
pub fn server_url() -> String {
    match std::env::var("DATABASE_URL") {
        Ok(url) if !url.is_empty() => url,
        _ => {
            let home = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("test-home");
            cluster::ensure(&home).unwrap_or_else(|error| panic!("{error}")).url
        }
    }
}

async fn template(connection: &mut PgConnection, server_url: &str) -> String {
    let template = format!("landcycle_template_{}", fingerprint());
    if exists(connection, &template).await {
        return template;
    }
    sqlx::query("select pg_advisory_lock($1)").bind(TEMPLATE_LOCK).execute(&mut *connection).await.unwrap();
    if !exists(connection, &template).await {
        forget_the_dead(connection).await;
        // Migrated under another name first, so that a template is finished or not there.
        let making = format!("{template}_making");
        execute(connection, format!("drop database if exists {making} with (force)")).await;
        execute(connection, format!("create database {making}")).await;
        let pool = store::connect(&with_database(server_url, &making), SCHEMA).await.unwrap();
        lockup::migrate(&pool, SCHEMA, "test:template").await.unwrap();
        pool.close().await;
        execute(connection, format!("alter database {making} rename to {template}")).await;
    }
    sqlx::query("select pg_advisory_unlock($1)").bind(TEMPLATE_LOCK).execute(&mut *connection).await.unwrap();
    template
}

/// Drops what killed test processes and older migrations left on the private cluster. A server of the developer's own
/// may serve other machines, whose processes can't be seen from here.
async fn forget_the_dead(connection: &mut PgConnection) {
    if std::env::var("DATABASE_URL").is_ok_and(|url| !url.is_empty()) {
        return;
    }
    let query = "select datname::text from pg_database where datname ~ '^landcycle_(test|template)_'";
    let names: Vec<String> = sqlx::query_scalar(query).fetch_all(&mut *connection).await.unwrap();
    for name in names {
        let owner = name.strip_prefix("landcycle_test_").and_then(|rest| rest.split('_').next());
        if owner.is_none_or(|pid| !Path::new("/proc").join(pid).exists()) {
            execute(connection, format!("drop database if exists {name} with (force)")).await;
        }
    }
}

async fn exists(connection: &mut PgConnection, name: &str) -> bool {
    let query = "select exists (select from pg_database where datname = $1)";
    sqlx::query_scalar(query).bind(name).fetch_one(connection).await.unwrap()
}

async fn execute(connection: &mut PgConnection, statement: String) {
    sqlx::query(AssertSqlSafe(statement.as_str()))
        .execute(connection)
        .await
        .unwrap_or_else(|e| panic!("{statement}: {e}"));
}

fn on_city(options: PgConnectOptions) -> PgConnectOptions {
    options.options([("search_path", format!("{SCHEMA},public"))])
}

/// Names the template after what the migrations and the rules say, so that an edited one is never mistaken for the old.
fn fingerprint() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let listed =
        |folder: &str| fs::read_dir(root.join(folder)).into_iter().flatten().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = listed("migrations").chain(listed("data/rulebook")).collect();
    files.push(root.join("data/land_use.toml"));
    files.sort();
    let mut digest = Sha256::new_with_prefix(SCHEMA);
    for file in files {
        digest.update(file.file_name().unwrap().as_encoded_bytes());
        digest.update(fs::read(&file).unwrap());
    }
    hex::encode(&digest.finalize()[..6])
}

/// The same server's address with another database.
fn with_database(url: &str, name: &str) -> String {
    let (address, query) = url.split_once('?').map_or((url, None), |(address, query)| (address, Some(query)));
    let after_scheme = address.find("://").map_or(0, |at| at + 3);
    let server = match address[after_scheme..].find('/') {
        Some(at) => &address[..after_scheme + at],
        None => address,
    };
    query.map_or_else(|| format!("{server}/{name}"), |query| format!("{server}/{name}?{query}"))
}

impl Drop for Database {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // A runtime of its own: the test's may be the one that is being torn down.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut connection = PgConnection::connect_with(&server).await.unwrap();
                execute(&mut connection, format!("drop database if exists {name} with (force)")).await;
            });
        });
        if dropped.join().is_err() {
            eprintln!("the test database {} is left behind", self.name);
        }
    }
}

#[test]
fn another_database_of_the_same_server_keeps_the_rest_of_its_address() {
    let of = |url| with_database(url, "x");
    assert_eq!(of("postgresql:///landcycle?host=%2Ftmp&user=a"), "postgresql:///x?host=%2Ftmp&user=a");
    assert_eq!(of("postgres://me@db.example:5433/city"), "postgres://me@db.example:5433/x");
    assert_eq!(of("postgres://me@db.example:5433"), "postgres://me@db.example:5433/x");
}

#[tokio::test]
async fn two_tests_have_two_databases() {
    let (one, two) = (fresh_database().await, fresh_database().await);
    sqlx::query("create table public.mine (id int)").execute(&one.pool).await.unwrap();
    let there: Option<String> =
        sqlx::query_scalar("select to_regclass('public.mine')::text").fetch_one(&two.pool).await.unwrap();
    assert_eq!(there, None);
    let migrated: i64 = sqlx::query_scalar("select count(*) from parcel_version").fetch_one(&two.pool).await.unwrap();
    assert_eq!(migrated, 0);
    let postgis: String = sqlx::query_scalar("select postgis_version()").fetch_one(&two.pool).await.unwrap();
    assert!(postgis.starts_with('3'), "{postgis}");
    let mut by_address = PgConnection::connect(&one.url).await.unwrap();
    sqlx::query("select id from public.mine").fetch_all(&mut by_address).await.unwrap();
}
