//! What was found wrong or worth a look: a stable code, a severity, a place and the facts. Wording for people is made
//! here once, so that a command, an answer and a page say the same.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The row was refused.
    Error,
    /// The row was taken, and someone should look.
    Warning,
}

/// One finding about one row of one file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The file's name without its folder.
    pub file: String,
    /// The row, counted from 1; a header is not counted.
    pub row: Option<u64>,
    /// The key of the thing, where the row named one.
    pub key: Option<String>,
    /// A stable kebab-case code.
    pub code: String,
    /// How much it weighs.
    pub severity: Severity,
    /// The operands: field, value, what was expected.
    pub facts: Map<String, Value>,
}

/// A fault in one field of one row, before anyone knows which file the row came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// A stable kebab-case code.
    pub code: &'static str,
    /// How much it weighs.
    pub severity: Severity,
    /// The field, where one is at fault.
    pub field: Option<&'static str>,
    /// The value as it was found.
    pub value: Option<String>,
    /// What would be right.
    pub expected: String,
}

impl Fault {
    /// A fault that refuses the row.
    pub fn error(
        code: &'static str,
        field: Option<&'static str>,
        value: Option<&str>,
        expected: impl Into<String>,
    ) -> Self {
        // A value of a hostile file may be megabytes long; a finding quotes enough to find it again.
        let value = value.map(|text| {
            let mut short: String = text.chars().take(80).collect();
            if short.len() < text.len() {
                short.push('…');
            }
            short
        });
        Self { code, severity: Severity::Error, field, value, expected: expected.into() }
    }

    /// The same fault, as a warning.
    pub fn as_warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// Places the fault in a file.
    pub fn at(self, file: &str, row: Option<u64>, key: Option<&str>) -> Finding {
        let mut facts = Map::new();
        if let Some(field) = self.field {
            facts.insert("field".into(), field.into());
        }
        if let Some(value) = self.value {
            facts.insert("value".into(), value.into());
        }
        facts.insert("expected".into(), self.expected.into());
        Finding {
            file: file.to_owned(),
            row,
            key: key.filter(|key| !key.is_empty()).map(str::to_owned),
            code: self.code.to_owned(),
            severity: self.severity,
            facts,
        }
    }
}

impl Finding {
    /// The finding as one line for a person: what, where, what was expected.
    pub fn sentence(&self) -> String {
        let fact = |name: &str| self.facts.get(name).map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
        let mut line = self.file.clone();
        if let Some(row) = self.row {
            line.push_str(&format!(", row {row}"));
        }
        if let Some(key) = &self.key {
            line.push_str(&format!(" ({key})"));
        }
        line.push_str(&format!(": {}", self.code));
        if let Some(field) = fact("field") {
            line.push_str(&format!(", field {field}"));
        }
        if let Some(value) = fact("value") {
            line.push_str(&format!(" = {value:?}"));
        }
        if let Some(expected) = fact("expected") {
            line.push_str(&format!("; expected {expected}"));
        }
        // Names of files and columns are other people's words, and must not command a terminal.
        line.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
    }
}
