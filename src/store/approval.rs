//! Special approvals as they are stored: proposed, confirmed by another, used once. The database measures the land and
//! holds the two officers apart.

use super::StoreError;
use super::geometry::{from_wkb, to_hex};
use super::write::Write;
use chrono::{DateTime, NaiveDate, Utc};
use geo_types::MultiPolygon;
use serde::Serialize;
use sqlx::PgConnection;

/// What is proposed.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// The deed it lets be done: a word of the table.
    pub deed: String,
    /// Code of the parcel or zone, or words for an area.
    pub subject: String,
    /// The approved use and its scheme, for a change of use.
    pub to_use: Option<(String, String)>,
    /// Why.
    pub ground: String,
    /// The document that says so.
    pub document: String,
    /// Its day.
    pub decided_on: NaiveDate,
    /// The land.
    pub shape: MultiPolygon<f64>,
    /// The compensating land.
    pub compensation: Option<MultiPolygon<f64>>,
    /// Holder of the contract, where it is about one.
    pub holder: Option<String>,
}

/// What a proposal was measured to be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Measured {
    /// Locked land within its land, m².
    pub area_m2: f64,
    /// Compensating land that counts: industrial, not locked before, given for nothing else, m².
    pub compensation_m2: f64,
    /// What the rulebook asks for, m².
    pub required_m2: f64,
}

/// A special approval on record.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Approval {
    /// Its number.
    pub id: i64,
    /// proposed, confirmed, used or withdrawn.
    pub state: String,
    /// The deed it lets be done.
    pub deed: String,
    /// Code of the parcel or zone, or words for an area.
    pub subject: String,
    /// The approved use.
    pub to_use: Option<String>,
    /// Its scheme.
    pub to_use_scheme: Option<String>,
    /// Why.
    pub ground: String,
    /// The document that says so.
    pub document: String,
    /// Its day.
    pub decided_on: NaiveDate,
    /// Locked land that it lets be taken, m².
    pub area_m2: f64,
    /// Compensating land, m².
    pub compensation_m2: f64,
    /// What the rulebook asked for, m².
    pub required_m2: f64,
    /// Who proposed it.
    pub proposed_by: String,
    /// When.
    pub proposed_at: DateTime<Utc>,
    /// Who confirmed it.
    pub confirmed_by: Option<String>,
    /// When.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// Who withdrew it.
    pub withdrawn_by: Option<String>,
    /// When.
    pub withdrawn_at: Option<DateTime<Utc>>,
    /// When land was taken by it.
    pub used_at: Option<DateTime<Utc>>,
    /// The revision that took it.
    pub used_in: Option<i64>,
}

/// Measures a proposal as the database will, so that it can be told what is wrong before it is refused.
pub async fn measure(connection: &mut PgConnection, it: &Proposal) -> Result<Measured, StoreError> {
    Ok(sqlx::query_as!(
        Measured,
        r#"select m.area_m2 as "area_m2!", m.compensation_m2 as "compensation_m2!", m.required_m2 as "required_m2!"
           from special_approval_measures($1::text::geometry, $2::text::geometry, $3) m"#,
        to_hex(&it.shape),
        it.compensation.as_ref().map(to_hex),
        it.decided_on
    )
    .fetch_one(connection)
    .await?)
}

/// Writes a proposal; answers its number.
pub async fn propose(write: &mut Write, actor: &str, it: &Proposal) -> Result<i64, StoreError> {
    let revision = write.revision;
    let (to_use, scheme) = it.to_use.clone().unzip();
    Ok(sqlx::query_scalar!(
        "insert into special_approval (deed, subject, to_use, to_use_scheme, ground, document, decided_on, geom,
             compensation, area_m2, required_m2, proposed_by, proposed_in, holder)
         values ($1, $2, $3, $4, $5, $6, $7, $8::text::geometry, $9::text::geometry, 0, 0, $10, $11, $12) returning id",
        it.deed,
        it.subject,
        to_use,
        scheme,
        it.ground,
        it.document,
        it.decided_on,
        to_hex(&it.shape),
        it.compensation.as_ref().map(to_hex),
        actor,
        revision,
        it.holder
    )
    .fetch_one(write.connection())
    .await?)
}

/// Whether an approval was proposed by the person who acts now, by whichever way in.
pub async fn is_proposed_by(connection: &mut PgConnection, id: i64, actor: &str) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select exists (
               select from special_approval where id = $1 and person(proposed_by) = person($2)) as "is_same!""#,
        id,
        actor
    )
    .fetch_one(connection)
    .await?)
}

/// Confirms a proposal.
pub async fn confirm(write: &mut Write, actor: &str, id: i64) -> Result<(), StoreError> {
    let revision = write.revision;
    sqlx::query!(
        "update special_approval set confirmed_by = $2, confirmed_in = $3 where id = $1 and confirmed_in is null",
        id,
        actor,
        revision
    )
    .execute(write.connection())
    .await?;
    Ok(())
}

/// Withdraws an approval.
pub async fn withdraw(write: &mut Write, actor: &str, id: i64) -> Result<(), StoreError> {
    let revision = write.revision;
    sqlx::query!(
        "update special_approval set withdrawn_by = $2, withdrawn_in = $3 where id = $1 and withdrawn_in is null",
        id,
        actor,
        revision
    )
    .execute(write.connection())
    .await?;
    Ok(())
}

/// The approvals on record, the newest first: all, or one.
pub async fn list(connection: &mut PgConnection, id: Option<i64>) -> Result<Vec<Approval>, StoreError> {
    read(connection, id, None, i64::MAX).await
}

/// Those that were proposed before a number, the newest first, so many.
pub async fn page(connection: &mut PgConnection, before: Option<i64>, limit: i64) -> Result<Vec<Approval>, StoreError> {
    read(connection, None, before, limit).await
}

async fn read(
    connection: &mut PgConnection,
    id: Option<i64>,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Approval>, StoreError> {
    Ok(sqlx::query_as!(
        Approval,
        r#"select a.id,
               case when a.withdrawn_in is not null then 'withdrawn' when a.used_in is not null then 'used'
                   when a.confirmed_in is not null then 'confirmed' else 'proposed' end as "state!",
               a.deed, a.subject, a.to_use, a.to_use_scheme, a.ground, a.document, a.decided_on, a.area_m2,
               a.compensation_m2, a.required_m2, a.proposed_by, p.recorded_at as proposed_at, a.confirmed_by,
               c.recorded_at as "confirmed_at?", a.withdrawn_by, w.recorded_at as "withdrawn_at?",
               u.recorded_at as "used_at?", a.used_in
           from special_approval a
           join revision p on p.id = a.proposed_in
           left join revision c on c.id = a.confirmed_in
           left join revision w on w.id = a.withdrawn_in
           left join revision u on u.id = a.used_in
           where ($1::bigint is null or a.id = $1) and ($2::bigint is null or a.id < $2)
           order by a.id desc limit $3"#,
        id,
        before,
        limit
    )
    .fetch_all(connection)
    .await?)
}

/// The land and the use of a parcel that is law on a day: its shape, code of use and scheme.
pub async fn parcel_on(
    connection: &mut PgConnection,
    code: &str,
    day: NaiveDate,
) -> Result<Option<(MultiPolygon<f64>, String, String)>, StoreError> {
    let found = sqlx::query!(
        r#"select v.land_use, v.land_use_scheme, st_asbinary(v.geom, 'NDR') as "wkb!"
           from parcel p join parcel_version v on v.parcel_id = p.id and upper_inf(v.recorded) and v.valid @> $2::date
           where p.code = $1"#,
        code,
        day
    )
    .fetch_optional(connection)
    .await?;
    found.map(|row| Ok((shape("parcel_version", code, &row.wkb)?, row.land_use, row.land_use_scheme))).transpose()
}

/// A contract as an approval sees it.
#[derive(Debug)]
pub struct OnRecord {
    /// Day of signature.
    pub signed_on: NaiveDate,
    /// Its holder.
    pub holder: Option<String>,
    /// Whether it was signed before the second lock.
    pub is_old: bool,
    /// The land that it was signed on.
    pub shape: MultiPolygon<f64>,
}

/// A contract that is believed, with the land that it was signed on; nothing where the register knows none.
pub async fn contract_on_record(connection: &mut PgConnection, number: &str) -> Result<Option<OnRecord>, StoreError> {
    let found = sqlx::query!(
        r#"select c.signed_on, c.holder, coalesce(c.signed_on < lockup_projects_since(), false) as "is_old!",
               st_asbinary(v.geom, 'NDR') as "wkb!"
           from contract c
           join parcel p on p.code = c.parcel
           cross join lateral (
               select o.geom from parcel_version o where o.parcel_id = p.id and upper_inf(o.recorded)
               order by o.valid @> c.signed_on desc, coalesce(lower(o.valid) > c.signed_on, false) desc,
                   lower(o.valid) nulls first limit 1) v
           where c.number = $1 and upper_inf(c.recorded)
           order by c.signed_on, c.id limit 1"#,
        number
    )
    .fetch_optional(connection)
    .await?;
    let read = |row: &[u8]| shape("parcel_version", number, row);
    found
        .map(|row| {
            let shape = read(&row.wkb)?;
            Ok(OnRecord { signed_on: row.signed_on, holder: row.holder, is_old: row.is_old, shape })
        })
        .transpose()
}

/// The land of a zone that is law on a day.
pub async fn zone_on(
    connection: &mut PgConnection,
    code: &str,
    day: NaiveDate,
) -> Result<Option<MultiPolygon<f64>>, StoreError> {
    let found = sqlx::query_scalar!(
        r#"select st_asbinary(geom, 'NDR') as "wkb!" from zone_version
           where code = $1 and upper_inf(recorded) and valid @> $2::date"#,
        code,
        day
    )
    .fetch_optional(connection)
    .await?;
    found.map(|wkb| shape("zone_version", code, &wkb)).transpose()
}

fn shape(table: &'static str, row: &str, wkb: &[u8]) -> Result<MultiPolygon<f64>, StoreError> {
    from_wkb(wkb).ok_or_else(|| StoreError::Value {
        table,
        column: "geom",
        row: row.to_owned(),
        value: "no polygon".to_owned(),
    })
}
