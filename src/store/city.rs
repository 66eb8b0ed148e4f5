//! What city the schema holds.

use super::StoreError;
use super::lockup::RECORDING;
use super::write::Write;
use sqlx::PgConnection;

/// The city and what a reader must know about its data.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct City {
    /// Chinese name.
    pub name: String,
    /// English name.
    pub name_en: String,
    /// Whether the data are invented.
    pub made_up: bool,
    /// A note to the reader, in Chinese.
    pub note_zh: Option<String>,
    /// The same in English.
    pub note_en: Option<String>,
    /// What made a made-up city.
    pub origin: Option<String>,
}

/// Says what city this is; answers whether that was new.
pub async fn write(write: &mut Write, city: &City) -> Result<bool, StoreError> {
    let changed = sqlx::query!(
        "insert into city as t (name, name_en, made_up, note_zh, note_en, origin) values ($1, $2, $3, $4, $5, $6)
         on conflict (only_row) do update
         set name = excluded.name, name_en = excluded.name_en, made_up = excluded.made_up,
             note_zh = excluded.note_zh, note_en = excluded.note_en, origin = excluded.origin
         where (t.name, t.name_en, t.made_up, t.note_zh, t.note_en, t.origin)
            is distinct from (excluded.name, excluded.name_en, excluded.made_up, excluded.note_zh, excluded.note_en,
                excluded.origin)",
        city.name,
        city.name_en,
        city.made_up,
        city.note_zh,
        city.note_en,
        city.origin
    )
    .execute(write.connection())
    .await?
    .rows_affected();
    Ok(changed > 0)
}

/// Reads it; nothing where nobody has said yet.
pub async fn read(connection: &mut PgConnection) -> Result<Option<City>, StoreError> {
    Ok(sqlx::query_as!(City, "select name, name_en, made_up, note_zh, note_en, origin from city")
        .fetch_optional(connection)
        .await?)
}

/// The codes of its districts, in their order.
pub async fn districts(connection: &mut PgConnection) -> Result<Vec<String>, StoreError> {
    Ok(sqlx::query_scalar!("select code from district order by code").fetch_all(connection).await?)
}

/// The codes of its parks, in their order.
pub async fn parks(connection: &mut PgConnection) -> Result<Vec<String>, StoreError> {
    Ok(sqlx::query_scalar!("select code from park order by code").fetch_all(connection).await?)
}

/// Whether anyone but actors of this prefix has written to the register.
pub async fn written_by_others(connection: &mut PgConnection, prefix: &str) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select exists (select from revision where not starts_with(actor, $1) and act <> $2) as "exists!""#,
        prefix,
        RECORDING
    )
    .fetch_one(connection)
    .await?)
}

/// Whether nothing was written but the rules.
pub async fn is_untouched(connection: &mut PgConnection) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select not exists (select from revision where id > 0 and act <> $1) as "is!""#,
        RECORDING
    )
    .fetch_one(connection)
    .await?)
}

/// Throws the whole schema away. For made-up cities only: the caller checks.
pub async fn drop_schema(pool: &sqlx::PgPool, schema: &str) -> Result<(), StoreError> {
    // The name was checked when the configuration was read.
    let sql = format!("drop schema {schema} cascade");
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(pool).await?;
    Ok(())
}
