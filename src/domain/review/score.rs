//! From points to a score and from a score to a grade: the arithmetic that judging and asking what would lift a grade share.

use super::facts::round;
use super::grade::Grade;
use super::scheme::part::{Adjusted, CutBy, Cutoffs, Part};
use super::scheme::points::passed_over;

/// What an indicator gives, rounded to 6 decimals.
pub(super) fn points(weight: f64, strength: f64) -> f64 {
    round(weight * strength, 6)
}

/// The score, rounded to 4 decimals: what the indicators gave that counted, each with its weight, and what was added.
/// Nothing where none counted.
pub(super) fn score(total: f64, given: impl Iterator<Item = (f64, f64)>, adjustments: &[Adjusted]) -> Option<f64> {
    let (counted, sum) = given.fold((0.0, 0.0), |(counted, sum), (weight, points)| (counted + weight, sum + points));
    let more: f64 = adjustments.iter().map(|one| one.points).sum();
    (counted > 0.0).then(|| round(total * sum / counted + more, 4))
}

/// The last rank of the share of the judged that a cut takes, rounded to the nearest parcel.
pub(super) fn last_rank(of: u32, cut: f64) -> f64 {
    round(f64::from(of) * cut / 100.0, 0)
}

/// The grade that a score and its rank come to before any fault is looked at.
pub(super) fn grade(cuts: &Cutoffs, score: f64, rank: Option<u32>, of: u32) -> Grade {
    let rank = f64::from(rank.unwrap_or(u32::MAX));
    let reaches = |grade: &Grade| {
        cuts.cut(*grade).is_some_and(|cut| match cuts.by {
            CutBy::Rank => rank <= last_rank(of, cut),
            CutBy::Score => score >= cut,
            CutBy::Rules => false,
        })
    };
    [Grade::A, Grade::B, Grade::C].into_iter().find(reaches).unwrap_or(Grade::D)
}

/// What counts of the points that each indicator of a part gives by itself: of several of which one counts, that one's.
pub(super) fn pass_over(part: &Part, points: Vec<Option<f64>>) -> Vec<Option<f64>> {
    if part.one_of.is_empty() {
        return points;
    }
    let sets: Vec<Option<&str>> = part.indicators.iter().map(|one| one.one_of.as_deref()).collect();
    let passed = passed_over(&part.one_of, &sets, &points);
    points.into_iter().zip(passed).map(|(points, passed)| points.filter(|_| !passed)).collect()
}
