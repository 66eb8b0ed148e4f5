//! Reference systems of files: which one a file is in, whether it may be used, and the way from it to longitude and
//! latitude of EPSG:4490 (CGCS2000).
//!
//! CGCS2000 and WGS 84 are taken as the same: they differ by centimetres in their definition, no published shift joins
//! them, and PROJ's own way between them changes nothing. Xi'an 80 and Beijing 54 are refused: their shift to CGCS2000 is
//! up to hundreds of metres, its parameters are not public, and PROJ goes from one to the other as if there were none.

use super::datum::Datum;
use super::error::{ReadError, refuse, warning};
use super::grid::{Easting, Grid};
use crate::domain::finding::Finding;
use gdal::spatial_ref::{AxisMappingStrategy, CoordTransform, SpatialRef};
use std::cell::Cell;

/// What coordinates are turned into.
const TARGET: u32 = 4490;

/// Datums that are CGCS2000 or WGS 84, letters and digits only.
const SAME: &[&str] = &[
    "china2000",
    "chinageodeticcoordinatesystem2000",
    "cgcs2000",
    "wgs1984",
    "wgs84",
    "worldgeodeticsystem1984",
    "worldgeodeticsystem1984ensemble",
];

/// Datums that follow a plate and lie within a metre or two of WGS 84.
const NEAR: &[&str] = &[
    "northamericandatum1983",
    "northamerican1983",
    "nad83",
    "etrs89",
    "etrs1989",
    "europeanterrestrialreferencesystem1989",
    "itrf",
    "internationalterrestrialreferenceframe",
    "gda94",
    "gda2020",
    "geocentricdatumofaustralia",
    "newzealandgeodeticdatum2000",
    "nzgd2000",
    "japanesegeodeticdatum20",
    "jgd2000",
    "jgd2011",
    "geocentricdatumofkorea",
    "sirgas",
];

/// The reference system of a layer, and the way out of it.
pub(crate) struct Crs {
    /// `EPSG:4549`, or the name of a system without a number.
    pub label: String,
    /// Nothing where the coordinates are longitude and latitude already.
    transform: Option<CoordTransform>,
    /// The zone of its eastings, where it is a transverse Mercator in metres.
    grid: Option<Grid>,
    /// The datum into which someone says the coordinates were shifted.
    datum: Option<Datum>,
    seen: Cell<Seen>,
    /// What is worth a look.
    pub findings: Vec<Finding>,
}

/// How someone asked for the coordinates to be read.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Asked<'a> {
    /// A reference system that beats the file's own.
    pub crs: Option<&'a str>,
    /// A datum into which the coordinates were shifted.
    pub datum: Option<&'a str>,
}

/// What was met while coordinates were turned.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    /// Points whose zone number was taken off or put before.
    zone_mended: u64,
    /// The number of another zone than the reference system's.
    other_zone: Option<u32>,
    /// Points in degrees under a reference system in metres.
    degrees: u64,
    /// Points put back from a shifted datum, and those outside its box.
    put_back: u64,
    outside_datum: u64,
    least_moved_m: f64,
    most_moved_m: f64,
    residual_m: f64,
}

/// Decides by the file and by hand; the hand wins, and a difference is told.
/// `extent` is asked for only where there is no system, to say which it may be.
pub(crate) fn resolve(
    file: &str,
    found: Option<SpatialRef>,
    asked: Asked<'_>,
    extent: impl FnOnce() -> Option<[f64; 4]>,
) -> Result<Crs, ReadError> {
    let datum = asked.datum.map(|word| datum_of(file, word)).transpose()?;
    // Some drivers make up a placeholder for a file that names none.
    let found = found.filter(|srs| !srs.is_local() && !srs.name().unwrap_or_default().starts_with("Undefined"));
    let found = found.map(|mut srs| {
        // Without a number it is judged by its datum.
        if srs.authority().is_err() {
            let _ = srs.auto_identify_epsg();
        }
        srs
    });
    let mut findings = Vec::new();
    let mut source = match (found, asked.crs) {
        // The shifted datums are met in degrees.
        (None, None) if datum.is_some() => by_code(file, "EPSG:4490")?,
        (None, None) => {
            let guess = extent().and_then(super::grid::guess);
            let guess = guess.unwrap_or_else(|| "name it with --crs, e.g. --crs EPSG:4549".to_owned());
            return Err(refuse(file, "missing-crs", "none", format!("a reference system in the file; {guess}")));
        }
        (Some(found), None) => found,
        (found, Some(asked)) => {
            let srs = by_code(file, asked)?;
            if let Some(found) = found.filter(|found| label(found) != label(&srs)) {
                let expected = format!("{}, as asked for; it is used, and what the file says is not", label(&srs));
                findings.push(warning(file, "crs-overridden", &label(&found), expected));
            }
            srs
        }
    };
    let label = label(&source);
    findings.extend(judge(file, &source, &label)?);
    source.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
    let transform = if is_lon_lat(&source) { None } else { Some(way(file, &source, &label)?) };
    let grid = Grid::of(&source);
    Ok(Crs { label, transform, grid, datum, seen: Cell::default(), findings })
}

fn datum_of(file: &str, word: &str) -> Result<Datum, ReadError> {
    Datum::parse(word).ok_or_else(|| refuse(file, "unknown-datum", word, "gcj02 or bd09"))
}

fn by_code(file: &str, asked: &str) -> Result<SpatialRef, ReadError> {
    let digits = asked.trim().to_ascii_uppercase();
    let digits = digits.strip_prefix("EPSG:").unwrap_or(&digits);
    digits.parse().ok().and_then(|code| SpatialRef::from_epsg(code).ok()).ok_or_else(|| {
        refuse(file, "unknown-crs", asked, "a code that PROJ knows, such as EPSG:4490, 4549, 4550 or 4326")
    })
}

/// The number of a system that a file may be written in: one that CGCS2000 goes into without an unknown shift.
pub fn written(asked: &str) -> Result<u32, ReadError> {
    let srs = by_code("--crs", asked)?;
    let label = label(&srs);
    if judge("--crs", &srs, &label)?.is_some() {
        let expected = "a system on CGCS2000 or WGS 84, such as EPSG:4490, 4549, 4550 or 4326";
        return Err(refuse("--crs", "datum-taken-as-cgcs2000", &label, expected));
    }
    way("--crs", &srs, &label)?;
    srs.auth_code().ok().and_then(|code| u32::try_from(code).ok()).ok_or_else(|| {
        refuse("--crs", "unknown-crs", asked, "a code that PROJ knows, such as EPSG:4490, 4549, 4550 or 4326")
    })
}

/// The way from the coordinates of a numbered system, easting or longitude first, to longitude and latitude.
pub struct Way(CoordTransform);

impl Way {
    /// The way out of a system.
    pub fn from(epsg: u32) -> Result<Self, ReadError> {
        let name = format!("EPSG:{epsg}");
        let mut source = by_code("crs", &name)?;
        source.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
        way("crs", &source, &name).map(Self)
    }

    /// Where a point lies; nothing where the system has no such point.
    pub fn turn(&self, x: f64, y: f64) -> Option<[f64; 2]> {
        let (mut xs, mut ys) = ([x], [y]);
        self.0.transform_coords(&mut xs, &mut ys, &mut []).ok()?;
        (xs[0].is_finite() && ys[0].is_finite()).then_some([xs[0], ys[0]])
    }
}

fn label(srs: &SpatialRef) -> String {
    srs.authority().unwrap_or_else(|_| srs.name().unwrap_or_else(|| "unnamed".to_owned()))
}

/// Whether the datum may be used.
fn judge(file: &str, srs: &SpatialRef, label: &str) -> Result<Option<Finding>, ReadError> {
    let datum = srs.get_attr_value("DATUM", 0).ok().flatten().unwrap_or_default();
    let plain: String = datum.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    // ESRI writes D_ before the name.
    let plain = if datum.starts_with("D_") { &plain[1..] } else { &plain };
    if SAME.contains(&plain) {
        return Ok(None);
    }
    if NEAR.iter().any(|near| plain.starts_with(near)) {
        let expected = "CGCS2000 or WGS 84; taken as such without a shift, places may be off by up to two metres";
        return Ok(Some(warning(file, "datum-taken-as-cgcs2000", &datum, expected)));
    }
    let value = format!("{label} ({datum})");
    if plain.contains("xian") || plain.contains("beijing") {
        let expected = "CGCS2000 or WGS 84. The shift from this datum is tens to hundreds of metres, and its parameters are \
                        not public: have the file turned into CGCS2000 where they are known";
        return Err(refuse(file, "datum-without-shift", &value, expected));
    }
    let expected =
        "a system on CGCS2000 or WGS 84, such as EPSG:4490, 4549, 4550 or 4326; turn the file into one of them";
    Err(refuse(file, "unknown-crs", &value, expected))
}

/// Degrees from Greenwich: nothing to compute.
fn is_lon_lat(srs: &SpatialRef) -> bool {
    let degrees = (srs.angular_units() - 1_f64.to_radians()).abs() < 1e-12;
    let meridian = srs.get_attr_value("PRIMEM", 1).ok().flatten().and_then(|text| text.parse::<f64>().ok());
    srs.is_geographic() && !srs.is_derived_geographic() && degrees && meridian.is_none_or(|degrees| degrees == 0.0)
}

fn way(file: &str, source: &SpatialRef, label: &str) -> Result<CoordTransform, ReadError> {
    let unusable = |error: gdal::errors::GdalError| {
        refuse(file, "unknown-crs", label, format!("a system that PROJ can turn into EPSG:{TARGET} ({error})"))
    };
    let mut target = SpatialRef::from_epsg(TARGET).map_err(unusable)?;
    target.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
    CoordTransform::new(source, &target).map_err(unusable)
}

impl Crs {
    /// Whether the file's own coordinates are degrees already.
    pub fn is_in_degrees(&self) -> bool {
        self.transform.is_none()
    }

    /// Turns coordinates into longitude and latitude in place. One that has no place on the ellipsoid becomes infinite;
    /// the others are turned all the same.
    pub fn turn(&self, xs: &mut [f64], ys: &mut [f64]) {
        let mut seen = self.seen.get();
        self.turn_seeing(xs, ys, &mut seen);
        self.seen.set(seen);
    }

    /// The same for coordinates that are only tried.
    pub fn try_turn(&self, xs: &mut [f64], ys: &mut [f64]) {
        self.turn_seeing(xs, ys, &mut Seen::default());
    }

    fn turn_seeing(&self, xs: &mut [f64], ys: &mut [f64], seen: &mut Seen) {
        if let Some(grid) = self.grid {
            for (x, y) in xs.iter_mut().zip(ys.iter()) {
                match grid.easting(*x, *y) {
                    Easting::Right => {}
                    Easting::Mended(easting) => {
                        *x = easting;
                        seen.zone_mended += 1;
                    }
                    Easting::OfZone(zone) => seen.other_zone = Some(zone),
                    Easting::Degrees => seen.degrees += 1,
                }
            }
        }
        if let Some(transform) = self.transform.as_ref().filter(|_| !xs.is_empty())
            && transform.transform_coords(xs, ys, &mut []).is_err()
            && xs.iter().chain(ys.iter()).all(|value| value.is_finite())
        {
            // It failed without saying where: nothing of it can be believed.
            xs.fill(f64::INFINITY);
        }
        if let Some(datum) = self.datum {
            for (x, y) in xs.iter_mut().zip(ys.iter_mut()) {
                let Some(back) = datum.put_back((*x, *y)) else {
                    seen.outside_datum += 1;
                    continue;
                };
                (*x, *y) = back.point;
                seen.least_moved_m =
                    if seen.put_back == 0 { back.moved_m } else { seen.least_moved_m.min(back.moved_m) };
                seen.most_moved_m = seen.most_moved_m.max(back.moved_m);
                seen.residual_m = seen.residual_m.max(back.residual_m);
                seen.put_back += 1;
            }
        }
    }

    /// What the coordinates turned out to be once all were turned: findings, or a refusal of the file.
    pub fn verdict(&self, file: &str) -> Result<Vec<Finding>, ReadError> {
        let seen = self.seen.get();
        if let (Some(zone), Some(grid)) = (seen.other_zone, self.grid) {
            return Err(refuse(
                file,
                "crs-other-zone",
                &format!("eastings of zone {zone}"),
                grid.other_zone(&self.label, zone),
            ));
        }
        if seen.degrees > 0 {
            let value = format!("{} points in degrees", seen.degrees);
            let expected = format!(
                "metres, as {} has them; if these are longitudes and latitudes, name --crs EPSG:4490",
                self.label
            );
            return Err(refuse(file, "crs-not-of-coordinates", &value, expected));
        }
        let mut findings = Vec::new();
        if let (1.., Some(grid)) = (seen.zone_mended, self.grid) {
            findings.push(warning(
                file,
                "crs-zone-prefix",
                &format!("{} points", seen.zone_mended),
                grid.mended(&self.label),
            ));
        }
        let Some(datum) = self.datum else { return Ok(findings) };
        if seen.outside_datum > 0 {
            let value = format!("{} points outside China", seen.outside_datum);
            let expected = format!("places where {} is used; take --datum away, or check --crs", datum.name());
            return Err(refuse(file, "datum-outside", &value, expected));
        }
        let mut finding = warning(
            file,
            "datum-put-back",
            datum.name(),
            format!(
                "CGCS2000; {} points were put back by {:.0} to {:.0} m, and the formula, asked again, misses them by at most \
                 {:.4} m. The formula is public, not official: compare a corner that you know",
                seen.put_back, seen.least_moved_m, seen.most_moved_m, seen.residual_m
            ),
        );
        for (name, metres) in [
            ("least_moved_m", seen.least_moved_m),
            ("most_moved_m", seen.most_moved_m),
            ("residual_m", seen.residual_m),
        ] {
            finding.facts.insert(name.into(), metres.into());
        }
        findings.push(finding);
        Ok(findings)
    }
}
