//! Version 1 of the API: one file per noun, each with its wire shapes.

pub mod calendar;
pub mod city;
pub mod clusters;
pub mod contract;
pub mod entry;
mod geometry;
pub mod land_account;
pub mod left_out;
pub mod lineage;
pub mod obligations;
mod page;
pub mod parcel;
pub mod park;
pub mod performance;
pub mod places;
pub mod plot_ratio;
pub mod reserve;
pub mod review;
pub mod search;
pub mod sheet;
pub mod simulation;
pub mod standing;
pub mod supply;
pub mod verdict;
