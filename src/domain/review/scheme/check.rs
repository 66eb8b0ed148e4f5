//! What is wrong with a scheme: every fault with its place and what would be right.

use super::part::{AdjustmentLimit, Band, Benchmark, CutBy, Direction, Part, PeerKey, Weighed};
use super::rules::GradeRule;
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
        let limit = &self.adjustment_limit;
        let sound = limit.most.is_none_or(is_positive)
            && limit.least.is_none_or(|least| least < 0.0 && least.is_finite())
            && (!self.adjustments.is_empty() || (limit.most, limit.least) == (None, None));
        faults.unless(sound, "adjustment_limit", || {
            "expected most above 0 or least below 0, or both, beside adjustments that they limit".into()
        });
        for one in &self.adjustments {
            faults.unless(one.name != AdjustmentLimit::NAME, &format!("adjustment {:?}", one.name), || {
                "has the name that receipts keep for what the limit takes back; expected another".into()
            });
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
        if let Some(between) = self.review_years {
            let sound = (3..=5).contains(&between);
            faults.unless(sound, "review_years", || format!("{between} years between reviews in use; expected 3 to 5"));
        }
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
        self.check_sets(faults);
        // Of a set one counts, so that its weight counts once.
        let weights = self.indicators.iter().map(|one| one.weight / self.sharing(one));
        let (sum, total): (f64, f64) = (weights.sum(), self.total);
        faults.unless(is_positive(total) && (sum - total).abs() <= 1e-9, &self.place("indicator weights"), || {
            format!("they sum to {sum}; expected {total}")
        });
        self.check_cutoffs(faults);
    }

    fn check_cutoffs(&self, faults: &mut Faults) {
        let (place, cuts) = (self.place("cutoffs"), &self.cutoffs);
        let by_rules = cuts.by == CutBy::Rules;
        match (cuts.by, cuts.a, cuts.b, cuts.c) {
            (CutBy::Rank, Some(a), Some(b), Some(c)) => {
                faults.unless(0.0 < a && a < b && b < c && c < 100.0, &place, || {
                    format!("a {a}, b {b}, c {c}; expected 0 < a < b < c < 100")
                });
            }
            (CutBy::Score, Some(a), Some(b), Some(c)) => {
                faults.unless(a.is_finite() && a > b && b > c && c.is_finite(), &place, || {
                    format!("a {a}, b {b}, c {c}; expected a > b > c, each the least score of its grade")
                });
            }
            (CutBy::Rules, None, None, None) => {}
            (CutBy::Rules, ..) => faults.unless(false, &place, || "a, b or c stands with rules; expected none".into()),
            _ => faults.unless(false, &place, || "a, b or c is missing; expected all three".into()),
        }
        faults.unless(!by_rules || !(cuts.rule.is_empty() || cuts.otherwise.is_none()), &place, || {
            "rule and otherwise; expected at least one rule and the grade otherwise".into()
        });
        let bare = cuts.rule.is_empty() && cuts.otherwise.is_none();
        faults
            .unless(by_rules || bare, &place, || "rule or otherwise stands with cuts; expected by = \"rules\"".into());
        faults.unless(cuts.otherwise != Some(Grade::T), &place, || "otherwise T; expected A to D".into());
        for (what, rules, least) in [("rule", &cuts.rule, Grade::A), ("limit", &cuts.limit, Grade::B)] {
            for (index, rule) in rules.iter().enumerate() {
                self.check_rule(&format!("{place}, {what} {}", index + 1), rule, least, faults);
            }
        }
    }

    fn check_rule(&self, place: &str, rule: &GradeRule, least: Grade, faults: &mut Faults) {
        let grade = rule.grade;
        faults.unless((least..=Grade::D).contains(&grade), place, || {
            format!("grade {}; expected {} to D", grade.name(), least.name())
        });
        for key in rule.when.indicators() {
            let is_weighed = self.indicators.iter().any(|one| one.key == key);
            faults.unless(is_weighed, place, || {
                format!("looks at {}, which is no indicator of the part; expected one that is", key.key())
            });
        }
        for key in rule.when.figures().into_iter().filter(|key| key.is_class()) {
            faults.unless(false, place, || {
                format!("looks at the figure of {0}, which has none; expected {0}_ratio", key.key())
            });
        }
    }

    fn check_sets(&self, faults: &mut Faults) {
        for (index, set) in self.one_of.iter().enumerate() {
            let place = self.place(&format!("one_of {:?}", set.name));
            let twice = self.one_of[..index].iter().any(|earlier| earlier.name == set.name);
            faults.unless(!twice && !set.name.is_empty(), &place, || {
                "has no name of its own; expected one that stands once".into()
            });
            let members = || self.indicators.iter().filter(|one| one.one_of.as_ref() == Some(&set.name));
            faults.unless(members().count() >= 2, &place, || {
                format!("has {} indicators; expected two or more that say one_of = {:?}", members().count(), set.name)
            });
            let weights: Vec<f64> = members().map(|one| one.weight).collect();
            faults.unless(weights.iter().is_sorted_by(|a, b| a == b), &place, || {
                format!("weights {weights:?}; expected one weight for all, as one of them counts")
            });
        }
        for (index, one) in self.indicators.iter().enumerate() {
            let Some(name) = &one.one_of else { continue };
            let place = self.place(&format!("indicator {} ({})", index + 1, one.key.key()));
            faults.unless(self.one_of.iter().any(|set| set.name == *name), &place, || {
                format!("one_of {name:?} is nowhere; expected a [[one_of]] of that name")
            });
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
        let tabled = matches!(self.direction, Direction::Steps | Direction::Classes);
        let bare = self.cap.is_none() && self.floor == 0.0 && self.winsorise.is_none();
        faults.unless(!tabled || bare, place, || "a table with cap, floor or winsorise; expected none of them".into());
        faults.unless(self.key.is_class() == (self.direction == Direction::Classes), place, || {
            "direction; expected classes for location_class, industry_class, enterprise_class and land_class, and for no \
             other"
                .into()
        });
        let fits = [
            (self.direction == Direction::Steps, self.steps.is_some(), "steps"),
            (self.direction == Direction::Classes, self.classes.is_some(), "classes"),
        ];
        for (asked, given, word) in fits {
            faults.unless(asked == given, place, || {
                format!("{word}; expected {word} = {{ … }} with direction = {word:?}, and with no other")
            });
        }
        let tables = [
            self.steps.as_ref().map(|steps| (steps.fault(), steps.most())),
            self.classes.as_ref().map(|classes| (classes.fault(), classes.most())),
        ];
        for (fault, most) in tables.into_iter().flatten() {
            let sound = fault.is_none();
            faults.unless(sound, place, || fault.unwrap_or_default());
            faults.unless(!sound || (most - weight).abs() <= 1e-9, place, || {
                format!("the table gives at most {most} points; expected the weight, {weight}")
            });
        }
        match (self.direction, self.band, &self.benchmark) {
            (Direction::Steps | Direction::Classes, None, None) => {}
            (Direction::Steps | Direction::Classes, ..) => {
                faults.unless(false, place, || "a table; expected neither benchmark nor band".into());
            }
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
