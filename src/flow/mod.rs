//! Orders of steps: what is read, decided and written in which sequence, in one transaction each.

pub mod approval;
pub mod check;
pub mod clusters;
pub mod collection;
pub mod contract;
pub mod demo;
pub mod dossier;
pub mod entry;
pub mod export;
pub mod found;
pub mod import;
pub mod land_account;
pub mod lifecycle;
pub mod lineage;
pub mod lists;
pub mod lockup;
pub mod moment;
pub mod names;
pub mod paper;
pub mod park;
pub mod plot_ratio;
pub mod reference;
pub mod refresh;
pub mod remark;
pub mod reserve;
pub mod review;
pub mod rules;
pub mod settle;
pub mod standing;
pub mod supply;
pub mod verdict;

// How a small file is read, for those who may not use `exchange` themselves.
pub use crate::exchange::small;
// How a drawn picture is written.
pub use crate::exchange::svg::write as write_picture;
// In which format a file is written, for those who ask for one.
pub use crate::exchange::write::Format;
