//! The yearly evaluation of parks: evaluations with a receipt for each park; what they look at is frozen in `facts`, what
//! became of them and of the parks is in `life`.

pub mod facts;
pub mod life;

use super::StoreError;
use super::write::Write;
use crate::domain::park_evaluation::receipt::ParkReceipt;
use chrono::NaiveDate;
use sqlx::PgConnection;

/// What names an evaluation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvaluationKey {
    /// The year.
    pub year: i32,
    /// The day whose law and land it looks at.
    pub as_of: NaiveDate,
    /// Hash of the kept text of the scheme.
    pub scheme: String,
    /// Hash of the facts.
    pub facts_hash: String,
}

/// The scheme of an evaluation, as it is kept.
#[derive(Debug, Clone)]
pub struct SchemeText {
    /// Hash of the source.
    pub hash: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The kept text.
    pub source: String,
}

/// An evaluation as it is listed.
#[derive(Debug, Clone)]
pub struct ListedEvaluation {
    /// Its number.
    pub id: i64,
    /// The year.
    pub year: i32,
    /// The day whose law and land it looks at.
    pub as_of: NaiveDate,
    /// Name of its scheme.
    pub scheme_name: String,
    /// Version of its scheme.
    pub scheme_version: String,
    /// Hash of the kept text of the scheme.
    pub rules_hash: String,
    /// Hash of the facts.
    pub facts_hash: String,
    /// The review of parcels out of which the grades are.
    pub review_run: Option<i64>,
    /// draft, published or cancelled.
    pub state: String,
    /// Who made it, without the way in.
    pub made_by: String,
    /// The revision that stored it.
    pub revision: i64,
    /// How many parks it looked at.
    pub parks: i64,
    /// Who published it or gave it up, without the way in.
    pub step_by: Option<String>,
    /// The legal day of that.
    pub step_on: Option<NaiveDate>,
    /// The announcement, or why it was given up.
    pub document: Option<String>,
}

impl ListedEvaluation {
    /// Name and version of its scheme together.
    pub fn label(&self) -> String {
        format!("{}@{}", self.scheme_name, self.scheme_version)
    }
}

/// A receipt as it is kept.
#[derive(Debug, Clone)]
pub struct ParkPaper {
    /// Code of the park.
    pub park: String,
    /// Canonical receipt.
    pub receipt: String,
    /// The hash kept beside it.
    pub receipt_hash: String,
}

/// The evaluation of that name that was not given up, if there is one.
pub async fn find(connection: &mut PgConnection, key: &EvaluationKey) -> Result<Option<i64>, StoreError> {
    Ok(sqlx::query_scalar!(
        "select id from park_evaluation
         where year = $1 and as_of = $2 and scheme = $3 and facts_hash = $4 and park_evaluation_state(id) <> 'cancelled'",
        key.year,
        key.as_of,
        key.scheme,
        key.facts_hash
    )
    .fetch_optional(connection)
    .await?)
}

/// Keeps an evaluation as a draft; answers its number.
pub async fn keep(
    write: &mut Write,
    key: &EvaluationKey,
    scheme: &SchemeText,
    results: &[(ParkReceipt, String, String)],
) -> Result<i64, StoreError> {
    let revision = write.revision;
    sqlx::query!(
        "insert into park_scheme (hash, name, version, source) values ($1, $2, $3, $4) on conflict (hash) do nothing",
        scheme.hash,
        scheme.name,
        scheme.version,
        scheme.source
    )
    .execute(write.connection())
    .await?;
    let id = sqlx::query_scalar!(
        "insert into park_evaluation (year, as_of, scheme, review_run, facts_hash, attempt, revision)
         select $1, $2, $3, $4, $5, coalesce(max(attempt), 0) + 1, $6 from park_evaluation
         where year = $1 and as_of = $2 and scheme = $3 and facts_hash = $5
         returning id",
        key.year,
        key.as_of,
        key.scheme,
        results.iter().find_map(|(receipt, ..)| receipt.review_run),
        key.facts_hash,
        revision
    )
    .fetch_one(write.connection())
    .await?;
    let column = |of: fn(&(ParkReceipt, String, String)) -> String| results.iter().map(of).collect::<Vec<String>>();
    let scores: Vec<Option<f64>> = results.iter().map(|(receipt, ..)| receipt.score).collect();
    let ranks: Vec<Option<i32>> =
        results.iter().map(|(it, ..)| it.rank.and_then(|rank| rank.try_into().ok())).collect();
    let stars: Vec<Option<i32>> = results.iter().map(|(receipt, ..)| receipt.stars.map(i32::from)).collect();
    sqlx::query!(
        "insert into park_result (evaluation, park, score, rank, stars, came_to, receipt, receipt_hash)
         select $1, * from unnest($2::text[], $3::float8[], $4::int[], $5::int[], $6::text[], $7::text[], $8::text[])",
        id,
        &column(|(receipt, ..)| receipt.facts.code.clone()),
        &scores as &[Option<f64>],
        &ranks as &[Option<i32>],
        &stars as &[Option<i32>],
        &column(|(receipt, ..)| receipt.came_to.name().to_owned()),
        &column(|(_, text, _)| text.clone()),
        &column(|(_, _, hash)| hash.clone())
    )
    .execute(write.connection())
    .await?;
    Ok(id)
}

/// All evaluations, the newest first.
pub async fn list(connection: &mut PgConnection) -> Result<Vec<ListedEvaluation>, StoreError> {
    Ok(sqlx::query_as!(
        ListedEvaluation,
        r#"select e.id, e.year, e.as_of, s.name as scheme_name, s.version as scheme_version, s.hash as rules_hash,
               e.facts_hash, e.review_run, park_evaluation_state(e.id) as "state!", person(v.actor) as "made_by!",
               e.revision, (select count(*) from park_result r where r.evaluation = e.id) as "parks!",
               person(p.actor) as step_by, p.on_date as "step_on?", p.document as "document?"
           from park_evaluation e join park_scheme s on s.hash = e.scheme join revision v on v.id = e.revision
           left join park_step p on p.evaluation = e.id
           order by e.id desc"#
    )
    .fetch_all(connection)
    .await?)
}

/// One evaluation; nothing where there is none of that number.
pub async fn read(connection: &mut PgConnection, id: i64) -> Result<Option<ListedEvaluation>, StoreError> {
    Ok(list(connection).await?.into_iter().find(|one| one.id == id))
}

/// The kept text of a scheme.
pub async fn scheme(connection: &mut PgConnection, hash: &str) -> Result<String, StoreError> {
    Ok(sqlx::query_scalar!("select source from park_scheme where hash = $1", hash).fetch_one(connection).await?)
}

/// The receipts of an evaluation in the order of codes.
pub async fn papers(connection: &mut PgConnection, id: i64) -> Result<Vec<ParkPaper>, StoreError> {
    Ok(sqlx::query_as!(
        ParkPaper,
        r#"select park, receipt, receipt_hash from park_result where evaluation = $1 order by park collate "C""#,
        id
    )
    .fetch_all(connection)
    .await?)
}
