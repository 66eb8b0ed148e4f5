//! The land account: how much industrial land there is, by tier, use and district, at the end of a year, and how that stands
//! to what plans ask for. Published figures belong to series that count unlike land; a series is a type, so that a stock
//! cannot be held against a figure of another one.
//!
//! ```
//! use landcycle::domain::land_account::{Figure, MasterPlan, Stock, hold};
//! fn alike(stock: &Stock<MasterPlan>, figure: &Figure<MasterPlan>) {
//!     hold(stock, figure, 2026);
//! }
//! ```
//!
//! The same with unlike series is no program:
//!
//! ```compile_fail,E0308
//! use landcycle::domain::land_account::{Figure, Inventory, MasterPlan, Stock, hold};
//! fn unlike(stock: &Stock<Inventory>, figure: &Figure<MasterPlan>) {
//!     hold(stock, figure, 2026);
//! }
//! ```

use super::quantity::SquareMetres;
use super::review::scheme::{SchemeError, Words};
use super::zoning::Tier;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::marker::PhantomData;

/// A series of figures that count like land.
pub trait Series {
    /// Its name in data and on the wire.
    const NAME: &'static str;
}

macro_rules! series {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq)]
            pub enum $name {}

            impl Series for $name {
                const NAME: &'static str = $word;
            }
        )*
    };
}

series! {
    /// Industrial land of the master plan: 550 km² by 2020, 320 to 480 km² by 2035.
    MasterPlan = "master-plan";
    /// Land for advanced manufacturing in bases: at least 150 km².
    LockedBase = "locked-base";
    /// The inventory of the efficiency assessment: 728 km².
    Inventory = "inventory";
    /// What was there before reduction, as a report implies. No stock of the register is of this series.
    BeforeReduction = "before-reduction";
}

/// A published figure of a series: a bound or two.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure<S> {
    /// The year it is meant for; nothing where none is said.
    pub year: Option<i32>,
    /// At least so much.
    pub low: Option<SquareMetres>,
    /// At most so much.
    pub high: Option<SquareMetres>,
    /// Where it was read.
    pub source: String,
    /// Whether a part of it was not read but supposed.
    pub assumption: bool,
    series: PhantomData<S>,
}

/// The land that a series counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Scope<S> {
    /// What the series is called.
    pub title: Words,
    /// Where it was read which land counts.
    pub source: String,
    counts: Vec<Counts>,
    series: PhantomData<S>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Counts {
    scheme: String,
    codes: Vec<String>,
}

impl<S> Scope<S> {
    /// Whether land of a use counts.
    fn counts(&self, scheme: &str, land_use: &str) -> bool {
        let of = self.counts.iter().filter(|counts| counts.scheme == scheme);
        of.flat_map(|counts| &counts.codes).any(|code| land_use.starts_with(code.as_str()))
    }

    /// Whether anybody said which codes of a scheme count.
    fn knows(&self, scheme: &str) -> bool {
        self.counts.iter().any(|counts| counts.scheme == scheme)
    }
}

/// One series with its scope and its figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Known<S> {
    /// Which land counts.
    pub scope: Scope<S>,
    /// The figures, by year.
    pub figures: Vec<Figure<S>>,
}

/// All series.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// Of the master plan.
    pub master_plan: Known<MasterPlan>,
    /// Of land locked in bases.
    pub locked_base: Known<LockedBase>,
    /// Of the assessment's inventory.
    pub inventory: Known<Inventory>,
    /// Of what was there before.
    pub before_reduction: Known<BeforeReduction>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    series: Vec<SeriesRow>,
    figure: Vec<FigureRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeriesRow {
    name: String,
    title: Words,
    counts: Vec<Counts>,
    counts_source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FigureRow {
    series: String,
    year: Option<i32>,
    low_km2: Option<f64>,
    high_km2: Option<f64>,
    source: String,
    assumption: bool,
}

const SQUARE_METRES_PER_KM2: f64 = 1e6;

impl Figures {
    /// Reads the figures; refuses those without source or bound, and series that are unknown or missing.
    pub fn parse(text: &str) -> Result<Self, SchemeError> {
        let file: File = toml::from_str(text)?;
        let refuse = |place: &str, problem: &str| {
            Err(SchemeError::Value { place: place.to_owned(), problem: problem.to_owned() })
        };
        let names = [MasterPlan::NAME, LockedBase::NAME, Inventory::NAME, BeforeReduction::NAME];
        for row in &file.figure {
            if row.source.trim().is_empty() {
                return refuse(&row.series, "has a figure without source");
            }
            if !file.series.iter().any(|series| series.name == row.series) {
                return refuse(&row.series, "has a figure and is no series of the file");
            }
            let bounds = [row.low_km2, row.high_km2].into_iter().flatten();
            let ordered = row.low_km2.zip(row.high_km2).is_none_or(|(low, high)| low <= high);
            if bounds.clone().count() == 0
                || !ordered
                || bounds.into_iter().any(|bound| !(bound.is_finite() && bound > 0.0))
            {
                return refuse(&row.series, "has a figure without a bound above 0, or with bounds out of order");
            }
        }
        if let Some(unknown) = file.series.iter().find(|series| !names.contains(&series.name.as_str())) {
            return refuse(&unknown.name, "is no series that the program knows");
        }
        Ok(Self {
            master_plan: file.known()?,
            locked_base: file.known()?,
            inventory: file.known()?,
            before_reduction: file.known()?,
        })
    }
}

impl File {
    fn known<S: Series>(&self) -> Result<Known<S>, SchemeError> {
        let missing = || SchemeError::Value { place: S::NAME.to_owned(), problem: "is missing".to_owned() };
        let series = self.series.iter().find(|series| series.name == S::NAME).ok_or_else(missing)?;
        let square = |km2: Option<f64>| km2.map(|km2| SquareMetres(km2 * SQUARE_METRES_PER_KM2));
        let mut figures: Vec<Figure<S>> = self
            .figure
            .iter()
            .filter(|row| row.series == S::NAME)
            .map(|row| Figure {
                year: row.year,
                low: square(row.low_km2),
                high: square(row.high_km2),
                source: row.source.clone(),
                assumption: row.assumption,
                series: PhantomData,
            })
            .collect();
        figures.sort_by_key(|figure| figure.year);
        let scope = Scope {
            title: series.title.clone(),
            source: series.counts_source.clone(),
            counts: series.counts.clone(),
            series: PhantomData,
        };
        Ok(Known { scope, figures })
    }
}

/// Land of one kind in one place: what the register sums.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Where it stands; nothing where no plan is on record for the day.
    pub tier: Option<Tier>,
    /// Whether the plan locks it.
    pub locked: bool,
    /// Its use.
    pub land_use: String,
    /// The scheme of that code.
    pub land_use_scheme: String,
    /// Its district's code.
    pub district: String,
    /// Its district's name.
    pub district_name: Option<String>,
    /// How many parcels.
    pub parcels: u64,
    /// Their land: the registered area or, for want of it, that of the shape.
    pub land: SquareMetres,
}

/// Parcels with their land.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sum {
    /// How many.
    pub parcels: u64,
    /// Their land.
    pub land: SquareMetres,
}

impl Sum {
    fn of<'a>(cells: impl Iterator<Item = &'a Cell>) -> Self {
        cells
            .fold(Self::default(), |sum, cell| Self { parcels: sum.parcels + cell.parcels, land: sum.land + cell.land })
    }
}

/// What the register holds of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stock<S> {
    /// The land that counts.
    pub counted: Sum,
    /// Land of schemes of which nobody said which codes count: in no sum, and not nothing.
    pub unknown: Sum,
    series: PhantomData<S>,
}

impl<S> Stock<S> {
    fn sum(cells: &[Cell], scope: &Scope<S>, also: impl Fn(&Cell) -> bool) -> Self {
        let counts = |cell: &&Cell| scope.counts(&cell.land_use_scheme, &cell.land_use) && also(cell);
        Self {
            counted: Sum::of(cells.iter().filter(counts)),
            unknown: Sum::of(cells.iter().filter(|cell| !scope.knows(&cell.land_use_scheme) && also(cell))),
            series: PhantomData,
        }
    }
}

impl Stock<MasterPlan> {
    /// The stock of the master plan's series.
    pub fn of(cells: &[Cell], scope: &Scope<MasterPlan>) -> Self {
        Self::sum(cells, scope, |_| true)
    }
}

impl Stock<Inventory> {
    /// The stock of the inventory's series.
    pub fn of(cells: &[Cell], scope: &Scope<Inventory>) -> Self {
        Self::sum(cells, scope, |_| true)
    }
}

impl Stock<LockedBase> {
    /// The stock of land locked in bases; nothing where no plan is on record for the day.
    pub fn of(cells: &[Cell], scope: &Scope<LockedBase>) -> Option<Self> {
        cells.iter().any(|cell| cell.tier.is_some()).then(|| Self::sum(cells, scope, |cell| cell.locked))
    }
}

/// How a stock stands to a figure of its own series.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    /// The series.
    pub series: &'static str,
    /// The year the figure is meant for.
    pub year: Option<i32>,
    /// How many years are left until then; below zero where it is past.
    pub years_left: Option<i32>,
    /// The stock.
    pub stock: SquareMetres,
    /// At least so much.
    pub low: Option<SquareMetres>,
    /// At most so much.
    pub high: Option<SquareMetres>,
    /// What is more than the upper bound.
    pub over: SquareMetres,
    /// What is less than the lower one.
    pub under: SquareMetres,
    /// Where the figure was read.
    pub source: String,
    /// Whether a part of it was not read but supposed.
    pub assumption: bool,
}

/// Holds a stock of a year against a figure of the same series.
pub fn hold<S: Series>(stock: &Stock<S>, figure: &Figure<S>, year: i32) -> Held {
    let land = stock.counted.land;
    let beyond = |from: Option<SquareMetres>, to: Option<SquareMetres>| match (from, to) {
        (Some(from), Some(to)) => SquareMetres((to - from).value().max(0.0)),
        _ => SquareMetres(0.0),
    };
    Held {
        series: S::NAME,
        year: figure.year,
        years_left: figure.year.map(|meant| meant - year),
        stock: land,
        low: figure.low,
        high: figure.high,
        over: beyond(figure.high, Some(land)),
        under: beyond(Some(land), figure.low),
        source: figure.source.clone(),
        assumption: figure.assumption,
    }
}

/// Holds the land of a year against the figures of every series that it has a stock of.
pub fn hold_all(cells: &[Cell], figures: &Figures, year: i32) -> Vec<Held> {
    fn each<S: Series>(stock: &Stock<S>, known: &Known<S>, year: i32) -> Vec<Held> {
        known.figures.iter().map(|figure| hold(stock, figure, year)).collect()
    }
    let mut held = each(&Stock::<MasterPlan>::of(cells, &figures.master_plan.scope), &figures.master_plan, year);
    if let Some(locked) = Stock::<LockedBase>::of(cells, &figures.locked_base.scope) {
        held.extend(each(&locked, &figures.locked_base, year));
    }
    held.extend(each(&Stock::<Inventory>::of(cells, &figures.inventory.scope), &figures.inventory, year));
    held
}

/// By what the account is summed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The three tiers.
    Tier,
    /// Land-use codes.
    Use,
    /// Districts.
    District,
}

impl By {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Tier, Self::Use, Self::District];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tier => "tier",
            Self::Use => "use",
            Self::District => "district",
        }
    }

    /// By that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.name() == word)
    }
}

/// A group of the account: its code, its name, its land.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Its code; of a use with the scheme behind it where that is not the city's usual one.
    pub code: String,
    /// Its name.
    pub name: Option<String>,
    /// Its parcels and their land.
    pub sum: Sum,
}

/// Sums the land of the series that a master plan counts; the groups come in the order of their codes.
pub fn groups(cells: &[Cell], scope: &Scope<MasterPlan>, by: By) -> Vec<Group> {
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    for cell in cells.iter().filter(|cell| scope.counts(&cell.land_use_scheme, &cell.land_use)) {
        let (code, name) = match by {
            By::Tier => {
                let name = cell.tier.map(|tier| tier.chinese().to_owned());
                (cell.tier.map_or("unknown", Tier::name).to_owned(), name)
            }
            By::Use => (cell.land_use.clone(), Some(cell.land_use_scheme.clone())),
            By::District => (cell.district.clone(), cell.district_name.clone()),
        };
        let key = format!("{code} {}", if by == By::Use { name.as_deref().unwrap_or_default() } else { "" });
        let group = groups.entry(key).or_insert_with(|| Group { code, name, sum: Sum::default() });
        group.sum.parcels += cell.parcels;
        group.sum.land += cell.land;
    }
    groups.into_values().collect()
}

#[cfg(test)]
mod tests;
