//! What a run put on a list, with the land of it: what renewal areas grow out of.

use crate::domain::review::clusters::Candidate;
use crate::domain::review::decision::List;
use crate::domain::review::grade::Grade;
use crate::store::StoreError;
use crate::store::city::{self, City};
use crate::store::geometry::from_wkb;
use crate::store::review::{self, Run};
use crate::store::write;
use geo_types::MultiPolygon;
use sqlx::Acquire as _;
use sqlx::postgres::PgPool;

/// The candidates of a run, in the order of their codes, and the land of each.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The newest revision that it knows.
    pub revision: i64,
    /// What city it is.
    pub city: City,
    /// The run.
    pub run: Run,
    /// What stands on the lists.
    pub candidates: Vec<Candidate>,
    /// The land of each on the day of the run; empty where it is no parcel of that day any more.
    pub shapes: Vec<MultiPolygon<f64>>,
}

/// The candidates of a run on one list or on any; nothing where there is no such run.
pub async fn read(pool: &PgPool, run: i64, list: Option<List>) -> Result<Option<Listed>, StoreError> {
    let mut connection = pool.acquire().await?;
    let mut tx = connection.begin().await?;
    sqlx::raw_sql("set transaction isolation level repeatable read, read only").execute(&mut *tx).await?;
    let revision = write::head(&mut tx).await?;
    let city = city::read(&mut tx).await?.unwrap_or_default();
    let Some(run) = review::list(&mut tx).await?.into_iter().find(|one| one.id == run) else { return Ok(None) };
    let rows = sqlx::query!(
        r#"select r.parcel as "parcel!", r.grade as "grade!", r.list as "list!", j.receipt #>> '{facts,district}' as "district!",
               (j.receipt #>> '{facts,land_m2}')::float8 as "land_m2!",
               j.receipt #>> '{decision,channel}' as "channel!", c.holder as "holder?",
               st_asbinary(v.geom, 'NDR') as "wkb?"
           from review_standing($1, null) r
           cross join lateral (select r.receipt::jsonb as receipt) j
           left join contract c on c.number = j.receipt #>> '{facts,contract,number}' and upper_inf(c.recorded)
               and c.valid @> $2::date and c.parcel = r.parcel
           left join parcel p on p.code = r.parcel
           left join parcel_version v on v.parcel_id = p.id and upper_inf(v.recorded) and v.valid @> $2::date
           where r.list is not null and ($3::text is null or r.list = $3)
           order by r.parcel collate "C""#,
        run.id,
        run.as_of,
        list.map(List::name)
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    let mut listed = Listed { revision, city, run, candidates: Vec::new(), shapes: Vec::new() };
    for row in rows {
        let unknown = |table, column, value: &str| StoreError::Value {
            table,
            column,
            row: row.parcel.clone(),
            value: value.to_owned(),
        };
        let shape = match &row.wkb {
            None => MultiPolygon(Vec::new()),
            Some(wkb) => from_wkb(wkb).ok_or_else(|| unknown("parcel_version", "geom", "no polygon"))?,
        };
        listed.candidates.push(Candidate {
            grade: Grade::parse(&row.grade).ok_or_else(|| unknown("review_result", "grade", &row.grade))?,
            list: List::parse(&row.list).ok_or_else(|| unknown("review_result", "list", &row.list))?,
            code: row.parcel,
            district: row.district,
            land_m2: row.land_m2,
            holder: row.holder,
            channel: row.channel,
        });
        listed.shapes.push(shape);
    }
    Ok(Some(listed))
}
