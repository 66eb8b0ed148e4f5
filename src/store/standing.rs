//! Where land stands in the plan, worked out by PostGIS: geodesic areas, and of land in two zones each part once. What the
//! parts mean is for the domain to say.

use super::StoreError;
use super::geometry::{from_wkb, push_hex};
use crate::domain::moment::Moment;
use crate::domain::quantity::SquareMetres;
use crate::domain::zoning::Tier;
use crate::domain::zoning::plan_unit::{Permitted, parse_uses};
use crate::domain::zoning::standing::{Layer, Measured, Overlap, Part, Rule, Standing};
use chrono::{DateTime, NaiveDate, Utc};
use geo_types::MultiPolygon;
use sqlx::{PgConnection, PgPool, Postgres, Transaction};

/// Holds one moment of the register, for reading alone.
pub async fn hold(pool: &PgPool) -> Result<Transaction<'static, Postgres>, StoreError> {
    let mut tx = pool.begin().await?;
    sqlx::raw_sql("set transaction isolation level repeatable read, read only").execute(&mut *tx).await?;
    Ok(tx)
}

/// Where a shape stands on a day, as believed at a time or now: what it shares with each area of the plan, and the tier and
/// lock that follow by the shares given.
pub async fn standing(
    connection: &mut PgConnection,
    shape: &MultiPolygon<f64>,
    day: NaiveDate,
    known_at: Option<DateTime<Utc>>,
    deciding_share: f64,
    border_tolerance: f64,
) -> Result<Standing, StoreError> {
    let rule = Rule { deciding_share, border_tolerance };
    lay(connection, &text(shape), None, Moment { valid_at: day, known_at }, rule).await
}

/// The same of a single place, which has no area: it shares all of itself with whatever it lies in or on the border of.
pub async fn standing_at(
    connection: &mut PgConnection,
    [lon, lat]: [f64; 2],
    moment: Moment,
    rule: Rule,
) -> Result<Standing, StoreError> {
    lay(connection, &format!("SRID=4490;POINT({lon} {lat})"), None, moment, rule).await
}

/// The same of a parcel that is law at the moment, with its shape; nothing where it is not.
pub async fn standing_of(
    connection: &mut PgConnection,
    parcel: &str,
    moment: Moment,
    rule: Rule,
) -> Result<Option<(Standing, MultiPolygon<f64>)>, StoreError> {
    let found = sqlx::query!(
        r#"select v.area_m2, st_asbinary(v.geom, 'NDR') as "wkb!" from parcel p
           join parcel_version v on v.parcel_id = p.id and v.valid @> $2::date
               and v.recorded @> coalesce($3::timestamptz, 'infinity')
           where p.code = $1"#,
        parcel,
        moment.valid_at,
        moment.known_at
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(found) = found else { return Ok(None) };
    let shape = from_wkb(&found.wkb).ok_or_else(|| StoreError::Value {
        table: "parcel_version",
        column: "geom",
        row: parcel.to_owned(),
        value: "no polygon".to_owned(),
    })?;
    Ok(Some((lay(connection, &text(&shape), Some(found.area_m2), moment, rule).await?, shape)))
}

/// An area of the plan, as much of it as lies in a box, with corners that a picture does not show left out.
#[derive(Debug, Clone)]
pub struct InView {
    /// Which layer.
    pub layer: Layer,
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Its tier, for a zone.
    pub tier: Option<Tier>,
    /// Whether it is locked, for a zone.
    pub locked: bool,
    /// Its class, for a legacy area.
    pub class: Option<String>,
    /// Its land in the box.
    pub shape: MultiPolygon<f64>,
}

/// The areas of the plan in a box (west, south, east, north) at a moment; corners nearer to one another than `grain` degrees
/// may be left out.
pub async fn in_view(
    connection: &mut PgConnection,
    [west, south, east, north]: [f64; 4],
    moment: Moment,
    grain: f64,
) -> Result<Vec<InView>, StoreError> {
    let rows = sqlx::query!(
        r#"with box as (select st_makeenvelope($1, $2, $3, $4, 4490) as geom),
           law as (
               select 'zone' as layer, code, name, tier, locked, null as class, geom from zone_version
               where recorded @> coalesce($6::timestamptz, 'infinity') and valid @> $5::date
               union all
               select 'plan-unit', code, name, null, false, null, geom from plan_unit_version
               where recorded @> coalesce($6::timestamptz, 'infinity') and valid @> $5::date
               union all
               select 'legacy', code, name, null, false, class, geom from legacy_area_version
               where recorded @> coalesce($6::timestamptz, 'infinity') and valid @> $5::date),
           cut as (
               select l.*, st_multi(st_collectionextract(st_intersection(
                   st_simplifypreservetopology(l.geom, $7), b.geom), 3)) as part
               from box b join law l on st_intersects(l.geom, b.geom))
           select layer as "layer!", code as "code!", name as "name!", tier, locked as "locked!", class,
               st_asbinary(part, 'NDR') as "wkb!"
           from cut where not st_isempty(part) order by layer, code collate "C""#,
        west,
        south,
        east,
        north,
        moment.valid_at,
        moment.known_at,
        grain
    )
    .fetch_all(connection)
    .await?;
    let areas = rows.into_iter().filter_map(|row| {
        Some(InView {
            layer: layer(&row.layer),
            tier: row.tier.as_deref().and_then(Tier::parse),
            locked: row.locked,
            class: row.class,
            shape: from_wkb(&row.wkb)?,
            code: row.code,
            name: row.name,
        })
    });
    Ok(areas.collect())
}

fn layer(word: &str) -> Layer {
    match word {
        "zone" => Layer::Zone,
        "plan-unit" => Layer::PlanUnit,
        _ => Layer::Legacy,
    }
}

fn text(shape: &MultiPolygon<f64>) -> String {
    let mut digits = Vec::new();
    push_hex(&mut digits, shape);
    digits.into_iter().map(char::from).collect()
}

async fn lay(
    connection: &mut PgConnection,
    shape: &str,
    area_m2: Option<f64>,
    moment: Moment,
    rule: Rule,
) -> Result<Standing, StoreError> {
    let Moment { valid_at, known_at } = moment;
    let rows =
        sqlx::query_file!("src/store/standing.sql", shape, area_m2, valid_at, known_at).fetch_all(connection).await?;
    let first = rows.first().ok_or(sqlx::Error::RowNotFound)?;
    let part = |is_whole: bool, square_metres: f64| {
        let share = match is_whole {
            true => 1.0,
            // A single place has no area, of which no share can be taken.
            false if first.area_m2 <= 0.0 => 0.0,
            false => (square_metres / first.area_m2).min(1.0),
        };
        Part { area_m2: SquareMetres(square_metres), share }
    };
    let measured = Measured {
        area_m2: SquareMetres(first.area_m2),
        base: part(first.whole_base, first.base_m2),
        community: part(first.whole_community, first.community_m2),
        zoned: part(first.whole_zoned, first.zoned_m2),
        locked: part(first.whole_locked, first.locked_m2),
    };
    let plan_is_known = first.plan_is_known;
    let mut overlaps = Vec::with_capacity(rows.len());
    for row in rows {
        let (Some(layer), Some(code)) = (row.layer, row.code) else { continue };
        let bad = |column, value: Option<&str>| StoreError::Value {
            table: "the plan",
            column,
            row: code.clone(),
            value: value.unwrap_or("nothing").to_owned(),
        };
        let tier =
            row.tier.as_deref().map(|word| Tier::parse(word).ok_or_else(|| bad("tier", Some(word)))).transpose()?;
        let permitted = row.land_use_scheme.zip(row.uses.as_deref()).map(|(land_use_scheme, uses)| {
            let uses = parse_uses(uses).ok_or_else(|| bad("uses", Some(uses)))?;
            Ok::<_, StoreError>(Permitted { land_use_scheme, uses })
        });
        overlaps.push(Overlap {
            layer: self::layer(&layer),
            tier,
            locked: row.locked.unwrap_or(false),
            class: row.class,
            permitted: permitted.transpose()?,
            document: row.document,
            decided_on: row.decided_on,
            valid_from: row.valid_from.ok_or_else(|| bad("valid", None))?,
            valid_to: row.valid_to,
            part: Part { area_m2: SquareMetres(row.part_m2.unwrap_or(0.0)), share: row.share.unwrap_or(0.0) },
            name: row.name.unwrap_or_default(),
            code,
        });
    }
    Ok(Standing::of(valid_at, &measured, rule, plan_is_known, overlaps))
}
