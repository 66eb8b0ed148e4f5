//! Texts against patterns, and texts without case or accents. The database does the same by `store/filter.rs`.

use super::tree::Fold;
use unicode_normalization::UnicodeNormalization as _;

/// The marks that are taken off letters, by ranges of their numbers.
pub const ACCENTS: [(char, char); 5] = [
    ('\u{300}', '\u{36f}'),
    ('\u{1ab0}', '\u{1aff}'),
    ('\u{1dc0}', '\u{1dff}'),
    ('\u{20d0}', '\u{20ff}'),
    ('\u{fe20}', '\u{fe2f}'),
];

/// A text without what does not matter.
pub(super) fn folded(fold: Fold, text: &str) -> String {
    match fold {
        // By way of the capitals, so that ß is ss; a sigma that ends a word is a sigma.
        Fold::Case => text.to_uppercase().to_lowercase().replace('ς', "σ"),
        Fold::Accent => {
            let is_accent = |letter: &char| ACCENTS.iter().any(|(first, last)| (first..=last).contains(&letter));
            text.nfd().filter(|letter| !is_accent(letter)).nfc().collect()
        }
    }
}

enum Sign {
    Any,
    One,
    Same(char),
}

/// Whether a text fits a pattern of LIKE; in time of their lengths multiplied, whatever the pattern.
pub(super) fn is_like(text: &str, pattern: &str) -> bool {
    let mut letters = pattern.chars();
    let mut signs = Vec::new();
    while let Some(letter) = letters.next() {
        signs.push(match letter {
            '%' => Sign::Any,
            '_' => Sign::One,
            '\\' => Sign::Same(letters.next().unwrap_or('\\')),
            other => Sign::Same(other),
        });
    }
    // Which beginnings of the pattern the text read so far fits.
    let mut fits = vec![false; signs.len() + 1];
    fits[0] = true;
    let skip = |fits: &mut Vec<bool>| {
        for (index, sign) in signs.iter().enumerate() {
            if matches!(sign, Sign::Any) && fits[index] {
                fits[index + 1] = true;
            }
        }
    };
    skip(&mut fits);
    for letter in text.chars() {
        let mut next = vec![false; signs.len() + 1];
        for (index, sign) in signs.iter().enumerate().filter(|(index, _)| fits[*index]) {
            match sign {
                Sign::Any => next[index] = true,
                Sign::One => next[index + 1] = true,
                Sign::Same(same) if *same == letter => next[index + 1] = true,
                Sign::Same(_) => {}
            }
        }
        skip(&mut next);
        fits = next;
    }
    fits[signs.len()]
}
