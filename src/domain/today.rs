//! The city as it stands at one moment of the register: what maps and lists show. The store reads it, the atlas packs it.

use super::review::decision::List;
use super::review::grade::Grade;
use super::zoning::Tier;
use chrono::NaiveDate;
use geo_types::MultiPolygon;

/// Everything of one revision.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Today {
    /// The revision.
    pub revision: i64,
    /// The city, and the run whose grades the parcels carry.
    pub city: CityFacts,
    /// The parcels in the order of their codes.
    pub parcels: Vec<Parcel>,
    /// Districts, zones and parks.
    pub areas: Vec<Area>,
}

/// What became of it since an earlier revision: the city is given anew, parcels and areas as far as they changed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Changes {
    /// The revision it is now.
    pub revision: i64,
    /// The city as it is now.
    pub city: CityFacts,
    /// All areas as they are now, where any changed.
    pub areas: Option<Vec<Area>>,
    /// The parcels that may have changed, each once.
    pub parcels: Vec<Change>,
}

/// One parcel that may have changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Its code.
    pub code: String,
    /// What it is now; nothing where it is no parcel of today.
    pub now: Option<Parcel>,
}

/// One parcel as it stands at the snapshot's moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Parcel {
    /// Its code.
    pub code: String,
    /// The code of its district.
    pub district: String,
    /// The code of its park.
    pub park: Option<String>,
    /// Where it stands in the plan.
    pub tier: Tier,
    /// Whether the plan locks it (lock 1).
    pub locked: bool,
    /// The code of its land use.
    pub land_use: String,
    /// GB/T 4754 class of the enterprise that holds it.
    pub industry: Option<String>,
    /// The name of that enterprise.
    pub holder: Option<String>,
    /// Geodesic area of its shape.
    pub area_m2: f64,
    /// Floor area of its buildings, where any are known.
    pub floor_area_m2: Option<f64>,
    /// The highest plot ratio of its plan condition.
    pub plot_ratio_allowed: Option<f64>,
    /// Its grade in the run that the city shows.
    pub grade: Option<Grade>,
    /// Its score in that run.
    pub score: Option<f64>,
    /// What that run proposes.
    pub outcome: Option<String>,
    /// The list that this run puts it on.
    pub list: Option<List>,
    /// Its state of life, by its word.
    pub state: Option<String>,
    /// The first day after its contract's term.
    pub term_ends_on: Option<NaiveDate>,
    /// Its shape in EPSG:4490, longitude and latitude.
    pub shape: MultiPolygon<f64>,
}

/// An area that parcels lie in.
#[derive(Debug, Clone, PartialEq)]
pub struct Area {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Its English name.
    pub name_en: Option<String>,
    /// What it is.
    pub kind: AreaKind,
    /// Its shape in EPSG:4490, longitude and latitude.
    pub shape: MultiPolygon<f64>,
}

/// What an area is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AreaKind {
    /// A district or county.
    District,
    /// An industrial base or community.
    Zone {
        /// Which of the two.
        tier: Tier,
        /// Lock 1: reserved for advanced manufacturing.
        locked: bool,
    },
    /// A park.
    Park,
}

/// What is to be said of the city as a whole.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CityFacts {
    /// Its name.
    pub name: String,
    /// Its English name.
    pub name_en: String,
    /// Whether its data are made up.
    pub made_up: bool,
    /// What a reader must know of its data, in Chinese.
    pub note_zh: Option<String>,
    /// The same in English.
    pub note_en: Option<String>,
    /// The review run whose grades the parcels carry.
    pub run: Option<RunFacts>,
}

/// The review run whose grades the parcels carry.
#[derive(Debug, Clone, PartialEq)]
pub struct RunFacts {
    /// Its number.
    pub id: i64,
    /// The name of its scheme.
    pub scheme: String,
    /// The scheme's title in Chinese.
    pub title_zh: String,
    /// The scheme's title in English.
    pub title_en: String,
    /// The day it judges.
    pub as_of: NaiveDate,
    /// Draft or published.
    pub state: String,
}
