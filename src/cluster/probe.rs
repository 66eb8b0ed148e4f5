//! Asks a server who it is. Knows two versions and a right; refuses to know a table.

use sqlx::{Connection as _, PgConnection, Row as _};

/// What a server says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// PostgreSQL's version.
    pub postgres: String,
    /// PostGIS's version, if the database has it.
    pub postgis: Option<String>,
    /// Whether this user may make a schema here, as the migrations do.
    pub may_create: bool,
}

/// Connects once and asks. The error never holds the address, which may hold a password.
pub async fn ask(url: &str) -> Result<Server, sqlx::Error> {
    let mut connection = PgConnection::connect(url).await?;
    let query = "select current_setting('server_version') as postgres, \
        (select extversion from pg_extension where extname = 'postgis') as postgis, \
        has_database_privilege(current_database(), 'create') as may_create";
    let row = sqlx::query(query).fetch_one(&mut connection).await?;
    let server = Server {
        postgres: row.try_get("postgres")?,
        postgis: row.try_get("postgis")?,
        may_create: row.try_get("may_create")?,
    };
    connection.close().await?;
    Ok(server)
}
