//! The manifest of a folder of data sets: which files hold what, in the order in which they are loaded.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The name of the manifest's file.
pub const MANIFEST: &str = "manifest.json";

/// Why a folder's manifest was not read.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// There is none.
    #[error("{path} cannot be read, so the folder is no demo city\nmake one with: landcycle demo generate --out DIR")]
    Missing {
        /// Where it should be.
        path: PathBuf,
        /// Why it could not be read.
        #[source]
        source: std::io::Error,
    },
    /// It is something else.
    #[error("{path} is no manifest of a demo city")]
    Malformed {
        /// Where it is.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
}

/// What the files are, in the order in which they are loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Always true.
    pub made_up: bool,
    /// What to tell people.
    pub note: Note,
    /// What the city's chance began from.
    pub seed: u64,
    /// How many parcels it has.
    pub parcels: u32,
    /// The city.
    pub city: City,
    /// The data sets in the order in which they are loaded.
    pub datasets: Vec<Dataset>,
    /// What was done to its parcels, in a file that is taken after all data sets.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub lives: Option<String>,
    /// The SHA-256 of each file.
    pub sha256: BTreeMap<String, String>,
}

/// A note in two languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// In Chinese.
    pub zh: String,
    /// In English.
    pub en: String,
}

/// The name of the city.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct City {
    /// In Chinese.
    pub name: String,
    /// In English.
    pub name_en: String,
    /// Six digits.
    pub code: String,
}

/// One data set of the city.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dataset {
    /// The word of its kind.
    pub kind: String,
    /// Its files.
    pub files: Vec<String>,
    /// The layer in the file, where it has several.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub layer: Option<String>,
}

impl Manifest {
    /// Reads the manifest of a folder.
    pub fn read(folder: &Path) -> Result<Self, ManifestError> {
        let path = folder.join(MANIFEST);
        let text =
            std::fs::read_to_string(&path).map_err(|source| ManifestError::Missing { path: path.clone(), source })?;
        serde_json::from_str(&text).map_err(|source| ManifestError::Malformed { path, source })
    }

    /// What made the city, in the words that the register keeps.
    pub fn origin(&self) -> String {
        format!("demo parcels={} seed={}", self.parcels, self.seed)
    }
}
