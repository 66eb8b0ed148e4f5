//! "Where does this stand?": one moment of the register is held, the rules of the day are looked up, and the land is laid
//! over every layer of the plan.

use super::moment;
use super::refresh::RefreshError;
use super::rules;
use crate::atlas::{Selection, SelectionError};
use crate::domain::moment::Moment;
use crate::domain::rulebook::{Rulebook, keys};
use crate::domain::zoning::standing::{Rule, Standing};
use crate::store::{self, StoreError, write};
use chrono::NaiveDate;
use geo_types::{Geometry, MultiPolygon};
use geojson::GeoJson;
use sqlx::PgPool;

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

impl Place {
    /// The area of a GeoJSON document: a polygon or multipolygon, or one feature of that kind, whose rings do not cross.
    pub fn of_geojson(document: &GeoJson) -> Result<Self, SelectionError> {
        Selection::geojson(document)?;
        let geometry = match document {
            GeoJson::Geometry(geometry) => Some(geometry),
            GeoJson::Feature(feature) => feature.geometry.as_ref(),
            GeoJson::FeatureCollection(collection) => collection.features.iter().find_map(|one| one.geometry.as_ref()),
        };
        match geometry.and_then(|geometry| Geometry::<f64>::try_from(geometry).ok()) {
            Some(Geometry::Polygon(polygon)) => Ok(Self::Area(MultiPolygon(vec![polygon]))),
            Some(Geometry::MultiPolygon(polygons)) => Ok(Self::Area(polygons)),
            _ => Err(SelectionError::Empty),
        }
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
    let revision = write::head_at(&mut held, moment.known_at).await?;
    let (standing, shape) = match &place {
        Place::Parcel(code) => match store::standing::standing_of(&mut held, code, moment, rule).await? {
            None => return Ok(None),
            Some((standing, shape)) => (standing, Some(shape)),
        },
        Place::Area(shape) => {
            let Rule { deciding_share, border_tolerance } = rule;
            let (day, known_at) = (moment.valid_at, moment.known_at);
            let standing =
                store::standing::standing(&mut held, shape, day, known_at, deciding_share, border_tolerance).await?;
            (standing, Some(shape.clone()))
        }
        Place::Point(point) => (store::standing::standing_at(&mut held, *point, moment, rule).await?, None),
    };
    held.commit().await.map_err(StoreError::from)?;
    Ok(Some(Answer { revision, moment, place, shape, standing }))
}
