//! Files that are something else than their ending says, or lead somewhere else: refused, and nobody is asked for
//! anything over a network.

use std::{
    fs,
    io::Write as _,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use gdal::vector::LayerAccess as _;
use serde_json::json;

use crate::{
    exchange::{PARCELS, SQUARE, write},
    support::{Ended, Town, collection, parcel, parcel_code},
};

/// A listener on this machine that counts who calls, and answers nobody.
struct Listener {
    address: String,
    calls: Arc<AtomicUsize>,
}

impl Listener {
    fn start() -> Self {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = socket.local_addr().unwrap().to_string();
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = calls.clone();
        std::thread::spawn(move || {
            for call in socket.incoming() {
                counted.fetch_add(1, Ordering::SeqCst);
                drop(call);
            }
        });
        Self { address, calls }
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

/// A virtual data source, whose rows lie on another machine.
fn virtual_source(address: &str) -> String {
    format!(
        "<OGRVRTDataSource><OGRVRTLayer name=\"parcels\"><SrcDataSource>/vsicurl/http://{address}/a.geojson</SrcDataSource>\
         </OGRVRTLayer></OGRVRTDataSource>"
    )
}

/// One that copies a file of this machine, which is no business of an import's either.
fn virtual_copy(of: &Path) -> String {
    format!(
        "<OGRVRTDataSource><OGRVRTLayer name=\"parcels\"><SrcDataSource>{}</SrcDataSource><SrcLayer>good</SrcLayer></OGRVRTLayer></OGRVRTDataSource>",
        of.display()
    )
}

const TOPOLOGY: &str = r#"{"type":"Topology","objects":{"parcels":{"type":"GeometryCollection","geometries":[
    {"type":"Polygon","arcs":[[0]],"properties":{"parcel_code":"310115001001GB00001","land_use":"M1"}}]}},
    "arcs":[[[121.5,31.1],[121.501,31.1],[121.501,31.101],[121.5,31.1]]]}"#;

const ESRI: &str = r#"{"geometryType":"esriGeometryPolygon","spatialReference":{"wkid":4326},"fields":[
    {"name":"parcel_code","type":"esriFieldTypeString"},{"name":"land_use","type":"esriFieldTypeString"}],
    "features":[{"attributes":{"parcel_code":"310115001001GB00001","land_use":"M1"},
    "geometry":{"rings":[[[121.5,31.1],[121.5,31.101],[121.501,31.101],[121.5,31.1]]]}}]}"#;

/// That an import was refused for one of these reasons, and nothing is in the register.
async fn refused(town: &Town, name: &str, ended: &Ended, codes: &[&str]) {
    assert_eq!(ended.status, Some(1), "{name}: {ended:?}");
    let finding = ended.answer["findings"].as_array().unwrap().iter().find(|one| one["severity"] == "error").unwrap();
    assert!(codes.contains(&finding["code"].as_str().unwrap()), "{name}: {finding}");
    assert!(ended.said.contains("expected"), "{name}: {ended:?}");
    assert_eq!(town.value::<i64>("select count(*) from parcel_version").await, 0, "{name}");
}

#[tokio::test]
async fn a_file_of_another_format_under_an_allowed_ending_is_refused() {
    let town = Town::empty().await;
    let good = town.geojson("good", &[parcel(1)]);
    let copy = virtual_copy(&good);
    // What the file is, a text of it, and the endings under which it may hide.
    let seen = gdal::Dataset::open(town.file("control.vrt", &copy)).unwrap();
    assert_eq!(seen.layer(0).unwrap().feature_count(), 1, "the copy itself is sound");
    let endings =
        ["geojson", "json", "geojsonl", "kml", "gpkg", "fgb", "shp", "dxf", "csv", "xlsx", "zip", "gdb", "gml"];
    for (what, text) in [("a virtual source", copy.as_str()), ("a topology", TOPOLOGY), ("an ESRI feature set", ESRI)] {
        for ending in endings {
            let name = format!("hidden.{ending}");
            let ended = town.import("parcels", &[town.file(&name, text)], &["--crs", "EPSG:4490"]);
            let codes: &[&str] = match ending {
                "gml" => &["unknown-format"],
                "csv" => &["missing-column", "missing-geometry", "line-too-long"],
                "shp" | "gdb" => &["missing-file", "unreadable-file"],
                // Each of its lines may be a feature, but none says which parcel.
                "geojsonl" => &["unreadable-file", "missing-column"],
                "dxf" | "kml" => &["truncated-file", "unreadable-file"],
                _ => &["unreadable-file"],
            };
            refused(&town, &format!("{what} as .{ending}"), &ended, codes).await;
        }
    }
    // In an archive, and under its own ending.
    let packed = town.folder().join("packed.zip");
    let mut zip = zip::ZipWriter::new(fs::File::create(&packed).unwrap());
    zip.start_file("a.vrt", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(copy.as_bytes()).unwrap();
    zip.finish().unwrap();
    refused(&town, "packed", &town.import("parcels", &[packed], &[]), &["nothing-to-read"]).await;
    refused(&town, "plain", &town.import("parcels", &[town.file("a.vrt", &copy)], &[]), &["unknown-format"]).await;
    town.takes("parcels", &good);
}

const KML: &str = "<kml xmlns=\"http://www.opengis.net/kml/2.2\" xmlns:k=\"http://www.opengis.net/kml/2.2\"><Document>";

/// The files that would have someone called, and the reasons for which each is refused.
fn callers(town: &Town, address: &str) -> Vec<(PathBuf, Vec<&'static str>)> {
    let url = format!("http://{address}/a");
    let link = format!("<NetworkLink><Link><href>{url}.kml</href></Link></NetworkLink></Document></kml>");
    let wide = |text: &str| -> Vec<u8> {
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
    };
    let reference =
        |crs: serde_json::Value| json!({"type": "FeatureCollection", "crs": crs, "features": [parcel(1)]}).to_string();
    let mut files = vec![
        (town.file("link.kml", format!("{KML}{link}")), vec!["points-elsewhere"]),
        (
            town.file("prefixed.kml", format!("{KML}{}", link.replace("NetworkLink", "k:NetworkLink"))),
            vec!["points-elsewhere"],
        ),
        (
            town.file("wide.kml", wide(&format!("<?xml version=\"1.0\" encoding=\"UTF-16\"?>{KML}{link}"))),
            vec!["points-elsewhere"],
        ),
        (
            town.file("entity.kml", format!("<!DOCTYPE kml [<!ENTITY a SYSTEM \"{url}\">]>{KML}&a;</Document></kml>")),
            vec!["points-elsewhere"],
        ),
        (town.file("address.geojson", &url), vec!["unreadable-file"]),
        (town.file("url.geojson", reference(json!({"type": "URL", "properties": {"url": url}}))), vec!["unknown-crs"]),
        (
            town.file(
                "linked.geojson",
                reference(json!({"type": "link", "properties": {"href": url, "type": "proj4"}})),
            ),
            vec!["unknown-crs"],
        ),
        (
            town.file("named.geojson", reference(json!({"type": "name", "properties": {"name": url}}))),
            vec!["unknown-crs"],
        ),
    ];
    let source = virtual_source(address);
    for ending in ["geojson", "geojsonl", "kml"] {
        files.push((town.file(&format!("virtual.{ending}"), &source), vec!["unreadable-file"]));
    }
    let wfs = format!("<OGRWFSDataSource><URL>{url}</URL></OGRWFSDataSource>");
    for ending in ["geojson", "kml"] {
        files.push((town.file(&format!("service.{ending}"), &wfs), vec!["unreadable-file"]));
    }
    // Paths that are none of this machine.
    for path in [
        format!("/vsicurl/{url}.geojson"),
        format!("{url}.geojson"),
        format!("WFS:{url}"),
        format!("/vsizip//vsicurl/{url}.zip"),
    ] {
        files.push((path.into(), vec!["missing-file", "unknown-format"]));
    }
    files.push((far_table(town, &url), vec!["unreadable-file", "missing-crs"]));
    files
}

/// A GeoPackage with a table that some other program computes out of a file on another machine.
fn far_table(town: &Town, url: &str) -> PathBuf {
    let path = town.folder().join("far.gpkg");
    write(&path, &PARCELS, &[("a", "M1", Some(SQUARE))]);
    let options = gdal::DatasetOptions { open_flags: gdal::GdalOpenFlags::GDAL_OF_UPDATE, ..Default::default() };
    let dataset = gdal::Dataset::open_ex(&path, options).unwrap();
    for sql in [
        "PRAGMA writable_schema = 1",
        &format!(
            "INSERT INTO sqlite_master (type, name, tbl_name, rootpage, sql) VALUES ('table', 'parcels', 'parcels', 0,
             'CREATE VIRTUAL TABLE parcels USING VirtualOGR(''/vsicurl/{url}.geojson'')')"
        ),
        "INSERT INTO gpkg_contents (table_name, identifier, data_type, srs_id) VALUES ('parcels', 'parcels', 'features', 4490)",
        "INSERT INTO gpkg_geometry_columns (table_name, column_name, geometry_type_name, srs_id, z, m)
         VALUES ('parcels', 'geometry', 'POLYGON', 4490, 0, 0)",
    ] {
        dataset.execute_sql(sql, None, gdal::vector::sql::Dialect::DEFAULT).unwrap();
    }
    dataset.close().unwrap();
    path
}

#[tokio::test]
async fn a_file_that_points_to_a_network_is_refused_and_nobody_is_called() {
    let town = Town::empty().await;
    let listener = Listener::start();
    for (file, codes) in callers(&town, &listener.address) {
        let ended = town.import("parcels", std::slice::from_ref(&file), &[]);
        refused(&town, &file.display().to_string(), &ended, &codes).await;
        // Further in, with a reference system given by hand, there is no call either.
        let told = town.import("parcels", std::slice::from_ref(&file), &["--crs", "EPSG:4490", "--dry-run"]);
        assert!(told.status == Some(0) || told.status == Some(1), "{}: {told:?}", file.display());
        assert_eq!(listener.calls(), 0, "{}", file.display());
    }
    let told = town.import("parcels", &[town.folder().join("url.geojson")], &["--crs", "EPSG:4490", "--dry-run"]);
    assert_eq!((told.status, listener.calls()), (Some(0), 0), "{told:?}");
    // The same files call where nothing keeps them from it.
    for name in ["url.geojson", "linked.geojson", "virtual.vrt"] {
        let before = listener.calls();
        let path = town.folder().join(name);
        if name == "virtual.vrt" {
            fs::write(&path, virtual_source(&listener.address)).unwrap();
        }
        // Whatever comes of it: a virtual layer looks for its rows only when it is asked for some.
        let opened = gdal::Dataset::open(&path);
        let _ = opened.and_then(|dataset| dataset.layer(0).map(|layer| layer.feature_count()));
        crate::import::reader::until("the call comes", || listener.calls() > before);
    }
    let clean = town.file("clean.geojson", collection(&[parcel(1)]));
    town.takes("parcels", &clean);
    assert_eq!(town.value::<String>("select code from parcel").await, parcel_code(1));
}
