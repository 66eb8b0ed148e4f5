//! Canonical JSON (RFC 8785) of what a review keeps, at the speed of plain JSON. The fields of its types stand in the
//! order of their names, so that what is written as it comes is canonical already; a value of which some object comes in
//! another order is left to the library that sorts, which takes several times as long.

use serde::Serialize;
use serde_json::ser::{CharEscape, CompactFormatter, Formatter, Serializer};
use std::io;

/// The canonical text of a value whose numbers are finite.
pub fn to_string(value: &impl Serialize) -> Result<String, serde_json::Error> {
    let mut bytes = Vec::with_capacity(8192);
    let mut order = Order::default();
    value.serialize(&mut Serializer::with_formatter(&mut bytes, &mut order))?;
    match String::from_utf8(bytes) {
        Ok(text) if !order.is_broken => Ok(text),
        // Only here are texts that are written already told from lists of bytes.
        Ok(text) if order.has_written => {
            serde_json_canonicalizer::to_string(&serde_json::from_str::<serde_json::Value>(&text)?)
        }
        _ => serde_json_canonicalizer::to_string(value),
    }
}

/// A canonical text in the place of the value that it is of.
#[derive(Debug, Clone)]
pub struct Written(pub Box<str>);

impl Serialize for Written {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Nothing of a review is bytes: `Order` takes them for what they are here.
        serializer.serialize_bytes(self.0.as_bytes())
    }
}

/// Writes numbers as RFC 8785 has them, and watches whether the keys of each object come in order.
#[derive(Default)]
struct Order {
    is_broken: bool,
    /// Whether a text stands in it that was written already.
    has_written: bool,
    in_key: bool,
    /// The newest key of each object that is open, one after the other.
    keys: Vec<u8>,
    /// Where in `keys` the newest key of each begins.
    open: Vec<usize>,
    /// Where in `keys` the key begins that is being written.
    key: usize,
}

impl Formatter for &mut Order {
    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        // Whole numbers, every other one of a receipt, have a quicker way to the same digits.
        #[expect(clippy::cast_possible_truncation, reason = "whole, and far below 2^63")]
        if value.fract() == 0.0 && value.abs() < 1e15 {
            return CompactFormatter.write_i64(writer, value as i64);
        }
        writer.write_all(ryu_js::Buffer::new().format_finite(value).as_bytes())
    }

    fn write_byte_array<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: &[u8]) -> io::Result<()> {
        self.has_written = true;
        writer.write_all(value)
    }

    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        if self.in_key {
            // Beyond ASCII the order of UTF-16, which counts here, is not that of UTF-8.
            self.is_broken |= !fragment.is_ascii();
            self.keys.extend_from_slice(fragment.as_bytes());
        }
        writer.write_all(fragment.as_bytes())
    }

    fn write_char_escape<W: ?Sized + io::Write>(&mut self, writer: &mut W, escape: CharEscape) -> io::Result<()> {
        self.is_broken |= self.in_key;
        CompactFormatter.write_char_escape(writer, escape)
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.open.push(self.keys.len());
        writer.write_all(b"{")
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if let Some(start) = self.open.pop() {
            self.keys.truncate(start);
        }
        writer.write_all(b"}")
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.key = self.keys.len();
        self.in_key = true;
        if first { Ok(()) } else { writer.write_all(b",") }
    }

    fn end_object_key<W: ?Sized + io::Write>(&mut self, _writer: &mut W) -> io::Result<()> {
        self.in_key = false;
        let start = self.open.last().copied().unwrap_or_default();
        let (earlier, new) = self.keys[start..].split_at(self.key - start);
        // The first key of an object follows none.
        self.is_broken |= !earlier.is_empty() && earlier >= new;
        self.keys.drain(start..self.key);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    fn text(value: &Value) -> String {
        super::to_string(value).unwrap()
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let number = prop_oneof![
            any::<f64>().prop_filter("JSON has no other numbers", |number| number.is_finite()).prop_map(Value::from),
            (-1_000_000_i64..1_000_000).prop_map(Value::from),
            (-1e16..1e16_f64).prop_map(|number| Value::from(number.round())),
            Just(json!(-0.0)),
        ];
        let leaf =
            prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), number, ".*".prop_map(Value::from)];
        leaf.prop_recursive(4, 40, 6, |inner| {
            let key = prop_oneof!["[a-c]{0,3}", "[\"\\\\\u{e000}\u{1f600}é\n]{0,2}"];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec((key, inner), 0..5)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect::<Map<String, Value>>())),
            ]
        })
    }

    proptest! {
        /// Whatever the order and the characters of its keys.
        #[test]
        fn the_text_is_that_of_the_library_for_every_value(value in any_json()) {
            prop_assert_eq!(text(&value), serde_json_canonicalizer::to_string(&value).unwrap());
        }
    }

    #[test]
    fn a_text_that_is_written_already_stands_in_the_place_of_its_value() {
        #[derive(serde::Serialize)]
        struct Pair<F> {
            a: F,
            b: f64,
        }
        let value = json!({"x": [1.5, "\"中"], "y": null});
        let written = super::Written(text(&value).into());
        let expected = super::to_string(&Pair { a: &value, b: 2.0 }).unwrap();
        assert_eq!(super::to_string(&Pair { a: &written, b: 2.0 }).unwrap(), expected);
        // Whatever the order in which it comes.
        #[derive(serde::Serialize)]
        struct Turned<F> {
            b: f64,
            a: F,
        }
        assert_eq!(super::to_string(&Turned { b: 2.0, a: &written }).unwrap(), expected);
    }

    #[test]
    fn keys_that_come_in_another_order_are_sorted() {
        #[derive(serde::Serialize)]
        struct Pair {
            b: [f64; 2],
            a: Inner,
        }
        #[derive(serde::Serialize)]
        struct Inner {
            z: &'static str,
            y: (),
        }
        let pair = Pair { b: [1.0, 1e21], a: Inner { z: "\u{1}\"", y: () } };
        assert_eq!(super::to_string(&pair).unwrap(), r#"{"a":{"y":null,"z":"\u0001\""},"b":[1,1e+21]}"#);
    }
}
