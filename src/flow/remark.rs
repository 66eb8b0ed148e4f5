//! What an import says of its staged rows beyond what refuses them: polygons that were mended.

use super::rules::{self, RulesError};
use crate::domain::finding::{Fault, Finding};
use crate::domain::intake::Kind;
use crate::domain::rulebook::keys;
use crate::store::StoreError;
use crate::store::repair;
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

fn name(files: &[String], index: i16) -> &str {
    usize::try_from(index).ok().and_then(|index| files.get(index)).map_or("", String::as_str)
}
