//! CQL2 text, taken apart and put together as a tree. Every refusal says where.

use super::{Comparison, Filter, FilterError, Literal, MAX_BYTES, MAX_DEPTH, Operand, Property};
use crate::domain::intake::FieldType;
use chrono::NaiveDate;

#[derive(Debug, Clone, PartialEq)]
enum Token {
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
const SIGNS: [&str; 15] = ["<=", ">=", "<>", "=", "<", ">", "(", ")", ",", "+", "-", "*", "/", "^", "%"];

pub(super) fn read(text: &str, properties: &[Property<'_>]) -> Result<Filter, FilterError> {
    if text.len() > MAX_BYTES {
        return Err(FilterError {
            position: 1,
            found: format!("{} bytes", text.len()),
            expected: format!("at most {MAX_BYTES} bytes"),
        });
    }
    let mut reader = Reader { tokens: tokens(text)?, at: 0, properties, depth: 0 };
    let filter = reader.either()?;
    match reader.peek() {
        Token::End => Ok(filter),
        _ => Err(reader.refuse("AND, OR or the end")),
    }
}

fn tokens(text: &str) -> Result<Vec<(usize, Token)>, FilterError> {
    let letters: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < letters.len() {
        let start = at;
        let letter = letters[at];
        let refuse = |found: String, expected: &str| {
            Err(FilterError { position: start + 1, found, expected: expected.to_owned() })
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

struct Reader<'a> {
    tokens: Vec<(usize, Token)>,
    at: usize,
    properties: &'a [Property<'a>],
    depth: usize,
}

impl Reader<'_> {
    fn peek(&self) -> &Token {
        &self.tokens[self.at].1
    }

    /// The next token; the end stays the end.
    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        if token != Token::End {
            self.at += 1;
        }
        token
    }

    fn refuse_as(&self, at: usize, found: String, expected: &str) -> FilterError {
        FilterError { position: self.tokens[at].0, found, expected: expected.to_owned() }
    }

    fn refuse(&self, expected: &str) -> FilterError {
        if let Token::Sign(sign @ ("+" | "-" | "*" | "/" | "^" | "%")) = self.peek() {
            return self.unsupported(self.at, sign);
        }
        let found = match self.peek() {
            Token::Word(word) => word.clone(),
            Token::Quoted(word) => format!("\"{word}\""),
            Token::Text(text) => format!("'{text}'"),
            Token::Number(number) => number.to_string(),
            Token::Sign(sign) => (*sign).to_owned(),
            Token::End => "the end".to_owned(),
        };
        self.refuse_as(self.at, found, expected)
    }

    fn unsupported(&self, at: usize, name: &str) -> FilterError {
        self.refuse_as(
            at,
            format!("{name} is not supported yet"),
            "properties and values compared by = <> < <= > >=, IN, BETWEEN, LIKE or IS NULL",
        )
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Word(found) if found.eq_ignore_ascii_case(word))
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.at += 1;
        }
        found
    }

    fn take_sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Token::Sign(found) if *found == sign);
        if found {
            self.at += 1;
        }
        found
    }

    fn need_sign(&mut self, sign: &str) -> Result<(), FilterError> {
        if self.take_sign(sign) { Ok(()) } else { Err(self.refuse(sign)) }
    }

    fn either(&mut self) -> Result<Filter, FilterError> {
        let mut parts = vec![self.both()?];
        while self.take_word("or") {
            parts.push(self.both()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::Or(parts) })
    }

    fn both(&mut self) -> Result<Filter, FilterError> {
        let mut parts = vec![self.single()?];
        while self.take_word("and") {
            parts.push(self.single()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::And(parts) })
    }

    fn single(&mut self) -> Result<Filter, FilterError> {
        if self.depth >= MAX_DEPTH {
            let expected = format!("at most {MAX_DEPTH} brackets or NOT inside one another");
            return Err(self.refuse_as(self.at, "one bracket or NOT more".to_owned(), &expected));
        }
        self.depth += 1;
        let found = if self.take_word("not") {
            self.single().map(|filter| Filter::Not(Box::new(filter)))
        } else if self.take_sign("(") {
            self.either().and_then(|filter| self.need_sign(")").map(|()| filter))
        } else {
            self.predicate()
        };
        self.depth -= 1;
        found
    }

    fn predicate(&mut self) -> Result<Filter, FilterError> {
        let (left, holds) = self.operand(None)?;
        let denied = self.take_word("not");
        let found = if self.take_word("between") {
            let (low, _) = self.operand(Some(holds))?;
            if !self.take_word("and") {
                return Err(self.refuse("AND and the upper bound"));
            }
            Filter::Between(left, low, self.operand(Some(holds))?.0)
        } else if self.take_word("in") {
            self.need_sign("(")?;
            let mut list = vec![self.operand(Some(holds))?.0];
            while self.take_sign(",") {
                list.push(self.operand(Some(holds))?.0);
            }
            self.need_sign(")")?;
            Filter::In(left, list)
        } else if self.is_word("like") {
            if holds != FieldType::Text {
                return Err(self.refuse(&format!("a comparison with {}: LIKE is for text", expected(holds))));
            }
            self.at += 1;
            Filter::Like(left, self.pattern()?)
        } else if denied {
            return Err(self.refuse("BETWEEN, IN or LIKE after NOT"));
        } else if self.take_word("is") {
            let denied = self.take_word("not");
            if !self.take_word("null") {
                return Err(self.refuse("NULL"));
            }
            let found = Filter::IsNull(left);
            return Ok(if denied { Filter::Not(Box::new(found)) } else { found });
        } else {
            const COMPARISONS: [Comparison; 6] = [
                Comparison::Equal,
                Comparison::NotEqual,
                Comparison::Less,
                Comparison::AtMost,
                Comparison::Greater,
                Comparison::AtLeast,
            ];
            match COMPARISONS.into_iter().find(|one| *self.peek() == Token::Sign(one.sign())) {
                Some(comparison) => {
                    self.at += 1;
                    Filter::Compare(left, comparison, self.operand(Some(holds))?.0)
                }
                None => match left {
                    Operand::Literal(Literal::Flag(constant)) => Filter::Constant(constant),
                    _ => return Err(self.refuse("= <> < <= > >=, IN, BETWEEN, LIKE or IS NULL")),
                },
            }
        };
        Ok(if denied { Filter::Not(Box::new(found)) } else { found })
    }

    fn pattern(&mut self) -> Result<String, FilterError> {
        let at = self.at;
        match self.next() {
            Token::Text(pattern) => {
                let escapes = pattern.chars().rev().take_while(|letter| *letter == '\\').count();
                if escapes % 2 == 1 {
                    return Err(self.refuse_as(at, format!("'{pattern}'"), "a sign after the last \\ of the pattern"));
                }
                Ok(pattern)
            }
            _ => {
                self.at = at;
                Err(self.refuse("a pattern in single quotes, such as '310115%'"))
            }
        }
    }

    /// A property or a value, of a type where one is asked for.
    fn operand(&mut self, asked: Option<FieldType>) -> Result<(Operand, FieldType), FilterError> {
        let at = self.at;
        let (operand, holds) = match self.next() {
            Token::Text(text) => (Operand::Literal(Literal::Text(text)), FieldType::Text),
            Token::Number(number) => (Operand::Literal(Literal::Number(number)), FieldType::Number),
            Token::Sign(sign @ ("+" | "-")) if matches!(self.peek(), Token::Number(_)) => match self.next() {
                Token::Number(number) => {
                    let number = if sign == "-" { -number } else { number };
                    (Operand::Literal(Literal::Number(number)), FieldType::Number)
                }
                _ => return Err(self.refuse("a number")),
            },
            Token::Word(word) if word.eq_ignore_ascii_case("true") || word.eq_ignore_ascii_case("false") => {
                let flag = word.eq_ignore_ascii_case("true");
                (Operand::Literal(Literal::Flag(flag)), FieldType::Flag)
            }
            Token::Word(word) if word.eq_ignore_ascii_case("date") && self.take_sign("(") => {
                let place = self.at;
                let Token::Text(text) = self.next() else {
                    self.at = place;
                    return Err(self.refuse("a day in single quotes, such as DATE('2026-06-30')"));
                };
                let Ok(day) = text.parse::<NaiveDate>() else {
                    return Err(self.refuse_as(place, format!("'{text}'"), "a day such as '2026-06-30'"));
                };
                self.need_sign(")")?;
                (Operand::Literal(Literal::Date(day)), FieldType::Date)
            }
            // What is called like a function is one, and there is none yet.
            Token::Word(word) if matches!(self.peek(), Token::Sign("(")) => return Err(self.unsupported(at, &word)),
            Token::Word(word) | Token::Quoted(word) => {
                let Some(index) = self.properties.iter().position(|property| property.name == word) else {
                    let names: Vec<&str> = self.properties.iter().map(|property| property.name).collect();
                    let expected = format!("one of {}", names.join(", "));
                    return Err(self.refuse_as(at, format!("no property {word:?}"), &expected));
                };
                (Operand::Property(index), self.properties[index].holds)
            }
            _ => {
                self.at = at;
                return Err(self.refuse("a property or a value"));
            }
        };
        if let Some(asked) = asked
            && like(asked) != like(holds)
        {
            self.at = at;
            return Err(self.refuse(expected(asked)));
        }
        // What would be computed with stands before a sign of arithmetic.
        if let Token::Sign(sign @ ("+" | "-" | "*" | "/" | "^" | "%")) = self.peek() {
            return Err(self.unsupported(self.at, sign));
        }
        Ok((operand, holds))
    }
}

/// Whole numbers and others compare with one another.
fn like(holds: FieldType) -> FieldType {
    if holds == FieldType::Integer { FieldType::Number } else { holds }
}

fn expected(holds: FieldType) -> &'static str {
    match holds {
        FieldType::Text => "a text in single quotes",
        FieldType::Number | FieldType::Integer => "a number",
        FieldType::Date => "a day, such as DATE('2026-06-30')",
        FieldType::Flag => "true or false",
    }
}
