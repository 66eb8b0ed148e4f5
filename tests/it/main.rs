//! Every test that needs a database, a server or the built binary, one file per room.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod atlas;
mod cli;
mod cluster;
mod demo;
mod exchange;
mod hostile;
mod http;
mod import;
mod judge;
mod review;
mod scatter;
mod support;
mod tiles;
mod write;
