//! Reading lineage: the events behind and ahead of a parcel, and every parcel that ever lay at a place.

use super::super::StoreError;
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use sqlx::PgConnection;
use std::collections::HashMap;

/// The lineage of one parcel.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lineage {
    /// Its code.
    pub code: String,
    /// The event that began it; nothing where it was imported.
    pub begun_by: Option<i64>,
    /// The event that ended it; nothing while it lasts. An ended parcel is historic, never invalid.
    pub ended_by: Option<i64>,
    /// All events behind and ahead of it, by day.
    pub events: Vec<Past>,
}

/// An event on record.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the columns are described in the migrations")]
pub struct Past {
    pub id: i64,
    pub kind: String,
    pub on: NaiveDate,
    pub document: String,
    pub ground: String,
    pub revision: i64,
    pub recorded_at: DateTime<Utc>,
    pub actor: String,
    /// Its parcels.
    pub parties: Vec<Member>,
    /// Which land went where.
    pub links: Vec<Passed>,
}

/// A parcel of an event.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the columns are described in the migrations")]
pub struct Member {
    pub code: String,
    pub part: String,
    pub area_before_m2: Option<f64>,
    pub area_after_m2: Option<f64>,
}

/// Land that went from one parcel to another.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the columns are described in the migrations")]
pub struct Passed {
    pub parent: String,
    pub child: String,
    pub area_m2: f64,
}

/// The lineage of a parcel, ancestors and descendants; nothing where nobody knows the code.
pub async fn of(connection: &mut PgConnection, code: &str) -> Result<Option<Lineage>, StoreError> {
    let Some(parcel) = sqlx::query!(
        r#"select p.id, (select y.event from lineage_party y where y.parcel_id = p.id and y.part = 'begun') as begun_by,
               (select y.event from lineage_party y where y.parcel_id = p.id and y.part = 'ended') as ended_by
           from parcel p where p.code = $1"#,
        code
    )
    .fetch_optional(&mut *connection)
    .await?
    else {
        return Ok(None);
    };
    // Upwards only to earlier events and downwards only to later ones: an adjustment links parcels both ways, and its
    // other parcels' further fate is not this one's.
    let events = sqlx::query!(
        r#"with recursive up (parcel, event) as (
               select $1::bigint, null::bigint
               union select l.parent, l.event from up join lineage_link l on l.child = up.parcel and (up.event is null or l.event < up.event)),
           down (parcel, event) as (
               select $1::bigint, null::bigint
               union select l.child, l.event from down join lineage_link l on l.parent = down.parcel and (down.event is null or l.event > down.event)),
           known (event) as (
               select event from up union select event from down
               union select y.event from down join lineage_party y on y.parcel_id = down.parcel and y.part = 'ended')
           select e.id, e.kind, e.on_date, e.document, e.ground, e.revision, r.recorded_at, r.actor
           from known k join lineage_event e on e.id = k.event join revision r on r.id = e.revision
           order by e.on_date, e.id"#,
        parcel.id
    )
    .fetch_all(&mut *connection)
    .await?;
    let ids: Vec<i64> = events.iter().map(|event| event.id).collect();
    let members = sqlx::query!(
        "select y.event, p.code, y.part, y.area_before_m2, y.area_after_m2
         from lineage_party y join parcel p on p.id = y.parcel_id where y.event = any($1) order by p.code",
        &ids
    )
    .fetch_all(&mut *connection)
    .await?;
    let links = sqlx::query!(
        "select l.event, p.code as parent, c.code as child, l.area_m2
         from lineage_link l join parcel p on p.id = l.parent join parcel c on c.id = l.child
         where l.event = any($1) order by p.code, c.code",
        &ids
    )
    .fetch_all(connection)
    .await?;
    let events = events
        .into_iter()
        .map(|event| Past {
            parties: members
                .iter()
                .filter(|member| member.event == event.id)
                .map(|member| Member {
                    code: member.code.clone(),
                    part: member.part.clone(),
                    area_before_m2: member.area_before_m2,
                    area_after_m2: member.area_after_m2,
                })
                .collect(),
            links: links
                .iter()
                .filter(|link| link.event == event.id)
                .map(|link| Passed { parent: link.parent.clone(), child: link.child.clone(), area_m2: link.area_m2 })
                .collect(),
            id: event.id,
            kind: event.kind,
            on: event.on_date,
            document: event.document,
            ground: event.ground,
            revision: event.revision,
            recorded_at: event.recorded_at,
            actor: event.actor,
        })
        .collect();
    Ok(Some(Lineage { code: code.to_owned(), begun_by: parcel.begun_by, ended_by: parcel.ended_by, events }))
}

/// A parcel that lies or lay at a place, in one of its versions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lay {
    /// Its code.
    pub code: String,
    /// The first day of this version; nothing where it was law from the start of the register.
    pub valid_from: Option<NaiveDate>,
    /// The first day after it; nothing while it lasts.
    pub valid_to: Option<NaiveDate>,
    /// Its use.
    pub land_use: String,
    /// Its area, m².
    pub area_m2: f64,
    /// The kind of the event that ended the parcel.
    pub ended_by: Option<String>,
}

/// Every parcel that ever lay at a place, by all that is believed now, the oldest first.
pub async fn at(connection: &mut PgConnection, longitude: f64, latitude: f64) -> Result<Vec<Lay>, StoreError> {
    Ok(sqlx::query_as!(
        Lay,
        r#"select p.code, lower(v.valid) as valid_from, upper(v.valid) as valid_to, v.land_use, v.area_m2,
               (select e.kind from lineage_party y join lineage_event e on e.id = y.event
                where y.parcel_id = p.id and y.part = 'ended') as ended_by
           from parcel_version v join parcel p on p.id = v.parcel_id
           where upper_inf(v.recorded) and st_intersects(v.geom, st_setsrid(st_makepoint($1, $2), 4490))
           order by lower(v.valid) nulls first, p.code"#,
        longitude,
        latitude
    )
    .fetch_all(connection)
    .await?)
}

/// On whose land the parcels that events ended by the day lie since: the last that came of each, with the share of its
/// land by area. A retired parcel has none.
pub async fn heirs(
    connection: &mut PgConnection,
    day: NaiveDate,
) -> Result<HashMap<String, Vec<(String, f64)>>, StoreError> {
    let rows = sqlx::query!(
        r#"with recursive passed (parent, child, part) as (
               select l.parent, l.child, l.area_m2 / sum(l.area_m2) over (partition by l.parent)
               from lineage_link l
               join lineage_party y on y.event = l.event and y.parcel_id = l.parent and y.part = 'ended'
               join lineage_event e on e.id = l.event and e.on_date <= $1),
           heir (first, last, part) as (
               select parent, child, part from passed
               union all
               select h.first, n.child, h.part * n.part from heir h join passed n on n.parent = h.last)
           select a.code as "first!", b.code as "last!", sum(h.part) as "part!"
           from heir h join parcel a on a.id = h.first join parcel b on b.id = h.last
           where not exists (select from passed n where n.parent = h.last)
           group by a.code, b.code order by a.code collate "C", b.code collate "C""#,
        day
    )
    .fetch_all(connection)
    .await?;
    let mut heirs: HashMap<String, Vec<(String, f64)>> = HashMap::new();
    for row in rows {
        heirs.entry(row.first).or_default().push((row.last, row.part));
    }
    Ok(heirs)
}
