//! What is wrong with a scheme: every fault with its place and what would be right.

use super::part::{Band, Benchmark, CutBy, Cutoffs, Direction, Part, PeerKey, Weighed};
use super::{Combine, Scheme, SchemeError};
use crate::domain::review::benchmark::promising;
use crate::domain::review::grade::Grade;
use std::collections::BTreeSet;

struct Faults(Vec<SchemeError>);

impl Faults {
    fn unless(&mut self, sound: bool, place: &str, problem: impl FnOnce() -> String) {
        if !sound {
            self.0.push(SchemeError::Value { place: place.to_owned(), problem: problem() });
        }
    }
}

fn is_positive(value: f64) -> bool {
    value > 0.0 && value.is_finite()
}

impl Scheme {
    pub(super) fn faults(&self) -> Vec<SchemeError> {
        let mut faults = Faults(Vec::new());
        for (place, word) in [("name", &self.name), ("version", &self.version)] {
            let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
            let sound = !word.is_empty() && word.chars().count() <= 60 && word.chars().all(fits);
            faults.unless(sound, place, || format!("{word:?}; expected 1 to 60 letters, digits, -, _ or ."));
        }
        let named = self.scope.land_use.iter().any(|start| !start.is_empty());
        let no_use = || "names no land use; expected at least one beginning of a code".into();
        faults.unless(named, "scope.land_use", no_use);
        self.check_window(&mut faults);
        for (place, share) in
            [("gate.coverage", self.gate.coverage), ("gate.unreported_floor", self.gate.unreported_floor)]
        {
            faults.unless((0.0..=1.0).contains(&share), place, || format!("{share}; expected a share of 0 to 1"));
        }
        if let Some(until) = self.effective_to {
            let begins = self.effective_from;
            faults.unless(until >= begins, "effective_to", || format!("{until} is before effective_from {begins}"));
        }
        let mut names = BTreeSet::new();
        for (index, part) in self.parts.iter().enumerate() {
            let place = format!("part {:?}", part.name);
            if self.parts.len() > 1 {
                faults.unless(!part.name.is_empty(), &place, || "has no name; expected one".into());
                faults.unless(names.insert(&part.name), &place, || "stands twice; expected a name of its own".into());
                let open = part.filter.is_none() && index + 1 < self.parts.len();
                faults.unless(!open, &place, || {
                    "has no filter and leaves the parts after it nothing; expected one, or the part last".into()
                });
            }
            part.check(self.window.years, &mut faults);
        }
        let mut words = BTreeSet::new();
        for (kind, name) in (self.adjustments.iter().map(|one| ("adjustment", &one.name)))
            .chain(self.ungraded.iter().map(|one| ("ungraded", &one.name)))
        {
            let place = format!("{kind} {name:?}");
            faults.unless(!name.is_empty() && words.insert((kind, name)), &place, || {
                "has no name of its own; expected one that stands once".into()
            });
        }
        for (index, veto) in self.vetoes.iter().enumerate() {
            let sound = matches!(veto.caps_at, Grade::B | Grade::C | Grade::D);
            faults.unless(sound, &format!("veto {}", index + 1), || {
                format!("caps_at {}; expected B, C or D", veto.caps_at.name())
            });
        }
        for one in &self.adjustments {
            let sound = one.points != 0.0 && one.points.is_finite();
            faults.unless(sound, &format!("adjustment {:?}", one.name), || {
                format!("points {}; expected a number other than 0", one.points)
            });
        }
        faults.0
    }

    fn check_window(&self, faults: &mut Faults) {
        let years = self.window.years;
        faults.unless((3..=5).contains(&years), "window.years", || format!("{years} years; expected 3 to 5"));
        let least = self.window.least_years;
        let sound = (1..=years).contains(&least);
        faults.unless(sound, "window.least_years", || format!("{least}; expected 1 to {years}"));
        if let Combine::Weights(weights) = &self.window.combine {
            let sound = weights.len() == years as usize && weights.iter().all(|weight| is_positive(*weight));
            faults.unless(sound, "window.combine", || {
                format!("weights {weights:?}; expected one number above 0 for each of the {years} years")
            });
        }
    }
}

impl Part {
    fn place(&self, what: &str) -> String {
        if self.name.is_empty() { what.to_owned() } else { format!("part {:?}, {what}", self.name) }
    }

    fn check(&self, years: u32, faults: &mut Faults) {
        let peers = &self.peers;
        let place = self.place("peers");
        faults.unless(peers.least >= 2, &place, || "expected a least group of 2 or more".into());
        let keyed = peers.levels.iter().all(|level| !level.is_empty());
        faults.unless(keyed, &place, || {
            "a level without a key; expected keys, or the level left out: all of the part come last anyway".into()
        });
        let sized = peers.levels.iter().flatten().any(|key| *key == PeerKey::Size);
        let ascending =
            peers.size_mu.iter().is_sorted_by(|a, b| a < b) && peers.size_mu.iter().all(|mu| is_positive(*mu));
        faults.unless(ascending && sized != peers.size_mu.is_empty(), &place, || {
            "size_mu; expected ascending bounds above 0 where a level names size, and none where none does".into()
        });
        for (index, one) in self.indicators.iter().enumerate() {
            let place = self.place(&format!("indicator {} ({})", index + 1, one.key.key()));
            one.check(&place, years, faults);
            let twice = self.indicators[..index].iter().any(|earlier| earlier.key == one.key);
            faults.unless(!twice, &place, || "stands twice; expected each indicator once".into());
        }
        let (sum, total): (f64, f64) = (self.indicators.iter().map(|one| one.weight).sum(), self.total);
        faults.unless(is_positive(total) && (sum - total).abs() <= 1e-9, &self.place("indicator weights"), || {
            format!("they sum to {sum}; expected {total}")
        });
        let Cutoffs { a, b, c, .. } = self.cutoffs;
        let place = self.place("cutoffs");
        match self.cutoffs.by {
            CutBy::Rank => faults.unless(0.0 < a && a < b && b < c && c < 100.0, &place, || {
                format!("a {a}, b {b}, c {c}; expected 0 < a < b < c < 100")
            }),
            CutBy::Score => faults.unless(a.is_finite() && a > b && b > c && c.is_finite(), &place, || {
                format!("a {a}, b {b}, c {c}; expected a > b > c, each the least score of its grade")
            }),
        }
    }
}

impl Weighed {
    fn check(&self, place: &str, years: u32, faults: &mut Faults) {
        let weight = self.weight;
        faults.unless(is_positive(weight), place, || format!("weight {weight}; expected a number above 0"));
        if let Some(cap) = self.cap {
            let sound = cap >= 1.0 && cap.is_finite();
            faults.unless(sound, place, || format!("cap {cap}; expected a multiple of at least 1"));
        }
        let endless = self.direction == Direction::Lower && self.cap.is_none();
        faults.unless(!endless, place, || {
            "lower is better without a cap; expected one: nothing would count endlessly".into()
        });
        let floor = self.floor;
        faults.unless((0.0..1.0).contains(&floor), place, || format!("floor {floor}; expected from 0 to below 1"));
        if let Some(cut) = self.winsorise {
            let sound = 0.0 <= cut.low && cut.low < cut.high && cut.high <= 100.0;
            faults.unless(sound, place, || {
                format!("winsorise {} to {}; expected 0 <= low < high <= 100", cut.low, cut.high)
            });
        }
        match (self.direction, self.band, &self.benchmark) {
            (Direction::Band, Some(Band { none_below, low, high, none_above }), None) => {
                let sound =
                    none_below < low && low <= high && high < none_above && (none_above - none_below).is_finite();
                faults.unless(sound, place, || "band; expected none_below < low <= high < none_above".into());
            }
            (Direction::Band, ..) => {
                faults.unless(false, place, || "a band; expected band = { … } and no benchmark".into());
            }
            (_, None, Some(benchmark)) => {
                let promised = !matches!(benchmark, Benchmark::ContractTarget { .. }) || promising(self.key).is_some();
                faults.unless(promised, place, || {
                    "no obligation of a contract promises it; expected another benchmark, or one of \
                     out_int, tax_int, inv_int, jobs_int, far_actual"
                        .into()
                });
                check_benchmark(benchmark, place, years, faults);
            }
            _ => faults.unless(false, place, || "higher or lower; expected a benchmark and no band".into()),
        }
    }
}

fn check_benchmark(benchmark: &Benchmark, place: &str, years: u32, faults: &mut Faults) {
    match benchmark {
        Benchmark::Fixed { value } => {
            faults.unless(is_positive(*value), place, || format!("benchmark {value}; expected a number above 0"));
        }
        Benchmark::PeerPercentile { at } => {
            faults
                .unless(*at > 0.0 && *at < 100.0, place, || format!("percentile {at}; expected above 0 and below 100"));
        }
        Benchmark::PeerMean { factor } | Benchmark::ContractTarget { factor } | Benchmark::LastRoundMean { factor } => {
            faults.unless(is_positive(*factor), place, || format!("factor {factor}; expected a number above 0"));
        }
        Benchmark::EarlierMean { years_back, factor } => {
            faults.unless(is_positive(*factor), place, || format!("factor {factor}; expected a number above 0"));
            faults.unless((1..years).contains(years_back), place, || {
                format!("years_back {years_back}; expected 1 to {}, inside the window", years.saturating_sub(1))
            });
        }
        Benchmark::Rulebook { key } => {
            faults.unless(!key.is_empty(), place, || "a rulebook value without a key; expected its key".into());
        }
    }
}
