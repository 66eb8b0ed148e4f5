//! CQL2 text, put together as a tree. Every refusal says where.

use super::build::{self, Part, refuse};
use super::token::{Token, tokens};
use super::tree::{Arithmetic, Comparison, Expression, Fold, ListRelation, SpatialRelation, TemporalRelation};
use super::{FilterError, MAX_BYTES, MAX_DEPTH, Place, Property, shape};

type Read = Result<Part, FilterError>;

pub(super) fn read(text: &str, properties: &[Property<'_>]) -> Result<Expression, FilterError> {
    if text.len() > MAX_BYTES {
        let expected = format!("at most {MAX_BYTES} bytes");
        return refuse(&Place::Character(1), format!("{} bytes", text.len()), expected);
    }
    let mut reader = Reader { tokens: tokens(text)?, at: 0, properties, depth: 0, vertices: 0 };
    let part = reader.either()?;
    if *reader.peek() != Token::End {
        return Err(reader.refuse(if part.kind == super::Kind::Flag {
            "AND, OR or the end"
        } else {
            "= <> < <= > >=, IN, BETWEEN, LIKE or IS NULL"
        }));
    }
    match build::need_truth(&part) {
        // What is missing is missing at the end.
        Err(error) => Err(FilterError { place: reader.place(), ..error }),
        Ok(()) => Ok(part.node),
    }
}

pub(super) struct Reader<'a> {
    tokens: Vec<(usize, Token)>,
    at: usize,
    properties: &'a [Property<'a>],
    depth: usize,
    /// The vertices read so far.
    pub vertices: usize,
}

impl Reader<'_> {
    pub(super) fn peek(&self) -> &Token {
        &self.tokens[self.at].1
    }

    fn peek_second(&self) -> &Token {
        &self.tokens[(self.at + 1).min(self.tokens.len() - 1)].1
    }

    pub(super) fn place(&self) -> Place {
        Place::Character(self.tokens[self.at].0)
    }

    /// Goes on to the next token; the end stays the end.
    pub(super) fn step(&mut self) {
        if *self.peek() != Token::End {
            self.at += 1;
        }
    }

    pub(super) fn refuse(&self, expected: &str) -> FilterError {
        let found = match self.peek() {
            Token::Word(word) => word.clone(),
            Token::Quoted(word) => format!("\"{word}\""),
            Token::Text(text) => format!("'{text}'"),
            Token::Number(number) => number.to_string(),
            Token::Sign(sign) => (*sign).to_owned(),
            Token::End => "the end".to_owned(),
        };
        FilterError { place: self.place(), found, expected: expected.to_owned() }
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Word(found) if found.eq_ignore_ascii_case(word))
    }

    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.at += 1;
        }
        found
    }

    pub(super) fn is_sign(&self, sign: &str) -> bool {
        matches!(self.peek(), Token::Sign(found) if *found == sign)
    }

    pub(super) fn take_sign(&mut self, sign: &str) -> bool {
        let found = self.is_sign(sign);
        if found {
            self.at += 1;
        }
        found
    }

    pub(super) fn need_sign(&mut self, sign: &str) -> Result<(), FilterError> {
        if self.take_sign(sign) { Ok(()) } else { Err(self.refuse(sign)) }
    }

    /// Reads what stands one bracket, NOT or function deeper.
    pub(super) fn deeper<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, FilterError>,
    ) -> Result<T, FilterError> {
        if self.depth >= MAX_DEPTH {
            let expected = format!("at most {MAX_DEPTH} brackets or NOT inside one another");
            return refuse(&self.place(), "one bracket or NOT more", expected);
        }
        self.depth += 1;
        let found = inner(self);
        self.depth -= 1;
        found
    }

    fn either(&mut self) -> Read {
        self.joined("or", false, Self::both)
    }

    fn both(&mut self) -> Read {
        self.joined("and", true, Self::single)
    }

    fn joined(&mut self, word: &str, all: bool, next: impl Fn(&mut Self) -> Read) -> Read {
        let place = self.place();
        let first = next(self)?;
        if !self.is_word(word) {
            return Ok(first);
        }
        // What stands before AND or OR is refused there, before what follows is read.
        if first.kind != super::Kind::Flag {
            return Err(self.refuse("= <> < <= > >=, IN, BETWEEN, LIKE or IS NULL"));
        }
        let mut parts = vec![first];
        while self.take_word(word) {
            parts.push(next(self)?);
        }
        build::logic(all, parts, place)
    }

    fn single(&mut self) -> Read {
        let place = self.place();
        if self.take_word("not") {
            return self.deeper(Self::single).and_then(|part| build::not(part, place));
        }
        self.predicate()
    }

    /// A comparison, or what could be one side of it.
    fn predicate(&mut self) -> Read {
        let place = self.place();
        let left = self.sum()?;
        let denied = self.take_word("not");
        let part = if self.take_word("between") {
            let low = self.sum()?;
            if !self.take_word("and") {
                return Err(self.refuse("AND and the upper bound"));
            }
            let high = self.sum()?;
            build::between(left, low, high, place.clone())?
        } else if self.take_word("in") {
            self.need_sign("(")?;
            let mut list = vec![self.sum()?];
            while self.take_sign(",") {
                list.push(self.sum()?);
            }
            self.need_sign(")")?;
            build::is_in(left, list, place.clone())?
        } else if self.take_word("like") {
            let pattern = self.sum()?;
            build::like(left, pattern, place.clone())?
        } else if denied {
            return Err(self.refuse("BETWEEN, IN or LIKE after NOT"));
        } else if self.take_word("is") {
            let denied = self.take_word("not");
            if !self.take_word("null") {
                return Err(self.refuse("NULL"));
            }
            let part = build::is_null(left, place.clone())?;
            return if denied { build::not(part, place) } else { Ok(part) };
        } else if let Token::Sign(sign) = self.peek()
            && let Some(comparison) = Comparison::named(sign)
        {
            self.at += 1;
            let right = self.sum()?;
            return build::compare(left, comparison, right, place);
        } else {
            return Ok(left);
        };
        if denied { build::not(part, place) } else { Ok(part) }
    }

    fn operation(&mut self, signs: &[Arithmetic]) -> Option<Arithmetic> {
        let found = match self.peek() {
            Token::Sign(sign) => Arithmetic::named(sign),
            Token::Word(word) if word.eq_ignore_ascii_case("div") => Some(Arithmetic::Div),
            _ => None,
        };
        let found = found.filter(|sign| signs.contains(sign));
        self.at += usize::from(found.is_some());
        found
    }

    fn sum(&mut self) -> Read {
        let place = self.place();
        let mut part = self.product()?;
        while let Some(sign) = self.operation(&[Arithmetic::Plus, Arithmetic::Minus]) {
            part = build::arithmetic(part, sign, self.product()?, place.clone())?;
        }
        Ok(part)
    }

    fn product(&mut self) -> Read {
        const SIGNS: [Arithmetic; 4] = [Arithmetic::Times, Arithmetic::Over, Arithmetic::Modulo, Arithmetic::Div];
        let place = self.place();
        let mut part = self.power()?;
        while let Some(sign) = self.operation(&SIGNS) {
            part = build::arithmetic(part, sign, self.power()?, place.clone())?;
        }
        Ok(part)
    }

    fn power(&mut self) -> Read {
        let place = self.place();
        let part = self.factor()?;
        match self.operation(&[Arithmetic::Power]) {
            Some(sign) => build::arithmetic(part, sign, self.factor()?, place),
            None => Ok(part),
        }
    }

    fn factor(&mut self) -> Read {
        let place = self.place();
        if self.take_sign("-") {
            return self.operand().and_then(|part| build::negative(part, place));
        }
        self.take_sign("+");
        self.operand()
    }

    /// A property, a value, a function, or anything in brackets.
    fn operand(&mut self) -> Read {
        let place = self.place();
        match self.peek().clone() {
            Token::Text(text) => {
                self.step();
                build::text(text, place)
            }
            Token::Number(number) => {
                self.step();
                build::number(number, place)
            }
            Token::Sign("(") => {
                self.step();
                let part = self.deeper(Self::either)?;
                self.need_sign(")")?;
                Ok(part)
            }
            Token::Word(word) if word.eq_ignore_ascii_case("true") || word.eq_ignore_ascii_case("false") => {
                self.step();
                Ok(build::flag(word.eq_ignore_ascii_case("true"), place))
            }
            Token::Word(word) if *self.peek_second() == Token::Sign("(") || self.is_shape_with_height(&word) => {
                self.step();
                self.deeper(|reader| reader.function(&word, place))
            }
            Token::Word(word) | Token::Quoted(word) => {
                self.step();
                build::property(&word, self.properties, place)
            }
            _ => Err(self.refuse("a property or a value")),
        }
    }

    /// Whether this begins a shape such as POINT Z (1 2 3).
    fn is_shape_with_height(&self, word: &str) -> bool {
        shape::is_name(word) && matches!(self.peek_second(), Token::Word(height) if height.eq_ignore_ascii_case("z"))
    }

    /// What stands behind the name of a function, a value with a name, or a shape.
    fn function(&mut self, word: &str, place: Place) -> Read {
        if shape::is_name(word) {
            return Ok(build::shape(shape::read(self, word)?, place));
        }
        let name = word.to_ascii_lowercase();
        self.need_sign("(")?;
        let part = if name == "date" || name == "timestamp" {
            let inner = self.place();
            let Token::Text(text) = self.peek().clone() else {
                return Err(self.refuse(
                    "a text in single quotes, such as DATE('2026-06-30') or TIMESTAMP('2026-06-30T08:00:00Z')",
                ));
            };
            self.step();
            let part = if name == "date" { build::date(&text, inner) } else { build::timestamp(&text, inner) };
            part.map(|part| Part { place, ..part })
        } else if name == "interval" {
            let start = self.bound()?;
            self.need_sign(",")?;
            let end = self.bound()?;
            build::interval(start, end, place)
        } else if let Some(fold) = Fold::named(&name) {
            let inner = self.sum()?;
            build::fold(fold, inner, place)
        } else if let Some(relation) = SpatialRelation::named(&name) {
            let (left, right) = self.pair(Self::sum)?;
            build::spatial(relation, left, right, place)
        } else if let Some(relation) = TemporalRelation::named(&name) {
            let (left, right) = self.pair(Self::sum)?;
            build::temporal(relation, left, right, place)
        } else if let Some(relation) = ListRelation::named(&name) {
            let (left, right) = self.pair(Self::list)?;
            build::lists(relation, left, right, place)
        } else {
            let expected = "CASEI, ACCENTI, DATE, TIMESTAMP, INTERVAL, BBOX, a shape, or a function S_…, T_… or A_…";
            return refuse(&place, format!("no function {word:?}"), expected);
        }?;
        self.need_sign(")")?;
        Ok(part)
    }

    fn pair(&mut self, next: impl Fn(&mut Self) -> Read) -> Result<(Part, Part), FilterError> {
        let left = next(self)?;
        self.need_sign(",")?;
        Ok((left, next(self)?))
    }

    fn bound(&mut self) -> Result<Option<Part>, FilterError> {
        let place = self.place();
        match self.peek().clone() {
            Token::Text(text) => {
                self.step();
                build::bound(&text, place)
            }
            _ => self.operand().map(Some),
        }
    }

    /// A property that holds a list, or values in brackets.
    fn list(&mut self) -> Read {
        let place = self.place();
        let close = match self.peek() {
            Token::Sign("(") => ")",
            Token::Sign("[") => "]",
            _ => return self.operand(),
        };
        self.step();
        let mut parts = Vec::new();
        if !self.is_sign(close) {
            parts.push(self.sum()?);
            while self.take_sign(",") {
                parts.push(self.sum()?);
            }
        }
        self.need_sign(close)?;
        build::list(parts, place)
    }
}
