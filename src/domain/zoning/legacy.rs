//! The older division of industrial land into 104, 195 and 198: a layer that a register may do without. Shanghai no longer
//! plans by it, but older papers still speak of it (`domain.md` §9; its sizes and borders were not found).

use super::{InForce, read_in_force};
use crate::domain::intake::{
    Field,
    FieldType::{Date, Text},
    Reading, field,
};
use serde::{Deserialize, Serialize};

/// The fields of a data set of legacy areas.
pub const FIELDS: &[Field] = &[
    field("area_code", Text, true),
    field("name", Text, true),
    field("class", Text, true),
    field("document", Text, false),
    field("decided_on", Date, false),
    field("valid_from", Date, true),
    field("valid_to", Date, false),
];

/// To which part of the older division an area belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Class {
    /// 104 区块: industrial blocks of the plan.
    #[serde(rename = "104")]
    Block104,
    /// 195 区域: industry that is to grow together with the city around it.
    #[serde(rename = "195")]
    Area195,
    /// 198 区域: industry outside the area of concentrated building, to be reduced.
    #[serde(rename = "198")]
    Area198,
}

impl Class {
    /// The word used in data.
    pub fn name(self) -> &'static str {
        match self {
            Self::Block104 => "104",
            Self::Area195 => "195",
            Self::Area198 => "198",
        }
    }

    /// The class of that word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Block104, Self::Area195, Self::Area198].into_iter().find(|class| class.name() == word)
    }
}

/// A legacy area as a data set gives it, without its shape.
#[derive(Debug, Clone, PartialEq)]
pub struct LegacyArea {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Its class.
    pub class: Class,
    /// By what and when it is law.
    pub in_force: InForce,
}

/// Reads one row; faults are kept in the reading.
pub fn read(row: &mut Reading<'_>) -> Option<LegacyArea> {
    let code = row.required_text("area_code");
    let name = row.required_text("name");
    let class = match row.required_text("class") {
        None => None,
        Some(_) => row.word(
            "class",
            &[
                ("104", Class::Block104),
                ("195", Class::Area195),
                ("198", Class::Area198),
                ("104区块", Class::Block104),
                ("195区域", Class::Area195),
                ("198区域", Class::Area198),
            ],
        ),
    };
    let in_force = read_in_force(row);
    Some(LegacyArea { code: code?, name: name?, class: class?, in_force: in_force? })
}
