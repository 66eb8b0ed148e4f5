//! `landcycle doctor`: looks at the machine as every other command will need it, and says how to mend what is wrong.
//! It changes nothing, and starts nothing.

use std::{fs, path::Path, process::Command};

use serde::Serialize;

use super::{Context, Failure, blocking, printer::table};
use crate::cluster::{self, Binaries, Status};
use crate::flow::rules;

/// Nothing to choose.
#[derive(Debug, clap::Args)]
pub struct Args {}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Good,
    /// Only a part of landcycle suffers.
    Lacking,
    Bad,
}

#[derive(Debug, Serialize)]
struct Check {
    what: &'static str,
    verdict: Verdict,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    mend: Option<String>,
}

impl Check {
    fn good(what: &'static str, found: impl Into<String>) -> Self {
        Self { what, verdict: Verdict::Good, found: found.into(), mend: None }
    }

    fn bad(what: &'static str, said: &str) -> Self {
        let (found, mend) = said.split_once('\n').unwrap_or((said, ""));
        let mend = (!mend.is_empty()).then(|| mend.replace('\n', "; "));
        Self { what, verdict: Verdict::Bad, found: found.into(), mend }
    }

    fn lacking(what: &'static str, found: &str, mend: &str) -> Self {
        Self { what, verdict: Verdict::Lacking, found: found.into(), mend: Some(mend.into()) }
    }
}

/// Looks at everything, then ends with status 3 if anything is bad.
pub async fn run(context: &Context, _args: Args) -> Result<(), Failure> {
    let home = context.config.home.clone();
    let mut checks = vec![rules_in_use()];
    match &context.config.database_url {
        Some(url) => checks.push(database("database of DATABASE_URL", url.reveal()).await),
        None => {
            let found = home.clone();
            let (binaries, status) =
                blocking(move || (Binaries::newest(), cluster::status(&found).map_err(Failure::fault))).await?;
            checks.push(match binaries {
                Ok(found) => Check::good("PostgreSQL, PostGIS", format!("{} in {}", found.major, found.bin.display())),
                Err(error) => Check::bad("PostgreSQL, PostGIS", &error.to_string()),
            });
            checks.push(match status {
                Ok(Status::Absent) => Check::good("private database", "none yet; the first command makes it"),
                Ok(Status::Stopped) => Check::good("private database", "stopped; the next command starts it"),
                Ok(Status::Running { url, .. }) => database("private database", &url).await,
                Err(failure) => Check::bad("private database", failure.message().unwrap_or_default()),
            });
        }
    }
    checks.extend(blocking(move || [writable(&home), room(&home), gdal(), projections(), fonts()]).await?);

    let bad = checks.iter().filter(|check| check.verdict == Verdict::Bad).count();
    context.printer.result(&checks, |checks| report(checks))?;
    if bad > 0 {
        return Err(Failure::Fault(format!("{bad} of {} checks failed", checks.len())));
    }
    Ok(())
}

/// Which rules every other command will reckon with.
fn rules_in_use() -> Check {
    match rules::in_use() {
        Ok(rules) => {
            let from = match &rules.folder {
                None => "as shipped".to_owned(),
                Some(folder) => format!("{} ({})", folder.display(), rules.own.join(", ")),
            };
            Check::good("rules", format!("{from}, sha256 {}", rules.hash))
        }
        Err(error) => Check::bad("rules", Failure::usage(error).message().unwrap_or_default()),
    }
}

fn report(checks: &[Check]) -> String {
    let row = |check: &Check| {
        let verdict = match check.verdict {
            Verdict::Good => "good",
            Verdict::Lacking => "lacking",
            Verdict::Bad => "BAD",
        };
        [check.what.into(), verdict.into(), check.found.clone(), check.mend.clone().unwrap_or_default()]
    };
    table(["check", "verdict", "found", "mend"], &checks.iter().map(row).collect::<Vec<_>>())
}

async fn database(what: &'static str, url: &str) -> Check {
    match cluster::ask(url).await {
        Ok(server) => match server.postgis {
            None => Check::bad(
                what,
                "PostGIS is not enabled\nrun as its superuser: create extension postgis; create extension btree_gist",
            ),
            Some(_) if !server.may_create => {
                Check::bad(what, "this user may not make a schema\nrun as its owner: grant create on database … to …")
            }
            Some(postgis) => Check::good(what, format!("PostgreSQL {}, PostGIS {postgis}", server.postgres)),
        },
        Err(error) => {
            Check::bad(what, &format!("it does not answer: {error}\ncheck the address and that the server runs"))
        }
    }
}

/// The home, or the directory it would be made in.
fn nearest(home: &Path) -> &Path {
    let exists = |path: &&Path| path.exists();
    home.ancestors().filter(|path| !path.as_os_str().is_empty()).find(exists).unwrap_or(Path::new("."))
}

fn writable(home: &Path) -> Check {
    let place = nearest(home);
    match tempfile::tempfile_in(place) {
        Ok(_) => Check::good("home", home.display().to_string()),
        Err(error) => {
            Check::bad("home", &format!("{} can't be written to: {error}\nset LANDCYCLE_HOME", place.display()))
        }
    }
}

fn room(home: &Path) -> Check {
    // A million parcels with five years of returns, their indexes and their write-ahead log.
    const ROOMY: u64 = 8 << 30;
    match cluster::free_bytes(nearest(home)) {
        Ok(free) if free < cluster::NEEDED_BYTES => {
            Check::bad("disk", &format!("{} MiB free\nmake room, or set LANDCYCLE_HOME to another disk", free >> 20))
        }
        Ok(free) if free < ROOMY => {
            Check::lacking("disk", &format!("{} MiB free", free >> 20), "8 GiB are wanted for a million parcels")
        }
        Ok(free) => Check::good("disk", format!("{} GiB free", free >> 30)),
        Err(error) => Check::bad("disk", &format!("its free space can't be measured: {error}")),
    }
}

/// The library this very process runs with, which is the one that counts.
fn gdal() -> Check {
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    match maps.lines().filter_map(|line| line.rsplit('/').next()).find(|file| file.starts_with("libgdal.so")) {
        Some(library) => Check::good("GDAL", library),
        None => Check::bad("GDAL", "this program was built without it\napt-get install libgdal-dev, then build again"),
    }
}

fn projections() -> Check {
    let named = std::env::var_os("PROJ_DATA").or_else(|| std::env::var_os("PROJ_LIB"));
    let places = named.iter().map(Path::new).chain(["/usr/share/proj", "/usr/local/share/proj"].map(Path::new));
    match places.map(|place| place.join("proj.db")).find(|file| file.is_file()) {
        Some(file) => Check::good("PROJ", file.display().to_string()),
        None => Check::bad("PROJ", "proj.db was not found\napt-get install proj-data, or set PROJ_DATA"),
    }
}

fn fonts() -> Check {
    let listed = Command::new("fc-list").args([":lang=zh", "family"]).output();
    let listed = listed.map(|said| String::from_utf8_lossy(&said.stdout).into_owned()).unwrap_or_default();
    match listed.lines().next() {
        Some(family) => Check::good("Chinese font", family),
        None => {
            Check::lacking("Chinese font", "none", "only the browser test needs one: apt-get install fonts-noto-cjk")
        }
    }
}
