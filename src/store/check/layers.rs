//! Areas of the plan that lie on one another within a layer.

use super::{Found, Row, found};
use crate::store::StoreError;
use chrono::NaiveDate;
use sqlx::PgConnection;

/// Areas of a layer that lie on one another today by more than so many m².
macro_rules! overlapping_areas {
    ($connection:expr, $table:tt, $day:expr, $allowed:expr) => {{
        let rows = sqlx::query_as!(
            Row,
            r#"select a.code as "key!", b.code as other, st_area(i.geom::geography) as figure,
                   st_x(st_pointonsurface(i.geom)) as lon, st_y(st_pointonsurface(i.geom)) as lat,
                   st_asbinary(i.geom, 'NDR') as wkb
               from "#
                + $table
                + r#" a join "#
                + $table
                + r#" b on a.geom && b.geom and a.code < b.code and upper_inf(b.recorded) and b.valid @> $1::date
               cross join lateral (
                   select case when st_relate(a.geom, b.geom, 'T********')
                       then st_multi(st_collectionextract(st_intersection(a.geom, b.geom), 3)) end as geom) i
               where upper_inf(a.recorded) and a.valid @> $1::date and st_area(i.geom::geography) > $2
               order by a.code collate "C", b.code collate "C""#,
            $day,
            $allowed
        );
        Ok(found(rows.fetch_all($connection).await?))
    }};
}

/// Zones of the day that lie on one another by more than so many m²: their tiers would share out more than the land.
pub async fn overlapping_zones(
    connection: &mut PgConnection,
    day: NaiveDate,
    allowed: f64,
) -> Result<Vec<Found>, StoreError> {
    overlapping_areas!(connection, "zone_version", day, allowed)
}

/// The same of planning units: land in two of them has two lists of permitted uses.
pub async fn overlapping_plan_units(
    connection: &mut PgConnection,
    day: NaiveDate,
    allowed: f64,
) -> Result<Vec<Found>, StoreError> {
    overlapping_areas!(connection, "plan_unit_version", day, allowed)
}
