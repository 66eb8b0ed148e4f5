//! Which runs were published, by whom, and what their peers gave on average.

use crate::domain::entry::{Mean, Published};
use crate::domain::review::indicator::Indicator;
use crate::domain::zoning::Tier;
use crate::store::StoreError;
use crate::store::write::Write;
use chrono::NaiveDate;
use sqlx::PgConnection;

/// A run on its way to publication.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Who made it, without the way in.
    pub made_by: String,
    /// Who would publish it, without the way in.
    pub publisher: String,
    /// Who published it already.
    pub published_by: Option<String>,
}

/// What there is to know before a run is published; nothing where there is no such run.
pub async fn draft(connection: &mut PgConnection, run: i64, actor: &str) -> Result<Option<Draft>, StoreError> {
    Ok(sqlx::query_as!(
        Draft,
        r#"select person(v.actor) as "made_by!", person($2) as "publisher!", p.published_by as "published_by?"
           from review_run r join revision v on v.id = r.revision left join review_publication p on p.run_id = r.id
           where r.id = $1"#,
        run,
        actor
    )
    .fetch_optional(connection)
    .await?)
}

/// Publishes a run.
pub async fn publish(write: &mut Write, run: i64, actor: &str) -> Result<(), StoreError> {
    let (revision, at) = (write.revision, write.recorded_at);
    sqlx::query!(
        "insert into review_publication (run_id, published_by, published_at, revision) values ($1, $2, $3, $4)",
        run,
        actor,
        at,
        revision
    )
    .execute(write.connection())
    .await?;
    Ok(())
}

/// Of the runs that were published by the end of a day in Shanghai, the one of the newest day not after it, with the means over
/// its judged parcels of a division and a tier; nothing where none was published. So a later publication changes no answer
/// about an earlier day.
pub async fn peers(
    connection: &mut PgConnection,
    day: NaiveDate,
    division: &str,
    tier: Tier,
) -> Result<Option<Published>, StoreError> {
    let run = sqlx::query!(
        "select r.id, r.as_of, p.published_by, p.published_at
         from review_publication p join review_run r on r.id = p.run_id
         where r.as_of <= $1 and (p.published_at at time zone 'Asia/Shanghai')::date <= $1
         order by r.as_of desc, r.id desc limit 1",
        day
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(run) = run else { return Ok(None) };
    // Receipts are canonical, so a look at the text spares most of them the parsing.
    let rows = sqlx::query!(
        r#"select i ->> 'key' as "key!", count(*) as "peers!",
               sum((i ->> 'value')::float8 order by r.parcel) / count(*) as "mean!"
           from review_result r
           cross join lateral jsonb_array_elements(r.receipt::jsonb -> 'indicators') i
           where r.run_id = $1 and r.grade <> 'T' and strpos(r.receipt, '"industry":"' || $2) > 0
               and starts_with(r.receipt::jsonb #>> '{facts,industry}', $2)
               and r.receipt::jsonb #>> '{facts,tier}' = $3
               and i ->> 'key' = any ($4::text[]) and i ->> 'value' is not null
           group by 1"#,
        run.id,
        division,
        tier.name(),
        &Indicator::ALL.map(|one| one.key().to_owned()).to_vec()
    )
    .fetch_all(connection)
    .await?;
    let means = rows
        .into_iter()
        .filter_map(|row| {
            let indicator = Indicator::ALL.into_iter().find(|one| one.key() == row.key)?;
            Some((indicator, Mean { value: row.mean, peers: row.peers.unsigned_abs() }))
        })
        .collect();
    Ok(Some(Published {
        run: run.id,
        as_of: run.as_of,
        published_by: run.published_by,
        published_at: run.published_at,
        division: division.to_owned(),
        means,
    }))
}
