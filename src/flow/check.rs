//! The plain list of checks on what is stored: a code, a weight, what it means and what to do, and one query each. All of
//! them look at one moment of the register; the tolerances are values of the rulebook.

mod list;

use super::export::column;
use super::rules::{self, RulesError};
use crate::clock::Clock;
use crate::domain::dictionary;
use crate::exchange::workbook::Cover;
use crate::exchange::write::{self, Column, Format, Layout, Row, WriteError};
use crate::store::check::{self, Found};
use crate::store::{StoreError, city, write as ledger};
use chrono::NaiveDate;
pub use list::CHECKS;
use serde::Serialize;
use sqlx::{PgConnection, PgPool};
use std::future::Future;
use std::path::Path;
use std::pin::Pin;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// It must be mended.
    Error,
    /// Someone must look.
    Warning,
    /// A fact worth knowing.
    Note,
}

impl Weight {
    /// The word used in data and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

type Asked<'a> = Pin<Box<dyn Future<Output = Result<Vec<Found>, StoreError>> + Send + 'a>>;

/// How a check is made.
enum Run {
    /// By a query, given the day and what is let pass.
    Query(for<'a> fn(&'a mut PgConnection, NaiveDate, f64) -> Asked<'a>),
    /// By a query, given the day and the share from which a tier decides, which is nothing that is let pass.
    Tiers(for<'a> fn(&'a mut PgConnection, NaiveDate, f64) -> Asked<'a>),
    /// By computing the chain of audit entries anew.
    Audit,
}

/// One check.
pub struct Check {
    /// Its stable code.
    pub code: &'static str,
    /// What a finding of it weighs.
    pub weight: Weight,
    /// What is wrong, Chinese and English.
    pub title: [&'static str; 2],
    /// What to do, Chinese and English.
    pub remedy: [&'static str; 2],
    /// The rule value that says what is let pass.
    allowed: Option<&'static str>,
    /// The unit of its figure.
    unit: &'static str,
    run: Run,
}

/// One finding.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// The code of its check.
    pub code: &'static str,
    /// How much it weighs.
    pub severity: Weight,
    /// What it is about.
    pub key: String,
    /// The other one, where there are two.
    pub other: Option<String>,
    /// What was measured.
    pub figure: Option<f64>,
    /// Its unit.
    pub unit: &'static str,
    /// What would be let pass.
    pub allowed: Option<f64>,
    /// Longitude.
    pub lon: Option<f64>,
    /// Latitude.
    pub lat: Option<f64>,
    /// What is wrong, Chinese and English.
    pub title: [&'static str; 2],
    /// What to do, Chinese and English.
    pub remedy: [&'static str; 2],
    #[serde(skip)]
    shape: Option<geo_types::MultiPolygon<f64>>,
}

/// How many findings a check has.
#[derive(Debug, Clone, Serialize)]
pub struct Count {
    /// The code of the check.
    pub code: &'static str,
    /// What its findings weigh.
    pub severity: Weight,
    /// What it looks for, Chinese and English.
    pub title: [&'static str; 2],
    /// How many there are.
    pub findings: usize,
}

/// What the checks came to.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The revision that was looked at.
    pub revision: i64,
    /// The day of law.
    pub day: NaiveDate,
    /// How many findings are errors.
    pub errors: usize,
    /// How many are warnings.
    pub warnings: usize,
    /// How many are notes.
    pub notes: usize,
    /// The checks that were made.
    pub checks: Vec<Count>,
    /// All findings, in the order of the checks.
    pub findings: Vec<Finding>,
    #[serde(skip)]
    city: city::City,
}

/// Why the register was not checked.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// There is no such check.
    #[error("there is no check {code:?}; expected some of {}", codes())]
    Unknown {
        /// What was asked for.
        code: String,
    },
    /// The tolerances could not be had.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn codes() -> String {
    CHECKS.iter().map(|check| check.code).collect::<Vec<_>>().join(", ")
}

/// Makes the checks named, or all; `progress` is told which comes next.
pub async fn run(pool: &PgPool, clock: Clock, only: &[String], progress: impl Fn(&str)) -> Result<Report, CheckError> {
    if let Some(code) = only.iter().find(|code| CHECKS.iter().all(|check| check.code != **code)) {
        return Err(CheckError::Unknown { code: code.clone() });
    }
    let day = clock.today();
    let rulebook = rules::rulebook()?;
    let (mut tx, revision) = check::hold(pool).await?;
    let city = city::read(&mut tx).await?.unwrap_or_default();
    let (mut checks, mut findings) = (Vec::new(), Vec::new());
    for check in CHECKS.iter().filter(|check| only.is_empty() || only.iter().any(|code| code == check.code)) {
        progress(check.code);
        let allowed = check.allowed.map(|key| rules::value(rulebook, key, day)).transpose()?;
        let found = match check.run {
            Run::Query(ask) => ask(&mut tx, day, allowed.unwrap_or_default()).await?,
            Run::Tiers(ask) => ask(&mut tx, day, rules::deciding_share(rulebook, day)?).await?,
            Run::Audit => audit(pool).await?,
        };
        checks.push(Count { code: check.code, severity: check.weight, title: check.title, findings: found.len() });
        findings.extend(found.into_iter().map(|found| Finding {
            code: check.code,
            severity: check.weight,
            key: found.key,
            other: found.other,
            figure: found.figure,
            unit: check.unit,
            allowed,
            lon: found.place.map(|place| place[0]),
            lat: found.place.map(|place| place[1]),
            title: check.title,
            remedy: check.remedy,
            shape: found.shape,
        }));
    }
    let count = |weight| findings.iter().filter(|finding: &&Finding| finding.severity == weight).count();
    let (errors, warnings, notes) = (count(Weight::Error), count(Weight::Warning), count(Weight::Note));
    Ok(Report { revision, day, errors, warnings, notes, checks, findings, city })
}

async fn audit(pool: &PgPool) -> Result<Vec<Found>, StoreError> {
    Ok(match ledger::verify_audit(pool).await? {
        Ok(_) => Vec::new(),
        Err(entry) => {
            vec![Found { key: format!("audit entry {entry}"), other: None, figure: None, place: None, shape: None }]
        }
    })
}

/// Writes every finding to a file, with the land at fault where the format holds shapes.
pub fn write_report(report: &Report, path: &Path, format: Format) -> Result<u64, WriteError> {
    let terms = dictionary::findings();
    let columns: Vec<Column> = terms.iter().map(|term| column(term, format)).collect();
    let cover = Cover {
        title: format!("{}产业用地登记册检查结果", report.city.name),
        source: format!("来源：{}产业用地登记册（landcycle check）", report.city.name),
        moment: format!("数据日期 {}    登记册版本 {}", report.day, report.revision),
        crs: Some("EPSG:4490（CGCS2000）"),
        terms,
        shape: None,
    };
    let rows = report.findings.iter().map(|finding| {
        let values = vec![
            finding.code.into(),
            finding.severity.name().into(),
            finding.key.as_str().into(),
            finding.other.as_deref().into(),
            finding.figure.into(),
            finding.unit.into(),
            finding.allowed.into(),
            finding.lon.into(),
            finding.lat.into(),
            finding.title[0].into(),
            finding.remedy[0].into(),
        ];
        Ok::<Row, WriteError>((values, finding.shape.clone()))
    });
    write::table(path, &Layout { cover: Some(&cover), ..Layout::plain(format, "findings", &columns) }, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_kebab_case_and_stand_once_and_every_check_says_what_to_do() {
        for (index, check) in CHECKS.iter().enumerate() {
            assert!(check.code.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-'), "{}", check.code);
            assert!(CHECKS[..index].iter().all(|earlier| earlier.code != check.code), "{}", check.code);
            assert!(check.title.iter().chain(&check.remedy).all(|words| !words.is_empty()), "{}", check.code);
        }
    }
}
