//! Every test that needs a database, a server or the built binary, one file per room.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod atlas;
mod cli;
mod cluster;
mod contracts;
mod demo;
mod dossier;
mod exchange;
mod follow;
mod hostile;
mod http;
mod import;
mod judge;
mod lifecycle;
mod moment;
mod obligations;
mod occupancies;
mod plot_ratio;
mod query;
mod returns;
mod review;
mod scatter;
mod schema;
mod support;
mod tiles;
mod write;
