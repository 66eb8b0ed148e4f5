//! What became of the rows of an import, as it is handed to whoever sent them. Its shape is relied on from outside.

use crate::domain::finding::Finding;
use serde::Serialize;

/// The receipt of an import; `read = accepted + unchanged + refused`.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Receipt {
    /// What kind of data set it was.
    pub dataset: String,
    /// The names of its files.
    pub files: Vec<String>,
    /// The reference systems of its files.
    pub crs: Option<String>,
    /// Their encodings.
    pub encoding: Option<String>,
    /// Rows read.
    pub read: u64,
    /// Rows that were new or changed something.
    pub accepted: u64,
    /// Rows that the register had already.
    pub unchanged: u64,
    /// Rows that were not taken.
    pub refused: u64,
    /// Findings that refused nothing.
    pub warnings: u64,
    /// The revision that holds them; nothing where nothing changed.
    pub revision: Option<i64>,
    /// Where the register had every row already: the revision in which these very files were imported, if they were.
    pub unchanged_since: Option<i64>,
    /// Whether it was only tried.
    pub dry_run: bool,
    /// SHA-256 of each file.
    pub sha256: Vec<(String, String)>,
    /// What was found, at most [`FINDINGS_KEPT`].
    pub findings: Vec<Finding>,
    /// How many findings there were beyond those kept.
    pub findings_left_out: u64,
}

/// How many findings a receipt keeps: enough to mend a file by, not enough to fill a disk.
pub const FINDINGS_KEPT: usize = 10_000;
