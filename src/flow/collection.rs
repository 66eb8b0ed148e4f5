//! Features out of the register: words of an address become filters and days, shapes are brought into the register's
//! coordinates, and number and page are read in one moment, so that they agree.

use super::refresh::RefreshError;
use super::rules::{self, RulesError};
use crate::domain::collection::{Collection, Crs, built_in};
use crate::domain::filter::{Filter, FilterError, Kind, Property};
use crate::domain::reference::LayerName;
use crate::exchange::{ReadError, Way};
use crate::store::StoreError;
use crate::store::collection::{Ask, Cut, Feature, Held};
use crate::store::reference::Layer;
use chrono::{DateTime, Duration, NaiveDate, Utc};
use geo::MapCoordsInPlace as _;
use geo_types::{Coord, Geometry, LineString, Polygon};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::cell::Cell;

/// How many points the edge of a box becomes in other coordinates, where straight lines bend.
const POINTS_OF_AN_EDGE: u32 = 32;

/// What is asked of a collection.
#[derive(Debug, Clone)]
pub struct Question {
    /// The days on which features are law, the first and the last; nothing where open. Nothing at all for today.
    pub days: Option<[Option<NaiveDate>; 2]>,
    /// A box and its coordinates: first and second axis of the lower corner, then of the upper one.
    pub bbox: Option<([f64; 4], Crs)>,
    /// What features are like, and the coordinates of its shapes.
    pub filter: Option<(Written, Crs)>,
    /// Properties with the values that they must have.
    pub equal: Vec<(String, String)>,
}

/// A filter as it was written.
#[derive(Debug, Clone)]
pub enum Written {
    /// CQL2 text.
    Text(String),
    /// CQL2 JSON.
    Json(Value),
}

/// Number and page.
#[derive(Debug)]
pub struct Page {
    /// How many features fit.
    pub matched: i64,
    /// Those of the page.
    pub features: Vec<Feature>,
    /// The code behind which the next page begins.
    pub next: Option<String>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum CollectionError {
    /// The filter can't be read.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// The value of a property is none that it can have.
    #[error("{name} is {value:?}; expected {expected}")]
    Value {
        /// The property.
        name: String,
        /// What was said.
        value: String,
        /// What would be right.
        expected: String,
    },
    /// The box is none.
    #[error("bbox: {0}")]
    Box(String),
    /// A shape has no place on the earth.
    #[error(
        "{0}: a point lies where its coordinate system has no place; expected coordinates of the system named, in its own axis order"
    )]
    Nowhere(&'static str),
    /// The coordinates could not be turned.
    #[error(transparent)]
    Crs(#[from] ReadError),
    /// The rules could not be had.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// They could not be had for that moment.
    #[error(transparent)]
    Moment(#[from] RefreshError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Every collection that there is: those of every register, then its reference layers.
pub async fn all(held: &mut Held) -> Result<Vec<Cow<'static, Collection>>, StoreError> {
    let layers = held.layers().await?;
    let layers = layers.iter().map(|layer| Cow::Owned(of_layer(layer)));
    Ok(built_in().iter().map(Cow::Borrowed).chain(layers).collect())
}

/// The collection of that name.
pub async fn named(held: &mut Held, id: &str) -> Result<Option<Cow<'static, Collection>>, StoreError> {
    if let Some(found) = built_in().iter().find(|one| one.id == id) {
        return Ok(Some(Cow::Borrowed(found)));
    }
    // What can't be the name of a layer is none.
    let Ok(name) = LayerName::parse(id) else { return Ok(None) };
    Ok(held.layer(&name).await?.map(|layer| Cow::Owned(of_layer(&layer))))
}

fn of_layer(layer: &Layer) -> Collection {
    Collection::of_layer(&layer.name, &layer.title, &layer.source, &layer.properties, layer.extent)
}

/// Number of the features that fit, and a page of them.
pub async fn items(
    held: &mut Held,
    collection: &Collection,
    question: &Question,
    today: NaiveDate,
    cut: Cut<'_>,
) -> Result<Page, CollectionError> {
    let properties = collection.filterable();
    let within = question.bbox.map(|(corners, crs)| within(collection, &properties, corners, crs)).transpose()?;
    let mut filters = Vec::new();
    if let Some((written, crs)) = &question.filter {
        let mut filter = match written {
            Written::Text(text) => Filter::parse(text, &properties),
            Written::Json(value) => Filter::from_json(value, &properties),
        }?;
        turn(&mut filter, *crs, "filter")?;
        filters.push(filter);
    }
    for (name, value) in &question.equal {
        filters.push(equal(&properties, name, value)?);
    }
    let [first, last] = question.days.unwrap_or([Some(today); 2]);
    let day = last.unwrap_or(today).max(first.unwrap_or(NaiveDate::MIN));
    let rulebook = rules::rulebook()?;
    let ask = Ask {
        collection,
        days: [first, last],
        day,
        within: within.as_ref(),
        filters: &filters,
        code: None,
        deciding_share: rules::deciding_share(rulebook, day)?,
        tall_storey_m: rulebook.tall_storey_m(day),
    };
    let matched = held.count(&ask).await?;
    // One more than the page holds, so that a page that ends the answer has no next one.
    let mut features =
        if matched == 0 { Vec::new() } else { held.page(&ask, Cut { most: cut.most + 1, ..cut }).await? };
    let most = usize::try_from(cut.most).unwrap_or(usize::MAX);
    let more = features.len() > most;
    features.truncate(most);
    let next = features.last().filter(|_| more).map(|last| last.code.clone());
    Ok(Page { matched, features, next })
}

/// One feature as it is today; nothing where there is none of that code.
pub async fn item(
    held: &mut Held,
    collection: &Collection,
    code: &str,
    today: NaiveDate,
    crs: Crs,
) -> Result<Option<Feature>, CollectionError> {
    let rulebook = rules::rulebook()?;
    let ask = Ask {
        collection,
        days: [Some(today); 2],
        day: today,
        within: None,
        filters: &[],
        code: Some(code),
        deciding_share: rules::deciding_share(rulebook, today)?,
        tall_storey_m: rulebook.tall_storey_m(today),
    };
    Ok(held.page(&ask, Cut { after: None, most: 1, crs }).await?.pop())
}

/// The days of a stretch of time or an instant as addresses write them; nothing where it is none. A moment means its day in
/// Shanghai.
pub fn days(words: &str) -> Option<[Option<NaiveDate>; 2]> {
    let end = |word: &str| match word {
        "" | ".." => Some(None),
        word => instant(word).map(Some),
    };
    let Some((first, last)) = words.split_once('/') else { return instant(words).map(|day| [Some(day); 2]) };
    let days = [end(first)?, end(last)?];
    match days {
        [Some(first), Some(last)] if first > last => None,
        days => Some(days),
    }
}

fn instant(word: &str) -> Option<NaiveDate> {
    let is_sane = |day: &NaiveDate| {
        use chrono::Datelike as _;
        (1..=9999).contains(&day.year())
    };
    if word.len() == 10 {
        return word.parse().ok().filter(is_sane);
    }
    // In an address a plus sign is read as a blank.
    let moment = DateTime::parse_from_rfc3339(&word.replacen(' ', "+", 1)).ok()?.with_timezone(&Utc);
    Some(moment.naive_utc().checked_add_signed(Duration::hours(8))?.date()).filter(is_sane)
}

fn within(
    collection: &Collection,
    properties: &[Property<'_>],
    corners: [f64; 4],
    crs: Crs,
) -> Result<Filter, CollectionError> {
    let Some(shape) = &collection.shape else { return Ok(Filter::from_json(&json!(true), properties)?) };
    let said = json!({"op": "s_intersects", "args": [{"property": shape}, {"bbox": in_order(corners, crs)}]});
    let refused = |error: FilterError| CollectionError::Box(format!("{}; expected {}", error.found, error.expected));
    let mut filter = Filter::from_json(&said, properties).map_err(refused)?;
    // The box was put in order already.
    turn(&mut filter, Crs { north_first: false, ..crs }, "bbox")?;
    Ok(filter)
}

/// Corners with the longitude or the easting first.
fn in_order([a, b, c, d]: [f64; 4], crs: Crs) -> [f64; 4] {
    if crs.north_first { [b, a, d, c] } else { [a, b, c, d] }
}

fn equal(properties: &[Property<'_>], name: &str, value: &str) -> Result<Filter, CollectionError> {
    let refuse = |expected: &str| CollectionError::Value {
        name: name.to_owned(),
        value: value.to_owned(),
        expected: expected.to_owned(),
    };
    let property = json!({ "property": name });
    let holds = properties.iter().find(|property| property.name == name).map(|property| property.holds);
    let word = match holds {
        Some(Kind::Number) => value.parse::<f64>().ok().filter(|number| number.is_finite()).map(|number| json!(number)),
        Some(Kind::Flag) => value.parse::<bool>().ok().map(|flag| json!(flag)),
        Some(Kind::Date) => Some(json!({ "date": value })),
        Some(Kind::Timestamp) => Some(json!({ "timestamp": value })),
        Some(Kind::Text | Kind::List(_)) => Some(json!(value)),
        _ => None,
    };
    let word = word.ok_or_else(|| {
        refuse(match holds {
            Some(Kind::Number) => "a number",
            Some(Kind::Flag) => "true or false",
            _ => "a property that holds one value",
        })
    })?;
    let said = match holds {
        Some(Kind::List(_)) => json!({"op": "a_contains", "args": [property, [word]]}),
        _ => json!({"op": "=", "args": [property, word]}),
    };
    Filter::from_json(&said, properties).map_err(|error| refuse(&error.expected))
}

/// Brings the shapes of a filter into the coordinates of the register.
fn turn(filter: &mut Filter, crs: Crs, part: &'static str) -> Result<(), CollectionError> {
    if crs.is_in_degrees() && !crs.north_first {
        return Ok(());
    }
    let way = if crs.is_in_degrees() { None } else { Some(Way::from(crs.epsg)?) };
    filter.turn_shapes(|shape, is_box| {
        if is_box && way.is_some() {
            bend(shape);
        }
        let is_somewhere = Cell::new(true);
        shape.map_coords_in_place(|Coord { x, y }| {
            let (x, y) = if crs.north_first { (y, x) } else { (x, y) };
            let Some(way) = &way else { return Coord { x, y } };
            way.turn(x, y).map_or_else(
                || {
                    is_somewhere.set(false);
                    Coord { x, y }
                },
                |[x, y]| Coord { x, y },
            )
        });
        if is_somewhere.get() { Ok(()) } else { Err(CollectionError::Nowhere(part)) }
    })
}

/// Puts points on the edges of a box.
fn bend(shape: &mut Geometry<f64>) {
    let Geometry::Polygon(polygon) = shape else { return };
    let mut points = Vec::new();
    for line in polygon.exterior().lines() {
        for step in 0..POINTS_OF_AN_EDGE {
            let part = f64::from(step) / f64::from(POINTS_OF_AN_EDGE);
            points.push(line.start + line.delta() * part);
        }
    }
    if let Some(first) = points.first().copied() {
        points.push(first);
        *polygon = Polygon::new(LineString(points), Vec::new());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_of_time_is_read_with_both_its_ends_and_a_moment_is_its_day_in_shanghai() {
        let day = |text: &str| Some(text.parse::<NaiveDate>().unwrap());
        for (words, found) in [
            ("2026-06-30", Some([day("2026-06-30"); 2])),
            ("2026-06-30T15:59:59Z", Some([day("2026-06-30"); 2])),
            ("2026-06-30T16:00:00Z", Some([day("2026-07-01"); 2])),
            ("2026-06-30T23:00:00+08:00", Some([day("2026-06-30"); 2])),
            ("2026-01-01/2026-06-30", Some([day("2026-01-01"), day("2026-06-30")])),
            ("../2026-06-30", Some([None, day("2026-06-30")])),
            ("/2026-06-30", Some([None, day("2026-06-30")])),
            ("2026-06-30/..", Some([day("2026-06-30"), None])),
            ("2026-06-30/2026-01-01", None),
            ("2026-13-01", None),
            ("", None),
            ("now", None),
            ("+262142-12-31T23:59:59Z", None),
        ] {
            assert_eq!(days(words), found, "{words}");
        }
    }

    #[test]
    fn a_box_in_metres_is_bent_along_its_edges() {
        let properties = [Property { name: "geometry", holds: Kind::Shape }];
        let said = json!({"op": "s_intersects", "args": [{"property": "geometry"}, {"bbox": [500_000, 3_450_000, 600_000, 3_500_000]}]});
        let mut filter = Filter::from_json(&said, &properties).unwrap();
        let crs = Crs { north_first: false, ..Crs::named("[EPSG:4549]").unwrap() };
        turn(&mut filter, crs, "bbox").unwrap();
        let mut points = Vec::new();
        filter
            .turn_shapes(|shape, is_box| {
                assert!(!is_box);
                use geo::CoordsIter as _;
                points.extend(shape.coords_iter());
                Ok::<(), ()>(())
            })
            .unwrap();
        assert_eq!(points.len(), 4 * 32 + 1);
        // The central meridian of the zone.
        let west = points.iter().map(|point| point.x).fold(f64::INFINITY, f64::min);
        assert!((west - 120.0).abs() < 1e-9, "{west}");
        assert!(points.iter().all(|point| (31.1..31.7).contains(&point.y)), "{points:?}");
    }
}
