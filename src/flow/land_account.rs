//! The land account of some years: the land as law was at the end of each, held against the figures of its series; and the
//! same as a file.

use super::rules::{self, RulesError};
use crate::domain::intake::FieldType::{Date, Integer, Number, Text};
use crate::domain::land_account::{By, Group, Held, MasterPlan, Stock, Sum, groups, hold_all};
use crate::exchange::write::{self, Column, Format, Layout, Row, Value, WriteError};
use crate::store::{self, StoreError};
use chrono::{Datelike, NaiveDate};
use geo_types::MultiPolygon;
use sqlx::PgPool;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// How many years are worked out at once: each lays the city's land over its zones.
const MOST_YEARS: usize = 30;

/// Why there is no account.
#[derive(Debug, thiserror::Error)]
pub enum LandError {
    /// A year yet to come, or before there were records.
    #[error("the end of {year} cannot be asked for; expected a year from 1949 to {now}")]
    Year {
        /// What was asked for.
        year: i32,
        /// The year that it is.
        now: i32,
    },
    /// Too many years.
    #[error("{0} years were asked for; expected at most {MOST_YEARS}")]
    TooMany(usize),
    /// A file that is none of those written.
    #[error("{0} is no file of the land account; expected a name that ends in .xlsx, .csv or .geojson")]
    File(PathBuf),
    /// The file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A part of landcycle failed.
    #[error("the writer of the file stopped unexpectedly")]
    Writer(#[from] tokio::task::JoinError),
    /// The rules could not be had.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl LandError {
    /// Whether the question is at fault rather than the machine.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Year { .. } | Self::TooMany(_) | Self::File(_))
    }
}

/// One year of the account.
#[derive(Debug, Clone)]
pub struct Year {
    /// Which.
    pub year: i32,
    /// The day whose law it shows: the last of the year, or today.
    pub day: NaiveDate,
    /// Whether any zone is law on that day.
    pub plan_is_known: bool,
    /// The land of the master plan's series.
    pub stock: Sum,
    /// Land of which nobody said whether it counts.
    pub unknown: Sum,
    /// The groups of that land.
    pub groups: Vec<Group>,
    /// How stocks stand to the figures of their series; nothing where no parcel is on record for the day.
    pub held: Vec<Held>,
}

/// The account.
#[derive(Debug, Clone)]
pub struct Account {
    /// The revision it was read at.
    pub revision: i64,
    /// By what it is summed.
    pub by: By,
    /// The years, in order.
    pub years: Vec<Year>,
}

/// Works the account out for some years; without any, for the one that it is.
pub async fn account(pool: &PgPool, today: NaiveDate, years: &[i32], by: By) -> Result<Account, LandError> {
    let mut years = if years.is_empty() { vec![today.year()] } else { years.to_vec() };
    years.sort_unstable();
    years.dedup();
    if years.len() > MOST_YEARS {
        return Err(LandError::TooMany(years.len()));
    }
    let figures = rules::land_targets()?;
    let mut days = Vec::with_capacity(years.len());
    for year in &years {
        let end = NaiveDate::from_ymd_opt(*year, 12, 31).filter(|_| (1949..=today.year()).contains(year));
        let day = end.ok_or(LandError::Year { year: *year, now: today.year() })?.min(today);
        days.push((day, rules::deciding_share(rules::rulebook()?, day)?));
    }
    let (revision, land) = store::land_account::read(pool, &days).await?;
    let years = years
        .into_iter()
        .zip(land)
        .map(|(year, land)| {
            let scope = &figures.master_plan.scope;
            let stock = Stock::<MasterPlan>::of(&land.cells, scope);
            // A day of which the register knows no parcel at all is not one without land.
            let held = if land.cells.is_empty() { Vec::new() } else { hold_all(&land.cells, figures, year) };
            Year {
                year,
                day: land.day,
                plan_is_known: land.plan_is_known,
                stock: stock.counted,
                unknown: stock.unknown,
                groups: groups(&land.cells, scope, by),
                held,
            }
        })
        .collect();
    Ok(Account { revision, by, years })
}

/// Writes the groups of every year to a file; by district each row bears the district's land. Answers how many rows.
pub async fn write(pool: &PgPool, account: &Account, path: &Path) -> Result<u64, LandError> {
    let word = path.extension().map(|word| word.to_string_lossy().to_lowercase()).unwrap_or_default();
    let format = Format::parse(&word)
        .filter(|format| matches!(format, Format::Xlsx | Format::Csv | Format::GeoJson))
        .ok_or_else(|| LandError::File(path.to_owned()))?;
    let shapes: HashMap<String, MultiPolygon<f64>> = match (account.by, format) {
        (By::District, Format::GeoJson) => store::place::district_shapes(pool).await?.into_iter().collect(),
        _ => HashMap::new(),
    };
    let columns = [
        Column::new("year", Integer, 8).titled("年度"),
        Column::new("day", Date, 12).titled("时点"),
        Column::new("by", Text, 10).titled("分组方式"),
        Column::new("code", Text, 14).titled("代码"),
        Column::new("name", Text, 24).titled("名称"),
        Column::new("parcels", Integer, 10).titled("宗地数"),
        Column::new("area_m2", Number, 18).titled("面积（平方米）"),
        Column::new("area_km2", Number, 14).titled("面积（平方公里）"),
    ];
    let mut rows: Vec<Row> = Vec::new();
    for year in &account.years {
        for group in &year.groups {
            let values = vec![
                Value::Integer(i64::from(year.year)),
                year.day.into(),
                account.by.name().into(),
                group.code.as_str().into(),
                group.name.as_deref().into(),
                Value::Integer(i64::try_from(group.sum.parcels).unwrap_or(i64::MAX)),
                group.sum.land.value().into(),
                (group.sum.land.value() / 1e6).into(),
            ];
            rows.push((values, shapes.get(&group.code).cloned()));
        }
    }
    let path = path.to_owned();
    let written = tokio::task::spawn_blocking(move || {
        let layout = Layout::plain(format, "land-account", &columns);
        write::table(&path, &layout, rows.into_iter().map(Ok::<Row, WriteError>))
    });
    Ok(written.await??)
}
