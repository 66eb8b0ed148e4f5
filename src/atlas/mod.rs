//! The map in memory: an immutable snapshot of the city that answers searches, summaries and tiles. It refuses to
//! decide anything, and knows neither the database it came from nor the wire it goes to.
//!
//! 1. [`Builder`] takes parcels in code order and packs them: columns, flat coordinates, a tree of envelopes.
//! 2. [`Snapshot`] answers from that pack. It never changes; its revision numbers the moment it shows.
//! 3. [`Snapshot::with`] makes the next moment of it: the large pack is shared, what changed is packed beside it.
//! 4. [`Atlas`] holds the newest snapshot. The next one is built aside and swapped in, so a reader keeps the moment it
//!    started with until it is done.

mod areas;
mod columns;
mod edges;
mod filter;
mod input;
mod near;
mod neighbours;
mod pack;
mod parcel;
mod region;
mod relation;
mod revise;
mod selection;
mod shapes;
mod snapshot;
mod sort;
mod summary;
pub mod tile;
mod validity;

pub use crate::domain::today::{Area, AreaKind, Change, Changes, CityFacts, Parcel, RunFacts};
pub use areas::Stored;
pub use filter::GivenUp;
pub use input::BuildError;
pub use neighbours::neighbours;
pub use parcel::ParcelRef;
pub use relation::Relation;
pub use revise::Settled;
pub use selection::{MOST_METRES, Selection, SelectionError};
pub use shapes::{Bounds, PolygonRef, ShapeRef};
pub use snapshot::{Builder, Hits, Snapshot};
pub use sort::{Key, Sort};
pub use summary::{Summary, Tally};

use arc_swap::ArcSwap;
use std::sync::Arc;

/// The newest snapshot, to be read by many and replaced at once.
#[derive(Debug)]
pub struct Atlas {
    current: ArcSwap<Snapshot>,
    /// The most bytes of tiles that each snapshot keeps.
    tile_bytes: usize,
}

impl Atlas {
    /// An atlas that shows this snapshot.
    pub fn new(snapshot: Snapshot) -> Self {
        Self::keeping(tile::cache::USUAL_MIB, snapshot)
    }

    /// The same, which keeps at most so many MiB of the tiles that it made.
    pub fn keeping(tiles_mib: usize, snapshot: Snapshot) -> Self {
        let tile_bytes = tiles_mib << 20;
        Self { current: ArcSwap::from_pointee(snapshot.keeping(tile_bytes)), tile_bytes }
    }

    /// An atlas before its first load: revision 0, without a parcel.
    pub fn empty() -> Self {
        Self::new(Snapshot::empty())
    }

    /// The snapshot of now. Ask once per answer, so that all its parts show the same moment.
    pub fn current(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// Shows another snapshot from now on and returns the one shown before.
    pub fn swap(&self, snapshot: Snapshot) -> Arc<Snapshot> {
        self.current.swap(Arc::new(snapshot.keeping(self.tile_bytes)))
    }

    /// Whether a city was loaded.
    pub fn is_loaded(&self) -> bool {
        self.current.load().is_loaded()
    }
}
