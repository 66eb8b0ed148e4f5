//! PostGIS: every table, query and constraint. One file per aggregate; it knows no file format, no HTTP and no rule.
//!
//! All tables of a city live in one schema. No query names it: the connection's search path does.

mod amendment;
pub mod approval;
pub mod bond;
pub mod building;
mod bulk;
pub mod changes;
pub mod check;
pub mod city;
pub mod clock;
pub mod collection;
pub mod contract;
mod copied;
pub mod copy;
pub mod district_setting;
pub mod dossier;
pub mod doubt;
pub mod enterprise;
pub mod entry;
pub mod export;
mod fill;
pub mod filter;
mod geometry;
pub mod land_account;
mod layer;
pub mod lifecycle;
pub mod lineage;
pub mod lockup;
pub mod obligation;
pub mod occupancy;
pub mod parcel;
pub mod park;
pub mod performance;
pub mod place;
pub mod plot_ratio;
mod recorded;
pub mod reference;
pub mod remark;
pub mod repair;
pub mod reserve;
pub mod review;
pub mod rulebook;
pub mod snapshot;
pub mod stage;
pub mod standing;
mod statistics;
pub mod supply;
mod versions;
pub mod write;
pub mod zoning;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection as _, PgConnection};
use std::str::FromStr;
use std::time::Duration;

/// How long a database may take to answer.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// How long one waits for a free connection: someone at a page would rather be told than wait.
const ACQUIRE_WITHIN: Duration = Duration::from_secs(3);

/// Connections to one city's schema, for those rooms that pass them on without a query of their own.
pub type Pool = PgPool;

/// What can go wrong between landcycle and its database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database URL could not be read.
    #[error("the database URL is not one of PostgreSQL; expected postgresql://…")]
    Url(#[source] sqlx::Error),
    /// The database did not answer.
    #[error("the database at {place} cannot be reached")]
    Connect {
        /// Its host and port, or its socket.
        place: String,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// A migration failed.
    #[error("the tables of schema {schema} could not be brought up to date")]
    Migrate {
        /// The schema.
        schema: String,
        /// Why.
        #[source]
        source: sqlx::migrate::MigrateError,
    },
    /// A schema or an extension could not be made.
    #[error("{what} could not be created; the database role needs the right to, or an administrator creates it once")]
    Prepare {
        /// What was to be made.
        what: String,
        /// Why it was not.
        #[source]
        source: sqlx::Error,
    },
    /// What came from the reader of a file is nothing that can be stored.
    #[error("the reader of the files handed out something that is no row")]
    NotRows,
    /// A query failed.
    #[error("the database refused a query")]
    Query(#[from] sqlx::Error),
    /// A stored value is not one that the domain knows.
    #[error("{table}.{column} of {row} holds {value:?}, which landcycle does not know")]
    Value {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// Which row.
        row: String,
        /// What it holds.
        value: String,
    },
}

impl StoreError {
    /// Whether the database gave up because the question took too long.
    pub fn is_too_slow(&self) -> bool {
        matches!(self, Self::Query(sqlx::Error::Database(said)) if said.code().as_deref() == Some("57014"))
    }

    /// Whether the database is away rather than unwilling: asking again later may help.
    pub fn is_outage(&self) -> bool {
        let Self::Query(error) = self else { return matches!(self, Self::Connect { .. }) };
        match error {
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => true,
            // Classes 08 (connection) and 57P (shut down, or not up yet) of PostgreSQL's error codes.
            sqlx::Error::Database(said) => {
                said.code().is_some_and(|code| code.starts_with("08") || code.starts_with("57P"))
            }
            _ => false,
        }
    }
}

/// Opens a pool on one city's schema.
pub async fn connect(url: &str, schema: &str) -> Result<PgPool, StoreError> {
    let options = PgConnectOptions::from_str(url).map_err(StoreError::Url)?;
    let options = options
        .application_name("landcycle")
        // A statement in a log helps nobody who runs landcycle, and may carry what is in someone's file.
        .disable_statement_logging()
        // The extensions live in public; everything of the city is found first.
        .options([("search_path", format!("{schema},public"))]);
    let failed = |source| StoreError::Connect { place: place(&options), source };
    // A pool tries again until its time is over and then knows only that it is; one plain connection knows why.
    let plain = tokio::time::timeout(CONNECT_WITHIN, PgConnection::connect_with(&options)).await;
    let plain = plain.unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()))).map_err(failed)?;
    plain.close().await.map_err(failed)?;
    PgPoolOptions::new()
        .max_connections(8)
        .acquire_timeout(ACQUIRE_WITHIN)
        .connect_with(options.clone())
        .await
        .map_err(failed)
}

/// Where a database is, without who connects to it and how.
fn place(options: &PgConnectOptions) -> String {
    let socket = options.get_socket().map(|socket| socket.display().to_string());
    socket.unwrap_or_else(|| format!("{}:{}", options.get_host(), options.get_port()))
}

/// Makes the schema and brings its tables up to date; safe to repeat and to run twice at once.
pub async fn migrate(pool: &PgPool, schema: &str) -> Result<(), StoreError> {
    for extension in ["postgis", "btree_gist"] {
        let there = sqlx::query_scalar!("select exists (select from pg_extension where extname = $1)", extension)
            .fetch_one(pool)
            .await?;
        if there != Some(true) {
            let sql = format!("create extension if not exists {extension} schema public");
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
                .execute(pool)
                .await
                .map_err(|source| StoreError::Prepare { what: format!("extension {extension}"), source })?;
        }
    }
    // The name was checked when the configuration was read ([a-z_][a-z0-9_]*), so it needs no quoting.
    let sql = format!("create schema if not exists {schema}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
        .execute(pool)
        .await
        .map_err(|source| StoreError::Prepare { what: format!("schema {schema}"), source })?;
    sqlx::migrate!("./migrations")
        .run(pool)
        .await
        .map_err(|source| StoreError::Migrate { schema: schema.to_owned(), source })
}

/// The newest revision of the register.
pub async fn newest_revision(pool: &PgPool) -> Result<i64, StoreError> {
    let mut connection = pool.acquire().await?;
    write::head(&mut connection).await
}

/// Whether the database answers.
pub async fn ping(pool: &PgPool) -> Result<(), StoreError> {
    sqlx::query_scalar!("select 1").fetch_one(pool).await?;
    Ok(())
}
