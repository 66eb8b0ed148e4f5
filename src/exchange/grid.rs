//! Gauss-Krüger zones: eastings with and without the number of their zone before them. It knows numbers and zones, and
//! neither files nor datums.
//!
//! EPSG has each zone twice: 4528 writes eastings as 40 500 000 (zone 40, central meridian 120°), 4549 as 500 000. Files
//! name the one and hold the other.

use gdal::spatial_ref::SpatialRef;

/// A transverse Mercator in metres with a false easting as Gauss-Krüger zones have it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Grid {
    central_meridian: f64,
    /// The zone before its eastings, where the system has one.
    prefix: Option<u32>,
}

/// What an easting is to a grid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Easting {
    /// As the grid has it.
    Right,
    /// The zone's number was taken off or put before it.
    Mended(f64),
    /// It begins with the number of another zone.
    OfZone(u32),
    /// It is a longitude.
    Degrees,
}

const HALF: f64 = 500_000.0;
const ZONE: f64 = 1_000_000.0;

impl Grid {
    /// The grid of a reference system, where it is one.
    pub fn of(srs: &SpatialRef) -> Option<Self> {
        let projection = srs.get_attr_value("PROJECTION", 0).ok().flatten()?;
        let parameter = |name| srs.get_proj_param(name).ok().flatten();
        let scale = parameter("scale_factor")?;
        // UTM has another scale, and no zone is ever written before its eastings.
        if projection != "Transverse_Mercator" || scale != 1.0 || (srs.linear_units() - 1.0).abs() > 1e-9 {
            return None;
        }
        if parameter("false_northing") != Some(0.0) {
            return None;
        }
        Self::new(parameter("central_meridian")?, parameter("false_easting")?)
    }

    fn new(central_meridian: f64, false_easting: f64) -> Option<Self> {
        if false_easting == HALF {
            return Some(Self { central_meridian, prefix: None });
        }
        let zone = zone_of(false_easting).filter(|zone| f64::from(*zone) * ZONE + HALF == false_easting)?;
        Some(Self { central_meridian, prefix: Some(zone) })
    }

    /// Looks at one point.
    pub fn easting(self, x: f64, y: f64) -> Easting {
        // So near to the corner of the grid lies no land of any zone, and every longitude and latitude.
        if (-180.0..=180.0).contains(&x) && (-90.0..=90.0).contains(&y) {
            return Easting::Degrees;
        }
        match (self.prefix, zone_of(x)) {
            (Some(own), Some(zone)) if own == zone => Easting::Right,
            (None, Some(zone)) if central_meridian(zone) == self.central_meridian => {
                Easting::Mended(x - f64::from(zone) * ZONE)
            }
            (_, Some(zone)) => Easting::OfZone(zone),
            (Some(own), None) if (0.0..ZONE).contains(&x) => Easting::Mended(x + f64::from(own) * ZONE),
            (_, None) => Easting::Right,
        }
    }

    /// What to tell people who sent eastings that had to be mended.
    pub fn mended(self, label: &str) -> String {
        match self.prefix {
            Some(zone) => {
                format!("eastings with the zone's number {zone} before them, as {label} has them; it was put there")
            }
            None => format!("eastings without a zone's number, as {label} has them; it was taken off"),
        }
    }

    /// What to tell people whose eastings are of another zone than their reference system.
    pub fn other_zone(self, label: &str, zone: u32) -> String {
        let there = central_meridian(zone);
        let here = self.central_meridian;
        let code = code(zone).map_or(String::new(), |code| format!(", with --crs EPSG:{code}"));
        format!(
            "eastings of {label}, whose central meridian is {here}°. Those of zone {zone} are counted from {there}°: name \
             the zone that the file is in{code}"
        )
    }
}

/// The zone before an easting, where there is one of China: 13 to 23 of six degrees, 25 to 45 of three.
fn zone_of(easting: f64) -> Option<u32> {
    let zone = (easting / ZONE).floor();
    // Six-degree zones reach 334 km from their meridian at the equator, so that the digits behind never fall below.
    let known = (13.0..=23.0).contains(&zone) || (25.0..=45.0).contains(&zone);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "two digits")]
    known.then_some(zone as u32)
}

fn central_meridian(zone: u32) -> f64 {
    f64::from(if zone < 25 { 6 * zone - 3 } else { 3 * zone })
}

/// The code of the zone in CGCS2000, with its number before the eastings.
fn code(zone: u32) -> Option<u32> {
    match zone {
        13..=23 => Some(4491 + zone - 13),
        25..=45 => Some(4513 + zone - 25),
        _ => None,
    }
}

/// What coordinates without a reference system may be in: west, south, east, north.
pub(crate) fn guess(extent: [f64; 4]) -> Option<String> {
    let [west, south, east, north] = extent;
    if west >= -180.0 && east <= 180.0 && south >= -90.0 && north <= 90.0 {
        return Some(format!(
            "its coordinates ({west:.3} {south:.3}) are degrees: --crs EPSG:4490 if they are surveyed, with --datum gcj02 or bd09 if \
             they come from a web map"
        ));
    }
    if let Some(zone) = zone_of(west).filter(|zone| zone_of(east) == Some(*zone)) {
        let code = code(zone)?;
        return Some(format!(
            "its eastings begin with {zone}, a zone's number: --crs EPSG:{code} if they are in CGCS2000"
        ));
    }
    if (100_000.0..900_000.0).contains(&west) && (0.0..6e6).contains(&south) {
        return Some(
            "its coordinates are metres of a zone that they do not name: ask the sender which, e.g. --crs EPSG:4549 \
             (central meridian 120°) or EPSG:4550 (123°); Shanghai lies in both"
                .to_owned(),
        );
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zones_number_is_taken_off_put_before_or_told_to_be_anothers() {
        let plain = Grid::new(120.0, 500_000.0).expect("4549");
        let prefixed = Grid::new(120.0, 40_500_000.0).expect("4528");
        let y = 3_457_000.0;
        assert_eq!(plain.easting(640_000.0, y), Easting::Right);
        assert_eq!(plain.easting(40_640_000.0, y), Easting::Mended(640_000.0));
        assert_eq!(plain.easting(41_640_000.0, y), Easting::OfZone(41));
        assert_eq!(plain.easting(121.5, 31.2), Easting::Degrees);
        assert_eq!(prefixed.easting(40_640_000.0, y), Easting::Right);
        assert_eq!(prefixed.easting(640_000.0, y), Easting::Mended(40_640_000.0));
        assert_eq!(prefixed.easting(41_640_000.0, y), Easting::OfZone(41));
        // Six-degree zone 21 has the central meridian 123°.
        assert_eq!(Grid::new(123.0, 500_000.0).expect("4550").easting(21_400_000.0, y), Easting::Mended(400_000.0));
        // A northing in the place of an easting is another fault.
        assert_eq!(plain.easting(3_457_000.0, 640_000.0), Easting::Right);
        assert_eq!(Grid::new(-71.5, 200_000.0), None);
    }

    #[test]
    fn coordinates_without_a_system_are_guessed_at() {
        let of = |extent| guess(extent).unwrap_or_default();
        assert!(of([121.0, 31.0, 122.0, 32.0]).contains("EPSG:4490"));
        assert!(of([40_500_000.0, 3.4e6, 40_600_000.0, 3.5e6]).contains("EPSG:4528"));
        assert!(of([640_000.0, 3.4e6, 650_000.0, 3.5e6]).contains("EPSG:4550"));
        assert_eq!(guess([f64::NAN, 0.0, 1.0, 1.0]), None);
    }
}
