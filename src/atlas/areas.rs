//! The areas that parcels lie in, packed for drawing. It knows no parcel.

use super::input::BuildError;
use super::pack::{check, number};
use super::shapes::{Bounds, Shapes};
use super::tile::ground::project;
use crate::domain::today::{Area, AreaKind};
use sha2::{Digest, Sha256};

/// What kind of stored area parcels may be looked for in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// A district or county.
    District,
    /// A park.
    Park,
    /// An industrial base or community.
    Zone,
}

impl Stored {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::District, Self::Park, Self::Zone];

    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Self::District => "district",
            Self::Park => "park",
            Self::Zone => "zone",
        }
    }

    /// The one of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == word)
    }

    pub(super) fn is_of(self, kind: AreaKind) -> bool {
        matches!(
            (self, kind),
            (Self::District, AreaKind::District) | (Self::Park, AreaKind::Park) | (Self::Zone, AreaKind::Zone { .. })
        )
    }
}

#[derive(Debug, Default)]
pub(super) struct Areas {
    pub list: Vec<Area>,
    pub shapes: Shapes,
    /// The points of all shapes, projected.
    pub ground: Vec<[u32; 2]>,
    /// The box of each area.
    pub extents: Vec<Option<Bounds>>,
    pub bounds: Option<Bounds>,
    /// A number made from all that is known of them.
    pub mark: u64,
}

impl Areas {
    pub fn build(list: Vec<Area>) -> Result<Self, BuildError> {
        let mut hash = Sha256::new();
        let mut shapes = Shapes::default();
        let mut extents = Vec::with_capacity(list.len());
        let mut bounds: Option<Bounds> = None;
        for area in &list {
            check("area", &area.code, &area.shape)?;
            hash.update(format!("{area:?}"));
            let extent = shapes.push(&area.shape);
            if let Some(extent) = &extent {
                bounds.get_or_insert(Bounds::NOTHING).join(extent);
            }
            extents.push(extent);
        }
        let ground = shapes.points().iter().map(project).collect();
        Ok(Self { list, shapes, ground, extents, bounds, mark: number(hash) })
    }

    pub fn bytes(&self) -> usize {
        self.ground.capacity() * 8 + self.shapes.bytes()
    }
}
