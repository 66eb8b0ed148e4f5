//! What the rules on entry look at, read in one moment: where the land stands, which park it lies in, what peers gave.

use super::{StoreError, review, standing, write};
use crate::domain::entry::{Park, Published};
use crate::domain::moment::Moment;
use crate::domain::zoning::standing::{Rule, Standing};
use chrono::NaiveDate;
use geo_types::MultiPolygon;
use sqlx::postgres::PgPool;

/// A parcel as it is law on a day, with what entry depends on.
#[derive(Debug, Clone)]
pub struct Land {
    /// The revision it was read at.
    pub revision: i64,
    /// Where it stands.
    pub standing: Standing,
    /// Its shape, in longitude and latitude.
    pub shape: MultiPolygon<f64>,
    /// Its use.
    pub land_use: String,
    /// The scheme of that code.
    pub land_use_scheme: String,
    /// Its park; nothing outside all parks.
    pub park: Option<Park>,
    /// The newest review published by that day, with the peers of the division and the tier.
    pub published: Option<Published>,
}

/// Reads a parcel; nothing where it is not law on the day.
pub async fn read(
    pool: &PgPool,
    code: &str,
    division: &str,
    day: NaiveDate,
    rule: Rule,
) -> Result<Option<Land>, StoreError> {
    let mut tx = standing::hold(pool).await?;
    let revision = write::head(&mut tx).await?;
    let Some((standing, shape)) = standing::standing_of(&mut tx, code, Moment::on(day), rule).await? else {
        return Ok(None);
    };
    let found = sqlx::query!(
        r#"select v.land_use, v.land_use_scheme, v.park, k.name as "park_name?",
               k.leading_industries as "leading_industries?"
           from parcel p
           join parcel_version v on v.parcel_id = p.id and upper_inf(v.recorded) and v.valid @> $2::date
           left join park k on k.code = v.park
           where p.code = $1"#,
        code,
        day
    )
    .fetch_one(&mut *tx)
    .await?;
    let published = review::publication::peers(&mut tx, day, division, standing.tier).await?;
    tx.commit().await?;
    let (name, leading_industries) = (found.park_name, found.leading_industries.unwrap_or_default());
    let park = found.park.map(|code| Park { code, name, leading_industries });
    let (land_use, land_use_scheme) = (found.land_use, found.land_use_scheme);
    Ok(Some(Land { revision, standing, shape, land_use, land_use_scheme, park, published }))
}
