//! The bytes of one layer of a Mapbox Vector Tile 2: protobuf, written by hand because the dictionary of values is most
//! of the work. It knows no geography.

use super::Layer;
use std::collections::HashMap;

/// The width of a tile in its own units.
pub(super) const EXTENT: u16 = 4096;

/// Writes the features of one layer.
pub(super) struct LayerWriter {
    layer: Layer,
    features: Vec<u8>,
    values: Vec<u8>,
    value_count: u32,
    shared: HashMap<Box<str>, u32>,
    flags: [Option<u32>; 2],
    scratch: Vec<u8>,
}

impl LayerWriter {
    pub fn new(layer: Layer) -> Self {
        Self {
            layer,
            features: Vec::new(),
            values: Vec::new(),
            value_count: 0,
            shared: HashMap::new(),
            flags: [None; 2],
            scratch: Vec::new(),
        }
    }

    /// The number of a text that no other feature has.
    pub fn own_text(&mut self, text: &str) -> u32 {
        self.scratch.clear();
        bytes_field(&mut self.scratch, 1, text.as_bytes());
        self.value()
    }

    /// The number of a text that many features have.
    pub fn shared_text(&mut self, text: &str) -> u32 {
        if let Some(number) = self.shared.get(text) {
            return *number;
        }
        let number = self.own_text(text);
        self.shared.insert(text.into(), number);
        number
    }

    /// The number of a yes or no.
    pub fn flag(&mut self, flag: bool) -> u32 {
        if let Some(number) = self.flags[usize::from(flag)] {
            return number;
        }
        self.scratch.clear();
        self.scratch.extend([7 << 3, u8::from(flag)]);
        let number = self.value();
        self.flags[usize::from(flag)] = Some(number);
        number
    }

    /// The scratch bytes as the next value of the dictionary.
    fn value(&mut self) -> u32 {
        bytes_field(&mut self.values, 4, &self.scratch);
        self.value_count += 1;
        self.value_count - 1
    }

    /// A polygon feature. Tags are pairs of key and value numbers. It has no id: its code names it, in every revision.
    pub fn feature(&mut self, tags: &[u32], commands: &[u32]) {
        let feature = &mut self.scratch;
        feature.clear();
        packed_field(feature, 2, tags);
        feature.extend([3 << 3, 3]);
        packed_field(feature, 4, commands);
        bytes_field(&mut self.features, 2, feature);
    }

    /// The bytes of the tile, or `None` where it has no feature.
    pub fn finish(self) -> Option<Vec<u8>> {
        if self.features.is_empty() {
            return None;
        }
        let mut layer = Vec::with_capacity(self.features.len() + self.values.len() + 128);
        layer.extend([15 << 3, 2]);
        bytes_field(&mut layer, 1, self.layer.name().as_bytes());
        layer.extend(self.features);
        for (key, _) in self.layer.fields() {
            bytes_field(&mut layer, 3, key.as_bytes());
        }
        layer.extend(self.values);
        layer.push(5 << 3);
        varint(&mut layer, u64::from(EXTENT));
        let mut tile = Vec::with_capacity(layer.len() + 8);
        bytes_field(&mut tile, 3, &layer);
        Some(tile)
    }
}

fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn varint_length(number: u32) -> usize {
    (38 - (number | 1).leading_zeros() as usize) / 7
}

fn bytes_field(out: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    out.push(field << 3 | 2);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn packed_field(out: &mut Vec<u8>, field: u8, numbers: &[u32]) {
    out.push(field << 3 | 2);
    varint(out, numbers.iter().map(|number| varint_length(*number)).sum::<usize>() as u64);
    for number in numbers {
        varint(out, u64::from(*number));
    }
}

/// Writes rings as commands: move, lines, close; each step from the point before.
#[derive(Debug, Default)]
pub(super) struct Commands {
    words: Vec<u32>,
    cursor: [i32; 2],
}

impl Commands {
    pub fn clear(&mut self) {
        self.words.clear();
        self.cursor = [0, 0];
    }

    pub fn words(&self) -> &[u32] {
        &self.words
    }

    /// A ring, its first point not repeated: a shell has positive area with y downwards, a hole negative.
    pub fn ring(&mut self, points: impl ExactSizeIterator<Item = [i32; 2]>) {
        let lines = points.len() as u32 - 1;
        for (index, point) in points.enumerate() {
            match index {
                0 => self.words.push(1 << 3 | 1),
                1 => self.words.push(lines << 3 | 2),
                _ => {}
            }
            for axis in [0, 1] {
                let step = point[axis].wrapping_sub(self.cursor[axis]);
                self.words.push((step << 1 ^ step >> 31) as u32);
            }
            self.cursor = point;
        }
        self.words.push(1 << 3 | 7);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_as_long_as_it_says() {
        for number in [0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, 268_435_455, 268_435_456, u32::MAX] {
            let mut bytes = Vec::new();
            varint(&mut bytes, u64::from(number));
            assert_eq!(bytes.len(), varint_length(number), "{number}");
        }
    }

    #[test]
    fn the_specification_s_example_ring_has_the_specification_s_commands() {
        // Vector tile specification 2.1, 4.3.5.4: a polygon of (3,6), (8,12), (20,34).
        let mut commands = Commands::default();
        commands.ring([[3, 6], [8, 12], [20, 34]].into_iter());
        assert_eq!(commands.words(), [9, 6, 12, 18, 10, 12, 24, 44, 15]);
    }
}
