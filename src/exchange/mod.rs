//! Files: their formats, encodings, reference systems and column names. It hands out rows in the words of
//! [`crate::domain::intake`] and knows neither the register nor what a row means.
//!
//! Reading, in steps ([`read()`]):
//!
//! 1. The path must be a regular file of a known format; nothing is opened over a network, and GDAL is asked only for
//!    the one driver of that format.
//! 2. What a file promises (bytes, records) is compared with what is there, before anything is believed.
//! 3. Encoding by evidence, reference system from the file or by hand, columns by field map.
//! 4. Rows are handed out one by one, shapes in longitude and latitude of EPSG:4490.
//! 5. Rows handed out are compared with the rows promised: fewer refuses the file.

mod archive;
pub mod checkup;
mod crs;
mod curve;
mod datum;
mod dbf;
pub mod drawing;
mod encoding;
mod error;
mod feature;
mod format;
mod geojson;
mod geometry;
mod grid;
pub mod header;
pub mod lives;
pub mod manifest;
mod mapping;
mod read;
pub mod receipt;
mod shape;
mod shapefile;
mod sheet;
pub mod small;
pub mod svg;
mod table;
mod vector;
mod wkb;
pub mod wkt;
pub mod workbook;
pub mod write;

pub use crs::{Way, written as crs_of_a_written_file};
pub use error::{ReadError, finding};
pub use feature::Discovered;

pub use mapping::ColumnUse;
pub use read::{Event, Opened, Source, name_of, read};
pub use vector::forget_other_drivers;
