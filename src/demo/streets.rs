//! Streets: a ground cut into blocks by streets, and blocks into parcels, until each parcel has the size it should.

use super::chance::Chance;
use super::plane::{self, Ring};
use geo_types::Coord;

/// A parcel of the plane.
pub(super) struct Plot {
    /// Its border; not always convex.
    pub ring: Ring,
    /// A convex part of it, on which one can build.
    pub core: Ring,
    /// The number of its block.
    pub block: usize,
}

/// Divides a convex ground into parts with those weights, in their order, by cuts that follow a frame or its normal.
pub(super) fn divide(
    ground: &Ring,
    weights: &[f64],
    frame: f64,
    street: &dyn Fn(f64) -> f64,
    chance: &mut Chance,
    parts: &mut Vec<Ring>,
) {
    if weights.len() <= 1 {
        parts.push(ground.clone());
        return;
    }
    let (at, share) = halve(weights, chance);
    let (u, v) = (plane::direction(frame), plane::direction(frame + std::f64::consts::FRAC_PI_2));
    let extent = |along| {
        let (low, high) = plane::reach(ground, along);
        high - low
    };
    let turn = if extent(u) > extent(v) { 0.0 } else { std::f64::consts::FRAC_PI_2 };
    let normal = plane::direction(frame + turn + 0.05 * chance.normal());
    let (left, right) = plane::cut(ground, normal, share, street(plane::area(ground)));
    divide(&left, &weights[..at], frame, street, chance, parts);
    divide(&right, &weights[at..], frame, street, chance, parts);
}

/// Where to part a list of weights so that neither half is a sliver, and the share of the first half.
fn halve(weights: &[f64], chance: &mut Chance) -> (usize, f64) {
    let total: f64 = weights.iter().sum();
    let wanted = total * chance.between(0.36, 0.64);
    let (mut best, mut miss, mut sum) = (1, f64::MAX, 0.0);
    let mut share = 0.5;
    for (index, weight) in weights.iter().enumerate().take(weights.len() - 1) {
        sum += weight;
        if (sum - wanted).abs() < miss {
            miss = (sum - wanted).abs();
            best = index + 1;
            share = sum / total;
        }
    }
    (best, share)
}

/// How the ground of one park is laid out.
pub(super) struct Layout {
    /// The mean size of its parcels.
    pub mean_m2: f64,
    /// The angle of its streets.
    pub frame: f64,
    /// How much of it is green or other uses.
    pub void: f64,
    /// How wide its streets are beside the ordinary.
    pub street: f64,
}

/// Heavy-tailed sizes around 1, none a sliver and none a quarter of the park.
pub(super) fn sizes(count: usize, chance: &mut Chance) -> Vec<f64> {
    let mut sizes: Vec<f64> = (0..count)
        .map(|_| {
            // A log-normal body; one in thirty follows a Pareto tail: the great plants.
            let body = 0.62 * chance.factor(0.85);
            if chance.once_in(0.033) { 2.5 / (1.0 - chance.unit()).max(0.01).powf(0.6) } else { body.clamp(0.09, 12.0) }
        })
        .collect();
    let total: f64 = sizes.iter().sum();
    let most = (total * 0.2).max(1.5);
    for size in &mut sizes {
        *size = size.min(most);
    }
    sizes
}

/// Cuts a ground into that many parcels.
pub(super) fn lay_out(ground: &Ring, sizes: &[f64], layout: &Layout, chance: &mut Chance) -> Vec<Plot> {
    // Neighbours are of like size, roughly: a block of workshops, a block of halls, a plant that fills its block.
    let mut sorted: Vec<(f64, f64)> = sizes.iter().map(|size| (size.ln() + 0.6 * chance.normal(), *size)).collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut blocks: Vec<Vec<f64>> = Vec::new();
    let mut room = 0.0;
    for (_, size) in sorted {
        if room <= 0.0 {
            blocks.push(Vec::new());
            room = chance.between(2.5, 8.0).max(size);
        }
        room -= size;
        if let Some(block) = blocks.last_mut() {
            block.push(size);
        }
    }
    for block in &mut blocks {
        chance.shuffle(block);
    }
    // Empty blocks: green, housing, water.
    let total: f64 = sizes.iter().sum();
    let mut empty = total * layout.void;
    while empty > 0.0 {
        let size = chance.between(0.8, 5.0).min(empty).max(0.3);
        empty -= size;
        blocks.push(vec![-size]);
    }
    chance.shuffle(&mut blocks);
    let weights: Vec<f64> = blocks.iter().map(|block| block.iter().map(|size| size.abs()).sum()).collect();
    let narrow = (layout.mean_m2 / 15_000.0).sqrt().clamp(0.2, 1.0) * layout.street;
    let street = |ground: f64| {
        let hectares = ground / 15_000.0 * 1.5 * 15_000.0 / layout.mean_m2.max(1.0);
        narrow
            * match hectares {
                large if large > 150.0 => 42.0,
                large if large > 50.0 => 30.0,
                large if large > 20.0 => 22.0,
                _ => 16.0,
            }
    };
    let mut grounds = Vec::new();
    divide(ground, &weights, layout.frame, &street, chance, &mut grounds);
    let mut plots = Vec::new();
    for (number, (ground, block)) in grounds.iter().zip(&blocks).enumerate() {
        if block.iter().any(|size| *size < 0.0) {
            continue;
        }
        let ground = chamfer(ground, 12.0 * narrow, chance);
        let mut parts = Vec::new();
        parcel_out(&ground, block, chance, &mut parts);
        join(&mut parts);
        plots.extend(parts.into_iter().map(|(ring, core)| Plot { ring, core, block: number }));
    }
    plots
}

/// Takes some corners off, as street crossings do.
fn chamfer(ring: &Ring, by: f64, chance: &mut Chance) -> Ring {
    let mut points = Ring::new();
    for (index, corner) in ring.iter().enumerate() {
        let before = ring[(index + ring.len() - 1) % ring.len()];
        let after = ring[(index + 1) % ring.len()];
        let (back, on) = (plane::length(before - *corner), plane::length(after - *corner));
        if chance.once_in(0.55) && back > 4.0 * by && on > 4.0 * by {
            points.push(*corner + (before - *corner) * (by / back));
            points.push(*corner + (after - *corner) * (by / on));
        } else {
            points.push(*corner);
        }
    }
    points
}

/// Divides a block among its parcels; they share their borders. The last pair may part by a corner cut out, which
/// leaves an L.
fn parcel_out(ground: &Ring, sizes: &[f64], chance: &mut Chance, parts: &mut Vec<(Ring, Ring)>) {
    match sizes {
        [] => {}
        [_] => parts.push((ground.clone(), ground.clone())),
        [first, second] => {
            let share = first.min(*second) / (first + second);
            if share < 0.42
                && chance.once_in(if share < 0.2 { 0.9 } else { 0.35 })
                && let Some((corner, rest, core)) = notch(ground, share, chance)
            {
                parts.push((corner.clone(), corner));
                parts.push((rest, core));
            } else {
                halves(ground, sizes, chance, parts);
            }
        }
        _ => halves(ground, sizes, chance, parts),
    }
}

fn halves(ground: &Ring, sizes: &[f64], chance: &mut Chance, parts: &mut Vec<(Ring, Ring)>) {
    let (at, share) = halve(sizes, chance);
    // Cuts follow the block's own longest side or stand on it, whichever makes rounder parts.
    let side = plane::longest_side(ground);
    let angle = side.y.atan2(side.x);
    let across = plane::direction(angle + std::f64::consts::FRAC_PI_2);
    let extent = |along| {
        let (low, high) = plane::reach(ground, along);
        high - low
    };
    let turn = if extent(side) >= extent(across) { 0.0 } else { std::f64::consts::FRAC_PI_2 };
    let normal = plane::direction(angle + turn + 0.06 * chance.normal());
    let (left, right) = plane::cut(ground, normal, share, 0.0);
    parcel_out(&left, &sizes[..at], chance, parts);
    parcel_out(&right, &sizes[at..], chance, parts);
}

/// Cuts a parallelogram out of a corner: the corner, the L that is left, and a convex part of the L.
fn notch(ground: &Ring, share: f64, chance: &mut Chance) -> Option<(Ring, Ring, Ring)> {
    let count = ground.len();
    let start = usize::try_from(chance.whole(0, count as i64 - 1)).ok()?;
    let wanted = plane::area(ground) * share;
    for turn in 0..count {
        let index = (start + turn) % count;
        let corner = ground[index];
        let (on, back) = (ground[(index + 1) % count] - corner, ground[(index + count - 1) % count] - corner);
        let whole = on.x * back.y - on.y * back.x;
        let sine = whole / (plane::length(on) * plane::length(back)).max(1e-9);
        let part = (wanted / whole.max(1e-9)).sqrt();
        if sine < 0.85 || !(0.2..0.72).contains(&part) {
            continue;
        }
        let (a, b) = (corner + on * part, corner + back * part);
        let inner = corner + on * part + back * part;
        if !plane::holds(ground, inner, 0.12 * plane::area(ground).sqrt()) {
            continue;
        }
        let mut rest = vec![a];
        rest.extend((1..count).map(|step| ground[(index + step) % count]));
        rest.extend([b, inner]);
        let normal = |along: Coord<f64>| {
            let normal = geo_types::coord! { x: along.y, y: -along.x } * (1.0 / plane::length(along));
            if plane::dot(corner - inner, normal) > 0.0 { normal } else { normal * -1.0 }
        };
        let cores = [on, back].map(|along| plane::clip(ground, normal(along), plane::dot(inner, normal(along))));
        let [one, other] = cores;
        let core = if plane::area(&one) >= plane::area(&other) { one } else { other };
        return Some((vec![corner, a, inner, b], rest, core));
    }
    None
}

/// How near points on a border stand, so that it follows the warp.
const BORDER_STEP_M: f64 = 150.0;

/// Gives neighbours the same points on the border they share: where one has a corner, the other gets a point.
fn join(parts: &mut [(Ring, Ring)]) {
    let corners: Vec<Coord<f64>> = parts.iter().flat_map(|(ring, _)| ring.iter().copied()).collect();
    for (ring, _) in parts {
        let mut points = Ring::new();
        for (a, b) in plane::edges(ring) {
            let along = b - a;
            let square = plane::dot(along, along);
            points.push(a);
            if square < 1e-6 {
                continue;
            }
            let mut between: Vec<(f64, Coord<f64>)> = corners
                .iter()
                .filter_map(|corner| {
                    let at = plane::dot(*corner - a, along) / square;
                    let off = plane::length(a + along * at - *corner);
                    let apart = plane::length(*corner - a).min(plane::length(*corner - b));
                    (off < 1e-4 && apart > 1e-4 && at > 0.0 && at < 1.0).then_some((at, *corner))
                })
                .collect();
            between.sort_by(|a, b| a.0.total_cmp(&b.0));
            between.dedup_by(|a, b| plane::length(a.1 - b.1) < 1e-4);
            let mut last = a;
            for corner in between.into_iter().map(|(_, corner)| corner).chain([b]) {
                points.extend(plane::between(last, corner, BORDER_STEP_M));
                if corner != b {
                    points.push(corner);
                }
                last = corner;
            }
        }
        points.dedup_by(|a, b| plane::length(*a - *b) < 1e-4);
        *ring = points;
    }
}
