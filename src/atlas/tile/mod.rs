//! Vector tiles (Mapbox Vector Tile 2) straight from the snapshot. It knows squares of the world and the bytes of a
//! tile, not how a map looks.
//!
//! 1. [`Square`] says which part of the world a tile shows; the tree gives the parcels near it.
//! 2. `outline` brings each shape to the tile's grid: tiny ones thinned, others simplified, made valid and clipped.
//! 3. `encode` writes the bytes; `cache` keeps them, compressed, for as long as what they show stays as it is.

pub(super) mod cache;
mod encode;
pub(super) mod ground;
mod outline;

use super::pack::number;
use super::shapes::Bounds;
use super::snapshot::Snapshot;
use crate::domain::today::AreaKind;
use encode::LayerWriter;
use flate2::Compression;
use flate2::write::GzEncoder;
use outline::{Frame, Outline};
use sha2::{Digest, Sha256};
use std::io::Write;
use std::sync::Arc;

/// The greatest zoom that there are tiles for.
pub const LAST_ZOOM: u8 = 22;

/// A layer of the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layer {
    /// Parcels: code, grade, tier, use.
    Parcels,
    /// Bases and communities: code, name, name_en, tier, locked.
    Zones,
    /// Districts: code, name, name_en.
    Districts,
    /// Parks: code, name, name_en.
    Parks,
}

impl Layer {
    /// Every layer.
    pub const ALL: [Self; 4] = [Self::Parcels, Self::Zones, Self::Districts, Self::Parks];

    /// Its name in a tile and in an address.
    pub fn name(self) -> &'static str {
        match self {
            Self::Parcels => "parcels",
            Self::Zones => "zones",
            Self::Districts => "districts",
            Self::Parks => "parks",
        }
    }

    /// The layer of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|layer| layer.name() == name)
    }

    /// The properties that its features carry, each with what it says.
    pub fn fields(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Parcels => &[
                ("code", "parcel code"),
                ("grade", "A, B, C, D or T; absent where no review judged the parcel"),
                ("tier", "base, community or fragmented"),
                ("use", "code of the land use"),
            ],
            Self::Zones => &[
                ("code", "zone code"),
                ("name", "name"),
                ("name_en", "English name, where there is one"),
                ("tier", "base or community"),
                ("locked", "whether the plan locks it"),
            ],
            Self::Districts | Self::Parks => {
                &[("code", "code"), ("name", "name"), ("name_en", "English name, where there is one")]
            }
        }
    }
}

/// The square of the world that a tile shows: zoom, column from the west, row from the north.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Square {
    z: u8,
    x: u32,
    y: u32,
}

/// No such square.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no tile {z}/{x}/{y}, expected a zoom of 0 to {LAST_ZOOM} and columns and rows below 2^zoom")]
pub struct NoSuchSquare {
    z: u64,
    x: u64,
    y: u64,
}

impl Square {
    /// The square of that zoom, column and row.
    pub fn new(z: u64, x: u64, y: u64) -> Result<Self, NoSuchSquare> {
        let refused = NoSuchSquare { z, x, y };
        let zoom = u8::try_from(z).ok().filter(|zoom| *zoom <= LAST_ZOOM).ok_or_else(|| refused.clone())?;
        let side = 1_u64 << zoom;
        if x >= side || y >= side {
            return Err(refused);
        }
        // Both are below 2^22.
        Ok(Self { z: zoom, x: x as u32, y: y as u32 })
    }

    /// The box that it shows, widened by the tile's margin.
    pub(in crate::atlas) fn bounds_with_margin(&self) -> Bounds {
        let side = f64::from(1_u32 << self.z);
        // One unit more than the margin, for what rounding to the grid may move.
        let margin = f64::from(outline::MARGIN + 1) / f64::from(encode::EXTENT);
        let part = |number: u32, shift: f64| ((f64::from(number) + shift) / side).clamp(0.0, 1.0);
        let [west, north] = ground::unproject([part(self.x, -margin), part(self.y, -margin)]);
        let [east, south] = ground::unproject([part(self.x, 1.0 + margin), part(self.y, 1.0 + margin)]);
        Bounds { west, south, east, north }
    }
}

impl Snapshot {
    /// The bytes of a tile, or `None` where the layer has nothing there.
    pub fn tile(&self, layer: Layer, square: Square) -> Option<Vec<u8>> {
        let mut writer = LayerWriter::new(layer);
        let bounds = square.bounds_with_margin();
        let mut outline = Outline::new(Frame::of(square.z, square.x, square.y));
        match layer {
            Layer::Parcels => self.draw_parcels(&bounds, &mut outline, &mut writer),
            _ => self.draw_areas(layer, &bounds, &mut outline, &mut writer),
        }
        writer.finish()
    }

    /// The same, compressed with gzip and kept for the next who asks. An empty answer means that there is nothing.
    pub fn packed_tile(&self, layer: Layer, square: Square) -> PackedTile {
        if let Some(kept) = self.tiles.find(layer, square) {
            return kept;
        }
        let packed = self.tile(layer, square).map_or_else(PackedTile::default, |bytes| PackedTile::of(&bytes));
        self.tiles.keep(layer, square, packed.clone());
        packed
    }

    /// The packed tile if it was made before.
    pub fn kept_tile(&self, layer: Layer, square: Square) -> Option<PackedTile> {
        self.tiles.find(layer, square)
    }

    fn draw_parcels(&self, bounds: &Bounds, outline: &mut Outline, writer: &mut LayerWriter) {
        for number in self.near(bounds) {
            let parcel = self.parcel(number);
            let Some(commands) = outline.draw(&parcel.shape(), parcel.ground(), parcel.code()) else { continue };
            let mut tags = [0; 8];
            let mut used = 0;
            let mut tag = |key: u32, value: u32| {
                tags[used..used + 2].copy_from_slice(&[key, value]);
                used += 2;
            };
            tag(0, writer.own_text(parcel.code()));
            if let Some(grade) = parcel.grade() {
                tag(1, writer.shared_text(grade.name()));
            }
            tag(2, writer.shared_text(parcel.tier().name()));
            tag(3, writer.shared_text(parcel.land_use()));
            writer.feature(&tags[..used], commands);
        }
    }

    fn draw_areas(&self, layer: Layer, bounds: &Bounds, outline: &mut Outline, writer: &mut LayerWriter) {
        for (index, area) in self.areas().iter().enumerate() {
            let drawn = match area.kind {
                AreaKind::District => layer == Layer::Districts,
                AreaKind::Zone { .. } => layer == Layer::Zones,
                AreaKind::Park => layer == Layer::Parks,
            };
            if !drawn || !self.areas.extents[index].is_some_and(|own| own.meets(bounds)) {
                continue;
            }
            let shape = self.areas.shapes.shape(index);
            let Some(commands) = outline.draw(&shape, &self.areas.ground, &area.code) else { continue };
            let mut tags = vec![0, writer.own_text(&area.code), 1, writer.own_text(&area.name)];
            if let Some(name) = &area.name_en {
                tags.extend([2, writer.own_text(name)]);
            }
            if let AreaKind::Zone { tier, locked } = area.kind {
                tags.extend([3, writer.shared_text(tier.name()), 4, writer.flag(locked)]);
            }
            writer.feature(&tags, commands);
        }
    }
}

/// A tile compressed with gzip. No bytes mean that there is nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedTile {
    /// The compressed bytes.
    pub bytes: Arc<[u8]>,
    /// A number made from what the tile says: it stays as long as that does, whatever else changes in the city.
    pub mark: u64,
}

impl Default for PackedTile {
    fn default() -> Self {
        Self { bytes: [].into(), mark: 0 }
    }
}

impl PackedTile {
    fn of(bytes: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(bytes);
        // Level 1: higher levels cost three times the making of the tile and save a tenth of the bytes.
        let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 2), Compression::fast());
        let written = encoder.write_all(bytes).and_then(|()| encoder.finish());
        Self { bytes: written.expect("writing to memory cannot fail").into(), mark: number(hash) }
    }
}
