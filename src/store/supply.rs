//! The supply ledger: entries in recorded time, each parcel once a year.

use super::StoreError;
use super::copy::Rows;
use super::doubt::Doubt;
use super::recorded::{merge_recorded, take_withdrawn};
use super::stage::{Merged, Refused, Row, unknown_parcels};
use super::write::{self, Write};
use crate::domain::quantity::SquareCentimetres;
use crate::domain::supply::{Entry, Source};
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::postgres::PgPool;
use sqlx::{Acquire as _, PgConnection};

/// Puts one row on its way in.
pub fn stage(rows: &mut Rows, file: i16, row: u64, it: &Entry) {
    rows.row(file, row, &it.number)
        .text(&it.number)
        .text(it.parcel.as_str())
        .value(&it.year)
        .text(it.source.name())
        .value(&Decimal::new(it.area.0, 4))
        .value(&it.secured_on)
        .text(&it.document)
        .end();
}

/// Takes out the staged rows that say what was withdrawn.
pub(super) async fn withdrawn(connection: &mut PgConnection) -> Result<Vec<Doubt>, StoreError> {
    take_withdrawn!(
        connection,
        "supply_entry",
        from "stage_supply",
        matching "t.number = s.number",
        other "o.number = s.number",
        same "t.parcel, t.year, t.source, t.area_m2, t.secured_on, t.document"
        as "s.parcel, s.year, s.source, s.area_m2, s.secured_on, s.document"
    )
}

/// Takes out the staged rows that are about no land, or about land that counts in the year already.
pub(super) async fn check(connection: &mut PgConnection) -> Result<Vec<Refused>, StoreError> {
    let mut refused = unknown_parcels(connection, "stage_supply").await?;
    let rows = sqlx::query_as!(
        Row,
        "delete from stage_supply s where not exists (
             select from parcel p join parcel_version v on v.parcel_id = p.id
             where p.code = s.parcel and upper_inf(v.recorded) and v.valid @> s.secured_on)
         returning s.file, s.row, s.key, s.secured_on::text as value"
    )
    .fetch_all(&mut *connection)
    .await?;
    refused.extend(
        rows.into_iter()
            .map(|row| row.refuse("parcel-not-law", "secured_on", "a day on which the parcel is law in the register")),
    );
    // Under another number in the register, or in an earlier row.
    let rows = sqlx::query_as!(
        Row,
        "with taken as (
             select s.file, s.row, coalesce(t.number, e.number) as number
             from stage_supply s
             left join supply_entry t
                 on t.parcel = s.parcel and t.year = s.year and t.number <> s.number and upper_inf(t.recorded)
             left join lateral (
                 select e.number from stage_supply e
                 where e.parcel = s.parcel and e.year = s.year and e.number <> s.number and (e.file, e.row) < (s.file, s.row)
                 order by e.file, e.row limit 1) e on true
             where coalesce(t.number, e.number) is not null)
         delete from stage_supply s using taken t where t.file = s.file and t.row = s.row
         returning s.file, s.row, s.key, format('%s counts in %s as %s', s.parcel, s.year, t.number) as value"
    )
    .fetch_all(&mut *connection)
    .await?;
    refused.extend(rows.into_iter().map(|row| {
        row.refuse(
            "parcel-counted-twice",
            "parcel_code",
            "a parcel that has no other entry in the year; correct that entry by its number, or withdraw it first",
        )
    }));
    refused.extend(kin(connection).await?);
    Ok(refused)
}

/// Takes out the rows about land that counts in the year as a parcel that was split from it, merged into it, or the other
/// way round.
async fn kin(connection: &mut PgConnection) -> Result<Vec<Refused>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        "with recursive link as (
             select l.parent, l.child from lineage_link l join lineage_event e on e.id = l.event
             where e.kind in ('split', 'merge')),
         up (origin, parcel) as (
             select p.id, p.id from parcel p where p.code in (select parcel from stage_supply)
             union select u.origin, l.parent from up u join link l on l.child = u.parcel),
         down (origin, parcel) as (
             select p.id, p.id from parcel p where p.code in (select parcel from stage_supply)
             union select d.origin, l.child from down d join link l on l.parent = d.parcel),
         kin as (
             select o.code as parcel, k.code as other
             from (select * from up union select * from down) r
             join parcel o on o.id = r.origin join parcel k on k.id = r.parcel
             where r.origin <> r.parcel),
         taken as (
             select distinct on (s.file, s.row) s.file, s.row, k.other
             from stage_supply s join kin k on k.parcel = s.parcel
             where exists (
                     select from supply_entry t
                     where t.parcel = k.other and t.year = s.year and t.number <> s.number and upper_inf(t.recorded))
                 or exists (
                     select from stage_supply e
                     where e.parcel = k.other and e.year = s.year and (e.file, e.row) < (s.file, s.row))
             order by s.file, s.row, k.other)
         delete from stage_supply s using taken t where t.file = s.file and t.row = s.row
         returning s.file, s.row, s.key, format('%s counts in %s as %s', s.parcel, s.year, t.other) as value"
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            row.refuse(
                "land-counted-twice",
                "parcel_code",
                "land that does not count in the year as the parcel it was split from, merged into or came of",
            )
        })
        .collect())
}

/// Merges the staged rows.
pub(super) async fn merge(write: &mut Write) -> Result<Merged, StoreError> {
    merge_recorded!(
        write,
        "supply_entry",
        from "stage_supply",
        matching "t.number = s.number",
        changed "t.parcel, t.year, t.source, t.area_m2, t.secured_on, t.document"
        to "s.parcel, s.year, s.source, s.area_m2, s.secured_on, s.document",
        columns "number, parcel, year, source, area_m2, secured_on, document",
        values "s.number, s.parcel, s.year, s.source, s.area_m2, s.secured_on, s.document"
    )
}

/// Takes an entry back, which was made in error; what was believed is kept. Answers its parcel and year; nothing where there
/// is no such entry.
pub async fn withdraw(write: &mut Write, number: &str) -> Result<Option<(String, i32)>, StoreError> {
    let at = write.recorded_at;
    let found = sqlx::query!(
        "update supply_entry set recorded = tstzrange(lower(recorded), $2)
         where number = $1 and upper_inf(recorded) returning parcel, year",
        number,
        at
    )
    .fetch_optional(write.connection())
    .await?;
    Ok(found.map(|row| (row.parcel, row.year)))
}

/// An entry as it stands in the ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// Its number.
    pub number: String,
    /// The parcel.
    pub parcel: String,
    /// The parcel's district; nothing where it is law on no day.
    pub district: Option<String>,
    /// The year it counts in.
    pub year: i32,
    /// Where the land came from.
    pub source: Source,
    /// How much was secured.
    pub area: SquareCentimetres,
    /// The day it was.
    pub secured_on: NaiveDate,
    /// The document.
    pub document: String,
}

/// The ledger as it was believed at a time.
#[derive(Debug, Clone)]
pub struct Ledger {
    /// The newest revision then.
    pub revision: i64,
    /// The entries, by year and number.
    pub entries: Vec<Kept>,
}

/// Reads the ledger: of one district or of the city, of one year or of all, as believed at a time or now.
pub async fn read(
    pool: &PgPool,
    district: Option<&str>,
    year: Option<i32>,
    known_at: Option<DateTime<Utc>>,
) -> Result<Ledger, StoreError> {
    let mut connection = pool.acquire().await?;
    let mut tx = connection.begin().await?;
    sqlx::raw_sql("set transaction isolation level repeatable read, read only").execute(&mut *tx).await?;
    let revision = write::head_at(&mut tx, known_at).await?;
    let rows = sqlx::query!(
        r#"select t.number, t.parcel, v.district as "district?", t.year, t.source,
               (t.area_m2 * 10000)::int8 as "area_cm2!", t.secured_on, t.document
           from supply_entry t
           left join lateral (
               select v.district from parcel p join parcel_version v on v.parcel_id = p.id
               where p.code = t.parcel and v.valid @> t.secured_on
                   and v.recorded @> coalesce($3::timestamptz, 'infinity') limit 1) v on true
           where t.recorded @> coalesce($3::timestamptz, 'infinity')
               and ($1::text is null or v.district = $1) and ($2::int is null or t.year = $2)
           order by t.year, t.number collate "C""#,
        district,
        year,
        known_at
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    let entries = rows
        .into_iter()
        .map(|row| {
            let source = Source::parse(&row.source).ok_or_else(|| StoreError::Value {
                table: "supply_entry",
                column: "source",
                row: row.number.clone(),
                value: row.source.clone(),
            })?;
            Ok(Kept {
                number: row.number,
                parcel: row.parcel,
                district: row.district,
                year: row.year,
                source,
                area: SquareCentimetres(row.area_cm2),
                secured_on: row.secured_on,
                document: row.document,
            })
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    Ok(Ledger { revision, entries })
}
