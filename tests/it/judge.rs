//! What a review finds, worked out by hand and held to laws. Knows the rules and no database.

mod benchmarks;
mod cases;
mod kinds;
mod laws;
mod lift;
mod measures;
mod real;
mod refusals;
mod worked;

use chrono::NaiveDate;
use landcycle::domain::review::{
    facts::{Facts, MEASURES, Measure, Share, VetoFact, Year},
    grade::Grade,
    indicator::Indicator,
    receipt::{NotJudged, Receipt},
    run::{Rules, judge, window},
};
use landcycle::domain::zoning::Tier;
use proptest::prelude::*;
use rstest::rstest;

const DECISIONS: &str = include_str!("../../data/rulebook/decisions.toml");
const VALUES: &str = include_str!("../../data/rulebook/values.toml");

fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap()
}

fn as_of() -> NaiveDate {
    day(2026, 6, 30)
}

/// A scheme with these indicators; the rest is the same for all tests.
fn scheme(indicators: &str) -> String {
    format!(
        r#"
name = "test"
version = "1"
effective_from = 2024-01-01
source = "assumption"
title = {{ zh = "试", en = "test" }}
scope = {{ land_use = ["M"] }}
window = {{ years = 3, least_years = 2 }}
peers = {{ levels = [["industry-2"]], least = 3 }}
veto = [{{ caps_at = "D", source = "assumption" }}]
cutoffs = {{ a = 20.0, b = 60.0, c = 95.0, source = "assumption" }}
[gate]
coverage = 0.6
coverage_source = "assumption"
unreported_floor = 0.2
least_years_in_use = 2
exempt_industries = ["44"]
{indicators}"#
    )
}

/// An indicator of a scheme where more is better.
fn indicator(key: &str, weight: f64, benchmark: &str, missing: &str) -> String {
    format!(
        "[[indicator]]\nkey = \"{key}\"\nweight = {weight:?}\ndirection = \"higher\"\nbenchmark = {benchmark}\n\
         cap = 1.5\nmissing = \"{missing}\"\nsource = \"assumption\"\n"
    )
}

fn rules(indicators: &[String]) -> Rules {
    Rules::parse(&scheme(&indicators.concat()), DECISIONS, VALUES).unwrap()
}

/// Tax against 12 万元/亩 for 60 points, output against 200 万元/亩 for 40.
fn fixed() -> Rules {
    rules(&[
        indicator("tax_int", 60.0, r#"{ kind = "fixed", value = 12.0 }"#, "reweigh"),
        indicator("out_int", 40.0, r#"{ kind = "fixed", value = 200.0 }"#, "reweigh"),
    ])
}

/// Tax alone, against what peers pay.
fn peers(benchmark: &str) -> Rules {
    rules(&[indicator("tax_int", 100.0, benchmark, "reweigh")])
}

/// A parcel of 30 mu in a base, in use since 2010.
fn parcel(number: u32) -> Facts {
    Facts {
        code: format!("310115001001GB{number:05}"),
        district: "310115".into(),
        park: None,
        tier: Tier::Base,
        locked: true,
        land_use: "M1".into(),
        land_m2: 20_000.0,
        land_is_registered: true,
        plot_ratio_allowed: Some(2.0),
        floor_m2: Some(30_000.0),
        used_floor_m2: None,
        footprint_m2: None,
        occupied: None,
        park_industries: Default::default(),
        legacy_class: None,
        industry: Some("3911".into()),
        user: None,
        in_use_since: Some(day(2010, 1, 1)),
        years: (2023..=2025).map(|year| Year { year, ..Year::default() }).collect(),
        contract: None,
        vetoes: Vec::new(),
    }
}

trait Figures {
    /// Three years of a figure, wholly known where there is one.
    fn with(self, measure: Measure, figures: [Option<f64>; 3]) -> Self;
}

impl Figures for Facts {
    fn with(mut self, measure: Measure, figures: [Option<f64>; 3]) -> Self {
        for (year, figure) in self.years.iter_mut().zip(figures) {
            let share = figure.map_or(Share::default(), |sum| Share { sum, known: 1.0 });
            year.figures[measure as usize] = share;
        }
        self
    }
}

/// A parcel that pays the same tax every year, in 万元 a mu.
fn paying(number: u32, tax_per_mu: f64) -> Facts {
    parcel(number).with(Measure::Tax, [Some(tax_per_mu * 30.0); 3])
}

fn judged(rules: &Rules, facts: Vec<Facts>) -> Vec<Receipt> {
    judge(rules, as_of(), facts, 2).unwrap()
}

fn one(rules: &Rules, facts: Facts) -> Receipt {
    judged(rules, vec![facts]).remove(0)
}

#[test]
fn an_example_worked_out_by_hand() {
    let facts = parcel(1)
        .with(Measure::Tax, [Some(300.0), Some(450.0), Some(600.0)])
        .with(Measure::Output, [Some(2_000.0), None, Some(4_000.0)]);
    let receipt = one(&fixed(), facts);
    // Tax: (300 + 450 + 600) / 3 = 450 万元 on 30 mu = 15 万元/亩, of 12 is 1.25, of 60 points is 75.
    // Output: (2,000 + 4,000) / 2 known years = 3,000 on 30 mu = 100, of 200 is 0.5, of 40 points is 20.
    // Score: 100 × (75 + 20) / (60 + 40) = 95.
    let lines: Vec<_> =
        receipt.indicators.iter().map(|line| (line.key, line.value, line.benchmark, line.points)).collect();
    assert_eq!(
        lines,
        [
            (Indicator::TaxInt, Some(15.0), Some(12.0), Some(75.0)),
            (Indicator::OutInt, Some(100.0), Some(200.0), Some(20.0))
        ]
    );
    assert_eq!((receipt.score, receipt.coverage, receipt.rank, receipt.of), (Some(95.0), 1.0, Some(1), 1));
    assert_eq!((receipt.window, receipt.weakest()), ([2023, 2025], vec![Indicator::OutInt]));
}

#[test]
fn a_figure_counts_at_most_its_cap_and_never_below_nothing() {
    let facts = paying(1, 1_000.0).with(Measure::Output, [Some(0.0); 3]);
    // Tax is 83 times its benchmark and counts 1.5 times: 90 of 60 points; output gives none.
    assert_eq!(one(&fixed(), facts).score, Some(90.0));
    let refunded = paying(1, -50.0).with(Measure::Output, [Some(6_000.0); 3]);
    assert_eq!(one(&fixed(), refunded).score, Some(40.0));
}

#[test]
fn where_less_is_better_the_quotient_turns() {
    let text =
        indicator("vac_rate", 100.0, r#"{ kind = "fixed", value = 10.0 }"#, "reweigh").replace("higher", "lower");
    let rules = rules(&[text]);
    let score = |used: f64| one(&rules, Facts { used_floor_m2: Some(used), ..parcel(1) }).score;
    // A fifth of 30,000 m² empty is 20 %, and 10 of 20 is one half; none empty counts the cap.
    assert_eq!((score(24_000.0), score(27_000.0), score(30_000.0)), (Some(50.0), Some(100.0), Some(150.0)));
}

#[rstest]
#[case::median(r#"{ kind = "peer-percentile", at = 50.0 }"#, 20.0)]
#[case::quarter(r#"{ kind = "peer-percentile", at = 25.0 }"#, 15.0)]
#[case::nine_tenths(r#"{ kind = "peer-percentile", at = 90.0 }"#, 36.0)]
#[case::mean(r#"{ kind = "peer-mean" }"#, 23.333_333)]
fn a_benchmark_of_peers_is_their_percentile_or_mean(#[case] text: &str, #[case] benchmark: f64) {
    let receipts = judged(&peers(text), vec![paying(1, 10.0), paying(2, 20.0), paying(3, 40.0)]);
    for receipt in &receipts {
        assert_eq!((receipt.indicators[0].benchmark, receipt.peers), (Some(benchmark), 3));
    }
}

#[test]
fn a_weight_without_a_figure_is_shared_imputed_or_refused_as_the_scheme_says() {
    let with = |missing: &str| {
        let rules = rules(&[
            indicator("tax_int", 60.0, r#"{ kind = "fixed", value = 12.0 }"#, "reweigh"),
            indicator("out_int", 40.0, r#"{ kind = "fixed", value = 200.0 }"#, missing),
        ]);
        let peer = |number, output: f64| paying(number, 12.0).with(Measure::Output, [Some(output * 30.0); 3]);
        judged(&rules, vec![paying(1, 15.0), peer(2, 100.0), peer(3, 200.0)]).remove(0)
    };
    // Tax gives 75 of 60 points. Shared: 100 × 75 / 60. Imputed: the peers' mean of 0.5 and 1 is 30 of 40 points.
    assert_eq!(with("reweigh").score, Some(125.0));
    let imputed = with("group-mean");
    assert_eq!(
        (imputed.score, imputed.indicators[1].points, imputed.indicators[1].imputed),
        (Some(105.0), Some(30.0), true)
    );
    assert_eq!(imputed.coverage, 0.6, "what is imputed is not known");
    let refused = with("refuse");
    assert_eq!((refused.grade, refused.score), (Grade::T, None));
    assert_eq!(refused.not_judged, [NotJudged::Required { indicator: Indicator::OutInt }]);
}

#[test]
fn too_little_known_is_not_judged_and_not_a_zero() {
    let output = parcel(1).with(Measure::Output, [Some(3_000.0); 3]);
    let receipt = one(&fixed(), output);
    assert_eq!((receipt.grade, receipt.score, receipt.rank, receipt.of), (Grade::T, None, None, 0));
    assert_eq!(receipt.not_judged, [NotJudged::Coverage { known: 0.4, asked: 0.6 }]);
    assert_eq!((receipt.decision.list, receipt.decision.outcome.as_str()), (None, "not-judged"));
    // A figure of one year of three is none, and so is one of which a third of the floor area reported nothing.
    assert_eq!(one(&fixed(), parcel(1).with(Measure::Tax, [Some(1.0), None, None])).grade, Grade::T);
    let mut partly = paying(1, 12.0);
    partly.years.iter_mut().for_each(|year| year.figures[Measure::Tax as usize].known = 0.67);
    assert_eq!(one(&fixed(), partly.clone()).grade, Grade::T);
    partly.years.iter_mut().for_each(|year| year.figures[Measure::Tax as usize].known = 0.8);
    // With four fifths reported the rest is taken at the same rate: 12 of 0.8 count as 15, a quarter over the benchmark.
    assert_eq!(one(&fixed(), partly).score, Some(125.0));
}

#[test]
fn the_young_and_the_utilities_are_not_judged_and_set_no_benchmark() {
    let young = |since| one(&fixed(), Facts { in_use_since: Some(since), ..paying(1, 12.0) });
    assert_eq!(young(day(2024, 6, 30)).score, Some(100.0));
    let too_young = young(day(2024, 7, 1));
    let reason = NotJudged::TooYoung { since: day(2024, 7, 1), asked_years: 2 };
    assert_eq!((too_young.grade, too_young.not_judged), (Grade::T, vec![reason]));

    let utility = Facts { industry: Some("4411".into()), ..paying(9, 1e6) };
    let rules = peers(r#"{ kind = "peer-mean" }"#);
    let receipts = judged(&rules, vec![paying(1, 10.0), paying(2, 20.0), paying(3, 30.0), utility]);
    assert_eq!(receipts[3].not_judged, [NotJudged::ExemptIndustry { industry: "4411".into() }]);
    assert_eq!((receipts[3].grade, receipts[0].indicators[0].benchmark, receipts[0].of), (Grade::T, Some(20.0), 3));
}

#[test]
fn an_industry_of_too_few_is_compared_with_all() {
    let of =
        |number, industry: Option<&str>, tax| Facts { industry: industry.map(str::to_owned), ..paying(number, tax) };
    let facts = vec![
        of(1, Some("3911"), 10.0),
        of(2, Some("3922"), 20.0),
        of(3, Some("39"), 30.0),
        of(4, Some("1711"), 100.0),
        of(5, Some("1712"), 200.0),
        of(6, None, 240.0),
    ];
    let receipts = judged(&peers(r#"{ kind = "peer-mean" }"#), facts);
    let compared: Vec<_> =
        receipts.iter().map(|one| (one.peer_group.as_str(), one.peers, one.indicators[0].benchmark)).collect();
    let (three, all) = (("39", 3, Some(20.0)), ("all", 6, Some(100.0)));
    assert_eq!(compared, [three, three, three, all, all, all]);
}

#[test]
fn grades_are_cut_by_rank_and_of_equals_the_lower_code_comes_first() {
    let facts = (1..=20).map(|number| paying(number, if number % 2 == 0 { 6.0 } else { 12.0 })).collect();
    let receipts = judged(&peers(r#"{ kind = "fixed", value = 12.0 }"#), facts);
    let mut ranked: Vec<(u32, u32, Grade)> =
        (1..).zip(&receipts).map(|(number, one)| (one.rank.unwrap(), number, one.grade)).collect();
    ranked.sort_unstable();
    let numbers: Vec<u32> = ranked.iter().map(|(_, number, _)| *number).collect();
    assert_eq!(numbers, [1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20]);
    // 20 %, 60 % and 95 % of 20 are the first 4, 12 and 19.
    let grades: String = ranked.iter().map(|(_, _, grade)| grade.name()).collect();
    assert_eq!(grades, "AAAABBBBBBBBCCCCCCCD");
}

#[test]
fn an_uncleared_fault_caps_the_grade_at_d_and_leaves_the_score() {
    let fault = VetoFact { enterprise: "E1".into(), year: 2024, kind: "safety".into() };
    let vetoed = Facts { vetoes: vec![fault.clone()], ..paying(1, 18.0) };
    let rules = peers(r#"{ kind = "fixed", value = 12.0 }"#);
    let receipts = judged(&rules, vec![vetoed, paying(2, 12.0)]);
    assert_eq!((receipts[0].grade, receipts[0].score, receipts[0].rank), (Grade::D, Some(150.0), Some(1)));
    assert_eq!((receipts[0].decision.row.as_str(), receipts[0].decision.list), ("veto", None));
    // A fault makes no judgement where there is none.
    assert_eq!(one(&rules, Facts { vetoes: vec![fault], ..parcel(1) }).grade, Grade::T);
}

#[test]
fn the_window_is_of_full_years_before_the_day() {
    assert_eq!(window(day(2026, 6, 30), 3), 2023..=2025);
    assert_eq!(window(day(2025, 12, 31), 3), 2023..=2025);
    assert_eq!(window(day(2025, 12, 30), 5), 2020..=2024);
}

fn facts() -> impl Strategy<Value = Vec<Facts>> {
    let figure = prop::option::weighted(0.85, -50.0f64..5e4);
    let one = (
        prop::collection::vec(prop::array::uniform3(figure), MEASURES),
        500.0f64..3e5,
        prop::sample::select(vec!["3911", "3620", "1711", "4411"]),
        prop::option::of(0.0f64..1.0),
    );
    prop::collection::vec(one, 1..80).prop_map(|list| {
        let facts = (1..).zip(list).map(|(number, (years, land_m2, industry, used))| {
            let mut facts = Facts { land_m2, industry: Some(industry.into()), ..parcel(number) };
            facts.used_floor_m2 = used.map(|used| used * 30_000.0);
            for (measure, figures) in years.into_iter().enumerate() {
                for (year, figure) in facts.years.iter_mut().zip(figures) {
                    year.figures[measure] = figure.map_or(Share::default(), |sum| Share { sum, known: 1.0 });
                }
            }
            facts
        });
        facts.collect()
    })
}

fn shipped() -> Rules {
    Rules::parse(include_str!("../../data/schemes/default.toml"), DECISIONS, VALUES).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_number_of_workers_gives_the_same_bytes(facts in facts(), workers in 2usize..9) {
        let rules = shipped();
        let bytes = |workers| -> Vec<String> {
            let receipts = judge(&rules, as_of(), facts.clone(), workers).unwrap();
            receipts.iter().map(|receipt| receipt.canonical().unwrap()).collect()
        };
        prop_assert_eq!(bytes(1), bytes(workers));
    }

    #[test]
    fn more_tax_never_lowers_a_score_against_fixed_benchmarks(facts in facts(), more in 0.0f64..1e5, year in 0usize..3) {
        let rules = fixed();
        let before = judged(&rules, facts.clone());
        let mut richer = facts;
        let share = &mut richer[0].years[year].figures[Measure::Tax as usize];
        if share.known > 0.0 {
            share.sum += more;
        }
        let after = judged(&rules, richer);
        prop_assert!(after[0].score >= before[0].score, "{:?} {:?}", before[0].score, after[0].score);
        prop_assert!(after[0].rank <= before[0].rank);
        for (one, other) in before.iter().zip(&after).skip(1) {
            prop_assert_eq!(one.score, other.score);
        }
    }

    #[test]
    fn ranks_follow_scores_and_every_exit_names_its_ground(facts in facts()) {
        let receipts = judged(&shipped(), facts);
        let mut ranked: Vec<&Receipt> = receipts.iter().filter(|one| one.rank.is_some()).collect();
        ranked.sort_by_key(|one| one.rank);
        prop_assert!(ranked.iter().map(|one| one.rank.unwrap()).eq(1..=u32::try_from(ranked.len()).unwrap()));
        prop_assert!(ranked.windows(2).all(|pair| (pair[1].score, &pair[0].facts.code) < (pair[0].score, &pair[1].facts.code)
            || pair[0].score > pair[1].score));
        for one in &receipts {
            prop_assert_eq!(one.grade == Grade::T, !one.not_judged.is_empty());
            prop_assert_eq!(one.score.is_some(), one.rank.is_some());
            if one.decision.list.is_some() {
                prop_assert!(!one.decision.ground[0].is_empty() && one.grade > Grade::B && one.grade != Grade::T);
            }
        }
    }
}
