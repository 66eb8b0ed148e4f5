//! What the rules on entry look at, read in one moment: where the land stands, which park it lies in, what peers gave.

use super::{StoreError, review, write};
use crate::domain::entry::{Park, Place, Published};
use crate::domain::zoning::Tier;
use chrono::NaiveDate;
use sqlx::Acquire as _;
use sqlx::postgres::PgPool;

/// A parcel as it is law on a day, with what entry depends on.
#[derive(Debug, Clone)]
pub struct Land {
    /// The revision it was read at.
    pub revision: i64,
    /// Where it stands.
    pub place: Place,
    /// The newest published review by that day, with the peers of the industry and the tier.
    pub published: Option<Published>,
}

/// Reads a parcel; nothing where it is not law on the day.
pub async fn read(
    pool: &PgPool,
    code: &str,
    industry: &str,
    day: NaiveDate,
    deciding_share: f64,
) -> Result<Option<Land>, StoreError> {
    let mut connection = pool.acquire().await?;
    let mut tx = connection.begin().await?;
    sqlx::raw_sql("set transaction isolation level repeatable read, read only").execute(&mut *tx).await?;
    let revision = write::head(&mut tx).await?;
    let found = sqlx::query!(
        r#"select t.tier as "tier!", v.park, k.name as "park_name?", k.leading_industries as "leading_industries?",
               exists (select from zone_version z where upper_inf(z.recorded) and z.valid @> $2::date) as "plan_is_known!"
           from parcel p
           join parcel_version v on v.parcel_id = p.id and upper_inf(v.recorded) and v.valid @> $2::date
           join lateral parcel_tier_at($2::date, $3, null, v.geom) t on t.parcel_id = p.id
           left join park k on k.code = v.park
           where p.code = $1"#,
        code,
        day,
        deciding_share
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(found) = found else { return Ok(None) };
    let tier = Tier::parse(&found.tier).ok_or_else(|| StoreError::Value {
        table: "parcel_tier_at",
        column: "tier",
        row: code.to_owned(),
        value: found.tier.clone(),
    })?;
    let published = review::publication::peers(&mut tx, day, industry, tier).await?;
    tx.commit().await?;
    let (name, leading_industries) = (found.park_name, found.leading_industries.unwrap_or_default());
    let park = found.park.map(|code| Park { code, name, leading_industries });
    let place = Place { tier: found.plan_is_known.then_some(tier), park };
    Ok(Some(Land { revision, place, published }))
}
