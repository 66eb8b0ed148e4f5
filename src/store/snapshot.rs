//! What the atlas is made of, read in one moment: the parcels of today with their newest grades, and the areas.

use super::geometry::from_wkb;
use super::{StoreError, city, review, write};
use crate::domain::review::grade::Grade;
use crate::domain::today::{Area, AreaKind, CityFacts, Parcel, RunFacts, Today};
use crate::domain::zoning::Tier;
use chrono::NaiveDate;
use sqlx::Acquire;
use sqlx::postgres::PgPool;

/// Reads the city of a day in one moment of the register.
pub async fn load(pool: &PgPool, day: NaiveDate) -> Result<Today, StoreError> {
    let mut connection = pool.acquire().await?;
    let mut tx = connection.begin().await?;
    sqlx::raw_sql("set transaction isolation level repeatable read, read only").execute(&mut *tx).await?;
    let revision = write::head(&mut tx).await?;
    let city = city::read(&mut tx).await?;
    let run = review::newest(&mut tx).await?;
    let rows = sqlx::query!(
        r#"with floors as (
               select parcel, sum(floor_area_m2) as floor_m2 from building where upper_inf(recorded) group by parcel),
           terms as (
               select distinct on (parcel) parcel, term_ends_on from contract
               where upper_inf(recorded) and valid @> $1::date and signed_on <= $1 order by parcel, signed_on desc, number desc)
           select p.code, v.district, v.park, coalesce(l.tier, 'fragmented') as "tier!", coalesce(l.locked, false) as "locked!",
               v.land_use, v.area_m2, f.floor_m2 as "floor_m2?", v.plot_ratio_allowed, r.grade as "grade?", r.score,
               r.outcome as "outcome?", t.term_ends_on, st_asbinary(v.geom, 'NDR') as "wkb!"
           from parcel p
           join parcel_version v on v.parcel_id = p.id and upper_inf(v.recorded) and v.valid @> $1::date
           left join parcel_place l on l.parcel_id = p.id
           left join floors f on f.parcel = p.code
           left join terms t on t.parcel = p.code
           left join review_result r on r.run_id = $2 and r.parcel = p.code
           order by p.code collate "C""#,
        day,
        run.as_ref().map(|run| run.id)
    )
    .fetch_all(&mut *tx)
    .await?;
    let parcels = rows
        .into_iter()
        .map(|row| {
            let unknown = |table, column, value: &str| StoreError::Value {
                table,
                column,
                row: row.code.clone(),
                value: value.to_owned(),
            };
            Ok(Parcel {
                tier: Tier::parse(&row.tier).ok_or_else(|| unknown("parcel_place", "tier", &row.tier))?,
                grade: match &row.grade {
                    None => None,
                    Some(letter) => {
                        Some(Grade::parse(letter).ok_or_else(|| unknown("review_result", "grade", letter))?)
                    }
                },
                shape: from_wkb(&row.wkb).ok_or_else(|| unknown("parcel_version", "geom", "no polygon"))?,
                code: row.code,
                district: row.district,
                park: row.park,
                locked: row.locked,
                land_use: row.land_use,
                area_m2: row.area_m2,
                floor_area_m2: row.floor_m2,
                plot_ratio_allowed: row.plot_ratio_allowed,
                score: row.score,
                outcome: row.outcome,
                term_ends_on: row.term_ends_on,
            })
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    let rows = sqlx::query!(
        r#"select 'district' as "table!", code as "code!", name as "name!", name_en, null as tier, false as "locked!",
               st_asbinary(geom, 'NDR') as "wkb!" from district
           union all
           select 'zone', code, name, null, tier, locked, st_asbinary(geom, 'NDR') from zone_version
           where upper_inf(recorded) and valid @> $1::date
           union all
           select 'park', code, name, name_en, null, false, st_asbinary(geom, 'NDR') from park
           order by 1, 2"#,
        day
    )
    .fetch_all(&mut *tx)
    .await?;
    let areas = rows
        .into_iter()
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
        .collect::<Result<Vec<_>, StoreError>>()?;
    tx.commit().await?;
    let city = city.unwrap_or_default();
    let city = CityFacts {
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
    };
    Ok(Today { revision, city, parcels, areas })
}

/// The newest committed revision.
pub async fn revision(pool: &PgPool) -> Result<i64, StoreError> {
    let mut connection = pool.acquire().await?;
    write::head(&mut connection).await
}
