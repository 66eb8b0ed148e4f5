//! The process that reads files, from outside: what becomes of an import when it crashes, hangs, takes too much or is
//! killed, and that nothing of it stays behind.

use std::{
    fs,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use landcycle::{
    clock::Clock,
    domain::intake::Kind,
    flow::import::{ImportError, Order, Reader, import},
};
use serde_json::json;

use crate::{
    exchange::{PARCELS, SQUARE, acceptance, write},
    support::{Ended, Town, parcel},
};

/// The processes that read files for a process.
pub fn readers_of(parent: u32) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if status(pid, "PPid:") == Some(parent.to_string()) && line.ends_with(b"\0read-files\0") {
            found.push(pid);
        }
    }
    found
}

fn status(pid: u32, name: &str) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.split_whitespace().next()?.to_owned())
}

/// Whether a process is still at work; one that nobody has buried yet is not.
pub fn lives(pid: u32) -> bool {
    status(pid, "State:").is_some_and(|state| state != "Z")
}

pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(30), "{what}: not within 30 s");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A GeoPackage with a view that computes without end and never comes to a row.
fn endless(folder: &Path) -> PathBuf {
    let path = folder.join("endless.gpkg");
    write(&path, &PARCELS, &[("a", "M1", Some(SQUARE))]);
    let options = gdal::DatasetOptions { open_flags: gdal::GdalOpenFlags::GDAL_OF_UPDATE, ..Default::default() };
    let dataset = gdal::Dataset::open_ex(&path, options).unwrap();
    for sql in [
        "CREATE VIEW parcels AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
         SELECT i AS fid, parcel_code, land_use, geom FROM n, endless WHERE i < 0",
        "INSERT INTO gpkg_contents (table_name, identifier, data_type, srs_id) VALUES ('parcels', 'parcels', 'features', 4490)",
        "INSERT INTO gpkg_geometry_columns (table_name, column_name, geometry_type_name, srs_id, z, m)
         VALUES ('parcels', 'geom', 'POLYGON', 4490, 0, 0)",
    ] {
        dataset.execute_sql(sql, None, gdal::vector::sql::Dialect::DEFAULT).unwrap();
    }
    dataset.close().unwrap();
    path
}

/// A command with a folder of its own for whatever it unpacks.
fn command(town: &Town, kind: &str, file: &Path) -> (Command, tempfile::TempDir) {
    let temporary = tempfile::tempdir().unwrap();
    let mut command = town.command();
    command.args(["--json", "import", kind]).arg(file).env("TMPDIR", temporary.path());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    (command, temporary)
}

/// Asks for no column, so that the rows are met.
const NO_COLUMN: [&str; 2] = ["--map", "numbered.toml"];

fn numbered(town: &Town) {
    town.file("numbered.toml", "[fields]\nparcel_code = { template = \"{fid}\" }\nland_use = { constant = \"M1\" }\n");
}

/// That an import was refused with this code, naming the file, and left nothing.
async fn refused(town: &Town, ended: &Ended, code: &str, file: &str) {
    assert_eq!(ended.status, Some(1), "{ended:?}");
    let finding = &ended.answer["findings"][0];
    assert_eq!((&finding["code"], &finding["file"]), (&json!(code), &json!(file)), "{ended:?}");
    assert!(ended.said.contains(file) && ended.said.contains("expected"), "{ended:?}");
    assert_eq!(town.value::<i64>("select count(*) from revision where act ~ '^import'").await, 0);
    assert_eq!(town.value::<i64>("select count(*) from stage_parcel").await, 0);
}

fn nothing_in(folder: &Path) {
    let left: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.is_empty(), "left behind: {left:?}");
}

#[tokio::test]
async fn a_file_that_kills_its_reader_is_refused_and_leaves_nothing_behind() {
    let Some(folder) = acceptance() else { return };
    let town = Town::empty().await;
    let deadly = folder.join("hostile/gdal/kml/gx_track_without_when.kml");
    numbered(&town);
    let (mut plain, temporary) = command(&town, "parcels", &deadly);
    refused(&town, &Ended::of(&plain.args(NO_COLUMN).output().unwrap()), "reader-crashed", "gx_track_without_when.kml")
        .await;
    nothing_in(temporary.path());
    // Out of an archive, it dies with files unpacked.
    let packed = town.folder().join("deadly.kmz");
    let mut zip = zip::ZipWriter::new(fs::File::create(&packed).unwrap());
    zip.start_file("doc.kml", zip::write::SimpleFileOptions::default()).unwrap();
    std::io::Write::write_all(&mut zip, &fs::read(&deadly).unwrap()).unwrap();
    zip.finish().unwrap();
    let (mut archive, temporary) = command(&town, "parcels", &packed);
    refused(&town, &Ended::of(&archive.args(NO_COLUMN).output().unwrap()), "reader-crashed", "deadly.kmz").await;
    nothing_in(temporary.path());
    town.takes("parcels", &town.geojson("parcels", &[parcel(1)]));
}

#[tokio::test]
async fn of_several_files_the_one_that_kills_the_reader_is_named() {
    let Some(folder) = acceptance() else { return };
    let town = Town::empty().await;
    let good = town.geojson("good", &[parcel(1)]);
    let deadly = folder.join("hostile/gdal/kml/gx_track_without_when.kml");
    numbered(&town);
    let (mut both, _temporary) = command(&town, "parcels", &good);
    let ended = Ended::of(&both.arg(deadly).args(NO_COLUMN).output().unwrap());
    refused(&town, &ended, "reader-crashed", "gx_track_without_when.kml").await;
}

#[tokio::test]
async fn a_file_that_never_comes_to_a_row_is_given_up_after_a_while_of_silence_or_of_computing() {
    let town = Town::empty().await;
    let file = endless(town.folder());
    for (variable, limit) in [("LANDCYCLE_READER_TIMEOUT_S", "nothing for 1 s"), ("LANDCYCLE_READER_CPU_S", "1 s of")] {
        let (mut slow, temporary) = command(&town, "parcels", &file);
        let started = Instant::now();
        let ended = Ended::of(&slow.arg("--layer").arg("parcels").env(variable, "1").output().unwrap());
        refused(&town, &ended, "reader-timeout", "endless.gpkg").await;
        assert!(ended.said.contains(limit), "{ended:?}");
        assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
        nothing_in(temporary.path());
    }
}

#[tokio::test]
async fn a_file_that_hangs_its_reader_holds_up_no_other_import() {
    let town = Town::empty().await;
    let file = endless(town.folder());
    let (mut slow, _temporary) = command(&town, "parcels", &file);
    let mut hanging = slow.args(["--layer", "parcels"]).spawn().unwrap();
    until("the reader starts", || !readers_of(hanging.id()).is_empty());
    town.takes("parcels", &town.geojson("parcels", &[parcel(1)]));
    assert!(hanging.try_wait().unwrap().is_none(), "it hangs still");
    end(&mut hanging);
}

/// Kills an import that hangs, and waits until its reader is gone too.
fn end(hanging: &mut Child) {
    let readers = readers_of(hanging.id());
    hanging.kill().unwrap();
    hanging.wait().unwrap();
    until("the reader dies with its parent", || readers.iter().all(|pid| !lives(*pid)));
}

#[tokio::test]
async fn a_reader_knows_no_address_and_no_password_and_dies_with_the_import() {
    let town = Town::empty().await;
    let file = endless(town.folder());
    let (mut slow, temporary) = command(&town, "parcels", &file);
    let mut hanging = slow.args(["--layer", "parcels"]).env("PGPASSWORD", "swordfish").spawn().unwrap();
    until("the reader starts", || !readers_of(hanging.id()).is_empty());
    let reader = readers_of(hanging.id())[0];
    let environment = fs::read(format!("/proc/{reader}/environ")).unwrap();
    let environment = String::from_utf8_lossy(&environment);
    assert!(environment.contains("TMPDIR=") && !environment.contains("DATABASE_URL"), "{environment}");
    assert!(!environment.contains("swordfish") && !environment.contains("postgres"), "{environment}");
    for name in fs::read_dir(format!("/proc/{reader}/fd")).unwrap().flatten() {
        let open = fs::read_link(name.path()).unwrap_or_default();
        assert!(!open.as_os_str().as_bytes().starts_with(b"socket:"), "the reader holds a connection: {open:?}");
    }
    until("it has its limits", || fs::read_to_string(format!("/proc/{reader}/limits")).unwrap().contains("2147483648"));
    end(&mut hanging);
    // What a killed import left unpacked is swept up by the next.
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 1);
    let (mut next, _other) = command(&town, "parcels", &town.geojson("parcels", &[parcel(1)]));
    assert!(next.env("TMPDIR", temporary.path()).output().unwrap().status.success());
    nothing_in(temporary.path());
}

#[tokio::test]
async fn a_reader_that_is_killed_costs_its_import_and_nothing_else() {
    let town = Town::empty().await;
    let file = endless(town.folder());
    let (mut slow, temporary) = command(&town, "parcels", &file);
    let hanging = slow.args(["--layer", "parcels"]).spawn().unwrap();
    until("the reader starts", || !readers_of(hanging.id()).is_empty());
    let reader = readers_of(hanging.id())[0].to_string();
    assert!(Command::new("kill").args(["-9", &reader]).status().unwrap().success());
    let ended = Ended::of(&hanging.wait_with_output().unwrap());
    refused(&town, &ended, "reader-crashed", "endless.gpkg").await;
    assert!(ended.said.contains("signal 9"), "{ended:?}");
    nothing_in(temporary.path());
}

#[tokio::test]
async fn a_file_that_takes_more_memory_than_it_may_is_refused_by_name() {
    let town = Town::empty().await;
    // One feature with more numbers than fit: a document is held whole until its end.
    let mut text = String::from(
        r#"{"type":"FeatureCollection","features":[{"type":"Feature","properties":{},"geometry":{"type":"MultiPoint","coordinates":["#,
    );
    for index in 0..1_500_000 {
        text.push_str(if index == 0 { "[121.5,31.1]" } else { ",[121.5,31.1]" });
    }
    text.push_str("]}}]}");
    let file = town.file("large.geojson", text);
    let (mut tight, temporary) = command(&town, "parcels", &file);
    let ended = Ended::of(&tight.env("LANDCYCLE_READER_MEMORY_MIB", "400").output().unwrap());
    refused(&town, &ended, "reader-out-of-memory", "large.geojson").await;
    assert!(ended.said.contains("400 MiB"), "{ended:?}");
    nothing_in(temporary.path());
}

#[tokio::test]
async fn a_reader_that_is_none_is_a_fault_of_ours_and_not_of_the_file() {
    let town = Town::empty().await;
    let file = town.geojson("parcels", &[parcel(1)]);
    for program in ["/bin/true", "/bin/false", "/nonexistent/landcycle", "/bin/cat"] {
        let reader = Reader { program: program.into(), memory_mib: 1024, cpu_s: 60, timeout_s: 30 };
        let order = Order {
            kind: Kind::Parcels,
            files: vec![file.clone()],
            layer: None,
            crs: None,
            encoding: None,
            map: None,
            name: None,
            key: None,
            datum: None,
            repair: false,
            preview: None,
            dry_run: false,
            strict: false,
            reader,
        };
        let ended = import(&town.database.pool, Clock::of_the_machine(), "test", &order, |_| {}).await;
        assert!(matches!(ended, Err(ImportError::Reader(_))), "{program}: {ended:?}");
    }
    assert_eq!(town.value::<i64>("select count(*) from revision where act ~ '^import'").await, 0);
}

#[tokio::test]
async fn the_command_that_reads_files_is_not_shown_and_does_nothing_by_itself() {
    let town = Town::empty().await;
    let help = town.command().arg("--help").output().unwrap();
    assert!(!String::from_utf8_lossy(&help.stdout).contains("read-files"));
    let alone = town.command().arg("read-files").output().unwrap();
    assert_eq!((alone.status.code(), alone.stdout.len()), (Some(3), 0));
}

#[tokio::test]
async fn pipes_devices_and_odd_names_are_refused_or_read_under_their_own_name() {
    let town = Town::empty().await;
    let pipe = town.folder().join("pipe.csv");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    std::os::unix::fs::symlink("/proc/self/environ", town.folder().join("environ.csv")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", town.folder().join("zero.gpkg")).unwrap();
    std::os::unix::fs::symlink("/", town.folder().join("root.gdb")).unwrap();
    for name in ["pipe.csv", "environ.csv", "zero.gpkg", "root.gdb"] {
        let ended = town.import("enterprises", &[town.folder().join(name)], &[]);
        assert_eq!(ended.status, Some(1), "{name}: {ended:?}");
        assert_eq!(ended.answer["findings"][0]["file"], json!(name), "{ended:?}");
    }
    let table = "enterprise_code,name\nE1,一号厂\n";
    let name = "a\n\u{1b}[31mb.csv";
    let ended = town.import("enterprises", &[town.file(name, table)], &["--map", "name=none"]);
    assert!(ended.status == Some(1) && !ended.said.contains('\u{1b}'), "a name cannot command the terminal: {ended:?}");
    assert_eq!(town.takes("enterprises", &town.file(name, table))["files"], json!([name]));
    let bytes = std::ffi::OsStr::from_bytes(b"\xff\xfe.csv");
    fs::write(town.folder().join(bytes), "enterprise_code,name\nE2,二号厂\n").unwrap();
    let (mut odd, _temporary) = command(&town, "enterprises", Path::new(bytes));
    let ended = Ended::of(&odd.output().unwrap());
    assert_eq!((ended.status, ended.tally()), (Some(0), [1, 1, 0, 0]), "{ended:?}");
}

#[tokio::test]
async fn a_file_that_promises_rows_without_end_by_a_drawings_blocks_is_refused_in_bounded_time() {
    let town = Town::empty().await;
    let outline = "0\nLWPOLYLINE\n8\nM1\n90\n3\n70\n1\n10\n0\n20\n0\n10\n9\n20\n0\n10\n9\n20\n9\n";
    let mut blocks = format!("0\nBLOCK\n2\nB0\n10\n0\n20\n0\n{outline}0\nENDBLK\n");
    // Each block holds the one before ten times: ten to the ninth outlines.
    for depth in 1..10 {
        blocks.push_str(&format!("0\nBLOCK\n2\nB{depth}\n10\n0\n20\n0\n"));
        for _ in 0..10 {
            blocks.push_str(&format!("0\nINSERT\n8\nM1\n2\nB{}\n10\n0\n20\n0\n", depth - 1));
        }
        blocks.push_str("0\nENDBLK\n");
    }
    let text = format!(
        "0\nSECTION\n2\nBLOCKS\n{blocks}0\nENDSEC\n0\nSECTION\n2\nENTITIES\n0\nINSERT\n8\nM1\n2\nB9\n10\n640000\n20\n3457000\n0\nENDSEC\n0\nEOF\n"
    );
    let file = town.file("bomb.dxf", text);
    let (mut bomb, temporary) = command(&town, "parcels", &file);
    bomb.args(["--crs", "EPSG:4549", "--map", "parcel_code=EntityHandle,land_use=Layer"]);
    let started = Instant::now();
    let ended = Ended::of(&bomb.env("LANDCYCLE_READER_CPU_S", "5").output().unwrap());
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    assert_eq!(town.value::<i64>("select count(*) from parcel_version").await, 0);
    nothing_in(temporary.path());
}
