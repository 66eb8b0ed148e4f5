//! What the body of a search asks for, read field by field; whatever is wrong is refused with its place.

use crate::atlas::{Key, Relation, Selection, SelectionError, Snapshot, Sort, Stored};
use crate::clock::Clock;
use crate::domain::filter::{Filter, FilterError, Kind as Holds};
use crate::domain::moment::{Moment, MomentError};
use crate::domain::queryable::Queryable;
use crate::http::problem::{Kind, Problem};
use chrono::NaiveDate;
use serde_json::{Map, Value, json};

/// How many parcels a page has where nothing is said.
const USUAL_LIMIT: usize = 100;
/// How many it may have.
const MOST_LIMIT: usize = 1000;

/// What a question may have.
const FIELDS: [&str; 13] = [
    "bbox",
    "area",
    "circle",
    "within",
    "relation",
    "filter",
    "sort",
    "fields",
    "limit",
    "after",
    "valid_at",
    "known_at",
    "min_revision",
];

/// What is asked for.
#[derive(Debug)]
pub struct Question {
    /// Where they are looked for.
    pub place: Place,
    /// What the parcels must be like.
    pub filter: Option<Filter>,
    /// In which order; in that of codes where nothing is said.
    pub sort: Option<Sort>,
    /// What is told of each; everything where nothing is said.
    pub fields: Option<Vec<Queryable>>,
    /// How many parcels the page has at most.
    pub limit: usize,
    /// Whether the question speaks of a page.
    pub is_a_page: bool,
    /// Behind what the page begins.
    pub after: Option<After>,
    /// The least revision that the map is to show.
    pub min_revision: i64,
    /// Another moment than now, which the atlas does not show.
    pub moment: Option<Moment>,
}

/// Where parcels are looked for.
#[derive(Debug)]
pub enum Place {
    /// The whole city.
    City,
    /// A box, an area or a circle.
    Drawn(Box<Selection>),
    /// An area of the register, and how they must lie in it.
    Stored(Stored, String, Relation),
}

/// A place in a list: behind a parcel, and in another order than that of codes behind its value.
#[derive(Debug)]
pub struct After {
    /// Its code.
    pub code: String,
    /// Its value.
    pub key: Option<Key>,
}

impl Question {
    /// Reads the body of a search.
    pub fn read(body: &[u8], today: NaiveDate) -> Result<Self, Problem> {
        let mut fields: Map<String, Value> = serde_json::from_slice(body).map_err(|error| {
            Problem::new(Kind::InvalidBody, format!("the body cannot be read as a JSON object: {error}"))
        })?;
        if let Some(name) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
            let expected = FIELDS.join(", ");
            return Err(Problem::new(
                Kind::UnknownField,
                format!("the field {name:?} is unknown; expected {expected}"),
            )
            .with("unknown-field", name, json!({"expected": expected})));
        }
        let is_a_page = ["limit", "after"].into_iter().any(|name| fields.get(name).is_some_and(|it| !it.is_null()));
        let mut given = |name| given(&mut fields, name);
        let filter = given("filter").map(|filter| read_filter(&filter)).transpose()?;
        let places = [given("bbox"), given("area"), given("circle"), given("within")];
        let place = read_place(places, given("relation"), filter.is_some())?;
        let sort = given("sort").map(|sort| read_sort(&sort)).transpose()?;
        let (valid_at, known_at) = (given("valid_at"), given("known_at"));
        let moment = match (&valid_at, &known_at) {
            (None, None) => None,
            _ => Some(read_moment(valid_at.as_ref(), known_at.as_ref(), today)?),
        };
        Ok(Self {
            place,
            filter,
            fields: given("fields").map(|fields| read_fields(&fields)).transpose()?,
            is_a_page,
            limit: read_limit(given("limit"))?,
            min_revision: given("min_revision").map_or(Ok(i64::MIN), |least| {
                least.as_i64().ok_or_else(|| wrong("min_revision", &least, "the number of a revision"))
            })?,
            after: given("after").map(|after| read_after(&after, sort)).transpose()?,
            sort,
            moment,
        })
    }
}

impl Place {
    /// The box around it, where the question alone tells.
    pub fn bounds(&self) -> Option<[f64; 4]> {
        self.drawn().map(|selection| selection.bounds().to_array())
    }

    /// What was drawn.
    pub fn drawn(&self) -> Option<&Selection> {
        match self {
            Self::Drawn(selection) => Some(selection),
            Self::City | Self::Stored(..) => None,
        }
    }

    /// What is stored, as a snapshot has it.
    pub fn stored(&self, snapshot: &Snapshot) -> Result<Option<Selection>, Problem> {
        let Self::Stored(kind, code, relation) = self else { return Ok(None) };
        let Some(selection) = snapshot.stored(*kind, code) else {
            let kind = kind.name();
            let detail = format!("there is no {kind} {code:?} with land on record at that moment; expected its code");
            return Err(Problem::new(Kind::InvalidParameter, detail).with(
                "unknown-area",
                "within",
                json!({"kind": kind, "code": code}),
            ));
        };
        Ok(Some(selection.related(*relation)))
    }
}

fn read_place(
    [bbox, area, circle, within]: [Option<Value>; 4],
    relation: Option<Value>,
    has_filter: bool,
) -> Result<Place, Problem> {
    let has_relation = relation.is_some();
    let relation = read_relation(relation)?;
    let drawn = |selection: Selection| Ok(Place::Drawn(Box::new(selection.related(relation))));
    match (bbox, area, circle, within) {
        (Some(bbox), None, None, None) => drawn(read_box(&bbox)?),
        (None, Some(area), None, None) => drawn(read_area(area)?),
        (None, None, Some(circle), None) => drawn(read_circle(&circle)?),
        (None, None, None, Some(within)) => read_within(&within, relation),
        (None, None, None, None) if has_filter && !has_relation => Ok(Place::City),
        (bbox, area, circle, within) => {
            let names = ["bbox", "area", "circle", "within"];
            let found = names.iter().zip([bbox, area, circle, within]).filter(|(_, value)| value.is_some());
            let found: Vec<&str> = found.map(|(name, _)| *name).collect();
            let found = match found.as_slice() {
                [] => "neither bbox, area, circle, within nor filter".to_owned(),
                several => several.join(" and "),
            };
            let detail = format!("the body has {found}, expected one of bbox, area, circle and within, or a filter");
            Err(Problem::new(Kind::InvalidArea, detail).with(
                "one-of-four",
                "area",
                json!({"expected": "one of bbox, area, circle and within, or a filter"}),
            ))
        }
    }
}

/// A filter in either encoding.
fn read_filter(value: &Value) -> Result<Filter, Problem> {
    let read = match value {
        Value::String(text) => Filter::parse(text, Queryable::PROPERTIES),
        other => Filter::from_json(other, Queryable::PROPERTIES),
    };
    read.map_err(|error: FilterError| {
        let facts = json!({"place": error.place.to_string(), "found": error.found, "expected": error.expected});
        Problem::new(Kind::InvalidFilter, error.to_string()).with("wrong-filter", "filter", facts)
    })
}

fn read_circle(value: &Value) -> Result<Selection, Problem> {
    let expected = r#"{"point": [longitude, latitude], "metres": number}"#;
    let refused = || wrong("circle", value, expected);
    let object = value.as_object().filter(|object| object.len() == 2).ok_or_else(refused)?;
    let point: Option<Vec<f64>> =
        object.get("point").and_then(Value::as_array).and_then(|list| list.iter().map(Value::as_f64).collect());
    let metres = object.get("metres").and_then(Value::as_f64);
    let (Some([x, y]), Some(metres)) = (point.as_deref(), metres) else { return Err(refused()) };
    Selection::circle(*x, *y, metres).map_err(|error| refuse("circle", &error))
}

fn read_within(value: &Value, relation: Relation) -> Result<Place, Problem> {
    let refused = || wrong("within", value, r#"{"district": code}, {"park": code} or {"zone": code}"#);
    let object = value.as_object().filter(|object| object.len() == 1).ok_or_else(refused)?;
    let (word, code) = object.iter().next().ok_or_else(refused)?;
    let (Some(kind), Some(code)) = (Stored::parse(word), code.as_str()) else { return Err(refused()) };
    Ok(Place::Stored(kind, code.to_owned(), relation))
}

fn read_relation(value: Option<Value>) -> Result<Relation, Problem> {
    let Some(value) = value else { return Ok(Relation::Intersects) };
    let share = value.as_object().filter(|object| object.len() == 1).and_then(|object| object.get("share"));
    let relation = match (value.as_str(), share.and_then(Value::as_f64)) {
        (Some("intersects"), _) => Some(Relation::Intersects),
        (Some("within"), _) => Some(Relation::Within),
        (_, Some(share)) => Relation::share(share),
        _ => None,
    };
    let expected = r#""intersects", "within" or {"share": number above 0 and at most 1}"#;
    relation.ok_or_else(|| wrong("relation", &value, expected))
}

fn read_sort(value: &Value) -> Result<Sort, Problem> {
    value.as_str().and_then(Sort::parse).ok_or_else(|| {
        let names = names(|one| one.holds() != Holds::Shape);
        wrong("sort", value, &format!("one of {names}, with a minus before it for the greatest first"))
    })
}

fn read_fields(value: &Value) -> Result<Vec<Queryable>, Problem> {
    let read = |list: &Vec<Value>| list.iter().map(|name| name.as_str().and_then(Queryable::parse)).collect();
    let fields: Option<Vec<Queryable>> = value.as_array().and_then(read);
    fields.ok_or_else(|| wrong("fields", value, &format!("a list of names out of {}", names(|_| true))))
}

fn names(wanted: impl Fn(&Queryable) -> bool) -> String {
    let names: Vec<&str> = Queryable::ALL.iter().filter(|one| wanted(one)).map(|one| one.name()).collect();
    names.join(", ")
}

pub fn read_moment(valid_at: Option<&Value>, known_at: Option<&Value>, today: NaiveDate) -> Result<Moment, Problem> {
    fn word<'a>(field: &str, value: Option<&'a Value>) -> Result<Option<&'a str>, Problem> {
        let text = value.map(|value| value.as_str().ok_or_else(|| wrong(field, value, "a text"))).transpose()?;
        Ok(text)
    }
    moment_of(word("valid_at", valid_at)?, word("known_at", known_at)?, today)
}

/// The moment that two words ask for. What was believed when is told by the machine's own clock, as in the register.
pub fn moment_of(valid_at: Option<&str>, known_at: Option<&str>, today: NaiveDate) -> Result<Moment, Problem> {
    Moment::parse(valid_at, known_at, today, Clock::of_the_machine().now()).map_err(|error| {
        let field = if matches!(error, MomentError::Day(_)) { "valid_at" } else { "known_at" };
        Problem::new(Kind::InvalidParameter, error.to_string()).with("wrong-value", field, json!({}))
    })
}

/// A field's value; null is as good as nothing.
pub fn given(fields: &mut Map<String, Value>, name: &str) -> Option<Value> {
    fields.remove(name).filter(|value| !value.is_null())
}

fn read_box(value: &Value) -> Result<Selection, Problem> {
    let numbers: Option<Vec<f64>> = value.as_array().and_then(|list| list.iter().map(Value::as_f64).collect());
    let Some([west, south, east, north]) = numbers.as_deref() else {
        return Err(wrong("bbox", value, "four numbers: west, south, east, north"));
    };
    Selection::bbox(*west, *south, *east, *north).map_err(|error| refuse("bbox", &error))
}

fn read_area(value: Value) -> Result<Selection, Problem> {
    Selection::area(&read_geometry(value)?).map_err(|error| refuse("area", &error))
}

/// The geometry of an area, not yet checked.
pub fn read_geometry(value: Value) -> Result<geojson::Geometry, Problem> {
    if value.get("crs").is_some() {
        // The 2008 GeoJSON had it; taken for degrees, metres would lie somewhere else or nowhere.
        let detail = "the area has a crs member, expected longitude and latitude without one (RFC 7946 §4)";
        return Err(Problem::new(Kind::InvalidArea, detail).with("crs-member", "area", json!({})));
    }
    serde_json::from_value::<geojson::Geometry>(value).map_err(|error| {
        let detail = format!("the area is not a GeoJSON geometry: {error}; expected a Polygon or a MultiPolygon");
        Problem::new(Kind::InvalidArea, detail).with("bad-geojson", "area", json!({}))
    })
}

pub fn refuse(field: &str, error: &SelectionError) -> Problem {
    let facts = error.place().map_or_else(|| json!({}), |place| json!({"place": place}));
    Problem::new(Kind::InvalidArea, error.to_string()).with(error.code(), field, facts)
}

fn read_limit(value: Option<Value>) -> Result<usize, Problem> {
    let Some(value) = value else { return Ok(USUAL_LIMIT) };
    let limit = value.as_u64().and_then(|limit| usize::try_from(limit).ok()).filter(|limit| *limit <= MOST_LIMIT);
    limit.ok_or_else(|| wrong("limit", &value, "a whole number from 0 to 1000"))
}

fn read_after(value: &Value, sort: Option<Sort>) -> Result<After, Problem> {
    let refused = || wrong("after", value, "the \"next\" of an earlier answer to the same question");
    value.as_str().and_then(|token| After::parse(token, sort)).ok_or_else(refused)
}

pub fn wrong(field: &str, value: &Value, expected: &str) -> Problem {
    let mut short: String = value.to_string().chars().take(80).collect();
    if short.len() < value.to_string().len() {
        short.push('…');
    }
    Problem::new(Kind::InvalidParameter, format!("{field} is {short}, expected {expected}")).with(
        "wrong-value",
        field,
        json!({"value": short, "expected": expected}),
    )
}

/// What the token of a page in the order of codes starts with, and of one in another order.
const BY_CODE: &str = "c";
const SORTED: &str = "s";

impl After {
    /// The token of the page behind it. It names a place in the order and no revision: the next page starts behind that
    /// place whether or not the parcel is still there.
    pub fn token(&self, sort: Option<Sort>) -> String {
        let Some(sort) = sort else { return format!("{BY_CODE}{}", hex::encode(&self.code)) };
        let key = match &self.key {
            None => Value::Null,
            Some(Key::Text(text)) => json!(text),
            Some(Key::Number(number)) => json!(number),
            Some(Key::Date(day)) => json!(day),
            Some(Key::Flag(flag)) => json!(flag),
        };
        format!("{SORTED}{}", hex::encode(json!([sort.text(), key, self.code]).to_string()))
    }

    fn parse(token: &str, sort: Option<Sort>) -> Option<Self> {
        let text = |prefix| String::from_utf8(hex::decode(token.strip_prefix(prefix)?).ok()?).ok();
        let Some(sort) = sort else { return Some(Self { code: text(BY_CODE)?, key: None }) };
        let (sorted_by, key, code): (String, Value, String) = serde_json::from_str(&text(SORTED)?).ok()?;
        if sorted_by != sort.text() {
            return None;
        }
        let key = match (key, sort.by().holds()) {
            (Value::Null, _) => None,
            (Value::String(text), Holds::Text) => Some(Key::Text(text)),
            (Value::String(text), Holds::Date) => Some(Key::Date(text.parse().ok()?)),
            (Value::Number(number), Holds::Number) => Some(Key::Number(number.as_f64()?)),
            (Value::Bool(flag), Holds::Flag) => Some(Key::Flag(flag)),
            _ => return None,
        };
        Some(Self { code, key })
    }
}
