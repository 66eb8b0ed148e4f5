//! Bad input: whatever is wrong, the answer names file, row, field, value and what is expected, and nothing is stored.

use std::{
    fs,
    io::{BufWriter, Write as _},
    path::PathBuf,
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    exchange::{Made, PARCELS, SQUARE, write, write_gbk_shapefile},
    support::{Ended, Town, feature, parcel, parcel_code, square},
};

/// A bad input and the finding that must come of it. An empty text asks nothing but that the fact is there; `None` says
/// that the fault is the file's and not a row's or a field's.
struct Case {
    name: &'static str,
    kind: &'static str,
    make: fn(&Town) -> PathBuf,
    flags: &'static [&'static str],
    code: &'static str,
    file: &'static str,
    row: Option<u64>,
    field: Option<&'static str>,
    value: &'static str,
    expected: &'static str,
}

/// Parts of a shapefile without one of them.
fn shapefile_without(town: &Town, ending: &str) -> PathBuf {
    let path = write_gbk_shapefile(town.folder());
    fs::remove_file(path.with_extension(ending)).unwrap();
    path
}

fn geopackage(town: &Town, epsg: u32) -> PathBuf {
    let path = town.folder().join("parcels.gpkg");
    let code = parcel_code(9);
    write(&path, &Made { epsg: Some(epsg), ..PARCELS }, &[(&code, "M1", Some(SQUARE))]);
    path
}

fn truncated_geopackage(town: &Town) -> PathBuf {
    let path = geopackage(town, 4490);
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(40_000).unwrap();
    path
}

/// One parcel of another shape than a box.
fn shaped(town: &Town, geometry: &Value) -> PathBuf {
    town.geojson("bad", &[feature(&json!({"parcel_code": parcel_code(9), "land_use": "M1"}), geometry)])
}

/// One parcel in its lot with one more column.
fn with(town: &Town, column: &str, value: &Value) -> PathBuf {
    let mut one = parcel(9);
    one["properties"][column] = value.clone();
    town.geojson("bad", &[one])
}

fn cases() -> Vec<Case> {
    let parcels = Case {
        name: "",
        kind: "parcels",
        make: |_| PathBuf::new(),
        flags: &[],
        code: "",
        file: "bad.geojson",
        row: Some(1),
        field: Some("geometry"),
        value: "",
        expected: "",
    };
    let file = || Case { row: None, field: None, ..parcels };
    let table = |kind| Case { kind, file: "bad.csv", ..parcels };
    vec![
        Case {
            name: "a missing .shx",
            make: |town| shapefile_without(town, "shx"),
            code: "missing-file",
            file: "产业用地.shx",
            value: "no such file",
            expected: ".shx",
            ..file()
        },
        Case {
            name: "a missing .dbf",
            make: |town| shapefile_without(town, "dbf"),
            code: "missing-file",
            file: "产业用地.dbf",
            value: "no such file",
            expected: ".dbf",
            ..file()
        },
        Case {
            name: "a truncated GeoPackage",
            make: truncated_geopackage,
            code: "truncated-file",
            file: "parcels.gpkg",
            expected: "whole",
            ..file()
        },
        Case {
            name: "a bow tie",
            make: |town| {
                shaped(
                    town,
                    &json!({"type": "Polygon", "coordinates":
                    [[[121.5, 31.1], [121.502, 31.102], [121.502, 31.1], [121.5, 31.102], [121.5, 31.1]]]}),
                )
            },
            code: "geometry-self-intersection",
            value: "121.501 31.101",
            expected: "a ring that does not cross itself",
            ..parcels
        },
        Case {
            name: "an empty geometry",
            make: |town| shaped(town, &json!({"type": "Polygon", "coordinates": []})),
            code: "geometry-empty",
            expected: "a polygon",
            ..parcels
        },
        Case {
            name: "no geometry",
            make: |town| shaped(town, &Value::Null),
            code: "geometry-empty",
            expected: "a polygon",
            ..parcels
        },
        Case {
            name: "a point where a polygon belongs",
            make: |town| shaped(town, &json!({"type": "Point", "coordinates": [121.5, 31.1]})),
            code: "geometry-not-a-polygon",
            value: "Point",
            expected: "a polygon",
            ..parcels
        },
        Case {
            name: "coordinates outside the city",
            make: |town| shaped(town, &square(120.0, 31.0, 120.001, 31.001)),
            code: "outside-city",
            value: "POINT(120.0005 31.0005)",
            expected: "--crs",
            ..parcels
        },
        Case {
            name: "axes the wrong way round",
            make: |town| shaped(town, &square(31.1, 121.5, 31.101, 121.501)),
            code: "axes-swapped",
            row: None,
            field: None,
            value: "1 of 1 shapes",
            expected: "easting (longitude) before northing (latitude)",
            ..parcels
        },
        Case {
            name: "a CRS that no one knows",
            make: |town| geopackage(town, 4490),
            flags: &["--crs", "EPSG:999999"],
            code: "unknown-crs",
            file: "parcels.gpkg",
            value: "EPSG:999999",
            expected: "EPSG:4490",
            ..file()
        },
        Case {
            name: "a CRS of another datum",
            make: |town| geopackage(town, 27700),
            code: "unknown-crs",
            file: "parcels.gpkg",
            value: "27700",
            expected: "EPSG:4490",
            ..file()
        },
        Case {
            name: "no CRS",
            make: |town| shapefile_without(town, "prj"),
            code: "missing-crs",
            file: "产业用地.shp",
            expected: "--crs",
            ..file()
        },
        Case {
            name: "a replacement character in a name",
            make: |town| town.file("bad.csv", "enterprise_code,name\nE9,\u{FFFD}\u{FFFD}厂\n"),
            code: "wrong-encoding",
            field: Some("name"),
            value: "\u{FFFD}",
            expected: "--encoding",
            ..table("enterprises")
        },
        Case {
            name: "an encoding that no one knows",
            make: |town| town.file("bad.csv", "enterprise_code,name\nE9,九号厂\n"),
            flags: &["--encoding", "klingon"],
            code: "unknown-encoding",
            row: None,
            field: None,
            value: "klingon",
            ..table("enterprises")
        },
        Case {
            name: "GBK bytes called UTF-8",
            make: |town| {
                let (bytes, _, _) = encoding_rs::GBK.encode("enterprise_code,name\nE9,九号厂\n");
                town.file("bad.csv", bytes)
            },
            flags: &["--encoding", "UTF-8"],
            code: "wrong-encoding",
            field: Some("name"),
            value: "\u{FFFD}",
            expected: "--encoding",
            ..table("enterprises")
        },
        Case {
            name: "a negative area",
            make: |town| with(town, "registered_area_m2", &json!(-5)),
            code: "negative-value",
            field: Some("registered_area_m2"),
            value: "-5",
            expected: "at least 0",
            ..parcels
        },
        Case {
            name: "an area of nothing",
            make: |town| with(town, "registered_area_m2", &json!(0)),
            code: "not-positive",
            field: Some("registered_area_m2"),
            value: "0",
            expected: "above 0",
            ..parcels
        },
        Case {
            name: "a day as Excel's number",
            make: |town| town.file("bad.csv", "enterprise_code,name,founded_on\nE9,九号厂,43831\n"),
            code: "not-a-date",
            field: Some("founded_on"),
            value: "43831",
            expected: "2020-01-01",
            ..table("enterprises")
        },
        Case {
            name: "a year in the future",
            make: |town| town.file("bad.csv", "enterprise_code,year\nE1,2999\n"),
            code: "year-in-the-future",
            field: Some("year"),
            value: "2999",
            expected: "a year up to 20",
            ..table("returns")
        },
        Case {
            name: "a text in a number column",
            make: |town| town.file("bad.csv", "enterprise_code,year,tax_wan_yuan\nE1,2023,约三百\n"),
            code: "not-a-number",
            field: Some("tax_wan_yuan"),
            value: "约三百",
            expected: "a number",
            ..table("returns")
        },
        Case {
            name: "a parcel code of the wrong length",
            make: |town| with(town, "parcel_code", &json!("310115")),
            code: "bad-parcel-code",
            field: Some("parcel_code"),
            value: "310115",
            expected: "19 or 28",
            ..parcels
        },
        Case {
            name: "a return for an unknown enterprise",
            make: |town| town.file("bad.csv", "enterprise_code,year\nNOBODY,2023\n"),
            code: "unknown-enterprise",
            field: Some("enterprise_code"),
            value: "NOBODY",
            expected: "import enterprises first",
            ..table("returns")
        },
        Case {
            name: "an occupancy of an unknown parcel",
            make: |town| {
                let header = "parcel_code,enterprise_code,role,floor_area_m2,from_on";
                town.file("bad.csv", format!("{header}\n{},E1,owner,100,2020-01-01\n", parcel_code(77)))
            },
            code: "unknown-parcel",
            field: Some("parcel_code"),
            value: "310115001001GB00077",
            expected: "import parcels first",
            ..table("occupancies")
        },
        Case {
            name: "an occupancy by an unknown enterprise",
            make: |town| {
                let header = "parcel_code,enterprise_code,role,floor_area_m2,from_on";
                town.file("bad.csv", format!("{header}\n{},NOBODY,owner,100,2020-01-01\n", parcel_code(1)))
            },
            code: "unknown-enterprise",
            field: Some("enterprise_code"),
            value: "NOBODY",
            expected: "import enterprises first",
            ..table("occupancies")
        },
        Case {
            name: "a contract on an unknown parcel",
            make: |town| {
                let header = "contract_no,parcel_code,kind,signed_on,term_years,performance_terms";
                town.file("bad.csv", format!("{header}\nH9,{},grant,2015-01-01,20,1\n", parcel_code(77)))
            },
            code: "unknown-parcel",
            field: Some("parcel_code"),
            value: "310115001001GB00077",
            expected: "import parcels first",
            ..table("contracts")
        },
        Case {
            name: "an obligation of an unknown contract",
            make: |town| town.file("bad.csv", "obligation_no,contract_no,kind,due_on\nY1,NONE,start,2016-01-01\n"),
            code: "unknown-contract",
            field: Some("contract_no"),
            value: "NONE",
            expected: "import contracts first",
            ..table("obligations")
        },
        Case {
            name: "a building on an unknown parcel",
            make: |town| {
                let header = "building_code,parcel_code,storeys,floor_area_m2";
                town.file("bad.csv", format!("{header}\nB1,{},2,100\n", parcel_code(77)))
            },
            code: "unknown-parcel",
            field: Some("parcel_code"),
            value: "310115001001GB00077",
            expected: "import parcels first",
            ..table("buildings")
        },
        Case {
            name: "a parcel in an unknown park",
            make: |town| with(town, "park", &json!("P9")),
            code: "unknown-park",
            field: Some("park"),
            value: "P9",
            expected: "import parks first",
            ..parcels
        },
        Case {
            name: "a missing column",
            make: |town| town.file("bad.csv", "enterprise_code,phone\nE9,1\n"),
            code: "missing-column",
            row: None,
            field: Some("name"),

            expected: "--map name=COLUMN",
            ..table("enterprises")
        },
        Case {
            name: "an empty file",
            make: |town| town.file("bad.csv", ""),
            code: "empty-file",
            row: None,
            field: None,
            ..table("enterprises")
        },
        Case {
            name: "a file that is not there",
            make: |town| town.folder().join("nowhere.csv"),
            code: "missing-file",
            file: "nowhere.csv",
            row: None,
            field: None,
            ..table("enterprises")
        },
    ]
}

fn check(case: &Case, ended: &Ended) -> Result<(), String> {
    let told = format!("{}: status {:?}\n{:#}\n{}", case.name, ended.status, ended.answer, ended.said);
    let Some(finding) = ended.answer["findings"].get(0) else { return Err(format!("no finding: {told}")) };
    let fact = |name: &str| finding["facts"][name].as_str().unwrap_or_default();
    let right = ended.status == Some(1)
        && finding["severity"] == "error"
        && finding["code"] == case.code
        && finding["file"] == case.file
        && finding["row"].as_u64() == case.row
        && finding["facts"]["field"].as_str() == case.field
        && fact("value").contains(case.value)
        && !fact("expected").is_empty()
        && fact("expected").contains(case.expected)
        && ended.answer["accepted"] == 0
        && ended.answer["revision"].is_null()
        // People are told the same.
        && [case.code, case.file, fact("expected")].iter().all(|words| ended.said.contains(words));
    if right { Ok(()) } else { Err(told) }
}

#[tokio::test]
async fn bad_input_is_named_with_file_row_field_value_and_what_is_expected_and_nothing_is_stored() {
    let town = Town::settled().await;
    let before = town.contents().await;
    let mut wrong = Vec::new();
    for case in cases() {
        let file = (case.make)(&town);
        let ended = town.import(case.kind, &[file], case.flags);
        wrong.extend(check(&case, &ended).err());
        if town.contents().await != before {
            wrong.push(format!("{}: something was stored", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n----\n"));
}

#[tokio::test]
async fn a_code_that_comes_twice_is_refused_the_second_time_wherever_it_stands() {
    let town = Town::settled().await;
    let before = town.contents().await;
    let one = town.geojson("one", &[parcel(8), parcel(9), parcel(8)]);
    let ended = town.import("parcels", std::slice::from_ref(&one), &["--strict"]);
    let finding = &ended.answer["findings"][0];
    assert_eq!((ended.status, ended.tally()), (Some(1), [3, 0, 0, 3]));
    assert_eq!((&finding["code"], &finding["row"]), (&json!("duplicate-key"), &json!(3)), "{finding}");
    assert_eq!(finding["facts"]["value"], json!(parcel_code(8)));
    assert_eq!(town.contents().await, before);
    let two = town.geojson("two", &[parcel(9)]);
    let ended = town.import("parcels", &[one, two], &[]);
    assert_eq!((ended.status, ended.tally()), (Some(0), [4, 2, 0, 2]));
    let places: Vec<_> = ended.answer["findings"].as_array().unwrap().iter().map(|f| (&f["file"], &f["row"])).collect();
    assert_eq!(places, [(&json!("one.geojson"), &json!(3)), (&json!("two.geojson"), &json!(1))]);
}

#[tokio::test]
async fn a_row_tells_all_its_faults_at_once() {
    let town = Town::settled().await;
    let file = town.file("bad.csv", "enterprise_code,year,tax_wan_yuan,staff\nE1,2999,x,-1\n");
    let ended = town.import("returns", &[file], &[]);
    let codes: Vec<_> = ended.answer["findings"].as_array().unwrap().iter().map(|finding| &finding["code"]).collect();
    assert_eq!(codes, ["year-in-the-future", "not-a-number", "negative-value"]);
    assert_eq!(ended.tally(), [1, 0, 0, 1]);
}

/// The most memory that a process has held so far, in MiB.
fn peak(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1024)
}

#[tokio::test]
async fn a_line_of_200_megabytes_is_refused_quickly_and_in_little_memory() {
    let town = Town::settled().await;
    let before = town.contents().await;
    let path = town.folder().join("long.csv");
    let mut long = BufWriter::new(fs::File::create(&path).unwrap());
    long.write_all(b"enterprise_code,name\nE8,b\nE9,").unwrap();
    for _ in 0..200 {
        long.write_all(&[b'x'; 1 << 20]).unwrap();
    }
    long.write_all(b"\n").unwrap();
    drop(long);
    let started = Instant::now();
    let mut command = town.command();
    command.args(["--json", "import", "enterprises", "long.csv"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = command.spawn().unwrap();
    let mut most = 0;
    while running.try_wait().unwrap().is_none() {
        most = most.max(peak(running.id()).unwrap_or(0));
        std::thread::sleep(Duration::from_millis(5));
    }
    let ended = Ended::of(&running.wait_with_output().unwrap());
    let took = started.elapsed();
    let finding = &ended.answer["findings"][0];
    assert_eq!((ended.status, &finding["code"]), (Some(1), &json!("line-too-long")), "{ended:?}");
    assert_eq!(finding["file"], "long.csv");
    assert!(finding["facts"]["value"].as_str().unwrap().contains("line 3"), "{finding}");
    assert_eq!(town.contents().await, before);
    eprintln!("a line of 200 MB: {most} MiB at most, {took:?}");
    assert!((1..300).contains(&most), "{most} MiB");
    assert!(took < Duration::from_secs(10), "{took:?}");
}
