//! The lists of a review as files: exit candidates, renewal candidates, all results, in the formats that bureaus open.
//! Their columns are relied on from outside.

use super::review::{Done, Sealed};
use crate::domain::intake::FieldType;
use crate::domain::quantity::SquareMetres;
use crate::domain::review::decision::List;
use crate::domain::review::indicator::Indicator;
use crate::domain::today::{AreaKind, Today};
use crate::exchange::write::{self, Column, Format, Row, Value, WriteError};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The lists by name.
const LISTS: [(&str, Option<List>); 3] =
    [("exit-candidates", Some(List::Exit)), ("renewal-candidates", Some(List::Renewal)), ("review-results", None)];
const FORMATS: [Format; 4] = [Format::Csv, Format::Xlsx, Format::GeoJson, Format::Gpkg];

/// Why a list could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The folder could not be made, or not be written to.
    #[error("the lists cannot be written to the folder {path}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// A list that was written.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Written {
    /// Its name.
    pub list: &'static str,
    /// How many parcels are on it.
    pub rows: u64,
    /// Its files.
    pub files: Vec<PathBuf>,
}

/// Makes the folder of the lists and tries to write there, before a run is stored whose lists could not be. Answers
/// whether the folder is new.
pub fn prepare(folder: &Path) -> Result<bool, ListError> {
    let failed = |source| ListError::Folder { path: folder.to_owned(), source };
    let is_new = !folder.exists();
    std::fs::create_dir_all(folder).map_err(failed)?;
    write::probe(folder).map_err(failed)?;
    Ok(is_new)
}

/// Writes the lists of a run into a folder. Shapes and names come from `today`, everything else from the receipts.
pub fn write(done: &Done, today: &Today, folder: &Path) -> Result<Vec<Written>, ListError> {
    std::fs::create_dir_all(folder).map_err(|source| ListError::Folder { path: folder.to_owned(), source })?;
    let names = Names::of(today);
    let columns = columns();
    LISTS
        .into_iter()
        .map(|(name, list)| {
            let mut chosen: Vec<&Sealed> =
                done.results.iter().filter(|sealed| list.is_none() || sealed.receipt.decision.list == list).collect();
            // The worst first where something is to be done, the best first where all stand; without a rank last.
            chosen.sort_by_key(|sealed| {
                let rank = sealed.receipt.rank.map(i64::from);
                let place = if list.is_some() { rank.map(|rank| -rank) } else { rank };
                (place.is_none(), place, &sealed.receipt.facts.code)
            });
            let mut files = Vec::new();
            for format in FORMATS {
                let path = folder.join(format!("{name}.{}", format.extension()));
                let rows = chosen.iter().map(|sealed| row(done, sealed, &names));
                write::table(&path, format, name, &columns, rows)?;
                files.push(path);
            }
            Ok(Written { list: name, rows: chosen.len() as u64, files })
        })
        .collect()
}

struct Names<'a> {
    district: HashMap<&'a str, &'a str>,
    park: HashMap<&'a str, &'a str>,
    parcel: HashMap<&'a str, usize>,
    today: &'a Today,
}

impl<'a> Names<'a> {
    fn of(today: &'a Today) -> Self {
        let of = |kind: AreaKind| {
            today.areas.iter().filter(|a| a.kind == kind).map(|a| (a.code.as_str(), a.name.as_str())).collect()
        };
        Self {
            district: of(AreaKind::District),
            park: of(AreaKind::Park),
            parcel: today.parcels.iter().enumerate().map(|(index, one)| (one.code.as_str(), index)).collect(),
            today,
        }
    }
}

fn columns() -> Vec<Column> {
    use FieldType::{Date, Integer, Number, Text};
    [
        ("rank", Integer, 8),
        ("parcel_code", Text, 30),
        ("district", Text, 14),
        ("park", Text, 30),
        ("tier", Text, 12),
        ("land_use", Text, 10),
        ("area_m2", Number, 14),
        ("area_mu", Number, 12),
        ("plot_ratio_built", Number, 16),
        ("plot_ratio_allowed", Number, 18),
        ("grade", Text, 8),
        ("score", Number, 10),
        ("weakest_indicators", Text, 30),
        ("outcome", Text, 24),
        ("channel", Text, 24),
        ("legal_ground", Text, 60),
        ("evidence_required", Text, 60),
        ("responsible_unit", Text, 30),
        ("term_end", Date, 12),
        ("run_id", Integer, 8),
        ("scheme", Text, 20),
        ("as_of", Date, 12),
        ("receipt", Text, 66),
    ]
    .into_iter()
    .map(|(name, holds, width)| Column::new(name, holds, width))
    .collect()
}

fn row(done: &Done, sealed: &Sealed, names: &Names<'_>) -> Row {
    let receipt = &sealed.receipt;
    let facts = &receipt.facts;
    let contract = facts.contract.as_ref();
    let named =
        |book: &HashMap<&str, &str>, code: &str| book.get(code).map_or_else(|| code.to_owned(), |n| (*n).to_owned());
    let weakest: Vec<&str> = receipt.weakest().into_iter().map(Indicator::key).collect();
    let built = facts.floor_m2.filter(|_| facts.land_m2 > 0.0).map(|floor| rounded(floor / facts.land_m2, 4));
    let shape = names.parcel.get(facts.code.as_str()).map(|index| names.today.parcels[*index].shape.clone());
    let values = vec![
        receipt.rank.map(i64::from).into(),
        facts.code.as_str().into(),
        named(&names.district, &facts.district).into(),
        facts.park.as_deref().map(|park| named(&names.park, park)).into(),
        facts.tier.name().into(),
        facts.land_use.as_str().into(),
        rounded(facts.land_m2, 2).into(),
        rounded(SquareMetres(facts.land_m2).to_mu().value(), 4).into(),
        built.into(),
        facts.plot_ratio_allowed.into(),
        receipt.grade.name().into(),
        receipt.score.into(),
        text(weakest.join(" ")),
        receipt.decision.outcome.as_str().into(),
        text(receipt.decision.channel.clone()),
        text(receipt.decision.ground[0].clone()),
        text(receipt.decision.evidence[0].clone()),
        contract.and_then(|contract| contract.responsible_unit.as_deref()).into(),
        contract.and_then(|contract| contract.term_ends_on).into(),
        done.run.into(),
        receipt.rules.scheme.as_str().into(),
        receipt.as_of.into(),
        sealed.hash.as_str().into(),
    ];
    (values, shape)
}

fn text(text: String) -> Value {
    if text.is_empty() { Value::Empty } else { Value::Text(text) }
}

fn rounded(value: f64, decimals: i32) -> f64 {
    crate::domain::review::facts::round(value, decimals)
}
