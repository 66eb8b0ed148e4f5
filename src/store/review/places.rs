//! Where codes stand in a list of very many, and words that very many rows have in common.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

/// A slot that nothing is in.
const EMPTY: u32 = u32::MAX;

/// Where each code stands in a list, which is kept elsewhere: four bytes a slot, where a map of codes would hold them all a
/// second time.
pub(super) struct Places {
    slots: Vec<u32>,
    hasher: RandomState,
}

impl Places {
    /// Of codes in the order of their list, none of which comes twice. A list is shorter than four thousand million.
    pub(super) fn of<'a>(codes: impl ExactSizeIterator<Item = &'a str>) -> Self {
        let mut places = Self { slots: vec![EMPTY; (codes.len() * 2).next_power_of_two()], hasher: RandomState::new() };
        for (code, place) in codes.zip(0_u32..) {
            let free = places.probe(code).find(|slot| places.slots[*slot] == EMPTY);
            if let Some(slot) = free {
                places.slots[slot] = place;
            }
        }
        places
    }

    /// The place of a code; `at` answers the code at a place.
    pub(super) fn find<'a>(&self, code: &str, at: impl Fn(usize) -> &'a str) -> Option<usize> {
        let taken = self.probe(code).map(|slot| self.slots[slot]).take_while(|place| *place != EMPTY);
        taken.map(|place| place as usize).find(|place| at(*place) == code)
    }

    /// The slots in which a code may be, one after the other; half of all are empty.
    fn probe(&self, code: &str) -> impl Iterator<Item = usize> + use<> {
        let last = self.slots.len() - 1;
        #[expect(clippy::cast_possible_truncation, reason = "the lowest bits are as good as others")]
        let first = self.hasher.hash_one(code) as usize & last;
        (0..=last).map(move |step| (first + step) & last)
    }
}

/// Words of which each is held once, however many rows have it.
#[derive(Default)]
pub(super) struct Words(HashSet<Arc<str>>);

impl Words {
    /// The word.
    pub(super) fn of(&mut self, word: &str) -> Arc<str> {
        if let Some(known) = self.0.get(word) {
            return Arc::clone(known);
        }
        let word: Arc<str> = word.into();
        self.0.insert(Arc::clone(&word));
        word
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_code_is_found_where_it_stands_and_no_other_anywhere(
            codes in proptest::collection::hash_set("[0-9A-C]{0,3}", 0..200),
            others in proptest::collection::vec("[0-9A-C]{0,3}", 20),
        ) {
            let codes: Vec<String> = codes.into_iter().collect();
            let places = Places::of(codes.iter().map(String::as_str));
            for code in codes.iter().chain(&others) {
                let expected = codes.iter().position(|one| one == code);
                prop_assert_eq!(places.find(code, |place| &codes[place]), expected);
            }
        }
    }
}
