//! Chance: one stream of numbers for each stage and unit of the city, so that neither order nor threads matter.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha12Rng;

/// What a stream is for; streams of different stages have nothing in common.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stage {
    Borders = 1,
    Sites = 2,
    Zones = 3,
    Parcels = 4,
    Buildings = 5,
    Economy = 6,
    History = 7,
    Supply = 8,
    Reserve = 9,
    Meters = 10,
}

/// A stream of chance.
pub(super) struct Chance(ChaCha12Rng);

impl Chance {
    /// The stream of a stage for one unit.
    pub(super) fn of(seed: u64, stage: Stage, unit: usize) -> Self {
        let mut rng = ChaCha12Rng::seed_from_u64(seed);
        rng.set_stream(((stage as u64) << 40) | unit as u64);
        Self(rng)
    }

    /// Evenly in [0, 1).
    pub(super) fn unit(&mut self) -> f64 {
        self.0.random::<f64>()
    }

    /// Evenly in [low, high).
    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A whole number in low..=high.
    pub(super) fn whole(&mut self, low: i64, high: i64) -> i64 {
        self.0.random_range(low..=high)
    }

    /// True with that probability.
    pub(super) fn once_in(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// From the bell curve around 0 with deviation 1.
    pub(super) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// A factor around 1: its logarithm has that deviation.
    pub(super) fn factor(&mut self, deviation: f64) -> f64 {
        (deviation * self.normal()).exp()
    }

    /// One of a list that is not empty.
    pub(super) fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.0.random_range(0..list.len())]
    }

    /// A place in a list of weights, as probable as its weight.
    pub(super) fn weighted(&mut self, weights: &[f64]) -> usize {
        let mut rest = self.unit() * weights.iter().sum::<f64>();
        for (index, weight) in weights.iter().enumerate() {
            rest -= weight;
            if rest < 0.0 {
                return index;
            }
        }
        weights.len().saturating_sub(1)
    }

    /// Puts a list in another order.
    pub(super) fn shuffle<T>(&mut self, list: &mut [T]) {
        for index in (1..list.len()).rev() {
            list.swap(index, self.0.random_range(0..=index));
        }
    }
}
