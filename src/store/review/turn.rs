//! Whose turn it is to run a review: one of a kind at a time in a city. The turn is held by a connection of its own, so that
//! it ends with the process that holds it, however that ends.

use crate::store::StoreError;
use chrono::{DateTime, Utc};
use sqlx::postgres::PgPool;
use sqlx::{Connection as _, PgConnection};
use std::time::{Duration, Instant};

/// What the connection that holds a turn is called, before the name of who runs.
const NAME: &str = "landcycle review by ";

/// A process that was killed just now still has its turn until the server has noticed.
const LETS_GO: Duration = Duration::from_secs(2);
const AGAIN: Duration = Duration::from_millis(100);

/// The turn to run a review.
#[derive(Debug)]
pub struct Turn(PgConnection);

/// Who has the turn.
#[derive(Debug, Clone)]
pub struct Holder {
    /// Who runs.
    pub by: String,
    /// Since when.
    pub since: Option<DateTime<Utc>>,
}

/// Takes the turn for a kind of review, or tells who has it.
pub async fn take(pool: &PgPool, kind: &str, actor: &str) -> Result<Result<Turn, Holder>, StoreError> {
    let mut connection = pool.acquire().await?.detach();
    let begun = Instant::now();
    let is_taken = loop {
        let is_taken = sqlx::query_scalar!(
            r#"select pg_try_advisory_lock(hashtext(current_schema || ' review'), hashtext($1)) as "taken!""#,
            kind
        )
        .fetch_one(&mut connection)
        .await?;
        if is_taken || begun.elapsed() >= LETS_GO {
            break is_taken;
        }
        tokio::time::sleep(AGAIN).await;
    };
    if is_taken {
        sqlx::query!("select set_config('application_name', $1, false)", format!("{NAME}{actor}"))
            .fetch_one(&mut connection)
            .await?;
        return Ok(Ok(Turn(connection)));
    }
    // The name was given when the turn was taken, and nothing has been asked over that connection since.
    let holder = sqlx::query!(
        r#"select a.application_name as "name?", a.query_start as "since?"
           from pg_locks l join pg_stat_activity a on a.pid = l.pid
           where l.locktype = 'advisory' and l.objsubid = 2 and l.granted
               and l.database = (select oid from pg_database where datname = current_database())
               and l.classid::bigint = hashtext(current_schema || ' review')::bigint & 4294967295
               and l.objid::bigint = hashtext($1)::bigint & 4294967295"#,
        kind
    )
    .fetch_optional(&mut connection)
    .await?;
    connection.close().await?;
    let (name, since) = holder.map_or((None, None), |row| (row.name, row.since));
    let by = name.and_then(|name| name.strip_prefix(NAME).map(str::to_owned));
    Ok(Err(Holder { by: by.unwrap_or_else(|| "someone else".to_owned()), since }))
}

impl Turn {
    /// Gives the turn back; the next one need not wait for the connection to end.
    pub async fn end(mut self) -> Result<(), StoreError> {
        sqlx::query_scalar!("select pg_advisory_unlock_all()").fetch_one(&mut self.0).await?;
        Ok(self.0.close().await?)
    }
}
