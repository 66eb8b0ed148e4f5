//! Tiles already made, compressed. It belongs to one snapshot and the next one takes over only what it shows alike, so
//! nothing in it can be out of date.

use super::{Layer, PackedTile, Square};
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The most bytes that are kept where nothing is said: about a thousand tiles as a city's busiest zooms have them.
pub const USUAL_MIB: usize = 64;

/// What an entry takes beside its bytes, roughly.
const OVERHEAD: usize = 96;

/// The tiles of one snapshot, the oldest dropped first.
#[derive(Debug)]
pub(in crate::atlas) struct Tiles {
    kept: Mutex<Kept>,
    most_bytes: usize,
}

impl Default for Tiles {
    fn default() -> Self {
        Self::of(USUAL_MIB << 20)
    }
}

#[derive(Debug, Default)]
struct Kept {
    tiles: HashMap<(Layer, Square), PackedTile>,
    order: VecDeque<(Layer, Square)>,
    bytes: usize,
}

impl Tiles {
    /// None yet, and never more than so many bytes.
    pub fn of(most_bytes: usize) -> Self {
        Self { kept: Mutex::default(), most_bytes }
    }

    /// Keeps at most so many bytes from now on. Where that is another limit than before, what was kept goes.
    pub fn limit(&mut self, most_bytes: usize) {
        if self.most_bytes != most_bytes {
            *self = Self::of(most_bytes);
        }
    }

    pub fn find(&self, layer: Layer, square: Square) -> Option<PackedTile> {
        self.lock().tiles.get(&(layer, square)).cloned()
    }

    pub fn keep(&self, layer: Layer, square: Square, tile: PackedTile) {
        let size = tile.bytes.len() + OVERHEAD;
        let mut kept = self.lock();
        // Two who ask at once make the tile twice; the first is kept.
        if size > self.most_bytes || kept.tiles.contains_key(&(layer, square)) {
            return;
        }
        while kept.bytes + size > self.most_bytes {
            let Some(oldest) = kept.order.pop_front() else { break };
            if let Some(dropped) = kept.tiles.remove(&oldest) {
                kept.bytes -= dropped.bytes.len() + OVERHEAD;
            }
        }
        kept.bytes += size;
        kept.order.push_back((layer, square));
        kept.tiles.insert((layer, square), tile);
    }

    /// Those of them, in the same order, for which `holds` says that they still hold.
    pub fn kept_where(&self, holds: impl Fn(Layer, Square) -> bool) -> Self {
        let kept = self.lock();
        let mut next = Kept::default();
        for key in kept.order.iter().filter(|(layer, square)| holds(*layer, *square)) {
            if let Some(tile) = kept.tiles.get(key) {
                next.bytes += tile.bytes.len() + OVERHEAD;
                next.order.push_back(*key);
                next.tiles.insert(*key, tile.clone());
            }
        }
        drop(kept);
        Self { kept: Mutex::new(next), most_bytes: self.most_bytes }
    }

    /// The map is whole between any two statements that change it, so a panic elsewhere leaves nothing half done.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_tiles_go_when_the_space_is_full() {
        let tiles = Tiles::default();
        let megabyte = PackedTile { bytes: vec![0; 1 << 20].into(), mark: 1 };
        let square = |x| Square::new(10, x, 0).expect("a square of zoom 10");
        for x in 0..100 {
            tiles.keep(Layer::Parcels, square(x), megabyte.clone());
        }
        assert!(tiles.lock().bytes <= USUAL_MIB << 20);
        assert!(tiles.find(Layer::Parcels, square(0)).is_none());
        assert!(tiles.find(Layer::Parcels, square(99)).is_some());
        assert!(tiles.find(Layer::Zones, square(99)).is_none());
        let kept = tiles.lock();
        assert_eq!(kept.tiles.len(), kept.order.len());
    }

    #[test]
    fn without_space_no_tile_is_kept() {
        let tiles = Tiles::of(0);
        let square = Square::new(10, 0, 0).expect("a square of zoom 10");
        tiles.keep(Layer::Parcels, square, PackedTile { bytes: vec![0; 10].into(), mark: 1 });
        assert!(tiles.find(Layer::Parcels, square).is_none());
    }
}
