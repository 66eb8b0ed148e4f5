//! The atlas against PostGIS: the same parcels, the same questions, the same sets of codes; and its verdict on areas
//! against PostGIS's. Knows both answers; refuses to know how either is reached.

use crate::scatter::{self, CELL, SIDE, SOUTH, WEST, cell_corner, chance, star};
use crate::support::{Database, fresh_database};
use geo::{Coord, Geometry, LineString, MultiPolygon, Polygon, Rect, Scale, coord};
use geozero::{CoordDimensions, ToWkb};
use landcycle::atlas::{Atlas, BuildError, CityFacts, Parcel, Selection, SelectionError, Snapshot};
use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

fn wkb(geometry: Geometry<f64>) -> Vec<u8> {
    geometry.to_ewkb(CoordDimensions::xy(), Some(4490)).unwrap()
}

async fn load(database: &Database, snapshot_parcels: &[landcycle::atlas::Parcel]) {
    sqlx::query("create table scatter (code text primary key, geom geometry(multipolygon, 4490))")
        .execute(&database.pool)
        .await
        .unwrap();
    let codes: Vec<_> = snapshot_parcels.iter().map(|parcel| parcel.code.clone()).collect();
    let shapes: Vec<_> = snapshot_parcels.iter().map(|parcel| wkb(parcel.shape.clone().into())).collect();
    sqlx::query("insert into scatter select c, st_geomfromewkb(g) from unnest($1::text[], $2::bytea[]) as t(c, g)")
        .bind(codes)
        .bind(shapes)
        .execute(&database.pool)
        .await
        .unwrap();
    let invalid: Vec<String> = sqlx::query_scalar("select code from scatter where not st_isvalid(geom)")
        .fetch_all(&database.pool)
        .await
        .unwrap();
    assert!(invalid.is_empty(), "the scatter must be of valid parcels: {invalid:?}");
}

async fn postgis(database: &Database, area: &Geometry<f64>) -> Vec<String> {
    sqlx::query_scalar(
        "select code from scatter where st_intersects(geom, st_geomfromewkb($1)) order by code collate \"C\"",
    )
    .bind(wkb(area.clone()))
    .fetch_all(&database.pool)
    .await
    .unwrap()
}

fn select(area: &Geometry<f64>) -> Result<Selection, SelectionError> {
    Selection::area(&geojson::Geometry::from(area))
}

fn atlas(snapshot: &Snapshot, selection: &Selection) -> Vec<String> {
    snapshot.search(selection).indices().iter().map(|index| snapshot.parcel(*index).code().to_owned()).collect()
}

fn anywhere(rng: &mut ChaCha8Rng) -> Coord<f64> {
    let side = CELL * SIDE as f64;
    coord! { x: WEST + rng.random_range(-0.2..1.2) * side, y: SOUTH + rng.random_range(-0.2..1.2) * side }
}

fn corners(parcels: &[landcycle::atlas::Parcel]) -> Vec<Coord<f64>> {
    use geo::CoordsIter;
    parcels.iter().flat_map(|parcel| parcel.shape.coords_iter()).collect()
}

/// Boxes as PostGIS takes them: without width or height they are a line or a point.
fn as_geometry(rect: Rect<f64>) -> Geometry<f64> {
    let (low, high) = (rect.min(), rect.max());
    match (low.x == high.x, low.y == high.y) {
        (true, true) => geo::Point(low).into(),
        (false, false) => rect.to_polygon().into(),
        _ => LineString(vec![low, high]).into(),
    }
}

#[tokio::test]
async fn a_box_finds_the_parcels_that_postgis_finds() {
    let parcels = scatter::parcels(1);
    let snapshot = scatter::snapshot(1, 1);
    let database = fresh_database().await;
    load(&database, &parcels).await;
    let rng = &mut chance(2);
    let known = corners(&parcels);
    let mut rects = Vec::new();
    for _ in 0..150 {
        rects.push(Rect::new(anywhere(rng), anywhere(rng)));
        // Small ones: inside parcels, inside holes, between.
        let at = anywhere(rng);
        let size = CELL * rng.random_range(0.0..0.4);
        rects.push(Rect::new(at, coord! { x: at.x + size, y: at.y + size }));
        // Ones that touch corners exactly, with and without extent.
        let (a, b) = (*known.choose(rng).unwrap(), *known.choose(rng).unwrap());
        rects.push(Rect::new(a, b));
        rects.push(Rect::new(a, a));
        rects.push(Rect::new(a, coord! { x: a.x, y: b.y }));
        rects.push(Rect::new(coord! { x: a.x, y: b.y }, b));
        // Whole cells: side by side with the parcels that fill theirs.
        let (column, row) = (rng.random_range(0..SIDE), rng.random_range(0..SIDE));
        rects.push(Rect::new(cell_corner(column, row), cell_corner(column + 1, row + 1)));
    }
    rects.push(Rect::new(coord! { x: -180.0, y: -90.0 }, coord! { x: 180.0, y: 90.0 }));
    rects.push(Rect::new(coord! { x: 10.0, y: 10.0 }, coord! { x: 11.0, y: 11.0 }));
    let (mut some, mut none) = (0, 0);
    for rect in rects {
        let (low, high) = (rect.min(), rect.max());
        let found = atlas(&snapshot, &Selection::bbox(low.x, low.y, high.x, high.y).unwrap());
        assert_eq!(found, postgis(&database, &as_geometry(rect)).await, "{rect:?}");
        if found.is_empty() { none += 1 } else { some += 1 }
    }
    assert!(some > 500 && none > 50, "the boxes say little: {some} found something, {none} nothing");
}

/// Areas of every awkward kind.
fn awkward_areas(rng: &mut ChaCha8Rng, parcels: &[landcycle::atlas::Parcel]) -> Vec<Geometry<f64>> {
    let known = corners(parcels);
    let mut areas: Vec<Geometry<f64>> = Vec::new();
    let plain = |ring: LineString<f64>| Polygon::new(ring, vec![]);
    for round in 0..80 {
        let at = anywhere(rng);
        let size = CELL * 2.0_f64.powf(rng.random_range(-4.0..4.0));
        let count = rng.random_range(3..60);
        let outer = star(rng, at, size, count);
        areas.push(plain(outer.clone()).into());
        // A triangle of parcels' corners, and one that shares an edge with a parcel.
        let three: Vec<_> = known.choose_multiple(rng, 3).copied().collect();
        areas.push(plain(LineString(vec![three[0], three[1], three[2], three[0]])).into());
        let parcel = parcels.choose(rng).unwrap();
        if let Some(own) = parcel.shape.0.first() {
            let shell = own.exterior();
            let edge = shell.lines().next().unwrap();
            areas.push(plain(LineString(vec![edge.start, edge.end, anywhere(rng), edge.start])).into());
            // The parcel itself, and areas whose hole is the parcel, or the parcel grown or shrunk a little.
            areas.push(parcel.shape.clone().into());
            areas.push(plain(shell.clone()).into());
            let frame = |hole: LineString<f64>| {
                let centre = shell.0[0];
                let around = Rect::new(
                    coord! { x: centre.x - CELL * 3.0, y: centre.y - CELL * 3.0 },
                    coord! { x: centre.x + CELL * 3.0, y: centre.y + CELL * 3.0 },
                );
                Polygon::new(around.to_polygon().exterior().clone(), vec![hole])
            };
            areas.push(frame(shell.clone()).into());
            areas.push(frame(shell.scale(1.05)).into());
            areas.push(frame(shell.scale(0.95)).into());
            // An area inside the parcel's hole, and one that fills it.
            if let Some(hole) = own.interiors().first() {
                areas.push(plain(hole.clone()).into());
                areas.push(plain(hole.scale(0.5)).into());
            }
        }
        // Several parts with holes of their own, one of them far outside.
        let parts = (0..4).map(|part| {
            let centre = coord! { x: at.x + CELL * 4.0 * f64::from(part), y: at.y };
            Polygon::new(star(rng, centre, CELL * 1.9, 12), vec![star(rng, centre, CELL * 0.6, 9)])
        });
        let mut parts: Vec<_> = parts.collect();
        parts.push(plain(star(rng, coord! { x: 10.0, y: 10.0 }, 1.0, 5)));
        areas.push(MultiPolygon(parts).into());
        if round % 20 == 0 {
            areas.push(plain(star(rng, at, CELL * 15.0, 5_000)).into());
            areas.push(plain(star(rng, cell_corner(SIDE / 2, SIDE / 2), CELL * 14.0, 40)).into());
            areas.push(plain(star(rng, coord! { x: WEST, y: SOUTH }, 30.0, 300)).into());
        }
    }
    areas
}

#[tokio::test]
async fn an_area_finds_the_parcels_that_postgis_finds() {
    let parcels = scatter::parcels(3);
    let snapshot = scatter::snapshot(1, 3);
    let database = fresh_database().await;
    load(&database, &parcels).await;
    let areas = awkward_areas(&mut chance(4), &parcels);
    let (mut some, mut none, mut refused) = (0, 0, 0);
    for area in areas {
        let selection = match select(&area) {
            Ok(selection) => selection,
            Err(error) => {
                let valid: bool = sqlx::query_scalar("select st_isvalid(st_geomfromewkb($1))")
                    .bind(wkb(area.clone()))
                    .fetch_one(&database.pool)
                    .await
                    .unwrap();
                assert!(!valid, "{error}: {area:?}");
                refused += 1;
                continue;
            }
        };
        let found = atlas(&snapshot, &selection);
        assert_eq!(found, postgis(&database, &area).await, "{area:?}");
        if found.is_empty() { none += 1 } else { some += 1 }
    }
    assert!(some > 400 && none > 20 && refused < 60, "{some} found something, {none} nothing, {refused} refused");
}

#[tokio::test]
async fn an_area_is_refused_exactly_where_postgis_calls_it_invalid() {
    let database = fresh_database().await;
    let rng = &mut chance(5);
    let (mut taken, mut refused) = (0, 0);
    for _ in 0..3_000 {
        // A coarse grid makes rings that touch, overlap, fold back and share edges more often than not.
        let ring = |rng: &mut ChaCha8Rng, west: i32, size: i32| {
            let count = rng.random_range(3..7);
            let mut points: Vec<Coord<f64>> = (0..count)
                .map(|_| coord! { x: f64::from(west + rng.random_range(0..=size)), y: f64::from(rng.random_range(0..=size)) })
                .collect();
            points.push(points[0]);
            LineString(points)
        };
        let box_of = |west: i32, south: i32, size: i32| {
            Rect::new(
                coord! { x: f64::from(west), y: f64::from(south) },
                coord! { x: f64::from(west + size), y: f64::from(south + size) },
            )
            .to_polygon()
            .exterior()
            .clone()
        };
        let area: Geometry<f64> = match rng.random_range(0..4) {
            0 => Polygon::new(ring(rng, 0, 6), vec![]).into(),
            1 => Polygon::new(box_of(0, 0, 6), vec![ring(rng, 0, 6)]).into(),
            2 => Polygon::new(box_of(0, 0, 8), vec![ring(rng, 0, 4), box_of(3, rng.random_range(0..5), 3)]).into(),
            _ => MultiPolygon(vec![
                Polygon::new(box_of(0, 0, 6), vec![box_of(1, 1, 4)]),
                Polygon::new(ring(rng, 0, 8), vec![]),
            ])
            .into(),
        };
        let reason: String = sqlx::query_scalar("select st_isvalidreason(st_geomfromewkb($1))")
            .bind(wkb(area.clone()))
            .fetch_one(&database.pool)
            .await
            .unwrap();
        match select(&area) {
            Ok(_) => {
                taken += 1;
                // An inside in two pieces is odd, but which parcels it meets is still clear.
                assert!(reason == "Valid Geometry" || reason.contains("disconnected"), "{reason}: {area:?}");
            }
            Err(error) => {
                refused += 1;
                assert_ne!(reason, "Valid Geometry", "{error}: {area:?}");
            }
        }
    }
    assert!(taken > 200 && refused > 200, "{taken} taken, {refused} refused");
}

fn refusal(text: &str) -> String {
    Selection::geojson(&text.parse().unwrap()).unwrap_err().to_string()
}

#[test]
fn a_bad_area_is_refused_with_the_place_of_its_fault() {
    let polygon = |rings: &str| refusal(&format!(r#"{{"type":"Polygon","coordinates":{rings}}}"#));
    assert_eq!(
        polygon("[[[0,0],[2,2],[2,0],[0,2],[0,0]]]"),
        "the outer ring of polygon 1 meets itself at (1, 1), expected a ring that does not; move or remove the corners near there"
    );
    assert!(polygon("[[[0,0],[2,0],[2,2],[0,2]]]").contains("starts at (0, 0) and ends at (0, 2)"));
    assert!(polygon("[[[0,0],[2,0],[0,0]]]").contains("has 3 points, expected at least 4"));
    assert!(polygon("[[[0,0],[200,0],[2,2],[0,0]]]").contains("(200, 0), expected a longitude"));
    assert!(polygon("[[[0,0],[2,0],[1,0],[0,0]]]").contains("meets itself"));
    assert!(polygon("[[[1,1],[1,1],[1,1],[1,1]]]").contains("meets itself at (1, 1)"));
    assert!(polygon("[]").contains("no ring"));
    assert!(
        polygon("[[[0,0],[9,0],[9,9],[0,9],[0,0]],[[20,1],[21,1],[21,2],[20,1]]]")
            .starts_with("hole 1 of polygon 1 is a hole")
    );
    assert!(refusal(r#"{"type":"Point","coordinates":[0,0]}"#).contains("is a Point, expected a Polygon"));
    assert!(refusal(r#"{"type":"GeometryCollection","geometries":[]}"#).contains("is a GeometryCollection"));
    assert!(refusal(r#"{"type":"Feature","properties":{},"geometry":null}"#).contains("Feature without geometry"));
    let ring: Vec<_> = (0..=100_001).map(|i| [f64::from(i % 100_001) * 1e-4, 0.0]).collect();
    assert!(polygon(&serde_json::to_string(&[ring]).unwrap()).contains("at most 100000"));
}

#[test]
fn a_bad_box_is_refused() {
    for (w, s, e, n, part) in [
        (1.0, 0.0, 0.0, 1.0, "west 1 beyond east 0"),
        (0.0, 1.0, 1.0, 0.0, "south 1 beyond north 0"),
        (f64::NAN, 0.0, 1.0, 1.0, "(NaN, 0), expected a longitude"),
        (0.0, 0.0, 181.0, 1.0, "(181, 1)"),
        (0.0, f64::NEG_INFINITY, 1.0, 1.0, "(0, -inf)"),
    ] {
        let error = Selection::bbox(w, s, e, n).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn a_comb_of_slanting_teeth_is_answered_or_refused_in_short_time() {
    // The worst an honest limit lets through: every tooth's box covers nearly every other's.
    let teeth = 20_000;
    let mut ring: Vec<Coord<f64>> = Vec::new();
    for tooth in 0..teeth {
        let shift = f64::from(tooth) * 1e-6;
        let (near, far) = (coord! { x: shift, y: -shift }, coord! { x: 40.0 + shift, y: 40.0 - shift });
        if tooth % 2 == 0 { ring.extend([near, far]) } else { ring.extend([far, near]) }
    }
    ring.extend([coord! { x: -1.0, y: -1.0 }, ring[0]]);
    let begun = std::time::Instant::now();
    let _ = select(&Polygon::new(LineString(ring), vec![]).into());
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}

#[test]
fn the_summary_counts_every_found_parcel_once_in_each_grouping() {
    let snapshot = scatter::snapshot(1, 6);
    let day = chrono::NaiveDate::from_ymd_opt(2026, 6, 30).unwrap();
    let hits = snapshot.search(&Selection::bbox(WEST, SOUTH, WEST + CELL * 9.0, SOUTH + CELL * 14.0).unwrap());
    let summary = snapshot.summary(&hits, day, chrono::Months::new(18));
    assert!(hits.len() > 100);
    assert_eq!(summary.total.count, hits.len() as u64);
    for (count, area) in [
        summary.by_grade.values().fold((0, 0.0), |sum, t| (sum.0 + t.count, sum.1 + t.area.value())),
        summary.by_tier.values().fold((0, 0.0), |sum, t| (sum.0 + t.count, sum.1 + t.area.value())),
        summary.by_land_use.values().fold((0, 0.0), |sum, t| (sum.0 + t.count, sum.1 + t.area.value())),
        summary.by_district.values().fold((0, 0.0), |sum, t| (sum.0 + t.count, sum.1 + t.area.value())),
    ] {
        assert_eq!(count, summary.total.count);
        assert!((area - summary.total.area.value()).abs() < 1e-3);
    }
    let parcels: Vec<_> = hits.indices().iter().map(|index| snapshot.parcel(*index)).collect();
    let expiring = parcels
        .iter()
        .filter_map(|parcel| parcel.term_ends_on())
        .filter(|end| *end > day && *end <= chrono::NaiveDate::from_ymd_opt(2027, 12, 30).unwrap());
    assert_eq!(summary.expiring, expiring.count() as u64);
    let floor: f64 = parcels.iter().filter_map(|parcel| parcel.floor_area()).map(|area| area.value()).sum();
    assert!((summary.floor_area.unwrap().value() - floor).abs() < 1e-3);
    assert_eq!(summary.plot_ratio_allowed.unwrap().value(), 2.0);
    let nothing = snapshot.summary(&Default::default(), day, chrono::Months::new(18));
    assert_eq!((nothing.total.count, nothing.floor_area, nothing.plot_ratio_built), (0, None, None));
}

#[test]
fn a_term_expires_from_the_months_before_its_end_until_its_last_day() {
    let day = |y, m, d| chrono::NaiveDate::from_ymd_opt(y, m, d).unwrap();
    let expiring = |end, months| {
        let parcel = Parcel { term_ends_on: end, ..scatter::parcels(7).swap_remove(0) };
        let snapshot = Snapshot::build(1, CityFacts::default(), vec![parcel], vec![]).unwrap();
        snapshot.summary(&snapshot.all(), day(2026, 6, 30), chrono::Months::new(months)).expiring
    };
    // The day that is given is the first one after the term.
    for (end, months, expected) in [
        (Some(day(2020, 1, 1)), 18, 0),
        (Some(day(2026, 6, 30)), 18, 0),
        (Some(day(2026, 7, 1)), 18, 1),
        (Some(day(2027, 12, 30)), 18, 1),
        (Some(day(2027, 12, 31)), 18, 0),
        (Some(day(2027, 12, 31)), 19, 1),
        (Some(day(2026, 7, 1)), 0, 0),
        (None, 18, 0),
    ] {
        assert_eq!(expiring(end, months), expected, "{end:?} {months}");
    }
}

#[test]
fn a_snapshot_takes_each_parcel_once_and_only_on_earth() {
    let mut parcels = scatter::parcels(7);
    parcels.push(parcels[3].clone());
    let error = Snapshot::build(1, CityFacts::default(), parcels.clone(), vec![]).unwrap_err();
    assert!(matches!(error, BuildError::Order { .. }), "{error}");
    parcels.pop();
    parcels[0].shape = MultiPolygon(vec![Polygon::new(scatter::square(f64::NAN, 31.0, 0.1), vec![])]);
    let error = Snapshot::build(1, CityFacts::default(), parcels, vec![]).unwrap_err();
    assert!(matches!(error, BuildError::Place { .. }), "{error}");
}

#[test]
fn a_reader_keeps_its_moment_while_the_next_is_swapped_in() {
    let atlas = Atlas::empty();
    assert!(!atlas.is_loaded());
    let before = atlas.current();
    atlas.swap(scatter::snapshot(5, 8));
    assert!(atlas.is_loaded());
    assert_eq!((before.revision(), before.len()), (0, 0));
    assert_eq!((atlas.current().revision(), atlas.current().len()), (5, SIDE * SIDE));
    let other = scatter::snapshot(5, 9);
    assert_ne!(atlas.current().fingerprint(), other.fingerprint());
    assert_eq!(scatter::snapshot(6, 9).fingerprint(), other.fingerprint());
}

#[test]
fn a_parcel_is_found_by_its_code_with_all_that_was_given() {
    let given = scatter::parcels(10);
    let snapshot = scatter::snapshot(1, 10);
    for parcel in &given {
        let found = snapshot.at(&parcel.code).unwrap();
        assert_eq!(
            (found.code(), found.district(), found.park(), found.tier(), found.locked(), found.land_use()),
            (&*parcel.code, &*parcel.district, parcel.park.as_deref(), parcel.tier, parcel.locked, &*parcel.land_use)
        );
        assert_eq!(
            (found.grade(), found.outcome(), found.term_ends_on()),
            (parcel.grade, parcel.outcome.as_deref(), parcel.term_ends_on)
        );
        assert_eq!(found.floor_area().map(|area| area.value()), parcel.floor_area_m2);
        let rings: Vec<Vec<[f64; 2]>> = found.shape().rings().map(<[_]>::to_vec).collect();
        let given = parcel.shape.iter().flat_map(|p| std::iter::once(p.exterior()).chain(p.interiors()));
        let given: Vec<Vec<[f64; 2]>> = given.map(|ring| ring.0.iter().map(|c| [c.x, c.y]).collect()).collect();
        assert_eq!(rings, given);
    }
    assert!(snapshot.at("310115002004GB99999").is_none());
    let all = snapshot.all();
    assert_eq!(snapshot.after(&all, &given[9].code), &all.indices()[10..]);
    assert_eq!(snapshot.after(&all, "0"), all.indices());
    assert!(snapshot.after(&all, "Z").is_empty());
}
