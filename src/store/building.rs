//! Buildings, and the parcels on which they stand.

use super::StoreError;
use super::copy::Rows;
use super::doubt::{Doubt, Doubts};
use super::place;
use super::recorded::merge_recorded;
use super::stage::{FIRST_PAGE, Merged, Refused, Row};
use super::write::Write;
use crate::domain::building::Building;
use crate::domain::id::ParcelCode;
use crate::domain::quantity::SquareMetres;
use chrono::NaiveDate;
use geo_types::MultiPolygon;
use sqlx::PgConnection;

/// Puts one row on its way in.
pub fn stage(rows: &mut Rows, file: i16, row: u64, it: &Building, shape: Option<&MultiPolygon<f64>>) {
    rows.row(file, row, &it.code)
        .text(&it.code)
        .optional_text(it.parcel.as_ref().map(ParcelCode::as_str))
        .value(&it.storeys)
        .optional_number(it.storey_height_m)
        .optional_number(it.footprint.map(SquareMetres::value))
        .value(&it.floor_area.value())
        .optional_number(it.used_floor_area.map(SquareMetres::value))
        .optional(it.built_year.as_ref())
        .optional_shape(shape)
        .optional_number(it.vacant_floor_area.map(SquareMetres::value))
        .end();
}

/// Takes out the staged rows that refer to nothing.
pub(super) async fn check(connection: &mut PgConnection) -> Result<Vec<Refused>, StoreError> {
    let mut refused = Vec::new();
    refused.extend(place::invalid_shapes(connection, "stage_building", FIRST_PAGE).await?);
    let rows = sqlx::query_as!(
        Row,
        "delete from stage_building s where s.parcel is not null and not exists (select from parcel t where t.code = s.parcel)
         returning s.file, s.row, s.key, s.parcel as value"
    )
    .fetch_all(&mut *connection)
    .await?;
    refused.extend(rows.into_iter().map(|row| {
        row.refuse("unknown-parcel", "parcel_code", "the code of a parcel in the register; import parcels first")
    }));
    // What stood there when the parcel ended is known, wherever it is on record since; nothing else comes to stand there.
    let rows = sqlx::query_as!(
        Row,
        "delete from stage_building s using parcel p, lineage_party y, lineage_event e, revision r
         where p.code = s.parcel and y.parcel_id = p.id and y.part = 'ended' and e.id = y.event and r.id = e.revision
           and not exists (
               select from building t
               where t.code = s.code and (upper_inf(t.recorded) or upper(t.recorded) = r.recorded_at)
                 and (t.parcel, t.storeys, t.storey_height_m, t.footprint_m2, t.floor_area_m2, t.used_floor_area_m2,
                      t.built_year, t.geom, t.vacant_floor_area_m2)
                     is not distinct from
                     (s.parcel, s.storeys, s.storey_height_m, s.footprint_m2, s.floor_area_m2, s.used_floor_area_m2,
                      s.built_year, s.geom, s.vacant_floor_area_m2))
         returning s.file, s.row, s.key, format('%s, ended on %s by %s (%s)', s.parcel, e.on_date, e.kind, e.document) as value"
    )
    .fetch_all(&mut *connection)
    .await?;
    refused.extend(rows.into_iter().map(|row| {
        row.refuse(
            "parcel-retired",
            "parcel_code",
            "a parcel that is law, or nothing; landcycle lineage show names the successors of this one",
        )
    }));
    Ok(refused)
}

/// Merges the staged rows.
pub(super) async fn merge(write: &mut Write) -> Result<Merged, StoreError> {
    // What passed the checks on a parcel that has ended is known.
    let known = sqlx::query!(
        "delete from stage_building s using parcel p, lineage_party y
         where p.code = s.parcel and y.parcel_id = p.id and y.part = 'ended'"
    )
    .execute(write.connection())
    .await?
    .rows_affected();
    let merged: Result<Merged, StoreError> = merge_recorded!(
        write,
        "building",
        from "stage_building",
        matching "t.code = s.code",
        changed "t.parcel, t.storeys, t.storey_height_m, t.footprint_m2, t.floor_area_m2, t.used_floor_area_m2, \
         t.built_year, t.geom, t.vacant_floor_area_m2"
        to "s.parcel, s.storeys, s.storey_height_m, s.footprint_m2, s.floor_area_m2, s.used_floor_area_m2, \
         s.built_year, s.geom, s.vacant_floor_area_m2",
        columns "code, parcel, storeys, storey_height_m, footprint_m2, floor_area_m2, used_floor_area_m2, \
         built_year, geom, vacant_floor_area_m2",
        values "s.code, s.parcel, s.storeys, s.storey_height_m, s.footprint_m2, s.floor_area_m2, \
         s.used_floor_area_m2, s.built_year, s.geom, s.vacant_floor_area_m2"
    );
    merged.map(|merged| merged.with_known(known))
}

/// Which buildings may stand elsewhere than before.
#[derive(Debug, Clone, Copy)]
pub enum Moved<'a> {
    /// Those just merged.
    StagedBuildings,
    /// Those on the land of the parcels that this write gave a version, as it was or as it is.
    WrittenParcels,
    /// Those on the land of these parcels by code, as it was or as it is.
    Parcels(&'a [String]),
    /// Those on the land of parcels that became law, or ceased to be, after one day and until another.
    Law(NaiveDate, NaiveDate),
}

/// Works out again where buildings stand on the land that is law on the day, through the R-tree; answers how many
/// parts are new or gone.
///
/// A building with an outline stands where its outline lies, whatever parcel its data set names, shared by geodesic
/// footprint; a parcel that holds less than `least_share` of it has no part in it. One without an outline, or whose
/// outline lies on no parcel, stands on the parcel that its data set names.
pub async fn stand(write: &mut Write, moved: Moved<'_>, day: NaiveDate, least_share: f64) -> Result<u64, StoreError> {
    let buildings = moved_buildings(write, moved).await?;
    if buildings.is_empty() {
        return Ok(0);
    }
    let at = write.recorded_at;
    let mut changed = 0;
    let connection = write.connection();
    let stood = sqlx::query_scalar!(
        r#"select exists (select from building_part where building_id = any($1) and upper_inf(recorded)) as "stood!""#,
        &buildings
    )
    .fetch_one(&mut *connection)
    .await?;
    if stood {
        changed += sqlx::query!(
            "with stands as materialized (select * from building_stand($1, $2, $3))
             update building_part t set recorded = tstzrange(lower(t.recorded), $4)
             where t.building_id = any($1) and upper_inf(t.recorded)
               and not exists (
                   select from stands s
                   where (s.building_id, s.parcel_id, s.share) = (t.building_id, t.parcel_id, t.share)
                     and s.footprint_m2 is not distinct from t.footprint_m2)",
            &buildings,
            day,
            least_share,
            at
        )
        .execute(&mut *connection)
        .await?
        .rows_affected();
    }
    changed += sqlx::query!(
        "insert into building_part (building_id, parcel_id, recorded, share, footprint_m2)
         select s.building_id, s.parcel_id, tstzrange($4, null), s.share, s.footprint_m2
         from building_stand($1, $2, $3) s
         where not exists (
             select from building_part t
             where (t.building_id, t.parcel_id) = (s.building_id, s.parcel_id) and upper_inf(t.recorded))",
        &buildings,
        day,
        least_share,
        at
    )
    .execute(connection)
    .await?
    .rows_affected();
    Ok(changed)
}

async fn moved_buildings(write: &mut Write, moved: Moved<'_>) -> Result<Vec<i64>, StoreError> {
    let revision = write.revision;
    let connection = write.connection();
    // Without this the first million parcels would each be looked up in an empty tree.
    let none = sqlx::query_scalar!(r#"select not exists (select from building) as "none!""#)
        .fetch_one(&mut *connection)
        .await?;
    if none {
        return Ok(Vec::new());
    }
    let parcels = match moved {
        Moved::StagedBuildings => {
            return Ok(sqlx::query_scalar!(
                "select b.id from stage_building s join building b on b.code = s.code and upper_inf(b.recorded) order by b.id"
            )
            .fetch_all(connection)
            .await?);
        }
        Moved::WrittenParcels => {
            sqlx::query_scalar!(
                "select distinct parcel_id from parcel_version where revision = $1 order by 1",
                revision
            )
            .fetch_all(&mut *connection)
            .await?
        }
        Moved::Parcels(codes) => {
            sqlx::query_scalar!("select id from parcel where code = any($1) order by id", codes)
                .fetch_all(&mut *connection)
                .await?
        }
        Moved::Law(after, until) => {
            sqlx::query_scalar!(
                "select distinct parcel_id from parcel_version
                 where upper_inf(recorded)
                   and (lower(valid) > $1 and lower(valid) <= $2 or upper(valid) > $1 and upper(valid) <= $2)",
                after,
                until
            )
            .fetch_all(&mut *connection)
            .await?
        }
    };
    Ok(sqlx::query_scalar!(
        r#"select t.building_id as "id!" from building_part t join building b on b.id = t.building_id and upper_inf(b.recorded)
           where t.parcel_id = any($1) and upper_inf(t.recorded)
           union
           select b.id from parcel_version v join building b on upper_inf(b.recorded) and b.geom && v.geom
           where v.parcel_id = any($1) and upper_inf(v.recorded)
           union
           select b.id from parcel p join building b on b.parcel = p.code and upper_inf(b.recorded)
           where p.id = any($1)
           order by 1"#,
        &parcels
    )
    .fetch_all(connection)
    .await?)
}

/// The staged buildings that stand elsewhere than their data set says, or nowhere; at most `most` of them.
pub async fn misplaced(connection: &mut PgConnection, most: i64) -> Result<Doubts, StoreError> {
    let rows = sqlx::query!(
        r#"select s.file, s.row, s.key, s.parcel, on_code as "on_code?", count(*) over () as "all!"
           from stage_building s
           join building b on b.code = s.code and upper_inf(b.recorded)
           left join lateral (
               select p.code as on_code from building_part t join parcel p on p.id = t.parcel_id
               where t.building_id = b.id and upper_inf(t.recorded) order by t.share desc, p.code limit 1) stands on true
           where b.geom is not null
             and case when s.parcel is null then on_code is null
                 else not exists (
                     select from building_part t join parcel p on p.id = t.parcel_id
                     where t.building_id = b.id and upper_inf(t.recorded) and p.code = s.parcel and t.footprint_m2 is not null) end
           order by s.file, s.row limit $1"#,
        most
    )
    .fetch_all(connection)
    .await?;
    let all = rows.first().map_or(0, |row| row.all.unsigned_abs());
    let kept = rows.into_iter().map(|row| {
        let (code, expected) = match (&row.parcel, row.on_code) {
            (None, _) => {
                ("building-on-no-parcel", "an outline on a parcel of the register, or a parcel code".to_owned())
            }
            (Some(named), Some(on)) if *named == on => {
                ("outline-on-no-parcel", format!("an outline on {named}; the building is counted there all the same"))
            }
            (Some(_), on) => {
                let on = on.unwrap_or_default();
                (
                    "building-on-another-parcel",
                    format!("{on}, on which most of its outline lies and which it counts on"),
                )
            }
        };
        Doubt {
            file: row.file,
            row: row.row,
            key: row.key,
            code,
            field: "parcel_code",
            value: row.parcel.unwrap_or_default(),
            expected,
            facts: Vec::new(),
        }
    });
    Ok(Doubts { kept: kept.collect(), all })
}
