//! Judged again, compared and tried with other rules: the same facts under the same rules are the same result on every way
//! that leads to one.

use super::super::{DECISIONS, VALUES, as_of};
use super::any::{SHIPPED, city, every_text, frozen, scheme, text, tries};
use landcycle::domain::review::diff::{Cause, Side, Standing, diff};
use landcycle::domain::review::facts::Facts;
use landcycle::domain::review::receipt::{Receipt, hash};
use landcycle::domain::review::run::{Rules, judge, outcomes, rejudge};
use landcycle::domain::review::simulate::Set;
use landcycle::flow::review::kept::{Found, Kept};
use landcycle::flow::review::simulate::{Change, simulate};
use proptest::prelude::*;

fn whole(scheme: &str) -> Rules {
    Rules::parse(scheme, DECISIONS, VALUES).unwrap()
}

fn run(rules: &Rules, facts: Vec<Facts>) -> Vec<Receipt> {
    judge(rules, as_of(), facts, 2).unwrap()
}

fn bytes(receipts: &[Receipt]) -> Vec<String> {
    receipts.iter().map(|receipt| receipt.canonical().unwrap()).collect()
}

fn side(rules: &Rules, facts: &[Facts]) -> Side {
    let found = run(rules, facts.to_vec()).iter().map(Standing::from).collect();
    Side { as_of: as_of(), rules: rules.clone(), facts: facts.to_vec(), found }
}

/// The run as it would be kept.
fn kept(rules: &Rules, facts: &[Facts]) -> Kept {
    let found = run(rules, facts.to_vec()).into_iter().map(|receipt| Found {
        parcel: receipt.facts.code.clone(),
        grade: receipt.grade,
        list: receipt.decision.list,
        format: receipt.format,
        hash: hash(receipt.canonical().unwrap().as_bytes()),
        is_whole: true,
    });
    let found = found.collect();
    Kept { run: 1, as_of: as_of(), rules: rules.clone(), facts_hash: String::new(), facts: facts.to_vec(), found }
}

fn of_rows(matrix: &[[u32; 5]; 5]) -> [u32; 5] {
    matrix.map(|row| row.iter().sum())
}

proptest! {
    #![proptest_config(tries(24))]

    #[test]
    fn a_run_judged_again_out_of_its_receipts_and_kept_rules_has_the_same_bytes(text in every_text(), city in city(1..30)) {
        let rules = whole(&text);
        let first = bytes(&run(&rules, frozen(&rules, &city)));
        let facts = first.iter().map(|text| serde_json::from_str::<Receipt>(text).unwrap().facts).collect();
        let stored = Rules::stored(&rules.source, &rules.hash).unwrap();
        prop_assert_eq!(first, bytes(&run(&stored, facts)));
    }

    #[test]
    fn a_parcel_judged_again_under_the_facts_that_it_had_has_the_same_receipt(
        text in every_text(),
        city in city(1..20),
        place in any::<prop::sample::Index>(),
    ) {
        let rules = super::rules(&text);
        let facts = frozen(&rules, &city);
        let place = place.index(facts.len());
        let again = rejudge(&rules, as_of(), &facts, facts[place].clone(), 2).unwrap().unwrap();
        let first = run(&rules, facts).swap_remove(place);
        prop_assert_eq!(first.canonical().unwrap(), again.canonical().unwrap());
    }

    #[test]
    fn what_a_list_or_a_map_is_told_is_what_the_receipts_say(text in every_text(), city in city(1..40)) {
        let rules = super::rules(&text);
        let facts = frozen(&rules, &city);
        let told = outcomes(&rules, as_of(), &facts, 3).unwrap();
        for (receipt, told) in run(&rules, facts).iter().zip(told) {
            prop_assert_eq!((receipt.grade, receipt.score, receipt.decision.list), (told.grade, told.score, told.list));
        }
    }

    #[test]
    fn a_run_differs_from_itself_in_nothing_and_from_another_as_that_differs_from_it(
        texts in (text(), text()),
        before in city(1..12),
        after in city(1..12),
    ) {
        let (one, other) = (super::rules(&texts.0), super::rules(&texts.1));
        let (old, new) = (side(&one, &frozen(&one, &before)), side(&other, &frozen(&other, &after)));
        let itself = diff(&old, &old, 2).unwrap();
        prop_assert!(itself.moves.is_empty());
        prop_assert!((0..5).all(|row| (0..5).all(|column| row == column || itself.matrix[row][column] == 0)));
        prop_assert_eq!(of_rows(&itself.matrix).iter().sum::<u32>() as usize, before.len());

        let (there, back) = (diff(&old, &new, 2).unwrap(), diff(&new, &old, 2).unwrap());
        for (row, of_row) in there.matrix.iter().enumerate() {
            prop_assert!(of_row.iter().enumerate().all(|(column, count)| *count == back.matrix[column][row]));
        }
        let ways: Vec<_> = there.moves.iter().map(|one| (&one.parcel, one.before, one.after)).collect();
        let returned: Vec<_> = back.moves.iter().map(|one| (&one.parcel, one.after, one.before)).collect();
        prop_assert_eq!(ways, returned);
        for one in &there.moves {
            prop_assert!(!one.causes.is_empty(), "{one:?} has no cause");
            prop_assert_eq!(one.before.is_none(), one.causes == [Cause::Entered]);
            prop_assert_eq!(one.after.is_none(), one.causes == [Cause::Left]);
        }
    }

    #[test]
    fn a_simulation_moves_nothing_with_nothing_changed_and_else_what_a_run_under_its_text_moves(
        first in prop_oneof![prop::sample::select(SHIPPED.to_vec()).prop_map(str::to_owned), scheme().prop_map(|one| one.text())],
        city in city(1..24),
        weight in 1u32..60,
        cut in 1u32..30,
        coverage in prop::option::of(0u32..100),
    ) {
        let rules = whole(&first);
        let facts = frozen(&rules, &city);
        let kept = kept(&rules, &facts);
        let same = simulate(&kept, &Change::default(), 2).unwrap().moved;
        prop_assert!(same.moves.is_empty());
        prop_assert_eq!((same.parcels, same.before), (facts.len(), same.after));

        // Of a part's total something must be left for the others.
        let key = rules.scheme.parts[0].indicators[0].key.key();
        let part = &rules.scheme.parts[0];
        let share = part.total * f64::from(weight) / 100.0;
        let mut sets = Vec::new();
        let mut set = |place: String, value: f64| sets.push(Set { place, value: value.into() });
        if part.indicators.len() > 1 && rules.scheme.parts.iter().all(|other| other.indicators.len() == part.indicators.len()) {
            set(format!("weight.{key}"), share);
        }
        if part.cutoffs.b > part.cutoffs.a {
            set("cutoffs.a".to_owned(), (f64::from(cut) / 31.0) * part.cutoffs.b.unwrap());
        }
        if let Some(coverage) = coverage {
            set("gate.coverage".to_owned(), f64::from(coverage) / 100.0);
        }
        let change = Change { sets, ..Change::default() };
        let tried = simulate(&kept, &change, 2).unwrap();
        let real = run(&whole(&tried.text), facts);
        let now = kept.found.iter().zip(&real).filter(|(was, is)| (was.grade, was.list) != (is.grade, is.decision.list));
        let moved: Vec<(&str, Standing)> =
            tried.moved.moves.iter().map(|one| (one.parcel.as_str(), one.after.unwrap())).collect();
        let expected: Vec<(&str, Standing)> = now.map(|(was, is)| (was.parcel.as_str(), Standing::from(is))).collect();
        prop_assert_eq!(moved, expected);
    }
}
