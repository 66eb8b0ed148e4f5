//! Efficiency reviews: schemes, indicators, scores, grades and decisions.

pub mod grade;
