//! The reserve of parks: entries in recorded time, lots that are never overdrawn.

use super::StoreError;
use super::copy::Rows;
use super::doubt::Doubt;
use super::recorded::{merge_recorded, take_withdrawn};
use super::stage::{Merged, Refused, Row, unknown_parcels};
use super::write::{self, Write};
use crate::domain::id::ParcelCode;
use crate::domain::quantity::SquareCentimetres;
use crate::domain::reserve::{Entry, Exit, Mode, Readiness, Side};
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::postgres::PgPool;
use sqlx::{Acquire as _, PgConnection};

/// Puts one row on its way in.
pub fn stage(rows: &mut Rows, file: i16, row: u64, it: &Entry) {
    let (park, exit, readiness, mode) = match &it.side {
        Side::In { park, exit, readiness } => (Some(park.as_str()), Some(exit.name()), Some(readiness.name()), None),
        Side::Out { mode } => (None, None, None, Some(mode.name())),
    };
    rows.row(file, row, &it.number)
        .text(&it.number)
        .text(&it.lot)
        .text(it.side.name())
        .optional_text(park)
        .optional_text(it.parcel.as_ref().map(ParcelCode::as_str))
        .value(&Decimal::new(it.area.0, 4))
        .value(&it.on)
        .optional_text(exit)
        .optional_text(readiness)
        .optional_text(mode)
        .text(&it.document)
        .end();
}

/// Takes out the staged rows that say what was withdrawn.
pub(super) async fn withdrawn(connection: &mut PgConnection) -> Result<Vec<Doubt>, StoreError> {
    take_withdrawn!(
        connection,
        "reserve_entry",
        from "stage_reserve",
        matching "t.number = s.number",
        other "o.number = s.number",
        same "t.lot, t.side, t.park, t.parcel, t.area_m2, t.on_date, t.exit, t.readiness, t.supply_mode, t.document"
        as "s.lot, s.side, s.park, s.parcel, s.area_m2, s.on_date, s.exit, s.readiness, s.supply_mode, s.document"
    )
}

/// Takes out the staged rows that refer to nothing, and those of lots that would not balance with them.
pub(super) async fn check(connection: &mut PgConnection) -> Result<Vec<Refused>, StoreError> {
    let mut refused = unknown_parcels(connection, "stage_reserve").await?;
    let rows = sqlx::query_as!(
        Row,
        "delete from stage_reserve s
         where s.park is not null and not exists (select from park t where t.code = s.park)
         returning s.file, s.row, s.key, s.park as value"
    )
    .fetch_all(&mut *connection)
    .await?;
    refused.extend(
        rows.into_iter()
            .map(|row| row.refuse("unknown-park", "park", "the code of a park in the register; import parks first")),
    );
    // An entry stays with its lot and its side, so that each lot balances by itself.
    let rows = sqlx::query_as!(
        Row,
        "delete from stage_reserve s using reserve_entry t
         where t.number = s.number and upper_inf(t.recorded) and (t.lot, t.side) <> (s.lot, s.side)
         returning s.file, s.row, s.key, format('%s %s, on record as %s %s', s.lot, s.side, t.lot, t.side) as value"
    )
    .fetch_all(&mut *connection)
    .await?;
    refused.extend(rows.into_iter().map(|row| {
        row.refuse(
            "entry-moved",
            "lot_no",
            "the lot and the side of the entry on record; withdraw it, then enter it anew",
        )
    }));
    let rows = sqlx::query_as!(
        Row,
        "with first as (
             select s.lot, min((s.file::bigint << 40) + s.row) as place from stage_reserve s where s.side = 'in' group by s.lot)
         delete from stage_reserve s using first f
         where s.side = 'in' and f.lot = s.lot and (
             (s.file::bigint << 40) + s.row > f.place
                 and s.number <> (select o.number from stage_reserve o where (o.file::bigint << 40) + o.row = f.place)
             or exists (
                 select from reserve_entry t
                 where t.lot = s.lot and t.side = 'in' and t.number <> s.number and upper_inf(t.recorded)))
         returning s.file, s.row, s.key, s.lot as value"
    )
    .fetch_all(&mut *connection)
    .await?;
    refused.extend(
        rows.into_iter()
            .map(|row| row.refuse("lot-comes-in-twice", "lot_no", "a lot that has not come in under another number")),
    );
    loop {
        refused.extend(in_two_lots(connection).await?);
        let out = overdrawn(connection).await?;
        if out.is_empty() {
            return Ok(refused);
        }
        // What does not go out after all leaves no room for what was to come in.
        refused.extend(out);
    }
}

/// Takes out the rows by which a parcel comes into a lot while another lot still holds it, or comes back into one after
/// another took it in: its land would be counted twice. A lot holds it from the day it comes in until the day on which the
/// last of it has gone out.
async fn in_two_lots(connection: &mut PgConnection) -> Result<Vec<Refused>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"with staged as (
               select distinct on (number) number, lot, side, parcel, area_m2, on_date from stage_reserve
               order by number, file, row),
           concerned as (
               select lot from staged
               union
               select t.lot from reserve_entry t
               where upper_inf(t.recorded) and t.side = 'in' and t.parcel in (
                   select parcel from staged where side = 'in'
                   union
                   select o.parcel from reserve_entry o
                   where upper_inf(o.recorded) and o.side = 'in' and o.lot in (select lot from staged))),
           would_be as (
               select * from staged
               union all
               select t.number, t.lot, t.side, t.parcel, t.area_m2, t.on_date from reserve_entry t
               where upper_inf(t.recorded) and t.lot in (select lot from concerned)
                   and t.number not in (select number from staged)),
           holding as (
               select lot, max(parcel) filter (where side = 'in') as parcel,
                   daterange(min(on_date) filter (where side = 'in'),
                       case when sum(case side when 'in' then area_m2 else -area_m2 end) <= 0
                           then greatest(max(on_date), min(on_date) filter (where side = 'in')) end) as days
               from would_be group by lot),
           taken as (
               select distinct on (s.file, s.row) s.file, s.row, o.lot as other
               from stage_reserve s
               join holding h on h.lot = s.lot
               join holding o on o.parcel = h.parcel and o.lot <> h.lot and o.days && h.days
               where not exists (
                   select from stage_reserve e
                   where e.lot = o.lot and e.side = 'in' and (s.side = 'out' or (e.file, e.row) > (s.file, s.row)))
               order by s.file, s.row, o.lot)
           delete from stage_reserve s using taken t where t.file = s.file and t.row = s.row
           returning s.file, s.row, s.key, format('%s lies in lot %s', s.parcel, t.other) as value"#
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            row.refuse(
                "parcel-in-two-lots",
                "parcel_code",
                "a parcel that lies in no other lot, or has gone out of it by then",
            )
        })
        .collect())
}

/// Takes out every row of the lots of which, with these rows, more would have gone out on some day than had come in.
async fn overdrawn(connection: &mut PgConnection) -> Result<Vec<Refused>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"with staged as (
               -- Of rows with one number the first counts; the others are refused as duplicates.
               select distinct on (number) number, lot, side, area_m2, on_date from stage_reserve
               order by number, file, row),
           would_be as (
               select * from staged
               union all
               select t.number, t.lot, t.side, t.area_m2, t.on_date from reserve_entry t
               where upper_inf(t.recorded) and t.lot in (select lot from staged)
                   and t.number not in (select number from staged)),
           running as (
               select lot, on_date, sum(case side when 'in' then area_m2 else -area_m2 end)
                   over (partition by lot order by on_date, side range unbounded preceding) as left_m2
               from would_be),
           wrong as (
               select distinct on (lot) lot, on_date, left_m2 from running where left_m2 < 0 order by lot, on_date)
           delete from stage_reserve s using wrong w
           where w.lot = s.lot
           returning s.file, s.row, s.key,
               format('lot %s: %s m2 more out than in by %s', s.lot, trim_scale(-w.left_m2), w.on_date) as value"#
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            row.refuse(
                "reserve-overdrawn",
                "area_m2",
                "no more out of a lot than came in by that day; nothing of the lot is taken until its entries balance",
            )
        })
        .collect())
}

/// Merges the staged rows.
pub(super) async fn merge(write: &mut Write) -> Result<Merged, StoreError> {
    merge_recorded!(
        write,
        "reserve_entry",
        from "stage_reserve",
        matching "t.number = s.number",
        changed "t.lot, t.side, t.park, t.parcel, t.area_m2, t.on_date, t.exit, t.readiness, t.supply_mode, t.document"
        to "s.lot, s.side, s.park, s.parcel, s.area_m2, s.on_date, s.exit, s.readiness, s.supply_mode, s.document",
        columns "number, lot, side, park, parcel, area_m2, on_date, exit, readiness, supply_mode, document",
        values "s.number, s.lot, s.side, s.park, s.parcel, s.area_m2, s.on_date, s.exit, s.readiness, s.supply_mode, \
         s.document"
    )
}

/// Takes an entry back, which was made in error; what was believed is kept. Answers its lot; nothing where there is no such
/// entry.
pub async fn withdraw(write: &mut Write, number: &str) -> Result<Option<String>, StoreError> {
    let at = write.recorded_at;
    Ok(sqlx::query_scalar!(
        "update reserve_entry set recorded = tstzrange(lower(recorded), $2)
         where number = $1 and upper_inf(recorded) returning lot",
        number,
        at
    )
    .fetch_optional(write.connection())
    .await?)
}

/// A parcel of the lot that another lot holds on the same day, with that lot.
pub async fn clash(connection: &mut PgConnection, lot: &str) -> Result<Option<(String, String)>, StoreError> {
    let found = sqlx::query!(
        r#"select parcel as "parcel!", other as "other!" from reserve_parcel_clash(array[$1::text]) limit 1"#,
        lot
    )
    .fetch_optional(connection)
    .await?;
    Ok(found.map(|row| (row.parcel, row.other)))
}

/// The entries of a lot as they stand now.
pub async fn of_lot(connection: &mut PgConnection, lot: &str) -> Result<Vec<Entry>, StoreError> {
    entries(connection, None, Some(lot), None).await
}

/// The books as they were believed at a time.
#[derive(Debug, Clone)]
pub struct Books {
    /// The newest revision then.
    pub revision: i64,
    /// The entries up to the day, by lot, day and number.
    pub entries: Vec<Entry>,
}

/// Reads the books of all parks up to a day, as believed at a time or now.
pub async fn read(pool: &PgPool, until: NaiveDate, known_at: Option<DateTime<Utc>>) -> Result<Books, StoreError> {
    let mut connection = pool.acquire().await?;
    let mut tx = connection.begin().await?;
    sqlx::raw_sql("set transaction isolation level repeatable read, read only").execute(&mut *tx).await?;
    let revision = write::head_at(&mut tx, known_at).await?;
    let entries = entries(&mut tx, Some(until), None, known_at).await?;
    tx.commit().await?;
    Ok(Books { revision, entries })
}

async fn entries(
    connection: &mut PgConnection,
    until: Option<NaiveDate>,
    lot: Option<&str>,
    known_at: Option<DateTime<Utc>>,
) -> Result<Vec<Entry>, StoreError> {
    let rows = sqlx::query!(
        r#"select number, lot, side, park, parcel, (area_m2 * 10000)::int8 as "area_cm2!", on_date, exit, readiness,
               supply_mode, document
           from reserve_entry
           where recorded @> coalesce($3::timestamptz, 'infinity') and ($1::date is null or on_date <= $1)
               and ($2::text is null or lot = $2)
           order by lot collate "C", on_date, side, number collate "C""#,
        until,
        lot,
        known_at
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let strange = |column: &'static str, value: &str| StoreError::Value {
                table: "reserve_entry",
                column,
                row: row.number.clone(),
                value: value.to_owned(),
            };
            let read_in = || {
                let exit = Exit::parse(row.exit.as_deref()?)?;
                Some(Side::In {
                    park: row.park.clone()?,
                    exit,
                    readiness: Readiness::parse(row.readiness.as_deref()?)?,
                })
            };
            let read_out = || Some(Side::Out { mode: Mode::parse(row.supply_mode.as_deref()?)? });
            let side = if row.side == "in" { read_in() } else { read_out() };
            let side = side.ok_or_else(|| strange("side", &row.side))?;
            let parcel = row.parcel.as_deref().map(ParcelCode::parse).transpose();
            let parcel = parcel.map_err(|_| strange("parcel", row.parcel.as_deref().unwrap_or_default()))?;
            Ok(Entry {
                number: row.number,
                lot: row.lot,
                side,
                area: SquareCentimetres(row.area_cm2),
                on: row.on_date,
                document: row.document,
                parcel,
            })
        })
        .collect()
}
