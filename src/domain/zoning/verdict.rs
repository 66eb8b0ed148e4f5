//! What may happen where: a deed is asked about, and a ruling answers with its verdict, the rule, its citation and the
//! facts. The same function answers the map, the proposal, the importer and the command.

use serde::Serialize;

/// What a rule says to a deed. Ordered from the mildest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Nothing stands against it.
    Allowed,
    /// Only with a special approval on record.
    NeedsSpecialApproval,
    /// Not at all.
    Forbidden,
}

impl Verdict {
    /// The word used on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::NeedsSpecialApproval => "needs-special-approval",
            Self::Forbidden => "forbidden",
        }
    }
}
