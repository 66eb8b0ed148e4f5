//! What the atlas is made of, read in one moment: the parcels of a day with their grades, and the areas.

use super::geometry::from_wkb;
use super::{StoreError, city, review, write};
use crate::domain::moment::Moment;
use crate::domain::review::decision::List;
use crate::domain::review::grade::Grade;
use crate::domain::today::{Area, AreaKind, CityFacts, Parcel, RunFacts, Today};
use crate::domain::zoning::Tier;
use chrono::NaiveDate;
use sqlx::postgres::PgPool;
use sqlx::{Acquire, PgConnection};

/// Reads the city of a day in one moment of the register. A storey higher than `tall_storey_m` counts twice.
pub async fn load(pool: &PgPool, day: NaiveDate, tall_storey_m: Option<f64>) -> Result<Today, StoreError> {
    let mut connection = pool.acquire().await?;
    let mut tx = connection.begin().await?;
    sqlx::raw_sql(ONE_MOMENT).execute(&mut *tx).await?;
    let revision = write::head(&mut tx).await?;
    let run = review::newest(&mut tx).await?;
    let rows = rows(&mut tx, day, run.as_ref().map(|run| run.id), tall_storey_m, None).await?;
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
    let rows = rows(connection, day, run, tall_storey_m, Some(codes)).await?;
    rows.into_iter().map(ParcelRow::into_parcel).collect()
}

/// One moment, in which each question is planned for what it asks: that of some parcels is the same as that of all.
pub(super) const ONE_MOMENT: &str = "set transaction isolation level repeatable read, read only;
    set local plan_cache_mode = force_custom_plan";

async fn rows(
    connection: &mut PgConnection,
    day: NaiveDate,
    run: Option<i64>,
    tall_storey_m: Option<f64>,
    codes: Option<&[String]>,
) -> Result<Vec<ParcelRow>, StoreError> {
    let rows = sqlx::query_as!(
        ParcelRow,
        r#"select parcel_code as "code!", district as "district!", park, tier as "tier!", locked as "locked!",
               land_use as "land_use!", industry, holder_name, area_m2 as "area_m2!", floor_area_m2, plot_ratio_allowed, grade,
               score, outcome, list, state, term_end, st_asbinary(geometry, 'NDR') as "wkb!"
           from parcel_today($1, $2, $3, $4) order by parcel_code collate "C""#,
        day,
        run,
        tall_storey_m,
        codes
    )
    .fetch_all(connection)
    .await?;
    Ok(rows)
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
    sqlx::raw_sql(ONE_MOMENT).execute(&mut *tx).await?;
    let revision = write::head_at(&mut tx, moment.known_at).await?;
    let run = review::newest_at(&mut tx, moment).await?;
    let [west, south, east, north] = within.map_or([None; 4], |edges| edges.map(Some));
    let rows = sqlx::query_as!(
        ParcelRow,
        r#"with box as (select st_makeenvelope($4, $5, $6, $7, 4490) as geom)
           select h.parcel_code as "code!", h.district as "district!", h.park, coalesce(l.tier, 'fragmented') as "tier!",
               coalesce(l.locked, false) as "locked!", h.land_use as "land_use!", h.industry, h.holder_name, h.area_m2 as "area_m2!",
               h.floor_area_m2, h.plot_ratio_allowed, h.grade, h.score, h.outcome, h.list, h.state, h.term_end,
               st_asbinary(h.geometry, 'NDR') as "wkb!"
           from parcel_facts($1, $2, $3, $9, null) h
           left join parcel_tier_at($1, $8, $2, (select geom from box)) l on l.parcel_id = h.parcel_id
           where $4::float8 is null or st_intersects(h.geometry, (select geom from box))
           order by h.parcel_code collate "C""#,
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
    industry: Option<String>,
    holder_name: Option<String>,
    area_m2: f64,
    floor_area_m2: Option<f64>,
    plot_ratio_allowed: Option<f64>,
    grade: Option<String>,
    score: Option<f64>,
    outcome: Option<String>,
    list: Option<String>,
    state: Option<String>,
    term_end: Option<NaiveDate>,
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
            list: match &self.list {
                None => None,
                Some(word) => Some(List::parse(word).ok_or_else(|| unknown("review_result", "list", word))?),
            },
            shape: from_wkb(&self.wkb).ok_or_else(|| unknown("parcel_version", "geom", "no polygon"))?,
            code: self.code,
            district: self.district,
            park: self.park,
            locked: self.locked,
            land_use: self.land_use,
            industry: self.industry,
            holder: self.holder_name,
            area_m2: self.area_m2,
            floor_area_m2: self.floor_area_m2,
            plot_ratio_allowed: self.plot_ratio_allowed,
            score: self.score,
            outcome: self.outcome,
            state: self.state,
            term_ends_on: self.term_end,
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
