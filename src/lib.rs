//! landcycle keeps a city's industrial land through its full life cycle: parcels, double lockup zoning, contracts,
//! efficiency reviews, exit and renewal.
//!
//! The rings, in reading order; each may use only those above it in this list (`tests/tidy.rs` holds the directions,
//! `docs/architecture.md` says why):
//!
//! - [`domain`]: what a regulation, a unit or a formula says. Pure: no SQL, files, network, clock or chance.
//! - [`store`], [`atlas`], [`exchange`]: PostGIS; the in-memory map; files. They never import one another.
//! - [`demo`]: makes the files of a made-up city, as a bureau would send them.
//! - [`flow`]: an order of steps in one transaction.
//! - [`http`], [`cli`]: the two faces.

pub mod atlas;
pub mod cli;
pub mod clock;
pub mod cluster;
pub mod config;
pub mod demo;
pub mod domain;
pub mod exchange;
pub mod flow;
pub mod http;
pub mod store;
