//! Reference systems of files: which one a file is in, whether it may be used, and the way from it to longitude and
//! latitude of EPSG:4490 (CGCS2000).
//!
//! CGCS2000 and WGS 84 are taken as the same: they differ by centimetres in their definition, no published shift joins
//! them, and PROJ's own way between them changes nothing. Xi'an 80 and Beijing 54 are refused: their shift to CGCS2000 is
//! up to hundreds of metres, its parameters are not public, and PROJ goes from one to the other as if there were none.

use super::error::{ReadError, refuse, warning};
use crate::domain::finding::Finding;
use gdal::spatial_ref::{AxisMappingStrategy, CoordTransform, SpatialRef};

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
    /// What is worth a look.
    pub findings: Vec<Finding>,
}

/// Decides by the file and by hand; the hand wins, and a difference is told.
pub(crate) fn resolve(file: &str, found: Option<SpatialRef>, asked: Option<&str>) -> Result<Crs, ReadError> {
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
    let mut source = match (found, asked) {
        (None, None) => {
            let expected = "a reference system in the file; name it with --crs, e.g. --crs EPSG:4549";
            return Err(refuse(file, "missing-crs", "none", expected));
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
    Ok(Crs { label, transform, findings })
}

fn by_code(file: &str, asked: &str) -> Result<SpatialRef, ReadError> {
    let digits = asked.trim().to_ascii_uppercase();
    let digits = digits.strip_prefix("EPSG:").unwrap_or(&digits);
    digits.parse().ok().and_then(|code| SpatialRef::from_epsg(code).ok()).ok_or_else(|| {
        refuse(file, "unknown-crs", asked, "a code that PROJ knows, such as EPSG:4490, 4549, 4550 or 4326")
    })
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
        if let Some(transform) = self.transform.as_ref().filter(|_| !xs.is_empty())
            && transform.transform_coords(xs, ys, &mut []).is_err()
            && xs.iter().chain(ys.iter()).all(|value| value.is_finite())
        {
            // It failed without saying where: nothing of it can be believed.
            xs.fill(f64::INFINITY);
        }
    }
}
