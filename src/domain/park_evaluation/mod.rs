//! The yearly evaluation of parks: figures per land, weighed against the other parks of the year, stars, a place in the
//! order, and what failing years come to. Pure; a year's parks give the same answer in whatever order they come.

pub mod evaluate;
pub mod explain;
pub mod gather;
pub mod indicator;
pub mod receipt;
pub mod scheme;
pub mod standing;
