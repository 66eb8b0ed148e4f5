//! Benchmarks beside those of peers: what the contract promises and what the last round found; and what happens without.

use super::{DECISIONS, Figures as _, VALUES, as_of, day, indicator, judged, one, parcel, paying, rules, scheme};
use landcycle::domain::review::benchmark::{Absent, LastRound};
use landcycle::domain::review::explain::explain;
use landcycle::domain::review::facts::{ContractFacts, Facts, Measure, Target};
use landcycle::domain::review::indicator::Indicator;
use landcycle::domain::review::receipt::{NotJudged, Receipt};
use landcycle::domain::review::run::{Rules, judge};
use landcycle::domain::review::scheme::Scheme;
use rstest::rstest;
use std::collections::BTreeMap;

const CONTRACT: &str = r#"{ kind = "contract-target" }"#;
const LAST: &str = r#"{ kind = "last-round-mean", factor = 2.0 }"#;

/// The facts under a contract that promises these figures.
fn promising(facts: Facts, targets: &[(&str, Option<&str>, f64)]) -> Facts {
    let target = |(kind, unit, value): &(&str, Option<&str>, f64)| Target {
        kind: (*kind).into(),
        unit: unit.map(Into::into),
        value: *value,
    };
    let contract = ContractFacts {
        amended_by: Vec::new(),
        developed_percent: None,
        duties: Vec::new(),
        invested_percent: None,
        number: "1".into(),
        performance_terms: true,
        responsible_unit: None,
        signed_on: day(2019, 1, 1),
        suspended_on: None,
        targets: targets.iter().map(target).collect(),
        term_ends_on: None,
    };
    Facts { contract: Some(contract), ..facts }
}

/// What an indicator was measured against, and why not.
fn line(receipt: &Receipt, column: usize) -> (Option<f64>, Option<Absent>) {
    let line = &receipt.indicators[column];
    (line.benchmark, line.absent)
}

/// On 30 mu, which are 2 ha.
#[rstest]
#[case::tax_of_the_whole_parcel("tax_int", "tax", Some("万元/年"), 300.0, Some(10.0))]
#[case::tax_a_mu("tax_int", "tax", Some("万元/亩·年"), 12.0, Some(12.0))]
#[case::output_without_a_unit("out_int", "output", None, 6_000.0, Some(200.0))]
#[case::investment("inv_int", "investment", Some("万元"), 9_000.0, Some(300.0))]
#[case::jobs("jobs_int", "jobs", Some("人"), 60.0, Some(30.0))]
#[case::share_of_jobs("jobs_int", "jobs", Some("%"), 60.0, None)]
#[case::plot_ratio("far_actual", "plot_ratio_low", None, 1.2, Some(1.2))]
#[case::floor_area("far_actual", "plot_ratio_low", Some("平方米"), 24_000.0, Some(1.2))]
fn a_contract_target_is_measured_against_in_the_unit_of_the_indicator(
    #[case] key: &str,
    #[case] kind: &str,
    #[case] unit: Option<&str>,
    #[case] value: f64,
    #[case] benchmark: Option<f64>,
) {
    let rules = rules(&[indicator(key, 100.0, CONTRACT, "reweigh")]);
    let receipt = one(&rules, promising(parcel(1), &[(kind, unit, value)]));
    let expected = (benchmark, benchmark.is_none().then_some(Absent::OtherUnit));
    assert_eq!(line(&receipt, 0), expected);
}

#[test]
fn each_parcel_is_measured_against_its_own_contract_and_without_one_as_the_scheme_says() {
    let with = |missing: &str| {
        let rules = rules(&[
            indicator("tax_int", 60.0, CONTRACT, missing),
            indicator("out_int", 40.0, r#"{ kind = "fixed", value = 100.0 }"#, "reweigh"),
        ]);
        let meets = |facts: Facts| facts.with(Measure::Output, [Some(3_000.0); 3]);
        judged(
            &rules,
            vec![
                promising(meets(paying(1, 15.0)), &[("tax", None, 300.0)]),
                promising(meets(paying(2, 15.0)), &[("tax", None, 900.0)]),
                promising(meets(paying(3, 15.0)), &[("output", None, 900.0)]),
                meets(paying(4, 15.0)),
                promising(meets(paying(5, 15.0)), &[("tax", None, 0.0)]),
            ],
        )
    };
    let shared = with("reweigh");
    // 15 of the promised 10 is the cap of 1.5: 90 and 40 for output; 15 of 30 is one half: 30 and 40.
    assert_eq!([shared[0].score, shared[1].score], [Some(130.0), Some(70.0)]);
    assert_eq!([line(&shared[0], 0), line(&shared[1], 0)], [(Some(10.0), None), (Some(30.0), None)]);
    // The others are judged by output alone, which is 40 of 100 of the weights: too little.
    let reasons = [Absent::NoTarget, Absent::NoContract, Absent::NoTarget];
    for (receipt, reason) in shared[2..].iter().zip(reasons) {
        assert_eq!(line(receipt, 0), (None, Some(reason)));
        assert_eq!(receipt.not_judged, [NotJudged::Coverage { known: 0.4, asked: 0.6 }]);
    }
    let told = explain(&shared[3], &Default::default());
    let said = |lines: &[String], word: &str| lines.iter().any(|line| line.contains(word));
    assert!(said(&told.zh, "无合同") && said(&told.en, "no contract"), "{told:?}");
    // The mean of 1.5 and 0.5 stands in: 60 points.
    let imputed = with("group-mean");
    assert_eq!((imputed[2].indicators[0].points, imputed[2].indicators[0].imputed), (Some(60.0), true));
    let refused = with("refuse");
    assert!(refused[3].not_judged.contains(&NotJudged::Required { indicator: Indicator::TaxInt }));
}

#[test]
fn an_indicator_that_no_obligation_promises_has_no_contract_target() {
    let text = scheme(&indicator("va_int", 100.0, CONTRACT, "reweigh"));
    let told = Scheme::parse(&text).unwrap_err().to_string();
    assert!(told.contains("indicator 1 (va_int)") && told.contains("tax_int"), "{told}");
}

/// A round of a year ago that found 6 万元/亩 of tax in the part of that name.
fn last(part: &str) -> LastRound {
    let means = BTreeMap::from([(part.to_owned(), BTreeMap::from([(Indicator::TaxInt, 6.0)]))]);
    LastRound { as_of: day(2025, 6, 30), means, run: 7 }
}

#[test]
fn the_last_rounds_mean_is_kept_with_the_rules_and_needs_nothing_else_to_judge_again() {
    let rules = rules(&[indicator("tax_int", 100.0, LAST, "reweigh")]);
    assert!(rules.scheme.asks_last_round());
    let without = rules.hash.clone();
    let rules = rules.after(last("")).unwrap();
    assert_ne!(rules.hash, without, "another benchmark is another set of rules");
    let receipt = one(&rules, paying(1, 9.0));
    // Twice the mean of 6 is 12; 9 of 12 is 75.
    assert_eq!((line(&receipt, 0), receipt.score), ((Some(12.0), None), Some(75.0)));
    let again = Rules::stored(&rules.source, &rules.hash).unwrap();
    assert_eq!((&again.last_round, &again.hash), (&rules.last_round, &rules.hash));
    let replayed = judge(&again, as_of(), vec![paying(1, 9.0)], 1).unwrap().remove(0);
    assert_eq!(replayed.canonical().unwrap(), receipt.canonical().unwrap());
    assert_eq!(again.texts(), Rules::parse(again.texts().unwrap().0, DECISIONS, VALUES).unwrap().texts());
}

#[test]
fn without_a_round_before_the_receipt_says_so() {
    let both = || {
        rules(&[
            indicator("tax_int", 40.0, LAST, "reweigh"),
            indicator("out_int", 60.0, r#"{ kind = "fixed", value = 100.0 }"#, "reweigh"),
        ])
    };
    let facts = || paying(1, 9.0).with(Measure::Output, [Some(3_000.0); 3]);
    let first = one(&both(), facts());
    assert_eq!((line(&first, 0), first.score), ((None, Some(Absent::NoEarlierRound)), Some(100.0)));
    let other = one(&both().after(last("other")).unwrap(), facts());
    assert_eq!(line(&other, 0), (None, Some(Absent::NotInEarlierRound)));
    // What is measured against something else says nothing of rounds.
    assert_eq!(line(&other, 1), (Some(100.0), None));
}
