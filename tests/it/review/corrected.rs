//! One parcel judged again among the others as they were: the same facts give the same receipt, other facts move nobody's
//! benchmark.

use landcycle::domain::review::facts::Facts;
use landcycle::domain::review::receipt::Receipt;
use landcycle::domain::review::run::{Rules, judge, rejudge};
use serde_json::Value;

const SCHEMES: [(&str, &str); 6] = [
    ("default", include_str!("../../../data/schemes/default.toml")),
    ("huaian-2024", include_str!("../../../data/schemes/huaian-2024.toml")),
    ("huangyan-2021", include_str!("../../../data/schemes/huangyan-2021.toml")),
    ("huangyan-2022", include_str!("../../../data/schemes/huangyan-2022.toml")),
    ("linhai", include_str!("../../../data/schemes/linhai.toml")),
    ("prefecture-45", include_str!("../../../data/schemes/prefecture-45.toml")),
];

/// The facts of the golden run, their users two parcels each, so that those who judge holders have some to sum.
fn facts() -> Vec<Facts> {
    let text = include_str!("../../golden/round.jsonl");
    let mut facts: Vec<Facts> =
        text.lines().skip(1).map(|line| serde_json::from_str::<Receipt>(line).unwrap().facts).collect();
    let codes: Vec<_> = facts.iter().map(|one| one.user.clone()).collect();
    for (place, one) in facts.iter_mut().enumerate() {
        one.user = codes[place / 2].clone();
    }
    facts
}

fn rules(scheme: &str) -> Rules {
    let decisions = include_str!("../../../data/rulebook/decisions.toml");
    Rules::parse(scheme, decisions, include_str!("../../../data/rulebook/values.toml")).unwrap()
}

#[test]
fn a_parcel_judged_again_by_the_facts_it_had_has_the_receipt_it_had() {
    let facts = facts();
    assert!(facts.len() >= 60);
    for (name, scheme) in SCHEMES {
        let rules = rules(scheme);
        let as_of = rules.scheme.effective_from.max("2026-06-30".parse().unwrap());
        let as_of = rules.scheme.effective_to.map_or(as_of, |last| last.min(as_of));
        let receipts = judge(&rules, as_of, facts.clone(), 2).unwrap();
        for (one, receipt) in facts.iter().zip(&receipts) {
            let again = rejudge(&rules, as_of, &facts, one.clone(), 2).unwrap().unwrap();
            assert_eq!(again.canonical().unwrap(), receipt.canonical().unwrap(), "{name}: {}", one.code);
        }
    }
}

#[test]
fn a_parcel_judged_again_by_better_figures_rises_against_the_same_benchmarks() {
    let (facts, rules) = (facts(), rules(SCHEMES[0].1));
    let as_of = "2026-06-30".parse().unwrap();
    let receipts = judge(&rules, as_of, facts.clone(), 2).unwrap();
    let mut risen = 0;
    for (one, receipt) in facts.iter().zip(&receipts) {
        let mut better = one.clone();
        for year in &mut better.years {
            for share in &mut year.figures {
                share.sum *= 10.0;
            }
        }
        let again = rejudge(&rules, as_of, &facts, better, 2).unwrap().unwrap();
        let benchmarks = |of: &Receipt| of.indicators.iter().map(|line| line.benchmark).collect::<Vec<_>>();
        assert_eq!(benchmarks(&again), benchmarks(receipt), "{}", one.code);
        assert_eq!((again.of, &again.peer_group), (receipt.of, &receipt.peer_group));
        assert!(again.rank <= receipt.rank && again.grade <= receipt.grade, "{}", one.code);
        risen += u32::from(again.grade < receipt.grade);
    }
    assert!(risen > 10, "only {risen} rose");
    let stranger = Facts { code: "310115001001GB99999".into(), ..facts[0].clone() };
    assert_eq!(rejudge(&rules, as_of, &facts, stranger, 1).unwrap(), None::<Receipt>);
    let none: Value = serde_json::to_value(&receipts[0]).unwrap();
    assert!(none.get("corrects").is_none(), "a first receipt corrects nothing");
}
