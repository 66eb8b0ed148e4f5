//! Templates of field maps: a text with places in it that a row fills. It knows columns by number, and no field.

use super::named_column;
use sha2::{Digest, Sha256};

/// A piece of a template.
pub(super) enum Part {
    Text(String),
    Row(usize),
    Fid(usize),
    Column(usize, usize),
    /// Digits out of the hash of a column's text: which column, how many digits, the how many-eth such place.
    Hash(usize, usize, usize),
}

/// Eight bytes of the hash for each place; a template has at most this many.
const HASHES: usize = 4;
/// Digits that eight bytes surely have.
const HASH_DIGITS: usize = 18;

/// Takes a template apart; an unknown column comes back as the error.
pub(super) fn parts(template: &str, columns: &[String]) -> Result<(Vec<Part>, Vec<usize>), String> {
    let (mut parts, mut used, mut rest) = (Vec::new(), Vec::new(), template);
    while let Some((text, tail)) = rest.split_once('{') {
        let Some((inside, after)) = tail.split_once('}') else { break };
        parts.push(Part::Text(text.to_owned()));
        let (name, width) = inside.rsplit_once(":0").unwrap_or((inside, "0"));
        // Wider than any code; a width is not a way to ask for gigabytes of zeros.
        let width = width.parse().unwrap_or(0).min(64);
        parts.push(match name {
            "row" => Part::Row(width),
            "fid" => Part::Fid(width),
            name if name.starts_with("hash ") => {
                let column = name["hash ".len()..].trim();
                let index = named_column(column, columns).ok_or_else(|| column.to_owned())?;
                used.push(index);
                let before = parts.iter().filter(|part| matches!(part, Part::Hash(..))).count();
                Part::Hash(index, width.clamp(1, HASH_DIGITS), before % HASHES)
            }
            column => {
                let index = named_column(column, columns).ok_or_else(|| column.to_owned())?;
                used.push(index);
                Part::Column(index, width)
            }
        });
        rest = after;
    }
    parts.push(Part::Text(rest.to_owned()));
    Ok((parts, used))
}

/// The text of one row; `cell` gives a column's text.
pub(super) fn fill(parts: &[Part], row: u64, fid: u64, mut cell: impl FnMut(usize) -> String) -> String {
    let mut filled = String::new();
    for part in parts {
        match part {
            Part::Text(text) => filled.push_str(text),
            Part::Row(width) => filled.push_str(&format!("{row:0width$}")),
            Part::Fid(width) => filled.push_str(&format!("{fid:0width$}")),
            Part::Hash(index, digits, place) => filled.push_str(&hashed(&cell(*index), *digits, *place)),
            Part::Column(index, width) => {
                let text = cell(*index);
                filled.extend(std::iter::repeat_n('0', width.saturating_sub(text.chars().count())));
                filled.push_str(&text);
            }
        }
    }
    filled
}

/// Digits that stay the same for the same text: a key in figures for things whose own key has letters.
fn hashed(text: &str, digits: usize, place: usize) -> String {
    let hash = Sha256::digest(text.trim().as_bytes());
    let number = hash.iter().skip(place * 8).take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let kept = number % 10_u64.pow(u32::try_from(digits).unwrap_or(1));
    format!("{kept:0digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_of_a_column_gives_the_same_digits_for_the_same_text_and_others_at_each_place() {
        let columns = ["ML".to_owned()];
        let Ok((parts, used)) = parts("000000{hash ML:06}ZB{hash ML:05}", &columns) else { panic!("a template") };
        assert_eq!(used, [0, 0]);
        let of = |text: &str| fill(&parts, 1, 1, |_| text.to_owned());
        let code = of("242A-75");
        assert_eq!((code.len(), &code[..6], &code[12..14]), (19, "000000", "ZB"), "{code}");
        assert_eq!(code, of(" 242A-75 "));
        assert_ne!(code, of("242A-76"));
        assert_ne!(code[7..12], code[14..]);
    }
}
