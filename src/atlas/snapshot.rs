//! One moment of the city, packed for reading: columns, shapes, and a tree of envelopes over them. It never changes
//! once built, so everything read from it belongs together.

use super::columns::{Columns, NONE};
use super::input::BuildError;
use super::selection::Selection;
use super::shapes::{Bounds, ShapeRef, Shapes};
use super::summary::Summary;
use super::tile::cache::Tiles;
use super::tile::ground::Ground;
use crate::domain::quantity::{PlotRatio, SquareMetres};
use crate::domain::review::grade::Grade;
use crate::domain::today::{Area, CityFacts, Parcel};
use crate::domain::zoning::Tier;
use chrono::{Months, NaiveDate};
use geo_types::MultiPolygon;
use rstar::{AABB, RTree, RTreeObject};
use sha2::{Digest, Sha256};

/// A parcel's box in the tree.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Envelope {
    bounds: Bounds,
    index: u32,
}

impl RTreeObject for Envelope {
    type Envelope = AABB<[f64; 2]>;

    fn envelope(&self) -> Self::Envelope {
        to_aabb(&self.bounds)
    }
}

fn to_aabb(bounds: &Bounds) -> AABB<[f64; 2]> {
    AABB::from_corners([bounds.west, bounds.south], [bounds.east, bounds.north])
}

/// The parcels that a search found, in order of code.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hits {
    indices: Vec<u32>,
}

impl Hits {
    /// Their numbers in the snapshot, rising, which is the order of their codes.
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
    revision: i64,
    loaded: bool,
    city: CityFacts,
    fingerprint: u64,
    bounds: Option<Bounds>,
    pub(super) columns: Columns,
    pub(super) shapes: Shapes,
    tree: RTree<Envelope>,
    areas: Vec<Area>,
    pub(super) ground: Ground,
    pub(super) tiles: Tiles,
}

impl Snapshot {
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
        Self {
            revision: 0,
            loaded: false,
            city: CityFacts::default(),
            fingerprint: 0,
            bounds: None,
            columns: Columns::default(),
            shapes: Shapes::default(),
            tree: RTree::new(),
            areas: Vec::new(),
            ground: Ground::default(),
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
        self.columns.len()
    }

    /// Whether there is no parcel.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The areas that parcels lie in, in the order in which they were given.
    pub fn areas(&self) -> &[Area] {
        &self.areas
    }

    /// The parcels that have a point in common with what is asked for, edges and corners included.
    pub fn search(&self, area: &Selection) -> Hits {
        let region = &area.region;
        let candidates: Vec<_> = self.tree.locate_in_envelope_intersecting(to_aabb(region.bounds())).collect();
        let grid = region.grid(candidates.len());
        let met = candidates.into_iter().filter(|candidate| {
            let bounds = &candidate.bounds;
            // A parcel without a box is not in the tree, so one that lies all in the area meets it.
            let exactly = || region.meets(&self.shapes.shape(candidate.index as usize), bounds);
            grid.verdict(bounds).unwrap_or_else(exactly)
        });
        let mut indices: Vec<u32> = met.map(|candidate| candidate.index).collect();
        indices.sort_unstable();
        Hits { indices }
    }

    /// Every parcel.
    pub fn all(&self) -> Hits {
        Hits { indices: (0..self.len() as u32).collect() }
    }

    /// The figures of what a search found. A term counts as expiring if it still runs on the day `as_of` and ends within
    /// so many months of it.
    pub fn summary(&self, hits: &Hits, as_of: NaiveDate, expiring: Months) -> Summary {
        Summary::of(&self.columns, &hits.indices, as_of, expiring)
    }

    /// The part of what was found that comes after a code, which itself need not be there any more.
    pub fn after<'h>(&self, hits: &'h Hits, code: &str) -> &'h [u32] {
        let first = match self.columns.find(code) {
            Ok(index) => index + 1,
            Err(index) => index,
        };
        &hits.indices[hits.indices.partition_point(|index| (*index as usize) < first)..]
    }

    /// The parcel of that code.
    pub fn at(&self, code: &str) -> Option<ParcelRef<'_>> {
        self.columns.find(code).ok().map(|index| ParcelRef { snapshot: self, index })
    }

    /// The parcel of that number, as [`Hits`] give it. Panics where the number is another snapshot's and too large.
    pub fn parcel(&self, index: u32) -> ParcelRef<'_> {
        assert!((index as usize) < self.len(), "parcel {index} of a snapshot of {}", self.len());
        ParcelRef { snapshot: self, index: index as usize }
    }

    /// The numbers of the parcels whose boxes meet the box, rising.
    pub(super) fn near(&self, bounds: &Bounds) -> Vec<(u32, Bounds)> {
        let found = self.tree.locate_in_envelope_intersecting(to_aabb(bounds));
        let mut found: Vec<_> = found.map(|c| (c.index, c.bounds)).collect();
        found.sort_unstable_by_key(|(index, _)| *index);
        found
    }

    /// About how many bytes it takes, without the cache of tiles.
    pub fn bytes(&self) -> usize {
        self.columns.bytes()
            + self.shapes.bytes()
            + self.ground.bytes()
            + self.tree.size() * size_of::<Envelope>() * 6 / 5
    }
}

/// One parcel of a snapshot.
#[derive(Debug, Clone, Copy)]
pub struct ParcelRef<'a> {
    snapshot: &'a Snapshot,
    index: usize,
}

impl<'a> ParcelRef<'a> {
    fn columns(&self) -> &'a Columns {
        &self.snapshot.columns
    }
    /// Its number in the snapshot.
    pub fn index(&self) -> u32 {
        self.index as u32
    }
    /// Its code.
    pub fn code(&self) -> &'a str {
        self.columns().code(self.index)
    }
    /// The code of its district.
    pub fn district(&self) -> &'a str {
        self.columns().districts.word(self.columns().district[self.index])
    }
    /// The code of its park.
    pub fn park(&self) -> Option<&'a str> {
        let number = self.columns().park[self.index];
        (number != NONE).then(|| self.columns().parks.word(number))
    }
    /// The code of its land use.
    pub fn land_use(&self) -> &'a str {
        self.columns().land_uses.word(self.columns().land_use[self.index])
    }
    /// What the review proposes.
    pub fn outcome(&self) -> Option<&'a str> {
        let number = self.columns().outcome[self.index];
        (number != NONE).then(|| self.columns().outcomes.word(number))
    }
    /// Where it stands in the plan.
    pub fn tier(&self) -> Tier {
        self.columns().tier[self.index]
    }
    /// Whether the plan locks it.
    pub fn locked(&self) -> bool {
        self.columns().locked[self.index]
    }
    /// Its grade.
    pub fn grade(&self) -> Option<Grade> {
        self.columns().grade[self.index]
    }
    /// Its score.
    pub fn score(&self) -> Option<f64> {
        self.columns().score(self.index)
    }
    /// Its land.
    pub fn area(&self) -> SquareMetres {
        SquareMetres(self.columns().area[self.index])
    }
    /// The floor area on it, where known.
    pub fn floor_area(&self) -> Option<SquareMetres> {
        self.columns().floor_area(self.index).map(SquareMetres)
    }
    /// Its floor area over the area of its shape, where both are known.
    pub fn plot_ratio_built(&self) -> Option<PlotRatio> {
        PlotRatio::of(self.floor_area()?, self.area())
    }
    /// The highest plot ratio of its plan condition.
    pub fn plot_ratio_allowed(&self) -> Option<f64> {
        self.columns().plot_ratio_allowed(self.index)
    }
    /// The first day after its contract's term.
    pub fn term_ends_on(&self) -> Option<NaiveDate> {
        self.columns().term_ends_on[self.index]
    }
    /// Its shape, to the last digit that was given.
    pub fn shape(&self) -> ShapeRef<'a> {
        self.snapshot.shapes.shape(self.index)
    }
}

/// Packs parcels one by one. While the register is loaded its rows, the parcels made of them, this pack and the snapshot
/// that still answers are in memory side by side.
#[derive(Debug, Default)]
pub struct Builder {
    columns: Columns,
    shapes: Shapes,
    envelopes: Vec<Envelope>,
    bounds: Option<Bounds>,
    hash: Sha256,
}

/// Points, rings and the bytes of codes are counted in 32 bits.
const MOST: u64 = u32::MAX as u64;

impl Builder {
    /// Adds a parcel, whose code must come after the one before.
    pub fn push(&mut self, parcel: &Parcel) -> Result<(), BuildError> {
        let index = self.columns.len();
        if index > 0 && self.columns.code(index - 1) >= parcel.code.as_str() {
            let before = self.columns.code(index - 1).to_owned();
            return Err(BuildError::Order { code: parcel.code.clone(), before });
        }
        check("parcel", &parcel.code, &parcel.shape)?;
        let points: usize = parcel.shape.iter().map(points_of).sum();
        if (self.shapes.points().len() + points) as u64 > MOST {
            return Err(BuildError::TooMany { what: "points", limit: MOST });
        }
        if (self.columns.code_bytes() + parcel.code.len()) as u64 > MOST || index as u64 >= MOST {
            return Err(BuildError::TooMany { what: "bytes of parcel codes", limit: MOST });
        }
        let first = self.shapes.points().len();
        self.columns.push(parcel);
        if let Some(bounds) = self.shapes.push(&parcel.shape) {
            self.envelopes.push(Envelope { bounds, index: index as u32 });
            self.bounds.get_or_insert(Bounds::NOTHING).join(&bounds);
        }
        self.mark(parcel, first);
        Ok(())
    }

    /// Builds the tree and closes the snapshot.
    pub fn finish(mut self, revision: i64, city: CityFacts, areas: Vec<Area>) -> Result<Snapshot, BuildError> {
        for area in &areas {
            check("area", &area.code, &area.shape)?;
            self.hash.update(format!("{area:?}"));
            for point in area.shape.iter().flat_map(|polygon| polygon.exterior().0.iter()) {
                self.bounds.get_or_insert(Bounds::NOTHING).widen([point.x, point.y]);
            }
        }
        self.hash.update(format!("{city:?}"));
        let digest = self.hash.finalize();
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        self.columns.shrink();
        self.shapes.shrink();
        let ground = Ground::build(&self.shapes, &areas);
        Ok(Snapshot {
            revision,
            loaded: true,
            city,
            fingerprint: u64::from_be_bytes(first),
            bounds: self.bounds,
            columns: self.columns,
            shapes: self.shapes,
            tree: RTree::bulk_load(self.envelopes),
            areas,
            ground,
            tiles: Tiles::default(),
        })
    }

    /// Takes the parcel into the fingerprint.
    fn mark(&mut self, parcel: &Parcel, first_point: usize) {
        let Parcel { shape: _, code, district, park, tier, locked, land_use, .. } = parcel;
        let words = (code, district, park, tier, locked, land_use, &parcel.grade, &parcel.outcome, parcel.term_ends_on);
        self.hash.update(format!("{words:?}"));
        let figures = [Some(parcel.area_m2), parcel.floor_area_m2, parcel.plot_ratio_allowed, parcel.score];
        for figure in figures {
            self.hash.update(figure.unwrap_or(f64::NAN).to_bits().to_le_bytes());
        }
        for [x, y] in &self.shapes.points()[first_point..] {
            self.hash.update(x.to_bits().to_le_bytes());
            self.hash.update(y.to_bits().to_le_bytes());
        }
    }
}

fn points_of(polygon: &geo_types::Polygon<f64>) -> usize {
    polygon.exterior().0.len() + polygon.interiors().iter().map(|ring| ring.0.len()).sum::<usize>()
}

fn check(thing: &'static str, code: &str, shape: &MultiPolygon<f64>) -> Result<(), BuildError> {
    let rings = shape.iter().flat_map(|polygon| std::iter::once(polygon.exterior()).chain(polygon.interiors()));
    for point in rings.flat_map(|ring| &ring.0) {
        // Written so that NaN is refused too.
        if !((-180.0..=180.0).contains(&point.x) && (-90.0..=90.0).contains(&point.y)) {
            return Err(BuildError::Place { thing, code: code.to_owned(), x: point.x, y: point.y });
        }
    }
    Ok(())
}
