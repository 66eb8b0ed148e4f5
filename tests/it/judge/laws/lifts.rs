//! What is said to lift a parcel a grade does, and a step of the grid less does not, under any scheme: the parcel is judged
//! again under the facts that the change makes, among the others as they were.

use super::super::as_of;
use super::any::{AnyScheme, SHIPPED, city, frozen, rules, scheme, tries};
use super::{among, judged};
use landcycle::domain::review::facts::{Facts, Measure};
use landcycle::domain::review::indicator::Indicator;
use landcycle::domain::review::lift::{Cut, Last, Lift, Way, cut, lift};
use landcycle::domain::review::receipt::Receipt;
use landcycle::domain::review::run::{Rules, rejudge};
use proptest::prelude::*;

/// One step of the grid on which figures stand.
const STEP: f64 = 1e-6;

fn lift_of(rules: &Rules, receipts: &[Receipt], place: usize) -> Option<Lift> {
    let receipt = &receipts[place];
    let last = match cut(&rules.scheme, receipt) {
        Some(Cut::Rank { last, .. }) => {
            let together = receipts.iter().filter(|one| among(rules, one) == among(rules, receipt));
            let within = together.filter(|one| one.rank.is_some_and(|rank| rank <= last));
            let holds = within.max_by_key(|one| (one.rank, one.facts.code.clone()));
            holds.map(|one| Last { score: one.score.unwrap(), code: one.facts.code.clone() })
        }
        _ => None,
    };
    lift(&rules.scheme, receipt, &receipt.facts.vetoes, last.as_ref())
}

/// The facts with that figure; those that share a measure with it stay, where they can, as they are.
fn with_figure(facts: &Facts, way: &Way, figure: f64) -> Facts {
    let mut facts = facts.clone();
    let (mu, hectares) = (facts.land_m2 * 15.0 / 10_000.0, facts.land_m2 / 10_000.0);
    match way.key {
        Indicator::TaxInt => put(&mut facts, Measure::Tax, &[Measure::Electricity], figure * mu),
        Indicator::OutInt => put(&mut facts, Measure::Output, &[], figure * mu),
        Indicator::InvInt => put(&mut facts, Measure::FixedAssets, &[], figure * mu),
        Indicator::SalesInt => put(&mut facts, Measure::Revenue, &[Measure::Research], figure * mu),
        Indicator::VaInt => {
            let below = [Measure::Staff, Measure::Energy, Measure::Emissions, Measure::Water, Measure::Cod];
            put(&mut facts, Measure::ValueAdded, &below, figure * mu);
        }
        Indicator::JobsInt => put(&mut facts, Measure::Staff, &[], figure * hectares),
        Indicator::LabProd => of(&mut facts, Measure::Staff, Measure::ValueAdded, 1.0 / figure),
        Indicator::VaEnergy => of(&mut facts, Measure::Energy, Measure::ValueAdded, 1.0 / figure),
        Indicator::VaEmis => of(&mut facts, Measure::Emissions, Measure::ValueAdded, 1.0 / figure),
        Indicator::VaWater => of(&mut facts, Measure::Water, Measure::ValueAdded, 1.0 / figure),
        Indicator::VaCod => of(&mut facts, Measure::Cod, Measure::ValueAdded, 1.0 / figure),
        Indicator::TaxElec => of(&mut facts, Measure::Electricity, Measure::Tax, 10_000.0 / figure),
        Indicator::RdShare => of(&mut facts, Measure::Research, Measure::Revenue, figure / 100.0),
        Indicator::FarUse => {
            facts.plot_ratio_allowed = facts.floor_m2.map(|floor| 100.0 * floor / facts.land_m2 / figure);
        }
        Indicator::VacRate => facts.used_floor_m2 = facts.floor_m2.map(|floor| floor * (1.0 - figure / 100.0)),
        Indicator::FarActual => {
            let ratio = figure * facts.land_m2 / facts.floor_m2.unwrap();
            facts.floor_m2 = facts.floor_m2.map(|floor| floor * ratio);
            facts.used_floor_m2 = facts.used_floor_m2.map(|used| used * ratio);
            facts.plot_ratio_allowed = facts.plot_ratio_allowed.map(|allowed| allowed * ratio);
        }
        other => panic!("no scheme here weighs {other:?}"),
    }
    facts
}

/// The same sum of a measure in every year in which it is known, and with it as much more of those beside it.
fn put(facts: &mut Facts, measure: Measure, beside: &[Measure], sum: f64) {
    for year in &mut facts.years {
        let share = &mut year.figures[measure as usize];
        let before = share.sum;
        share.sum = sum * share.known;
        let ratio = share.sum / before;
        if ratio.is_finite() {
            beside.iter().for_each(|other| year.figures[*other as usize].sum *= ratio);
        }
    }
}

/// Every year so many times as much of one measure as there is of another.
fn of(facts: &mut Facts, measure: Measure, other: Measure, times: f64) {
    for year in &mut facts.years {
        let known = year.figures[other as usize];
        let share = &mut year.figures[measure as usize];
        if known.known > 0.0 && share.known > 0.0 {
            share.sum = known.sum / known.known * share.known * times;
        }
    }
}

/// The receipt with another figure in one line alone; nothing where other lines move with it.
fn again(rules: &Rules, facts: &[Facts], receipt: &Receipt, way: &Way, figure: f64) -> Option<Receipt> {
    let corrected = with_figure(&receipt.facts, way, figure);
    let found = rejudge(rules, as_of(), facts, corrected, 2).unwrap().unwrap();
    let alone = receipt.indicators.iter().zip(&found.indicators).all(|(was, is)| {
        if was.key == way.key {
            assert!((is.value.unwrap() - figure).abs() < 1e-9, "{way:?} {is:?}");
            return true;
        }
        was.value == is.value
    });
    // Nothing else is made of these; of tax there is what it gives per electricity, where that is asked for.
    let own = match way.key {
        Indicator::OutInt | Indicator::InvInt | Indicator::RdShare | Indicator::VacRate => true,
        Indicator::TaxInt => receipt.indicators.iter().all(|line| line.key != Indicator::TaxElec),
        _ => false,
    };
    assert!(alone || !own, "{way:?} moves {:?}", found.indicators);
    alone.then_some(found)
}

fn told(receipt: &Receipt) -> String {
    let Receipt { grade, score, rank, of, indicators, .. } = receipt;
    format!("{grade:?} {score:?} {rank:?} of {of} {indicators:?}")
}

/// How many changes were held against the run.
fn hold(rules: &Rules, city: &[Facts]) -> Result<usize, TestCaseError> {
    let facts = frozen(rules, city);
    let receipts = judged(rules, facts.clone());
    let mut held = 0;
    for (place, receipt) in receipts.iter().enumerate() {
        let found = lift_of(rules, &receipts, place);
        prop_assert!(found.is_some(), "the scheme is the one that gave {:?}", receipt.score);
        if let Some(Lift::Held { faults, cleared }) = &found {
            let mut open = receipt.facts.clone();
            open.vetoes.retain(|fault| !faults.contains(fault));
            let free = rejudge(rules, as_of(), &facts, open, 2).unwrap().unwrap();
            prop_assert_eq!(free.grade, *cleared, "without {:?}, was {}", faults, told(receipt));
        }
        let Some(Lift::Figures { to, ways, .. }) = found else { continue };
        for way in ways.iter().filter(|way| way.from > 0.0 && way.to > 0.0 && way.to < 1e6) {
            let step = if way.to > way.from { STEP } else { -STEP };
            let Some(enough) = again(rules, &facts, receipt, way, way.to) else { continue };
            prop_assert!(enough.grade <= to, "{way:?} gives {} for {to:?}, was {}", told(&enough), told(receipt));
            let less = way.to - step;
            if less != way.from
                && let Some(less) = again(rules, &facts, receipt, way, less)
            {
                prop_assert!(
                    less.grade > to,
                    "{way:?} is not the least: {} for {to:?}, was {}",
                    told(&less),
                    told(receipt)
                );
            }
            held += 1;
        }
    }
    Ok(held)
}

proptest! {
    #![proptest_config(tries(32))]

    #[test]
    fn a_change_that_is_named_lifts_and_a_step_less_does_not_under_any_scheme(scheme in scheme(), city in city(4..20)) {
        hold(&rules(&AnyScheme { unit: "parcel", ..scheme }.text()), &city)?;
    }

    #[test]
    fn a_change_that_is_named_lifts_and_a_step_less_does_not_under_each_scheme_that_is_shipped(city in city(4..20)) {
        for text in SHIPPED {
            hold(&rules(text), &city)?;
        }
    }
}

#[test]
fn the_law_of_the_lift_is_held_against_hundreds_of_changes_under_each_scheme_that_is_shipped() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    for text in SHIPPED {
        let rules = rules(text);
        let held: usize =
            (0..12).map(|_| hold(&rules, &city(4..20).new_tree(&mut runner).unwrap().current()).unwrap()).sum();
        assert!(held >= 20, "{}: {held}", rules.scheme.name);
    }
}
