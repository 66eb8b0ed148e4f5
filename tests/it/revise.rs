//! A moment made from the one before against the same moment packed from scratch: whatever is asked, both answer alike.
//! Knows edits; refuses to know where a parcel is packed.

use crate::scatter::{self, CELL, SIDE, SOUTH, WEST, chance, star};
use geo::{MultiPolygon, Polygon, coord};
use landcycle::atlas::tile::{LAST_ZOOM, Layer, Square};
use landcycle::atlas::{Change, Changes, Parcel, Selection, Snapshot};
use landcycle::domain::geometry;
use landcycle::domain::review::grade::Grade;
use proptest::prelude::*;
use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, BTreeSet};
use std::f64::consts::PI;

type City = BTreeMap<String, Parcel>;

fn city(seed: u64) -> City {
    scatter::parcels(seed).into_iter().map(|parcel| (parcel.code.clone(), parcel)).collect()
}

fn from_scratch(revision: i64, city: &City) -> Snapshot {
    Snapshot::build(revision, scatter::city(), city.values().cloned().collect(), scatter::areas()).unwrap()
}

/// A handful of edits to a city: corrections, new parcels, retired ones, ones that come back, and ones that are none.
fn edit(rng: &mut ChaCha8Rng, city: &mut City, gone: &mut Vec<String>) -> Vec<Change> {
    let mut changes: BTreeMap<String, Option<Parcel>> = BTreeMap::new();
    for _ in 0..rng.random_range(1..12) {
        let code = city.keys().nth(rng.random_range(0..city.len())).unwrap().clone();
        let mut parcel = city[&code].clone();
        match rng.random_range(0..8) {
            0 => {}
            1 => {
                city.remove(&code);
                gone.push(code.clone());
                changes.insert(code, None);
                continue;
            }
            2 => {
                parcel.code = format!("310115{:06}GB{:05}", rng.random_range(0..4), rng.random_range(0..99_999));
            }
            3 => match gone.choose(rng) {
                Some(back) => parcel.code = back.clone(),
                None => continue,
            },
            4 => parcel.grade = Some(*Grade::ALL.choose(rng).unwrap()),
            5 => {
                // Words that the base does not know.
                parcel.land_use = format!("N{}", rng.random_range(0..3));
                parcel.park = Some(format!("Q{}", rng.random_range(0..3)));
                parcel.floor_area_m2 = None;
            }
            _ => {
                let side = CELL * SIDE as f64;
                let centre = coord! { x: WEST + rng.random_range(-0.1..1.1) * side, y: SOUTH + rng.random_range(-0.1..1.1) * side };
                let size = CELL * rng.random_range(0.1..2.0);
                parcel.shape = MultiPolygon(vec![Polygon::new(star(rng, centre, size, 9), vec![])]);
                parcel.area_m2 = geometry::area(&parcel.shape).value();
            }
        }
        city.insert(parcel.code.clone(), parcel.clone());
        changes.insert(parcel.code.clone(), Some(parcel));
    }
    // One that never was: known to the register and no parcel of today.
    changes.insert("310115999999GB99999".to_owned(), None);
    changes.into_iter().map(|(code, now)| Change { code, now }).collect()
}

fn changes(revision: i64, parcels: Vec<Change>) -> Changes {
    Changes { revision, city: scatter::city(), areas: None, parcels }
}

/// The squares at a zoom on which the scatter and its edits may lie, or some of them.
fn squares(rng: &mut ChaCha8Rng, z: u64, count: usize) -> Vec<Square> {
    let side = (1_u64 << z) as f64;
    let mut some = BTreeSet::new();
    for _ in 0..count {
        let (x, y) = (WEST + rng.random_range(-0.2..1.2) * 0.048, SOUTH + rng.random_range(-0.2..1.2) * 0.048);
        let down = 0.5 - y.to_radians().tan().asinh() / (2.0 * PI);
        some.insert((((x / 360.0 + 0.5) * side) as u64, (down * side) as u64));
    }
    some.into_iter().map(|(x, y)| Square::new(z, x, y).unwrap()).collect()
}

fn codes(snapshot: &Snapshot, indices: &[u32]) -> Vec<String> {
    indices.iter().map(|index| snapshot.parcel(*index).code().to_owned()).collect()
}

/// Asks both the same.
fn assert_alike(rng: &mut ChaCha8Rng, revised: &Snapshot, packed: &Snapshot) {
    assert_eq!((revised.revision(), revised.len()), (packed.revision(), packed.len()));
    assert_eq!(revised.fingerprint(), packed.fingerprint());
    assert_eq!(revised.bounds(), packed.bounds());
    let day = chrono::NaiveDate::from_ymd_opt(2026, 6, 30).unwrap();
    let mut searches = vec![(revised.all(), packed.all())];
    for _ in 0..6 {
        let at = coord! { x: WEST + rng.random_range(0.0..0.048), y: SOUTH + rng.random_range(0.0..0.048) };
        let size = CELL * rng.random_range(0.1..12.0);
        let selection = if rng.random_bool(0.5) {
            Selection::bbox(at.x, at.y, at.x + size, at.y + size).unwrap()
        } else {
            let area = Polygon::new(star(rng, at, size, 17), vec![]);
            Selection::area(&geojson::Geometry::from(&area)).unwrap()
        };
        searches.push((revised.search(&selection), packed.search(&selection)));
    }
    for (mine, theirs) in searches {
        let found = codes(packed, theirs.indices());
        assert_eq!(codes(revised, mine.indices()), found);
        assert!(found.is_sorted());
        let months = chrono::Months::new(18);
        assert_eq!(revised.summary(&mine, day, months), packed.summary(&theirs, day, months));
        // Paging goes on after any code, be it there or not.
        for after in found.choose(rng).into_iter().cloned().chain([format!("310115{:06}", rng.random_range(0..4))]) {
            assert_eq!(codes(revised, revised.after(&mine, &after)), codes(packed, packed.after(&theirs, &after)));
        }
        for (one, other) in mine.indices().iter().zip(theirs.indices()).take(60) {
            let (one, other) = (revised.parcel(*one), packed.parcel(*other));
            assert_eq!(
                (one.district(), one.park(), one.land_use(), one.tier(), one.grade(), one.floor_area()),
                (other.district(), other.park(), other.land_use(), other.tier(), other.grade(), other.floor_area())
            );
            assert!(one.shape().rings().eq(other.shape().rings()));
            assert_eq!(revised.at(one.code()).map(|parcel| parcel.index()), Some(one.index()));
        }
    }
    for z in [0, 9, 11, 13, 14, 15, 17, u64::from(LAST_ZOOM)] {
        for square in squares(rng, z, 4) {
            for layer in [Layer::Parcels, Layer::Zones] {
                let made = packed.tile(layer, square);
                assert_eq!(revised.tile(layer, square), made, "{square:?}");
                assert_eq!(revised.packed_tile(layer, square), packed.packed_tile(layer, square), "{square:?} as kept");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, max_shrink_iters: 10, ..ProptestConfig::default() })]

    #[test]
    fn a_map_brought_up_to_date_is_the_map_packed_from_scratch(seed in any::<u64>()) {
        let rng = &mut chance(seed);
        let mut city = city(seed);
        let mut snapshot = from_scratch(1, &city);
        let mut gone = Vec::new();
        let mut settled = None;
        for revision in 2..7 {
            // Tiles kept from moment to moment, so that one kept too long shows.
            for z in [0, 10, 12, 14, 16] {
                for square in squares(rng, z, 6) {
                    snapshot.packed_tile(Layer::Parcels, square);
                }
            }
            snapshot = snapshot.with(changes(revision, edit(rng, &mut city, &mut gone))).unwrap();
            let packed = from_scratch(revision, &city);
            assert_alike(rng, &snapshot, &packed);
            prop_assert!(gone.iter().all(|code| city.contains_key(code) || snapshot.at(code).is_none()));
            // Packed anew from an earlier moment while edits went on.
            if revision % 3 == 0 {
                settled = Some(snapshot.settle().unwrap());
            } else if let Some(settled) = settled.take() {
                snapshot = snapshot.on(&settled).unwrap().expect("of the same city");
                assert_alike(rng, &snapshot, &packed);
                // The base that was left behind takes nothing more.
                prop_assert!(snapshot.on(&settled).unwrap().is_none());
            }
        }
    }
}

#[test]
fn only_tiles_that_show_a_changed_parcel_before_or_after_are_made_anew() {
    let rng = &mut chance(70);
    let mut city = city(70);
    let snapshot = from_scratch(1, &city);
    let mut kept = Vec::new();
    for z in 0..=18 {
        for square in squares(rng, z, 60) {
            kept.push((square, snapshot.packed_tile(Layer::Parcels, square)));
            snapshot.packed_tile(Layer::Districts, square);
        }
    }
    // From one end of the city to the other.
    let code = city.keys().next().unwrap().clone();
    let parcel = city.get_mut(&code).unwrap();
    let ring = scatter::square(WEST + CELL * 20.2, SOUTH + CELL * 20.2, CELL * 0.5);
    parcel.shape = MultiPolygon(vec![Polygon::new(ring, vec![])]);
    let change = Change { code: code.clone(), now: Some(parcel.clone()) };
    let next = snapshot.with(changes(2, vec![change])).unwrap();
    let packed = from_scratch(2, &city);
    let (mut warm, mut changed) = (0, 0);
    for (square, before) in kept {
        let still = next.kept_tile(Layer::Parcels, square);
        let now = packed.packed_tile(Layer::Parcels, square);
        match &still {
            Some(still) => assert_eq!(still, &now, "{square:?} shows what was"),
            None => assert_eq!(next.packed_tile(Layer::Parcels, square), now),
        }
        assert!(next.kept_tile(Layer::Districts, square).is_some());
        warm += u32::from(still.is_some());
        changed += u32::from(before != now);
    }
    assert!(warm > 150 && changed > 8, "{warm} tiles stayed warm, {changed} changed");
}

#[test]
fn a_change_that_the_map_does_not_show_leaves_every_tile_and_the_fingerprint() {
    let city = city(71);
    let snapshot = from_scratch(1, &city);
    let square = squares(&mut chance(1), 14, 1)[0];
    snapshot.packed_tile(Layer::Parcels, square);
    let same = city.values().take(50).map(|parcel| Change { code: parcel.code.clone(), now: Some(parcel.clone()) });
    let next = snapshot.with(changes(2, same.collect())).unwrap();
    assert_eq!((next.revision(), next.fingerprint()), (2, snapshot.fingerprint()));
    assert!(next.kept_tile(Layer::Parcels, square).is_some());
}

#[test]
fn a_changed_zone_redraws_the_zones_and_leaves_the_parcels() {
    let city = city(72);
    let snapshot = from_scratch(1, &city);
    let square = squares(&mut chance(2), 12, 1)[0];
    for layer in Layer::ALL {
        snapshot.packed_tile(layer, square);
    }
    let mut areas = scatter::areas();
    areas.retain(|area| area.code != "B-001");
    let next = snapshot.with(Changes { areas: Some(areas.clone()), ..changes(2, vec![]) }).unwrap();
    assert!(next.kept_tile(Layer::Parcels, square).is_some());
    assert!(next.kept_tile(Layer::Zones, square).is_none());
    let packed = Snapshot::build(2, scatter::city(), city.into_values().collect(), areas).unwrap();
    assert_alike(&mut chance(3), &next, &packed);
}
