//! Grades: A to D, and T for a parcel that cannot be judged. T is a lawful answer, never a zero.

use serde::{Deserialize, Serialize};

/// The grade of a parcel in a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Grade {
    /// Best used.
    A,
    /// Well used.
    B,
    /// To be watched or renewed.
    C,
    /// Inefficient.
    D,
    /// Cannot be judged.
    T,
}

impl Grade {
    /// Every grade, the best first, T last.
    pub const ALL: [Self; 5] = [Self::A, Self::B, Self::C, Self::D, Self::T];

    /// The letter.
    pub fn name(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
            Self::D => "D",
            Self::T => "T",
        }
    }

    /// The grade of that letter.
    pub fn parse(letter: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grade| grade.name() == letter)
    }
}
