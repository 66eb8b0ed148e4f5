//! Integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod demo;
mod write;
