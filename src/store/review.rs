//! Reviews: the runs with their results; the facts they look at are frozen in `facts`.

pub mod beside;
pub mod calendar;
pub mod candidates;
pub mod explain;
pub mod facts;
pub mod job;
pub mod kept;
pub mod life;
pub mod objection;
mod places;
pub mod publication;
pub mod shown;
pub mod turn;

use super::StoreError;
use super::copy::{self, Rows};
use super::write::Write;
use crate::domain::moment::Moment;
use crate::domain::review::grade::Grade;
use chrono::NaiveDate;
use sqlx::PgConnection;

/// What names a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunKey {
    /// round or calendar.
    pub kind: String,
    /// The day it judges.
    pub as_of: NaiveDate,
    /// How many years it looks at.
    pub window_years: i32,
    /// Hash of the rules.
    pub scheme: String,
    /// Hash of the facts.
    pub facts_hash: String,
    /// Hash of what it keeps beside its receipts.
    pub beside_hash: String,
}

/// The text of the rules that a run used.
#[derive(Debug, Clone)]
pub struct RulesText {
    /// Hash of the source.
    pub hash: String,
    /// Name and version of the scheme.
    pub name: String,
    /// Title in Chinese.
    pub title_zh: String,
    /// Title in English.
    pub title_en: String,
    /// The source.
    pub source: String,
}

/// A result on its way into the store.
#[derive(Debug)]
pub struct ResultRow<'a> {
    /// Code of the parcel.
    pub parcel: &'a str,
    /// Its grade.
    pub grade: Grade,
    /// Its score.
    pub score: Option<f64>,
    /// Its rank.
    pub rank: Option<u32>,
    /// How many of its peers score higher.
    pub peers_ahead: Option<u32>,
    /// The list it is on.
    pub list: Option<&'static str>,
    /// What is recommended.
    pub outcome: &'a str,
    /// Canonical receipt.
    pub receipt: &'a str,
    /// Its hash.
    pub receipt_hash: &'a str,
}

/// The run of that name, if there is one.
pub async fn find(connection: &mut PgConnection, key: &RunKey) -> Result<Option<i64>, StoreError> {
    Ok(sqlx::query_scalar!(
        "select id from review_run
         where kind = $1 and as_of = $2 and window_years = $3 and scheme = $4 and facts_hash = $5 and beside_hash = $6
             and review_state(id) <> 'cancelled'",
        key.kind,
        key.as_of,
        key.window_years,
        key.scheme,
        key.facts_hash,
        key.beside_hash
    )
    .fetch_optional(connection)
    .await?)
}

/// Opens a draft run; answers its number.
pub async fn open(write: &mut Write, key: &RunKey, rules: &RulesText) -> Result<i64, StoreError> {
    let revision = write.revision;
    sqlx::query!(
        "insert into review_scheme (hash, name, title_zh, title_en, source) values ($1, $2, $3, $4, $5)
         on conflict (hash) do nothing",
        rules.hash,
        rules.name,
        rules.title_zh,
        rules.title_en,
        rules.source
    )
    .execute(write.connection())
    .await?;
    Ok(sqlx::query_scalar!(
        "insert into review_run (kind, as_of, window_years, scheme, facts_hash, beside_hash, state, revision, attempt)
         select $1, $2, $3, $4, $5, $7, 'draft', $6, coalesce(max(attempt), 0) + 1 from review_run
         where kind = $1 and as_of = $2 and window_years = $3 and scheme = $4 and facts_hash = $5
         returning id",
        key.kind,
        key.as_of,
        key.window_years,
        key.scheme,
        key.facts_hash,
        revision,
        key.beside_hash
    )
    .fetch_one(write.connection())
    .await?)
}

/// Results of a run in the form in which they are added to it.
pub fn rows<'a>(run: i64, results: impl Iterator<Item = ResultRow<'a>>) -> Rows {
    let mut rows = Rows::default();
    for result in results {
        rows.bare_row()
            .value(&run)
            .text(result.parcel)
            .text(result.grade.name())
            .optional_number(result.score)
            .optional(result.rank.and_then(|rank| i32::try_from(rank).ok()).as_ref())
            .optional(result.peers_ahead.and_then(|ahead| i32::try_from(ahead).ok()).as_ref())
            .optional_text(result.list)
            .text(result.outcome)
            .text(result.receipt)
            .text(result.receipt_hash)
            .end();
    }
    rows
}

/// Adds results to a run; called as often as the caller likes to cut them.
pub async fn add(write: &mut Write, results: &Rows) -> Result<(), StoreError> {
    let target =
        "review_result (run_id, parcel, grade, score, rank, peers_ahead, list, outcome, receipt, receipt_hash)";
    copy::send(write.connection(), target, results.bytes()).await
}

/// A run as it is listed.
#[derive(Debug, Clone)]
pub struct Run {
    /// Its number.
    pub id: i64,
    /// round or calendar.
    pub kind: String,
    /// The day it judges.
    pub as_of: NaiveDate,
    /// How many years it looks at.
    pub window_years: i32,
    /// Name and version of its scheme.
    pub scheme: String,
    /// Hash of scheme, decision table and rulebook together: what tells two schemes of one name apart.
    pub rules_hash: String,
    /// Title of its scheme in Chinese.
    pub title_zh: String,
    /// Title of its scheme in English.
    pub title_en: String,
    /// Its state.
    pub state: String,
    /// The revision that stored it.
    pub revision: i64,
}

impl Run {
    /// Whether it says of the whole city what stands: a round that was not cancelled. A run of kind calendar is about those
    /// alone whose review is due.
    pub fn shows_the_city(&self) -> bool {
        self.kind == "round" && self.state != "cancelled"
    }
}

/// All runs, the newest first.
pub async fn list(connection: &mut PgConnection) -> Result<Vec<Run>, StoreError> {
    Ok(sqlx::query_as!(
        Run,
        r#"select r.id, r.kind, r.as_of, r.window_years, s.name as scheme, s.hash as rules_hash, s.title_zh, s.title_en,
             review_state(r.id) as "state!", r.revision
         from review_run r join review_scheme s on s.hash = r.scheme order by r.id desc"#
    )
    .fetch_all(connection)
    .await?)
}

/// The run that maps and dossiers show: of the newest day, the last round made that was not cancelled.
pub async fn newest(connection: &mut PgConnection) -> Result<Option<Run>, StoreError> {
    Ok(list(connection).await?.into_iter().filter(Run::shows_the_city).max_by_key(|run| (run.as_of, run.id)))
}

/// The round that was newest at a moment: of a day not after it, stored by then, and not cancelled by then.
pub async fn newest_at(connection: &mut PgConnection, moment: &Moment) -> Result<Option<Run>, StoreError> {
    Ok(sqlx::query_as!(
        Run,
        r#"select r.id, r.kind, r.as_of, r.window_years, s.name as scheme, s.hash as rules_hash, s.title_zh, s.title_en,
             review_state(r.id, $2) as "state!", r.revision
         from review_run r join review_scheme s on s.hash = r.scheme join revision v on v.id = r.revision
         where r.kind = 'round' and r.as_of <= $1 and v.recorded_at <= coalesce($2::timestamptz, 'infinity')
             and review_state(r.id, $2) <> 'cancelled'
         order by r.as_of desc, r.id desc limit 1"#,
        moment.valid_at,
        moment.known_at
    )
    .fetch_optional(connection)
    .await?)
}

/// How many parcels of a run have each grade, and how many are on each list, as they stand after what was judged again.
pub async fn counts(connection: &mut PgConnection, run: i64) -> Result<Vec<(String, Option<String>, i64)>, StoreError> {
    let rows = sqlx::query!(
        r#"select grade as "grade!", list, count(*) as "count!" from review_standing($1, null) group by 1, 2 order by 1, 2"#,
        run
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.grade, row.list, row.count)).collect())
}

/// The receipt of a parcel in a run as it was kept when the run was made, with its hash.
pub async fn receipt(
    connection: &mut PgConnection,
    run: i64,
    parcel: &str,
) -> Result<Option<(String, String)>, StoreError> {
    Ok(sqlx::query!("select receipt, receipt_hash from review_result where run_id = $1 and parcel = $2", run, parcel)
        .fetch_optional(connection)
        .await?
        .map(|row| (row.receipt, row.receipt_hash)))
}

/// The receipt of a parcel in a run as it stands, which is the later one where an objection was upheld, with its hash.
pub async fn standing(
    connection: &mut PgConnection,
    run: i64,
    parcel: &str,
) -> Result<Option<(String, String)>, StoreError> {
    let found = sqlx::query!(
        r#"select receipt as "receipt!", receipt_hash as "hash!" from review_standing($1, null) where parcel = $2"#,
        run,
        parcel
    );
    Ok(found.fetch_optional(connection).await?.map(|row| (row.receipt, row.hash)))
}
