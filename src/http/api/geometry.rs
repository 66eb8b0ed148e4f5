//! Shapes as GeoJSON, to seven decimals: a centimetre, which is what a survey gives.

use crate::atlas::ShapeRef;

/// Writes a Polygon where there is one part, otherwise a MultiPolygon; the parts of a MultiPolygon may be none.
pub fn write(out: &mut String, shape: &ShapeRef<'_>) {
    let polygons = shape.polygons();
    let single = polygons.len() == 1;
    out.push_str(if single {
        r#"{"type":"Polygon","coordinates":"#
    } else {
        r#"{"type":"MultiPolygon","coordinates":["#
    });
    for (number, polygon) in polygons.enumerate() {
        if number > 0 {
            out.push(',');
        }
        out.push('[');
        for (place, ring) in polygon.rings().enumerate() {
            if place > 0 {
                out.push(',');
            }
            write_ring(out, ring, place > 0);
        }
        out.push(']');
    }
    out.push_str(if single { "}" } else { "]}" });
}

/// Shells run counter-clockwise and holes clockwise, as RFC 7946 §3.1.6 asks.
fn write_ring(out: &mut String, ring: &[[f64; 2]], is_hole: bool) {
    let base = ring[0];
    let mut twice = 0.0;
    for pair in ring.windows(2) {
        let [a, b] = [0, 1].map(|i| [pair[i][0] - base[0], pair[i][1] - base[1]]);
        twice += a[0] * b[1] - b[0] * a[1];
    }
    out.push('[');
    let mut put = |number: usize, point: &[f64; 2]| {
        out.push_str(if number > 0 { ",[" } else { "[" });
        write_degrees(out, point[0]);
        out.push(',');
        write_degrees(out, point[1]);
        out.push(']');
    };
    if (twice > 0.0) == is_hole {
        ring.iter().rev().enumerate().for_each(|(number, point)| put(number, point));
    } else {
        ring.iter().enumerate().for_each(|(number, point)| put(number, point));
    }
    out.push(']');
}

/// A number of degrees with up to seven decimals. Formatting floats the usual way would take most of an answer's time.
fn write_degrees(out: &mut String, degrees: f64) {
    const UNIT: u64 = 10_000_000;
    let scaled = (degrees.abs() * UNIT as f64).round() as u64;
    let digit = |number: u64| char::from(b'0' + (number % 10) as u8);
    if degrees < 0.0 && scaled > 0 {
        out.push('-');
    }
    let (whole, mut decimals) = (scaled / UNIT, scaled % UNIT);
    for place in [100, 10] {
        if whole >= place {
            out.push(digit(whole / place));
        }
    }
    out.push(digit(whole));
    if decimals > 0 {
        out.push('.');
    }
    let mut place = UNIT / 10;
    while decimals > 0 {
        out.push(digit(decimals / place));
        decimals %= place;
        place /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::write_degrees;
    use proptest::prelude::*;

    fn written(degrees: f64) -> String {
        let mut out = String::new();
        write_degrees(&mut out, degrees);
        out
    }

    #[test]
    fn degrees_are_written_without_idle_zeros() {
        for (degrees, text) in [
            (121.4737, "121.4737"),
            (0.0, "0"),
            (-0.000_000_01, "0"),
            (-0.5, "-0.5"),
            (180.0, "180"),
            (31.000_000_1, "31.0000001"),
            (9.999_999_99, "10"),
            (105.05, "105.05"),
        ] {
            assert_eq!(written(degrees), text);
        }
    }

    proptest! {
        #[test]
        fn degrees_are_read_back_within_half_of_the_last_digit(degrees in -180.0..180.0_f64) {
            let back: f64 = written(degrees).parse().expect("a number");
            prop_assert!((back - degrees).abs() <= 0.500_001e-7);
        }
    }
}
