//! A small register that the built binary imports into and is asked about, and what it answered. Knows how to run an
//! import and how to tell whether anything was stored; refuses to know what is right.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use tempfile::TempDir;

use super::{Database, fresh_database, landcycle};

/// A register of its own and a folder for its files.
pub struct Town {
    pub database: Database,
    folder: TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    pub status: Option<i32>,
    /// The JSON document on stdout; null where there was none.
    pub answer: Value,
    pub said: String,
}

/// Parcels of the town by their last digits.
pub fn parcel_code(number: u32) -> String {
    format!("310115001001GB{number:05}")
}

/// A box as a GeoJSON polygon.
pub fn square(west: f64, south: f64, east: f64, north: f64) -> Value {
    json!({"type": "Polygon",
        "coordinates": [[[west, south], [east, south], [east, north], [west, north], [west, south]]]})
}

/// The box of a hundred metres or so in which a numbered parcel lies: a hundred columns, as many rows as it takes.
pub fn lot(number: u32) -> Value {
    let (west, south) = (121.5 + f64::from(number % 100) * 0.001, 31.1 + f64::from(number / 100) * 0.001);
    square(west, south, west + 0.0009, south + 0.0009)
}

/// A feature of a GeoJSON file.
pub fn feature(properties: &Value, geometry: &Value) -> Value {
    json!({"type": "Feature", "properties": properties, "geometry": geometry})
}

/// A numbered parcel in its lot.
pub fn parcel(number: u32) -> Value {
    feature(&json!({"parcel_code": parcel_code(number), "land_use": "M1"}), &lot(number))
}

/// A GeoJSON document.
pub fn collection(features: &[Value]) -> String {
    json!({"type": "FeatureCollection", "features": features}).to_string()
}

impl Town {
    /// A register without a row.
    pub async fn empty() -> Self {
        Self { database: fresh_database().await, folder: tempfile::tempdir().unwrap() }
    }

    /// A register of one district with parcels 1 to 3, enterprise E1, contract H1 and a return of 2024.
    pub async fn settled() -> Self {
        let town = Self::empty().await;
        let district = feature(&json!({"code": "310115", "name": "浦东新区"}), &square(121.4, 31.0, 121.7, 31.4));
        town.takes("districts", &town.geojson("districts", &[district]));
        town.takes("parcels", &town.geojson("parcels", &[parcel(1), parcel(2), parcel(3)]));
        town.takes("enterprises", &town.file("enterprises.csv", "enterprise_code,name\nE1,一号厂\n"));
        let contract = format!(
            "contract_no,parcel_code,kind,signed_on,term_years,performance_terms\nH1,{},grant,2015-01-01,20,1\n",
            parcel_code(1)
        );
        town.takes("contracts", &town.file("contracts.csv", contract));
        town.takes("returns", &town.file("returns.csv", "enterprise_code,year,tax_wan_yuan\nE1,2024,10\n"));
        town
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file into the town's folder.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// Writes a GeoJSON file into the town's folder.
    pub fn geojson(&self, name: &str, features: &[Value]) -> PathBuf {
        self.file(&format!("{name}.geojson"), collection(features))
    }

    /// The binary on this register.
    pub fn command(&self) -> Command {
        let mut command = landcycle();
        command.env("DATABASE_URL", &self.database.url).current_dir(self.folder());
        command
    }

    /// Runs the binary with JSON answers.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(&self.command().arg("--json").args(arguments).output().unwrap())
    }

    /// Imports files with flags.
    pub fn import(&self, kind: &str, files: &[PathBuf], flags: &[&str]) -> Ended {
        let mut arguments = vec!["import", kind];
        arguments.extend(files.iter().map(|path| path.to_str().unwrap()));
        arguments.extend(flags);
        self.run(&arguments)
    }

    /// Imports one file that must be taken whole, and answers its receipt.
    pub fn takes(&self, kind: &str, file: &Path) -> Value {
        let ended = self.import(kind, &[file.to_owned()], &[]);
        assert_eq!((ended.status, &ended.answer["refused"]), (Some(0), &json!(0)), "{ended:?}");
        ended.answer
    }

    /// Imports one file and answers read, accepted, unchanged and refused.
    pub fn tally(&self, kind: &str, file: &Path) -> [u64; 4] {
        self.import(kind, &[file.to_owned()], &[]).tally()
    }

    /// Every table with its number of rows and a fingerprint of their content. Tables in which rows wait for an import
    /// to check them are no part of the register.
    pub async fn contents(&self) -> BTreeMap<String, (i64, Option<String>)> {
        let names: Vec<String> = sqlx::query_scalar(
            "select tablename::text from pg_tables where schemaname = current_schema and tablename !~ '^stage_'",
        )
        .fetch_all(&self.database.pool)
        .await
        .unwrap();
        let mut contents = BTreeMap::new();
        for name in names {
            let sql = format!("select count(*), md5(string_agg(t::text, '|' order by t::text)) from {name} t");
            let found = sqlx::query_as(AssertSqlSafe(sql)).fetch_one(&self.database.pool).await.unwrap();
            contents.insert(name, found);
        }
        contents
    }

    /// One value out of the register.
    pub async fn value<T>(&self, sql: &'static str) -> T
    where
        T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        sqlx::query_scalar(sql).fetch_one(&self.database.pool).await.unwrap()
    }

    /// Values out of the register.
    pub async fn values<T>(&self, sql: &'static str) -> Vec<T>
    where
        T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        sqlx::query_scalar(sql).fetch_all(&self.database.pool).await.unwrap()
    }
}

impl Ended {
    pub fn of(output: &Output) -> Self {
        Self {
            status: output.status.code(),
            answer: serde_json::from_slice(&output.stdout).unwrap_or(Value::Null),
            said: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Read, accepted, unchanged and refused of a receipt, which must add up.
    pub fn tally(&self) -> [u64; 4] {
        let tally = ["read", "accepted", "unchanged", "refused"].map(|name| self.answer[name].as_u64().unwrap());
        assert_eq!(tally[0], tally[1] + tally[2] + tally[3], "{}", self.answer);
        tally
    }
}
