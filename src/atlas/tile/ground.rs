//! The ground under the tiles: every point projected once.
use super::super::input::Area;
use super::super::shapes::Shapes;

#[derive(Debug, Default)]
pub(in crate::atlas) struct Ground {}

impl Ground {
    pub fn build(_shapes: &Shapes, _areas: &[Area]) -> Self {
        Self {}
    }
    pub fn bytes(&self) -> usize {
        0
    }
}
