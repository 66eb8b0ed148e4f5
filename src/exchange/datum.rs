//! The two shifted datums of Chinese web maps, GCJ-02 and BD-09, and the way back from them to CGCS2000. It knows
//! longitudes and latitudes, and neither files nor reference systems.
//!
//! No authority has published either. The formulas are the ones that went public around 2010 and that every open
//! converter uses (eviltransform, coordtransform, `PRCoords`): a polynomial with sines, scaled on the ellipsoid of
//! Krasovsky. They go one way only; the way back is found by asking them again and again until they answer the point
//! that was given.

use std::f64::consts::PI;

/// A datum that coordinates were shifted into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Datum {
    /// What the law demands of public maps.
    Gcj02,
    /// What Baidu makes of it.
    Bd09,
}

/// Krasovsky's semi-major axis in metres, and the squared eccentricity as the formula writes it.
const AXIS_M: f64 = 6_378_245.0;
const ECCENTRICITY_2: f64 = 0.006_693_421_622_965_943;

/// Where the shift is applied: west, south, east, north of the box around China that the formula comes with.
const WITHIN: [f64; 4] = [72.004, 0.829_3, 137.834_7, 55.827_1];

/// The search ends when it is so near, in degrees: a tenth of a millimetre.
const NEAR_ENOUGH: f64 = 1e-9;
/// A step takes the error down by two digits and more; this many are never needed.
const STEPS: usize = 40;

/// Metres in a degree of latitude, for telling people how far.
const METRES_PER_DEGREE: f64 = 111_320.0;

/// A point put back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct PutBack {
    /// Longitude and latitude in CGCS2000.
    pub point: (f64, f64),
    /// How far it was moved, in metres.
    pub moved_m: f64,
    /// How far the formula, asked with the answer, lands from the point that was given, in metres.
    pub residual_m: f64,
}

impl Datum {
    /// The datum of a word.
    pub fn parse(word: &str) -> Option<Self> {
        let plain: String = word.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        match plain.as_str() {
            "gcj02" => Some(Self::Gcj02),
            "bd09" => Some(Self::Bd09),
            _ => None,
        }
    }

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gcj02 => "GCJ-02",
            Self::Bd09 => "BD-09",
        }
    }

    /// From CGCS2000 (or WGS 84, which is the same within the formula's worth) into the datum.
    fn shift(self, point: (f64, f64)) -> (f64, f64) {
        match self {
            Self::Gcj02 => into_gcj02(point),
            Self::Bd09 => into_bd09(into_gcj02(point)),
        }
    }

    /// The way back; nothing outside the box in which the datum is used.
    pub fn put_back(self, given: (f64, f64)) -> Option<PutBack> {
        let inside = (WITHIN[0]..=WITHIN[2]).contains(&given.0) && (WITHIN[1]..=WITHIN[3]).contains(&given.1);
        if !inside {
            return None;
        }
        let mut point = given;
        let mut missed = (0.0, 0.0);
        for _ in 0..STEPS {
            let landed = self.shift(point);
            missed = (landed.0 - given.0, landed.1 - given.1);
            if missed.0.abs() < NEAR_ENOUGH && missed.1.abs() < NEAR_ENOUGH {
                break;
            }
            point = (point.0 - missed.0, point.1 - missed.1);
        }
        let moved = (given.0 - point.0, given.1 - point.1);
        Some(PutBack { point, moved_m: metres(moved, given.1), residual_m: metres(missed, given.1) })
    }
}

fn metres(degrees: (f64, f64), latitude: f64) -> f64 {
    (degrees.0 * latitude.to_radians().cos()).hypot(degrees.1) * METRES_PER_DEGREE
}

/// The waves that both coordinates share.
fn wave(value: f64, amplitudes: [f64; 2], periods: [f64; 2]) -> f64 {
    let term = |amplitude: f64, period: f64| amplitude * (value * PI / period).sin();
    (term(amplitudes[0], periods[0]) + term(amplitudes[1], periods[1])) * 2.0 / 3.0
}

fn into_gcj02((longitude, latitude): (f64, f64)) -> (f64, f64) {
    let (x, y) = (longitude - 105.0, latitude - 35.0);
    let shared = wave(x, [20.0, 20.0], [1.0 / 6.0, 0.5]);
    let north = -100.0
        + 2.0 * x
        + 3.0 * y
        + 0.2 * y * y
        + 0.1 * x * y
        + 0.2 * x.abs().sqrt()
        + shared
        + wave(y, [20.0, 40.0], [1.0, 3.0])
        + wave(y, [160.0, 320.0], [12.0, 30.0]);
    let east = 300.0
        + x
        + 2.0 * y
        + 0.1 * x * x
        + 0.1 * x * y
        + 0.1 * x.abs().sqrt()
        + shared
        + wave(x, [20.0, 40.0], [1.0, 3.0])
        + wave(x, [150.0, 300.0], [12.0, 30.0]);
    let (sine, cosine) = latitude.to_radians().sin_cos();
    let squared = 1.0 - ECCENTRICITY_2 * sine * sine;
    let along_meridian = AXIS_M * (1.0 - ECCENTRICITY_2) / (squared * squared.sqrt());
    let along_parallel = AXIS_M / squared.sqrt() * cosine;
    (longitude + (east / along_parallel).to_degrees(), latitude + (north / along_meridian).to_degrees())
}

fn into_bd09((x, y): (f64, f64)) -> (f64, f64) {
    const TURN: f64 = PI * 3000.0 / 180.0;
    let distance = x.hypot(y) + 0.000_02 * (y * TURN).sin();
    let angle = y.atan2(x) + 0.000_003 * (x * TURN).cos();
    (distance * angle.cos() + 0.0065, distance * angle.sin() + 0.006)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_point_of_shanghai_is_shifted_by_what_the_field_knows() {
        // domain.md §11: 470 to 480 m in Shanghai.
        for point in [(121.4737, 31.2304), (121.2, 31.0), (121.9, 30.9), (121.4, 31.6)] {
            let shifted = Datum::Gcj02.shift(point);
            let moved = metres((shifted.0 - point.0, shifted.1 - point.1), point.1);
            assert!((465.0..485.0).contains(&moved), "{point:?}: {moved}");
        }
        // The example of every open converter: (116.404, 39.915) in Beijing.
        let beijing = Datum::Gcj02.shift((116.404, 39.915));
        assert!((beijing.0 - 116.410_244_499).abs() < 1e-8 && (beijing.1 - 39.916_404_288).abs() < 1e-8, "{beijing:?}");
        let baidu = into_bd09((116.404, 39.915));
        assert!((baidu.0 - 116.410_369_491).abs() < 1e-8 && (baidu.1 - 39.921_336_993).abs() < 1e-8, "{baidu:?}");
    }

    #[test]
    fn a_datum_has_a_word_and_nothing_is_put_back_outside_its_box() {
        assert_eq!(Datum::parse("GCJ-02"), Some(Datum::Gcj02));
        assert_eq!(Datum::parse("bd09"), Some(Datum::Bd09));
        assert_eq!(Datum::parse("wgs84"), None);
        assert_eq!(Datum::Gcj02.put_back((-71.1, 42.4)), None);
        assert_eq!(Datum::Gcj02.put_back((f64::NAN, 31.0)), None);
    }

    proptest! {
        #[test]
        fn what_is_put_back_is_shifted_to_where_it_was(longitude in 74.0f64..135.0, latitude in 18.0f64..54.0, baidu: bool) {
            let datum = if baidu { Datum::Bd09 } else { Datum::Gcj02 };
            let back = datum.put_back((longitude, latitude)).expect("in China");
            let again = datum.shift(back.point);
            prop_assert!((again.0 - longitude).abs() < 1e-7 && (again.1 - latitude).abs() < 1e-7, "{:?}", again);
            prop_assert!(back.residual_m < 0.001, "{:?}", back);
            // And the other way about: a point that is shifted comes back to its place.
            let there = datum.shift((longitude, latitude));
            let back = datum.put_back(there).expect("in China");
            prop_assert!((back.point.0 - longitude).abs() < 1e-7 && (back.point.1 - latitude).abs() < 1e-7, "{:?}", back);
        }
    }
}
