//! Version 1 of the API: one file per noun, each with its wire shapes.

pub mod city;
mod geometry;
pub mod lineage;
pub mod parcel;
pub mod search;
