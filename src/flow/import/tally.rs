//! What is worth a look in a set of parcels and refuses none of them, counted while they are read: registered areas that
//! are not those of the shapes, units that someone forgot to convert, land-use codes that no scheme has.

use crate::domain::finding::{Fault, Finding};
use crate::domain::land_use::{Known, LandUses};
use crate::domain::parcel::Parcel;
use crate::domain::quantity::SquareMetres;
use crate::domain::rulebook::keys;
use crate::exchange::receipt::FINDINGS_KEPT;
use crate::flow::rules::{self, RulesError};
use chrono::NaiveDate;
use std::collections::{BTreeMap, HashMap};

/// How fine the ratios of areas are told apart: about five in a hundred.
const RATIO_STEP: f64 = 0.05;

/// What was counted so far.
pub(super) struct Tally {
    /// The share from which registered and drawn area differ so much that someone should look.
    share: f64,
    /// How many parcels have which ratio of registered to drawn area: its natural logarithm, in steps.
    ratios: BTreeMap<i32, i64>,
    gaps: Vec<Gap>,
    all_gaps: u64,
    known: &'static LandUses,
    /// By scheme and code: how many rows, and the first file.
    land_uses: HashMap<String, HashMap<String, (i64, usize)>>,
}

/// A parcel whose registered area is not that of its shape.
struct Gap {
    file: usize,
    row: u64,
    key: String,
    registered: SquareMetres,
    drawn: SquareMetres,
}

impl Tally {
    /// Begins to count, by the rules of a day.
    pub fn begin(today: NaiveDate) -> Result<Self, RulesError> {
        Ok(Self {
            share: rules::share(keys::AREA_SHARE, today)?,
            ratios: BTreeMap::new(),
            gaps: Vec::new(),
            all_gaps: 0,
            known: rules::land_uses()?,
            land_uses: HashMap::new(),
        })
    }

    /// Counts one.
    pub fn add(&mut self, file: usize, row: u64, it: &Parcel, drawn: SquareMetres) {
        if let Some(registered) = it.registered_area {
            #[expect(clippy::cast_possible_truncation, reason = "the logarithm of a ratio of areas is a few hundred")]
            let step = ((registered.value() / drawn.value()).ln() / RATIO_STEP).round() as i32;
            *self.ratios.entry(step).or_default() += 1;
            if (registered.value() - drawn.value()).abs() > self.share * drawn.value() {
                self.all_gaps += 1;
                if self.gaps.len() < FINDINGS_KEPT {
                    self.gaps.push(Gap { file, row, key: it.code.as_str().to_owned(), registered, drawn });
                }
            }
        }
        // Looked up before it is made: a million rows have a handful of codes.
        match self.land_uses.get_mut(&it.land_use_scheme).and_then(|codes| codes.get_mut(&it.land_use)) {
            Some((rows, _)) => *rows += 1,
            None => {
                let codes = self.land_uses.entry(it.land_use_scheme.clone()).or_default();
                codes.insert(it.land_use.clone(), (1, file));
            }
        }
    }

    /// What is worth a look.
    pub fn findings(&self, files: &[String]) -> Vec<Finding> {
        let ratios: Vec<(f64, i64)> =
            self.ratios.iter().map(|(step, rows)| (f64::from(*step) * RATIO_STEP, *rows)).collect();
        let mut findings = match forgotten_unit(&ratios) {
            // One word about the file instead of one about every row.
            Some(found) => vec![found.finding(files)],
            None => self.area_gaps(files),
        };
        findings.extend(self.land_uses(files));
        findings
    }

    fn area_gaps(&self, files: &[String]) -> Vec<Finding> {
        let kept = self.gaps.len() as u64;
        let share = self.share;
        let mut findings: Vec<Finding> = self
            .gaps
            .iter()
            .map(|gap| {
                let expected =
                    format!("within {} % of the area of its shape, {:.2} m2", share * 100.0, gap.drawn.value());
                let value = gap.registered.value().to_string();
                Fault::error("area-differs", Some("registered_area_m2"), Some(&value), expected).as_warning().at(
                    name(files, gap.file),
                    Some(gap.row),
                    Some(&gap.key),
                )
            })
            .collect();
        if self.all_gaps > kept {
            let expected = format!("registered areas like those of the shapes; {kept} of these rows are named");
            let value = format!("{} rows", self.all_gaps);
            let fault = Fault::error("area-differs", Some("registered_area_m2"), Some(&value), expected).as_warning();
            findings.push(fault.at(name(files, 0), None, None));
        }
        findings
    }

    /// Codes that their scheme does not have: once for each code, with its count.
    fn land_uses(&self, files: &[String]) -> Vec<Finding> {
        /// After so many, the column is another one, and more words about it help nobody.
        const MOST: usize = 50;
        let mut findings = Vec::new();
        let mut unknown_schemes: Vec<&str> = Vec::new();
        let mut left_out = 0_u64;
        // The most frequent first.
        let all = self
            .land_uses
            .iter()
            .flat_map(|(scheme, codes)| codes.iter().map(move |(code, found)| (scheme, code, found)));
        let mut counts: Vec<_> =
            all.map(|(scheme, code, (rows, file))| (scheme.as_str(), code.as_str(), rows, file)).collect();
        counts.sort_by_key(|&(scheme, code, rows, _)| (std::cmp::Reverse(rows), scheme, code));
        for (scheme, land_use, rows, file) in counts {
            let (code, field, value, expected) = match self.known.look_up(scheme, land_use) {
                Known::Yes => continue,
                Known::No => {
                    let expected = format!("a code of {scheme}; check it, or name its scheme in land_use_scheme");
                    ("unknown-land-use", "land_use", land_use, expected)
                }
                Known::NoScheme if unknown_schemes.contains(&scheme) => continue,
                Known::NoScheme => {
                    unknown_schemes.push(scheme);
                    let schemes: Vec<&str> = self.known.schemes().collect();
                    ("unknown-land-use-scheme", "land_use_scheme", scheme, format!("one of {}", schemes.join(", ")))
                }
            };
            if findings.len() >= MOST {
                left_out += 1;
                continue;
            }
            let mut finding =
                Fault::error(code, Some(field), Some(value), expected).as_warning().at(name(files, *file), None, None);
            finding.facts.insert("rows".into(), (*rows).into());
            findings.push(finding);
        }
        if left_out > 0 {
            let expected = format!("codes of a known scheme; {MOST} that are none are named");
            let fault =
                Fault::error("unknown-land-use", Some("land_use"), Some(&format!("{left_out} more codes")), expected);
            findings.push(fault.as_warning().at(name(files, 0), None, None));
        }
        findings
    }
}

fn name(files: &[String], index: usize) -> &str {
    files.get(index).map_or("", String::as_str)
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
