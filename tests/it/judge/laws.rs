//! The laws of a review, under the schemes that are shipped and under any: more of what is better never hurts, units and
//! workers change nothing, ranks follow scores, and judging again gives the same bytes.

mod again;
mod any;
mod lifts;

use super::{as_of, judged};
use any::{AnyScheme, city, every_text, frozen, refunded, rules, scheme, text, tries};
use landcycle::domain::review::facts::{Facts, Measure};
use landcycle::domain::review::grade::Grade;
use landcycle::domain::review::receipt::Receipt;
use landcycle::domain::review::run::judge;
use landcycle::domain::review::scheme::part::{CutBy, Missing, Within};
use proptest::prelude::*;

/// Which indicators of a receipt count, and how.
fn counting(receipt: &Receipt) -> Vec<(bool, bool)> {
    receipt.indicators.iter().map(|line| (line.points.is_some(), line.imputed)).collect()
}

/// A figure that more is better of, more of it: nothing below it becomes less. Revenue and staff are above one line and
/// below another, and left alone.
fn better(facts: &mut Facts, what: usize, more: f64) {
    let measures = [Measure::Tax, Measure::Output, Measure::ValueAdded, Measure::FixedAssets, Measure::Research];
    match measures.get(what) {
        // Of the newest year, as an earlier one may be what all are measured against.
        Some(measure) => {
            let share = &mut facts.years.last_mut().unwrap().figures[*measure as usize];
            share.sum += if share.known > 0.0 { more } else { 0.0 };
        }
        None => {
            let floor = facts.floor_m2;
            facts.used_floor_m2 =
                facts.used_floor_m2.zip(floor).map(|(used, floor)| used + (floor - used) * (more / 5e3).min(1.0));
        }
    }
}

/// Scores stand on figures and benchmarks of six decimals: so far, by the largest, may two that should be equal lie apart.
fn near(one: Option<f64>, other: Option<f64>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => (one - other).abs() <= slack(one.abs().max(other.abs())),
        (one, other) => one == other,
    }
}

fn slack(score: f64) -> f64 {
    1e-3 * score.max(1.0)
}

/// Among whom a receipt has its rank.
fn among(rules: &landcycle::domain::review::run::Rules, receipt: &Receipt) -> Option<(String, String)> {
    let part = rules.scheme.parts.iter().find(|part| part.name == receipt.part)?;
    let within = match part.cutoffs.within {
        Within::City => String::new(),
        // Parcels judged as one are ranked where the first of them lies.
        Within::District => receipt.holder.is_none().then(|| receipt.facts.district.clone())?,
        Within::Group => receipt.peer_group.clone(),
    };
    Some((receipt.part.clone(), within))
}

proptest! {
    #![proptest_config(tries(64))]

    #[test]
    fn more_of_what_is_better_never_lowers_the_score_nor_the_own_rank(
        text in text(),
        city in prop_oneof![city(2..16), refunded(2..5, 8)],
        what in 0usize..6,
        more in 1.0f64..5e3,
        place in any::<prop::sample::Index>(),
    ) {
        let rules = rules(&text);
        let before = frozen(&rules, &city);
        let place = place.index(before.len());
        let mut after = before.clone();
        better(&mut after[place], what, more);
        let (before, after) = (judged(&rules, before), judged(&rules, after));
        let (one, other) = (&before[place], &after[place]);
        // Where an indicator begins to count, or ceases to, another sum is made.
        if counting(one) == counting(other) {
            let (least, is) = (one.score.unwrap_or(0.0), other.score.unwrap_or(0.0));
            prop_assert!(is >= least - slack(least.abs()), "{least} {is}: {one:?}\n{other:?}");
            prop_assert_eq!(one.score.is_some(), other.score.is_some());
        }
        // What stands in for a figure that a peer did not report moves with the others' figures.
        let imputes = rules.scheme.parts.iter().flat_map(|part| &part.indicators).any(|one| one.missing == Missing::GroupMean);
        if !imputes && before.iter().map(counting).eq(after.iter().map(counting)) {
            let passed = |receipts: &[Receipt]| {
                let own = receipts[place].score;
                let of = |other: &&Receipt| among(&rules, other).is_some() && among(&rules, other) == among(&rules, &receipts[place]);
                let ahead = receipts.iter().filter(of).filter(|other| other.score > own);
                ahead.map(|other| other.facts.code.clone()).collect::<Vec<String>>()
            };
            let now = passed(&after);
            let overtaken = now.iter().filter(|code| !passed(&before).contains(code));
            for code in overtaken {
                let of = |receipts: &[Receipt]| receipts.iter().find(|one| one.facts.code == *code).and_then(|one| one.score);
                // Only those that were level, by a rounded figure.
                prop_assert!(near(of(&before), one.score) && near(of(&after), other.score), "{code} passed {}", one.facts.code);
            }
        }
    }

    #[test]
    fn a_figure_in_another_unit_with_its_benchmark_leaves_every_score(
        scheme in scheme(),
        city in city(2..16),
        times in prop::sample::select(vec![10.0, 15.0, 1e4]),
    ) {
        // 万元 or 元, mu or m²: tax and output of everyone, and what they are measured against, are so many times more.
        let larger = AnyScheme {
            indicators: scheme.indicators.iter().cloned().map(|mut one| {
                if let Some(value) = one.benchmark.strip_prefix("benchmark = { kind = \"fixed\", value = ")
                    && matches!(one.key, "tax_int" | "out_int")
                {
                    let value: f64 = value.trim_end_matches(" }").parse().unwrap();
                    one.benchmark = format!("benchmark = {{ kind = \"fixed\", value = {:?} }}", value * times);
                }
                one
            }).collect(),
            ..scheme.clone()
        };
        let (rules, scaled) = (rules(&scheme.text()), rules(&larger.text()));
        let facts = frozen(&rules, &city);
        let mut more = facts.clone();
        for year in more.iter_mut().flat_map(|one| &mut one.years) {
            for measure in [Measure::Tax, Measure::Output] {
                year.figures[measure as usize].sum *= times;
            }
        }
        for (one, other) in judged(&rules, facts).iter().zip(&judged(&scaled, more)) {
            prop_assert!(near(one.score, other.score), "{:?} {:?}", one.indicators, other.indicators);
            prop_assert_eq!(&one.not_judged, &other.not_judged);
        }
    }

    #[test]
    fn weights_and_their_total_scaled_together_scale_every_score(
        scheme in scheme(),
        city in city(2..16),
        times in prop::sample::select(vec![2.0, 7.0, 0.5]),
    ) {
        let scheme = AnyScheme { extras: "", ..scheme };
        let (rules, heavier) = (rules(&scheme.text()), rules(&scheme.weighing(times)));
        let facts = frozen(&rules, &city);
        let (light, heavy) = (judged(&rules, facts.clone()), judged(&heavier, facts));
        for (one, other) in light.iter().zip(&heavy) {
            prop_assert!(near(one.score.map(|score| score * times), other.score), "{:?} {:?}", one.score, other.score);
            prop_assert_eq!((&one.not_judged, one.of, one.coverage), (&other.not_judged, other.of, other.coverage));
        }
        let by_rank = rules.scheme.parts.iter().all(|part| part.cutoffs.by == CutBy::Rank);
        let apart = |receipts: &[Receipt]| {
            let mut scores: Vec<f64> = receipts.iter().filter_map(|one| one.score).collect();
            scores.sort_by(f64::total_cmp);
            scores.windows(2).all(|pair| pair[0] == pair[1] || pair[1] - pair[0] > 2.0 * slack(pair[1].abs()))
        };
        let level = |receipts: &[Receipt]| -> Vec<Vec<bool>> {
            receipts.iter().map(|one| receipts.iter().map(|other| one.score == other.score).collect()).collect()
        };
        if by_rank && apart(&light) && level(&light) == level(&heavy) {
            prop_assert!(light.iter().map(|one| (one.grade, one.rank)).eq(heavy.iter().map(|one| (one.grade, one.rank))));
        }
    }

    #[test]
    fn among_those_ranked_together_a_higher_score_never_has_the_worse_grade(text in text(), city in city(2..40)) {
        let rules = rules(&text);
        let receipts = judged(&rules, frozen(&rules, &city));
        for one in &receipts {
            prop_assert_eq!(one.grade == Grade::T, one.score.is_none());
            prop_assert_eq!(one.grade == Grade::T, !one.not_judged.is_empty());
            let faultless = |receipt: &Receipt| !receipt.situation.veto && receipt.score.is_some();
            for other in receipts.iter().filter(|other| among(&rules, other) == among(&rules, one)) {
                if among(&rules, one).is_some() && faultless(one) && faultless(other) && one.score > other.score {
                    prop_assert!(one.grade <= other.grade && one.rank < other.rank, "{one:?}\n{other:?}");
                }
            }
        }
    }

    #[test]
    fn one_worker_two_and_seven_give_the_same_bytes(text in every_text(), city in city(1..60)) {
        let rules = rules(&text);
        let facts = frozen(&rules, &city);
        let bytes = |workers| -> Vec<String> {
            let receipts = judge(&rules, as_of(), facts.clone(), workers).unwrap();
            receipts.iter().map(|receipt| receipt.canonical().unwrap()).collect()
        };
        let alone = bytes(1);
        prop_assert_eq!(&alone, &bytes(2));
        prop_assert_eq!(&alone, &bytes(7));
    }
}
