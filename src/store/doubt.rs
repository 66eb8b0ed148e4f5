//! What an import took and someone should look at. It knows rows, not files.

use serde_json::Value;

/// A row that was taken with a doubt.
#[derive(Debug, Clone, PartialEq)]
pub struct Doubt {
    /// Which of the import's files.
    pub file: i16,
    /// Which row of it.
    pub row: i64,
    /// What a finding calls it.
    pub key: String,
    /// The finding's code.
    pub code: &'static str,
    /// The field in doubt.
    pub field: &'static str,
    /// Its value.
    pub value: String,
    /// What would be beyond doubt.
    pub expected: String,
    /// Further operands.
    pub facts: Vec<(&'static str, Value)>,
}

/// Doubts, of which not all may be kept.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Doubts {
    /// Those kept, in the order of the files.
    pub kept: Vec<Doubt>,
    /// How many there are.
    pub all: u64,
}

impl Doubts {
    /// With others, which come after these.
    pub fn add(&mut self, others: Self) {
        self.kept.extend(others.kept);
        self.all += others.all;
    }
}
