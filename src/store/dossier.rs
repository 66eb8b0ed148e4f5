//! Everything the register knows, or knew, of one parcel, read in one moment.

use super::amendment::{Amendment, amendments};
use super::geometry::from_wkb;
use super::lifecycle::Stay;
use super::lineage::family::{self, Lineage};
use super::performance::{self, ParcelYear};
use super::review::Run;
use super::{StoreError, clock, lifecycle, write};
use crate::domain::contract::agenda::Watched;
use crate::domain::moment::Moment;
use crate::domain::plot_ratio::FloorUse;
use crate::domain::quantity::SquareMetres;
use crate::domain::review::calendar::{Known, in_force};
use chrono::{DateTime, NaiveDate, Utc};
use geo_types::MultiPolygon;
use rust_decimal::prelude::ToPrimitive as _;
use sqlx::postgres::PgPool;
use sqlx::{Acquire, PgConnection};
use std::ops::RangeInclusive;

/// The file of one parcel.
#[derive(Debug, Clone)]
pub struct Dossier {
    /// The revision it was read at.
    pub revision: i64,
    /// The day of which it speaks: that of the moment, or the nearest on which the parcel was law.
    pub day: NaiveDate,
    /// The parcel as it is law on the day; where it is none on that day, as it last was or first will be.
    pub parcel: Parcel,
    /// All its versions, the newest first.
    pub versions: Vec<Version>,
    /// The zones it lies in.
    pub zones: Vec<Zone>,
    /// What stands on it.
    pub buildings: Buildings,
    /// Its contracts, the newest first.
    pub contracts: Vec<Contract>,
    /// The same contracts with everything in them that has a clock.
    pub watched: Vec<Watched>,
    /// What was done of the reviews of the contract by which it is held.
    pub reviews_done: Known,
    /// The states it went through in its life.
    pub life: Vec<Stay>,
    /// Who uses it.
    pub occupancies: Vec<Occupancy>,
    /// The yearly figures that reached it, in order.
    pub figures: Vec<ParcelYear>,
    /// The parcels that it came from and those that came from it.
    pub lineage: Option<Lineage>,
    /// What each run found, the newest last.
    pub verdicts: Vec<Verdict>,
    /// The newest run.
    pub run: Option<Run>,
}

/// The parcel.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns are described in the migrations")]
pub struct Parcel {
    pub code: String,
    pub district: String,
    pub district_name: Option<String>,
    pub park: Option<String>,
    pub park_name: Option<String>,
    pub tier: String,
    pub locked: bool,
    pub land_use: String,
    pub land_use_scheme: String,
    pub registered_area_m2: Option<f64>,
    pub area_m2: f64,
    pub plot_ratio_allowed: Option<f64>,
    pub address: Option<String>,
    pub valid_from: Option<NaiveDate>,
    pub valid_to: Option<NaiveDate>,
    pub shape: MultiPolygon<f64>,
}

/// A version of the parcel.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns are described in the migrations")]
pub struct Version {
    pub valid_from: Option<NaiveDate>,
    pub valid_to: Option<NaiveDate>,
    pub recorded_from: DateTime<Utc>,
    pub recorded_to: Option<DateTime<Utc>>,
}

/// A zone that it lies in.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns are described in the migrations")]
pub struct Zone {
    pub code: String,
    pub name: String,
    pub tier: String,
    pub locked: bool,
    /// Share of the parcel's land inside the zone, 0 to 1.
    pub share: f64,
}

/// The sums over its buildings and its parts of buildings.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "the columns are described in the migrations")]
pub struct Buildings {
    pub count: i64,
    pub footprint_m2: Option<f64>,
    pub floor_area_m2: Option<f64>,
    pub used_floor_area_m2: Option<f64>,
    /// Use and emptiness as far as told, and what is left unexplained.
    pub floor_use: Option<FloorUse>,
}

/// A contract.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns are described in the migrations")]
pub struct Contract {
    pub number: String,
    pub kind: String,
    pub holder: Option<String>,
    pub holder_name: Option<String>,
    pub signed_on: NaiveDate,
    pub term_starts_on: NaiveDate,
    pub term_ends_on: Option<NaiveDate>,
    pub price_wan_yuan: Option<f64>,
    pub plot_ratio_low: Option<f64>,
    pub plot_ratio_high: Option<f64>,
    pub performance_terms: bool,
    pub responsible_unit: Option<String>,
    pub supplements: Option<String>,
    /// The day of the event that began it as a copy of the contract it names, which it takes over.
    pub taken_over_on: Option<NaiveDate>,
    /// The supplementary contracts whose newest terms stand here, the oldest first.
    pub amended_by: Vec<String>,
    /// The supplement by which a lease became a grant.
    pub granted_by: Option<String>,
    pub granted_on: Option<NaiveDate>,
    /// The first day of the term of that grant.
    pub granted_from: Option<NaiveDate>,
    pub deposit_wan_yuan: Option<f64>,
    pub developed_percent: Option<f64>,
    pub invested_percent: Option<f64>,
    pub suspended_on: Option<NaiveDate>,
    pub recorded_at: DateTime<Utc>,
}

impl Contract {
    /// Takes the terms that its supplements state.
    fn amend(&mut self, by: Amendment) {
        self.term_ends_on = by.term_ends_on.or(self.term_ends_on);
        self.price_wan_yuan = by.price_wan_yuan.and_then(|price| price.to_f64()).or(self.price_wan_yuan);
        self.plot_ratio_low = by.plot_ratio_low.or(self.plot_ratio_low);
        self.plot_ratio_high = by.plot_ratio_high.or(self.plot_ratio_high);
        self.performance_terms |= by.performance_terms;
        self.responsible_unit = by.responsible_unit.or(self.responsible_unit.take());
        self.amended_by = by.by_numbers;
        (self.granted_by, self.granted_on, self.granted_from) = (by.granted_by, by.granted_on, by.granted_from);
    }
}

/// A use of its floor area.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns are described in the migrations")]
pub struct Occupancy {
    pub enterprise: String,
    pub name: String,
    pub industry: Option<String>,
    pub role: String,
    pub floor_area_m2: f64,
    pub from_on: NaiveDate,
    pub to_on: Option<NaiveDate>,
    pub tax_is_local: bool,
}

/// What a run found.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns are described in the migrations")]
pub struct Verdict {
    pub run_id: i64,
    pub as_of: NaiveDate,
    pub grade: String,
}

/// The dossier of a parcel at a moment; nothing where the register had no such parcel. For another moment than now the
/// tier is worked out anew, with the share of the land that decides, given with whether it is now that is asked about. A storey higher than `tall_storey_m` counts twice; the
/// figures are those of `years`.
pub async fn read(
    pool: &PgPool,
    code: &str,
    moment: &Moment,
    (tier_share, is_now): (f64, bool),
    tall_storey_m: Option<f64>,
    years: RangeInclusive<i32>,
) -> Result<Option<Dossier>, StoreError> {
    let known_at = moment.known_at;
    let mut connection = pool.acquire().await?;
    let mut tx = connection.begin().await?;
    sqlx::raw_sql("set transaction isolation level repeatable read, read only").execute(&mut *tx).await?;
    let revision = write::head_at(&mut tx, known_at).await?;
    let Some((id, version, mut parcel)) = parcel(&mut tx, code, moment).await? else { return Ok(None) };
    // Of land that is not law on the day, the file is shown as it was on its last day, or will be on its first.
    let day = match (parcel.valid_from, parcel.valid_to) {
        (_, Some(end)) if end <= moment.valid_at => end.pred_opt().unwrap_or(end),
        (Some(start), _) if moment.valid_at < start => start,
        _ => moment.valid_at,
    };
    // What parcel_place keeps is today's; of any other day the tier is worked out.
    if !is_now || day != moment.valid_at {
        let then = sqlx::query!(
            r#"select t.tier as "tier!", t.locked as "locked!"
               from parcel_version v cross join lateral parcel_tier_at($2, $3, $4, v.geom) t
               where v.id = $1 and t.parcel_id = v.parcel_id"#,
            version,
            day,
            tier_share,
            known_at
        )
        .fetch_optional(&mut *tx)
        .await?;
        (parcel.tier, parcel.locked) =
            then.map_or_else(|| ("fragmented".to_owned(), false), |then| (then.tier, then.locked));
    }
    let versions = sqlx::query_as!(
        Version,
        r#"select lower(valid) as valid_from, upper(valid) as valid_to, lower(recorded) as "recorded_from!",
               case when upper(recorded) <= coalesce($2::timestamptz, 'infinity') then upper(recorded) end as recorded_to
           from parcel_version where parcel_id = $1 and lower(recorded) <= coalesce($2::timestamptz, 'infinity')
           order by lower(recorded) desc, lower(valid) desc nulls last"#,
        id,
        known_at
    )
    .fetch_all(&mut *tx)
    .await?;
    let zones = sqlx::query_as!(
        Zone,
        r#"select z.code, z.name, z.tier, z.locked,
               case when st_coveredby(v.geom, z.geom) then 1.0
                    else least(1.0, st_area(st_intersection(v.geom, z.geom)::geography) / v.area_m2) end as "share!"
           from parcel_version v
           join zone_version z on z.recorded @> coalesce($3::timestamptz, 'infinity') and z.valid @> $2::date
               and st_intersects(v.geom, z.geom)
           where v.id = $1
           order by 5 desc, z.code"#,
        version,
        day,
        known_at
    )
    .fetch_all(&mut *tx)
    .await?;
    let buildings = sqlx::query!(
        r#"select buildings as "count!", footprint_m2, floor_m2 as "floor_m2!", used_m2 as "used_m2!",
               vacant_m2 as "vacant_m2!", use_is_known as "use_is_known!"
           from parcel_floor($2, $3) where parcel_id = $1"#,
        id,
        tall_storey_m,
        known_at
    )
    .fetch_optional(&mut *tx)
    .await?
    .map_or_else(Buildings::default, |row| Buildings {
        count: row.count,
        footprint_m2: row.footprint_m2,
        floor_area_m2: Some(row.floor_m2),
        used_floor_area_m2: row.use_is_known.then_some(row.used_m2),
        floor_use: Some(FloorUse {
            built: SquareMetres(row.floor_m2),
            used: SquareMetres(row.used_m2),
            vacant: SquareMetres(row.vacant_m2),
        }),
    });
    let mut contracts = sqlx::query_as!(
        Contract,
        r#"select c.number, c.kind, c.holder, e.name as "holder_name?", c.signed_on, c.term_starts_on, c.term_ends_on,
               c.price_wan_yuan::float8 as price_wan_yuan, c.plot_ratio_low, c.plot_ratio_high, c.performance_terms,
               c.responsible_unit, c.supplements,
               (select e.on_date from parcel p join lineage_duty u on u.to_parcel = p.id join lineage_event e on e.id = u.event
                where p.code = c.parcel and u.thing = 'contract' and u.to_number = c.number and u.from_number = c.supplements
                limit 1) as taken_over_on,
               array[]::text[] as "amended_by!", null::text as granted_by, null::date as granted_on, null::date as granted_from,
               c.deposit_wan_yuan::float8 as deposit_wan_yuan, c.developed_percent,
               c.invested_percent, c.suspended_on, lower(c.recorded) as "recorded_at!"
           from contract c
           left join enterprise e on e.code = c.holder and e.recorded @> coalesce($2::timestamptz, 'infinity')
           where c.parcel = $1 and c.recorded @> coalesce($2::timestamptz, 'infinity') and c.valid @> $3::date
           order by c.signed_on desc, c.number desc"#,
        code,
        known_at,
        day
    )
    .fetch_all(&mut *tx)
    .await?;
    let then = Moment { valid_at: day, known_at };
    for by in amendments(&mut tx, &then, Some(&[code.to_owned()])).await? {
        if let Some(contract) = contracts.iter_mut().find(|one| one.number == by.number) {
            contract.amend(by);
        }
    }
    let watched = clock::read(&mut tx, &then, Some(&[code.to_owned()])).await?;
    let held = in_force(&watched, day).first().map(|terms| terms.contract.number.clone());
    let reviews_done = match held {
        Some(contract) => super::review::calendar::done(&mut tx, Some(&contract), known_at)
            .await?
            .remove(&contract)
            .unwrap_or_default(),
        None => Known::new(),
    };
    let life = lifecycle::life(&mut tx, code, moment).await?;
    let mut lineage = family::of(&mut tx, code).await?;
    if let (Some(lineage), Some(known_at)) = (&mut lineage, known_at) {
        lineage.events.retain(|event| event.recorded_at <= known_at);
    }
    let occupancies = sqlx::query_as!(
        Occupancy,
        // Each use once, whole, as its version of the day tells it; else the last before the day, else the first.
        r#"select u.enterprise as "enterprise!", u.name as "name!", u.industry, u.role as "role!",
               u.floor_area_m2 as "floor_area_m2!", u.began_on as "from_on!", u.ends_on as to_on,
               u.tax_is_local as "tax_is_local!"
           from (
               select distinct on (o.enterprise, o.role, o.began_on) o.*, e.name, e.industry,
                   nullif(max(coalesce(o.to_on, 'infinity')) over whole, 'infinity') as ends_on
               from occupancy o
               join enterprise e on e.code = o.enterprise and e.recorded @> coalesce($2::timestamptz, 'infinity')
               where o.parcel = $1 and o.recorded @> coalesce($2::timestamptz, 'infinity')
               window whole as (partition by o.enterprise, o.role, o.began_on)
               order by o.enterprise, o.role, o.began_on, o.valid @> $3::date desc, o.from_on <= $3 desc,
                   case when o.from_on <= $3 then o.from_on end desc, o.from_on) u
           order by u.floor_area_m2 desc, u.enterprise, u.began_on"#,
        code,
        known_at,
        day
    )
    .fetch_all(&mut *tx)
    .await?;
    let verdicts = sqlx::query_as!(
        Verdict,
        r#"select r.run_id, n.as_of, coalesce(l.grade, r.grade) as "grade!"
           from review_result r join review_run n on n.id = r.run_id join revision v on v.id = n.revision
           left join lateral (
               select grade from review_rerun l join revision w on w.id = l.revision
               where l.run_id = r.run_id and l.parcel = r.parcel and w.recorded_at <= coalesce($2::timestamptz, 'infinity')
               order by l.revision desc limit 1) l on true
           where r.parcel = $1 and v.recorded_at <= coalesce($2::timestamptz, 'infinity')
               and review_state(n.id, $2) <> 'cancelled'
               and (n.kind = 'round' or exists (select from review_due d where d.run_id = n.id and d.parcel = r.parcel))
           order by n.as_of, r.run_id"#,
        code,
        known_at
    )
    .fetch_all(&mut *tx)
    .await?;
    let figures = performance::of_parcel(&mut tx, code, moment, years).await?;
    let run = super::review::newest_at(&mut tx, moment).await?;
    tx.commit().await?;
    Ok(Some(Dossier {
        revision,
        day,
        parcel,
        versions,
        zones,
        buildings,
        contracts,
        watched,
        reviews_done,
        life,
        occupancies,
        figures,
        lineage,
        verdicts,
        run,
    }))
}

/// The parcel with its number and that of the version shown: the one that is law on the day, else the last that was,
/// else the first that will be.
async fn parcel(
    connection: &mut PgConnection,
    code: &str,
    moment: &Moment,
) -> Result<Option<(i64, i64, Parcel)>, StoreError> {
    let row = sqlx::query!(
        r#"select p.id, v.id as version, p.code, v.district, d.name as "district_name?", v.park, k.name as "park_name?",
               coalesce(l.tier, 'fragmented') as "tier!", coalesce(l.locked, false) as "locked!", v.land_use,
               v.land_use_scheme, v.registered_area_m2::float8 as registered_area_m2, v.area_m2, v.plot_ratio_allowed,
               v.address, lower(v.valid) as valid_from, upper(v.valid) as valid_to, st_asbinary(v.geom, 'NDR') as "wkb!"
           from parcel p
           join parcel_version v on v.parcel_id = p.id and v.recorded @> coalesce($3::timestamptz, 'infinity')
           left join district d on d.code = v.district
           left join park k on k.code = v.park
           left join parcel_place l on l.parcel_id = p.id
           where p.code = $1
           order by v.valid @> $2::date desc, upper(v.valid) <= $2::date desc nulls last,
               case when upper(v.valid) <= $2::date then upper(v.valid) end desc, lower(v.valid)
           limit 1"#,
        code,
        moment.valid_at,
        moment.known_at
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        let shape = from_wkb(&row.wkb).ok_or_else(|| StoreError::Value {
            table: "parcel_version",
            column: "geom",
            row: row.code.clone(),
            value: "no polygon".to_owned(),
        })?;
        let parcel = Parcel {
            code: row.code,
            district: row.district,
            district_name: row.district_name,
            park: row.park,
            park_name: row.park_name,
            tier: row.tier,
            locked: row.locked,
            land_use: row.land_use,
            land_use_scheme: row.land_use_scheme,
            registered_area_m2: row.registered_area_m2,
            area_m2: row.area_m2,
            plot_ratio_allowed: row.plot_ratio_allowed,
            address: row.address,
            valid_from: row.valid_from,
            valid_to: row.valid_to,
            shape,
        };
        Ok((row.id, row.version, parcel))
    })
    .transpose()
}
