//! The areas that parcels lie in, packed for drawing. It knows no parcel.

use super::input::BuildError;
use super::pack::{check, number};
use super::shapes::{Bounds, Shapes};
use super::tile::ground::project;
use crate::domain::today::Area;
use sha2::{Digest, Sha256};

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
