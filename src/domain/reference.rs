//! Reference layers: what other people keep and officers look at beside the register, such as red lines, metro buffers and
//! flood plains. Nobody has described their properties beforehand, so a layer brings its own list. Knows names and kinds.

use super::filter::{Kind as FilterKind, Property as FilterProperty};
use super::finding::Fault;
use super::intake::{Cell, Field, FieldType, Record, field};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The cells of a feature: its key, and its properties as one JSON object.
pub const FIELDS: &[Field] = &[field("key", FieldType::Text, true), field("properties", FieldType::Text, false)];

/// The longest properties of one feature, in bytes of JSON.
const MOST_BYTES: usize = 1 << 20;
/// The longest key, in characters.
const LONGEST_KEY: usize = 1000;
/// The longest name of a layer, in characters.
const LONGEST_NAME: usize = 63;

/// Names under which something of landcycle's own is, or may come to be, found.
const TAKEN: &[&str] = &[
    "areas",
    "audit",
    "buildings",
    "city",
    "contracts",
    "districts",
    "enterprises",
    "exit-candidates",
    "land-account",
    "layer",
    "layers",
    "legacy-areas",
    "objections",
    "obligations",
    "occupancies",
    "parcels",
    "parks",
    "plan-units",
    "renewal-areas",
    "renewal-candidates",
    "reserve",
    "results",
    "returns",
    "review-results",
    "reviews",
    "supply",
    "zones",
];

/// The name of a reference layer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LayerName(String);

/// Why a word names no layer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It has other letters.
    #[error(
        "{0:?} names no layer; expected at most {LONGEST_NAME} lowercase letters (a to z), digits, - and _, a letter first"
    )]
    Letters(String),
    /// Something else has the name.
    #[error("{0} is the name of something that landcycle has itself; choose another name for the layer")]
    Taken(String),
}

impl LayerName {
    /// Reads a name.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let is_letter = |byte: u8| byte.is_ascii_lowercase();
        let starts = text.bytes().next().is_some_and(is_letter);
        let may = |byte: u8| is_letter(byte) || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
        if !starts || text.len() > LONGEST_NAME || !text.bytes().all(may) {
            return Err(NameError::Letters(text.chars().take(80).collect()));
        }
        if TAKEN.contains(&text) {
            return Err(NameError::Taken(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LayerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for LayerName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::parse(&text)
    }
}

impl From<LayerName> for String {
    fn from(name: LayerName) -> Self {
        name.0
    }
}

/// What a property holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PropertyKind {
    /// Words; lists and documents as JSON.
    Text,
    /// A number without a point.
    Integer,
    /// A number with one.
    Number,
    /// Yes or no.
    Boolean,
    /// A day, `2026-06-30`.
    Date,
    /// A day and a time that say nothing of a zone, `2026-06-30T08:00:00`: those of Shanghai.
    Timestamp,
    /// A moment, `2026-06-30T00:00:00Z`.
    Instant,
}

impl PropertyKind {
    /// As what a filter compares it.
    pub fn of_filter(self) -> FilterKind {
        match self {
            Self::Text => FilterKind::Text,
            Self::Integer | Self::Number => FilterKind::Number,
            Self::Boolean => FilterKind::Flag,
            Self::Date => FilterKind::Date,
            Self::Timestamp | Self::Instant => FilterKind::Timestamp,
        }
    }

    /// The kind that holds the values of both, where there is one.
    pub fn with(self, other: Self) -> Option<Self> {
        match (self, other) {
            (one, two) if one == two => Some(one),
            (Self::Integer, Self::Number) | (Self::Number, Self::Integer) => Some(Self::Number),
            (Self::Timestamp, Self::Instant) | (Self::Instant, Self::Timestamp) => Some(Self::Instant),
            _ => None,
        }
    }
}

/// A property of a layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Property {
    /// Its name, as the file has it.
    pub name: String,
    /// What it holds.
    pub kind: PropertyKind,
}

impl Property {
    /// As a filter names it.
    pub fn of_filter(&self) -> FilterProperty<'_> {
        FilterProperty { name: &self.name, holds: self.kind.of_filter() }
    }
}

/// What tells the features of a layer from one another, from one import to the next.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyedBy {
    /// The number that the file gives each.
    Fid,
    /// A property.
    Field(String),
    /// All that a feature says: one that changed is another.
    #[default]
    Content,
}

impl KeyedBy {
    /// The word for it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Fid => "fid",
            Self::Field(_) => "field",
            Self::Content => "content",
        }
    }

    /// The property, where it is one.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Field(name) => Some(name),
            Self::Fid | Self::Content => None,
        }
    }

    /// The one of that word.
    pub fn parse(word: &str, field: Option<&str>) -> Option<Self> {
        match (word, field) {
            ("fid", None) => Some(Self::Fid),
            ("field", Some(field)) => Some(Self::Field(field.to_owned())),
            ("content", None) => Some(Self::Content),
            _ => None,
        }
    }
}

/// What was found out about a layer while its files were read.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Schema {
    /// What its file calls it.
    pub title: String,
    /// What tells its features apart.
    pub keyed_by: KeyedBy,
    /// Its properties in the order of the file.
    pub properties: Vec<Property>,
}

/// What the shapes of a layer are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Geometries {
    /// Points.
    Point,
    /// Lines.
    Line,
    /// Polygons.
    Polygon,
    /// Several of these.
    Mixed,
    /// There are none.
    None,
}

impl Geometries {
    /// Every one, with its word.
    const WORDS: [(&str, Self); 5] = [
        ("point", Self::Point),
        ("line", Self::Line),
        ("polygon", Self::Polygon),
        ("mixed", Self::Mixed),
        ("none", Self::None),
    ];

    /// The one of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(name, _)| *name == word).map(|(_, found)| *found)
    }

    /// The word for it.
    pub fn name(self) -> &'static str {
        Self::WORDS.iter().find(|(_, one)| *one == self).map_or("", |(name, _)| name)
    }
}

/// A feature's key and its properties, or what is wrong with them.
pub fn read<'a>(record: &'a Record, faults: &mut Vec<Fault>) -> Option<(&'a str, &'a str)> {
    let text = |index: usize| match record.cells.get(index) {
        Some(Cell::Text(text)) => Some(text.as_str()),
        _ => None,
    };
    let before = faults.len();
    let key = text(0);
    match key {
        None => faults.push(Fault::error("missing-value", Some("key"), None, "a value in the field of --key")),
        Some(key) if key.contains('\u{FFFD}') => faults.push(wrong_encoding("key", key)),
        Some(key) if key.chars().count() > LONGEST_KEY => {
            let expected = format!("a key of at most {LONGEST_KEY} characters");
            faults.push(Fault::error("bad-text", Some("key"), Some(key), expected));
        }
        Some(_) => {}
    }
    let properties = text(1).unwrap_or("{}");
    if properties.len() > MOST_BYTES {
        let value = format!("{} bytes", properties.len());
        let expected = format!("at most {MOST_BYTES} bytes in all properties of a feature");
        faults.push(Fault::error("bad-text", Some("properties"), Some(&value), expected));
    } else if let Some(at) = properties.find('\u{FFFD}') {
        let start = properties[..at].char_indices().rev().nth(40).map_or(0, |(index, _)| index);
        faults.push(wrong_encoding("properties", &properties[start..]));
    }
    key.filter(|_| faults.len() == before).map(|key| (key, properties))
}

fn wrong_encoding(field: &'static str, text: &str) -> Fault {
    let shown: String = text.chars().take(80).collect();
    let expected = "readable text; name the file's encoding, e.g. --encoding GBK";
    Fault::error("wrong-encoding", Some(field), Some(&shown), expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_small_letters_digits_and_strokes_and_is_nothing_of_our_own() {
        for good in ["red-lines", "metro_buffer_50m", "x", &"a".repeat(63)] {
            assert_eq!(LayerName::parse(good).map(String::from), Ok(good.to_owned()));
        }
        for bad in ["", "Red", "红线", "a b", "1a", "-a", "a'b", "a.b", &"a".repeat(64)] {
            assert!(matches!(LayerName::parse(bad), Err(NameError::Letters(_))), "{bad}");
        }
        for taken in ["parcels", "exit-candidates", "zones"] {
            assert_eq!(LayerName::parse(taken), Err(NameError::Taken(taken.to_owned())));
        }
    }

    #[test]
    fn two_files_of_a_layer_agree_where_one_kind_holds_the_values_of_both() {
        use PropertyKind::{Date, Instant, Integer, Number, Text, Timestamp};
        assert_eq!(Integer.with(Number), Some(Number));
        assert_eq!(Instant.with(Timestamp), Some(Instant));
        assert_eq!(Text.with(Text), Some(Text));
        assert_eq!(Text.with(Integer), None);
        assert_eq!(Date.with(Timestamp), None);
    }
}
