//! Parcels packed for reading, in the order of their codes: columns, shapes, their points on the ground, and a tree of
//! boxes. It never changes once built, and knows neither a revision nor a city.

use super::columns::Columns;
use super::input::BuildError;
use super::shapes::{Bounds, Shapes};
use super::tile::ground::project;
use crate::domain::today::Parcel;
use geo_types::MultiPolygon;
use rstar::{AABB, RTree, RTreeObject};
use sha2::{Digest, Sha256};

/// A box in a tree, and the number of what it is around.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Envelope {
    pub bounds: Bounds,
    pub index: u32,
}

impl RTreeObject for Envelope {
    type Envelope = AABB<[f64; 2]>;

    fn envelope(&self) -> Self::Envelope {
        to_aabb(&self.bounds)
    }
}

pub(super) fn to_aabb(bounds: &Bounds) -> AABB<[f64; 2]> {
    AABB::from_corners([bounds.west, bounds.south], [bounds.east, bounds.north])
}

#[derive(Debug, Default)]
pub(super) struct Pack {
    pub columns: Columns,
    pub shapes: Shapes,
    /// The points of all shapes, projected.
    pub ground: Vec<[u32; 2]>,
    /// A number made from all that is known of a parcel: two that differ in anything differ in it.
    pub marks: Vec<u64>,
    pub tree: RTree<Envelope>,
    pub bounds: Option<Bounds>,
}

impl Pack {
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// The parcels whose boxes meet the box, in no order. A parcel without a shape has no box.
    pub fn near(&self, bounds: &Bounds) -> impl Iterator<Item = &Envelope> {
        self.tree.locate_in_envelope_intersecting(to_aabb(bounds))
    }

    /// The box around a parcel's shape.
    pub fn extent(&self, index: usize) -> Option<Bounds> {
        Bounds::around(self.shapes.shape(index).rings().flatten())
    }

    pub fn bytes(&self) -> usize {
        self.columns.bytes()
            + self.shapes.bytes()
            + (self.ground.capacity() + self.marks.capacity()) * 8
            + self.tree.size() * size_of::<Envelope>() * 6 / 5
    }
}

/// Packs parcels one by one.
#[derive(Debug, Default)]
pub(super) struct Packer {
    pack: Pack,
    envelopes: Vec<Envelope>,
}

/// Points, rings and the bytes of codes are counted in 32 bits, and the upper half of the numbers of parcels is for those
/// beside the pack.
const MOST: u64 = u32::MAX as u64;

impl Packer {
    /// An empty pack whose words have the numbers that they have in the other.
    pub fn beside(other: &Pack) -> Self {
        Self { pack: Pack { columns: Columns::beside(&other.columns), ..Pack::default() }, envelopes: Vec::new() }
    }

    /// Adds a parcel, whose code must come after the one before.
    pub fn push(&mut self, parcel: &Parcel) -> Result<(), BuildError> {
        let pack = &mut self.pack;
        let index = pack.len();
        if index > 0 && pack.columns.code(index - 1) >= parcel.code.as_str() {
            let before = pack.columns.code(index - 1).to_owned();
            return Err(BuildError::Order { code: parcel.code.clone(), before });
        }
        check("parcel", &parcel.code, &parcel.shape)?;
        let points: usize = parcel.shape.iter().map(points_of).sum();
        if (pack.shapes.points().len() + points) as u64 > MOST {
            return Err(BuildError::TooMany { what: "points", limit: MOST });
        }
        let longest = parcel.code.len().max(parcel.holder.as_deref().map_or(0, str::len));
        if (pack.columns.text_bytes() + longest) as u64 > MOST || index as u64 >= MOST / 2 {
            return Err(BuildError::TooMany { what: "bytes of parcel codes or holders", limit: MOST });
        }
        pack.columns.push(parcel);
        if let Some(bounds) = pack.shapes.push(&parcel.shape) {
            self.envelopes.push(Envelope { bounds, index: index as u32 });
            pack.bounds.get_or_insert(Bounds::NOTHING).join(&bounds);
        }
        pack.marks.push(mark(parcel));
        Ok(())
    }

    /// Builds the tree and closes the pack.
    pub fn finish(mut self) -> Pack {
        self.pack.columns.shrink();
        self.pack.shapes.shrink();
        self.pack.marks.shrink_to_fit();
        self.pack.ground = self.pack.shapes.points().iter().map(project).collect();
        self.pack.tree = RTree::bulk_load(self.envelopes);
        self.pack
    }
}

/// A number made from all that is known of a parcel.
pub(super) fn mark(parcel: &Parcel) -> u64 {
    let Parcel { code, district, park, tier, locked, land_use, .. } = parcel;
    let words = (code, district, park, tier, locked, land_use, &parcel.grade, &parcel.outcome, parcel.term_ends_on);
    let Parcel { industry, holder, list, state, .. } = parcel;
    let mut hash = Sha256::new();
    hash.update(format!("{words:?}{:?}", (industry, holder, list, state)));
    let figures = [Some(parcel.area_m2), parcel.floor_area_m2, parcel.plot_ratio_allowed, parcel.score];
    for figure in figures {
        hash.update(figure.unwrap_or(f64::NAN).to_bits().to_le_bytes());
    }
    for polygon in parcel.shape.iter().filter(|polygon| points_of(polygon) > 0) {
        let rings = std::iter::once(polygon.exterior()).chain(polygon.interiors());
        // What holds no land is not packed either.
        for ring in rings.filter(|ring| !ring.0.is_empty()) {
            hash.update((ring.0.len() as u64).to_le_bytes());
            for point in &ring.0 {
                hash.update(point.x.to_bits().to_le_bytes());
                hash.update(point.y.to_bits().to_le_bytes());
            }
        }
        hash.update(b"polygon");
    }
    number(hash)
}

/// The first eight bytes of a digest as a number.
pub(super) fn number(hash: Sha256) -> u64 {
    let digest = hash.finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    u64::from_be_bytes(first)
}

fn points_of(polygon: &geo_types::Polygon<f64>) -> usize {
    polygon.exterior().0.len() + polygon.interiors().iter().map(|ring| ring.0.len()).sum::<usize>()
}

/// Whether every coordinate is a place on earth.
pub(super) fn check(thing: &'static str, code: &str, shape: &MultiPolygon<f64>) -> Result<(), BuildError> {
    let rings = shape.iter().flat_map(|polygon| std::iter::once(polygon.exterior()).chain(polygon.interiors()));
    for point in rings.flat_map(|ring| &ring.0) {
        // Written so that NaN is refused too.
        if !((-180.0..=180.0).contains(&point.x) && (-90.0..=90.0).contains(&point.y)) {
            return Err(BuildError::Place { thing, code: code.to_owned(), x: point.x, y: point.y });
        }
    }
    Ok(())
}
