//! What published runs found on average: the peers of the newest, and the round before a new one.

use crate::domain::entry::{Mean, Published};
use crate::domain::review::benchmark::LastRound;
use crate::domain::review::indicator::Indicator;
use crate::domain::zoning::Tier;
use crate::store::StoreError;
use chrono::NaiveDate;
use sqlx::PgConnection;
use std::collections::BTreeMap;

/// Of the runs that were published by the end of a day in Shanghai, the one of the newest day not after it, with the means over
/// its judged parcels of a division and a tier; nothing where none was published. So a later publication changes no answer
/// about an earlier day, and a parcel judged again after an objection does not move what was published.
pub async fn peers(
    connection: &mut PgConnection,
    day: NaiveDate,
    division: &str,
    tier: Tier,
) -> Result<Option<Published>, StoreError> {
    let run = sqlx::query!(
        "select r.id, r.as_of, s.actor as published_by, s.recorded_at as published_at
         from review_step s join review_run r on r.id = s.run_id
         where s.deed = 'publish' and r.kind = 'round' and r.as_of <= $1 and (s.recorded_at at time zone 'Asia/Shanghai')::date <= $1
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

/// The means over the judged parcels of the published run of a kind with the newest day before this one, part by part;
/// nothing where none was published. A parcel judged again after an objection does not move them.
pub async fn last_round(
    connection: &mut PgConnection,
    kind: &str,
    day: NaiveDate,
) -> Result<Option<LastRound>, StoreError> {
    let run = sqlx::query!(
        "select r.id, r.as_of from review_run r
         where r.kind = $1 and r.as_of < $2
             and exists (select from review_step s where s.run_id = r.id and s.deed = 'publish')
         order by r.as_of desc, r.id desc limit 1",
        kind,
        day
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(run) = run else { return Ok(None) };
    // Summed as numeric, so that the mean does not depend on the order of the rows.
    let rows = sqlx::query!(
        r#"select coalesce(r.receipt::jsonb ->> 'part', '') as "part!", i ->> 'key' as "key!",
               round(avg((i ->> 'value')::numeric), 6)::float8 as "mean!"
           from review_result r
           cross join lateral jsonb_array_elements(r.receipt::jsonb -> 'indicators') i
           where r.run_id = $1 and r.grade <> 'T' and i ->> 'value' is not null
           group by 1, 2"#,
        run.id
    )
    .fetch_all(connection)
    .await?;
    let mut means: BTreeMap<String, BTreeMap<Indicator, f64>> = BTreeMap::new();
    for row in rows {
        if let Some(indicator) = Indicator::ALL.into_iter().find(|one| one.key() == row.key) {
            means.entry(row.part).or_default().insert(indicator, row.mean);
        }
    }
    Ok(Some(LastRound { run: run.id, as_of: run.as_of, means }))
}
