//! exchange

pub mod workbook;
pub mod write;
