//! Points by a table in place of a benchmark: by thresholds that a figure reaches, or by the class that a parcel is of. Also
//! which of several indicators counts where only one of them does.

use super::Words;
use super::record::{Clause, Record};
use serde::Deserialize;

/// The finest difference between two figures of a receipt.
const GRAIN: f64 = 1e-6;

/// Points by thresholds, ascending. Each says from where on, or up to where, its points are given; both ends included.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Steps {
    /// The thresholds with their points.
    pub at: Vec<Step>,
    /// The points of a figure below the first threshold, where thresholds say from where on.
    pub below: Option<f64>,
    /// The points of a figure above the last threshold, where thresholds say up to where.
    pub above: Option<f64>,
    /// What lies between two thresholds.
    #[serde(default)]
    pub between: Between,
}

/// A threshold.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// From where on, in the indicator's unit.
    pub from: Option<f64>,
    /// Up to where, in the indicator's unit.
    pub to: Option<f64>,
    /// How many points.
    pub points: f64,
}

/// What a figure between two thresholds gives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Between {
    /// The points of its step.
    #[default]
    Step,
    /// Points on the line from one threshold to the next.
    Line,
}

impl Step {
    /// Where it stands, whichever side it says.
    fn place(&self) -> f64 {
        self.from.or(self.to).unwrap_or(f64::NAN)
    }
}

impl Steps {
    /// Whether thresholds say from where on, and not up to where.
    fn is_from(&self) -> bool {
        self.below.is_some()
    }

    /// The points of a figure beyond the thresholds on their open side.
    fn beyond(&self) -> f64 {
        self.below.or(self.above).unwrap_or_default()
    }

    /// All points in the order of figures.
    fn all_points(&self) -> Vec<f64> {
        let steps = self.at.iter().map(|step| step.points);
        if self.is_from() {
            std::iter::once(self.beyond()).chain(steps).collect()
        } else {
            steps.chain(self.above).collect()
        }
    }

    /// The most points that it gives.
    pub fn most(&self) -> f64 {
        self.all_points().into_iter().fold(f64::NEG_INFINITY, f64::max)
    }

    /// What is wrong with it, in words; nothing for a sound table.
    pub fn fault(&self) -> Option<String> {
        let one_side = match (self.below, self.above) {
            (Some(_), None) => self.at.iter().all(|step| step.from.is_some() && step.to.is_none()),
            (None, Some(_)) => self.at.iter().all(|step| step.to.is_some() && step.from.is_none()),
            _ => false,
        };
        if self.at.is_empty() || !one_side {
            return Some(
                "steps with a gap; expected each threshold with from and points, and below for what is less, or each with \
                 to and points, and above for what is more"
                    .into(),
            );
        }
        let places: Vec<f64> = self.at.iter().map(Step::place).collect();
        if !(places.iter().all(|place| place.is_finite()) && places.iter().is_sorted_by(|a, b| a < b)) {
            return Some(format!("steps at {places:?}; expected thresholds in ascending order, each once"));
        }
        let points = self.all_points();
        if !points.iter().all(|points| *points >= 0.0 && points.is_finite()) {
            return Some(format!("steps give {points:?} points; expected numbers of 0 or more"));
        }
        // Points rise to a highest stretch and fall from there, so that it is clear which way is better.
        let rises = points.windows(2).take_while(|pair| pair[0] <= pair[1]).count();
        let falls = points[rises..].windows(2).all(|pair| pair[0] >= pair[1]);
        (!falls).then(|| {
            format!("steps give {points:?} points; expected points that rise, that fall, or that rise and then fall")
        })
    }

    /// The points of a figure.
    pub fn points(&self, value: f64) -> f64 {
        // The threshold whose points it has: the last that it reaches, or the first that it does not pass.
        let place = if self.is_from() {
            self.at.iter().rposition(|step| value >= step.place())
        } else {
            self.at.iter().position(|step| value <= step.place())
        };
        let Some(place) = place else { return self.beyond() };
        let next = if self.is_from() { place.checked_add(1) } else { place.checked_sub(1) };
        match (self.between, next.and_then(|next| self.at.get(next))) {
            (Between::Line, Some(next)) => {
                let here = &self.at[place];
                let way = (value - here.place()) / (next.place() - here.place());
                here.points + way * (next.points - here.points)
            }
            _ => self.at[place].points,
        }
    }

    /// The figure next to one at which it gives the most points.
    pub fn best(&self, value: f64) -> f64 {
        let most = self.most();
        if self.points(value) >= most {
            return value;
        }
        let full = |step: &&Step| step.points >= most;
        let (first, last) = (self.at.iter().position(|step| full(&step)), self.at.iter().rposition(|step| full(&step)));
        let ends = self.at.first().map_or(0.0, Step::place)..=self.at.last().map_or(0.0, Step::place);
        let beyond = self.beyond() >= most;
        match (self.is_from(), first, last) {
            (true, _, _) if beyond => ends.start() - GRAIN,
            (false, _, _) if beyond => ends.end() + GRAIN,
            (true, Some(first), _) if value < self.at[first].place() => self.at[first].place(),
            // It is past the stretch of full points, which ends where the next step begins.
            (true, _, Some(last)) => match (self.between, self.at.get(last + 1)) {
                (Between::Step, Some(next)) => next.place() - GRAIN,
                _ => self.at[last].place(),
            },
            (false, _, Some(last)) if value > self.at[last].place() => self.at[last].place(),
            // It is short of that stretch, which begins behind the step before.
            (false, Some(first), _) => {
                match (self.between, first.checked_sub(1).and_then(|before| self.at.get(before))) {
                    (Between::Step, Some(before)) => before.place() + GRAIN,
                    _ => self.at[first].place(),
                }
            }
            _ => value,
        }
    }
}

/// Points by the class that a parcel is of: the first that takes it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Classes {
    /// The classes.
    pub of: Vec<Class>,
    /// The points of what is of none of them; without it the indicator is unknown there.
    pub otherwise: Option<f64>,
}

/// A class.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// Which parcels are of it.
    pub when: Clause,
    /// How many points.
    pub points: f64,
    /// What it is called.
    pub title: Words,
}

impl Classes {
    /// The place of the class of a record, one past the last for none of them. Nothing where that hangs on something unknown,
    /// and for none of them where the table does not say what that gives.
    pub fn place(&self, record: &Record<'_>) -> Option<usize> {
        for (place, class) in self.of.iter().enumerate() {
            if class.when.decide(record)? {
                return Some(place);
            }
        }
        self.otherwise.map(|_| self.of.len())
    }

    /// The points at a place.
    pub fn points(&self, place: usize) -> Option<f64> {
        self.of.get(place).map_or(self.otherwise, |class| Some(class.points))
    }

    /// What is wrong with it, in words.
    pub fn fault(&self) -> Option<String> {
        let points: Vec<f64> = self.all_points();
        let sound = !self.of.is_empty() && points.iter().all(|points| *points >= 0.0 && points.is_finite());
        (!sound)
            .then(|| format!("classes give {points:?} points; expected at least one class, and numbers of 0 or more"))
    }

    /// The most points that it gives.
    pub fn most(&self) -> f64 {
        self.all_points().into_iter().fold(f64::NEG_INFINITY, f64::max)
    }

    fn all_points(&self) -> Vec<f64> {
        self.of.iter().map(|class| class.points).chain(self.otherwise).collect()
    }
}

/// Several indicators of which one counts, with the weight that each of them has.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneOf {
    /// Its name, which its indicators say.
    pub name: String,
    /// Which of them counts.
    pub take: Take,
    /// Where that comes from, or "assumption".
    pub source: String,
}

/// Which of several counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Take {
    /// The one that gives the fewest points.
    Worst,
    /// The one that gives the most.
    Best,
}

impl Take {
    /// Whether points count rather than others; of equals the first.
    fn prefers(self, points: f64, others: f64) -> bool {
        match self {
            Self::Worst => points < others,
            Self::Best => points > others,
        }
    }
}

/// Which of a part's indicators are passed over, because another of their set counts. `sets` are the sets of the indicators in
/// their order, `points` what each would give.
pub fn passed_over(all: &[OneOf], sets: &[Option<&str>], points: &[Option<f64>]) -> Vec<bool> {
    let mut passed = vec![false; points.len()];
    for set in all {
        let members = || (0..points.len()).filter(|index| sets[*index] == Some(set.name.as_str()));
        let mut counting: Option<(usize, f64)> = None;
        for index in members() {
            let Some(points) = points[index] else { continue };
            if counting.is_none_or(|(_, others)| set.take.prefers(points, others)) {
                counting = Some((index, points));
            }
        }
        if let Some((counts, _)) = counting {
            members()
                .filter(|index| *index != counts && points[*index].is_some())
                .for_each(|index| passed[index] = true);
        }
    }
    passed
}
