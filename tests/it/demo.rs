//! The files of the demo city, read back as a stranger would read them.

#[path = "demo/files.rs"]
mod files;

use chrono::NaiveDate;
use files::{CITY, CityFiles, PARCELS};
use geo::{Area, BooleanOps, BoundingRect, Contains, MultiPolygon};
use landcycle::demo::{DemoError, Settings, generate};
use landcycle::domain::contract::due::{DueRule, DueUnit, Event};
use landcycle::domain::geometry;
use landcycle::domain::id::ParcelCode;
use landcycle::domain::intake::Kind;
use landcycle::domain::{contract, zoning};
use proptest::prelude::*;
use rstar::primitives::{GeomWithData, Rectangle};
use rstar::{AABB, RTree};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 6, 30).unwrap()
}

fn make(parcels: u32, seed: u64, out: &Path) -> BTreeMap<String, String> {
    generate(&Settings { parcels, seed }, out, &mut |_, _, _| {}).unwrap().sha256
}

/// Every file of a folder with its content.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(&path).unwrap())).collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes_whatever_the_number_of_threads() {
    let [one, other] = [1, 4].map(|threads| {
        let folder = tempfile::tempdir().unwrap();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| make(300, 7, folder.path()));
        folder
    });
    let (one, other) = (contents(one.path()), contents(other.path()));
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    for (name, bytes) in &one {
        assert!(bytes == &other[name], "{name} differs");
    }
    assert_eq!(one.len(), 21, "{:?}", one.keys());
}

#[test]
fn another_seed_gives_another_city() {
    let [one, other] = [7, 8].map(|seed| {
        let folder = tempfile::tempdir().unwrap();
        make(120, seed, folder.path())
    });
    for (name, hash) in &one {
        // The projections and the note are the same for every city.
        assert_eq!(hash == &other[name], name.ends_with(".prj") || name.ends_with(".txt"), "{name}");
    }
}

#[test]
fn making_a_city_over_another_leaves_only_the_new_one() {
    let folder = tempfile::tempdir().unwrap();
    make(120, 8, folder.path());
    let over = make(120, 7, folder.path());
    let fresh = tempfile::tempdir().unwrap();
    assert_eq!(over, make(120, 7, fresh.path()));
    assert_eq!(contents(folder.path()), contents(fresh.path()));
}

#[test]
fn a_city_of_a_size_that_cannot_be_made_is_refused_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for parcels in [0, 59, 1_000_001] {
        let refused = generate(&Settings { parcels, seed: 1 }, folder.path(), &mut |_, _, _| {});
        assert!(matches!(refused, Err(DemoError::Size { .. })));
    }
    assert!(contents(folder.path()).is_empty());
}

#[test]
fn the_parcel_files_are_gbk_shapefiles_in_two_projections_without_a_word_on_their_encoding() {
    for (name, epsg) in [("产业用地_120E", 4549), ("产业用地_123E", 4550)] {
        let path = CITY.folder.path().join(format!("{name}.shp"));
        assert!(!path.with_extension("cpg").exists());
        let table = std::fs::read(path.with_extension("dbf")).unwrap();
        assert_eq!(table[29], 0, "the language byte of {name}");
        // 演示 is not in the table, 虚构 is: in GBK it is D0 E9 B9 B9.
        assert!(table.windows(4).any(|four| four == [0xD0, 0xE9, 0xB9, 0xB9]));
        assert_eq!(files::epsg(&path), epsg);
    }
    let west = CITY.parcels.iter().filter(|one| one.west).count();
    assert!(west > 0 && west < CITY.parcels.len());
}

#[test]
fn the_manifest_names_every_file_says_that_all_is_made_up_and_hashes_right() {
    let text = std::fs::read_to_string(CITY.folder.path().join("manifest.json")).unwrap();
    let manifest: landcycle::demo::Manifest = serde_json::from_str(&text).unwrap();
    assert!(manifest.made_up && manifest.note.zh.contains("虚构") && manifest.note.en.contains("made up"));
    let kinds: Vec<_> = manifest.datasets.iter().map(|set| set.kind.as_str()).collect();
    assert_eq!(kinds, Kind::ALL.map(Kind::name));
    let files: BTreeSet<_> = contents(CITY.folder.path()).into_keys().filter(|name| name != "manifest.json").collect();
    assert_eq!(files, manifest.sha256.keys().cloned().collect());
    for (name, hash) in &manifest.sha256 {
        use sha2::Digest;
        let bytes = std::fs::read(CITY.folder.path().join(name)).unwrap();
        assert_eq!(&hex::encode(sha2::Sha256::digest(bytes)), hash, "{name}");
    }
}

#[test]
fn there_are_as_many_parcels_as_asked_for_each_with_its_own_code_in_its_own_district() {
    assert_eq!(CITY.parcels.len(), PARCELS as usize);
    let codes: BTreeSet<_> = CITY.parcels.iter().map(|one| one.code.clone()).collect();
    assert_eq!(codes.len(), CITY.parcels.len());
    let districts: HashMap<String, MultiPolygon> = CITY.shapes("districts");
    for one in &CITY.parcels {
        let code = ParcelCode::parse(&one.code).unwrap();
        assert_eq!(code.district().as_str(), one.district);
        assert!(districts[&one.district].contains(&one.shape), "{}", one.code);
    }
    let held: BTreeSet<_> = CITY.parcels.iter().map(|one| one.district.as_str()).collect();
    assert_eq!(held.len(), 16);
}

#[test]
fn the_land_is_as_much_as_shanghais_survey_found_for_that_many_parcels() {
    let land: f64 = CITY.parcels.iter().map(|one| geometry::area(&one.shape).value()).sum();
    let wanted = 728e6 / 48_501.0 * f64::from(PARCELS);
    assert!((land / wanted - 1.0).abs() < 0.02, "{land} instead of {wanted}");
    // Heavy-tailed: the largest tenth holds near half of the land, and the median is well below the mean.
    let mut sizes: Vec<f64> = CITY.parcels.iter().map(|one| geometry::area(&one.shape).value()).collect();
    sizes.sort_by(f64::total_cmp);
    let tenth: f64 = sizes[sizes.len() * 9 / 10..].iter().sum();
    assert!((0.3..0.65).contains(&(tenth / land)), "{}", tenth / land);
    assert!(sizes[sizes.len() / 2] < 0.75 * land / sizes.len() as f64);
    // Irregular: most have another number of corners than four, or are far from square.
    let points: BTreeSet<usize> = CITY.parcels.iter().map(|one| one.shape.0[0].exterior().0.len() - 1).collect();
    assert!(points.len() >= 5, "{points:?}");
}

/// The greatest overlap in m² between any two of some shapes.
fn greatest_overlap(shapes: &[MultiPolygon]) -> f64 {
    let boxes = shapes.iter().enumerate().map(|(index, shape)| {
        let rect = shape.bounding_rect().unwrap();
        let corners = ([rect.min().x, rect.min().y], [rect.max().x, rect.max().y]);
        GeomWithData::new(Rectangle::from_corners(corners.0, corners.1), index)
    });
    let tree = RTree::bulk_load(boxes.collect());
    let mut most = 0.0_f64;
    for (index, shape) in shapes.iter().enumerate() {
        let rect = shape.bounding_rect().unwrap();
        let envelope = AABB::from_corners([rect.min().x, rect.min().y], [rect.max().x, rect.max().y]);
        for other in tree.locate_in_envelope_intersecting(envelope).map(|found| found.data) {
            if other < index {
                let common = shape.intersection(&shapes[other]);
                // Degrees to metres at 31° N is near enough for a bound.
                most = most.max(common.unsigned_area() * 111_000.0 * 95_500.0);
            }
        }
    }
    most
}

#[test]
fn no_two_parcels_and_no_two_districts_overlap() {
    let parcels: Vec<_> = CITY.parcels.iter().map(|one| one.shape.clone()).collect();
    let most = greatest_overlap(&parcels);
    assert!(most < 0.01, "{most} m²");
    let districts: Vec<_> = CITY.shapes("districts").into_values().collect();
    assert!(greatest_overlap(&districts) < 1.0);
    assert!(greatest_overlap(&CITY.shapes("zones").into_values().collect::<Vec<_>>()) < 0.01);
}

#[test]
fn every_building_stands_on_its_parcel_and_floors_are_shared_without_remainder() {
    let parcels: HashMap<&str, &MultiPolygon> =
        CITY.parcels.iter().map(|one| (one.code.as_str(), &one.shape)).collect();
    let mut used: HashMap<String, f64> = HashMap::new();
    assert!(CITY.buildings.len() > CITY.parcels.len());
    for one in &CITY.buildings {
        assert!(parcels[one.building.parcel.as_ref().unwrap().as_str()].contains(&one.shape), "{}", one.building.code);
        *used.entry(one.building.parcel.as_ref().unwrap().as_str().to_owned()).or_default() +=
            one.building.used_floor_area.unwrap().value();
    }
    let mut let_out: HashMap<String, f64> = HashMap::new();
    for one in CITY.occupancies.iter().filter(|one| one.to.is_none()) {
        *let_out.entry(one.parcel.as_str().to_owned()).or_default() += one.floor_area.value();
    }
    for (parcel, floor) in let_out {
        assert!(floor <= used[&parcel] + 0.5, "{parcel}: {floor} of {}", used[&parcel]);
    }
}

#[test]
fn everything_that_is_named_exists() {
    let parcels: BTreeSet<&str> = CITY.parcels.iter().map(|one| one.code.as_str()).collect();
    let enterprises: BTreeSet<&str> = CITY.enterprises.iter().map(|one| one.code.as_str()).collect();
    let contracts: BTreeSet<&str> = CITY.contracts.iter().map(|one| one.number.as_str()).collect();
    let parks: BTreeSet<String> = CITY.shapes("parks").into_keys().collect();
    assert_eq!(enterprises.len(), CITY.enterprises.len());
    assert_eq!(contracts.len(), CITY.contracts.len());
    assert_eq!(contracts.len(), parcels.len());
    for one in &CITY.occupancies {
        assert!(parcels.contains(one.parcel.as_str()) && enterprises.contains(one.enterprise.as_str()));
    }
    for one in &CITY.contracts {
        assert!(parcels.contains(one.parcel.as_str()) && enterprises.contains(one.holder.as_deref().unwrap()));
    }
    assert!(CITY.obligations.iter().all(|one| contracts.contains(one.contract.as_str())));
    assert!(CITY.returns.iter().all(|one| enterprises.contains(one.enterprise.as_str())));
    let outside = CITY.parcels.iter().filter(|one| one.park.is_none()).count();
    assert!((0.08..0.16).contains(&(outside as f64 / parcels.len() as f64)));
    assert!(CITY.parcels.iter().filter_map(|one| one.park.as_ref()).all(|park| parks.contains(park)));
}

#[test]
fn the_worst_quarter_of_the_parks_holds_24_per_cent_of_the_land_and_gives_under_5_per_cent_of_the_output() {
    assert_eq!(CITY.shapes("parks").len(), 200);
    let (land, output) = CITY.by_park();
    let (all_land, all_output): (f64, f64) = (land.values().sum(), output.values().sum());
    let mut parks: Vec<&String> = land.keys().flatten().collect();
    let given = |park: &String| output.get(&Some(park.clone())).copied().unwrap_or(0.0);
    let held = |park: &String| land[&Some(park.clone())];
    parks.sort_by(|a, b| (given(a) / held(a)).total_cmp(&(given(b) / held(b))));
    let worst = &parks[..50];
    let land_share = worst.iter().map(|park| held(park)).sum::<f64>() / all_land;
    let output_share = worst.iter().map(|park| given(park)).sum::<f64>() / all_output;
    assert!((0.225..0.255).contains(&land_share), "{land_share}");
    assert!(output_share < 0.05 && output_share > 0.005, "{output_share}");
}

#[test]
fn about_one_parcel_in_a_hundred_is_idle() {
    let year = chrono::TimeDelta::days(365);
    let handed_over: BTreeMap<&str, NaiveDate> =
        CITY.contracts.iter().filter_map(|one| Some((one.number.as_str(), one.handed_over_on?))).collect();
    let due = |one: &contract::obligation::Obligation| match one.due.unwrap() {
        DueRule::On(day) => day,
        DueRule::After { event: Event::Handover, count, unit: DueUnit::Months } => {
            handed_over[one.contract.as_str()] + chrono::Months::new(count)
        }
        other => panic!("{other:?}"),
    };
    let started: BTreeSet<&str> = CITY
        .obligations
        .iter()
        .filter(|one| one.kind == contract::obligation::ObligationKind::Start)
        .filter(|one| one.met_on.is_none() && due(one) + year <= today())
        .map(|one| one.contract.as_str())
        .collect();
    let suspended = CITY.contracts.iter().filter(|one| {
        one.suspended_on.is_some_and(|day| day + year <= today())
            && (one.developed_percent.unwrap() < 100.0 / 3.0 || one.invested_percent.unwrap() < 25.0)
    });
    let share = (started.len() + suspended.count()) as f64 / CITY.parcels.len() as f64;
    assert!((0.007..0.013).contains(&share), "{share}");
}

#[test]
fn the_contracts_and_returns_have_the_shape_of_a_real_city() {
    let share = |count: usize, of: usize| count as f64 / of as f64;
    let contracts = &CITY.contracts;
    let bare = contracts.iter().filter(|one| !one.performance_terms).count();
    assert!((0.65..0.75).contains(&share(bare, contracts.len())));
    let turn = NaiveDate::from_ymd_opt(2014, 7, 1).unwrap();
    assert!(contracts.iter().all(|one| one.performance_terms == (one.signed_on >= turn)));
    let soon = today() + chrono::Months::new(18);
    let expiring = contracts.iter().filter(|one| one.term_ends_on.is_some_and(|end| end > today() && end <= soon));
    assert!((0.004..0.03).contains(&share(expiring.count(), contracts.len())));

    let returns = &CITY.returns;
    let gaps = returns.iter().filter(|one| one.output_wan_yuan.is_none()).count();
    assert!((0.03..0.05).contains(&share(gaps, returns.len())));
    let reporting: BTreeSet<&str> = returns.iter().map(|one| one.enterprise.as_str()).collect();
    let working: BTreeSet<&str> = CITY.occupancies.iter().map(|one| one.enterprise.as_str()).collect();
    let silent = working.difference(&reporting).count();
    assert!((0.01..0.035).contains(&share(silent, working.len())));
    assert!(returns.iter().any(|one| one.veto.is_some() && one.veto_cleared_on.is_none()));
    assert!(returns.iter().any(|one| one.veto_cleared_on.is_some()));
    assert!(CITY.occupancies.iter().any(|one| !one.tax_is_local));
    let years: BTreeSet<i32> = returns.iter().map(|one| one.year).collect();
    assert_eq!(years.into_iter().collect::<Vec<_>>(), [2021, 2022, 2023, 2024, 2025]);
}

#[test]
fn three_fifths_of_the_land_lie_in_bases_and_a_few_parcels_straddle_a_border() {
    let zones: Vec<(zoning::Zone, MultiPolygon)> = CITY.zones();
    let land: f64 = CITY.parcels.iter().map(|one| one.shape.unsigned_area()).sum();
    let (mut base, mut community, mut straddling) = (0.0, 0.0, 0);
    for one in &CITY.parcels {
        for (zone, shape) in &zones {
            let (a, b) = (one.shape.bounding_rect().unwrap(), shape.bounding_rect().unwrap());
            if a.max().x < b.min().x || a.min().x > b.max().x || a.max().y < b.min().y || a.min().y > b.max().y {
                continue;
            }
            let common = one.shape.intersection(shape).unsigned_area();
            let part = common / one.shape.unsigned_area();
            straddling += usize::from((0.001..0.999).contains(&part));
            match zone.tier {
                zoning::Tier::Base => base += common / land,
                _ => community += common / land,
            }
        }
    }
    assert!((0.55..0.65).contains(&base), "{base}");
    assert!((0.18..0.26).contains(&community), "{community}");
    // Parks of a dozen parcels have more of them at their borders than those of the whole city.
    assert!(straddling > 0 && straddling < CITY.parcels.len() / 25, "{straddling}");
    assert!(zones.iter().all(|(zone, _)| zone.in_force.document.as_ref().unwrap().starts_with("演示文件（虚构）")));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]
    #[test]
    fn a_city_of_any_size_and_seed_has_its_number_of_parcels_and_no_overlap(seed: u64, parcels in 60_u32..500) {
        let city = CityFiles::make(parcels, seed);
        prop_assert_eq!(city.parcels.len(), parcels as usize);
        let shapes: Vec<_> = city.parcels.iter().map(|one| one.shape.clone()).collect();
        prop_assert!(greatest_overlap(&shapes) < 0.01);
        let land: f64 = shapes.iter().map(|shape| geometry::area(shape).value()).sum();
        let wanted = 728e6 / 48_501.0 * f64::from(parcels);
        prop_assert!((land / wanted - 1.0).abs() < 0.02, "{} instead of {}", land, wanted);
    }
}

#[test]
fn the_default_city_is_shanghais() {
    assert_eq!(Settings::default(), Settings { parcels: 48_501, seed: 310_000 });
}

#[test]
fn registered_areas_are_near_the_surveyed_ones_and_a_few_less_near() {
    let off = |one: &files::ParcelRow| {
        let registered = one.parcel.registered_area.unwrap().value();
        (registered / geometry::area(&one.shape).value() - 1.0).abs()
    };
    let far = CITY.parcels.iter().filter(|one| off(one) > 0.019).count();
    assert!((0.003..0.025).contains(&(far as f64 / CITY.parcels.len() as f64)), "{far}");
    assert!(CITY.parcels.iter().all(|one| off(one) < 0.05));
    for one in &CITY.parcels {
        let allowed = one.parcel.plot_ratio_allowed.unwrap().value();
        let research = matches!(one.parcel.land_use.as_str(), "M4" | "C65");
        assert!(if research { (2.0..=3.0).contains(&allowed) } else { (1.0..=2.5).contains(&allowed) });
    }
}

/// An obligation whose clock could never be computed would be a promise that nobody can hold anyone to.
#[test]
fn every_obligation_of_the_city_has_a_due_rule_and_what_it_counts_from_is_recorded() {
    let handed_over: BTreeSet<&str> =
        CITY.contracts.iter().filter(|one| one.handed_over_on.is_some()).map(|one| one.number.as_str()).collect();
    let mut counted = 0;
    for one in &CITY.obligations {
        if let DueRule::After { event, .. } = one.due.unwrap() {
            assert_eq!(event, Event::Handover);
            assert!(handed_over.contains(one.contract.as_str()), "{}", one.number);
            counted += 1;
        }
    }
    assert!(counted > 0);
    assert!(CITY.contracts.iter().any(|one| one.bonds.parts_wan_yuan.is_some()));
}
