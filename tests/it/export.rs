//! `landcycle export`: what comes out goes in again, reads in other programs, and is a whole file or none.

mod then;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use calamine::Reader as _;
use gdal::vector::LayerAccess as _;
use serde_json::{Value, json};

use crate::support::{Ended, Town, collection, parcel_code};

/// A register with the small demo city in it, whose files lie in the folder `city`.
async fn city() -> Town {
    let town = Town::empty().await;
    let made = town.run(&["demo", "generate", "--out", "city", "--parcels", "600"]);
    assert_eq!(made.status, Some(0), "{}", made.said);
    let loaded = town.run(&["demo", "load", "city"]);
    assert_eq!(loaded.status, Some(0), "{}", loaded.said);
    town
}

/// A register with the districts, parks and enterprises of that city alone.
async fn suburb(city: &Town) -> Town {
    let other = Town::empty().await;
    let folder = city.folder().join("city");
    let manifest: Value = serde_json::from_slice(&fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    for dataset in manifest["datasets"].as_array().unwrap() {
        let kind = dataset["kind"].as_str().unwrap();
        if !["districts", "parks", "enterprises"].contains(&kind) {
            continue;
        }
        let files: Vec<PathBuf> =
            dataset["files"].as_array().unwrap().iter().map(|file| folder.join(file.as_str().unwrap())).collect();
        let flags = dataset["layer"].as_str().map(|layer| vec!["--layer", layer]).unwrap_or_default();
        let ended = other.import(kind, &files, &flags);
        assert_eq!((ended.status, &ended.answer["refused"]), (Some(0), &json!(0)), "{}", ended.said);
    }
    other
}

fn export(town: &Town, what: &str, file: &str, flags: &[&str]) -> Ended {
    let format = Path::new(file).extension().unwrap().to_str().unwrap();
    let mut arguments = vec!["export", what, "--format", format, "--out", file];
    arguments.extend(flags);
    town.run(&arguments)
}

/// Exports what must be exported, and answers the receipt.
fn exports(town: &Town, what: &str, file: &str, flags: &[&str]) -> Value {
    let ended = export(town, what, file, flags);
    assert_eq!(ended.status, Some(0), "{what} {file}: {}", ended.said);
    ended.answer
}

/// What the register believes now of a noun, as text in a fixed order.
async fn believed(town: &Town, what: &str) -> Vec<String> {
    let rows = match what {
        "parcels" => {
            "select p.code, v.valid, v.district, v.park, v.land_use, v.land_use_scheme, v.registered_area_m2,
                 v.plot_ratio_allowed, v.address, v.source_id, st_astext(v.geom, 15)
             from parcel p join parcel_version v on v.parcel_id = p.id where upper_inf(v.recorded)"
        }
        "zones" => {
            "select code, valid, name, tier, locked, document, st_astext(geom, 15) from zone_version
             where upper_inf(recorded)"
        }
        "contracts" => {
            "select number, parcel, kind, holder, signed_on, term_starts_on, term_ends_on, price_wan_yuan,
                 plot_ratio_low, plot_ratio_high, performance_terms, responsible_unit, developed_percent,
                 invested_percent, suspended_on
             from contract where upper_inf(recorded)"
        }
        "obligations" => {
            "select number, contract, kind, due_on, target, unit, at_most, met_on, achieved, excuse from obligation
             where upper_inf(recorded)"
        }
        _ => {
            "select enterprise, year, output_wan_yuan, revenue_wan_yuan, tax_wan_yuan, value_added_wan_yuan,
                 fixed_assets_wan_yuan, energy_tce, emissions_t, rd_wan_yuan, staff, staff_local, electricity_kwh,
                 water_m3, cod_t, veto, veto_cleared_on
             from annual_return where upper_inf(recorded)"
        }
    };
    let sql = format!("select t::text from ({rows}) t order by 1");
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(&town.database.pool).await.unwrap()
}

#[tokio::test]
async fn an_export_of_every_kind_goes_into_a_fresh_register_and_changes_nothing_in_its_own() {
    let town = city().await;
    for formats in
        [["gpkg", "xlsx"], ["geojson", "csv"], ["shp", "gpkg"], ["fgb", "geojson"], ["csv", "csv"], ["xlsx", "xlsx"]]
    {
        let other = suburb(&town).await;
        for (what, format) in [
            ("zones", formats[0]),
            ("parcels", formats[0]),
            ("contracts", formats[1]),
            ("obligations", formats[1]),
            ("returns", formats[1]),
        ] {
            let file = format!("{what}.{format}");
            let receipt = exports(&town, what, &file, &[]);
            let rows = receipt["rows"].as_u64().unwrap();
            let expected = believed(&town, what).await;
            assert!(rows > 10 && rows == expected.len() as u64, "{receipt}");
            let path = town.folder().join(&file);
            assert_eq!(other.tally(what, &path), [rows, rows, 0, 0], "{what} as {format} into a fresh register");
            assert!(believed(&other, what).await == expected, "{what} as {format} says something else");
            assert_eq!(town.tally(what, &path), [rows, 0, rows, 0], "{what} as {format} into its own register");
        }
    }
}

#[tokio::test]
async fn every_what_is_written_in_every_format_that_can_hold_it_and_read_by_others() {
    let town = city().await;
    let reviewed = town.run(&["review", "run", "--as-of", "2026-06-30", "--out", "out"]);
    assert_eq!(reviewed.status, Some(0), "{}", reviewed.said);
    for what in [
        "parcels",
        "zones",
        "contracts",
        "obligations",
        "returns",
        "review-results",
        "exit-candidates",
        "renewal-candidates",
    ] {
        let shapeless = ["contracts", "obligations", "returns"].contains(&what);
        for format in ["gpkg", "geojson", "fgb", "shp", "csv", "xlsx"] {
            let file = format!("{what}.{format}");
            let ended = export(&town, what, &file, &[]);
            if shapeless && ["fgb", "shp"].contains(&format) {
                assert_eq!(ended.status, Some(2), "{}", ended.said);
                assert!(ended.said.contains("have no shapes") && !town.folder().join(&file).exists());
                continue;
            }
            assert_eq!(ended.status, Some(0), "{file}: {}", ended.said);
            let rows = usize::try_from(ended.answer["rows"].as_u64().unwrap()).unwrap();
            let columns = ended.answer["columns"].as_array().unwrap().len();
            let path = town.folder().join(&file);
            let found = match format {
                "csv" => {
                    let bytes = fs::read(&path).unwrap();
                    let mut reader = csv::Reader::from_reader(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap());
                    assert_eq!(reader.headers().unwrap().len(), columns);
                    reader.records().map(Result::unwrap).count()
                }
                "xlsx" => {
                    let mut book: calamine::Xlsx<_> = calamine::open_workbook(&path).unwrap();
                    assert_eq!(book.sheet_names(), [what, "打印", "数据字典"]);
                    assert_eq!(book.worksheet_range("数据字典").unwrap().rows().count(), columns + 1);
                    book.worksheet_range(what).unwrap().rows().count() - 1
                }
                _ => {
                    let dataset = gdal::Dataset::open(&path).unwrap();
                    let layer = dataset.layer(0).unwrap();
                    assert_eq!(layer.defn().fields().count(), columns, "{file}");
                    usize::try_from(layer.feature_count()).unwrap()
                }
            };
            assert!(found == rows && rows > 0, "{file}: {found} of {rows}");
            let hash = landcycle::domain::review::receipt::hash(&fs::read(&path).unwrap());
            assert_eq!(ended.answer["sha256"], json!(hash));
        }
    }
    // The lists of a review and their export say the same.
    for list in ["review-results", "exit-candidates", "renewal-candidates"] {
        let name = format!("{list}.csv");
        assert_eq!(
            fs::read(town.folder().join(&name)).unwrap(),
            fs::read(town.folder().join("out").join(&name)).unwrap()
        );
    }
}

#[tokio::test]
async fn a_workbook_is_fit_for_printing_and_runs_no_formula() {
    let town = Town::settled().await;
    let formula = "contract_no,parcel_code,kind,signed_on,term_years,performance_terms,responsible_unit\n";
    let row = format!("=1+1,{},grant,2015-01-01,20,1,\"=HYPERLINK(\"\"http://x\"\")\"\n", parcel_code(2));
    town.takes("contracts", &town.file("more.csv", format!("{formula}{row}")));
    exports(&town, "contracts", "contracts.xlsx", &["--filter", "contract_no like '=%'"]);
    let path = town.folder().join("contracts.xlsx");
    let mut book: calamine::Xlsx<_> = calamine::open_workbook(&path).unwrap();
    let printed = book.worksheet_range("打印").unwrap();
    let text = |row: u32, column: u32| printed.get_value((row, column)).map(ToString::to_string).unwrap_or_default();
    assert!(text(0, 0).ends_with("土地合同表"), "{}", text(0, 0));
    assert!(text(1, 0).starts_with("来源："), "{}", text(1, 0));
    assert!(text(2, 0).contains("登记册版本 7") && text(2, 0).contains("筛选 contract_no like '=%'"), "{}", text(2, 0));
    assert_eq!([text(3, 0), text(3, 5), text(3, 8)], ["合同编号", "使用年限（年）", "成交价款（万元）"]);
    assert_eq!(text(4, 0), "=1+1");
    for sheet in book.sheet_names() {
        assert_eq!(book.worksheet_formula(&sheet).unwrap().used_cells().count(), 0, "{sheet}");
    }
    let mut zip = zip::ZipArchive::new(fs::File::open(&path).unwrap()).unwrap();
    let sheet = std::io::read_to_string(zip.by_name("xl/worksheets/sheet2.xml").unwrap()).unwrap();
    for part in [
        "orientation=\"landscape\"",
        "fitToWidth=\"1\"",
        "fitToHeight=\"0\"",
        "state=\"frozen\"",
        "第 &amp;P 页 共 &amp;N 页",
        "<sheetProtection",
    ] {
        if part == "fitToWidth=\"1\"" {
            // One page wide is what a page setup means that does not say otherwise.
            assert!(sheet.contains("fitToPage=\"1\"") && !sheet.contains("fitToWidth=\"0\""));
            continue;
        }
        assert!(sheet.contains(part), "{part}");
    }
    let names = std::io::read_to_string(zip.by_name("xl/workbook.xml").unwrap()).unwrap();
    assert!(names.contains("_xlnm.Print_Titles") && names.contains("打印!$4:$4"), "{names}");
    assert!(names.contains("_xlnm.Print_Area"), "{names}");
    let terms: Vec<Vec<String>> = book
        .worksheet_range("数据字典")
        .unwrap()
        .rows()
        .map(|row| row.iter().map(ToString::to_string).collect())
        .collect();
    assert_eq!(terms[0], ["字段", "中文名称", "含义", "Meaning", "单位", "坐标系", "来源", "Source"]);
    assert!(terms[1..].iter().all(|row| row[..4].iter().all(|cell| !cell.is_empty())));
    // What a spreadsheet must not run comes back as it was.
    exports(&town, "contracts", "contracts.csv", &[]);
    assert!(fs::read_to_string(town.folder().join("contracts.csv")).unwrap().contains("'=1+1"));
    assert_eq!(town.tally("contracts", &town.folder().join("contracts.csv")), [2, 0, 2, 0]);
    assert_eq!(town.tally("contracts", &path), [1, 0, 1, 0]);
}

#[tokio::test]
async fn another_coordinate_system_has_easting_first_and_an_unknown_or_unusable_one_is_refused() {
    let town = Town::settled().await;
    let receipt = exports(&town, "parcels", "p.gpkg", &["--crs", "EPSG:4549"]);
    assert_eq!(receipt["crs"], "EPSG:4549");
    let envelope = {
        let dataset = gdal::Dataset::open(town.folder().join("p.gpkg")).unwrap();
        let mut layer = dataset.layer(0).unwrap();
        layer.features().next().unwrap().geometry().unwrap().envelope()
    };
    // Of the first lot, at 121.501° east and 31.1° north: 143 km east of the meridian of 120°, 3,443 km from the equator.
    assert!((643_200.0..643_400.0).contains(&envelope.MinX), "{envelope:?}");
    assert!((3_441_000.0..3_443_500.0).contains(&envelope.MinY), "{envelope:?}");
    // What the projection does to the last digits moves no corner.
    assert_eq!(town.tally("parcels", &town.folder().join("p.gpkg")), [3, 0, 3, 0]);
    for (crs, file, status, said) in [
        ("EPSG:2415", "x.gpkg", 1, "datum-without-shift"),
        ("EPSG:999999", "x.gpkg", 1, "unknown-crs"),
        ("Shanghai", "x.gpkg", 1, "unknown-crs"),
        ("EPSG:4549", "x.geojson", 2, "gpkg, fgb or shp"),
    ] {
        let ended = export(&town, "parcels", file, &["--crs", crs]);
        assert_eq!(ended.status, Some(status), "{crs}: {}", ended.said);
        assert!(ended.said.contains(said) && !town.folder().join(file).exists(), "{}", ended.said);
    }
}

#[tokio::test]
async fn a_shapefile_has_short_names_that_the_receipt_tells_and_utf_8_said_beside_it() {
    let town = city().await;
    let receipt = exports(&town, "parcels", "p.shp", &[]);
    assert_eq!(receipt["names_in_file"]["registered_area_m2"], "ZZMJ");
    assert_eq!(fs::read_to_string(town.folder().join("p.cpg")).unwrap().trim(), "UTF-8");
    let dataset = gdal::Dataset::open(town.folder().join("p.shp")).unwrap();
    let layer = dataset.layer(0).unwrap();
    let names: BTreeSet<String> = layer.defn().fields().map(|field| field.name()).collect();
    let told: BTreeSet<String> =
        receipt["names_in_file"].as_object().unwrap().values().map(|name| name.as_str().unwrap().to_owned()).collect();
    assert_eq!(names, told);
}

#[tokio::test]
async fn a_filter_chooses_rows_of_every_type_and_can_not_become_sql() {
    let town = city().await;
    let count =
        |what: &str, filter: &str| exports(&town, what, "f.csv", &["--filter", filter])["rows"].as_i64().unwrap();
    let of = async |sql: &'static str| town.value::<i64>(sql).await;
    assert_eq!(
        count("parcels", "tier = 'base' AND NOT (area_mu < 30 OR land_use IN ('M4', 'C65'))"),
        of("select count(*) from parcel_version v join parcel_place l using (parcel_id) where upper_inf(v.recorded)
            and l.tier = 'base' and v.area_m2 * 15 / 10000 >= 30 and land_use not in ('M4', 'C65')")
        .await
    );
    assert_eq!(
        count("returns", "year BETWEEN 2023 AND 2024 AND tax_wan_yuan IS NULL"),
        of("select count(*) from annual_return where year between 2023 and 2024 and tax_wan_yuan is null").await
    );
    assert_eq!(
        count("contracts", "term_ends_on >= DATE('2030-01-01') AND performance_terms = true"),
        of("select count(*) from contract where term_ends_on >= '2030-01-01' and performance_terms").await
    );
    assert_eq!(
        count("parcels", "parcel_code LIKE '3101%' AND parcel_code > '3'"),
        of("select count(*) from parcel where code like '3101%'").await
    );
    let before = town.contents().await;
    assert_eq!(count("zones", "name = 'x''); drop table parcel; --' OR FALSE"), 0);
    assert_eq!(town.contents().await, before);
    for (filter, said) in [
        ("grad = 'D'", "character 1: no property \"grad\"; expected one of parcel_code, district"),
        ("area_m2 = 'big'", "expected a number"),
        ("S_INTERSECTS(geom, POINT(0 0))", "character 14: no property \"geom\""),
    ] {
        let ended = export(&town, "parcels", "g.csv", &["--filter", filter]);
        assert_eq!(ended.status, Some(1));
        assert!(ended.said.contains(said) && !town.folder().join("g.csv").exists(), "{}", ended.said);
    }
}

#[tokio::test]
async fn an_export_shows_what_was_law_on_a_day_and_what_was_believed_at_a_time() {
    let town = Town::settled().await;
    let lot = |number: u32, land_use: &str, from: &str| {
        let mut one = crate::support::parcel(number);
        one["properties"]["land_use"] = json!(land_use);
        one["properties"]["valid_from"] = json!(from);
        one
    };
    town.takes("parcels", &town.file("p4.geojson", collection(&[lot(4, "M1", "2020-01-01")])));
    town.takes("parcels", &town.file("p5.geojson", collection(&[lot(4, "M4", "2024-01-01")])));
    let between: String = town
        .value("select to_char(max(recorded_at) at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') from revision")
        .await;
    town.takes("parcels", &town.file("p6.geojson", collection(&[lot(4, "W1", "2024-01-01")])));
    let uses = |flags: &[&str]| -> Vec<String> {
        exports(&town, "parcels", "p.csv", flags);
        let bytes = fs::read(town.folder().join("p.csv")).unwrap();
        let mut reader = csv::Reader::from_reader(&bytes[3..]);
        reader
            .records()
            .map(Result::unwrap)
            .filter(|row| row[0] == parcel_code(4))
            .map(|row| row[3].to_owned())
            .collect()
    };
    assert_eq!(uses(&[]), ["W1"]);
    assert_eq!(uses(&["--valid-at", "2022-06-30"]), ["M1"]);
    assert_eq!(uses(&["--known-at", &between]), ["M4"]);
    assert_eq!(uses(&["--valid-at", "2022-06-30", "--known-at", &between]), ["M1"]);
    assert!(uses(&["--valid-at", "2019-12-31"]).is_empty());
    assert!(uses(&["--known-at", "2001-01-01"]).is_empty());
    for (what, flag, value) in [
        ("returns", "--valid-at", "2024-01-01"),
        ("review-results", "--known-at", "2024-01-01T00:00:00Z"),
        ("parcels", "--run", "1"),
        ("parcels", "--valid-at", "yesterday"),
    ] {
        assert_eq!(export(&town, what, "q.csv", &[flag, value]).status, Some(2), "{what} {flag}");
    }
    let none = export(&town, "exit-candidates", "q.csv", &[]);
    assert_eq!(none.status, Some(1));
    assert!(none.said.contains("no review has been run"), "{}", none.said);
}

#[tokio::test]
async fn a_full_disk_leaves_the_old_file_and_a_directory_or_another_ending_is_refused() {
    let town = city().await;
    for (what, file) in [
        ("parcels", "p.gpkg"),
        ("parcels", "p.fgb"),
        ("parcels", "p.shp"),
        ("parcels", "p.geojson"),
        ("returns", "r.csv"),
        ("returns", "r.xlsx"),
    ] {
        let (path, format) = (town.folder().join(file), file.rsplit_once('.').unwrap().1);
        fs::write(&path, "old").unwrap();
        // A limit on the size of files is as much of a full disk as one user can make.
        let mut limited = std::process::Command::new("sh");
        let line = "trap '' XFSZ; ulimit -f 16; exec \"$0\" \"$@\"";
        let binary = env!("CARGO_BIN_EXE_landcycle");
        limited.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).current_dir(town.folder());
        limited.env("DATABASE_URL", &town.database.url).env("LANDCYCLE_HOME", "/nonexistent");
        let ended =
            limited.args(["-c", line, binary, "export", what, "--format", format, "--out", file]).output().unwrap();
        assert_eq!(ended.status.code(), Some(3), "{file}: {}", String::from_utf8_lossy(&ended.stderr));
        assert_eq!(fs::read(&path).unwrap(), b"old", "{file}");
        let left: Vec<_> = fs::read_dir(town.folder()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(!left.iter().any(|name| name.to_string_lossy().starts_with(".writing-")), "{left:?}");
        exports(&town, what, file, &[]);
        assert_ne!(fs::read(&path).unwrap(), b"old");
    }
    fs::create_dir(town.folder().join("d.csv")).unwrap();
    let ended = export(&town, "returns", "d.csv", &[]);
    assert_eq!(ended.status, Some(1), "{}", ended.said);
    assert!(ended.said.contains("is a directory"), "{}", ended.said);
    let ended = town.run(&["export", "returns", "--format", "csv", "--out", "r.txt"]);
    assert_eq!(ended.status, Some(2));
    assert!(ended.said.contains("does not end in .csv") && !town.folder().join("r.txt").exists(), "{}", ended.said);
}

#[tokio::test]
async fn the_same_register_gives_the_same_bytes() {
    let town = city().await;
    for format in ["gpkg", "geojson", "fgb", "shp", "csv", "xlsx"] {
        let file = format!("p.{format}");
        let (first, second) = (exports(&town, "parcels", &file, &[]), exports(&town, "parcels", &file, &[]));
        assert_eq!(first, second);
    }
}

#[tokio::test]
async fn a_parcel_outside_all_zones_is_exported_as_fragmented() {
    let town = Town::settled().await;
    exports(&town, "parcels", "parcels.csv", &[]);
    let text = fs::read_to_string(town.folder().join("parcels.csv")).unwrap();
    assert_eq!(text.matches(",fragmented,").count(), 3, "{text}");
}

#[tokio::test]
async fn a_corner_that_moves_by_less_than_the_rule_says_has_not_moved_and_one_that_moves_by_more_has() {
    let town = Town::settled().await;
    let land = "select st_astext(geom, 15) from parcel_version v join parcel p on p.id = v.parcel_id
        where upper_inf(recorded) and code = '310115001001GB00001'";
    let before: String = town.value(land).await;
    // At 31.1° a degree of longitude is 95.4 km: 0.95 mm and 9.5 mm.
    for (by, expected) in [(1e-8, [1, 0, 1, 0]), (1e-7, [1, 1, 0, 0])] {
        let mut one = crate::support::parcel(1);
        one["geometry"]["coordinates"][0][1][0] = json!(121.5019 + by);
        assert_eq!(town.tally("parcels", &town.geojson("one", &[one])), expected, "{by}");
        assert_eq!(town.value::<String>(land).await == before, expected[1] == 0, "{by}");
    }
    // Where something else is new, the land of the new version is the land of the old one.
    let now: String = town.value(land).await;
    let mut one = crate::support::parcel(1);
    one["geometry"]["coordinates"][0][1][0] = json!(121.5019 + 1e-7 + 1e-9);
    one["properties"]["land_use"] = json!("M4");
    assert_eq!(town.tally("parcels", &town.geojson("one", &[one])), [1, 1, 0, 0]);
    assert_eq!(town.value::<String>(land).await, now);
}

#[tokio::test]
async fn a_table_holds_shapes_in_a_column_of_their_own_which_is_not_printed_and_says_what_no_cell_can_hold() {
    let town = Town::settled().await;
    // A circle of a thousand corners takes more characters than a cell of a workbook holds.
    let ring: Vec<[f64; 2]> = (0..=1000)
        .map(|at| f64::from(at % 1000) / 1000.0 * std::f64::consts::TAU)
        .map(|turn| [121.6 + 0.001 * turn.cos(), 31.2 + 0.001 * turn.sin()])
        .collect();
    let mut round = crate::support::parcel(4);
    round["geometry"]["coordinates"] = json!([ring]);
    town.takes("parcels", &town.geojson("round", &[round]));
    let receipt = exports(&town, "parcels", "p.xlsx", &[]);
    assert_eq!(
        (&receipt["crs"], receipt["columns"].as_array().unwrap().last()),
        (&json!("EPSG:4490"), Some(&json!("WKT (EPSG:4490)")))
    );
    assert!(receipt["notes"][0].as_str().unwrap().starts_with("1 shapes are left out"), "{receipt}");
    let mut book: calamine::Xlsx<_> = calamine::open_workbook(town.folder().join("p.xlsx")).unwrap();
    let widths = ["parcels", "打印"].map(|sheet| book.worksheet_range(sheet).unwrap().width());
    assert_eq!(widths[0], widths[1] + 1, "on paper nobody reads it");
    let back = town.import("parcels", &[town.folder().join("p.xlsx")], &[]);
    assert_eq!(back.tally(), [4, 0, 3, 1]);
    let receipt = exports(&town, "parcels", "p.csv", &[]);
    assert_eq!(receipt["notes"], Value::Null);
    assert_eq!(town.tally("parcels", &town.folder().join("p.csv")), [4, 0, 4, 0]);
}
