//! The filter language: CQL2 (OGC 21-065), text and JSON, over named, typed properties, read into a tree that others turn into SQL, or that
//! is asked of a record. It refuses what it does not know by name and place, and knows no table.

mod build;
mod geojson;
mod holds;
mod json;
mod kind;
mod like;
mod read;
mod shape;
#[cfg(test)]
mod tests;
mod token;
mod tree;
mod write;

pub use holds::{LARGEST, SMALLEST, Value};
pub use kind::{Element, Grain, Kind};
pub use like::ACCENTS;
pub use tree::{
    Arithmetic, Comparison, End, Expression, Fold, ListRelation, Literal, Shape, SpatialRelation, TemporalRelation,
};

use geo_types::Geometry;
use std::collections::BTreeSet;
use std::fmt;

/// The longest filter that is read, in bytes.
pub const MAX_BYTES: usize = 10_000;
/// How deep brackets, NOT, functions and the parts of a tree may nest.
pub const MAX_DEPTH: usize = 32;
/// How many properties, values and operations a filter may have.
pub const MAX_NODES: usize = 2_000;
/// How many points the shapes of a filter may have together.
pub const MAX_VERTICES: usize = 2_000;

/// A property that a filter may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Property<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it holds.
    pub holds: Kind,
}

/// What a row must be like.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    root: Expression,
}

impl Filter {
    /// Reads CQL2 text over some properties.
    pub fn parse(text: &str, properties: &[Property<'_>]) -> Result<Self, FilterError> {
        read::read(text, properties).map(|root| Self { root })
    }

    /// Reads the JSON encoding over some properties.
    pub fn from_json(value: &serde_json::Value, properties: &[Property<'_>]) -> Result<Self, FilterError> {
        json::read(value, properties).map(|root| Self { root })
    }

    /// Writes it as CQL2 text, over the properties it was read with.
    pub fn to_text(&self, properties: &[Property<'_>]) -> String {
        write::text(&self.root, properties)
    }

    /// Writes it in the JSON encoding, over the properties it was read with.
    pub fn to_json(&self, properties: &[Property<'_>]) -> serde_json::Value {
        json::write(&self.root, properties)
    }

    /// The places of the properties that it names, in the list that it was read with.
    pub fn properties(&self) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        self.root.name_properties(&mut found);
        found
    }

    /// Says its shapes in other coordinates: each is handed out with whether it was written as a box, whose edges are lines of
    /// the coordinates it was written in.
    pub fn turn_shapes<E>(&mut self, mut turn: impl FnMut(&mut Geometry<f64>, bool) -> Result<(), E>) -> Result<(), E> {
        self.root.each_shape(&mut |shape| {
            turn(&mut shape.geometry, shape.bbox.is_some())?;
            shape.bbox = None;
            Ok(())
        })
    }

    /// The tree, which is true, false or unknown.
    pub fn root(&self) -> &Expression {
        &self.root
    }
}

/// Where something stands in a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a text, in characters from 1.
    Character(usize),
    /// In JSON, by its pointer.
    Pointer(String),
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Character(place) => write!(out, "character {place}"),
            Self::Pointer(pointer) => write!(out, "at \"{pointer}\""),
        }
    }
}

/// Why a filter was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("filter, {place}: {found}; expected {expected}")]
pub struct FilterError {
    /// The place.
    pub place: Place,
    /// What stands there.
    pub found: String,
    /// What would be right.
    pub expected: String,
}
