//! The demo city through the whole house: its files are imported as a bureau's would be, one data set after the other.

use super::import::{ImportError, Order, Reader, import};
use super::lifecycle::take::{TakeError, take};
use super::lockup::{self, RecordError};
use crate::clock::Clock;
use crate::domain::intake::Kind;
use crate::exchange::manifest::{Manifest, ManifestError};
use crate::exchange::receipt::Receipt;
use crate::store::StoreError;
use crate::store::city::{self, City};
use crate::store::write::{Audit, Write};
use serde_json::json;
use sqlx::PgPool;
use std::path::Path;

/// Why a demo city was not loaded.
#[derive(Debug, thiserror::Error)]
pub enum DemoLoadError {
    /// The folder holds no demo city.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The register holds something else.
    #[error(
        "the register holds {found}, and the demo city must not be mixed with it\nuse another LANDCYCLE_HOME or LANDCYCLE_SCHEMA for the demo"
    )]
    Occupied {
        /// What it holds.
        found: String,
    },
    /// The register holds a made-up city that someone else wrote to.
    #[error(
        "the register holds the made-up city {city}, which was written to by others than the demo, so it is not thrown away for another one\nuse another LANDCYCLE_HOME or LANDCYCLE_SCHEMA for the demo"
    )]
    Touched {
        /// The city.
        city: String,
    },
    /// A data set was not imported.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The lives of its parcels were not taken.
    #[error(transparent)]
    Lives(#[from] TakeError),
    /// The tables were not made, or the rules not recorded.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who loads a demo city.
fn actor(user: &str) -> String {
    format!("demo:{user}")
}

/// Makes room for the city of a manifest: a register that holds another made-up city, and nothing that anybody else
/// wrote, is emptied; anything else is left alone and refused. Says whether something was thrown away.
pub async fn make_room(pool: &PgPool, schema: &str, actor: &str, manifest: &Manifest) -> Result<bool, DemoLoadError> {
    let mut connection = pool.acquire().await.map_err(StoreError::from)?;
    let found = city::read(&mut connection).await?;
    let untouched = city::is_untouched(&mut connection).await?;
    let others = city::written_by_others(&mut connection, "demo:").await?;
    drop(connection);
    match found {
        None if untouched => Ok(false),
        Some(city) if city.origin == Some(manifest.origin()) => Ok(false),
        Some(city) if city.made_up && !others => {
            city::drop_schema(pool, schema).await?;
            lockup::migrate(pool, schema, actor).await?;
            Ok(true)
        }
        Some(city) if city.made_up => Err(DemoLoadError::Touched { city: format!("{} ({})", city.name, city.name_en) }),
        Some(city) => Err(DemoLoadError::Occupied { found: format!("{} ({})", city.name, city.name_en) }),
        None => Err(DemoLoadError::Occupied { found: "data that were imported by hand".to_owned() }),
    }
}

/// Imports every data set of a demo city, in order. `progress` is told the data set and how many rows were read.
pub async fn load(
    pool: &PgPool,
    schema: &str,
    clock: Clock,
    user: &str,
    folder: &Path,
    reader: &Reader,
    progress: impl Fn(&str, u64) + Clone + Send + 'static,
) -> Result<Vec<Receipt>, DemoLoadError> {
    let manifest = Manifest::read(folder)?;
    let actor = actor(user);
    make_room(pool, schema, &actor, &manifest).await?;
    let city = City {
        name: manifest.city.name.clone(),
        name_en: manifest.city.name_en.clone(),
        made_up: manifest.made_up,
        note_zh: Some(manifest.note.zh.clone()),
        note_en: Some(manifest.note.en.clone()),
        origin: Some(manifest.origin()),
    };
    // Said first: data must never be on show without the word that they are made up.
    let mut write = Write::begin(pool, &actor, "name-city").await?;
    if city::write(&mut write, &city).await? {
        let facts = json!({ "made_up": city.made_up, "name": city.name, "origin": city.origin });
        write.commit(Audit { subject: "city".to_owned(), facts }).await?;
    } else {
        write.abandon().await?;
    }
    let mut receipts = Vec::new();
    for dataset in &manifest.datasets {
        let Some(kind) = Kind::parse(&dataset.kind) else { continue };
        let order = Order {
            kind,
            files: dataset.files.iter().map(|file| folder.join(file)).collect(),
            layer: dataset.layer.clone(),
            crs: None,
            datum: None,
            encoding: None,
            map: None,
            name: None,
            key: None,
            repair: false,
            preview: None,
            dry_run: false,
            strict: false,
            reader: reader.clone(),
        };
        let told = progress.clone();
        receipts.push(import(pool, clock, &actor, &order, move |rows| told(kind.name(), rows)).await?);
    }
    if let Some(file) = &manifest.lives {
        progress("lives", 0);
        receipts.push(take(pool, clock.today(), &actor, &folder.join(file)).await?);
    }
    Ok(receipts)
}
