//! Objections to a run, their answers, and the parcels that were judged again because one was upheld.

use super::ResultRow;
use super::kept::Paper;
use crate::store::StoreError;
use crate::store::write::Write;
use chrono::NaiveDate;
use sqlx::PgConnection;

/// An objection on its way into the register.
#[derive(Debug, Clone)]
pub struct New {
    /// The run.
    pub run: i64,
    /// Code of the parcel.
    pub parcel: String,
    /// Who objects.
    pub party: String,
    /// Why.
    pub ground: String,
    /// The letter.
    pub document: String,
    /// The day on which it was received.
    pub on: NaiveDate,
}

/// An objection with what became of it.
#[derive(Debug, Clone)]
pub struct Objection {
    /// Its number.
    pub id: i64,
    /// The run.
    pub run: i64,
    /// Code of the parcel.
    pub parcel: String,
    /// Who objects.
    pub party: String,
    /// Why.
    pub ground: String,
    /// The letter.
    pub document: String,
    /// The day on which it was received.
    pub on: NaiveDate,
    /// Who entered it.
    pub entered_by: String,
    /// upheld or dismissed; nothing while it is open.
    pub verdict: Option<String>,
    /// What the one who objects was told.
    pub words: Option<String>,
    /// The day of the answer.
    pub answered_on: Option<NaiveDate>,
    /// Who answered.
    pub answered_by: Option<String>,
    /// The grade that the parcel was given instead.
    pub grade: Option<String>,
    /// The hash of the later receipt.
    pub receipt_hash: Option<String>,
}

/// Objections: those of a run after one, or one alone, so many of them, in the order of their numbers.
pub async fn list(
    connection: &mut PgConnection,
    run: Option<i64>,
    id: Option<i64>,
    after: i64,
    most: i64,
) -> Result<Vec<Objection>, StoreError> {
    Ok(sqlx::query_as!(
        Objection,
        r#"select o.id, o.run_id as run, o.parcel, o.party, o.ground, o.document, o.on_date as "on", o.actor as entered_by,
               a.verdict as "verdict?", a.words as "words?", a.on_date as "answered_on?", a.actor as "answered_by?",
               n.grade as "grade?", n.receipt_hash as "receipt_hash?"
           from review_objection o
           left join review_answer a on a.objection_id = o.id
           left join review_rerun n on n.objection_id = o.id
           where ($1::bigint is null or o.run_id = $1) and ($2::bigint is null or o.id = $2) and o.id > $3
           order by o.id limit $4"#,
        run,
        id,
        after,
        most
    )
    .fetch_all(connection)
    .await?)
}

/// How many objections of a run there are, and how many of them have no answer yet.
pub async fn count(connection: &mut PgConnection, run: i64) -> Result<(i64, i64), StoreError> {
    let row = sqlx::query!(
        r#"select count(*) as "all!", count(*) filter (where a.objection_id is null) as "open!"
           from review_objection o left join review_answer a on a.objection_id = o.id where o.run_id = $1"#,
        run
    )
    .fetch_one(connection)
    .await?;
    Ok((row.all, row.open))
}

/// Keeps an objection; answers its number.
pub async fn add(write: &mut Write, new: &New, actor: &str) -> Result<i64, StoreError> {
    let revision = write.revision;
    Ok(sqlx::query_scalar!(
        "insert into review_objection (run_id, parcel, party, ground, document, on_date, actor, revision)
         values ($1, $2, $3, $4, $5, $6, $7, $8) returning id",
        new.run,
        new.parcel,
        new.party,
        new.ground,
        new.document,
        new.on,
        actor,
        revision
    )
    .fetch_one(write.connection())
    .await?)
}

/// Keeps the answer to an objection.
pub async fn answer(
    write: &mut Write,
    id: i64,
    verdict: &str,
    words: &str,
    on: NaiveDate,
    actor: &str,
) -> Result<(), StoreError> {
    let revision = write.revision;
    sqlx::query!(
        "insert into review_answer (objection_id, verdict, words, on_date, actor, revision) values ($1, $2, $3, $4, $5, $6)",
        id,
        verdict,
        words,
        on,
        actor,
        revision
    )
    .execute(write.connection())
    .await?;
    Ok(())
}

/// Keeps what was found about a parcel under corrected facts.
pub async fn rerun(
    write: &mut Write,
    (id, run): (i64, i64),
    facts_revision: i64,
    row: &ResultRow<'_>,
) -> Result<(), StoreError> {
    let revision = write.revision;
    sqlx::query!(
        "insert into review_rerun (objection_id, run_id, parcel, facts_revision, grade, score, rank, list, outcome, receipt,
             receipt_hash, revision)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        id,
        run,
        row.parcel,
        facts_revision,
        row.grade.name(),
        row.score,
        row.rank.and_then(|rank| i32::try_from(rank).ok()),
        row.list,
        row.outcome,
        row.receipt,
        row.receipt_hash,
        revision
    )
    .execute(write.connection())
    .await?;
    Ok(())
}

/// The later receipts of a run, in the order in which they were made.
pub async fn reruns(connection: &mut PgConnection, run: i64) -> Result<Vec<Paper>, StoreError> {
    Ok(sqlx::query_as!(
        Paper,
        "select parcel, receipt, receipt_hash from review_rerun where run_id = $1 order by revision, objection_id",
        run
    )
    .fetch_all(connection)
    .await?)
}
