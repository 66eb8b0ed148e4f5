//! The rows of a file on their way in: copied into a staging table, checked there as a set, then merged
//! by each aggregate. Staging happens inside the import's own transaction, so a crash at any moment leaves nothing.

use super::copy::{self, NotRows};
use super::doubt::{Doubt, Doubts};
use super::fill::{self, Fill};
use super::reference::Arriving;
use super::write::Write;
use super::{
    StoreError, building, contract, enterprise, obligation, occupancy, parcel, performance, place, reference, reserve,
    supply, zoning,
};
use crate::domain::intake::Kind;
use sqlx::PgConnection;
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

/// A row that a check of the whole set refused.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    /// Which of the import's files.
    pub file: i16,
    /// Which row of it.
    pub row: i64,
    /// What a finding calls it.
    pub key: String,
    /// The finding's code.
    pub code: String,
    /// The field at fault.
    pub field: &'static str,
    /// Its value.
    pub value: String,
    /// What would be right.
    pub expected: String,
}

/// What became of the rows that passed every check.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Merged {
    /// Rows that were new or changed something.
    pub accepted: u64,
    /// Rows that the register had already.
    pub unchanged: u64,
}

impl Merged {
    /// With rows beside those that were merged, which the register knew already.
    pub(super) fn with_known(self, known: u64) -> Self {
        Self { unchanged: self.unchanged + known, ..self }
    }
}

/// The staging table of a kind.
pub(super) fn table(kind: Kind) -> &'static str {
    match kind {
        Kind::Districts => "stage_district",
        Kind::Parks => "stage_park",
        Kind::Zones => "stage_zone",
        Kind::PlanUnits => "stage_plan_unit",
        Kind::LegacyAreas => "stage_legacy_area",
        Kind::Parcels => "stage_parcel",
        Kind::Buildings => "stage_building",
        Kind::Enterprises => "stage_enterprise",
        Kind::Occupancies => "stage_occupancy",
        Kind::Contracts => "stage_contract",
        Kind::Obligations => "stage_obligation",
        Kind::Returns => "stage_annual_return",
        Kind::Supply => "stage_supply",
        Kind::Reserve => "stage_reserve",
        Kind::Layer => "stage_reference_feature",
    }
}

/// The rows of one import on their way in.
pub struct Staging {
    kind: Kind,
    hasher: RandomState,
    /// Hashes of the keys that came so far.
    keys: HashSet<u64>,
    /// Whether a key may have come twice.
    twice: bool,
    /// Whether parcels are checked as they come; not where they are to be mended first, or may lie anywhere in the table.
    at_once: bool,
    refused: Vec<Refused>,
    /// Rows that say what someone withdrew.
    withdrawn: Vec<Doubt>,
    empty: Empty,
    /// The layer that the rows are features of.
    layer: Option<Arriving>,
}

/// What becomes of parcels where the register has none.
enum Empty {
    /// It has some, or these are no parcels, or they are to be mended first.
    No,
    /// The first piece is held: a small file is worth no making of indexes.
    Held(Option<Vec<u8>>),
    /// They go straight in.
    Filled(Box<Fill>),
}

impl Staging {
    /// Begins: makes a table of this transaction alone, which hides the one of the same name that the queries are checked
    /// against. So two imports at once don't meet, and nothing is left behind.
    pub async fn begin(write: &mut Write, kind: Kind, repair: bool) -> Result<Self, StoreError> {
        let connection = write.connection();
        let table = table(kind);
        let sql = format!("create temp table {table} (like {table} including defaults) on commit drop");
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut *connection).await?;
        let (hasher, keys) = (RandomState::new(), HashSet::new());
        let at_once = kind == Kind::Parcels && !repair && rows_come_last(connection).await?;
        let may_fill = kind == Kind::Parcels && !repair && fill::is_empty(connection).await?;
        let empty = if may_fill { Empty::Held(None) } else { Empty::No };
        Ok(Self {
            kind,
            hasher,
            keys,
            twice: false,
            at_once,
            refused: Vec::new(),
            withdrawn: Vec::new(),
            empty,
            layer: None,
        })
    }

    /// Says which layer the rows are features of, once all of them have come.
    pub fn of_layer(&mut self, layer: Arriving) {
        self.layer = Some(layer);
    }

    /// Takes in whole rows: the bytes of [`Rows`](copy::Rows).
    pub async fn send(&mut self, write: &mut Write, piece: Vec<u8>) -> Result<(), StoreError> {
        match &mut self.empty {
            Empty::No => self.stage(write.connection(), &piece).await,
            Empty::Held(held @ None) => {
                *held = Some(piece);
                Ok(())
            }
            Empty::Held(held) => {
                let held = held.take();
                let mut fill = Fill::begin(write).await?;
                for piece in held.into_iter().chain([piece]) {
                    fill.send(write.connection(), piece).await?;
                }
                self.empty = Empty::Filled(Box::new(fill));
                Ok(())
            }
            Empty::Filled(fill) => fill.send(write.connection(), piece).await,
        }
    }

    /// Stages whole rows. What can be said of a parcel by itself is said at once, while the next rows are read.
    async fn stage(&mut self, connection: &mut PgConnection, piece: &[u8]) -> Result<(), StoreError> {
        for row in copy::rows(piece) {
            let key = self.hasher.hash_one(row.map_err(|NotRows| StoreError::NotRows)?.cell(2));
            self.twice |= !self.keys.insert(key);
        }
        let table = table(self.kind);
        let from = if self.at_once { Some(newest_page(connection, table).await?) } else { None };
        copy::send(connection, table, piece).await?;
        if let Some(from) = from {
            self.refused.extend(parcel::check_rows(connection, &from).await?);
        }
        Ok(())
    }

    /// Checks the staged rows as a set: keys that come twice, references into nothing, shapes that are not valid or lie
    /// outside the city. Rows that fail are taken out and returned, in the order of the files.
    pub async fn check(&mut self, connection: &mut PgConnection) -> Result<Vec<Refused>, StoreError> {
        let kind = self.kind;
        if let Empty::Held(held) = &mut self.empty {
            let held = held.take();
            self.empty = Empty::No;
            if let Some(piece) = held {
                self.stage(connection, &piece).await?;
            }
        }
        let mut refused = std::mem::take(&mut self.refused);
        if let Empty::Filled(fill) = &mut self.empty {
            fill.finish(connection).await?;
            if fill.doubted == 0 {
                return Ok(refused);
            }
            refused.extend(twins(connection).await?);
            (self.twice, self.at_once) = (true, false);
        }
        // A few rows tell as much as many where none is rare.
        let sql = format!(
            "set local default_statistics_target = 10; analyze {}; reset default_statistics_target",
            table(kind)
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut *connection).await?;
        if kind == Kind::Parcels && !self.at_once {
            refused.extend(parcel::check_rows(connection, FIRST_PAGE).await?);
        }
        self.withdrawn = match kind {
            Kind::Supply => supply::withdrawn(connection).await?,
            Kind::Reserve => reserve::withdrawn(connection).await?,
            _ => Vec::new(),
        };
        refused.extend(match kind {
            Kind::Districts => place::check_districts(connection).await?,
            Kind::Parks => place::check_parks(connection).await?,
            Kind::Zones => zoning::check(connection).await?,
            Kind::PlanUnits => zoning::check_plan_units(connection).await?,
            Kind::LegacyAreas => zoning::check_legacy_areas(connection).await?,
            Kind::Parcels => parcel::check(connection).await?,
            Kind::Buildings => building::check(connection).await?,
            Kind::Enterprises => Vec::new(),
            Kind::Occupancies => occupancy::check(connection).await?,
            Kind::Contracts => contract::check(connection).await?,
            Kind::Obligations => obligation::check(connection).await?,
            Kind::Returns => performance::check(connection).await?,
            Kind::Supply => supply::check(connection).await?,
            Kind::Reserve => reserve::check(connection).await?,
            Kind::Layer => reference::check(connection).await?,
        });
        // Last, so that a row which is refused anyway does not stand in the way of its corrected twin.
        if self.twice {
            refused.extend(duplicates(connection, kind).await?);
        }
        refused.sort_by(|a, b| (a.file, a.row, &a.code).cmp(&(b.file, b.row, &b.code)));
        Ok(refused)
    }

    /// What someone should know of rows that were neither refused nor merged: an entry that was withdrawn stays so.
    pub fn doubts(&self) -> Doubts {
        Doubts { kept: self.withdrawn.clone(), all: self.withdrawn.len() as u64 }
    }

    /// Merges the rows that are left into the register.
    pub async fn merge(&self, write: &mut Write) -> Result<Merged, StoreError> {
        if let Empty::Filled(fill) = &self.empty {
            let rest = if fill.doubted == 0 { Merged::default() } else { parcel::merge(write).await? };
            return Ok(Merged { accepted: rest.accepted + fill.taken, ..rest });
        }
        let withdrawn = self.withdrawn.len() as u64;
        match self.kind {
            Kind::Districts => place::merge_districts(write).await,
            Kind::Parks => place::merge_parks(write).await,
            Kind::Zones => zoning::merge(write).await,
            Kind::PlanUnits => zoning::merge_plan_units(write).await,
            Kind::LegacyAreas => zoning::merge_legacy_areas(write).await,
            Kind::Parcels => parcel::merge(write).await,
            Kind::Buildings => building::merge(write).await,
            Kind::Enterprises => enterprise::merge(write).await,
            Kind::Occupancies => occupancy::merge(write).await,
            Kind::Contracts => contract::merge(write).await,
            Kind::Obligations => obligation::merge(write).await,
            Kind::Returns => performance::merge(write).await,
            Kind::Supply => Ok(supply::merge(write).await?.with_known(withdrawn)),
            Kind::Reserve => Ok(reserve::merge(write).await?.with_known(withdrawn)),
            Kind::Layer => match &self.layer {
                Some(layer) => reference::merge(write, layer).await,
                None => Err(StoreError::NotRows),
            },
        }
    }
}

/// Takes out the staged parcels whose code went straight into the register before them.
async fn twins(connection: &mut PgConnection) -> Result<Vec<Refused>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        "delete from stage_parcel s using parcel p where p.code = s.key returning s.file, s.row, s.key, s.key as value"
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| row.refuse("duplicate-key", "parcel_code", DUPLICATE)).collect())
}

const DUPLICATE: &str = "a key that no earlier row of the import has";

/// Whether rows that come lie behind all that came before. From PostgreSQL 16 on a table grows by many pages at once, and
/// what comes next may fill one before the last: there all rows are checked when all have come.
async fn rows_come_last(connection: &mut PgConnection) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(r#"select current_setting('server_version_num')::int < 160000 as "last!""#)
        .fetch_one(connection)
        .await?)
}

/// From where in the table rows that come now will lie: the page that was filled last, as text of a `tid`.
async fn newest_page(connection: &mut PgConnection, table: &'static str) -> Result<String, StoreError> {
    let page = sqlx::query_scalar!(
        r#"select greatest(pg_relation_size($1::text::regclass) / current_setting('block_size')::bigint - 1, 0) as "page!""#,
        table
    )
    .fetch_one(connection)
    .await?;
    Ok(format!("({page},0)"))
}

/// Where a table begins.
pub(super) const FIRST_PAGE: &str = "(0,0)";

/// Takes out the rows of a staging table that name a parcel which the register never had.
pub(super) async fn unknown_parcels(
    connection: &mut PgConnection,
    table: &'static str,
) -> Result<Vec<Refused>, StoreError> {
    // The table is one of this ring's own names.
    let sql = format!(
        "delete from {table} s where s.parcel is not null and not exists (select from parcel t where t.code = s.parcel)
         returning s.file, s.row, s.key, s.parcel"
    );
    let rows: Vec<(i16, i64, String, Option<String>)> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(connection).await?;
    Ok(rows
        .into_iter()
        .map(|(file, row, key, value)| {
            Row { file, row, key, value }.refuse(
                "unknown-parcel",
                "parcel_code",
                "the code of a parcel in the register; import parcels first",
            )
        })
        .collect())
}

/// Takes out every row but the first of those that share a key.
async fn duplicates(connection: &mut PgConnection, kind: Kind) -> Result<Vec<Refused>, StoreError> {
    let table = table(kind);
    // The staged key holds the whole key of the row, so one query serves every kind.
    let sql = format!(
        "delete from {table} s using (
             select key, min((file::bigint << 40) + row) as first from {table} group by key having count(*) > 1) twice
         where s.key = twice.key and (s.file::bigint << 40) + s.row > twice.first
         returning s.file, s.row, s.key"
    );
    let rows: Vec<(i16, i64, String)> = sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(connection).await?;
    let field = kind.fields().first().map_or("", |field| field.name);
    Ok(rows
        .into_iter()
        .map(|(file, row, key)| Refused {
            file,
            row,
            code: "duplicate-key".to_owned(),
            field,
            value: key.clone(),
            key,
            expected: DUPLICATE.to_owned(),
        })
        .collect())
}

/// What the checks of references and shapes select.
pub(super) struct Row {
    pub file: i16,
    pub row: i64,
    pub key: String,
    pub value: Option<String>,
}

impl Row {
    pub(super) fn refuse(self, code: &str, field: &'static str, expected: &str) -> Refused {
        Refused {
            file: self.file,
            row: self.row,
            key: self.key,
            code: code.to_owned(),
            field,
            value: self.value.unwrap_or_default(),
            expected: expected.to_owned(),
        }
    }

    /// A shape that GEOS does not accept: its reason becomes the code, its place the value.
    pub(super) fn refuse_shape(self) -> Refused {
        let reason = self.value.clone().unwrap_or_default();
        let (code, expected) = match reason.split('[').next().unwrap_or_default().trim() {
            "Self-intersection" => ("geometry-self-intersection", "a ring that does not cross itself"),
            "Ring Self-intersection" => ("geometry-ring-self-intersection", "a ring that does not touch itself"),
            "Hole lies outside shell" => ("geometry-hole-outside", "holes inside the outer ring"),
            "Nested shells" | "Duplicate Rings" => ("geometry-nested", "parts that do not lie inside one another"),
            "Interior is disconnected" => ("geometry-disconnected", "an interior in one piece"),
            _ => ("geometry-invalid", "a valid polygon"),
        };
        self.refuse(code, "geometry", expected)
    }
}
