//! What a run keeps beside its receipts: who was left out and why, and which reviews of the calendar it answers.

use super::places::Words;
use crate::domain::review::left_out::{Left, Reason};
use crate::store::StoreError;
use crate::store::copy::{self, Rows};
use crate::store::write::Write;
use chrono::NaiveDate;
use futures_util::TryStreamExt as _;
use serde::Serialize;
use sqlx::PgConnection;
use std::collections::HashSet;
use std::sync::Arc;

/// A review that a run answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the columns are described in the migrations")]
pub struct Answered {
    pub parcel: String,
    pub contract: String,
    pub review: String,
    pub number: i32,
    pub due_on: NaiveDate,
}

/// What a run keeps beside its receipts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beside {
    /// Who is left out, in the order of codes.
    pub left: Vec<Left>,
    /// Which reviews it answers, in the order of contracts and reviews; none but of a run of kind calendar.
    pub answers: Vec<Answered>,
}

/// Rows are sent in pieces of this many.
const PIECE: usize = 10_000;

/// Keeps it. The results of the run are there already.
pub async fn add(write: &mut Write, run: i64, beside: &Beside) -> Result<(), StoreError> {
    for piece in beside.left.chunks(PIECE) {
        let mut rows = Rows::default();
        for one in piece {
            rows.bare_row().value(&run).text(&one.parcel).text(one.reason.name()).end();
        }
        copy::send(write.connection(), "review_left_out (run_id, parcel, reason)", rows.bytes()).await?;
    }
    for piece in beside.answers.chunks(PIECE) {
        let mut rows = Rows::default();
        for one in piece {
            rows.bare_row()
                .value(&run)
                .text(&one.parcel)
                .text(&one.contract)
                .text(&one.review)
                .value(&one.number)
                .value(&one.due_on)
                .end();
        }
        let target = "review_due (run_id, parcel, contract, kind, number, due_on)";
        copy::send(write.connection(), target, rows.bytes()).await?;
    }
    Ok(())
}

/// What a run keeps beside its receipts, and the hash over it that it was kept with; no hash where it was made before that.
pub async fn read(connection: &mut PgConnection, run: i64) -> Result<(Beside, Option<String>), StoreError> {
    let left = sqlx::query!(
        r#"select parcel, reason from review_left_out where run_id = $1 order by parcel collate "C""#,
        run
    )
    .fetch_all(&mut *connection)
    .await?;
    let left = left.into_iter().map(|row| Ok(Left { reason: reason(&row.reason, &row.parcel)?, parcel: row.parcel }));
    let left = left.collect::<Result<_, StoreError>>()?;
    let answers = sqlx::query_as!(
        Answered,
        r#"select parcel, contract, kind as review, number, due_on from review_due where run_id = $1
           order by contract collate "C", kind collate "C", number"#,
        run
    )
    .fetch_all(&mut *connection)
    .await?;
    let hash = sqlx::query_scalar!("select beside_hash from review_run where id = $1", run);
    Ok((Beside { left, answers }, hash.fetch_optional(connection).await?.flatten()))
}

/// Which reviews a run answers, how many of each; none where it is about all.
pub async fn answers(connection: &mut PgConnection, run: i64) -> Result<Vec<(String, i64)>, StoreError> {
    let rows = sqlx::query!(
        r#"select kind, count(*) as "count!" from review_due where run_id = $1 group by 1 order by 1"#,
        run
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(|row| (row.kind, row.count)).collect())
}

/// The parcels whose reviews a run answers; nothing where it is about all.
pub async fn answered(connection: &mut PgConnection, run: i64) -> Result<Option<HashSet<String>>, StoreError> {
    let rows = sqlx::query_scalar!("select distinct parcel from review_due where run_id = $1", run);
    let parcels: HashSet<String> = rows.fetch_all(connection).await?.into_iter().collect();
    Ok((!parcels.is_empty()).then_some(parcels))
}

/// How many a run left out, by reason.
pub async fn counts(connection: &mut PgConnection, run: i64) -> Result<Vec<(Reason, i64)>, StoreError> {
    let rows = sqlx::query!(
        r#"select reason, count(*) as "count!" from review_left_out where run_id = $1 group by 1 order by 1"#,
        run
    );
    let rows = rows.fetch_all(connection).await?;
    rows.into_iter().map(|row| Ok((reason(&row.reason, &format!("run {run}"))?, row.count))).collect()
}

/// Who was left out of a run, after one in the order of codes, so many of them; all, or those of one reason.
pub async fn page(
    connection: &mut PgConnection,
    run: i64,
    of: Option<Reason>,
    after: Option<&str>,
    most: i64,
) -> Result<Vec<Left>, StoreError> {
    let rows = sqlx::query!(
        r#"select parcel, reason from review_left_out
           where run_id = $1 and ($2::text is null or reason = $2) and ($3::text is null or parcel collate "C" > $3)
           order by parcel collate "C" limit $4"#,
        run,
        of.map(Reason::name),
        after,
        most
    );
    let rows = rows.fetch_all(connection).await?;
    rows.into_iter().map(|row| Ok(Left { reason: reason(&row.reason, &row.parcel)?, parcel: row.parcel })).collect()
}

/// Why a parcel was left out of a run; nothing where it was not.
pub async fn why(connection: &mut PgConnection, run: i64, parcel: &str) -> Result<Option<Reason>, StoreError> {
    let found =
        sqlx::query_scalar!("select reason from review_left_out where run_id = $1 and parcel = $2", run, parcel);
    found.fetch_optional(connection).await?.map(|word| reason(&word, parcel)).transpose()
}

/// Where each parcel is in its life on the day, as far as that is on record.
pub(super) async fn states(
    connection: &mut PgConnection,
    as_of: NaiveDate,
    mut each: impl FnMut(i64, Arc<str>),
) -> Result<(), StoreError> {
    let mut rows = sqlx::query!(
        "select parcel_id, state from parcel_state where upper_inf(recorded) and valid @> $1::date",
        as_of
    )
    .fetch(connection);
    let mut words = Words::default();
    while let Some(row) = rows.try_next().await? {
        each(row.parcel_id, words.of(&row.state));
    }
    Ok(())
}

fn reason(word: &str, row: &str) -> Result<Reason, StoreError> {
    Reason::parse(word).ok_or_else(|| StoreError::Value {
        table: "review_left_out",
        column: "reason",
        row: row.to_owned(),
        value: word.to_owned(),
    })
}
