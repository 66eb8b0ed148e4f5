//! What is shown of runs, each answer out of one moment of the register: pages of runs, results and objections, and one
//! run's life.

use super::beside;
use super::life::{self, Step};
use super::objection::{self, Objection};
use super::{Run, counts, list};
use crate::domain::review::decision::List;
use crate::domain::review::grade::Grade;
use crate::domain::review::left_out::{Left, Reason};
use crate::domain::review::life::Life;
use crate::store::{StoreError, write};
use sqlx::postgres::PgPool;
use sqlx::{Postgres, Transaction};

/// A run with its life.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The newest revision that is known.
    pub revision: i64,
    /// The run.
    pub run: Run,
    /// Where it is in its life.
    pub life: Life,
    /// What was done to it.
    pub steps: Vec<Step>,
    /// How many objections there are, and how many of them have no answer yet.
    pub objections: (i64, i64),
    /// How many parcels have a grade and stand on a list.
    pub found: Vec<(String, Option<String>, i64)>,
    /// How many were left out, by reason.
    pub left_out: Vec<(Reason, i64)>,
    /// Which reviews of the calendar it answers, how many of each.
    pub answers: Vec<(String, i64)>,
}

/// What a run found about a parcel, as it stands.
#[derive(Debug, Clone)]
pub struct Found {
    /// Code of the parcel.
    pub parcel: String,
    /// Its grade.
    pub grade: String,
    /// Its score.
    pub score: Option<f64>,
    /// Its rank.
    pub rank: Option<i32>,
    /// The list it is on.
    pub list: Option<String>,
    /// What is recommended.
    pub outcome: String,
    /// The hash of its receipt.
    pub receipt_hash: String,
    /// The objection because of which it was judged again.
    pub objection: Option<i64>,
}

/// A moment of the register, and the newest revision in it.
pub async fn moment(pool: &PgPool) -> Result<(Transaction<'static, Postgres>, i64), StoreError> {
    let mut tx = pool.begin().await?;
    sqlx::raw_sql("set transaction isolation level repeatable read, read only").execute(&mut *tx).await?;
    let revision = write::head(&mut tx).await?;
    Ok((tx, revision))
}

/// The runs before one, the newest first, so many of them; with the newest revision.
pub async fn runs(pool: &PgPool, before: Option<i64>, most: usize) -> Result<(i64, Vec<Run>), StoreError> {
    let (mut tx, revision) = moment(pool).await?;
    let mut runs = list(&mut tx).await?;
    runs.retain(|run| before.is_none_or(|before| run.id < before));
    runs.truncate(most);
    Ok((revision, runs))
}

/// A run with its life; nothing where there is no such run.
pub async fn run(pool: &PgPool, run: i64) -> Result<Option<Shown>, StoreError> {
    let (mut tx, revision) = moment(pool).await?;
    let found = list(&mut tx).await?.into_iter().find(|one| one.id == run);
    let Some((found_run, life)) = found.zip(life::read(&mut tx, run).await?) else { return Ok(None) };
    Ok(Some(Shown {
        revision,
        run: found_run,
        life,
        steps: life::steps(&mut tx, run).await?,
        objections: objection::count(&mut tx, run).await?,
        found: counts(&mut tx, run).await?,
        left_out: beside::counts(&mut tx, run).await?,
        answers: beside::answers(&mut tx, run).await?,
    }))
}

/// The objections to a run after one, so many of them; nothing where there is no such run.
pub async fn objections(
    pool: &PgPool,
    run: i64,
    after: i64,
    most: i64,
) -> Result<Option<(i64, Vec<Objection>)>, StoreError> {
    let (mut tx, revision) = moment(pool).await?;
    if life::read(&mut tx, run).await?.is_none() {
        return Ok(None);
    }
    Ok(Some((revision, objection::list(&mut tx, Some(run), None, after, most).await?)))
}

/// Who was left out of a run after one in the order of codes, so many of them: all, or those of one reason. Nothing where
/// there is no such run.
pub async fn left_out(
    pool: &PgPool,
    run: i64,
    reason: Option<Reason>,
    after: Option<&str>,
    most: i64,
) -> Result<Option<(i64, Vec<Left>)>, StoreError> {
    let (mut tx, revision) = moment(pool).await?;
    if life::read(&mut tx, run).await?.is_none() {
        return Ok(None);
    }
    Ok(Some((revision, beside::page(&mut tx, run, reason, after, most).await?)))
}

/// What a run found, in the order of parcel codes after one, so many of them: all, or those of a grade or on a list. Nothing
/// where there is no such run.
pub async fn results(
    pool: &PgPool,
    run: i64,
    (grade, list): (Option<Grade>, Option<List>),
    after: Option<&str>,
    most: i64,
) -> Result<Option<(i64, Vec<Found>)>, StoreError> {
    let (mut tx, revision) = moment(pool).await?;
    if life::read(&mut tx, run).await?.is_none() {
        return Ok(None);
    }
    let found = sqlx::query_as!(
        Found,
        r#"select parcel as "parcel!", grade as "grade!", score, rank, list, outcome as "outcome!",
               receipt_hash as "receipt_hash!", objection_id as objection
           from review_standing($1, null)
           where ($2::text is null or grade = $2) and ($3::text is null or list = $3)
               and ($4::text is null or parcel collate "C" > $4)
           order by parcel collate "C" limit $5"#,
        run,
        grade.map(Grade::name),
        list.map(List::name),
        after,
        most
    );
    Ok(Some((revision, found.fetch_all(&mut *tx).await?)))
}
