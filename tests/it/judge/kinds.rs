//! Tables of points, sets of which one counts, and grades by rules: what of them makes no sense, what lifts a parcel under them,
//! and what an explanation says. The sums stand in `tests/cases/review/kinds.toml`.

use super::{DECISIONS, Figures as _, VALUES, as_of, paying};
use landcycle::domain::review::explain::explain;
use landcycle::domain::review::facts::{Facts, Measure};
use landcycle::domain::review::grade::Grade;
use landcycle::domain::review::indicator::Indicator;
use landcycle::domain::review::lift::{Lift, Why, lift};
use landcycle::domain::review::receipt::Receipt;
use landcycle::domain::review::run::{Rules, judge};
use landcycle::domain::review::scheme::Scheme;
use landcycle::domain::review::scheme::points::Steps;
use proptest::prelude::*;
use rstest::rstest;

/// Tax by a table for 60 points, output by class of the land for 40, cut by score.
fn tables() -> String {
    let text = super::scheme(
        r#"
[[indicator]]
key = "tax_int"
weight = 60.0
direction = "steps"
steps = { below = 0, at = [{ from = 10, points = 30 }, { from = 20, points = 60 }] }
missing = "reweigh"
source = "assumption"
[[indicator]]
key = "land_class"
weight = 40.0
direction = "classes"
classes = { otherwise = 10, of = [{ when = "locked = true", points = 40, title = { zh = "锁定", en = "locked" } }] }
missing = "reweigh"
source = "assumption"
"#,
    );
    text.replacen("a = 20.0, b = 60.0, c = 95.0", "by = \"score\", a = 100.0, b = 70.0, c = 40.0", 1)
}

/// The better of tax and output for all points.
fn sets() -> String {
    let one = |key: &str, value: &str| {
        super::indicator(key, 100.0, &format!("{{ kind = \"fixed\", value = {value} }}"), "reweigh")
            + "one_of = \"x\"\n"
    };
    let text = super::scheme(&(one("tax_int", "10.0") + &one("out_int", "100.0")));
    let set = "one_of = [{ name = \"x\", take = \"best\", source = \"assumption\" }]\n[gate]";
    let text = text.replacen("[gate]", set, 1).replacen("coverage = 0.6", "coverage = 0.5", 1);
    text.replacen("a = 20.0, b = 60.0, c = 95.0", "by = \"score\", a = 100.0, b = 70.0, c = 40.0", 1)
}

/// Grades by rules over tax and output.
fn by_rules() -> String {
    let tax = super::indicator("tax_int", 60.0, r#"{ kind = "fixed", value = 12.0 }"#, "reweigh");
    let output = super::indicator("out_int", 40.0, r#"{ kind = "fixed", value = 200.0 }"#, "reweigh");
    super::scheme(&(tax + &output)).replacen(
        "a = 20.0, b = 60.0, c = 95.0",
        "by = \"rules\", otherwise = \"D\", rule = [{ grade = \"A\", when = \"tax_int >= 20 and out_int >= 200\" }, \
         { grade = \"C\", when = \"score >= 50\" }], limit = [{ grade = \"D\", when = \"out_int < 50\" }]",
        1,
    )
}

#[rstest]
#[case::no_end("below = 0, ", "", &["indicator 1 (tax_int)", "gap", "below"])]
#[case::both_ends("below = 0, ", "below = 0, above = 0, ", &["indicator 1 (tax_int)", "gap"])]
#[case::mixed_sides("{ from = 20", "{ to = 20", &["indicator 1 (tax_int)", "gap"])]
#[case::out_of_order("{ from = 20", "{ from = 5", &["indicator 1 (tax_int)", "[10.0, 5.0]", "ascending"])]
#[case::twice("{ from = 20", "{ from = 10", &["indicator 1 (tax_int)", "ascending order, each once"])]
#[case::to_and_fro("below = 0", "below = 40", &["indicator 1 (tax_int)", "[40.0, 30.0, 60.0]", "rise and then fall"])]
#[case::below_nothing("below = 0", "below = -5", &["indicator 1 (tax_int)", "0 or more"])]
#[case::not_its_weight("points = 60", "points = 50", &["indicator 1 (tax_int)", "at most 50", "the weight, 60"])]
#[case::no_table("steps = { below = 0, at = [{ from = 10, points = 30 }, { from = 20, points = 60 }] }\n", "", &["steps = { … }"])]
#[case::capped("direction = \"steps\"", "direction = \"steps\"\ncap = 1.5", &["indicator 1 (tax_int)", "cap, floor or winsorise"])]
#[case::measured("direction = \"steps\"", "direction = \"steps\"\nbenchmark = { kind = \"peer-mean\" }", &["neither benchmark nor band"])]
#[case::other_way("direction = \"steps\"", "direction = \"higher\"", &["indicator 1 (tax_int)", "direction = \"steps\""])]
#[case::classes_of_a_figure("land_class", "far_use", &["indicator 2 (far_use)", "expected classes for location_class"])]
#[case::class_without_points("points = 40, ", "", &["missing field", "points"])]
#[case::class_of_nothing("locked = true", "looked = true", &["looked", "locked"])]
#[case::classes_short_of_the_weight("points = 40", "points = 30", &["indicator 2 (land_class)", "the weight, 40"])]
#[case::no_class("of = [{ when = \"locked = true\", points = 40, title = { zh = \"锁定\", en = \"locked\" } }]", "of = []", &["at least one class"])]
fn a_table_that_makes_no_sense_is_refused(#[case] from: &str, #[case] to: &str, #[case] words: &[&str]) {
    refused(&tables(), from, to, words);
}

#[rstest]
#[case::lonely("one_of = \"x\"\n[[", "[[", &["one_of \"x\"", "has 1 indicators", "two or more"])]
#[case::unequal("key = \"out_int\"\nweight = 100.0", "key = \"out_int\"\nweight = 50.0", &["one_of \"x\"", "[100.0, 50.0]", "one weight"])]
#[case::nowhere("name = \"x\"", "name = \"y\"", &["one_of \"y\"", "has 0 indicators"])]
#[case::undeclared("[{ name = \"x\", take = \"best\", source = \"assumption\" }]", "[]", &["indicator 1 (tax_int)", "one_of \"x\" is nowhere"])]
#[case::unknown_choice("take = \"best\"", "take = \"second\"", &["second", "worst"])]
#[case::counted_once("key = \"out_int\"\nweight = 100.0", "key = \"out_int\"\nweight = 100.0\none_of = \"\"", &["duplicate"])]
fn a_set_that_makes_no_sense_is_refused(#[case] from: &str, #[case] to: &str, #[case] words: &[&str]) {
    refused(&sets(), from, to, words);
}

#[rstest]
#[case::cuts_beside("by = \"rules\"", "by = \"rules\", a = 20.0", &["cutoffs", "a, b or c stands with rules"])]
#[case::rules_beside("by = \"rules\"", "by = \"score\", a = 3.0, b = 2.0, c = 1.0", &["cutoffs", "by = \"rules\""])]
#[case::no_rest("otherwise = \"D\", ", "", &["cutoffs", "the grade otherwise"])]
#[case::missing_cuts("by = \"rules\"", "by = \"score\"", &["cutoffs", "a, b or c is missing"])]
#[case::rest_is_no_grade("otherwise = \"D\"", "otherwise = \"T\"", &["cutoffs", "otherwise T"])]
#[case::gives_t("grade = \"C\"", "grade = \"T\"", &["cutoffs, rule 2", "grade T", "A to D"])]
#[case::limits_nothing("limit = [{ grade = \"D\"", "limit = [{ grade = \"A\"", &["cutoffs, limit 1", "grade A", "B to D"])]
#[case::not_weighed("tax_int >= 20", "va_int >= 20", &["cutoffs, rule 1", "va_int", "no indicator of the part"])]
#[case::no_name("score >= 50", "scare >= 50", &["scare", "score"])]
#[case::no_condition("score >= 50", "score", &["filter"])]
fn rules_that_make_no_sense_are_refused(#[case] from: &str, #[case] to: &str, #[case] words: &[&str]) {
    refused(&by_rules(), from, to, words);
}

#[test]
fn a_rule_over_the_figure_of_a_class_is_refused_for_it_has_none() {
    let rule = "limit = [{ grade = \"B\", when = \"land_class >= 1\" }], source";
    let with = |rule: &str| tables().replacen("c = 40.0, source", &format!("c = 40.0, {rule}"), 1);
    let told = Scheme::parse(&with(rule)).unwrap_err().to_string();
    assert!(told.contains("cutoffs, limit 1") && told.contains("land_class_ratio"), "{told}");
    Scheme::parse(&with(&rule.replace("land_class >=", "land_class_ratio >="))).unwrap();
}

/// A scheme that is sound, and no longer so with one text in the place of another.
fn refused(sound: &str, from: &str, to: &str, words: &[&str]) {
    Scheme::parse(sound).unwrap();
    let text = sound.replacen(from, to, 1);
    assert_ne!(text, sound, "the case changes something");
    let error = Scheme::parse(&text).unwrap_err();
    let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    let told = format!("{error}: {cause}");
    assert!(words.iter().all(|word| told.contains(word)), "{told}");
}

fn one(text: &str, facts: Facts) -> (Rules, Receipt) {
    let rules = Rules::parse(text, DECISIONS, VALUES).unwrap();
    let receipt = judge(&rules, as_of(), vec![facts], 1).unwrap().remove(0);
    (rules, receipt)
}

fn lift_of(text: &str, facts: Facts) -> Lift {
    let (rules, receipt) = one(text, facts);
    lift(&rules.scheme, &receipt, &[], None).unwrap()
}

#[test]
fn the_next_threshold_is_named_as_the_way_up_and_a_class_as_none() {
    let Lift::Figures { to, ways, short, .. } = lift_of(&tables(), paying(1, 12.0)) else { panic!() };
    assert_eq!((to, ways[0].key, ways[0].to), (Grade::A, Indicator::TaxInt, 20.0));
    assert_eq!(short.iter().map(|one| (one.key, one.why)).collect::<Vec<_>>(), [(Indicator::LandClass, Why::Given)]);
}

#[test]
fn of_a_set_the_least_change_is_found_for_each_whichever_counts() {
    let facts = paying(1, 8.0).with(Measure::Output, [Some(1_500.0); 3]);
    let (_, receipt) = one(&sets(), facts.clone());
    // Tax is at 0.8 and output at 0.5: tax counts.
    assert_eq!((receipt.score, receipt.indicators[1].passed_over), (Some(80.0), Some(50.0)));
    let Lift::Figures { ways, .. } = lift_of(&sets(), facts) else { panic!() };
    // To the place to which scores are rounded.
    let ways: Vec<(Indicator, f64)> = ways.iter().map(|way| (way.key, (way.to * 1e3).round() / 1e3)).collect();
    assert_eq!(ways, [(Indicator::TaxInt, 10.0), (Indicator::OutInt, 100.0)]);
}

#[test]
fn rules_say_themselves_what_would_lift_a_grade() {
    let facts = |tax: f64, output: f64| paying(1, tax).with(Measure::Output, [Some(output * 30.0); 3]);
    let said = |facts: Facts| match lift_of(&by_rules(), facts) {
        Lift::Rules { to, rules } => (to, rules.into_iter().map(|rule| rule.when).collect::<Vec<_>>()),
        other => panic!("{other:?}"),
    };
    let first = "tax_int >= 20 and out_int >= 200".to_owned();
    assert_eq!(said(facts(15.0, 150.0)), (Grade::B, vec![first.clone()]));
    assert_eq!(said(facts(1.0, 100.0)), (Grade::C, vec![first, "score >= 50".to_owned()]));
    // Held down: the rule that holds it is what must go.
    assert_eq!(said(facts(30.0, 40.0)), (Grade::C, vec!["out_int < 50".to_owned()]));
    assert_eq!(lift_of(&by_rules(), facts(20.0, 200.0)), Lift::Best);
}

#[test]
fn an_explanation_names_the_rule_the_class_and_what_was_passed_over() {
    let said = |text: &str, facts: Facts, words: [&str; 2]| {
        let told = explain(&one(text, facts).1, &Default::default());
        for (lines, word) in [(&told.zh, words[0]), (&told.en, words[1])] {
            assert!(lines.iter().any(|line| line.contains(word)), "{lines:?} says {word}");
        }
    };
    let both = paying(1, 15.0).with(Measure::Output, [Some(3_000.0); 3]);
    said(&by_rules(), both.clone(), ["按方案规则定为 C：score >= 50", "By the rules of the scheme C: score >= 50"]);
    said(&by_rules(), paying(1, 30.0), ["缺少土地产出率，无法判定规则", "hangs on what is unknown (output per land)"]);
    said(&sets(), both.clone(), ["同组另一项计分", "another of its set counts"]);
    said(&tables(), both, ["用地类别：锁定，得 40.00/40 分", "class of the land: locked, 40.00 of 40 points"]);
}

fn table(text: &str) -> Steps {
    toml::from_str(text).unwrap()
}

const TABLES: [&str; 5] = [
    "below = 0\nat = [{ from = 10, points = 15 }, { from = 20, points = 30 }]",
    "above = 0\nat = [{ to = 5, points = 30 }, { to = 20, points = 10 }]",
    "below = 0\nbetween = \"line\"\nat = [{ from = 10, points = 0 }, { from = 20, points = 30 }, { from = 30, points = 30 }, { from = 40, points = 5 }]",
    "below = 30\nat = [{ from = 10, points = 20 }, { from = 12, points = 0 }]",
    "above = 2\nbetween = \"line\"\nat = [{ to = 5, points = 0 }, { to = 20, points = 30 }, { to = 25, points = 30 }]",
];

#[rstest]
#[case(0, &[(9.999_999, 0.0), (10.0, 15.0), (19.0, 15.0), (20.0, 30.0), (1e9, 30.0)])]
#[case(1, &[(-3.0, 30.0), (5.0, 30.0), (5.000_001, 10.0), (20.0, 10.0), (20.000_001, 0.0)])]
#[case(2, &[(9.0, 0.0), (10.0, 0.0), (15.0, 15.0), (25.0, 30.0), (36.0, 15.0), (99.0, 5.0)])]
#[case(3, &[(9.0, 30.0), (10.0, 20.0), (12.0, 0.0)])]
#[case(4, &[(1.0, 0.0), (5.0, 0.0), (10.0, 10.0), (22.0, 30.0), (25.1, 2.0)])]
fn a_table_gives_the_points_that_it_says(#[case] place: usize, #[case] expected: &[(f64, f64)]) {
    let steps = table(TABLES[place]);
    assert_eq!(steps.fault(), None);
    for (value, points) in expected {
        assert_eq!(steps.points(*value), *points, "of {value}");
    }
}

proptest! {
    #[test]
    fn towards_the_best_figure_points_never_fall_and_at_it_they_are_the_most(
        place in 0..TABLES.len(), value in -10.0..60.0f64, part in 0.0..1.0f64,
    ) {
        let steps = table(TABLES[place]);
        let best = steps.best(value);
        prop_assert_eq!(steps.points(best), steps.most());
        let between = value + (best - value) * part;
        prop_assert!(steps.points(between) >= steps.points(value) - 1e-9, "{} at {} towards {}", value, between, best);
    }
}
