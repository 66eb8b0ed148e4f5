//! The evaluation of a year: each figure against the median of the parks, weighed; stars, rank, and whether the year failed.

use super::indicator::{ParkFacts, ParkIndicator};
use super::scheme::ParkScheme;
use super::standing::Year;
use crate::domain::review::facts::round;
use serde::{Deserialize, Serialize};

/// One indicator of a park.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// The median of the parks whose figure is known.
    pub benchmark: Option<f64>,
    /// The most that it gives, as a multiple of its weight.
    pub cap: f64,
    /// The figure; nothing where it is unknown.
    pub figure: Option<f64>,
    /// Which.
    pub key: ParkIndicator,
    /// What it gave; nothing where it did not count.
    pub points: Option<f64>,
    /// Its weight of 100.
    pub weight: f64,
}

/// What a park's year came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// The code of the park.
    pub code: String,
    /// The score, to two decimals; nothing where it cannot be judged.
    pub score: Option<f64>,
    /// Its place, 1 the best; parks of one score share it, and the next stands as many places lower.
    pub rank: Option<u32>,
    /// Its stars, 0 to 5; nothing where it cannot be judged.
    pub stars: Option<u8>,
    /// What the year counts as.
    pub year: Year,
    /// The share of the weights whose figures are known.
    pub coverage: f64,
    /// Its indicators in the order of the scheme.
    pub lines: Vec<Line>,
}

/// Evaluates the parks of a year, the best first, those that cannot be judged last, otherwise by code.
pub fn evaluate(scheme: &ParkScheme, parks: &[ParkFacts]) -> Vec<Evaluation> {
    let benchmarks: Vec<Option<f64>> = scheme
        .indicators
        .iter()
        .map(|one| median(parks.iter().filter_map(|park| one.key.figure(park)).collect()))
        .collect();
    let mut found: Vec<Evaluation> = parks.iter().map(|park| judge(scheme, park, &benchmarks)).collect();
    found.sort_by(|a, b| match (a.score, b.score) {
        (Some(one), Some(other)) => other.total_cmp(&one).then_with(|| a.code.cmp(&b.code)),
        (one, other) => other.is_some().cmp(&one.is_some()).then_with(|| a.code.cmp(&b.code)),
    });
    let mut before: Option<(f64, u32)> = None;
    for (place, one) in (1..).zip(&mut found) {
        let Some(score) = one.score else { continue };
        let rank = before.filter(|(same, _)| *same == score).map_or(place, |(_, rank)| rank);
        one.rank = Some(rank);
        before = Some((score, rank));
    }
    found
}

fn judge(scheme: &ParkScheme, park: &ParkFacts, benchmarks: &[Option<f64>]) -> Evaluation {
    let (mut points, mut known) = (0.0, 0.0);
    let mut lines = Vec::with_capacity(scheme.indicators.len());
    for (one, benchmark) in scheme.indicators.iter().zip(benchmarks) {
        let figure = one.key.figure(park);
        let gave = figure
            .zip(*benchmark)
            .map(|(figure, benchmark)| one.weight * strength(one.key.lower_is_better(), figure, benchmark, one.cap))
            .map(|points| round(points, 6));
        if let Some(gave) = gave {
            points += gave;
            known += one.weight;
        }
        let (cap, weight) = (one.cap, one.weight);
        lines.push(Line { benchmark: *benchmark, cap, figure, key: one.key, points: gave, weight });
    }
    let coverage = round(known / 100.0, 6);
    // What is known stands for all, where enough of it is known.
    let score = (known > 0.0 && coverage >= scheme.coverage).then(|| round(points / known * 100.0, 2));
    let year = match score {
        None => Year::NotJudged,
        Some(score) if score < scheme.fails_below => Year::Failed,
        Some(_) => Year::Passed,
    };
    let stars = score.map(|score| scheme.stars_of(score));
    Evaluation { code: park.code.clone(), score, rank: None, stars, year, coverage, lines }
}

/// How a figure stands to its benchmark: 1 at it, `cap` at most, 0 at least. Of a share of which less is better the rest is
/// compared: 90 % that is not idle against 95 %.
fn strength(lower_is_better: bool, figure: f64, benchmark: f64, cap: f64) -> f64 {
    let (figure, benchmark) = if lower_is_better { (1.0 - figure, 1.0 - benchmark) } else { (figure, benchmark) };
    let (figure, benchmark) = (figure.max(0.0), benchmark.max(0.0));
    match (figure > 0.0, benchmark > 0.0) {
        (_, true) => (figure / benchmark).min(cap),
        // Where half of the parks have nothing, having nothing is no worse than they are.
        (false, false) => 1.0,
        (true, false) => cap,
    }
}

fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    match figures.len() {
        0 => None,
        count if count % 2 == 1 => Some(figures[middle]),
        _ => Some(f64::midpoint(figures[middle - 1], figures[middle])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SHIPPED: &str = include_str!("../../../data/park_schemes/default.toml");

    fn shipped() -> ParkScheme {
        ParkScheme::parse(SHIPPED).expect("well formed")
    }

    fn park(code: &str, times: f64) -> ParkFacts {
        ParkFacts {
            code: code.into(),
            land_m2: 2_000_000.0 / 3.0,
            output_wan_yuan: Some(100_000.0 * times),
            output_before_wan_yuan: Some(100_000.0),
            leading_output_wan_yuan: Some(60_000.0 * times),
            tax_wan_yuan: Some(20_000.0 * times),
            staff: Some(3_000.0 * times),
            investment_wan_yuan: Some(300_000.0 * times),
            research_wan_yuan: Some(3_000.0 * times),
            revenue_wan_yuan: Some(100_000.0),
            idle_m2: Some(0.0),
            judged_m2: Some(600_000.0),
            d_m2: Some(60_000.0),
            floor_m2: Some(500_000.0 * times),
            allowed_floor_m2: Some(1_000_000.0),
            ..ParkFacts::default()
        }
    }

    #[test]
    fn a_park_at_the_median_of_every_figure_has_a_hundred_points_and_one_at_half_of_most_fails() {
        let found = evaluate(&shipped(), &[park("B", 1.0), park("A", 0.5), park("C", 4.0)]);
        let told: Vec<(&str, Option<f64>, Option<u8>, Year)> =
            found.iter().map(|one| (one.code.as_str(), one.score, one.stars, one.year)).collect();
        // C gives 1.5 times its weight for 75 of 100 points: 112.5 + 25. A gives half of them: 37.5 + 25.
        assert_eq!(
            told,
            [
                ("C", Some(137.5), Some(5), Year::Passed),
                ("B", Some(100.0), Some(3), Year::Passed),
                ("A", Some(62.5), Some(1), Year::Passed),
            ]
        );
        let worse = evaluate(&shipped(), &[park("B", 1.0), park("A", 0.4), park("C", 4.0)]);
        assert_eq!((worse[2].score, worse[2].stars, worse[2].year), (Some(55.0), Some(0), Year::Failed));
        assert_eq!(found[1].lines[1].figure, Some(20.0), "20,000 万元 on 1,000 亩");
    }

    #[test]
    fn parks_of_one_score_share_a_rank_and_one_of_which_too_little_is_known_has_none_and_has_not_failed() {
        let unknown = ParkFacts { code: "0".into(), land_m2: 1.0, tax_wan_yuan: Some(0.0), ..ParkFacts::default() };
        let found = evaluate(&shipped(), &[park("D", 0.5), unknown, park("C", 1.0), park("B", 1.0)]);
        let told: Vec<(&str, Option<u32>)> = found.iter().map(|one| (one.code.as_str(), one.rank)).collect();
        assert_eq!(told, [("B", Some(1)), ("C", Some(1)), ("D", Some(3)), ("0", None)]);
        assert_eq!((found[3].year, found[3].stars, found[3].coverage), (Year::NotJudged, None, 0.2));
    }

    fn anyone() -> impl Strategy<Value = ParkFacts> {
        let figure = || proptest::option::weighted(0.9, 0.0..1e6_f64);
        (proptest::collection::vec(figure(), 13), 1.0..1e7_f64).prop_map(|(figures, land_m2)| ParkFacts {
            code: String::new(),
            land_m2,
            output_wan_yuan: figures[0],
            output_before_wan_yuan: figures[1],
            leading_output_wan_yuan: figures[2],
            tax_wan_yuan: figures[3],
            staff: figures[4],
            investment_wan_yuan: figures[5],
            research_wan_yuan: figures[6],
            revenue_wan_yuan: figures[7],
            idle_m2: figures[8],
            judged_m2: figures[9],
            d_m2: figures[10],
            floor_m2: figures[11],
            allowed_floor_m2: figures[12],
            ..ParkFacts::default()
        })
    }

    /// The same park so many times as large.
    fn scaled(park: &ParkFacts, times: f64) -> ParkFacts {
        let by = |figure: Option<f64>| figure.map(|figure| figure * times);
        ParkFacts {
            code: park.code.clone(),
            land_m2: park.land_m2 * times,
            output_wan_yuan: by(park.output_wan_yuan),
            output_before_wan_yuan: by(park.output_before_wan_yuan),
            leading_output_wan_yuan: by(park.leading_output_wan_yuan),
            tax_wan_yuan: by(park.tax_wan_yuan),
            staff: by(park.staff),
            investment_wan_yuan: by(park.investment_wan_yuan),
            research_wan_yuan: by(park.research_wan_yuan),
            revenue_wan_yuan: by(park.revenue_wan_yuan),
            idle_m2: by(park.idle_m2),
            judged_m2: by(park.judged_m2),
            d_m2: by(park.d_m2),
            floor_m2: by(park.floor_m2),
            allowed_floor_m2: by(park.allowed_floor_m2),
            ..ParkFacts::default()
        }
    }

    proptest! {
        #[test]
        fn neither_the_order_of_the_parks_nor_the_size_of_one_tells(
            (parks, order) in proptest::collection::vec(anyone(), 1..12).prop_flat_map(|parks| {
                let order = Just((0..parks.len()).collect::<Vec<usize>>()).prop_shuffle();
                (Just(parks), order)
            }),
            doublings in -3..4_i32
        ) {
            let mut parks = parks;
            parks.iter_mut().enumerate().for_each(|(index, park)| park.code = format!("P{index:02}"));
            let found = evaluate(&shipped(), &parks);
            let turned: Vec<ParkFacts> = order.iter().map(|index| parks[*index].clone()).collect();
            prop_assert_eq!(&evaluate(&shipped(), &turned), &found);
            // By powers of two, which floats are scaled by without rounding.
            parks[0] = scaled(&parks[0], 2f64.powi(doublings));
            prop_assert_eq!(&evaluate(&shipped(), &parks), &found);
        }

        #[test]
        fn ranks_follow_the_scores_and_only_they_do(
            parks in proptest::collection::vec(anyone(), 1..12)
        ) {
            let mut parks = parks;
            parks.iter_mut().enumerate().for_each(|(index, park)| park.code = format!("P{index:02}"));
            let found = evaluate(&shipped(), &parks);
            prop_assert_eq!(found.len(), parks.len());
            for one in &found {
                let ahead = |score: f64| found.iter().filter(|other| other.score.is_some_and(|it| it > score)).count();
                prop_assert_eq!(one.rank, one.score.map(|score| u32::try_from(ahead(score)).unwrap_or(0) + 1));
                prop_assert_eq!(one.stars.is_some(), one.score.is_some());
                prop_assert_eq!(one.year == Year::NotJudged, one.score.is_none());
                prop_assert!(one.score.is_none_or(|score| (0.0..=150.0).contains(&score)), "{:?}", one.score);
            }
        }

        #[test]
        fn a_park_that_pays_more_tax_loses_no_points(
            parks in proptest::collection::vec(anyone(), 2..12), times in 1.0..4.0_f64
        ) {
            // Against the benchmarks of the year as it was: a median moves with those that it is the median of.
            let benchmarks: Vec<Option<f64>> = evaluate(&shipped(), &parks)[0].lines.iter().map(|line| line.benchmark).collect();
            let before = judge(&shipped(), &parks[0], &benchmarks);
            let mut better = parks[0].clone();
            better.tax_wan_yuan = better.tax_wan_yuan.map(|tax| tax * times);
            let after = judge(&shipped(), &better, &benchmarks);
            prop_assert!(after.score >= before.score, "{:?} {:?}", before.score, after.score);
        }
    }
}
