//! Why a file was refused, and the findings about a file as a whole. It words nothing about rows: those are the
//! domain's findings.

use crate::domain::finding::{Fault, Finding, Severity};
use serde_json::Value;
use std::io;

/// Why a file could not be read. Rows handed out before the error must be thrown away by the caller.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file is not what it should be; each finding names the file, what was found and what was expected.
    #[error("{}", sentences(findings))]
    Refused {
        /// At least one.
        findings: Vec<Finding>,
    },
    /// The machine could not read the file.
    #[error("cannot read {file}; check that it exists and that you may read it")]
    Io {
        /// The file's name.
        file: String,
        /// What the machine said.
        #[source]
        source: io::Error,
    },
}

impl ReadError {
    /// The findings to be shown or kept with a receipt.
    pub fn findings(&self) -> Vec<Finding> {
        match self {
            Self::Refused { findings } => findings.clone(),
            Self::Io { file, source } => {
                let mut finding = finding(file, "unreadable-file", None, "a file that can be read");
                finding.facts.insert("value".into(), source.to_string().into());
                vec![finding]
            }
        }
    }
}

fn sentences(findings: &[Finding]) -> String {
    findings.iter().map(Finding::sentence).collect::<Vec<_>>().join("\n")
}

/// A finding that refuses the file.
pub fn finding(file: &str, code: &'static str, value: Option<&str>, expected: impl Into<String>) -> Finding {
    Fault::error(code, None, value, expected).at(file, None, None)
}

/// A finding that the file was taken in spite of.
pub(crate) fn warning(file: &str, code: &'static str, value: &str, expected: impl Into<String>) -> Finding {
    let mut finding = finding(file, code, None, expected);
    finding.severity = Severity::Warning;
    finding.facts.insert("value".into(), Value::from(value));
    finding
}

/// The refusal of a file for one reason.
pub(crate) fn refuse(file: &str, code: &'static str, value: &str, expected: impl Into<String>) -> ReadError {
    ReadError::Refused { findings: vec![finding(file, code, Some(value), expected)] }
}

/// The refusal of a file that the machine cannot read.
pub(crate) fn io(file: &str) -> impl FnOnce(io::Error) -> ReadError + '_ {
    move |source| ReadError::Io { file: file.to_owned(), source }
}
