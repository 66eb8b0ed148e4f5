//! CQL2 text, taken apart.

use super::{FilterError, Place};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A name or keyword, as it is written.
    Word(String),
    /// A name in double quotes.
    Quoted(String),
    Text(String),
    Number(f64),
    Sign(&'static str),
    End,
}

/// Every sign that CQL2 has, the longer first.
const SIGNS: [&str; 17] = ["<=", ">=", "<>", "=", "<", ">", "(", ")", "[", "]", ",", "+", "-", "*", "/", "^", "%"];

/// The tokens of a text with their places, in characters from 1; the last is the end.
pub(super) fn tokens(text: &str) -> Result<Vec<(usize, Token)>, FilterError> {
    let letters: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < letters.len() {
        let start = at;
        let letter = letters[at];
        let refuse = |found: String, expected: &str| {
            Err(FilterError { place: Place::Character(start + 1), found, expected: expected.to_owned() })
        };
        if letter.is_whitespace() {
            at += 1;
            continue;
        }
        let token = if letter == '\'' || letter == '"' {
            let mut inside = String::new();
            at += 1;
            loop {
                match (letters.get(at), letters.get(at + 1)) {
                    (Some(one), Some(next)) if *one == letter && *next == letter => {
                        inside.push(letter);
                        at += 2;
                    }
                    (Some(one), _) if *one == letter => break at += 1,
                    (Some(one), _) => {
                        inside.push(*one);
                        at += 1;
                    }
                    (None, _) => return refuse("a quote that is not closed".to_owned(), "a closing quote"),
                }
            }
            if inside.contains('\0') {
                return refuse("a text with NUL".to_owned(), "a text without it");
            }
            if letter == '"' { Token::Quoted(inside) } else { Token::Text(inside) }
        } else if letter.is_ascii_digit() || letter == '.' {
            while at < letters.len()
                && (letters[at].is_ascii_alphanumeric()
                    || letters[at] == '.'
                    || matches!(letters[at], '+' | '-') && matches!(letters[at - 1], 'e' | 'E'))
            {
                at += 1;
            }
            let digits: String = letters[start..at].iter().collect();
            match digits.parse::<f64>() {
                Ok(number) if number.is_finite() => Token::Number(number),
                _ => return refuse(digits, "a finite number, such as 2000 or 0.5"),
            }
        } else if letter.is_alphabetic() || letter == '_' {
            while at < letters.len() && (letters[at].is_alphanumeric() || matches!(letters[at], '_' | '.' | ':')) {
                at += 1;
            }
            Token::Word(letters[start..at].iter().collect())
        } else {
            let next: String = letters[at..letters.len().min(at + 2)].iter().collect();
            let Some(sign) = SIGNS.into_iter().find(|sign| next.starts_with(sign)) else {
                return refuse(format!("{letter:?}"), "a property, a value, a bracket or a comparison");
            };
            at += sign.len();
            Token::Sign(sign)
        };
        tokens.push((start + 1, token));
    }
    tokens.push((letters.len() + 1, Token::End));
    Ok(tokens)
}
