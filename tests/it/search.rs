//! The search of the map: by what parcels are like, by where and how they lie, in any order. What the map finds is what
//! PostGIS finds over the same columns.

#[path = "search/around.rs"]
mod around;
#[path = "search/files.rs"]
mod files;
#[path = "search/filters.rs"]
mod filters;
#[path = "search/places.rs"]
mod places;
#[path = "search/questions.rs"]
mod questions;
