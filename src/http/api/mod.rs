//! Version 1 of the API: one file per noun, each with its wire shapes.

pub mod city;
pub mod contract;
mod geometry;
pub mod lineage;
pub mod obligations;
pub mod parcel;
pub mod performance;
pub mod plot_ratio;
pub mod search;
pub mod standing;
pub mod verdict;
