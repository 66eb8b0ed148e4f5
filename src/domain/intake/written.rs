//! Numbers and days as people write them: thousands groups, full-width digits, marks for "nothing here". It knows
//! characters, and neither fields nor findings.

use chrono::{Datelike, Days, NaiveDate};

/// What stands alone in a cell to say that there is nothing.
const NOTHING: [&str; 5] = ["-", "—", "——", "/", "无"];

/// Full-width digits, signs and points to plain ones: an input method writes ２．０ as readily as 2.0.
fn narrow(text: &str) -> String {
    let plain = |c: char| match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        '−' => '-',
        c => c,
    };
    text.trim().chars().map(plain).collect()
}

/// Whether a text says that there is nothing.
pub(crate) fn is_nothing(text: &str) -> bool {
    NOTHING.contains(&narrow(text).as_str())
}

/// The finite number that a text writes. A comma is taken between thousands only: "2,0" is 2 in one country and 20 in
/// another, so it is no number here.
pub(crate) fn number(text: &str) -> Option<f64> {
    let plain = narrow(text);
    let digits = if plain.contains(',') { without_groups(&plain)? } else { plain };
    // Rust also reads "inf" and "nan", which no table means.
    digits.parse::<f64>().ok().filter(|number| number.is_finite())
}

/// The text without its commas, if they part groups of three digits as they should.
fn without_groups(text: &str) -> Option<String> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').map_or((unsigned, None), |(whole, part)| (whole, Some(part)));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let mut groups = whole.split(',');
    let first = groups.next()?;
    let right = digits(first)
        && first.len() <= 3
        && groups.all(|group| group.len() == 3 && digits(group))
        && fraction.is_none_or(digits);
    right.then(|| text.replace(',', ""))
}

/// The day that a text writes.
pub(super) fn date(text: &str) -> Option<NaiveDate> {
    let plain = narrow(text);
    let day = plain.split(['T', ' ']).next().unwrap_or(&plain);
    ["%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%Y年%m月%d日", "%Y.%m.%d"]
        .iter()
        .find_map(|format| NaiveDate::parse_from_str(day, format).ok())
}

/// The day that Excel means by a bare number, where it is one of our time. Only a hint: 43831 may be anything.
pub(super) fn excel_day(text: &str) -> Option<NaiveDate> {
    let serial = number(text).filter(|number| number.fract() == 0.0 && (10_000.0..100_000.0).contains(number))?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
    let days = Days::new(serial as u64);
    // Excel counts a 29 February 1900 that never was, hence the 30 December.
    NaiveDate::from_ymd_opt(1899, 12, 30)?.checked_add_days(days).filter(|day| day.year() <= 2200)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_comma_is_taken_between_thousands_and_nowhere_else() {
        for (text, expected) in [
            ("1,234", Some(1234.0)),
            ("-12,345,678.50", Some(-12_345_678.5)),
            ("+1,000", Some(1000.0)),
            ("１，２３４．５", Some(1234.5)),
            ("２．０", Some(2.0)),
            ("−3", Some(-3.0)),
            ("1.5E+05", Some(150_000.0)),
            ("2,0", None),
            ("12,34", None),
            ("1234,567", None),
            (",123", None),
            ("1,23,456", None),
            ("1.5,000", None),
            ("1,000.", None),
            ("1,000e3", None),
            ("inf", None),
            ("NaN", None),
            ("", None),
        ] {
            assert_eq!(number(text), expected, "{text}");
        }
    }

    #[test]
    fn a_mark_for_nothing_stands_alone() {
        assert!(["-", "—", "——", "/", "／", "－", " 无 "].into_iter().all(is_nothing));
        assert!(!["-1", "无锡", "", "//", "0"].into_iter().any(is_nothing));
    }

    #[test]
    fn a_bare_number_of_excel_is_told_as_a_day() {
        assert_eq!(excel_day("43831"), NaiveDate::from_ymd_opt(2020, 1, 1));
        assert_eq!(excel_day("20200101"), None);
        assert_eq!(excel_day("2020"), None);
    }

    proptest! {
        #[test]
        fn a_whole_number_reads_the_same_with_and_without_its_groups(value in 0_u32..) {
            let plain = value.to_string();
            let mut grouped = String::new();
            for (index, digit) in plain.chars().enumerate() {
                if index > 0 && (plain.len() - index).is_multiple_of(3) {
                    grouped.push(',');
                }
                grouped.push(digit);
            }
            prop_assert_eq!(number(&grouped), Some(f64::from(value)));
            prop_assert_eq!(number(&plain), Some(f64::from(value)));
        }
    }
}
