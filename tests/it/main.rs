//! Integration tests.

mod exchange;
