//! One parcel as a snapshot holds it, read field by field. It knows its own pack and nothing of its neighbours.

use super::columns::Columns;
use super::pack::Pack;
use super::shapes::ShapeRef;
use crate::domain::filter::Value;
use crate::domain::quantity::{PlotRatio, SquareMetres};
use crate::domain::queryable::Queryable;
use crate::domain::review::decision::List;
use crate::domain::review::grade::Grade;
use crate::domain::today::Parcel;
use crate::domain::zoning::Tier;
use chrono::NaiveDate;

/// One parcel of a snapshot.
#[derive(Debug, Clone, Copy)]
pub struct ParcelRef<'a> {
    pack: &'a Pack,
    index: usize,
    number: u32,
}

impl<'a> ParcelRef<'a> {
    pub(super) fn new(pack: &'a Pack, index: usize, number: u32) -> Self {
        Self { pack, index, number }
    }
    fn columns(&self) -> &'a Columns {
        &self.pack.columns
    }
    /// Its number in the snapshot.
    pub fn index(&self) -> u32 {
        self.number
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
        self.columns().parks.known(self.columns().park[self.index])
    }
    /// The code of its land use.
    pub fn land_use(&self) -> &'a str {
        self.columns().land_uses.word(self.columns().land_use[self.index])
    }
    /// What the review proposes.
    pub fn outcome(&self) -> Option<&'a str> {
        self.columns().outcomes.known(self.columns().outcome[self.index])
    }
    /// The list that the review puts it on.
    pub fn list(&self) -> Option<List> {
        self.columns().list(self.index)
    }
    /// The class of the enterprise that holds it.
    pub fn industry(&self) -> Option<&'a str> {
        self.columns().industry(self.index)
    }
    /// The name of that enterprise.
    pub fn holder(&self) -> Option<&'a str> {
        self.columns().holder(self.index)
    }
    /// The word of its state of life.
    pub fn state(&self) -> Option<&'a str> {
        self.columns().state(self.index)
    }
    /// What it answers to a question; nothing where that is unknown. Its shape has a function of its own.
    pub fn value(&self, asked: Queryable) -> Option<Value<'a>> {
        self.columns().value(asked, self.index)
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
        self.pack.shapes.shape(self.index)
    }
    /// The points of all shapes of its pack, projected.
    pub(super) fn ground(&self) -> &'a [[u32; 2]] {
        &self.pack.ground
    }

    /// It once more, to be packed anew.
    pub(super) fn to_parcel(self) -> Parcel {
        Parcel {
            code: self.code().to_owned(),
            district: self.district().to_owned(),
            park: self.park().map(str::to_owned),
            tier: self.tier(),
            locked: self.locked(),
            land_use: self.land_use().to_owned(),
            industry: self.industry().map(str::to_owned),
            holder: self.holder().map(str::to_owned),
            area_m2: self.area().value(),
            floor_area_m2: self.floor_area().map(SquareMetres::value),
            plot_ratio_allowed: self.plot_ratio_allowed(),
            grade: self.grade(),
            score: self.score(),
            outcome: self.outcome().map(str::to_owned),
            list: self.list(),
            state: self.state().map(str::to_owned),
            term_ends_on: self.term_ends_on(),
            shape: self.shape().to_multi_polygon(),
        }
    }
}
