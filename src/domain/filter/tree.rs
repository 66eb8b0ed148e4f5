//! The tree that a filter is, whichever way it was written. Both readers build it through the same checks, so its kinds go
//! together and its depth is bounded.

use chrono::{DateTime, NaiveDate, Utc};
use geo_types::Geometry;
use std::collections::BTreeSet;

/// A value that stands in a filter.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// Words.
    Text(String),
    /// A finite number.
    Number(f64),
    /// A day.
    Date(NaiveDate),
    /// Yes or no.
    Flag(bool),
}

/// A shape that stands in a filter, valid, in the coordinates of the properties it is compared with.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// The shape.
    pub geometry: Geometry<f64>,
    /// West, south, east and north, where it was written as a box.
    pub bbox: Option<[f64; 4]>,
}

/// A part of a filter. What is unknown (null) matches neither a thing nor its denial, as in SQL.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// A property, by its place in the list that the filter was read with.
    Property(usize),
    /// A value.
    Literal(Literal),
    /// A moment, to the microsecond.
    Moment(DateTime<Utc>),
    /// A shape.
    Shape(Box<Shape>),
    /// A stretch of time with both its ends; nothing where it is open.
    Interval(Option<Box<Self>>, Option<Box<Self>>),
    /// Several values.
    List(Vec<Self>),
    /// A computed number; unknown where a number leaves the range of `arithmetic`.
    Arithmetic(Box<Self>, Arithmetic, Box<Self>),
    /// A text without what does not matter.
    Fold(Fold, Box<Self>),
    /// All of them hold.
    And(Vec<Self>),
    /// One of them holds.
    Or(Vec<Self>),
    /// It does not hold.
    Not(Box<Self>),
    /// Two sides compare.
    Compare(Box<Self>, Comparison, Box<Self>),
    /// It is one of a list.
    In(Box<Self>, Vec<Self>),
    /// The first lies between the two others, both included.
    Between(Box<[Self; 3]>),
    /// A text fits a pattern: % is any text, _ any character, \ takes the sign after it as it is.
    Like(Box<Self>, Box<Self>),
    /// It is unknown.
    IsNull(Box<Self>),
    /// Two shapes lie so to one another.
    Spatial(SpatialRelation, Box<Self>, Box<Self>),
    /// Two times lie so to one another.
    Temporal(TemporalRelation, Box<Self>, Box<Self>),
    /// Two lists, taken as sets, lie so to one another.
    Lists(ListRelation, Box<Self>, Box<Self>),
}

macro_rules! words {
    ($(#[$outer:meta])* $name:ident { $($(#[$inner:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$outer])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$inner])* $variant),* }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its word in both encodings.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }

            pub(super) fn named(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.word().eq_ignore_ascii_case(word))
            }
        }
    };
}

words! {
    /// How two sides are compared; the sign is the same in CQL2 and SQL.
    Comparison {
        /// Equal.
        Equal = "=",
        /// Not equal.
        NotEqual = "<>",
        /// Less.
        Less = "<",
        /// Less or equal.
        AtMost = "<=",
        /// Greater.
        Greater = ">",
        /// Greater or equal.
        AtLeast = ">=",
    }
}

words! {
    /// What is done with two numbers.
    Arithmetic {
        /// The sum.
        Plus = "+",
        /// The difference.
        Minus = "-",
        /// The product.
        Times = "*",
        /// The quotient.
        Over = "/",
        /// What whole division leaves over, with the sign of the first.
        Modulo = "%",
        /// The quotient without its fraction.
        Div = "div",
        /// The power.
        Power = "^",
    }
}

words! {
    /// What does not matter in a text.
    Fold {
        /// Whether letters are small or capital.
        Case = "casei",
        /// The accents of letters.
        Accent = "accenti",
    }
}

words! {
    /// How two shapes lie to one another, by the nine intersections.
    SpatialRelation {
        /// They share a point.
        Intersects = "s_intersects",
        /// They share none.
        Disjoint = "s_disjoint",
        /// They cover the same points.
        Equals = "s_equals",
        /// They share points of their boundaries only.
        Touches = "s_touches",
        /// They share some inner points, of a lower dimension than the higher of theirs.
        Crosses = "s_crosses",
        /// The first lies in the second.
        Within = "s_within",
        /// The second lies in the first.
        Contains = "s_contains",
        /// They share some inner points and are of the same dimension.
        Overlaps = "s_overlaps",
    }
}

words! {
    /// How two times lie to one another; a moment is a stretch that ends where it begins.
    TemporalRelation {
        /// The first is later.
        After = "t_after",
        /// The first is earlier.
        Before = "t_before",
        /// The second lies inside the first and shares no end with it.
        Contains = "t_contains",
        /// They share no moment.
        Disjoint = "t_disjoint",
        /// The first lies inside the second and shares no end with it.
        During = "t_during",
        /// Their ends are the same.
        Equals = "t_equals",
        /// The first began earlier; they end together.
        FinishedBy = "t_finishedby",
        /// The first began later; they end together.
        Finishes = "t_finishes",
        /// They share a moment.
        Intersects = "t_intersects",
        /// The first ends when the second begins.
        Meets = "t_meets",
        /// The first begins when the second ends.
        MetBy = "t_metby",
        /// The first begins in the second and ends after it.
        OverlappedBy = "t_overlappedby",
        /// The first begins before the second and ends in it.
        Overlaps = "t_overlaps",
        /// They begin together; the first ends later.
        StartedBy = "t_startedby",
        /// They begin together; the first ends earlier.
        Starts = "t_starts",
    }
}

words! {
    /// How two lists lie to one another, as sets.
    ListRelation {
        /// The second is in the first.
        Contains = "a_contains",
        /// The first is in the second.
        ContainedBy = "a_containedby",
        /// Each is in the other.
        Equals = "a_equals",
        /// They share a value.
        Overlaps = "a_overlaps",
    }
}

/// An end of one of two stretches of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Where the first begins.
    Start1,
    /// Where the first ends.
    End1,
    /// Where the second begins.
    Start2,
    /// Where the second ends.
    End2,
}

impl Expression {
    /// Puts the places of all properties that it names among those found.
    pub(super) fn name_properties(&self, found: &mut BTreeSet<usize>) {
        match self {
            Self::Property(index) => {
                found.insert(*index);
            }
            Self::Literal(_) | Self::Moment(_) | Self::Shape(_) => {}
            Self::Interval(begin, end) => {
                [begin, end].into_iter().flatten().for_each(|one| one.name_properties(found));
            }
            Self::List(parts) | Self::And(parts) | Self::Or(parts) => {
                parts.iter().for_each(|one| one.name_properties(found));
            }
            Self::In(one, parts) => {
                one.name_properties(found);
                parts.iter().for_each(|one| one.name_properties(found));
            }
            Self::Between(parts) => parts.iter().for_each(|one| one.name_properties(found)),
            Self::Fold(_, one) | Self::Not(one) | Self::IsNull(one) => one.name_properties(found),
            Self::Arithmetic(one, _, other)
            | Self::Compare(one, _, other)
            | Self::Like(one, other)
            | Self::Spatial(_, one, other)
            | Self::Temporal(_, one, other)
            | Self::Lists(_, one, other) => {
                one.name_properties(found);
                other.name_properties(found);
            }
        }
    }
}

impl TemporalRelation {
    /// The relation as comparisons of ends that must all hold, and whether they are to be denied.
    pub fn comparisons(self) -> (bool, &'static [(End, Comparison, End)]) {
        use Comparison::{AtLeast, AtMost, Equal, Greater, Less};
        use End::{End1, End2, Start1, Start2};
        const INTERSECTS: &[(End, Comparison, End)] = &[(End1, AtLeast, Start2), (Start1, AtMost, End2)];
        let all: &[_] = match self {
            Self::After => &[(Start1, Greater, End2)],
            Self::Before => &[(End1, Less, Start2)],
            Self::Contains => &[(Start1, Less, Start2), (End1, Greater, End2)],
            Self::Disjoint => return (true, INTERSECTS),
            Self::During => &[(Start1, Greater, Start2), (End1, Less, End2)],
            Self::Equals => &[(Start1, Equal, Start2), (End1, Equal, End2)],
            Self::FinishedBy => &[(Start1, Less, Start2), (End1, Equal, End2)],
            Self::Finishes => &[(Start1, Greater, Start2), (End1, Equal, End2)],
            Self::Intersects => INTERSECTS,
            Self::Meets => &[(End1, Equal, Start2)],
            Self::MetBy => &[(Start1, Equal, End2)],
            Self::OverlappedBy => &[(Start1, Greater, Start2), (Start1, Less, End2), (End1, Greater, End2)],
            Self::Overlaps => &[(Start1, Less, Start2), (End1, Greater, Start2), (End1, Less, End2)],
            Self::StartedBy => &[(Start1, Equal, Start2), (End1, Greater, End2)],
            Self::Starts => &[(Start1, Equal, Start2), (End1, Less, End2)],
        };
        (false, all)
    }
}

impl Expression {
    /// Hands out every shape in it.
    pub(super) fn each_shape<E>(&mut self, each: &mut impl FnMut(&mut Shape) -> Result<(), E>) -> Result<(), E> {
        match self {
            Self::Shape(shape) => each(shape),
            Self::Property(_) | Self::Literal(_) | Self::Moment(_) => Ok(()),
            Self::List(parts) | Self::And(parts) | Self::Or(parts) => {
                parts.iter_mut().try_for_each(|part| part.each_shape(each))
            }
            Self::In(one, parts) => {
                one.each_shape(each)?;
                parts.iter_mut().try_for_each(|part| part.each_shape(each))
            }
            Self::Between(parts) => parts.iter_mut().try_for_each(|part| part.each_shape(each)),
            Self::Interval(start, end) => [start, end].into_iter().flatten().try_for_each(|part| part.each_shape(each)),
            Self::Fold(_, inner) | Self::Not(inner) | Self::IsNull(inner) => inner.each_shape(each),
            Self::Arithmetic(left, _, right)
            | Self::Compare(left, _, right)
            | Self::Like(left, right)
            | Self::Spatial(_, left, right)
            | Self::Temporal(_, left, right)
            | Self::Lists(_, left, right) => {
                left.each_shape(each)?;
                right.each_shape(each)
            }
        }
    }
}
