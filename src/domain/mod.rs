//! What the field itself knows: units, codes, zoning, contracts, reviews. Nothing here waits, reads a file, asks the
//! time or fails for want of a machine. A file imports only from its own group or an earlier one.

// Ground words.
pub mod calendar;
pub mod filter;
pub mod finding;
pub mod geometry;
pub mod id;
pub mod intake;
pub mod land_use;
pub mod moment;
pub mod quantity;

// Rule values.
pub mod basis;
pub mod rulebook;

// Nouns.
pub mod building;
pub mod contract;
pub mod district;
pub mod enterprise;
pub mod lifecycle;
pub mod occupancy;
pub mod parcel;
pub mod park;
pub mod park_evaluation;
pub mod performance;
pub mod plausibility;
pub mod plot_ratio;
pub mod reference;
pub mod reserve;
pub mod supply;
pub mod zoning;

// Judgements.
pub mod entry;
pub mod land_account;
pub mod lineage;
pub mod review;

// What maps, lists and files show.
pub mod collection;
pub mod dictionary;
pub mod queryable;
pub mod timeline;
pub mod today;
