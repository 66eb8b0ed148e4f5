//! What the rules on a rise look at, read in one moment: the parcel's plan and contract, and office and commercial plots
//! nearby.

use crate::domain::plot_ratio::rise::{ContractLimit, Neighbour, Procedure, SIMPLIFIED_PROCEDURE, SameArea};
use crate::domain::quantity::PlotRatio;
use crate::store::{StoreError, district_setting, write};
use chrono::NaiveDate;
use sqlx::Acquire as _;
use sqlx::postgres::PgPool;

/// A parcel as it is law on a day, with what a rise depends on.
#[derive(Debug, Clone)]
pub struct Land {
    /// The revision it was read at.
    pub revision: i64,
    /// Its district.
    pub district: String,
    /// Its use.
    pub land_use: String,
    /// The scheme of that code.
    pub land_use_scheme: String,
    /// The highest plot ratio of its plan condition.
    pub plan: Option<PlotRatio>,
    /// Whether neither building nor contract is on record.
    pub is_new: bool,
    /// What the contract agrees to.
    pub contract: Option<ContractLimit>,
    /// Which plots are of its area.
    pub same_area: SameArea,
    /// Office and commercial plots of its area that have a plan condition, the nearest first.
    pub neighbours: Vec<Neighbour>,
    /// What the district has set.
    pub procedure: Option<Procedure>,
}

/// How many neighbours are listed at most; the nearest count.
const MOST_NEIGHBOURS: i64 = 200;

/// Reads a parcel; nothing where it is not law on the day. `uses` are the schemes with the beginnings of their codes that
/// mean office and commerce, `within_m` is how far neighbours may lie where no planning unit holds the parcel, m.
pub async fn read(
    pool: &PgPool,
    code: &str,
    day: NaiveDate,
    uses: &[(&str, &str)],
    within_m: f64,
) -> Result<Option<Land>, StoreError> {
    let mut connection = pool.acquire().await?;
    let mut tx = connection.begin().await?;
    sqlx::raw_sql("set transaction isolation level repeatable read, read only").execute(&mut *tx).await?;
    let revision = write::head(&mut tx).await?;
    let found = sqlx::query!(
        r#"select p.id, v.district, v.land_use, v.land_use_scheme, v.plot_ratio_allowed,
               exists (select from building_part t where t.parcel_id = p.id and upper_inf(t.recorded)) as "is_built!"
           from parcel p
           join parcel_version v on v.parcel_id = p.id and upper_inf(v.recorded) and v.valid @> $2::date
           where p.code = $1"#,
        code,
        day
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(found) = found else { return Ok(None) };
    // The newest contract, or the newest of its supplements, and of theirs, that states a ratio.
    let contract = sqlx::query!(
        r#"with main as (
               select number, signed_on, plot_ratio_high
               from contract
               where parcel = $1 and upper_inf(recorded) and valid @> $2::date and signed_on <= $2
                   and not (supplements is not null and is_supplement(number, parcel, supplements))
               order by signed_on desc, number desc limit 1)
           select coalesce(s.number, m.number) as "number!", coalesce(s.signed_on, m.signed_on) as "signed_on!",
               coalesce(s.plot_ratio_high, m.plot_ratio_high) as plot_ratio_high
           from main m
           left join lateral (
               select c.number, c.signed_on, c.plot_ratio_high
               from contract_amendment($2, null, array[$1]) a
               cross join unnest(a.by_numbers) with ordinality b (number, nth)
               join contract c on c.number = b.number and upper_inf(c.recorded) and c.valid @> $2::date
               where a.number = m.number and c.plot_ratio_high is not null
               order by b.nth desc limit 1) s on true"#,
        code,
        day
    )
    .fetch_optional(&mut *tx)
    .await?;
    let (schemes, beginnings): (Vec<String>, Vec<String>) =
        uses.iter().map(|(scheme, beginning)| ((*scheme).to_owned(), (*beginning).to_owned())).unzip();
    // Of units that overlap, the smallest says the most.
    let unit = sqlx::query!(
        r#"select u.id, u.code, u.name
           from parcel_version h
           join plan_unit_version u on upper_inf(u.recorded) and u.valid @> $2::date
               and st_intersects(u.geom, st_pointonsurface(h.geom))
           where h.parcel_id = $1 and upper_inf(h.recorded) and h.valid @> $2::date
           order by st_area(u.geom::geography), u.code collate "C" limit 1"#,
        found.id,
        day
    )
    .fetch_optional(&mut *tx)
    .await?;
    // A degree of latitude is at least 110 km, one of longitude that much by the cosine: the box is never too small.
    let neighbours = sqlx::query!(
        r#"select p.code, v.land_use, v.plot_ratio_allowed as "allowed!",
               st_distance(v.geom::geography, h.geom::geography) as "distance_m!"
           from parcel_version h
           left join plan_unit_version u on u.id = $7
           join parcel_version v on v.parcel_id <> h.parcel_id and upper_inf(v.recorded) and v.valid @> $2::date
               and v.geom && coalesce(u.geom,
                   st_expand(h.geom, $3::float8 / (110000 * cos(radians(st_ymax(h.geom)))), $3::float8 / 110000))
               and case when u.id is null then st_dwithin(v.geom::geography, h.geom::geography, $3::float8)
                   else st_intersects(u.geom, st_pointonsurface(v.geom)) end
           join parcel p on p.id = v.parcel_id
           where h.parcel_id = $1 and upper_inf(h.recorded) and h.valid @> $2::date and v.plot_ratio_allowed is not null
               and exists (select from unnest($4::text[], $5::text[]) as u (scheme, beginning)
                   where u.scheme = v.land_use_scheme and starts_with(v.land_use, u.beginning))
           order by 4, p.code collate "C" limit $6"#,
        found.id,
        day,
        within_m,
        &schemes,
        &beginnings,
        MOST_NEIGHBOURS,
        unit.as_ref().map(|unit| unit.id)
    )
    .fetch_all(&mut *tx)
    .await?;
    let procedure = district_setting::on(&mut tx, &found.district, SIMPLIFIED_PROCEDURE, day).await?;
    tx.commit().await?;
    Ok(Some(Land {
        revision,
        is_new: contract.is_none() && !found.is_built,
        district: found.district,
        land_use: found.land_use,
        land_use_scheme: found.land_use_scheme,
        plan: found.plot_ratio_allowed.map(PlotRatio),
        contract: contract.map(|row| ContractLimit {
            number: row.number,
            signed_on: row.signed_on,
            high: row.plot_ratio_high.map(PlotRatio),
        }),
        same_area: unit
            .map_or(SameArea::Distance { within_m }, |unit| SameArea::PlanUnit { code: unit.code, name: unit.name }),
        neighbours: neighbours
            .into_iter()
            .map(|row| Neighbour {
                parcel: row.code,
                land_use: row.land_use,
                allowed: PlotRatio(row.allowed),
                distance_m: row.distance_m,
            })
            .collect(),
        procedure,
    }))
}
