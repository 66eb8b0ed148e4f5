//! Where the parks and the scattered plots of the made-up city lie. Nothing here overlaps: areas are cut back by the
//! borders of their district and by half-planes between neighbours, and parks are pieces of an area.

use super::chance::{Chance, Stage};
use super::city::{DISTRICTS, border_margin_m};
use super::places::{PLACES, Place, Standing};
use super::plane::{self, Ring};
use super::streets::divide;
use geo_types::{Coord, coord};

/// Shanghai's survey: 48,501 parcels on 728 km² (domain reference §1).
const MEAN_PARCEL_M2: f64 = 728e6 / 48_501.0;
/// The most industrial land that the sixteen districts can hold here; with more parcels each is smaller.
const MOST_LAND_M2: f64 = 1_000e6;
/// How much of the land lies in parks of weak standing, and outside parks.
const WEAK_SHARE: f64 = 0.242;
const SCATTERED_SHARE: f64 = 0.08;
/// How much of the parcels lie outside parks: they are smaller.
const SCATTERED_PARCELS: f64 = 0.12;
/// How much of an area is parcels; the rest is streets, green and what is no industry.
const FILL: f64 = 0.56;

/// A park.
pub(super) struct Park {
    pub place: &'static Place,
    /// Its number within its area, from 0, and how many the area has.
    pub number: usize,
    pub siblings: usize,
    /// The place of its district in the list, and its number there from 1.
    pub district: usize,
    pub number_in_district: usize,
    /// The ground it may use.
    pub cell: Ring,
    /// How much land its parcels should have, and how many there are.
    pub land_m2: f64,
    pub parcels: usize,
}

/// The scattered plots of a district.
pub(super) struct Scattered {
    pub district: usize,
    /// The ground of each cluster and how many parcels it has.
    pub clusters: Vec<(Ring, usize)>,
}

/// Where everything lies.
pub(super) struct Sites {
    pub parks: Vec<Park>,
    pub scattered: Vec<Scattered>,
}

/// The mean size of a parcel in a city of that many.
pub(super) fn mean_parcel_m2(parcels: usize) -> f64 {
    MEAN_PARCEL_M2.min(MOST_LAND_M2 / parcels.max(1) as f64)
}

/// Shares a whole number out by weight, the greatest remainders first, at least `least` each where it suffices.
fn share_out(whole: usize, weights: &[f64], least: usize) -> Vec<usize> {
    let least = if whole >= least * weights.len() { least } else { 0 };
    let free = whole - least * weights.len();
    let total: f64 = weights.iter().sum();
    let exact: Vec<f64> = weights.iter().map(|weight| weight / total * free as f64).collect();
    let mut shares: Vec<usize> = exact.iter().map(|share| share.floor() as usize).collect();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by(|a, b| (exact[*b].fract()).total_cmp(&exact[*a].fract()).then(a.cmp(b)));
    let left = free - shares.iter().sum::<usize>().min(free);
    for index in order.iter().cycle().take(left) {
        shares[*index] += 1;
    }
    shares.iter().map(|share| share + least).collect()
}

/// Plans a city.
pub(super) fn plan(parcels: usize, seed: u64) -> Sites {
    let mut chance = Chance::of(seed, Stage::Sites, 0);
    let land = mean_parcel_m2(parcels) * parcels as f64;
    let park_count = if parcels <= 100_000 { (parcels / 12).clamp(4, 200) } else { parcels / 500 };
    let weak_parks = (park_count as f64 / 4.0).round() as usize;

    // The areas in use: a small city has only the greatest.
    let mut chosen: Vec<(usize, usize)> = Vec::new();
    for (weak, parks) in [(false, park_count - weak_parks), (true, weak_parks)] {
        let mut group: Vec<usize> =
            (0..PLACES.len()).filter(|index| (PLACES[*index].standing == Standing::Weak) == weak).collect();
        group.sort_by(|a, b| PLACES[*b].weight.total_cmp(&PLACES[*a].weight).then(a.cmp(b)));
        group.truncate(parks);
        group.sort_unstable();
        let weights: Vec<f64> = group.iter().map(|index| PLACES[*index].weight).collect();
        chosen.extend(group.into_iter().zip(share_out(parks, &weights, 1)));
    }
    let group_land = |weak: bool| if weak { WEAK_SHARE } else { 1.0 - WEAK_SHARE - SCATTERED_SHARE } * land;
    let group_weight = |weak: bool| -> f64 {
        let of_group = chosen.iter().filter(|(index, _)| (PLACES[*index].standing == Standing::Weak) == weak);
        of_group.map(|(index, _)| PLACES[*index].weight).sum()
    };
    let weights = [group_weight(false), group_weight(true)];
    let wanted: Vec<f64> = chosen
        .iter()
        .map(|(index, _)| {
            let place = &PLACES[*index];
            let weak = place.standing == Standing::Weak;
            group_land(weak) * place.weight / weights[usize::from(weak)]
        })
        .collect();
    let places: Vec<&'static Place> = chosen.iter().map(|(index, _)| &PLACES[*index]).collect();
    let (areas, lands) = settle(&places, wanted, &mut chance);

    let mut parks = Vec::new();
    let mut in_district = [0_usize; DISTRICTS.len()];
    for (((_, count), place), (area, land_m2)) in chosen.iter().zip(&places).zip(areas.iter().zip(lands)) {
        let district = district_of(place);
        let weights: Vec<f64> = (0..*count).map(|_| chance.factor(0.35)).collect();
        // Rivers and green belts part great areas, roads the rest.
        let road = |ground: f64| match ground {
            ground if ground > 16e6 => 300.0,
            ground if ground > 7e6 => 160.0,
            ground => (0.03 * ground.sqrt()).min(60.0),
        };
        let frame = chance.between(-0.35, 0.35);
        let mut cells = Vec::new();
        divide(area, &weights, frame, &road, &mut chance, &mut cells);
        let ground: f64 = cells.iter().map(|cell| plane::area(cell)).sum();
        for (number, cell) in cells.into_iter().enumerate() {
            in_district[district] += 1;
            parks.push(Park {
                place,
                number,
                siblings: *count,
                district,
                number_in_district: in_district[district],
                land_m2: land_m2 * plane::area(&cell) / ground,
                cell,
                parcels: 0,
            });
        }
    }
    let scattered_parcels = (parcels as f64 * SCATTERED_PARCELS).round() as usize;
    let weights: Vec<f64> =
        parks.iter().map(|park| park.land_m2 / (park.place.parcel_size() * chance.factor(0.15))).collect();
    for (park, count) in parks.iter_mut().zip(share_out(parcels - scattered_parcels, &weights, 1)) {
        park.parcels = count;
    }
    let scattered = scatter(scattered_parcels, land * SCATTERED_SHARE, &areas, seed);
    Sites { parks, scattered }
}

fn district_of(place: &Place) -> usize {
    DISTRICTS.iter().position(|district| district.code == place.district).unwrap_or_default()
}

/// The ground of each area and the land its parcels get: what an area can't hold goes to others of its standing.
fn settle(places: &[&Place], mut wanted: Vec<f64>, chance: &mut Chance) -> (Vec<Ring>, Vec<f64>) {
    let borders: Vec<Vec<(Coord<f64>, Coord<f64>)>> = places
        .iter()
        .map(|place| {
            DISTRICTS[district_of(place)]
                .straight()
                .iter()
                .flat_map(|ring| plane::edges(ring).collect::<Vec<_>>())
                .collect()
        })
        .collect();
    let forms: Vec<(f64, f64, [f64; 4])> = places
        .iter()
        .map(|_| {
            let corners = [(); 4].map(|()| chance.between(0.12, 0.4));
            (chance.between(-0.6, 0.6), chance.between(1.0, 2.3), corners)
        })
        .collect();
    let centres = spread(places, &wanted, &borders);
    let mut growth = vec![1.0_f64; places.len()];
    let mut areas: Vec<Ring> = Vec::new();
    for round in 0..24 {
        let radius: Vec<f64> =
            wanted.iter().zip(&growth).map(|(land, by)| (land / FILL / std::f64::consts::PI).sqrt() * by).collect();
        areas = (0..places.len())
            .map(|index| {
                let mut ring = blob(centres[index], wanted[index] / FILL * growth[index].powi(2), forms[index]);
                for other in 0..places.len() {
                    let away = centres[other] - centres[index];
                    let far = plane::length(away);
                    if other == index || far > 3.0 * (radius[index] + radius[other]) {
                        continue;
                    }
                    // The line on which the powers of the two circles are equal.
                    let normal = away * (1.0 / far);
                    let at = (far * far + radius[index].powi(2) - radius[other].powi(2)) / (2.0 * far);
                    ring = plane::clip(&ring, normal, plane::dot(centres[index], normal) + at);
                }
                ring = cut_back(ring, centres[index], &borders[index]);
                plane::inset(&ring, (0.015 * plane::area(&ring).max(0.0).sqrt()).min(20.0))
            })
            .collect();
        if round == 23 {
            break;
        }
        let mut spare = [0.0; 2];
        for index in 0..places.len() {
            let (has, needs) = (plane::area(&areas[index]), wanted[index] / FILL);
            growth[index] *= (needs / has.max(needs * 0.1)).sqrt().clamp(0.9, 1.15);
            if growth[index] > 1.7 {
                growth[index] = 1.7;
                if has < needs * 0.99 {
                    spare[usize::from(places[index].standing == Standing::Weak)] += (needs - has) * FILL;
                    wanted[index] = (has * FILL).max(1.0);
                }
            }
        }
        for (weak, spare) in [(false, spare[0]), (true, spare[1])] {
            let takes = |index: &usize| (places[*index].standing == Standing::Weak) == weak && growth[*index] < 1.6;
            let total: f64 = (0..places.len()).filter(takes).map(|index| wanted[index]).sum();
            for index in (0..places.len()).filter(takes) {
                wanted[index] += spare * wanted[index] / total;
            }
        }
    }
    (areas, wanted)
}

/// Pushes crowded centres apart, as far as their borders let them.
fn spread(places: &[&Place], wanted: &[f64], borders: &[Vec<(Coord<f64>, Coord<f64>)>]) -> Vec<Coord<f64>> {
    let mut centres: Vec<Coord<f64>> = places.iter().map(|place| plane::to_plane(place.lon, place.lat)).collect();
    let radius: Vec<f64> = wanted.iter().map(|land| (land / FILL / std::f64::consts::PI).sqrt()).collect();
    for _ in 0..60 {
        for a in 0..centres.len() {
            for b in 0..a {
                let apart = centres[a] - centres[b];
                let far = plane::length(apart).max(1.0);
                let lacking = 0.9 * (radius[a] + radius[b]) - far;
                if lacking <= 0.0 {
                    continue;
                }
                let step = apart * (0.15 * lacking / far);
                for (index, to) in [(a, centres[a] + step), (b, centres[b] - step)] {
                    let near = |at| {
                        let spare = |edge: &(_, _)| from_edge(at, *edge) - border_margin_m(*edge);
                        borders[index].iter().map(spare).fold(f64::MAX, f64::min)
                    };
                    if near(to) > radius[index] * 0.5 || near(to) > near(centres[index]) {
                        centres[index] = to;
                    }
                }
            }
        }
    }
    centres
}

/// A ground of that area: a rectangle at an angle with its corners off.
fn blob(centre: Coord<f64>, area_m2: f64, (angle, aspect, corners): (f64, f64, [f64; 4])) -> Ring {
    let (u, v) = (plane::direction(angle), plane::direction(angle + std::f64::consts::FRAC_PI_2));
    let lost: f64 = corners.iter().map(|share| share * share / 8.0).sum();
    let side = (area_m2 / (1.0 - lost)).sqrt();
    let (long, wide) = (side * aspect.sqrt() / 2.0, side / aspect.sqrt() / 2.0);
    let mut ring = Ring::new();
    for ((x, y), (share, first)) in [(1.0, -1.0), (1.0, 1.0), (-1.0, 1.0), (-1.0, -1.0)]
        .into_iter()
        .zip(corners.into_iter().zip([true, false, true, false]))
    {
        let along = centre + u * (x * long * (1.0 - share)) + v * (y * wide);
        let across = centre + u * (x * long) + v * (y * wide * (1.0 - share));
        ring.extend(if first { [along, across] } else { [across, along] });
    }
    ring
}

fn nearest((a, b): (Coord<f64>, Coord<f64>), to: Coord<f64>) -> Coord<f64> {
    let along = b - a;
    let at = plane::dot(to - a, along) / plane::dot(along, along).max(1e-9);
    a + along * at.clamp(0.0, 1.0)
}

fn from_edge(point: Coord<f64>, edge: (Coord<f64>, Coord<f64>)) -> f64 {
    plane::length(nearest(edge, point) - point)
}

/// Cuts a ring back wherever a border comes near it, the nearest border first. The whole border lies beyond the cut,
/// because the cut stands upright on the way to its nearest point.
fn cut_back(mut ring: Ring, centre: Coord<f64>, borders: &[(Coord<f64>, Coord<f64>)]) -> Ring {
    let mut edges: Vec<(f64, usize)> =
        borders.iter().enumerate().map(|(index, edge)| (from_edge(centre, *edge), index)).collect();
    edges.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    for (far, index) in edges {
        if !comes_near(&ring, borders[index]) {
            continue;
        }
        let normal = (nearest(borders[index], centre) - centre) * (1.0 / far.max(1.0));
        ring = plane::clip(&ring, normal, plane::dot(centre, normal) + far - border_margin_m(borders[index]));
    }
    ring
}

/// Whether a stretch of border meets a convex ring grown by the margin.
fn comes_near(ring: &[Coord<f64>], (from, to): (Coord<f64>, Coord<f64>)) -> bool {
    let (mut start, mut end) = (0.0_f64, 1.0_f64);
    for (a, b) in plane::edges(ring) {
        let along = b - a;
        let long = plane::length(along).max(1e-9);
        let outward = coord! { x: along.y / long, y: -along.x / long };
        let limit = plane::dot(a, outward) + border_margin_m((from, to));
        let (at_start, slope) = (plane::dot(from, outward) - limit, plane::dot(to - from, outward));
        if slope.abs() < 1e-12 {
            if at_start > 0.0 {
                return false;
            }
        } else if slope > 0.0 {
            end = end.min(-at_start / slope);
        } else {
            start = start.max(-at_start / slope);
        }
        if start > end {
            return false;
        }
    }
    !ring.is_empty()
}

/// Places clusters of plots in the open country.
fn scatter(parcels: usize, land_m2: f64, areas: &[Ring], seed: u64) -> Vec<Scattered> {
    let weights: Vec<f64> = DISTRICTS.iter().map(|district| district.rural).collect();
    let counts = share_out(parcels, &weights, 0);
    let mean = land_m2 / parcels.max(1) as f64;
    // Clusters keep their number in a greater city and grow instead, so that they still find room.
    let per_cluster = (parcels as f64 / 2_500.0).max(3.5);
    let mut all = Vec::new();
    for (district, count) in counts.into_iter().enumerate() {
        let mut chance = Chance::of(seed, Stage::Sites, 1 + district);
        let rings = DISTRICTS[district].straight();
        let borders: Vec<_> = rings.iter().flat_map(|ring| plane::edges(ring).collect::<Vec<_>>()).collect();
        let sizes: Vec<f64> = rings.iter().map(|ring| plane::area(ring).abs()).collect();
        let mut clusters: Vec<(Ring, usize)> = Vec::new();
        let mut taken: Vec<(Coord<f64>, f64)> = Vec::new();
        let mut left = count;
        while left > 0 {
            let size = ((per_cluster * chance.factor(0.7)).round() as usize).clamp(1, left);
            left -= size;
            let mut ground = size as f64 * mean * chance.factor(0.3) * 1.08;
            let aspect = chance.between(1.0, 1.6);
            let angle = chance.between(0.0, std::f64::consts::PI);
            let mut tries = 0;
            loop {
                tries += 1;
                if tries % 300 == 0 {
                    ground *= 0.8;
                }
                let ring = &rings[chance.weighted(&sizes)];
                let (west, east) = plane::reach(ring, coord! { x: 1.0, y: 0.0 });
                let (south, north) = plane::reach(ring, coord! { x: 0.0, y: 1.0 });
                let at = coord! { x: chance.between(west, east), y: chance.between(south, north) };
                let radius = (ground * (aspect + 1.0 / aspect)).sqrt() / 2.0;
                let free = inside(ring, at)
                    && borders.iter().all(|edge| from_edge(at, *edge) > radius + border_margin_m(*edge))
                    && areas.iter().all(|area| beyond(area, at, radius + 100.0))
                    && taken.iter().all(|(other, reach)| plane::length(*other - at) > reach + radius + 30.0);
                if free {
                    taken.push((at, radius));
                    clusters.push((blob(at, ground, (angle, aspect, [0.0; 4])), size));
                    break;
                }
            }
        }
        if !clusters.is_empty() {
            all.push(Scattered { district, clusters });
        }
    }
    // Chance gave a little too much, and takes it back: shrinking keeps clusters apart. Lanes take a twentieth.
    let ground: f64 = all.iter().flat_map(|one| &one.clusters).map(|(ring, _)| plane::area(ring)).sum();
    let by = (land_m2 * 1.05 / ground.max(1.0)).sqrt().min(1.0);
    for (ring, _) in all.iter_mut().flat_map(|one| &mut one.clusters) {
        ring.dedup();
        let mut open = plane::scale(ring, plane::centre(ring), by);
        if open.first() == open.last() {
            open.pop();
        }
        *ring = open;
    }
    all
}

/// Whether a convex ring lies wholly farther than that from a point, judged by one side that parts them.
fn beyond(ring: &[Coord<f64>], point: Coord<f64>, distance: f64) -> bool {
    plane::edges(ring).any(|(a, b)| {
        let along = b - a;
        let outward = coord! { x: along.y, y: -along.x } * (1.0 / plane::length(along).max(1e-9));
        plane::dot(point - a, outward) > distance
    }) || ring.is_empty()
}

/// Whether a point lies in a ring of any form, by the even-odd rule.
fn inside(ring: &[Coord<f64>], point: Coord<f64>) -> bool {
    plane::edges(ring).filter(|(a, b)| (a.y > point.y) != (b.y > point.y)).fold(false, |within, (a, b)| {
        let x = a.x + (point.y - a.y) / (b.y - a.y) * (b.x - a.x);
        if point.x < x { !within } else { within }
    })
}
