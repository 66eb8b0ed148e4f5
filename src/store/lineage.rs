//! Lineage as it is stored: events, who took part, which land went where. PostGIS lays the land of parents and children
//! over each other inside the transaction that decides; what must hold of the answer is said in `domain`.

pub mod duty;
pub mod family;

use super::StoreError;
use super::geometry::{from_wkb, to_hex};
use super::write::Write;
use crate::domain::lineage::{Child, Kind, Link, Overlay, Parent, Plan};
use chrono::NaiveDate;
use geo_types::{MultiLineString, MultiPolygon};
use sqlx::PgConnection;

/// A parcel as the register has it on the day of an event.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its code.
    pub code: String,
    /// What is law on the day, with its land; nothing where nothing is.
    pub law: Option<(Parent, MultiPolygon<f64>)>,
    /// The first day after the event's on which something else is law.
    pub later: Option<NaiveDate>,
    /// Which event ended it, and on which day.
    pub ended: Option<(Kind, NaiveDate)>,
}

/// Looks parcels up by code, in the order of the codes; an unknown code is left out.
pub async fn find(connection: &mut PgConnection, codes: &[String], on: NaiveDate) -> Result<Vec<Found>, StoreError> {
    let rows = sqlx::query!(
        r#"select p.code, v.area_m2 as "area_m2?", v.district as "district?", v.park, v.land_use as "land_use?",
               v.land_use_scheme as "land_use_scheme?", v.plot_ratio_allowed, lower(v.valid) as valid_from,
               st_asbinary(v.geom, 'NDR') as wkb, e.kind as "ended_by?", e.on_date as "ended_on?",
               (select min(lower(o.valid)) from parcel_version o
                where o.parcel_id = p.id and upper_inf(o.recorded) and lower(o.valid) > $2::date) as later
           from unnest($1::text[]) with ordinality asked (code, place)
           join parcel p on p.code = asked.code
           left join parcel_version v on v.parcel_id = p.id and upper_inf(v.recorded) and v.valid @> $2::date
           left join lineage_party y on y.parcel_id = p.id and y.part = 'ended'
           left join lineage_event e on e.id = y.event
           order by asked.place"#,
        codes,
        on
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let unknown = |column, value: &str| StoreError::Value {
                table: "parcel_version",
                column,
                row: row.code.clone(),
                value: value.to_owned(),
            };
            let law = match (row.area_m2, row.district, row.land_use, row.land_use_scheme, &row.wkb) {
                (Some(area_m2), Some(district), Some(land_use), Some(land_use_scheme), Some(wkb)) => {
                    let shape = from_wkb(wkb).ok_or_else(|| unknown("geom", "no polygon"))?;
                    let parent = Parent {
                        code: row.code.clone(),
                        area_m2,
                        district,
                        park: row.park,
                        land_use,
                        land_use_scheme,
                        plot_ratio_allowed: row.plot_ratio_allowed,
                        valid_from: row.valid_from,
                    };
                    Some((parent, shape))
                }
                _ => None,
            };
            let ended = match (row.ended_by, row.ended_on) {
                (Some(kind), Some(on)) => Some((parse_kind(&kind, &row.code)?, on)),
                _ => None,
            };
            Ok(Found { code: row.code, law, later: row.later, ended })
        })
        .collect()
}

fn parse_kind(word: &str, row: &str) -> Result<Kind, StoreError> {
    Kind::parse(word).ok_or_else(|| StoreError::Value {
        table: "lineage_event",
        column: "kind",
        row: row.to_owned(),
        value: word.to_owned(),
    })
}

/// Whether an event ended the parcel.
pub async fn is_ended(connection: &mut PgConnection, parcel: i64) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select exists (select from lineage_party where parcel_id = $1 and part = 'ended') as "ended!""#,
        parcel
    )
    .fetch_one(connection)
    .await?)
}

/// Which of the codes some parcel has or had.
pub async fn codes_in_use(connection: &mut PgConnection, codes: &[String]) -> Result<Vec<String>, StoreError> {
    Ok(sqlx::query_scalar!("select code from parcel where code = any($1) order by code", codes)
        .fetch_all(connection)
        .await?)
}

/// The highest serial that a code beginning with these 14 characters has or had; 0 where none has.
pub async fn highest_serial(connection: &mut PgConnection, stem: &str) -> Result<u32, StoreError> {
    let highest = sqlx::query_scalar!(
        "select max(substr(code, 15, 5)::int) from parcel
         where code between $1::text || '00000' and $1::text || '99999Z' and left(code, 14) = $1",
        stem
    )
    .fetch_one(connection)
    .await?;
    Ok(highest.and_then(|serial| u32::try_from(serial).ok()).unwrap_or(0))
}

fn shape(wkb: &[u8]) -> Result<MultiPolygon<f64>, StoreError> {
    from_wkb(wkb).ok_or_else(|| StoreError::Value {
        table: "parcel_version",
        column: "geom",
        row: "an overlay".to_owned(),
        value: "no polygon".to_owned(),
    })
}

/// Cuts a shape along a line; answers the pieces from west to east, and of equal ones from south to north.
pub async fn cut(
    connection: &mut PgConnection,
    whole: &MultiPolygon<f64>,
    line: &MultiLineString<f64>,
) -> Result<Vec<MultiPolygon<f64>>, StoreError> {
    let parts: Vec<String> = line
        .0
        .iter()
        .map(|part| {
            let points: Vec<String> = part.0.iter().map(|point| format!("{} {}", point.x, point.y)).collect();
            format!("({})", points.join(","))
        })
        .collect();
    let line = format!("SRID=4490;MULTILINESTRING({})", parts.join(","));
    let rows = sqlx::query_scalar!(
        r#"select st_asbinary(st_multi(piece.geom), 'NDR') as "wkb!"
           from st_dump(st_split($1::text::geometry, $2::text::geometry)) piece
           order by st_xmin(piece.geom), st_ymin(piece.geom), st_xmax(piece.geom)"#,
        to_hex(whole),
        line
    )
    .fetch_all(connection)
    .await?;
    rows.iter().map(|wkb| shape(wkb)).collect()
}

/// Metres of a degree of latitude, of the longest: a tolerance in degrees is never more than it is in metres.
const DEGREE_M: f64 = 111_700.0;

/// The land of several shapes together. Corners within so many metres of each other are one: a line that ends on the
/// boundary of a neighbour ends, by rounding, a hair before it or behind, and land that was divided so is whole again.
pub async fn union(
    connection: &mut PgConnection,
    shapes: &[&MultiPolygon<f64>],
    same_corner_m: f64,
) -> Result<MultiPolygon<f64>, StoreError> {
    let shapes: Vec<String> = shapes.iter().copied().map(to_hex).collect();
    let wkb = sqlx::query_file_scalar!("src/store/lineage/union.sql", &shapes, same_corner_m / DEGREE_M)
        .fetch_one(connection)
        .await?;
    shape(&wkb)
}

/// What GEOS says against each shape, if anything, and a point on it.
pub async fn judge_shapes(
    connection: &mut PgConnection,
    shapes: &[&MultiPolygon<f64>],
) -> Result<Vec<(Option<String>, [f64; 2])>, StoreError> {
    let shapes: Vec<String> = shapes.iter().copied().map(to_hex).collect();
    let rows = sqlx::query!(
        r#"select case when not st_isvalid(g) then st_isvalidreason(g) end as reason,
               coalesce(st_x(st_pointonsurface(g)), st_xmin(g)) as "x!", coalesce(st_y(st_pointonsurface(g)), st_ymin(g)) as "y!"
           from (select one::geometry as g, place from unnest($1::text[]) with ordinality t (one, place)) s order by place"#,
        &shapes
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.reason, [row.x, row.y])).collect())
}

/// Lays children over parents. Every shape must be valid.
pub async fn overlay(
    connection: &mut PgConnection,
    parents: &[(&str, &MultiPolygon<f64>)],
    children: &[(&str, &MultiPolygon<f64>)],
) -> Result<Overlay, StoreError> {
    let codes =
        |side: &[(&str, &MultiPolygon<f64>)]| side.iter().map(|(code, _)| (*code).to_owned()).collect::<Vec<_>>();
    let shapes = |side: &[(&str, &MultiPolygon<f64>)]| side.iter().map(|(_, one)| to_hex(one)).collect::<Vec<_>>();
    let (parent_codes, child_codes) = (codes(parents), codes(children));
    let (parent_shapes, child_shapes) = (shapes(parents), shapes(children));
    let rows = sqlx::query!(
        r#"with parent as (select code, one::geometry as geom from unnest($1::text[], $2::text[]) p (code, one)),
           child as (select code, one::geometry as geom, place from unnest($3::text[], $4::text[]) with ordinality c (code, one, place)),
           laid as (
               select 'link' as what, p.code as one, c.code as other, st_collectionextract(st_intersection(p.geom, c.geom), 3) as geom
               from parent p join child c on st_intersects(p.geom, c.geom)
               union all
               select 'overlap', a.code, b.code, st_collectionextract(st_intersection(a.geom, b.geom), 3)
               from child a join child b on a.place < b.place and st_intersects(a.geom, b.geom)
               union all
               select 'gap', '', '', st_collectionextract(st_difference((select st_union(geom) from parent), (select st_union(geom) from child)), 3)
               union all
               select 'outside', '', '', st_collectionextract(st_difference((select st_union(geom) from child), (select st_union(geom) from parent)), 3))
           select what as "what!", one as "one!", other as "other!", st_area(geom::geography) as "area_m2!"
           from laid where not st_isempty(geom) order by 1, 2, 3"#,
        &parent_codes,
        &parent_shapes,
        &child_codes,
        &child_shapes
    )
    .fetch_all(connection)
    .await?;
    let mut overlay = Overlay::default();
    for row in rows {
        match row.what.as_str() {
            "link" => overlay.links.push(Link { parent: row.one, child: row.other, area_m2: row.area_m2 }),
            "overlap" => overlay.overlaps.push((row.one, row.other, row.area_m2)),
            "gap" => overlay.gap_m2 = row.area_m2,
            _ => overlay.outside_m2 = row.area_m2,
        }
    }
    Ok(overlay)
}

/// A child with its land, and the parcel whose other properties it takes over.
#[derive(Debug, Clone)]
pub struct Heir {
    /// What it is.
    pub child: Child,
    /// Its land.
    pub shape: MultiPolygon<f64>,
    /// The code of the parcel whose district, park, use and address it takes over.
    pub takes_after: String,
    /// The highest plot ratio of its plan condition.
    pub plot_ratio_allowed: Option<f64>,
}

/// Writes an event: ends or changes its parents, begins its children, and says so. Answers the number of the event.
pub async fn record(write: &mut Write, plan: &Plan, heirs: &[Heir]) -> Result<i64, StoreError> {
    let (revision, at, on) = (write.revision, write.recorded_at, plan.event.on);
    let kind = plan.event.kind;
    let connection = write.connection();
    let parents: Vec<String> = plan.parents.iter().map(|one| one.code.clone()).collect();
    sqlx::query!(
        "with closed as (
             update parcel_version t set recorded = tstzrange(lower(t.recorded), $1) from parcel p
             where p.code = any($2) and t.parcel_id = p.id and upper_inf(t.recorded) and t.valid @> $3::date
             returning t.*)
         insert into parcel_version (parcel_id, valid, recorded, district, park, land_use, land_use_scheme,
             registered_area_m2, area_m2, plot_ratio_allowed, address, source_id, geom, revision)
         select parcel_id, daterange(lower(valid), $3), tstzrange($1, null), district, park, land_use, land_use_scheme,
             registered_area_m2, area_m2, plot_ratio_allowed, address, source_id, geom, $4
         from closed",
        at,
        &parents,
        on,
        revision
    )
    .execute(&mut *connection)
    .await?;
    let codes: Vec<String> = heirs.iter().map(|heir| heir.child.code.clone()).collect();
    if kind.ends_parents() {
        sqlx::query!("insert into parcel (code) select code from unnest($1::text[]) code", &codes)
            .execute(&mut *connection)
            .await?;
    }
    let takes_after: Vec<String> = heirs.iter().map(|heir| heir.takes_after.clone()).collect();
    let areas: Vec<f64> = heirs.iter().map(|heir| heir.child.area_m2).collect();
    let registered: Vec<Option<f64>> = heirs.iter().map(|heir| heir.child.registered_area_m2).collect();
    let ratios: Vec<Option<f64>> = heirs.iter().map(|heir| heir.plot_ratio_allowed).collect();
    let shapes: Vec<String> = heirs.iter().map(|heir| to_hex(&heir.shape)).collect();
    sqlx::query!(
        "insert into parcel_version (parcel_id, valid, recorded, district, park, land_use, land_use_scheme,
             registered_area_m2, area_m2, plot_ratio_allowed, address, source_id, geom, revision)
         select p.id, daterange($7, null), tstzrange($8, null), v.district, v.park, v.land_use, v.land_use_scheme,
             h.registered::numeric(16, 4), h.area_m2, h.ratio, v.address,
             -- No sender knows a parcel that an event began.
             case when h.code = h.takes_after then v.source_id end, h.shape::geometry, $9
         from unnest($1::text[], $2::text[], $3::float8[], $4::float8[], $5::float8[], $6::text[])
             h (code, takes_after, area_m2, registered, ratio, shape)
         join parcel p on p.code = h.code
         join parcel o on o.code = h.takes_after
         join parcel_version v on v.parcel_id = o.id and upper_inf(v.recorded) and upper(v.valid) = $7",
        &codes,
        &takes_after,
        &areas,
        &registered as &[Option<f64>],
        &ratios as &[Option<f64>],
        &shapes,
        on,
        at,
        revision
    )
    .execute(&mut *connection)
    .await?;
    let event = sqlx::query_scalar!(
        "insert into lineage_event (kind, on_date, document, ground, revision) values ($1, $2, $3, $4, $5) returning id",
        kind.name(),
        on,
        plan.event.document,
        plan.event.ground,
        revision
    )
    .fetch_one(&mut *connection)
    .await?;
    let parties = parties(plan);
    let party_codes: Vec<String> = parties.iter().map(|party| party.0.clone()).collect();
    let parts: Vec<String> = parties.iter().map(|party| party.1.to_owned()).collect();
    let before: Vec<Option<f64>> = parties.iter().map(|party| party.2).collect();
    let after: Vec<Option<f64>> = parties.iter().map(|party| party.3).collect();
    sqlx::query!(
        "insert into lineage_party (event, parcel_id, part, area_before_m2, area_after_m2)
         select $1, p.id, y.part, y.before, y.after
         from unnest($2::text[], $3::text[], $4::float8[], $5::float8[]) y (code, part, before, after)
         join parcel p on p.code = y.code",
        event,
        &party_codes,
        &parts,
        &before as &[Option<f64>],
        &after as &[Option<f64>]
    )
    .execute(&mut *connection)
    .await?;
    let from: Vec<String> = plan.links.iter().map(|link| link.parent.clone()).collect();
    let to: Vec<String> = plan.links.iter().map(|link| link.child.clone()).collect();
    let areas: Vec<f64> = plan.links.iter().map(|link| link.area_m2).collect();
    sqlx::query!(
        "insert into lineage_link (event, parent, child, area_m2)
         select $1, p.id, c.id, l.area_m2 from unnest($2::text[], $3::text[], $4::float8[]) l (parent, child, area_m2)
         join parcel p on p.code = l.parent join parcel c on c.code = l.child",
        event,
        &from,
        &to,
        &areas
    )
    .execute(&mut *connection)
    .await?;
    if kind.ends_parents() {
        // What parcels of today have; a historic one has no today.
        sqlx::query!(
            "delete from parcel_place l using parcel p where p.id = l.parcel_id and p.code = any($1)",
            &parents
        )
        .execute(connection)
        .await?;
    }
    Ok(event)
}

/// Code, part in the event, area before and after.
fn parties(plan: &Plan) -> Vec<(String, &'static str, Option<f64>, Option<f64>)> {
    if plan.event.kind.ends_parents() {
        let ended = plan.parents.iter().map(|one| (one.code.clone(), "ended", Some(one.area_m2), None));
        let begun = plan.children.iter().map(|one| (one.code.clone(), "begun", None, Some(one.area_m2)));
        return ended.chain(begun).collect();
    }
    let after = |code: &str| plan.children.iter().find(|one| one.code == code).map(|one| one.area_m2);
    plan.parents.iter().map(|one| (one.code.clone(), "changed", Some(one.area_m2), after(&one.code))).collect()
}

/// Takes out the staged parcels whose code an event ended: a code is never used again. What reads as the event found it is
/// left, for it is known.
pub(super) async fn refuse_retired(connection: &mut PgConnection) -> Result<Vec<super::stage::Refused>, StoreError> {
    let rows = sqlx::query_as!(
        super::stage::Row,
        "delete from stage_parcel s using parcel p, lineage_party y, lineage_event e, revision r
         where p.code = s.code and y.parcel_id = p.id and y.part = 'ended' and e.id = y.event and r.id = e.revision
           and not exists (
               select from parcel_version t
               where t.parcel_id = p.id and upper(t.recorded) = r.recorded_at
                 and (s.valid_from is null or s.valid_from = lower(t.valid)) and s.valid_to is not distinct from upper(t.valid)
                 and (t.district, t.park, t.land_use, t.land_use_scheme, t.registered_area_m2, t.plot_ratio_allowed, t.address, t.source_id)
                     is not distinct from
                     (s.district, s.park, s.land_use, s.land_use_scheme, s.registered_area_m2, s.plot_ratio_allowed, s.address, s.source_id)
                 -- A register that has not reckoned with the rule yet knows no tolerance.
                 and same_shape(t.geom, s.geom, coalesce((
                     select value from rule_value
                     where key = 'same-corner-metres' and upper_inf(recorded) and valid @> current_date), 0)))
         returning s.file, s.row, s.key, format('%s, ended on %s by %s (%s)', s.code, e.on_date, e.kind, e.document) as value"
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            row.refuse(
                "parcel-retired",
                "parcel_code",
                "the code of a parcel that is law, or one that nobody had; its successors: landcycle lineage show CODE",
            )
        })
        .collect())
}
