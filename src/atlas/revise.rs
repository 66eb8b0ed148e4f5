//! From one moment to the next: the parcels that changed are packed beside the base, what they replace is hidden, and
//! tiles that show none of them are kept. Now and then all is packed into a new base. It knows nothing of why a parcel
//! changed.

use super::Snapshot;
use super::areas::Areas;
use super::input::BuildError;
use super::pack::{Envelope, Pack, Packer, mark, to_aabb};
use super::shapes::Bounds;
use super::tile::{Layer, Square};
use crate::domain::today::{Changes, Parcel};
use rstar::RTree;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What every parcel that changed since the base was packed is now; nothing where it is no longer.
type Edits = BTreeMap<Arc<str>, Option<Arc<Parcel>>>;

/// How many parcels may stand beside the base before it pays to pack all anew: packing so many takes some milliseconds,
/// and every moment packs them.
const MOST_BESIDE: usize = 1_000;

/// The parcels that changed since the base was packed.
#[derive(Debug)]
pub(super) struct Revised {
    edits: Edits,
    /// Those that are there now.
    pub pack: Pack,
    /// Before which parcel of the base each of them comes in the order of codes.
    pub places: Vec<u32>,
    /// The parcels of the base that they replace, or that are no longer, rising.
    pub hidden: Vec<u32>,
}

impl Revised {
    pub fn nothing(base: &Pack) -> Self {
        Self { edits: Edits::new(), pack: Packer::beside(base).finish(), places: Vec::new(), hidden: Vec::new() }
    }

    fn build(base: &Pack, edits: Edits) -> Result<Self, BuildError> {
        let mut packer = Packer::beside(base);
        let (mut places, mut hidden) = (Vec::new(), Vec::new());
        for (code, now) in &edits {
            let found = base.columns.find(code);
            if let Ok(index) = found {
                hidden.push(index as u32);
            }
            if let Some(parcel) = now {
                packer.push(parcel)?;
                places.push(found.unwrap_or_else(|place| place) as u32);
            }
        }
        Ok(Self { edits, pack: packer.finish(), places, hidden })
    }

    /// Whether a parcel of the base no longer holds.
    pub fn hides(&self, index: u32) -> bool {
        !self.hidden.is_empty() && self.hidden.binary_search(&index).is_ok()
    }

    /// The box around those parcels of the base that still hold.
    pub fn base_bounds(&self, base: &Pack) -> Option<Bounds> {
        let whole = base.bounds?;
        let at_the_rim = |own: Bounds| {
            let (a, b) = (own.to_array(), whole.to_array());
            a.iter().zip(b).any(|(a, b)| *a == b)
        };
        let hidden = || self.hidden.iter().filter_map(|index| base.extent(*index as usize));
        if !hidden().any(at_the_rim) {
            return Some(whole);
        }
        let mut bounds = None;
        for still in base.tree.iter().filter(|found| !self.hides(found.index)) {
            bounds.get_or_insert(Bounds::NOTHING).join(&still.bounds);
        }
        bounds
    }
}

/// All parcels of a moment in one new base.
#[derive(Debug)]
pub struct Settled {
    of: Arc<Pack>,
    edits: Edits,
    base: Arc<Pack>,
}

impl Snapshot {
    /// The next moment. Parcels that are said to have changed and did not are no change to the map.
    pub fn with(&self, changes: Changes) -> Result<Self, BuildError> {
        let mut edits = self.revised.edits.clone();
        let mut touched = Vec::new();
        for change in changes.parcels {
            let before = self.at(&change.code);
            let mark_before = before.map(|parcel| {
                let (pack, index) = self.place(parcel.index());
                pack.marks[index]
            });
            if mark_before == change.now.as_ref().map(mark) {
                continue;
            }
            touched.extend(before.and_then(|parcel| Bounds::around(parcel.shape().rings().flatten())));
            if let Some(parcel) = &change.now {
                let points = parcel.shape.iter().flat_map(|polygon| &polygon.exterior().0);
                touched.extend(Bounds::around(points.map(|point| [point.x, point.y]).collect::<Vec<_>>().iter()));
            }
            edits.insert(change.code.into(), change.now.map(Arc::new));
        }
        let areas = match changes.areas {
            Some(areas) => Arc::new(Areas::build(areas)?),
            None => self.areas.clone(),
        };
        let touched = touched.into_iter().map(|bounds| Envelope { bounds, index: 0 }).collect();
        let touched: RTree<Envelope> = RTree::bulk_load(touched);
        let same_areas = areas.mark == self.areas.mark;
        let tiles = self.tiles.kept_where(|layer, square: Square| match layer {
            Layer::Parcels => {
                let bounds = to_aabb(&square.bounds_with_margin());
                touched.locate_in_envelope_intersecting(bounds).next().is_none()
            }
            Layer::Zones | Layer::Districts | Layer::Parks => same_areas,
        });
        let revised = Revised::build(&self.base, edits)?;
        Ok(Self::of(changes.revision, changes.city, self.base.clone(), revised, areas, tiles))
    }

    /// Whether so many parcels stand beside the base that it pays to pack all anew.
    pub fn wants_settling(&self) -> bool {
        self.revised.edits.len() > MOST_BESIDE
    }

    /// Packs all parcels of this moment into a new base, which takes about a second for a million.
    pub fn settle(&self) -> Result<Settled, BuildError> {
        let mut packer = Packer::default();
        for number in self.all().indices() {
            packer.push(&self.parcel(*number).to_parcel())?;
        }
        Ok(Settled { of: self.base.clone(), edits: self.revised.edits.clone(), base: Arc::new(packer.finish()) })
    }

    /// This moment on a base that was packed from an earlier one; nothing where it was packed from another city. The two
    /// answer alike, so every tile is kept.
    pub fn on(&self, settled: &Settled) -> Result<Option<Self>, BuildError> {
        if !Arc::ptr_eq(&self.base, &settled.of) {
            return Ok(None);
        }
        let same = |a: &Option<Arc<Parcel>>, b: &Option<Arc<Parcel>>| match (a, b) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (a, b) => a.is_none() && b.is_none(),
        };
        let later = self
            .revised
            .edits
            .iter()
            .filter(|(code, now)| settled.edits.get(*code).is_none_or(|then| !same(now, then)));
        let later = later.map(|(code, now)| (code.clone(), now.clone())).collect();
        let revised = Revised::build(&settled.base, later)?;
        let tiles = self.tiles.kept_where(|_, _| true);
        let (city, areas) = (self.city.clone(), self.areas.clone());
        Ok(Some(Self::of(self.revision, city, settled.base.clone(), revised, areas, tiles)))
    }
}
