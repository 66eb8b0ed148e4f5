//! What an import says of its staged rows beyond what refuses them: polygons that were mended, land that another parcel
//! has. And what it lets pass: corners that did not move by anything that can be measured.

use super::rules::{self, RulesError};
use crate::domain::finding::{Fault, Finding};
use crate::domain::intake::Kind;
use crate::domain::rulebook::keys;
use crate::exchange::receipt::FINDINGS_KEPT;
use crate::store::StoreError;
use crate::store::doubt::{Doubt, Doubts};
use crate::store::remark;
use crate::store::repair;
use crate::store::write::Write;
use chrono::NaiveDate;
use sqlx::PgConnection;

/// Why nothing could be said.
#[derive(Debug, thiserror::Error)]
pub enum RemarkError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The rules could not be had.
    #[error(transparent)]
    Rules(#[from] RulesError),
}

/// Mends what is not valid and says so of every row; the findings that are errors are of rows that were taken out.
pub async fn mend(
    connection: &mut PgConnection,
    kind: Kind,
    today: NaiveDate,
    files: &[String],
) -> Result<Vec<Finding>, RemarkError> {
    let share = rules::share(keys::REPAIR_SHARE, today)?;
    let mended = repair::mend(connection, kind, share).await?;
    let found = mended.into_iter().map(|it| {
        let (before, after) = (it.before_m2, it.after_m2);
        let areas = format!("{before:.2} m2 before, {after:.2} m2 after");
        let fault = if it.taken {
            let expected = format!("a valid polygon; it was mended: {areas}");
            Fault::error("geometry-repaired", Some("geometry"), Some(&it.reason), expected).as_warning()
        } else {
            let expected = format!(
                "a polygon that can be mended without changing its area by more than {} %: {areas}",
                share * 100.0
            );
            Fault::error("geometry-not-repaired", Some("geometry"), Some(&it.reason), expected)
        };
        let mut finding = fault.at(name(files, it.file), u64::try_from(it.row).ok(), Some(&it.key));
        finding.facts.insert("before_m2".into(), before.into());
        finding.facts.insert("after_m2".into(), after.into());
        finding
    });
    Ok(found.collect())
}

/// Takes shapes that are those on record but for the last digits of their corners for these, before they are compared.
pub async fn settle_corners(connection: &mut PgConnection, kind: Kind, today: NaiveDate) -> Result<(), RemarkError> {
    remark::settle_corners(connection, kind, rules::share(keys::SAME_CORNER, today)?).await?;
    Ok(())
}

/// So many parcels at once are laid over the others while they are imported. A whole city takes longer to compare than to
/// read, and the check of the register does the same.
const LAID_OVER: i64 = 10_000;

/// What lies on the land of another parcel, of the parcels that were just merged.
pub async fn overlaps(write: &mut Write, today: NaiveDate) -> Result<Doubts, RemarkError> {
    let merged = remark::merged(write).await?;
    if merged.is_none_or(|merged| merged > LAID_OVER) {
        let unlooked = Doubt {
            file: 0,
            // Of no row.
            row: -1,
            key: String::new(),
            code: "overlaps-not-looked-for",
            field: "geometry",
            value: merged.map_or("the first parcels of the register".to_owned(), |merged| format!("{merged} parcels")),
            expected: format!(
                "at most {LAID_OVER} parcels to be laid over the others at once; \
                 landcycle check --only overlapping-parcels looks for those that lie on one another"
            ),
            facts: Vec::new(),
        };
        return Ok(Doubts { kept: vec![unlooked], all: 1 });
    }
    let most = i64::try_from(FINDINGS_KEPT).unwrap_or(i64::MAX);
    Ok(remark::overlaps(write, rules::share(keys::CHECK_OVERLAP, today)?, most).await?)
}

fn name(files: &[String], index: i16) -> &str {
    usize::try_from(index).ok().and_then(|index| files.get(index)).map_or("", String::as_str)
}
