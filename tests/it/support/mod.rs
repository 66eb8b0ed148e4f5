//! What every test stands on: a database of its own, and the built binary in a clean environment. Knows how to get
//! them quickly; refuses to know what is tested.

mod database;
mod program;
mod town;

#[allow(unused_imports)]
pub use database::{Database, fresh_database, server_url};
#[allow(unused_imports)]
pub use program::{Home, landcycle};
#[allow(unused_imports)]
pub use town::{Ended, Town, collection, feature, lot, parcel, parcel_code, square};
