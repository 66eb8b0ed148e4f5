//! Vector tiles: which layer, which square of the world. The parts know projection, clipping, and the bytes of a tile.

pub(super) mod ground;

/// A layer of the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layer {
    /// Parcels with grade, tier and use.
    Parcels,
    /// Bases and communities.
    Zones,
    /// Districts.
    Districts,
    /// Parks.
    Parks,
}
