//! A parcel's figures of one year, and the form in which receipts keep them. Measures came one after the other: the first
//! nine always stand there, later ones as far as something is known of them, so that a receipt from before keeps its bytes.

use super::{MEASURES, Measure};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How many measures every receipt names.
const FIRST_MEASURES: usize = 9;

/// One figure of a parcel in a year: what is known of it, and what share of the used floor area is behind that.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Share {
    /// The part of the floor area × days whose enterprises reported the figure, 0 to 1.
    pub known: f64,
    /// The sum of the known shares.
    pub sum: f64,
}

/// A parcel's figures of one year, in the order of [`Measure`].
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Year {
    /// The figures.
    pub figures: [Share; MEASURES],
    /// The part of the floor area × days whose enterprises pay their tax to another city, 0 to 1.
    pub tax_elsewhere: f64,
    /// The calendar year.
    pub year: i32,
}

impl Year {
    /// The figure, if enough of it is known. What is unreported within the tolerance is taken at the rate of what was
    /// reported, floor area for floor area: counting it as zero would hold the silence of one user against the parcel.
    pub fn figure(&self, measure: Measure, tolerance: f64) -> Option<f64> {
        let share = self.figures[measure as usize];
        (share.known > 0.0 && share.known >= 1.0 - tolerance).then(|| share.sum / share.known)
    }
}

/// A figure as receipts keep it, its fields in the order of their names.
#[derive(Serialize, Deserialize)]
struct WrittenShare {
    #[serde(default, skip_serializing_if = "is_nothing")]
    elsewhere: f64,
    known: f64,
    sum: f64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_nothing(value: &f64) -> bool {
    *value == 0.0
}

#[derive(Serialize)]
struct Written<'a> {
    figures: WrittenFigures<'a>,
    year: i32,
}

struct WrittenFigures<'a>(&'a Year);

impl Serialize for WrittenFigures<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let figures = &self.0.figures;
        let known = figures.iter().rposition(|share| *share != Share::default()).map_or(0, |last| last + 1);
        serializer.collect_seq(figures.iter().take(known.max(FIRST_MEASURES)).enumerate().map(|(place, share)| {
            let elsewhere = if place == Measure::Tax as usize { self.0.tax_elsewhere } else { 0.0 };
            WrittenShare { elsewhere, known: share.known, sum: share.sum }
        }))
    }
}

impl Serialize for Year {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Written { figures: WrittenFigures(self), year: self.year }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Year {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Read {
            figures: Vec<WrittenShare>,
            year: i32,
        }
        let Read { figures, year } = Read::deserialize(deserializer)?;
        if !(FIRST_MEASURES..=MEASURES).contains(&figures.len()) {
            let expected = format!("{FIRST_MEASURES} to {MEASURES} figures of a year");
            return Err(D::Error::invalid_length(figures.len(), &expected.as_str()));
        }
        let mut read = Self { year, ..Self::default() };
        read.tax_elsewhere = figures[Measure::Tax as usize].elsewhere;
        for (share, written) in read.figures.iter_mut().zip(figures) {
            *share = Share { known: written.known, sum: written.sum };
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// A year as receipts had it that knew nine measures.
    fn kept() -> String {
        let nothing = r#"{"known":0,"sum":0}"#;
        let tax = r#"{"elsewhere":0.25,"known":0.75,"sum":12}"#;
        let figures: Vec<&str> = (0..9).map(|place| if place == 2 { tax } else { nothing }).collect();
        format!(r#"{{"figures":[{}],"year":2025}}"#, figures.join(","))
    }

    fn text(year: &Year) -> String {
        crate::domain::review::canonical::to_string(year).unwrap()
    }

    #[test]
    fn a_year_kept_before_there_were_more_measures_keeps_its_bytes() {
        let year: Year = serde_json::from_str(&kept()).unwrap();
        assert_eq!((year.tax_elsewhere, year.figures[Measure::Tax as usize].sum), (0.25, 12.0));
        assert_eq!(text(&year), kept());
    }

    #[test]
    fn a_later_measure_is_written_where_it_is_known_and_read_again() {
        let mut year: Year = serde_json::from_str(&kept()).unwrap();
        year.figures[Measure::Water as usize] = Share { known: 1.0, sum: 7.0 };
        let written = text(&year);
        assert_eq!(written.matches("known").count(), Measure::Water as usize + 1, "{written}");
        assert_eq!(serde_json::from_str::<Year>(&written).unwrap(), year);
    }

    #[test]
    fn a_year_of_too_few_or_too_many_figures_is_refused() {
        let short = kept().replacen(r#"{"known":0,"sum":0},"#, "", 1);
        let mut all = vec![r#"{"known":0,"sum":0}"#; MEASURES + 1].join(",");
        all = format!(r#"{{"figures":[{all}],"year":2025}}"#);
        for text in [short, all] {
            assert!(serde_json::from_str::<Year>(&text).unwrap_err().to_string().contains("9 to 13 figures"), "{text}");
        }
    }
}
