//! What an explanation takes beside a receipt: how the parcel stands among its peers, the text of the rules, and who holds the
//! last place of a grade.

use crate::store::StoreError;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// A result of a run with the rules that gave it.
#[derive(Debug, Clone)]
pub struct Held {
    /// Canonical receipt.
    pub receipt: String,
    /// Its hash.
    pub receipt_hash: String,
    /// The objection because of which the parcel was judged again.
    pub objection: Option<i64>,
    /// The state of the run.
    pub state: String,
    /// How many of its peers score higher; nothing in a run that did not keep it, and of what was judged again.
    pub peers_ahead: Option<i32>,
    /// Title of the scheme in Chinese.
    pub title_zh: String,
    /// In English.
    pub title_en: String,
    /// Hash of the rules.
    pub rules_hash: String,
    /// Their text.
    pub rules: String,
}

/// The result of a parcel in a run as it stands, now or as known at a time.
pub async fn held(
    connection: &mut PgConnection,
    run: i64,
    parcel: &str,
    known_at: Option<DateTime<Utc>>,
) -> Result<Option<Held>, StoreError> {
    Ok(sqlx::query_as!(
        Held,
        r#"select v.receipt as "receipt!", v.receipt_hash as "receipt_hash!", v.objection_id as objection,
               review_state(r.id, $3) as "state!", case when v.objection_id is null then t.peers_ahead end as peers_ahead,
               s.title_zh, s.title_en, s.hash as rules_hash, s.source as rules
           from review_standing($1, $3) v join review_result t on t.run_id = $1 and t.parcel = v.parcel
           join review_run r on r.id = t.run_id join review_scheme s on s.hash = r.scheme
           where v.parcel = $2"#,
        run,
        parcel,
        known_at
    )
    .fetch_optional(connection)
    .await?)
}

/// Among whom a rank is counted.
#[derive(Debug, Clone, Default)]
pub struct Among<'a> {
    /// The part of the scheme.
    pub part: &'a str,
    /// The district, where it matters.
    pub district: Option<&'a str>,
    /// The peer group, where it matters.
    pub peer_group: Option<&'a str>,
}

/// The score and the code of the last that has at most this rank; of parcels judged as one, the first stands for all.
pub async fn last(
    connection: &mut PgConnection,
    run: i64,
    rank: u32,
    among: &Among<'_>,
) -> Result<Option<(f64, String)>, StoreError> {
    // Down the ranks until one fits, which is the first of a handful; asked in one step, the receipts of all ranks above
    // are opened first, which takes seconds in a large city.
    let row = sqlx::query!(
        r#"select t.parcel, t.score as "score!"
           from (select parcel, score, receipt from review_result where run_id = $1 and rank <= $2
                 order by rank desc, parcel collate "C" desc offset 0) t
           where coalesce(t.receipt::jsonb ->> 'part', '') = $3
               and coalesce(t.receipt::jsonb #>> '{holder,parcels,0}', t.parcel) = t.parcel
               and ($4::text is null or t.receipt::jsonb #>> '{facts,district}' = $4)
               and ($5::text is null or t.receipt::jsonb ->> 'peer_group' = $5)
           limit 1"#,
        run,
        i32::try_from(rank).unwrap_or(i32::MAX),
        among.part,
        among.district,
        among.peer_group
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| (row.score, row.parcel)))
}

/// What codes are called.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// The district.
    pub district: Option<String>,
    /// The park.
    pub park: Option<String>,
    /// The enterprise, as it is known now.
    pub enterprise: Option<String>,
}

/// The names of a district, a park and an enterprise, where the register has them.
pub async fn names(
    connection: &mut PgConnection,
    district: &str,
    park: Option<&str>,
    enterprise: Option<&str>,
) -> Result<Names, StoreError> {
    Ok(sqlx::query_as!(
        Names,
        r#"select (select name from district where code = $1) as district, (select name from park where code = $2) as park,
             (select name from enterprise where code = $3 and upper_inf(recorded)) as enterprise"#,
        district,
        park,
        enterprise
    )
    .fetch_one(connection)
    .await?)
}
