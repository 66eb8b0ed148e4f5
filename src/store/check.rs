//! What stands in the register that can't be right: one query for each question. It answers what was found and where;
//! how much it weighs and what to do about it is not known here.

mod layers;

pub use layers::{overlapping_plan_units, overlapping_zones};

use super::geometry::from_wkb;
use super::{StoreError, write};
use chrono::NaiveDate;
use geo_types::MultiPolygon;
use sqlx::postgres::PgPool;
use sqlx::{PgConnection, Postgres, Transaction};

/// One thing found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Code of what it is about.
    pub key: String,
    /// Code of the other one, where there are two.
    pub other: Option<String>,
    /// What was measured.
    pub figure: Option<f64>,
    /// Longitude and latitude of the place.
    pub place: Option<[f64; 2]>,
    /// The land at fault.
    pub shape: Option<MultiPolygon<f64>>,
}

struct Row {
    key: String,
    other: Option<String>,
    figure: Option<f64>,
    lon: Option<f64>,
    lat: Option<f64>,
    wkb: Option<Vec<u8>>,
}

fn found(rows: Vec<Row>) -> Vec<Found> {
    let one = |row: Row| Found {
        key: row.key,
        other: row.other,
        figure: row.figure,
        place: row.lon.zip(row.lat).map(|(lon, lat)| [lon, lat]),
        shape: row.wkb.as_deref().and_then(from_wkb),
    };
    rows.into_iter().map(one).collect()
}

/// Holds one moment of the register for all checks; answers its revision too.
pub async fn hold(pool: &PgPool) -> Result<(Transaction<'static, Postgres>, i64), StoreError> {
    let mut tx = pool.begin().await?;
    sqlx::raw_sql("set transaction isolation level repeatable read, read only").execute(&mut *tx).await?;
    let revision = write::head(&mut tx).await?;
    Ok((tx, revision))
}

/// Parcels of the day that lie on one another by more than so many m².
pub async fn overlapping_parcels(
    connection: &mut PgConnection,
    day: NaiveDate,
    allowed: f64,
) -> Result<Vec<Found>, StoreError> {
    let rows = sqlx::query_file_as!(Row, "src/store/check/overlapping_parcels.sql", day, allowed);
    Ok(found(rows.fetch_all(connection).await?))
}

/// Parcels of the day whose mean width is below so many metres.
pub async fn sliver_parcels(
    connection: &mut PgConnection,
    day: NaiveDate,
    allowed: f64,
) -> Result<Vec<Found>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"select p.code as "key!", null::text as other, 2 * st_area(v.geom::geography) / st_perimeter(v.geom::geography) as figure,
               st_x(st_pointonsurface(v.geom)) as lon, st_y(st_pointonsurface(v.geom)) as lat,
               st_asbinary(v.geom, 'NDR') as wkb
           from parcel_version v join parcel p on p.id = v.parcel_id
           where upper_inf(v.recorded) and v.valid @> $1::date
               and 2 * st_area(v.geom::geography) < $2 * st_perimeter(v.geom::geography)
           order by p.code collate "C""#,
        day,
        allowed
    );
    Ok(found(rows.fetch_all(connection).await?))
}

/// Holes of at most so many m² among the parcels of a block.
pub async fn gaps_in_blocks(
    connection: &mut PgConnection,
    day: NaiveDate,
    allowed: f64,
) -> Result<Vec<Found>, StoreError> {
    let rows = sqlx::query_file_as!(Row, "src/store/check/gaps_in_blocks.sql", day, allowed);
    Ok(found(rows.fetch_all(connection).await?))
}

/// Parcels of the day of whose land more than this share lies outside the district that they are booked in.
pub async fn parcels_across_districts(
    connection: &mut PgConnection,
    day: NaiveDate,
    allowed: f64,
) -> Result<Vec<Found>, StoreError> {
    let rows = sqlx::query_file_as!(Row, "src/store/check/parcels_across_districts.sql", day, allowed);
    Ok(found(rows.fetch_all(connection).await?))
}

/// Parcels of which a tier holds more than this share and less than the rest of it, as the tiers are kept for today.
pub async fn parcels_across_tiers(
    connection: &mut PgConnection,
    day: NaiveDate,
    allowed: f64,
) -> Result<Vec<Found>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"select p.code as "key!", l.zone as other, l.share as figure, st_x(st_pointonsurface(v.geom)) as lon,
               st_y(st_pointonsurface(v.geom)) as lat, st_asbinary(v.geom, 'NDR') as wkb
           from parcel_place l
           join parcel p on p.id = l.parcel_id
           join parcel_version v on v.parcel_id = p.id and upper_inf(v.recorded) and v.valid @> $1::date
           where l.share > $2 and l.share < 1 - $2::float8
           order by p.code collate "C""#,
        day,
        allowed
    );
    Ok(found(rows.fetch_all(connection).await?))
}

/// Zones that end while contracts on their land run on, with how many; the other one is the day on which they end. By the
/// share from which a tier decides; with `staged`, only those that an import is about to bring.
pub async fn zones_ending(
    connection: &mut PgConnection,
    day: NaiveDate,
    deciding_share: f64,
    staged: bool,
) -> Result<Vec<Found>, StoreError> {
    let rows = sqlx::query_file_as!(Row, "src/store/check/zones_ending.sql", day, deciding_share, staged);
    Ok(found(rows.fetch_all(connection).await?))
}

/// Parcels of the day whose registered area is more than so many per cent off the area of their shape.
pub async fn registered_areas(
    connection: &mut PgConnection,
    day: NaiveDate,
    allowed: f64,
) -> Result<Vec<Found>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"select p.code as "key!", null::text as other,
               (100 * (v.registered_area_m2::float8 / v.area_m2 - 1))::float8 as figure,
               st_x(st_pointonsurface(v.geom)) as lon, st_y(st_pointonsurface(v.geom)) as lat,
               st_asbinary(v.geom, 'NDR') as wkb
           from parcel_version v join parcel p on p.id = v.parcel_id
           where upper_inf(v.recorded) and v.valid @> $1::date
               and abs(100 * (v.registered_area_m2::float8 / v.area_m2 - 1)) > $2
           order by p.code collate "C""#,
        day,
        allowed
    );
    Ok(found(rows.fetch_all(connection).await?))
}

/// Versions of parcels whose stored area is more than so many per cent off that of their shape; the other one is the days
/// of the version.
pub async fn stored_areas(
    connection: &mut PgConnection,
    _day: NaiveDate,
    allowed: f64,
) -> Result<Vec<Found>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"select p.code as "key!", v.valid::text as other, f.percent as figure,
               st_x(st_pointonsurface(v.geom)) as lon, st_y(st_pointonsurface(v.geom)) as lat,
               st_asbinary(v.geom, 'NDR') as wkb
           from parcel_version v join parcel p on p.id = v.parcel_id
           cross join lateral (
               select 100 * (v.area_m2 / nullif(st_area(v.geom::geography), 0) - 1) as percent) f
           where upper_inf(v.recorded) and (f.percent is null or abs(f.percent) > $1)
           order by p.code collate "C", lower(v.valid) nulls first"#,
        allowed
    );
    Ok(found(rows.fetch_all(connection).await?))
}

/// Parcels of the day on which enterprises use more floor area than is built, by more than this part of it.
pub async fn occupied_beyond_built(
    connection: &mut PgConnection,
    day: NaiveDate,
    allowed: f64,
) -> Result<Vec<Found>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"with used as (
               select parcel, sum(floor_area_m2) as floor_m2 from occupancy
               where upper_inf(recorded) and from_on <= $1 and (to_on is null or to_on > $1) group by parcel)
           select u.parcel as "key!", null::text as other, u.floor_m2 / nullif(b.floor_m2, 0) - 1 as figure,
               st_x(st_pointonsurface(v.geom)) as lon, st_y(st_pointonsurface(v.geom)) as lat,
               st_asbinary(v.geom, 'NDR') as wkb
           from used u
           join parcel p on p.code = u.parcel
           join parcel_floor(null, null) b on b.parcel_id = p.id
           join parcel_version v on v.parcel_id = p.id and upper_inf(v.recorded) and v.valid @> $1::date
           where u.floor_m2 > b.floor_m2 * (1 + $2::float8)
           order by u.parcel collate "C""#,
        day,
        allowed
    );
    Ok(found(rows.fetch_all(connection).await?))
}

/// Buildings of whose outline more than this part lies on no parcel of the day.
pub async fn buildings_outside_parcels(
    connection: &mut PgConnection,
    day: NaiveDate,
    allowed: f64,
) -> Result<Vec<Found>, StoreError> {
    let rows = sqlx::query_file_as!(Row, "src/store/check/buildings_outside_parcels.sql", day, allowed);
    Ok(found(rows.fetch_all(connection).await?))
}

/// Buildings, occupancies and contracts whose parcel is not law on the day; the other one says which of the three.
pub async fn without_parcel(
    connection: &mut PgConnection,
    day: NaiveDate,
    _allowed: f64,
) -> Result<Vec<Found>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"with law as (
               select p.code from parcel p
               join parcel_version v on v.parcel_id = p.id and upper_inf(v.recorded) and v.valid @> $1::date),
           claim as (
               select 'contract ' || number as key, parcel from contract
               where upper_inf(recorded) and valid @> $1 and (term_ends_on is null or term_ends_on > $1)
               union all select 'building ' || b.code, b.parcel from building b
               where upper_inf(b.recorded) and not exists (
                   select from building_part t
                   join parcel_version v on v.parcel_id = t.parcel_id and upper_inf(v.recorded) and v.valid @> $1
                   where t.building_id = b.id and upper_inf(t.recorded))
                   and not building_is_discharged(b.code, b.parcel)
               union all select 'occupancy of ' || enterprise || ' from ' || from_on, parcel from occupancy
               where upper_inf(recorded) and from_on <= $1 and (to_on is null or to_on > $1))
           select c.key as "key!", c.parcel as other, null::float8 as figure, null::float8 as lon, null::float8 as lat,
               null::bytea as wkb
           from claim c
           where c.key like 'building %' or not exists (select from law l where l.code = c.parcel)
           order by c.key collate "C""#,
        day
    );
    Ok(found(rows.fetch_all(connection).await?))
}

/// Shares that do not sum to the whole: of a building on its parcels, and those stated of an enterprise's figures.
pub async fn shares(connection: &mut PgConnection, day: NaiveDate, _allowed: f64) -> Result<Vec<Found>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        // The sums are of decimals as written and of doubles rounded; a millionth is neither.
        r#"with stood as (
               select 'building ' || b.code as key, sum(t.share) as share
               from building b join building_part t on t.building_id = b.id and upper_inf(t.recorded)
               where upper_inf(b.recorded) group by b.code),
           stated as (
               select 'enterprise ' || enterprise as key, sum(share) as share, bool_and(share is not null) as all_stated
               from occupancy
               where upper_inf(recorded) and from_on <= $1 and (to_on is null or to_on > $1)
               group by enterprise having count(share) > 0)
           select key as "key!", null::text as other, share as figure, null::float8 as lon, null::float8 as lat,
               null::bytea as wkb
           from stood where abs(share - 1) > 1e-6
           union all
           select key, null, share, null, null, null from stated
           where share > 1 + 1e-6 or all_stated and share < 1 - 1e-6
           order by 1"#,
        day
    );
    Ok(found(rows.fetch_all(connection).await?))
}

/// Parcels whose plan condition rose above what their contract and its supplements agree to; the other one is the contract.
pub async fn plot_ratio_above_contract(
    connection: &mut PgConnection,
    day: NaiveDate,
    _allowed: f64,
) -> Result<Vec<Found>, StoreError> {
    let rows = sqlx::query_file_as!(Row, "src/store/check/plot_ratio_above_contract.sql", day);
    Ok(found(rows.fetch_all(connection).await?))
}

/// Entries of the supply ledger that secure more land than the parcel had that day, by more than so many per cent; the other
/// one is the parcel.
pub async fn secured_beyond_parcel(
    connection: &mut PgConnection,
    _day: NaiveDate,
    allowed: f64,
) -> Result<Vec<Found>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"select t.number as "key!", t.parcel as other,
               100 * (t.area_m2::float8 / greatest(v.registered_area_m2::float8, v.area_m2) - 1) as figure,
               st_x(st_pointonsurface(v.geom)) as lon, st_y(st_pointonsurface(v.geom)) as lat,
               st_asbinary(v.geom, 'NDR') as wkb
           from supply_entry t
           join parcel p on p.code = t.parcel
           join parcel_version v on v.parcel_id = p.id and upper_inf(v.recorded) and v.valid @> t.secured_on
           where upper_inf(t.recorded)
               and t.area_m2::float8 > greatest(v.registered_area_m2::float8, v.area_m2) * (1 + $1::float8 / 100)
           order by t.number collate "C""#,
        allowed
    );
    Ok(found(rows.fetch_all(connection).await?))
}

/// Entries of one year about land of one line of splits and merges; the other one is the entry of the forebear.
pub async fn land_secured_twice(
    connection: &mut PgConnection,
    _day: NaiveDate,
    _allowed: f64,
) -> Result<Vec<Found>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"with recursive secured as (
               select t.number, t.year, p.id from supply_entry t join parcel p on p.code = t.parcel
               where upper_inf(t.recorded)),
           down (number, year, parcel) as (
               select number, year, id from secured
               union
               select d.number, d.year, l.child from down d
               join lineage_link l on l.parent = d.parcel
               join lineage_event e on e.id = l.event and e.kind in ('split', 'merge'))
           select s.number as "key!", d.number as other, null::float8 as figure, null::float8 as lon, null::float8 as lat,
               null::bytea as wkb
           from down d join secured s on s.id = d.parcel and s.year = d.year and s.number <> d.number
           order by s.number collate "C", d.number collate "C""#
    );
    Ok(found(rows.fetch_all(connection).await?))
}

/// Obligations whose contract is not on record.
pub async fn obligations_without_contract(
    connection: &mut PgConnection,
    _day: NaiveDate,
    _allowed: f64,
) -> Result<Vec<Found>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"select o.number as "key!", o.contract as other, null::float8 as figure, null::float8 as lon,
               null::float8 as lat, null::bytea as wkb
           from obligation o
           where upper_inf(o.recorded)
               and not exists (select from contract c where c.number = o.contract and upper_inf(c.recorded))
           order by o.number collate "C""#
    );
    Ok(found(rows.fetch_all(connection).await?))
}

/// Open obligations that no clock can run for: nothing says when they are due.
pub async fn obligations_without_clock(
    connection: &mut PgConnection,
    _day: NaiveDate,
    _allowed: f64,
) -> Result<Vec<Found>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"select o.number as "key!", o.contract as other, null::float8 as figure, null::float8 as lon,
               null::float8 as lat, null::bytea as wkb
           from obligation o
           where upper_inf(o.recorded) and o.met_on is null
               and num_nonnulls(o.due_on, o.due_after, o.due_yearly) = 0
               and o.kind not in ('plot_ratio_low', 'plot_ratio_high', 'transfer_limit')
           order by o.number collate "C""#
    );
    Ok(found(rows.fetch_all(connection).await?))
}

/// Parcels and zones with days between two versions on which none is law.
pub async fn gaps_between_versions(
    connection: &mut PgConnection,
    _day: NaiveDate,
    _allowed: f64,
) -> Result<Vec<Found>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"with version as (
               select p.code, v.valid, v.geom,
                   lead(lower(v.valid)) over (partition by v.parcel_id order by lower(v.valid) nulls first) as next
               from parcel_version v join parcel p on p.id = v.parcel_id where upper_inf(v.recorded)
               union all
               select code, valid, geom, lead(lower(valid)) over (partition by code order by lower(valid) nulls first)
               from zone_version where upper_inf(recorded))
           select code as "key!", upper(valid)::text as other, (next - upper(valid))::float8 as figure,
               st_x(st_pointonsurface(geom)) as lon, st_y(st_pointonsurface(geom)) as lat,
               st_asbinary(geom, 'NDR') as wkb
           from version where next > upper(valid)
           order by code collate "C", 2"#
    );
    Ok(found(rows.fetch_all(connection).await?))
}

/// New projects on land outside bases and communities, as the plan was on the days of their signatures.
pub async fn projects_outside_zones(
    connection: &mut PgConnection,
    _day: NaiveDate,
    _allowed: f64,
) -> Result<Vec<Found>, StoreError> {
    let rows = sqlx::query_file_as!(Row, "src/store/check/projects_outside_zones.sql");
    Ok(found(rows.fetch_all(connection).await?))
}

/// New projects whose land fell out of every base and community within so many days of the signature; the figure is after how
/// many.
pub async fn projects_in_passing_zones(
    connection: &mut PgConnection,
    _day: NaiveDate,
    allowed: f64,
) -> Result<Vec<Found>, StoreError> {
    let rows = sqlx::query_file_as!(Row, "src/store/check/projects_in_passing_zones.sql", allowed);
    Ok(found(rows.fetch_all(connection).await?))
}

/// Contracts from before the second lock that were recorded after the register opened, with the contract on fragmented land
/// that rests on each; the figure is how many days after.
pub async fn stock_recorded_late(
    connection: &mut PgConnection,
    _day: NaiveDate,
    _allowed: f64,
) -> Result<Vec<Found>, StoreError> {
    let rows = sqlx::query_file_as!(Row, "src/store/check/stock_recorded_late.sql");
    Ok(found(rows.fetch_all(connection).await?))
}

/// Parcels of the day that came to another use on locked land, and no special approval says so.
pub async fn locked_land_in_other_use(
    connection: &mut PgConnection,
    day: NaiveDate,
    _allowed: f64,
) -> Result<Vec<Found>, StoreError> {
    let rows = sqlx::query_file_as!(Row, "src/store/check/locked_land_in_other_use.sql", day);
    Ok(found(rows.fetch_all(connection).await?))
}

/// Parcels of lineage events that are not what the event made of them: ended and still law, begun and without land, or
/// without a link to where their land came from or went.
pub async fn dangling_lineage(
    connection: &mut PgConnection,
    _day: NaiveDate,
    _allowed: f64,
) -> Result<Vec<Found>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"with party as (
               select t.event, t.parcel_id, t.part, e.kind, p.code,
                   exists (select from parcel_version v where v.parcel_id = t.parcel_id and upper_inf(v.recorded)
                       and v.valid @> e.on_date) as is_law
               from lineage_party t join lineage_event e on e.id = t.event join parcel p on p.id = t.parcel_id)
           select y.code as "key!", 'event ' || y.event as other, null::float8 as figure,
               st_x(st_pointonsurface(v.geom)) as lon, st_y(st_pointonsurface(v.geom)) as lat,
               st_asbinary(v.geom, 'NDR') as wkb
           from party y
           left join lateral (
               select geom from parcel_version v where v.parcel_id = y.parcel_id and upper_inf(v.recorded)
               order by lower(v.valid) desc nulls last limit 1) v on true
           where y.is_law = (y.part = 'ended')
               or y.kind in ('split', 'merge') and not exists (
                   select from lineage_link l
                   where l.event = y.event and y.parcel_id in (l.parent, l.child))
           order by y.code collate "C", y.event"#
    );
    Ok(found(rows.fetch_all(connection).await?))
}
