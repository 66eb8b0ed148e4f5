//! What the atlas is made of, read in one moment: the parcels of a day with their grades, and the areas.

use super::geometry::from_wkb;
use super::{StoreError, city, review, write};
use crate::domain::moment::Moment;
use crate::domain::review::grade::Grade;
use crate::domain::today::{Area, AreaKind, CityFacts, Parcel, RunFacts, Today};
use crate::domain::zoning::Tier;
use chrono::NaiveDate;
use sqlx::postgres::PgPool;
use sqlx::{Acquire, PgConnection};

/// The query for the parcels of a day with the grades of a run, written once for all of them and for some: the pieces
/// narrow it to the contracts, the floors and the parcels that are meant.
macro_rules! parcels_of {
    ($amended:tt, $contracts:tt, $floors:tt, $parcels:tt, $($argument:expr),+) => {
        sqlx::query_as!(
            ParcelRow,
            r#"with terms as (
                   select distinct on (parcel) parcel, coalesce(a.term_ends_on, c.term_ends_on) as term_ends_on
                   from contract c left join contract_amendment($1, null, "#
                + $amended
                + r#") a using (number)
                   where upper_inf(recorded) and valid @> $1::date and signed_on <= $1"#
                + $contracts
                + r#" order by parcel, supplements is not null and is_supplement(number, parcel, supplements),
                       signed_on desc, number desc)
               select p.code, v.district, v.park, coalesce(l.tier, 'fragmented') as "tier!",
                   coalesce(l.locked, false) as "locked!", v.land_use, v.area_m2, f.floor_m2 as "floor_m2?",
                   v.plot_ratio_allowed, r.grade as "grade?", r.score as "score?", r.outcome as "outcome?",
                   t.term_ends_on as "term_ends_on?", st_asbinary(v.geom, 'NDR') as "wkb!"
               from parcel p
               join parcel_version v on v.parcel_id = p.id and upper_inf(v.recorded) and v.valid @> $1::date
               left join parcel_place l on l.parcel_id = p.id
               left join "#
                + $floors
                + r#"
               left join terms t on t.parcel = p.code
               left join review_standing($2, null) r on r.parcel = p.code"#
                + $parcels
                + r#" order by p.code collate "C""#,
            $($argument),+
        )
    };
}

/// Reads the city of a day in one moment of the register. A storey higher than `tall_storey_m` counts twice.
pub async fn load(pool: &PgPool, day: NaiveDate, tall_storey_m: Option<f64>) -> Result<Today, StoreError> {
    let mut connection = pool.acquire().await?;
    let mut tx = connection.begin().await?;
    sqlx::raw_sql("set transaction isolation level repeatable read, read only").execute(&mut *tx).await?;
    let revision = write::head(&mut tx).await?;
    let run = review::newest(&mut tx).await?;
    let of = run.as_ref().map(|run| run.id);
    let rows = parcels_of!("null", "", "parcel_floor($3, null) f on f.parcel_id = p.id", "", day, of, tall_storey_m)
        .fetch_all(&mut *tx)
        .await?;
    let today = assemble(&mut tx, &Moment::on(day), revision, run, rows).await?;
    tx.commit().await?;
    Ok(today)
}

/// The city of a day without its parcels, in one moment of the register.
pub async fn load_areas(pool: &PgPool, day: NaiveDate) -> Result<Today, StoreError> {
    let mut tx = pool.begin().await?;
    sqlx::raw_sql("set transaction isolation level repeatable read, read only").execute(&mut *tx).await?;
    let revision = write::head(&mut tx).await?;
    let today = assemble(&mut tx, &Moment::on(day), revision, None, Vec::new()).await?;
    tx.commit().await?;
    Ok(today)
}

/// Those of some parcels that are parcels of the day.
pub(super) async fn parcels(
    connection: &mut PgConnection,
    day: NaiveDate,
    tall_storey_m: Option<f64>,
    run: Option<i64>,
    codes: &[String],
) -> Result<Vec<Parcel>, StoreError> {
    // Not lateral: that is flattened into a join, which first sums the floors of the whole city.
    let some = parcels_of!(
        "$4::text[]",
        " and parcel = any($4)",
        "(select * from parcel_floor($3, null)
            where parcel_id = any(array(select id from parcel where code = any($4)))) f on f.parcel_id = p.id",
        " where p.code = any($4)",
        day,
        run,
        tall_storey_m,
        codes
    );
    some.fetch_all(connection).await?.into_iter().map(ParcelRow::into_parcel).collect()
}

/// Reads the city as it was law on a day and believed at a time, or the part of it that meets a box (west, south, east,
/// north). The tiers are worked out for that moment. The revision is the newest that the moment knew.
pub async fn load_at(
    pool: &PgPool,
    moment: &Moment,
    deciding_share: f64,
    tall_storey_m: Option<f64>,
    within: Option<[f64; 4]>,
) -> Result<Today, StoreError> {
    let mut connection = pool.acquire().await?;
    let mut tx = connection.begin().await?;
    sqlx::raw_sql("set transaction isolation level repeatable read, read only").execute(&mut *tx).await?;
    let revision = write::head_at(&mut tx, moment.known_at).await?;
    let run = review::newest_at(&mut tx, moment).await?;
    let [west, south, east, north] = within.map_or([None; 4], |edges| edges.map(Some));
    let rows = sqlx::query_as!(
        ParcelRow,
        r#"with box as (select st_makeenvelope($4, $5, $6, $7, 4490) as geom),
           here as (
               select v.parcel_id, p.code, v.district, v.park, v.land_use, v.area_m2, v.plot_ratio_allowed, v.geom
               from parcel_version v join parcel p on p.id = v.parcel_id
               where v.recorded @> coalesce($2::timestamptz, 'infinity') and v.valid @> $1::date
                 and ($4::float8 is null or st_intersects(v.geom, (select geom from box)))),
           terms as (
               select distinct on (parcel) parcel, coalesce(a.term_ends_on, c.term_ends_on) as term_ends_on
               from contract c left join contract_amendment($1, $2, null) a using (number)
               where recorded @> coalesce($2::timestamptz, 'infinity') and valid @> $1::date and signed_on <= $1
                 and parcel in (select code from here)
               order by parcel, supplements is not null and is_supplement(number, parcel, supplements),
                       signed_on desc, number desc)
           select h.code, h.district, h.park, coalesce(l.tier, 'fragmented') as "tier!", coalesce(l.locked, false) as "locked!",
               h.land_use, h.area_m2, f.floor_m2 as "floor_m2?", h.plot_ratio_allowed, r.grade as "grade?", r.score,
               r.outcome as "outcome?", t.term_ends_on, st_asbinary(h.geom, 'NDR') as "wkb!"
           from here h
           left join parcel_tier_at($1, $8, $2, (select geom from box)) l on l.parcel_id = h.parcel_id
           left join parcel_floor($9, $2) f on f.parcel_id = h.parcel_id
           left join terms t on t.parcel = h.code
           left join review_standing($3, $2) r on r.parcel = h.code
           order by h.code collate "C""#,
        moment.valid_at,
        moment.known_at,
        run.as_ref().map(|run| run.id),
        west,
        south,
        east,
        north,
        deciding_share,
        tall_storey_m
    )
    .fetch_all(&mut *tx)
    .await?;
    let then = assemble(&mut tx, moment, revision, run, rows).await?;
    tx.commit().await?;
    Ok(then)
}

/// A parcel as both reads select it.
struct ParcelRow {
    code: String,
    district: String,
    park: Option<String>,
    tier: String,
    locked: bool,
    land_use: String,
    area_m2: f64,
    floor_m2: Option<f64>,
    plot_ratio_allowed: Option<f64>,
    grade: Option<String>,
    score: Option<f64>,
    outcome: Option<String>,
    term_ends_on: Option<NaiveDate>,
    wkb: Vec<u8>,
}

impl ParcelRow {
    fn into_parcel(self) -> Result<Parcel, StoreError> {
        let unknown = |table, column, value: &str| StoreError::Value {
            table,
            column,
            row: self.code.clone(),
            value: value.to_owned(),
        };
        Ok(Parcel {
            tier: Tier::parse(&self.tier).ok_or_else(|| unknown("parcel_place", "tier", &self.tier))?,
            grade: match &self.grade {
                None => None,
                Some(letter) => Some(Grade::parse(letter).ok_or_else(|| unknown("review_result", "grade", letter))?),
            },
            shape: from_wkb(&self.wkb).ok_or_else(|| unknown("parcel_version", "geom", "no polygon"))?,
            code: self.code,
            district: self.district,
            park: self.park,
            locked: self.locked,
            land_use: self.land_use,
            area_m2: self.area_m2,
            floor_area_m2: self.floor_m2,
            plot_ratio_allowed: self.plot_ratio_allowed,
            score: self.score,
            outcome: self.outcome,
            term_ends_on: self.term_ends_on,
        })
    }
}

/// Puts the parcels beside the areas of the same moment.
async fn assemble(
    connection: &mut PgConnection,
    moment: &Moment,
    revision: i64,
    run: Option<review::Run>,
    rows: Vec<ParcelRow>,
) -> Result<Today, StoreError> {
    let parcels = rows.into_iter().map(ParcelRow::into_parcel).collect::<Result<Vec<_>, StoreError>>()?;
    let areas = areas(connection, moment).await?;
    Ok(Today { revision, city: city(connection, run).await?, parcels, areas })
}

/// The areas of a moment.
pub(super) async fn areas(connection: &mut PgConnection, moment: &Moment) -> Result<Vec<Area>, StoreError> {
    let rows = sqlx::query!(
        r#"select 'district' as "table!", code as "code!", name as "name!", name_en, null as tier, false as "locked!",
               st_asbinary(geom, 'NDR') as "wkb!" from district
           union all
           select 'zone', code, name, null, tier, locked, st_asbinary(geom, 'NDR') from zone_version
           where recorded @> coalesce($2::timestamptz, 'infinity') and valid @> $1::date
           union all
           select 'park', code, name, name_en, null, false, st_asbinary(geom, 'NDR') from park
           order by 1, 2"#,
        moment.valid_at,
        moment.known_at
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let unknown = |column, value: String| StoreError::Value {
                table: "zone_version",
                column,
                row: row.code.clone(),
                value,
            };
            let kind = match (row.table.as_str(), &row.tier) {
                ("district", _) => AreaKind::District,
                ("park", _) => AreaKind::Park,
                (_, tier) => {
                    let tier = tier.clone().unwrap_or_default();
                    AreaKind::Zone {
                        tier: Tier::parse(&tier).ok_or_else(|| unknown("tier", tier))?,
                        locked: row.locked,
                    }
                }
            };
            let shape = from_wkb(&row.wkb).ok_or_else(|| unknown("geom", "no polygon".to_owned()))?;
            Ok(Area { code: row.code, name: row.name, name_en: row.name_en, kind, shape })
        })
        .collect()
}

/// What is to be said of the city as a whole, and of the run whose grades its parcels carry.
pub(super) async fn city(connection: &mut PgConnection, run: Option<review::Run>) -> Result<CityFacts, StoreError> {
    let city = city::read(connection).await?.unwrap_or_default();
    Ok(CityFacts {
        name: city.name,
        name_en: city.name_en,
        made_up: city.made_up,
        note_zh: city.note_zh,
        note_en: city.note_en,
        run: run.map(|run| RunFacts {
            id: run.id,
            scheme: run.scheme,
            title_zh: run.title_zh,
            title_en: run.title_en,
            as_of: run.as_of,
            state: run.state,
        }),
    })
}
