//! The ground under the tiles: every point projected to Web Mercator once, as whole numbers. A world of 2³² units has a
//! unit of 9 mm at the equator, finer than a screen shows at zoom 22. Areas for people are never measured here.

use std::f64::consts::PI;

/// The latitude at which the square world of Web Mercator ends.
const LAST_LATITUDE: f64 = 85.051_128_779_806_59;

/// The width of the world in units.
const WORLD: f64 = 4_294_967_296.0;

/// Longitude and latitude as units from the north-west corner of the world.
pub(in crate::atlas) fn project([x, y]: &[f64; 2]) -> [u32; 2] {
    let latitude = y.clamp(-LAST_LATITUDE, LAST_LATITUDE).to_radians();
    let down = 0.5 - latitude.tan().asinh() / (2.0 * PI);
    // A float too large for u32 becomes its greatest value, which is the last unit of the world.
    [x / 360.0 + 0.5, down].map(|part| (part * WORLD).round() as u32)
}

/// The longitude and latitude of a place given in parts of the world, 0 to 1 from the north-west corner.
pub(in crate::atlas) fn unproject([x, y]: [f64; 2]) -> [f64; 2] {
    [(x - 0.5) * 360.0, ((0.5 - y) * 2.0 * PI).sinh().atan().to_degrees()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_comes_back_from_the_projection_within_a_centimetre() {
        for place in [[121.4737, 31.2304], [-179.9, -60.0], [0.0, 0.0], [122.0, 30.7]] {
            let [x, y] = unproject(project(&place).map(|units| f64::from(units) / WORLD));
            assert!((x - place[0]).abs() < 1e-7 && (y - place[1]).abs() < 1e-7, "{place:?} -> {x} {y}");
        }
    }

    #[test]
    fn the_ends_of_the_world_stay_in_it() {
        assert_eq!(project(&[180.0, -90.0]), [u32::MAX, u32::MAX]);
        assert_eq!(project(&[-180.0, 90.0]), [0, 0]);
    }
}
