//! What very many enterprises reported for a year, in a fraction of the room: a figure is a whole number and how many of its
//! digits are decimals, which is what a return holds. Every figure comes out bit by bit as it went in.

use super::{Figures, MEASURES};

/// So many enterprises share a block, so that places in its bytes stay small numbers.
const BLOCK: usize = 1 << 15;
/// Powers of ten that figures are multiplied by to be whole, fewest decimals first.
const SCALES: [f64; 5] = [1.0, 10.0, 100.0, 1_000.0, 10_000.0];
/// What stands in the place of the number of decimals before eight bytes as they are.
const RAW: u64 = 7;
/// Above that not every whole number is a double.
const LARGEST: f64 = 4e15;
/// Bits that tell which of the figures are known.
type Known = u16;
const _: () = assert!(MEASURES <= Known::BITS as usize);

/// The figures of a year by the place of the enterprise.
#[derive(Debug, Clone, Default)]
pub struct Packed {
    blocks: Vec<Block>,
}

#[derive(Debug, Clone, Default)]
struct Block {
    /// One more than where each begins in `bytes`; 0 for who reported nothing.
    at: Vec<u32>,
    bytes: Vec<u8>,
}

impl Packed {
    /// Keeps what an enterprise reported, in place of anything that it reported before.
    pub fn set(&mut self, enterprise: usize, figures: &Figures) {
        let (block, place) = (enterprise / BLOCK, enterprise % BLOCK);
        if self.blocks.len() <= block {
            self.blocks.resize_with(block + 1, Block::default);
        }
        let Block { at, bytes } = &mut self.blocks[block];
        if at.len() <= place {
            at.resize(place + 1, 0);
        }
        // A block whose bytes outgrew their places would have thousands of returns of one enterprise and year.
        at[place] = u32::try_from(bytes.len() + 1).unwrap_or_default();
        let known = figures.iter().enumerate().filter(|(_, figure)| figure.is_some());
        let known = known.fold(0, |known: Known, (index, _)| known | 1 << index);
        bytes.extend_from_slice(&known.to_le_bytes());
        figures.iter().flatten().for_each(|figure| push(bytes, *figure));
    }

    /// What it reported; nothing known where it did not.
    pub fn of(&self, enterprise: usize) -> Figures {
        let mut figures = Figures::default();
        let block = self.blocks.get(enterprise / BLOCK);
        let at = block.and_then(|block| block.at.get(enterprise % BLOCK)).copied().unwrap_or_default();
        let Some((block, at)) = block.zip((at as usize).checked_sub(1)) else { return figures };
        let mut bytes = block.bytes[at..].iter().copied();
        let known = Known::from_le_bytes([next(&mut bytes), next(&mut bytes)]);
        for (index, figure) in figures.iter_mut().enumerate() {
            if known & 1 << index != 0 {
                *figure = Some(pull(&mut bytes));
            }
        }
        figures
    }
}

/// From a list with an entry for every enterprise.
impl FromIterator<Figures> for Packed {
    fn from_iter<I: IntoIterator<Item = Figures>>(list: I) -> Self {
        let mut packed = Self::default();
        for (enterprise, figures) in list.into_iter().enumerate() {
            packed.set(enterprise, &figures);
        }
        packed
    }
}

fn push(bytes: &mut Vec<u8>, figure: f64) {
    for (decimals, scale) in (0..).zip(SCALES) {
        let whole = (figure * scale).round();
        // Nothing from below would come out as nothing.
        let is_told = whole.abs() < LARGEST && (whole != 0.0 || whole.is_sign_positive());
        if is_told && (whole / scale).to_bits() == figure.to_bits() {
            #[expect(clippy::cast_possible_truncation, reason = "whole, and far below 2^63")]
            let whole = whole as i64;
            // The sign goes to the last bit, so that small numbers stay short whatever it is.
            let unsigned = (whole << 1 ^ whole >> 63).cast_unsigned();
            return push_number(bytes, unsigned << 3 | decimals);
        }
    }
    push_number(bytes, RAW);
    bytes.extend_from_slice(&figure.to_le_bytes());
}

fn push_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    #[expect(clippy::cast_possible_truncation, reason = "seven bits")]
    bytes.push(number as u8);
}

fn pull(bytes: &mut impl Iterator<Item = u8>) -> f64 {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = next(bytes);
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    if number == RAW {
        return f64::from_le_bytes(std::array::from_fn(|_| next(bytes)));
    }
    let (unsigned, decimals) = (number >> 3, number & 7);
    let whole = (unsigned >> 1).cast_signed() ^ -(unsigned & 1).cast_signed();
    #[expect(clippy::cast_precision_loss, reason = "below the largest")]
    let whole = whole as f64;
    usize::try_from(decimals).ok().and_then(|decimals| SCALES.get(decimals)).map_or(whole, |scale| whole / scale)
}

fn next(bytes: &mut impl Iterator<Item = u8>) -> u8 {
    bytes.next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_figure() -> impl Strategy<Value = Option<f64>> {
        let number = prop_oneof![
            (-10_000_000_i64..10_000_000_000, 0..5_u32)
                .prop_map(|(whole, decimals)| f64::from_bits((whole as f64 / 10f64.powi(decimals as i32)).to_bits())),
            any::<f64>(),
            Just(-0.0),
            Just(f64::MAX),
        ];
        proptest::option::of(number)
    }

    fn bits(figures: Figures) -> [Option<u64>; MEASURES] {
        figures.map(|figure| figure.map(f64::to_bits))
    }

    proptest! {
        /// In any order of enterprises, with gaps between them.
        #[test]
        fn every_figure_comes_out_bit_by_bit_as_it_went_in(
            returns in proptest::collection::btree_map(0usize..3 * BLOCK,
                proptest::array::uniform13(any_figure()), 1..20),
        ) {
            let mut packed = Packed::default();
            for (enterprise, figures) in returns.iter().rev() {
                packed.set(*enterprise, figures);
            }
            for (enterprise, figures) in &returns {
                prop_assert_eq!(bits(packed.of(*enterprise)), bits(*figures));
                if !returns.contains_key(&(enterprise + 1)) {
                    prop_assert_eq!(packed.of(enterprise + 1), Figures::default());
                }
            }
        }
    }

    #[test]
    fn what_a_return_holds_takes_a_third_of_its_size() {
        let figures: Figures =
            std::array::from_fn(|index| Some(1234.56 * (index + 1) as f64).map(|one| (one * 100.0).round() / 100.0));
        let packed: Packed = std::iter::repeat_n(figures, 100).collect();
        let taken: usize = packed.blocks.iter().map(|block| block.bytes.len() + 4 * block.at.len()).sum();
        assert!(taken * 3 < 100 * size_of::<Figures>(), "{taken}");
    }
}
