//! "Where does this stand?": one moment of the register is held, the rules of the day are looked up, and the land is laid
//! over every layer of the plan.

use super::moment;
use super::refresh::RefreshError;
use super::rules;
use crate::atlas::{Selection, SelectionError};
use crate::domain::id::ParcelCode;
use crate::domain::moment::Moment;
use crate::domain::quantity::SquareMetres;
use crate::domain::rulebook::{Rulebook, keys};
use crate::domain::zoning::Tier;
use crate::domain::zoning::standing::{Layer, Part, Rule, Standing};
use crate::exchange::svg::{self, Area, Picture, Style};
use crate::store::city::{self, City};
use crate::store::standing::InView;
use crate::store::{self, StoreError, write};
use chrono::NaiveDate;
use geo::{BoundingRect as _, CoordsIter as _};
use geo_types::{Geometry, MultiPolygon};
use geojson::GeoJson;
use sqlx::{PgConnection, PgPool};

/// What is asked about.
#[derive(Debug, Clone, PartialEq)]
pub enum Place {
    /// A parcel, by its code.
    Parcel(String),
    /// An area in longitude and latitude; its rings do not cross.
    Area(MultiPolygon<f64>),
    /// A single place: longitude, latitude.
    Point([f64; 2]),
}

/// Land wider or higher than this is refused: areas are measured along shortest lines, which beyond it leave those that were
/// drawn, and from half the globe on go the other way round.
const MOST_DEGREES: f64 = 90.0;
/// Land of more vertices is refused, because it is laid over each area of the plan that it meets. The border of a district in
/// full detail has fewer.
const MOST_VERTICES: usize = 20_000;

impl Place {
    /// The area of a GeoJSON document: a polygon or multipolygon, or one feature of that kind, whose rings do not cross.
    pub fn of_geojson(document: &GeoJson) -> Result<Self, SelectionError> {
        let it = Selection::geojson(document)?.bounds();
        if (it.east - it.west).max(it.north - it.south) > MOST_DEGREES {
            let corners = [it.west, it.south, it.east, it.north];
            return Err(SelectionError::TooWide { corners, most: MOST_DEGREES });
        }
        let geometry = match document {
            GeoJson::Geometry(geometry) => Some(geometry),
            GeoJson::Feature(feature) => feature.geometry.as_ref(),
            GeoJson::FeatureCollection(collection) => collection.features.iter().find_map(|one| one.geometry.as_ref()),
        };
        let shape = match geometry.and_then(|geometry| Geometry::<f64>::try_from(geometry).ok()) {
            Some(Geometry::Polygon(polygon)) => MultiPolygon(vec![polygon]),
            Some(Geometry::MultiPolygon(polygons)) => polygons,
            _ => return Err(SelectionError::Empty),
        };
        let found = shape.coords_count();
        if found > MOST_VERTICES {
            return Err(SelectionError::TooManyVertices { found, most: MOST_VERTICES });
        }
        Ok(Self::Area(shape))
    }

    /// One place, or the corners of an area in their order.
    pub fn of_corners(corners: &[[f64; 2]]) -> Result<Self, SelectionError> {
        if let [[lon, lat]] = corners {
            // A box of no width is checked like any other.
            Selection::bbox(*lon, *lat, *lon, *lat)?;
            return Ok(Self::Point([*lon, *lat]));
        }
        let closed = corners.iter().chain(corners.first()).map(|corner| (*corner).into()).collect();
        let value = geojson::GeometryValue::Polygon { coordinates: vec![closed] };
        Self::of_geojson(&GeoJson::Geometry(geojson::Geometry::new(value)))
    }
}

/// Where it stands.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The newest revision that the moment knew.
    pub revision: i64,
    /// The moment.
    pub moment: Moment,
    /// What was asked about.
    pub place: Place,
    /// The land, where it has an area.
    pub shape: Option<MultiPolygon<f64>>,
    /// Where it stands.
    pub standing: Standing,
}

/// By which rules of the day parts are judged: the share that decides, and what may lie across a border.
pub fn rule(rulebook: &Rulebook, day: NaiveDate) -> Result<Rule, rules::RulesError> {
    Ok(Rule {
        deciding_share: rules::deciding_share(rulebook, day)?,
        border_tolerance: rules::value(rulebook, keys::CHECK_STRADDLE, day)?,
    })
}

/// Where something stands at a moment; nothing for a parcel that is not law then.
pub async fn stand(pool: &PgPool, place: Place, moment: Moment) -> Result<Option<Answer>, RefreshError> {
    let rulebook = moment::rulebook(pool, moment.known_at).await?;
    let rule = rule(&rulebook, moment.valid_at)?;
    let mut held = store::standing::hold(pool).await?;
    let answer = answer(&mut held, place, moment, rule).await?;
    held.commit().await.map_err(StoreError::from)?;
    Ok(answer)
}

/// The same with a picture of it, both of one moment of the register.
pub async fn draw(pool: &PgPool, place: Place, moment: Moment) -> Result<Option<(Answer, String)>, RefreshError> {
    drawn(pool, place, moment, svg::draw).await
}

/// The map of the picture alone; nothing for a parcel that is not law then.
pub async fn map(pool: &PgPool, code: &ParcelCode, moment: Moment) -> Result<Option<String>, RefreshError> {
    let place = Place::Parcel(code.as_str().to_owned());
    Ok(drawn(pool, place, moment, svg::draw_map).await?.map(|(_, map)| map))
}

async fn drawn(
    pool: &PgPool,
    place: Place,
    moment: Moment,
    draw: fn(&Picture) -> String,
) -> Result<Option<(Answer, String)>, RefreshError> {
    let rulebook = moment::rulebook(pool, moment.known_at).await?;
    let rule = rule(&rulebook, moment.valid_at)?;
    let mut held = store::standing::hold(pool).await?;
    let Some(answer) = answer(&mut held, place, moment, rule).await? else { return Ok(None) };
    let city = city::read(&mut held).await?.unwrap_or_default();
    let bounds = match (&answer.place, answer.shape.as_ref().and_then(|shape| shape.bounding_rect())) {
        (Place::Point([x, y]), _) => [*x, *y, *x, *y],
        (_, Some(found)) => [found.min().x, found.min().y, found.max().x, found.max().y],
        (_, None) => return Ok(None),
    };
    let view = svg::view_around(bounds);
    // Half of what the eye tells apart on the sheet.
    let grain = (view[2] - view[0]) / 1_500.0;
    let areas = store::standing::in_view(&mut held, view, moment, grain).await?;
    held.commit().await.map_err(StoreError::from)?;
    let picture = tokio::task::spawn_blocking(move || {
        let text = draw(&picture(&answer, &city, view, areas));
        (answer, text)
    });
    Ok(Some(picture.await?))
}

/// The same in a moment of the register that is held already.
pub(super) async fn answer(
    held: &mut PgConnection,
    place: Place,
    moment: Moment,
    rule: Rule,
) -> Result<Option<Answer>, StoreError> {
    let revision = write::head_at(held, moment.known_at).await?;
    let (standing, shape) = match &place {
        Place::Parcel(code) => match store::standing::standing_of(held, code, moment, rule).await? {
            None => return Ok(None),
            Some((standing, shape)) => (standing, Some(shape)),
        },
        Place::Area(shape) => {
            let Rule { deciding_share, border_tolerance } = rule;
            let (day, known_at) = (moment.valid_at, moment.known_at);
            let standing =
                store::standing::standing(held, shape, day, known_at, deciding_share, border_tolerance).await?;
            (standing, Some(shape.clone()))
        }
        Place::Point(point) => (store::standing::standing_at(held, *point, moment, rule).await?, None),
    };
    Ok(Some(Answer { revision, moment, place, shape, standing }))
}

/// What the picture shows and says.
fn picture(answer: &Answer, city: &City, view: [f64; 4], areas: Vec<InView>) -> Picture {
    let it = &answer.standing;
    let asked = match &answer.place {
        Place::Parcel(code) => format!("宗地 {code}"),
        Place::Area(_) => "所绘范围".to_owned(),
        Place::Point([lon, lat]) => format!("地点 {lon:.6}, {lat:.6}"),
    };
    let mut moment = format!("规划日期 law of {}    登记册版本 revision {}", it.day, answer.revision);
    if let Some(known_at) = answer.moment.known_at {
        moment.push_str(&format!("    记载时点 known at {}", known_at.format("%Y-%m-%d %H:%M:%SZ")));
    }
    if !city.name.is_empty() {
        moment.push_str(&format!("    {}", city.name));
    }
    if city.made_up {
        moment.push_str("    数据虚构 made up");
    }
    let is_place = answer.shape.is_none();
    let said = |words: &str, figure: String| [words.to_owned(), figure, String::new()];
    let part = |words: &str, part: &Part| {
        let area = if is_place { String::new() } else { square_metres(part.area_m2) };
        [words.to_owned(), area, format!("{:.2} %", part.share * 100.0)]
    };
    let mut figures = vec![
        part("产业基地 base", &it.base),
        part("产业社区 community", &it.community),
        part("零星 fragmented", &it.fragmented),
        part("其中锁定 locked", &it.locked),
        said("判定层级 tier", format!("{} {}", it.tier.chinese(), it.tier.name())),
        said("是否锁定 locked", if it.is_locked { "是 yes" } else { "否 no" }.to_owned()),
        said("判定占比 deciding share", format!("≥ {} %", it.deciding_share * 100.0)),
        said("跨界容差 let pass across", format!("≤ {} %", it.border_tolerance * 100.0)),
    ];
    if !is_place {
        figures.insert(0, [String::from("面积 area"), square_metres(it.area_m2), "100.00 %".to_owned()]);
    }
    Picture {
        title: format!("{asked} 在规划中的位置  Where it stands in the plan"),
        moment,
        view,
        areas: areas.into_iter().map(area).collect(),
        land: answer.shape.clone(),
        point: match answer.place {
            Place::Point(point) => Some(point),
            Place::Parcel(_) | Place::Area(_) => None,
        },
        figures,
        remarks: it.remarks().into_iter().flat_map(|remark| [remark.zh, remark.en]).collect(),
    }
}

/// An area for people, thousands apart.
fn square_metres(area: SquareMetres) -> String {
    let text = format!("{:.2}", area.value());
    let (whole, rest) = text.split_at(text.len() - 3);
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{grouped}{rest} m²")
}

fn area(it: InView) -> Area {
    let style = match (it.layer, it.tier, it.locked) {
        (Layer::Zone, Some(Tier::Community), _) => Style::Community,
        (Layer::Zone, _, true) => Style::LockedBase,
        (Layer::Zone, ..) => Style::Base,
        (Layer::PlanUnit, ..) => Style::PlanUnit,
        (Layer::Legacy, ..) => Style::Legacy,
    };
    let class = it.class.map(|class| format!("{class} ")).unwrap_or_default();
    let code = format!("{class}{}", it.code);
    Area { style, label: format!("{code} {}", it.name), code, shape: it.shape }
}
