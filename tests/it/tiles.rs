//! Vector tiles read back by another's reader: what is on them, where, and whether its rings are whole. Knows the
//! format; refuses to know how the bytes were made.

use crate::scatter::{self, CELL, SIDE, SOUTH, WEST};
use geo::{Area, BoundingRect, Contains, Coord, CoordsIter, Euclidean, Geometry, InteriorPoint, Length, MapCoords};
use geo::{MultiPolygon, Polygon, Rect, Validation};
use landcycle::atlas::tile::{Layer, Square};
use landcycle::atlas::{CityFacts, Parcel, Selection, Snapshot};
use mvt_reader::Reader;
use mvt_reader::feature::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::f64::consts::PI;

const EXTENT: f64 = 4096.0;
const MARGIN: f64 = 64.0;

struct Feature {
    shape: MultiPolygon<f64>,
    properties: HashMap<String, Value>,
}

impl Feature {
    fn text(&self, key: &str) -> Option<&str> {
        match self.properties.get(key) {
            Some(Value::String(text)) => Some(text),
            None => None,
            other => panic!("{key} is {other:?}"),
        }
    }
}

/// The features of a tile; none where there is no tile.
fn read(snapshot: &Snapshot, layer: Layer, (z, x, y): (u64, u64, u64)) -> Vec<Feature> {
    let Some(bytes) = snapshot.tile(layer, Square::new(z, x, y).unwrap()) else { return Vec::new() };
    let reader = Reader::new(bytes).unwrap();
    let layers = reader.get_layer_metadata().unwrap();
    assert_eq!(layers.len(), 1);
    assert_eq!((layers[0].version, layers[0].name.as_str(), layers[0].extent), (2, layer.name(), 4096));
    let features = reader.get_features_as::<f64>(0).unwrap();
    assert_eq!(features.len(), layers[0].feature_count);
    features
        .into_iter()
        .map(|feature| {
            let shape = match feature.geometry {
                Geometry::Polygon(polygon) => MultiPolygon(vec![polygon]),
                Geometry::MultiPolygon(shape) => shape,
                other => panic!("a tile holds polygons, not {other:?}"),
            };
            Feature { shape, properties: feature.properties.unwrap() }
        })
        .collect()
}

/// A place on the whole world's grid at a zoom.
fn grid(place: Coord<f64>, z: u64) -> Coord<f64> {
    let side = (1_u64 << z) as f64 * EXTENT;
    let down = 0.5 - place.y.to_radians().tan().asinh() / (2.0 * PI);
    Coord { x: (place.x / 360.0 + 0.5) * side, y: down * side }
}

fn tile_of(place: Coord<f64>, z: u64) -> (u64, u64, u64) {
    let place = grid(place, z);
    (z, (place.x / EXTENT) as u64, (place.y / EXTENT) as u64)
}

/// The tiles at a zoom that the scatter lies on.
fn tiles(z: u64) -> Vec<(u64, u64, u64)> {
    let side = CELL * SIDE as f64;
    let (_, west, south) = tile_of(Coord { x: WEST - CELL, y: SOUTH - CELL }, z);
    let (_, east, north) = tile_of(Coord { x: WEST + side + CELL, y: SOUTH + side + CELL }, z);
    (west..=east).flat_map(|x| (north..=south).map(move |y| (z, x, y))).collect()
}

#[test]
fn a_parcel_found_at_a_point_shows_in_the_tile_of_that_point_with_its_shape_and_attributes() {
    let parcels = scatter::parcels(30);
    let snapshot = scatter::snapshot(1, 30);
    let mut whole = 0;
    for parcel in parcels.iter().filter(|parcel| !parcel.shape.0.is_empty()) {
        let point = parcel.shape.interior_point().unwrap();
        let hits = snapshot.search(&Selection::bbox(point.x(), point.y(), point.x(), point.y()).unwrap());
        assert!(hits.indices().iter().any(|index| snapshot.parcel(*index).code() == parcel.code));
        let address = tile_of(point.0, 14);
        let features = read(&snapshot, Layer::Parcels, address);
        let shown: Vec<_> = features.iter().filter(|feature| feature.text("code") == Some(&parcel.code)).collect();
        assert_eq!(shown.len(), 1, "{}", parcel.code);
        let feature = shown[0];
        assert_eq!(feature.text("grade"), parcel.grade.map(|grade| grade.name()));
        assert_eq!((feature.text("tier"), feature.text("use")), (Some(parcel.tier.name()), Some(&*parcel.land_use)));
        // Where the tile shows all of it, corners stray by less than two units and the area by what that makes.
        let origin = Coord { x: address.1 as f64 * EXTENT, y: address.2 as f64 * EXTENT };
        let expected = parcel.shape.map_coords(|place| grid(place, 14) - origin);
        let frame = Rect::new(Coord { x: -MARGIN, y: -MARGIN }, Coord { x: EXTENT + MARGIN, y: EXTENT + MARGIN });
        if frame.contains(&expected.bounding_rect().unwrap()) {
            whole += 1;
            let rim = |p: &Polygon<f64>| {
                Euclidean.length(p.exterior()) + p.interiors().iter().map(|r| Euclidean.length(r)).sum::<f64>()
            };
            let slack = 1.8 * expected.iter().map(rim).sum::<f64>();
            let (found, sought) = (feature.shape.unsigned_area(), expected.unsigned_area());
            assert!((found - sought).abs() < slack, "{}: {found} for {sought} ± {slack}", parcel.code);
            assert_eq!(feature.shape.0.len(), expected.0.len(), "{}", parcel.code);
        }
    }
    assert!(whole > 300, "{whole} parcels lay on one tile");
}

#[test]
fn rings_are_whole_at_every_zoom_and_stay_within_the_margin() {
    let snapshot = scatter::snapshot(1, 31);
    for z in 9..=18 {
        let mut shown = BTreeSet::new();
        // At the deepest zooms a stretch of tiles says as much as all.
        for address in tiles(z).into_iter().take(400) {
            for feature in read(&snapshot, Layer::Parcels, address) {
                assert!(feature.shape.is_valid(), "{address:?} {:?}", feature.text("code"));
                for corner in feature.shape.coords_iter() {
                    // The overlay may move a corner by one unit where it rounds.
                    let within =
                        |value: f64| (-MARGIN - 1.0..=EXTENT + MARGIN + 1.0).contains(&value) && value.fract() == 0.0;
                    assert!(within(corner.x) && within(corner.y), "{address:?} {corner:?}");
                }
                shown.insert(feature.text("code").unwrap().to_owned());
            }
        }
        assert!(z > 16 || shown.len() > if z > 9 { 500 } else { 400 }, "{} parcels at zoom {z}", shown.len());
    }
}

#[test]
fn holes_stay_holes() {
    let parcels = scatter::parcels(32);
    let snapshot = scatter::snapshot(1, 32);
    let holed: BTreeMap<_, _> = parcels
        .iter()
        .filter(|parcel| parcel.shape.0.first().is_some_and(|polygon| !polygon.interiors().is_empty()))
        .map(|parcel| (parcel.code.as_str(), parcel))
        .collect();
    let mut seen = 0;
    for address in tiles(15) {
        for feature in read(&snapshot, Layer::Parcels, address) {
            let inside = |c: &Coord<f64>| c.x > 0.0 && c.y > 0.0 && c.x < EXTENT && c.y < EXTENT;
            if holed.contains_key(feature.text("code").unwrap()) && feature.shape.coords_iter().all(|c| inside(&c)) {
                assert_eq!(feature.shape.0[0].interiors().len(), 1);
                seen += 1;
            }
        }
    }
    assert!(seen > 30, "{seen} holed parcels lay on one tile");
}

#[test]
fn a_city_of_tiny_parcels_stays_as_full_as_it_is() {
    // Several scatters, so that chance evens out.
    let scatters: Vec<_> = (33..45).map(|seed| scatter::snapshot(1, seed)).collect();
    let total: f64 = (33..45).flat_map(scatter::parcels).map(|parcel| parcel.area_m2).sum();
    for z in 6..=11 {
        let shown: f64 = tiles(z)
            .into_iter()
            .flat_map(|address| scatters.iter().flat_map(move |snapshot| read(snapshot, Layer::Parcels, address)))
            .map(|feature| feature.shape.unsigned_area())
            .sum();
        // The width of a unit on the ground at that latitude.
        let unit = 40_075_016.7 / ((1_u64 << z) as f64 * EXTENT) * 31.12_f64.to_radians().cos();
        let share = shown * unit * unit / total;
        // At zoom 6 a parcel has one chance in ninety of a dot, so some eighty dots stand for all.
        let spread = if z < 8 { 0.3 } else { 0.15 };
        assert!((share - 1.0).abs() < spread, "zoom {z} shows {share} of the land");
    }
}

#[test]
fn a_tile_within_a_parcel_is_filled() {
    let shape = MultiPolygon(vec![Polygon::new(scatter::square(121.0, 31.0, 1.0), vec![])]);
    let template = scatter::parcels(1).remove(0);
    let parcel = Parcel { code: "310115002004GB00001".to_owned(), shape, ..template };
    let snapshot = Snapshot::build(1, CityFacts::default(), vec![parcel], vec![]).unwrap();
    for z in 12..=22 {
        let features = read(&snapshot, Layer::Parcels, tile_of(Coord { x: 121.51, y: 31.49 }, z));
        assert_eq!(features.len(), 1, "zoom {z}");
        assert_eq!(features[0].shape.unsigned_area(), (EXTENT + 2.0 * MARGIN).powi(2), "zoom {z}");
    }
    // The edge runs through this tile: west of it there is nothing.
    for z in 12..=22 {
        let features = read(&snapshot, Layer::Parcels, tile_of(Coord { x: 121.0, y: 31.49 }, z));
        assert_eq!(features.len(), 1, "zoom {z}");
        let bounds = features[0].shape.bounding_rect().unwrap();
        let edge = grid(Coord { x: 121.0, y: 31.49 }, z).x % EXTENT;
        assert!((bounds.min().x - edge).abs() <= 4.0, "zoom {z}: {} for {edge}", bounds.min().x);
        assert_eq!(bounds.max().x, EXTENT + MARGIN);
    }
}

#[test]
fn areas_have_their_own_layers_with_names() {
    let snapshot = scatter::snapshot(1, 34);
    let address = tile_of(Coord { x: WEST + CELL / 2.0, y: SOUTH + CELL / 2.0 }, 12);
    let zones = read(&snapshot, Layer::Zones, address);
    assert_eq!(zones.len(), 2);
    let base = zones.iter().find(|zone| zone.text("code") == Some("B-001")).unwrap();
    assert_eq!((base.text("name"), base.text("tier")), (Some("张江产业基地"), Some("base")));
    assert_eq!(base.properties["locked"], Value::Bool(true));
    let districts = read(&snapshot, Layer::Districts, address);
    assert_eq!(districts.len(), 1);
    assert_eq!(
        (districts[0].text("name"), districts[0].text("name_en")),
        (Some("浦东新区"), Some("310115 in English"))
    );
    assert_eq!(read(&snapshot, Layer::Parks, address).len(), 1);
    assert!(snapshot.tile(Layer::Districts, Square::new(12, 0, 0).unwrap()).is_none());
}

#[test]
fn a_kept_tile_is_the_tile_that_was_made() {
    let snapshot = scatter::snapshot(1, 35);
    let (z, x, y) = tile_of(Coord { x: WEST + CELL * 5.0, y: SOUTH + CELL * 5.0 }, 14);
    let square = Square::new(z, x, y).unwrap();
    assert!(snapshot.kept_tile(Layer::Parcels, square).is_none());
    let packed = snapshot.packed_tile(Layer::Parcels, square);
    assert_eq!(snapshot.kept_tile(Layer::Parcels, square), Some(packed.clone()));
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&packed.bytes[..]), &mut bytes).unwrap();
    assert_eq!(Some(bytes), scatter::snapshot(2, 35).tile(Layer::Parcels, square));
}

#[test]
fn there_is_no_square_beyond_the_world() {
    assert!(Square::new(0, 0, 0).is_ok());
    assert!(Square::new(22, (1 << 22) - 1, 0).is_ok());
    for (z, x, y) in [(0, 1, 0), (22, 1 << 22, 0), (5, 0, 32), (23, 0, 0), (u64::MAX, 0, 0), (1, u64::MAX, 0)] {
        assert!(Square::new(z, x, y).is_err(), "{z}/{x}/{y}");
    }
}
