//! Collections of features out of one moment of the register: how many fit a question, and a page of them in the order of
//! the letters of their codes. The queries give a column for each property, named as it is, and the shape.
//!
//! A filter is known only when it is asked for, so the compiler can't check these queries; a test runs each of them. What a
//! question does not name is not worked out: the planner leaves out columns and joins of a query that nobody reads.

use super::filter;
use super::reference::{self, Layer};
use super::{StoreError, place, review};
use crate::domain::collection::{Collection, Crs, SHAPE, STORED};
use crate::domain::filter::{Filter, Kind, Property};
use crate::domain::reference::LayerName;
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::postgres::{PgArguments, PgPool, PgRow};
use sqlx::{AssertSqlSafe, Postgres, QueryBuilder, Row as _, Transaction};

/// How long one question may keep the database busy, in milliseconds: less than its asker waits.
const MOST_MS: u32 = 20_000;

/// One moment of the register.
pub struct Held {
    tx: Transaction<'static, Postgres>,
    /// The newest revision in it.
    pub revision: i64,
    /// When that was recorded.
    pub recorded_at: DateTime<Utc>,
}

/// Which features are asked for.
#[derive(Debug)]
pub struct Ask<'a> {
    /// Of which collection.
    pub collection: &'a Collection,
    /// Law on one of these days, the first and the last of them; nothing where it is open.
    pub days: [Option<NaiveDate>; 2],
    /// The day on which what has no days of its own is looked at.
    pub day: NaiveDate,
    /// Meeting the shape of this filter, or without a shape.
    pub within: Option<&'a Filter>,
    /// Fitting all of these filters over the collection's properties.
    pub filters: &'a [Filter],
    /// Of this code.
    pub code: Option<&'a str>,
    /// Share of a parcel's land from which a tier decides.
    pub deciding_share: f64,
    /// Height above which a storey counts twice, m, where that rule is on.
    pub tall_storey_m: Option<f64>,
}

/// Which page of them, and in which coordinates.
#[derive(Debug, Clone, Copy)]
pub struct Cut<'a> {
    /// Behind this code.
    pub after: Option<&'a str>,
    /// How many at most.
    pub most: u32,
    /// Coordinates of the shapes.
    pub crs: Crs,
}

/// One feature, its parts as JSON text.
#[derive(Debug, Clone)]
pub struct Feature {
    /// Its code.
    pub code: String,
    /// Its properties.
    pub properties: String,
    /// Its shape.
    pub geometry: Option<String>,
}

impl Held {
    /// Holds a moment.
    pub async fn hold(pool: &PgPool) -> Result<Self, StoreError> {
        let mut tx = pool.begin().await?;
        // One question is no work for a compiler.
        let settings = format!(
            "set transaction isolation level repeatable read, read only; set local statement_timeout = {MOST_MS};
             set local jit = off"
        );
        sqlx::raw_sql(AssertSqlSafe(settings)).execute(&mut *tx).await?;
        let head = sqlx::query!("select id, recorded_at from revision order by id desc limit 1");
        let head = head.fetch_optional(&mut *tx).await?;
        let (revision, recorded_at) = head.map_or((0, DateTime::UNIX_EPOCH), |head| (head.id, head.recorded_at));
        Ok(Self { tx, revision, recorded_at })
    }

    /// The reference layers.
    pub async fn layers(&mut self) -> Result<Vec<Layer>, StoreError> {
        reference::list(&mut *self.tx).await
    }

    /// The reference layer of a name.
    pub async fn layer(&mut self, name: &LayerName) -> Result<Option<Layer>, StoreError> {
        reference::find(&mut *self.tx, name).await
    }

    /// How many features fit.
    pub async fn count(&mut self, ask: &Ask<'_>) -> Result<i64, StoreError> {
        let mut sql = self.begun(ask, "select count(*)").await?;
        conditions(&mut sql, ask);
        // A statement of its own for each question would fill the connection's memory of statements.
        let query = sql.build().persistent(false);
        Ok(query.fetch_one(&mut *self.tx).await?.try_get(0)?)
    }

    /// A page of the features that fit.
    pub async fn page(&mut self, ask: &Ask<'_>, cut: Cut<'_>) -> Result<Vec<Feature>, StoreError> {
        let key = key_column(ask.collection);
        let shape = ask.collection.shape.as_ref().map_or_else(
            || "null".to_owned(),
            |name| drawn(&if ask.collection.is_layer() { LAYER_SHAPE.to_owned() } else { quoted(name) }, cut.crs),
        );
        let properties = if ask.collection.is_layer() {
            "s.properties::text".to_owned()
        } else {
            let names: Vec<String> =
                ask.collection.properties.iter().map(|property| format!("s.{}", quoted(&property.name))).collect();
            format!("(select row_to_json(r)::text from (select {}) r)", names.join(", "))
        };
        let head = format!("select s.{key}::text, {properties}, {shape}");
        let mut sql = self.begun(ask, &head).await?;
        conditions(&mut sql, ask);
        if let Some(after) = cut.after {
            sql.push(format!(" and s.{key} collate \"C\" > ")).push_bind(after.to_owned());
        }
        sql.push(format!(" order by s.{key} collate \"C\" limit ")).push_bind(i64::from(cut.most));
        let rows = sql.build().persistent(false).fetch_all(&mut *self.tx).await?;
        rows.iter().map(feature).collect()
    }

    async fn begun(&mut self, ask: &Ask<'_>, head: &str) -> Result<QueryBuilder<Postgres>, StoreError> {
        if ask.collection.is_layer() {
            let name = LayerName::parse(&ask.collection.id).ok();
            let layer = match &name {
                Some(name) => self.layer(name).await?,
                None => None,
            };
            // It was found in this moment, or nobody would ask.
            let rows = layer.as_ref().map(reference::rows).ok_or(sqlx::Error::RowNotFound)?;
            let mut sql = QueryBuilder::new(head.to_owned());
            sql.push(" from ").push(rows).push(" s where true");
            return Ok(sql);
        }
        let mut source = source(&ask.collection.id).to_owned();
        if source.contains("{placed}") {
            let is_kept = !place::tiers_are_of_another_law(&mut *self.tx, ask.day).await?;
            let worked_out = "(select parcel_id, tier, locked, zone from city_tiers($3::date, $4, null))";
            source = source.replace("{placed}", if is_kept { "parcel_place" } else { worked_out });
        }
        let run = review::newest(&mut self.tx).await?.map(|run| run.id);
        let mut sql = QueryBuilder::with_arguments(head.to_owned(), arguments(ask, run)?);
        sql.push(" from (").push(source).push(") s where true");
        Ok(sql)
    }
}

/// The query of a collection. $1 are the days asked for and $2 whether they are one day, $3 the day of what has none of its
/// own, $4 the deciding share, $5 the height of a tall storey, $6 the review run.
fn source(id: &str) -> &'static str {
    match id {
        "parcels" => include_str!("collection/parcels.sql"),
        "zones" => include_str!("collection/zones.sql"),
        "plan-units" => include_str!("collection/plan_units.sql"),
        "legacy-areas" => include_str!("collection/legacy_areas.sql"),
        "districts" => include_str!("collection/districts.sql"),
        "parks" => include_str!("collection/parks.sql"),
        "buildings" => include_str!("collection/buildings.sql"),
        "contracts" => include_str!("collection/contracts.sql"),
        "exit-candidates" => concat!(include_str!("collection/candidates.sql"), "'exit'"),
        _ => concat!(include_str!("collection/candidates.sql"), "'renewal'"),
    }
}

fn arguments(ask: &Ask<'_>, run: Option<i64>) -> Result<PgArguments, StoreError> {
    use sqlx::Arguments as _;
    use sqlx::postgres::types::PgRange;
    use std::ops::Bound;
    let failed = sqlx::Error::Encode;
    let [first, last] = ask.days;
    let bound = |day: Option<NaiveDate>| day.map_or(Bound::Unbounded, Bound::Included);
    let mut arguments = PgArguments::default();
    arguments.add(PgRange { start: bound(first), end: bound(last) }).map_err(failed)?;
    arguments.add(first.is_some() && first == last).map_err(failed)?;
    arguments.add(ask.day).map_err(failed)?;
    arguments.add(ask.deciding_share).map_err(failed)?;
    arguments.add(ask.tall_storey_m).map_err(failed)?;
    arguments.add(run).map_err(failed)?;
    Ok(arguments)
}

/// What the shape of a layer's feature is called in the database.
const LAYER_SHAPE: &str = "geom";

fn key_column(collection: &Collection) -> String {
    collection.key_name().map_or_else(|| "key".to_owned(), quoted)
}

fn conditions(sql: &mut QueryBuilder<Postgres>, ask: &Ask<'_>) {
    let filterable = ask.collection.filterable();
    // The columns of a layer have names of their own, since a property may be called anything.
    let columns: Vec<String> = (0..filterable.len()).map(reference::column).collect();
    let properties: Vec<Property<'_>> = if ask.collection.is_layer() {
        let named = filterable.iter().zip(&columns);
        named
            .map(|(property, column)| match property.holds {
                Kind::Shape => Property { name: LAYER_SHAPE, ..*property },
                _ => Property { name: column, ..*property },
            })
            .collect()
    } else {
        filterable
    };
    if let Some(within) = ask.within {
        sql.push(" and (");
        // What has no place is in every box, as the standard has it. A column that always has one is not asked, so that its
        // index answers.
        if ask.collection.shape_may_lack {
            let shape = if ask.collection.is_layer() {
                LAYER_SHAPE.to_owned()
            } else {
                quoted(ask.collection.shape.as_deref().unwrap_or(SHAPE))
            };
            sql.push(format!("s.{shape} is null or "));
        }
        filter::push(sql, within, &properties);
        sql.push(")");
    }
    for wanted in ask.filters {
        sql.push(" and ");
        filter::push(sql, wanted, &properties);
    }
    if let Some(code) = ask.code {
        sql.push(format!(" and s.{} collate \"C\" = ", key_column(ask.collection))).push_bind(code.to_owned());
    }
}

/// A shape as GeoJSON in the coordinates asked for; rings turn as RFC 7946 asks where longitude comes first.
fn drawn(column: &str, crs: Crs) -> String {
    let mut shape = format!("st_forcepolygonccw(s.{column})");
    if crs.epsg != STORED {
        shape = format!("st_transform({shape}, {})", crs.epsg);
    }
    if crs.north_first {
        shape = format!("st_flipcoordinates({shape})");
    }
    format!("st_asgeojson({shape}, {}, 0)", crs.decimals)
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn feature(row: &PgRow) -> Result<Feature, StoreError> {
    Ok(Feature { code: row.try_get(0)?, properties: row.try_get(1)?, geometry: row.try_get(2)? })
}
