//! What an import says of its staged rows beyond what refuses them: polygons that were mended, registered areas that are
//! not those of the shapes, units that someone forgot to convert, land-use codes that no scheme has.

use super::rules::{self, RulesError};
use crate::domain::finding::{Fault, Finding};
use crate::domain::intake::Kind;
use crate::domain::land_use::Known;
use crate::domain::rulebook::keys;
use crate::exchange::receipt::FINDINGS_KEPT;
use crate::store::StoreError;
use crate::store::remark::{self, RATIO_STEP};
use crate::store::repair;
use chrono::NaiveDate;
use sqlx::PgConnection;

/// Why nothing could be said.
#[derive(Debug, thiserror::Error)]
pub enum RemarkError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The rules could not be had.
    #[error(transparent)]
    Rules(#[from] RulesError),
}

/// Mends what is not valid and says so of every row; the findings that are errors are of rows that were taken out.
pub async fn mend(
    connection: &mut PgConnection,
    kind: Kind,
    today: NaiveDate,
    files: &[String],
) -> Result<Vec<Finding>, RemarkError> {
    let share = rules::share(keys::REPAIR_SHARE, today)?;
    let mended = repair::mend(connection, kind, share).await?;
    let found = mended.into_iter().map(|it| {
        let (before, after) = (it.before_m2, it.after_m2);
        let areas = format!("{before:.2} m2 before, {after:.2} m2 after");
        let fault = if it.taken {
            let expected = format!("a valid polygon; it was mended: {areas}");
            Fault::error("geometry-repaired", Some("geometry"), Some(&it.reason), expected).as_warning()
        } else {
            let expected = format!(
                "a polygon that can be mended without changing its area by more than {} %: {areas}",
                share * 100.0
            );
            Fault::error("geometry-not-repaired", Some("geometry"), Some(&it.reason), expected)
        };
        let mut finding = fault.at(name(files, it.file), u64::try_from(it.row).ok(), Some(&it.key));
        finding.facts.insert("before_m2".into(), before.into());
        finding.facts.insert("after_m2".into(), after.into());
        finding
    });
    Ok(found.collect())
}

/// What is worth a look in the staged rows of a kind.
pub async fn remarks(
    connection: &mut PgConnection,
    kind: Kind,
    today: NaiveDate,
    files: &[String],
) -> Result<Vec<Finding>, RemarkError> {
    if kind != Kind::Parcels {
        return Ok(Vec::new());
    }
    let mut findings = Vec::new();
    match forgotten_unit(&remark::area_ratios(connection).await?) {
        // One word about the file instead of one about every row.
        Some(found) => findings.push(found.finding(files)),
        None => findings.extend(area_gaps(connection, today, files).await?),
    }
    findings.extend(land_uses(connection, files).await?);
    Ok(findings)
}

fn name(files: &[String], index: i16) -> &str {
    usize::try_from(index).ok().and_then(|index| files.get(index)).map_or("", String::as_str)
}

/// A unit in which registered areas may have come, and what they then are of the drawn ones.
struct Unit {
    name: &'static str,
    ratio: f64,
    /// What to name it by in a field map.
    word: &'static str,
}

/// `domain.md` §11 and §12.5: mu for square metres, and mu divided instead of multiplied, are live hazards.
const UNITS: [Unit; 6] = [
    Unit { name: "mu (亩)", ratio: 15.0 / 10_000.0, word: "亩" },
    Unit { name: "hectares or 万平方米", ratio: 1e-4, word: "公顷" },
    Unit { name: "square kilometres", ratio: 1e-6, word: "平方公里" },
    Unit { name: "square feet", ratio: 1.0 / 0.092_903_04, word: "ft2" },
    Unit { name: "square metres multiplied by 666.67 instead of mu", ratio: 10_000.0 / 15.0, word: "factor = 0.0015" },
    Unit { name: "mu divided by 666.67 instead of multiplied", ratio: 2.25e-6, word: "factor = 444444.4444" },
];

struct Forgotten {
    unit: &'static Unit,
    near: i64,
    known: i64,
    /// The middle of the rows near it.
    ratio: f64,
}

/// The unit about whose ratio more than half of the registered areas lie.
fn forgotten_unit(ratios: &[(f64, i64)]) -> Option<Forgotten> {
    let known: i64 = ratios.iter().map(|(_, rows)| rows).sum();
    UNITS.iter().find_map(|unit| {
        // Two steps each way: registered and drawn areas of one parcel differ by a few per cent.
        let near = || ratios.iter().filter(|(log, _)| (log - unit.ratio.ln()).abs() <= 2.5 * RATIO_STEP);
        let rows: i64 = near().map(|(_, rows)| rows).sum();
        #[expect(clippy::cast_precision_loss, reason = "rows of a file")]
        let ratio = || (near().map(|(log, rows)| log * *rows as f64).sum::<f64>() / rows as f64).exp();
        (rows * 2 > known).then(|| Forgotten { unit, near: rows, known, ratio: ratio() })
    })
}

impl Forgotten {
    fn finding(&self, files: &[String]) -> Finding {
        let Self { unit, near, known, ratio } = self;
        let value = format!("{near} of {known} registered areas are about {ratio:.3e} of those of their shapes");
        let what = if unit.word.contains('=') { unit.word.to_owned() } else { format!("unit = \"{}\"", unit.word) };
        let expected = format!(
            "square metres; these look like {}. If so, import the file again with a field map that says {what} for \
             registered_area_m2, or write the unit into the column's name",
            unit.name
        );
        let fault =
            Fault::error("area-unit-suspected", Some("registered_area_m2"), Some(&value), expected).as_warning();
        let mut finding = fault.at(name(files, 0), None, None);
        finding.facts.insert("ratio".into(), (*ratio).into());
        finding
    }
}

async fn area_gaps(
    connection: &mut PgConnection,
    today: NaiveDate,
    files: &[String],
) -> Result<Vec<Finding>, RemarkError> {
    let share = rules::share(keys::AREA_SHARE, today)?;
    let most = i64::try_from(FINDINGS_KEPT).unwrap_or(i64::MAX);
    let (all, gaps) = remark::area_gaps(connection, share, most).await?;
    let kept = gaps.len() as u64;
    let mut findings: Vec<Finding> = gaps
        .into_iter()
        .map(|gap| {
            let expected = format!("within {} % of the area of its shape, {:.2} m2", share * 100.0, gap.drawn_m2);
            let value = gap.registered_m2.to_string();
            Fault::error("area-differs", Some("registered_area_m2"), Some(&value), expected).as_warning().at(
                name(files, gap.file),
                u64::try_from(gap.row).ok(),
                Some(&gap.key),
            )
        })
        .collect();
    if all > kept {
        let expected = format!("registered areas like those of the shapes; {kept} of these rows are named");
        let value = format!("{all} rows");
        let fault = Fault::error("area-differs", Some("registered_area_m2"), Some(&value), expected).as_warning();
        findings.push(fault.at(name(files, 0), None, None));
    }
    Ok(findings)
}

/// Codes that their scheme does not have: once for each code, with its count.
async fn land_uses(connection: &mut PgConnection, files: &[String]) -> Result<Vec<Finding>, RemarkError> {
    /// After so many, the column is another one, and more words about it help nobody.
    const MOST: usize = 50;
    let known = rules::land_uses()?;
    let mut findings = Vec::new();
    let mut unknown_schemes: Vec<String> = Vec::new();
    let mut left_out = 0_u64;
    for count in remark::land_uses(connection).await? {
        let (code, field, value, expected) = match known.look_up(&count.scheme, &count.code) {
            Known::Yes => continue,
            Known::No => {
                let expected = format!("a code of {}; check it, or name its scheme in land_use_scheme", count.scheme);
                ("unknown-land-use", "land_use", &count.code, expected)
            }
            Known::NoScheme if unknown_schemes.contains(&count.scheme) => continue,
            Known::NoScheme => {
                unknown_schemes.push(count.scheme.clone());
                let schemes: Vec<&str> = known.schemes().collect();
                ("unknown-land-use-scheme", "land_use_scheme", &count.scheme, format!("one of {}", schemes.join(", ")))
            }
        };
        if findings.len() >= MOST {
            left_out += 1;
            continue;
        }
        let mut finding =
            Fault::error(code, Some(field), Some(value), expected).as_warning().at(name(files, count.file), None, None);
        finding.facts.insert("rows".into(), count.rows.into());
        findings.push(finding);
    }
    if left_out > 0 {
        let expected = format!("codes of a known scheme; {MOST} that are none are named");
        let fault =
            Fault::error("unknown-land-use", Some("land_use"), Some(&format!("{left_out} more codes")), expected);
        findings.push(fault.as_warning().at(name(files, 0), None, None));
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_told_by_where_most_ratios_lie_and_not_by_a_few() {
        let at = |ratio: f64| (ratio.ln() / RATIO_STEP).round() * RATIO_STEP;
        let found = forgotten_unit(&[(at(0.0015), 9), (at(0.00155), 3), (at(1.0), 2)]).expect("mu");
        assert_eq!((found.unit.word, found.near, found.known), ("亩", 12, 14));
        assert!((found.ratio / 0.0015 - 1.0).abs() < 0.05, "{}", found.ratio);
        assert!(forgotten_unit(&[(at(0.0015), 2), (at(1.0), 9)]).is_none());
        assert_eq!(forgotten_unit(&[(at(1e-4), 1)]).map(|found| found.unit.word), Some("公顷"));
        assert!(forgotten_unit(&[]).is_none());
        assert!(forgotten_unit(&[(at(1.0), 5), (at(0.8), 5)]).is_none());
    }
}
