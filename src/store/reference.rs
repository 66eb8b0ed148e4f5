//! Reference layers and their features, in recorded time: how they are staged, checked and merged, what there is, and how a
//! property of theirs is asked for in SQL. It knows no file.

use super::StoreError;
use super::copy::{Json, Rows};
use super::place::invalid_shapes;
use super::stage::{FIRST_PAGE, Merged, Refused};
use super::write::Write;
use crate::domain::reference::{Geometries, KeyedBy, LayerName, Property, PropertyKind, Schema};
use geo_types::Geometry;
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::{PgConnection, PgExecutor};

/// A reference layer as it is now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Layer {
    /// Its name.
    pub name: LayerName,
    /// What its file calls it.
    pub title: String,
    /// The names of the files that it came from last.
    pub source: String,
    /// What tells its features apart.
    pub keyed_by: KeyedBy,
    /// Its properties in the order of the file.
    pub properties: Vec<Property>,
    /// What its shapes are.
    pub geometry: Geometries,
    /// West, south, east, north in degrees of EPSG:4490; nothing without shapes.
    pub extent: Option<[f64; 4]>,
    /// How many features it has.
    pub features: i64,
    /// The revision that last changed it or a feature of it.
    pub revision: i64,
}

/// A layer on its way in.
#[derive(Debug, Clone, PartialEq)]
pub struct Arriving {
    /// Its name.
    pub name: LayerName,
    /// The names of its files.
    pub source: String,
    /// What was found out about it.
    pub schema: Schema,
    /// The keys of its features that were refused before they came here: what is on record of them stays.
    pub refused: Vec<String>,
}

/// Puts one feature on its way in.
pub fn stage(rows: &mut Rows, file: i16, row: u64, key: &str, properties: &str, shape: Option<&Geometry<f64>>) {
    rows.row(file, row, key).value(&Json(properties)).optional(shape).end();
}

/// Takes out the staged features whose shape is not valid.
pub(super) async fn check(connection: &mut PgConnection) -> Result<Vec<Refused>, StoreError> {
    invalid_shapes(connection, "stage_reference_feature", FIRST_PAGE).await
}

/// Merges the staged features into a layer: what changed is closed and said anew, what does not come any more is closed.
pub(super) async fn merge(write: &mut Write, layer: &Arriving) -> Result<Merged, StoreError> {
    let (revision, at) = (write.revision, write.recorded_at);
    let connection = write.connection();
    let (name, schema) = (layer.name.as_str(), &layer.schema);
    sqlx::query!(
        "insert into reference_layer (name, title, source, keyed_by, key_field, properties, geometry, features, revision)
         values ($1, $2, $3, $4, $5, $6, 'none', 0, $7)
         on conflict (name) do nothing",
        name,
        schema.title,
        layer.source,
        schema.keyed_by.name(),
        schema.keyed_by.field(),
        json!(schema.properties),
        revision
    )
    .execute(&mut *connection)
    .await?;
    let staged = sqlx::query_scalar!(r#"select count(*) as "count!" from stage_reference_feature"#)
        .fetch_one(&mut *connection)
        .await?;
    sqlx::query!(
        "update reference_feature t set recorded = tstzrange(lower(recorded), $2)
         where layer = $1 and upper_inf(recorded) and key <> all($3::text[])
             and not exists (select from stage_reference_feature s where s.key = t.key)",
        name,
        at,
        &layer.refused
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "delete from stage_reference_feature s using reference_feature t
         where t.layer = $1 and t.key = s.key and upper_inf(t.recorded)
             and (t.properties, t.geom) is not distinct from (s.properties, s.geom)",
        name
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "update reference_feature t set recorded = tstzrange(lower(recorded), $2)
         where layer = $1 and upper_inf(recorded)
             and exists (select from stage_reference_feature s where s.key = t.key)",
        name,
        at
    )
    .execute(&mut *connection)
    .await?;
    let accepted = sqlx::query!(
        "insert into reference_feature (layer, key, recorded, properties, geom, revision)
         select $1, key, tstzrange($2, null), properties, geom, $3 from stage_reference_feature order by file, row",
        name,
        at,
        revision
    )
    .execute(&mut *connection)
    .await?
    .rows_affected();
    sqlx::query!(
        "update reference_layer l
         set title = $2, source = $3, keyed_by = $4, key_field = $5, properties = $6, revision = $7, dropped = false,
             features = f.features, geometry = f.geometry,
             west = st_xmin(f.extent), south = st_ymin(f.extent), east = st_xmax(f.extent), north = st_ymax(f.extent)
         from (
             select count(*) as features, st_extent(geom) as extent,
                 case when count(geom) = 0 then 'none'
                      when min(sort) <> max(sort) then 'mixed'
                      else (array['point', 'line', 'polygon', 'mixed'])[min(sort)] end as geometry
             from (select geom, case when geometrytype(geom) = 'GEOMETRYCOLLECTION' then 4 else st_dimension(geom) + 1 end
                       as sort
                   from reference_feature where layer = $1 and upper_inf(recorded)) one) f
         where l.name = $1",
        name,
        schema.title,
        layer.source,
        schema.keyed_by.name(),
        schema.keyed_by.field(),
        json!(schema.properties),
        revision
    )
    .execute(connection)
    .await?;
    Ok(Merged { accepted, unchanged: staged.unsigned_abs() - accepted })
}

/// How many features were closed by this transaction without another version in their place.
pub async fn gone(write: &mut Write, layer: &LayerName) -> Result<i64, StoreError> {
    let at = write.recorded_at;
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!" from reference_feature t
           where layer = $1 and not upper_inf(recorded) and upper(recorded) = $2
               and not exists (select from reference_feature n
                               where n.layer = t.layer and n.key = t.key and upper_inf(n.recorded))"#,
        layer.as_str(),
        at
    )
    .fetch_one(write.connection())
    .await?)
}

/// Closes the features of a layer and takes it off the list; answers how many these were, or nothing where there is no such layer.
pub async fn drop(write: &mut Write, layer: &LayerName) -> Result<Option<i64>, StoreError> {
    let (revision, at) = (write.revision, write.recorded_at);
    let connection = write.connection();
    let features = sqlx::query_scalar!(
        "update reference_layer l set dropped = true, revision = $2, features = 0
         from (select name, features from reference_layer) old
         where l.name = $1 and old.name = l.name and not l.dropped returning old.features",
        layer.as_str(),
        revision
    )
    .fetch_optional(&mut *connection)
    .await?;
    sqlx::query!(
        "update reference_feature set recorded = tstzrange(lower(recorded), $2) where layer = $1 and upper_inf(recorded)",
        layer.as_str(),
        at
    )
    .execute(connection)
    .await?;
    Ok(features)
}

struct Row {
    name: String,
    title: String,
    source: String,
    keyed_by: String,
    key_field: Option<String>,
    properties: Value,
    geometry: String,
    west: Option<f64>,
    south: Option<f64>,
    east: Option<f64>,
    north: Option<f64>,
    features: i64,
    revision: i64,
}

impl Row {
    fn into_layer(self) -> Result<Layer, StoreError> {
        let unknown = |column, value: &str| StoreError::Value {
            table: "reference_layer",
            column,
            row: self.name.clone(),
            value: value.to_owned(),
        };
        let extent = match (self.west, self.south, self.east, self.north) {
            (Some(west), Some(south), Some(east), Some(north)) => Some([west, south, east, north]),
            _ => None,
        };
        Ok(Layer {
            name: LayerName::parse(&self.name).map_err(|_| unknown("name", &self.name))?,
            keyed_by: KeyedBy::parse(&self.keyed_by, self.key_field.as_deref())
                .ok_or_else(|| unknown("keyed_by", &self.keyed_by))?,
            properties: serde_json::from_value(self.properties.clone())
                .map_err(|_| unknown("properties", &self.properties.to_string()))?,
            geometry: Geometries::parse(&self.geometry).ok_or_else(|| unknown("geometry", &self.geometry))?,
            extent,
            title: self.title,
            source: self.source,
            features: self.features,
            revision: self.revision,
        })
    }
}

/// The layers by name.
pub async fn list(executor: impl PgExecutor<'_>) -> Result<Vec<Layer>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        "select name, title, source, keyed_by, key_field, properties, geometry, west, south, east, north, features, revision
         from reference_layer where not dropped order by name"
    )
    .fetch_all(executor)
    .await?;
    rows.into_iter().map(Row::into_layer).collect()
}

/// One layer.
pub async fn find(executor: impl PgExecutor<'_>, name: &LayerName) -> Result<Option<Layer>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        "select name, title, source, keyed_by, key_field, properties, geometry, west, south, east, north, features, revision
         from reference_layer where not dropped and name = $1",
        name.as_str()
    )
    .fetch_optional(executor)
    .await?;
    row.map(Row::into_layer).transpose()
}

/// The features of a layer as a query to stand behind `from`: `key`, `geom`, `properties`, `revision`, and for each property a column
/// of its own type, called `p0`, `p1` … in the order of the layer, because a name of PostgreSQL is shorter than a property's may be.
pub fn rows(layer: &Layer) -> String {
    let columns: String = layer
        .properties
        .iter()
        .zip(0_usize..)
        .map(|(property, at)| format!(", {} as {}", expression(property), column(at)))
        .collect();
    // A layer's name has no letter that would have to be quoted.
    format!(
        "(select key, geom, properties, revision{columns} from reference_feature \
         where layer = '{}' and upper_inf(recorded))",
        layer.name
    )
}

/// What [`rows`] calls the property at a place.
pub fn column(at: usize) -> String {
    format!("p{at}")
}

/// A property of a feature as SQL of its own type. What holds no value of that type, such as an older feature from before the
/// column became another, is null rather than an error.
fn expression(property: &Property) -> String {
    let name = format!("'{}'", property.name.replace('\'', "''"));
    let text = format!("properties ->> {name}");
    let guarded = |json: &str, cast: &str| {
        format!("case when jsonb_typeof(properties -> {name}) = '{json}' then ({text})::{cast} end")
    };
    match property.kind {
        PropertyKind::Text => format!("({text})"),
        PropertyKind::Integer | PropertyKind::Number => guarded("number", "double precision"),
        PropertyKind::Boolean => guarded("boolean", "boolean"),
        PropertyKind::Date => format!("case when {text} ~ '^\\d{{4}}-\\d\\d-\\d\\d$' then ({text})::date end"),
        PropertyKind::Timestamp | PropertyKind::Instant => format!(
            "case when {text} ~ '^\\d{{4}}-\\d\\d-\\d\\dT.*Z$' then ({text})::timestamptz \
             when {text} ~ '^\\d{{4}}-\\d\\d-\\d\\dT' then ({text})::timestamp at time zone 'Asia/Shanghai' end"
        ),
    }
}
