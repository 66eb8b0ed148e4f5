//! Parcels straight into a register that has none. There is nothing to compare them with, so a row about which nothing
//! can be doubted needs no staging: it goes into the tables themselves, whose indexes are made when all rows are there. A
//! row with a doubt (its ring may cross itself, it may lie outside the city, its district is unknown, its key came
//! before, it speaks of a past period, another use than industry begins with it on locked land) is staged, and looked at
//! like any other.
//!
//! One piece is sorted while the one before it is stored.

use super::copy::{self, NotRows, Row};
use super::geometry::from_wkb;
use super::stage::table;
use super::write::Write;
use super::{StoreError, bulk, statistics};
use crate::domain::geometry::{LEAST_M2, certain};
use crate::domain::intake::Kind;
use chrono::{DateTime, Utc};
use geo::{BoundingRect, Intersects};
use geo_types::{MultiPolygon, Rect};
use sqlx::PgConnection;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

/// Where the cells of a staged parcel stand.
mod cell {
    pub const KEY: usize = 2;
    pub const CODE: usize = 3;
    pub const DISTRICT: usize = 4;
    pub const PARK: usize = 5;
    pub const LAND_USE: usize = 6;
    pub const SCHEME: usize = 7;
    pub const AREA: usize = 9;
    pub const ADDRESS: usize = 11;
    pub const VALID_FROM: usize = 12;
    pub const GEOM: usize = 13;
    pub const SOURCE_ID: usize = 14;
    pub const VALID_TO: usize = 15;
}

/// What a row without a doubt becomes: its staged cells from the district to the address, and from the shape to the
/// source, are taken over as they are.
const VERSION: &str = "parcel_version (id, parcel_id, revision, recorded, valid, district, park, land_use, land_use_scheme, \
                       registered_area_m2, area_m2, plot_ratio_allowed, address, geom, source_id)";

/// A register on its way from nothing to its first parcels.
pub(super) struct Fill {
    sorter: Option<Sorter>,
    sorted: Option<Sorted>,
    laid_aside: Vec<bulk::LaidAside>,
    /// Rows that went straight in.
    pub taken: u64,
    /// Rows that were staged.
    pub doubted: u64,
}

/// Whether the register has no parcel.
pub(super) async fn is_empty(connection: &mut PgConnection) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(r#"select not exists (select from parcel) as "none!""#).fetch_one(connection).await?)
}

impl Fill {
    /// Begins; nobody else reads parcels from here to the end of the transaction.
    pub async fn begin(write: &mut Write) -> Result<Self, StoreError> {
        let (revision, at) = (write.revision, write.recorded_at);
        let connection = write.connection();
        sqlx::raw_sql("set local maintenance_work_mem = '512MB'").execute(&mut *connection).await?;
        // In the order in which they are read, and both before anything else is done to either.
        sqlx::raw_sql("lock table parcel, parcel_version in access exclusive mode").execute(&mut *connection).await?;
        let mut laid_aside = Vec::new();
        for table in ["parcel_version", "parcel"] {
            laid_aside.push(bulk::lay_aside(connection, table).await?);
        }
        laid_aside.reverse();
        let districts = sqlx::query!(r#"select code, st_asbinary(geom) as "geom!" from district order by code"#)
            .fetch_all(&mut *connection)
            .await?;
        let parks = sqlx::query_scalar!("select code from park").fetch_all(&mut *connection).await?;
        let industrial = sqlx::query!("select scheme, code from land_use_class where class = 'industrial'")
            .fetch_all(&mut *connection)
            .await?;
        let locked = sqlx::query_scalar!(
            r#"select st_asbinary(geom) as "geom!" from zone_version where locked and upper_inf(recorded)"#
        )
        .fetch_all(&mut *connection)
        .await?;
        let sorter = Sorter {
            locked: locked.iter().filter_map(|geom| within_bounds(from_wkb(geom)?)).collect(),
            shapes: districts.iter().filter_map(|district| within_bounds(from_wkb(&district.geom)?)).collect(),
            districts: districts.into_iter().map(|district| district.code.into_bytes()).collect(),
            parks: parks.into_iter().map(String::into_bytes).collect(),
            industrial: industrial.into_iter().map(|one| (one.scheme.into_bytes(), one.code.into_bytes())).collect(),
            squares: HashMap::new(),
            keys: HashSet::new(),
            hasher: RandomState::new(),
            parcels: 0,
            stamp: stamp(revision, at),
        };
        Ok(Self { sorter: Some(sorter), sorted: None, laid_aside, taken: 0, doubted: 0 })
    }

    /// Takes in whole rows: sorts them while those before are stored.
    pub async fn send(&mut self, connection: &mut PgConnection, piece: Vec<u8>) -> Result<(), StoreError> {
        // It is missing only after a failure, and then the transaction is lost anyway.
        let Some(mut sorter) = self.sorter.take() else { return Err(StoreError::NotRows) };
        let sorting = tokio::task::spawn_blocking(move || {
            let sorted = sorter.sort(&piece);
            (sorter, sorted)
        });
        self.store(connection).await?;
        let (sorter, sorted) = sorting.await.map_err(|_| StoreError::NotRows)?;
        self.sorter = Some(sorter);
        self.sorted = Some(sorted.map_err(|NotRows| StoreError::NotRows)?);
        Ok(())
    }

    /// Stores what was sorted.
    async fn store(&mut self, connection: &mut PgConnection) -> Result<(), StoreError> {
        let Some(sorted) = self.sorted.take() else { return Ok(()) };
        self.taken += sorted.taken;
        self.doubted += sorted.doubted;
        if sorted.taken > 0 {
            copy::send(connection, "parcel (id, code)", &sorted.parcels).await?;
            copy::send(connection, VERSION, &sorted.versions).await?;
        }
        if sorted.doubted > 0 {
            copy::send(connection, table(Kind::Parcels), &sorted.doubtful).await?;
        }
        Ok(())
    }

    /// Stores the rest, and makes again what was laid aside.
    pub async fn finish(&mut self, connection: &mut PgConnection) -> Result<(), StoreError> {
        self.store(connection).await?;
        for laid in std::mem::take(&mut self.laid_aside) {
            bulk::put_back(connection, laid).await?;
        }
        sqlx::query!(
            "select setval(pg_get_serial_sequence(t.name, 'id'), greatest((select max(id) from parcel), 1))
             from (values ('parcel'), ('parcel_version')) as t (name)"
        )
        .fetch_all(&mut *connection)
        .await?;
        statistics::gather(&mut *connection).await?;
        if self.doubted > 0 {
            note_claims(connection).await?;
        }
        Ok(())
    }
}

/// Notes the rows that went straight in and begin on a day, on land of which staged rows tell a past: their table had no
/// guards meanwhile.
async fn note_claims(connection: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query!(
        r#"select lockup_claims_of_filled((
               select coalesce(array_agg(distinct v.id), '{}')
               from stage_parcel s join parcel_version v on v.geom && s.geom and not lower_inf(v.valid)
               where s.valid_to is not null))"#
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The cells that all versions of an import have in common: its revision, and that they are believed from now on.
fn stamp(revision: i64, at: DateTime<Utc>) -> Vec<u8> {
    /// Microseconds from 1970 to 2000, where PostgreSQL begins to count.
    const EPOCH: i64 = 946_684_800_000_000;
    let mut cells = Vec::new();
    push_cell(&mut cells, &revision.to_be_bytes());
    push_range(&mut cells, Some(&(at.timestamp_micros() - EPOCH).to_be_bytes()));
    cells
}

fn push_cell(out: &mut Vec<u8>, content: &[u8]) {
    // None of these cells has more than some bytes.
    out.extend_from_slice(&i32::try_from(content.len()).unwrap_or(i32::MAX).to_be_bytes());
    out.extend_from_slice(content);
}

/// A range from a bound on, or one without any bound.
fn push_range(out: &mut Vec<u8>, from: Option<&[u8]>) {
    const FROM: u8 = 0x02;
    const NO_LOWER: u8 = 0x08;
    const NO_UPPER: u8 = 0x10;
    let mut range = vec![if from.is_some() { FROM | NO_UPPER } else { NO_LOWER | NO_UPPER }];
    if let Some(bound) = from {
        push_cell(&mut range, bound);
    }
    push_cell(out, &range);
}

fn within_bounds(shape: MultiPolygon<f64>) -> Option<(Rect<f64>, MultiPolygon<f64>)> {
    Some((shape.bounding_rect()?, shape))
}

/// Whether a code is another or a finer one of it: of a code of one character none is.
fn is_finer(code: &[u8], of: &[u8]) -> bool {
    code.strip_prefix(of).is_some_and(|rest| rest.is_empty() || of.len() > 1 && rest.iter().all(u8::is_ascii_digit))
}

/// Tells rows about which nothing can be doubted from the others.
struct Sorter {
    /// Codes and shapes of the districts; none where the register has none, and then it knows no outside.
    districts: HashSet<Vec<u8>>,
    shapes: Vec<(Rect<f64>, MultiPolygon<f64>)>,
    parks: HashSet<Vec<u8>>,
    /// Land that is locked on some day.
    locked: Vec<(Rect<f64>, MultiPolygon<f64>)>,
    /// Schemes and codes of industrial use; finer codes begin with one of them.
    industrial: Vec<(Vec<u8>, Vec<u8>)>,
    /// Whether a square of a hundredth of a degree lies inside a district, for those that were asked for.
    squares: HashMap<(i32, i32), bool>,
    /// Hashes of the keys that came so far.
    keys: HashSet<u64>,
    hasher: RandomState,
    /// How many parcels were numbered.
    parcels: i64,
    stamp: Vec<u8>,
}

/// A piece, sorted.
#[derive(Default)]
struct Sorted {
    parcels: Vec<u8>,
    versions: Vec<u8>,
    doubtful: Vec<u8>,
    taken: u64,
    doubted: u64,
}

impl Sorter {
    fn sort(&mut self, piece: &[u8]) -> Result<Sorted, NotRows> {
        let mut sorted = Sorted { versions: Vec::with_capacity(piece.len()), ..Sorted::default() };
        for row in copy::rows(piece) {
            let row = row?;
            if self.is_certain(&row) {
                sorted.taken += 1;
                self.take(&row, &mut sorted).ok_or(NotRows)?;
            } else {
                sorted.doubted += 1;
                sorted.doubtful.extend_from_slice(row.bytes);
            }
        }
        Ok(sorted)
    }

    fn is_certain(&mut self, row: &Row<'_>) -> bool {
        // First, since each key must be seen.
        let new = self.keys.insert(self.hasher.hash_one(row.cell(cell::KEY)));
        new && row.cell(cell::KEY) == row.cell(cell::CODE)
            && row.cell(cell::VALID_TO).is_none()
            && row.cell(cell::PARK).is_none_or(|park| self.parks.contains(park))
            && (self.districts.is_empty() || row.cell(cell::DISTRICT).is_some_and(|code| self.districts.contains(code)))
            && row
                .cell(cell::AREA)
                .and_then(<[u8]>::first_chunk)
                .is_some_and(|area| f64::from_be_bytes(*area) > LEAST_M2)
            && row.cell(cell::GEOM).and_then(from_wkb).is_some_and(|shape| {
                certain::is_valid(&shape)
                    && self.is_inside(&shape)
                    && (row.cell(cell::VALID_FROM).is_none() || self.is_industrial(row) || !self.is_locked(&shape))
            })
    }

    /// Whether a shape lies on locked land, or its bounds do.
    fn is_locked(&self, shape: &MultiPolygon<f64>) -> bool {
        let Some(bounds) = shape.bounding_rect() else { return true };
        self.locked.iter().any(|(around, land)| around.intersects(&bounds) && land.intersects(&bounds))
    }

    /// Whether a row is of industrial use. Of locked land that comes to another one it is asked what lay there before.
    fn is_industrial(&self, row: &Row<'_>) -> bool {
        let (Some(scheme), Some(land_use)) = (row.cell(cell::SCHEME), row.cell(cell::LAND_USE)) else { return false };
        self.industrial.iter().any(|(of, code)| of == scheme && is_finer(land_use, code))
    }

    /// Whether a corner of the shape lies in a district. Nearly all lie in a square that a district covers, and then
    /// thousands of borders need not be looked at again.
    fn is_inside(&mut self, shape: &MultiPolygon<f64>) -> bool {
        /// Squares to a degree.
        const SQUARES: f64 = 100.0;
        if self.shapes.is_empty() {
            return true;
        }
        let Some(&corner) = shape.0.first().and_then(|polygon| polygon.exterior().0.first()) else { return false };
        let (x, y) = ((corner.x * SQUARES).floor(), (corner.y * SQUARES).floor());
        #[expect(clippy::cast_possible_truncation, reason = "degrees of the globe")]
        let square = (x as i32, y as i32);
        let near = || self.shapes.iter().filter(|(bounds, _)| bounds.intersects(&corner)).map(|(_, shape)| shape);
        let covered = *self.squares.entry(square).or_insert_with(|| {
            // A hair is added, as the arithmetic of its corners is not exact.
            let hair = 1e-9;
            let square =
                [x / SQUARES - hair, y / SQUARES - hair, (x + 1.0) / SQUARES + hair, (y + 1.0) / SQUARES + hair];
            near().any(|district| certain::covers(district, square))
        });
        covered || near().any(|district| certain::holds(district, corner))
    }

    /// Makes a parcel and its first version of a row.
    fn take(&mut self, row: &Row<'_>, sorted: &mut Sorted) -> Option<()> {
        self.parcels += 1;
        let id = self.parcels.to_be_bytes();
        sorted.parcels.extend_from_slice(&2_i16.to_be_bytes());
        push_cell(&mut sorted.parcels, &id);
        sorted.parcels.extend_from_slice(row.raw(cell::CODE)?);
        let out = &mut sorted.versions;
        out.extend_from_slice(&15_i16.to_be_bytes());
        // The first version of each parcel: one number serves for both.
        push_cell(out, &id);
        push_cell(out, &id);
        out.extend_from_slice(&self.stamp);
        push_range(out, row.cell(cell::VALID_FROM));
        out.extend_from_slice(row.span(cell::DISTRICT, cell::ADDRESS)?);
        out.extend_from_slice(row.span(cell::GEOM, cell::SOURCE_ID)?);
        Some(())
    }
}
