//! One moment of the city, packed for reading: a large base that many moments share, and beside it the few parcels that
//! changed since the base was packed. It never changes once built, so everything read from it belongs together.

use super::areas::{Areas, Stored};
use super::filter::{GivenUp, STRIDE};
use super::input::BuildError;
use super::pack::{Pack, Packer, number};
use super::parcel::ParcelRef;
use super::revise::Revised;
use super::selection::Selection;
use super::shapes::Bounds;
use super::summary::Summary;
use super::tile::cache::Tiles;
use crate::domain::today::{Area, CityFacts, Parcel};
use chrono::{Months, NaiveDate};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// The parcels that a search found, in order of code.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hits {
    indices: Vec<u32>,
}

impl Hits {
    pub(super) fn of(indices: Vec<u32>) -> Self {
        Self { indices }
    }

    /// Their numbers in the snapshot, in the order of their codes.
    pub fn indices(&self) -> &[u32] {
        &self.indices
    }

    /// How many they are.
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }
}

/// One moment of the city.
#[derive(Debug)]
pub struct Snapshot {
    pub(super) revision: i64,
    pub(super) loaded: bool,
    pub(super) city: CityFacts,
    pub(super) fingerprint: u64,
    pub(super) bounds: Option<Bounds>,
    pub(super) base: Arc<Pack>,
    pub(super) revised: Revised,
    pub(super) areas: Arc<Areas>,
    pub(super) tiles: Tiles,
}

impl Snapshot {
    /// The same, which keeps at most so many bytes of tiles; those that it kept stay where the limit does.
    pub(super) fn keeping(mut self, tile_bytes: usize) -> Self {
        self.tiles.limit(tile_bytes);
        self
    }

    /// Builds the snapshot of a revision. Parcels may come in any order; a code that comes twice is refused.
    pub fn build(
        revision: i64,
        city: CityFacts,
        mut parcels: Vec<Parcel>,
        areas: Vec<Area>,
    ) -> Result<Self, BuildError> {
        parcels.sort_by(|a, b| a.code.cmp(&b.code));
        let mut builder = Builder::default();
        for parcel in parcels {
            builder.push(&parcel)?;
        }
        builder.finish(revision, city, areas)
    }

    /// The snapshot before the first load.
    pub(super) fn empty() -> Self {
        let base = Arc::<Pack>::default();
        Self {
            revision: 0,
            loaded: false,
            city: CityFacts::default(),
            fingerprint: 0,
            bounds: None,
            revised: Revised::nothing(&base),
            base,
            areas: Arc::default(),
            tiles: Tiles::default(),
        }
    }

    /// The revision that it shows.
    pub fn revision(&self) -> i64 {
        self.revision
    }

    /// Whether it was loaded from somewhere, be it an empty city.
    pub fn is_loaded(&self) -> bool {
        self.loaded
    }

    /// A number made from all it holds: two cities that share a revision number still differ in it.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// What is to be said of the city as a whole.
    pub fn city(&self) -> &CityFacts {
        &self.city
    }

    /// The box around all parcels and areas.
    pub fn bounds(&self) -> Option<Bounds> {
        self.bounds
    }

    /// How many parcels there are.
    pub fn len(&self) -> usize {
        self.base.len() - self.revised.hidden.len() + self.revised.pack.len()
    }

    /// Whether there is no parcel.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The areas that parcels lie in, in the order in which they were given.
    pub fn areas(&self) -> &[Area] {
        &self.areas.list
    }

    /// The parcels that lie in what is asked for as it says; those that have a point in common with it, edges and corners
    /// included, where it says nothing.
    pub fn search(&self, area: &Selection) -> Hits {
        self.within(area, &|| false).unwrap_or_default()
    }

    /// The same for somebody who may give up.
    pub(super) fn within(&self, area: &Selection, given_up: &dyn Fn() -> bool) -> Result<Hits, GivenUp> {
        let region = &area.region;
        let [base, beside] = self.candidates(region.bounds());
        let grid = region.grid(base.len() + beside.len());
        let is_met = |pack: &Pack, index: u32, bounds: &Bounds| {
            // A parcel without a box is not in the tree, so one that lies all in the area meets it.
            grid.verdict(bounds).unwrap_or_else(|| {
                let shape = pack.shapes.shape(index as usize);
                region.meets(&shape, bounds) && area.holds_enough_of(&shape, bounds)
            })
        };
        let met = |pack: &Pack, found: Vec<(u32, Bounds)>| {
            let mut met = Vec::new();
            for some in found.chunks(STRIDE) {
                if given_up() {
                    return Err(GivenUp);
                }
                met.extend(some.iter().filter(|(index, bounds)| is_met(pack, *index, bounds)).map(|(index, _)| *index));
            }
            Ok(met)
        };
        let (base, beside) = (met(&self.base, base)?, met(&self.revised.pack, beside)?);
        Ok(Hits { indices: self.in_order(base, beside) })
    }

    /// The land of a stored area; nothing where there is none of that code.
    pub fn stored(&self, kind: Stored, code: &str) -> Option<Selection> {
        let area = self.areas().iter().find(|area| kind.is_of(area.kind) && area.code == code)?;
        Selection::of_stored(&area.shape)
    }

    /// Every parcel.
    pub fn all(&self) -> Hits {
        let mut base = Vec::with_capacity(self.base.len());
        let mut next = 0;
        for hidden in self.revised.hidden.iter().copied().chain([self.base.len() as u32]) {
            base.extend(next..hidden);
            next = hidden + 1;
        }
        Hits { indices: self.in_order(base, (0..self.revised.pack.len() as u32).collect()) }
    }

    /// The figures of what a search found. A term counts as expiring if it still runs on the day `as_of` and ends within
    /// so many months of it.
    pub fn summary(&self, hits: &Hits, as_of: NaiveDate, expiring: Months) -> Summary {
        Summary::of(self, &hits.indices, as_of, expiring)
    }

    /// The part of what was found that comes after a code, which itself need not be there any more.
    pub fn after<'h>(&self, hits: &'h Hits, code: &str) -> &'h [u32] {
        &hits.indices[hits.indices.partition_point(|index| self.parcel(*index).code() <= code)..]
    }

    /// The parcel of that code.
    pub fn at(&self, code: &str) -> Option<ParcelRef<'_>> {
        if let Ok(index) = self.revised.pack.columns.find(code) {
            return Some(self.parcel((self.base.len() + index) as u32));
        }
        let index = self.base.columns.find(code).ok()? as u32;
        (!self.revised.hides(index)).then(|| self.parcel(index))
    }

    /// The parcel of that number, as [`Hits`] give it. Panics where the number is another snapshot's and too large.
    pub fn parcel(&self, number: u32) -> ParcelRef<'_> {
        let (pack, index) = self.place(number);
        ParcelRef::new(pack, index, number)
    }

    /// The pack that holds the parcel of a number, and where in it.
    pub(super) fn place(&self, number: u32) -> (&Pack, usize) {
        let (index, base) = (number as usize, self.base.len());
        if index < base {
            return (&self.base, index);
        }
        let beside = &self.revised.pack;
        assert!(index - base < beside.len(), "parcel {number} of a snapshot of {}", self.len());
        (beside, index - base)
    }

    /// The parcels whose boxes meet the box, in order of code.
    pub(super) fn near(&self, bounds: &Bounds) -> Vec<u32> {
        let [base, beside] = self.candidates(bounds).map(|found| found.into_iter().map(|(index, _)| index).collect());
        self.in_order(base, beside)
    }

    /// The parcels whose boxes meet the box: those of the base that still hold, and those beside it.
    fn candidates(&self, bounds: &Bounds) -> [Vec<(u32, Bounds)>; 2] {
        let base = self.base.near(bounds).filter(|found| !self.revised.hides(found.index));
        let beside = self.revised.pack.near(bounds);
        [base.map(|found| (found.index, found.bounds)).collect(), beside.map(|it| (it.index, it.bounds)).collect()]
    }

    /// Numbers of parcels in the order of their codes, from indices into the base and into what is beside it.
    fn in_order(&self, mut base: Vec<u32>, mut beside: Vec<u32>) -> Vec<u32> {
        base.sort_unstable();
        if beside.is_empty() {
            return base;
        }
        beside.sort_unstable();
        let mut merged = Vec::with_capacity(base.len() + beside.len());
        let mut rest = base.as_slice();
        for index in beside {
            // What a parcel beside the base replaced is hidden, so none stands at its very place.
            let place = self.revised.places[index as usize];
            let (before, after) = rest.split_at(rest.partition_point(|other| *other < place));
            merged.extend_from_slice(before);
            merged.push(self.base.len() as u32 + index);
            rest = after;
        }
        merged.extend_from_slice(rest);
        merged
    }

    /// A number made from all of this: the sum of the parcels' own numbers, so that it does not matter in which pack a
    /// parcel is.
    pub(super) fn fingerprint_of(base: &Pack, revised: &Revised, areas: &Areas, city: &CityFacts) -> u64 {
        let mut hash = Sha256::new();
        hash.update(format!("{city:?}"));
        let sum = |marks: &[u64]| marks.iter().fold(0_u64, |sum, mark| sum.wrapping_add(*mark));
        let hidden = revised.hidden.iter().fold(0_u64, |sum, index| sum.wrapping_add(base.marks[*index as usize]));
        let parcels = sum(&base.marks).wrapping_add(sum(&revised.pack.marks)).wrapping_sub(hidden);
        parcels.wrapping_add(areas.mark).wrapping_add(number(hash))
    }

    /// About how many bytes it takes, without the cache of tiles.
    pub fn bytes(&self) -> usize {
        self.base.bytes() + self.revised.pack.bytes() + self.areas.bytes()
    }
}

/// Packs parcels one by one. While the register is loaded its rows, the parcels made of them, this pack and the snapshot
/// that still answers are in memory side by side.
#[derive(Debug, Default)]
pub struct Builder {
    packer: Packer,
}

impl Builder {
    /// Adds a parcel, whose code must come after the one before.
    pub fn push(&mut self, parcel: &Parcel) -> Result<(), BuildError> {
        self.packer.push(parcel)
    }

    /// Closes the snapshot.
    pub fn finish(self, revision: i64, city: CityFacts, areas: Vec<Area>) -> Result<Snapshot, BuildError> {
        let areas = Arc::new(Areas::build(areas)?);
        let base = Arc::new(self.packer.finish());
        let revised = Revised::nothing(&base);
        Ok(Snapshot::of(revision, city, base, revised, areas, Tiles::default()))
    }
}

impl Snapshot {
    /// The snapshot of these parts.
    pub(super) fn of(
        revision: i64,
        city: CityFacts,
        base: Arc<Pack>,
        revised: Revised,
        areas: Arc<Areas>,
        tiles: Tiles,
    ) -> Self {
        let boxes = [revised.base_bounds(&base), revised.pack.bounds, areas.bounds];
        let mut bounds: Option<Bounds> = None;
        for one in boxes.iter().flatten() {
            bounds.get_or_insert(Bounds::NOTHING).join(one);
        }
        let fingerprint = Self::fingerprint_of(&base, &revised, &areas, &city);
        Self { revision, loaded: true, city, fingerprint, bounds, base, revised, areas, tiles }
    }
}
