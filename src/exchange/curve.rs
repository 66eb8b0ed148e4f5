//! Arcs drawn as straight lines, as close to the arc as a tolerance asks for. It knows points and no geometry types.

use std::f64::consts::{PI, TAU};

/// One arc never becomes more points than this, however far its circle reaches.
const MAX_STEPS: f64 = 4096.0;

/// Adds the points of the arc that goes from the first point through the second to the third. The first point is there
/// already; the third is kept to the last digit. `tolerance` is how far a chord may be from the arc.
pub(crate) fn arc(points: [(f64, f64); 3], tolerance: f64, add: &mut dyn FnMut(f64, f64)) {
    let [first, second, third] = points;
    let Some((center, radius)) = circle(points) else {
        add(second.0, second.1);
        add(third.0, third.1);
        return;
    };
    let angle = |point: (f64, f64)| (point.1 - center.1).atan2(point.0 - center.0);
    let from = angle(first);
    let turned = |to: f64| (to - from).rem_euclid(TAU);
    // The way on which the second point is met before the third. An arc that ends where it begins is a whole circle.
    let sweep = match (turned(angle(second)), turned(angle(third))) {
        _ if first == third => TAU,
        (second, third) if second <= third => third,
        (_, third) => third - TAU,
    };
    // A chord of the angle a lies r·(1 - cos(a/2)) inside the arc.
    let step = 2.0 * (1.0 - (tolerance / radius).min(1.0)).acos();
    let steps = (sweep.abs() / step.clamp(1e-9, PI / 4.0)).ceil().clamp(2.0, MAX_STEPS);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 2 and 4096")]
    for index in 1..steps as u32 {
        let at = from + sweep * f64::from(index) / steps;
        add(center.0 + radius * at.cos(), center.1 + radius * at.sin());
    }
    add(third.0, third.1);
}

/// The circle through three points; nothing where they lie on a line.
fn circle([a, b, c]: [(f64, f64); 3]) -> Option<((f64, f64), f64)> {
    // By the convention of the formats the middle point of a whole circle lies opposite to its beginning.
    if a == c {
        let center = (f64::midpoint(a.0, b.0), f64::midpoint(a.1, b.1));
        let radius = (a.0 - center.0).hypot(a.1 - center.1);
        return (radius > 0.0 && radius.is_finite()).then_some((center, radius));
    }
    // From the first point, so that the digits of large coordinates are not lost.
    let ((bx, by), (cx, cy)) = ((b.0 - a.0, b.1 - a.1), (c.0 - a.0, c.1 - a.1));
    let twice = 2.0 * (bx * cy - by * cx);
    let (b2, c2) = (bx * bx + by * by, cx * cx + cy * cy);
    let (x, y) = ((cy * b2 - by * c2) / twice, (bx * c2 - cx * b2) / twice);
    let radius = x.hypot(y);
    // So flat that nothing but rounding bends it.
    (radius.is_finite() && radius < 1e9 * b2.max(c2).sqrt()).then_some(((a.0 + x, a.1 + y), radius))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn points(through: [(f64, f64); 3], tolerance: f64) -> Vec<(f64, f64)> {
        let mut found = vec![through[0]];
        arc(through, tolerance, &mut |x, y| found.push((x, y)));
        found
    }

    #[test]
    fn a_line_stays_a_line_and_a_circle_closes() {
        assert_eq!(points([(0.0, 0.0), (1.0, 1.0), (2.0, 2.0)], 0.01), [(0.0, 0.0), (1.0, 1.0), (2.0, 2.0)]);
        let circle = points([(10.0, 0.0), (-10.0, 0.0), (10.0, 0.0)], 0.01);
        assert_eq!(circle.first(), circle.last());
        let area: f64 = circle.windows(2).map(|two| two[0].0 * two[1].1 - two[1].0 * two[0].1).sum::<f64>() / 2.0;
        assert!((area / (PI * 100.0) - 1.0).abs() < 0.002, "{area}");
    }

    proptest! {
        #[test]
        fn every_chord_is_as_near_to_its_arc_as_the_tolerance_asks(
            radius in 0.1..5000.0_f64, from in 0.0..TAU, sweep in -6.0..6.0_f64, at in 0.1..0.9_f64,
        ) {
            prop_assume!(sweep.abs() > 0.05);
            let center = (640_000.0, 3_457_000.0);
            let on = |angle: f64| (center.0 + radius * angle.cos(), center.1 + radius * angle.sin());
            let found = points([on(from), on(from + sweep * at), on(from + sweep)], 0.01);
            prop_assert_eq!(found.last(), Some(&on(from + sweep)));
            let mut length = 0.0;
            for two in found.windows(2) {
                let middle = (f64::midpoint(two[0].0, two[1].0), f64::midpoint(two[0].1, two[1].1));
                let off = radius - (middle.0 - center.0).hypot(middle.1 - center.1);
                prop_assert!((-1e-3..0.012).contains(&off), "{}", off);
                length += (two[1].0 - two[0].0).hypot(two[1].1 - two[0].1);
            }
            prop_assert!((length / (radius * sweep.abs()) - 1.0).abs() < 0.11, "{}", length);
        }
    }
}
