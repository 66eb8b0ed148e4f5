//! The lists of a review as files: exit candidates, renewal candidates, all results, in the formats that bureaus open.
//! Their columns are relied on from outside.

use super::review::{Done, Sealed};
use crate::domain::dictionary::What;
use crate::domain::quantity::SquareMetres;
use crate::domain::review::decision::List;
use crate::domain::review::indicator::Indicator;
use crate::domain::review::receipt::Receipt;
use crate::domain::today::{AreaKind, Today};
use crate::exchange::workbook::Cover;
use crate::exchange::write::{self, Column, Format, Layout, Row, Value, WriteError};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// The lists by name.
const LISTS: [(What, Option<List>); 3] = [
    (What::ExitCandidates, Some(List::Exit)),
    (What::RenewalCandidates, Some(List::Renewal)),
    (What::ReviewResults, None),
];
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
pub fn write(done: &Done, results: &[Sealed], today: &Today, folder: &Path) -> Result<Vec<Written>, ListError> {
    write_of((done, results), today, &Names::of(today), None, folder)
}

/// The same for each district that has results, in the order of codes, each in a folder of its own below `folder`. Ranks
/// stay those of the run.
pub fn write_by_district(
    done: &Done,
    results: &[Sealed],
    today: &Today,
    folder: &Path,
) -> Result<BTreeMap<String, Vec<Written>>, ListError> {
    let names = Names::of(today);
    let districts: BTreeSet<&str> = results.iter().map(|one| one.receipt.facts.district.as_str()).collect();
    districts
        .into_iter()
        .map(|code| {
            let written = write_of((done, results), today, &names, Some(code), &folder.join("districts").join(code))?;
            Ok((code.to_owned(), written))
        })
        .collect()
}

fn write_of(
    (done, results): (&Done, &[Sealed]),
    today: &Today,
    names: &Names<'_>,
    district: Option<&str>,
    folder: &Path,
) -> Result<Vec<Written>, ListError> {
    std::fs::create_dir_all(folder).map_err(|source| ListError::Folder { path: folder.to_owned(), source })?;
    LISTS
        .into_iter()
        .map(|(what, list)| {
            let name = what.name();
            let columns: Vec<Column> =
                what.terms().iter().map(|term| Column::new(&term.name, term.holds, term.width)).collect();
            let as_of = results.first().map(|sealed| sealed.receipt.as_of.to_string()).unwrap_or_default();
            let moment = format!(
                "评价基准日 {as_of}    登记册版本 {}    评价批次 {}（{}）",
                today.revision,
                done.run,
                done.rules.scheme.label()
            );
            let place = district.map_or("", |code| names.district.get(code).copied().unwrap_or(code));
            let whose = format!("{}{place}", today.city.name);
            let cover = cover_of(what, &whose, today.city.note_zh.as_deref(), moment);
            let mut chosen: Vec<&Sealed> = results
                .iter()
                .filter(|sealed| list.is_none() || sealed.receipt.decision.list == list)
                .filter(|sealed| district.is_none_or(|district| sealed.receipt.facts.district == district))
                .collect();
            // The worst first where something is to be done, the best first where all stand; without a rank last.
            chosen.sort_by_key(|sealed| {
                let rank = sealed.receipt.rank.map(i64::from);
                let place = if list.is_some() { rank.map(|rank| -rank) } else { rank };
                (place.is_none(), place, &sealed.receipt.facts.code)
            });
            let mut files = Vec::new();
            for format in FORMATS {
                let path = folder.join(format!("{name}.{}", format.extension()));
                let rows = chosen.iter().map(|sealed| Ok::<Row, WriteError>(row(done, sealed, names)));
                write::table(&path, &Layout { cover: Some(&cover), ..Layout::plain(format, name, &columns) }, rows)?;
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

/// The cover of a workbook: what it shows, whose data they are and of which moment.
pub(super) fn cover_of(what: What, city: &str, note: Option<&str>, moment: String) -> Cover<'static> {
    let mut source = format!("来源：{city}产业用地登记册（landcycle）");
    if let Some(note) = note {
        source.push_str(&format!("    {note}"));
    }
    let crs = what.has_shapes().then_some("EPSG:4490（CGCS2000）");
    Cover { title: format!("{city}{}", what.chinese()), source, moment, crs, terms: what.terms(), shape: None }
}

/// The values of a result in the order of the columns.
pub(super) fn values(run: i64, receipt: &Receipt, hash: &str, district: &str, park: Option<&str>) -> Vec<Value> {
    let facts = &receipt.facts;
    let contract = facts.contract.as_ref();
    let weakest: Vec<&str> = receipt.weakest().into_iter().map(Indicator::key).collect();
    let built = facts.floor_m2.filter(|_| facts.land_m2 > 0.0).map(|floor| rounded(floor / facts.land_m2, 4));
    vec![
        receipt.rank.map(i64::from).into(),
        facts.code.as_str().into(),
        district.into(),
        park.into(),
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
        text(receipt.decision.ways().join(" ")),
        text(receipt.decision.ground[0].clone()),
        text(receipt.decision.evidence[0].clone()),
        contract.and_then(|contract| contract.responsible_unit.as_deref()).into(),
        contract.and_then(|contract| contract.term_ends_on).into(),
        run.into(),
        receipt.rules.scheme.as_str().into(),
        receipt.as_of.into(),
        hash.into(),
    ]
}

fn row(done: &Done, sealed: &Sealed, names: &Names<'_>) -> Row {
    let facts = &sealed.receipt.facts;
    fn named<'a>(book: &HashMap<&str, &'a str>, code: &'a str) -> &'a str {
        book.get(code).copied().unwrap_or(code)
    }
    let shape = names.parcel.get(facts.code.as_str()).map(|index| names.today.parcels[*index].shape.clone());
    let park = facts.park.as_deref().map(|park| named(&names.park, park));
    (values(done.run, &sealed.receipt, &sealed.hash, named(&names.district, &facts.district), park), shape)
}

fn text(text: String) -> Value {
    if text.is_empty() { Value::Empty } else { Value::Text(text) }
}

fn rounded(value: f64, decimals: i32) -> f64 {
    crate::domain::review::facts::round(value, decimals)
}
