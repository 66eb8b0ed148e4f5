//! What would lift a parcel a grade: applied and judged again it gives the better grade, and a step less of it does not.

use super::{DECISIONS, Figures as _, VALUES, as_of, day, indicator, judged, parcel, paying, scheme};
use landcycle::domain::review::explain::{Beside, explain};
use landcycle::domain::review::facts::{Facts, Measure, VetoFact};
use landcycle::domain::review::grade::Grade;
use landcycle::domain::review::indicator::Indicator;
use landcycle::domain::review::lift::{Cut, Last, Lift, Way, Why, cut, lift};
use landcycle::domain::review::receipt::Receipt;
use landcycle::domain::review::run::Rules;
use proptest::prelude::*;
use rstest::rstest;

const BY_RANK: &str = "cutoffs = { a = 20.0, b = 60.0, c = 95.0, source = \"assumption\" }";

/// Tax and output against figures, vacant floor area where less is better, plot ratio in a band: with these cut-offs.
fn rules(cutoffs: &str) -> Rules {
    let vacant = indicator("vac_rate", 20.0, r#"{ kind = "fixed", value = 20.0 }"#, "reweigh");
    let band = indicator("far_actual", 10.0, "{}", "reweigh").replacen("higher", "band", 1).replacen(
        "benchmark = {}",
        "band = { none_below = 0.5, low = 1.2, high = 1.8, none_above = 4.0 }",
        1,
    );
    let indicators = [
        indicator("tax_int", 40.0, r#"{ kind = "fixed", value = 12.0 }"#, "reweigh"),
        indicator("out_int", 30.0, r#"{ kind = "fixed", value = 200.0 }"#, "group-mean"),
        vacant.replacen("higher", "lower", 1),
        band,
    ];
    let text = scheme(&indicators.concat());
    assert!(text.contains(BY_RANK));
    Rules::parse(&text.replacen(BY_RANK, cutoffs, 1), DECISIONS, VALUES).unwrap()
}

/// What would lift one of those judged, with the last of the better grade looked up among them.
fn lift_of(rules: &Rules, receipts: &[Receipt], place: usize) -> Lift {
    let receipt = &receipts[place];
    let last = match cut(&rules.scheme, receipt) {
        Some(Cut::Rank { last, .. }) => {
            let within = receipts.iter().filter(|one| one.rank.is_some_and(|rank| rank <= last));
            let holds = within.max_by_key(|one| (one.rank, one.facts.code.clone()));
            holds.map(|one| Last { score: one.score.unwrap(), code: one.facts.code.clone() })
        }
        _ => None,
    };
    lift(&rules.scheme, receipt, &receipt.facts.vetoes, last.as_ref()).unwrap()
}

/// The facts with that figure, all else as it is: 30 mu, 20,000 m².
fn with_figure(facts: &Facts, key: Indicator, figure: f64) -> Facts {
    let facts = facts.clone();
    match key {
        Indicator::TaxInt => facts.with(Measure::Tax, [Some(figure * 30.0); 3]),
        Indicator::OutInt => facts.with(Measure::Output, [Some(figure * 30.0); 3]),
        Indicator::VacRate => {
            Facts { used_floor_m2: facts.floor_m2.map(|floor| floor * (1.0 - figure / 100.0)), ..facts }
        }
        other => panic!("{other:?}"),
    }
}

fn town() -> impl Strategy<Value = Vec<Facts>> {
    // Few values each, so that scores are often equal.
    let one = (0..12u32, 0..8u32, 0..10u32, 0..9u32);
    prop::collection::vec(one, 3..25).prop_map(|list| {
        let one = |(number, (tax, output, used, floor)): (usize, (u32, u32, u32, u32))| {
            let floor = 10_000.0 + 5_000.0 * f64::from(floor);
            let facts = paying(u32::try_from(number).unwrap(), f64::from(tax) * 1.7);
            let output = (output > 0).then(|| f64::from(output) * 1_500.0);
            Facts {
                floor_m2: Some(floor),
                used_floor_m2: Some(floor * f64::from(used + 1) / 10.0),
                plot_ratio_allowed: Some(3.0),
                ..facts.with(Measure::Output, [output; 3])
            }
        };
        list.into_iter().enumerate().map(one).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_change_that_is_named_lifts_the_grade_and_a_step_less_does_not(
        town in town(),
        cutoffs in prop::sample::select(vec![
            BY_RANK,
            "cutoffs = { a = 20.0, b = 60.0, c = 95.0, ties = \"share\", source = \"assumption\" }",
            "cutoffs = { a = 110.0, b = 85.0, c = 60.0, by = \"score\", source = \"assumption\" }",
        ]),
    ) {
        let rules = rules(cutoffs);
        let receipts = judged(&rules, town.clone());
        for (place, receipt) in receipts.iter().enumerate() {
            let Lift::Figures { to, ways, score, .. } = lift_of(&rules, &receipts, place) else { continue };
            prop_assert!(score > receipt.score.unwrap() || cutoffs.contains("20.0"));
            for way in ways.iter().filter(|way| way.key != Indicator::FarActual) {
                let again = |figure: f64| {
                    let mut city = town.clone();
                    city[place] = with_figure(&city[place], way.key, figure);
                    judged(&rules, city).swap_remove(place)
                };
                let line = |receipt: &Receipt| {
                    receipt.indicators.iter().find(|line| line.key == way.key).and_then(|line| line.value).unwrap()
                };
                let step = if way.to > way.from { 1e-6 } else { -1e-6 };
                let (enough, less) = (again(way.to), again(way.to - step));
                // What another parcel's silence takes is the mean of its group, which this parcel's own figure moves.
                if receipts.iter().any(|one| one.indicators.iter().any(|line| line.imputed)) && way.key == Indicator::OutInt {
                    continue;
                }
                prop_assert!((line(&enough) - way.to).abs() < 1e-9, "{way:?}");
                prop_assert!(enough.grade <= to, "{:?} {way:?} gives {:?}", receipt.score, enough.score);
                prop_assert!(less.grade > to, "{way:?} is not the least: {:?}", less.score);
            }
        }
    }
}

fn ways(lift: &Lift) -> &[Way] {
    let Lift::Figures { ways, .. } = lift else { panic!("{lift:?}") };
    ways
}

#[test]
fn the_least_change_worked_out_by_hand() {
    let rules = rules("cutoffs = { a = 110.0, b = 85.0, c = 60.0, by = \"score\", source = \"assumption\" }");
    // Tax 6 of 12: 20 points; output 100 of 200: 15; 40 % vacant where 20 % is the benchmark: 10; plot ratio 1.5: 10.
    let facts = Facts { used_floor_m2: Some(18_000.0), ..paying(1, 6.0).with(Measure::Output, [Some(3_000.0); 3]) };
    let receipts = judged(&rules, vec![facts]);
    assert_eq!((receipts[0].score, receipts[0].grade), (Some(55.0), Grade::D));
    // Five points are missing: tax 7.5 (25 points), output 133.33 (20 points), 26.67 % vacant (15 points).
    let lift = lift_of(&rules, &receipts, 0);
    let found: Vec<(Indicator, f64)> = ways(&lift).iter().map(|way| (way.key, way.to)).collect();
    let right = [(Indicator::TaxInt, 7.499_999), (Indicator::OutInt, 133.333), (Indicator::VacRate, 26.666_7)];
    for ((key, is), (wanted, right)) in found.iter().zip(right) {
        assert!(*key == wanted && (is - right).abs() < 1e-3, "{found:?}");
    }
    let Lift::Figures { short, score, to, .. } = &lift else { panic!() };
    assert_eq!((short[0].key, short[0].why, *score, *to), (Indicator::FarActual, Why::Full, 60.0, Grade::C));
    // On 30 mu 1.5 万元/亩 are 45 万元; of 30,000 m² 13.33 % are 4,000 m².
    let words = explain(&receipts[0], &Beside { lift: Some(&lift), ..Beside::default() });
    let (zh, en) = (words.zh.join("\n"), words.en.join("\n"));
    assert!(zh.contains("地均税收 +1.50 万元/亩·年（即每年多 45.00 万元税收，+25%）"), "{zh}");
    assert!(en.contains("vacant floor area −13.34 % (4,000 m² more floor area in use, −33%)"), "{en}");
    // Lost are 20 + 15 + 10 of 45.
    assert!(
        zh.contains("失分（折合总分）：地均税收 20.00 (44%)、土地产出率 15.00 (33%)、闲置建筑率 10.00 (22%)。"),
        "{zh}"
    );
    assert_eq!(words.zh.len(), words.en.len());
}

#[test]
fn an_indicator_at_its_cap_does_not_do_it_alone() {
    let rules = rules("cutoffs = { a = 149.0, b = 148.0, c = 147.0, by = \"score\", source = \"assumption\" }");
    let receipts = judged(&rules, vec![paying(1, 6.0).with(Measure::Output, [Some(3_000.0); 3])]);
    let Lift::Figures { ways, short, .. } = lift_of(&rules, &receipts, 0) else { panic!() };
    let why: Vec<(Indicator, Why)> = short.iter().map(|one| (one.key, one.why)).collect();
    let right = [
        (Indicator::TaxInt, Why::Cap),
        (Indicator::OutInt, Why::Cap),
        (Indicator::VacRate, Why::Unknown),
        (Indicator::FarActual, Why::Full),
    ];
    assert_eq!((ways.len(), why), (0, right.to_vec()));
    // Tax at its cap of 1.5 gives 60 points; with 15 and 10 that is 85 of 80.
    assert_eq!(short[0].score, Some(106.25));
}

#[rstest]
#[case::cleared_later(2025, Grade::C)]
#[case::long_ago(2010, Grade::C)]
fn a_fault_that_holds_the_grade_is_cleared_and_no_figure_lifts_it(#[case] year: i32, #[case] cleared: Grade) {
    let rules = rules("cutoffs = { a = 110.0, b = 85.0, c = 50.0, by = \"score\", source = \"assumption\" }");
    let fault = VetoFact { enterprise: "E1".into(), year, kind: "safety".into() };
    let facts = paying(1, 6.0).with(Measure::Output, [Some(3_000.0); 3]);
    let receipts = judged(&rules, vec![Facts { vetoes: vec![fault.clone()], ..facts }]);
    let lift = lift_of(&rules, &receipts, 0);
    assert_eq!(lift, Lift::Held { faults: vec![fault], cleared });
    let words = explain(&receipts[0], &Beside { lift: Some(&lift), ..Beside::default() });
    assert!(words.zh.last().unwrap().contains("销号") && words.en.last().unwrap().contains("no figure lifts it"));
}

#[test]
fn the_best_the_unjudged_and_those_without_a_place_have_nothing_to_reach() {
    let rules = rules(BY_RANK);
    let young = Facts { in_use_since: Some(day(2026, 1, 1)), ..parcel(9) };
    let output = |facts: Facts| facts.with(Measure::Output, [Some(3_000.0); 3]);
    let receipts = judged(&rules, vec![output(paying(1, 6.0)), output(paying(2, 12.0)), young]);
    assert_eq!(receipts[0].as_of, as_of());
    // Of two the first fifth is nobody, three fifths are one.
    assert_eq!([1, 2].map(|place| receipts[place].grade), [Grade::B, Grade::T]);
    assert_eq!(lift_of(&rules, &receipts, 1), Lift::NoPlace { to: Grade::A });
    assert_eq!(lift_of(&rules, &receipts, 2), Lift::NotJudged);
    let best = judged(&rules, (1..=5).map(|number| output(paying(number, f64::from(number)))).collect());
    assert_eq!((best[4].grade, lift_of(&rules, &best, 4)), (Grade::A, Lift::Best));
    // How many of its peers score higher is counted among them.
    let ahead: Vec<Option<u32>> = best.iter().map(|one| one.peers_ahead).collect();
    assert_eq!(ahead, [Some(4), Some(3), Some(2), Some(1), Some(0)]);
}

#[test]
fn a_grade_without_the_faults_that_hold_it_is_still_capped_by_the_milder_ones() {
    let by_score = "cutoffs = { a = 20.0, b = 10.0, c = 5.0, by = \"score\", source = \"assumption\" }";
    let tax = indicator("tax_int", 100.0, r#"{ kind = "fixed", value = 12.0 }"#, "reweigh");
    let vetoes = "veto = [{ kinds = [\"environment\"], caps_at = \"D\", source = \"assumption\" }, \
                  { kinds = [\"safety\"], caps_at = \"C\", source = \"assumption\" }]";
    let text = scheme(&tax).replacen(BY_RANK, by_score, 1).replacen(
        "veto = [{ caps_at = \"D\", source = \"assumption\" }]",
        vetoes,
        1,
    );
    let rules = Rules::parse(&text, DECISIONS, VALUES).unwrap();
    let fault = |kind: &str| VetoFact { enterprise: "E1".into(), year: 2025, kind: kind.into() };
    let held = |vetoes: Vec<VetoFact>| {
        let receipts = judged(&rules, vec![Facts { vetoes, ..paying(1, 12.0) }]);
        (receipts[0].grade, lift_of(&rules, &receipts, 0))
    };
    let (environment, safety) = (fault("environment"), fault("safety"));
    let only = |fault: &VetoFact, cleared| Lift::Held { faults: vec![fault.clone()], cleared };
    assert_eq!(held(vec![safety.clone()]), (Grade::C, only(&safety, Grade::A)));
    assert_eq!(held(vec![environment.clone()]), (Grade::D, only(&environment, Grade::A)));
    assert_eq!(held(vec![environment.clone(), safety]), (Grade::D, only(&environment, Grade::C)));
}
