//! What is worth a look in a set of staged parcels and refuses none of them: registered areas that are not those of the
//! shapes, and how often each land-use code stands there. It counts; what the counts mean is not its business.

use super::StoreError;
use sqlx::PgConnection;

/// How fine the ratios of areas are told apart: about five in a hundred.
pub const RATIO_STEP: f64 = 0.05;

/// A staged parcel whose registered area is not that of its shape.
#[derive(Debug, Clone, PartialEq)]
pub struct AreaGap {
    /// Which of the import's files.
    pub file: i16,
    /// Which row of it.
    pub row: i64,
    /// What a finding calls it.
    pub key: String,
    /// The registered area, m².
    pub registered_m2: f64,
    /// The area of the shape, m².
    pub drawn_m2: f64,
}

/// How many staged parcels have one land-use code, and where the first of them stands.
#[derive(Debug, Clone, PartialEq)]
pub struct UseCount {
    /// The scheme of the code.
    pub scheme: String,
    /// The code.
    pub code: String,
    /// How many rows have it.
    pub rows: i64,
    /// The first of the import's files that has it.
    pub file: i16,
}

/// How many staged parcels have which ratio of registered to drawn area: its natural logarithm in steps of
/// [`RATIO_STEP`], and the count.
pub async fn area_ratios(connection: &mut PgConnection) -> Result<Vec<(f64, i64)>, StoreError> {
    let rows = sqlx::query!(
        r#"select round(ln(registered_area_m2::float8 / area_m2) / $1) * $1 as "log!", count(*) as "rows!"
           from stage_parcel where registered_area_m2 is not null group by 1"#,
        RATIO_STEP
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.log, row.rows)).collect())
}

/// The staged parcels whose registered area differs from that of their shape by more than a share of it, in the order of
/// the files and at most so many; and how many there are.
pub async fn area_gaps(
    connection: &mut PgConnection,
    share: f64,
    most: i64,
) -> Result<(u64, Vec<AreaGap>), StoreError> {
    let rows = sqlx::query!(
        r#"select file, row, key, registered_area_m2::float8 as "registered_m2!", area_m2, count(*) over () as "all!"
           from stage_parcel where abs(registered_area_m2 - area_m2) > $1 * area_m2 order by file, row limit $2"#,
        share,
        most
    )
    .fetch_all(connection)
    .await?;
    let all = rows.first().map_or(0, |row| row.all.unsigned_abs());
    let gaps = rows.into_iter().map(|row| AreaGap {
        file: row.file,
        row: row.row,
        key: row.key,
        registered_m2: row.registered_m2,
        drawn_m2: row.area_m2,
    });
    Ok((all, gaps.collect()))
}

/// How often each land-use code stands in the staged parcels, the most frequent first.
pub async fn land_uses(connection: &mut PgConnection) -> Result<Vec<UseCount>, StoreError> {
    Ok(sqlx::query_as!(
        UseCount,
        r#"select land_use_scheme as scheme, land_use as code, count(*) as "rows!", min(file) as "file!"
           from stage_parcel group by 1, 2 order by 3 desc, 1, 2"#
    )
    .fetch_all(connection)
    .await?)
}
