//! What is exported, read row by row in one moment of the register: a query for each noun, narrowed by a filter. It knows
//! columns by name and no file format.
//!
//! The queries take a filter that is known only when it is asked for, so the compiler can't check them as it does the
//! others; a test runs each of them.

use super::city::City;
use super::geometry::from_wkb;
use super::{StoreError, city, filter, place, review, write};
use crate::domain::dictionary::What;
use crate::domain::filter::{Filter, Literal, Property};
use crate::domain::intake::FieldType;
use chrono::{DateTime, NaiveDate, Utc};
use futures_util::TryStreamExt as _;
use geo_types::MultiPolygon;
use sqlx::postgres::{PgPool, PgRow};
use sqlx::{Postgres, QueryBuilder, Row as _, Transaction};

/// A column that is read.
#[derive(Debug, Clone, Copy)]
pub struct Column<'a> {
    /// Its name in the query of the noun.
    pub name: &'a str,
    /// What it holds.
    pub holds: FieldType,
}

/// What is asked for.
#[derive(Debug)]
pub struct Ask<'a> {
    /// Of which noun.
    pub what: What,
    /// The columns wanted.
    pub columns: &'a [Column<'a>],
    /// Which rows; its properties are those of `properties`.
    pub filter: Option<&'a Filter>,
    /// What the filter may name.
    pub properties: &'a [Property<'a>],
    /// The moment of knowledge; nothing for now.
    pub known_at: Option<DateTime<Utc>>,
    /// The day of law.
    pub day: NaiveDate,
    /// Share of a parcel's land from which a tier decides.
    pub deciding_share: f64,
    /// Height above which a storey counts twice, where that rule is on.
    pub tall_storey_m: Option<f64>,
    /// The review run, where it is about one.
    pub run: Option<i64>,
}

/// One row: its values in the order of the columns asked for, and its shape.
#[derive(Debug)]
pub struct Row {
    /// The values; nothing where there is none.
    pub values: Vec<Option<Literal>>,
    /// The shape.
    pub shape: Option<MultiPolygon<f64>>,
}

/// One moment of the register, held while it is read.
pub struct Held {
    tx: Transaction<'static, Postgres>,
    /// The newest revision in it, or at the time of belief.
    pub revision: i64,
    /// What city it is.
    pub city: City,
    /// Its review runs, the newest first.
    pub runs: Vec<review::Run>,
    /// Whether the tiers of today, which are kept, are those of the day asked for.
    tiers_are_kept: bool,
}

impl Held {
    /// Holds a moment for reading what was law on a day, as believed at a time or now.
    pub async fn hold(pool: &PgPool, day: NaiveDate, known_at: Option<DateTime<Utc>>) -> Result<Self, StoreError> {
        let tiers_are_kept = !place::tiers_are_of_another_law(pool, day).await?;
        let mut tx = pool.begin().await?;
        sqlx::raw_sql("set transaction isolation level repeatable read, read only").execute(&mut *tx).await?;
        let revision = write::head_at(&mut tx, known_at).await?;
        let city = city::read(&mut tx).await?.unwrap_or_default();
        let runs = review::list(&mut tx).await?;
        Ok(Self { tx, revision, city, runs, tiers_are_kept })
    }

    /// Reads the rows one by one, in a stated order; `each` says with `false` that it wants no more.
    pub async fn read(&mut self, ask: &Ask<'_>, mut each: impl AsyncFnMut(Row) -> bool) -> Result<(), StoreError> {
        let (base, order) = query(ask.what);
        let mut sql: QueryBuilder<Postgres> = QueryBuilder::with_arguments("with placed as (", arguments(ask)?);
        sql.push(match ask.known_at {
            None if self.tiers_are_kept => "select parcel_id, tier, locked, zone from parcel_place",
            _ => "select parcel_id, tier, locked, zone from city_tiers($3::date, $4, $2)",
        });
        sql.push(") select ");
        for column in ask.columns {
            sql.push(format!("\"{}\", ", column.name));
        }
        sql.push("shape from (").push(base).push(") rows");
        if let Some(wanted) = ask.filter {
            sql.push(" where ");
            filter::push(&mut sql, wanted, ask.properties);
        }
        sql.push(" order by ").push(order);
        let mut query = sql.build();
        // A statement of its own for each filter would fill the connection's memory of statements.
        query = query.persistent(false);
        let mut rows = query.fetch(&mut *self.tx);
        while let Some(row) = rows.try_next().await? {
            if !each(decode(&row, ask)?).await {
                break;
            }
        }
        Ok(())
    }
}

fn query(what: What) -> (&'static str, &'static str) {
    match what {
        What::Parcels => (include_str!("export/parcels.sql"), "parcel_code collate \"C\""),
        What::Zones => (include_str!("export/zones.sql"), "zone_code collate \"C\""),
        What::PlanUnits => (include_str!("export/plan_units.sql"), "unit_code collate \"C\""),
        What::LegacyAreas => (include_str!("export/legacy_areas.sql"), "area_code collate \"C\""),
        What::Contracts => (include_str!("export/contracts.sql"), "contract_no collate \"C\""),
        What::Obligations => (include_str!("export/obligations.sql"), "obligation_no collate \"C\", year nulls first"),
        What::Returns => (include_str!("export/returns.sql"), "enterprise_code collate \"C\", year"),
        What::Supply => (include_str!("export/supply.sql"), "year, entry_no collate \"C\""),
        What::Reserve => {
            (include_str!("export/reserve.sql"), "lot_no collate \"C\", on_date, side, entry_no collate \"C\"")
        }
        What::Approvals => (include_str!("export/approvals.sql"), "approval_no"),
        // The best first where all stand, the worst first where something is to be done.
        What::ReviewResults => (include_str!("export/review.sql"), "rank nulls last, parcel_code collate \"C\""),
        What::ExitCandidates | What::RenewalCandidates => {
            (include_str!("export/review.sql"), "rank desc nulls last, parcel_code collate \"C\"")
        }
    }
}

fn arguments(ask: &Ask<'_>) -> Result<sqlx::postgres::PgArguments, StoreError> {
    use sqlx::Arguments as _;
    let list = match ask.what {
        What::ExitCandidates => Some("exit"),
        What::RenewalCandidates => Some("renewal"),
        _ => None,
    };
    let mut arguments = sqlx::postgres::PgArguments::default();
    let failed = sqlx::Error::Encode;
    // $1 is the noun, which no query asks for: the others keep their numbers whichever asks for which.
    arguments.add(ask.what.name()).map_err(failed)?;
    arguments.add(ask.known_at).map_err(failed)?;
    arguments.add(ask.day).map_err(failed)?;
    arguments.add(ask.deciding_share).map_err(failed)?;
    arguments.add(ask.run).map_err(failed)?;
    arguments.add(ask.tall_storey_m).map_err(failed)?;
    arguments.add(list).map_err(failed)?;
    Ok(arguments)
}

fn decode(row: &PgRow, ask: &Ask<'_>) -> Result<Row, StoreError> {
    let mut values = Vec::with_capacity(ask.columns.len());
    for (index, column) in ask.columns.iter().enumerate() {
        values.push(match column.holds {
            FieldType::Text => row.try_get::<Option<String>, _>(index)?.map(Literal::Text),
            FieldType::Number => row.try_get::<Option<f64>, _>(index)?.map(Literal::Number),
            #[expect(clippy::cast_precision_loss, reason = "years, ranks and counts are far below 2^53")]
            FieldType::Integer => row.try_get::<Option<i64>, _>(index)?.map(|number| Literal::Number(number as f64)),
            FieldType::Date => row.try_get::<Option<NaiveDate>, _>(index)?.map(Literal::Date),
            FieldType::Flag => row.try_get::<Option<bool>, _>(index)?.map(Literal::Flag),
        });
    }
    let shape = match row.try_get::<Option<&[u8]>, _>(ask.columns.len())? {
        None => None,
        Some(bytes) => Some(from_wkb(bytes).ok_or_else(|| StoreError::Value {
            table: ask.what.name(),
            column: "geom",
            row: format!("{:?}", values.first()),
            value: "no polygon".to_owned(),
        })?),
    };
    Ok(Row { values, shape })
}
