//! Collections of features as they are offered to map programs: what each is called, which typed properties its features
//! have, which of them names a feature, and in which coordinates it can be had. It knows no query and no address.

use super::dictionary::{self, Term, What};
use super::filter::{Element, Kind, Property as Filterable};
use super::intake::FieldType;
use super::reference::{self, LayerName, PropertyKind};
use super::review::scheme::Words;
use serde::Deserialize;
use std::sync::LazyLock;

const SHIPPED: &str = include_str!("../../data/collections.toml");

/// What the shape of a feature is called in filters and schemas.
pub const SHAPE: &str = "geometry";
/// What most files call it.
const FILE_SHAPE: &str = "geom";

/// A property of the features of a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub holds: Kind,
    /// Whether its numbers have no fraction.
    pub is_whole: bool,
    /// Its title, with the unit where it has one.
    pub title: String,
    /// What it means.
    pub meaning: Option<Words>,
}

/// A collection.
#[derive(Debug, Clone, PartialEq)]
pub struct Collection {
    /// Its name in addresses.
    pub id: String,
    /// Its title.
    pub title: Words,
    /// What its features are.
    pub description: Words,
    /// The properties of a feature.
    pub properties: Vec<Property>,
    /// The place of the property that names a feature; nothing in reference layers, whose features have a key beside what
    /// their files say of them.
    pub key: Option<usize>,
    /// The places of the properties that hold its first day as law and the first day after.
    pub time: Option<[usize; 2]>,
    /// What the shape of a feature is called; nothing where features have none.
    pub shape: Option<String>,
    /// Whether a feature may lack its shape.
    pub shape_may_lack: bool,
    /// West, south, east, north of its shapes in degrees, where it is not the city that bounds them.
    pub extent: Option<[f64; 4]>,
}

impl Collection {
    /// The collection of a reference layer. Its shape is `geometry` as everywhere and `geom` as in many files, unless its
    /// features have properties of these names.
    pub fn of_layer(
        name: &LayerName,
        title: &str,
        source: &str,
        properties: &[reference::Property],
        extent: Option<[f64; 4]>,
    ) -> Self {
        let both = |zh: &str, en: &str| Words { zh: format!("{zh}{title}"), en: format!("{en}{title}") };
        let is_free = |name: &&&str| properties.iter().all(|property| property.name != **name);
        Self {
            id: name.as_str().to_owned(),
            title: both("参考图层 ", "Reference layer "),
            description: Words {
                zh: format!("由 {source} 导入的参考图层，按该文件自己的字段"),
                en: format!("imported from {source}, with the properties of that file"),
            },
            properties: properties
                .iter()
                .map(|property| Property {
                    name: property.name.clone(),
                    holds: property.kind.of_filter(),
                    is_whole: property.kind == PropertyKind::Integer,
                    title: property.name.clone(),
                    meaning: None,
                })
                .collect(),
            key: None,
            time: None,
            shape: [SHAPE, FILE_SHAPE].iter().find(is_free).map(|name| (*name).to_owned()),
            shape_may_lack: true,
            extent,
        }
    }

    /// What a filter may name: every property and the shape.
    pub fn filterable(&self) -> Vec<Filterable<'_>> {
        let shape = self.shape.iter().map(String::as_str).chain(self.other_shape());
        let shape = shape.map(|name| Filterable { name, holds: Kind::Shape });
        self.properties.iter().map(|one| Filterable { name: &one.name, holds: one.holds }).chain(shape).collect()
    }

    /// What the shape of a layer's feature may be called too.
    fn other_shape(&self) -> Option<&'static str> {
        let is_usual = self.shape.as_deref() == Some(SHAPE);
        Some(FILE_SHAPE)
            .filter(|name| self.is_layer() && is_usual && self.properties.iter().all(|property| property.name != *name))
    }

    /// Whether it is a reference layer.
    pub const fn is_layer(&self) -> bool {
        self.key.is_none()
    }

    /// The name of the property that names a feature; nothing in reference layers.
    pub fn key_name(&self) -> Option<&str> {
        self.key.map(|place| self.properties[place].name.as_str())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    collection: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: String,
    title: Words,
    description: Words,
    terms: String,
    #[serde(default)]
    only: Vec<String>,
    #[serde(default)]
    lists: Vec<String>,
    key: String,
    time: Option<[String; 2]>,
    #[serde(default)]
    shape_may_lack: bool,
}

fn terms(name: &str) -> Option<&'static [Term]> {
    Some(match name {
        "parcels" => What::Parcels.terms(),
        "zones" => What::Zones.terms(),
        "plan_units" => What::PlanUnits.terms(),
        "legacy_areas" => What::LegacyAreas.terms(),
        "contracts" => What::Contracts.terms(),
        "review" => What::ReviewResults.terms(),
        "districts" => dictionary::districts(),
        "parks" => dictionary::parks(),
        "buildings" => dictionary::buildings(),
        _ => return None,
    })
}

impl Written {
    /// The collection; nothing where the file names a column that is none.
    fn into_collection(self) -> Option<Collection> {
        let all = terms(&self.terms)?;
        let chosen: Vec<&Term> = if self.only.is_empty() {
            all.iter().collect()
        } else {
            self.only.iter().map(|name| all.iter().find(|term| term.name == *name)).collect::<Option<_>>()?
        };
        let properties: Vec<Property> = chosen
            .into_iter()
            .map(|term| Property {
                name: term.name.clone(),
                holds: if self.lists.contains(&term.name) { Kind::List(Element::Text) } else { Kind::of(term.holds) },
                is_whole: term.holds == FieldType::Integer,
                title: term.heading(),
                meaning: Some(term.meaning.clone()),
            })
            .collect();
        let place = |name: &str| properties.iter().position(|property| property.name == name);
        let time = match &self.time {
            None => None,
            Some([from, to]) => Some([place(from)?, place(to)?]),
        };
        Some(Collection {
            key: Some(place(&self.key)?),
            time,
            id: self.id,
            title: self.title,
            description: self.description,
            properties,
            shape: Some(SHAPE.to_owned()),
            shape_may_lack: self.shape_may_lack,
            extent: None,
        })
    }
}

#[expect(clippy::expect_used, reason = "the file is part of the program, and a test reads it")]
static COLLECTIONS: LazyLock<Vec<Collection>> = LazyLock::new(|| {
    let file: File = toml::from_str(SHIPPED).expect("the shipped collections are well formed");
    file.collection.into_iter().map(|one| one.into_collection().expect("they name columns that there are")).collect()
});

/// The collections that every register has.
pub fn built_in() -> &'static [Collection] {
    &COLLECTIONS
}

/// A reference system in which shapes are given and taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crs {
    /// Its address.
    pub uri: &'static str,
    /// Its number; that of the longitudes and latitudes of the register for all that differ from them by their axes only.
    pub epsg: u32,
    /// Whether the northing or the latitude comes first.
    pub north_first: bool,
    /// How many decimals its coordinates are written with: a millimetre or less.
    pub decimals: u8,
}

/// The number of the system that shapes are kept in.
pub const STORED: u32 = 4490;

/// Every system on offer, the one in which answers come where nothing is said first. WGS 84 is taken as CGCS2000, as it is
/// where files are read.
pub const SYSTEMS: [Crs; 6] = [
    Crs { uri: "http://www.opengis.net/def/crs/OGC/1.3/CRS84", epsg: STORED, north_first: false, decimals: 9 },
    Crs { uri: "http://www.opengis.net/def/crs/EPSG/0/4490", epsg: STORED, north_first: true, decimals: 9 },
    Crs { uri: "http://www.opengis.net/def/crs/EPSG/0/4326", epsg: STORED, north_first: true, decimals: 9 },
    Crs { uri: "http://www.opengis.net/def/crs/EPSG/0/4549", epsg: 4549, north_first: true, decimals: 4 },
    Crs { uri: "http://www.opengis.net/def/crs/EPSG/0/4550", epsg: 4550, north_first: true, decimals: 4 },
    Crs { uri: "http://www.opengis.net/def/crs/EPSG/0/3857", epsg: 3857, north_first: false, decimals: 4 },
];

/// The address of the system that shapes are kept in.
pub const STORED_URI: &str = SYSTEMS[1].uri;

impl Crs {
    /// The system in which answers come where nothing is said: longitude and latitude.
    pub const fn usual() -> Self {
        SYSTEMS[0]
    }

    /// The system of an address, or of its short form in brackets.
    pub fn named(word: &str) -> Option<Self> {
        let short = word.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        SYSTEMS.into_iter().find(|one| match short {
            None => one.uri == word,
            Some(short) => short.split_once(':').is_some_and(|(authority, code)| {
                let (left, found) = one.uri.rsplit_once('/').unwrap_or_default();
                found == code && left.contains(&format!("/{authority}/"))
            }),
        })
    }

    /// Whether its coordinates are degrees.
    pub const fn is_in_degrees(self) -> bool {
        self.epsg == STORED
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_collection_of_the_file_can_be_read_and_has_a_name_of_its_own() {
        let ids: BTreeSet<&str> = built_in().iter().map(|one| one.id.as_str()).collect();
        assert_eq!(ids.len(), built_in().len());
        assert!(ids.len() >= 10);
        for one in built_in() {
            assert_eq!(one.properties[one.key.unwrap()].holds, Kind::Text, "{}", one.id);
            let times = one.time.iter().flatten().map(|place| one.properties[*place].holds);
            assert!(times.into_iter().all(|holds| holds == Kind::Date), "{}", one.id);
        }
    }

    #[test]
    fn a_system_is_known_by_its_address_and_by_its_short_name() {
        for system in SYSTEMS {
            assert_eq!(Crs::named(system.uri), Some(system));
        }
        assert_eq!(Crs::named("[EPSG:4549]").map(|one| one.epsg), Some(4549));
        assert_eq!(Crs::named("[OGC:CRS84]"), Some(Crs::usual()));
        for unknown in ["EPSG:4549", "[EPSG:2437]", "", "[]", "http://www.opengis.net/def/crs/EPSG/0/0"] {
            assert_eq!(Crs::named(unknown), None, "{unknown}");
        }
    }
}
