//! The demo city: files of a made-up Shanghai as a bureau would send them, the same bytes for the same seed. It makes
//! files and nothing else; the importer reads them as it reads anyone's.
//!
//! Areas of industry lie roughly where Shanghai's do; every border, parcel, enterprise and figure is made up. The land
//! is 728 km² for 48,501 parcels and grows with their number up to 1,000 km²; beyond 66,600 parcels each is smaller.

mod chance;
mod city;
mod economy;
mod files;
mod history;
mod lives;
mod names;
mod places;
mod plane;
mod plans;
mod sites;
mod streets;
mod supply;
mod unit;
mod zones;

use crate::domain::intake::Kind;
pub use crate::exchange::manifest::{City, Dataset, MANIFEST, Manifest, Note};
use crate::exchange::write::WriteError;
use files::{Files, Rows};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use unit::{Ground, Unit};

/// What city to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How many parcels it has.
    pub parcels: u32,
    /// What its chance begins from.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { parcels: 48_501, seed: 310_000 }
    }
}

/// The fewest parcels that still make a city with parks, zones and scattered plots.
pub const FEWEST_PARCELS: u32 = 60;
/// The most parcels that fit.
pub const MOST_PARCELS: u32 = 1_000_000;

/// Why a city was not made.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The city would be too small or too great.
    #[error("a demo city of {parcels} parcels cannot be made, expected {FEWEST_PARCELS} to {MOST_PARCELS}")]
    Size {
        /// The number asked for.
        parcels: u32,
    },
    /// A file was not written.
    #[error("the demo city was not written")]
    Write(#[from] WriteError),
    /// A file was not read back or a note not written.
    #[error("cannot finish {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the disk said.
        #[source]
        source: std::io::Error,
    },
}

const README: &str = "说明.txt";
const NOTE_ZH: &str = "演示数据，全部虚构：地块、界线、企业、合同和数字都不是真实的，也不代表任何真实的园区或企业。";
const NOTE_EN: &str = "Demonstration data, all made up: no parcel, border, enterprise, contract or figure is real, or stands for any real park or enterprise.";
/// How many units are made at once before they are written.
const BATCH: usize = 16;

/// Makes the files of a city in a folder and tells how far it is: the stage, how much is done, and of how much.
pub fn generate(
    settings: &Settings,
    out: &Path,
    progress: &mut dyn FnMut(&str, u64, u64),
) -> Result<Manifest, DemoError> {
    let Settings { parcels, seed } = *settings;
    if !(FEWEST_PARCELS..=MOST_PARCELS).contains(&parcels) {
        return Err(DemoError::Size { parcels });
    }
    // A folder with a manifest is whole: the old one goes first, the new one comes last.
    match std::fs::remove_file(out.join(MANIFEST)) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            return Err(DemoError::Io { path: out.join(MANIFEST), source });
        }
        _ => {}
    }
    progress("sites", 0, 1);
    let count = parcels as usize;
    let sites = sites::plan(count, seed);
    let land_m2 = sites::mean_parcel_m2(count) * count as f64;
    let zones = zones::zones(&sites, land_m2, seed);
    plans::write(out, seed, &zones, &sites.parks)?;
    progress("sites", 1, 1);

    let mut files = Files::create(out)?;
    let units = units(&sites, &zones);
    let mut done = 0;
    for batch in units.chunks(BATCH) {
        let made: Vec<Rows> = batch.par_iter().map(|unit| rows(unit, seed)).collect();
        for (unit, rows) in batch.iter().zip(made) {
            files.write(rows)?;
            done += unit.parcels as u64;
        }
        progress("parcels", done, u64::from(parcels));
    }
    progress("files", 0, 1);
    let workbooks = files.finish()?;
    let manifest = manifest(settings, workbooks, out)?;
    progress("files", 1, 1);
    Ok(manifest)
}

fn units<'a>(sites: &'a sites::Sites, zones: &'a [zones::Zone]) -> Vec<Unit<'a>> {
    let mut units = Vec::new();
    let mut first = 0;
    let parks = sites.parks.iter().map(|park| (Ground::Park(park), park.parcels));
    let scattered = sites.scattered.iter().map(|one| {
        let parcels = one.clusters.iter().map(|(_, count)| count).sum();
        (Ground::Scattered(one), parcels)
    });
    for (index, (ground, parcels)) in parks.chain(scattered).enumerate() {
        let zone = zones.iter().find(|zone| index < sites.parks.len() && zone.park == index).map(|zone| &zone.ring);
        units.push(Unit { index, first, parcels, ground, zone });
        first += parcels;
    }
    units
}

fn rows(unit: &Unit<'_>, seed: u64) -> Rows {
    let parcels = unit::parcels(unit, seed);
    let economy = economy::economy(unit, &parcels, seed);
    let (contracts, obligations) = history::history(unit, &parcels, &economy, seed);
    let lives = lives::lives(&parcels, &contracts, &obligations);
    Rows::of(unit, &parcels, &economy, &contracts, &obligations, lives, seed)
}

fn manifest(settings: &Settings, workbooks: Vec<String>, out: &Path) -> Result<Manifest, DemoError> {
    let write = |name: &str, text: String| {
        let path = out.join(name);
        let part = out.join(format!(".{name}.part"));
        std::fs::write(&part, text)
            .and_then(|()| std::fs::rename(&part, &path))
            .map_err(|source| DemoError::Io { path, source })
    };
    write(README, format!("{NOTE_ZH}\r\n\r\n{NOTE_EN}\r\n"))?;
    let datasets: Vec<Dataset> = Kind::ALL
        .into_iter()
        .map(|kind| {
            let (files, layer): (Vec<String>, Option<&str>) = match kind {
                Kind::Districts | Kind::Zones | Kind::PlanUnits | Kind::LegacyAreas | Kind::Parks => {
                    (vec![plans::PLANS.into()], Some(kind.name()))
                }
                Kind::Parcels => (vec![files::PARCELS_WEST.into(), files::PARCELS_EAST.into()], None),
                Kind::Buildings => (vec![files::BUILDINGS.into()], Some(kind.name())),
                Kind::Enterprises => (vec![files::ENTERPRISES.into()], None),
                Kind::Occupancies => (vec![files::OCCUPANCIES.into()], None),
                Kind::Contracts => (workbooks.clone(), None),
                Kind::Obligations => (vec![files::OBLIGATIONS.into()], None),
                Kind::Supply => (vec![files::SUPPLY.into()], None),
                Kind::Reserve => (vec![files::RESERVE.into()], None),
                // No register of a city: nobody made one up.
                Kind::Layer => (Vec::new(), None),
                Kind::Returns => (economy::YEARS.iter().map(|year| files::returns_name(*year)).collect(), None),
            };
            Dataset { kind: kind.name().to_owned(), files, layer: layer.map(str::to_owned) }
        })
        .collect();
    let mut sha256 = BTreeMap::new();
    // Once each, though the plans' file holds three data sets.
    let mut names: BTreeSet<String> = datasets.iter().flat_map(|set| set.files.iter().cloned()).collect();
    names.extend([README, files::LIVES].map(str::to_owned));
    for shapefile in [files::PARCELS_WEST, files::PARCELS_EAST] {
        names.extend(["shx", "dbf", "prj"].map(|part| shapefile.replace("shp", part)));
    }
    for name in names {
        let hash = hash(&out.join(&name))?;
        sha256.insert(name, hash);
    }
    let manifest = Manifest {
        made_up: true,
        note: Note { zh: NOTE_ZH.to_owned(), en: NOTE_EN.to_owned() },
        seed: settings.seed,
        parcels: settings.parcels,
        city: City {
            name: "上海（演示）".to_owned(),
            name_en: "Shanghai (demo, made up)".to_owned(),
            code: "310000".to_owned(),
        },
        datasets,
        lives: Some(files::LIVES.to_owned()),
        sha256,
    };
    let text = serde_json::to_string_pretty(&manifest)
        .map_err(|error| DemoError::Io { path: out.join(MANIFEST), source: error.into() })?;
    write(MANIFEST, text + "\n")?;
    Ok(manifest)
}

fn hash(path: &Path) -> Result<String, DemoError> {
    let io = |source| DemoError::Io { path: path.to_owned(), source };
    let mut file = std::fs::File::open(path).map_err(io)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer).map_err(io)?;
        if read == 0 {
            return Ok(hex::encode(hasher.finalize()));
        }
        hasher.update(&buffer[..read]);
    }
}
