//! Staged polygons that GEOS does not accept, mended on request. It decides nothing: how far a mended area may differ is
//! handed in.

use super::StoreError;
use crate::domain::intake::{Kind, Shapes};
use sqlx::PgConnection;

/// A staged shape that was mended, or taken out because mending would change too much of it.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Mended {
    /// Which of the import's files.
    pub file: i16,
    /// Which row of it.
    pub row: i64,
    /// What a finding calls it.
    pub key: String,
    /// What was wrong, and where.
    pub reason: String,
    /// The area that its rings enclosed, m².
    pub before_m2: f64,
    /// The area of what was made of it, m²; zero where nothing was left.
    pub after_m2: f64,
    /// Whether the mended shape took the place of the one that was sent.
    pub taken: bool,
}

/// Mends the staged shapes of a kind that are not valid. One whose area would change by more than `share` of it, or of
/// which nothing would be left, is taken out.
pub async fn mend(connection: &mut PgConnection, kind: Kind, share: f64) -> Result<Vec<Mended>, StoreError> {
    if kind.shapes() == Shapes::None {
        return Ok(Vec::new());
    }
    let table = super::stage::table(kind);
    // Parcels carry the area of their shape.
    let area = if kind == Kind::Parcels { ", area_m2 = m.after_m2" } else { "" };
    // The structure method keeps what the rings enclose and drops what collapses to a line.
    let sql = format!(
        "with bad as materialized (
             select file, row, key, geom, coalesce(st_isvalidreason(geom), '') as reason,
                 st_multi(st_collectionextract(st_makevalid(geom, 'method=structure keepcollapsed=false'), 3)) as mended
             from {table} where not st_isvalid(geom)),
         measured as materialized (
             select *, st_area(geom::geography) as before_m2, coalesce(st_area(mended::geography), 0) as after_m2 from bad),
         judged as materialized (
             select *, st_isvalid(mended) and after_m2 > 0 and abs(after_m2 - before_m2) <= $1 * before_m2 as taken
             from measured),
         changed as (
             update {table} s set geom = m.mended{area} from judged m
             where m.taken and (s.file, s.row) = (m.file, m.row)),
         dropped as (
             delete from {table} s using judged m where not m.taken and (s.file, s.row) = (m.file, m.row))
         select file, row, key, reason, before_m2, after_m2, taken from judged order by file, row"
    );
    // The table is one of this ring's own names.
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(share).fetch_all(connection).await?)
}
