//! Rows of a layer that nobody described beforehand: which properties its file has, what each row says in them as JSON,
//! what tells it from the others, and its shape in longitude and latitude. It knows no register.

use super::crs::Crs;
use super::error::{ReadError, refuse, warning};
use super::geojson;
use super::geometry::{self, NoShape, Shapes};
use super::read::Job;
use super::shape::{CHINA, POINTS, ROWS, swapped_among};
use super::vector::Driver;
use crate::domain::finding::Finding;
use crate::domain::intake::{Cell, Record, Shape};
use crate::domain::reference::{KeyedBy, Property, PropertyKind, Schema};
use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use gdal::Dataset;
use gdal::vector::{Feature, FieldValue, Layer, LayerAccess as _, OGRFieldType, sql};
use geo::CoordsIter as _;
use geo_types::Geometry;
use geozero::{CoordDimensions, ToWkb as _};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::path::Path;

/// What has been found out about a layer, over all its files.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Discovered {
    /// Its properties, and what tells its features apart.
    pub schema: Schema,
    /// How often each content came so far: the same said twice is two features.
    seen: HashMap<[u8; 16], u32>,
}

/// A column of the file.
struct Column {
    index: usize,
    name: String,
    kind: PropertyKind,
    is_list: bool,
    /// Values that are none of the kind.
    strange: u64,
    /// Whether times that name no zone are those of UTC, as the format says.
    is_utc: bool,
    /// Times with a zone and without.
    zoned: u64,
    bare: u64,
}

/// A row whose shape waits to be turned.
struct Waiting {
    row: u64,
    key: Option<String>,
    properties: String,
    shape: Outline,
}

enum Outline {
    None,
    Other(String),
    Some(Geometry<f64>),
}

/// The rows of one file.
pub(super) struct Features {
    columns: Vec<Column>,
    keyed_by: KeyedBy,
    shapes: Shapes,
    waiting: Vec<Waiting>,
    points: usize,
    findings: Vec<Finding>,
    /// Shapes met, and those that lie outside the bounds and would lie inside with their axes swapped.
    pub met: u64,
    pub swapped: u64,
}

impl Features {
    /// Looks at a layer's columns.
    pub fn begin(
        job: &mut Job<'_>,
        (dataset, layer): (&Dataset, &Layer<'_>),
        path: &Path,
        driver: Driver,
        crs: Option<&Crs>,
    ) -> Result<Self, ReadError> {
        let mut found = Self {
            columns: Vec::new(),
            keyed_by: KeyedBy::Content,
            // A centimetre, or what is about one in degrees.
            shapes: Shapes::new(if crs.is_some_and(Crs::is_in_degrees) { 1e-7 } else { 0.01 }),
            waiting: Vec::new(),
            points: 0,
            findings: Vec::new(),
            met: 0,
            swapped: 0,
        };
        let fields: Vec<(String, OGRFieldType::Type)> =
            layer.defn().fields().map(|field| (field.name(), field.field_type())).collect();
        let whole: Vec<&str> = fields
            .iter()
            .filter(|(_, kind)| *kind == OGRFieldType::OFTInteger)
            .map(|(name, _)| name.as_str())
            .collect();
        let flags = match driver {
            Driver::GeoPackage => flags_of_geopackage(dataset, &layer.name()),
            Driver::GeoJson | Driver::GeoJsonSequence => geojson::flags(path, &job.file, &whole)?,
            _ => BTreeSet::new(),
        };
        for (index, (name, kind)) in fields.iter().enumerate() {
            found.column(&job.file, index, name, *kind, &flags);
        }
        // A GeoPackage has no other times than those of UTC, whether or not they say so.
        found.columns.iter_mut().for_each(|column| column.is_utc = driver == Driver::GeoPackage);
        found.keyed_by = match job.source.key {
            Some(key) => KeyedBy::Field(found.key(job, key)?),
            // Two files may number their features alike.
            None if job.source.files.len() == 1 && matches!(driver, Driver::GeoPackage | Driver::FileGeodatabase) => {
                KeyedBy::Fid
            }
            None => KeyedBy::Content,
        };
        let discovered = job.opened.layer.get_or_insert_with(|| Discovered {
            schema: Schema { title: layer.name(), keyed_by: found.keyed_by.clone(), properties: Vec::new() },
            seen: HashMap::new(),
        });
        for column in &mut found.columns {
            let known = discovered.schema.properties.iter_mut().find(|property| property.name == column.name);
            let Some(known) = known else { continue };
            let Some(both) = known.kind.with(column.kind) else {
                let value = format!("{} in {:?} and in {:?} in another file", column.name, column.kind, known.kind);
                let expected = "files whose columns hold the same; import this one as a layer of its own";
                return Err(refuse(&job.file, "schema-differs", &value, expected));
            };
            (known.kind, column.kind) = (both, both);
        }
        Ok(found)
    }

    fn column(&mut self, file: &str, index: usize, name: &str, kind: OGRFieldType::Type, flags: &BTreeSet<String>) {
        use OGRFieldType as Ogr;
        let holds = match kind {
            Ogr::OFTInteger if flags.contains(name) => PropertyKind::Boolean,
            Ogr::OFTInteger | Ogr::OFTInteger64 => PropertyKind::Integer,
            Ogr::OFTReal => PropertyKind::Number,
            Ogr::OFTDate => PropertyKind::Date,
            Ogr::OFTDateTime => PropertyKind::Instant,
            Ogr::OFTBinary => {
                let expected = "text, numbers, days or times; what is in the column is left out";
                self.findings.push(warning(file, "column-left-out", name, expected));
                return;
            }
            _ => PropertyKind::Text,
        };
        let is_list =
            matches!(kind, Ogr::OFTStringList | Ogr::OFTIntegerList | Ogr::OFTInteger64List | Ogr::OFTRealList);
        let mut own = name.trim().to_owned();
        if own.is_empty() {
            own = format!("column_{}", index + 1);
        }
        let is_taken = |name: &str, columns: &[Column]| columns.iter().any(|column| column.name == name);
        let mut count = 2;
        let base = own.clone();
        while is_taken(&own, &self.columns) {
            own = format!("{base}_{count}");
            count += 1;
        }
        if own != name {
            let expected = format!("a name that no other column has; it is called {own:?}");
            self.findings.push(warning(file, "column-renamed", name, expected));
        }
        self.columns.push(Column {
            index,
            name: own,
            kind: holds,
            is_list,
            is_utc: false,
            strange: 0,
            zoned: 0,
            bare: 0,
        });
    }

    /// The column that someone named as the key.
    fn key(&self, job: &Job<'_>, asked: &str) -> Result<String, ReadError> {
        // A file without a feature may have no column either; that it has none is what is to be said of it.
        if self.columns.is_empty() || self.columns.iter().any(|column| column.name == asked) {
            return Ok(asked.to_owned());
        }
        let names: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).take(30).collect();
        let expected = format!("--key with one of the file's columns: {}", names.join(", "));
        Err(refuse(&job.file, "missing-column", asked, expected))
    }

    /// Adds a row; `wkb` in ISO well-known binary.
    pub fn push(&mut self, row: u64, feature: &Feature<'_>, wkb: Option<&[u8]>) {
        let mut properties = Map::new();
        for column in &mut self.columns {
            if let Some(value) = column.value(feature) {
                properties.insert(column.name.clone(), value);
            }
        }
        let key = match &self.keyed_by {
            KeyedBy::Fid => Some(feature.fid().unwrap_or(row).to_string()),
            KeyedBy::Field(name) => properties.get(name).map(|value| match value {
                Value::String(text) => text.trim().to_owned(),
                other => other.to_string(),
            }),
            KeyedBy::Content => None,
        };
        let shape = match wkb.map(|bytes| self.shapes.read(bytes)) {
            None | Some(Ok(None)) => Outline::None,
            Some(Ok(Some(shape))) => Outline::Some(shape),
            Some(Err(NoShape(name))) => Outline::Other(name),
        };
        if let Outline::Some(shape) = &shape {
            self.points += shape.coords_count();
        }
        let key = key.filter(|key| !key.is_empty());
        self.waiting.push(Waiting { row, key, properties: Value::Object(properties).to_string(), shape });
    }

    /// Whether it is time to turn what has come together.
    pub fn is_full(&self) -> bool {
        self.points >= POINTS || self.waiting.len() >= ROWS
    }

    /// Turns what has come together and hands it out in order.
    pub fn drain(
        &mut self,
        crs: Option<&Crs>,
        bounds: Option<[f64; 4]>,
        discovered: &mut Discovered,
        mut each: impl FnMut(Record) -> bool,
    ) -> bool {
        let shapes = || self.waiting.iter().filter_map(|waiting| waiting.shape.some());
        let firsts: Vec<(f64, f64)> = shapes().filter_map(first).collect();
        let (mut xs, mut ys) = geometry::take_coordinates(shapes());
        if let Some(crs) = crs {
            crs.turn(&mut xs, &mut ys);
        }
        let turned = RefCell::new(xs.into_iter().zip(ys));
        for waiting in &mut self.waiting {
            if let Outline::Some(shape) = &mut waiting.shape {
                geometry::put_back(shape, &turned);
                geometry::turn_rings(shape);
            }
        }
        // A ring that is turned begins where it began.
        let now = self.waiting.iter().filter_map(|waiting| waiting.shape.some()).filter_map(first);
        self.swapped += swapped_among(crs, bounds.unwrap_or(CHINA), now.zip(firsts.iter().copied()));
        self.met += firsts.len() as u64;
        self.points = 0;
        for waiting in self.waiting.drain(..) {
            let Waiting { row, key, properties, shape } = waiting;
            let key = match (&self.keyed_by, &shape) {
                (KeyedBy::Content, Outline::Some(shape)) => Some(discovered.key_of(&properties, Some(shape))),
                (KeyedBy::Content, _) => Some(discovered.key_of(&properties, None)),
                _ => key,
            };
            let shape = match shape {
                Outline::None => Shape::None,
                Outline::Other(name) => Shape::Other(name),
                Outline::Some(shape) => match off_the_globe(&shape) {
                    Some((x, y)) => {
                        let label = crs.map_or("EPSG:4490", |crs| &crs.label);
                        Shape::OffTheGlobe(format!("longitude {x}, latitude {y}, read as {label}"))
                    }
                    None => Shape::Any(Box::new(shape)),
                },
            };
            let cells = vec![key.map_or(Cell::Empty, Cell::Text), Cell::Text(properties)];
            if !each(Record { row, cells, shape }) {
                return false;
            }
        }
        true
    }

    /// What there is to say of the file once all of it was read; its columns join those of the layer.
    pub fn finish(mut self, file: &str, schema: &mut Schema) -> Vec<Finding> {
        if self.shapes.dropped_z {
            let expected = "shapes in two dimensions; heights and measures are left out";
            self.findings.push(warning(file, "z-dropped", "Z or M", expected));
        }
        if self.shapes.arcs > 0 {
            let expected = format!(
                "straight lines; arcs are drawn as chords at most {} of the file's unit away from them",
                self.shapes.tolerance
            );
            self.findings.push(warning(file, "curves-linearised", &format!("{} arcs", self.shapes.arcs), expected));
        }
        for column in self.columns {
            if column.strange > 0 {
                let value = format!("{} values of {}", column.strange, column.name);
                let expected = "values of the column's kind; these are left out";
                self.findings.push(warning(file, "values-left-out", &value, expected));
            }
            if column.zoned > 0 && column.bare > 0 {
                let value = format!("{} of {} times of {}", column.bare, column.bare + column.zoned, column.name);
                let expected = "times that name their zone, as the others do; these are taken as Shanghai's";
                self.findings.push(warning(file, "zone-missing", &value, expected));
            }
            let is_bare = column.kind == PropertyKind::Instant && column.zoned == 0 && column.bare > 0;
            let kind = if is_bare { PropertyKind::Timestamp } else { column.kind };
            match schema.properties.iter_mut().find(|property| property.name == column.name) {
                Some(known) => known.kind = known.kind.with(kind).unwrap_or(kind),
                None => schema.properties.push(Property { name: column.name, kind }),
            }
        }
        self.findings
    }
}

impl Outline {
    fn some(&self) -> Option<&Geometry<f64>> {
        match self {
            Self::Some(shape) => Some(shape),
            Self::None | Self::Other(_) => None,
        }
    }
}

fn first(shape: &Geometry<f64>) -> Option<(f64, f64)> {
    shape.coords_iter().next().map(|point| (point.x, point.y))
}

fn off_the_globe(shape: &Geometry<f64>) -> Option<(f64, f64)> {
    // What reaches to the end of the world may go beyond it by what arithmetic loses: a tenth of a millimetre.
    let on = |x: f64, y: f64| x.abs() <= 180.0 + 1e-9 && y.abs() <= 90.0 + 1e-9;
    shape.coords_iter().find(|point| !on(point.x, point.y)).map(|point| (point.x, point.y))
}

impl Discovered {
    /// What tells a feature from the others by all that it says; the second that says the same is `-2`.
    fn key_of(&mut self, properties: &str, shape: Option<&Geometry<f64>>) -> String {
        let mut hasher = Sha256::new();
        hasher.update((properties.len() as u64).to_le_bytes());
        hasher.update(properties);
        // Writing into memory does not fail.
        hasher.update(shape.map_or_else(Vec::new, |shape| shape.to_wkb(CoordDimensions::xy()).unwrap_or_default()));
        let digest = hasher.finalize();
        let mut short = [0; 16];
        short.copy_from_slice(&digest[..16]);
        let count = self.seen.entry(short).or_default();
        *count += 1;
        let key = hex::encode(short);
        if *count == 1 { key } else { format!("{key}-{count}") }
    }
}

impl Column {
    /// What a feature says in this column; nothing where it says nothing.
    fn value(&mut self, feature: &Feature<'_>) -> Option<Value> {
        // A property that a feature does not have comes back as 0, though as no text.
        let text = feature.field_as_string(self.index).ok().flatten().filter(|text| !text.is_empty())?;
        let whole = || feature.field_as_integer64(self.index).ok().flatten();
        let value = match self.kind {
            PropertyKind::Text if self.is_list => list(feature, self.index, &text),
            PropertyKind::Text => Some(text.into()),
            PropertyKind::Integer => whole().map(Value::from),
            PropertyKind::Boolean => whole().map(|number| (number != 0).into()),
            PropertyKind::Number => {
                let number = feature.field_as_double(self.index).ok().flatten();
                number.and_then(serde_json::Number::from_f64).map(Value::Number)
            }
            PropertyKind::Date => NaiveDate::parse_from_str(&text, "%Y/%m/%d").ok().map(|day| day.to_string().into()),
            PropertyKind::Timestamp | PropertyKind::Instant => moment(&text).map(|(mut text, mut is_zoned)| {
                if self.is_utc && !is_zoned {
                    text.push('Z');
                    is_zoned = true;
                }
                self.zoned += u64::from(is_zoned);
                self.bare += u64::from(!is_zoned);
                text.into()
            }),
        };
        self.strange += u64::from(value.is_none());
        value
    }
}

/// A list as JSON.
fn list(feature: &Feature<'_>, index: usize, text: &str) -> Option<Value> {
    // GDAL writes how many there are before them; of none it hands out no list.
    if text.starts_with("(0:") {
        return Some("[]".into());
    }
    let items = match feature.field(index).ok()?? {
        FieldValue::StringListValue(items) => serde_json::to_string(&items),
        FieldValue::IntegerListValue(items) => serde_json::to_string(&items),
        FieldValue::Integer64ListValue(items) => serde_json::to_string(&items),
        FieldValue::RealListValue(items) => serde_json::to_string(&items),
        _ => return None,
    };
    items.ok().map(Value::from)
}

/// A time as GDAL writes it, `2026/06/30 08:00:00+08`, as ISO 8601 has it, and whether it named its zone: then it is told in UTC.
fn moment(text: &str) -> Option<(String, bool)> {
    let split = text.get(19..)?.find(['+', '-']).map_or(text.len(), |at| at + 19);
    let (local, zone) = text.split_at(split);
    let local = NaiveDateTime::parse_from_str(local, "%Y/%m/%d %H:%M:%S%.f").ok()?;
    let Some(sign) = zone.chars().next() else {
        return Some((local.format("%Y-%m-%dT%H:%M:%S%.f").to_string(), false));
    };
    let digits: String = zone.chars().filter(char::is_ascii_digit).collect();
    let (hours, minutes) = digits.split_at_checked(2)?;
    let minutes = if minutes.is_empty() { 0 } else { minutes.parse::<i64>().ok()? };
    let ahead = hours.parse::<i64>().ok()? * 60 + minutes;
    let ahead = if sign == '-' { -ahead } else { ahead };
    let utc = local.checked_sub_signed(TimeDelta::try_minutes(ahead)?)?;
    Some((utc.format("%Y-%m-%dT%H:%M:%S%.fZ").to_string(), true))
}

/// The columns of a GeoPackage's layer that hold yes and no, which GDAL hands out as numbers.
fn flags_of_geopackage(dataset: &Dataset, layer: &str) -> BTreeSet<String> {
    let query =
        format!("select name from pragma_table_info('{}') where upper(type) like 'BOOL%'", layer.replace('\'', "''"));
    let Ok(Some(mut found)) = dataset.execute_sql(query, None, sql::Dialect::DEFAULT) else { return BTreeSet::new() };
    found.features().filter_map(|feature| feature.field_as_string(0).ok().flatten()).collect()
}

#[cfg(test)]
mod tests {
    use super::moment;

    #[test]
    fn a_time_with_a_zone_is_told_in_utc_and_one_without_as_it_stands() {
        let told = |text: &str| moment(text).map(|(text, _)| text);
        assert_eq!(told("2026/06/30 08:00:00+08").as_deref(), Some("2026-06-30T00:00:00Z"));
        assert_eq!(told("2026/06/30 08:00:00.250+0530").as_deref(), Some("2026-06-30T02:30:00.250Z"));
        assert_eq!(told("2026/06/30 23:30:00-01:00").as_deref(), Some("2026-07-01T00:30:00Z"));
        assert_eq!(moment("2026/06/30 08:00:00"), Some(("2026-06-30T08:00:00".to_owned(), false)));
        assert_eq!(moment("2026/02/30 08:00:00"), None);
        assert_eq!(moment("yesterday"), None);
    }
}
