//! The write transaction: none without an actor, none without an audit entry, each with the next revision.

use super::{StoreError, statistics};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::postgres::PgPool;
use sqlx::{PgConnection, Postgres, Transaction};

/// The channel on which every commit tells its revision.
pub const REVISION_CHANNEL: &str = "landcycle_revision";

/// A transaction that has taken the next revision. Dropped without commit, it leaves nothing, not even a gap.
pub struct Write {
    tx: Transaction<'static, Postgres>,
    /// The revision that the rows of this transaction carry.
    pub revision: i64,
    /// The moment at which they count as recorded: later than every earlier revision's.
    pub recorded_at: DateTime<Utc>,
    actor: String,
    act: &'static str,
}

/// What an audit entry says beside actor, act and revision.
pub struct Audit {
    /// What it was done to.
    pub subject: String,
    /// The facts: counts, hashes of files, parameters.
    pub facts: Value,
}

impl Write {
    /// Begins to write: waits for the writer before, then takes the next revision.
    pub async fn begin(pool: &PgPool, actor: &str, act: &'static str) -> Result<Self, StoreError> {
        let mut tx = pool.begin().await?;
        let revision =
            sqlx::query_scalar!("update revision_head set id = id + 1 returning id").fetch_one(&mut *tx).await?;
        // The clock is read after the lock is held, so that a later revision is never recorded before an earlier one.
        let recorded_at = sqlx::query_scalar!(
            "insert into revision (id, recorded_at, actor, act)
             select $1, greatest(clock_timestamp(), max(recorded_at) + interval '1 microsecond'), $2, $3
             from (select recorded_at from revision order by id desc limit 1) last
             returning recorded_at",
            revision,
            actor,
            act
        )
        .fetch_one(&mut *tx)
        .await?;
        Ok(Self { tx, revision, recorded_at, actor: actor.to_owned(), act })
    }

    /// The connection, for the queries of the aggregates.
    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    /// Writes the audit entry, tells the others, and commits.
    pub async fn commit(mut self, audit: Audit) -> Result<i64, StoreError> {
        statistics::gather(&mut self.tx).await?;
        let entry = json!({
            "act": self.act,
            "actor": self.actor,
            "facts": audit.facts,
            "recorded_at": self.recorded_at,
            "revision": self.revision,
            "subject": audit.subject,
        });
        let entry = canonical(&entry);
        let previous = sqlx::query_scalar!("select hash from audit_entry order by id desc limit 1")
            .fetch_optional(&mut *self.tx)
            .await?;
        let hash = chain(previous.as_deref(), &entry);
        sqlx::query!(
            "insert into audit_entry (revision, entry, previous_hash, hash) values ($1, $2, $3, $4)",
            self.revision,
            entry,
            previous,
            &hash[..]
        )
        .execute(&mut *self.tx)
        .await?;
        sqlx::query!("select pg_notify($1, current_schema || ':' || $2::bigint)", REVISION_CHANNEL, self.revision)
            .fetch_one(&mut *self.tx)
            .await?;
        self.tx.commit().await?;
        Ok(self.revision)
    }

    /// Leaves everything as it was.
    pub async fn abandon(self) -> Result<(), StoreError> {
        Ok(self.tx.rollback().await?)
    }
}

/// Canonical JSON (RFC 8785): the same value always has the same bytes.
fn canonical(value: &Value) -> String {
    // A value made of maps, strings and finite numbers always has a canonical form.
    serde_json_canonicalizer::to_string(value).unwrap_or_else(|_| value.to_string())
}

fn chain(previous: Option<&[u8]>, entry: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    if let Some(previous) = previous {
        hash.update(previous);
    }
    hash.update(entry.as_bytes());
    hash.finalize().into()
}

/// Recomputes the chain; answers the number of entries, or the number of the first entry that does not fit or is missing.
pub async fn verify_audit(pool: &PgPool) -> Result<Result<u64, i64>, StoreError> {
    // From the revisions, because a chain alone can't tell that its end was cut off: every revision has an entry.
    let entries = sqlx::query!(
        r#"select a.id as "id?", a.entry as "entry?", a.previous_hash as "previous_hash?", a.hash as "hash?"
           from revision r left join audit_entry a on a.revision = r.id order by a.id nulls last"#
    )
    .fetch_all(pool)
    .await?;
    let mut previous: Option<Vec<u8>> = None;
    let (mut count, mut last) = (0, 0);
    for row in entries {
        let (Some(id), Some(entry), Some(hash)) = (row.id, row.entry, row.hash) else { return Ok(Err(last + 1)) };
        if row.previous_hash != previous || chain(previous.as_deref(), &entry)[..] != hash[..] {
            return Ok(Err(id));
        }
        previous = Some(hash);
        last = id;
        count += 1;
    }
    Ok(Ok(count))
}

/// The latest revision in which an act on a subject brought exactly these files, told by their hashes in its audit entry.
pub async fn revision_of(
    connection: &mut PgConnection,
    act: &str,
    subject: &str,
    sha256: &[(String, String)],
) -> Result<Option<i64>, StoreError> {
    let revision = sqlx::query_scalar!(
        "select max(revision) from audit_entry
         where entry::jsonb ->> 'act' = $1 and entry::jsonb ->> 'subject' = $2
             and entry::jsonb -> 'facts' -> 'sha256' = $3",
        act,
        subject,
        json!(sha256)
    );
    Ok(revision.fetch_one(connection).await?)
}

/// The newest committed revision; 0 where nothing was written yet.
pub async fn head(connection: &mut PgConnection) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!("select id from revision_head").fetch_one(connection).await?)
}

/// The newest revision that was committed at a time; nothing asks for now.
pub async fn head_at(connection: &mut PgConnection, known_at: Option<DateTime<Utc>>) -> Result<i64, StoreError> {
    let Some(known_at) = known_at else { return head(connection).await };
    Ok(sqlx::query_scalar!(r#"select coalesce(max(id), 0) as "id!" from revision where recorded_at <= $1"#, known_at)
        .fetch_one(connection)
        .await?)
}
