//! What may be asked of a parcel as it stands today: one list of names and kinds, which filters, searches and other services
//! share. The database has a column of the same name for each (`parcel_today`), and so has the map in memory.

use super::dictionary::{Term, queryables};
use super::filter::{Kind, Property};

macro_rules! queryables {
    ($($(#[$doc:meta])* $name:ident $word:literal $kind:ident;)*) => {
        /// One thing that may be asked of a parcel.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Queryable { $($(#[$doc])* $name),* }

        impl Queryable {
            /// All of them, in the order in which lists show them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// All of them as properties of a filter, in the same order.
            pub const PROPERTIES: &[Property<'static>] = &[$(Property { name: $word, holds: Kind::$kind }),*];

            /// Its name in filters, answers and the database.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $word),* }
            }

            /// What it holds.
            pub const fn holds(self) -> Kind {
                match self { $(Self::$name => Kind::$kind),* }
            }
        }
    };
}

queryables! {
    /// Code of the parcel.
    Code "parcel_code" Text;
    /// Six digits of its district.
    District "district" Text;
    /// Code of its park; unknown outside parks.
    Park "park" Text;
    /// base, community or fragmented.
    Tier "tier" Text;
    /// Whether the plan locks it (lock 1).
    Locked "locked" Flag;
    /// Code of its land use.
    LandUse "land_use" Text;
    /// GB/T 4754 class of the holder; unknown where nobody recorded it.
    Industry "industry" Text;
    /// Name of the enterprise that its contract names.
    Holder "holder_name" Text;
    /// Geodesic area of its shape.
    Area "area_m2" Number;
    /// The same in mu, 10,000/15 m².
    AreaMu "area_mu" Number;
    /// Floor area of its buildings; unknown where there are none on record.
    FloorArea "floor_area_m2" Number;
    /// Floor area over land.
    PlotRatioBuilt "plot_ratio_built" Number;
    /// The highest plot ratio of its plan condition.
    PlotRatioAllowed "plot_ratio_allowed" Number;
    /// Allowed less built; below zero where more stands than the plan allows.
    PlotRatioUnused "plot_ratio_unused" Number;
    /// A, B, C, D or T in the review that the city shows.
    Grade "grade" Text;
    /// Its score in that review.
    Score "score" Number;
    /// What that review proposes.
    Outcome "outcome" Text;
    /// exit or renewal, where that review puts it on a list.
    List "list" Text;
    /// Its state of life.
    State "state" Text;
    /// The first day after its contract's term.
    TermEnd "term_end" Date;
    /// Its land, in longitude and latitude (EPSG:4490).
    Geometry "geometry" Shape;
}

impl Queryable {
    /// The one of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.name() == name)
    }

    /// What it is called, its unit and what it means; nothing for the shape, which has no column of its own in a table.
    pub fn term(self) -> Option<&'static Term> {
        queryables().iter().find(|term| term.name == self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_but_the_shape_is_a_term_of_the_dictionary_that_holds_the_same() {
        let mut terms = queryables().iter();
        for asked in Queryable::ALL.iter().filter(|asked| asked.holds() != Kind::Shape) {
            let term = terms.next().unwrap();
            assert_eq!((term.name.as_str(), Kind::of(term.holds)), (asked.name(), asked.holds()));
            assert_eq!(Queryable::parse(asked.name()), Some(*asked));
            assert_eq!(asked.term().map(|term| &term.name), Some(&term.name));
        }
        assert_eq!(terms.next().map(|term| &term.name), None);
        assert!(Queryable::Geometry.term().is_none());
    }
}
