//! The filter language against the data of its standard, and what it finds in memory against what PostGIS finds.

mod cases;
mod differential;
