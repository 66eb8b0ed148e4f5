//! Enterprises.

use super::StoreError;
use super::copy::Rows;
use super::recorded::merge_recorded;
use super::stage::Merged;
use super::write::Write;
use crate::domain::enterprise::Enterprise;

/// Puts one row on its way in.
pub fn stage(rows: &mut Rows, file: i16, row: u64, it: &Enterprise) {
    rows.row(file, row, &it.code)
        .text(&it.code)
        .text(&it.name)
        .optional_text(it.industry.as_deref())
        .optional_date(it.founded_on)
        .optional(it.above_scale.as_ref())
        .end();
}

/// Merges the staged rows.
pub(super) async fn merge(write: &mut Write) -> Result<Merged, StoreError> {
    merge_recorded!(
        write,
        "enterprise",
        from "stage_enterprise",
        matching "t.code = s.code",
        changed "t.name, t.industry, t.founded_on, t.above_scale"
        to "s.name, s.industry, s.founded_on, s.above_scale",
        columns "code, name, industry, founded_on, above_scale",
        values "s.code, s.name, s.industry, s.founded_on, s.above_scale"
    )
}
