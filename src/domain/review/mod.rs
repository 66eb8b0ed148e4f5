//! Efficiency reviews: from frozen facts, under a scheme, a rulebook and a decision table, to a grade, a recommendation
//! and a receipt for every parcel in scope. Pure and deterministic: the same facts give the same bytes with any number
//! of workers.

pub mod benchmark;
pub mod calendar;
pub mod canonical;
mod channel;
pub mod clusters;
pub mod decision;
pub mod diff;
pub mod explain;
pub mod facts;
pub mod freeze;
pub mod grade;
mod holders;
pub mod indicator;
pub mod left_out;
pub mod life;
pub mod lift;
mod peers;
pub mod receipt;
pub mod replay;
pub mod run;
pub mod scheme;
mod score;
pub mod sharing;
pub mod simulate;
mod situation;
pub mod tracks;
